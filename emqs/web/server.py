"""A server from its start to its end: home, first admin, datasets, processes, browser."""

import dataclasses
import json
import logging
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from emqs.annotations.database import Database
from emqs.errors import ConfigError, DataError, EmqsError
from emqs.settings import read
from emqs.web import accounts, demo, files, logs
from emqs.web.home import Home
from emqs.web.settings import ServeConfig, StartConfig, is_loopback

logger = logging.getLogger(__name__)

DATABASE = "EMQS_DATABASE"  # address with its password, for the other processes of a server
PASSWORD = "EMQS_DATABASE_PASSWORD"
SETTINGS = "EMQS_SERVE"  # home and settings, for the other processes of a server
METRICS = "PROMETHEUS_MULTIPROC_DIR"
GRACE_S = 10  # for requests that are being answered when the server stops
WATCH_S = 2.0  # between two looks at the files of datasets
RESTART_S = 5.0  # before a worker of jobs that died is started again


def home_of(start: StartConfig) -> Home:
    """Return the home folder of a server.

    Raises:
        ConfigError: If none is named, or a password stands in the address of the database.
    """
    if start.home is None:
        raise ConfigError("home is missing: give it as home=FOLDER.")
    return Home(Path(start.home).expanduser().absolute(), database_of(start))


