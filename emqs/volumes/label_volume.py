"""Old readers of label volumes; ``bridge`` makes volumes of them until their formats are done."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, Self

import numpy as np

from emqs.errors import ConfigError, DataError, one_line

Box = tuple[slice, slice, slice]
Shape = tuple[int, int, int]
Size = tuple[float, float, float]  # of a voxel, Z Y X, nm

AXES = "zyx"


class Reader(ABC):
    """A label volume that can be read box by box.

    Attributes:
        path: File or folder.
        format: Its name, e.g. ``"hdf5"``.
        shape: ``(Z, Y, X)``, in voxels.
        dtype: Integers or bool, native byte order.
        block: ``(Z, Y, X)`` voxels that the format stores together; whole blocks read fastest.
        voxel_size_nm: Edges of a voxel, ``(Z, Y, X)``; None if the file does not say.
        notes: What a user should know, e.g. that chunks are missing; a sentence each.
    """

    format: str

    def __init__(
        self,
        path: Path,
        shape: Sequence[int],
        dtype: np.dtype[Any],
        block: Sequence[int],
        voxel_size_nm: Size | None = None,
    ) -> None:
        """Remember what the file says of itself.

        Raises:
            DataError: If it holds no labels.
        """
        check_labels(dtype, path)
        if len(shape) != 3 or 0 in shape:
            raise DataError(
                f"{path} has the shape {tuple(shape)}; a label volume has three axes (Z Y X) and "
                "at least one voxel."
            )
        self.path = path
        self.shape: Shape = (int(shape[0]), int(shape[1]), int(shape[2]))
        self.dtype = dtype.newbyteorder("=")
        self.block: Shape = tuple(  # type: ignore[assignment]
            max(1, min(int(b), s)) for b, s in zip(block, self.shape, strict=True)
        )
        self.voxel_size_nm = voxel_size_nm
        self.notes: list[str] = []

    @abstractmethod
    def _read(self, box: Box) -> np.ndarray:
        """Return the labels in a box inside the volume, ``(Z, Y, X)``, any byte order."""

    def read(self, box: Box) -> np.ndarray:
        """Return the labels in a box, ``(Z, Y, X)``, C order, native byte order.

        Raises:
            DataError: If this part of the file is damaged.
        """
        try:
            labels = self._read(box)
        except (DataError, MemoryError):
            raise
        except Exception as fault:  # the libraries' errors have no common class
            raise DataError(
                f"{self.path} cannot be read at {named(box)}: {one_line(fault)}. It may be "
                "damaged: copy or export it again."
            ) from fault
        found = np.ascontiguousarray(labels, dtype=self.dtype)
        # of a mapped file it is a view, which some codecs refuse, and which would change with it
        return found if found.flags.writeable else found.copy()

    def block_labels(self, box: Box) -> np.ndarray | None:  # noqa: ARG002 (most cannot)
        """Return the labels in a block without decoding it.

        Args:
            box: One of ``boxes(reader.shape, reader.block)``.

        Returns:
            Labels in any order, with or without repeats; None if the format cannot tell.
        """
        return None

    def block_counts(self, box: Box) -> tuple[np.ndarray, np.ndarray] | None:  # noqa: ARG002
        """Return the labels in a block and the voxels of each, without decoding it.

        Returns:
            Labels, and as many uint64; None if the format cannot tell.
        """
        return None

    def place(self, box: Box) -> str:
        """Return where a block is stored, for a message."""
        return f"{self.path}, {named(box)}"

    def missing(self, box: Box) -> bool:  # noqa: ARG002 (most cannot tell)
        """Return whether a block is known to have been written, and is gone."""
        return False

    def faults(self, step: Callable[[int, int], None]) -> Iterator[tuple[str, str]] | None:  # noqa: ARG002
        """Check every chunk, and what beside the voxels can be checked, such as an index.

        Args:
            step: Called after each chunk with chunks done and in all.

        Returns:
            File of each damaged chunk, and what is wrong with it; None if the format has no more
            to check than reading does.
        """
        return None

    #: What notices damage when a block is read; empty if nothing does.
    checksum: str = ""

    def read_all(self) -> np.ndarray:
        """Return the whole volume."""
        return self.read(
            (slice(0, self.shape[0]), slice(0, self.shape[1]), slice(0, self.shape[2]))
        )

    def describe(self) -> str:
        """Return what is read, to tell one part of a file from another."""
        return f"{self.format} {self.dtype} {self.shape}"

    def close(self) -> None:  # noqa: B027 (not every format has something to close)
        """Close files."""

    def __enter__(self) -> Self:
        """Use it in a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close files."""
        self.close()


class ArrayReader(Reader):
    """A volume in an array that can be sliced: NumPy, HDF5, Zarr, NIfTI ...

    Axes of length 1 beside the three are passed over.
    """

    def __init__(
        self,
        path: Path,
        format_name: str,
        array: Any,  # noqa: ANN401 - anything with shape, dtype and slicing
        *,
        axes: str,
        chunks: Sequence[int] | None = None,
        voxel_size_nm: Size | None = None,
        read: Callable[[tuple[Any, ...]], np.ndarray] | None = None,
        closes: Callable[[], None] | None = None,
    ) -> None:
        """Name the axes of an array.

        Args:
            path: Where the array is.
            format_name: Of the file.
            array: What is sliced.
            axes: A letter for each of the last two or three axes, e.g. ``"zyx"`` or ``"xyz"``;
                axes before them, and any further ones, must have length 1.
            chunks: Of the array, in its own order of axes.
            voxel_size_nm: ``(Z, Y, X)``.
            read: Used instead of slicing, if given.
            closes: Called by ``close``.

        Raises:
            DataError: If the array has other axes.
        """
        self.format = format_name
        self._what = f"{getattr(array, 'name', '')} {axes}"
        self._array, self._get, self._closes = array, read, closes
        places = _places(tuple(array.shape), axes, path)
        self._places = places
        self._rank = len(array.shape)
        shape = [array.shape[p] if p is not None else 1 for p in places]
        block = shape if chunks is None else [chunks[p] if p is not None else 1 for p in places]
        if chunks is None:
            block = [1, *shape[1:]] if places[0] is not None else shape
        super().__init__(path, shape, np.dtype(array.dtype), block, voxel_size_nm)

    def describe(self) -> str:
        """Return what is read: also the name of the array, and its axes."""
        return f"{super().describe()} {self._what}"

    def _read(self, box: Box) -> np.ndarray:
        index: list[Any] = [0] * self._rank
        for place, part in zip(self._places, box, strict=True):
            if place is not None:
                index[place] = part
        found = self._array[tuple(index)] if self._get is None else self._get(tuple(index))
        labels = np.asarray(found)
        kept = [p for p in self._places if p is not None]
        order = sorted(kept)
        labels = labels.transpose([order.index(p) for p in kept])
        return labels.reshape([part.stop - part.start for part in box])

    def close(self) -> None:
        """Close the file."""
        if self._closes is not None:
            self._closes()


def _places(shape: tuple[int, ...], axes: str, path: Path) -> list[int | None]:
    """Return which axis of an array is Z, Y and X; None for a Z that is not there."""
    if len(shape) == 2:
        axes = axes.replace("z", "")
    if len(shape) < len(axes):
        raise DataError(
            f"{path} has {len(shape)} axes, of shape {shape}; a label volume has three (Z Y X)."
        )
    if len(shape) == len(axes):
        spare: list[int] = []
    else:  # further axes may stand before or after the three, as channels do
        ones = [k for k, length in enumerate(shape) if length == 1]
        spare = ones[: len(shape) - len(axes)]
        if len(shape) - len(spare) != len(axes):
            raise DataError(
                f"{path} has {len(shape)} axes, of shape {shape}; a label volume has three "
                "(Z Y X), and any others must have length 1. Save one channel and time point."
            )
    kept = [k for k in range(len(shape)) if k not in spare]
    found = dict(zip(axes, kept, strict=True))
    return [found.get("z"), found["y"], found["x"]]


def check_axes(axes: str) -> str:
    """Return an order of axes in lower case.

    Raises:
        ConfigError: Unless it holds each of z, y and x once.
    """
    lower = str(axes).lower()
    if sorted(lower) != sorted(AXES):
        raise ConfigError(
            "input.axes must name the stored order of z, y and x, such as zyx or xyz, got "
            f"'{axes}'."
        )
    return lower


def check_labels(dtype: np.dtype[Any], path: Path) -> None:
    """Raise unless a dtype can hold labels.

    Raises:
        DataError: If it is not one of integers or bool.
    """
    if dtype.kind not in "uib":
        what = "fractions" if dtype.kind == "f" else "no whole numbers"
        raise DataError(
            f"{path} holds {what} ({dtype}), not labels. Labels are integers; a map of "
            "probabilities or an image cannot be stored as labels."
        )


def named(box: Box) -> str:
    """Return a box as text: ``z 0-32, y 0-256, x 256-512``, both ends inside."""
    return ", ".join(
        f"{axis} {part.start}-{part.stop - 1}" for axis, part in zip(AXES, box, strict=True)
    )


def boxes(shape: Shape, size: Shape) -> Iterator[Box]:
    """Yield the boxes of at most ``size`` that fill a volume, in raster order."""
    sides = [
        [slice(start, min(start + step, length)) for start in range(0, length, step)]
        for length, step in zip(shape, size, strict=True)
    ]
    yield from product(*sides)


def touched(box: Box, chunk: Shape, shape: Shape) -> list[Box]:
    """Return the chunks that overlap a box."""
    first = [part.start // step for part, step in zip(box, chunk, strict=True)]
    count = [-(-part.stop // step) - f for part, step, f in zip(box, chunk, first, strict=True)]
    found = []
    for place in np.ndindex(*count):
        z, y, x = (
            slice((f + k) * step, min((f + k + 1) * step, side))
            for f, k, step, side in zip(first, place, chunk, shape, strict=True)
        )
        found.append((z, y, x))
    return found


def count_boxes(shape: Shape, size: Shape) -> int:
    """Return how many boxes ``boxes`` yields."""
    return prod(-(-length // step) for length, step in zip(shape, size, strict=True))
