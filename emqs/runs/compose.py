"""The settings of a command, composed from ``configs/`` without running it."""

import re
from collections.abc import Sequence

from hydra import compose, initialize_config_dir
from hydra.errors import (
    CompactHydraException,
    ConfigCompositionException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import DictConfig, open_dict

from emqs.errors import ConfigError
from emqs.runs import described
from emqs.runs.arguments import setting
from emqs.settings import CONFIG_DIR


def composed(name: str, settings: Sequence[str] = ()) -> DictConfig:
    """Return the settings of a command as ``python -m emqs.NAME`` has them.

    Args:
        name: The command, e.g. ``"search"``.
        settings: What would be typed after it, e.g. ``["query.structure=2"]``.

    Returns:
        All settings but Hydra's own; interpolations are resolved when they are read.

    Raises:
        ConfigError: If a name is unknown or a setting cannot be read.
    """
    try:
        cfg = with_hydra(name, settings)
    except CompactHydraException as error:
        raise ConfigError(mistyped(error, name)) from None
    with open_dict(cfg):
        del cfg["hydra"]
    return cfg


def with_hydra(name: str, settings: Sequence[str]) -> DictConfig:
    """Return the settings of a command with Hydra's own, under ``hydra``; see ``composed``.

    Raises:
        CompactHydraException: If a name is unknown or a setting cannot be read.
    """
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        return compose(name, overrides=list(settings), return_hydra_config=True)


def mistyped(error: CompactHydraException, name: str) -> str:
    """Return what is wrong with the command line of a command, on one line."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, option = error.missing_cfg_file.rpartition("/")
        return f"There is no {group}={option}. Choose one of {', '.join(error.options)}."
    unknown = re.match(r"Could not override '([^']+)'", str(error))
    if isinstance(error, ConfigCompositionException) and unknown:
        known = setting(name, unknown[1])
        if known is not None and known == unknown[1]:
            group = known.partition(".")[0]
            chosen = described.groups(name).get(group)
            return f"{known} is a setting of {group}={chosen} alone, and another {group} is given."
        advice = f"Did you mean {known}?" if known else "--help lists all settings."
        return f"There is no setting {unknown[1]} here. {advice}"
    several = re.match(r"Ambiguous value for argument '([^=]+)=(.*?)'", str(error))
    if several:
        return (
            f"{several[1]}={several[2]} has several values. Add -m to run with one after the "
            f"other, or write {several[1]}=[{several[2]}] where a list is meant."
        )
    text = " ".join(line for line in str(error).splitlines() if not line.startswith("See https:"))
    if isinstance(error, OverrideParseException):
        return (
            f"{text}. Settings are typed as name=value; lists need quotes, such as "
            "retrieve.positive='[[3,200,310]]', and so do names with ( ) = , # or spaces: "
            "\"name='a (1).tif'\"."
        )
    return text
