"""``python -m emqs.predict``: from clicks to objects, by the command."""

import csv
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import zarr
from scipy import ndimage
from support.discs import DISCS, ORIGIN_NM, SHAPE, embedded, scene
from support.embedded_volumes import VOXEL_NM, contents
from support.processes import of_ray
from support.searches import run_command

from emqs import open_volume
from emqs.errors import ConfigError, DataError
from emqs.predict import work as predict

CLICKS = "positive=[[1,50,60],[1,58,66],[2,150,60]]"
OTHERS = "negative=[[1,100,130],[2,10,10],[2,100,20]]"


@pytest.fixture(scope="module", autouse=True)
def few_tiles() -> Iterator[None]:
    """Learn from four tiles, which hold nearly all of the discs, instead of sixteen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emqs.prediction.features.SAMPLE_TILES", 4)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return embedded(tmp_path_factory.mktemp("predict"))


def made(folder: Path, out: str, *more: str) -> Path:
    given = any(one.startswith(("examples=", "labels=")) for one in more)
    clicks = () if given else (CLICKS, OTHERS)
    run_command(
        predict, "predict", folder, f"store={folder}/emb.zarr", f"out={folder}/{out}",
        "device=cpu", "predict.tile=128", *clicks, *more,
    )  # fmt: skip
    return folder / out


@pytest.fixture(scope="module")
def whole(folder: Path) -> Path:
    """All of it, made at one go: what is stopped, repeated or a part is compared with it."""
    return made(folder, "whole.zarr", "figures=false")


@pytest.mark.slow
def test_discs_come_out_as_objects(folder: Path) -> None:
    path = made(folder, "discs.zarr", "predict.threshold=0.2")
    truth = scene()[1]
    with open_volume(path) as probability:
        assert (probability.shape, probability.dtype) == (SHAPE, np.uint8)
        assert probability.voxel_size_nm == VOXEL_NM
        assert probability.origin_nm == (300, 50, 20)
        values = probability.read(probability.box)

    def dice(least: int) -> float:
        structure = values >= least
        return float(2 * (structure & truth).sum() / (structure.sum() + truth.sum()))

    assert dice(128) > 0.6  # cautious, where the structure is as common as here
    assert dice(40) > 0.8
    for row, column in DISCS:  # as far to one side as to the other
        near = values[:, row - 40 : row + 41, column - 40 : column + 41].mean(axis=0)
        middle = ndimage.center_of_mass(near * (near > 40)) + np.array([row - 40, column - 40])
        assert np.abs(middle - (row, column)).max() < 0.9
    with open_volume(path / "labels" / "objects") as labels:
        assert labels.origin_nm == (300, 50, 20)
        numbers = labels.read(labels.box)
    assert sorted(np.unique(numbers)) == [0, 1, 2, 3, 4]
    assert len({int(numbers[1, row, column]) for row, column in DISCS}) == 4
    with (folder / "run_predict" / "objects.csv").open() as stream:
        rows = {int(row["label"]): row for row in csv.DictReader(stream)}
    assert sorted(rows) == [1, 2, 3, 4]
    for label, row in rows.items():  # measured again, in the stored labels
        voxels = np.argwhere(numbers == label)
        assert int(row["n_voxels"]) == len(voxels)
        assert float(row["volume_nm3"]) == pytest.approx(len(voxels) * np.prod(VOXEL_NM))
        centre = [float(row[axis]) for axis in "zyx"]
        np.testing.assert_allclose(centre, voxels.mean(axis=0), atol=0.006)
        assert [int(row[f"{axis}_first"]) for axis in "zyx"] == voxels.min(axis=0).tolist()
        assert [int(row[f"{axis}_last"]) for axis in "zyx"] == voxels.max(axis=0).tolist()
        assert float(row["y_nm"]) == pytest.approx(50 + 5 * centre[1], abs=0.03)
        assert row["touches_border"] == "1"  # the first slice and the last
    group = zarr.open_group(path, mode="r")  # by another library
    assert group["0"].shape == SHAPE  # type: ignore[union-attr]
    image = group.attrs["ome"]["multiscales"][0]  # type: ignore[index,call-overload]
    assert [axis["name"] for axis in image["axes"]] == ["z", "y", "x"]
    with (folder / "run_predict" / "suggestions.csv").open() as stream:
        asked = list(csv.DictReader(stream))
    assert len(asked) == 5
    assert {row["label"] for row in asked} == {""}
    assert (folder / "run_predict" / "objects.png").stat().st_size > 10_000


@pytest.mark.slow
def test_a_run_stopped_among_the_objects_goes_on(folder: Path, whole: Path) -> None:
    """What it had numbered is numbered anew."""
    expected = contents(whole)

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "objects" and done == total // 2:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emqs.runs.progress.stages_told", lambda: nullcontext(stop))
        with pytest.raises(KeyboardInterrupt):
            made(folder, "stopped.zarr", "figures=false")
    assert (folder / ".stopped.zarr.partial" / "numbers").is_dir()
    assert contents(made(folder, "stopped.zarr", "figures=false")) == expected


@pytest.mark.slow
@pytest.mark.parametrize("place", ["tables", "rename"])
def test_what_has_its_name_has_its_tables(folder: Path, place: str) -> None:
    """Killed before the tables, or between them and the name: the next run makes both."""
    out, tables = folder / f"{place}.zarr", folder / "run_predict"
    shutil.rmtree(tables, ignore_errors=True)
    plain = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if Path(target) == out:
            assert (tables / "objects.csv").is_file()
            raise KeyboardInterrupt
        return plain(path, target)

    def write(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        if place == "rename":
            patch.setattr(Path, "rename", rename)
        else:
            patch.setattr("emqs.predict._write", write)
        with pytest.raises(KeyboardInterrupt):
            made(folder, out.name, "figures=false", "region=[[0,0,0],[1,128,128]]")
    assert not out.exists()
    shutil.rmtree(tables, ignore_errors=True)
    made(folder, out.name, "figures=false", "region=[[0,0,0],[1,128,128]]")
    assert out.is_dir()
    assert len(rows_of(tables / "objects.csv")) > 0


@pytest.mark.slow
def test_tiles_resuming_and_repeating_change_nothing(
    folder: Path, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = contents(whole)
    with pytest.raises(ConfigError, match="exists and was made with other settings or slices"):
        made(folder, "whole.zarr", "predict.components=16", "figures=false")
    capsys.readouterr()
    made(folder, "whole.zarr", "figures=false")
    assert "is there already" in capsys.readouterr().out

    def stop(stage: str, done: int, _total: int) -> None:
        if stage == "probability" and done == 3:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emqs.runs.progress.stages_told", lambda: nullcontext(stop))
        with pytest.raises(KeyboardInterrupt):
            made(folder, "again.zarr", "figures=false")
    assert not (folder / "again.zarr").exists()
    assert len(list((folder / ".again.zarr.partial" / "tiles").iterdir())) == 3
    again = contents(made(folder, "again.zarr", "figures=false"))
    assert again.keys() == expected.keys()
    assert {key for key in again if again[key] != expected[key]} == set()
    assert not (folder / ".again.zarr.partial").exists()


@pytest.mark.slow
def test_a_region_and_a_file_of_clicks(folder: Path, whole: Path) -> None:
    """The part is that of the whole, where it lay; clicks of a file are those that are typed."""
    (folder / "clicks.csv").write_text(
        "z,y,x,label\n1,50,60,positive\n1,58,66,positive\n2,150,60,positive\n"
        "1,100,130,negative\n2,10,10,negative\n2,100,20,negative\n1,1,1,\n"
    )
    part = made(
        folder, "part.zarr", f"examples={folder}/clicks.csv", "region=[[1,20,30],[3,120,130]]",
        "figures=false",
    )  # fmt: skip
    with open_volume(part) as small, open_volume(whole) as large:
        assert small.origin_nm == (330, 150, 170)
        inside = large.read(large.box)[1:3, 20:120, 30:130].astype(int)
        assert np.abs(small.read(small.box).astype(int) - inside).max() <= 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["positive=[[1,50,600]]"], r"The example \[1, 50, 600\] lies outside the volume"),
        (["negative=[[1,50,60]]"], "needs at least one positive example"),
        (["positive=[[1,50]]"], r"positive must be a list of voxels"),
        ([CLICKS, "region=[[0,0,0],[9,9,9]]"], "must begin and end inside the volume"),
        ([CLICKS, "region=[0,9]"], "region must be the first voxel and the first outside"),
        ([CLICKS, "examples=a.csv"], "Give either examples=NAME.csv, or labels=PATH, or positive="),
        ([CLICKS, "label_classes={1: positive}"], "label_classes says what labels=PATH holds"),
        (["labels={folder}/v.zarr", "label_classes=[1]"], "label_classes must say what labels"),
        (
            ["labels={folder}/small.npy", "axes=zyx"],
            r"small.npy has the shape .* = \(4, 9, 9\), and the vol",
        ),
        (
            [CLICKS, "layers=[{folder}/small.npy]", "axes=zyx"],
            r"The layer .*small.npy has the shape",
        ),
        ([CLICKS, "engine=cluster"], "engine must be one of local, ray"),
        ([CLICKS, "predict.tile=100"], "predict.tile must be a multiple of 128"),
        ([CLICKS, "predict.head=tree"], "predict.head must be one of logistic, svm"),
        ([CLICKS, "model=pixels", "weights=null"], "was made with model=contrastive"),
    ],
)
def test_mistakes_are_explained(settings: list[str], message: str, folder: Path) -> None:
    np.save(folder / "small.npy", np.full((4, 9, 9), 2, dtype=np.uint8))
    settings = [one.replace("{folder}", str(folder)) for one in settings]
    with pytest.raises(ConfigError, match=message):
        run_command(
            predict, "predict", folder, f"store={folder}/emb.zarr", f"out={folder}/no.zarr",
            *settings,
        )  # fmt: skip
    assert not (folder / "no.zarr").exists()
    shutil.rmtree(folder / ".no.zarr.partial", ignore_errors=True)


def test_what_is_missing_is_named(folder: Path) -> None:
    with pytest.raises(ConfigError, match="store is missing: give it as store=PATH"):
        run_command(predict, "predict", folder, f"out={folder}/no.zarr", CLICKS)
    with pytest.raises(ConfigError, match=r"^out=s3://lab/a\.zarr is an address"):
        run_command(
            predict, "predict", folder, f"store={folder}/emb.zarr", "out=s3://lab/a.zarr", CLICKS
        )
    with pytest.raises(ConfigError, match="out is missing"):
        run_command(predict, "predict", folder, f"store={folder}/emb.zarr", CLICKS)
    with pytest.raises(DataError, match=r"There is no file of examples .*none\.csv"):
        run_command(
            predict, "predict", folder, f"store={folder}/emb.zarr", f"out={folder}/no.zarr",
            f"examples={folder}/none.csv",
        )  # fmt: skip
    (folder / "other.csv").write_text(  # of a volume with voxels of 10 nm
        "z,y,x,z_nm,y_nm,x_nm,label\n1,50,60,10,500,600,positive\n"
    )
    with pytest.raises(DataError, match=r"other\.csv, line 2: .* are two places in a volume"):
        run_command(
            predict, "predict", folder, f"store={folder}/emb.zarr", f"out={folder}/no.zarr",
            f"examples={folder}/other.csv",
        )  # fmt: skip
    assert not (folder / "no.zarr").exists()


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


@pytest.mark.slow
def test_classes_painted_layers_and_meshes(folder: Path) -> None:
    """Discs are one class, what is between them another; the layer is two halves."""
    pytest.importorskip("zmesh")
    painted = np.zeros(SHAPE, dtype=np.uint8)
    painted[1, 45:55, 55:65] = painted[2, 145:155, 185:195] = 3
    painted[1, 95:105, 100:160] = painted[2, 5:15, 5:250] = 8
    np.save(folder / "painted.npy", painted)
    halves = np.ones(SHAPE, dtype=np.uint16)
    halves[:, 100:] = 2
    np.save(folder / "halves.npy", halves)
    path = made(
        folder, "classes.zarr", f"labels={folder}/painted.npy", "meshes=true", "axes=zyx",
        "label_classes={3: disc, 8: between}", f"layers=[{folder}/halves.npy]",
    )  # fmt: skip
    truth = scene()[1]
    numbers = {}
    for name, inside in (("disc", truth), ("between", ~truth)):
        with open_volume(path / name / "labels" / "objects") as labels:
            numbers[name] = labels.read(labels.box)
        with open_volume(path / name) as probability:
            assert probability.shape == SHAPE
        assert (path / name / "meshes" / "1:0").is_file()
        overlap = (numbers[name] > 0) & inside
        assert overlap.sum() > 0.9 * (numbers[name] > 0).sum()
    assert not ((numbers["disc"] > 0) & (numbers["between"] > 0)).any()
    rows = rows_of(folder / "run_predict" / "objects.csv")
    assert {row["class"] for row in rows} == {"disc", "between"}
    for row in rows:
        mask = numbers[row["class"]] == int(row["label"])
        assert int(row["halves"]) == np.bincount(halves[mask]).argmax()
        assert row["nearest_class"] == ("disc" if row["class"] == "between" else "between")
    segments = rows_of(folder / "run_predict" / "segments_halves.csv")
    assert sum(int(row["n_objects"]) for row in segments) == len(rows)
    assert (folder / "run_predict" / "objects_disc.png").is_file()


KILLED = """
import os, signal, sys
from emqs.prediction import features, meshes
features.SAMPLE_TILES = 4
plain, calls = meshes.write_json, []
def write(*given):
    calls.append(given)
    if len(calls) == 4:  # two meshes are whole, of the third the list is missing
        os.kill(os.getpid(), signal.SIGKILL)
    plain(*given)
