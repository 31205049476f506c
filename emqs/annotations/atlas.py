"""The atlas: annotations that a reviewer has accepted, shown to all who may read the dataset.

An entry holds the annotation as it was submitted. What its owner changes later is not shown before
it was submitted and accepted again; until then the earlier text stays.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Row

from emqs.annotations import text_index
from emqs.annotations.annotations import own
from emqs.annotations.changes import Change, begin_change
from emqs.annotations.drafts import folded
from emqs.annotations.ids import new_id
from emqs.annotations.reviews import Comment, add_comment, check_step, comments
from emqs.annotations.schema import ATLAS_STATES, annotations, atlas_comments, atlas_entries
from emqs.errors import ConflictError, DataError, ForbiddenError, NotFoundError

OPEN = ("submitted", "changes_requested")
REVIEWS: dict[str, tuple[str, ...]] = {
    "accepted": ("submitted",),
    "rejected": ("submitted", "changes_requested", "accepted"),
    "changes_requested": ("submitted",),
}
MOST_ROWS = 200


@dataclass(frozen=True)
class Entry:
    """An annotation on its way into the atlas, or in it.

    Attributes:
        id: Its name.
        annotation_id: What was submitted.
        dataset_id: The dataset that it lies in.
        owner_id: Who submitted it.
        reviewer_id: Who decided last, or None.
        state: submitted, changes_requested, accepted, rejected, withdrawn or superseded.
        content: The annotation as submitted: kind, points, title, description, tags ...
        annotation_revision: The revision that was submitted.
        revision: Counts the changes of the entry from 1.
        created: Seconds since 1970, UTC.
        changed: Likewise.
    """

    id: str
    annotation_id: str
    dataset_id: str
    owner_id: str
    reviewer_id: str | None
    state: str
    content: Mapping[str, Any]
    annotation_revision: int
    revision: int
    created: float
    changed: float


@dataclass(frozen=True)
class Viewer:
    """Who looks at the atlas.

    Attributes:
        user_id: The user, or None: somebody who is not signed in.
        datasets: Those that may be read.
        reviews: Those of them in which the user is a reviewer, and sees all entries.
    """

    user_id: str | None
    datasets: frozenset[str]
    reviews: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AtlasFilter:
    """Which entries are asked for; everything that is given must hold.

    Attributes:
        dataset_id: Of this dataset.
        states: One of these; without any all but superseded ones.
        text: A run of letters in title, description or a tag.
        tags: All of these.
        owner_id: Submitted by this user.
    """

    dataset_id: str | None = None
    states: tuple[str, ...] = ()
    text: str = ""
    tags: tuple[str, ...] = ()
    owner_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse unknown states."""
        for state in self.states:
            if state not in ATLAS_STATES:
                raise DataError(f"state must be one of {', '.join(ATLAS_STATES)}, got {state!r}.")


def submit(
    connection: Connection, dataset_id: str, user_id: str, annotation_id: str, *, revision: int
) -> Entry:
    """Submit an own annotation for review, or a newer revision of it.

    Raises:
        DataError: If title or description is blank.
        ConflictError: If the annotation was changed since, is deleted, or this revision is
            submitted or accepted already.
        ForbiddenError: If it is another user's.
        NotFoundError: If there is none.
    """
    change = begin_change(connection, dataset_id)
    annotation = own(connection, dataset_id, user_id, annotation_id)
    if annotation.deleted is not None or annotation.revision != revision:
        raise ConflictError(
            f"Annotation {annotation_id} was changed or deleted in the meantime; read it again."
        )
    for name in ("title", "description"):
        if not getattr(annotation, name).strip():
            raise DataError(f"An atlas entry needs a title and a description; the {name} is empty.")
    entries = _of_annotation(connection, annotation_id)
    if any(
        e.state in ("submitted", "accepted") and e.annotation_revision == revision for e in entries
    ):
        raise ConflictError(
            f"Revision {revision} of annotation {annotation_id} is in the atlas or in review."
        )
    pending = [entry for entry in entries if entry.state in OPEN]
    columns = {
        "state": "submitted",
        "title": annotation.title,
        "description": annotation.description,
        "tags": list(annotation.tags),
        "search_text": folded(
            "\n".join([annotation.title, annotation.description, *annotation.tags])
        ),
        "content": annotation.content() | {"number": annotation.number},
        "annotation_revision": revision,
        "changed": change.at,
    }
    if pending:
        entry_id = pending[0].id
        values = columns | {"revision": pending[0].revision + 1}
        connection.execute(
            sa.update(atlas_entries).where(atlas_entries.c.id == entry_id).values(values)
        )
    else:
        entry_id = new_id()
        names = {
            "id": entry_id,
            "annotation_id": annotation_id,
            "dataset_id": dataset_id,
            "owner_id": user_id,
            "revision": 1,
            "created": change.at,
        }
        connection.execute(sa.insert(atlas_entries).values(columns | names))
    add_comment(connection, atlas_comments, {"entry_id": entry_id}, user_id, "", "submitted")
    _mark_annotation(connection, change, annotation_id, "submitted")
    return _entry(connection, dataset_id, entry_id)


