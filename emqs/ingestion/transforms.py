"""Where each slice lies in the volume, as a file that can be used again.

``transforms.json``::

    {"format": "emqs-transforms", "version": 1,
     "shape": [height, width],              of a slice of the volume, pixels
     "sizes": [[height, width], ...],       of the raw slices, null where a slot has no map
     "voxel_size_nm": [z, y, x],
     "slices": [[[a, b, ty], [c, d, tx]] | null, ...],
     "mesh": {"step_px": 96, "rows": 9, "columns": 12, "offsets": [[[dy, dx], ...] | null, ...]}}

``slices`` has, for each slot, the map from pixels ``(y, x)`` of the raw slice to those of the
volume. With a mesh (``align=elastic``) the pixel ``p`` of the volume shows what that map takes to
``p + offset(p)``; offsets are interpolated linearly between the corners of the mesh, which lie at
multiples of ``step_px``, row by row. Pixel centres lie at whole numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import DataError
from emqs.files import read_json, write_json
from emqs.ingestion import affine

FORMAT, VERSION = "emqs-transforms", 1
MAX_GROWTH = 4.0  # of an edge of the volume against the largest slice


@dataclass(frozen=True, eq=False)
class Transforms:
    """Where slices lie.

    Attributes:
        shape: Height and width of the volume, pixels.
        forward: By slot, the map from a raw slice to the volume, ``(2, 3)``.
        sizes: By slot, height and width of the raw slice.
        n_slots: How many slots there are.
        step_px: Between corners of the mesh; 0 if there is none.
        mesh: By slot, offsets ``(rows, columns, 2)``, pixels.
    """

    shape: tuple[int, int]
    forward: Mapping[int, np.ndarray]
    sizes: Mapping[int, tuple[int, int]]
    n_slots: int
    step_px: int = 0
    mesh: Mapping[int, np.ndarray] = field(default_factory=dict)

    def to_dict(self, voxel_size_nm: Sequence[float] | None = None) -> dict[str, Any]:
        """Return what the file holds."""
        slots = range(self.n_slots)
        content: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "shape": list(self.shape),
            "sizes": [list(self.sizes[s]) if s in self.forward else None for s in slots],
            "voxel_size_nm": None if voxel_size_nm is None else list(voxel_size_nm),
            "slices": [
                self.forward[s].round(9).tolist() if s in self.forward else None for s in slots
            ],
        }
        if self.step_px:
            rows, columns = mesh_shape(self.shape, self.step_px)
            content["mesh"] = {
                "step_px": self.step_px,
                "rows": rows,
                "columns": columns,
                "offsets": [
                    self.mesh[s].reshape(-1, 2).round(4).tolist() if s in self.mesh else None
                    for s in slots
                ],
            }
        return content


def mesh_shape(shape: tuple[int, int], step_px: int) -> tuple[int, int]:
    """Return rows and columns of the corners of a mesh that covers a slice."""
    rows, columns = (-(-(length - 1) // step_px) + 1 for length in shape)
    return max(2, rows), max(2, columns)


def placed(
    forward: Mapping[int, np.ndarray],
    sizes: Mapping[int, tuple[int, int]],
    n_slots: int,
    canvas: str,
) -> Transforms:
    """Return transforms into a volume that is just as large as it must be.

    Args:
        forward: Map of each slice, by slot, into coordinates that may begin anywhere.
        sizes: Of the slices, by slot.
        n_slots: How many slots there are.
        canvas: ``"all"``: every slice lies whole in the volume; ``"source"``: it is as large as the
            largest slice, and its centre is that of their centres.

    Raises:
        DataError: If it would be much larger than the slices.
    """
    largest = np.array([max(size[k] for size in sizes.values()) for k in (0, 1)])
    ends = np.concatenate([affine.apply(forward[s], affine.corners(sizes[s])) for s in forward])
    if canvas == "all":
        low, high = np.floor(ends.min(axis=0) + 1e-6), np.ceil(ends.max(axis=0) - 1e-6)
        shape = (high - low + 1).astype(int)
    else:
        middles = [affine.apply(forward[s], affine.centre(sizes[s])[None])[0] for s in forward]
        low = np.floor(np.mean(middles, axis=0) - (largest - 1) / 2 + 0.5)
        shape = largest
    if (shape > MAX_GROWTH * largest).any():
        raise DataError(
            f"Aligned, the slices reach over {shape[0]} x {shape[1]} pixels (height x width), the "
            f"largest has {largest[0]} x {largest[1]}: they drift apart. Give align.trend=50, or "
            "align.canvas=source to keep the middle only."
        )
    shift = np.column_stack([np.eye(2), -low])
    moved = {slot: affine.compose(shift, matrix) for slot, matrix in forward.items()}
    return Transforms((int(shape[0]), int(shape[1])), moved, dict(sizes), n_slots)


def write(path: Path, transforms: Transforms, voxel_size_nm: Sequence[float] | None) -> Path:
    """Write the file."""
    return write_json(path, transforms.to_dict(voxel_size_nm))


def read(path: Path, sizes: Mapping[int, tuple[int, int]], n_slots: int) -> Transforms:
    """Return transforms for slices of the same stack at any one resolution.

    Args:
        path: Of a file of ``write``.
        sizes: Of the slices that they are used on, by slot. Larger or smaller slices than those
            they were made with, by one factor, are another resolution of the same stack.
        n_slots: How many slots there are.

    Raises:
        DataError: If it is no such file, or does not fit the slices.
    """
    where = f"align.transforms={path}"
    try:
        content = read_json(path, "the transforms of an ingestion")
    except OSError as error:
        raise DataError(f"{where} cannot be read: {error.strerror}.") from None
    if content.get("format") != FORMAT:
        raise DataError(f"{where} is no file of transforms that emqs.ingest wrote.")
    if content.get("version") != VERSION:
        raise DataError(f"{where} is of version {content.get('version')}; read is {VERSION}.")
    try:
        return _parsed(content, sizes, n_slots, where)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(f"{where} is damaged ({type(error).__name__}: {error}).") from None


def _parsed(
    content: dict[str, Any], sizes: Mapping[int, tuple[int, int]], n_slots: int, where: str
) -> Transforms:
    maps, made_of = content["slices"], content["sizes"]
    if len(maps) != n_slots:
        raise DataError(f"{where} is of {len(maps)} slots, the source has {n_slots}.")
    known = [slot for slot, one in enumerate(maps) if one is not None and slot in sizes]
    if not known:
        raise DataError(f"{where} has a map for none of the slices that are used.")
    factors = {round(sizes[slot][k] / made_of[slot][k], 2) for slot in known for k in (0, 1)}
    if max(factors) - min(factors) > 0.02 * max(factors):
        raise DataError(
            f"{where} is of slices of other sizes, e.g. {tuple(made_of[known[0]])} (height, "
            f"width) where the source has {sizes[known[0]]}. Sizes may differ by one factor only."
        )
    whole = sum(sizes[slot][1] for slot in known) / sum(made_of[slot][1] for slot in known)
    factor = round(whole) if whole >= 1 else 1 / round(1 / whole)
    height, width = (round(length * factor) for length in content["shape"])
    forward = {slot: affine.scaled(np.array(maps[slot], float), factor) for slot in known}
    if any(one.shape != (2, 3) or not np.isfinite(one).all() for one in forward.values()):
        raise ValueError("a map is no matrix of 2 x 3 numbers")
    mesh = content.get("mesh")
    if mesh is None:
        return Transforms((height, width), forward, dict(sizes), n_slots)
    step = mesh["step_px"] * factor
    if step != int(step):
        raise DataError(f"{where}: its mesh of {mesh['step_px']} px cannot be made so coarse.")
    rows, columns = mesh["rows"], mesh["columns"]
    offsets = {
        slot: np.array(mesh["offsets"][slot], float).reshape(rows, columns, 2) * factor
        for slot in known
        if mesh["offsets"][slot] is not None
    }
    return Transforms((height, width), forward, dict(sizes), n_slots, int(step), offsets)
