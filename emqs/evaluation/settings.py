"""Settings of maps of codes; values come from configs/."""

from dataclasses import dataclass, field

from emqs.errors import ConfigError


@dataclass(frozen=True)
class WindowsConfig:
    """Windows of slices that get a map each. Values come from ``configs/tsne.yaml``."""

    length: int | None = None  # slices
    starts: list[int] | None = None  # first slices

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if (self.length is None) != (self.starts is None):
            raise ConfigError("Give both tsne.windows.length and tsne.windows.starts, or neither.")
        if self.length is not None and self.length < 1:
            raise ConfigError(f"tsne.windows.length must be at least 1, got {self.length}.")
        if self.starts is not None and (not self.starts or min(self.starts) < 0):
            raise ConfigError(
                "tsne.windows.starts must hold one or more slice numbers of 0 or more, "
                f"got {list(self.starts)}."
            )


@dataclass(frozen=True)
class TsneConfig:
    """What is mapped, and how. Values come from ``configs/tsne.yaml`` and the experiments."""

    method: str  # tsne or pca
    labels: str  # binary or multi
    min_fraction: float  # of a patch that is its class, [0, 1)
    structure: int = 1  # binary: label value
    classes: list[int] | None = None  # multi: label values; None: all
    refuse_others: bool = True  # a pixel of a further class drops a patch
    sizes: list[float] | None = None  # patch sizes in patch.unit; None: patch.size
    max_points: int | None = None  # of one class; None: all
    perplexity: float = 30.0  # about the number of neighbours of a patch
    seed: int = 1000  # of the map and of the draw
    neighbors: int = 10  # that vote in the agreement
    examples: int = 4  # linked patches of each class, at most
    windows: WindowsConfig = field(default_factory=WindowsConfig)

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        for name, value, allowed in (
            ("method", self.method, ("tsne", "pca")),
            ("labels", self.labels, ("binary", "multi")),
        ):
            if value not in allowed:
                raise ConfigError(f"tsne.{name} must be {' or '.join(allowed)}, got '{value}'.")
        least = 0.0 if self.refuse_others else 0.5
        if not least <= self.min_fraction < 1:
            raise ConfigError(
                f"tsne.min_fraction must be a fraction in [{least:g}, 1), got "
                f"{self.min_fraction:g}; with tsne.refuse_others=false it is at least 0.5."
            )
        whole = {"structure": 1, "max_points": 1, "seed": 0, "neighbors": 1, "examples": 0}
        for name, smallest in whole.items():
            number = getattr(self, name)
            if number is not None and number < smallest:
                raise ConfigError(f"tsne.{name} must be at least {smallest}, got {number}.")
        if not self.perplexity >= 1:
            raise ConfigError(f"tsne.perplexity must be at least 1, got {self.perplexity:g}.")
        if self.classes is not None and (not self.classes or min(self.classes) < 1):
            raise ConfigError(
                "tsne.classes must hold one or more label values of 1 or more, "
                f"got {list(self.classes)}."
            )
        if self.sizes is not None and not self.sizes:
            raise ConfigError("tsne.sizes is empty. Give sizes, or null for patch.size alone.")
