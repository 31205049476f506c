"""Chunks of precomputed volumes: their names, their compression, their encodings.

Source:
    https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/volume.md and
    sharded.md, "compressed Morton code".
"""

import io
import zlib
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import prod
from typing import Any

import numpy as np
from PIL import Image

from emqs.codecs import compressed_segmentation, compresso_package, crackle_stream
from emqs.errors import DataError, EmqsError, one_line, require
from emqs.geometry import Box, Shape, touched
from emqs.volumes.axes import Axes
from emqs.volumes.chunks import Location, shared_context, tensorstore, wait
from emqs.volumes.label_answers import PlainAnswers

ENCODINGS = ("raw", "jpeg", "png", "compressed_segmentation", "compresso", "crackle")
#: What cloud-volume appends to the names of compressed chunks on disk.
ENDINGS = ("", ".gz", ".br", ".zstd", ".xz", ".bz2")
_PIECE = 512
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, eq=False)
class Chunks:
    """The chunks of one scale.

    Attributes:
        folder: Of the scale.
        shape: Of the volume, Z Y X.
        chunk: Lengths of a chunk, Z Y X.
        offset: Of the first voxel in the names of chunks, Z Y X.
        dtype: Of the voxels.
        n_channels: Of each voxel.
        encoding: One of ``ENCODINGS``.
        block: Of compressed_segmentation, X Y Z.
        sharding: How chunks lie in shards; None if each is a file.
    """

    folder: Location
    shape: Shape
    chunk: Shape
    offset: Shape
    dtype: np.dtype[Any]
    n_channels: int
    encoding: str
    block: tuple[int, int, int]
    sharding: dict[str, Any] | None

    @property
    def first(self) -> Box:
        """The box of the first chunk."""
        z, y, x = (min(a, b) for a, b in zip(self.chunk, self.shape, strict=True))
        return Box((0, 0, 0), (z, y, x))

    def name(self, box: Box) -> str:
        """Return the name of a chunk, X first, e.g. ``0-64_0-64_0-16``."""
        moved = box.moved(self.offset)
        ends = zip(moved.start[::-1], moved.stop[::-1], strict=True)
        return "_".join(f"{start}-{stop}" for start, stop in ends)

    def place(self, box: Box) -> str:
        """Return where a chunk is stored, for messages."""
        name, folder = self.name(box), self.folder
        if folder.path is None or self.sharding is not None:
            return f"{folder.name}/{name}"
        for ending in ENDINGS:
            if (folder.path / f"{name}{ending}").is_file():
                return str(folder.path / f"{name}{ending}")
        return str(folder.path / name)

    def ending(self, box: Box) -> str | None:
        """Return the ending of a chunk's name; None if the chunk is not there.

        Raises:
            DataError: If it cannot be seen.
        """
        if self.sharding is not None:
            return None if self.stream(box) is None else ""
        for ending in ENDINGS[:4]:
            if self.folder.read_bytes(self.name(box) + ending, self._most(box)) is not None:
                return ending
        return None

    def stream(self, box: Box) -> bytes | None:
        """Return the bytes of a chunk, decompressed; None if it is missing.

        Raises:
            DataError: If it cannot be read or decompressed.
        """
        limit = self._most(box)
        if self.sharding is not None:
            number = morton(box, self.chunk, self.shape)
            what = f"{self.folder.name}/{self.name(box)}"
            got = wait(lambda: self._shards.read(number.to_bytes(8, "big")), limit, what)
            return bytes(got.value) if got.state == "value" else None
        for ending in ENDINGS:
            content = self.folder.read_bytes(self.name(box) + ending, limit)
            if content is not None:
                try:
                    return unpacked(content, ending, limit)
                except EmqsError:
                    raise
                except Exception as fault:  # the libraries' errors have no common class
                    raise DataError(f"{self.place(box)} is damaged: {one_line(fault)}.") from None
        return None

    def _most(self, box: Box) -> int:
        """Return how many bytes the stream of a chunk has at most."""
        return 16 * box.size * max(1, self.n_channels) * self.dtype.itemsize // 8 + 2**21

    @cached_property
    def _shards(self) -> Any:  # noqa: ANN401 (of an optional package)
        """What gives the bytes of a chunk in a shard by its number."""
        spec = {
            "driver": "neuroglancer_uint64_sharded",
            "base": self.folder.store.spec().to_json(),
            "metadata": self.sharding,
        }
        opening = partial(tensorstore().KvStore.open, spec, context=shared_context())
        return wait(opening, 0, self.folder.name)

    def voxels(self, box: Box) -> np.ndarray | None:
        """Return one chunk, ``(C, Z, Y, X)``; None if it is missing.

        Raises:
            DataError: If it is damaged.
        """
        stream = self.stream(box)
        if stream is None:
            return None
        try:
            return self._decode(stream, box.shape)
        except EmqsError as fault:
            raise DataError(f"{self.place(box)} is damaged: {one_line(fault)}.") from None
        except Exception as fault:  # the libraries' errors have no common class
            raise DataError(f"{self.place(box)} is damaged: {one_line(fault)}.") from None

    def labels(self, box: Box) -> np.ndarray | None:
        """Return the labels of a chunk whose encoding lists them; None if it does not.

        Raises:
            DataError: If it is damaged.
        """
        if self.n_channels != 1:
            return None
        if self.encoding in ("raw", "jpeg", "png"):
            is_there = self.sharding is not None or self._is_there(box)
            return None if is_there else np.zeros(1, self.dtype)
        stream = self.stream(box)
        if stream is None:
            return np.zeros(1, self.dtype)
        try:
            library = self._checked(stream, box.shape)
            if self.encoding == "compressed_segmentation":
                return np.asarray(
                    library.labels(
                        stream, shape=box.shape[::-1], dtype=self.dtype, block_size=self.block
                    )
                )
            return np.asarray(library.labels(stream))
        except Exception as fault:  # the libraries' errors have no common class
            raise DataError(f"{self.place(box)} is damaged: {one_line(fault)}.") from None

    def checksum(self) -> str:
        """Return what notices damage to a chunk; empty if nothing does."""
        if self.sharding is not None:
            is_gzip = self.sharding.get("data_encoding") == "gzip"
            return "the CRC-32 of gzip" if is_gzip else ""
        if self.folder.path is None:
            return ""
        is_gzip = (self.folder.path / f"{self.name(self.first)}.gz").is_file()
        return "the CRC-32 of gzip" if is_gzip else ""

    def _is_there(self, box: Box) -> bool:
        names = (self.name(box) + ending for ending in ENDINGS)
        if self.folder.path is not None:
            path = self.folder.path
            return any((path / name).is_file() for name in names)
        return any(self.folder.read_bytes(name, self._most(box)) is not None for name in names)

    def _decode(self, stream: bytes, shape: Shape) -> np.ndarray:
        """Return the voxels of a chunk's stream, ``(C, Z, Y, X)``."""
        if self.encoding == "raw":
            voxels = np.frombuffer(stream, self.dtype.newbyteorder("<"))
            return voxels.reshape((self.n_channels, *shape))
        if self.encoding in ("jpeg", "png"):
            return self._picture(stream, shape)
        library = self._checked(stream, shape)
        if self.encoding == "compressed_segmentation":
            labels = library.decompress(
                stream, shape[::-1], self.dtype, block_size=self.block, order="F"
            )
        else:
            labels = library.decompress(stream)
        voxels = np.asarray(labels).T
        if voxels.shape != shape:
            raise ValueError(f"it holds {voxels.shape} voxels (Z Y X), not {shape}")
        if not np.can_cast(voxels.dtype, self.dtype, "safe"):
            raise ValueError(f"it holds voxels of type {voxels.dtype}, not {self.dtype}")
        return voxels[None]

    def _picture(self, stream: bytes, shape: Shape) -> np.ndarray:
        """Return the voxels of a JPEG or PNG, whose pixels follow each other as X Y Z."""
        kind = "JPEG" if self.encoding == "jpeg" else "PNG"
        with Image.open(io.BytesIO(stream), formats=(kind,)) as image:
            if image.width * image.height != prod(shape):
                raise ValueError(f"it has {image.width} x {image.height} pixels, not {shape}")
            pixels = np.asarray(image)
        flat = pixels.reshape(prod(shape), -1)
        if flat.shape[1] != self.n_channels or pixels.dtype.itemsize > self.dtype.itemsize:
            raise ValueError(f"it has {flat.shape[1]} channels of type {pixels.dtype}")
        return np.moveaxis(flat.reshape((*shape, self.n_channels)), -1, 0)

    def _checked(self, stream: bytes, shape: Shape) -> Any:  # noqa: ANN401 - a module
        """Return the library that reads a stream, after checking what the library trusts.

        Raises:
            ValueError: If the stream is of another shape.
            CodecError: If it contradicts itself.
        """
        if self.n_channels != 1:
            raise ValueError(f"{self.encoding} is read with one channel only")
        library = require(self.encoding, extra="codecs", purpose="read its chunks")
        if self.encoding == "compressed_segmentation":
            compressed_segmentation.check_stream(stream, shape, self.dtype, self.block[::-1])
            return library
        head = library.header(stream)
        stated: tuple[Any, ...]
        if self.encoding == "compresso":
            stated = (head["sz"], head["sy"], head["sx"])
        else:
            stated = (head.sz, head.sy, head.sx)
        if tuple(int(n) for n in stated) != shape:
            raise ValueError(f"it holds {stated} voxels (Z Y X), not {shape}")
        if self.encoding == "compresso":
            compresso_package.check_stream(stream)
        elif head.format_version == 1:
            crackle_stream.check(stream, crackle_stream.read_head(stream))
        return library


