"""Multi-page TIFF, BigTIFF and OME-TIFF, of which only the strips or tiles of a box are read."""

from dataclasses import dataclass, field
from itertools import product
from math import ceil, prod
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile

from emqs.errors import DataError
from emqs.geometry import Box
from emqs.volumes.axes import Axes, Request, Stated
from emqs.volumes.formats.tiff_slices import has_plain_pages, opened
from emqs.volumes.volume import Volume, bounded_chunks, native

_JPEG = (6, 7, 34892, 33007)  # compressions whose segments share tables


def open_tiff(path: Path, request: Request) -> Volume:
    """Return a volume of a TIFF file; pages are slices unless the file says otherwise.

    Raises:
        DataError: If the file is damaged, coloured, or its voxel size is not known.
        ConfigError: If a channel or a time point must be chosen.
    """
    where = str(path)
    request.refuse_level(where)
    request.refuse_dataset(where)
    with opened(path) as file:
        names, shape = _layout(file, where)
        page = file.pages.first
        stated = Stated(names, *_calibration(file, names))
        axes = stated.axes(shape, request, where)
        series = file.series[0]
        offset = series.dataoffset if series.shape == tuple(shape) else None
        stored = np.dtype(page.dtype).newbyteorder(file.byteorder)
        if axes.spatial[1:] != (len(shape) - 2, len(shape) - 1):
            raise DataError(f"{where}: the last two axes of a TIFF are y and x, got {names}.")
        if offset is None and len(file.pages) != prod(shape[:-2]):
            raise DataError(
                f"{where} holds {len(file.pages)} pages for {prod(shape[:-2])} slices. Save one "
                "slice per page."
            )
        tile = tuple(page.chunks)[-2:] if offset is None else None
    facts = stated.geometry(axes, request, where).fields()
    volume_shape = axes.triple(shape, 1)
    reader: MappedReader | PagesReader
    if offset is not None:
        chunks = bounded_chunks(volume_shape, stored.itemsize)
        reader = MappedReader(path, tuple(shape), stored, offset, axes)
        reader.mapped()  # a file that is cut off is found here
    else:
        chunks = (1, *tile) if tile is not None else (1, *volume_shape[1:])
        reader = PagesReader(path, tuple(shape), native(stored), axes)
    return Volume(
        name=where, shape=volume_shape, dtype=native(stored), chunks=chunks, reader=reader,
        path=path, format="tiff", **facts,
    )  # fmt: skip


def _layout(file: tifffile.TiffFile, where: str) -> tuple[list[str], list[int]]:
    """Return names and lengths of the axes, pages first."""
    series = file.series
    if has_plain_pages(file, where):
        names, shape = ["z", "y", "x"], [len(file.pages), *file.pages.first.shape]
    else:
        names, shape = list(series[0].axes.lower()), list(series[0].shape)
    if names[-1] == "s" or len(names) != len(shape):
        raise DataError(
            f"{where} is coloured: its pages have {shape[-1]} samples per pixel. Save one channel."
        )
    if "z" not in names:
        # pages without a name, and axes "i" (sequence) and "q" (other), are slices
        names = ["z" if name in "iq" and names.count(name) == 1 else name for name in names]
        if names.count("z") > 1:
            names = [f"{name}{i}" if name == "z" else name for i, name in enumerate(names)]
    return names, shape


def _calibration(
    file: tifffile.TiffFile, names: list[str]
) -> tuple[list[float] | None, None, list[object] | None]:
    """Return scale, no translation, and units that OME or ImageJ metadata state."""
    if file.is_ome and file.ome_metadata is not None:
        found = _ome(file.ome_metadata)
    elif file.is_imagej and file.imagej_metadata is not None:
        found = _imagej(file)
    else:
        return None, None, None  # the resolution of a plain TIFF is that of a printer
    if not all(name in found for name in ("y", "x")):
        return None, None, None
    if "z" in names and "z" not in found:
        return None, None, None
    scale = [found.get(name, (1.0, None))[0] for name in names]
    return scale, None, [found.get(name, (1.0, None))[1] for name in names]


