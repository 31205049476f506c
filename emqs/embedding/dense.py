"""Encode a whole slice at once: one feature map, pooled for every patch in it.

Neighbouring patches share most of their pixels, so what they share is computed once. A patch then
also sees a little of its surroundings, and one that is cut at the border is not stretched.

A slice is worked on in tiles, so that memory does not grow with it. Every tile sees enough of its
surroundings that the codes are those of the whole slice, up to rounding (1e-4 of a typical code).
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from emqs.embedding.pooling import TINY
from emqs.models import Convolutional

TILE = 1152  # edge of a tile without its surroundings, about, in pixels of the network's input;
# the shipped encoder takes 0.7 GB for it
GRIDS = 4  # so many sizes of windows are pooled one after the other; more are likely scattered
SCATTERED = 64  # boxes pooled at once that do not form a grid


def codes(
    network: Convolutional, image: np.ndarray, boxes: np.ndarray, *, patch_size: int, device: str
) -> np.ndarray:
    """Return the codes of boxes in one slice.

    Args:
        network: On ``device``.
        image: Slice ``(Y, X)``, float32 in [0, 1].
        boxes: Shape ``(n, 5)``, integer, inside the slice; their z is not looked at.
        patch_size: Edge of a patch, in pixels of the slice. The slice is resized as if patches of
            this size became the network's input, whatever the size of the boxes.
        device: Torch device.

    Returns:
        Codes, shape ``(n, D)``, float32, in the order of ``boxes``.
    """
    result = np.empty((len(boxes), network.code_size), dtype=np.float32)
    for members, top, left, crop in _tiles(network, image, boxes, patch_size):
        features = feature_map(network, crop, patch_size=patch_size, device=device)
        spans = boxes[members, 1:].astype(np.int64)
        spans = np.stack([spans[:, 0] - top, spans[:, 1] - left, spans[:, 2], spans[:, 3]], axis=1)
        ratio = network.input_size / patch_size
        result[members] = pooled(features, spans * ratio, network).cpu().numpy()
    return result


def _tiles(
    network: Convolutional, image: np.ndarray, boxes: np.ndarray, patch_size: int
) -> Iterator[tuple[np.ndarray, int, int, np.ndarray]]:
    """Yield which boxes a tile is for, its first row and column, and its pixels.

    Tiles start at whole patches, where pixels of the slice and of the network's input meet, and of
    these where cells of the feature map begin; a box belongs to the tile in which it begins.
    """
    meet = math.lcm(network.input_size, network.cell) // network.input_size * patch_size
    most = max(1, TILE // network.input_size)  # patches along a tile
    around = surroundings(network, patch_size)
    patch = boxes[:, 1:3] // patch_size  # (n, 2): row and column of the patch in which one begins
    begin = patch.min(axis=0, initial=2**31)
    count = patch.max(axis=0, initial=0) - begin + 1
    per_tile = -(-count // -(-count // most))  # tiles of one size
    tile = (patch - begin) // per_tile
    for numbers in np.unique(tile, axis=0):
        members = np.flatnonzero((tile == numbers).all(axis=1))
        first = (begin + numbers * per_tile) * patch_size - around
        top, left = (np.maximum(first, 0) // meet * meet).tolist()
        bottom, right = ((boxes[members, 1:3] + boxes[members, 3:]).max(axis=0) + around).tolist()
        yield members, top, left, image[top:bottom, left:right]


def surroundings(network: Convolutional, patch_size: int) -> int:
    """Return how far around a patch pixels of a slice count for its code.

    A cell and a few pixels more than the network reaches: cells at the rim also stand for what lies
    outside, and resizing looks at neighbours.
    """
    pixels = network.reach + network.cell + 8
    return -(-pixels * patch_size // network.input_size) + 2


def feature_map(
    network: Convolutional, image: np.ndarray, *, patch_size: int, device: str
) -> Tensor:
    """Return the feature map, shape ``(C, h, w)``, float32, of an image ``(Y, X)`` in [0, 1].

    Args:
        network: On ``device``.
        image: Any size.
        patch_size: Pixels of the image that become ``network.input_size`` pixels.
        device: Torch device.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(image))[None, None].to(device)
    ratio = network.input_size / patch_size
    with torch.inference_mode():
        if ratio != 1:
            size = [max(1, round(length * ratio)) for length in image.shape]
            lengths = [length / ratio for length in size]  # whole network pixels, maybe a bit more
            missing = [
                max(0, int(np.ceil(w - n))) for w, n in zip(lengths, image.shape, strict=True)
            ]
            if any(missing):
                pixels = functional.pad(pixels, (0, missing[1], 0, missing[0]), mode="replicate")
            pixels = functional.interpolate(
                pixels,
                scale_factor=ratio,
                mode="bilinear",
                antialias=ratio < 1,
                align_corners=False,
                recompute_scale_factor=False,
            ).clamp_(0, 1)
        features = network.features(pixels.contiguous(memory_format=torch.channels_last))
    return features[0].float()


