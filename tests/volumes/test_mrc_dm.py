"""MRC and Digital Micrograph: types of voxels, what is cut off, what is no volume."""

import bz2
import gzip
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import rsciio.digitalmicrograph
from support.dm_files import dm
from support.mrc_files import mrc
from support.volumes_on_disk import VOXELS

from emqs.errors import ConfigError, DataError
from emqs.volumes import open_volume

CELL = (280.0, 480.0, 1500.0)
BYTES = (VOXELS % 256).astype(np.uint8)


@pytest.mark.parametrize(
    ("flags", "bounds", "signed"),
    [(None, (0, -1, -2), True), (None, (-128, 127, 0), True), (None, (0, 250, 100), False),
     (0, (0, -1, -2), False), (1, (0, 250, 100), True), (5, (0, 0, 0), True)],
)  # fmt: skip
def test_bytes_are_signed_unless_imod_or_the_brightest_voxel_says_otherwise(
    flags: int | None, bounds: tuple[float, float, float], signed: bool, tmp_path: Path
) -> None:
    volume = open_volume(mrc(tmp_path / "a.mrc", BYTES, imod_flags=flags, bounds=bounds))
    assert volume.dtype == (np.int8 if signed else np.uint8)
    expected = BYTES.view(np.int8) if signed else BYTES
    np.testing.assert_array_equal(volume.read(volume.box), expected)
    assert ("its bytes are unsigned" in " ".join(volume.notes)) == (flags is None and not signed)


@pytest.mark.parametrize("kind", ["i2", "f4", "u2", "f2"])
@pytest.mark.parametrize("big_endian", [False, True])
def test_types_of_mrc(kind: str, big_endian: bool, tmp_path: Path) -> None:
    voxels = VOXELS.astype(kind)
    path = mrc(tmp_path / "a.mrc", voxels, cell_angstrom=CELL, big_endian=big_endian)
    with mrcfile.open(path) as checked:  # the hand that wrote it is right
        np.testing.assert_array_equal(checked.data, voxels)
    volume = open_volume(path)
    got = volume.read(volume.box)
    assert got.dtype == np.dtype(kind)
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, voxels)


@pytest.mark.parametrize(("mode", "what"), [(3, "complex"), (16, "coloured"), (101, "4-bit")])
def test_mrc_that_holds_no_plain_numbers(mode: int, what: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"{what} \(mode {mode}\)"):
        open_volume(mrc(tmp_path / "a.mrc", VOXELS, mode=mode))


def test_mrc_that_is_cut_off_or_damaged(tmp_path: Path) -> None:
    path = mrc(tmp_path / "a.mrc", VOXELS, cell_angstrom=CELL)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(DataError, match=r"a\.mrc .* cut off .* byte 1444, and has 1443"):
        open_volume(path)
    path.write_bytes(whole[:600])
    with pytest.raises(DataError, match="cannot be read as a MRC file"):
        open_volume(path)
    path.write_bytes(whole + b"more")
    assert "4 bytes more than its header states" in open_volume(path).notes[0]
    with pytest.raises(DataError, match=r"its axes are \[3, 1, 1\]"):
        open_volume(mrc(path, VOXELS, order=(1, 1, 3)))


def test_a_promise_of_a_huge_mrc_takes_no_memory(tmp_path: Path) -> None:
    path = mrc(tmp_path / "a.mrc", VOXELS)
    head = bytearray(path.read_bytes())
    head[:12] = np.full(3, 2**20, "<i4").tobytes()
    path.write_bytes(head)
    with pytest.raises(DataError, match="cut off"):
        open_volume(path)
    (tmp_path / "b.mrc.gz").write_bytes(gzip.compress(bytes(head)))
    with pytest.raises(DataError, match="cut off"):
        open_volume(tmp_path / "b.mrc.gz")


def test_packed_mrc_and_stacks_of_volumes(tmp_path: Path) -> None:
    whole = mrc(tmp_path / "a.mrc", VOXELS, cell_angstrom=CELL).read_bytes()
    for ending, pack in ((".gz", gzip.compress), (".bz2", bz2.compress)):
        (tmp_path / f"a.mrc{ending}").write_bytes(pack(whole))
        volume = open_volume(tmp_path / f"a.mrc{ending}")
        assert volume.voxel_size_nm == (30, 8, 4)
        np.testing.assert_array_equal(volume.read(volume.box), VOXELS)
    two = np.concatenate([VOXELS, VOXELS + 1])
    path = mrc(tmp_path / "two.mrc", two, cell_angstrom=CELL, grid=(7, 6, 5), space_group=401)
    with pytest.raises(ConfigError, match="2 entries along its axis 't'"):
        open_volume(path)
    volume = open_volume(path, select={"t": 1})
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS + 1)


def test_a_file_that_mrcfile_wrote(tmp_path: Path) -> None:
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(VOXELS.astype(np.int16))
        file.voxel_size = (40.0, 80.0, 300.0)
    volume = open_volume(tmp_path / "a.mrc")
    assert volume.voxel_size_nm == (30, 8, 4)
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)


@pytest.mark.parametrize("kind", ["u1", "u2", "i2", "u4", "i4", "f4"])
@pytest.mark.parametrize("version", [3, 4])
def test_types_of_digital_micrograph(kind: str, version: int, tmp_path: Path) -> None:
    voxels = (VOXELS % 120).astype(kind)
    path = dm(tmp_path / f"a.dm{version}", voxels, (30, 8, 4), ["nm"] * 3, version=version)
    (read,) = rsciio.digitalmicrograph.file_reader(str(path))  # the hand that wrote it is right
    np.testing.assert_array_equal(read["data"], voxels)
    volume = open_volume(path)
    assert volume.dtype == np.dtype(kind)
    np.testing.assert_array_equal(volume.read(volume.box), voxels)


def test_one_image_of_digital_micrograph_has_no_thickness(tmp_path: Path) -> None:
    path = dm(tmp_path / "a.dm4", VOXELS[1], (30, 8, 4), ["nm"] * 3)
    volume = open_volume(path)
    assert (volume.shape, volume.voxel_size_nm) == ((1, 6, 7), None)
    assert "no Z axis" in volume.why_no_voxel_size
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS[1:2])


@pytest.mark.parametrize("keep", [0, 3, 40, 200, 400, 700])
def test_digital_micrograph_that_is_cut_off(keep: int, tmp_path: Path) -> None:
    path = dm(tmp_path / "a.dm4", VOXELS, (30, 8, 4), ["nm"] * 3)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"a\.dm4 .*(cannot be read|neither its ending)") as caught:
        open_volume(path)
    assert "\n" not in str(caught.value)


def test_digital_micrograph_that_promises_too_much(tmp_path: Path) -> None:
    path = dm(tmp_path / "a.dm4", VOXELS, (30, 8, 4), ["nm"] * 3)
    whole = path.read_bytes()
    for number in (7, 6, 5):  # each length is stored once as an unsigned number behind its mark
        mark = b"%%%%" + (1).to_bytes(8, "big") + (5).to_bytes(8, "big")
        old = mark + number.to_bytes(4, "little")
        assert whole.count(old) == 1
        whole = whole.replace(old, mark + (2**20).to_bytes(4, "little"))
    path.write_bytes(whole)
    with pytest.raises(DataError, match="cut off"):
        open_volume(path)
