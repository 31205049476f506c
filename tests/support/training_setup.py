"""Settings of configs/train.yaml for the tests of training, composed as the command does."""

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from emqs.settings import CONFIG_DIR
from emqs.train import read_config
from emqs.training.settings import TrainConfig


def compose_train(*overrides: str) -> DictConfig:
    """Return the configuration that ``python -m emqs.train OVERRIDES`` works with."""
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        return compose("train", overrides=list(overrides))


def train_config(*overrides: str) -> TrainConfig:
    """Return the checked settings of a small training without augmentation, plus overrides."""
    small = ["model=vae", "augment=none", "patch.size=32", "patch.stride=16", "data.batch_size=8"]
    return read_config(compose_train(*small, *overrides))
