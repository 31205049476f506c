"""Pages of TIFF files: opened with every complaint heard, read in parts, and turned into shades."""

import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from math import ceil
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile

from emqs.errors import DataError, MissingDependencyError, first_line
from emqs.geometry import Box
from emqs.volumes.formats.png_jpeg import MAX_PIXELS
from emqs.volumes.volume import native

_COLOUR_CHANNELS = 4  # up to so many planes along an axis named C are channels, not slices
_DAMAGED = (tifffile.TiffFileError, struct.error, ValueError, OSError, IndexError, KeyError)
_JPEG = (6, 7, 34892, 33007)  # compressions whose segments share tables
_WHITE_IS_ZERO, _PALETTE = 0, 3  # photometric interpretations
#: What tifffile warns of though no pixel depends on it.
_HARMLESS = ("coercing invalid ASCII", "missing required tags")


class _Complaints(logging.Filter):
    """Keeps what tifffile logs as an error or a warning, which it does instead of raising."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Take a record out of the log, and keep it if it is a complaint."""
        text = record.getMessage()
        if record.levelno >= logging.WARNING and not any(h in text for h in _HARMLESS):
            self.errors.append(text)
        return False

    def check(self) -> None:
        """Raise the first complaint.

        Raises:
            ValueError: If there is one.
        """
        if self.errors:
            raise ValueError(self.errors[0])


@contextmanager
def opened(path: Path, *, walk: bool = True) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF; whatever is wrong with its bytes, then or later, becomes one DataError.

    Args:
        path: The file. Others that it names are not opened.
        walk: Whether to follow the chain of pages to its end, where a cut file complains.
    """
    with told(path) as complaints, tifffile.TiffFile(path, _multifile=False) as file:
        if walk:
            len(file.pages)
        complaints.check()
        yield file


@contextmanager
def told(path: Path) -> Iterator[_Complaints]:
    """Turn what tifffile raises or logs of a file's bytes into one DataError."""
    log, complaints = logging.getLogger("tifffile"), _Complaints()
    log.addFilter(complaints)
    try:
        yield complaints
        complaints.check()
    except PermissionError:
        raise DataError(f"{path} cannot be read: permission denied.") from None
    except _DAMAGED as error:
        reason = first_line(error)
        if "imagecodecs" in reason:
            raise MissingDependencyError(
                f"{path} is a compressed TIFF ({reason}). Install it with: pip install "
                "imagecodecs. Or save the file without compression."
            ) from None
        raise DataError(
            f"{path} cannot be read as a TIFF; it is damaged or cut off ({reason}). "
            "Copy or export it again."
        ) from None
    finally:
        log.removeFilter(complaints)


@dataclass(frozen=True, eq=False)
class Shades:
    """How the numbers that a TIFF stores become the numbers of a volume.

    An image is what a viewer shows: where 0 is white (photometric interpretation MinIsWhite) it is
    turned over, and numbers of a palette become the greys of the palette. Of one bit, 1 is white
    and 0 is black, in an image and in labels alike, so that structure, which masks show in white,
    is 1.

    Labels of more than one bit stay the numbers that are stored, whatever a palette or MinIsWhite
    says of how to paint them: they are names, not shades. For MinIsWhite this is a decision. ImageJ
    writes it for masks with an inverted look-up table, in which 255 is the object and is painted
    black; turned over, object and background would change places. ``note`` says that it was made.

    Attributes:
        dtype: Of the volume.
        white: Number from which stored ones are taken away; None if they stay.
        palette: Red, green and blue of each stored number, shape ``(3, N)``; None if they stay.
        note: What a user should be told; empty if nothing.
    """

    dtype: np.dtype[np.generic]
    white: int | None = None
    palette: np.ndarray | None = None
    note: str = ""

    def of(self, pixels: np.ndarray, where: object) -> np.ndarray:
        """Return stored pixels as those of the volume.

        Raises:
            DataError: If colours of the palette that occur are no greys.
        """
        if self.palette is not None:
            red, green, blue = (channel[pixels.astype(np.intp)] for channel in self.palette)
            if (red != green).any() or (red != blue).any():
                raise DataError(
                    f"{where} is coloured: its palette has colours, and slices must be grey. "
                    "Convert it to one channel, or read it as labels, whose numbers are kept."
                )
            return np.asarray(red)
        if self.white is not None and self.dtype == np.bool_:
            return np.asarray(~pixels.astype(bool))
        if self.white is not None:
            return np.asarray(self.dtype.type(self.white) - pixels.astype(self.dtype))
        return pixels.astype(self.dtype, copy=False)


