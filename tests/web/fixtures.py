"""A server with a few people and datasets, on each kind of database in turn."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import uvicorn
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy.engine import make_url
from support.postgres import (  # noqa: F401
    BOTH,
    copied,
    database,
    empty_postgres,
    empty_url,
    filled_postgres,
    postgres,
    postgres_template,
    sqlite_template,
)
from support.served import Served, random_voxels, served, until, write_zarr

from emqs.annotations.database import Database
from emqs.web import accounts

SHAPE = (40, 60, 80)


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hash passwords in a moment; real hashes take 64 MiB and a tenth of a second each."""
    hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "_hasher", lambda: hasher)
        yield


@pytest.fixture(scope="session")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a volume and labels of it."""
    folder = tmp_path_factory.mktemp("volumes")
    write_zarr(folder / "image.zarr", random_voxels(SHAPE))
    write_zarr(folder / "labels.zarr", random_voxels(SHAPE, "u8", seed=1) % 9)
    return folder


def people(made: Served, volumes: Path) -> Served:
    """Add datasets open and brain (private), and a user for each role in brain."""
    settings = {"shape": list(SHAPE), "voxel_size_nm": [30.0, 8.0, 8.0], "stores": [], "view": {}}
    for name, visibility in (("open", "public"), ("brain", "private")):
        number = made.dataset(name, visibility, **settings)
        made.layer(number, "image", volumes / "image.zarr")
        made.layer(number, "labels", volumes / "labels.zarr", "segmentation")
        made.datasets[name] = number
    for name in ("reader", "annotator", "reviewer", "manager"):
        made.people[name] = made.user(name)
        made.grant(made.datasets["brain"], made.people[name]["id"], name)
    made.people["stranger"] = made.user("stranger")
    made.people["root"] = made.user("root", admin=True)
    return made


@dataclass
class Peopled:
    """A database with people, to be copied for each test: a file, or a name on PostgreSQL."""

    place: str
    people: dict[str, dict[str, str]]
    datasets: dict[str, str]

    @classmethod
    def at(cls, place: str, url: str, home: Path, volumes: Path) -> "Peopled":
        """Put people into an empty database."""
        opened = Database.open(url)
        with served(home, database=opened) as server:
            people(server, volumes)
            made = cls(place, server.people, server.datasets)
        opened.close()  # which writes the log of SQLite into the file
        return made

    def among(self, server: Served) -> Served:
        """Tell a server whose database is a copy who is in it."""
        server.people = {name: dict(person) for name, person in self.people.items()}
        server.datasets = dict(self.datasets)
        return server


@pytest.fixture(scope="session")
def peopled_sqlite(
    sqlite_template: Path,  # noqa: F811
    volumes: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Peopled:
    """A file with people."""
    home = tmp_path_factory.mktemp("peopled")
    path = home / "people.db"
    shutil.copy(sqlite_template, path)
    return Peopled.at(str(path), f"sqlite:///{path}", home, volumes)


@pytest.fixture(scope="session")
def peopled_postgres(
    postgres: str,  # noqa: F811
    postgres_template: str,  # noqa: F811
    volumes: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Peopled]:
    """A database with people on PostgreSQL."""
    with copied(postgres, postgres_template) as url:
        home = tmp_path_factory.mktemp("peopled")
        yield Peopled.at(str(make_url(url).database), url, home, volumes)


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a database at the newest revision, of each kind in turn."""
    name = "filled_postgres" if request.param == "postgresql" else "filled_sqlite"
    return request.getfixturevalue(name)


@pytest.fixture
def filled_sqlite(tmp_path: Path, sqlite_template: Path) -> str:  # noqa: F811
    """URL of a file at the newest revision."""
    shutil.copy(sqlite_template, tmp_path / "emqs.db")
    return f"sqlite:///{tmp_path}/emqs.db"


@pytest.fixture(params=BOTH)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """A server with people, on each kind of database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("local")
        return
    peopled = request.getfixturevalue("peopled_postgres")
    with copied(request.getfixturevalue("postgres"), peopled.place) as url:
        opened = Database.open(url)
        with served(tmp_path / "home", database=opened) as server:
            yield peopled.among(server)
        opened.close()


@pytest.fixture
def local(tmp_path: Path, peopled_sqlite: Peopled) -> Iterator[Served]:
    """A server with people, on SQLite alone: for what does not depend on the database."""
    (tmp_path / "home").mkdir()
    shutil.copy(peopled_sqlite.place, tmp_path / "home" / "emqs.db")
    with served(tmp_path / "home") as server:
        yield peopled_sqlite.among(server)


@dataclass
class Live:
    """A server that listens on a port of this computer."""

    served: Served
    url: str

    def client(self, person: str | None = None) -> httpx2.Client:
        headers = {}
        if person is not None:
            headers = {"Authorization": self.served.people[person]["Authorization"]}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=60)


@contextmanager
def listening(made: Served) -> Iterator[Live]:
    """Let a server answer on a port."""
    config = uvicorn.Config(made.app, port=0, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Live(made, f"http://127.0.0.1:{port}")
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def live(local: Served) -> Iterator[Live]:
    """A server with people that listens on a port."""
    with listening(local) as running:
        yield running
