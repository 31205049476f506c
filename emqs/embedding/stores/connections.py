"""Connections to ClickHouse: a server or cluster over HTTP, or chDB, the same engine in a process.

Both take and give rows as RowBinary, which for numbers and fixed strings is the memory of a packed
NumPy array. A password comes from the environment variable ``EMQS_CLICKHOUSE_PASSWORD`` alone, so
that it is in no record of a run, and is in no message.
"""

import logging
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

import numpy as np

from emqs.errors import ConfigError, DataError, require

PASSWORD = "EMQS_CLICKHOUSE_PASSWORD"
SCHEME = "clickhouse://"
EMBEDDED = "chdb://"
LONG_QUERY = 200_000  # bytes; servers refuse longer ones than 256 KiB unless they are asked to
LIMITS = {"max_query_size": 2**28, "max_ast_elements": 10**7, "max_expanded_ast_elements": 10**7}
REASONS = (  # what matters of an error, the most telling first
    r"DB::Exception: (.*?)\.? *(?:\(version|\(for url|$)",
    r"(certificate verify failed[^(]*)",
    r"\[Errno -?\d+\] ([^'\")\]]+)",
    r"(Read timed out|Connection timed out|WRONG_VERSION_NUMBER|UNEXPECTED_EOF)",
)
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class ClickhouseConfig:
    """How a ClickHouse server is reached. Values come from ``configs/search.yaml``."""

    user: str = "default"
    secure: bool = False  # TLS; the server's certificate is checked
    ca: str | None = None  # file of the authority that signed it; None: those the system trusts
    timeout_s: float = 300.0  # longest wait for an answer

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if not self.timeout_s > 0:
            raise ConfigError(f"clickhouse.timeout_s must be above 0, got {self.timeout_s:g}.")
        if self.ca is not None and not Path(self.ca).is_file():
            raise ConfigError(f"clickhouse.ca={self.ca} is no file.")


class Connection(Protocol):
    """Something that answers SQL."""

    name: str  # for messages; holds no password

    def read(self, sql: str, fmt: str = "RowBinary") -> bytes:
        """Return the answer to a query.

        Raises:
            DataError: If it cannot be answered.
        """
        ...

    def run(self, sql: str) -> None:
        """Do something that has no answer.

        Raises:
            DataError: If it cannot be done.
        """
        ...

    def insert(self, table: str, rows: bytes) -> None:
        """Add rows, given as RowBinary in the order of the columns; all or none of 100,000 rows.

        Raises:
            DataError: If they cannot be added.
        """
        ...

    def free_bytes(self) -> int | None:
        """Return how much room there is on the disk of the tables; None if it is not known."""
        ...


def table_of(connection: Connection, sql: str, dtype: np.dtype) -> np.ndarray:
    """Return the rows of an answer, shape ``(n,)``, read as a packed structure."""
    return np.frombuffer(connection.read(sql), dtype=dtype)


def _one_line(error: Exception) -> str:
    """Return what a server or the network says, in a sentence, without addresses and versions."""
    text = " ".join(str(error).split())
    for pattern in REASONS:
        match = re.search(pattern, text)
        if match is not None:
            text = match[1]
            break
    text = text[:300].rstrip(". ")
    return f"{text[:1].upper()}{text[1:]}."


@dataclass(frozen=True)
class Address:
    """Where a table is: ``clickhouse://host:port/database/table``."""

    host: str
    port: int
    database: str
    table: str

    @property
    def name(self) -> str:
        """The address as it is written."""
        return f"{SCHEME}{self.host}:{self.port}/{self.database}/{self.table}"


def parsed(text: str, *, secure: bool) -> Address:
    """Return the parts of an address.

    Args:
        text: As the user typed it.
        secure: Decides the port where none is given: 8443, otherwise 8123.

    Raises:
        ConfigError: If it is not complete, or holds a user or a password.
    """
    shown = f"{SCHEME}host:port/database/table"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
        parts = urlsplit("")
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            f"An address is written {shown}, without user and password: give clickhouse.user=NAME, "
            f"and the password in the environment variable {PASSWORD}. What was typed now stands "
            "in the shell's history and in the folder of this run."
        )
    names = parts.path.strip("/").split("/")
    if host is None or len(names) != 2 or parts.query or parts.fragment:
        raise ConfigError(f"An address is written {shown}, got {text}.")
    for name in names:
        if not NAME.fullmatch(name):
            raise ConfigError(
                f"{text}: the name {name!r} may hold letters, digits and _ only, and must not "
                "begin with a digit."
            )
    host = f"[{host}]" if ":" in host else host
    return Address(host, port or (8443 if secure else 8123), names[0], names[1])


