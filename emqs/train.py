"""Fit an encoder to patches; write its weights, its losses and pictures of what it learned.

python -m emqs.train model=contrastive stage=finetune dataset=VNC_unlabelled
python -m emqs.train model=vae
"""

import logging
import time
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, cast

import hydra
from lightning.pytorch import seed_everything
from omegaconf import DictConfig

from emqs import datasets, models
from emqs.datasets.settings import DatasetConfig
from emqs.embedding import encode
from emqs.runs import command, record
from emqs.runs.settings import PathsConfig
from emqs.settings import CONFIG_DIR, read
from emqs.training.checkpoints import check_resumable, what_decides
from emqs.training.data_module import PatchData
from emqs.training.fit import (
    finish,
    fit,
    make_module,
    make_trainer,
    quiet,
    read_teacher,
    start,
    trainable,
)
from emqs.training.reconstruction import Reconstruction
from emqs.training.settings import StageConfig, TrainConfig

logger = logging.getLogger(__name__)


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
    started = time.monotonic()
    trainable(cfg)
    config = read_config(cfg)
    stage = read(StageConfig, cfg.stage, "stage")
    dataset = read(DatasetConfig, cfg.dataset, "dataset")
    paths = read(PathsConfig, cfg.paths, "paths")
    resumed_from = None if cfg.ckpt_path is None else Path(cfg.ckpt_path)

    seed_everything(config.seed, workers=True, verbose=False)
    with quiet():
        network = start(config.model, None if resumed_from else cfg.weights)
        teacher = read_teacher(cfg, config) if stage.name == "distill" else None
        data = PatchData(
            datasets.open_stacks(dataset, Path(paths.images)),
            [member.share for member in dataset.members] or [1.0],
            config,
            drawn=[member.patch for member in dataset.members] or None,
            teacher_size=None if teacher is None else teacher.preprocessing.size,
        )
        if teacher is not None and isinstance(teacher.network, models.Fittable):
            size = teacher.preprocessing.size
            teacher.network.fit(data.plain(encode.FIT_PATCHES, size))
        identity = what_decides(run.settings)
        module = make_module(network, config, identity, teacher)
        trainer = make_trainer(
            config, data, run, decodes=isinstance(module, Reconstruction), resumed_from=resumed_from
        )
        if resumed_from is not None:
            check_resumable(resumed_from, identity, trainer)
        if trainer.is_global_zero:
            logger.info(
                "%d training and %d validation patches, %d steps an epoch, up to %d epochs",
                data.n_training,
                data.n_validation,
                sum(data.per_epoch) // (config.data.batch_size * trainer.world_size),
                config.trainer.max_epochs,
            )
        fit(trainer, module, data, resumed_from=resumed_from)
    if not trainer.is_global_zero:
        return float(trainer.callback_metrics["val/loss"])
    return finish(trainer, network, data, run, stage=stage, seconds=time.monotonic() - started)


def read_config(cfg: DictConfig) -> TrainConfig:
    """Return the checked settings of a training.

    Raises:
        ConfigError: If one is missing, unknown, of the wrong type or out of range.
    """
    parts = {f.name: f.type for f in fields(TrainConfig) if is_dataclass(f.type)}
    found: dict[str, Any] = {
        name: read(cast(type, part), cfg[name], name) for name, part in parts.items()
    }
    return TrainConfig(seed=cfg.seed, **found)


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="train")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.train``."""
    return command.run("train", cfg, train)


if __name__ == "__main__":
    command.start("train", main)
