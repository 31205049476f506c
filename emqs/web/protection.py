"""What stands before every request: which host was asked for, from where, how much, and headers."""

import json
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)
access_log = logging.getLogger("emqs.web.access")

SAFE = ("GET", "HEAD", "OPTIONS")
OWN_SITES = ("same-origin", "none")  # values of Sec-Fetch-Site: this page, or typed by the user
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-eval'",  # the viewer makes functions of text
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",  # the viewer sets styles of elements
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:{connect}",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


def header(scope: Scope, name: str) -> str | None:
    """Return a header of a request, or None; of several the first."""
    sought = name.encode()
    for key, value in scope["headers"]:
        if key == sought:
            return str(value.decode("latin-1"))
    return None


def is_foreign(scope: Scope) -> bool:
    """Return whether a page of another site made a request that changes something.

    A request with ``Authorization`` never uses the cookie, so no page can forge it. Programs that
    are no browsers send neither of the two headers looked at.
    """
    if scope["method"] in SAFE or header(scope, "authorization") is not None:
        return False
    site = header(scope, "sec-fetch-site")
    if site is not None:
        return site not in OWN_SITES
    origin = header(scope, "origin")
    return origin is not None and urlsplit(origin).netloc != header(scope, "host")


def host_name(value: str) -> str:
    """Return the name in a ``Host`` header, without port and brackets, in small letters."""
    try:
        return (urlsplit(f"//{value}").hostname or "").lower()
    except ValueError:
        return ""


async def refuse(send: Send, status: int, sentence: str) -> None:
    """Answer a request that goes no further."""
    body = json.dumps({"error": sentence}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    start = {"type": "http.response.start", "status": status, "headers": headers, "emqs": True}
    await send(start)
    await send({"type": "http.response.body", "body": body})


class TooLargeError(Exception):
    """A request is longer than allowed."""


class Recorder(Protocol):
    """What writes down who changed what, and who was refused."""

    def is_due(self, scope: Scope, status: int) -> bool:
        """Return whether an answer is written down."""
        ...

    def write(self, scope: Scope, status: int) -> None:
        """Write an answer down before it is sent."""
        ...


class Protection:
    """Refuses foreign hosts, cross-site writes and bodies that are too long; adds headers; logs.

    Of a request the path is logged and not its query, which may hold a token of a link.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Sequence[str],
        max_body: int,
        max_upload: int,
        https: bool,
        recorder: Recorder | None = None,
        observe: Callable[[str, str | None, int, float], None] | None = None,
        connect: Sequence[str] = (),
    ) -> None:
        """Wrap an application.

        Args:
            app: What answers.
            hosts: Names in ``Host`` that are answered.
            max_body: Bytes of a request.
            max_upload: Bytes of a request whose path ends in ``/upload``.
            https: Whether browsers are told to use nothing but https.
            recorder: Writes down what was changed or refused; None: nobody does.
            observe: Is told method, route, status and seconds of each request.
            connect: Other servers that pages may fetch images from, as origins.
        """
        self.app = app
        self.hosts = frozenset(name.lower().strip("[]") for name in hosts)
        self.max_body, self.max_upload = max_body, max_upload
        self.recorder, self.observe = recorder, observe
        policy = POLICY.format(connect="".join(f" {origin}" for origin in connect))
        self.added = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
        ]
        if https:
            self.added.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse to."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = uuid.uuid4().hex[:16]
        scope.setdefault("state", {})["request_id"] = request_id
        status = 500
        answered = False

        async def outgoing(message: Message) -> None:
            nonlocal status, answered
            if scope["state"].get("too_large") and not answered and not message.get("emqs"):
                return  # what answers took it for a broken connection
            if message["type"] == "http.response.start":
                status, answered = message["status"], True
                if self.recorder is not None and self.recorder.is_due(scope, status):
                    await run_in_threadpool(self.recorder.write, scope, status)
                present = {key.lower() for key, _ in message["headers"]}
                added = [pair for pair in self.added if pair[0] not in present]
                identity = (b"x-request-id", request_id.encode())
                message["headers"] = [*message["headers"], *added, identity]
            await send(message)

        try:
            with suppress(TooLargeError):
                await self._checked(scope, receive, outgoing)
            if scope["state"].get("too_large") and not answered:
                await refuse(outgoing, 413, self._too_large(scope))
        finally:
            self._log(scope, request_id, status, time.perf_counter() - started)

    async def _checked(self, scope: Scope, receive: Receive, send: Send) -> None:
        if host_name(header(scope, "host") or "") not in self.hosts:
            await refuse(
                send, 421, "This server does not answer to that host name. Allow it in serve.hosts."
            )
        elif b"%00" in scope.get("raw_path", b"") + scope["query_string"] or "\0" in scope["path"]:
            await refuse(send, 400, "An address holds no character of number 0.")
        elif is_foreign(scope):
            logger.warning("refused a cross-site %s of %s", scope["method"], scope["path"])
            scope["state"]["refused"] = "cross-site"
            await refuse(send, 403, "A page of another site may not do this.")
        elif self._length(scope) > self._limit(scope):
            await refuse(send, 413, self._too_large(scope))
        else:
            await self.app(scope, self._counted(scope, receive), send)

    def _limit(self, scope: Scope) -> int:
        return self.max_upload if scope["path"].endswith("/upload") else self.max_body

    def _length(self, scope: Scope) -> int:
        length = header(scope, "content-length")
        return int(length) if length is not None and length.isdigit() else 0

    def _too_large(self, scope: Scope) -> str:
        return f"The request is longer than the {self._limit(scope)} bytes that are allowed."

    def _counted(self, scope: Scope, receive: Receive) -> Receive:
        """Return what receives a body and counts it, since its length may not have been told."""
        left = self._limit(scope)

        async def incoming() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                scope["state"]["too_large"] = True
                raise TooLargeError
            return message

        return incoming

    def _log(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        state = scope["state"]
        route = getattr(scope.get("route"), "path_format", None)
        if self.observe is not None:
            self.observe(scope["method"], route, status, seconds)
        access_log.log(
            logging.WARNING
            if status in (401, 403, 413, 421, 429) or status >= 500 or "refused" in state
            else logging.INFO,
            "%s %s %d",
            scope["method"],
            scope["path"],
            status,
            extra={
                "fields": {
                    "request": request_id,
                    "method": scope["method"],
                    "path": scope["path"],
                    "route": route,
                    "status": status,
                    "ms": round(1000 * seconds, 1),
                    "user": state.get("user"),
                    "address": (scope.get("client") or (None,))[0],
                }
            },
        )
