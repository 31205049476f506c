"""Slices made small, without their slow shades and their contrast, so that shapes alone count."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import fft, ndimage

COARSE_EDGE = 256  # pixels, about, of the image on which rotations are searched
BLOCK_EDGE = 512  # at most about, of the image on which blocks are matched
FLAT = 9  # pixels: what is constant over such a square shows nothing
FLOOR = 0.25  # of the usual spread; weaker places are not amplified beyond it


@dataclass(eq=False)
class Prepared:
    """One slice, ready to be matched.

    Attributes:
        shape: Of the full slice.
        factor: Full pixels in one of ``fine``.
        fine: For blocks, float32, mean 0, 0 where there is nothing.
        valid: Where ``fine`` shows something.
        coarse_factor: Full pixels in one of ``coarse``.
        coarse: For the search of rotations; as ``fine``.
        points: SIFT points of ``fine``, once they were looked for: places and descriptors.
    """

    shape: tuple[int, int]
    factor: int
    fine: np.ndarray
    valid: np.ndarray
    coarse_factor: int
    coarse: np.ndarray
    points: tuple[np.ndarray, np.ndarray] | None = None

    @cached_property
    def frame(self) -> tuple[int, int]:
        """Size of the Fourier transforms of ``coarse``, with room for shifts."""
        height, width = self.coarse.shape
        return fft.next_fast_len(height * 3 // 2, True), fft.next_fast_len(width * 3 // 2, True)


def factors(shape: tuple[int, int]) -> tuple[int, int]:
    """Return by how much slices of a size are reduced for blocks and for the search."""
    edge = max(shape)
    fine = 2 ** max(0, round(math.log2(edge / BLOCK_EDGE)))
    coarse = 2 ** max(0, round(math.log2(edge / COARSE_EDGE)))
    return fine, max(fine, coarse)


def prepare(image: np.ndarray, reductions: tuple[int, int] | None = None) -> Prepared:
    """Return a slice ready to be matched.

    Args:
        image: Shape ``(Y, X)``, uint8 or uint16.
        reductions: Of ``factors``; the same for all slices of a stack. None: by this size.
    """
    shape = image.shape[0], image.shape[1]
    fine_factor, coarse_factor = factors(shape) if reductions is None else reductions
    fine = reduce(image, fine_factor)
    coarse = reduce(fine, coarse_factor // fine_factor)
    even, valid = normalised(fine, 1.0, 16)
    return Prepared(shape, fine_factor, even, valid, coarse_factor, normalised(coarse, 1.0, 8)[0])


def reduce(image: np.ndarray, factor: int) -> np.ndarray:
    """Return means of squares of pixels, float32; what is left over at the ends is cut."""
    if factor == 1:
        return image.astype(np.float32)
    rows, columns = image.shape[0] // factor, image.shape[1] // factor
    cut = image[: rows * factor, : columns * factor]
    tiles = cut.reshape(rows, factor, columns, factor)
    small: np.ndarray = tiles.mean(axis=(1, 3), dtype=np.float32)
    return small


def normalised(image: np.ndarray, small: float, large: int) -> tuple[np.ndarray, np.ndarray]:
    """Return an image without what is slower than ``large`` pixels, of even spread.

    Args:
        image: Shape ``(Y, X)``, float32.
        small: Sigma of what is too fine to count, pixels.
        large: Half the edge of a square whose mean is taken away, pixels.

    Returns:
        The image, float32, 0 where it is constant, and where it is not, bool.
    """
    flat = ndimage.maximum_filter(image, FLAT) == ndimage.minimum_filter(image, FLAT)
    near = ndimage.maximum_filter(flat, 2 * FLAT + 1)
    edge = 2 * large + 1
    band = ndimage.gaussian_filter(image, small, mode="nearest")
    band -= ndimage.uniform_filter(band, edge, mode="nearest")
    band[near] = 0.0
    power = ndimage.uniform_filter(band * band, 2 * edge, mode="nearest")
    spread = np.sqrt(np.maximum(power, 0.0))
    shown = spread[~near]
    floor = FLOOR * float(np.median(shown)) if shown.size else 0.0
    if floor == 0.0:
        return np.zeros_like(band), np.zeros(band.shape, dtype=bool)
    return band / (spread + floor), ~near


def warped(image: np.ndarray, forward: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return an image moved by a map, by linear interpolation; 0 where there is nothing.

    Args:
        image: Shape ``(Y, X)``, float32.
        forward: Map from its pixels to those of the result, ``(2, 3)``.
        shape: Of the result.
    """
    from emqs.ingestion import affine

    back = affine.invert(forward)
    moved: np.ndarray = ndimage.affine_transform(
        image, back[:, :2], back[:, 2], output_shape=shape, order=1, mode="constant", cval=0.0
    )
    return moved
