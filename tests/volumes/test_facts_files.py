"""Formats x facts: axes, voxel size in every place and unit, origin, level.

Every file is written by another library than the one that reads it, or by hand, byte by byte. One
volume in all of them: three different lengths, three voxel sizes, voxels that say where they are.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import nibabel
import numpy as np
import pytest
from support.dm_files import dm
from support.mrc_files import mrc
from support.nrrd_files import nrrd
from support.tiff_files import imagej, ome, pyramid, tiff
from support.volumes_on_disk import SHAPE, SIZE, VOXELS, ZEROS

from emqs.volumes import open_volume
from emqs.volumes.axes import Request
from emqs.volumes.opening import open_request

UM = tuple(edge / 1000 for edge in SIZE)
CELL = (7 * 40, 6 * 80, 5 * 300)  # angstroms, X Y Z
ORIGIN = (60.0, -16.0, 400.0)


@dataclass(frozen=True)
class Case:
    """One cell of the table."""

    make: Callable[[Path], Path]
    size: tuple[float, ...] | None = SIZE
    origin: tuple[float, ...] = ZEROS
    axes: str = "zyx"
    said: dict[str, Any] = field(default_factory=dict)
    voxels: np.ndarray = field(default_factory=lambda: VOXELS)
    note: str = ""


def hdf5(stored: np.ndarray = VOXELS, name: str = "main", **attributes: object) -> Callable:
    def make(folder: Path) -> Path:
        with h5py.File(folder / "a.h5", "w") as file:
            file[name] = stored
            file[name].attrs.update(attributes)
        return folder / "a.h5"

    return make


def scales(folder: Path) -> Path:
    """Positions of all voxels along each dimension, as netCDF keeps them."""
    with h5py.File(folder / "a.h5", "w") as file:
        file["em"] = VOXELS
        for axis, (name, edge, first) in enumerate(zip("zyx", SIZE, ORIGIN, strict=True)):
            file[name] = first + edge * np.arange(SHAPE[axis])
            file[name].make_scale(name)
            file[name].attrs["units"] = "nm"
            file["em"].dims[axis].attach_scale(file[name])
    return folder / "a.h5"


def labelled(folder: Path) -> Path:
    with h5py.File(folder / "a.h5", "w") as file:
        file["em"] = VOXELS.T
        for dimension, name in zip(file["em"].dims, "xyz", strict=True):
            dimension.label = name
        file["em"].attrs.update({"resolution": SIZE[::-1], "unit": "nm"})
    return folder / "a.h5"


BDV_XML = """<SpimData version="0.2"><BasePath type="relative">.</BasePath><SequenceDescription>
<ImageLoader format="bdv.hdf5"><hdf5 type="relative">{file}</hdf5></ImageLoader><ViewSetups>
<ViewSetup><id>0</id><size>7 6 5</size><voxelSize><unit>{unit}</unit><size>{size}</size></voxelSize>
</ViewSetup></ViewSetups></SequenceDescription><ViewRegistrations><ViewRegistration timepoint="0"
setup="0">{transforms}</ViewRegistration></ViewRegistrations></SpimData>"""
AFFINE = '<ViewTransform type="affine"><affine>{}</affine></ViewTransform>'


def bdv(
    *transforms: str, unit: str = "\u00b5m", opened: str = "a.xml", file: str = "a.h5"
) -> Callable[[Path], Path]:
    """As BigDataViewer exports: two levels, unsigned numbers of 16 bits stored as signed."""

    def make(folder: Path) -> Path:
        high = VOXELS + np.uint16(40000)
        with h5py.File(folder / "a.h5", "w") as made:
            made["s00/resolutions"] = np.array([[1.0, 1, 1], [2, 3, 1]])
            made["s00/subdivisions"] = np.array([[4, 4, 4], [4, 4, 4]])
            made["t00000/s00/0/cells"] = high.view(np.int16)
            made["t00000/s00/1/cells"] = np.ascontiguousarray(high[:, :2, :3]).view(np.int16)
        steps = "".join(AFFINE.format(t) for t in transforms)
        size = " ".join(str(edge) for edge in UM[::-1])
        text = BDV_XML.format(file=file, unit=unit, size=size, transforms=steps)
        (folder / "a.xml").write_text(text, encoding="utf-8")
        return folder / opened

    return make


def nifti(
    stored: np.ndarray, affine: np.ndarray | None, unit: str = "micron", name: str = "a.nii"
) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        image = nibabel.Nifti1Image(stored, affine)
        if affine is None:
            image.header.set_zooms(UM[::-1])
        image.header.set_xyzt_units(unit)
        image.to_filename(folder / name)
        return folder / name

    return make


def affine(*signs: int, order: tuple[int, ...] = (0, 1, 2)) -> np.ndarray:
    """Steps of UM along X Y Z, and an origin so that the first voxel of the volume is at ORIGIN."""
    result = np.eye(4)
    result[:3, :3] = 0
    for column, axis in enumerate(order):
        result[axis, column] = UM[::-1][axis] * signs[axis]
        length = SHAPE[::-1][axis]
        first = ORIGIN[::-1][axis] / 1000
        result[axis, 3] = first if signs[axis] > 0 else first + UM[::-1][axis] * (length - 1)
    return result


def of(function: Callable[..., Path], name: str, *args: object, **options: object) -> Callable:
    return lambda folder: function(folder / name, *args, **options)


PHYSICAL = {f"PhysicalSize{a}": edge for a, edge in zip("ZYX", UM, strict=True)}
TAGS = json.dumps({"axes": [{"key": k, "typeFlags": 2, "resolution": 0} for k in "xyz"]})
TAGS_UNITS = json.dumps({"axes": [{"key": k, "resolution": s, "unit": "um"}
                                  for k, s in zip("zyx", UM, strict=True)]})  # fmt: skip
RAS = {"directions": np.diag(SIZE[::-1]), "origin": ORIGIN[::-1]}
CASES: dict[str, Case] = {
    # TIFF
    "tiff of ImageJ": Case(of(imagej, "a.tif", unit="micron")),
    "tiff of ImageJ, micro sign": Case(of(imagej, "a.tif", unit="\\u00B5m")),
    "tiff of ImageJ, nm": Case(of(imagej, "a.tif", unit="nm", size=SIZE)),
    "tiff of ImageJ, per cm": Case(
        of(imagej, "a.tif", size=tuple(e * 1e-7 for e in SIZE), resolution_unit=3)),
    "tiff of ImageJ, origin": Case(
        of(imagej, "a.tif", unit="um", origin_px=(-2, 2, -100)), origin=ORIGIN),
    "tiff of ImageJ, unit of z": Case(
        of(imagej, "a.tif", unit="um", size=(30.0, *UM[1:]), zunit="nm")),
    "tiff of ImageJ, pixels": Case(of(imagej, "a.tif", unit="pixel"), None),
    "tiff of ImageJ, one page": Case(of(imagej, "a.tif", unit="um", one_page=True)),
    "ome-tiff": Case(of(ome, "a.ome.tif", size=SIZE, unit="nm")),
    "ome-tiff, its own unit": Case(of(ome, "a.ome.tif", size=UM)),
    "ome-tiff, angstrom": Case(
        of(ome, "a.ome.tif", size=tuple(e * 10 for e in SIZE), unit="\u00c5")),
    "ome-tiff, position": Case(
        of(ome, "a.ome.tif", size=UM, position=tuple(e / 1e6 for e in ORIGIN), position_unit="mm"),
        origin=ORIGIN),
    "ome-tiff, position on the stage": Case(
        of(ome, "a.ome.tif", size=UM, position=(1, 2, 3), position_unit="reference frame")),
    "ome-tiff, no thickness": Case(of(ome, "a.ome.tif", size=(None, *UM[1:])), None),
    "ome-tiff, order XYCZT": Case(of(ome, "a.ome.tif", size=UM, order="XYCZT"), axes="tzcyx"),
    "ome-tiff in many files": Case(of(ome, "a.ome.tif", size=UM, files=True)),
    "ome-tiff, renamed": Case(of(ome, "a.ome.tif", size=UM, own_name="before.ome.tif")),
    "ome-tiff, pyramid": Case(of(pyramid, "a.ome.tif", **PHYSICAL), axes="tzcyx"),
    "ome-tiff, level 1": Case(
        of(pyramid, "a.ome.tif", **PHYSICAL), (30.0, 16.0, 8.0), axes="tzcyx",
        said={"level": 1}, voxels=VOXELS[:, ::2, ::2]),
    "ome-tiff, level 2": Case(
        of(pyramid, "a.ome.tif", **PHYSICAL), (30.0, 32.0, 16.0), axes="tzcyx",
        said={"level": 2}, voxels=VOXELS[:, ::4, ::4]),
    "tiff of SubIFDs": Case(of(pyramid, "a.tif"), None),
    "tiff of SubIFDs, level 2": Case(
        of(pyramid, "a.tif"), None, said={"level": 2}, voxels=VOXELS[:, ::4, ::4]),
    "tiff of pages of two sizes": Case(of(pyramid, "a.tif", n_levels=2, in_pages=True), None),
    "tiff of pages of two sizes, level 1": Case(
        of(pyramid, "a.tif", n_levels=2, in_pages=True), None, said={"level": 1},
        voxels=VOXELS[:, ::2, ::2]),
    "plain tiff": Case(of(tiff, "a.tif"), None),
    "plain tiff, per inch": Case(of(tiff, "a.tif", resolution=(72, 1), resolution_unit=2), None),
    "plain tiff, per cm": Case(of(tiff, "a.tif", resolution=(10**6, 1), resolution_unit=3), None),
    "big tiff, big-endian": Case(of(tiff, "a.tif", big=True, endian=">"), None),
    # HDF5
    "hdf5 of CREMI": Case(
        hdf5(name="volumes/raw", resolution=SIZE, offset=ORIGIN), origin=ORIGIN),
    "hdf5 of CREMI, um": Case(
        hdf5(resolution=UM, unit="um", offset=[o / 1000 for o in ORIGIN]), origin=ORIGIN),
    "hdf5, micrometres without a unit": Case(hdf5(resolution=UM), None),
    "hdf5, voxel_size": Case(hdf5(voxel_size=SIZE, units=["nm"] * 3)),
    "hdf5 of ImageJ": Case(hdf5(element_size_um=UM)),
    "hdf5 of ImageJ, X Y Z": Case(hdf5(VOXELS.T, element_size_um=UM, axes="xyz"), axes="xyz"),
    "hdf5 of ilastik, X Y Z": Case(hdf5(VOXELS.T, axistags=TAGS), None, axes="xyz"),
    "hdf5 of ilastik, sizes": Case(hdf5(axistags=TAGS_UNITS)),
    "hdf5 of ilastik, channel": Case(
        hdf5(VOXELS[..., None], axistags=json.dumps({"axes": [{"key": k} for k in "zyxc"]}),
             resolution=SIZE), axes="zyxc"),
    "hdf5 of xarray": Case(
        hdf5(VOXELS.transpose(2, 0, 1), _ARRAY_DIMENSIONS=["x", "z", "y"],
             resolution=[4.0, 30.0, 8.0], unit="nm"), axes="xzy"),
    "hdf5, labels of dimensions": Case(labelled, axes="xyz"),
    "hdf5, scales of dimensions": Case(scales, origin=ORIGIN),
    "hdf5, nothing said": Case(hdf5(), None, said={"axes": "zyx"}),
    "bdv": Case(bdv(), voxels=VOXELS + np.uint16(40000)),
    "bdv, by its hdf5": Case(bdv(opened="a.h5"), voxels=VOXELS + np.uint16(40000)),
    "bdv, calibrated": Case(
        bdv("0.004 0 0 0.4 0 0.008 0 -0.016 0 0 0.03 0.06"), origin=ORIGIN,
        voxels=VOXELS + np.uint16(40000)),
    "bdv, two steps": Case(
        bdv("1 0 0 99 0 1 0 -6 0 0 1 0", "1 0 0 1 0 2 0 2 0 0 7.5 15"), origin=ORIGIN,
        voxels=VOXELS + np.uint16(40000)),
    "bdv, pixels": Case(bdv(unit="pixel"), None, voxels=VOXELS + np.uint16(40000)),
    "bdv, level 1": Case(
        bdv("0.004 0 0 0.4 0 0.008 0 -0.016 0 0 0.03 0.06"), (30.0, 24.0, 8.0),
        (60.0, -8.0, 402.0), said={"level": 1}, voxels=VOXELS[:, :2, :3] + np.uint16(40000)),
    # NIfTI
    "nifti": Case(nifti(VOXELS.T, affine(1, 1, 1)), origin=ORIGIN, axes="xyz"),
    "nifti, packed": Case(nifti(VOXELS.T, affine(1, 1, 1), name="a.nii.gz"), origin=ORIGIN,
                          axes="xyz"),
    "nifti, backward along y": Case(
        nifti(VOXELS.T[:, ::-1], affine(1, -1, 1)), origin=ORIGIN, axes="xyz",
        note="runs backward along y"),
    "nifti, backward along x and z": Case(
        nifti(VOXELS.T[::-1, :, ::-1], affine(-1, 1, -1)), origin=ORIGIN, axes="xyz",
        note="runs backward along x and z"),
    "nifti of ITK": Case(  # the signs of its x and y are those of the other world
        nifti(VOXELS.T, np.diag([-1.0, -1, 1, 1]) @ affine(1, 1, 1)), origin=ORIGIN, axes="xyz"),
    "nifti, other order": Case(
        nifti(VOXELS.transpose(1, 0, 2), affine(1, 1, 1, order=(1, 2, 0))), origin=ORIGIN,
        axes="yzx"),
    "nifti, no affine": Case(nifti(VOXELS.T, None), axes="xyz"),
    "nifti, mm": Case(
        nifti(VOXELS.T, affine(1, 1, 1), "mm"), tuple(1000 * e for e in SIZE),
        tuple(1000 * e for e in ORIGIN), axes="xyz"),
    "nifti, no unit": Case(nifti(VOXELS.T, affine(1, 1, 1), "unknown"), None, axes="xyz"),
    # NRRD
    "nrrd, spacings": Case(of(nrrd, "a.nrrd", spacings=SIZE[::-1], units="nm"), axes="xyz"),
    "nrrd, spacings and mins": Case(
        of(nrrd, "a.nrrd", spacings=UM[::-1], units="um", mins=[o / 1000 for o in ORIGIN[::-1]]),
        origin=ORIGIN, axes="xyz"),
    "nrrd, directions": Case(of(nrrd, "a.nrrd", units="nm", **RAS), origin=ORIGIN, axes="xyz"),
    "nrrd, backward along z": Case(
        of(nrrd, "a.nrrd", units="nm", voxels=VOXELS[::-1],
           directions=np.diag([4.0, 8.0, -30.0]), origin=(400.0, -16.0, 60.0 + 4 * 30)),
        origin=ORIGIN, axes="xyz", note="runs backward along z"),
    "nrrd, no unit": Case(of(nrrd, "a.nrrd", **RAS), None, axes="xyz"),
    "nrrd, packed": Case(of(nrrd, "a.nrrd", spacings=SIZE[::-1], units="nm", encoding="gzip"),
                         axes="xyz"),
    "nrrd, data beside it": Case(
        of(nrrd, "a.nhdr", spacings=SIZE[::-1], units="nm", beside="a.raw"), axes="xyz"),
    # MRC
    "mrc": Case(of(mrc, "a.mrc", VOXELS, cell_angstrom=CELL)),
    "mrc, big-endian": Case(of(mrc, "a.rec", VOXELS, cell_angstrom=CELL, big_endian=True)),
    "mrc, no cell": Case(of(mrc, "a.map", VOXELS), None),
    "mrc, a cell of more than the volume": Case(
        of(mrc, "a.mrc", VOXELS, cell_angstrom=(4000, 8000, 30000), grid=(100, 100, 100))),
    "mrc, origin": Case(
        of(mrc, "a.mrc", VOXELS, cell_angstrom=CELL, origin_angstrom=(4000, -160, 600)),
        origin=ORIGIN),
    "mrc, start": Case(
        of(mrc, "a.mrc", VOXELS, cell_angstrom=CELL, start=(100, -2, 2)), origin=ORIGIN),
    "mrc of IMOD": Case(
        of(mrc, "a.mrc", VOXELS, cell_angstrom=CELL, origin_angstrom=(-4000, 160, -600),
           imod_flags=0), origin=ORIGIN),
    "mrc of IMOD, after the standard": Case(
        of(mrc, "a.mrc", VOXELS, cell_angstrom=CELL, origin_angstrom=(4000, -160, 600),
           imod_flags=4), origin=ORIGIN),
    "mrc, columns along y": Case(
        of(mrc, "a.mrc", VOXELS.transpose(0, 2, 1), cell_angstrom=CELL, grid=(7, 6, 5),
           order=(2, 1, 3), start=(-2, 100, 2)), origin=ORIGIN, axes="zxy"),
    "mrc, extended header": Case(of(mrc, "a.mrc", VOXELS, cell_angstrom=CELL, extended=b"x" * 96)),
    # Digital Micrograph
    "dm4": Case(of(dm, "a.dm4", VOXELS, UM, ["\u00b5m"] * 3)),
    "dm3": Case(of(dm, "a.dm3", VOXELS, SIZE, ["nm"] * 3, version=3)),
    "dm4, origin": Case(
        of(dm, "a.dm4", VOXELS, SIZE, ["nm"] * 3, (-2.0, 2.0, -100.0)), origin=ORIGIN),
    "dm4, units mixed": Case(of(dm, "a.dm4", VOXELS, (0.03, 8, 4), ["um", "nm", "nm"])),
    "dm4, no calibration": Case(of(dm, "a.dm4", VOXELS), None),
    "dm4, slices not calibrated": Case(of(dm, "a.dm4", VOXELS, (1, 8, 4), ["", "nm", "nm"]), None),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_every_fact_of_every_format_is_read(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    volume = open_volume(case.make(tmp_path), **case.said)
    assert volume.shape == case.voxels.shape
    assert "".join(volume.axes).removeprefix("tc") == case.axes.removeprefix("tc")
    if case.size is None:
        assert volume.voxel_size_nm is None
        assert "Give voxel_size_nm=[z,y,x]" in volume.why_no_voxel_size
    else:
        assert volume.voxel_size_nm == pytest.approx(case.size, rel=1e-6)
    if case.size is not None:
        assert volume.origin_nm == pytest.approx(case.origin, rel=1e-6)
        assert volume.origin_stated or case.origin == ZEROS
    assert case.note in " ".join(volume.notes)
    assert volume.level == case.said.get("level", 0)
    np.testing.assert_array_equal(volume.read(volume.box), case.voxels)


@pytest.mark.parametrize("name", CASES)
def test_labels_have_the_same_facts_as_images(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    path = case.make(tmp_path)
    said = {k: tuple(v) if k == "axes" else v for k, v in case.said.items()}
    image = open_request(path, Request(**said))
    labels = open_request(path, Request(labels=True, **said))
    for fact in ("shape", "dtype", "axes", "voxel_size_nm", "origin_nm", "level", "n_levels"):
        assert getattr(labels, fact) == getattr(image, fact), fact
    np.testing.assert_array_equal(labels.read(labels.box), image.read(image.box))


@pytest.mark.parametrize("name", ["tiff of ImageJ", "hdf5 of CREMI, um", "nifti", "mrc, origin"])
def test_what_the_user_says_wins_with_a_note(name: str, tmp_path: Path) -> None:
    path = CASES[name].make(tmp_path)
    volume = open_volume(path, voxel_size_nm=(50, 10, 10), origin_nm=(1, 2, 3))
    assert (volume.voxel_size_nm, volume.origin_nm) == ((50, 10, 10), (1, 2, 3))
    assert "voxel_size_nm=[50,10,10] wins over 30 x 8 x 4 nm" in " ".join(volume.notes)
