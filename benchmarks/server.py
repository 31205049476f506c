"""The platform under load: annotations, chunks, searches, many clients, and kills.

    python benchmarks/server.py PART [PART ...] [--folder DIR] [--postgres] [--kills N]

Parts: ``start``, ``annotations`` (a million), ``chunks``, ``search`` (100 million places, 10
users), ``clients`` (64 of them, reading and writing) and ``kills`` (of server, worker and, with
``--postgres``, of the database). Each starts ``python -m emqs.serve`` on 127.0.0.1 and asks it
over HTTP. The table is printed as Markdown and added to ``server.csv`` in the folder. Load is made
by threads of this process, so it takes some of the same processors as the server. PostgreSQL is
the one of ``tests/support/postgres.py``, with fsync. The exit code is 1 if a goal is not met.
"""

import argparse
import csv
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from server_live import (
    API,
    ROOT,
    Caller,
    LiveServer,
    Writer,
    fill,
    fresh,
    quantiles,
    timed,
    together,
)

sys.path.insert(0, str(ROOT / "tests"))

from support import postgres as postgres_server
from support.served import random_voxels, write_tiff, write_zarr

VOXEL_NM = [30.0, 8.0, 8.0]


@dataclass
class Table:
    """What was measured, and what should be."""

    path: Path
    rows: list[tuple[str, str, str, str, bool | None]] = field(default_factory=list)

    def add(self, database: str, what: str, value: str, goal: str = "",
            met: bool | None = None) -> None:  # fmt: skip
        """Add a row; ``met`` is None where there is no goal."""
        self.rows.append((database, what, value, goal, met))
        print(f"  {what}: {value}" + ("" if met is None else f" ({'met' if met else 'NOT MET'})"),
              flush=True)  # fmt: skip

    def write(self) -> None:
        """Print all rows as Markdown, and add them to the file."""
        is_new = not self.path.exists()
        with self.path.open("a", newline="") as stream:
            rows = csv.writer(stream)
            if is_new:
                rows.writerow(["when", "database", "what", "value", "goal", "met"])
            for row in self.rows:
                rows.writerow([time.strftime("%Y-%m-%d %H:%M"), *row])
        print("\n| database | what | measured | goal | met |\n| --- | --- | --- | --- | --- |")
        for database, what, value, goal, met in self.rows:
            said = "" if met is None else ("yes" if met else "**no**")
            print(f"| {database} | {what} | {value} | {goal} | {said} |")


