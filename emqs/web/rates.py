"""How often something may be tried, over all processes of a server."""

import math
import time

from sqlalchemy import Connection, case
from sqlalchemy.dialects import postgresql, sqlite

from emqs.annotations.database import Database
from emqs.annotations.schema import rate_windows
from emqs.web.refusals import Refusal

WINDOW_S = 60.0


def count(database: Database, keys: dict[str, int]) -> None:
    """Count one try, and refuse it if there were too many in this minute.

    Args:
        database: Is written to, before anything that is tried.
        keys: What is counted, with how many are allowed in a minute.

    Raises:
        Refusal: 429, with the seconds until the next try.
    """
    with database.write() as connection:
        wait = math.ceil(max(_counted(connection, key, most) for key, most in keys.items()))
    if wait > 0:
        raise Refusal(429, f"Too many tries. Wait {wait} seconds.", {"Retry-After": str(wait)})


def forget(connection: Connection, key: str) -> None:
    """Start again with counting, after a success."""
    connection.execute(rate_windows.delete().where(rate_windows.c.key == key))


def _counted(connection: Connection, key: str, most: int) -> float:
    """Return how long the next try has to wait, in seconds; 0: this one is allowed."""
    now = time.time()
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    table = rate_windows.c
    insert = dialect.insert(rate_windows).values(key=key[:400], started=now, count=1)
    ended = table.started < now - WINDOW_S
    row = connection.execute(
        insert.on_conflict_do_update(
            index_elements=["key"],
            set_={
                "count": case((ended, 1), else_=table.count + 1),
                "started": case((ended, now), else_=table.started),
            },
        ).returning(table.started, table.count)
    ).one()
    return float(row[0] + WINDOW_S - now) if row[1] > most else 0.0
