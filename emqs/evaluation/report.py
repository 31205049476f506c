"""What an evaluation leaves in its run's folder: tables, metrics and figures."""

from typing import Any

import numpy as np

from emqs.datasets import Stack
from emqs.evaluation import calibration_error
from emqs.evaluation.evaluate import Evaluation
from emqs.evaluation.tables import CURVE_FILE, component_ap
from emqs.figures import curves, maps, reliability, sheets, style
from emqs.models.weights import Model
from emqs.patches import grid
from emqs.patches.settings import PatchConfig
from emqs.retrieval import places
from emqs.retrieval.report import fine
from emqs.retrieval.settings import IndexConfig, QueryConfig
from emqs.runs.record import Run

APS = ("component_ap", "component_ap_paper", "patch_ap_touch", "patch_ap_overlap")


def conditions(
    stack: Stack,
    model: Model,
    *,
    patch: PatchConfig,
    query: QueryConfig,
    index: IndexConfig,
    weights: str | None,
) -> dict[str, Any]:
    """Return under what conditions a ranking was measured, as ``metrics.json`` says it.

    Args:
        stack: The slices.
        model: The encoder.
        patch: Size and grid step of patches.
        query: What was looked for.
        index: How nearest examples were found.
        weights: What the user gave as ``weights``.
    """
    size, stride = grid.patch_pixels(stack, patch)
    return {
        "structure": query.structure,
        "batch_size": query.batch_size,
        "min_overlap": query.min_overlap,
        "num_neighbors": query.num_neighbors,
        "measure": "paper" if query.as_in_paper else "standard",
        "patch_size_px": size,
        "patch_stride_px": stride,
        "index": index.name,
        "pixel_size_nm": stack.pixel_size_nm,
        "section_nm": stack.section_nm,
        "weights": weights,
        "weights_sha256": model.sha256,
    }


def write(result: Evaluation, run: Run) -> None:
    """Write metrics, the ranking and the PR curve into the run's folder."""
    columns = _paper_columns(result) if result.metrics["measure"] == "paper" else _columns(result)
    likely = {} if result.probabilities is None else {"probability": result.probabilities}
    run.save_csv("similarities.csv", columns | likely)
    run.save_csv(CURVE_FILE, {"recall": result.curve.recall, "precision": result.curve.precision})
    run.log_metrics(numbers(result.metrics))
    run.save_json("metrics.json", result.metrics)


def numbers(metrics: dict[str, Any]) -> dict[str, float]:
    """Return what is logged: average precisions, what chance gets, 95 % intervals, seconds."""
    known = [name for name in APS if metrics[name] is not None]
    logged = {name: metrics[name] for name in known}
    logged |= {f"chance/{name}": metrics["chance"][name] for name in known}
    for name in known:
        for end, value in zip(("low", "high"), metrics["confidence_95"][name], strict=True):
            logged[f"confidence_95_{end}/{name}"] = value
    return logged | {"seconds": metrics["seconds"]}


def _columns(result: Evaluation) -> dict[str, Any]:
    """Return the ranking as a table: places as in every table, score and overlap."""
    return {
        "rank": np.arange(1, len(result.boxes) + 1),
        **places.of_patches(
            result.boxes,
            pixel_size_nm=result.metrics["pixel_size_nm"],
            section_nm=result.metrics["section_nm"],
        ),
        "score": result.scores,
        "overlap": result.overlap,
    }


def _paper_columns(result: Evaluation) -> dict[str, Any]:
    """Return the ranking with the names of the paper, where x is the row and y the column."""
    z, y, x, height, width = result.boxes.T
    return {
        "slice": z,
        "x": y,
        "y": x,
        "dim": np.full(len(z), result.metrics["patch_size_px"]),  # nominal: borders cut patches
        "similarity": result.scores,
        "overlap": result.overlap,
        "height": height,
        "width": width,
    }


def draw(result: Evaluation, stack: Stack, model: Model, run: Run, *, query: QueryConfig) -> None:
    """Draw the PR curve, the sheet of matches and the score maps into the run's folder."""
    name = stack.classes.get(query.structure, f"structure {query.structure}")
    title = f"{stack.name}: {name}, {model.name}"
    curve = curves.Curve(
        label=model.name,
        recall=result.curve.recall,
        precision=result.curve.precision,
        average_precision=result.metrics[component_ap(result.metrics)],
        chance=result.metrics["chance"][component_ap(result.metrics)],
        paper=query.as_in_paper,
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
            stack,
            *fine(stack, result.boxes, result.scores, result.again),
            structure=query.structure,
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