@dataclass
class Bench:
    """What all parts use."""

    folder: Path
    table: Table
    options: argparse.Namespace
    database: str | None = None  # address of PostgreSQL; None: SQLite
    postgres: postgres_server.Server | None = None
    servers: list[LiveServer] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Which database."""
        return "SQLite" if self.database is None else "PostgreSQL"

    def server(
        self, name: str, *, job_workers: int = 0, settings: tuple[str, ...] = ()
    ) -> LiveServer:
        """Return a server with a home of its own; it is not started."""
        made = LiveServer(
            self.folder / name, database=self.database, job_workers=job_workers, settings=settings
        )
        self.servers.append(made)
        return made


def start(bench: Bench) -> None:
    """From the command to the first answer."""
    server = bench.server("start")
    seconds = []
    for _ in range(5):
        seconds.append(server.start())
        server.stop()
    server.close()
    best = min(seconds)
    value = f"{statistics.median(seconds):.1f} s (least {best:.1f} s)"
    bench.table.add(bench.kind, "start of the server", value, "under 3 s", best < 3)


def annotations(bench: Bench) -> None:
    """Pages of a million annotations, over HTTP, one connection."""
    server = bench.server("annotations")
    dataset = server.dataset("brain")
    fill(server, dataset, bench.options.annotations)
    with server.database.read() as connection:
        name = connection.execute(sa.text("SELECT name FROM datasets")).scalars().first()
        titles = connection.execute(
            sa.text("SELECT title FROM annotations WHERE number % 5000 = 7")
        ).scalars().all()  # fmt: skip
    server.start()
    rng, caller = random.Random(2), Caller(server)
    root = f"{API}/datasets/{name}/annotations?limit=100"

    def box(size: float) -> str:
        z, y, x = rng.uniform(0, 4000), rng.uniform(0, 30000), rng.uniform(0, 30000)
        low, high = ([v + sign * size / 2 for v in (z, y, x)] for sign in (-1, 1))
        return "bbox=" + ",".join(f"{v:.1f}" for v in (*low, *high))

    cases: dict[str, Callable[[], str]] = {
        "box of 500^3": lambda: box(500),
        "box of 1500^3": lambda: box(1500),
        "box of 3000^3 (100 rows)": lambda: box(3000),
        "box of 15000^3 (100 rows)": lambda: box(15000),
        "first page": lambda: "",
        "page sorted by title": lambda: "sort=title",
        "page sorted by change": lambda: "sort=-changed",
        "page with a word": lambda: f"text={rng.choice(titles).split()[0]}",
        "page with a word and a box": lambda: f"text={rng.choice(titles).split()[0]}&{box(8000)}",
    }
    order = [name for name in cases for _ in range(bench.options.repeats)]
    rng.shuffle(order)
    for query in [case() for case in cases.values()]:
        caller.json("GET", f"{root}&{query}")
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for name in order:
        query = cases[name]()
        seconds[name].append(timed(lambda query=query: caller.json("GET", f"{root}&{query}")))
    for name, taken in seconds.items():
        middle, most, longest = quantiles(taken)
        value = f"{middle:.0f} / {most:.0f} / {longest:.0f} ms"
        met = middle <= 20 and most <= 100
        bench.table.add(bench.kind, f"{name}: median / 95 % / longest", value, "20 / 100 ms", met)
    server.close()


def chunks(bench: Bench) -> None:
    """Chunks of 64^3 a second, byte-equal to the source."""
    folder = bench.folder / "volumes"
    folder.mkdir(exist_ok=True)
    voxels = random_voxels((256, 1024, 1024)) // 16  # compresses to about a half
    sources = {
        "sharded Zarr": (folder / "a.zarr", lambda p: write_zarr(p, voxels, shards=(256,) * 3)),
        "TIFF": (folder / "a.tif", lambda p: write_tiff(p, voxels)),
        "tiled zlib TIFF": (
            folder / "b.tif",
            lambda p: write_tiff(p, voxels, tile=(256, 256), compression="zlib"),
        ),
    }
    server = bench.server("chunks")
    dataset = server.dataset("brain")
    for number, (path, write) in enumerate(sources.values()):
        if not path.exists():
            write(path)
        size = {} if path.is_dir() else {"voxel_size_nm": VOXEL_NM}
        server.layer(dataset, f"v{number}", path, **size)
    server.start()
    for number, name in enumerate(sources):
        root = f"{API}/data/brain/v{number}/1/precomputed/raw"
        Caller(server, 600).json("GET", f"{root}/info")  # makes the coarser levels
        places = [(z, y, x) for z in range(0, 256, 64) for y in range(0, 1024, 64)
                  for x in range(0, 1024, 64)]  # fmt: skip
        for order in ("in order", "at random"):
            if order == "at random":
                random.Random(0).shuffle(places)
            jobs = iter(places)
            lock = threading.Lock()

            def work(_: int, jobs=jobs, lock=lock, root=root) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
                caller = Caller(server)
                while True:
                    with lock:
                        place = next(jobs, None)
                    if place is None:
                        return
                    z, y, x = place
                    path = f"{root}/1x1x1/{x}-{x + 64}_{y}-{y + 64}_{z}-{z + 64}"
                    status, content, _headers = caller.call("GET", path)
                    part = voxels[z : z + 64, y : y + 64, x : x + 64].tobytes()
                    if status != 200 or content != part:
                        raise RuntimeError(f"{path} is not the source: {status}")

            rate = len(places) / together(4, work)
            bench.table.add(bench.kind, f"chunks of a {name}, {order}, a second", f"{rate:.0f}",
                            "200", rate >= 200)  # fmt: skip
    server.close()


def _ten_users(
    bench: Bench, server: LiveServer, question: Callable[[], dict[str, object]], think: float
) -> None:
    """Ten users who search, look at what was found for a while, and search again."""
    seconds: list[float] = []
    refused: list[int] = []
    questions = [[question() for _ in range(bench.options.searches)] for _ in range(10)]

    def user(number: int) -> None:
        caller, pause = Caller(server, 600), random.Random(number)
        for asked in questions[number]:
            if think > 0:  # a server closes what was silent for a while
                time.sleep(pause.uniform(0, 2 * think))
                caller = Caller(server, 600)
            started = time.perf_counter()
            status, content, _ = caller.call("POST", f"{API}/datasets/brain/search", asked)
            seconds.append(time.perf_counter() - started)
            if status != 200:
                refused.append(status)
                print("   ", status, content[:200])

    together(10, user)
    middle, most, longest = quantiles(seconds)
    value = f"{middle / 1000:.2f} / {most / 1000:.2f} / {longest / 1000:.2f} s"
    if refused:
        value += f", {len(refused)} refused"
    said = "at once, without a pause" if think == 0 else f"with a pause of {think:g} s"
    met = middle <= 1000 and longest <= 5000 and not refused
    name = f"10 users, {said}: median / 95 % / longest"
    bench.table.add(bench.kind, name, value, "1 s, longest 5 s", met)


def search(bench: Bench) -> None:
    """Searches of 100 million places by 10 users, warm."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from search import made

    store = made(bench.folder, bench.options.places)
    at_once = bench.options.at_once
    settings = () if at_once is None else (f"serve.searches={at_once}",)
    server = bench.server("search", settings=settings)
    dataset = server.dataset("brain", stores=[str(store.path.absolute())],
                             shape=store.manifest["volume"]["shape"],
                             voxel_size_nm=list(store.grid.voxel_size_nm))  # fmt: skip
    server.layer(dataset, "codes", store.path.absolute(), "embedding")
    server.start()
    rng = np.random.default_rng(3)
    path = f"{API}/datasets/brain/search"

    def question() -> dict[str, object]:
        place = rng.integers(0, np.array(store.grid.shape))
        z, y, x = (store.grid.first_voxels(place[None])[0] + np.array([0, 40, 40])).tolist()
        return {"positives": [{"z": z, "y": y, "x": x}], "k": 48}

    caller = Caller(server, 600)
    first = timed(lambda: caller.json("POST", path, question()))
    second = timed(lambda: caller.json("POST", path, question()))
    bench.table.add(bench.kind, "first search of a store (opens it)", f"{first:.2f} s")
    warm = [second] + [timed(lambda: caller.json("POST", path, question())) for _ in range(9)]
    bench.table.add(bench.kind, f"search of {store.grid.n_places:,} places, one user, warm",
                    f"second {second:.2f} s, median {statistics.median(warm):.2f} s",
                    "under 1 s", second < 1)  # fmt: skip
    for think in (0.0, bench.options.think):
        _ten_users(bench, server, question, think)
    server.close()


