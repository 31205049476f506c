"""Fill an embedding volume: read a block of a slice, encode every patch in it, write it, go on.

Blocks are cut with as much of their surroundings as the network sees, and at whole patches, so
codes do not depend on how the volume is divided (1e-3 of a typical code, most of it the rounding to
float16). What is known of a whole slice, its mean and spread, is measured once and kept in the
manifest. A block that is there and whole is never made again, so a run that was stopped anywhere
goes on where it was, and several processes may fill one store.
"""

import hashlib
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, cast

import numpy as np
from rich.progress import Progress, TextColumn, TimeRemainingColumn

import emqs
from emqs import embeddings, patches, signatures, store
from emqs.config import PatchConfig
from emqs.datasets import Stack
from emqs.errors import ConfigError, DataError
from emqs.models import Convolutional, Encoder, Fittable
from emqs.store import Grid, Store, Triple
from emqs.volumes import Box, Volume
from emqs.volumes.stacks import RANGES
from emqs.weights import Model

logger = logging.getLogger(__name__)

REACH_PX = 4096  # longest edge of a block, in voxels, so that its pixels take 100 MB or so ...
MOST_PLACES = 128  # ... and in places, so that its codes take little more
STATISTICS_PX = 1024  # edge of the tiles that a slice's mean and spread are measured in, about ...
STATISTICS_TILES = 64  # ... evenly spaced ones, if there are more
READ_BYTES = 2**27  # read at once for them
SAMPLE_EDGE = 16  # edge of the groups of neighbouring places that the sample is taken from
TRIES = 20  # groups looked at for every group that is needed: much of a volume may be padding
FINGERPRINT = (8, 64)  # squares of the volume, and their edge, that say whether it is the same


@dataclass(frozen=True)
class EmbedConfig:
    """How a volume becomes an embedding volume. Values come from ``configs/embed.yaml``."""

    level: int = 0  # resolution level, 0 the finest
    dataset: str | None = None  # path inside the source
    axes: str | None = None  # names of the stored axes, where the source does not say
    voxel_size_nm: list[float] | None = None  # (z, y, x); None: as the source says
    intensity: list[float] | None = None  # voxel values that become 0 and 1; None: of the type
    padding: float | None = None  # voxel value that is no tissue
    step_z_nm: float | None = None  # between slices that are embedded; None: every slice
    block: int | None = None  # places along Y and X in one file; None: what suits the memory
    n_sample: int = 8192  # patches that signatures are learnt from
    seed: int = 0  # of their draw
    worker: list[int] = field(default_factory=lambda: [0, 1])  # this one's number, and how many

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        for name, length in (("voxel_size_nm", 3), ("intensity", 2), ("worker", 2)):
            value = getattr(self, name)
            if value is not None and len(value) != length:
                raise ConfigError(f"embed.{name} must hold {length} numbers, got {list(value)}.")
        if self.intensity is not None and not self.intensity[0] < self.intensity[1]:
            raise ConfigError(
                f"embed.intensity must be [black, white] with black < white, got {self.intensity}."
            )
        if self.block is not None and (self.block < 1 or self.block % store.INNER):
            raise ConfigError(
                f"embed.block must be a multiple of {store.INNER} above 0, got {self.block}."
            )
        if self.step_z_nm is not None and not self.step_z_nm > 0:
            raise ConfigError(f"embed.step_z_nm must be above 0, got {self.step_z_nm:g}.")
        if self.n_sample < 2:
            raise ConfigError(f"embed.n_sample must be at least 2, got {self.n_sample}.")
        if not 0 <= self.worker[0] < self.worker[1]:
            raise ConfigError(
                "embed.worker must be [number, how many], numbers counted from 0, "
                f"got {list(self.worker)}."
            )


@dataclass(frozen=True)
class Filled:
    """What a run did."""

    store: Store
    n_patches: int  # embedded by this run; skipped ones are not counted
    n_blocks: int  # written by this run
    n_found: int  # blocks that were there and whole
    n_skipped: int  # places without contrast, of padding, or with NaN, in the blocks of this run
    seconds: float  # of the run
    seconds_disk: float  # of which reading and writing


