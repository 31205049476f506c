"""Voxels of layers for viewers and programs: files by range, and precomputed made on the fly.

The address of a layer holds its version, so that what lies under it never changes and may be kept
for ever; ``info`` alone, which tells of levels that are made later, is asked for again.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection, select

from emqs.annotations.schema import layers as layers_table
from emqs.errors import NotFoundError
from emqs.web import catalogue, chunks, job_queue, served_files
from emqs.web.catalogue import Layer
from emqs.web.context import Context, context
from emqs.web.layers import OpenLayer, layers
from emqs.web.links import opened as opened_link
from emqs.web.recent import recent
from emqs.web.refusals import Refusal
from emqs.web.rights import MAX_TOKEN, Access, Link, needs

router = APIRouter(tags=["data"])

Reading = Annotated[Access, needs("dataset:reader", links=True, recently=True)]
ROOT = "/data/{dataset}/{layer}/{version}"
BY_LINK = "/links/{token}/data/{layer}/{version}"
FOREIGN = {  # a link's address needs no cookie, so pages of other sites may read it
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "Range, If-None-Match",
    "Access-Control-Expose-Headers": "Content-Range, Content-Encoding, Content-Length, ETag",
    "Access-Control-Max-Age": "86400",
}
HIDDEN = "withdrawable"  # stands for the token of a link in logs


@dataclass(frozen=True)
class Asked:
    """A layer that is asked for, and that may be read."""

    state: Context
    layer: Layer

    def opened(self) -> OpenLayer:
        """Return the layer, open."""
        return layers(self.state).get(self.layer)


def layer_for(
    connection: Connection, dataset_id: str, name: str, user_id: str | None, link: Link | None
) -> Layer:
    """Return the layer that somebody sees under a name.

    Args:
        connection: A transaction.
        dataset_id: Where.
        name: Of the layer.
        user_id: Who; None: a guest, or who has a link.
        link: What opens the dataset to them, if it is a link.

    Raises:
        NotFoundError: If there is none, or none that they may know of.
    """
    if link is None:
        return catalogue.layer(connection, dataset_id, name, user_id)
    query = select(layers_table).where(
        layers_table.c.dataset_id == link.dataset_id, layers_table.c.name == name
    )
    if link.layer_id is None:
        query = query.where(layers_table.c.owner_id.is_(None))
    else:
        query = query.where(layers_table.c.id == link.layer_id)
    row = connection.execute(query).one_or_none()
    if row is None or dataset_id != link.dataset_id:
        raise NotFoundError("There is no such layer in this dataset.")
    return catalogue._layer(row)


def _asked(request: Request, access: Access, name: str, version: str) -> Asked:
    state = context(request)
    user_id = None if access.user is None else access.user.id

    def ask() -> Layer:
        with state.database.read() as connection:
            return layer_for(connection, access.dataset.id, name, user_id, access.link)

    key = "layer", access.dataset.id, name, user_id, access.link
    return Asked(state, _of_version(recent(state).get(key, ask), version))


def _asked_by_link(request: Request, token: str, name: str, version: str) -> Asked:
    """Return the layer that the link in the path opens; the token does not get into logs."""
    request.scope["path"] = request.scope["path"].replace(token, HIDDEN)
    state = context(request)

    def ask() -> Layer:
        with state.database.read() as connection:
            link = opened_link(connection, token) if len(token) <= MAX_TOKEN else None
            if link is None:
                raise Refusal(404, "This link is not valid, or not any more.", dict(FOREIGN))
            return layer_for(connection, link.dataset_id, name, None, link)

    return Asked(state, _of_version(recent(state).get(("link", token, name), ask), version))


def _of_version(layer: Layer, version: str) -> Layer:
    if layer.version != version:
        raise NotFoundError(f"The layer {layer.name} has the version {layer.version} now.")
    return layer


def info(request: Request, asked: Asked, encoding: str) -> Response:
    """Return the file ``info`` of a layer in the precomputed format."""
    opened = asked.opened()
    content = json.dumps(chunks.info(opened.scales, opened.kind, encoding)).encode()
    tag = f'"{sha256(content).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": served_files.CHECKED}
    if served_files.is_known(request, tag):
        return Response(None, 304, headers)
    return Response(content, 200, headers, "application/json")


def chunk(request: Request, asked: Asked, encoding: str, key: str, name: str) -> Response:
    """Return a chunk of a layer in the precomputed format."""
    opened = asked.opened()
    scale = chunks.scale_of(opened.scales, key)
    box = chunks.box_of(name, scale.volume.shape)
    chunks.served_dtype(scale.volume.dtype, opened.kind, encoding)
    seen = sha256(f"{opened.key}:{encoding}:{key}:{name}".encode()).hexdigest()[:24]
    headers = {"ETag": f'"{seen}"', "Cache-Control": served_files.KEPT}
    if served_files.is_known(request, headers["ETag"]):
        return Response(None, 304, headers)
    voxels = layers(asked.state).read(opened, opened.scales.index(scale), box)
    content, media = chunks.encoded(voxels, opened.kind, encoding)
    return Response(content, 200, headers, media)


def file(request: Request, asked: Asked, inside: str) -> Response:
    """Return a file of a layer that viewers read from its files themselves."""
    folder = asked.opened().folder
    if folder is None:
        raise NotFoundError(
            f"The layer {asked.layer.name} is not stored in files that viewers read. Ask for it as "
            "precomputed."
        )
    served = served_files.find(folder, inside)
    is_metadata = served.path.name.split(".gz")[0] in _METADATA
    cache = served_files.CHECKED if is_metadata else served_files.KEPT
    return served_files.respond(request, served, cache=cache)


_METADATA = ("zarr.json", "info", "attributes.json", *served_files.FORMAT_FILES)


def want_levels(state: Context, layer: Layer, user_id: str) -> str | None:
    """Ask for the coarser levels of a layer that has none yet, once in a process.

    Returns:
        The job that makes them, if one was queued now.
    """
    opened = layers(state).get(layer)
    if opened.n_missing == 0 or not layers(state).first_wish(opened.key):
        return None
    settings = {"layer": layer.name}
    with state.database.write() as connection:
        if job_queue.unfinished(connection, "levels", layer.dataset_id, settings) is not None:
            return None
        return job_queue.submit(
            connection, "levels", settings, owner_id=user_id, dataset_id=layer.dataset_id
        )


def foreign(response: Response) -> Response:
    """Return a response that pages of other sites may read."""
    response.headers.update(FOREIGN)
    return response


@router.api_route(f"{ROOT}/precomputed/{{encoding}}/info", methods=["GET", "HEAD"])
def layer_info(
    request: Request, access: Reading, layer: str, version: str, encoding: str
) -> Response:
    """Describe a layer in neuroglancer's precomputed format."""
    asked = _asked(request, access, layer, version)
    if access.user is not None:
        want_levels(asked.state, asked.layer, access.user.id)
    return info(request, asked, encoding)


