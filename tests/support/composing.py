"""Configurations as a command composes them."""

from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict

from emqs.settings import CONFIG_DIR


def composed(
    folder: Path, *overrides: str, sweep: bool = False, name: str = "evaluate"
) -> DictConfig:
    """What Hydra hands to a command, in this process."""
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        cfg = compose(name, overrides=list(overrides), return_hydra_config=True)
    with open_dict(cfg):
        cfg.hydra.runtime.output_dir = str(folder)
        cfg.hydra.mode = RunMode.MULTIRUN if sweep else RunMode.RUN
    HydraConfig.instance().set_config(cfg)
    with open_dict(cfg):
        del cfg["hydra"]
    return cfg
