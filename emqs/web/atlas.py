"""Routes of the atlas: places with a title and a description, reviewed, for all who may read."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from emqs.annotations import atlas
from emqs.annotations.atlas import AtlasFilter, Entry, Viewer
from emqs.annotations.records import middle, spelled_time
from emqs.annotations.reviews import Comment
from emqs.web import accounts, catalogue
from emqs.web.context import context
from emqs.web.rights import Access, needs

router = APIRouter(tags=["atlas"])

Reading = Annotated[Access, needs("dataset:reader")]
Writing = Annotated[Access, needs("dataset:annotator")]
Reviewing = Annotated[Access, needs("dataset:reviewer")]
ROOT = "/datasets/{dataset}/atlas"
ONE = ROOT + "/{entry}"
Text = Annotated[str, Field(max_length=20_000)]


class Submission(BaseModel):
    """An own annotation that is submitted, at the revision that one has seen."""

    annotation: str = Field(max_length=32)
    revision: int = Field(ge=1, lt=2**31)


class Review(BaseModel):
    """What a reviewer decides, at the revision that they have seen."""

    step: str = Field(max_length=20, description="accepted, rejected or changes_requested")
    revision: int = Field(ge=1, lt=2**31)
    text: Text = ""


class Words(BaseModel):
    """What somebody says."""

    text: Text = ""


class Asked(BaseModel):
    """Which entries are asked for, and which page of them."""

    dataset: str | None = Field(None, max_length=100)
    state: list[str] = Field([], max_length=10)
    text: str = Field("", max_length=400)
    tag: list[str] = Field([], max_length=10)
    owner: str | None = Field(None, max_length=100)
    limit: int = Field(24, ge=1, le=atlas.MOST_ROWS)
    after: str | None = Field(None, max_length=32)


def viewer(connection: Connection, access: Access) -> Viewer:
    """Return who looks, with every dataset that they may read or review."""
    known = catalogue.readable(connection, access.user)
    session = access.session
    known = [
        (dataset, role)
        for dataset, role in known
        if session is None or session.allows_dataset(dataset.name)
    ]
    return Viewer(
        None if access.user is None else access.user.id,
        frozenset(dataset.id for dataset, _ in known),
        frozenset(dataset.id for dataset, role in known if role in ("reviewer", "manager")),
    )


def viewer_of(access: Access) -> Viewer:
    """Return who looks at one dataset."""
    one = frozenset([access.dataset.id])
    reviews = one if access.at_least("reviewer") else frozenset[str]()
    return Viewer(None if access.user is None else access.user.id, one, reviews)


def shown(entry: Entry, names: dict[str, str], dataset: str) -> dict[str, Any]:
    """Return what clients see of an entry: a card with a picture and a link to its place."""
    z, y, x = middle(entry.content["points"])
    fields = asdict(entry) | {
        "created": spelled_time(entry.created),
        "changed": spelled_time(entry.changed),
    }
    told = {name: entry.content[name] for name in ("kind", "title", "description", "tags")}
    return {
        **fields,
        **told,
        "dataset": dataset,
        "owner": names.get(entry.owner_id),
        "reviewer": None if entry.reviewer_id is None else names.get(entry.reviewer_id),
        "place": [z, y, x],
        "snapshot": f"/api/v1/datasets/{dataset}/snapshot?z={z:g}&y={y:g}&x={x:g}",
        "link": f"/atlas?dataset={dataset}&entry={entry.id}",
    }


def spoken(comment: Comment, names: dict[str, str]) -> dict[str, Any]:
    """Return what clients see of a line of a discussion."""
    fields = asdict(comment) | {"at": spelled_time(comment.at)}
    return {**fields, "user": names.get(comment.user_id)}


def _card(connection: Connection, access: Access, entry: Entry) -> dict[str, Any]:
    names = accounts.names(connection, [entry.owner_id, entry.reviewer_id])
    return shown(entry, names, access.dataset.name)


@router.get("/atlas")
def listed(
    request: Request,
    access: Annotated[Access, needs("guest")],
    asked: Annotated[Asked, Query()],
) -> dict[str, Any]:
    """List the entries of every dataset that one sees, newest first: cards."""
    with context(request).database.read() as connection:
        known = {one.id: one.name for one, _ in catalogue.readable(connection, access.user)}
        number = None
        if asked.dataset is not None:
            number = next((key for key, name in known.items() if name == asked.dataset), "")
        where = AtlasFilter(
            number,
            tuple(asked.state),
            asked.text,
            tuple(asked.tag),
            None if asked.owner is None else accounts.by_name(connection, asked.owner).id,
        )
        entries, last = atlas.page(
            connection, viewer(connection, access), where, limit=asked.limit, after=asked.after
        )
        names = accounts.names(
            connection, [i for e in entries for i in (e.owner_id, e.reviewer_id)]
        )
    return {
        "entries": [shown(entry, names, known[entry.dataset_id]) for entry in entries],
        "after": last,
    }


@router.post(ROOT, status_code=201)
def submit(request: Request, access: Writing, body: Submission) -> dict[str, Any]:
    """Submit an own annotation with title and description, or a newer revision of one."""
    with context(request).database.write() as connection:
        entry = atlas.submit(
            connection, access.dataset.id, access.user_id, body.annotation, revision=body.revision
        )
        return _card(connection, access, entry)


@router.get(ONE)
def one(request: Request, access: Reading, entry: str) -> dict[str, Any]:
    """Return an entry with its discussion."""
    with context(request).database.read() as connection:
        row = atlas.get(connection, viewer_of(access), access.dataset.id, entry)
        lines = atlas.discussion(connection, row)
        names = accounts.names(connection, [line.user_id for line in lines])
        card = _card(connection, access, row)
    return {**card, "discussion": [spoken(line, names) for line in lines]}


@router.post(ONE + "/review")
def review(request: Request, access: Reviewing, entry: str, body: Review) -> dict[str, Any]:
    """Accept an entry, reject it, or ask for changes."""
    with context(request).database.write() as connection:
        row = atlas.review(
            connection,
            access.dataset.id,
            access.user_id,
            entry,
            body.step,
            revision=body.revision,
            text=body.text,
        )
        return _card(connection, access, row)


@router.post(ONE + "/withdraw")
def withdraw(request: Request, access: Writing, entry: str, body: Words) -> dict[str, Any]:
    """Take an own entry back."""
    with context(request).database.write() as connection:
        atlas.get(connection, viewer_of(access), access.dataset.id, entry)
        row = atlas.withdraw(connection, access.dataset.id, access.user_id, entry, text=body.text)
        return _card(connection, access, row)


@router.post(ONE + "/comments", status_code=201)
def comment(request: Request, access: Reading, entry: str, body: Words) -> dict[str, Any]:
    """Say something about an entry that one sees."""
    with context(request).database.write() as connection:
        line = atlas.comment(connection, viewer_of(access), access.dataset.id, entry, body.text)
        return spoken(line, accounts.names(connection, [line.user_id]))
