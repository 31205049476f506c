"""Requests to take merges over for all: reviewed, accepted, and applied to a new version.

Nothing of a segmentation changes before a reviewer has accepted the request. Two accepted requests
never touch the same segment, so their order does not matter.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from emqs.annotations.drafts import checked_text
from emqs.annotations.ids import new_id
from emqs.annotations.merges import sandbox, segmentation
from emqs.annotations.reviews import Comment, add_comment, check_step, comments
from emqs.annotations.schema import (
    PULL_REQUEST_STATES,
    layers,
    pull_request_comments,
    pull_request_segments,
    pull_requests,
)
from emqs.errors import ConflictError, DataError, ForbiddenError, NotFoundError

REVIEWS: dict[str, tuple[str, ...]] = {
    "accepted": ("open",),
    "rejected": ("open", "changes_requested", "accepted"),
    "changes_requested": ("open", "accepted"),
}
MOST_ROWS = 200
MOST_SEGMENTS = 100_000  # of a request


@dataclass(frozen=True)
class PullRequest:
    """Merges that a user wants to be taken over.

    Attributes:
        id: Its name.
        dataset_id: The dataset.
        layer_id: The segmentation.
        author_id: Who made the merges.
        reviewer_id: Who decided last, or None.
        title: One line.
        description: Why.
        state: open, changes_requested, accepted, rejected, withdrawn or applied.
        base_version: Of the segmentation that the author saw.
        applied_version: Of the segmentation that holds it, or None.
        revision: Counts its changes from 1.
        created: Seconds since 1970, UTC.
        changed: Likewise.
        decided: Likewise, of the reviewer's last decision, or None.
    """

    id: str
    dataset_id: str
    layer_id: str
    author_id: str
    reviewer_id: str | None
    title: str
    description: str
    state: str
    base_version: str
    applied_version: str | None
    revision: int
    created: float
    changed: float
    decided: float | None


def open_request(
    connection: Connection,
    dataset_id: str,
    layer_id: str,
    author_id: str,
    *,
    title: str,
    description: str = "",
) -> PullRequest:
    """Ask for the merges of the author's sandbox to be taken over; the sandbox stays.

    Raises:
        DataError: If the title is blank, or nothing is merged.
        ConflictError: If a merge was made over another version of the segmentation.
        NotFoundError: If there is no such segmentation.
    """
    layer = segmentation(connection, dataset_id, layer_id, author_id, lock=True)
    now = time.time()
    request_id = new_id()
    connection.execute(
        sa.insert(pull_requests).values(
            id=request_id,
            dataset_id=dataset_id,
            layer_id=layer_id,
            author_id=author_id,
            title=_title(title),
            description=checked_text(description, "description", 50_000),
            state="open",
            base_version=layer.version,
            revision=1,
            created=now,
            changed=now,
        )
    )
    _take_over(connection, dataset_id, layer_id, author_id, request_id)
    say(connection, request_id, author_id, "", "open")
    return get(connection, dataset_id, request_id)


def renew(
    connection: Connection, dataset_id: str, author_id: str, request_id: str, *, text: str = ""
) -> PullRequest:
    """Take the author's sandbox as it is now into a request, and open it again.

    Raises:
        DataError: If nothing is merged.
        ConflictError: If it is decided, or a merge was made over another version.
        ForbiddenError: If it is another user's.
        NotFoundError: If there is none.
    """
    request = _locked(connection, dataset_id, request_id)
    _check_author(request, author_id)
    steps = {"open": ("open", "changes_requested")}
    check_step(f"Pull request {request_id}", request.state, "open", steps)
    _take_over(connection, dataset_id, request.layer_id, author_id, request_id)
    layer = segmentation(connection, dataset_id, request.layer_id, author_id)
    change(connection, request, {"state": "open", "base_version": layer.version})
    say(connection, request_id, author_id, text, "open")
    return get(connection, dataset_id, request_id)


def withdraw(
    connection: Connection, dataset_id: str, author_id: str, request_id: str, *, text: str = ""
) -> PullRequest:
    """Take a request back that is not applied.

    Raises:
        ConflictError: If it is rejected, withdrawn or applied already.
        ForbiddenError: If it is another user's.
        NotFoundError: If there is none.
    """
    request = _locked(connection, dataset_id, request_id)
    _check_author(request, author_id)
    steps = {"withdrawn": ("open", "changes_requested", "accepted")}
    check_step(f"Pull request {request_id}", request.state, "withdrawn", steps)
    change(connection, request, {"state": "withdrawn"})
    say(connection, request_id, author_id, text, "withdrawn")
    return get(connection, dataset_id, request_id)


def review(
    connection: Connection,
    dataset_id: str,
    reviewer_id: str,
    request_id: str,
    step: str,
    *,
    revision: int,
    text: str = "",
) -> PullRequest:
    """Accept a request, reject it, or ask for changes; that the user may was checked before.

    Args:
        connection: Of ``Database.write``.
        dataset_id: The dataset.
        reviewer_id: Who decides, and is credited beside the author.
        request_id: The request.
        step: ``accepted``, ``rejected`` or ``changes_requested``.
        revision: Of the request, as the reviewer has seen it.
        text: Why; needed for anything but ``accepted``.

    Raises:
        ConflictError: If it was changed in the meantime, is decided, or what it merges was changed
            by another accepted request or a newer segmentation.
        DataError: If the text is missing or the step unknown.
        NotFoundError: If there is none.
    """
    request = _locked(connection, dataset_id, request_id)
    check_step(f"Pull request {request_id}", request.state, step, REVIEWS)
    if request.revision != revision:
        raise ConflictError(
            f"Pull request {request_id} is at revision {request.revision} and not {revision}: it "
            "was changed in the meantime, so read it again first."
        )
    if step != "accepted" and not text.strip():
        raise DataError("Say why: a text is needed to reject a request or to ask for changes.")
    if step == "accepted":
        reasons = conflicts(connection, request)
        if reasons:
            raise ConflictError(f"Pull request {request_id} cannot be accepted: {reasons[0]}")
    change(connection, request, {"state": step, "reviewer_id": reviewer_id, "decided": time.time()})
    say(connection, request_id, reviewer_id, text, step)
    return get(connection, dataset_id, request_id)


def comment(
    connection: Connection, dataset_id: str, user_id: str, request_id: str, text: str
) -> Comment:
    """Add a comment; that the user may see the request was checked before."""
    get(connection, dataset_id, request_id)
    return say(connection, request_id, user_id, text, "comment")


def discussion(connection: Connection, request: PullRequest) -> list[Comment]:
    """Return comments and decisions, oldest first: who is to be credited for what."""
    return comments(connection, pull_request_comments, {"pull_request_id": request.id})


def conflicts(connection: Connection, request: PullRequest) -> list[str]:
    """Return why a request cannot be accepted as it is, one sentence each; none if it can."""
    version = connection.scalar(sa.select(layers.c.version).where(layers.c.id == request.layer_id))
    others, reached = _since(connection, request, str(version))
    reasons = []
    if not reached:
        reasons.append(
            f"the segmentation is at version {version} now, and the merges were made over version "
            f"{request.base_version}; the author can look at them again and renew the request."
        )
    for other, both in _both(connection, request, others):
        reasons.append(
            f"pull request {other.id}, {other.state}, has merged segment {both[0]}"
            f"{' and others of it' if len(both) > 1 else ''}, too."
        )
    return reasons


def overlaps(connection: Connection, request: PullRequest) -> dict[int, str]:
    """Return the segments of a request that others have merged since, each with one such request.

    Returns:
        Segment to the id of an accepted or applied request.
    """
    version = connection.scalar(sa.select(layers.c.version).where(layers.c.id == request.layer_id))
    others, _ = _since(connection, request, str(version))
    return {
        segment: other.id for other, both in _both(connection, request, others) for segment in both
    }


def _both(
    connection: Connection, request: PullRequest, others: Sequence[PullRequest]
) -> list[tuple[PullRequest, list[int]]]:
    """Return those of other requests that touch segments of a request, with these, ascending."""
    mine = set(segments(connection, request.id))
    pairs = [(other, sorted(mine & set(segments(connection, other.id)))) for other in others]
    return [(other, both) for other, both in pairs if both]


def _since(
    connection: Connection, request: PullRequest, version: str
) -> tuple[list[PullRequest], bool]:
    """Return the other requests that a segmentation got since a request's base version.

    Second is whether they explain all of how the segmentation came to its present version.
    """
    c = pull_requests.c
    rows = connection.execute(
        sa.select(pull_requests)
        .where(
            c.layer_id == request.layer_id,
            c.id != request.id,
            c.state.in_(["accepted", "applied"]),
        )
        .order_by(c.id)
    )
    taken = [request_of(row) for row in rows]
    others = [other for other in taken if other.state == "accepted"]
    at = request.base_version
    seen = {at}
    while at != version:
        step = [other for other in taken if other.state == "applied" and other.base_version == at]
        after = {other.applied_version for other in step} - seen
        if len(after) != 1:
            return others, False
        others += step
        at = str(after.pop())
        seen.add(at)
    return others, True


def segments(connection: Connection, request_id: str) -> dict[int, int]:
    """Return the merges of a request: for each segment the one that it becomes."""
    c = pull_request_segments.c
    rows = connection.execute(
        sa.select(c.segment, c.representative).where(c.pull_request_id == request_id)
    )
    return {int(row.segment): int(row.representative) for row in rows}


def get(connection: Connection, dataset_id: str, request_id: str) -> PullRequest:
    """Return a request.

    Raises:
        NotFoundError: If there is none in this dataset.
    """
    row = connection.execute(
        sa.select(pull_requests).where(
            pull_requests.c.id == request_id, pull_requests.c.dataset_id == dataset_id
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no pull request {request_id} in this dataset.")
    return request_of(row)


def page(
    connection: Connection,
    dataset_id: str,
    *,
    states: Sequence[str] = (),
    layer_id: str | None = None,
    author_id: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> tuple[list[PullRequest], str | None]:
    """Return requests, newest first, and where the next page begins.

    Raises:
        DataError: If a state is unknown or limit is not from 1 to 200.
    """
    if not 1 <= limit <= MOST_ROWS:
        raise DataError(f"limit must be from 1 to {MOST_ROWS}, got {limit}.")
    for state in states:
        if state not in PULL_REQUEST_STATES:
            raise DataError(
                f"state must be one of {', '.join(PULL_REQUEST_STATES)}, got {state!r}."
            )
    c = pull_requests.c
    query = sa.select(pull_requests).where(c.dataset_id == dataset_id)
    if states:
        query = query.where(c.state.in_(states))
    if layer_id is not None:
        query = query.where(c.layer_id == layer_id)
    if author_id is not None:
        query = query.where(c.author_id == author_id)
    if after is not None:
        query = query.where(c.id < after)
    rows = connection.execute(query.order_by(c.id.desc()).limit(limit + 1)).all()
    requests = [request_of(row) for row in rows[:limit]]
    return requests, requests[-1].id if len(rows) > limit else None


def _take_over(
    connection: Connection, dataset_id: str, layer_id: str, author_id: str, request_id: str
) -> None:
    """Write the groups of a sandbox as the merges of a request."""
    now = sandbox(connection, dataset_id, layer_id, author_id)
    if now.outdated:
        raise ConflictError(
            f"{len(now.outdated)} of your merges were made over version "
            f"{now.outdated[0].base_version} of the segmentation, which is at {now.version} now: "
            "look at them again and confirm them, or take them back."
        )
    table = now.groups.table()
    if not table:
        raise DataError("Nothing is merged in your sandbox of this segmentation.")
    if len(table) > MOST_SEGMENTS:
        raise DataError(f"A request has at most {MOST_SEGMENTS} segments, got {len(table)}.")
    connection.execute(
        sa.delete(pull_request_segments).where(
            pull_request_segments.c.pull_request_id == request_id
        )
    )
    connection.execute(
        sa.insert(pull_request_segments),
        [
            {"pull_request_id": request_id, "segment": str(old), "representative": str(new)}
            for old, new in table.items()
        ],
    )


def _locked(connection: Connection, dataset_id: str, request_id: str) -> PullRequest:
    """Return a request while everybody who decides on the same segmentation waits."""
    request = get(connection, dataset_id, request_id)
    connection.execute(
        sa.select(layers.c.id).where(layers.c.id == request.layer_id).with_for_update()
    )
    return get(connection, dataset_id, request_id)


def change(connection: Connection, request: PullRequest, values: Mapping[str, Any]) -> None:
    """Change columns of a request, as its next revision."""
    connection.execute(
        sa.update(pull_requests)
        .where(pull_requests.c.id == request.id)
        .values(**values, revision=request.revision + 1, changed=time.time())
    )


def say(connection: Connection, request_id: str, user_id: str, text: str, action: str) -> Comment:
    """Add a line to the discussion of a request."""
    key = {"pull_request_id": request_id}
    return add_comment(connection, pull_request_comments, key, user_id, text, action)


def _check_author(request: PullRequest, user_id: str) -> None:
    if request.author_id != user_id:
        raise ForbiddenError(f"Pull request {request.id} is another user's.")


def _title(value: str) -> str:
    title = checked_text(value, "title", 400)
    if not title.strip():
        raise DataError("A pull request needs a title.")
    return title


def request_of(row: Row[Any]) -> PullRequest:
    """Return the request of a row of the table."""
    return PullRequest(**{name: getattr(row, name) for name in PullRequest.__dataclass_fields__})
