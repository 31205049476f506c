"""TIFF of every kind (ImageJ, OME in one file or many, BigTIFF), read strip by strip."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from emqs.errors import DataError
from emqs.geometry import Box
from emqs.volumes.axes import Axes, Request, Stated
from emqs.volumes.formats.ome_tiff import ome_xml, read_ome
from emqs.volumes.formats.tiff_levels import (
    Layers,
    Page,
    Pages,
    at_level,
    page_of,
    smaller_pages,
)
from emqs.volumes.formats.tiff_pages import (
    Shades,
    has_plain_pages,
    opened,
    read_page,
    shades_of,
    told,
)
from emqs.volumes.volume import Volume, bounded_chunks, native
from emqs.volumes.writer import Layout, VolumeWriter

_CLASSIC_TIFF_BYTES = 2**32 - 2**25  # larger files are BigTIFF
_CENTIMETRE = 3  # of the tag ResolutionUnit
_NO_UNIT = (None, "", "pixel", "pixels", "inch")  # of ImageJ; inches are those of a printer

N_THREADS = 4  # that decompress pages of one box, which they do without Python's lock
LARGE = 2**20  # voxels of a box for which that pays
_UNCOMPRESSED = 1  # of the tag Compression
MOST_PAGES = 4096  # of a volume that are kept: where their pixels lie, some KB each


def open_tiff(path: Path, request: Request) -> Volume:
    """Return a volume of a TIFF file; pages are slices unless the file says otherwise.

    Voxel sizes and origin are taken from OME-XML (``PhysicalSize``, the position of the first
    plane) and from ImageJ (pixels per ``unit``, ``spacing``, origin). The resolution of other TIFFs
    counts where it is per centimetre; per inch, it is that of a printer. ``Shades`` says how stored
    numbers become those of an image or of labels.

    Raises:
        DataError: If the file is damaged or coloured, or a partner is missing or lies elsewhere.
        ConfigError: If a channel or a time point must be chosen, or there is no such level.
    """
    where = str(path)
    if path.suffix.lower() == ".ome":  # the metadata of a set of files
        layers = _ome(path, path.read_text(encoding="utf-8", errors="replace"), request)
        return _volume(path, layers, request)
    with opened(path) as file:
        if not len(file.pages):
            raise DataError(
                f"{where} cannot be read as a TIFF; it holds no page: the first lies beyond its "
                "end, or it is cut off. Export it again."
            )
        text = file.ome_metadata if file.is_ome else None
        if text is None:
            request.refuse_dataset(where)
            layers = _layers(file, path, request)
    if text is not None:
        layers = _ome(path, text, request)
    return _volume(path, layers, request)


def _volume(path: Path, layers: Layers, request: Request) -> Volume:
    """Return a volume of layers whose place is known."""
    where = str(path)
    with opened(layers.pages[0][0] if layers.pages else path) as file:
        first = page_of(file, layers.pages[0][1] if layers.pages else (0,))
        layers = at_level(layers, first, path, request)
        page = page_of(file, layers.pages[0][1]) if layers.level else first
        if len(page.shape) != 2 or page.shape != tuple(layers.shape[-2:]):
            raise DataError(
                f"{where} has pages of shape {page.shape}, and states slices of "
                f"{layers.shape[-2]}x{layers.shape[-1]} grey pixels. Save one channel per page."
            )
        shades = shades_of(page, labels=request.labels, where=where)
        stored, tile = np.dtype(page.dtype).newbyteorder(file.byteorder), page.chunks[-2:]
    axes = layers.stated.axes(layers.shape, request, where)
    if sorted(axes.spatial[1:]) != [len(layers.shape) - 2, len(layers.shape) - 1]:
        raise DataError(f"{where}: the last two axes of a TIFF are its rows and columns, y and x.")
    facts = layers.stated.geometry(axes, request, where).fields()
    facts["notes"] = (*(note for note in (layers.note, shades.note) if note), *facts["notes"])
    shape = axes.triple(layers.shape, 1)
    reader: MappedReader | PagesReader
    if layers.offset is not None:
        chunks = bounded_chunks(shape, stored.itemsize)
        reader = MappedReader(path, layers.shape, stored, layers.offset, axes, shades)
        reader.mapped()  # a file that is cut off is noticed now
    else:
        rows, columns = (tile[k - len(layers.shape) + 2] for k in axes.spatial[1:])
        chunks = (1, rows, columns)
        reader = PagesReader(layers.pages, layers.shape, native(stored), axes, shades)
        reader.check_ends()
    return Volume(
        name=where, shape=shape, dtype=shades.dtype, chunks=chunks, reader=reader, path=path,
        format="tiff", level=layers.level, n_levels=layers.n_levels, **facts,
    )  # fmt: skip


def _ome(path: Path, text: str, request: Request) -> Layers:
    image = read_ome(path, text, request)
    pages = tuple((file, (number,)) for file, number in image.pages)
    return Layers(image.shape, image.stated, pages)


def _layers(file: tifffile.TiffFile, path: Path, request: Request) -> Layers:
    """Return where the pixels of a file without OME-XML lie."""
    smaller: tuple[tuple[tuple[int, ...], Pages], ...] = ()
    if has_plain_pages(file, path):
        names, shape = ["z", "y", "x"], (len(file.pages), *file.pages.first.shape)
        numbers: list[Page] = [(number,) for number in range(len(file.pages))]
    else:
        series = file.series[0]
        names, shape = list(series.axes.lower()), tuple(series.shape)
        smaller = smaller_pages(series, path)
        numbers = [tuple(page.treeindex) for page in series.pages if page is not None]
    if names[-1] == "s" or len(names) != len(shape):
        raise DataError(
            f"{path} is coloured: its pages have {shape[-1]} samples per pixel. Save one channel."
        )
    names, note = _named(names, shape, path, request)
    stated = Stated(names, *_calibration(file, names))
    offset = None
    if file.pages.first.bitspersample % 8 == 0 and file.series[0].shape == shape:
        offset = file.series[0].dataoffset
    n_planes = prod(shape[:-2])
    if offset is None and len(numbers) != n_planes:
        raise DataError(
            f"{path} holds {len(numbers)} pages for {n_planes} slices; it is cut off or damaged."
            " Copy or export it again, one slice per page."
        )
    pages = () if offset is not None else tuple((path, number) for number in numbers)
    return Layers(shape, stated, pages, offset, note, smaller)


def _named(
    names: list[str], shape: tuple[int, ...], path: Path, request: Request
) -> tuple[list[str], str]:
    """Return names in which slices are z, and a note if they had another name."""
    if "z" in names:
        return names, ""
    # pages without a name, and axes "i" (sequence) and "q" (other), are slices
    names = ["z" if name in "iq" and names.count(name) == 1 else name for name in names]
    if names.count("z") > 1:
        return [f"{name}{i}" if name == "z" else name for i, name in enumerate(names)], ""
    longer = [k for k, length in enumerate(shape[:-2]) if length > 1]
    if not request.labels or "z" in names or len(longer) != 1 or names[longer[0]] not in "tc":
        return names, ""
    if names[longer[0]] == "c" and shape[longer[0]] <= 4:
        return names, ""
    what = "time points" if names[longer[0]] == "t" else "channels"
    names[longer[0]] = "z"
    note = f"{path} calls its {shape[longer[0]]} slices {what}; they are taken to be slices (z)."
    return names, note


def _calibration(
    file: tifffile.TiffFile, names: list[str]
) -> tuple[list[float | None] | None, list[float | None] | None, list[object] | None]:
    """Return scale, translation and units that ImageJ metadata or resolution tags state."""
    metadata = (file.imagej_metadata or {}) if file.is_imagej else {}
    tags = file.pages.first.tags
    per_cm = "ResolutionUnit" in tags and int(tags["ResolutionUnit"].value) == _CENTIMETRE
    unit = metadata.get("unit", "cm" if per_cm else None)
    if unit in _NO_UNIT:
        return None, None, None
    lengths: dict[str, float] = {}
    for axis, tag in (("y", "YResolution"), ("x", "XResolution")):
        if tag in tags:
            above, below = tags[tag].value
            lengths[axis] = below / above if above else 0.0
    if "spacing" in metadata:
        lengths["z"] = _number(metadata["spacing"])
    if not lengths:
        return None, None, None
    units: list[object] = [metadata.get(f"{name}unit", unit) for name in names]
    origins = {axis: metadata.get(f"{axis}origin") for axis in "zyx"}
    shift: list[float | None] | None = None
    if any(origin is not None for origin in origins.values()):
        # in pixels: ImageJ's coordinates are (pixel - origin) * size
        shift = [-_number(origins.get(n) or 0) * lengths.get(n, 1.0) + 0.0 for n in names]
    return [lengths.get(name) for name in names], shift, units


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
    shades: Shades

    def mapped(self) -> np.memmap[Any, Any]:
        """Return the file as an array of all its stored axes.

        Raises:
            DataError: If it ends too early.
        """
        n_bytes = self.offset + prod(self.shape) * self.stored.itemsize
        size = self.path.stat().st_size
        if size < n_bytes:
            raise DataError(
                f"{self.path} cannot be read as a TIFF; it is damaged or cut off: it states "
                f"{prod(self.shape[:-2])} slices, which end at byte {n_bytes}, and has {size} "
                "bytes. Copy or export it again."
            )
        return np.memmap(self.path, self.stored, "r", self.offset, self.shape)

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box; see ``Reader.read``."""
        voxels = np.array(self.mapped()[self.axes.index(box)], dtype=native(self.stored))
        voxels = voxels.transpose(self.axes.order).reshape(box.shape)
        return self.shades.of(voxels, self.path)


