"""The EM retrieval benchmark: average precision against the number of examples.

    python benchmarks/retrieval.py --images IMAGES              every number, about 20 minutes
    python benchmarks/retrieval.py --images IMAGES --quick      a taste in five minutes
    python benchmarks/retrieval.py --images IMAGES --evaluate   evaluate's own protocol, every model
    python benchmarks/retrieval.py --images IMAGES --fixed --page PAGE  80 pixels for all

Examples come from every fifth slice (``query.batch_size=5``); the whole patches of all other
slices are searched. Positive examples show more of the structure than ``min_overlap``, negative
ones none of it; there are as many of each. They lie anywhere on a grid of a quarter of a patch, as
a user marks things, and do not overlap each other while there is room. A draw is one random choice
of examples: with 5 of a kind it is the draw's first 5. Draws have fixed seeds.

Each dataset is encoded once per model; then scoring is done by ``emqs.retrieval`` itself, from
codes in memory. Results are kept draw by draw in ``OUT/points/*.csv``: a run that is stopped goes
on where it was, and what is there is not computed again.

What has been seen before: the contrastive weights that ship, and the shipped VAE and AE, were
trained, without labels, on FLYEM, KASTHURI and CHLOROPLAST. So EPFL, VNC and ISBI are left out of
all training, and CHLOROPLAST is marked. Settings, defaults of scorers among them, were chosen on
the mitochondria of EPFL and VNC; the other structures had no say.
"""

import argparse
import csv
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import retrieval_evaluate
import retrieval_fixed
import retrieval_report
from hydra import initialize_config_dir
from retrieval_cases import (
    CASES,
    COMMON,
    MAIN,
    MODELS,
    OURS,
    PUBLISHED,
    SCORERS,
    TOO_LONG,
    Case,
    digest,
    model_of,
    network_of,
)
from retrieval_report import METRICS, Panel
from retrieval_search import BATCH_SIZE, EXAMPLE_STEP, SEED, Memory, Remembering, Task, task_of

from emqs.embedding import encode
from emqs.models.weights import Model
from emqs.patches import grid
from emqs.retrieval.settings import IndexConfig, QueryConfig
from emqs.retrieval.stack_search import FittedExamples
from emqs.runs import tables
from emqs.settings import CONFIG_DIR

COLUMNS = (
    "dataset", "structure", "model", "scorer", "examples", "draw", *METRICS, "seconds", "settings",
)  # fmt: skip
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Plan:
    """What is computed."""

    cases: tuple[Case, ...] = CASES
    models: tuple[str, ...] = tuple(name for name in MODELS if name not in PUBLISHED)
    scorers: tuple[str, ...] = MAIN
    examples: tuple[int, ...] = (1, 2, 5, 10, 20, 50)
    draws: int = 20

    def points(self, queries: Mapping[str, QueryConfig]) -> list[tuple[int, int, str]]:
        """Return draw, number of examples of a kind and scorer of every point, draw by draw."""
        return [
            (draw, n, name)
            for draw in range(self.draws)
            for n in self.examples
            for name, query in queries.items()
            if n > 1 or query.scorer != "lda"  # two codes have no spread
        ]

    def scorers_of(self, model: str) -> tuple[str, ...]:
        """Return the scorers of one model."""
        allowed = self.scorers if model in OURS else [s for s in self.scorers if s in COMMON]
        return tuple(s for s in allowed if s not in TOO_LONG.get(model, ()))


QUICK = Plan(
    cases=(replace(CASES[0], slices=(0, 20)), CASES[4]),
    models=("contrastive", "vae", "handcrafted", "histogram", "pca"),
    scorers=("default", *COMMON),
    examples=(1, 5, 20),
    draws=3,
)


class Points:
    """The results of one case and model on disk, a row for each scorer, number and draw."""

    def __init__(self, path: Path) -> None:
        """Read what is there; a last line that was cut off is dropped."""
        self.path = path
        self.rows: list[dict[str, str]] = []
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as stream:
                self.rows = [row for row in csv.DictReader(stream) if None not in row.values()]
            tables.write_csv(path, {k: [row[k] for row in self.rows] for k in COLUMNS})
        self.done = {_identity(row) for row in self.rows}

    def add(self, row: Mapping[str, object]) -> None:
        """Append a row at once, so that nothing is lost if the run ends."""
        plain = {name: str(row[name]) for name in COLUMNS}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = not self.path.is_file()
        with self.path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(plain)
        self.rows.append(plain)
        self.done.add(_identity(plain))


