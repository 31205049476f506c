"""Large volumes: what ingest takes of time and memory, and which bad slices it finds.

    python benchmarks/ingestion_whole.py scale --slices 100 300 --edge 2048

Slices are made of real ones, mirrored and repeated, with 12 bad ones; each number of slices runs in
a process of its own.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ingestion_slices import FAULTS, greys, published

from emqs.ingestion.ingest import Settings, ingest
from emqs.ingestion.settings import (
    AlignConfig,
    CheckConfig,
    ContrastConfig,
    IngestConfig,
    OutputConfig,
)
from emqs.ingestion.sources import Source

SIZE_NM = (50.0, 4.6, 4.6)
SETTINGS = Settings(
    IngestConfig(fill="nearest"),
    CheckConfig(),
    AlignConfig("affine", breaks="split", canvas="source"),
    ContrastConfig("match"),
    OutputConfig(chunk=[16, 128, 128], shard=[16, 1024, 1024]),
)


class Made(Source):
    """Slices that are made of real ones when they are read: mirrored, shifted, 12 of them bad."""

    def __init__(self, count: int, edge: int) -> None:
        """Keep what they are made of."""
        super().__init__(
            "made", tuple(f"{slot:05d}" for slot in range(count)), voxel_size_nm=SIZE_NM
        )
        planes = [np.pad(p, [(0, p.shape[0]), (0, p.shape[1])], "symmetric")
                  for p in published("FLYEM", 0, 100)]  # fmt: skip
        tiles = [-(-2 * edge // length) for length in planes[0].shape]
        object.__setattr__(self, "planes", planes)
        object.__setattr__(self, "tiles", tiles)
        object.__setattr__(self, "edge", edge)
        kinds = ["blank", "blurred", "half", "fold"]
        places = np.linspace(4, count - 5, 12).round().astype(int).tolist()
        object.__setattr__(self, "bad", {z: kinds[k % 4] for k, z in enumerate(places)})

    def read(self, slot: int) -> np.ndarray:
        """Return one."""
        rng = np.random.default_rng(slot)
        planes: list[np.ndarray] = self.planes  # type: ignore[attr-defined]
        edge: int = self.edge  # type: ignore[attr-defined]
        period = 2 * len(planes) - 2  # back and forth, so that neighbours follow each other
        turn = slot % period
        plane = planes[min(turn, period - turn)]
        y, x = rng.integers(0, 30, 2)
        whole = np.tile(plane, self.tiles)  # type: ignore[attr-defined]
        image = greys(whole[y : y + edge, x : x + edge].astype(float), rng)
        kind = self.bad.get(slot)  # type: ignore[attr-defined]
        return image if kind is None else FAULTS[kind](image, rng).astype(np.uint8)


def one_scale(count: int, edge: int) -> dict[str, Any]:
    """Return seconds of each stage and peak memory of one run, in this process."""
    seconds: dict[str, float] = {}
    last = time.process_time()

    def step(stage: str, _done: int, _total: int) -> None:
        nonlocal last
        now = time.process_time()
        seconds[stage] = seconds.get(stage, 0.0) + now - last
        last = now

    source = Made(count, edge)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    with tempfile.TemporaryDirectory() as folder:
        made = ingest(source, Path(folder) / "v.zarr", SETTINGS, step=step)
    judged = [] if made.judged is None else made.judged.verdicts
    verdicts = {one.slot: one.verdict for one in judged if not one.use}
    bad: dict[int, str] = source.bad  # type: ignore[attr-defined]
    return {
        "slices": count, "edge": edge, "megapixels": count * edge**2 / 1e6,
        "processor_seconds": {stage: round(value, 1) for stage, value in seconds.items()},
        "megabytes_at_the_start": before,
        "megabytes_at_most": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        "bad_seen": sum(slot in verdicts for slot in bad), "bad_all": len(bad),
        "false_alarms": {slot: one for slot, one in verdicts.items() if slot not in bad},
    }  # fmt: skip


def scale(counts: Sequence[int], edge: int) -> None:
    """Print what runs of several lengths take, each in a process of its own."""
    for count in counts:
        command = [sys.executable, __file__, "one", "--slices", str(count), "--edge", str(edge)]
        subprocess.run(command, check=True, env=os.environ)


def main() -> None:
    """Run one part and print JSON, one line for each volume."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("scale", "one"))
    parser.add_argument("--edge", type=int, default=1024, help="of a slice, pixels")
    parser.add_argument("--slices", type=int, nargs="+", default=[100, 300])
    options = parser.parse_args()
    if options.part == "scale":
        scale(options.slices, options.edge)
    else:
        print(json.dumps({"part": "scale", **one_scale(options.slices[0], options.edge)}))


if __name__ == "__main__":
    main()
