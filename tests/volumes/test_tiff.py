"""TIFF: shades and labels, sets of files, stacks that are cut off or larger than 4 GB."""

import os
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from support.label_volumes import SIZE as LABEL_SIZE
from support.label_volumes import blocky, opened, written
from support.tiff_files import UM, imagej, ome, page, pyramid, tiff, write
from support.volumes_on_disk import VOXELS

from emqs.errors import ConfigError, DataError
from emqs.geometry import Box
from emqs.labels.second import second
from emqs.volumes import Layout, Volume, create_volume, open_volume
from emqs.volumes.axes import Request
from emqs.volumes.formats.tiff_levels import downsampling
from emqs.volumes.formats.tiff_pages import read_slices
from emqs.volumes.opening import open_request

EIGHT = (VOXELS % 251).astype(np.uint8)


def read(volume: Volume) -> np.ndarray:
    return volume.read(volume.box)


def bits(path: Path, mask: np.ndarray, white_is_zero: bool) -> Path:
    """One bit per pixel, as Pillow and libtiff write masks: 0 white, or 1 white."""
    stored = ~mask if white_is_zero else mask
    pages = []
    for image in stored:
        tags = page(image.astype("u1"), photometric=0 if white_is_zero else 1, bits=1)
        tags[0] = (0, np.packbits(image, axis=1).tobytes())
        pages.append(tags)
    return write(path, pages)


@pytest.mark.parametrize("white_is_zero", [False, True])
def test_masks_of_one_bit_are_1_where_a_viewer_shows_white(
    white_is_zero: bool, tmp_path: Path
) -> None:
    mask = VOXELS % 3 == 0
    path = bits(tmp_path / "a.tif", mask, white_is_zero)
    with Image.open(path) as shown:  # Pillow turns it over itself
        np.testing.assert_array_equal(np.asarray(shown.convert("L")) == 255, mask[0])
    for volume in (open_volume(path), opened(path)):
        assert volume.dtype == np.bool_
        np.testing.assert_array_equal(read(volume), mask)


def test_an_image_in_which_0_is_white_is_what_a_viewer_shows(tmp_path: Path) -> None:
    for stored, largest in ((EIGHT, 255), (VOXELS, 65535)):
        path = tiff(tmp_path / "a.tif", stored, photometric=0)
        np.testing.assert_array_equal(read(open_volume(path)), largest - stored)
        chunked = tmp_path / "b.tif"
        tifffile.imwrite(chunked, stored, photometric="miniswhite", rowsperstrip=2,
                         compression="zlib")  # fmt: skip
        np.testing.assert_array_equal(read(open_volume(chunked)), largest - stored)
    path = tiff(tmp_path / "c.tif", VOXELS.astype(np.float32), photometric=0)
    with pytest.raises(DataError, match="nothing says what is black"):
        open_volume(path)


def test_labels_in_which_0_is_white_are_the_numbers_that_are_stored(tmp_path: Path) -> None:
    mask = np.where(VOXELS % 3 == 0, 255, 0).astype(np.uint8)
    path = imagej(tmp_path / "a.tif", mask, unit="um", photometric=0)
    volume = opened(path)
    np.testing.assert_array_equal(read(volume), mask)
    assert "0 is white (MinIsWhite)" in volume.notes[0]
    assert "so that 0 stays the background" in volume.notes[0]


