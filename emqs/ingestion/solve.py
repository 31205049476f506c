"""Places all slices at once, so that what lies on each other in pairs does so in the volume.

The unknowns are the maps from each slice to the volume. First rotations, then shifts are solved
with one sparse system each; then, for ``affine``, all six numbers of each map together, held to the
rotations and shifts just enough that stretching cannot add up along the stack. Pairs that disagree
with the rest lose their weight (iteratively reweighted squares). A slice meets only its neighbours,
so the systems are narrow bands: time and memory rise with the number of slices alone, and no window
has to slide over them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from emqs.ingestion import affine
from emqs.ingestion.matching.pair import Pair

ROUNDS = 12  # of reweighting
SOFT_PX = 2.0  # residual at which a pair has half its weight
STIFF = 0.01  # pull of a slice to its rotation and shift, of the weight of one neighbour
GAUGE = 1e-9  # pull to the raw coordinates, which decides what pairs leave open


@dataclass(frozen=True, eq=False)
class Placed:
    """What a solution says.

    Attributes:
        forward: Map of each slice to the volume, ``(2, 3)``, by slot.
        weights: What each pair counts in the end, from 0 to 1, by its slots.
        residual_px: Mean distance of the blocks of each pair in the volume, by its slots.
    """

    forward: dict[int, np.ndarray]
    weights: dict[tuple[int, int], float]
    residual_px: dict[tuple[int, int], float]


def place(
    slots: Sequence[int],
    pairs: Sequence[Pair],
    shapes: Mapping[int, tuple[int, int]],
    model: str,
) -> Placed:
    """Return where each slice lies.

    Args:
        slots: Of the slices, in order; those that no pair holds together lie where they were.
        pairs: That were matched.
        shapes: Height and width of each slice.
        model: ``"translation"``, ``"rigid"`` or ``"affine"``.
    """
    if not pairs:
        return Placed(dict.fromkeys(slots, affine.IDENTITY), {}, {})
    system = _System(slots, pairs, shapes)
    angles = np.zeros(len(slots))
    weights = np.ones(len(pairs))
    if model != "translation":
        angles = system.angles()
    maps, weights = system.shifts(angles)
    if model == "affine":
        maps, weights = system.affines(maps)
    residuals = system.residuals(maps)
    names = [(pair.first, pair.second) for pair in pairs]
    return Placed(
        {slot: maps[k] for k, slot in enumerate(slots)},
        dict(zip(names, weights.tolist(), strict=True)),
        dict(zip(names, residuals.tolist(), strict=True)),
    )


class _System:
    """The pairs as equations."""

    def __init__(
        self,
        slots: Sequence[int],
        pairs: Sequence[Pair],
        shapes: Mapping[int, tuple[int, int]],
    ) -> None:
        row = {slot: k for k, slot in enumerate(slots)}
        self.n = len(slots)
        self.centres = np.array([affine.centre(shapes[slot]) for slot in slots])
        self.radius = max(max(shapes[slot]) for slot in slots) / 2
        ends = [(row[p.first], row[p.second]) for p in pairs]
        self.ends = np.array(ends, dtype=np.int64).reshape(-1, 2)
        self.points = [(np.array(p.points[0]), np.array(p.points[1])) for p in pairs]
        self.turns = np.array([affine.angle(p.matrix) for p in pairs])
        apart = np.array([p.second - p.first for p in pairs], dtype=float)
        self.trust = 1.0 / apart**2

    def _differences(self, right: np.ndarray, soft: float) -> tuple[np.ndarray, np.ndarray]:
        """Return ``(n, m)`` unknowns whose differences along pairs are ``right``, and weights."""
        count = len(self.ends)
        rows = np.repeat(np.arange(count), 2)
        signs = np.tile([1.0, -1.0], count)
        matrix = sparse.csr_matrix((signs, (rows, self.ends.ravel())), shape=(count, self.n))
        weights = np.ones(count)
        solution = np.zeros((self.n, right.shape[1]))
        for _ in range(ROUNDS):
            scaled = matrix.multiply((self.trust * weights)[:, None]).tocsr()
            normal = (matrix.T @ scaled + GAUGE * sparse.identity(self.n)).tocsc()
            solution = spsolve(normal, scaled.T @ right).reshape(self.n, -1)
            residual = np.linalg.norm(matrix @ solution - right, axis=1)
            weights = 1.0 / (1.0 + (residual / soft) ** 2)
        return solution, weights

    def angles(self) -> np.ndarray:
        """Return the rotation of each slice, radians."""
        start = np.zeros(self.n)
        for (a, b), turn in sorted(zip(self.ends.tolist(), self.turns.tolist(), strict=True)):
            if b == a + 1:  # the chain, so that rotations above half a turn add up rightly
                start[b] = start[a] - turn
        expected = start[self.ends[:, 0]] - start[self.ends[:, 1]]
        rest = np.angle(np.exp(1j * (self.turns - expected)))
        right = (expected + rest)[:, None]
        solution, _ = self._differences(right, SOFT_PX / self.radius)
        return solution[:, 0]

    def shifts(self, angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return maps ``(n, 2, 3)`` of given rotations whose shifts fit best, and weights."""
        maps = np.stack([affine.rotation(a, c) for a, c in zip(angles, self.centres, strict=True)])
        right = np.empty((len(self.ends), 2))
        for k, ((a, b), (first, second)) in enumerate(zip(self.ends, self.points, strict=True)):
            apart = affine.apply(maps[b], second) - affine.apply(maps[a], first)
            right[k] = np.median(apart, axis=0)
        solution, weights = self._differences(right, SOFT_PX)
        maps[:, :, 2] += solution
        return maps, weights

    def residuals(self, maps: np.ndarray) -> np.ndarray:
        """Return the mean distance of the blocks of each pair, pixels."""
        return np.array(
            [
                np.linalg.norm(
                    affine.apply(maps[a], first) - affine.apply(maps[b], second), axis=1
                ).mean()
                for (a, b), (first, second) in zip(self.ends, self.points, strict=True)
            ]
        )

    def affines(self, rigid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return maps ``(n, 2, 3)`` near rigid ones that fit best, and weights of pairs."""
        homogeneous = [
            tuple(
                np.column_stack([(p - self.centres[k]) / self.radius, np.ones(len(p))])
                for k, p in zip(end, points, strict=True)
            )
            for end, points in zip(self.ends, self.points, strict=True)
        ]
        goal = self._centred(rigid)
        maps, weights = goal, np.ones(len(self.ends))
        frame = np.array([[1, 0, 1], [-1, 0, 1], [0, 1, 1], [0, -1, 1.0]]) * np.array([0.6, 0.6, 0])
        pull = STIFF * frame.T @ frame / 4 + GAUGE * np.eye(3)
        for _ in range(ROUNDS):
            maps = self._solved(homogeneous, goal, pull, weights)
            residual = np.array(
                [
                    np.linalg.norm(p @ maps[a].T - q @ maps[b].T, axis=1).mean()
                    for (a, b), (p, q) in zip(self.ends, homogeneous, strict=True)
                ]
            )
            weights = 1.0 / (1.0 + (residual / (2 * SOFT_PX)) ** 2)
        result = maps.copy()
        result[:, :, :2] = maps[:, :, :2] / self.radius
        result[:, :, 2] -= np.einsum("nij,nj->ni", result[:, :, :2], self.centres)
        return result, weights

    def _centred(self, maps: np.ndarray) -> np.ndarray:
        """Return maps of points that count from the centre, in radii."""
        centred = maps.copy()
        centred[:, :, :2] = maps[:, :, :2] * self.radius
        centred[:, :, 2] += np.einsum("nij,nj->ni", maps[:, :, :2], self.centres)
        return centred

    def _solved(
        self,
        homogeneous: list[tuple[np.ndarray, ...]],
        goal: np.ndarray,
        pull: np.ndarray,
        weights: np.ndarray,
    ) -> np.ndarray:
        """Return the maps of one round, ``(n, 2, 3)``."""
        blocks: dict[tuple[int, int], np.ndarray] = {(k, k): pull.copy() for k in range(self.n)}
        right = np.einsum("ij,nkj->nik", pull, goal)
        for (a, b), (p, q), weight in zip(
            self.ends.tolist(), homogeneous, self.trust * weights, strict=True
        ):
            share = weight / len(p)
            blocks[a, a] += share * p.T @ p
            blocks[b, b] += share * q.T @ q
            cross = share * p.T @ q
            blocks[a, b] = blocks.get((a, b), 0) - cross
            blocks[b, a] = blocks.get((b, a), 0) - cross.T
        rows, columns, values = [], [], []
        y, x = np.meshgrid(np.arange(3), np.arange(3), indexing="ij")
        for (a, b), block in sorted(blocks.items()):
            rows.append((3 * a + y).ravel())
            columns.append((3 * b + x).ravel())
            values.append(block.ravel())
        matrix = sparse.csc_matrix(
            (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
            shape=(3 * self.n, 3 * self.n),
        )
        solution = spsolve(matrix, right.reshape(3 * self.n, 2))
        maps: np.ndarray = solution.reshape(self.n, 3, 2).transpose(0, 2, 1)
        return maps


def without_trend(
    forward: Mapping[int, np.ndarray],
    shapes: Mapping[int, tuple[int, int]],
    length: float,
) -> dict[int, np.ndarray]:
    """Return maps without the slow drift of rotation and shift against the raw coordinates.

    Tissue that runs obliquely lets every chain of matches drift. Where a stage brings each slice
    back to the same place (FIB-SEM, block face), the mean of the raw coordinates over many slices
    is right, and the drift of the chain against it is wrong.

    Args:
        forward: Map of each slice to the volume, by slot.
        shapes: Height and width of each slice.
        length: Slices over which raw coordinates are averaged; longer lets more drift stay, shorter
            lets more of each slice's own shake back in.
    """
    slots = sorted(forward)
    middle = np.mean([affine.centre(shapes[slot]) for slot in slots], axis=0)
    drift = np.array(
        [
            [affine.angle(forward[slot]), *(affine.apply(forward[slot], middle[None])[0] - middle)]
            for slot in slots
        ]
    )
    drift[:, 0] = np.unwrap(drift[:, 0])
    smooth = smoothed(np.array(slots), drift, length)
    return {
        slot: affine.compose(affine.invert(affine.rotation(turn, middle, np.array([y, x]))),
                             forward[slot])
        for slot, (turn, y, x) in zip(slots, smooth.tolist(), strict=True)
    }  # fmt: skip


def smoothed(places: np.ndarray, values: np.ndarray, length: float) -> np.ndarray:
    """Return values without their jitter: a line inside every stretch of ``length`` places.

    The curve minimises the squares of its distances to the values and of its bends (Whittaker), so
    a drift that is a line is followed to both ends.

    Args:
        places: Along Z, rising, ``(N,)``.
        values: ``(N, M)``.
        length: Of the stretch, in places.
    """
    count = len(places)
    if count < 3:
        return np.repeat(values.mean(axis=0, keepdims=True), count, axis=0)
    steps = np.diff(places).astype(float)
    before, after = 1 / steps[:-1], 1 / steps[1:]
    bends = sparse.diags([before, -(before + after), after], [0, 1, 2], shape=(count - 2, count))
    stiff = (length / 2) ** 4
    solution = spsolve((sparse.identity(count) + stiff * bends.T @ bends).tocsc(), values)
    return np.asarray(solution).reshape(values.shape)
