"""Routes of annotations: lists, single ones, batches, history, and whom they are shown to."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from emqs.annotations import annotations, batches, changes, listing, sharing
from emqs.annotations.filters import Filter
from emqs.annotations.records import Annotation, spelled_time
from emqs.errors import ConflictError
from emqs.web import accounts
from emqs.web.context import context
from emqs.web.refusals import Refusal
from emqs.web.requests import IfMatch, needed_revision, numbers
from emqs.web.rights import Access, needs

router = APIRouter(tags=["annotations"])

Reading = Annotated[Access, needs("dataset:reader")]
Writing = Annotated[Access, needs("dataset:annotator")]
ROOT = "/datasets/{dataset}/annotations"
ONE = ROOT + "/{annotation}"
Fields = Annotated[
    dict[str, Any],
    Body(
        description="kind (point, line, sphere, box), points (list of [z, y, x] in voxels), "
        "radius_nm, title, description, tags, properties, colour_class, layer_id",
        examples=[{"kind": "point", "points": [[12.5, 40.0, 80.5]], "title": "a synapse"}],
    ),
]


class Batch(BaseModel):
    """Many annotations at once: new ones, and with id and revision changes of old ones."""

    rows: list[Any] = Field(max_length=batches.MOST_ROWS)
    all_or_nothing: bool = False
    dry_run: bool = False


class Seen(BaseModel):
    """An annotation at the revision that one has seen."""

    id: str = Field(max_length=32)
    revision: int = Field(ge=1, lt=2**31)


class Several(BaseModel):
    """Some of one's own annotations."""

    rows: list[Seen] = Field(max_length=batches.MOST_ROWS)

    @property
    def pairs(self) -> list[tuple[str, int]]:
        """Ids and revisions."""
        return [(row.id, row.revision) for row in self.rows]


class Asked(BaseModel):
    """Which annotations are listed; everything that is given must hold."""

    text: str = Field("", max_length=400)
    tag: list[str] = Field(default=[], max_length=20)
    kind: list[str] = Field(default=[], max_length=8)
    atlas_state: list[str] = Field(default=[], max_length=8)
    colour_class: str | None = Field(None, max_length=64)
    layer_id: str | None = Field(None, max_length=32)
    owner: list[str] = Field(default=[], max_length=50, description="names; all one may see")
    bbox: str | None = Field(None, max_length=300, description="z,y,x,z,y,x in voxels")
    z: str | None = Field(None, max_length=100, description="first slice, first one after")
    changed_since: float | None = Field(None, description="seconds since 1970")
    after_change: int | None = Field(None, ge=0, lt=2**62)
    deleted: bool = False


Filtering = Annotated[Asked, Query()]


def visible(connection: Connection, access: Access) -> frozenset[str]:
    """Return whose annotations may be seen; none by guests."""
    if access.user is None:
        return frozenset()
    return sharing.visible_owners(connection, access.dataset.id, access.user.id)


def chosen(connection: Connection, access: Access, asked: Asked) -> Filter:
    """Return the filter that a request asks for.

    Raises:
        DataError: If a box or a word is none.
        NotFoundError: If an owner is unknown, or shows nothing to the user.
    """
    owners = visible(connection, access)
    if asked.owner:
        named = {str(accounts.by_name(connection, name).id) for name in asked.owner}
        owners &= named
    corners = numbers(asked.bbox, 6, "bbox")
    slices = numbers(asked.z, 2, "z")
    return Filter(
        owners=owners,
        text=asked.text,
        tags=tuple(asked.tag),
        kinds=tuple(asked.kind),
        atlas_states=tuple(asked.atlas_state),
        colour_class=asked.colour_class,
        layer_id=asked.layer_id,
        start=None if corners is None else (corners[0], corners[1], corners[2]),
        stop=None if corners is None else (corners[3], corners[4], corners[5]),
        z_range=None if slices is None else (slices[0], slices[1]),
        changed_since=asked.changed_since,
        after_change=asked.after_change,
        deleted=asked.deleted,
    )


def answer(response: Response, annotation: Annotation) -> dict[str, Any]:
    """Return an annotation, with its revision as the tag of the answer."""
    response.headers["ETag"] = f'"{annotation.revision}"'
    return annotation.as_json()


