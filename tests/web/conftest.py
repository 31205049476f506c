"""Tests of the server need its packages; where they are not installed, they are left out."""

from importlib.util import find_spec

if find_spec("fastapi") is None or find_spec("httpx2") is None:
    collect_ignore_glob = ["test_*.py"]  # pip install 'emqs[serve]'
else:
    from web.fixtures import (  # noqa: F401
        database,
        database_url,
        empty_postgres,
        empty_url,
        filled_postgres,
        filled_sqlite,
        live,
        local,
        made,
        peopled_postgres,
        peopled_sqlite,
        postgres,
        postgres_template,
        quick_passwords,
        sqlite_template,
        volumes,
    )
