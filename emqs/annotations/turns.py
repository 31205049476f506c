"""Turns: so many at a time do something, in the order in which they came."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Turns:
    """So many threads at a time, in the order in which they came.

    Attributes:
        at_once: How many.
        wait_s: Longest wait, in seconds.
        too_long: Makes the error of one who has waited for so long.
    """

    at_once: int
    wait_s: float
    too_long: Callable[[], Exception]
    _busy: int = 0
    _waiting: deque[threading.Event] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def n_waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @contextmanager
    def one(self) -> Iterator[int]:
        """Wait for a turn; yield how many are at work, this one counted.

        Raises:
            Exception: What ``too_long`` makes.
        """
        turn = threading.Event()
        with self._lock:
            if self._busy < self.at_once and not self._waiting:
                self._busy += 1
                turn.set()
            else:
                self._waiting.append(turn)
        if not turn.wait(self.wait_s):
            with self._lock:
                if not turn.is_set():
                    self._waiting.remove(turn)
                    raise self.too_long()
        try:
            yield self._busy
        finally:
            with self._lock:
                if self._waiting:
                    self._waiting.popleft().set()
                else:
                    self._busy -= 1
