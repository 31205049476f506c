"""Links that open a dataset, or one layer of it, to other programs: they end, and are withdrawn.

A link is read-only. Its token stands in the address of data routes, in the path
(``/links/TOKEN/...``) or in the query (``?token=TOKEN``, which viewers repeat for every chunk).
Only its digest is stored; each request looks it up, so a withdrawn link is refused at once
by every process.
"""

import secrets
import time
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection, select, update

from emqs.annotations.ids import new_id
from emqs.annotations.schema import data_links, datasets, users
from emqs.annotations.schema import layers as layers_table
from emqs.errors import ConfigError, NotFoundError
from emqs.web import catalogue
from emqs.web.context import context
from emqs.web.rights import Access, Link, needs
from emqs.web.sessions import User, digest

PREFIX = "emqsl_"  # of tokens of links
MOST_DAYS = 366.0
MOST_LINKS = 1000  # of one dataset that are valid at a time

router = APIRouter(tags=["links"])


def new(
    connection: Connection,
    *,
    dataset_id: str,
    layer_id: str | None,
    user_id: str,
    name: str,
    days: float,
) -> tuple[str, str, float]:
    """Store a new link.

    Args:
        connection: A transaction that writes.
        dataset_id: The dataset it opens.
        layer_id: The only layer it opens; None: all that everybody sees.
        user_id: Whose it is.
        name: What it is for.
        days: How long it is valid; above 0, at most ``MOST_DAYS``.

    Returns:
        Its id, the token, which nobody can read again, and when it ends, in seconds since 1970.

    Raises:
        ConfigError: If it would be valid for too long, or there are too many.
    """
    if not 0 < days <= MOST_DAYS:
        raise ConfigError(f"days must be above 0 and at most {MOST_DAYS:g}, got {days:g}.")
    now = time.time()
    valid = _valid(now)
    known = connection.execute(
        select(data_links.c.id).where(data_links.c.dataset_id == dataset_id, *valid)
    ).all()
    if len(known) >= MOST_LINKS:
        raise ConfigError(
            f"There are {len(known)} links to this dataset already. Withdraw some that nobody uses."
        )
    token = PREFIX + secrets.token_urlsafe(32)
    link_id, expires = new_id(), now + days * 86400.0
    row = {
        "id": link_id,
        "token_hash": digest(token),
        "dataset_id": dataset_id,
        "layer_id": layer_id,
        "created_by": user_id,
        "name": name,
        "created": now,
        "expires": expires,
    }
    connection.execute(data_links.insert().values(row))
    return link_id, token, expires


def _valid(now: float) -> tuple[Any, ...]:
    return data_links.c.revoked.is_(None), data_links.c.expires > now


def opened(connection: Connection, token: str) -> Link | None:
    """Return what a token opens now, or None.

    A link ends with the account of who made it, and with their right to read the dataset.
    """
    row = connection.execute(
        select(data_links, users.c.is_admin)
        .join(users, users.c.id == data_links.c.created_by)
        .where(data_links.c.token_hash == digest(token), users.c.is_active, *_valid(time.time()))
    ).one_or_none()
    if row is None:
        return None
    if not row.is_admin and not _may_read(connection, row.dataset_id, row.created_by):
        return None
    return Link(row.id, row.dataset_id, row.layer_id)


def _may_read(connection: Connection, dataset_id: str, user_id: str) -> bool:
    """Return whether somebody who is no admin may read a dataset."""
    row = connection.execute(select(datasets).where(datasets.c.id == dataset_id)).one()
    user = connection.execute(select(users).where(users.c.id == user_id)).one()
    who = User(user.id, user.name, user.display_name, user.email, user.is_admin)
    return catalogue.role(connection, catalogue._dataset(row), who) is not None


def withdraw(
    connection: Connection, link_id: str, dataset_id: str, user_id: str | None = None
) -> None:
    """End a link.

    Args:
        connection: A transaction that writes.
        link_id: Which.
        dataset_id: The dataset it opens.
        user_id: Who made it; None: whoever.

    Raises:
        NotFoundError: If there is none that this user may end.
    """
    query = update(data_links).where(
        data_links.c.id == link_id,
        data_links.c.dataset_id == dataset_id,
        data_links.c.revoked.is_(None),
    )
    if user_id is not None:
        query = query.where(data_links.c.created_by == user_id)
    if connection.execute(query.values(revoked=time.time())).rowcount == 0:
        raise NotFoundError("There is no such link; it may have been withdrawn before.")


def listed(connection: Connection, dataset_id: str, user_id: str | None) -> list[dict[str, Any]]:
    """Return the links to a dataset that are valid now, newest first, without their tokens.

    Args:
        connection: A transaction.
        dataset_id: The dataset.
        user_id: Whose; None: everybody's.
    """
    query = (
        select(data_links, layers_table.c.name.label("layer"), users.c.name.label("user"))
        .join(users, users.c.id == data_links.c.created_by)
        .outerjoin(layers_table, layers_table.c.id == data_links.c.layer_id)
        .where(data_links.c.dataset_id == dataset_id, *_valid(time.time()))
        .order_by(data_links.c.id.desc())
    )
    if user_id is not None:
        query = query.where(data_links.c.created_by == user_id)
    names = ("id", "name", "layer", "created_by", "user", "created", "expires")
    return [{name: getattr(row, name) for name in names} for row in connection.execute(query)]


class NewLink(BaseModel):
    """What a link opens, and for how long."""

    layer: str | None = Field(None, description="The only layer; null: all that everybody sees.")
    name: str = Field("", max_length=200, description="What it is for.")
    days: float = Field(30.0, gt=0, le=MOST_DAYS)


@router.post("/datasets/{dataset}/links", status_code=201)
def make(
    request: Request, body: NewLink, access: Annotated[Access, needs("dataset:annotator")]
) -> dict[str, Any]:
    """Make a link for another program; its token is told this once."""
    with context(request).database.write() as connection:
        layer_id = None
        if body.layer is not None:
            layer = catalogue.layer(connection, access.dataset.id, body.layer, access.user_id)
            layer_id = layer.id
        link_id, token, expires = new(
            connection,
            dataset_id=access.dataset.id,
            layer_id=layer_id,
            user_id=access.user_id,
            name=body.name,
            days=body.days,
        )
    return {"id": link_id, "token": token, "expires": expires, "path": f"/api/v1/links/{token}"}


@router.get("/datasets/{dataset}/links")
def every(
    request: Request, access: Annotated[Access, needs("dataset:annotator")]
) -> dict[str, Any]:
    """List links that are valid: one's own, or everybody's for managers."""
    whose = None if access.at_least("manager") else access.user_id
    with context(request).database.read() as connection:
        return {"links": listed(connection, access.dataset.id, whose)}


@router.delete("/datasets/{dataset}/links/{link}", status_code=204)
def remove(
    request: Request, link: str, access: Annotated[Access, needs("dataset:annotator")]
) -> None:
    """Withdraw a link: one's own, or anybody's for managers."""
    whose = None if access.at_least("manager") else access.user_id
    with context(request).database.write() as connection:
        withdraw(connection, link, access.dataset.id, whose)