def clients(bench: Bench) -> None:
    """64 clients that read and write for a while."""
    server = bench.server("clients")
    server.dataset("brain")
    server.start()
    writers = [Writer(server, number) for number in range(64)]
    end = time.monotonic() + bench.options.seconds
    memory: list[int] = []

    def work(number: int) -> None:
        if number == 64:
            while time.monotonic() < end:
                memory.append(server.memory())
                time.sleep(1)
            return
        while time.monotonic() < end:
            writers[number].step()

    together(65, work)
    errors = [error for writer in writers for error in writer.errors]
    lost = _lost(writers)
    done = sum(writer.requests for writer in writers)
    written = sum(len(writer.known) for writer in writers)
    middle, most, longest = quantiles([s for writer in writers for s in writer.seconds])
    third = max(1, len(memory) // 3)
    early, late = statistics.mean(memory[third : 2 * third]), statistics.mean(memory[-third:])
    said = f"64 clients, {bench.options.seconds:.0f} s"
    bench.table.add(
        bench.kind, f"{said}: requests, a second", f"{done}, {done / bench.options.seconds:.0f}"
    )
    bench.table.add(
        bench.kind,
        f"{said}: median / 95 % / longest",
        f"{middle:.0f} / {most:.0f} / {longest:.0f} ms",
    )
    bench.table.add(
        bench.kind,
        f"{said}: errors; writes lost, of {written}",
        f"{len(errors)}; {lost}",
        "0; 0",
        not errors and lost == 0,
    )
    bench.table.add(
        bench.kind,
        f"{said}: memory in the second third, in the last",
        f"{early / 1e6:.0f}, {late / 1e6:.0f} MB",
        "flat",
        late < 1.1 * early,
    )
    for error in errors[:5]:
        print("   ", error)
    server.close()


def _lost(writers: list[Writer]) -> int:
    """Return how many acknowledged writes are not there; eight look at a time."""
    counts: list[int] = []

    def look(first: int) -> None:
        counts.extend(writer.lost() for writer in writers[first::8])

    together(8, look)
    return sum(counts)


def kills(bench: Bench) -> None:
    """Server, worker and database killed again and again in the middle of writes."""
    server = bench.server("kills")
    server.dataset("brain")
    server.start()
    _kill_loop(bench, server, "server", lambda: (server.kill(), server.start()))
    if bench.postgres is not None:
        database = bench.postgres
        _kill_loop(bench, server, "database", lambda: (database.kill(), database.start()))
    server.stop()
    _kill_workers(bench, server)
    server.close()


def _kill_loop(bench: Bench, server: LiveServer, what: str, kill: Callable[[], object]) -> None:
    writers = [Writer(server, number) for number in range(8)]
    done = threading.Event()

    def work(writer: Writer) -> None:
        while not done.is_set():
            writer.step()

    threads = [threading.Thread(target=work, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    try:  # in this thread: a database ends with the thread that started it
        for _ in range(bench.options.kills):
            time.sleep(random.uniform(0.3, 1.0))
            kill()
        time.sleep(1)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    written = sum(len(writer.known) for writer in writers)
    lost = _lost(writers)
    errors = [error for writer in writers for error in writer.errors]
    with server.database.read() as connection:
        halves = connection.execute(sa.text(
            "SELECT count(*) FROM annotations a WHERE a.revision <> 1 + (SELECT count(*) FROM "
            "annotation_history h WHERE h.annotation_id = a.id)"
        )).scalar_one()  # fmt: skip
    bench.table.add(
        bench.kind, f"{what} killed {bench.options.kills} times: lost, half done, errors",
        f"{lost}, {halves}, {len(errors)} of {written} annotations", "0, 0, 0",
        lost == 0 and halves == 0 and not errors,
    )  # fmt: skip
    for error in errors[:5]:
        print("   ", error)


def _kill_workers(bench: Bench, server: LiveServer) -> None:
    """Two workers do jobs; one of them is killed again and again."""
    from support.toy_worker import add, starts

    from emqs.web import job_queue

    add()
    count = bench.options.kills
    dataset = server.dataset("brain")
    (server.home / "starts.txt").unlink(missing_ok=True)
    with server.database.write() as connection:
        asked = [
            job_queue.submit(connection, "toy", {"script": "time.sleep(0.3)"}, most_attempts=10,
                             owner_id=server.admin, dataset_id=dataset)
            for _ in range(min(count, job_queue.MOST_QUEUED))
        ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    if server.database_url is not None:
        environment["EMQS_DATABASE"] = server.database_url
    command = [sys.executable, "-m", "support.toy_worker", "--home", str(server.home),
               "--kinds=toy", "--idle=0.05", "--look=0.05", "--beat=0.2",
               "--dead=3"]  # fmt: skip

    def worker() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    running = [worker(), worker()]
    killed = 0

    def states() -> list[str]:
        with server.database.read() as connection:
            return [job_queue.get(connection, one).state for one in asked]

    end = time.monotonic() + 60 + 30 * count
    seen = 0
    while any(state in ("queued", "running") for state in states()) and time.monotonic() < end:
        time.sleep(0.1)
        now = len(starts(server.home))
        if killed < count and now > seen:  # a job has just begun
            running[killed % 2].send_signal(signal.SIGKILL)
            running[killed % 2].wait()
            running[killed % 2] = worker()
            killed, seen = killed + 1, now
    for process in running:
        process.terminate()
        process.wait(30)
    ended = states()
    done = ended.count("done")
    bench.table.add(bench.kind, f"worker killed {killed} times: jobs done, of {len(asked)}",
                    f"{done} in {len(starts(server.home))} starts", "all",
                    done == len(asked))  # fmt: skip


PARTS = {"start": start, "annotations": annotations, "chunks": chunks, "search": search,
         "clients": clients, "kills": kills}  # fmt: skip


def parsed() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument("--folder", type=Path, default=Path("outputs/server"))
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--keep", action="store_true", help="go on with the homes that are there")
    parser.add_argument("--annotations", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--places", type=int, default=100_000_000)
    parser.add_argument("--searches", type=int, default=5, help="of each user")
    parser.add_argument("--at-once", type=int, help="searches at work at a time")
    parser.add_argument("--think", type=float, default=10.0, help="mean pause of a user, s")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--kills", type=int, default=50)
    return parser.parse_args()


def measure(bench: Bench, name: str) -> None:
    """Measure one part, on an empty home and database unless these are kept."""
    print(f"{name}:", flush=True)
    if not bench.options.keep:
        fresh(bench.folder / name)
    if bench.postgres is not None:
        if bench.postgres.process is None:
            bench.postgres.start()
        postgres_server.run_on(bench.postgres.url, f"DROP DATABASE IF EXISTS {name}")
        postgres_server.run_on(bench.postgres.url, f"CREATE DATABASE {name}")
        bench.database = bench.postgres.url.rpartition("/")[0] + f"/{name}"
    try:
        PARTS[name](bench)
    finally:
        for server in bench.servers:  # also after an error: nothing is left running
            server.close()
        bench.servers.clear()


def main() -> None:
    """Measure the parts that are named."""
    options = parsed()
    options.folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.folder.absolute(), Table(options.folder / "server.csv"), options)
    if options.postgres:
        folder = postgres_server.binaries()
        if folder is None:
            sys.exit("no PostgreSQL: apt-get install postgresql")
        bench.postgres = postgres_server.Server(folder, fsync=True)
    try:
        for name in options.parts:
            measure(bench, name)
    finally:
        if bench.postgres is not None:
            bench.postgres.stop()
        bench.table.write()
    if any(row[4] is False for row in bench.table.rows):
        sys.exit("NOT MET")


if __name__ == "__main__":
    main()
