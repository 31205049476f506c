"""Zarr, N5 and label streams: what is written lies where it lay, whole or an error."""

import json
import os
import zipfile
from pathlib import Path

import crackle
import numpy as np
import pytest
import tensorstore
import zarr
from support import volumes_on_disk as disk
from support.label_volumes import CODEC, blocky

from emqs.errors import ConfigError, DataError
from emqs.geometry import Lengths, box_size, boxes
from emqs.volumes import Layout, create_volume, open_volume, write_ome_zarr
from emqs.volumes.zarr_labels import export_precomputed, open_labels, write_labels

SIZE: Lengths = (40.0, 4.0, 4.0)
ORIGIN: Lengths = (-120.0, 2048.0, 1024.0)
LABELS = blocky()
CRACKLE, PLAIN = CODEC, {**CODEC, "name": "zstd", "level": 3}


def made(path: Path, name: str, size: Lengths | None, origin: Lengths, **options: object) -> list:
    """Write the labels; what a user is told of it."""
    layout = Layout(LABELS.shape, LABELS.dtype, size, origin, options)  # type: ignore[arg-type]
    writer = create_volume(path, layout, name)
    for box in boxes(layout.shape, box_size(layout.shape, writer.unit, 4, 20_000)):
        writer.write(box, np.ascontiguousarray(LABELS[box.slices]))
    writer.finish()
    return writer.notes


@pytest.mark.parametrize("codec", [CRACKLE, PLAIN])
def test_zarr_keeps_size_and_origin_in_every_level(codec: dict, tmp_path: Path) -> None:
    levels = 2 if codec is CRACKLE else 1
    assert made(tmp_path / "a", "zarr", SIZE, ORIGIN, codec=codec, levels=levels) == []
    group = zarr.open(tmp_path / "a", mode="r")
    image = group.attrs["ome"]["multiscales"][0]
    assert [axis["unit"] for axis in image["axes"]] == ["nanometer"] * 3
    steps = image["datasets"][0]["coordinateTransformations"]
    assert steps == [
        {"type": "scale", "scale": list(SIZE)}, {"type": "translation", "translation": list(ORIGIN)}
    ]  # fmt: skip
    np.testing.assert_array_equal(group["0"][:], LABELS)
    for level in range(levels):
        volume = open_volume(tmp_path / "a", level=level)
        size = (40, 8, 8) if level else SIZE
        origin = (-120, 2050, 1026) if level else ORIGIN  # the middle of two voxels
        assert (volume.voxel_size_nm, volume.origin_nm) == (size, origin)


@pytest.mark.parametrize("codec", [CRACKLE, PLAIN])
def test_zarr_does_not_claim_an_unknown_size(codec: dict, tmp_path: Path) -> None:
    [note] = made(tmp_path / "a", "zarr", None, ORIGIN, codec=codec)
    assert "The origin is not written" in note
    image = zarr.open(tmp_path / "a", mode="r").attrs["ome"]["multiscales"][0]
    assert image["axes"] == [{"name": name, "type": "space"} for name in "zyx"]
    assert image["datasets"][0]["coordinateTransformations"] == [
        {"type": "scale", "scale": [1, 1, 1]}  # which the specification demands
    ]
    volume = open_volume(tmp_path / "a")
    assert (volume.voxel_size_nm, volume.origin_stated) == (None, False)
    write_ome_zarr(tmp_path / "b", volume, None, (2, 32, 33))
    assert open_volume(tmp_path / "b").voxel_size_nm is None


def test_n5_keeps_size_and_origin(tmp_path: Path) -> None:
    assert made(tmp_path / "a.n5", "n5", SIZE, ORIGIN) == []
    stated = json.loads((tmp_path / "a.n5/labels/attributes.json").read_text())
    assert stated["pixelResolution"] == {"dimensions": [4, 4, 40], "unit": "nm"}
    assert stated["transform"]["translate"] == list(ORIGIN)
    spec = {"driver": "n5", "kvstore": f"file://{tmp_path}/a.n5/labels/"}
    np.testing.assert_array_equal(tensorstore.open(spec).result().read().result().T, LABELS)
    volume = open_volume(tmp_path / "a.n5", format="n5")
    assert (volume.voxel_size_nm, volume.origin_nm) == (SIZE, ORIGIN)
    [note] = made(tmp_path / "b.n5", "n5", None, ORIGIN)
    assert "The origin is not written" in note
    assert open_volume(tmp_path / "b.n5", format="n5").voxel_size_nm is None


def test_an_export_for_neuroglancer_lies_where_the_labels_lie(tmp_path: Path) -> None:
    write_labels(tmp_path / "a", LABELS, voxel_size_nm=SIZE, origin_nm=ORIGIN, levels=3)
    export_precomputed(open_labels(tmp_path / "a"), tmp_path / "out")
    for level in (0, 1):
        spec = {"driver": "neuroglancer_precomputed", "kvstore": f"file://{tmp_path}/out/",
                "scale_index": level}  # fmt: skip
        array = tensorstore.open(spec).result()
        assert array.domain.inclusive_min[:3] == ((256, 512, -3), (128, 256, -3))[level]
        expected = open_labels(tmp_path / "a").level(level)[:]
        np.testing.assert_array_equal(array[..., 0].read().result().T, expected)


# chunks under other names, or none


