"""Routes of predictions: how likely each voxel in view is what the examples show, and objects."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from emqs.volumes import Box
from emqs.web import chunks, predicting, served_files
from emqs.web.context import context
from emqs.web.rights import Access, needs
from emqs.web.search_requests import Place, Question, embedding_of, prepared

router = APIRouter(tags=["predictions"])

Reading = Annotated[Access, needs("dataset:reader")]
Viewing = Annotated[Access, needs("dataset:reader", recently=True)]
ROOT = "/datasets/{dataset}/predictions"
ONE = f"{ROOT}/{{prediction}}"
Key = Annotated[str, Path(max_length=64, description="from the answer to a prediction")]
Corner = Annotated[list[int], Field(min_length=3, max_length=3)]
MOST_EXAMPLES = 1000  # the value of emqs.prediction.shown


class Wanted(BaseModel):
    """What is predicted: examples of the dataset, and a region of at most 2^20 voxels."""

    positives: list[Place] = Field(min_length=1, max_length=MOST_EXAMPLES)
    negatives: list[Place] = Field(default=[], max_length=MOST_EXAMPLES)
    start: Corner = Field(description="first voxel, Z Y X")
    stop: Corner = Field(description="first voxel outside, Z Y X")
    embedding: str | None = Field(None, max_length=100, description="layer; else the first")
    threshold: float | None = Field(None, gt=0, lt=1, description="of objects; else its own")


@router.get(ROOT)
def predictable(
    request: Request,
    access: Reading,
    prepare: Annotated[bool, Query(description="make what the first one needs meanwhile")] = False,
) -> dict[str, Any]:
    """Return the threshold that predictions have by themselves, and the most that is predicted."""
    from emqs.prediction.settings import OWN_THRESHOLD
    from emqs.prediction.shown import MOST_VOXELS

    state = context(request)
    layer, known = embedding_of(state, access, None)
    source = predicting.source_of(state.home, layer, known)
    if prepare:
        predicting.predictor(state).learn(source)
    return {"threshold": OWN_THRESHOLD, "most_voxels": MOST_VOXELS, "embedding": layer.name}


@router.post(ROOT)
def predict(request: Request, access: Reading, body: Wanted) -> dict[str, Any]:
    """Predict a region; objects at a threshold, and places where the next clicks would help most.

    Places are voxels, and in ``z_nm``, ``y_nm``, ``x_nm`` nm; a whole number is the middle of a
    voxel.
    """
    from emqs.prediction.shown import Asked

    state = context(request)
    layer, known = embedding_of(state, access, body.embedding)
    question = {"positives": body.positives, "negatives": body.negatives}
    named = Question.model_validate({**question, "embedding": body.embedding})
    ask = prepared(request, access, named).ask
    z, y, x = body.start
    bottom, down, right = body.stop
    asked = Asked(
        tuple(one.voxel for one in ask.positives),
        tuple(one.voxel for one in ask.negatives),
        Box((z, y, x), (bottom, down, right)),
    )
    source = predicting.source_of(state.home, layer, known)
    key, shown = predicting.predictor(state).predict(access.dataset.id, source, asked)
    return {
        "id": key,
        "start": list(shown.region.start),
        "stop": list(shown.region.stop),
        "objects": shown.rows(body.threshold),
        "suggestions": [dict(zip("zyx", one, strict=True)) for one in shown.suggested.tolist()],
    }


@router.get(f"{ONE}/objects")
def objects(
    request: Request,
    access: Reading,
    prediction: Key,
    threshold: Annotated[float | None, Query(gt=0, lt=1)] = None,
) -> dict[str, Any]:
    """Return the objects of a prediction at another threshold."""
    shown = predicting.predictor(context(request)).get(access.dataset.id, prediction)
    return {"objects": shown.rows(threshold)}


@router.api_route(f"{ONE}/precomputed/info", methods=["GET", "HEAD"])
def prediction_info(request: Request, access: Viewing, prediction: Key) -> Response:
    """Describe the probability in neuroglancer's precomputed format, at its place."""
    shown = predicting.predictor(context(request)).get(access.dataset.id, prediction)
    scales, first = [predicting.scale_of(shown)], shown.region.start
    described = chunks.info(scales, "image", "raw", predicting.EDGES, first)
    headers = {"Cache-Control": served_files.CHECKED}
    return Response(json.dumps(described), 200, headers, "application/json")


@router.api_route(f"{ONE}/precomputed/{{scale}}/{{chunk_name}}", methods=["GET", "HEAD"])
def prediction_chunk(
    request: Request, access: Viewing, prediction: Key, scale: str, chunk_name: str
) -> Response:
    """Return a part of the probability; 255 is 1."""
    shown = predicting.predictor(context(request)).get(access.dataset.id, prediction)
    served = predicting.scale_of(shown)
    chunks.scale_of([served], scale)
    box = chunks.box_of(chunk_name, served.volume.shape, predicting.EDGES, shown.region.start)
    content, media = chunks.encoded(shown.values[box.slices], "image", "raw")
    return Response(content, 200, {"Cache-Control": served_files.KEPT}, media)
