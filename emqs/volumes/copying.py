"""Writes OME-Zarr images, block by block, whole or not at all."""

import json
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import ConfigError
from emqs.files import new_folder
from emqs.geometry import Lengths, Shape
from emqs.volumes import ome, seals
from emqs.volumes.chunks import tensorstore, wait
from emqs.volumes.volume import Volume, check_voxel_size, from_array

BLOCK_BYTES = 2**28  # read and written at once


def write_ome_zarr(
    path: Path,
    image: np.ndarray | Volume,
    voxel_size_nm: Lengths | None,
    chunks: Shape,
    version: str = "0.5",
    *,
    shards: Shape | None = None,
    origin_nm: Lengths | None = None,
) -> None:
    """Write an OME-Zarr image with one resolution level.

    Chunks are compressed (zstd), and those of version 0.5 have a checksum (CRC-32C).

    Args:
        path: Folder to make; must not exist.
        image: Voxels, axes Z Y X; a volume is read block by block.
        voxel_size_nm: Along Z Y X, in nm; None takes that of the volume, which may be unknown:
            then no unit is written, and no origin.
        chunks: Lengths of a chunk along Z Y X.
        version: ``"0.4"`` (Zarr 2) or ``"0.5"`` (Zarr 3).
        shards: Lengths of a file that holds several chunks, multiples of ``chunks``; only 0.5.
        origin_nm: Position of the first voxel along Z Y X; None takes that of the volume, or 0.

    Raises:
        ConfigError: If an argument is out of range, or the folder exists.
        DataError: If the image cannot be read, or the disk is full. Nothing is left behind.
    """
    if version not in ome.VERSIONS or (shards is not None and version != "0.5"):
        raise ConfigError(
            f"version must be one of {', '.join(ome.VERSIONS)}, and shards need 0.5; got "
            f"version={version!r}, shards={shards}."
        )
    volume, size, origin = _settled(image, voxel_size_nm, origin_nm)
    _check_chunks(chunks, shards)
    image_of = ome.multiscale(
        path.stem, "zyx", [ome.Level("0", size, origin)], has_size=size is not None
    )
    attributes = ome.attributes_of(image_of, version)
    with new_folder(path) as folder:
        if version == "0.5":
            _copy(volume, _zarr3(volume, chunks, shards), folder / "0", shards or chunks)
            attributes = seals.seal(folder, attributes)
            group = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
            _write_json(folder / "zarr.json", group)
        else:
            _write_json(folder / ".zgroup", {"zarr_format": 2})
            _copy(volume, _zarr2(volume, chunks), folder / "0", chunks)
            _write_json(folder / ".zattrs", seals.seal(folder, attributes))


def _settled(
    image: np.ndarray | Volume, voxel_size_nm: Lengths | None, origin_nm: Lengths | None
) -> tuple[Volume, Lengths | None, Lengths]:
    """Return the image as a volume, its voxel size (None if unknown) and its origin."""
    if isinstance(image, Volume):
        size = image.voxel_size_nm if voxel_size_nm is None else voxel_size_nm
        if size is not None:
            check_voxel_size(size, image.name)
        return image, size, image.origin_nm if origin_nm is None else origin_nm
    if voxel_size_nm is None:
        raise ConfigError("An array has no voxel size. Give voxel_size_nm, (Z, Y, X) in nm.")
    origin = (0.0, 0.0, 0.0) if origin_nm is None else origin_nm
    volume = from_array(image, voxel_size_nm, origin_nm=origin)
    return volume, voxel_size_nm, origin


def _check_chunks(chunks: Shape, shards: Shape | None) -> None:
    if len(chunks) != 3 or min(chunks) < 1:
        raise ConfigError(f"chunks must be three lengths (Z, Y, X) of at least 1, got {chunks}.")
    if shards is not None and (
        len(shards) != 3 or any(s < c or s % c for s, c in zip(shards, chunks, strict=True))
    ):
        raise ConfigError(f"shards must be multiples of chunks {chunks} (Z, Y, X), got {shards}.")


def _zarr3(volume: Volume, chunks: Shape, shards: Shape | None) -> dict[str, Any]:
    codecs: list[dict[str, Any]] = [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": "zstd", "configuration": {"level": 3, "checksum": False}},
        {"name": "crc32c"},
    ]
    if shards is not None:
        index = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
        inner = {"chunk_shape": list(chunks), "codecs": codecs, "index_codecs": index}
        codecs = [{"name": "sharding_indexed", "configuration": inner}]
    grid = {"name": "regular", "configuration": {"chunk_shape": list(shards or chunks)}}
    metadata = {
        "shape": list(volume.shape),
        "data_type": volume.dtype.name,
        "chunk_grid": grid,
        "codecs": codecs,
        "fill_value": 0,
        "dimension_names": ["z", "y", "x"],
        "attributes": seals.OF_ARRAY,
    }
    return {"driver": "zarr3", "metadata": metadata}


def _zarr2(volume: Volume, chunks: Shape) -> dict[str, Any]:
    metadata = {
        "shape": list(volume.shape),
        "chunks": list(chunks),
        "dtype": volume.dtype.newbyteorder("<").str,
        "compressor": {"id": "blosc", "cname": "zstd", "clevel": 3, "shuffle": 1},
        "fill_value": 0,
        "dimension_separator": "/",
    }
    return {"driver": "zarr", "metadata": metadata}


def _copy(volume: Volume, spec: dict[str, Any], folder: Path, step: Shape) -> None:
    """Write all voxels; each block is whole chunks, so none is written twice."""
    store = {"driver": "file", "path": f"{folder.absolute()}/"}
    full = {**spec, "kvstore": store}
    name = str(folder)
    array = wait(lambda: tensorstore().open(full, create=True), 0, name)
    for box in volume.blocks(block_shape(volume.shape, step, volume.dtype.itemsize)):
        voxels = volume.read(box)
        target = array[box.slices]
        wait(partial(target.write, voxels), voxels.nbytes, name)


def block_shape(shape: Shape, step: Shape, itemsize: int) -> Shape:
    """Return a block of whole chunks, as many as 256 MiB hold, first along X, then Y, then Z.

    Long blocks read sources whose chunks are whole slices only a few times.

    Args:
        shape: Of the volume, Z Y X.
        step: Of a chunk, or of a shard where there are some.
        itemsize: Bytes of a voxel.
    """
    block = list(step)
    for axis in (2, 1, 0):
        n_bytes = prod(min(b, s) for b, s in zip(block, shape, strict=True)) * itemsize
        block[axis] = step[axis] * max(
            1, min(BLOCK_BYTES // n_bytes, -(-shape[axis] // step[axis]))
        )
    return block[0], block[1], block[2]


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2))