def test_palettes_are_shades_of_images_and_names_of_labels(tmp_path: Path) -> None:
    greys = np.arange(256, dtype=np.uint16)[::-1] * 257
    path = tiff(tmp_path / "a.tif", EIGHT, photometric=3, colours=np.tile(greys, 3))
    np.testing.assert_array_equal(read(open_volume(path)), 255 - EIGHT)
    np.testing.assert_array_equal(read(opened(path)), EIGHT)
    fire = np.concatenate([greys, greys // 2, greys * 0])
    path = tiff(tmp_path / "b.tif", EIGHT, photometric=3, colours=fire)
    with pytest.raises(DataError, match="its palette has colours"):
        read(open_volume(path))
    np.testing.assert_array_equal(read(opened(path)), EIGHT)


def test_folders_of_tiff_follow_the_same_rules(tmp_path: Path) -> None:
    for z, image in enumerate(EIGHT):
        tiff(tmp_path / f"{z}.tif", image[None], photometric=z % 2)
    np.testing.assert_array_equal(
        read(open_volume(tmp_path)), np.stack([255 - i if z % 2 == 0 else i
                                               for z, i in enumerate(EIGHT)])
    )  # fmt: skip
    np.testing.assert_array_equal(read(opened(tmp_path)), EIGHT)


def test_a_stack_of_imagej_over_4_gb_is_one_page_and_all_pixels_behind_it(tmp_path: Path) -> None:
    depth, side = 300, 4000
    path, content = tmp_path / "a.tif", imagej_in_front(side, depth)
    assert depth * side * side > 2**32
    path.write_bytes(content)
    os.truncate(path, len(content) + depth * side * side)  # sparse
    with path.open("r+b") as file:
        file.seek(len(content) + 299 * side * side + 17 * side + 5)
        file.write(b"\x2a")
    volume = open_volume(path)
    assert volume.shape == (depth, side, side)
    assert volume.voxel_size_nm == pytest.approx([30, 8, 4])
    assert volume.read(Box((299, 17, 4), (300, 18, 7))).tolist() == [[[0, 42, 0]]]
    os.truncate(path, len(content) + 3 * side * side)
    with pytest.raises(DataError, match="damaged or cut off"):
        open_volume(path)


def imagej_in_front(side: int, depth: int) -> bytes:
    """The start of such a file: the directory of one page, whose pixels begin behind it."""
    text = f"ImageJ=1.54f\nimages={depth}\nslices={depth}\nunit=um\nspacing=0.03\n".encode() + b"\0"
    rows = [
        (254, 4, 1, 0), (256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 8), (262, 3, 1, 1),
        (270, 2, len(text), 300), (273, 4, 1, 512), (277, 3, 1, 1), (278, 4, 1, side),
        (279, 4, 1, side * side), (282, 5, 1, 280), (283, 5, 1, 288), (296, 3, 1, 1),
    ]  # fmt: skip
    content = b"MM\0*" + struct.pack(">IH", 8, len(rows))
    for number, kind, count, value in rows:
        packed = struct.pack(">HH", value, 0) if kind == 3 else struct.pack(">I", value)
        content += struct.pack(">HHI", number, kind, count) + packed
    content = content.ljust(280, b"\0") + struct.pack(">4I", 250, 1, 125, 1)
    return (content.ljust(300, b"\0") + text).ljust(512, b"\0")


@pytest.mark.parametrize("kind", ["imagej", "one page", "ome", "plain", "tiled"])
def test_a_stack_of_7_slices_that_ends_after_3_is_one_error(kind: str, tmp_path: Path) -> None:
    seven = np.arange(7 * 40 * 50, dtype=np.uint16).reshape(7, 40, 50)
    path = tmp_path / "a.tif"
    if kind == "imagej":
        imagej(path, seven[:3], unit="um", images=7)
    elif kind == "one page":
        imagej(path, seven[:3], unit="um", images=7, one_page=True)
    elif kind == "ome":
        ome(path, seven, size=UM)
        whole = path.read_bytes()
        path.write_bytes(whole[: 8 + 3 * seven[0].nbytes])
    else:
        options = {"tile": (16, 16)} if kind == "tiled" else {}
        with tifffile.TiffWriter(path) as file:
            for image in seven:
                file.write(image, metadata=None, contiguous=False, **options)
        whole = path.read_bytes()
        path.write_bytes(whole[: 3 * len(whole) // 7])
    for opener in (open_volume, opened):
        with pytest.raises(DataError, match=r"a\.tif.*(cut off|damaged|lies? beyond)") as caught:
            opener(path).read(Box((0, 0, 0), (7, 40, 50)))
        assert "\n" not in str(caught.value)


def test_any_file_of_a_set_opens_it_and_a_missing_one_is_named(tmp_path: Path) -> None:
    ome(tmp_path / "a.ome.tif", size=UM, files=True)
    for z in range(5):
        np.testing.assert_array_equal(read(open_volume(tmp_path / f"a_{z}.ome.tif")), VOXELS)
    (tmp_path / "a_3.ome.tif").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"its partner 'a_3\.ome\.tif' is missing"):
        open_volume(tmp_path / "a_0.ome.tif")


@pytest.mark.parametrize("name", ["../a_1.ome.tif", "/etc/passwd", "..\\a_1.ome.tif", "x/../../a"])
def test_partners_outside_of_the_folder_are_not_opened(name: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    ome(tmp_path / "a.ome.tif", size=UM, files=True)
    path = ome(inside / "a.ome.tif", size=UM, files=True, partner=name)
    with pytest.raises(DataError, match=f"{re.escape(name)}', which does not lie in its folder"):
        open_volume(path)


def test_companions_of_metadata(tmp_path: Path) -> None:
    """A set whose XML lies in a file of its own; the TIFFs only name it."""
    ome(tmp_path / "a.ome.tif", size=UM, files=True)
    with tifffile.TiffFile(tmp_path / "a_0.ome.tif", _multifile=False) as file:
        text = file.ome_metadata
    (tmp_path / "a.companion.ome").write_text(text.replace('"urn:uuid:0">', '"urn:uuid:9">', 1))
    only = '<OME><BinaryOnly MetadataFile="a.companion.ome" UUID="urn:uuid:0"/></OME>'
    for z, image in enumerate(VOXELS):
        write(tmp_path / f"a_{z}.ome.tif", [page(image, description=only)])
    for name in ("a_2.ome.tif", "a.companion.ome"):
        volume = open_volume(tmp_path / name)
        assert volume.voxel_size_nm == pytest.approx([30, 8, 4])
        np.testing.assert_array_equal(read(volume), VOXELS)


def test_one_of_several_images_must_be_chosen(tmp_path: Path) -> None:
    ome(tmp_path / "a.ome.tif", size=UM)
    with tifffile.TiffWriter(tmp_path / "b.ome.tif", ome=True) as file:
        file.write(VOXELS, metadata={"axes": "ZYX", "Name": "em"}, photometric="minisblack")
        file.write(VOXELS[:2] + 1, metadata={"axes": "ZYX", "Name": "map"},
                   photometric="minisblack")  # fmt: skip
    with pytest.raises(ConfigError, match=r"2 images: em, map\. Choose one with dataset="):
        open_volume(tmp_path / "b.ome.tif")
    for name in ("map", "1"):
        volume = open_volume(tmp_path / "b.ome.tif", dataset=name)
        np.testing.assert_array_equal(read(volume), VOXELS[:2] + 1)


def test_slices_that_are_called_time_points_are_labels_with_a_note(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", VOXELS, imagej=True, metadata={"axes": "TYX"})
    with pytest.raises(ConfigError, match="5 entries along its axis 't'"):
        open_volume(tmp_path / "a.tif")
    volume = opened(tmp_path / "a.tif")
    np.testing.assert_array_equal(read(volume), VOXELS)
    assert "calls its 5 slices time points" in volume.notes[0]


def test_what_is_written_is_ome_tiff_with_size_and_origin(tmp_path: Path) -> None:
    labels = blocky("uint16")
    layout = Layout(labels.shape, labels.dtype, LABEL_SIZE, (80.0, -8.0, 12.0))
    writer = create_volume(tmp_path / "a.tif", layout)
    writer.write(Box((0, 0, 0), labels.shape), labels)
    writer.finish()
    assert writer.notes == []
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_ome
        assert file.series[0].axes == "ZYX"
        np.testing.assert_array_equal(file.asarray(), labels)
    volume = opened(tmp_path / "a.tif")
    assert (volume.voxel_size_nm, volume.origin_nm) == (LABEL_SIZE, (80.0, -8.0, 12.0))
    wide = written(tmp_path / "b.tif", "tiff", blocky("uint64"))
    assert opened(wide).voxel_size_nm is None
    np.testing.assert_array_equal(tifffile.imread(wide), blocky("uint64"))


def test_smaller_copies_of_pages_are_levels_and_others_are_not(tmp_path: Path) -> None:
    path = pyramid(tmp_path / "a.tif", n_levels=2)
    with pytest.raises(ConfigError, match=r"level=2 is out of range.* 2 resolution levels"):
        open_volume(path, level=2)
    with pytest.raises(ConfigError, match="one resolution only, got level=1"):
        open_volume(tiff(tmp_path / "b.tif"), level=1)
    unmarked = pyramid(tmp_path / "c.tif", n_levels=2, in_pages=True, marked=False)
    with pytest.raises(DataError, match="does not say that the smaller ones are copies"):
        open_volume(unmarked)


def test_smaller_copies_are_no_slices_of_their_own(tmp_path: Path) -> None:
    """Written alternately: slice, its copy, slice, its copy."""
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for image in VOXELS:
            file.write(image, metadata=None, contiguous=False)
            file.write(image[::2, ::2], subfiletype=1, metadata=None, contiguous=False)
    np.testing.assert_array_equal(read(open_volume(tmp_path / "a.tif")), VOXELS)
    np.testing.assert_array_equal(read(open_volume(tmp_path / "a.tif", level=1)),
                                  VOXELS[:, ::2, ::2])  # fmt: skip
    np.testing.assert_array_equal(read_slices(tmp_path / "a.tif", 1, 3), VOXELS[1:3])


@pytest.mark.parametrize("level", [0, 1])
def test_tifffile_looks_at_the_same_level(level: int, tmp_path: Path) -> None:
    """Rows and columns of even lengths, so that they say the factor."""
    voxels = VOXELS[:, :, :6]
    path = pyramid(
        tmp_path / "a.ome.tif", voxels, n_levels=2,
        **{f"PhysicalSize{a}": edge for a, edge in zip("ZYX", UM, strict=True)},
    )  # fmt: skip
    first = open_request(path, Request(level=level, labels=True))
    with second(first, str(path), Request(level=level, labels=True)) as other:
        assert other.library == "tifffile"
        assert other.volume.voxel_size_nm == pytest.approx((30.0, 8.0 * 2**level, 4.0 * 2**level))
        np.testing.assert_array_equal(read(other.volume), voxels[:, :: 2**level, :: 2**level])


@pytest.mark.parametrize(
    ("shape", "smaller", "factors"),
    [((5, 6, 7), (5, 3, 4), [1, 2, 2]), ((5, 6, 7), (5, 3, 3), [1, 2, 2]),
     ((1023, 100), (127, 12), [8, 8]), ((1024, 768), (16, 12), [64, 64]),
     ((7, 7), (1, 2), [4, 4]), ((90, 120), (30, 40), [3, 3]), ((12, 18), (2, 3), [6, 6]),
     ((100, 99), (67, 66), [100 / 67, 1.5])],
)  # fmt: skip
def test_lengths_say_by_what_a_level_is_downsampled(
    shape: tuple[int, ...], smaller: tuple[int, ...], factors: list[float]
) -> None:
    """Lengths halved again and again, rounded up or down; thirds; two thirds."""
    assert downsampling(shape, smaller) == pytest.approx(factors)
