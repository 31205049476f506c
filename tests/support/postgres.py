"""A real PostgreSQL for tests: one that is given by its URL, or one started in a folder of its own.

``EMQS_TEST_POSTGRES=postgresql://user:password@host/postgres`` names a server on which databases
may be made and dropped. Without it the newest of ``/usr/lib/postgresql/*/bin`` is started on
127.0.0.1, as user postgres if the tests run as root, and ends with them. Import the fixtures into a
``conftest.py``: ``from support.postgres import database, database_url, postgres``.
"""

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

URL_VARIABLE = "EMQS_TEST_POSTGRES"
BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]  # kinds of databases
START_S = 60


class Server:
    """A PostgreSQL in a temporary folder; ``start`` again after ``kill`` recovers its data."""

    def __init__(self, binaries: Path, *, fsync: bool = False) -> None:
        self.binaries = binaries
        self.user = _plain_user()
        self.folder = Path(tempfile.mkdtemp(prefix="emqs-postgres-", dir="/tmp"))
        self.password = secrets.token_hex(8)
        self.fsync = fsync
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        secret = self.folder / "password"
        secret.write_text(self.password)
        if self.user is not None:
            shutil.chown(self.folder, self.user)
            shutil.chown(secret, self.user)
        options = ["-U", "emqs", "-A", "scram-sha-256", f"--pwfile={secret}", "-N", "-E", "UTF8"]
        subprocess.run(
            [binaries / "initdb", "-D", self.folder / "data", "--locale=C.UTF-8", *options],
            user=self.user,
            cwd=self.folder,
            check=True,
            capture_output=True,
        )

    @property
    def url(self) -> str:
        """Where the server's first database is."""
        return f"postgresql://emqs:{self.password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        if self.port == 0:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "fsync": "on" if self.fsync else "off",
            "full_page_writes": "on" if self.fsync else "off",
            "max_connections": 200,
            "shared_buffers": "16MB",
        }
        given = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.folder / "data", *given],
                user=self.user,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
            )
        self._wait()

    def _wait(self) -> None:
        import psycopg

        end = time.monotonic() + START_S
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError as error:
                if self.process is None or self.process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()) from error
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """End it as a loss of power would: no time to write anything."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)  # "immediate": children die, nothing is saved
            self.process.wait(START_S)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(START_S)
        shutil.rmtree(self.folder, ignore_errors=True)


def binaries() -> Path | None:
    """Return the folder of initdb and postgres, of the newest version installed."""
    versions = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if versions:
        return max(versions, key=lambda path: float(path.parent.name))
    program = shutil.which("initdb")
    return None if program is None else Path(program).resolve().parent


def _plain_user() -> str | None:
    """Return whom the server runs as: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a server on which databases may be made; skips where there is none."""
    pytest.importorskip("psycopg", reason="PostgreSQL needs: pip install 'emqs[serve]'")
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield given
        return
    folder = binaries()
    if folder is None:
        pytest.skip(f"no PostgreSQL: apt-get install postgresql, or set {URL_VARIABLE} to a URL")
    server = Server(folder)
    try:
        server.start()
        yield server.url
    finally:
        server.stop()


def run_on(url: str, statement: str) -> None:
    """Run one statement outside a transaction."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


@contextmanager
def copied(server: str, template: str) -> Iterator[str]:
    """Give the URL of a copy of a database, by the name of that on a server."""
    name = f"emqs_test_{secrets.token_hex(6)}"
    run_on(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _named(server, name)
    run_on(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> Iterator[str]:
    """Name of a database at the newest revision, copied for each test."""
    from emqs.annotations.database import Database

    name = f"emqs_template_{secrets.token_hex(4)}"
    run_on(postgres, f"CREATE DATABASE {name}")
    Database.open(_named(postgres, name)).close()
    yield name
    run_on(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of a file at the newest revision, copied for each test."""
    pytest.importorskip("sqlalchemy", reason="the database needs: pip install 'emqs[serve]'")
    from emqs.annotations.database import Database

    path = tmp_path_factory.mktemp("template") / "emqs.db"
    Database.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def empty_postgres(postgres: str) -> Iterator[str]:
    """URL of a database without tables."""
    name = f"emqs_test_{secrets.token_hex(6)}"
    run_on(postgres, f"CREATE DATABASE {name}")
    yield _named(postgres, name)
    run_on(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database without tables, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/emqs.db"
    return request.getfixturevalue("empty_postgres")


@pytest.fixture
def filled_postgres(postgres: str, postgres_template: str) -> Iterator[str]:
    """URL of a database at the newest revision."""
    with copied(postgres, postgres_template) as url:
        yield url


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database at the newest revision, of each kind in turn."""
    if request.param == "postgresql":
        return request.getfixturevalue("filled_postgres")
    shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "emqs.db")
    return f"sqlite:///{tmp_path}/emqs.db"


@pytest.fixture
def database(database_url: str) -> Iterator["Database"]:  # noqa: F821
    """An open database, of each kind in turn."""
    from emqs.annotations.database import Database

    opened = Database.open(database_url)
    yield opened
    opened.close()


def _named(url: str, database: str) -> str:
    from sqlalchemy.engine import make_url

    return make_url(url).set(database=database).render_as_string(hide_password=False)
