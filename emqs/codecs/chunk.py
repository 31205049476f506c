"""One chunk of a label array as bytes: checked, self-describing, with an index of its labels.

This is what the Zarr codec ``emqs.labels`` stores; docs/label-codec.md is the written form. All
numbers are little-endian, all checksums CRC-32C:

    bytes  0- 3   b"EMQZ"
    byte   4      version of the layout, 1
    byte   5      coding of the payload: 0 plain values, 1 crackle
    byte   6      compressor of the payload: 0 none, 1 zstd, 2 lzma (XZ)
    byte   7      bytes per label: 1, 2, 4 or 8
    bytes  8-11   checksum of the chunk's key ("0/2/1"), 0 if the writer did not know it
    bytes 12-15   number of labels in the index; 2**32 - 1: there is no index
    bytes 16-19   length of the index in bytes
    bytes 20-27   length of the payload before compression
    bytes 28-31   checksum of the payload as stored
    bytes 32-35   checksum of bytes 0-31 and of the index
    bytes 36-     the index, then the payload

The index stands first, so that the first few kilobytes of a chunk tell which labels are in it.
Checksums find damage. They do not find malice, so all lengths and counts are compared with the
chunk's shape before a library sees the bytes.
"""

import struct
from dataclasses import dataclass
from math import prod
from types import ModuleType

import google_crc32c
import numpy as np

from emqs.codecs import crackle_stream
from emqs.codecs.codec import MAX_VOXELS
from emqs.codecs.compressors import Compressor, Lzma, NoCompressor, Zstd
from emqs.codecs.crackle_stream import MAX_MARKOV_ORDER
from emqs.errors import CodecError, require

MAGIC = b"EMQZ"
VERSION = 1
_FIELDS = struct.Struct("<4sBBBBIIIQI")
_CRC = struct.Struct("<I")
HEADER_BYTES = _FIELDS.size + _CRC.size
NO_INDEX = 2**32 - 1

PLAIN, CRACKLE = 0, 1
#: Compressors of a payload by the number that stands for them; it never changes.
COMPRESSOR_NAMES = ("none", "zstd", "lzma")

#: Objects of fewer voxels than this on average get no index: it would be as large as the chunk.
_LEAST_VOXELS_PER_LABEL = 16
#: Crackle streams over 1/8 of the plain values are worth a comparison with plain zstd.
_POOR_RATIO = 8


@dataclass(frozen=True)
class ChunkSettings:
    """How chunks are written; reading needs none of it.

    Attributes:
        compressor: What follows crackle: ``"zstd"``, ``"lzma"`` or ``"none"``.
        level: Of the compressor; None for its usual one (zstd 3, lzma 6).
        markov_order: How many steps of a boundary predict the next one, 0 to 10.
        pins: Store labels as columns through the slices; about 24 bytes of memory per voxel.
    """

    compressor: str = "zstd"
    level: int | None = 3
    markov_order: int = 0
    pins: bool = False

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if self.compressor not in COMPRESSOR_NAMES:
            raise CodecError(
                f"emqs.labels: compressor must be one of {', '.join(COMPRESSOR_NAMES)}, "
                f"got {self.compressor!r}."
            )
        if type(self.markov_order) is not int or not 0 <= self.markov_order <= MAX_MARKOV_ORDER:
            raise CodecError(
                f"emqs.labels: markov_order must be 0 to {MAX_MARKOV_ORDER}, "
                f"got {self.markov_order!r}."
            )
        if type(self.pins) is not bool:
            raise CodecError(f"emqs.labels: pins must be true or false, got {self.pins!r}.")
        if self.level is not None and type(self.level) is not int:
            raise CodecError(f"emqs.labels: level must be a whole number, got {self.level!r}.")
        self.second_stage(max_output=0)  # checks the level

    def second_stage(self, max_output: int) -> Compressor:
        """Return the compressor, limited to a number of bytes."""
        return _compressor(COMPRESSOR_NAMES.index(self.compressor), self.level, max_output)


@dataclass(frozen=True)
class LabelIndex:
    """Which labels a chunk holds.

    Attributes:
        labels: Distinct labels, ascending, unsigned, shape ``(N,)``.
        counts: Voxels of each, uint64, shape ``(N,)``.
    """

    labels: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True)
