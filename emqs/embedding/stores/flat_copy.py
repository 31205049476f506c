"""Flat copies of what is searched: one file for all places, in the order of the grid, mapped.

A copy lies in the folder ``.scan`` of a store, or, of a store in a bucket, in the cache of this
computer, and follows it: what was written since is added.
Beside it lies a list of the blocks that it holds: time and size of their files, and a checksum of
what was copied. All of it can be made again: a list that cannot be read, a copy that is shorter
than it says, and blocks that do not match their checksums are told in a line and copied again.
"""

import logging
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from emqs.embedding.stores.folders import Stamp
from emqs.embedding.stores.grid import PlaceGrid, Triple
from emqs.errors import DataError
from emqs.files import allocate, clear_leftovers, content_sha256, read_json, write_json

COPY = ".scan"
NOTED_S = 20.0  # between two notes of what is copied so far
VERSION = 2  # of the list; the first had no checksums
MOST_TIMES = 2**16  # a copy is larger than the files of what is copied, which zstd makes smaller
LEAST_BYTES = 2**20

Part = tuple[str, Any, int]  # ending of a file, type and count of the numbers of a place
Known = dict[str, list[int]]  # of a block: its stamp, and the checksum of its copy

#: Copies as they were when this process compared them: a search that follows another need not.
_compared: set[tuple[tuple[str, int, int], ...]] = set()
#: Lists as they were when this process read them; reading one of many blocks takes long.
_lists: OrderedDict[Path, tuple[Stamp, Known]] = OrderedDict()
#: Lists and the blocks of the store that they were last brought up to date with.
_followed: OrderedDict[Path, tuple[Known, dict[Triple, Stamp]]] = OrderedDict()
MOST_LISTS = 8
#: Copies as this process has mapped them, by file and shape: a page is not looked up twice.
_maps: OrderedDict[tuple[Path, tuple[int, ...]], tuple[tuple[int, int], np.memmap]] = OrderedDict()
MOST_MAPS = 4 * MOST_LISTS

logger = logging.getLogger(__name__)


def row_checks(rows: np.ndarray) -> np.ndarray:
    """Return a checksum of each row, ``(n,)``, uint16, given ``(n, size)``, uint8.

    Any single byte that differs makes another checksum. It is never 0 for zeros, so that a part of
    a file that was never written is not taken for one that was.
    """
    weights = (2 * np.arange(rows.shape[1]) + 1).astype(np.uint16)  # odd: no bit is lost
    return rows.astype(np.uint16) @ weights + np.uint16(1)


def _make_room(file: Path, size: int, *, is_new: bool) -> None:
    """Make a file as long as a copy, if it is not; one with holes in it, of nothing yet, goes."""
    try:
        status = file.stat()
    except FileNotFoundError:
        allocate(file, size)
        return
    if is_new and status.st_blocks * 512 < status.st_size:
        file.unlink()
        allocate(file, size)
    elif status.st_size < size:
        allocate(file, size)


@lru_cache(maxsize=2**17)
def _key(block: Triple) -> str:
    return ",".join(map(str, block))


