"""Scores of short codes, without making embeddings of them again.

A rough embedding is a sum of few directions, and so it is inside any space, which moves, scales or
turns it. Lengths and products with examples follow from those of the directions, so that 20,000
short codes are scored in some milliseconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from emqs.embedding.short_codes import ShortCoder
from emqs.retrieval.scorers.space import Space

RoughScore = Callable[[np.ndarray], np.ndarray]
"""Short codes ``(N, size)``, uint8, in; rough scores ``(N,)``, float64, out."""


@dataclass(frozen=True, eq=False)
class RoughSpace:
    """Short codes inside a space, before embeddings are brought to unit length there.

    Attributes:
        start: Where a short code of zeros lies, ``(E,)``, float64.
        directions: What one of each number adds, ``(C, E)``, float64.
    """

    start: np.ndarray
    directions: np.ndarray

    @classmethod
    def of(cls, coder: ShortCoder, space: Space) -> "RoughSpace":
        """Return the short codes of a coder inside a space."""
        start, directions = coder.mean, coder.directions_back.astype(np.float64)
        if space.mean is not None and space.scale is not None:
            start = start - space.mean
            if space.scale.ndim == 1:
                return cls(start * space.scale, directions * space.scale)
            return cls(start @ space.scale, directions @ space.scale)
        return cls(start, directions)

    @cached_property
    def _products(self) -> np.ndarray:
        return np.asarray(self.directions @ self.directions.T, dtype=np.float32)

    def dots(self, numbers: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Return products with points.

        Args:
            numbers: Of short codes, ``(N, C)``, float32.
            points: In the space, ``(P, E)``, float64.

        Returns:
            Shape ``(N, P)``, float32.
        """
        along = (self.directions @ points.T).astype(np.float32)
        return np.asarray(numbers @ along + (points @ self.start).astype(np.float32))

    def squares(self, numbers: np.ndarray) -> np.ndarray:
        """Return squared lengths ``(N,)``, above 0, of numbers ``(N, C)``; both float32."""
        sums = np.einsum("nc,nc->n", numbers @ self._products, numbers)
        sums += 2 * self.dots(numbers, self.start[None])[:, 0]
        sums -= np.float32(self.start @ self.start)  # the product with the start holds it twice
        return np.maximum(sums, np.finfo(np.float32).tiny)

    def apart(self, numbers: np.ndarray, points: np.ndarray, *, unit: bool) -> np.ndarray:
        """Return squared distances to points, ``(N, P)``, float32.

        Args:
            numbers: Of short codes, ``(N, C)``, float32.
            points: In the space, ``(P, E)``, float64; of unit length if ``unit``.
            unit: Whether embeddings are brought to unit length.
        """
        own = self.squares(numbers)[:, None]
        dots = self.dots(numbers, points)
        squares = np.square(points).sum(axis=1).astype(np.float32)
        if unit:
            return np.asarray(1 + squares - 2 * dots / np.sqrt(own))
        return np.asarray(np.maximum(own + squares - 2 * dots, 0))
