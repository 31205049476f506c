"""Jobs: each is done once, whatever dies in between."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hydra.core.override_parser.overrides_parser import OverridesParser
from support import toy_worker
from support.forks import Fork, Forks
from support.served import Served, random_voxels, served, until, write_tiff, write_zarr
from support.small_stores import grid_of, random_codes, write_store
from support.toy_worker import starts

from emqs.annotations import merges, pull_requests
from emqs.annotations.database import Database
from emqs.annotations.schema import jobs as table
from emqs.embedding.build.settings import LEAST_SCALE, MOST_SCALE
from emqs.embedding.stores.zarr import open_store
from emqs.errors import ConfigError, ConflictError, DatabaseError, NotFoundError
from emqs.volumes import Box, from_array
from emqs.web import (
    catalogue,
    downloads,
    job_embedding,
    job_kinds,
    job_log,
    job_queue,
    job_workers,
    jobs,
)
from emqs.web.home import Home
from emqs.web.layers import Layers
from emqs.web.worker import DATABASE, Pace, Worker

PACE = Pace(idle=0.05, look=0.05, beat=0.1, dead=1.0)


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_kinds, "KINDS", job_kinds.KINDS)
    toy_worker.add()


@pytest.fixture
def lab(tmp_path: Path, database: Database) -> Iterator[Served]:
    """A server on each kind of database, with a dataset and its annotator."""
    with served(tmp_path / "home", jobs, database=database) as made:
        made.brain = made.dataset("brain")
        made.ann = made.user("ann")
        made.grant(made.brain, made.ann["id"], "annotator")
        yield made


def ask(made: Served, script: str = "pass", **options: object) -> str:
    with made.context.database.write() as connection:
        return job_queue.submit(
            connection, "toy", {"script": script}, owner_id=made.ann["id"],
            dataset_id=made.brain, **options,  # type: ignore[arg-type]
        )  # fmt: skip


def job(made: Served, job_id: str) -> job_queue.Job:
    with made.context.database.read() as connection:
        return job_queue.get(connection, job_id)


def logged(made: Served, job_id: str) -> list[str]:
    with made.context.database.read() as connection:
        return [line["text"] for line in job_log.log_after(connection, job_id, 0)]


def worker(made: Served, pace: Pace = PACE) -> Worker:
    return Worker(made.context.database, Home(made.home), ("toy",), pace)


@pytest.fixture(scope="module")
def workers() -> Iterator[Forks]:
    """Start processes that have what a worker imports."""
    made = Forks(["emqs.web.worker", "psycopg", "sqlalchemy.dialects.postgresql.psycopg"])
    yield made
    made.stop()


def processes(workers: Forks, made: Served, url: str, count: int, **more: str) -> list[Fork]:
    """Start real workers."""
    paces = [f"--{name}={getattr(PACE, name)}" for name in ("idle", "look", "beat", "dead")]
    words = ["--home", str(made.home), "--kinds=toy", *paces]
    environment = {DATABASE: url, **more}
    return [
        workers.start("support.toy_worker", words, made.home, made.home / f"worker{number}.txt",
                      environment=environment)
        for number in range(count)
    ]  # fmt: skip


def stop(running: list[Fork]) -> None:
    for process in running:
        process.terminate()
    for process in running:
        process.wait(20)


def state_of(process: int) -> str:
    """Return the letter of the state of a process, "" if there is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_alive(process: int) -> bool:
    return state_of(process) not in ("", "Z")


def is_stopped(process: int) -> bool:
    return state_of(process) == "T"


# --- one worker ----------------------------------------------------------------------------------


def test_a_job_is_done_and_says_how_far_it_is(lab: Served) -> None:
    job_id = ask(lab, "print('0.5000 half', flush=True); print('hello'); time.sleep(0.6)")
    assert worker(lab).step()
    done = job(lab, job_id)
    assert (done.state, done.progress, done.attempts) == ("done", 1.0, 1)
    assert done.progress_text == "half"
    assert done.result == {"made": job_id}
    assert done.error is None
    assert logged(lab, job_id) == ["hello"]
    assert not (lab.home / "cache" / "jobs" / job_id).exists()
    assert not worker(lab).step()


