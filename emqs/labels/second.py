"""A second look at a volume, in another way than the one in which it was read.

"Equal to the source" is only worth something if the reader that may have been wrong is not asked
again. So the source and what was written are opened a second time by the library of the format
itself, and what the file states is read by the few lines of ``second_readers``, which share nothing
with the readers of ``emqs.volumes``. Where no other library reads a format, or it may crash on a
damaged stream, the volume is opened anew by emqs, which is said.
"""

from dataclasses import dataclass, replace
from math import isclose
from pathlib import Path
from typing import Self

import numpy as np

from emqs.errors import DataError, EmqsError
from emqs.geometry import Box, Lengths, Shape
from emqs.labels import second_readers
from emqs.labels.second_readers import Look
from emqs.volumes.axes import Request, fitted
from emqs.volumes.isolated import open_labels_isolated
from emqs.volumes.volume import Volume

ANEW = "emqs anew"


@dataclass(frozen=True, eq=False)
class Second:
    """A volume as a second opening gives it.

    Attributes:
        library: What opened it, e.g. ``"h5py"``; ``ANEW`` if that was emqs.
        volume: Its shape, sizes and voxels.
        states_size: Whether it says anything of the voxel size.
        states_origin: Whether it says anything of the origin.
    """

    library: str
    volume: Volume
    states_size: bool = True
    states_origin: bool = True

    def __enter__(self) -> Self:
        """Use it in a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.volume.close()


def second(first: Volume, request: Request) -> Second:
    """Return a volume opened a second time.

    Args:
        first: As it was opened the first time, all of it.
        request: How. What the user says in it counts here as well.

    Raises:
        DataError: If it cannot be opened, or states other axes, another voxel size or origin than
            the first opening gave.
    """
    result = other_look(first, request)
    if result is not None:
        return result
    where = first.name if first.path is None or "://" in first.name else first.path
    result = Second(ANEW, open_labels_isolated(where, request))
    compare_facts(first, result)
    return result


def other_look(first: Volume, request: Request) -> Second | None:
    """Return a volume opened by another library; None if there is none that can.

    Raises:
        DataError: As ``second``.
    """
    look = _look(first)
    if look is None:
        return None
    result = _as_volume(look, first, request)
    compare_facts(first, result)
    return result


def compare_facts(first: Volume, other: Second) -> None:
    """Raise an error if two openings differ in shape, voxel size or origin.

    Raises:
        DataError: Naming both.
    """
    pairs: list[tuple[str, object, object]] = []
    if first.shape != other.volume.shape:
        pairs.append(("shape (Z, Y, X)", first.shape, other.volume.shape))
    size = other.volume.voxel_size_nm
    if other.states_size and not same_lengths(first.voxel_size_nm, size):
        pairs.append(("voxel size (Z, Y, X) in nm", first.voxel_size_nm, size))
    if other.states_origin and not same_lengths(first.origin_nm, other.volume.origin_nm):
        pairs.append(("origin (Z, Y, X) in nm", first.origin_nm, other.volume.origin_nm))
    if pairs:
        what = "; ".join(f"the {name} is {mine} or {its}" for name, mine, its in pairs)
        raise DataError(
            f"{first.name} was opened twice, by emqs and by {other.library}, and they differ: "
            f"{what}. Say which is right with input.axes, input.voxel_size_nm or input.origin_nm, "
            "and please report it."
        )


def shown(lengths: Lengths) -> str:
    """Return lengths as a message shows them, e.g. ``40 x 8 x 8``."""
    return " x ".join(f"{length:g}" for length in lengths)


def same_lengths(mine: Lengths | None, its: Lengths | None) -> bool:
    """Return whether two sizes or origins are the same but for rounding, or both unknown."""
    if mine is None or its is None:
        return mine is its
    return all(isclose(a, b, rel_tol=1e-5, abs_tol=1e-4) for a, b in zip(mine, its, strict=True))


def _look(first: Volume) -> Look | None:
    """Return what the library of a format makes of a volume; None if there is none to ask."""
    reader = second_readers.READERS.get(first.format)
    if reader is None or first.path is None or not Path(first.path).exists():
        return None
    try:
        return reader(first)
    except EmqsError:
        raise
    except Exception:  # what this library cannot open is looked at anew by emqs
        return None


def _as_volume(look: Look, first: Volume, request: Request) -> Second:
    """Return what a library stated, with what the user says instead, as a volume."""
    shape = tuple(int(n) for n in look.array.shape)
    names = tuple(look.names) if request.axes is None else fitted(request.axes, shape)
    names = tuple(name.lower() for name in names)
    if len(names) != len(shape):
        raise DataError(
            f"{first.name}: {look.library} gives an array of shape {shape}, whose axes are said to "
            f"be {','.join(names)}. Give {request.prefix}axes, one name per axis."
        )
    length = dict(zip(names, shape, strict=True))
    size = _triple(look.size_nm)
    origin = _triple(look.origin_nm)
    if request.voxel_size_nm is not None:
        size = request.voxel_size_nm
        origin = None  # it moves with the size; the first opening says how
    if request.origin_nm is not None:
        origin = request.origin_nm
    whole: Shape = (length.get("z", 1), length["y"], length["x"])
    volume = replace(
        first,
        shape=whole,
        voxel_size_nm=size,
        origin_nm=(0.0, 0.0, 0.0) if origin is None else origin,
        chunks=_clipped(first.chunks, whole),
        reader=LookReader(look, names, dict(first.select)),
        labels=None,
    )
    return Second(look.library, volume, size is not None, origin is not None)


def _clipped(chunks: Shape, shape: Shape) -> Shape:
    z, y, x = (min(c, n) for c, n in zip(chunks, shape, strict=True))
    return z, y, x


def _triple(by_axis: dict[str, float] | None) -> Lengths | None:
    if by_axis is None or not {"z", "y", "x"} <= set(by_axis):
        return None
    return by_axis["z"], by_axis["y"], by_axis["x"]


@dataclass(frozen=True, eq=False)
class LookReader:
    """Reads boxes of an array with named axes, by name."""

    look: Look
    names: tuple[str, ...]
    select: dict[str, int]

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box; see ``Reader.read``."""
        parts = dict(zip("zyx", box.slices, strict=True))
        chosen = {name.lower(): index for name, index in self.select.items()}
        index = tuple(
            parts[name] if name in parts else slice(chosen.get(name, 0), chosen.get(name, 0) + 1)
            for name in self.names
        )
        voxels = np.asarray(self.look.get(index))
        front = [self.names.index(name) for name in "zyx" if name in self.names]
        voxels = np.moveaxis(voxels, front, range(len(front)))
        return voxels.reshape(box.shape)

    def close(self) -> None:
        """Close the file."""
        if self.look.close is not None:
            self.look.close()
