"""Who is asking, and whether they may.

How a router declares rights: each route takes exactly one parameter that is ``needs(...)``::

    router = APIRouter(tags=["snapshots"])

    @router.get("/datasets/{dataset}/snapshot")
    def snapshot(request: Request, access: Annotated[Access, needs("dataset:reader")]) -> Response:
        state = context(request)           # state.database, .home, .settings, .kept(Class, make)
        access.dataset                     # its row: .id, .name, ...
        access.user                        # User, or None for a guest of a public dataset
        access.role                        # "reader" < "annotator" < "reviewer" < "manager"

A route that does not look at who asks says ``@router.get(.., dependencies=[needs("public")])``.

Rights: ``public`` (no sign-in; ``access.user`` may still be known), ``guest`` (signed in, or
anybody where ``serve.anonymous`` is on), ``user`` (signed in), ``local`` (an admin, or a program on
this computer), ``admin``, and ``dataset:ROLE`` for routes with ``{dataset}`` in their path. A
dataset that one may not know is 404, too small a role 403, nobody 401.

``needs("dataset:reader", links=True)`` also takes an expiring link in the query, ``?token=``, which
``emqs.web.links.opened(connection, token)`` checks: it returns a ``Link`` that is valid now, or
None; then ``access.link`` is set, and the route compares its ``layer_id``. With ``recently=True``
the database is not asked again before it changes, for chunks of data. A route for other
datasets by body (``datasets=[...]``) calls ``access_to(request, access, name, role)`` for each.

``app.ROUTERS`` lists the routers; a test walks them and fails on a route without a declared right.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, Path, Request
from sqlalchemy import Connection

from emqs.annotations.schema import ROLES
from emqs.errors import DatabaseError
from emqs.web import catalogue, sessions
from emqs.web.catalogue import Dataset
from emqs.web.context import Context, context
from emqs.web.protection import SAFE
from emqs.web.recent import recent
from emqs.web.refusals import Refusal
from emqs.web.sessions import Session, User
from emqs.web.settings import is_loopback

logger = logging.getLogger(__name__)

RIGHTS = ("public", "guest", "user", "local", "admin", *(f"dataset:{role}" for role in ROLES))
BEARER = "bearer "
MAX_TOKEN = 200  # characters
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"  # of datasets, layers, users, groups
DatasetName = Annotated[str, Path(description="Name of the dataset.", max_length=100)]


@dataclass(frozen=True)
class Link:
    """An expiring link that opens a dataset, or one layer of it, to a program."""

    id: str
    dataset_id: str
    layer_id: str | None  # None: every layer


@dataclass(frozen=True)
class Access:
    """Who is asking, and what they may do."""

    user: User | None = None
    session: Session | None = None
    link: Link | None = None
    dataset_or_none: Dataset | None = None
    role: str | None = None

    @property
    def dataset(self) -> Dataset:
        """The dataset in the path, of routes whose right begins with ``dataset:``."""
        if self.dataset_or_none is None:
            raise LookupError("this route has no dataset in its path")
        return self.dataset_or_none

    @property
    def user_id(self) -> str:
        """Id of who is signed in.

        Raises:
            Refusal: If nobody is.
        """
        if self.user is None:
            raise unknown()
        return self.user.id

    def at_least(self, role: str) -> bool:
        """Return whether the role in the dataset is this one or a larger one."""
        return self.role is not None and ROLES.index(self.role) >= ROLES.index(role)


def unknown() -> Refusal:
    """Return what is answered to somebody who has to sign in."""
    return Refusal(401, "Sign in first.", {"WWW-Authenticate": "Bearer"})


def is_local(request: Request) -> bool:
    """Return whether a program on this computer asks, and no proxy for somebody else."""
    forwarded = any(name in request.headers for name in ("x-forwarded-for", "forwarded"))
    return request.client is not None and is_loopback(request.client.host) and not forwarded


def not_there() -> Refusal:
    """Return what is answered for a dataset that is not there, or that one may not know of."""
    return Refusal(404, "There is no such dataset, or none that you may know of.")


class Needs:
    """A declared right; FastAPI calls it before the route.

    Attributes:
        right: One of ``RIGHTS``.
        links: Whether an expiring link is as good as a sign-in.
        recently: Whether the database is not asked again before it changes; see ``recent``.
    """

    def __init__(self, right: str, *, links: bool = False, recently: bool = False) -> None:
        """Declare a right."""
        if right not in RIGHTS:
            raise ValueError(f"{right} is none of {RIGHTS}")
        self.right, self.links, self.recently = right, links, recently

    def __call__(self, request: Request) -> Access:
        """Return who is asking, if they may."""
        return self.granted(request, None)

    def granted(self, request: Request, name: str | None) -> Access:
        """Return who is asking, if they may.

        Args:
            request: What is asked.
            name: The dataset, for rights in one.

        Raises:
            Refusal: 401, 403 or 404.
        """
        state = context(request)
        if self.recently:
            given = request.headers.get("authorization"), request.cookies.get(state.cookie)
            key = self, name, given, request.query_params.get("token")
            access = recent(state).get(key, lambda: self._known(state, request, name))
            _note(request, access)
        else:
            access = self._known(state, request, name)
        self._check(request, access)
        _touch(state, access)
        return access

    def _known(self, state: Context, request: Request, name: str | None) -> Access:
        """Return who is asking, and their role in a dataset, as the database says."""
        with state.database.read() as connection:
            access = identified(state, connection, request, quiet=self.right == "public")
            _note(request, access)
            if name is not None:
                access = self._in_dataset(state, connection, request, access, name)
                _note(request, access)
        return access

    def _in_dataset(
        self,
        state: Context,
        connection: Connection,
        request: Request,
        access: Access,
        name: str,
    ) -> Access:
        token = request.query_params.get("token")
        link = None
        if self.links and access.user is None and token is not None and len(token) <= MAX_TOKEN:
            from emqs.web.links import opened  # which imports this file

            link = opened(connection, token)
        if access.user is None and link is None and not state.settings.anonymous:
            raise unknown()
        dataset = catalogue.dataset(connection, name)
        if dataset is None:
            raise unknown() if access.user is None and link is None else not_there()
        if link is not None:
            if link.dataset_id != dataset.id:
                raise not_there()
            return replace(access, link=link, dataset_or_none=dataset, role="reader")
        held = catalogue.role(connection, dataset, access.user)
        if access.session is not None and not access.session.allows_dataset(name):
            held = None
        if held is None:
            raise unknown() if access.user is None else not_there()
        return replace(access, dataset_or_none=dataset, role=held)

    def _check(self, request: Request, access: Access) -> None:
        if self._is_open(request):
            return
        if access.session is not None:
            scope = "read" if request.method in SAFE else "write"
            scope = "admin" if self.right in ("admin", "local") else scope
            if not access.session.allows(scope):
                raise Refusal(403, f"This token may not be used to {scope}.")
        if self.right.startswith("dataset:"):
            self._check_role(access)
        elif access.user is None:
            raise unknown()
        elif self.right in ("admin", "local") and not access.user.is_admin:
            raise Refusal(403, "Only admins may do this.")

    def _is_open(self, request: Request) -> bool:
        """Return whether anybody may, whoever it is."""
        if self.right == "guest":
            return context(request).settings.anonymous
        return self.right == "public" or (self.right == "local" and is_local(request))

    def _check_role(self, access: Access) -> None:
        needed = self.right.removeprefix("dataset:")
        if not access.at_least(needed):
            if access.user is None:
                raise unknown()
            raise Refusal(403, f"This needs the role {needed} in the dataset.")


def _note(request: Request, access: Access) -> None:
    """Remember who asks, for the log and the audit log."""
    request.state.user = None if access.user is None else access.user.id
    request.state.session = None if access.session is None else access.session.id
    if access.dataset_or_none is not None:
        request.state.dataset = access.dataset_or_none.id


class DatasetNeeds(Needs):
    """A declared right in the dataset of the path."""

    def __call__(self, request: Request, dataset: DatasetName) -> Access:  # type: ignore[override]
        """Return who is asking, if they may."""
        return self.granted(request, dataset)


def needs(right: str, *, links: bool = False, recently: bool = False) -> Any:  # noqa: ANN401 - FastAPI's own type is Any
    """Declare the right of a route; the type of its parameter is ``Annotated[Access, this]``."""
    kind = DatasetNeeds if right.startswith("dataset:") else Needs
    return Depends(kind(right, links=links, recently=recently))


def access_to(request: Request, access: Access, name: str, role: str = "reader") -> Access:
    """Return the access to another dataset that a request names in its body.

    Raises:
        Refusal: As if it stood in the path.
    """
    state = context(request)
    needed = DatasetNeeds(f"dataset:{role}")
    with state.database.read() as connection:
        inside = needed._in_dataset(state, connection, request, replace(access, link=None), name)
    needed._check(request, inside)
    return inside


def identified(
    state: Context, connection: Connection, request: Request, *, quiet: bool = False
) -> Access:
    """Return who is asking: by token if there is ``Authorization``, by cookie if there is not.

    Args:
        state: Of the server.
        connection: A transaction.
        request: What is asked.
        quiet: A cookie or token that is not valid is nobody, rather than refused.

    Raises:
        Refusal: If a token or a cookie is given that is not valid, or not any more.
    """
    authorization = request.headers.get("authorization")
    if authorization is None:
        token, kind = request.cookies.get(state.cookie, ""), "cookie"
    elif authorization.lower().startswith(BEARER):
        token, kind = authorization[len(BEARER) :].strip(), "api"
    else:
        token, kind = "", "api"
    known = None
    if 0 < len(token) <= MAX_TOKEN:
        known = sessions.of_token(connection, token, (kind,))
    if known is not None:
        return Access(*known)
    if authorization is not None and not quiet:
        request.state.refused = "token"
        raise Refusal(
            401, "This token is not valid, or not any more.", {"WWW-Authenticate": "Bearer"}
        )
    if authorization is None and state.local_user is not None:
        return Access(state.local_user)
    return Access()


def _touch(state: Context, access: Access) -> None:
    """Remember the last use of a sign-in, now and then; of no importance if it fails."""
    session = access.session
    if session is None or time.time() - (session.last_used or 0) < sessions.TOUCHED_S:
        return
    try:
        with state.database.write() as connection:
            sessions.touch(connection, session.id)
    except DatabaseError:
        logger.warning("the last use of a sign-in is not stored: the database is busy")


def declared(routes: Any) -> Iterator[tuple[Any, list[Needs]]]:  # noqa: ANN401
    """Yield each route of a router with the rights that it declares itself."""
    for route in routes:
        calls = [part.call for part in route.dependant.dependencies]
        yield route, [call for call in calls if isinstance(call, Needs)]
