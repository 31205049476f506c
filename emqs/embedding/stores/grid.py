"""The grid of places of an embedding store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np

from emqs.volumes import Box

INNER = 8  # places along Y and X that are read together to look up one code


MAX_PLACES = 2**40


PLANES = ("xy", "ortho")  # how the patches of a place lie


Triple = tuple[int, int, int]


@dataclass(frozen=True)
class PlaceGrid:
    """Square patches of a volume, at regular steps; whole ones only.

    In the planes ``"xy"`` a place has one patch, in a slice. In ``"ortho"`` it has three, in XY, XZ
    and YZ, around one point; it is then as deep as it is wide.

    Attributes:
        shape: Number of places along Z Y X, each at least 1.
        size: Edge of a patch, in voxels; one voxel thick.
        stride: Step along Z Y X, in voxels. The first place starts at voxel 0.
        block: Places along Y and X that are worked on together, a multiple of ``INNER``.
        voxel_size_nm: Along Z Y X.
        origin_nm: Position of the centre of the first voxel, Z Y X.
        planes: One of ``PLANES``.
        scale: Edge of the square that a network would be shown as one patch, in voxels: patches are
            parts of it or several of them. None: a patch itself.
    """

    shape: Triple
    size: int
    stride: Triple
    block: int
    voxel_size_nm: tuple[float, float, float]
    origin_nm: tuple[float, float, float]
    planes: str = "xy"
    scale: int | None = None

    @property
    def seen(self) -> int:
        """Edge of what fills the input of the network, in voxels."""
        return self.size if self.scale is None else self.scale

    @property
    def edge_nm(self) -> float:
        """Edge of a patch, in nm."""
        return float(self.size * self.voxel_size_nm[1])

    @property
    def above(self) -> int:
        """Slices of a place above its patch in XY."""
        return self.size // 2 if self.planes == "ortho" else 0

    @property
    def n_places(self) -> int:
        """Number of patches."""
        return prod(self.shape)

    @property
    def blocks_shape(self) -> Triple:
        """Number of blocks along Z Y X; each is one slice thick."""
        return self.shape[0], -(-self.shape[1] // self.block), -(-self.shape[2] // self.block)

    def places(self, block: Triple) -> Box:
        """Return which places are in a block, given by its numbers along Z Y X."""
        z, y, x = block
        start = z, y * self.block, x * self.block
        ends = (start[0] + 1, start[1] + self.block, start[2] + self.block)
        stop = tuple(min(a, b) for a, b in zip(ends, self.shape, strict=True))
        return Box(start, (stop[0], stop[1], stop[2]))

    def blocks(self, depth: int = 1) -> Iterator[Triple]:
        """Yield all blocks.

        Args:
            depth: Places along Z that share stored chunks of the volume; all blocks above each
                other in such a slab come together, so that chunks are read once.
        """
        n_z, n_y, n_x = self.blocks_shape
        for first in range(0, n_z, depth):
            for y, x in product(range(n_y), range(n_x)):
                for z in range(first, min(first + depth, n_z)):
                    yield z, y, x

    def positions(self, places: Box) -> np.ndarray:
        """Return the positions of all places in a box, int64, in the order of the grid."""
        axes = [np.arange(a, b) for a, b in zip(places.start, places.stop, strict=True)]
        return np.ravel_multi_index(np.ix_(*axes), self.shape).ravel()

    def valid_in(self, valid: np.ndarray, places: Box | None) -> np.ndarray:
        """Return which places are valid and in a box, ``(N,)``, bool; None: all that are valid."""
        if places is None:
            return valid
        inside = np.zeros(self.shape, dtype=np.bool_)
        inside[places.slices] = valid.reshape(self.shape)[places.slices]
        return inside.ravel()

    def zyx(self, positions: np.ndarray) -> np.ndarray:
        """Return indices ``(n, 3)`` along Z Y X, int64, of positions in the flat grid."""
        return np.stack(np.unravel_index(positions, self.shape), axis=1).astype(np.int64)

    def first_voxels(self, places: np.ndarray) -> np.ndarray:
        """Return the first voxel Z Y X of patches in XY, ``(n, 3)``, int64, given their indices."""
        return places * np.array(self.stride, dtype=np.int64) + np.array([self.above, 0, 0])

    def boxes(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the first voxels and the edges Z Y X of places, ``(n, 3)``, int64, by indices."""
        depth = self.size if self.planes == "ortho" else 1
        edges = np.array([depth, self.size, self.size], dtype=np.int64)
        first = self.first_voxels(places) - np.array([self.above, 0, 0])
        return first, np.broadcast_to(edges, first.shape)

    def centres(self, places: np.ndarray) -> np.ndarray:
        """Return the centres Z Y X of patches in XY, in voxels, whole or .5, ``(n, 3)``."""
        half = np.array([0.0, (self.size - 1) / 2, (self.size - 1) / 2])
        return np.asarray(self.first_voxels(places) + half)

    def centres_nm(self, places: np.ndarray) -> np.ndarray:
        """Return the centres Z Y X of patches in nm, shape ``(n, 3)``, float64."""
        return self.centres(places) * self.voxel_size_nm + self.origin_nm

    def within(self, box_nm: Sequence[Sequence[float]]) -> Box:
        """Return which places have their centre in a box in nm; both its corners count."""
        start, stop = [], []
        for axis, count in enumerate(self.shape):
            places = np.zeros((count, 3), dtype=np.int64)
            places[:, axis] = np.arange(count)
            centres = self.centres_nm(places)[:, axis]
            start.append(int(np.searchsorted(centres, box_nm[0][axis], side="left")))
            stop.append(max(start[-1], int(np.searchsorted(centres, box_nm[1][axis], "right"))))
        return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))

    def nearest_place(self, voxel: tuple[int, int, int]) -> Triple:
        """Return the place whose patch lies closest around a voxel, moved inwards at a border."""
        half = (float(self.above), (self.size - 1) / 2, (self.size - 1) / 2)
        z, y, x = (
            min(max(round((v - h) / step), 0), n - 1)
            for v, h, step, n in zip(voxel, half, self.stride, self.shape, strict=True)
        )
        return z, y, x

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "planes": self.planes,
            "shape": list(self.shape),
            "size_px": self.size,
            "stride_px": list(self.stride),
            "block": self.block,
            "voxel_size_nm": list(self.voxel_size_nm),
            "origin_nm": list(self.origin_nm),
            **({} if self.scale is None else {"scale_px": self.scale}),
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "PlaceGrid":
        """Return what ``to_dict`` was called on.

        Raises:
            KeyError, TypeError, ValueError: If it is something else.
        """
        whole = {key: [int(v) for v in content[key]] for key in ("shape", "stride_px")}
        lengths = {key: [float(v) for v in content[key]] for key in ("voxel_size_nm", "origin_nm")}
        lists: list[list[Any]] = [*whole.values(), *lengths.values()]
        if any(len(triple) != 3 for triple in lists):
            raise ValueError("the grid has not three axes")
        shape, stride = whole["shape"], whole["stride_px"]
        voxel, origin = lengths["voxel_size_nm"], lengths["origin_nm"]
        grid = cls(
            shape=(shape[0], shape[1], shape[2]),
            size=int(content["size_px"]),
            stride=(stride[0], stride[1], stride[2]),
            block=int(content["block"]),
            voxel_size_nm=(voxel[0], voxel[1], voxel[2]),
            origin_nm=(origin[0], origin[1], origin[2]),
            planes=str(content["planes"]),
            scale=None if content.get("scale_px") is None else int(content["scale_px"]),
        )
        least = min(*grid.shape, *grid.stride, grid.size, grid.block, grid.seen)
        possible = grid.planes in PLANES and grid.n_places <= MAX_PLACES
        if least < 1 or grid.block % INNER or not possible:
            raise ValueError(f"the grid {content} is not possible")
        return grid
