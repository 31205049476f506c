"""The arrays of an embedding store: how each must be for a grid, and opening them."""

from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from emqs.embedding.short_codes import ShortCoder
from emqs.embedding.signatures import Signer
from emqs.embedding.stores.folders import SAMPLE, Folder, key_of
from emqs.embedding.stores.grid import PlaceGrid, Triple
from emqs.errors import DataError
from emqs.volumes.chunks import tensorstore, wait

ARRAYS = ("embeddings", "valid", "signatures")  # of every store
SHORT = "short"  # the array of short codes, which older stores do not have
#: The array of digests of each block, which older stores do not have: of the voxels it was made of,
#: of its codes, and of all else. The latter two know where the block lies, so that none is swapped.
MADE_OF = "made_of"
N_DIGESTS = 3
MOST_SAMPLE = 2**29  # numbers of the sample

Stated = tuple[str, tuple[int, ...], tuple[int, ...]]  # type, shape, shape of what is in a file


def opened(folder: Folder, name: str, **options: bool) -> Any:  # noqa: ANN401 - of tensorstore
    """Return an array, opened with options of tensorstore."""
    spec = {**folder.spec(name), "recheck_cached_data": "open", **options}
    context = folder.context()
    given = {} if context is None else {"context": context}
    opening = partial(tensorstore().open, spec, open=True, read=True, **given)
    return wait(opening, 0, f"{folder.name}/{name}")


def file_of(path: Path, name: str, block: Triple) -> Path:
    """Return the file of a block in an array of a store on disk."""
    return path / key_of(name, block)


def digest(block: Triple, *contents: np.ndarray) -> int:
    """Return a digest of what is stored of a block, and of where it lies; 64 bits."""
    made = blake2b(str(block).encode(), digest_size=8)
    for content in contents:
        made.update(np.ascontiguousarray(content).data)
    return int.from_bytes(made.digest(), "little")


def block_contents(
    block: Triple,
    codes: np.ndarray,
    valid: np.ndarray,
    made_of: int,
    signer: Signer,
    short_coder: ShortCoder | None,
) -> dict[str, np.ndarray]:
    """Return what each array holds of a block; arguments are those of ``EmbeddingStore.write``."""
    stored = np.zeros((codes.shape[1], *valid.shape), dtype=np.float16)
    stored[:, valid] = codes.T
    signatures = np.zeros(valid.shape, dtype=np.uint64)
    signatures[valid] = signer.sign(codes)
    contents = {
        "embeddings": stored[:, None],
        "valid": valid[None].astype(np.uint8),
        "signatures": signatures[None],
    }
    if short_coder is not None:
        short = np.zeros((*valid.shape, short_coder.size), dtype=np.uint8)
        short[valid] = short_coder.encode(codes)
        contents[SHORT] = short[None]
    rest = [contents[name] for name in ("signatures", "valid", SHORT) if name in contents]
    digests = [made_of, digest(block, contents["embeddings"]), digest(block, *rest)]
    contents[MADE_OF] = np.array(digests, dtype=np.uint64).reshape(1, 1, 1, N_DIGESTS)
    return contents


def opened_whole(
    folder: Folder, names: Sequence[str], grid: PlaceGrid, code_size: int, short_size: int
) -> dict[str, Any]:
    """Return the arrays of a store, opened so that a missing block is an error.

    They may be longer along Z than the grid: a store that grows tells the grid last.

    Args:
        folder: Of the store.
        names: Of its arrays; the sample is added.
        grid: Its places.
        code_size: Length D of a code.
        short_size: Bytes of a short code.

    Raises:
        DataError: If one is not what the manifest says; nothing of its size is allocated before.
    """
    arrays = {
        name: opened(folder, name, fill_missing_data_reads=False) for name in (*names, SAMPLE)
    }
    for name in names:
        along_z = 1 if name == "embeddings" else 0
        stated = _stated(arrays[name])
        depth = max([grid.shape[0], *stated[1][along_z : along_z + 1]])
        if stated != _expected(name, grid, depth, code_size, short_size):
            raise _unfit(f"{folder.name}/{name}", stated, grid, code_size)
    dtype, shape, _ = _stated(arrays[SAMPLE])
    fits = dtype == "float16" and len(shape) == 2 and shape[1] == code_size
    if not fits or prod(shape) > MOST_SAMPLE:
        raise _unfit(f"{folder.name}/{SAMPLE}", (dtype, shape, shape), grid, code_size)
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


def _unfit(where: str, stated: Stated, grid: PlaceGrid, code_size: int) -> DataError:
    return DataError(
        f"{where} is damaged: it says that it is {stated[0]} of {stated[1]} in files of "
        f"{stated[2]}, which does not fit a grid of {grid.shape} places with codes of {code_size} "
        "numbers. Get its zarr.json from a copy."
    )
