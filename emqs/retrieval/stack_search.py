"""Score patches: examples become a scorer, slices become scores.

With ``query.dense``, windows of one or several sizes, none larger than a patch, are scored on a
grid finer than the patches, the scores are smoothed, and a patch gets what ``query.question`` makes
of those in it; the mean over the sizes that fit into it ranks. Without, every patch is scored as a
whole, as in the paper.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from emqs.datasets import Stack
from emqs.embedding import encode
from emqs.models import Convolutional
from emqs.models.compute import DEFAULT, Compute
from emqs.models.weights import Model
from emqs.patches import boxes as patch_boxes
from emqs.patches import windows
from emqs.retrieval import scorers, suggestions
from emqs.retrieval.scorers import space as spaces
from emqs.retrieval.scorers.scorer import Scorer
from emqs.retrieval.settings import IndexConfig, QueryConfig

BACKGROUND = 4096  # a scorer learns from at most this many unlabelled patches or windows ...
BACKGROUND_SLICES = 8  # ... windows from at most so many slices, evenly spaced
SCORED = 16384  # codes scored at once: a scorer works with several copies of them in float64
# query.window=null: edges of windows in patches. Networks that encode whole slices see more than a
# window: half a patch shows where in it something is, a whole one how much of it there is.
PARTS, PARTS_ALONE = (0.5, 1.0), (1.0,)


def embed_sizes(
    model: Model,
    stack: Stack,
    boxes: np.ndarray,
    sizes: list[float] | None,
    *,
    patch_size: int | None = None,
    compute: Compute = DEFAULT,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield codes of patches of several sizes, side by side; see ``embeddings.embed_batches``.

    Args:
        model: The encoder.
        stack: The slices.
        boxes: Patch positions, shape ``(N, 5)``.
        sizes: ``query.sizes``, S of them; None: the codes of ``boxes`` alone.
        patch_size: Edge of a whole patch, in pixels; None: the longest edge of a box.
        compute: Device and batch size.

    Yields:
        Positions in ``boxes``, ``(n,)``, and their codes, ``(n, S D)``, float32.
    """
    size = int(boxes[:, 3:].max(initial=1)) if patch_size is None else patch_size
    parts = [
        encode.embed_batches(
            model,
            stack,
            boxes if factor == 1 else patch_boxes.resized(boxes, factor, stack.shapes),
            patch_size=max(1, round(size * factor)),
            compute=compute,
        )
        for factor in sizes or [1.0]
    ]
    for batches in zip(*parts, strict=True):  # the order depends on the slices alone
        yield batches[0][0], np.concatenate([codes for _, codes in batches], axis=1)


@dataclass(frozen=True)
class CachedCodes:
    """Codes of some searched patches."""

    positions: np.ndarray  # (B,), int64, among the searched patches, ascending
    codes: np.ndarray  # (B, D), float32


@dataclass(frozen=True)
class Examples:
    """Codes of examples of one kind; with ``query.dense`` those of all windows in them."""

    codes: np.ndarray  # (P, D), float32
    owner: np.ndarray  # (P,), int64: the example that each code is of, 0 to n - 1
    n: int  # examples

    def of(self, examples: np.ndarray | int) -> np.ndarray:
        """Return the codes of one example or several, given by number."""
        return self.codes[np.isin(self.owner, examples)]


@dataclass(frozen=True)
class Part:
    """What is known of windows of one size; of whole patches, where patches are not divided."""

    scorer: Scorer
    positives: Examples
    negatives: Examples | None  # None if there are none
    background: np.ndarray | None  # (B, D), float32: what the scorer learnt from without labels


@dataclass(frozen=True)
class FittedExamples:
    """Codes of the examples and the scorers made of them."""

    parts: tuple[Part, ...]  # one for each size of windows, in the order of ``StackSearch.edges``
    known: CachedCodes | None = (
        None  # the background as codes of searched patches, if it is of these
    )


