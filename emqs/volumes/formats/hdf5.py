"""HDF5 datasets."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError, require
from emqs.geometry import Box
from emqs.volumes.axes import Axes, Request, Stated, numbers
from emqs.volumes.volume import Volume, bounded_chunks, native

MAGIC = b"\x89HDF\r\n\x1a\n"
_SHOWN = 10  # datasets listed in an error message
_DAMAGED = (OSError, ValueError, KeyError, RuntimeError, TypeError)  # what h5py raises


def open_hdf5(path: Path, request: Request) -> Volume:
    """Return a volume of a dataset in an HDF5 file.

    Voxel sizes are taken from ``element_size_um`` (Z Y X, as ilastik and BigDataViewer write it) or
    from ``resolution`` or ``voxel_size`` with ``unit`` or ``units``; axes from ``axistags`` (vigra,
    ilastik), ``axes``, ``axis_names`` or the labels of the dimensions.

    Raises:
        DataError: If the file is damaged, the dataset lies in another file, or its axes or voxel
            size are not known.
        ConfigError: If there are several datasets and none is chosen, or an index must be.
    """
    with _opened(path) as file:
        name = _dataset_name(file, request, path)
        where = f"{path}/{name}"
        request.refuse_level(where)
        dataset = _checked(file, name, path)
        shape, dtype, chunks = list(dataset.shape), dataset.dtype, dataset.chunks
        attributes = {key: _plain(dataset.attrs, key) for key in dataset.attrs}
        labels = [dimension.label for dimension in dataset.dims]
    if dtype.kind not in "uif":
        raise DataError(f"{where} holds values of type {dtype}; allowed are numbers.")
    stated = _stated(attributes, labels, len(shape), where)
    axes = stated.axes(shape, request, where)
    facts = stated.geometry(axes, request, where).fields()
    volume_shape = axes.triple(shape, 1)
    stored = axes.triple(chunks, 1) if chunks is not None else None
    if stored is None:
        stored = bounded_chunks(volume_shape, dtype.itemsize)
    reader = Hdf5Reader(path, name, axes)
    return Volume(
        name=where, shape=volume_shape, dtype=native(dtype), chunks=stored, reader=reader,
        path=path, format="hdf5", **facts,
    )  # fmt: skip


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file; whatever is wrong with its bytes becomes one DataError."""
    h5py = require("h5py", extra="volumes", purpose="read HDF5 volumes")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except _DAMAGED as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{path} cannot be read as HDF5; it is damaged, cut off or open for writing elsewhere "
            f"({reason}). Copy or export it again."
        ) from None


def _plain(attributes: Any, key: str) -> object:  # noqa: ANN401
    """Return an attribute as plain Python."""
    try:
        value = attributes[key]
    except _DAMAGED:
        return None  # of a kind that h5py does not know; none that is used here
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        return [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in value.tolist()]
    return value.item() if isinstance(value, np.generic) else value


def _dataset_name(file: Any, request: Request, path: Path) -> str:  # noqa: ANN401
    """Return the path of the dataset that is meant, without a leading slash."""
    if request.dataset is not None:
        name = request.dataset.strip("/")
        if ".." in name.split("/"):
            raise DataError(f"dataset={request.dataset} must not contain '..'.")
        return name
    found: list[str] = []

    def note(name: str, item: Any) -> None:  # noqa: ANN401
        if getattr(item, "ndim", 0) >= 3 and item.dtype.kind in "uif":
            found.append(name)

    file.visititems(note)  # follows no links to other files
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigError(f"{path} holds no dataset with three axes. Choose one with dataset=.")
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    raise ConfigError(
        f"{path} holds several volumes: {', '.join(found[:_SHOWN])}{more}. Choose one with "
        "dataset=."
    )


def _checked(file: Any, name: str, path: Path) -> Any:  # noqa: ANN401
    """Return a dataset whose voxels all lie in this file."""
    h5py = require("h5py", extra="volumes", purpose="read HDF5 volumes")
    parts = name.split("/")
    for depth in range(1, len(parts) + 1):
        here = "/".join(parts[:depth])
        link = file.get(here, getlink=True) if here else None
        if isinstance(link, h5py.ExternalLink | h5py.SoftLink):
            target = getattr(link, "filename", None) or link.path
            raise DataError(f"{path}: '{here}' is a link to {target}. Open its target instead.")
    item = file.get(name) if name else None
    if not isinstance(item, h5py.Dataset):
        raise ConfigError(f"{path} holds no dataset '{name}'. Choose one that is there, dataset=.")
    if item.external or item.is_virtual:
        raise DataError(
            f"{path}: the voxels of '{name}' lie in other files. Copy them into one file, e.g. "
            "with h5repack."
        )
    return item


def _stated(attributes: dict[str, Any], labels: list[str], n_axes: int, where: str) -> Stated:
    """Return what the attributes of a dataset say."""
    names = _names(attributes, labels)
    if "element_size_um" in attributes:
        sizes = numbers(attributes["element_size_um"], 3, f"'element_size_um' of {where}")
        if names is None and n_axes == 3:
            names = ["z", "y", "x"]  # the attribute is defined for arrays in this order
        by_name = dict(zip("zyx", sizes, strict=True))
        scale = [by_name.get(name.lower(), 1.0) for name in names] if names is not None else None
        return Stated(names, scale, None, ["um"] * n_axes)
    key = next((k for k in ("resolution", "voxel_size") if k in attributes), None)
    if key is None:
        return Stated(names)
    scale = numbers(attributes[key], n_axes, f"'{key}' of {where}")
    unit = attributes.get("units", attributes.get("unit"))
    units = unit if isinstance(unit, list) else [unit] * n_axes
    shift = attributes.get("offset")
    translation = numbers(shift, n_axes, f"'offset' of {where}") if shift is not None else None
    return Stated(names, scale, translation, [*units, *([None] * n_axes)][:n_axes])


def _names(attributes: dict[str, Any], labels: list[str]) -> list[str] | None:
    """Return the names of the axes, if the dataset has them."""
    tags = attributes.get("axistags")
    if isinstance(tags, str):
        try:
            return [str(axis["key"]) for axis in json.loads(tags)["axes"]]
        except (ValueError, KeyError, TypeError):
            return None
    for key in ("axes", "axis_names"):
        value = attributes.get(key)
        if isinstance(value, str):
            return list(value)
        if isinstance(value, list):
            return [str(name) for name in value]
    return labels if all(labels) else None


@dataclass(frozen=True, eq=False)
class Hdf5Reader:
    """One dataset; the file is open only while a box is read."""

    path: Path
    name: str
    axes: Axes

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box; see ``Reader.read``."""
        with _opened(self.path) as file:
            voxels = np.asarray(_checked(file, self.name, self.path)[self.axes.index(box)])
        return voxels.transpose(self.axes.order).reshape(box.shape)
