"""Runs revisions on a connection that the caller has opened and locked."""

from collections.abc import Mapping
from typing import Any

from alembic import context

from emqs.annotations.database import VERSION_TABLE
from emqs.annotations.schema import metadata
from emqs.annotations.text_index import is_text_index


def _ours(name: str | None, kind: str, parents: Mapping[Any, str | None]) -> bool:
    """Return whether something in the database belongs to emqs; a database may be shared."""
    if kind == "table":
        return name in metadata.tables
    if kind == "index" and name is not None:
        return not is_text_index(name)
    return parents.get("table_name") is None or parents["table_name"] in metadata.tables


def run() -> None:
    """Run what the caller of Alembic asked for, in the caller's transaction."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        render_as_batch=True,
        include_name=_ours,
        transactional_ddl=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
