"""A real server for benchmarks: started as a user starts it, on this computer alone."""

import http.client
import json
import os
import random
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from emqs.annotations import batches
from emqs.annotations.database import Database
from emqs.annotations.ids import new_id
from emqs.annotations.schema import datasets, layers, users
from emqs.web import sessions

ROOT = Path(__file__).parents[1]
API = "/api/v1"
START_S = 120.0
SHAPE = (4000, 30000, 30000)  # of a dataset, voxels along Z Y X


class LiveServer:
    """``python -m emqs.serve`` on a home folder, and an admin's token for it."""

    def __init__(self, home: Path, *, database: str | None = None, job_workers: int = 0,
                 settings: tuple[str, ...] = ()) -> None:  # fmt: skip
        """Take a home folder; the database is opened, and an admin added."""
        self.home, self.database_url = home, database
        self.job_workers, self.settings = job_workers, settings
        home.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.database = Database.open(database or f"sqlite:///{home.absolute()}/emqs.db")
        self.admin = self._admin()
        self.token = self._token()
        self.process: subprocess.Popen[bytes] | None = None

    def _admin(self) -> str:
        with self.database.write() as connection:
            known = connection.execute(sa.select(users.c.id).where(users.c.is_admin)).first()
            if known is not None:
                return str(known[0])
            row = {"id": new_id(), "name": f"bench{secrets.token_hex(3)}", "display_name": "bench",
                   "is_admin": True, "is_active": True, "settings": {},
                   "created": time.time()}  # fmt: skip
            connection.execute(users.insert().values(row))
            return str(row["id"])

    def _token(self) -> str:
        with self.database.write() as connection:
            _, token = sessions.begin(
                connection, self.admin, "api", scopes=["read", "write", "admin"], lasts_s=86400
            )
        return token

    def start(self) -> float:
        """Start it; return the seconds until it answers."""
        url = [] if self.database_url is None else _without_password(self.database_url)
        arguments = [f"home={self.home}", f"port={self.port}", f"job_workers={self.job_workers}",
                     "open=false", *url, *self.settings]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled once
        if self.database_url is not None:
            password = sa.make_url(self.database_url).password
            environment["EMQS_DATABASE_PASSWORD"] = str(password)
        log = (self.home / "server.log").open("ab")
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "emqs.serve", *arguments], env=environment, cwd=ROOT,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        log.close()
        while True:
            try:
                if Caller(self).call("GET", "/api/v1/health")[0] == 200:
                    return time.perf_counter() - started
            except OSError:
                if self.process.poll() is not None:
                    tail = (self.home / "server.log").read_text()[-2000:]
                    raise RuntimeError(f"the server ended:\n{tail}") from None
            if time.perf_counter() - started > START_S:
                raise RuntimeError("the server does not answer")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it, with all that it started, as a crash does."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """End it, as Ctrl-C does."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, number)
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        except ProcessLookupError:
            pass
        self.process = None

    def memory(self) -> int:
        """Return the bytes that its processes hold in memory."""
        if self.process is None:
            return 0
        total, group = 0, self.process.pid
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == group:
                    total += int(fields[21]) * 4096
            except OSError:
                continue
        return total

    def dataset(self, name: str, **settings: object) -> str:
        """Add a dataset, or return the one that is there."""
        with self.database.write() as connection:
            known = connection.execute(
                sa.select(datasets.c.id).where(datasets.c.name == name)
            ).scalar_one_or_none()
            if known is not None:
                return str(known)
            now, number = time.time(), new_id()
            connection.execute(datasets.insert().values(
                id=number, name=name, title=name, description="", visibility="private",
                settings={"voxel_size_nm": [40.0, 4.0, 4.0], "shape": list(SHAPE),
                          "stores": [], "view": {}, **settings},
                revision=1, changes=0, created=now, changed=now,
            ))  # fmt: skip
            return number

    def layer(self, dataset: str, name: str, source: Path, kind: str = "image",
              **settings: object) -> None:  # fmt: skip
        """Add a layer, or bring it up to date."""
        now = time.time()
        with self.database.write() as connection:
            connection.execute(layers.delete().where(
                layers.c.dataset_id == dataset, layers.c.name == name
            ))  # fmt: skip
            connection.execute(layers.insert().values(
                id=new_id(), dataset_id=dataset, name=name, kind=kind, source=str(source),
                version="1", settings=settings, created=now, changed=now,
            ))  # fmt: skip

    def close(self) -> None:
        """End it and close the database."""
        self.stop()
        self.database.close()


