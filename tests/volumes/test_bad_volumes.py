"""Servers that fail, files that are cut off, and metadata that lead astray."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image
from support import volumes_on_disk as disk
from support.failing_server import Server
from support.volumes_on_disk import SHAPE, SIZE, VOXELS

from emqs.errors import ConfigError, DataError
from emqs.volumes import Box, chunks, from_array, open_volume, stored
from emqs.volumes.formats import compressed

Make = Callable[[Path], Path]


@pytest.mark.parametrize(
    ("make", "prefix"),
    [(disk.ome_zarr_04, ""), (disk.ome_zarr_05, ""), (disk.ome_zarr_05_sharded, ""),
     (disk.n5_viewer, ""), (disk.n5_cosem, "n5://"), (disk.precomputed, "precomputed://")],
)  # fmt: skip
def test_volumes_are_read_over_http(
    make: Make, prefix: str, server: Server, tmp_path: Path
) -> None:
    make(tmp_path / "a")
    volume = open_volume(f"{prefix}{server.url}/a")
    assert volume.voxel_size_nm == SIZE
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)


@pytest.mark.parametrize("failure", ["500", "503", "429", "drop", "cut"])
def test_a_server_that_fails_a_few_times_is_asked_again(
    failure: str, server: Server, tmp_path: Path
) -> None:
    disk.ome_zarr_05(tmp_path / "a")
    server.failures = [failure] * 3
    volume = open_volume(f"{server.url}/a/")
    server.failures = [failure] * 3
    box = Box((2, 3, 4), (4, 6, 7))
    np.testing.assert_array_equal(volume.read(box), VOXELS[box.slices])
    assert server.failures == []


@pytest.mark.parametrize("failure", ["500", "503", "drop", "cut"])
def test_a_server_that_keeps_failing_ends_in_one_error(
    failure: str, server: Server, tmp_path: Path
) -> None:
    disk.ome_zarr_05(tmp_path / "a")
    volume = open_volume(f"{server.url}/a")
    server.always = failure
    server.requests.clear()
    message = r"The box z 2:4, y 3:6, x 4:7 of http://127\S+/a/s0 cannot be read .*several attempts"
    with pytest.raises(DataError, match=message) as caught:
        volume.read(Box((2, 3, 4), (4, 6, 7)))
    assert "\n" not in str(caught.value)
    assert "<html" not in str(caught.value)
    assert len(server.requests) in (4, 5)  # three more, and curl reopens a dropped connection
    server.always = None  # and when it is back, so is the volume
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)


def test_a_source_that_vanishes_is_not_taken_for_black(server: Server, tmp_path: Path) -> None:
    path = disk.ome_zarr_05(tmp_path / "a")
    volume = open_volume(f"{server.url}/a")
    path.rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="the source is no longer there"):
        volume.read(volume.box)


@pytest.mark.parametrize("make", [disk.ome_zarr_04, disk.n5_cosem, disk.precomputed])
def test_a_folder_that_vanishes_is_not_taken_for_black(make: Make, tmp_path: Path) -> None:
    volume = open_volume(make(tmp_path / "a"))
    (tmp_path / "a").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="the source is no longer there"):
        volume.read(volume.box)


def test_a_server_that_forbids_is_not_asked_again(server: Server, tmp_path: Path) -> None:
    disk.ome_zarr_05(tmp_path / "a")
    volume = open_volume(f"{server.url}/a")
    server.always = "403"
    server.requests.clear()
    with pytest.raises(DataError, match="Forbidden"):
        volume.read(Box((0, 0, 0), (1, 1, 1)))
    assert len(server.requests) == 1


def test_a_server_that_never_answers_is_given_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.ome_zarr_05(tmp_path / "a")
    volume = open_volume(f"{server.url}/a")
    monkeypatch.setattr(chunks, "WAIT_S", 0.2)
    server.always = "hang"
    with pytest.raises(DataError, match="did not answer within"):
        volume.read(volume.box)


def test_nothing_at_an_address(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no volume at http"):
        open_volume(f"{server.url}/nothing")
    disk.put(tmp_path / "a" / "zarr.json", b"<html>Please log in</html>")
    with pytest.raises(DataError, match=r"zarr\.json is not a JSON object"):
        open_volume(f"{server.url}/a")


@pytest.mark.parametrize(
    ("make", "chunk"),
    [(disk.ome_zarr_04, "s0/1.1.0"), (disk.ome_zarr_05, "s0/c/1/1/0"),
     (disk.ome_zarr_05_sharded, "s0/c/0/0/0"), (disk.n5_cosem, "0/1/1"),
     (disk.precomputed, "4_8_30/0-4_3-6_2-4")],
)  # fmt: skip
def test_a_chunk_that_is_cut_off(make: Make, chunk: str, tmp_path: Path) -> None:
    path = make(tmp_path / "a") / chunk
    path.write_bytes(path.read_bytes()[:-5])
    volume = open_volume(tmp_path / "a")
    with pytest.raises(DataError, match=r"The box z 2:3.* cannot be read"):
        volume.read(Box((2, 3, 0), (3, 6, 4)))


@pytest.mark.parametrize(
    ("make", "keep"),
    [(disk.tiff_imagej, 0.9), (disk.tiff_ome, 0.9), (disk.tiff_imagej, 0.1), (disk.hdf5, 0.9),
     (disk.hdf5, 0.02)],
)  # fmt: skip
def test_a_file_that_is_cut_off(make: Make, keep: float, tmp_path: Path) -> None:
    path = make(tmp_path / "a")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(DataError, match=r"cannot be read as .* damaged|damaged or cut off"):
        open_volume(path).read(Box((0, 0, 0), SHAPE))


def test_a_slice_that_is_cut_off_or_of_another_size(tmp_path: Path) -> None:
    for ending in ("png", "tif"):
        folder = disk.slices(tmp_path / ending, ending)
        volume = open_volume(folder, voxel_size_nm=SIZE)
        last = folder / f"slice_12.{ending}"
        content = last.read_bytes()
        last.write_bytes(content[:20])
        with pytest.raises(DataError, match=r"slice_12.* damaged"):
            volume.read(volume.box)
        if ending == "png":
            Image.fromarray(VOXELS[0, :5]).save(last)
        else:
            tifffile.imwrite(last, VOXELS[0, :5])
        with pytest.raises(DataError, match="slice_12"):
            volume.read(volume.box)
        np.testing.assert_array_equal(volume.read(Box((0, 0, 0), (4, 6, 7))), VOXELS[:4])


@pytest.mark.parametrize("path", ["", "  ", "a\0b"])
def test_an_empty_path(path: str) -> None:
    with pytest.raises(ConfigError, match="has no path"):
        open_volume(path)


@pytest.mark.parametrize("url", ["ftp://x/y", "memory://x", "file:///a|zip:", "gs://b", "https://"])
def test_urls_that_are_not_allowed(url: str) -> None:
    said = "cannot be opened|no volume|written as it must be"
    with pytest.raises((ConfigError, DataError), match=said):
        open_volume(url)


def test_there_is_nothing_or_nothing_known(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no volume at"):
        open_volume(tmp_path / "nothing.zarr")
    with pytest.raises(DataError, match="is empty"):
        open_volume(tmp_path)
    (tmp_path / "a.txt").write_text("words")
    with pytest.raises(DataError, match="neither its ending nor its first bytes say"):
        open_volume(tmp_path / "a.txt")
    with pytest.raises(DataError, match=r"a\.txt, which is not a slice"):
        open_volume(tmp_path)


@pytest.mark.parametrize("inner", ["../secret", "a/../../secret", "/etc", "a//b", "http://x", "."])
def test_metadata_that_lead_outside(inner: str, tmp_path: Path) -> None:
    disk.zarr2_array(tmp_path / "secret")
    path = disk.ome_zarr_04(tmp_path / "a", path=inner)
    with pytest.raises(DataError, match="inside a volume is not allowed"):
        open_volume(path)


def test_a_dataset_that_leads_outside(tmp_path: Path) -> None:
    disk.ome_zarr_04(tmp_path / "secret")
    disk.ome_zarr_04(tmp_path / "a")
    with pytest.raises(DataError, match="not allowed"):
        open_volume(tmp_path / "a", dataset="../secret")
    with pytest.raises(DataError, match="must not contain"):
        open_volume(disk.hdf5(tmp_path / "a.h5"), dataset="../secret")


def test_a_scale_of_precomputed_that_leads_outside(tmp_path: Path) -> None:
    path = disk.precomputed(tmp_path / "a")
    info = (path / "info").read_text().replace('"4_8_30"', '"../4_8_30"')
    (path / "info").write_text(info)
    with pytest.raises(DataError, match="outside the volume"):
        open_volume(path)


def test_hdf5_that_points_to_other_files(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    disk.hdf5(tmp_path / "secret.h5")
    disk.hdf5(inside / "beside.h5")
    layout = h5py.VirtualLayout(SHAPE, dtype="u2")
    layout[...] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "volumes/raw", SHAPE)
    with h5py.File(inside / "a.h5", "w") as file:
        file["beside"] = h5py.ExternalLink("beside.h5", "/volumes")
        file["above"] = h5py.ExternalLink("../secret.h5", "/volumes")
        file["root"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/volumes")
        file["lost"] = h5py.ExternalLink("lost.h5", "/volumes")
        file["soft"] = h5py.SoftLink("/beside/raw")
        file["circle"] = h5py.SoftLink("/circle")
        file["through"] = h5py.SoftLink("/above/raw")
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("raw", SHAPE, "u2", external=[("/etc/passwd", 0, 420)])
    for name in ("above/raw", "root/raw", "through"):
        with pytest.raises(DataError, match=r"is a link to .*secret\.h5, which lies outside"):
            open_volume(inside / "a.h5", dataset=name)
    for name in ("beside/raw", "soft"):
        volume = open_volume(inside / "a.h5", dataset=name)
        np.testing.assert_array_equal(volume.read(volume.box), VOXELS)
    with pytest.raises(DataError, match=r"lost\.h5, which is missing"):
        open_volume(inside / "a.h5", dataset="lost/raw")
    with pytest.raises(DataError, match="lead in a circle"):
        open_volume(inside / "a.h5", dataset="circle")
    for name, other in (("virtual", "secret.h5"), ("raw", "/etc/passwd")):
        with pytest.raises(DataError, match=f"lie in other files .*{other}"):
            open_volume(inside / "a.h5", dataset=name)
    with pytest.raises(ConfigError, match="holds no dataset 'other'"):
        open_volume(inside / "a.h5", dataset="other")


def test_boxes_outside(tmp_path: Path) -> None:
    volume = open_volume(disk.ome_zarr_05(tmp_path / "a"))
    for start, stop in [((-1, 0, 0), (1, 1, 1)), ((0, 0, 0), (5, 6, 8)), ((3, 0, 0), (2, 1, 1))]:
        with pytest.raises(DataError, match=r"reaches outside .* of shape"):
            volume.read(Box(start, stop))
    assert volume.read(Box((2, 2, 2), (2, 4, 4))).shape == (0, 2, 2)


def test_a_huge_volume_is_opened_and_a_huge_read_refused(tmp_path: Path) -> None:
    path = disk.ome_zarr_04(tmp_path / "a")
    array = path / "s0" / ".zarray"
    text = array.read_text()
    array.write_text(text.replace("[5, 6, 7]", "[100000, 200000, 300000]"))
    volume = open_volume(path)
    with pytest.raises(DataError, match=r"GB, above the limit of .* Read it in smaller boxes"):
        volume.read(volume.box)
    far = Box((99990, 199990, 299990), (99999, 199999, 299999))
    assert not volume.read(far).any()
    array.write_text(text.replace("[2, 3, 4]", "[2000, 300, 4000]"))
    with pytest.raises(DataError, match=r"chunks of 2000 x 300 x 4000 .*4\.8 GB"):
        open_volume(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [('"0.4"', '"0.2"', "version '0.2'"), ("30.0", '"30"', "3 finite numbers"),
     ("30.0", "NaN", "3 finite numbers"), ("30.0", "-1", "not above 0"),
     ('"scale", "scale"', '"affine", "scale"', "type 'affine'"),
     ('"axes"', '"axen"', "no 'datasets'"),
     ('"multiscales"', '"plate"', "is a plate")],
)  # fmt: skip
def test_damaged_ome_metadata(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = disk.ome_zarr_04(tmp_path / "a")
    text = (path / ".zattrs").read_text()
    assert old in text
    (path / ".zattrs").write_text(text.replace(old, new))
    with pytest.raises(DataError, match=message):
        open_volume(path)


def test_metadata_without_an_array(tmp_path: Path) -> None:
    path = disk.ome_zarr_05(tmp_path / "a")
    (path / "s0" / "zarr.json").unlink()
    with pytest.raises(DataError, match="There is no array at"):
        open_volume(path)


@pytest.mark.parametrize("size", [(0, 1, 1), (1, -1, 1), (1, 1), (1, 1, float("nan"))])
def test_voxel_sizes_that_are_none(size: tuple[float, ...], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="three lengths"):
        open_volume(disk.ome_zarr_05(tmp_path / "a"), voxel_size_nm=size)


def test_colours_and_complex_numbers_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 5, 6, 3), "u1"), photometric="rgb")
    with pytest.raises(DataError, match="coloured"):
        open_volume(tmp_path / "a.tif", voxel_size_nm=SIZE)
    with pytest.raises(DataError, match="type complex64"):
        from_array(np.zeros(SHAPE, np.complex64), SIZE)
    with pytest.raises(DataError, match="is empty"):
        from_array(np.zeros((0, 5, 5), np.uint8), SIZE)
    with pytest.raises(DataError, match="three axes"):
        from_array(np.zeros((5, 5), np.uint8), SIZE)


def test_plain_tiff_has_no_voxel_size(tmp_path: Path) -> None:
    path = disk.tiff_big(tmp_path / "a.tif", resolution=(72, 72), resolutionunit="inch")
    with pytest.raises(DataError, match="no voxel size"):
        open_volume(path).require_voxel_size()


def test_a_tiff_without_pages(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"II*\0xxxx")  # its first page lies beyond its end
    with pytest.raises(DataError, match=r"a\.tif cannot be read as a TIFF; .*first page"):
        open_volume(tmp_path / "a.tif", voxel_size_nm=SIZE)


def test_channels_of_a_tiff_must_be_chosen(tmp_path: Path) -> None:
    stored = np.stack([VOXELS, VOXELS + 1000], axis=1)
    tifffile.imwrite(tmp_path / "a.tif", stored, imagej=True, metadata={"axes": "ZCYX"})
    with pytest.raises(ConfigError, match="2 entries along its axis 'c'"):
        open_volume(tmp_path / "a.tif", voxel_size_nm=SIZE)
    volume = open_volume(tmp_path / "a.tif", voxel_size_nm=SIZE, select={"c": 1})
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS + 1000)


@pytest.mark.parametrize("claims", [True, False])
def test_a_small_file_that_unpacks_to_gigabytes_is_refused_early(
    claims: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a NumPy file says is known from its beginning; of others only so much is read."""
    zstandard = pytest.importorskip("zstandard")
    monkeypatch.setattr(compressed, "FREE_BYTES", 2**24)
    read = []
    opened = compressed._opened
    monkeypatch.setattr(
        compressed, "_opened", lambda path, ending: Counted(opened(path, ending), read)
    )
    head = io.BytesIO()
    shape = (2**20, 2**20, 2**20) if claims else (2, 3, 4)
    np.lib.format.write_array_header_1_0(
        head, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    path = tmp_path / "a.npy.zst"
    path.write_bytes(zstandard.compress(head.getvalue() + bytes(2**26)))
    assert path.stat().st_size < 20_000
    with pytest.raises(DataError, match=r"must be read as a whole, .* more than 0\.0156 GiB"):
        open_volume(path, axes="zyx")
    assert sum(read) <= (2**22 if claims else 2**24 + 2**22)


class Counted:
    """A file that notes how much is read of it."""

    def __init__(self, file: BinaryIO, read: list[int]) -> None:
        self.file, self.noted = file, read

    def __enter__(self) -> "Counted":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def read(self, n_bytes: int) -> bytes:
        piece = self.file.read(n_bytes)
        self.noted.append(len(piece))
        return piece


def test_a_petavoxel_of_which_nothing_is_stored_is_not_walked_through(tmp_path: Path) -> None:
    path = disk.ome_zarr_04(tmp_path / "a")
    stored.check_claim(open_volume(path))
    array = path / "s0" / ".zarray"
    array.write_text(array.read_text().replace("[5, 6, 7]", "[100000, 200000, 300000]"))
    with pytest.raises(DataError, match=r"claims \S+ TB of voxels, and only \d+ bytes are stored"):
        stored.check_claim(open_volume(path))


def test_a_server_that_has_the_metadata_alone_is_noticed(server: Server, tmp_path: Path) -> None:
    path = disk.ome_zarr_05(tmp_path / "a")
    assert not stored.none_is_there(open_volume(f"{server.url}/a"))
    for file in (path / "s0").rglob("*"):
        if file.is_file() and file.name != "zarr.json":
            file.unlink()
    chunks._context.cache_clear()
    assert stored.none_is_there(open_volume(f"{server.url}/a"))
