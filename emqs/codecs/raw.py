"""Labels as they are, to be followed by a general compressor; what the others are compared with."""

from typing import ClassVar

import numpy as np

from emqs.codecs.codec import Description
from emqs.codecs.frame import Framed


class Raw(Framed):
    """Little-endian labels in C order, in a checked frame."""

    title: ClassVar[str] = "none"
    tag: ClassVar[bytes] = b"none"

    def _pack(self, labels: np.ndarray) -> bytes:
        return labels.astype(labels.dtype.newbyteorder("<"), copy=False).tobytes()

    def _unpack(self, payload: bytes, description: Description) -> np.ndarray:
        volume = np.frombuffer(payload, description.dtype.newbyteorder("<"))
        return volume.astype(description.dtype).reshape(description.shape)
