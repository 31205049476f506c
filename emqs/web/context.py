"""What a request may use: the database, the home folder, the settings, and what stays open."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

from fastapi import Request

from emqs.annotations.database import Database
from emqs.web.home import Home
from emqs.web.sessions import User
from emqs.web.settings import ServeConfig

Service = TypeVar("Service")


class Context:
    """One process of a server.

    Attributes:
        database: Where users, datasets, annotations and jobs are kept.
        home: Folders.
        settings: What the server was started with.
        local_user: Who everybody is where there are no accounts; None: they have to sign in.
    """

    def __init__(self, database: Database, home: Home, settings: ServeConfig) -> None:
        """Keep what is given; nothing is opened."""
        self.database = database
        self.home = home
        self.settings = settings
        self.local_user: User | None = None
        self._kept: dict[Any, Any] = {}
        self._lock = threading.RLock()

    @property
    def cookie(self) -> str:
        """Name of the cookie of a sign-in; servers on other ports of this computer keep theirs."""
        name = f"emqs_session_{self.settings.port}"
        return f"__Host-{name}" if self.settings.https else name

    def kept(self, kind: type[Service], make: Callable[["Context"], Service]) -> Service:
        """Return what this process keeps one of, such as its open stores; made when first asked.

        Args:
            kind: Its class, under which it is kept.
            make: Makes it. If it has a ``close``, that is called when the server stops.
        """
        with self._lock:
            if kind not in self._kept:
                self._kept[kind] = make(self)
            return cast(Service, self._kept[kind])

    def close(self) -> None:
        """Close what was kept, the last first, and the database."""
        with self._lock:
            kept = list(self._kept.values())
            self._kept.clear()
        for service in reversed(kept):
            close = getattr(service, "close", None)
            if close is not None:
                close()
        self.database.close()


def context(request: Request) -> Context:
    """Return what a request may use; a dependency, or called with the request."""
    return cast(Context, request.app.state.context)
