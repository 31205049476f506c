"""Files that are compressed as a whole: ``volume.h5.gz``, ``stream.cpso.lzma``."""

import bz2
import gzip
import lzma
from pathlib import Path
from typing import Any

from emqs.errors import DataError, require

#: Most bytes that are unpacked into memory.
MAX_BYTES = 2**32
_PIECE = 2**22
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
        DataError: If it is damaged, or holds more than ``MAX_BYTES``.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        if path.stat().st_size > MAX_BYTES:
            raise _too_large(path)
        return path.read_bytes()
    pieces, total = [], 0
    try:
        with _opened(path, ending) as stream:
            while piece := stream.read(_PIECE):
                pieces.append(piece)
                total += len(piece)
                if total > MAX_BYTES:
                    raise _too_large(path)
    except (OSError, EOFError, lzma.LZMAError, ValueError) as fault:
        raise DataError(
            f"{path} cannot be decompressed: {fault}. It may be cut off: copy it again."
        ) from None
    return b"".join(pieces)


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


def _too_large(path: Path) -> DataError:
    return DataError(
        f"{path} must be read as a whole, and holds more than {MAX_BYTES // 2**30} GiB. Decompress "
        "it first, or store it as HDF5, Zarr or one TIFF."
    )
