"""Jobs around embedding stores: make them, copy them, look up their segments, predict, ingest."""

import json
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import Connection, select, update

from emqs.annotations.schema import datasets
from emqs.errors import ConfigError, DataError, NotFoundError
from emqs.web import catalogue, registry, viewer
from emqs.web.catalogue import Layer
from emqs.web.home import Home
from emqs.web.job_queue import Job
from emqs.web.job_work import (
    NAME,
    Kind,
    Name,
    Settings,
    Triple,
    Work,
    dataset_of,
    layer_of,
    module,
    override,
    target,
)
from emqs.web.layers import place_of
from emqs.web.predicting import volumes_of, weights_folders

OBJECTS = "-objects"  # of the name of a layer of labels, after that of its probability


class EmbedSettings(Settings):
    """Embed an image layer, so that it can be searched."""

    layer: str = Name
    name: str = Field("codes", pattern=NAME)
    model: str = Field("contrastive", pattern=r"^[a-z0-9_]{1,40}$")
    weights: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")
    patch_size: float = Field(gt=0, le=1e6)
    stride: float = Field(gt=0, le=1e6)
    unit: Literal["px", "nm"] = "px"
    planes: Literal["xy", "ortho"] = "xy"
    scale: float = Field(1.0, ge=0.25, le=4.0)
    batch_size: int = Field(512, ge=1, le=2**16)
    step_z_nm: float | None = Field(None, gt=0)
    padding: float | None = None
    intensity: tuple[float, float] | None = None


class ExportSettings(Settings):
    """Copy an embedding store to Parquet files."""

    layer: str = Name
    name: str = Name


class PlacesSettings(Settings):
    """Look up in which segments the places of an embedding store lie."""

    layer: str = Name
    segments: str = Field("labels", pattern=NAME)


class PredictSettings(Settings):
    """Draw what is like examples over a region: how likely each voxel is, and objects."""

    layer: str = Name
    name: str = Name
    positives: list[Triple] = Field(min_length=1, max_length=10_000)
    negatives: list[Triple] = Field(default=[], max_length=10_000)
    start: Triple | None = None
    stop: Triple | None = None
    threshold: float | None = Field(None, gt=0, lt=1)
    smallest_nm3: float | None = Field(None, ge=0)


class IngestSettings(Settings):
    """Make an aligned, even, multiscale volume of raw slices, and a dataset of it."""

    source: str = Field(min_length=1, max_length=2000)
    name: str = Name
    voxel_size_nm: tuple[float, float, float]
    align: str | None = Field(None, pattern=r"^[a-z_]{1,20}$")
    contrast: str | None = Field(None, pattern=r"^[a-z_]{1,20}$")


def _embed(connection: Connection, home: Home, job: Job, scratch: Path) -> Work:
    settings = EmbedSettings.model_validate(job.settings)
    layer = layer_of(connection, job, settings.layer)
    place = place_of(layer)
    if place.kind != "image":
        raise ConfigError(f"The layer {layer.name} is a segmentation; embed an image.")
    out = target(home, job, f"{settings.name}.zarr")
    weights = None
    if settings.weights is not None:
        weights = home.folder / "weights" / settings.weights
        if not weights.is_file():
            raise NotFoundError(f"There are no weights {settings.weights} in {weights.parent}.")
    given = {
        "volume": place.url if place.path is None else str(place.path),
        "out": str(out.absolute()),
        "patch.size": settings.patch_size,
        "patch.stride": settings.stride,
        "patch.unit": settings.unit,
        "planes": settings.planes,
        "embed.scale": settings.scale,
        "batch_size": settings.batch_size,
        "hydra.run.dir": str(scratch / "run"),
    }
    for name in ("level", "dataset", "axes", "voxel_size_nm"):
        if place.settings.get(name) is not None:
            given[f"embed.{name}"] = place.settings[name]
    for name in ("step_z_nm", "padding", "intensity"):
        value = getattr(settings, name)
        if value is not None:
            given[f"embed.{name}"] = value
    if weights is not None:
        given["weights"] = str(weights.absolute())
    overrides = [f"model={settings.model}", *(override(k, v) for k, v in given.items())]

    def finish(connection: Connection) -> dict[str, Any]:
        return {"layer": add_store(connection, dataset_of(job), settings.name, out)}

    return Work(module("emqs.embed", *overrides), finish, lambda: _embedded(out))


