"""DM3 and DM4 files of Gatan's Digital Micrograph."""

import logging
import struct
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError, require
from emqs.volumes.axes import Request, Stated, unit_nm
from emqs.volumes.formats.arrays import StoredArray, damaged, volume_of
from emqs.volumes.volume import Volume, native

#: What rosettasciio raises for bytes that are no such file.
_DAMAGED = (
    ValueError, OSError, KeyError, IndexError, TypeError, AttributeError, struct.error,
    NotImplementedError, MemoryError, OverflowError, RecursionError, UnicodeError,
)  # fmt: skip


def open_dm(path: Path, request: Request) -> Volume:
    """Return a volume of a DM3 or DM4 file; only boxes are read.

    The voxel size is the calibration of its dimensions, the origin theirs too. Without a unit of
    length there is no calibration, and the size is not known. Voxels are as they are stored, not
    as the calibration of intensity would have them.

    Raises:
        DataError: If it is damaged or cut off, or holds no plain numbers.
        ConfigError: If it holds several images and none is chosen (``dataset``, a number from 0).
    """
    where = str(path)
    request.refuse_level(where)
    package = "rsciio.digitalmicrograph"
    reader = require(package, extra="volumes", purpose="read DM3 and DM4 files")
    quiet = logging.getLogger("rsciio")
    before = quiet.level
    try:
        quiet.setLevel(logging.ERROR)  # of metadata that it cannot map
        images = reader.file_reader(str(path), lazy=True)
    except _DAMAGED as fault:
        raise damaged(path, "DM3 or DM4 file", fault, request) from None
    except Exception as fault:  # its own classes of errors
        raise damaged(path, "DM3 or DM4 file", fault, request) from None
    finally:
        quiet.setLevel(before)
    image = _chosen(images, request, where)
    data = image["data"]
    stored, shape = np.dtype(data.dtype), tuple(int(length) for length in data.shape)
    if stored.kind not in "uifb" or len(shape) < 2:
        raise DataError(f"{where} holds {stored} of shape {shape}: no image of plain numbers.")
    if path.stat().st_size < prod(shape) * stored.itemsize:
        raise DataError(
            f"{where} cannot be read as a DM3 or DM4 file; it is cut off: it states "
            f"{' x '.join(map(str, shape))} voxels of {stored} and has {path.stat().st_size} bytes."
            " Copy or export it again."
        )
    stated = _stated(image["axes"], len(shape))
    axes = stated.axes(shape, request, where)
    facts = stated.geometry(axes, request, where).fields()
    volume = volume_of(path, "dm", StoredArray(lambda: Lazy(data), axes, shape), stored, facts)
    try:  # a file that is cut off is noticed now
        Lazy(data)[tuple(length - 1 for length in shape)]
    except _DAMAGED as fault:
        raise damaged(path, "DM3 or DM4 file", fault, request) from None
    return volume


class Lazy:
    """What can be sliced like an array: each part is read from the file when it is asked for."""

    def __init__(self, data: Any) -> None:  # noqa: ANN401 (of dask, which has no types)
        """Keep the array, of which nothing is read yet."""
        self._data = data

    def __getitem__(self, index: tuple[int | slice, ...]) -> np.ndarray:
        """Return a part."""
        part = self._data[index].compute(scheduler="synchronous")
        return np.asarray(part, dtype=native(np.dtype(self._data.dtype)))


def _chosen(images: list[dict[str, Any]], request: Request, where: str) -> dict[str, Any]:
    if not images:
        raise DataError(f"{where} holds no image.")
    number = request.dataset if request.dataset is not None else "0" if len(images) == 1 else ""
    if not number.isdecimal() or int(number) >= len(images):
        raise ConfigError(
            f"{where} holds {len(images)} images. Choose one with {request.prefix}dataset=, a "
            f"number from 0 to {len(images) - 1}."
        )
    return images[int(number)]


def _stated(axes: list[dict[str, Any]], n_axes: int) -> Stated:
    """Return what the calibrations of the dimensions say."""
    names, scale, shift, units = [], [], [], []
    for position, axis in enumerate(sorted(axes, key=lambda a: int(a["index_in_array"]))):
        unit = str(axis["units"]).strip()
        names.append(str(axis["name"] or f"axis{position}").lower())
        stated = unit_nm(unit) is not None or unit not in ("", "[]")
        scale.append(float(axis["scale"]) if stated else None)
        shift.append(float(axis["offset"]) if stated else None)
        units.append(unit if stated else None)
    if len(names) != n_axes or not any(length is not None for length in scale):
        return Stated(names if len(names) == n_axes else None)
    known = any(shift) and all(unit_nm(unit) is not None for unit in units)
    return Stated(names, scale, shift if known else None, units)