@dataclass(frozen=True)
class StackSearch:
    """How one model looks for one thing in one stack."""

    model: Model
    stack: Stack
    patch_size: int  # edge of a whole patch, in pixels
    query: QueryConfig  # with a scorer
    index: IndexConfig
    compute: Compute = DEFAULT

    def __post_init__(self) -> None:
        """Choose what fits the network where ``query.scorer`` is None."""
        if self.query.scorer is None:
            scorer = "ensemble" if self._sees_around else "nearest"
            object.__setattr__(self, "query", replace(self.query, scorer=scorer))

    @property
    def _sees_around(self) -> bool:
        """Whether the network encodes whole slices, so that a window is seen in its surroundings.

        A classifier that is fitted to few examples tells more of such codes, and less of others.
        """
        return isinstance(self.model.network, Convolutional)

    @property
    def edges(self) -> tuple[int, ...]:
        """Edges of windows, in pixels; that of a patch, if patches are not divided."""
        if not self.query.dense:
            return (self.patch_size,)
        parts: Sequence[float] = self.query.windows
        if not parts:
            parts = PARTS if self._sees_around else PARTS_ALONE
        return tuple(max(1, round(part * self.patch_size)) for part in parts)

    @property
    def step(self) -> int:
        """Step of the grid of windows, in pixels."""
        return max(1, round(self.query.step * self.patch_size))

    def embed(self, boxes: np.ndarray) -> np.ndarray:
        """Return the codes of boxes ``(N, 5)``, shape ``(N, D)``, float32, in their order."""
        batches = list(self.batches(boxes))
        order = np.argsort(np.concatenate([numbers for numbers, _ in batches]), kind="stable")
        return np.concatenate([codes for _, codes in batches])[order]

    def batches(self, boxes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield positions in ``boxes`` and their codes; see ``embed_sizes``."""
        return embed_sizes(
            self.model, self.stack, boxes, self.query.sizes,
            patch_size=self.patch_size, compute=self.compute,
        )  # fmt: skip

    def examples(self, boxes: np.ndarray, window: int) -> Examples:
        """Return the codes of examples ``(N, 5)``, or of the windows of one size in them."""
        if not self.query.dense:
            return Examples(self.embed(boxes), np.arange(len(boxes)), len(boxes))
        inside, owner = windows.of_boxes(boxes, window, self.step)
        return Examples(self.embed(inside), owner, len(boxes))

    def prepare(
        self, positives: np.ndarray, negatives: np.ndarray, searched: np.ndarray
    ) -> FittedExamples:
        """Return scorers of examples.

        Args:
            positives: Boxes of the positive examples, shape ``(P, 5)``.
            negatives: Boxes of the negative examples, shape ``(M, 5)``; M is 0 if there are none.
            searched: Boxes that will be searched, shape ``(N, 5)``. If the scorer learns from
                unlabelled codes, at most ``BACKGROUND`` are drawn there, with a fixed seed.

        Raises:
            ConfigError: If the scorer cannot do with so few examples.
            DataError: If there are too few patches to learn from.
        """
        known = None
        parts = []
        for window in self.edges:
            background = usual = None
            if scorers.needs_background(self.query, has_negatives=len(negatives) > 0):
                boxes, drawn = self._background(searched, window)
                background = self.embed(boxes)
                steps = partial(self._steps, boxes, background)
                usual = spaces.Background(background, steps, self.model.sha256)
                known = None if drawn is None else CachedCodes(drawn, background)
            positive = self.examples(positives, window)
            negative = self.examples(negatives, window) if len(negatives) else None
            codes = None if negative is None else negative.codes
            scorer = scorers.build(self.query, self.index, positive.codes, codes, usual)
            parts.append(Part(scorer, positive, negative, background))
        return FittedExamples(tuple(parts), known)

    def _steps(self, boxes: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return how codes change to the slice after that of each box, ``(n, D)``, float32."""
        if not self.stack.consecutive:
            return codes[:0]
        shapes = [*self.stack.shapes, None]
        has_next = np.array([shapes[z] == shapes[z + 1] for z in boxes[:, 0].tolist()])
        beneath = boxes[has_next] + np.array([1, 0, 0, 0, 0])
        return self.embed(beneath) - codes[has_next] if len(beneath) else codes[:0]

    def _background(
        self, searched: np.ndarray, window: int
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return boxes to learn from, and which of the searched they are if they are whole ones."""
        rng = np.random.default_rng(0)
        if not self.query.dense:
            drawn = np.sort(rng.permutation(len(searched))[:BACKGROUND])
            return searched[drawn], drawn
        slices = np.unique(searched[:, 0])
        chosen = np.unique(np.linspace(0, len(slices) - 1, BACKGROUND_SLICES).round().astype(int))
        boxes = np.concatenate([self._grid(z, window).boxes(z) for z in slices[chosen].tolist()])
        return boxes[np.sort(rng.permutation(len(boxes))[:BACKGROUND])], None

    def _grid(self, z: int, window: int) -> windows.Grid:
        return windows.grid(self.stack.shapes[z], window, self.step)

    def score(self, boxes: np.ndarray, prepared: FittedExamples) -> "Scores":
        """Return the score of every patch; codes are scored as they come and not kept.

        Args:
            boxes: Patches to search, shape ``(N, 5)``.
            prepared: The examples.
        """
        if not self.query.dense:
            scores = search(
                self.model, self.stack, boxes, prepared.parts[0].scorer, sizes=self.query.sizes,
                known=prepared.known, patch_size=self.patch_size, compute=self.compute,
            )  # fmt: skip

            quiet = replace(self, compute=replace(self.compute, progress=False))

            def embedded(others: np.ndarray, *, question: str = "") -> np.ndarray:  # noqa: ARG001
                return quiet.score(others, replace(prepared, known=None)).ranking

            return Scores(scores, scores, embedded)
        between = self.query.smooth_z if self.stack.consecutive else 0.0
        slices = self._with_neighbours(np.unique(boxes[:, 0]), between)
        grids = [[self._grid(z, window) for z in slices.tolist()] for window in self.edges]
        across = self.query.smooth * self.patch_size / self.step
        single, smoothed, asked = [], [], self.query.question
        maps_of_sizes = self._maps(slices, grids, [part.scorer for part in prepared.parts])
        for own, maps in zip(grids, maps_of_sizes, strict=True):
            smooth = windows.smoothed(maps, slices, across=across, between=between)
            single.append(self._pooled(boxes, slices, own, maps, asked))
            smoothed.append(smooth)

        def pooled(others: np.ndarray, *, question: str = asked) -> np.ndarray:
            parts = [
                self._pooled(others, slices, own, smooth, question)
                for own, smooth in zip(grids, smoothed, strict=True)
            ]
            return np.average(parts, axis=0, weights=self._fitting(others))

        alone = np.average(single, axis=0, weights=self._fitting(boxes))
        return Scores(pooled(boxes), alone, pooled)

    def _fitting(self, boxes: np.ndarray) -> np.ndarray:
        """Return which sizes of windows have a say in each box, ``(sizes, n)``, bool.

        Those that fit into it: a larger one would tell of what lies beside a patch that is cut at
        the border. Where none fits, the smallest has.
        """
        edges = np.array(self.edges)
        fits = edges[:, None] <= boxes[:, 3:].min(axis=1)
        fits[edges.argmin()] |= ~fits.any(axis=0)
        return fits

    def _with_neighbours(self, slices: np.ndarray, between: float) -> np.ndarray:
        """Return slices and those near enough to have a say in their scores, ascending.

        Slices with examples are among them: what is known there tells of the slices beside them.
        """
        reach = windows.reach(between)
        near = slices[:, None] + np.arange(-reach, reach + 1)
        return np.unique(near[(near >= 0) & (near < len(self.stack))])

    def _maps(
        self, slices: np.ndarray, grids: list[list[windows.Grid]], own: Sequence[Scorer]
    ) -> list[list[np.ndarray]]:
        """Return the scores of the windows of each size and slice, ``(R, K)`` each, float64.

        Windows of all sizes of a slice are encoded together, so that it is looked at once.
        """
        flat = [
            (size, z, one)
            for size, of in enumerate(grids)
            for z, one in zip(slices.tolist(), of, strict=True)
        ]
        boxes = np.concatenate([one.boxes(z) for _, z, one in flat])
        lengths = [one.shape[0] * one.shape[1] for _, _, one in flat]
        size_of = np.repeat([size for size, _, _ in flat], lengths)
        scores = np.empty(len(boxes), dtype=np.float64)

        def scored() -> Iterator[tuple[np.ndarray, np.ndarray]]:
            for numbers, codes in self.batches(boxes):
                batch = np.empty(len(numbers), dtype=np.float64)
                for size in np.unique(size_of[numbers]).tolist():
                    mine = size_of[numbers] == size
                    batch[mine] = _in_parts(own[size], codes[mine])
                yield numbers, batch

        for numbers, batch in encode.with_progress(
            scored(), len(boxes), "search", show=self.compute.progress
        ):
            scores[numbers] = batch
        parts = iter(np.split(scores, np.cumsum(lengths)[:-1]))
        return [[next(parts).reshape(one.shape) for one in of] for of in grids]

    def _pooled(
        self,
        boxes: np.ndarray,
        slices: np.ndarray,
        grids: list[windows.Grid],
        maps: list[np.ndarray],
        question: str,
    ) -> np.ndarray:
        """Return the score of boxes ``(N, 5)`` from those of the windows in them."""
        scores = np.empty(len(boxes), dtype=np.float64)
        for z, own, scored in zip(slices.tolist(), grids, maps, strict=True):
            members = np.flatnonzero(boxes[:, 0] == z)
            if len(members) == 0:
                continue
            ranges = own.inside(boxes[members])
            scores[members] = windows.pooled(scored, ranges, question=question)
        return scores


def _in_parts(scorer: Scorer, codes: np.ndarray) -> np.ndarray:
    """Return the scores of codes ``(N, D)``, which may be those of all windows of a large slice."""
    parts = [codes[start : start + SCORED] for start in range(0, len(codes), SCORED)]
    return np.concatenate([scorer.score(part) for part in parts])


def _not_asked(boxes: np.ndarray, **_: bool) -> np.ndarray:
    raise RuntimeError(f"{len(boxes)} boxes cannot be scored again")


@dataclass(frozen=True)
class Scores:
    """Scores of the searched patches; higher is more alike."""

    ranking: np.ndarray  # (N,), float64: what ranks
    single: np.ndarray  # (N,), float64: without smoothing, as examples are scored when left out
    again: Callable[..., np.ndarray] = _not_asked  # boxes (n, 5) of these slices -> their ranking
    # scores, (n,); with question="mostly" the mean of the windows, whatever query.question is


def suggest(
    search: StackSearch,
    prepared: FittedExamples,
    examples: np.ndarray,
    candidates: np.ndarray,
    n: int,
    *,
    reach: int = 0,
) -> np.ndarray:
    """Return the patches whose labels would help most; see ``suggestions.suggest``.

    Whole patches are compared by the directions of their codes, every dimension at one spread,
    however they were scored.

    Args:
        search: How patches are encoded.
        prepared: The examples; what was learnt without labels is used again.
        examples: Boxes of all examples, shape ``(M, 5)``.
        candidates: Boxes, best first, shape ``(N, 5)``; the first ``suggestions.POOL`` count.
        n: How many at most.
        reach: Slices before and after a chosen patch in which its place is not chosen again.

    Returns:
        Positions in ``candidates``, int64, the most helpful first, shape ``(n,)`` or fewer.
    """
    pool = candidates[: suggestions.POOL]
    background = prepared.parts[-1].background
    if background is None:
        drawn = np.random.default_rng(0).permutation(len(candidates))[:BACKGROUND]
        background = search.embed(candidates[np.sort(drawn)])
    elsewhere = replace(search.query, metric="cosine", whiten="standard")
    if len(background) < 2:
        elsewhere = replace(elsewhere, whiten="none")
    space = spaces.fit_space(elsewhere, background)
    codes = space(search.embed(np.concatenate([pool, examples])))
    return suggestions.suggest(
        codes[: len(pool)], codes[len(pool) :], n,
        rivals=lambda p: patch_boxes.intersecting(pool, pool[p], reach=reach),
    )  # fmt: skip


def search(
    model: Model,
    stack: Stack,
    boxes: np.ndarray,
    scorer: Scorer,
    *,
    sizes: list[float] | None = None,
    known: CachedCodes | None = None,
    patch_size: int | None = None,
    compute: Compute = DEFAULT,
) -> np.ndarray:
    """Return the score of every patch; codes are scored as they come and not kept.

    Args:
        model: The encoder that also made the examples of ``scorer``.
        stack: The slices.
        boxes: Patches to search, shape ``(N, 5)``.
        scorer: The examples.
        sizes: ``query.sizes`` of the examples.
        known: Codes of some of these patches, which need not be embedded again.
        patch_size: Edge of a whole patch, in pixels; None: the longest edge of a box.
        compute: Device, batch size and whether a bar is shown.

    Returns:
        Scores, shape ``(N,)``, float64; higher is more alike.
    """
    scores = np.empty(len(boxes), dtype=np.float64)
    todo = np.arange(len(boxes))
    if known is not None:
        scores[known.positions] = scorer.score(known.codes)
        todo = np.setdiff1d(todo, known.positions)

    def scored() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for numbers, codes in embed_sizes(
            model, stack, boxes[todo], sizes,
            patch_size=patch_size, compute=compute,
        ):  # fmt: skip
            yield todo[numbers], scorer.score(codes)

    for numbers, batch in encode.with_progress(
        scored(), len(todo), "search", show=compute.progress
    ):
        scores[numbers] = batch
    return scores
