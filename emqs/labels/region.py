"""A part of a volume, read as if it were all of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from emqs.errors import ConfigError
from emqs.geometry import Box, Lengths, Shape
from emqs.volumes.label_answers import PlainAnswers, answers_of
from emqs.volumes.volume import Volume


def part_of(whole: Volume, region: Sequence[Sequence[int]]) -> Volume:
    """Return a box of a volume as a volume of its own, which lies where it lay.

    Args:
        whole: The volume; closed with the part.
        region: First and one past the last voxel along Z, Y and X.

    Raises:
        ConfigError: If it reaches outside.
    """
    for axis, (_, last), side in zip("zyx", region, whole.shape, strict=True):
        if last > side:
            whole.close()
            raise ConfigError(
                f"input.region reaches to {axis}={last}, but {whole.name} has {side} voxels along "
                f"{axis}."
            )
    (z, bottom), (y, right), (x, end) = ((int(first), int(last)) for first, last in region)
    box = Box((z, y, x), (bottom, right, end))
    return replace(boxed(whole, box), name=f"{whole.name}, {box}")


def boxed(whole: Volume, box: Box) -> Volume:
    """Return a box of a volume as a volume of its own, which lies where it lay."""
    z, y, x = (min(c, side) for c, side in zip(whole.chunks, box.shape, strict=True))
    reader = PartReader(whole, box.start)
    answers = PlainAnswers(whole.name, answers_of(whole).checksum)
    return replace(
        whole,
        shape=box.shape,
        chunks=(z, y, x),
        origin_nm=moved_origin(whole, box.start),
        reader=reader,
        labels=answers,
    )


def moved_origin(whole: Volume, start: Shape) -> Lengths:
    """Return where the voxel ``start`` of a volume lies, in nm.

    Where the voxel size is unknown it is not known either, and the volume's own is returned.
    """
    if whole.voxel_size_nm is None:
        return whole.origin_nm
    z, y, x = (
        origin + first * edge
        for origin, first, edge in zip(whole.origin_nm, start, whole.voxel_size_nm, strict=True)
    )
    return z, y, x


@dataclass(frozen=True, eq=False)
class PartReader:
    """Reads a box of a volume."""

    whole: Volume
    start: Shape

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box; see ``Reader.read``."""
        return self.whole.read(box.moved(self.start))

    def close(self) -> None:
        """Close the volume."""
        self.whole.close()
