"""The executor that lets processes of a Ray cluster do the parts.

Workers get plain values: how to open the volume, the bytes of a weights file, settings, the folder
of the store. Each opens and builds these once and keeps them. They write the blocks into the store
themselves, so nothing large goes through Ray. When a worker dies, Ray gives its part to another;
blocks that were written stay, since every part begins by looking for what is there.
"""

import logging
import os
import secrets
import shutil
import socket
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from emqs.embedding.build.executors import Work
from emqs.embedding.build.planes import PlaceSource
from emqs.embedding.build.settings import RayConfig
from emqs.embedding.build.work import WorkerContext
from emqs.embedding.stores.grid import PlaceGrid
from emqs.embedding.stores.zarr import open_store
from emqs.errors import ConfigError, DataError, EmqsError, require
from emqs.models import weights
from emqs.models.compute import Compute
from emqs.models.weights import Model
from emqs.volumes import Volume

Opener = Callable[[], Volume]

TASK = "emqs.embed"  # as Ray shows it, and the name of the processes
OBJECT_STORE_BYTES = 2**28  # of Ray on this computer; weights and a few numbers go through it
CONNECT_S = 10.0  # a cluster answers within
ON_THIS_COMPUTER = {  # Ray reads these when it is imported
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # every process listens on 127.0.0.1 alone
    "RAY_AUTH_MODE": "token",  # and to us alone
    "RAY_USAGE_STATS_ENABLED": "0",
}


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a worker makes its context of."""

    key: str  # two recipes with one key are the same
    reopen: Opener
    weights: bytes
    weights_sha256: str | None
    grid: dict[str, Any]
    intensity: tuple[float, float]
    padding: float | None
    compute: Compute
    threads: int
    tell_host: bool

    def __eq__(self, other: object) -> bool:
        """Compare keys."""
        return isinstance(other, Recipe) and self.key == other.key

    def __hash__(self) -> int:
        """Hash the key."""
        return hash(self.key)


class RayExecutor:
    """Processes of a Ray cluster, or of one that is started on this computer."""

    single = False

    def __init__(self, settings: RayConfig, reopen: Opener | None) -> None:
        """Keep the settings; Ray is started when there is something to do.

        Args:
            settings: Where, and how many.
            reopen: Opens the volume in another process.

        Raises:
            ConfigError: If the volume cannot be opened again.
            MissingDependencyError: If Ray is not installed.
        """
        if reopen is None:
            raise ConfigError(
                "engine=ray needs a volume that other processes can open: give reopen=."
            )
        self.settings, self.reopen = settings, reopen
        if settings.address is None and "ray" not in sys.modules:
            os.environ.update(ON_THIS_COMPUTER, RAY_AUTH_TOKEN=secrets.token_hex(32))
        self.package = require("ray", extra="ray", purpose="embed with engine=ray")
        self._folder: Path | None = None
        self._started = False

    def run(
        self, work: Work, context: WorkerContext, parts: list[Any]
    ) -> Iterator[tuple[int, Any]]:
        """Yield results in the order in which they come.

        Args:
            work: A function of ``work.py``; workers import it.
            context: Of this process.
            parts: What it is called with.

        Yields:
            The number of a part and its result.
        """
        self._start()
        ray = self.package
        gpus = self._gpus()
        task = ray.remote(_work).options(
            name=TASK, num_cpus=self.settings.cpus, num_gpus=gpus,
            max_retries=self.settings.retries,
        )  # fmt: skip
        recipe = ray.put(self._recipe(context, gpus))
        path = None if context.store is None else str(context.store.path.absolute())
        todo = iter(enumerate(parts))
        pending: dict[Any, int] = {}
        try:
            while True:
                for number, part in islice(todo, max(0, self._at_once(gpus) - len(pending))):
                    pending[task.remote(recipe, path, work, part)] = number
                if not pending:
                    return
                ready, _ = ray.wait(list(pending))
                for reference in ready:
                    yield pending.pop(reference), self._result(reference)
        finally:
            for reference in pending:
                ray.cancel(reference, force=True)

    def _start(self) -> None:
        ray = self.package
        if ray.is_initialized():  # by us, or by whoever calls us
            return
        settings = self.settings
        if settings.address is None and not ON_THIS_COMPUTER.items() <= os.environ.items():
            raise ConfigError(
                "Ray was imported before emqs could tell it to listen on 127.0.0.1 alone. Call "
                "ray.init() yourself before, or do not import Ray."
            )
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if self.settings.address is not None:
            options["address"] = self.settings.address
        else:
            parent = "/tmp" if Path("/tmp").is_dir() else None  # names of sockets must be short
            self._folder = Path(tempfile.mkdtemp(prefix="emqs-ray-", dir=parent))
            workers = self.settings.workers or max(
                1, int((os.cpu_count() or 1) // self.settings.cpus)
            )
            options |= {
                "num_cpus": ceil(workers * self.settings.cpus), "include_dashboard": False,
                "object_store_memory": OBJECT_STORE_BYTES, "_temp_dir": str(self._folder),
            }  # fmt: skip
        try:
            _check_reached(self.settings.address)
            ray.init(**options)
        except (ConnectionError, RuntimeError, ValueError, OSError, TimeoutError) as error:
            self.close()
            where = self.settings.address or "this computer"
            raise ConfigError(
                f"Ray cannot be used at {where}: {' '.join(str(error).split())[:300]}. Check "
                "ray.address, and that Python, Ray and emqs are the same there."
            ) from None
        self._started = True

    def _gpus(self) -> float:
        if self.settings.gpus is not None:
            return self.settings.gpus
        return 1.0 if self.package.cluster_resources().get("GPU", 0) >= 1 else 0.0

    def _at_once(self, gpus: float) -> int:
        """Return how many parts are given out at once."""
        if self.settings.workers is not None:
            return self.settings.workers
        resources = self.package.cluster_resources()
        capacity = resources.get("CPU", 0) / self.settings.cpus
        if gpus > 0:
            capacity = min(capacity, resources.get("GPU", 0) / gpus)
        return 2 * max(1, int(capacity))  # what waits lets a cluster grow

    def _recipe(self, context: WorkerContext, gpus: float) -> Recipe:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "weights.safetensors"
            weights.save(path, context.model)
            content = path.read_bytes()
        compute = context.compute
        if compute.device is None and gpus == 0:
            compute = replace(compute, device="cpu")
        return Recipe(
            key=uuid.uuid4().hex,
            reopen=self.reopen,
            weights=content,
            weights_sha256=context.model.sha256,
            grid=context.grid.to_dict(),
            intensity=context.source.intensity,
            padding=context.source.padding,
            compute=compute,
            threads=max(1, int(self.settings.cpus)),
            tell_host=self.settings.address is not None,
        )

    def _result(self, reference: Any) -> Any:  # noqa: ANN401 - of Ray
        errors = self.package.exceptions
        try:
            return self.package.get(reference)
        except errors.RayTaskError as error:
            if isinstance(error.cause, EmqsError):
                raise type(error.cause)(str(error.cause)) from None
            raise
        except errors.RayError as error:
            raise DataError(
                f"A part was given to {self.settings.retries + 1} workers of Ray, and none of them "
                f"finished it ({type(error).__name__}). Look at their memory and at the logs of "
                "Ray. What was written stays; run the same command again to go on."
            ) from None

    def close(self) -> None:
        """Stop Ray, if it was started here."""
        if self._started:
            self.package.shutdown()
            self._started = False
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _check_reached(address: str | None) -> None:
    """Raise an error at once if nobody listens at HOST:PORT; Ray would try for minutes.

    Raises:
        OSError: If nobody does.
    """
    host, _, port = (address or "").rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()


def _work(recipe: Recipe, path: str | None, work: Work, part: Any) -> Any:  # noqa: ANN401
    """Do one part; runs in a worker."""
    try:
        return work(_context(recipe, path), part)
    except EmqsError as error:
        if not recipe.tell_host:
            raise
        raise type(error)(f"{error} (On the worker {socket.gethostname()}.)") from None


@lru_cache(maxsize=1)
def _context(recipe: Recipe, path: str | None) -> WorkerContext:
    """Return the context of this process, made once."""
    torch.set_num_threads(recipe.threads)
    volume, model = recipe.reopen(), _model(recipe)
    store = None if path is None else open_store(Path(path))
    grid, contrast = PlaceGrid.from_dict(recipe.grid), None
    if store is not None:
        known = store.manifest["contrast"]
        grid, contrast = store.grid, None if known is None else np.array(known)
    source = PlaceSource(volume, recipe.intensity, recipe.padding, contrast)
    return WorkerContext(source, model, grid, recipe.compute, store)


def _model(recipe: Recipe) -> Model:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        path.write_bytes(recipe.weights)
        return replace(weights.load(path), sha256=recipe.weights_sha256)
