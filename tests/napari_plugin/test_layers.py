"""What napari is given and asks for, without napari: layers read, layers saved, places in view."""

import importlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml
from support.discs import ORIGIN_NM
from support.embedded_volumes import VOXEL_NM, filled, voxels

from emqs.errors import ConfigError, DataError
from emqs.geometry import Box
from emqs.napari.lazy_array import LazyArray
from emqs.napari.reading import STORE, get_reader, read_layers
from emqs.napari.session import around, examples_of, opened
from emqs.napari.writing import write_image, write_labels
from emqs.volumes import from_array, open_volume, write_ome_zarr

PLACED = {"scale": VOXEL_NM, "translate": ORIGIN_NM, "units": ("nm", "nm", "nm")}


@pytest.mark.parametrize(
    "index",
    [
        2, -1, (1, 4), (..., 3), (slice(None), 5, slice(2, 9)), (0, slice(None, None, 3), ...),
        (slice(None), slice(9, 2, -2), slice(None, None, -1)), (1, slice(4, 4)), (),
        (slice(None), [5, 1, 1], 3), (np.int64(1), np.array([0, -1])), (2, ..., slice(-4, None)),
    ],
)  # fmt: skip
def test_a_lazy_array_is_indexed_as_one_of_numpy(index: object) -> None:
    array = np.random.default_rng(0).integers(0, 9, (3, 11, 13)).astype(np.uint16)
    lazy = LazyArray(from_array(array, None))
    np.testing.assert_array_equal(lazy[index], array[index])
    assert lazy[index].dtype == array.dtype


def test_a_lazy_array_reads_what_is_looked_at_only() -> None:
    seen: list[Box] = []

    class Reader:
        def read(self, box: Box) -> np.ndarray:
            seen.append(box)
            return np.ones(box.shape, dtype=bool)

    volume = from_array(np.zeros((3, 11, 13), dtype=bool), None)
    object.__setattr__(volume, "reader", Reader())
    lazy = LazyArray(volume)
    assert (len(lazy), lazy.shape, lazy.ndim, lazy.dtype) == (3, (3, 11, 13), 3, np.uint8)
    assert seen == []
    assert lazy[1:2, 2:8:2, [4, 7]].tolist() == [[[1, 1]] * 3]
    assert seen == [Box((1, 2, 4), (2, 7, 8))]
    with pytest.raises(IndexError, match="outside an axis of 3"):
        lazy[3]


