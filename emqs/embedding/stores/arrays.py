"""The arrays of an embedding store: how each must be for a grid, and opening them."""

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

from emqs.embedding.stores.grid import PlaceGrid
from emqs.errors import DataError
from emqs.volumes.chunks import tensorstore, wait

ARRAYS = ("embeddings", "valid", "signatures")  # of every store
SHORT = "short"  # the array of short codes, which older stores do not have
MADE_OF = "made_of"  # digests of the voxels of each block, which older stores do not have
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
        MADE_OF: ("uint64", (depth, *grid.blocks_shape[1:]), (1, 1, 1)),
        "signatures": ("uint64", places, block),
    }
    return known[name]


def _unfit(path: Path, stated: Stated, grid: PlaceGrid, code_size: int) -> DataError:
    return DataError(
        f"{path} is damaged: it says that it is {stated[0]} of {stated[1]} in files of "
        f"{stated[2]}, which does not fit a grid of {grid.shape} places with codes of {code_size} "
        "numbers. Get its zarr.json from a copy."
    )
