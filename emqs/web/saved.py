"""Routes of saved searches: kept with their answer, run again, compared, exported, annotated."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from emqs.annotations import batches, searches
from emqs.annotations.records import spelled_time
from emqs.annotations.searches import Mark, Match, Search
from emqs.annotations.sheets import csv_line
from emqs.retrieval import places
from emqs.web import catalogue, search_values, searching, viewer
from emqs.web.annotations import report_of
from emqs.web.context import context
from emqs.web.requests import IfMatch, needed_revision
from emqs.web.rights import Access, needs
from emqs.web.search_requests import (
    MarkedPlace,
    Prepared,
    Question,
    fingerprint,
    marks_of,
    prepared,
)

router = APIRouter(tags=["search"])

Reading = Annotated[Access, needs("dataset:reader")]
Writing = Annotated[Access, needs("dataset:annotator")]
ROOT = "/datasets/{dataset}/searches"
ONE = ROOT + "/{search}"
EXAMPLES = {"positives", "negatives"}
SCORES = ("hamming", "score", "probability")


class NewSearch(BaseModel):
    """A question that is asked and kept with its answer; ``k`` matches of it."""

    title: str = Field(max_length=400)
    note: str = Field("", max_length=50_000)
    question: Question


class Words(BaseModel):
    """Title and note; what is left out stays."""

    title: str | None = Field(None, max_length=400)
    note: str | None = Field(None, max_length=50_000)


class Marks(BaseModel):
    """What is right or wrong of the matches."""

    marks: list[MarkedPlace] = Field(min_length=1, max_length=10_000)
    run: bool = Field(True, description="search again with these marks")


class AsAnnotations(BaseModel):
    """Which matches become annotations, and what is said of them."""

    ranks: list[int] = Field(default=[], max_length=10_000, description="empty: all")
    title: str = Field("", max_length=400)
    tags: list[str] = Field(default=[], max_length=50)
    colour_class: str = Field("", max_length=64)


def shown(search: Search) -> dict[str, Any]:
    """Return what clients see of a saved search."""
    times = {
        name: None if value is None else spelled_time(value)
        for name, value in (
            ("created", search.created),
            ("changed", search.changed),
            ("ran", search.ran),
        )
    }
    fields = asdict(search) | times
    question = {**fields.pop("settings"), **fields.pop("examples")}
    return {**fields, "question": question}


def question_of(search: Search) -> Question:
    """Return the question of a saved search."""
    return Question.model_validate({**search.settings, **search.examples})


def _matches(first: Prepared, results: search_values.Found) -> list[Match]:
    return [
        Match(
            one.rank,
            first.datasets[one.store].name,
            (float(one.voxel[0]), float(one.voxel[1]), float(one.voxel[2])),
            one.hamming,
            one.score,
            one.probability,
            {"placed": one.placed},
        )
        for one in results.matches
    ]


def _row(match: Match) -> dict[str, Any]:
    z, y, x = (int(v) for v in match.place)
    place = {"rank": match.rank, "dataset": match.dataset, "z": z, "y": y, "x": x}
    return {**place, **_scores(match), "placed": (match.details or {}).get("placed")}


def _scores(match: Match) -> dict[str, Any]:
    return {name: getattr(match, name) for name in SCORES}


def _whole(connection: Connection, search: Search) -> dict[str, Any]:
    """Return a saved search with its matches and marks."""
    marks = searches.marks(connection, search)
    return {
        **shown(search),
        "matches": [_row(match) for match in searches.matches(connection, search)],
        "marks": [
            dict(zip("zyx", (int(v) for v in one.place), strict=True))
            | {"dataset": one.dataset, "mark": one.mark}
            for one in marks
        ],
    }


def _get(connection: Connection, access: Access, search: str) -> Search:
    return searches.get(connection, access.dataset.id, access.user_id, search)


@router.get(ROOT)
def listed(
    request: Request,
    access: Reading,
    limit: Annotated[int, Query(ge=1, le=searches.MOST_ROWS)] = 50,
    after: Annotated[str | None, Query(max_length=32)] = None,
) -> dict[str, Any]:
    """List one's own saved searches, newest first."""
    with context(request).database.read() as connection:
        kept, last = searches.page(
            connection, access.dataset.id, access.user_id, limit=limit, after=after
        )
    return {"searches": [shown(one) for one in kept], "after": last}


@router.post(ROOT, status_code=201)
def save(request: Request, access: Reading, body: NewSearch) -> dict[str, Any]:
    """Ask a question and keep it with its answer and the fingerprint of what was searched."""
    state = context(request)
    user_id = access.user_id
    first = prepared(request, access, body.question)
    results = searching.searcher(state).search(first.stores, first.ask, first.segments)
    question = body.question.model_dump(exclude_none=True)
    with state.database.write() as connection:
        search = searches.save(
            connection,
            access.dataset.id,
            user_id,
            title=body.title,
            note=body.note,
            examples={key: question[key] for key in EXAMPLES},
            settings={key: value for key, value in question.items() if key not in EXAMPLES},
            fingerprint=fingerprint(first, results),
        )
        search = searches.store_matches(connection, search, _matches(first, results))
        return _whole(connection, search)


@router.get(ONE)
def one(request: Request, response: Response, access: Reading, search: str) -> dict[str, Any]:
    """Return a saved search with its matches and marks."""
    with context(request).database.read() as connection:
        kept = _get(connection, access, search)
        response.headers["ETag"] = f'"{kept.revision}"'
        return _whole(connection, kept)


@router.patch(ONE)
def change(
    request: Request, access: Reading, search: str, body: Words, match: IfMatch = None
) -> dict[str, Any]:
    """Change title or note."""
    revision = needed_revision(match)
    with context(request).database.write() as connection:
        kept = _get(connection, access, search)
        fields = body.model_dump(exclude_none=True)
        return shown(searches.update(connection, kept, access.user_id, fields, revision=revision))


