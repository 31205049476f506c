"""Coarser copies of volumes that bring none themselves, made once and kept.

Images are averaged, and labels get the one that most voxels of a block have: no label is invented.
Each level is made of the one before it, is a Zarr array in the cache of the server's home, and
appears whole or not at all.

    python -m emqs.web.levels --url brain.tif --kind image --out lab/cache/levels/KEY
"""

import argparse
import fcntl
import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import DataError, EmqsError
from emqs.files import clear_leftovers, new_folder
from emqs.volumes import Box, Volume, open_volume
from emqs.volumes.chunks import tensorstore, wait
from emqs.volumes.downsampling import mode_pool, pool_factors
from emqs.web.chunks import Scale
from emqs.web.sources import Place, open_place, own_levels, stamp

VERSION = 1  # of how levels are made; another one makes them again
CHUNK = 64
SHARD = (64, 256, 256)  # voxels in one file, Z Y X
SMALLEST = 128  # a level whose longest axis is as short has no coarser one
SLAB = 8  # slices of a level that are made at once
BLOCK_BYTES = 2**28  # of a level that are written at once
AT_ONCE_VOXELS = 2**25  # a volume of so many is averaged while the user waits

logger = logging.getLogger(__name__)

Triple = tuple[int, int, int]
Step = Callable[[float, str], None]


