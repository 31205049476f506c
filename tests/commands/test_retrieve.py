"""Searches with a few examples: which are chosen, what is searched, what is shown and written."""

import csv
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import DictConfig
from PIL import Image
from scipy import ndimage
from support.composing import without_hydra

from emqs import retrieve as command
from emqs.datasets import Stack
from emqs.datasets.settings import DatasetConfig
from emqs.embedding.encode import embed
from emqs.errors import ConfigError, DataError
from emqs.models.compute import Compute
from emqs.models.opening import load_model
from emqs.models.settings import ModelConfig
from emqs.patches import boxes as patch_boxes
from emqs.patches.grid import make_grid
from emqs.patches.settings import PatchConfig
from emqs.retrieval import ranking
from emqs.retrieval import retrieve as retrieval
from emqs.retrieval.retrieve import Retrieval, retrieve
from emqs.retrieval.settings import IndexConfig, QueryConfig, RetrieveConfig
from emqs.runs.record import Run
from emqs.runs.settings import LoggerConfig
from emqs.settings import read

SIZE = 16
DISCS = [(16, 32), (48, 16), (80, 64)]  # first row and column of the patches that hold a disc


def make_stack(*, n_slices: int = 12, labels: bool = True) -> Stack:
    """Grey noise with three white discs a slice, each filling one patch of the 16-pixel grid."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    disc = y**2 + x**2 < 8**2
    slices, marks = [], []
    for _ in range(n_slices):
        image = rng.integers(90, 110, (104, 100), dtype=np.uint8)
        mark = np.zeros((104, 100), dtype=np.uint8)
        for top, left in DISCS:
            image[top : top + SIZE, left : left + SIZE][disc] = 230
            mark[top : top + SIZE, left : left + SIZE][disc] = 1
        slices.append(image)
        marks.append(mark)
    return Stack("DISCS", slices, [f"{z:03d}" for z in range(n_slices)], marks if labels else None)


def search(
    stack: Stack, settings: RetrieveConfig, *, stride: int = SIZE, **query: float
) -> Retrieval:
    """Search patches of the grid, each slice for itself."""
    return retrieve(
        stack,
        load_model(ModelConfig("pixels"), None),
        replace(settings, move=False, reach=settings.reach or 0),
        patch=PatchConfig(size=SIZE, stride=stride),
        query=QueryConfig(**query),
        index=IndexConfig(name="exact"),
        compute=Compute(device="cpu"),
    )


# --- patches around points


@pytest.mark.parametrize("size", [1, 4, 5])
def test_a_patch_around_a_point_is_whole_holds_it_and_is_centred_if_it_can_be(size: int) -> None:
    height, width = 9, 7
    for y in range(height):
        for x in range(width):
            ((z, top, left, h, w),) = patch_boxes.boxes_at(
                [[1, y, x]], [(3, 3), (height, width)], size, setting="s"
            ).tolist()
            assert (z, h, w) == (1, size, size)
            assert top <= y < top + size
            assert left <= x < left + size
            assert 0 <= top <= height - size
            assert 0 <= left <= width - size
            # of all patches that fit, none has its middle nearer to the point
            middle = size // 2
            assert abs(top + middle - y) == min(
                abs(t + middle - y) for t in range(height - size + 1)
            )
            assert abs(left + middle - x) == min(
                abs(t + middle - x) for t in range(width - size + 1)
            )


def test_a_slice_smaller_than_the_patch_cuts_it() -> None:
    boxes = patch_boxes.boxes_at([[0, 5, 19]], [(10, 20)], 12, setting="s")
    assert boxes.tolist() == [[0, 0, 8, 10, 12]]


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ([12, 0, 0], r"retrieve.positive has the point \[12,0,0\], but the slices are 0 to 11"),
        ([-1, 0, 0], "the slices are 0 to 11"),
        ([0, 104, 0], r"\(z, y, x\), but slice 0 has 104 rows \(y\) and 100 columns \(x\)"),
        ([0, 0, 100], "100 columns"),
        ([0, -1, 0], "104 rows"),
    ],
)
def test_points_outside_the_stack_are_named(point: list[int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        search(make_stack(), RetrieveConfig(positive=[[0, 1, 1], point]))


# --- which results are shown


def pixels_of(box: np.ndarray) -> set[tuple[int, int, int]]:
    z, y, x, height, width = box.tolist()
    return {(z, r, c) for r in range(y, y + height) for c in range(x, x + width)}


def random_boxes(seed: int, n: int = 60) -> np.ndarray:
    rng = np.random.default_rng(seed)
    corners = np.stack([rng.integers(0, top, n) for top in (2, 14, 14)], axis=1)
    return np.concatenate([corners, rng.integers(1, 7, (n, 2))], axis=1)


@pytest.mark.parametrize("seed", range(5))
def test_intersecting_boxes_share_a_pixel(seed: int) -> None:
    boxes = random_boxes(seed)
    expected = [bool(pixels_of(b) & pixels_of(boxes[0])) for b in boxes]
    assert patch_boxes.intersecting(boxes, boxes[0]).tolist() == expected


@pytest.mark.parametrize("seed", range(5))
def test_distinct_boxes_equal_the_definition(seed: int) -> None:
    boxes = random_boxes(seed)
    order = np.random.default_rng(seed).permutation(len(boxes))
    expected: list[int] = []
    for position in order.tolist():
        if not any(pixels_of(boxes[position]) & pixels_of(boxes[p]) for p in expected):
            expected.append(position)
    found = ranking.distinct(order, 8, lambda p: patch_boxes.intersecting(boxes, boxes[p]))
    assert len(expected) > 8
    assert found.tolist() == expected[:8]


@pytest.mark.parametrize("seed", range(10))
def test_every_component_is_shown_once_as_the_definition_says(seed: int) -> None:
    """Literal: walk down the ranking with sets of touched components, labelled afresh."""
    rng = np.random.default_rng(seed)
    labels = [ndimage.uniform_filter(rng.random((24, 24)), 5) > 0.53 for _ in range(2)]
    stack = Stack(
        "BLOBS",
        [rng.integers(0, 256, (24, 24), dtype=np.uint8) for _ in range(3)],
        ["a", "b", "c"],
        [m.astype(np.uint8) for m in labels] + [np.zeros((24, 24), np.uint8)],
    )
    settings = RetrieveConfig(
        positive=[[2, 12, 12]], distinct="components", n_results=9, move=False
    )
    result = retrieve(
        stack,
        load_model(ModelConfig("pixels"), None),
        settings,
        patch=PatchConfig(size=6, stride=3),
        query=QueryConfig(),
        index=IndexConfig(name="exact"),
    )
    components = [ndimage.label(m, np.ones((3, 3)))[0] for m in stack.labels or []]
    seen: set[tuple[int, int]] = set()
    expected = []
    for position in np.argsort(-result.searched_scores, kind="stable").tolist():
        z, y, x, h, w = result.searched[position].tolist()
        touched = {(z, int(c)) for c in np.unique(components[z][y : y + h, x : x + w]) if c > 0}
        if not touched & seen:
            expected.append(result.searched[position].tolist())
            seen |= touched
    assert result.boxes.tolist() == expected[:9]
    assert len(expected) < len(result.searched)  # the rule left something out


@pytest.mark.parametrize("reach", [1, 3])
@pytest.mark.slow
def test_with_reach_a_place_is_shown_once_across_slices(reach: int) -> None:
    stack = make_stack()
    settings = RetrieveConfig(positive=[[0, 24, 40]], n_results=9, reach=reach)
    found = search(stack, settings, stride=4)
    everyone = [*found.examples.positives, *found.boxes]
    for i, one in enumerate(everyone):
        for other in everyone[:i]:
            apart = (
                abs(int(one[0]) - int(other[0])) > reach
                or one[1] >= other[1] + other[3]
                or other[1] >= one[1] + one[3]
                or one[2] >= other[2] + other[4]
                or other[2] >= one[2] + one[4]
            )
            assert apart, (one, other)


@pytest.mark.parametrize(
    ("pixel_nm", "section_nm", "reach", "slices"),
    [
        (5, 20, None, 20),
        (4.6, 47.5, None, 7),
        (None, 20, None, 0),
        (5, None, None, 0),
        (5, 5, 2, 2),
    ],
)
def test_reach_is_as_deep_as_a_patch_is_wide(
    pixel_nm: float | None, section_nm: float | None, reach: int | None, slices: int
) -> None:
    stack = Stack("s", [], [], pixel_size_nm=pixel_nm, section_nm=section_nm)
    settings = RetrieveConfig(positive=[[0, 0, 0]], reach=reach)
    assert retrieval.slices_of_reach(stack, 80, settings) == slices


@pytest.mark.slow
def test_with_distinct_none_the_best_are_shown_and_ranks_count_all() -> None:
    stack = make_stack()
    everything = search(stack, RetrieveConfig(positive=[[0, 24, 40]], distinct="none"), stride=4)
    assert everything.ranks.tolist() == list(range(1, 13))
    apart = search(stack, RetrieveConfig(positive=[[0, 24, 40]], n_results=30), stride=4)
    order = np.argsort(-apart.searched_scores, kind="stable")
    assert apart.searched[order[apart.ranks - 1]].tolist() == apart.boxes.tolist()
    for one in range(len(apart.boxes)):
        assert patch_boxes.intersecting(apart.boxes, apart.boxes[one]).sum() == 1


# --- what is found


def test_one_point_on_a_disc_finds_all_other_discs() -> None:
    result = search(make_stack(labels=False), RetrieveConfig(positive=[[0, 24, 40]], n_results=35))
    assert result.examples.positives.tolist() == [[0, 16, 32, 16, 16]]
    found = {(z, y, x) for z, y, x, _, _ in result.boxes.tolist()}
    discs = {(z, y, x) for z in range(12) for y, x in DISCS}
    assert found == discs - {(0, 16, 32)}
    assert result.overlap is None
    assert result.metrics["precision_touch"] is None


def test_the_score_is_that_of_the_paper_and_without_negatives_exp_of_minus_d() -> None:
    stack = make_stack()
    model = load_model(ModelConfig("pixels"), None)
    for negative in (None, [[1, 8, 8], [1, 90, 8]]):
        result = search(stack, RetrieveConfig(positive=[[0, 24, 40]], negative=negative))
        codes = embed(model, stack, result.searched).astype(np.float64)

        def distance(boxes: np.ndarray, codes: np.ndarray = codes) -> np.ndarray:
            examples = embed(model, stack, boxes).astype(np.float64)
            return np.linalg.norm(codes[:, None] - examples[None], axis=2).min(axis=1)

        expected = np.exp(-distance(result.examples.positives))
        if negative is not None:
            expected -= np.exp(-distance(result.examples.negatives))
        np.testing.assert_allclose(result.searched_scores, expected, rtol=1e-9, atol=1e-15)


def test_precision_counts_the_results_shown() -> None:
    result = search(make_stack(), RetrieveConfig(positive=[[0, 24, 40]], n_results=70))
    assert result.overlap is not None
    assert result.metrics["precision_touch"] == pytest.approx(35 / 70)  # by hand: 3 * 12 - 1 discs
    n_searched = 12 * 7 * 7 - 1
    assert result.metrics["n_searched_patches"] == n_searched
    assert result.metrics["chance_touch"] == pytest.approx(35 / n_searched)
    assert result.metrics["chance_overlap"] == pytest.approx(35 / n_searched)


# --- which examples are drawn and what is searched


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_drawn_examples_are_whole_and_show_the_structure_or_none(seed: int) -> None:
    stack = make_stack()
    settings = RetrieveConfig(n_positive=8, n_negative=5, seed=seed, exclude="slices")
    result = search(stack, settings, batch_size=5)  # query slices 2, 7 and 10
    assert result.examples.slices.tolist() == [2, 7, 10]
    assert set(np.unique(result.searched[:, 0])) == set(range(12)) - {2, 7, 10}
    labels = stack.labels or []
    for boxes, kept in (
        (result.examples.positives, lambda share: share > 0.5),
        (result.examples.negatives, lambda share: share == 0),
    ):
        for z, y, x, h, w in boxes.tolist():
            assert (h, w) == (SIZE, SIZE)
            assert z in (2, 7, 10)
            assert kept(labels[z][y : y + h, x : x + w].mean())
    again = search(stack, settings, batch_size=5)
    assert again.examples.positives.tolist() == result.examples.positives.tolist()


@pytest.mark.slow
def test_the_seed_decides_the_draw() -> None:
    drawn = {
        search(make_stack(), RetrieveConfig(seed=s), batch_size=3).examples.positives.tobytes()
        for s in range(8)
    }
    assert len(drawn) > 1


def test_at_most_all_candidates_are_drawn_and_a_warning_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        result = search(make_stack(), RetrieveConfig(query_slice=4, n_positive=100))
    assert sorted(result.examples.positives[:, :3].tolist()) == [[4, *disc] for disc in DISCS]
    assert len(result.examples.positives) == 3
    assert "only 3 positive examples qualify, 100 asked for" in caplog.text


def test_only_patches_that_overlap_an_example_are_left_out() -> None:
    stack = make_stack()
    settings = RetrieveConfig(positive=[[0, 24, 40]], negative=[[1, 8, 8]])
    result = search(stack, settings, stride=8)
    grid = make_grid(stack, PatchConfig(size=SIZE, stride=8))
    examples = pixels_of(np.array([0, 16, 32, 16, 16])) | pixels_of(np.array([1, 0, 0, 16, 16]))
    expected = [box.tolist() for box in grid if not pixels_of(box) & examples]
    assert result.searched.tolist() == expected


@pytest.mark.parametrize(("query_slice", "offset", "target"), [(1, 7, 8), (6, 7, None), (9, 7, 2)])
def test_one_slice_is_searched_later_or_earlier_at_the_end(
    query_slice: int, offset: int, target: int | None
) -> None:
    settings = RetrieveConfig(query_slice=query_slice, slice_offset=offset)
    if target is None:
        with pytest.raises(ConfigError, match="leads out of the 12 slices both ways"):
            search(make_stack(), settings)
    else:
        assert set(search(make_stack(), settings).searched[:, 0]) == {target}


def test_with_an_offset_examples_come_from_the_query_slice_that_shows_most() -> None:
    stack = make_stack()
    labels = [mark.copy() for mark in stack.labels or []]
    labels[2][:60], labels[10][:60] = 0, 0  # one disc left; slice 7 keeps three
    poorer = Stack("DISCS", stack.slices, stack.slice_names, labels)
    result = search(poorer, RetrieveConfig(slice_offset=1), batch_size=5)
    assert result.examples.slices.tolist() == [7]
    assert set(result.searched[:, 0]) == {8}


# --- mistakes


@pytest.mark.parametrize(
    ("settings", "labels", "error", "message"),
    [
        ({}, False, DataError, "DISCS has no labels, so no examples can be drawn"),
        (
            {"positive": [[0, 24, 40]], "distinct": "components"},
            False, DataError, "retrieve.distinct=components needs labels, and DISCS has none",
        ),
        ({"query_slice": 12}, True, ConfigError, "query_slice must be from 0 to 11, got 12"),
        (
            {"positive": [[0, 24, 40], [1, 24, 40]], "slice_offset": 1},
            True, ConfigError, r"examples on one slice, but they lie on \[0, 1\]",
        ),
        (
            {"positive": [[z, 24, 40] for z in range(12)], "exclude": "slices"},
            True, DataError, "Nothing is left to search: the examples take all 12 slices",
        ),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_the_stack(
    settings: dict[str, Any], labels: bool, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        search(make_stack(labels=labels), RetrieveConfig(**settings))


def test_a_structure_that_is_not_there_is_named_with_the_slices() -> None:
    with pytest.raises(
        DataError, match=r"No whole patch qualifies .* \(structure 9 .* slices 5, 10"
    ):
        search(make_stack(), RetrieveConfig(), structure=9)
    with pytest.raises(ConfigError, match="num_neighbors is 3, but there are only 1 positive"):
        search(make_stack(), RetrieveConfig(), num_neighbors=3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_results": 0}, "retrieve.n_results must be at least 1, got 0"),
        ({"exclude": "all"}, "retrieve.exclude must be one of patches, slices, got 'all'"),
        ({"distinct": "yes"}, "retrieve.distinct must be one of boxes, components, none"),
        ({"positive": []}, "retrieve.positive is empty"),
        ({"negative": [[0, 1, 2]]}, "retrieve.negative is given without retrieve.positive"),
        ({"positive": [0, 1, 2]}, r"list of voxels in whole numbers, .*, got \[0, 1, 2\]"),
        ({"positive": [[0, 1]]}, r"got \[\[0, 1\]\]"),
        ({"positive": [[0, 1, 2.5]]}, r"got \[\[0, 1, 2.5\]\]"),
        ({"slice_offset": 0}, "retrieve.slice_offset must not be 0"),
    ],
)
def test_settings_that_contradict_themselves(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RetrieveConfig(**settings)


# --- the command


def composed(*overrides: str) -> DictConfig:
    toy = ("dataset.toy.n_slices=11", "dataset.toy.height=256", "dataset.toy.width=256")
    base = (*toy, "model=pixels", "index=exact", "device=cpu")
    return without_hydra("retrieve", *base, *overrides)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("experiment", "expected"),
    [
        ("single_query", {"n_positive": 1, "n_negative": 1, "patch_size_px": 80}),
        ("two_queries", {"n_positive": 2, "n_negative": 2, "patch_size_px": 80}),
        ("multiple_queries", {"n_results": 25, "patch_size_px": 85, "patch_stride_px": 21}),
    ],
)
def test_experiments_write_what_they_found(
    experiment: str, expected: dict[str, int], tmp_path: Path
) -> None:
    # the small toy stack has few whole patches of mitochondria, so less overlap is asked for
    figures = experiment != "two_queries"  # drawn by the code that draws single_query
    cfg = composed(f"experiment={experiment}", "query.min_overlap=0.2", f"figures={figures}")
    with Run(tmp_path, command="retrieve", settings={}, logger=LoggerConfig()) as run:
        precision = command.work(cfg, run)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert {key: metrics[key] for key in expected} == expected
    with (tmp_path / "matches.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["rank"]) for row in rows] == list(range(1, metrics["n_results"] + 1))
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    hits = [float(row["overlap"]) > 0 for row in rows]
    assert precision == metrics["precision_touch"] == pytest.approx(np.mean(hits))
    with (tmp_path / "examples.csv").open() as stream:
        examples = list(csv.DictReader(stream))
    kinds = [row["label"] for row in examples]
    assert kinds.count("positive") == metrics["n_positive"]
    assert kinds.count("negative") == metrics["n_negative"]
    assert not {row["z"] for row in examples} & {row["z"] for row in rows}
    for name in ("results.png", "score_maps.png") if figures else ():
        with Image.open(tmp_path / name) as picture:
            assert min(picture.size) > 300


@pytest.mark.slow
def test_documented_parameters_of_the_experiments() -> None:
    single, two, many = (
        composed(f"experiment={e}") for e in ("single_query", "two_queries", "multiple_queries")
    )
    assert single.retrieve.seed == two.retrieve.seed == many.retrieve.seed == 42
    assert single.retrieve.distinct == two.retrieve.distinct == "components"
    assert single.retrieve.full_size
    assert two.retrieve.full_size
    assert 10 <= single.retrieve.n_results <= 12
    assert (many.patch.size, many.patch.stride) == (85, 85 // 4)
    assert (many.query.num_neighbors, many.query.min_overlap) == (7, 0.3)
    assert (many.retrieve.n_positive, many.retrieve.n_negative) == (100, 100)
    assert (many.retrieve.slice_offset, many.retrieve.n_results) == (7, 25)


def test_the_settings_file_and_the_dataclass_have_the_same_defaults() -> None:
    cfg = composed()
    assert RetrieveConfig(**cfg.retrieve) == RetrieveConfig()


def test_examples_in_nm_need_the_sizes_of_the_dataset(tmp_path: Path) -> None:
    (tmp_path / "nm.csv").write_text("z_nm,y_nm,x_nm,label\n47.5,4048,2419.6,positive\n")
    cfg = without_hydra("retrieve", "dataset=VNC", f"examples={tmp_path / 'nm.csv'}")
    dataset = read(DatasetConfig, cfg.dataset, "dataset")
    settings = read(RetrieveConfig, cfg.retrieve, "retrieve")
    assert command.with_examples(cfg, settings, dataset).positive == [[1, 880, 526]]
    with pytest.raises(DataError, match=r"nm\.csv gives places in nm, and the voxel size"):
        command.with_examples(cfg, settings, replace(dataset, section_nm=None))
