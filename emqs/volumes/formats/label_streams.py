"""Volumes that are one stream: crackle, the compresso package, and the original Compresso.

None of these formats has a checksum that a read trusts, and the two packages may end the process on
a damaged stream: keep such files in ``.gz`` or ``.lzma``, whose checksums are used.
"""

from pathlib import Path
from types import ModuleType

import numpy as np

from emqs.codecs import MAX_VOXELS, compresso_package, crackle_stream, get_codec
from emqs.errors import CodecError, DataError, one_line, require
from emqs.geometry import Box
from emqs.volumes.formats import compressed
from emqs.volumes.label_volume import ArrayReader, Reader
from emqs.volumes.label_volume import Box as Slices
from emqs.volumes.writer import Layout, VolumeWriter

_COMPRESSO_SIDE = 2**16 - 1  # beyond it the package ends the process


def read_crackle(path: Path) -> Reader:
    """Open a .ckl file of the crackle package; only the slices asked for are decoded."""
    return CrackleReader(path)


class CrackleReader(Reader):
    """A crackle stream as its users store it, X fastest."""

    format = "crackle"

    def __init__(self, path: Path) -> None:
        """Read the stream, not the volume."""
        self.stream = compressed.unpacked(path)
        try:
            head = _crackle().header(self.stream)
            dtype = np.dtype(head.dtype)
            if head.format_version == 1 and head.voxels() > 0:
                crackle_stream.check(self.stream, crackle_stream.read_head(self.stream))
        except Exception as fault:  # the library's error is a bare Exception
            raise DataError(f"{path} cannot be read as crackle: {one_line(fault)}.") from None
        super().__init__(path, (head.sz, head.sy, head.sx), dtype, (1, head.sy, head.sx))
        self._has_pins = head.label_format != _crackle().headers.LabelFormat.FLAT
        self._array = _crackle().CrackleArray(self.stream, parallel=1)

    def block_labels(self, box: Slices) -> np.ndarray | None:
        """Return the labels of slices, from the table of the stream; one of pins has none."""
        if self._has_pins:
            return None
        return _crackle().codec.labels_for_z_range(self.stream, box[0].start, box[0].stop)

    def _read(self, box: Slices) -> np.ndarray:
        z, y, x = box
        return self._array[x, y, z].T


def read_compresso(path: Path) -> Reader:
    """Open a stream of the compresso package, format version 0 or 1; it is decoded as a whole."""
    stream = compressed.unpacked(path)
    try:
        codec = get_codec("compresso", max_voxels=2**40)
        codec.wrap(stream)  # type: ignore[attr-defined]
        compresso_package.check_stream(stream)
        library = require("compresso", extra="codecs", purpose="read its streams")
        head = library.header(stream)
        if head["format_version"] == 0:
            _check_fits(path, (head["sz"], head["sy"], head["sx"]), head["data_width"])
            array = library.decompress(stream)
            return ArrayReader(path, "compresso", array, axes="xyz")
        slices = library.CompressoArray(stream)
    except CodecError as fault:
        raise DataError(f"{path} cannot be read: {one_line(fault)}.") from None
    except DataError:
        raise
    except Exception as fault:  # the library's errors have no common class
        raise DataError(f"{path} cannot be read as compresso: {one_line(fault)}.") from None
    return ArrayReader(path, "compresso", _WithDtype(slices, head), axes="xyz")


class _WithDtype:
    """The library's array, whose dtype is a class and which is sliced along Z only."""

    def __init__(self, slices: object, head: dict[str, int]) -> None:
        self._slices = slices
        self.shape = (int(head["sx"]), int(head["sy"]), int(head["sz"]))
        self.dtype = np.dtype(f"u{head['data_width']}")

    def __getitem__(self, index: tuple[slice, slice, slice]) -> np.ndarray:
        x, y, z = index
        return np.asarray(self._slices[:, :, z])[x, y]  # type: ignore[index]


