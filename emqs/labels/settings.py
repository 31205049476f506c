"""Settings of label-volume compression; values come from configs/compress.yaml."""

from dataclasses import dataclass, field
from typing import Any

from emqs.errors import ConfigError
from emqs.settings import at_least, one_of

RESULTS = "results.json"

TASKS = ("bench", "convert", "verify", "labels", "recommend")
ACTIONS = ("list", "contains", "count", "box", "extract")
DTYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "bool")
_MAX_LABEL = 2**64 - 1
_MIN_LABEL = -(2**63)


def _is_range(part: Any) -> bool:  # noqa: ANN401 (what a user typed)
    """Return whether this is first and one past the last voxel."""
    whole = isinstance(part, list) and all(type(end) is int for end in part)
    return whole and len(part) == 2 and 0 <= part[0] < part[1]


@dataclass(frozen=True)
class InputConfig:
    """How the source is read; None sees by itself."""

    format: str | None = None  # a name of emqs.volumes.opening.READ
    dataset: str | None = None  # an array inside an HDF5, N5, Zarr or .npz file
    scale: str | None = None  # key or number of a level of Precomputed or OME-Zarr
    axes: str | None = None  # names of the stored axes in stored order; None: what the file says
    select: dict[str, int | str] | None = None  # index along axes such as c; or a channel's name
    region: list[Any] | None = None  # [[z0,z1],[y0,y1],[x0,x1]], ends outside; None: all
    voxel_size_nm: list[float] | None = None  # z, y, x; None: what the file says
    origin_nm: list[float] | None = None  # z, y, x, of the first voxel; None: what the file says

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        region = self.region
        if region is not None and (len(region) != 3 or not all(map(_is_range, region))):
            raise ConfigError(
                "input.region must be [[z0,z1],[y0,y1],[x0,x1]] with 0 <= first < last, got "
                f"{region}."
            )
        size = self.voxel_size_nm
        if size is not None and (len(size) != 3 or not all(0 < edge < 1e9 for edge in size)):
            raise ConfigError(
                f"input.voxel_size_nm must be three lengths above 0 (z, y, x), got {list(size)}."
            )
        origin = self.origin_nm
        if origin is not None and (len(origin) != 3 or not all(abs(o) < 1e15 for o in origin)):
            raise ConfigError(
                f"input.origin_nm must be three finite numbers (z, y, x) in nm, got {list(origin)}."
            )


@dataclass(frozen=True)
class CodecConfig:
    """How labels are stored in Zarr. Values come from ``configs/codec/*.yaml``."""

    name: str  # crackle or zstd
    chunks: list[int]  # z, y, x, voxels
    compressor: str = "zstd"  # after crackle: zstd or lzma
    level: int | None = None  # of the compressor; None: its usual one
    markov_order: int = 0  # of crackle, 0 to 10
    pins: bool = False  # of crackle

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        one_of("codec.name", self.name, ("crackle", "zstd"))
        one_of("codec.compressor", self.compressor, ("zstd", "lzma"))
        if len(self.chunks) != 3 or not all(side >= 1 for side in self.chunks):
            raise ConfigError(
                "codec.chunks must be three lengths of at least 1 (z, y, x), got "
                f"{list(self.chunks)}."
            )


@dataclass(frozen=True)
class OutputConfig:
    """How the target is written."""

    format: str | None = None  # a name of emqs.volumes.creating.WRITE; None: by the ending
    dtype: str | None = None  # None: as the source, unsigned where the format has to
    memory_mb: int = 512  # of the labels that are held at once, 10**6 bytes
    verify: bool = True  # compare all of the target with the source afterwards
    restart: bool = False  # throw away what an interrupted conversion left
    levels: int | None = 1  # arrays of an OME-Zarr pyramid; None: until one is a single chunk

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if self.dtype is not None:
            one_of("output.dtype", self.dtype, DTYPES)
        at_least("output.memory_mb", self.memory_mb, 1)
        if self.levels is not None:
            at_least("output.levels", self.levels, 1)


@dataclass(frozen=True)
class SampleConfig:
    """The synthetic segmentation that is measured where no source is given."""

    depth: int = 32  # slices
    height: int = 256  # pixels
    width: int = 256  # pixels
    n_objects: int = 300
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        for name in ("depth", "height", "width", "n_objects"):
            at_least(f"bench.sample.{name}", getattr(self, name), 1)
        at_least("bench.sample.seed", self.seed, 0)


@dataclass(frozen=True)
class BenchConfig:
    """How codecs are measured."""

    runs: int = 5
    dtype: str | None = None  # the volume is measured as this; None: as it is
    slow_bytes: int = 20_000_000  # streams over which slow compressors are left out
    sample: SampleConfig = field(default_factory=SampleConfig)

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        at_least("bench.runs", self.runs, 1)
        at_least("bench.slow_bytes", self.slow_bytes, 0)
        if self.dtype is not None:
            one_of("bench.dtype", self.dtype, tuple(d for d in DTYPES if d.startswith("u")))


@dataclass(frozen=True)
class RecommendConfig:
    """How a recommendation is made."""

    n_chunks: int = 4  # chunks of the volume that are tried
    runs: int = 3
    seed: int = 0  # which chunks

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        at_least("recommend.n_chunks", self.n_chunks, 1)
        at_least("recommend.runs", self.runs, 1)
        at_least("recommend.seed", self.seed, 0)


@dataclass(frozen=True)
class CompressConfig:
    """The top level of ``configs/compress.yaml``."""

    task: str
    source: str | None = None  # file or folder to read
    target: str | None = None  # file or folder to make
    encoding: str = "crackle"  # of bench
    compressor: str = "zstd"  # of bench
    grid: str | None = None  # "all": every encoding with every compressor
    action: str = "list"  # of labels
    label: int | None = None  # of labels

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        one_of("task", self.task, TASKS)
        one_of("action", self.action, ACTIONS)
        if self.grid not in (None, "all"):
            raise ConfigError(f"grid must be all or null, got '{self.grid}'.")
        if self.label is not None and not _MIN_LABEL <= self.label <= _MAX_LABEL:
            raise ConfigError(f"label must fit 64 bits, got {self.label}.")