def _identity(row: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("scorer", "settings", "examples", "draw"))


Wanted = tuple[int, int, str]  # draw, examples of a kind, scorer


def run_model(
    task: Task, label: str, plan: Plan, weights: Mapping[str, str], folder: Path
) -> list[dict[str, str]]:
    """Return the results of one model on one case; what is missing on disk is computed first."""
    case = task.case
    model, defaults = model_of(case, label, weights)
    base = replace(
        defaults, structure=case.structure, min_overlap=case.min_overlap, batch_size=BATCH_SIZE
    )
    queries = {name: replace(base, **SCORERS[name]) for name in plan.scorers_of(label)}
    protocol = [asdict(case), SEED, BATCH_SIZE, EXAMPLE_STEP]
    digests = {
        name: digest(network_of(model), asdict(query), protocol) for name, query in queries.items()
    }
    points = Points(folder / "points" / f"{case.key}_{label}.csv")

    def identity(draw: int, n: int, name: str) -> tuple[str, ...]:
        return _identity({"scorer": name, "settings": digests[name], "examples": n, "draw": draw})

    wanted = [w for w in plan.points(queries) if w[1] <= task.most]
    todo = [w for w in wanted if identity(*w) not in points.done]
    if todo:
        encode.fit(model, task.stack, task.grid)
    started = time.perf_counter()
    for number, row in enumerate(_compute(task, model, queries, todo, max(plan.examples)), start=1):
        points.add({**row, "model": label, "settings": digests[row["scorer"]]})
        print(
            f"\r{case.key}, {label}: {number} of {len(todo)} points, "
            f"{time.perf_counter() - started:.0f} s ",
            end="\n" if number == len(todo) else "", flush=True, file=sys.stderr,
        )  # fmt: skip
    asked = {identity(*w) for w in wanted}
    order = list(queries)  # on disk they lie as they were asked for, maybe in several runs
    known = [row for row in points.rows if _identity(row) in asked]
    return sorted(known, key=lambda row: order.index(row["scorer"]))


def _compute(
    task: Task, model: Model, queries: dict[str, QueryConfig], todo: list[Wanted], most: int
) -> Iterator[dict[str, Any]]:
    """Yield results; those of one draw and number share the examples and what is made of them."""
    size = grid.patch_pixels(task.stack, task.patch)[0]
    memories: dict[str, Memory] = {}

    def search_of(name: str) -> Remembering:
        query = queries[name]
        memory = memories.setdefault(str(query.sizes), Memory())
        return Remembering(model, task.stack, size, query, IndexConfig("exact"), memory=memory)

    drawn = [part for draw in {w[0] for w in todo} for part in task.examples(draw, most)]
    searches = [search_of(name) for name in dict.fromkeys(w[2] for w in todo)]
    for own in {id(search.memory): search for search in searches}.values():
        sharing = [search for search in searches if search.memory is own.memory]
        needed = [search.needed(task.searched, np.concatenate(drawn)) for search in sharing]
        for _ in own.batches(np.concatenate(needed)):  # together: a slice is looked at once
            pass
    for (draw, n), group in groupby(todo, key=lambda wanted: wanted[:2]):
        positives, negatives = (boxes[:n] for boxes in task.examples(draw, most))
        prepared: dict[str, FittedExamples] = {}
        for _, _, name in group:
            search, started = search_of(name), time.perf_counter()
            # question and smoothing only matter once windows have scores
            same = str(replace(search.query, question="touches", smooth=0.0, smooth_z=0.0))
            if same not in prepared:
                prepared[same] = search.prepare(positives, negatives, task.searched)
            scores = search.score(task.searched, prepared[same]).ranking
            yield {
                "dataset": task.case.dataset,
                "structure": task.case.name,
                "scorer": name,
                "examples": n,
                "draw": draw,
                **task.measured(scores),
                "seconds": round(time.perf_counter() - started, 3),
            }


def panels(plan: Plan, images: Path, weights: Mapping[str, str], folder: Path) -> Iterator[Panel]:
    """Yield the results of each case."""
    for case in plan.cases:
        task = task_of(case, images)
        rows = [row for m in plan.models for row in run_model(task, m, plan, weights, folder)]
        yield retrieval_report.panel(f"{case.dataset}, {case.name}", case.note, task.chance(), rows)


