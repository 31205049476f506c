"""General compressors, bytes to bytes, that follow a label codec.

Streams of lzma (XZ), zlib, gzip, bz2, zstd and zopfli are those of the usual tools, which open
them, and have a checksum of their own. The formats of brotli, lzf, lzo, lz78 and lzw have none, so
their streams (the payload) are kept in a frame, all numbers little-endian:

    bytes  0- 3   b"EMQC"
    byte   4      version of the frame, 1
    bytes  5- 8   tag of the compressor, ASCII
    bytes  9-16   length before compression, uint64
    bytes 17-20   CRC-32 of bytes 0-16 and the payload
    bytes 21-     the payload

``none`` changes and checks nothing.
"""

import bz2
import lzma
import struct
import threading
import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from emqs.codecs import dictionary
from emqs.codecs.codec import check_bytes
from emqs.errors import CodecError, EmqsError, require

#: Most bytes that decompressing gives unless it is told otherwise: MAX_VOXELS labels as uint64,
#: and a header. A few bytes can stand for any number of them.
MAX_OUTPUT = 2**31 + 2**10

#: Most memory for the dictionary of an XZ file, in bytes; level 9 takes 65 MiB.
_XZ_MEMORY = 2**27
_MAGIC = b"EMQC"
_VERSION = 1
_FIELDS = struct.Struct("<4sB4sQ")
_CRC = struct.Struct("<I")
_of_thread = threading.local()


class Compressor(Protocol):
    """Bytes out, the same bytes back."""

    @property
    def name(self) -> str:
        """The compressor's name in the registry; it never changes."""
        ...

    def compress(self, plain: bytes) -> bytes:
        """Return a stream that stands for these bytes.

        Raises:
            CodecError: If they are too many.
        """
        ...

    def decompress(self, stream: bytes) -> bytes:
        """Return the bytes that were compressed.

        Args:
            stream: What ``compress`` returned, whole, and nothing after it.

        Raises:
            CodecError: If the stream is truncated, damaged or foreign, or gives more than
                ``max_output`` bytes; memory for more is never taken.
        """
        ...


@dataclass(frozen=True)
class _Compressor(ABC):
    """What all compressors share.

    Attributes:
        level: From fastest to smallest, in ``levels``; None for ``usual_level``.
        max_output: Most bytes to write or give back.
    """

    title: ClassVar[str]  # name in the registry
    magic: ClassVar[bytes] = b""  # how its streams begin, if they do
    levels: ClassVar[range] = range(0)  # empty if there are none to choose from
    usual_level: ClassVar[int] = 0

    level: int | None = None
    max_output: int = MAX_OUTPUT

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if self.level is not None and self.level not in self.levels:
            allowed = f"{self.levels[0]} to {self.levels[-1]}" if self.levels else "left out"
            raise CodecError(f"{self.name}: level must be {allowed}, got {self.level}.")

    @property
    def name(self) -> str:
        """The compressor's name in the registry."""
        return self.title

    def compress(self, plain: bytes) -> bytes:
        """Return a stream; see ``Compressor.compress``."""
        if len(plain) > self.max_output:
            raise self._too_much(f"has {len(plain)}")
        return self._squeeze(plain, self.usual_level if self.level is None else self.level)

    def decompress(self, stream: bytes) -> bytes:
        """Return what was compressed; see ``Compressor.decompress``."""
        whole = check_bytes(stream, codec=self.name, own=self.magic)
        try:
            return self._expand(whole)
        except EmqsError:
            raise
        except MemoryError:
            raise CodecError(
                f"{self.name}: the content of this stream takes more memory than there is. "
                "Lower max_output to refuse such streams at once."
            ) from None
        except Exception as fault:  # the libraries' errors have no common class
            raise self._damaged(str(fault)) from fault

    def _too_much(self, what: str) -> CodecError:
        """Return the error of too many bytes."""
        return CodecError(
            f"{self.name}: the uncompressed content {what} bytes, over the limit of "
            f"{self.max_output}. If that is what it should be, raise max_output."
        )

    def _damaged(self, why: str) -> CodecError:
        """Return the error of a stream that cannot be read."""
        return CodecError(f"{self.name}: the stream is damaged, or of another format: {why}.")

    def _finish(self, decoder: Any, stream: bytes) -> bytes:  # noqa: ANN401 (three standard classes)
        """Return what a decoder of the standard library makes of one whole stream."""
        plain = decoder.decompress(stream, self.max_output + 1)
        if len(plain) > self.max_output:
            raise self._too_much(f"has more than {self.max_output}")
        if not decoder.eof:
            raise self._damaged("it is truncated")
        if decoder.unused_data:
            raise self._damaged(f"{len(decoder.unused_data)} bytes follow its end")
        return bytes(plain)

    @abstractmethod
    def _squeeze(self, plain: bytes, level: int) -> bytes:
        """Return the stream."""

    @abstractmethod
    def _expand(self, stream: bytes) -> bytes:
        """Return the content; any exception means damage."""


