"""MRC files, byte by byte, after the tables of MRC2014 and of IMOD."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_MODES = {"i1": 0, "u1": 0, "i2": 1, "f4": 2, "u2": 6, "f2": 12}


def mrc(
    path: Path,
    voxels: np.ndarray,
    *,
    cell_angstrom: Sequence[float] = (0.0, 0.0, 0.0),
    grid: Sequence[int] | None = None,
    origin_angstrom: Sequence[float] = (0.0, 0.0, 0.0),
    start: Sequence[int] = (0, 0, 0),
    order: Sequence[int] = (1, 2, 3),
    imod_flags: int | None = None,
    extended: bytes = b"",
    space_group: int = 1,
    bounds: tuple[float, float, float] = (0.0, -1.0, -2.0),
    big_endian: bool = False,
    mode: int | None = None,
) -> Path:
    """Write a volume; all triples but the shape of ``voxels`` have X (or columns) first.

    Args:
        path: The file.
        voxels: Sections, rows, columns.
        cell_angstrom: Lengths of the cell along X Y Z.
        grid: Intervals of it along X Y Z; None for the lengths of ``voxels``.
        origin_angstrom: X Y Z.
        start: First column, row and section.
        order: Axes of columns, rows and sections, 1 for X.
        imod_flags: Of IMOD, after its stamp; None for files of others.
        extended: Extended header.
        space_group: 1 for a volume, 0 for a stack of images, 401 for a stack of volumes.
        bounds: Darkest, brightest and mean voxel.
        big_endian: Whether numbers are stored so.
        mode: None for that of the type.
    """
    e = ">" if big_endian else "<"
    nz, ny, nx = voxels.shape
    kind = _MODES[voxels.dtype.str[1:]] if mode is None else mode
    head = struct.pack(f"{e}4i3i3i", nx, ny, nz, kind, *start, *(grid or (nx, ny, nz)))
    head += struct.pack(f"{e}6f3i3f", *cell_angstrom, 90, 90, 90, *order, *bounds)
    head += struct.pack(f"{e}2i", space_group, len(extended)) + bytes(8)  # up to byte 104
    head += b"\0\0\0\0" + struct.pack(f"{e}i", 20140) + bytes(40)  # up to byte 152
    stamp = (0, 0) if imod_flags is None else (1146047817, imod_flags)
    head += struct.pack(f"{e}2i", *stamp) + bytes(36)  # up to byte 196
    head += struct.pack(f"{e}3f", *origin_angstrom) + b"MAP "
    head += (b"\x11\x11\0\0" if big_endian else b"\x44\x44\0\0") + struct.pack(f"{e}fi", -1, 0)
    head += bytes(1024 - len(head))
    stored = voxels.astype(voxels.dtype.newbyteorder(e)).tobytes()
    path.write_bytes(head + extended + stored)
    return path
