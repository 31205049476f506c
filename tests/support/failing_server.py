"""A server on this machine that fails when it is told to."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.wrong_answers import ANSWERS, Part


class Server:
    """Serves a folder on this machine, and fails as often and as it is told.

    Attributes:
        failures: How the next requests fail, if they do: ``"500"`` and other numbers, ``"drop"``,
            ``"hang"``, ``"cut"``, or one of ``ANSWERS``.
        always: How all others do.
        only: Regular expression of the paths that may fail; the others never do.
        requests: The paths that were asked for.
        ranges: Those of them of which a part was asked for, with the part.
    """

    def __init__(self, folder: Path) -> None:
        self.failures: list[str | None] = []
        self.always: str | None = None
        self.only = ""
        self.requests: list[str] = []
        self.ranges: list[tuple[str, str]] = []
        self.stopped = threading.Event()
        ThreadingHTTPServer.request_queue_size = 64  # a full queue costs a second
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self, folder))
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def how(self, path: str) -> str | None:
        """Return how the request for a path fails; None if it does not."""
        if not re.search(self.only, path):
            return None
        return self.failures.pop(0) if self.failures else self.always

    def stop(self) -> None:
        self.stopped.set()
        self.http.shutdown()
        self.http.server_close()


class _Handler(SimpleHTTPRequestHandler):
    """Answers the requests to a server."""

    protocol_version = "HTTP/1.1"
    wbufsize = 2**16

    def __init__(self, server: Server, folder: Path, *arguments: object) -> None:
        self.of, self.top = server, folder
        with suppress(ConnectionError):  # who asked has gone
            super().__init__(*arguments, directory=str(folder))

    def log_message(self, *arguments: object) -> None: ...

    def do_GET(self) -> None:
        self.of.requests.append(self.path)
        stated = self.headers.get("Range")
        if stated is not None:
            self.of.ranges.append((self.path, stated))
        how = self.of.how(self.path)
        file = self.top / self.path.lstrip("/")
        if how is not None and how.isdigit():
            self.send_error(int(how))
        elif how in ("hang", "drop"):
            if how == "hang":
                self.of.stopped.wait(5)
            self.close_connection = True
        elif file.is_file():
            part = Part.of(file.read_bytes(), stated)
            ANSWERS[how or "right"](self, part, self.of.stopped)
        else:
            super().do_GET()


@contextmanager
def asked_with(
    patience: dict[str, object], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """Serve a folder; servers that fail are asked again as ``chunks.RETRIES`` would say."""
    from emqs.volumes import chunks

    monkeypatch.setattr(chunks, "RETRIES", patience)
    chunks._context.cache_clear()
    server = Server(folder)
    try:
        yield server
    finally:
        server.stop()
        chunks._context.cache_clear()
