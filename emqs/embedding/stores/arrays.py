"""The arrays of an embedding store: how each must be for a grid, and opening them."""

import os
from collections.abc import Sequence
from hashlib import blake2b
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from emqs.embedding.stores.grid import PlaceGrid, Triple
from emqs.errors import DataError
from emqs.volumes.chunks import tensorstore, wait

ARRAYS = ("embeddings", "valid", "signatures")  # of every store
SHORT = "short"  # the array of short codes, which older stores do not have
#: The array of digests of each block, which older stores do not have: of the voxels it was made of,
#: of its codes, and of all else. The latter two know where the block lies, so that none is swapped.
MADE_OF = "made_of"
N_DIGESTS = 3
SAMPLE = "sample"
MOST_SAMPLE = 2**29  # numbers of the sample

Stated = tuple[str, tuple[int, ...], tuple[int, ...]]  # type, shape, shape of what is in a file


def kvstore(path: Path) -> dict[str, Any]:
    """Return what tensorstore calls a folder."""
    return {"driver": "file", "path": f"{path.absolute()}/"}


def opened(path: Path, **options: bool) -> Any:  # noqa: ANN401 - an array of tensorstore
    """Return an array, opened with options of tensorstore."""
    spec = {"driver": "zarr3", "kvstore": kvstore(path), "recheck_cached_data": "open", **options}
    return wait(lambda: tensorstore().open(spec, open=True, read=True, write=True), 0, str(path))


def file_of(path: Path, name: str, block: Triple) -> Path:
    """Return the file of a block in an array of a store."""
    ends = {"embeddings": (0, *block), SHORT: (*block, 0), MADE_OF: (*block, 0)}  # four axes
    return path / name / "c" / "/".join(map(str, ends.get(name, block)))


def written(path: Path, name: str, blocks_shape: Triple) -> set[Triple]:
    """Return the blocks of which an array has a file; folders are listed, no file is opened."""
    top = f"{path}/{name}/c" + ("/0" if name == "embeddings" else "")
    n_z, n_y, n_x = blocks_shape
    return {
        (z, y, x)
        for z in _numbers(top, n_z)
        for y in _numbers(f"{top}/{z}", n_y)
        for x in _numbers(f"{top}/{z}/{y}", n_x)
    }


def _numbers(folder: str, count: int) -> list[int]:
    """Return the names in a folder that are numbers below a count; none if there is no folder."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - there may be ten thousands
    except FileNotFoundError:
        return []
    return [int(name) for name in names if name.isdecimal() and int(name) < count]


def digest(block: Triple, *contents: np.ndarray) -> int:
    """Return a digest of what is stored of a block, and of where it lies; 64 bits."""
    made = blake2b(str(block).encode(), digest_size=8)
    for content in contents:
        made.update(np.ascontiguousarray(content).data)
    return int.from_bytes(made.digest(), "little")


def opened_whole(
    path: Path, names: Sequence[str], grid: PlaceGrid, code_size: int, short_size: int
) -> dict[str, Any]:
    """Return the arrays of a store, opened so that a missing block is an error.

    They may be longer along Z than the grid: a store that grows tells the grid last.

    Args:
        path: The store.
        names: Of its arrays; the sample is added.
        grid: Its places.
        code_size: Length D of a code.
        short_size: Bytes of a short code.

    Raises:
        DataError: If one is not what the manifest says; nothing of its size is allocated before.
    """
    arrays = {name: opened(path / name, fill_missing_data_reads=False) for name in (*names, SAMPLE)}
    for name in names:
        along_z = 1 if name == "embeddings" else 0
        stated = _stated(arrays[name])
        depth = max([grid.shape[0], *stated[1][along_z : along_z + 1]])
        if stated != _expected(name, grid, depth, code_size, short_size):
            raise _unfit(path / name, stated, grid, code_size)
    dtype, shape, _ = _stated(arrays[SAMPLE])
    fits = dtype == "float16" and len(shape) == 2 and shape[1] == code_size
    if not fits or prod(shape) > MOST_SAMPLE:
        raise _unfit(path / SAMPLE, (dtype, shape, shape), grid, code_size)
    return arrays


def _stated(array: Any) -> Stated:  # noqa: ANN401
    return array.dtype.name, tuple(array.shape), tuple(array.chunk_layout.write_chunk.shape)


def _expected(name: str, grid: PlaceGrid, depth: int, code_size: int, short_size: int) -> Stated:
    places = (depth, *grid.shape[1:])
    block = (1, grid.block, grid.block)
    known: dict[str, Stated] = {
        "embeddings": ("float16", (code_size, *places), (code_size, *block)),
        "valid": ("uint8", places, block),
        SHORT: ("uint8", (*places, short_size), (*block, short_size)),
        MADE_OF: ("uint64", (depth, *grid.blocks_shape[1:], N_DIGESTS), (1, 1, 1, N_DIGESTS)),
        "signatures": ("uint64", places, block),
    }
    return known[name]


def _unfit(path: Path, stated: Stated, grid: PlaceGrid, code_size: int) -> DataError:
    return DataError(
        f"{path} is damaged: it says that it is {stated[0]} of {stated[1]} in files of "
        f"{stated[2]}, which does not fit a grid of {grid.shape} places with codes of {code_size} "
        "numbers. Get its zarr.json from a copy."
    )
