"""What a user decides about an embedding volume, and what a run did."""

from dataclasses import dataclass, field

from emqs.embedding.stores.grid import INNER, PLANES
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.errors import ConfigError
from emqs.settings import at_least

LEAST_SCALE, MOST_SCALE = 0.25, 4.0  # of embed.scale: beyond, a network sees nothing it has learnt


@dataclass(frozen=True)
class EmbedConfig:
    """How a volume becomes an embedding volume. Values come from ``configs/embed.yaml``."""

    planes: str = "xy"  # patches in the slices; "ortho": in all three planes around a point
    level: int = 0  # resolution level, 0 the finest
    dataset: str | None = None  # path inside the source
    axes: str | None = None  # names of the stored axes, where the source does not say
    voxel_size_nm: list[float] | None = None  # (z, y, x); None: as the source says
    origin_nm: list[float] | None = None  # (z, y, x) of the first voxel; None: as the source says
    select: dict[str, int | str] | None = None  # index along axes such as c; or a channel's name
    intensity: list[float] | None = None  # voxel values that become 0 and 1; None: of the type
    padding: float | None = None  # voxel value that is no tissue
    step_z_nm: float | None = None  # between places; None: every slice, or the step in the slice
    scale: float = 1.0  # of what fills the network's input, in patches
    block: int | None = None  # places along Y and X in one file; None: what suits the memory
    short: int | None = None  # bytes of short codes; 0: none; None: 48 where codes are long
    n_sample: int = 8192  # patches that signatures are learnt from
    seed: int = 0  # of their draw
    worker: list[int] = field(default_factory=lambda: [0, 1])  # this one's number, and how many

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if self.planes not in PLANES:
            raise ConfigError(f"planes must be one of {', '.join(PLANES)}, got {self.planes!r}.")
        lengths = {"voxel_size_nm": 3, "origin_nm": 3, "intensity": 2, "worker": 2}
        for name, length in lengths.items():
            value = getattr(self, name)
            if value is not None and len(value) != length:
                raise ConfigError(f"embed.{name} must hold {length} numbers, got {list(value)}.")
        if self.intensity is not None and not self.intensity[0] < self.intensity[1]:
            raise ConfigError(
                f"embed.intensity must be [black, white] with black < white, got {self.intensity}."
            )
        if self.block is not None and (self.block < 1 or self.block % INNER):
            raise ConfigError(
                f"embed.block must be a multiple of {INNER} above 0, got {self.block}."
            )
        if self.step_z_nm is not None and not self.step_z_nm > 0:
            raise ConfigError(f"embed.step_z_nm must be above 0, got {self.step_z_nm:g}.")
        if not LEAST_SCALE <= self.scale <= MOST_SCALE:
            raise ConfigError(
                f"embed.scale must be from {LEAST_SCALE:g} to {MOST_SCALE:g} patches, got "
                f"{self.scale:g}."
            )
        if self.short is not None and self.short < 0:
            raise ConfigError(f"embed.short must be 0 or more bytes, got {self.short}.")
        at_least("embed.n_sample", self.n_sample, 2)
        if not 0 <= self.worker[0] < self.worker[1]:
            raise ConfigError(
                "embed.worker must be [number, how many], numbers counted from 0, "
                f"got {list(self.worker)}."
            )


@dataclass(frozen=True)
class Built:
    """What a run did."""

    store: EmbeddingStore
    n_patches: int  # embedded by this run; skipped ones are not counted
    n_blocks: int  # written by this run
    n_found: int  # blocks that were there and whole
    n_skipped: int  # places without contrast, of padding, or with NaN, in the blocks of this run
    seconds: float  # of the run
    seconds_disk: float  # of which reading and writing, summed over the processes
