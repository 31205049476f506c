"""What jobs there are, and how each becomes the command that one would type.

A job's settings are checked when it is asked for. What they name are layers, stores and new names,
never paths: where these lie the server knows. Arguments are a list, never a line for a shell.
"""

import json
import shutil
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, update

from emqs.annotations import applying
from emqs.annotations.schema import layers
from emqs.errors import ConfigError
from emqs.web import job_embedding, levels
from emqs.web.home import Home
from emqs.web.job_queue import Job
from emqs.web.job_work import (
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
from emqs.web.publishing import joined
from emqs.web.sources import Place, stamp

__all__ = ["KINDS", "Kind", "Work", "checked", "override"]


class LevelsSettings(Settings):
    """Make the coarser levels of an image or a segmentation."""

    layer: str = Name


class DownloadSettings(Settings):
    """Write a box of a layer into one file that can be downloaded."""

    layer: str = Name
    start: Triple
    stop: Triple
    format: Literal["tiff", "npy", "hdf5"] = "tiff"


class LabelApplySettings(Settings):
    """Write a new version of a segmentation in which accepted merges are applied."""

    layer: str = Name


# --- kinds ---------------------------------------------------------------------------------------


def _levels(connection: Connection, home: Home, job: Job, _scratch: Path) -> Work:
    settings = LevelsSettings.model_validate(job.settings)
    layer = layer_of(connection, job, settings.layer)
    place = place_of(layer)
    folder = levels.folder_of(home.cache, place, layer.version)
    arguments = module(
        "emqs.web.levels",
        f"--url={place.url}",
        f"--kind={place.kind}",
        f"--settings={json.dumps(dict(place.settings))}",
        f"--out={folder.absolute()}",
    )
    return Work(arguments, lambda _: {"layer": layer.name})


def _download(connection: Connection, home: Home, job: Job, _scratch: Path) -> Work:
    settings = DownloadSettings.model_validate(job.settings)
    place = place_of(layer_of(connection, job, settings.layer))
    folder = home.cache / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    ending = {"tiff": "tif", "npy": "npy", "hdf5": "h5"}[settings.format]
    out = folder / f"{job.id}.{ending}"
    arguments = module(
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
    layer = layer_of(connection, job, settings.layer)
    place = place_of(layer)
    if place.kind != "segmentation" or layer.owner_id is not None:
        raise ConfigError(f"{layer.name} is no segmentation of everybody.")
    dataset_id = dataset_of(job)
    version, table, requests = applying.equivalence_table(connection, dataset_id, layer.id)
    if not requests:
        raise ConfigError(f"No accepted pull request of {layer.name} waits to be applied.")
    out = target(home, job, f"{layer.name}-{job.id}.zarr").absolute()
    if out.exists():  # an earlier try wrote it, and died before it could say so
        shutil.rmtree(out)
    merged = scratch / "merged.json"
    whole = joined(layer.settings.get("equivalences") or {}, table)
    merged.write_text(json.dumps(whole))
    arguments = module(
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


KINDS: dict[str, Kind] = {
    **job_embedding.KINDS,
    "label-apply": Kind("reviewer", LabelApplySettings, _label_apply),
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
        problems: list[Any] = getattr(error, "errors", list)()
        first = problems[0] if problems else {"loc": (), "msg": "they are no settings"}
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"Settings of a job of the kind {kind}: {name}: {first['msg']}."
        ) from None
