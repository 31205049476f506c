"""What a format can tell of its labels without decoding them: which are where, and what is damaged.

A reader may offer this beside ``read``; a volume whose format cannot tell has ``PlainAnswers``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from emqs.geometry import Box

if TYPE_CHECKING:
    from emqs.volumes.volume import Volume


class ChunkChecks(Protocol):
    """Every chunk of every level by a number, and what beside its voxels can be checked."""

    @property
    def n_chunks(self) -> int:
        """How many there are."""
        ...

    def file(self, number: int) -> str:
        """Return where a chunk is stored."""
        ...

    def fault(self, number: int) -> str | None:
        """Return what is wrong with a chunk, such as its index; None if nothing is."""
        ...


class LabelAnswers(Protocol):
    """Questions about chunks of a label volume; a chunk is a box of ``volume.blocks``."""

    @property
    def checksum(self) -> str:
        """What notices damage when a chunk is read, e.g. ``"its CRC-32C"``; empty if nothing."""
        ...

    def block_labels(self, box: Box) -> np.ndarray | None:
        """Return the labels in a chunk without decoding it.

        Args:
            box: One of ``boxes(volume.shape, volume.chunks)``.

        Returns:
            Labels in any order, with or without repeats; None if the format cannot tell.
        """
        ...

    def block_counts(self, box: Box) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the labels in a chunk and the voxels of each, without decoding it.

        Returns:
            Labels, and as many uint64; None if the format cannot tell.
        """
        ...

    def place(self, box: Box) -> str:
        """Return where a chunk is stored, for a message."""
        ...

    def missing(self, box: Box) -> bool:
        """Return whether a chunk is known to have been written, and is gone."""
        ...

    @property
    def checks(self) -> ChunkChecks | None:
        """What can be checked beside reading; None if the format has no more to check."""
        ...


@dataclass(frozen=True)
class PlainAnswers:
    """Of a format that must decode a chunk to say anything about it. Formats may build on it.

    Attributes:
        name: Of the volume, for messages.
        checksum: See ``LabelAnswers``.
    """

    name: str
    checksum: str = ""

    def block_labels(self, box: Box) -> np.ndarray | None:  # noqa: ARG002 (cannot tell)
        """Return None: the chunk must be decoded."""
        return None

    def block_counts(self, box: Box) -> tuple[np.ndarray, np.ndarray] | None:  # noqa: ARG002
        """Return None: the chunk must be decoded."""
        return None

    def place(self, box: Box) -> str:
        """Return the name of the volume and the box."""
        return f"{self.name}, {box}"

    def missing(self, box: Box) -> bool:  # noqa: ARG002 (cannot tell)
        """Return False: nothing is known of what was written."""
        return False

    def check(self, box: Box) -> None:
        """Raise an error if a chunk that a box touches is gone; nothing is known of any here."""

    @property
    def checks(self) -> ChunkChecks | None:
        """None: reading is all the checking there is."""
        return None


def answers_of(volume: "Volume") -> LabelAnswers:
    """Return what a volume can tell of its labels."""
    return PlainAnswers(volume.name) if volume.labels is None else volume.labels
