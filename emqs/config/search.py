"""Settings of data, models and searches; values come from configs/."""

from dataclasses import dataclass, field
from typing import Any

from emqs.config.reading import above_zero, at_least, fraction, one_of
from emqs.errors import ConfigError

SCORERS = ("nearest", "prototype", "knn", "lda", "logistic", "svm", "density")


@dataclass(frozen=True)
class PathsConfig:
    """Where files are. Values come from ``configs/paths/*.yaml``."""

    images: str  # folder that holds NAME/raw and NAME/labels
    weights: str  # folder of the shipped weight files
    outputs: str  # folder of all results


@dataclass(frozen=True)
class MemberConfig:
    """One folder of a mixture of datasets."""

    name: str  # folder under paths.images
    pixel_size_nm: float | None = None  # edge of a pixel, nm
    section_nm: float | None = None  # distance between slices, nm
    share: float = 1.0  # how often its patches are drawn, relative to the others
    consecutive: bool = True  # whether its slices follow each other in a volume
    patch: list[float] | None = None  # edges drawn, [low, high] in patch.unit; None: patch.size

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        above_zero("dataset.members.pixel_size_nm", self.pixel_size_nm)
        above_zero("dataset.members.section_nm", self.section_nm)
        if self.patch is not None and (
            len(self.patch) != 2 or not 0 < self.patch[0] <= self.patch[1]
        ):
            raise ConfigError(
                "dataset.members.patch must be [low, high] with 0 < low <= high, "
                f"got {list(self.patch)}."
            )
        above_zero("dataset.members.share", self.share)


@dataclass(frozen=True)
class ToyConfig:
    """Size and seed of the EM-like stack that is drawn on the spot."""

    n_slices: int = 20
    height: int = 512  # pixels
    width: int = 512  # pixels
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        at_least("dataset.toy.n_slices", self.n_slices, 1)
        at_least("dataset.toy.height", self.height, 64)
        at_least("dataset.toy.width", self.width, 64)


@dataclass(frozen=True)
class PackagedConfig:
    """The textures that are added to the pictures from installed packages."""

    n_textures: int = 24
    texture_size: int = 512  # edge, pixels
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        at_least("dataset.packaged.n_textures", self.n_textures, 0)
        at_least("dataset.packaged.texture_size", self.texture_size, 64)
        at_least("dataset.packaged.seed", self.seed, 0)


@dataclass(frozen=True)
class DatasetConfig:
    """Which slices. Values come from ``configs/dataset/*.yaml``."""

    name: str  # for a folder: its name under paths.images
    kind: str  # folder, toy, packaged or mixture
    pixel_size_nm: float | None = None  # edge of a pixel in the slice plane, nm
    section_nm: float | None = None  # distance between slices, nm
    consecutive: bool = True  # whether slices follow each other in a volume
    slices: list[int] | None = None  # [first, one past last]; None takes all
    intensity: str = "dtype"  # dtype: divide by the type's maximum; stretch: percentiles
    classes: dict[int, str] = field(default_factory=dict)  # label value to name
    toy: ToyConfig = field(default_factory=ToyConfig)
    packaged: PackagedConfig = field(default_factory=PackagedConfig)
    members: list[MemberConfig] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        one_of("dataset.kind", self.kind, ("folder", "toy", "packaged", "mixture"))
        one_of("dataset.intensity", self.intensity, ("dtype", "stretch"))
        above_zero("dataset.pixel_size_nm", self.pixel_size_nm)
        above_zero("dataset.section_nm", self.section_nm)
        if self.slices is not None and (
            len(self.slices) != 2 or not 0 <= self.slices[0] < self.slices[1]
        ):
            raise ConfigError(
                "dataset.slices must be [first, one past last] with 0 <= first < last, "
                f"got {list(self.slices)}."
            )
        if self.kind == "mixture" and not self.members:
            raise ConfigError("dataset.members is empty; a mixture needs at least one folder.")


@dataclass(frozen=True)
class DownloadConfig:
    """Where public files come from. Values come from ``configs/download.yaml``."""

    base_url: str  # folder on the server, http:// or https://
    cache: str  # folder that keeps fetched files and their SHA-256
    timeout_s: float  # longest silence of the server, seconds

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if not self.base_url.startswith(("http://", "https://")):
            raise ConfigError(
                f"download.base_url must start with https:// or http://, got '{self.base_url}'."
            )
        above_zero("download.timeout_s", self.timeout_s)


