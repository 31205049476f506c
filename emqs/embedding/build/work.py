"""The parts that embedding a volume is made of. Any process can do any of them, in any order."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from emqs.embedding.build import planes
from emqs.embedding.build.block_encoder import BlockEncoder
from emqs.embedding.build.planes import PlaceSource
from emqs.embedding.stores.grid import PlaceGrid, Triple
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.models.compute import Compute
from emqs.models.weights import Model
from emqs.volumes import Box


@dataclass(frozen=True, eq=False)
class WorkerContext:
    """What a process needs to do its part.

    Attributes:
        source: The volume; with its contrast, once that is known.
        model: The encoder.
        grid: Where patches lie.
        compute: Device, and batch size if the network encodes each patch on its own.
        store: What is filled, once it is there.
    """

    source: PlaceSource
    model: Model
    grid: PlaceGrid
    compute: Compute
    store: EmbeddingStore | None = field(default=None, repr=False)

    @cached_property
    def encode(self) -> BlockEncoder:
        """What makes codes."""
        return BlockEncoder(self.source, self.model, self.grid, self.compute)


@dataclass(frozen=True)
class Done:
    """What became of some blocks."""

    n_patches: int = 0  # embedded
    n_blocks: int = 0  # written
    n_found: int = 0  # there and whole
    n_skipped: int = 0  # places that show nothing, in the blocks that were written
    n_places: int = 0  # in all of the blocks
    n_made: int = 0  # in those that were written
    n_bytes: int = 0  # voxels read
    seconds_disk: float = 0.0

    def __add__(self, other: "Done") -> "Done":
        """Return the sum."""
        mine, theirs = vars(self), vars(other)
        return Done(**{name: mine[name] + theirs[name] for name in mine})


def contrast(context: WorkerContext, numbers: list[int]) -> np.ndarray:
    """Return mean and spread of slices; see ``source.contrast``."""
    return planes.contrast(context.source, np.array(numbers, dtype=np.int64))


def sample(
    context: WorkerContext, part: tuple[list[Box], int, np.ndarray | None]
) -> list[np.ndarray]:
    """Return codes ``(n, D)``, float16, of groups of places, until there are enough.

    Args:
        context: Of this process.
        part: The groups, how many codes are enough, and the contrast of slices.
    """
    boxes, enough, known = part
    context = replace(context, source=replace(context.source, contrast=known))
    drawn: list[np.ndarray] = []
    for box in boxes:
        drawn.append(context.encode(box)[0])
        if sum(len(codes) for codes in drawn) >= enough:
            break
    return drawn


def steps(context: WorkerContext, part: tuple[list[Box], np.ndarray | None]) -> list[np.ndarray]:
    """Return how codes differ from those beneath, ``(n, D)``, float32, in each group of places.

    Args:
        context: Of this process.
        part: Groups of two layers of places, and the contrast of slices.
    """
    boxes, known = part
    context = replace(context, source=replace(context.source, contrast=known))
    differences = []
    for box in boxes:
        codes, valid = context.encode(box)
        layers = np.zeros((*valid.shape, codes.shape[1]), dtype=np.float32)
        layers[valid] = codes
        differences.append((layers[1] - layers[0])[valid.all(axis=0)])
    return differences


def make(context: WorkerContext, blocks: list[Triple]) -> Done:
    """Write those of some blocks that are missing or damaged.

    Args:
        context: Of this process; it has a store.
        blocks: Neighbours above each other. With ``planes="ortho"`` all of a cube, so that its
            planes are encoded once; a code is then the same whichever of them are missing.
    """
    store, grid = context.store, context.grid
    if store is None:
        raise RuntimeError("make needs a store")
    missing = [block for block in blocks if not store.is_done(block)]
    done = Done(
        n_found=len(blocks) - len(missing),
        n_places=sum(int(np.prod(grid.places(block).shape)) for block in blocks),
    )
    for block, codes, valid in _encoded(context, blocks, missing):
        before = time.perf_counter()
        store.write(block, codes, valid, context.encode.made_of)
        done += Done(
            n_patches=len(codes),
            n_blocks=1,
            n_skipped=int(valid.size - len(codes)),
            n_made=int(valid.size),
            seconds_disk=time.perf_counter() - before,
        )
    reading = context.encode.planes
    done += Done(n_bytes=reading.n_bytes, seconds_disk=reading.seconds)
    reading.n_bytes, reading.seconds = 0, 0.0
    return done


def _encoded(
    context: WorkerContext, blocks: list[Triple], missing: list[Triple]
) -> Iterator[tuple[Triple, np.ndarray, np.ndarray]]:
    """Yield each missing block, its codes, and which of its places they are of, ``(Y, X)``."""
    grid = context.grid
    if grid.planes == "xy":
        for block in missing:
            codes, valid = context.encode(grid.places(block))
            yield block, codes, valid[0]
    elif missing:
        first, last = grid.places(blocks[0]), grid.places(blocks[-1])
        codes, valid = context.encode(Box(first.start, last.stop))
        ends = np.cumsum(valid.sum(axis=(1, 2)))[:-1]
        for block, own, block_valid in zip(blocks, np.split(codes, ends), valid, strict=True):
            if block in missing:
                yield block, own, block_valid


def parts(grid: PlaceGrid, depth: int, *, single: bool) -> list[list[Triple]]:
    """Return the blocks in parts that are worked on together.

    Args:
        grid: Where patches lie.
        depth: Places along Z that share stored chunks of the volume.
        single: Parts of one block, if that costs nothing: with ``planes="xy"``, in one process.
    """
    if grid.planes == "ortho":
        depth = grid.block
    blocks = list(grid.blocks(depth))
    if single and grid.planes == "xy":
        return [[block] for block in blocks]
    runs: list[list[Triple]] = []
    for block in blocks:
        if runs and runs[-1][-1][1:] == block[1:] and runs[-1][0][0] // depth == block[0] // depth:
            runs[-1].append(block)
        else:
            runs.append([block])
    return runs
