"""Sheets of patches: the best of a ranking, the first wrong ones, results, reconstructions."""

import textwrap
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from emqs.datasets import Stack
from emqs.errors import DataError
from emqs.figures import style
from emqs.figures.style import Border

CONTEXT = 2.0  # edge of the view around a patch, in edges of the largest patch of a sheet
COLUMNS = 8  # patches beside each other in a sheet
NAME_LENGTH = 14  # letters of a slice name that fit above a patch
TILE = 1.75  # edge of one patch in a sheet, inches


def ranked_patches(
    stack: Stack,
    boxes: np.ndarray,
    scores: np.ndarray,
    overlap: np.ndarray,
    *,
    min_overlap: float,
    structure: int = 1,
    n_top: int = 24,
    n_wrong: int = 12,
) -> Figure:
    """Return a sheet of the best patches and of the first wrong ones, in their surroundings.

    Borders have three grades: more than ``min_overlap`` of the patch is the structure, less, none.

    Args:
        stack: Where the patches are from, with labels.
        boxes: Searched patches, best first, shape ``(N, 5)``, int64.
        scores: Shape ``(N,)``, falling.
        overlap: Fraction of each patch that is the structure, shape ``(N,)``, in [0, 1].
        min_overlap: Fraction in (0, 1].
        structure: Label value whose outline is drawn.
        n_top: How many of the best.
        n_wrong: How many of the first with overlap 0.

    Raises:
        DataError: If the arrays differ in length or are empty.
    """
    if not len(boxes) == len(scores) == len(overlap) > 0:
        raise DataError(
            "A sheet needs as many boxes as scores and overlaps, at least one, "
            f"got {len(boxes)}, {len(scores)} and {len(overlap)}."
        )
    top = np.arange(min(n_top, len(boxes)))
    wrong = np.flatnonzero(overlap == 0)[:n_wrong]
    parts = [(f"The {len(top)} best of {len(boxes)} patches", top)]
    if len(wrong):
        parts.append((f"The first {len(wrong)} without the structure", wrong))
    rows = [-(-len(ranks) // COLUMNS) for _, ranks in parts]
    edge = _edge(boxes[np.concatenate([top, wrong])])
    figure = style.new_figure(COLUMNS * TILE, sum(rows) * (TILE + 0.42) + 0.45 * len(rows) + 0.6)
    regions = figure.subfigures(len(parts) + 1, 1, squeeze=False, height_ratios=[*rows, 0.2])[:, 0]
    for region, (heading, ranks), n_rows in zip(regions, parts, rows, strict=False):
        region.suptitle(heading, fontsize=style.TITLE, x=0.01, ha="left")
        tiles = _tiles(region, n_rows, COLUMNS)
        for axes, rank in zip(tiles, ranks.tolist(), strict=False):
            border = grade(float(overlap[rank]), min_overlap)
            draw_patch(
                axes, stack, boxes[rank], border,
                structure=structure, first=rank == ranks[0], edge=edge,
            )  # fmt: skip
            axes.set_xlabel(
                f"score {scores[rank]:.3g}\noverlap {100 * overlap[rank]:.0f} %",
                fontsize=style.SMALL,
            )
            axes.set_title(
                f"#{rank + 1}, {slice_name(stack, boxes[rank, 0])}", fontsize=style.SMALL
            )
    legend(
        regions[-1],
        [
            style.border_key(replace(style.HIT, word=f"overlap over {100 * min_overlap:g} %")),
            style.border_key(replace(style.PART, word="less")),
            style.border_key(replace(style.MISS, word="none")),
            style.outline_key(structure_name(stack, structure)),
        ],
    )
    return figure


def draw_patch(
    axes: Axes,
    stack: Stack,
    box: np.ndarray,
    border: Border,
    *,
    structure: int = 1,
    first: bool = False,
    edge: float | None = None,
) -> None:
    """Draw a patch, its border, its surroundings and the structure's outline.

    Args:
        axes: Where.
        stack: With or without labels.
        box: ``(z, y, x, height, width)``.
        border: Of the patch.
        structure: Label value whose outline is drawn, if there are labels.
        first: Whether to draw the scale bar, which is the same for all views of one edge.
        edge: Of the view, in pixels; None for ``CONTEXT`` edges of this patch.
    """
    z, y, x, height, width = (int(v) for v in box)
    rows, columns = stack.shapes[z]
    edge = CONTEXT * max(height, width) if edge is None else edge
    top, bottom = _view(y, height, rows, edge)
    left, right = _view(x, width, columns, edge)
    style.show_grey(axes, stack.unit(z)[top:bottom, left:right], left=left, top=top)
    if stack.labels is not None:
        mask = stack.labels[z][top:bottom, left:right] == structure
        style.outline(axes, mask, left=left, top=top)
    style.draw_box(axes, box, border)
    if first:
        style.scale_bar(axes, stack.pixel_size_nm, right - left)


def _edge(*boxes: np.ndarray) -> float:
    """Return the edge of the views of one sheet, in pixels, so that all have one scale."""
    return CONTEXT * max(int(part[:, 3:].max()) for part in boxes if len(part))


def _view(start: int, length: int, limit: int, edge: float) -> tuple[int, int]:
    """Return first pixel and one past the last of a view around a patch, moved into the slice."""
    edge = min(round(edge), limit)
    first = round(start + length / 2 - edge / 2)
    first = min(max(first, 0), limit - edge)
    return int(first), int(first + edge)


def slice_name(stack: Stack, z: int) -> str:
    """Return "slice NAME", the name cut in front if it is too long for a caption."""
    name = stack.slice_names[z]
    return f"slice {name if len(name) <= NAME_LENGTH else '…' + name[1 - NAME_LENGTH :]}"


def structure_name(stack: Stack, structure: int) -> str:
    """Return the name of a label value, e.g. "mitochondria", or "structure 1" if it has none."""
    return stack.classes.get(structure, f"structure {structure}")


def _tiles(region: Figure | SubFigure, rows: int, columns: int) -> list[Axes]:
    """Return empty axes, row by row; those left over stay invisible."""
    grid = region.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        style.bare(axes)
        for spine in axes.spines.values():
            spine.set_visible(False)
    return list(grid.flat)


def legend(region: Figure | SubFigure, handles: Sequence[Line2D]) -> None:
    """Put a legend of one line into the middle of a region."""
    region.legend(
        handles=list(handles), loc="center", ncols=len(handles), fontsize=style.LABEL,
        frameon=True, facecolor="0.85", edgecolor="none", handlelength=3,
    )  # fmt: skip


def grade(overlap: float, least: float = 0.5) -> Border:
    """Return the border of a patch of which a share is the structure, in three grades."""
    if overlap > least:
        return style.HIT
    return style.PART if overlap > 0 else style.MISS


def result_border(overlap: np.ndarray | None, rank: int) -> Border:
    """Return the border of a result; ``overlap`` is None where there are no labels."""
    return style.UNKNOWN if overlap is None else grade(float(overlap[rank]))


def retrieved(
    stack: Stack,
    positives: np.ndarray,
    negatives: np.ndarray,
    results: np.ndarray,
    overlap: np.ndarray | None,
    *,
    title: str,
    structure: int = 1,
    captions: Sequence[str] | None = None,
) -> Figure:
    """Return the examples of a search on the left and what it found on the right.

    Args:
        stack: Where all patches are from.
        positives: Boxes of the positive examples, shape ``(P, 5)``, at least one.
        negatives: Boxes of the negative examples, shape ``(M, 5)``, may be empty.
        results: Boxes of the results, best first, shape ``(K, 5)``, at least one.
        overlap: Which share of each result is the structure, shape ``(K,)``; None without labels.
        title: Above the figure.
        structure: Label value whose outline is drawn, if there are labels.
        captions: Above the results, of at most two lines; None: number and slice.

    Raises:
        DataError: If there is no positive example or no result, or the lengths differ.
    """
    if len(positives) == 0 or len(results) == 0:
        raise DataError(
            "The figure needs a positive example and a result, "
            f"got {len(positives)} and {len(results)}."
        )
    if overlap is not None and len(overlap) != len(results):
        raise DataError(f"There are {len(results)} results, but {len(overlap)} marks for them.")
    n_left = max(len(positives), len(negatives))
    n_rows = 2 if len(negatives) else 1
    n_rows = max(n_rows, 1 if len(results) <= 4 else 2, -(-len(results) // COLUMNS))
    n_right = -(-len(results) // n_rows)
    figure = style.new_figure(
        max(n_left + n_right, 4) * TILE + 0.4, n_rows * (TILE + 0.42) + 1.3, title=title
    )
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[n_rows, 0.2])[:, 0]
    left, right = above.subfigures(
        1, 2, squeeze=False, width_ratios=[n_left, n_right], wspace=0.03
    )[0]
    left.suptitle("Examples", fontsize=style.LABEL)
    right.suptitle("Results, best first", fontsize=style.LABEL)
    edge = _edge(positives, negatives, results)
    if captions is None:
        captions = [f"#{n}, {slice_name(stack, b[0])}" for n, b in enumerate(results, start=1)]
    examples = _tiles(left, n_rows, n_left)
    for row, (boxes, border) in enumerate(
        [(positives, style.POSITIVE), (negatives, style.NEGATIVE)][:n_rows]
    ):
        for column, box in enumerate(boxes):
            axes = examples[row * n_left + column]
            first = row + column == 0
            draw_patch(axes, stack, box, border, structure=structure, first=first, edge=edge)
            axes.set_title(slice_name(stack, box[0]), fontsize=style.SMALL)
    for rank, (axes, box) in enumerate(zip(_tiles(right, n_rows, n_right), results, strict=False)):
        border = result_border(overlap, rank)
        draw_patch(axes, stack, box, border, structure=structure, first=rank == 0, edge=edge)
        axes.set_title(captions[rank], fontsize=style.SMALL)
    legend(below, legend_of_search(stack, len(negatives), overlap, structure))
    return figure


def suggested(
    stack: Stack,
    boxes: np.ndarray,
    scores: np.ndarray,
    points: np.ndarray,
    *,
    why: Sequence[str] | None = None,
    title: str,
    structure: int = 1,
) -> Figure:
    """Return the patches to label next, with the voxels that name them.

    Args:
        stack: Where the patches are from.
        boxes: The most helpful first, shape ``(S, 5)``, at least one.
        scores: Of each, shape ``(S,)``.
        points: Voxel ``(z, y, x)`` that stands for each, shape ``(S, 3)``, integer.
        why: Of each, why it is one; None: not said.
        title: Above the figure.
        structure: Label value whose outline is drawn, if there are labels.

    Raises:
        DataError: If there is no patch, or the lengths differ.
    """
    if not len(boxes) == len(scores) == len(points) > 0:
        raise DataError(
            "A sheet of suggestions needs as many boxes as scores and points, at least one, "
            f"got {len(boxes)}, {len(scores)} and {len(points)}."
        )
    columns = min(len(boxes), COLUMNS)
    rows = -(-len(boxes) // columns)
    figure = style.new_figure(
        max(columns, 4) * TILE + 0.4, rows * (TILE + 0.75) + 0.75, title=title
    )
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[rows, 0.2])[:, 0]
    edge = _edge(boxes)
    for number, (axes, box) in enumerate(zip(_tiles(above, rows, columns), boxes, strict=False)):
        draw_patch(
            axes, stack, box, style.SUGGESTED, structure=structure, first=number == 0, edge=edge
        )
        axes.set_title(f"{number + 1}, {slice_name(stack, box[0])}", fontsize=style.SMALL)
        voxel = ",".join(str(v) for v in points[number].tolist())
        reason = "" if why is None else "\n" + textwrap.fill(why[number], 20)
        axes.set_xlabel(f"[{voxel}], score {scores[number]:.3g}{reason}", fontsize=style.SMALL)
    keys = [style.border_key(style.SUGGESTED)]
    if stack.labels is not None:
        keys.append(style.outline_key(structure_name(stack, structure)))
    legend(below, keys)
    return figure


def legend_of_search(
    stack: Stack, n_negative: int, overlap: np.ndarray | None, structure: int
) -> list[Line2D]:
    """Return the entries of the legend that a search needs."""
    borders = [style.POSITIVE]
    if n_negative:
        borders.append(style.NEGATIVE)
    borders += [style.UNKNOWN] if overlap is None else [style.HIT, style.PART, style.MISS]
    keys = [style.border_key(border) for border in borders]
    if stack.labels is not None:
        keys.append(style.outline_key(structure_name(stack, structure)))
    return keys


def reconstructions(originals: np.ndarray, reconstructed: np.ndarray) -> Figure:
    """Return patches above what a network makes of them above the absolute difference.

    Args:
        originals: Shape ``(N, H, W)``, in [0, 1].
        reconstructed: Same shape, in [0, 1].

    Raises:
        DataError: If the shapes differ, or there are no patches.
    """
    if originals.ndim != 3 or originals.shape != reconstructed.shape or len(originals) == 0:
        raise DataError(
            "Reconstructions need two arrays of one shape (N, H, W) with N > 0, "
            f"got {originals.shape} and {reconstructed.shape}."
        )
    n_columns = min(len(originals), COLUMNS)
    blocks = -(-len(originals) // n_columns)
    difference = np.abs(originals.astype(np.float64) - reconstructed)
    figure = style.new_figure(n_columns * 1.3 + 1.6, blocks * 3 * 1.3 + 0.3)
    grid = figure.subplots(blocks * 3, n_columns, squeeze=False)
    shown = None
    for number in range(blocks * n_columns):
        block, column = divmod(number, n_columns)
        trio = grid[3 * block : 3 * block + 3, column]
        if number >= len(originals):
            for axes in trio:
                axes.set_axis_off()
            continue
        style.show_grey(trio[0], originals[number])
        style.show_grey(trio[1], reconstructed[number])
        shown = trio[2].imshow(difference[number], cmap="magma", vmin=0, vmax=0.5)
        style.bare(trio[2])
        if column == 0:
            for axes, word in zip(trio, ("original", "reconstruction", "difference"), strict=True):
                axes.set_ylabel(word, fontsize=style.SMALL)
    if shown is not None:
        bar = figure.colorbar(shown, ax=grid, shrink=0.5, aspect=30, extend="max")
        bar.set_label("absolute difference of intensity, black 0, white 1", fontsize=style.SMALL)
        bar.ax.tick_params(labelsize=style.SMALL)
    return figure
