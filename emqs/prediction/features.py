"""What a head sees of every voxel: codes of the windows around it, and grey maps.

Codes are those of windows as wide as the patches of the embedding volume and half as wide, on a
grid of a tenth of a patch, projected to the few directions in which the volume varies most and,
between windows, interpolated. Directions keep how much the volume varies along them: what few
clicks cannot tell is then decided by what is plain to see; those along which the encoder's codes
change where a thing lies another way or is larger are shortened first. They are computed tile by
tile where they are needed, and so are the grey maps; a tile sees enough of its surroundings that
the features are those of the whole slice. Beyond its rim a slice goes on as in a mirror.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil, floor, lcm
from typing import cast

import numpy as np

from emqs.datasets import Stack
from emqs.embedding import dense, encode
from emqs.embedding.build.planes import PlaceSource
from emqs.embedding.stores.grid import PlaceGrid
from emqs.errors import ConfigError
from emqs.models import Convolutional, Encoder, turned
from emqs.models.compute import Compute
from emqs.models.weights import Model
from emqs.prediction import grey
from emqs.prediction.layers import Layer, Layers, between
from emqs.volumes import Box

CACHED_BYTES = 2**30  # of tiles that are kept, so that the next clicks there cost little
SAMPLE_EDGE = 256  # of the tiles that voxels of the whole volume are drawn from
SAMPLE_TILES = 16
N_PROBES, PROBE_PATCHES, PROBE = 4, 4, 0.4  # discs: their number, edge of the noise, radius


@dataclass(frozen=True)
class Projection:
    """Few numbers instead of a long code, and grey maps of one scale; learnt without labels.

    Attributes:
        mean: Of codes, ``(D,)``, float32.
        directions: ``(D, C)``, float32; codes are scaled by their spread within.
        grey_mean: Of grey maps, ``(G,)``, float32.
        grey_spread: Their standard deviation, ``(G,)``, float32.
        offset: By how many voxels, Y X, the code that tells most of a place lies after it.
    """

    mean: np.ndarray
    directions: np.ndarray
    grey_mean: np.ndarray
    grey_spread: np.ndarray
    offset: tuple[float, float] = (0.0, 0.0)

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """Return ``(n, C)``, float32, of codes ``(n, D)``."""
        return (codes - self.mean) @ self.directions


def principal(
    codes: np.ndarray, n: int, changes: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of codes ``(N, D)``, and the directions in which they vary most, ``(D, C)``.

    Every dimension counts alike, whatever its spread. Directions keep their variances relative to
    each other; on average they are one.

    Args:
        codes: Of windows of several sizes, side by side.
        n: Directions that are kept.
        changes: How codes of one size change where the same thing lies another way or is larger,
            as ``turned.of`` returns it: such directions count less. None: all alike.
    """
    mean, spread = codes.mean(axis=0), codes.std(axis=0) + np.float32(1e-6)
    scaled = (codes - mean) / spread
    turns = None
    if changes is not None:
        turns = np.kron(np.eye(codes.shape[1] // len(changes)), turned.steadied(changes))
        scaled = scaled @ turns
    values, vectors = np.linalg.eigh(np.cov(scaled, rowvar=False).astype(np.float64))
    order = np.argsort(values)[::-1][: min(n, len(values))]
    kept = vectors[:, order] if turns is None else turns @ vectors[:, order]
    directions = kept / np.sqrt(max(float(values[order].mean()), 1e-9))
    signs = np.sign(directions[np.abs(directions).argmax(axis=0), np.arange(len(order))])
    directions = directions * signs / spread[:, None]
    return mean.astype(np.float32), directions.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows around a part of a slice.

    Attributes:
        codes: Those of both sizes one after the other, ``(rows, columns, D)``, float32.
        spans: The first window and the last, along Y and along X, counted in steps of the grid.
    """

    codes: np.ndarray
    spans: list[tuple[int, int]]


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
    _kept: "OrderedDict[Box, Layers]" = field(default_factory=OrderedDict, repr=False)

    def __post_init__(self) -> None:
        """Check that the volume is as large as a patch."""
        shape = self.source.volume.shape
        if min(shape[1:]) < self.grid.seen:
            raise ConfigError(
                f"Slices of {shape[1]} x {shape[2]} voxels are smaller than a patch of "
                f"{self.grid.seen}. Embed with a smaller patch.size."
            )
        self.model = replace(
            self.model, preprocessing=replace(self.model.preprocessing, contrast="none")
        )

    @property
    def windows(self) -> tuple[int, int]:
        """Edges of the windows, in voxels."""
        return max(1, self.grid.seen // 2), self.grid.seen

    @property
    def step(self) -> int:
        """Between windows, in voxels."""
        return max(1, self.grid.seen // 10)

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
        offset = self.offset()
        windows = [self._windows(tile, (0.0, 0.0), offset) for tile in tiles]
        around = [
            self._part(one, tile, (0.0, 0.0)) for one, tile in zip(windows, tiles, strict=True)
        ]
        codes = np.concatenate([one.codes.reshape(-1, one.codes.shape[-1]) for one in around])
        mean, directions = principal(codes, n_components, turned.of(self.model.sha256))
        plain = np.zeros(grey.N_MAPS, np.float32), np.ones(grey.N_MAPS, np.float32)
        self.projection = Projection(mean, directions, *plain, offset)
        self._kept.clear()
        per_tile = -(-n_voxels // len(tiles))
        drawn = []
        for tile, one in zip(tiles, windows, strict=True):
            layers = Layers([*self._grey(tile), self._codes(tile, self._part(one, tile, offset))])
            maps = layers.full().reshape(self.n_features, -1)
            drawn.append(maps[:, rng.integers(maps.shape[1], size=per_tile)].T)
        sample = np.concatenate(drawn)
        maps = sample[:, : grey.N_MAPS]
        scale = maps.mean(axis=0), maps.std(axis=0) + np.float32(1e-6)
        self.projection = Projection(mean, directions, *scale, offset)
        sample[:, : grey.N_MAPS] = (maps - scale[0]) / scale[1]
        return sample[rng.permutation(len(sample))[:n_voxels]]

    def offset(self) -> tuple[float, float]:
        """Return by how many voxels, Y X, the code that tells most of a place lies after it.

        What a network makes of a window leans to one side of its middle, which is learnt. So it is
        measured: discs are drawn on noise, and the middle of where codes change is
        compared with the middle of the disc.
        """
        rng = np.random.default_rng(0)
        edge, step = self.grid.seen, self.step
        length = PROBE_PATCHES * edge
        first = np.arange(0, length - self.windows[0], step)
        boxes = np.zeros((len(first) ** 2, 5), dtype=np.int64)
        boxes[:, 1:3] = np.stack(np.meshgrid(first, first, indexing="ij"), -1).reshape(-1, 2)
        boxes[:, 3:] = self.windows[0]
        rows, columns = np.ogrid[:length, :length]
        found = []
        for _ in range(N_PROBES):
            plain = np.clip(rng.normal(0.6, 0.05, (length, length)), 0, 1).astype(np.float32)
            centre = length / 2 + rng.uniform(-step, step, 2)
            inside = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= (edge * PROBE) ** 2
            shown = plain - np.where(inside, np.float32(0.3), np.float32(0))
            codes = encode.embed(
                self.model, Stack("discs", [plain, np.clip(shown, 0, 1)], ["0", "1"],
                                  intensity=(0, 1)),
                np.concatenate([boxes, boxes + np.eye(1, 5, dtype=np.int64)]), patch_size=edge,
                compute=replace(self.compute, progress=False),
            )  # fmt: skip
            before, after = np.split(codes.astype(np.float64), 2)
            change = ((after - before) ** 2).sum(axis=1)
            middles = boxes[:, 1:3] + (self.windows[0] - 1) / 2
            found.append(
                (middles * change[:, None]).sum(axis=0) / max(change.sum(), 1e-12) - centre
            )
        y, x = np.mean(found, axis=0).tolist()
        return y, x

    def at(self, voxels: Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
        """Return the features of single voxels ``(N, 3)``, Z Y X: ``(N, C)``, float32."""
        places = np.asarray(voxels, dtype=np.int64).reshape(-1, 3)
        result = np.empty((len(places), self.n_features), dtype=np.float32)
        cells = places // (1, SAMPLE_EDGE, SAMPLE_EDGE)
        _, cell_of = np.unique(cells, axis=0, return_inverse=True)
        for cell in range(int(cell_of.max(initial=-1)) + 1):
            members = np.flatnonzero(cell_of.ravel() == cell)
            (z, y, x), (_, bottom, right) = (f(places[members], axis=0) for f in (np.min, np.max))
            maps = self.of(
                Box((int(z), int(y), int(x)), (int(z) + 1, int(bottom) + 1, int(right) + 1))
            )
            result[members] = maps[:, places[members, 1] - y, places[members, 2] - x].T
        return result

    def known(self, voxel: tuple[int, int, int]) -> np.ndarray | None:
        """Return the features of a voxel, ``(C,)``, if they are kept; None if not."""
        for box, maps in reversed(self._kept.items()):
            if all(a <= v < b for a, v, b in zip(box.start, voxel, box.stop, strict=True)):
                return maps.at(voxel[1] - box.start[1], voxel[2] - box.start[2])
        return None

    def of(self, box: Box) -> np.ndarray:
        """Return the features of a part of one slice, ``(C, Y, X)``, float32; see ``layers``."""
        return self.layers(box).full()

    def layers(self, box: Box) -> Layers:
        """Return the features of a part of one slice, as coarse as they are made.

        They are kept for the next call, the oldest leaving when memory is full.

        Args:
            box: One slice thick, inside the volume.
        """
        if box in self._kept:
            self._kept.move_to_end(box)
            return self._kept[box]
        made = self._made(box)
        self._kept[box] = made
        while sum(one.nbytes for one in self._kept.values()) > CACHED_BYTES and len(self._kept) > 1:
            self._kept.popitem(last=False)
        return made

    def _made(self, box: Box) -> Layers:
        if self.projection is None:
            raise RuntimeError("learn comes first")
        codes = self._codes(box, self._windows(box, self.projection.offset))
        return Layers([*self._grey(box), codes])

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

    def _grey(self, box: Box) -> list[Layer]:
        if self.projection is None:
            raise RuntimeError("learn comes first")
        around = self._around(box, grey.MARGIN, grey.STEP)
        _, rows, columns = box.moved([-a for a in around.start]).slices
        scale = self.projection.grey_mean, self.projection.grey_spread
        return grey.layers(self._shown(around), (rows, columns), scale)

    def _spans(self, box: Box, offset: tuple[float, float]) -> list[tuple[int, int]]:
        """Return the first and the last window, along Y and along X, around a part of a slice."""
        step, spans = self.step, []
        for axis, lag in zip((1, 2), offset, strict=True):
            most = (self.source.volume.shape[axis] - 1 - step // 2) // step
            start, stop = box.start[axis] + floor(lag), box.stop[axis] + ceil(lag)
            low = int(np.clip((start - step // 2) // step, 0, most))
            high = int(np.clip(-((step // 2 - stop) // step), 0, most))
            spans.append((low, high))
        return spans

    def _part(self, windows: Windows, box: Box, offset: tuple[float, float]) -> Windows:
        """Return those of the windows that are around a part of a slice."""
        (top, bottom), (left, right) = self._spans(box, offset)
        (y, _), (x, _) = windows.spans
        codes = windows.codes[top - y : bottom + 1 - y, left - x : right + 1 - x]
        return Windows(codes, [(top, bottom), (left, right)])

    def _windows(self, box: Box, *offsets: tuple[float, float]) -> Windows:
        """Return the windows around a part of a slice, for each of some offsets of codes."""
        pad = self.grid.seen // 2  # the slice with so much around it is cut
        each = np.array([self._spans(box, offset) for offset in offsets])
        spans = [(int(own[:, 0].min()), int(own[:, 1].max())) for own in np.moveaxis(each, 1, 0)]
        centres = [self._centres(span) for span in spans]
        rows, columns = (c.ravel() + pad for c in np.meshgrid(*centres, indexing="ij"))
        network = cast(Encoder, self.model.network)
        margin, multiple = 0, 1
        if isinstance(network, Convolutional):
            margin = dense.surroundings(network, self.grid.seen)
            multiple = lcm(network.input_size, network.cell) // network.input_size
            multiple *= self.grid.seen
        first = [max(0, int(c[0]) - margin) // multiple * multiple for c in centres]
        last = [int(c[-1]) + 2 * pad + 1 + margin for c in centres]
        boxes = np.zeros((len(self.windows), rows.size, 5), dtype=np.int64)
        for own, edge in zip(boxes, self.windows, strict=True):
            own[:, 1], own[:, 2] = rows - edge // 2 - first[0], columns - edge // 2 - first[1]
            own[:, 3:] = edge
        image = self._mirrored(box.start[0], first, last, pad)
        codes = encode.embed(
            self.model, Stack("a slice", [image], ["0"], intensity=(0, 1)), boxes.reshape(-1, 5),
            patch_size=self.grid.seen, compute=replace(self.compute, progress=False),
        )  # fmt: skip
        joined = np.concatenate(np.split(codes, len(boxes)), axis=1)
        return Windows(joined.reshape(len(centres[0]), len(centres[1]), -1), spans)

    def _centres(self, span: tuple[int, int]) -> np.ndarray:
        """Return the middles of windows along an axis, rounded up, in voxels."""
        return np.arange(span[0], span[1] + 1) * self.step + self.step // 2

    def _mirrored(self, z: int, first: list[int], last: list[int], pad: int) -> np.ndarray:
        """Return a part of a slice that has ``pad`` voxels around it, which mirror it.

        Args:
            z: The slice.
            first: Row and column at which the part begins, counted with what is around.
            last: Row and column before which it ends; it may end sooner.
            pad: Voxels around the slice.
        """
        shape = self.source.volume.shape[1:]
        start = [max(0, a - pad) for a in first]
        stop = [min(n, b - pad) for n, b in zip(shape, last, strict=True)]
        around = [
            (max(0, pad - a), min(pad, max(0, b - pad - n)))
            for a, b, n in zip(first, last, shape, strict=True)
        ]
        part = self._shown(Box((z, start[0], start[1]), (z + 1, stop[0], stop[1])))
        return np.pad(part, around, mode="symmetric")

    def _codes(self, box: Box, windows: Windows) -> Layer:
        """Return projected codes of the windows, which are enlarged between them linearly."""
        if self.projection is None:
            raise RuntimeError("learn comes first")
        n_rows, n_columns, size = windows.codes.shape
        grid = self.projection(windows.codes.reshape(-1, size)).T.reshape(-1, n_rows, n_columns)
        ways = []
        for axis, span in zip((1, 2), windows.spans, strict=True):
            centre = self._centres(span) - 0.5
            voxels = np.arange(box.start[axis], box.stop[axis]) + self.projection.offset[axis - 1]
            index = np.interp(voxels, centre, np.arange(len(centre)))
            ways.append(between(index, len(centre)))
        return Layer(np.ascontiguousarray(grid), *ways)
