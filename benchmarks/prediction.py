"""How well are objects found with a few clicks? Clicks in two slices, tested on other slices.

    python benchmarks/prediction.py --images IMAGES --cache CACHE
    python benchmarks/prediction.py --table     what is measured, into benchmarks/README.md and docs

A simulated user clicks voxels drawn at random from the structure and from everything else, in two
slices. What ``python -m emqs.predict`` makes of these clicks, by the same functions, is compared
with the labels of other slices; so is, with the same clicks, what extra trees make of grey features
alone, which is how ilastik and Weka work. A line of results.csv is one draw; a run that was stopped
goes on after the last. Features lie in the cache: 150 MB for a slice of a megapixel.

Settings were chosen with ``--chosen-on``: other slices, other draws. EPFL_test is not looked at.
"""

import argparse
import csv
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import prediction_cases
from prediction_cases import CASES, Case, Opened, open_case, state
from prediction_report import goals, report, write
from scipy import ndimage

from emqs.geometry import Box, boxes
from emqs.prediction import (
    corrections,
    features,
    grey,
    head,
    layers,
    objects,
    settings,
    smoothing,
    tiles,
)
from emqs.prediction import found as numbering
from emqs.prediction.found import least_of, objects_in
from emqs.prediction.objects import FULL
from emqs.prediction.predict import fitted_heads
from emqs.prediction.settings import PredictConfig
from emqs.prediction.tiles import probabilities
from emqs.retrieval.examples_file import NEGATIVE, POSITIVE, Examples
from emqs.runs import tables

N_CLICKS = 5  # of each kind
CORRECTIVE, AT_ONCE = 20, 5  # clicks where it is wrong, and how many between two predictions
LABELLED = 20_000  # voxels of the two slices that stand for all their labels
TREES, EVERY = 50, 4  # of the anchor; it looks at every fourth voxel along both axes
SPECK = 50  # labelled pixels that are no object
METHODS = ("predict", "anchor", "ceiling", "corrective")
SHARED = (features, grey, layers, prediction_cases)  # what all methods go through
OBJECTS = state(None, numbering, objects)  # how maps become objects
CODE = {  # a change of the head leaves the maps of the anchor as they are
    method: state(None, *SHARED)
    if method == "anchor"
    else state(None, *SHARED, numbering, objects, head, corrections, settings, smoothing, tiles)
    for method in METHODS
}
COLUMNS = (
    "code",
    "objects",
    "dataset",
    "slices",
    "method",
    "draw",
    "dice",
    "best_dice",
    "object_f1",
    "best_at",
)


@dataclass(frozen=True)
class Task:
    """What is asked of one draw.

    Attributes:
        opened: The slices.
        tested: Those that are compared with their labels.
        settings: Of the prediction.
    """

    opened: Opened
    tested: tuple[int, ...]
    settings: PredictConfig

    def maps(self, examples: Examples, slices: tuple[int, ...]) -> list[np.ndarray]:
        """Return the probability of whole slices, each ``(Y, X)``, uint8, as the command does."""
        seen = self.opened.features
        made = fitted_heads(seen, examples, self.settings)
        shape = seen.source.volume.shape[1:]
        reach_px = self.settings.smoothing * seen.grid.size
        return [
            _bytes(
                probabilities(seen, made, Box((z, 0, 0), (z + 1, *shape)), reach_px)[POSITIVE][0]
            )
            for z in slices
        ]

    def measured(self, found: list[np.ndarray]) -> dict[str, float]:
        """Return Dice and object F1 of the tested slices, all their voxels and objects together."""
        truths = [self.opened.truth[z] for z in self.tested]
        counts = sum(_histograms(p, t) for p, t in zip(found, truths, strict=True))
        hits, others = np.cumsum(np.asarray(counts)[:, ::-1], axis=1)[:, ::-1]  # at least so much
        dice = 2 * hits / np.maximum(hits + others + hits[0], 1)
        own = least_of(self.settings)
        matched = np.array([self._objects(p, t) for p, t in zip(found, truths, strict=True)])
        both, made, real = matched.sum(axis=0).tolist()
        return {
            "dice": float(dice[own]), "best_dice": float(dice[1:].max()),
            "object_f1": 2 * both / max(1, made + real),
            "best_at": float(dice[1:].argmax() + 1) / 255,
        }  # fmt: skip

    def _objects(self, values: np.ndarray, truth: np.ndarray) -> tuple[int, int, int]:
        """Return how many objects of a slice match a labelled one, and how many there are."""
        made = self._numbered(values)
        real, count = ndimage.label(truth, structure=np.ones((3, 3)))
        sizes = np.bincount(real.ravel(), minlength=count + 1)
        real[(sizes < SPECK)[real]] = 0
        n_real, n_made = int((sizes[1:] >= SPECK).sum()), int(made.max())
        both = made.astype(np.int64) * (count + 1) + real
        pairs = np.bincount(both.ravel(), minlength=(n_made + 1) * (count + 1))
        pairs = pairs.reshape(n_made + 1, count + 1)
        union = pairs.sum(axis=1, keepdims=True) + pairs.sum(axis=0, keepdims=True) - pairs
        good = pairs[1:, 1:] > 0.5 * union[1:, 1:]  # so each matches one at most
        return int(good.sum()), n_made, n_real

    def _numbered(self, values: np.ndarray) -> np.ndarray:
        """Return the objects of a slice as the command makes them of a region of one slice."""
        grid = self.opened.features.grid
        whole = Box((0, 0, 0), (1, *values.shape))
        return objects_in(values[None], grid, whole, self.settings)[0]


