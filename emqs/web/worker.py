"""A process that does the jobs of a server, one at a time, each in a process of its own.

    python -m emqs.web.worker --home lab

Any number of workers, on any number of computers that see the same home folder and the same
database, share the work. The address of a database other than the home's comes from the
environment variable ``EMQS_DATABASE``, so that its password stands on no command line.

A worker that a server starts ends with it, however the server ends (``--attached``): the server
holds the other end of the worker's standard input, which closes when it dies.
"""

import argparse
import logging
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from emqs.annotations.database import Database
from emqs.errors import DatabaseError, EmqsError
from emqs.web import job_log, job_queue, job_workers
from emqs.web.home import Home
from emqs.web.job_kinds import KINDS, Work
from emqs.web.job_queue import Job

logger = logging.getLogger(__name__)

IDLE_S = 1.0  # between two looks for a job
LOOK_S = 0.5  # between two looks at a running one
TIDY_S = 3600.0  # between two looks for old downloads
KEEP_S = 7 * 86400.0  # that downloads are kept
GRACE_S = 5.0  # between asking a process to end and ending it
LEAVE_S = 30.0  # between the death of the server and the end of its worker, at most
CHILD = Path(__file__).with_name("child.py")
DATABASE = "EMQS_DATABASE"
SIGNALLED = 128  # exit codes above it stand for signals


@dataclass(frozen=True)
class Pace:
    """How often a worker looks and speaks, in seconds; tests are in more of a hurry."""

    idle: float = IDLE_S
    look: float = LOOK_S
    beat: float = job_queue.BEAT_S
    dead: float = job_queue.DEAD_S


@dataclass
class Worker:
    """One worker.

    Attributes:
        database: Where the jobs are.
        home: Where what they make is put.
        kinds: What it does.
        stopping: Set to stop it; the job at hand is queued again.
    """

    database: Database
    home: Home
    kinds: Sequence[str] = tuple(KINDS)
    pace: Pace = field(default_factory=Pace)
    stopping: threading.Event = field(default_factory=threading.Event)
    _id: str | None = None
    _tidied: float = -math.inf

    def run(self) -> None:
        """Do jobs until ``stopping`` is set. A database that is gone is waited for."""
        while not self.stopping.is_set():
            try:
                self.tidy()
                done = self.step()
            except DatabaseError as error:
                logger.warning("worker: %s", error)
                done = False
            if not done:
                self.stopping.wait(self.pace.idle)
        if self._id is not None:
            try:
                with self.database.write() as connection:
                    job_workers.stop(connection, self._id)
            except DatabaseError as error:
                logger.warning("worker: %s", error)

    def tidy(self) -> None:
        """Delete files of downloads that are older than a week; now and then."""
        if time.monotonic() < self._tidied + TIDY_S:
            return
        self._tidied = time.monotonic()
        for path in (self.home.cache / "downloads").glob("*.*"):
            with suppress(OSError):  # another worker may be faster
                if path.stat().st_mtime < time.time() - KEEP_S:
                    path.unlink()

    def step(self) -> bool:
        """Do one job; return whether there was one.

        Raises:
            DatabaseError: If the database is gone. A job at hand is queued again by whoever looks
                for silent workers.
        """
        with self.database.write() as connection:
            if self._id is None:
                self._id = job_workers.register(
                    connection, socket.gethostname(), os.getpid(), self.kinds
                )
            for job_id, state in job_queue.requeue_dead(connection, self.pace.dead):
                logger.warning("worker: job %s of a silent worker is %s", job_id, state)
            job = job_queue.claim(connection, self._id, self.kinds)
            job_workers.alive(connection, self._id, None if job is None else job.id)
        if job is None:
            return False
        logger.info("worker: job %s (%s), try %d", job.id, job.kind, job.attempts)
        self._do(job)
        return True

    def _do(self, job: Job) -> None:
        scratch = self.home.cache / "jobs" / job.id
        try:
            scratch.mkdir(parents=True, exist_ok=True)
            with self.database.read() as connection:
                work = KINDS[job.kind].prepare(connection, self.home, job, scratch)
        except EmqsError as error:
            self._end(job, "failed", error=_one_line(error))
            return
        except OSError as error:
            self._end(job, "failed", error=f"{scratch} cannot be written: {error.strerror}.")
            return
        running = Running(work, scratch)
        try:
            self._watch(job, work, running)
        finally:
            running.kill()
            shutil.rmtree(scratch, ignore_errors=True)

    def _watch(self, job: Job, work: Work, running: "Running") -> None:
        """Tell the database how far a job is until it has ended."""
        heard = said = time.monotonic()
        while running.wait(self.pace.look) is None:
            if self.stopping.is_set():
                running.end()
                self._give_back(job, "The worker was stopped.", running, counts=False)
                return
            if time.monotonic() - said < self.pace.beat:
                continue
            said = time.monotonic()
            try:
                cancelled = self._beat(job, work, running)
                heard = said
            except DatabaseError as error:  # it may be back soon
                logger.warning("worker: %s", error)
                if said - heard > self.pace.dead:
                    raise
                continue
            if cancelled is None:
                logger.warning("worker: job %s is another worker's now", job.id)
                return
            if cancelled:
                running.end()
                self._end(job, "cancelled", lines=running.lines())
                return
        self._ended(job, work, running)

    def _ended(self, job: Job, work: Work, running: "Running") -> None:
        code = running.wait(0)
        if code == 0:
            self._done(job, work, running)
        elif code is None or code > SIGNALLED or code < 0:
            number = "" if code is None else f" {code - SIGNALLED if code > 0 else -code}"
            self._give_back(job, f"Its process was ended by signal{number}.", running)
        else:
            self._end(job, "failed", error=running.reason(), lines=running.lines())

    def _beat(self, job: Job, work: Work, running: "Running") -> bool | None:
        if work.probe is not None and running.progress[1] == "":
            running.probed = work.probe() or running.probed
        fraction, text = running.progress if running.progress[1] else running.probed
        lines = running.lines()
        with self.database.write() as connection:
            if self._id is not None:
                job_workers.alive(connection, self._id, job.id)
            asked = job_queue.beat(connection, job, fraction, text, lines)
        running.told(len(lines))
        return asked

    def _done(self, job: Job, work: Work, running: "Running") -> None:
        """Write what a job made, together with its end: both or neither."""

        def write() -> None:
            with self.database.write() as connection:
                result = work.finish(connection)
                lines = running.lines()
                if not job_queue.finish(connection, job, "done", result=result, lines=lines):
                    raise _LostError

        try:
            self._insist(write)
        except _LostError:
            logger.warning("worker: job %s is not this worker's any more", job.id)
        except DatabaseError:
            raise
        except EmqsError as error:
            self._end(job, "failed", error=_one_line(error))

    def _give_back(self, job: Job, why: str, running: "Running", *, counts: bool = True) -> None:
        def write() -> None:
            with self.database.write() as connection:
                if job_queue.give_back(connection, job, why=why, counts=counts) is not None:
                    job_log.log(connection, job.id, running.lines())

        self._insist(write)

    def _end(
        self,
        job: Job,
        state: str,
        *,
        error: str | None = None,
        lines: Sequence[tuple[str, str]] = (),
    ) -> None:
        def write() -> None:
            with self.database.write() as connection:
                job_queue.finish(connection, job, state, error=error, lines=lines)

        self._insist(write)

    def _insist(self, write: Callable[[], None]) -> None:
        """Write to the database, which may be away for a moment.

        Raises:
            DatabaseError: If it is away for so long that the job is given to somebody else.
        """
        started = time.monotonic()
        while True:
            try:
                write()
            except DatabaseError as error:
                if time.monotonic() - started > self.pace.dead:
                    raise
                logger.warning("worker: %s", error)
                time.sleep(self.pace.look)
            else:
                return


