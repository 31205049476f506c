"""Makes an embedding volume, or goes on with one."""

from emqs.embedding.stores import creation
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress, TextColumn, TimeRemainingColumn

from emqs.embedding import signatures
from emqs.embedding.stores import zarr
from emqs.patches.settings import PatchConfig
from emqs.errors import ConfigError, DataError
from emqs.embedding.build import compatibility, work
from emqs.embedding.build.ray_executor import OnRay, Opener
from emqs.embedding.build.executors import Engine, Local
from emqs.embedding.build.grids import make_grid
from emqs.embedding.build.settings import EmbedConfig, Filled, RayConfig
from emqs.embedding.build.planes import Source, slices, statistics_depth
from emqs.embedding.build.work import Done, Hand
from emqs.models import Fittable
from emqs.embedding.stores.grid import Grid
from emqs.embedding.stores.zarr import Store
from emqs.volumes import Box, Volume
from emqs.volumes.volume import RANGES
from emqs.models.weights import Model

SAMPLE_EDGE = {"xy": (1, 20, 20), "ortho": (8, 8, 8)}  # groups of places the sample is taken from
TRIES = 20  # groups looked at for every group that is needed: much of a volume may be padding


def build(
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
    ray: RayConfig | None = None,
    reopen: Opener | None = None,
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
        ray: Let the processes of a Ray cluster do the work; None: this process does.
        reopen: Opens the volume in another process, e.g. a ``partial`` of ``open_volume``; needed
            with ``ray``.

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
    there = zarr.open_store(path) if path.exists() else None
    block = settings.block if settings.block is not None or there is None else there.grid.block
    grid = make_grid(
        volume, patch, step_z_nm=settings.step_z_nm, block=block, planes=settings.planes
    )
    source = Source(volume, _intensity(volume, settings), settings.padding)
    name = volume.name if opened_as is None else opened_as
    asked = compatibility.asked(source, model, grid, settings, name)
    longer = there is not None and compatibility.check(there, volume, asked)
    hand = Hand(source, model, grid, batch_size, device)
    engine: Engine = Local() if ray is None else OnRay(ray, reopen)
    with closing(engine):
        if there is None:
            there = _started(engine, hand, path, asked, settings)
        elif longer:
            known = there.manifest["contrast"]
            new = _contrast(engine, hand, there.grid.shape[0])
            contrast = None if new is None else [*known, *new.tolist()]
            there = there.grow({**there.manifest, **asked, "contrast": contrast})
        done = _filled(engine, hand, there, settings.worker, show=progress)
    return Filled(
        there, done.n_patches, done.n_blocks, done.n_found, done.n_skipped,
        time.perf_counter() - started, done.seconds_disk,
    )  # fmt: skip


def _intensity(volume: Volume, settings: EmbedConfig) -> tuple[float, float]:
    if settings.intensity is not None:
        return settings.intensity[0], settings.intensity[1]
    if volume.dtype not in RANGES:
        raise ConfigError(
            f"{volume.name} holds {volume.dtype} voxels, which have no fixed range. Say which "
            "values are black and white, e.g. embed.intensity=[0,4000]."
        )
    return RANGES[volume.dtype]


def _contrast(engine: Engine, hand: Hand, first: int) -> np.ndarray | None:
    """Return mean and spread of slices, if the model needs them.

    Args:
        engine: Measures.
        hand: Of this process.
        first: How many of the slices are known already.
    """
    if hand.model.preprocessing.contrast == "none":
        return None
    wanted = slices(hand.source.volume, hand.grid)[first:]
    group = wanted // statistics_depth(hand.source.volume)
    parts = [part.tolist() for part in np.split(wanted, np.flatnonzero(np.diff(group)) + 1)]
    found = dict(engine.run(work.contrast, hand, parts))
    return np.concatenate([found[number] for number in range(len(parts))])


def sample_boxes(grid: Grid, settings: EmbedConfig) -> list[Box]:
    """Return groups of places all over the grid, in the order in which they are looked at."""
    edges = SAMPLE_EDGE[grid.planes]
    counts = [-(-n // edge) for n, edge in zip(grid.shape, edges, strict=True)]
    n_groups = int(np.prod(counts))
    rng = np.random.default_rng(settings.seed)
    most = TRIES * -(-settings.n_sample // int(np.prod(edges)))
    if n_groups <= 10 * most:
        drawn = rng.permutation(n_groups)[:most]
    else:
        drawn = np.unique(rng.integers(n_groups, size=most))
        drawn = rng.permutation(drawn)
    boxes = []
    for group in np.stack(np.unravel_index(drawn, counts), axis=1).tolist():
        z, y, x = (n * edge for n, edge in zip(group, edges, strict=True))
        ends = z + edges[0], y + edges[1], x + edges[2]
        stop = tuple(min(a, b) for a, b in zip(ends, grid.shape, strict=True))
        boxes.append(Box((z, y, x), (stop[0], stop[1], stop[2])))
    return boxes


def _started(
    engine: Engine, hand: Hand, path: Path, asked: dict[str, Any], settings: EmbedConfig
) -> Store:
    """Return a new store, its signer learnt from a sample of the volume."""
    creation.check_new(path)
    contrast = _contrast(engine, hand, 0)
    boxes = sample_boxes(hand.grid, settings)
    part = boxes, settings.n_sample, contrast
    ((_, found),) = engine.run(work.sample, hand, [part])
    sample = np.concatenate(found)[: settings.n_sample]
    if len(sample) < 2:
        raise DataError(
            f"{hand.source.volume.name} shows nothing to embed: all but {len(sample)} of the "
            f"patches in {len(found)} places are constant, padding, or hold NaN. Look at the "
            "volume, and at embed.padding and embed.intensity."
        )
    signer = signatures.fit(sample.astype(np.float64), seed=settings.seed)
    manifest = {
        **asked,
        "contrast": None if contrast is None else contrast.tolist(),
        "signer": signer.to_dict(),
    }
    return creation.create(path, manifest, sample)


def _filled(engine: Engine, hand: Hand, there: Store, worker: list[int], *, show: bool) -> Done:
    """Write all blocks that are missing or damaged; start with this worker's share of them."""
    grid = there.grid
    known = there.manifest["contrast"]
    source = replace(hand.source, contrast=None if known is None else np.array(known))
    hand = replace(hand, source=source, grid=grid, store=there)
    depth = max(1, hand.source.volume.chunks[0] // grid.stride[0])
    parts = work.parts(grid, depth, single=engine.single)
    begin = len(parts) * worker[0] // worker[1]
    total = Done()
    with _bar(grid.n_places, show=show) as advance:
        for _, done in engine.run(work.make, hand, parts[begin:] + parts[:begin]):
            total += done
            advance(done)
    return total


@contextmanager
def _bar(total: int, *, show: bool) -> Iterator[Callable[[Done], None]]:
    """Give a function that moves a bar by what was done."""
    columns = (
        *Progress.get_default_columns()[:-1],
        TimeRemainingColumn(),
        TextColumn("{task.fields[rate]:,.0f} patches/s, {task.fields[read]:.3f} GB/s"),
    )
    with Progress(*columns, disable=not show) as bar:
        task = bar.add_task("embed", total=total, rate=0.0, read=0.0)
        started, so_far = time.perf_counter(), Done()

        def advance(done: Done) -> None:
            nonlocal so_far
            so_far += done
            seconds = max(time.perf_counter() - started, 1e-9)
            rate, read = so_far.n_made / seconds, so_far.n_bytes / seconds / 1e9
            bar.update(task, advance=done.n_places, rate=rate, read=read)

        yield advance