def test_jobs_go_by_priority_and_then_in_order(lab: Served) -> None:
    order = [ask(lab), ask(lab), ask(lab, priority=5), ask(lab)]
    one = worker(lab)
    while one.step():
        pass
    assert [started for started, _ in starts(lab.home)] == [order[2], order[0], order[1], order[3]]


def test_a_failure_tells_what_was_said_last(lab: Served) -> None:
    job_id = ask(lab, "print('first'); sys.exit('emqs.embed: the disk is full')")
    worker(lab).step()
    failed = job(lab, job_id)
    assert (failed.state, failed.error) == ("failed", "emqs.embed: the disk is full")
    assert logged(lab, job_id) == ["first", "emqs.embed: the disk is full"]
    with lab.context.database.write() as connection:
        job_queue.retry(connection, job_id)
    assert job(lab, job_id).state == "queued"
    assert job(lab, job_id).error is None
    worker(lab).step()
    assert job(lab, job_id).attempts == 1
    assert len(starts(lab.home)) == 2


def test_a_process_that_is_killed_is_tried_again_later_and_not_for_ever(
    lab: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_queue, "WAIT_S", 0.2)
    job_id = ask(lab, "os.kill(os.getpid(), 9)", most_attempts=2)
    one = worker(lab)
    one.step()
    assert job(lab, job_id).state == "queued"
    assert not one.step()  # not at once
    until(one.step)
    failed = job(lab, job_id)
    assert (failed.state, failed.attempts) == ("failed", 2)
    assert "signal 9" in str(failed.error)
    assert len(starts(lab.home)) == 2


def test_cancelling_ends_everything_that_a_job_started(lab: Served) -> None:
    script = (
        "import subprocess, signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(f'child {child.pid}', flush=True)\n"
        "time.sleep(60)"
    )
    job_id = ask(lab, script)
    one = worker(lab)
    import emqs.web.worker as module

    thread = threading.Thread(target=one.step)
    thread.start()
    until(lambda: any(line.startswith("child") for line in logged(lab, job_id)))
    child = int(logged(lab, job_id)[0].split()[1])
    assert is_alive(child)
    saved, module.GRACE_S = module.GRACE_S, 0.3
    try:
        with lab.context.database.write() as connection:
            assert job_queue.cancel(connection, job_id) == "running"
        thread.join(15)
    finally:
        module.GRACE_S = saved
    assert job(lab, job_id).state == "cancelled"
    assert job(lab, job_id).finished is not None
    for process in (child, starts(lab.home)[0][1]):
        until(lambda process=process: not is_alive(process), 5)  # type: ignore[misc]
    with (
        lab.context.database.write() as connection,
        pytest.raises(ConflictError, match="cancelled"),
    ):
        job_queue.cancel(connection, job_id)


def test_a_job_that_waits_is_cancelled_at_once(lab: Served) -> None:
    job_id = ask(lab)
    with lab.context.database.write() as connection:
        assert job_queue.cancel(connection, job_id) == "cancelled"
    assert not worker(lab).step()
    with lab.context.database.write() as connection, pytest.raises(NotFoundError):
        job_queue.cancel(connection, "none")


def test_a_worker_that_is_stopped_gives_its_job_back(lab: Served) -> None:
    job_id = ask(lab, "time.sleep(60)")
    one = worker(lab)
    thread = threading.Thread(target=one.run)
    thread.start()
    until(lambda: len(starts(lab.home)) == 1)
    one.stopping.set()
    thread.join(15)
    given_back = job(lab, job_id)
    assert (given_back.state, given_back.attempts) == ("queued", 0)
    with lab.context.database.read() as connection:
        assert job_workers.at_work(connection) == []


