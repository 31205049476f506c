"""How much of each patch, and which components, belong to a structure."""

from collections.abc import Sequence

import numpy as np

from emqs.patches.boxes import check_boxes


def structure_fraction(
    labels: Sequence[np.ndarray], boxes: np.ndarray, structure: int
) -> np.ndarray:
    """Return, for each box, the fraction of its pixels that belong to a structure.

    Args:
        labels: Z label slices, each ``(Y, X)``, any integer dtype; 0 is background.
        boxes: Patch positions, shape ``(N, 5)``, integer, columns
            ``(z, y, x, height, width)`` in pixels.
        structure: Label value to count.

    Returns:
        Fractions in [0, 1], shape ``(N,)``, float64, in the order of ``boxes``.

    Raises:
        DataError: If a box does not lie wholly inside ``labels``. A patch cut at the border is a
            smaller box, never one that reaches outside.
    """
    check_boxes(boxes, [(s.shape[0], s.shape[1]) for s in labels])
    boxes = boxes.astype(np.int64)
    counts = np.zeros(len(boxes), dtype=np.int64)
    for z in np.unique(boxes[:, 0]):
        here = np.flatnonzero(boxes[:, 0] == z)
        counts[here] = _count_inside(labels[z] == structure, boxes[here, 1:])
    return counts / (boxes[:, 3] * boxes[:, 4])


def _count_inside(mask: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return how many pixels of a mask ``(Y, X)`` are true inside boxes ``(n, 4)``."""
    table = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int64)  # summed areas
    inner = table[1:, 1:]
    np.cumsum(mask, axis=1, out=inner)
    np.cumsum(inner, axis=0, out=inner)
    y, x, height, width = boxes.T
    bottom, right = y + height, x + width
    return table[bottom, right] - table[y, right] - table[bottom, x] + table[y, x]


def touched_components(
    labels: Sequence[np.ndarray], boxes: np.ndarray, structure: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which connected pieces of a structure each box touches.

    Pieces are the 8-connected components of ``labels[z] == structure`` of each slice on its own;
    every slice is labelled once.

    Args:
        labels: Z label slices, each ``(Y, X)``, any integer dtype.
        boxes: Patch positions, shape ``(N, 5)``, integer. Only slices that occur here count.
        structure: Label value.

    Returns:
        Three int64 arrays: the box and the component of every touching pair, shape ``(P,)`` each,
        and the area in pixels of each component, shape ``(C,)``.

    Raises:
        DataError: If a box does not lie wholly inside ``labels``.
    """
    from scipy import ndimage

    check_boxes(boxes, [(s.shape[0], s.shape[1]) for s in labels])
    boxes = boxes.astype(np.int64)  # differences below need a sign
    pair_box, pair_component, areas = [], [], []
    n_components = 0
    for z in np.unique(boxes[:, 0]):
        here = np.flatnonzero(boxes[:, 0] == z)
        y, x, height, width = boxes[here, 1:].T
        components, n_here = ndimage.label(labels[z] == structure, structure=np.ones((3, 3)))
        areas.append(np.bincount(components.ravel(), minlength=n_here + 1)[1:])
        for number, (rows, columns) in enumerate(ndimage.find_objects(components), start=1):
            top, left = rows.start, columns.start
            near = np.flatnonzero(
                (y < rows.stop) & (y + height > top) & (x < columns.stop) & (x + width > left)
            )
            y0, x0 = np.maximum(y[near] - top, 0), np.maximum(x[near] - left, 0)
            y1 = np.minimum(y[near] + height[near], rows.stop) - top
            x1 = np.minimum(x[near] + width[near], columns.stop) - left
            inside = _count_inside(
                components[rows, columns] == number, np.stack([y0, x0, y1 - y0, x1 - x0], axis=1)
            )
            touching = here[near[inside > 0]]
            pair_box.append(touching)
            pair_component.append(np.full(len(touching), n_components + number - 1))
        n_components += n_here
    empty = [np.empty(0, dtype=np.int64)]
    return (
        np.concatenate(pair_box or empty),
        np.concatenate(pair_component or empty),
        np.concatenate(areas or empty),
    )
