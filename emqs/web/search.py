"""Routes of searches: places that look like examples."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from emqs.errors import ConfigError
from emqs.web import searching
from emqs.web.context import context
from emqs.web.rights import Access, needs
from emqs.web.search_requests import (
    MarkedPlace,
    Question,
    answered,
    asked_again,
    described,
    marks_of,
    prepared,
    told,
)

router = APIRouter(tags=["search"])

Reading = Annotated[Access, needs("dataset:reader")]
ROOT = "/datasets/{dataset}/search"


class Refinement(BaseModel):
    """A question, and what was right or wrong of its answer."""

    question: Question
    marks: list[MarkedPlace] = Field(min_length=1, max_length=10_000)


class Several(BaseModel):
    """Several questions in one request."""

    questions: list[Question] = Field(min_length=1, max_length=searching.MOST_QUERIES)


class Wish(BaseModel):
    """A question, and how many places to mark next are suggested."""

    question: Question
    n: int = Field(5, ge=1, le=50)


@router.get(ROOT)
def searchable(request: Request, access: Reading) -> dict[str, Any]:
    """Return the edge of a patch in voxels, the steps between patches, and how many there are."""
    return described(request, access)


@router.post(ROOT)
def search(request: Request, access: Reading, body: Question) -> dict[str, Any]:
    """Return a page of the places most alike, best first; ``after`` of the answer asks for more."""
    first = prepared(request, access, body)
    search = searching.searcher(context(request))
    return answered(first, search.search(first.stores, first.ask, first.segments))


@router.post(f"{ROOT}/refine")
def refine(request: Request, access: Reading, body: Refinement) -> dict[str, Any]:
    """Search again knowing which matches were right and which wrong; returns the question, too."""
    first = prepared(request, access, body.question)
    ask = searching.refined(first.ask, marks_of(first, body.marks))
    search = searching.searcher(context(request))
    question = asked_again(first, ask, body.question)
    results = search.search(first.stores, ask, first.segments)
    return {**answered(first, results), "question": question.model_dump(exclude_none=True)}


@router.post(f"{ROOT}/suggestions")
def suggestions(request: Request, access: Reading, body: Wish) -> dict[str, Any]:
    """Return the matches whose marks would tell most."""
    first = prepared(request, access, body.question)
    search = searching.searcher(context(request))
    chosen = search.suggest(first.stores, first.ask, body.n, first.segments)
    return {"matches": [told(first, match) for match in chosen]}


@router.post(f"{ROOT}/batch")
def batch(request: Request, access: Reading, body: Several) -> dict[str, Any]:
    """Answer many questions; one that cannot be answered is told of in its place."""
    search = searching.searcher(context(request))
    answers: list[dict[str, Any]] = []
    for question in body.questions:
        try:
            first = prepared(request, access, question)
            results = search.search(first.stores, first.ask, first.segments)
            answers.append(answered(first, results))
        except ConfigError as error:
            answers.append({"error": str(error)})
    return {"answers": answers}
