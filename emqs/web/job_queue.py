"""The table of jobs: who asks for what, which worker has it, and how far it is.

A job is claimed by one statement, so that exactly one worker gets it, on SQLite as on PostgreSQL.
A worker says every few seconds that it lives; the jobs of one that does not are queued again. What
a worker writes counts only while the job is its own: a late word of one that was given up changes
nothing. Times are those of the database's clock, which all workers share.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Row,
    and_,
    case,
    cast,
    extract,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from emqs.annotations.ids import new_id
from emqs.annotations.schema import jobs, workers
from emqs.errors import ConfigError, ConflictError, NotFoundError
from emqs.web.job_log import log

DEAD_S = 30.0  # without a word of its worker, a job is queued again
BEAT_S = 5.0  # between two words
WAIT_S = 5.0  # before the second try; then twice as long each time
MOST_QUEUED = 100  # of one user that are not finished
ENDED = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Job:
    """A row of the table."""

    id: str
    kind: str
    state: str  # one of JOB_STATES
    dataset_id: str | None
    owner_id: str
    settings: dict[str, Any]
    result: dict[str, Any] | None
    error: str | None
    progress: float  # 0 to 1
    progress_text: str
    priority: int
    attempts: int
    most_attempts: int
    cancel_requested: bool
    worker_id: str | None
    created: float
    started: float | None
    finished: float | None

    def shown(self) -> dict[str, Any]:
        """Return what clients see of it."""
        names = (
            "id", "kind", "state", "settings", "result", "error", "progress", "progress_text",
            "priority", "attempts", "most_attempts", "cancel_requested", "created", "started",
            "finished",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


_COLUMNS = [jobs.c[name] for name in Job.__dataclass_fields__]


def _job(row: Row[Any]) -> Job:
    return Job(**row._mapping)


def now(connection: Connection) -> ColumnElement[float]:
    """Return the time of the database's clock, in seconds since 1970, as part of a statement."""
    if connection.dialect.name == "postgresql":
        return cast(extract("epoch", func.clock_timestamp()), Double)
    return literal(time.time())  # the file lies on this computer


def submit(
    connection: Connection,
    kind: str,
    settings: dict[str, Any],
    *,
    owner_id: str,
    dataset_id: str | None = None,
    priority: int = 0,
    most_attempts: int = 3,
) -> str:
    """Queue a job.

    Args:
        connection: A transaction that writes.
        kind: What is done.
        settings: With what; plain values.
        owner_id: Who asks.
        dataset_id: The dataset that it belongs to.
        priority: Higher ones go first; those of equal priority in the order of asking.
        most_attempts: How often it is started when workers die on it.

    Returns:
        Its id.

    Raises:
        ConfigError: If this user has too many jobs that are not finished.
    """
    waiting = connection.execute(
        select(func.count())
        .select_from(jobs)
        .where(jobs.c.owner_id == owner_id, jobs.c.state.in_(("queued", "running")))
    ).scalar_one()
    if waiting >= MOST_QUEUED:
        raise ConfigError(
            f"You have {waiting} jobs that are not finished; at most {MOST_QUEUED} are allowed. "
            "Wait, or cancel some."
        )
    job_id = new_id()
    moment = now(connection)
    connection.execute(
        insert(jobs).values(
            id=job_id,
            kind=kind,
            state="queued",
            dataset_id=dataset_id,
            owner_id=owner_id,
            settings=settings,
            progress=0.0,
            progress_text="",
            priority=priority,
            attempts=0,
            most_attempts=most_attempts,
            cancel_requested=False,
            created=moment,
            not_before=moment,
        )
    )
    return job_id


def claim(connection: Connection, worker_id: str, kinds: Sequence[str]) -> Job | None:
    """Take the next job of some kinds, or None if there is none to be done now.

    Args:
        connection: A transaction that writes.
        worker_id: Who takes it.
        kinds: What this worker can do.
    """
    moment = now(connection)
    first = (
        select(jobs.c.id)
        .where(jobs.c.state == "queued", jobs.c.kind.in_(kinds), jobs.c.not_before <= moment)
        .order_by(jobs.c.priority.desc(), jobs.c.id)
        .limit(1)
    )
    if connection.dialect.name == "postgresql":
        first = first.with_for_update(skip_locked=True)
    row = connection.execute(
        update(jobs)
        .where(jobs.c.id == first.scalar_subquery(), jobs.c.state == "queued")
        .values(
            state="running",
            worker_id=worker_id,
            attempts=jobs.c.attempts + 1,
            started=moment,
            heartbeat=moment,
            error=None,
            progress=0.0,
            progress_text="",
        )
        .returning(*_COLUMNS)
    ).one_or_none()
    return None if row is None else _job(row)


