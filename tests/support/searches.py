"""Searches by the command and by the function."""

from collections.abc import Callable
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from support.composing import with_hydra

from emqs.runs import record
from emqs.runs.settings import LoggerConfig


def run_command(
    work: Callable[[DictConfig, record.Run], object], name: str, folder: Path, *overrides: str
) -> None:
    """Do what ``python -m emqs.NAME OVERRIDES`` does; results go to ``folder/run_NAME``."""
    cfg = with_hydra(name, *overrides)
    HydraConfig.instance().set_config(cfg)
    with record.Run(
        folder / f"run_{name}", command=name, settings={}, logger=LoggerConfig()
    ) as run:
        work(cfg, run)
    HydraConfig.instance().cfg = None
