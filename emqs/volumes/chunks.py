"""Chunked arrays on disk, http, s3 and gs, read by tensorstore.

A chunk that is not there counts as filled with the fill value, as the formats say, unless what
was written is noted. A source that
has vanished looks the same, chunk by chunk; so whenever a chunk is missing, its metadata are read
again, and if they are gone too, that is an error.
"""

import json
import logging
import os
import re
import resource
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError, one_line, require
from emqs.files import DAMAGED_ZIP
from emqs.geometry import Box
from emqs.volumes import addresses
from emqs.volumes.axes import Axes, Request, Stated
from emqs.volumes.label_answers import PlainAnswers
from emqs.volumes.volume import MAX_CHUNK_BYTES, Volume, check_chunks

logger = logging.getLogger(__name__)

SCHEMES = ("file", "http", "https", "s3", "gs")
RETRIES = {"max_retries": 6, "initial_delay": "500ms", "max_delay": "8s"}  # about 20 s in all
CACHE_BYTES = 2**27  # decoded chunks kept, so that boxes with a common border read it once
WAIT_S = 120.0  # a read may take so long ...
SLOWEST_BYTES_S = 1e5  # ... and this much longer for its bytes
MOST_MEMORY_BYTES = 2**32  # ... and so much memory, and that of its bytes eight times
LOOK_S = 0.5  # between two looks at the memory
MAX_METADATA_BYTES = 2**24
_MOST_TEXT = 400  # characters of a reason
MAX_DEPTH = 12  # of folders that are looked into
ARCHIVES = (".zip", ".ozx")  # files that hold a folder
_FORMATS = {
    "zarr": "zarr", "zarr3": "zarr", "n5": "n5", "neuroglancer_precomputed": "precomputed",
}  # fmt: skip


def tensorstore() -> Any:  # noqa: ANN401 (the package has no types)
    """Return the package tensorstore, or say how to get it."""
    return require("tensorstore", extra="volumes", purpose="read and write chunked volumes")


@lru_cache(maxsize=1)
def _context() -> Any:  # noqa: ANN401
    """Return what all volumes of this process share: one cache, one patience with servers."""
    retries = {f"{kind}_request_retries": RETRIES for kind in ("http", "s3", "gcs")}
    return tensorstore().Context({"cache_pool": {"total_bytes_limit": CACHE_BYTES}, **retries})


def shared_context() -> Any:  # noqa: ANN401
    """Return the context of tensorstore in which this process opens what lies on servers."""
    return _context()


@dataclass(frozen=True)
class Location:
    """A folder, on disk or on a server."""

    name: str  # as the user wrote it, with the path inside
    store: Any = field(repr=False)  # tensorstore.KvStore
    path: Path | None = None  # on disk
    archive: Path | None = None  # zip file on disk that it lies in
    outer: "Location | None" = field(default=None, repr=False)  # folder that it lies in, if known

    @property
    def source(self) -> Path | None:
        """The folder or the zip file on disk; None if it is on a server."""
        return self.path if self.archive is None else self.archive

    def inside(self, path: str) -> "Location":
        """Return a folder inside this one.

        Raises:
            DataError: If the path leads outside.
        """
        inner = self
        for part in checked_path(path).split("/"):
            on_disk = None if inner.path is None else inner.path / part
            name = f"{inner.name.rstrip('/')}/{part}"
            inner = Location(name, inner.store / f"{part}/", on_disk, self.archive, inner)
        return inner

    def keys(self) -> Iterator[str] | None:
        """Return the names of all files below, in any order; None if they cannot be listed."""
        if self.archive is not None:
            listed = wait(lambda: self.store.list(), 0, self.name)
            return (key.decode(errors="replace") for key in listed)
        return None if self.path is None else _files(str(self.path), "")

    def read_bytes(self, key: str, n_bytes: int = MAX_CHUNK_BYTES) -> bytes | None:
        """Return a file, or None if there is none.

        Args:
            key: Its name.
            n_bytes: How many it has at most, about; more may take too long.

        Raises:
            DataError: If it cannot be read.
        """
        got = wait(lambda: self.store.read(key), n_bytes, f"{self.name}/{key}")
        return bytes(got.value) if got.state == "value" else None

    def read_json(self, key: str) -> dict[str, Any] | None:
        """Return a metadata file, or None if there is none.

        Raises:
            DataError: If it cannot be read, or is no JSON object.
        """
        file = None if self.path is None else self.path / key
        n_bytes = file.stat().st_size if file is not None and file.is_file() else 0
        if n_bytes <= MAX_METADATA_BYTES:  # of a file on disk that is known before it is read
            got = wait(lambda: self.store.read(key), 0, f"{self.name}/{key}")
            if got.state != "value":
                return None
            n_bytes = len(got.value)
        if n_bytes > MAX_METADATA_BYTES:
            raise DataError(f"{self.name}/{key} has {n_bytes} bytes: no metadata file.")
        try:
            content = json.loads(got.value)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise DataError(
                f"{self.name}/{key} is not a JSON object; the file is damaged, or the server "
                "answers with a page of its own."
            )
        return content


