"""Precision-recall curves: one ranking, or all rankings of a sweep."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from emqs.errors import DataError
from emqs.figures import style

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
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
Look = tuple[str, tuple[int, tuple[float, ...]], str]  # colour, line, marker
LOOKS: tuple[Look, ...] = tuple(
    (COLOURS[i % 7], LINES[i % 6], MARKERS[i % 7]) for i in range(42)
)  # all differ, and neighbours in colour, line and marker
MOST_TAGS = 12  # more curves than this have no numbers beside them
TAG_APART = 0.07  # least distance of two numbers, in lengths of the axes
CHANCE_LOOK: dict[str, Any] = {"color": style.GREY, "linestyle": ":", "linewidth": 1.5}
FACETS_PER_ROW = 2
LEGEND_ROWS = 28  # entries of a legend that stand below each other
TITLE_LETTERS = 50  # in a line above an axes
DOTS_NOTE = "Marks, left to right: the best 1, 10, 20 ... 90 % of the patches kept"
AP, PAPER_AP = "Component AP", "Component AP of the paper (from rank 2)"
LABEL_SIZE = (0.072, 0.034)  # room of a dot's label, as fractions of the axes


@dataclass(frozen=True)
class Curve:
    """One ranking, rank by rank, best patch first."""

    label: str
    recall: np.ndarray  # (N,), in [0, 1], never falling
    precision: np.ndarray  # (N,), in [0, 1]
    average_precision: float
    chance: float | None = None  # average precision of a random ranking, if known
    paper: bool = False  # the average precision is the paper's, whose sum starts at rank 2

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

    Each curve has a dot where the best 1, 10, 20 ... 90 % of its patches are kept; a single curve
    has the percentages written beside its dots. Chance is a dotted line.

    Args:
        curves: At least one. Up to 42 differ in colour or line.
        title: Above the axes.

    Raises:
        DataError: If there are no curves, or two have one label.
    """
    return combined_precision_recall({title: curves})


