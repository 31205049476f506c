"""Routes of viewer states under short keys."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from emqs.annotations import states
from emqs.errors import NotFoundError
from emqs.web import catalogue
from emqs.web.context import context
from emqs.web.rights import Access, access_to, needs

router = APIRouter(tags=["states"])


class NewState(BaseModel):
    """A state of a viewer or of a page, and the dataset whose readers may see it."""

    state: dict[str, Any]
    dataset: str | None = Field(None, max_length=100)


@router.post("/states", status_code=201)
def keep(
    request: Request, access: Annotated[Access, needs("user")], body: NewState
) -> dict[str, str]:
    """Keep a state; the answer holds the key of a short link to it."""
    number = None
    if body.dataset is not None:
        number = access_to(request, access, body.dataset).dataset.id
    with context(request).database.write() as connection:
        kept = states.keep(connection, body.state, dataset_id=number, owner_id=access.user_id)
    return {"key": kept.key, "link": f"/s/{kept.key}"}


@router.get("/states/{key}")
def one(request: Request, access: Annotated[Access, needs("guest")], key: str) -> dict[str, Any]:
    """Return a state to those who may read its dataset."""
    with context(request).database.read() as connection:
        kept = states.get(connection, key)
        known = {d.id: d.name for d, _ in catalogue.readable(connection, access.user)}
    session = access.session
    name = None if kept.dataset_id is None else known.get(kept.dataset_id)
    if kept.dataset_id is not None and (
        name is None or (session is not None and not session.allows_dataset(name))
    ):
        raise NotFoundError(f"There is no viewer state {key}.")
    return {"key": kept.key, "dataset": name, "state": kept.state}
