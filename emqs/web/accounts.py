"""People and groups: made, changed, signed in."""

import re
import secrets
import threading
import time
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from pwdlib import PasswordHash
from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import IntegrityError

from emqs.annotations.database import Database
from emqs.annotations.ids import new_id
from emqs.annotations.schema import group_members, groups, identities, users
from emqs.annotations.schema import sessions as sessions_table
from emqs.errors import ConfigError, ConflictError, ForbiddenError, NotFoundError
from emqs.web import sessions
from emqs.web.oidc import Claims
from emqs.web.sessions import User

LEAST_PASSWORD, MOST_PASSWORD = 10, 200  # characters
LOCAL = "local"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_at_work = threading.BoundedSemaphore(2)  # each hash takes 64 MiB


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()  # argon2id


@cache
def _dummy() -> str:
    return _hasher().hash(secrets.token_urlsafe())


def hashed(password: str) -> str:
    """Return what is stored of a password.

    Raises:
        ConfigError: If it is too short or too long.
    """
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise ConfigError(
            f"A password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters, got {len(password)}."
        )
    with _at_work:
        return _hasher().hash(password)


def matches(password: str, stored: str | None) -> bool:
    """Return whether a password is the one that was stored.

    It takes the same time if nothing is stored, so that nobody learns who has an account.
    """
    if len(password) > MOST_PASSWORD:
        password, stored = "", None
    with _at_work:
        fits = _hasher().verify(password, _dummy() if stored is None else stored)
    return fits and stored is not None


def checked_name(name: str) -> str:
    """Return the name of a user or group in small letters.

    Raises:
        ConfigError: If it is none.
    """
    lowered = name.strip().lower()
    if not NAME.fullmatch(lowered):
        raise ConfigError(
            "A name has 1 to 100 letters a to z, digits, dots, dashes and underscores, and begins "
            f"with a letter or digit, got '{name[:100]}'."
        )
    return lowered


def create(
    connection: Connection,
    name: str,
    *,
    display_name: str = "",
    email: str | None = None,
    password_hash: str | None = None,
    is_admin: bool = False,
) -> User:
    """Make an account.

    Raises:
        ConfigError: If the name is none.
        ConflictError: If it is taken.
    """
    name = checked_name(name)
    row: dict[str, Any] = {
        "id": new_id(),
        "name": name,
        "display_name": display_name or name,
        "email": email.lower() if email else None,
        "password_hash": password_hash,
        "is_admin": is_admin,
        "is_active": True,
        "settings": {},
        "created": time.time(),
    }
    try:
        connection.execute(users.insert().values(row))
    except IntegrityError:
        raise ConflictError(f"The name {name} is taken.") from None
    return User(str(row["id"]), name, display_name or name, email, is_admin)


def by_name(connection: Connection, name: str) -> Any:  # noqa: ANN401 - a row of users
    """Return the row of a user.

    Raises:
        NotFoundError: If there is none.
    """
    row = connection.execute(select(users).where(users.c.name == name.lower())).one_or_none()
    if row is None:
        raise NotFoundError("There is no user of that name.")
    return row


def change(connection: Connection, name: str, values: dict[str, Any]) -> None:
    """Change a user; who may not sign in any more is signed out everywhere.

    Args:
        connection: A transaction that writes.
        name: Of the user.
        values: Columns to change: display_name, email, is_admin, is_active.

    Raises:
        NotFoundError: If there is none.
        ConflictError: If nobody would be left to administrate.
    """
    row = by_name(connection, name)
    if values:
        connection.execute(update(users).where(users.c.id == row.id).values(**values))
    admins = select(func.count()).select_from(users).where(users.c.is_admin, users.c.is_active)
    if connection.execute(admins).scalar_one() == 0:
        raise ConflictError(f"{row.name} is the last admin. Make somebody else one first.")
    if values.get("is_active") is False:
        sessions.end_all(connection, row.id)


