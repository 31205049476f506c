"""What a voxel and its surroundings in the slice look like, at several scales, without a network.

Maps of large scales are made of smaller copies of the slice and enlarged. Scales are in pixels of
the slice; each map is scaled so that structures of its scale count alike.
"""

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

SCALES = ((1, 1.0), (1, 2.0), (2, 4.0), (4, 8.0))  # by what the slice is shrunk, sigma in pixels
WIDEST = (4, 16.0)  # only brightness and spread
TRUNCATE = 3.0  # sigmas at which a Gaussian ends
PER_SCALE = 7
N_MAPS = PER_SCALE * len(SCALES) + 2
STEP = 4  # crops start at multiples of it, so that smaller copies are the same
MARGIN = 112  # pixels around a crop that count for its maps: two Gaussians of sigma 8, one of 16


def maps(image: np.ndarray) -> np.ndarray:
    """Return the maps of a slice, or of a crop that starts at a multiple of ``STEP``.

    Args:
        image: ``(Y, X)``, float32 in [0, 1].

    Returns:
        ``(N_MAPS, Y, X)``, float32: for each scale brightness, gradient, the two eigenvalues of
        the Hessian, the two of the structure tensor (as lengths), and the spread; then brightness
        and spread at the widest scale. At the rim the slice is continued as in a mirror.
    """
    small = {factor: _shrunk(image, factor) for factor in {f for f, _ in (*SCALES, WIDEST)}}
    parts: dict[int, list[np.ndarray]] = {factor: [] for factor in small}
    for factor, sigma in SCALES:
        parts[factor] += _scale(small[factor], sigma / factor)
    factor, sigma = WIDEST
    parts[factor] += _brightness(small[factor], sigma / factor)[:2]
    result = np.empty((N_MAPS, *image.shape), dtype=np.float32)
    first = 0
    for factor, some in parts.items():
        result[first : first + len(some)] = _enlarged(np.stack(some), factor, image.shape)
        first += len(some)
    return result


def _shrunk(image: np.ndarray, factor: int) -> np.ndarray:
    """Return means of blocks; blocks at the far rim are filled with its last pixels."""
    if factor == 1:
        return image
    rest = [(0, -n % factor) for n in image.shape]
    padded = np.pad(image, rest, mode="symmetric")
    rows, columns = (n // factor for n in padded.shape)
    return padded.reshape(rows, factor, columns, factor).mean(axis=(1, 3), dtype=np.float32)


def _enlarged(some: np.ndarray, factor: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return maps of a smaller copy at the size of the slice, between pixels linearly."""
    if factor == 1:
        return some
    large = functional.interpolate(
        torch.from_numpy(some)[None], scale_factor=factor, mode="bilinear", align_corners=False
    )
    return large[0, :, : shape[0], : shape[1]].numpy()


def _smooth(image: np.ndarray, sigma: float) -> np.ndarray:
    smooth: np.ndarray = ndimage.gaussian_filter(image, sigma, mode="reflect", truncate=TRUNCATE)
    return smooth


def _brightness(image: np.ndarray, sigma: float) -> list[np.ndarray]:
    """Return brightness and spread around every pixel."""
    mean = _smooth(image, sigma)
    variance = _smooth(image * image, sigma) - mean * mean
    return [mean, np.sqrt(np.maximum(variance, 0))]


def _scale(image: np.ndarray, sigma: float) -> list[np.ndarray]:
    """Return the maps of one scale."""
    mean, spread = _brightness(image, sigma)
    dy, dx = np.gradient(mean)
    dyy, dyx = np.gradient(dy)
    dxx = np.gradient(dx, axis=1)
    tensor = [_smooth(product, sigma) for product in (dy * dy, dy * dx, dx * dx)]
    ridges = _eigenvalues(dyy, dyx, dxx)
    edges = [np.sqrt(np.maximum(e, 0)) for e in _eigenvalues(*tensor)]
    slope = np.hypot(dy, dx)
    maps = [mean, slope * sigma, *(r * sigma**2 for r in ridges), *(e * sigma for e in edges)]
    return [m.astype(np.float32, copy=False) for m in (*maps, spread)]


def _eigenvalues(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the larger and the smaller eigenvalue of ``[[a, b], [b, c]]``."""
    middle, half = (a + c) / 2, np.hypot((a - c) / 2, b)
    return middle + half, middle - half
