"""A volume of any format as neuroglancer's precomputed format, made while it is asked for.

Coordinates are voxels of the volume from 0, whatever its origin: the place that a viewer shows is
the voxel that everything else here names. A scale has the key ``ZxYxX`` of the whole numbers by
which the axes of the finest were divided, and chunks of 64 x 64 x 64.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError, NotFoundError, require
from emqs.volumes import Box, Volume
from emqs.web.caches import Cache

EDGE = 64  # voxels of a chunk along each axis
EDGES = (EDGE, EDGE, EDGE)
ORIGIN = (0, 0, 0)
ENCODINGS = ("raw", "jpeg", "compressed_segmentation")
JPEG_QUALITY = 85
CACHE_BYTES = 2**28  # decoded voxels kept in a process
BLOCK_BYTES = 2**27  # read at once from a source that is stored in other pieces
_NUMBER = r"(0|[1-9][0-9]{0,14})"
_CHUNK = re.compile("_".join(f"{_NUMBER}-{_NUMBER}" for _ in range(3)))
_PLAIN = {"u1", "i1", "u2", "i2", "u4", "i4", "u8", "f4"}  # dtypes that the format has


@dataclass(frozen=True, eq=False)
class Scale:
    """One resolution of a layer.

    Attributes:
        volume: Its voxels.
        factors: Whole numbers along Z Y X by which the axes of the finest were divided.
    """

    volume: Volume
    factors: tuple[int, int, int]

    @property
    def key(self) -> str:
        """Its name in addresses."""
        return "x".join(map(str, self.factors))


def info(
    scales: Sequence[Scale],
    kind: str,
    encoding: str,
    edges: Sequence[int] = EDGES,
    offset: Sequence[int] = ORIGIN,
) -> dict[str, Any]:
    """Return the file ``info`` of the format.

    Args:
        scales: Finest first.
        kind: ``"image"`` or ``"segmentation"``.
        encoding: One of ``ENCODINGS``.
        edges: Of a chunk, Z Y X.
        offset: First voxel, Z Y X, of volumes of one scale that are a part of another one.

    Raises:
        ConfigError: If the layer cannot be encoded so.
    """
    finest = scales[0].volume
    dtype = served_dtype(finest.dtype, kind, encoding)
    described = []
    for scale in scales:
        size = [v * f for v, f in zip(finest.require_voxel_size(), scale.factors, strict=True)]
        one: dict[str, Any] = {
            "key": scale.key,
            "size": list(scale.volume.shape[::-1]),
            "resolution": size[::-1],
            "voxel_offset": list(offset)[::-1],
            "chunk_sizes": [list(edges)[::-1]],
            "encoding": encoding,
        }
        if encoding == "compressed_segmentation":
            one["compressed_segmentation_block_size"] = [8, 8, 8]
        described.append(one)
    return {
        "@type": "neuroglancer_multiscale_volume",
        "type": kind,
        "data_type": dtype.name,
        "num_channels": 1,
        "scales": described,
    }


def served_dtype(dtype: np.dtype[Any], kind: str, encoding: str) -> np.dtype[Any]:
    """Return the type in which voxels are served; their own wherever the format has it.

    Labels with a sign become uint64, and other floating-point numbers float32.

    Raises:
        ConfigError: If the encoding does not fit, or the format has no such voxels.
    """
    if encoding not in ENCODINGS:
        raise ConfigError(f"The encoding must be one of {', '.join(ENCODINGS)}, got {encoding!r}.")
    if encoding == "jpeg" and (kind != "image" or dtype != np.uint8):
        raise ConfigError(f"JPEG is for images of uint8; this is a {kind} of {dtype}. Take raw.")
    if encoding == "compressed_segmentation":
        if kind != "segmentation":
            raise ConfigError("compressed_segmentation is for segmentations; this is an image.")
        return np.dtype(np.uint32 if dtype.kind == "u" and dtype.itemsize <= 4 else np.uint64)
    if kind == "segmentation" and dtype.kind == "i":
        return np.dtype(np.uint64)
    if dtype.kind == "f":
        return np.dtype(np.float32)
    if dtype.str[1:] not in _PLAIN:
        raise ConfigError(
            f"Images of {dtype} cannot be shown; the format has whole numbers of up to 32 bits, "
            "uint64 and float32. Store the volume in one of these."
        )
    return dtype


def scale_of(scales: Sequence[Scale], key: str) -> Scale:
    """Return the scale with a key.

    Raises:
        NotFoundError: If there is none.
    """
    for scale in scales:
        if scale.key == key:
            return scale
    raise NotFoundError(
        f"There is no scale {key[:40]!r}; this layer has {', '.join(s.key for s in scales)}."
    )


def box_of(
    name: str,
    shape: tuple[int, int, int],
    edges: Sequence[int] = EDGES,
    offset: Sequence[int] = ORIGIN,
) -> Box:
    """Return the voxels of a chunk, given its name ``x0-x1_y0-y1_z0-z1``.

    Args:
        name: As the format says; starts are multiples of an edge, ends one further or the volume's.
        shape: Of the scale, Z Y X.
        edges: Of a chunk, Z Y X.
        offset: As of ``info``; the box counts from there.

    Raises:
        ConfigError: If it is no name of a chunk of such a scale.
    """
    match = _CHUNK.fullmatch(name)
    if match is None:
        raise ConfigError(
            f"{name[:100]!r} is no chunk: it must be x0-x1_y0-y1_z0-z1 in whole numbers."
        )
    numbers = [int(group) for group in match.groups()]
    starts = [n - o for n, o in zip(numbers[::2][::-1], offset, strict=True)]
    stops = [n - o for n, o in zip(numbers[1::2][::-1], offset, strict=True)]
    for axis, start, stop, length, edge in zip("zyx", starts, stops, shape, edges, strict=True):
        if start < 0 or start % edge or start >= length or stop != min(start + edge, length):
            raise ConfigError(
                f"{name} is no chunk of this scale: {axis} goes from {start} to {stop}, but chunks "
                f"begin at multiples of {edge} below {length} and end {edge} later, or at {length}."
            )
    return Box((starts[0], starts[1], starts[2]), (stops[0], stops[1], stops[2]))


def encoded(voxels: np.ndarray, kind: str, encoding: str) -> tuple[bytes, str]:
    """Return a chunk as it is sent, and its media type.

    Args:
        voxels: Shape ``(Z, Y, X)``.
        kind: ``"image"`` or ``"segmentation"``.
        encoding: One of ``ENCODINGS``.

    Raises:
        ConfigError: If the layer cannot be encoded so.
        DataError: If labels are negative.
    """
    dtype = served_dtype(voxels.dtype, kind, encoding)
    if dtype.kind == "u" and voxels.dtype.kind == "i" and voxels.size and voxels.min() < 0:
        raise DataError(f"The segmentation holds a negative label, {int(voxels.min())}.")
    voxels = np.ascontiguousarray(voxels, dtype=dtype)
    if encoding == "jpeg":
        return _jpeg(voxels), "image/jpeg"
    if encoding == "compressed_segmentation":
        library = require(
            "compressed_segmentation", extra="labels", purpose="serve compressed_segmentation"
        )
        return bytes(library.compress(voxels.T, block_size=(8, 8, 8), order="F")), (
            "application/octet-stream"
        )
    return voxels.astype(dtype.newbyteorder("<"), copy=False).tobytes(), "application/octet-stream"


def _jpeg(voxels: np.ndarray) -> bytes:
    """Return a chunk as one grey picture, slices below each other."""
    from PIL import Image  # most layers are served without

    z, y, x = voxels.shape
    stream = io.BytesIO()
    Image.fromarray(voxels.reshape(z * y, x)).save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()


class Reader:
    """Reads chunks of volumes that are stored in other pieces, such as the pages of a TIFF.

    What is stored in one piece is decoded once for all chunks that it touches, and kept for a
    while.
    """

    def __init__(self, cache_bytes: int = CACHE_BYTES) -> None:
        """Start without voxels."""
        self._blocks: Cache[np.ndarray] = Cache(cache_bytes, lambda voxels: voxels.nbytes)

    def read(self, key: str, volume: Volume, box: Box) -> np.ndarray:
        """Return the voxels of a chunk, shape ``box.shape``.

        Args:
            key: Of the volume, which changes whenever its voxels do.
            volume: What is read.
            box: As ``box_of`` gives it.

        Raises:
            DataError: If it cannot be read.
        """
        shape = block_shape(volume)
        if shape is None:
            return volume.read(box)
        number = tuple(a // s for a, s in zip(box.start, shape, strict=True))
        start = tuple(n * s for n, s in zip(number, shape, strict=True))
        stop = tuple(
            min(a + s, length) for a, s, length in zip(start, shape, volume.shape, strict=True)
        )
        whole = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
        block = self._blocks.get((key, number), lambda: volume.read(whole))
        inner = [slice(a - s, b - s) for a, b, s in zip(box.start, box.stop, start, strict=True)]
        return block[inner[0], inner[1], inner[2]]

    def forget(self, key: str) -> None:
        """Forget all voxels of a volume."""
        self._blocks.forget(lambda kept: isinstance(kept, tuple) and kept[0] == key)


def block_shape(volume: Volume) -> tuple[int, int, int] | None:
    """Return what is read at once for chunks of a volume, or None if single chunks are best.

    It is made of whole chunks that are served, and holds what is stored together. What would be
    too large to keep is read chunk by chunk.
    """
    stored = [max(1, min(c, n)) for c, n in zip(volume.chunks, volume.shape, strict=True)]
    if all(EDGE % c == 0 for c in stored[1:]) and EDGE % stored[0] == 0:
        return None  # no piece lies in two chunks
    edges = [-(-c // EDGE) * EDGE for c in stored]
    if prod(edges) * volume.dtype.itemsize > BLOCK_BYTES:
        return None
    return edges[0], edges[1], edges[2]
