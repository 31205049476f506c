"""Datasets and their layers as the database knows them, and who may do what in them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row, bindparam, or_, select

from emqs.annotations.schema import ROLES, datasets, grants, group_members, layers
from emqs.errors import NotFoundError
from emqs.web.sessions import User
from emqs.web.sources import Place


@dataclass(frozen=True)
class Dataset:
    """A volume and what belongs to it."""

    id: str
    name: str
    title: str
    description: str
    visibility: str  # private or public
    settings: dict[str, Any]  # voxel_size_nm, shape, view, stores ...
    revision: int
    changed: float


@dataclass(frozen=True)
class Layer:
    """Something of a dataset that can be shown or searched."""

    id: str
    dataset_id: str
    name: str
    kind: str  # image, segmentation, annotations or embedding
    source: str  # path or URL
    version: str
    owner_id: str | None  # None: of everybody who may read the dataset
    settings: dict[str, Any]  # level, dataset, axes, voxel_size_nm ... of open_volume

    @cached_property
    def place(self) -> Place:
        """Where its voxels lie."""
        return Place(self.source, self.kind, self.settings)

    @cached_property
    def frozen_settings(self) -> str:
        """Its settings, to be compared."""
        return repr(sorted(self.settings.items(), key=lambda item: item[0]))


def _dataset(row: Row[Any]) -> Dataset:
    return Dataset(
        row.id, row.name, row.title, row.description, row.visibility, row.settings, row.revision,
        row.changed,
    )  # fmt: skip


def _layer(row: Row[Any]) -> Layer:
    return Layer(
        row.id, row.dataset_id, row.name, row.kind, row.source, row.version, row.owner_id,
        row.settings,
    )  # fmt: skip


def _granted_to(user_id: Any) -> Any:  # noqa: ANN401 - a condition
    own_groups = select(group_members.c.group_id).where(group_members.c.user_id == user_id)
    return or_(grants.c.user_id == user_id, grants.c.group_id.in_(own_groups))


# Put together once: nearly every request asks.
_DATASET = select(datasets).where(datasets.c.name == bindparam("name"))
_ROLES = select(grants.c.role).where(
    grants.c.dataset_id == bindparam("dataset"), _granted_to(bindparam("user"))
)
_LAYERS = (
    select(layers)
    .where(layers.c.dataset_id == bindparam("dataset"))
    .where(or_(layers.c.owner_id.is_(None), layers.c.owner_id == bindparam("user")))
    .order_by(layers.c.id)
)


def dataset(connection: Connection, name: str) -> Dataset | None:
    """Return a dataset by its name, or None."""
    row = connection.execute(_DATASET, {"name": name}).one_or_none()
    return None if row is None else _dataset(row)


def names(connection: Connection, ids: Iterable[str | None]) -> dict[str, str]:
    """Return the names of datasets by their ids; None is none."""
    asked = {number for number in ids if number is not None}
    rows = connection.execute(
        select(datasets.c.id, datasets.c.name).where(datasets.c.id.in_(asked))
    )
    return {row.id: row.name for row in rows}


def role(connection: Connection, dataset: Dataset, user: User | None) -> str | None:
    """Return the largest role that a user has in a dataset, by themselves or through groups.

    Admins are managers everywhere; everybody may read what is public. None: no rights at all.
    """
    if user is not None and user.is_admin:
        return "manager"
    held = {"reader"} if dataset.visibility == "public" else set()
    if user is not None:
        given = {"dataset": dataset.id, "user": user.id}
        held.update(connection.execute(_ROLES, given).scalars())
    return max(held, key=ROLES.index, default=None)


def readable(connection: Connection, user: User | None) -> list[tuple[Dataset, str]]:
    """Return the datasets that a user may know of, by name, with the role in each.

    Args:
        connection: A transaction.
        user: Whose; None: of a guest, who may know what is public.
    """
    rows = [_dataset(row) for row in connection.execute(select(datasets).order_by(datasets.c.name))]
    roles: dict[str, set[str]] = {}
    if user is not None:
        query = select(grants.c.dataset_id, grants.c.role).where(_granted_to(user.id))
        for dataset_id, granted in connection.execute(query):
            roles.setdefault(dataset_id, set()).add(granted)
    known = []
    for one in rows:
        held = roles.get(one.id, set()) | ({"reader"} if one.visibility == "public" else set())
        if user is not None and user.is_admin:
            held = {"manager"}
        if held:
            known.append((one, max(held, key=ROLES.index)))
    return known


def layers_of(connection: Connection, dataset_id: str, user_id: str | None) -> list[Layer]:
    """Return the layers of a dataset that a user sees: everybody's, and their own."""
    given = {"dataset": dataset_id, "user": user_id}
    return [_layer(row) for row in connection.execute(_LAYERS, given)]


def layer(connection: Connection, dataset_id: str, name: str, user_id: str | None) -> Layer:
    """Return a layer that a user sees; their own hides one of everybody with the same name.

    Raises:
        NotFoundError: If there is none.
    """
    named = [one for one in layers_of(connection, dataset_id, user_id) if one.name == name]
    if not named:
        raise NotFoundError("There is no such layer in this dataset.")
    return max(named, key=lambda one: one.owner_id is not None)


def stores(connection: Connection, most: int) -> list[str]:
    """Return where codes of datasets lie, those that were changed last first."""
    query = select(layers.c.source).where(layers.c.kind == "embedding")
    return list(connection.scalars(query.order_by(layers.c.changed.desc()).limit(most)))
