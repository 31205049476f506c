"""Routes of segments put together: one's own sandbox, and pull requests of it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from emqs.annotations import applying, merges, pull_requests
from emqs.annotations.merges import Sandbox
from emqs.annotations.pull_requests import PullRequest
from emqs.annotations.records import spelled_time
from emqs.web import accounts, catalogue, publishing
from emqs.web.atlas import Review, Words, spoken
from emqs.web.context import context
from emqs.web.rights import Access, needs

router = APIRouter(tags=["merges"])

Reading = Annotated[Access, needs("dataset:reader")]
Writing = Annotated[Access, needs("dataset:annotator")]
Reviewing = Annotated[Access, needs("dataset:reviewer")]
Managing = Annotated[Access, needs("dataset:manager")]
MERGES = "/datasets/{dataset}/merges/{layer}"
PULLS = "/datasets/{dataset}/pulls"
PULL = PULLS + "/{pull}"
Version = Annotated[str, Field(max_length=100, description="version of the layer that one sees")]


class Step(BaseModel):
    """Segments that are put together, or taken apart again."""

    action: Literal["merge", "split"] = "merge"
    segments: list[str | int] = Field(
        max_length=merges.MOST_SEGMENTS, description="decimal numbers; the first names the result"
    )
    base_version: Version


class Confirmation(BaseModel):
    """The version over which one has looked at one's merges."""

    base_version: Version


class NewPull(BaseModel):
    """A request that one's merges are taken over for all."""

    layer: str = Field(max_length=100)
    title: str = Field(max_length=400)
    description: str = Field("", max_length=50_000)


class LayerName(BaseModel):
    """A layer of segments."""

    layer: str = Field(max_length=100)


def _layer_id(connection: Connection, access: Access, name: str) -> str:
    return catalogue.layer(connection, access.dataset.id, name, access.user_id).id


def shown_sandbox(sandbox: Sandbox) -> dict[str, Any]:
    """Return what clients see of a sandbox; segments are decimal texts."""
    outdated = {step.number for step in sandbox.outdated}
    steps = [
        {
            "number": step.number,
            "action": step.action,
            "segments": [str(segment) for segment in step.segments],
            "base_version": step.base_version,
            "created": spelled_time(step.created),
            "undone": step.undone is not None,
            "outdated": step.number in outdated,
        }
        for step in sandbox.steps
    ]
    return {"version": sandbox.version, "equivalences": sandbox.equivalences, "steps": steps}


@router.get(MERGES)
def sandbox(request: Request, access: Reading, layer: str) -> dict[str, Any]:
    """Return one's own merges over a layer of segments; equivalences are for neuroglancer."""
    with context(request).database.read() as connection:
        number = _layer_id(connection, access, layer)
        return shown_sandbox(merges.sandbox(connection, access.dataset.id, number, access.user_id))


@router.post(MERGES, status_code=201)
def step(request: Request, access: Writing, layer: str, body: Step) -> dict[str, Any]:
    """Put segments together with the first of them, or take segments out again."""
    do = merges.merge if body.action == "merge" else merges.split
    with context(request).database.write() as connection:
        number = _layer_id(connection, access, layer)
        now = do(
            connection,
            access.dataset.id,
            number,
            access.user_id,
            body.segments,
            base_version=body.base_version,
        )
        return shown_sandbox(now)


@router.post(MERGES + "/undo")
def undo(request: Request, access: Writing, layer: str) -> dict[str, Any]:
    """Take the newest step back."""
    with context(request).database.write() as connection:
        number = _layer_id(connection, access, layer)
        return shown_sandbox(merges.undo(connection, access.dataset.id, number, access.user_id))


@router.post(MERGES + "/redo")
def redo(request: Request, access: Writing, layer: str) -> dict[str, Any]:
    """Do again what was taken back."""
    with context(request).database.write() as connection:
        number = _layer_id(connection, access, layer)
        return shown_sandbox(merges.redo(connection, access.dataset.id, number, access.user_id))


@router.post(MERGES + "/confirm")
def confirm(request: Request, access: Writing, layer: str, body: Confirmation) -> dict[str, Any]:
    """Say that one's merges hold over the newest version of the layer, too."""
    with context(request).database.write() as connection:
        number = _layer_id(connection, access, layer)
        now = merges.confirm_base(
            connection,
            access.dataset.id,
            number,
            access.user_id,
            base_version=body.base_version,
        )
        return shown_sandbox(now)


@router.delete(MERGES)
def clear(request: Request, access: Writing, layer: str) -> dict[str, Any]:
    """Forget all of one's merges over a layer."""
    with context(request).database.write() as connection:
        number = _layer_id(connection, access, layer)
        return shown_sandbox(merges.clear(connection, access.dataset.id, number, access.user_id))


# --- pull requests -------------------------------------------------------------------------------


def _shown(connection: Connection, access: Access, pull: PullRequest) -> dict[str, Any]:
    return _all_shown(connection, access, [pull])[0]


