"""The record of a run, on disk and in W&B: settings, versions, how it ended, what it wrote."""

import json
import logging
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import emqs
from emqs.errors import DataError
from emqs.files import clear_leftovers, read_json, write_json
from emqs.runs.secrets import all_redacted, redacted
from emqs.runs.settings import LoggerConfig
from emqs.runs.tables import write_csv
from emqs.runs.wandb import wandb_mode

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)

RECORD = "run.json"  # written when a run starts and again when it ends
#: Settings that records of older runs lack, and what those runs did.
LATER: dict[str, Any] = {"score_files": []}
PACKAGES = ("torch", "lightning", "numpy", "annoy", "scikit-image", "scikit-learn")


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    known = {"emqs": emqs.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            known[package] = version(package)
        except PackageNotFoundError:
            known[package] = "not installed"
    return known


class Run:
    """One run of a command: its folder, its record, and where its numbers and figures go.

    Everything lies in the folder, whatever the loggers. Use it as a context manager: the record
    says ``"finished"`` only if the block ended without an error.
    """

    def __init__(
        self, folder: Path, *, command: str, settings: dict[str, Any], logger: LoggerConfig
    ) -> None:
        """Make the folder and start the record.

        Args:
            folder: Where everything goes; made if it is missing.
            command: E.g. ``"evaluate"``.
            settings: All settings, resolved.
            logger: Which loggers.
        """
        self.folder = folder
        self.command = command
        self.settings = all_redacted(settings)
        self.logger = logger
        self.metrics: dict[str, float] = {}
        self.started = time.time()
        self.wandb: Any = None  # the W&B run, if there is one
        self.leads = os.environ.get("LOCAL_RANK", "0") == "0"  # one of several processes records
        folder.mkdir(parents=True, exist_ok=True)
        clear_leftovers(folder)
        self._write_record("running")

    def __enter__(self) -> Self:
        """Start W&B if it is asked for."""
        if self.logger.wandb and self.leads:
            try:
                self.wandb = self._start_wandb()
            except BaseException as error:  # __exit__ is not called after this
                self._write_record("failed", error)
                raise
        return self

    def _start_wandb(self) -> Any:  # noqa: ANN401 - W&B's run, whose package is slow to import
        mode = wandb_mode()
        import wandb

        return wandb.init(
            project=self.logger.project,
            group=self.logger.group,
            job_type=self.command,
            name=self.folder.name,
            dir=str(self.folder),
            config=self.settings,
            mode=mode,
            reinit="finish_previous",
            settings=wandb.Settings(console="off", silent=True),
        )

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Finish the record and W&B."""
        try:
            if kind is None and self.logger.csv and self.metrics and self.leads:
                self.save_csv("metrics.csv", {k: [v] for k, v in self.metrics.items()})
            self._write_record(_ending(kind), error)
        finally:
            if self.wandb is not None:
                self.wandb.finish(exit_code=0 if kind is None else 1)

    def _write_record(self, status: str, error: object = None) -> None:
        if not self.leads:
            return
        record = {
            "command": self.command,
            "status": status,
            "argv": all_redacted(sys.argv[1:]),
            "started": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(self.started)),
            "seconds": round(time.time() - self.started, 3),
            "error": None if error is None else redacted(f"{type(error).__name__}: {error}"),
            "versions": versions(),
            "settings": self.settings,
        }
        write_json(self.folder / RECORD, record)

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log numbers by name; they reach ``metrics.csv`` and W&B."""
        self.metrics.update(metrics)
        if self.wandb is not None:
            self.wandb.log(dict(metrics))

    def log_figure(self, path: Path) -> None:
        """Log a picture that lies in the folder already."""
        logger.debug("figure %s", path)
        if self.wandb is not None:
            import wandb

            self.wandb.log({path.stem: wandb.Image(str(path))})

    def log_artifact(self, path: Path, *, kind: str) -> None:
        """Log a file, e.g. ``kind="model"``, as a W&B artifact named after it."""
        if self.wandb is not None:
            import wandb

            artifact = wandb.Artifact(path.stem, type=kind)
            artifact.add_file(str(path))
            self.wandb.log_artifact(artifact)

    def save_json(self, name: str, value: Any) -> Path:  # noqa: ANN401 - whatever JSON can hold
        """Write JSON into the folder."""
        return write_json(self.folder / name, value)

    def save_csv(self, name: str, columns: Mapping[str, "Sequence[Any] | np.ndarray"]) -> Path:
        """Write a CSV file into the folder."""
        return write_csv(self.folder / name, columns)


def _ending(kind: object) -> str:
    """Return how a run ended, given the class of its error."""
    if kind is None:
        return "finished"
    return "interrupted" if kind is KeyboardInterrupt else "failed"


def read_record(folder: Path) -> dict[str, Any] | None:
    """Return the record of a run's folder, or None if there is none that can be read."""
    try:
        return read_json(folder / RECORD, "the record of a run")
    except (OSError, DataError):
        return None


def is_finished(folder: Path, settings: dict[str, Any]) -> bool:
    """Return whether a run with these very settings has finished in this folder."""
    record = read_record(folder)
    if record is None or record.get("status") != "finished":
        return False
    asked = json.loads(json.dumps(all_redacted(settings)))
    later = {name: value for name, value in LATER.items() if name in asked}
    return bool({**later, **record.get("settings", {})} == asked)
