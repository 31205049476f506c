"""The original Compresso, in both its stream formats.

Compresso stores where labels change, not the labels: boundaries repeat themselves, so small windows
of them are numbered, and a general compressor (LZMA in the paper) does the rest. The streams are
those of the published programs, byte for byte; the maintained package of the same name on PyPI
writes another format.

None of the two formats has a checksum. Decoding checks everything that an encoder guarantees, which
finds most damage to boundaries, but it cannot notice an id that was changed to another one: keep
streams in a container that has a checksum.

Source: Matejek et al., "Compresso: Efficient Compression of Segmentation Data for Connectomics",
MICCAI 2017, LNCS 10433, pages 781-788.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emqs.codecs.codec import MAX_VOXELS, Description, check_bytes, check_volume
from emqs.codecs.compresso import layouts, scheme
from emqs.codecs.compresso.layouts import MICCAI, VERSION_2, Layout
from emqs.codecs.compresso.windows import Shape
from emqs.errors import CodecError

__all__ = ["CompressoMiccai", "CompressoV2"]


@dataclass(frozen=True)
class _Compresso:
    """What the two formats share.

    Attributes:
        window: Size of a window, ``(z, y, x)`` in pixels, at most 64 pixels; the paper's by
            default. Used to encode; streams state their own.
        max_voxels: Largest volume to write or read, in voxels. Decoding takes about 10 to 20 bytes
            of memory per voxel, and in the worst case (a slice of one column) 120. Whoever knows
            the size of a volume from elsewhere does well to give it here.
    """

    layout: ClassVar[Layout]

    window: Shape = (1, 8, 8)
    max_voxels: int = MAX_VOXELS

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        fault = layouts.check_window(self.window)
        if fault is not None:
            raise CodecError(f"{self.name}: {fault}.")

    @property
    def name(self) -> str:
        """The codec's name in the registry."""
        return self.layout.name

    def encode(self, labels: np.ndarray) -> bytes:
        """Return the stream of a label volume; see ``LabelCodec.encode``."""
        check_volume(labels, codec=self.name, max_voxels=self.max_voxels)
        native = np.ascontiguousarray(labels, dtype=labels.dtype.newbyteorder("="))
        return layouts.write(scheme.take_apart(native, self.window), self.layout)

    def decode(self, stream: bytes) -> np.ndarray:
        """Return the volume of a stream; see ``LabelCodec.decode``."""
        whole = check_bytes(stream, codec=self.name)
        with self._named():
            return scheme.put_together(layouts.read(whole, self.layout, self.max_voxels))

    def describe(self, stream: bytes) -> Description:
        """Return shape and dtype; see ``LabelCodec.describe``."""
        whole = check_bytes(stream, codec=self.name)
        with self._named():
            header = layouts.read_header(whole, self.layout, self.max_voxels)
        return Description(header.shape, header.dtype)

    def labels(self, stream: bytes) -> np.ndarray:
        """Return the labels that occur, without building the volume; see ``LabelCodec.labels``."""
        whole = check_bytes(stream, codec=self.name)
        with self._named():
            return scheme.labels_of(layouts.read(whole, self.layout, self.max_voxels))

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Turn damage into an error that names the codec."""
        try:
            yield
        except scheme.DamageError as fault:
            raise CodecError(
                f"{self.name}: the stream is damaged, or of another format: {fault}."
            ) from None
        except MemoryError:
            raise CodecError(
                f"{self.name}: the volume of this stream takes more memory than there is. "
                "Lower max_voxels to refuse such streams at once."
            ) from None


@dataclass(frozen=True)
class CompressoMiccai(_Compresso):
    """The format of the MICCAI 2017 paper; it stores no dtype, so volumes come back as uint64."""

    layout: ClassVar[Layout] = MICCAI


@dataclass(frozen=True)
class CompressoV2(_Compresso):
    """The format of the later C++ library: fewer bytes before, more after a general compressor."""

    layout: ClassVar[Layout] = VERSION_2
