"""Which patches to label next: laws, and arrangements where the answer is known."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from PIL import Image

from emqs import retrieve as command
from emqs.datasets import Stack
from emqs.errors import ConfigError, DataError
from emqs.figures import sheets
from emqs.models.compute import Compute
from emqs.models.opening import load_model
from emqs.models.settings import ModelConfig
from emqs.patches.boxes import boxes_at, intersecting, middles
from emqs.patches.settings import PatchConfig
from emqs.retrieval import suggestions
from emqs.retrieval.retrieve import retrieve
from emqs.retrieval.settings import IndexConfig, QueryConfig, RetrieveConfig
from emqs.retrieval.suggestions import suggest
from emqs.runs.record import Run
from emqs.runs.settings import LoggerConfig
from emqs.settings import CONFIG_DIR

NONE = np.empty((0, 2), dtype=np.float32)


def directions(*degrees: float) -> np.ndarray:
    """Codes of length 1 in these directions, shape (N, 2)."""
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def codes_of(seed: int, n: int, d: int = 8) -> np.ndarray:
    codes = np.random.default_rng(seed).normal(size=(n, d))
    return (codes / np.linalg.norm(codes, axis=1, keepdims=True)).astype(np.float32)


# --- laws


@pytest.mark.parametrize("seed", range(5))
def test_suggestions_are_distinct_and_the_same_every_time(seed: int) -> None:
    codes, examples = codes_of(seed, 80), codes_of(seed + 100, 4)
    chosen = suggest(codes, examples, 12)
    assert chosen.dtype == np.int64
    assert len(set(chosen.tolist())) == 12
    assert suggest(codes, examples, 12).tolist() == chosen.tolist()
    assert suggest(codes, examples, 5).tolist() == chosen[:5].tolist()  # more go on where few end
    assert suggest(codes, examples[::-1].copy(), 12).tolist() == chosen.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_codes_of_examples_are_never_suggested(seed: int) -> None:
    codes = codes_of(seed, 30)
    labelled = [0, 3, 4, 11]
    chosen = suggest(codes, codes[labelled], 30)
    assert len(chosen) == 26
    assert not set(chosen.tolist()) & set(labelled)
    assert len(suggest(codes, codes, 5)) == 0  # nothing is left to learn


@pytest.mark.parametrize("seed", range(5))
def test_of_equal_codes_at_most_one_is_suggested(seed: int) -> None:
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(np.arange(10), 6))
    chosen = suggest(codes_of(seed, 10)[group], codes_of(seed + 100, 2), 30)
    assert sorted(group[chosen].tolist()) == list(range(10))


def test_each_choice_is_the_best_of_all_as_the_definition_says() -> None:
    """Literal: try every candidate, sum what is told of each other one, with loops."""
    codes, examples = codes_of(1, 25), codes_of(2, 3)

    def told(labelled: list[np.ndarray], fall: float) -> float:
        total = 0.0
        for rank, code in enumerate(codes.astype(np.float64), start=1):
            nearest = min(float(np.sum((code - other) ** 2)) for other in labelled)
            total += rank**-fall * np.exp(-nearest / (2 * suggestions.WIDTH**2))
        return total

    labelled = list(examples.astype(np.float64))
    for number, found in enumerate(suggest(codes, examples, 6).tolist()):
        fall = suggestions.FALLS[number % 5]
        values = [told([*labelled, code], fall) for code in codes.astype(np.float64)]
        assert values[found] == pytest.approx(max(values), rel=1e-6)
        labelled.append(codes[found].astype(np.float64))


def test_the_unit_of_codes_does_not_matter() -> None:
    codes, examples = codes_of(3, 40), codes_of(4, 3)
    assert suggest(codes * 64, examples * 64, 8).tolist() == suggest(codes, examples, 8).tolist()


@pytest.mark.parametrize(("n_codes", "n", "expected"), [(0, 5, 0), (3, 0, 0), (3, 5, 3), (1, 1, 1)])
def test_few_candidates_or_none_wanted(n_codes: int, n: int, expected: int) -> None:
    assert len(suggest(codes_of(0, n_codes), codes_of(9, 1), n)) == expected


# --- arrangements where the answer is known


def test_a_dense_group_comes_before_a_lonely_patch_of_the_same_rank() -> None:
    lonely, dense = directions(180), directions(85, 88, 90, 92, 95)
    codes = np.concatenate([lonely, dense])
    assert suggest(codes, directions(0), 1)[0] > 0


def test_the_third_choice_looks_at_all_ranks_alike() -> None:
    """Three small groups in front, a larger one behind; all at right angles.

    Rank r counts 1 / r at first: the groups in front weigh 1.39, 0.83 and 0.61, that behind 0.55.
    """
    kind = np.array([0, 1, 2] * 3 + [3] * 7)
    chosen = suggest(np.eye(4, dtype=np.float32)[kind], np.empty((0, 4), np.float32), 4)
    assert kind[chosen].tolist() == [0, 1, 3, 2]


def test_each_group_is_asked_about_once_before_any_is_asked_twice() -> None:
    codes = directions(88, 90, 92, 178, 180, 182, 268, 270, 272)
    chosen = suggest(codes, directions(0), 3)
    assert sorted((chosen // 3).tolist()) == [0, 1, 2]


def test_what_is_like_an_example_is_asked_about_last() -> None:
    codes = directions(1, 120, 240)  # the best ranked is all but known
    assert suggest(codes, directions(0), 3).tolist() == [1, 2, 0]


def test_of_two_equally_new_patches_the_better_ranked_comes_first() -> None:
    assert suggest(directions(90, 270), directions(0), 2).tolist() == [0, 1]
    assert suggest(directions(270, 90), directions(0), 2).tolist() == [0, 1]


def test_without_examples_the_middle_of_all_comes_first() -> None:
    assert suggest(directions(-40, 0, 40), NONE, 1).tolist() == [1]


def test_rivals_of_a_choice_are_left_out() -> None:
    codes = directions(90, 180, 270)
    chosen = suggest(codes, directions(0), 3, rivals=lambda p: np.arange(3) == (p + 1) % 3)
    first = suggest(codes, directions(0), 1)[0]
    assert chosen.tolist() == [first, (first + 2) % 3]


# --- in a search

SIZE = 16


def make_stack() -> Stack:
    """Grey noise; in every slice a white and a black patch, each a few times."""
    rng = np.random.default_rng(0)
    slices = []
    for _ in range(4):
        image = rng.integers(90, 110, (100, 100), dtype=np.uint8)
        for row, column, value in ((0, 0, 240), (1, 3, 240), (3, 1, 240), (2, 4, 10), (4, 2, 10)):
            image[SIZE * row : SIZE * (row + 1), SIZE * column : SIZE * (column + 1)] = value
        slices.append(image)
    return Stack("PATCHES", slices, list("abcd"), None)


@pytest.mark.parametrize("dense", [False, True])
def test_suggestions_of_a_search_are_whole_searched_patches_that_share_no_pixel(
    dense: bool,
) -> None:
    settings = RetrieveConfig(positive=[[0, 8, 8]], negative=[[0, 40, 40]], suggestions=6)
    results = [
        retrieve(
            make_stack(),
            load_model(ModelConfig("pixels"), None),
            settings,
            patch=PatchConfig(size=SIZE, stride=SIZE // 2),
            query=QueryConfig(dense=dense),
            index=IndexConfig(name="exact"),
            compute=Compute(device="cpu"),
        )
        for _ in range(2)
    ]
    chosen = results[0].suggested
    assert results[1].suggested.tolist() == chosen.tolist()
    boxes = results[0].searched[chosen]
    assert len(boxes) == 6 == results[0].metrics["n_suggestions"]
    assert (boxes[:, 3:] == SIZE).all()
    examples = np.concatenate([results[0].examples.positives, results[0].examples.negatives])
    for number, box in enumerate(boxes):
        assert not intersecting(examples, box).any()
        assert intersecting(boxes, box).tolist() == [i == number for i in range(6)]
    again = boxes_at(middles(boxes).tolist(), [(100, 100)] * 4, SIZE, setting="s")
    assert again.tolist() == boxes.tolist()  # the points that are printed name these patches


@pytest.mark.slow
def test_the_command_writes_and_draws_suggestions_or_none(tmp_path: Path) -> None:
    toy = ("dataset.toy.n_slices=3", "dataset.toy.height=256", "dataset.toy.width=256")
    common = (*toy, "model=histogram", "query.dense=false", "query.min_overlap=0.2", "device=cpu")
    for number in (3, 0):
        with initialize_config_dir(version_base="1.3", config_dir=str(CONFIG_DIR)):
            cfg = compose("retrieve", [*common, f"retrieve.suggestions={number}"])
        folder = tmp_path / str(number)
        with Run(folder, command="retrieve", settings={}, logger=LoggerConfig()) as run:
            command.work(cfg, run)
    assert not list((tmp_path / "0").glob("suggestions*"))
    with (tmp_path / "3" / "suggestions.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["order"] for row in rows] == ["1", "2", "3"]
    for row in rows:
        assert row["label"] == ""
        assert row["why"].startswith("like many")
        assert [float(row[name]) for name in "zyx"] == [
            int(row["box_z"]), int(row["box_y"]) + 39.5, int(row["box_x"]) + 39.5
        ]  # fmt: skip
    with Image.open(tmp_path / "3" / "suggestions.png") as picture:
        assert min(picture.size) > 200


def test_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match=r"retrieve\.suggestions must be at least 0, got -1"):
        RetrieveConfig(suggestions=-1)
    with pytest.raises(
        ConfigError, match=r"\[0, 1, 2\] is in retrieve\.positive and in retrieve\.neg"
    ):
        RetrieveConfig(positive=[[0, 1, 2], [0, 1, 3]], negative=[[0, 1, 2]])
    boxes = np.zeros((2, 5), dtype=np.int64)
    with pytest.raises(DataError, match="at least one, got 2, 1 and 2"):
        sheets.suggested(make_stack(), boxes, np.zeros(1), boxes[:, :3], title="t")
