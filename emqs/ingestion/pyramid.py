"""The volume on disk: an OME-Zarr 0.5 image in shards, with smaller copies of itself."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from emqs.geometry import Box, Lengths, Shape, boxes
from emqs.volumes import ome, seals
from emqs.volumes.chunks import tensorstore, wait
from emqs.volumes.downsampling import pool_factors

SMALLEST = 256  # pixels: no smaller copy of a copy whose edges in the slice are within


@dataclass(frozen=True)
class Level:
    """One resolution.

    Attributes:
        number: 0 the finest.
        shape: Along Z Y X.
        factors: By which the level before is divided, along Z Y X.
        voxel_size_nm: Along Z Y X.
        offset_nm: From the first voxel of the finest to the first of this, along Z Y X.
    """

    number: int
    shape: Shape
    factors: Shape
    voxel_size_nm: Lengths
    offset_nm: Lengths


def levels_of(shape: Shape, voxel_size_nm: Lengths) -> list[Level]:
    """Return the resolutions of a volume: X and Y alone are halved until voxels are about cubic.

    Args:
        shape: Along Z Y X.
        voxel_size_nm: Along Z Y X.
    """
    levels = [Level(0, shape, (1, 1, 1), voxel_size_nm, (0.0, 0.0, 0.0))]
    while max(levels[-1].shape[1:]) > SMALLEST:
        last = levels[-1]
        z, y, x = pool_factors(last.shape, last.voxel_size_nm)
        factors = (z, y, x)
        smaller = tuple(-(-n // f) for n, f in zip(last.shape, factors, strict=True))
        size = tuple(s * f for s, f in zip(last.voxel_size_nm, factors, strict=True))
        offset = tuple((a - b) / 2 for a, b in zip(size, voxel_size_nm, strict=True))
        levels.append(
            Level(
                last.number + 1,
                (smaller[0], smaller[1], smaller[2]),
                factors,
                (size[0], size[1], size[2]),
                (offset[0], offset[1], offset[2]),
            )
        )
    return levels


@dataclass(eq=False)
class Image:
    """An image that is being written.

    Attributes:
        folder: Of its group.
        levels: Its resolutions.
        dtype: Of its voxels.
        chunk: Along Z Y X, of what is read at once.
        shard: Along Z Y X, of a file; whole chunks.
    """

    folder: Path
    levels: list[Level]
    dtype: np.dtype[Any]
    chunk: Shape
    shard: Shape
    _open: dict[int, Any] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Go to another process without what is open."""
        return {**self.__dict__, "_open": {}}

    def array(self, number: int) -> Any:  # noqa: ANN401 - of tensorstore
        """Return a level, which is made if it is not there."""
        if number not in self._open:
            folder = self.folder / str(number)
            spec = {
                "driver": "zarr3",
                "metadata": self._metadata(number),
                "kvstore": {"driver": "file", "path": f"{folder.absolute()}/"},
                "recheck_cached_data": False,
                "context": {"cache_pool": {"total_bytes_limit": 0}},
            }
            opened = partial(tensorstore().open, spec, create=True, open=True)
            self._open[number] = wait(opened, 0, str(folder))
        return self._open[number]

    def _metadata(self, number: int) -> dict[str, Any]:
        index = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
        codecs = [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {"name": "blosc", "configuration": {
                "cname": "lz4", "clevel": 5, "shuffle": "shuffle",
                "typesize": self.dtype.itemsize, "blocksize": 0,
            }},
            {"name": "crc32c"},
        ]  # fmt: skip
        sharding = {"chunk_shape": list(self.chunk), "codecs": codecs, "index_codecs": index}
        return {
            "shape": list(self.levels[number].shape),
            "data_type": self.dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(self.shard)}},
            "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
            "fill_value": 0,
            "dimension_names": ["z", "y", "x"],
            "attributes": seals.OF_ARRAY,
        }

    def write(self, number: int, box: Box, voxels: np.ndarray) -> None:
        """Write whole shards.

        Raises:
            DataError: If the disk is full.
        """
        target = self.array(number)[box.slices]
        where = str(self.folder / str(number))
        wait(partial(target.write, np.ascontiguousarray(voxels)), voxels.nbytes, where)

    def read(self, number: int, box: Box) -> np.ndarray:
        """Return voxels of a level."""
        source = self.array(number)[box.slices]
        where = str(self.folder / str(number))
        voxels: np.ndarray = wait(source.read, prod(box.shape) * self.dtype.itemsize, where)
        return voxels

    def shards(self, number: int) -> Iterator[Box]:
        """Yield the boxes of the shards of a level, X fastest."""
        yield from boxes(self.levels[number].shape, self.shard)

    def shrink(self, number: int, box: Box) -> None:
        """Write one shard of a level as means of the level before.

        Args:
            number: Of the level, at least 1.
            box: Of a shard.
        """
        level, before = self.levels[number], self.levels[number - 1]
        start = tuple(a * f for a, f in zip(box.start, level.factors, strict=True))
        stop = tuple(
            min(b * f, n) for b, f, n in zip(box.stop, level.factors, before.shape, strict=True)
        )
        source = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
        result = np.empty(box.shape, dtype=self.dtype)
        rows = self.chunk[1]
        for top in range(0, box.shape[1], rows):
            bottom = min(top + rows, box.shape[1])
            low = source.start[1] + top * level.factors[1]
            high = min(source.start[1] + bottom * level.factors[1], source.stop[1])
            band = Box((start[0], low, start[2]), (stop[0], high, stop[2]))
            result[:, top:bottom] = means(self.read(number - 1, band), level.factors)
        self.write(number, box, result)

    def finish(
        self,
        name: str,
        origin_nm: Lengths,
        *,
        window: tuple[float, float],
        extra: Mapping[str, Any],
    ) -> None:
        """Write the metadata of the group.

        Args:
            name: Of the image.
            origin_nm: Of the first voxel.
            window: Greys that viewers show as black and white.
            extra: Further attributes.
        """
        described = [
            ome.Level(
                str(level.number),
                level.voxel_size_nm,
                tuple(o + d for o, d in zip(origin_nm, level.offset_nm, strict=True)),
            )
            for level in self.levels
        ]
        image = ome.multiscale(name, "zyx", described, kind="mean")
        attributes = ome.attributes_of(image)
        top = float(np.iinfo(self.dtype).max)
        attributes["ome"]["omero"] = {
            "channels": [{
                "label": name, "color": "FFFFFF", "active": True,
                "window": {"min": 0.0, "max": top, "start": window[0], "end": window[1]},
            }]
        }  # fmt: skip
        group = {
            "zarr_format": 3,
            "node_type": "group",
            "attributes": {**seals.seal(self.folder, attributes), **extra},
        }
        text = json.dumps(group, indent=2, allow_nan=False)
        (self.folder / "zarr.json").write_text(text, encoding="utf-8")


