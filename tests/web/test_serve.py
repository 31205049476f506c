"""The command from its start to its end, in processes of its own."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from sqlalchemy.engine import make_url
from support.forks import Fork
from support.served import random_voxels, until, write_zarr
from support.serving import servers

from emqs.web import admin, backup, server
from emqs.web.home import Home
from emqs.web.settings import ServeConfig, StartConfig, is_loopback

API = "/api/v1"
PASSWORD = "correct horse battery"
LINK = re.compile(r"(http://127\.0\.0\.1:\d+)/#one-time=(\S+)")
ADDRESS = re.compile(r"emqs serves at (http://127\.0\.0\.1:\d+)/")


@dataclass
class Running:
    process: subprocess.Popen[bytes] | Fork
    log: Path
    url: str = ""
    link: str = ""
    clients: list[httpx2.Client] = field(default_factory=list)

    def client(self) -> httpx2.Client:
        made = httpx2.Client(base_url=self.url, timeout=60)
        self.clients.append(made)
        return made


@contextmanager
def serving(
    home: Path, *settings: str, is_forked: bool = True, **environment: str
) -> Iterator[Running]:
    """Run ``python -m emqs.serve`` until the block ends; forked, all it needs is imported."""
    log = home.with_name(f"{home.name}-{time.monotonic_ns()}.log")
    words = [f"home={home}", "port=0", *settings]
    known = {**os.environ, **environment}
    process: subprocess.Popen[bytes] | Fork
    if is_forked:
        process = servers().start("emqs.serve", words, home.parent, log, environment=known)
    else:
        command = [sys.executable, "-m", "emqs.serve", *words]
        with log.open("ab") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, env=known, cwd=home.parent)
    running = Running(process, log)

    def up() -> bool:
        assert process.poll() is None, log.read_text()
        address = ADDRESS.search(log.read_text())
        running.url = "" if address is None else address[1]
        if not running.url:
            return False
        try:
            return httpx2.get(f"{running.url}{API}/health").status_code == 200
        except httpx2.TransportError:
            return False

    try:
        until(up, 120, every=0.1)
        link = LINK.search(log.read_text())
        running.link = "" if link is None else link[2]
        yield running
    finally:
        for client in running.clients:
            client.close()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def eventually(condition: Callable[[], bool]) -> None:
    until(condition, 120, every=0.2)  # what asks a server keeps it busy, too


def signed_in(running: Running) -> httpx2.Client:
    client = running.client()
    body = {"token": running.link, "password": PASSWORD}
    answer = client.post(f"{API}/auth/one-time", json=body)
    assert answer.status_code == 200, answer.text
    return client


def login(running: Running) -> httpx2.Client:
    client = running.client()
    body = {"name": "admin", "password": PASSWORD}
    assert client.post(f"{API}/auth/login", json=body).status_code == 200
    return client


@pytest.mark.slow
def test_a_first_start_prints_a_link_and_reads_datasets_when_they_change(tmp_path: Path) -> None:
    home = tmp_path / "lab"
    with serving(home, "job_workers=1", is_forked=False) as running:
        root = signed_in(running)
        assert root.get(f"{API}/datasets").json()["datasets"] == []
        write_zarr(home / "files" / "a.zarr", random_voxels((8, 16, 16)))
        (home / "datasets" / "wrong.yaml").write_text("volume: nothing.zarr\n")
        (home / "datasets" / "a.yaml").write_text("volume: ../files/a.zarr\ntitle: A\n")
        eventually(lambda: len(root.get(f"{API}/datasets").json()["datasets"]) == 1)
        (home / "datasets" / "a.yaml").write_text("volume: ../files/a.zarr\ntitle: B\n")
        eventually(lambda: root.get(f"{API}/datasets/a").json()["title"] == "B")
        eventually(lambda: "emqs_workers 1.0" in root.get(f"{API}/metrics").text)
        token = next(iter(root.cookies.values()))
    assert running.process.returncode == 0
    log = running.log.read_text()
    assert log.count("nothing.zarr") == 1
    for secret in (PASSWORD, token):
        assert secret not in log
    assert (home.stat().st_mode & 0o077) == 0
    with serving(home, "job_workers=0") as again:
        assert again.link == ""
        assert login(again).get(f"{API}/datasets/a").json()["title"] == "B"


def started_by(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(entry.name)] = int(fields[1])
    found = [one for one, parent in parents.items() if parent == pid]
    return found + [deeper for one in found for deeper in started_by(one)]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="looks at /proc")
def test_nothing_outlives_a_server_that_is_killed(tmp_path: Path) -> None:
    with serving(tmp_path / "lab", "job_workers=2", "workers=2") as running:
        eventually(lambda: len(started_by(running.process.pid)) >= 4)
        others = started_by(running.process.pid)
        running.process.kill()
        running.process.wait()
        eventually(lambda: not any(_alive(one) for one in others))


def _alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


WITHOUT_TORCH = """
import sys
from pathlib import Path
from starlette.testclient import TestClient
from emqs import serve
from emqs.web import server, search_parts, place_filter, demo, admin, backup
from emqs.web.app import create_app
from emqs.web.home import Home
from emqs.web.settings import ServeConfig
app = create_app(Home(Path("lab")), ServeConfig())
with TestClient(app, base_url="http://127.0.0.1") as client:
    assert client.get("/api/docs").status_code == 200
