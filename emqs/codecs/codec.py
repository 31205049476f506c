"""What every codec for label volumes promises, and the checks they share.

A label volume gives each voxel the number of the object it belongs to; axes are Z Y X.
"""

from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np

from emqs.errors import CodecError

#: Largest number of voxels that a codec writes or reads unless it is told otherwise: 2 GiB as
#: uint64. A stream of a hundred bytes can promise any number, and mean it: a volume of one label
#: takes no room.
MAX_VOXELS = 2**28

#: How files begin that are no stream of a codec here, and what they are.
_FOREIGN = {
    b"cpso": "a stream of the compresso package; the codec 'compresso' can wrap it",
    b"crkl": "a crackle stream; the codec 'crackle' can wrap it",
    b"\xfd7zXZ\x00": "an XZ (LZMA) file; decompress it first",
    b"\x1f\x8b": "a gzip file; decompress it first",
    b"\x28\xb5\x2f\xfd": "a Zstandard frame; decompress it first",
    b"BZh": "a bzip2 file; decompress it first",
    b"\x93NUMPY": "a NumPy file",
    b"\x89HDF": "an HDF5 file",
    b"EMQL": "a framed stream of another codec: crackle, compresso, none, ...",
    b"EMQC": "a framed stream of a compressor: brotli, lzf, lzo, ...; decompress it first",
}


@dataclass(frozen=True)
class Description:
    """What a stream says of its volume before anything is decoded.

    Attributes:
        shape: ``(Z, Y, X)``, in voxels.
        dtype: What ``decode`` returns: an unsigned integer in native byte order.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[np.unsignedinteger]


class LabelCodec(Protocol):
    """Bytes out, the same volume back."""

    @property
    def name(self) -> str:
        """The codec's name in the registry; it never changes."""
        ...

    def encode(self, labels: np.ndarray) -> bytes:
        """Return a stream for a label volume; the volume is not changed.

        Args:
            labels: Labels, shape ``(Z, Y, X)``, any unsigned integer dtype and byte order, any
                memory layout; axes may be empty. All values up to 2**64 - 1 are allowed.

        Returns:
            The stream.

        Raises:
            CodecError: If the array is not such a volume, or too large for the codec.
        """
        ...

    def decode(self, stream: bytes) -> np.ndarray:
        """Return the volume that was encoded.

        Args:
            stream: What ``encode`` returned, whole.

        Returns:
            Labels, shape ``(Z, Y, X)``, C order, native byte order: the same shape and values,
            and the dtype that ``describe`` states (formats that store no dtype always widen).

        Raises:
            CodecError: If the stream is truncated, foreign, or contradicts itself. How much
                damage can be noticed depends on the format.
        """
        ...

    def describe(self, stream: bytes) -> Description:
        """Return shape and dtype from the stream's header.

        Raises:
            CodecError: If the header is not valid, or promises more than the stream holds.
        """
        ...

    def labels(self, stream: bytes) -> np.ndarray:
        """Return the labels that occur, without building the volume.

        Returns:
            Distinct labels in ascending order, of the dtype that ``describe`` states.

        Raises:
            CodecError: As ``decode``, as far as the read part of the stream shows it.
        """
        ...


def check_volume(labels: np.ndarray, *, codec: str, max_voxels: int) -> None:
    """Raise an error unless an array is a label volume that a codec may write.

    Args:
        labels: The array.
        codec: Name of the codec, for the message.
        max_voxels: Largest number of voxels allowed.

    Raises:
        CodecError: If the array has not three axes, is not of unsigned integers, or has more than
            ``max_voxels`` voxels.
    """
    if not isinstance(labels, np.ndarray) or labels.ndim != 3 or labels.dtype.kind != "u":
        what = (
            f"{labels.dtype} of shape {labels.shape}"
            if isinstance(labels, np.ndarray)
            else type(labels).__name__
        )
        raise CodecError(
            f"{codec}: labels must be an array (Z, Y, X) of unsigned integers, got {what}. "
            "Add axes of length 1, or convert with astype, first."
        )
    check_shape(labels.shape, codec=codec, max_voxels=max_voxels)


def check_shape(shape: tuple[int, ...], *, codec: str, max_voxels: int) -> None:
    """Raise an error if a volume has more voxels than allowed.

    Empty axes count as length 1, so that the other axes are limited as well.

    Raises:
        CodecError: If it has.
    """
    if prod(max(length, 1) for length in shape) > max_voxels:
        size = " x ".join(str(length) for length in shape)
        raise CodecError(
            f"{codec}: a volume of {size} voxels (Z x Y x X) is over the limit of {max_voxels} "
            "voxels. If that is what it should be, raise max_voxels."
        )


def check_bytes(stream: bytes, *, codec: str, own: bytes = b"") -> bytes:
    """Return a stream as bytes, unless it begins like a known other format.

    Args:
        stream: The stream.
        codec: Name of the codec or compressor, for the message.
        own: How its own streams begin; empty if they begin with no fixed bytes.

    Raises:
        CodecError: If it does, or is no bytes.
    """
    if not isinstance(stream, bytes | bytearray | memoryview):
        raise CodecError(f"{codec}: a stream must be bytes, got {type(stream).__name__}.")
    whole = bytes(stream)
    for magic, kind in _FOREIGN.items():
        if magic != own and whole.startswith(magic):
            raise CodecError(f"{codec}: the stream starts with {magic!r}: this is {kind}.")
    return whole
