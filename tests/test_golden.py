"""Files that an older emqs wrote still open, and say the same: see golden/README.md.

Commands are run as they are typed, in this process, so that these tests do not care which module
does the work.
"""

import csv
import json
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr
from golden import commands
from pyarrow import parquet

from emqs.codecs import get_codec
from emqs.models import weights
from emqs.settings import WEIGHTS_DIR

GOLDEN = Path(__file__).parent / "golden"
FOLDER = GOLDEN / "labels"
STATED, UNSTATED = [40, 8, 6], [1, 1, 1]  # nm
SOURCES = {  # label volumes, and the size of a voxel in a copy of them
    "crackle.zarr": STATED, "archive.zarr": STATED, "zstd.zarr": STATED, "labels.n5": STATED,
    "labels.precomputed": STATED, "labels.nrrd": STATED, "labels.ckl": UNSTATED,
    "labels.cpso": UNSTATED, "labels.compresso-miccai": UNSTATED, "labels.compresso-v2": UNSTATED,
}  # fmt: skip

Type = Callable[..., None]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Copy a folder of golden files to where a command is typed, then type it."""

    def typed(folder: str, verb: str, *settings: str) -> None:
        if not (tmp_path / folder).exists():
            shutil.copytree(GOLDEN / folder, tmp_path / folder)
        monkeypatch.chdir(tmp_path / folder)
        monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
        own = [] if "-m" in settings else ["hydra.run.dir=run"]
        monkeypatch.setattr(sys, "argv", [f"{verb}.py", *settings, *own])
        monkeypatch.delitem(sys.modules, f"emqs.{verb}", raising=False)
        runpy.run_module(f"emqs.{verb}", run_name="__main__", alter_sys=False)

    return typed


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


# ---- embedding volumes ----------------------------------------------------------------------


@pytest.mark.parametrize("name", commands.SEARCHES)
def test_a_search_gives_what_it_gave(name: str, typed: Type, tmp_path: Path) -> None:
    typed(
        "embedded", "search", *commands.SEARCHES[name], *commands.AS_IT_WAS, "figures=false",
        "search.n_results=20",
    )  # fmt: skip
    expected = table(GOLDEN / "embedded" / f"{name}.csv")
    matches = table(tmp_path / "embedded" / "run" / "matches.csv")
    assert len(expected) > 4
    for row in expected:  # the voxel after the middle of an even edge was named, not the middle
        for axis in "yx":
            row[axis] = f"{int(row[axis]) - 0.5:g}"
    exact = [column for column in expected[0] if column != "score"]
    assert [[row[c] for c in exact] for row in matches] == [
        [row[c] for c in exact] for row in expected
    ]
    scores = [float(row["score"]) for row in matches]
    assert scores == pytest.approx([float(row["score"]) for row in expected], abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", commands.VOLUMES)
def test_an_embedding_volume_goes_on(name: str, typed: Type, tmp_path: Path) -> None:
    """The same command again makes nothing; without a file of codes, it makes this one alone."""
    folder = tmp_path / "embedded"
    shutil.copytree(GOLDEN / "trained", tmp_path / "trained")
    words = [f"volume={name}_volume.zarr", f"out={name}.zarr", *commands.VOLUMES[name][2]]
    words += ["device=cpu", "embed.n_sample=64"]
    if name == "shipped":  # another encoder ships now; this is the one that shipped then
        words.append("weights=shipped.safetensors")
    typed("embedded", "embed", *words)
    again = json.loads((folder / "run" / "metrics.json").read_text())
    assert again["n_blocks_written"] == 0
    assert again["n_blocks_found"] > 0
    places = folder / f"{name}.zarr" / "embeddings"
    codes = zarr.open_array(places, mode="r")[:].astype(float)
    assert codes.std() > 0.01
    (places / "c" / "0" / "0" / "0" / "0").unlink()
    typed("embedded", "embed", *words)
    assert json.loads((folder / "run" / "metrics.json").read_text())["n_blocks_written"] == 1
    made = zarr.open_array(places, mode="r")[:].astype(float)
    np.testing.assert_allclose(made, codes, atol=2e-3 * np.abs(codes).max())  # float16


def test_an_export_goes_on(typed: Type, tmp_path: Path) -> None:
    """It holds what an export of today holds, and the same command finds nothing to do."""
    for out in ("new_parquet", "first_parquet"):
        typed("embedded", "export", "store=first.zarr", "to=parquet", f"out={out}")
        done = json.loads((tmp_path / "embedded" / "run" / "metrics.json").read_text())
        n_new = 0 if out == "first_parquet" else 3 * 8 * 7
        assert (done["n_places"], done["n_found"]) == (n_new, 3 * 8 * 7 - n_new)
    part = Path("places") / "part-00000000.parquet"
    old = parquet.read_table(GOLDEN / "embedded" / "first_parquet" / part)
    assert old.num_rows == 3 * 8 * 7
    assert old.equals(parquet.read_table(tmp_path / "embedded" / "new_parquet" / part))


# ---- labels ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", sorted(path.name for path in (GOLDEN / "labels" / "streams").iterdir())
)
def test_a_stream_is_read(name: str) -> None:
    codec = name.partition("+")[0]
    labels = np.load(FOLDER / ("small.npy" if codec in ("jpeg2000", "png") else "labels.npy"))
    decoded = get_codec(name).decode((FOLDER / "streams" / name).read_bytes())
    np.testing.assert_array_equal(decoded, labels)
    assert decoded.dtype == (np.uint64 if codec == "compresso-miccai" else labels.dtype)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if number % 3 == 0 else pytest.mark.slow)
        for number, name in enumerate(SOURCES)
    ],
)
def test_a_label_volume_is_read(name: str, typed: Type, tmp_path: Path) -> None:
    typed("labels", "compress", "task=convert", f"source={name}", "target=copy.zarr")
    copy = zarr.open_group(tmp_path / "labels" / "copy.zarr", mode="r")
    np.testing.assert_array_equal(copy["0"][:], np.load(FOLDER / "labels.npy"))
    assert copy["0"].dtype == (np.uint64 if "miccai" in name else np.uint32)
    (level,) = copy.attrs["ome"]["multiscales"][0]["datasets"]
    scales = [t["scale"] for t in level["coordinateTransformations"] if t["type"] == "scale"]
    assert scales == [SOURCES[name]]


@pytest.mark.parametrize("name", ["archive", "crackle", "zstd"])
def test_a_label_store_opens_in_zarr(name: str) -> None:
    """Zarr itself reads every level; a smaller one holds labels of the first."""
    group = zarr.open_group(FOLDER / f"{name}.zarr", mode="r")
    labels = np.load(FOLDER / "labels.npy")
    np.testing.assert_array_equal(group["0"][:], labels)
    assert sorted(group) == [str(level) for level in range(4 if name == "crackle" else 1)]
    for level in list(group)[1:]:
        assert set(np.unique(group[level][:])) <= set(np.unique(labels))


# ---- networks and runs ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "file", sorted(path.name for path in (GOLDEN / "trained").glob("*.codes.npy"))
)
def test_a_network_gives_the_codes_it_gave(file: str) -> None:
    name = file.removesuffix(".codes.npy")
    ours = name.startswith("shipped_")
    folder = WEIGHTS_DIR if ours else GOLDEN / "trained"
    network = weights.load(folder / name.removeprefix("shipped_")).network
    with torch.no_grad():
        codes = network.encode(torch.from_numpy(commands.patches())).numpy()
    expected = np.load(GOLDEN / "trained" / file)
    assert expected.std() > 1e-4
    np.testing.assert_allclose(codes, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.slow
def test_a_training_goes_on(typed: Type, tmp_path: Path) -> None:
    words = [*commands.TRAINING, *commands.NETWORKS["contrastive"], "trainer.max_epochs=2"]
    words.append("data.crop_size=null")  # it compared patches, the default then
    typed("trained", "train", *words, "ckpt_path=checkpoints/last.ckpt")
    expected = table(GOLDEN / "trained" / "history.csv")
    history = table(tmp_path / "trained" / "run" / "history.csv")
    assert len(history) == len(expected) == 2
    assert list(history[0]) == list(expected[0])
    for row, old in zip(history, expected, strict=True):
        values = [float(value) for value in row.values()]
        assert values == pytest.approx([float(value) for value in old.values()], rel=1e-3)


@pytest.mark.slow
def test_a_sweep_goes_on(typed: Type, tmp_path: Path) -> None:
    """Two of its points are done; a third one is added, and the table has all of them."""
    shutil.copytree(GOLDEN / "sweep", tmp_path / "typed" / "sweep")
    words = [word.replace("histogram,pixels", "histogram,pixels,pca") for word in commands.SWEEP]
    typed("typed", "evaluate", *words)
    expected = table(GOLDEN / "sweep" / "evaluation_results.csv")
    rows = table(tmp_path / "typed" / "sweep" / "evaluation_results.csv")
    assert {row["model"] for row in rows} - {row["model"] for row in expected} == {"pca"}
    for row in expected:  # measured with the paper's sum, which is called that since
        row["component AP, paper"] = row.pop("component AP")
    assert [row for row in rows if row["model"] != "pca"] == expected
    for record in (GOLDEN / "sweep").glob("*/run.json"):  # were not done again
        kept = tmp_path / "typed" / "sweep" / record.parent.name / record.name
        assert kept.read_bytes() == record.read_bytes()
