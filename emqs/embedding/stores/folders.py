"""The folder of an embedding volume, on disk or in a bucket: its files, and what changes in them.

On disk a block is replaced where it lies. In a bucket every file is written on a condition
(``emqs.volumes.objects``), so that two processes at work on one volume never mix their blocks
unnoticed, and a copy of what is searched is kept on this computer, under the address and the seal
of the manifest.
"""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from emqs.embedding.stores.grid import Triple
from emqs.errors import ConfigError, DataError
from emqs.files import json_text, new_folder, read_json, write_json, write_text
from emqs.volumes import addresses
from emqs.volumes.chunks import locate, shared_context, tensorstore, wait
from emqs.volumes.objects import Objects, cache_folder, name_in_cache, number_of

SIGNATURES = "signatures"  # written last of a block: where they are, the rest is
METADATA = "zarr.json"
SAMPLE = "sample"
_FIRST = ("embeddings",)  # arrays whose first axis is not of places; ``_LAST`` have one at the end
_LAST = ("short", "made_of")

Stamp = list[int]
Index = tuple[slice, ...]
Listing = tuple[tuple[int, int, int], list[int]]  # state of a folder, and the numbers in it
Row = tuple[int, int, list[int]]  # Z and Y of a folder of blocks, and their X
Whole = tuple[list[list[Row]], set[Triple]]  # rows of each array, and the blocks in all of them

SETTLED_NS = 3 * 10**9  # a folder that changed later than so long ago may change unnoticed: some
# file systems tell times in steps of two seconds


class Folder(Protocol):
    """Where an embedding volume lies."""

    @property
    def name(self) -> str:
        """What the user calls it."""
        ...

    @property
    def address(self) -> str:
        """With which another process finds it."""
        ...

    def spec(self, array: str) -> dict[str, Any]:
        """Return how tensorstore opens an array."""
        ...

    def context(self) -> Any:  # noqa: ANN401 - of tensorstore
        """Return what tensorstore opens it in; None: nothing is kept in memory."""
        ...

    def read_json(self, key: str, what: str) -> dict[str, Any]:
        """Return what a description holds; raises FileNotFoundError if it is not there."""
        ...

    def replace_json(self, key: str, content: dict[str, Any]) -> None:
        """Replace a description that is there."""
        ...

    def written(self, names: Sequence[str], blocks_shape: Triple) -> set[Triple]:
        """Return the blocks of which all arrays have a file."""
        ...

    def has(self, names: Sequence[str], block: Triple) -> bool:
        """Return whether all arrays have a file of a block; none is read."""
        ...

    def stamps(self, blocks: Sequence[Triple]) -> dict[Triple, Stamp]:
        """Return three numbers of each block that change when it is written again; last a size."""
        ...

    def write(self, array: str, block: Triple, index: Index, content: np.ndarray) -> None:
        """Write the file of a block; what is there of it is replaced."""
        ...

    def create(
        self, group: dict[str, Any], arrays: dict[str, dict[str, Any]], sample: np.ndarray
    ) -> bool:
        """Make all that a volume has without blocks; False: another process was faster.

        Args:
            group: The description of the volume.
            arrays: Those of its arrays, by name.
            sample: What the array ``sample`` holds.
        """
        ...

    def copies(self, seal: Callable[[], str]) -> Path:
        """Return a folder on this computer for copies of what is searched; a seal takes a while."""
        ...


def folder_of(place: str | Path) -> Folder:
    """Return the folder that a path or an address names; nothing is read yet.

    Raises:
        ConfigError: If an address is not written as it must be.
    """
    return BucketFolder(str(place)) if addresses.is_bucket(place) else DiskFolder(Path(place))


def key_of(array: str, block: Triple) -> str:
    """Return the name of the file of a block, below the folder of the volume."""
    numbers = (
        (0, *block) if array in _FIRST else (*block, 0) if array in _LAST else block
    )  # four axes
    return f"{array}/c/{'/'.join(map(str, numbers))}"


