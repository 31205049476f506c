"""Raw slices to a volume, from end to end: stopped anywhere, checked, reused, refused."""

import hashlib
import json
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr
from support.raw_slices import disturbed, tissue, written

from emqs.errors import ConfigError, DataError
from emqs.geometry import Box
from emqs.ingestion import assemble, dataset_file, report
from emqs.ingestion.ingest import Made, Settings, Step, ingest
from emqs.ingestion.judge import judge
from emqs.ingestion.settings import (
    AlignConfig,
    CheckConfig,
    ContrastConfig,
    IngestConfig,
    OutputConfig,
)
from emqs.ingestion.sources import Source, open_source
from emqs.volumes import open_volume

SIZE = (20.0, 5.0, 5.0)
PLAIN = Settings(
    IngestConfig(),
    CheckConfig(),
    AlignConfig("none"),
    ContrastConfig("none"),
    OutputConfig(chunk=[4, 64, 64], shard=[4, 128, 128]),
)
WHOLE = replace(
    PLAIN, align=AlignConfig("affine", rotation_deg=3), contrast=ContrastConfig("match")
)


def opened(folder: Path) -> Source:
    return open_source(str(folder), voxel_size_nm=SIZE)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    windows, _ = disturbed(tissue(7, 260, depth=4.0), 180, seed=3)
    windows[4] = np.full_like(windows[4], 100)
    return written(tmp_path_factory.mktemp("slices") / "raw", windows, first=8)