def locate(url: str) -> Location:
    """Return the folder that a URL or a path names; nothing is read yet.

    Raises:
        ConfigError: If the scheme is unknown or the URL is not valid.
    """
    scheme, separator, rest = url.partition("://")
    path = None if separator and scheme != "file" else Path(rest if separator else url)
    archive = None
    if path is not None and path.suffix.lower() in ARCHIVES and path.expanduser().is_file():
        archive = path.expanduser().absolute()
        _check_archive(archive)
        base = {"driver": "file", "path": str(archive)}
        root: Any = {"driver": "zip", "base": base}
        path = None
    elif separator == "":
        root = {"driver": "file", "path": f"{Path(url).expanduser().absolute()}/"}
    elif scheme not in SCHEMES or "|" in url or rest.strip("/") == "":
        raise ConfigError(
            f"{url} cannot be opened: allowed are a path on disk and the URLs "
            f"{', '.join(f'{s}://' for s in SCHEMES)}."
        )
    elif scheme in addresses.BUCKETS:
        root = addresses.kvstore(url)
    else:
        root = f"{url.rstrip('/')}/"
    try:
        store = tensorstore().KvStore.open(root, context=_context()).result()
    except ValueError as error:
        raise ConfigError(f"{url} cannot be opened: {reason(error)}.") from None
    if archive is None:
        return Location(url, store, None if path is None else path.expanduser())
    return _only_folder(Location(url, store, None, archive))


def _check_archive(path: Path) -> None:
    """Raise an error if a zip file is damaged, or holds a file that no volume has."""
    try:
        with zipfile.ZipFile(path) as archive:
            largest = max(archive.infolist(), key=lambda entry: entry.file_size, default=None)
    except DAMAGED_ZIP as fault:
        raise DataError(f"{path} cannot be read as a zip file: {one_line(fault)}.") from None
    if largest is not None and largest.file_size > 2 * MAX_CHUNK_BYTES:
        raise DataError(
            f"{path} holds the file {largest.filename!r} of {largest.file_size / 1e9:.1f} GB, "
            f"above the limit of {2 * MAX_CHUNK_BYTES / 1e9:.1f} GB. Unpack it first."
        )


def _only_folder(location: Location) -> Location:
    """Return the one folder at the top of a zip file if all lies in it."""
    tops = {key.partition("/")[0] for key in location.keys() or () if "/" in key}
    at_top = any("/" not in key for key in location.keys() or ())
    return location.inside(tops.pop()) if len(tops) == 1 and not at_top else location