def _all_shown(
    connection: Connection, access: Access, pulls: Sequence[PullRequest]
) -> list[dict[str, Any]]:
    names = accounts.names(connection, [i for p in pulls for i in (p.author_id, p.reviewer_id)])
    user_id = None if access.user is None else access.user.id
    layers = {
        layer.id: layer.name
        for layer in catalogue.layers_of(connection, access.dataset.id, user_id)
    }
    return [
        {
            **asdict(pull),
            "created": spelled_time(pull.created),
            "changed": spelled_time(pull.changed),
            "decided": None if pull.decided is None else spelled_time(pull.decided),
            "author": names.get(pull.author_id),
            "reviewer": None if pull.reviewer_id is None else names.get(pull.reviewer_id),
            "layer": layers.get(pull.layer_id),
        }
        for pull in pulls
    ]


@router.get(PULLS)
def listed(
    request: Request,
    access: Reading,
    state: Annotated[list[str], Query(max_length=10)] = [],  # noqa: B006 - FastAPI copies it
    layer: Annotated[str | None, Query(max_length=100)] = None,
    author: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=pull_requests.MOST_ROWS)] = 50,
    after: Annotated[str | None, Query(max_length=32)] = None,
) -> dict[str, Any]:
    """List the pull requests of a dataset, newest first."""
    number = access.dataset.id
    user_id = None if access.user is None else access.user.id
    with context(request).database.read() as connection:
        pulls, last = pull_requests.page(
            connection,
            number,
            states=state,
            layer_id=None
            if layer is None
            else catalogue.layer(connection, number, layer, user_id).id,
            author_id=None if author is None else accounts.by_name(connection, author).id,
            limit=limit,
            after=after,
        )
        return {"pulls": _all_shown(connection, access, pulls), "after": last}


@router.post(PULLS, status_code=201)
def open_request(request: Request, access: Writing, body: NewPull) -> dict[str, Any]:
    """Ask for one's merges over a layer to be taken over for all."""
    with context(request).database.write() as connection:
        pull = pull_requests.open_request(
            connection,
            access.dataset.id,
            _layer_id(connection, access, body.layer),
            access.user_id,
            title=body.title,
            description=body.description,
        )
        return _shown(connection, access, pull)


@router.get(PULL)
def one(request: Request, access: Reading, pull: str) -> dict[str, Any]:
    """Return a pull request with its segments, conflicts and discussion."""
    with context(request).database.read() as connection:
        row = pull_requests.get(connection, access.dataset.id, pull)
        lines = pull_requests.discussion(connection, row)
        names = accounts.names(connection, [line.user_id for line in lines])
        table = pull_requests.segments(connection, row.id)
        return {
            **_shown(connection, access, row),
            "segments": {str(old): str(new) for old, new in table.items()},
            "conflicts": pull_requests.conflicts(connection, row),
            "overlaps": {
                str(segment): other
                for segment, other in pull_requests.overlaps(connection, row).items()
            },
            "discussion": [spoken(line, names) for line in lines],
        }


@router.post(PULL + "/comments", status_code=201)
def comment(request: Request, access: Reading, pull: str, body: Words) -> dict[str, Any]:
    """Say something about a pull request."""
    with context(request).database.write() as connection:
        line = pull_requests.comment(connection, access.dataset.id, access.user_id, pull, body.text)
        return spoken(line, accounts.names(connection, [line.user_id]))


@router.post(PULL + "/review")
def review(request: Request, access: Reviewing, pull: str, body: Review) -> dict[str, Any]:
    """Accept a pull request, reject it, or ask for changes."""
    with context(request).database.write() as connection:
        row = pull_requests.review(
            connection,
            access.dataset.id,
            access.user_id,
            pull,
            body.step,
            revision=body.revision,
            text=body.text,
        )
        return _shown(connection, access, row)


@router.post(PULL + "/renew")
def renew(request: Request, access: Writing, pull: str, body: Words) -> dict[str, Any]:
    """Take one's merges as they are now into one's pull request, and open it again."""
    with context(request).database.write() as connection:
        row = pull_requests.renew(
            connection, access.dataset.id, access.user_id, pull, text=body.text
        )
        return _shown(connection, access, row)


@router.post(PULL + "/withdraw")
def withdraw(request: Request, access: Writing, pull: str, body: Words) -> dict[str, Any]:
    """Take one's pull request back."""
    with context(request).database.write() as connection:
        row = pull_requests.withdraw(
            connection, access.dataset.id, access.user_id, pull, text=body.text
        )
        return _shown(connection, access, row)


@router.get("/datasets/{dataset}/equivalences/{layer}")
def equivalences(request: Request, access: Reading, layer: str) -> dict[str, Any]:
    """Return what was accepted and is not yet part of the layer: segment to segment."""
    user_id = None if access.user is None else access.user.id
    with context(request).database.read() as connection:
        row = catalogue.layer(connection, access.dataset.id, layer, user_id)
        version, table, requests = applying.equivalence_table(connection, access.dataset.id, row.id)
    return {
        "version": version,
        "table": {str(old): str(new) for old, new in table.items()},
        "pulls": requests,
    }


@router.post("/datasets/{dataset}/equivalences/{layer}/publish")
def publish(request: Request, access: Managing, layer: str) -> dict[str, Any]:
    """Make what was accepted part of the layer: a new version, served to everybody."""
    with context(request).database.write() as connection:
        return publishing.publish(connection, access.dataset.id, layer, access.user_id)
