"""Who does the parts: this process, one after the other."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from emqs.embedding.build.work import WorkerContext

Work = Callable[[WorkerContext, Any], Any]


class Executor(Protocol):
    """Does parts of the work."""

    single: bool  # parts are best small, since there is one process

    def run(
        self, work: Work, context: WorkerContext, parts: list[Any]
    ) -> Iterator[tuple[int, Any]]:
        """Yield the number of each part and its result, in any order.

        Raises:
            EmqsError: If a part cannot be done. What was done stays.
        """
        ...

    def close(self) -> None:
        """Let go of what was taken."""
        ...


class InProcess:
    """This process."""

    single = True

    def run(
        self, work: Work, context: WorkerContext, parts: list[Any]
    ) -> Iterator[tuple[int, Any]]:
        """Yield results in order."""
        for number, part in enumerate(parts):
            yield number, work(context, part)

    def close(self) -> None:
        """There is nothing to let go of."""
