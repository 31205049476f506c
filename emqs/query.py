"""Choose examples and rank patches; ``scorers`` scores them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from emqs.config import QueryConfig
from emqs.errors import ConfigError, DataError


def query_slices(n_slices: int, batch_size: int) -> np.ndarray:
    """Return the slices that examples are taken from.

    The stack is cut into blocks of ``batch_size`` slices and the middle slice of each block is a
    query slice; r > 0 left-over slices are a block too.

    Args:
        n_slices: Number N of slices.
        batch_size: Slices per block.

    Returns:
        Slice numbers, int64, ascending: ``batch_size * i + batch_size // 2`` for block i, and
        ``N - r // 2 - 1`` for the left-over.

    Source:
        Patch-based Querying. ``batch_size`` is its name; it is not a number of queries.
    """
    n_blocks, rest = divmod(n_slices, batch_size)
    middles = [batch_size * block + batch_size // 2 for block in range(n_blocks)]
    if rest:
        middles.append(n_slices - rest // 2 - 1)
    return np.array(middles, dtype=np.int64)


@dataclass(frozen=True)
class Split:
    """Which patches of a grid are examples and which are searched; positions in its boxes."""

    query_slices: np.ndarray  # (Q,), int64, slice numbers
    positives: np.ndarray  # patches of query slices that show the structure
    negatives: np.ndarray  # patches of query slices without a pixel of it
    searched: np.ndarray  # patches of all other slices


def split(boxes: np.ndarray, overlap: np.ndarray, n_slices: int, config: QueryConfig) -> Split:
    """Divide a grid of patches into examples and searched patches.

    Args:
        boxes: Shape ``(N, 5)``, int64, columns ``(z, y, x, height, width)``.
        overlap: Fraction of each patch that is the structure, shape ``(N,)``, in [0, 1].
        n_slices: Number of slices of the stack.
        config: What counts as an example.

    Returns:
        Positive: overlap strictly greater than ``min_overlap``. Negative: overlap exactly 0.
        The rest of a query slice is no example.

    Raises:
        DataError: If there is no positive or no negative example, or nothing is left to search.

    Source:
        Patch-based Querying.
    """
    middles = query_slices(n_slices, config.batch_size)
    in_query = np.isin(boxes[:, 0], middles)
    positives = np.flatnonzero(in_query & (overlap > config.min_overlap))
    negatives = np.flatnonzero(in_query & (overlap == 0))
    searched = np.flatnonzero(~in_query)
    where = f"in the query slices {_few(middles)} (query.batch_size={config.batch_size})"
    if len(positives) == 0:
        best = overlap[in_query].max(initial=0.0)
        raise DataError(
            f"No patch shows structure {config.structure} on more than "
            f"{config.min_overlap:g} of its area {where}; the most is {best:.3g}. "
            "Lower query.min_overlap or patch.size, or choose another query.structure."
        )
    if len(negatives) == 0:
        raise DataError(
            f"Every patch {where} shows some of structure {config.structure}, so there is no "
            "negative example. Choose a smaller patch.size."
        )
    if len(searched) == 0:
        raise DataError(
            f"All {n_slices} slices are query slices with query.batch_size={config.batch_size}, "
            "so nothing is left to search. Use more slices or a larger query.batch_size."
        )
    return Split(middles, positives, negatives, searched)


def _few(values: np.ndarray) -> str:
    """Return the first few numbers as text."""
    shown = ", ".join(str(v) for v in values[:4].tolist())
    return f"{shown}, ..." if len(values) > 4 else shown


def ranking(scores: np.ndarray) -> np.ndarray:
    """Return positions from the highest score to the lowest; equal scores keep their order.

    Raises:
        DataError: If a score is NaN.
    """
    if np.isnan(scores).any():
        raise DataError(f"{int(np.isnan(scores).sum())} of {len(scores)} scores are NaN.")
    return np.argsort(-scores, kind="stable")


def sample_examples(
    candidates: np.ndarray, n: int, *, seed: int, kind: str = "positive"
) -> np.ndarray:
    """Return ``n`` of the candidates, drawn without replacement, in the order drawn.

    Args:
        candidates: Positions, shape ``(N,)``.
        n: How many.
        seed: Any integer, 0 included.
        kind: Word for the error message.

    Raises:
        DataError: If there are fewer than ``n``.
    """
    if len(candidates) < n:
        raise DataError(
            f"{n} {kind} examples are wanted, but only {len(candidates)} patches qualify. "
            "Ask for fewer, or change patch.size or query.min_overlap."
        )
    return np.random.default_rng(seed).choice(candidates, size=n, replace=False)


def boxes_at(
    points: Sequence[Sequence[int]], shapes: Sequence[tuple[int, int]], size: int, *, setting: str
) -> np.ndarray:
    """Return the patches around points, e.g. where a user clicked.

    A patch that would reach over the border is moved inwards, so that it stays whole; only a slice
    smaller than the patch cuts it.

    Args:
        points: Voxels ``(z, y, x)``, N of them, three numbers each.
        shapes: Height and width of each slice, in pixels, Z of them.
        size: Edge of a patch, in pixels. The point is its middle pixel, for an even size the one
            below and to the right of the middle.
        setting: Name of the setting, for the error message, e.g. ``"retrieve.positive"``.

    Returns:
        Boxes, shape ``(N, 5)``, int64, in the order of ``points``.

    Raises:
        ConfigError: If a point lies outside the stack or its slice.
    """
    boxes = np.empty((len(points), 5), dtype=np.int64)
    for number, point in enumerate(points):
        z, y, x = (int(v) for v in point)
        if not 0 <= z < len(shapes):
            raise ConfigError(
                f"{setting} has the point [{z},{y},{x}], but the slices are 0 to {len(shapes) - 1}."
            )
        height, width = shapes[z]
        if not (0 <= y < height and 0 <= x < width):
            raise ConfigError(
                f"{setting} has the point [{z},{y},{x}] (z, y, x), but slice {z} has {height} rows "
                f"(y) and {width} columns (x)."
            )
        top, left = y - size // 2, x - size // 2
        boxes[number] = (
            z,
            min(max(top, 0), max(height - size, 0)),
            min(max(left, 0), max(width - size, 0)),
            min(size, height),
            min(size, width),
        )
    return boxes


def resized(boxes: np.ndarray, factor: float, shapes: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return patches of another size around the same centres.

    As with ``boxes_at``, a patch that would reach over the border is moved inwards, so that it
    stays whole and is not distorted; only where a slice is smaller than the patch is it cut. A
    patch that was cut keeps its proportions.

    Args:
        boxes: Shape ``(N, 5)``, int64, columns ``(z, y, x, height, width)``.
        factor: New edges are these times the old ones, rounded, at least one pixel.
        shapes: Height and width of each slice, in pixels.

    Returns:
        Shape ``(N, 5)``, int64, in the same order.
    """
    z = boxes[:, 0]
    limits = np.array(shapes, dtype=np.int64).reshape(-1, 2)[z]  # (N, 2)
    edges = np.maximum(np.rint(boxes[:, 3:] * factor).astype(np.int64), 1)
    edges = np.minimum(edges, limits)
    starts = boxes[:, 1:3] + (boxes[:, 3:] - edges) // 2
    starts = np.clip(starts, 0, limits - edges)
    return np.concatenate([z[:, None], starts, edges], axis=1)


