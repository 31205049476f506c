"""Boxes, axis order and physical units.

Axes are Z Y X everywhere: Z counts slices, Y rows (downwards), X columns (to the right). ``Box`` is
a part of a volume. Boxes of patches are rows ``(z, y, x, height, width)`` of an int64 array, in
pixels: ``y`` and ``x`` are the first row and column inside the patch, ``y + height`` and
``x + width`` the first outside it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Literal

from emqs.errors import ConfigError

Unit = Literal["px", "nm"]
Shape = tuple[int, int, int]  # along Z Y X, in voxels
Lengths = tuple[float, float, float]  # along Z Y X, in nm


def to_pixels(length: float, unit: Unit, pixel_size_nm: float | None, *, setting: str) -> int:
    """Return a length in whole pixels.

    Args:
        length: The length, in ``unit``; positive.
        unit: ``"px"`` (pixels) or ``"nm"`` (nanometres).
        pixel_size_nm: Edge of one pixel in nm, or None if it is not known.
        setting: Name of the setting, for the error message, e.g. ``"patch.size"``.

    Returns:
        The length in pixels, rounded to the nearest whole number (halves up), at least 1.

    Raises:
        ConfigError: If the length is not a finite number above 0, if pixels are given as a
            fraction, if nm are asked for and the pixel size is unknown, or if the length is under
            half a pixel.
    """
    if not 0 < length < math.inf:
        raise ConfigError(f"{setting} must be a finite number greater than 0, got {length:g}.")
    if unit == "px":
        if length != int(length):
            raise ConfigError(f"{setting} must be a whole number of pixels, got {length:g}.")
        return int(length)
    if pixel_size_nm is None:
        raise ConfigError(
            f"{setting} is given in nm, but the dataset has no pixel size. "
            "Set dataset.pixel_size_nm, or give pixels with patch.unit=px."
        )
    pixels = math.floor(length / pixel_size_nm + 0.5)
    if pixels < 1:
        raise ConfigError(
            f"{setting} of {length:g} nm is less than half a pixel of {pixel_size_nm:g} nm."
        )
    return pixels


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
    def size(self) -> int:
        """Number of voxels."""
        return prod(self.shape)

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The same as an index into an array ``(Z, Y, X)``."""
        z, y, x = (slice(a, b) for a, b in zip(self.start, self.stop, strict=True))
        return z, y, x

    def moved(self, by: Sequence[int]) -> "Box":
        """Return a box of the same shape that lies ``by`` voxels (Z Y X) further on."""
        (z, y, x), (bottom, right, end) = (
            (corner[0] + by[0], corner[1] + by[1], corner[2] + by[2])
            for corner in (self.start, self.stop)
        )
        return Box((z, y, x), (bottom, right, end))

    def overlap(self, other: "Box") -> "Box":
        """Return what two boxes share; of boxes that share nothing, an empty box."""
        z, y, x = (max(a, b) for a, b in zip(self.start, other.start, strict=True))
        ends = (min(a, b) for a, b in zip(self.stop, other.stop, strict=True))
        bottom, right, end = (max(a, b) for a, b in zip((z, y, x), ends, strict=True))
        return Box((z, y, x), (bottom, right, end))

    def __str__(self) -> str:
        """Return the box as a message shows it; the last number of each pair lies outside."""
        return f"z {self.start[0]}:{self.stop[0]}, y {self.start[1]}:{self.stop[1]}, x " + (
            f"{self.start[2]}:{self.stop[2]}"
        )


def boxes(shape: Shape, size: Shape) -> Iterator[Box]:
    """Yield the boxes of at most one size that fill a volume without overlap.

    Args:
        shape: Of the volume, Z Y X, voxels.
        size: Of a box, Z Y X, voxels, at least 1; boxes at the far ends are cut.

    Yields:
        Boxes, X fastest, then Y, then Z.
    """
    starts = (range(0, length, step) for length, step in zip(shape, size, strict=True))
    for z, y, x in product(*starts):
        stop = min(z + size[0], shape[0]), min(y + size[1], shape[1]), min(x + size[2], shape[2])
        yield Box((z, y, x), stop)


def count_boxes(shape: Shape, size: Shape) -> int:
    """Return how many boxes ``boxes`` yields."""
    return prod(-(-length // step) for length, step in zip(shape, size, strict=True))


def touched(box: Box, chunk: Shape, shape: Shape) -> list[Box]:
    """Return the chunks that overlap a box, X fastest.

    Args:
        box: Lies inside the volume.
        chunk: Lengths of a chunk along Z Y X; the first begins at voxel 0.
        shape: Of the volume; chunks at the far ends are cut.
    """
    places = (
        range(start // step, -(-stop // step))
        for start, stop, step in zip(box.start, box.stop, chunk, strict=True)
    )
    result = []
    for place in product(*places):
        z, y, x = (number * step for number, step in zip(place, chunk, strict=True))
        stop = min(z + chunk[0], shape[0]), min(y + chunk[1], shape[1]), min(x + chunk[2], shape[2])
        result.append(Box((z, y, x), stop))
    return result


def box_size(shape: Shape, unit: Shape, itemsize: int, max_bytes: int) -> Shape:
    """Return the largest boxes, in whole units, that stay within some memory.

    Boxes grow along X first, then Y, then Z, since most formats store rows together.

    Args:
        shape: Of the volume.
        unit: What boxes are multiples of; -1 along an axis that is never cut.
        itemsize: Bytes per voxel.
        max_bytes: Of a box. A single unit may be larger.
    """
    size = [
        length if step == -1 else min(step, length)
        for length, step in zip(shape, unit, strict=True)
    ]
    for axis in (2, 1, 0):
        if unit[axis] == -1:
            continue
        others = itemsize * prod(size) // size[axis]
        fits = max_bytes // (others * unit[axis]) * unit[axis]
        size[axis] = min(shape[axis], max(unit[axis], fits))
        if size[axis] < shape[axis]:
            break
    return size[0], size[1], size[2]
