"""Maps of the embedding: points coloured by class, beside a slice whose patches they stand for.

Colours are those of ``style.CLASS_COLOURS``, which people with any common colour blindness can tell
apart, and classes differ by marker too. The original used red for the background, green, yellow,
magenta, black and blue for classes 1 to 5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import ConnectionPatch, Rectangle
from matplotlib.patheffects import withStroke

from emqs.errors import DataError
from emqs.figures import style

SLICES_TRIED = 5  # of which the one with the tidiest examples is drawn
DRAWS = 300  # random choices of example patches in each of them
CANDIDATES = 160  # patches of a slice that are looked at
TANGLE_COST = 0.7  # examples that one tangle of links must be worth
GAP = 0.1  # least distance of two examples on the map, relative to its height
MARGIN_PX = 6  # least distance of two examples in the image, pixels


@dataclass(frozen=True)
class LabelledMap:
    """Points of one map and what they stand for."""

    points: np.ndarray  # (N, 2), float: map coordinates
    classes: np.ndarray  # (N,), integer: label values, 0 background
    boxes: np.ndarray  # (N, 5), int64: (z, y, x, height, width), pixels
    names: Mapping[int, str] = field(default_factory=dict)  # label value to name

    def __post_init__(self) -> None:
        """Check that the three arrays belong together."""
        n = len(self.points)
        if self.points.shape != (n, 2) or len(self.classes) != n or len(self.boxes) != n or n == 0:
            raise DataError(
                "A map to draw needs points (N, 2) with as many classes and boxes, got "
                f"{self.points.shape}, {self.classes.shape} and {self.boxes.shape}."
            )


def class_name(names: Mapping[int, str], value: int) -> str:
    """Return the name of a label value; 0 is the background unless named otherwise."""
    return names.get(value, "background" if value == 0 else f"class {value}")


def richest_slices(map_: LabelledMap, most: int) -> list[int]:
    """Return slices that show most classes, then most patches of the rarest of them, best first."""
    values = np.unique(map_.classes)

    def richness(z: int) -> tuple[int, int]:
        chosen = map_.classes[map_.boxes[:, 0] == z]
        counts = [int((chosen == value).sum()) for value in values]
        return sum(c > 0 for c in counts), min(c for c in counts if c > 0)

    slices: list[int] = np.unique(map_.boxes[:, 0]).tolist()
    return sorted(slices, key=richness, reverse=True)[:most]


def choose_examples(
    map_: LabelledMap, shapes: Sequence[tuple[int, int]], per_class: int, *, seed: int = 0
) -> tuple[int, np.ndarray]:
    """Return a slice and a few of its patches whose links to their points are easy to follow.

    Chosen patches never overlap in the image and lie apart on the map. Of many random choices with
    these properties it is one that shows most classes, then has many patches but few links that
    cross each other or another's patch or point, then short links.

    Args:
        map_: The map.
        shapes: Height and width of each slice of the stack, in pixels.
        per_class: Most examples of one class; 0 for none.
        seed: 0 or more, of the choices.

    Returns:
        Slice number, and positions in ``map_.points``, int64.
    """
    generator = np.random.default_rng(seed)
    slices = richest_slices(map_, SLICES_TRIED)
    best, best_cost = (slices[0], np.empty(0, dtype=np.int64)), (0, 0.0, np.inf)
    for z in slices if per_class > 0 else []:
        pool = _pool(map_, z, shapes[z], generator)
        classes = map_.classes[pool]
        possible, tidy, lengths = _pairs(map_, pool, shapes[z])
        for attempt in range(DRAWS):
            allowed = possible & tidy if attempt % 2 else possible
            chosen = _draw(allowed, classes, per_class, generator)
            n_shown = len(np.unique(classes[chosen]))
            tangles = int((~tidy[np.ix_(chosen, chosen)]).sum()) / 2
            worth = len(chosen) - TANGLE_COST * tangles
            cost = (-n_shown, -worth, float(lengths[chosen].sum()))
            if cost < best_cost:
                best, best_cost = (z, pool[chosen]), cost
    return best


def _pool(
    map_: LabelledMap, z: int, shape: tuple[int, int], generator: np.random.Generator
) -> np.ndarray:
    """Return about ``CANDIDATES`` patches of a slice, classes alike, away from its scale bar."""
    chosen = generator.permutation(np.flatnonzero(map_.boxes[:, 0] == z))
    _, y, x, height, _ = map_.boxes[chosen].T
    behind = (x < 0.4 * shape[1]) & (y + height > 0.88 * shape[0])  # lower left corner
    chosen = chosen[np.argsort(behind, kind="stable")]  # taken only where there is no other
    values = np.unique(map_.classes[chosen])
    each = max(CANDIDATES // len(values), 1)
    return np.concatenate([chosen[map_.classes[chosen] == value][:each] for value in values])


def _draw(
    allowed: np.ndarray, classes: np.ndarray, per_class: int, generator: np.random.Generator
) -> np.ndarray:
    """Return random candidates of which all pairs are allowed, classes in turn."""
    free = np.ones(len(classes), dtype=bool)
    chosen: list[int] = []
    for value in np.tile(generator.permutation(np.unique(classes)), per_class).tolist():
        candidates = np.flatnonzero(free & (classes == value))
        if len(candidates) > 0:
            chosen.append(int(generator.choice(candidates)))
            free &= allowed[chosen[-1]]
    return np.array(chosen, dtype=np.int64)


def _pairs(
    map_: LabelledMap, pool: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which pairs of patches can be examples together, which of them tidily, and lengths.

    Measured on the paper: the map fills the unit square and the slice, of ``shape`` pixels, stands
    to its right, as high as the map; y points upwards. A link ends at the left edge of its patch.

    Returns:
        Pairs that lie apart in the image and on the map, and pairs whose links cross neither each
        other nor the other's patch or point, shape ``(n, n)`` each, bool; and the lengths of the
        links, shape ``(n,)``, in heights of the map.
    """
    lowest, highest = map_.points.min(axis=0), map_.points.max(axis=0)
    span = max(float((highest - lowest).max()), float(np.finfo(np.float32).tiny))
    starts = (map_.points[pool] - (lowest + highest) / 2) / span + 0.5
    _, y, x, height, width = map_.boxes[pool].T
    low = np.stack([1.05 + x / shape[0], 1.0 - (y + height) / shape[0]], axis=1)
    high = np.stack([1.05 + (x + width) / shape[0], 1.0 - y / shape[0]], axis=1)
    ends = np.stack([low[:, 0], (low[:, 1] + high[:, 1]) / 2], axis=1)
    margin = MARGIN_PX / shape[0]
    overlap = ((low[:, None] < high + margin) & (low < high[:, None] + margin)).all(axis=2)
    near = np.linalg.norm(starts[:, None] - starts, axis=2) < GAP
    passes = np.zeros_like(overlap)  # link i over patch or point j
    for step in np.linspace(0.0, 1.0, 60):
        on_link = (starts + (ends - starts) * step)[:, None]
        passes |= ((on_link > low - margin) & (on_link < high + margin)).all(axis=2)
        passes |= np.linalg.norm(on_link - starts, axis=2) < 0.3 * GAP
    np.fill_diagonal(passes, False)  # a link ends at its own patch
    tangled = passes | passes.T | _crossings(starts, ends)
    return ~(overlap | near), ~tangled, np.linalg.norm(ends - starts, axis=1)


