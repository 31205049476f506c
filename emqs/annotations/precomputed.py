"""Writes points as precomputed annotations, which neuroglancer shows over a volume.

Source:
    https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/annotation.rst
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emqs.errors import DataError
from emqs.files import new_folder
from emqs.geometry import Lengths, Shape

#: Types of properties by their NumPy names, in the order in which values follow each other.
TYPES = ("uint32", "int32", "float32", "uint16", "int16", "uint8", "int8")
LEVEL = "spatial0"  # the one level of the spatial index, with one cell


def dimensions(voxel_size_nm: Lengths) -> dict[str, tuple[float, str]]:
    """Return the axes of neuroglancer, X first, each with the length of a voxel in metres."""
    sizes = (float(f"{nm * 1e-9:.12g}") for nm in voxel_size_nm[::-1])
    return {axis: (size, "m") for axis, size in zip("xyz", sizes, strict=True)}


def write_points(
    path: Path,
    points: np.ndarray,
    ids: np.ndarray,
    properties: Mapping[str, np.ndarray],
    *,
    shape: Shape,
    voxel_size_nm: Lengths,
    origin_nm: Lengths = (0.0, 0.0, 0.0),
) -> None:
    """Write a folder of points, found by their number or all at once.

    Args:
        path: Folder to make; must not exist.
        points: Shape ``(N, 3)``, along Z Y X, in nm as voxels are counted: the centre of the first
            voxel lies at ``origin_nm``.
        ids: A different number for each, ``(N,)``, from 0.
        properties: Values ``(N,)`` by name, of one of the dtypes ``TYPES``; names begin with a
            small letter.
        shape: Of the volume, Z Y X.
        voxel_size_nm: Along Z Y X.
        origin_nm: Of the volume.

    Raises:
        ConfigError: If the folder exists.
        DataError: If a property has a type that the format does not know, or the disk is full.
            Nothing is left behind.
    """
    names = sorted(properties, key=lambda name: _place(name, properties[name].dtype.name))
    size = np.array(voxel_size_nm)
    first = np.array(origin_nm) / size  # neuroglancer: voxel i spans i to i + 1
    voxels = points / size + 0.5
    width = sum(properties[name].dtype.itemsize for name in names)
    fields: list[tuple[str, str, tuple[int, ...]]] = [("point", "<f4", (3,))]
    fields += [(name, properties[name].dtype.newbyteorder("<").str, ()) for name in names]
    fields += [("padding", "u1", (-width % 4,))]
    records = np.zeros(len(points), dtype=fields)
    records["point"] = voxels[:, ::-1]
    for name in names:
        records[name] = properties[name]
    extent = [float(n) for n in shape[::-1]]
    level = {"key": LEVEL, "grid_shape": [1, 1, 1], "chunk_size": extent}
    described = {
        "@type": "neuroglancer_annotations_v1",
        "dimensions": dimensions(voxel_size_nm),
        "lower_bound": first[::-1].tolist(),
        "upper_bound": (first + np.array(shape))[::-1].tolist(),
        "annotation_type": "POINT",
        "properties": [{"id": name, "type": properties[name].dtype.name} for name in names],
        "relationships": [],
        "by_id": {"key": "by_id"},
        "spatial": [{**level, "limit": max(1, len(points))}],
    }
    mixed = np.random.default_rng(0).permutation(len(points))  # a viewer shows the first of many
    numbers = ids.astype("<u8")
    count = np.array([len(points)], dtype="<u8")
    with new_folder(path) as folder:
        (folder / "info").write_text(json.dumps(described, indent=1))
        for part in ("by_id", LEVEL):
            (folder / part).mkdir()
        for number, record in zip(numbers.tolist(), records, strict=True):
            (folder / "by_id" / str(number)).write_bytes(record.tobytes())
        content = count.tobytes() + records[mixed].tobytes() + numbers[mixed].tobytes()
        (folder / LEVEL / "0_0_0").write_bytes(content)


def _place(name: str, dtype: str) -> int:
    """Return where a property stands among the others: those of four bytes come first.

    Raises:
        DataError: If the format has no such type.
    """
    if dtype not in TYPES:
        raise DataError(
            f"The property {name} of the points has the type {dtype}; precomputed annotations have "
            f"{', '.join(TYPES)}."
        )
    return {4: 0, 2: 1, 1: 2}[np.dtype(dtype).itemsize]
