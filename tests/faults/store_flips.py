"""Flip bits in what emqs wrote, and write what came of it into docs/reliability.md.

PYTHONPATH=tests python -m faults.store_flips [--flips N]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from faults import counted
from faults.stores import HELD, READS, flipped, undisturbed

MARKS = "<!-- of flips in stores -->\n", "<!-- end of flips in stores -->\n"


def tried(name: str, world: Path, folder: Path, n_flips: int, counts: Counter[str]) -> None:
    """Count how the flips in one thing that is read end."""
    expected = undisturbed(name, world)
    for seed in range(counts.total(), n_flips):
        with tempfile.TemporaryDirectory(dir=folder) as own:
            end = flipped(name, world, Path(own), seed, expected)
        counts[end if end in HELD else "failed"] += 1
        if end not in HELD:
            sys.stderr.write(f"{name}, seed {seed}: {end}\n")


def main() -> None:
    """Run; the exit code is 1 if something did not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--flips", type=int, default=2000, help="of all together")
    parser.add_argument("--only", default="", help="what has this in its name")
    parser.add_argument("--counts", type=Path, help="file in which a run goes on")
    parser.add_argument("--no-page", action="store_true", help="write no page")
    options = parser.parse_args()
    known = options.counts is not None and options.counts.exists()
    held = json.loads(options.counts.read_text()) if known else {}
    every = {name: Counter(held.get(name, {})) for name in READS}
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder) / "world"
        world.mkdir()
        subprocess.run([sys.executable, "-m", "faults.stores", str(world)], check=True)
        for name, reading in READS.items():
            n_flips = options.flips * reading.flips // 100
            if options.only in name:
                tried(name, world, Path(folder), n_flips, every[name])
            if options.counts is not None:
                options.counts.write_text(json.dumps(every))
    found = counted.table(every, {end: end for end in HELD}, "what is read")
    if not options.no_page:
        counted.written(found, MARKS)
    sys.stdout.write(found)
    sys.exit(0 if counted.all_held(every, HELD) else 1)


if __name__ == "__main__":
    main()
