"""Annotations are made, changed, deleted and brought back; each step is kept.

Functions take an open transaction (``Database.read`` or ``Database.write``), so that a caller can
add e.g. a line of the audit log to the same one. They check whose an annotation is; what the user
may do in the dataset was checked before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from emqs.annotations.changes import Change, begin_change
from emqs.annotations.drafts import checked, checked_text, thinning
from emqs.annotations.ids import new_id
from emqs.annotations.records import Annotation
from emqs.annotations.schema import annotation_history, annotation_tags, annotations, layers
from emqs.errors import ConflictError, DataError, ForbiddenError, NotFoundError

AT_ONCE = 500  # ids in one question


@dataclass(frozen=True)
class Revision:
    """An annotation as it was or is.

    Attributes:
        number: 1 for the first.
        action: What made it: created, updated, deleted, undone.
        user_id: Who.
        at: Seconds since 1970, UTC.
        content: Its fields, and ``deleted``.
    """

    number: int
    action: str
    user_id: str
    at: float
    content: Mapping[str, Any]


def get(
    connection: Connection,
    dataset_id: str,
    annotation_id: str,
    *,
    owners: frozenset[str],
) -> Annotation:
    """Return an annotation, also a deleted one.

    Args:
        connection: Of ``Database.read``.
        dataset_id: The dataset that it should lie in.
        annotation_id: Its id.
        owners: Whose sandboxes the user may see.

    Raises:
        NotFoundError: If there is none, or none that the user may see.
    """
    row = _read(connection, dataset_id, [annotation_id]).get(annotation_id)
    if row is None or row.owner_id not in owners:
        raise _missing(annotation_id)
    return row


def by_number(
    connection: Connection, dataset_id: str, number: int, *, owners: frozenset[str]
) -> Annotation:
    """Return the annotation that neuroglancer calls by a number; see ``get``."""
    annotation_id = connection.scalar(
        sa.select(annotations.c.id).where(annotations.c.number == min(number, 2**63 - 1))
    )
    return get(connection, dataset_id, annotation_id or str(number), owners=owners)


def create(
    connection: Connection,
    dataset_id: str,
    user_id: str,
    fields: Mapping[str, Any],
    *,
    client_key: str | None = None,
) -> Annotation:
    """Make an annotation in a user's sandbox; ``client_key`` must be new there.

    Raises:
        DataError: If a field is not as ``drafts.checked`` asks.
        ConflictError: If the user has an annotation with this key in the dataset.
        NotFoundError: If there is no such dataset.
    """
    change = begin_change(connection, dataset_id)
    columns = checked(fields, change.frame)
    check_layers(connection, dataset_id, user_id, [columns])
    if client_key is not None:
        client_key = checked_text(client_key, "client_key", 100)
        if by_client_key(connection, dataset_id, user_id, [client_key]):
            raise ConflictError(f"An annotation with the client_key {client_key!r} exists.")
    (row,) = insert(connection, change, user_id, [(columns, client_key)])
    return row


def update(
    connection: Connection,
    dataset_id: str,
    user_id: str,
    annotation_id: str,
    fields: Mapping[str, Any],
    *,
    revision: int,
) -> Annotation:
    """Change the fields that are given and no other.

    Args:
        connection: Of ``Database.write``.
        dataset_id: The dataset that it lies in.
        user_id: Its owner.
        annotation_id: Its id.
        fields: As ``drafts.checked`` asks.
        revision: The one that the user has seen.

    Returns:
        The annotation as it is now; the same if nothing is different.

    Raises:
        ConflictError: If it was changed since, or is deleted.
        DataError: If a field is wrong.
        ForbiddenError: If it is somebody else's.
        NotFoundError: If there is none.
    """
    change = begin_change(connection, dataset_id)
    base = own(connection, dataset_id, user_id, annotation_id)
    check_revision(base, revision)
    columns = checked(fields, change.frame, base)
    check_layers(connection, dataset_id, user_id, [columns])
    return changed(connection, change, user_id, base, columns)


def delete(
    connection: Connection, dataset_id: str, user_id: str, annotation_id: str, *, revision: int
) -> Annotation:
    """Delete an annotation; ``undo`` brings it back. Errors as of ``update``."""
    change = begin_change(connection, dataset_id)
    base = own(connection, dataset_id, user_id, annotation_id)
    check_revision(base, revision)
    return save(connection, change, user_id, base, {"deleted": change.at}, "deleted")


def undo(
    connection: Connection, dataset_id: str, user_id: str, annotation_id: str, *, revision: int
) -> Annotation:
    """Take back the newest step that was not taken back yet; once more goes one step further.

    Raises:
        ConflictError: If it was changed since, or was not changed at all.
        ForbiddenError: If it is somebody else's.
        NotFoundError: If there is none.
    """
    change = begin_change(connection, dataset_id)
    base = own(connection, dataset_id, user_id, annotation_id)
    if base.revision != revision:
        raise _changed_since(base, revision)
    if base.basis == 1:
        raise ConflictError(
            f"Annotation {annotation_id} is as it was made: there is no step to take back; delete "
            "it to be rid of it."
        )
    h = annotation_history.c
    before = connection.execute(
        sa.select(annotation_history).where(
            h.annotation_id == annotation_id, h.revision == base.basis - 1
        )
    ).one()
    content = dict(before.content)
    deleted = content.pop("deleted")
    columns = checked(content, change.frame) | {"deleted": deleted, "basis": before.basis}
    return save(connection, change, user_id, base, columns, "undone")


def history(connection: Connection, annotation: Annotation) -> list[Revision]:
    """Return every revision of an annotation that the user may see, oldest first."""
    rows = connection.execute(
        sa.select(annotation_history)
        .where(annotation_history.c.annotation_id == annotation.id)
        .order_by(annotation_history.c.revision)
    )
    old = [Revision(row.revision, row.action, row.user_id, row.at, row.content) for row in rows]
    newest = Revision(
        annotation.revision,
        annotation.action,
        annotation.changed_by,
        annotation.changed,
        _kept(annotation),
    )
    return [*old, newest]


# --- what batches and the atlas use, too ---------------------------------------------------------


def own(connection: Connection, dataset_id: str, user_id: str, annotation_id: str) -> Annotation:
    """Return an annotation that a user may change.

    Raises:
        ForbiddenError: If it is somebody else's.
        NotFoundError: If there is none.
    """
    row = _read(connection, dataset_id, [annotation_id]).get(annotation_id)
    if row is None:
        raise _missing(annotation_id)
    return check_owner(row, user_id)


def check_owner(annotation: Annotation, user_id: str) -> Annotation:
    """Return an annotation if it is the user's own.

    Raises:
        ForbiddenError: If it is not.
    """
    if annotation.owner_id != user_id:
        raise ForbiddenError(
            f"Annotation {annotation.id} is another user's: it can be seen and not changed; make a "
            "copy of it instead."
        )
    return annotation


def check_revision(annotation: Annotation, revision: int) -> None:
    """Raise an error unless an annotation is as the user has seen it, and not deleted.

    Raises:
        ConflictError: If it is not.
    """
    if annotation.deleted is not None:
        raise ConflictError(f"Annotation {annotation.id} is deleted; undo brings it back.")
    if annotation.revision != revision:
        raise _changed_since(annotation, revision)


def read_many(connection: Connection, dataset_id: str, ids: Sequence[str]) -> dict[str, Annotation]:
    """Return those annotations of a dataset that exist, whoever owns them."""
    by_id: dict[str, Annotation] = {}
    for first in range(0, len(ids), AT_ONCE):
        by_id |= _read(connection, dataset_id, ids[first : first + AT_ONCE])
    return by_id


def by_client_key(
    connection: Connection, dataset_id: str, user_id: str, keys: Sequence[str]
) -> dict[str, Annotation]:
    """Return a user's annotations by the keys with which they were uploaded."""
    by_key: dict[str, Annotation] = {}
    for first in range(0, len(keys), AT_ONCE):
        rows = connection.execute(
            sa.select(annotations).where(
                annotations.c.dataset_id == dataset_id,
                annotations.c.owner_id == user_id,
                annotations.c.client_key.in_(keys[first : first + AT_ONCE]),
            )
        )
        by_key |= {row.client_key: Annotation.of(row) for row in rows}
    return by_key


