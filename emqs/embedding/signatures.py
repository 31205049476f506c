"""Short codes of bits, learned from embeddings, whose Hamming distance follows the Euclidean one.

Every dimension is brought to one spread, and directions in which embeddings change from slice to
slice, and where the same thing lies another way, are shortened, as in the search; embeddings are
then projected on their principal components and rotated by ITQ, so that each direction carries
about as much of the variance. With 64 directions or more, each gives one bit: whether a code lies
above the median. Shorter embeddings give several bits per direction, at evenly spaced quantiles:
two thirds of 32 dimensions lie above one threshold of two, a third above both. So a bit is still
close to balanced, and the distance along a direction counts how many thresholds lie between.
Compared before it was chosen, on eight sets of embeddings (EPFL and VNC, four models, 32 and 18
dimensions, 64 bits): of the 100 nearest by embedding, on average 84 % were among the 1,000 nearest
of about 28,000 by signature. With one threshold for each of 64 directions it was 77 % at best
(random orthonormal frame; 72 % after ITQ), with 64 random directions 71 %. One spread for every
dimension is better than the spreads they come with, and than unit length; see
``benchmarks/README.md``.

Source:
    ITQ: Gong and Lazebnik 2011, doi 10.1109/CVPR.2011.5995432. Several thresholds per direction and
    the Manhattan distance they give: Kong, Li and Guo 2012, doi 10.1145/2348283.2348293.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError, one_line

FORMAT = "emqs-signer"
VERSION = 1
MAX_BITS = 64
ROUNDS = 50  # of ITQ; the paper's
NO_SPREAD = 1e-6  # dimensions with less of the largest spread than this never vary
NO_VARIANCE = 1e-9  # directions with less of the largest variance than this are left out
BLOCK = 512  # codes signed at once, so that their projections stay in cache
#: Two orders of a sum differ by less than this, for each term and the lengths of both vectors.
ROUNDING = 4 * np.finfo(np.float64).eps


def check_stated(content: dict[str, Any], what: str, kind: str, version: int) -> None:
    """Raise an error unless stored content says that it is of a format and version.

    Args:
        content: With keys ``format`` and ``version``.
        what: Begins the message, e.g. ``"A signer"``.
        kind: The format.
        version: Of it.

    Raises:
        DataError: If it is of another one.
    """
    stated = content.get("format"), content.get("version")
    if stated != (kind, version):
        raise DataError(
            f"{what} must have format {kind!r} version {version}, got {stated[0]!r} "
            f"version {stated[1]!r}."
        )


@dataclass(frozen=True, eq=False)
class Signer:
    """Turns embeddings into signatures.

    Attributes:
        mean: Shape ``(D,)``, float64; is subtracted.
        directions: Shape ``(D, M)``, float64; orthonormal columns, multiplied with what they were
            learnt behind (``matrix`` of ``fit``), rows divided by the spread of their dimension.
        direction_of_bit: Shape ``(n_bits,)``, int64, the column that each bit looks at.
        thresholds: Shape ``(n_bits,)``, float64; a bit is set where the projection is above.
    """

    mean: np.ndarray
    directions: np.ndarray
    direction_of_bit: np.ndarray
    thresholds: np.ndarray

    @property
    def n_bits(self) -> int:
        """Number of bits."""
        return len(self.thresholds)

    def sign(self, codes: np.ndarray) -> np.ndarray:
        """Return the signature of each embedding.

        It depends on nothing but the embedding: where a sum is so near a threshold that rounding
        matters, it is taken in one order, so neither the size of a batch nor the number of threads
        can change a bit.

        Args:
            codes: Shape ``(N, D)``, floating-point, finite.

        Returns:
            Signatures, shape ``(N,)``, uint64; bit j of a signature is ``1 << j``.

        Raises:
            DataError: If the codes have another length, or one is not finite.
        """
        _check(codes, len(self.mean))
        signatures = np.zeros((len(codes), 8), dtype=np.uint8)
        longest = np.linalg.norm(self.directions, axis=0).max(initial=0.0)
        error = ROUNDING * len(self.mean) * longest
        for start in range(0, len(codes), BLOCK):
            part = codes[start : start + BLOCK].astype(np.float64) - self.mean
            beyond = self._beyond(part @ self.directions)  # which may sum in any order
            near = np.abs(beyond).min(axis=1, initial=np.inf)
            unsure = np.flatnonzero(~(near > error * np.linalg.norm(part, axis=1)))
            if len(unsure):
                beyond[unsure] = self._beyond(_in_order(part[unsure], self.directions))
            packed = np.packbits(beyond > 0, axis=1, bitorder="little")
            signatures[start : start + BLOCK, : packed.shape[1]] = packed
        return signatures.view("<u8")[:, 0].astype(np.uint64)

    def _beyond(self, projected: np.ndarray) -> np.ndarray:
        """Return how far projections ``(n, M)`` lie above the threshold of each bit."""
        return projected[:, self.direction_of_bit] - self.thresholds

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain lists and numbers, which JSON keeps exactly."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "mean": self.mean.tolist(),
            "directions": self.directions.tolist(),
            "direction_of_bit": self.direction_of_bit.tolist(),
            "thresholds": self.thresholds.tolist(),
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Signer":
        """Return what ``to_dict`` was called on.

        Raises:
            DataError: If it is something else, or contradicts itself.
        """
        check_stated(content, "A signer", FORMAT, VERSION)
        try:
            mean, directions, thresholds = (
                np.array(content[key], dtype=np.float64)
                for key in ("mean", "directions", "thresholds")
            )
            of_bit = np.array(content["direction_of_bit"], dtype=np.int64)
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise DataError(f"The signer is damaged: {one_line(error)}.") from None
        fits = (
            mean.ndim == thresholds.ndim == of_bit.ndim == 1
            and directions.ndim == 2
            and len(directions) == len(mean)
            and 0 < len(thresholds) == len(of_bit) <= MAX_BITS
            and of_bit.min() >= 0
            and of_bit.max() < directions.shape[1]
            and all(np.isfinite(a).all() for a in (mean, directions, thresholds))
        )
        if not fits:
            raise DataError(
                f"The signer is damaged: mean {mean.shape}, directions {directions.shape}, "
                f"direction_of_bit {of_bit.shape} and thresholds {thresholds.shape} do not fit."
            )
        return cls(mean, directions, of_bit, thresholds)


def _in_order(part: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return the projections of ``(n, D)``, each summed from the first dimension to the last."""
    projected = np.zeros((len(part), directions.shape[1]))
    for along, column in zip(directions, part.T, strict=True):
        projected += along * column[:, None]
    return projected


