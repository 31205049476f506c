"""Raw slices, one at a time: what is there, in which order, and what is missing between them.

A source is a folder with one image per slice, whose sizes may differ, or anything that
``open_volume`` reads. A slot is a place along Z of the volume that is to be made; a number that is
missing among the files leaves its slot empty.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from itertools import pairwise
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError
from emqs.geometry import Box, Lengths
from emqs.volumes import Volume, open_volume
from emqs.volumes.formats import image_files
from emqs.volumes.formats.slices import read_slice

MAX_EMPTY = 0.5  # of the slots: numbers with more gaps than this are no numbers of slices
_ALLOWED = (np.dtype(np.uint8), np.dtype(np.uint16))
_SHOWN = 6  # names or numbers that a message lists


@dataclass(frozen=True, eq=False)
class Source:
    """Slices in order, which are read one by one.

    Attributes:
        name: Where they come from.
        names: Of each slot its slice's name; None where there is none.
        files: Of each slot its file; empty for a volume.
        volume: What the slices lie in, if they are no files.
        voxel_size_nm: As the source states it; None if it does not.
        origin_nm: Of the first voxel.
        notes: What a user should be told, a sentence each.
        reopen: Opens the same source again; None: it is in memory alone.
    """

    name: str
    names: tuple[str | None, ...]
    files: tuple[Path | None, ...] = field(default=(), repr=False)
    volume: Volume | None = field(default=None, repr=False)
    voxel_size_nm: Lengths | None = None
    origin_nm: Lengths = (0.0, 0.0, 0.0)
    notes: tuple[str, ...] = ()
    reopen: "Callable[[], Source] | None" = field(default=None, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Go to another process as what opens it there.

        Raises:
            ConfigError: If it is in memory alone.
        """
        if self.reopen is None:
            raise ConfigError(
                f"{self.name} cannot be opened by other processes, as engine=ray needs it."
            )
        return _again, (self.reopen, self.names)

    @property
    def slots(self) -> list[int]:
        """Slots that hold a slice, in order."""
        return [slot for slot, name in enumerate(self.names) if name is not None]

    def require_voxel_size(self) -> Lengths:
        """Return the edges of a voxel along Z Y X, in nm.

        Raises:
            ConfigError: If nobody states them.
        """
        if self.voxel_size_nm is None:
            raise ConfigError(
                f"{self.name} states no voxel size, on which smaller copies depend. Give "
                "voxel_size_nm=[z,y,x] in nm."
            )
        return self.voxel_size_nm

    def read(self, slot: int) -> np.ndarray:
        """Return one slice, ``(Y, X)``, uint8 or uint16.

        Raises:
            DataError: If it cannot be read, or holds other numbers than 8 or 16 bits.
        """
        if self.volume is not None:
            _, height, width = self.volume.shape
            box = Box((slot, 0, 0), (slot + 1, height, width))
            return checked(self.volume.read(box)[0], self.name)
        path = self.files[slot]
        if path is None:
            raise DataError(f"{self.name} has no slice in slot {slot}.")
        return checked(read_slice(path), str(path))


def _again(reopen: Callable[[], Source], names: tuple[str | None, ...]) -> Source:
    """Return a source in another process.

    Raises:
        DataError: If it has other slices by now.
    """
    source = reopen()
    if source.names != names:
        raise DataError(
            f"{source.name} has other slices than when the run began. Begin anew with restart=true."
        )
    return source


def checked(image: np.ndarray, where: str) -> np.ndarray:
    """Return a slice if its pixels are of 8 or 16 bits.

    Raises:
        DataError: If they are not.
    """
    if image.dtype == np.bool_:
        return image.astype(np.uint8) * np.uint8(255)
    if image.dtype not in _ALLOWED:
        raise DataError(
            f"{where} holds {image.dtype} pixels; slices are of 8 or 16 bits (uint8, uint16). "
            "Convert them first, with one black and one white for all slices."
        )
    return image


def digest(image: np.ndarray) -> str:
    """Return the SHA-256 of a slice's pixels, size and type, in hexadecimal."""
    total = sha256(f"{image.shape} {image.dtype.str}".encode())
    total.update(np.ascontiguousarray(image).data)
    return total.hexdigest()


def open_source(
    path: str,
    *,
    numbering: str = "names",
    request: Mapping[str, Any] | None = None,
    voxel_size_nm: Lengths | None = None,
) -> Source:
    """Return the slices of a folder or a volume; of files only the names are looked at.

    Args:
        path: Folder of PNG, TIFF or JPEG, one for each slice; or whatever ``open_volume`` reads.
        numbering: ``"names"``: files are numbered by their names, and a number that is missing is
            an empty slot; ``"order"``: files follow each other without gaps.
        request: What else ``open_volume`` is told: ``level``, ``dataset``, ``axes``, ``select``.
        voxel_size_nm: Along Z Y X; None: as the source states it.

    Raises:
        DataError: If there are no slices or a single one, something else beside them, two images
            of one number, or tiles.
        ConfigError: If a setting does not fit the source.
    """
    again = partial(
        open_source, path, numbering=numbering, request=request, voxel_size_nm=voxel_size_nm
    )
    return replace(_opened(path, numbering, request, voxel_size_nm), reopen=again)