def pooled(features: Tensor, spans: np.ndarray, network: Convolutional) -> Tensor:
    """Return mean and standard deviation of a feature map over windows, shape ``(n, 2 C)``.

    Args:
        features: Shape ``(C, h, w)``, float32.
        spans: First row, first column, height and width of each window, in pixels of the network's
            input, ``(n, 4)``; fractions count: a cell that lies half inside a window weighs half.
        network: Its ``cell`` and ``shift`` say where cells lie. The outermost cells also stand for
            what lies outside them.
    """
    sizes, size_of = np.unique(spans[:, 2:], axis=0, return_inverse=True)
    if 1 < len(sizes) <= GRIDS:  # windows of several sizes, each on a grid of its own
        result = torch.empty((len(spans), 2 * len(features)), device=features.device)
        for number in range(len(sizes)):
            members = np.flatnonzero(size_of.ravel() == number)
            result[torch.from_numpy(members)] = pooled(features, spans[members], network)
        return result
    rows, row_of = np.unique(spans[:, [0, 2]], axis=0, return_inverse=True)
    columns, column_of = np.unique(spans[:, [1, 3]], axis=0, return_inverse=True)
    down = _shares(rows, features.shape[1], network).to(features)  # (R, h)
    across = _shares(columns, features.shape[2], network).to(features)  # (K, w)
    row_of, column_of = row_of.ravel(), column_of.ravel()

    def mean(values: Tensor) -> Tensor:
        if len(rows) * len(columns) <= 2 * len(spans):  # a grid
            lines = torch.einsum("rh,chw->rcw", down, values)
            return torch.einsum("rcw,kw->rkc", lines, across)[row_of, column_of]
        parts = []
        for start in range(0, len(spans), SCATTERED):
            members = slice(start, start + SCATTERED)
            lines = torch.einsum("nh,chw->ncw", down[row_of[members]], values)
            parts.append(torch.einsum("ncw,nw->nc", lines, across[column_of[members]]))
        return torch.cat(parts)

    with torch.inference_mode():
        first = mean(features)
        variance = (mean(features.square()) - first.square()).clamp_(min=0)
        return torch.cat([first, (variance + TINY).sqrt()], dim=1)


def _shares(spans: np.ndarray, n_cells: int, network: Convolutional) -> Tensor:
    """Return how much each cell weighs in windows of one axis, ``(n, cells)``; rows sum to 1.

    Args:
        spans: First pixel and length of each window, ``(n, 2)``, in pixels of the network's input.
        n_cells: Along this axis.
        network: Knows where cells lie.
    """
    edges = np.arange(n_cells + 1) * float(network.cell) + network.shift
    edges[0], edges[-1] = -np.inf, np.inf
    first, last = spans[:, :1], spans[:, :1] + spans[:, 1:]
    inside = np.minimum(last, edges[1:]) - np.maximum(first, edges[:-1])
    return torch.from_numpy(np.clip(inside, 0, None) / spans[:, 1:])
