"""The tables of flips in docs/reliability.md."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def table(every: Mapping[str, Counter[str]], ends: Mapping[str, str], what: str) -> str:
    """Return what came of all flips, as Markdown.

    Args:
        every: How often the flips of each row ended how.
        ends: Those that count as held, with the heads of their columns.
        what: Head of the first column.
    """
    heads = [what, "flips", "held", *ends.values()]
    text = [f"| {' | '.join(heads)} |", f"| --- |{' ---: |' * (len(heads) - 1)}"]
    for name, counts in every.items():
        held = [counts[end] for end in ends]
        text.append(f"| {name} | {counts.total()} | {sum(held)} | {' | '.join(map(str, held))} |")
    tried = sum(counts.total() for counts in every.values())
    held_in_all = sum(counts[end] for counts in every.values() for end in ends)
    return "\n".join([*text, "", f"Held: {held_in_all:,} of {tried:,}.\n"])


def written(found: str, marks: tuple[str, str]) -> None:
    """Write a table into the page, between two marks."""
    begin, end = marks
    top, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    PAGE.write_text(top + begin + found + end + rest.partition(end)[2], encoding="utf-8")


def all_held(every: Mapping[str, Counter[str]], ends: Sequence[str]) -> bool:
    """Return whether every flip ended in one of these ways."""
    return all(counts.total() == sum(counts[end] for end in ends) for counts in every.values())
