"""MRC files of electron tomography (.mrc, .rec, .map, .st), mapped into memory."""

import struct
import warnings
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import DataError, require
from emqs.volumes.axes import Request, Stated
from emqs.volumes.formats import compressed
from emqs.volumes.formats.arrays import StoredArray, damaged, volume_of
from emqs.volumes.volume import Volume

_HEADER_BYTES = 1024
_TYPES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}  # by mode; all others are no numbers
_UNREAD = {3: "complex", 4: "complex", 16: "coloured", 101: "4-bit"}
_VOLUME_STACKS = range(401, 631)  # space groups of files that hold several volumes
_STAMP = 1146047817  # IMOD's; its flags stand behind it
_SIGNED, _ORIGIN_AS_STANDARD = 1, 4  # flags of IMOD


def open_mrc(path: Path, request: Request) -> Volume:
    """Return a volume of an MRC file.

    The voxel size is that of the cell, in angstroms; a cell of 0 states none. The origin is that in
    the header, where it is not 0, else the start of the grid (``nxstart`` ...), as ChimeraX reads
    them; IMOD's own is turned round unless its flag says that it follows the standard. Bytes (mode
    0) are signed as the standard says, unless IMOD's flag says that they are not, or the header
    states a brightest voxel over 127.

    Source: MRC2014 (Cheng et al. 2015, J. Struct. Biol. 192, 146); IMOD, mrc_format.txt.

    Raises:
        DataError: If it is damaged or cut off, or holds no numbers.
    """
    where = str(path)
    request.refuse_level(where)
    request.refuse_dataset(where)
    content = compressed.unpacked(path) if compressed.split_ending(path)[1] else None
    size = path.stat().st_size if content is None else len(content)
    header = _header(path, content, request)
    mode = int(header.mode)
    if mode not in _TYPES:
        what = _UNREAD.get(mode, "of no known type")
        raise DataError(f"{path} holds voxels that are {what} (mode {mode}), not plain numbers.")
    stored = np.dtype(_TYPES[mode]).newbyteorder(header.mode.dtype.byteorder)
    names, shape = _axes(header, path)
    offset = _HEADER_BYTES + int(header.nsymbt)
    needed = offset + prod(shape) * stored.itemsize
    if size < needed or offset < _HEADER_BYTES:
        raise DataError(
            f"{path} cannot be read as an MRC file; it is cut off or damaged: it states "
            f"{' x '.join(map(str, shape))} voxels ({', '.join(names)}), which end at byte "
            f"{needed}, and has {size} bytes. Copy or export it again."
        )
    flags = _imod_flags(header)
    notes: tuple[str, ...] = ()
    if mode == 0:
        stored, notes = _bytes(header, flags, where)
    stated, more = _stated(header, names, flags, where)
    if size > needed:
        more = (*more, f"{where} has {size - needed} bytes more than its header states.")
    axes = stated.axes(shape, request, where)
    facts = stated.geometry(axes, request, where).fields()
    facts["notes"] = (*notes, *more, *facts["notes"])
    get = _mapped(path, content, stored, offset, shape)
    return volume_of(path, "mrc", StoredArray(get, axes, shape), stored, facts)


def _header(path: Path, content: bytes | None, request: Request) -> Any:  # noqa: ANN401 (a record)
    """Return the header, whose fields mrcfile names."""
    mrcfile = require("mrcfile", extra="volumes", purpose="read MRC files")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of files that are older than the standard
            if content is None:
                with mrcfile.open(path, permissive=True, header_only=True) as file:
                    header = file.header.copy()
            else:
                import io

                file = mrcfile.mrcinterpreter.MrcInterpreter(
                    io.BytesIO(content[:_HEADER_BYTES]), permissive=True, header_only=True
                )
                header = file.header.copy()
    except (ValueError, OSError, EOFError, struct.error) as fault:
        raise damaged(path, "MRC file", fault, request) from None
    if header is None:
        raise damaged(path, "MRC file", ValueError("it ends within its header"), request)
    return header


