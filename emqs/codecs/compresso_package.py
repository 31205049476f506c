"""The maintained compresso package: the idea of the original Compresso, in a format of its own.

Its library ends the process on a side over 65,535 and refuses foreign byte orders; its format has
no checksum. So sides are checked here, and the stream is framed.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

import numpy as np

from emqs.codecs.codec import Description, check_shape
from emqs.codecs.frame import Framed, check_agreement
from emqs.errors import CodecError, require

_BARE_MAGIC = b"cpso"
_MAX_SIDE = 2**16 - 1  # sides are stored in 16 bits
_MAX_WINDOW = 64  # pixels
_HEADER_BYTES = 36
_WINDOWS = ((1, 4, 4), (1, 8, 8))


def _library() -> ModuleType:
    """Return the compresso library."""
    return require("compresso", extra="codecs", purpose="read and write its streams")


@dataclass(frozen=True)
class CompressoPackage(Framed):
    """Streams of the compresso package in a checked frame.

    Attributes:
        window: Size of a window, ``(z, y, x)`` in pixels: (1, 4, 4), the package's choice, or
            (1, 8, 8), the paper's.
    """

    title: ClassVar[str] = "compresso"
    tag: ClassVar[bytes] = b"cpso"

    window: tuple[int, int, int] = (1, 4, 4)

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if tuple(self.window) not in _WINDOWS:
            raise CodecError(
                f"{self.name}: window must be (1, 4, 4) or (1, 8, 8), got {self.window}. "
                "compresso-miccai takes any window."
            )

    def wrap(self, bare: bytes) -> bytes:
        """Return the frame around a stream of the library, e.g. of a Precomputed chunk.

        The volume is read as the library's users store them: its axes are X Y Z, here reversed.
        A bare stream has no checksum: what is damaged before it is wrapped stays so.

        Raises:
            CodecError: If the header is not one of a volume in range.
        """
        if bare[:4] != _BARE_MAGIC:
            raise CodecError(
                f"{self.name}: a bare stream starts with {_BARE_MAGIC!r}, got {bare[:4]!r}."
            )
        try:
            description = _describe(bare)
        except Exception as fault:  # the library's errors have no common class
            raise CodecError(f"{self.name}: the bare stream is damaged: {fault}") from fault
        check_shape(description.shape, codec=self.name, max_voxels=self.max_voxels)
        return self._frame(bare if 0 not in description.shape else b"", description)

    def _check(self, description: Description) -> None:
        super()._check(description)
        if max(description.shape) > _MAX_SIDE:
            raise CodecError(
                f"{self.name}: sides are at most {_MAX_SIDE} voxels, got {description.shape} "
                "(Z, Y, X). Cut the volume into chunks, or use crackle."
            )

    def _pack(self, labels: np.ndarray) -> bytes:
        z, y, x = self.window
        return bytes(_library().compress(labels.T, steps=(x, y, z)))

    def _unpack(self, payload: bytes, description: Description) -> np.ndarray:
        check_agreement(_describe(payload), description, codec=self.name)
        check_stream(payload)
        return _library().decompress(payload).T

    def _payload_labels(self, payload: bytes, description: Description) -> np.ndarray:
        check_agreement(_describe(payload), description, codec=self.name)
        check_stream(payload)
        head = _library().header(payload)
        if (head["zstep"], head["ystep"], head["xstep"]) not in _WINDOWS:
            return self._unpack(payload, description)  # there the library's labels are wrong
        return _library().labels(payload)


def check_stream(stream: bytes) -> None:
    """Raise an error if the sections that a stream's header promises are longer than the stream.

    The library would take memory for them, and read on behind the end. Whether the windows fit the
    labels only decoding tells.

    Args:
        stream: A stream of the library, whole.

    Raises:
        CodecError: If they are, or a field of the header is out of range.
    """
    head = _library().header(stream)
    pixels = int(head["xstep"]) * int(head["ystep"]) * int(head["zstep"])
    width = int(head["data_width"])
    if (
        not 1 <= pixels <= _MAX_WINDOW
        or width not in (1, 2, 4, 8)
        or head["connectivity"] not in (4, 6)
        or head["format_version"] not in (0, 1)
    ):
        raise CodecError(f"compresso: the stream contradicts itself: its header states {head}.")
    value_width = next(w for w in (1, 2, 4, 8) if pixels <= 8 * w)
    numbers = width * (int(head["id_size"]) + int(head["location_size"]))
    promised = _HEADER_BYTES + numbers + value_width * int(head["value_size"])
    if promised > len(stream):
        raise CodecError(
            f"compresso: the stream contradicts itself: its header promises {promised} bytes or "
            f"more, it has {len(stream)}."
        )


def _describe(payload: bytes) -> Description:
    """Return what the library's header states, Z Y X."""
    head = _library().header(payload)
    return Description(
        (int(head["sz"]), int(head["sy"]), int(head["sx"])), np.dtype(f"u{head['data_width']}")
    )
