"""Long work beside the window: one piece at a time, which says how far it is and can be stopped."""

import threading
from collections.abc import Callable
from typing import Any

from emqs.errors import EmqsError
from emqs.runs.progress import Step

TELL_MS = 100  # between looks at how far the work is


class StoppedError(Exception):
    """The user stopped the work."""


class Jobs:
    """Runs one function at a time in a thread of napari's.

    Attributes:
        is_busy: Whether one runs.
    """

    def __init__(
        self,
        tell: Callable[[str, int, int], None],
        changed: Callable[[bool], None],
        fail: Callable[[str], None],
    ) -> None:
        """Make a clock that looks how far the work is.

        Args:
            tell: Called in the window's thread with a stage, parts done, and parts in all.
            changed: Called with whether something runs.
            fail: Called with the sentence of an error of the user's.
        """
        from qtpy.QtCore import QTimer

        self.is_busy = False
        self._is_closed = False
        self._tell, self._changed, self._fail = tell, changed, fail
        self._stop = threading.Event()
        self._latest: tuple[str, int, int] | None = None
        self._clock = QTimer()
        self._clock.setInterval(TELL_MS)
        self._clock.timeout.connect(self._look)

    def start(self, work: Callable[[Step], Any], then: Callable[[Any], None]) -> bool:
        """Run a function in a thread, and hand its result on in the window's thread.

        Args:
            work: Gets what it calls after each part; that raises ``StoppedError`` when the user
                has stopped it. An ``EmqsError`` is shown to the user.
            then: Gets the result, unless the work was stopped or failed.

        Returns:
            False if something runs already.
        """
        from napari.qt.threading import create_worker

        if self.is_busy:
            return False
        stop = self._stop = threading.Event()

        def step(stage: str, done: int, total: int) -> None:
            self._latest = stage, done, total
            if stop.is_set():
                raise StoppedError

        def run() -> tuple[Any, str | None]:
            try:
                return work(step), None
            except EmqsError as error:
                return None, str(error)
            except StoppedError:
                return None, ""

        worker = create_worker(run, _start_thread=False)
        worker.returned.connect(lambda ended: self._returned(ended, stop, then))
        worker.errored.connect(lambda _error: self._free())  # napari shows what went wrong
        self.is_busy, self._latest = True, None
        self._changed(True)
        self._clock.start()
        worker.start()
        return True

    def _returned(
        self,
        ended: tuple[Any, str | None],
        stop: threading.Event,
        then: Callable[[Any], None],
    ) -> None:
        result, problem = ended
        if self._is_closed:
            return
        self._free()
        if problem:
            self._fail(problem)
        elif problem is None and not stop.is_set():
            then(result)

    def stop(self) -> None:
        """Ask what runs to stop; its result is dropped."""
        self._stop.set()

    def close(self) -> None:
        """Stop what runs; the window is gone, and nothing is told any more."""
        self._is_closed = True
        self._stop.set()
        self._clock.stop()

    def _look(self) -> None:
        if self._latest is not None:
            self._tell(*self._latest)

    def _free(self) -> None:
        if self.is_busy and not self._is_closed:
            self._clock.stop()
            self.is_busy = False
            self._changed(False)
