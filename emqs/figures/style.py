"""Colours, borders, scale bars and saving: what all figures share.

Colours are those of Okabe and Ito, which people with any common colour blindness can tell apart.
The original system drew hits green and misses red; here a hit is bluish green with a solid line, a
miss vermillion with a dashed line, and what only touches blue with long dashes, so that they differ
without colour too.
"""

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure as Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from emqs.errors import ConfigError, DataError
from emqs.files import replacing

BLACK, ORANGE, SKY_BLUE, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#999999"

# Label value to colour. The original used red 0, green 1, yellow 2, magenta 3, black 4, blue 5.
CLASS_COLOURS = (GREY, GREEN, ORANGE, PURPLE, BLACK, BLUE, SKY_BLUE, YELLOW, VERMILLION)
CLASS_MARKERS = ("o", "o", "s", "^", "D", "v", "P", "X", "*")  # a second cue beside the colour

TITLE, LABEL, SMALL = 12, 10, 8  # font sizes, points
DPI = 150
LETTERS = 11.5  # of a title that fit into an inch
NICE_LENGTHS = (1, 2, 5)  # times a power of ten: lengths of scale bars


@dataclass(frozen=True)
class Border:
    """How a box is drawn."""

    colour: str
    line: Literal["-", "--"] | tuple[float, tuple[float, float]]  # solid, dashed, or (0, (on, off))
    word: str  # for legends


HIT = Border(GREEN, "-", "mostly the structure")
PART = Border(BLUE, (0, (6.0, 1.5)), "touches it")  # long dashes
MISS = Border(VERMILLION, "--", "none of it")
POSITIVE = Border(SKY_BLUE, "-", "positive example")
NEGATIVE = Border(PURPLE, (0, (1.8, 1.0)), "negative example")  # short dashes
UNKNOWN = Border(ORANGE, "-", "result (no labels)")
SUGGESTED = Border(ORANGE, "-", "patch to label")
OUTLINE = YELLOW  # contour of the labelled structure
TEXT_HALO = [withStroke(linewidth=2.0, foreground=BLACK)]


def class_colour(value: int) -> str:
    """Return the colour of a label value; values above 8 use the colours of 1 to 8 again."""
    return CLASS_COLOURS[value if value < len(CLASS_COLOURS) else 1 + (value - 1) % 8]


def class_marker(value: int) -> str:
    """Return the marker of a label value; values above 8 use those of 1 to 8 again."""
    return CLASS_MARKERS[value if value < len(CLASS_MARKERS) else 1 + (value - 1) % 8]


