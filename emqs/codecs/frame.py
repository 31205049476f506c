"""The frame around streams of formats that check nothing: what it is, its size, a checksum.

The libraries' own formats do not notice a changed bit: of 200, most gave wrong labels and a few
ended the process. So their streams (the payload) are kept in a frame, all numbers little-endian:

    bytes  0- 3   b"EMQL"
    byte   4      version of the frame, 1
    byte   5      bytes per label: 1, 2, 4 or 8
    bytes  6- 9   tag of the format, ASCII
    bytes 10-33   Z, Y, X in voxels, three uint64
    bytes 34-41   length of the payload, uint64
    bytes 42-45   CRC-32 of the payload
    bytes 46-49   CRC-32 of bytes 0-45
    bytes 50-     the payload; empty if the volume is

Checksums find damage, not malice: whoever writes a frame can put a right checksum on a payload that
was made to crash a library.
"""

import struct
import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emqs.codecs.codec import MAX_VOXELS, Description, check_bytes, check_shape, check_volume
from emqs.errors import CodecError, EmqsError

MAGIC = b"EMQL"
VERSION = 1
_FIELDS = struct.Struct("<4sBB4s3QQI")
_CRC = struct.Struct("<I")
HEADER_BYTES = _FIELDS.size + _CRC.size


