"""Grids of boxes, cutting and resizing patches, and how much of a structure each one shows.

Boxes are rows ``(z, y, x, height, width)`` as in ``emqs.geometry``. Nothing here holds more patches
in memory than the caller asks for at once.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage
from skimage.transform import resize

from emqs.config import PatchConfig
from emqs.errors import ConfigError, DataError
from emqs.geometry import Unit, check_boxes, to_pixels

CONTRAST_MEAN = 0.5  # contrast="slice": where the mean of a slice comes to lie ...
CONTRAST_SPREAD = 0.2  # ... and its standard deviation, in units of the range [0, 1]


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


def structure_fraction(
    labels: Sequence[np.ndarray], boxes: np.ndarray, structure: int
) -> np.ndarray:
    """Return, for each box, the fraction of its pixels that belong to a structure.

    Args:
        labels: Z label slices, each ``(Y, X)``, any integer dtype; 0 is background.
        boxes: Patch positions, shape ``(N, 5)``, integer, columns
            ``(z, y, x, height, width)`` in pixels.
        structure: Label value to count.

    Returns:
        Fractions in [0, 1], shape ``(N,)``, float64, in the order of ``boxes``.

    Raises:
        DataError: If a box does not lie wholly inside ``labels``. A patch cut at the border is a
            smaller box, never one that reaches outside.
    """
    check_boxes(boxes, [(s.shape[0], s.shape[1]) for s in labels])
    boxes = boxes.astype(np.int64)
    counts = np.zeros(len(boxes), dtype=np.int64)
    for z in np.unique(boxes[:, 0]):
        here = np.flatnonzero(boxes[:, 0] == z)
        counts[here] = _count_inside(labels[z] == structure, boxes[here, 1:])
    return counts / (boxes[:, 3] * boxes[:, 4])


def _count_inside(mask: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return how many pixels of a mask ``(Y, X)`` are true inside boxes ``(n, 4)``."""
    table = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int64)  # summed areas
    inner = table[1:, 1:]
    np.cumsum(mask, axis=1, out=inner)
    np.cumsum(inner, axis=0, out=inner)
    y, x, height, width = boxes.T
    bottom, right = y + height, x + width
    return table[bottom, right] - table[y, right] - table[bottom, x] + table[y, x]


