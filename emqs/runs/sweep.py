"""Names of a sweep's points, and what happens when it ends."""

import logging
import os
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, ListConfig

from emqs import files
from emqs.errors import DataError
from emqs.runs import record as records

logger = logging.getLogger(__name__)


def point_name(overrides: ListConfig | list[str]) -> str:
    """Return a folder name for one point of a sweep: its values, and a digest of all overrides.

    The same overrides give the same name in any order of the sweep, so a sweep that was cut off
    finds its finished points again. There is no ``=`` in it.
    """
    items = sorted(str(item) for item in overrides)
    values = [item.split("=", 1)[-1] for item in items if "/" not in item]
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(values)).strip("-.")[:60]
    digest = sha256("\n".join(items).encode()).hexdigest()[:8]
    return f"{readable}-{digest}" if readable else digest


def same_weights(folder: Path, settings: dict[str, Any]) -> bool:
    """Return whether the weights file still is the one that a finished run was made with."""
    path, metrics = settings.get("weights"), folder / "metrics.json"
    if path is None or not Path(path).is_file() or not metrics.is_file():
        return True
    try:
        used = files.read_json(metrics, "the metrics of a run").get("weights_sha256")
    except DataError:
        return False  # damaged: the point is done again
    return used is None or used == files.sha256(Path(path))


class SweepEnd(Callback):
    """Runs once when all points of a sweep are done; names those that failed."""

    def __init__(self) -> None:
        """Start without points."""
        self.points: set[Path] = set()  # folders of this sweep; it may go on in an older one

    def on_job_start(self, config: DictConfig, **_: object) -> None:
        """Remember the folder of a point."""
        self.points.add(Path(config.hydra.runtime.output_dir).resolve())

    def on_multirun_end(self, config: DictConfig, **_: object) -> None:
        """Combine the results and end with an error if a point or the combination failed."""
        sweep = Path(config.hydra.sweep.dir)
        folders = sorted(path.parent for path in sweep.glob(f"*/{records.RECORD}"))
        if self.points:  # unknown where a launcher runs the points in other processes
            folders = [folder for folder in folders if folder.resolve() in self.points]
        outcomes = {folder: records.read_record(folder) for folder in folders}
        done = [f for f, r in outcomes.items() if (r or {}).get("status") == "finished"]
        failed = {f: r for f, r in outcomes.items() if f not in done}
        combined = not done or self._combined(sweep, done)
        if failed:
            lines = [
                f"  {folder.name}: {(record or {}).get('error') or 'cut off'}"
                for folder, record in failed.items()
            ]
            print(f"{len(failed)} of {len(outcomes)} points failed:", *lines, sep="\n")  # noqa: T201
            print(  # noqa: T201
                "To do only these, once they are mended: the same command with "
                f"hydra.sweep.dir={os.path.relpath(sweep)}"
            )
        if failed or not combined:
            sys.exit(1)

    def _combined(self, sweep: Path, folders: list[Path]) -> bool:
        """Return whether results could be combined; Hydra would hide the error otherwise."""
        try:
            self.combine(sweep, folders)
        except Exception as error:
            said = records.refused(error)
            if said:
                logger.error("The results in %s are not combined: %s", sweep, said)
            else:
                logger.exception("The results in %s could not be combined", sweep)
            return False
        return True

    def combine(self, sweep: Path, folders: list[Path]) -> None:
        """Combine the results of finished points; a command that can does it here."""
