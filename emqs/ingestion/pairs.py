"""Which slices are matched with which, and which matches contradict the others."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from emqs.ingestion import affine
from emqs.ingestion.matching.pair import Pair

Numbers = tuple[int, int]
ACROSS = 3  # slots at most between slices that are not next to each other


def planned(slots: Sequence[int]) -> list[Numbers]:
    """Return the pairs that are matched: each good slice with the next, and the next but one.

    Args:
        slots: Of the good slices, in order.

    Returns:
        Pairs in order. The next good slice is matched however many bad ones lie between; the next
        but one only up to ``ACROSS`` slots further.
    """
    pairs = list(pairwise(slots))
    pairs += [(a, b) for a, b in zip(slots, slots[2:], strict=False) if b - a <= ACROSS]
    return sorted(pairs)


def contradicting(
    pairs: Sequence[Pair], shape: tuple[int, int], limit_px: float
) -> dict[Numbers, float]:
    """Return the pairs that are thrown out, by how far they lead astray, in pixels.

    Two pairs that follow each other must lead to where the pair of their ends leads. Where they do
    not, one of the three is wrong: that which contradicts most often; if all do alike, the widest,
    then the one with the lowest peak.

    Args:
        pairs: That were matched.
        shape: Of the slices, whose corners are compared.
        limit_px: Mean distance of the corners up to which two ways are the same.
    """
    known = {(pair.first, pair.second): pair for pair in pairs}
    distances = {
        cycle: _distance([known[numbers].matrix for numbers in cycle], shape)
        for cycle in cycles(list(known))
    }
    thrown: dict[Numbers, float] = {}
    while True:
        left = {c: d for c, d in distances.items() if not set(c) & set(thrown)}
        wrong = [cycle for cycle, distance in left.items() if distance > limit_px]
        if not wrong:
            return thrown

        def blame(
            numbers: Numbers, left: dict[tuple[Numbers, Numbers, Numbers], float] = left
        ) -> tuple[float, int, float]:
            mine = [distance > limit_px for cycle, distance in left.items() if numbers in cycle]
            balance = sum(mine) - (len(mine) - sum(mine))
            return balance, numbers[1] - numbers[0], -known[numbers].peak

        worst = max({numbers for cycle in wrong for numbers in cycle}, key=blame)
        thrown[worst] = max(left[cycle] for cycle in wrong if worst in cycle)


def cycles(pairs: Sequence[Numbers]) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
    """Yield triples of pairs that close: ``(a, b), (b, c), (a, c)``."""
    known = set(pairs)
    following: dict[int, list[int]] = {}
    for a, b in sorted(known):
        following.setdefault(a, []).append(b)
    for a, b in sorted(known):
        for c in following.get(b, []):
            if (a, c) in known:
                yield (a, b), (b, c), (a, c)


def _distance(matrices: list[np.ndarray], shape: tuple[int, int]) -> float:
    first, second, whole = matrices
    points = affine.corners(shape)
    by_two = affine.apply(second, affine.apply(first, points))
    return float(np.linalg.norm(by_two - affine.apply(whole, points), axis=1).mean())


def pieces(slots: Sequence[int], pairs: Sequence[Numbers]) -> list[list[int]]:
    """Return the groups of slices that pairs hold together, in order of their first slice.

    Args:
        slots: Of the good slices.
        pairs: That were matched, and not thrown out.
    """
    group = {slot: slot for slot in slots}

    def root(slot: int) -> int:
        while group[slot] != slot:
            group[slot] = group[group[slot]]
            slot = group[slot]
        return slot

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        group[high] = low
    members: dict[int, list[int]] = {}
    for slot in sorted(slots):
        members.setdefault(root(slot), []).append(slot)
    return [members[first] for first in sorted(members)]
