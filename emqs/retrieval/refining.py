"""The best of many candidates, of which only the most promising ones' codes are read.

Candidates are scored by their short codes first. Then their codes are read, the most promising
first, some hundreds at a time; a result is given out when four times as many codes have been read
as there are results. So one that short codes put a little too low is still at its right place.

Scores may be evened with those of neighbours (``neighbours``). Of these no further codes are read
where there are short ones: of a neighbour whose code was not read its short code is scored.
"""

from collections.abc import Iterator

import numpy as np

from emqs.embedding.stores.several import SeveralStores
from emqs.retrieval.evening import Evening
from emqs.retrieval.ranking import Ranked, best_first, rough_scores
from emqs.retrieval.scorers.scorer import Scorer

FIRST = 512  # codes that are read first; twice as many in all after every further step
MARGIN = 4  # codes that are read for each result, until all are


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
    waiting = promising[:0]  # read, but not given out
    n_read = 0
    while n_read < len(positions):
        new = np.sort(promising[n_read : len(own) if whole else max(FIRST, 2 * n_read)])
        if not are_read:
            own[new] = scorer.score(joined.codes(positions[new]))
        n_read += len(new)
        waiting = np.concatenate([waiting, new])
        scores = own[waiting] if evening is None else evening.scores(waiting, new, own)
        places = positions[waiting]
        order = np.lexsort((places, -scores))
        n_given = n_read - len(waiting)
        ready = len(waiting) if n_read == len(positions) else n_read // MARGIN - n_given
        yield places[order[:ready]], scores[order[:ready]]
        waiting = waiting[order[ready:]]
