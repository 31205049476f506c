"""Stacks of images: a folder of PNG or TIFF files, one per slice, or one TIFF with all slices."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from emqs.errors import DataError
from emqs.geometry import Box
from emqs.volumes.formats import image_files, png_jpeg, tiff_slices
from emqs.volumes.label_volume import ArrayReader, Reader
from emqs.volumes.label_volume import Box as Slices
from emqs.volumes.writer import Layout, VolumeWriter

_CLASSIC_TIFF_BYTES = 2**32 - 2**25  # larger files are BigTIFF


class SlicesReader(Reader):
    """Slices in natural order of their names; whole slices are read."""

    def __init__(self, path: Path) -> None:
        """Find the slices and look at the first."""
        self._files = image_files.find(path, image_files.LABEL_FORMATS)
        self.format = self._files.kind.lower()
        first = self._slice(0)
        self._first = first
        super().__init__(path, (self._files.count, *first.shape), first.dtype, (1, *first.shape))

    def _read(self, box: Slices) -> np.ndarray:
        z, y, x = box
        labels = np.empty([part.stop - part.start for part in box], self.dtype)
        for k, number in enumerate(range(z.start, z.stop)):
            image = self._slice(number)
            if image.shape != self._first.shape or image.dtype != self._first.dtype:
                raise DataError(
                    f"{self.path} mixes slices: {self._files.names()[0]} is {self._first.dtype} of "
                    f"{self._first.shape[0]}x{self._first.shape[1]} pixels (height x width), "
                    f"{self._files.names()[number]} is {image.dtype} of "
                    f"{image.shape[0]}x{image.shape[1]}. Save all slices alike."
                )
            labels[k] = image[y, x]
        return labels

    def _slice(self, number: int) -> np.ndarray:
        """Return one slice as stored, ``(Y, X)``."""
        if self._files.kind == "PNG":
            return png_jpeg.read_ids(self._files.paths[number])
        path, page = (
            (self._files.paths[0], number)
            if self._files.in_one_file
            else (self._files.paths[number], 0)
        )
        return np.asarray(tiff_slices.read_slices(path, page, page + 1)[0])


def read_tiff(path: Path) -> Reader:
    """Open one TIFF with all slices; where it is not compressed, it is mapped."""
    count = tiff_slices.count_slices(path)
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        try:
            mapped: Any = tifffile.memmap(path, series=0, mode="r")
        except ValueError:  # compressed, or its pages are not one after the other
            mapped = None
        page = file.pages[0]
        shape, dtype = page.shape, page.dtype
        paged = len(series.pages) == count
    if mapped is not None and mapped.ndim in (2, 3):
        return ArrayReader(
            path, "tiff", mapped, axes="zyx",
            # mapped anew for each part, so that the memory of the last is given back
            read=lambda index: np.array(tifffile.memmap(path, series=0, mode="r")[index]),
        )  # fmt: skip
    if not paged:
        volume = np.stack(tiff_slices.read_slices(path, 0, count))
        return ArrayReader(path, "tiff", volume, axes="zyx")
    if len(shape) != 2 or dtype is None:
        raise DataError(f"{path} has colours; labels are one number per voxel. Save one channel.")
    return PagesReader(path, (count, *shape), np.dtype(dtype))


class PagesReader(Reader):
    """Pages of one TIFF; whole pages are read."""

    format = "tiff"

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Open the file."""
        super().__init__(path, shape, dtype, (1, *shape[1:]))
        self._file = tifffile.TiffFile(path)

    def _read(self, box: Slices) -> np.ndarray:
        z, y, x = box
        pages = self._file.pages
        return np.stack([np.asarray(pages[k].asarray())[y, x] for k in range(z.start, z.stop)])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class TiffWriter(VolumeWriter):
    """One TIFF with a page for each slice, compressed (zlib); BigTIFF where it has to be."""

    format = "tiff"
    unit = (1, -1, -1)
    resumable = False

    def __init__(self, path: Path, layout: Layout) -> None:
        """Start the file."""
        super().__init__(path, layout)
        if layout.dtype.kind == "b":
            raise DataError(f"{path}: a TIFF of bool cannot be written. Convert it to uint8 first.")
        size = int(np.prod(layout.shape)) * layout.dtype.itemsize
        self._file = tifffile.TiffWriter(path, bigtiff=size > _CLASSIC_TIFF_BYTES)

    def write(self, box: Box, voxels: np.ndarray) -> None:  # noqa: ARG002 (slices come in order)
        """Write the next slices."""
        for image in voxels:
            self._file.write(
                image, compression="zlib", photometric="minisblack", contiguous=False,
                metadata=None,
            )  # fmt: skip

    def finish(self) -> None:
        """Close the file."""
        self._file.close()


class PngWriter(VolumeWriter):
    """A folder with a PNG of 8 or 16 bits for each slice."""

    format = "png"
    unit = (1, -1, -1)

    def __init__(self, path: Path, layout: Layout) -> None:
        """Make the folder, or go on in it."""
        super().__init__(path, layout)
        if layout.dtype not in (np.uint8, np.uint16, np.bool_):
            raise DataError(
                f"{path}: a PNG holds labels up to 65,535 (uint8 or uint16), the volume is "
                f"{layout.dtype}. Write output.format=tiff, or another format."
            )
        path.mkdir(exist_ok=True)
        self._digits = max(4, len(str(layout.shape[0] - 1)))

    def write(self, box: Box, voxels: np.ndarray) -> None:
        """Write slices."""
        for number, image in zip(range(box.start[0], box.stop[0]), voxels, strict=True):
            plain = image.astype(np.uint8) if image.dtype == bool else image
            Image.fromarray(plain).save(self.path / f"{number:0{self._digits}d}.png")
