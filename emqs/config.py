"""Settings as dataclasses: types and limits here, values in configs/.

``configs/`` stands at the top of the repository, and inside the package in an installed wheel;
``CONFIG_DIR`` is whichever exists. The same holds for the weights that ship (``WEIGHTS_DIR``).
"""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

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
    if not isinstance(node, dict | DictConfig) or (
        isinstance(node, DictConfig) and node._is_none()
    ):
        raise ConfigError(
            f"{where or 'The configuration'} must hold settings by name, such as "
            f"{next(iter(cls.__annotations__))}, got {node!r}."
        )
    in_tree = isinstance(node, DictConfig) and node._get_parent() is not None
    try:  # ${...} is resolved where the node stands, before it is taken out
        plain = OmegaConf.to_container(node, resolve=True) if isinstance(node, DictConfig) else node
    except OmegaConfBaseException as error:
        raise _named(error, "" if in_tree else where) from None
    try:
        return cast(
            Settings,
            OmegaConf.to_object(OmegaConf.merge(_writable(OmegaConf.structured(cls)), plain)),
        )
    except OmegaConfBaseException as error:
        raise _named(error, where) from None


def _named(error: OmegaConfBaseException, where: str) -> ConfigError:
    """Return OmegaConf's complaint with the full name of the setting."""
    key = getattr(error, "full_key", None) or ""
    name = ".".join(part for part in (where, key) if part) or "the configuration"
    reason = str(getattr(error, "msg", None) or error).splitlines()[0]
    return ConfigError(f"{name}: {reason}.".replace("..", "."))


def _writable(node: DictConfig) -> DictConfig:
    """Let values be merged into the parts of frozen dataclasses, which OmegaConf locks."""
    OmegaConf.set_readonly(node, False)
    for key in node:
        part = node._get_node(key)
        if isinstance(part, DictConfig):
            _writable(part)
    return node


