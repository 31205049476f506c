"""Scans that several searches share: what is asked while one runs is answered by the next, at once.

The signatures of a huge volume are read from memory as fast as it gives them; comparing them with
those of one search more costs far less than reading them again. Nobody waits for others to come:
the first one is scanned alone, and all who come meanwhile are scanned together.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

MOST = 16  # searches of one scan

Ask = tuple[np.ndarray, int, int | None]  # signatures looked for, how many places, threads
Scan = Callable[[Sequence[Ask]], Sequence[np.ndarray]]


@dataclass(eq=False)
class _Waiting:
    """A search that waits for its turn or its answer."""

    ask: Ask
    turn: threading.Event = field(default_factory=threading.Event)
    answer: np.ndarray | None = None
    error: BaseException | None = None
    is_first: bool = False  # of those that are scanned next; scans for all of them


class SharedScan:
    """One scan at a time, in the thread of one of those who wait for it."""

    def __init__(self, scan: Scan) -> None:
        """Take what scans: it returns the places for each of several searches."""
        self._scan = scan
        self._lock = threading.Lock()
        self._queue: list[_Waiting] = []
        self._is_busy = False

    def __call__(self, ask: Ask) -> np.ndarray:
        """Return the places of one search."""
        own = _Waiting(ask)
        with self._lock:
            self._queue.append(own)
            if not self._is_busy:
                self._is_busy = own.is_first = True
                own.turn.set()
        own.turn.wait()
        if own.is_first:
            self._scan_for_all()
        if own.error is not None:
            raise own.error
        if own.answer is None:
            raise RuntimeError("a scan ended without an answer")
        return own.answer

    def _scan_for_all(self) -> None:
        """Scan for the first ones of the queue, and let the first of the rest go on."""
        with self._lock:
            together, self._queue = self._queue[:MOST], self._queue[MOST:]
        try:
            answers = self._scan([one.ask for one in together])
            for one, answer in zip(together, answers, strict=True):
                one.answer = answer
        except BaseException as error:
            for one in together:
                one.error = error
            raise
        finally:
            with self._lock:
                self._is_busy = bool(self._queue)
                if self._queue:
                    self._queue[0].is_first = True
                    self._queue[0].turn.set()
            for one in together:
                one.turn.set()