heavy = {"torch", "lightning", "matplotlib", "torchvision"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.slow
def test_the_server_never_imports_torch(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def one_line(tmp_path: Path, code: int, said: str, message: str) -> None:
    """Look at what a server said that did not start."""
    assert code == 1
    assert message in said.splitlines()[-1]
    assert "secret" not in said
    assert "Traceback" not in said
    assert {path.name for path in tmp_path.iterdir()} <= {"lab", "out.txt", "said.txt"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["host=0.0.0.0", "serve.accounts=false"], "needs serve.accounts=true"),
        (
            ["database=postgresql://me:secret@localhost/x"],
            "the environment, EMQS_DATABASE_PASSWORD",
        ),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(
    tmp_path: Path, settings: list[str], message: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "emqs.serve", f"home={tmp_path}/lab", "port=0", *settings],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    one_line(tmp_path, done.returncode, done.stderr, message)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("database=mysql://localhost/x", "sqlite:/// or postgresql://"),
        ("serve.searches=0", "serve.searches must be at least 1"),
        ("host=192.0.2.1", "cannot be listened on"),
        ("task=fly", "task must be one of"),
        ("serve.nothing=1", "There is no setting serve.nothing"),
    ],
)
def test_further_wrong_settings_are_told_in_one_line(
    tmp_path: Path, setting: str, message: str
) -> None:
    words, said = [f"home={tmp_path}/lab", "port=0", setting], tmp_path / "said.txt"
    process = servers().start("emqs.serve", words, tmp_path, tmp_path / "out.txt", errors=str(said))
    one_line(tmp_path, process.wait(60), said.read_text(), message)


def test_without_accounts_everybody_on_this_computer_is_the_admin(tmp_path: Path) -> None:
    from starlette.testclient import TestClient

    from emqs.web.app import create_app

    app = create_app(Home(tmp_path / "lab"), ServeConfig(accounts=False))
    client = TestClient(app, base_url="http://127.0.0.1")
    assert client.get(f"{API}/auth/me").json()["name"] == "local"
    assert client.get(f"{API}/audit").status_code == 200
    evil = {"Sec-Fetch-Site": "cross-site"}
    assert client.post(f"{API}/groups", json={"name": "x"}, headers=evil).status_code == 403
    bearer = {"Authorization": "Bearer x"}
    assert client.get(f"{API}/auth/me", headers=bearer).status_code == 401
    assert client.get(f"{API}/auth/me", headers={"Host": "evil.example"}).status_code == 421
    app.state.context.close()


