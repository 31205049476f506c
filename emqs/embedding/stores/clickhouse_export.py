"""Writing an embedding volume into ClickHouse.

Several blocks of the grid are one insert, which the server does as a whole or not at all. What is
there is counted first, so an export that was cut off goes on where it was, and one that is repeated
adds nothing. Rows are never removed.
"""

import time
from itertools import groupby

import numpy as np

from emqs.embedding.stores.clickhouse import SIGNED, about_volume, inside
from emqs.embedding.stores.connections import Connection, table_of
from emqs.embedding.stores.grid import Triple
from emqs.embedding.stores.rows import (
    Advance,
    Exported,
    block_rows,
    check_grown,
    described,
    grouped,
)
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.errors import DataError
from emqs.volumes import Box

GRANULE = 256  # rows that are read to look up one; a scan is as fast as with the usual 8192
REMEMBERED = 10_000  # inserts by whose contents the server notices that one is repeated
LEAST_ROOM = 2**24  # bytes that the engine leaves free itself, or needs to merge what it has
COUNTED = 2**20  # places that are counted and compared at once, at least a slice
HELD = np.dtype([("block", "<u8"), ("count", "<u8"), ("mixed", "<u8")])

Summary = tuple[int, int]  # how many rows, and their signatures combined by exclusive or
NOTHING = (0, 0)


def names(database: str, table: str) -> tuple[str, str]:
    """Return a table and that of its manifest, as SQL has them."""
    return f"`{database}`.`{table}`", f"`{database}`.`{table}_manifest`"


def creation(places: str, about: str, code_size: int) -> tuple[str, str]:
    """Return the SQL that makes both tables.

    ClickHouse calls fixed strings of over 256 bytes suspicious unless it is told that they are
    meant; that setting is of the statement, not of the table.
    """
    return (
        f"CREATE TABLE IF NOT EXISTS {places} (place UInt64 CODEC(Delta, LZ4), "
        f"signature UInt64 CODEC(NONE), code FixedString({2 * code_size}) CODEC(NONE)) "
        f"ENGINE = MergeTree ORDER BY place SETTINGS index_granularity = {GRANULE}, "
        f"non_replicated_deduplication_window = {REMEMBERED}, "
        "allow_suspicious_fixed_string_types = 1",
        f"CREATE TABLE IF NOT EXISTS {about} (name String, value String, written UInt64) "
        "ENGINE = ReplacingMergeTree(written) ORDER BY name",
    )


