"""Pages of annotations, in order, however many there are.

A page is asked for by the last row of the one before (a cursor), not by counting rows: a row that
is there from the first page to the last, and not changed, comes exactly once.

Three ways lead to a page. If a box, a tag or a text leaves few rows, these are taken by that index,
checked and sorted. If a tag or a text leaves many, and the order is that of creation, they are read
in the order in which the index of tags or texts has them. Otherwise rows are read in the order
asked for, those of each owner and kind by an index. The last two check rows until the page is full;
this is slow only if conditions that each hold for many rows hold together for almost none.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select

from emqs.annotations import text_index
from emqs.annotations.filters import Filter, candidates, conditions
from emqs.annotations.records import Annotation
from emqs.annotations.schema import annotation_tags, annotations
from emqs.errors import DataError

FEW = 10_000  # rows that are taken by an index, and of which as many are read as a page has
FIRST_LOOK = 2000  # numbers that are fetched before it is asked whether there are too many
FEW_SORTED = 3000  # rows that are all read, and sorted by something else
MOST_ROWS = 1000  # of a page
MOST_OWNERS = 120  # by four kinds; SQLite joins at most 500 queries
SORTS: dict[str, tuple[str, ...]] = {  # what is sorted by; the last differs for every row
    "created": ("number",),
    "changed": ("change", "number"),
    "title": ("title_key", "number"),
    "kind": ("kind", "number"),
}


@dataclass(frozen=True)
class Page:
    """Some rows, and where the next ones begin.

    Attributes:
        rows: In the order asked for.
        cursor: To ask for the next page with; None: these were the last.
    """

    rows: tuple[Annotation, ...]
    cursor: str | None


@dataclass(frozen=True)
class _Order:
    names: tuple[str, ...]
    descending: bool
    after: tuple[Any, ...] | None

    def by(self, columns: Any, *, no_index: bool = False) -> list[ColumnElement[Any]]:  # noqa: ANN401
        """Return what to order by; ``no_index``: SQLite must not walk an index in this order."""
        keys: list[ColumnElement[Any]] = [columns[name] for name in self.names]
        if no_index:
            keys = [sa.literal_column(f"+annotations.{name}") for name in self.names]
        return [key.desc() if self.descending else key for key in keys]

    def beyond(self) -> list[ColumnElement[bool]]:
        """Return the condition that a row comes after the cursor."""
        if self.after is None:
            return []
        keys = [annotations.c[name] for name in self.names]
        if len(keys) == 1:
            return [keys[0] < self.after[0] if self.descending else keys[0] > self.after[0]]
        left, right = sa.tuple_(*keys), sa.tuple_(*self.after)
        return [left < right if self.descending else left > right]


def page(
    connection: Connection,
    dataset_id: str,
    where: Filter,
    *,
    sort: str = "created",
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """Return a page of the annotations that fit.

    Args:
        connection: Of ``Database.read``.
        dataset_id: The dataset; that the user may read it was checked before.
        where: What they must be.
        sort: ``created``, ``changed``, ``title`` or ``kind``; with ``-`` in front in falling order.
        limit: Rows at most, 1 to 1000.
        cursor: Of the page before; None: the first page.

    Raises:
        DataError: If sort or limit is none of these, or the cursor is of another list.
    """
    if not 1 <= limit <= MOST_ROWS:
        raise DataError(f"limit must be from 1 to {MOST_ROWS}, got {limit}.")
    order = _order(sort, where, cursor)
    if not where.owners:
        return Page((), None)
    most = FEW if order.names == ("number",) else FEW_SORTED
    numbers = _few(connection, dataset_id, where, most)
    driver = None if numbers is not None else _driver(connection, dataset_id, where, order)
    if numbers is not None:
        rows = _sorted(connection, dataset_id, where, order, numbers, limit + 1)
    elif driver is not None:
        rows = _driven(connection, dataset_id, where, order, driver, limit + 1)
    else:
        rows = _in_order(connection, dataset_id, where, order, limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    token = None if last is None else _spelled(sort, where, last, order)
    return Page(tuple(Annotation.of(row) for row in rows[:limit]), token)


def count(
    connection: Connection, dataset_id: str, where: Filter, most: int = 10_000
) -> tuple[int, bool]:
    """Return how many annotations fit, and whether that is all of them.

    Counting ends at ``most``: who shows it says "more than 10,000".
    """
    if not where.owners:
        return 0, True
    numbers = _few(connection, dataset_id, where, 3 * FEW)
    chosen = [] if numbers is None else [_numbered(connection.dialect.name, numbers)]
    fitting = (
        sa.select(annotations.c.number)
        .where(*conditions(dataset_id, where), _owned(where), *chosen)
        .limit(most + 1)
    )
    counted = connection.scalar(sa.select(sa.func.count()).select_from(fitting.subquery())) or 0
    return min(counted, most), counted <= most


def each(
    connection: Connection, dataset_id: str, where: Filter, *, sort: str = "created"
) -> Iterator[Annotation]:
    """Yield every annotation that fits, a thousand in memory at most.

    In one transaction of ``Database.read`` all of them are of the same moment.
    """
    cursor = None
    while True:
        rows = page(connection, dataset_id, where, sort=sort, limit=MOST_ROWS, cursor=cursor)
        yield from rows.rows
        cursor = rows.cursor
        if cursor is None:
            return


def _few(connection: Connection, dataset_id: str, where: Filter, most: int) -> list[int] | None:
    """Return the numbers of rows that may fit if an index says that they are at most so many."""
    first = min(most, FIRST_LOOK)
    for query in candidates(connection, dataset_id, where):
        numbers = _gathered(connection, query.limit(first + 1))
        if len(numbers) <= first:
            return numbers
        if first < most and connection.scalar(query.offset(most).limit(1)) is None:
            return _gathered(connection, query)
    return None


def _gathered(connection: Connection, query: Select[tuple[int]]) -> list[int]:
    """Return the numbers of a query, fetched as one text: rows would take longer than reading."""
    gather = sa.func.json_group_array if connection.dialect.name == "sqlite" else sa.func.json_agg
    named = query.subquery()
    text = connection.scalar(sa.select(sa.cast(gather(named.c.number), sa.Text)))
    return list(json.loads(text or "[]"))


def _numbered(dialect: str, numbers: Sequence[int]) -> ColumnElement[bool]:
    """Return the condition that a row has one of some numbers, however many."""
    if dialect == "sqlite":
        listed = sa.func.json_each(json.dumps(list(numbers))).table_valued("value")
        return annotations.c.number.in_(sa.select(listed.c.value))
    array = sa.cast(sa.literal(list(numbers), sa.ARRAY(sa.BigInteger)), sa.ARRAY(sa.BigInteger))
    return annotations.c.number == sa.any_(array)


def _driver(
    connection: Connection, dataset_id: str, where: Filter, order: _Order
) -> tuple[FromClause, ColumnElement[int], list[ColumnElement[bool]]] | None:
    """Return what names rows in the order of creation: a table, its numbers, its conditions."""
    if order.names != ("number",):
        return None
    if where.tags:
        c = annotation_tags.c
        return annotation_tags, c.number, [c.dataset_id == dataset_id, c.tag == where.tags[0]]
    if where.text and connection.dialect.name == "sqlite":
        return text_index.in_order(where.text)
    return None


def _driven(
    connection: Connection,
    dataset_id: str,
    where: Filter,
    order: _Order,
    driver: tuple[FromClause, ColumnElement[int], list[ColumnElement[bool]]],
    limit: int,
) -> list[Row[Any]]:
    """Return rows that another index names in their order."""
    table, number, named = driver
    query = (
        sa.select(annotations)
        # the plus: SQLite must go from the index to the rows
        .join_from(table, annotations, annotations.c.number == number.op("+")(0))
        .where(*named, *conditions(dataset_id, where), _owned(where))
        .order_by(number.desc() if order.descending else number)
        .limit(limit)
    )
    if order.after is not None:
        after = order.after[0]
        query = query.where(number < after if order.descending else number > after)
    return list(connection.execute(query).all())


def _owned(where: Filter) -> ColumnElement[bool]:
    return annotations.c.owner_id.in_(sorted(where.owners))


def _sorted(
    connection: Connection,
    dataset_id: str,
    where: Filter,
    order: _Order,
    numbers: list[int],
    limit: int,
) -> list[Row[Any]]:
    """Return rows of which the numbers are known.

    In the order of creation no more of them are read than it takes to fill the page.
    """
    if order.names != ("number",):
        fitting = conditions(dataset_id, where)
        chosen = (
            sa.select(annotations.c.number)
            .where(_numbered(connection.dialect.name, numbers), *fitting, _owned(where))
            .where(*order.beyond())
            .order_by(*order.by(annotations.c, no_index=connection.dialect.name == "sqlite"))
            .limit(limit)
        )
        return _rows(connection, chosen, order)
    in_turn = sorted(numbers, reverse=order.descending)
    if order.after is not None:
        after = order.after[0]
        in_turn = [n for n in in_turn if (n < after if order.descending else n > after)]
    rows: list[Row[Any]] = []
    first, step = 0, 2 * limit
    while first < len(in_turn) and len(rows) < limit:
        part = _numbered(connection.dialect.name, in_turn[first : first + step])
        chosen = (
            sa.select(annotations.c.number)
            .where(part, *conditions(dataset_id, where), _owned(where))
            .order_by(*order.by(annotations.c, no_index=connection.dialect.name == "sqlite"))
            .limit(limit - len(rows))
        )
        rows += _rows(connection, chosen, order)
        first, step = first + step, 2 * step
    return rows


def _in_order(
    connection: Connection, dataset_id: str, where: Filter, order: _Order, limit: int
) -> list[Row[Any]]:
    """Return rows read by an index of their order, the owners' joined."""
    owners = sorted(where.owners)
    rows: list[Row[Any]] = []
    by_kind = [replace(where, kinds=(kind,)) for kind in where.kinds] or [where]
    for first in range(0, len(owners), MOST_OWNERS):
        parts = [
            sa.select(annotations.c.number, *(annotations.c[name] for name in order.names[:-1]))
            .where(annotations.c.owner_id == owner, *conditions(dataset_id, one))
            .where(*order.beyond())
            .order_by(*order.by(annotations.c))
            .limit(limit)
            .subquery()
            for owner in owners[first : first + MOST_OWNERS]
            for one in by_kind
        ]
        joined = sa.union_all(*(sa.select(part) for part in parts)).subquery()
        chosen = sa.select(joined.c.number).order_by(*order.by(joined.c)).limit(limit)
        rows += _rows(connection, chosen, order)
    return _in_memory(rows, order)[:limit]


