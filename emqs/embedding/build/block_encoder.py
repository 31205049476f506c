"""Codes of groups of neighbouring places, with the surroundings that the network sees.

In the planes XY alone a place has one patch. In three planes (``planes=ortho``) it has three, cut
in XY, XZ and YZ around one point, and its code is their mean: it has the length of a code of one
patch, and does not depend on how the volume is turned. Every plane of a group is encoded once,
for all places in it.
"""

import math
import time
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import cast

import numpy as np

from emqs.datasets import Stack
from emqs.embedding import dense, encode
from emqs.embedding.build.planes import PlaceSource, usable
from emqs.embedding.stores.grid import PlaceGrid
from emqs.errors import DataError
from emqs.models import Convolutional, Encoder
from emqs.models.compute import Compute
from emqs.models.weights import Model
from emqs.volumes import Box, Volume

SLAB_BYTES = 2**27  # of neighbouring planes that are read, and kept, together
BAND_BYTES = 2**26  # of stored chunks that are decoded at once
ALONG = {"xy": (0,), "ortho": (0, 1, 2)}  # axes that the planes stand on
NAMES = ("XY", "XZ", "YZ")


@dataclass(eq=False)
class Planes:
    """Planes of a volume; those that share stored chunks are read together, once.

    Attributes:
        volume: The voxels.
        n_bytes: Read so far.
        seconds: Of reading.
    """

    volume: Volume
    n_bytes: int = 0
    seconds: float = 0.0
    _kept: tuple[int, Box, np.ndarray] | None = field(default=None, repr=False)

    def read(
        self, axis: int, at: int, spans: tuple[tuple[int, int], tuple[int, int]]
    ) -> np.ndarray:
        """Return a part of a plane, ``(n, m)``.

        Args:
            axis: That the plane stands on, 0 to 2 for Z Y X.
            at: Where on it.
            spans: First voxel, and the first outside, along the other two axes.
        """
        if self._kept is not None:
            kept_axis, box, voxels = self._kept
            first = box.start[axis]
            same = kept_axis == axis and _box(axis, first, box.stop[axis], spans) == box
            if same and first <= at < box.stop[axis]:
                return np.take(voxels, at - first, axis)
        started = time.perf_counter()
        self._kept = None  # its memory is free before more is read
        size = math.prod(b - a for a, b in spans) * self.volume.dtype.itemsize
        chunk = self.volume.chunks[axis]
        end = min((at // chunk + 1) * chunk, at + max(1, SLAB_BYTES // size))
        box = _box(axis, at, min(end, self.volume.shape[axis]), spans)
        voxels = self._read(box)
        self._kept = (axis, box, voxels)
        self.n_bytes += voxels.nbytes
        self.seconds += time.perf_counter() - started
        return np.take(voxels, 0, axis)

    def _read(self, box: Box) -> np.ndarray:
        """Return a box that is read in bands, so that few stored chunks are held at once."""
        chunks, itemsize = self.volume.chunks, self.volume.dtype.itemsize
        z_stop, y_stop, x_stop = box.stop
        deep = chunks[0] * -(-box.shape[0] // chunks[0])
        row = deep * box.shape[2] * itemsize * chunks[1]
        rows = chunks[1] * max(1, BAND_BYTES // row)
        voxels = np.empty(box.shape, dtype=self.volume.dtype)
        top = box.start[1]
        while top < y_stop:
            bottom = min((top // rows + 1) * rows, y_stop)
            band = Box((box.start[0], top, box.start[2]), (z_stop, bottom, x_stop))
            voxels[:, top - box.start[1] : bottom - box.start[1]] = self.volume.read(band)
            top = bottom
        return voxels


def _box(axis: int, first: int, last: int, spans: tuple[tuple[int, int], tuple[int, int]]) -> Box:
    ends = list(spans)
    ends.insert(axis, (first, last))
    (z, z_stop), (y, y_stop), (x, x_stop) = ends
    return Box((z, y, x), (z_stop, y_stop, x_stop))


class BlockEncoder:
    """Codes of the places of a grid."""

    def __init__(
        self, source: PlaceSource, model: Model, grid: PlaceGrid, compute: Compute
    ) -> None:
        """Keep what is needed; nothing is read yet.

        Args:
            source: The volume.
            model: The encoder.
            grid: Where patches lie.
            compute: Device, and batch size if the network encodes each patch on its own.
        """
        self.model = replace(model, preprocessing=replace(model.preprocessing, contrast="none"))
        self.source, self.grid = source, grid
        self.compute = compute
        self.planes = Planes(source.volume)
        self._digest = blake2b(digest_size=8)
        network = cast(Encoder, model.network)
        self.around, self.meet = 0, grid.seen  # voxels
        if isinstance(network, Convolutional):
            self.around = dense.surroundings(network, grid.seen)
            # where pixels of the slice and of the network's input meet, and a cell begins
            patches_between = math.lcm(network.input_size, network.cell) // network.input_size
            self.meet = patches_between * grid.seen

    def __call__(self, places: Box) -> tuple[np.ndarray, np.ndarray]:
        """Return codes ``(n, D)``, float16, of the usable ones of neighbouring places.

        Args:
            places: Which places of the grid.

        Returns:
            Codes in the order of the grid, and which places they are of, ``(Z, Y, X)``, bool.
        """
        size = cast(Encoder, self.model.network).code_size
        along = ALONG[self.grid.planes]
        self._digest = blake2b(digest_size=8)
        valid = np.ones(places.shape, dtype=bool)
        sums = np.zeros((*places.shape, size), dtype=np.float32)
        for axis in along:
            for i in range(places.shape[axis]):
                plane_valid = np.moveaxis(valid, axis, 0)[i]  # views
                plane_sums = np.moveaxis(sums, axis, 0)[i]
                self._add(axis, i, places, plane_valid, plane_sums)
        codes = sums.reshape(-1, size) if valid.all() else sums[valid]
        codes /= np.float32(len(along))
        highest = max(float(codes.max(initial=0)), -float(codes.min(initial=0)))
        if highest > np.finfo(np.float16).max:
            raise DataError(
                f"A code of {self.source.volume.name} reaches {highest:g}, above the 65504 that "
                "float16 can hold. Choose another model."
            )
        return codes.astype(np.float16), valid

    @property
    def made_of(self) -> int:
        """Digest of all voxels that the codes of the last group were made of, 64 bits."""
        return int.from_bytes(self._digest.digest(), "little")

    def digest_of(self, places: Box) -> int:
        """Return what ``made_of`` would be after a group was encoded; it is only read."""
        self._digest = blake2b(digest_size=8)
        for axis in ALONG[self.grid.planes]:
            for i in range(places.shape[axis]):
                self._read(axis, i, places)
        return self.made_of

    def _read(
        self, axis: int, i: int, places: Box
    ) -> tuple[np.ndarray, tuple[int, int], tuple[int, int]]:
        """Return the voxels of a plane with its surroundings, and where the places' own begin.

        Returns:
            Voxels, the rows of the plane that they are, and where the own ones begin in them.
        """
        grid, volume = self.grid, self.source.volume
        others = [other for other in range(3) if other != axis]
        first = [places.start[a] * grid.stride[a] for a in others]
        last = [(places.stop[a] - 1) * grid.stride[a] + grid.size for a in others]
        start = [max(0, n - self.around) // self.meet * self.meet for n in first]
        stop = [min(n + self.around, volume.shape[a]) for n, a in zip(last, others, strict=True)]
        at = self._at(axis, i, places)
        voxels = self.planes.read(axis, at, ((start[0], stop[0]), (start[1], stop[1])))
        self._digest.update(str(voxels.shape).encode())
        self._digest.update(np.ascontiguousarray(voxels).data)
        return voxels, (start[0], stop[0]), (first[0] - start[0], first[1] - start[1])

    def _at(self, axis: int, i: int, places: Box) -> int:
        """Return where the i-th plane along an axis stands, in voxels."""
        at = (places.start[axis] + i) * self.grid.stride[axis]
        return at + (self.grid.size // 2 if self.grid.planes == "ortho" else 0)

    def _add(self, axis: int, i: int, places: Box, valid: np.ndarray, sums: np.ndarray) -> None:
        """Add the codes of the i-th plane along an axis to sums; take out what is not usable."""
        grid = self.grid
        others = [other for other in range(3) if other != axis]
        voxels, rows_read, (top, left) = self._read(axis, i, places)
        spans = [(places.shape[a] - 1) * grid.stride[a] + grid.size for a in others]
        own = voxels[top : top + spans[0], left : left + spans[1]]
        at = self._at(axis, i, places)
        strides = grid.stride[others[0]], grid.stride[others[1]]
        shape = valid.shape[0], valid.shape[1]
        valid &= usable(self.source, own, size=grid.size, strides=strides, shape=shape)
        rows, columns = np.nonzero(valid)
        boxes = np.zeros((len(rows), 5), dtype=np.int64)
        boxes[:, 1] = top + rows * strides[0]
        boxes[:, 2] = left + columns * strides[1]
        boxes[:, 3:] = grid.size
        slices: int | slice = slice(*rows_read)
        if axis == 0:
            slices = at if grid.planes == "ortho" else places.start[0] + i
        name = f"plane {NAMES[axis]} at {at}"
        stack = Stack(name, [self.source.shown(voxels, slices)], ["0"], intensity=(0, 1))
        for numbers, batch in encode.embed_batches(
            self.model, stack, boxes, patch_size=grid.seen, compute=self.compute,
        ) if len(boxes) else ():  # fmt: skip
            sums[rows[numbers], columns[numbers]] += batch
