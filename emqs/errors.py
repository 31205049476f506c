"""Errors that a user of emqs can cause, and so can fix.

EmqsError
├── ConfigError              a setting is out of range or contradicts another
├── DataError                a file is missing, unreadable, or has the wrong shape
├── CodecError               a label volume cannot be stored, or a stream of one not be read
├── WeightsError             a weights file does not fit, is damaged, or is not one
├── DatabaseError            the database cannot be reached, or is newer than this emqs
├── NotFoundError            no such thing, or none that this user may know of
├── ConflictError            somebody else changed it in the meantime
├── ForbiddenError           this user may not do that
└── MissingDependencyError   an optional package is needed and not installed

Every message is one clear statement: what is wrong, where, what was got, what is allowed, and
what to do next. The commands print it on one line and end with an exit code that is not 0.
"""

import importlib
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


class EmqsError(Exception):
    """Something a user of emqs can fix."""


class ConfigError(EmqsError):
    """A setting is out of range, unknown, or contradicts another."""


class DataError(EmqsError):
    """A file or an array is missing, unreadable, or has the wrong shape or values."""


class CodecError(EmqsError):
    """A label volume cannot be stored, or a stream is damaged, foreign or over a limit."""


class WeightsError(EmqsError):
    """A weights file does not fit its model, is damaged, or is no weights file."""


class DatabaseError(EmqsError):
    """The database cannot be reached, is in use too long, or was made by a newer emqs."""


class NotFoundError(EmqsError):
    """There is no such thing, or none that this user may know of."""


class ConflictError(EmqsError):
    """It was changed by somebody else in the meantime, or its state does not allow the step."""


class ForbiddenError(EmqsError):
    """This user may not do that."""


class MissingDependencyError(EmqsError):
    """An optional package is needed and not installed."""


def require(package: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional package, or say how to get it.

    Args:
        package: Import name, e.g. ``"timm"``.
        extra: The extra of emqs that brings it, e.g. ``"backbone"``.
        purpose: What it is needed for, to complete "needed to ...".

    Returns:
        The imported module.

    Raises:
        MissingDependencyError: If the package is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if not f"{package}.".startswith(f"{missing}."):  # one of ITS imports is missing
            raise
        raise MissingDependencyError(
            f"The package '{package}' is needed to {purpose}, and is not installed. "
            f"Install it with: pip install 'emqs[{extra}]'"
        ) from None


#: How Python shows objects in the errors of libraries: an open file, or one with its address.
_FILE = re.compile(r"<_io\.[^<>]*>")
_OBJECT = re.compile(r"<([\w.]+)[^<>]* at 0x[0-9A-Fa-f]+>")


def one_line(fault: BaseException) -> str:
    """Return an error's text on one line, without the full stop at its end.

    Objects that a library shows as Python does are named in words.
    """
    return (" ".join(_in_words(fault).split()) or type(fault).__name__).rstrip(".")


def first_line(fault: BaseException) -> str:
    """Return the first line of an error's text, where a library says more than is wanted."""
    return next(iter(_in_words(fault).strip().splitlines()), type(fault).__name__).rstrip(".:")


def _in_words(fault: BaseException) -> str:
    """Return an error's text without what is of use to programmers alone."""
    text = str(fault)
    if isinstance(fault, KeyError) and fault.args:
        key = fault.args[0]
        text = key if isinstance(key, str) and " " in key else f"there is no {key!r}"
    text = _FILE.sub("the file", text)
    return _OBJECT.sub(lambda found: found[1].rpartition(".")[2], text)


@contextmanager
def read_as_far_as_wanted() -> Iterator[None]:
    """End without a word when nobody reads what is printed any more, as before ``| head``."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is not flushed
        sys.exit(128 + signal.SIGPIPE)  # as of a program that the signal ended
