"""What the structures of the toy stack look like, and how a microscope would image them."""

import numpy as np

from emqs.datasets.synthetic import placement
from emqs.datasets.synthetic.noise import SmoothNoise
from emqs.datasets.synthetic.scene import OUTSIDE, Cut, Mitochondrion, Scene
from emqs.errors import ConfigError

CLASSES: dict[int, str] = {
    1: "mitochondrion",
    2: "membrane",
    3: "vesicles",
    4: "nucleus",
    5: "synaptic density",
}
PIXEL_SIZE_NM = 5.0  # edge of a pixel in the slice plane
SECTION_NM = 20.0  # distance between slices
MITOCHONDRION, MEMBRANE, VESICLES, NUCLEUS, DENSITY = CLASSES

_SMALLEST = 64  # pixels: below this no mitochondrion fits
_VESICLE_RADIUS = 4.0  # pixels: 40 nm across
_VESICLE_SPACING = 7.7  # pixels, of the lattice they are scattered around


def em_stack(*, n_slices: int, height: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a stack that looks like electron microscopy of nervous tissue.

    Args:
        n_slices: Number Z of slices, at least 1; ``SECTION_NM`` apart.
        height: Rows Y, at least 64 pixels of ``PIXEL_SIZE_NM``.
        width: Columns X, at least 64 pixels.
        seed: Any integer from 0. The same numbers give the same stack.

    Returns:
        Grey values and labels, both of shape ``(Z, Y, X)``, uint8. Labels are the keys of
        ``CLASSES``; 0 is everything else. A label covers the structure with its own membrane;
        3 is the whole cloud of vesicles, not each ring.

    Raises:
        ConfigError: If the stack would be too small, or the seed is negative.
    """
    _check("dataset.toy.n_slices", n_slices, 1, "")
    _check("dataset.toy.height", height, _SMALLEST, " pixels")
    _check("dataset.toy.width", width, _SMALLEST, " pixels")
    _check("dataset.toy.seed", seed, 0, "")
    rng = np.random.default_rng(seed)
    step = SECTION_NM / PIXEL_SIZE_NM
    painter = Painter(rng, (step * (n_slices - 1), height, width))
    raw = np.empty((n_slices, height, width), dtype=np.uint8)
    labels = np.empty_like(raw)
    for z in range(n_slices):
        ideal, labels[z] = painter.paint(step * z)
        raw[z] = _image(rng, ideal)
    return raw, labels


def _check(setting: str, value: int, lowest: int, unit: str) -> None:
    """Refuse a number below its limit."""
    if value < lowest:
        raise ConfigError(f"{setting} must be at least {lowest}{unit}, got {value}.")


class Painter:
    """Paints slices of one scene, before imaging."""

    def __init__(self, rng: np.random.Generator, extent: tuple[float, int, int]) -> None:
        """Place the objects and draw the random textures they are filled with.

        Args:
            rng: Source of the random numbers.
            extent: Depth, height and width of the volume, in pixels.
        """
        self._rng = rng
        self._scene: Scene = placement.build(rng, extent)
        self._synapses = placement.place_synapses(rng, self._scene)
        n_cells = len(self._scene.tubes) + 2
        self._grey = np.clip(rng.normal(163, 9, n_cells), 135, 182).astype(np.float32)
        dark = rng.random(n_cells) < 0.2
        self._grey[dark] = rng.uniform(116, 138, n_cells)[dark]
        self._grain = rng.uniform(12, 34, n_cells).astype(np.float32)
        self._slow = SmoothNoise(rng, extent, 60.0)
        self._medium = SmoothNoise(rng, extent, 14.0)
        self._fine = SmoothNoise(rng, extent, 7.0)
        self._reticulum = SmoothNoise(rng, extent, 34.0)
        self._vesicles = _scatter(rng, extent)

    def paint(self, depth: float) -> tuple[np.ndarray, np.ndarray]:
        """Return ideal grey values (float32) and labels (uint8) of one slice, ``(Y, X)``."""
        from scipy import ndimage

        cut = self._scene.cut(depth)
        slow, medium, fine = (n.at(depth) for n in (self._slow, self._medium, self._fine))
        cloud = self._cloud(cut, depth, medium)
        dense = self._dense(cut, depth)
        grains = ndimage.gaussian_filter(
            self._rng.standard_normal(cut.gap.shape, dtype=np.float32), 1.1
        )
        grains *= 1.0 / grains.std()
        grey = self._cytoplasm(cut, slow, fine, grains, depth)
        self._add_vesicles(grey, cut, cloud, depth)
        self._add_mitochondria(grey, cut, depth, (slow, medium, grains))
        self._add_nucleus(grey, cut, slow, medium, fine, grains)
        _add_membranes(grey, cut, medium)
        grey -= np.clip(dense * (1 + 0.12 * grains), 0, 1) * (grey - 56 - 6 * fine)
        return grey, _label(cut, cloud, dense)

    def _cytoplasm(
        self, cut: Cut, slow: np.ndarray, fine: np.ndarray, grains: np.ndarray, depth: float
    ) -> np.ndarray:
        """Return grey values of the cells: a level of their own, grains and some reticulum."""
        grey = self._grey[cut.cell] + 4 * slow + 4 * fine
        density = np.clip(1.1 + 0.5 * slow, 0.3, 2)
        grey -= self._grain[cut.cell] * density * np.clip(-grains - 0.4, 0, 2.0)
        winding = self._reticulum.at(depth)  # 0 on winding sheets
        away = np.abs(winding) / (np.hypot(*np.gradient(winding)) + 0.012)  # pixels
        gate = np.clip((slow - 0.3) * 2, 0, 1) * np.clip((cut.gap - 9) / 4, 0, 1)
        wall = np.exp(-(((away - 2.8) / 1.2) ** 2))
        lumen = np.exp(-((away / 1.8) ** 2))
        return grey + gate * (8 * lumen - 48 * wall)

    def _cloud(self, cut: Cut, depth: float, medium: np.ndarray) -> np.ndarray:
        """Return where vesicles crowd, bool ``(Y, X)``."""
        cloud = np.zeros(cut.cell.shape, dtype=bool)
        for synapse in self._synapses:
            window, away = _around(synapse.cloud, synapse.cloud_radius + 12, cut, depth)
            if window is None:
                continue
            inside = away + 4 * medium[window] < synapse.cloud_radius
            cloud[window] |= inside & (cut.cell[window] == synapse.cell)
        return cloud & (cut.gap > 4.5) & (cut.mito_depth < -3)

    def _dense(self, cut: Cut, depth: float) -> np.ndarray:
        """Return how dense the membrane is, float32 in [0, 1]: 1 in a synaptic density."""
        dense = np.zeros(cut.cell.shape, dtype=np.float32)
        for synapse in self._synapses:
            window, away = _around(synapse.site, synapse.radius + 6, cut, depth)
            if window is None:
                continue
            facing = _near_cell(cut.cell[window] == synapse.cell, 13)
            thick = np.where(cut.cell[window] == synapse.cell, 3.5, 9.5)
            edge = np.clip((synapse.radius - away) / 9, 0, 1)
            edge *= np.clip((thick - cut.gap[window]) / 4.5, 0, 1) * facing
            dense[window] = np.maximum(dense[window], edge)
        return dense

    def _add_vesicles(self, grey: np.ndarray, cut: Cut, cloud: np.ndarray, depth: float) -> None:
        """Draw the vesicles cut by this slice as rings, in place: all in a cloud, few elsewhere."""
        z, y, x, luck = self._vesicles
        radius = np.sqrt(np.clip(_VESICLE_RADIUS**2 - (z - depth) ** 2, 0, None))
        height, width = grey.shape
        seen = (radius > 1.5) & (y > 7) & (x > 7) & (y < height - 8) & (x < width - 8)
        y, x, radius, luck = y[seen], x[seen], radius[seen], luck[seen]
        rows, columns = y.astype(int), x.astype(int)
        free = (cut.gap[rows, columns] > 7) & (cut.mito_depth[rows, columns] < -6)
        free &= cut.nucleus_depth[rows, columns] < -8
        chosen = free & (luck < np.where(cloud[rows, columns], 0.92, 0.02))
        y, x, radius = y[chosen], x[chosen], radius[chosen]
        rows, columns = rows[chosen], columns[chosen]
        offsets = np.arange(-7, 8)
        at_y = rows[:, None, None] + offsets[None, :, None]
        at_x = columns[:, None, None] + offsets[None, None, :]
        away = np.hypot(at_y - y[:, None, None], at_x - x[:, None, None])
        ring = np.exp(-(((away - radius[:, None, None]) / 1.15) ** 2))
        core = np.clip(radius[:, None, None] - away, 0, 1)
        ringed, cored = np.zeros_like(grey), np.zeros_like(grey)
        np.maximum.at(ringed, (at_y, at_x), ring.astype(np.float32))
        np.maximum.at(cored, (at_y, at_x), core.astype(np.float32))
        grey += cored * (1 - ringed) * 12 - 64 * ringed

    def _add_mitochondria(
        self,
        grey: np.ndarray,
        cut: Cut,
        depth: float,
        textures: tuple[np.ndarray, np.ndarray, np.ndarray],
    ) -> None:
        """Draw matrix, cristae and the double membrane, in place."""
        from scipy import ndimage

        slow, medium, grains = textures
        for index, box in enumerate(ndimage.find_objects(cut.mitochondrion + 1)):
            if box is None:
                continue
            mito: Mitochondrion = self._scene.mitochondria[index]
            inside = np.where(cut.mitochondrion[box] == index, cut.mito_depth[box], OUTSIDE)
            across = (cut.rows[box] - mito.tube.start[1]) * mito.across[1]
            across += (cut.columns[box] - mito.tube.start[2]) * mito.across[2]
            across += (depth - mito.tube.start[0]) * mito.across[0]
            phase = across + 5 * slow[box] + 2.4 * medium[box]
            sheet = (0.5 + 0.5 * np.cos(2 * np.pi * phase / mito.period)) ** 2.2
            present = np.clip(0.75 + 0.6 * medium[box], 0.1, 1) * np.clip((inside - 5) / 3, 0, 1)
            matrix = 125 + mito.darkness + 5 * slow[box] + 4 * grains[box] - 44 * sheet * present
            body = np.clip(inside, 0, 1)
            grey[box] += body * (matrix - grey[box])
            grey[box] -= 62 * np.exp(-(((inside - 0.8) / 1.3) ** 2))
            grey[box] -= 34 * np.exp(-(((inside - 5.0) / 1.2) ** 2))

    def _add_nucleus(
        self,
        grey: np.ndarray,
        cut: Cut,
        slow: np.ndarray,
        medium: np.ndarray,
        fine: np.ndarray,
        grains: np.ndarray,
    ) -> None:
        """Draw chromatin and the nuclear envelope, in place."""
        depth = cut.nucleus_depth
        rim = np.exp(-np.clip(depth - 4, 0, None) / 14)
        clump = 0.6 * slow + 0.8 * medium + 0.35 * fine + 1.5 * rim - 0.75
        chromatin = 1 / (1 + np.exp(-np.clip(5 * clump, -30, 30)))
        plasm = 158 + 4 * fine - 40 * chromatin - (6 + 7 * chromatin) * np.clip(-grains, -0.5, 2)
        grey += np.clip(depth, 0, 1) * (plasm - grey)
        grey -= 78 * np.exp(-(((depth - 5.5) / 1.4) ** 2)) + 78 * np.exp(-((depth / 1.4) ** 2))
        grey += 8 * np.exp(-(((depth - 2.8) / 1.2) ** 2))


def _around(
    centre: np.ndarray, reach: float, cut: Cut, depth: float
) -> tuple[tuple[slice, slice] | None, np.ndarray]:
    """Return the window of a slice within reach of a point, and the distances there."""
    height, width = cut.cell.shape
    top, left = (max(0, int(c - reach)) for c in centre[1:])
    bottom, right = min(height, int(centre[1] + reach)), min(width, int(centre[2] + reach))
    if abs(depth - centre[0]) > reach or top >= bottom or left >= right:
        return None, np.empty((0, 0))
    y, x = np.ogrid[top:bottom, left:right]
    away = np.sqrt((y - centre[1]) ** 2 + (x - centre[2]) ** 2 + (depth - centre[0]) ** 2)
    return (slice(top, bottom), slice(left, right)), away


def _near_cell(mask: np.ndarray, size: int) -> np.ndarray:
    """Return the mask grown by half of ``size`` pixels."""
    from scipy import ndimage

    return ndimage.maximum_filter(mask, size=size)


def _scatter(rng: np.random.Generator, extent: tuple[float, int, int]) -> np.ndarray:
    """Return possible vesicles: rows z, y, x and a number in [0, 1), shape ``(4, V)``."""
    from scipy.spatial import cKDTree

    counts = [int(length / _VESICLE_SPACING) + 2 for length in extent]
    lattice = np.indices(counts).reshape(3, -1).astype(np.float64)
    lattice[1] += 0.5 * (lattice[0] % 2)
    lattice[2] += 0.5 * (lattice[1] % 2 >= 1)
    places = lattice * _VESICLE_SPACING + rng.uniform(-3.6, 3.6, lattice.shape)
    crowded = cKDTree(places.T).query_pairs(0.75 * _VESICLE_SPACING, output_type="ndarray")
    places = np.delete(places, np.unique(crowded.max(axis=1)), axis=1)
    return np.concatenate([places, rng.random((1, places.shape[1]))])


def _add_membranes(grey: np.ndarray, cut: Cut, medium: np.ndarray) -> None:
    """Draw the two membranes of neighbouring cells, with a thin light cleft, in place."""
    strength = 98 + 9 * medium
    half_cleft = np.clip(1.7 + 0.45 * medium, 0.8, 3)
    wall = np.exp(-(((cut.gap - half_cleft) / 1.15) ** 2))
    cleft = np.clip(half_cleft - cut.gap, 0, 1)
    grey += np.maximum(wall, cleft) * (165 - strength - grey)
    grey += 26 * cleft * (1 - wall)


def _label(cut: Cut, cloud: np.ndarray, dense: np.ndarray) -> np.ndarray:
    """Return the labels of one slice, shape ``(Y, X)``, uint8."""
    labels = np.zeros(cut.cell.shape, dtype=np.uint8)
    labels[cloud] = VESICLES
    labels[cut.mito_depth > -0.5] = MITOCHONDRION
    labels[cut.nucleus_depth > -1.5] = NUCLEUS
    labels[cut.gap < 3.5] = MEMBRANE
    labels[dense > 0.35] = DENSITY
    return labels


def _image(rng: np.random.Generator, ideal: np.ndarray) -> np.ndarray:
    """Return a slice as a microscope would record it: blur, drift, contrast, noise; uint8."""
    from scipy import ndimage

    height, width = ideal.shape
    blurred = ndimage.gaussian_filter(ideal, rng.uniform(0.85, 1.1))
    drift = SmoothNoise(rng, (0.0, height, width), 1.2 * max(height, width)).at(0.0)
    contrast, brightness = rng.uniform(0.94, 1.06), rng.normal(0, 2.5)
    recorded = 150 + contrast * (blurred - 150) + brightness + 5 * drift
    shot = rng.standard_normal(ideal.shape, dtype=np.float32) * np.sqrt(np.clip(recorded, 20, None))
    noise = 0.95 * ndimage.gaussian_filter(shot, 0.45)
    return np.clip(np.rint(recorded + noise), 0, 255).astype(np.uint8)
