"""Read all of a volume again, chunk by chunk, and name what cannot be read."""

from collections.abc import Callable
from dataclasses import dataclass, field

from emqs.errors import EmqsError, one_line
from emqs.geometry import Box, count_boxes
from emqs.volumes.label_answers import ChunkChecks, LabelAnswers, answers_of
from emqs.volumes.volume import Volume

Step = Callable[[str, int, int], None]


@dataclass
class Verified:
    """What was found.

    Attributes:
        n_blocks: Chunks that were read.
        bad: Place of each chunk that could not be read, and why.
        checksum: What would have noticed damage; empty if nothing would.
    """

    n_blocks: int
    checksum: str
    bad: dict[str, str] = field(default_factory=dict)


def verify(volume: Volume, *, step: Step = lambda _stage, _done, _total: None) -> Verified:
    """Decode every chunk of a volume.

    Args:
        volume: The labels.
        step: Called after each chunk.
    """
    answers = answers_of(volume)
    result = Verified(count_boxes(volume.shape, volume.chunks), answers.checksum)
    if answers.checks is not None:
        _check(answers.checks, result, step)
    total = count_boxes(volume.shape, volume.chunks)
    for number, box in enumerate(volume.blocks()):
        if answers.checks is None:
            _read(volume, answers, box, result)
            step("reading", number + 1, total)
        elif answers.missing(box):
            result.bad[answers.place(box)] = "the chunk was written, and is missing"
    return result


def _check(checks: ChunkChecks, result: Verified, step: Step) -> None:
    """Check every chunk of every level, and note what is wrong."""
    result.n_blocks = checks.n_chunks
    for number in range(checks.n_chunks):
        reason = checks.fault(number)
        if reason is not None:
            result.bad[checks.file(number)] = reason.rstrip(".")
        step("reading", number + 1, checks.n_chunks)


def _read(volume: Volume, answers: LabelAnswers, box: Box, result: Verified) -> None:
    """Decode a chunk, and note if it is damaged."""
    try:
        volume.read(box)
    except EmqsError as error:
        result.bad[answers.place(box)] = one_line(error.__cause__ or error)