def test_layers_come_back_as_they_were_saved(tmp_path: Path) -> None:
    """Images and labels, in two and three axes, in nm and without units; and not over others."""
    image = np.random.default_rng(1).integers(0, 255, (3, 40, 50)).astype(np.uint8)
    labels = (image // 50).astype(np.uint16)
    for write, data, kind in ((write_image, image, "image"), (write_labels, labels, "labels")):
        path = str(tmp_path / f"{kind}.zarr")
        assert write(path, data, {"name": "mine", **PLACED}) == [path]
        ((made, about, own),) = read_layers(path)
        assert own == kind
        assert (about["scale"], about["translate"]) == (VOXEL_NM, ORIGIN_NM)
        full = made[0] if about.get("multiscale") else made
        np.testing.assert_array_equal(np.asarray(full), data)
        with pytest.raises((ConfigError, DataError), match="exists"):
            write(path, data, {"name": "mine", **PLACED})
        again = str(tmp_path / f"{kind}_again.zarr")
        write(again, [full], {**about, "units": ("micrometer",) * 3})  # as read, other units
        with open_volume(again) as volume:
            assert volume.voxel_size_nm == tuple(1000 * v for v in VOXEL_NM)
        plain = str(tmp_path / f"{kind}_plain.zarr")
        write(plain, data[0], {"name": "flat", "scale": (2.0, 2.0), "units": ("pixel", "pixel")})
        with open_volume(plain) as volume:
            assert (volume.shape, volume.voxel_size_nm) == ((1, 40, 50), None)
        assert "scale" not in read_layers(plain)[0][1]
    with pytest.raises(DataError, match="mine has colours"):
        write_image(str(tmp_path / "no.zarr"), image, {"name": "mine", "rgb": True})
    with pytest.raises(DataError, match="mine has 4 axes"):
        write_labels(str(tmp_path / "no.zarr"), labels[None], {"name": "mine"})


def test_levels_are_layers_of_several_scales(tmp_path: Path) -> None:
    labels = np.kron(np.arange(12, dtype=np.uint32).reshape(1, 3, 4), np.ones((2, 200, 200), int))
    write_labels(str(tmp_path / "l.zarr"), labels.astype(np.uint32), PLACED)
    ((data, about, kind),) = read_layers(str(tmp_path / "l.zarr"))
    assert (kind, about["multiscale"]) == ("labels", True)
    assert len(data) > 1
    assert all(a.size > b.size for a, b in pairwise(data))
    np.testing.assert_array_equal(np.asarray(data[0]), labels)


def test_a_store_is_read_as_what_it_was_made_of(tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "v.zarr", voxels(), VOXEL_NM, (1, 64, 64), origin_nm=ORIGIN_NM)
    with open_volume(tmp_path / "v.zarr") as volume:
        filled(tmp_path / "e.zarr", volume)
    reader = get_reader(str(tmp_path / "e.zarr"))
    assert reader is not None
    ((data, about, kind),) = reader(str(tmp_path / "e.zarr"))
    assert (kind, about["name"], about["translate"]) == ("image", "v.zarr", ORIGIN_NM)
    assert about["metadata"] == {STORE: str(tmp_path / "e.zarr")}
    np.testing.assert_array_equal(data[1], voxels()[1])
    session = opened(tmp_path / "e.zarr")
    clicks = examples_of(np.array([[1.2, 30.4, 40], [1, 30, 40]]), np.array([[0, 9, 9]]))
    session.save_examples(tmp_path / "c.csv", clicks)
    again = session.read_examples(tmp_path / "c.csv")
    assert again.points == clicks.points == ([[1, 30, 40]], [[0, 9, 9]])
    assert len(session.search(clicks).ranks) > 10


def test_what_is_no_volume_is_left_to_others(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    assert get_reader(str(tmp_path / "notes.txt")) is None
    assert get_reader(str(tmp_path / "none.zarr")) is None
    assert get_reader([str(tmp_path), str(tmp_path)]) is None
    assert get_reader("ftp://somewhere/v.zarr") is None
    assert get_reader("zarr3://https://somewhere/v.zarr") is read_layers
    np.save(tmp_path / "v.npy", voxels())
    with pytest.raises(DataError, match="does not say which is which"):
        read_layers(str(tmp_path / "v.npy"))


def test_squares_cover_a_view_and_stay_when_it_moves() -> None:
    shape = (9, 1000, 900)
    assert around(Box((2, 10, 300), (3, 90, 513)), shape, 128, 16) == Box(
        (2, 0, 256), (3, 128, 640)
    )
    whole = around(Box((2, 0, 0), (3, 1000, 900)), shape, 128, 16)
    assert whole == Box((2, 256, 256), (3, 768, 768))  # the middle of 8 x 8 squares
    assert around(Box((0, 990, 890), (1, 1000, 900)), shape, 128, 16).stop == (1, 1000, 900)
    with pytest.raises(ConfigError, match="is marked as the structure and as something else"):
        examples_of(np.array([[1, 2, 3.0]]), np.array([[1, 2, 3.4]]))


def test_the_manifest_names_what_is_there() -> None:
    """As ``npe2 validate`` does; that needs the package."""
    text = Path(importlib.import_module("emqs.napari").__file__ or "").with_name("napari.yaml")
    manifest = yaml.safe_load(text.read_text())
    for command in manifest["contributions"]["commands"]:
        module, _, name = command["python_name"].partition(":")
        assert callable(getattr(importlib.import_module(module), name))
    used = {one["command"] for kind in ("readers", "writers", "widgets")
            for one in manifest["contributions"][kind]}  # fmt: skip
    assert used == {one["id"] for one in manifest["contributions"]["commands"]}
    npe2 = pytest.importorskip("npe2", reason="napari is not installed: pip install 'emqs[napari]'")
    assert npe2.PluginManifest.from_file(text).name == "emqs"