class Server:
    """A ClickHouse server, or a node of a cluster, over its HTTP interface."""

    def __init__(self, address: Address, settings: ClickhouseConfig) -> None:
        """Connect.

        Raises:
            DataError: If the server cannot be reached, or refuses the user.
            MissingDependencyError: If clickhouse-connect is not installed.
        """
        purpose = "talk to a ClickHouse server"
        connect = require("clickhouse_connect", extra="clickhouse", purpose=purpose)
        errors = require(
            "clickhouse_connect.driver.exceptions", extra="clickhouse", purpose=purpose
        )
        self.name = address.name
        self._error = errors.Error
        for name in (
            "clickhouse_connect",
            "urllib3.connectionpool",
        ):  # what they say is raised, too
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            self._client = connect.get_client(
                host=address.host.strip("[]"),
                port=address.port,
                username=settings.user,
                password=os.environ.get(PASSWORD, ""),
                secure=settings.secure,
                verify=True,
                ca_cert=settings.ca,
                send_receive_timeout=settings.timeout_s,
                autogenerate_session_id=False,  # queries of one session would wait for each other
            )
        except self._error as error:
            why = "It refuses the user or the password." if _refused(error) else _one_line(error)
            raise DataError(
                f"{self.name} cannot be used. {why} Check host and port, the environment variable "
                f"{PASSWORD}, clickhouse.user={settings.user} and "
                f"clickhouse.secure={str(settings.secure).lower()}."
            ) from None

    def _do(self, work: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - of the client
        try:
            return work(*args, **options)
        except self._error as error:
            raise DataError(f"{self.name}: {_one_line(error)}") from None

    def read(self, sql: str, fmt: str = "RowBinary") -> bytes:
        """Return the answer to a query; see ``Connection.read``."""
        settings = LIMITS if len(sql) > LONG_QUERY else None
        return bytes(self._do(self._client.raw_query, sql, fmt=fmt, settings=settings))

    def run(self, sql: str) -> None:
        """Do something that has no answer."""
        self._do(self._client.command, sql)

    def insert(self, table: str, rows: bytes) -> None:
        """Add rows; see ``Connection.insert``."""
        self._do(self._client.raw_insert, table, insert_block=rows, fmt="RowBinary")

    def free_bytes(self) -> int | None:
        """Return None: a server says itself that its disk is full."""
        return None


def _refused(error: Exception) -> bool:
    return "AUTHENTICATION_FAILED" in str(error) or "REQUIRED_PASSWORD" in str(error)


class Embedded:
    """chDB: ClickHouse in this process, over a folder of its own or over files.

    A process has one folder of chDB open at a time; another is opened when it is needed.
    """

    _opened: ClassVar[tuple[str, Any] | None] = None

    def __init__(self, name: str, folder: Path | None) -> None:
        """Take a folder; nothing is opened yet.

        Args:
            name: For messages.
            folder: Where its tables are; None: tables are read from files.
        """
        self.name = name
        self.folder = ":memory:" if folder is None else str(folder.absolute())

    def _connection(self) -> Any:  # noqa: ANN401 - of chDB
        chdb = require("chdb", extra="chdb", purpose="run SQL in this process")
        known = Embedded._opened
        if known is not None and known[0] == self.folder:
            return known[1]
        self.close()
        try:
            opened = chdb.connect(self.folder)
        except RuntimeError as error:
            raise DataError(
                f"{self.name} cannot be opened: {_one_line(error)} One process at a time may."
            ) from None
        for limit, value in LIMITS.items():
            opened.query(f"SET {limit} = {value}")
        Embedded._opened = self.folder, opened
        return opened

    @classmethod
    def close(cls) -> None:
        """Close what is open in this process."""
        if Embedded._opened is not None:
            Embedded._opened[1].close()
            Embedded._opened = None

    def read(self, sql: str, fmt: str = "RowBinary") -> bytes:
        """Return the answer to a query; see ``Connection.read``."""
        try:
            return bytes(self._connection().query(sql, fmt).bytes())
        except RuntimeError as error:
            raise DataError(f"{self.name}: {_one_line(error)}") from None

    def run(self, sql: str) -> None:
        """Do something that has no answer."""
        self.read(sql)

    def insert(self, table: str, rows: bytes) -> None:
        """Add rows; see ``Connection.insert``."""
        try:
            with self._connection().send_insert(f"INSERT INTO {table}", "RowBinary") as stream:
                stream.append(rows)
                stream.finish()
        except RuntimeError as error:
            raise DataError(f"{self.name}: {_one_line(error)}") from None

    def free_bytes(self) -> int | None:
        """Return how much room there is; what is read from files needs none."""
        folder = Path(self.folder)
        return shutil.disk_usage(folder).free if folder.is_dir() else None
