"""Which chunks of an array are there: one whose chunks lie under other names is not empty."""

import os
import re
from collections.abc import Mapping
from itertools import islice
from math import prod

from emqs.errors import DataError
from emqs.geometry import Box, Shape, boxes, count_boxes
from emqs.volumes.chunks import Location, TensorReader
from emqs.volumes.volume import Volume

MOST_TIMES = 2**20  # bytes of voxels to a stored byte; of nothing but zeros it is 2**15 at most
LOOKED_AT = 64  # chunks
_MOST_KEYS = 10**6  # names that are looked at; a source with so many is not empty
_SHARES = (0.8191725134, 0.6710436067, 0.5497004779)  # powers of the root of x**4 = x + 1, inverted


def style_of(location: Location, styles: Mapping[str, str]) -> str | None:
    """Return how the chunks of an array are named.

    Args:
        location: Folder of the array.
        styles: Regular expressions of whole names by style, the expected style first.

    Returns:
        The first style of which there is a chunk; the expected one where that cannot be seen, as on
        servers; None if there is no chunk of any.
    """
    expected = next(iter(styles))
    keys = location.keys()
    if keys is None:
        return expected
    other, n_seen = None, 0
    for key in islice(keys, _MOST_KEYS):
        n_seen += 1
        for style, pattern in styles.items():
            if re.fullmatch(pattern, key):
                if style == expected:
                    return expected
                other = other or style
    return expected if n_seen == _MOST_KEYS else other


def spread(shape: Shape, size: Shape, most: int) -> list[Box]:
    """Return the chunks of a volume, or some of them all over it if there are more.

    Args:
        shape: Of the volume, Z Y X, voxels.
        size: Of a chunk, Z Y X, voxels.
        most: How many at most. Places follow a sequence that fills space evenly.
    """
    if count_boxes(shape, size) <= most:
        return list(boxes(shape, size))
    counts = [-(-length // step) for length, step in zip(shape, size, strict=True)]
    places = {
        tuple(
            int((n + 0.5) * share % 1 * count) for share, count in zip(_SHARES, counts, strict=True)
        )
        for n in range(most)
    }
    chosen = []
    for place in sorted(places):
        z, y, x = (number * step for number, step in zip(place, size, strict=True))
        stop = min(z + size[0], shape[0]), min(y + size[1], shape[1]), min(x + size[2], shape[2])
        chosen.append(Box((z, y, x), stop))
    return chosen


def check_claim(volume: Volume) -> None:
    """Raise if a folder or a file holds next to nothing of the voxels that it claims.

    Work on a volume goes through all of it, and what is not stored is read as fast as it comes: a
    file of a few bytes that claims a petavoxel would keep a computer busy for years.

    Raises:
        DataError: If it does.
    """
    claimed = prod(volume.shape) * volume.dtype.itemsize
    needed = claimed // MOST_TIMES
    if volume.path is None or not volume.path.exists() or needed < 2**16:
        return
    n_bytes = volume.path.stat().st_size if volume.path.is_file() else 0
    if n_bytes >= needed:
        return
    for folder, _, names in os.walk(volume.path):
        for name in names:
            n_bytes += os.lstat(f"{folder}/{name}").st_size
            if n_bytes >= needed:
                return
    raise DataError(
        f"{volume.name} claims {claimed / 1e12:.3g} TB of voxels, and only {n_bytes} bytes are "
        "stored. Get the rest of it, or cut out the part that is there."
    )


def none_is_there(volume: Volume) -> bool:
    """Return whether no stored chunk of a volume is there, of some all over it."""
    reader = volume.reader
    if not isinstance(reader, TensorReader):
        return False
    return not any(map(reader.is_there, spread(volume.shape, volume.chunks, LOOKED_AT)))


def no_chunks(location: Location, names: str, looked: str = "") -> DataError:
    """Return the error of a source none of whose chunks is there.

    Args:
        location: Folder of the array or of the scale.
        names: How chunks would be called, an example.
        looked: Which were looked at, if not all, e.g. ``"256 "``.
    """
    return DataError(
        f"None of the {looked}chunks of {location.name} is there (they would be called {names}): "
        "only its metadata are. Copy the rest of it, or choose another level or dataset."
    )
