"""A process of its own for libraries that a hostile stream can crash, so that it ends alone.

``Child`` starts a Python that answers requests; a request is a JSON object and some bytes, an
answer as well. ``get_isolated`` decodes the streams of any codec there: slower by a copy of the
labels, and by half a second for the start.
"""

import importlib
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, Self

import numpy as np

from emqs import errors
from emqs.codecs import get_codec
from emqs.codecs.codec import Description, LabelCodec
from emqs.errors import CodecError, EmqsError

Answer = tuple[dict[str, Any], bytes | memoryview]
_LENGTHS = struct.Struct("<QQ")  # of the JSON, of the bytes after it


class EndedError(Exception):
    """The process ended instead of answering; the text says how."""


class Child:
    """A process that answers requests one by one; it is started again after it ended.

    Any thread may ask; each waits until those before it have their answers.
    """

    def __init__(self, handler: str, **settings: object) -> None:
        """Remember what to start.

        Args:
            handler: Module and function, ``"emqs.codecs.isolated:decoder"``. It is given the
                settings once, and returns what answers each request.
            **settings: As JSON holds them.
        """
        self._handler, self._settings = handler, settings
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()  # a request and its answer are one turn

    def ask(
        self, request: dict[str, Any], content: bytes = b""
    ) -> tuple[dict[str, Any], bytearray]:
        """Return the answer to a request.

        Raises:
            EndedError: If the process ended.
            EmqsError: As the function there raised it.
        """
        with self._lock:
            answer, result = self._answer(request, content)
        if "error" in answer:
            kind = getattr(errors, answer["error"], RuntimeError)
            raise kind(answer["message"]) from (
                CodecError(answer["cause"]) if answer["cause"] else None
            )
        return answer, result

    def _answer(self, request: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytearray]:
        """Return what the process answers, an error as it tells it."""
        process = self._process or self._start()
        try:
            assert process.stdin is not None  # noqa: S101 (for the type checker)
            assert process.stdout is not None  # noqa: S101 (for the type checker)
            _send(process.stdin, request, content)
            return _receive(process.stdout)
        except (BrokenPipeError, EOFError):
            raise EndedError(self._end()) from None
        except BaseException:
            self.close()  # what comes next would be the answer to this request
            raise

    def close(self) -> None:
        """End the process; who waits for an answer is told that it ended."""
        process = self._process
        if process is not None:
            process.kill()
        with self._lock:
            if self._process is process and process is not None:
                self._end()

    def __enter__(self) -> Self:
        """Use it in a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.close()

    def __del__(self) -> None:
        """End the process of a reader that nobody closed."""
        self.close()

    def _start(self) -> "subprocess.Popen[bytes]":
        """Start the process, with the modules of this one."""
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from emqs.codecs.isolated import serve; serve()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        assert self._process.stdin is not None  # noqa: S101 (for the type checker)
        _send(self._process.stdin, {"handler": self._handler, "settings": self._settings})
        return self._process

    def _end(self) -> str:
        """Wait for the process; return how it ended."""
        assert self._process is not None  # noqa: S101 (for the type checker)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        code = self._process.wait()
        self._process = None
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def serve() -> None:
    """Answer the requests of standard input, until it ends."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # this process ends with the one that asks
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY or memory < hard:
        resource.setrlimit(resource.RLIMIT_AS, (memory, hard))
    try:
        first, _ = _receive(requests)
        module, name = first["handler"].split(":")
        handle: Callable[[dict[str, Any], bytearray], Answer] | None = None
        while True:
            request, content = _receive(requests)
            try:
                if handle is None:
                    handle = getattr(importlib.import_module(module), name)(**first["settings"])
                answer, result = handle(request, content)
            except Exception as fault:  # goes on in the process that asked
                answer, result = _told(fault), b""
            _send(answers, answer, result)
    except (EOFError, BrokenPipeError):
        pass


