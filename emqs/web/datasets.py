"""Routes of datasets, their layers, and who may do what in them."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from emqs.annotations.schema import layers as layers_table
from emqs.web import catalogue, grants, registry, viewer
from emqs.web.catalogue import Dataset, Layer
from emqs.web.context import context
from emqs.web.refusals import Refusal
from emqs.web.requests import IfMatch, revision_of
from emqs.web.rights import Access, needs

router = APIRouter(tags=["datasets"])

Reading = Annotated[Access, needs("dataset:reader")]
Managing = Annotated[Access, needs("dataset:manager")]
Path_ = Annotated[str, Field(min_length=1, max_length=2000)]


class NewDataset(BaseModel):
    """A dataset to be added from files that the server can read; keys as in a YAML file."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(min_length=1, max_length=100)
    volume: Path_
    store: Path_ | list[Path_] | None = None
    labels: Path_ | dict[str, Path_] | None = None
    title: str = Field("", max_length=400)
    description: str = Field("", max_length=50_000)
    visibility: str = "private"
    voxel_size_nm: list[float] | None = Field(None, min_length=3, max_length=3)
    view: dict[str, Any] = {}


class ChangedDataset(BaseModel):
    """What a manager changes of a dataset; what is left out stays."""

    title: str | None = Field(None, max_length=400)
    description: str | None = Field(None, max_length=50_000)
    visibility: str | None = None
    view: dict[str, Any] | None = None


class NewLayer(BaseModel):
    """A layer to be added from files that the server can read."""

    name: str = Field(min_length=1, max_length=100)
    kind: str
    source: Path_
    voxel_size_nm: list[float] | None = Field(None, min_length=3, max_length=3)
    level: int | None = Field(None, ge=0)
    dataset: str | None = None
    axes: str | None = None


class Grant(BaseModel):
    """A role for a user or a group."""

    user: str | None = Field(None, max_length=100)
    group: str | None = Field(None, max_length=100)
    role: str


def shown(dataset: Dataset, role: str | None, layers: list[Layer]) -> dict[str, Any]:
    """Return what clients see of a dataset."""
    return {
        "id": dataset.id,
        "name": dataset.name,
        "title": dataset.title,
        "description": dataset.description,
        "visibility": dataset.visibility,
        "revision": dataset.revision,
        "changed": dataset.changed,
        "role": role,
        "searchable": any(layer.kind == "embedding" for layer in layers),
        **dataset.settings,
        "layers": [shown_layer(layer, role) for layer in layers],
    }


def shown_layer(layer: Layer, role: str | None) -> dict[str, Any]:
    """Return what clients see of a layer."""
    public = {
        "id": layer.id,
        "name": layer.name,
        "kind": layer.kind,
        "version": layer.version,
        "own": layer.owner_id is not None,
    }
    return {**public, "source": layer.source} if role == "manager" else public


@router.get("/datasets")
def list_datasets(request: Request, access: Annotated[Access, needs("guest")]) -> dict[str, Any]:
    """List the datasets that one may know of, by name."""
    session = access.session
    user_id = None if access.user is None else access.user.id
    with context(request).database.read() as connection:
        known = catalogue.readable(connection, access.user)
        layers = {
            dataset.id: catalogue.layers_of(connection, dataset.id, user_id) for dataset, _ in known
        }
    return {
        "datasets": [
            shown(dataset, role, layers[dataset.id])
            for dataset, role in known
            if session is None or session.allows_dataset(dataset.name)
        ]
    }


@router.post("/datasets", status_code=201)
def add_dataset(
    request: Request, access: Annotated[Access, needs("admin")], body: NewDataset
) -> dict[str, Any]:
    """Add a dataset from files under the folders that the server's settings allow."""
    state = context(request)
    given = body.model_dump(exclude_unset=True)
    draft = registry.draft(given.pop("name"), given, beside=Path("/"))
    registry.check_readable(draft, state.settings.readable)
    measured = registry.measured(draft)
    with state.database.write() as connection:
        registry.add(connection, draft, measured, created_by=access.user_id)
    return {"name": draft.name}