meshes.write_json = write
from emqs.predict import main
sys.argv[0] = "predict"
main()
"""


@pytest.mark.slow
def test_killed_among_its_meshes_it_ends_in_the_same_bytes(folder: Path) -> None:
    pytest.importorskip("zmesh")
    given = ("figures=false", "meshes=true", "predict.threshold=0.2")
    expected = contents(made(folder, "meshes.zarr", *given))
    assert len([name for name in expected if "meshes" in str(name)]) == 2 * len(DISCS) + 1
    words = (
        f"store={folder}/emb.zarr", f"out={folder}/killed.zarr", "device=cpu", "predict.tile=128",
        CLICKS, OTHERS, *given, f"hydra.run.dir={folder}/run_killed",
    )  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, *words], env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    left = folder / ".killed.zarr.partial" / "image" / "meshes"
    assert sorted(path.name for path in left.iterdir()) == [
        "1.0", "1:0", "2.0", "2:0", "3.0", "info",
    ]  # fmt: skip
    assert not (folder / "killed.zarr").exists()
    assert contents(made(folder, "killed.zarr", *given)) == expected
    assert [path.name for path in folder.iterdir() if path.name.startswith(".killed")] == []


@pytest.mark.slow
def test_cloud_volume_reads_meshes_where_the_objects_are(folder: Path) -> None:
    """Corners of the surface, in nm, are those of the voxels of the object."""
    pytest.importorskip("zmesh")
    cloudvolume = pytest.importorskip("cloudvolume")
    path = made(
        folder, "read.zarr", "figures=false", "meshes=true", "predict.threshold=0.2",
        "region=[[1,20,10],[3,200,250]]",
    )  # fmt: skip
    rows = rows_of(folder / "run_predict" / "objects.csv")
    assert len(rows) == len(DISCS)
    info = cloudvolume.CloudVolume.create_new_info(
        1, "segmentation", "uint32", "raw", VOXEL_NM[::-1], (0, 0, 0), (250, 200, 3), mesh="meshes"
    )
    opened = cloudvolume.CloudVolume(f"file://{path}", info=info, progress=False, cache=False)
    for row in rows:
        label = int(row["label"])
        mesh = opened.mesh.get(label)
        first, last = (
            np.array([int(row[f"{axis}_{end}"]) for axis in "xyz"]) for end in ("first", "last")
        )
        size, origin = np.array(VOXEL_NM)[::-1], np.array(ORIGIN_NM)[::-1]
        low, high = origin + (first - 0.5) * size, origin + (last + 0.5) * size
        assert (np.abs(mesh.vertices.min(axis=0) - low) < size / 2).all()
        assert (np.abs(mesh.vertices.max(axis=0) - high) < size / 2).all()
        assert mesh.faces.max() < len(mesh.vertices)


@pytest.mark.slow
@pytest.mark.skipif(  # not imported here: it must be told first where to listen
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install 'emqs[ray]'"
)
@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="looks into /proc, as on Linux")
def test_ray_makes_the_same_although_a_worker_is_killed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two, when the first of six tiles is there."""
    monkeypatch.setenv("RAY_worker_niceness", "0")  # Ray's 15 waits for whatever else is tested
    one_slice = ("figures=false", "region=[[1,0,0],[2,200,260]]")
    local = contents(made(folder, "local.zarr", *one_slice))
    killed: list[int] = []
    finished = threading.Event()
    journal = folder / ".ray.zarr.partial" / "tiles"

    def kill() -> None:
        while not (killed or finished.is_set()):
            if journal.is_dir() and any(journal.iterdir()):
                for pid in of_ray(os.getpid(), "emqs.predict")[:1]:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        out = made(folder, "ray.zarr", "engine=ray", "ray.workers=2", "ray.gpus=0", *one_slice)
    finally:
        finished.set()
        killer.join()
    assert len(killed) == 1
    cluster = contents(out)
    assert cluster.keys() == local.keys()
    assert {key for key in local if local[key] != cluster[key]} == set()


@pytest.mark.slow
def test_the_plan_stands_in_the_result(folder: Path) -> None:
    path = made(folder, "plan.zarr", "figures=false", "region=[[0,0,0],[1,128,128]]")
    group = json.loads((path / "zarr.json").read_text())
    plan = group["attributes"]["emqs"]["plan"]
    assert plan["region"] == [[0, 0, 0], [1, 128, 128]]
    assert [1, 50, 60, "positive"] in plan["examples"]