def _own(job: Job) -> ColumnElement[bool]:
    """Return the condition that a job still is with the worker that claimed it, at that try."""
    return and_(
        jobs.c.id == job.id,
        jobs.c.state == "running",
        jobs.c.worker_id == job.worker_id,
        jobs.c.attempts == job.attempts,
    )


def beat(
    connection: Connection, job: Job, progress: float, text: str, lines: Sequence[tuple[str, str]]
) -> bool | None:
    """Say that a job goes on.

    Args:
        connection: A transaction that writes.
        job: As it was claimed.
        progress: From 0 to 1.
        text: A few words on it.
        lines: Of the log since the last time: level and text.

    Returns:
        Whether it should be cancelled; None if it is this worker's no longer.
    """
    asked = connection.execute(
        update(jobs)
        .where(_own(job))
        .values(heartbeat=now(connection), progress=progress, progress_text=text[:400])
        .returning(jobs.c.cancel_requested)
    ).scalar_one_or_none()
    if asked is None:
        return None
    log(connection, job.id, lines)
    return bool(asked)


def finish(
    connection: Connection,
    job: Job,
    state: str,
    *,
    result: dict[str, Any] | None = None,
    error: str | None = None,
    lines: Sequence[tuple[str, str]] = (),
) -> bool:
    """End a job.

    Args:
        connection: A transaction that writes.
        job: As it was claimed.
        state: ``"done"``, ``"failed"`` or ``"cancelled"``.
        result: What it made.
        error: Why it failed, in one sentence.
        lines: Last ones of the log.

    Returns:
        Whether it was still this worker's; otherwise nothing is changed.
    """
    values: dict[str, Any] = {"state": state, "result": result, "error": error}
    if state == "done":
        values["progress"] = 1.0
    ended = connection.execute(
        update(jobs).where(_own(job)).values(finished=now(connection), heartbeat=None, **values)
    )
    if ended.rowcount == 0:
        return False
    log(connection, job.id, lines)
    return True


def give_back(connection: Connection, job: Job, *, why: str, counts: bool = True) -> str | None:
    """Queue a job again that its worker could not end, or let it fail if it was tried enough.

    Args:
        connection: A transaction that writes.
        job: As it was claimed.
        why: For its log.
        counts: Whether this try is one of those that are allowed.

    Returns:
        Its state now; None if it was this worker's no longer.
    """
    gone_back = _requeued(connection, _own(job), why, counts=counts)
    return gone_back[0][1] if gone_back else None


def requeue_dead(connection: Connection, dead_s: float = DEAD_S) -> list[tuple[str, str]]:
    """Queue the jobs of workers that do not say any more that they live.

    Args:
        connection: A transaction that writes.
        dead_s: How long a worker may be silent.

    Returns:
        Ids and states of the jobs: ``"queued"`` again, ``"failed"`` after too many tries, or
        ``"cancelled"`` where that was asked for.
    """
    silent = and_(jobs.c.state == "running", jobs.c.heartbeat < now(connection) - dead_s)
    dead = _requeued(connection, silent, "Its worker does not answer any more.", counts=True)
    connection.execute(
        update(workers)
        .where(workers.c.stopped.is_(None), workers.c.heartbeat < now(connection) - dead_s)
        .values(stopped=now(connection), job_id=None)
    )
    return dead


