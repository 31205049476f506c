"""The best of many candidates, of which only the most promising ones' codes are read.

Candidates are scored by their short codes first. Then their codes are read, the most promising
first, some hundreds at a time; a result is given out when four times as many codes have been read
as there are results. So one that short codes put a little too low is still at its right place.
"""

from collections.abc import Iterator

import numpy as np

from emqs.embedding.stores.several import SeveralStores
from emqs.retrieval import scorers
from emqs.retrieval.scorers.scorer import Scorer

FIRST = 512  # codes that are read first; twice as many in all after every further step
MARGIN = 4  # codes that are read for each result, until all are

Ranked = tuple[np.ndarray, np.ndarray]


def ranked(joined: SeveralStores, scorer: Scorer, positions: np.ndarray) -> Iterator[Ranked]:
    """Yield candidates and their scores, best first, in parts; all of them in the end.

    How many a part holds depends on nothing but how many candidates there are, so that pages
    follow each other.

    Args:
        joined: Where codes are read.
        scorer: Scores them.
        positions: Candidates, ``(n,)``, int64, ascending.

    Yields:
        Positions ``(m,)``, int64, and scores ``(m,)``, float64; equal scores by position.
    """
    if not joined.have_short_codes or len(positions) <= FIRST:
        yield best_first(positions, scorer.score(joined.codes(positions)))
        return
    rough = rough_scores(joined, scorer, positions)
    promising = positions[np.argsort(-rough, kind="stable")]
    known = np.empty(0, dtype=np.int64), np.empty(0)
    n_read, n_given = 0, 0
    while n_read < len(positions):
        new = np.sort(promising[n_read : max(FIRST, 2 * n_read)])
        scores = scorer.score(joined.codes(new))
        n_read += len(new)
        known = best_first(np.concatenate([known[0], new]), np.concatenate([known[1], scores]))
        ready = len(known[0]) if n_read == len(positions) else n_read // MARGIN - n_given
        yield known[0][:ready], known[1][:ready]
        known = known[0][ready:], known[1][ready:]
        n_given += ready


def rough_scores(joined: SeveralStores, scorer: Scorer, positions: np.ndarray) -> np.ndarray:
    """Return scores of short codes, or of codes where there are none, ``(n,)``, float64."""
    if joined.have_short_codes:
        return joined.scored_short(positions, lambda coder: scorers.rough(scorer, coder))
    return scorer.score(joined.codes(positions))


def best_first(positions: np.ndarray, scores: np.ndarray) -> Ranked:
    """Return positions and scores, the highest first; equal ones by position."""
    order = np.lexsort((positions, -scores))
    return positions[order], scores[order]
