"""Answers that are kept until the database changes, whoever changes it."""

import pytest
import sqlalchemy as sa
from support.postgres import run_on

from emqs.annotations.database import Database
from emqs.annotations.schema import server_settings
from emqs.errors import NotFoundError
from emqs.web import recent as recents
from emqs.web.recent import Recent


def put(database: Database, value: int) -> None:
    with database.write() as connection:
        connection.execute(sa.delete(server_settings))
        connection.execute(sa.insert(server_settings).values(key="a", value=value))


def value_of(database: Database) -> int | None:
    with database.read() as connection:
        return connection.scalar(sa.select(server_settings.c.value))


def test_it_asks_again_after_every_commit_of_anybody(database: Database, database_url: str) -> None:
    other = Database.open(database_url)
    asked: list[int | None] = []
    kept = Recent(database)

    def look() -> int | None:
        asked.append(value_of(database))
        return asked[-1]

    assert kept.get("a", look) is None
    for number, writer in enumerate((database, other, database, other)):
        put(writer, number)
        for _ in range(3):
            assert kept.get("a", look) == number
        assert len(asked) == number + 2
    assert kept.get("b", look) == 3
    assert len(asked) == 6
    other.close()


def test_what_is_rolled_back_is_not_seen(database: Database) -> None:
    kept = Recent(database)
    put(database, 1)

    def fail() -> None:
        with database.write() as connection:
            connection.execute(sa.update(server_settings).values(value=2))
            assert kept.get("a", lambda: value_of(database)) == 1
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert kept.get("a", lambda: value_of(database)) == 1


def test_errors_are_not_kept_and_time_passes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Recent(database)

    def fail() -> int:
        raise NotFoundError("no")

    with pytest.raises(NotFoundError):
        kept.get("a", fail)
    assert kept.get("a", lambda: 1) == 1
    assert kept.get("a", lambda: 2) == 1
    later = recents.time.monotonic() + recents.KEPT_S + 0.1
    monkeypatch.setattr(recents.time, "monotonic", lambda: later)
    assert kept.get("a", lambda: 2) == 2


def test_it_does_not_grow_without_end(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recents, "MOST", 5)
    kept = Recent(database)
    for number in range(12):
        kept.get(number, lambda: 0)
    assert len(kept._kept) <= 5


@pytest.mark.slow
def test_a_database_that_closed_the_connection_is_asked_again(empty_postgres: str) -> None:
    database = Database.open(empty_postgres)
    assert database.moment() == database.moment()
    process = database._watching.dbapi_connection.info.backend_pid
    run_on(empty_postgres, f"SELECT pg_terminate_backend({process})")
    assert database.moment() is not None
    assert database._watching.dbapi_connection.info.backend_pid != process
    database.close()
