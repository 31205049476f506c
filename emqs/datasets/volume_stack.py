"""A volume as the slices that the rest of emqs works on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import overload

import numpy as np

from emqs.datasets import Stack
from emqs.errors import ConfigError
from emqs.geometry import Box
from emqs.volumes.volume import RANGES, Volume

SLAB_BYTES = 2**28  # slices of one row of chunks are read together, up to so many bytes


class VolumeSlices(Sequence[np.ndarray]):
    """The Z slices of a volume, each read when it is asked for.

    The slices that share chunks with the last one are kept, if they are at most 256 MiB.
    """

    def __init__(self, volume: Volume) -> None:
        """Keep the volume; nothing is read."""
        self.volume = volume
        self._slab: tuple[int, np.ndarray] = (0, np.empty((0, 0, 0), dtype=volume.dtype))

    def __len__(self) -> int:
        """Return the number Z of slices."""
        return self.volume.shape[0]

    @overload
    def __getitem__(self, z: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, z: slice) -> list[np.ndarray]: ...

    def __getitem__(self, z: int | slice) -> np.ndarray | list[np.ndarray]:
        """Return slice z, shape ``(Y, X)``, of the dtype of the volume.

        Raises:
            IndexError: If there is no such slice.
            DataError: If it cannot be read.
        """
        if isinstance(z, slice):
            return [self[i] for i in range(*z.indices(len(self)))]
        if not -len(self) <= z < len(self):
            raise IndexError(f"There is no slice {z}; there are {len(self)}, counted from 0.")
        z %= len(self)
        first, slab = self._slab
        if not first <= z < first + len(slab):
            first, slab = self._read(z)
            self._slab = (first, slab)
        return slab[z - first].copy()

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield slice after slice."""
        return (self[z] for z in range(len(self)))

    def _read(self, z: int) -> tuple[int, np.ndarray]:
        depth, height, width = self.volume.chunks[0], *self.volume.shape[1:]
        first = z // depth * depth
        last = min(first + depth, len(self))
        if prod((last - first, height, width)) * self.volume.dtype.itemsize > SLAB_BYTES:
            first, last = z, z + 1
        return first, self.volume.read(Box((first, 0, 0), (last, height, width)))


@dataclass(frozen=True)
class VolumeStack(Stack):
    """A stack whose slices all have one size, so that none is read to know it."""

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Height and width of every slice, in pixels."""
        if not isinstance(self.slices, VolumeSlices):
            return super().shapes
        _, height, width = self.slices.volume.shape
        return [(height, width)] * len(self.slices)


def as_stack(volume: Volume, *, intensity: tuple[float, float] | None = None) -> Stack:
    """Return a volume as a stack without labels; a slice is read when it is asked for.

    Args:
        volume: With square voxels in the slice plane.
        intensity: Voxel values that become 0 and 1; None means the whole range of uint8 or uint16.

    Returns:
        The stack; ``embeddings.embed_batches`` reads one slice of it after the other.

    Raises:
        ConfigError: If voxels are not square in XY, or other types come without ``intensity``.
    """
    section, height, width = volume.require_voxel_size()
    if not np.isclose(height, width, rtol=1e-3):
        raise ConfigError(
            f"{volume.name} has voxels of {height:g} x {width:g} nm in the slice plane (Y x X); "
            "patches need square ones. Resample it, or give voxel_size_nm=[z,y,x] if it is wrong."
        )
    if intensity is None and volume.dtype not in RANGES:
        raise ConfigError(
            f"{volume.name} holds {volume.dtype} voxels, which have no fixed range. Say which "
            "values are black and white, e.g. intensity=[0,4000]."
        )
    return VolumeStack(
        volume.name,
        VolumeSlices(volume),
        [f"{z:06d}" for z in range(volume.shape[0])],
        intensity=RANGES[volume.dtype] if intensity is None else intensity,
        pixel_size_nm=height,
        section_nm=section,
    )
