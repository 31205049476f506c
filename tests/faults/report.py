"""Try faults on all commands, count what held, and write it into docs/reliability.md.

    PYTHONPATH=tests python -m faults.report [--seeds N] [--minutes M]

What cannot be tried (a small disk needs root) is not counted. Faults are tried in turn until the
time is over, so that each has about as many tries.
"""

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from faults import commands
from faults.commands import HOSTILE, READERS, WRITERS, Change
from support.faults import (
    Line,
    Stage,
    Starter,
    Undisturbed,
    damage,
    foreign,
    full_disk,
    hostile,
    kill,
    two_at_once,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- of a run -->\n", "<!-- end -->\n"  # the text between them is written
ONCE = ("foreign", "hostile")  # nothing is drawn
DAMAGE = ("flip", "cut", "remove", "swap")
WHAT = {
    "kill": "killed twice at any moment, then typed again: the same bytes, nothing left behind",
    "full disk": "the disk full at any moment: one line; with room, the same command goes on",
    "two at once": "typed twice at once: the target is whole, or one line says who writes it",
    "foreign": "something else in the place of the target: refused, and left as it is",
    "hostile": "made by a stranger: one line, in 10 s and 2 GB, nothing outside read, no code run",
    "flip": "a bit flipped in a file that is read: the same result, or one line",
    "cut": "a file that is read cut off: the same",
    "remove": "a file that is read removed: the same",
    "swap": "two files that are read swapped: the same",
}


@dataclass
class Count:
    """Of one fault on one command."""

    tried: int = 0
    held: int = 0
    told: int = 0  # of damage: refused in one line; the others had no effect on the result


def faults() -> dict[tuple[str, str], Callable[[Stage, int], bool]]:
    """Return what is tried, by fault and command."""
    every: dict[tuple[str, str], Callable[[Stage, int], bool]] = {}
    for fault, work in (
        ("kill", kill), ("full disk", full_disk), ("two at once", two_at_once),
        ("foreign", foreign),
    ):  # fmt: skip
        for name, line in WRITERS.items():
            every[fault, name] = partial(_without_answer, work, line)
    for what, (line, change) in HOSTILE.items():
        every["hostile", what] = partial(_hostile, line, change)
    for how in DAMAGE:
        for name, line in READERS.items():
            every[how, name] = partial(_damaged, line, how)
    return every


def _without_answer(work: Callable[..., None], line: Line, stage: Stage, seed: int) -> bool:
    work(stage, line, seed)
    return False


def _hostile(line: Line, change: Change, stage: Stage, _: int) -> bool:
    hostile(stage, line, change)
    return True


def _damaged(line: Line, how: str, stage: Stage, seed: int) -> bool:
    return damage(stage, line, seed, how)


def tried(
    stage: Callable[[Path], Stage], folder: Path, n_seeds: int, seconds: float
) -> dict[tuple[str, str], Count]:
    """Try everything in turn; print what did not hold."""
    counts: dict[tuple[str, str], Count] = {}
    stop = time.monotonic() + seconds
    for seed in range(n_seeds):
        for (fault, name), work in faults().items():
            if time.monotonic() > stop:
                return counts
            if seed and fault in ONCE:
                continue
            count = counts.setdefault((fault, name), Count())
            with tempfile.TemporaryDirectory(dir=folder) as own:
                try:
                    count.told += work(stage(Path(own)), seed)
                    count.held += 1
                except pytest.skip.Exception:
                    continue
                except AssertionError as error:
                    sys.stderr.write(f"{fault}, {name}, seed {seed}: {error}\n")
                count.tried += 1
    return counts


def table(counts: dict[tuple[str, str], Count], seconds: float) -> str:
    """Return what a run found, as Markdown."""
    text = [
        f"A run of {seconds / 60:.0f} minutes, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}:",
        "",
        "| fault | command | tried | held | of these, told in one line |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    totals: dict[str, Count] = {}
    for (fault, name), count in counts.items():
        is_damage = fault in DAMAGE
        shown = name if fault == "hostile" else f"`{name}`"
        text.append(
            f"| {fault} | {shown} | {count.tried} | {count.held} | "
            f"{count.told if is_damage else ''} |"
        )
        total = totals.setdefault("damaged files" if is_damage else "other faults", Count())
        total.tried, total.held = total.tried + count.tried, total.held + count.held
    said = (f"{total.held} of {total.tried} {what}" for what, total in totals.items())
    text += ["", *(f"- **{fault}**: {what}." for fault, what in WHAT.items())]
    text += ["", f"Held: {', '.join(said)}."]
    return "\n".join(text) + "\n"


def main() -> None:
    """Run; the exit code is 1 if something did not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=30.0)
    options = parser.parse_args()
    started = time.monotonic()
    starter = Starter()
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder) / "world"
        world.mkdir()
        commands.prepare(starter, world)
        known: dict[tuple[str, ...], Undisturbed] = {}
        counts = tried(
            lambda own: Stage(starter, world, own, known),
            Path(folder), options.seeds, options.minutes * 60,
        )  # fmt: skip
    starter.stop()
    found = table(counts, time.monotonic() - started)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + found + END + rest.partition(END)[2], encoding="utf-8")
    sys.stdout.write(found)
    sys.exit(any(count.held < count.tried for count in counts.values()))


if __name__ == "__main__":
    main()
