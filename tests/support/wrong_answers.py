"""Answers of a server that are wrong: cut short, too long, of another part, without an end."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Self

PAGE = b"<html>This server is being repaired.</html>"


@dataclass(frozen=True)
class Part:
    """The part of a file that is asked for.

    Attributes:
        file: All of it.
        first: The first byte.
        stop: The byte after the last.
        is_range: Whether a part was asked for, and not the file.
    """

    file: bytes
    first: int
    stop: int
    is_range: bool

    @classmethod
    def of(cls, file: bytes, stated: str | None) -> Self:
        """Return the part that the header ``Range`` states."""
        if stated is None:
            return cls(file, 0, len(file), False)
        first, last = stated.removeprefix("bytes=").split("-")
        start = int(first) if first else len(file) - int(last)
        stop = min(int(last) + 1, len(file)) if first and last else len(file)
        return cls(file, start, stop, True)

    @property
    def content(self) -> bytes:
        """The bytes of the part."""
        return self.file[self.first : self.stop]

    def head(
        self, to: BaseHTTPRequestHandler, stated: int | None, *, status: int = 0, shift: int = 0
    ) -> None:
        """Send the head of an answer.

        Args:
            to: Who asked.
            stated: The length that it states; None: one that comes in pieces.
            status: Other than the right one.
            shift: By how much the part that it states lies beside the right one.
        """
        code = status or (206 if self.is_range else 200)
        to.send_response(code)
        if code == 206:
            stop = self.stop - 1 + shift
            to.send_header("Content-Range", f"bytes {self.first + shift}-{stop}/{len(self.file)}")
        if stated is None:
            to.send_header("Transfer-Encoding", "chunked")
        else:
            to.send_header("Content-Length", str(stated))
        to.end_headers()

    def send(
        self, to: BaseHTTPRequestHandler, content: bytes, stated: int | None = None, **head: int
    ) -> None:
        """Send an answer; one that states another length ends the connection."""
        self.head(to, len(content) if stated is None else stated, **head)
        to.wfile.write(content)
        to.wfile.flush()
        to.close_connection = stated is not None and stated != len(content)


Answer = Callable[[BaseHTTPRequestHandler, Part, threading.Event], None]


def right(to: BaseHTTPRequestHandler, part: Part, _: threading.Event) -> None:
    """Send what is asked for."""
    part.send(to, part.content)


def cut(to: BaseHTTPRequestHandler, part: Part, _: threading.Event) -> None:
    """Send half of what is stated."""
    part.send(to, part.content[: len(part.content) // 2], len(part.content))


def cut_pieces(to: BaseHTTPRequestHandler, part: Part, _: threading.Event) -> None:
    """Send half of it as a piece, and never the end."""
    half = part.content[: len(part.content) // 2]
    part.head(to, None)
    to.wfile.write(b"%x\r\n" % len(half) + half + b"\r\n")
    to.wfile.flush()
    to.close_connection = True


def longer(to: BaseHTTPRequestHandler, part: Part, _: threading.Event) -> None:
    """Send more than is stated."""
    part.send(to, part.content + bytes(1000), len(part.content))


def shorter(to: BaseHTTPRequestHandler, part: Part, _: threading.Event) -> None:
    """Send, and state, three bytes too few."""
    part.send(to, part.content[:-3])


def empty(to: BaseHTTPRequestHandler, part: Part, _: threading.Event) -> None:
    """Send nothing, with the status of success."""
    part.send(to, b"")


def page(to: BaseHTTPRequestHandler, part: Part, _: threading.Event) -> None:
    """Send a page that says something to people."""
    part.send(to, PAGE, status=200)


def whole(to: BaseHTTPRequestHandler, part: Part, _: threading.Event) -> None:
    """Send the whole file, whatever part is asked for."""
    part.send(to, part.file, status=200)


def other_range(to: BaseHTTPRequestHandler, part: Part, _: threading.Event) -> None:
    """Send the bytes one further, and state so; of a whole file, all but the first byte."""
    moved = part.file[part.first + 1 : part.stop + 1]
    part.send(to, moved, shift=1)


def slow(to: BaseHTTPRequestHandler, part: Part, stopped: threading.Event) -> None:
    """Send it in eight pieces, with a pause after each."""
    part.head(to, len(part.content))
    step = -(-len(part.content) // 8)
    for start in range(0, len(part.content), step):
        to.wfile.write(part.content[start : start + step])
        to.wfile.flush()
        stopped.wait(0.01)


def drip(to: BaseHTTPRequestHandler, part: Part, stopped: threading.Event) -> None:
    """Send a byte a second, for ever."""
    part.head(to, len(part.content))
    for byte in part.content:
        to.wfile.write(bytes([byte]))
        to.wfile.flush()
        if stopped.wait(1):
            break
    to.close_connection = True


def endless(to: BaseHTTPRequestHandler, part: Part, stopped: threading.Event) -> None:
    """Send as fast as is taken, for ever."""
    part.head(to, None)
    piece = b"100000\r\n" + bytes(2**20) + b"\r\n"
    while not stopped.is_set():
        to.wfile.write(piece)


ANSWERS: dict[str, Answer] = {
    "right": right, "cut": cut, "cut pieces": cut_pieces, "longer": longer, "shorter": shorter,
    "empty": empty, "page": page, "whole": whole, "other range": other_range, "slow": slow,
    "drip": drip, "endless": endless,
}  # fmt: skip
