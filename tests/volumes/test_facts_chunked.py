"""Chunked formats x facts: axes, voxel size with its unit, origin, level.

Every cell is a file that another library wrote than the one that reads it: zarr-python and z5py
write what tensorstore reads, and tensorstore writes precomputed volumes that emqs decodes as well.
"""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorstore
import tifffile
import z5py
import zarr
from support import volumes_on_disk as disk

from emqs.errors import ConfigError, DataError
from emqs.volumes import open_volume
from emqs.volumes.axes import Request
from emqs.volumes.opening import open_request

#: Labels and images alike: three lengths, chunks that do not fit, voxels that say where they are.
VOXELS = disk.VOXELS
SIZE = (40.0, 8.0, 4.0)
ORIGIN = (-120.0, 2048.0, 1024.0)
HALF = (40.0, 16.0, 8.0)  # of level 1, downsampled along Y and X
SMALL = VOXELS[:, ::2, ::2]
Make = Callable[[Path], dict[str, Any]]


def ome_levels(
    path: Path, version: str, axes: str = "zyx",
    unit: str | list[str] | None = "nanometer", *,
    whole: dict[str, Any] | None = None, levels: list[list[dict[str, Any]]] | None = None,
) -> None:  # fmt: skip
    """An OME-Zarr image of two levels, its arrays written by zarr-python."""
    units = unit if isinstance(unit, list) else [unit] * 3
    spatial = dict(zip("zyx", units, strict=True))
    described = [
        {"name": a, "type": "space", **({"unit": spatial[a]} if spatial[a] else {})}
        if a in "zyx"
        else {"name": a, "type": {"c": "channel", "t": "time"}[a]}
        for a in axes
    ]
    steps = levels or [
        [{"type": "scale", "scale": list(SIZE)}],
        [{"type": "scale", "scale": list(HALF)}],
    ]
    image = {
        "axes": described,
        "datasets": [
            {"path": str(n), "coordinateTransformations": one} for n, one in enumerate(steps)
        ],
        **(whole or {}),
    }
    order = ["zyx".index(a) for a in axes if a in "zyx"]
    group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    if version == "0.4":
        group.attrs["multiscales"] = [{"version": "0.4", **image}]
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [image]}
    for n, voxels in enumerate((VOXELS, SMALL)):
        stored = voxels.transpose(order)
        for position, axis in enumerate(axes):
            if axis not in "zyx":
                stored = np.expand_dims(stored, position)
        chunks = tuple(min(3, length) for length in stored.shape)
        names = list(axes) if version == "0.5" else None
        array = group.create_array(
            str(n),
            shape=stored.shape,
            dtype=stored.dtype,
            chunks=chunks,
            dimension_names=names,
        )
        array[...] = stored


def both_levels(path: Path, version: str) -> None:
    """The size stands half at the level, half at the image, and the origin at both."""
    ome_levels(
        path, version,
        whole={"coordinateTransformations": [
            {"type": "scale", "scale": [10, 2, 2]},
            {"type": "translation", "translation": [-100, 2000, 1000]},
        ]},
        levels=[
            [{"type": "scale", "scale": [4, 4, 2]},
             {"type": "translation", "translation": [-2, 24, 12]}],
            [{"type": "scale", "scale": [4, 8, 4]},
             {"type": "translation", "translation": [-2, 24, 12]}],
        ],
    )  # fmt: skip


def at_image(path: Path, version: str) -> None:
    """Levels state how much they are downsampled, the image states the size, as some writers do."""
    ome_levels(
        path, version,
        whole={"coordinateTransformations": [
            {"type": "scale", "scale": list(SIZE)},
            {"type": "translation", "translation": list(ORIGIN)},
        ]},
        levels=[[{"type": "scale", "scale": [1, 1, 1]}], [{"type": "scale", "scale": [1, 2, 2]}]],
    )  # fmt: skip


