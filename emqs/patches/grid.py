"""Grids of boxes, cutting and resizing patches, and how much of a structure each one shows.

Boxes are rows ``(z, y, x, height, width)`` as in ``emqs.geometry``. Nothing here holds more patches
in memory than the caller asks for at once.
"""

from collections.abc import Sequence

import numpy as np

from emqs.datasets import Stack
from emqs.errors import ConfigError
from emqs.geometry import Unit, to_pixels
from emqs.patches.settings import PatchConfig


def size_and_stride(patch: PatchConfig, pixel_size_nm: float | None) -> tuple[int, int]:
    """Return edge and grid step of a patch in pixels; the step is the edge unless it is given.

    Args:
        patch: Both in ``patch.unit``, pixels or nm.
        pixel_size_nm: Edge of a pixel in nm, or None if it is not known.

    Raises:
        ConfigError: If nm are asked for and the pixel size is not known.
    """
    unit: Unit = "nm" if patch.unit == "nm" else "px"
    size = to_pixels(patch.size, unit, pixel_size_nm, setting="patch.size")
    if patch.stride is None:
        return size, size
    return size, to_pixels(patch.stride, unit, pixel_size_nm, setting="patch.stride")


def grid_positions(length: int, size: int, stride: int) -> np.ndarray:
    """Return where patches start along one axis.

    They start at 0 and every ``stride`` pixels, up to and including the first that reaches the
    border; that one is cut there. Later ones would show nothing new and are left out.

    Args:
        length: Length of the axis, in pixels.
        size: Edge of a patch, in pixels.
        stride: Step, in pixels.

    Returns:
        First pixels, int64, ascending.
    """
    starts = np.arange(0, length, stride, dtype=np.int64)
    return starts[(starts == 0) | (starts - stride + size < length)]


def grid(
    shapes: Sequence[tuple[int, int]], size: int, stride: int, *, border: bool = True
) -> np.ndarray:
    """Return a regular grid of boxes over every slice.

    Args:
        shapes: Height and width of each slice, in pixels, Z of them.
        size: Edge of a patch, in pixels.
        stride: Step of the grid, in pixels.
        border: Keep the patches that are cut at the border of a slice; they are smaller.

    Returns:
        Boxes, shape ``(N, 5)``, int64, sorted by z, then y, then x.

    Raises:
        ConfigError: If size or stride is under 1, or a slice is smaller than one patch both ways.

    Source:
        Patch-based Querying, where ``stride`` equals ``size``: same boxes in the same order.
    """
    if size < 1 or stride < 1:
        raise ConfigError(
            f"patch.size and patch.stride must be at least 1 pixel, got {size} and {stride}."
        )
    rows = []
    for z, (height, width) in enumerate(shapes):
        if height < size and width < size:
            raise ConfigError(
                f"patch.size is {size} pixels, but slice {z} is only {height}x{width} pixels "
                "(height x width). Choose a smaller patch.size."
            )
        y, x = np.meshgrid(
            grid_positions(height, size, stride),
            grid_positions(width, size, stride),
            indexing="ij",
        )
        y, x = y.ravel(), x.ravel()
        h, w = np.minimum(size, height - y), np.minimum(size, width - x)
        rows.append(np.stack([np.full_like(y, z), y, x, h, w], axis=1))
    boxes = np.concatenate(rows) if rows else np.empty((0, 5), dtype=np.int64)
    return boxes if border else boxes[is_full(boxes, size)]


def is_full(boxes: np.ndarray, size: int) -> np.ndarray:
    """Return which boxes are whole patches, not cut at a border; shape ``(N,)``, bool."""
    return (boxes[:, 3] == size) & (boxes[:, 4] == size)


def patch_pixels(stack: Stack, patch: PatchConfig) -> tuple[int, int]:
    """Return edge and grid step of a patch in pixels of this stack."""
    return size_and_stride(patch, stack.pixel_size_nm)


def make_grid(stack: Stack, patch: PatchConfig) -> np.ndarray:
    """Return the boxes of a regular grid over a stack, shape ``(N, 5)``; see ``patches.grid``."""
    return grid(stack.shapes, *patch_pixels(stack, patch), border=patch.border)
