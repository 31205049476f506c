"""Smooth randomness in 3-D: a lattice of random numbers joined by cubic B-splines."""

import numpy as np

_CURVE_VARIANCE = 0.4794  # mean of the sum of squared cubic B-spline weights, per axis
_LARGEST = 3.0  # standard deviations at which the field is cut off


def _weights(positions: np.ndarray, n_knots: int) -> np.ndarray:
    """Return the cubic B-spline weights of each position.

    Args:
        positions: Positions in units of the lattice, 0 at the second knot, shape ``(P,)``.
        n_knots: Number of knots.

    Returns:
        Weights, shape ``(P, n_knots)``, float32; every row sums to 1.
    """
    apart = np.abs(positions[:, None] + 1.0 - np.arange(n_knots)[None])
    near = 2.0 / 3.0 - apart**2 + apart**3 / 2.0
    far = np.clip(2.0 - apart, 0.0, None) ** 3 / 6.0
    return np.where(apart < 1.0, near, far).astype(np.float32)


class SmoothNoise:
    """A smooth random field over a volume: mean 0, standard deviation 1, within [-3, 3]."""

    def __init__(
        self, rng: np.random.Generator, extent: tuple[float, int, int], spacing: float
    ) -> None:
        """Draw the lattice.

        Args:
            rng: Source of the random numbers.
            extent: Depth, height and width of the volume, in pixels.
            spacing: Distance of the knots, in pixels: the size of the bumps.
        """
        _, height, width = extent
        shape = tuple(int(np.ceil(length / spacing)) + 4 for length in extent)
        self._lattice = rng.standard_normal(shape, dtype=np.float32)
        self._lattice /= np.float32(_CURVE_VARIANCE**1.5)
        self._spacing = spacing
        self._rows = _weights(np.arange(height) / spacing, shape[1])
        self._columns = _weights(np.arange(width) / spacing, shape[2])

    def at(self, depth: float) -> np.ndarray:
        """Return the field in one plane.

        Args:
            depth: Depth of the plane, in pixels, from 0 to the depth of the volume.

        Returns:
            The field, shape ``(Y, X)``, float32.
        """
        along = _weights(np.array([depth / self._spacing]), len(self._lattice))[0]
        plane = np.tensordot(along, self._lattice, axes=1)  # (knots in Y, knots in X)
        return np.clip(self._rows @ plane @ self._columns.T, -_LARGEST, _LARGEST)
