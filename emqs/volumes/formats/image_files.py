"""Which files of a folder are slices, and in which order.

Files are taken in the natural order of their names, in which ``slice_2`` comes before
``slice_10``. Hidden files (``.DS_Store``, ``Thumbs.db``) are passed over; anything else that is no
image is an error, and so is a mixture of formats.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from emqs.errors import DataError
from emqs.volumes.formats import tiff_pages

FORMATS = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".jpg": "JPEG", ".jpeg": "JPEG"}


RAW_FORMATS = ("PNG", "TIFF", "JPEG")


LABEL_FORMATS = ("PNG", "TIFF")  # JPEG blurs class ids into each other


_SYSTEM_FILES = ("thumbs.db", "desktop.ini")  # hidden on Windows, though no dot says so


_SHOWN = 5  # names listed in an error message


@dataclass(frozen=True)
class Files:
    """The image files of one folder, in order."""

    folder: Path
    kind: str  # PNG, TIFF or JPEG
    paths: list[Path]
    count: int  # slices: one per file, or all pages of a single TIFF

    @property
    def in_one_file(self) -> bool:
        """Whether all slices are pages of one TIFF."""
        return len(self.paths) == 1 and self.count > 1

    def names(self) -> list[str]:
        """Return a name for each slice: its file's without ending, and the page if it is one."""
        if self.in_one_file:
            return [f"{self.paths[0].stem}_{z:04d}" for z in range(self.count)]
        return [normalize("NFC", path.stem) for path in self.paths]


def natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Return a sort key by which ``slice_2`` comes before ``slice_10``."""
    name = normalize("NFC", name)  # composed and decomposed letters are the same
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(0, int(p), "") if p[0] in "0123456789" else (1, 0, p) for p in parts], name


def hidden(path: Path) -> bool:
    """Return whether a file is one that the system made, e.g. ``.DS_Store`` or ``Thumbs.db``."""
    return path.name.startswith(".") or path.name.lower() in _SYSTEM_FILES


def find(folder: Path, allowed: tuple[str, ...]) -> Files:
    """List the slices in a folder.

    Args:
        folder: ``images/NAME/raw`` or ``images/NAME/labels``.
        allowed: Formats, of PNG, TIFF and JPEG.

    Raises:
        DataError: If there is no such folder, no image in it, something else beside them, a
            mixture of formats, two files of one name, or a damaged TIFF.
    """
    paths = _image_paths(folder, allowed)
    kinds = sorted({FORMATS[p.suffix.lower()] for p in paths})
    if len(kinds) > 1:
        counts = {k: sum(FORMATS[p.suffix.lower()] == k for p in paths) for k in kinds}
        listed = " and ".join(f"{n} {kind}" for kind, n in counts.items())
        raise DataError(f"{folder} mixes formats: {listed} files. Keep one format per folder.")
    stems = [normalize("NFC", p.stem) for p in paths]
    twice = (
        [stem for stem in stems if stems.count(stem) > 1] if len(set(stems)) < len(stems) else []
    )
    if twice:
        raise DataError(f"{folder} holds two files of the name {twice[0]}. Keep one of them.")
    count = (
        tiff_pages.count_slices(paths[0]) if kinds == ["TIFF"] and len(paths) == 1 else len(paths)
    )
    return Files(folder, kinds[0], paths, count)


def _image_paths(folder: Path, allowed: tuple[str, ...]) -> list[Path]:
    """Return the files of a folder in natural order, all of them images of an allowed format."""
    if folder.is_file():
        raise DataError(f"{folder} is a file; it must be a folder that holds the slices.")
    if not folder.is_dir():
        raise DataError(f"{folder} does not exist. Put the slices there, {_any_of(allowed)}.")
    try:
        entries = [p for p in folder.iterdir() if not hidden(p)]
    except PermissionError:
        raise DataError(f"{folder} cannot be read: permission denied.") from None
    entries.sort(key=lambda p: natural_key(p.name))
    if not entries:
        raise DataError(f"{folder} is empty. Put the slices there, {_any_of(allowed)}.")
    for path in entries:
        kind = FORMATS.get(path.suffix.lower())
        if not path.is_file():
            raise DataError(f"{folder} holds {path.name}, which is not a file. Move it elsewhere.")
        if kind is None:
            raise DataError(
                f"{folder} holds {path.name}, which is not a slice. "
                f"Allowed are files of {_any_of(allowed)}; move all others elsewhere."
            )
        if kind not in allowed:
            raise DataError(
                f"{path} is a {kind} file; allowed here is {_any_of(allowed)}. "
                "JPEG changes pixel values, so it cannot hold class ids."
            )
    return entries


def _any_of(formats: tuple[str, ...]) -> str:
    return ", ".join(formats[:-1]) + f" or {formats[-1]}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
