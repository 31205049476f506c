"""Which places a search looks at, and in which order: ever more of them, in rounds."""

from collections.abc import Iterator

import numpy as np

from emqs.embedding.stores.several import SeveralStores
from emqs.retrieval import neighbours, ranking, refining
from emqs.retrieval.ranking import Ranked
from emqs.retrieval.scorers.scorer import Scorer
from emqs.retrieval.settings import MAX_CANDIDATES, SearchConfig
from emqs.volumes import Box

WIDER = 4  # every further round looks at so many times more candidates
AT_ONCE = 8192  # places whose scores are evened at once


def _within(joined: SeveralStores, settings: SearchConfig) -> list[Box | None]:
    """Return which places of each store may be found."""
    if settings.box_nm is None:
        return [None] * len(joined.stores)
    return [store.grid.within(settings.box_nm) for store in joined.stores]


def by_signatures(
    joined: SeveralStores,
    scorer: Scorer,
    queries: list[np.ndarray],
    settings: SearchConfig,
    *,
    roughly: bool = False,
) -> Iterator[Ranked]:
    """Yield positions and scores of ever more candidates, each round best first.

    With ``roughly`` short codes say how good they are, where there are any, and no code is read.
    How many a round holds depends on ``candidates`` alone, so that pages follow each other.
    """
    left = dict(enumerate(_within(joined, settings)))
    seen, total = 0, settings.candidates
    while left:
        parts = []
        for number, within in list(left.items()):
            positions = joined.stores[number].nearest(
                queries[number], seen, total, within=within, n_threads=settings.n_threads
            )
            parts.append(joined.starts[number] + np.sort(positions))
            if len(positions) < total - seen:
                del left[number]
        new = np.concatenate(parts)
        if len(new) and roughly:
            yield ranking.best_first(new, ranking.rough_scores(joined, scorer, new))
        elif len(new):
            whole = seen == 0 and not left
            yield from refining.ranked(joined, scorer, new, reach=settings.smooth, whole=whole)
        seen, total = total, min(total * WIDER, total + MAX_CANDIDATES)


def of_all(joined: SeveralStores, scorer: Scorer, settings: SearchConfig) -> Iterator[Ranked]:
    """Yield positions and scores of all places, best first, in parts.

    Codes are read block by block and not kept; scores take 8 bytes per place, 16 where they are
    evened.
    """
    scores = np.full(joined.n_places, -np.inf)
    n_allowed = 0
    for number, within in enumerate(_within(joined, settings)):
        for positions, codes in joined.stores[number].blocks(within):
            scores[joined.starts[number] + positions] = scorer.score(codes)
            n_allowed += len(positions)
    if settings.smooth > 0:
        scores = _all_evened(joined, scorer, scores, settings.smooth)
    seen, total = 0, settings.candidates
    while seen < n_allowed:
        total = min(total, n_allowed)
        least = np.partition(scores, len(scores) - total)[len(scores) - total]
        best = np.flatnonzero(scores >= least)
        order = best[np.argsort(-scores[best], kind="stable")][:total]
        yield order[seen:], scores[order[seen:]]
        seen, total = total, total * WIDER


def _all_evened(
    joined: SeveralStores, scorer: Scorer, scores: np.ndarray, reach: float
) -> np.ndarray:
    """Return scores evened with those of neighbours; places that may not be found keep -inf.

    A neighbour that may not be found counts; its code is read.
    """

    def score(places: np.ndarray) -> np.ndarray:
        return scorer.score(joined.codes(places))

    def others(places: np.ndarray) -> np.ndarray:
        result = scores[places]
        unknown = np.isneginf(result)
        result[unknown] = neighbours.of_codes(joined, score, places[unknown])
        return result

    result = np.full(len(scores), -np.inf)
    for start in range(0, len(scores), AT_ONCE):
        allowed = start + np.flatnonzero(~np.isneginf(scores[start : start + AT_ONCE]))
        if len(allowed):
            result[allowed] = neighbours.evened(
                joined, others, allowed, scores[allowed], reach=reach, along_z=neighbours.ALONG_Z
            )
    return result