@dataclass(frozen=True, eq=False)
class ChunksReader:
    """Reads one channel of chunks that emqs decodes."""

    chunks: Chunks
    channel: int

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box; 0 where a chunk is missing."""
        voxels = np.zeros(box.shape, self.chunks.dtype)
        for chunk in touched(box, self.chunks.chunk, self.chunks.shape):
            decoded = self.chunks.voxels(chunk)
            if decoded is None:
                continue
            both = box.overlap(chunk)
            inside = both.moved([-n for n in chunk.start]).slices
            voxels[both.moved([-n for n in box.start]).slices] = decoded[self.channel][inside]
        return voxels


@dataclass(frozen=True, eq=False)
class PrecomputedAnswers(PlainAnswers):
    """Which labels are in chunks, and where those are stored."""

    chunks: Chunks = field(kw_only=True, repr=False)
    axes: Axes = field(kw_only=True)

    def block_labels(self, box: Box) -> np.ndarray | None:
        """Return the labels of a chunk that is missing, or whose encoding lists them."""
        return self.chunks.labels(box)

    def place(self, box: Box) -> str:
        """Return the file of a chunk."""
        return self.chunks.place(box)


def morton(box: Box, chunk: Shape, shape: Shape) -> int:
    """Return the number of a chunk in shards: bits of its place, X first, as many as it takes."""
    place = [start // step for start, step in zip(box.start[::-1], chunk[::-1], strict=True)]
    counts = [-(-side // step) for side, step in zip(shape[::-1], chunk[::-1], strict=True)]
    bits = [(count - 1).bit_length() for count in counts]
    number, at = 0, 0
    for bit in range(max(bits, default=0)):
        for axis in range(3):
            if bit < bits[axis]:
                number |= (place[axis] >> bit & 1) << at
                at += 1
    return number


def unpacked(content: bytes, ending: str, limit: int) -> bytes:
    """Return the bytes of a file, decompressed by its ending or its first bytes.

    Args:
        content: Of the file.
        ending: One of ``ENDINGS``.
        limit: Most bytes that it may give.

    Raises:
        ValueError: If it is cut off, or gives more; the libraries raise further errors.
    """
    if ending == ".br":
        library = require("brotli", extra="codecs", purpose="read .br chunks")
        decoder = library.Decompressor()
        plain = decoder.process(content, output_buffer_limit=limit)
        complete = decoder.is_finished()
    elif ending == ".zstd" or (ending == "" and content[:4] == _ZSTD):
        library = require("zstandard", extra="codecs", purpose="read .zstd chunks")
        decoder, pieces = library.ZstdDecompressor().decompressobj(), bytearray()
        for start in range(0, len(content), _PIECE):  # a piece gives at most 32,768 times as much
            pieces += decoder.decompress(content[start : start + _PIECE])
            if len(pieces) > limit or decoder.eof:
                break
        plain, complete = bytes(pieces), decoder.eof and len(pieces) <= limit
    elif ending == ".gz" or (ending == "" and content[:2] == _GZIP):
        inflater = zlib.decompressobj(16 + 15)
        plain, complete = inflater.decompress(content, limit), False
        complete = inflater.eof
    elif ending in (".xz", ".bz2"):
        module = require({".xz": "lzma", ".bz2": "bz2"}[ending], extra="codecs", purpose="read it")
        kind = module.LZMADecompressor if ending == ".xz" else module.BZ2Decompressor
        expander = kind()
        plain = expander.decompress(content, limit)
        complete = expander.eof
    else:
        return content
    if not complete:
        raise ValueError("it is cut off, or far too large")
    return bytes(plain)
