import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the database needs: pip install 'emqs[serve]'")

import sqlalchemy as sa
from alembic.command import check
from alembic.script import ScriptDirectory

from emqs.annotations.database import Database, newest_revision, without_password
from emqs.annotations.migrating import alembic_config
from emqs.annotations.schema import metadata, server_settings
from emqs.errors import ConfigError, DatabaseError


def settings_of(database: Database) -> dict[str, object]:
    with database.read() as connection:
        return dict(connection.execute(sa.select(server_settings)).tuples().all())


def put(database: Database, key: str, value: object) -> None:
    with database.write() as connection:
        connection.execute(sa.insert(server_settings).values(key=key, value=value))


def test_revisions_make_the_tables_of_the_schema(empty_url: str) -> None:
    database = Database.open(empty_url)
    with database.write() as connection:
        check(alembic_config(connection))  # raises if a revision would change something
    with database.read() as connection:
        names = set(sa.inspect(connection).get_table_names())
    assert set(metadata.tables) <= names
    database.close()


def test_the_newest_revision_is_that_of_the_files(database: Database) -> None:
    with database.write() as connection:
        script = ScriptDirectory.from_config(alembic_config(connection))
    assert newest_revision() == script.get_current_head()


def test_a_database_that_is_up_to_date_is_opened_without_alembic(database_url: str) -> None:
    Database.open(database_url).close()
    code = (
        "import sys\nfrom emqs.annotations.database import Database\n"
        "Database.open(sys.argv[1]).close()\nassert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, database_url], check=True)


def test_a_missing_column_is_noticed(empty_url: str) -> None:
    database = Database.open(empty_url)
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE jobs DROP COLUMN progress_text")
        with pytest.raises(Exception, match="progress_text"):
            check(alembic_config(connection))
    database.close()


def test_what_was_written_is_read_by_another(database: Database, database_url: str) -> None:
    put(database, "a", {"list": [1, 2.5, None, "é\U0001f600"]})
    other = Database.open(database_url)
    assert settings_of(other) == {"a": {"list": [1, 2.5, None, "é\U0001f600"]}}
    other.close()


def test_a_failed_block_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.write() as connection:
            connection.execute(sa.insert(server_settings).values(key="a", value=1))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert settings_of(database) == {}


def test_a_reader_cannot_write_and_a_writer_can_after_it(database: Database) -> None:
    with (  # noqa: PT012 - the error comes from the statement or from the commit
        pytest.raises(sa.exc.DBAPIError, match=r"read.?only"),
        database.read() as connection,
    ):
        try:
            connection.execute(sa.insert(server_settings).values(key="a", value=1))
        except sa.exc.OperationalError as error:
            raise sa.exc.DBAPIError("", None, error.orig) from error
    put(database, "b", 1)
    assert settings_of(database) == {"b": 1}


def test_a_reader_sees_one_moment(database: Database) -> None:
    with database.read() as connection:
        assert connection.execute(sa.select(server_settings)).all() == []
        put(database, "a", 1)
        assert connection.execute(sa.select(server_settings)).all() == []
    assert settings_of(database) == {"a": 1}


def test_not_a_number_is_refused_before_it_is_stored(database: Database) -> None:
    with pytest.raises((ValueError, sa.exc.StatementError), match="not JSON compliant"):
        put(database, "a", float("nan"))


def test_foreign_keys_are_kept(database: Database) -> None:
    with (
        pytest.raises(sa.exc.IntegrityError, match=r"(?i)foreign key"),
        database.write() as connection,
    ):
        connection.exec_driver_sql(
            "INSERT INTO group_members VALUES ('nobody', 'nothing', %s, 0.0)"
            % ("0" if database.kind == "sqlite" else "false")
        )


def test_sqlite_is_durable(sqlite_template: Path) -> None:
    database = Database.open(f"sqlite:///{sqlite_template}")
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    database.close()


def test_a_newer_database_is_refused(empty_url: str) -> None:
    database = Database.open(empty_url)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE emqs_version SET version_num = '9999'")
    database.close()
    with pytest.raises(DatabaseError, match=r"revision 9999, and this emqs knows .* up to 0001"):
        Database.open(empty_url)


OPEN = "import sys; from emqs.annotations.database import Database; Database.open(sys.argv[1])"


@pytest.mark.slow
def test_processes_may_start_at_once(empty_url: str) -> None:
    starts = [
        subprocess.Popen([sys.executable, "-c", OPEN, empty_url], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    assert [start.communicate()[1] for start in starts] == [b""] * 3
    assert [start.returncode for start in starts] == [0] * 3
    database = Database.open(empty_url)
    assert settings_of(database) == {}
    database.close()


WRITE = """
import sys, sqlalchemy as sa
from emqs.annotations.database import Database
from emqs.annotations.schema import server_settings
database = Database.open(sys.argv[1])
for number in range(100000):
    with database.write() as connection:
        connection.execute(sa.insert(server_settings).values(key=f"{number:06}", value=number))
    print(number, flush=True)
"""


@pytest.mark.slow
def test_what_was_acknowledged_survives_kill(empty_url: str) -> None:
    for _ in range(2):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITE, empty_url], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        seen = [int(writer.stdout.readline()) for _ in range(20)]
        time.sleep(0.05)
        writer.kill()
        seen += [int(line) for line in writer.stdout.read().splitlines()]
        writer.stdout.close()
        writer.wait()
        database = Database.open(empty_url)
        stored = {int(key) for key in settings_of(database)}
        assert set(seen) <= stored <= {*seen, max(seen) + 1}
        with database.write() as connection:
            connection.execute(sa.delete(server_settings))
        database.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://u:secret@h/d", "sqlite:/// or postgresql://, got mysql://"),
        ("no url with secret", "is not a URL"),
        ("postgresql://u:secret@h:port/d", "is not a URL"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
    ],
)
def test_bad_urls_are_refused_without_their_password(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Database.open(url)
    assert "secret" not in str(caught.value)


def test_passwords_are_never_shown() -> None:
    url = sa.make_url("postgresql://u:secret1@h/d?password=secret2&sslmode=require")
    assert without_password(url) == "postgresql://u:***@h/d?password=%2A%2A%2A&sslmode=require"
    with pytest.raises(DatabaseError, match=r"u:\*\*\*@127.0.0.1:1/d.* cannot be used") as caught:
        Database.open("postgresql://u:secret1@127.0.0.1:1/d?password=secret1")
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "emqs.db"
    path.write_bytes(b"this is a text and not a database at all" * 100)
    with pytest.raises(DatabaseError, match="not a database"):
        Database.open(f"sqlite:///{path}")


def test_too_few_connections_are_a_clear_error(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emqs.annotations.database.BUSY_WAIT_S", 0.1)
    database = Database.open(database_url, pool_size=1)
    with (
        database.read(),
        database.read(),
        pytest.raises(DatabaseError, match=r"All connections .* were in use for 0.1 s"),
        database.read(),
    ):
        pass
    database.close()


def test_writers_of_a_process_go_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/emqs.db")
    turns = database._writers
    assert turns is not None
    threads = [threading.Thread(target=put, args=(database, f"{n:02d}", n)) for n in range(12)]
    with database.write():
        for number, thread in enumerate(threads):
            thread.start()
            end = time.monotonic() + 20
            while turns.n_waiting <= number:
                assert time.monotonic() < end
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    with database.read() as connection:
        query = sa.select(server_settings.c.key).order_by(sa.literal_column("rowid"))
        assert list(connection.scalars(query)) == [f"{n:02d}" for n in range(12)]
    database.close()


def test_a_writer_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emqs.annotations.database.BUSY_WAIT_S", 0.1)
    database = Database.open(f"sqlite:///{tmp_path}/emqs.db")
    with database.write():  # noqa: SIM117 - the first is held
        with pytest.raises(DatabaseError, match=r"Others have written .* for 0.1 s"):
            put(database, "a", 1)
    put(database, "a", 1)
    database.close()


def test_a_writer_does_not_wait_for_ever_for_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emqs.annotations.database.BUSY_WAIT_S", 0.1)
    database = Database.open(f"sqlite:///{tmp_path}/emqs.db")
    with closing(sqlite3.connect(tmp_path / "emqs.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match=r"Others have written .* for 0.1 s; try again"):
            put(database, "a", 1)
    put(database, "a", 1)
    database.close()
