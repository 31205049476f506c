"""Adding datasets: described, opened once to learn their shape, written into the database."""

import os
import re
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, and_, select, update

from emqs.annotations.ids import new_id
from emqs.annotations.schema import LAYER_KINDS, datasets, layers
from emqs.errors import ConfigError, ConflictError
from emqs.web import catalogue, grants
from emqs.web.catalogue import Dataset
from emqs.web.sources import SETTINGS, Place, open_place, stamp

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
VISIBILITIES = ("private", "public")
STORE_SCHEMES = ("clickhouse://", "chdb://")
IMAGE, LABELS = "image", "labels"


@dataclass(frozen=True)
class LayerDraft:
    """A layer that is to be added."""

    name: str
    kind: str  # one of LAYER_KINDS
    source: str  # path or URL
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what a type cannot express."""
        checked_name(self.name, "A layer")
        if self.kind not in LAYER_KINDS:
            raise ConfigError(
                f"The kind of the layer {self.name} must be one of {', '.join(LAYER_KINDS)}, got "
                f"'{self.kind}'."
            )

    @property
    def place(self) -> Place:
        """Where its voxels lie."""
        return Place(self.source, self.kind, self.settings)


@dataclass(frozen=True)
class Draft:
    """A dataset that is to be added."""

    name: str
    volume: str
    stores: tuple[str, ...] = ()
    layers: tuple[LayerDraft, ...] = ()  # besides the volume and the stores
    title: str = ""
    description: str = ""
    visibility: str = "private"
    view: dict[str, Any] = field(default_factory=dict)  # of the viewer, merged into its state
    settings: dict[str, Any] = field(default_factory=dict)  # SETTINGS of the volume
    grants: dict[str, dict[str, str]] = field(default_factory=dict)  # users, groups: name to role

    def __post_init__(self) -> None:
        """Check what a type cannot express."""
        checked_name(self.name, "A dataset")
        if self.visibility not in VISIBILITIES:
            raise ConfigError(
                f"visibility of {self.name} must be one of {', '.join(VISIBILITIES)}, got "
                f"'{self.visibility}'."
            )
        for kind, given in self.grants.items():
            if kind not in ("users", "groups") or not isinstance(given, Mapping):
                raise ConfigError(
                    f"grants of {self.name} must hold users: and groups:, each with name: role."
                )
            for role in given.values():
                grants.checked_role(role)


def checked_name(name: str, what: str) -> str:
    """Return a name of a dataset or layer.

    Raises:
        ConfigError: If it is none.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"{what} is named with 1 to 100 letters, digits, dots, dashes and underscores, "
            f"beginning with a letter or digit, got '{name[:100]}'."
        )
    return name


def draft(name: str, given: Mapping[str, Any], *, beside: Path) -> Draft:
    """Return the dataset that a file or a command describes.

    Args:
        name: Of the dataset.
        given: Its keys: volume, store (one or several), labels (one, or name: path), layers (list
            of name, kind, source), title, description, visibility, voxel_size_nm, axes, level,
            dataset, view, grants.
        beside: Folder that relative paths start at.

    Raises:
        ConfigError: If a key is unknown or a value has the wrong type.
    """
    known = {
        "volume", "store", "labels", "layers", "title", "description", "visibility", "view",
        "grants", *SETTINGS,
    }  # fmt: skip
    unknown = sorted(set(given) - known)
    if unknown:
        raise ConfigError(
            f"The dataset {name} has no key {unknown[0]}; it has {', '.join(sorted(known))}."
        )
    volume = given.get("volume")
    if not isinstance(volume, str):
        raise ConfigError(f"The dataset {name} needs volume: PATH.")
    store, labels = given.get("store") or [], given.get("labels") or {}
    stores = [store] if isinstance(store, str) else store
    named = {LABELS: labels} if isinstance(labels, str) else labels
    others = given.get("layers") or []
    if (
        not isinstance(stores, Sequence)
        or not isinstance(named, Mapping)
        or not isinstance(others, Sequence)
        or not all(isinstance(other, Mapping) for other in others)
    ):
        raise ConfigError(f"store, labels or layers of the dataset {name} are no paths.")
    extra = [LayerDraft(str(key), "segmentation", _path(p, beside)) for key, p in named.items()]
    extra += [layer_draft(other, beside) for other in others]
    return Draft(
        name,
        _path(volume, beside),
        tuple(_path(one, beside) for one in stores),
        tuple(extra),
        str(given.get("title") or name),
        str(given.get("description") or ""),
        str(given.get("visibility") or "private"),
        dict(given.get("view") or {}),
        {key: given[key] for key in SETTINGS if given.get(key) is not None},
        dict(given.get("grants") or {}),
    )


