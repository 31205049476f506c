"""Surfaces of objects as meshes, in the form that neuroglancer reads beside an image."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emqs.errors import require
from emqs.files import write_json
from emqs.geometry import Box, Lengths
from emqs.runs.progress import Step
from emqs.volumes import Volume

MAX_VOXELS = 2**26  # of an object's box; larger ones are meshed from every second voxel, or fewer
REDUCTION = 20  # of the number of triangles, as far as MAX_ERROR lets it
MAX_ERROR = 1.0  # in voxels of the longest edge: how far a simplified surface may lie beside


def write_meshes(folder: Path, labels: Volume, around: Mapping[int, Box], *, step: Step) -> None:
    """Write the surface of every object.

    ``folder`` becomes a source of meshes of the kind ``neuroglancer_legacy_mesh``: a file
    ``LABEL:0`` that names its one fragment, and the fragment, whose vertices are X Y Z in nm, so
    that they lie where the voxels lie.

    Args:
        folder: Is made.
        labels: Label image of the objects.
        around: Box of every object, in voxels of that image, by label.
        step: Called with a stage, parts done, and parts in all.

    Raises:
        MissingDependencyError: If zmesh is not installed.
        DataError: If the labels cannot be read.
    """
    zmesh = require("zmesh", extra="meshes", purpose="make meshes of objects")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "info", {"@type": "neuroglancer_legacy_mesh"})
    size = labels.require_voxel_size()
    for done, (label, box) in enumerate(around.items(), 1):
        every = _every(box)
        mask = np.pad(_mask(labels, label, box, every), 1)
        scaled = tuple(s * every for s in size)
        mesher = zmesh.Mesher(scaled[::-1])
        mesher.mesh(np.asfortranarray(mask.transpose(2, 1, 0)))
        mesh = mesher.get(1, normals=False, reduction_factor=REDUCTION,
                          max_error=MAX_ERROR * max(scaled))  # fmt: skip
        mesh.vertices += _first(box, size, labels.origin_nm, every).astype(np.float32)
        (folder / f"{label}.0").write_bytes(mesh.to_precomputed())
        write_json(folder / f"{label}:0", {"fragments": [f"{label}.0"]})
        step("meshes", done, len(around))


def _every(box: Box) -> int:
    """Return that every so manyth voxel along each axis is looked at."""
    every = 1
    while box.size / every**3 > MAX_VOXELS:
        every *= 2
    return every


def _mask(labels: Volume, label: int, box: Box, every: int) -> np.ndarray:
    """Return which voxels are an object, uint8, read a few slices at a time."""
    result = []
    for z in range(box.start[0], box.stop[0], every):
        voxels = labels.read(Box((z, *box.start[1:]), (z + 1, *box.stop[1:])))
        result.append(voxels[0, ::every, ::every] == label)
    return np.stack(result).astype(np.uint8)


def _first(box: Box, size: Lengths, origin: Lengths, every: int) -> np.ndarray:
    """Return the place of the first voxel of the padded mask, X Y Z, in nm."""
    z, y, x = (o + s * (a - every) for o, s, a in zip(origin, size, box.start, strict=True))
    return np.array([x, y, z])
