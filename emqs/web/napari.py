"""A script that opens a view in napari."""

import json
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from emqs.errors import ConfigError
from emqs.web import catalogue
from emqs.web.context import context
from emqs.web.rights import Access, needs

router = APIRouter(tags=["datasets"])

TEMPLATE = Path(__file__).with_name("napari_view.txt")
MOST_VOXELS = 2**29  # of the view


@router.get("/datasets/{dataset}/napari.py")
def script(
    request: Request,
    access: Annotated[Access, needs("dataset:reader")],
    z: Annotated[int | None, Query(ge=0, lt=2**40)] = None,
    y: Annotated[int | None, Query(ge=0, lt=2**40)] = None,
    x: Annotated[int | None, Query(ge=0, lt=2**40)] = None,
    depth: Annotated[int, Query(ge=1, le=4096)] = 64,
    size: Annotated[int, Query(ge=1, le=8192)] = 512,
) -> Response:
    """Return a script that opens volume, labels and annotations around a place in napari.

    The place is the middle of the dataset if none is given. The script holds no token.
    """
    state = context(request)
    shape = access.dataset.settings["shape"]
    place = [n // 2 if v is None else v for v, n in zip((z, y, x), shape, strict=True)]
    if any(v >= n for v, n in zip(place, shape, strict=True)):
        raise ConfigError(f"The place {place} lies outside the dataset of shape {shape}.")
    if depth * size * size > MOST_VOXELS:
        raise ConfigError(f"A view has at most {MOST_VOXELS} voxels; make depth or size smaller.")
    edges = (depth, size, size)
    start = [max(0, v - edge // 2) for v, edge in zip(place, edges, strict=True)]
    stop = [min(n, s + edge) for s, n, edge in zip(start, shape, edges, strict=True)]
    with state.database.read() as connection:
        user_id = None if access.user is None else access.user.id
        layers = catalogue.layers_of(connection, access.dataset.id, user_id)
    addresses = [
        [
            layer.name,
            layer.kind,
            f"/api/v1/data/{access.dataset.name}/{layer.name}/{layer.version}/precomputed/raw",
        ]
        for layer in layers
        if layer.kind in ("image", "segmentation") and "offset" not in layer.settings
    ]
    values = {
        "SERVER": (state.settings.address or str(request.base_url)).rstrip("/"),
        "DATASET": access.dataset.name,
        "VOXEL_NM": access.dataset.settings["voxel_size_nm"],
        "START": start,
        "STOP": stop,
        "LAYERS": addresses,
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", json.dumps(value))
    headers = {"Content-Disposition": f'attachment; filename="{access.dataset.name}_napari.py"'}
    return Response(text, media_type="text/x-python; charset=utf-8", headers=headers)