def test_chunks_in_folders_that_the_metadata_do_not_mention_are_read(tmp_path: Path) -> None:
    path = disk.ome_zarr_04(tmp_path / "a")
    for file in list((path / "s0").glob("[0-9]*")):
        disk.put(path / "s0" / file.name.replace(".", "/"), file.read_bytes())
        if file.is_file():
            file.unlink()
    volume = open_volume(path)
    np.testing.assert_array_equal(volume.read(volume.box), disk.VOXELS)
    text = (path / "s0" / ".zarray").read_text()
    (path / "s0" / ".zarray").write_text(text.replace("{", '{"dimension_separator": ".", ', 1))
    with pytest.raises(DataError, match=r"other names than its metadata say: .*states '\.'.*'/'"):
        open_volume(path)


def test_arrays_without_any_chunk_are_errors_that_say_so(tmp_path: Path) -> None:
    for make in (disk.ome_zarr_04, disk.ome_zarr_05, disk.n5_viewer):
        path = make(tmp_path / make.__name__)
        for file in (path / "s0").rglob("*"):
            if file.is_file() and file.name[0].isdigit():
                file.unlink()
        with pytest.raises(DataError, match=r"None of the chunks of .*s0 is there"):
            open_volume(path)
    zeros = np.zeros((2, 3, 4), np.uint8)
    layout = Layout((2, 3, 4), zeros.dtype, SIZE, options={"codec": CRACKLE})
    writer = create_volume(tmp_path / "empty.zarr", layout, "zarr")
    writer.write(next(boxes((2, 3, 4), (2, 3, 4))), zeros)
    writer.finish()
    volume = open_volume(tmp_path / "empty.zarr")  # it notes that it has no chunk
    assert not volume.read(volume.box).any()


# zip, folders that cannot be written, symbolic links, hostile paths


def zip_of(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, str(file.relative_to(folder)))
    return path


@pytest.mark.parametrize("codec", [CRACKLE, PLAIN])
def test_labels_in_a_zip_file(codec: dict, tmp_path: Path) -> None:
    made(tmp_path / "a", "zarr", SIZE, ORIGIN, codec=codec)
    path = zip_of(tmp_path / "a", tmp_path / "a.ozx")
    volume = open_volume(path)
    assert (volume.voxel_size_nm, volume.origin_nm, volume.path) == (SIZE, ORIGIN, path)
    np.testing.assert_array_equal(volume.read(volume.box), LABELS)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="cannot be read as a zip file"):
        open_volume(path)


def test_symbolic_links_are_followed(tmp_path: Path) -> None:
    made(tmp_path / "a", "zarr", SIZE, ORIGIN, codec=CRACKLE)
    (tmp_path / "link.zarr").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "0").rename(tmp_path / "elsewhere")
    (tmp_path / "a" / "0").symlink_to(tmp_path / "elsewhere")
    volume = open_volume(tmp_path / "link.zarr")
    np.testing.assert_array_equal(volume.read(volume.box), LABELS)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folders(tmp_path: Path) -> None:
    made(tmp_path / "a", "zarr", SIZE, ORIGIN, codec=CRACKLE)
    for folder in [tmp_path / "a", *(tmp_path / "a").rglob("*")]:
        folder.chmod(0o555 if folder.is_dir() else 0o444)
    volume = open_volume(tmp_path / "a")
    np.testing.assert_array_equal(volume.read(volume.box), LABELS)


@pytest.mark.parametrize("path", ["../b", "/etc", "a/../../b", "file:///etc", "a\\b", "."])
def test_levels_that_leave_the_source_are_refused(path: str, tmp_path: Path) -> None:
    disk.ome_zarr_05(tmp_path / "b")
    image = disk.ome_zarr_05(tmp_path / "a", path=path)
    with pytest.raises(DataError, match="is not allowed"):
        open_volume(image)
    with pytest.raises(DataError, match=r"is not allowed|lack something"):
        open_labels(image)
    disk.n5_array(tmp_path / "c.n5" / "s0")
    levels = {"multiscales": [{"datasets": [{"path": path}]}]}
    disk.put(tmp_path / "c.n5" / "attributes.json", levels)
    with pytest.raises(DataError, match="is not allowed"):
        open_volume(tmp_path / "c.n5")
    with pytest.raises(DataError, match="is not allowed"):
        open_volume(tmp_path / "b", dataset=f"x/{path}")


# streams


def test_a_stream_states_no_size_and_the_user_may(tmp_path: Path) -> None:
    (tmp_path / "a.ckl").write_bytes(crackle.compress(np.asfortranarray(LABELS.T)))
    for name in ("compresso", "compresso-miccai", "compresso-v2"):
        made(tmp_path / name, name, SIZE, ORIGIN)
    for name in ("a.ckl", "compresso", "compresso-miccai", "compresso-v2"):
        kind = "crackle" if name == "a.ckl" else name
        volume = open_volume(tmp_path / name, format=kind)
        assert volume.voxel_size_nm is None
        with pytest.raises(DataError, match=r"states no voxel size. Give voxel_size_nm=\[z,y,x\]"):
            volume.require_voxel_size()
        np.testing.assert_array_equal(volume.read(volume.box), LABELS)
        volume = open_volume(tmp_path / name, format=kind, voxel_size_nm=SIZE, origin_nm=ORIGIN)
        assert (volume.voxel_size_nm, volume.origin_nm, volume.notes) == (SIZE, ORIGIN, ())
        with pytest.raises(ConfigError, match=r"the axes of .* are fixed"):
            open_volume(tmp_path / name, format=kind, axes="xyz")