def _files(folder: str, before: str) -> Iterator[str]:
    """Yield the names of files below a folder, with the folders inside it."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.is_dir():
                    yield before + entry.name
                elif before.count("/") < MAX_DEPTH:
                    yield from _files(entry.path, f"{before}{entry.name}/")
    except OSError as fault:
        raise DataError(f"{folder} cannot be listed: {fault.strerror}.") from None


def checked_path(path: str) -> str:
    """Return a path inside a source, unless it could lead outside.

    Raises:
        DataError: If it is absolute, has empty parts or ``..``, or is a URL.
    """
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or re.search(r"[\\|:\0]", path):
        raise DataError(
            f"The path {path!r} inside a volume is not allowed: it must be relative, with plain "
            "names between slashes, e.g. 'volumes/raw'."
        )
    return path


def wait(start: Callable[[], Any], n_bytes: int, what: str) -> Any:  # noqa: ANN401
    """Start an operation of tensorstore and return its result.

    Args:
        start: Returns the future.
        n_bytes: How much is read or written; more bytes may take longer.
        what: The source and the part, for the message.

    Raises:
        NotThereError: If a chunk is missing.
        DataError: If the operation fails or takes too long.
    """
    timeout_s = WAIT_S + n_bytes / SLOWEST_BYTES_S
    try:
        if re.search(r"\bhttps?://", what):
            return _bounded(start(), timeout_s, 8 * n_bytes + MOST_MEMORY_BYTES, what)
        return start().result(timeout=timeout_s)
    except TimeoutError:
        raise DataError(
            f"{what} did not answer within {timeout_s:.0f} s. Check the connection, and run it "
            "again."
        ) from None
    except (ValueError, OSError, OverflowError, NotImplementedError) as error:
        text = str(error)
        why = addresses.explained(text) if re.search(r"\b(?:s3|gs)://", what) else None
        if why is not None:
            raise DataError(f"{what} cannot be read or written: {why}.") from None
        if text.startswith("NOT_FOUND"):
            raise NotThereError(f"{what} is not there: {reason(error)}.") from None
        if re.search(r"No space left|quota exceeded", text, re.IGNORECASE):
            raise DataError(
                f"{what} cannot be written: the disk is full. Make room there and run the same "
                "command again; what was written stays, and it goes on from there."
            ) from None
        tried = "after several attempts " if "retry attempts failed" in text else ""
        raise DataError(
            f"{what} cannot be read or written {tried}({reason(error)}). Check that the source is "
            "whole and can be reached, and run it again."
        ) from None


def _bounded(future: Any, timeout_s: float, most_bytes: int, what: str) -> Any:  # noqa: ANN401
    """Return the result of an operation, unless it takes too much memory.

    A server may answer without an end. tensorstore keeps all of it, as fast as it comes, and does
    not stop when it is asked to, so that only a command that ends is rid of it.

    Raises:
        TimeoutError: If it takes too long.
        DataError: If the most memory that this process ever took grows by more than that.
    """
    before, stop = peak_memory_bytes(), time.monotonic() + timeout_s
    while True:
        rest = stop - time.monotonic()
        try:
            return future.result(timeout=min(max(rest, 0.0), LOOK_S))
        except TimeoutError:
            if rest <= LOOK_S:
                raise
        taken = peak_memory_bytes() - before
        if taken > most_bytes:
            future.cancel()
            raise DataError(
                f"{what} cannot be read: the server has sent {taken / 1e9:.1f} GB, and no end. "
                "Check the address, and who answers there."
            )


def peak_memory_bytes() -> int:
    """Return the most memory that this process has taken so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


class NotThereError(DataError):
    """A chunk or an array is not there."""


def reason(error: BaseException) -> str:
    """Return why tensorstore failed, in one line, without its own details."""
    text = " ".join(str(error).split())
    text = re.sub(r"^[A-Z_]+: ", "", text)  # the status
    text = re.split(r" \[(?:http_response_body|tensorstore_spec|source locations|curl_code)", text)[
        0
    ]
    if len(text) > _MOST_TEXT:  # what is read stands at the beginning, what happened at the end
        text = f"{text[: _MOST_TEXT // 2]} ... {text[-_MOST_TEXT // 2 :]}"
    return text.rstrip(". ") or type(error).__name__


