"""Settings of training; values come from configs/."""

from dataclasses import dataclass, field
from typing import Any

from emqs.errors import ConfigError
from emqs.models.settings import ModelConfig
from emqs.patches.settings import PatchConfig
from emqs.settings import above_zero, at_least, fraction, one_of


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes of training patches. Values come from ``configs/augment/*.yaml``."""

    rotate90: bool  # turn by 0, 90, 180 or 270 degrees
    flip: bool  # mirror left and right
    rotate: float  # turn by up to this angle either way, degrees; 0: off
    zoom: list[float]  # [low, high]: how much larger a piece is cut, for all views; [1, 1]: off
    scale: list[float]  # [low, high]: the same, for each view on its own; [1, 1]: off
    shift: float  # up to this far in y and x, pixels of the network's input; 0: off
    blur: float  # Gaussian, sigma up to this, pixels of the network's input; 0: off
    gamma: float  # exponent exp(u), u in [-gamma, gamma]; 0: off
    contrast: float  # factor exp(u) about mid grey, u in [-contrast, contrast]; 0: off
    brightness: float  # added, in [-brightness, brightness], range of pixels is 1; 0: off
    noise: float  # Gaussian, sigma up to this, range of pixels is 1; 0: off
    invert: float  # probability that black and white are exchanged in all views of a patch
    invert_view: float  # the same, for each view on its own
    neighbour: float  # probability that the second view comes from a slice nearby
    neighbour_nm: float  # how far away it may be, nm; never less than the next slice
    target: str  # what is to be reconstructed: augmented, denoised or clean

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        one_of("augment.target", self.target, ("augmented", "denoised", "clean"))
        amounts = ("rotate", "shift", "blur", "gamma", "contrast", "brightness", "noise")
        for name in (*amounts, "neighbour_nm"):
            at_least(f"augment.{name}", getattr(self, name), 0)
        for name in ("invert", "invert_view", "neighbour"):
            fraction(f"augment.{name}", getattr(self, name), zero=True)
        for name in ("zoom", "scale"):
            limits = getattr(self, name)
            if len(limits) != 2 or not 0 < limits[0] <= limits[1] <= 4:
                raise ConfigError(
                    f"augment.{name} must be [low, high] with 0 < low <= high <= 4, "
                    f"got {list(limits)}. [1, 1] switches it off."
                )


@dataclass(frozen=True)
class DataConfig:
    """How patches are served for training. Values come from ``configs/train.yaml``."""

    batch_size: int  # patches a step, on each device
    val_fraction: float  # share of the slices kept for validation, (0, 1)
    patches_per_epoch: int | None  # None: as many as there are
    num_workers: int  # processes that cut patches; 0: the training process itself
    crop_size: int | None  # encoders with pooled features: edge of crops, pixels of the network's
    # input, in which places are compared, batches count crops; None: patches on their own
    places: int  # compared in each crop

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        at_least("data.batch_size", self.batch_size, 1)
        fraction("data.val_fraction", self.val_fraction, zero=False)
        if self.val_fraction == 1:
            raise ConfigError("data.val_fraction must be below 1: nothing is left to train on.")
        if self.patches_per_epoch is not None:
            at_least("data.patches_per_epoch", self.patches_per_epoch, 1)
        at_least("data.num_workers", self.num_workers, 0)
        at_least("data.places", self.places, 1)


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
    nt_xent: float  # weight of finding the other view of a patch among all of the batch
    temperature: float  # of nt_xent: what cosine similarities are divided by
    invariance: float  # VICReg: weight of the squared difference of two views
    variance: float  # VICReg: weight of how far standard deviations are below 1
    covariance: float  # VICReg: weight of the squared covariances of different numbers
    head_hidden: int  # length of the middle layer between codes and these losses; 0: none
    head_size: int  # length of what these losses see; 0: the codes themselves
    teacher_relations: float  # weight of the difference of cosine similarities from a teacher's
    teacher_regression: float  # weight of the error of predicting a teacher's code linearly

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        for name in self.__annotations__:
            at_least(f"loss.{name}", getattr(self, name), 0)
        above_zero("loss.isometry_scale", self.isometry_scale)
        above_zero("loss.temperature", self.temperature)

    @property
    def views(self) -> dict[str, float]:
        """Weights above 0 of the terms that compare two views of a patch."""
        return self._above_zero("nt_xent", "invariance", "variance", "covariance")

    @property
    def teacher(self) -> dict[str, float]:
        """Weights above 0 of the terms that compare codes with a teacher's."""
        return self._above_zero("teacher_relations", "teacher_regression")

    def _above_zero(self, *names: str) -> dict[str, float]:
        return {name: getattr(self, name) for name in names if getattr(self, name) > 0}


@dataclass(frozen=True)
class OptimizerConfig:
    """How the weights move. Values come from ``configs/stage/*.yaml``."""

    name: str  # adam or adamw
    lr: float  # learning rate
    weight_decay: float  # adam: L2 penalty; adamw: how fast weights shrink, times the rate
    schedule: str  # constant, or cosine down to 0 at the last epoch
    warmup_epochs: float  # the learning rate grows linearly from 0 over this many epochs
    gradient_clip: float | None  # largest norm of the gradient; None: any

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        one_of("optimizer.name", self.name, ("adam", "adamw"))
        above_zero("optimizer.lr", self.lr)
        at_least("optimizer.weight_decay", self.weight_decay, 0)
        one_of("optimizer.schedule", self.schedule, ("constant", "cosine"))
        at_least("optimizer.warmup_epochs", self.warmup_epochs, 0)
        above_zero("optimizer.gradient_clip", self.gradient_clip)


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
            at_least(f"trainer.{name}", getattr(self, name), 1)


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
            at_least("callbacks.patience", self.patience, 1)
        at_least("callbacks.min_delta", self.min_delta, 0)
        at_least("callbacks.reconstructions_every", self.reconstructions_every, 0)
        at_least("callbacks.n_reconstructions", self.n_reconstructions, 1)


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

    name: str  # pretrain, finetune or distill
    epochs: dict[str, int]  # model name to the default of trainer.max_epochs
    lr: dict[str, float] = field(default_factory=dict)  # to that of optimizer.lr, where it differs

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        one_of("stage.name", self.name, ("pretrain", "finetune", "distill"))