class NoCompressor(_Compressor):
    """Bytes as they are; nothing is checked."""

    title: ClassVar[str] = "none"

    def decompress(self, stream: bytes) -> bytes:
        """Return the bytes."""
        if len(stream) > self.max_output:
            raise self._too_much(f"has {len(stream)}")
        return bytes(stream)

    def _squeeze(self, plain: bytes, level: int) -> bytes:  # noqa: ARG002
        return bytes(plain)

    def _expand(self, stream: bytes) -> bytes:
        return stream


class Lzma(_Compressor):
    """XZ files, CRC-64; the paper's best. Level 6, the paper's."""

    title: ClassVar[str] = "lzma"
    magic: ClassVar[bytes] = b"\xfd7zXZ\x00"
    levels: ClassVar[range] = range(10)
    usual_level: ClassVar[int] = 6

    def _squeeze(self, plain: bytes, level: int) -> bytes:
        return lzma.compress(plain, preset=level)

    def _expand(self, stream: bytes) -> bytes:
        return self._finish(lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY), stream)


class Zlib(_Compressor):
    """Zlib streams, Adler-32."""

    title: ClassVar[str] = "zlib"
    levels: ClassVar[range] = range(10)
    usual_level: ClassVar[int] = 6
    window_bits: ClassVar[int] = 15

    def _squeeze(self, plain: bytes, level: int) -> bytes:
        encoder = zlib.compressobj(level, zlib.DEFLATED, self.window_bits)
        return encoder.compress(plain) + encoder.flush()

    def _expand(self, stream: bytes) -> bytes:
        return self._finish(zlib.decompressobj(self.window_bits), stream)


class Gzip(Zlib):
    """Gzip files of one member without name or time, CRC-32."""

    title: ClassVar[str] = "gzip"
    magic: ClassVar[bytes] = b"\x1f\x8b"
    window_bits: ClassVar[int] = 16 + 15  # 16: the gzip header


class Zopfli(Zlib):
    """Zlib streams made with much patience: some percent smaller, a hundred times slower."""

    title: ClassVar[str] = "zopfli"
    levels: ClassVar[range] = range(0)

    def _squeeze(self, plain: bytes, level: int) -> bytes:  # noqa: ARG002
        library = require("zopfli.zlib", extra="codecs", purpose="compress with zopfli")
        return bytes(library.compress(plain))


class Bz2(_Compressor):
    """Bzip2 files, CRC-32."""

    title: ClassVar[str] = "bz2"
    magic: ClassVar[bytes] = b"BZh"
    levels: ClassVar[range] = range(1, 10)
    usual_level: ClassVar[int] = 9

    def _squeeze(self, plain: bytes, level: int) -> bytes:
        return bz2.compress(plain, level)

    def _expand(self, stream: bytes) -> bytes:
        return self._finish(bz2.BZ2Decompressor(), stream)


class Zstd(_Compressor):
    """Zstandard frames with their length and a checksum."""

    title: ClassVar[str] = "zstd"
    magic: ClassVar[bytes] = b"\x28\xb5\x2f\xfd"
    levels: ClassVar[range] = range(1, 23)
    usual_level: ClassVar[int] = 3

    def _squeeze(self, plain: bytes, level: int) -> bytes:
        library = require("zstandard", extra="codecs", purpose="compress with zstd")
        encoder = library.ZstdCompressor(level=level, write_checksum=True, write_content_size=True)
        return bytes(encoder.compress(plain))

    def _expand(self, stream: bytes) -> bytes:
        library = require("zstandard", extra="codecs", purpose="decompress zstd")
        parameters = library.get_frame_parameters(stream)
        length = parameters.content_size
        if length == library.CONTENTSIZE_UNKNOWN or not parameters.has_checksum:
            raise self._damaged("its frame lacks the length or the checksum")
        if length > self.max_output:
            raise self._too_much(f"has {length}")
        if not hasattr(_of_thread, "zstd_decoder"):  # making one takes longer than a small stream
            _of_thread.zstd_decoder = library.ZstdDecompressor()
        plain = _of_thread.zstd_decoder.decompress(stream, allow_extra_data=False)
        return bytes(plain)


