"""Figures of how raw slices became a volume: bad slices, alignment along Z, cuts."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from emqs.errors import DataError
from emqs.figures import style

ACROSS = 3  # pictures of a bad slice: before, itself, after
TILE = 1.5  # edge of one, inches
PER_ROW = 2  # bad slices beside each other
BETWEEN = 0.12  # them, of a picture


def bad_slices(sheet: Sequence[tuple[str, Sequence[np.ndarray | None]]]) -> Figure:
    """Return a sheet of bad slices, each between the good ones before and after it.

    Args:
        sheet: Of each a caption and three pictures, uint8 ``(Y, X)``; None where there is none.

    Raises:
        DataError: If there are none.
    """
    if not sheet:
        raise DataError("A sheet of bad slices needs at least one.")
    n_rows = -(-len(sheet) // PER_ROW)
    figure = style.new_figure(
        PER_ROW * ACROSS * TILE + 0.5, n_rows * (TILE + 0.35) + 0.6,
        title="Slices judged bad, between the good slices before and after",
    )  # fmt: skip
    widths = ([1.0] * ACROSS + [BETWEEN]) * PER_ROW
    grid = figure.subplots(n_rows, len(widths) - 1, squeeze=False, width_ratios=widths[:-1])
    for axes in grid.ravel():
        axes.axis("off")
    for number, (caption, pictures) in enumerate(sheet):
        row, first = number // PER_ROW, number % PER_ROW * (ACROSS + 1)
        for column, picture in enumerate(pictures):
            axes = grid[row, first + column]
            if picture is None:
                continue
            axes.axis("on")
            style.show_grey(axes, picture / 255.0)
            if column == 1:
                axes.set_title(caption, fontsize=style.SMALL)
                for side in axes.spines.values():
                    side.set(color=style.VERMILLION, linewidth=2)
    return figure


def alignment(curves: Mapping[str, np.ndarray]) -> Figure:
    """Return how well slices lie on each other along Z, and how far each was moved.

    Args:
        curves: Of ``emqs.ingestion.report.along_z``.
    """
    figure = style.new_figure(9, 8)
    top, middle, bottom, turns = figure.subplots(4, 1, sharex=True)
    correlation = curves["correlation"]
    for distance, colour, marker in ((1, style.BLUE, "o"), (2, style.SKY_BLUE, "s")):
        some = correlation[correlation[:, 2] == distance]
        _dots(top, some, colour, marker, f"{distance} slot{'s' * (distance > 1)} apart")
    some = correlation[correlation[:, 2] > 2]
    _dots(top, some, style.GREY, "^", "further")
    for name, colour, marker in (
        ("unmatched", style.VERMILLION, "x"),
        ("thrown", style.PURPLE, "D"),
    ):
        places = curves[name]
        word = "could not be matched" if name == "unmatched" else "thrown out"
        _dots(top, np.column_stack([places, np.zeros(len(places))]), colour, marker, word)
    top.set_ylabel("correlation of pairs")
    _dots(middle, curves["residual"], style.BLUE, "o", "")
    middle.set_ylabel("residual of pairs, px")
    middle.set_ylim(bottom=0)
    drift = curves["drift"]
    for column, colour, name in ((1, style.BLUE, "y"), (2, style.ORANGE, "x")):
        _line(bottom, drift, column, colour, name)
    bottom.set_ylabel("moved by, px")
    _line(turns, drift, 3, style.GREEN, "")
    turns.set_ylabel("turned by, degrees")
    turns.set_xlabel("z, slots")
    turns.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (top, middle, bottom, turns):
        for slot in curves["bad"]:
            axes.axvline(slot, color=style.GREY, linewidth=0.8, linestyle=":")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(  # above the panel, where it hides nothing
                fontsize=style.SMALL, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=5,
                frameon=False, borderaxespad=0.1,
            )  # fmt: skip
    top.set_title(
        "How slices lie on each other; dotted: bad or missing", fontsize=style.SMALL, loc="left"
    )
    return figure


def _dots(axes: Axes, rows: np.ndarray, colour: str, marker: str, label: str) -> None:
    if len(rows):
        axes.scatter(rows[:, 0], rows[:, 1], s=14, color=colour, marker=marker, label=label)


def _line(axes: Axes, rows: np.ndarray, column: int, colour: str, label: str) -> None:
    axes.plot(
        rows[:, 0], rows[:, column], color=colour, linewidth=1, marker=".", markersize=3,
        label=label,
    )  # fmt: skip


def cuts(planes: Mapping[str, np.ndarray]) -> Figure:
    """Return cuts through the middle of a stack, before and after alignment.

    Args:
        planes: By caption, uint8 ``(Z, length)``; Z goes down; those of XZ, then those of YZ.
    """
    columns = len(planes) // 2
    figure = style.new_figure(
        5 * columns, 7, title="Cuts through the middle; black: no slice, or one that is not used"
    )
    grid = figure.subplots(2, columns, squeeze=False, sharey=True)
    for axes, (caption, plane) in zip(grid.ravel(), planes.items(), strict=True):
        axes.imshow(plane, cmap="gray", vmin=0, vmax=255, aspect="auto", interpolation="nearest")
        axes.set_xticks([])
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_title(caption, fontsize=style.LABEL)
    for axes in grid[:, 0]:
        axes.set_ylabel("z, slots")
    return figure
