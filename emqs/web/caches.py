"""What a process keeps in memory of what is costly to make: the newest, up to so many bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Cache(Generic[Value]):
    """Values by key; each is made once, however many threads ask for it at the same time.

    What was asked for longest ago is forgotten first. A value that alone is larger than the limit
    is made, handed out and not kept.
    """

    def __init__(self, limit: int, size: Callable[[Value], int] = lambda _: 1) -> None:
        """Start empty.

        Args:
            limit: Sum of the sizes of all values that are kept.
            size: Returns the size of a value, e.g. its bytes; each counts 1 by default.
        """
        self._limit, self._size = limit, size
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()
        self._makers: dict[Hashable, tuple[threading.Lock, int]] = {}

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return the value of a key; if it is not kept, one thread makes it and the others wait.

        What ``make`` raises goes to the thread that called it; the next one tries again.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            maker, waiting = self._makers.get(key, (threading.Lock(), 0))
            self._makers[key] = maker, waiting + 1
        try:
            with maker:
                with self._lock:
                    if key in self._values:
                        return self._values[key]
                value = make()
                self._keep(key, value)
                return value
        finally:
            with self._lock:
                maker, waiting = self._makers[key]
                if waiting == 1:
                    del self._makers[key]
                else:
                    self._makers[key] = maker, waiting - 1

    def peek(self, key: Hashable) -> Value | None:
        """Return the value of a key if it is kept, and make nothing."""
        with self._lock:
            return self._values.get(key)

    def forget(self, chosen: Callable[[Hashable], bool] = lambda _: True) -> None:
        """Forget the values of the keys that are chosen; of all, by default."""
        with self._lock:
            for key in [key for key in self._values if chosen(key)]:
                self._total -= self._size(self._values.pop(key))

    def _keep(self, key: Hashable, value: Value) -> None:
        size = self._size(value)
        if size > self._limit:
            return
        with self._lock:
            self._values[key] = value
            self._total += size
            while self._total > self._limit:
                _, oldest = self._values.popitem(last=False)
                self._total -= self._size(oldest)
