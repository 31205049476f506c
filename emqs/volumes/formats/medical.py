"""NIfTI and NRRD files, whose axes have directions in a world of their own.

Worlds count towards the right, the front and the top of a patient (RAS), or towards the left, the
back and the top (LPS); NIfTI means the former, ITK and most NRRD the latter. Programs turn one into
the other by changing two signs. So a volume whose axes all run forward in either of the two is left
as it is, and its origin is in that one. An axis that runs backward in both is turned round, so that
labels and images of one world lie on each other; a note says so.
"""

import bz2
import gzip
import io
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from emqs.errors import DataError, require
from emqs.geometry import Box
from emqs.volumes.axes import Request, Stated, unit_nm
from emqs.volumes.formats import compressed
from emqs.volumes.formats.arrays import StoredArray, damaged, shortest, volume_of
from emqs.volumes.formats.hdf5 import partner
from emqs.volumes.volume import Volume, native
from emqs.volumes.writer import Layout, VolumeWriter

_NIFTI_UNITS = {"meter": "m", "mm": "mm", "micron": "um"}
_NAMES = "xyztcuv"  # of stored axes, the fastest first, where directions do not say otherwise
SOUGHT_BYTES = (
    2**24
)  # behind the voxels of packed NRRD, where the end with its checksum is looked for
_NRRD_SPATIAL = ("domain", "space")  # kinds of axes
_PACKED = {"gzip": gzip.open, "gz": gzip.open, "bzip2": bz2.open, "bz2": bz2.open}


@dataclass(frozen=True, eq=False)
class Directions:
    """How the axes of a stored array lie in the world; one entry per stored axis.

    Attributes:
        names: Of the axes.
        lengths: Distances between voxels; None where they are not known.
        origin: Position of the first voxel that is returned, along each axis; None if not known.
        mirrored: Axes that are turned round.
        notes: What a user should be told.
    """

    names: list[str]
    lengths: list[float | None]
    origin: list[float | None] | None
    mirrored: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def directions_of(
    columns: np.ndarray, origin: np.ndarray | None, shape: Sequence[int], where: str
) -> Directions:
    """Return how three stored axes lie in a world.

    Args:
        columns: Step of each stored axis in the world, column by column, shape ``(3, 3)``, X Y Z.
        origin: World position of the first stored voxel, X Y Z; None if not known.
        shape: Lengths of the three stored axes.
        where: Names the file in notes.
    """
    lengths = np.linalg.norm(columns, axis=0)
    size: list[float | None] = [float(length) or None for length in lengths]
    plain = Directions(list("xyz"), size, None)
    if not np.isfinite(columns).all() or not lengths.all():
        return plain
    main = np.abs(columns).argmax(axis=0)  # the world axis along which each stored axis runs
    aside = np.abs(columns).sum(axis=0) - np.abs(columns).max(axis=0)
    if sorted(main) != [0, 1, 2] or (aside > 1e-3 * lengths).any():
        note = f"{where} lies askew in its world; it is read as stored, without an origin."
        return Directions(plain.names, size, None, (), (note,))
    signs = np.sign(columns[main, range(3)])
    world = np.array([0.0, 0, 0]) if origin is None else np.array(origin, float)
    turn = np.array([-1.0, -1, 1])  # from one world into the other
    if (signs * turn[main] > 0).all():
        signs, world = signs * turn[main], world * turn
    mirrored = tuple(int(k) for k in np.flatnonzero(signs < 0))
    along: list[float | None] = []
    for k in range(3):
        first = world[main[k]]
        along.append(float(first - (lengths[k] * (shape[k] - 1) if k in mirrored else 0)) + 0.0)
    names = ["xyz"[axis] for axis in main]
    notes: tuple[str, ...] = ()
    if mirrored:
        backward = " and ".join(names[k] for k in mirrored)
        notes = (f"{where} runs backward along {backward}; it is turned round, as its world is.",)
    return Directions(names, size, None if origin is None else along, mirrored, notes)


