"""Files that appear whole or not at all, and their checksums."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emqs.errors import DataError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside a path, and rename it to the path when the block ends well.

    An existing file is replaced. If the block raises an error, it stays as it was, and nothing is
    left under the temporary name.

    Args:
        path: The final name; its folder exists.

    Yields:
        The temporary name to write to.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_text(path: Path, text: str) -> Path:
    """Write a text file, first under a temporary name; an existing file is replaced."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def write_json(path: Path, value: Any) -> Path:  # noqa: ANN401 - whatever JSON can hold
    """Write JSON; NumPy numbers and arrays become plain ones.

    Raises:
        DataError: If a number is NaN or infinite, which JSON cannot hold.
    """

    def plain(item: object) -> object:
        if hasattr(item, "tolist"):  # of NumPy, which takes long to import
            return item.tolist()
        raise TypeError(f"{type(item).__name__} cannot be written as JSON")

    try:
        text = json.dumps(value, indent=2, default=plain, allow_nan=False)
    except ValueError as error:
        raise DataError(f"{path} is not written: {error}.") from None
    return write_text(path, text + "\n")
