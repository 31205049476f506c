"""What every command does around its work: settings in, a record out, one line per mistake."""

import logging
import math
import os
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.hydra import Hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from emqs import files
from emqs.errors import ConfigError, EmqsError, read_as_far_as_wanted
from emqs.runs import record as records
from emqs.runs.arguments import slip
from emqs.runs.compose import mistyped
from emqs.runs.foreign import check_composed, check_line
from emqs.runs.help import help_text
from emqs.runs.names import quoted
from emqs.runs.resuming import how
from emqs.runs.secrets import check_typed, redacted
from emqs.runs.settings import ComputeConfig, LoggerConfig
from emqs.runs.sweep import point_name, same_weights
from emqs.settings import read

logger = logging.getLogger(__name__)

Work = Callable[[DictConfig, records.Run], float | None]


OmegaConf.register_new_resolver("emqs_point", point_name, replace=True)


def one_line(error: BaseException) -> str:
    """Return an error's text on one line, without passwords and tokens."""
    return redacted(" ".join(str(error).split()))


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
    return group in given()


def given() -> list[str]:
    """Return the names of all settings and groups that the user gave, e.g. ``query.structure``."""
    return [item.split("=", 1)[0].lstrip("+") for item in typed()]


def typed() -> list[str]:
    """Return the settings as typed, e.g. ``query.structure=2``; none in a notebook."""
    if not HydraConfig.initialized():
        return []
    return [str(item) for item in HydraConfig.get().overrides.task]


def names(cfg: DictConfig, setting: str) -> list[str]:
    """Return what a setting names: nothing, one thing, or several in brackets."""
    value = cfg[setting]
    values = list(value) if OmegaConf.is_list(value) else [value]
    return [str(name) for name in values if name is not None]


def compute(cfg: DictConfig) -> ComputeConfig:
    """Return the settings at the top of a command that say how codes are computed."""
    names = [part.name for part in fields(ComputeConfig) if part.name in cfg]
    return read(ComputeConfig, {name: cfg[name] for name in names}, "")


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
        if sweep and records.is_finished(folder, settings) and same_weights(folder, settings):
            logger.info("%s: finished before, not done again", folder.name)
            return None
        loggers = read(LoggerConfig, cfg.logger, "logger")
        if sweep and loggers.group is None:
            loggers = replace(loggers, group=folder.parent.name)
        with records.Run(folder, command=name, settings=settings, logger=loggers) as record:
            return work(cfg, record)
    except EmqsError as error:
        if not sweep:
            sys.exit(f"emqs.{name}: {one_line(error)}")
        logger.error("emqs.%s: %s", name, one_line(error))
        failure = one_line(error)
    except KeyboardInterrupt:
        going_on = how(name, sys.argv[1:] if sweep else typed(), folder, sweep=sweep)
        print(f"emqs.{name}: interrupted{going_on}", file=sys.stderr)  # noqa: T201
        sys.exit(130)
    except Exception as error:
        if not sweep:
            _exit_if_refused(name, error)  # before Hydra says something, too
            raise
        failure = records.refused(error)
        if failure:
            logger.error("emqs.%s: %s", name, failure)
        else:
            logger.exception("emqs.%s: this point of the sweep failed", name)
            failure = f"{type(error).__name__}: {one_line(error)}"
    if (records.read_record(folder) or {}).get("status") != "failed":  # failed before it began
        files.write_json(folder / records.RECORD, {"status": "failed", "error": failure})
    return math.nan


def start(name: str, main: Callable[[], object]) -> None:
    """Start a command from the terminal; a mistyped command line is told in one line.

    ``--help`` is answered without Hydra's own, which looks up every group of settings first and so
    takes twice as long. With the environment variable ``HYDRA_FULL_ERROR=1`` everything is told in
    full.

    Args:
        name: The command, e.g. ``"evaluate"``.
        main: Its ``hydra.main``.

    Raises:
        SystemExit: If Hydra cannot read the command line, or the output folder cannot be written.
    """
    try:
        check_typed(sys.argv[1:])
        check_line(sys.argv[1:])
    except ConfigError as error:
        sys.exit(f"emqs.{name}: {one_line(error)}")
    wrong = slip(name, sys.argv[1:])
    if wrong is not None:
        sys.exit(f"emqs.{name}: {wrong}")
    sys.argv[1:] = quoted(sys.argv[1:])  # names and paths stay what they are
    main = partial(_help, name) if _asks_for_help() else main
    ConfigLoaderImpl.load_configuration = _checked  # type: ignore[method-assign]
    try:
        _told(name, main)
    except ConfigError as error:  # of ``_checked``, before the command began
        sys.exit(f"emqs.{name}: {one_line(error)}")
    finally:
        ConfigLoaderImpl.load_configuration = _load  # type: ignore[method-assign]


_load = ConfigLoaderImpl.load_configuration


def _checked(*arguments: Any, **named: Any) -> DictConfig:  # noqa: ANN401 - those of Hydra
    """Return the settings of a command, if they choose no code; for each point of a sweep too."""
    try:
        cfg = _load(*arguments, **named)
    except YAMLError as error:
        raise ConfigError(
            f"A file of settings is not valid YAML: {one_line(error)}. Mend it, or leave it out."
        ) from None
    except RecursionError:
        raise ConfigError(
            "A file of settings is nested too deep to be one. Leave it out."
        ) from None
    check_composed(cfg)
    return cfg


def _exit_if_refused(name: str, error: Exception) -> None:
    """End with one line if an error is the disk's.

    Raises:
        SystemExit: If it is.
    """
    said = records.refused(error)
    if said:
        sys.exit(f"emqs.{name}: {said}")


def _told(name: str, main: Callable[[], object]) -> None:
    """Run; what Hydra and the disk find fault with is told in one line."""
    if os.environ.get("HYDRA_FULL_ERROR"):
        main()
        return
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then hands its errors on
    Hydra.get_mode = _mode  # type: ignore[method-assign, assignment]
    try:
        with read_as_far_as_wanted():
            main()
    except CompactHydraException as error:
        sys.exit(f"emqs.{name}: {mistyped(error, name)}")
    except OSError as error:
        _exit_if_refused(name, error)
        raise
    finally:
        Hydra.get_mode = _look_up_mode  # type: ignore[method-assign]
        del os.environ["HYDRA_FULL_ERROR"]  # what is started next is told in one line, too


_look_up_mode = Hydra.get_mode


def _mode(hydra: Hydra, config_name: str | None, overrides: list[str]) -> RunMode | None:
    """Return whether the settings make a sweep of a run, or None if they do not say.

    Hydra composes all settings once more to learn it; only experiments say it, or the user does.
    """
    may_say = ("experiment", "hydra.mode")
    if any(typed.lstrip("+~").startswith(may_say) for typed in overrides):
        return _look_up_mode(hydra, config_name, overrides)
    return None


def _asks_for_help() -> bool:
    """Return whether help is asked for, with no other option that Hydra knows."""
    options = {argument for argument in sys.argv[1:] if argument.startswith("-")}
    return bool(options) and options <= {"--help", "-h"}


def _help(name: str) -> None:
    """Print the help of a command; settings that were typed are in it."""
    typed_settings = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    print(help_text(name, typed_settings))  # noqa: T201
