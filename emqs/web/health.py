"""Whether the server is well."""

from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import text

import emqs
from emqs.web.context import context
from emqs.web.rights import needs

router = APIRouter(tags=["health"])


@router.get("/health", dependencies=[needs("public")])
def health(request: Request) -> dict[str, Any]:
    """Answer if the server and its database work."""
    with context(request).database.read() as connection:
        connection.execute(text("SELECT 1"))
    return {"status": "ok"}


@router.get("/version", dependencies=[needs("public")])
def version() -> dict[str, str]:
    """Return the version of emqs."""
    return {"version": emqs.__version__}
