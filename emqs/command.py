"""What every command does around its work: settings in, a record out, one line per mistake."""

import errno
import json
import logging
import math
import os
import re
import sys
from collections.abc import Callable
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from hydra.errors import (
    CompactHydraException,
    ConfigCompositionException,
    MissingConfigException,
    OverrideParseException,
)
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from emqs import files, report
from emqs.config import ComputeConfig, LoggerConfig, ModelConfig, read
from emqs.errors import ConfigError, EmqsError

if TYPE_CHECKING:
    from emqs.weights import Model

logger = logging.getLogger(__name__)

Work = Callable[[DictConfig, report.Run], float | None]

DISK_ERRORS = {  # of a place to write to, rather than of the program
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.EEXIST,
}  # fmt: skip


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
        ConfigError: If one is missing, refers to another that does not exist, or is NaN or
            infinite.
    """
    try:
        settings = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        key = getattr(error, "full_key", None) or "a setting"
        raise ConfigError(f"{key} is missing: give it as {key}=VALUE.") from None
    if not isinstance(settings, dict):
        raise ConfigError("The configuration must be a mapping.")
    _check_finite(settings, "")
    return {str(key): value for key, value in settings.items()}


def _check_finite(value: object, name: str) -> None:
    """Raise an error that names the first setting which is NaN or infinite."""
    if isinstance(value, dict):
        for key, part in value.items():
            _check_finite(part, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for position, part in enumerate(value):
            _check_finite(part, f"{name}[{position}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{name} must be a finite number, got {value}.")


def is_chosen(group: str) -> bool:
    """Return whether the user chose an option of a config group, e.g. ``model=ae``."""
    return group in _overridden()


def _overridden() -> set[str]:
    """Return the names of all settings and groups that the user gave, e.g. ``query.structure``."""
    return {str(item).split("=", 1)[0].lstrip("+") for item in HydraConfig.get().overrides.task}


def load_model(cfg: DictConfig) -> "Model":
    """Return the model that ``model=`` and ``weights=`` ask for.

    Raises:
        ConfigError: If the weights file holds another model than the user asked for.
        WeightsError: If the file is missing, damaged or does not fit.
    """
    from emqs import pipeline  # torch takes seconds to import, and not every command needs it

    config = read(ModelConfig, cfg.model, "model")
    weights = None if cfg.weights is None else str(cfg.weights)  # a name may look like a number
    model = pipeline.load_model(config, weights)
    if weights is not None:
        check_asked_for(model, config, weights)
    return model


def compute(cfg: DictConfig) -> ComputeConfig:
    """Return the settings at the top of a command that say how codes are computed."""
    names = [part.name for part in fields(ComputeConfig) if part.name in cfg]
    return read(ComputeConfig, {name: cfg[name] for name in names}, "")


def check_asked_for(model: "Model", config: ModelConfig, weights: str) -> None:
    """Raise an error if the user asked for another model than the weights file holds.

    Args:
        model: What the file holds; it alone decides network and preprocessing.
        config: The settings ``model``; those that the user did not give are only defaults.
        weights: The file, for the message.

    Raises:
        ConfigError: If ``model=``, ``model.network.*`` or ``model.preprocessing.*`` was given and
            differs.
    """
    from emqs.weights import differences  # torch takes seconds to import

    for setting, found, asked in differences(model, config):
        if is_chosen(setting):
            raise ConfigError(
                f"weights={weights} holds {setting}={found}, but {setting}={asked} was asked for. "
                f"Leave {setting}= out, or give other weights."
            )


def _same_weights(folder: Path, settings: dict[str, Any]) -> bool:
    """Return whether the weights file still is the one that a finished run was made with."""
    path, metrics = settings.get("weights"), folder / "metrics.json"
    if path is None or not Path(path).is_file() or not metrics.is_file():
        return True
    used = json.loads(metrics.read_text(encoding="utf-8")).get("weights_sha256")
    return used is None or used == files.sha256(Path(path))


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
        SystemExit: For a user's mistake in a single run: one line, exit code 1. After Ctrl-C: one
            line, exit code 130, and the rest of a sweep is not done.
    """
    sweep = HydraConfig.get().mode is RunMode.MULTIRUN
    folder = Path(HydraConfig.get().runtime.output_dir)
    try:
        settings = resolved(cfg)
        if sweep and report.is_finished(folder, settings) and _same_weights(folder, settings):
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
    except KeyboardInterrupt:
        resume = f"; go on with hydra.sweep.dir={os.path.relpath(folder.parent)}" if sweep else ""
        print(f"emqs.{name}: interrupted{resume}", file=sys.stderr)  # noqa: T201
        sys.exit(130)
    except Exception as error:
        if not sweep:
            raise
        logger.exception("emqs.%s: this point of the sweep failed", name)
        failure = f"{type(error).__name__}: {one_line(error)}"
    if (report.read_record(folder) or {}).get("status") != "failed":  # failed before it began
        report.write_json(folder / report.RECORD, {"status": "failed", "error": failure})
    return math.nan


def start(name: str, main: Callable[[], object]) -> None:
    """Start a command from the terminal; a mistyped command line is told in one line.

    With the environment variable ``HYDRA_FULL_ERROR=1`` everything is told in full.

    Args:
        name: The command, e.g. ``"evaluate"``.
        main: Its ``hydra.main``.

    Raises:
        SystemExit: If Hydra cannot read the command line, or the output folder cannot be written.
    """
    if os.environ.get("HYDRA_FULL_ERROR"):
        main()
        return
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then hands its errors on
    try:
        main()
    except CompactHydraException as error:
        sys.exit(f"emqs.{name}: {_mistyped(error)}")
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        sys.exit(
            f"emqs.{name}: {error.filename or 'the output folder'} cannot be written: "
            f"{error.strerror}. Choose another folder with hydra.run.dir=PATH, or "
            "hydra.sweep.dir=PATH for a sweep."
        )


def _mistyped(error: CompactHydraException) -> str:
    """Return what is wrong with a command line, on one line."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, option = error.missing_cfg_file.rpartition("/")
        return f"There is no {group}={option}. Choose one of {', '.join(error.options)}."
    unknown = re.match(r"Could not override '([^']+)'", str(error))
    if isinstance(error, ConfigCompositionException) and unknown:
        return f"There is no setting {unknown[1]} here. --help lists all settings."
    text = " ".join(line for line in str(error).splitlines() if not line.startswith("See https:"))
    if isinstance(error, OverrideParseException):
        return (
            f"{text}. Settings are typed as name=value; lists need quotes, such as "
            "retrieve.positive='[[3,200,310]]'."
        )
    return text


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
        folders = sorted(path.parent for path in sweep.glob(f"*/{report.RECORD}"))
        if self.points:  # unknown where a launcher runs the points in other processes
            folders = [folder for folder in folders if folder.resolve() in self.points]
        records = {folder: report.read_record(folder) for folder in folders}
        done = [f for f, r in records.items() if (r or {}).get("status") == "finished"]
        failed = {f: r for f, r in records.items() if f not in done}
        combined = not done or self._combined(sweep, done)
        if failed:
            lines = [
                f"  {folder.name}: {(record or {}).get('error') or 'cut off'}"
                for folder, record in failed.items()
            ]
            print(f"{len(failed)} of {len(records)} points failed:", *lines, sep="\n")  # noqa: T201
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
        except Exception:
            logger.exception("The results in %s could not be combined", sweep)
            return False
        return True

    def combine(self, sweep: Path, folders: list[Path]) -> None:
        """Combine the results of finished points; a command that can does it here."""
