"""Boxes of patches in slices: checked, moved, resized, compared."""

from collections.abc import Sequence

import numpy as np

from emqs.errors import ConfigError, DataError

BOX_COLUMNS = ("z", "y", "x", "height", "width")


def check_boxes(boxes: np.ndarray, shapes: list[tuple[int, int]]) -> None:
    """Raise an error unless every box lies wholly inside its slice.

    Args:
        boxes: Patch positions, shape ``(N, 5)``, integer, columns ``(z, y, x, height, width)`` in
            pixels.
        shapes: Height and width of each slice, in pixels, Z of them.

    Raises:
        DataError: If the array has another shape or dtype, or a box is empty or reaches outside.
    """
    if boxes.ndim != 2 or boxes.shape[1] != 5 or not np.issubdtype(boxes.dtype, np.integer):
        raise DataError(
            f"Boxes must be an integer array of shape (N, 5), columns {BOX_COLUMNS}, "
            f"got {boxes.dtype} of shape {boxes.shape}."
        )
    if len(boxes) == 0:
        return
    z, y, x, height, width = boxes.astype(np.int64).T
    inside = (z >= 0) & (z < len(shapes)) & (y >= 0) & (x >= 0) & (height > 0) & (width > 0)
    limits = np.array([*shapes, (0, 0)], dtype=np.int64)[np.where(inside, z, -1)]
    inside &= (y + height <= limits[:, 0]) & (x + width <= limits[:, 1])
    if not inside.all():
        bad = int(np.flatnonzero(~inside)[0])
        raise DataError(
            f"Box {bad} of {len(boxes)}, (z, y, x, height, width) = "
            f"{tuple(int(v) for v in boxes[bad])}, is empty or reaches outside "
            f"{_where(int(boxes[bad, 0]), shapes)}. Boxes from patches.grid() always fit."
        )


def _where(z: int, shapes: list[tuple[int, int]]) -> str:
    """Return words for the slice that a box should lie in."""
    if not 0 <= z < len(shapes):
        return f"the {len(shapes)} slices, which count from 0"
    return f"slice {z} of {shapes[z][0]}x{shapes[z][1]} pixels (height x width)"


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


def middles(boxes: np.ndarray) -> np.ndarray:
    """Return the voxels ``(z, y, x)`` that ``boxes_at`` makes whole patches of, ``(N, 3)``."""
    return np.stack([boxes[:, 0], *(boxes[:, 1:3] + boxes[:, 3:] // 2).T], axis=1)


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


def mostly_over(boxes: np.ndarray, box: np.ndarray, *, reach: int = 0) -> np.ndarray:
    """Return which boxes ``(N, 5)`` share over half of the smaller area with a box; ``(N,)``, bool.

    Args:
        boxes: Shape ``(N, 5)``.
        box: Shape ``(5,)``.
        reach: Slices before and after in which the same rows and columns count as shared, too.
    """
    z, starts, edges = boxes[:, 0].astype(np.int64), boxes[:, 1:3], boxes[:, 3:5]
    ends = np.minimum(starts + edges, box[1:3] + box[3:5])
    shared = (ends - np.maximum(starts, box[1:3])).clip(0).prod(axis=1)
    smaller = np.minimum(edges.prod(axis=1), np.prod(box[3:5]))
    return np.asarray((abs(z - int(box[0])) <= reach) & (2 * shared > smaller))


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
