"""Start an embedding store: its arrays, and what its codes are made of and with."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from emqs.embedding.stores import manifest as manifests
from emqs.embedding.stores.arrays import MADE_OF, N_DIGESTS, SHORT
from emqs.embedding.stores.folders import METADATA, folder_of
from emqs.embedding.stores.grid import INNER, PlaceGrid
from emqs.embedding.stores.zarr import (
    FORMAT,
    KEY,
    VERSION,
    EmbeddingStore,
    open_store,
)
from emqs.errors import ConfigError, DataError
from emqs.volumes import ome
from emqs.volumes.addresses import is_bucket
from emqs.volumes.chunks import locate
from emqs.volumes.objects import Objects

DIGEST = "blake2b-64"  # of a block


def check_new(place: str | Path) -> None:
    """Raise an error if there is no folder, or no bucket, to make a store in.

    Raises:
        ConfigError: If there is no folder.
        DataError: If there is no bucket, or no right to it.
    """
    if is_bucket(place):
        Objects(locate(str(place))).check()
    elif not Path(place).parent.is_dir():
        parent = Path(place).parent
        raise ConfigError(f"The folder {parent} does not exist. Make it, or give another.")


def is_there(place: str | Path) -> bool:
    """Return whether something that may be a store is at a path, or a store at an address."""
    if is_bucket(place):
        return Objects(locate(str(place))).holds(METADATA)
    return Path(place).exists()


def create(place: str | Path, manifest: dict[str, Any], sample: np.ndarray) -> EmbeddingStore:
    """Return a new, empty embedding volume; if another process was faster, return that one's.

    Args:
        place: Its folder, the one above exists; or its address in a bucket.
        manifest: ``grid``, ``code_size``, ``signer`` and whatever else must match, plain values;
            with ``short`` (``ShortCoder.to_dict``) the store has short codes.
        sample: Codes that the signer was fitted to, shape ``(n, D)``, float16.

    Raises:
        ConfigError: If there is something else at the path, or no folder above it.
        DataError: If it cannot be written. Nothing is left behind.
    """
    check_new(place)
    folder = folder_of(place)
    manifest = {"format": FORMAT, "version": VERSION, MADE_OF: DIGEST, **manifest}
    grid = PlaceGrid.from_dict(manifest["grid"])
    group = {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": {"ome": _ome(Path(folder.name).stem, grid), KEY: manifests.sealed(manifest)},
    }
    n_short = int(manifest[SHORT]["size"]) if SHORT in manifest else 0
    try:
        folder.create(group, _metadata(grid, sample.shape, n_short), sample)
    except (ConfigError, DataError):
        if not is_there(Path(place) / METADATA if not is_bucket(place) else place):
            raise  # nobody else was faster
    return open_store(place)


def _ome(name: str, grid: PlaceGrid) -> dict[str, Any]:
    """Return what image viewers read: axes, and where the grid lies in nm."""
    scale = [s * v for s, v in zip(grid.stride, grid.voxel_size_nm, strict=True)]
    first = grid.centres_nm(np.zeros((1, 3), dtype=np.int64))[0].tolist()
    level = ome.Level("embeddings", (1.0, *scale), (0.0, *first))
    described: dict[str, Any] = ome.attributes_of(ome.multiscale(name, "czyx", [level]))["ome"]
    return described


def _metadata(grid: PlaceGrid, sample: tuple[int, ...], n_short: int) -> dict[str, dict[str, Any]]:
    """Return the Zarr metadata of the arrays by name."""
    little: dict[str, Any] = {"name": "bytes", "configuration": {"endian": "little"}}
    checksum: dict[str, Any] = {"name": "crc32c"}
    zstd: dict[str, Any] = {"name": "zstd", "configuration": {"level": 3, "checksum": False}}
    whole = [1, grid.block, grid.block]
    dimension = sample[1]
    inner = {
        "chunk_shape": [dimension, 1, INNER, INNER],
        "codecs": [little, checksum],
        "index_codecs": [little, checksum],
    }
    sharded = [{"name": "sharding_indexed", "configuration": inner}]

    def metadata(
        shape: list[int], chunk: list[int], dtype: str, codecs: list[dict[str, Any]], names: str
    ) -> dict[str, Any]:
        return {
            "shape": shape,
            "data_type": dtype,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
            "codecs": codecs,
            "fill_value": 0,
            "dimension_names": list(names),
        }

    places = list(grid.shape)
    plain = [little, checksum]
    bytes_alone: list[dict[str, Any]] = [{"name": "bytes"}, zstd, checksum]
    short = metadata([*places, n_short], [*whole, n_short], "uint8", bytes_alone, "zyxc")
    return {
        **({SHORT: short} if n_short else {}),
        "embeddings": metadata(
            [dimension, *places], [dimension, *whole], "float16", sharded, "czyx"
        ),
        "valid": metadata(places, whole, "uint8", bytes_alone, "zyx"),
        # random bits stay as they are, but what a block at the far end lacks takes nothing
        "signatures": metadata(places, whole, "uint64", [little, zstd, checksum], "zyx"),
        MADE_OF: metadata(
            [*grid.blocks_shape, N_DIGESTS], [1, 1, 1, N_DIGESTS], "uint64", plain, "zyxc"
        ),
        "sample": metadata(list(sample), list(sample), "float16", plain, "nc"),
    }


def check_same(place: str, manifest: dict[str, Any], asked: dict[str, Any]) -> None:
    """Raise an error that names the first setting in which a store is not what is asked for.

    Args:
        place: The store, for the message.
        manifest: Its manifest.
        asked: What it should say, by the same names; names that are missing are not compared.

    Raises:
        ConfigError: If something differs.
    """
    for name, value in _plain(asked):
        had = dict(_plain(manifest)).get(name)
        if had != value:
            raise ConfigError(
                f"{place} was made with {name}={had}, but {name}={value} was asked for. Give "
                "another out=, or the settings it was made with."
            )


def _plain(content: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted names and values of nested settings."""
    for key, value in content.items():
        if isinstance(value, dict) and value:
            yield from _plain(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
