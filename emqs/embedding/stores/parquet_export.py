"""Writing an embedding volume as Parquet, which any SQL engine reads and databases load.

The folder holds ``manifest.parquet`` and ``places/``, files of a fixed number of blocks of the
grid. A file appears whole or not at all, and says which blocks it holds; one that holds all that
the store has of its blocks, and whose checksums are right, is not written again.

Pages of rows have checksums (CRC-32), which whoever reads them compares. The end of a file, which
says where pages lie and what the least and the largest value in each is, has none in Parquet: that
of the file NAME.parquet stands in ``checksums/NAME.json``, and is compared before a search. A
folder is claimed while it is written, also before its manifest is there.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from emqs.embedding.stores.grid import Triple
from emqs.embedding.stores.rows import (
    Advance,
    Exported,
    block_rows,
    check_grown,
    described,
    grouped,
    read_description,
)
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.errors import ConfigError, DataError, one_line, require
from emqs.files import LOCK, TEMPORARY, claimed, clear_leftovers, read_json, replacing, write_json

MANIFEST = "manifest.parquet"
PLACES = "places"
CHECKSUMS = "checksums"
FILE_BYTES = 2**29  # of a file, about
PAGE_BYTES = 2**16  # read to look up one row
KEY = b"emqs"


def write_parquet(store: EmbeddingStore, folder: Path, advance: Advance) -> Exported:
    """Write what a store has and a folder has not.

    Args:
        store: May still be filled; what is there is exported.
        folder: Is made; one that is there must hold a copy of the same store, which may have got
            more slices since.
        advance: Is called with the number of places that were dealt with.

    Raises:
        ConfigError: If the folder holds something else, or there is no folder above it.
        DataError: If the store is damaged, or files cannot be written. Files that are there stay,
            and the next run goes on there.
        MissingDependencyError: If pyarrow is not installed.
    """
    started = time.perf_counter()
    writer = _Writer(store, folder)
    try:
        writer.check_folder()
        with claimed(folder, folder):
            writer.begin()
            counts = np.zeros(3, dtype=np.int64)  # rows written, found, and blocks
            for number, blocks in writer.files():
                rows, new = writer.file(number, blocks)
                counts += (rows, 0, len(blocks)) if new else (0, rows, len(blocks))
                advance(sum(int(np.prod(store.grid.places(block).shape)) for block in blocks))
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror or error}.") from None
    written, kept, n_blocks = counts.tolist()
    return Exported(written, kept, n_blocks, time.perf_counter() - started)


def manifest_of(folder: Path) -> tuple[dict[str, Any], int] | None:
    """Return the manifest of a copy, and how many blocks are in a file; None if there is none.

    Raises:
        DataError: If it is damaged.
    """
    parquet = require("pyarrow.parquet", extra="export", purpose="write Parquet")
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        table = parquet.read_table(path, page_checksum_verification=True)
        values = {r["name"]: r["value"] for r in table.to_pylist()}
        description = read_description(str(folder), values["manifest"])
        per_file = description.more.get("blocks_per_file", values["blocks_per_file"])
        return description.manifest, int(per_file)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged: {one_line(error)}. Remove {folder}.") from None


def check_files(folder: Path) -> None:
    """Raise unless the ends of all files match their checksums, and none is missing.

    A copy that an older emqs made has no checksums; that is told with its manifest.

    Raises:
        DataError: If one does not.
    """
    if not (folder / CHECKSUMS).is_dir():
        return
    stated = {path.stem for path in (folder / CHECKSUMS).glob("*.json")}
    present = {path.stem for path in (folder / PLACES).glob("*.parquet")}
    for name in sorted(stated | present):
        if not _is_whole(folder, name):
            raise DataError(
                f"{folder}/{PLACES}/{name}.parquet is missing, damaged, or being written: it does "
                "not match its checksum. Run python -m emqs.export again, which makes it again."
            )


def _checksum(path: Path, first: int) -> dict[str, Any]:
    """Return what is kept of the end of a file, which begins behind its rows."""
    with path.open("rb") as stream:
        stream.seek(first)
        end = stream.read()
    return {"size": first + len(end), "first": first, "sha256": hashlib.sha256(end).hexdigest()}


def _is_whole(folder: Path, name: str) -> bool:
    path = folder / PLACES / f"{name}.parquet"
    try:
        stated = read_json(folder / CHECKSUMS / f"{name}.json", "a checksum")
        first = stated["first"]
        if type(first) is not int or not 0 <= first < path.stat().st_size:
            return False
        return _checksum(path, first) == stated
    except (OSError, DataError, KeyError):
        return False


class _Writer:
    """One store and one folder."""

    def __init__(self, store: EmbeddingStore, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.arrow = require("pyarrow", extra="export", purpose="write Parquet")
        self.parquet = require("pyarrow.parquet", extra="export", purpose="write Parquet")
        row = 16 + 2 * store.code_size
        self.per_file = max(1, FILE_BYTES // (row * store.grid.block**2))
        # what does not change when slices are added; files of another store are never kept
        fixed = json.dumps([store.manifest["signer"], store.grid.to_dict()["shape"][1:]])
        self.digest = hashlib.sha256(fixed.encode()).hexdigest()

    def check_folder(self) -> None:
        """Raise if the folder holds something else than an export, or one that was cut off."""
        folder = self.folder
        if not folder.absolute().parent.is_dir():
            raise ConfigError(f"The folder {folder.parent} does not exist. Make it first.")
        if (folder / MANIFEST).is_file() or not folder.exists():
            return
        ours = (LOCK, PLACES, CHECKSUMS)
        if not folder.is_dir() or any(
            path.name not in ours and not path.match(f".{MANIFEST}.*{TEMPORARY}")
            for path in folder.iterdir()
        ):
            raise ConfigError(
                f"{folder} is there, and is no export of an embedding volume. Give another out=."
            )

    def begin(self) -> None:
        """Write the manifest first, then the folders; clean up after a run that was killed."""
        stored = manifest_of(self.folder)
        if stored is not None:
            check_grown(str(self.folder), stored[0], self.store)
            self.per_file = stored[1]
        if stored is None or stored[0] != self.store.manifest:
            self._describe()
        for name in (PLACES, CHECKSUMS):
            (self.folder / name).mkdir(exist_ok=True)
            clear_leftovers(self.folder / name)

    def _describe(self) -> None:
        sample = self.store.sample().astype("<f2").tobytes()
        more = {"blocks_per_file": self.per_file}
        values = {
            "manifest": described(self.store.manifest, sample, more),
            "sample": sample,
            "blocks_per_file": str(self.per_file).encode(),
        }
        arrow = self.arrow
        columns = {
            "name": arrow.array(list(values), arrow.string()),
            "value": arrow.array(list(values.values()), arrow.binary()),
            "written": arrow.array([time.time_ns() // 10**6] * len(values), arrow.uint64()),
        }
        with replacing(self.folder / MANIFEST) as temporary:
            self.parquet.write_table(arrow.table(columns), temporary, write_page_checksum=True)

    def files(self) -> Iterator[tuple[int, list[Triple]]]:
        """Yield the numbers of files and the blocks that belong in each and are there."""
        shape = self.store.grid.blocks_shape
        groups: dict[int, list[Triple]] = {}
        for block in self.store.done():
            number = int(np.ravel_multi_index(block, shape)) // self.per_file
            groups.setdefault(number, []).append(block)
        yield from groups.items()

    def file(self, number: int, blocks: list[Triple]) -> tuple[int, bool]:
        """Write a file, unless it is there; return its number of rows, and whether it is new."""
        path = self.folder / PLACES / f"part-{number:08d}.parquet"
        held = json.dumps({"store": self.digest, "blocks": blocks}).encode()
        stored = self._held(path)
        if stored is not None and stored[0] == held:
            return stored[1], False
        groups = grouped(block_rows(self.store, block) for block in blocks)
        with replacing(path) as temporary:
            n_rows = write_rows(temporary, groups, self.store.code_size, held)
            checksum = _checksum(temporary, self._end_of_rows(temporary))
            write_json(self.folder / CHECKSUMS / f"{path.stem}.json", checksum)
        return n_rows, True

    def _end_of_rows(self, path: Path) -> int:
        """Return where the pages of a file end."""
        content = self.parquet.read_metadata(path)
        columns = (
            content.row_group(group).column(column)
            for group in range(content.num_row_groups)
            for column in range(content.num_columns)
        )
        return max((c.data_page_offset + c.total_compressed_size for c in columns), default=4)

    def _held(self, path: Path) -> tuple[bytes, int] | None:
        """Return what a file says it holds, and its number of rows; None if it is of no use."""
        try:
            with self.parquet.ParquetFile(path, page_checksum_verification=True) as file:
                content = file.metadata
                if not (self.folder / CHECKSUMS / f"{path.stem}.json").is_file():
                    write_json(
                        self.folder / CHECKSUMS / f"{path.stem}.json",
                        _checksum(path, self._end_of_rows(path)),
                    )  # of an older emqs: it has none yet
                elif not _is_whole(self.folder, path.stem):
                    return None
                for _ in file.iter_batches():  # compares the checksums of all pages
                    pass
        except (OSError, ValueError):
            return None
        return (content.metadata or {}).get(KEY, b""), int(content.num_rows)


def write_rows(path: Path, groups: Iterable[np.ndarray], code_size: int, held: bytes) -> int:
    """Write a file of places; return its number of rows.

    Args:
        path: Is replaced.
        groups: Rows that are stored together, as ``copies.row_type`` has them.
        code_size: Length D of a code.
        held: Is kept beside the rows.
    """
    arrow = require("pyarrow", extra="export", purpose="write Parquet")
    parquet = require("pyarrow.parquet", extra="export", purpose="write Parquet")
    code = arrow.binary(2 * code_size)
    columns = {"place": arrow.uint64(), "signature": arrow.uint64(), "code": code}
    schema = arrow.schema(
        [arrow.field(name, kind, nullable=False) for name, kind in columns.items()],
        metadata={KEY: held},
    )
    n_rows = 0
    with parquet.ParquetWriter(
        path,
        schema,
        compression="none",  # signatures and float16 codes are as good as random
        use_dictionary=False,
        column_encoding={"place": "DELTA_BINARY_PACKED", "signature": "PLAIN", "code": "PLAIN"},
        data_page_size=PAGE_BYTES,
        write_page_index=True,
        write_page_checksum=True,
    ) as writer:
        for rows in groups:
            codes = arrow.py_buffer(np.ascontiguousarray(rows["code"]))
            arrays = [
                arrow.array(np.ascontiguousarray(rows["place"])),
                arrow.array(np.ascontiguousarray(rows["signature"])),
                arrow.FixedSizeBinaryArray.from_buffers(code, len(rows), [None, codes]),
            ]
            writer.write_table(
                arrow.Table.from_arrays(arrays, schema=schema), row_group_size=len(rows)
            )
            n_rows += len(rows)
    return n_rows
