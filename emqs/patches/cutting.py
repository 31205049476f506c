"""Cut patches out of slices and bring them to the size and contrast of an encoder."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from emqs.errors import ConfigError, DataError
from emqs.patches.boxes import check_boxes

CONTRAST_MEAN = 0.5  # contrast="slice": where the mean of a slice comes to lie ...


CONTRAST_SPREAD = 0.2  # ... and its standard deviation, in units of the range [0, 1]


@lru_cache(maxsize=256)
def resize_matrix(length: int, size: int) -> np.ndarray:
    """Return the matrix that resizes one axis, shape ``(size, length)``, float32.

    Resizing an image is ``A @ image @ B.T`` with one matrix per axis, which resizes a whole batch
    in two products. The matrix is scikit-image's own answer for an identity image, so the result
    equals ``skimage.transform.resize`` with its defaults (linear, anti-aliased when shrinking).
    """
    from skimage.transform import resize

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