def _requeued(
    connection: Connection, which: ColumnElement[bool], why: str, *, counts: bool
) -> list[tuple[str, str]]:
    attempts = jobs.c.attempts if counts else jobs.c.attempts - 1
    enough = and_(jobs.c.attempts >= jobs.c.most_attempts, literal(counts))
    state = case((jobs.c.cancel_requested, "cancelled"), (enough, "failed"), else_="queued")
    over = or_(jobs.c.cancel_requested, enough)
    moment = now(connection)
    wait = literal(1).bitwise_lshift(jobs.c.attempts - 1) * WAIT_S if counts else literal(0.0)
    rows = connection.execute(
        update(jobs)
        .where(which)
        .values(
            state=state,
            error=case((enough, f"{why} It was tried as often as is allowed."), else_=None),
            attempts=attempts,
            worker_id=None,
            heartbeat=None,
            not_before=moment + wait,
            finished=case((over, moment), else_=None),
        )
        .returning(jobs.c.id, jobs.c.state)
    ).all()
    for job_id, ended in rows:
        log(connection, job_id, [("warning", f"{why} It is {ended} now.")])
    return [(job_id, ended) for job_id, ended in rows]


def cancel(connection: Connection, job_id: str) -> str:
    """Cancel a job: at once if it waits; its worker is asked to if it runs.

    Returns:
        Its state now.

    Raises:
        ConflictError: If it has ended.
        NotFoundError: If there is none.
    """
    moment = now(connection)
    state = connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state.in_(("queued", "running")))
        .values(
            cancel_requested=True,
            state=case((jobs.c.state == "queued", "cancelled"), else_=jobs.c.state),
            finished=case((jobs.c.state == "queued", moment), else_=None),
        )
        .returning(jobs.c.state)
    ).scalar_one_or_none()
    if state is None:
        ended = get(connection, job_id)
        raise ConflictError(f"The job is {ended.state} and cannot be cancelled.")
    return str(state)


def retry(connection: Connection, job_id: str) -> None:
    """Queue a job again that failed or was cancelled; its tries are counted anew.

    Raises:
        ConflictError: If it has not ended, or is done.
        NotFoundError: If there is none.
    """
    moment = now(connection)
    again = connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state.in_(("failed", "cancelled")))
        .values(
            state="queued",
            attempts=0,
            cancel_requested=False,
            error=None,
            worker_id=None,
            heartbeat=None,
            finished=None,
            progress=0.0,
            progress_text="",
            not_before=moment,
        )
    )
    if again.rowcount == 0:
        state = get(connection, job_id).state
        raise ConflictError(
            f"The job is {state}; only one that failed or was cancelled is retried."
        )
    log(connection, job_id, [("info", "It is tried again.")])


def get(connection: Connection, job_id: str) -> Job:
    """Return a job.

    Raises:
        NotFoundError: If there is none.
    """
    row = connection.execute(select(*_COLUMNS).where(jobs.c.id == job_id)).one_or_none()
    if row is None:
        raise NotFoundError("There is no such job, or none that you may know of.")
    return _job(row)


def listed(
    connection: Connection,
    *,
    owner_id: str | None = None,
    dataset_id: str | None = None,
    states: Sequence[str] = (),
    before: str | None = None,
    limit: int = 50,
) -> list[Job]:
    """Return jobs, newest first.

    Args:
        connection: A transaction.
        owner_id: Whose; None: everybody's.
        dataset_id: Of which dataset; None: all.
        states: Which; empty: all.
        before: Id of the last job of the page before.
        limit: How many at most.
    """
    query = select(*_COLUMNS).order_by(jobs.c.id.desc()).limit(limit)
    if owner_id is not None:
        query = query.where(jobs.c.owner_id == owner_id)
    if dataset_id is not None:
        query = query.where(jobs.c.dataset_id == dataset_id)
    if states:
        query = query.where(jobs.c.state.in_(states))
    if before is not None:
        query = query.where(jobs.c.id < before)
    return [_job(row) for row in connection.execute(query)]


def unfinished(
    connection: Connection, kind: str, dataset_id: str, settings: dict[str, Any]
) -> str | None:
    """Return the id of a job that waits or runs and does the same, or None."""
    query = select(jobs.c.id, jobs.c.settings).where(
        jobs.c.kind == kind,
        jobs.c.dataset_id == dataset_id,
        jobs.c.state.in_(("queued", "running")),
    )
    same = (row.id for row in connection.execute(query) if row.settings == settings)
    return next(same, None)
