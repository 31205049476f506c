"""Settings as dataclasses: types and limits here, values in configs/.

``configs/`` stands at the top of the repository, and inside the package in an installed wheel;
``CONFIG_DIR`` is whichever exists. The same holds for the weights that ship (``WEIGHTS_DIR``).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from emqs.errors import ConfigError

PACKAGE_DIR = Path(__file__).resolve().parent


def _beside_or_inside(beside: str, inside: str) -> Path:
    """Return the folder inside the installed package if there is one, else the checkout's."""
    packaged = PACKAGE_DIR / inside
    return packaged if packaged.is_dir() else PACKAGE_DIR.parent / beside


CONFIG_DIR = _beside_or_inside("configs", "configs")
WEIGHTS_DIR = _beside_or_inside("weights", "shipped_weights")

OmegaConf.register_new_resolver("emqs_weights", lambda: str(WEIGHTS_DIR), replace=True)

Settings = TypeVar("Settings")


def read(cls: type[Settings], node: DictConfig | dict[str, Any], where: str) -> Settings:
    """Turn one part of the composed configuration into a checked dataclass.

    Args:
        cls: One of the dataclasses below.
        node: The part of the configuration, e.g. ``cfg.query``.
        where: Its name as the user types it, e.g. ``"query"``; empty for the top level.

    Returns:
        The settings, every type and limit checked.

    Raises:
        ConfigError: If a key is unknown or missing, or a value has the wrong type or is out of
            range. The message names the setting.
    """
    try:
        merged = OmegaConf.merge(OmegaConf.structured(cls), node)
        settings = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        key = getattr(error, "full_key", None) or ""
        name = ".".join(part for part in (where, key) if part) or "the configuration"
        reason = str(getattr(error, "msg", None) or error).splitlines()[0]
        raise ConfigError(f"{name}: {reason}.".replace("..", ".")) from None
    if not isinstance(settings, cls):
        raise ConfigError(f"{where} must hold the settings of {cls.__name__}, got {node!r}.")
    return settings


