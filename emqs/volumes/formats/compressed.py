"""Files that are compressed as a whole: ``volume.h5.gz``, ``stream.cpso.lzma``."""

import bz2
import gzip
import io
import lzma
import sys
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import DataError, require

#: Most bytes that are unpacked into memory, and how many always may be.
MAX_BYTES = 2**32
FREE_BYTES = 2**30
#: What is longer than ``FREE_BYTES`` may not be longer than so many times its file: a few kilobytes
#: of nothing would fill the memory otherwise.
MAX_RATIO = 200
_PIECE = 2**22
#: What damage raises while a file is unpacked; the libraries' errors have no common class.
FAULTS = (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error)
ENDINGS = (".gz", ".lzma", ".xz", ".bz2", ".zst")


def split_ending(path: Path) -> tuple[str, str]:
    """Return the ending of a file's format, and that of its compression or an empty one."""
    packed = path.suffix.lower()
    if packed not in ENDINGS:
        return packed, ""
    return Path(path.stem).suffix.lower(), packed


def unpacked(path: Path) -> bytes:
    """Return the bytes of a file, decompressed if its ending says that it is compressed.

    Raises:
        DataError: If it is damaged, or holds more than is unpacked; it is known before it is read
            to its end.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        if path.stat().st_size > MAX_BYTES:
            raise _too_large(path, MAX_BYTES)
        return path.read_bytes()
    most = min(MAX_BYTES, max(FREE_BYTES, MAX_RATIO * path.stat().st_size))
    content = io.BytesIO()
    try:
        with _opened(path, ending) as stream:
            while piece := stream.read(_PIECE):
                if content.tell() == 0:
                    _check_stated(path, piece, most)
                content.write(piece)
                if content.tell() > most:
                    raise _too_large(path, most)
    except _faults() as fault:
        raise DataError(
            f"{path} cannot be decompressed: {fault}. It may be cut off: copy it again."
        ) from None
    return content.getvalue()


def _faults() -> tuple[type[Exception], ...]:
    """Return what damage raises; the error of zstandard, too, if that was needed."""
    module = sys.modules.get("zstandard")
    return FAULTS if module is None else (*FAULTS, module.ZstdError)


def _check_stated(path: Path, head: bytes, most: int) -> None:
    """Raise if a file of NumPy says at its beginning that it is too large."""
    if not head.startswith(b"\x93NUMPY"):
        return
    stream = io.BytesIO(head)
    if np.lib.format.read_magic(stream) != (1, 0):
        return
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if prod(shape) * dtype.itemsize > most:
        raise _too_large(path, most)


def _opened(path: Path, ending: str) -> Any:  # noqa: ANN401 - a file object of one of four classes
    """Return the file, to read its content from."""
    if ending == ".gz":
        return gzip.open(path)
    if ending == ".bz2":
        return bz2.open(path)
    if ending == ".zst":
        zstandard = require("zstandard", extra="codecs", purpose="read .zst files")
        return zstandard.open(path)
    return lzma.open(path)  # both .xz and .lzma


def _too_large(path: Path, most: int) -> DataError:
    return DataError(
        f"{path} must be read as a whole, which takes more memory than there is for it: more than "
        f"{most / 2**30:.3g} GiB. Decompress it first, or store it as HDF5, Zarr or one TIFF."
    )
