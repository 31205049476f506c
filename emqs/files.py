"""Files and folders that appear whole or not at all, whose they are meanwhile, their checksums.

What is being made lies under a hidden name beside its final one, or in a folder that is claimed.
Whoever makes it holds a lock, which dies with its process, however that ends: so what a killed
process left is told from what another one is at work on, and is removed or gone on with.
"""

import csv
import fcntl
import hashlib
import io
import json
import lzma
import os
import secrets
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unicodedata import normalize

from emqs.errors import ConfigError, DataError

LOCK = ".lock"  # in a folder that is claimed
TEMPORARY = ".tmp"  # ending of hidden names
MOST_JSON_BYTES = 2**27  # a manifest with the contrast of a million slices has less
#: What reading a damaged zip file or .npz raises: a version, a method or encryption that is not
#: known is a RuntimeError, and errors of what is packed have no common class.
DAMAGED_ZIP = (
    OSError, EOFError, KeyError, RuntimeError, TypeError, ValueError, lzma.LZMAError, struct.error,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
FORMULA_SIGNS = tuple("=+-@\t\r\n")  # with which a cell begins that a spreadsheet runs


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside a path, and rename it to the path when the block ends well.

    An existing file is replaced. If the block raises an error, it stays as it was, and nothing is
    left under the temporary name.

    Args:
        path: The final name; its folder exists.

    Yields:
        The temporary name to write to; an empty file is there.
    """
    temporary, lock = _begun(path, folder=False)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(lock)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside a path, and rename it to the path when the block ends well.

    What processes that were killed left of the same folder is removed first.

    Raises:
        ConfigError: If something is at the path, or no folder above it.
        DataError: If it cannot be written. Nothing is left behind.
    """
    if path.exists():
        raise ConfigError(f"{path} exists already. Give another name, or remove it first.")
    if not path.parent.is_dir():
        raise ConfigError(f"The folder {path.parent} does not exist. Make it, or give another.")
    temporary, lock = None, None
    try:
        clear_leftovers(path.parent, path.name)
        temporary, lock = _begun(path, folder=True)
        yield temporary
        temporary.rename(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _begun(path: Path, *, folder: bool) -> tuple[Path, int]:
    """Make a file or folder under a temporary name; return it, and what holds its lock."""
    while True:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY}")
        if folder:
            temporary.mkdir()
            lock = os.open(temporary, os.O_RDONLY)
        else:
            lock = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        if _locked(lock) is not False and _is_at(temporary, lock):
            return temporary, lock
        os.close(lock)  # between the two lines above somebody took it for a leftover


def _locked(descriptor: int) -> bool | None:
    """Return whether the lock of an open file is ours now; None if the disk knows no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    """Return whether a path still is the file that was opened."""
    try:
        status, opened = path.stat(), os.fstat(descriptor)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == (opened.st_dev, opened.st_ino)


def clear_leftovers(folder: Path, name: str = "*") -> None:
    """Remove what killed processes left in a folder under temporary names.

    What a process that lives is at work on stays: it holds the lock.

    Args:
        folder: Is there; what is in folders inside it stays.
        name: Final name of what they made; ``"*"``: any.
    """
    escaped = name if name == "*" else "".join(f"[{c}]" if c in "*?[" else c for c in name)
    for left in folder.glob(f".{escaped}.*{TEMPORARY}"):
        try:
            descriptor = os.open(left, os.O_RDONLY if left.is_dir() else os.O_RDWR)
        except OSError:
            continue
        try:
            if _locked(descriptor) and left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            elif _locked(descriptor):
                left.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


@contextmanager
def claimed(folder: Path, called: Path) -> Iterator[None]:
    """Make a folder, or go on in it, while no other process can claim it.

    Leftovers at its top are removed. The claim ends with the block, or with the process.

    Args:
        folder: Its parent exists.
        called: What is made there, for messages.

    Raises:
        DataError: If another process has claimed it.
        OSError: If it cannot be made.
    """
    while True:
        folder.mkdir(exist_ok=True)
        try:
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            continue  # it was finished, and removed, a moment ago
        if _locked(lock) is False:
            os.close(lock)
            raise DataError(f"{called} is being written by another process. Wait for it to end.")
        if _is_at(folder / LOCK, lock):
            break
        os.close(lock)  # it was finished, and its lock removed, a moment ago
    try:
        clear_leftovers(folder)
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)
        os.close(lock)


def allocate(path: Path, n_bytes: int) -> None:
    """Make a file so long, if it is shorter, and have the disk keep room for all of it.

    A page of a map that finds no room ends the process without a word: so nothing is written
    through a map before this. What is in the file stays.

    Raises:
        OSError: If there is no room; the file is as long as it was.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        before = os.fstat(descriptor).st_size
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, max(n_bytes, before, 1))
            else:
                _write_zeros(descriptor, before, n_bytes)
            os.ftruncate(descriptor, max(n_bytes, before))
        except OSError:
            os.ftruncate(descriptor, before)
            raise
    finally:
        os.close(descriptor)


