"""Generic grey images made by formulas, to pretrain a network before it sees any EM.

Each canvas mixes the ingredients that natural and microscope images share: things that cover each
other (dead leaves), smooth shading at several scales, stripes, closed outlines and noise.
"""

import numpy as np

from emqs.datasets.synthetic.noise import SmoothNoise
from emqs.errors import ConfigError

_TILES = 4  # images per canvas, along each side
_LARGEST_TILE = 1024  # pixels


def texture_images(*, n: int, size: int, seed: int) -> np.ndarray:
    """Draw grey images with edges, blobs, stripes and shading at several scales.

    Args:
        n: Number N of images, at least 1.
        size: Height and width of each image, 8 to 1024 pixels.
        seed: Any integer from 0. The same numbers give the same images.

    Returns:
        Grey values, shape ``(N, size, size)``, uint8, in random order.

    Raises:
        ConfigError: If a number is out of range.

    Source:
        Dead leaves: A. B. Lee, D. Mumford, J. Huang, "Occlusion Models for Natural Images",
        International Journal of Computer Vision 41, 2001; radii with density 1 / r^3.
    """
    if n < 1:
        raise ConfigError(f"The number of texture images must be at least 1, got {n}.")
    if not 8 <= size <= _LARGEST_TILE:
        raise ConfigError(
            f"The size of texture images must be 8 to {_LARGEST_TILE} pixels, got {size}."
        )
    if seed < 0:
        raise ConfigError(f"The seed of texture images must be at least 0, got {seed}.")
    rng = np.random.default_rng(seed)
    per_canvas = _TILES**2
    n_canvases = -(-n // per_canvas)
    images = np.empty((n_canvases, per_canvas, size, size), dtype=np.uint8)
    for canvas in range(n_canvases):
        grey = _canvas(rng, _TILES * size)
        tiles = grey.reshape(_TILES, size, _TILES, size).swapaxes(1, 2)
        images[canvas] = tiles.reshape(per_canvas, size, size)
    return rng.permutation(images.reshape(-1, size, size))[:n]


def _canvas(rng: np.random.Generator, side: int) -> np.ndarray:
    """Return one large picture, shape ``(side, side)``, uint8."""
    from scipy import ndimage

    kinds = (_leaves, _shading, _stripes, _outlines)
    picture = kinds[rng.choice(4, p=(0.55, 0.15, 0.15, 0.15))](rng, side)
    if rng.random() < 0.5:  # a second ingredient in part of the picture
        other = kinds[rng.integers(4)](rng, side)
        share = np.clip(0.5 + 1.5 * _smooth(rng, side, side / 4), 0, 1)
        picture = picture * share + other * (1 - share)
    picture = ndimage.gaussian_filter(picture, rng.uniform(0.3, 1.6))
    picture = picture + rng.uniform(0, 0.5) * _smooth(rng, side, side / 2)
    low, high = np.percentile(picture, (1, 99))
    picture = (picture - low) / max(float(high - low), 1e-6)
    contrast, level = rng.uniform(0.5, 1.0), rng.uniform(-0.1, 0.1)
    picture = 0.5 + level + contrast * (picture - 0.5)
    noise = rng.standard_normal(picture.shape, dtype=np.float32)
    noise = ndimage.gaussian_filter(noise, rng.uniform(0.0, 0.7))
    picture = picture + rng.uniform(0.0, 0.07) * noise
    return np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8)


def _smooth(rng: np.random.Generator, side: int, spacing: float) -> np.ndarray:
    """Return a smooth random field, standard deviation 1."""
    return SmoothNoise(rng, (0.0, side, side), max(spacing, 2.0)).at(0.0)


def _leaves(rng: np.random.Generator, side: int) -> np.ndarray:
    """Return dead leaves: ellipses and rectangles, each covering those before it."""
    picture = np.full((side, side), rng.normal(), dtype=np.float32)
    smallest, largest = 2.5, side / 6
    uniform = rng.random(1500)
    radii = 1 / np.sqrt(uniform / largest**2 + (1 - uniform) / smallest**2)  # density 1 / r^3
    radii[:200] = np.sort(rng.uniform(side / 20, largest, 200))[::-1]  # the ground is covered
    levels, patterns = rng.normal(size=radii.size), _patterns(rng, side)
    for radius, level in zip(radii, levels, strict=True):
        y, x = rng.uniform(0, side, 2)
        top, left = max(0, int(y - radius)), max(0, int(x - radius))
        bottom, right = min(side, int(y + radius) + 2), min(side, int(x + radius) + 2)
        rows, columns = np.ogrid[top:bottom, left:right]
        inside = _shape(rng, rows - y, columns - x, radius)
        pattern = patterns[rng.integers(len(patterns))][top:bottom, left:right]
        leaf = level + rng.uniform(0, 0.5) * pattern
        window = picture[top:bottom, left:right]
        window[inside] = leaf[inside]
    return picture


def _patterns(rng: np.random.Generator, side: int) -> list[np.ndarray]:
    """Return the fillings of leaves: shading, fine grain, stripes."""
    return [
        _smooth(rng, side, 24.0),
        _smooth(rng, side, 3.0),
        _stripes(rng, side),
        np.zeros((side, side), dtype=np.float32),
    ]


def _shape(
    rng: np.random.Generator, rows: np.ndarray, columns: np.ndarray, radius: float
) -> np.ndarray:
    """Return which pixels a turned ellipse or rectangle covers, bool."""
    angle, slim = rng.uniform(0, np.pi), rng.uniform(0.25, 1.0)
    along = rows * np.sin(angle) + columns * np.cos(angle)
    across = (rows * np.cos(angle) - columns * np.sin(angle)) / slim
    if rng.random() < 0.7:
        return along**2 + across**2 <= radius**2
    return np.maximum(np.abs(along), np.abs(across)) <= 0.7 * radius


def _shading(rng: np.random.Generator, side: int) -> np.ndarray:
    """Return smooth noise at several scales, stronger at the coarse ones."""
    picture = np.zeros((side, side), dtype=np.float32)
    falloff = rng.uniform(0.5, 1.2)
    for octave in range(6):
        spacing = side / 4 / 2**octave
        picture += 2.0 ** (-falloff * octave) * _smooth(rng, side, spacing)
    return picture


def _stripes(rng: np.random.Generator, side: int) -> np.ndarray:
    """Return bent stripes, soft or sharp, that fade in places."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    angle, period = rng.uniform(0, np.pi), rng.uniform(5.0, 24.0)
    bend = rng.uniform(0.3, 2.0) * period * _smooth(rng, side, 6 * period)
    wave = np.sin(2 * np.pi * (y * np.sin(angle) + x * np.cos(angle) + bend) / period)
    sharp = np.tanh(rng.uniform(0.5, 4.0) * wave)
    return sharp * np.clip(0.7 + 0.5 * _smooth(rng, side, 5 * period), 0, 1)


def _outlines(rng: np.random.Generator, side: int) -> np.ndarray:
    """Return blobs with a darker or lighter outline of even width."""
    spacing = rng.uniform(10.0, 40.0)
    field = _smooth(rng, side, spacing) + 0.4 * _smooth(rng, side, spacing / 3)
    away = (field - rng.uniform(-0.5, 0.5)) / (np.hypot(*np.gradient(field)) + 0.2 / spacing)
    width = rng.uniform(1.0, 3.0)
    blobs = rng.uniform(-1, 1) * np.tanh(away / width)
    return blobs + rng.choice([-2.0, 2.0]) * np.exp(-((away / width) ** 2))
