"""Folders of slices and HDF5 files: names, bits, palettes; datasets, links, what is written."""

import gzip
import io
import struct
import unicodedata
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from support.label_volumes import opened
from support.volumes_on_disk import SIZE, VOXELS

from emqs.errors import ConfigError, DataError
from emqs.geometry import Box
from emqs.volumes import Layout, Volume, create_volume, open_volume

EIGHT = (VOXELS % 251).astype(np.uint8)
MASK = VOXELS % 3 == 0


def read(volume: Volume) -> np.ndarray:
    return volume.read(volume.box)


def png(path: Path, rows: np.ndarray, depth: int, colour: int, palette: bytes = b"") -> None:
    """A PNG, chunk by chunk; ``rows`` are the bytes of each row."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    width = rows.shape[1] * 8 // depth
    head = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
        + (chunk(b"PLTE", palette) if palette else b"") + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )  # fmt: skip


def test_png_of_16_bits_in_natural_order_of_composed_names(tmp_path: Path) -> None:
    for z, form in zip((0, 1, 2, 10, 11), ("NFC", "NFD", "NFC", "NFD", "NFC"), strict=True):
        name = unicodedata.normalize(form, f"sch\u00e4del_{z}.png")
        rows = VOXELS[[0, 1, 2, 10, 11].index(z)].astype(">u2").view(np.uint8)
        png(tmp_path / name, rows, 16, 0)
    for volume in (open_volume(tmp_path), opened(tmp_path)):
        assert volume.dtype == np.uint16
        np.testing.assert_array_equal(read(volume), VOXELS)


@pytest.mark.parametrize("name", ["2024_05_01", "1e3", "007", "a (b), c=d #1"])
def test_folders_whose_names_look_like_numbers(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for z, image in enumerate(EIGHT):
        png(folder / f"{z}.png", image, 8, 0)
    np.testing.assert_array_equal(read(open_volume(folder)), EIGHT)
    np.testing.assert_array_equal(read(open_volume(str(folder))), EIGHT)


def test_masks_of_one_bit_are_0_and_1(tmp_path: Path) -> None:
    for z, image in enumerate(MASK):
        wide = np.pad(image, ((0, 0), (0, 1)))
        png(tmp_path / f"{z}.png", np.packbits(wide, axis=1), 1, 0)
    for volume in (open_volume(tmp_path), opened(tmp_path)):
        assert volume.dtype == np.bool_
        np.testing.assert_array_equal(read(volume)[..., :7], MASK)


def test_slices_of_one_bit_among_others_are_shades_of_images_and_no_labels(tmp_path: Path) -> None:
    """A program that shrinks a slice of 0 and 255 to one bit must not lose its structures."""
    mask = np.pad(MASK, ((0, 0), (0, 0), (0, 1)))
    for z, image in enumerate(mask):
        if z == 2:
            png(tmp_path / f"{z}.png", np.packbits(image, axis=1), 1, 0)
        else:
            png(tmp_path / f"{z}.png", np.where(image, 255, 0).astype(np.uint8), 8, 0)
    np.testing.assert_array_equal(read(open_volume(tmp_path)), np.where(mask, 255, 0))
    with pytest.raises(DataError, match=r"mixes slices of one bit .* 0\.png and 2\.png"):
        opened(tmp_path)


def test_palettes_of_png_are_shades_of_images_and_names_of_labels(tmp_path: Path) -> None:
    greys = bytes(np.repeat(np.arange(256, dtype=np.uint8)[::-1], 3))
    colours = (np.arange(768) % 256).astype(np.uint8).tobytes()
    for name, palette in (("grey", greys), ("colour", colours)):
        (tmp_path / name).mkdir()
        for z, image in enumerate(EIGHT):
            png(tmp_path / name / f"{z}.png", image, 8, 3, palette)
        np.testing.assert_array_equal(read(opened(tmp_path / name)), EIGHT)
    np.testing.assert_array_equal(read(open_volume(tmp_path / "grey")), 255 - EIGHT)
    with pytest.raises(DataError, match="colour image"):
        read(open_volume(tmp_path / "colour"))


def test_slices_of_several_sizes_are_refused_at_opening(tmp_path: Path) -> None:
    for z, image in enumerate(EIGHT):
        Image.fromarray(image[:5] if z == 3 else image).save(tmp_path / f"{z}.png")
    with pytest.raises(DataError, match=r"3\.png has 5x7 pixels .* the first slice 6x7"):
        open_volume(tmp_path)


def test_labels_in_jpeg_are_refused(tmp_path: Path) -> None:
    Image.fromarray(EIGHT[0]).save(tmp_path / "0.jpg")
    with pytest.raises(DataError, match="JPEG changes pixel values"):
        opened(tmp_path)


def test_a_jpeg_whose_bytes_cannot_hold_its_pixels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "slices" / "0.jpg"
    path.parent.mkdir()
    Image.fromarray(np.full((512, 512), 7, np.uint8)).save(path, optimize=True, progressive=True)
    assert read(open_volume(path.parent, voxel_size_nm=SIZE, axes="zyx")).min() == 7
    content = bytearray(path.read_bytes())
    at = content.index(b"\xff\xc2") + 5
    content[at : at + 4] = b"\x20\x00\x20\x00"  # 8192 x 8192
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"0\.jpg .*states 8192 x 8192 pixels, and has \d+ bytes"):
        read(open_volume(path.parent, voxel_size_nm=SIZE, axes="zyx"))


def test_labels_and_images_of_one_file_are_told_apart(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["volumes/raw"], file["volumes/labels"] = VOXELS.astype("f4"), VOXELS
        file["table"] = np.zeros((4, 2))
    volume = opened(tmp_path / "a.h5")
    assert volume.name.endswith("volumes/labels")
    with pytest.raises(ConfigError, match="several volumes: volumes/labels, volumes/raw"):
        open_volume(tmp_path / "a.h5", axes="zyx")


def test_packed_hdf5_and_damaged_attributes(tmp_path: Path) -> None:
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file["main"] = VOXELS
        file["main"].attrs.update({"resolution": SIZE, "axistags": "{not json"})
    (tmp_path / "a.h5.gz").write_bytes(gzip.compress(memory.getvalue()))
    volume = open_volume(tmp_path / "a.h5.gz")
    assert volume.voxel_size_nm == SIZE
    np.testing.assert_array_equal(read(volume), VOXELS)


def test_hdf5_of_another_program_reads_what_is_written(tmp_path: Path) -> None:
    layout = Layout(VOXELS.shape, VOXELS.dtype, SIZE, (60.0, -16.0, 400.0))  # type: ignore[arg-type]
    writer = create_volume(tmp_path / "a.h5", layout)
    writer.write(Box((0, 0, 0), VOXELS.shape), VOXELS)  # type: ignore[arg-type]
    writer.finish()
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["main"].attrs["resolution"].tolist() == list(SIZE)
        assert file["main"].attrs["offset"].tolist() == [60, -16, 400]
        assert (file["main"].attrs["unit"], file["main"].attrs["axes"]) == ("nm", "zyx")
        np.testing.assert_array_equal(file["main"][:], VOXELS)


def test_bdv_whose_hdf5_lies_elsewhere_or_is_none(tmp_path: Path) -> None:
    text = "<SpimData><ImageLoader format='bdv.hdf5'><hdf5>{}</hdf5></ImageLoader></SpimData>"
    (tmp_path / "a.xml").write_text(text.format("../b.h5"))
    with pytest.raises(DataError, match=r"its image is in \.\./b\.h5, which lies outside"):
        open_volume(tmp_path / "a.xml")
    (tmp_path / "a.xml").write_text(text.format("b.h5"))
    with pytest.raises(DataError, match=r"b\.h5, which is missing"):
        open_volume(tmp_path / "a.xml")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["main"] = VOXELS
    with pytest.raises(DataError, match="no HDF5 file of BigDataViewer"):
        open_volume(tmp_path / "a.xml")
    (tmp_path / "a.xml").write_text("<SpimData></SpimData>")
    with pytest.raises(DataError, match="names no HDF5 file"):
        open_volume(tmp_path / "a.xml")


def test_setups_and_time_points_of_bdv_are_chosen(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for setup in (0, 1):
            file[f"s{setup:02d}/resolutions"] = [[1.0, 1, 1]]
            for time in (0, 1):
                part = VOXELS + np.uint16(1000 * setup + 2000 * time)
                file[f"t{time:05d}/s{setup:02d}/0/cells"] = part.view(np.int16)
    with pytest.raises(ConfigError, match=r"2 setups .* dataset=, e\.g\. s00"):
        open_volume(tmp_path / "a.h5")
    with pytest.raises(ConfigError, match=r"2 time points.* e\.g\. t00000/s01"):
        open_volume(tmp_path / "a.h5", dataset="s01")
    with pytest.raises(ConfigError, match="no setup 's07'"):
        open_volume(tmp_path / "a.h5", dataset="s07")
    volume = open_volume(tmp_path / "a.h5", dataset="t00001/s01")
    np.testing.assert_array_equal(read(volume), VOXELS + 3000)
    assert "a.xml, which says the voxel size, is not beside" in volume.notes[0]