def _with_owner(
    connection: Connection, response: Response, annotation: Annotation
) -> dict[str, Any]:
    names = accounts.names(connection, [annotation.owner_id])
    return {**answer(response, annotation), "owner": names.get(annotation.owner_id)}


@router.get(ROOT)
def listed(
    request: Request,
    access: Reading,
    asked: Filtering,
    sort: Annotated[str, Query(max_length=20)] = "created",
    limit: Annotated[int, Query(ge=1, le=listing.MOST_ROWS)] = 100,
    after: Annotated[str | None, Query(max_length=1000)] = None,
    count: bool = False,
) -> dict[str, Any]:
    """List annotations that one may see, page by page; ``after`` is what the last page gave."""
    number = access.dataset.id
    with context(request).database.read() as connection:
        where = chosen(connection, access, asked)
        page = listing.page(connection, number, where, sort=sort, limit=limit, cursor=after)
        rows = [row.as_json() for row in page.rows]
        result = {
            "annotations": rows,
            "owners": accounts.names(connection, [row["owner_id"] for row in rows]),
            "after": page.cursor,
            "change": changes.last_change(connection, number),
        }
        if count:
            counted, exact = listing.count(connection, number, where)
            result |= {"count": counted, "count_is_exact": exact}
    return result


@router.post(ROOT, status_code=201)
def create(request: Request, response: Response, access: Writing, body: Fields) -> dict[str, Any]:
    """Make an annotation in one's own sandbox; ``client_key`` lets a repeated request be known."""
    fields = dict(body)
    key = fields.pop("client_key", None)
    with context(request).database.write() as connection:
        made = annotations.create(
            connection, access.dataset.id, access.user_id, fields, client_key=key
        )
    return answer(response, made)


@router.post(f"{ROOT}/batch")
def batch(request: Request, access: Writing, body: Batch) -> dict[str, Any]:
    """Make and change many annotations, with a report on each row."""
    with context(request).database.write() as connection:
        report = batches.write(
            connection,
            access.dataset.id,
            access.user_id,
            body.rows,
            all_or_nothing=body.all_or_nothing,
            dry_run=body.dry_run,
        )
    return report_of(report)


@router.post(f"{ROOT}/batch/delete")
def delete_many(request: Request, access: Writing, body: Several) -> dict[str, Any]:
    """Delete many annotations, with a report on each; ``batch/undo`` brings them back."""
    with context(request).database.write() as connection:
        report = batches.delete(connection, access.dataset.id, access.user_id, body.pairs)
    return report_of(report)


@router.post(f"{ROOT}/batch/undo")
def undo_many(request: Request, access: Writing, body: Several) -> dict[str, Any]:
    """Take the newest step of each of many annotations back, with a report on each."""
    with context(request).database.write() as connection:
        report = batches.undo(connection, access.dataset.id, access.user_id, body.pairs)
    return report_of(report)


def report_of(report: batches.BatchReport) -> dict[str, Any]:
    """Return what became of a batch."""
    rows = [{k: v for k, v in asdict(row).items() if v is not None} for row in report.rows]
    return {"written": report.written, "counts": report.counts, "rows": rows}


@router.get(ROOT + "/by-number/{number}")
def numbered(
    request: Request,
    response: Response,
    access: Reading,
    number: Annotated[int, Path(ge=0, lt=2**63)],
) -> dict[str, Any]:
    """Return the annotation that neuroglancer calls by a number."""
    with context(request).database.read() as connection:
        owners = visible(connection, access)
        one = annotations.by_number(connection, access.dataset.id, number, owners=owners)
        return _with_owner(connection, response, one)


@router.get(ONE)
def one(request: Request, response: Response, access: Reading, annotation: str) -> dict[str, Any]:
    """Return an annotation that one may see, also a deleted one."""
    with context(request).database.read() as connection:
        owners = visible(connection, access)
        row = annotations.get(connection, access.dataset.id, annotation, owners=owners)
        return _with_owner(connection, response, row)


