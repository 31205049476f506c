"""How well probabilities agree with labels."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Reliability:
    """Predicted probabilities against what was found, in bins of equal width."""

    edges: np.ndarray  # (B + 1,), from 0 to 1
    counts: np.ndarray  # (B,), int64: patches
    predicted: np.ndarray  # (B,), float64: their mean probability, NaN where there are none
    observed: np.ndarray  # (B,), float64: the share that is positive, NaN where there are none

    @property
    def error(self) -> float:
        """The expected calibration error: mean distance of the two, weighed by patches."""
        known = self.counts > 0
        gaps = np.abs(self.predicted[known] - self.observed[known])
        return float(np.sum(gaps * self.counts[known]) / self.counts.sum())


def reliability(
    probabilities: np.ndarray, relevant: np.ndarray, *, n_bins: int = 10
) -> Reliability:
    """Return how well probabilities agree with labels.

    Args:
        probabilities: Shape ``(N,)``, in [0, 1], at least one.
        relevant: Shape ``(N,)``, bool.
        n_bins: Of equal width; a bin holds its lower edge, the last one also 1.

    Source:
        Naeini, Cooper and Hauskrecht, Obtaining well calibrated probabilities using Bayesian
        binning, AAAI (2015).
    """
    edges = np.linspace(0, 1, n_bins + 1)
    bins = np.clip(np.searchsorted(edges, probabilities, "right") - 1, 0, n_bins - 1)
    counts = np.bincount(bins, minlength=n_bins)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN, as said above
        predicted = np.bincount(bins, weights=probabilities, minlength=n_bins) / counts
        observed = np.bincount(bins, weights=relevant.astype(np.float64), minlength=n_bins) / counts
    return Reliability(edges, counts, predicted, observed)