def review(
    connection: Connection,
    dataset_id: str,
    reviewer_id: str,
    entry_id: str,
    step: str,
    *,
    revision: int,
    text: str = "",
) -> Entry:
    """Accept an entry, reject it, or ask for changes; that the user may was checked before.

    Args:
        connection: Of ``Database.write``.
        dataset_id: The dataset of the entry.
        reviewer_id: Who decides.
        entry_id: The entry.
        step: ``accepted``, ``rejected`` (also what was accepted before) or ``changes_requested``.
        revision: Of the entry, as the reviewer has seen it.
        text: Why; needed for anything but ``accepted``.

    Raises:
        ConflictError: If it was submitted anew in the meantime, or does not wait for a review.
        DataError: If the text is missing or the step unknown.
        NotFoundError: If there is no such entry.
    """
    change = begin_change(connection, dataset_id)
    entry = _entry(connection, dataset_id, entry_id)
    check_step(f"Atlas entry {entry_id}", entry.state, step, REVIEWS)
    _check_revision(entry, revision)
    if step != "accepted" and not text.strip():
        raise DataError("Say why: a text is needed to reject an entry or to ask for changes.")
    if step == "accepted":
        connection.execute(
            sa.update(atlas_entries)
            .where(
                atlas_entries.c.annotation_id == entry.annotation_id,
                atlas_entries.c.state == "accepted",
            )
            .values(state="superseded", changed=change.at, revision=atlas_entries.c.revision + 1)
        )
    return _step(connection, change, entry, reviewer_id, step, text)


def withdraw(
    connection: Connection, dataset_id: str, user_id: str, entry_id: str, *, text: str = ""
) -> Entry:
    """Take an own entry back, also out of the atlas.

    Raises:
        ConflictError: If it is rejected, withdrawn or superseded already.
        ForbiddenError: If it is another user's.
        NotFoundError: If there is no such entry.
    """
    change = begin_change(connection, dataset_id)
    entry = _entry(connection, dataset_id, entry_id)
    if entry.owner_id != user_id:
        raise ForbiddenError(f"Atlas entry {entry_id} is another user's.")
    steps = {"withdrawn": (*OPEN, "accepted")}
    check_step(f"Atlas entry {entry_id}", entry.state, "withdrawn", steps)
    return _step(connection, change, entry, user_id, "withdrawn", text)


def comment(
    connection: Connection, viewer: Viewer, dataset_id: str, entry_id: str, text: str
) -> Comment:
    """Add a comment to an entry that the user sees.

    Raises:
        DataError: If the text is blank or too long.
        NotFoundError: If there is no such entry, or none that the user sees.
    """
    entry = get(connection, viewer, dataset_id, entry_id)
    if viewer.user_id is None:
        raise ForbiddenError("Sign in to write a comment.")
    return add_comment(
        connection, atlas_comments, {"entry_id": entry.id}, viewer.user_id, text, "comment"
    )


def discussion(connection: Connection, entry: Entry) -> list[Comment]:
    """Return the comments and steps of an entry that the user sees, oldest first."""
    return comments(connection, atlas_comments, {"entry_id": entry.id})


def get(connection: Connection, viewer: Viewer, dataset_id: str, entry_id: str) -> Entry:
    """Return an entry.

    Raises:
        NotFoundError: If there is none, or none that the user sees.
    """
    row = connection.execute(
        sa.select(atlas_entries).where(
            atlas_entries.c.id == entry_id,
            atlas_entries.c.dataset_id == dataset_id,
            _seen_by(viewer),
        )
    ).one_or_none()
    if row is None:
        raise _missing(entry_id)
    return _of(row)


