"""Settings of paths, loggers and computing; values come from configs/."""

from dataclasses import dataclass, field

from emqs.errors import ConfigError
from emqs.models.compute import Compute
from emqs.settings import at_least, one_of


@dataclass(frozen=True)
class PathsConfig:
    """Where files are. Values come from ``configs/paths/*.yaml``."""

    images: str  # folder that holds NAME/raw and NAME/labels
    weights: str  # folder of the shipped weight files
    outputs: str  # folder of all results


@dataclass(frozen=True)
class LoggerConfig:
    """Where metrics and figures go besides the run's folder."""

    csv: bool = True
    wandb: bool = False
    project: str = "emqs"  # W&B project
    group: str | None = None  # W&B group, e.g. the name of a sweep


@dataclass(frozen=True)
class ComputeConfig:
    """How codes are computed; stands at the top of the commands that search."""

    batch_size: int = 512  # patches embedded at once; memory and speed only
    device: str | None = None  # a torch device; None takes a GPU where there is one
    figures: bool = True  # draw them
    n_bootstrap: int = 200  # evaluate: resamples of slices for the confidence intervals
    score_files: list[str] = field(default_factory=list)  # tiff, zarr: maps of scores as volumes

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        at_least("batch_size", self.batch_size, 1)
        for name in self.score_files:
            one_of("score_files", name, ("tiff", "zarr"))
        if self.n_bootstrap < 40:
            raise ConfigError(
                f"n_bootstrap must be at least 40, got {self.n_bootstrap}: the interval ends where "
                "one in 40 resamples lies outside."
            )

    @property
    def compute(self) -> Compute:
        """What rooms take; a command shows its progress."""
        return Compute(device=self.device, batch_size=self.batch_size, progress=True)


ENGINES = ("local", "ray")  # this process, or those of a Ray cluster


@dataclass(frozen=True)
class RayConfig:
    """Where and how ``engine=ray`` works. Values come from the command's file in ``configs``."""

    address: str | None = None  # of a cluster that runs; None: start one on this computer
    workers: int | None = None  # processes at work at once; None: what the cluster holds
    cpus: float = 1.0  # processors that each of them takes; its threads
    gpus: float | None = None  # GPUs that each takes; None: one where the cluster has any
    retries: int = 3  # how often a part is given out again when its worker dies

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if self.workers is not None and self.workers < 1:
            raise ConfigError(f"ray.workers must be at least 1, got {self.workers}.")
        if not self.cpus > 0:
            raise ConfigError(f"ray.cpus must be above 0, got {self.cpus:g}.")
        if self.gpus is not None and not self.gpus >= 0:
            raise ConfigError(f"ray.gpus must be 0 or more, got {self.gpus:g}.")
        if self.retries < 0:
            raise ConfigError(f"ray.retries must be 0 or more, got {self.retries}.")
