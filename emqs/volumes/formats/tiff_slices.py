"""TIFF files: how many slices they hold, and some of them."""

import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tifffile

from emqs.errors import DataError, MissingDependencyError
from emqs.volumes.formats.png_jpeg import MAX_PIXELS

_COLOUR_CHANNELS = 4  # up to so many planes along an axis named C are channels, not slices
_DAMAGED = (tifffile.TiffFileError, struct.error, ValueError, OSError, IndexError, KeyError)


class _Complaints(logging.Filter):
    """Keeps what tifffile logs as an error, which it does instead of raising."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Take a record out of the log, and keep it if it is an error."""
        if record.levelno >= logging.ERROR:
            self.errors.append(record.getMessage())
        return False


@contextmanager
def opened(path: Path) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF; whatever is wrong with its bytes becomes one DataError."""
    log, complaints = logging.getLogger("tifffile"), _Complaints()
    log.addFilter(complaints)
    try:
        with tifffile.TiffFile(path) as file:
            len(file.pages)  # reads the chain of pages, where a cut file complains
            if complaints.errors:
                raise ValueError(complaints.errors[0])
            yield file
    except PermissionError:
        raise DataError(f"{path} cannot be read: permission denied.") from None
    except _DAMAGED as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
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


def read_slices(path: Path, first: int, last: int) -> list[np.ndarray]:
    """Return some slices of a TIFF file as they are stored.

    Args:
        path: A file with one page, several pages of one size, or one 3-D volume.
        first: First slice.
        last: One past the last slice, at most ``count_slices(path)``.

    Returns:
        ``last - first`` arrays ``(Y, X)``, or ``(Y, X, S)`` with S colour channels. Only these
        pages are read, except from a 3-D volume that is stored as one page.

    Raises:
        DataError: If the file is damaged, or a slice is too large.
        MissingDependencyError: If it is compressed in a way that needs another package.
    """
    with opened(path) as file:
        _, paged = _layout(file, path)
        height, width = file.pages[0].imagelength, file.pages[0].imagewidth
        if height * width > MAX_PIXELS:
            raise DataError(
                f"{path} has slices of {height}x{width} pixels, above the limit of "
                f"{MAX_PIXELS:,}. Cut them into tiles."
            )
        if paged:
            return [np.asarray(file.pages[z].asarray()) for z in range(first, last)]
        volume = file.series[0].asarray()
        return [np.array(volume[z]) for z in range(first, last)]