# --- words of the dead ---------------------------------------------------------------------------


def test_what_a_worker_says_too_late_changes_nothing(lab: Served) -> None:
    job_id = ask(lab)
    database = lab.context.database
    with database.write() as connection:
        first = job_queue.claim(connection, "a" * 26, ["toy"])
        assert first is not None
        connection.execute(table.update().values(heartbeat=1.0))
    with database.write() as connection:
        assert job_queue.requeue_dead(connection) == [(job_id, "queued")]
        connection.execute(table.update().values(not_before=0.0))
    with database.write() as connection:
        second = job_queue.claim(connection, "b" * 26, ["toy"])
        assert second is not None
        assert second.attempts == 2
        assert job_queue.beat(connection, first, 0.9, "late", [("info", "late")]) is None
        assert not job_queue.finish(connection, first, "done", result={"wrong": True})
        assert job_queue.give_back(connection, first, why="late") is None
        assert job_queue.beat(connection, second, 0.1, "on time", []) is False
        assert job_queue.finish(connection, second, "done", result={"right": True})
    assert job(lab, job_id).result == {"right": True}
    assert "late" not in logged(lab, job_id)


def test_after_enough_tries_a_job_fails_and_one_to_be_cancelled_is(lab: Served) -> None:
    database = lab.context.database
    failing, cancelled = ask(lab, most_attempts=1), ask(lab)
    with database.write() as connection:
        for _ in range(2):
            job_queue.claim(connection, "a" * 26, ["toy"])
        job_queue.cancel(connection, cancelled)
        connection.execute(table.update().values(heartbeat=1.0))
        states = dict(job_queue.requeue_dead(connection))
    assert states == {failing: "failed", cancelled: "cancelled"}
    assert "as often as is allowed" in str(job(lab, failing).error)
    assert job(lab, cancelled).error is None


