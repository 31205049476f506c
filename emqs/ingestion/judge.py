"""The first half: looks at every slice, matches neighbours, and says which slices are bad."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emqs.errors import DataError
from emqs.ingestion import check, pairs, table, work
from emqs.ingestion.check import Verdict
from emqs.ingestion.journal import Journal
from emqs.ingestion.matching import sift
from emqs.ingestion.matching.pair import Pair
from emqs.ingestion.settings import AlignConfig, CheckConfig
from emqs.ingestion.sources import Source
from emqs.ingestion.work import Slices
from emqs.runs.executors import Executor, InProcess

Step = Callable[[str, int, int], None]
ROUNDS = 4  # of judging and matching: slices that turn out bad let others meet


@dataclass(frozen=True, eq=False)
class Judged:
    """What is known of the slices before any is moved.

    Attributes:
        slices: The raw ones, with their checksums.
        verdicts: Of each slot.
        pairs: Of used slices, that were tried; none if they are not to be matched.
    """

    slices: Slices
    verdicts: list[Verdict]
    pairs: list[Pair]

    @property
    def used(self) -> list[int]:
        """Slots of the slices that are used, in order."""
        return [one.slot for one in self.verdicts if one.use]

    @property
    def sizes(self) -> dict[int, tuple[int, int]]:
        """Height and width of the slices that are used, by slot."""
        return {
            one.slot: (one.measures["height"], one.measures["width"])
            for one in self.verdicts
            if one.use
        }


def judge(
    source: Source,
    folder: Path,
    *,
    check_settings: CheckConfig,
    align: AlignConfig,
    step: Step,
    executor: Executor | None = None,
) -> Judged:
    """Return which slices are bad, and how the others lie on each other.

    Args:
        source: The slices.
        folder: Where results are kept from run to run.
        check_settings: When a slice is bad.
        align: Whether and how slices are matched.
        step: Told the stage, the parts done, and the parts in all.
        executor: Does the work; None: this process.

    Raises:
        DataError: If a slice cannot be read, slices differ in type, or under 2 are usable.
    """
    executor = InProcess() if executor is None else executor
    matching = align.model != "none" and align.transforms is None
    if matching and align.matcher == "sift":
        sift.library()  # before hours of looking
    measured = _measured(source, Journal(folder / "measures.jsonl"), step, executor)
    slices = Slices(source)
    slices.learn(measured)
    verdicts = check.alone(source.names, measured, check_settings)
    user = None if check_settings.table is None else Path(check_settings.table).expanduser()
    if user is not None:
        verdicts = table.overruled(user, verdicts)
    journal = Journal(folder / "pairs.jsonl")
    tried: list[Pair] = []
    for _ in range(ROUNDS):
        used = [one.slot for one in verdicts if one.use]
        _check_enough(used, verdicts, source)
        if not matching:
            break
        plan = pairs.planned(used)
        tried = _matched(work.Matching(slices, align), plan, journal, step, executor)
        if user is not None:
            break
        judged = check.together(verdicts, tried, check_settings)
        if judged == verdicts:
            break
        verdicts = judged
    used = [one.slot for one in verdicts if one.use]
    _check_enough(used, verdicts, source)
    if matching:
        plan = pairs.planned(used)
        tried = _matched(work.Matching(slices, align), plan, journal, step, executor)
    return Judged(slices, verdicts, tried)


def _check_enough(used: list[int], verdicts: Sequence[Verdict], source: Source) -> None:
    if len(used) < 2:
        counts: dict[str, int] = {}
        for one in verdicts:
            counts[one.verdict] = counts.get(one.verdict, 0) + 1
        listed = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        raise DataError(
            f"{source.name}: {len(used)} of {len(verdicts)} slices can be used ({listed}); a "
            "volume is made of at least 2. Look at them, and say otherwise with check.table=."
        )


def _measured(
    source: Source, journal: Journal, step: Step, executor: Executor
) -> dict[int, dict[str, Any]]:
    """Return the measures of every slice; those that are known are not taken again."""
    slots = source.slots
    missing = [slot for slot in slots if str(slot) not in journal]
    for count, (number, one) in enumerate(executor.run(work.look, source, missing)):
        journal.add(str(missing[number]), one)
        step("look", len(slots) - len(missing) + count + 1, len(slots))
    measured = {slot: journal[str(slot)] for slot in slots}
    first = measured[slots[0]]["dtype"]
    for slot, one in measured.items():
        if one["dtype"] != first:
            raise DataError(
                f"{source.name} mixes types of pixels: {source.names[slots[0]]} is {first}, "
                f"{source.names[slot]} is {one['dtype']}. Convert them to one, with one black and "
                "one white for all slices."
            )
    return measured


def _matched(
    known: work.Matching,
    plan: Sequence[tuple[int, int]],
    journal: Journal,
    step: Step,
    executor: Executor,
) -> list[Pair]:
    """Return the pairs of a plan; those that were tried before are not tried again."""
    missing: dict[int, list[int]] = {}
    for first, second in plan:
        if f"{first} {second}" not in journal:
            missing.setdefault(first, []).append(second)
    groups = work.groups(missing, single=executor.single)
    for count, (_, rows) in enumerate(executor.run(work.match, known, groups)):
        for one in rows:
            journal.add(f"{one['first']} {one['second']}", one)
        step("match", count + 1, len(groups))
    return [Pair.from_dict(journal[f"{first} {second}"]) for first, second in plan]
