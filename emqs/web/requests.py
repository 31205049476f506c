"""What many routes read from a request."""

import re
from typing import Annotated

from fastapi import Header, Request

from emqs.errors import DataError
from emqs.web.refusals import Refusal

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=100, description='revision that is changed, "3"'),
]
TAG = re.compile(r'(?:W/)?"?(\d{1,18})"?')


def revision_of(match: str | None) -> int | None:
    """Return the revision that ``If-Match`` names; None if it names none, or any.

    Raises:
        Refusal: If it is not the tag of a revision.
    """
    if match is None or match.strip() == "*":
        return None
    read = TAG.fullmatch(match.strip())
    if read is None:
        raise Refusal(400, 'If-Match must be the tag of a revision, such as "3".')
    return int(read[1])


def needed_revision(match: str | None) -> int:
    """Return the revision that ``If-Match`` names.

    Raises:
        Refusal: If it names none: nobody overwrites what they have not seen.
    """
    revision = revision_of(match)
    if revision is None:
        raise Refusal(428, 'Give the revision that you change as If-Match: "REVISION".')
    return revision


def matches_tag(request: Request, tag: str) -> bool:
    """Return whether whoever asks has the newest answer already."""
    given = request.headers.get("if-none-match", "")
    return tag in (part.strip().removeprefix("W/") for part in given.split(","))


def numbers(value: str | None, count: int, name: str) -> list[float] | None:
    """Return the numbers of a parameter such as ``bbox=0,0,0,10,10,10``.

    Raises:
        DataError: If there are more or less of them, or one is none.
    """
    if value is None:
        return None
    try:
        read = [float(part) for part in value.split(",")]
    except ValueError:
        read = []
    if len(read) != count:
        raise DataError(f"{name} must be {count} numbers with commas between, got '{value}'.")
    return read
