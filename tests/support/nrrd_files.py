"""NRRD files by hand, after the format's definition."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from support.volumes_on_disk import VOXELS


def nrrd(
    path: Path,
    voxels: np.ndarray = VOXELS,
    *,
    spacings: Sequence[float] | None = None,
    mins: Sequence[float] | None = None,
    units: str | None = None,
    directions: np.ndarray | None = None,
    origin: Sequence[float] | None = None,
    encoding: str = "raw",
    beside: str | None = None,
) -> Path:
    """Write ``(Z, Y, X)`` voxels; all else has X first. ``beside`` names a detached data file."""
    lines = ["NRRD0005", f"type: uint{8 * voxels.itemsize}", "dimension: 3", "endian: little"]
    lines += ["sizes: " + " ".join(map(str, voxels.shape[::-1])), f"encoding: {encoding}"]
    quoted = " ".join([f'"{units}"'] * 3)
    if directions is not None:
        vectors = " ".join("(" + ",".join(map(str, row)) + ")" for row in directions)
        lines += ["space: right-anterior-superior", f"space directions: {vectors}"]
        lines += [f"space units: {quoted}"] if units else []
        lines += ["space origin: (" + ",".join(map(str, origin or (0, 0, 0))) + ")"]
    elif spacings is not None:
        lines += ["spacings: " + " ".join(map(str, spacings))]
        lines += [f"units: {quoted}"] if units else []
        lines += ["axis mins: " + " ".join(map(str, mins))] if mins is not None else []
    content = voxels.astype(voxels.dtype.newbyteorder("<")).tobytes()
    content = gzip.compress(content) if encoding == "gzip" else content
    if beside is not None:
        lines += [f"data file: {beside}"]
        (path.parent / beside).write_bytes(content)
        content = b""
    path.write_bytes("\n".join(lines).encode() + b"\n\n" + content)
    return path