def _crossings(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return which pairs of straight links cross, shape ``(n, n)``, bool; both ``(n, 2)``."""
    along = (ends - starts)[:, None]

    def side(points: np.ndarray) -> np.ndarray:
        """On which side of link i (rows) point j (columns) lies: -1, 0 or 1."""
        offset = points - starts[:, None]
        return np.asarray(np.sign(along[..., 0] * offset[..., 1] - along[..., 1] * offset[..., 0]))

    parted = side(starts) * side(ends) < 0
    return np.asarray(parted & parted.T)


def linked_map(
    map_: LabelledMap,
    image: np.ndarray,
    examples: np.ndarray,
    *,
    labels: np.ndarray | None = None,
    title: str = "",
    image_title: str = "",
    note: str = "",
    pixel_size_nm: float | None = None,
) -> Figure:
    """Draw a map beside a slice, with lines from example patches to their points.

    Args:
        map_: The map.
        image: The slice of the examples, shape ``(Y, X)``, float in [0, 1].
        examples: Positions in ``map_.points``, from ``choose_examples``.
        labels: Those of the slice, shape ``(Y, X)``, integer: classes of the map that are not the
            background are outlined in their colours; None: no outlines.
        title: Above the map.
        image_title: Above the slice.
        note: Small text below the map.
        pixel_size_nm: For the scale bar; None: in pixels.

    Returns:
        The figure, not yet written.
    """
    ratio = float(np.clip(image.shape[1] / image.shape[0], 0.4, 2.0))
    figure = style.new_figure(0.8 + 6.2 * (1 + ratio), 7.0)
    axes = figure.subplots(1, 2, width_ratios=[1.0, ratio], squeeze=False)
    left, right = axes[0, 0], axes[0, 1]
    _scatter(left, map_, size=_point_size(len(map_.points)))
    left.set_box_aspect(1.0)
    left.set_anchor("N")
    right.set_anchor("N")
    left.set_title(title, fontsize=style.TITLE, loc="left")
    left.set_xlabel(note, fontsize=style.SMALL, loc="left")
    style.show_grey(right, image)
    style.scale_bar(right, pixel_size_nm, image.shape[1])
    right.set_title(image_title, fontsize=style.TITLE, loc="left")
    if labels is not None:
        for value in np.unique(map_.classes[map_.classes > 0]).tolist():
            colour = style.class_colour(value)
            lines = style.outline(right, labels == value, colour=colour)
            if lines is not None:
                lines.set(linewidth=1.4, path_effects=_halo(colour, 3.0))
    for position in examples.tolist():
        _link(figure, left, right, map_, position)
    _legend(figure, map_)
    return figure


def _point_size(n: int) -> float:
    """Return the area of a marker in square points: smaller where there are more."""
    return float(np.clip(40_000 / n, 3.0, 20.0))


def _scatter(axes: Axes, map_: LabelledMap, *, size: float) -> None:
    """Draw the points, rare classes on top, without ticks: the numbers have no meaning."""
    values, counts = np.unique(map_.classes, return_counts=True)
    for value in values[np.argsort(-counts, kind="stable")].tolist():
        chosen = map_.classes == value
        larger = float(np.clip((0.2 * len(chosen) / chosen.sum()) ** 0.5, 1.0, 3.0))  # rare ones
        axes.scatter(
            map_.points[chosen, 0],
            map_.points[chosen, 1],
            s=size * larger,
            marker=style.class_marker(value),
            color=style.class_colour(value),
            linewidths=0,
            alpha=0.7,
            rasterized=True,
        )
    style.bare(axes)
    axes.set_aspect("equal", adjustable="datalim")
    for spine in axes.spines.values():
        spine.set_color(style.GREY)


def _link(figure: Figure, left: Axes, right: Axes, map_: LabelledMap, position: int) -> None:
    """Draw one example: a ring on the map, a box in the slice and a line between them."""
    value = int(map_.classes[position])
    colour = style.class_colour(value)
    _, y, x, height, width = map_.boxes[position].tolist()
    right.add_patch(
        Rectangle(
            (x - 0.5, y - 0.5), width, height,
            fill=False, edgecolor=colour, linewidth=2.5, path_effects=_halo(colour, 4.5),
        )
    )  # fmt: skip
    figure.add_artist(
        ConnectionPatch(
            xyA=tuple(map_.points[position]), coordsA=left.transData,
            xyB=(x - 0.5, y + height / 2 - 0.5), coordsB=right.transData,
            color=colour, linewidth=1.2,
            path_effects=[withStroke(linewidth=2.4, foreground="white")],
        )
    )  # fmt: skip
    left.scatter(
        map_.points[position, 0], map_.points[position, 1],
        s=55, marker=style.class_marker(value), color=colour,
        edgecolors="black", linewidths=1.0, zorder=5,
    )  # fmt: skip


def _halo(colour: str, width: float) -> list[withStroke]:
    """Return a black halo, which shows on any grey of a slice; a white one for what is black."""
    return [withStroke(linewidth=width, foreground="white" if colour == style.BLACK else "black")]


def _legend(figure: Figure, map_: LabelledMap) -> None:
    """Name the classes with their counts, below everything."""
    values, counts = np.unique(map_.classes, return_counts=True)
    handles = [
        Line2D(
            [], [], linestyle="none", markersize=8,
            marker=style.class_marker(value), color=style.class_colour(value),
            label=f"{class_name(map_.names, value)} ({count:,} patches)",
        )
        for value, count in zip(values.tolist(), counts.tolist(), strict=True)
    ]  # fmt: skip
    figure.legend(
        handles=handles, loc="outside lower left", ncols=min(len(handles), 6),
        fontsize=style.LABEL, frameon=False, handletextpad=0.2, columnspacing=1.5,
    )  # fmt: skip


def window_maps(
    maps: Sequence[LabelledMap], titles: Sequence[str], *, title: str = "", columns: int = 4
) -> Figure:
    """Draw a small map for each window of slices, and the map of all slices large beside them.

    Args:
        maps: One or more windows, then all slices, in this order.
        titles: Of each map.
        title: Above everything.
        columns: Small maps in one row.

    Returns:
        The figure, not yet written.
    """
    small, full = list(zip(maps, titles, strict=True))[:-1], maps[-1]
    columns = min(columns, max(len(small), 1))
    rows = -(-len(small) // columns)
    figure = style.new_figure(2.1 * columns + 2.2 * max(rows, 2) + 0.5, 2.2 * max(rows, 2) + 0.9)
    figure.suptitle(title, fontsize=style.TITLE)
    parts = figure.subfigures(1, 2, width_ratios=[2.1 * columns, 2.2 * max(rows, 2)], squeeze=False)
    grid = parts[0, 0].subplots(max(rows, 2), columns, squeeze=False)
    for axes in grid.flat[len(small) :]:
        axes.set_axis_off()
    for axes, (map_, name) in zip(grid.flat, small, strict=False):
        _scatter(axes, map_, size=_point_size(len(map_.points)) / 3)
        axes.set_title(name, fontsize=style.SMALL)
    large = parts[0, 1].subplots(1, 1, squeeze=False)[0, 0]
    _scatter(large, full, size=_point_size(len(full.points)))
    large.set_title(titles[-1], fontsize=style.LABEL)
    _legend(figure, full)
    return figure
