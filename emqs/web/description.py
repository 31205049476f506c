"""The description of the API for programs (OpenAPI), with what FastAPI does not say by itself."""

import warnings
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi

from emqs.web.rights import declared

METHODS = ("get", "head", "post", "put", "patch", "delete")
REFUSALS = {
    "400": "What was asked makes no sense.",
    "401": "Nobody is signed in, or the token is not valid any more.",
    "403": "This user may not do that.",
    "404": "There is no such thing, or none that this user may know of.",
    "409": "It was changed in the meantime, or its state does not allow the step.",
    "412": "The revision in If-Match is not the newest.",
    "413": "The request is too long.",
    "422": "A field is missing or wrong.",
    "428": "If-Match is missing.",
    "429": "Too many tries.",
    "503": "Too busy, or the database cannot be reached.",
}
SECURITY = {
    "token": {"type": "http", "scheme": "bearer"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "emqs_session"},
}


def describe(app: FastAPI, routers: Iterable[APIRouter], prefix: str) -> dict[str, Any]:
    """Return the description of an application.

    Each route says which right it needs (``x-right``), and has an id of its own for each method.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # routes of GET and HEAD share an id, which is mended below
        schema = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
    rights = {
        (prefix + route.path_format, method.lower()): needed[0].right
        for router in routers
        for route, needed in declared(router.routes)
        for method in route.methods
    }
    problem = {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {"error": {"type": "string"}},
                }
            }
        }
    }
    for path, methods in schema["paths"].items():
        for method in METHODS:
            if method not in methods:
                continue
            route = methods[method]
            words = path.removeprefix(prefix).replace("{", "").replace("}", "").split("/")
            route["operationId"] = "_".join([method, *(word for word in words if word)])
            right = rights[path, method]
            route["x-right"] = right
            if right != "public":
                route["security"] = [{"token": []}, {"cookie": []}]
            for status, meaning in REFUSALS.items():
                route["responses"][status] = {"description": meaning, **problem}
    schema.setdefault("components", {})["securitySchemes"] = SECURITY
    return schema
