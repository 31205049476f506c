"""What people say while they review: comments, and the steps from one state to the next."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from emqs.annotations.drafts import checked_text
from emqs.annotations.ids import new_id
from emqs.errors import ConflictError, DataError

LONGEST = 20_000  # characters of a comment


@dataclass(frozen=True)
class Comment:
    """A line of a discussion.

    Attributes:
        id: Its name.
        user_id: Who wrote it.
        action: ``comment``, or the state that was reached with it.
        text: What was written; may be empty if a state was reached.
        at: Seconds since 1970, UTC.
    """

    id: str
    user_id: str
    action: str
    text: str
    at: float


def add_comment(
    connection: Connection,
    table: Table,
    key: Mapping[str, str],
    user_id: str,
    text: str,
    action: str,
) -> Comment:
    """Add a line to a discussion.

    Args:
        connection: Of ``Database.write``.
        table: ``atlas_comments`` or ``pull_request_comments``.
        key: What is discussed: name of the column, and id.
        user_id: Who writes.
        text: At most 20,000 characters; a plain comment must not be blank.
        action: ``comment`` or a state.

    Raises:
        DataError: If the text is too long, no text, or blank.
    """
    text = checked_text(text, "text", LONGEST)
    if action == "comment" and not text.strip():
        raise DataError("A comment needs a text.")
    comment = Comment(new_id(), user_id, action, text, time.time())
    connection.execute(
        sa.insert(table).values(
            id=comment.id, user_id=user_id, action=action, text=text, at=comment.at, **key
        )
    )
    return comment


def comments(connection: Connection, table: Table, key: Mapping[str, str]) -> list[Comment]:
    """Return a discussion, oldest line first."""
    ((column, value),) = key.items()
    rows = connection.execute(sa.select(table).where(table.c[column] == value).order_by(table.c.id))
    return [Comment(row.id, row.user_id, row.action, row.text, row.at) for row in rows]


def check_step(what: str, state: str, step: str, steps: Mapping[str, tuple[str, ...]]) -> None:
    """Raise an error unless a step leads on from a state.

    Args:
        what: Words for the message, e.g. ``"Atlas entry 01..."``.
        state: Where it stands.
        step: The state that is asked for.
        steps: From which states each can be reached.

    Raises:
        DataError: If nothing is called like the step.
        ConflictError: If it does not lead on from the state.
    """
    if step not in steps:
        raise DataError(f"A review must be one of {', '.join(steps)}, got {step!r}.")
    if state not in steps[step]:
        raise ConflictError(
            f"{what} is {state.replace('_', ' ')}, and only what is "
            f"{' or '.join(word.replace('_', ' ') for word in steps[step])} can become "
            f"{step.replace('_', ' ')}."
        )
