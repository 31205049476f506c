"""How long commands take before they do anything, as ratios to starting Python and importing torch.

    python benchmarks/startup.py                 # medians of 5
    python benchmarks/startup.py --runs 11

Each row is a process of its own; rows take turns, so that they see the same machine. Processor
time is that of the process and its children together; it tells rows apart on a machine that has
other work to do, where the wall clock does not. On a free core both are the same. The search is of
a store of 2,304 places, made here and not counted. ``evaluate`` is stopped where it would open the
slices.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HELP_S, SEARCH_S, EVALUATE_RATIO = 1.5, 3.0, 1.3  # required: of processor time
COMMANDS = (
    "train", "evaluate", "retrieve", "tsne", "embed", "search", "export", "download", "compress",
)  # fmt: skip

UNTIL_SLICES = """
import os, runpy, sys
import emqs.datasets
emqs.datasets.open_stack = lambda *_: os._exit(0)
sys.argv = ["emqs", "figures=false", "hydra.run.dir=" + sys.argv[1]]
runpy.run_module("emqs.evaluate", run_name="__main__", alter_sys=True)
"""


def made_store(folder: Path) -> Path:
    """Return a small embedded volume."""
    import emqs
    from emqs.datasets.synthetic import em_stack
    from emqs.volumes import from_array

    voxels = em_stack(n_slices=3, height=200, width=264, seed=0)[0]  # (Z, Y, X), uint8
    volume = from_array(voxels, (30.0, 5.0, 5.0), name="toy")
    path = folder / "toy.zarr"
    settings = ["patch.size=16", "patch.stride=8", "embed.n_sample=256"]
    emqs.embed(volume, emqs.load_model("contrastive"), path, settings=settings)
    return path


def measured(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Return processor and wall seconds of a process that must end well."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, wall


def rows(folder: Path) -> dict[str, list[str]]:
    """Return what is measured, by name."""
    python = [sys.executable]
    search = ["search", f"store={made_store(folder)}", "positive=[[0,48,64]]", "figures=false"]
    return {
        "python -c pass": [*python, "-c", "pass"],
        "import torch": [*python, "-c", "import torch"],
        "import emqs": [*python, "-c", "import emqs"],
        "emqs": [*python, "-m", "emqs"],
        **{f"{name} --help": [*python, "-m", f"emqs.{name}", "--help"] for name in COMMANDS},
        "search of a toy store": [*python, "-m", "emqs", *search, f"hydra.run.dir={folder / 's'}"],
        "evaluate, to the slices": [*python, "-c", UNTIL_SLICES, str(folder / "e")],
    }


def main() -> int:
    """Measure, print the table, and say whether what is required is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="of each row; medians are shown")
    runs = parser.parse_args().runs
    top = Path(__file__).resolve().parents[1]
    environment = os.environ | {"PYTHONPATH": str(top)}
    sys.path.insert(0, str(top))
    with tempfile.TemporaryDirectory() as name:
        commands = rows(Path(name))
        times: dict[str, list[tuple[float, float]]] = {row: [] for row in commands}
        for _ in range(runs + 1):  # the first fills the caches of files and is left out
            for row, command in commands.items():
                times[row].append(measured(command, environment))
    used = {row: statistics.median(t[0] for t in all_[1:]) for row, all_ in times.items()}
    wall = {row: statistics.median(t[1] for t in all_[1:]) for row, all_ in times.items()}
    start, torch = used["python -c pass"], used["import torch"]
    print(f"{'':<24}{'processor s':>12}{'wall s':>9}{'x python':>10}{'x torch':>9}")
    for row, seconds in used.items():
        print(
            f"{row:<24}{seconds:>12.2f}{wall[row]:>9.2f}{seconds / start:>10.1f}"
            f"{seconds / torch:>9.2f}"
        )
    slowest = max(used[f"{name} --help"] for name in COMMANDS)
    search, ratio = used["search of a toy store"], used["evaluate, to the slices"] / torch
    good = slowest <= HELP_S and search <= SEARCH_S and ratio <= EVALUATE_RATIO
    print(
        f"\nslowest --help {slowest:.2f} s (at most {HELP_S}), search {search:.2f} s (at most "
        f"{SEARCH_S}), evaluate {ratio:.2f} x import torch (at most {EVALUATE_RATIO}): "
        f"{'as required' if good else 'NOT as required'}"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
