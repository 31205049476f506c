"""Open label images: read regions, ask which labels are where, find damage.

Questions about labels are answered from the index at the head of each chunk file, a few kilobytes
each; no chunk is decoded unless a question needs voxels. Arrays with other codecs or with shards
can be opened as well, but then every question decodes every chunk.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, cast

import numpy as np

from emqs.codecs.chunk import HEADER_BYTES, LabelIndex, index_of, place_of, read_head, read_index
from emqs.errors import CodecError, DataError, one_line
from emqs.volumes import ome
from emqs.volumes.axes import unit_nm
from emqs.volumes.chunks import checked_path
from emqs.volumes.seals import checksum
from emqs.volumes.zarr_labels.plan import Region
from emqs.volumes.zarr_labels.writer import essence_of, zarr_library

_FIRST_READ = 4096  # bytes; holds the index of most chunks
Key = tuple[int, ...]


@dataclass(frozen=True)
class BadChunk:
    """A chunk that cannot be read, or is not what it says.

    Attributes:
        level: Which array, 0 is the full size.
        key: Its place in the grid of chunks.
        path: Its file.
        reason: What is wrong with it.
    """

    level: int
    key: Key
    path: Path
    reason: str


class LabelVolume:
    """A label image, or one array of labels, that is open for reading.

    Attributes:
        path: Its folder.
        axes: A letter for each axis, e.g. ``"zyx"``.
    """

    def __init__(
        self,
        path: Path,
        arrays: list[Any],
        axes: str,
        sizes: list[tuple[float, ...]] | None = None,
        origins: list[tuple[float, ...]] | None = None,
    ) -> None:
        """Wrap arrays; ``open_labels`` makes one."""
        self.path, self.axes = path, axes
        self._arrays, self._sizes, self._origins = arrays, sizes, origins

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis of the full size, in voxels."""
        return tuple(self._arrays[0].shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the labels."""
        return np.dtype(self._arrays[0].dtype)

    @property
    def voxel_size_nm(self) -> tuple[float, ...] | None:
        """Edges of a voxel of the full size along the spatial axes; None if that is not stated."""
        return None if self._sizes is None else self._sizes[0]

    @property
    def level_voxel_sizes_nm(self) -> list[tuple[float, ...]] | None:
        """The same of every level."""
        return self._sizes

    @property
    def level_origins_nm(self) -> list[tuple[float, ...]] | None:
        """Position of the first voxel of every level along the spatial axes."""
        return self._origins

    @property
    def chunks(self) -> tuple[int, ...]:
        """Length of a chunk along each axis; with shards, of a shard."""
        return self._size(0)

    @property
    def n_levels(self) -> int:
        """Arrays of the pyramid."""
        return len(self._arrays)

    @property
    def has_index(self) -> bool:
        """Whether questions about labels are answered without decoding chunks."""
        return self._codec(0) is not None

    def level(self, level: int) -> Any:  # noqa: ANN401 (zarr's, which is optional)
        """Return the Zarr array of a level; 0 is the full size.

        Raises:
            DataError: If there is no such level.
        """
        if not 0 <= level < self.n_levels:
            raise DataError(f"{self.path} has the levels 0 to {self.n_levels - 1}, got {level}.")
        return self._arrays[level]

    def __getitem__(self, region: Any) -> np.ndarray:  # noqa: ANN401 (as NumPy's)
        """Return the labels of a region of the full size.

        Raises:
            CodecError: If a chunk is damaged; the message has its key.
        """
        return np.asarray(self._arrays[0][region])

    def labels(self) -> np.ndarray:
        """Return the distinct labels in ascending order; 0 is one of them if it occurs."""
        return self.counts()[0]

    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the distinct labels in ascending order, and the voxels of each, uint64."""
        counts: dict[int, int] = {}
        for key in self._keys(0):
            index = self._index(0, key)
            pairs = zip(index.labels.tolist(), index.counts.tolist(), strict=True)
            for label, count in pairs:
                counts[label] = counts.get(label, 0) + count
        labels = np.array(list(counts), self.dtype)
        order = np.argsort(labels)
        return labels[order], np.array(list(counts.values()), np.uint64)[order]

    def contains(self, label: int) -> bool:
        """Return whether a label occurs."""
        return next(self._with(label), None) is not None

    def count(self, label: int) -> int:
        """Return how many voxels have a label."""
        return sum(count for _, count in self._with(label))

    def chunks_with(self, label: int) -> list[Key]:
        """Return the places in the grid of chunks that hold a label."""
        return [key for key, _ in self._with(label)]

    def bounding_box(self, label: int) -> Region | None:
        """Return the smallest box that holds all of a label; None if it does not occur.

        Only the outermost chunks that hold it are decoded.
        """
        keys = self.chunks_with(label)
        if not keys:
            return None
        grid = np.array(keys)
        outer = ((grid == grid.min(axis=0)) | (grid == grid.max(axis=0))).any(axis=1)
        low = np.array(self.shape)
        high = np.zeros(len(self.shape), int)
        for key in grid[outer].tolist():
            box = self.box(tuple(key))
            inside = self[box] == label
            corner = np.array([part.start for part in box])
            for axis in range(inside.ndim):
                others = tuple(n for n in range(inside.ndim) if n != axis)
                places = np.flatnonzero(inside.any(axis=others))
                low[axis] = min(low[axis], corner[axis] + places[0])
                high[axis] = max(high[axis], corner[axis] + places[-1] + 1)
        return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))

    def extract(self, label: int) -> Iterator[tuple[Region, np.ndarray]]:
        """Yield every chunk that holds a label: its box, and where in it the label is, bool."""
        for key in self.chunks_with(label):
            box = self.box(key)
            yield box, self[box] == label

    def box(self, key: Key, level: int = 0) -> Region:
        """Return the voxels of a chunk; ends are inside of the volume."""
        return tuple(
            slice(k * length, min((k + 1) * length, side))
            for k, length, side in zip(
                key, self._size(level), self._arrays[level].shape, strict=True
            )
        )

    def verify(
        self, step: Callable[[int, int], None] = lambda _done, _total: None
    ) -> Iterator[BadChunk]:
        """Read every chunk of every level against its checksums and its index.

        Args:
            step: Called after each chunk with chunks done and in all.

        Yields:
            Each chunk that is damaged, or contradicts itself.
        """
        for number in range(self.n_chunks):
            level, key = self.chunk_at(number)
            reason = self.fault(level, key)
            if reason is not None:
                yield BadChunk(level, key, self.file(level, key), reason)
            step(number + 1, self.n_chunks)

    @property
    def n_chunks(self) -> int:
        """Chunks of all levels."""
        return sum(prod(self._grid(level)) for level in range(self.n_levels))

    def chunk_at(self, number: int) -> tuple[int, Key]:
        """Return level and place of a chunk by its number, from 0 to ``n_chunks`` - 1."""
        for level in range(self.n_levels):
            grid = self._grid(level)
            if number < prod(grid):
                return level, tuple(int(k) for k in np.unravel_index(number, grid))
            number -= prod(grid)
        raise IndexError(number)

    def fault(self, level: int, key: Key) -> str | None:
        """Return what is wrong with a chunk, or None."""
        try:
            counted = self._counted(level, key)
            index = self._index(level, key)
        except Exception as fault:  # codecs of others raise what they like
            return str(fault) or type(fault).__name__
        same = np.array_equal(counted.labels, index.labels)
        if not same or not np.array_equal(counted.counts, index.counts):
            return "its index names other labels than it holds"
        return None

    def _with(self, label: int) -> Iterator[tuple[Key, int]]:
        """Yield every chunk that holds a label, and how many voxels have it."""
        limits = np.iinfo(self.dtype) if self.dtype.kind != "b" else None
        low, high = (0, 1) if limits is None else (limits.min, limits.max)
        if not low <= label <= high:
            return
        for key in self._keys(0):
            index = self._index(0, key)
            at = int(np.searchsorted(index.labels, label))
            if at < index.labels.size and index.labels[at] == label:
                yield key, int(index.counts[at])

    def _index(self, level: int, key: Key) -> LabelIndex:
        """Return the labels of a chunk inside the volume, ascending in the volume's dtype."""
        codec = self._codec(level)
        if codec is None:
            return self._counted(level, key)
        array = self._arrays[level]
        size = prod(self._size(level))
        outside = size - prod(part.stop - part.start for part in self.box(key, level))
        fill = np.array([array.fill_value], self.dtype)
        path = self.file(level, key)
        if not path.is_file():
            return LabelIndex(fill, np.array([size - outside], np.uint64))
        try:
            index = stored_index(path, size, self.dtype, "/".join(map(str, key)))
        except CodecError as fault:
            raise CodecError(f"Chunk {path}: {fault}") from fault
        if index is None:
            return self._counted(level, key)
        labels = index.labels.view(self.dtype) if self.dtype.kind != "b" else index.labels > 0
        return _without(LabelIndex(labels, index.counts), fill[0], outside)

    def _counted(self, level: int, key: Key) -> LabelIndex:
        """Return the labels of a chunk by decoding it."""
        labels = np.ascontiguousarray(self._arrays[level][self.box(key, level)])
        return _ascending(index_of(labels))

    def _codec(self, level: int) -> Any:  # noqa: ANN401 (zarr's, which is optional)
        """Return the codec emqs.labels if it alone makes the chunk files of a level."""
        from emqs.codecs.zarr_codec import LabelChunks

        codecs = list(getattr(self._arrays[level].metadata, "codecs", ()))
        alone = len(codecs) == 1 and isinstance(codecs[0], LabelChunks)
        return codecs[0] if alone else None

    def _size(self, level: int) -> tuple[int, ...]:
        """Return the voxels that one file holds along each axis."""
        array = self._arrays[level]
        return tuple(array.chunks if array.shards is None else array.shards)

    def _keys(self, level: int) -> Iterator[Key]:
        """Yield the place of every chunk of a level, stored or not."""
        yield from product(*map(range, self._grid(level)))

    def _grid(self, level: int) -> Key:
        """Return how many chunks there are along each axis."""
        shape, size = self._arrays[level].shape, self._size(level)
        return tuple(-(-side // length) for side, length in zip(shape, size, strict=True))

    def file(self, level: int, key: Key) -> Path:
        """Return the file of a chunk."""
        array = self._arrays[level]
        store, inside = Path(array.store.root), str(array.store_path.path)
        return store / inside / str(array.metadata.encode_chunk_key(key))


def open_labels(path: Path | str) -> LabelVolume:
    """Open a label image (OME-Zarr 0.5), or a single Zarr array of labels, for reading.

    Raises:
        DataError: If it is not there, is none, or its metadata are damaged.
    """
    folder = Path(path)
    zarr = zarr_library()
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; a label volume is a folder with zarr.json.")
    try:
        node = zarr.open(folder, mode="r")
    except Exception as fault:  # from missing files to unknown codecs
        raise DataError(f"{folder} cannot be opened as Zarr: {fault}") from fault
    if isinstance(node, zarr.Array):
        _check_kind(node, folder)
        return LabelVolume(folder, [node], _letters(node))
    return _open_image(folder, node)


def _open_image(folder: Path, group: Any) -> LabelVolume:  # noqa: ANN401 (zarr's)
    """Return the label image of a group."""
    described = group.attrs.get("ome")
    if not isinstance(described, dict) or not described.get("multiscales"):
        inside = sorted({*group.group_keys(), *group.array_keys()})
        raise DataError(
            f"{folder} is a group without OME-Zarr 0.5 metadata (attributes.ome.multiscales). "
            f"It holds: {', '.join(inside) or 'nothing'}. Give the path of one of these."
        )
    image = ome.read_image(described, described.get("version"), str(folder))
    try:
        arrays = [group[checked_path(level.path)] for level in image.levels]
    except (KeyError, ValueError) as fault:
        raise DataError(
            f"{folder}: its OME-Zarr metadata lack something: {one_line(fault)}."
        ) from fault
    for number, array in enumerate(arrays):
        _check_kind(array, folder / str(number))
    _check_sums(folder, group, arrays, described)
    return LabelVolume(folder, arrays, "".join(image.names), *_lengths(image))


def _lengths(
    image: ome.Image,
) -> tuple[list[tuple[float, ...]] | None, list[tuple[float, ...]] | None]:
    """Return voxel sizes and origins of all levels along spatial axes, in nm; None if unknown."""
    space = [n for n, name in enumerate(image.names) if name.lower() in ("z", "y", "x")]
    units = [unit_nm(image.units[n]) for n in space]
    if None in units or any(level.scale is None for level in image.levels):
        return None, None

    def in_nm(values: Sequence[float] | None) -> tuple[float, ...]:
        return tuple(
            (0.0 if values is None else values[n]) * (unit or 0.0)
            for n, unit in zip(space, units, strict=True)
        )

    return [in_nm(level.scale) for level in image.levels], [
        in_nm(level.translation) for level in image.levels
    ]


def _check_kind(array: Any, path: Path) -> None:  # noqa: ANN401 (zarr's)
    """Raise an error unless an array holds integers or bool."""
    if np.dtype(array.dtype).kind not in "uib":
        raise DataError(f"{path} holds {array.dtype}; labels are integers or bool.")


def _check_sums(folder: Path, group: Any, arrays: list[Any], ome: object) -> None:  # noqa: ANN401
    """Raise an error if what decides how chunks are read has changed since it was written."""
    own = group.attrs.get("emqs")
    sums = own.get("checksums", {}) if isinstance(own, dict) else {}
    contents = {str(n): _essence(array) for n, array in enumerate(arrays)} | {"ome": ome}
    for name, stored in sums.items():
        if name not in contents or checksum(contents[name]) != stored:
            where = folder / "zarr.json" if name == "ome" else folder / name / "zarr.json"
            raise DataError(
                f"{where} is damaged or was edited: its checksum in {folder / 'zarr.json'} is "
                "another. To accept what it says, remove emqs.checksums from the attributes there."
            )


def _essence(array: Any) -> dict[str, Any]:  # noqa: ANN401 (zarr's)
    """Return what of an array's metadata decides which labels are read."""
    return essence_of(json.loads(json.dumps(array.metadata.to_dict(), default=str)))


def _letters(array: Any) -> str:  # noqa: ANN401 (zarr's)
    """Return the axes of a single array: its dimension names if they are letters."""
    names = getattr(array.metadata, "dimension_names", None) or ()
    named = "".join(name for name in names if isinstance(name, str) and len(name) == 1)
    return named if len(named) == array.ndim else "tczyx"[-array.ndim :]


def stored_index(path: Path, n_voxels: int, dtype: np.dtype[Any], key: str) -> LabelIndex | None:
    """Return the index at the head of a chunk file."""
    unsigned, place = np.dtype(f"u{dtype.itemsize}"), place_of(key)
    with path.open("rb") as stream:
        start = stream.read(_FIRST_READ)
        needed = HEADER_BYTES + read_head(start, unsigned, place).index_bytes
        if needed > len(start) and needed <= path.stat().st_size:
            start += stream.read(needed - len(start))
    return read_index(start, n_voxels, unsigned, place)


def _without(index: LabelIndex, fill: object, outside: int) -> LabelIndex:
    """Return an index less the voxels of a chunk that lie outside of the volume."""
    counts = index.counts.copy()
    counts[index.labels == fill] -= np.uint64(outside)
    kept = counts > 0
    return _ascending(LabelIndex(index.labels[kept], counts[kept]))


def _ascending(index: LabelIndex) -> LabelIndex:
    """Return an index in the order of its dtype: negative labels first."""
    order = np.argsort(cast(Any, index.labels), kind="stable")
    return LabelIndex(index.labels[order], index.counts[order])
