"""Settings of datasets and downloads; values come from configs/."""

from dataclasses import dataclass, field

from emqs.errors import ConfigError
from emqs.settings import above_zero, at_least, one_of


@dataclass(frozen=True)
class MemberConfig:
    """One folder of a mixture of datasets."""

    name: str  # folder under paths.images
    pixel_size_nm: float | None = None  # edge of a pixel, nm
    section_nm: float | None = None  # distance between slices, nm
    share: float = 1.0  # how often its patches are drawn, relative to the others
    consecutive: bool = True  # whether its slices follow each other in a volume
    patch: list[float] | None = None  # edges drawn, [low, high] in patch.unit; None: patch.size

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        above_zero("dataset.members.pixel_size_nm", self.pixel_size_nm)
        above_zero("dataset.members.section_nm", self.section_nm)
        if self.patch is not None and (
            len(self.patch) != 2 or not 0 < self.patch[0] <= self.patch[1]
        ):
            raise ConfigError(
                "dataset.members.patch must be [low, high] with 0 < low <= high, "
                f"got {list(self.patch)}."
            )
        above_zero("dataset.members.share", self.share)


@dataclass(frozen=True)
class ToyConfig:
    """Size and seed of the EM-like stack that is drawn on the spot."""

    n_slices: int = 20
    height: int = 512  # pixels
    width: int = 512  # pixels
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        at_least("dataset.toy.n_slices", self.n_slices, 1)
        at_least("dataset.toy.height", self.height, 64)
        at_least("dataset.toy.width", self.width, 64)


@dataclass(frozen=True)
class PackagedConfig:
    """The textures that are added to the pictures from installed packages."""

    n_textures: int = 24
    texture_size: int = 512  # edge, pixels
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        at_least("dataset.packaged.n_textures", self.n_textures, 0)
        at_least("dataset.packaged.texture_size", self.texture_size, 64)
        at_least("dataset.packaged.seed", self.seed, 0)


@dataclass(frozen=True)
class DatasetConfig:
    """Which slices. Values come from ``configs/dataset/*.yaml``."""

    name: str  # for a folder: its name under paths.images
    kind: str  # folder, toy, packaged or mixture
    pixel_size_nm: float | None = None  # edge of a pixel in the slice plane, nm
    section_nm: float | None = None  # distance between slices, nm
    consecutive: bool = True  # whether slices follow each other in a volume
    slices: list[int] | None = None  # [first, one past last]; None takes all
    intensity: str = "dtype"  # dtype: divide by the type's maximum; stretch: percentiles
    classes: dict[int, str] = field(default_factory=dict)  # label value to name
    toy: ToyConfig = field(default_factory=ToyConfig)
    packaged: PackagedConfig = field(default_factory=PackagedConfig)
    members: list[MemberConfig] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        one_of("dataset.kind", self.kind, ("folder", "toy", "packaged", "mixture"))
        one_of("dataset.intensity", self.intensity, ("dtype", "stretch"))
        above_zero("dataset.pixel_size_nm", self.pixel_size_nm)
        above_zero("dataset.section_nm", self.section_nm)
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
        above_zero("download.timeout_s", self.timeout_s)
