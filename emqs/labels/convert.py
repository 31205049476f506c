"""Copy a label volume into another format, box by box, so that its size does not matter.

Everything is written into a hidden folder beside the target and renamed at the end, so that there
is never half a volume under the final name. A journal in that folder says which boxes are done: the
same conversion, run again after it was interrupted, goes on there.
"""

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from math import lcm
from pathlib import Path
from typing import IO, Any

import numpy as np

from emqs.errors import ConfigError, DataError, EmqsError, one_line
from emqs.files import claimed, clear_leftovers, json_object
from emqs.geometry import Box, Shape, box_size, count_boxes
from emqs.labels.second import Second, other_look, same_lengths, shown
from emqs.volumes.axes import Request
from emqs.volumes.creating import create_volume
from emqs.volumes.opening import open_request
from emqs.volumes.stored import check_claim
from emqs.volumes.volume import Volume
from emqs.volumes.writer import Layout

_JOURNAL = "journal.jsonl"
_OUT_OF_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
Step = Callable[[str, int, int], None]  # stage, boxes done, boxes in all


@dataclass(frozen=True)
class Conversion:
    """How a volume is converted.

    Attributes:
        format: A key of ``emqs.volumes.creating.WRITE``.
        dtype: Of the target; None takes the source's.
        options: For the format, e.g. ``chunks``.
        memory_bytes: Largest box of labels that is held, in bytes.
        verify: Read everything back and compare it with the source.
        restart: Begin anew even if an interrupted conversion can be resumed.
    """

    format: str
    dtype: np.dtype[Any] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    memory_bytes: int = 2**29
    verify: bool = True
    restart: bool = False


@dataclass(frozen=True)
class Converted:
    """What a conversion did.

    Attributes:
        target: File or folder.
        format: Its format.
        n_boxes: Boxes that were copied now.
        n_resumed: Boxes that an earlier run had copied.
        n_bytes: Of all files of the target.
        verified: Whether all of it was compared with the source.
        compared: What opened the source and the target for that; empty if nothing did.
        notes: What a user should be told of the target, a sentence each.
    """

    target: Path
    format: str
    n_boxes: int
    n_resumed: int
    n_bytes: int
    verified: bool
    compared: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def convert(
    source: Volume,
    target: Path,
    how: Conversion,
    *,
    again: Second | None = None,
    step: Step = lambda _stage, _done, _total: None,
) -> Converted:
    """Copy a volume; the source is only read.

    Args:
        source: The labels.
        target: What to make; must not exist.
        how: Format, dtype and what else is wanted of the target.
        again: The source, opened a second time in another way, which is what the target is compared
            with; None compares it with ``source``.
        step: Called after each box.

    Raises:
        DataError: If the target exists, the disk is full, a label does not fit the dtype, or the
            target does not hold what the source does. What was done so far is kept, but not under
            the final name.
        ConfigError: If an interrupted conversion with other settings is in the way.
    """
    check_target(target, source.path)
    check_claim(source)
    layout = Layout(
        source.shape, how.dtype or source.dtype, source.voxel_size_nm, source.origin_nm, how.options
    )
    with (
        _disk_errors(target),
        _Partial(target, _plan(source, layout, how.format), how.restart) as part,
    ):
        try:
            writer = create_volume(part.path, layout, how.format)
        except EmqsError as error:
            raise type(error)(str(error).replace(str(part.path), str(target))) from None
        if not writer.resumable and part.n_done:
            raise AssertionError("a file that cannot be resumed has a journal")
        size = _box_size(source, writer.unit, layout.dtype.itemsize, how.memory_bytes)
        part.check_boxes(size)
        total, before = count_boxes(source.shape, size), part.n_done
        for number, box in enumerate(source.blocks(size)):
            if number not in part.done:
                labels = _cast(source.read(box), layout.dtype, box, source.name)
                writer.write(box, labels)
                if writer.resumable:
                    part.mark(number)
            step("copying", number + 1, total)
        writer.finish()
        again = Second("emqs", source) if again is None else again
        request = Request(format=how.format, dataset=layout.options.get("dataset"), labels=True)
        with open_request(part.path, request) as written:
            lost = _check_facts(written, layout)
            library = _verify(again.volume, written, request, size, step) if how.verify else ""
        n_bytes = size_on_disk(part.path)
        part.publish()
    return Converted(
        target, how.format, total - before, before, n_bytes, how.verify,
        (again.library, library) if how.verify else (), (*writer.notes, *lost),
    )  # fmt: skip


