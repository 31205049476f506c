"""Results that are things: counted once across slices, whole, and where they score best."""

import csv
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir

from emqs import retrieve as command
from emqs.datasets import Stack
from emqs.errors import DataError
from emqs.models.compute import Compute
from emqs.models.opening import load_model
from emqs.models.settings import ModelConfig
from emqs.patches import blank
from emqs.patches.grid import grid as patch_grid
from emqs.patches.settings import PatchConfig
from emqs.retrieval import examples_file, places, things
from emqs.retrieval.retrieve import Retrieval, retrieve
from emqs.retrieval.settings import IndexConfig, QueryConfig, RetrieveConfig
from emqs.runs.names import split
from emqs.runs.record import Run
from emqs.runs.settings import LoggerConfig
from emqs.settings import CONFIG_DIR

SIZE = 16


def discs(middles: dict[int, list[tuple[int, int]]], *, padded: int = 0) -> Stack:
    """Ten slices of noise with white discs around the middles named for each slice."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:100, :120]
    slices = []
    for z in range(10):
        image = rng.integers(90, 110, (100, 120), dtype=np.uint8)
        for row, column in middles.get(z, []):
            inside = (y - row) ** 2 + (x - column) ** 2 < 7**2
            image[inside] = rng.integers(220, 240, inside.sum())
        image[:padded] = 0
        slices.append(image)
    return Stack("DISCS", slices, [f"s{z}" for z in range(10)])


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def searched(stack: Stack, *points: list[int], **settings: object) -> Retrieval:
    return retrieve(
        stack,
        load_model(ModelConfig("histogram"), None),
        RetrieveConfig(positive=list(points), **settings),  # type: ignore[arg-type]
        patch=PatchConfig(size=SIZE),
        query=QueryConfig(dense=True, smooth=0.0, smooth_z=0.0),
        index=IndexConfig(name="exact"),
        compute=Compute(device="cpu"),
    )


COLUMN = {z: [(24, 40), (70, 90)] for z in range(7)}  # two discs through seven slices
COLUMN[8] = [(51, 23)]  # and one in a single slice, off the grid


@pytest.mark.slow
def test_a_thing_that_goes_through_slices_is_one_result_and_its_slices_are_counted() -> None:
    found = searched(discs(COLUMN), [2, 24, 40], n_results=2)
    assert found.n_slices is not None
    middles = [tuple(m) for m in np.round(places.middles(found.boxes))[:, 1:].tolist()]
    near = [min(np.hypot(y - a, x - b) for a, b in ((70, 90), (51, 23))) for y, x in middles]
    assert max(near) < 4.5  # moved to the discs, and none of them is that of the example
    spans = dict(zip(found.boxes[:, 0].tolist(), found.n_slices.tolist(), strict=True))
    assert spans[8] == 1
    assert sorted(spans.values()) == [1, 7]


@pytest.mark.slow
def test_slices_that_do_not_follow_each_other_hold_things_of_their_own() -> None:
    stack = discs(COLUMN)
    apart = Stack("DISCS", stack.slices, stack.slice_names, consecutive=False)
    found = searched(apart, [2, 24, 40], n_results=8)
    assert found.n_slices is not None
    assert set(found.n_slices.tolist()) == {1}
    assert len(set(found.boxes[:, 0].tolist())) > 4  # the same places, slice by slice


@pytest.mark.slow
def test_results_are_whole_share_no_pixel_and_stay_in_their_slice() -> None:
    found = searched(discs(COLUMN), [2, 24, 40], n_results=30)
    assert (found.boxes[:, 3:] == SIZE).all()
    ends = found.boxes[:, 1:3] + found.boxes[:, 3:]
    assert (found.boxes[:, 1:3] >= 0).all()
    assert (ends <= [100, 120]).all()
    assert np.all(np.diff(found.scores) <= 0)
    every = np.concatenate([found.boxes, found.examples.positives])
    for i, a in enumerate(every):
        for b in every[:i]:
            touching = np.all((a[1:3] < b[1:3] + SIZE) & (b[1:3] < a[1:3] + SIZE))
            assert a[0] != b[0] or not touching


@pytest.mark.slow
def test_the_place_of_a_thing_shows_nothing_else_in_any_slice_it_goes_through() -> None:
    column = {z: [(24, 40), (39 + z // 3, 88), (73, 23 + z)] for z in range(10)}  # between the grid
    found = searched(discs(column), [2, 24, 40], n_results=12)
    assert found.n_slices is not None
    middles = places.middles(found.boxes)[:, 1:]
    for y, x in ((40.5, 88), (73, 27.5)):
        near = np.abs(middles - (y, x)).max(axis=1) < 12
        assert near.sum() == 1, middles[near]
    assert not (np.abs(middles - (24, 40)).max(axis=1) < 8).any()  # of the example


def test_whole_patches_are_moved_inwards() -> None:
    boxes = patch_grid([(100, 120), (10, 40)], 16, 16)
    moved = things.whole(boxes, 16, [(100, 120), (10, 40)])
    first = moved[moved[:, 0] == 0]
    assert (first[:, 3:] == 16).all()
    assert first[:, 1].max() == 84
    assert first[:, 2].max() == 104
    assert set(map(tuple, moved[moved[:, 0] == 1][:, 3:].tolist())) == {(10, 16)}


def test_the_best_place_is_the_best_of_those_that_are_free() -> None:
    def score(boxes: np.ndarray) -> np.ndarray:
        return -np.abs(boxes[:, 1] - 23.0) - np.abs(boxes[:, 2] - 9.0)

    box = np.array([0, 16, 16, 16, 16])
    none = np.empty((0, 5), dtype=np.int64)
    best = things.best_place(box, none, score=score, step=4, shape=(100, 100))
    assert best is not None
    assert best.tolist() == [0, 24, 8, 16, 16]
    rival = np.array([[0, 30, 20, 16, 16]])
    best = things.best_place(box, rival, score=score, step=4, shape=(100, 100))
    assert best is not None
    assert best.tolist() == [0, 12, 8, 16, 16]  # the nearest row that leaves the rival alone
    there = np.array([[0, 28, 12, 16, 16]])  # 12 x 12 of 16 x 16 pixels of the best place
    assert things.best_place(box, there, score=score, step=4, shape=(100, 100)) is None
    there[0, 0] = 1
    best = things.best_place(box, there, score=score, step=4, shape=(100, 100))
    assert best is not None
    assert best.tolist() == [0, 24, 8, 16, 16]
    assert things.best_place(box, there, score=score, step=4, shape=(100, 100), reach=1) is None
    full = np.array([[0, 0, 0, 100, 100]])
    assert things.best_place(box, full, score=score, step=4, shape=(100, 100)) is None


@pytest.mark.slow
def test_suggestions_never_show_padding() -> None:
    found = searched(discs(COLUMN, padded=40), [2, 70, 90], suggestions=8)
    boxes = found.searched[found.suggested]
    assert len(boxes) > 3
    assert (boxes[:, 1] + SIZE / 2 >= 40).all()


def test_blank_is_mostly_padding_or_nearly_one_grey_and_nothing_else() -> None:
    stack = discs(COLUMN, padded=40)
    image = stack.slices[0].copy()
    image[60:80, 20:40] = 100  # not connected to the border, without contrast
    is_blank = blank.Blank([image])
    values = [is_blank(np.array([0, top, 20, 16, 16])) for top in (0, 30, 33, 62, 80)]
    assert values == [True, True, False, True, False]
    assert not blank.padding(discs(COLUMN).slices[0]).any()


def test_columns_of_places_by_hand() -> None:
    made = places.columns(
        np.array([[3, 10, 20]]), np.array([[1, 5, 4]]), voxel_size_nm=(50.0, 4.0, 4.004)
    )
    assert {name: values.tolist()[0] for name, values in made.items()} == {
        "z": 3, "y": 12, "x": 21.5, "z_nm": 150.0, "y_nm": 48.0, "x_nm": 86.09,
        "box_z": 3, "box_y": 10, "box_x": 20, "box_depth": 1, "box_height": 5, "box_width": 4,
    }  # fmt: skip
    unknown = places.columns(np.array([[3, 10, 20]]), np.array([[1, 5, 4]]), voxel_size_nm=None)
    assert unknown["y_nm"].tolist() == [""]


def test_files_of_examples_together(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("z,y,x,label\n1,2,3,positive\n4,5,6,negative\n")
    (tmp_path / "b.csv").write_text("z,y,x,label\n1,2,3,positive\n7,7.5,8,positive\n9,9,9,\n")
    both = examples_file.read_several([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert both.points == ([[1, 2, 3], [7, 8, 8]], [[4, 5, 6]])
    (tmp_path / "c.csv").write_text("z,y,x,label\n4,5,6,positive\n")
    with pytest.raises(DataError, match=r"\[4, 5, 6\] positive, and it was negative before"):
        examples_file.read_several([tmp_path / "a.csv", tmp_path / "c.csv"])
    (tmp_path / "d.csv").write_text("z,y,x,label\n4,5,6,\n")
    with pytest.raises(DataError, match="has a label: write positive or negative"):
        examples_file.read_several([tmp_path / "d.csv"])
    (tmp_path / "e.csv").write_text("z,y,x,label\n4,5,6,axon\n")
    with pytest.raises(DataError, match="the label 'axon'; allowed are positive and negative"):
        examples_file.read_several([tmp_path / "e.csv"]).points  # noqa: B018


@pytest.mark.slow
def test_the_line_for_the_next_round_is_typed_as_it_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = ["dataset.toy.n_slices=3", "dataset.toy.height=256", "dataset.toy.width=256"]
    typed = [*toy, "model=histogram", "query.dense=false", "device=cpu", "figures=false"]
    folder = tmp_path / "run (1)"

    def ran(*settings: str) -> str:
        monkeypatch.setattr("emqs.runs.command.typed", lambda: list(settings))
        with initialize_config_dir(version_base="1.3", config_dir=str(CONFIG_DIR)):
            cfg = compose("retrieve", list(settings))
        with Run(folder, command="retrieve", settings={}, logger=LoggerConfig()) as run:
            command.work(cfg, run)
        return capsys.readouterr().out

    printed = ran(
        *typed, "retrieve.positive=[[0,100,100],[1,90,90]]", "retrieve.negative=[[0,9,9]]"
    )
    line = re.search(r"^  emqs retrieve (.*)$", printed, re.M)
    assert line is not None
    again = shlex.split(line[1])
    assert again[:-1] == typed
    key, _, value = again[-1].partition("=")
    assert key == "examples"
    assert [Path(part.strip("'")).name for part in split(value[1:-1])] == [
        "examples.csv", "suggestions.csv"
    ]  # fmt: skip
    rows = table(folder / "suggestions.csv")
    assert {row["label"] for row in rows} == {""}
    text = (folder / "suggestions.csv").read_text()
    labelled = [f"{row['z']},{row['y']},{row['x']},positive" for row in rows]
    (folder / "suggestions.csv").write_text("\n".join(["z,y,x,label", *labelled]) + "\n")
    second = ran(*again)
    clicked = table(folder / "examples.csv")
    assert len(clicked) == 3 + len(rows)
    assert [row["label"] for row in clicked].count("negative") == 1
    assert text != (folder / "suggestions.csv").read_text()
    assert "emqs retrieve" in second
