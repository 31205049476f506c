"""Writing an embedding volume as Parquet, which any SQL engine reads and databases load.

The folder holds ``manifest.parquet`` and ``places/``, files of a fixed number of blocks of the
grid. A file appears whole or not at all, and says which blocks it holds; one that holds all that
the store has of its blocks is not written again.
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
    read_manifest,
)
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.errors import ConfigError, DataError, require
from emqs.files import replacing

MANIFEST = "manifest.parquet"
PLACES = "places"
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
        values = {r["name"]: r["value"] for r in parquet.read_table(path).to_pylist()}
        return read_manifest(str(folder), values["manifest"]), int(values["blocks_per_file"])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} is damaged: {error!r}. Remove {folder}.") from None


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

    def begin(self) -> None:
        """Make the folder, write the manifest, and clean up after a run that was killed."""
        stored = manifest_of(self.folder)
        if stored is not None:
            check_grown(str(self.folder), stored[0], self.store)
            self.per_file = stored[1]
        elif self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise ConfigError(
                f"{self.folder} is there, and is no export of an embedding volume. Give another "
                "out=."
            )
        if not self.folder.parent.is_dir():
            raise ConfigError(f"The folder {self.folder.parent} does not exist. Make it first.")
        (self.folder / PLACES).mkdir(parents=True, exist_ok=True)
        for left in (self.folder / PLACES).glob(".*.tmp"):
            left.unlink()
        if stored is None or stored[0] != self.store.manifest:
            self._describe()

    def _describe(self) -> None:
        values = {
            "manifest": described(self.store.manifest),
            "sample": self.store.sample().astype("<f2").tobytes(),
            "blocks_per_file": str(self.per_file).encode(),
        }
        arrow = self.arrow
        columns = {
            "name": arrow.array(list(values), arrow.string()),
            "value": arrow.array(list(values.values()), arrow.binary()),
            "written": arrow.array([time.time_ns() // 10**6] * len(values), arrow.uint64()),
        }
        with replacing(self.folder / MANIFEST) as temporary:
            self.parquet.write_table(arrow.table(columns), temporary)

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
            return write_rows(temporary, groups, self.store.code_size, held), True

    def _held(self, path: Path) -> tuple[bytes, int] | None:
        """Return what a file says it holds, and its number of rows; None if it is of no use."""
        try:
            content = self.parquet.read_metadata(path)
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
