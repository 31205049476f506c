"""First revision: every table as it is in ``schema_0001``, and the index of texts."""

from alembic import op

from emqs.annotations.migrations.schema_0001 import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A text is looked up by its runs of three letters: FTS5 on SQLite, pg_trgm on PostgreSQL.
SQLITE = (
    "CREATE VIRTUAL TABLE annotation_texts USING fts5("
    "search_text, content='annotations', content_rowid='number', tokenize='trigram')",
    "CREATE TRIGGER annotation_texts_insert AFTER INSERT ON annotations BEGIN "
    "INSERT INTO annotation_texts(rowid, search_text) VALUES (new.number, new.search_text); END",
    "CREATE TRIGGER annotation_texts_delete AFTER DELETE ON annotations BEGIN "
    "INSERT INTO annotation_texts(annotation_texts, rowid, search_text) "
    "VALUES ('delete', old.number, old.search_text); END",
    "CREATE TRIGGER annotation_texts_update AFTER UPDATE OF search_text ON annotations "
    "WHEN old.search_text <> new.search_text BEGIN "
    "INSERT INTO annotation_texts(annotation_texts, rowid, search_text) "
    "VALUES ('delete', old.number, old.search_text); "
    "INSERT INTO annotation_texts(rowid, search_text) VALUES (new.number, new.search_text); END",
)
POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX annotation_texts ON annotations USING gin (search_text gin_trgm_ops)",
)


def upgrade() -> None:
    """Make all tables in an empty database."""
    connection = op.get_bind()
    metadata.create_all(connection)
    for statement in SQLITE if connection.dialect.name == "sqlite" else POSTGRESQL:
        connection.exec_driver_sql(statement)
