"""Exact search among signatures: every one is compared, so nothing can be missed.

Loops come in two kinds with the same results. NumPy's go over a block several times; numba's
(``emqs[fast]``) go over it once. numba's are used where it is installed and there is so much to
compare that importing it pays.
"""

import importlib
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from types import ModuleType

import numpy as np

from emqs.errors import ConfigError, DataError

logger = logging.getLogger(__name__)

BLOCK = 2**17  # signatures compared at once: 1 MiB fits a cache; smaller ones wait for Python more
PIECES = 8  # that a thread takes one after the other; those that are done early take more
PART = 2**15  # of a block that is compared with several at once, one after the other
FAR = 255  # a distance that no pair of signatures has; marks places that are left out
N_DISTANCES = 65  # 0 to 64
SAMPLE = 2**20  # signatures that tell how near the nearest of many more lie ...
SAMPLE_PART = 2**12  # ... from all over the volume, so many together
SURE = 2.0  # times k that the sample must promise
MANY = 2**24  # comparisons that take NumPy some 10 ms; fewer are not worth importing numba for

Matches = tuple[np.ndarray, np.ndarray]


def nearest(
    signatures: np.ndarray,
    positives: np.ndarray | Sequence[int],
    k: int,
    *,
    mask: np.ndarray | None = None,
    n_threads: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k signatures nearest to one or several others.

    Memory grows with ``k`` and the number of threads, not with the number of signatures.

    Args:
        signatures: Shape ``(N,)``, uint64, in memory or mapped.
        positives: Signatures to look for, at least one; the nearest of them counts.
        k: How many, at least 1.
        mask: Which positions may be found, shape ``(N,)``, bool; None means all.
        n_threads: Blocks compared at a time; None takes one per core. Does not change the result.

    Returns:
        Positions, ``(m,)`` int64, and their Hamming distances, ``(m,)`` uint8, nearest first and
        equal distances in the order of positions; ``m`` is ``k``, or less where there are no more.

    Raises:
        ConfigError: If ``k`` or ``n_threads`` is under 1, or there is no positive.
        DataError: If an array has another type or shape.
    """
    queries, array, allowed = _checked(signatures, positives, mask)
    return _nearest_of_each(array, [queries], [k], allowed, n_threads)[0]


def nearest_of_each(
    signatures: np.ndarray,
    searches: Sequence[tuple[np.ndarray, int]],
    *,
    mask: np.ndarray | None = None,
    n_threads: int | None = None,
) -> list[np.ndarray]:
    """Return the nearest signatures for each of several searches; signatures are read once.

    Args:
        signatures: As for ``nearest``.
        searches: Positives ``(P,)`` and k of each.
        mask: As for ``nearest``, of all searches.
        n_threads: As for ``nearest``.

    Returns:
        The positions that ``nearest`` returns, for each search.

    Raises:
        ConfigError, DataError: As ``nearest``.
    """
    checked = [_checked(signatures, positives, mask) for positives, _ in searches]
    array, allowed = checked[0][1:]
    queries, ks = [own for own, _, _ in checked], [k for _, k in searches]
    matches = _nearest_of_each(array, queries, ks, allowed, n_threads)
    return [positions for positions, _ in matches]


def _nearest_of_each(
    array: np.ndarray,
    queries: list[np.ndarray],
    ks: list[int],
    allowed: np.ndarray | None,
    n_threads: int | None,
) -> list[Matches]:
    """Return positions and distances of the nearest for each search; see ``nearest``."""
    if min(ks) < 1:
        raise ConfigError(f"k must be at least 1, got {min(ks)}.")
    n_threads = _at_work(n_threads)
    compiled = _compiled(array, np.concatenate(queries), allowed)
    if compiled is None and len(queries) > 1:
        return [
            _nearest_of_each(array, [own], [k], allowed, n_threads)[0]
            for own, k in zip(queries, ks, strict=True)
        ]
    count = _counted if compiled is None else compiled.counted
    limits = [_likely(array, own, k, allowed, count) for own, k in zip(queries, ks, strict=True)]
    matches = _below(array, queries, ks, allowed, n_threads, limits, compiled)
    for number, (_, distances) in enumerate(matches):
        if len(distances) < ks[number] and limits[number] < FAR:  # unlikely: look at all of them
            alone = [queries[number]], [ks[number]]
            matches[number] = _below(array, *alone, allowed, n_threads, [FAR], compiled)[0]
    return matches


def _likely(
    array: np.ndarray,
    queries: np.ndarray,
    k: int,
    allowed: np.ndarray | None,
    count: Callable[..., np.ndarray],
) -> int:
    """Return a limit below which the k nearest lie in all likelihood, from a sample.

    Whoever scans with it passes by nearly all signatures without a second look.
    """
    if len(array) < 16 * SAMPLE:
        return FAR
    starts = np.linspace(0, len(array) - SAMPLE_PART, SAMPLE // SAMPLE_PART).astype(np.int64)
    counts = sum(count(array, queries, allowed, at, at + SAMPLE_PART) for at in starts.tolist())
    expected = np.cumsum(counts) * (len(array) / SAMPLE)
    return int(np.searchsorted(expected, SURE * k)) + 1 if expected[-1] >= SURE * k else FAR


def _below(
    array: np.ndarray,
    queries: list[np.ndarray],
    ks: list[int],
    allowed: np.ndarray | None,
    n_threads: int,
    limits: list[int],
    compiled: ModuleType | None,
) -> list[Matches]:
    """Return the nearest of each search that are nearer than a limit.

    What is not nearer than the k nearest of some part cannot be among the k, wherever it is; so
    limits are lowered as parts are done.
    """
    limits = list(limits)
    alone = _nearest if compiled is None else compiled.nearest
    pieces = min(max(len(array) // (16 * max(ks) * n_threads), 1), PIECES)  # k of each are kept

    def searched(part: tuple[int, int]) -> list[Matches]:
        if compiled is not None and len(queries) > 1:
            matches = compiled.nearest_of_each(array, queries, ks, allowed, tuple(limits), *part)
        else:
            matches = [alone(array, queries[0], ks[0], allowed, limits[0], *part)]
        for number, (_, distances) in enumerate(matches):
            if len(distances) == ks[number]:  # an equal one may come before
                limits[number] = min(limits[number], int(distances[-1]) + 1)
        return matches

    with ThreadPoolExecutor(n_threads) as threads:  # both kinds work without Python's lock
        parts = list(threads.map(searched, _parts(len(array), pieces * n_threads)))
    results = []
    for number, k in enumerate(ks):
        positions = np.concatenate([part[number][0] for part in parts])
        distances = np.concatenate([part[number][1] for part in parts])
        order = np.argsort(distances, kind="stable")[:k]  # parts come in the order of positions
        results.append((positions[order], distances[order]))
    return results


def counts(
    signatures: np.ndarray,
    positives: np.ndarray | Sequence[int],
    *,
    mask: np.ndarray | None = None,
    n_threads: int | None = None,
) -> np.ndarray:
    """Return how many signatures are at each distance from the nearest of several others.

    Args:
        signatures: Shape ``(N,)``, uint64.
        positives: Signatures to look for, at least one.
        mask: Which positions count, shape ``(N,)``, bool; None means all.
        n_threads: Blocks compared at a time; None takes one per core.

    Returns:
        Counts of the distances 0 to 64, shape ``(65,)``, int64.

    Raises:
        ConfigError: If ``n_threads`` is under 1, or there is no positive.
        DataError: If an array has another type or shape.
    """
    queries, array, allowed = _checked(signatures, positives, mask)

    n_threads = _at_work(n_threads)
    parts = _parts(len(array), PIECES * n_threads)
    compiled = _compiled(array, queries, allowed)
    loop = _counted if compiled is None else compiled.counted
    with ThreadPoolExecutor(n_threads) as threads:
        pieces_counts = list(threads.map(lambda part: loop(array, queries, allowed, *part), parts))
    return np.sum(pieces_counts, axis=0)


def load() -> None:
    """Load the compiled loops, which takes about a second, before a search needs them."""
    _numba()


def _compiled(
    array: np.ndarray, queries: np.ndarray, allowed: np.ndarray | None
) -> ModuleType | None:
    """Return numba's loops if they are to be used for this."""
    if len(array) * len(queries) < MANY:
        return None
    given = (array, queries) if allowed is None else (array, queries, allowed)
    return _numba() if all(a.flags.c_contiguous and a.flags.aligned for a in given) else None


@cache
def _numba() -> ModuleType | None:
    """Return the module with numba's loops, or None; say which loops are used, once."""
    try:
        module = importlib.import_module("emqs.embedding.stores.hamming_numba")
    except ModuleNotFoundError as error:
        if error.name not in ("numba", "llvmlite"):
            raise
        logger.info("Signatures are compared by NumPy; numba is faster: pip install 'emqs[fast]'.")
        return None
    except ImportError as error:  # numba does not fit this NumPy
        logger.warning("Signatures are compared by NumPy, since numba cannot be used: %s", error)
        return None
    logger.info("Signatures are compared by numba.")
    return module


class _Work:
    """Buffers of one thread."""

    def __init__(self) -> None:
        self.different = np.empty(BLOCK, dtype=np.uint64)
        self.least = np.empty(BLOCK, dtype=np.uint8)
        self.other = np.empty(BLOCK, dtype=np.uint8)

    def distances(
        self,
        array: np.ndarray,
        queries: np.ndarray,
        allowed: np.ndarray | None,
        start: int,
        stop: int,
    ) -> np.ndarray:
        """Return the distances of one block to the nearest wanted; valid until the next call."""
        block, size = array[start:stop], stop - start
        different, least, other = self.different[:size], self.least[:size], self.other[:size]
        step = PART if len(queries) > 1 else size
        for first in range(0, size, step):
            part = slice(first, first + step)
            for number, one in enumerate(queries):
                np.bitwise_xor(block[part], one, out=different[part])
                np.bitwise_count(different[part], out=other[part] if number else least[part])
                if number:
                    np.minimum(least[part], other[part], out=least[part])
        if allowed is not None:
            least[~allowed[start:stop]] = FAR
        return least


def _nearest(
    array: np.ndarray,
    queries: np.ndarray,
    k: int,
    allowed: np.ndarray | None,
    limit: int,
    first: int,
    last: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest of one part below a limit, nearest first, equal ones by position.

    Once k are known, a later one only counts if it is nearer than the farthest of them.
    """
    work = _Work()
    positions = np.empty(0, dtype=np.int64)
    distances = np.empty(0, dtype=np.uint8)
    waiting: list[tuple[np.ndarray, np.ndarray]] = []
    n_waiting = 0
    for start in range(first, last, BLOCK):
        block = work.distances(array, queries, allowed, start, min(start + BLOCK, last))
        if block.min() < limit:
            below = np.flatnonzero(block < limit)
            waiting.append((below + start, block[below]))
            n_waiting += len(below)
        if n_waiting >= max(k // 4, 256) or start + BLOCK >= last:
            positions = np.concatenate([positions, *(p for p, _ in waiting)])
            distances = np.concatenate([distances, *(d for _, d in waiting)])
            order = np.argsort(distances, kind="stable")[:k]
            positions, distances = positions[order], distances[order]
            waiting, n_waiting = [], 0
            if len(distances) == k:
                limit = int(distances[-1])
    return positions, distances


def _counted(
    array: np.ndarray, queries: np.ndarray, allowed: np.ndarray | None, first: int, last: int
) -> np.ndarray:
    """Return how many of one part are at the distances 0 to 64, ``(65,)``, int64."""
    result = np.zeros(FAR + 1, dtype=np.int64)
    work = _Work()
    for start in range(first, last, BLOCK):
        distances = work.distances(array, queries, allowed, start, min(start + BLOCK, last))
        result += np.bincount(distances, minlength=FAR + 1)
    return result[:N_DISTANCES]


def _at_work(n_threads: int | None) -> int:
    """Return how many threads work at a time."""
    n_threads = (os.cpu_count() or 1) if n_threads is None else n_threads
    if n_threads < 1:
        raise ConfigError(f"search.n_threads must be at least 1, got {n_threads}.")
    return n_threads


def _parts(count: int, n_parts: int) -> list[tuple[int, int]]:
    """Return first and one past the last position of each part, whole blocks, in order."""
    n_blocks = -(-count // BLOCK)
    ends = [n_blocks * i // n_parts * BLOCK for i in range(n_parts + 1)]
    parts = [(a, min(b, count)) for a, b in pairwise(ends) if a < b]
    return parts or [(0, 0)]


def _checked(
    signatures: np.ndarray, positives: np.ndarray | Sequence[int], mask: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return positives, signatures and mask as plain arrays, without a copy of the latter two."""
    queries = np.atleast_1d(np.asarray(positives, dtype=np.uint64))
    if queries.ndim != 1 or len(queries) == 0:
        raise ConfigError("The search needs at least one positive example, got none.")
    array = np.asarray(signatures)  # of a mapped file, too: slicing it is cheaper then
    if array.ndim != 1 or array.dtype != np.uint64:
        raise DataError(
            f"Signatures must be uint64 of shape (N,), got {array.dtype} of shape {array.shape}."
        )
    if mask is None:
        return np.unique(queries), array, None
    allowed = np.asarray(mask)
    if allowed.shape != array.shape or allowed.dtype != np.bool_:
        raise DataError(
            f"The mask must be bool of shape {array.shape}, got {allowed.dtype} of shape "
            f"{allowed.shape}."
        )
    return np.unique(queries), array, allowed
