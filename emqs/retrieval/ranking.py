"""Rankings of patches, and the greedy choice of results that are apart."""

from collections.abc import Callable, Iterator

import numpy as np

from emqs.embedding.stores.several import SeveralStores
from emqs.errors import DataError
from emqs.retrieval import scorers
from emqs.retrieval.scorers.scorer import Scorer

LOOKED_AT = 512  # candidates whose distances are looked at first; then twice as many, and so on

Ranked = tuple[np.ndarray, np.ndarray]
"""Positions ``(n,)``, int64, and scores ``(n,)``, float64."""


def rough_scores(joined: SeveralStores, scorer: Scorer, positions: np.ndarray) -> np.ndarray:
    """Return scores of short codes, or of codes where there are none, ``(n,)``, float64."""
    if joined.have_short_codes:
        return joined.scored_short(positions, lambda coder: scorers.rough(scorer, coder))
    return scorer.score(joined.codes(positions))


def best_first(positions: np.ndarray, scores: np.ndarray) -> Ranked:
    """Return positions and scores, the highest first; equal ones by position."""
    order = np.lexsort((positions, -scores))
    return positions[order], scores[order]


def suppressed(
    rounds: Iterator[Ranked],
    joined: SeveralStores,
    examples: np.ndarray,
    *,
    distance_nm: float,
    n_wanted: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best places that keep a distance from each other and from the examples.

    Args:
        rounds: Positions and scores, each round best first; as many are taken as are needed.
        joined: Where places are; those of different stores are never near each other.
        examples: Positions that are not shown, and nothing nearer to them.
        distance_nm: Least distance between centres; 0 leaves out the examples alone.
        n_wanted: How many, at most.

    Returns:
        Positions ``(K,)``, int64, and scores ``(K,)``, float64, in the order of the rounds.
    """
    kept = np.empty(0, dtype=np.int64)
    kept_scores = np.empty(0)
    blockers = joined.points(examples)
    for positions, scores in rounds:
        centres = joined.points(positions)
        free = ~np.isin(positions, examples)
        chosen = _spread(centres, free, blockers, distance_nm, n_wanted - len(kept))
        kept = np.concatenate([kept, positions[chosen]])
        kept_scores = np.concatenate([kept_scores, scores[chosen]])
        blockers = np.concatenate([blockers, centres[chosen]])
        if len(kept) >= n_wanted:
            break
    return kept, kept_scores


def away_from(
    rounds: Iterator[Ranked],
    joined: SeveralStores,
    examples: np.ndarray,
    *,
    distance_nm: float,
) -> Iterator[Ranked]:
    """Yield positions and scores of rounds without what is nearer to an example."""
    blockers = joined.points(examples)
    for positions, scores in rounds:
        centres = joined.points(positions)
        free = np.ones(len(positions), dtype=np.bool_)
        for blocker in blockers:
            free &= _far(centres, blocker, distance_nm)
        yield positions[free], scores[free]


def _spread(
    centres: np.ndarray, free: np.ndarray, blockers: np.ndarray, distance_nm: float, n_wanted: int
) -> np.ndarray:
    """Return the first free points that keep a distance from each other and from the blockers.

    They are looked at in parts, since a list is often full after a few hundred of thousands.

    Args:
        centres: Points, ``(n, 4)``, float64, in nm.
        free: Which may be chosen, ``(n,)``, bool.
        blockers: Other points, ``(b, 4)``.
        distance_nm: Least distance; 0: any will do.
        n_wanted: How many, at most.

    Returns:
        Which were chosen, ``(k,)``, int64, ascending.
    """
    if distance_nm == 0:
        return np.flatnonzero(free)[:n_wanted]
    chosen: list[int] = []
    start, size = 0, LOOKED_AT
    while start < len(centres) and len(chosen) < n_wanted:
        left = start + np.flatnonzero(free[start : start + size])
        for centre in np.concatenate([blockers, centres[chosen]]):
            left = left[_far(centres[left], centre, distance_nm)]
        while len(left) and len(chosen) < n_wanted:
            first, left = int(left[0]), left[1:]
            chosen.append(first)
            left = left[_far(centres[left], centres[first], distance_nm)]
        start, size = start + size, 2 * size
    return np.array(chosen, dtype=np.int64)


def _far(centres: np.ndarray, centre: np.ndarray, distance_nm: float) -> np.ndarray:
    return np.asarray(np.sum((centres - centre) ** 2, axis=1) >= distance_nm**2 * (1 - 1e-9))


def ranking(scores: np.ndarray) -> np.ndarray:
    """Return positions from the highest score to the lowest; equal scores keep their order.

    Raises:
        DataError: If a score is NaN.
    """
    if np.isnan(scores).any():
        raise DataError(f"{int(np.isnan(scores).sum())} of {len(scores)} scores are NaN.")
    return np.argsort(-scores, kind="stable")


def distinct(
    order: np.ndarray,
    n: int,
    rivals: Callable[[int], np.ndarray],
    *,
    free: np.ndarray | None = None,
) -> np.ndarray:
    """Return the first ``n`` of a ranking of which none is a rival of a better one.

    Args:
        order: Positions from best to worst, a permutation of 0 to N - 1, shape ``(N,)``.
        n: How many at most.
        rivals: Given a position, returns the positions (or a mask of them) that need not be shown
            after it, e.g. ``lambda p: intersecting(boxes, boxes[p])``.
        free: Which positions may be shown, shape ``(N,)``, bool; None: all.

    Returns:
        Positions, best first, shape ``(n,)`` or fewer if the ranking ends before.
    """
    free = np.ones(len(order), dtype=bool) if free is None else free.copy()
    chosen: list[int] = []
    for position in order.tolist():
        if len(chosen) == n:
            break
        if free[position]:
            chosen.append(position)
            free[rivals(position)] = False
    return np.array(chosen, dtype=np.int64)


def component_rivals(
    pair_patch: np.ndarray, pair_component: np.ndarray
) -> Callable[[int], np.ndarray]:
    """Return the rule for ``distinct`` that shows every component at most once.

    Args:
        pair_patch: Patch of each touching pair, as ``patches.touched_components`` gives them.
        pair_component: Its component.

    Returns:
        A function from a patch to all patches that touch a component that it touches.

    Source:
        Patch-based Querying, single- and two-query experiments.
    """

    def rivals(position: int) -> np.ndarray:
        touched = pair_component[pair_patch == position]
        return np.asarray(pair_patch[np.isin(pair_component, touched)])

    return rivals
