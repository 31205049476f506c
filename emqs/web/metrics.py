"""Numbers for monitoring, as Prometheus reads them: how many requests, how long, which jobs."""

import os
import time
from collections.abc import Iterator

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import func, select

import emqs
from emqs.annotations.schema import jobs, users, workers
from emqs.web.context import Context, context
from emqs.web.rights import needs

router = APIRouter(tags=["health"])

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where the processes of a server count together
ALIVE_S = 60.0  # a worker that was not heard of for longer is dead
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BUCKETS = (0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 30.0)

registry = CollectorRegistry()
request_seconds = Histogram(
    "emqs_request_seconds",
    "Requests by route and status, and how long they took",
    ["method", "route", "status"],
    buckets=BUCKETS,
    registry=registry,
)


def observe(method: str, route: str | None, status: int, seconds: float) -> None:
    """Count a request; those of no route are one."""
    method = method if method in METHODS else "other"
    request_seconds.labels(method, route or "none", str(status)).observe(seconds)


class FromDatabase(Collector):
    """What the database knows, asked for when somebody looks."""

    def __init__(self, state: Context) -> None:
        """Ask nothing yet."""
        self.state = state

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the numbers."""
        alive = workers.c.stopped.is_(None) & (workers.c.heartbeat > time.time() - ALIVE_S)
        with self.state.database.read() as connection:
            states = connection.execute(
                select(jobs.c.state, func.count()).group_by(jobs.c.state)
            ).all()
            n_users = connection.scalar(
                select(func.count()).select_from(users).where(users.c.is_active)
            )
            n_workers = connection.scalar(select(func.count()).select_from(workers).where(alive))
        by_state = GaugeMetricFamily("emqs_jobs", "Jobs by state", labels=["state"])
        for name, count in states:
            by_state.add_metric([name], count)
        yield by_state
        yield GaugeMetricFamily("emqs_users", "Accounts that may sign in", value=n_users or 0)
        yield GaugeMetricFamily("emqs_workers", "Workers of jobs at work", value=n_workers or 0)
        version = GaugeMetricFamily("emqs_version", "Version of emqs", labels=["version"])
        version.add_metric([emqs.__version__], 1)
        yield version


@router.get("/metrics", dependencies=[needs("local")])
def metrics(request: Request) -> Response:
    """Return the numbers of all processes; for admins, and programs on this computer."""
    shown = CollectorRegistry()
    shown.register(FromDatabase(context(request)))
    if os.environ.get(FOLDER):
        MultiProcessCollector(shown)  # type: ignore[no-untyped-call]
        text = generate_latest(shown)
    else:
        text = generate_latest(registry) + generate_latest(shown)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
