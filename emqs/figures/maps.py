"""Whole slices with what a search says about them: scores as colours, examples and results."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emqs.datasets import Stack
from emqs.errors import DataError
from emqs.figures import sheets, style

CROWD = 40  # more examples than this on a slice get thinner borders
MAX_SLICES = 4  # drawn by score_maps if none are named


def percentiles(scores: np.ndarray) -> np.ndarray:
    """Return the share of scores that are lower, in percent; equal scores share their mean.

    Args:
        scores: Shape ``(N,)``.

    Returns:
        Shape ``(N,)``, in [0, 100]; the best is at 100, the worst at 0, a single one at 100.
    """
    from scipy.stats import rankdata

    if len(scores) == 1:
        return np.array([100.0])
    return np.asarray(100 * (rankdata(scores) - 1) / (len(scores) - 1))


def spread(shape: tuple[int, int], boxes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return an image in which every patch is filled with its value, overlaps averaged.

    Args:
        shape: Height and width of the slice.
        boxes: Patches of this slice, shape ``(n, 5)``; their z is not looked at.
        values: Shape ``(n,)``.

    Returns:
        Shape ``(Y, X)``, float64, NaN where there is no patch.
    """
    total, count = np.zeros(shape), np.zeros(shape)
    for (_, y, x, height, width), value in zip(boxes.tolist(), values.tolist(), strict=True):
        total[y : y + height, x : x + width] += value
        count[y : y + height, x : x + width] += 1
    return np.divide(total, count, out=np.full(shape, np.nan), where=count > 0)


def some(searched: np.ndarray) -> np.ndarray:
    """Return up to ``MAX_SLICES`` of the searched slices, evenly spaced; both ascending."""
    places = np.linspace(0, len(searched) - 1, min(MAX_SLICES, len(searched)))
    return searched[np.round(places).astype(int)]


def score_maps(
    stack: Stack,
    boxes: np.ndarray,
    scores: np.ndarray,
    *,
    structure: int,
    slices: Sequence[int] | None = None,
    examples: np.ndarray | None = None,
) -> Figure:
    """Return slices beside the same with maps of their scores over them.

    A map shows how a place ranks among all searched patches, in percent: scores themselves can be
    tiny and crowd together, and only their order counts.

    Args:
        stack: Where the patches are from, with or without labels.
        boxes: All searched patches, in any order, shape ``(N, 5)``, int64.
        scores: Shape ``(N,)``.
        structure: Label value whose outline is drawn, if there are labels.
        slices: Which to draw; None: up to four, evenly spaced among those searched.
        examples: Boxes of positive examples, ``(P, 5)``, that are drawn where they lie.

    Raises:
        DataError: If there are no patches, the lengths differ, or a slice was not searched.
    """
    if len(boxes) != len(scores) or len(boxes) == 0:
        raise DataError(
            "A map needs as many scores as boxes, at least one, "
            f"got {len(scores)} and {len(boxes)}."
        )
    searched = np.unique(boxes[:, 0])
    if slices is None:
        slices = some(searched).tolist()
    missing = sorted(set(slices) - set(searched.tolist()))
    if missing:
        raise DataError(f"Slice {missing[0]} was not searched, so it has no scores to draw.")
    ranked = percentiles(scores)
    tallest = max(stack.shapes[z][0] / stack.shapes[z][1] for z in slices)
    figure = style.new_figure(10.5, 4.6 * tallest * len(slices) + 0.9)
    grid = figure.subplots(len(slices), 2, squeeze=False)
    for (left, right), z in zip(grid, slices, strict=True):
        in_slice = np.flatnonzero(boxes[:, 0] == z)
        height, width = stack.shapes[z]
        style.show_grey(left, stack.unit(z))
        heat = spread((height, width), boxes[in_slice], ranked[in_slice])
        style.show_grey(right, stack.unit(z))
        shown = right.imshow(
            heat, cmap="magma", vmin=0, vmax=100, interpolation="nearest", alpha=0.65
        )
        style.bare(right)
        for box in examples[examples[:, 0] == z] if examples is not None else ():
            for axes in (left, right):
                style.draw_box(axes, box, style.POSITIVE)
        if stack.labels is not None:
            for axes, colour in ((left, style.OUTLINE), (right, style.SKY_BLUE)):
                style.outline(axes, stack.labels[z] == structure, colour=colour)
        style.scale_bar(left, stack.pixel_size_nm, width)
        left.set_ylabel(sheets.slice_name(stack, z), fontsize=style.LABEL)
    grid[0, 0].set_title("Slice", fontsize=style.LABEL)
    grid[0, 1].set_title("Rank by score, over the slice", fontsize=style.LABEL)
    _legend(figure, stack, structure, examples is not None and np.isin(examples[:, 0], slices))
    bar = figure.colorbar(shown, ax=grid, location="bottom", shrink=0.5, aspect=40, pad=0.01)
    bar.set_label(
        "places with a lower score, % (100: most like the positive examples)",
        fontsize=style.LABEL,
    )
    bar.ax.tick_params(labelsize=style.SMALL)
    return figure