class _FramedCompressor(_Compressor):
    """A compressor whose format has no checksum of its own."""

    magic: ClassVar[bytes] = _MAGIC
    tag: ClassVar[bytes]  # in the frame, 4 bytes; never changes

    def _squeeze(self, plain: bytes, level: int) -> bytes:
        payload = self._pack(plain, level) if len(plain) > 0 else b""
        fields = _FIELDS.pack(_MAGIC, _VERSION, self.tag, len(plain))
        return fields + _CRC.pack(zlib.crc32(payload, zlib.crc32(fields))) + payload

    def _expand(self, stream: bytes) -> bytes:
        if stream[: len(_MAGIC)] != _MAGIC[: len(stream)]:
            raise CodecError(
                f"{self.name}: the stream starts with {stream[:4]!r}, expected {_MAGIC!r}."
            )
        if len(stream) < _FIELDS.size + _CRC.size:
            raise self._damaged("it is truncated")
        fields, payload = stream[: _FIELDS.size], stream[_FIELDS.size + _CRC.size :]
        if _CRC.unpack_from(stream, _FIELDS.size)[0] != zlib.crc32(payload, zlib.crc32(fields)):
            raise self._damaged("its checksum is wrong")
        _, version, tag, length = _FIELDS.unpack(fields)
        if version != _VERSION or tag != self.tag:
            raise CodecError(
                f"{self.name}: the stream was written by another compressor: its tag is {tag!r}, "
                f"version {version}; expected {self.tag!r}, version {_VERSION}."
            )
        if length > self.max_output:
            raise self._too_much(f"has {length}")
        plain = self._unpack(payload, length) if length > 0 else b""
        if len(plain) != length or (length == 0 and payload):
            raise self._damaged(f"it does not hold the {length} bytes promised")
        return plain

    @abstractmethod
    def _pack(self, plain: bytes, level: int) -> bytes:
        """Return the payload of at least one byte."""

    @abstractmethod
    def _unpack(self, payload: bytes, length: int) -> bytes:
        """Return the content, and take no memory for more than ``length`` bytes of it."""


class Brotli(_FramedCompressor):
    """Brotli; level 11 is slow."""

    title: ClassVar[str] = "brotli"
    tag: ClassVar[bytes] = b"brot"
    levels: ClassVar[range] = range(12)
    usual_level: ClassVar[int] = 11

    def _pack(self, plain: bytes, level: int) -> bytes:
        library = require("brotli", extra="codecs", purpose="compress with brotli")
        return bytes(library.compress(plain, quality=level))

    def _unpack(self, payload: bytes, length: int) -> bytes:
        library = require("brotli", extra="codecs", purpose="decompress brotli")
        decoder = library.Decompressor()
        plain = decoder.process(payload, output_buffer_limit=length + 1)
        if not decoder.is_finished():
            raise self._damaged(f"it does not end within the {length} bytes promised")
        return bytes(plain)


class Lzf(_FramedCompressor):
    """LZF: fast, weak."""

    title: ClassVar[str] = "lzf"
    tag: ClassVar[bytes] = b"lzf "

    def _pack(self, plain: bytes, level: int) -> bytes:  # noqa: ARG002
        library = require("imagecodecs", extra="codecs", purpose="compress with lzf")
        return bytes(library.lzf_encode(plain))

    def _unpack(self, payload: bytes, length: int) -> bytes:
        library = require("imagecodecs", extra="codecs", purpose="decompress lzf")
        return bytes(library.lzf_decode(payload, out=length))


class Lzo(_FramedCompressor):
    """LZO1X: fast, weak."""

    title: ClassVar[str] = "lzo"
    tag: ClassVar[bytes] = b"lzo "

    def _pack(self, plain: bytes, level: int) -> bytes:  # noqa: ARG002
        library = require("lzallright", extra="codecs", purpose="compress with lzo")
        return bytes(library.LZOCompressor().compress(plain))

    def _unpack(self, payload: bytes, length: int) -> bytes:
        # not lzallright here: it writes past a stated length
        library = require("imagecodecs", extra="codecs", purpose="decompress lzo")
        return bytes(library.lzo_decode(payload, out=length))


class Lz78(_FramedCompressor):
    """LZ78, this package's own; about 10 MB/s."""

    title: ClassVar[str] = "lz78"
    tag: ClassVar[bytes] = b"lz78"

    def _pack(self, plain: bytes, level: int) -> bytes:  # noqa: ARG002
        return dictionary.lz78_compress(plain)

    def _unpack(self, payload: bytes, length: int) -> bytes:
        return dictionary.lz78_decompress(payload, length)


class Lzw(_FramedCompressor):
    """LZW, this package's own; about 10 MB/s."""

    title: ClassVar[str] = "lzw"
    tag: ClassVar[bytes] = b"lzw "

    def _pack(self, plain: bytes, level: int) -> bytes:  # noqa: ARG002
        return dictionary.lzw_compress(plain)

    def _unpack(self, payload: bytes, length: int) -> bytes:
        return dictionary.lzw_decompress(payload, length)
