"""Places in tables: the same columns, in the same order, for every command.

``z,y,x`` is the centre in voxels, counted from 0, the middle of the first voxel being 0: whole, or
a half where an edge is even. ``z_nm,y_nm,x_nm`` is the same in nm, rounded to 0.01, and empty where
nobody states sizes. ``box_z`` to ``box_x`` is the first voxel, ``box_depth`` to ``box_width`` how
many voxels there are.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from emqs.geometry import Lengths

VOXELS, NM = ("z", "y", "x"), ("z_nm", "y_nm", "x_nm")
FIRST, EDGES = ("box_z", "box_y", "box_x"), ("box_depth", "box_height", "box_width")
COLUMNS = (*VOXELS, *NM, *FIRST, *EDGES)


def centre_columns(
    centres: np.ndarray,
    *,
    voxel_size_nm: Lengths | None,
    origin_nm: Lengths = (0.0, 0.0, 0.0),
) -> dict[str, np.ndarray]:
    """Return the columns of centres, in voxels and in nm.

    Args:
        centres: ``(N, 3)``, in voxels, Z Y X; whole or .5.
        voxel_size_nm: Z Y X; None if it is not known.
        origin_nm: Centre of the first voxel, Z Y X.
    """
    whole = [_whole(column) for column in np.asarray(centres).reshape(-1, 3).T]
    nm: Sequence[np.ndarray] = [np.full(len(centres), "", dtype=object)] * 3
    if voxel_size_nm is not None:
        nm = list(np.round(centres * np.array(voxel_size_nm) + origin_nm, 2).T)
    return {**dict(zip(VOXELS, whole, strict=True)), **dict(zip(NM, nm, strict=True))}


def _whole(column: np.ndarray) -> np.ndarray:
    """Return numbers as integers where all of them are whole."""
    rounded = np.round(column)
    return rounded.astype(np.int64) if np.array_equal(rounded, column) else column


def box_columns(first: np.ndarray, edges: np.ndarray) -> dict[str, np.ndarray]:
    """Return the columns of boxes ``(N, 3)`` each: first voxels and edges, Z Y X."""
    return {**dict(zip(FIRST, first.T, strict=True)), **dict(zip(EDGES, edges.T, strict=True))}


def columns(
    first: np.ndarray,
    edges: np.ndarray,
    *,
    voxel_size_nm: Lengths | None,
    origin_nm: Lengths = (0.0, 0.0, 0.0),
) -> dict[str, np.ndarray]:
    """Return the columns of boxes: their centres, and the boxes themselves.

    Args:
        first: First voxels, ``(N, 3)``, int64, Z Y X.
        edges: In voxels, ``(N, 3)``, int64.
        voxel_size_nm: Z Y X; None if it is not known.
        origin_nm: Centre of the first voxel, Z Y X.
    """
    centres = first + (edges - 1) / 2
    named = centre_columns(centres, voxel_size_nm=voxel_size_nm, origin_nm=origin_nm)
    return named | box_columns(first, edges)


def middles(boxes: np.ndarray) -> np.ndarray:
    """Return the centres of patches of slices ``(N, 5)``, ``(N, 3)``, whole or .5, Z Y X."""
    return np.concatenate([boxes[:, :1], boxes[:, 1:3] + (boxes[:, 3:] - 1) / 2], axis=1)


def of_patches(
    boxes: np.ndarray, *, pixel_size_nm: float | None, section_nm: float | None
) -> dict[str, Any]:
    """Return the columns of patches of slices, ``(N, 5)``: ``(z, y, x, height, width)``."""
    return columns(
        boxes[:, :3],
        np.concatenate([np.ones((len(boxes), 1), dtype=np.int64), boxes[:, 3:]], axis=1),
        voxel_size_nm=slice_voxel(pixel_size_nm, section_nm),
    )


def slice_voxel(pixel_size_nm: float | None, section_nm: float | None) -> Lengths | None:
    """Return the size of a voxel of slices, Z Y X, in nm; None if it is not all known."""
    if pixel_size_nm is None or section_nm is None:
        return None
    return section_nm, pixel_size_nm, pixel_size_nm
