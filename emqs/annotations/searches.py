"""Saved searches: what was asked, of which store, and what came back; run again and compared."""

import json
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from emqs.annotations.drafts import checked_text
from emqs.annotations.ids import new_id
from emqs.annotations.records import Place
from emqs.annotations.schema import search_marks, search_matches, searches
from emqs.errors import ConflictError, DataError, ForbiddenError, NotFoundError

MOST_MATCHES = 20_000
MOST_JSON = 500_000  # characters of examples, settings and fingerprint
MOST_ROWS = 200
MARKS = ("right", "wrong")


@dataclass(frozen=True)
class Match:
    """A place that a search gave.

    Attributes:
        rank: From 1, the most similar first.
        dataset: Name of the dataset that it lies in.
        place: Z Y X in voxels.
        hamming: Bits that differ, or None.
        score: Larger is more similar, or None.
        probability: 0 to 1, or None.
        details: Anything else, JSON.
    """

    rank: int
    dataset: str
    place: Place
    hamming: int | None = None
    score: float | None = None
    probability: float | None = None
    details: Mapping[str, Any] | None = None

    @property
    def placed(self) -> Mapping[str, float]:
        """Where it is, as tables of the commands say it: ``retrieval.places.COLUMNS``.

        Raises:
            ConflictError: If it was kept before these were.
        """
        placed = (self.details or {}).get("placed")
        if placed is None:
            raise ConflictError(
                "The matches of this search were kept without the centres that tables and "
                "annotations hold. Run the search again."
            )
        return dict(placed)

    @property
    def centre(self) -> Place:
        """Its centre, Z Y X in voxels, where a whole number is the middle of a voxel."""
        placed = self.placed
        return float(placed["z"]), float(placed["y"]), float(placed["x"])


@dataclass(frozen=True)
class Mark:
    """What a user said of a match.

    Attributes:
        dataset: Name of the dataset that it lies in.
        place: Z Y X in voxels, exactly as the match has it.
        mark: ``right`` or ``wrong``.
    """

    dataset: str
    place: Place
    mark: str


@dataclass(frozen=True)
class Search:
    """A search that was kept.

    Attributes:
        id: Its name.
        dataset_id: The dataset in which it was asked.
        owner_id: Who asked.
        title: One line.
        note: Any text.
        examples: Positives and negatives, JSON.
        settings: Region, segments, k and so on, JSON.
        fingerprint: Of the stores that were searched, JSON.
        revision: Counts its changes from 1.
        created: Seconds since 1970, UTC.
        changed: Likewise.
        ran: When the matches were found, or None.
    """

    id: str
    dataset_id: str
    owner_id: str
    title: str
    note: str
    examples: Any
    settings: Any
    fingerprint: Any
    revision: int
    created: float
    changed: float
    ran: float | None


@dataclass(frozen=True)
class Comparison:
    """How two results differ.

    Attributes:
        both: Places that both have, with the rank in the first and in the second.
        only_first: Matches of the first alone.
        only_second: Matches of the second alone.
        same_examples: Whether both were asked with the same examples.
        same_settings: Likewise, settings.
        same_fingerprint: Whether both were asked of the same stores.
    """

    both: tuple[tuple[Match, Match], ...]
    only_first: tuple[Match, ...]
    only_second: tuple[Match, ...]
    same_examples: bool
    same_settings: bool
    same_fingerprint: bool


def save(
    connection: Connection,
    dataset_id: str,
    owner_id: str,
    *,
    title: str,
    note: str = "",
    examples: Any,  # noqa: ANN401 - JSON
    settings: Any,  # noqa: ANN401 - JSON
    fingerprint: Any,  # noqa: ANN401 - JSON
) -> Search:
    """Keep a search, without matches yet; ``store_matches`` adds them.

    Raises:
        DataError: If a text is too long, or something is not JSON.
    """
    now = time.time()
    search_id = new_id()
    connection.execute(
        sa.insert(searches).values(
            id=search_id,
            dataset_id=dataset_id,
            owner_id=owner_id,
            title=checked_text(title, "title", 400),
            note=checked_text(note, "note", 50_000),
            examples=_json(examples, "examples"),
            settings=_json(settings, "settings"),
            fingerprint=_json(fingerprint, "fingerprint"),
            revision=1,
            created=now,
            changed=now,
        )
    )
    return get(connection, dataset_id, owner_id, search_id)


