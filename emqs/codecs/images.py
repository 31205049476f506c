"""PNG and JPEG 2000, as in the Compresso paper's comparison: labels as grey images.

Both are image formats, so they stand where a label codec stands, not after one. Labels are split
into planes of 16 bits, one image per slice and plane. The published program used three planes and
put them together wrongly; here there are as many as the dtype needs, and both are lossless.
"""

import struct
from abc import abstractmethod
from types import ModuleType
from typing import ClassVar

import numpy as np

from emqs.codecs.codec import Description
from emqs.codecs.frame import Framed
from emqs.errors import CodecError, require

_LENGTH = struct.Struct("<I")
_PLANE_BITS = 16


def _library() -> ModuleType:
    """Return the imagecodecs library."""
    return require("imagecodecs", extra="codecs", purpose="write labels as images")


class _Images(Framed):
    """Images in order of slice, then plane (lowest bits first), each after its length (uint32)."""

    def _pack(self, labels: np.ndarray) -> bytes:
        plane_dtype = labels.dtype if labels.dtype.itemsize == 1 else np.dtype("u2")
        parts: list[bytes] = []
        for labels_yx in labels:
            for shift in range(0, 8 * labels.dtype.itemsize, _PLANE_BITS):
                plane = (labels_yx >> labels.dtype.type(shift)).astype(plane_dtype)
                image = self._write(plane)
                parts += [_LENGTH.pack(len(image)), image]
        return b"".join(parts)

    def _unpack(self, payload: bytes, description: Description) -> np.ndarray:
        dtype, start = description.dtype, 0
        volume = np.zeros(description.shape, dtype)
        for labels_yx in volume:
            for shift in range(0, 8 * dtype.itemsize, _PLANE_BITS):
                stop = start + _LENGTH.size
                (length,) = _LENGTH.unpack(payload[start:stop])
                plane = self._read_image(payload[stop : stop + length])
                if plane.shape != labels_yx.shape or plane.dtype.itemsize > dtype.itemsize:
                    raise CodecError(
                        f"{self.name}: the stream contradicts itself: an image of {plane.dtype} "
                        f"and shape {plane.shape} in a volume of {description.shape} (Z, Y, X)."
                    )
                labels_yx |= plane.astype(dtype) << dtype.type(shift)
                start = stop + length
        if start != len(payload):
            raise CodecError(f"{self.name}: the stream contradicts itself: too many images.")
        return volume

    @abstractmethod
    def _write(self, plane: np.ndarray) -> bytes:
        """Return the image of a plane, (Y, X), uint8 or uint16."""

    @abstractmethod
    def _read_image(self, image: bytes) -> np.ndarray:
        """Return the plane of an image, (Y, X)."""


class Png(_Images):
    """PNG images at the library's compression level."""

    title: ClassVar[str] = "png"
    tag: ClassVar[bytes] = b"png "

    def _write(self, plane: np.ndarray) -> bytes:
        return bytes(_library().png_encode(plane))

    def _read_image(self, image: bytes) -> np.ndarray:
        return np.asarray(_library().png_decode(image))


class Jpeg2000(_Images):
    """Lossless JPEG 2000 code streams."""

    title: ClassVar[str] = "jpeg2000"
    tag: ClassVar[bytes] = b"jp2k"

    def _write(self, plane: np.ndarray) -> bytes:
        return bytes(_library().jpeg2k_encode(plane, level=0, reversible=True, codecformat="j2k"))

    def _read_image(self, image: bytes) -> np.ndarray:
        return np.asarray(_library().jpeg2k_decode(image))
