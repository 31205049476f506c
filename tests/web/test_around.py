"""What stands around: neuPrint, napari, uploaded labels."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from support.neuprint import TOKEN, Neuprint
from support.served import Served, random_voxels
from web.fixtures import SHAPE, Live

from emqs.web.settings import NeuprintConfig

API = "/api/v1"
BRAIN = f"{API}/datasets/brain"


# --- neuPrint ------------------------------------------------------------------------------------


@pytest.fixture
def neuprint(local: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Neuprint]:
    monkeypatch.setenv("EMQS_NEUPRINT_TOKEN", TOKEN)
    server = Neuprint()
    config = {"brain": NeuprintConfig(server.url, "hemibrain:v1.2.1")}
    object.__setattr__(local.context.settings, "neuprint", config)
    yield server
    server.close()


def test_connections_of_bodies_come_from_neuprint(local: Served, neuprint: Neuprint) -> None:
    reader = local.client(local.people["reader"])
    answer = reader.get(f"{BRAIN}/neuprint/bodies", params={"body": ["5", "18446744073709551615"]})
    told = answer.json()
    assert told["outputs"] == [
        {
            "from": "5", "from_type": "KC", "from_instance": "KC_R", "to": "18446744073709551615",
            "to_type": "MBON", "to_instance": "MBON01", "weight": 12,
        }
    ]  # fmt: skip
    assert [row["from"] for row in told["inputs"]] == ["18446744073709551615"]
    assert "[5, 18446744073709551615]" in neuprint.asked[0]["cypher"]
    assert neuprint.asked[0]["dataset"] == "hemibrain:v1.2.1"
    assert told["links"]["5"].endswith("/view?dataset=hemibrain%3Av1.2.1&bodyid=5")
    assert TOKEN not in answer.text
    assert TOKEN not in str(answer.headers)


@pytest.mark.parametrize("body", ["5] RETURN 1 //", "-1", "0", "1.5", "x", ""])
def test_only_numbers_get_into_a_question(local: Served, neuprint: Neuprint, body: str) -> None:
    reader = local.client(local.people["reader"])
    assert reader.get(f"{BRAIN}/neuprint/bodies", params={"body": body}).status_code == 400
    assert neuprint.asked == []


def test_questions_are_passed_on_for_the_one_dataset(local: Served, neuprint: Neuprint) -> None:
    url, given = f"{BRAIN}/neuprint/query", {"cypher": "MATCH (n) RETURN n", "dataset": "other"}
    assert local.client(local.people["reader"]).post(url, json=given).status_code == 403
    ann = local.client(local.people["annotator"])
    assert ann.post(url, json=given).status_code == 200
    assert neuprint.asked == [{"cypher": "MATCH (n) RETURN n", "dataset": "hemibrain:v1.2.1"}]
    neuprint.answer = 400, {"error": "Invalid input 'X'"}
    answer = ann.post(url, json=given)
    assert (answer.status_code, answer.json()["error"]) == (400, "neuPrint: Invalid input 'X'")
    for broken in ((500, {}), (200, b"no json"), (200, []), (302, {})):
        neuprint.answer = broken
        assert ann.post(url, json=given).status_code == 502
    assert ann.get(f"{API}/datasets/open/neuprint/bodies?body=5").status_code == 404
    assert ann.get(f"{API}/datasets/open/neuprint").json() == {"server": None, "dataset": None}


# --- uploaded labels -----------------------------------------------------------------------------


def npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=True)
    return content.getvalue()


def tif(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    tifffile.imwrite(content, array, photometric="minisblack")
    return content.getvalue()


@pytest.mark.parametrize(("form", "write"), [("npy", npy), ("tif", tif)])
def test_uploaded_labels_are_a_layer_of_ones_own(local: Served, form: str, write: object) -> None:
    labels = random_voxels((10, 20, 30), "u2", seed=3)
    ann = local.client(local.people["annotator"])
    url = f"{BRAIN}/layers/mine/upload"
    query = {"format": form, "offset": "5,6,7"}
    answer = ann.post(url, content=write(labels), params=query)
    assert answer.status_code == 201, answer.text
    version = answer.json()["version"]
    served = f"{API}/data/brain/mine/{version}/precomputed/raw"
    info = ann.get(f"{served}/info").json()
    assert info["scales"][0]["size"] == [30, 20, 10]
    chunk = ann.get(f"{served}/{info['scales'][0]['key']}/0-30_0-20_0-10").content
    assert np.array_equal(np.frombuffer(chunk, "<u2").reshape(10, 20, 30), labels)
    for other in ("manager", "root"):
        assert local.client(local.people[other]).get(f"{served}/info").status_code == 404
    shown = ann.get(f"{BRAIN}/state").json()["layers"]
    mine = next(layer for layer in shown if layer["name"] == "mine")
    assert mine["source"]["transform"]["matrix"] == [[1, 0, 0, 7], [0, 1, 0, 6], [0, 0, 1, 5]]
    again = ann.post(url, content=write(labels + 1), params=query)
    assert again.json()["version"] != version
    assert ann.delete(f"{BRAIN}/layers/mine").status_code == 204
    assert ann.get(f"{served}/info").status_code == 404


def claim(shape: tuple[int, int, int]) -> bytes:
    content = io.BytesIO()
    described = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(content, described)
    return content.getvalue()


SMALL = np.zeros((2, 3, 4), dtype=np.uint8)
BAD_FILES = {
    "pickle": npy(np.array([[[{"a": 1}]]], dtype=object)),
    "fractions": npy(SMALL.astype(float)),
    "two axes": npy(SMALL[0]),
    "empty": npy(SMALL[:0]),
    "too large": npy(np.zeros((41, 2, 2), dtype=np.uint8)),
    "cut off": npy(SMALL)[:-1],
    "longer than it says": npy(SMALL) + b"x",
    "a claim of exabytes": npy(SMALL)
    .replace(b"(2, 3, 4), ", b"(2**9, 4)  ")
    .replace(b"(2**9, 4)", b"(9999999,"),
    "no array": b"PK\x03\x04",
    "nothing": b"",
}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_what_is_no_array_of_labels_is_refused_and_not_kept(local: Served, content: bytes) -> None:
    ann = local.client(local.people["annotator"])
    answer = ann.post(f"{BRAIN}/layers/mine/upload", content=content)
    assert answer.status_code == 400, answer.text
    kept = [path for path in (local.home / "layers").rglob("*") if path.is_file()]
    assert kept == []


def test_uploads_have_a_limit_of_their_own_and_stay_inside(local: Served) -> None:
    ann = local.client(local.people["annotator"])
    content = npy(SMALL)
    url = f"{BRAIN}/layers/mine/upload"
    for offset in ("39,0,0", "-1,0,0", "0,0", "0.5,0,0", "nan,0,0", "inf,0,0"):
        assert ann.post(url, content=content, params={"offset": offset}).status_code == 400
    for name in ("..", "a%2Fb", "%2E%2E%2Fx", "-x"):
        answer = ann.post(f"{BRAIN}/layers/{name}/upload", content=content)
        assert answer.status_code in (400, 404, 405)
    local.app.user_middleware[0].kwargs["max_upload"] = 100
    local.app.middleware_stack = None
    assert ann.post(url, content=content).status_code == 413


# --- napari --------------------------------------------------------------------------------------

STUB = '''"""Stands for napari: writes down what a script adds."""
import json, sys
import numpy as np

calls = []

class Dims:
    def set_point(self, axes, point):
        calls.append(("set_point", list(map(float, point))))

class Viewer:
    def __init__(self, **options):
        self.dims, self.layers = Dims(), {}
    def add(self, kind, data, options):
        name = options["name"]
        self.layers[name] = type("Layer", (), {"data": np.asarray(data)})
        np.save(f"{name}.npy", np.asarray(data))
        places = ("scale", "translate", "units")
        plain = {k: np.asarray(v).tolist() for k, v in options.items() if k in places}
        calls.append((kind, name, plain))
    def add_image(self, data, **options): self.add("image", data, options)
    def add_labels(self, data, **options): self.add("labels", data, options)
    def add_points(self, data, **options): self.add("points", data, options)
    def bind_key(self, key, function): self.send = function

def run():
    import __main__
    layer = __main__.viewer.layers["mine"].data
    layer[1, 2, 3] = 9
    __main__.viewer.send(__main__.viewer)
    json.dump(calls, open("calls.json", "w"))
'''


@pytest.mark.slow
def test_the_script_for_napari_opens_the_view_and_sends_labels_back(
    live: Live, volumes: Path, tmp_path: Path
) -> None:
    point = {"kind": "point", "points": [[20.5, 30.5, 40.5]], "title": "here"}
    with live.client("annotator") as ann:
        assert ann.post(f"{BRAIN}/annotations", json=point).status_code == 201
        query = {"z": 20, "y": 30, "x": 40, "depth": 8, "size": 16}
        script = ann.get(f"{BRAIN}/napari.py", params=query).text
        assert ann.get(f"{BRAIN}/napari.py", params={"z": 99}).status_code == 400
        assert (
            ann.get(f"{BRAIN}/napari.py", params={"depth": 4096, "size": 8192}).status_code == 400
        )
    (tmp_path / "napari.py").write_text(STUB)
    (tmp_path / "script.py").write_text(script)
    token = live.served.people["annotator"]["Authorization"].removeprefix("Bearer ")
    assert token not in script
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env={"EMQS_TOKEN": token, "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    box = (slice(16, 24), slice(22, 38), slice(32, 48))
    for name, dtype, seed in (("image", "u1", 0), ("labels", "u8", 1)):
        expected = random_voxels(SHAPE, dtype, seed=seed)
        expected = expected % 9 if name == "labels" else expected
        assert np.array_equal(np.load(tmp_path / f"{name}.npy"), expected[box])
    assert np.load(tmp_path / "annotations.npy").tolist() == [[4, 8, 8]]
    calls = json.loads((tmp_path / "calls.json").read_text())
    places = [call[2] for call in calls if call[0] != "set_point"]
    assert all(place == places[0] for place in places)
    with live.client("annotator") as ann:
        layers = ann.get(BRAIN).json()["layers"]
        mine = next(layer for layer in layers if layer["name"] == "mine")
        served = f"{API}/data/brain/mine/{mine['version']}/precomputed/raw"
        key = ann.get(f"{served}/info").json()["scales"][0]["key"]
        voxels = np.frombuffer(ann.get(f"{served}/{key}/0-16_0-16_0-8").content, "<u4")
    assert np.argwhere(voxels.reshape(8, 16, 16)).tolist() == [[1, 2, 3]]
