"""Copies of an embedding volume in Parquet and in ClickHouse, and what disturbs making them."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.clickhouse import PLAIN, SECRET, USER, nothing, serve, stop
from support.embedded_volumes import filled, model, volume, voxels
from support.searches import run_command

from emqs.embedding.stores import parquet_export
from emqs.embedding.stores.clickhouse_export import creation, names, write_tables
from emqs.embedding.stores.connections import PASSWORD, ClickhouseConfig, Embedded, table_of
from emqs.embedding.stores.opening import open_searchable, open_target
from emqs.embedding.stores.parquet_export import write_parquet
from emqs.embedding.stores.rows import block_rows, row_type
from emqs.embedding.stores.zarr import ARRAYS, EmbeddingStore, open_store
from emqs.errors import ConfigError, DataError
from emqs.export import work as export
from emqs.files import claimed
from emqs.search import work as find

pq = pytest.importorskip("pyarrow.parquet", reason="needs pip install 'emqs[export]'")


@pytest.fixture(autouse=True, scope="module")
def _closed() -> Iterator[None]:
    yield
    Embedded.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingStore:
    """Return an embedding volume of 3 x 12 x 16 places in 12 blocks; some were skipped."""
    array = voxels()
    array[2, 30:90, 50:] = 7
    return filled(tmp_path_factory.mktemp("export") / "a.zarr", volume(array)).store


def rows_of(store: EmbeddingStore) -> np.ndarray:
    """Return what a copy must hold, one row after the other, from the arrays of the store."""
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(store.path, mode="r")
    valid = group["valid"][:].ravel() == 1
    rows = np.empty(int(valid.sum()), dtype=row_type(store.code_size))
    rows["place"] = np.flatnonzero(valid)
    rows["signature"] = group["signatures"][:].ravel()[valid]
    rows["code"] = group["embeddings"][:].reshape(store.code_size, -1).T[valid]
    return rows


def files(folder: Path) -> np.ndarray:
    """Return the rows of all Parquet files, by place, as pyarrow reads them."""
    table = pq.read_table(folder / "places")
    code_size = table.schema.field("code").type.byte_width // 2
    rows = np.empty(len(table), dtype=row_type(code_size))
    for name in ("place", "signature"):
        rows[name] = table[name].to_numpy()
    codes = b"".join(table["code"].to_pylist())
    rows["code"] = np.frombuffer(codes, "<f2").reshape(len(table), code_size)
    return np.sort(rows, order="place")


def tables(target: tuple[Embedded, str, str], code_size: int) -> np.ndarray:
    """Return the rows of a table, by place."""
    sql = f"SELECT place, signature, code FROM {names(*target[1:])[0]} ORDER BY place, signature"
    return table_of(target[0], sql, row_type(code_size))


@pytest.fixture
def target(tmp_path: Path) -> tuple[Embedded, str, str]:
    pytest.importorskip("chdb", reason="needs chDB: pip install 'emqs[chdb]'")
    return open_target(f"chdb://{tmp_path / 'db'}", PLAIN)  # type: ignore[return-value]


def shortened(store: EmbeddingStore, folder: Path, *blocks: str) -> EmbeddingStore:
    """Return a copy of a store in which some blocks are not embedded yet."""
    shutil.copytree(store.path, folder)
    for block in blocks:
        for name in ARRAYS:
            (folder / name / "c" / (f"0/{block}" if name == "embeddings" else block)).unlink()
    return open_store(folder)


def test_parquet_holds_what_the_store_holds(made: EmbeddingStore, tmp_path: Path) -> None:
    done = write_parquet(made, tmp_path / "out", nothing)
    expected = rows_of(made)
    assert done.n_places == len(expected) < made.grid.n_places
    np.testing.assert_array_equal(files(tmp_path / "out"), expected)
    path = tmp_path / "out" / "places" / "part-00000000.parquet"
    before = path.stat().st_mtime_ns
    again = write_parquet(made, tmp_path / "out", nothing)
    assert (again.n_places, again.n_found) == (0, len(expected))
    assert path.stat().st_mtime_ns == before


def test_parquet_goes_on_file_by_file(
    made: EmbeddingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    row = 16 + 2 * made.code_size
    monkeypatch.setattr(parquet_export, "FILE_BYTES", 5 * row * 64)  # 5 blocks in a file
    read = EmbeddingStore.block_codes
    calls = []

    def failing(self: EmbeddingStore, block: tuple[int, int, int]) -> np.ndarray:
        calls.append(block)
        if len(calls) == 8:  # in the second file
            raise KeyboardInterrupt
        return read(self, block)

    monkeypatch.setattr(EmbeddingStore, "block_codes", failing)
    with pytest.raises(KeyboardInterrupt):
        write_parquet(made, out, nothing)
    assert [p.name for p in (out / "places").iterdir()] == ["part-00000000.parquet"]
    (out / "places" / ".part-00000001.parquet.99.tmp").write_bytes(b"of a run that was killed")
    write_parquet(made, out, nothing)
    assert len(calls) == 8 + 12 - 5  # nothing of the first file is read again
    assert sorted(p.name for p in (out / "places").iterdir()) == [
        f"part-0000000{n}.parquet" for n in range(3)
    ]
    damaged = out / "places" / "part-00000002.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    assert write_parquet(made, out, nothing).n_blocks == 12
    assert len(calls) == 8 + 12 - 5 + 2
    np.testing.assert_array_equal(files(out), rows_of(made))


def test_copies_follow_a_store_that_is_being_filled(
    made: EmbeddingStore, tmp_path: Path, target: tuple[Embedded, str, str]
) -> None:
    part = shortened(made, tmp_path / "b.zarr", "0/0/1", "2/1/1")
    expected = rows_of(made)
    blocks = made.grid.positions(made.grid.places((0, 0, 1)))
    for _ in range(2):
        write_parquet(part, tmp_path / "out", nothing)
        write_tables(part, *target, nothing)
        for found in (files(tmp_path / "out"), tables(target, made.code_size)):
            assert not np.isin(blocks, found["place"]).any()
            np.testing.assert_array_equal(
                found, expected[np.isin(expected["place"], found["place"])]
            )
    first = write_tables(made_again(part, made), *target, nothing)
    assert 0 < first.n_places <= 128
    write_parquet(part, tmp_path / "out", nothing)
    np.testing.assert_array_equal(files(tmp_path / "out"), expected)
    np.testing.assert_array_equal(tables(target, made.code_size), expected)


def made_again(part: EmbeddingStore, whole: EmbeddingStore) -> EmbeddingStore:
    """Return a store with all blocks of another one."""
    shutil.copytree(whole.path, part.path, dirs_exist_ok=True)
    return open_store(part.path)


@pytest.mark.slow
def test_slices_that_are_added_are_exported_too(
    tmp_path: Path, target: tuple[Embedded, str, str]
) -> None:
    array = voxels(4)
    short = filled(tmp_path / "a.zarr", volume(array[:2])).store
    old = shortened(short, tmp_path / "old.zarr")
    for depth in (2, 4):
        store = filled(tmp_path / "a.zarr", volume(array[:depth])).store
        write_parquet(store, tmp_path / "out", nothing)
        write_tables(store, *target, nothing)
        np.testing.assert_array_equal(files(tmp_path / "out"), rows_of(store))
        np.testing.assert_array_equal(tables(target, store.code_size), rows_of(store))
        for name in ("out", "db"):
            assert open_searchable(f"chdb://{tmp_path / name}", PLAIN).grid == store.grid
    with pytest.raises(ConfigError, match=r"holds 4 slices, but .*old.zarr has only 2"):
        write_parquet(old, tmp_path / "out", nothing)
    with pytest.raises(ConfigError, match="holds 4 slices"):
        write_tables(old, *target, nothing)


def test_exporting_twice_adds_nothing(
    made: EmbeddingStore, target: tuple[Embedded, str, str]
) -> None:
    first = write_tables(made, *target, nothing)
    again = write_tables(made, *target, nothing)
    np.testing.assert_array_equal(tables(target, made.code_size), rows_of(made))
    assert (first.n_found, again.n_places, again.n_found) == (0, 0, first.n_places)


def test_an_export_that_was_cut_off_goes_on(
    made: EmbeddingStore, target: tuple[Embedded, str, str]
) -> None:
    places, _ = names(*target[1:])
    write_tables(made, *target, nothing)
    target[0].run(f"TRUNCATE TABLE {places}")
    expected = rows_of(made)
    target[0].insert(places, expected[40:300].tobytes())  # parts of blocks, too
    done = write_tables(made, *target, nothing)
    assert (done.n_places, done.n_found) == (len(expected) - 260, 260)
    np.testing.assert_array_equal(tables(target, made.code_size), expected)


def test_parquet_that_a_database_loaded_is_complete(
    made: EmbeddingStore, tmp_path: Path, target: tuple[Embedded, str, str]
) -> None:
    write_parquet(made, tmp_path / "out", nothing)
    places, about = names(*target[1:])
    for sql in creation(places, about, made.code_size):
        target[0].run(sql)
    for table, name in ((places, "places/*.parquet"), (about, "manifest.parquet")):
        target[0].run(f"INSERT INTO {table} SELECT * FROM file('{tmp_path}/out/{name}')")
    assert open_searchable(f"chdb://{tmp_path / 'db'}", PLAIN).manifest == made.manifest
    assert write_tables(made, *target, nothing).n_places == 0
    np.testing.assert_array_equal(tables(target, made.code_size), rows_of(made))


def test_an_insert_that_is_repeated_is_noticed_by_the_engine(
    made: EmbeddingStore, target: tuple[Embedded, str, str]
) -> None:
    """As by two exports at once, which both found the table empty."""
    places, _ = names(*target[1:])
    write_tables(made, *target, nothing)
    again = np.concatenate([block_rows(made, block) for block in made.grid.blocks()])
    target[0].insert(places, again.tobytes())
    assert len(tables(target, made.code_size)) == len(rows_of(made))


@pytest.mark.slow
def test_rows_of_something_else_are_never_mixed_or_removed(
    made: EmbeddingStore, target: tuple[Embedded, str, str], tmp_path: Path
) -> None:
    places, about = names(*target[1:])
    write_tables(made, *target, nothing)
    extra = rows_of(made)[:2]
    extra["signature"] ^= np.uint64(5)
    target[0].insert(places, extra.tobytes())
    with pytest.raises(DataError, match=r"holds rows of block \[0, 0, 0\] that .* or holds some"):
        write_tables(made, *target, nothing)
    assert len(tables(target, made.code_size)) == len(rows_of(made)) + 2
    other = filled(tmp_path / "o.zarr", volume(voxels(seed=9))).store
    with pytest.raises(
        ConfigError, match=r"holds another embedding volume than .*zarr: signer differs"
    ):
        write_tables(other, *target, nothing)
    target[0].run(f"TRUNCATE TABLE {about}")
    with pytest.raises(DataError, match=r"rows, but no manifest that says of which volume"):
        write_tables(made, *target, nothing)
    assert len(tables(target, made.code_size)) == len(rows_of(made)) + 2


def test_codes_may_be_long(target: tuple[Embedded, str, str]) -> None:
    """ClickHouse refuses fixed strings of over 256 bytes unless it is asked."""
    for sql in creation(*names(*target[1:]), 1024):
        target[0].run(sql)
    described = target[0].read(f"DESCRIBE {names(*target[1:])[0]}", "CSV")
    assert b"FixedString(2048)" in described


def test_a_table_with_other_columns_is_left_alone(
    made: EmbeddingStore, target: tuple[Embedded, str, str]
) -> None:
    target[0].run(f"CREATE TABLE {names(*target[1:])[0]} (id UInt8) ENGINE = Memory")
    with pytest.raises(
        DataError, match=r"the columns id UInt8, but place UInt64, signature .* are"
    ):
        write_tables(made, *target, nothing)


def test_folders_that_are_no_place_for_parquet(made: EmbeddingStore, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(ConfigError, match="is there, and is no export"):
        write_parquet(made, tmp_path / "full", nothing)
    with pytest.raises(ConfigError, match=r"does not exist\. Make it first"):
        write_parquet(made, tmp_path / "no" / "out", nothing)
    write_parquet(made, tmp_path / "out", nothing)
    other = filled(tmp_path / "o.zarr", encoder=model(1)).store
    with pytest.raises(ConfigError, match=r"than .*o.zarr: model\.weights_sha256 differs"):
        write_parquet(other, tmp_path / "out", nothing)
    (tmp_path / "out" / "manifest.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"manifest.parquet is damaged"):
        write_parquet(made, tmp_path / "out", nothing)


@pytest.mark.slow
def test_a_flipped_bit_in_parquet_is_noticed(made: EmbeddingStore, tmp_path: Path) -> None:
    pytest.importorskip("chdb", reason="needs chDB: pip install 'emqs[chdb]'")
    write_parquet(made, tmp_path / "out", nothing)
    path = tmp_path / "out" / "places" / "part-00000000.parquet"
    content = bytearray(path.read_bytes())
    at = content.find(rows_of(made)["code"][100].tobytes())
    content[at + 3] ^= 1
    path.write_bytes(content)
    engine = open_searchable(f"chdb://{tmp_path / 'out'}", PLAIN)
    with pytest.raises(DataError, match=r"(?i)checksum"):
        engine.codes(rows_of(made)["place"][:200].astype(np.int64))


@pytest.mark.slow
def test_two_folders_are_used_in_turn(made: EmbeddingStore, tmp_path: Path) -> None:
    """A process holds one database of chDB; another is opened where it is needed."""
    pytest.importorskip("chdb", reason="needs chDB: pip install 'emqs[chdb]'")
    engines = []
    for name in ("one", "two"):
        address = f"chdb://{tmp_path / name}"
        write_tables(made, *open_target(address, PLAIN), nothing)
        engines.append(open_searchable(address, PLAIN))
    for _ in range(2):
        for engine in engines:
            assert engine.manifest == made.manifest
            assert engine.signatures(np.array([0]))[0] == rows_of(made)["signature"][0]


@pytest.mark.parametrize("left", [[], ["places"], ["places", "checksums"], [".lock"]])
def test_an_export_that_was_killed_before_its_manifest_goes_on(
    left: list[str], made: EmbeddingStore, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    for name in left:
        if name == ".lock":
            (tmp_path / "out" / name).touch()
        else:
            (tmp_path / "out" / name).mkdir()
    (tmp_path / "out" / ".manifest.parquet.0a1b2c3d.tmp").write_bytes(b"half")
    write_parquet(made, tmp_path / "out", nothing)
    np.testing.assert_array_equal(files(tmp_path / "out"), rows_of(made))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "checksums", "manifest.parquet", "places",
    ]  # fmt: skip


def test_two_exports_into_one_folder_do_not_meet(made: EmbeddingStore, tmp_path: Path) -> None:
    with (
        claimed(tmp_path / "out", tmp_path / "out"),
        pytest.raises(DataError, match=r"out is being written by another process"),
    ):
        write_parquet(made, tmp_path / "out", nothing)
    write_parquet(made, tmp_path / "out", nothing)


@pytest.mark.slow
def test_a_flipped_bit_beside_the_rows_of_parquet_is_noticed(
    made: EmbeddingStore, tmp_path: Path
) -> None:
    pytest.importorskip("chdb", reason="needs chDB: pip install 'emqs[chdb]'")
    out = tmp_path / "out"
    write_parquet(made, out, nothing)
    part, sidecar = out / "places" / "part-00000000.parquet", out / "checksums"
    (stated,) = sidecar.iterdir()
    first = json.loads(stated.read_text())["first"]
    for path, places in (
        (part, [first, first + 40, -30, -9, -1]),  # indices and statistics of pages
        (out / "manifest.parquet", list(range(60, out.joinpath("manifest.parquet").stat().st_size,
                                              701))),
    ):  # fmt: skip
        good = path.read_bytes()
        for place in places:
            content = bytearray(good)
            content[place] ^= 4
            path.write_bytes(content)
            try:
                engine = open_searchable(f"chdb://{out}", PLAIN)
                same = engine.manifest == made.manifest
                same = same and np.array_equal(engine.sample(), made.sample())
            except DataError:
                continue
            assert same, f"{path.name} at {place}"
            assert path.name == "manifest.parquet"
        path.write_bytes(good)
    part.rename(out / "gone.parquet")
    with pytest.raises(DataError, match=r"part-00000000\.parquet is missing, damaged"):
        open_searchable(f"chdb://{out}", PLAIN)


@pytest.mark.slow
def test_the_commands_and_their_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("clickhouse_connect", reason="needs pip install 'emqs[clickhouse]'")
    process, port = serve(tmp_path / "db")
    try:
        monkeypatch.setenv(PASSWORD, SECRET)
        store = filled(tmp_path / "e.zarr").store
        address = f"clickhouse://127.0.0.1:{port}/default/brain"
        run_command(
            export, "export", tmp_path, f"store={store.path}", "to=clickhouse", f"out={address}",
            f"clickhouse.user={USER}",
        )  # fmt: skip
        run_command(export, "export", tmp_path, f"store={store.path}", f"out={tmp_path / 'pq'}")
        found = []
        for number, place in enumerate((store.path, address, f"chdb://{tmp_path / 'pq'}")):
            folder = tmp_path / str(number)
            folder.mkdir()
            run_command(
                find, "search", folder, f"store={place}", "positive=[[0,48,64]]", "figures=false",
                f"clickhouse.user={USER}",
            )  # fmt: skip
            found.append((folder / "run_search" / "matches.csv").read_bytes())
            written = json.loads((folder / "run_search" / "matches.json").read_text())
            assert written["store"] == str(place)
        assert found[0] == found[1] == found[2]
        assert found[0].count(b"\n") == 49
    finally:
        stop(process)
    shown = capsys.readouterr()
    assert f"python -m emqs.search store={address}" in shown.out
    assert SECRET not in shown.out + shown.err
    written = [p.read_bytes() for p in tmp_path.glob("**/run_*/**/*") if p.is_file()]
    assert len(written) > 10
    assert not any(SECRET.encode() in content for content in written)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["out=x"], "store is missing"),
        (["store=x"], "out is missing"),
        (["store=x", "out=y", "to=csv"], "to must be one of parquet, clickhouse, got csv"),
        (["store=x", "out=chdb://y"], "With to=parquet, out is a folder"),
        (
            ["store={store}", "out=y", "to=clickhouse"],
            "out is clickhouse://host:port/database/table",
        ),
        (
            ["store={store}", "out=y", "clickhouse.timeout_s=0"],
            "clickhouse.timeout_s must be above",
        ),
        (["store={store}", "out=y", "clickhouse.ca=/no"], "clickhouse.ca=/no is no file"),
    ],
)
def test_settings_that_are_wrong(
    made: EmbeddingStore, tmp_path: Path, overrides: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        run_command(export, "export", tmp_path, *(o.format(store=made.path) for o in overrides))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_server_with_tls(
    made: EmbeddingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("clickhouse_connect", reason="needs pip install 'emqs[clickhouse]'")
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out",
         certificate],
        check=True, capture_output=True, env={**os.environ, "OPENSSL_CONF": "/dev/null"},
    )  # fmt: skip
    process, port = serve(tmp_path / "db", certificate, key)
    try:
        monkeypatch.setenv(PASSWORD, SECRET)
        address = f"clickhouse://127.0.0.1:{port}/default/brain"
        with pytest.raises(DataError, match=r"(?i)certificate verify failed"):
            open_target(address, ClickhouseConfig(user=USER, secure=True))
        trusted = ClickhouseConfig(user=USER, secure=True, ca=certificate)
        write_tables(made, *open_target(address, trusted), nothing)
        assert open_searchable(address, trusted).manifest == made.manifest
    finally:
        stop(process)
