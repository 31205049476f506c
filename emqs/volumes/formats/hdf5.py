"""HDF5 datasets: those of ilastik, CREMI, netCDF and others, and of BigDataViewer with its XML."""

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError, first_line, require
from emqs.geometry import Box
from emqs.volumes.axes import Axes, Request, Stated, numbers
from emqs.volumes.formats import compressed, first_look
from emqs.volumes.volume import Volume, bounded_chunks, native

MAGIC = b"\x89HDF\r\n\x1a\n"
_SHOWN = 10  # datasets listed in an error message
_HOPS = 16  # links that are followed, one to the other
_SMALLEST_NM = 0.1  # a smaller edge without a unit is in another unit than nm
_DAMAGED = (OSError, ValueError, KeyError, RuntimeError, TypeError)  # what h5py raises


@dataclass(frozen=True, eq=False)
class Source:
    """An HDF5 file; ``content`` holds its bytes where it is compressed as a whole."""

    path: Path
    content: bytes | None = field(default=None, repr=False)

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Open it; whatever is wrong with its bytes becomes one DataError."""
        file: Any = self.path if self.content is None else io.BytesIO(self.content)
        try:
            with h5py_library().File(file, "r") as opened:
                yield opened
        except _DAMAGED as error:
            reason = first_line(error)
            raise DataError(
                f"{self.path} cannot be read as HDF5; it is damaged, cut off or open for writing "
                f"elsewhere ({reason}). Copy or export it again."
            ) from None


def h5py_library() -> ModuleType:
    """Return the package h5py, or say how to get it."""
    return require("h5py", extra="volumes", purpose="read and write HDF5 volumes")


def open_hdf5(path: Path, request: Request) -> Volume:
    """Return a volume of a dataset in an HDF5 file, or of the XML of BigDataViewer.

    Axes are taken from ``axistags`` (vigra, ilastik), ``axes``, ``axis_names``,
    ``_ARRAY_DIMENSIONS`` (xarray) or the labels or scales of the dimensions. Voxel sizes are taken
    from ``element_size_um`` (Z Y X, as ImageJ writes it), from ``resolution`` or ``voxel_size``
    with ``unit`` or ``units`` (nm without, as in CREMI's files), from ``axistags`` that have units,
    or from the scales of the dimensions; the origin from ``offset``, in the same unit.

    Raises:
        DataError: If the file is damaged, the voxels lie in another file, or its axes are not
            known.
        ConfigError: If there are several datasets and none is chosen, or an index must be.
    """
    packed = compressed.split_ending(path)[1]
    content = compressed.unpacked(path) if packed else None
    first_look.at(path, request, content)
    return opened_here(path, request, content)


def opened_here(path: Path, request: Request, content: bytes | None) -> Volume:
    """Return a volume as ``open_hdf5``, without a first look.

    Args:
        path: The file, or an XML.
        request: What the user says of it.
        content: Its bytes, unpacked, where it is compressed as a whole.
    """
    from emqs.volumes.formats import bdv

    if path.suffix.lower() == ".xml":
        return bdv.open_xml(path, request)
    source = Source(path, content)
    with source.opened() as file:
        is_bdv = bdv.is_bdv(file)
        if not is_bdv:
            name = _dataset_name(file, request, path)
    if is_bdv:
        return bdv.open_bdv(source, None, request)
    where = f"{path}/{name}"
    request.refuse_level(where)
    return open_dataset(source, name, request, where)


def open_dataset(
    source: Source,
    name: str,
    request: Request,
    where: str,
    *,
    stated: Stated | None = None,
    unsigned: bool = False,
    **facts: Any,  # noqa: ANN401 (fields of a Volume)
) -> Volume:
    """Return a volume of one dataset.

    Args:
        source: The file.
        name: Of the dataset.
        request: What the user says of it.
        where: Its name in messages.
        stated: What is known of its axes; None to take it from its attributes.
        unsigned: Whether signed numbers of 16 bits are unsigned ones.
        **facts: More fields of the volume; notes come before others.
    """
    holder, name = target(source, name)
    with holder.opened() as file:
        dataset = checked(file, name, holder.path)
        shape, dtype, chunks = list(dataset.shape), dataset.dtype, dataset.chunks
        if dtype.kind not in "uifb":
            raise DataError(f"{where} holds values of type {dtype}; allowed are numbers.")
        if stated is None:
            stated = _stated(dataset, len(shape), where)
    axes = stated.axes(shape, request, where)
    fields = {**stated.geometry(axes, request, where).fields(), "path": source.path}
    fields["notes"] = (*facts.pop("notes", ()), *fields["notes"])
    volume_shape = axes.triple(shape, 1)
    stored = axes.triple(chunks, 1) if chunks is not None else None
    if stored is None:
        stored = bounded_chunks(volume_shape, dtype.itemsize)
    as_unsigned = unsigned and dtype == np.int16
    dtype = np.dtype(np.uint16) if as_unsigned else native(dtype)
    return Volume(
        name=where, shape=volume_shape, dtype=dtype, chunks=stored, format="hdf5",
        reader=Hdf5Reader(holder, name, axes, as_unsigned), **{**fields, **facts},
    )  # fmt: skip


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
    volumes: list[str] = []
    images: list[str] = []
    kinds = "uib" if request.labels else "uifb"

    def note(name: str, item: Any) -> None:  # noqa: ANN401
        n_axes = getattr(item, "ndim", 0)
        if n_axes >= 2 and item.dtype.kind in "uifb":
            (volumes if n_axes >= 3 and item.dtype.kind in kinds else images).append(name)

    file.visititems(note)  # follows no links
    names = volumes or (images if request.labels else [])
    if len(names) == 1:
        return names[0]
    setting = f"{request.prefix}dataset="
    if not names:
        raise ConfigError(f"{path} holds no dataset with three axes. Choose one with {setting}.")
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    raise ConfigError(
        f"{path} holds several volumes: {', '.join(names[:_SHOWN])}{more}. Choose one with "
        f"{setting}NAME."
    )


def target(source: Source, name: str) -> tuple[Source, str]:
    """Return the file and the name of a dataset, following links that stay in the folder.

    Raises:
        DataError: If a link leads to a file outside the folder, or in a circle.
        ConfigError: If there is no such dataset.
    """
    for _ in range(_HOPS):
        with source.opened() as file:
            after = _next(source, file, name)
        if after is None:
            return source, name
        source, name = after
    raise DataError(f"{source.path}: the links to '{name}' lead in a circle.")


def _next(source: Source, file: Any, name: str) -> tuple[Source, str] | None:  # noqa: ANN401
    """Return where the first link in a path leads; None if there is none."""
    h5py = h5py_library()
    parts = name.split("/")
    for depth in range(1, len(parts) + 1):
        before, rest = "/".join(parts[:depth]), parts[depth:]
        link = file.get(before, getlink=True) if before else None
        if isinstance(link, h5py.SoftLink):
            inner = link.path if link.path.startswith("/") else "/".join(
                [*parts[: depth - 1], link.path]
            )  # fmt: skip
            return source, "/".join([inner.strip("/"), *rest])
        if isinstance(link, h5py.ExternalLink):
            other = partner(source.path, link.filename, f"'{before}' is a link to")
            return Source(other), "/".join([link.path.strip("/"), *rest])
    return None


def partner(path: Path, name: str, what: str) -> Path:
    """Return a file or folder that a file names, which must lie in its folder or below.

    Args:
        path: The file that names it.
        name: As it names it.
        what: For the message, e.g. ``"'raw' is a link to"``.

    Raises:
        DataError: If it lies elsewhere, or is missing.
    """
    pure = PurePosixPath(name.replace("\\", "/"))
    if not name or pure.is_absolute() or ".." in pure.parts or ":" in name or "\0" in name:
        raise DataError(
            f"{path}: {what} {name}, which lies outside of its folder and is not opened. Put the "
            "file there, or open it itself."
        )
    other = path.parent / pure
    if not other.exists():
        raise DataError(f"{path}: {what} {name}, which is missing. Put it beside this file.")
    return other


def checked(file: Any, name: str, path: Path) -> Any:  # noqa: ANN401
    """Return a dataset whose voxels all lie in this file; its name holds no links.

    Raises:
        DataError: If its voxels lie in other files.
        ConfigError: If there is no such dataset.
    """
    h5py = h5py_library()
    item = file.get(name) if name else None
    if not isinstance(item, h5py.Dataset):
        raise ConfigError(f"{path} holds no dataset '{name}'. Choose one that is there, dataset=.")
    if item.external or item.is_virtual:
        names = [str(entry[0]) for entry in item.external or ()]
        if item.is_virtual:
            names = [str(part.file_name) for part in item.virtual_sources()]
        others = ", ".join(dict.fromkeys(names[:3]))
        raise DataError(
            f"{path}: the voxels of '{name}' lie in other files ({others}), which are not opened. "
            "Copy them into one file, e.g. with h5repack."
        )
    return item


def _stated(dataset: Any, n_axes: int, where: str) -> Stated:  # noqa: ANN401
    """Return what the attributes and dimensions of a dataset say."""
    attributes = {key: _plain(dataset.attrs, key) for key in dataset.attrs}
    tags = _tags(attributes)
    names = _names(attributes, tags, dataset)
    if "element_size_um" in attributes:
        sizes = numbers(attributes["element_size_um"], 3, f"'element_size_um' of {where}")
        if names is None and n_axes == 3:
            names = ["z", "y", "x"]  # the attribute is defined for arrays in this order
        by_name = dict(zip("zyx", sizes, strict=True))
        scale = [by_name.get(name.lower(), 1.0) for name in names] if names is not None else None
        return Stated(names, scale, None, ["um"] * n_axes)
    key = next((k for k in ("resolution", "voxel_size") if k in attributes), None)
    if key is None and "offset" not in attributes:
        return _of_tags(names, tags) or _of_scales(names, dataset)
    if names is None and n_axes == 3:
        names = ["z", "y", "x"]  # CREMI's files, for which these attributes are defined
    lengths = None if key is None else _per_axis(attributes[key], names, n_axes, f"'{key}'", where)
    shift = attributes.get("offset")
    translation = None if shift is None else _per_axis(shift, names, n_axes, "'offset'", where)
    unit = attributes.get("units", attributes.get("unit"))
    if unit is None and not any(e and abs(e) < _SMALLEST_NM for e in lengths or ()):
        unit = "nm"
    units = unit if isinstance(unit, list) else [unit] * n_axes
    if len(units) == 3 < n_axes and names is not None:
        spatial = iter(units)
        units = [next(spatial) if name.lower() in ("z", "y", "x") else None for name in names]
    return Stated(names, lengths, translation, [*units, *([None] * n_axes)][:n_axes])


def _per_axis(
    values: object, names: Sequence[str] | None, n_axes: int, what: str, where: str
) -> list[float | None]:
    """Return one number per stored axis, of which a file may list only those of space."""
    named = [k for k, name in enumerate(names or ()) if name.lower() in ("z", "y", "x")]
    if isinstance(values, list) and len(values) == len(named) < n_axes:
        result: list[float | None] = [None] * n_axes
        for place, number in zip(named, numbers(values, len(named), f"{what} of {where}"),
                                 strict=True):  # fmt: skip
            result[place] = number
        return result
    return [*numbers(values, n_axes, f"{what} of {where}")]


def _tags(attributes: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Return the axes that vigra and ilastik describe in JSON."""
    text = attributes.get("axistags")
    if not isinstance(text, str):
        return None
    try:
        axes = json.loads(text)["axes"]
        return [{**axis, "key": str(axis["key"])} for axis in axes]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _names(
    attributes: dict[str, Any],
    tags: list[dict[str, Any]] | None,
    dataset: Any,  # noqa: ANN401
) -> list[str] | None:
    """Return the names of the axes, if the dataset has them."""
    if tags is not None:
        return [axis["key"] for axis in tags]
    for key in ("axes", "axis_names", "_ARRAY_DIMENSIONS"):
        value = attributes.get(key)
        if isinstance(value, str):
            return value.split(",") if "," in value else list(value)
        if isinstance(value, list):
            return [str(name) for name in value]
    labels = []
    for dimension in dataset.dims:
        scale = dimension[0].name if len(dimension) else None
        labels.append(dimension.label or (scale or "").rpartition("/")[2])
    return labels if {"y", "x"} <= {label.lower() for label in labels} else None


def _of_tags(names: Sequence[str] | None, tags: list[dict[str, Any]] | None) -> Stated | None:
    """Return the sizes of axistags; None if they have none. They count only with a unit."""
    if tags is None or not any(axis.get("unit") and axis.get("resolution") for axis in tags):
        return None
    scale = [float(axis.get("resolution") or 0) or None for axis in tags]
    return Stated(names, scale, None, [axis.get("unit") for axis in tags])


def _of_scales(names: Sequence[str] | None, dataset: Any) -> Stated:  # noqa: ANN401
    """Return sizes and origin of dimension scales, which hold the position of every voxel."""
    scale: list[float | None] = []
    shift: list[float | None] = []
    units: list[object] = []
    for dimension in dataset.dims:
        listed = len(dimension) and dimension[0].ndim == 1
        values = np.asarray(dimension[0][:2] if listed else [])
        stated = len(values) == 2 and values.dtype.kind in "uif"
        scale.append(float(values[1]) - float(values[0]) if stated else None)
        shift.append(float(values[0]) if stated else None)
        attributes = dimension[0].attrs if len(dimension) else {}
        units.append(_plain(attributes, "units") if "units" in attributes else None)
    if not any(scale):
        return Stated(names)
    return Stated(names, scale, shift, units)


@dataclass(frozen=True, eq=False)
class Hdf5Reader:
    """One dataset; the file is open only while a box is read."""

    source: Source
    name: str
    axes: Axes
    unsigned: bool = False

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box; see ``Reader.read``."""
        with self.source.opened() as file:
            dataset = checked(file, self.name, self.source.path)
            voxels = np.asarray(dataset[self.axes.index(box)])
        if self.unsigned:
            voxels = voxels.astype(np.int16).view(np.uint16)
        return voxels.transpose(self.axes.order).reshape(box.shape)
