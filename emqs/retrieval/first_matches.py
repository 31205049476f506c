"""The first matches, told by scores that are evened with those of neighbours in the grid."""

from collections.abc import Iterator

import numpy as np

from emqs.embedding.stores.several import SeveralStores
from emqs.retrieval import neighbours, ranking
from emqs.retrieval.ranking import Ranked
from emqs.retrieval.scorers.scorer import Scorer

POOL = 25  # places whose neighbours are asked, for each match that is wanted


def first_matches(
    rounds: Iterator[Ranked], joined: SeveralStores, scorer: Scorer, examples: np.ndarray, n: int
) -> np.ndarray:
    """Return the first matches, by scores evened with neighbours, ``(n,)`` or fewer, int64.

    They keep the edge of a patch from each other and from the examples. Neighbours are scored by
    short codes where there are any, so that no further codes are read.

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

    def roughly(places: np.ndarray) -> np.ndarray:
        return ranking.rough_scores(joined, scorer, places)

    def others(places: np.ndarray) -> np.ndarray:
        return neighbours.of_codes(joined, roughly, places)

    yield ranking.best_first(some, neighbours.evened(joined, others, some, scores[:size]))
    yield positions[size:], scores[size:]
    yield from rounds
