"""The settings of a command, composed from ``configs/`` without running it."""

import re
from collections.abc import Sequence
from string import Template

from hydra import compose, initialize_config_dir
from hydra.errors import (
    CompactHydraException,
    ConfigCompositionException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import DictConfig, OmegaConf, open_dict

from emqs.errors import ConfigError
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
        cfg = _with_hydra(name, settings)
    except CompactHydraException as error:
        raise ConfigError(mistyped(error)) from None
    with open_dict(cfg):
        del cfg["hydra"]
    return cfg


def help_text(name: str, settings: Sequence[str] = ()) -> str:
    """Return what ``--help`` prints: the command's ``hydra.help.template``, with all settings.

    Args:
        name: The command.
        settings: What was typed beside ``--help``.

    Raises:
        CompactHydraException: If a name is unknown or a setting cannot be read.
    """
    cfg = _with_hydra(name, settings)
    template = Template(cfg.hydra.help.template)
    with open_dict(cfg):
        del cfg["hydra"]
    return template.substitute(CONFIG=OmegaConf.to_yaml(cfg, resolve=False))


def _with_hydra(name: str, settings: Sequence[str]) -> DictConfig:
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        return compose(name, overrides=list(settings), return_hydra_config=True)


def mistyped(error: CompactHydraException) -> str:
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
            "retrieve.positive='[[3,200,310]]', and so do names with ( ) = , # or spaces: "
            "\"name='a (1).tif'\"."
        )
    return text