def _without_password(url: str) -> list[str]:
    parsed = sa.make_url(url)._replace(password=None)
    return [f"database={parsed.render_as_string()}"]


class Caller:
    """One connection that stays open."""

    def __init__(self, server: LiveServer, timeout_s: float = 60.0) -> None:
        """Connect to nothing yet."""
        self._server = server
        self._timeout = timeout_s
        self._connection: http.client.HTTPConnection | None = None

    def call(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        """Ask; return status, content and headers.

        Raises:
            OSError: If the server is gone.
        """
        sent = {"Authorization": f"Bearer {self._server.token}", **headers}
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        reused = self._connection is not None
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                "127.0.0.1", self._server.port, timeout=self._timeout
            )
        try:
            self._connection.request(method, path, content, sent)
            answer = self._connection.getresponse()
            return answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}
        except (http.client.HTTPException, OSError) as error:
            self._connection.close()
            self._connection = None
            if reused and method == "GET":  # a server closes what was silent for a while
                return self.call(method, path, body, **headers)
            raise OSError(str(error) or type(error).__name__) from None

    def json(self, method: str, path: str, body: object = None, **headers: str) -> Any:  # noqa: ANN401 - JSON
        """Ask; return the answer, which must be a good one."""
        status, content, _ = self.call(method, path, body, **headers)
        if status >= 400:
            raise RuntimeError(f"{method} {path}: {status} {content[:300]!r}")
        return json.loads(content) if content else None


