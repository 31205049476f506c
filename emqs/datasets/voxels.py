"""Slices of a dataset that lie in a volume: Zarr, N5, precomputed, HDF5, MRC, NIfTI, ..."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emqs.geometry import Box
from emqs.volumes.axes import Request
from emqs.volumes.formats import image_files
from emqs.volumes.formats.image_files import Files
from emqs.volumes.opening import ENDINGS, MARKS, open_request
from emqs.volumes.volume import Volume

logger = logging.getLogger(__name__)

_IMAGES = (*image_files.FORMATS, ".ome")  # of these, a folder is read file by file


@dataclass(frozen=True)
class Voxels:
    """The slices of a volume, in place of ``Files``."""

    folder: Path  # ``raw`` or ``labels``
    volume: Volume
    in_one_file: bool = True  # so a slice has no name of its own that a label must have too

    @property
    def count(self) -> int:
        """Number of slices."""
        return self.volume.shape[0]

    def names(self) -> list[str]:
        """Return a name for each slice."""
        stem = Path(self.volume.name).name.split(".")[0]
        return [f"{stem}_{z:04d}" for z in range(self.count)]

    def read(self, first: int, last: int) -> list[tuple[np.ndarray, str]]:
        """Return slices ``first`` to ``last - 1``, ``(Y, X)``, each with its name for a message.

        Raises:
            DataError: If they cannot be read.
        """
        _, height, width = self.volume.shape
        return [
            (self.volume.read(Box((z, 0, 0), (z + 1, height, width)))[0],
             f"{self.volume.name}, slice {z}")
            for z in range(first, last)
        ]  # fmt: skip


def find(folder: Path, allowed: tuple[str, ...], *, labels: bool = False) -> Files | Voxels:
    """Return the slices in a folder: image files, or one volume in any other format.

    Args:
        folder: ``images/NAME/raw`` or ``images/NAME/labels``; itself a volume in chunks, or a
            folder that holds one file or one folder of a volume.
        allowed: Formats of image files, of PNG, TIFF and JPEG.
        labels: Whether labels are meant.

    Raises:
        DataError: As ``image_files.find`` and ``open_volume``.
        ConfigError: As ``open_volume``.
    """
    place = _volume_in(folder)
    if place is None:
        return image_files.find(folder, allowed)
    volume = open_request(place, Request(labels=labels, slices=True))
    for note in volume.notes:
        logger.warning("%s", note)
    return Voxels(folder, volume.require_labels() if labels else volume)


def _volume_in(folder: Path) -> Path | None:
    """Return the volume that a folder is or holds; None if it holds image files, or nothing."""
    if not folder.is_dir():
        return None
    if any((folder / mark).is_file() for mark in MARKS):
        return folder
    inside = [path for path in folder.iterdir() if not image_files.hidden(path)]
    if len(inside) != 1:
        return None
    (only,) = inside
    if only.is_dir():
        return only if any((only / mark).is_file() for mark in MARKS) else None
    ending = Path(only.stem).suffix if only.suffix.lower() == ".gz" else only.suffix
    return only if ending.lower() in ENDINGS and ending.lower() not in _IMAGES else None
