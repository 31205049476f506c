"""Routes of people and groups."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import select

from emqs.annotations.schema import groups as groups_table
from emqs.annotations.schema import users as users_table
from emqs.web import accounts, sessions
from emqs.web.context import context
from emqs.web.rights import Access, needs

router = APIRouter(tags=["users"])

Name = Annotated[str, Field(min_length=1, max_length=100)]
Signed = Annotated[Access, needs("user")]
MOST = 500


class NewUser(BaseModel):
    """An account to be made; without a password, its owner gets a one-time link."""

    name: Name
    display_name: str = Field("", max_length=200)
    email: str | None = Field(None, max_length=320)
    is_admin: bool = False
    password: str | None = Field(None, max_length=1000)


class ChangedUser(BaseModel):
    """What an admin changes of an account; what is left out stays."""

    display_name: str | None = Field(None, min_length=1, max_length=200)
    email: str | None = Field(None, max_length=320)
    is_admin: bool | None = None
    is_active: bool | None = None


class NewGroup(BaseModel):
    """A group to be made."""

    name: Name
    description: str = Field("", max_length=2000)


class Membership(BaseModel):
    """What a member of a group may do in it."""

    is_owner: bool = False


@router.get("/users")
def list_users(
    request: Request,
    access: Signed,
    text: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str, Query(max_length=100)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> dict[str, Any]:
    """List people by name; e-mail addresses and locked accounts are for admins."""
    admin = access.user is not None and access.user.is_admin
    query = select(users_table).where(users_table.c.name > after)
    query = query.where(users_table.c.name.contains(text.lower(), autoescape=True))
    if not admin:
        query = query.where(users_table.c.is_active)
    with context(request).database.read() as connection:
        rows = connection.execute(query.order_by(users_table.c.name).limit(limit + 1)).all()
    shown = ["id", "name", "display_name"]
    if admin:
        shown += ["email", "is_admin", "is_active", "created", "last_login"]
    listed = [{name: getattr(row, name) for name in shown} for row in rows[:limit]]
    return {"users": listed, "after": rows[limit - 1].name if len(rows) > limit else None}


@router.post("/users", status_code=201, dependencies=[needs("admin")])
def add_user(request: Request, body: NewUser) -> dict[str, Any]:
    """Make an account; the answer holds the token of a one-time link if it has no password."""
    hashed = None if body.password is None else accounts.hashed(body.password)
    with context(request).database.write() as connection:
        user = accounts.create(
            connection,
            body.name,
            display_name=body.display_name,
            email=body.email,
            password_hash=hashed,
            is_admin=body.is_admin,
        )
        token = None if hashed else accounts.one_time(connection, user.id)
    return {"id": user.id, "name": user.name, "one_time": token}


@router.patch("/users/{name}", status_code=204, dependencies=[needs("admin")])
def change_user(request: Request, name: str, body: ChangedUser) -> Response:
    """Change an account, or lock it: then it is signed out everywhere."""
    values = body.model_dump(exclude_unset=True)
    for column in ("display_name", "is_admin", "is_active"):
        if values.get(column, 0) is None:
            del values[column]
    if values.get("email"):
        values["email"] = values["email"].lower()
    with context(request).database.write() as connection:
        accounts.change(connection, name, values)
    return Response(status_code=204)


@router.post("/users/{name}/one-time", status_code=201, dependencies=[needs("admin")])
def one_time(request: Request, name: str) -> dict[str, str]:
    """Make a link with which somebody signs in once, for a new password; older ones end."""
    with context(request).database.write() as connection:
        return {"one_time": accounts.one_time(connection, accounts.by_name(connection, name).id)}


@router.delete("/users/{name}/sessions", status_code=204, dependencies=[needs("admin")])
def sign_out(request: Request, name: str) -> Response:
    """Withdraw all sign-ins and tokens of somebody."""
    with context(request).database.write() as connection:
        sessions.end_all(connection, accounts.by_name(connection, name).id)
    return Response(status_code=204)


@router.get("/groups")
def list_groups(request: Request, access: Signed) -> dict[str, Any]:
    """List one's groups with their members; for admins all groups."""
    assert access.user is not None  # noqa: S101 - the right says so
    with context(request).database.read() as connection:
        return {"groups": accounts.listed_groups(connection, access.user)}


@router.post("/groups", status_code=201, dependencies=[needs("admin")])
def add_group(request: Request, body: NewGroup) -> dict[str, Any]:
    """Make a group."""
    with context(request).database.write() as connection:
        return accounts.create_group(connection, body.name, body.description)


@router.delete("/groups/{name}", status_code=204, dependencies=[needs("admin")])
def remove_group(request: Request, name: str) -> Response:
    """Delete a group; what was shared with it is not any more."""
    with context(request).database.write() as connection:
        number = accounts.group(connection, name).id
        connection.execute(groups_table.delete().where(groups_table.c.id == number))
    return Response(status_code=204)


@router.put("/groups/{name}/members/{user}", status_code=204)
def add_member(
    request: Request, access: Signed, name: str, user: str, body: Membership
) -> Response:
    """Add somebody to a group, as an admin or an owner of the group."""
    assert access.user is not None  # noqa: S101 - the right says so
    with context(request).database.write() as connection:
        accounts.set_member(connection, access.user, name, user, is_owner=body.is_owner)
    return Response(status_code=204)


@router.delete("/groups/{name}/members/{user}", status_code=204)
def remove_member(request: Request, access: Signed, name: str, user: str) -> Response:
    """Take somebody out of a group, or leave it."""
    assert access.user is not None  # noqa: S101 - the right says so
    with context(request).database.write() as connection:
        accounts.set_member(connection, access.user, name, user, is_owner=None)
    return Response(status_code=204)
