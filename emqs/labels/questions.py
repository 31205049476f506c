"""Which labels a volume has, where and how many voxels; only chunks that must be are decoded.

Formats that list the labels of a chunk (the label codec in Zarr, crackle, Precomputed with
compresso or compressed_segmentation) are asked for the list first; others have to be decoded.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from emqs.errors import DataError
from emqs.geometry import Box, count_boxes
from emqs.labels.region import boxed
from emqs.volumes.label_answers import PlainAnswers, answers_of
from emqs.volumes.volume import Reader, Volume

Step = Callable[[str, int, int], None]


@dataclass
class Answer:
    """An answer, and what it took.

    Attributes:
        n_blocks: Blocks of the volume.
        n_decoded: Blocks that had to be decoded.
        labels: Of ``labels``: ascending.
        n_voxels: Of ``measure``.
        box: Of ``measure``: first and one past the last voxel, Z Y X; None if there is no voxel.
        blocks: Of ``where``: blocks that hold the label.
    """

    n_blocks: int
    n_decoded: int = 0
    labels: np.ndarray | None = None
    n_voxels: int = 0
    box: Box | None = None
    blocks: list[Box] | None = None


def _nothing(_stage: str, _done: int, _total: int) -> None:
    """Show no progress."""


def _blocks(volume: Volume, stage: str, step: Step) -> Iterator[Box]:
    """Yield all blocks of a volume, with progress."""
    total = count_boxes(volume.shape, volume.chunks)
    for number, box in enumerate(volume.blocks()):
        yield box
        step(stage, number + 1, total)


def labels(volume: Volume, *, step: Step = _nothing) -> Answer:
    """Return all labels that occur.

    Raises:
        DataError: If a block is damaged.
    """
    answer = Answer(count_boxes(volume.shape, volume.chunks))
    answers, known = answers_of(volume), np.zeros(0, volume.dtype)
    for box in _blocks(volume, "listing", step):
        listed = answers.block_labels(box)
        if listed is None:
            answer.n_decoded += 1
            listed = volume.read(box)
        known = np.union1d(known, listed.astype(volume.dtype, copy=False))
    answer.labels = known
    return answer


def where(volume: Volume, label: int, *, first_only: bool = False, step: Step = _nothing) -> Answer:
    """Return the blocks that hold a label.

    Args:
        volume: The labels.
        label: Any integer.
        first_only: Stop at the first.
        step: Called after each block.

    Raises:
        DataError: If a block is damaged.
    """
    answer = Answer(count_boxes(volume.shape, volume.chunks), blocks=[])
    assert answer.blocks is not None  # noqa: S101 (for the type checker)
    if not fits(volume, label):
        return answer
    answers, sought = answers_of(volume), volume.dtype.type(label)
    for box in _blocks(volume, "looking", step):
        listed = answers.block_labels(box)
        if listed is None:
            answer.n_decoded += 1
            listed = volume.read(box)
        if (listed == sought).any():
            answer.blocks.append(box)
            if first_only:
                break
    return answer


def measure(volume: Volume, label: int, *, box: bool = True, step: Step = _nothing) -> Answer:
    """Return number of voxels and bounding box of a label.

    Where a format counts the voxels of each label in a block, only the outermost blocks that hold
    it are decoded, and none for the number alone.

    Args:
        volume: The labels.
        label: Any integer.
        box: Whether the bounding box is wanted.
        step: Called after each block.

    Raises:
        DataError: If a block is damaged.
    """
    answer = Answer(count_boxes(volume.shape, volume.chunks))
    if not fits(volume, label):
        return answer
    answers, sought = answers_of(volume), volume.dtype.type(label)
    ends = _Ends(volume.shape)
    counted: list[Box] = []  # blocks that hold the label, and were not decoded
    for block in _blocks(volume, "measuring", step):
        counts = answers.block_counts(block)
        if counts is not None:
            number = int(counts[1][counts[0] == sought].sum())
            answer.n_voxels += number
            if number:
                counted.append(block)
            continue
        listed = answers.block_labels(block)
        if listed is None or (listed == sought).any():
            answer.n_decoded += 1
            answer.n_voxels += ends.add(volume.read(block) == sought, block)
    for block in _outermost(counted) if box else ():
        answer.n_decoded += 1
        ends.add(volume.read(block) == sought, block)
    if answer.n_voxels and box:
        answer.box = ends.box()
    return answer


class _Ends:
    """The smallest box around all voxels that were added."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._low, self._high = np.array(shape), np.zeros(3, np.int64)

    def add(self, mask: np.ndarray, block: Box) -> int:
        """Add the voxels of a block; return how many."""
        count = int(np.count_nonzero(mask))
        if count:
            for axis, first in enumerate(block.start):
                others = tuple(k for k in range(3) if k != axis)
                places = np.flatnonzero(mask.any(axis=others))
                self._low[axis] = min(self._low[axis], first + places[0])
                self._high[axis] = max(self._high[axis], first + places[-1] + 1)
        return count

    def box(self) -> Box:
        """Return it; at least one voxel was added."""
        (z, y, x), (bottom, right, end) = self._low.tolist(), self._high.tolist()
        return Box((z, y, x), (bottom, right, end))


def _outermost(blocks: list[Box]) -> list[Box]:
    """Return the blocks that are first or last along an axis; the others cannot touch the ends."""
    starts = np.array([block.start for block in blocks]).reshape(-1, 3)
    if len(starts) == 0:
        return []
    outer = ((starts == starts.min(axis=0)) | (starts == starts.max(axis=0))).any(axis=1)
    return [block for block, is_outer in zip(blocks, outer, strict=True) if is_outer]


def fits(volume: Volume, label: int) -> bool:
    """Return whether a volume's dtype can hold a label."""
    if volume.dtype == bool:
        return label in (0, 1)
    limits = np.iinfo(volume.dtype.name)
    return int(limits.min) <= label <= int(limits.max)


def mask_of(volume: Volume, label: int, box: Box) -> Volume:
    """Return the mask of one label, uint8 0 and 1, cut to its bounding box, where it lies.

    Args:
        volume: The labels.
        label: One of them.
        box: Its bounding box, as ``measure`` returns it.

    Raises:
        DataError: If the volume cannot hold the label.
    """
    if not fits(volume, label):
        raise DataError(f"{volume.name} is {volume.dtype} and cannot hold label {label}.")
    part = boxed(volume, box)
    return replace(
        part,
        name=f"{volume.name}, label {label}",
        dtype=np.dtype("u1"),
        reader=MaskReader(part.reader, volume.dtype.type(label)),
        labels=PlainAnswers(volume.name),
    )


@dataclass(frozen=True, eq=False)
class MaskReader:
    """The mask of one label."""

    labels: Reader
    label: np.generic

    def read(self, box: Box) -> np.ndarray:
        """Return the mask in a box; see ``Reader.read``."""
        return (self.labels.read(box) == self.label).astype(np.uint8)