@dataclass(frozen=True, eq=False)
class Source:
    """Parts of slices as the network is shown them.

    Attributes:
        volume: The voxels.
        intensity: Voxel values that become 0 and 1.
        padding: Voxel value that is no tissue, or None.
        contrast: Mean and spread of every slice of the grid, ``(Z, 2)``, float64; None: slices
            stay as they are.
    """

    volume: Volume
    intensity: tuple[float, float]
    padding: float | None
    contrast: np.ndarray | None = None

    def unit(self, voxels: np.ndarray) -> np.ndarray:
        """Return voxels as float32 in [0, 1]; NaN stays NaN."""
        low, high = self.intensity
        scaled = (voxels.astype(np.float32) - np.float32(low)) / np.float32(high - low)
        return np.clip(scaled, 0.0, 1.0)

    def shown(self, voxels: np.ndarray, z: int) -> np.ndarray:
        """Return a part ``(Y, X)`` of slice z of the grid with its contrast set, without NaN."""
        image = self.unit(voxels)
        if self.contrast is not None:
            image = patches.to_contrast(image, *self.contrast[z].tolist())
        return np.nan_to_num(image, copy=False, nan=patches.CONTRAST_MEAN)

    def tissue(self, voxels: np.ndarray) -> np.ndarray:
        """Return which voxels show anything, same shape, bool."""
        there = np.isfinite(voxels)
        return there if self.padding is None else there & (voxels != self.padding)


def fill(
    volume: Volume,
    model: Model,
    path: Path,
    *,
    patch: PatchConfig,
    settings: EmbedConfig,
    batch_size: int = 512,
    device: str | None = None,
    progress: bool = False,
    opened_as: str | None = None,
) -> Filled:
    """Write what is missing of an embedding volume; make it if it is not there.

    Args:
        volume: With square voxels in the slice plane.
        model: The encoder.
        path: Folder of the embedding volume. One that is there must have been made of the same
            volume with the same settings; the volume may have got more slices at its end.
        patch: Size and step of patches in the slice plane; whole patches only.
        settings: Everything else.
        batch_size: Patches encoded at once, if the network encodes each on its own.
        device: Torch device; None picks a GPU if there is one.
        progress: Show a bar with patches/s, GB/s and the time left.
        opened_as: Path or URL with which the volume can be opened again to draw results; None:
            its name.

    Returns:
        The store and what was done.

    Raises:
        ConfigError: If a setting does not fit the volume, or the store was made with others.
        DataError: If the volume cannot be read, shows nothing, or the store cannot be written.
            What was written stays, and the next run goes on there.
    """
    started = time.perf_counter()
    if isinstance(model.network, Fittable):
        raise ConfigError(
            f"model={model.name} learns from what it searches, so codes of another run would not "
            "be comparable. Choose a model whose weights are fixed, e.g. model=contrastive."
        )
    _check_square(volume)
    source = Source(volume, _intensity(volume, settings), settings.padding)
    there = store.open_store(path) if path.exists() else None
    block = settings.block if settings.block is not None or there is None else there.grid.block
    grid = make_grid(volume, patch, step_z_nm=settings.step_z_nm, block=block)
    asked = _asked(volume, model, grid, settings, source)
    asked["volume"]["name"] = volume.name if opened_as is None else opened_as
    encode = _Encoder(model, grid, batch_size, device)
    if there is None:
        source = replace(source, contrast=_contrast(model, source, grid, 0))
        there = _started(path, source, encode, asked, settings)
    there = _matching(there, source, model, asked, grid)
    contrast = there.manifest["contrast"]
    source = replace(source, contrast=None if contrast is None else np.array(contrast))
    return _filled(there, source, encode, settings.worker, started, show=progress)