def _write_zeros(descriptor: int, first: int, stop: int) -> None:
    """Write zeros to the end of a file, where a system cannot reserve room."""
    piece = bytes(2**20)
    while first < stop:
        first += os.pwrite(descriptor, piece[: stop - first], first)


def on_disk(path: Path) -> Path:
    """Return a path in the spelling that it has on disk.

    A letter with an accent can be stored as one character or as two (Unicode composed and
    decomposed: macOS and Linux differ), which look the same and are the same name.

    Args:
        path: As typed.

    Returns:
        The path itself if it exists or no other spelling of it does; else the other spelling.
    """
    if str(path).isascii() or path.exists():
        return path
    known = Path(path.anchor) if path.anchor else Path()
    for part in path.parts[1:] if path.anchor else path.parts:
        step = known / part
        if not part.isascii() and not step.exists() and known.is_dir():
            same = normalize("NFC", part)
            step = next((p for p in known.iterdir() if normalize("NFC", p.name) == same), step)
        known = step
    return known


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
    return write_text(path, json_text(value, str(path)))


def json_text(value: Any, name: str) -> str:  # noqa: ANN401 - whatever JSON can hold
    """Return JSON as files hold it.

    Args:
        value: What becomes JSON; NumPy numbers and arrays become plain ones.
        name: Of the file, for the message.

    Raises:
        DataError: If a number is NaN or infinite, which JSON cannot hold.
    """

    def plain(item: object) -> object:
        if hasattr(item, "tolist"):  # of NumPy, which takes long to import
            return item.tolist()
        raise TypeError(f"{type(item).__name__} cannot be written as JSON")

    try:
        return json.dumps(value, indent=2, default=plain, allow_nan=False) + "\n"
    except ValueError as error:
        raise DataError(f"{name} is not written: {error}.") from None


def content_sha256(content: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    """Return the SHA-256 of what JSON holds, whatever the spaces and the order of names in it."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_json(path: Path, what: str, most_bytes: int = MOST_JSON_BYTES) -> dict[str, Any]:
    """Return a JSON object that a file holds.

    Args:
        path: The file.
        what: For the message, e.g. ``"the plan of an ingestion"``.
        most_bytes: A longer file is refused unread.

    Raises:
        FileNotFoundError: If there is none.
        DataError: If it cannot be read, is too long, or holds something else.
    """
    try:
        size = path.stat().st_size
        if size > most_bytes:
            raise DataError(
                f"{path} has {size} bytes, above the {most_bytes} that {what} may have."
            )
        return json_object(path.read_bytes(), str(path), what)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from None


def json_object(content: bytes | str, name: str, what: str) -> dict[str, Any]:
    """Return the JSON object that a text is; numbers in it are finite.

    Raises:
        DataError: If it is none, or goes too deep.
    """

    def refused(constant: str) -> None:
        raise ValueError(f"it holds {constant}, which is no number")

    try:
        value = json.loads(content, parse_constant=refused)
    except RecursionError:
        raise DataError(f"{name} is damaged: it is nested too deep for {what}.") from None
    except ValueError as error:
        raise DataError(f"{name} is damaged: {error}. It should hold {what}.") from None
    if not isinstance(value, dict):
        raise DataError(f"{name} is damaged: it holds {type(value).__name__} instead of {what}.")
    return value


def neutral(text: str) -> str:
    """Return a text that no spreadsheet runs: an apostrophe stands before what would be a formula.

    ``plain`` takes it off again.
    """
    return "'" + text if text.lstrip("'").startswith(FORMULA_SIGNS) else text


def plain(text: str) -> str:
    """Return the text that ``neutral`` was given."""
    is_neutral = text.startswith("'") and text.lstrip("'").startswith(FORMULA_SIGNS)
    return text[1:] if is_neutral else text


def csv_text(rows: Iterable[Iterable[Any]], end: str = "\n") -> str:
    """Return the lines of a CSV file; numbers stay numbers, and no text is a formula.

    Args:
        rows: Cells; floats keep all their digits, None is empty.
        end: Of a line.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    for row in rows:
        writer.writerow([neutral(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()
