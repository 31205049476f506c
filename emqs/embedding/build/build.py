"""Makes an embedding volume, or goes on with one."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from emqs.embedding import short_codes, signatures
from emqs.embedding.build import compatibility, work
from emqs.embedding.build.grids import make_grid
from emqs.embedding.build.planes import PlaceSource, slices, statistics_depth
from emqs.embedding.build.settings import Built, EmbedConfig
from emqs.embedding.build.work import Done, WorkerContext
from emqs.embedding.signatures import Signer
from emqs.embedding.stores import creation, zarr
from emqs.embedding.stores.grid import INNER, PlaceGrid
from emqs.embedding.stores.steps import LEAST
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.errors import ConfigError, DataError
from emqs.models import Convolutional, Fittable, turned
from emqs.models.compute import DEFAULT, Compute
from emqs.models.weights import Model
from emqs.patches.settings import PatchConfig
from emqs.runs import progress
from emqs.runs.executors import Executor, InProcess
from emqs.volumes import Box, Volume
from emqs.volumes.stored import check_claim, none_is_there
from emqs.volumes.volume import RANGES

SAMPLE_EDGE = {"xy": (1, 20, 20), "ortho": (8, 8, 8)}  # groups of places the sample is taken from
TRIES = 20  # groups looked at for every group that is needed: much of a volume may be padding


def build(
    volume: Volume,
    model: Model,
    place: str | Path,
    *,
    patch: PatchConfig,
    settings: EmbedConfig,
    compute: Compute = DEFAULT,
    opened_as: str | None = None,
    executor: Executor | None = None,
) -> Built:
    """Write what is missing of an embedding volume; make it if it is not there.

    Args:
        volume: With square voxels in the slice plane.
        model: The encoder.
        place: Folder of the embedding volume, or its address in a bucket. One that is there must
            have been made of the same volume with the same settings; the volume may have got more
            slices at its end.
        patch: Size and step of patches in the slice plane; whole patches only.
        settings: Everything else.
        compute: Device, batch size (if the network encodes each patch on its own), and whether a
            bar shows patches/s, MB/s and the time left.
        opened_as: Path or URL with which the volume can be opened again to draw results; None:
            its name.
        executor: Does the work, and is closed at the end, e.g. that of ``on_ray``; None: this
            process.

    Returns:
        The store and what was done.

    Raises:
        ConfigError: If a setting does not fit the volume, or the store was made with others.
        DataError: If the volume cannot be read, shows nothing, or the store cannot be written.
            What was written stays, and the next run goes on there.
    """
    started = time.perf_counter()
    check_claim(volume)
    if isinstance(model.network, Fittable):
        raise ConfigError(
            f"model={model.name} learns from what it searches, so codes of another run would not "
            "be comparable. Choose a model whose weights are fixed, e.g. model=contrastive."
        )
    store = zarr.open_store(place) if creation.is_there(place) else None
    block = settings.block if settings.block is not None or store is None else store.grid.block
    grid = make_grid(
        volume, patch, step_z_nm=settings.step_z_nm, block=block, planes=settings.planes,
        scale=settings.scale,
    )  # fmt: skip
    if grid.scale is not None and not isinstance(model.network, Convolutional):
        raise ConfigError(
            f"embed.scale={settings.scale:g} needs an encoder that looks at whole slices, such as "
            f"model=contrastive; model={model.name} looks at patches. Leave it out."
        )
    source = PlaceSource(volume, _intensity(volume, settings), settings.padding)
    name = volume.name if opened_as is None else opened_as
    asked = compatibility.asked(source, model, grid, settings, name)
    longer = store is not None and compatibility.check(store, volume, asked)
    context = WorkerContext(source, model, grid, compute)
    executor = InProcess() if executor is None else executor
    with closing(executor):
        if store is None:
            store = _started(executor, context, place, asked, settings)
        elif longer:
            known = store.manifest["contrast"]
            new = _contrast(executor, context, store.grid.shape[0])
            contrast = None if new is None else [*known, *new.tolist()]
            store = store.grow({**store.manifest, **asked, "contrast": contrast})
        done = _filled(executor, context, store, settings.worker, show=compute.progress)
    return Built(
        store, done.n_patches, done.n_blocks, done.n_found, done.n_skipped,
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


def _contrast(executor: Executor, context: WorkerContext, first: int) -> np.ndarray | None:
    """Return mean and spread of slices, if the model needs them.

    Args:
        executor: Measures.
        context: Of this process.
        first: How many of the slices are known already.
    """
    if context.model.preprocessing.contrast == "none":
        return None
    numbers = slices(context.source.volume, context.grid)[first:]
    group = numbers // statistics_depth(context.source.volume)
    parts = [part.tolist() for part in np.split(numbers, np.flatnonzero(np.diff(group)) + 1)]
    measured = dict(executor.run(work.contrast, context, parts))
    return np.concatenate([measured[number] for number in range(len(parts))])


def sample_boxes(grid: PlaceGrid, settings: EmbedConfig) -> list[Box]:
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


def pairs_of_layers(grid: PlaceGrid, boxes: list[Box]) -> list[Box]:
    """Return a corner of each group of places, with what lies beneath; none of a single layer."""
    if grid.shape[0] < 2:
        return []
    pairs = []
    for box in boxes:
        z, y, x = min(box.start[0], grid.shape[0] - 2), *box.start[1:]
        stop = min(y + INNER, box.stop[1]), min(x + INNER, box.stop[2])
        pairs.append(Box((z, y, x), (z + 2, *stop)))
    return pairs


def fit_signer(
    sample: np.ndarray, steps: list[np.ndarray], weights_sha256: str | None, *, seed: int
) -> Signer:
    """Return a signer learnt where searches compare codes, as far as that is known.

    Args:
        sample: Codes from all over the volume, ``(N, D)``.
        steps: How codes differ from those beneath, ``(n, D)`` each; few say too little.
        weights_sha256: Of the file of the encoder.
        seed: As for ``signatures.fit``.
    """
    codes = sample.astype(np.float64)
    spread = codes.std(axis=0)
    scale = 1 / np.where(spread > 0, spread, 1)
    known = np.concatenate(steps) if sum(map(len, steps)) >= LEAST else None
    matrix = turned.shortening(scale, known, turned.of(weights_sha256))
    return signatures.fit(codes, seed=seed, matrix=matrix)


def _started(
    executor: Executor,
    context: WorkerContext,
    place: str | Path,
    asked: dict[str, Any],
    settings: EmbedConfig,
) -> EmbeddingStore:
    """Return a new store, its signer learnt from a sample of the volume."""
    creation.check_new(place)
    contrast = _contrast(executor, context, 0)
    boxes = sample_boxes(context.grid, settings)
    part = boxes, settings.n_sample, contrast
    ((_, drawn),) = executor.run(work.sample, context, [part])
    sample = np.concatenate(drawn)[: settings.n_sample]
    if len(sample) < 2 and none_is_there(context.source.volume):
        raise DataError(
            f"None of the chunks of {context.source.volume.name} that were asked for is there, "
            "only its metadata: there is nothing to embed. Check the address, and that the whole "
            "volume was copied there."
        )
    if len(sample) < 2:
        raise DataError(
            f"{context.source.volume.name} shows nothing to embed: all but {len(sample)} of the "
            f"patches in {len(drawn)} places are constant, padding, or hold NaN. Look at the "
            "volume, and at embed.padding and embed.intensity."
        )
    below = pairs_of_layers(context.grid, boxes[: len(drawn)])
    ((_, steps),) = executor.run(work.steps, context, [(below, contrast)])
    signer = fit_signer(sample, steps, context.model.sha256, seed=settings.seed)
    size = short_codes.fitting_size(sample.shape[1]) if settings.short is None else settings.short
    short = short_codes.fit(sample, size).to_dict() if size else None
    manifest = {
        **asked,
        "short_bytes": size,
        **({} if short is None else {"short": short}),
        "contrast": None if contrast is None else contrast.tolist(),
        "signer": signer.to_dict(),
    }
    return creation.create(place, manifest, sample)


def _filled(
    executor: Executor,
    context: WorkerContext,
    store: EmbeddingStore,
    worker: list[int],
    *,
    show: bool,
) -> Done:
    """Write all blocks that are missing or damaged; start with this worker's share of them."""
    grid = store.grid
    known = store.manifest["contrast"]
    source = replace(context.source, contrast=None if known is None else np.array(known))
    context = replace(context, source=source, grid=grid, store=store)
    depth = max(1, context.source.volume.chunks[0] // grid.stride[0])
    parts = work.parts(grid, depth, single=executor.single)
    begin = len(parts) * worker[0] // worker[1]
    total = Done()
    with _bar(grid.n_places, show=show) as advance:
        for _, done in executor.run(work.make, context, parts[begin:] + parts[:begin]):
            total += done
            advance(done)
    return total


@contextmanager
def _bar(total: int, *, show: bool) -> Iterator[Callable[[Done], None]]:
    """Give a function that moves a bar by what was done."""
    speed = "{task.fields[rate]:,.0f} patches/s, {task.fields[read]:,.1f} MB/s read"
    with progress.progress_bar(speed, show=show) as bar:
        task = bar.add_task("embed", total=total, rate=0.0, read=0.0)
        started, so_far = time.perf_counter(), Done()
        tell = progress.teller("embed", total) if show and bar.disable else None

        def advance(done: Done) -> None:
            nonlocal so_far
            so_far += done
            seconds = max(time.perf_counter() - started, 1e-9)
            rate, read = so_far.n_made / seconds, so_far.n_bytes / seconds / 1e6
            bar.update(task, advance=done.n_places, rate=rate, read=read)
            if tell is not None:
                tell(done.n_places)

        yield advance