def store_matches(
    connection: Connection,
    search: Search,
    matches: Iterable[Match],
    *,
    fingerprint: Any = None,  # noqa: ANN401 - JSON
) -> Search:
    """Put matches in the place of those that a search had, with the fingerprint they came from.

    Args:
        connection: Of ``Database.write``.
        search: As ``get`` gave it.
        matches: Ranks differ; at most 20,000.
        fingerprint: Of the stores searched now; None: as before.

    Raises:
        DataError: If there are too many, ranks repeat, or a number is not finite.
    """
    rows = [_match_row(search.id, match) for match in matches]
    if len(rows) > MOST_MATCHES:
        raise DataError(f"A saved search keeps at most {MOST_MATCHES} matches, got {len(rows)}.")
    if len({row["rank"] for row in rows}) != len(rows):
        raise DataError("Two matches have the same rank.")
    connection.execute(sa.delete(search_matches).where(search_matches.c.search_id == search.id))
    if rows:
        connection.execute(sa.insert(search_matches), rows)
    values: dict[str, Any] = {"ran": time.time()}
    if fingerprint is not None:
        values["fingerprint"] = _json(fingerprint, "fingerprint")
    return _changed(connection, search, values)


def matches(connection: Connection, search: Search) -> list[Match]:
    """Return what a search gave, most similar first."""
    rows = connection.execute(
        sa.select(search_matches)
        .where(search_matches.c.search_id == search.id)
        .order_by(search_matches.c.rank)
    )
    return [
        Match(
            row.rank,
            row.dataset,
            (row.z, row.y, row.x),
            row.hamming,
            row.score,
            row.probability,
            row.details,
        )
        for row in rows
    ]


def mark(
    connection: Connection, search: Search, user_id: str, given: Sequence[Mark | tuple[str, Place]]
) -> None:
    """Say of matches that they are right or wrong; a pair of dataset and place takes it back.

    Raises:
        DataError: If a mark is neither right nor wrong.
    """
    c = search_marks.c
    for one in given:
        dataset, place = (one.dataset, one.place) if isinstance(one, Mark) else one
        z, y, x = _finite(place)
        connection.execute(
            sa.delete(search_marks).where(
                c.search_id == search.id, c.dataset == dataset, c.z == z, c.y == y, c.x == x
            )
        )
        if not isinstance(one, Mark):
            continue
        if one.mark not in MARKS:
            raise DataError(f"A mark must be right or wrong, got {one.mark!r}.")
        connection.execute(
            sa.insert(search_marks).values(
                id=new_id(),
                search_id=search.id,
                dataset=checked_text(dataset, "dataset", 100),
                z=z,
                y=y,
                x=x,
                mark=one.mark,
                user_id=user_id,
                at=time.time(),
            )
        )


def marks(connection: Connection, search: Search) -> list[Mark]:
    """Return what was said of the matches of a search, oldest first."""
    rows = connection.execute(
        sa.select(search_marks)
        .where(search_marks.c.search_id == search.id)
        .order_by(search_marks.c.id)
    )
    return [Mark(row.dataset, (row.z, row.y, row.x), row.mark) for row in rows]


