"""Volumes of formats whose new readers are not written yet, through the old readers of labels.

A format leaves ``LABELS`` when its opener answers ``request.labels`` itself. It goes away with the
last of them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emqs.errors import ConfigError, DataError, one_line
from emqs.geometry import Box
from emqs.volumes.axes import Request, Stated
from emqs.volumes.label_answers import ChunkChecks
from emqs.volumes.label_volume import Reader, check_axes
from emqs.volumes.volume import Volume
from emqs.volumes.zarr_labels.index import LabelVolume

#: Formats whose labels (``request.labels``) the old readers still read.
LABELS = (
    "compresso", "compresso-miccai", "compresso-v2", "crackle", "n5", "precomputed",
)  # fmt: skip
#: Formats that have no other reader at all yet.
ONLY = ("compresso", "compresso-miccai", "compresso-v2", "crackle")
_FIXED_AXES = ("compresso-miccai", "compresso-v2", "crackle", "compresso", "precomputed")


def is_bridged(name: str, request: Request) -> bool:
    """Return whether the old reader of a format is used."""
    return name in ONLY or (request.labels and name in LABELS)


def open_bridged(path: Path, name: str, request: Request) -> Volume:
    """Return a volume that an old reader of labels reads."""
    from emqs.volumes.label_opening import open_reader

    axes = None
    if request.axes is not None:
        if name in _FIXED_AXES:
            raise ConfigError(f"{request.prefix}axes: the axes of {name} are fixed. Leave it out.")
        axes = check_axes("".join(request.axes))
    scale = None if request.level == 0 else str(request.level)
    try:
        reader = open_reader(path, name, axes, request.dataset, scale)
    except MemoryError as fault:
        raise DataError(
            f"{path} promises a volume that takes more memory than there is: {one_line(fault)}."
        ) from None
    except PermissionError:
        raise DataError(f"{path} cannot be read: permission denied.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder, and {name} is a file.") from None
    except NotADirectoryError:
        raise DataError(f"{path} is a file, and {name} is a folder.") from None
    return _as_volume(reader, request)


def _as_volume(reader: Reader, request: Request) -> Volume:
    size = reader.voxel_size_nm
    names = ("z", "y", "x")
    stated = Stated(names, size, None, None if size is None else ["nm"] * 3)
    plain = Request(voxel_size_nm=request.voxel_size_nm, origin_nm=request.origin_nm)
    facts = stated.geometry(stated.axes(reader.shape, plain, ""), request, str(reader.path))
    fields = facts.fields()
    fields["notes"] = (*reader.notes, *fields["notes"])
    bridged = Bridged(reader)
    return Volume(
        name=str(reader.path), shape=reader.shape, dtype=reader.dtype, chunks=reader.block,
        reader=bridged, path=reader.path, format=reader.format, labels=bridged, **fields,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Bridged:
    """An old reader that takes the boxes of today; also what it can tell of its labels."""

    old: Reader

    @property
    def checksum(self) -> str:
        """See ``LabelAnswers``."""
        return self.old.checksum

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box."""
        return self.old.read(box.slices)

    def block_labels(self, box: Box) -> np.ndarray | None:
        """See ``LabelAnswers``."""
        return self.old.block_labels(box.slices)

    def block_counts(self, box: Box) -> tuple[np.ndarray, np.ndarray] | None:
        """See ``LabelAnswers``."""
        return self.old.block_counts(box.slices)

    def place(self, box: Box) -> str:
        """See ``LabelAnswers``."""
        return self.old.place(box.slices)

    def missing(self, box: Box) -> bool:
        """See ``LabelAnswers``."""
        return self.old.missing(box.slices)

    @property
    def checks(self) -> ChunkChecks | None:
        """See ``LabelAnswers``."""
        image = getattr(self.old, "image", None)
        return None if image is None else ImageChecks(image)

    def close(self) -> None:
        """Close its files."""
        self.old.close()


@dataclass(frozen=True, eq=False)
class ImageChecks:
    """Chunks of all levels of a label image; see ``ChunkChecks``."""

    image: LabelVolume

    @property
    def n_chunks(self) -> int:
        """How many there are."""
        return self.image.n_chunks

    def file(self, number: int) -> str:
        """Return the file of a chunk."""
        return str(self.image.file(*self.image.chunk_at(number)))

    def fault(self, number: int) -> str | None:
        """Return what is wrong with a chunk."""
        return self.image.fault(*self.image.chunk_at(number))
