"""Slices and labels from ``images/NAME/raw`` and ``images/NAME/labels``.

Each of the two folders holds either one image file per slice (PNG, JPEG or TIFF) or one TIFF file
with all slices. Files are taken in the natural order of their names, in which ``slice_2`` comes
before ``slice_10``. Hidden files (``.DS_Store``, ``Thumbs.db``) are passed over; anything else that
is no image is an error, and so is a mixture of formats.
"""

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emqs.datasets import images, tiff
from emqs.errors import ConfigError, DataError

logger = logging.getLogger(__name__)

FORMATS = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".jpg": "JPEG", ".jpeg": "JPEG"}
RAW_FORMATS = ("PNG", "TIFF", "JPEG")
LABEL_FORMATS = ("PNG", "TIFF")  # JPEG blurs class ids into each other
MASK = (0, 255)  # labels of only these two values are a mask, and 255 becomes class 1

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
        return [path.stem for path in self.paths]


def natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Return a sort key by which ``slice_2`` comes before ``slice_10``."""
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
        found = " and ".join(f"{n} {kind}" for kind, n in counts.items())
        raise DataError(f"{folder} mixes formats: {found} files. Keep one format per folder.")
    stems = [p.stem for p in paths]
    twice = (
        [stem for stem in stems if stems.count(stem) > 1] if len(set(stems)) < len(stems) else []
    )
    if twice:
        raise DataError(f"{folder} holds two files of the name {twice[0]}. Keep one of them.")
    count = tiff.count_slices(paths[0]) if kinds == ["TIFF"] and len(paths) == 1 else len(paths)
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


def check_pairs(raw: Files, labels: Files, *, by_name: bool = True) -> None:
    """Raise an error unless every raw slice has its label.

    One file per slice on both sides: the names without ending must agree, unless ``by_name`` is
    False. Otherwise only the numbers of slices are compared, and slices belong together in order.

    Raises:
        DataError: Naming the first slices without a partner.
    """
    if by_name and not raw.in_one_file and not labels.in_one_file:
        have, want = set(labels.names()), set(raw.names())
        for folder, missing, of in (
            (labels.folder, [n for n in raw.names() if n not in have], "a label for raw slice"),
            (raw.folder, [n for n in labels.names() if n not in want], "a raw image for label"),
        ):
            if missing:
                raise DataError(
                    f"{folder} lacks {of} {_listed(missing)} ({raw.count} raw slices, "
                    f"{labels.count} labels). A slice and its label have the same name."
                )
    if raw.count != labels.count:
        raise DataError(
            f"{raw.folder} holds {raw.count} slices and {labels.folder} holds {labels.count}. "
            "Every slice needs one label."
        )


def selection(slices: list[int] | None, count: int, where: object) -> tuple[int, int]:
    """Return first slice and one past the last, as ``dataset.slices`` says.

    Raises:
        ConfigError: If they reach beyond the end.
    """
    if slices is None:
        return 0, count
    first, last = slices
    if last > count:
        raise ConfigError(
            f"dataset.slices=[{first},{last}] reaches beyond the end: {where} has {count} slices, "
            f"so one past the last is at most {count}. Give e.g. dataset.slices=[0,"
            f"{min(last - first, count)}], or dataset.slices=null for all."
        )
    return first, last


def read_raw(files: Files, first: int, last: int) -> list[np.ndarray]:
    """Return slices ``first`` to ``last - 1``, each ``(Y, X)``, all of one dtype.

    Returns:
        uint8 or uint16 as stored; other numbers as float32. Only these slices are read.

    Raises:
        DataError: If a file is damaged, coloured, or of another pixel type than the first.
    """
    if files.kind == "TIFF":
        slices = [images.grey(p, w) for p, w in _tiff_pages(files, first, last)]
    else:
        slices = [images.read_grey(path) for path in files.paths[first:last]]
    for name, image in zip(files.names()[first:last], slices, strict=True):
        if image.dtype != slices[0].dtype:
            raise DataError(
                f"{files.folder} mixes pixel types: {files.names()[first]} is {slices[0].dtype} "
                f"and {name} is {image.dtype}. Save all slices with the same number of bits."
            )
    return slices


def read_labels(files: Files, first: int, last: int) -> list[np.ndarray]:
    """Return the labels of slices ``first`` to ``last - 1``, each ``(Y, X)`` of unsigned ids.

    If all slices that are read hold no other values than 0 and 255, they are a mask, and 255
    becomes class 1. In every other case the values are class (or instance) ids, unchanged.

    Raises:
        DataError: If a file is damaged, has several channels, fractions or negative values.
    """
    if files.kind == "TIFF":
        labels = [images.ids(p, w) for p, w in _tiff_pages(files, first, last)]
    else:
        labels = [images.read_ids(path) for path in files.paths[first:last]]
    if not all(np.isin(image, MASK).all() for image in labels):
        return labels
    if any(image.any() for image in labels):
        logger.info("%s are masks of 0 and 255; 255 becomes class 1", files.folder)
    return [(image != 0).astype(np.uint8) for image in labels]


def _tiff_pages(files: Files, first: int, last: int) -> list[tuple[np.ndarray, str]]:
    """Return pages as stored, each with its name for an error message."""
    if files.in_one_file:
        pages = tiff.read_slices(files.paths[0], first, last)
        return [(p, f"{files.paths[0]}, page {z}") for z, p in enumerate(pages, start=first)]
    result = []
    for path in files.paths[first:last]:
        count = tiff.count_slices(path)
        if count > 1:
            raise DataError(
                f"{path} holds {count} slices, and {files.folder} holds {len(files.paths)} files. "
                "Keep either one TIFF with all slices, or one file per slice."
            )
        result.append((tiff.read_slices(path, 0, 1)[0], str(path)))
    return result


def check_sizes(raw: list[np.ndarray], labels: list[np.ndarray], names: list[str]) -> None:
    """Raise an error unless each label image has the size of its slice.

    Raises:
        DataError: Naming the slice and both sizes.
    """
    for name, image, label in zip(names, raw, labels, strict=True):
        if image.shape != label.shape:
            raise DataError(
                f"The label of slice {name} has {label.shape[0]}x{label.shape[1]} pixels "
                f"(height x width), its raw image {image.shape[0]}x{image.shape[1]}. "
                "They must be equal."
            )
