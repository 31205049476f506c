"""What clients say of a search, and how the answer is told."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import Request
from pydantic import BaseModel, Field

from emqs.annotations import annotations
from emqs.annotations.segments import checked_segment
from emqs.errors import ConfigError, DataError, NotFoundError
from emqs.web import catalogue, search_values, searching
from emqs.web.annotations import visible
from emqs.web.catalogue import Dataset, Layer
from emqs.web.context import Context, context
from emqs.web.layers import OpenLayer, layers
from emqs.web.rights import Access, access_to
from emqs.web.search_values import Ask, Example, Found, Match

MOST_EXAMPLES = 10_000
MOST_DATASETS = 8
MOST_SEGMENTS = 10_000


class Place(BaseModel):
    """A voxel, or an annotation whose centre is meant."""

    z: int | None = Field(None, ge=0, lt=2**40)
    y: int | None = Field(None, ge=0, lt=2**40)
    x: int | None = Field(None, ge=0, lt=2**40)
    annotation: str | None = Field(None, max_length=32, description="id, instead of z, y, x")
    dataset: str | None = Field(
        None, max_length=100, description="of several; else that of the path"
    )


class Region(BaseModel):
    """A box in nm, both corners Z Y X."""

    start: list[float] = Field(min_length=3, max_length=3)
    stop: list[float] = Field(min_length=3, max_length=3)


class Question(BaseModel):
    """What is searched."""

    positives: list[Place] = Field(min_length=1, max_length=MOST_EXAMPLES)
    negatives: list[Place] = Field(default=[], max_length=MOST_EXAMPLES)
    datasets: list[str] = Field(
        default=[], max_length=MOST_DATASETS, description="searched besides that of the path"
    )
    only: list[str] = Field(
        default=[],
        max_length=MOST_DATASETS,
        description="of the datasets, those that matches lie in; else all",
    )
    region_nm: Region | None = None
    inside: list[str | int] = Field(
        default=[], max_length=MOST_SEGMENTS, description="only in one of these segments"
    )
    outside: list[str | int] = Field(
        default=[], max_length=MOST_SEGMENTS, description="in none of these segments"
    )
    segmentation: str | None = Field(
        None, max_length=100, description="layer that inside and outside mean; else the first"
    )
    embedding: str | None = Field(
        None, max_length=100, description="layer that is searched; else the first"
    )
    k: int = Field(48, ge=1, le=search_values.MOST_MATCHES)
    after: int = Field(
        0, ge=0, le=search_values.MOST_RANK, description="rank of the last match before"
    )
    exact: bool = Field(False, description="rank every place by its code, which takes longer")
    distance_nm: float | None = Field(None, ge=0, le=1e9)


class MarkedPlace(BaseModel):
    """A match that is right or wrong; none takes a mark back."""

    z: int = Field(ge=0, lt=2**40)
    y: int = Field(ge=0, lt=2**40)
    x: int = Field(ge=0, lt=2**40)
    dataset: str | None = Field(None, max_length=100)
    mark: Literal["right", "wrong", "none"]


@dataclass(frozen=True)
class Prepared:
    """A question that can be asked.

    Attributes:
        datasets: Those that are searched, that of the path first.
        stores: Where their codes lie.
        segments: Their layers of segments, where the question names segments.
        ask: The question.
    """

    datasets: tuple[Dataset, ...]
    stores: tuple[str, ...]
    segments: tuple[OpenLayer | None, ...]
    ask: Ask

    def number(self, name: str | None) -> int:
        """Return the number of a dataset among those that are searched.

        Raises:
            ConfigError: If it is not among them.
        """
        if name is None:
            return 0
        names = [dataset.name for dataset in self.datasets]
        if name not in names:
            raise ConfigError(f"{name} is none of the datasets searched: {', '.join(names)}.")
        return names.index(name)


def prepared(request: Request, access: Access, question: Question) -> Prepared:
    """Return what a question asks of which stores, with every right checked.

    Raises:
        Refusal: If a dataset may not be read.
        NotFoundError: If a layer or an annotation is not there.
        ConfigError: If a segment or an example is none.
    """
    state = context(request)
    names = [name for name in dict.fromkeys(question.datasets) if name != access.dataset.name]
    accesses = [access, *(access_to(request, access, name) for name in names)]
    wants_segments = bool(question.inside or question.outside)
    stores, segments = [], []
    for one in accesses:
        known = _layers(state, one)
        stores.append(_layer(known, "embedding", question.embedding, one.dataset).source)
        segmentation = None
        if wants_segments:
            layer = _layer(known, "segmentation", question.segmentation, one.dataset)
            segmentation = layers(state).get(layer)
        segments.append(segmentation)
    first = Prepared(tuple(one.dataset for one in accesses), tuple(stores), tuple(segments), ASK)
    positives = _examples(state, accesses, first, question.positives)
    negatives = _examples(state, accesses, first, question.negatives)
    region = question.region_nm
    ask = Ask(
        positives,
        negatives,
        None if region is None else (_corner(region.start), _corner(region.stop)),
        tuple(checked_segment(segment) for segment in question.inside),
        tuple(checked_segment(segment) for segment in question.outside),
        question.k,
        question.after,
        question.exact,
        question.distance_nm,
        only=tuple(first.number(name) for name in dict.fromkeys(question.only)),
    )
    return Prepared(first.datasets, first.stores, first.segments if wants_segments else (), ask)


ASK = Ask((Example((0, 0, 0)),))  # stands for a question that is not read yet


def _corner(numbers: Sequence[float]) -> tuple[float, float, float]:
    if not all(math.isfinite(number) for number in numbers):
        raise ConfigError("A corner of the region is not a number.")
    return numbers[0], numbers[1], numbers[2]


def _layers(state: Context, access: Access) -> list[Layer]:
    user_id = None if access.user is None else access.user.id
    with state.database.read() as connection:
        return catalogue.layers_of(connection, access.dataset.id, user_id)


def _layer(known: Sequence[Layer], kind: str, name: str | None, dataset: Dataset) -> Layer:
    """Return a layer of a kind: the one that is named, or the first.

    Raises:
        NotFoundError: If there is none.
    """
    fitting = [one for one in known if one.kind == kind and name in (None, one.name)]
    if not fitting:
        what = {"embedding": "embedding, so it cannot be searched"}.get(kind, kind)
        named = "" if name is None else f" named {name}"
        raise NotFoundError(f"The dataset {dataset.name} has no {what}{named}.")
    return fitting[0]


def embedding_of(state: Context, access: Access, name: str | None) -> tuple[Layer, list[Layer]]:
    """Return the embedding of a dataset that is named, or the first, and all layers one sees.

    Raises:
        NotFoundError: If there is none.
    """
    known = _layers(state, access)
    return _layer(known, "embedding", name, access.dataset), known


def _examples(
    state: Context, accesses: Sequence[Access], first: Prepared, places: Sequence[Place]
) -> tuple[Example, ...]:
    """Return the voxels that places mean."""
    examples = []
    with state.database.read() as connection:
        owners = {}
        for place in places:
            number = first.number(place.dataset)
            given = (place.z, place.y, place.x)
            if place.annotation is not None:
                if number not in owners:
                    owners[number] = visible(connection, accesses[number])
                annotation = annotations.get(
                    connection,
                    accesses[number].dataset.id,
                    place.annotation,
                    owners=owners[number],
                )
                z, y, x = (math.floor(v) for v in annotation.centre)
            elif None not in given:
                z, y, x = (int(v) for v in given if v is not None)
            else:
                raise DataError("An example needs z, y and x, or the id of an annotation.")
            examples.append(Example((z, y, x), number))
    return tuple(examples)


def described(request: Request, access: Access) -> dict[str, Any]:
    """Return what clients see of the embedding that is searched: where its patches lie."""
    state = context(request)
    layer = _layer(_layers(state, access), "embedding", None, access.dataset)
    opened = searching.searcher(state).store(layer.source)
    grid = opened.engine.grid
    return {
        "patch": grid.size,
        "stride": list(grid.stride),
        "grid": list(grid.shape),
        "above": grid.above,
        "planes": grid.planes,
        "voxel_size_nm": list(grid.voxel_size_nm),
        "places": grid.n_places,
        "complete": opened.complete,
        "fingerprint": opened.fingerprint,
    }


def marks_of(first: Prepared, given: Sequence[MarkedPlace]) -> list[tuple[Example, bool]]:
    """Return the marks of places."""
    return [
        (Example((one.z, one.y, one.x), first.number(one.dataset)), one.mark == "right")
        for one in given
        if one.mark != "none"
    ]


def told(first: Prepared, match: Match) -> dict[str, Any]:
    """Return what clients see of a match."""
    z, y, x = match.voxel
    name = first.datasets[match.store].name
    return {
        "rank": match.rank,
        "dataset": name,
        "z": z,
        "y": y,
        "x": x,
        "z_nm": match.nm[0],
        "y_nm": match.nm[1],
        "x_nm": match.nm[2],
        "placed": match.placed,
        "hamming": match.hamming,
        "score": match.score,
        "probability": match.probability,
        "snapshot": f"/api/v1/datasets/{name}/snapshot?z={z}&y={y}&x={x}",
    }


def fingerprint(first: Prepared, results: Found) -> dict[str, str]:
    """Return what was searched: the fingerprint of each dataset's store."""
    names = [dataset.name for dataset in first.datasets]
    return dict(zip(names, results.fingerprints, strict=True))


def answered(first: Prepared, results: Found) -> dict[str, Any]:
    """Return what clients see of an answer."""
    return {
        "matches": [told(first, match) for match in results.matches],
        "after": results.matches[-1].rank if results.more else None,
        "fingerprint": fingerprint(first, results),
        "seconds": results.seconds,
    }


def asked_again(first: Prepared, ask: Ask, question: Question) -> Question:
    """Return the question of clients that asks for what a refined one does."""

    def place(example: Example) -> Place:
        z, y, x = example.voxel
        name = None if example.store == 0 else first.datasets[example.store].name
        return Place(z=z, y=y, x=x, annotation=None, dataset=name)

    return question.model_copy(
        update={
            "positives": [place(one) for one in ask.positives],
            "negatives": [place(one) for one in ask.negatives],
            "after": 0,
        }
    )