def fixed(
    plan: Plan, images: Path, weights: Mapping[str, str], out: Path, page: Path
) -> list[Path]:
    """Write patches of 80 pixels beside those that fit the structures; the table into a page."""
    model, scorer = retrieval_fixed.LINE
    cases = [retrieval_fixed.fixed_of(case, images) for case in plan.cases]
    plan = replace(plan, models=(model,), scorers=(scorer,), examples=(retrieval_fixed.EXAMPLES,))
    fitted = list(panels(plan, images, weights, out))
    plan = replace(plan, cases=tuple(one.case for one in cases if one is not None))
    other = list(panels(plan, images, weights, out / "fixed"))
    return retrieval_fixed.write(fitted, other, cases, page)


def plan_of(options: argparse.Namespace) -> Plan:
    """Return what the command line asks for."""
    plan = QUICK if options.quick else Plan()
    if options.cases is not None:
        known = {case.key: case for case in CASES} | {case.key: case for case in plan.cases}
        plan = replace(plan, cases=tuple(chosen(known, options.cases, "--cases").values()))
    if options.models is not None:
        plan = replace(plan, models=tuple(chosen(MODELS, options.models, "--models")))
    if options.scorers is not None:
        plan = replace(plan, scorers=tuple(chosen(SCORERS, options.scorers, "--scorers", ";")))
    if options.examples is not None:
        plan = replace(plan, examples=tuple(sorted({int(n) for n in options.examples.split(",")})))
    return plan if options.draws is None else replace(plan, draws=options.draws)


def chosen(
    known: Mapping[str, Thing], text: str, option: str, comma: str = ","
) -> dict[str, Thing]:
    """Return those that are named, in that order; ``all`` names every one."""
    names = list(known) if text == "all" else text.split(comma)
    for name in names:
        if name not in known:
            sys.exit(f"{option} must be of {f'{comma} '.join(known)}, got '{name}'.")
    return {name: known[name] for name in names}


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", default=os.environ.get("EMQS_IMAGES"), help="holds EPFL/raw")
    parser.add_argument("--out", type=Path, default=Path("outputs/retrieval"), help="for results")
    parser.add_argument("--page", type=Path, help="docs/benchmark.md, to be given the results")
    parser.add_argument("--fixed", action="store_true", help="80 pixels for all instead; --page")
    parser.add_argument("--quick", action="store_true", help="a taste in five minutes")
    parser.add_argument("--evaluate", action="store_true", help="evaluate's own protocol instead")
    parser.add_argument("--cases", help="only these, e.g. EPFL-mitochondria,VNC-mitochondria")
    parser.add_argument("--models", help=f"only these: {','.join(MODELS)}")
    parser.add_argument("--scorers", help="only these, separated by semicolons, or all")
    parser.add_argument("--examples", help="numbers of positive examples, e.g. 1,5,20")
    parser.add_argument("--draws", type=int, help="random choices of examples")
    parser.add_argument("--datasets", default="EPFL,VNC", help="of --evaluate")
    parser.add_argument(
        "--weights", action="append", default=[], metavar="MODEL=PATH",
        help="use this file instead of the weights that ship; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--also", action="append", default=[], metavar="LABEL=PATH",
        help="--evaluate: a further row; {dataset} in the path stands for the dataset's name",
    )  # fmt: skip
    options = parser.parse_args()
    if options.images is None:
        parser.error("give --images, a folder that holds EPFL and VNC, or set EMQS_IMAGES")
    if options.fixed and options.page is None:
        parser.error("--fixed writes its table into a page: give --page docs/benchmark.md")
    images, plan = Path(options.images), plan_of(options)
    weights = dict(entry.split("=", 1) for entry in options.weights)
    for name in (name for name in plan.models if name in PUBLISHED and name not in weights):
        parser.error(f"{name} does not ship: give --weights '{name}=FILE', or leave it out")
    with initialize_config_dir(version_base="1.3", config_dir=str(CONFIG_DIR)):
        if options.evaluate:
            also = dict(entry.split("=", 1) for entry in options.also)
            datasets = options.datasets.split(",")
            written = retrieval_evaluate.run(
                datasets, plan.models, weights, also, images, options.out
            )
        elif options.fixed:
            written = fixed(plan, images, weights, options.out, options.page)
        else:
            found = list(panels(plan, images, weights, options.out))
            written = retrieval_report.write(found, options.out)
            if options.page is not None:
                written += retrieval_report.write_page(options.out, options.page)
    print("\n".join(str(path) for path in written))


if __name__ == "__main__":
    main()