def test_answers_do_not_wait_for_a_receipt() -> None:
    async def no_delay() -> int:
        seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        class Told(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                accepted = transport.get_extra_info("socket")
                seen.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                transport.close()

        with server._listening(ServeConfig(port=0)) as listening:
            running = await asyncio.get_running_loop().create_server(Told, sock=listening)
            _, writer = await asyncio.open_connection(*listening.getsockname()[:2])
            told = await asyncio.wait_for(seen, 20)
            writer.close()
            running.close()
            return told

    assert asyncio.run(no_delay()) != 0


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.5.5.5", True), ("::1", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("192.168.1.2", False), ("localhost.evil", False)],
)  # fmt: skip
def test_which_addresses_are_of_this_computer(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback


def test_the_password_of_the_database_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("p@ss/word\n")
    start = StartConfig(home="lab", database="postgresql://me@h/x")
    monkeypatch.delenv("EMQS_DATABASE_PASSWORD", raising=False)
    assert server.database_of(start) == "postgresql://me@h/x"
    from_file = StartConfig(
        home="lab",
        database="postgresql://me@h/x",
        database_password_file=str(tmp_path / "secret"),
    )
    assert make_url(server.database_of(from_file)).password == "p@ss/word"
    monkeypatch.setenv("EMQS_DATABASE_PASSWORD", "other")
    assert make_url(server.database_of(start)).password == "other"


# --- what an admin types -------------------------------------------------------------------------


def test_users_and_datasets_are_added_at_the_computer_of_the_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_zarr(tmp_path / "a.zarr", random_voxels((8, 16, 16)))
    write_zarr(tmp_path / "seg.zarr", random_voxels((8, 16, 16), "u4"))
    admin.main(["user", "add", "Ann", "--role", "admin", "--home", "lab"])
    token = re.search(r"#one-time=(\S+)", capsys.readouterr().out)
    given = ["volume=a.zarr", "labels=seg.zarr", "title=Brain", "visibility=public"]
    admin.main(["dataset", "add", "brain", *given, "home=lab"])
    assert "8 x 16 x 16 voxels, 2 layers" in capsys.readouterr().out
    admin.main(["dataset", "grant", "brain", "reviewer", "--user", "ann", "home=lab"])
    from starlette.testclient import TestClient

    from emqs.web.app import create_app

    app = create_app(Home(tmp_path / "lab"), ServeConfig())
    client = TestClient(app, base_url="http://127.0.0.1")
    me = client.post(f"{API}/auth/one-time", json={"token": token[1]}).json()
    assert (me["name"], me["is_admin"], me["datasets"]) == ("ann", True, {"brain": "manager"})
    assert client.get(f"{API}/datasets/brain").json()["shape"] == [8, 16, 16]
    app.state.context.close()
    for line in (
        ["user", "add", "Ann", "home=lab"],
        ["user", "add", "../x", "home=lab"],
        ["user", "lock", "ann", "home=lab"],
        ["dataset", "add", "x", "volume=none.zarr", "home=lab"],
        ["dataset", "add", "x", "colour=red", "home=lab"],
    ):
        with pytest.raises(SystemExit) as stopped:
            admin.main(line)
        assert str(stopped.value).startswith("emqs ")


# --- backups -------------------------------------------------------------------------------------


def filled(home: Home) -> None:
    from emqs.annotations.database import Database
    from emqs.web import accounts

    home.make()
    (home.datasets / "a.yaml").write_text("volume: x\n")
    (home.layers / "d" / "u").mkdir(parents=True)
    (home.layers / "d" / "u" / "layer").write_bytes(b"voxels")
    database = Database.open(home.database_url)
    with database.write() as connection:
        accounts.create(connection, "ann")
    database.close()


def users_of(home: Home) -> list[str]:
    from sqlalchemy import select

    from emqs.annotations.database import Database
    from emqs.annotations.schema import users

    database = Database.open(home.database_url)
    with database.read() as connection:
        names = list(connection.scalars(select(users.c.name)))
    database.close()
    return names


@pytest.fixture(params=["sqlite", "postgresql"])
def two_homes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Home, Home]]:
    if request.param == "sqlite":
        yield Home(tmp_path / "lab"), Home(tmp_path / "again")
        return
    first = request.getfixturevalue("empty_postgres")
    from support.postgres import run_on

    name = f"{make_url(first).database}_again"
    run_on(first, f"CREATE DATABASE {name}")
    second = make_url(first).set(database=name).render_as_string(hide_password=False)
    yield Home(tmp_path / "lab", first), Home(tmp_path / "again", second)
    run_on(first, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.slow
def test_a_backup_brings_everything_back(two_homes: tuple[Home, Home], tmp_path: Path) -> None:
    home, again = two_homes
    filled(home)
    out = backup.write(home, tmp_path / "backup")
    backup.restore(again, out)
    assert users_of(again) == ["ann"]
    assert (again.layers / "d" / "u" / "layer").read_bytes() == b"voxels"
    assert (again.datasets / "a.yaml").read_text() == "volume: x\n"
    with pytest.raises(Exception, match="holds a server already"):
        backup.restore(again, out)
    with pytest.raises(Exception, match="exists already"):
        backup.write(home, out)
    (out / "backup.json").unlink()
    with pytest.raises(Exception, match="no backup, or one that was not finished"):
        backup.restore(Home(tmp_path / "third"), out)


def test_a_backup_that_fails_leaves_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "lab")
    filled(home)
    (home.folder / "emqs.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with pytest.raises(Exception, match=r"emqs.db (cannot be copied|is damaged)"):
        backup.write(home, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
