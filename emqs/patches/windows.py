"""Windows on a grid finer than the patches: where they lie, and scores of patches from theirs.

A patch that barely touches a structure looks like its surroundings as a whole, but one of the
windows in it may not. So windows are scored; neighbouring scores, which say nearly the same, are
averaged; and a patch gets the highest or the mean score of the windows in it, or the mean of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

TRUNCATE = 3.0  # a Gaussian ends at so many standard deviations


@dataclass(frozen=True)
class Grid:
    """Windows of one slice."""

    y: np.ndarray  # (R,), int64: first rows, ascending
    x: np.ndarray  # (K,), int64: first columns, ascending
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        """Number of windows along y and x, ``(R, K)``."""
        return len(self.y), len(self.x)

    def boxes(self, z: int) -> np.ndarray:
        """Return the windows as boxes of slice z, shape ``(R K, 5)``, int64, row by row."""
        y, x = np.meshgrid(self.y, self.x, indexing="ij")
        rest = [np.full(y.size, value) for value in (self.height, self.width)]
        return np.stack([np.full(y.size, z), y.ravel(), x.ravel(), *rest], axis=1)

    def inside(self, boxes: np.ndarray) -> np.ndarray:
        """Return which windows lie in each box, as ranges, shape ``(n, 4)``, int64.

        Columns are the first row, the first column, the number of rows and of columns of windows.
        A box that holds no whole window gets the one whose middle is nearest to its own.

        Args:
            boxes: Shape ``(n, 5)``, inside the slice.
        """
        y, rows = _inside(self.y, self.height, boxes[:, 1], boxes[:, 3])
        x, columns = _inside(self.x, self.width, boxes[:, 2], boxes[:, 4])
        return np.stack([y, x, rows, columns], axis=1)


def _inside(
    starts: np.ndarray, length: int, first: np.ndarray, size: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return first window and number of windows in each span of one axis."""
    begin = np.searchsorted(starts, first)
    end = np.searchsorted(starts, first + size - length, side="right")
    none = np.flatnonzero(end <= begin)
    spans, of_span = np.unique(np.stack([first, size], axis=1)[none], axis=0, return_inverse=True)
    middle = (spans[:, 0] + spans[:, 1] / 2)[:, None]
    nearest = np.abs(starts + length / 2 - middle).argmin(axis=1)
    begin[none] = nearest[of_span.ravel()]
    end[none] = begin[none] + 1
    return begin, end - begin


def starts(length: int, window: int, step: int) -> np.ndarray:
    """Return where windows start along an axis: every ``step`` pixels, and at the end of the axis.

    Args:
        length: Of the axis, in pixels.
        window: Edge of a window, in pixels; at most ``length``.
        step: In pixels, at least 1.
    """
    regular = np.arange(0, length - window + 1, step, dtype=np.int64)
    return np.union1d(regular, [length - window])


def grid(shape: tuple[int, int], window: int, step: int) -> Grid:
    """Return the windows of a slice of ``(height, width)``; a smaller slice is one window."""
    height, width = (min(window, length) for length in shape)
    return Grid(starts(shape[0], height, step), starts(shape[1], width, step), height, width)


def of_boxes(boxes: np.ndarray, window: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the windows of each box, from its first pixel on: where a user marks is no grid.

    Args:
        boxes: Shape ``(n, 5)``, int64.
        window: Edge of a window, in pixels; a smaller box is a window itself.
        step: In pixels.

    Returns:
        Windows, shape ``(m, 5)``, int64, and the position in ``boxes`` of each one's box, ``(m,)``.
    """
    parts = []
    for box in boxes:
        part = grid((int(box[3]), int(box[4])), window, step).boxes(int(box[0]))
        part[:, 1:3] += box[1:3]
        parts.append(part)
    owner = np.repeat(np.arange(len(boxes)), [len(part) for part in parts])
    return np.concatenate([np.empty((0, 5), dtype=np.int64), *parts]), owner


def reach(between: float) -> int:
    """Return how many slices away a Gaussian over slices still has a say, as SciPy counts."""
    return int(TRUNCATE * between + 0.5)


def smoothed(
    maps: Sequence[np.ndarray], slices: np.ndarray, *, across: float, between: float
) -> list[np.ndarray]:
    """Return scores averaged with a Gaussian, in the slice and over slices.

    Args:
        maps: Scores of the windows of each slice, ``(R, K)``, float64; sizes may differ.
        slices: Number of each slice, ascending. A slice that is missing, or of another size, has
            no say; the weights of the others grow accordingly.
        across: Standard deviation in the slice, in steps of the grid; 0: none. Beyond the border
            the outermost scores go on.
        between: Standard deviation over slices, in slices; 0: none.
    """
    from scipy import ndimage

    flat = [
        ndimage.gaussian_filter(m, across, mode="nearest", truncate=TRUNCATE) if across else m
        for m in maps
    ]
    if not between:
        return flat
    result = []
    for own, z in zip(flat, slices, strict=True):
        total, weights = np.zeros_like(own), 0.0
        for other, other_z in zip(flat, slices, strict=True):
            distance = abs(int(other_z) - int(z))
            if distance <= reach(between) and other.shape == own.shape:
                weight = float(np.exp(-(distance**2) / (2 * between**2)))
                total += weight * other
                weights += weight
        result.append(total / weights)
    return result


def answer(scores: np.ndarray, question: str, axis: tuple[int, ...] = (-1,)) -> np.ndarray:
    """Return the score of a box from those of the windows in it.

    Args:
        scores: Of the windows, ``(..., R, K)`` or ``(..., W)``, float64.
        question: ``touches``: the highest; ``mostly``: their mean; ``graded``: the mean of both, so
            that of boxes that show the same thing, those that show more of it are first.
        axis: Of the windows of one box.
    """
    if question == "touches":
        return np.asarray(scores.max(axis=axis))
    if question == "mostly":
        return np.asarray(scores.mean(axis=axis))
    return np.asarray((scores.max(axis=axis) + scores.mean(axis=axis)) / 2)


def pooled(scores: np.ndarray, ranges: np.ndarray, *, question: str) -> np.ndarray:
    """Return the score of boxes from those of the windows in them, shape ``(n,)``, float64.

    Args:
        scores: Of the windows of a slice, shape ``(R, K)``.
        ranges: As ``Grid.inside`` gives them, shape ``(n, 4)``.
        question: As of ``answer``.
    """
    result = np.empty(len(ranges), dtype=np.float64)
    for rows, columns in np.unique(ranges[:, 2:], axis=0).tolist():
        chosen = np.flatnonzero((ranges[:, 2] == rows) & (ranges[:, 3] == columns))
        parts = sliding_window_view(scores, (rows, columns))[ranges[chosen, 0], ranges[chosen, 1]]
        result[chosen] = answer(parts, question, axis=(1, 2))
    return result
