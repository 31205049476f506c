"""NumPy files, and what formats of one array share: it is got anew for each box that is read."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from emqs.errors import ConfigError, DataError, one_line
from emqs.files import DAMAGED_ZIP, allocate
from emqs.geometry import Box
from emqs.volumes.axes import Axes, Request, Stated
from emqs.volumes.formats import compressed
from emqs.volumes.volume import Volume, bounded_chunks, native
from emqs.volumes.writer import Layout, VolumeWriter

_SHOWN = 8  # names listed in an error message


@dataclass(frozen=True, eq=False)
class StoredArray:
    """An array in a file, sliced box by box.

    Attributes:
        get: Returns the array, or what can be sliced like it. A file is mapped anew each time, so
            that the memory of the last part is given back.
        axes: How its axes become Z Y X.
        shape: Lengths of its axes, as stored.
        mirrored: Positions of axes that run against their direction, and are turned round.
        dtype: Of the voxels that are returned, where it is another than that of the array.
    """

    get: Callable[[], Any]
    axes: Axes
    shape: tuple[int, ...]
    mirrored: tuple[int, ...] = ()
    dtype: np.dtype[np.generic] | None = None

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box; see ``Reader.read``."""
        index = list(self.axes.index(box))
        turned: list[slice] = []
        for position, part in enumerate(index):
            if not isinstance(part, slice):
                continue
            turned.append(slice(None, None, -1) if position in self.mirrored else slice(None))
            if position in self.mirrored:
                length = self.shape[position]
                index[position] = slice(length - part.stop, length - part.start)
        voxels = np.asarray(self.get()[tuple(index)])[tuple(turned)]
        voxels = voxels.transpose(self.axes.order).reshape(box.shape)
        return np.array(voxels, dtype=self.dtype)


def shortest(value: float) -> float:
    """Return the shortest decimal number that 32 bits store as a value; others stay.

    A length of 0.004 that is stored in 32 bits comes back as 0.004, not 0.00400000019.
    """
    single = np.float32(value)
    return float(str(single)) if float(single) == float(value) else float(value)


def volume_of(
    path: Path,
    format: str,
    reader: StoredArray,
    dtype: np.dtype[np.generic],
    facts: dict[str, Any],
) -> Volume:
    """Return a volume over a stored array.

    Args:
        path: The file.
        format: Its name.
        reader: Of the array.
        dtype: Of the voxels, as stored.
        facts: Axes, voxel size, origin and notes, fields of ``Volume``.
    """
    shape = reader.axes.triple(reader.shape, 1)
    return Volume(
        name=str(path), shape=shape, dtype=native(reader.dtype or dtype), reader=reader, path=path,
        chunks=bounded_chunks(shape, dtype.itemsize), format=format, **facts,
    )  # fmt: skip


def open_npy(path: Path, request: Request) -> Volume:
    """Return a volume of a .npy file; it is mapped, not read, unless it is compressed.

    A .npy file says neither which axis is which nor how large voxels are.

    Raises:
        DataError: If it is damaged, or holds Python objects, which are never loaded.
    """
    request.refuse_level(str(path))
    request.refuse_dataset(str(path))
    packed = compressed.split_ending(path)[1]
    try:
        if packed:
            content = io.BytesIO(compressed.unpacked(path))
            _check_size(content, len(content.getbuffer()))
            content.seek(0)
            array: Any = np.load(content, allow_pickle=False)
        else:
            with path.open("rb") as file:
                _check_size(file, path.stat().st_size)
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as fault:
        raise damaged(path, "NumPy file", fault, request) from None
    if packed:
        return _of_array(path, "npy", array, request)
    return _of_array(path, "npy", array, request, lambda: np.load(path, mmap_mode="r"))


def open_npz(path: Path, request: Request) -> Volume:
    """Return a volume of one array of a .npz file, which is read as a whole.

    Raises:
        DataError: If it is damaged, or larger than what is unpacked into memory.
        ConfigError: If it holds several arrays and none is chosen.
    """
    request.refuse_level(str(path))
    try:
        # NumPy leaves a file open that it opened itself and that is damaged
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            names = [name.removesuffix(".npy") for name in archive.files]
            name = chosen(request, names, path)
            with zipfile.ZipFile(path) as members, members.open(f"{name}.npy") as member:
                _check_size(member, members.getinfo(f"{name}.npy").file_size)
            array = archive[name]
    except DAMAGED_ZIP as fault:
        raise damaged(path, "NumPy archive", fault, request) from None
    return _of_array(path, "npz", array, request)


def _check_size(file: IO[bytes], n_bytes: int) -> None:
    """Raise an error unless an array of NumPy is as long as its header says.

    Raises:
        ValueError: If it is not, or takes more memory than is unpacked.
    """
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in read:
        raise ValueError(f"its version {version} is not known")
    shape, _, dtype = read[version](file)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if prod(shape) * dtype.itemsize > n_bytes:
        raise ValueError(
            f"it promises {' x '.join(map(str, shape))} numbers of {dtype}, which takes more "
            f"memory than there is in its {n_bytes} bytes"
        )


def _of_array(
    path: Path,
    format: str,
    array: np.ndarray,
    request: Request,
    get: Callable[[], Any] | None = None,
) -> Volume:
    axes = Stated().axes(array.shape, request, str(path))
    facts = Stated().geometry(axes, request, str(path)).fields()
    reader = StoredArray(get or (lambda: array), axes, array.shape)
    return volume_of(path, format, reader, array.dtype, facts)


def chosen(request: Request, names: list[str], path: Path) -> str:
    """Return the array that was asked for, or the only one.

    Raises:
        ConfigError: If it does not exist, or there are several.
        DataError: If there is none.
    """
    listed = ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
    if request.dataset is not None:
        name = request.dataset.strip("/")
        if name not in names:
            raise ConfigError(
                f"{path} has no array '{request.dataset}'. It holds: {listed or 'none'}. Choose "
                f"one with {request.prefix}dataset=NAME."
            )
        return name
    if not names:
        raise DataError(f"{path} holds no array that could be a volume.")
    if len(names) > 1:
        raise ConfigError(
            f"{path} holds several arrays: {listed}. Choose one with {request.prefix}dataset=NAME."
        )
    return names[0]


def damaged(path: Path, what: str, fault: BaseException, request: Request) -> DataError:
    """Return the error of a file that a library cannot read."""
    why = one_line(fault)
    if "pickle" in why or "Python objects" in why or "magic string" in why:
        why = "it is none, or holds Python objects, which are never loaded"
    return DataError(
        f"{path} cannot be read as a {what}: {why}. Copy or export it again, or say "
        f"what it is with {request.prefix}format=NAME."
    )


class NpyWriter(VolumeWriter):
    """One .npy file, Z Y X, mapped into memory; it says nothing of voxel size and origin."""

    format = "npy"
    unit = (1, -1, -1)

    def __init__(self, path: Path, layout: Layout) -> None:
        """Make the file at its full size, or open it again."""
        super().__init__(path, layout)
        if not path.exists():
            np.lib.format.open_memmap(path, mode="w+", dtype=layout.dtype, shape=layout.shape)
        allocate(path, path.stat().st_size)
        if layout.voxel_size_nm is not None or any(layout.origin_nm):
            self.notes.append("A .npy file cannot say its voxel size and origin.")

    def write(self, box: Box, voxels: np.ndarray) -> None:
        """Write a box; the file is mapped anew, so that the memory of the last is given back."""
        array = np.lib.format.open_memmap(self.path, mode="r+")
        array[box.slices] = voxels
        array.flush()
