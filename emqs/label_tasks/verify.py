"""Read all of a volume again, block by block, and name what cannot be read."""

from collections.abc import Callable
from dataclasses import dataclass, field

from emqs.errors import EmqsError
from emqs.label_files import Reader, boxes
from emqs.label_files.volume import count_boxes, one_line
from emqs.labels import LabelVolume


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
    image: LabelVolume | None = getattr(reader, "image", None)
    if image is not None:
        _verify_image(image, reader, found, step)
        return found
    for number, box in enumerate(boxes(reader.shape, reader.block)):
        try:
            reader.read(box)
        except EmqsError as error:
            found.bad[reader.place(box)] = one_line(error.__cause__ or error)
        step("reading", number + 1, total)
    return found


def _verify_image(
    image: LabelVolume, reader: Reader, found: Verified, step: Callable[[str, int, int], None]
) -> None:
    """Check every chunk of every level, its index too, and that none is lost."""

    def steps(done: int, total: int) -> None:
        found.n_blocks = total
        step("reading", done, total)

    for chunk in image.verify(steps):
        found.bad[str(chunk.path)] = chunk.reason.rstrip(".")
    for box in boxes(reader.shape, reader.block):
        if reader.missing(box):
            found.bad[reader.place(box)] = "the chunk was written, and is missing"
