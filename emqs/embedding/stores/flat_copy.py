"""Flat copies of what is searched: one file for all places, in the order of the grid, mapped.

A copy lies in the folder ``.scan`` of a store and follows it: what was written since is added.
Beside it lies which blocks it holds, and the time and size of their files. A copy that is shorter
than that says, or whose list cannot be read, is damaged and made again.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from emqs.embedding.stores.grid import PlaceGrid, Triple
from emqs.errors import DataError
from emqs.files import replacing

COPY = ".scan"
NOTED_S = 20.0  # between two notes of what is copied so far

Stamp = list[int]
Part = tuple[str, Any, int]  # ending of a file, type and count of the numbers of a place

logger = logging.getLogger(__name__)


def stamps(path: Path, blocks: list[Triple]) -> dict[Triple, Stamp]:
    """Return what changes when a block is written again: of its signatures, which come last."""
    result = {}
    for block in blocks:
        z, y, x = block
        status = os.stat(f"{path}/signatures/c/{z}/{y}/{x}")  # noqa: PTH116 - fast
        result[block] = [status.st_mtime_ns, status.st_ino, status.st_size]
    return result


def followed(
    path: Path,
    grid: PlaceGrid,
    note: str,
    parts: tuple[Part, ...],
    blocks: Mapping[Triple, Stamp],
    read: Callable[[Triple], tuple[np.ndarray, ...]],
) -> tuple[Any, ...]:
    """Return flat copies, brought up to date.

    Args:
        path: The store.
        grid: Its places.
        note: Ending of the file that says what is copied.
        parts: What is copied.
        blocks: Blocks of the store, and what changes when one is written again.
        read: Returns a block of each part, in the shape of its places; what is copied of a block
            that is not there any more is set to 0 in the last part.

    Returns:
        An array for each part, ``(N,)``, or ``(N, count)`` where a place has several numbers.

    Raises:
        DataError: If a block is damaged, or the copy cannot be written.
    """
    folder = path / COPY
    name = "x".join(map(str, grid.shape))
    try:
        folder.mkdir(exist_ok=True)
        state = folder / f"{name}{note}.json"
        files = [folder / f"{name}{ending}" for ending, _, _ in parts]
        known = _known(state, files, parts, grid)
        arrays = tuple(
            _mapped(file, dtype, grid.n_places, count)
            for file, (_, dtype, count) in zip(files, parts, strict=True)
        )
        _update(state, known, arrays, grid, blocks, read)
    except OSError as error:
        raise DataError(
            f"The copy of signatures that is searched cannot be written to {folder}: "
            f"{error.strerror}. Make room there, or make it writable."
        ) from None
    return arrays


def _known(
    state: Path, files: list[Path], parts: tuple[Part, ...], grid: PlaceGrid
) -> dict[str, Stamp]:
    """Return the blocks that a copy holds, none if it is damaged."""
    if not state.is_file():
        return {}
    sizes = [grid.n_places * count * np.dtype(dtype).itemsize for _, dtype, count in parts]
    whole = all(
        file.is_file() and file.stat().st_size == size
        for file, size in zip(files, sizes, strict=True)
    )
    try:
        known = dict(json.loads(state.read_text()))
    except (ValueError, TypeError):
        whole, known = False, {}
    if whole:
        return known
    logger.warning("The copy %s that is searched is damaged; it is made again.", files[0])
    state.unlink()
    return {}


def _update(
    state: Path,
    known: dict[str, Stamp],
    arrays: tuple[Any, ...],
    grid: PlaceGrid,
    blocks: Mapping[Triple, Stamp],
    read: Callable[[Triple], tuple[np.ndarray, ...]],
) -> None:
    """Copy what is new, take out what is gone, and note it."""
    shaped = [array.reshape(*grid.shape, *array.shape[1:]) for array in arrays]
    noted, changed = time.monotonic(), False

    def note() -> None:
        for array in arrays:
            array.flush()
        with replacing(state) as temporary:
            temporary.write_text(json.dumps(known))

    for block, stamp in blocks.items():
        key = ",".join(map(str, block))
        if known.get(key) == stamp:
            continue
        where = grid.places(block).slices
        for array, content in zip(shaped, read(block), strict=True):
            array[where] = content
        known[key] = stamp
        changed = True
        if time.monotonic() - noted > NOTED_S:
            note()
            noted = time.monotonic()
    complete = {",".join(map(str, block)) for block in blocks}
    for key in [key for key in known if key not in complete]:  # it is being made again
        z, y, x = (int(part) for part in key.split(","))
        shaped[-1][grid.places((z, y, x)).slices] = 0
        del known[key]
        changed = True
    if changed:
        note()


def _mapped(path: Path, dtype: Any, n_places: int, count: int) -> Any:  # noqa: ANN401 - can be flushed
    """Return a file as an array that can be written; it is made longer, never emptied."""
    size = n_places * count * np.dtype(dtype).itemsize
    with path.open("ab") as stream:
        if stream.tell() < size:
            os.truncate(path, size)
    shape = (n_places,) if count == 1 else (n_places, count)
    return np.memmap(path, dtype=dtype, mode="r+", shape=shape)