def test_other_kinds_are_left_alone_and_a_user_cannot_queue_without_end(
    lab: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(lab)
    with lab.context.database.write() as connection:
        assert job_queue.claim(connection, "a" * 26, ["embed"]) is None
    monkeypatch.setattr(job_queue, "MOST_QUEUED", 1)
    with pytest.raises(ConfigError, match="not finished"):
        ask(lab)


def test_a_database_that_is_away_for_a_moment_costs_nothing(
    lab: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = ask(lab, "time.sleep(0.5)")
    one = worker(lab)
    real, calls = lab.context.database.write, []

    def write() -> object:
        calls.append(1)
        if len(calls) in (2, 3, 6):  # 1 claims
            raise DatabaseError("away")
        return real()

    monkeypatch.setattr(lab.context.database, "write", write)
    one.step()
    assert job(lab, job_id).state == "done"
    assert len(starts(lab.home)) == 1


# --- several real processes ----------------------------------------------------------------------


@pytest.mark.slow
def test_several_processes_do_each_job_once(workers: Forks, lab: Served, database_url: str) -> None:
    asked = [ask(lab) for _ in range(12)]
    running = processes(workers, lab, database_url, 3)
    try:
        until(lambda: all(job(lab, one).state == "done" for one in asked), 60)
    finally:
        stop(running)
    assert sorted(started for started, _ in starts(lab.home)) == sorted(asked)
    assert all(job(lab, one).attempts == 1 for one in asked)


@pytest.mark.slow
def test_a_job_outlives_workers_that_are_killed(
    workers: Forks, lab: Served, database_url: str
) -> None:
    """Three workers are killed in the middle of the same job; the fourth ends it."""
    script = (
        f"path = {str(lab.home / 'starts.txt')!r}\n"
        "time.sleep(0 if len(open(path).read().splitlines()) > 3 else 60)"
    )
    slow = ask(lab, script, most_attempts=5)
    for kill in range(3):
        (victim,) = processes(workers, lab, database_url, 1)
        try:
            until(lambda kill=kill: len(starts(lab.home)) == kill + 1, 30)
        finally:
            victim.kill()
            victim.wait()
        child = starts(lab.home)[-1][1]
        until(lambda child=child: not is_alive(child), 5)  # what it started dies with it
        with lab.context.database.write() as connection:  # do not wait longer and longer
            until_dead = table.update().where(table.c.state == "running").values(heartbeat=1.0)
            connection.execute(until_dead)
            job_queue.requeue_dead(connection)
            connection.execute(table.update().values(not_before=0.0))
    running = processes(workers, lab, database_url, 1)
    try:
        until(lambda: job(lab, slow).state == "done", 30)
    finally:
        stop(running)
    assert job(lab, slow).attempts == 4
    assert len(starts(lab.home)) == 4


@pytest.mark.slow
def test_a_silent_worker_is_noticed_by_another(
    workers: Forks, lab: Served, database_url: str
) -> None:
    quick = lab.home / "quick"  # made before the second try
    job_id = ask(lab, f"time.sleep(0 if os.path.exists({str(quick)!r}) else 60)")
    (victim,) = processes(workers, lab, database_url, 1, **{toy_worker.SILENT: "yes"})
    try:
        until(lambda: is_stopped(victim.pid), 60)  # it lives, but says nothing
        quick.touch()
        one = worker(lab)
        until(lambda: bool(one.step()) or job(lab, job_id).state == "queued", 10)
        with lab.context.database.write() as connection:
            connection.execute(table.update().values(not_before=0.0))
        until(lambda: bool(one.step()) or job(lab, job_id).state == "done", 10)
        assert job(lab, job_id).attempts == 2
        victim.send_signal(signal.SIGCONT)  # its word comes too late
        time.sleep(0.5)
        assert job(lab, job_id).attempts == 2
    finally:
        victim.send_signal(signal.SIGCONT)
        stop([victim])
    assert job(lab, job_id).state == "done"


# --- over HTTP -----------------------------------------------------------------------------------


def test_routes(lab: Served) -> None:
    client = lab.client(lab.ann)
    answer = client.post("/api/v1/datasets/brain/jobs", json={"kind": "toy", "settings": {}})
    assert answer.status_code == 201
    job_id = answer.json()["id"]
    assert client.get(f"/api/v1/jobs/{job_id}").json()["state"] == "queued"
    assert [one["id"] for one in client.get("/api/v1/jobs").json()["jobs"]] == [job_id]
    assert client.get("/api/v1/jobs?state=done").json()["jobs"] == []
    assert client.get("/api/v1/jobs?state=odd").status_code == 400
    assert client.delete(f"/api/v1/jobs/{job_id}").json() == {"state": "cancelled"}
    assert client.delete(f"/api/v1/jobs/{job_id}").status_code == 409
    assert client.post(f"/api/v1/jobs/{job_id}/retry").status_code == 204
    worker(lab).step()
    assert client.get(f"/api/v1/jobs/{job_id}").json()["result"] == {"made": job_id}
    assert (
        client.get(f"/api/v1/jobs/{job_id}/log").json()["lines"][0]["text"] == "It is tried again."
    )
    assert client.get(f"/api/v1/jobs/{job_id}/file").status_code == 404
    assert "toy" in client.get("/api/v1/jobs/kinds").json()
    assert client.get("/api/v1/jobs/workers").status_code == 403


def test_jobs_of_others_are_not_known(lab: Served) -> None:
    job_id = ask(lab)
    bob, root = lab.user("bob"), lab.user("root", admin=True)
    lab.grant(lab.brain, bob["id"], "annotator")
    for path, method in (("", "get"), ("", "delete"), ("/retry", "post"), ("/log", "get"),
                         ("/events", "get"), ("/file", "get")):  # fmt: skip
        call = getattr(lab.client(bob), method)
        assert call(f"/api/v1/jobs/{job_id}{path}").status_code == 404
        assert getattr(lab.client(), method)(f"/api/v1/jobs/{job_id}{path}").status_code == 401
    assert lab.client(bob).get("/api/v1/jobs").json()["jobs"] == []
    assert len(lab.client(root).get("/api/v1/jobs").json()["jobs"]) == 1
    assert lab.client(bob).get("/api/v1/datasets/brain/jobs").status_code == 403
    assert len(lab.client(root).get("/api/v1/datasets/brain/jobs").json()["jobs"]) == 1


def test_bad_jobs_are_refused(lab: Served) -> None:
    client = lab.client(lab.ann)
    path = "/api/v1/datasets/brain/jobs"
    box = {"start": [0, 0, 0], "stop": [1, 1, 1]}
    for kind, settings, status in [
        ("rm", {}, 400),
        ("download", {"layer": "../x", **box}, 400),
        ("download", {"layer": "x", **box, "out": "/etc/passwd"}, 400),
        ("levels", {"layer": "image"}, 403),  # needs a manager
    ]:
        answer = client.post(path, json={"kind": kind, "settings": settings})
        assert answer.status_code == status, (kind, settings)
    assert client.post(path, json={"settings": {}}).status_code == 422


def events_of(text: str) -> list[tuple[str, int, dict]]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            found.append((fields["event"], int(fields["id"]), json.loads(fields["data"])))
    return found


def test_events_follow_a_job_to_its_end(lab: Served) -> None:
    job_id = ask(lab, "print('one'); print('two')")
    thread = threading.Thread(target=worker(lab).step)
    thread.start()
    path = f"/api/v1/jobs/{job_id}/events"
    answer = lab.client(lab.ann).get(path)
    thread.join()
    assert answer.headers["content-type"].startswith("text/event-stream")
    seen = events_of(answer.text)
    lines = [content["text"] for name, _, content in seen if name == "log"]
    assert lines == ["one", "two"]
    assert seen[-1][0] == "end"
    assert [c["state"] for name, _, c in seen if name == "state"][-1] == "done"
    first = next(number for name, number, _ in seen if name == "log")
    again = lab.client(lab.ann).get(path, headers={"Last-Event-ID": str(first)})
    seen = events_of(again.text)
    assert [content["text"] for name, _, content in seen if name == "log"] == ["two"]


# --- kinds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    ["/data/my brain.zarr", "it's, [a] {list}: x=1", "*$?", "1.5", "null", 3, 0.25, None, True,
     [1.5, 2], "ä", "'", "a'b'", "", "${x", "\\", "\n"],
)  # fmt: skip
def test_hydra_reads_an_override_as_it_was_meant(value: object) -> None:
    if isinstance(value, str) and ("${" in value or "\\" in value or "\n" in value):
        with pytest.raises(ConfigError):
            job_kinds.override("volume", value)
        return
    written = job_kinds.override("volume", value)
    parsed = OverridesParser.create().parse_override(written)
    assert parsed.key_or_group == "volume"
    read = parsed.value()
    assert (read.text if hasattr(read, "text") else read) == value