class ChunkHead:
    """What stands before a chunk's payload; see the module's table."""

    coding: int
    compressor: int
    width: int
    place: int
    n_labels: int
    index_bytes: int
    plain_bytes: int
    payload_checksum: int


def place_of(key: str) -> int:
    """Return the number that binds a chunk to its key, e.g. ``"0/2/1"``; never 0."""
    return google_crc32c.value(key.encode()) or 1


def encode_chunk(labels: np.ndarray, settings: ChunkSettings, place: int = 0) -> bytes:
    """Return a chunk as bytes.

    Args:
        labels: Labels, shape ``(slices, rows, columns)``, unsigned, C order, native byte order,
            at least one voxel.
        settings: How to write it.
        place: What ``place_of`` says of its key; 0 if that is not known.

    Raises:
        CodecError: If the chunk has too many voxels.
    """
    check_size(labels.shape)
    if not labels.flags.writeable:
        labels = labels.copy()  # crackle refuses to read what it cannot write
    coding, compressor, plain_bytes, payload = _smallest(labels, settings)
    index = index_of(labels)
    if index.labels.size * _LEAST_VOXELS_PER_LABEL > labels.size > _LEAST_VOXELS_PER_LABEL:
        n_labels, packed = NO_INDEX, b""
    else:
        n_labels, packed = index.labels.size, _pack_index(index)
    fields = _FIELDS.pack(
        MAGIC,
        VERSION,
        coding,
        compressor,
        labels.itemsize,
        place,
        n_labels,
        len(packed),
        plain_bytes,
        google_crc32c.value(payload),
    )
    checksum = google_crc32c.extend(google_crc32c.value(fields), packed)
    return b"".join([fields, _CRC.pack(checksum), packed, payload])


def decode_chunk(
    chunk: bytes,
    shape: tuple[int, int, int],
    dtype: np.dtype[np.unsignedinteger],
    slices: tuple[int, int] | None = None,
    place: int = 0,
) -> np.ndarray:
    """Return the labels of a chunk, or of a range of its slices.

    Args:
        chunk: What ``encode_chunk`` returned, whole.
        shape: ``(slices, rows, columns)`` of the whole chunk.
        dtype: Unsigned, native byte order.
        slices: First slice to return, and the one after the last; None for all.
        place: What ``place_of`` says of the key it was read from; 0 if that is not known.

    Returns:
        Labels, shape ``(slices, rows, columns)``, C order; possibly read-only.

    Raises:
        CodecError: If the chunk is damaged, foreign, of another shape or dtype, or belongs to
            another place.
    """
    check_size(shape)
    head = read_head(chunk, dtype, place)
    start = HEADER_BYTES + head.index_bytes
    _index_bytes(chunk, head)
    payload = memoryview(chunk)[start:]
    if google_crc32c.value(bytes(payload)) != head.payload_checksum:
        raise damaged("the checksum of its payload is wrong")
    whole_bytes = prod(shape) * dtype.itemsize
    if head.plain_bytes > whole_bytes or (head.coding == PLAIN and head.plain_bytes != whole_bytes):
        raise damaged(f"it promises {head.plain_bytes} bytes for labels of {whole_bytes}")
    plain = _compressor(head.compressor, None, head.plain_bytes).decompress(bytes(payload))
    if len(plain) != head.plain_bytes:
        raise damaged(f"{len(plain)} bytes where {head.plain_bytes} are promised")
    first, last = slices if slices is not None else (0, shape[0])
    if head.coding == PLAIN:
        return np.frombuffer(plain, dtype.newbyteorder("<")).reshape(shape)[first:last]
    try:
        stated = crackle_stream.read_head(plain)
        stored_as = stated.shape, stated.width, stated.signed, stated.fortran_order
        if stored_as != (shape, dtype.itemsize, False, True):
            raise damaged(f"its crackle header states shape, bytes, sign and order {stored_as}")
        only = crackle_stream.check(plain, stated)
    except crackle_stream.StreamError as fault:
        raise damaged(str(fault)) from None
    if only is not None:
        return np.full((last - first, *shape[1:]), only, dtype)
    try:
        # not crackle.decompress: it reads the header four times, which takes longer than a slice
        flat = _fastcrackle().decompress(plain, first, last, 1, None, False)
    except Exception as fault:  # the library's errors have no common class
        raise damaged(f"crackle cannot read it: {fault}") from fault
    return flat.reshape((last - first, *shape[1:]))


