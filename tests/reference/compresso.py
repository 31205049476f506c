"""Compresso's two streams, voxel by voxel with Python's whole numbers; never imported by emqs.

Written from the paper (MICCAI 2017, LNCS 10433, 781-788) and from what the published programs
write. Nothing here is fast: volumes of a few thousand voxels.
"""

import numpy as np

Volume = list[list[list[int]]]
Lists = tuple[list[int], list[int], list[int], list[int]]


def miccai(labels: np.ndarray, window: tuple[int, int, int]) -> bytes:
    """The stream of the 2017 paper: nine numbers, then all in 8 bytes but windows, in 4."""
    ids, values, locations, windows = _lists(labels, window)
    numbers = [*labels.shape, len(ids), len(values), len(locations), *window]
    stream = b"".join(n.to_bytes(8, "little") for n in numbers + ids + values + locations)
    run = 0
    for index in windows:
        if index == 0:
            run += 1
            continue
        if run > 0:
            stream += (2 * run + 1).to_bytes(4, "little")
        stream += (2 * index).to_bytes(4, "little")
        run = 0
    return stream  # the last run of zeros is left out


def version_2(labels: np.ndarray, window: tuple[int, int, int]) -> bytes:
    """The stream of the later library: numbers in as few bytes as hold the largest of each list."""
    ids, values, locations, windows = _lists(labels, window)
    tokens: list[int] = []
    for index in windows:
        if index != 0:
            tokens.append(2 * index + 1)
        elif tokens and tokens[-1] % 2 == 0:
            tokens[-1] += 2
        else:
            tokens.append(2)
    longest = max((token for token in tokens if token % 2 == 0), default=0)
    pixels = window[0] * window[1] * window[2]
    widths = [
        -(-pixels // 8),
        _width(max(ids, default=0)),
        _width(max(locations, default=0)),
        _width(max(2 * len(values) + 1, longest)),
    ]
    numbers = [*labels.shape, *window, len(values), len(ids), len(locations)]
    stream = b"".join(n.to_bytes(8, "little") for n in numbers)
    stream += bytes([*widths, labels.dtype.itemsize])
    for listed, width in zip((values, ids, locations, tokens), widths, strict=True):
        stream += b"".join(n.to_bytes(width, "little") for n in listed)
    return stream


def _width(largest: int) -> int:
    width = 1
    while largest >= 256**width:
        width += 1
    return width


def _lists(labels: np.ndarray, window: tuple[int, int, int]) -> Lists:
    """The lists ids, values, locations and windows (as places in values)."""
    volume: Volume = [[[int(v) for v in row] for row in plane] for plane in labels]
    depth, height, width = labels.shape
    boundary = {
        (z, y, x)
        for z in range(depth)
        for y in range(height)
        for x in range(width)
        if (x + 1 < width and volume[z][y][x] != volume[z][y][x + 1])
        or (y + 1 < height and volume[z][y][x] != volume[z][y + 1][x])
    }
    steps = [range(0, n, step) for n, step in zip(labels.shape, window, strict=True)]
    blocks = [
        _window_value(boundary, (z, y, x), window)
        for z in steps[0]
        for y in steps[1]
        for x in steps[2]
    ]
    values = sorted(set(blocks))
    return (
        _ids(volume, boundary, labels.shape),
        values,
        _locations(volume, boundary, labels.shape),
        [values.index(block) for block in blocks],
    )


def _window_value(
    boundary: set[tuple[int, int, int]], corner: tuple[int, int, int], window: tuple[int, int, int]
) -> int:
    value, bit = 0, 0
    for z in range(corner[0], corner[0] + window[0]):
        for y in range(corner[1], corner[1] + window[1]):
            for x in range(corner[2], corner[2] + window[2]):
                value += ((z, y, x) in boundary) << bit
                bit += 1
    return value


def _ids(volume: Volume, boundary: set[tuple[int, int, int]], shape: tuple[int, ...]) -> list[int]:
    """Label + 1 of every area (flood fill) and of each slice's boundary, by first pixel."""
    ids = []
    for z in range(shape[0]):
        seen: set[tuple[int, int]] = set()
        boundary_seen = False
        for y in range(shape[1]):
            for x in range(shape[2]):
                if (z, y, x) in boundary:
                    if not boundary_seen:
                        ids.append((volume[z][y][x] + 1) % 2**64)
                    boundary_seen = True
                elif (y, x) not in seen:
                    ids.append((volume[z][y][x] + 1) % 2**64)
                    todo = [(y, x)]
                    while todo:
                        v, u = todo.pop()
                        inside = 0 <= v < shape[1] and 0 <= u < shape[2]
                        if inside and (v, u) not in seen and (z, v, u) not in boundary:
                            seen.add((v, u))
                            todo += [(v - 1, u), (v + 1, u), (v, u - 1), (v, u + 1)]
    return ids


def _locations(
    volume: Volume, boundary: set[tuple[int, int, int]], shape: tuple[int, ...]
) -> list[int]:
    """A direction or label + 6 for boundary pixels with no free pixel to the left or above."""

    def free(z: int, y: int, x: int) -> bool:
        inside = 0 <= z < shape[0] and 0 <= y < shape[1] and 0 <= x < shape[2]
        return inside and (z, y, x) not in boundary

    locations = []
    for z, y, x in sorted(boundary):
        if free(z, y, x - 1) or free(z, y - 1, x):
            continue
        label = volume[z][y][x]
        near = [
            (z, y, x - 1),
            (z, y, x + 1),
            (z, y - 1, x),
            (z, y + 1, x),
            (z - 1, y, x),
            (z + 1, y, x),
        ]
        same = [n for n, (k, j, i) in enumerate(near) if free(k, j, i) and volume[k][j][i] == label]
        locations.append(same[0] if same else (label + 6) % 2**64)
    return locations
