"""Which annotations are asked for: what a list, an export and a view have in common."""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Select

from emqs.annotations import morton, text_index
from emqs.annotations.drafts import OTHER_NAMES
from emqs.annotations.records import Place
from emqs.annotations.schema import ATLAS_STATES, KINDS, annotation_tags, annotations
from emqs.errors import DataError

EVERYWHERE = ((-math.inf,) * 3, (math.inf,) * 3)
FARTHEST = 1e300  # instead of infinity, which JSON lacks
RANGES_OF_LARGE = 8  # for each class of annotations that reach farther than a point
LONGEST_TEXT = 400


@dataclass(frozen=True)
class Filter:
    """What an annotation must be to be listed; everything that is given must hold.

    Attributes:
        owners: Whose sandboxes are looked at: those that the asking user may see.
        text: A run of letters in title, description or a tag; small and capital are the same.
        tags: All of these.
        kinds: One of these; all if empty.
        atlas_states: One of these; ``""`` is "not submitted"; all if empty.
        colour_class: Exactly this; None: any.
        layer_id: Of this layer; None: any.
        start: First corner of a box, Z Y X in voxels, or None; what touches the box is listed.
        stop: First coordinate outside that box along each axis.
        z_range: First slice and first slice after, or None.
        changed_since: Seconds since 1970; changed at that time or later.
        after_change: Number of a change; changed after it.
        deleted: False: those that are not; True: only those that are; None: both.
    """

    owners: frozenset[str]
    text: str = ""
    tags: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    atlas_states: tuple[str, ...] = ()
    colour_class: str | None = None
    layer_id: str | None = None
    start: Place | None = None
    stop: Place | None = None
    z_range: tuple[float, float] | None = None
    changed_since: float | None = None
    after_change: int | None = None
    deleted: bool | None = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            DataError: If a word is unknown, a box is half given or not a number, a text too long.
        """
        kinds = tuple(dict.fromkeys(OTHER_NAMES.get(kind, kind) for kind in self.kinds))
        object.__setattr__(self, "kinds", kinds)
        for name, given, allowed in (
            ("kind", kinds, KINDS),
            ("atlas_state", self.atlas_states, ("", *ATLAS_STATES)),
        ):
            for word in given:
                if word not in allowed:
                    raise DataError(f"{name} must be one of {', '.join(allowed)}, got {word!r}.")
        if (self.start is None) != (self.stop is None):
            raise DataError("A box needs both corners, start and stop.")
        numbers = [*(self.start or ()), *(self.stop or ()), *(self.z_range or ())]
        if any(math.isnan(number) for number in numbers):
            raise DataError("A corner of the box is not a number.")
        for text in (self.text, *self.tags):
            if len(text) > LONGEST_TEXT or "\0" in text:
                raise DataError(
                    f"A text to look for has at most {LONGEST_TEXT} characters and none is U+0000."
                )

    @property
    def box(self) -> tuple[Place, Place] | None:
        """The box and the slices asked for as one box, or None: everywhere."""
        if self.start is None and self.z_range is None:
            return None
        start, stop = list(self.start or EVERYWHERE[0]), list(self.stop or EVERYWHERE[1])
        if self.z_range is not None:
            start[0], stop[0] = max(start[0], self.z_range[0]), min(stop[0], self.z_range[1])
        return (start[0], start[1], start[2]), (stop[0], stop[1], stop[2])

    def digest(self) -> str:
        """Return a short name of this filter, so that pages of another are not mixed in."""
        fields = asdict(self) | {"owners": sorted(self.owners)}
        spelled = json.dumps(fields, sort_keys=True)
        return hashlib.sha256(spelled.encode()).hexdigest()[:12]


def conditions(dataset_id: str, where: Filter) -> list[ColumnElement[bool]]:
    """Return everything that must hold of a row, but its owner."""
    c = annotations.c
    fitting = [c.dataset_id == dataset_id, *_plain(where), *_of_texts(dataset_id, where)]
    if where.changed_since is not None:
        fitting.append(c.changed >= where.changed_since)
    if where.after_change is not None:
        fitting.append(c.change > where.after_change)
    if where.box is not None:
        fitting += touches(*where.box)
    return fitting


def _plain(where: Filter) -> Iterator[ColumnElement[bool]]:
    c = annotations.c
    if where.deleted is not None:
        yield c.deleted.is_not(None) if where.deleted else c.deleted.is_(None)
    if where.kinds:
        yield _one_of(c.kind, where.kinds)
    if where.atlas_states:
        yield _one_of(c.atlas_state, where.atlas_states)
        if "" not in where.atlas_states:
            yield c.atlas_state != sa.literal_column("''")  # an index has only these
    if where.colour_class is not None:
        yield c.colour_class == where.colour_class
        if where.colour_class:
            yield c.colour_class != sa.literal_column("''")  # likewise
    if where.layer_id is not None:
        yield c.layer_id == where.layer_id


def _of_texts(dataset_id: str, where: Filter) -> Iterator[ColumnElement[bool]]:
    c = annotations.c
    if where.text:
        yield text_index.holds(c.search_text, where.text)
    for tag in where.tags:
        tags = annotation_tags.alias().c
        yield sa.exists().where(
            tags.dataset_id == dataset_id, tags.tag == tag, tags.number == c.number
        )


def _one_of(column: ColumnElement[str], words: Sequence[str]) -> ColumnElement[bool]:
    return column == words[0] if len(words) == 1 else column.in_(words)


def touches(start: Place, stop: Place) -> Iterator[ColumnElement[bool]]:
    """Return the conditions that an annotation, or the box around it, touches a box."""
    c = annotations.c
    for axis, first, end in zip("zyx", start, stop, strict=True):
        if not first < end:
            yield sa.false()
        if not math.isinf(first):
            yield c[f"high_{axis}"] >= first
        if not math.isinf(end):
            yield c[f"low_{axis}"] < end


def near(connection: Connection, dataset_id: str, start: Place, stop: Place) -> Select[tuple[int]]:
    """Return a query of the numbers of what touches a box, and of some more beside it.

    Z-order codes name them: one set of ranges for each class of sizes, made wider by as much as an
    annotation of the class reaches.
    """
    rows: list[tuple[int, float, float]] = []
    for size in range(_largest(connection, dataset_id) + 1):
        wider = 0 if size == 0 else 8**size + 1
        ranges = morton.ranges(
            [first - wider for first in start],
            [end + wider for end in stop],
            RANGES_OF_LARGE if size else morton.MOST_RANGES,
        )
        rows += [(size, first, last) for first, last in ranges]
    return _between(connection.dialect.name, dataset_id, "morton", rows)


def of_slices(
    connection: Connection, dataset_id: str, first: float, end: float
) -> Select[tuple[int]]:
    """Return a query of the numbers of what touches slices from one to before another."""
    rows: list[tuple[int, float, float]] = []
    for size in range(_largest(connection, dataset_id) + 1):
        wider = 0 if size == 0 else 2 * 8**size + 2
        rows.append((size, max(first - wider, -FARTHEST), min(end, FARTHEST)))
    return _between(connection.dialect.name, dataset_id, "low_z", rows)


def _largest(connection: Connection, dataset_id: str) -> int:
    """Return the largest class of sizes that a dataset has."""
    c = annotations.c
    query = (
        sa.select(c.size_class)
        .where(c.dataset_id == dataset_id, c.deleted.is_(None))
        .order_by(c.size_class.desc())
        .limit(1)
    )
    return connection.scalar(query) or 0


_SQLITE_RANGES = """
SELECT a.number AS number FROM json_each(:rows) AS r CROSS JOIN annotations AS a
WHERE a.dataset_id = :dataset_id AND a.deleted IS NULL
AND a.size_class = json_extract(r.value, '$[0]')
AND a.{column} BETWEEN json_extract(r.value, '$[1]') AND json_extract(r.value, '$[2]')
"""
_POSTGRESQL_RANGES = """
SELECT a.number AS number
FROM unnest(CAST(:sizes AS int[]), CAST(:firsts AS {type}[]), CAST(:lasts AS {type}[]))
AS r(size, first, last)
CROSS JOIN LATERAL (
    SELECT b.number FROM annotations AS b
    WHERE b.dataset_id = :dataset_id AND b.deleted IS NULL
    AND b.size_class = r.size AND b.{column} BETWEEN r.first AND r.last OFFSET 0
) AS a
"""


def _between(
    dialect: str, dataset_id: str, column: str, rows: Sequence[tuple[int, float, float]]
) -> Select[tuple[int]]:
    """Return a query of annotations of some size with a column in some range.

    The text of the query is the same for any number of ranges, and each range is read by the index
    (dataset, size, column), in this order and no other: hence CROSS JOIN and OFFSET 0.
    """
    values: dict[str, Any] = {"dataset_id": dataset_id}
    if dialect == "sqlite":
        text = _SQLITE_RANGES.format(column=column)
        values["rows"] = json.dumps(rows)
    else:
        kind = "bigint" if column == "morton" else "double precision"
        text = _POSTGRESQL_RANGES.format(column=column, type=kind)
        for name, at in (("sizes", 0), ("firsts", 1), ("lasts", 2)):
            values[name] = [row[at] for row in rows]
    query = sa.text(text).bindparams(**values).columns(sa.column("number", sa.BigInteger))
    return sa.select(query.subquery().c.number)


def candidates(
    connection: Connection, dataset_id: str, where: Filter
) -> Iterator[Select[tuple[int]]]:
    """Yield queries of numbers that may fit, each by another index; all that fit are in each."""
    if where.box is not None and where.deleted is False:
        start, stop = where.box
        yield near(connection, dataset_id, start, stop)
        if not (math.isinf(start[0]) and math.isinf(stop[0])):
            yield of_slices(connection, dataset_id, start[0], stop[0])
    for tag in where.tags:
        yield sa.select(annotation_tags.c.number).where(
            annotation_tags.c.dataset_id == dataset_id, annotation_tags.c.tag == tag
        )
    if where.text:
        by_text = text_index.candidates(connection.dialect.name, dataset_id, where.text)
        if by_text is not None:
            yield by_text
    yield from _by_columns(dataset_id, where)


def _by_columns(dataset_id: str, where: Filter) -> Iterator[Select[tuple[int]]]:
    """Yield queries by the indexes of one column each."""
    c = annotations.c
    owned = sa.select(c.number).where(
        c.dataset_id == dataset_id, c.owner_id.in_(sorted(where.owners))
    )
    if where.changed_since is not None:
        yield owned.where(c.changed >= where.changed_since)
    if where.after_change is not None:
        yield owned.where(c.change > where.after_change)
    if where.atlas_states and "" not in where.atlas_states:
        yield owned.where(
            *_plain(Filter(where.owners, atlas_states=where.atlas_states, deleted=None))
        )
    if where.colour_class:
        yield owned.where(
            *_plain(Filter(where.owners, colour_class=where.colour_class, deleted=None))
        )
    if where.layer_id is not None:
        yield sa.select(c.number).where(c.layer_id == where.layer_id)
    if where.kinds and where.deleted is False:
        yield owned.where(*_plain(Filter(where.owners, kinds=where.kinds)))


def among(dialect: str, numbers: Select[tuple[int]]) -> ColumnElement[bool]:
    """Return the condition that a row is one of a query's, which is run once and first."""
    if dialect == "sqlite":
        return annotations.c.number.in_(numbers)
    array = sa.func.array(numbers.scalar_subquery(), type_=sa.ARRAY(sa.BigInteger))
    return annotations.c.number == sa.any_(array)
