"""Which pixel values become black (0) and white (1)."""

import logging
import math

import numpy as np

from emqs.errors import ConfigError, DataError

logger = logging.getLogger(__name__)

PERCENTILES = (0.1, 99.9)  # of all pixels of a stack; these become 0 and 1 under stretch
SAMPLE = 2**23  # pixels that the percentiles are taken from, if a stack has more
NARROW = 1 / 8  # a 16-bit stack that spans less of its range looks black or flat


def intensity_range(slices: list[np.ndarray], mode: str, where: str) -> tuple[float, float]:
    """Return the pixel values of a stack that become 0 and 1.

    Args:
        slices: Z slices ``(Y, X)`` of one dtype: uint8, uint16 or float32.
        mode: ``"dtype"``: 0 and 255, or 0 and 65535. ``"stretch"``: the 0.1 and 99.9 percentiles
            of all pixels (of 2**23 of them, drawn with a fixed seed, if there are more).
        where: The dataset as an error message should name it.

    Returns:
        Two finite numbers, the first below the second.

    Raises:
        ConfigError: If ``mode`` is ``"dtype"`` and the pixels have no fixed range.
        DataError: If ``mode`` is ``"stretch"`` and the two percentiles are equal.
    """
    if mode == "stretch":
        return _percentiles(slices, where)
    kind = slices[0].dtype
    if kind == np.uint8:
        return 0.0, 255.0
    if kind != np.uint16:
        raise ConfigError(
            f"{where} has floating-point or wide integer pixels, which have no fixed range for "
            "dataset.intensity=dtype. Use dataset.intensity=stretch."
        )
    low, high = min(int(s.min()) for s in slices), max(int(s.max()) for s in slices)
    if high - low < NARROW * 65535:
        logger.warning(
            "%s has 16-bit pixels that span only %d to %d, so it will look nearly flat. "
            "dataset.intensity=stretch uses the whole range.",
            where,
            low,
            high,
        )
    return 0.0, 65535.0


def _percentiles(slices: list[np.ndarray], where: str) -> tuple[float, float]:
    total = sum(s.size for s in slices)
    pixels = [s.ravel() for s in slices]
    if total > SAMPLE:
        rng = np.random.default_rng(0)
        share = SAMPLE / total
        pixels = [p[rng.integers(p.size, size=math.ceil(p.size * share))] for p in pixels]
    low, high = (float(v) for v in np.percentile(np.concatenate(pixels), PERCENTILES))
    if not low < high:
        raise DataError(
            f"{where} has no contrast to stretch: its {PERCENTILES[0]} and {PERCENTILES[1]} "
            f"percentiles are both {low:g}. Look at the raw images; "
            "dataset.intensity=dtype reads them unstretched."
        )
    return low, high
