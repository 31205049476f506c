"""What a voxel and its surroundings in the slice look like, at several scales, without a network.

Maps of large scales are made of smaller copies of the slice and enlarged. Scales are in pixels of
the slice; each map is scaled so that structures of its scale count alike.
"""

import numpy as np
from scipy import ndimage

from emqs.prediction.layers import Layer, Layers, between

SCALES = ((1, 1.0), (1, 2.0), (2, 4.0), (4, 8.0))  # by what the slice is shrunk, sigma in pixels
WIDEST = (4, 16.0)  # only brightness and spread
TRUNCATE = 3.0  # sigmas at which a Gaussian ends
PER_SCALE = 7
N_MAPS = PER_SCALE * len(SCALES) + 2
STEP = 4  # crops start at multiples of it, so that smaller copies are the same
AROUND = 16  # pixels of a copy around a part that count for its maps: two Gaussians of a sigma of 2
# and a gradient, or one of 4, and one to enlarge
MARGIN = AROUND * STEP


def maps(image: np.ndarray) -> np.ndarray:
    """Return the maps of a slice, or of a crop that starts at a multiple of ``STEP``.

    Args:
        image: ``(Y, X)``, float32 in [0, 1].

    Returns:
        ``(N_MAPS, Y, X)``, float32: for each scale brightness, gradient, the two eigenvalues of
        the Hessian, the two of the structure tensor (as lengths), and the spread; then brightness
        and spread at the widest scale. At the rim the slice is continued as in a mirror.
    """
    whole = slice(0, image.shape[0]), slice(0, image.shape[1])
    plain = np.zeros(N_MAPS, dtype=np.float32), np.ones(N_MAPS, dtype=np.float32)
    return Layers(layers(image, whole, plain)).full()


def layers(
    image: np.ndarray, inside: tuple[slice, slice], scale: tuple[np.ndarray, np.ndarray]
) -> list[Layer]:
    """Return the maps of a part of a slice, those of large scales on a coarser grid; see ``maps``.

    Args:
        image: The part with ``MARGIN`` pixels around it, where the slice has so many; it starts at
            a multiple of ``STEP``.
        inside: Where in it the part lies.
        scale: Of each map what is taken from it and by what it is divided, ``(N_MAPS,)`` each.
    """
    mean, spread = scale
    result, first = [], 0
    for factor in sorted({f for f, _ in (*SCALES, WIDEST)}):
        sigmas = [sigma / factor for f, sigma in SCALES if f == factor]
        margin = AROUND * factor
        start = [max(0, s.start - margin) // factor * factor for s in inside]
        stop = [s.stop + margin for s in inside]
        small = _shrunk(image[start[0] : stop[0], start[1] : stop[1]], factor)
        made = [one for sigma in sigmas for one in _scale(small, sigma)]
        if factor == WIDEST[0]:
            made += _brightness(small, WIDEST[1] / factor)
        places = [
            (np.arange(s.start - a, s.stop - a) + 0.5) / factor - 0.5
            for s, a in zip(inside, start, strict=True)
        ]
        low = [max(0, int(p[0])) for p in places]
        more = 1 if factor == 1 else 2
        high = [min(n, int(p[-1]) + more) for p, n in zip(places, small.shape, strict=True)]
        values = np.empty((len(made), high[0] - low[0], high[1] - low[1]), dtype=np.float32)
        for number, (one, own) in enumerate(zip(made, values, strict=True), first):
            np.subtract(one[low[0] : high[0], low[1] : high[1]], mean[number], out=own)
            own *= 1 / spread[number]
        first += len(made)
        if factor == 1:
            result.append(Layer(values))
        else:
            result.append(Layer(values, *(
                between(p - a, b - a) for p, a, b in zip(places, low, high, strict=True)
            )))  # fmt: skip
    return result


def _shrunk(image: np.ndarray, factor: int) -> np.ndarray:
    """Return means of blocks; blocks at the far rim are filled with its last pixels."""
    if factor == 1:
        return image
    rest = [(0, -n % factor) for n in image.shape]
    padded = np.pad(image, rest, mode="symmetric")
    rows, columns = (n // factor for n in padded.shape)
    return padded.reshape(rows, factor, columns, factor).mean(axis=(1, 3), dtype=np.float32)


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
    slope = np.sqrt(dy * dy + dx * dx)
    maps = [mean, slope * sigma, *(r * sigma**2 for r in ridges), *(e * sigma for e in edges)]
    return [m.astype(np.float32, copy=False) for m in (*maps, spread)]


def _eigenvalues(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the larger and the smaller eigenvalue of ``[[a, b], [b, c]]``."""
    middle, half = (a + c) / 2, (a - c) / 2
    half = np.sqrt(half * half + b * b)
    return middle + half, middle - half
