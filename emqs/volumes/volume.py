"""A volume that is read box by box, wherever it is stored."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite, prod
from pathlib import Path
from typing import Protocol, Self

import numpy as np

from emqs.errors import ConfigError, DataError, EmqsError, one_line
from emqs.geometry import Box, Lengths, Shape, boxes
from emqs.volumes.label_answers import LabelAnswers

MAX_READ_BYTES = 2**33  # of one read; a terabyte asked for by mistake would fill the memory
MAX_CHUNK_BYTES = 2**30  # of one stored chunk, which is decoded whole whatever part is needed

#: Whole range of the types of pixels that have one: what becomes 0 and 1 where nothing is said.
RANGES = {
    np.dtype(np.bool_): (0.0, 1.0),
    np.dtype(np.uint8): (0.0, 255.0),
    np.dtype(np.uint16): (0.0, 65535.0),
}


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
    """Voxels ``(Z, Y, X)``, an image or labels, that stay where they are until a box is read.

    Attributes:
        name: Where it comes from, for messages and manifests.
        shape: Lengths along Z Y X, in voxels, each at least 1.
        dtype: Of the voxels, in native byte order: unsigned, signed, floating-point or bool.
        voxel_size_nm: Edges of a voxel along Z Y X, in nm; None if nobody states all three.
        origin_nm: Position ``(z, y, x)`` of the first voxel, in nm; 0 where nobody states it.
        chunks: Lengths along Z Y X of what is stored, and so read, in one piece.
        reader: Reads a box. It may also have ``close()``.
        path: File or folder; None if it lies on a server or in memory.
        format: Name of its format, e.g. ``"hdf5"``; empty for an array in memory.
        axes: Names of the stored axes, in stored order, also of those that were selected away.
        origin_stated: Whether the source or the user states the origin.
        level: Number of the resolution level, 0 the finest.
        n_levels: How many levels the source has.
        select: Index that was taken along each axis that is not Z, Y or X, by its name.
        notes: What a user should be told, a sentence each: a setting that won over what the source
            states, a decision, chunks that are missing.
        why_no_voxel_size: A sentence that says why the voxel size is unknown and what to do.
        labels: What the format can tell of labels without decoding them; None if nothing.
    """

    name: str
    shape: Shape
    dtype: np.dtype[np.generic]
    voxel_size_nm: Lengths | None
    origin_nm: Lengths
    chunks: Shape
    reader: Reader = field(repr=False)
    path: Path | None = None
    format: str = ""
    axes: tuple[str, ...] = ("z", "y", "x")
    origin_stated: bool = False
    level: int = 0
    n_levels: int = 1
    select: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    why_no_voxel_size: str = ""
    labels: LabelAnswers | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check what no format may break."""
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise DataError(f"{self.name} is empty: its shape (Z, Y, X) is {self.shape}.")
        if self.dtype.kind not in "uifb":
            raise DataError(
                f"{self.name} holds voxels of type {self.dtype}; allowed are whole and "
                "floating-point numbers."
            )
        if self.voxel_size_nm is not None:
            check_voxel_size(self.voxel_size_nm, self.name)
        if len(self.origin_nm) != 3 or not all(isfinite(v) for v in self.origin_nm):
            raise DataError(f"{self.name} has no finite origin (Z, Y, X), got {self.origin_nm}.")
        check_chunks(self.chunks, self.dtype.itemsize, self.name)

    @property
    def box(self) -> Box:
        """All of it."""
        return Box((0, 0, 0), self.shape)

    def require_voxel_size(self) -> Lengths:
        """Return the edges of a voxel along Z Y X, in nm.

        Raises:
            DataError: If nobody states them.
        """
        if self.voxel_size_nm is None:
            raise DataError(
                self.why_no_voxel_size
                or f"{self.name} states no voxel size. Give voxel_size_nm=[z,y,x] in nm."
            )
        return self.voxel_size_nm

    def require_labels(self) -> "Volume":
        """Return the volume itself if it can hold labels.

        Raises:
            DataError: If its voxels are not integers or bool.
        """
        if self.dtype.kind not in "uib":
            raise DataError(
                f"{self.name} holds fractions ({self.dtype}), not labels. Labels are integers; a "
                "map of probabilities or an image cannot be stored as labels."
            )
        return self

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
        n_bytes = box.size * self.dtype.itemsize
        if n_bytes > MAX_READ_BYTES:
            raise DataError(
                f"The box {box} of {self.name} is {n_bytes / 1e9:.1f} GB, above the limit of "
                f"{MAX_READ_BYTES / 1e9:.1f} GB. Read it in smaller boxes."
            )
        if n_bytes == 0:
            return np.empty(box.shape, dtype=self.dtype)
        try:
            voxels = self.reader.read(box)
        except (EmqsError, MemoryError):
            raise
        except Exception as fault:  # the libraries' errors have no common class
            raise DataError(
                f"{self.name} cannot be read at {box}: {one_line(fault)}. It may be damaged: copy "
                "or export it again."
            ) from fault
        if voxels.shape != box.shape:
            raise DataError(
                f"The box {box} of {self.name} gave voxels of shape {voxels.shape}; it is damaged "
                "or changed while it was read."
            )
        voxels = np.ascontiguousarray(voxels, dtype=self.dtype)
        # of a mapped file it is a view, which some codecs refuse, and which would change with it
        return voxels if voxels.flags.writeable else voxels.copy()

    def blocks(self, shape: Shape | None = None) -> Iterator[Box]:
        """Yield boxes of one shape that cover the volume without overlap.

        Args:
            shape: Lengths along Z Y X, in voxels; boxes at the far ends are cut. None: chunks.

        Yields:
            Boxes, X fastest, then Y, then Z.
        """
        yield from boxes(self.shape, self.chunks if shape is None else shape)

    def close(self) -> None:
        """Close files and end processes that the reader keeps; most keep none."""
        close = getattr(self.reader, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Self:
        """Use it in a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


@dataclass(frozen=True, eq=False)
class ArrayReader:
    """Voxels that are in memory, or look like it."""

    array: np.ndarray  # (Z, Y, X)

    def read(self, box: Box) -> np.ndarray:
        """Return a copy of the voxels of a box."""
        return np.array(self.array[box.slices])


def from_array(
    array: np.ndarray,
    voxel_size_nm: Lengths | None,
    *,
    origin_nm: Lengths | None = None,
    name: str = "an array",
) -> Volume:
    """Return a volume over an array in memory, which is not copied.

    Args:
        array: Shape ``(Z, Y, X)``, whole or floating-point numbers, or bool.
        voxel_size_nm: Edges of a voxel along Z Y X, in nm; None if unknown.
        origin_nm: Position of the first voxel along Z Y X, in nm; None if unknown.
        name: For messages.

    Raises:
        DataError: If the array has not three axes, is empty, or is not of numbers.
    """
    if array.ndim != 3:
        raise DataError(f"{name} must have the three axes Z Y X, got shape {array.shape}.")
    shape: Shape = array.shape
    chunks = bounded_chunks(shape, array.dtype.itemsize)
    origin = (0.0, 0.0, 0.0) if origin_nm is None else origin_nm
    return Volume(
        name, shape, native(array.dtype), voxel_size_nm, origin, chunks, ArrayReader(array),
        origin_stated=origin_nm is not None,
    )  # fmt: skip


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
