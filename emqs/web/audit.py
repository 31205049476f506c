"""Who changed what, and who was refused what."""

import logging
import threading
import time
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import select
from starlette.types import Scope

from emqs.annotations.database import Database
from emqs.annotations.schema import audit as audit_table
from emqs.errors import DatabaseError
from emqs.web import accounts, catalogue
from emqs.web.context import context
from emqs.web.protection import SAFE, header
from emqs.web.rights import needs

logger = logging.getLogger(__name__)

router = APIRouter(tags=["audit"])

MOST_REFUSALS = 60  # of an address in a minute that are written; the rest are in the log
MINUTE_S = 60.0
MOST = 1000


class Recorder:
    """Writes the audit log of one process."""

    def __init__(self, database: Database) -> None:
        """Start with nothing refused."""
        self.database = database
        self._lock = threading.Lock()
        self._minute = 0.0
        self._refusals: dict[str, int] = {}

    def is_due(self, scope: Scope, status: int) -> bool:
        """Return whether an answer is written down: a change, or a refusal of one who asks."""
        if scope["method"] not in SAFE:
            return status < 400 or self._few(scope)
        if scope["state"].get("noted"):  # a sign-in at a provider ends with a GET
            return True
        if "refused" in scope["state"]:  # one at a provider that ended without a session
            return self._few(scope)
        given = header(scope, "authorization") or scope["state"].get("user")
        return status in (401, 403, 404) and given is not None and self._few(scope)

    def _few(self, scope: Scope) -> bool:
        """Count a refusal, and return whether it is among the first of its address."""
        address = _address(scope)
        with self._lock:
            if time.monotonic() - self._minute > MINUTE_S:
                self._minute, self._refusals = time.monotonic(), {}
            self._refusals[address] = self._refusals.get(address, 0) + 1
            return self._refusals[address] <= MOST_REFUSALS

    def write(self, scope: Scope, status: int) -> None:
        """Write an answer down before it is sent."""
        state = scope["state"]
        route = getattr(scope.get("route"), "path_format", None) or scope["path"]
        names = list(scope.get("path_params") or {})
        subject = names[-1] if names else ""
        row = {
            "at": time.time(),
            "user_id": state.get("user"),
            "session_id": state.get("session"),
            "action": _plain(f"{scope['method']} {route}", 100),
            "subject_kind": subject[:50],
            "subject_id": _plain(scope["path_params"][subject], 100) if subject else "",
            "dataset_id": state.get("dataset"),
            "address": _address(scope)[:100],
            "outcome": _outcome(scope, status),
            "details": {
                "path": _plain(scope["path"], 500),
                "status": status,
                "request": state.get("request_id"),
                **({"why": state["refused"]} if "refused" in state else {}),
            },
        }
        try:
            with self.database.write() as connection:
                connection.execute(audit_table.insert().values(row))
        except DatabaseError:
            logger.exception("the audit log cannot be written: %s", row)


def _outcome(scope: Scope, status: int) -> str:
    """Return what came of a request; one that was refused may end on another page."""
    if status >= 500:
        return "failed"
    return "refused" if status >= 400 or "refused" in scope["state"] else "done"


def _plain(value: object, longest: int) -> str:
    """Return a text that every database and terminal takes."""
    return "".join(c if c.isprintable() else "?" for c in str(value)[:longest])


def _address(scope: Scope) -> str:
    return str((scope.get("client") or ("",))[0])


@router.get("/audit", dependencies=[needs("admin")])
def listed(
    request: Request,
    user: Annotated[str | None, Query(max_length=32, description="id")] = None,
    dataset: Annotated[str | None, Query(max_length=32, description="id")] = None,
    outcome: Annotated[str | None, Query(max_length=20)] = None,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> dict[str, Any]:
    """List what was changed or refused, newest first."""
    table = audit_table.c
    query = select(audit_table)
    for column, value in ((table.user_id, user), (table.dataset_id, dataset)):
        query = query if value is None else query.where(column == value)
    query = query if outcome is None else query.where(table.outcome == outcome)
    query = query if before is None else query.where(table.number < before)
    with context(request).database.read() as connection:
        rows = connection.execute(query.order_by(table.number.desc()).limit(limit + 1)).all()
        people = accounts.names(connection, [row.user_id for row in rows])
        known = catalogue.names(connection, [row.dataset_id for row in rows])
    listed = [
        {
            **row._mapping,
            "user": people.get(row.user_id),
            "dataset": known.get(row.dataset_id),
        }
        for row in rows[:limit]
    ]
    return {"entries": listed, "before": listed[-1]["number"] if len(rows) > limit else None}