def make_grid(
    volume: Volume, patch: PatchConfig, *, step_z_nm: float | None, block: int | None
) -> Grid:
    """Return the grid of whole patches over a volume.

    Args:
        volume: What is covered.
        patch: Edge and step in the slice plane, in pixels or nm.
        step_z_nm: Between slices, rounded to whole ones; None: every slice.
        block: Places along Y and X in one file; None: what suits the memory.

    Raises:
        ConfigError: If the volume is smaller than a patch.
    """
    size, stride = patches.size_and_stride(patch, volume.voxel_size_nm[1])
    step_z = 1 if step_z_nm is None else max(1, round(step_z_nm / volume.voxel_size_nm[0]))
    depth, height, width = volume.shape
    if min(height, width) < size:
        raise ConfigError(
            f"patch.size is {size} voxels, but {volume.name} is only {height} x {width} voxels "
            "(Y x X) in a slice. Choose a smaller patch.size."
        )
    if block is None:
        fitting = min(MOST_PLACES, REACH_PX // stride) // store.INNER * store.INNER
        block = max(store.INNER, fitting)
    counts = -(-depth // step_z), (height - size) // stride + 1, (width - size) // stride + 1
    steps = step_z, stride, stride
    return Grid(counts, size, steps, block, volume.voxel_size_nm, volume.origin_nm)


def _check_square(volume: Volume) -> None:
    _, height, width = volume.voxel_size_nm
    if not np.isclose(height, width, rtol=1e-3):
        raise ConfigError(
            f"{volume.name} has voxels of {height:g} x {width:g} nm in the slice plane (Y x X); "
            "patches need square ones. Resample it, or give embed.voxel_size_nm=[z,y,x] if it is "
            "wrong."
        )


def _intensity(volume: Volume, settings: EmbedConfig) -> tuple[float, float]:
    if settings.intensity is not None:
        return settings.intensity[0], settings.intensity[1]
    if volume.dtype not in RANGES:
        raise ConfigError(
            f"{volume.name} holds {volume.dtype} voxels, which have no fixed range. Say which "
            "values are black and white, e.g. embed.intensity=[0,4000]."
        )
    return RANGES[volume.dtype]


def _asked(
    volume: Volume, model: Model, grid: Grid, settings: EmbedConfig, source: Source
) -> dict[str, Any]:
    """Return the part of the manifest that a store must have to be filled with these settings."""
    return {
        "volume": {
            "name": volume.name,
            "shape": list(volume.shape),
            "dtype": volume.dtype.name,
            "fingerprint": _fingerprint(volume, volume.shape),
            "level": settings.level,
            "dataset": settings.dataset,
            "axes": settings.axes,
        },
        "grid": grid.to_dict(),
        "model": {
            "name": model.name,
            "network": model.settings,
            "preprocessing": asdict(model.preprocessing),
            "weights_sha256": model.sha256,
        },
        "code_size": cast(Encoder, model.network).code_size,
        "intensity": list(source.intensity),
        "padding": source.padding,
        "code_version": emqs.__version__,
    }


def _fingerprint(volume: Volume, shape: Triple) -> str:
    """Return a SHA-256 of voxels at a few fixed places of the first so many slices."""
    count, edge = FINGERPRINT
    rng = np.random.default_rng(0)
    digest = hashlib.sha256()
    for _ in range(count):
        z = int(rng.integers(shape[0]))
        y, x = (int(rng.integers(max(1, n - edge + 1))) for n in shape[1:])
        stop = z + 1, min(y + edge, shape[1]), min(x + edge, shape[2])
        digest.update(volume.read(Box((z, y, x), stop)).tobytes())
    return digest.hexdigest()


def _matching(
    there: Store, source: Source, model: Model, asked: dict[str, Any], grid: Grid
) -> Store:
    """Return a store that was there, made longer if the volume was; refuse any other difference."""
    old = there.manifest["volume"]["shape"]
    named = {key: asked["volume"][key] for key in ("shape", "dtype")}
    compared = {**asked, "volume": named}
    longer = asked["volume"]["shape"][0] > old[0] and asked["volume"]["shape"][1:] == old[1:]
    if longer:
        compared["volume"] = {"dtype": named["dtype"]}
        shape = [there.grid.shape[0], *asked["grid"]["shape"][1:]]
        compared["grid"] = {**asked["grid"], "shape": shape}
    store.check_same(there.path, there.manifest, compared)
    if (
        _fingerprint(source.volume, (old[0], old[1], old[2]))
        != there.manifest["volume"]["fingerprint"]
    ):
        raise ConfigError(
            f"{there.path} was made of other voxels than those of {source.volume.name}. Give "
            "another out=, or the volume it was made of."
        )
    if not longer:
        return there
    new = _contrast(model, source, grid, there.grid.shape[0])
    contrast = None if new is None else [*there.manifest["contrast"], *new.tolist()]
    return there.grow({**there.manifest, **asked, "contrast": contrast})


def _contrast(model: Model, source: Source, grid: Grid, first: int) -> np.ndarray | None:
    """Return mean and spread of the slices of the grid from ``first`` on, if the model needs them.

    All tissue of a slice counts or, of one that is larger than 64 tiles, that in evenly spaced
    tiles. A slice without tissue has mean 0.5 and spread 0.
    """
    if model.preprocessing.contrast == "none":
        return None
    volume = source.volume
    tile = [c * -(-STATISTICS_PX // c) for c in volume.chunks[1:]]
    corners = list(product(range(0, volume.shape[1], tile[0]), range(0, volume.shape[2], tile[1])))
    chosen = np.linspace(0, len(corners) - 1, min(len(corners), STATISTICS_TILES)).round()
    depth = max(1, READ_BYTES // (tile[0] * tile[1] * volume.dtype.itemsize))
    depth = min(depth, max(volume.chunks[0], 1))
    sums = np.zeros((grid.shape[0] - first, 3))  # count, sum, sum of squares
    wanted = np.arange(first, grid.shape[0]) * grid.stride[0]
    start = int(wanted[0]) // depth * depth if len(wanted) else volume.shape[0]
    for begin in range(start, volume.shape[0], depth):
        end = min(begin + depth, volume.shape[0])
        here = np.flatnonzero((wanted >= begin) & (wanted < end))
        for y, x in (corners[int(i)] for i in chosen) if len(here) else ():
            stop = end, min(y + tile[0], volume.shape[1]), min(x + tile[1], volume.shape[2])
            voxels = volume.read(Box((begin, y, x), stop))
            for i in here.tolist():
                sums[i] += _sums(source, voxels[int(wanted[i]) - begin])
    count = np.maximum(sums[:, 0], 1)
    mean = np.where(sums[:, 0] > 0, sums[:, 1] / count, patches.CONTRAST_MEAN)
    variance = np.where(sums[:, 0] > 0, sums[:, 2] / count - mean**2, 0.0)
    return np.stack([mean, np.sqrt(np.maximum(variance, 0))], axis=1)


def _sums(source: Source, voxels: np.ndarray) -> np.ndarray:
    """Return number, sum and sum of squares of what shows tissue, float64."""
    values = source.unit(voxels[source.tissue(voxels)]).astype(np.float64)
    return np.array([values.size, values.sum(), np.square(values).sum()])


def usable(source: Source, voxels: np.ndarray, grid: Grid, shape: tuple[int, int]) -> np.ndarray:
    """Return which patches are embedded: those with contrast, without NaN, at least half tissue.

    Args:
        source: Knows what padding is.
        voxels: What the patches cover, ``(Y, X)``; the first patch starts at the first voxel.
        grid: Edge and step.
        shape: Number of patches along Y and X.

    Returns:
        Shape ``shape``, bool.
    """

    def over(reduce: Callable[..., np.ndarray], image: np.ndarray) -> np.ndarray:
        for axis, (count, step) in enumerate(zip(shape, grid.stride[1:], strict=True)):
            parts = (
                image.take(np.arange(i * step, i * step + grid.size), axis) for i in range(count)
            )
            image = np.stack([reduce(part, axis=axis) for part in parts], axis=axis)
        return image

    most, least = over(np.max, voxels), over(np.min, voxels)  # NaN if there is one
    result = np.isfinite(most) & np.isfinite(least) & (most > least)
    if source.padding is not None:
        result &= over(np.mean, source.tissue(voxels).astype(np.float32)) >= 0.5
    return result


class _Encoder:
    """Codes of groups of neighbouring places, with the surroundings that the network sees."""

    def __init__(self, model: Model, grid: Grid, batch_size: int, device: str | None) -> None:
        self.model = replace(model, preprocessing=replace(model.preprocessing, contrast="none"))
        self.grid, self.batch_size, self.device = grid, batch_size, device
        network = cast(Encoder, model.network)
        self.around, self.meet = 0, grid.size  # voxels
        if isinstance(network, Convolutional):
            self.around = (-(-network.reach // network.input_size) + 1) * grid.size
            # where pixels of the slice and of the network's input meet, and a cell begins
            patches_between = math.lcm(network.input_size, network.cell) // network.input_size
            self.meet = patches_between * grid.size
        self.n_bytes = 0  # read so far
        self.seconds = 0.0  # of reading

    def __call__(self, source: Source, places: Box) -> tuple[np.ndarray, np.ndarray]:
        """Return codes ``(n, D)``, float16, of the usable places of a slice, and which these are.

        Args:
            source: The volume.
            places: One slice of the grid thick.

        Returns:
            Codes, and which places they are of, ``(Y, X)``, bool.
        """
        started = time.perf_counter()
        grid, volume = self.grid, source.volume
        first = [n * s for n, s in zip(places.start, grid.stride, strict=True)]
        last = [(n - 1) * s + grid.size for n, s in zip(places.stop, grid.stride, strict=True)]
        start = [max(0, n - self.around) // self.meet * self.meet for n in first[1:]]
        stop = [
            min(n + self.around + grid.size, length)
            for n, length in zip(last[1:], volume.shape[1:], strict=True)
        ]
        box = Box((first[0], start[0], start[1]), (first[0] + 1, stop[0], stop[1]))
        voxels = volume.read(box)[0]
        self.n_bytes += voxels.nbytes
        self.seconds += time.perf_counter() - started
        top, left = first[1] - start[0], first[2] - start[1]
        shape = places.shape[1:]
        own = voxels[top : last[1] - start[0], left : last[2] - start[1]]
        valid = usable(source, own, grid, shape)
        rows, columns = np.nonzero(valid)
        boxes = np.zeros((len(rows), 5), dtype=np.int64)
        boxes[:, 1] = top + rows * grid.stride[1]
        boxes[:, 2] = left + columns * grid.stride[2]
        boxes[:, 3:] = grid.size
        stack = Stack(str(box), [source.shown(voxels, places.start[0])], ["0"], intensity=(0, 1))
        return self._codes(stack, boxes), valid

    def _codes(self, stack: Stack, boxes: np.ndarray) -> np.ndarray:
        size = cast(Encoder, self.model.network).code_size
        codes = np.empty((len(boxes), size), dtype=np.float16)
        if len(boxes) == 0:
            return codes
        for here, batch in embeddings.embed_batches(
            self.model, stack, boxes, patch_size=self.grid.size, batch_size=self.batch_size,
            device=self.device,
        ):  # fmt: skip
            highest = float(np.abs(batch).max())
            if highest > np.finfo(np.float16).max:
                raise DataError(
                    f"A code in the box {stack.name} reaches {highest:g}, above the 65504 that "
                    "float16 can hold. Choose another model."
                )
            codes[here] = batch
        return codes


def _started(
    path: Path, source: Source, encode: _Encoder, asked: dict[str, Any], settings: EmbedConfig
) -> Store:
    """Return a new store, its signer learnt from a sample of the volume."""
    grid = encode.grid
    counts = [grid.shape[0], *(-(-n // SAMPLE_EDGE) for n in grid.shape[1:])]
    n_groups = int(np.prod(counts))
    rng = np.random.default_rng(settings.seed)
    most = TRIES * -(-settings.n_sample // SAMPLE_EDGE**2)
    if n_groups <= 10 * most:
        drawn = rng.permutation(n_groups)[:most]
    else:
        drawn = np.unique(rng.integers(n_groups, size=most))
        drawn = rng.permutation(drawn)
    found: list[np.ndarray] = []
    for z, y, x in np.stack(np.unravel_index(drawn, counts), axis=1).tolist():
        corner = z, y * SAMPLE_EDGE, x * SAMPLE_EDGE
        ends = z + 1, corner[1] + SAMPLE_EDGE, corner[2] + SAMPLE_EDGE
        stop = tuple(min(a, b) for a, b in zip(ends, grid.shape, strict=True))
        found.append(encode(source, Box(corner, (stop[0], stop[1], stop[2])))[0])
        if sum(len(codes) for codes in found) >= settings.n_sample:
            break
    sample = np.concatenate(found)[: settings.n_sample]
    if len(sample) < 2:
        raise DataError(
            f"{source.volume.name} shows nothing to embed: all but {len(sample)} of the patches "
            f"in {len(found)} places are constant, padding, or hold NaN. Look at the volume, and "
            "at embed.padding and embed.intensity."
        )
    signer = signatures.fit(sample.astype(np.float64), seed=settings.seed)
    manifest = {
        **asked,
        "contrast": None if source.contrast is None else source.contrast.tolist(),
        "signer": signer.to_dict(),
    }
    return store.create(path, manifest, sample)


def _filled(
    there: Store, source: Source, encode: _Encoder, worker: list[int], started: float, *, show: bool
) -> Filled:
    """Write all blocks that are missing or damaged; start with this worker's share of them."""
    grid = there.grid
    depth = max(1, source.volume.chunks[0] // grid.stride[0])
    blocks = list(grid.blocks(depth))
    begin = len(blocks) * worker[0] // worker[1]
    counts = {"patches": 0, "blocks": 0, "found": 0, "skipped": 0}
    writing = 0.0
    encode.n_bytes, encode.seconds = 0, 0.0
    with _bar(grid.n_places, show=show) as advance:
        for block in blocks[begin:] + blocks[:begin]:
            places = grid.places(block)
            n_here = int(np.prod(places.shape))
            if there.is_done(block):
                counts["found"] += 1
                advance(n_here, 0, encode.n_bytes)
                continue
            codes, valid = encode(source, places)
            before = time.perf_counter()
            there.write(block, codes, valid)
            writing += time.perf_counter() - before
            counts["blocks"] += 1
            counts["patches"] += len(codes)
            counts["skipped"] += n_here - len(codes)
            advance(n_here, n_here, encode.n_bytes)
    return Filled(
        there, counts["patches"], counts["blocks"], counts["found"], counts["skipped"],
        time.perf_counter() - started, writing + encode.seconds,
    )  # fmt: skip


@contextmanager
def _bar(total: int, *, show: bool) -> Iterator[Callable[[int, int, int], None]]:
    """Give a function that moves a bar: places passed, places made, bytes read in all."""
    columns = (
        *Progress.get_default_columns()[:-1],
        TimeRemainingColumn(),
        TextColumn("{task.fields[rate]:,.0f} patches/s, {task.fields[read]:.3f} GB/s"),
    )
    with Progress(*columns, disable=not show) as bar:
        task = bar.add_task("embed", total=total, rate=0.0, read=0.0)
        started, made = time.perf_counter(), 0

        def advance(passed: int, new: int, n_bytes: int) -> None:
            nonlocal made
            made += new
            seconds = max(time.perf_counter() - started, 1e-9)
            bar.update(task, advance=passed, rate=made / seconds, read=n_bytes / seconds / 1e9)

        yield advance
