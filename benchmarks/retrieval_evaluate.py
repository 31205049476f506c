"""The protocol of ``python -m emqs.evaluate`` for every model, for ``retrieval.py --evaluate``.

All examples of every tenth slice, patches of 80 pixels, structure 1; with and without the patches
that are cut at a border; scored as the paper does and by default.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from retrieval_cases import Case, digest, network_of, overrides_of, settings_of
from retrieval_report import CHANCE, METRICS

from emqs import files
from emqs.datasets import Stack, open_stack
from emqs.datasets.settings import DatasetConfig
from emqs.evaluation import evaluate
from emqs.models import weights
from emqs.models.weights import Model
from emqs.patches.settings import PatchConfig
from emqs.retrieval.settings import IndexConfig, QueryConfig
from emqs.runs import model as run_model
from emqs.runs import tables
from emqs.settings import read

QUERIES = ("paper", "default")


def run(
    datasets: Sequence[str],
    labels: Sequence[str],
    given: Mapping[str, str],
    also: Mapping[str, str],
    images: Path,
    folder: Path,
) -> list[Path]:
    """Evaluate everything that is not on disk yet, write ``evaluate.csv`` and ``evaluate.md``.

    Args:
        datasets: Names of folders.
        labels: Of ``MODELS``.
        given: Model to a file that replaces the weights that ship.
        also: Label to a file for a further row; ``{dataset}`` in it stands for the dataset's name,
            and a dataset without such a file has no such row.
        images: Holds the datasets.
        folder: Where to.
    """
    rows: list[dict[str, object]] = []
    for dataset in datasets:
        case = Case(dataset, 1, "", 0)
        config = settings_of(case)
        stack = open_stack(read(DatasetConfig, config.dataset, "dataset"), images)
        for label in (*labels, *also):
            path = also[label].format(dataset=dataset) if label in also else None
            if path is not None and not Path(path).is_file():
                print(f"{dataset}: no {path}", file=sys.stderr)
                continue
            for query in QUERIES:
                rows += _evaluated(case, stack, label, query, path, given, folder / "evaluate")
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    return [
        tables.write_csv(folder / "evaluate.csv", columns),
        files.write_text(folder / "evaluate.md", _markdown(rows)),
    ]


def _evaluated(
    case: Case,
    stack: Stack,
    label: str,
    query: str,
    path: str | None,
    given: Mapping[str, str],
    folder: Path,
) -> list[dict[str, object]]:
    """Return the results of a model with border patches and without, from disk if it can."""
    found = []
    extra = [f"query={query}", *(() if path is not None else overrides_of(label, given))]
    config = settings_of(case, extra)
    settings = read(QueryConfig, config.query, "query")
    index = read(IndexConfig, config.index, "index")

    def model() -> Model:
        return run_model.load_model(config) if path is None else weights.load(Path(path))

    for border in (True, False):
        patch = replace(read(PatchConfig, config.patch, "patch"), border=border)
        name = digest(network_of(model()), asdict(settings), asdict(index), asdict(patch))
        file = folder / f"{stack.name}_{label}_{query}_{name}.json".replace(" ", "_")
        if not file.is_file():
            print(f"{stack.name}, {label}, {query}, border {border}", file=sys.stderr, flush=True)
            result = evaluate.evaluate(stack, model(), patch=patch, query=settings, index=index)
            file.parent.mkdir(parents=True, exist_ok=True)
            files.write_json(file, result.metrics)
        found.append(_row(json.loads(file.read_text(encoding="utf-8")), label, query, border))
    return found


def _row(result: dict[str, Any], label: str, query: str, border: bool) -> dict[str, object]:
    """Return one row of ``evaluate.csv``."""
    low, high = result["confidence_95"]["component_ap"]
    block = result["calibration"]
    chance = result["chance"]
    return {
        "dataset": result["dataset"],
        "border": border,
        "model": label,
        "query": query,
        "component_ap": result["component_ap"],
        "component_ap_low": low,
        "component_ap_high": high,
        "patch_ap_touch": result["patch_ap_touch"],
        "patch_ap_overlap": result["patch_ap_overlap"],
        "calibration_error": None if block is None else block["expected_calibration_error"],
        "seconds": result["seconds"],
        "chance_component_ap": chance["component_ap"],
        "chance_patch_ap_touch": chance["patch_ap_touch"],
        "chance_patch_ap_overlap": chance["patch_ap_overlap"],
    }


def _markdown(rows: list[dict[str, Any]]) -> str:
    """Return a table for each dataset and kind of grid, best first, chance last."""
    text = ""
    for dataset, border in dict.fromkeys((row["dataset"], row["border"]) for row in rows):
        here = [r for r in rows if (r["dataset"], r["border"]) == (dataset, border)]
        here.sort(key=lambda r: -r["component_ap"])
        table = [
            {
                "model": r["model"],
                "query": r["query"],
                "component AP": r["component_ap"],
                "95 % interval": f"{r['component_ap_low']:.2f}-{r['component_ap_high']:.2f}",
                "patch AP, touch": r["patch_ap_touch"],
                "patch AP, overlap": r["patch_ap_overlap"],
                "calibration error": r["calibration_error"],
                "seconds": f"{r['seconds']:.0f}",
            }
            for r in here
        ]
        chance = {
            METRICS[name]: here[0][f"chance_{name}"]
            for name in ("component_ap", "patch_ap_touch", "patch_ap_overlap")
        }
        table.append(dict.fromkeys(table[0]) | {"model": CHANCE} | chance)
        kind = "all patches" if border else "whole patches only (`patch.border=false`)"
        text += f"## {dataset}, {kind}\n\n{tables.markdown_table(table)}\n"
    return text
