"""The application: every router under ``/api/v1``, protection in front, errors as answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

import emqs
from emqs.annotations.database import Database
from emqs.errors import ConflictError, DatabaseError, ForbiddenError, NotFoundError
from emqs.web import (
    accounts,
    annotations,
    atlas,
    audit,
    auth,
    data,
    datasets,
    health,
    jobs,
    links,
    merges,
    pages,
    refusals,
    snapshots,
    states,
    transfer,
    users,
)
from emqs.web.context import Context
from emqs.web.home import Home
from emqs.web.protection import Protection
from emqs.web.settings import ServeConfig

PREFIX = "/api/v1"
ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    auth.router,
    users.router,
    datasets.router,
    data.router,
    links.router,
    snapshots.router,
    jobs.router,
    transfer.router,
    annotations.router,
    atlas.router,
    merges.router,
    states.router,
    audit.router,
)
STATUSES = (
    (NotFoundError, 404),
    (ForbiddenError, 403),
    (ConflictError, 409),
    (DatabaseError, 503),
)
OWN_NAMES = ("127.0.0.1", "localhost", "::1")


def create_app(home: Home, settings: ServeConfig, *, database: Database | None = None) -> FastAPI:
    """Return the application of a server.

    Args:
        home: Where its files lie; folders are made.
        settings: How it answers.
        database: An open database; None: that of the home folder. It is closed with the server.
    """
    home.make()
    opened = Database.open(home.database_url) if database is None else database
    state = Context(opened, home, settings)

    if not settings.accounts:
        state.local_user = accounts.local_user(opened)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        state.close()

    app = FastAPI(
        title="emqs",
        version=emqs.__version__,
        description="Similarity search in electron microscopy, and a place to work on its results.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.context = state
    refusals.install(app, STATUSES)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    pages.mount(app)
    app.include_router(pages.router)
    app.add_middleware(
        Protection,
        hosts=[*OWN_NAMES, settings.host, *settings.hosts],
        max_body=settings.max_body,
        max_upload=settings.max_upload,
        https=settings.https,
        recorder=audit.Recorder(opened),
    )
    return app