def layer_draft(given: Mapping[str, Any], beside: Path) -> LayerDraft:
    """Return the layer that a mapping describes.

    Raises:
        ConfigError: If a key is missing or unknown.
    """
    missing = [key for key in ("name", "kind", "source") if not isinstance(given.get(key), str)]
    unknown = sorted(set(given) - {"name", "kind", "source", *SETTINGS})
    if missing or unknown:
        key = (missing or unknown)[0]
        raise ConfigError(f"A layer has name, kind and source; look at its key {key}.")
    settings = {key: given[key] for key in SETTINGS if given.get(key) is not None}
    return LayerDraft(given["name"], given["kind"], _path(given["source"], beside), settings)


def _path(value: object, beside: Path) -> str:
    """Return a path as an absolute one, and a URL as it is."""
    text = str(value)
    if "://" in text:
        scheme, _, rest = text.partition("://")
        local = scheme == "chdb"
        return f"{scheme}://{_absolute(rest, beside)}" if local else text
    return _absolute(text, beside)


def _absolute(path: str, beside: Path) -> str:
    return os.path.normpath((beside / Path(path).expanduser()).absolute())


def check_readable(draft: Draft | LayerDraft, folders: Sequence[str]) -> None:
    """Raise unless everything lies under folders from which datasets may be added over the API.

    Raises:
        ConfigError: If something does not. Servers are never asked: what can be reached from here
            is not for everybody who can reach here.
    """
    if isinstance(draft, Draft):
        sources = [draft.volume, *draft.stores, *(layer.source for layer in draft.layers)]
    else:
        sources = [draft.source]
    allowed = [Path(folder).expanduser().resolve() for folder in folders]
    for source in sources:
        path = None if "://" in source else Path(source).resolve()
        if path is None or not any(path.is_relative_to(folder) for folder in allowed):
            known = ", ".join(map(str, allowed)) or "there are none"
            raise ConfigError(
                f"{source} lies in none of the folders that datasets may be added from here "
                f"(serve.readable: {known}). Start the server with serve.readable=[FOLDER], or "
                f"type where it runs: emqs dataset add NAME {shlex.quote(f'volume={source}')} "
                "home=HOME."
            )


