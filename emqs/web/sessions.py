"""Sign-ins: cookies, API tokens and one-time links, all random and stored as digests alone."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, and_, bindparam, or_, select, update

from emqs.annotations.ids import new_id
from emqs.annotations.schema import sessions, users
from emqs.errors import ConfigError, NotFoundError

SCOPES = ("read", "write", "admin")  # what a token may be used for, besides "dataset:NAME"
ONLY_DATASET = "dataset:"
PREFIX = "emqs_"  # of API tokens, so that they are recognised where they should not be
TOUCHED_S = 300.0  # how exactly the last use is known
ONE_TIME_S = 24 * 3600.0


@dataclass(frozen=True)
class User:
    """Somebody with an account."""

    id: str
    name: str
    display_name: str
    email: str | None
    is_admin: bool


@dataclass(frozen=True)
class Session:
    """A sign-in that is valid now."""

    id: str
    kind: str  # cookie, api or one_time
    scopes: tuple[str, ...]  # what it may be used for; a cookie for everything
    last_used: float | None

    def allows(self, scope: str) -> bool:
        """Return whether it may be used to read, to write, or for what only admins do."""
        return self.kind == "cookie" or scope in self.scopes

    def allows_dataset(self, name: str) -> bool:
        """Return whether it may be used for a dataset: for all, unless it names some."""
        named = [s for s in self.scopes if s.startswith(ONLY_DATASET)]
        return not named or f"{ONLY_DATASET}{name}" in named


def digest(token: str) -> str:
    """Return what is stored of a token."""
    return sha256(token.encode()).hexdigest()


def checked_scopes(scopes: Sequence[str]) -> list[str]:
    """Return scopes of a new token, each once.

    Raises:
        ConfigError: If one is unknown, or it could not be used for anything.
    """
    for scope in scopes:
        if scope not in SCOPES and not (scope.startswith(ONLY_DATASET) and len(scope) < 120):
            raise ConfigError(
                f"A scope must be one of {', '.join(SCOPES)} or dataset:NAME, got '{scope[:100]}'."
            )
    if not set(scopes) & set(SCOPES):
        raise ConfigError(f"A token needs at least one of the scopes {', '.join(SCOPES)}.")
    return list(dict.fromkeys(scopes))


def begin(
    connection: Connection,
    user_id: str,
    kind: str,
    *,
    name: str = "",
    scopes: Sequence[str] = (),
    lasts_s: float | None,
) -> tuple[str, str]:
    """Store a new sign-in.

    Args:
        connection: A transaction that writes.
        user_id: Whose it is.
        kind: ``cookie``, ``api`` or ``one_time``.
        name: What its owner calls it.
        scopes: What it may be used for.
        lasts_s: How long, in seconds; None: until it is withdrawn.

    Returns:
        Its id, and the token, which nobody can read again.
    """
    token = (PREFIX if kind == "api" else "") + secrets.token_urlsafe(32)
    now = time.time()
    row: dict[str, Any] = {
        "id": new_id(),
        "user_id": user_id,
        "token_hash": digest(token),
        "kind": kind,
        "name": name,
        "scopes": list(scopes),
        "created": now,
        "expires": None if lasts_s is None else now + lasts_s,
    }
    connection.execute(sessions.insert().values(row))
    return str(row["id"]), token


def _valid(now: Any) -> Any:  # noqa: ANN401 - a condition
    return and_(
        sessions.c.revoked.is_(None),
        or_(sessions.c.expires.is_(None), sessions.c.expires > now),
        users.c.is_active,
    )


_OF_TOKEN = (  # put together once: every request asks
    select(
        users.c.id,
        users.c.name,
        users.c.display_name,
        users.c.email,
        users.c.is_admin,
        sessions.c.id.label("session_id"),
        sessions.c.kind,
        sessions.c.scopes,
        sessions.c.last_used,
    )
    .join(users, users.c.id == sessions.c.user_id)
    .where(sessions.c.token_hash == bindparam("digest"))
    .where(sessions.c.kind.in_(bindparam("kinds", expanding=True)))
    .where(_valid(bindparam("now")))
)


def of_token(
    connection: Connection, token: str, kinds: Sequence[str]
) -> tuple[User, Session] | None:
    """Return whose a token is, if it is valid now and of one of some kinds."""
    given = {"digest": digest(token), "kinds": list(kinds), "now": time.time()}
    row = connection.execute(_OF_TOKEN, given).one_or_none()
    if row is None:
        return None
    user = User(row.id, row.name, row.display_name, row.email, row.is_admin)
    return user, Session(row.session_id, row.kind, tuple(row.scopes), row.last_used)


def touch(connection: Connection, session_id: str) -> None:
    """Remember that a sign-in is used now."""
    connection.execute(
        update(sessions).where(sessions.c.id == session_id).values(last_used=time.time())
    )


def use_once(connection: Connection, token: str) -> User | None:
    """Return whose a one-time link is, and make it worthless; of two who try, one gets it."""
    now = time.time()
    owner = connection.execute(
        update(sessions)
        .where(
            sessions.c.token_hash == digest(token),
            sessions.c.kind == "one_time",
            sessions.c.revoked.is_(None),
            sessions.c.expires > now,
        )
        .values(revoked=now, last_used=now)
        .returning(sessions.c.user_id)
    ).scalar_one_or_none()
    if owner is None:
        return None
    row = connection.execute(
        select(users).where(users.c.id == owner, users.c.is_active)
    ).one_or_none()
    if row is None:
        return None
    return User(row.id, row.name, row.display_name, row.email, row.is_admin)


def end(connection: Connection, session_id: str, user_id: str | None = None) -> None:
    """Withdraw a sign-in.

    Args:
        connection: A transaction that writes.
        session_id: Which.
        user_id: Its owner; None: whoever.

    Raises:
        NotFoundError: If this user has no such sign-in.
    """
    query = update(sessions).where(sessions.c.id == session_id, sessions.c.revoked.is_(None))
    if user_id is not None:
        query = query.where(sessions.c.user_id == user_id)
    if connection.execute(query.values(revoked=time.time())).rowcount == 0:
        raise NotFoundError("There is no such sign-in; it may have been withdrawn before.")


def end_all(connection: Connection, user_id: str, *, but: str | None = None) -> None:
    """Withdraw all sign-ins of a user, for a new password or a locked account."""
    query = update(sessions).where(sessions.c.user_id == user_id, sessions.c.revoked.is_(None))
    if but is not None:
        query = query.where(sessions.c.id != but)
    connection.execute(query.values(revoked=time.time()))


def listed(connection: Connection, user_id: str) -> list[dict[str, Any]]:
    """Return the sign-ins of a user that are valid, newest first, without what is secret."""
    query = (
        select(sessions)
        .join(users, users.c.id == sessions.c.user_id)
        .where(sessions.c.user_id == user_id, sessions.c.kind != "one_time", _valid(time.time()))
        .order_by(sessions.c.id.desc())
    )
    names = ("id", "kind", "name", "scopes", "created", "expires", "last_used")
    return [{name: getattr(row, name) for name in names} for row in connection.execute(query)]