def _ome(text: str) -> dict[str, tuple[float, object]]:
    """Return length and unit per axis; OME's default unit is the micrometre."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return {}
    pixels = next((element for element in root.iter() if element.tag.endswith("}Pixels")), None)
    found: dict[str, tuple[float, object]] = {}
    for axis in "zyx" if pixels is not None else "":
        length = pixels.get(f"PhysicalSize{axis.upper()}")  # type: ignore[union-attr]
        unit = pixels.get(f"PhysicalSize{axis.upper()}Unit", "µm")  # type: ignore[union-attr]
        if length is not None:
            found[axis] = (_number(length), unit)
    return found


def _imagej(file: tifffile.TiffFile) -> dict[str, tuple[float, object]]:
    """Return length and unit per axis; ImageJ stores pixels per unit, and the spacing of slices."""
    metadata = file.imagej_metadata or {}
    unit, tags = metadata.get("unit"), file.pages.first.tags
    found: dict[str, tuple[float, object]] = {}
    for axis, tag in (("y", "YResolution"), ("x", "XResolution")):
        if tag in tags and unit not in (None, "pixel", "inch"):
            above, below = tags[tag].value
            found[axis] = (below / above if above else 0.0, unit)
    if "spacing" in metadata and unit not in (None, "pixel", "inch"):
        found["z"] = (_number(metadata["spacing"]), metadata.get("zunit", unit))
    return found


def _number(text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        return 0.0  # refused as a voxel size


@dataclass(frozen=True, eq=False)
class MappedReader:
    """Pixels that lie in the file one after the other, mapped into memory."""

    path: Path
    shape: tuple[int, ...]
    stored: np.dtype[np.generic]
    offset: int
    axes: Axes

    def mapped(self) -> np.memmap[Any, Any]:
        """Return the file as an array of all its stored axes."""
        with opened(self.path):  # turns what goes wrong into one error
            return np.memmap(self.path, self.stored, "r", self.offset, self.shape)

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box; see ``Reader.read``."""
        voxels = np.array(self.mapped()[self.axes.index(box)], dtype=native(self.stored))
        return voxels.transpose(self.axes.order).reshape(box.shape)


@dataclass(frozen=True, eq=False)
class PagesReader:
    """Pages in strips or tiles, compressed or not."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    axes: Axes
    page_shape: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        """Keep the size of a page."""
        object.__setattr__(self, "page_shape", self.shape[-2:])

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box; see ``Reader.read``."""
        voxels = np.empty(box.shape, dtype=self.dtype)
        leading = [0] * (len(self.shape) - 2)
        for position, index in self.axes.fixed.items():
            leading[position] = index
        with opened(self.path) as file:
            for row, z in enumerate(range(box.start[0], box.stop[0])):
                if self.axes.spatial[0] is not None:
                    leading[self.axes.spatial[0]] = z
                number = int(np.ravel_multi_index(leading, self.shape[:-2])) if leading else 0
                read_page(file, number, self.page_shape, box, voxels[row])
        return voxels


def read_page(
    file: tifffile.TiffFile, number: int, shape: tuple[int, int], box: Box, out: np.ndarray
) -> None:
    """Copy a part of one page, reading only the strips or tiles that it touches.

    Args:
        file: The open file.
        number: Page.
        shape: Height and width that the page must have.
        box: Its Y and X are looked at.
        out: Result, shape ``(Y, X)`` of the box.

    Raises:
        ValueError: If the page has another size or type, or a strip or tile is cut off.
    """
    page: Any = file.pages[number]
    keyframe = page.keyframe
    if keyframe.shape != shape or native(keyframe.dtype) != out.dtype:
        raise ValueError(
            f"page {number} is {keyframe.dtype} of {keyframe.shape}, not {out.dtype} of {shape}"
        )
    top, left, bottom, right = *box.start[1:], *box.stop[1:]
    height, width = keyframe.chunks[-2:]
    across = ceil(shape[1] / width)
    tables = {"jpegtables": page.jpegtables, "jpegheader": keyframe.jpegheader}
    options = tables if keyframe.compression in _JPEG else {}
    rows = range(top // height, ceil(bottom / height))
    for i, j in product(rows, range(left // width, ceil(right / width))):
        index = i * across + j
        n_bytes = page.databytecounts[index]
        file.filehandle.seek(page.dataoffsets[index])
        stored = file.filehandle.read(n_bytes) if n_bytes else None
        if stored is not None and len(stored) < n_bytes:
            raise ValueError(f"page {number} ends after {len(stored)} of {n_bytes} bytes")
        segment, _, _ = keyframe.decode(stored, index, **options)
        y, x = i * height, j * width
        part = np.s_[max(top, y) - top : min(bottom, y + height) - top,
                     max(left, x) - left : min(right, x + width) - left]  # fmt: skip
        if segment is None:  # a tile that was never written
            out[part] = keyframe.nodata
            continue
        tile = segment[0, :, :, 0]
        out[part] = tile[max(top - y, 0) : bottom - y, max(left - x, 0) : right - x]
