"""Settings of configs/train.yaml for the tests of training, composed as the command does."""

from omegaconf import DictConfig
from support.composing import without_hydra

from emqs.train import read_config
from emqs.training.settings import TrainConfig


def compose_train(*overrides: str) -> DictConfig:
    """Return the configuration that ``python -m emqs.train OVERRIDES`` works with."""
    return without_hydra("train", *overrides)


def train_config(*overrides: str) -> TrainConfig:
    """Return the checked settings of a small training without augmentation, plus overrides."""
    small = ["model=vae", "augment=none", "patch.size=32", "patch.stride=16", "data.batch_size=8"]
    return read_config(compose_train(*small, *overrides))
