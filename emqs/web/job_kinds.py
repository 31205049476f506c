"""What jobs there are, and how each becomes the command that one would type.

A job's settings are checked when it is asked for. What they name are layers, stores and new names,
never paths: where these lie the server knows. Arguments are a list, never a line for a shell.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, select, update

from emqs.annotations import applying
from emqs.annotations.schema import datasets, layers
from emqs.errors import ConfigError, DataError, NotFoundError
from emqs.web import catalogue, levels, registry
from emqs.web.catalogue import Layer
from emqs.web.home import Home
from emqs.web.job_queue import Job
from emqs.web.layers import place_of
from emqs.web.publishing import joined
from emqs.web.sources import Place, stamp

Name = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Work:
    """What a worker does for a job.

    Attributes:
        arguments: Of Python, e.g. ``("-m", "emqs.embed", ...)``.
        finish: Writes what was made into the database; returns what clients see of it.
        probe: Returns how far it is and a few words, where the command itself does not say.
    """

    arguments: tuple[str, ...]
    finish: Callable[[Connection], dict[str, Any]]
    probe: Callable[[], tuple[float, str] | None] | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of job.

    Attributes:
        role: That somebody needs in the dataset.
        settings: Class of its settings.
        prepare: Returns the work of a job, given the database, the home and a scratch folder.
    """

    role: str
    settings: type[BaseModel]
    prepare: Callable[[Connection, Home, Job, Path], Work]


class Settings(BaseModel):
    """Settings of a kind of job; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")


class EmbedSettings(Settings):
    """Embed an image layer, so that it can be searched."""

    layer: str = Name
    name: str = Field("codes", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    model: str = Field("contrastive", pattern=r"^[a-z0-9_]{1,40}$")
    weights: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")
    patch_size: float = Field(gt=0, le=1e6)
    stride: float = Field(gt=0, le=1e6)
    unit: Literal["px", "nm"] = "px"
    planes: Literal["xy", "ortho"] = "xy"
    batch_size: int = Field(512, ge=1, le=2**16)
    step_z_nm: float | None = Field(None, gt=0)
    padding: float | None = None
    intensity: tuple[float, float] | None = None


class ExportSettings(Settings):
    """Copy an embedding store to Parquet files."""

    layer: str = Name
    name: str = Name


class LevelsSettings(Settings):
    """Make the coarser levels of an image or a segmentation."""

    layer: str = Name


class PlacesSettings(Settings):
    """Look up in which segments the places of an embedding store lie."""

    layer: str = Name
    segments: str = Field("labels", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")


class DownloadSettings(Settings):
    """Write a box of a layer into one file that can be downloaded."""

    layer: str = Name
    start: Triple
    stop: Triple
    format: Literal["tiff", "npy", "hdf5"] = "tiff"


class LabelApplySettings(Settings):
    """Write a new version of a segmentation in which accepted merges are applied."""

    layer: str = Name


# --- arguments -----------------------------------------------------------------------------------


def override(key: str, value: object) -> str:
    """Return ``key=value`` as Hydra reads it, whatever is in the value.

    Raises:
        ConfigError: If the value would be read as something else.
    """
    return f"{key}={_written(key, value)}"


def _written(key: str, value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(_written(key, one) for one in value)}]"
    text = str(value)
    if "\\" in text or "${" in text or any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise ConfigError(
            f"{key} must hold no backslash, no '${{' and no control characters, got {text!r}."
        )
    return "'" + text.replace("'", "\\'") + "'"


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return "-m", name, *arguments


def _layer(connection: Connection, job: Job, name: str) -> Layer:
    """Return a layer that the owner of a job sees."""
    return catalogue.layer(connection, _dataset_id(job), name, job.owner_id)


def _dataset_id(job: Job) -> str:
    if job.dataset_id is None:
        raise ConfigError(f"A job of the kind {job.kind} needs a dataset.")
    return job.dataset_id


def target(home: Home, job: Job, name: str) -> Path:
    """Return where a job writes what is kept: a name in the dataset's folder of the home."""
    folder = home.layers / _dataset_id(job)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


# --- kinds ---------------------------------------------------------------------------------------


def _embed(connection: Connection, home: Home, job: Job, scratch: Path) -> Work:
    settings = EmbedSettings.model_validate(job.settings)
    layer = _layer(connection, job, settings.layer)
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
        return {"layer": add_store(connection, _dataset_id(job), settings.name, out)}

    return Work(_module("emqs.embed", *overrides), finish, lambda: _embedded(out))


def _embedded(out: Path) -> tuple[float, str] | None:
    """Return how many blocks of a store have been written."""
    from emqs.store import open_store

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
    layer = _layer(connection, job, settings.layer)
    if layer.kind != "embedding" or "://" in layer.source:
        raise ConfigError(f"The layer {layer.name} is no embedding store on disk.")
    out = target(home, job, f"{settings.name}.parquet")
    given = {"store": layer.source, "to": "parquet", "out": str(out.absolute()),
             "hydra.run.dir": str(scratch / "run")}  # fmt: skip
    overrides = [override(key, value) for key, value in given.items()]
    return Work(_module("emqs.export", *overrides), lambda _: {"folder": str(out.absolute())})


