"""One bar with the time left, for whatever takes long; it is drawn on stderr."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

logger = logging.getLogger(__name__)

LOG_S = 60.0  # between lines of the log, where there is no terminal

Advance = Callable[[float], None]
Step = Callable[[str, int, int], None]


def progress_bar(*more: str, show: bool = True, transient: bool = False) -> "Progress":
    """Return a bar: what is done, how much of it, the time left; use it as a context manager.

    Args:
        more: Further columns as templates of rich, e.g. ``"{task.completed:,.0f} patches"``.
        show: Draw it; where there is no terminal nothing is drawn in any case.
        transient: Leave nothing of it on the terminal at the end.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        *map(TextColumn, more),
        console=console,
        transient=transient,
        disable=not (show and console.is_terminal),
    )


@contextmanager
def advancing(what: str, total: float, *more: str, show: bool = True) -> Iterator[Advance]:
    """Give a function that moves a bar on by so much.

    Args:
        what: The word beside the bar, e.g. ``"embed"``.
        total: How much there is to do.
        more: Further columns, as of ``progress_bar``.
        show: Draw it.
    """
    with progress_bar(*more, show=show) as bar:
        task = bar.add_task(what, total=total)
        tell = teller(what, total) if show and bar.disable else None

        def advance(amount: float) -> None:
            bar.advance(task, amount)
            if tell is not None:
                tell(amount)

        yield advance


def teller(what: str, total: float) -> Advance:
    """Return what logs a line every ``LOG_S`` seconds: the share that is done, and the time left.

    Args:
        what: The word it begins with.
        total: How much there is to do.
    """
    begun = told = time.monotonic()
    done = 0.0

    def advance(amount: float) -> None:
        nonlocal told, done
        done += amount
        now = time.monotonic()
        if now - told < LOG_S or done <= 0:
            return
        told = now
        left = (now - begun) / done * (total - done)
        logger.info("%s: %.0f %% done, %.0f min left", what, 100 * done / total, left / 60)

    return advance


def stages(bar: "Progress") -> Step:
    """Return what a work of several stages calls after each part: stage, parts done, parts in all.

    Each stage has a line of its own.
    """
    tasks: dict[str, TaskID] = {}

    def step(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = bar.add_task(stage, total=total)
        bar.update(tasks[stage], completed=done, total=total)

    return step


@contextmanager
def stages_told() -> Iterator[Step]:
    """Give what a work of several stages calls after each part; see ``stages``.

    Where there is no terminal, lines of the log say how far a stage is and how long it will take:
    at its end, and every ``LOG_S`` seconds.
    """
    with progress_bar() as bar:
        draw = stages(bar)
        begun: dict[str, float] = {}
        told: dict[str, float] = {}

        def step(stage: str, done: int, total: int) -> None:
            draw(stage, done, total)
            now = time.monotonic()
            begun.setdefault(stage, now)
            if not bar.disable or not (done == total or now - told.get(stage, now) >= LOG_S):
                told.setdefault(stage, now)
                return
            told[stage] = now
            left = (now - begun[stage]) / max(1, done - 1) * (total - done)
            rest = f", {left:.0f} s left" if done < total else ""
            logger.info("%s: %d of %d%s", stage, done, total, rest)

        yield step