@router.get("/datasets/{dataset}")
def one(request: Request, response: Response, access: Reading) -> dict[str, Any]:
    """Return a dataset with its layers."""
    with context(request).database.read() as connection:
        user_id = None if access.user is None else access.user.id
        layers = catalogue.layers_of(connection, access.dataset.id, user_id)
    response.headers["ETag"] = f'"{access.dataset.revision}"'
    return shown(access.dataset, access.role, layers)


@router.patch("/datasets/{dataset}", status_code=204)
def change(
    request: Request, access: Managing, body: ChangedDataset, match: IfMatch = None
) -> Response:
    """Change title, description, visibility or view of a dataset."""
    values = body.model_dump(exclude_none=True)
    with context(request).database.write() as connection:
        registry.change(connection, access.dataset, values, revision_of(match))
    return Response(status_code=204)


@router.delete("/datasets/{dataset}", status_code=204)
def remove(
    request: Request,
    access: Managing,
    confirm: Annotated[str, Query(description="the dataset's name once more")],
) -> Response:
    """Delete a dataset with all annotations, searches and merges in it; its files stay."""
    if access.user is None or not access.user.is_admin:
        raise Refusal(403, "Only admins may delete a dataset.")
    if confirm != access.dataset.name:
        raise Refusal(400, "To delete a dataset, repeat its name as confirm.")
    with context(request).database.write() as connection:
        registry.remove(connection, access.dataset)
    return Response(status_code=204)


@router.get("/datasets/{dataset}/state")
def state_of(request: Request, access: Reading) -> dict[str, Any]:
    """Return a state for neuroglancer that shows the dataset."""
    state = context(request)
    with state.database.read() as connection:
        user_id = None if access.user is None else access.user.id
        layers = catalogue.layers_of(connection, access.dataset.id, user_id)
    return viewer.state(access.dataset, layers, base=str(request.base_url).rstrip("/"))


@router.post("/datasets/{dataset}/layers", status_code=201)
def add_layer(request: Request, access: Managing, body: NewLayer) -> dict[str, Any]:
    """Add a layer from files under the folders that the server's settings allow."""
    state = context(request)
    if access.user is None or not access.user.is_admin:
        raise Refusal(403, "Only admins may add files of the server.")
    draft = registry.layer_draft(body.model_dump(exclude_none=True), Path("/"))
    registry.check_readable(draft, state.settings.readable)
    row = registry.row_of_layer(draft)
    with state.database.write() as connection:
        number = registry.put_layer(connection, access.dataset.id, row, owner_id=None)
    return {"id": number, "name": row["name"], "version": row["version"]}


@router.delete("/datasets/{dataset}/layers/{layer}", status_code=204)
def remove_layer(request: Request, access: Reading, layer: str) -> Response:
    """Remove one's own layer, or as a manager one of everybody; files of the server stay."""
    with context(request).database.write() as connection:
        row = catalogue.layer(connection, access.dataset.id, layer, access.user_id)
        if row.owner_id != access.user_id and not access.at_least("manager"):
            raise Refusal(403, "This needs the role manager in the dataset.")
        connection.execute(layers_table.delete().where(layers_table.c.id == row.id))
    return Response(status_code=204)


@router.get("/datasets/{dataset}/grants")
def list_grants(request: Request, access: Managing) -> dict[str, Any]:
    """List who has which role in the dataset."""
    with context(request).database.read() as connection:
        return {"grants": grants.granted(connection, access.dataset.id)}


@router.put("/datasets/{dataset}/grants", status_code=204)
def put_grant(request: Request, access: Managing, body: Grant) -> Response:
    """Give a user or a group a role, instead of the one they have."""
    with context(request).database.write() as connection:
        grants.grant(
            connection,
            access.dataset.id,
            user=body.user,
            group=body.group,
            role=grants.checked_role(body.role),
            by=access.user_id,
        )
    return Response(status_code=204)


@router.delete("/datasets/{dataset}/grants", status_code=204)
def remove_grant(
    request: Request,
    access: Managing,
    user: Annotated[str | None, Query(max_length=100)] = None,
    group: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """Take the role of a user or a group away."""
    with context(request).database.write() as connection:
        grants.grant(connection, access.dataset.id, user=user, group=group, role=None, by=None)
    return Response(status_code=204)
