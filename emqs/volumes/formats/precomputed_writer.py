"""Writes precomputed volumes that any web server, Neuroglancer and tensorstore find.

Chunks are files of the very names that the format states, without ``.gz``: a plain web server gives
them as they are. Labels of 4 and 8 bytes are in compressed_segmentation, others raw.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError, require
from emqs.files import replacing
from emqs.geometry import Box, Lengths, Shape, boxes
from emqs.volumes.writer import Layout, VolumeWriter

_CHUNK = (64, 64, 64)  # compressed_segmentation has 24-bit offsets, so chunks are small
_BLOCK = (8, 8, 8)


class PrecomputedWriter(VolumeWriter):
    """A precomputed folder of one scale: segmentations, and images of floating-point numbers."""

    format = "precomputed"
    unit = _CHUNK

    def __init__(self, path: Path, layout: Layout) -> None:
        """Write ``info``.

        Raises:
            DataError: If the format has no such voxels.
            ConfigError: If the voxel size is unknown, or the origin no whole number of voxels.
        """
        super().__init__(path, layout)
        is_image = layout.dtype == np.float32
        if layout.dtype.kind != "u" and not is_image:
            raise DataError(f"{path}: Precomputed segmentations are unsigned, got {layout.dtype}.")
        size = layout.voxel_size_nm
        if size is None:
            raise ConfigError(
                f"{path}: a precomputed volume must state its voxel size, and nobody states that "
                "of the source. Give input.voxel_size_nm=[z,y,x] in nm."
            )
        self._offset = whole_offset(layout.origin_nm, size, "input.origin_nm")
        wide = layout.dtype.itemsize >= 4 and not is_image
        self._encoding = "compressed_segmentation" if wide else "raw"
        self._key = "_".join(f"{edge:g}" for edge in reversed(size))
        (path / self._key).mkdir(parents=True, exist_ok=True)
        scale: dict[str, Any] = {
            "key": self._key,
            "size": list(reversed(layout.shape)),
            "voxel_offset": list(reversed(self._offset)),
            "chunk_sizes": [list(reversed(_CHUNK))],
            "resolution": list(reversed(size)),
            "encoding": self._encoding,
        }
        if wide:
            scale["compressed_segmentation_block_size"] = list(_BLOCK)
        info = {
            "@type": "neuroglancer_multiscale_volume",
            "type": "image" if is_image else "segmentation",
            "data_type": str(layout.dtype),
            "num_channels": 1,
            "scales": [scale],
        }
        (path / "info").write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")

    def write(self, box: Box, voxels: np.ndarray) -> None:
        """Write all chunks of a box."""
        for part in boxes(box.shape, _CHUNK):
            chunk = voxels[part.slices]
            whole = part.moved(box.start).moved(self._offset)
            z, y, x = (f"{a}-{b}" for a, b in zip(whole.start, whole.stop, strict=True))
            with replacing(self.path / self._key / f"{x}_{y}_{z}") as temporary:
                temporary.write_bytes(self._encode(chunk))

    def _encode(self, chunk: np.ndarray) -> bytes:
        """Return the stream of a chunk, X fastest."""
        if self._encoding == "raw":
            return np.ascontiguousarray(chunk, chunk.dtype.newbyteorder("<")).tobytes()
        library = require("compressed_segmentation", extra="codecs", purpose="write its chunks")
        plain = np.ascontiguousarray(chunk)
        return bytes(library.compress(plain.T, block_size=_BLOCK, order="F"))


def whole_offset(origin_nm: Lengths, voxel_size_nm: Lengths, setting: str) -> Shape:
    """Return an origin as a whole number of voxels along Z Y X.

    Args:
        origin_nm: Along Z Y X.
        voxel_size_nm: Along Z Y X.
        setting: Name of the setting that states the origin, for the message.

    Raises:
        ConfigError: If it is none.
    """
    offset = [o / s for o, s in zip(origin_nm, voxel_size_nm, strict=True)]
    if not all(abs(o - round(o)) < 1e-3 for o in offset):
        raise ConfigError(
            f"A precomputed volume begins at a whole number of voxels; origin_nm={origin_nm} is "
            f"{tuple(round(o, 3) for o in offset)} voxels of {voxel_size_nm} nm (Z, Y, X). Give "
            f"another {setting}."
        )
    z, y, x = (round(o) for o in offset)
    return z, y, x