@dataclass(frozen=True, eq=False)
class PagesReader:
    """Pages in strips or tiles, compressed or not, of one file or of several."""

    pages: Pages
    shape: tuple[int, ...]
    stored: np.dtype[np.generic]
    axes: Axes
    shades: Shades
    _known: dict[tuple[Path, Page, tuple[int, ...]], Any] = field(default_factory=dict, repr=False)

    def check_ends(self) -> None:
        """Raise an error unless every file has all its pages and the pixels of the last.

        Raises:
            DataError: If one is cut off.
        """
        last: dict[Path, Page] = {}
        for path, number in self.pages:
            last[path] = max(number, last.get(path, number))
        for path, number in last.items():
            with opened(path) as file:
                if number[0] >= len(file.pages):
                    raise DataError(
                        f"{path} holds {len(file.pages)} pages and must hold {number[0] + 1}; it is"
                        " damaged or cut off. Copy or export it again."
                    )
                page = page_of(file, number)
                ends = [a + n for a, n in zip(page.dataoffsets, page.databytecounts, strict=True)]
                if max(ends, default=0) > file.filehandle.size:
                    raise ValueError(f"the pixels of page {number[0]} lie beyond its end")

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box; see ``Reader.read``."""
        turned = self.axes.spatial[1] > self.axes.spatial[2]
        voxels = np.empty(box.shape, dtype=self.stored)
        on_page = box
        if turned:  # the rows of a page run along X
            on_page = Box(
                (box.start[0], box.start[2], box.start[1]), (box.stop[0], box.stop[2], box.stop[1])
            )
        rows = {z: row for row, z in enumerate(range(box.start[0], box.stop[0]))}
        by_file: dict[Path, list[tuple[Page, int]]] = {}
        for z, row in rows.items():
            path, number = self.pages[self._plane(z)]
            by_file.setdefault(path, []).append((number, row))
        for path, planes in by_file.items():
            pages = self._pages(path, [number for number, _ in planes])

            def read_some(
                some: list[tuple[Page, int]], path: Path = path, pages: dict[Page, Any] = pages
            ) -> None:
                with path.open("rb") as stream:
                    for number, row in some:
                        part = voxels[row].T if turned else voxels[row]
                        name = f"page {number[0]} of {path.name}"
                        read_page(pages[number], stream, name, on_page, part)

            compressed = pages[planes[0][0]].keyframe.compression != _UNCOMPRESSED
            n_threads = N_THREADS if compressed and box.size >= LARGE else 1
            with told(path), ThreadPoolExecutor(n_threads) as threads:
                list(threads.map(read_some, (planes[i::n_threads] for i in range(n_threads))))
        return self.shades.of(voxels, self.pages[0][0])

    def _pages(self, path: Path, numbers: list[Page]) -> dict[Page, Any]:
        """Return pages of a file by number; where their pixels lie is looked up once.

        Raises:
            DataError: If one is not what the volume is made of, or the file is damaged.
        """
        with told(path):
            status = path.stat()
        stamp = status.st_mtime_ns, status.st_ino, status.st_size
        pages = {number: self._known.get((path, number, stamp)) for number in numbers}
        missing = [number for number, page in pages.items() if page is None]
        if missing:
            with opened(path, walk=False) as file:
                for number in missing:
                    pages[number] = self._checked(page_of(file, number), number[0])
            if len(self._known) + len(missing) > MOST_PAGES:
                self._known.clear()
            self._known.update({(path, n, stamp): pages[n] for n in missing})
        return pages

    def _plane(self, z: int) -> int:
        """Return the place of a slice among the planes."""
        leading = [0] * (len(self.shape) - 2)
        for position, index in self.axes.fixed.items():
            leading[position] = index
        if self.axes.spatial[0] is not None:
            leading[self.axes.spatial[0]] = z
        return int(np.ravel_multi_index(leading, self.shape[:-2])) if leading else 0

    def _checked(self, page: Any, number: int) -> Any:  # noqa: ANN401 - of tifffile
        """Return a page that fits; what tifffile reads when it is asked for is read now."""
        shape, dtype = page.keyframe.shape, native(np.dtype(page.keyframe.dtype))
        if shape != self.shape[-2:] or dtype != self.stored:
            raise ValueError(
                f"page {number} is {dtype} of {shape}, not {self.stored} of {self.shape[-2:]}"
            )
        for name in ("dataoffsets", "databytecounts", "jpegtables"):
            getattr(page, name)
        for name in ("decode", "jpegheader", "chunks", "nodata"):
            getattr(page.keyframe, name)
        return page


class TiffWriter(VolumeWriter):
    """One TIFF with a page for each slice, compressed (zlib); BigTIFF where it has to be.

    Voxel size and origin stand in it as OME-XML, which has no 64-bit types: these go without.
    """

    format = "tiff"
    unit = (1, -1, -1)
    resumable = False

    def __init__(self, path: Path, layout: Layout) -> None:
        """Start the file."""
        super().__init__(path, layout)
        if layout.dtype.kind == "b":
            raise DataError(f"{path}: a TIFF of bool cannot be written. Convert it to uint8 first.")
        stated = layout.voxel_size_nm is not None or any(layout.origin_nm)
        self._description = ome_xml(layout) if stated else None
        if stated and self._description is None:
            self.notes.append(
                f"A TIFF of {layout.dtype} cannot say its voxel size and origin; they are not "
                "written."
            )
        size = prod(layout.shape) * layout.dtype.itemsize
        self._file = tifffile.TiffWriter(path, bigtiff=size > _CLASSIC_TIFF_BYTES)

    def write(self, box: Box, voxels: np.ndarray) -> None:
        """Write the next slices."""
        for z, image in enumerate(voxels, start=box.start[0]):
            self._file.write(
                image, compression="zlib", photometric="minisblack", contiguous=False,
                metadata=None, description=self._description if z == 0 else None,
            )  # fmt: skip

    def finish(self) -> None:
        """Close the file."""
        self._file.close()
