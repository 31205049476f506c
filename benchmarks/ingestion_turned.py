"""Slices that are turned by any angle: how many neighbours each matcher of ingest matches rightly.

    python benchmarks/ingestion_turned.py                 # EPFL, FLYEM, VNC, ISBI, one draw
    python benchmarks/ingestion_turned.py --stacks EPFL --seeds 0 1 2

Windows of published stacks, each turned by up to 180 degrees either way and disturbed as in
``ingestion.py``. Neighbours are matched by ``align.matcher=correlation`` with
``align.rotation_deg=11`` (the default) and 180, and by ``align.matcher=sift`` (extra ``sift``). A
match is right if points lie within 10 px of where the published stack has them, ISBI 35 px, whose
neighbours are published up to 30 px beside each other; ``turned_far`` counts neighbours that are
turned against each other by over 100 degrees.
"""

import argparse
import json
import time
from typing import Any

import numpy as np
from ingestion_slices import STACKS, disturb, published

from emqs.ingestion import affine
from emqs.ingestion.matching.coarse import Rotations
from emqs.ingestion.matching.images import prepare
from emqs.ingestion.matching.pair import match
from emqs.ingestion.settings import AlignConfig

EDGES = {"EPFL": 512, "FLYEM": 170, "VNC": 512, "ISBI": 350}
RIGHT_PX = {"ISBI": 35.0}
MATCHERS = {
    "correlation, 11 degrees": AlignConfig("affine"),
    "correlation, 180 degrees": AlignConfig("affine", rotation_deg=180),
    "sift": AlignConfig("affine", matcher="sift"),
}


def turned(name: str, count: int, seed: int) -> list[dict[str, Any]]:
    """Return what each matcher makes of the neighbours of a stack."""
    first, most = STACKS[name]
    edge = EDGES[name]
    given = disturb(
        published(name, first, min(count, most)), edge, seed, warp_px=0, shift_px=edge / 20,
        degrees=180.0,
    )  # fmt: skip
    true = []
    for a, b in zip(given.raw, given.raw[1:], strict=False):
        seen = np.isfinite(a).all(axis=1) & np.isfinite(b).all(axis=1)
        true.append((affine.fit(a[seen], b[seen]), a[seen], b[seen]))
    far = [abs(np.degrees(affine.angle(fit))) > 100 for fit, _, _ in true]
    rows = []
    for matcher, settings in MATCHERS.items():
        begun = time.process_time()
        ready = [prepare(image) for image in given.slices]
        pairs = [
            match((k, k + 1), Rotations(ready[k]), ready[k + 1], settings)
            for k in range(len(ready) - 1)
        ]
        seconds = time.process_time() - begun
        apart = np.array([
            np.linalg.norm(affine.apply(pair.matrix, a) - b, axis=1).mean() if pair.matched
            else np.inf for pair, (_, a, b) in zip(pairs, true, strict=True)
        ])  # fmt: skip
        right = apart <= RIGHT_PX.get(name, 10.0)
        rows.append({
            "part": "turned", "stack": name, "seed": seed, "matcher": matcher,
            "neighbours": len(pairs), "right": int(right.sum()),
            "wrong": int((np.isfinite(apart) & ~right).sum()),
            "turned_far": int(np.sum(far)), "turned_far_right": int((right & far).sum()),
            "error_px": float(np.median(apart[right])) if right.any() else None,
            "seconds_per_pair": seconds / len(pairs),
        })  # fmt: skip
    return rows


def main() -> None:
    """Print JSON, one line for each stack, draw and matcher."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stacks", nargs="+", choices=tuple(EDGES), default=list(EDGES))
    parser.add_argument("--slices", type=int, default=12)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    options = parser.parse_args()
    for seed in options.seeds:
        for name in options.stacks:
            for row in turned(name, options.slices, seed):
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
