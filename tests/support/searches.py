"""Searches by the command and by the function."""

from collections.abc import Callable
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from emqs.runs import record
from emqs.runs.settings import LoggerConfig
from emqs.settings import CONFIG_DIR


def run_command(
    work: Callable[[DictConfig, record.Run], object], name: str, folder: Path, *overrides: str
) -> None:
    """Do what ``python -m emqs.NAME OVERRIDES`` does; results go to ``folder/run_NAME``."""
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        cfg = compose(name, overrides=list(overrides), return_hydra_config=True)
    HydraConfig.instance().set_config(cfg)
    with record.Run(
        folder / f"run_{name}", command=name, settings={}, logger=LoggerConfig()
    ) as run:
        work(cfg, run)
    HydraConfig.instance().cfg = None