def measured(draft: Draft) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Open what a draft names, and return the settings and layers that are written of it.

    Raises:
        DataError: If something is not there or cannot be read.
        ConfigError: If a store was made of a volume of another shape.
    """
    first = LayerDraft(IMAGE, "image", draft.volume, draft.settings)
    volume = open_place(first.place)
    rows = [_row(first)]
    for number, store in enumerate(draft.stores):
        name = "codes" if number == 0 else f"codes{number + 1}"
        rows.append(_row(LayerDraft(name, "embedding", store)))
    for layer in draft.layers:
        if layer.kind in ("image", "segmentation"):
            open_place(layer.place)
        rows.append(_row(layer))
    names = [row["name"] for row in rows]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"Two layers of the dataset {draft.name} are named {twice}.")
    settings = {
        "voxel_size_nm": list(volume.require_voxel_size()),
        "shape": list(volume.shape),
        "origin_nm": list(volume.origin_nm),
        "dtype": volume.dtype.name,
        "view": draft.view,
    }
    return settings, rows


def _row(layer: LayerDraft) -> dict[str, Any]:
    """Return the columns of a layer, with a version that changes when its files do."""
    mark = "" if layer.source.startswith(STORE_SCHEMES) else stamp(layer.place)
    settings = {**layer.settings, "stamp": mark} if mark else dict(layer.settings)
    return {
        "name": layer.name,
        "kind": layer.kind,
        "source": layer.source,
        "version": mark[:12] or "1",
        "settings": settings,
    }


def add(
    connection: Connection,
    draft: Draft,
    measured: tuple[dict[str, Any], list[dict[str, Any]]],
    *,
    created_by: str | None,
    replace: bool = False,
) -> str:
    """Write a dataset into the database.

    Args:
        connection: A transaction that writes.
        draft: What was described.
        measured: What ``measured`` returned for it.
        created_by: Id of the user who adds it, or None.
        replace: Bring a dataset of this name up to date instead of refusing; its annotations stay.

    Returns:
        Its id.

    Raises:
        ConflictError: If there is one already.
        NotFoundError: If a grant names an unknown user or group.
    """
    settings, rows = measured
    known = catalogue.dataset(connection, draft.name)
    now = time.time()
    if known is not None and not replace:
        raise ConflictError(f"There is a dataset {draft.name} already. Choose another name.")
    values = {
        "title": draft.title,
        "description": draft.description,
        "visibility": draft.visibility,
        "settings": settings,
        "changed": now,
    }
    if known is None:
        number = new_id()
        connection.execute(
            datasets.insert().values(
                id=number,
                name=draft.name,
                revision=1,
                changes=0,
                created_by=created_by,
                created=now,
                **values,
            )
        )
    else:
        number = known.id
        connection.execute(
            update(datasets)
            .where(datasets.c.id == number)
            .values(revision=known.revision + 1, **values)
        )
    for row in rows:
        put_layer(connection, number, row, owner_id=None)
    for kind, named in draft.grants.items():
        for name, role in named.items():
            grants.grant(
                connection,
                number,
                **{kind[:-1]: name},
                role=grants.checked_role(role),
                by=created_by,
            )
    return number


def put_layer(
    connection: Connection, dataset_id: str, row: Mapping[str, Any], *, owner_id: str | None
) -> str:
    """Write a layer; one of the same name and owner gets the new source and version.

    Returns:
        Its id.
    """
    now = time.time()
    same_owner = layers.c.owner_id.is_(None) if owner_id is None else layers.c.owner_id == owner_id
    where = and_(layers.c.dataset_id == dataset_id, layers.c.name == row["name"], same_owner)
    known = connection.execute(select(layers.c.id).where(where)).scalar_one_or_none()
    if known is not None:
        connection.execute(update(layers).where(layers.c.id == known).values(**row, changed=now))
        return str(known)
    number = new_id()
    connection.execute(
        layers.insert().values(
            id=number, dataset_id=dataset_id, owner_id=owner_id, created=now, changed=now, **row
        )
    )
    return number


def row_of_layer(layer: LayerDraft) -> dict[str, Any]:
    """Return the columns of a layer that is added by itself, opened once.

    Raises:
        DataError: If it cannot be read.
    """
    if layer.kind in ("image", "segmentation"):
        open_place(layer.place)
    return _row(layer)


def change(
    connection: Connection, dataset: Dataset, values: Mapping[str, Any], revision: int | None
) -> None:
    """Change title, description, visibility or view of a dataset.

    Args:
        connection: A transaction that writes.
        dataset: Which.
        values: ``title``, ``description``, ``visibility``, ``view``; what is not given stays.
        revision: The one that the changes were made on; None: whatever it is now.

    Raises:
        ConfigError: If a value is not allowed.
        ConflictError: If it was changed in the meantime.
    """
    columns: dict[str, Any] = {
        key: values[key] for key in ("title", "description", "visibility") if key in values
    }
    if columns.get("visibility", "private") not in VISIBILITIES:
        raise ConfigError(f"visibility must be one of {', '.join(VISIBILITIES)}.")
    if "view" in values:
        columns["settings"] = {**dataset.settings, "view": values["view"]}
    query = update(datasets).where(datasets.c.id == dataset.id)
    query = query.where(datasets.c.revision == (dataset.revision if revision is None else revision))
    query = query.values(**columns, revision=datasets.c.revision + 1, changed=time.time())
    if connection.execute(query).rowcount == 0:
        raise ConflictError(
            f"The dataset {dataset.name} was changed in the meantime: it has revision "
            f"{dataset.revision}. Read it again."
        )


def remove(connection: Connection, dataset: Dataset) -> None:
    """Delete a dataset with everything that was said of it; files stay where they are."""
    connection.execute(datasets.delete().where(datasets.c.id == dataset.id))
