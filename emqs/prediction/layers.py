"""Features of a part of a slice as they are made: some at every voxel, others on a coarser grid.

What is coarse is enlarged, between its places linearly, only where every number is asked for. A
linear head needs one number of each voxel, and to weigh features first and enlarge their sum gives
the same for a small part of the work and memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Between:
    """Where along an axis voxels lie between the places of a grid.

    Attributes:
        low: The place before each voxel, ``(Y,)``.
        high: That after it, ``(Y,)``.
        share: How much the latter counts, ``(Y,)``, float32.
    """

    low: np.ndarray
    high: np.ndarray
    share: np.ndarray

    def __call__(self, values: np.ndarray, axis: int) -> np.ndarray:
        """Return values at the voxels, linearly, along one of the last two axes."""
        before = np.take(values, self.low, axis=axis)
        after = np.take(values, self.high, axis=axis)
        after -= before
        after *= self.share[:, None] if axis == -2 else self.share
        after += before
        return after

    def only(self, at: np.ndarray) -> "Between":
        """Return the same of some of the voxels."""
        return Between(self.low[at], self.high[at], self.share[at])


@dataclass(frozen=True, eq=False)
class Layer:
    """Features that are known on one grid.

    Attributes:
        values: ``(C, h, w)``, float32.
        down: Where rows of voxels lie between those of the grid; None: the grid is that of the
            voxels.
        across: The same of columns.
    """

    values: np.ndarray
    down: Between | None = None
    across: Between | None = None

    def enlarged(self, values: np.ndarray) -> np.ndarray:
        """Return maps ``(..., h, w)`` of the grid at every voxel, ``(..., Y, X)``."""
        if self.down is None or self.across is None:
            return values
        return self.down(self.across(values, -1), -2)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of voxels."""
        if self.down is None or self.across is None:
            return self.values.shape[1], self.values.shape[2]
        return len(self.down.low), len(self.across.low)

    def some(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return the features of the voxels in some rows and columns, ``(C, rows, columns)``."""
        if self.down is None or self.across is None:
            return self.values[:, rows[:, None], columns]
        return self.across.only(columns)(self.down.only(rows)(self.values, -2), -1)


@dataclass(frozen=True, eq=False)
class Layers:
    """All features of a part of a slice, those of one layer after those of another."""

    parts: Sequence[Layer]

    @property
    def nbytes(self) -> int:
        """Memory that they take."""
        return sum(part.values.nbytes for part in self.parts)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of voxels."""
        return self.parts[0].shape

    def full(self) -> np.ndarray:
        """Return all features of every voxel, ``(C, Y, X)``, float32."""
        return np.concatenate([part.enlarged(part.values) for part in self.parts])

    def one(self, number: int) -> np.ndarray:
        """Return a single feature of every voxel, ``(Y, X)``, float32."""
        for part in self.parts:
            if number < len(part.values):
                return part.enlarged(part.values[number])
            number -= len(part.values)
        raise IndexError("there is no such feature")

    def at(self, row: int, column: int) -> np.ndarray:
        """Return the features of a voxel, ``(C,)``, float32."""
        return self.some(np.array([row]), np.array([column]))[:, 0, 0]

    def some(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return all features of the voxels in some rows and columns, ``(C, rows, columns)``."""
        return np.concatenate([part.some(rows, columns) for part in self.parts])

    def weighed(self, weights: np.ndarray) -> np.ndarray:
        """Return the sum of all features by their weights ``(C,)``, ``(Y, X)``, float32."""
        first, total = 0, None
        for part in self.parts:
            n, height, width = part.values.shape
            own = weights[first : first + n] @ part.values.reshape(n, -1)
            made = part.enlarged(own.reshape(height, width))
            total = made if total is None else np.add(total, made, out=total)
            first += n
        if total is None:
            raise ValueError("there are no features")
        return total


def between(places: np.ndarray, n: int) -> Between:
    """Return where places lie between n values.

    Args:
        places: In units of the values, the first at 0; what lies outside is like the outermost.
        n: How many values there are.
    """
    inside = np.clip(places, 0, n - 1)
    low = inside.astype(np.int64)
    return Between(low, np.minimum(low + 1, n - 1), (inside - low).astype(np.float32))
