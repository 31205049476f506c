"""The patches of a case, and a search that encodes each of them once, for ``retrieval.py``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from retrieval_cases import Case, settings_of
from retrieval_nested import Compared, fits, space_of

from emqs.datasets import Stack, open_stack
from emqs.datasets.settings import DatasetConfig
from emqs.evaluation import metrics
from emqs.patches import boxes as patch_boxes
from emqs.patches import grid as grids
from emqs.patches import overlap as overlaps
from emqs.patches import windows
from emqs.patches.settings import PatchConfig
from emqs.patches.windows import Grid
from emqs.retrieval import examples as querying
from emqs.retrieval import ranking
from emqs.retrieval.scorers import Fused, Scorer
from emqs.retrieval.scorers.nearest import Nearest
from emqs.retrieval.settings import QueryConfig
from emqs.retrieval.stack_search import FittedExamples, Scores, StackSearch
from emqs.settings import read

SEED = 0
BATCH_SIZE = 5  # one slice in so many gives examples
EXAMPLE_STEP = 4  # examples lie on a grid of a patch divided by this
BLOCK = 4096  # codes scored at once
WHOLE = -1  # where Memory.compared has whole patches; windows are at the number of their size


@dataclass
class Memory:
    """Codes by box, and the last score maps."""

    keys: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))  # ascending
    codes: np.ndarray = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))
    compared: dict[int, Compared] = field(default_factory=dict)  # number of a size to its windows
    scorers: tuple[Scorer, ...] = ()  # that made the maps
    maps: dict[int, list[np.ndarray]] = field(default_factory=dict)  # slice to scores of windows

    def has(self, keys: np.ndarray) -> np.ndarray:
        """Return which boxes have codes, ``(N,)``, bool."""
        if len(self.keys) == 0:
            return np.zeros(len(keys), dtype=np.bool_)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.asarray(self.keys[place] == keys)


def _keys(boxes: np.ndarray) -> np.ndarray:
    """Return one number for each box ``(N, 5)``; slices have under 8,192 pixels a side."""
    z, y, x, height, width = boxes.astype(np.int64).T
    return (((z << 13 | y) << 13 | x) << 13 | height) << 13 | width


@dataclass(frozen=True)
class Remembering(StackSearch):
    """A search that encodes every box once, and scores windows once per scorer."""

    memory: Memory = field(default_factory=Memory)

    def batches(self, boxes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield positions in ``boxes`` and their codes."""
        keys, memory = _keys(boxes), self.memory
        new = np.flatnonzero(~memory.has(keys))
        if len(new):
            new = new[np.unique(keys[new], return_index=True)[1]]
            found = list(super().batches(boxes[new]))
            order = np.argsort(np.concatenate([here for here, _ in found]), kind="stable")
            codes = np.concatenate([part for _, part in found])[order]
            all_keys = np.concatenate([memory.keys, keys[new]])
            order = np.argsort(all_keys)
            memory.keys = all_keys[order]
            memory.codes = np.concatenate([memory.codes.reshape(-1, codes.shape[1]), codes])[order]
        for start in range(0, len(boxes), BLOCK):
            here = np.arange(start, min(start + BLOCK, len(boxes)))
            yield here, memory.codes[np.searchsorted(memory.keys, keys[here])]

    def needed(self, searched: np.ndarray, examples: np.ndarray) -> np.ndarray:
        """Return the boxes of all that will be encoded, ``(M, 5)``.

        Args:
            searched: Boxes, shape ``(N, 5)``.
            examples: Boxes of all draws, shape ``(P, 5)``.
        """
        if self.query.dense:
            examples = np.concatenate(
                [windows.of_boxes(examples, window, self.step)[0] for window in self.edges]
            )
            searched = np.concatenate(
                [self._grid(z, w).boxes(z) for z in range(len(self.stack)) for w in self.edges]
            )
        return np.concatenate([searched, examples])

    def score(self, boxes: np.ndarray, prepared: FittedExamples) -> Scores:
        """Return the score of every patch, as ``StackSearch.score`` does."""
        if self.query.dense:
            return super().score(boxes, prepared)
        scorers = [part.scorer for part in prepared.parts]
        if fits(scorers):
            (scorer,) = scorers
            known = self.memory.compared.get(WHOLE)
            if known is None or not known.serves(boxes, space_of(scorer)):
                codes = (part for _, part in self.batches(boxes))
                known = self.memory.compared[WHOLE] = Compared.of(boxes, space_of(scorer), codes)
            scores = known.score(scorer)
        else:
            parts = [scorers[0].score(part) for _, part in self.batches(boxes)]
            scores = np.concatenate(parts)
        return Scores(scores, scores)

    def _maps(
        self, slices: np.ndarray, grids: list[list[Grid]], own: Sequence[Scorer]
    ) -> list[list[np.ndarray]]:
        memory = self.memory
        if fits(own):
            return [
                self._nested(size, slices, of, scorer)
                for size, (of, scorer) in enumerate(zip(grids, own, strict=True))
            ]
        if len(memory.scorers) != len(own) or any(
            a is not b for a, b in zip(memory.scorers, own, strict=True)
        ):
            memory.scorers, memory.maps = tuple(own), {}
        new = [i for i, z in enumerate(slices.tolist()) if z not in memory.maps]
        if new:
            maps = super()._maps(slices[new], [[of[i] for i in new] for of in grids], own)
            for n, i in enumerate(new):
                memory.maps[int(slices[i])] = [of[n] for of in maps]
        return [[memory.maps[z][size] for z in slices.tolist()] for size in range(len(grids))]

    def _nested(
        self, size: int, slices: np.ndarray, grids: list[Grid], scorer: Nearest | Fused
    ) -> list[np.ndarray]:
        """Return the scores of the windows of one size; only new examples are compared."""
        known = self.memory.compared.get(size)
        if known is None or not known.serves(slices, space_of(scorer)):
            boxes = np.concatenate(
                [one.boxes(z) for z, one in zip(slices.tolist(), grids, strict=True)]
            )
            codes = (part for _, part in self.batches(boxes))
            known = self.memory.compared[size] = Compared.of(slices, space_of(scorer), codes)
        ends = np.cumsum([one.shape[0] * one.shape[1] for one in grids])[:-1]
        parts = np.split(known.score(scorer), ends)
        return [part.reshape(one.shape) for part, one in zip(parts, grids, strict=True)]


