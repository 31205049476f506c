"""Results for other viewers: points for napari, boxes for the ROI manager of Fiji.

napari puts whole numbers to the centres of voxels, as tables of emqs do. Fiji counts slices from 1.
"""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np

from emqs.annotations.foreign import NAPARI_AXES
from emqs.files import replacing, write_text

LARGEST = 60_000  # row or column that a ROI of ImageJ can name
RECTANGLE, VERSION = 1, 227
EPOCH = (1980, 1, 1, 0, 0, 0)  # of the files in the archive: the same result, the same bytes


def write_napari(path: Path, centres: np.ndarray) -> Path:
    """Write places as a points layer of napari, which opens the file by drag and drop.

    Args:
        path: Ends in ``.csv``.
        centres: ``(N, 3)``, voxels, Z Y X, whole or .5.
    """
    lines = [",".join(("index", *NAPARI_AXES))]
    lines += [
        ",".join((str(number), *(f"{value:.1f}" for value in place)))
        for number, place in enumerate(np.asarray(centres).tolist())
    ]
    return write_text(path, "\n".join(lines) + "\n")


def write_fiji(path: Path, first: np.ndarray, edges: np.ndarray, names: list[str]) -> Path | None:
    """Write boxes as rectangles for the ROI manager of Fiji, each on its slice.

    Args:
        path: Ends in ``.zip``.
        first: First voxels, ``(N, 3)``, Z Y X.
        edges: In voxels, ``(N, 3)``; a deep box is drawn on its middle slice.
        names: Of each, all different.

    Returns:
        The path; None if a place lies where ROIs cannot name it, and nothing is written.
    """
    ends = first + edges
    if len(first) and int(ends[:, 1:].max()) > LARGEST:
        return None
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as rois:
        for name, (z, top, left), (depth, height, width) in zip(
            names, first.tolist(), edges.tolist(), strict=True
        ):
            roi = rectangle(z + depth // 2 + 1, top, left, top + height, left + width)
            rois.writestr(zipfile.ZipInfo(f"{name}.roi", EPOCH), roi)
    with replacing(path) as temporary:
        temporary.write_bytes(archive.getvalue())
    return path


def rectangle(position: int, top: int, left: int, bottom: int, right: int) -> bytes:
    """Return a rectangle as ImageJ stores it, on a slice counted from 1.

    Source:
        The format of ``ij.io.RoiEncoder``, version 227, without a second header.
    """
    head = struct.pack(">4sHBxHHHHH", b"Iout", VERSION, RECTANGLE, top, left, bottom, right, 0)
    return head.ljust(56, b"\0") + struct.pack(">ii", position, 0)