@dataclass(frozen=True)
class PatchConfig:
    """How slices are cut. Values come from ``configs/patch/*.yaml``."""

    size: float = 80  # edge of a square patch, in ``unit``
    stride: float | None = None  # grid step, in ``unit``; None: the size, so no overlap
    unit: str = "px"  # px or nm
    border: bool = True  # keep patches that are cut at the border of a slice

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        one_of("patch.unit", self.unit, ("px", "nm"))
        above_zero("patch.size", self.size)
        above_zero("patch.stride", self.stride)


@dataclass(frozen=True)
class QueryConfig:
    """What to look for. Values come from ``configs/query/*.yaml``."""

    structure: int = 1  # label value in images/<dataset>/labels
    min_overlap: float = 0.5  # fraction of a patch that makes it a positive example, (0, 1]
    num_neighbors: int = 1  # nearest examples whose distances are averaged
    batch_size: int = 10  # consecutive slices per block; the middle one is the query slice
    scorer: str = "nearest"  # one of SCORERS
    metric: str = "l2"  # l2 or cosine
    whiten: str = "none"  # none, standard or pca
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
    question: str = "touches"  # dense: touches (highest score in a patch) or mostly (mean score)
    calibrate: bool = True  # turn scores into probabilities where there are enough examples

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if self.structure == 0:
            raise ConfigError("query.structure must not be 0: that is the background.")
        at_least("query.structure", self.structure, 1)
        fraction("query.min_overlap", self.min_overlap, zero=False)
        at_least("query.num_neighbors", self.num_neighbors, 1)
        at_least("query.batch_size", self.batch_size, 1)
        one_of("query.scorer", self.scorer, SCORERS)
        one_of("query.metric", self.metric, ("l2", "cosine"))
        one_of("query.whiten", self.whiten, ("none", "standard", "pca"))
        at_least("query.k", self.k, 1)
        above_zero("query.c", self.c)
        above_zero("query.bandwidth", self.bandwidth)
        one_of("query.question", self.question, ("touches", "mostly"))
        for window in self.windows:
            fraction("query.window", window, zero=False)
        fraction("query.step", self.step, zero=False)
        at_least("query.smooth", self.smooth, 0)
        at_least("query.smooth_z", self.smooth_z, 0)
        if self.sizes is not None and not self.sizes:
            raise ConfigError("query.sizes is empty; give factors such as [0.75,1,1.5], or null.")
        for size in self.sizes or []:
            if not 0.1 <= size <= 10:
                raise ConfigError(f"query.sizes must be factors from 0.1 to 10, got {size:g}.")

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
class PreprocessingConfig:
    """What happens to a patch before the network sees it; stored inside every weights file."""

    size: int = 64  # edge of the network's input, pixels
    contrast: str = "none"  # none: pixels / 255; slice: each slice to one mean and spread

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        at_least("model.preprocessing.size", self.size, 8)
        one_of("model.preprocessing.contrast", self.contrast, ("none", "slice"))


@dataclass(frozen=True)
class ModelConfig:
    """Which encoder. Values come from ``configs/model/*.yaml``."""

    name: str  # a file of emqs/models
    network: dict[str, Any] = field(default_factory=dict)  # arguments of its class
    preprocessing: PreprocessingConfig = field(default_factory=PreprocessingConfig)
    weights: str | None = None  # default of weights=; None: the model needs none
    parts: list[str] = field(default_factory=list)  # combined: names of its models
    part: dict[str, Any] = field(default_factory=dict)  # combined: settings of each, by name


@dataclass(frozen=True)
class LoggerConfig:
    """Where metrics and figures go besides the run's folder."""

    csv: bool = True
    wandb: bool = False
    project: str = "emqs"  # W&B project
    group: str | None = None  # W&B group, e.g. the name of a sweep


@dataclass(frozen=True)
class ComputeConfig:
    """How codes are computed; stands at the top of the commands that search."""

    batch_size: int = 512  # patches embedded at once; memory and speed only
    device: str | None = None  # a torch device; None takes a GPU where there is one
    figures: bool = True  # draw them
    n_bootstrap: int = 200  # evaluate: resamples of slices for the confidence intervals

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        at_least("batch_size", self.batch_size, 1)
        if self.n_bootstrap < 40:
            raise ConfigError(
                f"n_bootstrap must be at least 40, got {self.n_bootstrap}: the interval ends where "
                "one in 40 resamples lies outside."
            )
