"""Settings from a stranger choose no code: what Hydra would build of them is one of a few classes.

A file of settings, found by ``--config-dir``, or a line that is pasted, can say more than what a
command does: Hydra builds every ``_target_`` below ``hydra``, Python's logging calls what its
settings name, and variables of the environment decide what is loaded. So all settings are looked at
after they are composed, and before anything is made of them.
"""

from collections.abc import Iterator, Sequence

from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from omegaconf import DictConfig, OmegaConf

from emqs.errors import ConfigError

TARGETS = frozenset({
    "emqs.evaluation.tables.CombineResults", "emqs.labels.sweep.CombineResults",
    "emqs.runs.sweep.SweepEnd", "hydra._internal.core_plugins.basic_launcher.BasicLauncher",
    "hydra._internal.core_plugins.basic_sweeper.BasicSweeper",
})  # fmt: skip
PLUGINS = ("hydra.launcher._target_", "hydra.sweeper._target_")  # may be those that are installed
LOGGING = ("hydra.job_logging", "hydra.hydra_logging")
LOGGED_BY = frozenset({  # classes of Python's logging, and what colours it
    "logging.StreamHandler", "logging.FileHandler", "logging.NullHandler", "logging.Formatter",
    "colorlog.ColoredFormatter",
})  # fmt: skip
LOG_FILE = "${hydra.runtime.output_dir}/${hydra.job.name}.log"
REFERENCES = frozenset({"ext://sys.stdout", "ext://sys.stderr", LOG_FILE})
ENVIRONMENT = "hydra.job.env_set"


def check_line(arguments: Sequence[str]) -> None:
    """Raise if a command line has Hydra import a package, to look for settings in it.

    Raises:
        ConfigError: Naming the argument.
    """
    for argument in arguments:
        if "pkg://" in argument:
            raise ConfigError(
                f"{argument!r} would run the code of a package, which no setting does. Give the "
                "folder with --config-dir PATH."
            )


def check_composed(cfg: DictConfig) -> None:
    """Raise if settings would choose code; nothing has been made of them yet.

    Args:
        cfg: All settings of a command, with Hydra's own.

    Raises:
        ConfigError: Naming the first of them.
    """
    for name, key, value in _leaves(OmegaConf.to_container(cfg, resolve=False), ""):
        is_logging = name.startswith(LOGGING)
        if key == "_target_":
            allowed = value in TARGETS or (name in PLUGINS and value in _plugins())
        elif name.startswith(ENVIRONMENT):
            allowed = value == {}
        elif is_logging and key in ("class", "()"):
            allowed = value in LOGGED_BY
        elif is_logging and key in (".", "factory"):
            allowed = False
        elif is_logging and isinstance(value, str):
            allowed = _is_plain(value)
        else:
            allowed = True
        if not allowed:
            raise ConfigError(
                f"{name}={value} would choose which code runs, which no setting does. Leave it "
                "out, or do not use the settings it comes from."
            )


def _is_plain(value: str) -> bool:
    """Return whether a text in the settings of logging stands for nothing that is imported."""
    return value in REFERENCES or ("://" not in value and "${" not in value)


def _plugins() -> set[str]:
    """Return the launchers and sweepers that are installed, e.g. for a cluster."""
    found = Plugins.instance()
    classes = [*found.discover(Launcher), *found.discover(Sweeper)]
    return {f"{one.__module__}.{one.__qualname__}" for one in classes}


def _leaves(value: object, name: str, key: str = "") -> Iterator[tuple[str, str, object]]:
    """Yield full name, last key and value of all that is in settings; an empty group is a value."""
    if isinstance(value, dict) and value:
        for own, part in value.items():
            yield from _leaves(part, f"{name}.{own}" if name else str(own), str(own))
    elif isinstance(value, list) and value:
        for position, part in enumerate(value):
            yield from _leaves(part, f"{name}[{position}]", key)
    else:
        yield name, key, value
