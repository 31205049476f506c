"""A server with a few people and datasets, on each kind of database in turn."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import uvicorn
from support.postgres import (  # noqa: F401
    database,
    database_url,
    empty_postgres,
    empty_url,
    filled_postgres,
    postgres,
    postgres_template,
    sqlite_template,
)
from support.served import Served, random_voxels, served, until, write_zarr

from emqs.annotations.database import Database

SHAPE = (40, 60, 80)


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


@pytest.fixture
def made(tmp_path: Path, database: Database, volumes: Path) -> Iterator[Served]:  # noqa: F811
    """A server with people, on each kind of database."""
    with served(tmp_path / "home", database=database) as server:
        yield people(server, volumes)


@pytest.fixture
def local(tmp_path: Path, sqlite_template: Path, volumes: Path) -> Iterator[Served]:  # noqa: F811
    """A server with people, on SQLite alone: for what does not depend on the database."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "emqs.db").write_bytes(sqlite_template.read_bytes())
    with served(tmp_path / "home") as server:
        yield people(server, volumes)


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
