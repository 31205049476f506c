"""The search of an embedding volume in ClickHouse: the same exact questions, asked in SQL.

A table has a row for each place with a signature: ``place``, its position in the grid,
``signature``, and ``code``, the float16 numbers as they are in memory (little-endian), since
nothing is computed with them there. Beside it lies a small table with the manifest and the sample.

The nearest are asked for in two steps. One pass counts how many signatures lie at each distance.
From these counts follow the distances between which the wanted rows lie, and the second pass sorts
these rows alone; to sort all by their distance would take many times as long. What comes back is
compared with the counts.
"""

import hashlib
from collections.abc import Iterator
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from emqs.embedding.short_codes import ShortCoder
from emqs.embedding.stores.connections import Connection, table_of
from emqs.embedding.stores.grid import PlaceGrid
from emqs.embedding.stores.hamming import N_DISTANCES
from emqs.embedding.stores.manifest import checked
from emqs.embedding.stores.rows import ROWS, Description, read_description
from emqs.errors import DataError
from emqs.volumes import Box

MANY = 64  # signatures up to which an array is faster than least(), at 512 bytes a row
ASKED = 8192  # places looked up at once: a query stays under the 256 KiB that servers allow

RANKED = np.dtype([("place", "<u8"), ("distance", "u1")])
SIGNED = np.dtype([("place", "<u8"), ("signature", "<u8")])
COUNTED = np.dtype([("distance", "u1"), ("count", "<u8")])


def coded(code_size: int) -> np.dtype:
    """Return the type of a row with the code of a place, ``(D,)`` float16."""
    return np.dtype([("place", "<u8"), ("code", "<f2", (code_size,))])


