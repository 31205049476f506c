"""Reads Zarr arrays whose codecs only the Zarr library knows, and tells of labels in chunks.

Arrays of the codec ``emqs.labels`` list the labels of each chunk at its head, and label images of
emqs note which chunks they have, so that a lost one is not taken for background.
"""

import base64
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import CodecError, DataError, one_line, require
from emqs.geometry import Box, touched
from emqs.volumes.axes import Axes, Request, Stated
from emqs.volumes.chunks import Location
from emqs.volumes.label_answers import ChunkChecks, PlainAnswers
from emqs.volumes.seals import STORED
from emqs.volumes.volume import Reader, Volume, check_chunks
from emqs.volumes.zarr_labels.index import LabelVolume, open_labels, stored_index

_CODEC = "emqs.labels"
_MOST_BITS = 2**28  # chunks of which it is noted whether they were written


@dataclass(frozen=True)
class Source:
    """An array on disk or on a server.

    Attributes:
        location: Its folder.
        node: Its metadata.
        separator: Between the numbers in the names of chunks.
        group: Folder of its group; None if it is opened alone.
        own: Attributes of the group.
        path: Of the array in the group.
    """

    location: Location
    node: dict[str, Any]
    separator: str
    group: Location | None
    own: dict[str, Any]
    path: str

    def answers(self, axes: Axes) -> PlainAnswers:
        """Return what can be told of the labels of its chunks."""
        lengths = self._lengths()
        noted = self.own.get(STORED)
        if isinstance(noted, dict):
            noted = noted.get(self.path)
        elif self.path != "0":
            noted = None
        bits = None if noted is None else _stored_chunks(noted, self.node, lengths, self)
        named = [codec.get("name") for codec in self.node.get("codecs") or ()]
        kind = LabelAnswersOfChunks if named == [_CODEC] else ZarrAnswers
        return kind(
            name=self.location.name, checksum=_checksum(self.node), source=self, axes=axes,
            lengths=lengths, stored=bits, image=self._image(),
        )  # fmt: skip

    def key(self, place: Sequence[int]) -> str:
        """Return the name of a chunk, e.g. ``c/0/2/1``."""
        numbers = [str(int(number)) for number in place]
        encoding = self.node.get("chunk_key_encoding")
        named = encoding.get("name") if isinstance(encoding, dict) else encoding
        is_default = self.node.get("zarr_format") == 3 and named != "v2"
        return self.separator.join(["c", *numbers] if is_default else numbers)

    def _lengths(self) -> tuple[int, ...]:
        """Return the lengths of what one file holds: a chunk, or a shard."""
        if self.node.get("zarr_format") == 2:
            return tuple(int(n) for n in self.node["chunks"])
        return tuple(int(n) for n in self.node["chunk_grid"]["configuration"]["chunk_shape"])

    def _image(self) -> LabelVolume | None:
        """Return the whole label image, after checking its metadata; None if it is none of emqs."""
        own = self.own.get("emqs")
        if self.group is None or self.group.path is None:
            return None
        if not isinstance(own, dict) or "checksums" not in own:
            return None
        return open_labels(self.group.path)


