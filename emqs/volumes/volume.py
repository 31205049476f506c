"""A volume that is read box by box, wherever it is stored."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from math import isfinite, prod
from typing import Protocol

import numpy as np

from emqs.errors import ConfigError, DataError

Shape = tuple[int, int, int]
Lengths = tuple[float, float, float]

MAX_READ_BYTES = 2**33  # of one read; a terabyte asked for by mistake would fill the memory
MAX_CHUNK_BYTES = 2**30  # of one stored chunk, which is decoded whole whatever part is needed


@dataclass(frozen=True)
class Box:
    """A part of a volume, in voxels; ``start`` lies inside, ``stop`` is the first outside."""

    start: Shape  # (z, y, x)
    stop: Shape  # (z, y, x)

    @property
    def shape(self) -> Shape:
        """Lengths along Z Y X, in voxels."""
        z, y, x = (stop - start for start, stop in zip(self.start, self.stop, strict=True))
        return z, y, x

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The same as an index into an array ``(Z, Y, X)``."""
        z, y, x = (slice(a, b) for a, b in zip(self.start, self.stop, strict=True))
        return z, y, x

    def __str__(self) -> str:
        """Return the box as an error message shows it."""
        return f"z {self.start[0]}:{self.stop[0]}, y {self.start[1]}:{self.stop[1]}, x " + (
            f"{self.start[2]}:{self.stop[2]}"
        )


