"""Every format against one volume whose voxels say where they are; axes, units, lazy reading."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import volumes_on_disk as disk
from support.volumes_on_disk import SHAPE, SIZE, VOXELS, ZEROS

from emqs.datasets.volume_stack import as_stack
from emqs.errors import ConfigError, DataError
from emqs.volumes import Box, Volume, from_array, open_volume
from emqs.volumes.axes import find_axes

Case = tuple[Callable[[Path], Path], dict[str, object], tuple[int, ...], tuple[float, ...]]

#: How each is made, what must be said of it, its chunks, its origin in nm.
CASES: dict[str, Case] = {
    "ome-zarr 0.4": (disk.ome_zarr_04, {}, (2, 3, 4), ZEROS),
    "ome-zarr 0.5": (disk.ome_zarr_05, {}, (2, 3, 4), ZEROS),
    "ome-zarr 0.5 sharded": (disk.ome_zarr_05_sharded, {}, (2, 3, 4), ZEROS),
    "n5 viewer": (disk.n5_viewer, {}, (2, 3, 4), ZEROS),
    "n5 cosem": (disk.n5_cosem, {}, (2, 3, 4), (300.0, 0.0, 16.0)),
    "precomputed": (disk.precomputed, {}, (2, 3, 4), ZEROS),
    "precomputed moved": (
        lambda p: disk.precomputed(p, (10, 20, 300)), {}, (2, 3, 4), (300.0, 160.0, 1200.0),
    ),
    "hdf5": (disk.hdf5, {}, (2, 3, 4), ZEROS),
    "tiff of ImageJ": (disk.tiff_imagej, {}, (1, 6, 7), ZEROS),
    "ome-tiff": (disk.tiff_ome, {}, (1, 6, 7), ZEROS),
    "ome-tiff in tiles": (
        lambda p: disk.tiff_ome(p, tile=(16, 32), compression="zlib"), {}, (1, 16, 32), ZEROS,
    ),
    "bigtiff": (disk.tiff_big, {"voxel_size_nm": SIZE}, (1, 6, 7), ZEROS),
    "bigtiff in strips": (
        lambda p: disk.tiff_big(p, rowsperstrip=4, compression="zlib"),
        {"voxel_size_nm": SIZE}, (1, 4, 7), ZEROS,
    ),
    "folder of png": (lambda p: disk.slices(p, "png"), {"voxel_size_nm": SIZE}, (1, 6, 7), ZEROS),
    "folder of tiff": (lambda p: disk.slices(p, "tif"), {"voxel_size_nm": SIZE}, (1, 2, 7), ZEROS),
}  # fmt: skip


def opened(name: str, folder: Path) -> Volume:
    make, said, _, _ = CASES[name]
    return open_volume(make(folder / "volume"), **said)


@pytest.mark.parametrize("name", CASES)
def test_every_format_gives_the_same_voxels_axes_and_lengths(name: str, tmp_path: Path) -> None:
    volume = opened(name, tmp_path)
    assert volume.shape == SHAPE
    assert volume.dtype == np.uint16
    assert volume.voxel_size_nm == pytest.approx(SIZE)
    assert volume.chunks == CASES[name][2]
    assert volume.origin_nm == pytest.approx(CASES[name][3])
    got = volume.read(volume.box)
    assert got.dtype == np.uint16
    assert got.dtype.isnative
    assert got.flags.c_contiguous
    np.testing.assert_array_equal(got, VOXELS)


@pytest.mark.parametrize("name", CASES)
def test_every_box_is_that_part_of_the_volume(name: str, tmp_path: Path) -> None:
    volume = opened(name, tmp_path)
    rng = np.random.default_rng(0)
    for _ in range(15):
        ends = np.sort(rng.integers(0, np.array(SHAPE) + 1, size=(2, 3)), axis=0)
        box = Box(tuple(ends[0].tolist()), tuple(ends[1].tolist()))
        np.testing.assert_array_equal(volume.read(box), VOXELS[box.slices])


def test_what_is_read_belongs_to_the_caller() -> None:
    volume = from_array(VOXELS, SIZE)
    volume.read(volume.box)[:] = 0
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)


@pytest.mark.parametrize("make", [disk.ome_zarr_04, disk.ome_zarr_05])
@pytest.mark.parametrize(
    ("unit", "nm"),
    [("nanometer", 1.0), ("micrometer", 1000.0), ("angstrom", 0.1), ("\u03bcm", 1000.0),
     ("\u00b5m", 1000.0), ("\u212b", 0.1), ("Nanometers", 1.0)],
)  # fmt: skip
def test_ome_units_become_nanometres(
    make: Callable[..., Path], unit: str, nm: float, tmp_path: Path
) -> None:
    shift = (7.0, 5.0, 3.0)
    volume = open_volume(make(tmp_path / "a", units=unit, translation=shift))
    assert volume.voxel_size_nm == pytest.approx(np.array(SIZE) * nm)
    assert volume.origin_nm == pytest.approx(np.array(shift) * nm)


def test_each_axis_has_its_own_unit(tmp_path: Path) -> None:
    units = ["micrometer", "nanometer", "angstrom"]
    volume = open_volume(disk.ome_zarr_05(tmp_path / "a", units=units, scale=(0.03, 8, 40)))
    assert volume.voxel_size_nm == pytest.approx(SIZE)


@pytest.mark.parametrize("unit", [None, "parsec", "pixel", "second"])
def test_with_a_missing_or_foreign_unit_the_size_is_unknown_unless_it_is_given(
    unit: str | None, tmp_path: Path
) -> None:
    path = disk.ome_zarr_04(tmp_path / "a", units=unit, translation=(60, 0, 4))
    unknown = open_volume(path)
    assert (unknown.voxel_size_nm, unknown.origin_nm) == (None, (0, 0, 0))
    assert not unknown.origin_stated
    with pytest.raises(DataError, match=r"unit.*voxel_size_nm=\[z,y,x\]"):
        unknown.require_voxel_size()
    volume = open_volume(path, voxel_size_nm=(10, 20, 40))
    assert volume.voxel_size_nm == (10, 20, 40)
    assert volume.origin_nm == (20, 0, 40)  # 2, 0 and 1 voxels


def test_transformations_of_the_image_follow_those_of_the_level(tmp_path: Path) -> None:
    path = disk.ome_zarr_04(
        tmp_path / "a",
        scale=(3, 2, 1),
        translation=(1, 1, 1),
        coordinateTransformations=[{"type": "scale", "scale": [10, 4, 4]}],
    )
    volume = open_volume(path)
    assert volume.voxel_size_nm == SIZE
    assert volume.origin_nm == (10, 4, 4)


@pytest.mark.parametrize("order", ["xyz", "yzx", "czyx", "zcyx", "tczyx", "zyxc"])
@pytest.mark.parametrize("make", [disk.ome_zarr_04, disk.ome_zarr_05])
def test_axes_go_by_their_names(order: str, make: Callable[..., Path], tmp_path: Path) -> None:
    index = tuple("zyx".index(a) for a in order if a in "zyx")
    stored = VOXELS.transpose(index)
    for position, name in enumerate(order):
        if name not in "zyx":
            stored = np.expand_dims(stored, position)
    scale = [SIZE["zyx".index(a)] if a in "zyx" else 1.0 for a in order]
    chunks = tuple({"z": 2, "y": 3, "x": 4}.get(a, 1) for a in order)
    units = ["nanometer" if a in "zyx" else None for a in order]
    path = make(tmp_path / "a", np.ascontiguousarray(stored), chunks, axes=order, scale=scale,
                units=units)  # fmt: skip
    volume = open_volume(path)
    assert (volume.shape, volume.voxel_size_nm, volume.chunks) == (SHAPE, SIZE, (2, 3, 4))
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)


def test_longer_axes_must_be_chosen(tmp_path: Path) -> None:
    stored = np.stack([VOXELS, VOXELS + 1000, VOXELS + 2000])[None]
    path = disk.ome_zarr_05(
        tmp_path / "a", stored, (1, 1, 2, 3, 4), axes="tczyx", scale=(1, 1, *SIZE)
    )
    with pytest.raises(ConfigError, match=r"3 entries along its axis 'c'.*select=\{c: 0\}"):
        open_volume(path)
    volume = open_volume(path, select={"c": 2})
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS + 2000)
    with pytest.raises(ConfigError, match=r"select=\{c: 3\} is out of range"):
        open_volume(path, select={"c": 3})
    with pytest.raises(ConfigError, match="select names the axis 'q'"):
        open_volume(path, select={"c": 0, "q": 0})
    with pytest.raises(ConfigError, match="select names the axis 'z'"):
        open_volume(path, select={"c": 0, "z": 0})


def test_a_single_image_is_one_voxel_thin_and_needs_a_thickness(tmp_path: Path) -> None:
    path = disk.ome_zarr_05(tmp_path / "a", VOXELS[2], (3, 4), axes="yx", scale=SIZE[1:])
    unknown = open_volume(path)
    assert unknown.voxel_size_nm is None
    with pytest.raises(DataError, match="no Z axis"):
        unknown.require_voxel_size()
    volume = open_volume(path, voxel_size_nm=SIZE)
    assert (volume.shape, volume.chunks) == ((1, 6, 7), (1, 3, 4))
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS[2:3])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_volumes_one_voxel_thin_along_any_axis(axis: int, tmp_path: Path) -> None:
    thin = np.ascontiguousarray(VOXELS.take([3], axis=axis))
    volume = open_volume(disk.ome_zarr_05(tmp_path / "a", thin))
    np.testing.assert_array_equal(volume.read(volume.box), thin)
    assert volume.chunks == tuple(min(c, s) for c, s in zip((2, 3, 4), thin.shape, strict=True))


def test_levels_of_n5(tmp_path: Path) -> None:
    volume = open_volume(disk.n5_viewer(tmp_path / "a"), level=1)
    assert volume.shape == (3, 2, 5)
    assert volume.voxel_size_nm == (30, 16, 12)  # factors are listed X first: 3, 2, 1
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS[:3, :2, :5])
    with pytest.raises(ConfigError, match="no array 's2' in it for level=2"):
        open_volume(tmp_path / "a", level=2)


def test_levels_of_ome_zarr(tmp_path: Path) -> None:
    path = disk.ome_zarr_05(tmp_path / "a")
    with pytest.raises(ConfigError, match=r"level=1 is out of range.*1 resolution levels"):
        open_volume(path, level=1)
    with pytest.raises(ConfigError, match="level must be 0"):
        open_volume(path, level=-1)


def test_a_dataset_inside(tmp_path: Path) -> None:
    disk.ome_zarr_05(tmp_path / "all.zarr" / "recon" / "em")
    disk.put(tmp_path / "all.zarr" / "zarr.json", {"zarr_format": 3, "node_type": "group"})
    with pytest.raises(DataError, match=r"without an OME-Zarr image.*dataset="):
        open_volume(tmp_path / "all.zarr")
    volume = open_volume(tmp_path / "all.zarr", dataset="recon/em")
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)


@pytest.mark.parametrize("make", [disk.zarr2_array, disk.zarr3_array])
def test_plain_zarr_needs_axes_and_a_voxel_size(make: Callable[..., None], tmp_path: Path) -> None:
    make(tmp_path / "a")
    with pytest.raises(DataError, match=r"3 axes of lengths \(5, 6, 7\).*axes=zyx"):
        open_volume(tmp_path / "a", voxel_size_nm=SIZE)
    with pytest.raises(DataError, match="states no voxel size"):
        open_volume(tmp_path / "a", axes="zyx").require_voxel_size()
    volume = open_volume(tmp_path / "a", axes="xzy", voxel_size_nm=SIZE)
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS.transpose(1, 2, 0))
    with pytest.raises(DataError, match=r"3 axes.*but 4 are named"):
        open_volume(tmp_path / "a", axes="czyx", voxel_size_nm=SIZE)
    with pytest.raises(DataError, match="one x, one y"):
        open_volume(tmp_path / "a", axes="zzy", voxel_size_nm=SIZE)


def test_n5_axes_are_listed_x_first(tmp_path: Path) -> None:
    disk.n5_array(tmp_path / "a")
    volume = open_volume(tmp_path / "a", axes="xyz", voxel_size_nm=SIZE)
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)
    swapped = open_volume(tmp_path / "a", axes="zyx", voxel_size_nm=SIZE)
    np.testing.assert_array_equal(swapped.read(swapped.box), VOXELS.transpose(2, 1, 0))


@pytest.mark.parametrize(
    "attributes",
    [
        {"element_size_um": (0.03, 0.008, 0.004)},
        {"voxel_size": SIZE, "units": ["nm"] * 3, "axis_names": ["z", "y", "x"]},
        {"resolution": (0.03, 0.008, 0.004), "unit": "um",
         "axistags": '{"axes": [{"key": "z"}, {"key": "y"}, {"key": "x"}]}'},
    ],
)  # fmt: skip
def test_hdf5_conventions(attributes: dict[str, object], tmp_path: Path) -> None:
    volume = open_volume(disk.hdf5(tmp_path / "a.h5", **attributes))
    assert volume.voxel_size_nm == pytest.approx(SIZE)
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)


def test_hdf5_with_several_volumes_needs_a_choice(tmp_path: Path) -> None:
    path = disk.hdf5(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        file["volumes/labels"] = VOXELS.astype(np.uint64)
    with pytest.raises(ConfigError, match=r"volumes/labels, volumes/raw\. Choose one"):
        open_volume(path)
    volume = open_volume(path, dataset="/volumes/raw")
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)


def test_reading_a_box_leaves_other_chunks_alone(tmp_path: Path) -> None:
    path = disk.ome_zarr_04(tmp_path / "a")
    volume = open_volume(path)
    kept = path / "s0" / "1.1.0"
    for chunk in (path / "s0").glob("[0-9].*"):
        if chunk != kept:
            chunk.write_bytes(b"damaged")
    box = Box((2, 3, 0), (4, 6, 4))
    np.testing.assert_array_equal(volume.read(box), VOXELS[box.slices])
    with pytest.raises(DataError, match="cannot be read"):
        volume.read(volume.box)


def test_a_missing_chunk_is_filled_as_the_format_says(tmp_path: Path) -> None:
    path = disk.ome_zarr_04(tmp_path / "a")
    (path / "s0" / "0.0.0").unlink()
    expected = VOXELS.copy()
    expected[:2, :3, :4] = 0
    volume = open_volume(path)
    np.testing.assert_array_equal(volume.read(volume.box), expected)


@given(
    st.permutations(["z", "y", "x", "c", "t"]),
    st.tuples(*[st.integers(1, 4)] * 3),
    st.data(),
)
def test_axes_arrange_any_order(
    order: list[str], lengths: tuple[int, ...], data: st.DataObject
) -> None:
    sizes = dict(zip("zyx", lengths, strict=True)) | {"c": 3, "t": 2}
    shape = tuple(sizes[name] for name in order)
    coordinates = np.indices(shape)
    chosen = {"c": data.draw(st.integers(0, 2)), "t": data.draw(st.integers(0, 1))}
    axes = find_axes(order, shape, chosen, "it")
    box = Box((0, 0, 0), axes.triple(shape, 1))
    assert box.shape == lengths
    for position, name in enumerate(order):
        got = coordinates[position][axes.index(box)].transpose(axes.order)
        expected = np.indices(lengths)["zyx".index(name)] if name in "zyx" else chosen[name]
        np.testing.assert_array_equal(got, np.broadcast_to(expected, lengths))


def test_blocks_cover_every_voxel_once() -> None:
    volume = from_array(VOXELS, SIZE)
    seen = np.zeros(SHAPE, dtype=int)
    for box in volume.blocks((2, 4, 3)):
        seen[box.slices] += 1
    assert (seen == 1).all()


def test_a_stack_of_slices_read_when_asked_for(tmp_path: Path) -> None:
    path = disk.ome_zarr_04(tmp_path / "a", scale=(30, 4, 4))
    volume = open_volume(path)
    for chunk in (path / "s0").glob("2.*"):  # slice 4
        chunk.write_bytes(b"damaged")
    stack = as_stack(volume)
    assert (len(stack), stack.shapes) == (5, [(6, 7)] * 5)
    assert (stack.pixel_size_nm, stack.section_nm) == (4, 30)
    for z in range(4):
        np.testing.assert_array_equal(stack.slices[z], VOXELS[z])
        np.testing.assert_allclose(stack.unit(z), VOXELS[z] / 65535, rtol=1e-6)
    with pytest.raises(DataError, match="cannot be read"):
        stack.slices[-1]
    with pytest.raises(IndexError, match="no slice 5"):
        stack.slices[5]


def test_a_stack_needs_square_pixels_and_a_range(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="8 x 4 nm in the slice plane"):
        as_stack(from_array(VOXELS, SIZE))
    floats = from_array(VOXELS.astype(np.float32), (30, 4, 4))
    with pytest.raises(ConfigError, match="no fixed range"):
        as_stack(floats)
    stack = as_stack(floats, intensity=(0, 456))
    assert stack.unit(4)[5, 6] == 1.0
