"""What every command does around its work: settings in, a record out, one line per mistake."""

import logging
import math
import os
import re
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from emqs import report
from emqs.config import LoggerConfig, read
from emqs.errors import ConfigError, EmqsError

logger = logging.getLogger(__name__)

Work = Callable[[DictConfig, report.Run], float | None]


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


OmegaConf.register_new_resolver("emqs_point", point_name, replace=True)


def one_line(error: BaseException) -> str:
    """Return an error's text on one line."""
    return " ".join(str(error).split())


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """Return all settings with interpolations filled in.

    Raises:
        ConfigError: If one is missing or refers to another that does not exist.
    """
    try:
        settings = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        key = getattr(error, "full_key", None) or "a setting"
        raise ConfigError(f"{key} is missing: give it as {key}=VALUE.") from None
    if not isinstance(settings, dict):
        raise ConfigError("The configuration must be a mapping.")
    return {str(key): value for key, value in settings.items()}


def is_chosen(group: str) -> bool:
    """Return whether the user chose an option of a config group, e.g. ``model=ae``."""
    return any(str(item).startswith(f"{group}=") for item in HydraConfig.get().overrides.task)


def run(name: str, cfg: DictConfig, work: Work) -> float | None:
    """Run one command, or one point of its sweep.

    Args:
        name: The command, e.g. ``"evaluate"``.
        cfg: The composed configuration; ``cfg.logger`` is needed.
        work: Does the work, given the configuration and the run to write to.

    Returns:
        What ``work`` returned. A point of a sweep that failed returns NaN, so that the others run;
        ``SweepEnd`` names it at the end.

    Raises:
        SystemExit: For a user's mistake in a single run: one line, exit code 1.
    """
    sweep = HydraConfig.get().mode is RunMode.MULTIRUN
    folder = Path(HydraConfig.get().runtime.output_dir)
    try:
        settings = resolved(cfg)
        if sweep and report.is_finished(folder, settings):
            logger.info("%s: finished before, not done again", folder.name)
            return None
        loggers = read(LoggerConfig, cfg.logger, "logger")
        if sweep and loggers.group is None:
            loggers = LoggerConfig(loggers.csv, loggers.wandb, loggers.project, folder.parent.name)
        with report.Run(folder, command=name, settings=settings, logger=loggers) as record:
            return work(cfg, record)
    except EmqsError as error:
        if not sweep:
            sys.exit(f"emqs.{name}: {one_line(error)}")
        logger.error("emqs.%s: %s", name, one_line(error))
        failure = one_line(error)
    except Exception as error:
        if not sweep:
            raise
        logger.exception("emqs.%s: this point of the sweep failed", name)
        failure = f"{type(error).__name__}: {one_line(error)}"
    if (report.read_record(folder) or {}).get("status") != "failed":  # failed before it began
        report.write_json(folder / report.RECORD, {"status": "failed", "error": failure})
    return math.nan


class SweepEnd(Callback):
    """Runs once when all points of a sweep are done; names those that failed."""

    def on_multirun_end(self, config: DictConfig, **_: object) -> None:
        """Combine the results and end with an error if a point failed."""
        sweep = Path(config.hydra.sweep.dir)
        folders = sorted(path.parent for path in sweep.glob(f"*/{report.RECORD}"))
        records = {folder: report.read_record(folder) for folder in folders}
        done = [f for f, r in records.items() if r is not None and r["status"] == "finished"]
        failed = {f: r for f, r in records.items() if f not in done}
        if done:
            self.combine(sweep, done)
        if failed:
            lines = [
                f"  {folder.name}: {(record or {}).get('error') or 'cut off'}"
                for folder, record in failed.items()
            ]
            print(f"{len(failed)} of {len(records)} points failed:", *lines, sep="\n")  # noqa: T201
            print(  # noqa: T201
                "Run the same command again with "
                f"hydra.sweep.dir={os.path.relpath(sweep)} to do only these."
            )
            sys.exit(1)

    def combine(self, sweep: Path, folders: list[Path]) -> None:
        """Combine the results of finished points; a command that can does it here."""