def with_translation(path: Path, version: str) -> None:
    steps = [
        [
            {"type": "scale", "scale": list(size)},
            {"type": "translation", "translation": list(ORIGIN)},
        ]
        for size in (SIZE, HALF)
    ]
    ome_levels(path, version, levels=steps)


def in_micrometres(path: Path, version: str) -> None:
    steps = [
        [{"type": "scale", "scale": [v / 1000 for v in size]},
         {"type": "translation", "translation": [v / 1000 for v in ORIGIN]}]
        for size in (SIZE, HALF)
    ]  # fmt: skip
    ome_levels(path, version, unit="micrometer", levels=steps)


def mixed_units(path: Path, version: str) -> None:
    steps = [
        [{"type": "scale", "scale": [size[0] / 1000, size[1], size[2] * 10]},
         {"type": "translation", "translation": [-0.12, 2048, 10240]}]
        for size in (SIZE, HALF)
    ]  # fmt: skip
    ome_levels(path, version, unit=["micrometer", "nanometer", "angstrom"], levels=steps)


def other_axes(path: Path, version: str) -> None:
    steps = [
        [{"type": "scale", "scale": [1, 1, size[2], size[0], size[1]]},
         {"type": "translation", "translation": [0, 0, ORIGIN[2], ORIGIN[0], ORIGIN[1]]}]
        for size in (SIZE, HALF)
    ]  # fmt: skip
    ome_levels(path, version, axes="tcxzy", levels=steps)


def zipped(path: Path, version: str) -> None:
    with_translation(path.with_suffix(".folder"), version)
    with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
        for file in sorted(path.with_suffix(".folder").rglob("*")):
            if file.is_file():
                archive.write(file, f"image.zarr/{file.relative_to(path.with_suffix('.folder'))}")


OME: dict[str, tuple[Callable[[Path, str], None], bool]] = {
    "size at the level": (ome_levels, False),
    "size at the image": (at_image, True),
    "size and origin at both": (both_levels, True),
    "origin at the level": (with_translation, True),
    "micrometres": (in_micrometres, True),
    "a unit for each axis": (mixed_units, True),
    "axes t c x z y": (other_axes, True),
    "in a zip file": (zipped, True),
}


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("name", OME)
def test_ome_zarr(name: str, version: str, labels: bool, tmp_path: Path) -> None:
    make, has_origin = OME[name]
    make(tmp_path / "a", version)
    path = next(p for p in (tmp_path / "a.zip", tmp_path / "a") if p.exists())
    for level, (size, voxels) in enumerate(((SIZE, VOXELS), (HALF, SMALL))):
        volume = open_request(path, Request(level=level, labels=labels))
        assert volume.voxel_size_nm == pytest.approx(size)
        assert volume.origin_nm == pytest.approx(ORIGIN if has_origin else (0, 0, 0))
        assert volume.origin_stated == has_origin
        assert (volume.level, volume.n_levels) == (level, 2)
        np.testing.assert_array_equal(volume.read(volume.box), voxels)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_an_array_of_an_image_opened_alone_knows_where_it_lies(
    version: str, tmp_path: Path
) -> None:
    with_translation(tmp_path / "a.zarr", version)
    for volume in (
        open_volume(tmp_path / "a.zarr" / "1"),
        open_volume(tmp_path / "a.zarr", dataset="1"),
    ):
        assert (volume.voxel_size_nm, volume.origin_nm, volume.level) == (HALF, ORIGIN, 1)


def test_an_unknown_size_is_unknown_and_the_user_wins_with_a_note(tmp_path: Path) -> None:
    ome_levels(tmp_path / "a", "0.5", unit=None)
    volume = open_volume(tmp_path / "a")
    assert volume.voxel_size_nm is None
    with pytest.raises(DataError, match="without a unit"):
        volume.require_voxel_size()
    with_translation(tmp_path / "b", "0.5")
    volume = open_volume(tmp_path / "b", voxel_size_nm=(80, 8, 4), origin_nm=(1, 2, 3))
    assert (volume.voxel_size_nm, volume.origin_nm) == ((80, 8, 4), (1, 2, 3))
    assert ["wins over" in note for note in volume.notes] == [True, True]


