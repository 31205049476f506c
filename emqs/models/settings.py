"""Settings of encoders; values come from configs/."""

from dataclasses import dataclass, field
from typing import Any

from emqs.settings import at_least, one_of


@dataclass(frozen=True)
class PreprocessingConfig:
    """What happens to a patch before the network sees it; stored inside every weights file."""

    size: int = 64  # edge of the network's input, pixels
    contrast: str = "none"  # none: pixels / 255; slice: each slice to one mean and spread

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        at_least("model.preprocessing.size", self.size, 8)
        one_of("model.preprocessing.contrast", self.contrast, ("none", "slice"))


@dataclass(frozen=True)
class ModelConfig:
    """Which encoder. Values come from ``configs/model/*.yaml``."""

    name: str  # a file of emqs/models
    network: dict[str, Any] = field(default_factory=dict)  # arguments of its class
    preprocessing: PreprocessingConfig = field(default_factory=PreprocessingConfig)
    weights: str | None = None  # default of weights=; None: the model needs none
    parts: list[str] = field(default_factory=list)  # combined: names of its models
    part: dict[str, Any] = field(default_factory=dict)  # combined: settings of each, by name
