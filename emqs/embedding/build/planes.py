"""Planes of a volume as the network is shown them, and what must be known of whole slices."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from emqs.embedding.stores.grid import PlaceGrid
from emqs.patches import cutting
from emqs.volumes import Box, Volume

STATISTICS_PX = 1024  # edge of the tiles that a slice's mean and spread are measured in, about ...
STATISTICS_TILES = 64  # ... evenly spaced ones, if there are more
READ_BYTES = 2**27  # read at once for them


@dataclass(frozen=True, eq=False)
class PlaceSource:
    """Parts of planes as the network is shown them.

    Attributes:
        volume: The voxels.
        intensity: Voxel values that become 0 and 1.
        padding: Voxel value that is no tissue, or None.
        contrast: Mean and spread of every slice of the volume that is looked at (see
            ``slices``), ``(n, 2)``, float64; None: slices stay as they are.
    """

    volume: Volume
    intensity: tuple[float, float]
    padding: float | None
    contrast: np.ndarray | None = None

    def unit(self, voxels: np.ndarray) -> np.ndarray:
        """Return voxels as float32 in [0, 1]; NaN stays NaN."""
        low, high = self.intensity
        scaled = voxels.astype(np.float32)  # then in place: a plane takes 100 MB
        scaled -= np.float32(low)
        scaled /= np.float32(high - low)
        return np.clip(scaled, 0.0, 1.0, out=scaled)

    def shown(self, voxels: np.ndarray, slices: int | slice) -> np.ndarray:
        """Return a part of a plane with its contrast set, without NaN.

        Args:
            voxels: Shape ``(n, m)``.
            slices: Which row of ``contrast`` it lies in or, if it cuts through several slices,
                those of its rows.
        """
        image = self.unit(voxels)
        if self.contrast is not None and isinstance(slices, int):
            image = cutting.to_contrast(image, *self.contrast[slices].tolist())
        elif self.contrast is not None:
            rows = zip(image, self.contrast[slices].tolist(), strict=True)
            image = np.stack([cutting.to_contrast(row, *known) for row, known in rows])
        return np.nan_to_num(image, copy=False, nan=cutting.CONTRAST_MEAN)

    def tissue(self, voxels: np.ndarray) -> np.ndarray:
        """Return which voxels show anything, same shape, bool."""
        finite = np.isfinite(voxels)
        return finite if self.padding is None else finite & (voxels != self.padding)


def slices(volume: Volume, grid: PlaceGrid) -> np.ndarray:
    """Return the slices of a volume whose contrast must be known, int64, ascending.

    Those of the grid; all of them, if patches are cut through slices.
    """
    if grid.planes == "ortho":
        return np.arange(volume.shape[0])
    return np.arange(grid.shape[0]) * grid.stride[0]


def contrast(source: PlaceSource, numbers: np.ndarray) -> np.ndarray:
    """Return mean and spread of slices, shape ``(n, 2)``, float64.

    All tissue of a slice counts or, of one that is larger than 64 tiles, that in evenly spaced
    tiles. A slice without tissue has mean 0.5 and spread 0.

    Args:
        source: The volume.
        numbers: Slices of the volume, shape ``(n,)``, ascending.
    """
    volume = source.volume
    tile = [c * -(-STATISTICS_PX // c) for c in volume.chunks[1:]]
    corners = list(product(range(0, volume.shape[1], tile[0]), range(0, volume.shape[2], tile[1])))
    chosen = np.linspace(0, len(corners) - 1, min(len(corners), STATISTICS_TILES)).round()
    depth = statistics_depth(volume)
    sums = np.zeros((len(numbers), 3))  # count, sum, sum of squares
    start = int(numbers[0]) // depth * depth if len(numbers) else volume.shape[0]
    for begin in range(start, volume.shape[0], depth):
        end = min(begin + depth, volume.shape[0])
        inside = np.flatnonzero((numbers >= begin) & (numbers < end))
        for y, x in (corners[int(i)] for i in chosen) if len(inside) else ():
            stop = end, min(y + tile[0], volume.shape[1]), min(x + tile[1], volume.shape[2])
            voxels = volume.read(Box((begin, y, x), stop))
            for i in inside.tolist():
                sums[i] += _sums(source, voxels[int(numbers[i]) - begin])
    count = np.maximum(sums[:, 0], 1)
    mean = np.where(sums[:, 0] > 0, sums[:, 1] / count, cutting.CONTRAST_MEAN)
    variance = np.where(sums[:, 0] > 0, sums[:, 2] / count - mean**2, 0.0)
    return np.stack([mean, np.sqrt(np.maximum(variance, 0))], axis=1)


def statistics_depth(volume: Volume) -> int:
    """Return how many slices are read at once to measure their contrast."""
    tile = [c * -(-STATISTICS_PX // c) for c in volume.chunks[1:]]
    depth = max(1, READ_BYTES // (tile[0] * tile[1] * volume.dtype.itemsize))
    return min(depth, max(volume.chunks[0], 1))


def _sums(source: PlaceSource, voxels: np.ndarray) -> np.ndarray:
    """Return number, sum and sum of squares of what shows tissue, float64."""
    values = source.unit(voxels[source.tissue(voxels)]).astype(np.float64)
    return np.array([values.size, values.sum(), np.square(values).sum()])


def usable(
    source: PlaceSource,
    voxels: np.ndarray,
    *,
    size: int,
    strides: tuple[int, int],
    shape: tuple[int, int],
) -> np.ndarray:
    """Return which patches are embedded: those with contrast, without NaN, at least half tissue.

    Args:
        source: Knows what padding is.
        voxels: What the patches cover, ``(n, m)``; the first patch starts at the first voxel.
        size: Edge of a patch.
        strides: Steps along both axes.
        shape: Number of patches along both axes.

    Returns:
        Shape ``shape``, bool.
    """

    def over(reduce: Callable[..., np.ndarray], image: np.ndarray) -> np.ndarray:
        for axis, (count, step) in enumerate(zip(shape, strides, strict=True)):
            parts = (image.take(np.arange(i * step, i * step + size), axis) for i in range(count))
            image = np.stack([reduce(part, axis=axis) for part in parts], axis=axis)
        return image

    most, least = over(np.max, voxels), over(np.min, voxels)  # NaN if there is one
    result = np.isfinite(most) & np.isfinite(least) & (most > least)
    if source.padding is not None:
        result &= over(np.mean, source.tissue(voxels).astype(np.float32)) >= 0.5
    return result
