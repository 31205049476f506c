"""The best of many candidates, of which only the most promising ones' codes are read.

Candidates are scored by their short codes first. Then their codes are read, the most promising
first, some hundreds at a time; a result is given out when four times as many have been looked at as
there are results. So one that short codes put a little too low is still at its right place.

Scores may be evened with those of neighbours (``neighbours``). Then codes are also read of
candidates that are stored together with these, which costs next to nothing, and of those beside the
best. Of any other neighbour the short code is scored, so that no further codes are read.
"""

from collections.abc import Iterator

import numpy as np

from emqs.embedding.stores.several import SeveralStores
from emqs.retrieval.evening import Evening
from emqs.retrieval.ranking import Ranked, best_first, rough_scores
from emqs.retrieval.scorers.scorer import Scorer

FIRST = 512  # candidates that are looked at first; twice as many in all after every further step
MARGIN = 4  # candidates that are looked at for each result, until all are


def ranked(
    joined: SeveralStores,
    scorer: Scorer,
    positions: np.ndarray,
    *,
    reach: float = 0.0,
    whole: bool = False,
) -> Iterator[Ranked]:
    """Yield candidates and their scores, best first, in parts; all of them in the end.

    How many a part holds depends on nothing but how many candidates there are, so that pages
    follow each other.

    Args:
        joined: Where codes are read.
        scorer: Scores them.
        positions: Candidates, ``(n,)``, int64, ascending.
        reach: How far neighbours count, in edges of a patch; 0: not at all.
        whole: These are all places: every code is read, as an exact search does.

    Yields:
        Positions ``(m,)``, int64, and scores ``(m,)``, float64; equal scores by position.
    """
    are_read = whole or not joined.have_short_codes or len(positions) <= FIRST
    if are_read:
        own = scorer.score(joined.codes(positions))
    else:
        own = rough_scores(joined, scorer, positions)
    if are_read and reach == 0:
        yield best_first(positions, own)
        return
    evening = Evening(joined, scorer, positions, reach) if reach > 0 else None
    promising = np.argsort(-own, kind="stable")
    is_read, is_given = np.zeros((2, len(own)), dtype=np.bool_)
    groups = None if evening is None or are_read else joined.stored_together(positions)
    n_looked_at = n_given = 0
    while n_looked_at < len(own):
        n_looked_at = len(own) if whole else min(max(FIRST, 2 * n_looked_at), len(own))
        wanted = promising[:n_looked_at]
        if evening is not None and groups is not None:
            wanted = _with_neighbours(wanted, groups, own, evening)
        new = np.unique(wanted[~is_read[wanted]])
        if not are_read and len(new):
            own[new] = scorer.score(joined.codes(positions[new]))
        is_read[new] = True
        waiting = np.flatnonzero(is_read & ~is_given)
        scores = own[waiting] if evening is None else evening.scores(waiting, new, own)
        order = np.argsort(-scores, kind="stable")
        ready = len(waiting) if n_looked_at == len(own) else n_looked_at // MARGIN - n_given
        given = waiting[order[:ready]]
        yield positions[given], scores[order[:ready]]
        is_given[given] = True
        n_given += len(given)


def _with_neighbours(
    wanted: np.ndarray, groups: np.ndarray, own: np.ndarray, evening: Evening
) -> np.ndarray:
    """Return numbers of candidates and of others whose codes tell how these are evened, ``(m,)``.

    These are all that are stored together with them, whose codes cost next to nothing then, and
    what lies beside the best of them.

    Args:
        wanted: Numbers of candidates.
        groups: Of every candidate, what it is stored with, ``(n,)``.
        own: The score of every candidate alone.
        evening: What is known of neighbours.
    """
    together = np.flatnonzero(np.isin(groups, groups[wanted]))
    best = together[np.argsort(-own[together], kind="stable")[: len(wanted) // 2]]
    return np.concatenate([together, evening.candidates_around(best)])
