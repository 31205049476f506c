"""Neuroglancer's compressed_segmentation: quick to read in a browser, larger than the others.

Every block of 8 x 8 x 8 voxels has a table of its labels, and each voxel a number in it. Offsets of
tables have 24 bits, so a volume is cut into chunks of 64 x 64 x 64, as in the Compresso paper's
comparison. The format states neither shape nor dtype (the frame does), and its library reads
wherever a stream points to: ``check_stream`` comes first.
"""

import struct
from collections.abc import Iterator
from math import prod
from types import ModuleType
from typing import ClassVar

import numpy as np

from emqs.codecs.codec import Description
from emqs.codecs.frame import Framed
from emqs.errors import CodecError, require

_BLOCK = (8, 8, 8)
_CHUNK = 64  # voxels along each axis
_LENGTH = struct.Struct("<I")
_BITS = (0, 1, 2, 4, 8, 16, 32)  # of a voxel's number in the table of its block


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
            check_stream(stream, part.shape, description.dtype)
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
        tables = [np.zeros(0, description.dtype)]
        for box, stream in zip(_boxes(description.shape), streams, strict=True):
            shape = tuple(side.stop - side.start for side in box)
            check_stream(stream, shape, description.dtype)
            tables.append(
                _library().labels(
                    stream, shape=shape[::-1], dtype=description.dtype, block_size=_BLOCK
                )
            )
        return np.concatenate(tables)

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


def check_stream(
    stream: bytes,
    shape: tuple[int, ...],
    dtype: np.dtype[np.unsignedinteger],
    block: tuple[int, ...] = _BLOCK,
) -> None:
    """Raise an error if the library would read outside of a stream; takes 1 % of its time.

    Args:
        stream: One chunk of one channel.
        shape: ``(Z, Y, X)``, in voxels, none of them 0.
        dtype: uint32 or uint64.
        block: ``(z, y, x)``, in voxels.

    Raises:
        CodecError: If a block, a table or a number lies outside.
    """
    words = np.frombuffer(stream, "<u4", len(stream) // 4)
    n_blocks = prod(-(-side // step) for side, step in zip(shape, block, strict=True))
    if len(stream) % 4 or len(words) < 1 + 2 * n_blocks or words[0] != 1:
        raise _outside("the heads of its blocks")
    channel = words[1:]  # offsets count from here
    heads = channel[: 2 * n_blocks].astype(np.int64).reshape(n_blocks, 2)
    tables, bits, values = heads[:, 0] & 0xFFFFFF, heads[:, 0] >> 24, heads[:, 1]
    if not np.isin(bits, _BITS).all():
        raise _outside("a width of numbers")
    n_words = -(-bits * prod(block) // 32)
    if (values + n_words > len(channel))[bits > 0].any():
        raise _outside("the numbers of a block")
    room = (len(channel) - tables) // (dtype.itemsize // 4)  # labels that a table may have
    if (room < 1).any():
        raise _outside("a table")
    for k in np.flatnonzero(room < 1 << bits):  # at the end of the stream, tables may be shorter
        numbers = channel[values[k] : values[k] + n_words[k]]
        shifts = np.arange(0, 32, bits[k], dtype=np.uint32)
        largest = (numbers[:, None] >> shifts) & np.uint32((1 << int(bits[k])) - 1)
        if int(largest.max()) >= room[k]:
            raise _outside("a label")


def _outside(what: str) -> CodecError:
    """Return the error of a stream that points to where it is not."""
    return CodecError(
        f"{CompressedSegmentation.title}: the stream contradicts itself: {what} lies outside of it."
    )


def _boxes(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice, slice]]:
    """Yield the chunks of a volume, (Z, Y, X), in raster order; stops are inside the volume."""
    for corner in np.ndindex(*(-(-side // _CHUNK) for side in shape)):
        z, y, x = (
            slice(k * _CHUNK, min((k + 1) * _CHUNK, side))
            for k, side in zip(corner, shape, strict=True)
        )
        yield z, y, x