def _rows(connection: Connection, numbers: Select[tuple[int]], order: _Order) -> list[Row[Any]]:
    """Return whole rows by their numbers: sorting numbers alone is less work for a database."""
    chosen = numbers.subquery()
    query = sa.select(annotations).join(chosen, annotations.c.number == chosen.c.number)
    return _in_memory(connection.execute(query).all(), order)


def _in_memory(rows: Sequence[Row[Any]], order: _Order) -> list[Row[Any]]:
    return sorted(
        rows, key=lambda row: [getattr(row, name) for name in order.names], reverse=order.descending
    )


def _order(sort: str, where: Filter, cursor: str | None) -> _Order:
    names = SORTS.get(sort.removeprefix("-"))
    if names is None:
        raise DataError(
            f"sort must be one of {', '.join(SORTS)}, or one of them after a minus, got {sort!r}."
        )
    order = _Order(names, sort.startswith("-"), None)
    return order if cursor is None else replace(order, after=_read(cursor, sort, where, names))


def _spelled(sort: str, where: Filter, row: Row[Any], order: _Order) -> str:
    fields = [sort, where.digest(), *(getattr(row, name) for name in order.names)]
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")


def _read(cursor: str, sort: str, where: Filter, names: tuple[str, ...]) -> tuple[Any, ...]:
    """Return where a cursor stands.

    Raises:
        DataError: If it is none, or belongs to another order or filter.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        fields = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        of_sort, of_filter, *after = fields
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise DataError("after is not a cursor; take the one that the page before gave.") from None
    if of_sort != sort or of_filter != where.digest():
        raise DataError(
            "after is a cursor of another list: filter and sort must stay the same from page to "
            "page, so begin again without it."
        )
    types = [str if name in ("title_key", "kind") else int for name in names]
    if [type(value) for value in after] != types:
        raise DataError("after is not a cursor; take the one that the page before gave.")
    return tuple(after)
