"""Placing the objects of the toy stack, so that they touch without crossing."""

import numpy as np

from emqs.datasets.synthetic.noise import SmoothNoise
from emqs.datasets.synthetic.scene import (
    SOMA,
    SOMA_SHELL,
    Cut,
    Mitochondrion,
    Nucleus,
    Scene,
    Synapse,
    Tube,
)

N_POINTS = 7  # points that stand for a tube when room is measured
_ALONG = np.linspace(0.0, 1.0, N_POINTS)[:, None]
_GOLDEN = 0.6180339887  # its multiples modulo 1 spread evenly, however many are taken


def build(rng: np.random.Generator, extent: tuple[float, int, int]) -> Scene:
    """Place the nucleus, the mitochondria with their neurites, and all other neurites.

    Args:
        rng: Source of the random numbers.
        extent: Depth, height and width of the volume, in pixels.

    Returns:
        The scene.
    """
    nucleus = _place_nucleus(rng, extent)
    room = _Room(nucleus)
    mitochondria = _place_mitochondria(rng, extent, nucleus, room)
    _fill_with_neurites(rng, extent, room)
    warp = (SmoothNoise(rng, extent, 110.0), SmoothNoise(rng, extent, 110.0))
    ripple = (SmoothNoise(rng, extent, 32.0), SmoothNoise(rng, extent, 32.0))
    bumps = SmoothNoise(rng, extent, 26.0)
    return Scene(extent, room.tubes, mitochondria, nucleus, warp, ripple, bumps)


def _place_nucleus(rng: np.random.Generator, extent: tuple[float, int, int]) -> Nucleus:
    """Return a nucleus with its centre near a corner, seen in every slice."""
    depth, height, width = extent
    radius = min(0.31 * min(height, width), 190.0)
    radii = np.array([max(260.0, 1.6 * depth), radius, radius]) * rng.uniform(0.9, 1.1, 3)
    corner = rng.integers(2, size=2)
    inset = rng.uniform(0.15, 0.4, 2) * radius
    y, x = np.where(corner == 0, inset, np.array([height, width]) - inset)
    return Nucleus(np.array([rng.uniform(0.3, 0.7) * depth, y, x]), radii)


def _direction(rng: np.random.Generator, steepness: float) -> np.ndarray:
    """Return a random unit vector whose depth part is at most about ``steepness``."""
    angle = rng.uniform(0, 2 * np.pi)
    vector = np.array([rng.uniform(-steepness, steepness), np.sin(angle), np.cos(angle)])
    return vector / np.linalg.norm(vector)


def _points(tube: Tube) -> np.ndarray:
    """Return points along the axis of a tube, shape ``(N_POINTS, 3)``."""
    return tube.start + _ALONG * (tube.end - tube.start)


class _Room:
    """The space that is left between the objects placed so far."""

    def __init__(self, nucleus: Nucleus) -> None:
        """Start with the nucleus alone."""
        self._nucleus = nucleus
        self._points = np.empty((64, N_POINTS, 3))
        self._radii = np.empty(64)
        self.tubes: list[Tube] = []

    def clearance(self, tube: Tube) -> float:
        """Return the free space between a tube and everything else; negative if they overlap."""
        points = _points(tube)
        free = float(min(self._nucleus.distance(z, y, x) for z, y, x in points)) - SOMA_SHELL
        n_placed = len(self.tubes)
        if n_placed > 0:
            away = np.full((n_placed, N_POINTS), np.inf)
            for point in points:
                step = self._points[:n_placed] - point
                np.minimum(away, np.einsum("tpi,tpi->tp", step, step), out=away)
            apart = np.sqrt(away.min(axis=1)) - self._radii[:n_placed]
            free = min(free, float(apart.min()))
        return free - tube.radius

    def add(self, tube: Tube) -> None:
        """Place a tube."""
        n_placed = len(self.tubes)
        if n_placed == len(self._radii):
            self._points = np.concatenate([self._points, np.empty_like(self._points)])
            self._radii = np.concatenate([self._radii, np.empty_like(self._radii)])
        self._points[n_placed], self._radii[n_placed] = _points(tube), tube.radius
        self.tubes.append(tube)