def _bytes(probability: np.ndarray) -> np.ndarray:
    """Return what is stored of a probability."""
    return np.rint(probability * 255).astype(np.uint8)


def _histograms(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return how many voxels of the structure, and of the rest, have each probability, (2, 256)."""
    return np.stack([np.bincount(found[mask], minlength=256) for mask in (truth, ~truth)])


def drawn(task: Task, n: int, draw: int) -> Examples:
    """Return clicks of both kinds, ``n`` of each, in the two slices."""
    rng = np.random.default_rng(draw)
    rows, labels = [], []
    for label in (POSITIVE, NEGATIVE):
        places = [
            (z, *divmod(int(at), task.opened.truth.shape[2]))
            for z in task.opened.case.clicked
            for at in rng.choice(
                np.flatnonzero(task.opened.truth[z] == (label == POSITIVE)), n, replace=False
            )
        ]
        rows += [places[i] for i in rng.permutation(len(places))[:n]]
        labels += [label] * n
    return Examples(np.array(rows, dtype=np.int64), tuple(labels))


def by_command(task: Task, draw: int) -> list[np.ndarray]:
    """Return what the command predicts from five clicks of each kind."""
    return task.maps(drawn(task, N_CLICKS, draw), task.tested)


def by_all_labels(task: Task, draw: int) -> list[np.ndarray]:
    """Return what the command predicts from the labels of the two slices."""
    rng = np.random.default_rng(draw)
    shape = task.opened.truth.shape
    rows = [
        (z, *divmod(int(at), shape[2]))
        for z in task.opened.case.clicked
        for at in rng.choice(shape[1] * shape[2], LABELLED // 2, replace=False)
    ]
    voxels = np.array(rows, dtype=np.int64)
    inside = task.opened.truth[tuple(voxels.T)]
    return task.maps(
        Examples(voxels, tuple(POSITIVE if one else NEGATIVE for one in inside)), task.tested
    )


def corrected(task: Task, draw: int) -> list[np.ndarray]:
    """Return what the command predicts after clicks in the middle of what was wrong."""
    examples = drawn(task, N_CLICKS, draw)
    slices = task.opened.case.clicked
    for _ in range(CORRECTIVE // AT_ONCE):
        errors: list[tuple[float, int, int, int]] = []
        for z, values in zip(slices, task.maps(examples, slices), strict=True):
            truth = task.opened.truth[z]
            errors += [(depth, z, y, x) for depth, y, x in _middles((values >= 128) != truth)]
        chosen = [place for _, *place in sorted(errors, reverse=True)[:AT_ONCE]]
        labels = [POSITIVE if task.opened.truth[z, y, x] else NEGATIVE for z, y, x in chosen]
        examples = Examples(
            np.concatenate([examples.voxels, np.array(chosen).reshape(-1, 3)]),
            (*examples.labels, *labels),
        )
    return task.maps(examples, task.tested)


def _middles(wrong: np.ndarray) -> Iterator[tuple[float, int, int]]:
    """Yield depth, row and column of the deepest voxel of every part that is wrong."""
    depth = ndimage.distance_transform_edt(np.pad(wrong, 1))[1:-1, 1:-1]
    numbers, count = ndimage.label(wrong, structure=FULL[0])
    for y, x in ndimage.maximum_position(depth, numbers, range(1, count + 1)) if count else ():
        yield float(depth[y, x]), int(y), int(x)


def by_anchor(task: Task, draw: int) -> list[np.ndarray]:
    """Return what extra trees make of grey features and the same clicks."""
    from sklearn.ensemble import ExtraTreesClassifier

    examples = drawn(task, N_CLICKS, draw)
    seen = task.opened.features
    clicked = seen.at(examples.voxels)[:, : grey.N_MAPS]
    trees = ExtraTreesClassifier(TREES, class_weight="balanced", random_state=draw, n_jobs=1)
    trees.fit(clicked, [label == POSITIVE for label in examples.labels])
    shape = seen.source.volume.shape[1:]
    result = []
    for z in task.tested:
        values = np.empty(shape, dtype=np.uint8)
        for own in boxes((1, *shape), (1, 512, 512)):
            maps = seen.of(own.moved((z, 0, 0)))[
                : grey.N_MAPS, EVERY // 2 :: EVERY, EVERY // 2 :: EVERY
            ]
            some = trees.predict_proba(maps.reshape(len(maps), -1).T)[:, 1].reshape(maps.shape[1:])
            large = np.repeat(np.repeat(some, EVERY, axis=0), EVERY, axis=1)
            missing = [(0, max(0, n - m)) for n, m in zip(own.shape[1:], large.shape, strict=True)]
            large = np.pad(large, missing, mode="edge")
            values[own.slices[1:]] = _bytes(large[: own.shape[1], : own.shape[2]])
        result.append(values)
    return result


MAKERS: dict[str, Callable[[Task, int], list[np.ndarray]]] = {
    "predict": by_command, "anchor": by_anchor, "ceiling": by_all_labels, "corrective": corrected,
}  # fmt: skip


def results_of(path: Path) -> list[dict[str, str]]:
    """Return the lines of results.csv that this code made, none if it is not there."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["code"] == CODE[row["method"]]]


def run(task: Task, which: str, methods: list[str], draws: range, path: Path) -> None:
    """Append what is missing to results.csv."""
    name = task.opened.case.dataset
    done = {(r["dataset"], r["slices"], r["method"], r["draw"]) for r in results_of(path)}
    for draw in draws:
        for method in methods:
            if (name, which, method, str(draw)) in done or (
                method == "corrective" and name != "EPFL"
            ):
                continue
            began = time.perf_counter()
            measured = task.measured(MAKERS[method](task, draw))
            row = {
                "code": CODE[method],
                "objects": OBJECTS,
                "dataset": name,
                "slices": which,
                "method": method,
                "draw": draw,
                **measured,
            }
            new = not path.exists()
            with path.open("a", encoding="utf-8", newline="") as stream:
                writer = csv.DictWriter(stream, COLUMNS)
                if new:
                    writer.writeheader()
                writer.writerow(
                    {k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()}
                )
            shown = ", ".join(f"{key} {value:.3f}" for key, value in measured.items())
            print(
                f"{name} {method} {draw}: {shown} ({time.perf_counter() - began:.0f} s)", flush=True
            )


def task_of(case: Case, images: Path, cache: Path, *, chosen_on: bool) -> Task:
    """Return a case with the features of the slices that are needed."""
    opened = open_case(case, images, cache)
    tested = case.chosen_on if chosen_on else case.reported_on
    opened.keep(tested)
    return Task(opened, tested, PredictConfig())


def main() -> None:
    """Measure what is missing, print the table and what is required."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", default=list(CASES), metavar="DATASET")
    parser.add_argument("--images", type=Path, default=os.environ.get("EMQS_IMAGES", "images"))
    parser.add_argument("--cache", type=Path, default=Path("outputs/prediction/features"))
    parser.add_argument("--out", type=Path, default=Path("outputs/prediction"))
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=METHODS)
    parser.add_argument("--chosen-on", action="store_true", help="where settings were chosen")
    parser.add_argument("--table", action="store_true", help="into the pages; measure nothing")
    given = parser.parse_args()
    which = "chosen on" if given.chosen_on else "reported on"
    first = 1000 if given.chosen_on else 0
    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / "results.csv"
    for name in () if given.table else given.cases:
        task = task_of(CASES[name], Path(given.images), given.cache, chosen_on=given.chosen_on)
        run(task, which, given.methods, range(first, first + given.draws), path)
    rows = results_of(path)
    table = report(rows, which, METHODS, OBJECTS)
    if given.table:
        write(table, which)
    print(tables.plain_table(table))
    tables.write_csv(given.out / "table.csv", {key: [r[key] for r in table] for key in table[0]})
    sys.exit(0 if goals(rows, which) else 1)


if __name__ == "__main__":
    main()