@dataclass(frozen=True)
class DiskFolder:
    """A folder on disk.

    Attributes:
        path: The folder.
    """

    path: Path
    _listed: dict[str, "Listing"] = field(default_factory=dict, repr=False, compare=False)
    _stamped: dict[str, tuple["Listing", dict[Triple, Stamp]]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _whole: dict[tuple[str, ...], "Whole"] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The path, as the user wrote it."""
        return str(self.path)

    @property
    def address(self) -> str:
        """The whole path."""
        return str(self.path.absolute())

    def spec(self, array: str) -> dict[str, Any]:
        """Return how tensorstore opens an array."""
        kvstore = {"driver": "file", "path": f"{(self.path / array).absolute()}/"}
        return {"driver": "zarr3", "kvstore": kvstore}

    def context(self) -> Any:  # noqa: ANN401
        """Return None: the system keeps what was read."""
        return None

    def read_json(self, key: str, what: str) -> dict[str, Any]:
        """Return what a description holds."""
        return read_json(self.path / key, what)

    def replace_json(self, key: str, content: dict[str, Any]) -> None:
        """Replace a description."""
        write_json(self.path / key, content)

    def written(self, names: Sequence[str], blocks_shape: Triple) -> set[Triple]:
        """Return the blocks of which all arrays have a file; folders are listed alone."""
        rows = [self._rows(name, blocks_shape) for name in names]
        known = self._whole.get(tuple(names))
        if known is not None and _are_same(known[0], rows):
            return known[1]
        blocks = set.intersection(
            *({(z, y, x) for z, y, numbers in own for x in numbers} for own in rows)
        )
        self._whole[tuple(names)] = rows, blocks
        return blocks

    def _rows(self, array: str, blocks_shape: Triple) -> list[Row]:
        top = f"{self.path}/{array}/c" + ("/0" if array in _FIRST else "")
        n_z, n_y, n_x = blocks_shape
        return [
            (z, y, self._numbers(f"{top}/{z}/{y}", n_x))
            for z in self._numbers(top, n_z)
            for y in self._numbers(f"{top}/{z}", n_y)
        ]

    def _numbers(self, folder: str, count: int) -> list[int]:
        """Return the names in a folder that are numbers below a count; none if there is no folder.

        One that has not changed since it was listed is not listed again.
        """
        try:
            status = os.stat(folder)  # noqa: PTH116 - there may be ten thousands
        except FileNotFoundError:
            return []
        state = status.st_mtime_ns, status.st_ino, count
        known = self._listed.get(folder)
        if known is not None and known[0] == state:
            return known[1]
        now = time.time_ns()
        found = _listed_numbers(folder, count)
        if now - status.st_mtime_ns > SETTLED_NS:
            self._listed[folder] = state, found
        else:
            self._listed.pop(folder, None)
        return found

    def has(self, names: Sequence[str], block: Triple) -> bool:
        """Return whether all arrays have a file of a block."""
        return all((self.path / key_of(name, block)).is_file() for name in names)

    def stamps(self, blocks: Sequence[Triple]) -> dict[Triple, Stamp]:
        """Return time, number and size of the signatures' files.

        Files are written under another name first, so that their folder changes with them: where
        it has not changed since it was listed, they are not looked at again.
        """
        result, top = {}, f"{self.path}/{SIGNATURES}/c"
        for (z, y), row in groupby(blocks, key=itemgetter(0, 1)):
            folder = f"{top}/{z}/{y}"
            state = self._listed.get(folder)
            known, stamps = self._stamped.get(folder, (None, {}))
            if state is None or known is not state:
                stamps = {}
            for block in row:
                if block not in stamps:
                    status = os.stat(f"{folder}/{block[2]}")  # noqa: PTH116 - fast
                    stamps[block] = [status.st_mtime_ns, status.st_ino, status.st_size]
                result[block] = stamps[block]
            if state is not None:
                self._stamped[folder] = state, stamps
        return result

    def write(self, array: str, block: Triple, index: Index, content: np.ndarray) -> None:
        """Write the file of a block."""
        where = f"{self.path}/{array}"
        options = {"recheck_cached_data": "open", "store_data_equal_to_fill_value": True}
        spec = {**self.spec(array), **options}
        opening = partial(tensorstore().open, spec, open=True, read=True, write=True)
        opened = wait(opening, 0, where)
        # a damaged one would be read first
        (self.path / key_of(array, block)).unlink(missing_ok=True)
        wait(partial(opened[index].write, content), content.nbytes, where)

    def create(
        self, group: dict[str, Any], arrays: dict[str, dict[str, Any]], sample: np.ndarray
    ) -> bool:
        """Make the folder, whole or not at all."""
        with new_folder(self.path) as temporary:
            write_json(temporary / METADATA, group)
            for name, metadata in arrays.items():
                spec = {**DiskFolder(temporary).spec(name), "metadata": metadata}
                where = str(temporary / name)
                opened = wait(partial(tensorstore().open, spec, create=True), 0, where)
                if name == SAMPLE:
                    wait(partial(opened.write, sample), sample.nbytes, where)
        return True

    def copies(self, seal: Callable[[], str]) -> Path:  # noqa: ARG002
        """Return the folder itself."""
        return self.path


def _are_same(before: list[list[Row]], now: list[list[Row]]) -> bool:
    """Return whether no folder was listed anew: those that were not have the list they had."""
    return all(
        len(old) == len(new)
        and all(o[2] is n[2] and o[:2] == n[:2] for o, n in zip(old, new, strict=True))
        for old, new in zip(before, now, strict=True)
    )


def _listed_numbers(folder: str, count: int) -> list[int]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - there may be ten thousands
    except FileNotFoundError:
        return []
    return [int(name) for name in names if name.isdecimal() and int(name) < count]


@dataclass(frozen=True)
class BucketFolder:
    """A folder in a bucket, ``s3://`` or ``gs://``.

    Attributes:
        name: Its address.
    """

    name: str

    @cached_property
    def _objects(self) -> Objects:
        return Objects(locate(self.name))

    @property
    def address(self) -> str:
        """The address."""
        return self.name

    def spec(self, array: str) -> dict[str, Any]:
        """Return how tensorstore opens an array."""
        kvstore = addresses.kvstore(f"{self.name.rstrip('/')}/{array}")
        return {"driver": "zarr3", "kvstore": kvstore}

    def context(self) -> Any:  # noqa: ANN401
        """Return the one of volumes: it keeps what was read, and asks again where answers fail."""
        return shared_context()

    def read_json(self, key: str, what: str) -> dict[str, Any]:
        """Return what a description holds."""
        try:
            return self._objects.read_json(key, what)[0]
        except FileNotFoundError:
            self._objects.check()  # that there is no bucket is another thing
            raise

    def replace_json(self, key: str, content: dict[str, Any]) -> None:
        """Replace a description."""
        self._objects.put(key, json_text(content, f"{self.name}/{key}").encode())

    def written(self, names: Sequence[str], blocks_shape: Triple) -> set[Triple]:  # noqa: ARG002
        """Return the blocks that have signatures, which are written last: one list of names."""
        blocks = set()
        for key in self._objects.keys(f"{SIGNATURES}/c/"):
            numbers = key.split("/")[2:]
            if len(numbers) == 3 and all(n.isascii() and n.isdecimal() for n in numbers):
                z, y, x = map(int, numbers)
                if all(n < count for n, count in zip((z, y, x), blocks_shape, strict=True)):
                    blocks.add((z, y, x))
        return blocks

    def has(self, names: Sequence[str], block: Triple) -> bool:
        """Return whether all arrays have a file of a block; signatures are asked for first."""
        return all(self._objects.holds(key_of(name, block)) for name in reversed(names))

    def stamps(self, blocks: Sequence[Triple]) -> dict[Triple, Stamp]:
        """Return what stands for the state of the signatures' files.

        The size is that of the first of them, which is read; a list of names tells none.
        """
        if not blocks:
            return {}
        keys = [key_of(SIGNATURES, block) for block in blocks]
        first, _ = self._objects.read(keys[0])
        states = map(number_of, self._objects.states(keys))
        size = len(first or b"")
        return {block: [0, state, size] for block, state in zip(blocks, states, strict=True)}

    def write(self, array: str, block: Triple, index: Index, content: np.ndarray) -> None:
        """Write the file of a block on a condition; the same content is not written again."""
        key = key_of(array, block)
        metadata = self._metadata(array)
        files = _encoded(metadata, content, index)
        self._objects.put(key, files[key.removeprefix(f"{array}/")])

    def _metadata(self, array: str) -> dict[str, Any]:
        known = self._descriptions.get(array)
        if known is None:
            known = self.read_json(f"{array}/{METADATA}", "the description of an array")
            self._descriptions[array] = known
        return known

    @cached_property
    def _descriptions(self) -> dict[str, dict[str, Any]]:
        return {}

    def create(
        self, group: dict[str, Any], arrays: dict[str, dict[str, Any]], sample: np.ndarray
    ) -> bool:
        """Write all descriptions and the sample, and the description of the volume last."""
        files: dict[str, bytes] = {}
        for name, metadata in arrays.items():
            made = _encoded(metadata, sample if name == SAMPLE else None, (slice(None),))
            files |= {f"{name}/{key}": content for key, content in made.items()}
        there = self._objects.keys()
        if METADATA in there:
            return False
        foreign = next((key for key in there if key not in files), None)
        if foreign is not None:
            raise ConfigError(
                f"{self.name} holds something that is no embedding volume, e.g. {foreign}. Give "
                "another out=."
            )
        for key, content in files.items():
            self._objects.put(key, content)
        text = json_text(group, f"{self.name}/{METADATA}").encode()
        is_first = self._objects.write(METADATA, text)
        if is_first or self._objects.read(METADATA)[0] == text:
            for key in (key for key in files if key.startswith(f"{SAMPLE}/")):
                self._objects.put(key, files[key])  # another process may have put its own there
            return True
        return False

    def copies(self, seal: Callable[[], str]) -> Path:
        """Return a folder below ``cache_folder``; copies of what lay there before are removed."""
        address = cache_folder() / "stores" / name_in_cache(self.name)
        folder = address / seal()[:16]
        try:
            if not folder.is_dir():
                for old in address.iterdir() if address.is_dir() else ():
                    shutil.rmtree(old, ignore_errors=True)
                folder.mkdir(parents=True, exist_ok=True)
                write_text(address / "address.txt", f"{self.name}\n")
        except OSError as error:
            raise DataError(
                f"The copy of {self.name} that is searched cannot be kept in {folder}: "
                f"{error.strerror}. Set EMQS_CACHE to a folder that can be written."
            ) from None
        return folder


def _encoded(
    metadata: dict[str, Any], content: np.ndarray | None, index: Index
) -> dict[str, bytes]:
    """Return the files of an array into which something is written, by name, as on disk."""
    spec = {
        "driver": "zarr3", "kvstore": {"driver": "memory"}, "metadata": metadata,
        "store_data_equal_to_fill_value": True,
    }  # fmt: skip
    memory = tensorstore().Context()  # of its own, so that its files are gone afterwards
    array = wait(partial(tensorstore().open, spec, create=True, context=memory), 0, "memory")
    if content is not None:
        wait(partial(array[index].write, content), content.nbytes, "memory")
    kept = array.kvstore
    return {key.decode(): bytes(kept[key]) for key in kept.list().result()}
