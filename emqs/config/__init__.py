"""Settings as dataclasses: types and limits here, values in configs/."""

from emqs.config.reading import CONFIG_DIR, WEIGHTS_DIR, read
from emqs.config.search import (
    DatasetConfig,
    DownloadConfig,
    IndexConfig,
    LoggerConfig,
    MemberConfig,
    ModelConfig,
    PackagedConfig,
    PatchConfig,
    PathsConfig,
    PreprocessingConfig,
    QueryConfig,
    ToyConfig,
)
from emqs.config.training import (
    AugmentConfig,
    CallbacksConfig,
    DataConfig,
    LossConfig,
    OptimizerConfig,
    StageConfig,
    TrainConfig,
    TrainerConfig,
)

__all__ = [
    "CONFIG_DIR",
    "WEIGHTS_DIR",
    "AugmentConfig",
    "CallbacksConfig",
    "DataConfig",
    "DatasetConfig",
    "DownloadConfig",
    "IndexConfig",
    "LoggerConfig",
    "LossConfig",
    "MemberConfig",
    "ModelConfig",
    "OptimizerConfig",
    "PackagedConfig",
    "PatchConfig",
    "PathsConfig",
    "PreprocessingConfig",
    "QueryConfig",
    "StageConfig",
    "ToyConfig",
    "TrainConfig",
    "TrainerConfig",
    "read",
]
