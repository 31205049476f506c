"""Predictions over HTTP are those of the library; kept, in chunks, in a process of their own."""

import importlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from support.embedded_volumes import VOXEL_NM, filled, model, volume, voxels
from support.served import Served, write_zarr

from emqs.annotations.schema import datasets
from emqs.client import Client
from emqs.errors import ConfigError, DataError
from emqs.geometry import Box
from emqs.prediction import features, live, shown
from emqs.prediction.sources import Source
from emqs.web import predicting
from emqs.web.apart import Apart

URL = "/api/v1/datasets/brain/predictions"
SHAPE = (3, 64, 80)
WANTED = {
    "positives": [{"z": 1, "y": 30, "x": 40}, {"z": 0, "y": 50, "x": 60}],
    "negatives": [{"z": 1, "y": 20, "x": 60}],
    "start": [1, 4, 6],
    "stop": [2, 62, 76],
}
ASKED = shown.Asked(((1, 30, 40), (0, 50, 60)), ((1, 20, 60),), Box((1, 4, 6), (2, 62, 76)))


@pytest.fixture(scope="module")
def embedding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedding volume, beside what it was made of."""
    folder = tmp_path_factory.mktemp("embedding")
    write_zarr(folder / "image.zarr", voxels(*SHAPE), size=VOXEL_NM)
    encoder = replace(model(name="pixels", contrast="none"), sha256=None)
    filled(folder / "codes.zarr", volume(voxels(*SHAPE)), encoder)
    return folder


@pytest.fixture
def ann(local: Served, embedding: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A reader; the work is done in this process."""
    brain = local.datasets["brain"]
    local.layer(brain, "raw", embedding / "image.zarr")
    local.layer(brain, "codes", embedding / "codes.zarr", "embedding")
    given = {"shape": list(SHAPE), "voxel_size_nm": list(VOXEL_NM)}
    with local.context.database.write() as connection:
        connection.execute(datasets.update().values(settings=given))
    monkeypatch.setattr(features, "SAMPLE_TILES", 2)
    monkeypatch.setattr(Apart, "run", in_this_process)
    monkeypatch.setattr(
        predicting, "volumes_of", lambda _: [str(embedding / "image.zarr")]
    )  # the first layer of the dataset is another volume
    return local.client(local.people["reader"])


def in_this_process(_: Apart, function: str, *arguments: object) -> Any:  # noqa: ANN401
    module, _, name = function.partition(":")
    return getattr(importlib.import_module(module), name)(*arguments)


def expected(embedding: Path) -> shown.Shown:
    source = Source(str(embedding / "codes.zarr"), "x", (str(embedding / "image.zarr"),), ())
    return live.answer(source, ASKED)


def test_a_prediction_is_the_library_s(ann: TestClient, embedding: Path) -> None:
    answer = ann.post(URL, json=WANTED)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    library = expected(embedding)
    assert (told["start"], told["stop"]) == (WANTED["start"], WANTED["stop"])
    assert told["objects"] == library.rows()
    assert [[one[axis] for axis in "zyx"] for one in told["suggestions"]] == (
        library.suggested.tolist()
    )
    one = f"{URL}/{told['id']}"
    lower = ann.get(f"{one}/objects", params={"threshold": 0.2}).json()["objects"]
    assert lower == library.rows(0.2)
    assert sum(row["n_voxels"] for row in lower) > sum(row["n_voxels"] for row in told["objects"])
    again = ann.post(URL, json={**WANTED, "threshold": 0.2}).json()
    assert (again["id"], again["objects"]) == (told["id"], lower)

    info = ann.get(f"{one}/precomputed/info").json()
    scale = info["scales"][0]
    assert (info["data_type"], scale["size"]) == ("uint8", [70, 58, 1])
    assert (scale["resolution"], scale["chunk_sizes"]) == ([5, 5, 30], [[512, 512, 1]])
    assert scale["voxel_offset"] == [6, 4, 1]
    chunk = ann.get(f"{one}/precomputed/{scale['key']}/6-76_4-62_1-2")
    assert ann.get(f"{one}/precomputed/{scale['key']}/0-70_0-58_0-1").status_code == 400
    assert "immutable" in chunk.headers["cache-control"]
    np.testing.assert_array_equal(
        np.frombuffer(chunk.content, dtype=np.uint8).reshape(1, 58, 70), library.values
    )