@router.api_route(
    f"{ROOT}/precomputed/{{encoding}}/{{key}}/{{chunk_name}}", methods=["GET", "HEAD"]
)
def layer_chunk(
    request: Request,
    access: Reading,
    layer: str,
    version: str,
    encoding: str,
    key: str,
    chunk_name: str,
) -> Response:
    """Return 64 x 64 x 64 voxels of a layer."""
    return chunk(request, _asked(request, access, layer, version), encoding, key, chunk_name)


@router.api_route(f"{ROOT}/files/{{inside:path}}", methods=["GET", "HEAD"])
def layer_file(
    request: Request, access: Reading, layer: str, version: str, inside: str
) -> Response:
    """Return a file of a layer, or a part of it."""
    return file(request, _asked(request, access, layer, version), inside)


@router.api_route(
    f"{BY_LINK}/precomputed/{{encoding}}/info",
    methods=["GET", "HEAD"],
    dependencies=[needs("public")],
)
def link_info(request: Request, token: str, layer: str, version: str, encoding: str) -> Response:
    """Describe a layer that a link opens."""
    return foreign(info(request, _asked_by_link(request, token, layer, version), encoding))


@router.api_route(
    f"{BY_LINK}/precomputed/{{encoding}}/{{key}}/{{chunk_name}}",
    methods=["GET", "HEAD"],
    dependencies=[needs("public")],
)
def link_chunk(
    request: Request,
    token: str,
    layer: str,
    version: str,
    encoding: str,
    key: str,
    chunk_name: str,
) -> Response:
    """Return 64 x 64 x 64 voxels of a layer that a link opens."""
    asked = _asked_by_link(request, token, layer, version)
    return foreign(chunk(request, asked, encoding, key, chunk_name))


@router.api_route(
    f"{BY_LINK}/files/{{inside:path}}", methods=["GET", "HEAD"], dependencies=[needs("public")]
)
def link_file(request: Request, token: str, layer: str, version: str, inside: str) -> Response:
    """Return a file of a layer that a link opens, or a part of it."""
    return foreign(file(request, _asked_by_link(request, token, layer, version), inside))


@router.get("/links/{token}/layers", dependencies=[needs("public")])
def link_layers(request: Request, token: str) -> dict[str, Any]:
    """List the layers that a link opens, with the addresses of their data."""
    request.scope["path"] = request.scope["path"].replace(token, HIDDEN)
    state = context(request)
    with state.database.read() as connection:
        link = opened_link(connection, token) if len(token) <= MAX_TOKEN else None
        if link is None:
            raise Refusal(404, "This link is not valid, or not any more.")
        query = select(layers_table).where(layers_table.c.dataset_id == link.dataset_id)
        if link.layer_id is None:
            query = query.where(layers_table.c.owner_id.is_(None))
        else:
            query = query.where(layers_table.c.id == link.layer_id)
        opened = [catalogue._layer(row) for row in connection.execute(query)]
    return {"layers": _addresses(opened, f"/api/v1/links/{token}/data")}


@router.get("/links/{token}/{rest:path}", dependencies=[needs("public")], include_in_schema=False)
def link_nothing(request: Request, token: str, rest: str) -> None:
    """Refuse what a link does not open; the token does not get into logs here either."""
    request.scope["path"] = request.scope["path"].replace(token, HIDDEN)
    raise Refusal(404, f"A link opens no {rest[:50]!r}.")


def _addresses(listed: Sequence[Layer], before: str) -> list[dict[str, Any]]:
    return [
        {
            "name": layer.name,
            "kind": layer.kind,
            "version": layer.version,
            "precomputed": f"{before}/{layer.name}/{layer.version}/precomputed/raw",
        }
        for layer in listed
        if layer.kind in ("image", "segmentation")
    ]


@router.get("/datasets/{dataset}/layers/{layer}/data")
def described(
    request: Request, access: Annotated[Access, needs("dataset:reader")], layer: str
) -> dict[str, Any]:
    """Say how a layer is stored, and where its voxels are."""
    state = context(request)
    user_id = None if access.user is None else access.user.id
    with state.database.read() as connection:
        row = catalogue.layer(connection, access.dataset.id, layer, user_id)
    opened = layers(state).get(row)
    before = f"/api/v1/data/{access.dataset.name}/{row.name}/{row.version}"
    files = None if opened.folder is None else f"{before}/files/"
    return {
        "name": row.name,
        "kind": row.kind,
        "version": row.version,
        **opened.describe(),
        "addresses": {"precomputed": f"{before}/precomputed/raw", "files": files},
    }