def intersecting(boxes: np.ndarray, box: np.ndarray, *, reach: int = 0) -> np.ndarray:
    """Return which boxes ``(N, 5)`` share a pixel with one box ``(5,)``; shape ``(N,)``, bool.

    Args:
        boxes: Shape ``(N, 5)``.
        box: Shape ``(5,)``.
        reach: Slices before and after in which the same rows and columns count as shared, too.
    """
    z, y, x, height, width = boxes.T
    return np.asarray(
        (abs(z.astype(np.int64) - int(box[0])) <= reach)
        & (y < box[1] + box[3])
        & (y + height > box[1])
        & (x < box[2] + box[4])
        & (x + width > box[2])
    )


def distinct(
    order: np.ndarray,
    n: int,
    rivals: Callable[[int], np.ndarray],
    *,
    free: np.ndarray | None = None,
) -> np.ndarray:
    """Return the first ``n`` of a ranking of which none is a rival of a better one.

    Args:
        order: Positions from best to worst, a permutation of 0 to N - 1, shape ``(N,)``.
        n: How many at most.
        rivals: Given a position, returns the positions (or a mask of them) that need not be shown
            after it, e.g. ``lambda p: intersecting(boxes, boxes[p])``.
        free: Which positions may be shown, shape ``(N,)``, bool; None: all.

    Returns:
        Positions, best first, shape ``(n,)`` or fewer if the ranking ends before.
    """
    free = np.ones(len(order), dtype=bool) if free is None else free.copy()
    chosen: list[int] = []
    for position in order.tolist():
        if len(chosen) == n:
            break
        if free[position]:
            chosen.append(position)
            free[rivals(position)] = False
    return np.array(chosen, dtype=np.int64)


def component_rivals(
    pair_patch: np.ndarray, pair_component: np.ndarray
) -> Callable[[int], np.ndarray]:
    """Return the rule for ``distinct`` that shows every component at most once.

    Args:
        pair_patch: Patch of each touching pair, as ``patches.touched_components`` gives them.
        pair_component: Its component.

    Returns:
        A function from a patch to all patches that touch a component that it touches.

    Source:
        Patch-based Querying, single- and two-query experiments.
    """

    def rivals(position: int) -> np.ndarray:
        touched = pair_component[pair_patch == position]
        return np.asarray(pair_patch[np.isin(pair_component, touched)])

    return rivals
