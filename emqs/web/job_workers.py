"""The table of workers: which live, where, and what each is doing."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from emqs.annotations.ids import new_id
from emqs.annotations.schema import workers
from emqs.web.job_queue import DEAD_S, now


def register(connection: Connection, host: str, pid: int, kinds: Sequence[str]) -> str:
    """Add a worker; return its id."""
    worker_id = new_id()
    moment = now(connection)
    connection.execute(
        insert(workers).values(
            id=worker_id,
            host=host[:255],
            pid=pid,
            kinds=list(kinds),
            started=moment,
            heartbeat=moment,
        )
    )
    connection.execute(delete(workers).where(workers.c.stopped < moment - 7 * 86400.0))
    return worker_id


def alive(connection: Connection, worker_id: str, job_id: str | None) -> None:
    """Say that a worker lives, and which job it has."""
    connection.execute(
        update(workers)
        .where(workers.c.id == worker_id)
        .values(heartbeat=now(connection), job_id=job_id, stopped=None)
    )


def stop(connection: Connection, worker_id: str) -> None:
    """Say that a worker has stopped."""
    connection.execute(
        update(workers)
        .where(workers.c.id == worker_id)
        .values(stopped=now(connection), job_id=None)
    )


def at_work(connection: Connection) -> list[dict[str, Any]]:
    """Return the workers that live, by the time at which they started."""
    query = (
        select(workers)
        .where(workers.c.stopped.is_(None), workers.c.heartbeat > now(connection) - DEAD_S)
        .order_by(workers.c.id)
    )
    names = ("id", "host", "pid", "kinds", "job_id", "started", "heartbeat")
    return [{name: getattr(row, name) for name in names} for row in connection.execute(query)]
