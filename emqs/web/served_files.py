"""Files of a folder over HTTP: parts of them, whether they changed, and nothing beside them."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from hashlib import sha256
from pathlib import Path

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from emqs.web.refusals import Refusal

FORMAT_FILES = (".zattrs", ".zarray", ".zgroup", ".zmetadata")  # hidden, but part of a format
PIECE = 2**20  # bytes that are sent at once
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")
KEPT = "private, max-age=31536000, immutable"
CHECKED = "private, no-cache"


@dataclass(frozen=True)
class ServedFile:
    """A file that may be sent.

    Attributes:
        path: Where it lies, without symbolic links.
        size: In bytes.
        changed: Seconds since 1970.
        tag: Of this content, in quotes.
        gzipped: Whether its bytes are compressed by gzip, as its name in the format does not say.
    """

    path: Path
    size: int
    changed: float
    tag: str
    gzipped: bool = False


def find(folder: Path, inside: str) -> ServedFile:
    """Return a file of a folder.

    Args:
        folder: Nothing outside of it is served.
        inside: Names between slashes.

    Raises:
        Refusal: 404, also if the file lies elsewhere, is hidden, or is none.
    """
    parts = inside.split("/")
    hidden = any(p.startswith(".") and p not in FORMAT_FILES for p in parts)
    if hidden or any(p == "" for p in parts) or re.search(r"[\\\0]", inside) or len(inside) > 1000:
        raise _not_there()
    root = os.path.realpath(folder)
    for ending in ("", ".gz"):  # chunks of precomputed volumes are often stored so
        path = os.path.realpath(f"{root}/{inside}{ending}")
        if not path.startswith(f"{root}{os.sep}"):
            raise _not_there()
        try:
            status = os.stat(path)  # noqa: PTH116 - fast, for every chunk
        except (OSError, ValueError):
            continue
        if not stat.S_ISREG(status.st_mode):
            raise _not_there()
        seen = f"{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{ending}"
        tag = f'"{sha256(seen.encode()).hexdigest()[:24]}"'
        return ServedFile(Path(path), status.st_size, status.st_mtime, tag, ending == ".gz")
    raise _not_there()


def _not_there() -> Refusal:
    return Refusal(404, "There is no such file in this layer.")


def is_known(request: Request, tag: str, changed: float | None = None) -> bool:
    """Return whether who asks has this content already.

    ``If-None-Match`` counts alone where it is given, as HTTP says.
    """
    known = request.headers.get("if-none-match")
    if known is not None:
        tags = [one.strip().removeprefix("W/") for one in known.split(",")]
        return "*" in tags or tag in tags
    since = request.headers.get("if-modified-since")
    if since is None or changed is None:
        return False
    try:
        return int(changed) <= parsedate_to_datetime(since).timestamp()
    except (ValueError, TypeError, OverflowError):
        return False


def respond(request: Request, served: ServedFile, *, cache: str) -> Response:
    """Return a file, the part of it that is asked for, or that nothing has changed.

    Of several ranges in one request none is looked at: the whole file is sent, as HTTP allows.

    Args:
        request: GET or HEAD.
        served: The file.
        cache: Value of ``Cache-Control``.

    Raises:
        Refusal: 416 if the part lies outside of the file.
    """
    headers = {
        "ETag": served.tag,
        "Last-Modified": formatdate(served.changed, usegmt=True),
        "Cache-Control": cache,
        "Accept-Ranges": "bytes",
    }
    if served.gzipped:
        headers["Content-Encoding"] = "gzip"
        headers["Vary"] = "Accept-Encoding"
    if is_known(request, served.tag, served.changed):
        return Response(None, 304, headers)
    part = _part(request, served)
    start, stop = (0, served.size) if part is None else part
    status = 200 if part is None else 206
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{served.size}"
    headers["Content-Length"] = str(stop - start)
    media = "application/json" if served.path.suffix == ".json" else "application/octet-stream"
    if request.method == "HEAD":
        return Response(None, status, headers, media)
    if stop - start <= PIECE:
        with served.path.open("rb") as stream:
            content = os.pread(stream.fileno(), stop - start, start)
        if len(content) != stop - start:
            raise Refusal(409, "The file has changed while it was read. Ask again.")
        return Response(content, status, headers, media)
    return StreamingResponse(_pieces(served.path, start, stop), status, headers, media)


def _part(request: Request, served: ServedFile) -> tuple[int, int] | None:
    """Return first byte and one past the last that are asked for; None: all."""
    asked = request.headers.get("range")
    if asked is None:
        return None
    condition = request.headers.get("if-range")
    if condition is not None and condition not in (
        served.tag,
        formatdate(served.changed, usegmt=True),
    ):
        return None
    match = _RANGE.fullmatch(asked.strip())
    if match is None or match[1] == match[2] == "":
        return None  # several ranges, or another unit
    if match[1] == "":
        start, stop = max(0, served.size - int(match[2])), served.size
    else:
        start = int(match[1])
        stop = min(served.size, served.size if match[2] == "" else int(match[2]) + 1)
        if match[2] != "" and int(match[2]) < start:
            return None  # not valid, and so not looked at
    if start >= stop:
        raise Refusal(
            416, "This part lies outside of the file.", {"Content-Range": f"bytes */{served.size}"}
        )
    return start, stop


def _pieces(path: Path, start: int, stop: int) -> Iterator[bytes]:
    with path.open("rb") as stream:
        stream.seek(start)
        while start < stop:
            content = stream.read(min(PIECE, stop - start))
            if not content:
                raise OSError(f"{path} became shorter while it was sent")
            start += len(content)
            yield content