def read_original(path: Path, name: str) -> Reader:
    """Open a stream of the original Compresso; it is decoded as a whole.

    Args:
        path: The stream, as it is or compressed (.lzma, .gz ...).
        name: ``"compresso-miccai"`` or ``"compresso-v2"``.
    """
    stream = compressed.unpacked(path)
    codec = get_codec(name)
    try:
        description = codec.describe(stream)
        _check_fits(path, description.shape, description.dtype.itemsize)
        return ArrayReader(path, name, codec.decode(stream), axes="zyx")
    except CodecError as fault:
        raise DataError(f"{path} cannot be read: {one_line(fault)}.") from None


def _check_fits(path: Path, shape: tuple[int, ...], itemsize: int) -> None:
    """Raise if a volume that is decoded as a whole is too large for that."""
    size = int(np.prod([int(s) for s in shape], dtype=object))
    if size > MAX_VOXELS:
        raise DataError(
            f"{path} holds {size:,} voxels of {itemsize} bytes, and its format is decoded as a "
            f"whole: at most {MAX_VOXELS:,} voxels. Cut it into parts first."
        )


class CrackleWriter(VolumeWriter):
    """One .ckl file for the crackle package; slabs are encoded as they come, then joined."""

    format = "crackle"
    unit = (1, -1, -1)
    resumable = False

    def __init__(self, path: Path, layout: Layout) -> None:
        """Start without slabs."""
        super().__init__(path, layout)
        self._parts: list[bytes] = []

    def write(self, box: Box, voxels: np.ndarray) -> None:  # noqa: ARG002 (slices come in order)
        """Encode the next slices."""
        self._parts.append(bytes(_crackle().compress(np.asfortranarray(voxels.T), parallel=1)))

    def finish(self) -> None:
        """Join the slabs and write the file."""
        stream = self._parts[0] if len(self._parts) == 1 else _crackle().zstack(self._parts)
        self.path.write_bytes(bytes(stream))


class StreamWriter(VolumeWriter):
    """One stream that is encoded as a whole: compresso, compresso-miccai, compresso-v2."""

    unit = (-1, -1, -1)
    resumable = False

    def __init__(self, path: Path, layout: Layout, *, name: str) -> None:
        """Check that the volume is small enough.

        Raises:
            DataError: If it is not.
        """
        super().__init__(path, layout)
        self.format = name
        if np.prod(layout.shape, dtype=object) > MAX_VOXELS or (
            name == "compresso" and max(layout.shape) > _COMPRESSO_SIDE
        ):
            raise DataError(
                f"{path}: a {name} stream is encoded as a whole, at most {MAX_VOXELS:,} voxels"
                f"{' and 65,535 along a side' if name == 'compresso' else ''}; this volume has "
                f"{' x '.join(str(s) for s in layout.shape)}. Write a .zarr or a .ckl instead."
            )

    def write(self, box: Box, voxels: np.ndarray) -> None:  # noqa: ARG002 (there is one)
        """Encode the volume."""
        if self.format == "compresso":
            library = require("compresso", extra="codecs", purpose="write its streams")
            stream = bytes(library.compress(np.asfortranarray(voxels.T)))
        else:
            stream = get_codec(self.format).encode(voxels)
        self.path.write_bytes(stream)


class CompressoWriter(StreamWriter):
    """A stream of the compresso package."""

    def __init__(self, path: Path, layout: Layout) -> None:
        """See ``StreamWriter``."""
        super().__init__(path, layout, name="compresso")


class MiccaiWriter(StreamWriter):
    """A stream of the original Compresso."""

    def __init__(self, path: Path, layout: Layout) -> None:
        """See ``StreamWriter``."""
        super().__init__(path, layout, name="compresso-miccai")


class VersionTwoWriter(StreamWriter):
    """A stream of the original Compresso, version 2."""

    def __init__(self, path: Path, layout: Layout) -> None:
        """See ``StreamWriter``."""
        super().__init__(path, layout, name="compresso-v2")


def _crackle() -> ModuleType:
    """Return the crackle library."""
    return require("crackle", extra="codecs", purpose="read and write crackle streams")
