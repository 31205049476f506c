"""Which labels a volume has, where and how many voxels; only chunks that must be are decoded.

Formats that list the labels of a chunk (the label codec in Zarr, crackle, Precomputed with
compresso or compressed_segmentation) are asked for the list first; others have to be decoded.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from emqs.errors import DataError
from emqs.volumes.label_opening import Box, Reader, boxes
from emqs.volumes.label_volume import count_boxes

Step = Callable[[str, int, int], None]


@dataclass
class Found:
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


def _blocks(reader: Reader, stage: str, step: Step) -> Iterator[Box]:
    """Yield all blocks of a volume, with progress."""
    total = count_boxes(reader.shape, reader.block)
    for number, box in enumerate(boxes(reader.shape, reader.block)):
        yield box
        step(stage, number + 1, total)


def labels(reader: Reader, *, step: Step = _nothing) -> Found:
    """Return all labels that occur.

    Raises:
        DataError: If a block is damaged.
    """
    found = Found(count_boxes(reader.shape, reader.block))
    known = np.zeros(0, reader.dtype)
    for box in _blocks(reader, "listing", step):
        listed = reader.block_labels(box)
        if listed is None:
            found.n_decoded += 1
            listed = reader.read(box)
        known = np.union1d(known, listed.astype(reader.dtype, copy=False))
    found.labels = known
    return found


def where(reader: Reader, label: int, *, first_only: bool = False, step: Step = _nothing) -> Found:
    """Return the blocks that hold a label.

    Args:
        reader: The volume.
        label: Any integer.
        first_only: Stop at the first.
        step: Called after each block.

    Raises:
        DataError: If a block is damaged.
    """
    found = Found(count_boxes(reader.shape, reader.block), blocks=[])
    assert found.blocks is not None  # noqa: S101 (for the type checker)
    if not fits(reader, label):
        return found
    wanted = reader.dtype.type(label)
    for box in _blocks(reader, "looking", step):
        listed = reader.block_labels(box)
        if listed is None:
            found.n_decoded += 1
            listed = reader.read(box)
        if (listed == wanted).any():
            found.blocks.append(box)
            if first_only:
                break
    return found


def measure(reader: Reader, label: int, *, box: bool = True, step: Step = _nothing) -> Found:
    """Return number of voxels and bounding box of a label.

    Where a format counts the voxels of each label in a block, only the outermost blocks that hold
    it are decoded, and none for the number alone.

    Args:
        reader: The volume.
        label: Any integer.
        box: Whether the bounding box is wanted.
        step: Called after each block.

    Raises:
        DataError: If a block is damaged.
    """
    found = Found(count_boxes(reader.shape, reader.block))
    if not fits(reader, label):
        return found
    wanted = reader.dtype.type(label)
    ends = _Ends(reader.shape)
    counted: list[Box] = []  # blocks that hold the label, and were not decoded
    for block in _blocks(reader, "measuring", step):
        counts = reader.block_counts(block)
        if counts is not None:
            number = int(counts[1][counts[0] == wanted].sum())
            found.n_voxels += number
            if number:
                counted.append(block)
            continue
        listed = reader.block_labels(block)
        if listed is None or (listed == wanted).any():
            found.n_decoded += 1
            found.n_voxels += ends.add(reader.read(block) == wanted, block)
    for block in _outermost(counted) if box else ():
        found.n_decoded += 1
        ends.add(reader.read(block) == wanted, block)
    if found.n_voxels and box:
        found.box = ends.box()
    return found


class _Ends:
    """The smallest box around all voxels that were added."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._low, self._high = np.array(shape), np.zeros(3, np.int64)

    def add(self, mask: np.ndarray, block: Box) -> int:
        """Add the voxels of a block; return how many."""
        count = int(np.count_nonzero(mask))
        if count:
            for axis, part in enumerate(block):
                others = tuple(k for k in range(3) if k != axis)
                places = np.flatnonzero(mask.any(axis=others))
                self._low[axis] = min(self._low[axis], part.start + places[0])
                self._high[axis] = max(self._high[axis], part.start + places[-1] + 1)
        return count

    def box(self) -> Box:
        """Return it; at least one voxel was added."""
        z, y, x = (slice(int(a), int(b)) for a, b in zip(self._low, self._high, strict=True))
        return z, y, x


def _outermost(blocks: list[Box]) -> list[Box]:
    """Return the blocks that are first or last along an axis; the others cannot touch the ends."""
    starts = np.array([[part.start for part in block] for block in blocks]).reshape(-1, 3)
    if len(starts) == 0:
        return []
    outer = ((starts == starts.min(axis=0)) | (starts == starts.max(axis=0))).any(axis=1)
    return [block for block, is_outer in zip(blocks, outer, strict=True) if is_outer]


def fits(reader: Reader, label: int) -> bool:
    """Return whether a volume's dtype can hold a label."""
    if reader.dtype == bool:
        return label in (0, 1)
    limits = np.iinfo(reader.dtype)
    return int(limits.min) <= label <= int(limits.max)


class OneLabel(Reader):
    """The mask of one label, uint8 0 and 1, cut to its bounding box."""

    def __init__(self, whole: Reader, label: int, box: Box) -> None:
        """Take a volume apart.

        Args:
            whole: The volume.
            label: One of its labels.
            box: Its bounding box, as ``measure`` returns it.

        Raises:
            DataError: If the volume cannot hold the label.
        """
        if not fits(whole, label):
            raise DataError(f"{whole.path} is {whole.dtype} and cannot hold label {label}.")
        self.format = whole.format
        self._whole, self._box = whole, box
        self._label = label
        shape = [part.stop - part.start for part in box]
        super().__init__(whole.path, shape, np.dtype("u1"), whole.block, whole.voxel_size_nm)

    def describe(self) -> str:
        """Return what is read: also the label."""
        return f"{self._whole.describe()} label {self._label}"

    def _read(self, box: Box) -> np.ndarray:
        z, y, x = (
            slice(part.start + whole.start, part.stop + whole.start)
            for part, whole in zip(box, self._box, strict=True)
        )
        return (self._whole.read((z, y, x)) == self._whole.dtype.type(self._label)).astype(np.uint8)