class _Conflicts:
    """Answers 412 where the revision is an old one, and leaves 409 to other conflicts."""

    def __init__(self, request: Request, access: Access, annotation: str, revision: int) -> None:
        self.request, self.access = request, access
        self.annotation, self.revision = annotation, revision

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not isinstance(error, ConflictError):
            return
        with context(self.request).database.read() as connection:
            now = annotations.own(
                connection, self.access.dataset.id, self.access.user_id, self.annotation
            )
        if now.revision != self.revision:
            raise Refusal(412, str(error), {"ETag": f'"{now.revision}"'}) from None


def _visible_or_missing(request: Request, access: Access, annotation: str) -> None:
    """Raise unless somebody may see an annotation: of others' nobody learns that it exists."""
    with context(request).database.read() as connection:
        owners = visible(connection, access)
        annotations.get(connection, access.dataset.id, annotation, owners=owners)


@router.patch(ONE)
def change(
    request: Request,
    response: Response,
    access: Writing,
    annotation: str,
    body: Fields,
    match: IfMatch = None,
) -> dict[str, Any]:
    """Change the fields that are given and no other, of the revision that ``If-Match`` names."""
    revision = needed_revision(match)
    _visible_or_missing(request, access, annotation)
    with (
        _Conflicts(request, access, annotation, revision),
        context(request).database.write() as connection,
    ):
        changed = annotations.update(
            connection, access.dataset.id, access.user_id, annotation, body, revision=revision
        )
    return answer(response, changed)


@router.delete(ONE)
def delete(
    request: Request,
    response: Response,
    access: Writing,
    annotation: str,
    match: IfMatch = None,
) -> dict[str, Any]:
    """Delete an annotation; undo brings it back."""
    revision = needed_revision(match)
    _visible_or_missing(request, access, annotation)
    with (
        _Conflicts(request, access, annotation, revision),
        context(request).database.write() as connection,
    ):
        deleted = annotations.delete(
            connection, access.dataset.id, access.user_id, annotation, revision=revision
        )
    return answer(response, deleted)


@router.post(ONE + "/undo")
def undo(
    request: Request,
    response: Response,
    access: Writing,
    annotation: str,
    match: IfMatch = None,
) -> dict[str, Any]:
    """Take the newest step back; once more goes one step further."""
    revision = needed_revision(match)
    _visible_or_missing(request, access, annotation)
    with (
        _Conflicts(request, access, annotation, revision),
        context(request).database.write() as connection,
    ):
        undone = annotations.undo(
            connection, access.dataset.id, access.user_id, annotation, revision=revision
        )
    return answer(response, undone)


@router.get(ONE + "/history")
def history(request: Request, access: Reading, annotation: str) -> dict[str, Any]:
    """Return every revision of an annotation, oldest first: who did what, and when."""
    with context(request).database.read() as connection:
        row = annotations.get(
            connection, access.dataset.id, annotation, owners=visible(connection, access)
        )
        steps = annotations.history(connection, row)
    return {"revisions": [{**asdict(step), "at": spelled_time(step.at)} for step in steps]}


# --- whom one's sandbox is shown to --------------------------------------------------------------


@router.get("/datasets/{dataset}/shares")
def shares(request: Request, access: Reading) -> dict[str, Any]:
    """List the groups that one's own annotations are shown to, and whose one sees."""
    with context(request).database.read() as connection:
        shown = sharing.shared_with(connection, access.dataset.id, access.user_id)
        names = accounts.group_names(connection, shown)
        owners = accounts.names(connection, visible(connection, access))
    return {"groups": names, "owners": sorted(owners.values())}


@router.put("/datasets/{dataset}/shares/{group}", status_code=204)
def share(request: Request, access: Writing, group: str) -> Response:
    """Show one's annotations of the dataset to a group that one is in."""
    with context(request).database.write() as connection:
        number = accounts.group(connection, group).id
        sharing.share(connection, access.dataset.id, access.user_id, number)
    return Response(status_code=204)


@router.delete("/datasets/{dataset}/shares/{group}", status_code=204)
def unshare(request: Request, access: Writing, group: str) -> Response:
    """Show one's annotations of the dataset to a group no longer."""
    with context(request).database.write() as connection:
        number = accounts.group(connection, group).id
        sharing.unshare(connection, access.dataset.id, access.user_id, number)
    return Response(status_code=204)
