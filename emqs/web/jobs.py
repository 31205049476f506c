"""Routes of jobs: ask for one, follow it, cancel it, try it again, and get what it made."""

import json
import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from emqs.annotations.schema import JOB_STATES
from emqs.errors import ConfigError, NotFoundError
from emqs.web import (
    accounts,
    catalogue,
    job_kinds,
    job_log,
    job_queue,
    job_workers,
    registry,
    served_files,
)
from emqs.web.context import Context, context
from emqs.web.job_queue import ENDED, Job
from emqs.web.refusals import Refusal
from emqs.web.rights import Access, needs

router = APIRouter(tags=["jobs"])

LOOK_S = 0.5  # between two looks of a stream at the database
STREAM_S = 300.0  # then a stream ends, and the browser asks again with its sign-in of that time
SILENCE_S = 15.0  # after which a stream says that it is still there

Reading = Annotated[Access, needs("dataset:reader")]
Signed = Annotated[Access, needs("user")]


class NewJob(BaseModel):
    """What is to be done."""

    kind: str = Field(max_length=50)
    settings: dict[str, Any] = Field(default_factory=dict)


def known_job(state: Context, access: Access, job_id: str) -> Job:
    """Return a job of one's own; admins see all.

    Raises:
        NotFoundError: If there is none.
    """
    with state.database.read() as connection:
        job = job_queue.get(connection, job_id)
    if access.user is None or (job.owner_id != access.user.id and not access.user.is_admin):
        raise NotFoundError("There is no such job, or none that you may know of.")
    return job


def shown(state: Context, listed: Sequence[Job]) -> list[dict[str, Any]]:
    """Return what clients see of jobs, with the names of their owners and datasets."""
    with state.database.read() as connection:
        people = accounts.names(connection, [job.owner_id for job in listed])
        known = catalogue.names(connection, [job.dataset_id for job in listed])
    return [
        {
            **job.shown(),
            "owner": people.get(job.owner_id),
            "dataset": None if job.dataset_id is None else known.get(job.dataset_id),
        }
        for job in listed
    ]


@router.post("/datasets/{dataset}/jobs", status_code=201)
def submit(request: Request, access: Reading, body: NewJob) -> dict[str, Any]:
    """Queue a job; a worker does it when one is free."""
    settings = job_kinds.checked(body.kind, body.settings)
    role = job_kinds.KINDS[body.kind].role
    if role == "admin":
        raise ConfigError(f"Jobs of the kind {body.kind} belong to no dataset: POST /jobs.")
    if not access.at_least(role):
        raise Refusal(403, f"This kind of job needs the role {role} in the dataset.")
    with context(request).database.write() as connection:
        job_id = job_queue.submit(
            connection, body.kind, settings, owner_id=access.user_id, dataset_id=access.dataset.id
        )
    return {"id": job_id}


@router.post("/jobs", status_code=201)
def submit_without(
    request: Request, access: Annotated[Access, needs("admin")], body: NewJob
) -> dict[str, Any]:
    """Queue a job that makes a dataset, from files under the folders that the settings allow."""
    state = context(request)
    settings = job_kinds.checked(body.kind, body.settings)
    if job_kinds.KINDS[body.kind].role != "admin":
        raise ConfigError(f"Jobs of the kind {body.kind} belong to a dataset.")
    draft = registry.LayerDraft("source", "image", settings["source"])
    registry.check_readable(draft, state.settings.readable)
    with state.database.write() as connection:
        job_id = job_queue.submit(connection, body.kind, settings, owner_id=access.user_id)
    return {"id": job_id}


