"""Search whole labelled datasets with examples from a few slices; write AP tables and PR curves.

python -m emqs.evaluate dataset=EPFL model=vae
"""

import json
import logging
from pathlib import Path
from typing import Any

import hydra
import numpy as np
from omegaconf import DictConfig

from emqs import command, pipeline, report
from emqs.config import (
    CONFIG_DIR,
    DatasetConfig,
    IndexConfig,
    ModelConfig,
    PatchConfig,
    PathsConfig,
    QueryConfig,
    read,
)
from emqs.datasets import Stack, open_stack
from emqs.errors import ConfigError
from emqs.figures import curves, maps, sheets, style
from emqs.pipeline import Evaluation
from emqs.weights import Model

logger = logging.getLogger(__name__)

CURVE_FILE = "pr_curve.csv"
APS = ("component_ap", "patch_ap_touch", "patch_ap_overlap")


def evaluate(cfg: DictConfig, run: report.Run) -> float:
    """Evaluate one model on one dataset, as the settings say.

    Args:
        cfg: The composed configuration of ``configs/evaluate.yaml``.
        run: Where results go.

    Returns:
        The component AP.
    """
    query = read(QueryConfig, cfg.query, "query")
    patch = read(PatchConfig, cfg.patch, "patch")
    index = read(IndexConfig, cfg.index, "index")
    model_config = read(ModelConfig, cfg.model, "model")
    paths = read(PathsConfig, cfg.paths, "paths")
    dataset = read(DatasetConfig, cfg.dataset, "dataset")
    model = pipeline.load_model(model_config, cfg.weights)
    if model.name != model_config.name and command.is_chosen("model"):
        raise ConfigError(
            f"weights={cfg.weights} holds the model '{model.name}', but model={model_config.name} "
            f"was asked for. Use model={model.name}, or leave model= out."
        )
    stack = open_stack(dataset, Path(paths.images))
    result = pipeline.evaluate(
        stack,
        model,
        patch=patch,
        query=query,
        index=index,
        batch_size=cfg.batch_size,
        device=cfg.device,
        n_bootstrap=cfg.n_bootstrap,
        progress=True,
    )
    size, stride = pipeline.patch_pixels(stack, patch)
    result.metrics.update(
        structure=query.structure,
        batch_size=query.batch_size,
        patch_size_px=size,
        patch_stride_px=stride,
        index=index.name,
        weights=cfg.weights,
        weights_sha256=model.sha256,
    )
    write(result, run, size=size)
    if cfg.figures:
        draw(result, stack, model, run, query=query)
    print(report.plain_table([*rows([result.metrics]), chance_row(result.metrics)]))  # noqa: T201
    print(f"\nResults and figures: {run.folder}")  # noqa: T201
    return float(result.metrics["component_ap"])


def write(result: Evaluation, run: report.Run, *, size: int) -> None:
    """Write metrics, the ranking and the PR curve.

    Args:
        result: The evaluation.
        run: Where to.
        size: Nominal edge of a patch, in pixels; patches cut at a border are smaller.
    """
    z, y, x, height, width = result.boxes.T
    run.save_csv(
        "similarities.csv",
        {
            "slice": z,
            "x": y,  # the paper's name for the row
            "y": x,  # the paper's name for the column
            "dim": np.full(len(z), size),
            "similarity": result.scores,
            "overlap": result.overlap,
            "height": height,
            "width": width,
        },
    )
    run.save_csv(CURVE_FILE, {"recall": result.curve.recall, "precision": result.curve.precision})
    run.log_metrics(
        {name: result.metrics[name] for name in APS if result.metrics[name] is not None}
        | {"seconds": result.metrics["seconds"]}
    )
    run.save_json("metrics.json", result.metrics)


def draw(
    result: Evaluation, stack: Stack, model: Model, run: report.Run, *, query: QueryConfig
) -> None:
    """Draw the PR curve, the sheet of matches and the score maps into the run's folder."""
    name = stack.classes.get(query.structure, f"structure {query.structure}")
    title = f"{stack.name}: {name}, {model.name}"
    curve = curves.Curve(
        label=model.name,
        recall=result.curve.recall,
        precision=result.curve.precision,
        average_precision=result.curve.average_precision,
        chance=result.metrics["chance"]["component_ap"],
    )
    figures = {
        "pr_curve.png": curves.precision_recall([curve], title=title),
        "matches.png": sheets.ranked_patches(
            stack,
            result.boxes,
            result.scores,
            result.overlap,
            structure=query.structure,
            min_overlap=query.min_overlap,
        ),
        "score_maps.png": maps.score_maps(
            stack, result.boxes, result.scores, structure=query.structure
        ),
    }
    for file_name, figure in figures.items():
        run.log_figure(style.save(figure, run.folder / file_name))