def _embedded(out: Path) -> tuple[float, str] | None:
    """Return how many blocks of a store have been written."""
    from emqs.embedding.stores.zarr import open_store

    if not (out / "zarr.json").is_file():
        return None
    try:
        store = open_store(out)
        z, y, x = store.grid.blocks_shape
        done = len(store.done())
    except (DataError, OSError):
        return None
    return done / (z * y * x), f"{done} of {z * y * x} blocks"


def add_store(connection: Connection, dataset_id: str, name: str, path: Path) -> str:
    """Let a dataset be searched in an embedding store; return the name of its layer."""
    row = registry.row_of_layer(registry.LayerDraft(name, "embedding", str(path.absolute())))
    registry.put_layer(connection, dataset_id, row, owner_id=None)
    known = connection.execute(
        select(datasets.c.settings).where(datasets.c.id == dataset_id).with_for_update()
    ).scalar_one()
    stores = list(known.get("stores") or [])
    if str(path.absolute()) not in stores:
        stores.append(str(path.absolute()))
    connection.execute(
        update(datasets)
        .where(datasets.c.id == dataset_id)
        .values(settings={**known, "stores": stores}, revision=datasets.c.revision + 1)
    )
    return name


def _export(connection: Connection, home: Home, job: Job, scratch: Path) -> Work:
    settings = ExportSettings.model_validate(job.settings)
    layer = layer_of(connection, job, settings.layer)
    if layer.kind != "embedding" or "://" in layer.source:
        raise ConfigError(f"The layer {layer.name} is no embedding store on disk.")
    out = target(home, job, f"{settings.name}.parquet")
    given = {"store": layer.source, "to": "parquet", "out": str(out.absolute()),
             "hydra.run.dir": str(scratch / "run")}  # fmt: skip
    overrides = [override(key, value) for key, value in given.items()]
    return Work(module("emqs.export", *overrides), lambda _: {"folder": str(out.absolute())})


def _places(connection: Connection, home: Home, job: Job, _scratch: Path) -> Work:
    from emqs.web import place_filter
    from emqs.web.searching import opened_store

    settings = PlacesSettings.model_validate(job.settings)
    store = layer_of(connection, job, settings.layer)
    segments = layer_of(connection, job, settings.segments)
    place = place_of(segments)
    if store.kind != "embedding" or place.kind != "segmentation":
        raise ConfigError("Name the layer of an embedding store, and as segments a segmentation.")
    fingerprint = opened_store(store.source).fingerprint
    out = place_filter.file_of(home.cache, store.source, fingerprint, place, segments.version)
    arguments = module(
        "emqs.web.place_filter",
        f"--store={store.source}",
        f"--url={place.url}",
        f"--settings={json.dumps(dict(place.settings))}",
        f"--out={out.absolute()}",
    )
    return Work(arguments, lambda _: {"layer": store.name})


def _command(name: str) -> str:
    """Return a command of this emqs.

    Raises:
        ConfigError: If it has none of that name.
    """
    if find_spec(name) is None:
        raise ConfigError(f"This emqs has no command {name}; install a newer one.")
    return name


def _made_with(embedding: Layer, known: Sequence[Layer], home: Home) -> dict[str, str]:
    """Return the volume and the encoder of an embedding store, as ``emqs predict`` takes them."""
    from emqs.embedding.stores.zarr import open_store
    from emqs.prediction.sources import volume_of, weights_of

    store = open_store(Path(embedding.source))
    model = store.manifest["model"]
    given = {"model": str(model["name"])}
    volume = volume_of(store, volumes_of(known))
    if volume is not None:
        given["volume"] = volume
    if model["weights_sha256"] is not None:
        given["weights"] = str(weights_of(store, weights_folders(home)))
    return given


