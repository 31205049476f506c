"""Which slices are bad, and why: by what each shows, and by how it fits its neighbours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from emqs.ingestion import affine
from emqs.ingestion.matching.pair import Pair
from emqs.ingestion.settings import CheckConfig

NEIGHBOURS = 50  # slices on either side whose median is usual
NEARER = 3  # slots: pairs further apart say nothing of an order
MANY = 5  # pairs, from which on their median is usual
NEAR, AWAY = 0.75, 0.5  # of a block's edge: displaced blocks at one place, or not at one place
CLOSE = 0.3  # likewise: a block that lies still where another pair has one displaced
ALIKE = 0.4  # of their steps, by which these may differ

SHARPNESS = ("sharpness", "sharpness_wide")  # without and with noise
GOOD = "good"
MISSING = "missing"


@dataclass(frozen=True)
class Verdict:
    """What is thought of one slice.

    Attributes:
        slot: Its place along Z.
        name: Of the slice; empty if there is none.
        verdict: ``"good"``, ``"missing"``, or what is bad about it.
        use: Whether it is aligned, evened and written.
        why: A sentence; empty for a good slice.
        measures: Of ``measures.measure``.
    """

    slot: int
    name: str
    verdict: str
    use: bool
    why: str
    measures: Mapping[str, Any]


def alone(
    names: Sequence[str | None], measures: Mapping[int, Mapping[str, Any]], settings: CheckConfig
) -> list[Verdict]:
    """Return what each slice's own measures say of it.

    Args:
        names: Of each slot; None where there is no slice.
        measures: Of each slot that has one.
        settings: Limits.
    """
    slots = sorted(measures)
    usual = _Usual(slots, measures)
    first_of: dict[str, int] = {}
    verdicts = []
    for slot, name in enumerate(names):
        if name is None:
            verdicts.append(Verdict(slot, "", MISSING, False, "There is no slice.", {}))
            continue
        one = measures[slot]
        twin = first_of.setdefault(one["sha256"], slot)
        verdict, why = _judge(one, usual.around(slot), settings)
        if twin != slot and verdict == GOOD:
            verdict = "duplicate"
            why = f"Every pixel is that of {names[twin]} (slot {twin})."
        verdicts.append(Verdict(slot, name, verdict, verdict == GOOD, why, one))
    return verdicts


class _Usual:
    """Medians over the neighbours of a slice."""

    def __init__(self, slots: list[int], measures: Mapping[int, Mapping[str, Any]]) -> None:
        self.slots = np.array(slots)
        names = ("texture", *SHARPNESS, "empty", "black", "white")
        self.values = {
            name: np.array([float(measures[slot][name]) for slot in slots]) for name in names
        }

    def around(self, slot: int) -> dict[str, float]:
        """Return the median of each measure, and the deviation of sharpness."""
        near = np.abs(self.slots - slot) <= NEIGHBOURS
        usual = {name: float(np.median(values[near])) for name, values in self.values.items()}
        for name in SHARPNESS:
            apart = np.abs(self.values[name][near] - usual[name])
            usual[f"{name}_deviation"] = 1.4826 * float(np.median(apart))
        return usual


def _judge(
    one: Mapping[str, Any], usual: Mapping[str, float], settings: CheckConfig
) -> tuple[str, str]:
    """Return the verdict on a slice, and the reason."""
    if one["texture"] < settings.texture * usual["texture"] or one["spread"] == 0:
        share = one["texture"] / usual["texture"] if usual["texture"] else 0.0
        return "blank", f"It has {share:.2f} of the texture of its neighbours."
    for name in ("black", "white"):
        excess = one[name] - usual[name]
        if excess > settings.saturated:
            return (
                "saturated",
                f"{100 * one[name]:.0f} % of its pixels are {name}, {100 * usual[name]:.0f} % "
                "are usual.",
            )
    if one["empty"] > usual["empty"] + settings.empty:
        return (
            "partly_blank",
            f"{100 * one['empty']:.0f} % of it shows nothing, {100 * usual['empty']:.0f} % are "
            "usual.",
        )
    for name in SHARPNESS:
        below = usual[name] - one[name]
        if below > max(settings.blur_log, settings.blur_mad * usual[f"{name}_deviation"]):
            return "blurred", f"Its fine structures are {np.exp(-below):.2f} as strong as usual."
    return GOOD, ""


def together(
    verdicts: Sequence[Verdict], pairs: Sequence[Pair], settings: CheckConfig
) -> list[Verdict]:
    """Return verdicts that also say how slices fit their neighbours.

    Args:
        verdicts: Of ``alone``.
        pairs: That were tried between the slices that are used.
        settings: Limits.
    """
    known = {
        (pair.first, pair.second): pair for pair in pairs if pair.second - pair.first <= NEARER
    }
    used = [one.slot for one in verdicts if one.use]
    bad: dict[int, tuple[str, str]] = {}
    for slot, why in _same_section(used, known, settings.duplicate).items():
        bad.setdefault(slot, ("same_section", why))
    for slot, why in _swapped(used, known, settings.swapped).items():
        bad.setdefault(slot, ("swapped", why))
    for slot, why in _folded(used, known, settings.folded).items():
        bad.setdefault(slot, ("folded", why))
    return [
        one if one.slot not in bad
        else replace(one, verdict=bad[one.slot][0], use=False, why=bad[one.slot][1])
        for one in verdicts
    ]  # fmt: skip


def _fit(known: Mapping[tuple[int, int], Pair], a: int, b: int) -> float | None:
    """Return how well two slices fit, 0 if they could not be matched, None if nobody tried."""
    pair = known.get((min(a, b), max(a, b)))
    if pair is None:
        return None
    return max(0.0, pair.correlation) if pair.matched else 0.0


def _same_section(
    used: list[int], known: Mapping[tuple[int, int], Pair], limit: float
) -> dict[int, str]:
    """Return the later of two neighbours that differ far less than neighbours do."""
    nexts = [(a, b) for a, b in pairwise(used) if b == a + 1 and (a, b) in known]
    differences = {(a, b): 1.0 - known[a, b].correlation for a, b in nexts if known[a, b].matched}
    if len(differences) < MANY:
        return {}
    usual = float(np.median(list(differences.values())))
    return {
        b: f"It differs from slot {a} only {value / usual:.2f} as much as neighbours do."
        for (a, b), value in differences.items()
        if value < limit * usual
    }


def _swapped(
    used: list[int], known: Mapping[tuple[int, int], Pair], limit: float
) -> dict[int, str]:
    """Return neighbours whose order is wrong: each fits the other's neighbour clearly better."""
    swapped: dict[int, str] = {}
    for before, a, b, after in zip(used, used[1:], used[2:], used[3:], strict=False):
        if a in swapped:
            continue
        straight = [_fit(known, before, a), _fit(known, b, after)]
        other = [_fit(known, before, b), _fit(known, a, after)]
        if None in straight or None in other:
            continue
        gain = [(y or 0.0) - (x or 0.0) for x, y in zip(straight, other, strict=True)]
        total = sum(x or 0.0 for x in straight)
        room = min(total, 2.0 - total)  # a gain is large against what fits, or what does not
        if min(gain) > 0 and sum(gain) > limit * max(room, 1e-3):
            text = "It and slot {} fit better the other way round; change places and use them."
            swapped[a], swapped[b] = text.format(b), text.format(a)
    return swapped


