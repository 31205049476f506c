"""Do suggested labels help more than random ones? A simulated user answers from the labels.

    python benchmarks/suggestions.py --images IMAGES

The user starts with one positive and one negative patch of the query slices (every tenth slice)
and labels five more patches of these slices at a time: those that ``emqs.suggestions`` chooses, or
random ones. Patches of all other slices are ranked with the labels so far. A whole patch is
positive above ``query.min_overlap`` and negative at 0; what lies between is no example, but counts
as a label. Draws have fixed seeds; both ways of choosing start from the same two patches.

Each dataset is encoded once. ``--dense`` scores windows, as the commands do by default; without it
patches are scored as a whole, which takes a tenth of the time.
"""

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from omegaconf import OmegaConf

from emqs import files
from emqs.datasets import Stack, open_stack
from emqs.datasets.settings import DatasetConfig
from emqs.evaluation import metrics
from emqs.figures import style
from emqs.models import opening
from emqs.models.compute import Compute
from emqs.models.settings import ModelConfig
from emqs.patches import grid as grids
from emqs.patches import overlap as overlaps
from emqs.patches.settings import PatchConfig
from emqs.retrieval import examples as querying
from emqs.retrieval import ranking
from emqs.retrieval.settings import IndexConfig, QueryConfig
from emqs.retrieval.stack_search import FittedExamples, Scores, StackSearch, suggest
from emqs.runs import tables
from emqs.settings import CONFIG_DIR, read

AT_ONCE = 5  # labels between two rankings
SUGGESTED = 30  # suggested labels at most
RANDOM = (5, 10, 15, 20, 30, 50)  # random labels at which a ranking is measured
GOAL, LIMIT = 50, 15  # so many random labels are to be matched by so many suggested ones
MEASURES = {"component AP": 0, "patch AP, overlap": 1}


