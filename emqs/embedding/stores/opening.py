"""What the user calls a place where an embedding volume lies, and what answers there."""

from math import prod
from pathlib import Path

from emqs.embedding.stores import SearchableStore
from emqs.embedding.stores.clickhouse import ClickHouseStore
from emqs.embedding.stores.clickhouse_export import names
from emqs.embedding.stores.connections import (
    EMBEDDED,
    SCHEME,
    ClickhouseConfig,
    Connection,
    Embedded,
    Server,
    parsed,
)
from emqs.embedding.stores.parquet_export import MANIFEST, PLACES, check_files
from emqs.embedding.stores.sized import SizedStore
from emqs.embedding.stores.zarr import EmbeddingStore, open_store
from emqs.errors import ConfigError, DataError
from emqs.volumes.addresses import is_bucket

EMBEDDED_TABLE = ("default", "emqs")  # database and table in a folder of chDB
NOT_IN_A_PATTERN = (
    "*?{}[]'\\"  # SQL would read them as a pattern of files, or as the end of a string
)


def open_searchable(name: str, settings: ClickhouseConfig) -> SearchableStore:
    """Return what searches an embedding volume.

    Args:
        name: A folder that ``python -m emqs.embed`` made, on disk or at ``s3://BUCKET/PATH`` or
            ``gs://BUCKET/PATH``; ``clickhouse://host:port/database/table``; or ``chdb://FOLDER``,
            where the folder holds Parquet files or a database of chDB.
        settings: How a server is reached.

    Raises:
        ConfigError: If the name is none of these.
        DataError: If there is no embedding volume, it is damaged, or the server says no.
        MissingDependencyError: If a package is not installed.
    """
    if name.startswith(SCHEME):
        address = parsed(name, secure=settings.secure)
        return _opened(Server(address, settings), address.database, address.table)
    if name.startswith(EMBEDDED):
        folder = Path(name.removeprefix(EMBEDDED))
        if (folder / MANIFEST).is_file():
            return _files(name, folder)
        if not folder.is_dir():
            raise DataError(f"There is no folder {folder}, which {name} names.")
        return _opened(Embedded(name, folder), *EMBEDDED_TABLE)
    if is_bucket(name):
        return open_store(name)
    if "://" in name:
        raise ConfigError(
            f"store={name} is unknown. Give a folder, s3://BUCKET/PATH, gs://BUCKET/PATH, "
            f"{SCHEME}host:port/database/table or {EMBEDDED}FOLDER."
        )
    if (Path(name) / MANIFEST).is_file():
        raise ConfigError(f"{name} holds Parquet files. Search them with store={EMBEDDED}{name}.")
    return open_store(Path(name))


def on_disk(store: SearchableStore) -> EmbeddingStore | None:
    """Return the embedding volume that is searched, maybe with larger windows; None: a table is."""
    made = store.store if isinstance(store, SizedStore) else store
    return made if isinstance(made, EmbeddingStore) else None


def unfinished(store: SearchableStore) -> str | None:
    """Return a note on an embedding volume that has not all of its blocks; None if it has.

    A block of which a file was removed is one that is not made yet.
    """
    if not isinstance(store, EmbeddingStore):
        return None
    n_blocks, n_done = prod(store.grid.blocks_shape), store.n_blocks
    if n_done == n_blocks:
        return None
    return (
        f"Note: {store.name} has {n_done} of its {n_blocks} blocks; places in the others are not "
        "found. Run the same emqs embed again to make them."
    )


def open_target(out: str, settings: ClickhouseConfig) -> tuple[Connection, str, str]:
    """Return where tables are written: a connection, a database and a table.

    Args:
        out: An address, or ``chdb://FOLDER``; the folder is made.
        settings: How a server is reached.

    Raises:
        ConfigError: If it is neither.
        DataError: If the server says no.
    """
    if out.startswith(SCHEME):
        address = parsed(out, secure=settings.secure)
        return Server(address, settings), address.database, address.table
    if out.startswith(EMBEDDED):
        folder = Path(out.removeprefix(EMBEDDED))
        if (folder / MANIFEST).is_file():
            raise ConfigError(f"out={out} holds Parquet files. Give another folder.")
        if not folder.absolute().parent.is_dir():
            raise ConfigError(f"The folder {folder.parent} does not exist. Make it first.")
        return Embedded(out, folder), *EMBEDDED_TABLE
    raise ConfigError(
        f"With to=clickhouse, out is {SCHEME}host:port/database/table or {EMBEDDED}FOLDER, got "
        f"{out}."
    )


def _opened(connection: Connection, database: str, table: str) -> ClickHouseStore:
    """Return a search of tables, if there are any."""
    places, about = names(database, table)
    for name in (places, about):
        if connection.read(f"EXISTS TABLE {name}", "TabSeparated").strip() != b"1":
            raise DataError(
                f"{connection.name} has no table {name}. Make it with python -m emqs.export "
                "to=clickhouse."
            )
    return ClickHouseStore(connection, places, about)


def _files(name: str, folder: Path) -> ClickHouseStore:
    """Return a search of Parquet files."""
    path = str(folder.absolute())
    if any(letter in path for letter in NOT_IN_A_PATTERN):
        raise ConfigError(
            f"{name}: the path of a folder of Parquet files must not hold any of {NOT_IN_A_PATTERN}"
        )
    check_files(folder)
    about = f"file('{path}/{MANIFEST}', 'Parquet', 'name String, value String, written UInt64')"
    connection = Embedded(name, None)
    places = f"file('{path}/{PLACES}/*.parquet', 'Parquet')"
    return ClickHouseStore(connection, places, about)
