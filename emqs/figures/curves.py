"""Precision-recall curves: one ranking, or all rankings of a sweep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from emqs.errors import DataError
from emqs.figures import style
from emqs.metrics import discard_ranks

COLOURS = (
    style.BLUE, style.VERMILLION, style.GREEN, style.PURPLE, style.ORANGE, style.SKY_BLUE,
    style.BLACK,
)  # fmt: skip
LINES: tuple[tuple[int, tuple[float, ...]], ...] = (
    (0, ()),  # solid
    (0, (5, 2)),  # dashed
    (0, (5, 1.5, 1, 1.5)),  # dash, dot
    (0, (9, 2)),  # long dashes
    (0, (5, 1.5, 1, 1.5, 1, 1.5)),  # dash, dot, dot
    (0, (2, 1)),  # short dashes
)
LOOKS = tuple((colour, line) for line, colour in product(LINES, COLOURS))  # 42 that differ
FACETS_PER_ROW = 3
LEGEND_ROWS = 34  # entries of a legend that stand below each other
DOTS_NOTE = "Dots, right to left: 10, 20 ... 90 and 99 % of the patches discarded"
LABEL_SIZE = (0.072, 0.034)  # room of a dot's label, as fractions of the axes


@dataclass(frozen=True)
class Curve:
    """One ranking, rank by rank, best patch first."""

    label: str
    recall: np.ndarray  # (N,), in [0, 1], never falling
    precision: np.ndarray  # (N,), in [0, 1]
    average_precision: float
    chance: float | None = None  # average precision of a random ranking, if known

    def __post_init__(self) -> None:
        """Check that this can be drawn."""
        shapes = self.recall.shape, self.precision.shape
        if self.recall.ndim != 1 or shapes[0] != shapes[1] or self.recall.size == 0:
            raise DataError(
                f"Curve '{self.label}' needs recall and precision of one shape (N,) with N > 0, "
                f"got {shapes[0]} and {shapes[1]}."
            )
        for name, values in (("recall", self.recall), ("precision", self.precision)):
            if not (values.min() >= 0 and values.max() <= 1):
                raise DataError(
                    f"Curve '{self.label}' needs {name} in [0, 1], "
                    f"got {values.min():g} to {values.max():g}."
                )


def precision_recall(curves: Sequence[Curve], *, title: str) -> Figure:
    """Return a figure of precision against recall for one or many rankings.

    Each curve has a dot where 10, 20 ... 90 and 99 % of its patches are discarded; a single curve
    has the percentages written beside its dots. Chance is a dotted line.

    Args:
        curves: At least one. Up to 42 differ in colour or line.
        title: Above the axes.

    Raises:
        DataError: If there are no curves.
    """
    _check_some(len(curves))
    figure = style.new_figure(*_figure_size(1, len(curves)))
    axes = figure.add_subplot()
    _draw(axes, curves, LOOKS)
    axes.set_title(title, fontsize=style.TITLE)
    handles = [_key(c.label, f"AP {c.average_precision:.3f}", LOOKS[i % len(LOOKS)])
               for i, c in enumerate(curves)]  # fmt: skip
    if any(c.chance is not None for c in curves):
        handles.append(_chance_key([c.chance for c in curves if c.chance is not None]))
    if len(curves) == 1:
        _label_dots(axes, curves[0])
    _legend(figure, handles)
    return figure


def combined_precision_recall(groups: Mapping[str, Sequence[Curve]], *, title: str = "") -> Figure:
    """Return one figure with an axes for each dataset of a sweep.

    Curves of the same label look the same everywhere and share one entry of the legend, which
    lists their average precision in the order of the datasets.

    Args:
        groups: Dataset to its curves, each at least one; labels within a dataset differ.
        title: Above the figure.

    Raises:
        DataError: If there are no groups, a group is empty, or a label occurs twice in one.
    """
    _check_some(len(groups))
    for name, curves in groups.items():
        _check_some(len(curves), f" of dataset '{name}'")
        labels = [c.label for c in curves]
        if len(set(labels)) < len(labels):
            twice = next(label for label in labels if labels.count(label) > 1)
            raise DataError(f"Two curves of dataset '{name}' are called '{twice}'.")
    labels = list(dict.fromkeys(c.label for curves in groups.values() for c in curves))
    looks = {label: LOOKS[i % len(LOOKS)] for i, label in enumerate(labels)}
    figure = style.new_figure(*_figure_size(len(groups), len(labels)), title=title)
    n_columns = min(len(groups), FACETS_PER_ROW)
    n_rows = -(-len(groups) // n_columns)
    for place, (name, curves) in enumerate(groups.items(), start=1):
        axes = figure.add_subplot(n_rows, n_columns, place)
        _draw(axes, curves, [looks[c.label] for c in curves])
        axes.set_title(name, fontsize=style.TITLE)
    handles = [_key(label, _listed(groups, label), looks[label]) for label in labels]
    chances = [c.chance for curves in groups.values() for c in curves if c.chance is not None]
    if chances:
        handles.append(_chance_key(chances))
    _legend(figure, handles, title=f"AP on {', '.join(groups)}")
    return figure


def _check_some(n: int, where: str = "") -> None:
    if n == 0:
        raise DataError(f"There are no precision-recall curves{where} to draw.")


def _figure_size(n_facets: int, n_entries: int) -> tuple[float, float]:
    """Return width and height in inches that hold square axes and the legend."""
    columns = min(n_facets, FACETS_PER_ROW)
    rows = -(-n_facets // columns)
    legend_columns = -(-n_entries // LEGEND_ROWS)
    legend_height = 0.17 * -(-n_entries // legend_columns) + 1.0
    return 5.2 * columns + 3.0 * legend_columns, max(5.4 * rows, legend_height)


def _draw(
    axes: Axes,
    curves: Sequence[Curve],
    looks: Sequence[tuple[str, tuple[int, tuple[float, ...]]]],
) -> None:
    """Draw curves with their dots, and the chance level of each."""
    few = len(curves) <= 6
    levels: dict[float, str] = {}
    for number, curve in enumerate(curves):
        colour, line = looks[number % len(looks)]
        dots = np.array(list(discard_ranks(len(curve.recall)).values())) - 1
        axes.plot(
            curve.recall, curve.precision, color=colour, linestyle=line, label=curve.label,
            linewidth=1.8 if few else 1.2, marker="o", markevery=dots.tolist(),
            markersize=5 if few else 3,
        )  # fmt: skip
        if curve.chance is not None:
            level = round(curve.chance, 3)
            levels[level] = colour if level not in levels else style.GREY
    for level, colour in levels.items():
        colour = colour if len(levels) > 1 else style.GREY
        axes.axhline(level, color=colour, linestyle=":", linewidth=1.5, label="chance", zorder=1)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.set_aspect("equal")
    axes.set_xlabel("Recall", fontsize=style.LABEL)
    axes.set_ylabel("Precision", fontsize=style.LABEL)
    axes.tick_params(labelsize=style.SMALL)
    axes.grid(color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)


def _key(label: str, value: str, look: tuple[str, tuple[int, tuple[float, ...]]]) -> Line2D:
    """Return the entry of a curve in the legend."""
    return Line2D(
        [], [], color=look[0], linestyle=look[1], marker="o", markersize=3.5, linewidth=1.5,
        label=f"{label}: {value}",
    )  # fmt: skip


def _chance_key(levels: Sequence[float]) -> Line2D:
    """Return the entry of the chance levels in the legend."""
    low, high = round(min(levels), 3), round(max(levels), 3)
    text = f"chance: AP {low:.3f}" if low == high else f"chance: AP {low:.3f} to {high:.3f}"
    return Line2D([], [], color=style.GREY, linestyle=":", linewidth=1.5, label=text)


def _listed(groups: Mapping[str, Sequence[Curve]], label: str) -> str:
    """Return the average precision of one label in each group, as text."""
    values = [
        next((f"{c.average_precision:.3f}" for c in curves if c.label == label), "-")
        for curves in groups.values()
    ]
    return ", ".join(values)


def _legend(figure: Figure, handles: Sequence[Line2D], *, title: str = "") -> None:
    """Put the legend to the right of the axes, and say below what the dots are."""
    figure.legend(
        handles=handles, loc="outside right upper", fontsize=style.SMALL, frameon=False,
        title=title or None, title_fontsize=style.SMALL, handlelength=3.5,
        ncols=-(-len(handles) // (LEGEND_ROWS + 1)),  # one more: chance
    )  # fmt: skip
    figure.supxlabel(DOTS_NOTE, fontsize=style.SMALL, color="0.3")


def _label_dots(axes: Axes, curve: Curve) -> None:
    """Write the percentages beside the dots of one curve, where they do not overlap."""
    ranks = discard_ranks(len(curve.recall))
    kept = np.array(list(ranks.values())) - 1
    points = np.stack([curve.recall[kept], curve.precision[kept]], axis=1)
    line = np.stack([curve.recall, curve.precision], axis=1)
    for percent, point, place in zip(ranks, points, place_labels(points, line), strict=True):
        axes.annotate(
            f"{percent} %", tuple(point), xytext=tuple(place), fontsize=style.SMALL,
            ha="center", va="center", color="0.2",
            arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.6, "shrinkB": 3},
        )  # fmt: skip


def place_labels(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Return centres for the labels of dots, so that no two labels overlap.

    Places around each dot are tried from near to far; the first that hides no other label, no dot
    and no part of the curve is taken. If none is free, the one that hides least of the curve but
    no other label.

    Args:
        points: The dots, shape ``(K, 2)``, x and y in [0, 1].
        line: The curve, shape ``(N, 2)``.

    Returns:
        Centres, shape ``(K, 2)``, within the axes.
    """
    step = max(1, len(line) // 2000)
    obstacles = np.concatenate([line[::step], points])
    angles = np.radians([45, -45, 0, 90, -90, 135, 180, -135])
    distances = np.arange(0.05, 0.6, 0.025)
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    offsets = (distances[:, None, None] * rays).reshape(-1, 2)  # near ones first
    room = np.array(LABEL_SIZE)
    placed = np.empty((0, 2))
    for point in points:
        places = point + offsets
        inside = np.all((places >= room / 2) & (places <= 1.01 - room / 2), axis=1)
        places = places[inside]
        hidden = _inside(places, obstacles, room / 2)
        clash = _inside(places, placed, room)
        best = int(np.argmin(hidden + 1e6 * clash))
        placed = np.concatenate([placed, places[best : best + 1]])
    return placed


def _inside(centres: np.ndarray, points: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Return how many points lie within ``half`` of each centre along both axes, ``(M,)``."""
    near = np.abs(centres[:, None, :] - points[None, :, :]) < half
    return np.asarray(near.all(axis=2).sum(axis=1))
