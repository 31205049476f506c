"""A prediction of a part of a volume: kept in a file, and its objects at any threshold."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError
from emqs.files import DAMAGED_ZIP, replacing
from emqs.geometry import Box, Lengths
from emqs.prediction.found import Objects, measured_in
from emqs.prediction.settings import PredictConfig

MOST_VOXELS = 2**20  # of a part that is predicted while somebody waits
MOST_KEPT = 128  # files of one folder; the newest stay
MOST_EXAMPLES = 1000

Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Asked:
    """What is predicted where.

    Attributes:
        positives: Voxels on the structure, Z Y X, at least one.
        negatives: Voxels on something else.
        region: In voxels of the volume.
    """

    positives: tuple[Triple, ...]
    negatives: tuple[Triple, ...]
    region: Box

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express.

        Raises:
            ConfigError: If the region is empty or too large, or there are too many examples.
        """
        if min(self.region.shape) < 1 or min(self.region.start) < 0:
            raise ConfigError(
                f"A region ends after it begins, got {self.region.start} to {self.region.stop}."
            )
        if self.region.size > MOST_VOXELS:
            raise ConfigError(
                f"The region has {self.region.size} voxels; at most {MOST_VOXELS} are predicted at "
                "once. Take a part of it, or predict the whole volume as a job."
            )
        n = len(self.positives) + len(self.negatives)
        if not self.positives or n > MOST_EXAMPLES:
            raise ConfigError(
                f"A prediction needs 1 to {MOST_EXAMPLES} examples, at least one of them positive."
            )

    def key(self, store: str) -> str:
        """Return a name for the answer, 32 hexadecimal digits.

        Args:
            store: What changes whenever the embedding volume does.
        """
        given = [self.positives, self.negatives, self.region.start, self.region.stop]
        text = json.dumps([store, *given])
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, eq=False)
class Shown:
    """The probability of a region, and what it means in nm.

    Attributes:
        values: The probability, uint8, 255 is 1.
        region: Where in the volume, in voxels.
        size: Edge of a patch of the embedding volume, in voxels.
        voxel_size_nm: Z Y X.
        origin_nm: Middle of the first voxel of the volume, Z Y X.
        suggested: Voxels ``(n, 3)``, int64, where the next clicks would help most.
    """

    values: np.ndarray
    region: Box
    size: int
    voxel_size_nm: Lengths
    origin_nm: Lengths
    suggested: np.ndarray

    def objects(self, threshold: float | None = None) -> Objects:
        """Return the objects at a threshold; None: at the prediction's own.

        In a single slice an object touches the border if it does in the slice.

        Raises:
            ConfigError: If the threshold is none.
        """
        settings = replace(PredictConfig(), threshold=threshold)
        axes = "yx" if self.region.shape[0] == 1 else "zyx"
        return measured_in(self.values, self, self.region, settings, axes=axes)

    def rows(self, threshold: float | None = None) -> list[dict[str, Any]]:
        """Return the objects as rows, columns as in objects.csv."""
        columns = {
            name: values.tolist() for name, values in self.objects(threshold).columns.items()
        }
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def keep(folder: Path, key: str, shown: Shown) -> None:
    """Write a prediction into a folder, and delete the oldest if there are too many."""
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / f"{key}.npz") as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            values=shown.values,
            region=np.array([shown.region.start, shown.region.stop]),
            size=np.array(shown.size),
            voxel_size_nm=np.array(shown.voxel_size_nm),
            origin_nm=np.array(shown.origin_nm),
            suggested=shown.suggested,
        )
    kept = sorted(folder.glob("*.npz"), key=lambda path: path.stat().st_mtime_ns)
    for old in kept[:-MOST_KEPT]:
        old.unlink(missing_ok=True)


def kept(folder: Path, key: str) -> Shown | None:
    """Return a prediction that is kept in a folder, or None.

    Raises:
        DataError: If its file is damaged.
    """
    path = folder / f"{key}.npz"
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as read:
            region = Box(*(tuple(corner) for corner in read["region"].tolist()))
            size_nm, origin_nm = tuple(read["voxel_size_nm"].tolist()), tuple(read["origin_nm"])
            return Shown(
                read["values"], region, int(read["size"]), size_nm,
                (float(origin_nm[0]), float(origin_nm[1]), float(origin_nm[2])), read["suggested"],
            )  # fmt: skip
    except DAMAGED_ZIP as error:
        raise DataError(f"{path} is damaged ({type(error).__name__}). Delete it.") from None