def _same_file(file: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one of this name; None: it is gone."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _mapped(file: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.memmap:
    """Return a file that is long enough as an array; files that are gone are let go."""
    for key, (was, _) in list(_maps.items()):
        if _same_file(key[0]) != was:
            _maps.pop(key, None)
    is_known = _maps.get((file, shape))
    if is_known is not None and is_known[1].dtype == dtype:
        return is_known[1]
    array: np.memmap = np.memmap(file, dtype, "r+", shape=shape)
    now = _same_file(file)
    if now is not None:
        _maps[file, shape] = now, array
    while len(_maps) > MOST_MAPS:
        _maps.popitem(last=False)
    return array


@dataclass(frozen=True, eq=False)
class FlatCopy:
    """A copy of some arrays of a store.

    Attributes:
        path: The folder in which ``.scan`` lies: the store's, or one in the cache.
        name: Of the store, for messages.
        grid: Its places.
        note: Ending of the file that says what is copied.
        parts: What is copied.
        read: Returns a block of each part, in the shape of its places; what is copied of a block
            that is not there any more is set to 0 in the last part.
        is_compared: Whether all blocks are compared with their checksums; False: whoever takes
            rows out compares those.
    """

    path: Path
    name: str
    grid: PlaceGrid
    note: str
    parts: tuple[Part, ...]
    read: Callable[[Triple], tuple[np.ndarray, ...]]
    is_compared: bool = True

    @cached_property
    def _name(self) -> str:
        return "x".join(map(str, self.grid.shape))

    @cached_property
    def _state(self) -> Path:
        return self.path / COPY / f"{self._name}{self.note}.json"

    @cached_property
    def _files(self) -> list[Path]:
        return [self.path / COPY / f"{self._name}{ending}" for ending, _, _ in self.parts]

    @cached_property
    def _sizes(self) -> list[int]:
        return [
            self.grid.n_places * count * np.dtype(dtype).itemsize for _, dtype, count in self.parts
        ]

    def followed(self, blocks: Mapping[Triple, Stamp]) -> tuple[Any, ...]:
        """Return the copies, brought up to date.

        Args:
            blocks: Blocks of the store, and what changes when one is written again.

        Returns:
            An array for each part, ``(N,)``, or ``(N, count)`` where a place has several numbers.

        Raises:
            DataError: If a block is damaged, the copy cannot be written, or it would be absurdly
                large for what is in the store.
        """
        self._check_sizes(blocks)
        folder = self.path / COPY
        try:
            folder.mkdir(exist_ok=True)
            clear_leftovers(folder)
            for file in self._files:
                if file.is_symlink():  # of a stranger's store: it would be written through
                    file.unlink()
            known = self._known()
            for file, size in zip(self._files, self._sizes, strict=True):
                _make_room(file, size, is_new=not known)
            arrays = tuple(
                _mapped(file, np.dtype(dtype), (self.grid.n_places, *([count] * (count > 1))))
                for file, (_, dtype, count) in zip(self._files, self.parts, strict=True)
            )
            if self.is_compared and self._stamp() not in _compared:
                self._compare(known, arrays)
            self._update(known, arrays, blocks)
            _compared.add(self._stamp())
        except OSError as error:
            raise DataError(
                f"The copy of signatures that is searched cannot be written to {folder}: "
                f"{error.strerror}. It takes {sum(self._sizes) / 1e9:.3g} GB. Make room there, or "
                "make it writable."
            ) from None
        return arrays

    def _stamp(self) -> tuple[tuple[str, int, int], ...]:
        """Return what changes when a copy is written by anybody."""
        stats = [(str(file), file.stat()) for file in self._files]
        return tuple((name, stat.st_ino, stat.st_mtime_ns) for name, stat in stats)

    def _check_sizes(self, blocks: Mapping[Triple, Stamp]) -> None:
        """Raise unless the copy has a size that the files of the store can explain."""
        stored = sum(stamp[2] for stamp in blocks.values())
        needed = sum(self._sizes)
        if needed > MOST_TIMES * stored + LEAST_BYTES:
            raise DataError(
                f"{self.name} says that it has {self.grid.n_places} places, but holds only "
                f"{len(blocks)} blocks of {stored} bytes; the copy that is searched would take "
                f"{needed / 1e9:.3g} GB. Wait until more is embedded, or get the store again."
            )

    def _known(self) -> Known:
        """Return the blocks that the copy holds, none if it is damaged."""
        try:
            status = self._state.stat()
        except FileNotFoundError:
            return {}
        stamp = [status.st_mtime_ns, status.st_ino, status.st_size]
        before = _lists.get(self._state)
        if before is not None and before[0] == stamp and self._has_sizes():
            return dict(before[1])
        known = self._read_list()
        _lists[self._state] = (stamp, dict(known))
        while len(_lists) > MOST_LISTS:
            _lists.popitem(last=False)
        return known

    def _has_sizes(self) -> bool:
        return all(
            file.is_file() and file.stat().st_size == size
            for file, size in zip(self._files, self._sizes, strict=True)
        )

    def _read_list(self) -> Known:
        try:
            content = read_json(self._state, "the list of a copy")
        except FileNotFoundError:
            return {}
        except DataError:
            content = {}
        blocks, seal = content.get("blocks"), content.get("sha256")
        is_whole = (
            content.get("version") == VERSION
            and isinstance(blocks, dict)
            and seal == content_sha256(blocks)
            and all(self._is_entry(key, value) for key, value in blocks.items())
            and self._has_sizes()
        )
        if is_whole:
            return dict(content["blocks"])
        logger.warning(
            "The copy %s that is searched is damaged, or of an older emqs; it is made again.",
            self._files[0],
        )
        self._state.unlink()
        return {}

    def _is_entry(self, key: str, value: object) -> bool:
        """Return whether an entry of the list is a block of the grid and four numbers."""
        numbers = key.split(",")
        return (
            len(numbers) == 3
            and all(
                part.isascii() and part.isdecimal() and int(part) < count
                for part, count in zip(numbers, self.grid.blocks_shape, strict=True)
            )
            and isinstance(value, list)
            and [type(number) for number in value] == [int] * 4
        )

    def _compare(self, known: Known, arrays: tuple[Any, ...]) -> None:
        """Forget the blocks that do not match their checksums."""
        shaped = self._shaped(arrays)
        damaged = [
            key
            for key, value in known.items()
            if value[3] != self._checksum(array[self._where(key)] for array in shaped)
        ]
        for key in damaged:
            del known[key]
        if damaged:
            logger.warning(
                "The copy %s that is searched is damaged in %d blocks; they are copied again.",
                self._files[0], len(damaged),
            )  # fmt: skip

    def _where(self, key: str) -> tuple[slice, ...]:
        z, y, x = (int(part) for part in key.split(","))
        return self.grid.places((z, y, x)).slices

    def _shaped(self, arrays: tuple[Any, ...]) -> list[np.ndarray]:
        return [array.reshape(*self.grid.shape, *array.shape[1:]) for array in arrays]

    @staticmethod
    def _checksum(contents: Iterable[np.ndarray]) -> int:
        value = 0
        for content in contents:
            value = zlib.crc32(np.ascontiguousarray(content).data, value)
        return value

    def _update(
        self, known: Known, arrays: tuple[Any, ...], blocks: Mapping[Triple, Stamp]
    ) -> None:
        """Copy what is new, take out what is gone, and note it."""
        if _followed.get(self._state) == (known, blocks):
            return
        shaped = self._shaped(arrays)
        noted, changed = time.monotonic(), False
        for block, stamp in blocks.items():
            key = _key(block)
            if known.get(key, [])[:3] == stamp:
                continue
            known[key] = [*stamp, self._copy(shaped, block)]
            changed = True
            if time.monotonic() - noted > NOTED_S:
                self._note(known, arrays)
                noted = time.monotonic()
        complete = set(map(_key, blocks))
        for key in [key for key in known if key not in complete]:  # it is being made again
            shaped[-1][self._where(key)] = 0
            del known[key]
            changed = True
        if changed:
            self._note(known, arrays)
        _followed[self._state] = dict(known), dict(blocks)
        while len(_followed) > MOST_LISTS:
            _followed.popitem(last=False)

    def _copy(self, shaped: list[np.ndarray], block: Triple) -> int:
        """Copy a block; return the checksum of what was read."""
        contents = self.read(block)
        where = self.grid.places(block).slices
        for (_, dtype, _), array, content in zip(self.parts, shaped, contents, strict=True):
            array[where] = content.astype(dtype, copy=False)
        return self._checksum(
            content.astype(dtype, copy=False)
            for (_, dtype, _), content in zip(self.parts, contents, strict=True)
        )

    def _note(self, known: Known, arrays: tuple[Any, ...]) -> None:
        for array in arrays:
            array.flush()
        content = {"version": VERSION, "sha256": content_sha256(known), "blocks": known}
        write_json(self._state, content)

    def copied_again(self, arrays: tuple[Any, ...], positions: np.ndarray) -> None:
        """Copy the blocks of some places again, whose rows do not match their checksums.

        Raises:
            DataError: If a block is damaged in the store itself.
        """
        zyx = self.grid.zyx(positions)
        blocks = np.unique(zyx // (1, self.grid.block, self.grid.block), axis=0)
        logger.warning(
            "The copy %s that is searched is damaged in %d blocks; they are copied again.",
            self._files[0], len(blocks),
        )  # fmt: skip
        shaped = self._shaped(arrays)
        for z, y, x in blocks.tolist():
            self._copy(shaped, (z, y, x))
