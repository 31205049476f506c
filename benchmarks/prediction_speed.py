"""How long does a prediction take? A click to a new map, and whole volumes.

    python benchmarks/prediction_speed.py --images IMAGES

A slice of VNC, a megapixel: its features, then a head of 15 clicks of each kind and its map with
the features at hand; and objects of the map. Times are wall clock and processor time of one process
with as many threads as torch and NumPy take.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from prediction import Task, drawn
from prediction_cases import CASES, open_case

from emqs.geometry import Box
from emqs.prediction import head as heads
from emqs.prediction.settings import PredictConfig
from emqs.prediction.smoothing import margin
from emqs.prediction.tiles import EDGE, probabilities
from emqs.retrieval.examples_file import NEGATIVE, POSITIVE

N_CLICKS = 15  # of each kind, as after some that correct
GOAL_S = 0.3  # from a click to the map of a megapixel
GOAL_MINUTES = 20.0  # of one processor, for 10^9 voxels


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall clock and processor time, in seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """Measure, print, and compare with what is required."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, default=os.environ.get("EMQS_IMAGES", "images"))
    given = parser.parse_args()
    settings = PredictConfig()
    with tempfile.TemporaryDirectory() as cache:
        opened = open_case(CASES["VNC"], Path(given.images), Path(cache))
        seen = opened.features
        unlabelled = seen.learn(settings.components, n_voxels=settings.n_unlabelled, seed=0)
        task = Task(opened, (0,), settings)
        examples = drawn(task, N_CLICKS, 0)
        clicked = [seen.at(examples.of(label)) for label in (POSITIVE, NEGATIVE)]
        made: dict[str, heads.Head] = {}

        def fit() -> None:
            made[POSITIVE] = heads.fit(clicked[0], clicked[1], unlabelled, settings)

        shape = seen.source.volume.shape
        reach_px = settings.smoothing * seen.grid.size
        whole = Box((0, 0, 0), (1, *shape[1:]))

        def draw() -> None:
            probabilities(seen, made, whole, reach_px)

        fit()
        megapixels = whole.size / 1e6
        first = timed(draw)  # with its features
        again = timed(lambda: (fit(), draw()))
        kept = int(np.ceil(max(shape[1:]) / EDGE)) ** 2
        print(f"tiles: {kept} of {EDGE} voxels and {margin(reach_px)} around")
        print(f"features and map, s a megapixel: {first[0] / megapixels:.2f} wall clock, "
              f"{first[1] / megapixels:.2f} of processors")  # fmt: skip
        print(f"a click to a new map, s a megapixel: {again[0] / megapixels:.2f} wall clock, "
              f"{again[1] / megapixels:.2f} of processors; goal {GOAL_S}")  # fmt: skip
        minutes = first[1] / megapixels * 1000 / 60
        print(f"10^9 voxels: {minutes:.0f} minutes of a processor; goal {GOAL_MINUTES:g}")
    sys.exit(0 if again[0] / megapixels <= GOAL_S and minutes <= GOAL_MINUTES else 1)


if __name__ == "__main__":
    main()
