"""How errors become answers: one sentence, and the status that fits."""

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, IntegrityError, StatementError
from starlette.exceptions import HTTPException

from emqs.errors import EmqsError

logger = logging.getLogger(__name__)


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """A request that is answered with a status and one sentence."""

    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        """Keep what is answered."""
        super().__init__(sentence)
        self.status, self.sentence, self.headers = status, sentence, headers


def answer(status: int, sentence: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return the answer to a request that is refused."""
    return JSONResponse({"error": sentence}, status, headers=headers)


def install(app: FastAPI, statuses: Sequence[tuple[type[Exception], int]] = ()) -> None:
    """Let an application answer errors.

    Args:
        app: The application.
        statuses: Errors of the library with a status of their own; of two that fit the first
            counts. Every other ``EmqsError`` is 400.
    """

    def refused(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Refusal)  # noqa: S101 - it is registered for these alone
        return answer(error.status, error.sentence, error.headers)

    def user_error(request: Request, error: Exception) -> JSONResponse:
        status = next((status for kind, status in statuses if isinstance(error, kind)), 400)
        sentence = " ".join(str(error).split())
        logger.info("%s %s refused: %s", request.method, request.url.path, sentence)
        return answer(status, sentence)

    def http_error(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101
        headers = dict(error.headers) if error.headers else None
        return answer(error.status_code, str(error.detail), headers)

    def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        fields = [_field(item) for item in error.errors()]
        sentence = "; ".join(f"{f['field']}: {f['problem']}" for f in fields[:5]) + "."
        return JSONResponse({"error": sentence, "fields": fields[:100]}, 422)

    def unstorable(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, StatementError) and not _is_of_values(error):
            return unexpected(request, error)
        logger.warning("%s cannot be stored: %s", request.url.path, type(error).__name__)
        if isinstance(error, IntegrityError):
            return answer(409, "Somebody else made or changed this at the same moment. Try again.")
        return answer(400, "The request holds letters or numbers that cannot be stored.")

    def unexpected(request: Request, error: Exception) -> JSONResponse:
        logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return answer(500, "The server failed; what happened stands in its log.")

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(EmqsError, user_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(UnicodeError, unstorable)
    app.add_exception_handler(StatementError, unstorable)
    app.add_exception_handler(Exception, unexpected)


def _is_of_values(error: StatementError) -> bool:
    """Return whether what was asked to be stored is wrong, and not how it was asked."""
    wrong = isinstance(error.orig, ValueError | OverflowError)
    return wrong or isinstance(error, DataError | IntegrityError)


def _field(item: dict[str, Any]) -> dict[str, str]:
    """Return which field is wrong and why; what was got is not repeated."""
    place = [str(part) for part in item["loc"]]
    name = ".".join(place[1:] if len(place) > 1 else place)
    return {"field": name, "problem": str(item["msg"])}