def _legend(figure: Figure, stack: Stack, structure: int, shown: "np.ndarray | bool") -> None:
    """Say what the outline and the boxes are, where there are any; ``shown``: examples that are."""
    keys = []
    if stack.labels is not None:
        name = sheets.structure_name(stack, structure)
        keys = [style.outline_key(name), style.outline_key(f"{name}, over ranks", style.SKY_BLUE)]
    if np.any(shown):
        keys.append(style.border_key(style.POSITIVE))
    if keys:
        figure.legend(
            handles=keys, loc="outside upper right", ncols=len(keys), fontsize=style.SMALL,
            facecolor="0.85", edgecolor="none",
        )  # fmt: skip


def boxes_on_slices(
    stack: Stack,
    positives: np.ndarray,
    negatives: np.ndarray,
    results: np.ndarray,
    overlap: np.ndarray | None,
    *,
    title: str,
    structure: int = 1,
) -> Figure:
    """Return the query slice with the examples beside the searched slice with the results.

    Args:
        stack: Where all patches are from.
        positives: Boxes of positive examples, shape ``(P, 5)``, all on one slice.
        negatives: Boxes of negative examples on the same slice, shape ``(M, 5)``, may be empty.
        results: Boxes of the results, best first, all on one slice, shape ``(K, 5)``.
        overlap: Which share of each result is the structure, shape ``(K,)``; None without labels.
        title: Above the figure.
        structure: Label value whose outline is drawn, if there are labels.

    Raises:
        DataError: If examples or results lie on no slice or on several.
    """
    query = _only_slice(np.concatenate([positives, negatives]), "examples")
    shown = _only_slice(results, "results")
    tallest = max(stack.shapes[z][0] / stack.shapes[z][1] for z in (query, shown))
    figure = style.new_figure(13, 6.3 * tallest + 1.2, title=title)
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[12, 1])[:, 0]
    left, right = above.subplots(1, 2)
    _draw_slice(left, stack, query, structure)
    _draw_slice(right, stack, shown, structure)
    for boxes, border in ((negatives, style.NEGATIVE), (positives, style.POSITIVE)):
        for box in boxes:
            style.draw_box(left, box, border, width=2.0 if len(boxes) <= CROWD else 1.2)
    for rank in reversed(range(len(results))):  # the best lie on top
        border = sheets.result_border(overlap, rank)
        style.draw_box(right, results[rank], border)
    _number(right, results, stack.shapes[shown][1])
    left.set_title(
        f"Examples, {sheets.slice_name(stack, query)}: {len(positives)} positive and "
        f"{len(negatives)} negative",
        fontsize=style.LABEL,
    )
    right.set_title(
        f"Results, {sheets.slice_name(stack, shown)}: the {len(results)} best patches",
        fontsize=style.LABEL,
    )
    sheets.legend(below, sheets.legend_of_search(stack, len(negatives), overlap, structure))
    return figure


def _only_slice(boxes: np.ndarray, what: str) -> int:
    """Return the one slice that boxes lie on."""
    slices = np.unique(boxes[:, 0])
    if len(slices) != 1:
        raise DataError(f"The {what} must lie on one slice to be drawn on it, got {len(slices)}.")
    return int(slices[0])


def _draw_slice(axes: Axes, stack: Stack, z: int, structure: int) -> None:
    """Draw a slice with the structure's outline and a scale bar."""
    style.show_grey(axes, stack.unit(z))
    if stack.labels is not None:
        style.outline(axes, stack.labels[z] == structure)
    style.scale_bar(axes, stack.pixel_size_nm, stack.shapes[z][1])


def _number(axes: Axes, results: np.ndarray, width: int) -> None:
    """Write ranks into corners of boxes; a number that would cover a better one is left out."""
    room = np.array([0.035, 0.045]) * width  # height and width of a number, in pixels
    taken = np.empty((0, 2))
    for rank, (_, y, x, height, columns) in enumerate(results.tolist(), start=1):
        inset = room / 2 + 0.005 * width
        rows, across = (y + inset[0], y + height - inset[0]), (x + inset[1], x + columns - inset[1])
        corners = np.array([(row, column) for row in rows for column in across])
        near = np.abs(corners[:, None] - taken[None]) < room
        clash = np.logical_and.reduce(near, axis=2).sum(axis=1) > 0
        if clash.all():
            continue
        row, column = corners[np.argmin(clash)]
        taken = np.concatenate([taken, [[row, column]]])
        axes.text(
            column, row, str(rank), color="white", fontsize=style.SMALL,
            ha="center", va="center", path_effects=style.TEXT_HALO,
        )  # fmt: skip
