"""Datasets: what each kind of file, setting and source becomes."""

import logging
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

from emqs.datasets import intensity, open_stack, open_stacks, packaged, synthetic
from emqs.datasets.settings import DatasetConfig, MemberConfig, PackagedConfig, ToyConfig
from emqs.errors import ConfigError, DataError, EmqsError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The set A: four slices with labels, as PNG."""
    save(tmp_path / "A/raw", pixels())
    save(tmp_path / "A/labels", class_ids())
    return tmp_path


# --- what is read -------------------------------------------------------------------------------


def test_a_folder_of_png_gives_slices_labels_and_settings(root: Path) -> None:
    stack = load(root, pixel_size_nm=5.0, section_nm=40.0, classes={1: "mitochondria"})
    same(stack.slices, pixels())
    same(stack.labels, class_ids())
    assert stack.slice_names == ["0", "1", "2", "3"]
    assert (stack.pixel_size_nm, stack.section_nm) == (5.0, 40.0)
    assert stack.classes == {1: "mitochondria"}
    assert (len(stack), stack.shapes, stack.folder) == (Z, [(Y, X)] * Z, root / "A")


def test_names_are_in_natural_order(tmp_path: Path) -> None:
    raw = save(tmp_path / "A/raw", pixels())
    for z, name in enumerate(["slice_1", "slice_2", "slice_10", "slice_10b"]):
        (raw / f"{z}.png").rename(raw / f"{name}.png")
    stack = load(tmp_path)
    assert stack.slice_names == ["slice_1", "slice_2", "slice_10", "slice_10b"]
    same(stack.slices, pixels())


def single_tiffs(folder: Path, array: np.ndarray) -> None:
    save(folder, array, "tif")


def one_page_volume(folder: Path, array: np.ndarray) -> None:
    tifffile.imwrite(
        folder / "all.TIF", array, volumetric=True, photometric="minisblack", tile=(16, 16, 16)
    )


def deflated(folder: Path, array: np.ndarray) -> None:
    first, *rest = [Image.fromarray(image) for image in array]
    first.save(
        folder / "all.tif", save_all=True, append_images=rest, compression="tiff_adobe_deflate"
    )


@pytest.mark.parametrize(
    "write",
    [single_tiffs, multipage, appended_pages, one_page_volume, deflated, big_endian],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_kind_of_tiff_gives_the_same_slices(
    tmp_path: Path, write: Callable[[Path, np.ndarray], None], dtype: type
) -> None:
    raw, labels = pixels().astype(dtype) * dtype(1), class_ids().astype(dtype)
    raw[0, 0, 0] = np.iinfo(dtype).max
    for kind, array in (("raw", raw), ("labels", labels)):
        (tmp_path / "A" / kind).mkdir(parents=True)
        write(tmp_path / "A" / kind, array)
    whole, part = load(tmp_path), load(tmp_path, slices=[1, 3])
    same(whole.slices, raw)
    same(whole.labels, labels)
    same(part.slices, raw[1:3])
    same(part.labels, labels[1:3])
    assert part.slice_names == whole.slice_names[1:3]


def test_a_stack_that_was_saved_as_channels_is_a_stack(tmp_path: Path) -> None:
    (tmp_path / "A/raw").mkdir(parents=True)
    volume = pixels(shape=(5, Y, X))
    tifffile.imwrite(tmp_path / "A/raw/all.tif", volume, imagej=True)  # it says 5 channels
    same(load(tmp_path).slices, volume)


def test_png_and_a_tiff_stack_are_paired_by_order(root: Path) -> None:
    for path in (root / "A/labels").iterdir():
        path.unlink()
    multipage(root / "A/labels", class_ids())
    stack = load(root)
    same(stack.labels, class_ids())
    assert stack.slice_names == ["0", "1", "2", "3"]


def test_slices_may_differ_in_size_and_labels_may_be_absent(tmp_path: Path) -> None:
    slices = [pixels(0, (10, 12)), pixels(1, (20, 8))]
    save(tmp_path / "A/raw", slices)
    stack = load(tmp_path)
    same(stack.slices, slices)
    assert stack.labels is None
    with pytest.raises(DataError, match=r"'A' has no labels.*A.labels does not exist"):
        stack.require_labels()


def test_system_files_are_passed_over(root: Path) -> None:
    for name in (".DS_Store", "._0.png", "Thumbs.db", "desktop.ini", ".thumbnails/x"):
        path = root / "A/raw" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    same(load(root).slices, pixels())


def test_only_selected_slices_are_read(root: Path) -> None:
    (root / "A/raw/0.png").write_bytes(b"broken")
    (root / "A/labels/3.png").write_bytes(b"broken")
    stack = load(root, slices=[1, 3])
    same(stack.slices, pixels()[1:3])
    same(stack.labels, class_ids()[1:3])
    assert stack.slice_names == ["1", "2"]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_grey_in_colour_channels_is_grey(tmp_path: Path, mode: str) -> None:
    (tmp_path / "A/raw").mkdir(parents=True)
    Image.fromarray(pixels()[0]).convert(mode).save(tmp_path / "A/raw/0.png")
    same(load(tmp_path).slices, pixels()[:1])


def test_a_raw_palette_is_looked_up(tmp_path: Path) -> None:
    (tmp_path / "A/raw").mkdir(parents=True)
    image = Image.fromarray(pixels()[0]).convert("P")
    image.putpalette([255 - i // 3 for i in range(768)])
    image.save(tmp_path / "A/raw/0.png")
    same(load(tmp_path).slices, 255 - pixels()[:1])


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_one_bit_raw_is_black_and_white_and_one_bit_labels_are_0_and_1(
    tmp_path: Path, ending: str
) -> None:
    bits = pixels()[0] > 99
    for kind in ("raw", "labels"):
        (tmp_path / "A" / kind).mkdir(parents=True)
        Image.fromarray(bits).save(tmp_path / "A" / kind / f"0.{ending}")
    stack = load(tmp_path)
    same(stack.slices, [bits.astype(np.uint8) * np.uint8(255)])
    same(stack.labels, [bits.astype(np.uint8)])


def four_bit_png(path: Path, values: np.ndarray) -> None:
    """Write a 4-bit grey PNG by hand; Pillow cannot."""
    packed = (values[:, ::2] << 4 | values[:, 1::2]).astype(np.uint8)
    lines = b"".join(b"\0" + line.tobytes() for line in packed)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 4, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def test_four_bit_labels_keep_the_stored_numbers(tmp_path: Path) -> None:
    save(tmp_path / "A/raw", pixels()[:1])
    (tmp_path / "A/labels").mkdir()
    values = (pixels()[0] % 16).astype(np.uint8)
    four_bit_png(tmp_path / "A/labels/0.png", values)
    same(load(tmp_path).labels, [values])


def test_palette_labels_are_indices_not_colours(tmp_path: Path) -> None:
    save(tmp_path / "A/raw", pixels()[:1])
    (tmp_path / "A/labels").mkdir()
    image = Image.fromarray(class_ids()[0]).convert("P")
    image.putdata(class_ids()[0].ravel().tolist())
    image.putpalette([9, 9, 9, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.save(tmp_path / "A/labels/0.png")
    same(load(tmp_path).labels, class_ids()[:1])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_0_and_255_over_all_slices_is_a_mask(root: Path, dtype: type) -> None:
    mask = (class_ids() == 1).astype(dtype) * dtype(255)
    mask[2] = 0
    save(root / "A/labels", mask)
    same(load(root).labels, (mask > 0).astype(np.uint8))


def test_one_other_value_in_one_slice_and_255_stays(root: Path) -> None:
    ids = (class_ids() == 1).astype(np.uint8) * np.uint8(255)
    ids[3, 0, 0] = 7
    save(root / "A/labels", ids)
    same(load(root).labels, ids)


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32, np.int32])
def test_instance_ids_are_unchanged(root: Path, dtype: type) -> None:
    ids = class_ids().astype(dtype) * dtype(10_000)
    for path in (root / "A/labels").iterdir():
        path.unlink()
    multipage(root / "A/labels", ids)
    same(load(root).labels, ids.astype(f"u{ids.itemsize}"))


# --- intensity ----------------------------------------------------------------------------------


def test_dtype_divides_8_and_16_bit_by_their_maximum(tmp_path: Path) -> None:
    save(tmp_path / "A/raw", pixels())
    deep = pixels().astype(np.uint16) * np.uint16(257)
    save(tmp_path / "B/raw", deep)
    for name, maximum, expected in (("A", 255, pixels()), ("B", 65535, deep)):
        np.testing.assert_allclose(load(tmp_path, name).unit(1), expected[1] / maximum, atol=1e-7)


@pytest.mark.parametrize("low", [0, 30_000])
def test_16_bit_with_a_narrow_range_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, low: int
) -> None:
    save(tmp_path / "A/raw", pixels().astype(np.uint16) * np.uint16(16) + np.uint16(low))
    with caplog.at_level(logging.WARNING):
        load(tmp_path)
    assert "dataset.intensity=stretch" in caplog.text
    assert f"span only {low} to " in caplog.text


def test_16_bit_over_more_than_an_eighth_is_not_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path / "A/raw", pixels().astype(np.uint16) * np.uint16(33))
    with caplog.at_level(logging.WARNING):
        load(tmp_path)
    assert caplog.text == ""


def test_stretch_maps_the_percentiles_of_the_whole_stack(tmp_path: Path) -> None:
    deep = (np.arange(Z * 10_000).reshape(Z, 100, 100) + 500).astype(np.uint16)
    save(tmp_path / "A/raw", deep)
    stack = load(tmp_path, intensity="stretch")
    low, high = 500 + 0.001 * (deep.size - 1), 500 + 0.999 * (deep.size - 1)
    assert stack.intensity == pytest.approx((low, high))
    np.testing.assert_allclose(
        stack.unit(2), (deep[2].astype(float) - low) / (high - low), atol=1e-5
    )
    assert (stack.unit(0).min(), stack.unit(3).max()) == (0.0, 1.0)


def test_stretch_of_a_large_stack_samples_the_same_pixels_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    slices = [rng.normal(100, 20, shape).astype(np.float32) for shape in ((300, 300), (100, 900))]
    exact = intensity.intensity_range(slices, "stretch", "A")
    monkeypatch.setattr(intensity, "SAMPLE", 40_000)
    first, second = (intensity.intensity_range(slices, "stretch", "A") for _ in range(2))
    assert first == second
    assert first == pytest.approx(exact, abs=5)
    assert first != exact


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.uint32])
def test_pixels_without_a_fixed_range_need_stretch(tmp_path: Path, dtype: type) -> None:
    (tmp_path / "A/raw").mkdir(parents=True)
    multipage(tmp_path / "A/raw", pixels().astype(dtype))
    with pytest.raises(ConfigError, match=r"A.raw has floating-point.*dataset.intensity=stretch"):
        load(tmp_path)
    stack = load(tmp_path, intensity="stretch")
    same(stack.slices, pixels().astype(np.float32))
    assert stack.intensity == pytest.approx(np.percentile(pixels(), [0.1, 99.9]))


def test_a_constant_stack_cannot_be_stretched(tmp_path: Path) -> None:
    save(tmp_path / "A/raw", np.full((2, Y, X), 7, np.uint8))
    with pytest.raises(DataError, match=r"A.raw has no contrast.*both 7"):
        load(tmp_path, intensity="stretch")


# --- toy, packaged corpus, mixtures --------------------------------------------------------------


def test_the_toy_is_the_drawn_stack(tmp_path: Path) -> None:
    toy = ToyConfig(n_slices=3, height=64, width=80, seed=5)
    config = DatasetConfig(name="toy", kind="toy", toy=toy, slices=[1, 3])
    stack = open_stack(config, tmp_path / "unused")
    raw, labels = synthetic.em_stack(n_slices=3, height=64, width=80, seed=5)
    same(stack.slices, raw[1:])
    same(stack.labels, labels[1:])
    assert stack.classes == synthetic.CLASSES
    assert (stack.pixel_size_nm, stack.section_nm) == (
        synthetic.PIXEL_SIZE_NM,
        synthetic.SECTION_NM,
    )
    with pytest.raises(ConfigError, match="the toy stack has 3 slices"):
        open_stack(DatasetConfig(name="toy", kind="toy", toy=toy, slices=[0, 4]), tmp_path)


def test_the_packaged_corpus_is_photographs_and_textures(tmp_path: Path) -> None:
    settings = PackagedConfig(n_textures=2, texture_size=64, seed=3)
    stack = open_stack(DatasetConfig(name="packaged", kind="packaged", packaged=settings), tmp_path)
    photographs = len(packaged.SCIKIT_IMAGE) + len(packaged.SCIKIT_LEARN)
    assert len(stack) == photographs + 2 == len(set(stack.slice_names))
    assert all(s.ndim == 2 and s.dtype == np.uint8 and s.std() > 5 for s in stack.slices)
    assert stack.shapes[stack.slice_names.index("china")] == (427, 640)
    same(stack.slices[photographs:], synthetic.texture_images(n=2, size=64, seed=3))
    with pytest.raises(DataError, match="'packaged' has no labels"):
        stack.require_labels()


def test_packaged_colours_become_luma(tmp_path: Path) -> None:
    from sklearn.datasets import load_sample_image

    pictures, names = packaged.corpus(PackagedConfig(n_textures=0))
    luma = load_sample_image("flower.jpg") @ np.array([0.299, 0.587, 0.114])
    assert np.abs(pictures[names.index("flower")] - luma).max() < 1.01


def test_a_picture_missing_from_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "SCIKIT_IMAGE", ("nothing.png",))
    with pytest.raises(DataError, match=r"skimage does not hold the picture nothing\.png"):
        packaged.corpus(PackagedConfig(n_textures=0))


def mixture(*members: MemberConfig, **settings: object) -> DatasetConfig:
    return DatasetConfig(name="both", kind="mixture", members=list(members), **settings)


def test_a_mixture_has_one_stack_per_member(root: Path) -> None:
    save(root / "B/raw", pixels(7))
    config = mixture(MemberConfig("B", pixel_size_nm=10.0), MemberConfig("A"), pixel_size_nm=4.0)
    b, a = open_stacks(config, root)
    assert (b.name, b.pixel_size_nm, a.name, a.pixel_size_nm) == ("B", 10.0, "A", 4.0)
    same(b.slices, pixels(7))
    same(a.labels, class_ids())
    assert len(open_stacks(DatasetConfig(name="A", kind="folder"), root)) == 1


@pytest.mark.parametrize(
    ("use", "config", "message"),
    [
        (open_stack, mixture(MemberConfig("A"), MemberConfig("B")), "mixture of 2.*one of A, B "),
        (open_stacks, mixture(MemberConfig("A"), slices=[0, 1]), r"dataset\.slices.*mixture"),
        (open_stacks, mixture(MemberConfig("A"), MemberConfig("A")), "names A twice.*share"),
        (open_stacks, mixture(MemberConfig("Q")), "no dataset 'Q'"),
    ],
)
def test_what_a_mixture_cannot_do(
    root: Path, use: Callable[..., object], config: DatasetConfig, message: str
) -> None:
    with pytest.raises(EmqsError, match=message):
        use(config, root)


@pytest.mark.parametrize("name", ["VNC", "FLYEM_unlabelled"])
def test_real_stacks_open(images_dir: Path, name: str) -> None:
    stack = load(images_dir, name)
    sizes = {"VNC": {(1024, 1024)}, "FLYEM_unlabelled": {(250, 250), (520, 520)}}
    assert set(stack.shapes) == sizes[name]
    if name == "VNC":
        found = {int(v) for image in stack.require_labels() for v in np.unique(image)}
        assert found == {0, 1, 2, 4} | ({3} & found)