def page(
    connection: Connection,
    viewer: Viewer,
    where: AtlasFilter,
    *,
    limit: int = 24,
    after: str | None = None,
) -> tuple[list[Entry], str | None]:
    """Return entries that a user sees, newest first, and where the next page begins.

    Args:
        connection: Of ``Database.read``.
        viewer: Sees accepted entries, own ones, and all of datasets that the viewer reviews.
        where: What they must be.
        limit: Rows at most, 1 to 200.
        after: What the page before gave; None: the first page.

    Raises:
        DataError: If limit is out of range.
    """
    if not 1 <= limit <= MOST_ROWS:
        raise DataError(f"limit must be from 1 to {MOST_ROWS}, got {limit}.")
    query = sa.select(atlas_entries).where(_seen_by(viewer), *_conditions(where))
    if after is not None:
        query = query.where(atlas_entries.c.id < after)
    rows = connection.execute(query.order_by(atlas_entries.c.id.desc()).limit(limit + 1)).all()
    entries = [_of(row) for row in rows[:limit]]
    return entries, entries[-1].id if len(rows) > limit else None


def accepted(connection: Connection, dataset_id: str) -> Iterator[Entry]:
    """Yield the accepted entries of a dataset, e.g. to show them all in a viewer."""
    c = atlas_entries.c
    rows = connection.execute(
        sa.select(atlas_entries)
        .where(c.dataset_id == dataset_id, c.state == "accepted")
        .order_by(c.id)
    )
    return (_of(row) for row in rows)


def _seen_by(viewer: Viewer) -> ColumnElement[bool]:
    c = atlas_entries.c
    shown = [c.state == "accepted", c.dataset_id.in_(sorted(viewer.reviews))]
    if viewer.user_id is not None:
        shown.append(c.owner_id == viewer.user_id)
    return sa.and_(c.dataset_id.in_(sorted(viewer.datasets)), sa.or_(*shown))


def _conditions(where: AtlasFilter) -> Iterator[ColumnElement[bool]]:
    c = atlas_entries.c
    if where.dataset_id is not None:
        yield c.dataset_id == where.dataset_id
    yield c.state.in_(where.states) if where.states else c.state != "superseded"
    if where.text:
        yield text_index.holds(c.search_text, where.text)
    for tag in where.tags:
        yield text_index.holds(c.search_text, tag)
        yield _has_tag(tag)
    if where.owner_id is not None:
        yield c.owner_id == where.owner_id


def _has_tag(tag: str) -> ColumnElement[bool]:
    """Return the condition that a tag, spelled as JSON, stands in the list of tags."""
    spelled = sa.cast(atlas_entries.c.tags, sa.Text)
    return spelled.contains(json.dumps(tag), autoescape=True)


def _step(
    connection: Connection, change: Change, entry: Entry, user_id: str, step: str, text: str
) -> Entry:
    values = {"state": step, "changed": change.at, "revision": entry.revision + 1}
    if step in REVIEWS:
        values["reviewer_id"] = user_id
    connection.execute(
        sa.update(atlas_entries).where(atlas_entries.c.id == entry.id).values(values)
    )
    add_comment(connection, atlas_comments, {"entry_id": entry.id}, user_id, text, step)
    newest = _of_annotation(connection, entry.annotation_id)[-1]
    _mark_annotation(connection, change, entry.annotation_id, newest.state)
    return _entry(connection, entry.dataset_id, entry.id)


def _mark_annotation(
    connection: Connection, change: Change, annotation_id: str, state: str
) -> None:
    """Write the state to the annotation, which its lists are filtered by; no new revision."""
    connection.execute(
        sa.update(annotations)
        .where(annotations.c.id == annotation_id)
        .values(atlas_state=state, change=change.number)
    )


def _of_annotation(connection: Connection, annotation_id: str) -> list[Entry]:
    rows = connection.execute(
        sa.select(atlas_entries)
        .where(atlas_entries.c.annotation_id == annotation_id)
        .order_by(atlas_entries.c.id)
    )
    return [_of(row) for row in rows]


def _entry(connection: Connection, dataset_id: str, entry_id: str) -> Entry:
    row = connection.execute(
        sa.select(atlas_entries).where(
            atlas_entries.c.id == entry_id, atlas_entries.c.dataset_id == dataset_id
        )
    ).one_or_none()
    if row is None:
        raise _missing(entry_id)
    return _of(row)


def _of(row: Row[Any]) -> Entry:
    return Entry(**{name: getattr(row, name) for name in Entry.__dataclass_fields__})


def _check_revision(entry: Entry, revision: int) -> None:
    if entry.revision != revision:
        raise ConflictError(
            f"Atlas entry {entry.id} is at revision {entry.revision} and not {revision}: it was "
            "changed in the meantime, so read it again first."
        )


def _missing(entry_id: str) -> NotFoundError:
    return NotFoundError(f"There is no atlas entry {entry_id} in this dataset.")
