"""Stacks written to disk in many formats, for the tests of datasets."""

from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from emqs.datasets import Stack, open_stack
from emqs.datasets.settings import DatasetConfig

Z, Y, X = 4, 20, 30


def pixels(seed: int = 0, shape: tuple[int, ...] = (Z, Y, X)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def class_ids(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, (Z, Y, X), dtype=np.uint8)


def save(folder: Path, arrays: np.ndarray | list[np.ndarray], ending: str = "png") -> Path:
    """One file per slice: 0.png, 1.png ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for z, array in enumerate(arrays):
        if ending == "tif":
            tifffile.imwrite(folder / f"{z}.tif", array)
        else:
            Image.fromarray(array).save(folder / f"{z}.{ending}")
    return folder


def multipage(folder: Path, array: np.ndarray) -> None:
    tifffile.imwrite(folder / "all.tif", array, photometric="minisblack")


def appended_pages(folder: Path, array: np.ndarray) -> None:
    with tifffile.TiffWriter(folder / "all.tiff") as file:
        for image in array:
            file.write(image, contiguous=False, photometric="minisblack")


def big_endian(folder: Path, array: np.ndarray) -> None:
    tifffile.imwrite(folder / "all.tif", array, byteorder=">", photometric="minisblack")


def load(root: Path, name: str = "A", **settings: object) -> Stack:
    return open_stack(DatasetConfig(name=name, kind="folder", **settings), root)


def same(slices: list[np.ndarray] | None, expected: np.ndarray | list[np.ndarray]) -> None:
    assert slices is not None
    assert len(slices) == len(expected)
    for got, want in zip(slices, expected, strict=True):
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)