def _levels(connection: Connection, home: Home, job: Job, _scratch: Path) -> Work:
    settings = LevelsSettings.model_validate(job.settings)
    layer = _layer(connection, job, settings.layer)
    place = place_of(layer)
    folder = levels.folder_of(home.cache, place, layer.version)
    arguments = _module(
        "emqs.web.levels",
        f"--url={place.url}",
        f"--kind={place.kind}",
        f"--settings={json.dumps(dict(place.settings))}",
        f"--out={folder.absolute()}",
    )
    return Work(arguments, lambda _: {"layer": layer.name})


def _download(connection: Connection, home: Home, job: Job, _scratch: Path) -> Work:
    settings = DownloadSettings.model_validate(job.settings)
    place = place_of(_layer(connection, job, settings.layer))
    folder = home.cache / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    ending = {"tiff": "tif", "npy": "npy", "hdf5": "h5"}[settings.format]
    out = folder / f"{job.id}.{ending}"
    arguments = _module(
        "emqs.web.downloads",
        f"--url={place.url}",
        f"--kind={place.kind}",
        f"--settings={json.dumps(dict(place.settings))}",
        f"--box={json.dumps([settings.start, settings.stop])}",
        f"--out={out.absolute()}",
    )

    def finish(_: Connection) -> dict[str, Any]:
        return {"file": out.name, "bytes": out.stat().st_size}

    return Work(arguments, finish)


def _label_apply(connection: Connection, home: Home, job: Job, scratch: Path) -> Work:
    settings = LabelApplySettings.model_validate(job.settings)
    layer = _layer(connection, job, settings.layer)
    place = place_of(layer)
    if place.kind != "segmentation" or layer.owner_id is not None:
        raise ConfigError(f"{layer.name} is no segmentation of everybody.")
    dataset_id = _dataset_id(job)
    version, table, requests = applying.equivalence_table(connection, dataset_id, layer.id)
    if not requests:
        raise ConfigError(f"No accepted pull request of {layer.name} waits to be applied.")
    out = target(home, job, f"{layer.name}-{job.id}.zarr").absolute()
    if out.exists():  # an earlier try wrote it, and died before it could say so
        shutil.rmtree(out)
    merged = scratch / "merged.json"
    whole = joined(layer.settings.get("equivalences") or {}, table)
    merged.write_text(json.dumps(whole))
    arguments = _module(
        "emqs.web.label_versions",
        f"--url={place.url}",
        f"--settings={json.dumps(dict(place.settings))}",
        f"--table={merged.absolute()}",
        f"--out={out}",
    )

    def finish(connection: Connection) -> dict[str, Any]:
        mark = stamp(Place(str(out), "segmentation", {}))
        applying.mark_applied(
            connection,
            dataset_id,
            layer.id,
            job.owner_id,
            requests,
            base_version=version,
            new_version=mark[:12],
            source=str(out),
        )
        own = ("offset", "intensity")  # the rest says how the labels before were read
        kept = {key: value for key, value in layer.settings.items() if key in own}
        connection.execute(
            update(layers).where(layers.c.id == layer.id).values(settings={**kept, "stamp": mark})
        )
        return {"layer": layer.name, "version": mark[:12], "pull_requests": requests}

    return Work(arguments, finish)


def _places(connection: Connection, home: Home, job: Job, _scratch: Path) -> Work:
    from emqs.web import place_filter
    from emqs.web.searching import opened_store

    settings = PlacesSettings.model_validate(job.settings)
    store = _layer(connection, job, settings.layer)
    segments = _layer(connection, job, settings.segments)
    place = place_of(segments)
    if store.kind != "embedding" or place.kind != "segmentation":
        raise ConfigError("Name the layer of an embedding store, and as segments a segmentation.")
    fingerprint = opened_store(store.source).fingerprint
    out = place_filter.file_of(home.cache, store.source, fingerprint, place, segments.version)
    arguments = _module(
        "emqs.web.place_filter",
        f"--store={store.source}",
        f"--url={place.url}",
        f"--settings={json.dumps(dict(place.settings))}",
        f"--out={out.absolute()}",
    )
    return Work(arguments, lambda _: {"layer": store.name})


KINDS: dict[str, Kind] = {
    "embed": Kind("manager", EmbedSettings, _embed),
    "export": Kind("manager", ExportSettings, _export),
    "label-apply": Kind("reviewer", LabelApplySettings, _label_apply),
    "places": Kind("manager", PlacesSettings, _places),
    "levels": Kind("manager", LevelsSettings, _levels),
    "download": Kind("reader", DownloadSettings, _download),
}


def checked(kind: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a job with the defaults filled in.

    Raises:
        ConfigError: If the kind is unknown, or a setting is unknown or out of range.
    """
    if kind not in KINDS:
        raise ConfigError(f"There are jobs of the kinds {', '.join(KINDS)}, got '{kind[:50]}'.")
    try:
        return KINDS[kind].settings.model_validate(settings).model_dump(mode="json")
    except ValueError as error:
        found: list[Any] = getattr(error, "errors", list)()
        first = found[0] if found else {"loc": (), "msg": "they are no settings"}
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"Settings of a job of the kind {kind}: {name}: {first['msg']}."
        ) from None