def set_password(
    connection: Connection, user_id: str, password_hash: str, *, keep: str | None
) -> None:
    """Give a user another password, and sign them out everywhere but in one session."""
    connection.execute(
        update(users).where(users.c.id == user_id).values(password_hash=password_hash)
    )
    sessions.end_all(connection, user_id, but=keep)


def signed_in(connection: Connection, user_id: str) -> None:
    """Remember when somebody signed in."""
    connection.execute(update(users).where(users.c.id == user_id).values(last_login=time.time()))


def one_time(connection: Connection, user_id: str, name: str = "one-time link") -> str:
    """Return the token of a new one-time link; those given out before are worthless then."""
    old = sessions_table
    connection.execute(
        update(old)
        .where(old.c.user_id == user_id, old.c.kind == "one_time", old.c.revoked.is_(None))
        .values(revoked=time.time())
    )
    _, token = sessions.begin(
        connection, user_id, "one_time", name=name, lasts_s=sessions.ONE_TIME_S
    )
    return token


def of_claims(
    connection: Connection, claims: Claims, *, create_users: bool, match_email: bool
) -> User:
    """Return whom a provider has signed in.

    Args:
        connection: A transaction that writes.
        claims: Who the provider says that they are.
        create_users: Whether a stranger gets an account, without any rights.
        match_email: Whether the account with the e-mail address that the provider has checked is
            theirs.

    Raises:
        ForbiddenError: If they have no account, or it is locked.
    """
    row = connection.execute(
        select(users)
        .join(identities, identities.c.user_id == users.c.id)
        .where(identities.c.issuer == claims.issuer, identities.c.subject == claims.subject)
    ).one_or_none()
    if row is None and match_email and claims.email is not None:
        rows = connection.execute(select(users).where(users.c.email == claims.email)).all()
        row = rows[0] if len(rows) == 1 else None
        if row is not None:
            join(connection, row.id, claims)
    if row is None and create_users:
        made = create(connection, _free_name(connection, claims), email=claims.email)
        join(connection, made.id, claims)
        return made
    if row is None:
        raise ForbiddenError("You have no account here. Ask an admin for one.")
    if not row.is_active:
        raise ForbiddenError("This account is locked.")
    return User(row.id, row.name, row.display_name, row.email, row.is_admin)


def join(connection: Connection, user_id: str, claims: Claims) -> None:
    """Let somebody sign in at a provider from now on.

    Raises:
        ConflictError: If that identity belongs to another account.
    """
    try:
        connection.execute(
            identities.insert().values(
                id=new_id(),
                user_id=user_id,
                issuer=claims.issuer,
                subject=claims.subject,
                email=claims.email,
                created=time.time(),
            )
        )
    except IntegrityError:
        raise ConflictError("That identity belongs to an account already.") from None


def _free_name(connection: Connection, claims: Claims) -> str:
    """Return a name that nobody has, made of what the provider says."""
    wish = (claims.email or claims.name or "user").partition("@")[0].lower()
    stem = re.sub(r"[^a-z0-9._-]+", "-", wish).strip("._-")[:80] or "user"
    for number in range(1, 1000):
        name = stem if number == 1 else f"{stem}-{number}"
        if connection.execute(select(users.c.id).where(users.c.name == name)).one_or_none() is None:
            return name
    raise ConflictError("There is no free name for this account. Ask an admin for one.")


def first_admin(connection: Connection) -> str | None:
    """Return the token of a one-time link for the first admin, or None if it is not needed.

    It is needed while nobody can sign in as an admin: no one ever has, and none has a password.
    """
    admins = connection.execute(select(users).where(users.c.is_admin, users.c.is_active)).all()
    if any(row.last_login is not None or row.password_hash is not None for row in admins):
        return None
    if admins:
        return one_time(connection, admins[0].id)
    return one_time(connection, create(connection, "admin", is_admin=True).id)


