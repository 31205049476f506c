"""Labels that are one stream: crackle, the compresso package, and the original Compresso.

None of these formats has a checksum that a read trusts, and the two packages may end the process on
a damaged stream: keep such files in ``.gz`` or ``.lzma``, whose checksums are used.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from emqs.codecs import MAX_VOXELS, compresso_package, crackle_stream, get_codec
from emqs.errors import CodecError, ConfigError, DataError, one_line, require
from emqs.geometry import Box, Shape
from emqs.volumes.axes import Request, Stated
from emqs.volumes.formats import compressed
from emqs.volumes.label_answers import PlainAnswers
from emqs.volumes.volume import ArrayReader, Reader, Volume, bounded_chunks, native
from emqs.volumes.writer import Layout, VolumeWriter

_COMPRESSO_SIDE = 2**16 - 1  # beyond it the package ends the process


def open_crackle(path: Path, request: Request) -> Volume:
    """Return a volume of a .ckl file of the crackle package; only the slices needed are decoded.

    Raises:
        DataError: If it is damaged.
        ConfigError: If axes, a level or a dataset are given, which a stream has not.
    """
    stream = compressed.unpacked(path)
    try:
        head = _crackle().header(stream)
        dtype = np.dtype(head.dtype)
        if head.format_version == 1 and head.voxels() > 0:
            crackle_stream.check(stream, crackle_stream.read_head(stream))
    except Exception as fault:  # the library's error is a bare Exception
        raise DataError(f"{path} cannot be read as crackle: {one_line(fault)}.") from None
    is_flat = head.label_format == _crackle().headers.LabelFormat.FLAT
    reader = CrackleReader(str(path), stream=stream, is_flat=is_flat)
    shape = (int(head.sz), int(head.sy), int(head.sx))
    return _volume(path, "crackle", shape, dtype, reader, request, slices=True)


@dataclass(frozen=True, eq=False)
class CrackleReader(PlainAnswers):
    """A crackle stream as its users store it, X fastest; also which labels are in its slices."""

    stream: bytes = field(kw_only=True, repr=False)
    is_flat: bool = field(kw_only=True)

    @cached_property
    def _array(self) -> Any:  # noqa: ANN401 (of an optional package)
        return _crackle().CrackleArray(self.stream, parallel=1)

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box."""
        z, y, x = box.slices
        return np.asarray(self._array[x, y, z].T)

    def block_labels(self, box: Box) -> np.ndarray | None:
        """Return the labels of slices, from the table of the stream; one of pins has none."""
        if not self.is_flat:
            return None
        codec = _crackle().codec
        return np.asarray(codec.labels_for_z_range(self.stream, box.start[0], box.stop[0]))


def open_compresso(path: Path, request: Request) -> Volume:
    """Return a volume of a stream of the compresso package, format version 0 or 1.

    Raises:
        DataError: If it is damaged.
        ConfigError: If axes, a level or a dataset are given, which a stream has not.
    """
    stream = compressed.unpacked(path)
    try:
        codec = get_codec("compresso", max_voxels=2**40)
        codec.wrap(stream)  # type: ignore[attr-defined]
        compresso_package.check_stream(stream)
        library = require("compresso", extra="codecs", purpose="read its streams")
        head = library.header(stream)
        shape = (int(head["sz"]), int(head["sy"]), int(head["sx"]))
        dtype = np.dtype(f"u{head['data_width']}")
        if head["format_version"] == 0:
            _check_fits(path, shape, dtype.itemsize)
            reader: Reader = ArrayReader(library.decompress(stream).T)
        else:
            reader = CompressoReader(library.CompressoArray(stream))
    except CodecError as fault:
        raise DataError(f"{path} cannot be read: {one_line(fault)}.") from None
    except DataError:
        raise
    except Exception as fault:  # the library's errors have no common class
        raise DataError(f"{path} cannot be read as compresso: {one_line(fault)}.") from None
    return _volume(path, "compresso", shape, dtype, reader, request, slices=True)


@dataclass(frozen=True, eq=False)
class CompressoReader:
    """The library's array, which is sliced along Z only."""

    slices: Any

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box."""
        z, y, x = box.slices
        return np.asarray(self.slices[:, :, z])[x, y].T


def open_miccai(path: Path, request: Request) -> Volume:
    """Return a volume of a stream of the original Compresso; it is decoded as a whole."""
    return _open_original(path, "compresso-miccai", request)


def open_version_two(path: Path, request: Request) -> Volume:
    """Return a volume of a stream of the original Compresso, version 2, decoded as a whole."""
    return _open_original(path, "compresso-v2", request)


def _open_original(path: Path, name: str, request: Request) -> Volume:
    """Return a volume of a stream as it is or compressed (.lzma, .gz ...)."""
    stream = compressed.unpacked(path)
    codec = get_codec(name)
    try:
        description = codec.describe(stream)
        _check_fits(path, description.shape, description.dtype.itemsize)
        labels = codec.decode(stream)
    except CodecError as fault:
        raise DataError(f"{path} cannot be read: {one_line(fault)}.") from None
    shape = (labels.shape[0], labels.shape[1], labels.shape[2])
    return _volume(path, name, shape, labels.dtype, ArrayReader(labels), request, slices=False)


def _volume(
    path: Path,
    name: str,
    shape: Shape,
    dtype: np.dtype[Any],
    reader: Reader,
    request: Request,
    *,
    slices: bool,
) -> Volume:
    """Return the volume of a stream, which states neither a voxel size nor an origin.

    Raises:
        ConfigError: If axes, a level or a dataset are given.
    """
    if request.axes is not None:
        raise ConfigError(f"{request.prefix}axes: the axes of {name} are fixed. Leave it out.")
    request.refuse_level(str(path))
    request.refuse_dataset(str(path))
    stated = Stated(("z", "y", "x"))
    facts = stated.geometry(stated.axes(shape, request, str(path)), request, str(path)).fields()
    return Volume(
        name=str(path), shape=shape, dtype=native(dtype), reader=reader, path=path, format=name,
        chunks=(1, *shape[1:]) if slices else bounded_chunks(shape, dtype.itemsize),
        labels=reader if isinstance(reader, CrackleReader) else None, **facts,
    )  # fmt: skip


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
