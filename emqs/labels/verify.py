"""Read all of a volume again, block by block, and name what cannot be read."""

from collections.abc import Callable
from dataclasses import dataclass, field

from emqs.errors import EmqsError
from emqs.volumes.label_opening import Box, Reader, boxes
from emqs.volumes.label_volume import count_boxes, one_line


@dataclass
class Verified:
    """What was found.

    Attributes:
        n_blocks: Blocks that were read.
        bad: Place of each block that could not be read, and why.
        checksum: What would have noticed damage; empty if nothing would.
    """

    n_blocks: int
    checksum: str
    bad: dict[str, str] = field(default_factory=dict)


def verify(
    reader: Reader, *, step: Callable[[str, int, int], None] = lambda _stage, _done, _total: None
) -> Verified:
    """Decode every block of a volume.

    Args:
        reader: The volume.
        step: Called after each block.
    """
    found = Verified(count_boxes(reader.shape, reader.block), reader.checksum)

    def steps(done: int, total: int) -> None:
        found.n_blocks = total
        step("reading", done, total)

    faults = reader.faults(steps)
    if faults is not None:
        found.bad.update({file: reason.rstrip(".") for file, reason in faults})
    for number, box in enumerate(boxes(reader.shape, reader.block)):
        if faults is None:
            _read(reader, box, found)
            steps(number + 1, count_boxes(reader.shape, reader.block))
        elif reader.missing(box):
            found.bad[reader.place(box)] = "the chunk was written, and is missing"
    return found


def _read(reader: Reader, box: Box, found: Verified) -> None:
    """Decode a block, and note if it is damaged."""
    try:
        reader.read(box)
    except EmqsError as error:
        found.bad[reader.place(box)] = one_line(error.__cause__ or error)
