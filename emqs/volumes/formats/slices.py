"""Folders with one PNG, JPEG or TIFF per slice, in the natural order of their names."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from emqs.errors import DataError
from emqs.geometry import Box
from emqs.volumes.axes import Request, Stated
from emqs.volumes.formats import image_files, png_jpeg
from emqs.volumes.formats.tiff import open_tiff
from emqs.volumes.formats.tiff_pages import Shades, opened, read_page, shades_of
from emqs.volumes.volume import Volume, native
from emqs.volumes.writer import Layout, VolumeWriter


def open_folder(path: Path, request: Request) -> Volume:
    """Return a volume of a folder of images; the first image says how large all of them are.

    Images are what a viewer shows, labels the numbers that are stored: see ``tiff_pages.Shades``
    and ``png_jpeg``. A folder whose images are all of one bit holds bool.

    Raises:
        DataError: If the folder is empty or holds anything else, or images differ.
    """
    where = str(path)
    allowed = image_files.LABEL_FORMATS if request.labels else image_files.RAW_FORMATS
    files = image_files.find(path, allowed)
    if files.in_one_file:
        return open_tiff(files.paths[0], request)
    request.refuse_level(where)
    request.refuse_dataset(where)
    notes: tuple[str, ...] = ()
    reader: TiffSlices | ImageSlices
    if files.kind == "TIFF":
        with opened(files.paths[0]) as file:
            page = _only_page(file)
            shades = shades_of(page, labels=request.labels, where=where)
            shape, stored, tile = page.shape, native(np.dtype(page.dtype)), page.chunks[-2:]
        notes = (shades.note,) if shades.note else ()
        reader = TiffSlices(tuple(files.paths), shape, stored, shades, request.labels)
        dtype = shades.dtype
    else:
        shape = tile = _one_shape(files.paths)
        one_bit = [png_jpeg.is_one_bit(p) for p in files.paths]
        _check_bits(files.paths, one_bit, request)
        dtype = np.dtype(np.bool_) if all(one_bit) else _pixels(files.paths[0], request).dtype
        reader = ImageSlices(tuple(files.paths), shape, dtype, request)
    stated = Stated(["z", "y", "x"])
    axes = stated.axes((len(files.paths), *shape), request, where)
    facts = stated.geometry(axes, request, where).fields()
    facts["notes"] = (*notes, *facts["notes"])
    return Volume(
        name=where, shape=(len(files.paths), shape[0], shape[1]), dtype=dtype,
        chunks=(1, tile[0], tile[1]), reader=reader, path=path, format=files.kind.lower(), **facts,
    )  # fmt: skip


def read_slice(path: Path) -> np.ndarray:
    """Return one image file as a grey slice ``(Y, X)``, as a viewer shows it.

    Args:
        path: A PNG, a JPEG, or a TIFF with a single grey page.

    Raises:
        DataError: If the file is damaged, coloured, or holds several pages.
    """
    if image_files.FORMATS.get(path.suffix.lower()) != "TIFF":
        return png_jpeg.read_grey(path)
    with opened(path) as file:
        page = _only_page(file)
        shades = shades_of(page, labels=False, where=path)
        stored = np.empty(page.shape, native(np.dtype(page.dtype)))
        read_page(page, file.filehandle, path.name, Box((0, 0, 0), (1, *page.shape)), stored)
    return shades.of(stored, path)


def _one_shape(paths: list[Path]) -> tuple[int, int]:
    """Return height and width of all images, of which only the headers are read.

    Raises:
        DataError: If they differ.
    """
    first = png_jpeg.size_of(paths[0])
    for path in paths[1:]:
        size = png_jpeg.size_of(path)
        if size != first:
            raise DataError(
                f"{path} has {size[0]}x{size[1]} pixels (height x width), the first slice "
                f"{first[0]}x{first[1]}. All slices of a volume must be alike."
            )
    return first


def _check_bits(paths: list[Path], one_bit: list[bool], request: Request) -> None:
    """Raise an error if labels are of one bit in some slices and of more in others.

    Programs store a slice that holds 0 and 255 only with one bit; read as 0 and 1, it would lose
    its structures.

    Raises:
        DataError: If they are.
    """
    if request.labels and any(one_bit) and not all(one_bit):
        odd = paths[one_bit.index(not one_bit[0])]
        raise DataError(
            f"{paths[0].parent} mixes slices of one bit with others of more: {paths[0].name} and "
            f"{odd.name}. Nothing says which label a 1 of one bit is; save all slices alike."
        )


def _pixels(path: Path, request: Request) -> np.ndarray:
    """Return an image as shades or as labels, shape ``(Y, X)``."""
    return png_jpeg.read_ids(path) if request.labels else png_jpeg.read_grey(path)


def _only_page(file: tifffile.TiffFile) -> Any:  # noqa: ANN401
    """Return the page of a file with one grey page."""
    page = file.pages.first if len(file.pages) else None
    if page is None or len(file.pages) != 1 or len(page.shape) != 2:
        raise ValueError(
            f"it holds {len(file.pages)} pages, of shape "
            f"{page.shape if page is not None else 'none'}, where one grey slice is expected"
        )
    return page


@dataclass(frozen=True, eq=False)
class TiffSlices:
    """One TIFF per slice."""

    paths: tuple[Path, ...]
    shape: tuple[int, int]
    stored: np.dtype[np.generic]
    shades: Shades
    labels: bool

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box; see ``Reader.read``."""
        voxels = np.empty(box.shape, dtype=self.shades.dtype)
        for row, path in enumerate(self.paths[box.start[0] : box.stop[0]]):
            with opened(path) as file:
                page = _only_page(file)
                shades = shades_of(page, labels=self.labels, where=path)
                dtype = native(np.dtype(page.dtype))
                if page.shape != self.shape or shades.dtype != self.shades.dtype:
                    raise DataError(
                        f"{path} is {dtype} of {page.shape[0]}x{page.shape[1]} pixels (height x "
                        f"width), the first slice {self.stored} of {self.shape[0]}x"
                        f"{self.shape[1]}. All slices of a volume must be alike."
                    )
                stored = np.empty(box.shape[1:], dtype)
                read_page(page, file.filehandle, path.name, box, stored)
            voxels[row] = shades.of(stored, path)
        return voxels


