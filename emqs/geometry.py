"""Boxes, axis order and physical units.

Axes are Z Y X everywhere: Z counts slices, Y rows (downwards), X columns (to the right). A box is
one row ``(z, y, x, height, width)`` of an int64 array, in pixels: ``y`` and ``x`` are the first row
and column inside the patch, ``y + height`` and ``x + width`` the first outside it.
"""

import math
from typing import Literal

import numpy as np

from emqs.errors import ConfigError, DataError

BOX_COLUMNS = ("z", "y", "x", "height", "width")

Unit = Literal["px", "nm"]


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


def check_boxes(boxes: np.ndarray, shapes: list[tuple[int, int]]) -> None:
    """Raise an error unless every box lies wholly inside its slice.

    Args:
        boxes: Patch positions, shape ``(N, 5)``, integer, columns ``(z, y, x, height, width)`` in
            pixels.
        shapes: Height and width of each slice, in pixels, Z of them.

    Raises:
        DataError: If the array has another shape or dtype, or a box is empty or reaches outside.
    """
    if boxes.ndim != 2 or boxes.shape[1] != 5 or not np.issubdtype(boxes.dtype, np.integer):
        raise DataError(
            f"Boxes must be an integer array of shape (N, 5), columns {BOX_COLUMNS}, "
            f"got {boxes.dtype} of shape {boxes.shape}."
        )
    if len(boxes) == 0:
        return
    z, y, x, height, width = boxes.astype(np.int64).T
    inside = (z >= 0) & (z < len(shapes)) & (y >= 0) & (x >= 0) & (height > 0) & (width > 0)
    limits = np.array([*shapes, (0, 0)], dtype=np.int64)[np.where(inside, z, -1)]
    inside &= (y + height <= limits[:, 0]) & (x + width <= limits[:, 1])
    if not inside.all():
        bad = int(np.flatnonzero(~inside)[0])
        raise DataError(
            f"Box {bad} of {len(boxes)}, (z, y, x, height, width) = "
            f"{tuple(int(v) for v in boxes[bad])}, is empty or reaches outside "
            f"{_where(int(boxes[bad, 0]), shapes)}. Boxes from patches.grid() always fit."
        )


def _where(z: int, shapes: list[tuple[int, int]]) -> str:
    """Return words for the slice that a box should lie in."""
    if not 0 <= z < len(shapes):
        return f"the {len(shapes)} slices, which count from 0"
    return f"slice {z} of {shapes[z][0]}x{shapes[z][1]} pixels (height x width)"
