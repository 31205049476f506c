"""Fit an encoder to patches; write its weights, its losses and pictures of what it learned.

python -m emqs.train dataset=folder dataset.name=MINE
python -m emqs.train model=vae
"""

import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, cast

import hydra
from omegaconf import DictConfig

from emqs.datasets.settings import DatasetConfig
from emqs.models.settings import ModelConfig
from emqs.runs import command, record
from emqs.runs.resuming import with_earlier
from emqs.runs.settings import PathsConfig
from emqs.settings import CONFIG_DIR, read
from emqs.training.settings import StageConfig, TrainConfig


def train(cfg: DictConfig, run: record.Run) -> float:
    """Train one model, as the settings say.

    Args:
        cfg: The composed configuration of ``configs/train.yaml``.
        run: Where results go.

    Returns:
        The best validation loss.

    Raises:
        EmqsError: If a setting, a file or the data do not fit, or training diverges.
    """
    model = read(ModelConfig, cfg.model, "model")
    if "loss" not in cfg or "augment" not in cfg:  # of a model's recipe; a baseline has none
        check_can_be_trained(model)
    config = read_config(cfg)
    stage = read(StageConfig, cfg.stage, "stage")
    dataset = read(DatasetConfig, cfg.dataset, "dataset")
    paths = read(PathsConfig, cfg.paths, "paths")
    teacher = read(ModelConfig, cfg.teacher, "teacher") if stage.name == "distill" else None
    check_can_be_trained(model)

    from emqs.training import train  # settings are right, so what takes seconds is worth it

    return train.train(
        config,
        stage,
        run,
        dataset=dataset,
        images=Path(paths.images),
        weights=cfg.weights,
        teacher=teacher,
        resumed_from=None if cfg.ckpt_path is None else Path(cfg.ckpt_path),
    )


def check_can_be_trained(model: ModelConfig) -> None:
    """Raise an error unless the model can be trained.

    Raises:
        ConfigError: If it is a baseline, or its settings are wrong.
    """
    from emqs.models import build
    from emqs.training.module import check_trainable

    check_trainable(model.name, build(model.name, dict(model.network)))


def read_config(cfg: DictConfig) -> TrainConfig:
    """Return the checked settings of a training.

    Raises:
        ConfigError: If one is missing, unknown, of the wrong type or out of range.
    """
    parts = {f.name: f.type for f in fields(TrainConfig) if is_dataclass(f.type)}
    settings: dict[str, Any] = {
        name: read(cast(type, part), cfg[name], name) for name, part in parts.items()
    }
    return TrainConfig(seed=cfg.seed, **settings)


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="train")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.train``."""
    return command.run("train", cfg, train)


if __name__ == "__main__":
    sys.argv[1:] = with_earlier(sys.argv[1:])  # ckpt_path=PATH alone goes on as it was
    command.start("train", main)
