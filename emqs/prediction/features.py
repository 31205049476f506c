"""What a head sees of every voxel: codes of the windows around it, and grey maps.

Codes are those of small windows, half as wide as the patches of the embedding volume, on a grid of
a tenth of a patch, projected to the few directions in which the volume varies most and, between
windows, interpolated. They are computed tile by tile where they are needed, and so are the grey
maps; a tile sees enough of its surroundings that the features are those of the whole slice.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import lcm
from typing import cast

import numpy as np
import torch
from torch.nn import functional

from emqs.datasets import Stack
from emqs.embedding import dense, encode
from emqs.embedding.build.planes import PlaceSource
from emqs.embedding.stores.grid import PlaceGrid
from emqs.errors import ConfigError
from emqs.models import Convolutional, Encoder
from emqs.models.compute import Compute
from emqs.models.weights import Model
from emqs.prediction import grey
from emqs.volumes import Box

CACHED_BYTES = 2**30  # of tiles that are kept, so that the next clicks there cost little
SAMPLE_EDGE = 256  # of the tiles that voxels of the whole volume are drawn from
SAMPLE_TILES = 16


@dataclass(frozen=True)
class Projection:
    """Few numbers instead of a long code.

    Attributes:
        mean: ``(D,)``, float32.
        directions: ``(D, C)``, float32; codes are scaled by their spread within.
    """

    mean: np.ndarray
    directions: np.ndarray

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """Return ``(n, C)``, float32, of codes ``(n, D)``."""
        return (codes - self.mean) @ self.directions


def principal(codes: np.ndarray, n: int) -> Projection:
    """Return the directions in which codes ``(N, D)`` vary most, each to a variance of one.

    Every dimension counts alike, whatever its spread.
    """
    mean, spread = codes.mean(axis=0), codes.std(axis=0) + np.float32(1e-6)
    scaled = (codes - mean) / spread
    values, vectors = np.linalg.eigh(np.cov(scaled, rowvar=False).astype(np.float64))
    order = np.argsort(values)[::-1][: min(n, len(values))]
    directions = vectors[:, order] / np.sqrt(np.maximum(values[order], 1e-9))
    signs = np.sign(directions[np.abs(directions).argmax(axis=0), np.arange(len(order))])
    directions = directions * signs / spread[:, None]
    return Projection(mean.astype(np.float32), directions.astype(np.float32))


@dataclass(eq=False)
class Features:
    """Features of the voxels of a volume.

    Attributes:
        source: The volume as the network is shown it; ``contrast`` has a row for each slice of
            the grid.
        model: The encoder.
        grid: Of the embedding volume: patches decide the scale.
        compute: Device and batch size.
        projection: Of codes; ``learn`` sets it.
    """

    source: PlaceSource
    model: Model
    grid: PlaceGrid
    compute: Compute
    projection: Projection | None = None
    _kept: "OrderedDict[Box, np.ndarray]" = field(default_factory=OrderedDict, repr=False)

    def __post_init__(self) -> None:
        """Check that the volume is as large as a patch."""
        shape = self.source.volume.shape
        if min(shape[1:]) < self.grid.size:
            raise ConfigError(
                f"Slices of {shape[1]} x {shape[2]} voxels are smaller than a patch of "
                f"{self.grid.size}. Embed with a smaller patch.size."
            )
        self.model = replace(
            self.model, preprocessing=replace(self.model.preprocessing, contrast="none")
        )

    @property
    def window(self) -> int:
        """Edge of the windows, in voxels."""
        return max(1, self.grid.size // 2)

    @property
    def step(self) -> int:
        """Between windows, in voxels."""
        return max(1, self.grid.size // 10)

    @property
    def n_features(self) -> int:
        """Numbers for each voxel."""
        n_codes = 0 if self.projection is None else self.projection.directions.shape[1]
        return grey.N_MAPS + n_codes

    def learn(self, n_components: int, *, n_voxels: int, seed: int) -> np.ndarray:
        """Learn the projection from tiles all over the volume, and return voxels of them.

        Args:
            n_components: Directions that are kept.
            n_voxels: How many.
            seed: Of the draw.

        Returns:
            Features of voxels drawn from those tiles, ``(n_voxels, C)``, float32.
        """
        rng = np.random.default_rng(seed)
        shape = self.source.volume.shape
        tiles = []
        for _ in range(SAMPLE_TILES):
            y, x = (int(rng.integers(max(1, n - SAMPLE_EDGE + 1))) for n in shape[1:])
            z = int(rng.integers(shape[0]))
            stop = z + 1, min(y + SAMPLE_EDGE, shape[1]), min(x + SAMPLE_EDGE, shape[2])
            tiles.append(Box((z, y, x), stop))
        codes = np.concatenate([self._windows(tile)[0] for tile in tiles])
        self.projection = principal(codes, n_components)
        self._kept.clear()
        per_tile = -(-n_voxels // len(tiles))
        drawn = []
        for tile in tiles:
            maps = self.of(tile).reshape(self.n_features, -1)
            drawn.append(maps[:, rng.integers(maps.shape[1], size=per_tile)].T)
        return np.concatenate(drawn)[rng.permutation(per_tile * len(tiles))[:n_voxels]]

    def at(self, voxels: Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
        """Return the features of single voxels ``(N, 3)``, Z Y X: ``(N, C)``, float32."""
        rows = [
            self.of(Box((z, y, x), (z + 1, y + 1, x + 1)))[:, 0, 0]
            for z, y, x in np.asarray(voxels, dtype=np.int64).tolist()
        ]
        return np.stack(rows) if rows else np.empty((0, self.n_features), dtype=np.float32)

    def of(self, box: Box) -> np.ndarray:
        """Return the features of a part of one slice, ``(C, Y, X)``, float32.

        They are kept for the next call, the oldest leaving when memory is full.

        Args:
            box: One slice thick, inside the volume.
        """
        if box in self._kept:
            self._kept.move_to_end(box)
            return self._kept[box]
        made = np.concatenate([self._grey(box), self._codes(box)])
        self._kept[box] = made
        while sum(one.nbytes for one in self._kept.values()) > CACHED_BYTES and len(self._kept) > 1:
            self._kept.popitem(last=False)
        return made

    def _shown(self, box: Box) -> np.ndarray:
        """Return a part of a slice as the network sees it, ``(Y, X)``, float32 in [0, 1]."""
        voxels = self.source.volume.read(box)[0]
        contrast = self.source.contrast
        row = box.start[0] // self.grid.stride[0]
        return self.source.shown(voxels, 0 if contrast is None else min(row, len(contrast) - 1))

    def _around(self, box: Box, margin: int, multiple: int) -> Box:
        """Return a part of the slice with so much around it, from multiples on."""
        start = [max(0, a - margin) // multiple * multiple for a in box.start[1:]]
        shape = self.source.volume.shape
        stop = [min(n, b + margin) for n, b in zip(shape[1:], box.stop[1:], strict=True)]
        z = box.start[0]
        return Box((z, start[0], start[1]), (z + 1, stop[0], stop[1]))

    def _grey(self, box: Box) -> np.ndarray:
        around = self._around(box, grey.MARGIN, grey.STEP)
        maps = grey.maps(self._shown(around))
        return maps[(slice(None), *box.moved([-a for a in around.start]).slices[1:])]

    def _windows(self, box: Box) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return codes of the windows around a part of a slice, and where their rows are centred.

        Returns:
            Codes ``(rows * columns, D)``, and the centres of rows and of columns, in voxels.
        """
        firsts = []
        half = (self.window - 1) / 2
        for axis in (1, 2):
            last = (self.source.volume.shape[axis] - self.window) // self.step
            low = int(np.clip(np.floor((box.start[axis] - half) / self.step), 0, last))
            high = int(np.clip(np.ceil((box.stop[axis] - 1 - half) / self.step), 0, last))
            firsts.append(np.arange(low, high + 1) * self.step)
        rows, columns = np.meshgrid(*firsts, indexing="ij")
        network = cast(Encoder, self.model.network)
        margin, multiple = 0, 1
        if isinstance(network, Convolutional):
            margin = dense.surroundings(network, self.grid.size)
            multiple = lcm(network.input_size, network.cell) // network.input_size
            multiple *= self.grid.size
        covered = Box(
            (box.start[0], int(firsts[0][0]), int(firsts[1][0])),
            (box.stop[0], int(firsts[0][-1]) + self.window, int(firsts[1][-1]) + self.window),
        )
        around = self._around(covered, margin, multiple)
        boxes = np.zeros((rows.size, 5), dtype=np.int64)
        boxes[:, 1] = rows.ravel() - around.start[1]
        boxes[:, 2] = columns.ravel() - around.start[2]
        boxes[:, 3:] = self.window
        stack = Stack("a slice", [self._shown(around)], ["0"], intensity=(0, 1))
        codes = encode.embed(
            self.model, stack, boxes, patch_size=self.grid.size,
            compute=replace(self.compute, progress=False),
        )  # fmt: skip
        return codes, [first + half for first in firsts]

    def _codes(self, box: Box) -> np.ndarray:
        """Return projected codes at every voxel, ``(C, Y, X)``, between windows linearly."""
        if self.projection is None:
            raise RuntimeError("learn comes first")
        codes, centres = self._windows(box)
        few = self.projection(codes)
        grid = torch.from_numpy(few).T.reshape(1, -1, *(len(c) for c in centres))
        places = []
        for axis, centre in zip((1, 2), centres, strict=True):
            voxels = np.arange(box.start[axis], box.stop[axis])
            index = np.interp(voxels, centre, np.arange(len(centre)))
            places.append(torch.from_numpy(2 * index / max(1, len(centre) - 1) - 1).float())
        y, x = torch.meshgrid(*places, indexing="ij")
        sampled = functional.grid_sample(
            grid.float(), torch.stack([x, y], -1)[None], align_corners=True, padding_mode="border"
        )
        return sampled[0].numpy()