def combined_precision_recall(groups: Mapping[str, Sequence[Curve]], *, title: str = "") -> Figure:
    """Return one figure with an axes for each dataset or condition of a sweep.

    Curves of the same label look the same in all of them, and have the same number, which stands on
    up to 12 curves; each axes has its own legend with the average precisions.

    Args:
        groups: Name of the dataset to its curves, each at least one; labels within one differ.
        title: Above the figure.

    Raises:
        DataError: If there are no groups, a group is empty, or a label occurs twice in one.
    """
    if not groups:
        raise DataError("There are no precision-recall curves to draw.")
    for name, curves in groups.items():
        _check_labels(name, [c.label for c in curves])
    labels = list(dict.fromkeys(c.label for curves in groups.values() for c in curves))
    looks = {label: LOOKS[i % len(LOOKS)] for i, label in enumerate(labels)}
    n_columns = min(len(groups), FACETS_PER_ROW)
    n_rows = -(-len(groups) // n_columns)
    most = max(len(curves) for curves in groups.values()) + 1  # and chance
    legend_columns = -(-most // LEGEND_ROWS)
    figure = style.new_figure(
        n_columns * (5.2 + 2.7 * legend_columns), n_rows * 5.4 + 0.3, title=title
    )
    for place, (name, curves) in enumerate(groups.items(), start=1):
        axes = figure.add_subplot(n_rows, n_columns, place)
        _draw(axes, curves, looks)
        axes.set_title("\n".join(textwrap.wrap(name, TITLE_LETTERS)), fontsize=style.TITLE)
        numbers = {label: n for n, label in enumerate(labels, start=1)} if len(labels) > 1 else {}
        _legend(axes, curves, looks, numbers)
        if len(curves) == 1:
            _label_dots(axes, curves[0])
        elif len(curves) <= MOST_TAGS:
            _tag(axes, curves, looks, numbers)
    figure.supxlabel(DOTS_NOTE, fontsize=style.SMALL, color="0.3")
    return figure


def _check_labels(name: str, labels: Sequence[str]) -> None:
    """Raise unless a group has curves whose labels differ."""
    if not labels:
        raise DataError(f"There are no precision-recall curves of '{name}' to draw.")
    twice = [label for label in labels if labels.count(label) > 1]
    if twice:
        raise DataError(f"Two curves of '{name}' are called '{twice[0]}'.")


def _draw(axes: Axes, curves: Sequence[Curve], looks: Mapping[str, Look]) -> None:
    """Draw curves with their dots, and every chance level that occurs."""
    few = len(curves) <= 6
    for curve in curves:
        colour, line, marker = looks[curve.label]
        dots = np.array(list(discard_ranks(len(curve.recall)).values())) - int(curve.paper)
        recall, precision = line_of(curve)
        axes.plot(
            recall, precision, color=colour, linestyle=line, label=curve.label,
            linewidth=1.8 if few else 1.2, marker=marker, markevery=dots.tolist(),
            markersize=5 if few else 3,
        )  # fmt: skip
    for level in chance_levels(curves):
        axes.axhline(level, **CHANCE_LOOK, label="chance", zorder=1)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.set_aspect("equal")
    axes.set_xlabel("Recall", fontsize=style.LABEL)
    axes.set_ylabel("Precision", fontsize=style.LABEL)
    axes.tick_params(labelsize=style.SMALL)
    axes.grid(color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)


def line_of(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Return recall and precision of the line that is drawn.

    It begins at recall 0 with the best patch, whose step counts; in the paper's sum it does not,
    and the line begins at the recall of that patch.
    """
    if curve.paper:
        return curve.recall, curve.precision
    return np.append(0.0, curve.recall), np.append(curve.precision[0], curve.precision)


def chance_levels(curves: Sequence[Curve]) -> list[float]:
    """Return the known chance levels of curves, ascending, those equal to 3 decimals once."""
    return sorted({round(c.chance, 3) for c in curves if c.chance is not None})


def _legend(
    axes: Axes, curves: Sequence[Curve], looks: Mapping[str, Look], numbers: Mapping[str, int]
) -> None:
    """Put the names and average precisions of curves to the right of their axes."""
    named = {c.label: f"{numbers[c.label]}  {c.label}" if numbers else c.label for c in curves}
    handles = [
        Line2D(
            [], [], color=looks[c.label][0], linestyle=looks[c.label][1],
            marker=looks[c.label][2], markersize=4, linewidth=1.5,
            label=f"{named[c.label]}: {c.average_precision:.3f}",
        )
        for c in curves
    ]  # fmt: skip
    if levels := chance_levels(curves):
        text = " to ".join(f"{level:.3f}" for level in dict.fromkeys((levels[0], levels[-1])))
        handles.append(Line2D([], [], **CHANCE_LOOK, label=f"chance: {text}"))
    axes.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.01), fontsize=style.SMALL,
        frameon=False, handlelength=3.5, ncols=-(-len(handles) // LEGEND_ROWS),
        title=PAPER_AP if any(c.paper for c in curves) else AP, title_fontsize=style.SMALL,
        alignment="left",
    )  # fmt: skip


def _tag(
    axes: Axes, curves: Sequence[Curve], looks: Mapping[str, Look], numbers: Mapping[str, int]
) -> None:
    """Write the number of each curve onto it, where it lies farthest from the others."""
    places = place_tags([np.stack(line_of(curve), axis=1) for curve in curves])
    for curve, (x, y) in zip(curves, places.tolist(), strict=True):
        axes.text(
            x, y, str(numbers[curve.label]), color=looks[curve.label][0], fontsize=style.SMALL,
            fontweight="bold", ha="center", va="center", zorder=5,
            bbox={"boxstyle": "circle,pad=0.15", "facecolor": "white", "linewidth": 0.8,
                  "edgecolor": looks[curve.label][0]},
        )  # fmt: skip


def place_tags(lines: Sequence[np.ndarray]) -> np.ndarray:
    """Return a point on each line where a tag tells it from the others, ``(K, 2)``.

    Of points along a line, it is the one farthest from all other lines, and from every tag before
    it at least ``TAG_APART`` where the line allows that.

    Args:
        lines: Shape ``(N, 2)`` each, x and y in [0, 1], x never falling.
    """
    at = np.linspace(0.03, 0.97, 48)
    points = [_along(line, at) for line in lines]
    chosen = np.empty((0, 2))
    for number, own in enumerate(points):
        others = np.concatenate([p for k, p in enumerate(points) if k != number] or [own[:0]])
        clear = _nearest(own, others)
        crowded = np.clip(TAG_APART - _nearest(own, chosen), 0, None)
        best = int(np.argmax(np.minimum(clear, 0.2) - 100 * crowded))
        chosen = np.concatenate([chosen, own[best : best + 1]])
    return chosen


def _along(line: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return points at fractions of the way along a line of points, ``(len(at), 2)``."""
    way = np.append(0.0, np.cumsum(np.abs(np.diff(line, axis=0)).max(axis=1)))
    if way[-1] == 0:
        return np.repeat(line[:1], len(at), axis=0)
    return np.stack([np.interp(at * way[-1], way, line[:, axis]) for axis in (0, 1)], axis=1)


def _nearest(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the distance of each point to the nearest of others; 1 where there are none."""
    if len(others) == 0:
        return np.ones(len(points))
    return np.asarray(np.linalg.norm(points[:, None] - others, axis=2).min(axis=1))


def _label_dots(axes: Axes, curve: Curve) -> None:
    """Write the percentages beside the dots of one curve, where they do not overlap."""
    ranks = discard_ranks(len(curve.recall))
    kept = np.array(list(ranks.values())) - 1
    points = np.stack([curve.recall[kept], curve.precision[kept]], axis=1)
    line = np.stack([curve.recall, curve.precision], axis=1)
    for percent, point, place in zip(ranks, points, place_labels(points, line), strict=True):
        axes.annotate(
            f"{100 - percent} %", tuple(point), xytext=tuple(place), fontsize=style.SMALL,
            ha="center", va="center", color="0.2",
            arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.6, "shrinkB": 3},
        )  # fmt: skip


def place_labels(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Return centres for the labels of dots, so that no two labels overlap.

    Places around each dot are tried from near to far; the first that hides no other label, no dot
    and no part of the curve or of a leader is taken, and whose own leader crosses no label. If none
    is free, the one that hides least, but never another label.

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
    along = np.linspace(0, 1, 12)[:, None]  # points of a leader, from the dot to its label
    for point in points:
        places = point + offsets
        inside = np.all((places >= room / 2) & (places <= 1.01 - room / 2), axis=1)
        places = places[inside]
        hidden = _inside(places, obstacles, room / 2)
        clash = _inside(places, placed, room)
        leaders = point + along * (places[:, None, :] - point)  # (M, 12, 2)
        struck = np.array([_inside(placed, leader, room / 2).sum() for leader in leaders])
        away = np.linalg.norm(places - point, axis=1)  # a long leader hides as much as it crosses
        best = int(np.argmin(hidden + 100 * away + 1e3 * struck + 1e6 * clash))
        placed = np.concatenate([placed, places[best : best + 1]])
        obstacles = np.concatenate([obstacles, leaders[best]])
    return placed


def _inside(centres: np.ndarray, points: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Return how many points lie within ``half`` of each centre along both axes, ``(M,)``."""
    near = np.abs(centres[:, None, :] - points[None, :, :]) < half
    return np.asarray(near.all(axis=2).sum(axis=1))


def discard_ranks(n: int) -> dict[int, int]:
    """Return the rank that is kept last when 10, 20 ... 90 and 99 % of ``n`` patches are discarded.

    Returns:
        Percentage to rank, counted from 1, at least 1.
    """
    return {p: max(1, round(n * (100 - p) / 100)) for p in (*range(10, 100, 10), 99)}
