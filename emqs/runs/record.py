"""The record of a run, on disk and in its loggers: settings, versions, end, what it wrote."""

import errno
import json
import logging
import os
import platform
import re
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import emqs
from emqs.errors import DataError, require
from emqs.files import clear_leftovers, read_json, write_json
from emqs.runs.secrets import all_redacted, redacted
from emqs.runs.settings import LoggerConfig
from emqs.runs.tables import write_csv
from emqs.runs.wandb import wandb_mode

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)

EVENTS = "tensorboard"  # folder of TensorBoard's files in that of the run
RECORD = "run.json"  # written when a run starts and again when it ends
#: Settings that records of older runs lack, and what those runs did.
LATER: dict[str, Any] = {"score_files": []}
PACKAGES = ("torch", "lightning", "numpy", "annoy", "scikit-image", "scikit-learn")

DISK_ERRORS = {  # of a place to write to, rather than of the program
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.EEXIST,
}  # fmt: skip


def refused(error: Exception) -> str:
    """Return what the disk refused and what to do, or nothing if an error is not the disk's."""
    if not isinstance(error, OSError) or error.errno not in DISK_ERRORS:
        return ""
    todo = "Choose another folder with hydra.run.dir=PATH, or hydra.sweep.dir=PATH for a sweep."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        todo = "Make room there and run the same command again."
    what = error.filename or "the output folder"
    return f"{what} cannot be written: {error.strerror}. {todo}"


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
        self._wandb: Any = None  # the W&B run, once something was logged
        self._events: Any = None  # the writer of TensorBoard's files, likewise
        self.leads = os.environ.get("LOCAL_RANK", "0") == "0"  # one of several processes records
        folder.mkdir(parents=True, exist_ok=True)
        clear_leftovers(folder)
        self._write_record("running")

    def __enter__(self) -> Self:
        """Look whether the loggers can be reached; they start with the first thing logged."""
        try:
            if self.logger.wandb:
                wandb_mode()
            if self.logger.tensorboard:
                _tensorboard()
        except BaseException as error:  # __exit__ is not called after this
            self._write_record("failed", error)
            raise
        return self

    @property
    def wandb(self) -> Any:  # noqa: ANN401 - W&B's run, whose package is slow to import
        """The W&B run, or None; it starts here, so that a start that failed leaves no empty one."""
        if self._wandb is None and self.logger.wandb and self.leads:
            import wandb

            self._wandb = wandb.init(
                project=self.logger.project,
                group=self.logger.group,
                job_type=self.command,
                name=self.folder.name,
                dir=str(self.folder),
                config=self.settings,
                mode=wandb_mode(),
                reinit="finish_previous",
                settings=wandb.Settings(console="off", silent=True),
            )
        return self._wandb

    @property
    def events(self) -> Any:  # noqa: ANN401 - tensorboardX's writer, which has no types
        """The writer of ``tensorboard/`` in the folder, or None; it starts here."""
        if self._events is None and self.logger.tensorboard and self.leads:
            self._events = _tensorboard().SummaryWriter(str(self.folder / EVENTS))
            text = json.dumps(self.settings, indent=2)
            self._events.add_text("settings", "\n".join(f"    {line}" for line in text.split("\n")))
        return self._events

    @property
    def shows_pictures(self) -> bool:
        """Whether a table with pictures would go anywhere."""
        return self.leads and (self.logger.wandb or self.logger.tensorboard)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Finish the record and the loggers."""
        try:
            if kind is None and self.logger.csv and self.metrics and self.leads:
                self.save_csv("metrics.csv", {k: [v] for k, v in self.metrics.items()})
            self._write_record(_ending(kind), error)
            if self._wandb is not None:
                self.log_artifact(self.folder / RECORD, kind="config", name=f"{self.command}-run")
        finally:
            if self._events is not None:
                self._events.close()
            if self._wandb is not None:
                self._wandb.finish(exit_code=0 if kind is None else 1)

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
        """Log numbers by name; they reach ``metrics.csv``, W&B and TensorBoard."""
        self.metrics.update(metrics)
        if self.events is not None:
            for name, value in metrics.items():
                self.events.add_scalar(name, value)
        if self.wandb is not None:
            self.wandb.log(dict(metrics))

    def log_figure(self, path: Path) -> None:
        """Log a picture that lies in the folder already."""
        logger.debug("figure %s", path)
        if self.events is not None:
            from skimage.io import imread

            self.events.add_image(path.stem, imread(path)[..., :3], dataformats="HWC")
        if self.wandb is not None:
            import wandb

            self.wandb.log({path.stem: wandb.Image(str(path))})

    def log_table(
        self, name: str, rows: Sequence[Mapping[str, Any]], pictures: "Sequence[np.ndarray]"
    ) -> None:
        """Log a table with a picture in each row, as matches are; see ``shows_pictures``.

        Args:
            name: Of the table.
            rows: Of one set of columns, texts and numbers.
            pictures: One for each row, grey, shape ``(H, W)``, float in [0, 1].
        """
        if len(rows) == 0:
            return
        if self.events is not None:
            lines = [" | ".join(map(str, row.values())) for row in rows]
            rule = "|".join("---" for _ in rows[0])
            self.events.add_text(name, "\n".join([" | ".join(rows[0]), rule, *lines]))
            for number, picture in enumerate(pictures):
                self.events.add_image(f"{name}/{number + 1:02d}", picture, dataformats="HW")
        if self.wandb is not None:
            import wandb

            shown = [wandb.Image((255 * picture).round().astype("uint8")) for picture in pictures]
            table = wandb.Table(
                columns=["picture", *rows[0]],
                data=[[one, *row.values()] for one, row in zip(shown, rows, strict=True)],
            )
            self.wandb.log({name: table})

    def log_data(self, name: str, content: Mapping[str, Any]) -> None:
        """Log what data a run saw as a W&B artifact: names, sizes and digests, no voxels."""
        if self.wandb is not None:
            path = self.save_json("data.json", dict(content))
            self.log_artifact(path, kind="dataset", name=name)

    def log_artifact(self, path: Path, *, kind: str, name: str | None = None) -> None:
        """Log a file, e.g. ``kind="model"``, as a W&B artifact, named after it or as given."""
        if self.wandb is not None:
            import wandb

            artifact = wandb.Artifact(re.sub(r"[^\w.-]+", "-", name or path.stem), type=kind)
            artifact.add_file(str(path))
            self.wandb.log_artifact(artifact)

    def save_json(self, name: str, value: Any) -> Path:  # noqa: ANN401 - whatever JSON can hold
        """Write JSON into the folder."""
        return write_json(self.folder / name, value)

    def save_csv(self, name: str, columns: Mapping[str, "Sequence[Any] | np.ndarray"]) -> Path:
        """Write a CSV file into the folder."""
        return write_csv(self.folder / name, columns)


def _tensorboard() -> Any:  # noqa: ANN401 - the package has no types
    """Return the package that writes TensorBoard's files, without torch, or say how to get it."""
    return require("tensorboardX", extra="tensorboard", purpose="use logger=tensorboard")


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
