"""Large slices: how many folds ingest finds, and how many good slices it takes for folded.

    python benchmarks/ingestion_folds.py [--edge 2048] [--width 30] [--draws 3]

Slices of published stacks, mirrored and repeated to the edge that is asked for, each with its own
greys; in every stack two slices of draw 0, 1, ... are folded. One line of JSON for each draw.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from ingestion import Held, quiet
from ingestion_slices import fold, greys, published

from emqs.ingestion.judge import judge
from emqs.ingestion.settings import AlignConfig, CheckConfig

STACKS = {"EPFL": 15, "VNC": 15, "ISBI": 15, "FLYEM": 15}  # slices


def large(plane: np.ndarray, edge: int) -> np.ndarray:
    """Return a slice of ``(edge, edge)`` pixels made of a smaller one, without seams."""
    mirrored = np.pad(plane, [(0, length) for length in plane.shape], "symmetric")
    return np.tile(mirrored, [-(-edge // length) for length in mirrored.shape])[:edge, :edge]


def one(name: str, edge: int, width: int, draw: int) -> dict[str, object]:
    """Return what was seen in one stack."""
    rng = np.random.default_rng(draw)
    raw = published(name, 0, STACKS[name])
    slices = [greys(large(plane, edge).astype(float), rng) for plane in raw]
    folded = {3 + draw, 8 + draw}
    for slot in folded:
        slices[slot] = fold(slices[slot], width)
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        judged = judge(
            Held(slices), Path(folder), check_settings=CheckConfig(),
            align=AlignConfig("affine", breaks="split"), step=quiet,
        )  # fmt: skip
    seconds = time.process_time() - begun
    bad = {verdict.slot: verdict.verdict for verdict in judged.verdicts if not verdict.use}
    return {
        "stack": name, "edge": edge, "width": width, "draw": draw,
        "folds": len(folded), "found": len(folded & bad.keys()),
        "good": len(slices) - len(folded),
        "false": {slot: why for slot, why in bad.items() if slot not in folded},
        "seconds_per_megapixel": round(seconds / (len(slices) * edge**2 / 1e6), 3),
    }  # fmt: skip


def main() -> None:
    """Print a line for each draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--edge", type=int, default=2048, help="of a slice, pixels")
    parser.add_argument("--width", type=int, default=30, help="of what is folded away, pixels")
    parser.add_argument("--draws", type=int, default=3, help="of each stack")
    options = parser.parse_args()
    for name in STACKS:
        for draw in range(options.draws):
            print(json.dumps(one(name, options.edge, options.width, draw)), flush=True)


if __name__ == "__main__":
    main()
