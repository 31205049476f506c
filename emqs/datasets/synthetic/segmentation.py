"""A dense segmentation made by a formula: every voxel belongs to one of many wavy cells."""

import numpy as np

from emqs.datasets.synthetic.noise import SmoothNoise
from emqs.errors import ConfigError

#: Depth of a section in units of the pixel edge: cells are that much flatter in slices.
ANISOTROPY = 2.5
_BUMP = 48.0  # pixels between the knots of the noise that bends cells
_BEND = 14.0  # pixels by which a wall is moved, standard deviation
_LARGEST_ID = 2**32 - 1  # so that they fit uint32


def segmentation(
    depth: int, height: int, width: int, *, n_objects: int = 300, seed: int = 0
) -> np.ndarray:
    """Return a segmentation like one of neuropil: cells with curved walls, ids without order.

    Each voxel gets the id of the nearest of ``n_objects`` random points, after the space was bent
    by smooth noise.

    Args:
        depth: Slices, at least 1.
        height: Pixels, at least 1.
        width: Pixels, at least 1.
        n_objects: Cells, at least 1; some may get no voxel.
        seed: Of all random numbers.

    Returns:
        Labels, shape ``(depth, height, width)``, uint32, all above 0.

    Raises:
        ConfigError: If a number is below 1.
    """
    from scipy.spatial import cKDTree

    if min(depth, height, width, n_objects) < 1:
        raise ConfigError(
            "A synthetic segmentation needs at least one slice, row, column and object, got "
            f"depth {depth}, height {height}, width {width}, {n_objects} objects."
        )
    rng = np.random.default_rng(seed)
    extent = (depth * ANISOTROPY, height, width)
    points = rng.random((n_objects, 3)) * extent
    ids = rng.choice(_LARGEST_ID, n_objects, replace=False).astype(np.uint32) + np.uint32(1)
    bends = [SmoothNoise(rng, extent, _BUMP) for _ in range(3)]
    tree = cKDTree(points)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    volume = np.empty((depth, height, width), np.uint32)
    for z in range(depth):
        plane = np.full((height, width), z * ANISOTROPY, np.float32)
        moved = [
            axis + _BEND * bend.at(z * ANISOTROPY)
            for axis, bend in zip((plane, rows, columns), bends, strict=True)
        ]
        nearest = tree.query(np.stack(moved, axis=-1).reshape(-1, 3))[1]
        volume[z] = ids[nearest].reshape(height, width)
    return volume
