from support.postgres import (  # noqa: F401
    database,
    database_url,
    empty_postgres,
    empty_url,
    filled_postgres,
    postgres,
    postgres_template,
    sqlite_template,
)
from support.worlds import world  # noqa: F401
