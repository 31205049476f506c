"""How codes are computed: on what, how many at once, with how many threads, with a bar or without.

One value is passed through all layers instead of four parameters. Nothing in it changes a result,
except for the last digits that differ between devices.
"""

from dataclasses import dataclass

from emqs.settings import at_least


@dataclass(frozen=True)
class Compute:
    """Where and in what portions work is done; ``Compute()`` is right for a notebook."""

    device: str | None = None  # a torch device; None takes a GPU where there is one
    batch_size: int = 512  # patches embedded at once; memory and speed only
    n_threads: int | None = None  # of a scan of signatures; None: one per core
    progress: bool = False  # show a bar with the time left

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express.

        Raises:
            ConfigError: If ``batch_size`` or ``n_threads`` is below 1.
        """
        at_least("batch_size", self.batch_size, 1)
        if self.n_threads is not None:
            at_least("n_threads", self.n_threads, 1)


DEFAULT = Compute()  # of a notebook
