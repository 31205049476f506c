"""What a search with a few examples leaves in its run's folder: tables and figures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from emqs.annotations import viewer_files
from emqs.datasets import Stack, described
from emqs.figures import maps, sheets, style
from emqs.patches import boxes as patch_boxes
from emqs.retrieval import examples_file, places, score_files, suggestions
from emqs.retrieval.examples_file import NEGATIVE, POSITIVE
from emqs.retrieval.retrieve import Retrieval
from emqs.retrieval.settings import RetrieveConfig
from emqs.runs.record import Run

MAX_DRAWN = 48  # results in a figure
MAX_EXAMPLES = 4  # examples of each kind beside them


def write(result: Retrieval, stack: Stack, run: Run) -> None:
    """Write results, examples, suggestions and metrics into the run's folder."""
    columns: dict[str, Any] = {
        "rank": np.arange(1, len(result.boxes) + 1),
        **_box_columns(stack, result.boxes),
    }
    if result.n_slices is not None:
        columns["n_slices"] = result.n_slices
    columns |= {"rank_of_all": result.ranks, "score": result.scores}
    if result.probabilities is not None:
        columns["probability"] = result.probabilities
    if result.overlap is not None:
        columns["overlap"] = result.overlap
    run.save_csv("matches.csv", columns)
    viewer_files.write_napari(run.folder / "napari.csv", places.middles(result.boxes))
    first, edges = result.boxes[:, :3], np.insert(result.boxes[:, 3:], 0, 1, axis=1)
    names = [f"{n:04d}" for n in range(1, len(first) + 1)]
    viewer_files.write_fiji(run.folder / "fiji_rois.zip", first, edges, names)
    examples = result.examples
    kinds = [POSITIVE] * len(examples.positives) + [NEGATIVE] * len(examples.negatives)
    clicked = _label_columns(stack, examples.points, kinds)
    names = [stack.slice_names[z] for z in examples.points[:, 0].tolist()]
    run.save_csv("examples.csv", clicked | {"slice_name": names})
    if len(result.suggested):
        chosen = result.suggested
        boxes = result.searched[chosen]
        placed = _box_columns(stack, boxes)
        run.save_csv(
            "suggestions.csv",
            {
                **_label_columns(stack, places.middles(boxes), [""] * len(chosen)),
                **{name: placed[name] for name in placed if name.startswith(("box_", "slice_"))},
                "order": np.arange(1, len(chosen) + 1),
                "why": suggestions.reasons(len(chosen)),
                "score": result.searched_scores[chosen],
            },
        )
    run.save_json("metrics.json", result.metrics)
    run.log_metrics({k: v for k, v in result.metrics.items() if isinstance(v, int | float)})


def _label_columns(stack: Stack, voxels: np.ndarray, labels: list[str]) -> dict[str, Any]:
    """Return the columns of a file of examples."""
    size = places.slice_voxel(stack.pixel_size_nm, stack.section_nm)
    return examples_file.columns(voxels, labels, voxel_size_nm=size)


def _box_columns(stack: Stack, boxes: np.ndarray) -> dict[str, Any]:
    """Return the columns of a table of boxes: centre, box, name of the slice."""
    columns = places.of_patches(
        boxes, pixel_size_nm=stack.pixel_size_nm, section_nm=stack.section_nm
    )
    return {**columns, "slice_name": [stack.slice_names[z] for z in boxes[:, 0].tolist()]}


def log(
    run: Run, stack: Stack, boxes: np.ndarray, weights: str | None, **columns: np.ndarray | None
) -> None:
    """Log the first matches with their pictures, the data and the weights; nothing to the folder.

    Args:
        run: To whose loggers.
        stack: The slices.
        boxes: The matches, best first, shape ``(K, 5)``.
        weights: What the user gave as ``weights``.
        columns: More of each match, shape ``(K,)``, by name; None: not known.
    """
    if not run.shows_pictures:
        return
    first = boxes[:MAX_DRAWN]
    pictures = [stack.unit(z)[y : y + h, x : x + w] for z, y, x, h, w in first.tolist()]
    known = {
        "rank": np.arange(1, len(first) + 1),
        **_box_columns(stack, first),
        **{name: values for name, values in columns.items() if values is not None},
    }
    named = {name: np.asarray(values)[: len(first)].tolist() for name, values in known.items()}
    rows = [dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=True)]
    run.log_table("matches", rows, pictures)
    run.log_data(stack.name, described(stack))
    if weights is not None:
        run.log_artifact(Path(weights), kind="model")


