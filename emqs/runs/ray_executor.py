"""The executor that lets processes of a Ray cluster do the parts.

Workers get plain values, of which each makes once what its parts need, and keeps it. They write
what is large themselves, so nothing large goes through Ray. When a worker dies, Ray gives its part
to another, so a part must be such that it can be done again.
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
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

from emqs.errors import ConfigError, DataError, EmqsError, require
from emqs.runs.executors import Context, Result, Work
from emqs.runs.settings import RayConfig

OBJECT_STORE_BYTES = 2**28  # of Ray on this computer; what workers are told goes through it
CONNECT_S = 10.0  # a cluster answers within
ON_THIS_COMPUTER = {  # Ray reads these when it is imported
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # every process listens on 127.0.0.1 alone
    "RAY_AUTH_MODE": "token",  # and to us alone
    "RAY_USAGE_STATS_ENABLED": "0",
}


@dataclass(frozen=True)
class Share:
    """What a worker gets of a computer.

    Attributes:
        threads: At least 1.
        gpus: 0: none.
    """

    threads: int
    gpus: float


Make = Callable[[], Any]  # returns a context; goes to other processes, so it holds plain values


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a worker makes its context of."""

    key: str  # two recipes with one key are the same
    make: Make
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

    def __init__(
        self, settings: RayConfig, pack: Callable[[Any, Share], Make], *, command: str
    ) -> None:
        """Keep the settings; Ray is started when there is something to do.

        Args:
            settings: Where, and how many.
            pack: Returns of a context what makes the same in another process.
            command: E.g. ``"embed"``; ``emqs.embed`` is what Ray calls its processes.

        Raises:
            MissingDependencyError: If Ray is not installed.
        """
        self.settings, self.pack, self.task = settings, pack, f"emqs.{command}"
        if settings.address is None and "ray" not in sys.modules:
            os.environ.update(ON_THIS_COMPUTER, RAY_AUTH_TOKEN=secrets.token_hex(32))
        self.package = require("ray", extra="ray", purpose=f"{command} with engine=ray")
        self._folder: Path | None = None
        self._started = False

    def run(
        self, work: Callable[[Context, Any], Result], context: Context, parts: list[Any]
    ) -> Iterator[tuple[int, Result]]:
        """Yield results in the order in which they come.

        Args:
            work: A function of a module, which workers import.
            context: Of this process.
            parts: What it is called with.

        Yields:
            The number of a part and its result.
        """
        if not parts:
            return
        self._start()
        ray = self.package
        gpus = self._gpus()
        task = ray.remote(_work).options(
            name=self.task, num_cpus=self.settings.cpus, num_gpus=gpus,
            max_retries=self.settings.retries,
        )  # fmt: skip
        make = self.pack(context, Share(max(1, int(self.settings.cpus)), gpus))
        recipe = ray.put(Recipe(uuid.uuid4().hex, make, self.settings.address is not None))
        todo = iter(enumerate(parts))
        pending: dict[Any, int] = {}
        try:
            while True:
                for number, part in islice(todo, max(0, self._at_once(gpus) - len(pending))):
                    pending[task.remote(recipe, work, part)] = number
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


def _work(recipe: Recipe, work: Work, part: Any) -> Any:  # noqa: ANN401
    """Do one part; runs in a worker."""
    try:
        return work(_context(recipe), part)
    except EmqsError as error:
        if not recipe.tell_host:
            raise
        raise type(error)(f"{error} (On the worker {socket.gethostname()}.)") from None


@lru_cache(maxsize=1)
def _context(recipe: Recipe) -> Any:  # noqa: ANN401
    """Return the context of this process, made once."""
    return recipe.make()