def shades_of(page: Any, *, labels: bool, where: object) -> Shades:  # noqa: ANN401 (a page)
    """Return how the pixels of a page become those of a volume.

    Args:
        page: A page of tifffile.
        labels: Whether they are labels, not an image.
        where: Names the file in messages.

    Raises:
        DataError: If 0 is white and it is not known what is black.
    """
    dtype = native(np.dtype(page.dtype))
    photometric, bits = page.photometric, page.bitspersample
    white_is_zero = photometric is not None and int(photometric) == _WHITE_IS_ZERO
    if photometric is not None and int(photometric) == _PALETTE and not labels:
        colours = np.asarray(page.colormap)
        return Shades(np.dtype(np.uint8), palette=(colours >> 8 if colours.max() > 255 else colours)
                      .astype(np.uint8))  # fmt: skip
    if not white_is_zero:
        return Shades(dtype)
    if dtype == np.bool_:
        return Shades(dtype, white=1)
    if labels:
        return Shades(dtype, note=(
            f"{where} says that 0 is white (MinIsWhite), as ImageJ does for inverted look-up "
            "tables; labels are kept as they are stored, so that 0 stays the background."
        ))  # fmt: skip
    if dtype.kind != "u":
        raise DataError(
            f"{where} says that 0 is white (MinIsWhite) and holds {dtype}, so nothing says what is "
            "black. Save it with black as 0 (MinIsBlack)."
        )
    return Shades(dtype, white=2**bits - 1)


