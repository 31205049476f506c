"""Who may do what in a dataset: roles of users and groups."""

import time
from typing import Any

from sqlalchemy import Connection, select

from emqs.annotations.ids import new_id
from emqs.annotations.schema import ROLES, grants, groups, users
from emqs.errors import ConfigError, NotFoundError


def checked_role(role: object) -> str:
    """Return a role in a dataset.

    Raises:
        ConfigError: If there is none of that name.
    """
    if role not in ROLES:
        raise ConfigError(f"A role is one of {', '.join(ROLES)}, got '{role}'.")
    return str(role)


def _subject(
    connection: Connection, user: str | None, group: str | None
) -> tuple[str | None, str | None]:
    """Return the ids of a user or a group, one of which is named."""
    if (user is None) == (group is None):
        raise ConfigError("Name either a user or a group.")
    table, name = (users, user) if user is not None else (groups, group)
    number = connection.execute(
        select(table.c.id).where(table.c.name == str(name).lower())
    ).scalar_one_or_none()
    if number is None:
        raise NotFoundError(f"There is no {'user' if user is not None else 'group'} of that name.")
    return (number, None) if user is not None else (None, number)


def grant(
    connection: Connection,
    dataset_id: str,
    *,
    user: str | None = None,
    group: str | None = None,
    role: str | None,
    by: str | None,
) -> None:
    """Give a user or a group a role in a dataset, instead of the one they have.

    Args:
        connection: A transaction that writes.
        dataset_id: Which dataset.
        user: Name of a user, or
        group: name of a group.
        role: The role; None takes it away.
        by: Id of who does it.

    Raises:
        NotFoundError: If there is nobody of that name, or nothing to take away.
    """
    user_id, group_id = _subject(connection, user, group)
    mine = grants.c.user_id == user_id if user_id is not None else grants.c.group_id == group_id
    removed = connection.execute(
        grants.delete().where(grants.c.dataset_id == dataset_id, mine)
    ).rowcount
    if role is None:
        if not removed:
            raise NotFoundError("They have no role in this dataset.")
        return
    connection.execute(
        grants.insert().values(
            id=new_id(),
            dataset_id=dataset_id,
            user_id=user_id,
            group_id=group_id,
            role=checked_role(role),
            created_by=by,
            created=time.time(),
        )
    )


def granted(connection: Connection, dataset_id: str) -> list[dict[str, Any]]:
    """Return who has which role in a dataset, users first, by name."""
    query = (
        select(grants.c.role, users.c.name.label("user"), groups.c.name.label("group"))
        .outerjoin(users, users.c.id == grants.c.user_id)
        .outerjoin(groups, groups.c.id == grants.c.group_id)
        .where(grants.c.dataset_id == dataset_id)
    )
    rows = [dict(row._mapping) for row in connection.execute(query)]
    return sorted(rows, key=lambda row: (row["user"] is None, row["user"] or row["group"]))
