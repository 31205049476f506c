"""What a user decides about a volume that is made of raw slices."""

from dataclasses import dataclass

from emqs.errors import ConfigError
from emqs.settings import above_zero, at_least, fraction, one_of

TASKS = ("ingest", "check")
NUMBERINGS = ("names", "order")
FORMATS = ("zarr", "precomputed")
FILLS = ("none", "nearest", "blend")
MODELS = ("none", "translation", "rigid", "affine", "elastic")
MATCHERS = ("correlation", "sift")
CANVASES = ("all", "source")
BREAKS = ("error", "split")
CONTRASTS = ("none", "match", "clahe")


@dataclass(frozen=True)
class InputConfig:
    """Where slices lie in a source that holds more. Values come from ``configs/ingest.yaml``."""

    level: int = 0  # resolution level, 0 the finest
    dataset: str | None = None  # path inside the source
    axes: str | None = None  # names of the stored axes, where the source does not say
    select: dict[str, int | str] | None = None  # index along axes such as c; or a channel's name


@dataclass(frozen=True)
class CheckConfig:
    """When a slice is bad. Values come from ``configs/ingest.yaml``."""

    table: str | None = None  # slices.csv whose column "use" counts; None: judge
    texture: float = 0.25  # of the median of its neighbours; less is blank
    empty: float = 0.3  # share of empty tiles above that of the neighbours: partly blank
    blur_mad: float = 6.0  # deviations of sharpness below the median, and ...
    blur_log: float = 0.2  # ... so much at least: blurred
    saturated: float = 0.15  # share of black or white pixels above that of the neighbours
    duplicate: float = 0.35  # of the usual difference of neighbours; less is the same section
    swapped: float = 0.15  # by how much the other order must fit better
    folded: float = 0.06  # share of blocks that one neighbour moves elsewhere and the next back

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        for name in ("texture", "empty", "saturated", "duplicate", "swapped", "folded"):
            fraction(f"check.{name}", getattr(self, name), zero=True)
        for name in ("blur_mad", "blur_log"):
            above_zero(f"check.{name}", getattr(self, name))


@dataclass(frozen=True)
class AlignConfig:
    """How slices are laid on each other. Values come from ``configs/align/*.yaml``."""

    model: str  # what each slice may do: none, translation, rigid, affine, elastic
    matcher: str = "correlation"  # finds how slices lie roughly: correlation, sift
    rotation_deg: float = 11.0  # largest rotation between neighbours that is looked for
    shift: float = 0.4  # largest shift between neighbours, of the edge of a slice
    peak: float = 9.0  # least height of a peak of correlation, in standard deviations
    inliers: int = 10  # least number of blocks that agree
    cycle_px: float = 10.0  # most that two ways to the same slice may differ
    trend: float | None = None  # slices over which raw coordinates count; None: they do not
    block_px: int = 72  # elastic: edge of a block; half of it lies between places that may move
    breaks: str = "error"  # what to do where nothing bridges two pieces
    canvas: str = "all"  # all: holds every slice whole; source: as large as the slices
    transforms: str | None = None  # transforms.json to take instead of matching

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        one_of("align.model", self.model, MODELS)
        one_of("align.matcher", self.matcher, MATCHERS)
        one_of("align.breaks", self.breaks, BREAKS)
        one_of("align.canvas", self.canvas, CANVASES)
        if not 0 <= self.rotation_deg <= 180:
            raise ConfigError(
                f"align.rotation_deg must be from 0 to 180, got {self.rotation_deg:g}."
            )
        if not 0 < self.shift <= 0.5:
            raise ConfigError(f"align.shift must be above 0 and at most 0.5, got {self.shift:g}.")
        at_least("align.peak", self.peak, 1)
        at_least("align.inliers", self.inliers, 4)
        at_least("align.block_px", self.block_px, 32)
        above_zero("align.cycle_px", self.cycle_px)
        above_zero("align.trend", self.trend)


@dataclass(frozen=True)
class ContrastConfig:
    """How slices are evened. Values come from ``configs/contrast/*.yaml``."""

    method: str  # none, match, clahe
    window: int = 9  # slices whose median is the goal
    tiles: int = 8  # along each edge, of the slow shading; 0: none
    clip: float = 0.01  # clahe: limit of the contrast, from 0 to 1

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        one_of("contrast.method", self.method, CONTRASTS)
        at_least("contrast.window", self.window, 1)
        if self.window % 2 == 0:
            raise ConfigError(f"contrast.window must be odd, got {self.window}.")
        at_least("contrast.tiles", self.tiles, 0)
        above_zero("contrast.clip", self.clip)


@dataclass(frozen=True)
class OutputConfig:
    """How the volume is stored. Values come from ``configs/ingest.yaml``."""

    chunk: list[int]  # along Z Y X
    shard: list[int]  # of a file, along Z Y X; multiples of chunk

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        for name in ("chunk", "shard"):
            value = getattr(self, name)
            if len(value) != 3 or min(value) < 1:
                raise ConfigError(
                    f"output.{name} must hold three lengths (Z, Y, X) above 0, got {list(value)}."
                )
        if any(s % c for s, c in zip(self.shard, self.chunk, strict=True)):
            raise ConfigError(
                f"output.shard must be multiples of output.chunk {list(self.chunk)}, got "
                f"{list(self.shard)}."
            )


@dataclass(frozen=True)
class IngestConfig:
    """Everything else. Values come from ``configs/ingest.yaml``."""

    numbering: str = "names"
    fill: str = "none"
    format: str = "zarr"

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        one_of("numbering", self.numbering, NUMBERINGS)
        one_of("fill", self.fill, FILLS)
        one_of("format", self.format, FORMATS)