def test_commands_that_are_not_installed_are_said_to_be_missing(
    lab: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = lab.user("root", admin=True)
    lab.context.settings.readable.append(str(tmp_path))
    client = lab.client(root)
    settings = {"source": str(tmp_path / "raw"), "name": "new", "voxel_size_nm": [50, 4, 4]}
    body = {"kind": "ingest", "settings": settings}
    assert client.post("/api/v1/datasets/brain/jobs", json=body).status_code == 400
    assert lab.client(lab.ann).post("/api/v1/jobs", json=body).status_code == 403
    elsewhere = {**body, "settings": {**settings, "source": "/etc"}}
    assert client.post("/api/v1/jobs", json=elsewhere).status_code == 400
    job_id = client.post("/api/v1/jobs", json=body).json()["id"]
    monkeypatch.setattr(job_embedding, "find_spec", lambda _: None)
    Worker(lab.context.database, Home(lab.home), ("ingest",), PACE).step()
    assert "no command emqs.ingest" in str(job(lab, job_id).error)
    monkeypatch.setattr(job_embedding, "find_spec", lambda _: True)
    with lab.context.database.read() as connection:
        work = job_kinds.KINDS["ingest"].prepare(
            connection, Home(lab.home), job(lab, job_id), tmp_path
        )
    assert work.arguments[:2] == ("-m", "emqs.ingest")
    assert f"source='{tmp_path}/raw'" in work.arguments
    assert "voxel_size_nm=[50.0,4.0,4.0]" in work.arguments


def test_a_prediction_is_a_command_over_a_store(
    lab: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_store(tmp_path / "codes.zarr", random_codes(grid_of()), grid_of())
    lab.layer(lab.brain, "codes", tmp_path / "codes.zarr", "embedding")
    lab.layer(lab.brain, "raw", tmp_path / "moved.zarr")
    (lab.home / "weights").mkdir()
    (lab.home / "weights" / "other.safetensors").write_bytes(b"other")
    weights = lab.home / "weights" / "none_1.safetensors"
    weights.write_bytes(b"")
    monkeypatch.setattr(job_embedding, "find_spec", lambda _: True)
    monkeypatch.setattr(
        "emqs.prediction.sources.sha256", lambda path: "" if path == weights else "another"
    )  # which the store says
    given = {"layer": "codes", "name": "mito", "positives": [[1, 2, 3]], "start": [0, 0, 0],
             "stop": [4, 5, 6]}  # fmt: skip
    settings = job_kinds.checked("predict", given)
    with lab.context.database.write() as connection:
        job_id = job_queue.submit(
            connection, "predict", settings, owner_id=lab.ann["id"], dataset_id=lab.brain
        )
    with lab.context.database.read() as connection:
        asked = job(lab, job_id)
        work = job_kinds.KINDS["predict"].prepare(connection, Home(lab.home), asked, tmp_path)
    assert "positive=[[1,2,3]]" in work.arguments
    assert f"volume='{tmp_path}/moved.zarr'" in work.arguments
    assert f"weights='{weights}'" in work.arguments
    assert "model='none'" in work.arguments
    assert "region=[[0,0,0],[4,5,6]]" in work.arguments
    assert not any(argument.startswith("negative") for argument in work.arguments)


def test_a_download_is_the_box(lab: Served, tmp_path: Path) -> None:
    voxels = random_voxels((70, 40, 50), "u2")
    lab.layer(lab.brain, "x", write_tiff(tmp_path / "x.tif", voxels),
              voxel_size_nm=[30.0, 8.0, 8.0])  # fmt: skip
    client = lab.client(lab.ann)
    settings = {"layer": "x", "start": [3, 5, 7], "stop": [70, 30, 50], "format": "npy"}
    body = {"kind": "download", "settings": settings}
    job_id = client.post("/api/v1/datasets/brain/jobs", json=body).json()["id"]
    one = Worker(lab.context.database, Home(lab.home), ("download",), PACE)
    one.step()
    assert job(lab, job_id).error is None
    answer = client.get(f"/api/v1/jobs/{job_id}/file")
    assert answer.headers["content-disposition"].startswith("attachment")
    (tmp_path / "got.npy").write_bytes(answer.content)
    np.testing.assert_array_equal(np.load(tmp_path / "got.npy"), voxels[3:70, 5:30, 7:50])
    part = client.get(f"/api/v1/jobs/{job_id}/file", headers={"Range": "bytes=1-5"})
    assert part.content == b"NUMPY"


def test_old_downloads_are_deleted(lab: Served) -> None:
    folder = lab.home / "cache" / "downloads"
    folder.mkdir(parents=True)
    for name, days in (("new.npy", 6), ("old.npy", 8)):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (time.time() - days * 86400,) * 2)
    one = worker(lab)
    one.tidy()
    assert [path.name for path in folder.iterdir()] == ["new.npy"]


@pytest.mark.parametrize("ending", ["tif", "npy", "h5"])
def test_files_of_downloads(tmp_path: Path, ending: str) -> None:
    voxels = random_voxels((70, 20, 30))
    path = tmp_path / f"x.{ending}"
    steps: list[float] = []
    box = Box((1, 2, 3), (70, 20, 30))
    volume = from_array(voxels, (30.0, 8.0, 8.0))
    downloads.write(volume, box, path, lambda fraction, _: steps.append(fraction))
    if ending == "tif":
        found = tifffile.imread(path)
    elif ending == "npy":
        found = np.load(path)
    else:
        import h5py

        with h5py.File(path) as file:
            found = file["voxels"][...]
            assert file["voxels"].attrs["voxel_size_nm"].tolist() == [30.0, 8.0, 8.0]
    np.testing.assert_array_equal(found, voxels[1:70, 2:20, 3:30])
    assert steps == sorted(steps)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    with pytest.raises(ConfigError, match="along x"):
        downloads.write(volume, Box((0, 0, 0), (1, 1, 31)), path)
    with pytest.raises(ConfigError, match="along z"):
        downloads.write(volume, Box((1, 0, 0), (1, 1, 1)), path)


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_levels_are_made_by_a_job(lab: Served, tmp_path: Path) -> None:
    voxels = random_voxels((4, 300, 300))
    lab.layer(lab.brain, "x", write_tiff(tmp_path / "x.tif", voxels),
              voxel_size_nm=[30.0, 8.0, 8.0])  # fmt: skip
    with lab.context.database.write() as connection:
        job_id = job_queue.submit(
            connection, "levels", {"layer": "x"}, owner_id=lab.ann["id"], dataset_id=lab.brain
        )
    Worker(lab.context.database, Home(lab.home), ("levels",), PACE).step()
    assert job(lab, job_id).error is None
    made = [path.name for path in (lab.home / "cache" / "levels").rglob("*.zarr")]
    assert sorted(made) == ["1x2x2.zarr", "2x4x4.zarr"]


@pytest.mark.slow
def test_segments_of_places_are_looked_up_by_a_job(lab: Served, tmp_path: Path) -> None:
    from support.small_stores import grid_of, random_codes, write_store

    from emqs.web.search_values import Ask, Example
    from emqs.web.searching import Searcher

    grid = grid_of()
    store = write_store(tmp_path / "a.zarr", random_codes(grid), grid)
    labels = np.arange(4 * 200 * 264, dtype=np.uint64).reshape(4, 200, 264) // 5000
    lab.layer(lab.brain, "codes", store.path, "embedding")
    lab.layer(lab.brain, "seg", write_zarr(tmp_path / "seg.zarr", labels, size=(30.0, 5.0, 5.0)),
              "segmentation")  # fmt: skip
    with lab.context.database.write() as connection:
        job_id = job_queue.submit(
            connection, "places", {"layer": "codes", "segments": "seg"},
            owner_id=lab.ann["id"], dataset_id=lab.brain,
        )  # fmt: skip
    Worker(lab.context.database, Home(lab.home), ("places",), PACE).step()
    assert job(lab, job_id).error is None
    (path,) = (lab.home / "cache" / "places").iterdir()
    assert np.load(path).shape == (grid.n_places,)
    with lab.context.database.read() as connection:
        layer = catalogue.layer(connection, lab.brain, "seg", None)
    searcher = Searcher(lab.home / "cache", at_once=1, wait_s=1)
    opened = Layers(lab.home / "cache").get(layer)
    searcher.search([str(store.path)], Ask((Example((1, 50, 60)),), inside=(12,)), [opened])
    assert [one.name for one in (lab.home / "cache" / "places").iterdir()] == [path.name]


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_accepted_merges_are_written_into_new_labels_by_a_job(lab: Served, tmp_path: Path) -> None:
    labels = np.repeat(np.arange(40, dtype=np.uint64), 50 * 60).reshape(40, 50, 60)
    before = {"5": "6"}  # published earlier: served as 6, stored as 5
    seg = lab.layer(lab.brain, "seg", write_zarr(tmp_path / "seg.zarr", labels), "segmentation",
                    equivalences=before)  # fmt: skip
    where = (lab.brain, seg, lab.ann["id"])
    rita = lab.user("rita")
    with lab.context.database.write() as connection:
        merges.merge(connection, *where, [6, 7, 30], base_version="1")
        merges.merge(connection, *where, [10, 11], base_version="1")
        asked = pull_requests.open_request(connection, *where, title="One neuron")
        pull_requests.review(
            connection, lab.brain, rita["id"], asked.id, "accepted", revision=asked.revision
        )
        job_id = job_queue.submit(
            connection, "label-apply", {"layer": "seg"}, owner_id=rita["id"], dataset_id=lab.brain
        )
    Worker(lab.context.database, Home(lab.home), ("label-apply",), PACE).step()
    done = job(lab, job_id)
    assert (done.state, done.error) == ("done", None), logged(lab, job_id)
    with lab.context.database.read() as connection:
        layer = catalogue.layer(connection, lab.brain, "seg", None)
        assert pull_requests.get(connection, lab.brain, asked.id).state == "applied"
    assert done.result == {"layer": "seg", "version": layer.version, "pull_requests": [asked.id]}
    assert layer.version != "1"
    assert "equivalences" not in layer.settings
    opened = Layers(lab.home / "cache").get(layer)
    expected = labels.copy()
    for old, new in ((5, 6), (7, 6), (30, 6), (11, 10)):
        expected[labels == old] = new
    np.testing.assert_array_equal(
        opened.scales[0].volume.read(Box((0, 0, 0), (40, 50, 60))), expected
    )
    assert opened.scales[0].volume.voxel_size_nm == (30.0, 8.0, 8.0)
    with lab.context.database.write() as connection:
        again = job_queue.submit(
            connection, "label-apply", {"layer": "seg"}, owner_id=rita["id"], dataset_id=lab.brain
        )
    Worker(lab.context.database, Home(lab.home), ("label-apply",), PACE).step()
    assert "No accepted pull request" in str(job(lab, again).error)


def test_scales_that_embed_refuses_are_refused_before() -> None:
    limits = job_kinds.KINDS["embed"].settings.model_json_schema()["properties"]["scale"]
    assert (limits["minimum"], limits["maximum"]) == (LEAST_SCALE, MOST_SCALE)


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_image_is_embedded_by_a_job(lab: Served, tmp_path: Path) -> None:
    from emqs.datasets.synthetic import em_stack

    voxels = em_stack(n_slices=2, height=104, width=136, seed=0)[0]
    lab.layer(lab.brain, "image", write_tiff(tmp_path / "x.tif", voxels),
              voxel_size_nm=[30.0, 8.0, 8.0])  # fmt: skip
    settings = job_kinds.checked(
        "embed",
        {"layer": "image", "model": "contrastive", "patch_size": 16, "stride": 8, "scale": 2},
    )
    with lab.context.database.write() as connection:
        job_id = job_queue.submit(
            connection, "embed", settings, owner_id=lab.ann["id"], dataset_id=lab.brain
        )
    Worker(lab.context.database, Home(lab.home), ("embed",), PACE).step()
    done = job(lab, job_id)
    assert (done.state, done.error) == ("done", None), logged(lab, job_id)
    about = lab.client(lab.user("root", admin=True)).get("/api/v1/datasets/brain").json()
    assert about["stores"][0].endswith("codes.zarr")
    assert open_store(Path(about["stores"][0])).grid.seen == 32
    assert [layer["name"] for layer in about["layers"]] == ["image", "codes"]
