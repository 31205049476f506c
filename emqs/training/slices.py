"""Slices as sources of training patches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from emqs.datasets import Stack
from emqs.errors import DataError
from emqs.patches import cutting, grid
from emqs.training.settings import TrainConfig

WHITE = 65535  # slices are kept as uint16: half the memory of float32, finer than any detector


@dataclass(frozen=True)
class SliceSource:
    """Slices of one stack that are used for training, or for validation, and their patches."""

    images: list[np.ndarray]  # float32 (Y, X) in [0, 1]; for training prepared by ``padded``
    boxes: np.ndarray  # (N, 5), int64, all squares of ``size``
    size: int  # edge of a patch, in pixels of the slice
    zoom: tuple[float, float] = (1.0, 1.0)  # smallest and largest piece that is cut, times ``size``
    reach: int = 0  # how many slices away a neighbour may be; 0: slices are unrelated


def square_grid(shapes: Sequence[tuple[int, int]], size: int, stride: int) -> np.ndarray:
    """Return the grid of ``patches.grid`` with its border patches moved inside, not cut.

    Cut patches would be stretched to squares, which no microscope does. Slices that are smaller
    than a patch in one direction have no patches.

    Args:
        shapes: Height and width of each slice, in pixels.
        size: Edge of a patch, in pixels.
        stride: Step of the grid, in pixels.

    Returns:
        Boxes, shape ``(N, 5)``, int64, sorted by z, then y, then x; no box twice.
    """
    boxes = grid.grid(shapes, size, stride)
    limits = np.array(shapes, dtype=np.int64).reshape(-1, 2)[boxes[:, 0]] - size
    boxes = boxes[(limits >= 0).all(axis=1)]
    boxes[:, 1:3] = np.minimum(boxes[:, 1:3], limits[(limits >= 0).all(axis=1)])
    boxes[:, 3:] = size
    return np.unique(boxes, axis=0)


def edges(
    stack: Stack, config: TrainConfig, drawn: Sequence[float] | None
) -> tuple[int, int, tuple[float, float]]:
    """Return edge and grid step of a stack's patches in pixels, and the limits of their zoom.

    Args:
        stack: Gives the size of a pixel.
        config: ``patch`` and ``augment.zoom`` count.
        drawn: Smallest and largest edge of a patch, in ``patch.unit``, instead of both; or None.

    Raises:
        ConfigError: If nm are asked for and the pixel size is not known.
    """
    if drawn is None:
        low, high = config.augment.zoom
        return *grid.size_and_stride(config.patch, stack.pixel_size_nm), (low, high)
    middle = max(1, round((drawn[0] * drawn[1]) ** 0.5))  # pixels must be whole
    patch = replace(config.patch, size=middle)
    return *grid.size_and_stride(patch, stack.pixel_size_nm), (
        drawn[0] / middle,
        drawn[1] / middle,
    )


def neighbour_reach(stack: Stack, config: TrainConfig) -> int:
    """Return how many slices away a neighbour may be; 0 if slices are unrelated."""
    if not stack.consecutive or config.augment.neighbour == 0:
        return 0
    if stack.section_nm is None:
        return 1
    return max(1, int(config.augment.neighbour_nm / stack.section_nm))


class Parts(NamedTuple):
    """Where the patches of one stack lie, known from the sizes of its slices alone."""

    first: int  # the slice that validation starts with, or of a single slice the row
    training: np.ndarray  # boxes, (N, 5)
    validation: np.ndarray  # boxes, (M, 5)


def divide(stack: Stack, config: TrainConfig, drawn: Sequence[float] | None = None) -> Parts:
    """Divide the patches of a stack into training and validation, by block; nothing is read.

    Neighbouring slices nearly repeat each other, so a random choice would validate on what was
    trained on. The last ``data.val_fraction`` of the slices, at least one, are for validation; of
    a stack with one slice, its bottom rows, at least one patch high. Validation patches do not
    overlap: their stride is the size.

    Args:
        stack: The slices; labels are never looked at.
        config: ``patch`` and ``data`` count.
        drawn: As in ``edges``.

    Raises:
        DataError: If a stack of one slice is too small to be split.
        ConfigError: If a slice is smaller than a patch.
    """
    size, stride, _ = edges(stack, config, drawn)
    shapes, fraction = list(stack.shapes), config.data.val_fraction
    if len(shapes) > 1:
        first = len(shapes) - min(max(1, round(fraction * len(shapes))), len(shapes) - 1)
        parts = shapes[:first], shapes[first:]
    else:
        height, width = shapes[0]
        first = height - max(size, round(fraction * height))
        if first < size:
            raise DataError(
                f"The only slice of '{stack.name}' has {height}x{width} pixels (height x width); "
                f"it cannot be split into rows for training and rows for validation, each at "
                f"least one patch of {size} pixels high. Use more slices or a smaller patch.size."
            )
        parts = [(first, width)], [(height - first, width)]
    return Parts(first, square_grid(parts[0], size, stride), square_grid(parts[1], size, size))


def split(
    stack: Stack, config: TrainConfig, drawn: Sequence[float] | None = None
) -> tuple[SliceSource, SliceSource]:
    """Split a stack into training and validation slices, as ``divide`` says, and prepare them.

    Args:
        stack: The slices; labels are never looked at.
        config: ``patch``, ``data``, ``augment`` and the model's preprocessing count.
        drawn: As in ``edges``.

    Returns:
        Training and validation, images float32 in [0, 1] with their contrast set.

    Raises:
        DataError: If a stack of one slice is too small to be split.
        ConfigError: If a slice is smaller than a patch.
    """
    size, _, zoom = edges(stack, config, drawn)
    parts = divide(stack, config, drawn)
    reach = neighbour_reach(stack, config)
    contrast = config.model.preprocessing.contrast
    images = [cutting.with_contrast(stack.unit(z), contrast) for z in range(len(stack))]
    if len(images) > 1:
        training, validation = images[: parts.first], images[parts.first :]
    else:
        training, validation = [images[0][: parts.first]], [images[0][parts.first :]]
    return (
        SliceSource(training, parts.training, size, zoom, reach),
        SliceSource(validation, parts.validation, size, zoom, reach),
    )


def padded(source: SliceSource, margin: int, network_size: int) -> SliceSource:
    """Return a training source as batches are cut from it.

    Slices are smoothed as much as shrinking patches to the network's size needs (the sigma that
    scikit-image's resize uses), turned to uint16, and mirrored outwards by the margin.

    Args:
        source: Float32 slices.
        margin: Pixels on each side; boxes stay as they are, and so start at the margin's corner.
        network_size: Edge of the network's input, in pixels.
    """
    sigma = max(0.0, (source.size / network_size - 1) / 2)
    images = []
    for image in source.images:
        smooth = ndimage.gaussian_filter(image, sigma, mode="mirror") if sigma > 0 else image
        whole = np.rint(smooth * WHITE).astype(np.uint16)
        images.append(np.pad(whole, margin, mode="reflect"))
    return replace(source, images=images)


def moved(
    source: SliceSource, boxes: np.ndarray, probability: float, rng: np.random.Generator
) -> np.ndarray:
    """Return boxes ``(n, 5)``, some of them at the same place in a slice nearby.

    Never beyond the first or last slice of the source, and never into one of another size.

    Args:
        source: Its ``reach`` says how far away that slice may be.
        boxes: ``(z, y, x, height, width)``, in pixels.
        probability: Of each box to be moved.
        rng: Source of randomness.
    """
    if source.reach == 0 or len(source.images) < 2:
        return boxes
    n = len(boxes)
    step = rng.integers(1, source.reach, size=n, endpoint=True)
    step *= 1 - 2 * rng.integers(2, size=n)
    step[rng.random(n) >= probability] = 0
    z = np.clip(boxes[:, 0] + step, 0, len(source.images) - 1)
    shapes = np.array([image.shape for image in source.images])
    z = np.where((shapes[z] == shapes[boxes[:, 0]]).all(axis=1), z, boxes[:, 0])
    return np.column_stack([z, boxes[:, 1:]])