def draw(
    result: Retrieval, stack: Stack, run: Run, settings: RetrieveConfig, *, structure: int
) -> None:
    """Draw the results, and where on slices the scores are high, into the run's folder."""
    examples, overlap = result.examples, result.overlap
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
            None if overlap is None else overlap[:MAX_DRAWN],
            title=title,
            structure=structure,
            captions=captions(result, stack)[:MAX_DRAWN],
        )
    else:
        figure = maps.boxes_on_slices(
            stack,
            examples.positives,
            examples.negatives,
            result.boxes,
            overlap,
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
            patch_boxes.middles(boxes)[:MAX_DRAWN],
            why=suggestions.reasons(len(boxes))[:MAX_DRAWN],
            title=f"{stack.name}, {result.metrics['model']}: what to label next",
            structure=structure,
        )
        run.log_figure(style.save(figure, run.folder / "suggestions.png"))
    boxes, scores = fine(
        stack, result.searched, result.searched_scores, result.again,
        shown=int(examples.positives[0, 0]),
    )  # fmt: skip
    figure = maps.score_maps(stack, boxes, scores, structure=structure, examples=examples.positives)
    run.log_figure(style.save(figure, run.folder / "score_maps.png"))


def captions(result: Retrieval, stack: Stack) -> list[str]:
    """Return what stands above each result in the figure: rank, slice, place, score, slices."""
    made = []
    for number, (z, y, x) in enumerate(patch_boxes.middles(result.boxes).tolist()):
        through = 1 if result.n_slices is None else int(result.n_slices[number])
        slices = f", {through} slices" if through > 1 else ""
        name = sheets.slice_name(stack, z)
        made.append(f"#{number + 1}, {name}{slices}\n[{z},{y},{x}] {result.scores[number]:.3g}")
    return made


def fine(
    stack: Stack,
    boxes: np.ndarray,
    scores: np.ndarray,
    again: Callable[..., np.ndarray] | None,
    *,
    shown: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return patches of some slices on a finer grid and their scores, for maps.

    Args:
        stack: The slices.
        boxes: The searched patches.
        scores: Theirs; returned as they are where there are no windows to look at.
        again: Scores of other boxes.
        shown: A slice that is among them if it was searched.
    """
    if again is None:
        return boxes, scores
    size = int(boxes[:, 3:].max())
    slices = maps.some(np.unique(boxes[:, 0]))
    if shown in boxes[:, 0]:
        slices[np.abs(slices - shown).argmin()] = shown
    slices = slices.tolist()
    finer = np.concatenate([score_files.patches_of(stack, size, z) for z in slices])
    return finer, again(finer, question="mostly")


def table(result: Retrieval, stack: Stack) -> list[dict[str, Any]]:
    """Return the rows that are printed, one for each result."""
    middles = patch_boxes.middles(result.boxes).tolist()
    rows: list[dict[str, Any]] = []
    for number, ((z, y, x), score) in enumerate(zip(middles, result.scores.tolist(), strict=True)):
        row: dict[str, Any] = {"rank": number + 1, "slice": stack.slice_names[z]}
        row |= {"z": z, "y": y, "x": x}
        if result.n_slices is not None:
            row["slices"] = int(result.n_slices[number])
        row["score"] = f"{score:.4g}"
        if result.probabilities is not None:
            row["probability"] = f"{result.probabilities[number]:.2f}"
        if result.overlap is not None:
            row["overlap"] = f"{100 * result.overlap[number]:.0f} %"
        rows.append(row)
    return rows