def _place_mitochondria(
    rng: np.random.Generator,
    extent: tuple[float, int, int],
    nucleus: Nucleus,
    room: _Room,
) -> list[Mitochondrion]:
    """Return mitochondria, none touching; their neurites are added to ``room``.

    The first is thick, lies flat and is at half depth, opposite the nucleus, so that even a small
    stack shows one.
    """
    depth, height, width = extent
    n_wanted = max(1, round(height * width * (depth + 90) / 1.4e6))
    levels = (rng.random() + _GOLDEN * np.arange(n_wanted)) % 1.0
    thickest = min(38.0, 0.26 * min(height, width))
    mitochondria: list[Mitochondrion] = []
    for _ in range(80 * n_wanted):
        index = len(mitochondria)
        if index == n_wanted:
            break
        first = index == 0
        radius = thickest * (1.0 if first else rng.uniform(0.62, 1.0))
        axis = _direction(rng, 0.15 if first else 0.6)
        half = axis * rng.uniform(0.04, 0.12) * min(500, height, width)
        centre = np.array([-40 + (depth + 80) * levels[index], *rng.uniform(0, (height, width))])
        if first:
            middle = np.array([depth, height, width]) / 2
            centre = middle + 0.35 * (middle - nucleus.centre) * (0, 1, 1)
        margin = rng.uniform(12, 18) if first else rng.uniform(7, 18)
        host = Tube(centre - 1.25 * half, centre + 1.25 * half, radius + margin)
        if not first and room.clearance(host) < -0.4 * margin:
            continue
        room.add(host)
        mitochondria.append(
            Mitochondrion(
                tube=Tube(centre - half, centre + half, radius),
                cell=len(room.tubes) + SOMA,
                across=_across(rng, axis),
                period=rng.uniform(8.5, 12.5),
                darkness=rng.normal(0, 6),
            )
        )
    return mitochondria


def _across(rng: np.random.Generator, axis: np.ndarray) -> np.ndarray:
    """Return the direction across the cristae: most lie along the mitochondrion."""
    side = np.cross(axis, [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    if rng.random() < 0.25:  # cristae that cross the mitochondrion
        side = axis
    tilted = side + rng.uniform(-0.5, 0.5) * np.array([1.0, 0.0, 0.0])
    return tilted / np.linalg.norm(tilted)


def _fill_with_neurites(
    rng: np.random.Generator,
    extent: tuple[float, int, int],
    room: _Room,
) -> None:
    """Add neurites of many widths and directions to ``room`` until little room is left."""
    depth, height, width = extent
    low, high = np.array([-50.0, -50.0, -50.0]), np.array([depth, height, width]) + 50.0
    n_tries = int(np.clip(height * width * (depth + 100) / 9e3, 300, 40000))
    for attempt in range(n_tries):
        large = attempt < n_tries // 12
        radius = rng.uniform(22, 36) if large else rng.uniform(2, 14)
        half = _direction(rng, 1.8) * rng.uniform(20, 140)
        centre = rng.uniform(low, high)
        tube = Tube(centre - half, centre + half, radius)
        if room.clearance(tube) > (6.0 if large else 4.0):
            room.add(tube)


def place_synapses(rng: np.random.Generator, scene: Scene) -> list[Synapse]:
    """Return synapses, spread over depth so that every slice shows some if there is room."""
    depth, height, width = scene.extent
    n_levels = int(depth // 28) + 1
    per_level = max(1, round(height * width / 80e3))
    synapses: list[Synapse] = []
    for level in range(n_levels):
        z = depth * (level + 0.5) / n_levels
        cut = scene.cut(z)
        for wanted in (18.0, 12.0, 8.0):
            free = (cut.gap > wanted) & (cut.gap < 45) & (cut.mito_depth < -18)
            free &= cut.cell > SOMA
            candidates = np.argwhere(free)
            for y, x in rng.permutation(candidates)[:400]:
                if per_level * (level + 1) <= len(synapses):
                    break
                synapse = _synapse_near(rng, cut, z, int(y), int(x))
                if synapse is not None and all(
                    np.linalg.norm(synapse.cloud - other.cloud) > 75 for other in synapses
                ):
                    synapses.append(synapse)
    return synapses


def _synapse_near(
    rng: np.random.Generator, cut: Cut, depth: float, y: int, x: int
) -> Synapse | None:
    """Return a synapse on the border nearest to a pixel, or None if that is far or cut off."""
    size = 45
    top, left = max(0, y - size), max(0, x - size)
    around = cut.cell[top : y + size, left : x + size]
    others = np.argwhere((around != cut.cell[y, x]) & (around != SOMA))
    others += np.array([top, left])
    if len(others) == 0:
        return None
    site = others[np.argmin(((others - (y, x)) ** 2).sum(axis=1))]
    if np.any(site < 6) or np.any(site > np.array(cut.cell.shape) - 6):
        return None
    inwards = np.array([y, x]) - site
    return Synapse(
        np.array([depth, *site]),
        rng.uniform(22, 34),
        int(cut.cell[y, x]),
        np.array([depth, *(site + 1.2 * inwards)]),
        rng.uniform(36, 54),
    )