def database_of(start: StartConfig) -> str | None:
    """Return the address of the database with its password, or None for the home's own file.

    Raises:
        ConfigError: If it is none, or a password stands on the command line.
        DataError: If the file with the password cannot be read.
    """
    if start.database is None:
        return None
    try:
        url = make_url(start.database)
    except (ArgumentError, ValueError):
        raise ConfigError("database must be a URL such as postgresql://user@host/name.") from None
    if url.password is not None or "password" in url.query:
        raise ConfigError(
            "database must not hold a password, which others could read on the command line. Give "
            f"it in the environment, {PASSWORD}, or as database_password_file=FILE."
        )
    password = os.environ.get(PASSWORD)
    if start.database_password_file is not None:
        try:
            password = Path(start.database_password_file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise DataError(
                f"database_password_file={start.database_password_file} cannot be read: "
                f"{error.strerror}."
            ) from None
    if password is not None:
        url = url.set(password=password)
    return url.render_as_string(hide_password=False)


def run(settings: ServeConfig, start: StartConfig) -> None:
    """Serve until somebody stops it.

    Args:
        settings: How it answers.
        start: Where, and with how many processes.

    Raises:
        EmqsError: If it cannot be started.
    """
    logs.configure(start.log)
    signal.signal(signal.SIGTERM, _stop)  # what is open is closed then, too
    with ExitStack() as stack:
        if start.home is None:
            folder = Path(stack.enter_context(_temporary()))
            start = dataclasses.replace(start, home=str(folder))
        home = home_of(start)
        home.make()
        if start.demo and not demo.is_made(home):
            print("Drawing and embedding a toy volume ...", flush=True)  # noqa: T201
            demo.make(home)
        listening = stack.enter_context(_listening(settings))
        settings = dataclasses.replace(settings, port=listening.getsockname()[1])
        link = prepare(home, settings)
        _greet(settings, link, browser=start.demo if start.open is None else start.open)
        stack.enter_context(_job_workers(home, start.job_workers))
        stack.enter_context(_watched(home))
        serve(home, settings, listening, start)


def _stop(*_: object) -> None:
    """End the process in order."""
    sys.exit(0)


@contextmanager
def _temporary() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="emqs-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _listening(settings: ServeConfig) -> Iterator[socket.socket]:
    """Give a socket that listens.

    Raises:
        ConfigError: If the address or the port is taken, or not of this computer.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # by its protocol asyncio knows TCP, and sends at once what else waits 40 ms for a receipt
    with socket.socket(family, proto=socket.IPPROTO_TCP) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((settings.host, settings.port))
        except OSError as error:
            raise ConfigError(
                f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}. Choose "
                "another with host= and port=."
            ) from None
        made.set_inheritable(True)
        yield made


def prepare(home: Home, settings: ServeConfig) -> str | None:
    """Bring the database up to date: tables, datasets of files, the first admin.

    Returns:
        The token of a one-time link for the first admin, or None if there is one already.

    Raises:
        EmqsError: If the database cannot be used, or a file of a dataset is wrong.
    """
    database = Database.open(home.database_url)
    try:
        files.synchronise(database, home)
        if not settings.accounts:
            return None
        with database.write() as connection:
            return accounts.first_admin(connection)
    finally:
        database.close()


@contextmanager
def _watched(home: Home) -> Iterator[None]:
    """Look now and then whether files of datasets were changed."""
    ending = threading.Event()

    def watch() -> None:
        database = Database.open(home.database_url, pool_size=1)
        wrong: dict[str, str] = {}
        while not ending.wait(WATCH_S):
            try:
                files.synchronise(database, home, wrong)
            except EmqsError as error:
                logger.warning("files of datasets are not read: %s", error)
        database.close()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ending.set()
        watcher.join(GRACE_S)


def _greet(settings: ServeConfig, link: str | None, *, browser: bool) -> None:
    """Say where the server is; the link is in the part of the address that is never sent."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    shown = f"[{host}]" if ":" in host else host
    base = settings.address or f"http://{shown}:{settings.port}"
    address = f"{base}/" if link is None else f"{base}/#one-time={link}"
    print(f"emqs serves at {base}/ - API at {base}/api/docs", flush=True)  # noqa: T201
    if link is not None:
        print(f"Sign in as admin with this link, once, within a day: {address}", flush=True)  # noqa: T201
    if not is_loopback(settings.host) and not settings.https:
        logger.warning("passwords cross the network unencrypted: put https in front, serve.https")
    if browser:
        threading.Timer(1.0, webbrowser.open, [address]).start()


@contextmanager
def _job_workers(home: Home, count: int) -> Iterator[None]:
    """Keep workers of jobs running in processes of their own."""
    ending = threading.Event()
    keepers = [
        threading.Thread(target=_keep, args=(home, ending), daemon=True) for _ in range(count)
    ]
    for keeper in keepers:
        keeper.start()
    try:
        yield
    finally:
        ending.set()
        for keeper in keepers:
            keeper.join(GRACE_S)


def _keep(home: Home, ending: threading.Event) -> None:
    """Start a worker of jobs, again if it dies, until the server ends; then end it."""
    environment = dict(os.environ)
    if home.database is not None:
        environment[DATABASE] = home.database
    command = [sys.executable, "-m", "emqs.web.worker", "--home", str(home.folder), "--attached"]
    while not ending.is_set():
        # the other end of its standard input closes when this process dies, and the worker ends
        with subprocess.Popen(
            command, env=environment, start_new_session=True, stdin=subprocess.PIPE
        ) as process:
            while process.poll() is None and not ending.wait(0.2):
                pass
            if process.poll() is None:
                _ended(process)
            elif not ending.wait(RESTART_S):
                logger.warning(
                    "a worker of jobs ended with %s, and is started again", process.returncode
                )


def _ended(process: "subprocess.Popen[bytes]") -> None:
    """Ask a process to end, and end it after a while if it does not."""
    process.terminate()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()


def serve(home: Home, settings: ServeConfig, listening: socket.socket, start: StartConfig) -> None:
    """Answer requests until the process gets SIGINT or SIGTERM.

    Args:
        home: Folder of the server.
        settings: How it answers.
        listening: Where requests come in.
        start: How many processes answer, and how they log.
    """
    environment = {
        SETTINGS: json.dumps([str(home.folder), dataclasses.asdict(settings), start.log])
    }
    if home.database is not None:
        environment[DATABASE] = home.database
    os.environ.update(environment)
    config = uvicorn.Config(
        "emqs.web.server:application",
        factory=True,
        workers=start.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=64 * 1024,
    )
    if start.workers == 1:
        uvicorn.Server(config).run([listening])
        return
    from uvicorn.supervisors import Multiprocess

    with tempfile.TemporaryDirectory(prefix="emqs-metrics-") as folder:
        os.environ[METRICS] = folder  # where the processes count together
        Multiprocess(config, [listening]).run()


def _end_with_parent() -> None:
    """Let one of several processes stop when the one that started it is gone, however it ended."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def application() -> FastAPI:
    """Return the application of one process; what it is comes from the environment."""
    from emqs.web.app import create_app

    _end_with_parent()
    folder, plain, log = json.loads(os.environ[SETTINGS])
    if not logging.getLogger().handlers:
        logs.configure(log)
    settings = read(ServeConfig, plain, "serve")
    return create_app(Home(Path(folder), os.environ.get(DATABASE)), settings)