@dataclass(frozen=True, eq=False)
class TensorReader:
    """A view ``(Z, Y, X)`` of an array that tensorstore reads."""

    name: str
    view: Any  # an error where a chunk is missing
    sparse: Callable[[], Any]  # opens the same view, with the fill value where a chunk is missing
    still_there: Callable[[], bool]
    check: Callable[[Box], None]  # an error if a missing chunk was written once

    @cached_property
    def filled(self) -> Any:  # noqa: ANN401
        """The view that fills missing chunks; opened when it is first needed."""
        return self.sparse()

    def is_there(self, box: Box) -> bool:
        """Return whether all chunks of a box are stored."""
        try:
            n_bytes = prod(box.shape) * self.view.dtype.numpy_dtype.itemsize
            wait(lambda: self.view[box.slices].read(order="C"), n_bytes, self.name)
        except NotThereError:
            return False
        return True

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box; see ``Reader.read``."""
        n_bytes = prod(box.shape) * self.view.dtype.numpy_dtype.itemsize
        what = f"The box {box} of {self.name}"
        try:
            return wait(lambda: self.view[box.slices].read(order="C"), n_bytes, what)
        except NotThereError as error:
            if not self.still_there():
                raise DataError(
                    f"{what} cannot be read: the source is no longer there ({error})"
                ) from None
        self.check(box)
        return wait(lambda: self.filled[box.slices].read(order="C"), n_bytes, what)


def open_array(
    location: Location,
    driver: dict[str, Any],
    metadata: str,
    stated: Callable[[list[int]], Stated],
    request: Request,
    answers: Callable[[Axes], PlainAnswers] | None = None,
) -> Volume:
    """Return a volume over an array of tensorstore.

    Args:
        location: Folder of the array.
        driver: What tensorstore needs beside the folder, e.g. ``{"driver": "zarr3"}``.
        metadata: File in that folder without which there is no array.
        stated: Returns what the source says of its axes, given the lengths of the stored axes.
        request: What the user says of them.
        answers: Returns what the format can tell of labels, given how axes are stored; None if
            it can tell nothing.

    Raises:
        DataError: If there is no array, or its axes are not known.
        ConfigError: If an index must be chosen.
    """
    where = location.name
    spec = {**driver, "kvstore": location.store.spec().to_json(), "recheck_cached_data": "open"}

    def opened(**options: object) -> Any:  # noqa: ANN401
        options = {**spec, **options}
        shared = _context()
        return wait(
            lambda: tensorstore().open(options, open=True, read=True, context=shared), 0, where
        )

    try:
        array = opened(fill_missing_data_reads=False)
    except NotThereError:
        raise DataError(f"There is no array at {where}.") from None
    dtype = array.dtype.numpy_dtype
    shape = list(array.shape)
    known = stated(shape)
    axes = known.axes(shape, request, where)
    facts = known.geometry(axes, request, where).fields()
    view = arranged(array, axes)
    whole = [c or s for c, s in zip(view.chunk_layout.read_chunk.shape, view.shape, strict=True)]
    check_chunks((whole[0], whole[1], whole[2]), dtype.itemsize, where)
    z, y, x = (min(chunk, length) for chunk, length in zip(whole, view.shape, strict=True))
    told = PlainAnswers(where) if answers is None else answers(axes)
    reader = TensorReader(
        where,
        view,
        lambda: arranged(opened(), axes),
        lambda: location.read_json(metadata) is not None,
        told.check,
    )
    return Volume(
        name=where, shape=tuple(view.shape), dtype=dtype, chunks=(z, y, x), reader=reader,
        path=location.source, format=_FORMATS[driver["driver"]],
        labels=told if answers is not None and dtype.kind in "uib" else None, **facts,
    )  # fmt: skip


def arranged(array: Any, axes: Axes) -> Any:  # noqa: ANN401
    """Return an array of tensorstore as a view with axes Z Y X that counts from 0."""
    starts = array.domain.inclusive_min
    dims = tensorstore().d
    for position in sorted(axes.fixed, reverse=True):
        array = array[dims[position][starts[position] + axes.fixed[position]]]
    array = array.transpose(axes.order)
    if axes.spatial[0] is None:
        array = array[tensorstore().newaxis, ...]
    return array[dims[:].translate_to[0]]
