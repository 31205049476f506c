"""Scores evened with those of the neighbours in the grid: their weighted mean.

On a fine grid a structure shows in several places that overlap; what is alike by chance shows in
one. So the mean over neighbours is a better judge than the score of a place alone. Neighbours weigh
by their distance in edges of a patch; where patches lie side by side there are none in the slice.
"""

from collections.abc import Callable

import numpy as np

from emqs.embedding.stores.several import SeveralStores

REACH = 0.25  # sigma of the Gaussian that weighs neighbours, in edges of a patch
ALONG_Z = 0.5  # of results, share of it along Z, where patches that have no depth do not overlap
LEAST = 0.05  # a neighbour that weighs less is not asked

Scores = Callable[[np.ndarray], np.ndarray]
"""Positions ``(n,)`` in, scores ``(n,)``, float64, out."""


def around(
    joined: SeveralStores, positions: np.ndarray, *, reach: float = REACH, along_z: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which of the positions, the place beside it, and its weight, ``(m,)`` each."""
    return joined.around(positions, reach=reach, least=LEAST, along_z=along_z)


def evened(
    joined: SeveralStores,
    others: Scores,
    positions: np.ndarray,
    scores: np.ndarray,
    *,
    reach: float = REACH,
    along_z: float = 1.0,
) -> np.ndarray:
    """Return the weighted mean of scores and those of the places around, ``(n,)``, float64.

    Args:
        joined: Where places are.
        others: Scores the places around, given with repetitions; NaN for one that does not count.
        positions: Of places, ``(n,)``, int64.
        scores: Of these places, ``(n,)``.
        reach: Sigma of the Gaussian of distance that weighs neighbours, in edges of a patch.
        along_z: Share of it along Z.
    """
    member, places, weights = around(joined, positions, reach=reach, along_z=along_z)
    beside = others(places)
    counts = ~np.isnan(beside)
    member, weights, beside = member[counts], weights[counts], beside[counts]
    total = scores + np.bincount(member, weights * beside, minlength=len(scores))
    return np.asarray(total / (1 + np.bincount(member, weights, minlength=len(scores))))


def of_codes(joined: SeveralStores, score: Scores, positions: np.ndarray) -> np.ndarray:
    """Return scores of places, each asked for once; NaN where there is no code, ``(n,)``.

    Args:
        joined: Where places are.
        score: Scores places that have a code.
        positions: ``(n,)``, int64, in any order, with repetitions.
    """
    places, which = np.unique(positions, return_inverse=True)
    known = joined.have_code(places)
    result = np.full(len(places), np.nan)
    if known.any():
        result[known] = score(places[known])
    return result[which]
