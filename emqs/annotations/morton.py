"""One number for a place, so that places near each other have numbers near each other.

A z-order code takes the bits of Z, Y and X in turn (X lowest), 21 of each: 63 bits, which a column
of whole numbers holds. A box of places becomes a few ranges of codes, which a plain index of a
database answers; what the ranges hold too much is filtered by the exact coordinates.

Source:
    G. M. Morton, A computer oriented geodetic data base and a new technique in file sequencing,
    IBM, 1966.
"""

import heapq
import math
from collections.abc import Sequence

BITS = 21
SIZE = 1 << BITS  # places along an axis; those outside are counted to the first or the last
MOST_RANGES = 32
_SPREAD = (
    (32, 0x1F00000000FFFF),
    (16, 0x1F0000FF0000FF),
    (8, 0x100F00F00F00F00F),
    (4, 0x10C30C30C30C30C3),
    (2, 0x1249249249249249),
)

Range = tuple[int, int]  # first code, last code
_Cube = tuple[int, int, tuple[int, int, int]]  # minus its level, its first code, its corner


def _spread(value: int) -> int:
    """Return the bits of a number with two zeros between each and the next."""
    for shift, mask in _SPREAD:
        value = (value | value << shift) & mask
    return value


def _inside(coordinate: float) -> int:
    """Return the place of a coordinate along an axis, from 0 to ``SIZE - 1``."""
    return int(min(max(coordinate, 0.0), SIZE - 1.0))


def code(place: Sequence[float]) -> int:
    """Return the code of a place.

    Args:
        place: Coordinates Z Y X in voxels, finite or infinite; those outside 0 to 2**21 get the
            code of the nearest place inside. The order of places along an axis stays, so that a
            box that holds a place has ranges that hold its code.
    """
    z, y, x = (_spread(_inside(coordinate)) for coordinate in place)
    return z << 2 | y << 1 | x


def cell(place: Sequence[int], edge: int) -> Range:
    """Return the one range of an aligned cube.

    Args:
        place: Number of the cube along Z Y X, counted in cubes.
        edge: Its edge in voxels, a power of two up to 2**21.
    """
    first = code([number * edge for number in place])
    return first, first + edge**3 - 1


def ranges(start: Sequence[float], stop: Sequence[float], most: int = MOST_RANGES) -> list[Range]:
    """Return ranges of codes that hold every place of a box, and as little else as they can.

    Args:
        start: First corner, Z Y X, in voxels.
        stop: First coordinate outside the box along each axis.
        most: Ranges allowed; with enough of them no other voxel is held.

    Returns:
        Ranges in ascending order that do not touch; none if the box is empty.
    """
    if any(not low < high for low, high in zip(start, stop, strict=True)):
        return []
    low = [_inside(coordinate) for coordinate in start]
    high = [_last_inside(coordinate) for coordinate in stop]
    if low == [0, 0, 0] and high == [SIZE - 1] * 3:
        return [(0, SIZE**3 - 1)]
    whole: list[Range] = []
    # cubes that reach out of the box, largest first: (-level, code, corner); edge is 2**level
    open_cubes: list[_Cube] = [(-BITS, 0, (0, 0, 0))]
    while open_cubes and len(whole) + len(open_cubes) < 3 * most:
        _part(heapq.heappop(open_cubes), low, high, whole, open_cubes)
    cubes = [(first, first + (1 << -3 * level) - 1) for level, first, _ in open_cubes]
    return _joined(sorted(whole + cubes), most)


def _last_inside(coordinate: float) -> int:
    """Return the last whole place before a coordinate."""
    return _inside(coordinate if math.isinf(coordinate) else math.ceil(coordinate) - 1)


def _part(
    cube: _Cube, low: list[int], high: list[int], whole: list[Range], open_cubes: list[_Cube]
) -> None:
    """Put each eighth of a cube to those that lie in the box, that reach out of it, or nowhere."""
    level = -cube[0] - 1
    edge = 1 << level
    halves = []  # along each axis: (bit, first voxel, whether all of it lies in the box)
    for axis, first, last in zip(cube[2], low, high, strict=True):
        halves.append(
            [
                (bit, begin, first <= begin and begin + edge - 1 <= last)
                for bit, begin in ((0, axis), (1, axis + edge))
                if begin <= last and begin + edge - 1 >= first
            ]
        )
    size = 1 << 3 * level
    for z_bit, z, z_in in halves[0]:
        for y_bit, y, y_in in halves[1]:
            for x_bit, x, x_in in halves[2]:
                first_code = cube[1] + size * (z_bit << 2 | y_bit << 1 | x_bit)
                if z_in and y_in and x_in:
                    whole.append((first_code, first_code + size - 1))
                else:
                    heapq.heappush(open_cubes, (-level, first_code, (z, y, x)))


def _joined(parts: list[Range], most: int) -> list[Range]:
    """Return sorted ranges with those that touch made one, and the smallest gaps closed."""
    joined: list[Range] = []
    for first, last in parts:
        if joined and joined[-1][1] + 1 == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    if len(joined) <= most:
        return joined
    gaps = sorted(range(1, len(joined)), key=lambda i: joined[i][0] - joined[i - 1][1])
    kept = sorted(gaps[len(joined) - most :])
    starts = [0, *kept]
    ends = [*kept, len(joined)]
    return [(joined[start][0], joined[end - 1][1]) for start, end in zip(starts, ends, strict=True)]
