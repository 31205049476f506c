"""What a user decides about a prediction."""

from dataclasses import dataclass

from emqs.errors import ConfigError
from emqs.settings import at_least, one_of

HEADS = ("logistic", "svm")
MAX_TILE = 4096
OWN_THRESHOLD = 0.5  # halfway between the clicks on the structure and the average of the volume


@dataclass(frozen=True)
class PredictConfig:
    """How clicks become objects. Values come from ``configs/predict.yaml``."""

    head: str = "logistic"  # one of HEADS
    regularisation: float = 5.0  # of the head; more: smoother, and less that few clicks can say
    components: int = 32  # of codes, learnt from the volume without labels
    smoothing: float = 0.16  # half the edge, in patches, of windows in which scores are evened out
    unlabelled: float = 3.0  # what all unlabelled voxels weigh, in clicks on something else
    n_labelled: int = 2000  # voxels of each class that are drawn from labels
    n_unlabelled: int = 4000  # voxels drawn from all over the volume
    threshold: float | None = None  # probability from which on a voxel is an object; None: 0.5
    smallest_nm3: float | None = None  # of an object; None: a cube of half a patch's window
    split: bool = True  # objects that touch become two
    n_suggestions: int = 5  # places where the next clicks would help most
    tile: int = 1024  # edge of a tile in the slice, in voxels
    seed: int = 0  # of the voxels that are drawn

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express.

        Raises:
            ConfigError: If a value is out of range; the message names it.
        """
        one_of("predict.head", self.head, HEADS)
        for name, least in (
            ("components", 1),
            ("n_labelled", 1),
            ("n_unlabelled", 100),
            ("n_suggestions", 0),
        ):
            at_least(f"predict.{name}", getattr(self, name), least)
        if not 128 <= self.tile <= MAX_TILE or self.tile % 128:
            raise ConfigError(
                f"predict.tile must be a multiple of 128 up to {MAX_TILE}, got {self.tile}."
            )
        if not self.regularisation > 0:
            raise ConfigError(
                f"predict.regularisation must be above 0, got {self.regularisation:g}."
            )
        if not 0 <= self.smoothing <= 1:
            raise ConfigError(
                f"predict.smoothing must lie between 0 and 1, got {self.smoothing:g}."
            )
        if not self.unlabelled >= 0:
            raise ConfigError(f"predict.unlabelled must be 0 or more, got {self.unlabelled:g}.")
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise ConfigError(
                f"predict.threshold must lie between 0 and 1, got {self.threshold:g}."
            )
        if self.smallest_nm3 is not None and not self.smallest_nm3 >= 0:
            raise ConfigError(f"predict.smallest_nm3 must be 0 or more, got {self.smallest_nm3:g}.")