@dataclass(frozen=True, eq=False)
class ZarrAnswers(PlainAnswers):
    """Where chunks are stored, and which are lost."""

    source: Source = field(kw_only=True, repr=False)
    axes: Axes = field(kw_only=True)
    lengths: tuple[int, ...] = field(kw_only=True)
    stored: np.ndarray | None = field(kw_only=True, repr=False)
    image: LabelVolume | None = field(kw_only=True, repr=False)

    def chunk_of(self, box: Box) -> tuple[int, ...]:
        """Return the place of a box's first voxel in the grid of files."""
        place = [self.axes.fixed.get(axis, 0) // length for axis, length in enumerate(self.lengths)]
        for axis, start in zip(self.axes.spatial, box.start, strict=True):
            if axis is not None:
                place[axis] = start // self.lengths[axis]
        return tuple(place)

    def place(self, box: Box) -> str:
        """Return the file of a chunk."""
        location, key = self.source.location, self.source.key(self.chunk_of(box))
        return f"{location.name}/{key}" if location.path is None else str(location.path / key)

    def missing(self, box: Box) -> bool:
        """Return whether a chunk that was written is gone."""
        if self.stored is None or not self.stored[self.chunk_of(box)]:
            return False
        location = self.source.location
        if location.path is not None:
            return not Path(self.place(box)).is_file()
        return location.read_bytes(self.source.key(self.chunk_of(box))) is None

    def check(self, box: Box) -> None:
        """Raise an error if a file that a box touches was written and is gone."""
        if self.stored is None:
            return
        shape = self.axes.triple(self.source.node["shape"], 1)
        for part in touched(box, self.axes.triple(self.lengths, 1), shape):
            if self.missing(part):
                raise lost(self.place(part))

    @property
    def checks(self) -> ChunkChecks | None:
        """All chunks of all levels; None if it is no label image of emqs."""
        return None if self.image is None else ImageChecks(self.image)


class LabelAnswersOfChunks(ZarrAnswers):
    """Labels of chunks in the codec ``emqs.labels``, from the index at the head of each."""

    def block_labels(self, box: Box) -> np.ndarray | None:
        """Return the labels of a chunk from its index."""
        counted = self.block_counts(box)
        return None if counted is None else counted[0]

    def block_counts(self, box: Box) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the labels of a chunk and the voxels of each, from its index.

        Raises:
            DataError: If the chunk is damaged or lost.
        """
        if self.source.location.path is None:
            return None
        path = Path(self.place(box))
        dtype = np.dtype(self.source.node["data_type"])
        outside = prod(self.lengths) - box.size
        fill = np.full(1, self.source.node.get("fill_value", 0), dtype)
        if self.missing(box):
            raise lost(str(path))
        if not path.is_file():
            return fill, np.array([box.size], np.uint64)
        key = "/".join(str(number) for number in self.chunk_of(box))
        try:
            index = stored_index(path, prod(self.lengths), dtype, key)
        except CodecError as fault:
            raise DataError(f"Chunk {path}: {one_line(fault)}.") from fault
        if index is None:
            return None
        labels = index.labels > 0 if dtype.kind == "b" else index.labels.view(dtype)
        counts = index.counts.copy()
        counts[labels == fill] -= np.uint64(outside)  # voxels of the chunk outside of the volume
        return labels[counts > 0], counts[counts > 0]


@dataclass(frozen=True, eq=False)
class ImageChecks:
    """Chunks of all levels of a label image; see ``ChunkChecks``."""

    image: LabelVolume

    @property
    def n_chunks(self) -> int:
        """How many there are."""
        return self.image.n_chunks

    def file(self, number: int) -> str:
        """Return the file of a chunk."""
        return str(self.image.file(*self.image.chunk_at(number)))

    def fault(self, number: int) -> str | None:
        """Return what is wrong with a chunk."""
        return self.image.fault(*self.image.chunk_at(number))


@dataclass(frozen=True, eq=False)
class WatchedReader:
    """A reader that notices chunks which were written and are gone."""

    reader: Reader
    answers: ZarrAnswers

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box.

        Raises:
            DataError: If a chunk is lost.
        """
        self.answers.check(box)
        return self.reader.read(box)


def _watched(volume: Volume) -> Volume:
    """Return a volume whose lost chunks are errors, if it notes which chunks it has."""
    answers = volume.labels
    if not isinstance(answers, ZarrAnswers) or answers.stored is None:
        return volume
    return replace(volume, reader=WatchedReader(volume.reader, answers))


@dataclass(frozen=True, eq=False)
class ZarrReader:
    """An array that the Zarr library reads."""

    name: str
    array: Any
    axes: Axes

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box.

        Raises:
            DataError: If a chunk is damaged.
        """
        try:
            voxels = np.asarray(self.array[self.axes.index(box)])
        except CodecError as fault:
            raise DataError(
                f"{self.name} cannot be read at {box}: {one_line(fault)}. It may be damaged: copy "
                "or export it again."
            ) from fault
        return voxels.transpose(self.axes.order).reshape(box.shape)


def open_with_zarr(
    source: Source,
    stated: Callable[[list[int]], Stated],
    request: Request,
    codecs: Sequence[str],
) -> Volume:
    """Return a volume of an array that only the Zarr library reads.

    Args:
        source: The array.
        stated: Returns what the source says of its axes, given the lengths of the stored axes.
        request: What the user says of them.
        codecs: Names of those that make it so, for messages.

    Raises:
        DataError: If it is on a server, its codec is not known, or it is damaged.
        ConfigError: If an index must be chosen.
    """
    location = source.location
    where = location.name
    if location.source is None:
        raise DataError(
            f"The chunks of {where} are in the codec {codecs[0]!r}, which is read from disk only. "
            "Copy the volume to this machine first."
        )
    array = _array(location, where)
    dtype, shape = np.dtype(array.dtype), list(array.shape)
    known = stated(shape)
    axes = known.axes(shape, request, where)
    facts = known.geometry(axes, request, where).fields()
    lengths = tuple(int(n) for n in array.chunks)
    check_chunks(axes.triple(lengths, 1), dtype.itemsize * _others(lengths, axes), where)
    z, y, x = axes.triple(shape, 1)
    chunks = tuple(min(a, b) for a, b in zip(axes.triple(lengths, 1), (z, y, x), strict=True))
    volume = Volume(
        name=where, shape=(z, y, x), dtype=dtype.newbyteorder("="), chunks=chunks,
        reader=ZarrReader(where, array, axes), path=location.source, format="zarr",
        labels=source.answers(axes) if dtype.kind in "uib" else None, **facts,
    )  # fmt: skip
    return _watched(volume)


def _array(location: Location, where: str) -> Any:  # noqa: ANN401 (of an optional package)
    """Return an array of the Zarr library."""
    from emqs.volumes.zarr_labels.writer import zarr_library

    zarr = zarr_library()
    try:
        if location.archive is None:
            return zarr.open_array(location.path, mode="r")
        stores = require("zarr.storage", extra="labels", purpose="read Zarr in zip files")
        store = stores.ZipStore(location.archive, mode="r")
        return zarr.open_array(store, path=location.store.path.strip("/"), mode="r")
    except Exception as fault:  # the library's errors have no common class
        raise DataError(f"{where} cannot be read as Zarr: {one_line(fault)}.") from None


def _others(lengths: Sequence[int], axes: Axes) -> int:
    """Return the voxels of a chunk along axes that are not Z, Y or X."""
    return prod(length for axis, length in enumerate(lengths) if axis in axes.fixed)


def lost(place: str) -> DataError:
    """Return the error of a chunk that was written and is gone."""
    return DataError(
        f"The chunk {place} is missing, although it was written. Copy it there again, or write the "
        "volume again."
    )


def _checksum(node: dict[str, Any]) -> str:
    """Return what notices damage to a chunk of an array; empty if nothing does."""
    if node.get("zarr_format") == 2:
        compressor = node.get("compressor")
        is_gzip = isinstance(compressor, dict) and compressor.get("id") == "gzip"
        return "the CRC-32 of gzip" if is_gzip else ""
    for codec in node.get("codecs") or ():
        name, settings = codec.get("name"), codec.get("configuration") or {}
        if name in (_CODEC, "crc32c"):
            return "its CRC-32C"
        if name == "zstd" and settings.get("checksum"):
            return "the checksum of zstd"
        if name == "gzip":
            return "the CRC-32 of gzip"
    return ""


def _stored_chunks(
    noted: object, node: dict[str, Any], lengths: Sequence[int], source: Source
) -> np.ndarray:
    """Return which chunks of an array were written, bool, the shape of the grid of chunks."""
    where = source.location.name if source.group is None else source.group.name
    grid = [-(-int(side) // step) for side, step in zip(node["shape"], lengths, strict=True)]
    n_bytes = -(-prod(grid) // 8)
    if n_bytes > _MOST_BITS // 8:
        raise DataError(
            f"{where}: the attribute {STORED} is of {prod(grid)} chunks, above the limit of "
            f"{_MOST_BITS}. To read the volume without it, remove that attribute."
        )
    try:
        inflater = zlib.decompressobj()  # its checksum is compared at its end
        bits = inflater.decompress(base64.b64decode(str(noted)), n_bytes + 1)
    except (ValueError, TypeError, zlib.error) as fault:
        raise DataError(f"{where}: the attribute {STORED} is damaged: {fault}.") from None
    if len(bits) != n_bytes or not inflater.eof:
        raise DataError(f"{where}: the attribute {STORED} does not fit the array.")
    flags = np.unpackbits(np.frombuffer(bits, np.uint8), count=prod(grid))
    return flags.astype(bool).reshape(grid)