def fill(server: LiveServer, dataset: str, count: int) -> None:
    """Add annotations, half of them in heaps, until there are so many."""
    rng = random.Random(1)
    words = ["".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(4, 9)))
             for _ in range(2000)]  # fmt: skip
    heaps = [[rng.uniform(0, 4000), rng.uniform(0, 30000), rng.uniform(0, 30000)]
             for _ in range(500)]  # fmt: skip
    with server.database.read() as connection:
        known = connection.execute(sa.text("SELECT count(*) FROM annotations")).scalar_one()
    while known < count:
        rows = []
        for _ in range(min(5000, count - known)):
            heap = rng.choice(heaps)
            place = [rng.uniform(0, 4000), rng.uniform(0, 30000), rng.uniform(0, 30000)]
            if rng.random() < 0.5:
                around = [v + rng.gauss(0, 150) for v in heap]
                place = [min(max(v, 0), n - 1) for v, n in zip(around, SHAPE, strict=True)]
            rows.append({
                "kind": "point", "points": [place], "title": " ".join(rng.sample(words, 2)),
                "description": " ".join(rng.sample(words, 6)),
                "tags": rng.sample(words[:50], rng.choice([0, 0, 1])),
            })  # fmt: skip
        with server.database.write() as connection:
            report = batches.write(connection, dataset, server.admin, rows)
        if report.counts != {"created": len(rows)}:
            raise RuntimeError(f"annotations were refused: {report.counts}")
        known += len(rows)
        if known % 50_000 == 0:
            print(f"  {known:,} annotations", flush=True)
    if server.database.kind == "postgresql":
        with server.database.engine.connect().execution_options(
            isolation_level="AUTOCOMMIT"
        ) as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def fresh(folder: Path) -> Path:
    """Return an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def quantiles(seconds: list[float]) -> tuple[float, float, float]:
    """Return median, 95 % and the largest, in ms."""
    ordered = sorted(1000 * s for s in seconds)
    return statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))], ordered[-1]


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def together(count: int, work: Callable[[int], None]) -> float:
    """Do work in so many threads at once; return the seconds. What one raises is raised."""
    errors: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(n,)) for n in range(count)]
    seconds = timed(lambda: ([t.start() for t in threads], [t.join() for t in threads]))
    if errors:
        raise errors[0]
    return seconds


@dataclass
class Writer:
    """One client that writes, and remembers what was acknowledged."""

    server: LiveServer
    number: int
    known: dict[str, tuple[int, str]] = field(default_factory=dict)  # id: revision, title
    unsure: set[str] = field(default_factory=set)  # titles whose answer did not come
    errors: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    requests: int = 0

    def __post_init__(self) -> None:
        """Connect, and draw from a seed of one's own."""
        self.caller = Caller(self.server)
        self.rng = random.Random(self.number)

    def step(self) -> None:
        """Make one request, of a mix; a server that is gone is waited for."""
        root = f"{API}/datasets/brain/annotations"
        self.requests += 1
        title = f"{self.number} {self.requests}"
        chance = self.rng.random()
        place = [self.rng.uniform(0, 4000) for _ in range(3)]
        started = time.perf_counter()
        try:
            if chance < 0.3 or not self.known:
                body = {"kind": "point", "points": [place], "title": title}
                self._write("POST", root, body, title)
            elif chance < 0.5:
                one = self.rng.choice(list(self.known))
                tag = f'"{self.known[one][0]}"'
                self._write("PATCH", f"{root}/{one}", {"title": title}, title, {"If-Match": tag})
            elif chance < 0.8:
                z, y, x = place
                query = f"limit=100&bbox={z},{y},{x},{z + 200},{y + 200},{x + 200}"
                self._read(f"{root}?{query}")
            else:
                one = self.rng.choice(list(self.known))
                row = self._read(f"{root}/{one}")
                if row is not None and row["title"] != self.known[one][1]:
                    if row["title"] in self.unsure:
                        self.known[one] = row["revision"], row["title"]
                    else:
                        self.errors.append(f"{one} is {row['title']}, not {self.known[one][1]}")
            self.seconds.append(time.perf_counter() - started)
        except OSError:
            time.sleep(0.1)

    def _read(self, path: str) -> dict | None:  # type: ignore[type-arg]
        status, content, _ = self.caller.call("GET", path)
        if status == 200:
            return dict(json.loads(content))
        if status != 503:
            self.errors.append(f"GET {path}: {status} {content[:200]!r}")
        return None

    def _write(self, method: str, path: str, body: object, title: str,
               headers: dict[str, str] | None = None) -> None:  # fmt: skip
        self.unsure.add(title)
        status, content, _ = self.caller.call(method, path, body, **(headers or {}))
        if status in (200, 201):
            row = json.loads(content)
            self.known[row["id"]] = row["revision"], row["title"]
        elif status in (409, 412):  # an answer before it did not come: look what is there
            one = path.rpartition("/")[2]
            stored = self._read(path)
            if stored is not None and stored["title"] in self.unsure:
                self.known[one] = stored["revision"], stored["title"]
            else:
                self.errors.append(f"{method} {path}: {status} {content[:200]!r}")
        elif status != 503:
            self.errors.append(f"{method} {path}: {status} {content[:200]!r}")

    def lost(self) -> int:
        """Return how many acknowledged writes are not there."""
        root, missing = f"{API}/datasets/brain/annotations", 0
        for one, (_, title) in self.known.items():
            status, content, _ = self.caller.call("GET", f"{root}/{one}")
            stored = json.loads(content).get("title") if status == 200 else None
            if stored != title and stored not in self.unsure:
                missing += 1
        return missing
