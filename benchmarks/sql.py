"""Speed of the search in SQL, over chDB in this process, beside the local scan of the same bytes.

    python benchmarks/sql.py [--signatures N] [--nearest K] [--code-size D] [--folder PATH]

Random signatures are written into a table of chDB and into Parquet as ``python -m emqs.export``
does. The exit code is 1 if positions or their order differ between the engines.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scan import made, seconds

from emqs.embedding.signatures import fit
from emqs.embedding.stores import hamming
from emqs.embedding.stores.clickhouse import ClickHouseStore, distance
from emqs.embedding.stores.clickhouse_export import creation, names, text
from emqs.embedding.stores.connections import ClickhouseConfig, Connection, Embedded
from emqs.embedding.stores.grid import PlaceGrid
from emqs.embedding.stores.opening import open_target
from emqs.embedding.stores.parquet_export import PLACES, write_rows
from emqs.embedding.stores.rows import ROWS, described, row_type

LOOKED_UP = 10_000  # codes, as a search with the default settings does


def batches(signatures: np.ndarray, code_size: int, size: int) -> Iterator[np.ndarray]:
    """Yield the rows of a copy."""
    rng = np.random.default_rng(1)
    codes = rng.normal(size=(size, code_size)).astype("<f2")
    for start in range(0, len(signatures), size):
        part = signatures[start : start + size]
        rows = np.empty(len(part), dtype=row_type(code_size))
        rows["place"] = np.arange(start, start + len(part))
        rows["signature"], rows["code"] = part, codes[: len(part)]
        yield rows


def grid_of(count: int) -> PlaceGrid:
    """Return a grid with as many places."""
    return PlaceGrid(
        (1, count // 1000, 1000), 80, (1, 10, 10), 128, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
    )


def manifest_of(count: int, code_size: int) -> dict[str, Any]:
    """Return a manifest of as many places, made of nothing."""
    grid = grid_of(count)
    shape = [
        1,
        *((n - 1) * s + grid.size for n, s in zip(grid.shape[1:], grid.stride[1:], strict=True)),
    ]
    codes = np.random.default_rng(0).normal(size=(512, code_size))
    return {
        "volume": {"name": "none", "shape": shape},
        "grid": grid.to_dict(),
        "model": {"name": "none", "network": {}, "preprocessing": {}, "weights_sha256": None},
        "code_size": code_size,
        "signer": fit(codes, seed=0).to_dict(),
    }


def tables(signatures: np.ndarray, code_size: int, folder: Path) -> ClickHouseStore:
    """Return a search of a new table."""
    connection, database, table = open_target(f"chdb://{folder}", ClickhouseConfig())
    places, about = names(database, table)
    for sql in creation(places, about, code_size):
        connection.run(sql)
    manifest = described(manifest_of(len(signatures), code_size), b"")
    connection.insert(about, text(b"manifest") + text(manifest) + bytes(8))
    for rows in batches(signatures, code_size, 2**20):
        connection.insert(places, rows.tobytes())
    connection.run(f"OPTIMIZE TABLE {places} FINAL")
    return ClickHouseStore(connection, places, about)


def files(
    signatures: np.ndarray, code_size: int, folder: Path, there: ClickHouseStore
) -> ClickHouseStore:
    """Return a search of new Parquet files, with the manifest of another."""
    (folder / PLACES).mkdir(parents=True)
    per_file = 2**29 // row_type(code_size).itemsize // ROWS
    waiting: list[np.ndarray] = []
    number = 0
    for rows in batches(signatures, code_size, ROWS):
        waiting.append(rows)
        if len(waiting) == per_file or rows["place"][-1] == len(signatures) - 1:
            write_rows(folder / PLACES / f"part-{number:08d}.parquet", waiting, code_size, b"")
            waiting, number = [], number + 1
    return ClickHouseStore(
        there.connection, f"file('{folder}/{PLACES}/*.parquet', 'Parquet')", there.about
    )


def sorted_all(connection: Connection, places: str, one: np.ndarray, k: int) -> Callable[[], bytes]:
    """Return what a search would be without a threshold."""
    sql = f"SELECT place FROM {places} ORDER BY {distance(one)}, place LIMIT {k}"
    return lambda: connection.read(sql)


def main() -> None:
    """Measure everything; the exit code is 1 if results differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--signatures", type=int, default=50_000_000)
    parser.add_argument("--nearest", type=int, default=10_000)
    parser.add_argument("--code-size", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where tables are made; null: a temporary one")
    options = parser.parse_args()
    count = options.signatures // 1000 * 1000
    signatures, k = made(count), options.nearest
    examples = signatures[:: max(1, count // 20)][:20].copy()
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    same = True
    try:
        started = time.perf_counter()
        table = tables(signatures, options.code_size, folder / "db")
        print(f"table written in {time.perf_counter() - started:.0f} s")
        started = time.perf_counter()
        parquet = files(signatures, options.code_size, folder / "pq", table)
        print(f"Parquet written in {time.perf_counter() - started:.0f} s; "
              f"{os.cpu_count()} cores, {count:,} signatures, the {k:,} nearest")  # fmt: skip
        for positives in (examples[:1], examples[:10]):
            expected, _ = hamming.nearest(signatures, positives, k)
            word = f"{len(positives)} positive"
            times = {
                f"local scan, {word}": seconds(
                    lambda p=positives: hamming.nearest(signatures, p, k), options.repeats
                )
            }
            for name, engine in (("table", table), ("Parquet", parquet)):

                def ask(e: ClickHouseStore = engine, p: np.ndarray = positives) -> np.ndarray:
                    return e.nearest(p, 0, k, within=None, n_threads=None)

                times[f"SQL over {name}, {word}"] = seconds(ask, options.repeats)
                same &= bool(np.array_equal(ask(), expected))
            for name, (clock, processor) in times.items():
                print(f"{name:34s} {clock:7.3f} s, processor {processor:7.3f} s  "
                      f"{count / clock / 1e9:6.2f} billion a second")  # fmt: skip
        whole = sorted_all(table.connection, table.places, examples[:1], k)
        clock, processor = seconds(whole, options.repeats)
        print(f"{'sorted without a threshold':34s} {clock:7.3f} s, processor {processor:7.3f} s")
        some = np.random.default_rng(2).permutation(count)[:LOOKED_UP]
        for name, engine in (("table", table), ("Parquet", parquet)):
            clock, _ = seconds(lambda e=engine: e.codes(some), 2)
            print(f"{LOOKED_UP:,} codes of {options.code_size} numbers from {name}: {clock:.3f} s")
    finally:
        Embedded.close()
        shutil.rmtree(folder)
    print(f"positions and their order are {'the same' if same else 'NOT THE SAME'}")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