@router.delete(ONE, status_code=204)
def delete(request: Request, access: Reading, search: str, match: IfMatch = None) -> Response:
    """Delete a saved search."""
    revision = needed_revision(match)
    with context(request).database.write() as connection:
        kept = _get(connection, access, search)
        searches.delete(connection, kept, access.user_id, revision=revision)
    return Response(status_code=204)


@router.post(ONE + "/restore")
def restore(request: Request, access: Reading, search: str) -> dict[str, Any]:
    """Bring back a saved search that was deleted."""
    with context(request).database.write() as connection:
        return shown(searches.restore(connection, access.dataset.id, access.user_id, search))


@router.post(ONE + "/run")
def run(request: Request, access: Reading, search: str) -> dict[str, Any]:
    """Ask again, with the marks that were made, and keep the new answer instead of the old one."""
    state = context(request)
    with state.database.read() as connection:
        kept = _get(connection, access, search)
        marks = searches.marks(connection, kept)
    first = prepared(request, access, question_of(kept))
    known = [
        MarkedPlace.model_validate(
            dict(zip("zyx", (int(v) for v in one.place), strict=True))
            | {"dataset": one.dataset, "mark": one.mark}
        )
        for one in marks
    ]
    ask = searching.refined(first.ask, marks_of(first, known))
    results = searching.searcher(state).search(first.stores, ask, first.segments)
    with state.database.write() as connection:
        search_now = searches.store_matches(
            connection, kept, _matches(first, results), fingerprint=fingerprint(first, results)
        )
        same = search_now.fingerprint == kept.fingerprint
        return {**_whole(connection, search_now), "same_fingerprint": same}


@router.post(ONE + "/marks")
def mark(request: Request, access: Reading, search: str, body: Marks) -> dict[str, Any]:
    """Say which matches are right or wrong, and search again knowing it."""
    with context(request).database.write() as connection:
        kept = _get(connection, access, search)
        given: list[Mark | tuple[str, tuple[float, float, float]]] = []
        for one in body.marks:
            place = (float(one.z), float(one.y), float(one.x))
            name = one.dataset or access.dataset.name
            given.append((name, place) if one.mark == "none" else Mark(name, place, one.mark))
        searches.mark(connection, kept, access.user_id, given)
        if not body.run:
            return _whole(connection, kept)
    return run(request, access, search)


@router.get(ONE + "/compare")
def compare(
    request: Request,
    access: Reading,
    search: str,
    other: Annotated[str, Query(alias="with", max_length=32, description="another saved search")],
) -> dict[str, Any]:
    """Compare the answers of two saved searches."""
    with context(request).database.read() as connection:
        result = searches.compare(
            connection, _get(connection, access, search), _get(connection, access, other)
        )
    return {
        "both": [
            {**_row(first), "other_rank": second.rank, "other_score": second.score}
            for first, second in result.both
        ],
        "only_first": [_row(match) for match in result.only_first],
        "only_second": [_row(match) for match in result.only_second],
        "same_examples": result.same_examples,
        "same_settings": result.same_settings,
        "same_fingerprint": result.same_fingerprint,
    }


@router.get(ONE + "/export")
def export(
    request: Request,
    access: Reading,
    search: str,
    format: Literal["csv", "json", "neuroglancer"] = "csv",
) -> Response:
    """Send the matches as a table, as JSON, or as a state of neuroglancer.

    The table says where a match is as matches.csv of ``emqs search`` does.
    """
    with context(request).database.read() as connection:
        kept = _get(connection, access, search)
        matches = searches.matches(connection, kept)
        layers = catalogue.layers_of(connection, access.dataset.id, access.user_id)
    name = f"{access.dataset.name}-search"
    if format == "csv":
        return Response(
            "".join(_lines(matches)),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
        )
    if format == "json":
        content = {**shown(kept), "matches": [_row(match) for match in matches]}
    else:
        own = [match for match in matches if match.dataset == access.dataset.name]
        base = str(request.base_url).rstrip("/")
        content = viewer.with_matches(viewer.state(access.dataset, layers, base=base), own)
    headers = {"Content-Disposition": f'attachment; filename="{name}.json"'}
    return JSONResponse(content, headers=headers)


def _lines(matches: list[Match]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield csv_line(("rank", "dataset", *places.COLUMNS, *SCORES))
    for match in matches:
        placed = match.placed
        where = (placed[name] for name in places.COLUMNS)
        yield csv_line((match.rank, match.dataset, *where, *_scores(match).values()))


@router.post(ONE + "/annotations", status_code=201)
def annotate(request: Request, access: Writing, search: str, body: AsAnnotations) -> dict[str, Any]:
    """Make annotations of matches in one's own sandbox, which know where they come from."""
    with context(request).database.write() as connection:
        kept = _get(connection, access, search)
        chosen = set(body.ranks)
        rows = [
            {
                "kind": "point",
                "points": [[v + 0.5 for v in match.centre]],
                "title": body.title or f"{kept.title} {match.rank}"[:400],
                "tags": body.tags,
                "colour_class": body.colour_class,
                "properties": {
                    "search": kept.id,
                    "rank": match.rank,
                    "score": match.score,
                    "hamming": match.hamming,
                    "fingerprint": kept.fingerprint,
                },
                "client_key": f"search:{kept.id}:{kept.ran}:{match.rank}"[:100],
            }
            for match in searches.matches(connection, kept)
            if match.dataset == access.dataset.name and (not chosen or match.rank in chosen)
        ]
        report = batches.write(connection, access.dataset.id, access.user_id, rows)
    return report_of(report)