@dataclass(frozen=True)
class Task:
    """The patches of a case, and what is known of them."""

    case: Case
    stack: Stack
    patch: PatchConfig
    grid: np.ndarray  # (M, 5), int64: whole patches of all slices
    searched: np.ndarray  # (N, 5), int64
    overlap: np.ndarray  # (N,), float64: fraction of a searched patch that is the structure
    truth: metrics.ComponentTruth
    candidates: np.ndarray  # (C, 5), int64: where examples may lie
    positives: np.ndarray  # positions in candidates
    negatives: np.ndarray
    drawn: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    @property
    def most(self) -> int:
        """How many examples of each kind there are, at most."""
        return min(len(self.positives), len(self.negatives))

    @property
    def relevant(self) -> np.ndarray:
        """Which searched patches are what the positive examples are, ``(N,)``, bool."""
        return self.overlap > self.case.min_overlap

    def examples(self, draw: int, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes of positive and of negative examples in the order drawn; drawn once."""
        if (draw, most) not in self.drawn:
            rng = np.random.default_rng([SEED, draw])
            self.drawn[draw, most] = (
                _spread(self.candidates[rng.permutation(self.positives)], most),
                _spread(self.candidates[rng.permutation(self.negatives)], most),
            )
        return self.drawn[draw, most]

    def measured(self, scores: np.ndarray) -> dict[str, float]:
        """Return the metrics of a ranking."""
        order = ranking.ranking(scores)
        hits = self.relevant[order]
        return {
            "component_ap": metrics.component_curve(order, self.truth).average_precision,
            "patch_ap_touch": metrics.average_precision(scores, self.overlap > 0),
            "patch_ap_overlap": metrics.average_precision(scores, self.relevant),
            "precision_10": float(hits[:10].mean()),
            "recall_100": float(hits[:100].sum() / hits.sum()),
        }

    def chance(self) -> dict[str, float]:
        """Return the metrics of a random ranking."""
        n, n_touch, n_hits = len(self.overlap), int((self.overlap > 0).sum()), self.relevant.sum()
        return {
            "component_ap": metrics.chance_component_average_precision(self.truth)[0],
            "patch_ap_touch": metrics.chance_average_precision(n_touch, n),
            "patch_ap_overlap": metrics.chance_average_precision(int(n_hits), n),
            "precision_10": float(n_hits / n),
            "recall_100": min(100, n) / n,
        }


def _spread(boxes: np.ndarray, most: int) -> np.ndarray:
    """Return the first ``most`` boxes; those that overlap an earlier one come after the others."""
    apart = ranking.distinct(
        np.arange(len(boxes)), most, lambda p: patch_boxes.intersecting(boxes, boxes[p])
    )
    others = np.setdiff1d(np.arange(len(boxes)), apart)  # ascending, so in the order drawn
    return boxes[np.concatenate([apart, others])[:most]]


def task_of(case: Case, images: Path) -> Task:
    """Return the patches of a case."""
    config = settings_of(case)
    stack = open_stack(read(DatasetConfig, config.dataset, "dataset"), images)
    labels = stack.require_structures([case.structure], setting="query.structure")
    patch = PatchConfig(size=case.size_nm, unit="nm", border=False)
    query = QueryConfig(
        structure=case.structure, min_overlap=case.min_overlap, batch_size=BATCH_SIZE
    )
    size = grids.patch_pixels(stack, patch)[0]
    grid = grids.make_grid(stack, patch)
    overlap = overlaps.structure_fraction(labels, grid, case.structure)
    middles = querying.query_slices(len(stack), BATCH_SIZE)
    searched = np.flatnonzero(~np.isin(grid[:, 0], middles))
    step = max(1, size // EXAMPLE_STEP)
    near = grids.grid(stack.shapes, size, step, border=False)
    split = querying.split(
        near, overlaps.structure_fraction(labels, near, case.structure), len(stack), query
    )
    truth = metrics.ComponentTruth(
        overlap[searched] > 0,
        *overlaps.touched_components(labels, grid[searched], case.structure),
    )
    return Task(
        case, stack, patch, grid, grid[searched], overlap[searched], truth,
        near, split.positives, split.negatives,
    )  # fmt: skip