@dataclass(frozen=True)
class Framed(ABC):
    """A codec whose payload is a library's stream; what all of them share.

    Attributes:
        max_voxels: Largest volume to write or read, in voxels.
    """

    title: ClassVar[str]  # name in the registry
    tag: ClassVar[bytes]  # in the frame, 4 bytes; never changes
    widths: ClassVar[tuple[int, ...]] = (1, 2, 4, 8)  # bytes per label that the format holds

    max_voxels: int = MAX_VOXELS

    @property
    def name(self) -> str:
        """The codec's name in the registry."""
        return self.title

    def encode(self, labels: np.ndarray) -> bytes:
        """Return the framed stream of a label volume; see ``LabelCodec.encode``."""
        check_volume(labels, codec=self.name, max_voxels=self.max_voxels)
        shape = (labels.shape[0], labels.shape[1], labels.shape[2])
        description = Description(shape, labels.dtype.newbyteorder("="))
        self._check(description)
        native = np.ascontiguousarray(labels, dtype=description.dtype)
        if not native.flags.writeable:
            native = native.copy()  # two of the libraries refuse to read what they cannot write
        try:
            payload = self._pack(native) if native.size > 0 else b""
        except EmqsError:
            raise
        except Exception as fault:  # the libraries' errors have no common class
            raise CodecError(
                f"{self.name}: the library cannot encode this volume: {fault}"
            ) from fault
        return self._frame(payload, description)

    def decode(self, stream: bytes) -> np.ndarray:
        """Return the volume of a stream; see ``LabelCodec.decode``."""
        description, payload = self._open(stream)
        if 0 in description.shape:
            return np.zeros(description.shape, description.dtype)
        return np.ascontiguousarray(self._read(payload, description, whole=True))

    def describe(self, stream: bytes) -> Description:
        """Return shape and dtype; see ``LabelCodec.describe``."""
        return self._header(check_bytes(stream, codec=self.name, own=MAGIC))[0]

    def labels(self, stream: bytes) -> np.ndarray:
        """Return the labels that occur; see ``LabelCodec.labels``."""
        description, payload = self._open(stream)
        if 0 in description.shape:
            return np.zeros(0, description.dtype)
        return np.unique(self._read(payload, description, whole=False)).astype(description.dtype)

    def unwrap(self, stream: bytes) -> bytes:
        """Return the library's own stream, without the frame, after checking its checksum.

        Empty for an empty volume.

        Raises:
            CodecError: If the stream is damaged or foreign.
        """
        return self._open(stream)[1]

    def _read(self, payload: bytes, description: Description, *, whole: bool) -> np.ndarray:
        """Return the volume, or its labels, of a payload whose checksum is right."""
        try:
            if whole:
                return self._unpack(payload, description)
            return self._payload_labels(payload, description)
        except EmqsError:
            raise
        except MemoryError:
            raise CodecError(
                f"{self.name}: the volume of this stream takes more memory than there is. "
                "Lower max_voxels to refuse such streams at once."
            ) from None
        except Exception as fault:  # the libraries' errors have no common class
            raise CodecError(
                f"{self.name}: the stream contradicts itself: the library cannot read it: {fault}"
            ) from fault

    def _check(self, description: Description) -> None:
        """Raise an error if the format cannot hold such a volume."""
        if description.dtype.itemsize not in self.widths:
            allowed = " and ".join(f"uint{8 * width}" for width in self.widths)
            raise CodecError(
                f"{self.name} holds {allowed}, got {description.dtype}. Convert with astype first."
            )

    def _frame(self, payload: bytes, description: Description) -> bytes:
        """Return a payload in its frame."""
        fields = _FIELDS.pack(
            MAGIC,
            VERSION,
            description.dtype.itemsize,
            self.tag,
            *description.shape,
            len(payload),
            zlib.crc32(payload),
        )
        return fields + _CRC.pack(zlib.crc32(fields)) + payload

    def _open(self, stream: bytes) -> tuple[Description, bytes]:
        """Return what a frame states, and its payload, after checking the checksum."""
        whole = check_bytes(stream, codec=self.name, own=MAGIC)
        description, checksum = self._header(whole)
        payload = whole[HEADER_BYTES:]
        if zlib.crc32(payload) != checksum:
            raise CodecError(
                f"{self.name}: the stream is damaged: the checksum of its payload is wrong."
            )
        return description, payload

    def _header(self, whole: bytes) -> tuple[Description, int]:
        """Return what the header states, and the checksum of the payload."""
        if len(whole) >= len(MAGIC) and not whole.startswith(MAGIC):
            raise CodecError(
                f"{self.name}: the stream starts with {whole[:4]!r}, expected {MAGIC!r}."
            )
        if len(whole) < HEADER_BYTES:
            raise CodecError(
                f"{self.name}: the stream is truncated: {len(whole)} bytes, its header alone takes "
                f"{HEADER_BYTES}."
            )
        if _CRC.unpack_from(whole, _FIELDS.size)[0] != zlib.crc32(whole[: _FIELDS.size]):
            raise CodecError(
                f"{self.name}: the stream is damaged: the checksum of its header is wrong."
            )
        _, version, width, tag, *shape, length, checksum = _FIELDS.unpack_from(whole)
        if version != VERSION:
            raise CodecError(
                f"{self.name}: the stream has version {version} of the frame, this program reads "
                f"{VERSION}. Update emqs."
            )
        if tag != self.tag:
            raise CodecError(
                f"{self.name}: the stream was written by another codec: its tag is {tag!r}, "
                f"expected {self.tag!r}."
            )
        if width not in self.widths or len(whole) - HEADER_BYTES != length:
            raise CodecError(
                f"{self.name}: the stream is damaged: {width} bytes per label, "
                f"{len(whole) - HEADER_BYTES} bytes of payload where {length} are promised."
            )
        check_shape(tuple(shape), codec=self.name, max_voxels=self.max_voxels)
        return Description((shape[0], shape[1], shape[2]), np.dtype(f"u{width}")), checksum

    @abstractmethod
    def _pack(self, labels: np.ndarray) -> bytes:
        """Return the payload of a volume: C order, native byte order, not empty."""

    @abstractmethod
    def _unpack(self, payload: bytes, description: Description) -> np.ndarray:
        """Return the volume of a payload, in any memory order."""

    def _payload_labels(self, payload: bytes, description: Description) -> np.ndarray:
        """Return the labels of a payload in any order, with repeats."""
        return self._unpack(payload, description)


def check_agreement(stated: Description, promised: Description, *, codec: str) -> None:
    """Raise an error if a payload's own header and its frame differ; before memory is taken.

    Raises:
        CodecError: If they do.
    """
    if stated != promised:
        raise CodecError(
            f"{codec}: the stream contradicts itself: the frame promises {promised.dtype} of shape "
            f"{promised.shape}, the payload {stated.dtype} of shape {stated.shape}."
        )
