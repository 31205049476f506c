"""Codes of large windows from those of the small ones in them.

An encoder that pools a feature map describes a window by mean and standard deviation of the
features in it. Both follow from those of windows that cover it: a mean of means, and of means of
squares. Where the small ones lie side by side the result is exact, up to how codes are rounded;
where they overlap, what lies in two of them weighs twice.
"""

from collections.abc import Iterable

import numpy as np

TINY = 1e-6  # added to variances before the root, as in ``Contrastive.pool``
POOLED = ("contrastive",)  # models whose codes are such means and standard deviations


def combined(parts: Iterable[np.ndarray]) -> np.ndarray:
    """Return the codes of windows, each covered by as many small ones.

    Args:
        parts: Codes of the small windows, at least one array ``(..., D)``, floating-point: the
            first of all windows, then the second of all, and so on. The first half of a code are
            means, the second standard deviations.

    Returns:
        Shape ``(..., D)``, float32.
    """
    mean: np.ndarray | float = 0.0
    square: np.ndarray | float = 0.0
    n = 0
    for part in parts:
        half = part.shape[-1] // 2
        means, spreads = part[..., :half].astype(np.float64), part[..., half:].astype(np.float64)
        mean = mean + means
        square = square + means**2 + np.maximum(spreads**2 - TINY, 0)
        n += 1
    mean, square = np.asarray(mean) / n, np.asarray(square) / n
    spread = np.sqrt(np.maximum(square - mean**2, 0) + TINY)
    return np.concatenate([mean, spread], axis=-1).astype(np.float32)
