"""Readers in a process of their own: a damaged file that crashes a library is an error like others.

Crackle, compresso and compressed_segmentation are read by C++ libraries that trust what they read;
their streams in files have no checksum that a read compares.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from emqs.codecs.isolated import Answer, Child, EndedError, as_answer, as_array
from emqs.errors import CodecError, DataError
from emqs.volumes.label_volume import Box, Reader, touched
from emqs.volumes.zarr_labels import LabelVolume

#: Formats whose chunks are decoded by such libraries.
FORMATS = ("compresso", "crackle", "precomputed", "zarr")


class ContainedReader(Reader):
    """A volume that another process reads.

    Attributes:
        is_image: Whether it is a whole label image.
    """

    def __init__(self, path: Path, **how: str | None) -> None:
        """Open it.

        Args:
            path: File or folder.
            **how: As for ``emqs.volumes.label_opening.open_volume``.

        Raises:
            DataError: As that does, or if opening it ends the process.
            ConfigError: As that does.
        """
        self._child = Child("emqs.volumes.isolated:reader", path=str(path), how=how)
        try:
            head, _ = self._child.ask({"what": "head"})
        except EndedError as end:
            raise _crashed(str(path), end) from CodecError(_ended(end))
        self.format = head["format"]
        self.checksum = head["checksum"]
        self.is_image: bool = head["is_image"]
        self._described: str = head["described"]
        size = head["voxel_size_nm"]
        super().__init__(
            path, head["shape"], np.dtype(head["dtype"]), head["block"],
            None if size is None else (size[0], size[1], size[2]),
        )  # fmt: skip
        self.notes = head["notes"]

    def describe(self) -> str:
        """Return what is read."""
        return self._described

    def _read(self, box: Box) -> np.ndarray:
        try:
            return self._array("read", box)
        except EndedError:
            pass
        for block in touched(box, self.block, self.shape):  # which one is it
            try:
                self._array("read", block)
            except EndedError as end:
                raise _crashed(self.place(block), end) from CodecError(_ended(end))
        return self._array("read", box)

    def block_labels(self, box: Box) -> np.ndarray | None:
        """Return the labels in a block without decoding it."""
        return self._asked("block_labels", box)

    def block_counts(self, box: Box) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the labels in a block and the voxels of each, without decoding it."""
        both = self._asked("block_counts", box)
        if both is None:
            return None
        labels, counts = both
        return labels.astype(self.dtype), counts  # a sign comes back where the width ends

    def place(self, box: Box) -> str:
        """Return where a block is stored."""
        return str(self._child.ask({"what": "place", "box": _pairs(box)})[0]["place"])

    def missing(self, box: Box) -> bool:
        """Return whether a block is known to have been written, and is gone."""
        return bool(self._child.ask({"what": "missing", "box": _pairs(box)})[0]["missing"])

    def faults(self, step: Callable[[int, int], None]) -> Iterator[tuple[str, str]] | None:
        """Check every chunk of every level of an image; see ``Reader.faults``."""
        return self._faults(step) if self.is_image else None

    def _faults(self, step: Callable[[int, int], None]) -> Iterator[tuple[str, str]]:
        total = int(self._child.ask({"what": "n_chunks"})[0]["n"])
        for number in range(total):
            request = {"what": "fault", "number": number}
            try:
                answer, _ = self._child.ask(request)
                if answer["reason"] is not None:
                    yield answer["file"], answer["reason"]
            except EndedError as end:
                answer, _ = self._child.ask({"what": "file", "number": number})
                yield answer["file"], _ended(end)
            step(number + 1, total)

    def close(self) -> None:
        """End the process."""
        self._child.close()

    def _asked(self, what: str, box: Box) -> np.ndarray | None:
        try:
            return as_array(*self._child.ask({"what": what, "box": _pairs(box)}))
        except EndedError as end:
            raise _crashed(self.place(box), end) from CodecError(_ended(end))

    def _array(self, what: str, box: Box) -> np.ndarray:
        found = as_array(*self._child.ask({"what": what, "box": _pairs(box)}))
        assert found is not None  # noqa: S101 (for the type checker)
        return found


def _pairs(box: Box) -> list[list[int]]:
    return [[part.start, part.stop] for part in box]


def _ended(end: EndedError) -> str:
    return (
        f"reading it ended the process that did so ({end}): it is damaged, or was made to do that"
    )


def _crashed(place: str, end: EndedError) -> DataError:
    return DataError(f"{place}: {_ended(end)}. Take it from where it came from again.")


def reader(path: str, how: dict[str, Any]) -> Callable[[dict[str, Any], bytearray], Answer]:
    """Return what answers requests to read a volume; for ``Child``."""
    from emqs.volumes.label_opening import open_volume

    return _Served(open_volume(Path(path), **how)).answer


class _Served:
    """A reader, and the answers to requests for it."""

    def __init__(self, opened: Reader) -> None:
        self._reader = opened
        self._image: LabelVolume | None = getattr(opened, "image", None)

    def answer(self, request: dict[str, Any], _: bytearray) -> Answer:
        """Return the answer to one request."""
        what = request["what"]
        if "box" in request:
            z, y, x = (slice(*pair) for pair in request["box"])
            return self._of_box(what, (z, y, x))
        if self._image is not None and what != "head":
            if what == "n_chunks":
                return {"n": self._image.n_chunks}, b""
            level, key = self._image.chunk_at(request["number"])
            reason = self._image.fault(level, key) if what == "fault" else None
            return {"file": str(self._image.file(level, key)), "reason": reason}, b""
        opened = self._reader
        return {
            "format": opened.format, "checksum": opened.checksum, "described": opened.describe(),
            "shape": opened.shape, "dtype": opened.dtype.str, "block": opened.block,
            "voxel_size_nm": opened.voxel_size_nm, "notes": opened.notes,
            "is_image": self._image is not None,
        }, b""  # fmt: skip

    def _of_box(self, what: str, box: Box) -> Answer:
        opened = self._reader
        if what == "place":
            return {"place": opened.place(box)}, b""
        if what == "missing":
            return {"missing": opened.missing(box)}, b""
        if what == "read":
            return as_answer(opened.read(box))
        if what == "block_labels":
            return as_answer(opened.block_labels(box))
        counted = opened.block_counts(box)
        if counted is None:
            return as_answer(None)
        return as_answer(np.stack([counted[0].astype(np.uint64), counted[1]]))