def read_head(chunk: bytes, dtype: np.dtype[np.unsignedinteger], place: int = 0) -> ChunkHead:
    """Return what the first bytes of a chunk state; their checksum covers the index as well.

    Args:
        chunk: At least the first ``HEADER_BYTES`` bytes of a chunk.
        dtype: What its labels must be.
        place: As for ``decode_chunk``.

    Raises:
        CodecError: If this is no such chunk.
    """
    if len(chunk) < HEADER_BYTES:
        raise damaged(f"it is truncated: {len(chunk)} bytes, its header alone takes {HEADER_BYTES}")
    magic, version, *fields = _FIELDS.unpack_from(chunk)
    if magic != MAGIC:
        raise damaged(f"it starts with {magic!r}, expected {MAGIC!r}")
    if version != VERSION:
        raise CodecError(
            f"emqs.labels: the chunk has version {version} of the layout, this program reads "
            f"{VERSION}. Update emqs."
        )
    head = ChunkHead(*fields)
    if head.coding not in (PLAIN, CRACKLE) or head.compressor >= len(COMPRESSOR_NAMES):
        raise damaged(f"coding {head.coding} and compressor {head.compressor} are not known")
    if head.width != dtype.itemsize:
        raise damaged(f"it has {head.width} bytes per label, the array {dtype.itemsize}")
    if 0 not in (place, head.place) and place != head.place:
        raise damaged("it was written for another place in the array")
    return head


def read_index(
    chunk: bytes, n_voxels: int, dtype: np.dtype[np.unsignedinteger], place: int = 0
) -> LabelIndex | None:
    """Return the labels of a chunk from its first bytes, and decode nothing else.

    Args:
        chunk: The first ``HEADER_BYTES + index_bytes`` bytes of a chunk, or more.
        n_voxels: Voxels of the whole chunk.
        dtype: Unsigned, native byte order.
        place: As for ``decode_chunk``.

    Returns:
        The labels; None if the chunk has no index.

    Raises:
        CodecError: If these bytes are damaged, or contradict the number of voxels.
    """
    head = read_head(chunk, dtype, place)
    packed = _index_bytes(chunk, head)
    if head.n_labels == NO_INDEX:
        return None
    if not 0 < head.n_labels <= n_voxels:
        raise damaged(f"its index has {head.n_labels} labels for {n_voxels} voxels")
    plain = Zstd(max_output=16 * head.n_labels).decompress(packed)
    if len(plain) != 16 * head.n_labels:
        raise damaged("its index has not the length promised")
    columns = np.frombuffer(plain, np.uint8).reshape(2, 8, head.n_labels)
    steps, counts = np.ascontiguousarray(columns.transpose(0, 2, 1)).view("<u8")[..., 0]
    labels = np.cumsum(steps, dtype=np.uint64)
    rising = (labels[1:] > labels[:-1]).all() and labels[-1] <= np.iinfo(dtype).max
    if not rising or (counts == 0).any() or int(counts.sum()) != n_voxels:
        raise damaged("its index contradicts itself")
    return LabelIndex(labels.astype(dtype), counts.astype(np.uint64))


def index_of(labels: np.ndarray) -> LabelIndex:
    """Return the distinct labels of an array, C order, ascending, and the voxels of each."""
    flat = labels.reshape(-1)
    # runs first: labels repeat along a row, and a sort of all voxels takes longer than crackle
    ends = np.append(np.flatnonzero(flat[1:] != flat[:-1]), flat.size - 1)
    lengths = np.diff(ends, prepend=-1).astype(np.uint64)
    runs = flat[ends]
    if runs.dtype.kind in "ub" and flat.size < 2**32 and int(runs.max()) < 2**32:
        # label and length as one number: sorting numbers takes a third of sorting their places
        both = runs.astype(np.uint64) << np.uint64(32) | lengths
        both.sort()
        runs, lengths = (both >> np.uint64(32)).astype(runs.dtype), both & np.uint64(2**32 - 1)
    else:
        order = np.argsort(runs)
        runs, lengths = runs[order], lengths[order]
    starts = np.flatnonzero(np.append(True, runs[1:] != runs[:-1]))
    return LabelIndex(runs[starts], np.add.reduceat(lengths, starts))


