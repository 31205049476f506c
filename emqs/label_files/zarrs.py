"""Zarr (v2 and v3, arrays and OME-Zarr groups) and N5."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError, require
from emqs.label_files.volume import ArrayReader, Box, Layout, Reader, Size, Writer, one_line

_NM = {
    "angstrom": 0.1, "nanometer": 1.0, "nm": 1.0, "micrometer": 1e3, "um": 1e3, "µm": 1e3,
    "millimeter": 1e6, "mm": 1e6,
}  # fmt: skip
_N5_CHUNK = (64, 64, 64)


def read_zarr(path: Path, axes: str | None, dataset: str | None, scale: str | None) -> Reader:
    """Open an array, or one level of an OME-Zarr group.

    Args:
        path: The array or the group.
        axes: Order of its axes; None for what OME-Zarr metadata say, else Z Y X.
        dataset: Path of an array inside a group; None for its multiscale image.
        scale: Level of an OME-Zarr group, its path or number; None for the finest.

    Raises:
        DataError: If there is no array, it is damaged, or its codec is not known.
    """
    zarr = _zarr()
    try:
        node = zarr.open(path, mode="r")
    except Exception as fault:  # the library's errors have no common class
        raise DataError(f"{path} cannot be read as Zarr: {one_line(fault)}.") from None
    stated, size = None, None
    if isinstance(node, zarr.Group):
        if dataset is None:
            dataset, stated, size = _level(node, path, scale)
        node = _member(node, dataset, path, zarr)
    names = "".join(n for n in (node.metadata.dimension_names or ()) if n) if node.metadata.zarr_format == 3 else ""
    if stated is None and sorted(names.lower()[-3:]) == ["x", "y", "z"]:
        stated = names.lower()[-3:]
    return ArrayReader(
        path, "zarr", node, axes=axes or stated or "zyx",
        chunks=node.shards or node.chunks, voxel_size_nm=size,
    )  # fmt: skip


def _level(group: Any, path: Path, scale: str | None) -> tuple[str, str | None, Size | None]:  # noqa: ANN401
    """Return path, axes and voxel size of one level of a multiscale group."""
    attributes = dict(group.attrs)
    images = attributes.get("ome", attributes).get("multiscales")
    if not images:
        names = [name for name, _ in group.arrays()]
        if len(names) == 1:
            return names[0], None, None
        groups = [f"{name}/" for name, _ in group.groups()]
        raise ConfigError(
            f"{path} is a Zarr group that holds {', '.join([*names, *groups]) or 'nothing'}. Choose "
            "an array with input.dataset=NAME."
        )
    levels = [str(entry["path"]) for entry in images[0]["datasets"]]
    chosen = _number(levels, scale, path)
    entry = images[0]["datasets"][chosen]
    axes = [a if isinstance(a, dict) else {"name": a} for a in images[0].get("axes", [])]
    names_of = [str(axis["name"]).lower() for axis in axes]
    order = "".join(name for name in names_of if name in "zyx")
    edges: Size | None = None
    if sorted(order) == ["x", "y", "z"]:
        transforms = entry.get("coordinateTransformations", [])
        factors = next((t["scale"] for t in transforms if t.get("type") == "scale"), None)
        if factors is not None and len(factors) == len(axes):
            in_nm = [
                float(factors[k]) * _NM.get(str(axes[k].get("unit")), np.nan)
                for k in (names_of.index("z"), names_of.index("y"), names_of.index("x"))
            ]
            edges = (in_nm[0], in_nm[1], in_nm[2]) if np.isfinite(in_nm).all() else None
    return levels[chosen], order if sorted(order) == ["x", "y", "z"] else None, edges


def _number(levels: Sequence[str], scale: str | None, path: Path) -> int:
    """Return which level was asked for."""
    if scale is None:
        return 0
    for number, name in enumerate(levels):
        if str(scale) in (name, str(number)):
            return number
    raise ConfigError(f"{path} has no level '{scale}'. input.scale is one of {', '.join(levels)}.")


def _member(group: Any, name: str, path: Path, zarr: ModuleType) -> Any:  # noqa: ANN401
    """Return an array of a group."""
    try:
        node = group[name]
    except Exception as fault:  # the library's errors have no common class
        raise ConfigError(f"{path} has no readable array '{name}': {one_line(fault)}.") from None
    if not isinstance(node, zarr.Array):
        raise ConfigError(f"{path}: '{name}' is a group, not an array.")
    return node


def read_n5(path: Path, axes: str | None, dataset: str | None) -> Reader:
    """Open a dataset of an N5 container; its axes are X Y Z."""
    name = _n5_dataset(path, dataset)
    tensorstore = _tensorstore()
    try:
        array = tensorstore.open(_n5_spec(path / name), read=True).result()
        attributes = json.loads((path / name / "attributes.json").read_text(encoding="utf-8"))
    except Exception as fault:  # the library's errors have no common class
        raise DataError(f"{path / name} cannot be read as N5: {one_line(fault)}.") from None
    resolution = attributes.get("pixelResolution", attributes.get("resolution"))
    size: Size | None = None
    if isinstance(resolution, dict):
        unit = _NM.get(str(resolution.get("unit")))
        edges = resolution.get("dimensions")
        if unit is not None and isinstance(edges, list) and len(edges) == 3:
            size = (float(edges[2]) * unit, float(edges[1]) * unit, float(edges[0]) * unit)
    return ArrayReader(
        path, "n5", _TensorStore(array), axes=axes or "xyz",
        chunks=array.chunk_layout.read_chunk.shape, voxel_size_nm=size,
    )  # fmt: skip


class _TensorStore:
    """A TensorStore whose slicing reads."""

    def __init__(self, array: Any) -> None:  # noqa: ANN401
        self._array = array
        self.shape = tuple(array.shape)
        self.dtype = array.dtype.numpy_dtype

    def __getitem__(self, index: tuple[Any, ...]) -> np.ndarray:
        return np.asarray(self._array[index].read().result())


def _n5_dataset(path: Path, dataset: str | None) -> str:
    """Return the dataset asked for, or the only one."""
    if dataset is not None:
        if not (path / dataset / "attributes.json").is_file():
            raise ConfigError(f"{path} has no dataset '{dataset}'. Give another as input.dataset.")
        return dataset
    found = []
    for file in sorted(path.rglob("attributes.json")):
        try:
            attributes = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            continue
        if "dimensions" in attributes:
            found.append(str(file.parent.relative_to(path)))
    if len(found) != 1:
        listed = ", ".join(found[:8]) or "none"
        raise ConfigError(
            f"{path} holds {len(found)} datasets: {listed}. Choose one with input.dataset=NAME."
        )
    return found[0]


def _n5_spec(path: Path) -> dict[str, Any]:
    return {"driver": "n5", "kvstore": {"driver": "file", "path": f"{path.resolve()}/"}}


class N5Writer(Writer):
    """One dataset ``labels`` of an N5 container, X Y Z, gzip."""

    format = "n5"
    unit = _N5_CHUNK

    def __init__(self, path: Path, layout: Layout) -> None:
        """Make the container, or open it again."""
        super().__init__(path, layout)
        path.mkdir(exist_ok=True)
        if layout.dtype == bool:
            raise DataError(f"{path}: N5 has no bool. Convert with output.dtype=uint8.")
        (path / "attributes.json").write_text('{"n5": "2.0.0"}\n', encoding="ascii")
        metadata: dict[str, Any] = {
            "dimensions": list(reversed(layout.shape)),
            "blockSize": [min(a, b) for a, b in zip(_N5_CHUNK, reversed(layout.shape), strict=True)],
            "dataType": str(layout.dtype),
            "compression": {"type": "gzip"},
        }
        spec = _n5_spec(path / "labels") | {"metadata": metadata}
        self._array = _tensorstore().open(spec, create=True, open=True).result()
        if layout.voxel_size_nm is not None:
            file = path / "labels" / "attributes.json"
            attributes = json.loads(file.read_text(encoding="utf-8"))
            edges = list(reversed(layout.voxel_size_nm))
            attributes["pixelResolution"] = {"dimensions": edges, "unit": "nm"}
            file.write_text(json.dumps(attributes), encoding="utf-8")

    def write(self, box: Box, labels: np.ndarray) -> None:
        """Write a box."""
        z, y, x = box
        self._array[x, y, z].write(labels.T).result()


def _zarr() -> ModuleType:
    """Return the zarr library."""
    return require("zarr", extra="labels", purpose="read and write Zarr")


def _tensorstore() -> ModuleType:
    """Return the tensorstore library."""
    return require("tensorstore", extra="labels", purpose="read and write N5")


class ZarrWriter(Writer):
    """One array."""

    format = "zarr"
    unit = (32, 256, 256)

    def __init__(self, path: Path, layout: Layout) -> None:
        super().__init__(path, layout)
        if path.exists():
            self._array = _zarr().open_array(path, mode="r+")
        else:
            chunks = tuple(min(a, b) for a, b in zip(self.unit, layout.shape))
            self._array = _zarr().create_array(path, shape=layout.shape, dtype=layout.dtype, chunks=chunks)

    def write(self, box: Box, labels: np.ndarray) -> None:
        self._array[box] = labels