def _opened(
    path: str,
    numbering: str,
    request: Mapping[str, Any] | None,
    voxel_size_nm: Lengths | None,
) -> Source:
    folder = Path(path).expanduser()
    if "://" not in path and folder.is_dir() and not _is_chunked(folder):
        files = image_files.find(folder, image_files.RAW_FORMATS)
        if not files.in_one_file:
            return _of_files(files, numbering, request, voxel_size_nm)
    options = {name: value for name, value in dict(request or {}).items() if value is not None}
    volume = open_volume(path, voxel_size_nm=voxel_size_nm, **options)
    if volume.shape[0] < 2:
        raise DataError(f"{path} holds a single slice; a volume is made of at least 2.")
    if volume.dtype != np.bool_ and volume.dtype not in _ALLOWED:
        checked(np.empty((1, 1), volume.dtype), volume.name)
    names = tuple(f"{slot:05d}" for slot in range(volume.shape[0]))
    return Source(
        volume.name, names, volume=volume, voxel_size_nm=volume.voxel_size_nm,
        origin_nm=volume.origin_nm, notes=volume.notes,
    )  # fmt: skip


def _is_chunked(folder: Path) -> bool:
    """Return whether a folder is a volume in chunks, not one of images."""
    from emqs.volumes.opening import MARKS

    return any((folder / mark).is_file() for mark in MARKS) or folder.suffix.lower() == ".n5"


def _of_files(
    files: image_files.Files,
    numbering: str,
    request: Mapping[str, Any] | None,
    voxel_size_nm: Lengths | None,
) -> Source:
    asked = [name for name, value in dict(request or {}).items() if value]
    if asked:
        raise ConfigError(
            f"input.{asked[0]} does not fit {files.folder}, a folder of {files.kind} files, which "
            "holds one volume at one resolution. Leave it out."
        )
    if len(files.paths) < 2:
        raise DataError(
            f"{files.folder} holds a single slice, {files.paths[0].name}; a volume is made of at "
            "least 2."
        )
    names = files.names()
    numbers = numbers_of(names, str(files.folder)) if numbering == "names" else None
    if numbers is None:
        return Source(
            str(files.folder), tuple(names), tuple(files.paths), voxel_size_nm=voxel_size_nm
        )
    step, notes = _step(numbers), []
    slots = [(number - numbers[0]) // step for number in numbers]
    missing = sorted(set(range(slots[-1] + 1)) - set(slots))
    if len(missing) > MAX_EMPTY * (slots[-1] + 1):
        raise DataError(
            f"{files.folder}: {len(missing)} of the numbers from {numbers[0]} to {numbers[-1]} are "
            "missing, so these do not look like numbers of slices. Give numbering=order if files "
            "follow each other."
        )
    if step > 1:
        notes.append(f"Numbers rise by {step}; that is taken to be one slice.")
    if missing:
        listed = ", ".join(str(numbers[0] + slot * step) for slot in missing[:_SHOWN])
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        notes.append(f"No slice has the number {listed}{more}; a gap of that depth is kept.")
    placed = dict(zip(slots, zip(names, files.paths, strict=True), strict=True))
    places = [placed.get(slot, (None, None)) for slot in range(slots[-1] + 1)]
    return Source(
        str(files.folder),
        tuple(name for name, _ in places),
        tuple(path for _, path in places),
        voxel_size_nm=voxel_size_nm,
        notes=tuple(notes),
    )


def numbers_of(names: list[str], where: str) -> list[int] | None:
    """Return the number of each slice, by its name; None if names have no numbers that differ.

    A name may hold several numbers (a date, a magnification); the one that rises from file to file,
    in the closest steps, counts the slices.

    Raises:
        DataError: If two images have the same number, or are tiles of one slice.
    """
    columns = [[int(part) for part in re.findall(r"[0-9]+", name)] for name in names]
    if len({len(row) for row in columns}) != 1:
        return None
    positions: list[tuple[int, ...]] = list(zip(*columns, strict=True))
    differing = [column for column in positions if len(set(column)) > 1]
    rising = [column for column in differing if all(a < b for a, b in pairwise(column))]
    if rising:
        spans = [column[-1] - column[0] for column in rising]
        return list(rising[spans.index(min(spans))])
    if len(differing) > 1:
        raise DataError(
            f"{where} holds several images of one slice, e.g. {names[0]} and {names[1]}, which "
            "look like tiles. Each slice must be one image: stitch them first; or give "
            "numbering=order if each file is a slice."
        )
    for column in differing:
        rows = sorted(range(len(column)), key=column.__getitem__)
        for a, b in pairwise(rows):
            if column[a] == column[b]:
                raise DataError(
                    f"{where} holds two slices of the number {column[a]}: {names[a]} and "
                    f"{names[b]}. Keep one of them, or give numbering=order if both are slices."
                )
    if not differing and len(names) > 1 and positions:
        raise DataError(
            f"{where} holds two slices of the same number: {names[0]} and {names[1]}. Number them, "
            "or give numbering=order if both are slices."
        )
    return None


def _step(numbers: list[int]) -> int:
    return gcd(*(b - a for a, b in pairwise(numbers)))
