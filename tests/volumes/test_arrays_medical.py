"""NumPy, NIfTI and NRRD: what is promised, packed, detached, written."""

import gzip
import lzma
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pytest
from support.label_volumes import opened
from support.nrrd_files import nrrd as nrrd_by_hand
from support.volumes_on_disk import SIZE, VOXELS

from emqs.errors import ConfigError, DataError
from emqs.geometry import Box
from emqs.volumes import Layout, create_volume, open_volume

ORIGIN = (60.0, -16.0, 400.0)


def put(path: Path, *, origin: tuple[float, ...] = ORIGIN, size: object = SIZE) -> list[str]:
    layout = Layout(VOXELS.shape, VOXELS.dtype, size, origin)  # type: ignore[arg-type]
    writer = create_volume(path, layout)
    writer.write(Box((0, 0, 0), VOXELS.shape), VOXELS)  # type: ignore[arg-type]
    writer.finish()
    return writer.notes


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_needs_axes_and_keeps_their_order(order: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.asarray(VOXELS.transpose(2, 0, 1), order=order))  # type: ignore[call-overload]
    with pytest.raises(DataError, match=r"does not say which is which.*axes="):
        open_volume(tmp_path / "a.npy")
    volume = open_volume(tmp_path / "a.npy", axes="xzy")
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)
    np.testing.assert_array_equal(volume.read(Box((1, 2, 3), (3, 4, 5))), VOXELS[1:3, 2:4, 3:5])
    assert "taken to be z,y,x" in opened(tmp_path / "a.npy").notes[0]


def test_npz_and_packed_npy(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", em=VOXELS, other=VOXELS[:1])
    with pytest.raises(ConfigError, match="several arrays: em, other"):
        open_volume(tmp_path / "a.npz", axes="zyx")
    volume = open_volume(tmp_path / "a.npz", axes="zyx", dataset="em")
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)
    np.save(tmp_path / "a.npy", VOXELS)
    content = (tmp_path / "a.npy").read_bytes()
    for ending, pack in ((".gz", gzip.compress), (".xz", lzma.compress)):
        (tmp_path / f"a.npy{ending}").write_bytes(pack(content))
        volume = open_volume(tmp_path / f"a.npy{ending}", axes="zyx")
        np.testing.assert_array_equal(volume.read(volume.box), VOXELS)
    np.save(tmp_path / "b.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(DataError, match="never loaded"):
        open_volume(tmp_path / "b.npy", axes="zyx")


@pytest.mark.parametrize("ending", ["nii", "nrrd", "h5", "tif"])
def test_what_is_written_lies_where_it_lay(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    assert put(path) == []
    for volume in (open_volume(path), opened(path)):
        assert volume.voxel_size_nm == pytest.approx(SIZE)
        assert volume.origin_nm == pytest.approx(ORIGIN)
        np.testing.assert_array_equal(volume.read(volume.box), VOXELS)


@pytest.mark.parametrize("ending", ["nii", "nrrd", "h5", "tif", "npy"])
def test_an_unknown_size_stays_unknown(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    put(path, origin=(0.0, 0.0, 0.0), size=None)
    volume = opened(path)
    assert (volume.voxel_size_nm, volume.origin_stated) == (None, False)


def test_other_libraries_read_size_and_origin(tmp_path: Path) -> None:
    put(tmp_path / "a.nii")
    image = nibabel.load(tmp_path / "a.nii")
    assert np.asarray(image.dataobj).T.tolist() == VOXELS.tolist()
    assert image.affine[:3, 3] == pytest.approx(np.array(ORIGIN[::-1]) / 1000)
    assert image.header.get_xyzt_units()[0] == "micron"
    put(tmp_path / "a.nrrd")
    stored, header = nrrd.read(str(tmp_path / "a.nrrd"))
    np.testing.assert_array_equal(stored.T, VOXELS)
    assert header["space origin"].tolist() == list(ORIGIN[::-1])
    assert np.diag(header["space directions"]).tolist() == list(SIZE[::-1])
    assert header["space units"] == ["nm"] * 3


def test_nifti_that_is_cut_off_scaled_or_askew(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    put(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(DataError, match="cannot be read as a NIfTI file: it states"):
        open_volume(path)
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(whole)[:-30])
    with pytest.raises(DataError, match="cannot be decompressed"):
        open_volume(tmp_path / "b.nii.gz")
    image = nibabel.Nifti1Image(VOXELS.T.astype(np.int16), np.eye(4))
    image.header.set_slope_inter(2, 1)
    image.to_filename(path)
    with pytest.raises(DataError, match="they are no labels"):
        opened(path)
    scaled = open_volume(path)
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(scaled.read(scaled.box), 2 * VOXELS.astype(np.float32) + 1)
    turned = np.eye(4)
    turned[:2, :2] = [[0.8, -0.6], [0.6, 0.8]]
    image = nibabel.Nifti1Image(VOXELS.T, turned)
    image.header.set_xyzt_units("micron")
    image.to_filename(path)
    volume = open_volume(path)
    assert volume.voxel_size_nm == pytest.approx((1000, 1000, 1000))
    assert not volume.origin_stated
    assert "lies askew" in volume.notes[0]


@pytest.mark.parametrize("name", ["../secret.raw", "/etc/passwd", "lost.raw", "..\\secret.raw"])
def test_data_of_nrrd_outside_of_the_folder(name: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.raw").write_bytes(VOXELS.tobytes())
    path = nrrd_by_hand(inside / "a.nhdr", beside="a.raw")
    path.write_bytes(path.read_bytes().replace(b"a.raw", name.encode()))
    what = "missing" if name == "lost.raw" else "lies outside of its folder"
    with pytest.raises(DataError, match=what):
        open_volume(path)


def test_nrrd_that_grows_or_is_cut_off(tmp_path: Path) -> None:
    path = nrrd_by_hand(tmp_path / "a.nrrd", encoding="gzip")
    head, _, _ = path.read_bytes().partition(b"\n\n")
    bomb = gzip.compress(bytes(2**26))
    path.write_bytes(head + b"\n\n" + bomb)  # no more is unpacked than the header states
    volume = open_volume(path)
    assert not volume.read(volume.box).any()
    path.write_bytes(head + b"\n\n" + gzip.compress(VOXELS.tobytes())[:50])
    with pytest.raises(DataError, match="cut off or damaged"):
        open_volume(path)
    huge = head.replace(b"7 6 5", b"70000 60000 50000")
    path.write_bytes(huge + b"\n\n" + bomb)
    with pytest.raises(DataError, match="too many to unpack"):
        open_volume(path)
    path.write_bytes(huge.replace(b"gzip", b"raw") + b"\n\n" + bomb)
    with pytest.raises(DataError, match="it states"):
        open_volume(path)