@pytest.fixture(scope="module")
def made(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return ingest(opened(raw), tmp_path_factory.mktemp("made") / "brain.zarr", WHOLE)


def test_cuts_before_are_drawn_at_the_scale_of_those_after(tmp_path: Path) -> None:
    slices = [plane[:, :100] if k == 1 else plane for k, plane in enumerate(tissue(3, 200))]
    source = opened(written(tmp_path / "raw", slices))
    out = ingest(source, tmp_path / "v.zarr", PLAIN).path
    judged = judge(source, tmp_path, check_settings=CheckConfig(), align=PLAIN.align,
                   step=lambda *_: None)  # fmt: skip
    cuts = report.cuts(judged, out)
    assert list(cuts) == ["XZ before", "XZ after", "YZ before", "YZ after"]  # nothing is evened
    assert (cuts["XZ before"][0] == slices[0][100]).all()
    assert (cuts["XZ before"][1, 50:150] == slices[1][100]).all()  # half as wide, in the middle
    assert not cuts["XZ before"][1, :50].any()
    assert cuts["YZ before"].shape == cuts["YZ after"].shape == (3, 200)


def test_slices_that_are_left_alone_stay_what_they_are(tmp_path: Path) -> None:
    slices = list(tissue(6, 300, seed=7))
    source = opened(written(tmp_path / "raw", slices))
    out = ingest(source, tmp_path / "v.zarr", PLAIN).path
    volume = open_volume(out)
    assert volume.voxel_size_nm == SIZE
    assert (volume.read(volume.box) == np.stack(slices)).all()
    assert volume.n_levels == 2
    other = zarr.open_group(str(out), mode="r")  # another library reads the same
    assert (np.asarray(other["0"]) == np.stack(slices)).all()
    ome = dict(other.attrs)["ome"]
    assert ome["omero"]["channels"][0]["window"]["end"] > 100
    smaller = open_volume(out, level=1)
    assert smaller.shape == (6, 150, 150)
    assert smaller.voxel_size_nm == (20.0, 10.0, 10.0)
    assert smaller.origin_nm == (0.0, 2.5, 2.5)
    first = np.stack(slices).astype(float).reshape(6, 150, 2, 150, 2).mean(axis=(2, 4))
    assert np.abs(smaller.read(smaller.box) - first).max() <= 0.5


def test_neighbours_lie_on_each_other_and_bad_slices_are_marked(made: Made) -> None:
    volume = open_volume(made.path)
    planes = volume.read(volume.box).astype(float)
    both = (planes[1] > 0) & (planes[2] > 0)
    assert np.corrcoef(planes[1][both], planes[2][both])[0, 1] > 0.8
    assert not planes[4].any()
    attributes = json.loads((made.path / "zarr.json").read_text())["attributes"]["emqs"]
    assert [(one["z"], one["name"], one["verdict"]) for one in attributes["bad_slices"]] == [
        (4, "slice_12", "blank")
    ]
    assert attributes["settings"]["align"]["model"] == "affine"
    table = (made.path / "ingestion" / "slices.csv").read_text().splitlines()
    assert table[5].startswith("4,slice_12,blank,no,")
    second = open_volume(made.path, dataset="even")
    assert second.shape == volume.shape
    assert second.voxel_size_nm == SIZE
    evened = second.read(second.box)
    assert ((evened == 0) == (planes == 0)).mean() > 0.999


def test_the_same_command_again_does_nothing_and_another_is_refused(raw: Path, made: Made) -> None:
    before = digests(made.path)
    again = ingest(opened(raw), made.path, WHOLE)
    assert again.judged is None
    assert digests(made.path) == before
    with pytest.raises(ConfigError, match="was made with other settings or slices"):
        ingest(opened(raw), made.path, PLAIN)


class StoppedError(BaseException):
    """Nobody catches it."""


@pytest.mark.slow
def test_stopped_after_any_part_and_gone_on_with_it_is_the_same(
    raw: Path, made: Made, tmp_path: Path
) -> None:
    expected = digests(made.path)
    out = tmp_path / "brain.zarr"
    runs = 0
    while not out.exists():
        runs += 1
        with suppress(StoppedError):
            ingest(opened(raw), out, WHOLE, step=_stopping(1))
    assert runs > 5
    assert digests(out) == expected
    assert list(tmp_path.iterdir()) == [out]


def _stopping(after: int) -> Step:
    """A step that stops a run when it has told of so many parts, and of one more."""
    parts = iter(range(after))

    def step(_stage: str, _done: int, _total: int) -> None:
        if next(parts, None) is None:
            raise StoppedError

    return step


@pytest.mark.slow
def test_a_shard_that_was_cut_off_is_written_again(
    raw: Path, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped inside of a part: what it had written counts for nothing."""
    out = tmp_path / "brain.zarr"
    write = assemble.Image.write
    calls = {"left": 2}

    def failing(self: assemble.Image, number: int, box: Box, voxels: np.ndarray) -> None:
        calls["left"] -= 1
        if calls["left"] == 0:
            write(self, number, box, np.zeros_like(voxels))
            raise StoppedError
        write(self, number, box, voxels)

    monkeypatch.setattr(assemble.Image, "write", failing)
    with pytest.raises(StoppedError):
        ingest(opened(raw), out, WHOLE)
    monkeypatch.setattr(assemble.Image, "write", write)
    ingest(opened(raw), out, WHOLE)
    assert digests(out) == digests(made.path)


def test_a_slice_that_changed_in_between_is_named(raw: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(raw, tmp_path / "raw")
    out = tmp_path / "v.zarr"

    def stop(stage: str, _done: int, _total: int) -> None:
        if stage == "resample":
            raise StoppedError

    small = replace(PLAIN, output=OutputConfig(chunk=[2, 64, 64], shard=[2, 128, 128]))
    with pytest.raises(StoppedError):
        ingest(opened(folder), out, small, step=stop)
    shutil.copy(folder / "slice_8.png", folder / "slice_14.png")
    with pytest.raises(DataError, match=r"slice_14 \(slot 6\) changed since it was looked at"):
        ingest(opened(folder), out, small)
    with pytest.raises(ConfigError, match="was begun with other contrast"):
        ingest(opened(folder), out, replace(small, contrast=ContrastConfig("clahe")))
    made = ingest(opened(folder), out, small, restart=True)
    assert made.judged is not None
    assert {one.slot: one.verdict for one in made.judged.verdicts if not one.use} == {
        4: "blank", 6: "duplicate"
    }  # fmt: skip


def test_gaps_and_bad_slices_are_filled_as_asked(tmp_path: Path) -> None:
    slices = list(tissue(6, 90, seed=7))
    folder = written(tmp_path / "raw", slices)
    (folder / "slice_2.png").unlink()
    results = {}
    for fill in ("none", "nearest", "blend"):
        settings = replace(PLAIN, ingest=IngestConfig(fill=fill))
        volume = open_volume(ingest(opened(folder), tmp_path / f"{fill}.zarr", settings).path)
        results[fill] = volume.read(volume.box)
    assert [len(r) for r in results.values()] == [6, 6, 6]
    assert not results["none"][2].any()
    assert (results["nearest"][2] == slices[1]).all()
    middle = (slices[1].astype(float) + slices[3]) / 2
    assert np.abs(results["blend"][2] - middle).max() <= 0.5


def test_transforms_are_used_again_for_another_channel(
    raw: Path, made: Made, tmp_path: Path
) -> None:
    path = made.path / "ingestion" / "transforms.json"
    settings = replace(PLAIN, align=AlignConfig("affine", transforms=str(path)))
    again = ingest(opened(raw), tmp_path / "again.zarr", settings)
    first, second = open_volume(made.path), open_volume(again.path)
    apart = first.read(first.box).astype(int) - second.read(second.box)
    assert np.abs(apart).max() <= 1


@pytest.mark.slow
def test_a_break_is_named_or_makes_pieces(tmp_path: Path) -> None:
    first, _ = disturbed(tissue(3, 260, seed=1, depth=4.0), 170, seed=1)
    second, _ = disturbed(tissue(3, 260, seed=2, depth=4.0), 170, seed=2)
    folder = written(tmp_path / "raw", first + second)
    align = AlignConfig("rigid", rotation_deg=3)
    with pytest.raises(DataError, match=r"2 pieces .*slice_0 to slice_2; slice_3 to slice_5"):
        ingest(opened(folder), tmp_path / "v.zarr", replace(PLAIN, align=align))
    align = replace(align, breaks="split")
    made = ingest(opened(folder), tmp_path / "w.zarr", replace(PLAIN, align=align))
    assert made.laid is not None
    assert made.laid.pieces == [[0, 1, 2], [3, 4, 5]]
    attributes = json.loads((made.path / "zarr.json").read_text())["attributes"]["emqs"]
    assert attributes["pieces"] == [[0, 2], [3, 5]]


@pytest.mark.slow
def test_a_copy_for_neuroglancer_holds_the_same_voxels(tmp_path: Path) -> None:
    slices = list(tissue(6, 300, seed=7))
    source = opened(written(tmp_path / "raw", slices))
    settings = replace(PLAIN, ingest=IngestConfig(format="precomputed"))
    out = ingest(source, tmp_path / "v.zarr", settings).path
    copy = tmp_path / "v.precomputed"
    for level in (0, 1):
        first, second = open_volume(out, level=level), open_volume(copy, level=level)
        assert (first.read(first.box) == second.read(second.box)).all()
        assert first.voxel_size_nm == second.voxel_size_nm
    assert json.loads((copy / "info").read_text())["type"] == "image"
    shutil.rmtree(out)
    with pytest.raises(ConfigError, match=r"v\.precomputed exists"):
        ingest(source, out, settings)


@pytest.mark.slow
def test_elastic_meshes_are_kept_and_used_again(raw: Path, tmp_path: Path) -> None:
    align = AlignConfig("elastic", rotation_deg=3)
    made = ingest(opened(raw), tmp_path / "v.zarr", replace(PLAIN, align=align))
    assert made.laid is not None
    bends = [np.abs(mesh).max() for mesh in made.laid.transforms.mesh.values()]
    assert len(bends) == 6
    assert 0.05 < max(bends) < 8
    path = made.path / "ingestion" / "transforms.json"
    again = replace(PLAIN, align=AlignConfig("elastic", transforms=str(path)))
    first, second = (
        open_volume(out)
        for out in (made.path, ingest(opened(raw), tmp_path / "w.zarr", again).path)
    )
    assert np.abs(first.read(first.box).astype(int) - second.read(second.box)).max() <= 1


@pytest.mark.slow
def test_an_aligned_stack_stays_where_it_is(tmp_path: Path) -> None:
    stack = list(tissue(5, 200, depth=6.0))
    made = ingest(opened(written(tmp_path / "raw", stack)), tmp_path / "v.zarr",
                  replace(WHOLE, contrast=ContrastConfig("none")))  # fmt: skip
    assert made.laid is not None
    for matrix in made.laid.transforms.forward.values():
        moved = matrix[:, :2] @ np.array([100.0, 100.0]) + matrix[:, 2]
        assert np.abs(moved - 100).max() < 1.5
        assert np.abs(matrix[:, :2] - np.eye(2)).max() < 0.005


@pytest.mark.slow
def test_swapped_slices_are_left_out(tmp_path: Path) -> None:
    windows, _ = disturbed(tissue(8, 260, depth=2.5, seed=5), 180, seed=3)
    windows[3], windows[4] = windows[4], windows[3]
    judged = judge(
        opened(written(tmp_path / "raw", windows)), tmp_path, check_settings=CheckConfig(),
        align=AlignConfig("affine", rotation_deg=3), step=lambda *_: None,
    )  # fmt: skip
    assert {one.slot: one.verdict for one in judged.verdicts if not one.use} == {
        3: "swapped", 4: "swapped"
    }  # fmt: skip
    assert {(p.first, p.second) for p in judged.pairs} >= {(2, 5)}


def test_what_cannot_be_written_is_said(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"file is no folder\. Give another place"):
        ingest(opened(raw), tmp_path / "file" / "v.zarr", PLAIN)
    with pytest.raises(ConfigError, match="does not exist"):
        ingest(opened(raw), tmp_path / "none" / "v.zarr", PLAIN)
    (tmp_path / "taken.zarr").mkdir()
    with pytest.raises(ConfigError, match="exists and holds something else"):
        ingest(opened(raw), tmp_path / "taken.zarr", PLAIN)
    with pytest.raises(ConfigError, match="states no voxel size"):
        ingest(open_source(str(raw)), tmp_path / "v.zarr", PLAIN)


@pytest.mark.slow
def test_a_full_disk_is_said_and_gone_on_from(
    raw: Path, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "brain.zarr"
    monkeypatch.setattr(assemble.np, "save", full)
    with pytest.raises(DataError, match="the disk is full"):
        ingest(opened(raw), out, WHOLE)
    monkeypatch.undo()
    ingest(opened(raw), out, WHOLE)
    assert digests(out) == digests(made.path)


@pytest.mark.slow
def test_a_server_opens_what_was_made(made: Made, tmp_path: Path) -> None:
    from support.served import served

    from emqs.web import files

    home = tmp_path / "lab"
    path = dataset_file.write(home, made.path, even=True)
    with served(home) as lab:
        assert files.synchronise(lab.context.database, lab.context.home) == ["brain"]
        ann = lab.user("ann", admin=True)
        answer = lab.client(ann).get("/api/v1/datasets/brain").json()
        assert answer["title"] == "brain"
        assert {layer["name"]: layer["kind"] for layer in answer["layers"]} == {
            "image": "image", "even": "image"
        }  # fmt: skip
        assert answer["shape"] == list(made.shape)
    path.write_text(path.read_text() + "grants: {users: {ann: reviewer}}\n")
    kept = path.read_text()
    assert dataset_file.write(home, made.path, even=True).read_text() == kept
    with pytest.raises(ConfigError, match=r"brain\.yaml describes another volume"):
        dataset_file.place(home, tmp_path / "brain.zarr")
    with pytest.raises(ConfigError, match="cannot become a dataset"):
        dataset_file.place(home, tmp_path / "my brain.zarr")
