"""One database for everything that people make: a file of SQLite, or PostgreSQL for many processes.

What ``write()`` has left without an error is on disk: it outlives the death of this process and of
the machine (SQLite: WAL with synchronous FULL; PostgreSQL: its own default, synchronous_commit on).
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool

from emqs.annotations.turns import Turns
from emqs.errors import ConfigError, DatabaseError

REVISIONS = Path(__file__).parent / "migrations" / "versions"
VERSION_TABLE = "emqs_version"
LOCK = 0x656D7173  # the key under which migrations of PostgreSQL lock each other out
BUSY_WAIT_S = 30.0
MIGRATION_WAIT_S = 600.0
MOMENTS = {  # what differs after a commit of anybody else, cheaply
    "sqlite": "PRAGMA data_version",
    "postgresql": "SELECT pg_current_snapshot()::text",
}
SECRET_WORDS = ("password", "passfile", "sslpassword", "sslkey", "service", "servicefile")


class Database:
    """An open database at the newest revision; use ``Database.open``.

    Attributes:
        engine: SQLAlchemy's engine, for tests and tools; code uses ``read`` and ``write``.
        url: Where it is, without passwords, for messages.
        kind: ``"sqlite"`` or ``"postgresql"``.
    """

    def __init__(self, engine: Engine, url: str) -> None:
        """Take an engine whose database is at the newest revision."""
        self.engine = engine
        self.url = url
        self.kind = engine.dialect.name
        self._watching: Any = None  # a connection of its own
        self._lock = threading.Lock()
        self._writers: Turns | None = None
        if self.kind == "sqlite":
            self._writers = Turns(1, BUSY_WAIT_S, lambda: _too_busy(url))

    @classmethod
    def open(cls, url: str, *, pool_size: int = 10) -> "Database":
        """Return a database, made or brought to the newest revision first.

        Several processes may call this at the same moment: one migrates, the others wait.

        Args:
            url: ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or
                ``postgresql://user:password@host:port/name``.
            pool_size: Connections kept open at most; as many again are opened when needed.

        Raises:
            ConfigError: If the URL is not one of these.
            DatabaseError: If the database cannot be reached, or is newer than this emqs.
        """
        parsed = _parsed(url)
        shown = without_password(parsed)
        with _translated(shown):
            _migrate(parsed, shown)
        engine = _engine(parsed, foreign_keys=True, wait_s=BUSY_WAIT_S, pool_size=pool_size)
        return cls(engine, shown)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one moment of the database, and refuses to write."""
        options: dict[str, Any] = {"emqs_read": True}
        if self.kind == "postgresql":
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with (
            _translated(self.url),
            self.engine.connect().execution_options(**options) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that is on disk when the block ends, or not at all if it raises.

        SQLite has one writer at a time: those of this process go in the order in which they came
        (SQLite lets any of them go first, and some for very long not at all), and wait up to 30 s.
        Do slow work before this block.

        Raises:
            DatabaseError: If another writer holds the database for too long, or it is gone.
        """
        turn = nullcontext() if self._writers is None else self._writers.one()
        with turn, _translated(self.url), self.engine.connect() as connection, connection.begin():
            yield connection

    def moment(self) -> object:
        """Return what is another one as soon as anybody has committed anything.

        It takes a small part of the time of a transaction: what was read at the same moment needs
        not be read again.
        """
        with _translated(self.url), self._lock:
            try:
                return self._asked_moment()
            except self.engine.dialect.loaded_dbapi.Error:
                self._forget_watching()
                return self._asked_moment()  # a new connection; a server may have been restarted

    def _asked_moment(self) -> object:
        if self._watching is None:
            connection: Any = self.engine.raw_connection()
            connection.detach()  # it is in use for ever, and counts for nobody else
            self._watching = connection
            if self.kind == "postgresql":
                connection.dbapi_connection.autocommit = True
        row = self._watching.dbapi_connection.execute(MOMENTS[self.kind]).fetchone()
        return row[0]

    def _forget_watching(self) -> None:
        watching, self._watching = self._watching, None
        if watching is not None:
            with suppress(self.engine.dialect.loaded_dbapi.Error):
                watching.close()

    def close(self) -> None:
        """Close all connections that are not in use."""
        with self._lock:
            self._forget_watching()
        self.engine.dispose()


def without_password(url: URL) -> str:
    """Return a URL for messages and logs: passwords replaced, wherever they stand."""
    hidden = {key: "***" for key in url.query if key.lower() in SECRET_WORDS}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def _parsed(url: str) -> URL:
    """Return a URL with the driver that is used, and SQLite's folder made.

    Raises:
        ConfigError: If it is not a URL of SQLite or PostgreSQL. It is not repeated in the message,
            since a password may stand in it.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError(
            "database must be a URL such as sqlite:///lab/emqs.db or "
            "postgresql://user:password@host:5432/emqs, and what was given is not a URL."
        ) from None
    backend = parsed.drivername.partition("+")[0]
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise ConfigError(
            f"database must begin with sqlite:/// or postgresql://, got {backend}://."
        )
    if parsed.database in (None, "", ":memory:"):
        raise ConfigError(
            "database must name a file, e.g. sqlite:///lab/emqs.db: in memory each connection "
            "would have a database of its own."
        )
    return parsed.set(drivername="sqlite+pysqlite")


def _engine(url: URL, *, foreign_keys: bool, wait_s: float, pool_size: int | None) -> Engine:
    """Return an engine; ``pool_size`` None keeps no connection open."""
    options: dict[str, Any] = {"json_serializer": strict_json}
    if pool_size is None:
        options["poolclass"] = NullPool
    else:
        options |= {"pool_size": pool_size, "max_overflow": pool_size, "pool_timeout": BUSY_WAIT_S}
    if url.drivername != "sqlite+pysqlite":
        return create_engine(url, pool_pre_ping=True, **options)
    engine = create_engine(url, connect_args={"timeout": wait_s}, **options)
    pragmas = [
        f"PRAGMA busy_timeout = {round(wait_s * 1000)}",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}",
        "PRAGMA cache_size = -65536",  # KiB
    ]

    def connected(connection: Any, _: object) -> None:  # noqa: ANN401 - of the driver
        connection.isolation_level = None  # the driver begins no transactions of its own
        for pragma in pragmas:
            connection.execute(pragma)

    def began(connection: Connection) -> None:
        reading = bool(connection.get_execution_options().get("emqs_read"))
        connection.exec_driver_sql(f"PRAGMA query_only = {int(reading)}")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", began)
    return engine