class Encoded(StackSearch):
    """A search that encodes every box once."""

    def batches(self, boxes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield positions in ``boxes`` and their codes."""
        keys = [box.tobytes() for box in np.ascontiguousarray(boxes, dtype=np.int64)]
        known: dict[bytes, np.ndarray] = self.__dict__.setdefault("_known", {})
        new = np.array([i for i, key in enumerate(keys) if key not in known], dtype=np.int64)
        if len(new):
            for here, codes in super().batches(boxes[new]):
                known.update(zip((keys[i] for i in new[here]), codes, strict=True))
        yield np.arange(len(boxes)), np.stack([known[key] for key in keys])

    def score(self, boxes: np.ndarray, prepared: FittedExamples) -> Scores:
        """Return the score of every patch, as ``StackSearch.score`` does."""
        if self.query.dense:
            return super().score(boxes, prepared)
        scores = prepared.parts[0].scorer.score(self.embed(boxes))
        return Scores(scores, scores)


@dataclass(frozen=True)
class Task:
    """What is asked of one dataset."""

    search: StackSearch
    grid: np.ndarray  # (N, 5), int64: all whole patches
    overlap: np.ndarray  # (N,), float64: fraction that is the structure
    pool: np.ndarray  # positions that may be labelled
    tested: np.ndarray  # positions that are ranked
    truth: metrics.ComponentTruth

    def scores(self, labelled: list[int]) -> np.ndarray:
        """Return the scores of pool and tested patches, in this order."""
        positives, negatives = self.examples(labelled)
        prepared = self.search.prepare(positives, negatives, self.grid[self.tested])
        boxes = self.grid[np.concatenate([self.pool, self.tested])]
        return self.search.score(boxes, prepared).ranking

    def examples(self, labelled: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the boxes of positive and of negative examples among labelled patches."""
        overlap = self.overlap[labelled]
        boxes = self.grid[labelled]
        return boxes[overlap > self.search.query.min_overlap], boxes[overlap == 0]

    def measured(self, scores: np.ndarray) -> tuple[float, float]:
        """Return component AP and patch AP."""
        tested = scores[len(self.pool) :]
        curve = metrics.component_curve(ranking.ranking(tested), self.truth)
        enough = self.overlap[self.tested] > self.search.query.min_overlap
        return curve.average_precision, metrics.average_precision(tested, enough)

    def next(self, labelled: list[int], scores: np.ndarray) -> list[int]:
        """Return the patches that are suggested."""
        free = np.flatnonzero(~np.isin(self.pool, labelled))
        candidates = self.pool[free][ranking.ranking(scores[free])]
        positives, negatives = self.examples(labelled)
        prepared = self.search.prepare(positives, negatives, self.grid[self.tested])
        chosen = suggest(self.search, prepared, self.grid[labelled], self.grid[candidates], AT_ONCE)
        return candidates[chosen].tolist()


def task_of(stack: Stack, weights: str, query: QueryConfig) -> Task:
    """Return the task of one dataset."""
    patch = PatchConfig(border=False)
    grid = grids.make_grid(stack, patch)
    labels = stack.require_labels()
    overlap = overlaps.structure_fraction(labels, grid, query.structure)
    pooled = np.isin(grid[:, 0], querying.query_slices(len(stack), query.batch_size))
    tested = np.flatnonzero(~pooled)
    touched = overlaps.touched_components(labels, grid[tested], query.structure)
    model = opening.load_model(ModelConfig("contrastive", weights=weights), weights)
    search = Encoded(
        model, stack, grids.patch_pixels(stack, patch)[0],
        query, IndexConfig("exact"), compute=Compute(device="cpu"),
    )  # fmt: skip
    return Task(
        search, grid, overlap, np.flatnonzero(pooled), tested,
        metrics.ComponentTruth(overlap[tested] > 0, *touched),
    )  # fmt: skip


Curve = dict[int, tuple[float, float]]  # labels beyond the first two -> component AP, patch AP


def simulated(task: Task, draw: int) -> dict[str, Curve]:
    """Return what suggested and random labels reach from the same start."""
    rng = np.random.default_rng(draw)
    enough = task.overlap[task.pool] > task.search.query.min_overlap
    start = [int(rng.choice(task.pool[kind])) for kind in (enough, task.overlap[task.pool] == 0)]
    labelled, suggested = list(start), {}
    for n in range(0, SUGGESTED + 1, AT_ONCE):
        scores = task.scores(labelled)
        suggested[n] = task.measured(scores)
        labelled += task.next(labelled, scores) if n < SUGGESTED else []
    others = rng.permutation(np.setdiff1d(task.pool, start)).tolist()
    at_random = {0: suggested[0]} | {
        n: task.measured(task.scores(start + others[:n])) for n in RANDOM
    }
    return {"suggested": suggested, "random": at_random}


def mean(curves: list[Curve], n: int, measure: int) -> tuple[float, float]:
    """Return the mean over draws, and half its 95 % interval."""
    values = np.array([curve[n][measure] for curve in curves])
    return float(values.mean()), float(1.96 * values.std(ddof=1) / len(values) ** 0.5)


def rows_of(name: str, found: dict[str, list[Curve]]) -> list[dict[str, str]]:
    """Return the rows of the table, one for each measure."""
    rows = []
    for measure, column in MEASURES.items():
        row = {"search": name, "": measure}
        row["1 + 1"] = "{:.3f}".format(mean(found["suggested"], 0, column)[0])
        for kind, numbers in (("suggested", (5, 10, LIMIT, SUGGESTED)), ("random", (LIMIT, GOAL))):
            for n in numbers:
                row[f"+ {n} {kind}"] = "{:.3f} ± {:.3f}".format(*mean(found[kind], n, column))
        pairs = zip(found["suggested"], found["random"], strict=True)
        gains = [{0: (ours[LIMIT][column] - theirs[GOAL][column],)} for ours, theirs in pairs]
        row[f"{LIMIT} suggested - {GOAL} random"] = "{:+.3f} ± {:.3f}".format(*mean(gains, 0, 0))
        rows.append(row)
    return rows


def figure_of(results: dict[str, dict[str, list[Curve]]]) -> Figure:
    """Return AP against labels, a row for each measure, a column for each search."""
    figure = style.new_figure(3.1 * len(results) + 0.6, 5.4)
    grid = figure.subplots(len(MEASURES), len(results), squeeze=False)
    for column, (name, found) in enumerate(results.items()):
        for row, (measure, which) in enumerate(MEASURES.items()):
            axes = grid[row, column]
            for kind, mark in (("suggested", "o-"), ("random", "s--")):
                labels = sorted(found[kind][0])
                values = [mean(found[kind], n, which) for n in labels]
                axes.errorbar(
                    labels, [v for v, _ in values], [e for _, e in values],
                    fmt=mark, label=kind, markersize=4, capsize=2,
                )  # fmt: skip
            axes.axhline(mean(found["random"], GOAL, which)[0], color="0.6", lw=0.8, zorder=0)
            axes.grid(alpha=0.25)
            if row == 0:
                axes.set_title(name, fontsize=style.LABEL)
            else:
                axes.set_xlabel("labels after the first two", fontsize=style.SMALL)
            if column == 0:
                axes.set_ylabel(measure, fontsize=style.LABEL)
    grid[0, 0].legend(fontsize=style.SMALL)
    return figure


def main() -> None:
    """Simulate, print the table, write it and the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", default=os.environ.get("EMQS_IMAGES"), help="holds EPFL/raw")
    parser.add_argument("--weights", help="of model=contrastive; default: those that ship")
    parser.add_argument("--datasets", default="EPFL,VNC")
    parser.add_argument("--scorers", default="nearest,density")
    parser.add_argument("--dense", action="store_true", help="score windows, not whole patches")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("outputs/suggestions"))
    options = parser.parse_args()
    if options.images is None:
        parser.error("give --images, a folder that holds EPFL and VNC")
    weights = options.weights or str(
        CONFIG_DIR.parent / "weights/contrastive_pretrained.safetensors"
    )
    defaults = read(QueryConfig, OmegaConf.load(CONFIG_DIR / "query/default.yaml"), "query")
    defaults = replace(defaults, dense=options.dense)
    results, table = {}, []
    for dataset in options.datasets.split(","):
        stack = open_stack(DatasetConfig(name=dataset, kind="folder"), Path(options.images))
        task = task_of(stack, weights, defaults)
        for scorer in options.scorers.split(","):
            search = replace(task.search, query=replace(defaults, scorer=scorer))
            search.__dict__["_known"] = task.search.__dict__.setdefault("_known", {})
            own = replace(task, search=search)
            runs = [simulated(own, draw) for draw in range(options.draws)]
            name = f"{dataset}, {scorer}"
            results[name] = {kind: [run[kind] for run in runs] for kind in runs[0]}
            table += rows_of(name, results[name])
            print(tables.markdown_table(table[-len(MEASURES) :]), flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    files.write_text(options.out / "suggestions.md", tables.markdown_table(table))
    columns = {key: [row[key] for row in table] for key in table[0]}
    tables.write_csv(options.out / "suggestions.csv", columns)
    style.save(figure_of(results), options.out / "suggestions.png")
    print(f"Table and figure: {options.out}")


if __name__ == "__main__":
    main()