def means(voxels: np.ndarray, factors: Shape) -> np.ndarray:
    """Return means of blocks, rounded half to even; blocks at the far ends may be smaller.

    Args:
        voxels: ``(Z, Y, X)``, uint8 or uint16.
        factors: 1 or 2 along each axis.
    """
    total: np.ndarray = voxels.astype(np.uint16 if voxels.dtype == np.uint8 else np.uint32)
    shift = np.zeros((1, 1, 1), dtype=total.dtype)  # log2 of how many voxels a sum has
    for axis, factor in enumerate(factors):
        if factor == 1:
            continue
        length = total.shape[axis]
        index = [slice(None)] * 3
        index[axis] = slice(0, None, 2)
        summed = total[tuple(index)].copy()
        index[axis] = slice(1, None, 2)
        odd = total[tuple(index)]
        index[axis] = slice(0, odd.shape[axis])
        summed[tuple(index)] += odd
        total = summed
        doubled = np.ones(total.shape[axis], dtype=total.dtype)
        doubled[length // 2 :] = 0  # the last, where one is left over
        shape = [1, 1, 1]
        shape[axis] = len(doubled)
        shift = shift + doubled.reshape(shape)
    several = shift > 0
    below_half = np.where(several, (1 << shift) // 2 - several, 0).astype(total.dtype)
    total += below_half + ((total >> shift) & several)  # a half goes to the even neighbour
    return (total >> shift).astype(voxels.dtype)
