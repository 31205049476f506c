"""Slices and labels from ``images/NAME/raw`` and ``images/NAME/labels``.

Each of the two folders holds either one image file per slice (PNG, JPEG or TIFF) or one TIFF file
with all slices. Files are taken in the natural order of their names, in which ``slice_2`` comes
before ``slice_10``. Hidden files (``.DS_Store``, ``Thumbs.db``) are passed over; anything else that
is no image is an error, and so is a mixture of formats.
"""

import logging

import numpy as np

from emqs.errors import ConfigError, DataError
from emqs.volumes.formats import png_jpeg, tiff_pages
from emqs.volumes.formats.image_files import Files, _listed

logger = logging.getLogger(__name__)

MASK = (0, 255)  # labels of only these two values are a mask, and 255 becomes class 1


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
        slices = [png_jpeg.grey(p, w) for p, w in _tiff_pages(files, first, last)]
    else:
        slices = [png_jpeg.read_grey(path) for path in files.paths[first:last]]
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
        labels = [png_jpeg.ids(p, w) for p, w in _tiff_pages(files, first, last, labels=True)]
    else:
        labels = [png_jpeg.read_ids(path) for path in files.paths[first:last]]
    if not all(np.isin(image, MASK).all() for image in labels):
        return labels
    if any(image.any() for image in labels):
        logger.info("%s are masks of 0 and 255; 255 becomes class 1", files.folder)
    return [(image != 0).astype(np.uint8) for image in labels]


def _tiff_pages(
    files: Files, first: int, last: int, *, labels: bool = False
) -> list[tuple[np.ndarray, str]]:
    """Return pages, as shades or as numbers of labels, each with its name for a message."""
    if files.in_one_file:
        pages = tiff_pages.read_slices(files.paths[0], first, last, labels=labels)
        return [(p, f"{files.paths[0]}, page {z}") for z, p in enumerate(pages, start=first)]
    result = []
    for path in files.paths[first:last]:
        count = tiff_pages.count_slices(path)
        if count > 1:
            raise DataError(
                f"{path} holds {count} slices, and {files.folder} holds {len(files.paths)} files. "
                "Keep either one TIFF with all slices, or one file per slice."
            )
        result.append((tiff_pages.read_slices(path, 0, 1, labels=labels)[0], str(path)))
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
