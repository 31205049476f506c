"""How far codes are apart."""

import numpy as np


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest distance of two codes, in lengths of a typical code."""
    typical = np.sqrt(np.mean(np.sum(expected**2, axis=1)))
    return float(np.max(np.linalg.norm(found - expected, axis=1)) / typical)
