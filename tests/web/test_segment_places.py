"""Where segments are: a voxel of each, in a level that is small enough."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support import served as server
from support.served import Served, write_zarr

from emqs.web import segment_places

SHAPE = (20, 40, 60)
LARGE = 2**64 - 1
SIZE_NM = (30.0, 8.0, 8.0)


def blocks() -> np.ndarray:
    """Return two bars that almost touch, a ring around nothing, and one voxel at the end."""
    labels = np.zeros(SHAPE, dtype="u8")
    labels[2:4, 5:10, 0:20] = 7
    labels[2:4, 5:10, 22:40] = 8
    labels[10, 20:31, 20:31] = 9
    labels[10, 21:30, 21:30] = 0
    labels[19, 39, 59] = LARGE
    return labels


@pytest.fixture
def served_(tmp_path: Path) -> Iterator[Served]:
    with server.served(tmp_path / "home") as made:
        made.brain = dataset = made.dataset("brain")
        path = write_zarr(tmp_path / "labels.zarr", blocks(), size=SIZE_NM)
        made.layer(dataset, "labels", path, "segmentation")
        made.layer(dataset, "moved", path, "segmentation", offset=[1, 2, 3])
        made.layer(dataset, "image", path, "image")
        made.ann = made.user("ann")
        made.grant(dataset, made.ann["id"], "reader")
        yield made


def asked(made: Served, layer: str = "labels", **query: object) -> dict[str, list[float] | None]:
    path = f"/api/v1/datasets/brain/layers/{layer}/segments"
    answer = made.client(made.ann).get(path, params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["places"])


def label_at(place: list[float] | None) -> int:
    """Return the label of the voxel that holds a place."""
    assert place is not None
    z, y, x = (int(v) for v in place)
    return int(blocks()[z, y, x])


def test_a_place_lies_in_its_segment_also_where_the_middle_does_not(served_: Served) -> None:
    places = asked(served_, segment=["7", "9", str(LARGE), "5"])
    assert {key: label_at(place) for key, place in places.items() if place} == {
        "7": 7,
        "9": 9,
        str(LARGE): LARGE,
    }
    assert places["5"] is None
    assert places[str(LARGE)] == [19.5, 39.5, 59.5]
    z, y, x = places["7"] or (0, 0, 0)
    assert max(abs(z - 3), abs(y - 7.5), abs(x - 10)) <= 0.5


def test_beside_another_it_is_where_they_come_closest(served_: Served) -> None:
    places = asked(served_, segment=["7", "8", "9"], beside="8")
    labels = blocks()
    eight = np.argwhere(labels == 8) * SIZE_NM
    for key in ("7", "9"):  # against all distances, by hand
        own = np.argwhere(labels == int(key)) * SIZE_NM
        least = np.sqrt(((own[:, None] - eight[None]) ** 2).sum(-1)).min()
        there = (np.array(places[key]) - 0.5) * SIZE_NM
        assert label_at(places[key]) == int(key)
        assert np.isclose(np.sqrt(((eight - there) ** 2).sum(-1)).min(), least)
    assert (places["7"] or [0, 0, 0])[2] == 19.5
    assert label_at(places["8"]) == 8
    assert asked(served_, segment=["7"], beside="5") == asked(served_, segment=["7"])


def test_a_layer_that_begins_elsewhere(served_: Served) -> None:
    here, there = (asked(served_, name, segment=["7"])["7"] for name in ("labels", "moved"))
    assert here is not None
    assert there == [here[0] + 1, here[1] + 2, here[2] + 3]


def test_segments_that_were_put_together_are_one(served_: Served, tmp_path: Path) -> None:
    path = tmp_path / "labels.zarr"
    served_.layer(served_.brain, "merged", path, "segmentation", equivalences={"8": "7"})
    places = asked(served_, "merged", segment=["7", "8"])
    assert label_at(places["7"]) in (7, 8)
    assert places["8"] is None


@pytest.mark.parametrize(
    ("layer", "segment", "status", "message"),
    [
        ("labels", "-1", 400, "whole number"),
        ("labels", str(2**64), 400, "whole number"),
        ("labels", "1e3", 400, "whole number"),
        ("image", "1", 400, "no segmentation"),
        ("none", "1", 404, "no such layer"),
    ],
)
def test_what_makes_no_sense(
    served_: Served, layer: str, segment: str, status: int, message: str
) -> None:
    path = f"/api/v1/datasets/brain/layers/{layer}/segments"
    answer = served_.client(served_.ann).get(path, params={"segment": segment})
    assert (answer.status_code, message in answer.json()["error"]) == (status, True), answer.text


def test_a_layer_too_large_to_look_through_uses_a_coarser_level(
    served_: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = np.zeros((20, 300, 300), dtype="u8")
    labels[4:8, 100:140, 200:240] = 7
    path = write_zarr(tmp_path / "wide.zarr", labels, size=SIZE_NM)
    served_.layer(served_.brain, "wide", path, "segmentation")
    exact = asked(served_, "wide", segment=["7"])["7"]
    monkeypatch.setattr(segment_places, "MOST_VOXELS", labels.size - 1)
    coarse = asked(served_, "wide", segment=["7"])["7"]
    assert exact is not None
    assert coarse is not None
    assert coarse != exact
    assert labels[tuple(int(v) for v in coarse)] == 7
    monkeypatch.setattr(segment_places, "MOST_VOXELS", 1)
    url = "/api/v1/datasets/brain/layers/wide/segments"
    answer = served_.client(served_.ann).get(url, params={"segment": "7"})
    assert answer.status_code == 400
    assert "levels" in answer.json()["error"]
