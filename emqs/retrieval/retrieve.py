"""Search with a few examples: around points that a user gives, or drawn from the labels."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from emqs.datasets import Stack
from emqs.embedding import encode
from emqs.errors import ConfigError, DataError
from emqs.models.compute import DEFAULT, Compute
from emqs.models.weights import Model
from emqs.patches import blank
from emqs.patches import boxes as patch_boxes
from emqs.patches import grid as grids
from emqs.patches import overlap as overlaps
from emqs.patches.settings import PatchConfig
from emqs.retrieval import examples as querying
from emqs.retrieval import leave_one_out, ranking, suggestions, things
from emqs.retrieval.settings import IndexConfig, QueryConfig, RetrieveConfig
from emqs.retrieval.stack_search import FittedExamples, Scores, StackSearch, suggest

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Examples:
    """Patches that show what is looked for, and patches that do not."""

    positives: np.ndarray  # (P, 5), int64, boxes
    negatives: np.ndarray  # (M, 5), int64, boxes; M is 0 if the user gave none
    slices: np.ndarray  # slices that examples are taken from, ascending
    points: np.ndarray  # (P + M, 3), int64: voxels z, y, x that were clicked, or stand for a patch


@dataclass(frozen=True)
class Retrieval:
    """What a search with a few examples found; results best first."""

    examples: Examples
    boxes: np.ndarray  # (K, 5), int64: the results
    ranks: np.ndarray  # (K,), int64: their ranks among all searched patches, from 1
    scores: np.ndarray  # (K,), float64
    overlap: np.ndarray | None  # (K,), float64, fraction that is the structure; None without labels
    searched: np.ndarray  # (N, 5), int64: all searched patches, in the order of the grid
    searched_scores: np.ndarray  # (N,), float64
    metrics: dict[str, Any]  # what metrics.json holds
    probabilities: np.ndarray | None  # (K,), float64; None with too few examples
    suggested: np.ndarray  # (S,), int64: searched patches to label next, the most helpful first
    n_slices: np.ndarray | None = None  # (K,), int64: slices in a row that show it, if known
    again: Callable[..., np.ndarray] | None = None  # scores of other boxes; see ``Scores.again``

    @property
    def relevant(self) -> np.ndarray | None:
        """Which results show any of the structure, shape ``(K,)``, bool; None without labels."""
        return None if self.overlap is None else self.overlap > 0


def retrieve(
    stack: Stack,
    model: Model,
    settings: RetrieveConfig,
    *,
    patch: PatchConfig,
    query: QueryConfig,
    index: IndexConfig,
    compute: Compute = DEFAULT,
) -> Retrieval:
    """Search a stack for what looks like a few examples.

    Args:
        stack: Slices; labels are needed only to draw examples and to mark results.
        model: The encoder; PCA and histogram first learn from the patches, without labels.
        settings: Which examples, what is searched, how many results.
        patch: Size and grid step of patches.
        query: Structure, overlap of a drawn positive example, neighbours that count.
        index: How nearest examples are found.
        compute: Device, batch size and whether a bar is shown.

    Returns:
        The results.

    Raises:
        ConfigError: If a point lies outside the stack, or settings contradict the stack.
        DataError: If labels are needed and missing, no patch qualifies as an example, or nothing
            is left to search.

    Source:
        Patch-based Querying, the single-, two- and multiple-query experiments.
    """
    started = time.perf_counter()
    grid = grids.make_grid(stack, patch)
    examples = choose_examples(stack, grid, settings, patch=patch, query=query)
    size = grids.patch_pixels(stack, patch)[0]
    encode.fit(model, stack, grid)
    if settings.move:
        grid = things.whole(grid, size, stack.shapes)
    searched = grid[_searched(grid, len(stack), examples, settings)]
    search = StackSearch(model, stack, size, query, index, compute)
    prepared = search.prepare(examples.positives, examples.negatives, searched)
    scored = search.score(searched, prepared)
    scores = scored.ranking
    calibrated = leave_one_out.calibrate(search, prepared, scored)
    order = ranking.ranking(scores)
    shown = _shown(search, searched, scored, order, examples, settings)
    rank_of = np.empty(len(order), dtype=np.int64)
    rank_of[order] = np.arange(1, len(order) + 1)
    shown_scores = scored.again(shown.boxes) if settings.move else scores[shown.positions]
    best = ranking.ranking(shown_scores)  # of things where they lie, not of the grid
    shown, shown_scores = shown.at(best), shown_scores[best]
    overlap = _overlap(stack, shown.boxes, query.structure)
    probabilities = None if calibrated is None else calibrated.probability(shown_scores)
    suggested = _suggested(search, prepared, searched, order, examples, settings)
    return Retrieval(
        examples,
        shown.boxes,
        rank_of[shown.positions],
        shown_scores,
        overlap,
        searched,
        scores,
        {
            "dataset": stack.name,
            "model": model.name,
            "n_positive": len(examples.positives),
            "n_negative": len(examples.negatives),
            "n_searched_patches": len(searched),
            "n_results": len(shown.boxes),
            "n_suggestions": len(suggested),
            **leave_one_out.describe(calibrated, scores),
            **_precision(overlap, _overlap(stack, searched, query.structure), query.min_overlap),
            "seconds": time.perf_counter() - started,
        },
        probabilities,
        suggested,
        shown.n_slices if settings.distinct == "boxes" else None,
        scored.again if query.dense else None,
    )


def choose_examples(
    stack: Stack,
    grid: np.ndarray,
    settings: RetrieveConfig,
    *,
    patch: PatchConfig,
    query: QueryConfig,
) -> Examples:
    """Return the examples: around the points given, or drawn where the labels allow.

    Drawn positive examples show more than ``query.min_overlap`` of the structure, negative ones
    none of it. They come from ``retrieve.query_slice``, or from all query slices; if one slice is
    searched at ``retrieve.slice_offset``, from the query slice with most positive candidates.

    Raises:
        ConfigError: If a point or ``retrieve.query_slice`` lies outside the stack.
        DataError: If there are no labels to draw from, or no patch qualifies.
    """
    if settings.positive is not None:
        size = grids.patch_pixels(stack, patch)[0]
        shapes = stack.shapes
        positives = patch_boxes.boxes_at(
            settings.positive, shapes, size, setting="retrieve.positive"
        )
        negatives = patch_boxes.boxes_at(
            settings.negative or [], shapes, size, setting="retrieve.negative"
        )
        used = np.concatenate([positives, negatives])[:, 0]
        clicked = np.array([*settings.positive, *(settings.negative or [])], dtype=np.int64)
        return Examples(positives, negatives, np.unique(used), clicked.reshape(-1, 3))
    overlap = _overlap(stack, grid, query.structure)
    if overlap is None:
        raise DataError(
            f"{stack.name} has no labels, so no examples can be drawn. Point at some: "
            "retrieve.positive='[[z,y,x]]', voxels in the structure."
        )
    usable = np.ones(len(grid), dtype=bool)
    if settings.full_size:
        usable = grids.is_full(grid, grids.patch_pixels(stack, patch)[0])
    candidates = {
        "positive": usable & (overlap > query.min_overlap),
        "negative": usable & (overlap == 0),
    }
    slices = _query_slices(grid, candidates["positive"], len(stack), settings, query)
    chosen = {}
    for kind, n_asked in (("positive", settings.n_positive), ("negative", settings.n_negative)):
        qualified = np.flatnonzero(candidates[kind] & np.isin(grid[:, 0], slices))
        if len(qualified) == 0:
            raise DataError(_none_qualifies(kind, slices, query, settings))
        if len(qualified) < n_asked:
            logger.warning(
                "only %d %s examples qualify, %d asked for", len(qualified), kind, n_asked
            )
        drawn = querying.sample_examples(
            qualified, min(n_asked, len(qualified)), seed=settings.seed, kind=kind
        )
        chosen[kind] = grid[drawn]
    drawn_boxes = np.concatenate([chosen["positive"], chosen["negative"]])
    return Examples(
        chosen["positive"], chosen["negative"], slices, patch_boxes.middles(drawn_boxes)
    )


def _query_slices(
    grid: np.ndarray,
    positive: np.ndarray,
    n_slices: int,
    settings: RetrieveConfig,
    query: QueryConfig,
) -> np.ndarray:
    """Return the slices that examples may be drawn from."""
    if settings.query_slice is not None:
        if not 0 <= settings.query_slice < n_slices:
            raise ConfigError(
                f"retrieve.query_slice must be from 0 to {n_slices - 1}, "
                f"got {settings.query_slice}."
            )
        return np.array([settings.query_slice])
    slices = querying.query_slices(n_slices, query.batch_size)
    if settings.slice_offset is None:
        return slices
    counts = [np.count_nonzero(positive & (grid[:, 0] == z)) for z in slices]
    return slices[[int(np.argmax(counts))]]


def _none_qualifies(
    kind: str, slices: np.ndarray, query: QueryConfig, settings: RetrieveConfig
) -> str:
    """Return why there is no example to draw."""
    share = f"more than {query.min_overlap:g} of its area" if kind == "positive" else "0 of it"
    whole = "whole patch" if settings.full_size else "patch"
    listed = ", ".join(str(z) for z in slices[:4].tolist()) + (", ..." if len(slices) > 4 else "")
    return (
        f"No {whole} qualifies as a {kind} example (structure {query.structure} on {share}) in the "
        f"slices {listed}. Change query.structure, query.min_overlap, patch.size or "
        "retrieve.query_slice, or give retrieve.positive and retrieve.negative yourself."
    )


def _searched(
    grid: np.ndarray, n_slices: int, examples: Examples, settings: RetrieveConfig
) -> np.ndarray:
    """Return the positions in the grid that are searched."""
    if settings.slice_offset is not None:
        keep = grid[:, 0] == target_slice(examples, n_slices, settings.slice_offset)
    elif settings.exclude == "slices":
        keep = ~np.isin(grid[:, 0], examples.slices)
    else:
        keep = np.ones(len(grid), dtype=bool)
        for box in np.concatenate([examples.positives, examples.negatives]):
            keep &= ~patch_boxes.intersecting(grid, box)
    if not keep.any():
        raise DataError(
            f"Nothing is left to search: the examples take all {n_slices} slices "
            f"(retrieve.exclude={settings.exclude}). Use more slices, a smaller patch.size, or "
            "retrieve.exclude=patches."
        )
    return np.flatnonzero(keep)


def target_slice(examples: Examples, n_slices: int, offset: int) -> int:
    """Return the one slice that is searched: ``offset`` later, or earlier at the end of the stack.

    Raises:
        ConfigError: If examples lie on several slices, or neither slice exists.
    """
    if len(examples.slices) != 1:
        raise ConfigError(
            f"retrieve.slice_offset={offset} needs examples on one slice, but they lie on "
            f"{examples.slices.tolist()}."
        )
    z = int(examples.slices[0])
    for target in (z + offset, z - offset):
        if 0 <= target < n_slices:
            return target
    raise ConfigError(
        f"retrieve.slice_offset={offset} from slice {z} leads out of the {n_slices} slices both "
        "ways. Choose a smaller one."
    )


def slices_of_reach(stack: Stack, size: int, settings: RetrieveConfig) -> int:
    """Return over how many slices the same place counts as the same thing.

    With ``retrieve.reach=null`` a thing is taken to be as deep as a patch is wide, where the pixel
    size and the distance of slices are known; where they are not, what it goes on in alone counts.

    Args:
        stack: The slices.
        size: Edge of a patch, in pixels.
        settings: ``retrieve``.
    """
    if settings.reach is not None:
        return settings.reach
    if stack.pixel_size_nm is None or stack.section_nm is None:
        return 0
    return int(size * stack.pixel_size_nm / stack.section_nm)


def _shown(
    search: StackSearch,
    searched: np.ndarray,
    scored: Scores,
    order: np.ndarray,
    examples: Examples,
    settings: RetrieveConfig,
) -> things.Things:
    """Return the results, best first."""
    stack = search.stack
    if settings.distinct == "boxes":
        return _things(search, searched, scored, order, examples, settings)
    if settings.distinct == "none":
        chosen = order[: settings.n_results]
    else:
        if stack.labels is None:
            raise DataError(
                f"retrieve.distinct=components needs labels, and {stack.name} has none. "
                "Use retrieve.distinct=boxes."
            )
        pairs = overlaps.touched_components(stack.labels, searched, search.query.structure)
        chosen = ranking.distinct(
            order, settings.n_results, ranking.component_rivals(pairs[0], pairs[1])
        )
    boxes = searched[chosen]
    if settings.move:
        boxes = np.array([_moved(search, scored, box, things.NONE) for box in boxes])
    return things.Things(chosen, boxes.reshape(-1, 5), np.ones(len(chosen), dtype=np.int64))


def _moved(
    search: StackSearch, scored: Scores, box: np.ndarray, taken: np.ndarray, reach: int = 0
) -> np.ndarray | None:
    """Return where around a patch windows score best on average; see ``things.best_place``."""
    return things.best_place(
        box, taken, score=partial(scored.again, question="mostly"), step=search.step,
        shape=search.stack.shapes[int(box[0])], reach=reach,
    )  # fmt: skip


def _things(
    search: StackSearch,
    searched: np.ndarray,
    scored: Scores,
    order: np.ndarray,
    examples: Examples,
    settings: RetrieveConfig,
) -> things.Things:
    """Return results of which each shows another thing, and none that of a positive example."""
    stack = search.stack
    reach = slices_of_reach(stack, search.patch_size, settings)
    spans = things.Spans(searched, scored.ranking, consecutive=stack.consecutive)
    through = settings.reach is None  # otherwise it says alone what is one thing
    free = np.ones(len(searched), dtype=bool)
    known = [*examples.positives, *examples.negatives]
    for box in examples.positives:
        for seen in spans.of_example(box)[1:] if through else ():
            free &= ~patch_boxes.intersecting(searched, seen)
            known.append(seen)
        if reach > 0:
            free &= ~patch_boxes.intersecting(searched, box, reach=reach)
    if not free.any():
        raise DataError(
            "All patches that are left to search lie in the place of an example, within "
            f"{reach} slices of it or where it goes on. Use more slices or a smaller "
            "retrieve.reach."
        )
    beside = 1 if through and stack.consecutive else 0

    def place(box: np.ndarray, taken: np.ndarray) -> np.ndarray | None:
        if settings.move:
            return _moved(search, scored, box, taken, beside)
        return None if patch_boxes.mostly_over(taken, box, reach=beside).any() else box

    chosen = things.choose(
        order, settings.n_results, searched,
        spans=spans.of if through else lambda position: [searched[position]],
        reach=reach, free=free, place=place, known=np.array(known),
    )  # fmt: skip
    n_slices = [len(spans.of(position)) for position in chosen.positions.tolist()]
    return things.Things(chosen.positions, chosen.boxes, np.array(n_slices, dtype=np.int64))


def _suggested(
    search: StackSearch,
    prepared: FittedExamples,
    searched: np.ndarray,
    order: np.ndarray,
    examples: Examples,
    settings: RetrieveConfig,
) -> np.ndarray:
    """Return the positions among the searched patches to label next; whole patches, if any are."""
    if settings.suggestions == 0:
        return np.empty(0, dtype=np.int64)
    whole = order[grids.is_full(searched[order], search.patch_size)]
    candidates = _not_blank(search.stack, searched, whole if len(whole) else order)
    if len(candidates) == 0:
        return candidates
    chosen = suggest(
        search, prepared, np.concatenate([examples.positives, examples.negatives]),
        searched[candidates], settings.suggestions,
        reach=slices_of_reach(search.stack, search.patch_size, settings),
    )  # fmt: skip
    return np.asarray(candidates[chosen])


def _not_blank(stack: Stack, searched: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return the best of a ranking that show something, at most as many as are chosen from."""
    is_blank = blank.Blank(list(stack.slices))
    kept = (position for position in order.tolist() if not is_blank(searched[position]))
    return np.array(list(islice(kept, suggestions.POOL)), dtype=np.int64)


def _overlap(stack: Stack, boxes: np.ndarray, structure: int) -> np.ndarray | None:
    """Return the fraction of each box that is the structure, or None without labels."""
    if stack.labels is None:
        return None
    return overlaps.structure_fraction(stack.labels, boxes, structure)


def _precision(
    shown: np.ndarray | None, searched: np.ndarray | None, min_overlap: float
) -> dict[str, float | None]:
    """Return which share of the results, and of all searched patches, shows the structure."""
    names = ("precision_touch", "precision_overlap", "chance_touch", "chance_overlap")
    if shown is None or searched is None:
        return dict.fromkeys(names)
    values = [np.mean(o > least) for o in (shown, searched) for least in (0, min_overlap)]
    return dict(zip(names, map(float, values), strict=True))
