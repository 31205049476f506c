"""Bringing a database to the newest revision; imported only where one is not there yet.

Alembic takes a fifth of a second to import, and a server starts every day but migrates once a year.
"""

import logging
from pathlib import Path

from alembic.command import upgrade
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from emqs.annotations.database import VERSION_TABLE
from emqs.errors import DatabaseError

MIGRATIONS = Path(__file__).parent / "migrations"

logger = logging.getLogger(__name__)


def alembic_config(connection: Connection) -> Config:
    """Return the settings of Alembic for commands on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    return config


def migrate(connection: Connection, shown: str) -> None:
    """Bring a database to the newest revision; nobody else may be at work in it.

    Args:
        connection: A transaction; foreign keys are off.
        shown: The database, for messages.

    Raises:
        DatabaseError: If its revision is unknown, so newer than this emqs.
    """
    config = alembic_config(connection)
    script = ScriptDirectory.from_config(config)
    newest = script.get_current_head()
    options = {"version_table": VERSION_TABLE}
    current = MigrationContext.configure(connection, opts=options).get_current_revision()
    if current == newest:
        return
    known = {revision.revision for revision in script.walk_revisions()}
    if current is not None and current not in known:
        raise DatabaseError(
            f"The database {shown} is at revision {current}, and this emqs knows revisions "
            f"up to {newest}: a newer emqs has written it, so install that release, or "
            "restore a backup made before."
        )
    logger.info("database %s: revision %s to %s", shown, current, newest)
    upgrade(config, "head")
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise DatabaseError(
                f"The database {shown} would have {len(broken)} rows that name missing "
                f"rows after revision {newest}; nothing was changed, so restore a backup."
            )
