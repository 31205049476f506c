"""A second, short code beside each embedding: enough to tell which few codes are worth reading.

It holds the largest principal components, each as a whole number of one byte. Every dimension is
brought to one spread first, as in the search. An embedding that is made of it again is near enough
to the first one to rank candidates; the best of them are ranked by their whole codes then.

A short code depends on nothing but the embedding: all that is summed are whole numbers, and their
sums stay below 2**53, so they are exact in whatever order a machine takes them.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from emqs.embedding.signatures import NO_SPREAD, NO_VARIANCE
from emqs.errors import ConfigError, DataError

FORMAT = "emqs-short-codes"
VERSION = 1
SIZE = 48  # bytes of a short code
MOST = 127  # of a component, above and below 0
UNITS = 2**8  # whole numbers that a spread is divided into
FAR = 2**15  # the largest of them: a dimension that lies farther out counts as this far
LENGTH = 2**15  # of a direction, in whole numbers
BLOCK = 1024  # embeddings at once


def fitting_size(code_size: int) -> int:
    """Return the bytes of a short code: 48, or 0 where embeddings are hardly longer themselves."""
    return SIZE if code_size >= 2 * SIZE else 0


@dataclass(frozen=True, eq=False)
class ShortCoder:
    """Makes short codes, and rough embeddings of them.

    Attributes:
        mean: Shape ``(D,)``, float64; is subtracted.
        spread: Shape ``(D,)``, float64; 0 for dimensions that never vary.
        directions: Shape ``(D, C)``, int64; columns of length ``LENGTH``.
        steps: Shape ``(C,)``, float64, above 0; what one of a component stands for.
    """

    mean: np.ndarray
    spread: np.ndarray
    directions: np.ndarray
    steps: np.ndarray

    @property
    def size(self) -> int:
        """Bytes of a short code."""
        return len(self.steps)

    @cached_property
    def _scale(self) -> np.ndarray:
        return np.where(self.spread > 0, UNITS / np.where(self.spread > 0, self.spread, 1), 0.0)

    @cached_property
    def directions_back(self) -> np.ndarray:
        """What a component adds to an embedding, ``(C, D)``, float32."""
        lengths = self.steps[:, None] * self.directions.T / (LENGTH**2 * UNITS)
        return np.asarray(lengths * self.spread, dtype=np.float32)

    def encode(self, codes: np.ndarray) -> np.ndarray:
        """Return the short codes of embeddings.

        Args:
            codes: Shape ``(N, D)``, floating-point, finite.

        Returns:
            Shape ``(N, C)``, int8.
        """
        result = np.empty((len(codes), self.size), dtype=np.int8)
        directions = self.directions.astype(np.float64)
        for start in range(0, len(codes), BLOCK):
            whole = _whole(codes[start : start + BLOCK], self.mean, self._scale)
            numbers = np.rint((whole @ directions) / self.steps)
            result[start : start + BLOCK] = np.clip(numbers, -MOST, MOST)
        return result

    def decode(self, short: np.ndarray) -> np.ndarray:
        """Return what short codes tell of embeddings.

        Args:
            short: Shape ``(N, C)``, int8.

        Returns:
            Rough embeddings, shape ``(N, D)``, float32.
        """
        rough = short.astype(np.float32) @ self.directions_back
        rough += self.mean.astype(np.float32)
        return np.asarray(rough)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain lists and numbers, which JSON keeps exactly."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "mean": self.mean.tolist(),
            "spread": self.spread.tolist(),
            "directions": self.directions.tolist(),
            "steps": self.steps.tolist(),
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "ShortCoder":
        """Return what ``to_dict`` was called on.

        Raises:
            DataError: If it is something else, or contradicts itself.
        """
        stated = content.get("format"), content.get("version")
        if stated != (FORMAT, VERSION):
            raise DataError(
                f"Short codes must have format {FORMAT!r} version {VERSION}, got {stated[0]!r} "
                f"version {stated[1]!r}."
            )
        try:
            mean, spread, steps = (
                np.array(content[key], dtype=np.float64) for key in ("mean", "spread", "steps")
            )
            directions = np.array(content["directions"], dtype=np.int64)
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise DataError(f"What makes short codes is damaged: {error!r}.") from None
        fits = (
            mean.ndim == spread.ndim == steps.ndim == 1
            and directions.shape == (len(mean), len(steps))
            and len(spread) == len(mean)
            and len(steps) > 0
            and all(np.isfinite(a).all() for a in (mean, spread, steps))
            and spread.min() >= 0
            and steps.min() > 0
            and np.abs(directions).max() <= LENGTH
        )
        if not fits:
            raise DataError(
                f"What makes short codes is damaged: mean {mean.shape}, spread {spread.shape}, "
                f"directions {directions.shape} and steps {steps.shape} do not fit."
            )
        return cls(mean, spread, directions, steps)


def fit(codes: np.ndarray, size: int) -> ShortCoder:
    """Return what makes short codes of embeddings like a sample.

    Args:
        codes: A sample, shape ``(N, D)``, floating-point, finite, not all equal; some thousands.
        size: Bytes of a short code, at least 1; fewer are used where embeddings vary in fewer
            directions.

    Raises:
        ConfigError: If the size is under 1.
        DataError: If all codes are equal.
    """
    if size < 1:
        raise ConfigError(f"A short code has at least 1 byte, got {size}.")
    mean = codes.mean(axis=0, dtype=np.float64)
    spread = codes.std(axis=0, dtype=np.float64)
    if not spread.max() > 0:
        raise DataError(f"All {len(codes)} embeddings of the sample are equal.")
    spread = np.where(spread > NO_SPREAD * spread.max(), spread, 0.0)
    scale = np.where(spread > 0, UNITS / np.where(spread > 0, spread, 1), 0.0)
    whole = _whole(codes, mean, scale)
    variances, vectors = np.linalg.eigh(whole.T @ whole)
    variances, vectors = variances[::-1], vectors[:, ::-1]  # largest first
    kept = min(int(np.sum(variances > NO_VARIANCE * variances[0])), size)
    directions = np.rint(vectors[:, :kept] * LENGTH).astype(np.int64)
    largest = np.abs(whole @ directions.astype(np.float64)).max(axis=0)
    return ShortCoder(mean, spread, directions, np.maximum(largest, 1) / MOST)


def _whole(codes: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return embeddings as whole numbers of ``UNITS`` to a spread, ``(N, D)``, float64."""
    part = codes.astype(np.float64)
    part -= mean
    part *= scale
    np.rint(part, out=part)
    return np.clip(part, -FAR, FAR, out=part)
