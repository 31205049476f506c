"""Routes of files of annotations, and of the cells that neuroglancer reads them from."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from emqs.annotations import atlas, changes, listing, spatial, tables
from emqs.annotations.records import Annotation, Frame
from emqs.annotations.spatial import View
from emqs.errors import NotFoundError
from emqs.web import accounts
from emqs.web.annotations import Filtering, chosen, report_of, visible
from emqs.web.context import Context, context
from emqs.web.requests import matches_tag
from emqs.web.rights import Access, needs

router = APIRouter(tags=["annotations"])

Reading = Annotated[Access, needs("dataset:reader")]
Writing = Annotated[Access, needs("dataset:annotator")]
ROOT = "/datasets/{dataset}/annotations"
NG = ROOT + "/ng/{whose}/{kind}/{version}"
Classes = Annotated[
    str, Query(max_length=5000, description="colour classes in order, with commas between")
]
PIECE = 2**16  # characters that are sent at once
MOST_REPORTED = 1000  # rows of a report of an import
ENDINGS = {"csv": "csv", "napari": "csv"}


@router.get(f"{ROOT}/export")
def export(
    request: Request,
    access: Reading,
    asked: Filtering,
    format: Annotated[str, Query(max_length=20)] = "csv",
    sort: Annotated[str, Query(max_length=20)] = "created",
) -> Response:
    """Send the annotations that fit as a file, of one moment, while it is read."""
    state = context(request)
    stack = ExitStack()
    try:
        connection = stack.enter_context(state.database.read())
        where = chosen(connection, access, asked)
        frame = Frame.of(access.dataset.settings)
        rows: Iterator[Annotation] = listing.each(connection, access.dataset.id, where, sort=sort)
        text = tables.write(rows, frame, format=format, name=access.dataset.name, where=where)
    except BaseException:
        stack.close()
        raise
    name = f"{access.dataset.name}.{ENDINGS.get(format, 'json')}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(
        _pieces(text, stack), media_type=tables.MEDIA_TYPES[format], headers=headers
    )


def _pieces(text: Iterator[str], stack: ExitStack) -> Iterator[bytes]:
    """Yield a text in larger pieces, and end its transaction after it."""
    with stack:
        kept: list[str] = []
        size = 0
        for part in text:
            kept.append(part)
            size += len(part)
            if size >= PIECE:
                yield "".join(kept).encode()
                kept, size = [], 0
        yield "".join(kept).encode()


@router.post(
    f"{ROOT}/import",
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {}}, "required": True}},
)
async def bring_in(
    request: Request,
    access: Writing,
    format: Annotated[str | None, Query(max_length=20)] = None,
    dry_run: bool = False,
    all_or_nothing: bool = False,
    as_new: bool = False,
) -> dict[str, Any]:
    """Read a file of annotations into one's own sandbox; ``dry_run`` says what would become of it.

    The body is the file: CSV or JSON of ours, a state, layer or link of neuroglancer, bookmarks of
    DVID, points of napari.
    """
    body = await request.body()

    def work() -> dict[str, Any]:
        contents = tables.read(
            body, Frame.of(access.dataset.settings), format=format, as_new=as_new
        )
        with context(request).database.write() as connection:
            report = tables.bring_in(
                connection,
                access.dataset.id,
                access.user_id,
                contents,
                dry_run=dry_run,
                all_or_nothing=all_or_nothing,
            )
        shown = report_of(report)
        rows = sorted(shown["rows"], key=lambda row: row["status"] != "failed")
        return {
            **shown,
            "format": contents.format,
            "rows": rows[:MOST_REPORTED],
            "rows_left_out": max(0, len(rows) - MOST_REPORTED),
        }

    return await run_in_threadpool(work)


# --- cells for neuroglancer ----------------------------------------------------------------------


def _view(state: Context, access: Access, whose: str, kind: str, classes: str) -> View:
    """Return what a layer shows: ``all`` that one sees, ``mine``, ``by-NAME``, the ``atlas``."""
    if whose not in ("all", "mine", "atlas") and not whose.startswith("by-"):
        raise NotFoundError("A view is one of all, mine, by-NAME and atlas.")
    with state.database.read() as connection:
        owners = visible(connection, access)
        if whose == "mine":
            owners &= {access.user_id}
        elif whose.startswith("by-"):
            owners &= {accounts.by_name(connection, whose.removeprefix("by-")).id}
    return View(
        access.dataset.id,
        kind,
        owners,
        Frame.of(access.dataset.settings),
        tuple(name for name in classes.split(",") if name),
    )


def _kept(content: bytes | None, tag: str) -> Response:
    """Return an answer that a browser keeps, and asks about each time."""
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if content is None:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/octet-stream", headers=headers)


def _tag(state: Context, access: Access) -> str:
    with state.database.read() as connection:
        change = changes.last_change(connection, access.dataset.id)
    return f'"{change}-{"" if access.user is None else access.user.id}"'


@router.get(NG + "/info")
def ng_info(
    request: Request,
    access: Reading,
    whose: str,
    kind: str,
    version: str,  # noqa: ARG001 - makes the address another
    classes: Classes = "",
) -> dict[str, Any]:
    """Describe annotations of a kind to neuroglancer; any other version is asked for anew."""
    state = context(request)
    view = _view(state, access, whose, kind, classes)
    with state.database.read() as connection:
        if whose == "atlas":
            return spatial.atlas_info(view, atlas.accepted(connection, view.dataset_id))
        return spatial.view_info(connection, view)


@router.get(NG + "/by_id/{number}")
def ng_by_id(
    request: Request,
    access: Reading,
    whose: str,
    kind: str,
    version: str,  # noqa: ARG001 - makes the address another
    number: str,
    classes: Classes = "",
) -> Response:
    """Return one annotation to neuroglancer, by its number."""
    state = context(request)
    view = _view(state, access, whose, kind, classes)
    with state.database.read() as connection:
        if whose == "atlas":
            content = spatial.atlas_by_id(view, atlas.accepted(connection, view.dataset_id), number)
        else:
            content = spatial.by_id(connection, view, number)
    return Response(content, media_type="application/octet-stream")


@router.get(NG + "/{key}/{cell}")
def ng_cell(
    request: Request,
    access: Reading,
    whose: str,
    kind: str,
    version: str,  # noqa: ARG001 - makes the address another
    key: str,
    cell: str,
    classes: Classes = "",
) -> Response:
    """Return a cell of annotations to neuroglancer."""
    state = context(request)
    view = _view(state, access, whose, kind, classes)
    tag = _tag(state, access)
    if matches_tag(request, tag):
        return _kept(None, tag)
    with state.database.read() as connection:
        if whose != "atlas":
            return _kept(spatial.cell(connection, view, key, cell), tag)
        if (key, cell) != (spatial.ATLAS_KEY, "0_0_0"):
            raise NotFoundError("The atlas has the one cell atlas/0_0_0.")
        return _kept(spatial.atlas_cell(view, atlas.accepted(connection, view.dataset_id)), tag)