def _predict(connection: Connection, home: Home, job: Job, scratch: Path) -> Work:
    settings = PredictSettings.model_validate(job.settings)
    layer = layer_of(connection, job, settings.layer)
    if layer.kind != "embedding":
        raise ConfigError(f"The layer {layer.name} is no embedding store.")
    if (settings.start is None) != (settings.stop is None):
        raise ConfigError("Give start and stop, or neither.")
    if "://" in layer.source:
        raise ConfigError(f"The layer {layer.name} is an embedding in a database, not in a folder.")
    out = target(home, job, f"{settings.name}-{job.id}.zarr").absolute()
    if out.exists():  # an earlier try made it, and died before it could say so
        shutil.rmtree(out)
    given: dict[str, Any] = {
        "store": layer.source,
        "out": str(out),
        "positive": settings.positives,
        "hydra.run.dir": str(scratch / "run"),
        **_made_with(layer, catalogue.layers_of(connection, dataset_of(job), job.owner_id), home),
    }
    if settings.negatives:
        given["negative"] = settings.negatives
    if settings.start is not None:
        given["region"] = [settings.start, settings.stop]
    for name in ("threshold", "smallest_nm3"):
        if getattr(settings, name) is not None:
            given[f"predict.{name}"] = getattr(settings, name)
    overrides = [override(key, value) for key, value in given.items()]

    def finish(connection: Connection) -> dict[str, Any]:
        return _predicted(connection, home, job, out, scratch / "run" / "objects.csv")

    return Work(module(_command("emqs.predict"), *overrides), finish)


def _predicted(
    connection: Connection, home: Home, job: Job, out: Path, table: Path
) -> dict[str, Any]:
    """Write the probability and the objects as layers of whoever asked; keep the table."""
    from emqs.prediction.settings import OWN_THRESHOLD

    settings = PredictSettings.model_validate(job.settings)
    place = {} if settings.start is None else {"offset": list(settings.start)}
    objects = f"{settings.name}{OBJECTS}"
    threshold = OWN_THRESHOLD if settings.threshold is None else settings.threshold
    drafts = (
        (settings.name, "image", out, {**place, viewer.PROBABILITY: threshold}),
        (objects, "segmentation", out / "labels" / "objects", place),
    )
    for name, kind, path, given in drafts:
        row = registry.row_of_layer(registry.LayerDraft(name, kind, str(path), given))
        registry.put_layer(connection, dataset_of(job), row, owner_id=job.owner_id)
    kept = home.cache / "downloads" / f"{job.id}.csv"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(table, kept)
    return {"layer": settings.name, "objects": objects, "file": kept.name}


def _ingest(_connection: Connection, home: Home, job: Job, scratch: Path) -> Work:
    settings = IngestSettings.model_validate(job.settings)
    out = (home.layers / f"{settings.name}.zarr").absolute()
    given: dict[str, Any] = {
        "source": settings.source,
        "out": str(out),
        "voxel_size_nm": settings.voxel_size_nm,
        "hydra.run.dir": str(scratch / "run"),
    }
    for name in ("align", "contrast"):
        if getattr(settings, name) is not None:
            given[name] = getattr(settings, name)
    overrides = [override(key, value) for key, value in given.items()]

    def finish(connection: Connection) -> dict[str, Any]:
        draft = registry.draft(settings.name, {"volume": str(out)}, beside=Path("/"))
        measured = registry.measured(draft)
        registry.add(connection, draft, measured, created_by=job.owner_id)
        return {"dataset": settings.name}

    return Work(module(_command("emqs.ingest"), *overrides), finish)


KINDS: dict[str, Kind] = {
    "embed": Kind("manager", EmbedSettings, _embed),
    "export": Kind("manager", ExportSettings, _export),
    "places": Kind("manager", PlacesSettings, _places),
    "predict": Kind("annotator", PredictSettings, _predict),
    "ingest": Kind("admin", IngestSettings, _ingest),
}