def _one_of(setting: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{setting} must be one of {', '.join(allowed)}, got '{value}'.")


def _at_least(setting: str, value: float, least: float) -> None:
    if not value >= least:
        raise ConfigError(f"{setting} must be at least {least:g}, got {value:g}.")


def _above_zero(setting: str, value: float | None) -> None:
    """Raise unless a value is a finite number above 0, or None."""
    if value is not None and not 0 < value < math.inf:
        raise ConfigError(f"{setting} must be a finite number greater than 0, got {value:g}.")


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

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        _above_zero("dataset.members.pixel_size_nm", self.pixel_size_nm)
        _above_zero("dataset.members.share", self.share)


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
class PackagedConfig:
    """The textures that are added to the pictures from installed packages."""

    n_textures: int = 24
    texture_size: int = 512  # edge, pixels
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        _at_least("dataset.packaged.n_textures", self.n_textures, 0)
        _at_least("dataset.packaged.texture_size", self.texture_size, 64)
        _at_least("dataset.packaged.seed", self.seed, 0)


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
    packaged: PackagedConfig = field(default_factory=PackagedConfig)
    members: list[MemberConfig] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        _one_of("dataset.kind", self.kind, ("folder", "toy", "packaged", "mixture"))
        _one_of("dataset.intensity", self.intensity, ("dtype", "stretch"))
        _above_zero("dataset.pixel_size_nm", self.pixel_size_nm)
        _above_zero("dataset.section_nm", self.section_nm)
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
class DownloadConfig:
    """Where public files come from. Values come from ``configs/download.yaml``."""

    base_url: str  # folder on the server, http:// or https://
    cache: str  # folder that keeps fetched files and their SHA-256
    timeout_s: float  # longest silence of the server, seconds

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if not self.base_url.startswith(("http://", "https://")):
            raise ConfigError(
                f"download.base_url must start with https:// or http://, got '{self.base_url}'."
            )
        _above_zero("download.timeout_s", self.timeout_s)


@dataclass(frozen=True)
class PatchConfig:
    """How slices are cut. Values come from ``configs/patch/*.yaml``."""

    size: float = 80  # edge of a square patch, in ``unit``
    stride: float | None = None  # grid step, in ``unit``; None: the size, so no overlap
    unit: str = "px"  # px or nm
    border: bool = True  # keep patches that are cut at the border of a slice

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        _one_of("patch.unit", self.unit, ("px", "nm"))
        _above_zero("patch.size", self.size)
        _above_zero("patch.stride", self.stride)


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
            _at_least("index.search_k (unless it is -1, automatic)", self.search_k, 1)
        if not -(2**31) <= self.seed < 2**31:
            raise ConfigError(
                f"index.seed must be from {-(2**31)} to {2**31 - 1}, which is what Annoy takes, "
                f"got {self.seed}."
            )


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


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes of training patches. Values come from ``configs/augment/*.yaml``."""

    rotate90: bool  # turn by 0, 90, 180 or 270 degrees
    flip: bool  # mirror left and right
    rotate: float  # turn by up to this angle either way, degrees; 0: off
    scale: list[float]  # [low, high]: how much larger a piece is cut; [1, 1]: off
    shift: float  # up to this far in y and x, pixels of the network's input; 0: off
    blur: float  # Gaussian, sigma up to this, pixels of the network's input; 0: off
    gamma: float  # exponent exp(u), u in [-gamma, gamma]; 0: off
    contrast: float  # factor exp(u) about mid grey, u in [-contrast, contrast]; 0: off
    brightness: float  # added, in [-brightness, brightness], range of pixels is 1; 0: off
    noise: float  # Gaussian, sigma up to this, range of pixels is 1; 0: off
    target: str  # what is to be reconstructed: augmented, denoised or clean

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        _one_of("augment.target", self.target, ("augmented", "denoised", "clean"))
        for name in ("rotate", "shift", "blur", "gamma", "contrast", "brightness", "noise"):
            _at_least(f"augment.{name}", getattr(self, name), 0)
        if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1] <= 4:
            raise ConfigError(
                "augment.scale must be [low, high] with 0 < low <= high <= 4, "
                f"got {list(self.scale)}. [1, 1] switches it off."
            )


@dataclass(frozen=True)
class DataConfig:
    """How patches are served for training. Values come from ``configs/train.yaml``."""

    batch_size: int  # patches a step, on each device
    val_fraction: float  # share of the slices kept for validation, (0, 1)
    patches_per_epoch: int | None  # None: as many as there are
    num_workers: int  # processes that cut patches; 0: the training process itself

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        _at_least("data.batch_size", self.batch_size, 1)
        _fraction("data.val_fraction", self.val_fraction, zero=False)
        if self.val_fraction == 1:
            raise ConfigError("data.val_fraction must be below 1: nothing is left to train on.")
        if self.patches_per_epoch is not None:
            _at_least("data.patches_per_epoch", self.patches_per_epoch, 1)
        _at_least("data.num_workers", self.num_workers, 0)


@dataclass(frozen=True)
class LossConfig:
    """What is minimised: a weighted sum. Values come from ``configs/loss/*.yaml``."""

    bce: float  # weight of the binary cross-entropy per pixel
    mse: float  # weight of the squared error per pixel
    ssim: float  # weight of 1 - SSIM
    ms_ssim: float  # weight of 1 - MS-SSIM
    beta: float  # VAE: weight of the KL divergence, which is divided by the number of pixels
    kl_warmup_epochs: int  # VAE: beta grows linearly from 0 over this many epochs
    consistency: float  # weight of the distance between the codes of two views of a patch
    isometry: float  # weight of how far distances of codes are from how unlike patches look
    isometry_scale: float  # distance of codes for a distance of 1 between looks
    isometry_quantiles: float  # how much the amounts of each grey count in looks, layout is 1
    isometry_textures: float  # how much the amounts of texture count in looks

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        for name in self.__annotations__:
            _at_least(f"loss.{name}", getattr(self, name), 0)
        _above_zero("loss.isometry_scale", self.isometry_scale)
        if self.bce + self.mse + self.ssim + self.ms_ssim == 0:
            raise ConfigError(
                "The loss reconstructs nothing: loss.bce, loss.mse, loss.ssim and loss.ms_ssim "
                "are all 0. Set one of them, e.g. loss.bce=1."
            )


@dataclass(frozen=True)
class OptimizerConfig:
    """How the weights move (Adam). Values come from ``configs/stage/*.yaml``."""

    lr: float  # learning rate
    weight_decay: float  # L2 penalty
    schedule: str  # constant, or cosine down to 0 at the last epoch
    warmup_epochs: float  # the learning rate grows linearly from 0 over this many epochs
    gradient_clip: float | None  # largest norm of the gradient; None: any

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        _above_zero("optimizer.lr", self.lr)
        _at_least("optimizer.weight_decay", self.weight_decay, 0)
        _one_of("optimizer.schedule", self.schedule, ("constant", "cosine"))
        _at_least("optimizer.warmup_epochs", self.warmup_epochs, 0)
        _above_zero("optimizer.gradient_clip", self.gradient_clip)


@dataclass(frozen=True)
class TrainerConfig:
    """Where and how long. Values come from ``configs/trainer/*.yaml``; names are Lightning's."""

    max_epochs: int
    accelerator: str  # auto, cpu, gpu, mps ...
    devices: Any  # how many, or a list of their numbers, or "auto"
    num_nodes: int  # machines
    strategy: str  # auto, ddp ...
    precision: str  # 32-true, bf16-mixed, 16-mixed ...
    deterministic: bool  # refuse operations whose result varies from run to run
    log_every_n_steps: int

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        for name in ("max_epochs", "num_nodes", "log_every_n_steps"):
            _at_least(f"trainer.{name}", getattr(self, name), 1)


@dataclass(frozen=True)
class CallbacksConfig:
    """What happens beside training. Values come from ``configs/train.yaml``."""

    patience: int | None  # stop after this many validations without a better loss; None: never
    min_delta: float  # what counts as better
    reconstructions_every: int  # epochs between two pictures of reconstructions; 0: none
    n_reconstructions: int  # patches in such a picture

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if self.patience is not None:
            _at_least("callbacks.patience", self.patience, 1)
        _at_least("callbacks.min_delta", self.min_delta, 0)
        _at_least("callbacks.reconstructions_every", self.reconstructions_every, 0)
        _at_least("callbacks.n_reconstructions", self.n_reconstructions, 1)


@dataclass(frozen=True)
class TrainConfig:
    """All that decides how a network is trained, except the slices themselves."""

    seed: int  # any integer from 0
    model: ModelConfig
    patch: PatchConfig
    data: DataConfig
    augment: AugmentConfig
    loss: LossConfig
    optimizer: OptimizerConfig
    trainer: TrainerConfig
    callbacks: CallbacksConfig

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if type(self.seed) is not int or not 0 <= self.seed < 2**32:
            raise ConfigError(f"seed must be a whole number in [0, 4294967295], got {self.seed}.")


@dataclass(frozen=True)
class StageConfig:
    """Which part of the training. Values come from ``configs/stage/*.yaml``."""

    name: str  # pretrain or finetune
    epochs: dict[str, int]  # model name to the default of trainer.max_epochs

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        _one_of("stage.name", self.name, ("pretrain", "finetune"))
