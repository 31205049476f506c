"""Flip bits in source volumes of all formats, and write what came of it into docs/reliability.md.

    PYTHONPATH=tests python -m faults.flips [--seeds N] [--only NAME]

With ``--only`` one format is tried again, and the others stay as they stand on the page. Each
format is tried in a process of its own, since libraries may crash or never answer.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from faults import counted
from faults.sources import SOURCES, flip_source, original

MARKS = "<!-- of flips -->\n", "<!-- end of flips -->\n"  # the text between them is written
LONGEST_S = 100  # for one flip, more than a first look takes; a start is another 60
HELD = {  # how a flip that held ends, and the heads of columns
    "nothing changed": "nothing changed",
    "refused": "refused",
    "verified": "told by `task=verify`",
}


def work(name: str, first: int, stop: int) -> None:
    """Try the flips of one format; print one line before and after each."""
    with tempfile.TemporaryDirectory() as folder:
        of = original(name, Path(folder) / "original")
        for seed in range(first, stop):
            own = Path(folder) / str(seed)
            own.mkdir()
            try:
                end = flip_source(of, own, seed)
            except Exception as fault:
                end = f"failed: {fault!r}".splitlines()[0]
            sys.stdout.write(f"{seed} {end}\n")
            sys.stdout.flush()


def ends(name: str, n_seeds: int) -> Counter[str]:
    """Return how the flips of one format ended."""
    counts: Counter[str] = Counter()
    seed = 0
    while seed < n_seeds:
        command = [sys.executable, "-m", "faults.flips", "--of", name, str(seed), str(n_seeds)]
        try:
            said = subprocess.run(
                command, capture_output=True, text=True, timeout=60 + LONGEST_S, check=False
            ).stdout
            ended = "crashed"
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode()
            ended = "never ended"
        for line in said.splitlines():
            end = line.partition(" ")[2]
            counts[end if end in HELD else "failed"] += 1
            seed += 1
            if end not in HELD:
                sys.stderr.write(f"{name}: {line}\n")
        if seed < n_seeds:
            sys.stderr.write(f"{name}, seed {seed}: {ended}\n")
            counts[ended] += 1
            seed += 1
    return counts


def known(page: str) -> dict[str, Counter[str]]:
    """Return what the page tells of each format."""
    every: dict[str, Counter[str]] = {}
    for row in page.partition(MARKS[0])[2].partition(MARKS[1])[0].splitlines()[2:]:
        if row.startswith("| "):
            name, *numbers = (cell.strip() for cell in row.strip("|").split("|"))
            tried, held, *parts = (int(number) for number in numbers)
            every[name] = Counter({**dict(zip(HELD, parts, strict=True)), "failed": tried - held})
    return every


def main() -> None:
    """Run; the exit code is 1 if something did not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--of", nargs=3, metavar=("NAME", "FIRST", "STOP"), help="one format only")
    parser.add_argument("--only", choices=SOURCES, help="one format again")
    options = parser.parse_args()
    if options.of is not None:
        work(options.of[0], int(options.of[1]), int(options.of[2]))
        return
    names = [options.only] if options.only else list(SOURCES)
    before = known(counted.PAGE.read_text(encoding="utf-8")) if options.only else {}
    every = before | {name: ends(name, options.seeds) for name in names}
    found = counted.table(every, HELD, "source")
    counted.written(found, MARKS)
    sys.stdout.write(found)
    sys.exit(0 if counted.all_held(every, list(HELD)) else 1)


if __name__ == "__main__":
    main()
