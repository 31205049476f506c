"""Configurations as a command composes them: once for each choice of files, then with values."""

from copy import deepcopy
from functools import cache
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict

from emqs.settings import CONFIG_DIR


@cache
def _of_files(name: str, choices: tuple[str, ...]) -> DictConfig:
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        return compose(name, overrides=list(choices), return_hydra_config=True)


def with_hydra(name: str, *overrides: str) -> DictConfig:
    """Return what Hydra composes, with its own settings; ``test_composing`` compares them.

    Reading the files takes Hydra most of the time, a tenth of a second for each command. So it is
    done once for all that differs in values alone, which are then set by the code that Hydra uses.
    """
    choices, values = [], []
    for word in overrides:
        group = word.partition("=")[0]
        chooses = group.startswith("~") or "/" in group or "@" in group
        chooses = chooses or (CONFIG_DIR / group.removeprefix("+")).is_dir()
        (choices if chooses else values).append(word)
    cfg = deepcopy(_of_files(name, tuple(choices)))
    ConfigLoaderImpl._apply_overrides_to_config(
        OverridesParser.create().parse_overrides(values), cfg
    )
    typed = [word for word in overrides if not word.startswith(("hydra.", "hydra/"))]
    with open_dict(cfg):
        cfg.hydra.overrides.task = typed
        cfg.hydra.overrides.hydra = [word for word in overrides if word not in typed]
        cfg.hydra.job.override_dirname = ",".join(sorted(typed))
        cfg.hydra.runtime.cwd = str(Path.cwd())
    return cfg


def without_hydra(name: str, *overrides: str) -> DictConfig:
    """Return what Hydra composes, without its own settings."""
    cfg = with_hydra(name, *overrides)
    with open_dict(cfg):
        del cfg["hydra"]
    return cfg


def composed(
    folder: Path, *overrides: str, sweep: bool = False, name: str = "evaluate"
) -> DictConfig:
    """What Hydra hands to a command, in this process."""
    cfg = with_hydra(name, *overrides)
    with open_dict(cfg):
        cfg.hydra.runtime.output_dir = str(folder)
        cfg.hydra.mode = RunMode.MULTIRUN if sweep else RunMode.RUN
    HydraConfig.instance().set_config(cfg)
    with open_dict(cfg):
        del cfg["hydra"]
    return cfg
