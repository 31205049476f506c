"""The old readers of label volumes by format; ``bridge`` uses those that are not replaced yet."""

from collections.abc import Callable
from pathlib import Path

from emqs.volumes.formats import (
    label_n5,
    label_precomputed,
    label_streams,
)
from emqs.volumes.label_volume import Reader


def open_reader(
    path: Path, name: str, axes: str | None, dataset: str | None, scale: str | None
) -> Reader:
    """Open a path of a known format."""
    table: dict[str, Callable[[], Reader]] = {
        "compresso": lambda: label_streams.read_compresso(path),
        "compresso-miccai": lambda: label_streams.read_original(path, "compresso-miccai"),
        "compresso-v2": lambda: label_streams.read_original(path, "compresso-v2"),
        "crackle": lambda: label_streams.read_crackle(path),
        "n5": lambda: label_n5.read_n5(path, axes, dataset),
        "precomputed": lambda: label_precomputed.PrecomputedReader(path, scale),
    }
    return table[name]()