def _folded(used: list[int], known: Mapping[tuple[int, int], Pair], limit: float) -> dict[int, str]:
    """Return slices of which one part lies elsewhere in both neighbours, there and back alike.

    Where tissue runs obliquely, parts of slices lie elsewhere, too, but go on in one direction, or
    elsewhere in each pair. A fold moves one part of one slice: what the slice before shows lies off
    by a step, and the slice after undoes that step at the same place.
    """
    folded = {}
    for before, at, after in zip(used, used[1:], used[2:], strict=False):
        sides = known.get((before, at)), known.get((at, after))
        if sides[0] is None or sides[1] is None or not (sides[0].matched and sides[1].matched):
            continue
        share = _undone(sides[0], sides[1])
        if share > limit:
            folded[at] = (
                f"{100 * share:.0f} % of it lies elsewhere than the rest, in both neighbours."
            )
    return folded


def _undone(to: Pair, back: Pair) -> float:
    """Return the share of blocks of a slice that one pair moves elsewhere and the next moves back.

    Most blocks lie still in both pairs, and a part is moved and comes back; or one pair follows the
    one part of the slice and the next the other, and each sees the rest moved by the same step.

    Args:
        to: The pair of the slice before and this one.
        back: The pair of this one and the slice after.
    """
    before, by_to, by_back, after = (
        np.array(places, dtype=float).reshape(-1, 2) for places in (*to.elsewhere, *back.elsewhere)
    )
    if not len(by_to) or not len(by_back):
        return 0.0
    moved = by_to - affine.apply(np.array(to.still), before)
    undo = affine.apply(affine.invert(np.array(back.still)), after) - by_back
    apart = _apart(by_to, by_back) / back.block_px
    same = (apart <= NEAR) & _alike(moved, -undo)
    still = [_still(back)[0], _still(to)[1]]
    shares = []
    for axis, (places, pair) in enumerate(((by_to, to), (by_back, back))):
        comes_back = same.any(axis=1 - axis)
        alone = (apart > AWAY).all(axis=1 - axis) & _alike(moved, undo).any(axis=1 - axis)
        rests = _apart(places, still[axis]).min(axis=1, initial=np.inf) <= CLOSE * back.block_px
        shares.append(max(comes_back.sum(), (alone & rests).sum()) / max(1, pair.n_blocks))
    return float(max(shares)) if min(shares) > 0 else 0.0


def _still(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Return where blocks of a pair lie still, in both slices, ``(N, 2)`` each."""
    first, second = (np.array(places, dtype=float).reshape(-1, 2) for places in pair.points)
    close = affine.distances(np.array(pair.still), first, second) < pair.elsewhere_px / 2
    return first[close], second[close]


def _apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return how far places lie from others, along the axis where they lie farther, ``(N, M)``."""
    apart: np.ndarray = np.abs(first[:, None] - second[None]).max(axis=2)
    return apart


def _alike(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return which steps are about the same, ``(N, M)``, bool."""
    lengths = np.linalg.norm(first, axis=1)[:, None] + np.linalg.norm(second, axis=1)[None]
    differ = np.linalg.norm(first[:, None] - second[None], axis=2)
    alike: np.ndarray = differ <= ALIKE * lengths / 2
    return alike