def local_user(database: Database) -> User:
    """Return the admin that everybody is who reaches a server without accounts."""
    with database.write() as connection:
        try:
            row = by_name(connection, LOCAL)
        except NotFoundError:
            return create(connection, LOCAL, is_admin=True)
    return User(row.id, row.name, row.display_name, row.email, row.is_admin)


# --- groups --------------------------------------------------------------------------------------


def group(connection: Connection, name: str) -> Any:  # noqa: ANN401 - a row of groups
    """Return the row of a group.

    Raises:
        NotFoundError: If there is none.
    """
    row = connection.execute(select(groups).where(groups.c.name == name.lower())).one_or_none()
    if row is None:
        raise NotFoundError("There is no group of that name.")
    return row


def names(connection: Connection, ids: Iterable[str | None]) -> dict[str, str]:
    """Return the names of users by their ids; None is nobody."""
    numbers = {number for number in ids if number is not None}
    rows = connection.execute(select(users.c.id, users.c.name).where(users.c.id.in_(numbers)))
    return {row.id: row.name for row in rows}


def group_names(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Return the names of groups, sorted."""
    return sorted(connection.execute(select(groups.c.name).where(groups.c.id.in_(ids))).scalars())


def create_group(connection: Connection, name: str, description: str) -> dict[str, Any]:
    """Make a group without members.

    Raises:
        ConfigError: If the name is none.
        ConflictError: If it is taken.
    """
    row = {
        "id": new_id(),
        "name": checked_name(name),
        "description": description,
        "created": time.time(),
    }
    try:
        connection.execute(groups.insert().values(row))
    except IntegrityError:
        raise ConflictError(f"The name {row['name']} is taken.") from None
    return row


def listed_groups(connection: Connection, user: User) -> list[dict[str, Any]]:
    """Return the groups that somebody is in, or for admins all, with their members."""
    query = select(groups).order_by(groups.c.name)
    if not user.is_admin:
        mine = select(group_members.c.group_id).where(group_members.c.user_id == user.id)
        query = query.where(groups.c.id.in_(mine))
    rows = connection.execute(query).all()
    members = connection.execute(
        select(group_members.c.group_id, group_members.c.is_owner, users.c.name)
        .join(users, users.c.id == group_members.c.user_id)
        .where(group_members.c.group_id.in_([row.id for row in rows]))
        .order_by(users.c.name)
    ).all()
    return [
        {
            "id": row.id,
            "name": row.name,
            "description": row.description,
            "members": [
                {"name": m.name, "is_owner": m.is_owner} for m in members if m.group_id == row.id
            ],
        }
        for row in rows
    ]


def set_member(
    connection: Connection, actor: User, group_name: str, user_name: str, *, is_owner: bool | None
) -> None:
    """Add somebody to a group, change them there, or take them out.

    Args:
        connection: A transaction that writes.
        actor: Who does it: an admin, an owner of the group, or somebody who leaves it.
        group_name: Which group.
        user_name: Whom.
        is_owner: Whether they may add and remove members; None: take them out.

    Raises:
        NotFoundError: If there is no such group that the actor may know of, or no such user.
        ForbiddenError: If the actor may not.
    """
    row = group(connection, group_name)
    mine = connection.execute(
        select(group_members).where(
            group_members.c.group_id == row.id, group_members.c.user_id == actor.id
        )
    ).one_or_none()
    if mine is None and not actor.is_admin:
        raise NotFoundError("There is no group of that name.")
    member = by_name(connection, user_name)
    leaves = is_owner is None and member.id == actor.id
    if not (actor.is_admin or leaves or (mine is not None and mine.is_owner)):
        raise ForbiddenError("Only admins and owners of the group may change its members.")
    connection.execute(
        group_members.delete().where(
            group_members.c.group_id == row.id, group_members.c.user_id == member.id
        )
    )
    if is_owner is not None:
        connection.execute(
            group_members.insert().values(
                group_id=row.id, user_id=member.id, is_owner=is_owner, created=time.time()
            )
        )
