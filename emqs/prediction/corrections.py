"""What clicks say against a head: a straight line through features cannot go around single places.

Where a head scores a click less than it should, the scores of voxels like it are raised, and where
it scores one more, lowered. How much falls off with the square of the distance in features, so that
what is like none of these clicks is left to the head.
"""

from dataclasses import dataclass

import numpy as np

from emqs.prediction.layers import Layers, between

TARGET = 3.0  # the logit that clicks should reach, below zero those on something else
REACH = 2.0  # exp(-REACH * squared distance / features): the spread of a feature is about one
RIDGE = 0.1  # how far clicks that contradict each other may stay from their logits
MOST = 256  # clicks that scores are raised and lowered around; all of them say by how much
STEP = 4  # a map is corrected at every so many voxels of a slice, counted from its corner
ROWS = 2**16  # of voxels that are compared with all clicks at once


@dataclass(frozen=True, eq=False)
class Corrections:
    """What is added to the logits of a head.

    Attributes:
        clicks: Features of clicks, ``(n, C)``, float32, less the mean of the volume.
        weights: By how much each raises the logit of what is the same, ``(n,)``, float32.
    """

    clicks: np.ndarray
    weights: np.ndarray

    def of(self, features: np.ndarray) -> np.ndarray:
        """Return what is added for each voxel, ``(n,)``, float32, of ``(n, C)`` less that mean."""
        parts = [features[first : first + ROWS] for first in range(0, max(1, len(features)), ROWS)]
        return np.concatenate([_alike(part, self.clicks) @ self.weights for part in parts])

    def drawn(self, features: Layers, mean: np.ndarray) -> np.ndarray:
        """Return what is added for every voxel of a part of a slice, ``(Y, X)``, float32.

        Args:
            features: Of the part, which begins at a multiple of ``STEP`` in the slice.
            mean: Of features over the volume, ``(C,)``.
        """
        shape = features.shape
        rows, columns = (np.arange(0, n, STEP) for n in shape)
        some = features.some(rows, columns)
        added = self.of(some.reshape(len(some), -1).T - mean)
        down, across = (between(np.arange(n) / STEP, -(-n // STEP)) for n in shape)
        return down(across(added.reshape(some.shape[1:]), -1), -2)


def corrections(clicks: np.ndarray, truth: np.ndarray, logits: np.ndarray) -> Corrections | None:
    """Return what brings clicks nearer to where they belong; None where no logit falls short.

    Args:
        clicks: Features, ``(n, C)``, less the mean of the volume.
        truth: Which clicks are on the structure, ``(n,)``, bool.
        logits: What the head says of them, ``(n,)``.
    """
    short = np.where(truth, np.maximum(TARGET - logits, 0), np.minimum(-TARGET - logits, 0))
    if not short.any():
        return None
    short = short.astype(np.float64)
    chosen = np.sort(np.argsort(-np.abs(short), kind="stable")[:MOST])
    around = clicks[chosen].astype(np.float32)
    alike = _alike(clicks, around).astype(np.float64)
    if len(around) == len(clicks):
        weights = np.linalg.solve(alike + RIDGE * np.eye(len(clicks)), short)
    else:
        normal = alike.T @ alike + RIDGE * alike[chosen]
        normal[np.diag_indices_from(normal)] += 1e-6 * np.trace(normal) / len(normal)
        weights = np.linalg.solve(normal, alike.T @ short)
    return Corrections(around, weights.astype(np.float32))


def _alike(features: np.ndarray, clicks: np.ndarray) -> np.ndarray:
    """Return how alike voxels ``(n, C)`` and clicks ``(m, C)`` are, ``(n, m)``, 1 for the same."""
    squares = features @ (-2 * clicks.T)
    squares += (features**2).sum(axis=1)[:, None]
    squares += (clicks**2).sum(axis=1)
    np.maximum(squares, 0, out=squares)
    squares *= -REACH / clicks.shape[1]
    alike: np.ndarray = np.exp(squares, out=squares)
    return alike