def fit(
    codes: np.ndarray, *, n_bits: int = MAX_BITS, seed: int, matrix: np.ndarray | None = None
) -> Signer:
    """Return a signer that suits a sample of embeddings.

    Args:
        codes: A sample, shape ``(N, D)``, floating-point, finite; some ten thousand are enough.
        n_bits: Length of a signature, 1 to 64.
        seed: Of the rotation that ITQ starts from.
        matrix: What searches multiply embeddings with after every dimension has one spread,
            ``(D, D)``, float64; None: nothing.

    Returns:
        The signer; the same codes in the same order, settings and machine give the same.

    Raises:
        ConfigError: If ``n_bits`` is out of range.
        DataError: If a code is not finite, or all are equal.
    """
    if not 1 <= n_bits <= MAX_BITS:
        raise ConfigError(f"n_bits must be from 1 to {MAX_BITS}, got {n_bits}.")
    _check(codes, None)
    centred = codes.astype(np.float64)
    mean = centred.mean(axis=0)
    centred -= mean
    if _all_equal(centred, mean):
        raise DataError(
            f"All {len(codes)} embeddings of the sample are equal, so nothing tells them apart. "
            "Take the sample from a place that shows tissue."
        )
    spread = centred.std(axis=0)
    scale = np.where(spread > NO_SPREAD * spread.max(), 1 / np.where(spread > 0, spread, 1), 0.0)
    centred *= scale
    if matrix is not None:
        centred = centred @ matrix
    variances, vectors = np.linalg.eigh(centred.T @ centred / len(codes))
    variances, vectors = variances[::-1], vectors[:, ::-1]  # largest first
    kept = min(int(np.sum(variances > NO_VARIANCE * variances[0])), n_bits)
    components = vectors[:, :kept]
    projected = centred @ components
    turned = components @ _itq(projected, seed)
    projected = centred @ turned  # (N, M)
    widest = np.argsort(-projected.std(axis=0), kind="stable")
    counts = np.full(kept, n_bits // kept)
    counts[widest[: n_bits % kept]] += 1  # bits that are left go where most happens
    of_bit = np.repeat(np.arange(kept), counts)
    quantiles = np.concatenate([np.arange(1, n + 1) / (n + 1) for n in counts])
    thresholds = [np.quantile(projected[:, m], q) for m, q in zip(of_bit, quantiles, strict=True)]
    directions = turned if matrix is None else matrix @ turned
    return Signer(mean, scale[:, None] * directions, of_bit, np.array(thresholds))


def _all_equal(centred: np.ndarray, mean: np.ndarray) -> bool:
    """Return whether codes, given without their mean, differ by rounding alone."""
    rounding = np.finfo(np.float64).eps * max(1.0, float(np.square(mean).sum()))
    return bool(np.square(centred).mean(axis=0).max() <= rounding)


def _itq(projected: np.ndarray, seed: int) -> np.ndarray:
    """Return the rotation ``(M, M)`` after which signs around the median lose least."""
    size = projected.shape[1]
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]
    for _ in range(ROUNDS):
        rotated = projected @ rotation
        signs = np.where(rotated > _medians(rotated), 1.0, -1.0)
        left, _, right = np.linalg.svd(projected.T @ signs)
        rotation = left @ right
    return rotation


def _medians(values: np.ndarray) -> np.ndarray:
    """Return the medians of columns; ``np.median`` takes half as long again."""
    rows = np.ascontiguousarray(values.T)
    middle = rows.shape[1] // 2
    rows.partition(middle, axis=1)
    if rows.shape[1] % 2:
        return rows[:, middle]
    return (rows[:, :middle].max(axis=1) + rows[:, middle]) / 2


def _check(codes: np.ndarray, length: int | None) -> None:
    """Raise an error unless codes are finite rows, of the given length if there is one."""
    if codes.ndim != 2 or codes.dtype.kind != "f" or length not in (None, codes.shape[1]):
        raise DataError(
            f"Embeddings must be floating-point of shape (N, {'D' if length is None else length}), "
            f"got {codes.dtype} of shape {codes.shape}."
        )
    if length is None and codes.size == 0:
        raise DataError(f"There are no embeddings to learn from, got shape {codes.shape}.")
    finite = np.isfinite(codes).all(axis=1)
    if not finite.all():
        raise DataError(
            f"Embedding {int(np.flatnonzero(~finite)[0])} of {len(codes)} holds NaN or infinity."
        )
