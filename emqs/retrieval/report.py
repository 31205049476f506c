"""What a search with a few examples leaves in its run's folder: tables and figures."""

from typing import Any

import numpy as np

from emqs.datasets import Stack
from emqs.figures import maps, sheets, style
from emqs.retrieval.retrieve import Retrieval
from emqs.retrieval.settings import RetrieveConfig
from emqs.runs.record import Run

MAX_DRAWN = 48  # results in a figure
MAX_EXAMPLES = 4  # examples of each kind beside them


def write(result: Retrieval, stack: Stack, run: Run) -> None:
    """Write results, examples and metrics into the run's folder."""
    columns: dict[str, Any] = {
        "rank": np.arange(1, len(result.boxes) + 1),
        **_box_columns(stack, result.boxes),
        "rank_of_all": result.ranks,
    }
    columns["score"] = result.scores
    if result.probabilities is not None:
        columns["probability"] = result.probabilities
    if result.overlap is not None:
        columns["overlap"] = result.overlap
    run.save_csv("matches.csv", columns)
    examples = result.examples
    kinds = ["positive"] * len(examples.positives) + ["negative"] * len(examples.negatives)
    boxes = np.concatenate([examples.positives, examples.negatives])
    run.save_csv("examples.csv", {"kind": kinds, **_box_columns(stack, boxes)})
    if len(result.suggested):
        chosen = result.suggested
        run.save_csv(
            "suggestions.csv",
            {
                "order": np.arange(1, len(chosen) + 1),
                **_box_columns(stack, result.searched[chosen]),
                "score": result.searched_scores[chosen],
                "point": points(centres(result.searched[chosen])),
            },
        )
    run.save_json("metrics.json", result.metrics)
    run.log_metrics({k: v for k, v in result.metrics.items() if isinstance(v, int | float)})


def centres(boxes: np.ndarray) -> np.ndarray:
    """Return the voxels ``(z, y, x)`` that as examples stand for whole patches, ``(S, 3)``."""
    return np.stack([boxes[:, 0], *(boxes[:, 1:3] + boxes[:, 3:] // 2).T], axis=1)


def points(voxels: np.ndarray) -> list[str]:
    """Return voxels ``(S, 3)`` as ``retrieve.positive`` and ``retrieve.negative`` take them."""
    return ["[" + ",".join(str(v) for v in voxel) + "]" for voxel in voxels.tolist()]


def _box_columns(stack: Stack, boxes: np.ndarray) -> dict[str, Any]:
    """Return the columns of a table of boxes: slice number and name, first row, first column."""
    z, y, x, height, width = boxes.T
    names = [stack.slice_names[i] for i in z.tolist()]
    return {"slice": z, "slice_name": names, "y": y, "x": x, "height": height, "width": width}


def draw(
    result: Retrieval, stack: Stack, run: Run, settings: RetrieveConfig, *, structure: int
) -> None:
    """Draw the results, and where on slices the scores are high, into the run's folder."""
    examples, relevant = result.examples, result.relevant
    title = (
        f"{stack.name}, {result.metrics['model']}; examples: {len(examples.positives)} positive, "
        f"{len(examples.negatives) or 'no'} negative"
    )
    if settings.slice_offset is None:
        figure = sheets.retrieved(
            stack,
            examples.positives[:MAX_EXAMPLES],
            examples.negatives[:MAX_EXAMPLES],
            result.boxes[:MAX_DRAWN],
            None if relevant is None else relevant[:MAX_DRAWN],
            title=title,
            structure=structure,
        )
    else:
        figure = maps.boxes_on_slices(
            stack,
            examples.positives,
            examples.negatives,
            result.boxes,
            relevant,
            title=title,
            structure=structure,
        )
    run.log_figure(style.save(figure, run.folder / "results.png"))
    if len(result.suggested):
        boxes = result.searched[result.suggested]
        figure = sheets.suggested(
            stack,
            boxes[:MAX_DRAWN],
            result.searched_scores[result.suggested][:MAX_DRAWN],
            centres(boxes)[:MAX_DRAWN],
            title=f"{stack.name}, {result.metrics['model']}: what to label next",
            structure=structure,
        )
        run.log_figure(style.save(figure, run.folder / "suggestions.png"))
    figure = maps.score_maps(stack, result.searched, result.searched_scores, structure=structure)
    run.log_figure(style.save(figure, run.folder / "score_maps.png"))


def table(result: Retrieval, stack: Stack) -> list[dict[str, Any]]:
    """Return the rows that are printed, one for each result."""
    rows = [
        {"rank": rank, "slice": stack.slice_names[z], "y": y, "x": x, "score": f"{score:.4g}"}
        for rank, ((z, y, x, _, _), score) in enumerate(
            zip(result.boxes.tolist(), result.scores.tolist(), strict=True), start=1
        )
    ]
    if result.overlap is not None:
        for row, overlap in zip(rows, result.overlap.tolist(), strict=True):
            row["overlap"] = f"{100 * overlap:.0f} %"
    return rows
