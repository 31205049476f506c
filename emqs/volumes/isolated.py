"""Volumes read in a process of their own: a damaged file that crashes a library is an error.

Crackle, compresso and compressed_segmentation are read by C++ libraries that trust what they read;
their streams in files have no checksum that a read compares.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from emqs.codecs.isolated import Answer, Child, EndedError, as_answer, as_array
from emqs.errors import CodecError, DataError
from emqs.geometry import Box, touched
from emqs.volumes.axes import Request
from emqs.volumes.label_answers import ChunkChecks, answers_of
from emqs.volumes.opening import format_of_source, open_request
from emqs.volumes.volume import Volume

#: Formats whose chunks are decoded by such libraries.
FORMATS = ("compresso", "crackle", "precomputed", "zarr")


def open_labels_isolated(path: str | Path, request: Request) -> Volume:
    """Return a volume as ``open_request`` does, read in another process where a library may crash.

    Args:
        path: File or folder, or a URL, which is opened in this process.
        request: How it is opened.

    Raises:
        DataError: As ``open_request``, or if opening ends the other process.
        ConfigError: As ``open_request``.
    """
    on_disk = Path(path).expanduser()
    local = "://" not in str(path) and on_disk.exists()
    if local and (request.format or format_of_source(on_disk)) in FORMATS:
        return _isolated(on_disk, request)
    return open_request(path, request)


def _isolated(path: Path, request: Request) -> Volume:
    """Return a volume that another process reads."""
    child = Child("emqs.volumes.isolated:reader", path=str(path), request=asdict(request))
    try:
        head, _ = child.ask({"what": "head"})
    except EndedError as end:
        raise _crashed(str(path), end) from CodecError(_ended(end))
    reader = IsolatedReader(child, head)
    fields = dict(head["fields"])
    for key in ("shape", "chunks", "origin_nm", "axes", "notes"):
        fields[key] = tuple(fields[key])
    if fields["voxel_size_nm"] is not None:
        fields["voxel_size_nm"] = tuple(fields["voxel_size_nm"])
    stored = None if fields.pop("path") is None else path
    dtype = np.dtype(fields.pop("dtype"))
    return Volume(**fields, dtype=dtype, path=stored, reader=reader, labels=reader)


@dataclass(eq=False)
class IsolatedReader:
    """Voxels that another process reads, and what it can tell of its labels."""

    child: Child = field(repr=False)
    head: dict[str, Any]

    @property
    def checksum(self) -> str:
        """See ``LabelAnswers``."""
        return str(self.head["checksum"])

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box; see ``Reader.read``."""
        try:
            return self._array("read", box)
        except EndedError:
            pass
        shape, chunks = self.head["fields"]["shape"], self.head["fields"]["chunks"]
        for block in touched(box, chunks, shape):  # which one is it
            try:
                self._array("read", block)
            except EndedError as end:
                raise _crashed(self.place(block), end) from CodecError(_ended(end))
        return self._array("read", box)

    def block_labels(self, box: Box) -> np.ndarray | None:
        """Return the labels in a chunk without decoding it; see ``LabelAnswers``."""
        return self._asked("block_labels", box)

    def block_counts(self, box: Box) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the labels in a chunk and the voxels of each; see ``LabelAnswers``."""
        both = self._asked("block_counts", box)
        if both is None:
            return None
        labels, counts = both
        # a sign comes back where the width ends
        return labels.astype(np.dtype(self.head["fields"]["dtype"])), counts

    def place(self, box: Box) -> str:
        """Return where a chunk is stored; see ``LabelAnswers``."""
        return str(self.child.ask(_of("place", box))[0]["place"])

    def missing(self, box: Box) -> bool:
        """Return whether a chunk is known to have been written, and is gone."""
        return bool(self.child.ask(_of("missing", box))[0]["missing"])

    @property
    def checks(self) -> ChunkChecks | None:
        """See ``LabelAnswers``."""
        n_chunks = self.head["n_chunks"]
        return None if n_chunks is None else IsolatedChecks(self.child, int(n_chunks))

    def close(self) -> None:
        """End the process."""
        self.child.close()

    def _asked(self, what: str, box: Box) -> np.ndarray | None:
        try:
            return as_array(*self.child.ask(_of(what, box)))
        except EndedError as end:
            raise _crashed(self.place(box), end) from CodecError(_ended(end))

    def _array(self, what: str, box: Box) -> np.ndarray:
        voxels = as_array(*self.child.ask(_of(what, box)))
        assert voxels is not None  # noqa: S101 (for the type checker)
        return voxels


@dataclass(frozen=True, eq=False)
class IsolatedChecks:
    """Checks of chunks in the other process; see ``ChunkChecks``."""

    child: Child
    n_chunks: int

    def file(self, number: int) -> str:
        """Return where a chunk is stored."""
        return str(self.child.ask({"what": "file", "number": number})[0]["file"])

    def fault(self, number: int) -> str | None:
        """Return what is wrong with a chunk; also that reading it ends the process."""
        try:
            reason = self.child.ask({"what": "fault", "number": number})[0]["reason"]
        except EndedError as end:
            return _ended(end)
        return None if reason is None else str(reason)


def _of(what: str, box: Box) -> dict[str, Any]:
    return {"what": what, "start": box.start, "stop": box.stop}


def _ended(end: EndedError) -> str:
    return (
        f"reading it ended the process that did so ({end}): it is damaged, or was made to do that"
    )


def _crashed(place: str, end: EndedError) -> DataError:
    return DataError(f"{place}: {_ended(end)}. Take it from where it came from again.")


def reader(path: str, request: dict[str, Any]) -> Any:  # noqa: ANN401 (a function)
    """Return what answers requests to read a volume; for ``Child``."""
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in request.items()}
    return Served(open_request(path, Request(**given))).answer


class Served:
    """A volume, and the answers to requests for it."""

    def __init__(self, volume: Volume) -> None:
        """Keep the volume."""
        self._volume = volume
        self._answers = answers_of(volume)
        self._checks = self._answers.checks

    def answer(self, request: dict[str, Any], _: bytearray) -> Answer:
        """Return the answer to one request."""
        what = request["what"]
        if "start" in request:
            return self.of_box(what, Box(tuple(request["start"]), tuple(request["stop"])))
        if what != "head":
            assert self._checks is not None  # noqa: S101 (nobody asks otherwise)
            if what == "file":
                return {"file": self._checks.file(request["number"])}, b""
            return {"reason": self._checks.fault(request["number"])}, b""
        volume = self._volume
        names = (
            "name", "shape", "voxel_size_nm", "origin_nm", "chunks", "format", "axes",
            "origin_stated", "level", "n_levels", "notes", "why_no_voxel_size",
        )  # fmt: skip
        fields = {name: getattr(volume, name) for name in names}
        fields["dtype"], fields["select"] = volume.dtype.str, dict(volume.select)
        fields["path"] = None if volume.path is None else str(volume.path)
        return {
            "fields": fields,
            "checksum": self._answers.checksum,
            "n_chunks": None if self._checks is None else self._checks.n_chunks,
        }, b""

    def of_box(self, what: str, box: Box) -> Answer:
        """Return the answer to a question about a box."""
        if what == "place":
            return {"place": self._answers.place(box)}, b""
        if what == "missing":
            return {"missing": self._answers.missing(box)}, b""
        if what == "read":
            return as_answer(self._volume.read(box))
        if what == "block_labels":
            return as_answer(self._answers.block_labels(box))
        counted = self._answers.block_counts(box)
        if counted is None:
            return as_answer(None)
        return as_answer(np.stack([counted[0].astype(np.uint64), counted[1]]))
