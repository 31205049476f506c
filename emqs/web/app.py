"""The application: every router under ``/api/v1``, protection in front, errors as answers."""

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI

import emqs
from emqs.annotations.database import Database
from emqs.errors import ConflictError, DatabaseError, EmqsError, ForbiddenError, NotFoundError
from emqs.web import (
    accounts,
    annotations,
    atlas,
    audit,
    auth,
    catalogue,
    data,
    datasets,
    description,
    health,
    jobs,
    links,
    merges,
    metrics,
    napari,
    neuprint,
    pages,
    predictions,
    refusals,
    saved,
    search,
    searching,
    segment_places,
    snapshots,
    states,
    transfer,
    uploads,
    users,
)
from emqs.web.context import Context
from emqs.web.home import Home
from emqs.web.protection import Protection
from emqs.web.settings import ServeConfig

logger = logging.getLogger(__name__)

PREFIX = "/api/v1"
ROUTERS: tuple[APIRouter, ...] = (
    data.router,  # looked through in this order: what is asked for most often comes first
    health.router,
    metrics.router,
    auth.router,
    users.router,
    datasets.router,
    uploads.router,
    napari.router,
    neuprint.router,
    segment_places.router,
    links.router,
    snapshots.router,
    jobs.router,
    search.router,
    predictions.router,
    saved.router,
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
        threading.Thread(target=_warm, args=(state,), daemon=True).start()
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

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = description.describe(app, ROUTERS, PREFIX)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign] # FastAPI's own way to change it
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
        observe=metrics.observe,
    )
    return app


def _warm(state: Context) -> None:
    """Open the stores that the first searches will ask for; what fails is told when they do."""
    try:
        with state.database.read() as connection:
            names = catalogue.stores(connection, searching.MOST_OPEN)
        if names:
            searching.searcher(state).warm(names)
    except EmqsError as error:
        logger.warning("a store could not be opened before it is searched: %s", error)
