"""A server on a small home folder; users, datasets and layers are written to its tables."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import tensorstore
import tifffile
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from starlette.testclient import TestClient

from emqs.annotations.database import Database
from emqs.annotations.ids import new_id
from emqs.annotations.schema import datasets, grants, layers, users
from emqs.web import app as application
from emqs.web import sessions
from emqs.web.context import Context
from emqs.web.home import Home
from emqs.web.settings import ServeConfig

VOXEL_NM = (30.0, 8.0, 8.0)


@dataclass
class Served:
    """A server and the ids of what is in it."""

    app: FastAPI
    context: Context
    home: Path
    portal: BlockingPortal | None = None  # what answers; a loop for each request costs as much
    brain: str = ""  # id of a dataset
    ann: dict[str, str] = field(default_factory=dict)  # a user
    people: dict[str, dict[str, str]] = field(default_factory=dict)  # users by name
    datasets: dict[str, str] = field(default_factory=dict)  # ids by name

    def user(self, name: str, *, admin: bool = False) -> dict[str, str]:
        """Add a user; return the headers of their token, and their id under ``"id"``."""
        with self.context.database.write() as connection:
            row = {
                "id": new_id(), "name": name, "display_name": name, "is_admin": admin,
                "is_active": True, "settings": {}, "created": time.time(),
            }  # fmt: skip
            connection.execute(users.insert().values(row))
            _, token = sessions.begin(
                connection, row["id"], "api", scopes=["read", "write", "admin"], lasts_s=3600
            )
        return {"Authorization": f"Bearer {token}", "id": row["id"]}

    def dataset(self, name: str, visibility: str = "private", **settings: object) -> str:
        now = time.time()
        row = {
            "id": new_id(), "name": name, "title": name, "description": "",
            "visibility": visibility, "settings": settings, "revision": 1, "changes": 0,
            "created": now, "changed": now,
        }  # fmt: skip
        with self.context.database.write() as connection:
            connection.execute(datasets.insert().values(row))
        return str(row["id"])

    def grant(self, dataset: str, user: str, role: str) -> None:
        row = {"id": new_id(), "dataset_id": dataset, "user_id": user, "role": role,
               "created": time.time()}  # fmt: skip
        with self.context.database.write() as connection:
            connection.execute(grants.insert().values(row))

    def layer(
        self,
        dataset: str,
        name: str,
        source: Path | str,
        kind: str = "image",
        owner: str | None = None,
        version: str = "1",
        **settings: object,
    ) -> str:
        now = time.time()
        row = {
            "id": new_id(), "dataset_id": dataset, "name": name, "kind": kind,
            "source": str(source), "version": version, "owner_id": owner, "settings": settings,
            "created": now, "changed": now,
        }  # fmt: skip
        with self.context.database.write() as connection:
            connection.execute(layers.insert().values(row))
        return str(row["id"])

    def client(self, user: dict[str, str] | None = None, **options: object) -> TestClient:
        headers = {} if user is None else {"Authorization": user["Authorization"]}
        made = TestClient(self.app, base_url="http://127.0.0.1", headers=headers, **options)
        made.portal = self.portal
        return made


@cache
def _empty_database() -> bytes:
    """Return a file of SQLite with all tables, which takes half a second to make."""
    with tempfile.TemporaryDirectory() as folder:
        Database.open(f"sqlite:///{folder}/emqs.db").close()
        return (Path(folder) / "emqs.db").read_bytes()


@contextmanager
def served(
    home: Path, *modules: ModuleType, database: Database | None = None, **settings: object
) -> Iterator[Served]:
    """Give a server whose routers include those of some modules."""
    if database is None and "database" not in settings and not (home / "emqs.db").exists():
        home.mkdir(exist_ok=True)
        (home / "emqs.db").write_bytes(_empty_database())
    known = application.ROUTERS
    extra = [module.router for module in modules]
    application.ROUTERS = (*known, *(r for r in extra if not any(r is k for k in known)))
    try:
        config = ServeConfig(**settings)  # type: ignore[arg-type]
        app = application.create_app(Home(home), config, database=database)
    finally:
        application.ROUTERS = known
    with start_blocking_portal() as portal:
        yield Served(app, app.state.context, home, portal)
    app.state.context.close()


def random_voxels(shape: tuple[int, int, int], dtype: str = "u1", seed: int = 0) -> np.ndarray:
    """Return voxels that are all over the range of whole numbers."""
    rng = np.random.default_rng(seed)
    high = np.iinfo(dtype).max
    return rng.integers(0, high, shape, dtype=dtype, endpoint=True)


def write_tiff(path: Path, voxels: np.ndarray, **options: object) -> Path:
    """Write an ImageJ-like TIFF whose voxel size is not stated; give ``voxel_size_nm``."""
    tifffile.imwrite(path, voxels, photometric="minisblack", **options)
    return path


def write_zarr(
    path: Path,
    voxels: np.ndarray,
    *,
    chunks: tuple[int, int, int] = (64, 64, 64),
    shards: tuple[int, int, int] | None = None,
    size: tuple[float, float, float] = VOXEL_NM,
) -> Path:
    """Write an OME-Zarr 0.5 image with one level, by tensorstore alone."""
    little: dict[str, Any] = {"name": "bytes", "configuration": {"endian": "little"}}
    codecs: list[dict[str, Any]] = [little, {"name": "zstd", "configuration": {"level": 1}}]
    if shards is not None:
        inner = {"chunk_shape": list(chunks), "codecs": codecs,
                 "index_codecs": [little, {"name": "crc32c"}]}  # fmt: skip
        codecs = [{"name": "sharding_indexed", "configuration": inner}]
    metadata = {
        "shape": list(voxels.shape), "data_type": voxels.dtype.name, "codecs": codecs,
        "chunk_grid": {"name": "regular",
                       "configuration": {"chunk_shape": list(shards or chunks)}},
        "fill_value": 0, "dimension_names": ["z", "y", "x"],
    }  # fmt: skip
    store = {"driver": "file", "path": f"{path.absolute()}/0/"}
    spec = {"driver": "zarr3", "kvstore": store, "metadata": metadata}
    tensorstore.open(spec, create=True).result().write(voxels).result()
    axes = [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
    level = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": list(size)}]}
    ome = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": [level]}]}
    group = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}
    (path / "zarr.json").write_text(json.dumps(group))
    return path


def until(condition: Callable[[], bool], seconds: float = 20.0, every: float = 0.02) -> None:
    """Wait until something is so; fail if it takes too long. It is looked at every so often."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(every)
