"""Grouped bars: a bar for each encoding, a group for each compressor, as the Compresso paper's."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from emqs.errors import DataError
from emqs.figures import style

#: Colour, hatching and the colour of its lines; all differ without colour, too.
LOOKS: tuple[tuple[str, str], ...] = (
    (style.GREY, ""),
    (style.SKY_BLUE, "///"),
    (style.VERMILLION, ""),
    (style.ORANGE, "\\\\\\"),
    (style.PURPLE, "..."),
    (style.BLUE, ""),
    (style.YELLOW, "xxx"),
    (style.GREEN, "---"),
)
FEW = 36  # bars up to which each has its number above it
MANY = 60  # bars over which they stand in two rows
GAP = 1.2  # between two groups, in widths of a bar


def grouped(
    values: Mapping[str, Mapping[str, float]],
    *,
    series: Sequence[str],
    title: str,
    ylabel: str,
    xlabel: str,
    note: str = "",
) -> Figure:
    """Return a figure of grouped bars.

    Args:
        values: Name of a group to name of a series to height, above 0. A series that a group lacks
            leaves a gap, marked by a dash.
        series: Names of the series in the order of the bars; at most eight look different.
        title: Above the axes.
        ylabel: What the heights are.
        xlabel: What the groups are.
        note: A line below the title, e.g. of what was measured.

    Raises:
        DataError: If there is nothing to draw.
    """
    if not values or not series:
        raise DataError("There are no bars to draw.")
    n_bars = len(values) * len(series)
    slot = len(series) + GAP  # room of a group, in widths of a bar
    names = list(values)
    n_rows = 1 if n_bars <= MANY else 2
    per_row = -(-len(names) // n_rows)
    figure = style.new_figure(
        max(6.5, 1.6 + 0.16 * slot * per_row), 1.2 + 4.0 * n_rows - 0.6 * (n_rows > 1),
        title="\n".join(part for part in (title, note) if part),
    )  # fmt: skip
    top = max(height for group in values.values() for height in group.values())
    for row in range(n_rows):
        axes = figure.add_subplot(n_rows, 1, row + 1)
        chosen = names[row * per_row : (row + 1) * per_row]
        _draw(axes, {name: values[name] for name in chosen}, series, top, numbers=n_bars <= FEW)
        axes.set_xlim(-1.0, per_row * slot - GAP)
        axes.set_ylim(0, top * (1.14 if n_bars <= FEW else 1.05))
        axes.set_ylabel(ylabel, fontsize=style.LABEL)
    axes.set_xlabel(xlabel, fontsize=style.LABEL)
    figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", fontsize=style.SMALL,
        frameon=False, ncols=min(len(series), 4), handlelength=1.8,
    )  # fmt: skip
    return figure


def _draw(
    axes: Axes,
    values: Mapping[str, Mapping[str, float]],
    series: Sequence[str],
    top: float,
    *,
    numbers: bool,
) -> None:
    """Draw groups side by side."""
    slot = len(series) + GAP
    for k, name in enumerate(series):
        colour, hatch = LOOKS[k % len(LOOKS)]
        places = np.arange(len(values)) * slot + k
        heights = np.array([group.get(name, np.nan) for group in values.values()])
        axes.bar(
            places, heights, width=0.92, label=name, color=colour, hatch=hatch,
            edgecolor="0.15", linewidth=0.4, zorder=2,
        )  # fmt: skip
        for place, height in zip(places, heights, strict=True):
            if np.isnan(height):
                axes.text(place, 0, "\N{EN DASH}", ha="center", va="bottom", fontsize=style.SMALL)
            elif numbers:
                text = f"{height:.0f}" if height >= 10 else f"{height:.1f}"
                axes.text(
                    place, height + 0.012 * top, text,
                    ha="center", va="bottom", fontsize=style.SMALL, rotation=90,
                )  # fmt: skip
    middles = np.arange(len(values)) * slot + (len(series) - 1) / 2
    axes.set_xticks(middles, list(values), fontsize=style.LABEL)
    axes.tick_params(axis="x", length=0)
    axes.tick_params(axis="y", labelsize=style.SMALL)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda height, _: f"{height:,.0f}"))
    axes.grid(axis="y", color="0.88", linewidth=0.8, zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