def check_size(shape: tuple[int, ...]) -> None:
    """Raise an error if a chunk has more voxels than a chunk may have.

    Raises:
        CodecError: If it has.
    """
    if prod(shape) > MAX_VOXELS:
        raise CodecError(
            f"emqs.labels: a chunk of {' x '.join(map(str, shape))} voxels is over the limit of "
            f"{MAX_VOXELS}. Use smaller chunks; 32 x 256 x 256 is a good size."
        )


def damaged(why: str) -> CodecError:
    """Return the error of a chunk that cannot be read."""
    return CodecError(f"emqs.labels: the chunk is damaged: {why}.")


def _smallest(labels: np.ndarray, settings: ChunkSettings) -> tuple[int, int, int, bytes]:
    """Return coding, compressor, length before compression, and payload."""
    packings: list[tuple[int, int, int, bytes]] = []
    stream = bytes(
        _crackle().compress(
            labels.T,
            allow_pins=int(settings.pins),
            markov_model_order=settings.markov_order,
            parallel=1,
        )
    )
    if len(stream) <= labels.nbytes:
        number = COMPRESSOR_NAMES.index(settings.compressor)
        payload = settings.second_stage(len(stream)).compress(stream)
        packings.append((CRACKLE, number, len(stream), payload))
    if len(stream) * _POOR_RATIO > labels.nbytes:
        plain = labels.astype(labels.dtype.newbyteorder("<"), copy=False).tobytes()
        level = settings.level if settings.compressor == "zstd" else None
        packed = Zstd(level=level, max_output=len(plain)).compress(plain)
        packings.append((PLAIN, COMPRESSOR_NAMES.index("zstd"), len(plain), packed))
        packings.append((PLAIN, COMPRESSOR_NAMES.index("none"), len(plain), plain))
    return min(packings, key=lambda one: len(one[3]))


def _pack_index(index: LabelIndex) -> bytes:
    """Return an index as bytes: steps between labels, and counts, byte by byte in columns."""
    labels = index.labels.astype(np.uint64)
    steps = np.diff(labels, prepend=np.uint64(0))
    columns = np.stack([steps, index.counts]).astype("<u8")[..., None].view(np.uint8)
    return Zstd(level=9).compress(columns.transpose(0, 2, 1).tobytes())


def _index_bytes(chunk: bytes, head: ChunkHead) -> bytes:
    """Return the index as stored, after checking its checksum and the header's."""
    stop = HEADER_BYTES + head.index_bytes
    if len(chunk) < stop:
        raise damaged(f"it is truncated: {len(chunk)} bytes, header and index take {stop}")
    packed = bytes(chunk[HEADER_BYTES:stop])
    checksum = google_crc32c.extend(google_crc32c.value(bytes(chunk[: _FIELDS.size])), packed)
    if _CRC.unpack_from(chunk, _FIELDS.size)[0] != checksum:
        raise damaged("the checksum of its header and index is wrong")
    return packed


def _compressor(number: int, level: int | None, max_output: int) -> Compressor:
    """Return the compressor of a number."""
    if COMPRESSOR_NAMES[number] == "zstd":
        return Zstd(level=level, max_output=max_output)
    if COMPRESSOR_NAMES[number] == "lzma":
        return Lzma(level=level, max_output=max_output)
    return NoCompressor(max_output=max_output)


def _crackle() -> ModuleType:
    """Return the crackle library."""
    return require("crackle", extra="labels", purpose="read and write label chunks")


def _fastcrackle() -> ModuleType:
    """Return the compiled half of the crackle library."""
    return require("fastcrackle", extra="labels", purpose="read label chunks")
