"""The search in SQL against the local one, whose results are compared with a slow one elsewhere.

Everything runs over chDB, the engine of ClickHouse as a library: over a folder of its own, over
exported Parquet, and behind ClickHouse's HTTP interface in another process. With the environment
variable EMQS_CLICKHOUSE=host:port/database the last also runs against that server, as its default
user with the password in EMQS_CLICKHOUSE_PASSWORD.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.clickhouse import PLAIN, SECRET, USER, nothing, serve, stop
from support.embedded_volumes import filled, volume, voxels

from emqs.embedding.stores import SearchableStore
from emqs.embedding.stores.clickhouse import ClickHouseStore
from emqs.embedding.stores.clickhouse_export import names, write_tables
from emqs.embedding.stores.connections import PASSWORD, ClickhouseConfig, Embedded
from emqs.embedding.stores.opening import open_searchable, open_target
from emqs.embedding.stores.parquet_export import write_parquet
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.errors import ConfigError, DataError
from emqs.retrieval.settings import QueryConfig, SearchConfig
from emqs.retrieval.volume_search import Matches, search

pytest.importorskip("chdb", reason="needs chDB: pip install 'emqs[chdb]'")
pytest.importorskip("clickhouse_connect", reason="needs pip install 'emqs[clickhouse]'")
pytest.importorskip("pyarrow", reason="needs pip install 'emqs[export]'")

QUERY = QueryConfig(metric="cosine", whiten="standard")
POSITIVE, NEGATIVE = [[0, 48, 64], [1, 120, 200]], [[2, 20, 30]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddingStore]:
    """Return an embedding volume of 3 x 24 x 32 places, some of them skipped."""
    array = voxels(3, 200, 264)
    array[1, 100:180, :60] = 7
    folder = tmp_path_factory.mktemp("engines")
    yield filled(folder / "a.zarr", volume(array), block=16).store
    Embedded.close()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    process, port = serve(tmp_path_factory.mktemp("server") / "db")
    yield port
    stop(process)


def place(kind: str, folder: Path, request: pytest.FixtureRequest) -> tuple[str, ClickhouseConfig]:
    """Return an address and how it is reached; nothing is there yet."""
    if kind == "server":
        port = request.getfixturevalue("port")
        return f"clickhouse://127.0.0.1:{port}/default/{folder.name}", ClickhouseConfig(user=USER)
    if kind == "server given":
        given = os.environ.get("EMQS_CLICKHOUSE")
        if given is None:
            pytest.skip("no ClickHouse server: set EMQS_CLICKHOUSE=host:port/database")
        return f"clickhouse://{given}/emqs_test_{folder.name}", PLAIN
    return f"chdb://{folder / 'db'}", PLAIN


KINDS = ["tables", "parquet", "server", "server given"]


@pytest.fixture(scope="module", params=KINDS)
def engine(
    made: EmbeddingStore, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SearchableStore]:
    """Return a search in SQL of what ``made`` holds."""
    folder = tmp_path_factory.mktemp("copy")
    if request.param == "parquet":
        write_parquet(made, folder / "db", nothing)
        yield open_searchable(f"chdb://{folder / 'db'}", PLAIN)
        return
    address, settings = place(request.param, folder, request)
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "server":
            patch.setenv(PASSWORD, SECRET)
        target = open_target(address, settings)
        write_tables(made, *target, nothing)
        yield open_searchable(address, settings)
        for name in names(*target[1:]):
            target[0].run(f"DROP TABLE {name}")


def look(
    searched: EmbeddingStore | SearchableStore,
    positive: list[list[int]],
    *more: list[list[int]],
    **settings: object,
) -> Matches:
    config = SearchConfig(**{"n_results": 20, **settings})  # type: ignore[arg-type]
    return search(searched, positive, *more, query=QUERY, settings=config)


def assert_same(found: Matches, expected: Matches) -> None:
    for name, values in expected.columns.items():
        np.testing.assert_array_equal(found.columns[name], values)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"exact": True, "n_results": 50},
        {"candidates": 10, "n_results": 30, "distance_nm": 150.0},
        {"candidates": 33, "n_results": 10_000, "distance_nm": 0},
        {"candidates": 25, "n_results": 7, "page": 3},
        {"box_nm": [[30, 200, 400], [60, 700, 1200]], "n_results": 500, "distance_nm": 0},
        {"box_nm": [[30, 200, 400], [60, 700, 1200]], "exact": True, "n_results": 99},
        {"box_nm": [[31, 0, 0], [59, 9, 9]]},
        {"n_threads": 1, "candidates": 100},
    ],
)
def test_results_are_those_of_the_local_search(
    made: EmbeddingStore, engine: SearchableStore, settings: dict[str, object]
) -> None:
    expected = look(made, POSITIVE, NEGATIVE, **settings)
    assert_same(look(engine, POSITIVE, NEGATIVE, **settings), expected)
    assert (len(expected.ranks) == 0) == (settings.get("box_nm") == [[31, 0, 0], [59, 9, 9]])


def test_a_classifier_is_fitted_to_the_same_codes(
    made: EmbeddingStore, engine: SearchableStore
) -> None:
    rng = np.random.default_rng(1)
    points = [[int(rng.integers(3)), int(y), int(x)] for y, x in rng.integers(20, 90, (60, 2))]
    assert_same(look(engine, points[:30], points[30:]), look(made, points[:30], points[30:]))


def test_what_is_beside_the_rows(made: EmbeddingStore, engine: SearchableStore) -> None:
    assert engine.manifest == made.manifest
    assert engine.grid == made.grid
    np.testing.assert_array_equal(engine.sample(), made.sample())
    positions = np.array([5, 1100, 5, 2000])  # 1100 is (1, 10, 12)
    signatures, valid = made.flat()
    found = engine.signatures(positions)
    np.testing.assert_array_equal(found[1], valid[positions])
    np.testing.assert_array_equal(found[0], np.where(found[1], signatures[positions], 0))
    np.testing.assert_array_equal(
        engine.codes(positions[[0, 2, 3]]), made.codes(positions[[0, 2, 3]])
    )


def test_a_place_without_a_row(made: EmbeddingStore, engine: SearchableStore) -> None:
    with pytest.raises(ConfigError, match=r"positive example \[1, 140, 20\] has no row .* skipped"):
        look(engine, [[1, 140, 20]])
    skipped = ~made.flat()[1]
    assert 0 < skipped.sum() < 200
    everything = look(engine, POSITIVE, n_results=10_000, distance_nm=0)
    assert len(everything.ranks) == 3 * 24 * 32 - skipped.sum() - 2


@pytest.fixture
def random_table(tmp_path: Path, made: EmbeddingStore) -> tuple[ClickHouseStore, np.ndarray]:
    """Return a search of 500 random signatures, many equally far from any, and its rows."""
    target = open_target(f"chdb://{tmp_path / 'db'}", PLAIN)
    write_tables(made, *target, nothing)
    places, _ = names(*target[1:])
    target[0].run(f"TRUNCATE TABLE {places}")
    rng = np.random.default_rng(3)
    rows = np.zeros(500, dtype=[("place", "<u8"), ("signature", "<u8"), ("code", "V96")])
    rows["place"] = rng.permutation(2304)[:500]
    rows["signature"] = rng.integers(0, 2**64, 40, dtype=np.uint64)[rng.integers(40, size=500)]
    for part in np.array_split(rows, 7):
        target[0].insert(places, part.tobytes())
    engine = open_searchable(f"chdb://{tmp_path / 'db'}", PLAIN)
    assert isinstance(engine, ClickHouseStore)
    return engine, np.sort(rows)


def test_the_nearest_are_those_of_a_full_sort(
    random_table: tuple[ClickHouseStore, np.ndarray],
) -> None:
    engine, rows = random_table
    wanted = np.array([0, 2**64 - 1, rows["signature"][3], 7], dtype=np.uint64)
    for count in (1, 4):
        least = [
            min(bin(s ^ w).count("1") for w in wanted[:count].tolist())
            for s in rows["signature"].tolist()
        ]
        order = np.lexsort([rows["place"], least])
        expected = rows["place"][order].astype(np.int64)
        for first, last in [(0, 1), (0, 37), (37, 60), (60, 499), (499, 500), (500, 900), (3, 900)]:
            found = engine.nearest(wanted[:count], first, last, within=None, n_threads=None)
            np.testing.assert_array_equal(found, expected[first:last])


def test_rows_in_several_tables_are_one_volume(made: EmbeddingStore, tmp_path: Path) -> None:
    """As the shards of a cluster are, here read through remote() and merge()."""
    connection, database, table = open_target(f"chdb://{tmp_path / 'db'}", PLAIN)
    write_tables(made, connection, database, table, nothing)
    places, about = names(database, table)
    for number in (0, 1):
        connection.run(f"CREATE TABLE part{number} AS {places}")
        connection.run(
            f"INSERT INTO part{number} SELECT * FROM {places} WHERE place % 7 % 2 = {number}"
        )
    parts = ClickHouseStore(connection, "remote('127.0.0.1', merge('default', '^part'))", about)
    for settings in ({"candidates": 30, "n_results": 60}, {"exact": True}):
        expected = look(made, POSITIVE, NEGATIVE, **settings)
        assert_same(look(parts, POSITIVE, NEGATIVE, **settings), expected)


@pytest.mark.slow
def test_thousands_of_examples_are_one_query(
    random_table: tuple[ClickHouseStore, np.ndarray],
) -> None:
    engine, rows = random_table
    wanted = np.random.default_rng(0).integers(0, 2**64, 4400, dtype=np.uint64)  # 270 kB of SQL
    least = np.bitwise_count(rows["signature"][:, None] ^ wanted).min(axis=1)
    order = np.lexsort([rows["place"], least])[:60]
    found = engine.nearest(wanted, 0, 60, within=None, n_threads=None)
    np.testing.assert_array_equal(found, rows["place"][order])


def test_a_server_is_asked_to_take_a_long_query(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, SECRET)
    address = f"clickhouse://127.0.0.1:{port}/default/t"
    connection, _, _ = open_target(address, ClickhouseConfig(user=USER))
    assert connection.read(f"SELECT length('{'x' * 300_000}')", "TabSeparated") == b"300000\n"


def test_rows_are_sorted_below_a_threshold_only(
    random_table: tuple[ClickHouseStore, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, rows = random_table
    asked: list[str] = []
    read = engine.connection.read
    monkeypatch.setattr(
        engine.connection, "read", lambda sql, *more: [asked.append(sql), read(sql, *more)][1]
    )
    wanted = rows["signature"][:1]
    for first, last in [(0, 20), (20, 80)]:
        engine.nearest(wanted, first, last, within=None, n_threads=None)
    assert ["GROUP BY" in sql for sql in asked] == [True, False, False]  # counted once
    assert all("distance <= " in sql for sql in asked if "ORDER BY" in sql)


def test_a_change_during_a_search_is_noticed(
    random_table: tuple[ClickHouseStore, np.ndarray],
) -> None:
    engine, rows = random_table
    wanted = rows["signature"][:1]
    engine.nearest(wanted, 0, 5, within=None, n_threads=None)
    engine.connection.run(
        f"ALTER TABLE {engine.places} DELETE WHERE bitHammingDistance(signature, "
        f"toUInt64({wanted[0]})) < 30 SETTINGS mutations_sync = 1"
    )
    with pytest.raises(DataError, match="was changed while it was searched"):
        engine.nearest(wanted, 5, 200, within=None, n_threads=None)


def test_a_place_that_is_there_twice_is_noticed(
    random_table: tuple[ClickHouseStore, np.ndarray],
) -> None:
    engine, rows = random_table
    rows = rows[:3]
    engine.connection.insert(engine.places, rows.tobytes())
    with pytest.raises(DataError, match=r"more than once\. Drop the table"):
        engine.nearest(rows["signature"][:1], 0, 100, within=None, n_threads=None)
    with pytest.raises(DataError, match="more than once"):
        engine.codes(rows["place"][:1].astype(np.int64))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("clickhouse://h/table", "is written clickhouse://host:port/database/table, got"),
        ("clickhouse://h:x/d/t", "is written clickhouse://host:port/database/table"),
        ("clickhouse://h/d/t;drop", "'t;drop' may hold letters, digits and _ only"),
        ("ftp://server/a", "store=ftp://server/a is unknown"),
        ("chdb:///nowhere", "no folder /nowhere"),
    ],
)
def test_addresses_that_are_none(name: str, message: str) -> None:
    with pytest.raises((ConfigError, DataError), match=message):
        open_searchable(name, PLAIN)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="environment variable EMQS_CLICKHOUSE_PASSWORD") as error:
        open_searchable("clickhouse://me:hunter2@h/d/t", PLAIN)
    assert "hunter2" not in str(error.value)


def test_a_server_that_does_not_let_one_in(
    made: EmbeddingStore, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"clickhouse://127.0.0.1:{port}/default/nothing"
    monkeypatch.setenv(PASSWORD, "hunter2")
    with pytest.raises(DataError, match="refuses the user or the password") as error:
        open_searchable(address, ClickhouseConfig(user=USER))
    assert "hunter2" not in str(error.value)
    monkeypatch.setenv(PASSWORD, SECRET)
    with pytest.raises(DataError, match=r"has no table `default`\.`nothing`"):
        open_searchable(address, ClickhouseConfig(user=USER))
    target = open_target(f"clickhouse://127.0.0.1:{port}/nothere/x", ClickhouseConfig(user=USER))
    with pytest.raises(DataError, match=r"nothere/x: Database nothere does not exist"):
        write_tables(made, *target, nothing)
    with pytest.raises(DataError, match=r"Connection refused\. Check host and port"):
        open_searchable("clickhouse://127.0.0.1:9/d/t", PLAIN)
