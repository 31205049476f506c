"""What every writer of a format promises, and what it must know before the first box."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from emqs.geometry import Box, Lengths, Shape


@dataclass(frozen=True)
class Layout:
    """What a writer must know before the first box.

    Attributes:
        shape: ``(Z, Y, X)``, in voxels.
        dtype: Of the voxels, native byte order.
        voxel_size_nm: Edges of a voxel, ``(Z, Y, X)``; None if unknown. Unknown is never written as
            a number: formats that can leave it out do so, others refuse.
        origin_nm: Position of the first voxel, ``(Z, Y, X)``; zeros if unknown.
        options: What else was asked for, e.g. ``chunks``; each format takes what it knows.
    """

    shape: Shape
    dtype: np.dtype[Any]
    voxel_size_nm: Lengths | None
    origin_nm: Lengths = (0.0, 0.0, 0.0)
    options: dict[str, Any] = field(default_factory=dict)


class VolumeWriter(ABC):
    """A volume that is written box by box, in the order of ``emqs.geometry.boxes``.

    Attributes:
        format: Its name, e.g. ``"hdf5"``.
        unit: ``(Z, Y, X)``: boxes start at multiples of it. An axis of unit -1 is never cut.
        resumable: Whether a file that was written in part can be opened again.
        notes: What a user should be told of what was written, a sentence each, e.g. that the
            format cannot keep the origin.
    """

    format: str
    unit: Shape
    resumable: bool = True

    def __init__(self, path: Path, layout: Layout) -> None:
        """Make the file, or open one that was written in part.

        Raises:
            DataError: If the format cannot hold such a volume.
            ConfigError: If it needs a voxel size, or a setting does not fit.
        """
        self.path = path
        self.layout = layout
        self.notes: list[str] = []

    @abstractmethod
    def write(self, box: Box, voxels: np.ndarray) -> None:
        """Write a box; ``voxels`` has its shape, axes Z Y X, the layout's dtype, C order."""

    def finish(self) -> None:  # noqa: B027 (not every format has something to complete)
        """Complete and close the file, after the last box."""