def check_layers(
    connection: Connection, dataset_id: str, user_id: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Raise an error unless every layer that is named is one of the dataset that the user sees.

    Raises:
        DataError: If one is not.
    """
    for layer_id in {row["layer_id"] for row in rows} - {None}:
        known = connection.scalar(
            sa.select(sa.literal(1)).where(
                layers.c.id == layer_id,
                layers.c.dataset_id == dataset_id,
                layers.c.owner_id.is_(None) | (layers.c.owner_id == user_id),
            )
        )
        if known is None:
            raise DataError(f"layer_id {layer_id!r} is no layer of this dataset.")


def insert(
    connection: Connection,
    change: Change,
    user_id: str,
    rows: Sequence[tuple[Mapping[str, Any], str | None]],
) -> list[Annotation]:
    """Return new annotations, made of checked columns and client keys, in their order."""
    if not rows:
        return []
    values = []
    for columns, client_key in rows:
        annotation_id = new_id()
        values.append(
            {
                **columns,
                "id": annotation_id,
                "dataset_id": change.dataset_id,
                "owner_id": user_id,
                "thinning": thinning(annotation_id),
                "atlas_state": "",
                "client_key": client_key,
                "revision": 1,
                "basis": 1,
                "action": "created",
                "change": change.number,
                "created": change.at,
                "changed": change.at,
                "changed_by": user_id,
                "deleted": None,
            }
        )
    numbers = _insert_rows(connection, values)
    made = [Annotation.of(SimpleNamespace(**row, number=numbers[row["id"]])) for row in values]
    _insert_tags(connection, made)
    return made


def save(
    connection: Connection,
    change: Change,
    user_id: str,
    base: Annotation,
    columns: Mapping[str, Any],
    action: str,
) -> Annotation:
    """Return an annotation with some columns changed, as its next revision."""
    connection.execute(
        sa.insert(annotation_history).values(
            annotation_id=base.id,
            revision=base.revision,
            basis=base.basis,
            action=base.action,
            user_id=base.changed_by,
            at=base.changed,
            content=_kept(base),
        )
    )
    revision = base.revision + 1
    values = {
        "basis": revision,
        **columns,
        "revision": revision,
        "action": action,
        "change": change.number,
        "changed": change.at,
        "changed_by": user_id,
    }
    row = connection.execute(
        sa.update(annotations)
        .where(annotations.c.id == base.id)
        .values(values)
        .returning(annotations)
    ).one()
    saved = Annotation.of(row)
    if saved.tags != base.tags:
        connection.execute(
            sa.delete(annotation_tags).where(annotation_tags.c.number == base.number)
        )
        _insert_tags(connection, [saved])
    return saved


def same_content(annotation: Annotation, columns: Mapping[str, Any]) -> bool:
    """Return whether checked columns say what an annotation says already."""
    points = annotation.points
    second = points[1] if len(points) == 2 else (None, None, None)
    values = annotation.content() | dict(
        zip(("z1", "y1", "x1", "z2", "y2", "x2"), (*points[0], *second), strict=True)
    )
    return all(values[name] == columns[name] for name in values if name != "points")


def changed(
    connection: Connection,
    change: Change,
    user_id: str,
    base: Annotation,
    columns: Mapping[str, Any],
) -> Annotation:
    """Return an annotation with checked columns, or as it is if they say nothing new."""
    if same_content(base, columns):
        return base
    return save(connection, change, user_id, base, columns, "updated")


def _read(connection: Connection, dataset_id: str, ids: Sequence[str]) -> dict[str, Annotation]:
    rows = connection.execute(
        sa.select(annotations).where(
            annotations.c.id.in_(ids), annotations.c.dataset_id == dataset_id
        )
    )
    return {row.id: Annotation.of(row) for row in rows}


def _kept(annotation: Annotation) -> dict[str, Any]:
    return annotation.content() | {"deleted": annotation.deleted}


def _insert_rows(connection: Connection, values: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Return the numbers of new rows by their ids; the quickest way is another on each database."""
    c = annotations.c
    if connection.dialect.name != "sqlite":
        insert_in_order = sa.insert(annotations).returning(
            c.id, c.number, sort_by_parameter_order=True
        )
        made = connection.execute(insert_in_order, values)
        return {row.id: row.number for row in made}
    connection.execute(sa.insert(annotations), values)
    ids = [row["id"] for row in values]
    return {
        row.id: row.number
        for first in range(0, len(ids), AT_ONCE)
        for row in connection.execute(
            sa.select(c.id, c.number).where(c.id.in_(ids[first : first + AT_ONCE]))
        )
    }


def _insert_tags(connection: Connection, rows: Sequence[Annotation]) -> None:
    values = [
        {"dataset_id": row.dataset_id, "tag": tag, "number": row.number}
        for row in rows
        for tag in row.tags
    ]
    if values:
        connection.execute(sa.insert(annotation_tags), values)


def _missing(annotation_id: str) -> NotFoundError:
    return NotFoundError(f"There is no annotation {annotation_id} in this dataset.")


def _changed_since(annotation: Annotation, revision: int) -> ConflictError:
    return ConflictError(
        f"Annotation {annotation.id} is at revision {annotation.revision} and not {revision}: it "
        "was changed in the meantime, so read it again first."
    )