def test_one_made_before_is_not_made_again(
    ann: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ann.post(URL, json=WANTED).json()
    monkeypatch.setattr(Apart, "run", lambda *_: pytest.fail("it is made again"))
    assert ann.post(URL, json=WANTED).json() == first


def test_what_cannot_be_predicted_is_told(ann: TestClient, local: Served) -> None:
    def refused(status: int, **changed: object) -> str:
        answer = ann.post(URL, json={**WANTED, **changed})
        assert answer.status_code == status, answer.text
        return str(answer.json()["error"])

    assert "at most 1048576" in refused(400, start=[0, 0, 0], stop=[3, 1000, 1000])
    assert "inside the volume" in refused(400, stop=[2, 65, 76])
    assert "lies outside" in refused(400, positives=[{"z": 3, "y": 0, "x": 0}])
    assert refused(422, positives=[])
    assert refused(422, threshold=1)
    assert refused(422, start=[0, 0])
    assert "none of the datasets" in refused(
        400, positives=[{"z": 1, "y": 1, "x": 1, "dataset": "open"}]
    )
    answer = ann.get(f"{URL}/{'0' * 32}/objects")
    assert (answer.status_code, answer.json()["error"]) == (404, predicting.NOT_KEPT)
    assert ann.get(f"{URL}/..%2f..%2femqs/objects").status_code == 404
    stranger = local.client(local.people["stranger"])
    own = ann.post(URL, json=WANTED).json()["id"]
    assert stranger.get(f"{URL}/{own}/objects").status_code == 404
    elsewhere = URL.replace("brain", "open")
    assert ann.get(f"{elsewhere}/{own}/objects").status_code == 404, "of another dataset"
    answer = ann.post(elsewhere, json=WANTED)
    assert "has no embedding" in answer.json()["error"]


def test_what_the_first_one_needs_is_made_ahead_if_it_is_asked_for(
    ann: TestClient, local: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Apart, "run", lambda _, function, *__: asked.append(function))
    told = ann.get(URL).json()
    assert told == {"threshold": 0.5, "most_voxels": 2**20, "embedding": "codes"}
    service = predicting.predictor(local.context)
    assert (asked, service._threads) == ([], []), "only somebody with examples will predict"
    for _ in range(2):
        assert ann.get(URL, params={"prepare": True}).json() == told
    with service._turns.one():  # the thread has had its turn, or comes after
        pass
    for thread in list(service._threads):
        thread.join(10)
    assert asked == [predicting.LEARN]


def test_the_client_predicts(ann: TestClient, local: Served, embedding: Path) -> None:
    with Client("http://127.0.0.1", "none") as client:
        client.http.close()
        person = local.people["annotator"]
        client.http = local.client(person, root_path="")  # type: ignore[assignment]
        client.http.base_url = "http://127.0.0.1/api/v1/"
        brain = client.dataset("brain")
        library = expected(embedding)
        told = brain.predict(
            ASKED.positives, ASKED.negatives, start=WANTED["start"], stop=WANTED["stop"]
        )
        assert told["objects"] == library.rows()
        assert brain.objects(told, 0.2) == library.rows(0.2)
        with pytest.raises(DataError, match="at most 1048576"):
            brain.predict(ASKED.positives, start=(0, 0, 0), stop=(3, 1000, 1000))
        job = brain.predict_all("mito", ASKED.positives, ASKED.negatives, threshold=0.4)
        assert (job["kind"], job["state"]) == ("predict", "queued")
        assert job["settings"]["layer"] == "codes"
        assert job["settings"]["positives"] == [list(one) for one in ASKED.positives]
        assert brain.job(job)["id"] == job["id"]


def fails(kind: str) -> int:
    """Fail in the way that is named; runs in another process."""
    if kind == "user":
        raise ConfigError("Give another.")
    if kind == "fault":
        raise ValueError("a fault")
    if kind == "dies":
        os._exit(3)
    return os.getpid()


@pytest.mark.slow
def test_a_process_of_its_own_tells_what_failed_and_starts_again() -> None:
    apart = Apart()
    name = f"{__name__}:fails"
    try:
        number = apart.run(name, "")
        assert number != os.getpid()
        assert apart.run(name, "") == number
        with pytest.raises(ConfigError, match=r"Give another\."):
            apart.run(name, "user")
        with pytest.raises(RuntimeError, match="a fault"):
            apart.run(name, "fault")
        with pytest.raises(DataError, match="has ended"):
            apart.run(name, "dies")
        again = apart.run(name, "")
        assert again not in (number, os.getpid())
    finally:
        apart.close()
    with pytest.raises(ProcessLookupError):
        os.kill(again, 0)
