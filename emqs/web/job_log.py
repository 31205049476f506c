"""What jobs say while they run: numbered lines, the first ten thousand of each job."""

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select

from emqs.annotations.schema import job_log

MOST_LINES = 10_000  # in the log of one job
LINE = 2000  # letters


def log(connection: Connection, job_id: str, lines: Sequence[tuple[str, str]]) -> None:
    """Add lines to the log of a job; the first ten thousand are kept."""
    if not lines:
        return
    known = connection.execute(
        select(func.count()).select_from(job_log).where(job_log.c.job_id == job_id)
    ).scalar_one()
    moment = time.time()
    rows = [
        {"job_id": job_id, "at": moment, "level": level, "text": _clean(text)}
        for level, text in lines[: max(0, MOST_LINES - known)]
    ]
    if rows:
        connection.execute(insert(job_log), rows)


def _clean(text: str) -> str:
    """Return a line as it is stored: PostgreSQL takes no NUL, and nobody reads control signs."""
    return "".join(c if c >= " " or c == "\t" else " " for c in text)[:LINE]


def log_after(
    connection: Connection, job_id: str, number: int, limit: int = 1000
) -> list[dict[str, Any]]:
    """Return lines of the log of a job after one of them, in order.

    Args:
        connection: A transaction.
        job_id: Which.
        number: Of the last line that is known; 0: from the first.
        limit: How many at most.
    """
    query = (
        select(job_log.c.number, job_log.c.at, job_log.c.level, job_log.c.text)
        .where(job_log.c.job_id == job_id, job_log.c.number > number)
        .order_by(job_log.c.number)
        .limit(limit)
    )
    return [dict(row._mapping) for row in connection.execute(query)]
