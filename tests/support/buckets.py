"""An S3 server on this machine, and a proxy before it that fails when it is told to."""

import http.client
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from emqs.volumes import chunks

KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "s3cr3t-of-tests"}
SLOW_S = 0.4


class Bucket:
    """A server of Amazon's protocol with one bucket, reached through a proxy.

    Attributes:
        url: Of the proxy.
        failures: How the next requests fail: ``"500"`` and other numbers, ``"slow"``, ``"cut"``.
        stop_after: How many more requests are answered, before there is no server; None: all.
        lost: Of the next writes, how many are done without an answer.
        requests: Method and path of all requests.
    """

    def __init__(self) -> None:
        from moto.server import ThreadedMotoServer  # a second; most tests need none

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        _, self.port = self.server.get_host_and_port()
        self.failures: list[str] = []
        self.always: str | None = None
        self.lost = 0
        self.stop_after: int | None = None
        self.requests: list[tuple[str, str]] = []
        self.proxy = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.proxy.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.proxy.server_port}"
        threading.Thread(target=self.proxy.serve_forever, args=(0.01,), daemon=True).start()
        self.make("bucket")

    def next_failure(self, verb: str, path: str) -> str:
        """Return how a request fails; an empty text: it does not."""
        self.requests.append((verb, path))
        if self.stop_after is not None:
            self.stop_after -= 1
            if self.stop_after < 0:
                return "503"
        return self.failures.pop(0) if self.failures else self.always or ""

    def make(self, name: str) -> None:
        self.ask("PUT", f"/{name}")

    def ask(self, method: str, path: str, content: bytes = b"") -> bytes:
        """Ask the server itself, past the proxy."""
        named = {"Authorization": f"AWS {KEYS['AWS_ACCESS_KEY_ID']}:x"}
        status, _, answer = self.forwarded(method, path, content, named)
        assert status < 300, (method, path, status)
        return answer

    def forwarded(
        self, method: str, path: str, content: bytes, headers: Mapping[str, str]
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, content or None, dict(headers.items()))
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def files(self, prefix: str) -> dict[str, bytes]:
        """Return all files below a prefix, by the rest of their names."""
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.s3.models import s3_backends

        keys = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets["bucket"].keys
        return {
            name.removeprefix(prefix): keys[name].value
            for name in list(keys)
            if name.startswith(prefix)
        }

    def stop(self) -> None:
        self.proxy.shutdown()
        self.proxy.server_close()
        self.server.stop()


def files_on_disk(folder: Path) -> dict[str, bytes]:
    """Return what a folder holds, without copies for searches."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and ".scan" not in file.parts
    }


@pytest.fixture(scope="module")
def running_bucket() -> Iterator[Bucket]:
    """A server for the tests of one file."""
    made = Bucket()
    yield made
    made.stop()


@pytest.fixture
def bucket(
    running_bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bucket]:
    """An empty bucket that this process reaches as its user would."""
    yield from reached(running_bucket, tmp_path, monkeypatch)


def reached(bucket: Bucket, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Have this process reach a server as its user would; afterwards the bucket is empty again."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.url)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "none"))
    monkeypatch.setenv("EMQS_CACHE", str(folder / "cache"))
    retries = {"max_retries": 3, "initial_delay": "10ms", "max_delay": "20ms"}
    monkeypatch.setattr(chunks, "RETRIES", retries)
    chunks._context.cache_clear()
    bucket.requests.clear()
    yield bucket
    bucket.failures.clear()
    bucket.always, bucket.stop_after, bucket.lost = None, None, 0
    for key in bucket.files(""):
        bucket.ask("DELETE", f"/bucket/{key}")
    chunks._context.cache_clear()


def _handler(bucket: Bucket) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None: ...

        def answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            how = bucket.next_failure(self.command, self.path)
            if how.isdigit():
                code = "AccessDenied" if how == "403" else "InternalError"
                self.sent(int(how), [], f"<Error><Code>{code}</Code></Error>".encode())
                return
            got = bucket.forwarded(self.command, self.path, content, self.headers)
            if self.command == "PUT" and bucket.lost:
                bucket.lost -= 1
                self.close_connection = True
                return
            time.sleep(SLOW_S if how == "slow" else 0)
            self.sent(*got, cut=how == "cut")

        def sent(
            self, status: int, headers: list[tuple[str, str]], body: bytes, *, cut: bool = False
        ) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = cut

    for verb in ("GET", "PUT", "HEAD", "DELETE", "POST"):
        setattr(Handler, f"do_{verb}", Handler.answer)
    return Handler