@router.get("/datasets/{dataset}/jobs")
def of_dataset(
    request: Request,
    access: Annotated[Access, needs("dataset:manager")],
    before: Annotated[str | None, Query(max_length=32)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """List everybody's jobs of a dataset, newest first."""
    state = context(request)
    with state.database.read() as connection:
        listed = job_queue.listed(
            connection, dataset_id=access.dataset.id, before=before, limit=limit
        )
    return {"jobs": shown(state, listed)}


@router.get("/jobs")
def own(
    request: Request,
    access: Signed,
    state: Annotated[list[str] | None, Query(max_length=10)] = None,
    before: Annotated[str | None, Query(max_length=32)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """List one's own jobs, newest first; admins see everybody's."""
    unknown = [one for one in state or () if one not in JOB_STATES]
    if unknown:
        raise ConfigError(f"state must be one of {', '.join(JOB_STATES)}, got '{unknown[0][:20]}'.")
    everybody = access.user is not None and access.user.is_admin
    server = context(request)
    with server.database.read() as connection:
        listed = job_queue.listed(
            connection,
            owner_id=None if everybody else access.user_id,
            states=state or (),
            before=before,
            limit=limit,
        )
    return {"jobs": shown(server, listed)}


@router.get("/jobs/kinds")
def kinds(_access: Signed) -> dict[str, Any]:
    """Return what jobs there are: the role that each needs, and the JSON schema of its settings."""
    return {
        name: {"role": kind.role, "settings": kind.settings.model_json_schema()}
        for name, kind in job_kinds.KINDS.items()
    }


@router.get("/jobs/workers")
def at_work(request: Request, _access: Annotated[Access, needs("admin")]) -> dict[str, Any]:
    """List the workers that live."""
    with context(request).database.read() as connection:
        return {"workers": job_workers.at_work(connection)}


@router.get("/jobs/{job}")
def one(request: Request, access: Signed, job: str) -> dict[str, Any]:
    """Return a job."""
    state = context(request)
    return shown(state, [known_job(state, access, job)])[0]


@router.delete("/jobs/{job}")
def cancel(request: Request, access: Signed, job: str) -> dict[str, Any]:
    """Cancel a job; one that runs ends a moment later."""
    state = context(request)
    known_job(state, access, job)
    with state.database.write() as connection:
        return {"state": job_queue.cancel(connection, job)}


@router.post("/jobs/{job}/retry", status_code=204)
def retry(request: Request, access: Signed, job: str) -> None:
    """Queue a job again that failed or was cancelled."""
    state = context(request)
    known_job(state, access, job)
    with state.database.write() as connection:
        job_queue.retry(connection, job)


@router.get("/jobs/{job}/log")
def log(
    request: Request,
    access: Signed,
    job: str,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> dict[str, Any]:
    """Return lines of a job's log, in order."""
    state = context(request)
    known_job(state, access, job)
    with state.database.read() as connection:
        return {"lines": job_log.log_after(connection, job, after, limit)}


@router.api_route("/jobs/{job}/file", methods=["GET", "HEAD"])
def made(request: Request, access: Signed, job: str) -> Response:
    """Return the file that a job made, or a part of it."""
    state = context(request)
    row = known_job(state, access, job)
    name = (row.result or {}).get("file")
    if row.state != "done" or not name:
        raise NotFoundError(f"The job is {row.state} and has made no file.")
    served = served_files.find(state.home.cache / "downloads", str(name))
    response = served_files.respond(request, served, cache=served_files.CHECKED)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@router.get("/jobs/{job}/events")
async def events(
    request: Request,
    access: Signed,
    job: str,
    last_event_id: Annotated[str | None, Header(max_length=30)] = None,
) -> StreamingResponse:
    """Follow a job: server-sent events ``state``, ``log`` and, when it has ended, ``end``.

    The id of an event is the number of the last line of the log before it; who asks again with
    ``Last-Event-ID`` gets the lines after it, and the state as it is now.
    """
    state = context(request)
    await run_in_threadpool(known_job, state, access, job)
    number = int(last_event_id) if last_event_id is not None and last_event_id.isdigit() else 0
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    stream = _stream(request, state, job, number)
    return StreamingResponse(stream, headers=headers, media_type="text/event-stream")


async def _stream(request: Request, state: Context, job_id: str, number: int) -> AsyncIterator[str]:
    import anyio

    started = spoke = time.monotonic()
    shown = None
    yield "retry: 2000\n\n"
    while time.monotonic() - started < STREAM_S and not await request.is_disconnected():
        job, lines = await run_in_threadpool(_look, state, job_id, number)
        for line in lines:
            number = line["number"]
            yield _event("log", number, line)
        if shown != job.shown():
            shown = job.shown()
            yield _event("state", number, shown)
            spoke = time.monotonic()
        if job.state in ENDED and not lines:
            yield _event("end", number, {"state": job.state})
            return
        if time.monotonic() - spoke > SILENCE_S:
            spoke = time.monotonic()
            yield ": still there\n\n"
        await anyio.sleep(0 if lines else LOOK_S)


def _look(state: Context, job_id: str, number: int) -> tuple[Job, list[dict[str, Any]]]:
    """Return a job and the lines of its log after one, of one moment."""
    with state.database.read() as connection:
        lines = job_log.log_after(connection, job_id, number)
        return job_queue.get(connection, job_id), lines


def _event(name: str, number: int, content: object) -> str:
    return f"event: {name}\nid: {number}\ndata: {json.dumps(content)}\n\n"
