"""Who does the parts of a work: this process, one after the other; or see ``ray_executor.py``."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

Context = TypeVar("Context")
Result = TypeVar("Result")
Work = Callable[[Any, Any], Any]


class Executor(Protocol):
    """Does parts of a work."""

    single: bool  # parts are best small, since there is one process

    def run(
        self, work: Callable[[Context, Any], Result], context: Context, parts: list[Any]
    ) -> Iterator[tuple[int, Result]]:
        """Yield the number of each part and its result, in any order.

        Args:
            work: A function of a module, which gets the context and a part.
            context: What all parts need.
            parts: What there is to do.

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
        self, work: Callable[[Context, Any], Result], context: Context, parts: list[Any]
    ) -> Iterator[tuple[int, Result]]:
        """Yield results in order."""
        for number, part in enumerate(parts):
            yield number, work(context, part)

    def close(self) -> None:
        """There is nothing to let go of."""
