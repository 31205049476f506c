"""Finds a run of letters in texts without reading them all, on SQLite and PostgreSQL.

SQLite has a table of runs of three letters (FTS5, kept by triggers), PostgreSQL an index of them
(pg_trgm). Both name rows that may hold a text; ``holds`` says which do.
"""

import sqlalchemy as sa
from sqlalchemy import ColumnElement, FromClause, Select

from emqs.annotations.drafts import folded
from emqs.annotations.schema import annotations

NAME = "annotation_texts"
SHORTEST = 3  # letters; shorter texts are in no index

_texts = sa.table(NAME, sa.column("rowid", sa.BigInteger))


def is_text_index(name: str) -> bool:
    """Return whether this is the name of an index that the revisions make by hand."""
    return name == NAME


def holds(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Return the condition that a folded column holds a text, letter by letter."""
    return column.contains(folded(text), autoescape=True)


def candidates(dialect: str, dataset_id: str, text: str) -> Select[tuple[int]] | None:
    """Return a query of the numbers of annotations that may hold a text, or None if it is short."""
    if len(folded(text)) < SHORTEST:
        return None
    if dialect == "sqlite":
        return sa.select(_texts.c.rowid.label("number")).where(_matches(text))
    return sa.select(annotations.c.number).where(
        annotations.c.dataset_id == dataset_id, holds(annotations.c.search_text, text)
    )


def in_order(
    text: str,
) -> tuple[FromClause, ColumnElement[int], list[ColumnElement[bool]]] | None:
    """Return SQLite's table of texts, its numbers and the condition that a text may be in one.

    It gives the numbers in rising or falling order, without sorting. None if the text is short.
    """
    if len(folded(text)) < SHORTEST:
        return None
    return _texts, _texts.c.rowid, [_matches(text)]


def _matches(text: str) -> ColumnElement[bool]:
    phrase = '"' + folded(text).replace('"', '""') + '"'
    return sa.literal_column(NAME).op("MATCH", is_comparison=True)(phrase)