def strict_json(value: object) -> str:
    """Return JSON that every database takes: no NaN, no infinity."""
    return json.dumps(value, allow_nan=False, ensure_ascii=True, separators=(",", ":"))


def _too_busy(url: str) -> DatabaseError:
    return DatabaseError(
        f"Others have written to the database {url} for {BUSY_WAIT_S:g} s; try again, or use "
        "PostgreSQL, which has many writers at a time."
    )


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Turn "cannot connect" and "locked" of the drivers into our own error."""
    try:
        yield
    except OperationalError as error:
        if getattr(error.orig, "sqlite_errorcode", 0) == sqlite3.SQLITE_BUSY:  # by another process
            raise _too_busy(url) from error
        reason = str(error.orig).strip().splitlines()[0] if error.orig is not None else str(error)
        raise DatabaseError(f"The database {url} cannot be used: {reason}") from error
    except PoolTimeoutError as error:
        raise DatabaseError(
            f"All connections to the database {url} were in use for {BUSY_WAIT_S:g} s; try again, "
            "or give the server more processes."
        ) from error


def newest_revision() -> str:
    """Return the newest revision that this emqs knows, from the names of the files."""
    return max(path.stem.removeprefix("r") for path in REVISIONS.glob("r[0-9]*.py"))


def _is_newest(connection: Connection) -> bool:
    """Return whether a database is at the newest revision."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return False
    versions = (
        connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalars().all()
    )
    return list(versions) == [newest_revision()]


def _migrate(url: URL, shown: str) -> None:
    """Bring the database to the newest revision, with everybody else locked out meanwhile.

    Raises:
        DatabaseError: If its revision is unknown, so newer than this emqs.
    """
    if url.drivername == "sqlite+pysqlite":
        Path(str(url.database)).absolute().parent.mkdir(parents=True, exist_ok=True)
    # foreign keys are off: SQLite changes a table by dropping it, which would delete what hangs on
    engine = _engine(url, foreign_keys=False, wait_s=MIGRATION_WAIT_S, pool_size=None)
    try:
        with engine.connect() as connection, connection.begin():
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
            if _is_newest(connection):
                return
            from emqs.annotations.migrating import migrate  # takes long to import

            migrate(connection, shown)
    except DBAPIError as error:
        if isinstance(error, OperationalError):
            raise
        reason = str(error.orig).strip().splitlines()[0]
        raise DatabaseError(
            f"The database {shown} could not be brought to the newest revision: {reason}"
        ) from error
    finally:
        engine.dispose()
