"""Break core logic on purpose, one line at a time, and see that a test that is named notices.

    PYTHONPATH=tests python -m faults.mutations [--only WORD]

Each mutation is made in a copy of the package, and only its test runs, on that copy. The table goes
into docs/reliability.md. It is a mistake if a text is not there any more, or there twice, if the
test fails without the mutation, or if it passes with it.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from faults.mutation_list import MUTATIONS, Mutation
from faults.mutation_list_searches import MORE_MUTATIONS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- of mutations -->\n", "<!-- end of mutations -->\n"
AT_ONCE = 2
LONGEST_S = 300  # of a test; a mutation that makes it hang is caught


def mutated(text: str, mutation: Mutation) -> str:
    """Return the text of a file with the mutation.

    Raises:
        ValueError: If the text that it replaces is not there exactly once.
    """
    count = text.count(mutation.before)
    if count != 1:
        raise ValueError(f"{mutation.file} holds {count} times: {mutation.before!r}; give another")
    return text.replace(mutation.before, mutation.after)


def passes(package_root: Path, tests: list[str]) -> bool:
    """Return whether tests pass on the package below a folder.

    Raises:
        ValueError: If none of them is there.
    """
    command = [
        sys.executable, "-m", "pytest", "-n0", "-x", "-q", "-p", "no:cacheprovider",
        "-m", "slow or not slow", *tests,
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(package_root), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=package_root, env=environment, timeout=LONGEST_S, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False
    if done.returncode not in (0, 1):  # 1: a test failed; others: nothing was tried
        raise ValueError(f"{tests}: pytest ended with {done.returncode}: {done.stdout[-2000:]}")
    if done.returncode == 0 and not re.search(r"\b[1-9]\d* passed", done.stdout):
        raise ValueError(f"{tests}: nothing was tried: {done.stdout[-500:]}")
    return done.returncode == 0


def copied(folder: Path, number: int) -> Path:
    """Copy what tests need of the project, without version control."""
    root = folder / f"copy-{number}"
    root.mkdir()
    for name in ("emqs", "tests", "configs", "docs"):
        ignored = shutil.ignore_patterns("__pycache__", "static", "frontend")
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, root / name)
    return root


def is_caught(roots: "SimpleQueue[Path]", mutation: Mutation, text: str) -> bool:
    """Return whether the test of a mutation fails on it, in a copy that nobody else has."""
    root = roots.get()
    try:
        (root / mutation.file).write_text(text, encoding="utf-8")
        caught = not passes(root, [mutation.test])
        shutil.copy(ROOT / mutation.file, root / mutation.file)
    finally:
        roots.put(root)
    word = "caught" if caught else "SURVIVED"
    sys.stdout.write(f"{word}: {mutation.what}, {mutation.file}\n")
    sys.stdout.flush()
    return caught


def table(caught: dict[Mutation, bool], seconds: float) -> str:
    """Return what a run found, as Markdown."""
    rows = [
        f"{sum(caught.values())} of {len(caught)} mutations caught, in {seconds / 60:.0f} minutes:",
        "",
        "| part | what was broken, and where | caught by |",
        "| --- | --- | --- |",
    ]
    for mutation, held in caught.items():
        file, name = mutation.test.split("::")
        by = f"`{name}` in `{file}`" if held else "**nothing**"
        rows.append(f"| {mutation.part} | {mutation.what}, `{mutation.file}` | {by} |")
    return "\n".join(rows) + "\n"


def main() -> None:
    """Run; the exit code is 1 if a mutation survived."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="in the part or the file; no table is written")
    only = parser.parse_args().only
    every = [*MUTATIONS, *MORE_MUTATIONS]
    chosen = [one for one in every if only in f"{one.part} {one.file}"]
    texts = [mutated((ROOT / one.file).read_text(encoding="utf-8"), one) for one in chosen]
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as threads:
        roots: SimpleQueue[Path] = SimpleQueue()
        for number in range(AT_ONCE):
            roots.put(copied(Path(folder), number))
        whole = copied(Path(folder), AT_ONCE)
        unchanged = threads.submit(passes, whole, sorted({one.test for one in chosen}))
        caught = dict(
            zip(chosen, threads.map(partial(is_caught, roots), chosen, texts), strict=True)
        )
        if not unchanged.result():
            sys.exit("Tests that are named fail without any mutation.")
    found = table(caught, time.monotonic() - started)
    if not only:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(before + BEGIN + found + END + rest.partition(END)[2], encoding="utf-8")
    sys.stdout.write(found)
    sys.exit(not all(caught.values()))


if __name__ == "__main__":
    main()