def open_nifti(path: Path, request: Request) -> Volume:
    """Return a volume of a NIfTI file; of one that is not compressed, only boxes are read.

    Voxel size, origin and directions are those of its affine (sform or qform); without one, there
    are only sizes. Without a unit, the size is not known.

    Raises:
        DataError: If it is damaged or cut off, or if labels are scaled.
    """
    nibabel = require("nibabel", extra="labels", purpose="read NIfTI files")
    where = str(path)
    request.refuse_level(where)
    request.refuse_dataset(where)
    packed = compressed.split_ending(path)[1]
    try:
        if packed:
            content = compressed.unpacked(path)
            image, n_bytes = _nifti_of(nibabel, content), len(content)
        else:
            image, n_bytes = nibabel.load(path), path.stat().st_size
        header, proxy = image.header, image.dataobj
        shape = tuple(int(length) for length in image.shape)
        needed = int(proxy.offset) + prod(shape) * proxy.dtype.itemsize
        unit = _NIFTI_UNITS.get(header.get_xyzt_units()[0])
        stated = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
        zooms = [shortest(float(edge)) for edge in header.get_zooms()[:3]]
        affine = np.vectorize(shortest)(image.affine)
    except DataError:
        raise
    except Exception as fault:  # the library's errors have no common class
        raise damaged(path, "NIfTI file", fault, request) from None
    if n_bytes < needed:
        short = ValueError(f"it states {shape} voxels, {needed} bytes, and has {n_bytes}")
        raise damaged(path, "NIfTI file", short, request)
    scaled = (proxy.slope, proxy.inter) != (1, 0)
    if scaled and request.labels:
        raise DataError(
            f"{path} scales its numbers (slope {proxy.slope:g}, shift {proxy.inter:g}), so they "
            "are no labels. Save it without scaling."
        )
    if len(shape) >= 3 and stated:
        lie = directions_of(affine[:3, :3], affine[:3, 3], shape[:3], where)
    else:
        lie = Directions(list(_NAMES[: len(shape)]), [edge or None for edge in zooms], None)
    dtype = np.dtype(np.float32) if scaled else None
    stored = _Stored("nifti", lambda: proxy, shape, proxy.dtype, dtype)
    return _volume(path, stored, lie, unit, request)


def _nifti_of(nibabel: Any, content: bytes) -> Any:  # noqa: ANN401
    """Return the image of bytes, of whichever version."""
    first = int.from_bytes(content[:4], "little")
    kind = nibabel.Nifti2Image if first in (540, 0x1C020000) else nibabel.Nifti1Image
    return kind.from_stream(io.BytesIO(content))


