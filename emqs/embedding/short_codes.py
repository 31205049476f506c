"""A second, short code beside each embedding: enough to tell which few codes are worth reading.

It holds the principal components of an embedding, the largest as a byte each, more of them as half
a byte, and twice as many as a quarter. Every dimension is brought to one spread first, as in the
search. An embedding that is made of it again is near enough to the first one to rank candidates;
the best of them are ranked by their whole codes then. With 48 bytes, a quarter of a byte for what
is small tells more than whole bytes for fewer components: of 256 dimensions of the shipped encoder
these hold 97 % of the variance, the largest 48 hold 85 %.

A short code depends on nothing but the embedding: all that is summed are whole numbers, and their
sums stay below 2**53, so they are exact in whatever order a machine takes them.

Source:
    Levels of half and quarter bytes, best for a normal distribution: Max 1960,
    doi 10.1109/TIT.1960.1057548, table I.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from emqs.embedding.signatures import NO_SPREAD, NO_VARIANCE, check_stated
from emqs.errors import ConfigError, DataError, one_line

FORMAT = "emqs-short-codes"
VERSION = 1
SIZE = 48  # bytes of a short code
MOST = 127  # of a component that has a byte, above and below 0
UNITS = 2**8  # whole numbers that a spread is divided into
FAR = 2**15  # the largest of them: a dimension that lies farther out counts as this far
LENGTH = 2**15  # of a direction, in whole numbers
BLOCK = 1024  # embeddings at once

_ENDS_4 = (0.2582, 0.5224, 0.7996, 1.099, 1.437, 1.844, 2.401)  # between levels, in spreads
_LEVELS_4 = (0.1284, 0.3881, 0.6568, 0.9424, 1.256, 1.618, 2.069, 2.733)
_ENDS_2, _LEVELS_2 = (0.9816,), (0.4528, 1.510)


def _both_ways(above: tuple[float, ...]) -> np.ndarray:
    return np.array([-v for v in above[::-1]] + list(above))


ENDS_4 = np.array([*_both_ways(_ENDS_4)[:7], 0.0, *_both_ways(_ENDS_4)[7:]])  # (15,)
ENDS_2 = np.array([-_ENDS_2[0], 0.0, _ENDS_2[0]])
LEVELS_4, LEVELS_2 = _both_ways(_LEVELS_4), _both_ways(_LEVELS_2)  # (16,), (4,)
_BYTES = np.arange(256)
_PAIRS = np.stack([LEVELS_4[_BYTES & 15], LEVELS_4[_BYTES >> 4]], axis=1).astype(np.float32)
_FOURS = np.stack([LEVELS_2[_BYTES >> 2 * i & 3] for i in range(4)], axis=1).astype(np.float32)


def fitting_size(code_size: int) -> int:
    """Return the bytes of a short code: 48, or 0 where embeddings are hardly longer themselves."""
    return SIZE if code_size >= 2 * SIZE else 0


def shares(size: int) -> tuple[int, int, int]:
    """Return how many components have a byte, half a byte and a quarter, in so many bytes.

    A sixth of the bytes are whole ones, half are of two components, a third are of four.
    """
    halves = size // 2
    whole = max(1, size // 6) if size > 1 else size
    return whole, 2 * min(halves, size - whole), 4 * max(0, size - whole - halves)


@dataclass(frozen=True, eq=False)
class ShortCoder:
    """Makes short codes, and rough embeddings of them.

    Attributes:
        mean: Shape ``(D,)``, float64; is subtracted.
        spread: Shape ``(D,)``, float64; 0 for dimensions that never vary.
        directions: Shape ``(D, C)``, int64; columns of length ``LENGTH``, or 0 where embeddings
            vary in fewer directions.
        steps: Shape ``(C,)``, float64, above 0; what one of a component's number stands for.
        size: Bytes of a short code; ``shares`` says how many components that are.
    """

    mean: np.ndarray
    spread: np.ndarray
    directions: np.ndarray
    steps: np.ndarray
    size: int

    @cached_property
    def _scale(self) -> np.ndarray:
        return _inverse(self.spread)

    @cached_property
    def directions_back(self) -> np.ndarray:
        """What one of each number adds to an embedding, ``(C, D)``, float32."""
        lengths = self.steps[:, None] * self.directions.T / (LENGTH**2 * UNITS)
        return np.asarray(lengths * self.spread, dtype=np.float32)

    def encode(self, codes: np.ndarray) -> np.ndarray:
        """Return the short codes of embeddings.

        Args:
            codes: Shape ``(N, D)``, floating-point, finite.

        Returns:
            Shape ``(N, size)``, uint8.
        """
        result = np.empty((len(codes), self.size), dtype=np.uint8)
        directions = self.directions.astype(np.float64)
        whole, halves, _ = shares(self.size)
        for start in range(0, len(codes), BLOCK):
            sums = _whole(codes[start : start + BLOCK], self.mean, self._scale) @ directions
            sums /= self.steps
            own = result[start : start + BLOCK]
            rounded = np.clip(np.rint(sums[:, :whole]), -MOST, MOST)
            own[:, :whole] = (rounded + MOST + 1).astype(np.uint8)
            pairs = _level(ENDS_4, sums[:, whole : whole + halves])
            own[:, whole : whole + halves // 2] = pairs[:, ::2] | pairs[:, 1::2] << 4
            fours = _level(ENDS_2, sums[:, whole + halves :])
            fours[:, ::2] |= fours[:, 1::2] << 2
            own[:, whole + halves // 2 :] = fours[:, ::4] | fours[:, 2::4] << 4
        return result

    def numbers(self, short: np.ndarray) -> np.ndarray:
        """Return the numbers of components, ``(N, C)``, float32, of short codes ``(N, size)``."""
        whole, halves, quarters = shares(self.size)
        result = np.empty((len(short), whole + halves + quarters), dtype=np.float32)
        result[:, :whole] = short[:, :whole]
        result[:, :whole] -= MOST + 1
        middle = whole + halves // 2
        result[:, whole : whole + halves] = _looked_up(_PAIRS, short[:, whole:middle])
        result[:, whole + halves :] = _looked_up(_FOURS, short[:, middle:])
        return result

    def decode(self, short: np.ndarray) -> np.ndarray:
        """Return what short codes tell of embeddings.

        Args:
            short: Shape ``(N, size)``, uint8.

        Returns:
            Rough embeddings, shape ``(N, D)``, float32.
        """
        rough = self.numbers(short) @ self.directions_back
        rough += self.mean.astype(np.float32)
        return np.asarray(rough)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain lists and numbers, which JSON keeps exactly."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "size": self.size,
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
        check_stated(content, "Short codes", FORMAT, VERSION)
        try:
            mean, spread, steps = (
                np.array(content[key], dtype=np.float64) for key in ("mean", "spread", "steps")
            )
            directions = np.array(content["directions"], dtype=np.int64)
            size = int(content["size"])
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise DataError(f"What makes short codes is damaged: {one_line(error)}.") from None
        fits = (
            mean.ndim == spread.ndim == steps.ndim == 1
            and directions.shape == (len(mean), len(steps))
            and len(spread) == len(mean)
            and size > 0
            and len(steps) == sum(shares(size))
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
        return cls(mean, spread, directions, steps, size)


def fit(codes: np.ndarray, size: int) -> ShortCoder:
    """Return what makes short codes of embeddings like a sample.

    Args:
        codes: A sample, shape ``(N, D)``, floating-point, finite, not all equal; some thousands.
        size: Bytes of a short code, at least 1.

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
    whole = _whole(codes, mean, _inverse(spread))
    variances, vectors = np.linalg.eigh(whole.T @ whole)
    variances, vectors = variances[::-1], vectors[:, ::-1]  # largest first
    count = sum(shares(size))
    kept = min(int(np.sum(variances > NO_VARIANCE * variances[0])), count)
    directions = np.zeros((codes.shape[1], count), dtype=np.int64)
    directions[:, :kept] = np.rint(vectors[:, :kept] * LENGTH)
    sums = whole @ directions.astype(np.float64)
    steps = np.sqrt(np.square(sums).mean(axis=0))
    n_whole = shares(size)[0]
    steps[:n_whole] = np.abs(sums[:, :n_whole]).max(axis=0) / MOST
    return ShortCoder(mean, spread, directions, np.maximum(steps, 1), size)


def _level(ends: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return how many ends lie below each value, uint8."""
    level = np.zeros(values.shape, dtype=np.uint8)
    for end in ends:  # faster than looking for it
        level += values > end
    return level


def _looked_up(table: np.ndarray, short: np.ndarray) -> np.ndarray:
    """Return the rows ``(256, R)`` of a table for bytes ``(N, B)``, side by side, ``(N, B R)``."""
    items = table.view(f"V{table.strides[0]}")[
        :, 0
    ]  # a row is one item, so that it is moved at once
    return items.take(short.astype(np.intp)).view(table.dtype).reshape(len(short), -1)


def _inverse(spread: np.ndarray) -> np.ndarray:
    return np.where(spread > 0, UNITS / np.where(spread > 0, spread, 1), 0.0)


def _whole(codes: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return embeddings as whole numbers of ``UNITS`` to a spread, ``(N, D)``, float64."""
    part = codes.astype(np.float64)
    part -= mean
    part *= scale
    np.rint(part, out=part)
    return np.clip(part, -FAR, FAR, out=part)
