"""What is measured of one slice, from which it is judged."""

from typing import Any

import numpy as np
from scipy import ndimage

from emqs.ingestion.sources import digest

TILE = 24  # pixels, of tiles that show something or nothing
LINE = 400  # pixels at most, of a line through a slice
FINE, FINER, COARSE = 1.0, 2.0, 4.0  # sigmas between bands, pixels; blur empties the finest first


def measure(image: np.ndarray) -> dict[str, Any]:
    """Return the measures of a slice.

    Args:
        image: Shape ``(Y, X)``, uint8 or uint16.

    Returns:
        By name: ``sha256`` of its pixels, ``height``, ``width``, ``mean`` and ``spread`` (of the
        whole range of the type), ``texture`` (spread of what is finer than 2 pixels, of the whole
        range), ``sharpness`` (log ratio of the two finest bands), ``empty`` (share of
        tiles with hardly any spread), ``black`` and ``white`` (share of pixels at the ends of the
        range), ``dtype``, and ``row`` and ``column`` through the middle, made short, from 0 to 255.
    """
    top = float(np.iinfo(image.dtype).max)
    unit = image.astype(np.float32) / np.float32(top)
    smooth = ndimage.gaussian_filter(unit, FINE, mode="nearest")
    smoother = ndimage.gaussian_filter(smooth, np.sqrt(FINER**2 - FINE**2), mode="nearest")
    coarse = ndimage.gaussian_filter(smoother, np.sqrt(COARSE**2 - FINER**2), mode="nearest")
    slow = ndimage.uniform_filter(coarse, 17, mode="nearest")
    bands = [smooth - smoother, smoother - coarse, coarse - slow]
    fine, middle, wide = (float(band.std()) for band in bands)
    spreads = tile_spreads(smooth)
    return {
        "sha256": digest(image),
        "dtype": image.dtype.name,
        "height": int(image.shape[0]),
        "width": int(image.shape[1]),
        "mean": float(unit.mean(dtype=np.float64)),
        "spread": float(unit.std(dtype=np.float64)),
        "texture": float(np.hypot(middle, wide)),
        "noise": float((unit - smooth).std()),
        "sharpness": float(np.log((fine + 1e-6) / (middle + 1e-6))),
        "sharpness_wide": float(np.log((middle + 1e-6) / (wide + 1e-6))),
        "empty": _empty(spreads),
        "black": float((image == 0).mean()),
        "white": float((image == np.iinfo(image.dtype).max).mean()),
        "row": line(unit[image.shape[0] // 2]),
        "column": line(unit[:, image.shape[1] // 2]),
    }


def line(values: np.ndarray) -> list[int]:
    """Return a line of pixels in [0, 1] as at most ``LINE`` greys from 0 to 255."""
    parts = np.array_split(values, min(LINE, len(values)))
    return [round(255 * float(part.mean())) for part in parts]


def tile_spreads(image: np.ndarray) -> np.ndarray:
    """Return the spread of each whole tile of ``TILE`` pixels; a small image is one tile."""
    edge = min(TILE, *image.shape)
    rows, columns = (length // edge for length in image.shape)
    tiles = image[: rows * edge, : columns * edge].reshape(rows, edge, columns, edge)
    spreads: np.ndarray = tiles.std(axis=(1, 3))
    return spreads


def _empty(spreads: np.ndarray) -> float:
    """Return the share of tiles with under a tenth of the spread that most textured tiles have."""
    usual = float(np.quantile(spreads, 0.9))
    return float((spreads <= max(0.1 * usual, 1e-4)).mean())
