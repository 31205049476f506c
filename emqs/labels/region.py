"""A part of a volume, read as if it were all of it."""

from collections.abc import Sequence

import numpy as np

from emqs.errors import ConfigError
from emqs.volumes.label_volume import AXES, Box, Reader


class Region(Reader):
    """A box of another reader, with a voxel size of its own if one is given."""

    def __init__(
        self,
        whole: Reader,
        region: Sequence[Sequence[int]] | None,
        voxel_size_nm: Sequence[float] | None,
    ) -> None:
        """Check that the part lies inside.

        Args:
            whole: The volume; closed with this.
            region: First and one past the last voxel along Z, Y and X; None for all.
            voxel_size_nm: Z, Y, X; None for what the volume says.

        Raises:
            ConfigError: If it reaches outside.
        """
        sides = [(0, side) for side in whole.shape] if region is None else region
        for axis, (_, last), side in zip(AXES, sides, whole.shape, strict=True):
            if last > side:
                whole.close()
                raise ConfigError(
                    f"input.region reaches to {axis}={last}, but {whole.path} has {side} voxels "
                    f"along {axis}."
                )
        self.format = whole.format
        self._whole = whole
        self._first = [first for first, _ in sides]
        size = whole.voxel_size_nm
        if voxel_size_nm is not None:
            size = (voxel_size_nm[0], voxel_size_nm[1], voxel_size_nm[2])
        shape = [last - first for first, last in sides]
        self.checksum = whole.checksum
        super().__init__(whole.path, shape, whole.dtype, whole.block, size)
        self.notes = whole.notes

    def _read(self, box: Box) -> np.ndarray:
        z, y, x = (
            slice(part.start + first, part.stop + first)
            for part, first in zip(box, self._first, strict=True)
        )
        return self._whole.read((z, y, x))

    def describe(self) -> str:
        """Return what is read: also where the part begins."""
        return f"{self._whole.describe()} from {self._first}"

    def close(self) -> None:
        """Close the volume."""
        self._whole.close()
