"""Where the next clicks would help most: large places about which the head is unsure."""

from collections.abc import Iterable, Sequence

import numpy as np

from emqs.geometry import Box, boxes
from emqs.ingestion.pyramid import Image

CELL = 64  # edge of the squares that are compared, in voxels


def suggest(images: Sequence[Image], n: int, *, apart: int) -> np.ndarray:
    """Return places to click next, the most telling first; see ``suggest_in``.

    Args:
        images: The probability of each class, uint8, all of one shape.
        n: How many at most.
        apart: Least distance between two of them in a slice, in voxels.
    """
    parts = (
        (box, [image.read(0, box).astype(np.float32) / 255 for image in images])
        for box in images[0].shards(0)
    )
    return suggest_in(parts, n, apart=apart)


def suggest_in(
    parts: Iterable[tuple[Box, Sequence[np.ndarray]]], n: int, *, apart: int
) -> np.ndarray:
    """Return places to click next, the most telling first.

    A square of a slice counts for how unsure its voxels are on average, 4 p (1 - p) each, of the
    class of which it is most; the place in it is the most unsure voxel. Squares that are black all
    over in the probability count 0.

    Args:
        parts: Boxes, and in each the probability of each class, ``box.shape``, in [0, 1].
        n: How many at most.
        apart: Least distance between two of them in a slice, in voxels.

    Returns:
        Voxels ``(n, 3)``, int64, Z Y X, or fewer where nothing is left to ask.
    """
    best: list[tuple[float, int, int, int]] = []
    for box, classes in parts:
        unsure = np.zeros(box.shape, dtype=np.float32)
        for values in classes:
            np.maximum(unsure, 4 * values * (1 - values), out=unsure)
        for own in boxes(box.shape, (1, CELL, CELL)):
            cell = unsure[own.slices][0]
            mean = float(cell.mean())
            if mean > 0:
                row, column = divmod(int(cell.argmax()), cell.shape[1])
                start = own.moved(box.start).start
                best.append((-mean, start[0], start[1] + row, start[2] + column))
        best = sorted(best)[: 50 * max(1, n)]
    chosen: list[Box] = []
    for _, z, y, x in best:
        near = Box((z, y - apart, x - apart), (z + 1, y + apart, x + apart))
        if len(chosen) < n and not any(min(near.overlap(b).shape) > 0 for b in chosen):
            chosen.append(Box((z, y, x), (z + 1, y + 1, x + 1)))
    return np.array([box.start for box in chosen], dtype=np.int64).reshape(-1, 3)
