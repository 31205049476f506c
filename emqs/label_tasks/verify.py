"""Read all of a volume again, block by block, and name what cannot be read."""

from collections.abc import Callable
from dataclasses import dataclass, field

from emqs.errors import EmqsError
from emqs.label_files import Reader, boxes
from emqs.label_files.volume import count_boxes, one_line


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
    total = count_boxes(reader.shape, reader.block)
    found = Verified(total, reader.checksum)
    for number, box in enumerate(boxes(reader.shape, reader.block)):
        try:
            reader.read(box)
        except EmqsError as error:
            found.bad[reader.place(box)] = one_line(error.__cause__ or error)
        step("reading", number + 1, total)
    return found
