"""Scores of neighbouring voxels are evened out, but not across edges of the image.

It is the guided filter of He, Sun and Tang: within every small window the scores are taken for a
straight line of brightness, and a voxel gets the mean of the lines of all windows around it. Where
brightness hardly varies that is a mean, and where it does the scores turn where it turns.
"""

import numpy as np
from scipy import ndimage

BEFORE = 0.23  # sigma, in ``reach``, of the Gaussian that scores go through first
TRUNCATE = 3.0  # sigmas at which it ends
FLAT = 0.05  # variance of brightness within a window that counts as none, of that of the volume


def margin(reach: float) -> int:
    """Return how many voxels around a part count for it."""
    return 2 * round(reach) + int(TRUNCATE * BEFORE * reach + 0.5)


def along_edges(scores: np.ndarray, brightness: np.ndarray, reach: float) -> np.ndarray:
    """Return scores evened out in a slice, which goes on beyond its rim as in a mirror.

    Args:
        scores: ``(Y, X)``, float32.
        brightness: Of the same voxels; its mean over the volume is 0 and its variance 1.
        reach: Half the edge of a window, in voxels; 0 leaves the scores as they are.
    """
    if reach <= 0:
        return scores
    first = ndimage.gaussian_filter(scores, BEFORE * reach, truncate=TRUNCATE)
    bright, line = _mean(brightness, reach), _mean(first, reach)
    slope = _mean(brightness * first, reach) - bright * line
    slope /= _mean(brightness * brightness, reach) - bright * bright + np.float32(FLAT)
    evened: np.ndarray = _mean(slope, reach) * brightness + _mean(line - slope * bright, reach)
    return evened


def _mean(values: np.ndarray, reach: float) -> np.ndarray:
    mean: np.ndarray = ndimage.uniform_filter(values, 2 * round(reach) + 1)
    return mean