class _Stored(NamedTuple):
    """Voxels as they lie in a file: what gets them, their shape and dtype, and as what to read."""

    format: str
    get: Callable[[], Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read_as: np.dtype[Any] | None = None  # None: as stored


def _volume(
    path: Path, stored: _Stored, lie: Directions, unit: str | list[object] | None, request: Request
) -> Volume:
    """Return a volume whose axes lie in a world; axes that the user names are not turned."""
    shape, where = stored.shape, str(path)
    n_axes = len(shape)
    extra = n_axes - len(lie.names)
    names = [*lie.names, *[n for n in _NAMES if n not in lie.names][:extra]]
    origin: list[float | None] | None = None
    if lie.origin is not None:
        origin = [*lie.origin, *[None] * (n_axes - len(lie.origin))]
    mirrored, notes = lie.mirrored, lie.notes
    own = Stated(names, [*lie.lengths, *[None] * n_axes][:n_axes], origin,
                 unit if isinstance(unit, list) else [unit] * n_axes)  # fmt: skip
    axes = own.axes(shape, request, where)
    if list(axes.names) != names and mirrored:
        mirrored, notes = (), ()  # the user's word
    facts = own.geometry(axes, request, where).fields()
    facts["notes"] = (*notes, *facts["notes"])
    reader = StoredArray(stored.get, axes, shape, mirrored, stored.read_as)
    return volume_of(path, stored.format, reader, stored.dtype, facts)


def open_nrrd(path: Path, request: Request) -> Volume:
    """Return a volume of an NRRD file, or of its header with the data beside it.

    Sizes, origin and directions are those of ``space directions`` and ``space origin`` in ``space
    units``, or ``spacings`` and ``axis mins`` in ``units``. Without units, the size is not known.
    Without compression only boxes are read.

    Raises:
        DataError: If it is damaged or cut off, or its data lie outside its folder.
    """
    nrrd = require("nrrd", extra="labels", purpose="read NRRD files")
    where = str(path)
    request.refuse_level(where)
    request.refuse_dataset(where)
    try:
        with path.open("rb") as stream:
            header = nrrd.read_header(stream)
            start = stream.tell()
        shape = tuple(int(length) for length in header["sizes"])
        stored = nrrd.reader._determine_datatype(header)
        file = path
        named = header.get("data file", header.get("datafile"))
        if named is not None:
            file, start = partner(path, str(named), "its voxels are in"), 0
        get = _nrrd_data(nrrd, header, file, start, stored, shape)
    except DataError:
        raise
    except Exception as fault:  # the library's errors have no common class
        raise damaged(path, "NRRD file", fault, request) from None
    lie, units = _nrrd_directions(header, shape, where)
    return _volume(path, _Stored("nrrd", get, shape, np.dtype(stored)), lie, units, request)


def _nrrd_data(
    nrrd: Any,  # noqa: ANN401
    header: dict[str, Any],
    file: Path,
    start: int,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
) -> Callable[[], Any]:
    """Return what gets the array, with the fastest axis first."""
    n_bytes = prod(shape) * dtype.itemsize
    lines = int(header.get("line skip", header.get("lineskip", 0)))
    skipped = int(header.get("byte skip", header.get("byteskip", 0)))
    encoding = str(header["encoding"]).lower()
    if encoding == "raw":
        with file.open("rb") as stream:
            stream.seek(start)
            for _ in range(lines):
                stream.readline(2**20)
            start = stream.tell() + skipped
        size = file.stat().st_size
        start = size - n_bytes if skipped == -1 else start
        if start < 0 or start + n_bytes > size:
            raise ValueError(f"it states {shape} voxels, {n_bytes} bytes, and has {size - start}")
        return lambda: np.memmap(file, dtype, "r", offset=start, shape=shape, order="F")
    if n_bytes > compressed.MAX_BYTES:
        raise ValueError(f"it is packed, and holds {n_bytes} bytes, too many to unpack")
    if encoding in _PACKED:
        with file.open("rb") as stream:
            stream.seek(start)
            for _ in range(lines):
                stream.readline(2**20)
            content = _unpacked(_PACKED[encoding], stream, skipped, n_bytes)
        array = np.frombuffer(content, dtype).reshape(shape, order="F")
        return lambda: array
    with file.open("rb") as stream:  # text, as long as the file
        stream.seek(start)
        text: np.ndarray = nrrd.read_data(header, stream, str(file))
    return lambda: text


def _unpacked(opener: Any, stream: IO[bytes], skipped: int, n_bytes: int) -> bytes:  # noqa: ANN401
    """Return so many unpacked bytes, and no more, whatever the file would grow to."""
    try:
        with opener(stream) as unpacked:
            if skipped > 0:
                unpacked.read(skipped)
            content: bytes = unpacked.read(n_bytes)
            left = SOUGHT_BYTES
            while left > 0 and (more := unpacked.read(min(left, 2**20))):
                left -= len(more)  # at the end, the checksum is compared
    except (EOFError, zlib.error) as fault:
        raise ValueError(f"it is cut off or damaged ({fault})") from None
    if len(content) < n_bytes:
        raise ValueError(f"it states {n_bytes} bytes and holds {len(content)}")
    return content


def _nrrd_directions(
    header: dict[str, Any], shape: tuple[int, ...], where: str
) -> tuple[Directions, list[object]]:
    """Return how the axes lie, and the unit of each."""
    n_axes = len(shape)
    names = [str(label).lower() for label in header.get("labels", [])]
    if not {"x", "y"} <= set(names) or len(set(names)) < n_axes:
        names = []
    directions = header.get("space directions")
    if directions is None:
        spacings = [float(edge) for edge in header.get("spacings", [np.nan] * n_axes)]
        lengths = [edge if np.isfinite(edge) and edge else None for edge in spacings]
        mins = header.get("axis mins", header.get("axismins"))
        origin: list[float | None] | None = None
        if mins is not None and np.isfinite(np.asarray(mins, float)[:3]).all():
            origin = [float(edge) for edge in mins]
        units: list[object] = [*header.get("units", []), *[None] * n_axes][:n_axes]
        return Directions(names or list(_NAMES[:n_axes]), lengths, origin), units
    rows = [None if d is None or np.isnan(np.asarray(d, float)).any() else np.asarray(d, float)
            for d in directions]  # fmt: skip
    spatial = [k for k, row in enumerate(rows) if row is not None and row.shape == (3,)]
    all_units = [unit for unit in header.get("space units", []) if unit_nm(unit) is not None]
    unit = all_units[0] if len(all_units) == 3 and len(set(all_units)) == 1 else None
    units = [unit if k in spatial else None for k in range(n_axes)]
    if len(spatial) != 3:
        return Directions(names or list(_NAMES[:n_axes]), [None] * n_axes, None), units
    columns = np.stack([rows[k] for k in spatial], axis=1)  # type: ignore[misc]
    start = header.get("space origin")
    start = None if start is None else np.asarray(start, float)
    lie = directions_of(columns, start, [shape[k] for k in spatial], where)
    others = iter("tcuv")
    all_names, lengths, origin = [], [], []
    for k in range(n_axes):
        place = spatial.index(k) if k in spatial else None
        all_names.append(next(others) if place is None else lie.names[place])
        lengths.append(None if place is None else lie.lengths[place])
        origin.append(None if place is None or lie.origin is None else lie.origin[place])
    mirrored = tuple(spatial[k] for k in lie.mirrored)
    along = None if lie.origin is None else origin
    return Directions(all_names, lengths, along, mirrored, lie.notes), units


class NrrdWriter(VolumeWriter):
    """One .nrrd file without compression, X fastest as that format has it."""

    format = "nrrd"
    unit = (1, -1, -1)
    resumable = False

    def __init__(self, path: Path, layout: Layout) -> None:
        """Write the header."""
        super().__init__(path, layout)
        kinds = {"i": "int", "u": "uint", "b": "uint"}
        name = {"f4": "float", "f8": "double"}.get(layout.dtype.str[1:])
        name = name or f"{kinds.get(layout.dtype.kind, '')}{8 * layout.dtype.itemsize}"
        z, y, x = layout.shape
        head = (
            f"NRRD0005\ntype: {name}\ndimension: 3\nsizes: {x} {y} {z}\nendian: little\n"
            f"encoding: raw\n{self._place(layout)}"
        )
        self._file = path.open("wb")
        self._file.write((head + "\n").encode("ascii"))
        self._dtype = np.dtype("u1") if layout.dtype == bool else layout.dtype.newbyteorder("<")

    def _place(self, layout: Layout) -> str:
        """Return the fields of voxel size and origin."""
        if layout.voxel_size_nm is None:
            if any(layout.origin_nm):
                self.notes.append("An NRRD file without a voxel size cannot say its origin.")
            return ""
        z, y, x = (f"{float(edge)!r}" for edge in layout.voxel_size_nm)
        if not any(layout.origin_nm):
            return f'spacings: {x} {y} {z}\nunits: "nm" "nm" "nm"\n'
        first = ",".join(f"{float(edge)!r}" for edge in layout.origin_nm[::-1])
        return (
            f"space dimension: 3\nspace directions: ({x},0,0) (0,{y},0) (0,0,{z})\n"
            f'space units: "nm" "nm" "nm"\nspace origin: ({first})\n'
        )

    def write(self, box: Box, voxels: np.ndarray) -> None:  # noqa: ARG002 (slices come in order)
        """Write the next slices."""
        self._file.write(voxels.astype(self._dtype).tobytes())

    def finish(self) -> None:
        """Close the file."""
        self._file.close()


class NiftiWriter(VolumeWriter):
    """One .nii file without compression, NIfTI-2 where a side is over 32,767."""

    format = "nifti"
    unit = (1, -1, -1)
    resumable = False

    def __init__(self, path: Path, layout: Layout) -> None:
        """Write the header."""
        super().__init__(path, layout)
        nibabel = require("nibabel", extra="labels", purpose="write NIfTI files")
        if path.suffix.lower() != ".nii":  # programs open these files by their ending
            raise DataError(f"{path}: the name of a NIfTI file must end in .nii.")
        large = max(layout.shape) > np.iinfo(np.int16).max
        header = (nibabel.Nifti2Header if large else nibabel.Nifti1Header)()
        self._dtype = np.dtype("u1") if layout.dtype == bool else native(layout.dtype)
        header.set_data_dtype(self._dtype)
        header.set_data_shape(layout.shape[::-1])
        if layout.voxel_size_nm is not None:
            affine = np.diag([*(edge / 1e3 for edge in layout.voxel_size_nm[::-1]), 1.0])
            affine[:3, 3] = [edge / 1e3 for edge in layout.origin_nm[::-1]]
            header.set_zooms([edge / 1e3 for edge in layout.voxel_size_nm[::-1]])
            header.set_sform(affine, code="scanner")
            header.set_xyzt_units("micron")
        elif any(layout.origin_nm):
            self.notes.append("A NIfTI file without a voxel size cannot say its origin.")
        header["magic"] = header.single_magic
        header["vox_offset"] = header.single_vox_offset
        self._file = path.open("wb")
        header.write_to(self._file)
        self._file.write(b"\0" * (int(header.single_vox_offset) - self._file.tell()))

    def write(self, box: Box, voxels: np.ndarray) -> None:  # noqa: ARG002 (slices come in order)
        """Write the next slices."""
        self._file.write(voxels.astype(self._dtype).tobytes())

    def finish(self) -> None:
        """Close the file."""
        self._file.close()