class ClickHouseStore:
    """An embedding volume in a table of ClickHouse, or in files that it reads.

    Attributes:
        connection: Answers SQL.
        places: Where rows of places are, as SQL has it: a table or a table function.
        about: The same of the manifest and the sample.
    """

    def __init__(self, connection: Connection, places: str, about: str) -> None:
        """Read the manifest.

        Raises:
            DataError: If there is none, or it is damaged or of another version.
        """
        self.connection, self.places, self.about = connection, places, about
        self._counted: tuple[tuple[bytes, Box | None], np.ndarray] | None = None
        description = about_volume(connection, about)
        if description is None:
            raise DataError(
                f"{self.name} holds no embedding volume. Make one with python -m emqs.export."
            )
        self._manifest, self._sample_sha256 = description.manifest, description.sample_sha256
        self._grid, _, _ = checked(self._manifest, self.name)
        self._code_size = int(self._manifest["code_size"])

    @property
    def name(self) -> str:
        """Its address, without user and password."""
        return self.connection.name

    @property
    def manifest(self) -> dict[str, Any]:
        """What codes were made of and with."""
        return self._manifest

    @property
    def grid(self) -> PlaceGrid:
        """Where patches lie."""
        return self._grid

    @cached_property
    def _sample(self) -> np.ndarray:
        content = about_value(self.connection, self.about, "sample")
        if content is None or len(content) == 0 or len(content) % (2 * self._code_size):
            raise DataError(f"{self.name} is damaged: it holds no sample of codes.")
        if self._sample_sha256 not in (None, hashlib.sha256(content).hexdigest()):
            raise DataError(
                f"{self.name} is damaged: its sample of codes does not match its checksum. Export "
                "the volume again under another name."
            )
        return np.frombuffer(content, dtype="<f2").reshape(-1, self._code_size)

    def sample(self) -> np.ndarray:
        """Return codes from all over the volume, shape ``(n, D)``, float32."""
        return self._sample.astype(np.float32)

    def _looked_up(self, columns: str, positions: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Return the rows of places that have one, in the order of places."""
        tables = [np.empty(0, dtype=dtype)]
        for start in range(0, len(positions), ASKED):
            places = ",".join(map(str, positions[start : start + ASKED].tolist()))
            sql = f"SELECT {columns} FROM {self.places} WHERE place IN ({places})"
            tables.append(table_of(self.connection, sql, dtype))
        rows = np.concatenate(tables)
        rows = rows[np.argsort(rows["place"], kind="stable")]
        self._check_once(rows["place"])
        return rows

    def _check_once(self, ordered: np.ndarray) -> None:
        """Raise an error if a place occurs twice, given places in order."""
        twice = np.flatnonzero(ordered[1:] == ordered[:-1])
        if len(twice):
            raise DataError(
                f"{self.name} holds place {int(ordered[twice[0]])} more than once. Drop the table "
                "and export the volume again."
            )

    def signatures(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return signatures ``(n,)``, uint64, and which places have one, ``(n,)``, bool."""
        positions = np.asarray(positions)
        places, back = np.unique(positions, return_inverse=True)
        rows = self._looked_up("place, signature", places, SIGNED)
        signatures = np.zeros(len(places), dtype=np.uint64)
        present = np.isin(places, rows["place"].astype(np.int64))
        signatures[present] = rows["signature"]
        return signatures[back], present[back]

    def codes(self, positions: np.ndarray) -> np.ndarray:
        """Return the codes ``(n, D)``, float32, of places that have one, in their order.

        Raises:
            DataError: If a place has none, or more than one.
        """
        places, back = np.unique(np.asarray(positions), return_inverse=True)
        rows = self._looked_up("place, code", places, coded(self._code_size))
        if len(rows) != len(places):
            raise DataError(
                f"{self.name} has no code for a place that was found: the table was changed. "
                "Search again."
            )
        return rows["code"].astype(np.float32)[back]

    @property
    def short_coder(self) -> ShortCoder | None:
        """A table holds no short codes."""
        return None

    def short_codes(self, positions: np.ndarray) -> np.ndarray:
        """There are none.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError

    def why_missing(self, position: int) -> str:
        """Return why a place has no signature, to complete "The patch ...", and what to do."""
        return (
            f"has no row at position {position} of {self.name}: it was skipped (constant, padding "
            "or NaN), or is not exported yet. Click elsewhere, or run python -m emqs.export again"
        )

    def nearest(
        self,
        queries: np.ndarray,
        first: int,
        stop: int,
        *,
        within: Box | None,
        n_threads: int | None,
    ) -> np.ndarray:
        """Return the places with the nearest signatures; see ``Engine.nearest``."""
        key = np.unique(queries).tobytes(), within
        if first == 0 or self._counted is None or self._counted[0] != key:
            self._counted = key, self._counts(queries, within, n_threads)
        upto = np.cumsum(self._counted[1])  # how many lie at a distance or nearer
        stop = min(stop, int(upto[-1]))
        if first >= stop:
            return np.empty(0, dtype=np.int64)
        low = int(
            np.searchsorted(upto, first, side="right")
        )  # distance of the first one wanted ...
        high = int(np.searchsorted(upto, stop, side="left"))  # ... and of the last
        before = int(upto[low - 1]) if low else 0
        farther = f"distance >= {low} AND " if before else ""
        sql = (
            f"SELECT place, {distance(queries)} AS distance FROM {self.places} "
            f"WHERE distance <= {high} AND {farther}{inside(self.grid, within)} "
            f"ORDER BY distance, place LIMIT {stop - first} OFFSET {first - before}"
        )
        rows = table_of(self.connection, sql + _threads(n_threads), RANKED)
        expected = np.diff(np.clip(upto, first, stop), prepend=first)
        counted = np.bincount(rows["distance"], minlength=N_DISTANCES)
        if not np.array_equal(counted, expected):
            raise DataError(f"{self.name} was changed while it was searched. Search again.")
        positions = rows["place"].astype(np.int64)
        self._check_once(np.sort(positions))
        return positions

    def _counts(self, queries: np.ndarray, within: Box | None, n_threads: int | None) -> np.ndarray:
        """Return how many signatures lie at each distance, ``(65,)``, int64."""
        sql = (
            f"SELECT {distance(queries)} AS distance, count() FROM {self.places} "
            f"WHERE {inside(self.grid, within)} GROUP BY distance"
        )
        rows = table_of(self.connection, sql + _threads(n_threads), COUNTED)
        counts = np.zeros(N_DISTANCES, dtype=np.int64)
        counts[rows["distance"]] = rows["count"]
        return counts

    def blocks(self, within: Box | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield positions and codes of all places that have one, block by block of the grid.

        Some blocks that lie beside each other are asked for together.
        """
        grid = self.grid
        n_z, n_y, n_x = grid.blocks_shape
        together = max(1, ROWS // grid.block**2)
        for z, y, x in product(range(n_z), range(n_y), range(0, n_x, together)):
            first, last = grid.places((z, y, x)), grid.places((z, y, min(x + together, n_x) - 1))
            places = _common(Box(first.start, last.stop), within)
            sql = f"SELECT place, code FROM {self.places} WHERE {inside(grid, places)}"
            rows = table_of(self.connection, sql, coded(self._code_size))
            rows = rows[np.argsort(rows["place"], kind="stable")]
            self._check_once(rows["place"])
            block = rows["place"] % grid.shape[2] // grid.block
            for members in (block == number for number in np.unique(block)):
                yield (
                    rows["place"][members].astype(np.int64),
                    rows["code"][members].astype(np.float32),
                )


def distance(queries: np.ndarray) -> str:
    """Return SQL for the Hamming distance of a row to the nearest of some signatures."""
    some = np.unique(queries).tolist()
    each = [f"bitHammingDistance(signature, toUInt64({one}))" for one in some]
    if len(each) == 1:
        return each[0]
    if 2 < len(each) <= MANY:
        array = f"CAST({some}, 'Array(UInt64)')"
        return f"arrayMin(one -> bitHammingDistance(signature, one), {array})"
    return f"least({', '.join(each)})"


def inside(grid: PlaceGrid, places: Box | None) -> str:
    """Return SQL for whether a row lies in a part of the grid; None: everywhere."""
    if places is None:
        return "1"
    if min(places.shape) <= 0:
        return "0"
    _, height, width = grid.shape
    last = [n - 1 for n in places.stop]
    ends = [int(np.ravel_multi_index(c, grid.shape)) for c in (places.start, tuple(last))]
    terms = [f"place BETWEEN {ends[0]} AND {ends[1]}"]  # what the primary key leaves out unread
    if (places.start[1], places.stop[1]) != (0, height):
        terms.append(f"intDiv(place, {width}) % {height} BETWEEN {places.start[1]} AND {last[1]}")
    if (places.start[2], places.stop[2]) != (0, width):
        terms.append(f"place % {width} BETWEEN {places.start[2]} AND {last[2]}")
    return f"({' AND '.join(terms)})"


def _common(one: Box, other: Box | None) -> Box:
    """Return the part of a box in another; None: all of it."""
    if other is None:
        return one
    start = tuple(max(a, b) for a, b in zip(one.start, other.start, strict=True))
    stop = tuple(min(a, b) for a, b in zip(one.stop, other.stop, strict=True))
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _threads(n_threads: int | None) -> str:
    return "" if n_threads is None else f" SETTINGS max_threads = {n_threads}"


def about_value(connection: Connection, about: str, name: str) -> bytes | None:
    """Return one of the values beside the places, the newest; None if there is none."""
    where = f"FROM {about} WHERE name = '{name}'"
    count = np.frombuffer(connection.read(f"SELECT count() {where}"), dtype="<u8")
    if int(count[0]) == 0:
        return None
    return connection.read(f"SELECT value {where} ORDER BY written DESC LIMIT 1", "RawBLOB")


def about_volume(connection: Connection, about: str) -> Description | None:
    """Return what a table says of itself; None if it holds no embedding volume.

    Raises:
        DataError: If it is damaged, or of another version.
    """
    content = about_value(connection, about, "manifest")
    return None if content is None else read_description(connection.name, content)
