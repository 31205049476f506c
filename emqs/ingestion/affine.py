"""Affine maps of a slice's plane: 2 x 3 matrices ``M`` that take ``(y, x)`` to another place.

A point is a row ``(y, x)`` in pixels; pixel centres lie at whole numbers.
"""

import numpy as np

IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return where a map takes points, shape ``(N, 2)``."""
    moved: np.ndarray = points @ matrix[:, :2].T + matrix[:, 2]
    return moved


def distances(matrix: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return how far places lie from where a map takes others, ``(N,)``."""
    result: np.ndarray = np.linalg.norm(apply(matrix, first) - second, axis=1)
    return result


def compose(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return the map that does ``first``, then ``second``."""
    linear = second[:, :2] @ first[:, :2]
    shift = second[:, :2] @ first[:, 2] + second[:, 2]
    return np.column_stack([linear, shift])


def invert(matrix: np.ndarray) -> np.ndarray:
    """Return the map that undoes another."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def rotation(radians: float, centre: np.ndarray, shift: np.ndarray | None = None) -> np.ndarray:
    """Return the rotation about a point, from the axis Y towards X, followed by a shift."""
    cosine, sine = np.cos(radians), np.sin(radians)
    linear = np.array([[cosine, -sine], [sine, cosine]])
    moved = centre - linear @ centre + (0.0 if shift is None else shift)
    return np.column_stack([linear, moved])


def angle(matrix: np.ndarray) -> float:
    """Return the rotation, in radians, of the rotation that is closest to a map."""
    a = matrix[:, :2]
    return float(np.arctan2(a[1, 0] - a[0, 1], a[0, 0] + a[1, 1]))


def scaled(matrix: np.ndarray, factor: float) -> np.ndarray:
    """Return a map between reduced images as one between full ones.

    A pixel of an image that is reduced by means of ``factor`` pixels covers those around
    ``factor * y + (factor - 1) / 2``.

    Args:
        matrix: Between the reduced images.
        factor: Full pixels in one reduced pixel.
    """
    offset = np.full(2, (factor - 1) / 2)
    linear = matrix[:, :2]
    return np.column_stack([linear, factor * matrix[:, 2] + offset - linear @ offset])


def reduced(matrix: np.ndarray, factor: float) -> np.ndarray:
    """Return a map between full images as one between reduced ones; see ``scaled``."""
    offset = np.full(2, (factor - 1) / 2)
    linear = matrix[:, :2]
    return np.column_stack([linear, (matrix[:, 2] - offset + linear @ offset) / factor])


def corners(shape: tuple[int, int]) -> np.ndarray:
    """Return the four corners of an image, pixels."""
    bottom, right = shape[0] - 1.0, shape[1] - 1.0
    return np.array([[0.0, 0.0], [0.0, right], [bottom, 0.0], [bottom, right]])


def centre(shape: tuple[int, int]) -> np.ndarray:
    """Return the centre of an image, pixels."""
    return np.array([(shape[0] - 1) / 2, (shape[1] - 1) / 2])


def fit(source: np.ndarray, target: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the affine map that takes points closest to others, by weighted squares.

    Args:
        source: Shape ``(N, 2)``, at least 3 that are not on a line.
        target: Shape ``(N, 2)``.
        weights: Shape ``(N,)``; None: all alike.
    """
    root = np.ones(len(source)) if weights is None else np.sqrt(weights)
    middle = source.mean(axis=0)
    scale = max(1.0, float(np.abs(source - middle).max()))
    rows = np.column_stack([(source - middle) / scale, np.ones(len(source))])
    solution, *_ = np.linalg.lstsq(rows * root[:, None], target * root[:, None], rcond=None)
    linear = solution[:2].T / scale
    return np.column_stack([linear, solution[2] - linear @ middle])
