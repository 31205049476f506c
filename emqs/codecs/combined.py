"""A label codec followed by a general compressor."""

from dataclasses import dataclass

import numpy as np

from emqs.codecs.codec import Description, LabelCodec
from emqs.codecs.compressors import Compressor


@dataclass(frozen=True)
class Combined:
    """A label codec whose streams are compressed.

    Nothing can be asked of a compressed stream, so ``describe`` and ``labels`` decompress it first;
    the volume is still not built.

    Attributes:
        codec: Makes bytes of labels.
        compressor: Makes fewer bytes of them.
    """

    codec: LabelCodec
    compressor: Compressor

    @property
    def name(self) -> str:
        """Both names with a plus between them."""
        return f"{self.codec.name}+{self.compressor.name}"

    def encode(self, labels: np.ndarray) -> bytes:
        """Return the compressed stream of a label volume; see ``LabelCodec.encode``."""
        return self.compressor.compress(self.codec.encode(labels))

    def decode(self, stream: bytes) -> np.ndarray:
        """Return the volume of a stream; see ``LabelCodec.decode``."""
        return self.codec.decode(self.compressor.decompress(stream))

    def describe(self, stream: bytes) -> Description:
        """Return shape and dtype; see ``LabelCodec.describe``."""
        return self.codec.describe(self.compressor.decompress(stream))

    def labels(self, stream: bytes) -> np.ndarray:
        """Return the labels that occur; see ``LabelCodec.labels``."""
        return self.codec.labels(self.compressor.decompress(stream))
