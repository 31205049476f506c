"""Whether an embedding volume is whole, and still is that of its source."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emqs.embedding.build import compatibility, work
from emqs.embedding.build.block_encoder import BlockEncoder
from emqs.embedding.build.planes import PlaceSource
from emqs.embedding.stores.grid import PlaceGrid, Triple
from emqs.embedding.stores.zarr import EmbeddingStore, open_store
from emqs.errors import DataError
from emqs.models.compute import DEFAULT, Compute
from emqs.models.weights import Model
from emqs.runs.progress import advancing
from emqs.volumes import Box, Volume

SHOWN = 3  # blocks named in a message


@dataclass(frozen=True)
class Verified:
    """What was looked at.

    Attributes:
        store: The store.
        missing: Blocks that are not there yet.
        damaged: Blocks that do not match their checksums.
        changed: Blocks that were made of other voxels than the source has now.
        n_whole: Blocks that are as they should be.
        n_unknown: Of these, how many an older emqs made, which kept no digest of the voxels.
    """

    store: EmbeddingStore
    missing: tuple[Triple, ...]
    damaged: tuple[Triple, ...]
    changed: tuple[Triple, ...]
    n_whole: int
    n_unknown: int

    def check(self) -> None:
        """Raise unless nothing is damaged or changed.

        Raises:
            DataError: If something is.
        """
        said = []
        for blocks, what in (
            (self.damaged, "damaged, and are made again by the same command with task=embed"),
            (self.changed, "made of other voxels than the source has now: embed it into another"),
        ):
            if blocks:
                named = ", ".join(str(list(block)) for block in blocks[:SHOWN])
                more = f" and {len(blocks) - SHOWN} more" if len(blocks) > SHOWN else ""
                said.append(f"{len(blocks)} blocks ({named}{more}) are {what}")
        if said:
            raise DataError(f"{self.store.name}: {'; '.join(said)}.")


def verify(
    volume: Volume, model: Model, place: str | Path, *, compute: Compute = DEFAULT
) -> Verified:
    """Compare an embedding volume with its checksums, and with its source; both are only read.

    Args:
        volume: That it was made of; all that was embedded is read again.
        model: That it was made with; nothing is encoded, it says what a code depends on.
        place: The embedding volume.
        compute: Whether a bar is shown.

    Raises:
        DataError: If there is no store, its manifest is damaged, or the source cannot be read.
        ConfigError: If the volume or the model is another than the store's.
    """
    store = open_store(place)
    compatibility.check_shown(store, volume, model)
    low, high = store.manifest["intensity"]
    source = PlaceSource(volume, (low, high), store.manifest["padding"])
    encoder = BlockEncoder(source, model, store.grid, compute)
    missing: list[Triple] = []
    damaged: list[Triple] = []
    changed: list[Triple] = []
    n_whole = n_unknown = 0
    with advancing("verify", store.grid.n_places, "{task.completed:,.0f} places") as advance:
        for places, blocks in _groups(store.grid, volume):
            digest: int | None = None
            for block in blocks:
                advance(int(np.prod(store.grid.places(block).shape)))
                if not store.has(block):
                    missing.append(block)
                elif not store.is_done(block):
                    damaged.append(block)
                elif store.made_of(block) is None:
                    n_unknown, n_whole = n_unknown + 1, n_whole + 1
                else:
                    digest = encoder.digest_of(places) if digest is None else digest
                    is_same = store.made_of(block) == digest
                    n_whole += is_same
                    changed.extend(() if is_same else [block])
    return Verified(store, tuple(missing), tuple(damaged), tuple(changed), n_whole, n_unknown)


def _groups(grid: PlaceGrid, volume: Volume) -> Iterator[tuple[Box, list[Triple]]]:
    """Yield places whose codes were made of the same voxels, and their blocks."""
    depth = max(1, volume.chunks[0] // grid.stride[0])
    for blocks in work.parts(grid, depth, single=True):
        first, last = grid.places(blocks[0]), grid.places(blocks[-1])
        yield Box(first.start, last.stop), blocks
