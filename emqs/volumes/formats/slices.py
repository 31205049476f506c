"""Folders with one PNG, JPEG or TIFF per slice, in the natural order of their names."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from emqs.errors import DataError
from emqs.geometry import Box
from emqs.volumes.axes import Request, Stated
from emqs.volumes.formats import image_files, png_jpeg
from emqs.volumes.formats.tiff import open_tiff, read_page
from emqs.volumes.formats.tiff_slices import opened
from emqs.volumes.volume import Volume, native


def open_folder(path: Path, request: Request) -> Volume:
    """Return a volume of a folder of images; the first image says how large all of them are.

    Raises:
        DataError: If the folder is empty or holds anything else, an image is damaged, or no voxel
            size is given.
    """
    where = str(path)
    files = image_files.find(path, image_files.RAW_FORMATS)
    if files.in_one_file:
        return open_tiff(files.paths[0], request)
    request.refuse_level(where)
    request.refuse_dataset(where)
    first = files.paths[0]
    if files.kind == "TIFF":
        with opened(first) as file:
            dtype, shape = _checked_page(file), file.pages.first.shape
            tile: tuple[int, ...] = tuple(file.pages.first.chunks)[-2:]
    else:
        image = png_jpeg.read_grey(first)
        dtype, shape, tile = image.dtype, image.shape, image.shape
    stated = Stated(["z", "y", "x"])
    axes = stated.axes((len(files.paths), *shape), request, where)
    facts = stated.geometry(axes, request, where).fields()
    reader = SlicesReader(tuple(files.paths), files.kind == "TIFF", (shape[0], shape[1]), dtype)
    whole = (len(files.paths), shape[0], shape[1])
    return Volume(
        name=where, shape=whole, dtype=dtype, chunks=(1, tile[0], tile[1]), reader=reader,
        path=path, format=files.kind.lower(), **facts,
    )  # fmt: skip


def _checked_page(file: tifffile.TiffFile) -> np.dtype[np.generic]:
    """Return the type of the pixels of a file with one grey page."""
    page = file.pages.first
    if len(file.pages) != 1 or len(page.shape) != 2:
        raise ValueError(
            f"it holds {len(file.pages)} pages, the first of shape {page.shape}, where one grey "
            "slice is expected"
        )
    return native(page.dtype)


@dataclass(frozen=True, eq=False)
class SlicesReader:
    """One file per slice."""

    paths: tuple[Path, ...]
    tiff: bool
    shape: tuple[int, int]
    dtype: np.dtype[np.generic]

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box; see ``Reader.read``."""
        voxels = np.empty(box.shape, dtype=self.dtype)
        for row, path in enumerate(self.paths[box.start[0] : box.stop[0]]):
            if self.tiff:
                with opened(path) as file:
                    _checked_page(file)
                    read_page(file, 0, self.shape, box, voxels[row])
                continue
            image = png_jpeg.read_grey(path)
            if image.shape != self.shape or image.dtype != self.dtype:
                raise DataError(
                    f"{path} is {image.dtype} of {image.shape[0]}x{image.shape[1]} pixels, the "
                    f"first slice {self.dtype} of {self.shape[0]}x{self.shape[1]}. All slices of a "
                    "volume must be alike."
                )
            voxels[row] = image[box.slices[1:]]
        return voxels
