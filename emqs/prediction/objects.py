"""Voxels above a threshold become objects: whole ones, whatever tiles they were predicted in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from emqs.geometry import Box, Lengths

MAX_BOX = 2**27  # voxels of an object's box within which it is split and filled
H_SHARE = 0.2  # a narrowing counts if it is narrower than this share of the lesser side's radius
FULL = np.ones((3, 3, 3), dtype=bool)  # voxels that touch at a corner are one object


@dataclass(frozen=True)
class Part:
    """One object, whole.

    Attributes:
        box: Around it, in voxels.
        mask: ``box.shape``, bool.
    """

    box: Box
    mask: np.ndarray


class Union:
    """Numbers of components that turn out to be one; the lowest number stands for all."""

    def __init__(self) -> None:
        """Begin with number 0, the background."""
        self.parent = [0]

    def new(self, count: int) -> int:
        """Add so many numbers, and return the first."""
        first = len(self.parent)
        self.parent.extend(range(first, first + count))
        return first

    def root(self, number: int) -> int:
        """Return the number that stands for a component."""
        while self.parent[number] != number:
            self.parent[number] = self.parent[self.parent[number]]
            number = self.parent[number]
        return number

    def join(self, one: int, other: int) -> None:
        """Make two components one."""
        a, b = self.root(one), self.root(other)
        self.parent[max(a, b)] = min(a, b)

    def table(self) -> np.ndarray:
        """Return the number that stands for each, int64."""
        return np.array([self.root(number) for number in range(len(self.parent))], dtype=np.int64)


def components(
    blocks: Iterator[tuple[Box, np.ndarray]],
    write: Callable[[Box, np.ndarray], None],
    read: Callable[[Box], np.ndarray],
) -> tuple[np.ndarray, dict[int, Box]]:
    """Number the connected parts of a mask that comes block by block.

    Args:
        blocks: Boxes that fill the region without overlap, X fastest, and their masks, bool.
        write: Keeps the numbers of a block, int32.
        read: Returns the numbers of a box that were kept; blocks not yet written are 0.

    Returns:
        By which number each number is to be replaced, int64, and the box of each that stays.
        Voxels that touch, also at a corner, are one part, across blocks as within them.
    """
    union = Union()
    found: dict[int, Box] = {}
    for box, mask in blocks:
        own, count = ndimage.label(mask, structure=FULL)
        first = union.new(count)
        numbers = np.where(own > 0, own + (first - 1), 0).astype(np.int32)
        for number, slices in enumerate(ndimage.find_objects(own), first):
            if slices is not None:
                start = tuple(s.start + a for s, a in zip(slices, box.start, strict=True))
                stop = tuple(s.stop + a for s, a in zip(slices, box.start, strict=True))
                found[number] = Box(start, stop)
        write(box, numbers)
        for one, other in _touching(box, read):
            union.join(one, other)
    table = union.table()
    merged: dict[int, Box] = {}
    for number, box in found.items():
        root = int(table[number])
        merged[root] = box if root not in merged else _around(merged[root], box)
    return table, merged


def _touching(box: Box, read: Callable[[Box], np.ndarray]) -> set[tuple[int, int]]:
    """Return pairs of numbers that touch across a block's first faces; blocks before it are there.

    Blocks come in order, so of two that touch the later one sees the earlier across a first face.
    """
    pairs: set[tuple[int, int]] = set()
    grown_start = tuple(max(0, a - 1) for a in box.start)
    for axis in range(3):
        at = box.start[axis]
        if at == 0:
            continue
        start, stop = list(grown_start), [b + 1 for b in box.stop]
        start[axis], stop[axis] = at - 1, at + 1
        slab = read(Box(tuple(start), tuple(stop)))  # type: ignore[arg-type]
        near, far = np.moveaxis(slab, axis, 0)
        pairs |= _pairs(near, far)
    return pairs


def _pairs(near: np.ndarray, far: np.ndarray) -> set[tuple[int, int]]:
    """Return pairs of numbers of two planes whose voxels touch, also at a corner."""
    pairs: set[tuple[int, int]] = set()
    padded = np.pad(far, 1)
    rows, columns = near.shape
    for dy in range(3):
        for dx in range(3):
            other = padded[dy : dy + rows, dx : dx + columns]
            both = (near > 0) & (other > 0) & (near != other)
            if both.any():
                pairs |= set(zip(near[both].tolist(), other[both].tolist(), strict=True))
    return pairs


def _around(one: Box, other: Box) -> Box:
    z, y, x = (min(a, b) for a, b in zip(one.start, other.start, strict=True))
    stop = tuple(max(a, b) for a, b in zip(one.stop, other.stop, strict=True))
    return Box((z, y, x), (stop[0], stop[1], stop[2]))


def parts(
    mask: np.ndarray,
    box: Box,
    voxel_size_nm: Lengths,
    *,
    smallest_nm3: float,
    split: bool,
    others: np.ndarray | None = None,
) -> list[Part]:
    """Return the objects of one connected part: holes filled, cut where it is narrow, none tiny.

    Args:
        mask: Of the part, bool, ``box.shape``.
        box: Where it lies.
        voxel_size_nm: Z Y X.
        smallest_nm3: Smaller objects are left out.
        split: Cut where a part is narrow, by a watershed on the distance to its surface.
        others: Voxels of other classes, bool, ``box.shape``, which are no holes; None: none.

    Returns:
        Objects, in the order of their first voxels.
    """
    least = max(1, int(np.ceil(smallest_nm3 / np.prod(voxel_size_nm))))
    if mask.size > MAX_BOX:
        return [Part(box, mask)] if np.count_nonzero(mask) >= least else []
    filled = _filled(mask)
    if others is not None:
        filled &= ~others
    if np.count_nonzero(filled) < least:
        return []
    numbers = _cut(filled, voxel_size_nm) if split else filled.astype(np.int32)
    sizes = np.bincount(numbers.ravel())
    result = []
    for number, slices in enumerate(ndimage.find_objects(numbers), 1):
        if slices is None or sizes[number] < least:
            continue
        start = tuple(s.start + a for s, a in zip(slices, box.start, strict=True))
        stop = tuple(s.stop + a for s, a in zip(slices, box.start, strict=True))
        own = Box(start, stop)
        result.append(Part(own, numbers[slices] == number))
    return result


def _filled(mask: np.ndarray) -> np.ndarray:
    """Return a part without holes: in the slice, where every slice of a hole is closed."""
    return np.stack([ndimage.binary_fill_holes(one) for one in mask])


def _cut(mask: np.ndarray, voxel_size_nm: Lengths) -> np.ndarray:
    """Return numbers of the pieces of a part, int32, 0 outside.

    Every summit of the distance to the surface gets a piece, and pieces grow together from the
    highest pass between two on: the lower summit is none of its own if the pass reaches to within
    a share of its height, so neither are two of one height with such a pass between them.
    """
    from skimage.morphology import local_maxima
    from skimage.segmentation import watershed

    padded = np.pad(mask, 1)
    size = voxel_size_nm if mask.shape[0] > 1 else (np.inf, *voxel_size_nm[1:])
    scaled = [min(s, 1e9) for s in size]
    distance = ndimage.distance_transform_edt(padded, sampling=scaled)[1:-1, 1:-1, 1:-1]
    distance = ndimage.gaussian_filter(distance, [0, 1, 1]) * mask
    summits, count = ndimage.label(local_maxima(distance, footprint=FULL) & mask, structure=FULL)
    if count <= 1:
        return mask.astype(np.int32)
    pieces = watershed(-distance, summits, connectivity=FULL, mask=mask)
    heights = np.zeros(count + 1)
    on_top = summits > 0
    heights[summits[on_top]] = distance[on_top]
    made: np.ndarray = _grown(heights, *_passes(pieces, distance))[pieces]
    return made


def _passes(pieces: np.ndarray, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of pieces that touch, ``(n, 2)``, and the highest pass between each."""
    found = []
    shape = np.array(pieces.shape)
    for way in np.argwhere(FULL)[14:] - 1:  # half of all neighbours
        near = tuple(slice(max(0, -w), n - max(0, w)) for w, n in zip(way, shape, strict=True))
        far = tuple(slice(max(0, w), n - max(0, -w)) for w, n in zip(way, shape, strict=True))
        one, other = pieces[near], pieces[far]
        border = np.flatnonzero((one != other) & (one > 0) & (other > 0))
        one, other = one.ravel()[border], other.ravel()[border]
        lower = np.minimum(heights[near].ravel()[border], heights[far].ravel()[border])
        found.append(np.stack([np.minimum(one, other), np.maximum(one, other), lower]))
    one, other, lower = np.concatenate(found, axis=1)
    order = np.lexsort((-lower, other, one))
    one, other, lower = one[order], other[order], lower[order]
    first = np.ones(len(one), dtype=bool)
    first[1:] = (one[1:] != one[:-1]) | (other[1:] != other[:-1])
    return np.stack([one[first], other[first]], axis=1).astype(np.int64), lower[first]


def _grown(heights: np.ndarray, pairs: np.ndarray, passes: np.ndarray) -> np.ndarray:
    """Return which piece each becomes, numbered from 1, int32; 0 stays 0.

    Args:
        heights: Of the summit of each piece; the first is of number 0.
        pairs: Pieces that touch, ``(n, 2)``.
        passes: The highest between each pair.
    """
    land, whole = Union(), Union()  # what hangs together above the pass, and what is one piece
    for union in (land, whole):
        union.new(len(heights) - 1)
    top = list(range(len(heights)))  # of each land its highest piece
    for at in np.argsort(-passes, kind="stable").tolist():
        one, other = pairs[at].tolist()
        a, b = land.root(one), land.root(other)
        if a == b:
            continue
        low, high = sorted((top[a], top[b]), key=lambda piece: (heights[piece], -piece))
        if passes[at] >= (1 - H_SHARE) * heights[low]:
            whole.join(one, other)
        land.join(a, b)
        top[min(a, b)] = high
    made: np.ndarray = np.unique(whole.table(), return_inverse=True)[1].ravel().astype(np.int32)
    return made