@dataclass(frozen=True, eq=False)
class ImageSlices:
    """One PNG or JPEG per slice."""

    paths: tuple[Path, ...]
    shape: tuple[int, int]
    dtype: np.dtype[np.generic]
    request: Request

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box; see ``Reader.read``."""
        voxels = np.empty(box.shape, dtype=self.dtype)
        for row, path in enumerate(self.paths[box.start[0] : box.stop[0]]):
            image = _pixels(path, self.request)
            if self.dtype == np.bool_:
                image = image != 0
            if image.shape != self.shape or image.dtype != self.dtype:
                raise DataError(
                    f"{path} is {image.dtype} of {image.shape[0]}x{image.shape[1]} pixels (height "
                    f"x width), the first slice {self.dtype} of {self.shape[0]}x{self.shape[1]}. "
                    "All slices of a volume must be alike."
                )
            voxels[row] = image[box.slices[1:]]
        return voxels


class PngWriter(VolumeWriter):
    """A folder with a PNG of 8 or 16 bits for each slice; it says nothing of size and origin."""

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
        if layout.voxel_size_nm is not None or any(layout.origin_nm):
            self.notes.append("PNG slices cannot say their voxel size and origin.")

    def write(self, box: Box, voxels: np.ndarray) -> None:
        """Write slices."""
        for number, image in zip(range(box.start[0], box.stop[0]), voxels, strict=True):
            plain = image.astype(np.uint8) if image.dtype == bool else image
            Image.fromarray(plain).save(self.path / f"{number:0{self._digits}d}.png")
