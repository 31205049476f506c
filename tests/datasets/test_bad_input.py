"""Datasets: one clear error for each kind of bad input."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from support.stacks_on_disk import (
    X,
    Y,
    Z,
    appended_pages,
    big_endian,
    class_ids,
    load,
    multipage,
    pixels,
    same,
    save,
)

from emqs.errors import ConfigError, DataError, MissingDependencyError
from emqs.volumes.formats import png_jpeg, tiff_pages


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The set A: four slices with labels, as PNG."""
    save(tmp_path / "A/raw", pixels())
    save(tmp_path / "A/labels", class_ids())
    return tmp_path


def no_raw(a: Path) -> None:
    (a / "raw").rename(a / "images")


def empty_raw(a: Path) -> None:
    for path in (a / "raw").iterdir():
        path.unlink()
    (a / "raw/.DS_Store").touch()


def empty_labels(a: Path) -> None:
    for path in (a / "labels").iterdir():
        path.unlink()


def raw_is_a_file(a: Path) -> None:
    no_raw(a)
    (a / "raw").touch()


def labels_is_a_file(a: Path) -> None:
    (a / "labels").rename(a / "old")
    (a / "labels").touch()


def mixed_formats(a: Path) -> None:
    tifffile.imwrite(a / "raw/9.tif", pixels()[0])


def text_file(a: Path) -> None:
    (a / "raw/notes.txt").touch()


def folder_inside(a: Path) -> None:
    (a / "raw/old").mkdir()


def same_name_twice(a: Path) -> None:
    for path in (a / "raw").iterdir():
        path.unlink()
    for ending in ("tif", "tiff"):
        tifffile.imwrite(a / f"raw/0.{ending}", pixels()[0])


def jpeg_labels(a: Path) -> None:
    for path in (a / "labels").iterdir():
        path.unlink()
    save(a / "labels", class_ids(), "jpg")