def _told(fault: Exception) -> dict[str, Any]:
    """Return an error as JSON holds it."""
    own = isinstance(fault, EmqsError)
    text = str(fault) if own else f"{type(fault).__name__}: {fault}"
    cause = str(fault.__cause__) if fault.__cause__ is not None else ""
    return {"error": type(fault).__name__ if own else "", "message": text, "cause": cause}


def _send(pipe: IO[bytes], head: dict[str, Any], content: bytes | memoryview = b"") -> None:
    text = json.dumps(head).encode()
    pipe.write(_LENGTHS.pack(len(text), len(content)) + text)
    pipe.write(content)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> tuple[dict[str, Any], bytearray]:
    head, content = _LENGTHS.unpack(_exactly(pipe, _LENGTHS.size))
    return json.loads(_exactly(pipe, head)), _exactly(pipe, content)


def _exactly(pipe: IO[bytes], length: int) -> bytearray:
    """Return so many bytes of a pipe.

    Raises:
        EOFError: If it ends before.
    """
    content = bytearray(length)
    view = memoryview(content)
    while view:
        count = pipe.readinto(view)  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        view = view[count:]
    return content


def as_answer(labels: np.ndarray | None) -> Answer:
    """Return an array, or None, as an answer."""
    if labels is None:
        return {}, b""
    plain = np.ascontiguousarray(labels)
    return {"dtype": plain.dtype.str, "shape": plain.shape}, plain.reshape(-1).view(np.uint8).data


def as_array(answer: dict[str, Any], content: bytearray) -> np.ndarray | None:
    """Return the array of an answer; it can be written to."""
    if "dtype" not in answer:
        return None
    return np.frombuffer(content, answer["dtype"]).reshape(answer["shape"])


def get_isolated(name: str, **options: object) -> "Isolated":
    """Return the codec of a name, as ``get_codec``, for streams of people you do not trust.

    A stream that crashes the library is an error like others.
    """
    return Isolated(get_codec(name, **options), name, options)


class Isolated:
    """A codec whose streams are read in a process of their own; written they are here."""

    def __init__(self, codec: LabelCodec, name: str, options: dict[str, object]) -> None:
        """Wrap a codec; ``get_isolated`` makes it."""
        self._codec = codec
        self._child = Child("emqs.codecs.isolated:decoder", name=name, options=options)

    @property
    def name(self) -> str:
        """The codec's name in the registry."""
        return self._codec.name

    def encode(self, labels: np.ndarray) -> bytes:
        """Return a stream; see ``LabelCodec.encode``."""
        return self._codec.encode(labels)

    def decode(self, stream: bytes) -> np.ndarray:
        """Return the volume of a stream; see ``LabelCodec.decode``."""
        return self._ask("decode", stream)

    def labels(self, stream: bytes) -> np.ndarray:
        """Return the labels that occur; see ``LabelCodec.labels``."""
        return self._ask("labels", stream)

    def describe(self, stream: bytes) -> Description:
        """Return shape and dtype; headers are read here. See ``LabelCodec.describe``."""
        return self._codec.describe(stream)

    def _ask(self, what: str, stream: bytes) -> np.ndarray:
        try:
            labels = as_array(*self._child.ask({"what": what}, bytes(stream)))
        except EndedError as end:
            raise CodecError(
                f"{self.name}: reading the stream ended the process that did so ({end}): it is "
                "damaged, or was made to do that."
            ) from None
        assert labels is not None  # noqa: S101 (for the type checker)
        return labels

    def close(self) -> None:
        """End the process; it is started again when it is needed."""
        self._child.close()


def decoder(name: str, options: dict[str, Any]) -> Callable[[dict[str, Any], bytearray], Answer]:
    """Return what answers requests to decode streams; for ``Child``."""
    if "window" in options:
        options["window"] = tuple(options["window"])
    codec = get_codec(name, **options)

    def handle(request: dict[str, Any], stream: bytearray) -> Answer:
        asked = codec.decode if request["what"] == "decode" else codec.labels
        return as_answer(asked(bytes(stream)))

    return handle
