"""Whose sandboxes a user sees: the own one, and those shared with a group of the user."""

import time

import sqlalchemy as sa
from sqlalchemy import Connection

from emqs.annotations.schema import group_members, shares
from emqs.errors import NotFoundError


def visible_owners(connection: Connection, dataset_id: str, user_id: str) -> frozenset[str]:
    """Return the users whose annotations of a dataset a user sees, the user among them.

    An owner who left the group shares no longer.
    """
    mine, owners = group_members.alias(), group_members.alias()
    query = (
        sa.select(shares.c.owner_id)
        .join(mine, (mine.c.group_id == shares.c.group_id) & (mine.c.user_id == user_id))
        .join(
            owners,
            (owners.c.group_id == shares.c.group_id) & (owners.c.user_id == shares.c.owner_id),
        )
        .where(shares.c.dataset_id == dataset_id)
    )
    return frozenset([user_id, *connection.scalars(query)])


def share(connection: Connection, dataset_id: str, owner_id: str, group_id: str) -> None:
    """Show a sandbox to the members of a group; nothing happens if it is shown already.

    Raises:
        NotFoundError: If the owner is no member of such a group.
    """
    member = connection.scalar(
        sa.select(sa.literal(1)).where(
            group_members.c.group_id == group_id, group_members.c.user_id == owner_id
        )
    )
    if member is None:
        raise NotFoundError(f"There is no group {group_id} that you are a member of.")
    if group_id not in shared_with(connection, dataset_id, owner_id):
        connection.execute(
            sa.insert(shares).values(
                owner_id=owner_id, dataset_id=dataset_id, group_id=group_id, created=time.time()
            )
        )


def unshare(connection: Connection, dataset_id: str, owner_id: str, group_id: str) -> None:
    """Show a sandbox no longer to a group.

    Raises:
        NotFoundError: If it was not shown to it.
    """
    gone = connection.execute(
        sa.delete(shares).where(
            shares.c.owner_id == owner_id,
            shares.c.dataset_id == dataset_id,
            shares.c.group_id == group_id,
        )
    )
    if gone.rowcount == 0:
        raise NotFoundError(f"Your sandbox of this dataset is not shared with a group {group_id}.")


def shared_with(connection: Connection, dataset_id: str, owner_id: str) -> list[str]:
    """Return the groups to which a sandbox is shown."""
    return list(
        connection.scalars(
            sa.select(shares.c.group_id)
            .where(shares.c.owner_id == owner_id, shares.c.dataset_id == dataset_id)
            .order_by(shares.c.group_id)
        )
    )
