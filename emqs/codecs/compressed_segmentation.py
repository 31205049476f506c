"""Neuroglancer's compressed_segmentation: quick to read in a browser, larger than the others.

Every block of 8 x 8 x 8 voxels has a table of its labels, and each voxel a number in it. Offsets of
tables have 24 bits, so a volume is cut into chunks of 64 x 64 x 64, as in the Compresso paper's
comparison. The format states neither shape nor dtype (the frame does), and its library ends the
process on damaged streams.
"""

import struct
from collections.abc import Iterator
from types import ModuleType
from typing import ClassVar

import numpy as np

from emqs.codecs.codec import Description
from emqs.codecs.frame import Framed
from emqs.errors import CodecError, require

_BLOCK = (8, 8, 8)
_CHUNK = 64  # voxels along each axis
_LENGTH = struct.Struct("<I")


def _library() -> ModuleType:
    """Return the compressed_segmentation library."""
    return require("compressed_segmentation", extra="codecs", purpose="read and write its streams")


class CompressedSegmentation(Framed):
    """Chunks in raster order, each a uint32 of its length in bytes and the library's stream."""

    title: ClassVar[str] = "compressed_segmentation"
    tag: ClassVar[bytes] = b"cseg"
    widths: ClassVar[tuple[int, ...]] = (4, 8)

    def _pack(self, labels: np.ndarray) -> bytes:
        parts: list[bytes] = []
        for box in _boxes(labels.shape):
            chunk = np.ascontiguousarray(labels[box])
            stream = bytes(_library().compress(chunk.T, block_size=_BLOCK, order="F"))
            parts += [_LENGTH.pack(len(stream)), stream]
        return b"".join(parts)

    def _unpack(self, payload: bytes, description: Description) -> np.ndarray:
        streams = self._split(payload, description)
        volume = np.empty(description.shape, description.dtype)
        for box, stream in zip(_boxes(description.shape), streams, strict=True):
            part = volume[box]
            part[...] = (
                _library()
                .decompress(
                    stream, part.shape[::-1], description.dtype, block_size=_BLOCK, order="F"
                )
                .T
            )
        return volume

    def _payload_labels(self, payload: bytes, description: Description) -> np.ndarray:
        streams = self._split(payload, description)
        found = [np.zeros(0, description.dtype)]
        for box, stream in zip(_boxes(description.shape), streams, strict=True):
            shape = tuple(side.stop - side.start for side in box)
            found.append(
                _library().labels(
                    stream, shape=shape[::-1], dtype=description.dtype, block_size=_BLOCK
                )
            )
        return np.concatenate(found)

    def _split(self, payload: bytes, description: Description) -> list[bytes]:
        """Return the chunks' streams; an error unless there are as many as the shape needs."""
        streams, start = [], 0
        for _ in _boxes(description.shape):
            stop = start + _LENGTH.size
            length = _LENGTH.unpack(payload[start:stop])[0] if stop <= len(payload) else 0
            if length == 0 or stop + length > len(payload):
                raise CodecError(f"{self.name}: the stream contradicts itself: chunks are missing.")
            streams.append(payload[stop : stop + length])
            start = stop + length
        if start != len(payload):
            raise CodecError(f"{self.name}: the stream contradicts itself: too many chunks.")
        return streams


def _boxes(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice, slice]]:
    """Yield the chunks of a volume, (Z, Y, X), in raster order; stops are inside the volume."""
    for corner in np.ndindex(*(-(-side // _CHUNK) for side in shape)):
        z, y, x = (
            slice(k * _CHUNK, min((k + 1) * _CHUNK, side))
            for k, side in zip(corner, shape, strict=True)
        )
        yield z, y, x
