"""Which slices are bad, and why: by what each shows, and by how it fits its neighbours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from emqs.ingestion.matching.pair import Pair
from emqs.ingestion.settings import CheckConfig

NEIGHBOURS = 50  # slices on either side whose median is usual
NEARER = 3  # slots: pairs further apart say nothing of an order
MANY = 5  # pairs, from which on their median is usual

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
    """Return slices of which a part lies elsewhere in both neighbours, but not between these."""
    folded = {}
    for before, at, after in zip(used, used[1:], used[2:], strict=False):
        sides = [known.get((before, at)), known.get((at, after))]
        bridge = known.get((before, after))
        if any(p is None or not p.matched for p in sides):
            continue
        share = min(p.displaced for p in sides if p is not None)
        across = bridge.displaced if bridge is not None and bridge.matched else 0.0
        if share > limit and across < 0.5 * share:
            folded[at] = (
                f"{100 * share:.0f} % of it lies elsewhere than the rest, in both neighbours."
            )
    return folded
