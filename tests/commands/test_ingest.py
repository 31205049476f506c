"""python -m emqs.ingest: from the command line to a volume, a report, or one line."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.raw_slices import disturbed, tissue, written
from support.typed import typed

from emqs.volumes import open_volume


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    windows, _ = disturbed(tissue(6, 240, depth=4.0), 170, seed=3)
    windows[2] = np.full_like(windows[2], 100)
    folder = written(tmp_path_factory.mktemp("slices") / "raw", windows)
    (folder / "slice_4.png").unlink()
    return folder


def ingested(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return typed("ingest", folder, f"hydra.run.dir={folder / 'run'}", *words)


@pytest.mark.slow
def test_a_volume_a_report_and_figures(raw: Path, tmp_path: Path) -> None:
    done = ingested(
        tmp_path, f"source={raw}", "out=v.zarr", "voxel_size_nm=[20,5,5]", "align.rotation_deg=3"
    )
    assert done.returncode == 0, done.stderr
    assert "Note: No slice has the number 4; a gap of that depth is kept." in done.stdout
    assert "Slot 2 slice_2: blank." in done.stdout
    volume = open_volume(tmp_path / "v.zarr")
    assert volume.shape[0] == 6
    run = tmp_path / "run"
    for name in ("alignment.png", "cuts.png", "bad_slices.png"):
        picture = np.asarray(Image.open(run / name).convert("L"))
        assert picture.std() > 10
    metrics = json.loads((run / "metrics.json").read_text())
    assert (metrics["n_slots"], metrics["n_used"], metrics["n_blank"]) == (6, 4, 1)
    assert (run / "pairs.csv").read_text().startswith("first,second,matched,why_not,peak")
    log = (run / "ingest.log").read_text()
    assert "look: 5 of 5" in log
    again = ingested(
        tmp_path, f"source={raw}", "out=v.zarr", "voxel_size_nm=[20,5,5]", "align.rotation_deg=3"
    )
    assert "is there already" in again.stdout


@pytest.mark.slow
def test_a_check_writes_no_volume_and_its_table_overrules(raw: Path, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    asked = (f"source={raw}", "out=v.zarr", "align=none", "contrast=none", "figures=false")
    done = ingested(tmp_path, *asked, "task=check")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in set(tmp_path.iterdir()) - before} == {"run"}
    table = tmp_path / "run" / "slices.csv"
    table.write_text(table.read_text().replace("blank,no", "blank,yes"))
    kept = table.rename(tmp_path / "mine.csv")
    done = ingested(tmp_path, *asked, "voxel_size_nm=[20,5,5]", f"check.table={kept}")
    assert done.returncode == 0, done.stderr
    volume = open_volume(tmp_path / "v.zarr")
    assert (volume.read(volume.box)[2] == 100).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["out=v.zarr"], "source is missing"),
        (["source=none", "out=v.zarr"], "There is no volume at"),
        (["source=none", "task=look"], "task must be one of ingest, check"),
        (["source=none", "out=v.zarr", "fill=mirror"], "fill must be one of none, nearest"),
        (["source=none", "out=v.zarr", "contrast.window=4"], "contrast.window must be odd"),
        (["source=none", "out=v.zarr", "engine=dask"], "engine must be one of local, ray"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path: Path, arguments: list[str], line: str) -> None:
    done = ingested(tmp_path, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("emqs.ingest: ")
    assert line in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