def read_page(
    page: Any,  # noqa: ANN401 - of tifffile
    stream: BinaryIO,
    name: str,
    box: Box,
    out: np.ndarray,
) -> None:
    """Copy a part of one page as stored, reading only the strips or tiles that it touches.

    Args:
        page: A grey page of tifffile; its file may be closed.
        stream: The file's bytes.
        name: Of the page, for messages.
        box: Its Y and X are looked at.
        out: Result, shape ``(Y, X)`` of the box.

    Raises:
        ValueError: If a strip or tile is cut off.
    """
    keyframe = page.keyframe
    top, left, bottom, right = *box.start[1:], *box.stop[1:]
    height, width = keyframe.chunks[-2:]
    across = ceil(keyframe.shape[1] / width)
    tables = {"jpegtables": page.jpegtables, "jpegheader": keyframe.jpegheader}
    options = tables if keyframe.compression in _JPEG else {}
    rows = range(top // height, ceil(bottom / height))
    for i, j in product(rows, range(left // width, ceil(right / width))):
        index = i * across + j
        n_bytes = page.databytecounts[index]
        stream.seek(page.dataoffsets[index])
        stored = stream.read(n_bytes) if n_bytes else None
        if stored is not None and len(stored) < n_bytes:
            raise ValueError(f"{name} ends after {len(stored)} of {n_bytes} bytes")
        segment, _, _ = keyframe.decode(stored, index, **options)
        y, x = i * height, j * width
        part = np.s_[max(top, y) - top : min(bottom, y + height) - top,
                     max(left, x) - left : min(right, x + width) - left]  # fmt: skip
        if segment is None:  # a tile that was never written
            out[part] = keyframe.nodata
            continue
        tile = segment[0, :, :, 0]
        out[part] = tile[max(top - y, 0) : bottom - y, max(left - x, 0) : right - x]


def has_plain_pages(file: tifffile.TiffFile, where: Path | str) -> bool:
    """Return whether a file is a row of pages, one slice each, and no array with named axes.

    Args:
        file: An open file; of several that belong together, only this one is read.
        where: Its name, for the error message.

    Raises:
        DataError: If it has no pages, or pages that differ in size or type.
    """
    if not len(file.pages):
        raise DataError(f"{where} cannot be read as a TIFF; it holds no page. Export it again.")
    series = file.series
    if len(series) == 1 and not series[0].is_multifile:
        return False
    if len({(page.shape, page.dtype) for page in file.pages}) > 1:
        raise DataError(
            f"{where} holds {len(file.pages)} pages of different sizes or types. "
            "Save one stack of equal slices, or one file per slice."
        )
    return True


def _layout(file: tifffile.TiffFile, path: Path) -> tuple[int, bool]:
    """Return the number of slices, and whether one page holds one slice."""
    series = file.series
    if has_plain_pages(file, path):
        return len(file.pages), True
    axes, shape = series[0].axes, series[0].shape
    if axes.endswith("S"):
        axes, shape = axes[:-1], shape[:-1]
    if len(shape) not in (2, 3) or not axes.endswith("YX"):
        raise DataError(
            f"{path} has axes {series[0].axes} of shape {series[0].shape}; a stack has slices, "
            "rows and columns only. Save one channel and one time point."
        )
    if len(shape) == 3 and (axes[0] == "S" or (axes[0] == "C" and shape[0] <= _COLOUR_CHANNELS)):
        raise DataError(
            f"{path} has {shape[0]} channels; slices must be grey. Save one channel only."
        )
    count = 1 if len(shape) == 2 else int(shape[0])
    return count, len(series[0].pages) == count


def count_slices(path: Path) -> int:
    """Return how many slices a TIFF file holds, without reading their pixels.

    Any third axis counts slices, whatever its name: Z, time, or none. Only an axis of channels
    with up to four planes does not. (Some programs call the slices of a stack channels.)

    Raises:
        DataError: If the file is damaged, has more axes, or several channels.
    """
    with opened(path) as file:
        return _layout(file, path)[0]


def read_slices(path: Path, first: int, last: int, *, labels: bool = False) -> list[np.ndarray]:
    """Return some slices of a TIFF file: shades of an image, or numbers of labels.

    Args:
        path: A file with one page, several pages of one size, or one 3-D volume.
        first: First slice.
        last: One past the last slice, at most ``count_slices(path)``.
        labels: Whether they are labels, see ``Shades``.

    Returns:
        ``last - first`` arrays ``(Y, X)``, or ``(Y, X, S)`` with S colour channels. Only these
        pages are read, except from a 3-D volume that is stored as one page.

    Raises:
        DataError: If the file is damaged, or a slice is too large.
        MissingDependencyError: If it is compressed in a way that needs another package.
    """
    with opened(path) as file:
        _, paged = _layout(file, path)
        page = file.pages.first
        height, width = page.imagelength, page.imagewidth
        if height * width > MAX_PIXELS:
            raise DataError(
                f"{path} has slices of {height}x{width} pixels, above the limit of "
                f"{MAX_PIXELS:,}. Cut them into tiles."
            )
        shades = shades_of(page, labels=labels, where=path)
        if paged:
            plain = has_plain_pages(file, path)
            pages: Any = file.pages if plain else file.series[0].pages  # others are smaller copies
            slices = [np.asarray(pages[z].asarray()) for z in range(first, last)]
        else:
            volume = file.series[0].asarray()
            slices = [np.array(volume[z]) for z in range(first, last)]
        return [image if image.ndim == 3 else shades.of(image, path) for image in slices]