def rows(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row of the printed table for each ``metrics.json``."""
    return [
        {
            "model": r["model"],
            "dataset": r["dataset"],
            "structure": r["structure"],
            "batch size": r["batch_size"],
            "patch": r["patch_size_px"],
            "stride": r["patch_stride_px"],
            "component AP": r["component_ap"],
            "95 % interval": "{:.3f}-{:.3f}".format(*r["confidence_95"]["component_ap"]),
            "patch AP, touch": r["patch_ap_touch"],
            "patch AP, overlap": r["patch_ap_overlap"],
            "P@50, overlap": r["precision_overlap"]["50"],
            "patches": r["n_searched_patches"],
            "seconds": round(r["seconds"], 1),
        }
        for r in results
    ]


def chance_row(result: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a random ranking under the same conditions as a result."""
    chance = result["chance"]
    return {
        **rows([result])[0],
        "model": "random ranking",
        "component AP": chance["component_ap"],
        "95 % interval": None,
        "patch AP, touch": chance["patch_ap_touch"],
        "patch AP, overlap": chance["patch_ap_overlap"],
        "P@50, overlap": chance["precision_overlap"],
        "seconds": None,
    }


class CombineResults(command.SweepEnd):
    """At the end of a sweep: one table and one PR figure of all finished points."""

    def combine(self, sweep: Path, folders: list[Path]) -> None:
        """Write ``evaluation_results.csv``, ``.md``, ``.tex`` and ``.png`` into the sweep."""
        results = [json.loads((f / "metrics.json").read_text(encoding="utf-8")) for f in folders]
        key = ("dataset", "structure", "batch_size", "patch_size_px", "patch_stride_px")
        order = sorted(
            range(len(results)),
            key=lambda i: ([results[i][k] for k in key], -results[i]["component_ap"]),
        )
        table, groups = [], {}
        for i in order:
            result = results[i]
            condition = tuple(result[k] for k in key)
            table.append({**rows([result])[0], "weights": result["weights"]})
            groups.setdefault(condition, []).append((result, folders[i]))
        for members in groups.values():
            chance = {**chance_row(members[0][0]), "weights": None}
            last = max(i for i, row in enumerate(table) if _same(row, chance))
            table.insert(last + 1, chance)
        columns = {name: [row[name] for row in table] for name in table[0]}
        report.write_csv(sweep / "evaluation_results.csv", columns)
        report.write_text(sweep / "evaluation_results.md", report.markdown_table(table))
        caption = "Retrieval by example: average precision per model and dataset."
        tex = report.latex_table(table, caption=caption)
        report.write_text(sweep / "evaluation_results.tex", tex)
        figure = curves.combined_precision_recall(
            {_title(condition): _curves(members) for condition, members in groups.items()}
        )
        style.save(figure, sweep / "evaluation_results.png")
        print(report.plain_table([{k: r[k] for k in table[0] if k != "weights"} for r in table]))  # noqa: T201
        print(f"\nCombined table and figure: {sweep}/evaluation_results.*")  # noqa: T201


def _same(row: dict[str, Any], other: dict[str, Any]) -> bool:
    names = ("dataset", "structure", "batch size", "patch", "stride")
    return all(row[name] == other[name] for name in names)


def _title(condition: tuple[Any, ...]) -> str:
    dataset, structure, batch_size, size, stride = condition
    return f"{dataset}, structure {structure}, batch size {batch_size}, patch {size}/{stride} px"


def _curves(members: list[tuple[dict[str, Any], Path]]) -> list[curves.Curve]:
    """Read the PR curves that finished points left behind."""
    found = []
    for result, folder in members:
        table = np.genfromtxt(folder / CURVE_FILE, delimiter=",", names=True)
        found.append(
            curves.Curve(
                label=result["model"],
                recall=np.atleast_1d(table["recall"]),
                precision=np.atleast_1d(table["precision"]),
                average_precision=result["component_ap"],
                chance=result["chance"]["component_ap"],
            )
        )
    return found


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="evaluate")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.evaluate``."""
    return command.run("evaluate", cfg, evaluate)


if __name__ == "__main__":
    main()