def get(connection: Connection, dataset_id: str, user_id: str, search_id: str) -> Search:
    """Return a user's own search.

    Raises:
        NotFoundError: If there is none.
    """
    row = connection.execute(
        sa.select(searches).where(
            searches.c.id == search_id,
            searches.c.dataset_id == dataset_id,
            searches.c.owner_id == user_id,
            searches.c.deleted.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no saved search {search_id} in this dataset.")
    return _of(row)


def page(
    connection: Connection,
    dataset_id: str,
    user_id: str,
    *,
    limit: int = 50,
    after: str | None = None,
) -> tuple[list[Search], str | None]:
    """Return a user's searches, newest first, and where the next page begins.

    Raises:
        DataError: If limit is not from 1 to 200.
    """
    if not 1 <= limit <= MOST_ROWS:
        raise DataError(f"limit must be from 1 to {MOST_ROWS}, got {limit}.")
    c = searches.c
    query = sa.select(searches).where(
        c.dataset_id == dataset_id, c.owner_id == user_id, c.deleted.is_(None)
    )
    if after is not None:
        query = query.where(c.id < after)
    rows = connection.execute(query.order_by(c.id.desc()).limit(limit + 1)).all()
    kept = [_of(row) for row in rows[:limit]]
    return kept, kept[-1].id if len(rows) > limit else None


def update(
    connection: Connection,
    search: Search,
    user_id: str,
    fields: Mapping[str, Any],
    *,
    revision: int,
) -> Search:
    """Change title or note, whichever is given.

    Raises:
        ConflictError: If it was changed in the meantime.
        DataError: If another field is given, or a text is too long.
        ForbiddenError: If it is another user's.
    """
    _check(search, user_id, revision)
    longest = {"title": 400, "note": 50_000}
    for name in fields:
        if name not in longest:
            raise DataError(f"Of a saved search title and note can be changed, got {name!r}.")
    values = {name: checked_text(fields[name], name, longest[name]) for name in fields}
    return _changed(connection, search, values)


def delete(connection: Connection, search: Search, user_id: str, *, revision: int) -> None:
    """Delete a search.

    Raises:
        ConflictError: If it was changed in the meantime.
        ForbiddenError: If it is another user's.
    """
    _check(search, user_id, revision)
    connection.execute(
        sa.update(searches)
        .where(searches.c.id == search.id)
        .values(deleted=time.time(), revision=search.revision + 1)
    )


def restore(connection: Connection, dataset_id: str, user_id: str, search_id: str) -> Search:
    """Bring a user's own search back that was deleted; one that is there stays as it is.

    Raises:
        NotFoundError: If there never was one.
    """
    c = searches.c
    own = (c.id == search_id, c.dataset_id == dataset_id, c.owner_id == user_id)
    connection.execute(
        sa.update(searches)
        .where(*own, c.deleted.is_not(None))
        .values(deleted=None, revision=c.revision + 1)
    )
    return get(connection, dataset_id, user_id, search_id)


def compare(connection: Connection, first: Search, second: Search) -> Comparison:
    """Return how the matches of two searches differ; places are the same if all numbers are."""
    left, right = matches(connection, first), matches(connection, second)
    in_left = {(match.dataset, match.place): match for match in left}
    in_right = {(match.dataset, match.place): match for match in right}
    return Comparison(
        both=tuple((in_left[key], in_right[key]) for key in in_left if key in in_right),
        only_first=tuple(in_left[key] for key in in_left if key not in in_right),
        only_second=tuple(in_right[key] for key in in_right if key not in in_left),
        same_examples=first.examples == second.examples,
        same_settings=first.settings == second.settings,
        same_fingerprint=first.fingerprint == second.fingerprint,
    )


def _changed(connection: Connection, search: Search, values: Mapping[str, Any]) -> Search:
    row = connection.execute(
        sa.update(searches)
        .where(searches.c.id == search.id, searches.c.revision == search.revision)
        .values(**values, revision=search.revision + 1, changed=time.time())
        .returning(searches)
    ).one_or_none()
    if row is None:
        raise ConflictError(
            f"Saved search {search.id} was changed in the meantime; read it again first."
        )
    return _of(row)


def _check(search: Search, user_id: str, revision: int) -> None:
    if search.owner_id != user_id:
        raise ForbiddenError(f"Saved search {search.id} is another user's.")
    if search.revision != revision:
        raise ConflictError(
            f"Saved search {search.id} is at revision {search.revision} and not {revision}: it was "
            "changed in the meantime, so read it again first."
        )


def _match_row(search_id: str, match: Match) -> dict[str, Any]:
    z, y, x = _finite(match.place)
    for name in ("score", "probability"):
        value = getattr(match, name)
        if value is not None and not math.isfinite(value):
            raise DataError(f"The {name} of match {match.rank} is {value}, and must be finite.")
    return {
        "search_id": search_id,
        "rank": match.rank,
        "dataset": checked_text(match.dataset, "dataset", 100),
        "z": z,
        "y": y,
        "x": x,
        "hamming": match.hamming,
        "score": match.score,
        "probability": match.probability,
        "details": _json(dict(match.details or {}), "details"),
    }


def _finite(place: Place) -> Place:
    if len(place) != 3 or not all(math.isfinite(number) for number in place):
        raise DataError(f"A place must be three finite numbers, got {place}.")
    return float(place[0]), float(place[1]), float(place[2])


def _json(value: Any, name: str) -> Any:  # noqa: ANN401 - JSON
    try:
        spelled = json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(f"{name} must be JSON without NaN and infinity: {error}.") from None
    if len(spelled) > MOST_JSON or "\\u0000" in spelled:
        raise DataError(f"{name} must be JSON of at most {MOST_JSON} characters, without U+0000.")
    return value


def _of(row: Row[Any]) -> Search:
    return Search(**{name: getattr(row, name) for name in Search.__dataclass_fields__})
