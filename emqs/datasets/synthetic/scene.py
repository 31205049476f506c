"""Where the structures of the toy stack are: 3-D objects, and their cut with one slice.

All lengths are pixels of the slice plane, depth included; positions are ``(Z, Y, X)``. Neurites
are the cells of a Voronoi tessellation around tubes; mitochondria are thick tubes inside the
largest of them; one cell body holds the nucleus. A smooth warp bends everything together.
"""

from dataclasses import dataclass

import numpy as np

from emqs.datasets.synthetic.noise import SmoothNoise

REACH = 48.0  # farthest that a neurite extends beyond its tube; glia fills the rest
WARP = 13.0  # strength of the warp, standard deviation
RIPPLE = 3.2  # of a finer warp on top
OUTSIDE = -99.0  # depth that stands for "not near this structure"
SOMA_SHELL = 22.0  # cytoplasm around the nucleus
GLIA, SOMA = 0, 1  # cell numbers; neurites follow


@dataclass(frozen=True)
class Tube:
    """A straight tube with round ends."""

    start: np.ndarray  # (3,)
    end: np.ndarray  # (3,)
    radius: float

    def distance(self, depth: float, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return the distance of points of one plane from the tube's axis, float32."""
        axis = self.end - self.start
        squared = max(float(axis @ axis), 1e-6)
        z, y, x = np.float32(depth - self.start[0]), rows - self.start[1], columns - self.start[2]
        along = (z * np.float32(axis[0]) + y * np.float32(axis[1]) + x * np.float32(axis[2])) * (
            np.float32(1.0 / squared)
        )
        along = np.clip(along, 0.0, 1.0, out=along)
        dz, dy, dx = (np.float32(a) for a in axis)
        return np.sqrt((z - along * dz) ** 2 + (y - along * dy) ** 2 + (x - along * dx) ** 2)


@dataclass(frozen=True)
class Mitochondrion:
    """A thick tube, and the direction across its cristae."""

    tube: Tube
    cell: int
    across: np.ndarray  # unit vector (3,): the cristae are sheets at right angles to it
    period: float  # distance of the cristae
    darkness: float  # change of the matrix grey value


@dataclass(frozen=True)
class Nucleus:
    """An ellipsoid, in most cases cut by the edge of the picture."""

    centre: np.ndarray  # (3,)
    radii: np.ndarray  # (3,)

    def distance(self, depth: float, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return about the distance outside (above 0) or inside (below 0) the surface."""
        z, y, x = depth - self.centre[0], rows - self.centre[1], columns - self.centre[2]
        rz, ry, rx = (np.float32(r) for r in self.radii)
        norm = np.sqrt(np.float32(z / rz) ** 2 + (y / ry) ** 2 + (x / rx) ** 2)
        return (norm - 1) * np.float32((ry + rx) / 2)


@dataclass(frozen=True)
class Synapse:
    """A dense patch of membrane, and the cloud of vesicles in the cell on one side of it."""

    site: np.ndarray  # (3,) on the membrane
    radius: float  # of the dense patch
    cell: int  # the presynaptic cell
    cloud: np.ndarray  # (3,) centre of the vesicles
    cloud_radius: float


@dataclass(frozen=True)
class Cut:
    """What one slice shows; every array has shape ``(Y, X)``."""

    rows: np.ndarray  # warped coordinates, float32
    columns: np.ndarray
    cell: np.ndarray  # cell number, int32
    gap: np.ndarray  # distance from the nearest cell border, float32
    mitochondrion: np.ndarray  # index of the mitochondrion here or near, int32, else -1
    mito_depth: np.ndarray  # distance inside its surface, float32, negative outside
    nucleus_depth: np.ndarray  # distance inside the nucleus, float32, negative outside


@dataclass(frozen=True)
class Scene:
    """All objects of one volume."""

    extent: tuple[float, int, int]  # depth, height, width
    tubes: list[Tube]  # of the neurites; the cell number is the index + 2
    mitochondria: list[Mitochondrion]
    nucleus: Nucleus
    warp: tuple[SmoothNoise, SmoothNoise]
    ripple: tuple[SmoothNoise, SmoothNoise]
    bumps: SmoothNoise  # roughness of the surfaces

    def cut(self, depth: float) -> Cut:
        """Return the cut through the objects at a depth."""
        _, height, width = self.extent
        y, x = np.mgrid[:height, :width].astype(np.float32)
        rows = y + WARP * self.warp[0].at(depth) + RIPPLE * self.ripple[0].at(depth)
        columns = x + WARP * self.warp[1].at(depth) + RIPPLE * self.ripple[1].at(depth)
        bumps = self.bumps.at(depth)
        to_nucleus = self.nucleus.distance(depth, rows, columns) + 4 * bumps
        cell, gap = self._cells(depth, rows, columns, to_nucleus)
        mitochondrion = np.full(cell.shape, -1, dtype=np.int32)
        mito_depth = np.full(cell.shape, OUTSIDE, dtype=np.float32)
        for index, mito in enumerate(self.mitochondria):
            window = self._window(mito.tube, depth, 24.0)
            if window is None:
                continue
            inside = mito.tube.radius - mito.tube.distance(depth, rows[window], columns[window])
            inside = np.minimum(inside + 3.5 * bumps[window], gap[window] - 6)
            near = (cell[window] == mito.cell) & (inside > mito_depth[window])
            mito_depth[window][near] = inside[near]
            mitochondrion[window][near] = index
        return Cut(rows, columns, cell, gap, mitochondrion, mito_depth, -to_nucleus)

    def _cells(
        self, depth: float, rows: np.ndarray, columns: np.ndarray, to_nucleus: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the cell number and the distance from the cell border of each pixel."""
        shape = rows.shape
        cell = np.full(shape, GLIA, dtype=np.int32)
        first = np.full(shape, REACH, dtype=np.float32)
        second = np.full(shape, REACH + 60.0, dtype=np.float32)
        everywhere = (slice(0, shape[0]), slice(0, shape[1]))
        _claim(cell, first, second, everywhere, to_nucleus - np.float32(SOMA_SHELL), SOMA)
        for number, tube in enumerate(self.tubes, start=2):
            window = self._window(tube, depth, REACH)
            if window is not None:
                away = tube.distance(depth, rows[window], columns[window])
                _claim(cell, first, second, window, away - np.float32(tube.radius), number)
        lead = second - first
        slope_y, slope_x = np.gradient(lead)
        slope = _largest_neighbour(np.hypot(slope_y, slope_x))
        return cell, lead / np.clip(slope, 0.6, 2.5)

    def _window(self, tube: Tube, depth: float, reach: float) -> tuple[slice, slice] | None:
        """Return the part of the slice that a tube can touch, or None."""
        reach += tube.radius
        low, high = np.minimum(tube.start, tube.end), np.maximum(tube.start, tube.end)
        if not low[0] - reach < depth < high[0] + reach:
            return None
        reach += 3 * (WARP + RIPPLE)
        top, left = (max(0, int(low[i] - reach)) for i in (1, 2))
        bottom, right = (min(self.extent[i], int(high[i] + reach) + 1) for i in (1, 2))
        if top >= bottom or left >= right:
            return None
        return slice(top, bottom), slice(left, right)


def _claim(
    cell: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    window: tuple[slice, slice],
    away: np.ndarray,
    number: int,
) -> None:
    """Give a cell the pixels that are nearer to it than to the cells so far, in place."""
    nearest = first[window]
    cell[window][away < nearest] = number
    second[window] = np.minimum(second[window], np.maximum(nearest, away))
    first[window] = np.minimum(nearest, away)


def _largest_neighbour(field: np.ndarray) -> np.ndarray:
    """Return the largest value of each 3x3 neighbourhood."""
    padded = np.pad(field, 1, mode="edge")
    tall = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return np.maximum(np.maximum(tall[:, :-2], tall[:, 1:-1]), tall[:, 2:])
