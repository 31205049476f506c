"""Work in a process of its own: the server neither imports what it needs nor waits for it.

The process ends when the server does, however that ends: then nobody holds the other end of its
pipe.
"""

import importlib
import multiprocessing
import threading
import traceback
from multiprocessing.connection import Connection
from typing import Any

from emqs.errors import DataError, EmqsError

ENDED = "The process that works for the server has ended, maybe for lack of memory. Try again."


class Apart:
    """A process that is started when it is first needed, and again if it has died."""

    def __init__(self) -> None:
        """Start nothing."""
        self._lock = threading.Lock()
        self._process: Any = None
        self._pipe: Connection | None = None

    def run(self, function: str, *arguments: object) -> Any:  # noqa: ANN401 - what it returns
        """Return what a function returns there; one call at a time.

        Args:
            function: ``"module:name"``; its module is imported there alone.
            *arguments: Plain values.

        Raises:
            EmqsError: What the function raises.
            DataError: If the process dies.
            RuntimeError: If the function raises something else, with its traceback.
        """
        with self._lock:
            pipe = self._connected()
            try:
                pipe.send((function, arguments))
                fine, value = pipe.recv()
            except (EOFError, OSError):
                self._stop()
                raise DataError(ENDED) from None
        if fine:
            return value
        if isinstance(value, EmqsError):
            raise value
        raise RuntimeError(str(value))

    def close(self) -> None:
        """End the process, whatever it does."""
        process = self._process
        if process is not None:
            process.terminate()  # whoever waits for an answer gets none
        with self._lock:
            self._stop()

    def _connected(self) -> Connection:
        """Return the pipe to a process that lives."""
        if self._pipe is None or not self._process.is_alive():
            self._stop()
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=work, args=(theirs,), daemon=True)
            self._process.start()
            theirs.close()
        return self._pipe

    def _stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.join()
            self._process.close()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None


def work(pipe: Connection) -> None:
    """Do what is asked for until nobody asks any more; runs in that process."""
    while True:
        try:
            function, arguments = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            module, _, name = function.partition(":")
            answer = True, getattr(importlib.import_module(module), name)(*arguments)
        except EmqsError as error:
            answer = False, error
        except Exception:
            answer = False, traceback.format_exc()
        pipe.send(answer)