def channels_of_zarr(path: Path, names: list[str]) -> Path:
    """OME-Zarr by zarr-python: each channel its number in thousands more."""
    stored = np.stack([VOXELS + 1000 * n for n in range(len(names))])
    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.create_array("s", data=stored, chunks=(1, 3, 3, 3))
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": a, "type": "space", "unit": "nanometer"} for a in "zyx"]
    steps = [{"type": "scale", "scale": [1, *SIZE]}]
    group.attrs["multiscales"] = [
        {
            "version": "0.4",
            "axes": axes,
            "datasets": [{"path": "s", "coordinateTransformations": steps}],
        }
    ]
    group.attrs["omero"] = {"channels": [{"label": name} for name in names]}
    return path


def channels_of_n5(path: Path, names: list[str]) -> Path:
    """The same metadata in N5, by z5py."""
    n5(path, "v/s", np.stack([VOXELS + 1000 * n for n in range(len(names))]))
    described = json.loads(
        (channels_of_zarr(path.with_suffix(".z"), names) / ".zattrs").read_text()
    )
    group_attributes(path, "v", **described)
    return path / "v"


def channels_of_tiff(path: Path, names: list[str]) -> Path:
    """OME-TIFF by tifffile."""
    path = path.with_suffix(".ome.tif")
    stored = np.stack([VOXELS + 1000 * n for n in range(len(names))])
    metadata = {"axes": "CZYX", "Channel": {"Name": names}}
    tifffile.imwrite(path, stored, metadata=metadata, photometric="minisblack")
    return path


@pytest.mark.parametrize("make", [channels_of_zarr, channels_of_n5, channels_of_tiff])
def test_channels_by_name(make: Callable[[Path, list[str]], Path], tmp_path: Path) -> None:
    path = make(tmp_path / "a", ["membrane", "561", "0", "1", "3"])
    for entry, number in (
        ("membrane", 0), ("561", 1), (561, 1), ("0", 2), ("1", 3), ("2", 2), (2, 2), (4, 4),
    ):  # fmt: skip
        volume = open_volume(path, select={"c": entry})
        assert list(volume.select.values())[-1] == number, entry
        np.testing.assert_array_equal(volume.read(volume.box), VOXELS + 1000 * number)
    with pytest.raises(ConfigError, match="its channels are membrane, 561, 0, 1, 3"):
        open_volume(path, select={"c": "DAPI"})
    with pytest.raises(ConfigError, match=r"5 entries .* from 0 to 4. Its channels are membrane"):
        open_volume(path, select={"c": 7})
    with pytest.raises(
        ConfigError,
        match=r"c: 0} is the name of channel 2 .*number of channel 0, .*{c: '0'}.*{c: 'membrane'}",
    ):
        open_volume(path, select={"c": 0})


def test_a_name_where_channels_have_none_is_an_error(tmp_path: Path) -> None:
    array = zarr.create_array(tmp_path / "a", data=VOXELS[None].repeat(2, 0), zarr_format=2)
    array.attrs["_ARRAY_DIMENSIONS"] = ["c", "z", "y", "x"]
    with pytest.raises(ConfigError, match="its channels are without names"):
        open_volume(tmp_path / "a", select={"c": "DAPI"})
    assert open_volume(tmp_path / "a", select={"c": "1"}).select == {"c": 1}


# plain Zarr


def zarr_names_3(path: Path) -> None:
    zarr.create_array(path, data=VOXELS.T, chunks=(3, 3, 3), dimension_names=["x", "y", "z"])


def zarr_names_2(path: Path) -> None:
    array = zarr.create_array(path, data=VOXELS.T, chunks=(3, 3, 3), zarr_format=2)
    array.attrs["_ARRAY_DIMENSIONS"] = ["x", "y", "z"]