def new_figure(width: float, height: float, *, title: str = "") -> Figure:
    """Return an empty figure.

    Args:
        width: In inches.
        height: In inches.
        title: Drawn above everything, on several lines where it is long; empty for none.
    """
    figure = Figure(figsize=(width, height), layout="compressed", facecolor="white")
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(textwrap.fill(title, int(width * LETTERS)), fontsize=TITLE)
    return figure


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as a PNG file of 150 dpi and close it.

    The file appears whole or not at all (temporary name, then renamed); folders are made.

    Args:
        figure: Emptied afterwards, so that a long sweep keeps no pictures in memory.
        path: Ends in ``.png``; an older file of this name is replaced.

    Returns:
        The path.

    Raises:
        ConfigError: If the name does not end in ``.png``.
    """
    if path.suffix != ".png":
        raise ConfigError(f"Figures are PNG files, so the name must end in .png, got '{path}'.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})
    figure.clear()
    return path


def show_grey(axes: Axes, image: np.ndarray, *, left: int = 0, top: int = 0) -> None:
    """Draw an image with 0 black and 1 white, never stretched, and without ticks.

    Args:
        axes: Where.
        image: Shape ``(Y, X)``, float in [0, 1].
        left: Column of the slice at which the image starts, so that boxes in slice coordinates fit.
        top: Row of the slice at which it starts.

    Raises:
        DataError: If it is no image in [0, 1].
    """
    if image.ndim != 2 or image.size == 0:
        raise DataError(f"An image to draw must have the shape (Y, X), got {image.shape}.")
    if not (image.min() >= 0 and image.max() <= 1):
        raise DataError(
            f"An image to draw must be in [0, 1], got {image.min():g} to {image.max():g}. "
            "Stack.unit(z) gives slices in this range."
        )
    height, width = image.shape
    extent = (left - 0.5, left + width - 0.5, top + height - 0.5, top - 0.5)
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, extent=extent)
    bare(axes)


def bare(axes: Axes) -> None:
    """Take ticks and their labels away."""
    axes.set_xticks([])
    axes.set_yticks([])


def outline(
    axes: Axes, mask: np.ndarray, *, left: int = 0, top: int = 0, colour: str = OUTLINE
) -> QuadContourSet | None:
    """Draw the outline of a structure, closed at the border of the image too.

    Args:
        axes: Where; its view stays as it is.
        mask: Shape ``(Y, X)``, bool.
        left: Column of the slice at which the mask starts.
        top: Row of the slice at which it starts.
        colour: Of the line.

    Returns:
        The lines, or None if the mask is empty.
    """
    if not mask.any():
        return None
    padded = np.pad(mask, 1).astype(np.float32)
    columns = np.arange(left - 1, left + mask.shape[1] + 1)
    rows = np.arange(top - 1, top + mask.shape[0] + 1)
    view = axes.get_xlim(), axes.get_ylim()
    lines = axes.contour(columns, rows, padded, levels=[0.5], colors=[colour], linewidths=1.0)
    axes.set_xlim(view[0])
    axes.set_ylim(view[1])
    return lines


def draw_box(axes: Axes, box: np.ndarray, border: Border, *, width: float = 2.0) -> Rectangle:
    """Draw the border of a patch, with a dark halo so that it shows on any grey.

    Args:
        axes: Shows a slice in its own pixel coordinates.
        box: ``(z, y, x, height, width)``.
        border: Colour and line.
        width: Of the line, in points.

    Returns:
        The rectangle in the border's colour; a black one lies below it.
    """
    _, y, x, height, columns = (int(v) for v in box)
    looks: tuple[tuple[Border, float, str], ...] = (
        (Border(BLACK, "-", ""), 1.75 * width, "_halo"),
        (border, width, border.word),
    )
    for look, points, label in looks:
        rectangle = Rectangle(
            (x - 0.5, y - 0.5), columns, height, fill=False,
            edgecolor=look.colour, linestyle=look.line, linewidth=points, label=label,
        )  # fmt: skip
        axes.add_patch(rectangle)
    return rectangle


def border_key(border: Border) -> Line2D:
    """Return an entry for a legend that explains a border."""
    return Line2D(
        [], [], color=border.colour, linestyle=border.line, linewidth=2.5, label=border.word
    )


def outline_key(name: str, colour: str = OUTLINE) -> Line2D:
    """Return an entry for a legend that explains the outline of a structure."""
    return Line2D(
        [], [], color=colour, linewidth=1.5, label=name, path_effects=[withStroke(linewidth=3)]
    )


def note(axes: Axes, text: str, *, y: float = 0.98, size: float = SMALL) -> None:
    """Write a short text into the upper left corner of an image, white with a dark halo."""
    axes.text(
        0.03, y, text, transform=axes.transAxes, color="white", fontsize=size,
        ha="left", va="top", path_effects=TEXT_HALO,
    )  # fmt: skip


def bar_length(pixel_size_nm: float | None, width_px: float) -> tuple[float, str]:
    """Return a round length for a scale bar, at most a third of an image wide.

    Args:
        pixel_size_nm: Edge of a pixel, nm; None if unknown.
        width_px: Width of the image, in pixels.

    Returns:
        The length in pixels, and its name: 1, 2 or 5 times a power of ten, in nm, µm (from 1000 nm)
        or, if the pixel size is unknown, px.
    """
    pixel = 1.0 if pixel_size_nm is None else pixel_size_nm
    longest = width_px * pixel / 3
    power = 10.0 ** np.floor(np.log10(longest))
    length = max(n * power for n in NICE_LENGTHS if n * power <= longest)
    if pixel_size_nm is None:
        return length, f"{length:g} px"
    text = f"{length:g} nm" if length < 1000 else f"{length / 1000:g} µm"
    return length / pixel, text


def scale_bar(axes: Axes, pixel_size_nm: float | None, image_width_px: float) -> Line2D:
    """Draw a scale bar with its length into the lower left corner.

    Args:
        axes: Shows an image whose columns are one unit wide, as ``show_grey`` draws it.
        pixel_size_nm: Edge of a pixel, nm; None if unknown, which draws a bar in pixels.
        image_width_px: Width of the image, in pixels.

    Returns:
        The bar, a line in data coordinates along x.
    """
    length, text = bar_length(pixel_size_nm, image_width_px)
    start = axes.get_xlim()[0] + 0.04 * image_width_px
    bar = Line2D(
        [start, start + length],
        [0.05, 0.05],
        transform=axes.get_xaxis_transform(),
        color="white",
        linewidth=3,
        solid_capstyle="butt",
        path_effects=[withStroke(linewidth=5, foreground=BLACK)],
    )
    axes.add_artist(bar)  # add_line would count it as data
    axes.annotate(
        text, (start, 0.05), xycoords=axes.get_xaxis_transform(), xytext=(0, 4),
        textcoords="offset points", color="white", fontsize=SMALL, ha="left", va="bottom",
        path_effects=TEXT_HALO,
    )  # fmt: skip
    return bar
