"""What the database said a moment ago, for routes that are asked hundreds of times a second.

A viewer asks for hundreds of chunks of one layer at once, and each would look up the same sign-in,
dataset and layer. Nothing that was changed is overlooked, whoever changed it: the database is asked
whether anything was committed since, which takes a small part of the time.
"""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from emqs.annotations.database import Database
from emqs.web.context import Context

KEPT_S = 1.0  # what expires meanwhile does so a second late
MOST = 10_000

Value = TypeVar("Value")


class Recent:
    """Answers of the database by question; what raised an error is not kept."""

    def __init__(self, database: Database) -> None:
        """Start with nothing kept."""
        self._database = database
        self._kept: dict[Hashable, tuple[object, float, Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, ask: Callable[[], Value]) -> Value:
        """Return the answer to a question.

        Args:
            key: The question, with who asks it.
            ask: Asks the database.
        """
        moment, now = self._database.moment(), time.monotonic()
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and kept[0] == moment and now < kept[1]:
            value: Value = kept[2]
            return value
        value = ask()
        with self._lock:
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[key] = moment, now + KEPT_S, value
        return value


def recent(state: Context) -> Recent:
    """Return what this process has asked its database lately."""
    return state.kept(Recent, lambda process: Recent(process.database))