def zarr_sharded(path: Path) -> None:
    zarr.create_array(
        path, data=VOXELS.T, chunks=(2, 2, 2), shards=(4, 4, 4), dimension_names=["X", "Y", "Z"]
    )


def zarr_of_z5py(path: Path) -> None:
    with z5py.File(str(path.parent / "c.zarr"), "w", use_zarr_format=True) as file:
        file.create_dataset("raw", data=VOXELS.T, chunks=(3, 3, 3), compression="raw")
    (path.parent / "c.zarr" / "raw").rename(path)
    (path / ".zattrs").write_text(json.dumps({"_ARRAY_DIMENSIONS": ["x", "y", "z"]}))


@pytest.mark.parametrize("make", [zarr_names_3, zarr_names_2, zarr_sharded, zarr_of_z5py])
def test_plain_zarr_goes_by_its_names(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "a")
    volume = open_volume(tmp_path / "a")
    assert volume.voxel_size_nm is None
    assert volume.axes == tuple("XYZ" if make is zarr_sharded else "xyz")
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)


def test_plain_zarr_with_the_attributes_of_funlib(tmp_path: Path) -> None:
    array = zarr.create_array(tmp_path / "a", data=VOXELS[None], chunks=(1, 3, 3, 3), zarr_format=2)
    array.attrs.update(
        {"axis_names": ["c^", "z", "y", "x"], "resolution": list(SIZE), "offset": list(ORIGIN),
         "units": ["nm"] * 3}
    )  # fmt: skip
    volume = open_volume(tmp_path / "a")
    assert (volume.voxel_size_nm, volume.origin_nm) == (SIZE, ORIGIN)
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)


# N5


def n5(path: Path, name: str, voxels: np.ndarray, **attributes: object) -> None:
    """An array by z5py, which lists axes Z first and stores them X first."""
    with z5py.File(str(path), "a", use_zarr_format=False) as file:
        chunks = (1,) * (voxels.ndim - 3) + (2, 3, 4)
        dataset = file.create_dataset(name, data=voxels, chunks=chunks, compression="gzip")
        for key, value in attributes.items():
            dataset.attrs[key] = value


def group_attributes(path: Path, name: str, **attributes: object) -> None:
    with z5py.File(str(path), "a", use_zarr_format=False) as file:
        group = file[name] if name else file
        for key, value in attributes.items():
            group.attrs[key] = value


XYZ = list(SIZE[::-1])
UM = [v / 1000 for v in XYZ]


def n5_two(path: Path, own: dict[str, Any], group: dict[str, Any], **small: object) -> None:
    n5(path, "v/s0", VOXELS, **own)
    n5(path, "v/s1", SMALL, **{**own, **small})
    if group:
        group_attributes(path, "v", **group)


def cosem(scale: tuple[float, ...]) -> dict[str, Any]:
    return {"axes": ["z", "y", "x"], "units": ["nm"] * 3, "scale": list(scale),
            "translate": list(ORIGIN)}  # fmt: skip


