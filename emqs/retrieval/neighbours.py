"""Scores evened with those of the neighbours in the grid, to tell which matches come first.

On a fine grid a structure shows in several places that overlap; what is alike by chance shows in
one. So the mean over neighbours is a better judge of the few matches that count as examples.
"""

from collections.abc import Iterator

import numpy as np

from emqs.embedding.stores.several import SeveralStores
from emqs.retrieval import ranking, refining
from emqs.retrieval.scorers.scorer import Scorer

POOL = 25  # places whose neighbours are asked, for each match that is wanted
REACH = 0.25  # sigma of the Gaussian that weighs neighbours, in edges of a patch
LEAST = 0.05  # a neighbour that weighs less is not asked

Ranked = tuple[np.ndarray, np.ndarray]


def first_matches(
    rounds: Iterator[Ranked], joined: SeveralStores, scorer: Scorer, examples: np.ndarray, n: int
) -> np.ndarray:
    """Return the first matches, by scores evened with neighbours, ``(n,)`` or fewer, int64.

    They keep the edge of a patch from each other and from the examples.

    Args:
        rounds: Positions and scores, each round best first.
        joined: Where places are.
        scorer: That gave the scores.
        examples: Positions of examples of both kinds.
        n: How many.
    """
    edge = joined.edge_nm
    free = ranking.away_from(rounds, joined, examples, distance_nm=edge)
    evened_first = _reordered(free, joined, scorer, POOL * n)
    return ranking.suppressed(evened_first, joined, examples, distance_nm=edge, n_wanted=n)[0]


def _reordered(
    rounds: Iterator[Ranked], joined: SeveralStores, scorer: Scorer, size: int
) -> Iterator[Ranked]:
    """Yield the best of all rounds in the order of their evened scores, then all others."""
    parts: list[Ranked] = []
    while sum(len(positions) for positions, _ in parts) < size:
        part = next(rounds, None)
        if part is None:
            break
        parts.append(part)
    if not parts:
        return
    positions, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
    some = positions[:size]
    yield refining.best_first(some, evened(joined, scorer, some, scores[:size]))
    yield positions[size:], scores[size:]
    yield from rounds


def evened(
    joined: SeveralStores, scorer: Scorer, positions: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """Return the weighted mean of scores and those of the places around, ``(n,)``, float64.

    Neighbours are scored by short codes where there are any, so that no further codes are read.
    """
    member, around, weights = joined.around(positions, reach_nm=REACH * joined.edge_nm, least=LEAST)
    places, which = np.unique(around, return_inverse=True)
    known = joined.have_code(places)
    found = np.zeros(len(places))
    found[known] = refining.rough_scores(joined, scorer, places[known])
    weights = weights * known[which]
    total = scores + np.bincount(member, weights * found[which], minlength=len(scores))
    return np.asarray(total / (1 + np.bincount(member, weights, minlength=len(scores))))
