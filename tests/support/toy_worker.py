"""A worker that also does toy jobs: ``python toy_worker.py --home FOLDER ...``.

A toy job runs a short script; every start of it adds a line to a file.
"""

import os
import signal
import sys
from pathlib import Path

from pydantic import BaseModel
from sqlalchemy import Connection

from emqs.web import worker
from emqs.web.home import Home
from emqs.web.job_kinds import KINDS, Kind, Work
from emqs.web.job_queue import Job

SILENT = "EMQS_TOY_SILENT"  # set: a worker that stops itself


class ToySettings(BaseModel):
    script: str = "pass"


START = """
import os, sys, time
with open(os.path.join({home!r}, "starts.txt"), "a") as stream:
    stream.write("{job} " + str(os.getpid()) + "\\n")
"""


def prepare(_connection: Connection, home: Home, job: Job, _scratch: Path) -> Work:
    script = START.format(home=str(home.folder.absolute()), job=job.id) + job.settings["script"]
    return Work(("-c", script), lambda _: {"made": job.id})


def add() -> None:
    """Let this process know toy jobs."""
    KINDS["toy"] = Kind("annotator", ToySettings, prepare)


def starts(home: Path) -> list[tuple[str, int]]:
    """Return ids of jobs and processes, in the order in which they were started."""
    path = home / "starts.txt"
    if not path.exists():
        return []
    lines = [line.split() for line in path.read_text().splitlines()]
    return [(job, int(process)) for job, process in lines]


def silence() -> None:
    """Let this process stop itself before its first word, which is between two transactions.

    Stopped from outside it might hold a lock of the database, which holds up everybody.
    """
    speak = worker.Worker._beat

    def beat(*given: object) -> bool | None:
        worker.Worker._beat = speak  # type: ignore[method-assign]
        os.kill(os.getpid(), signal.SIGSTOP)
        return speak(*given)  # type: ignore[arg-type]

    worker.Worker._beat = beat  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    add()
    if os.environ.get(SILENT):
        silence()
    worker.main(sys.argv[1:])
