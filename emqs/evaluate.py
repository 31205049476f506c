"""Search whole labelled datasets with examples from a few slices; write AP tables and PR curves.

python -m emqs.evaluate dataset=EPFL model=vae
"""

import logging
from pathlib import Path

import hydra
import numpy as np
from omegaconf import DictConfig

from emqs.datasets import Stack, open_stack
from emqs.datasets.settings import DatasetConfig
from emqs.evaluation import calibration_error
from emqs.evaluation import evaluate as evaluation
from emqs.evaluation.evaluate import Evaluation
from emqs.evaluation.tables import CURVE_FILE, summary
from emqs.figures import curves, maps, reliability, sheets, style
from emqs.models.compute import Compute
from emqs.models.weights import Model
from emqs.patches import grid
from emqs.patches.settings import PatchConfig
from emqs.retrieval.settings import IndexConfig, QueryConfig
from emqs.runs import command, record
from emqs.runs import model as run_model
from emqs.runs.settings import PathsConfig
from emqs.settings import CONFIG_DIR, read

logger = logging.getLogger(__name__)

APS = ("component_ap", "patch_ap_touch", "patch_ap_overlap")


def evaluate(cfg: DictConfig, run: record.Run) -> float:
    """Evaluate one model on one dataset, as the settings say.

    Args:
        cfg: The composed configuration of ``configs/evaluate.yaml``.
        run: Where results go.

    Returns:
        The component AP.
    """
    compute = command.compute(cfg)
    query = read(QueryConfig, cfg.query, "query")
    patch = read(PatchConfig, cfg.patch, "patch")
    index = read(IndexConfig, cfg.index, "index")
    paths = read(PathsConfig, cfg.paths, "paths")
    dataset = read(DatasetConfig, cfg.dataset, "dataset")
    model = run_model.load_model(cfg)
    stack = open_stack(dataset, Path(paths.images))
    result = evaluation.evaluate(
        stack,
        model,
        patch=patch,
        query=query,
        index=index,
        compute=Compute(compute.device, compute.batch_size, progress=True),
        n_bootstrap=compute.n_bootstrap,
    )
    size, stride = grid.patch_pixels(stack, patch)
    result.metrics.update(
        structure=query.structure,
        batch_size=query.batch_size,
        min_overlap=query.min_overlap,
        num_neighbors=query.num_neighbors,
        patch_size_px=size,
        patch_stride_px=stride,
        index=index.name,
        weights=cfg.weights,
        weights_sha256=model.sha256,
    )
    write(result, run, size=size)
    if compute.figures:
        draw(result, stack, model, run, query=query)
    print(summary(result.metrics, stack.classes.get(query.structure)))  # noqa: T201
    print(f"\nResults and figures: {run.folder}")  # noqa: T201
    return float(result.metrics["component_ap"])


def write(result: Evaluation, run: record.Run, *, size: int) -> None:
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
            **({} if result.probabilities is None else {"probability": result.probabilities}),
        },
    )
    run.save_csv(CURVE_FILE, {"recall": result.curve.recall, "precision": result.curve.precision})
    run.log_metrics(
        {name: result.metrics[name] for name in APS if result.metrics[name] is not None}
        | {"seconds": result.metrics["seconds"]}
    )
    run.save_json("metrics.json", result.metrics)


def draw(
    result: Evaluation, stack: Stack, model: Model, run: record.Run, *, query: QueryConfig
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
    if result.probabilities is not None:
        measured = calibration_error.reliability(
            result.probabilities, result.overlap > query.min_overlap
        )
        figures["reliability.png"] = reliability.reliability_diagram(
            measured.edges,
            measured.counts,
            measured.predicted,
            measured.observed,
            error=measured.error,
            threshold=result.metrics["calibration"]["threshold"]["probability"],
            title=title,
        )
    for file_name, figure in figures.items():
        run.log_figure(style.save(figure, run.folder / file_name))


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="evaluate")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.evaluate``."""
    return command.run("evaluate", cfg, evaluate)


if __name__ == "__main__":
    command.start("evaluate", main)