def check_target(target: Path, source: Path | None) -> None:
    """Raise unless a target can be made.

    Raises:
        DataError: If it exists, its folder does not, or it lies inside the source.
    """
    if target.exists() or target.is_symlink():
        raise DataError(
            f"{target} exists already, and is never overwritten. Choose another target, or delete "
            "it."
        )
    if not target.parent.is_dir():
        raise DataError(
            f"The folder {target.parent} does not exist. Make it, or check target=PATH."
        )
    if source is not None and source.is_dir() and target.resolve().is_relative_to(source.resolve()):
        raise DataError(f"{target} lies inside of the source {source}, which must not be changed.")


def _plan(source: Volume, layout: Layout, format_name: str) -> dict[str, Any]:
    """Return what must be the same for a conversion to be resumed."""
    identity = None
    if source.path is not None:
        described = source.path / "info" if (source.path / "info").is_file() else source.path
        status = described.stat()
        identity = [status.st_size, status.st_mtime_ns, source.path.stat().st_mode]
    return {
        "source": source.name if source.path is None else str(source.path.resolve()),
        "identity": identity,
        "what": [source.name, source.format, str(source.dtype), source.axes, source.level],
        "select": dict(source.select),
        "shape": list(layout.shape),
        "dtype": str(layout.dtype),
        "voxel_size_nm": list(layout.voxel_size_nm) if layout.voxel_size_nm else None,
        "origin_nm": list(layout.origin_nm),
        "format": format_name,
        "options": json.loads(json.dumps(layout.options, default=str)),
    }


