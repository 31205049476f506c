"""Figures, checked through the objects of matplotlib: what is drawn where, in which look."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image

from emqs.datasets import Stack
from emqs.errors import ConfigError, DataError
from emqs.figures import curves, maps, sheets, style


def make_stack(*, labels: bool = True, pixel_size_nm: float | None = 5.0) -> Stack:
    """Four slices of noise; a structure of 30 x 20 pixels at row 40, column 60 of each."""
    rng = np.random.default_rng(0)
    slices = [rng.integers(0, 256, (120, 160), dtype=np.uint8) for _ in range(4)]
    marked = np.zeros((120, 160), dtype=np.uint8)
    marked[40:70, 60:80] = 1
    return Stack(
        "FAKE",
        slices,
        ["a", "b", "c", "a_rather_long_file_name_0003"],
        [marked] * 4 if labels else None,
        pixel_size_nm=pixel_size_nm,
        classes={1: "mitochondria"},
    )


def borders(axes: Axes) -> list[tuple[str, str, tuple[float, ...]]]:
    """Return colour, line and (left, top, width, height) of every border, halos left out."""
    return [
        (
            to_hex(p.get_edgecolor()).upper(),
            p.get_linestyle() if isinstance(p.get_linestyle(), str) else "other",
            (*p.get_xy(), p.get_width(), p.get_height()),
        )
        for p in axes.patches
        if isinstance(p, Rectangle) and p.get_label() != "_halo"
    ]


def image_axes(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.get_axes() if axes.images]


def make_curve(
    label: str = "vae", *, n: int = 200, seed: int = 0, chance: float | None = 0.3
) -> curves.Curve:
    rng = np.random.default_rng(seed)
    relevant = np.sort(rng.random(n) - 0.7 * np.linspace(1, 0, n)) < 0.1
    precision = np.cumsum(relevant) / np.arange(1, n + 1)
    recall = np.cumsum(relevant) / max(relevant.sum(), 1)
    return curves.Curve(label, recall, precision, 0.5, chance)


# --- precision-recall curves


def test_dots_lie_at_the_ranks_kept_when_patches_are_discarded() -> None:
    n = 1000
    curve = curves.Curve("a", np.linspace(0.001, 1, n), np.linspace(1, 0.2, n), 0.6)
    axes = curves.precision_recall([curve], title="t").axes[0]
    kept = [900, 800, 700, 600, 500, 400, 300, 200, 100, 10]  # by hand: 10, 20 ... 90, 99 %
    assert axes.lines[0].get_markevery() == kept  # the line begins before the first rank
    paper = curves.precision_recall([replace(curve, paper=True)], title="t").axes[0]
    assert paper.lines[0].get_markevery() == [rank - 1 for rank in kept]
    # dot of "90 % discarded" is rank 100: recall 0.1
    assert axes.lines[0].get_xdata()[kept[8]] == pytest.approx(0.1, abs=1e-3)
    assert axes.get_xlim()[0] == 0
    assert axes.get_ylim()[0] == 0


def test_dots_of_a_single_curve_carry_their_percentage() -> None:
    figure = curves.precision_recall([make_curve()], title="t")
    assert [t.get_text() for t in figure.axes[0].texts] == [
        f"{p} %"
        for p in (90, 80, 70, 60, 50, 40, 30, 20, 10, 1)  # kept
    ]


@pytest.mark.parametrize("shape", ["steep", "flat", "clumped", "diagonal"])
def test_labels_of_dots_never_overlap(shape: str) -> None:
    n = 500
    ramp = np.linspace(0.01, 1, n)
    recall, precision = {
        "steep": (np.minimum(1, 3 * ramp), 1 - 0.6 * ramp),
        "flat": (ramp, np.full(n, 1.0)),
        "clumped": (np.full(n, 1.0), np.full(n, 0.3)),
        "diagonal": (ramp, 1 - ramp),
    }[shape]
    figure = curves.precision_recall([curves.Curve("a", recall, precision, 0.5)], title="t")
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    axes = figure.axes[0]
    extents = [Text.get_window_extent(t, renderer) for t in axes.texts]  # without the leaders
    for i, one in enumerate(extents):
        assert axes.bbox.padded(2).containsx(one.x0)
        assert axes.bbox.padded(2).containsx(one.x1)
        assert axes.bbox.padded(2).containsy(one.y0)
        assert axes.bbox.padded(2).containsy(one.y1)
        for other in extents[:i]:
            assert not one.overlaps(other), (axes.texts[i].get_text(), one, other)


def test_chance_is_a_dotted_line_at_its_level_and_in_the_legend() -> None:
    axes = curves.precision_recall([make_curve(chance=0.25)], title="t").axes[0]
    line = axes.lines[-1]
    assert line.get_linestyle() == ":"
    assert list(line.get_ydata()) == [0.25, 0.25]
    assert [t.get_text() for t in axes.get_legend().get_texts()] == [
        "vae: 0.500",
        "chance: 0.250",
    ]
    assert axes.get_legend().get_title().get_text() == "Component AP"


@pytest.mark.parametrize("paper", [False, True])
def test_the_legend_says_what_lies_under_the_line(paper: bool) -> None:
    recall, precision = np.array([0.4, 0.4, 1.0]), np.array([1.0, 0.5, 2 / 3])
    area = 0.6 * 2 / 3 + (0.0 if paper else 0.4)
    curve = curves.Curve("a", recall, precision, area, paper=paper)
    axes = curves.precision_recall([curve], title="t").axes[0]
    x, y = (np.asarray(values) for values in axes.lines[0].get_data())
    assert np.sum(np.diff(x) * y[1:]) == pytest.approx(area)
    assert f"a: {area:.3f}" in [t.get_text() for t in axes.get_legend().get_texts()]
    assert ("rank 2" in axes.get_legend().get_title().get_text()) == paper


def test_without_a_chance_level_there_is_no_line() -> None:
    axes = curves.precision_recall([make_curve(chance=None)], title="t").axes[0]
    assert len(axes.lines) == 1
    assert curves.chance_levels([make_curve(chance=0.0), make_curve(chance=None)]) == [0.0]


def test_forty_curves_all_look_different_and_the_legend_lies_outside() -> None:
    many = [make_curve(f"point {i}", seed=i) for i in range(40)]
    figure = curves.precision_recall(many, title="t")
    axes = figure.axes[0]
    looks = {
        (to_hex(line.get_color()), str(line._unscaled_dash_pattern)) for line in axes.lines[:40]
    }
    assert len(looks) == 40
    figure.draw_without_rendering()
    legend = axes.get_legend()
    assert len(legend.get_texts()) == 41
    assert not legend.get_window_extent().overlaps(axes.get_window_extent())
    assert figure.bbox.x1 >= legend.get_window_extent().x1  # not cut off


def test_a_label_looks_the_same_on_every_dataset() -> None:
    groups = {"EPFL": [make_curve("ae"), make_curve("vae")], "VNC": [make_curve("vae")]}
    first, second = curves.combined_precision_recall(groups).axes
    assert (first.get_title(), second.get_title()) == ("EPFL", "VNC")
    assert first.lines[1].get_color() == second.lines[0].get_color()
    assert first.lines[0].get_color() != second.lines[0].get_color()


def test_curves_differ_in_colour_line_and_marker() -> None:
    looks = curves.LOOKS
    assert len(set(looks)) == len(looks)
    for one, other in itertools.pairwise(looks):
        assert all(a != b for a, b in zip(one, other, strict=True))


def test_numbers_stand_on_their_curves_apart_from_each_other_and_in_the_legend() -> None:
    x = np.linspace(0, 1, 101)
    lines = [np.stack([x, y], axis=1) for y in (np.full(101, 0.9), np.full(101, 0.9), 1 - x)]
    places = curves.place_tags(lines)
    np.testing.assert_allclose(places[:2, 1], 0.9)  # two curves of the same course
    assert places[2].sum() == pytest.approx(1)
    apart = np.linalg.norm(places[:, None] - places, axis=2)[np.triu_indices(3, 1)]
    assert apart.min() >= curves.TAG_APART
    assert abs(places[2, 1] - 0.9) > 0.19  # where it lies far from the others
    many = [make_curve(label, seed=n) for n, label in enumerate("abc")]
    figure = curves.combined_precision_recall({"one": many, "two": many[:0:-1]})
    for axes, labels in zip(figure.axes, ("abc", "cb"), strict=True):
        legend = axes.get_legend()
        assert legend is not None
        named = [text.get_text() for text in legend.get_texts()]
        numbers = [text.get_text() for text in axes.texts]
        assert numbers == [str("abc".index(label) + 1) for label in labels]
        for number, label, entry in zip(numbers, labels, named, strict=False):
            assert entry.startswith(f"{number}  {label}: ")


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({}, "no precision-recall curves to draw"),
        ({"EPFL": []}, "no precision-recall curves of 'EPFL'"),
        ({"EPFL": [make_curve("ae"), make_curve("ae")]}, "Two curves of 'EPFL' are called 'ae'"),
    ],
)
def test_groups_that_cannot_be_drawn(groups: dict[str, list[curves.Curve]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        curves.combined_precision_recall(groups)


@pytest.mark.parametrize(
    ("recall", "precision", "message"),
    [
        ([0.1, 0.2], [1.0], r"one shape \(N,\) with N > 0, got \(2,\) and \(1,\)"),
        ([], [], "N > 0"),
        ([0.1, np.nan], [1.0, 1.0], r"needs recall in \[0, 1\], got nan"),
        ([0.1, 0.2], [1.0, 50.0], r"needs precision in \[0, 1\], got 1 to 50"),
    ],
)
def test_curves_that_cannot_be_drawn(
    recall: list[float], precision: list[float], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        curves.Curve("a", np.array(recall), np.array(precision), 0.5)


# --- sheets


def ranked(stack: Stack) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    boxes = np.array(
        [[0, 40, 50, 40, 40], [1, 0, 0, 40, 40], [2, 50, 50, 40, 40], [3, 80, 120, 40, 40]]
    )
    return boxes, np.array([0.9, 0.5, 0.2, -0.1]), np.array([0.6, 0.0, 0.3, 0.0])


def test_sheet_marks_hits_solid_and_misses_dashed() -> None:
    stack = make_stack()
    figure = sheets.ranked_patches(stack, *ranked(stack), min_overlap=0.5, n_top=3, n_wrong=5)
    tiles = image_axes(figure)
    assert [axes.get_title() for axes in tiles] == [
        "#1, slice a", "#2, slice b", "#3, slice c",  # the best
        "#2, slice b", "#4, slice …ile_name_0003",  # the first wrong ones
    ]  # fmt: skip
    looks = [borders(axes)[0][:2] for axes in tiles]
    hit, part, miss = (style.GREEN, "-"), (style.BLUE, "other"), (style.VERMILLION, "--")
    assert looks == [hit, miss, part, miss, miss]
    assert tiles[0].get_xlabel() == "score 0.9\noverlap 60 %"
    words = [t.get_text() for t in figure.subfigs[-1].legends[0].get_texts()]
    assert words[:3] == ["overlap over 50 %", "less", "none"]
    assert tiles[2].get_xlabel() == "score 0.2\noverlap 30 %"


def test_sheet_without_wrong_patches_has_one_part() -> None:
    stack = make_stack()
    boxes, scores, overlap = ranked(stack)
    figure = sheets.ranked_patches(stack, boxes, scores, overlap + 0.1, min_overlap=0.5)
    assert len(image_axes(figure)) == 4
    assert not any("without" in s.get_suptitle() for s in figure.subfigs)


def test_sheet_refuses_arrays_of_different_length() -> None:
    stack = make_stack()
    boxes, scores, overlap = ranked(stack)
    with pytest.raises(DataError, match="got 4, 3 and 4"):
        sheets.ranked_patches(stack, boxes, scores[:3], overlap, min_overlap=0.5)


@pytest.mark.parametrize(
    ("box", "view"),
    [
        ([0, 40, 60, 20, 20], (50, 90, 30, 70)),  # in the middle: 10 pixels on every side
        ([0, 0, 0, 20, 20], (0, 40, 0, 40)),  # moved inwards at the upper left corner
        ([0, 110, 150, 10, 10], (140, 160, 100, 120)),  # and at the lower right one
        ([0, 0, 0, 120, 160], (0, 160, 0, 120)),  # never larger than the slice
    ],
)
def test_surroundings_stay_inside_the_slice(box: list[int], view: tuple[int, ...]) -> None:
    axes = style.new_figure(2, 2).add_subplot()
    stack = make_stack()
    sheets.draw_patch(axes, stack, np.array(box), style.HIT)
    left, right, top, bottom = view
    assert axes.images[0].get_extent() == [left - 0.5, right - 0.5, bottom - 0.5, top - 0.5]
    expected = stack.unit(0)[top:bottom, left:right]
    np.testing.assert_array_equal(axes.images[0].get_array(), expected)
    assert borders(axes)[0][2] == (box[2] - 0.5, box[1] - 0.5, box[4], box[3])


def test_all_views_of_a_sheet_have_the_scale_of_its_bar() -> None:
    stack = make_stack()
    boxes, scores, overlap = ranked(stack)
    boxes[0, 3:] = 10  # as at a corner of a slice
    found = sheets.ranked_patches(stack, boxes, scores, overlap, min_overlap=0.5)
    beside = sheets.retrieved(stack, boxes[:1], boxes[1:2], boxes, None, title="t")
    for figure in (found, beside):
        assert {axes.images[0].get_array().shape for axes in image_axes(figure)} == {(80, 80)}


@pytest.mark.parametrize("n_negative", [0, 1, 2])
def test_results_stand_beside_the_examples(n_negative: int) -> None:
    stack = make_stack()
    boxes = ranked(stack)[0]
    figure = sheets.retrieved(
        stack, boxes[:1], boxes[1 : 1 + n_negative], boxes, np.array([True, False, True, True]),
        title="t",
    )  # fmt: skip
    looks = [borders(axes)[0][:2] for axes in image_axes(figure)]
    positive, negative = (style.SKY_BLUE, "-"), (style.PURPLE, "other")
    hit, miss = (style.GREEN, "-"), (style.VERMILLION, "--")
    assert looks == [positive, *[negative] * n_negative, hit, miss, hit, hit]


def test_results_without_labels_are_neither_hit_nor_miss() -> None:
    stack = make_stack(labels=False)
    boxes = ranked(stack)[0]
    figure = sheets.retrieved(stack, boxes[:1], boxes[:0], boxes, None, title="t")
    assert {borders(axes)[0][0] for axes in image_axes(figure)[1:]} == {style.ORANGE}
    words = [t.get_text() for t in figure.subfigs[-1].legends[0].get_texts()]
    assert words == ["positive example", "result (no labels)"]


def test_results_need_an_example_and_matching_marks() -> None:
    stack = make_stack()
    boxes = ranked(stack)[0]
    with pytest.raises(DataError, match="got 0 and 4"):
        sheets.retrieved(stack, boxes[:0], boxes[:0], boxes, None, title="t")
    with pytest.raises(DataError, match="4 results, but 3 marks"):
        sheets.retrieved(stack, boxes[:1], boxes[:0], boxes, np.ones(3, dtype=bool), title="t")


def test_reconstructions_show_the_absolute_difference() -> None:
    rng = np.random.default_rng(0)
    originals, made = rng.random((2, 11, 16, 16)).astype(np.float32)
    shown = [a.images[0] for a in image_axes(sheets.reconstructions(originals, made)) if a.images]
    triples = [image for image in shown if image.get_array().shape == (16, 16)]
    assert len(triples) == 33
    # 8 in the first block of rows: originals, reconstructions, differences; then 3 more
    for start, row in ((0, originals[:8]), (8, made[:8]), (16, np.abs(originals - made)[:8])):
        for image, expected in zip(triples[start : start + 8], row, strict=True):
            np.testing.assert_allclose(image.get_array(), expected, atol=1e-6)


def test_reconstructions_refuse_different_shapes() -> None:
    with pytest.raises(DataError, match=r"got \(2, 8, 8\) and \(3, 8, 8\)"):
        sheets.reconstructions(np.zeros((2, 8, 8)), np.zeros((3, 8, 8)))


# --- maps


@pytest.mark.parametrize("seed", range(5))
def test_overlapping_patches_are_averaged_in_every_pixel(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 12, (9, 2))
    boxes = np.column_stack([np.zeros(9, int), corners, rng.integers(1, 8, (9, 2))])
    values = rng.normal(size=9)
    drawn = maps.spread((20, 21), boxes, values)
    for y in range(20):
        for x in range(21):
            covering = [
                v for (_, top, left, h, w), v in zip(boxes, values, strict=True)
                if top <= y < top + h and left <= x < left + w
            ]  # fmt: skip
            expected = np.mean(covering) if covering else np.nan
            assert drawn[y, x] == pytest.approx(expected, nan_ok=True)


def test_percentiles_count_lower_scores_and_share_ties() -> None:
    scores = np.array([1e-9, -5.0, 3e-9, 1e-9, 2e-9])
    expected = [
        100 * np.mean([(o < s) + 0.5 * (o == s) for j, o in enumerate(scores) if j != i])
        for i, s in enumerate(scores)
    ]
    np.testing.assert_allclose(maps.percentiles(scores), expected)
    assert maps.percentiles(np.array([7.0])).tolist() == [100.0]


def test_maps_show_evenly_spaced_searched_slices() -> None:
    stack = Stack("S", [np.zeros((40, 40), np.uint8)] * 10, [f"n{i}" for i in range(10)])
    boxes = np.array([[z, 0, 0, 40, 40] for z in (0, 2, 3, 5, 6, 9)])
    figure = maps.score_maps(stack, boxes, np.arange(6.0), structure=1)
    rows = [a.get_ylabel() for a in figure.axes if a.get_ylabel()]
    assert rows == ["slice n0", "slice n3", "slice n5", "slice n9"]
    heat = [a.images[1].get_array() for a in figure.axes[1:8:2]]  # over the slice
    assert [float(h[0, 0]) for h in heat] == [0, 40, 60, 100]


def test_maps_refuse_a_slice_that_was_not_searched() -> None:
    stack = make_stack()
    with pytest.raises(DataError, match="Slice 2 was not searched"):
        maps.score_maps(stack, ranked(stack)[0][:2], np.zeros(2), structure=1, slices=[0, 2])
    with pytest.raises(DataError, match="got 1 and 2"):
        maps.score_maps(stack, ranked(stack)[0][:2], np.zeros(1), structure=1)


def test_boxes_are_drawn_on_query_and_result_slice() -> None:
    stack = make_stack()
    boxes = np.array([[0, 10 * i, 5 * i, 30, 30] for i in range(6)])
    results = boxes + np.array([1, 0, 0, 0, 0])
    relevant = np.array([True, True, False, True, False, False])
    figure = maps.boxes_on_slices(
        stack, boxes[:2], boxes[2:5], results, relevant, title="t", structure=1
    )
    left, right = image_axes(figure)
    assert [b[0] for b in borders(left)].count(style.SKY_BLUE) == 2
    assert [b[0] for b in borders(left)].count(style.PURPLE) == 3
    dashed = {b[2] for b in borders(right) if b[1] == "--"}
    expected = [results[i] for i in (2, 4, 5)]
    assert dashed == {(x - 0.5, y - 0.5, w, h) for _, y, x, h, w in (b.tolist() for b in expected)}
    np.testing.assert_array_equal(right.images[0].get_array(), stack.unit(1))


def test_boxes_on_several_slices_are_refused() -> None:
    stack = make_stack()
    boxes = ranked(stack)[0]
    with pytest.raises(
        DataError, match="The examples must lie on one slice to be drawn on it, got 2"
    ):
        maps.boxes_on_slices(stack, boxes[:1], boxes[1:2], boxes[:1], None, title="t")


def test_numbers_of_crowded_results_do_not_cover_each_other() -> None:
    stack = make_stack()
    results = np.array([[1, y, x, 40, 40] for y in range(0, 30, 3) for x in range(0, 30, 3)])
    figure = maps.boxes_on_slices(stack, results[:1], results[:0], results, None, title="t")
    figure.draw_without_rendering()
    right = image_axes(figure)[1]
    numbers = [t for t in right.texts if t.get_text().isdigit()]
    assert numbers[0].get_text() == "1"
    extents = [t.get_window_extent() for t in numbers]
    assert not any(a.overlaps(b) for i, a in enumerate(extents) for b in extents[:i])


# --- what all share


@pytest.mark.parametrize(
    ("pixel_size_nm", "width", "length_px", "text"),
    [
        (5.0, 160, 40, "200 nm"),  # a third is 267 nm
        (5.0, 1024, 200, "1 µm"),
        (4.6, 80, 100 / 4.6, "100 nm"),
        (0.5, 100, 20, "10 nm"),
        (10.0, 3000, 1000, "10 µm"),
        (None, 160, 50, "50 px"),
    ],
)
def test_scale_bars_have_round_lengths(
    pixel_size_nm: float | None, width: int, length_px: float, text: str
) -> None:
    axes = style.new_figure(2, 2).add_subplot()
    style.show_grey(axes, np.zeros((50, width)), left=30)
    bar = style.scale_bar(axes, pixel_size_nm, width)
    start, end = bar.get_xdata()
    assert end - start == pytest.approx(length_px)
    assert 29.5 < start < end < 29.5 + width
    assert axes.texts[0].get_text() == text


def test_grey_images_are_never_stretched() -> None:
    axes = style.new_figure(2, 2).add_subplot()
    style.show_grey(axes, np.full((4, 4), 0.4))
    assert axes.images[0].get_clim() == (0, 1)
    with pytest.raises(DataError, match=r"must be in \[0, 1\], got 0 to 255"):
        style.show_grey(axes, np.array([[0.0, 255.0]]))
    with pytest.raises(DataError, match=r"shape \(Y, X\), got \(2, 3, 4\)"):
        style.show_grey(axes, np.zeros((2, 3, 4)))


@pytest.mark.parametrize(("top", "left"), [(5, 7), (0, 0), (14, 24)])  # inside, at two corners
def test_outlines_are_closed_and_enclose_the_mask(top: int, left: int) -> None:
    mask = np.zeros((20, 30), dtype=bool)
    mask[top : top + 6, left : left + 6] = True
    axes = style.new_figure(2, 2).add_subplot()
    style.show_grey(axes, np.zeros((20, 30)), left=100, top=50)
    lines = style.outline(axes, mask, left=100, top=50)
    assert lines is not None
    (polygon,) = lines.get_paths()[0].to_polygons()
    x, y = polygon.T
    area = 0.5 * abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))
    assert area == pytest.approx(36 - 4 / 8)  # the corners are cut by half a pixel each way
    assert (x.min(), x.max()) == (100 + left - 0.5, 100 + left + 5.5)
    assert axes.get_xlim() == (99.5, 129.5)
    assert style.outline(axes, np.zeros((20, 30), dtype=bool)) is None


def test_saving_writes_a_whole_png_of_150_dpi_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.figure.png"
    figure = style.new_figure(2, 1, title="t")
    assert style.save(figure, path) == path
    assert [p.name for p in path.parent.iterdir()] == ["a.figure.png"]
    with Image.open(path) as picture:
        assert picture.size == (300, 150)
        assert picture.info["dpi"] == pytest.approx((150, 150), abs=0.1)


def test_a_full_disk_leaves_the_old_file_and_no_part_of_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_a_part(self: Figure, path: Path, **_: object) -> None:
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(Figure, "savefig", write_a_part)
    with pytest.raises(OSError, match="No space left"):
        style.save(style.new_figure(2, 2), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_only_png_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must end in \.png, got '.*a\.jpg'"):
        style.save(style.new_figure(1, 1), tmp_path / "a.jpg")


def test_colours_of_classes_differ_and_repeat_only_after_eight() -> None:
    first = [style.class_colour(value) for value in range(9)]
    assert len(set(first)) == 9
    assert [style.class_colour(value) for value in range(9, 17)] == first[1:]
    assert style.class_marker(526) == style.class_marker(1 + 525 % 8)
