"""Crackle: today's smallest label volumes; boundaries as chains of directions.

The library (crackle-codec on PyPI) slices its last axis, wants Fortran order, and corrupts volumes
of foreign byte order; here a volume is turned so that its slices are those of Z. Its checksums do
not protect a read, so the stream is framed. It grows noise by a quarter: that is kept.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

import numpy as np

from emqs.codecs import crackle_stream
from emqs.codecs.codec import Description, check_shape
from emqs.codecs.crackle_stream import MAX_MARKOV_ORDER
from emqs.codecs.frame import Framed, check_agreement
from emqs.errors import CodecError, require

_BARE_MAGIC = b"crkl"
_MAX_SIDE = 2**32 - 1  # sides are stored in 32 bits


def _library() -> ModuleType:
    """Return the crackle library."""
    return require("crackle", extra="codecs", purpose="read and write crackle streams")


@dataclass(frozen=True)
class Crackle(Framed):
    """Crackle streams in a checked frame.

    Attributes:
        markov_order: How many steps predict the next one, 0 to 10; 0 is fastest, 5 saves some
            percent.
        pins: Store labels as columns through the slices: smaller for long objects, up to ten times
            slower to write, and about 24 bytes of memory per voxel.
        threads: Slices written or read at once, at least 1; the stream does not depend on it.
    """

    title: ClassVar[str] = "crackle"
    tag: ClassVar[bytes] = b"crkl"

    markov_order: int = 0
    pins: bool = False
    threads: int = 1

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if not 0 <= self.markov_order <= MAX_MARKOV_ORDER:
            raise CodecError(
                f"{self.name}: markov_order must be 0 to {MAX_MARKOV_ORDER}, "
                f"got {self.markov_order}."
            )
        if self.threads < 1:
            raise CodecError(f"{self.name}: threads must be at least 1, got {self.threads}.")

    def wrap(self, bare: bytes) -> bytes:
        """Return the frame around a stream of the library, e.g. of a .ckl file.

        The volume is read as the library's users store them: its axes are X Y Z, here reversed.
        A bare stream has no checksum that a read trusts: what is damaged before it is wrapped stays
        so, and can end the process when it is decoded.

        Raises:
            CodecError: If the header is not one of an unsigned volume in range.
        """
        if bare[:4] != _BARE_MAGIC:
            raise CodecError(
                f"{self.name}: a bare crackle stream starts with {_BARE_MAGIC!r}, got {bare[:4]!r}."
            )
        try:
            description, signed = _describe(bare)
        except Exception as fault:  # the library's error is a bare Exception
            raise CodecError(f"{self.name}: the bare stream is damaged: {fault}") from fault
        if signed:
            raise CodecError(f"{self.name}: the bare stream holds signed labels, not unsigned.")
        check_shape(description.shape, codec=self.name, max_voxels=self.max_voxels)
        return self._frame(bare if 0 not in description.shape else b"", description)

    def _pack(self, labels: np.ndarray) -> bytes:
        if max(labels.shape) > _MAX_SIDE:
            raise CodecError(f"{self.name}: sides are at most {_MAX_SIDE}, got {labels.shape}.")
        return bytes(
            _library().compress(
                labels.T,
                allow_pins=int(self.pins),
                markov_model_order=self.markov_order,
                parallel=self.threads,
            )
        )

    def _unpack(self, payload: bytes, description: Description) -> np.ndarray:
        self._check_payload(payload, description)
        return _library().decompress(payload, parallel=self.threads).T

    def _payload_labels(self, payload: bytes, description: Description) -> np.ndarray:
        self._check_payload(payload, description)
        head = _library().header(payload)
        if head.stored_data_width == 8 and head.label_format != 0:  # pins
            # the library (0.54) puts these through float64, which keeps 53 of 64 bits
            return np.unique(self._unpack(payload, description))
        return _library().labels(payload)

    def _check_payload(self, payload: bytes, description: Description) -> None:
        """Raise an error unless a payload is what its frame says, and its lengths and counts fit.

        Raises:
            CodecError: If it is not.
        """
        check_agreement(_describe(payload)[0], description, codec=self.name)
        try:
            crackle_stream.check(payload, crackle_stream.read_head(payload))
        except crackle_stream.StreamError as fault:
            raise CodecError(f"{self.name}: the stream contradicts itself: {fault}.") from None


def _describe(payload: bytes) -> tuple[Description, bool]:
    """Return what the library's header states, Z Y X, and whether labels are signed."""
    head = _library().header(payload)
    return Description((head.sz, head.sy, head.sx), np.dtype(head.dtype)), bool(head.signed)