def cut_png(a: Path) -> None:
    body = (a / "raw/2.png").read_bytes()
    (a / "raw/2.png").write_bytes(body[: len(body) // 2])


def empty_png(a: Path) -> None:
    (a / "labels/2.png").write_bytes(b"")


def text_in_png(a: Path) -> None:
    (a / "raw/2.png").write_text("<html>")


def label_missing(a: Path) -> None:
    for z in (1, 3):
        (a / f"labels/{z}.png").unlink()


def raw_missing(a: Path) -> None:
    (a / "raw/2.png").unlink()


def many_labels_missing(a: Path) -> None:
    for z in range(4, 14):
        Image.fromarray(pixels()[0]).save(a / f"raw/{z}.png")


def fewer_pages(a: Path) -> None:
    empty_labels(a)
    multipage(a / "labels", class_ids()[:3])


def other_size(a: Path) -> None:
    Image.fromarray(class_ids()[0, :, :10]).save(a / "labels/3.png")


def coloured(a: Path) -> None:
    Image.fromarray(pixels(shape=(Y, X, 3))).save(a / "raw/1.png")


def transparent(a: Path) -> None:
    image = Image.fromarray(pixels()[0]).convert("LA")
    image.putalpha(Image.fromarray(pixels(3)[0]))
    image.save(a / "raw/1.png")


def colour_labels(a: Path) -> None:
    Image.fromarray(class_ids()[0]).convert("RGB").save(a / "labels/1.png")


def negative_labels(a: Path) -> None:
    empty_labels(a)
    multipage(a / "labels", class_ids().astype(np.int16) - np.int16(3))


def float_labels(a: Path) -> None:
    empty_labels(a)
    multipage(a / "labels", class_ids().astype(np.float32))


def mixed_bits(a: Path) -> None:
    Image.fromarray(pixels()[0].astype(np.uint16)).save(a / "raw/1.png")


def several_stacks(a: Path) -> None:
    empty_raw(a)
    for name in ("1", "2"):
        tifffile.imwrite(a / f"raw/{name}.tif", pixels(), photometric="minisblack")
    (a / "labels").rename(a / "old")


def cut_tiff(a: Path) -> None:
    empty_raw(a)
    appended_pages(a / "raw", pixels())
    body = (a / "raw/all.tiff").read_bytes()
    (a / "raw/all.tiff").write_bytes(body[: len(body) * 6 // 10])


def cut_tiff_pixels(a: Path) -> None:
    empty_raw(a)
    big_endian(a / "raw", pixels())
    body = (a / "raw/all.tif").read_bytes()
    (a / "raw/all.tif").write_bytes(body[:-500])


def text_in_tiff(a: Path) -> None:
    empty_raw(a)
    (a / "raw/all.tif").write_text("<html>hello")


def rgb_tiff(a: Path) -> None:
    empty_raw(a)
    tifffile.imwrite(a / "raw/all.tif", pixels(shape=(Z, Y, X, 3)), photometric="rgb")


def channels_tiff(a: Path) -> None:
    empty_raw(a)
    tifffile.imwrite(a / "raw/all.tif", pixels()[:3], imagej=True)


def five_axes_tiff(a: Path) -> None:
    empty_raw(a)
    tifffile.imwrite(
        a / "raw/all.tif",
        pixels(shape=(2, 3, Y, X)),
        photometric="minisblack",
        metadata={"axes": "TZYX"},
    )


def unequal_pages(a: Path) -> None:
    empty_raw(a)
    with tifffile.TiffWriter(a / "raw/all.tif") as file:
        file.write(pixels()[0], photometric="minisblack")
        file.write(pixels()[0, :10], photometric="minisblack")


def nan_tiff(a: Path) -> None:
    empty_raw(a)
    volume = pixels().astype(np.float32)
    volume[1, 2, 3] = np.nan
    multipage(a / "raw", volume)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (no_raw, r"A.raw does not exist\. Put the slices there, PNG, TIFF or JPEG"),
        (empty_raw, r"A.raw is empty\. Put the slices there"),
        (empty_labels, r"A.labels is empty\. Put the slices there, PNG or TIFF"),
        (raw_is_a_file, r"A.raw is a file; it must be a folder"),
        (labels_is_a_file, r"A.labels is a file; it must be a folder"),
        (mixed_formats, r"A.raw mixes formats: 4 PNG and 1 TIFF files"),
        (text_file, r"A.raw holds notes\.txt, which is not a slice.*PNG, TIFF or JPEG"),
        (folder_inside, r"A.raw holds old, which is not a file"),
        (same_name_twice, r"A.raw holds two files of the name 0"),
        (jpeg_labels, r"labels.0\.jpg is a JPEG file; allowed here is PNG or TIFF"),
        (cut_png, r"raw.2\.png cannot be read as an image; it is damaged or cut off"),
        (empty_png, r"labels.2\.png cannot be read as an image: it is empty, 0 bytes\. Copy"),
        (text_in_png, r"raw.2\.png cannot be read as an image: it does not begin as one\. Copy"),
        (label_missing, r"A.labels lacks a label for raw slice 1, 3 \(4 raw slices, 2 labels\)"),
        (raw_missing, r"A.raw lacks a raw image for label 2 \(3 raw slices, 4 labels\)"),
        (many_labels_missing, r"raw slice 4, 5, 6, 7, 8 and 5 more \(14 raw slices"),
        (fewer_pages, r"A.raw holds 4 slices and .*A.labels holds 3\."),
        (other_size, r"label of slice 3 has 20x10 pixels \(height x width\).* 20x30"),
        (coloured, r"raw.1\.png is a colour image; slices must be grey"),
        (transparent, r"raw.1\.png is partly transparent"),
        (colour_labels, r"labels.1\.png has 3 channels; a label image has one"),
        (negative_labels, r"labels.all\.tif, page 0 holds the negative label -3"),
        (float_labels, r"labels.all\.tif, page 0 holds floating-point labels"),
        (mixed_bits, r"A.raw mixes pixel types: 0 is uint8 and 1 is uint16"),
        (several_stacks, r"raw.1\.tif holds 4 slices, and .*A.raw holds 2 files"),
        (cut_tiff, r"raw.all\.tiff cannot be read as a TIFF; it is damaged or cut off"),
        (cut_tiff_pixels, r"raw.all\.tif cannot be read as a TIFF; it is damaged or cut off"),
        (text_in_tiff, r"raw.all\.tif cannot be read as a TIFF.*not a TIFF file"),
        (rgb_tiff, r"raw.all\.tif, page 0 is a colour image"),
        (channels_tiff, r"raw.all\.tif has 3 channels; slices must be grey"),
        (five_axes_tiff, r"raw.all\.tif has axes TZYX of shape \(2, 3, 20, 30\)"),
        (unequal_pages, r"raw.all\.tif holds 2 pages of different sizes"),
        (nan_tiff, r"raw.all\.tif, page 1 holds NaN"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_bad_input_is_one_clear_error(
    root: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(root / "A")
    with pytest.raises(DataError, match=message):
        load(root)


def test_16_bit_colour_png_is_refused_not_cut_to_8_bits(root: Path) -> None:
    """Pillow can neither write one nor read it whole, so the header is made to say so."""
    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    body = zlib.compress(b"\0" + b"\x01\x02" * 3)
    chunks = [(b"IHDR", header), (b"IDAT", body), (b"IEND", b"")]
    (root / "A/raw/1.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b))
            for k, b in chunks
        )
    )
    with pytest.raises(DataError, match=r"raw.1\.png is a 16-bit colour PNG"):
        load(root)


def test_lzw_without_its_package_says_what_to_install(root: Path) -> None:
    for path in (root / "A/raw").iterdir():
        path.unlink()
    for z, image in enumerate(pixels()):
        Image.fromarray(image).save(root / f"A/raw/{z}.tif", compression="tiff_lzw")
    try:
        import imagecodecs  # noqa: F401
    except ModuleNotFoundError:
        with pytest.raises(MissingDependencyError, match=r"0\.tif.*LZW.*pip install imagecodecs"):
            load(root)
    else:
        same(load(root).slices, pixels())


@pytest.mark.parametrize(("factor", "message"), [(1, None), (2, "more than"), (5, "more than")])
def test_slices_above_the_size_limit_are_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch, factor: int, message: str | None
) -> None:
    monkeypatch.setattr(png_jpeg, "MAX_PIXELS", Y * X // factor)
    before = Image.MAX_IMAGE_PIXELS
    if message is None:
        same(load(root).slices, pixels())
    else:
        with pytest.raises(DataError, match=rf"raw.0\.png has {message}"):
            load(root)
    assert before == Image.MAX_IMAGE_PIXELS


def test_tiff_pages_above_the_size_limit_are_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_raw(root / "A")
    multipage(root / "A/raw", pixels())
    monkeypatch.setattr(tiff_pages, "MAX_PIXELS", Y * X)
    load(root)
    monkeypatch.setattr(tiff_pages, "MAX_PIXELS", Y * X - 1)
    with pytest.raises(DataError, match=r"all\.tif has slices of 20x30 pixels, above the limit"):
        load(root)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named(root: Path) -> None:
    (root / "A/raw/1.png").chmod(0)
    with pytest.raises(DataError, match=r"1\.png cannot be read: permission denied"):
        load(root)


def test_an_unknown_name_lists_those_that_exist(root: Path) -> None:
    (root / "B10").mkdir()
    (root / "B9").mkdir()
    (root / ".cache").mkdir()
    with pytest.raises(
        DataError, match=r"no dataset 'C'.*It holds A, B9, B10\..*paths\.images"
    ) as e:
        load(root, "C")
    assert "python -m emqs.download" in str(e.value)
    assert ".cache" not in str(e.value)


def test_a_name_in_other_case_is_pointed_out(root: Path) -> None:
    if (root / "a").exists():
        pytest.skip("this disk does not tell upper from lower case")
    with pytest.raises(DataError, match=r"case-sensitive: did you mean A\?"):
        load(root, "a")


def test_paths_images_that_does_not_exist_or_is_a_file(root: Path) -> None:
    (root / "file").touch()
    for name, message in (("nowhere", "does not exist"), ("file", "is a file")):
        with pytest.raises(DataError, match=rf"paths\.images=.*{name} {message}.*A/raw"):
            load(root / name)
    with pytest.raises(DataError, match="file is a file; it must be a folder that holds raw/"):
        load(root, "file")


@pytest.mark.parametrize("name", ["", ".", "..", "../A", "/tmp", "A/raw", "A\\raw"])
def test_a_name_is_no_path(root: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"dataset\.name must be the name of a folder"):
        load(root, name)


def test_slices_beyond_the_end_are_refused(root: Path) -> None:
    same(load(root, slices=[3, 4]).slices, pixels()[3:])
    with pytest.raises(ConfigError, match=r"dataset\.slices=\[2,5\].*has 4 slices.*at most 4"):
        load(root, slices=[2, 5])
