"""What the images that emqs writes say of themselves, which Zarr itself does not protect.

With a flipped digit in a voxel size or in a length something else would be read, and nobody would
know. So a group has a checksum of what it says of its image, and one of each array. And it notes
which files of chunks were written: by the format, one that is lost would be read as zeros.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np

from emqs.errors import DataError

SEAL = "emqs_crc32c"  # attribute of a group: CRC-32C of "ome", and of the arrays by their paths
STORED = "emqs_stored_chunks"  # ... and which files of chunks were written, likewise; of labels 0
MOST_NOTED = 2**24  # files of an array; of one that has more it is not noted which
OME = "ome"
OF_ARRAY = {SEAL: "in the group"}  # attributes of an array of Zarr 3, whose group has checksums
# of an array; other programs write the rest anew in other words: codecs, which check what they
# decode, and names of chunks, which are compared with those that are there
_LAYOUT = ("shape", "data_type", "dtype", "chunk_grid", "chunks", "order", "fill_value")


def checksum(content: object) -> int:
    """Return the CRC-32C of something as JSON, keys sorted."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return int(google_crc32c.value(text.encode()))


def seal(folder: Path, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a group with the checksums of them, and of its arrays.

    They say which files of chunks there are, too, unless that is said already.

    Args:
        folder: Of the group; the arrays that ``attributes`` names are there, with all chunks.
        attributes: Of OME-Zarr 0.4 or 0.5, and any others, which no checksum covers.
    """
    described = _described(attributes)
    images = described["multiscales"] if isinstance(described, dict) else described
    sums, stored = {OME: checksum(described)}, {}
    for level in images[0]["datasets"]:
        inner = folder / level["path"]
        file = inner / ("zarr.json" if (inner / "zarr.json").is_file() else ".zarray")
        array = json.loads(file.read_text(encoding="utf-8"))
        sums[level["path"]] = checksum(_layout(array))
        if prod(_grid(array)) <= MOST_NOTED:
            stored[level["path"]] = noted(_are_there(inner, array))
    return {STORED: stored, **attributes, SEAL: sums}


def _grid(array: Mapping[str, Any]) -> list[int]:
    """Return how many files of chunks, or shards, an array of Zarr 2 or 3 has along each axis."""
    lengths = array.get("chunks") or array["chunk_grid"]["configuration"]["chunk_shape"]
    return [-(-side // length) for side, length in zip(array["shape"], lengths, strict=True)]


def noted(stored: np.ndarray) -> str:
    """Return which files of chunks were written, bool in the shape of their grid, as text."""
    return base64.b64encode(zlib.compress(np.packbits(stored).tobytes())).decode()


def _are_there(folder: Path, array: Mapping[str, Any]) -> np.ndarray:
    """Return which files of an array are there: chunks, or shards of several."""
    is_old = "chunks" in array  # Zarr 2
    first, between = ([], array.get("dimension_separator", ".")) if is_old else (["c"], "/")
    stored = np.zeros(_grid(array), bool)
    for place in np.ndindex(*stored.shape):
        stored[place] = (folder / between.join([*first, *map(str, place)])).is_file()
    return stored


def check_group(name: str, attributes: Mapping[str, Any]) -> None:
    """Raise an error unless a group says of its image what it said when written.

    Args:
        name: Of the group, for the message.
        attributes: Of the group; one that has no checksums is not compared.

    Raises:
        DataError: If the checksum is another.
    """
    if SEAL in attributes:
        _check(name, attributes, OME, _described(attributes))


def has_group(array: Mapping[str, Any]) -> bool:
    """Return whether an array says that its group has checksums; one copied alone does, too."""
    own = array.get("attributes")
    return isinstance(own, dict) and SEAL in own


def check_array(
    name: str, attributes: Mapping[str, Any], path: str, array: Mapping[str, Any]
) -> None:
    """Raise an error unless an array says what it said when written.

    Args:
        name: Of the group, for the message.
        attributes: Of the group.
        path: Of the array in the group.
        array: Its metadata.

    Raises:
        DataError: If the checksum is another, or the group has lost those that it had.
    """
    if SEAL in attributes or has_group(array):
        _check(name, attributes, path, _layout(array))


def _check(name: str, attributes: Mapping[str, Any], part: str, content: object) -> None:
    sums = attributes.get(SEAL)
    if isinstance(sums, dict) and sums.get(part) == checksum(content):
        return
    where = name if part == OME else f"{name}/{part}"
    raise DataError(
        f"The metadata of {where} are damaged or were edited: their checksum in the attributes of "
        f"{name} is another. To accept what they say, remove {SEAL} from all attributes there."
    )


def _layout(array: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an array's ``zarr.json`` or ``.zarray`` decides where its voxels lie."""
    return {key: array.get(key) for key in _LAYOUT}


def _described(attributes: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return what a group says of its image."""
    return attributes.get("ome", attributes.get("multiscales"))