N5: dict[str, tuple[Callable[[Path], None], bool]] = {
    "pixelResolution on the group, factors on the array": (
        lambda p: n5_two(
            p, {}, {"pixelResolution": {"dimensions": XYZ, "unit": "nm"}},
            downsamplingFactors=[2, 2, 1],
        ), False,
    ),
    "pixelResolution and factors on the array, in um": (
        lambda p: n5_two(
            p, {"pixelResolution": {"dimensions": UM, "unit": "um"}}, {},
            downsamplingFactors=[2, 2, 1],
        ), False,
    ),
    "pixelResolution and scales on the group (n5-viewer)": (
        lambda p: n5_two(
            p, {}, {"pixelResolution": {"dimensions": UM, "unit": "um"},
                    "scales": [[1, 1, 1], [2, 2, 1]]},
        ), False,
    ),
    "resolution and units as lists on the array": (
        lambda p: n5_two(
            p, {"resolution": XYZ, "units": ["nm", "nm", "nm"]}, {}, downsamplingFactors=[2, 2, 1]
        ), False,
    ),
    "resolution, offset and factors on the group": (
        lambda p: n5_two(
            p, {}, {"resolution": XYZ, "units": ["nm"] * 3, "offset": list(ORIGIN[::-1]),
                    "downsamplingFactors": [[1, 1, 1], [2, 2, 1]]},
        ), True,
    ),
    "COSEM transform on the array": (
        lambda p: n5_two(p, {"transform": cosem(SIZE)}, {}, transform=cosem(HALF)), True,
    ),
    "COSEM transform in multiscales": (
        lambda p: n5_two(
            p, {}, {"multiscales": [{"datasets": [
                {"path": "s0", "transform": cosem(SIZE)}, {"path": "s1", "transform": cosem(HALF)},
            ]}]},
        ), True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("name", N5)
def test_n5(name: str, labels: bool, tmp_path: Path) -> None:
    make, has_origin = N5[name]
    make(tmp_path / "a.n5")
    for level, (size, voxels) in enumerate(((SIZE, VOXELS), (HALF, SMALL))):
        for how in (
            {"level": level, "dataset": "v"},
            {"level": f"s{level}"},
            {"dataset": f"v/s{level}"},
        ):
            volume = open_request(tmp_path / "a.n5", Request(labels=labels, **how))
            assert volume.voxel_size_nm == pytest.approx(size), how
            assert volume.origin_nm == pytest.approx(ORIGIN if has_origin else (0, 0, 0))
            assert volume.axes == ("x", "y", "z")
            np.testing.assert_array_equal(volume.read(volume.box), voxels)


def test_n5_of_bigdataviewer(tmp_path: Path) -> None:
    """Sizes stand at the timepoint, factors at the setup, both X first."""
    path = tmp_path / "a.n5"
    n5(path, "setup0/timepoint0/s0", VOXELS, downsamplingFactors=[1, 1, 1])
    n5(path, "setup0/timepoint0/s1", SMALL, downsamplingFactors=[2, 2, 1])
    group_attributes(path, "setup0", downsamplingFactors=[[1, 1, 1], [2, 2, 1]])
    group_attributes(path, "setup0/timepoint0", resolution=XYZ, multiScale=True)
    volume = open_volume(path, level=1)
    assert volume.voxel_size_nm is None
    assert "without a unit" in volume.why_no_voxel_size
    group_attributes(path, "setup0/timepoint0", units=["nm", "nm", "nm"])
    volume = open_volume(path, level=1, dataset="setup0/timepoint0")
    assert volume.voxel_size_nm == HALF
    np.testing.assert_array_equal(volume.read(volume.box), SMALL)
    n5(path, "setup1/timepoint0/s0", VOXELS)
    with pytest.raises(
        ConfigError, match=r"holds 2 datasets: setup0/timepoint0, setup1/timepoint0"
    ):
        open_volume(path)


BDV = """<SpimData version="0.2"><BasePath type="relative">.</BasePath><SequenceDescription>
<ImageLoader format="bdv.n5" version="1.0"><n5 type="relative">{n5}</n5></ImageLoader><ViewSetups>
{setups}</ViewSetups></SequenceDescription><ViewRegistrations>{views}</ViewRegistrations></SpimData>
"""
BDV_SETUP = """<ViewSetup><id>{setup}</id><size>7 6 5</size><voxelSize><unit>{unit}</unit>
<size>{size}</size></voxelSize></ViewSetup>"""
BDV_VIEW = """<ViewRegistration timepoint="{time}" setup="{setup}"><ViewTransform type="affine">
<affine>{affine}</affine></ViewTransform></ViewRegistration>"""


def bdv_n5(folder: Path, n_setups: int = 1, n_times: int = 1, xml: str = "a.xml") -> Path:
    """As BigDataViewer exports: arrays by z5py, sizes in micrometres in the XML alone."""
    size = " ".join(map(str, UM))
    setups, views = "", ""
    for setup in range(n_setups):
        for time in range(n_times):
            part = VOXELS + np.uint16(1000 * setup + 2000 * time)
            name = f"setup{setup}/timepoint{time}"
            n5(folder / "a.n5", f"{name}/s0", part, downsamplingFactors=[1, 1, 1])
            n5(folder / "a.n5", f"{name}/s1", part[:, ::2, ::2], downsamplingFactors=[2, 2, 1])
            group_attributes(folder / "a.n5", name, resolution=[1, 1, 1], multiScale=True)
            moved = f"{UM[0]} 0 0 1.024 0 {UM[1]} 0 2.048 0 0 {UM[2]} {-0.12 + time}"
            views += BDV_VIEW.format(time=time, setup=setup, affine=moved)
        factors = [[1, 1, 1], [2, 2, 1]]
        group_attributes(folder / "a.n5", f"setup{setup}", downsamplingFactors=factors)
        setups += BDV_SETUP.format(setup=setup, unit="\u00b5m", size=size)
    text = BDV.format(n5="a.n5", setups=setups, views=views)
    (folder / xml).write_text(text, encoding="utf-8")
    return folder / xml


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("name", ["a.xml", "a.n5", "a.n5/setup0/timepoint0", "other.xml"])
def test_n5_of_bigdataviewer_with_its_xml(name: str, labels: bool, tmp_path: Path) -> None:
    """Size, unit and place are those of the XML; the middle of a larger voxel lies further in."""
    bdv_n5(tmp_path, xml="other.xml" if name == "other.xml" else "a.xml")
    further = (ORIGIN[0], ORIGIN[1] + SIZE[1] / 2, ORIGIN[2] + SIZE[2] / 2)
    for level, size, origin, voxels in ((0, SIZE, ORIGIN, VOXELS), (1, HALF, further, SMALL)):
        volume = open_request(tmp_path / name, Request(level=level, labels=labels))
        assert volume.voxel_size_nm == pytest.approx(size)
        assert volume.origin_nm == pytest.approx(origin)
        assert (volume.level, volume.n_levels, volume.format) == (level, 2, "n5")
        assert volume.dtype == np.uint16
        np.testing.assert_array_equal(volume.read(volume.box), voxels)


def test_an_array_of_bigdataviewer_alone_knows_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bdv_n5(tmp_path)
    monkeypatch.chdir(tmp_path / "a.n5")
    for path in (tmp_path / "a.n5/setup0/timepoint0/s1", Path("setup0/timepoint0/s1")):
        assert open_volume(path).voxel_size_nm == pytest.approx(HALF)


def test_setups_and_time_points_of_bigdataviewer_in_n5(tmp_path: Path) -> None:
    path = bdv_n5(tmp_path, 2, 2)
    with pytest.raises(ConfigError, match=r"holds 4 datasets: setup0/timepoint0, setup0/timepo"):
        open_volume(path)
    with pytest.raises(ConfigError, match=r"holds 2 datasets: timepoint0, timepoint1"):
        open_volume(path, dataset="setup1")
    volume = open_volume(path, dataset="setup1/timepoint1")
    assert volume.origin_nm == pytest.approx((ORIGIN[0] + 1000, *ORIGIN[1:]))
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS + 3000)


def test_an_xml_that_does_not_name_the_n5_says_nothing_of_it(tmp_path: Path) -> None:
    path = bdv_n5(tmp_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(">a.n5<", ">b.n5<"), encoding="utf-8")
    assert open_volume(tmp_path / "a.n5").voxel_size_nm is None
    for other, complaint in (
        (">b.n5<", "b.n5, which is missing"), (">../a.n5<", "which lies outside of its folder"),
    ):  # fmt: skip
        path.write_text(text.replace(">a.n5<", other), encoding="utf-8")
        with pytest.raises(DataError, match=complaint):
            open_volume(path)
    split = text.replace("<ImageLoader", "<ImageLoader format='split.loader'><ImageLoader")
    split = split.replace("</ImageLoader>", "</ImageLoader></ImageLoader>")
    path.write_text(split, encoding="utf-8")
    with pytest.raises(DataError, match=r"an image of the kind 'split.loader'"):
        open_volume(path)


def test_label_multisets_of_paintera_must_be_converted(tmp_path: Path) -> None:
    n5(tmp_path / "a.n5", "seg/data/s0", VOXELS.astype("u1"), isLabelMultiset=True)
    group_attributes(tmp_path / "a.n5", "seg", painteraData={"type": "label"})
    for labels in (False, True):
        with pytest.raises(
            DataError, match=r"label multisets of Paintera.*Convert it to plain labels"
        ):
            open_request(tmp_path / "a.n5", Request(dataset="seg", labels=labels))


# precomputed


def precomputed(path: Path, encoding: str, *, sharded: bool, dtype: str) -> np.ndarray:
    """Two scales by tensorstore, at an offset."""
    voxels = np.clip(VOXELS // 4, 0, 255).astype(dtype)
    for resolution, part, offset in (
        (SIZE, voxels, (-3, 256, 256)),
        (HALF, voxels[:, ::2, ::2], (-3, 128, 128)),
    ):
        scale: dict[str, Any] = {
            "size": part.shape[::-1], "resolution": resolution[::-1], "chunk_size": [4, 4, 3],
            "voxel_offset": offset[::-1], "encoding": encoding,
        }  # fmt: skip
        if encoding == "compressed_segmentation":
            scale["compressed_segmentation_block_size"] = [8, 8, 8]
        if sharded:
            scale["sharding"] = {
                "@type": "neuroglancer_uint64_sharded_v1", "preshift_bits": 1, "hash": "identity",
                "minishard_bits": 1, "shard_bits": 1, "minishard_index_encoding": "gzip",
                "data_encoding": "gzip" if encoding != "jpeg" else "raw",
            }  # fmt: skip
        spec = {
            "driver": "neuroglancer_precomputed", "kvstore": f"file://{path}/",
            "multiscale_metadata": {
                "type": "image" if encoding in ("jpeg", "png") else "segmentation",
                "data_type": dtype, "num_channels": 1,
            },
            "scale_metadata": scale,
        }  # fmt: skip
        store = tensorstore.open(spec, create=True).result()
        store[..., 0].write(part.T).result()
    return voxels


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize(
    ("encoding", "dtype"),
    [("raw", "uint16"), ("raw", "uint64"), ("compressed_segmentation", "uint32"),
     ("compressed_segmentation", "uint64"), ("png", "uint8"), ("jpeg", "uint8")],
)  # fmt: skip
def test_precomputed(encoding: str, dtype: str, sharded: bool, tmp_path: Path) -> None:
    """Read by tensorstore as an image, and each chunk by emqs's own decoder as well."""
    from emqs.volumes.formats.precomputed_chunks import ChunksReader

    voxels = precomputed(tmp_path / "a", encoding, sharded=sharded, dtype=dtype)
    for level, (size, part) in enumerate(((SIZE, voxels), (HALF, voxels[:, ::2, ::2]))):
        volume = open_request(tmp_path / "a", Request(level=level, labels=True))
        assert (volume.voxel_size_nm, volume.origin_nm) == (size, ORIGIN)
        assert (volume.n_levels, volume.axes) == (2, ("x", "y", "z", "c"))
        own = ChunksReader(volume.labels.chunks, 0)  # type: ignore[union-attr]
        got = volume.read(volume.box)
        if encoding == "jpeg":
            assert np.abs(got.astype(int) - part).max() < 40
        else:
            np.testing.assert_array_equal(got, part)
        if encoding != "jpeg":
            np.testing.assert_array_equal(own.read(volume.box), part)
        else:
            assert np.abs(own.read(volume.box).astype(int) - got).max() <= 2
        for box in volume.blocks():
            listed = volume.labels.block_labels(box)  # type: ignore[union-attr]
            if listed is not None:
                np.testing.assert_array_equal(np.unique(listed), np.unique(part[box.slices]))