def plan(shape: Triple, voxel_size_nm: tuple[float, float, float]) -> list[Triple]:
    """Return by what the axes of a volume are divided for each of its coarser levels.

    Args:
        shape: Of the volume, Z Y X.
        voxel_size_nm: Along Z Y X; an axis with longer voxels waits until the others have caught
            up.

    Returns:
        Powers of two along Z Y X, finer levels first; empty if the volume is small.
    """
    total, levels = (1, 1, 1), []
    while max(shape) > SMALLEST:
        z, y, x = pool_factors(shape, voxel_size_nm)
        if max(z, y, x) == 1:
            break
        total = total[0] * z, total[1] * y, total[2] * x
        shape = -(-shape[0] // z), -(-shape[1] // y), -(-shape[2] // x)
        voxel_size_nm = voxel_size_nm[0] * z, voxel_size_nm[1] * y, voxel_size_nm[2] * x
        levels.append(total)
    return levels


def mean_pool(voxels: np.ndarray, factors: Triple) -> np.ndarray:
    """Return the mean of every block; whole numbers are rounded, halves up.

    Blocks at the end of an axis may be smaller; only voxels that are there count.

    Args:
        voxels: Shape ``(Z, Y, X)``, whole or floating-point numbers, none of the axes empty.
        factors: Length of a block along each axis, 1 or 2.

    Returns:
        Voxels, same dtype; each axis ``ceil(length / factor)`` long. NaN where a voxel is NaN.
    """
    # A voxel at an odd end is doubled: that counts all of its block twice, and changes no mean.
    rest = [(0, -length % factor) for length, factor in zip(voxels.shape, factors, strict=True)]
    if any(after for _, after in rest):
        voxels = np.pad(voxels, rest, mode="edge")
    dtype = voxels.dtype
    parts = [
        voxels[tuple(slice(first, None, step) for first, step in zip(start, factors, strict=True))]
        for start in product(*(range(factor) for factor in factors))
    ]
    n = len(parts)
    if dtype.kind == "f":
        total = parts[0].astype(np.float64)
        for part in parts[1:]:
            total += part
        return (total / n).astype(dtype)
    if dtype.itemsize == 8:  # a sum of eight might not fit
        low = sum((part % n for part in parts), np.zeros(parts[0].shape, dtype))
        high = sum((part // n for part in parts), np.zeros(parts[0].shape, dtype))
        return np.asarray(high + (low + dtype.type(n // 2)) // dtype.type(n), dtype=dtype)
    wide = np.dtype(f"{dtype.kind}{2 * dtype.itemsize}")
    total = parts[0].astype(wide)
    for part in parts[1:]:
        total += part
    return ((total + wide.type(n // 2)) // wide.type(n)).astype(dtype)


def folder_of(cache: Path, place: Place, version: str) -> Path:
    """Return where the levels of a volume are kept; it changes whenever the volume does.

    Args:
        cache: The folder of the home for what can be made again.
        place: The volume.
        version: What the user calls this state of it.
    """
    parts = [place.key, stamp(place), str(VERSION), version]
    name = "-".join("".join(c if c.isalnum() else "_" for c in part)[:32] for part in parts if part)
    return cache / "levels" / name


def kept(place: Place, finest: Volume, folder: Path) -> list[Scale]:
    """Return the levels of a volume that have been made, finer ones first; the finest is not one.

    One that is damaged counts as not made; ``make`` makes it again.
    """
    scales = []
    for factors in plan(finest.shape, finest.require_voxel_size()):
        level = _kept(folder / _name(factors), place, finest, factors)
        if level is None:
            break
        scales.append(Scale(level, factors))
    return scales


def missing(finest: Volume, folder: Path) -> int:
    """Return how many levels of a volume have not been made yet."""
    names = [folder / _name(factors) for factors in plan(finest.shape, finest.require_voxel_size())]
    return sum(not (name / "zarr.json").is_file() for name in names)


def make(
    place: Place, finest: Volume, folder: Path, step: Step = lambda _fraction, _text: None
) -> list[Scale]:
    """Return all coarser levels of a volume; those that are not there are made.

    Several processes may ask at once: one makes them, the others wait.

    Args:
        place: The volume.
        finest: The volume, opened.
        folder: Where levels are kept, of ``folder_of``.
        step: Called with the fraction that is done and a few words.

    Raises:
        DataError: If the volume cannot be read, or the disk is full. Levels that were finished
            stay.
    """
    levels = plan(finest.shape, finest.require_voxel_size())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            scales: list[Scale] = []
            last = Scale(finest, (1, 1, 1))
            sizes = [prod(finest.shape) / 8**n for n in range(len(levels))]
            for number, factors in enumerate(levels):
                path = folder / _name(factors)
                before = sum(sizes[:number]) / sum(sizes)
                share = sizes[number] / sum(sizes)
                if _kept(path, place, finest, factors) is None:
                    said = f"level {number + 1} of {len(levels)}"
                    _write(
                        last.volume,
                        tuple(b // a for a, b in zip(last.factors, factors, strict=True)),  # type: ignore[arg-type]
                        place.kind,
                        path,
                        lambda f, b=before, s=share, t=said: step(b + s * f, t),  # type: ignore[misc]
                    )
                last = Scale(_opened(path, place, finest, factors), factors)
                scales.append(last)
    except OSError as error:
        raise DataError(
            f"Coarser levels of {place.url} cannot be kept in {folder}: {error.strerror}. Make "
            "room there, or make it writable."
        ) from None
    step(1.0, "done")
    return scales


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time make levels; the lock ends with the process."""
    with (folder / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        clear_leftovers(folder)
        yield


def _name(factors: Triple) -> str:
    return "x".join(map(str, factors)) + ".zarr"


def _kept(path: Path, place: Place, finest: Volume, factors: Triple) -> Volume | None:
    """Return a level that is kept; None if there is none, or it was damaged, and is removed."""
    if not path.exists():
        return None
    try:
        return _opened(path, place, finest, factors)
    except DataError as error:
        logger.warning("A level that is kept is damaged, and is made again: %s", error)
        shutil.rmtree(path, ignore_errors=True)
        return None


def _opened(path: Path, place: Place, finest: Volume, factors: Triple) -> Volume:
    z, y, x = (v * f for v, f in zip(finest.require_voxel_size(), factors, strict=True))
    volume = open_volume(path, axes="zyx", voxel_size_nm=(z, y, x))
    shape = tuple(-(-n // f) for n, f in zip(finest.shape, factors, strict=True))
    if volume.shape != shape or volume.dtype != finest.dtype:
        raise DataError(
            f"{path} is no level of {place.url}: it is {volume.dtype} of {volume.shape} instead of "
            f"{finest.dtype} of {shape}. Remove its folder; it is made again."
        )
    return volume


def _write(
    finer: Volume, factors: Triple, kind: str, path: Path, step: Callable[[float], None]
) -> None:
    """Write one level, whole or not at all."""
    z, y, x = (-(-n // f) for n, f in zip(finer.shape, factors, strict=True))
    shape = (z, y, x)
    pool = mode_pool if kind == "segmentation" else mean_pool
    with new_folder(path) as temporary:
        spec = _spec(temporary, shape, finer.dtype)
        array = wait(partial(tensorstore().open, spec, create=True), 0, str(path))
        boxes = list(_blocks(shape, finer.dtype.itemsize))
        for number, box in enumerate(boxes):
            made = np.empty(box.shape, dtype=finer.dtype)
            for first in range(0, box.shape[0], SLAB):
                last = min(first + SLAB, box.shape[0])
                starts = (box.start[0] + first, *box.start[1:])
                stops = (box.start[0] + last, *box.stop[1:])
                part = Box(
                    _scaled(starts, factors, finer.shape), _scaled(stops, factors, finer.shape)
                )
                made[first:last] = pool(finer.read(part), factors)
                step((number + last / box.shape[0]) / len(boxes))
            wait(partial(array[box.slices].write, made), made.nbytes, str(path))


def _scaled(corner: tuple[int, ...], factors: Triple, limit: Triple) -> Triple:
    z, y, x = (min(c * f, n) for c, f, n in zip(corner, factors, limit, strict=True))
    return z, y, x


def _blocks(shape: Triple, itemsize: int) -> Iterator[Box]:
    """Yield boxes of whole files that cover a level, wide rather than deep, as slices are read."""
    block = list(SHARD)
    for axis in (2, 1):
        n_bytes = prod(min(b, s) for b, s in zip(block, shape, strict=True)) * itemsize
        most = -(-shape[axis] // SHARD[axis])
        block[axis] = SHARD[axis] * max(1, min(BLOCK_BYTES // n_bytes, most))
    for start in product(*(range(0, n, b) for n, b in zip(shape, block, strict=True))):
        stop = tuple(min(a + b, n) for a, b, n in zip(start, block, shape, strict=True))
        yield Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _spec(path: Path, shape: Triple, dtype: np.dtype[Any]) -> dict[str, Any]:
    """Return what tensorstore needs to make the array of a level."""
    little: dict[str, Any] = {"name": "bytes", "configuration": {"endian": "little"}}
    checksum: dict[str, Any] = {"name": "crc32c"}
    zstd: dict[str, Any] = {"name": "zstd", "configuration": {"level": 1, "checksum": False}}
    inner = {
        "chunk_shape": [CHUNK] * 3,
        "codecs": [little, zstd, checksum],
        "index_codecs": [little, checksum],
    }
    return {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": f"{path.absolute()}/"},
        "metadata": {
            "shape": list(shape),
            "data_type": dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(SHARD)}},
            "codecs": [{"name": "sharding_indexed", "configuration": inner}],
            "fill_value": 0,
            "dimension_names": ["z", "y", "x"],
        },
    }


def main(arguments: list[str] | None = None) -> None:
    """Make the levels of one volume; the server's workers call this in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m emqs.web.levels", description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--kind", choices=("image", "segmentation"), required=True)
    parser.add_argument("--settings", default="{}", help="JSON, of emqs.volumes.open_volume")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    place = Place(options.url, options.kind, json.loads(options.settings))

    def step(fraction: float, text: str) -> None:
        sys.stdout.write(f"{fraction:.4f} {text}\n")
        sys.stdout.flush()

    try:
        finest = open_place(place)
        if not own_levels(place, finest):
            make(place, finest, options.out, step)
    except EmqsError as error:
        sys.exit(f"emqs.web.levels: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main()