def _one_of(setting: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{setting} must be one of {', '.join(allowed)}, got '{value}'.")


def _at_least(setting: str, value: float, least: float) -> None:
    if not value >= least:
        raise ConfigError(f"{setting} must be at least {least:g}, got {value:g}.")


def _fraction(setting: str, value: float, *, zero: bool) -> None:
    """Raise unless a value is a fraction in (0, 1], or [0, 1] where zero is allowed."""
    if not (0 <= value <= 1 if zero else 0 < value <= 1):
        interval = "[0, 1]" if zero else "(0, 1]"
        hint = f" A percentage such as {value:g} is written {value / 100:g}." if value > 1 else ""
        raise ConfigError(f"{setting} must be a fraction in {interval}, got {value:g}.{hint}")


@dataclass(frozen=True)
class PathsConfig:
    """Where files are. Values come from ``configs/paths/*.yaml``."""

    images: str  # folder that holds NAME/raw and NAME/labels
    weights: str  # folder of the shipped weight files
    outputs: str  # folder of all results


@dataclass(frozen=True)
class MemberConfig:
    """One folder of a mixture of datasets."""

    name: str  # folder under paths.images
    pixel_size_nm: float | None = None  # edge of a pixel, nm
    share: float = 1.0  # how often its patches are drawn, relative to the others


@dataclass(frozen=True)
class ToyConfig:
    """Size and seed of the EM-like stack that is drawn on the spot."""

    n_slices: int = 20
    height: int = 512  # pixels
    width: int = 512  # pixels
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        _at_least("dataset.toy.n_slices", self.n_slices, 1)
        _at_least("dataset.toy.height", self.height, 64)
        _at_least("dataset.toy.width", self.width, 64)


@dataclass(frozen=True)
class DatasetConfig:
    """Which slices. Values come from ``configs/dataset/*.yaml``."""

    name: str  # for a folder: its name under paths.images
    kind: str  # folder, toy, packaged or mixture
    pixel_size_nm: float | None = None  # edge of a pixel in the slice plane, nm
    section_nm: float | None = None  # distance between slices, nm
    slices: list[int] | None = None  # [first, one past last]; None takes all
    intensity: str = "dtype"  # dtype: divide by the type's maximum; stretch: percentiles
    classes: dict[int, str] = field(default_factory=dict)  # label value to name
    toy: ToyConfig = field(default_factory=ToyConfig)
    members: list[MemberConfig] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        _one_of("dataset.kind", self.kind, ("folder", "toy", "packaged", "mixture"))
        _one_of("dataset.intensity", self.intensity, ("dtype", "stretch"))
        if self.pixel_size_nm is not None and not self.pixel_size_nm > 0:
            raise ConfigError(
                f"dataset.pixel_size_nm must be greater than 0 nm, got {self.pixel_size_nm:g}."
            )
        if self.slices is not None and (
            len(self.slices) != 2 or not 0 <= self.slices[0] < self.slices[1]
        ):
            raise ConfigError(
                "dataset.slices must be [first, one past last] with 0 <= first < last, "
                f"got {list(self.slices)}."
            )
        if self.kind == "mixture" and not self.members:
            raise ConfigError("dataset.members is empty; a mixture needs at least one folder.")


@dataclass(frozen=True)
class PatchConfig:
    """How slices are cut. Values come from ``configs/patch/*.yaml``."""

    size: float = 80  # edge of a square patch, in ``unit``
    stride: float | None = None  # grid step, in ``unit``; None: the size, so no overlap
    unit: str = "px"  # px or nm

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        _one_of("patch.unit", self.unit, ("px", "nm"))
        for name, value in (("size", self.size), ("stride", self.stride)):
            if value is not None and not value > 0:
                raise ConfigError(f"patch.{name} must be greater than 0, got {value:g}.")


@dataclass(frozen=True)
class QueryConfig:
    """What to look for. Values come from ``configs/query/*.yaml``."""

    structure: int = 1  # label value in images/<dataset>/labels
    min_overlap: float = 0.5  # fraction of a patch that makes it a positive example, (0, 1]
    num_neighbors: int = 1  # nearest examples whose distances are averaged
    batch_size: int = 10  # consecutive slices per block; the middle one is the query slice

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if self.structure == 0:
            raise ConfigError("query.structure must not be 0: that is the background.")
        _at_least("query.structure", self.structure, 1)
        _fraction("query.min_overlap", self.min_overlap, zero=False)
        _at_least("query.num_neighbors", self.num_neighbors, 1)
        _at_least("query.batch_size", self.batch_size, 1)


@dataclass(frozen=True)
class IndexConfig:
    """How nearest examples are found. Values come from ``configs/index/*.yaml``."""

    name: str = "annoy"  # annoy or exact
    n_trees: int = 750  # annoy: more is more exact and slower to build
    search_k: int = -1  # annoy: nodes inspected per query; -1: n_trees * num_neighbors
    seed: int = 0  # annoy: of its random splits

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        _one_of("index.name", self.name, ("annoy", "exact"))
        _at_least("index.n_trees", self.n_trees, 1)
        if self.search_k != -1:
            _at_least("index.search_k", self.search_k, 1)


@dataclass(frozen=True)
class PreprocessingConfig:
    """What happens to a patch before the network sees it; stored inside every weights file."""

    size: int = 64  # edge of the network's input, pixels
    contrast: str = "none"  # none: pixels / 255; slice: each slice to one mean and spread

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        _at_least("model.preprocessing.size", self.size, 8)
        _one_of("model.preprocessing.contrast", self.contrast, ("none", "slice"))


@dataclass(frozen=True)
class ModelConfig:
    """Which encoder. Values come from ``configs/model/*.yaml``."""

    name: str  # a file of emqs/models
    network: dict[str, Any] = field(default_factory=dict)  # arguments of its class
    preprocessing: PreprocessingConfig = field(default_factory=PreprocessingConfig)
    weights: str | None = None  # default of weights=; None: the model needs none


@dataclass(frozen=True)
class LoggerConfig:
    """Where metrics and figures go besides the run's folder."""

    csv: bool = True
    wandb: bool = False
    project: str = "emqs"  # W&B project
    group: str | None = None  # W&B group, e.g. the name of a sweep
