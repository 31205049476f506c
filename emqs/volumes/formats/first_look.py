"""A first look at HDF5 files, in a process apart: a damaged one can keep the library busy for ever.

One flipped bit where HDF5 keeps the texts of attributes makes it walk in a circle. It does so with
the lock of Python held, so that no other thread of the process comes to its turn, and nothing in
it could say what happens; in a server all users would wait. So another process opens the file
first, in the same way, and reads a voxel; the system ends it when it has computed for too long,
which a slow disk does not bring about. It is started once (0.3 s of processor time), and then a
look costs as much as opening the file does; a file that is as it was is not looked at again.

What reads voxels later is not watched: of all flips tried none made that circle.
"""

import json
import os
import resource
import threading
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from emqs.codecs.isolated import Answer, Child, EndedError
from emqs.errors import DataError, EmqsError
from emqs.geometry import Box
from emqs.volumes.axes import Request

LONGEST_S = 60  # of processor time, whole seconds
_MOST_READ_BYTES = 2**26  # of a chunk that is read
_MOST_KNOWN = 10_000

Known = tuple[object, ...]

_children: dict[int, Child] = {}  # by the process that asks; one that was forked has its own
_known: dict[Known, None] = {}  # what was looked at, oldest first
_lock = threading.Lock()


def at(path: Path, request: Request, content: bytes | None) -> None:
    """Open an HDF5 file in another process, unless that was done; what it says is not told.

    Args:
        path: The file.
        request: How it will be opened.
        content: Its bytes, where the file holds them packed.

    Raises:
        DataError: If that does not end, or ends the process.
    """
    known = _stamp(path, request)
    if known in _known:
        return
    with _lock:
        child = _children.get(os.getpid())
        if child is None:
            handler = "emqs.volumes.formats.first_look:looker"
            child = _children[os.getpid()] = Child(handler, seconds=LONGEST_S)
    plain = json.loads(json.dumps(asdict(request), default=int))  # also of numpy's integers
    asked = {"path": str(path), "request": plain, "packed": content is not None}
    try:
        _ask(child, asked, content or b"")
    except EndedError as end:
        why = f"opening it ended the process that did so ({end})"
        if str(end) == "SIGXCPU":
            why = f"the HDF5 library was still busy with it after {LONGEST_S} s"
        raise DataError(
            f"{path} cannot be read as HDF5: {why}, so it is damaged, or was made to do that. Copy "
            "or export it again."
        ) from None
    _known[known] = None
    while len(_known) > _MOST_KNOWN:
        _known.pop(next(iter(_known)), None)


def _ask(child: Child, asked: dict[str, Any], content: bytes) -> None:
    """Ask the other process; a second one if the first was ended by somebody else."""
    try:
        child.ask(asked, content)
    except EndedError as end:
        if str(end) == "SIGXCPU":
            raise
        child.ask(asked, content)


def _stamp(path: Path, request: Request) -> Known:
    status = path.stat()
    text = repr(request)
    return str(path.absolute()), status.st_ino, status.st_size, status.st_mtime_ns, text


def looker(seconds: int) -> Callable[[dict[str, Any], bytearray], Answer]:
    """Return what looks at files; for ``Child``.

    Args:
        seconds: Of processor time for each; the system ends the process after them.
    """
    return partial(_look, seconds)


def _look(seconds: int, asked: dict[str, Any], content: bytearray) -> Answer:
    from emqs.volumes.formats.hdf5 import opened_here

    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
    stated: dict[str, Any] = asked["request"]
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in stated.items()}
    try:
        volume = opened_here(
            Path(asked["path"]), Request(**given), bytes(content) if asked["packed"] else None
        )
        z, y, x = volume.chunks
        if z * y * x * volume.dtype.itemsize <= _MOST_READ_BYTES:
            volume.read(Box((0, 0, 0), (1, 1, 1)))
    except EmqsError:
        pass  # who asked is told the same when the file is opened there
    return {}, b""
