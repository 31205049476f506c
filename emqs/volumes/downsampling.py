"""Smaller copies of a label volume: of each small block the label that most of its voxels have."""

from itertools import product

import numpy as np


def mode_pool(labels: np.ndarray, factors: tuple[int, ...]) -> np.ndarray:
    """Return the most common label of every block; no label is invented.

    Of labels that are equally common, the one that comes first in the block (last axis fastest) is
    taken. Blocks at the end of an axis may be smaller; only voxels that are there count.

    Args:
        labels: Labels, any integer dtype or bool, any number of axes, none of them empty.
        factors: Length of a block along each axis, 1 or 2.

    Returns:
        Labels, same dtype; each axis ``ceil(length / factor)`` long.
    """
    # A voxel at an odd end is doubled: that doubles all of its block, and changes no order.
    rest = [(0, -length % factor) for length, factor in zip(labels.shape, factors, strict=True)]
    if any(after for _, after in rest):
        labels = np.pad(labels, rest, mode="edge")
    voxels = [
        labels[tuple(slice(first, None, step) for first, step in zip(start, factors, strict=True))]
        for start in product(*(range(factor) for factor in factors))
    ]
    best, most = voxels[0].copy(), np.zeros(voxels[0].shape, np.uint8)
    alike = [np.ones(voxels[0].shape, np.uint8) for _ in voxels]
    for i, one in enumerate(voxels):
        for j in range(i + 1, len(voxels)):
            same = one == voxels[j]
            alike[i] += same
            alike[j] += same
        better = alike[i] > most
        np.copyto(best, one, where=better)
        np.copyto(most, alike[i], where=better)
    return best


def pool_factors(shape: tuple[int, ...], voxel_size_nm: tuple[float, ...]) -> tuple[int, ...]:
    """Return by what each axis is divided, so that voxels come closer to cubes.

    An axis whose voxels are twice as long as the shortest, or more, waits for the others.

    Args:
        shape: Of the spatial axes.
        voxel_size_nm: Edges of a voxel along them.

    Returns:
        1 or 2 for each; all 1 if nothing is left to divide.
    """
    sizes = [size for size, length in zip(voxel_size_nm, shape, strict=True) if length > 1]
    shortest = min(sizes, default=0.0)
    return tuple(
        2 if length > 1 and size < 2 * shortest else 1
        for size, length in zip(voxel_size_nm, shape, strict=True)
    )
