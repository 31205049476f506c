"""Try faults on all commands, count what held, and write it into docs/reliability.md.

    PYTHONPATH=tests python -m faults.report [--seeds N] [--minutes M] [--only kill,flip]
        [--counts FILE] [--add] [--no-page]

What cannot be tried (a small disk needs root) is not counted. Faults are tried in turn until the
time is over, so that each has about as many tries. With a file of counts, or with ``--add`` those
of the page, a run goes on with the seeds after those that stand there, so that every try is a new
one, and the table tells of all of them.
"""

import argparse
import json
import platform
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import pytest
from faults import commands
from faults.commands import FAILING, MORE, READERS, RUNS, SERVED, WRITERS, Change
from faults.hostile_files import ELSEWHERE, HOSTILE
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
    wrong_server,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- of a run -->\n", "<!-- end -->\n"  # the text between them is written
ROW = r"^\| ([^|]+) \| `?([^|`]+)`? \| (\d+) \| (\d+) \| ?(\d*) \|$"  # of the table
ONCE = ("foreign", "hostile")  # nothing is drawn
DAMAGE = ("flip", "cut", "remove", "swap")
WHAT = {
    "kill": "killed twice at any moment, then typed again: the same bytes, nothing left behind",
    "full disk": "the disk full at any moment: one line; with room, the same command goes on",
    "two at once": "typed twice at once: the target is whole, or one line says who writes it",
    "foreign": "something else in the place of the target: refused, and left as it is",
    "hostile": "made by a stranger: one line, in 10 s and 2 GB, nothing outside read, no code run",
    "server": (
        "a volume on a server that answers so: the same, or one line that names it, and of a "
        "server that is well the same command goes on"
    ),
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
        runs = RUNS | MORE if fault in ("kill", "full disk") else {}
        for name, line in (WRITERS | runs).items():
            every[fault, name] = partial(_without_answer, work, line)
    for what, (line, change) in (HOSTILE | ELSEWHERE).items():
        every["hostile", what] = partial(_hostile, line, change)
    for how in FAILING:
        every["server", how] = partial(_served, how)
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


def _served(how: str, stage: Stage, seed: int) -> bool:
    """Try one command after the other, with another seed in each round."""
    line = list(SERVED.values())[seed % len(SERVED)]
    return wrong_server(stage, line, how, seed // len(SERVED))


def _damaged(line: Line, how: str, stage: Stage, seed: int) -> bool:
    return damage(stage, line, seed, how)


class Counts:
    """What came of each fault on each command, and how long it took; kept in a file if asked."""

    def __init__(self, file: Path | None) -> None:
        """Begin with what stands in the file."""
        self.file = file
        self.seconds = 0.0
        self.of: dict[tuple[str, str], Count] = {}
        if file is not None and file.exists():
            held = json.loads(file.read_text())
            self.seconds = held["seconds"]
            for fault, name, count in held["counts"]:
                self.of[fault, name] = Count(**count)

    def add_page(self) -> None:
        """Begin with what the table of the page says."""
        text = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
        for fault, name, *numbers in re.findall(ROW, text, re.MULTILINE):
            self.of[fault, name] = Count(*(int(number or 0) for number in numbers))
        minutes = re.search(r"run of (\d+) minutes", text)
        self.seconds += 60.0 * int(minutes[1]) if minutes else 0.0

    def keep(self) -> None:
        """Write the file, if there is one."""
        if self.file is not None:
            counts = [[*key, asdict(count)] for key, count in self.of.items()]
            self.file.write_text(json.dumps({"seconds": self.seconds, "counts": counts}))


def tried(
    stage: Callable[[Path], Stage],
    folder: Path,
    counts: Counts,
    only: Sequence[str],
    limits: tuple[int, float],
) -> None:
    """Try everything in turn; print what did not hold.

    Args:
        stage: Where, of an empty folder.
        folder: For such folders.
        counts: What is known before, and afterwards.
        only: Faults; none for all.
        limits: Tries of each, and seconds.
    """
    n_seeds, seconds = limits
    started, before = time.monotonic(), counts.seconds
    first = {key: count.tried for key, count in counts.of.items()}
    for step in range(n_seeds):
        for (fault, name), work in faults().items():
            seed = first.get((fault, name), 0) + step
            if time.monotonic() > started + seconds:
                return
            if (seed and fault in ONCE) or (only and fault not in only) or seed >= n_seeds:
                continue
            count = counts.of.setdefault((fault, name), Count())
            with tempfile.TemporaryDirectory(dir=folder) as own:
                try:
                    count.told += work(stage(Path(own)), seed)
                    count.held += 1
                except pytest.skip.Exception:
                    continue
                except AssertionError as error:
                    sys.stderr.write(f"{fault}, {name}, seed {seed}: {error}\n")
                count.tried += 1
            counts.seconds = before + time.monotonic() - started
            counts.keep()


def table(counts: dict[tuple[str, str], Count], seconds: float) -> str:
    """Return what a run found, as Markdown."""
    text = [
        f"A run of {seconds / 60:.0f} minutes, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}:",
        "",
        "| fault | command, or what | tried | held | of these, told in one line |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    totals: dict[str, Count] = {}
    order = list(faults())
    known = [key for key in counts if key in order]
    for fault, name in sorted(known, key=order.index):
        count = counts[fault, name]
        is_damage = fault in DAMAGE
        shown = name if fault in ("hostile", "server") else f"`{name}`"
        text.append(
            f"| {fault} | {shown} | {count.tried} | {count.held} | "
            f"{count.told if is_damage or fault == 'server' else ''} |"
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
    parser.add_argument("--only", default="", help="faults, with commas between them")
    parser.add_argument("--counts", type=Path, help="file in which a run goes on")
    parser.add_argument("--add", action="store_true", help="go on with what the page says")
    parser.add_argument("--no-page", action="store_true", help="write no page")
    options = parser.parse_args()
    only = [name for name in options.only.split(",") if name]
    counts = Counts(options.counts)
    if options.add and not counts.of:
        counts.add_page()
    starter = Starter()
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder) / "world"
        world.mkdir()
        commands.prepare(starter, world)
        known: dict[tuple[str, ...], Undisturbed] = {}
        tried(
            lambda own: Stage(starter, world, own, known), Path(folder), counts, only,
            (options.seeds, options.minutes * 60),
        )  # fmt: skip
    starter.stop()
    found = table(counts.of, counts.seconds)
    if not options.no_page:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(before + BEGIN + found + END + rest.partition(END)[2], encoding="utf-8")
    sys.stdout.write(found)
    sys.exit(any(count.held < count.tried for count in counts.of.values()))


if __name__ == "__main__":
    main()
