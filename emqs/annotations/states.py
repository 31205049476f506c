"""States of a viewer kept under short keys, so that a link to a view is short."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from emqs.annotations.ids import new_key
from emqs.annotations.schema import viewer_states
from emqs.errors import DataError, NotFoundError

MOST_JSON = 1_000_000  # characters


@dataclass(frozen=True)
class ViewerState:
    """A state of a viewer.

    Attributes:
        key: What a link holds.
        dataset_id: The dataset that it shows, whose readers may see it; None: of no one dataset.
        owner_id: Who kept it, or None.
        state: JSON.
        created: Seconds since 1970, UTC.
    """

    key: str
    dataset_id: str | None
    owner_id: str | None
    state: Mapping[str, Any]
    created: float


def keep(
    connection: Connection,
    state: object,
    *,
    dataset_id: str | None = None,
    owner_id: str | None = None,
) -> ViewerState:
    """Return a state under a new key, or the one that the same user has kept before.

    Raises:
        DataError: If it is no JSON object, or too large.
    """
    if not isinstance(state, Mapping):
        raise DataError(f"A viewer state must be a JSON object, got {type(state).__name__}.")
    try:
        spelled = json.dumps(state, sort_keys=True, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(f"A viewer state must be JSON without NaN and infinity: {error}.") from None
    if len(spelled) > MOST_JSON or "\\u0000" in spelled:
        raise DataError(
            f"A viewer state must have at most {MOST_JSON} characters and none of them U+0000, got "
            f"{len(spelled)} characters; keep annotations in the database and not in the state."
        )
    digest = hashlib.sha256(f"{dataset_id} {spelled}".encode()).hexdigest()
    c = viewer_states.c
    owned = c.owner_id.is_(None) if owner_id is None else c.owner_id == owner_id
    known = connection.execute(
        sa.select(viewer_states).where(c.digest == digest, owned).limit(1)
    ).one_or_none()
    if known is not None:
        return ViewerState(known.key, known.dataset_id, known.owner_id, known.state, known.created)
    kept = ViewerState(new_key(), dataset_id, owner_id, dict(state), time.time())
    connection.execute(
        sa.insert(viewer_states).values(
            key=kept.key,
            dataset_id=dataset_id,
            owner_id=owner_id,
            digest=digest,
            state=kept.state,
            created=kept.created,
        )
    )
    return kept


def get(connection: Connection, key: str) -> ViewerState:
    """Return the state under a key; that the user may read its dataset is checked by the caller.

    Raises:
        NotFoundError: If there is none.
    """
    row = connection.execute(
        sa.select(viewer_states).where(viewer_states.c.key == key)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no viewer state {key}.")
    return ViewerState(row.key, row.dataset_id, row.owner_id, row.state, row.created)
