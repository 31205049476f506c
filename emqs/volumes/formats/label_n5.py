"""N5 containers; their axes are X Y Z."""

import json
import os
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError, one_line, require
from emqs.geometry import Box
from emqs.volumes.label_volume import ArrayReader, Reader, Size
from emqs.volumes.writer import Layout, VolumeWriter
from emqs.volumes.zarr_labels.format import NM

_CHUNK = (64, 64, 64)
_OS_ERROR = re.compile(r"os_error_code='(\d+)'")


def read_n5(path: Path, axes: str | None, dataset: str | None) -> Reader:
    """Open a dataset of an N5 container; its axes are X Y Z."""
    name = _dataset(path, dataset)
    tensorstore = _tensorstore()
    try:
        array = tensorstore.open(_spec(path / name), read=True).result()
        attributes = json.loads((path / name / "attributes.json").read_text(encoding="utf-8"))
    except Exception as fault:  # the library's errors have no common class
        raise DataError(f"{path / name} cannot be read as N5: {one_line(fault)}.") from None
    resolution = attributes.get("pixelResolution", attributes.get("resolution"))
    size: Size | None = None
    if isinstance(resolution, dict):
        unit = NM.get(str(resolution.get("unit")))
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


def _dataset(path: Path, dataset: str | None) -> str:
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


def _spec(path: Path) -> dict[str, Any]:
    return {"driver": "n5", "kvstore": {"driver": "file", "path": f"{path.resolve()}/"}}


class N5Writer(VolumeWriter):
    """One dataset ``labels`` of an N5 container, X Y Z, gzip."""

    format = "n5"
    unit = _CHUNK

    def __init__(self, path: Path, layout: Layout) -> None:
        """Make the container, or open it again."""
        super().__init__(path, layout)
        path.mkdir(exist_ok=True)
        if layout.dtype == bool:
            raise DataError(f"{path}: N5 has no bool. Convert with output.dtype=uint8.")
        (path / "attributes.json").write_text('{"n5": "2.0.0"}\n', encoding="ascii")
        metadata: dict[str, Any] = {
            "dimensions": list(reversed(layout.shape)),
            "blockSize": [min(a, b) for a, b in zip(_CHUNK, reversed(layout.shape), strict=True)],
            "dataType": str(layout.dtype),
            "compression": {"type": "gzip"},
        }
        spec = _spec(path / "labels") | {"metadata": metadata}
        self._array = _tensorstore().open(spec, create=True, open=True).result()
        if layout.voxel_size_nm is not None:
            file = path / "labels" / "attributes.json"
            attributes = json.loads(file.read_text(encoding="utf-8"))
            edges = list(reversed(layout.voxel_size_nm))
            attributes["pixelResolution"] = {"dimensions": edges, "unit": "nm"}
            file.write_text(json.dumps(attributes), encoding="utf-8")

    def write(self, box: Box, voxels: np.ndarray) -> None:
        """Write a box."""
        z, y, x = box.slices
        try:
            self._array[x, y, z].write(voxels.T).result()
        except ValueError as fault:  # its errors of files, whose numbers are in their text
            number = _OS_ERROR.search(str(fault))
            if number is None:
                raise
            raise OSError(int(number.group(1)), os.strerror(int(number.group(1)))) from None


def _tensorstore() -> ModuleType:
    """Return the tensorstore library."""
    return require("tensorstore", extra="labels", purpose="read and write N5")
