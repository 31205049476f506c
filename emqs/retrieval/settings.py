"""Settings of data, models and searches; values come from configs/."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from emqs.errors import ConfigError
from emqs.settings import above_zero, at_least, fraction, one_of

MAX_CANDIDATES = 2**22  # of a round that ranks by codes: what a computer's memory holds
FOUND = "found"  # of search.size_nm: the examples say it
SCORERS = ("nearest", "prototype", "knn", "lda", "logistic", "svm", "density", "ensemble")
OF_WINDOWS = ("window", "step", "smooth", "smooth_z", "question")  # settings of ``dense``
OF_SCORERS = {  # settings, and the scorers that they are of
    "num_neighbors": ("nearest", "ensemble"), "typical": ("nearest", "ensemble"), "k": ("knn",),
    "c": ("logistic", "svm", "ensemble"), "bandwidth": ("svm", "density"),
}  # fmt: skip
QUESTIONS = ("touches", "mostly", "graded")


@dataclass(frozen=True)
class QueryConfig:
    """What to look for. Values come from ``configs/query/*.yaml``."""

    structure: int = 1  # label value in images/<dataset>/labels
    min_overlap: float = 0.5  # fraction of a patch that makes it a positive example, (0, 1]
    num_neighbors: int = 1  # nearest examples whose distances are averaged
    batch_size: int = 10  # consecutive slices per block; the middle one is the query slice
    scorer: str | None = "nearest"  # one of SCORERS; None: what fits the network, in slices
    metric: str = "l2"  # l2 or cosine
    whiten: str = "none"  # none, standard, pca, within or turned
    typical: bool = False  # nearest: what is typical of all codes is a weak negative example
    k: int = 5  # knn: nearest examples of each kind that count
    c: float = 10.0  # logistic, svm: inverse strength of the penalty
    bandwidth: float = 0.5  # density, svm: width of a kernel, in typical lengths of a code
    sizes: list[float] | None = None  # edges of concentric patches, in edges; None: one size
    dense: bool = False  # score windows on a finer grid; False: each patch as a whole
    window: Any = None  # dense: edge of a window in patches, or a list; None: what fits the network
    step: float = 0.25  # dense: step of the grid of windows, in patches
    smooth: float = 0.25  # dense: sigma of a Gaussian over scores in a slice, in patches; 0: none
    smooth_z: float = 1.0  # dense: the same over consecutive slices, in slices; 0: none
    question: str = "touches"  # dense: one of QUESTIONS; see ``windows.answer``
    calibrate: bool = True  # turn scores into probabilities where there are enough examples

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if self.structure == 0:
            raise ConfigError("query.structure must not be 0: that is the background.")
        at_least("query.structure", self.structure, 1)
        fraction("query.min_overlap", self.min_overlap, zero=False)
        at_least("query.num_neighbors", self.num_neighbors, 1)
        at_least("query.batch_size", self.batch_size, 1)
        if self.scorer is not None:
            one_of("query.scorer", self.scorer, SCORERS)
        one_of("query.metric", self.metric, ("l2", "cosine"))
        one_of("query.whiten", self.whiten, ("none", "standard", "pca", "within", "turned"))
        at_least("query.k", self.k, 1)
        above_zero("query.c", self.c)
        above_zero("query.bandwidth", self.bandwidth)
        one_of("query.question", self.question, QUESTIONS)
        for window in self.windows:
            fraction("query.window", window, zero=False)
        fraction("query.step", self.step, zero=False)
        for name, most, unit in (("smooth", 10, "patches"), ("smooth_z", 1000, "slices")):
            value = getattr(self, name)
            if not 0 <= value <= most:
                raise ConfigError(f"query.{name} must be from 0 to {most} {unit}, got {value:g}.")
        if self.sizes is not None and not self.sizes:
            raise ConfigError("query.sizes is empty; give factors such as [0.75,1,1.5], or null.")
        for size in self.sizes or []:
            if not 0.1 <= size <= 10:
                raise ConfigError(f"query.sizes must be factors from 0.1 to 10, got {size:g}.")

    @property
    def as_in_paper(self) -> bool:
        """Whether patches are scored as in the paper, and so measured and written as there."""
        plain = self.metric == "l2" and self.whiten == "none" and self.scorer == "nearest"
        return plain and not (self.dense or self.typical or self.sizes)

    def idle(self, names: Iterable[str]) -> list[str]:
        """Return which of some settings do nothing beside the others, and why, a sentence each.

        Args:
            names: E.g. ``"query.k"``; those of other groups are left alone.
        """
        told = []
        for name in (full.removeprefix("query.") for full in names if full.startswith("query.")):
            if name in OF_WINDOWS and not self.dense:
                told.append(f"query.{name} does nothing with query.dense=false.")
            elif name in OF_SCORERS and self.scorer not in (None, *OF_SCORERS[name]):
                told.append(f"query.{name} does nothing with query.scorer={self.scorer}.")
        return told

    @property
    def windows(self) -> tuple[float, ...]:
        """Edges of windows, in patches; none where ``window`` is None.

        Raises:
            ConfigError: If ``window`` is no number and no list of numbers.
        """
        if self.window is None:
            return ()
        values = list(self.window) if isinstance(self.window, list | tuple) else [self.window]
        if not values or not all(isinstance(v, int | float) for v in values):
            raise ConfigError(
                "query.window must be a fraction of a patch such as 0.5, several such as [0.5,1], "
                f"or null, got {self.window}."
            )
        return tuple(float(v) for v in values)


@dataclass(frozen=True)
class IndexConfig:
    """How nearest examples are found. Values come from ``configs/index/*.yaml``."""

    name: str = "annoy"  # annoy or exact
    n_trees: int = 750  # annoy: more is more exact and slower to build
    search_k: int = -1  # annoy: nodes inspected per query; -1: n_trees * num_neighbors
    seed: int = 0  # annoy: of its random splits

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        one_of("index.name", self.name, ("annoy", "exact"))
        at_least("index.n_trees", self.n_trees, 1)
        if self.search_k != -1:
            at_least("index.search_k (unless it is -1, automatic)", self.search_k, 1)
        if not -(2**31) <= self.seed < 2**31:
            raise ConfigError(
                f"index.seed must be from {-(2**31)} to {2**31 - 1}, which is what Annoy takes, "
                f"got {self.seed}."
            )


@dataclass(frozen=True)
class SearchConfig:
    """What is looked for, and what is shown. Values come from ``configs/search.yaml``."""

    n_results: int = 48  # on a page
    page: int = 0  # counted from 0
    candidates: int = 20_000  # nearest signatures that are ranked by their codes
    exact: bool = False  # rank every place by its code
    expand: bool = False  # logistic: the first matches that agree are added to few examples
    smooth: float = 0.0  # sigma of a Gaussian over scores in the grid, in patches; 0: none
    size_nm: Any = None  # edge of windows; None: as the store was made; "found": examples tell
    distance_nm: float | None = None  # least distance of results; None: the edge of a patch
    box_nm: list[Any] | None = None  # [[z,y,x],[z,y,x]], first and last; None: everywhere
    n_threads: int | None = None  # of the scan; None: one per core
    suggestions: int = 0  # places to label next; 0: none

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        for name, least in (("n_results", 1), ("page", 0), ("candidates", 1), ("suggestions", 0)):
            if getattr(self, name) < least:
                raise ConfigError(
                    f"search.{name} must be at least {least}, got {getattr(self, name)}."
                )
        if self.candidates > MAX_CANDIDATES:
            raise ConfigError(
                f"search.candidates must be at most {MAX_CANDIDATES}, got {self.candidates}. "
                "search.exact=true ranks every place."
            )
        if not 0 <= self.smooth <= 1:
            raise ConfigError(
                f"search.smooth must be from 0 to 1, in edges of a patch, got {self.smooth:g}."
            )
        if self.size_nm not in (None, FOUND) and not (
            _is_number(self.size_nm) and self.size_nm > 0
        ):
            raise ConfigError(
                f"search.size_nm must be a length above 0, or {FOUND}, got {self.size_nm!r}."
            )
        if self.distance_nm is not None and not 0 <= self.distance_nm < math.inf:
            raise ConfigError(f"search.distance_nm must be 0 or more, got {self.distance_nm:g}.")
        if self.box_nm is not None:
            box = self.box_nm
            numbers = [v for corner in box if isinstance(corner, list | tuple) for v in corner]
            if len(box) != 2 or len(numbers) != 6 or not all(_is_number(v) for v in numbers):
                raise ConfigError(
                    "search.box_nm must be the first and the last corner in nm, "
                    f"'[[z,y,x],[z,y,x]]', got {box}."
                )
            if any(a > b for a, b in zip(numbers[:3], numbers[3:], strict=True)):
                raise ConfigError(f"search.box_nm ends before it begins: {box}.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class RetrieveConfig:
    """Which examples, what is searched and shown. Values come from ``configs/retrieve.yaml``."""

    positive: list[Any] | None = None  # voxels [z,y,x]; None: drawn where labels say
    negative: list[Any] | None = None  # the same; None beside points: no negative examples
    n_positive: int = 1  # drawn at most, if no points are given
    n_negative: int = 1
    full_size: bool = True  # draw no example that is cut at a border
    seed: int = 42  # of the draw
    query_slice: int | None = None  # draw from this slice; None: from all query slices
    slice_offset: int | None = None  # search only the slice this much later; None: search all
    exclude: str = "patches"  # not searched: patches that overlap an example, or its whole slices
    distinct: str = "boxes"  # results must not: overlap (boxes), share a component; or none
    reach: int | None = None  # boxes: also across so many slices; None: as deep as a patch is wide
    move: bool = True  # show results whole, where they score best; False: the grid as it is
    n_results: int = 12
    suggestions: int = 5  # patches to label next; 0: none

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        for name in ("n_positive", "n_negative", "n_results"):
            if getattr(self, name) < 1:
                raise ConfigError(f"retrieve.{name} must be at least 1, got {getattr(self, name)}.")
        if self.suggestions < 0:
            raise ConfigError(f"retrieve.suggestions must be at least 0, got {self.suggestions}.")
        for name, allowed in (
            ("exclude", ("patches", "slices")),
            ("distinct", ("boxes", "components", "none")),
        ):
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"retrieve.{name} must be one of {', '.join(allowed)}, "
                    f"got '{getattr(self, name)}'."
                )
        _check_points("retrieve.positive", self.positive)
        _check_points("retrieve.negative", self.negative, known=self.positive)
        if self.positive is not None and len(self.positive) == 0:
            raise ConfigError("retrieve.positive is empty; give at least one point [z,y,x].")
        if self.negative is not None and self.positive is None:
            raise ConfigError(
                "retrieve.negative is given without retrieve.positive; give points for both, or "
                "for retrieve.positive alone."
            )
        if self.reach is not None and self.reach < 0:
            raise ConfigError(f"retrieve.reach must be at least 0 slices, got {self.reach}.")
        if self.slice_offset == 0:
            raise ConfigError("retrieve.slice_offset must not be 0: that is the query slice.")


def _check_points(setting: str, points: list[Any] | None, known: list[Any] | None = None) -> None:
    """Raise unless these are voxels; whether they lie in the stack is checked when it is read.

    Those that are known are positive examples: none is both.
    """
    for point in points or []:
        if point in (known or []):
            raise ConfigError(
                f"{point} is in retrieve.positive and in {setting}. Take it out of one."
            )
        if not (isinstance(point, list) and len(point) == 3 and all(type(v) is int for v in point)):
            raise ConfigError(
                f"{setting} must be a list of voxels in whole numbers, '[[z,y,x],[z,y,x]]', "
                f"got {points}."
            )