def _box_size(source: Volume, unit: Shape, itemsize: int, memory_bytes: int) -> Shape:
    """Return boxes in whole units of the target, and of the source where memory allows."""
    wide = max(itemsize, source.dtype.itemsize)
    both = tuple(
        -1 if want == -1 else min(lcm(want, have), -(-side // want) * want)
        for want, have, side in zip(unit, source.chunks, source.shape, strict=True)
    )
    cost = wide
    for step, side in zip(both, source.shape, strict=True):
        cost *= side if step == -1 else min(step, side)
    chosen = both if cost <= memory_bytes else unit
    return box_size(source.shape, chosen, wide, memory_bytes)  # type: ignore[arg-type]


def _cast(labels: np.ndarray, dtype: np.dtype[Any], box: Box, name: str) -> np.ndarray:
    """Return labels in another dtype.

    Raises:
        DataError: If one does not fit.
    """
    if labels.dtype == dtype:
        return labels
    low, high = int(labels.min()), int(labels.max())
    least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if low < least or high > most:
        raise DataError(
            f"{name}: label {low if low < least else high} at {box} does not fit {dtype} "
            f"({least} to {most}). Choose another output.dtype or format."
        )
    return labels.astype(dtype)


def _check_facts(written: Volume, layout: Layout) -> list[str]:
    """Return what a format did not keep of shape, voxel size and origin.

    Raises:
        DataError: If it states another one.
    """
    lost = []
    size, edges = layout.voxel_size_nm, written.voxel_size_nm
    right = written.shape == layout.shape and (edges is None or same_lengths(edges, size))
    if size is not None and edges is None:
        lost.append(f"{written.format} keeps no voxel size ({shown(size)} nm, Z Y X)")
    if written.origin_stated:
        right = right and same_lengths(written.origin_nm, layout.origin_nm)
    elif any(layout.origin_nm):
        lost.append(f"{written.format} keeps no origin ({shown(layout.origin_nm)} nm, Z Y X)")
    if not right:
        raise DataError(
            f"{written.name} came out with the shape {written.shape}, voxels of {edges} nm and the "
            f"origin {written.origin_nm} nm, not {layout.shape}, {size} and {layout.origin_nm}. It "
            "is kept for inspection; please report it."
        )
    return [f"{what}: write it down, or convert to Zarr." for what in lost]


def _verify(source: Volume, written: Volume, request: Request, size: Shape, step: Step) -> str:
    """Compare a written volume with its source, box by box.

    Returns:
        What opened the written volume.

    Raises:
        DataError: At the first difference.
    """
    total = count_boxes(source.shape, size)
    look = other_look(written, request)
    with Second("emqs", written) if look is None else look as opened:
        for number, box in enumerate(source.blocks(size)):
            if not np.array_equal(opened.volume.read(box), source.read(box)):
                raise DataError(
                    f"{written.name} does not hold the labels of {source.name} at {box}: the "
                    "source changed meanwhile, or the disk is faulty. Run the command again with "
                    "output.restart=true."
                )
            step("comparing", number + 1, total)
        return opened.library


def size_on_disk(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


class _Partial:
    """The hidden folder of a conversion that is under way, and its journal.

    Attributes:
        path: Where the volume is written; it has the target's name.
        done: Numbers of the boxes that are written.
    """

    def __init__(self, target: Path, plan: dict[str, Any], restart: bool) -> None:
        self._target, self._restart = target, restart
        self._folder = target.with_name(f".{target.name}.partial")
        self._plan = plan
        self._digest = sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()
        self.path = self._folder / target.name
        self.done: set[int] = set()
        self._journal: IO[str] | None = None
        self._claim = ExitStack()
        self._size: list[int] | None = None

    @property
    def n_done(self) -> int:
        """How many boxes an earlier run had written."""
        return len(self.done)

    def __enter__(self) -> "_Partial":
        with ExitStack() as begun:
            begun.enter_context(claimed(self._folder, self._target))
            self._journal = begun.enter_context(
                (self._folder / _JOURNAL).open("a+", encoding="utf-8")
            )
            self._resume()
            self._claim = begun.pop_all()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._claim.close()
        if kind is None or (not self.done and self._folder.is_dir()):
            shutil.rmtree(self._folder, ignore_errors=True)

    def _resume(self) -> None:
        """Read the journal, or begin a new one."""
        assert self._journal is not None  # noqa: S101 (for the type checker)
        self._journal.seek(0)
        lines: list[dict[str, Any]] = []
        for line in self._journal.read().splitlines():
            try:
                lines.append(json_object(line, _JOURNAL, "a line of it"))
            except DataError:
                break  # the last line was cut off
        done = {entry["box"] for entry in lines[1:] if "box" in entry}
        if done and not self._restart:
            if lines[0].get("digest") != self._digest:
                raise ConfigError(
                    f"{self._folder} holds an interrupted conversion of {lines[0].get('source')} "
                    "with other settings, or of a source that has changed. Repeat it as it was, or "
                    "begin anew with output.restart=true."
                )
            self._size = next((entry["size"] for entry in lines[1:] if "size" in entry), None)
            self.done = done
            self._rewrite(lines)
            return
        if self.path.is_dir():
            shutil.rmtree(self.path)
        self.path.unlink(missing_ok=True)
        self._rewrite([{"digest": self._digest, "source": self._plan["source"]}])

    def _rewrite(self, entries: list[dict[str, Any]]) -> None:
        """Write the journal without a line that was cut off; the lock stays."""
        assert self._journal is not None  # noqa: S101 (for the type checker)
        self._journal.seek(0)
        self._journal.truncate()
        for entry in entries:
            self._write(entry)

    def _write(self, entry: dict[str, Any]) -> None:
        assert self._journal is not None  # noqa: S101 (for the type checker)
        self._journal.write(json.dumps(entry) + "\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())

    def check_boxes(self, size: Shape) -> None:
        """Remember the size of the boxes; those of an earlier run must be the same.

        Raises:
            ConfigError: If they are not.
        """
        if self._size is None:
            self._size = list(size)
            self._write({"size": list(size)})
        elif self._size != list(size):
            raise ConfigError(
                f"{self._folder} was begun with another output.memory_mb. Give it as it was, or "
                "begin anew with output.restart=true."
            )

    def mark(self, number: int) -> None:
        """Note that a box is written."""
        self.done.add(number)
        self._write({"box": number})

    def publish(self) -> None:
        """Give the volume its final name."""
        for left in self.path.rglob("*.partial") if self.path.is_dir() else ():
            left.unlink()  # what a killed process left between writing and renaming
        for folder in (f for f in self.path.rglob("*") if f.is_dir()):
            clear_leftovers(folder)
        if self._target.exists():
            raise DataError(
                f"{self._target} was made meanwhile by someone else, and is left as it is. The "
                f"new volume is complete: {self.path}."
            )
        self.path.rename(self._target)


@contextmanager
def _disk_errors(target: Path) -> Iterator[None]:
    """Turn a full or forbidden disk into one line."""
    try:
        yield
    except EmqsError:
        raise
    except OSError as error:
        raise DataError(_disk_error(target, error)) from None
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, OSError) and cause.errno in _OUT_OF_ROOM:
                raise DataError(_disk_error(target, cause)) from None
            cause = cause.__cause__ or cause.__context__
        raise


def _disk_error(target: Path, error: OSError) -> str:
    """Return why a target cannot be written."""
    hint = (
        "Free space and run the same command again"
        if error.errno in _OUT_OF_ROOM
        else "Choose another target"
    )
    why = os.strerror(error.errno) if error.errno else one_line(error)
    return f"{target} cannot be written: {why}. {hint}."
