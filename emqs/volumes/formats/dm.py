"""DM3 and DM4 files of Gatan's Digital Micrograph."""

import struct
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError, require
from emqs.volumes.axes import Request, Stated, unit_nm
from emqs.volumes.formats.arrays import StoredArray, damaged, shortest, volume_of
from emqs.volumes.volume import Volume

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
    image = _chosen(_images(path, request), request, where)
    try:
        stored = np.dtype(image.dtype)
        shape = tuple(int(length) for length in image.shape)
        place = image.imdict["ImageData"]["Data"]
        offset = int(place["offset"])
        order = ">" if place["endian"] == "big" else "<"
    except _DAMAGED as fault:
        raise damaged(path, "DM3 or DM4 file", fault, request) from None
    if stored.kind not in "uifb" or len(shape) < 2 or image.imdict["ImageData"]["DataType"] == 5:
        raise DataError(f"{where} holds {stored} of shape {shape}: no image of plain numbers.")
    stored, end = stored.newbyteorder(order), offset + prod(shape) * stored.itemsize
    if path.stat().st_size < end:
        raise DataError(
            f"{where} cannot be read as a DM3 or DM4 file; it is cut off: it states "
            f"{' x '.join(map(str, shape))} voxels of {stored}, which end at byte {end}, and has "
            f"{path.stat().st_size} bytes. Copy or export it again."
        )
    stated = _stated(image, len(shape))
    axes = stated.axes(shape, request, where)
    facts = stated.geometry(axes, request, where).fields()
    reader = StoredArray(
        lambda: np.memmap(path, stored, "r", offset=offset, shape=shape), axes, shape
    )
    return volume_of(path, "dm", reader, stored, facts)


def _images(path: Path, request: Request) -> list[Any]:
    """Return the images of a file, without thumbnails; of their voxels, nothing is read."""
    package = "rsciio.digitalmicrograph._api"  # its public reader takes memory for what is promised
    library = require(package, extra="volumes", purpose="read DM3 and DM4 files")
    try:
        with path.open("rb") as file:
            reader = library.DigitalMicrographReader(file)
            reader.parse_file()
            images = reader.get_image_dictionaries() or []
            return [library.ImageObject(image, file) for image in images]
    except Exception as fault:  # also its own classes of errors
        raise damaged(path, "DM3 or DM4 file", fault, request) from None


def _chosen(images: list[Any], request: Request, where: str) -> Any:  # noqa: ANN401 (of rosettasciio)
    if not images:
        raise DataError(f"{where} holds no image.")
    number = request.dataset if request.dataset is not None else "0" if len(images) == 1 else ""
    if not number.isdecimal() or int(number) >= len(images):
        raise ConfigError(
            f"{where} holds {len(images)} images. Choose one with {request.prefix}dataset=, a "
            f"number from 0 to {len(images) - 1}."
        )
    return images[int(number)]


def _stated(image: Any, n_axes: int) -> Stated:  # noqa: ANN401 (of rosettasciio)
    """Return what the calibrations of the dimensions say."""
    names, scale, shift, units = [], [], [], []
    for position, axis in enumerate(image.get_axes_dict()):
        unit = str(axis["units"]).strip()
        names.append(str(axis["name"] or f"axis{position}").lower())
        stated = unit not in ("", "[]")
        length = shortest(float(axis["scale"]))
        in_voxels = float(axis["offset"]) / float(axis["scale"]) if length else 0.0
        scale.append(length if stated else None)
        shift.append(shortest(in_voxels) * length + 0.0 if stated else None)
        units.append(unit if stated else None)
    if len(names) != n_axes or not any(length is not None for length in scale):
        return Stated(names if len(names) == n_axes else None)
    known = any(shift) and all(unit_nm(unit) is not None for unit in units)
    return Stated(names, scale, shift if known else None, units)
