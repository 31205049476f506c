"""Boxes, axis order and physical units.

Axes are Z Y X everywhere: Z counts slices, Y rows (downwards), X columns (to the right). A box is
one row ``(z, y, x, height, width)`` of an int64 array, in pixels: ``y`` and ``x`` are the first row
and column inside the patch, ``y + height`` and ``x + width`` the first outside it.
"""

import math
from typing import Literal

from emqs.errors import ConfigError

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
