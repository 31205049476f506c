"""Embedding stores with codes that are drawn at random: made in a moment, without any network."""

from pathlib import Path

import numpy as np

from emqs.embedding import short_codes, signatures
from emqs.embedding.stores import creation
from emqs.embedding.stores.grid import PlaceGrid, Triple
from emqs.embedding.stores.zarr import EmbeddingStore

CODE = 16  # numbers in a code
EDGE = 16  # of a patch, in voxels
STRIDE = (1, 8, 8)
VOXEL_NM = (30.0, 5.0, 5.0)


def grid_of(shape: Triple = (4, 24, 32), block: int = 16) -> PlaceGrid:
    return PlaceGrid(shape, EDGE, STRIDE, block, VOXEL_NM, (0.0, 0.0, 0.0))


def random_codes(grid: PlaceGrid, seed: int = 0, kinds: int = 6) -> np.ndarray:
    """Return codes in a few heaps, ``(N, D)``, float16."""
    rng = np.random.default_rng(seed)
    heaps = np.random.default_rng(99).normal(size=(kinds, CODE)) * 2
    chosen = rng.integers(kinds, size=grid.n_places)
    return (heaps[chosen] + rng.normal(size=(grid.n_places, CODE))).astype(np.float16)


def write_store(
    path: str | Path,
    codes: np.ndarray,
    grid: PlaceGrid,
    *,
    blocks: int | None = None,
    name: str = "none",
    short: int = 0,
    source: str = "none",
) -> EmbeddingStore:
    """Write an embedding store.

    Args:
        path: Its folder, or its address in a bucket.
        codes: Of all places.
        grid: Where they lie.
        blocks: How many blocks are written; None: all.
        name: Of the model.
        short: Bytes of short codes; 0: without.
        source: Where the volume lies, as the store says.
    """
    sample = codes[:: max(1, len(codes) // 512)]
    z, y, x = (
        (n - 1) * s + (grid.size if axis else 1)
        for axis, (n, s) in enumerate(zip(grid.shape, grid.stride, strict=True))
    )
    model = {"name": name, "network": {}, "preprocessing": {}, "weights_sha256": ""}
    manifest = {
        "volume": {"name": source, "shape": [z, y, x]},
        "grid": grid.to_dict(),
        "model": model,
        "code_size": codes.shape[1],
        "signer": signatures.fit(sample.astype(np.float64), seed=0).to_dict(),
    }
    if short:
        manifest["short"] = short_codes.fit(sample, short).to_dict()
    made = creation.create(path, manifest, sample)
    add_blocks(made, codes, 0, blocks)
    return made


def add_blocks(made: EmbeddingStore, codes: np.ndarray, first: int, last: int | None) -> None:
    """Write blocks of a store from one number to another."""
    for block in list(made.grid.blocks())[first:last]:
        places = made.grid.places(block)
        there = np.ones(places.shape[1:], dtype=np.bool_)
        made.write(block, codes[made.grid.positions(places)], there)
