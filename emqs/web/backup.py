"""A backup of a server: its database and what lies in its home folder, in one folder."""

import json
import os
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

from sqlalchemy.engine import URL, make_url

import emqs
from emqs.annotations.database import Database
from emqs.errors import ConfigError, DataError
from emqs.files import replacing
from emqs.web.home import Home

RECORD = "backup.json"  # written last: a backup without it is none
SQLITE, POSTGRES = "emqs.db", "emqs.dump"
FOLDERS = ("datasets", "layers")
FORMAT = "emqs-backup"
VERSION = 1


def write(home: Home, out: Path) -> Path:
    """Back up a server, which may be at work.

    Args:
        home: Of the server.
        out: Folder to make; must not exist.

    Returns:
        The folder.

    Raises:
        ConfigError: If it exists, or there is no database to back up.
        DataError: If ``pg_dump`` fails, or the disk is full.
    """
    if out.exists():
        raise ConfigError(f"out={out} exists already. Name a folder that does not.")
    url = make_url(home.database_url)
    kind = url.get_backend_name()
    if kind == "sqlite" and not Path(str(url.database)).is_file():
        raise ConfigError(f"There is no server in {home.folder}: it has no emqs.db.")
    out.mkdir(parents=True, mode=0o700)
    try:
        if kind == "sqlite":
            _copy_sqlite(Path(str(url.database)), out / SQLITE)
        else:
            _postgres("pg_dump", url, ["--format=custom", f"--file={out / POSTGRES}"])
        for name in FOLDERS:
            if (home.folder / name).is_dir():
                shutil.copytree(home.folder / name, out / name, symlinks=True)
        record = {
            "format": FORMAT,
            "version": VERSION,
            "emqs": emqs.__version__,
            "database": kind,
            "at": time.time(),
        }
        (out / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        shutil.rmtree(out, ignore_errors=True)
        raise DataError(f"The backup {out} cannot be written: {error.strerror}.") from None
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise
    return out


def restore(home: Home, source: Path) -> None:
    """Bring a backup back, into a home folder and a database that hold nothing.

    Args:
        home: Of the server, which must not be at work.
        source: Folder that ``write`` made.

    Raises:
        ConfigError: If there is something already, or the backup is of another kind of database.
        DataError: If the backup is none, or ``pg_restore`` fails.
    """
    record = _record(source)
    url = make_url(home.database_url)
    kind = url.get_backend_name()
    if record["database"] != kind:
        raise ConfigError(
            f"The backup {source} is of {record['database']}, and cannot go into {kind}."
        )
    taken = [name for name in FOLDERS if (home.folder / name).is_dir()]
    taken = [name for name in taken if any((home.folder / name).iterdir())]
    if taken or (kind == "sqlite" and Path(str(url.database)).exists()):
        raise ConfigError(f"home={home.folder} holds a server already. Name an empty folder.")
    home.make()
    if kind == "sqlite":
        with replacing(Path(str(url.database))) as temporary:
            _copy_sqlite(source / SQLITE, temporary)
    else:
        _postgres("pg_restore", url, ["--exit-on-error", "--no-owner", str(source / POSTGRES)])
    for name in FOLDERS:
        if (source / name).is_dir():
            shutil.copytree(source / name, home.folder / name, symlinks=True, dirs_exist_ok=True)
    Database.open(home.database_url).close()  # brings an older one to the newest revision


def _record(source: Path) -> dict[str, str]:
    """Return what a backup says of itself."""
    try:
        record = json.loads((source / RECORD).read_text(encoding="utf-8"))
        known = record["format"], record["version"]
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(f"{source} is no backup, or one that was not finished.") from None
    if known != (FORMAT, VERSION) or record.get("database") not in ("sqlite", "postgresql"):
        raise DataError(f"{source} is a backup of a newer emqs ({known}).")
    return dict(record)


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database of one moment, also while others write to it; check the copy."""
    try:
        before = sqlite3.connect(f"file:{source.absolute()}?mode=ro", uri=True)
        after = sqlite3.connect(target)
        try:
            before.backup(after)
            fine = after.execute("PRAGMA integrity_check").fetchone()[0]
        finally:
            before.close()
            after.close()
    except sqlite3.Error as error:
        raise DataError(f"{source} cannot be copied: {error}.") from None
    if fine != "ok":
        raise DataError(f"{source} is damaged: {fine}.")


def _postgres(program: str, url: URL, arguments: list[str]) -> None:
    """Run a program of PostgreSQL; the password is in its environment alone.

    Raises:
        ConfigError: If the program is not installed.
        DataError: If it fails.
    """
    environment = dict(os.environ)
    for name, value in (
        ("PGHOST", url.host),
        ("PGPORT", url.port),
        ("PGUSER", url.username),
        ("PGPASSWORD", url.password),
        ("PGDATABASE", url.database),
    ):
        if value is not None:
            environment[name] = str(value)
    if program == "pg_restore":
        arguments = [f"--dbname={url.database}", *arguments]
    try:
        done = subprocess.run(
            [program, *arguments], env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise ConfigError(
            f"{program} is not installed; it comes with PostgreSQL's client programs."
        ) from None
    if done.returncode != 0:
        reason = " ".join(done.stderr.split())[:500]
        raise DataError(f"{program} failed: {reason}")