class _LostError(Exception):
    """A job is another worker's now."""


class Running:
    """A job's process and what it says."""

    def __init__(self, work: Work, folder: Path) -> None:
        """Start it, in a group of processes of its own; ``folder`` is where it works."""
        self._lines: deque[tuple[str, str]] = deque()
        self._last = ""
        self._said = 0
        self.progress: tuple[float, str] = (0.0, "")
        self.probed: tuple[float, str] = (0.0, "")
        root = Path(__file__).parents[2]
        paths = [str(root), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "COLUMNS": "200",
        }
        environment.pop(DATABASE, None)
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(CHILD), sys.executable, *work.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        for raw in self._process.stdout:
            line = raw.rstrip()
            number, _, text = line.partition(" ")
            if len(number) == 6 and number[:2] in ("0.", "1.") and number[2:].isdigit():
                self.progress = min(1.0, float(number)), text
            elif line:
                self._last = line
                self._said += 1
                if self._said <= job_log.MOST_LINES:
                    self._lines.append(("info", line))

    def wait(self, seconds: float) -> int | None:
        """Return the exit code, or None if it still runs after so many seconds."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(GRACE_S)
        return code

    def lines(self) -> list[tuple[str, str]]:
        """Return what it has said and what was not stored yet: level and text."""
        return list(self._lines)

    def told(self, count: int) -> None:
        """Forget the first lines, which are stored."""
        for _ in range(count):
            self._lines.popleft()

    def reason(self) -> str:
        """Return why it failed: what it said last."""
        return self._last or "It failed and said nothing."

    def end(self) -> None:
        """Ask it to end, and end it after a while if it does not."""
        self._signal(signal.SIGTERM)
        if self.wait(GRACE_S) is None:
            self.kill()

    def kill(self) -> None:
        """End it and all processes that it started."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join(GRACE_S)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return


def _end_with_input(stopping: threading.Event) -> None:
    """Stop the worker when its standard input is closed; end it if it cannot stop in order.

    What a worker started ends with it, too (``child.py``).
    """
    while os.read(0, 4096):
        pass
    logger.warning("worker: the server is gone")
    stopping.set()
    time.sleep(LEAVE_S)
    os._exit(1)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a worker until it gets SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m emqs.web.worker")
    parser.add_argument("--home", type=Path, required=True, help="folder of the server")
    parser.add_argument("--kinds", help=f"jobs that it does, of {','.join(KINDS)}; all by default")
    for name in ("idle", "look", "beat", "dead"):
        parser.add_argument(f"--{name}", type=float, default=getattr(Pace(), name))
    parser.add_argument("--attached", action="store_true", help="end when standard input is closed")
    options = parser.parse_args(arguments)
    kinds = tuple(KINDS) if options.kinds is None else tuple(options.kinds.split(","))
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        parser.error(f"there is no kind of job {unknown[0]}; there are {', '.join(KINDS)}")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    home = Home(options.home, os.environ.get(DATABASE))
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if options.attached:
        threading.Thread(target=_end_with_input, args=(stopping,), daemon=True).start()
    try:
        home.make()
        database = Database.open(home.database_url, pool_size=2)
    except EmqsError as error:
        sys.exit(f"emqs.web.worker: {_one_line(error)}")
    pace = Pace(options.idle, options.look, options.beat, options.dead)
    Worker(database, home, kinds, pace, stopping).run()
    database.close()


if __name__ == "__main__":
    main()