def write_tables(
    store: EmbeddingStore, connection: Connection, database: str, table: str, advance: Advance
) -> Exported:
    """Add to a table what a store has and the table has not; make the table if it is not there.

    Args:
        store: May still be filled; what is there is exported.
        connection: To the database.
        database: Is there.
        table: Name of the table; that of the manifest is called ``TABLE_manifest``. Tables of these
            names that someone else made are used, if they have the same columns.
        advance: Is called with the number of places that were dealt with.

    Raises:
        ConfigError: If the table holds another volume.
        DataError: If the store is damaged, the table holds rows that the store does not have, or
            the server says no. What was written stays, and the next run goes on there.
    """
    started = time.perf_counter()
    places, about = names(database, table)
    for sql in creation(places, about, store.code_size):
        connection.run(sql)
    writer = _Writer(store, connection, places)
    writer.check_columns()
    writer.describe(about)
    depth = max(1, COUNTED // (store.grid.shape[1] * store.grid.shape[2]))
    n_blocks = written = kept = 0
    for slab, group in groupby(store.done(), key=lambda block: block[0] // depth):
        blocks = list(group)
        last, height, width = min((slab + 1) * depth, store.grid.shape[0]), *store.grid.shape[1:]
        slab_box = Box((slab * depth, 0, 0), (last, height, width))
        new, old = writer.add(slab_box, blocks, advance)
        n_blocks, written, kept = n_blocks + len(blocks), written + new, kept + old
    return Exported(written, kept, n_blocks, time.perf_counter() - started)


def text(value: bytes) -> bytes:
    """Return a string as RowBinary has it: its length, seven bits a byte, and itself."""
    length, size = len(value), bytearray()
    while length > 127:
        size.append(length & 127 | 128)
        length >>= 7
    size.append(length)
    return bytes(size) + value


def _summary(signatures: np.ndarray) -> Summary:
    """Return what is compared of the rows of a block."""
    return len(signatures), int(np.bitwise_xor.reduce(signatures, initial=0))


class _Writer:
    """One store and one table."""

    def __init__(self, store: EmbeddingStore, connection: Connection, places: str) -> None:
        self.store, self.connection, self.places = store, connection, places
        self.name = connection.name

    def check_columns(self) -> None:
        """Raise an error unless the table has the columns that rows are written to."""
        code = f"FixedString({2 * self.store.code_size})"
        expected = [["place", "UInt64"], ["signature", "UInt64"], ["code", code]]
        lines = self.connection.read(f"DESCRIBE TABLE {self.places}", "TabSeparated").decode()
        stored = [line.split("\t")[:2] for line in lines.splitlines()]
        if stored != expected:
            had, needed = (", ".join(map(" ".join, columns)) for columns in (stored, expected))
            raise DataError(
                f"{self.name} is a table with the columns {had}, but {needed} are needed. Give "
                "another name, or drop it."
            )

    def describe(self, about: str) -> None:
        """Write the manifest and the sample, if they are not there or the store has grown."""
        description = about_volume(self.connection, about)
        if description is not None:
            check_grown(self.name, description.manifest, self.store)
            if description.manifest == self.store.manifest:
                return
        else:
            count = self.connection.read(f"SELECT count() FROM {self.places}")
            if int.from_bytes(count, "little"):
                raise DataError(
                    f"{self.name} holds {int.from_bytes(count, 'little')} rows, but no manifest "
                    "that says of which volume. Give another name, or drop it."
                )
        written = (time.time_ns() // 1_000_000).to_bytes(8, "little")
        sample = self.store.sample().astype("<f2").tobytes()
        description_now = described(self.store.manifest, sample)
        for name, value in (("sample", sample), ("manifest", description_now)):
            self.connection.insert(about, text(name.encode()) + text(value) + written)

    def add(self, slab_box: Box, blocks: list[Triple], advance: Advance) -> tuple[int, int]:
        """Write the rows of some blocks that the table has not; return how many, and had."""
        held, expected = self._held(slab_box), {}
        missing = []  # blocks, and whether some of their rows are there
        for block in blocks:
            number = self._number(block)
            expected[number] = _summary(self.store.block_signatures(block)[1])
            had = held.get(number, NOTHING)
            if had != expected[number]:
                missing.append((block, had != NOTHING))
        n_new = 0
        for rows in grouped(self._rows(block, some=some) for block, some in missing):
            self.connection.insert(self.places, rows.tobytes())
            n_new += len(rows)
        if n_new:
            held = self._held(slab_box)
        for number, summary in expected.items():
            if held.get(number, NOTHING) != summary:
                free = self.connection.free_bytes()
                if free is not None and free < LEAST_ROOM:
                    raise DataError(
                        f"{self.name} cannot be written: the disk is full. Make room there and run "
                        "the same command again; what was written stays, and it goes on from there."
                    )
                raise DataError(
                    f"{self.name} holds {held.get(number, NOTHING)[0]} rows of block {number}, "
                    f"where {summary[0]} were written. Were some removed, or is another export at "
                    "work? Run it again; if this comes back, drop the table first."
                )
        advance(sum(int(np.prod(self.store.grid.places(block).shape)) for block in blocks))
        return n_new, sum(count for count, _ in expected.values()) - n_new

    def _number(self, block: Triple) -> int:
        return int(np.ravel_multi_index(block, self.store.grid.blocks_shape))

    def _held(self, slab_box: Box) -> dict[int, Summary]:
        """Return what the table holds of each block in some slices."""
        grid = self.store.grid
        _, height, width = grid.shape
        _, n_y, n_x = grid.blocks_shape
        slices, rows = f"intDiv(place, {height * width})", f"intDiv(place, {width}) % {height}"
        block = (
            f"({slices} * {n_y} + intDiv({rows}, {grid.block})) * {n_x} "
            f"+ intDiv(place % {width}, {grid.block})"
        )
        sql = (
            f"SELECT toUInt64({block}) AS block, count(), groupBitXor(signature) "
            f"FROM {self.places} WHERE {inside(grid, slab_box)} GROUP BY block"
        )
        return {b: (c, x) for b, c, x in table_of(self.connection, sql, HELD).tolist()}

    def _rows(self, block: Triple, *, some: bool) -> np.ndarray:
        """Return those rows of a block that the table has not; it has some of them, or none."""
        rows = block_rows(self.store, block)
        return self._without_held(rows, block) if some else rows

    def _without_held(self, rows: np.ndarray, block: Triple) -> np.ndarray:
        """Return those rows of a block that the table has not."""
        where = f"FROM {self.places} WHERE {inside(self.store.grid, self.store.grid.places(block))}"
        sql = f"SELECT place, signature {where} ORDER BY place"
        held = table_of(self.connection, sql, SIGNED)
        present = np.isin(rows["place"], held["place"])
        same = all(
            np.array_equal(held[name], rows[name][present]) for name in ("place", "signature")
        )
        if not same:
            raise DataError(
                f"{self.name} holds rows of block {list(block)} that {self.store.name} does not "
                "have, or holds some twice. Drop the table and export the volume again."
            )
        return rows[~present]
