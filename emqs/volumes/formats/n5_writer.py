"""Writes N5: one dataset of a container, axes X Y Z, gzip."""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import DataError
from emqs.files import replacing
from emqs.geometry import Box
from emqs.volumes.chunks import tensorstore
from emqs.volumes.writer import Layout, VolumeWriter

_CHUNK = (64, 64, 64)
_OS_ERROR = re.compile(r"os_error_code='(\d+)'")


class N5Writer(VolumeWriter):
    """One dataset ``labels`` of an N5 container.

    Voxel size and origin are written as n5-viewer (``pixelResolution``) and as COSEM
    (``transform``, which lists axes Z first) have them; an unknown voxel size is left out.
    """

    format = "n5"
    unit = _CHUNK

    def __init__(self, path: Path, layout: Layout) -> None:
        """Make the container, or open it again.

        Raises:
            DataError: If N5 has no such voxels.
        """
        super().__init__(path, layout)
        path.mkdir(exist_ok=True)
        if layout.dtype == bool:
            raise DataError(f"{path}: N5 has no bool. Convert with output.dtype=uint8.")
        (path / "attributes.json").write_text('{"n5": "2.0.0"}\n', encoding="ascii")
        metadata: dict[str, Any] = {
            "dimensions": list(reversed(layout.shape)),
            "blockSize": [
                min(a, b) for a, b in zip(_CHUNK[::-1], reversed(layout.shape), strict=True)
            ],
            "dataType": str(layout.dtype),
            "compression": {"type": "gzip"},
        }
        folder = path / "labels"
        store = {"driver": "file", "path": f"{folder.resolve()}/"}
        spec = {"driver": "n5", "kvstore": store, "metadata": metadata}
        self._array = tensorstore().open(spec, create=True, open=True).result()
        file = folder / "attributes.json"
        attributes = json.loads(file.read_text(encoding="utf-8")) | self._said()
        with replacing(file) as temporary:
            temporary.write_text(json.dumps(attributes), encoding="utf-8")

    def _said(self) -> dict[str, Any]:
        """Return the attributes that say where the volume lies."""
        size, origin = self.layout.voxel_size_nm, self.layout.origin_nm
        if size is None:
            if any(origin):
                self.notes.append(
                    "The origin is not written: N5 states it in a unit, and so with a voxel size."
                )
            return {"axes": ["x", "y", "z"]}
        return {
            "axes": ["x", "y", "z"],
            "pixelResolution": {"dimensions": list(size[::-1]), "unit": "nm"},
            "transform": {
                "axes": ["z", "y", "x"],
                "units": ["nm", "nm", "nm"],
                "scale": list(size),
                "translate": list(origin),
            },
        }

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