class Reader(Protocol):
    """What a format adds: voxels of a box."""

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box that lies inside, shape ``box.shape``, axes Z Y X.

        Raises:
            DataError: If they cannot be read.
        """
        ...


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels ``(Z, Y, X)`` that stay where they are until a box of them is read.

    Attributes:
        name: Where it comes from, for messages and manifests.
        shape: Lengths along Z Y X, in voxels, each at least 1.
        dtype: Of the voxels, in native byte order: unsigned, signed or floating-point.
        voxel_size_nm: Edges of a voxel along Z Y X, in nm.
        origin_nm: Position ``(z, y, x)`` that the source gives its first voxel, in nm.
        chunks: Lengths along Z Y X of what is stored, and so read, in one piece.
        reader: Reads a box.
    """

    name: str
    shape: Shape
    dtype: np.dtype[np.generic]
    voxel_size_nm: Lengths
    origin_nm: Lengths
    chunks: Shape
    reader: Reader = field(repr=False)

    def __post_init__(self) -> None:
        """Check what no format may break."""
        if min(self.shape) < 1:
            raise DataError(f"{self.name} is empty: its shape (Z, Y, X) is {self.shape}.")
        if self.dtype.kind not in "uif":
            raise DataError(
                f"{self.name} holds voxels of type {self.dtype}; allowed are whole and "
                "floating-point numbers."
            )
        check_voxel_size(self.voxel_size_nm, self.name)
        if len(self.origin_nm) != 3 or not all(isfinite(v) for v in self.origin_nm):
            raise DataError(f"{self.name} has no finite origin (Z, Y, X), got {self.origin_nm}.")
        check_chunks(self.chunks, self.dtype.itemsize, self.name)

    @property
    def box(self) -> Box:
        """All of it."""
        return Box((0, 0, 0), self.shape)

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box.

        Args:
            box: Lies wholly inside the volume; may be empty.

        Returns:
            Voxels, shape ``box.shape``, axes Z Y X, C order, ``self.dtype``. They belong to the
            caller.

        Raises:
            DataError: If the box reaches outside, is larger than 8 GiB, or cannot be read.
        """
        for axis, start, stop, length in zip("zyx", box.start, box.stop, self.shape, strict=True):
            if not 0 <= start <= stop <= length:
                raise DataError(
                    f"The box {box} reaches outside {self.name} of shape (Z, Y, X) = {self.shape}: "
                    f"{axis} must be from 0 to {length}."
                )
        n_bytes = prod(box.shape) * self.dtype.itemsize
        if n_bytes > MAX_READ_BYTES:
            raise DataError(
                f"The box {box} of {self.name} is {n_bytes / 1e9:.1f} GB, above the limit of "
                f"{MAX_READ_BYTES / 1e9:.1f} GB. Read it in smaller boxes."
            )
        if n_bytes == 0:
            return np.empty(box.shape, dtype=self.dtype)
        voxels = self.reader.read(box)
        if voxels.shape != box.shape:
            raise DataError(
                f"The box {box} of {self.name} gave voxels of shape {voxels.shape}; it is damaged "
                "or changed while it was read."
            )
        return np.ascontiguousarray(voxels, dtype=self.dtype)

    def blocks(self, shape: Shape) -> Iterator[Box]:
        """Yield boxes of one shape that cover the volume without overlap.

        Args:
            shape: Lengths along Z Y X, in voxels; boxes at the far ends are cut.

        Yields:
            Boxes, X fastest, then Y, then Z.
        """
        starts = (range(0, length, step) for length, step in zip(self.shape, shape, strict=True))
        for z, y, x in product(*starts):
            stop = (
                min(z + shape[0], self.shape[0]),
                min(y + shape[1], self.shape[1]),
                min(x + shape[2], self.shape[2]),
            )
            yield Box((z, y, x), stop)


@dataclass(frozen=True, eq=False)
class ArrayReader:
    """Voxels that are in memory, or look like it."""

    array: np.ndarray  # (Z, Y, X)

    def read(self, box: Box) -> np.ndarray:
        """Return a copy of the voxels of a box."""
        return np.array(self.array[box.slices])


def from_array(
    array: np.ndarray,
    voxel_size_nm: Lengths,
    *,
    origin_nm: Lengths = (0.0, 0.0, 0.0),
    name: str = "an array",
) -> Volume:
    """Return a volume over an array in memory, which is not copied.

    Args:
        array: Shape ``(Z, Y, X)``, whole or floating-point numbers.
        voxel_size_nm: Edges of a voxel along Z Y X, in nm.
        origin_nm: Position of the first voxel along Z Y X, in nm.
        name: For messages.

    Raises:
        DataError: If the array has not three axes, is empty, or is not of numbers.
    """
    if array.ndim != 3:
        raise DataError(f"{name} must have the three axes Z Y X, got shape {array.shape}.")
    shape: Shape = array.shape
    chunks = bounded_chunks(shape, array.dtype.itemsize)
    return Volume(
        name, shape, native(array.dtype), voxel_size_nm, origin_nm, chunks, ArrayReader(array)
    )


def native(dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
    """Return a type of pixels in the byte order of this machine."""
    return np.dtype(dtype).newbyteorder("=")


def bounded_chunks(shape: Shape, itemsize: int, limit: int = 2**24) -> Shape:
    """Return chunks of whole rows for voxels that are stored without chunks.

    Args:
        shape: Of the volume, Z Y X.
        itemsize: Bytes of a voxel.
        limit: Largest chunk, in bytes; one row may exceed it.

    Returns:
        Chunk lengths along Z Y X: one slice, or as many of its rows as the limit allows.
    """
    rows = max(1, min(shape[1], limit // max(1, shape[2] * itemsize)))
    return 1, rows, shape[2]


def check_chunks(chunks: Shape, itemsize: int, where: str) -> None:
    """Raise an error if a chunk is too large to be decoded whole.

    Args:
        chunks: Lengths along Z Y X as stored, which may exceed those of the volume.
        itemsize: Bytes of a voxel.
        where: The source, for the message.

    Raises:
        DataError: If it is.
    """
    n_bytes = prod(chunks) * itemsize
    if n_bytes > MAX_CHUNK_BYTES:
        raise DataError(
            f"{where} is stored in chunks of {' x '.join(map(str, chunks))} voxels (Z x Y x X), "
            f"{n_bytes / 1e9:.1f} GB each, above the limit of {MAX_CHUNK_BYTES / 1e9:.1f} GB. "
            "Store it in smaller chunks."
        )


def check_voxel_size(voxel_size_nm: Lengths, where: str) -> None:
    """Raise an error unless a voxel size is three finite lengths above 0.

    Raises:
        ConfigError: If it is not.
    """
    if len(voxel_size_nm) != 3 or not all(isfinite(v) and v > 0 for v in voxel_size_nm):
        raise ConfigError(
            f"The voxel size of {where} must be three lengths (Z, Y, X) in nm, each finite and "
            f"above 0, got {tuple(voxel_size_nm)}. Give voxel_size_nm=[z,y,x]."
        )
