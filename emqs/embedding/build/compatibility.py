"""What an embedding volume says it was made of, compared with what is asked for."""

import hashlib
from dataclasses import asdict
from typing import Any, cast

import numpy as np

import emqs
from emqs.embedding.build.planes import PlaceSource
from emqs.embedding.build.settings import EmbedConfig
from emqs.embedding.stores import creation
from emqs.embedding.stores.grid import PlaceGrid, Triple
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.errors import ConfigError
from emqs.models import Encoder
from emqs.models.weights import Model
from emqs.runs.secrets import redacted
from emqs.volumes import Box, Volume

FINGERPRINT = (8, 64)  # squares of the volume, and their edge, that say whether it is the same


def asked(
    source: PlaceSource, model: Model, grid: PlaceGrid, settings: EmbedConfig, name: str
) -> dict[str, Any]:
    """Return the part of the manifest that a store must have to be filled with these settings.

    Args:
        source: The volume.
        model: The encoder.
        grid: Where patches lie.
        settings: What else the user decided.
        name: Path or URL with which the volume can be opened again.
    """
    volume = source.volume
    return {
        "volume": {
            "name": redacted(name),
            "shape": list(volume.shape),
            "dtype": volume.dtype.name,
            "fingerprint": _fingerprint(volume, volume.shape),
            "level": settings.level,
            "dataset": settings.dataset,
            "axes": settings.axes,
            **({"select": dict(settings.select)} if settings.select else {}),
        },
        "grid": grid.to_dict(),
        "model": {
            "name": model.name,
            "network": model.settings,
            "preprocessing": asdict(model.preprocessing),
            "weights_sha256": model.sha256,
        },
        **({} if settings.short is None else {"short_bytes": settings.short}),
        "code_size": cast(Encoder, model.network).code_size,
        "intensity": list(source.intensity),
        "padding": source.padding,
        "code_version": emqs.__version__,
    }


def _fingerprint(volume: Volume, shape: Triple) -> str:
    """Return a SHA-256 of voxels at a few fixed places of the first so many slices."""
    count, edge = FINGERPRINT
    rng = np.random.default_rng(0)
    digest = hashlib.sha256()
    for _ in range(count):
        z = int(rng.integers(shape[0]))
        y, x = (int(rng.integers(max(1, n - edge + 1))) for n in shape[1:])
        stop = z + 1, min(y + edge, shape[1]), min(x + edge, shape[2])
        digest.update(volume.read(Box((z, y, x), stop)).tobytes())
    return digest.hexdigest()


def check(store: EmbeddingStore, volume: Volume, requested: dict[str, Any]) -> bool:
    """Raise an error unless a store is what is asked for; the volume may have got longer.

    Args:
        store: The store.
        volume: What it should be of.
        requested: See ``asked``.

    Returns:
        Whether the volume got longer, so that the store must.

    Raises:
        ConfigError: If anything else differs.
    """
    old = store.manifest["volume"]["shape"]
    named = {key: requested["volume"][key] for key in ("shape", "dtype")}
    compared = {**requested, "volume": named}
    longer = (
        requested["volume"]["shape"][0] > old[0] and requested["volume"]["shape"][1:] == old[1:]
    )
    longer = bool(longer and store.grid.planes == "xy")
    if longer:
        compared["volume"] = {"dtype": named["dtype"]}
        shape = [store.grid.shape[0], *requested["grid"]["shape"][1:]]
        compared["grid"] = {**requested["grid"], "shape": shape}
    if not longer and requested["volume"]["shape"] != list(old):
        raise ConfigError(
            f"{volume.name} has shape (Z, Y, X) = {tuple(volume.shape)} now, but {store.name} was "
            f"made when it was {tuple(old)}. Give another out=: a store of planes=xy grows with "
            "its volume along Z, and no other."
        )
    asked_grid = PlaceGrid.from_dict(requested["grid"])
    scales = [grid.seen / grid.size for grid in (store.grid, asked_grid)]
    if store.grid.size == asked_grid.size and store.grid.seen != asked_grid.seen:
        raise ConfigError(
            f"{store.name} was made with embed.scale={scales[0]:g}, but embed.scale="
            f"{scales[1]:g} was asked for. Give another out=, or that scale."
        )
    compared["grid"] = {"scale_px": None, **compared["grid"]}
    had = {"short_bytes": 0, **store.manifest, "grid": {"scale_px": None, **store.manifest["grid"]}}
    creation.check_same(store.name, had, compared)
    fingerprint = _fingerprint(volume, (old[0], old[1], old[2]))
    if fingerprint != store.manifest["volume"]["fingerprint"]:
        raise ConfigError(
            f"{store.name} was made of other voxels than those of {volume.name}. Give another "
            "out=, or the volume it was made of; task=verify tells which blocks differ."
        )
    return longer


def check_shown(store: EmbeddingStore, volume: Volume, model: Model) -> None:
    """Raise unless a store can be compared with a volume, voxel by voxel, through a model.

    Raises:
        ConfigError: If the volume has another shape, type, voxel size or origin, or the model is
            another one.
        DataError: If the volume states no voxel size any more.
    """
    volume.require_voxel_size()
    known = store.manifest["volume"]
    shape = [known["shape"][0], *volume.shape[1:]]  # the volume may have got longer
    if volume.shape[0] >= known["shape"][0]:
        creation.check_same(store.name, known, {"shape": shape, "dtype": volume.dtype.name})
    else:
        creation.check_same(store.name, known, {"shape": list(volume.shape)})
    lie = {key: list(getattr(volume, key)) for key in ("voxel_size_nm", "origin_nm")}
    creation.check_same(store.name, store.manifest["grid"], lie)
    named = {"name": model.name, "weights_sha256": model.sha256}
    creation.check_same(store.name, {"model": store.manifest["model"]}, {"model": named})