def touched_components(
    labels: Sequence[np.ndarray], boxes: np.ndarray, structure: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which connected pieces of a structure each box touches.

    Pieces are the 8-connected components of ``labels[z] == structure`` of each slice on its own;
    every slice is labelled once.

    Args:
        labels: Z label slices, each ``(Y, X)``, any integer dtype.
        boxes: Patch positions, shape ``(N, 5)``, integer. Only slices that occur here count.
        structure: Label value.

    Returns:
        Three int64 arrays: the box and the component of every touching pair, shape ``(P,)`` each,
        and the area in pixels of each component, shape ``(C,)``.

    Raises:
        DataError: If a box does not lie wholly inside ``labels``.
    """
    check_boxes(boxes, [(s.shape[0], s.shape[1]) for s in labels])
    boxes = boxes.astype(np.int64)  # differences below need a sign
    pair_box, pair_component, areas = [], [], []
    n_components = 0
    for z in np.unique(boxes[:, 0]):
        here = np.flatnonzero(boxes[:, 0] == z)
        y, x, height, width = boxes[here, 1:].T
        components, n_here = ndimage.label(labels[z] == structure, structure=np.ones((3, 3)))
        areas.append(np.bincount(components.ravel(), minlength=n_here + 1)[1:])
        for number, (rows, columns) in enumerate(ndimage.find_objects(components), start=1):
            top, left = rows.start, columns.start
            near = np.flatnonzero(
                (y < rows.stop) & (y + height > top) & (x < columns.stop) & (x + width > left)
            )
            y0, x0 = np.maximum(y[near] - top, 0), np.maximum(x[near] - left, 0)
            y1 = np.minimum(y[near] + height[near], rows.stop) - top
            x1 = np.minimum(x[near] + width[near], columns.stop) - left
            inside = _count_inside(
                components[rows, columns] == number, np.stack([y0, x0, y1 - y0, x1 - x0], axis=1)
            )
            touching = here[near[inside > 0]]
            pair_box.append(touching)
            pair_component.append(np.full(len(touching), n_components + number - 1))
        n_components += n_here
    empty = [np.empty(0, dtype=np.int64)]
    return (
        np.concatenate(pair_box or empty),
        np.concatenate(pair_component or empty),
        np.concatenate(areas or empty),
    )


@lru_cache(maxsize=256)
def resize_matrix(length: int, size: int) -> np.ndarray:
    """Return the matrix that resizes one axis, shape ``(size, length)``, float32.

    Resizing an image is ``A @ image @ B.T`` with one matrix per axis, which resizes a whole batch
    in two products. The matrix is scikit-image's own answer for an identity image, so the result
    equals ``skimage.transform.resize`` with its defaults (linear, anti-aliased when shrinking).
    """
    matrix = resize(np.eye(length), (size, length)).astype(np.float32)
    matrix.setflags(write=False)
    return matrix


def with_contrast(image: np.ndarray, contrast: str) -> np.ndarray:
    """Return a slice with its contrast set as a model expects it.

    Args:
        image: Slice ``(Y, X)``, float32 in [0, 1].
        contrast: ``"none"`` leaves it; ``"slice"`` shifts and scales it to mean 0.5 and standard
            deviation 0.2 and clips to [0, 1]. A constant slice becomes 0.5.

    Returns:
        The slice, float32 in [0, 1].
    """
    if contrast == "none":
        return image
    if contrast != "slice":
        raise ConfigError(f"contrast must be 'none' or 'slice', got '{contrast}'.")
    return to_contrast(image, image.mean(dtype=np.float64), image.std(dtype=np.float64))


def to_contrast(image: np.ndarray, mean: float, spread: float) -> np.ndarray:
    """Return an image as ``contrast="slice"`` sets it, given what it is a part of.

    Args:
        image: Part of a slice, ``(Y, X)``, float32 in [0, 1].
        mean: Of the whole slice.
        spread: Standard deviation of the whole slice.

    Returns:
        The image, float32 in [0, 1].
    """
    scale = CONTRAST_SPREAD / spread if spread > 1e-6 else 0.0
    changed = (image - np.float32(mean)) * np.float32(scale) + np.float32(CONTRAST_MEAN)
    return np.clip(changed, 0.0, 1.0)


def cut(image: np.ndarray, boxes: np.ndarray, size: int) -> np.ndarray:
    """Return patches of one slice, resized to one size.

    Args:
        image: Slice ``(Y, X)``, float32 in [0, 1].
        boxes: Shape ``(n, 5)``, integer, inside the slice; their z is not looked at.
        size: Edge of the result, in pixels.

    Returns:
        Patches, shape ``(n, size, size)``, float32 in [0, 1], in the order of ``boxes``.

    Raises:
        DataError: If a box reaches outside the slice.
    """
    boxes = np.concatenate([np.zeros_like(boxes[:, :1]), boxes[:, 1:]], axis=1)
    check_boxes(boxes, [(image.shape[0], image.shape[1])])
    patches = np.empty((len(boxes), size, size), dtype=np.float32)
    for height, width in np.unique(boxes[:, 3:], axis=0).tolist():
        here = np.flatnonzero((boxes[:, 3] == height) & (boxes[:, 4] == width))
        windows = sliding_window_view(image, (height, width))[boxes[here, 1], boxes[here, 2]]
        if (height, width) != (size, size):
            columns = windows @ resize_matrix(width, size).T  # (n, height, size)
            windows = resize_matrix(height, size) @ columns  # (n, size, size)
        patches[here] = windows
    return np.clip(patches, 0.0, 1.0, out=patches)  # rounding may leave [0, 1] by 1e-7


def by_slice(boxes: np.ndarray, batch_size: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield slice number and the positions in ``boxes`` of at most ``batch_size`` boxes in it."""
    if batch_size < 1:
        raise DataError(f"batch_size must be at least 1, got {batch_size}.")
    for z in np.unique(boxes[:, 0]):
        here = np.flatnonzero(boxes[:, 0] == z)
        for start in range(0, len(here), batch_size):
            yield int(z), here[start : start + batch_size]