def _mapped(
    path: Path,
    content: bytes | None,
    dtype: np.dtype[Any],
    offset: int,
    shape: tuple[int, ...],
) -> Callable[[], Any]:
    """Return what gets the voxels, slowest axis first."""
    if content is None:
        return lambda: np.memmap(path, dtype, "r", offset=offset, shape=shape)
    array = np.frombuffer(content, dtype, prod(shape), offset).reshape(shape)
    return lambda: array


def _axes(header: Any, path: Path) -> tuple[list[str], tuple[int, ...]]:  # noqa: ANN401
    """Return names and lengths of the stored axes, slowest first."""
    places = [int(header[key]) for key in ("maps", "mapr", "mapc")]
    if places == [0, 0, 0]:
        places = [3, 2, 1]  # files that are older than these fields
    shape = tuple(int(header[key]) for key in ("nz", "ny", "nx"))
    if sorted(places) != [1, 2, 3] or min(shape) < 1:
        raise DataError(
            f"{path} cannot be read as an MRC file; it is damaged: its axes are {places} (sections,"
            f" rows, columns) of lengths {shape}. Copy or export it again."
        )
    names = ["xyz"[place - 1] for place in places]
    depth = int(header.mz)
    if int(header.ispg) in _VOLUME_STACKS and 0 < depth < shape[0] and shape[0] % depth == 0:
        return ["t", *names], (shape[0] // depth, depth, *shape[1:])
    return names, shape


def _imod_flags(header: Any) -> int | None:  # noqa: ANN401
    """Return the flags that IMOD adds; None for files of others."""
    raw = header.extra2.tobytes()  # from byte 112 on
    order = ">" if header.mode.dtype.byteorder == ">" else "<"
    stamp, flags = struct.unpack(f"{order}ii", raw[40:48])
    return flags if stamp == _STAMP else None


def _bytes(
    header: Any,  # noqa: ANN401
    flags: int | None,
    where: str,
) -> tuple[np.dtype[Any], tuple[str, ...]]:
    """Return the type of voxels of mode 0, and a note if it had to be told from them."""
    if flags is not None:
        return np.dtype(np.int8 if flags & _SIGNED else np.uint8), ()
    if float(header.dmax) > 127 and float(header.dmin) >= 0:
        note = f"{where} states voxels up to {float(header.dmax):g}, so its bytes are unsigned."
        return np.dtype(np.uint8), (note,)
    return np.dtype(np.int8), ()


def _stated(
    header: Any,  # noqa: ANN401
    names: list[str],
    flags: int | None,
    where: str,
) -> tuple[Stated, tuple[str, ...]]:
    """Return what the header says of the axes, and notes."""
    cell = {axis: float(header.cella[axis]) for axis in "xyz"}
    grid = {axis: int(header[f"m{axis}"]) for axis in "xyz"}
    size = {axis: cell[axis] / grid[axis] for axis in "xyz" if cell[axis] > 0 and grid[axis] > 0}
    # the header counts starts by columns, rows and sections, whatever axes these are
    starts = dict(zip(names[-3:], (int(header[f"n{k}start"]) for k in "zyx"), strict=True))
    by_grid = {axis: starts[axis] * size[axis] for axis in size}
    origin = {axis: float(header.origin[axis]) for axis in "xyz"}
    if flags is not None and not flags & _ORIGIN_AS_STANDARD:
        origin = {axis: -length + 0.0 for axis, length in origin.items()}
    notes: tuple[str, ...] = ()
    if not any(origin.values()):
        origin = by_grid
    elif any(starts.values()) and any(
        abs(origin[a] - by_grid.get(a, 0.0)) > 0.01 * size.get(a, 1.0) for a in "xyz"
    ):
        notes = (f"{where} states an origin and another start of its grid; its origin counts.",)
    shift = [origin.get(name) for name in names] if any(origin.values()) else None
    units: list[object] = ["angstrom" if name in size else None for name in names]
    scale = [size.get(name) for name in names] if size else None
    return Stated(names, scale, shift, units), notes
