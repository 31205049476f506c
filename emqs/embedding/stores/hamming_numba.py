"""The loops of the exact scan, compiled by numba; they return what the NumPy loops return.

Signatures are read once: a few hundred at a time are compared with all positive examples while they
are in the processor's first cache. Only what is nearer than the k-th nearest so far is looked at.
Compiling takes seconds, once per computer: numba keeps the result beside this file, or in the
user's cache folder. It gives no types, so importing this file without it is an error.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

TILE = 512  # signatures compared at once: 4 KiB, and as much for their distances
GROUP = 32  # of them looked through together: few hold one that is near
FAR = 255  # a distance that no pair of signatures has
N_DISTANCES = 65  # 0 to 64
WAITING = 4096  # places kept at least before they are sorted out

_SIGNATURES = types.Array(types.uint64, 1, "C", readonly=True)  # takes arrays that can be written
_MASK = types.Array(types.boolean, 1, "C", readonly=True)


def _compiled(*arguments: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - numba's types
    """Return a decorator that compiles for these arguments, and keeps the result if it can."""

    def decorated(function: Any) -> Any:  # noqa: ANN401
        try:
            return njit(arguments, nogil=True, cache=True)(function)
        except (RuntimeError, OSError):  # there is no folder to keep it in, or no room
            return njit(arguments, nogil=True)(function)

    return decorated


@intrinsic
def _ones(context: Any, number: Any) -> Any:  # noqa: ANN401, ARG001
    """Return how many bits are 1: one instruction, and several numbers at a time."""

    def code(_: Any, builder: Any, __: Any, values: Any) -> Any:  # noqa: ANN401
        count = builder.module.declare_intrinsic("llvm.ctpop", [ir.IntType(64)])
        return builder.call(count, values)

    return types.uint64(types.uint64), code


@njit(nogil=True)
def _compare(block: Any, queries: Any, allowed: Any, least: Any) -> Any:  # noqa: ANN401
    """Write the distance of each to the nearest wanted, and return the least of all.

    Loops are short and without branches, so that the compiler turns them into vector instructions.
    """
    nearest = np.uint64(FAR)
    n = len(queries)
    if n == 1:
        only = queries[0]
        for i in range(len(block)):
            d = _ones(block[i] ^ only)
            least[i] = d
            nearest = d if d < nearest else nearest
    else:
        least[:] = FAR
        for j in range(0, n, 4):  # four at a time; the last one again where there are fewer
            w0, w1 = queries[j], queries[min(j + 1, n - 1)]
            w2, w3 = queries[min(j + 2, n - 1)], queries[min(j + 3, n - 1)]
            nearest = np.uint64(FAR)
            for i in range(len(block)):
                one = block[i]
                a, b, c, d = _ones(one ^ w0), _ones(one ^ w1), _ones(one ^ w2), _ones(one ^ w3)
                a = a if a < b else b
                c = c if c < d else d
                a = a if a < c else c
                a = a if a < least[i] else least[i]
                least[i] = a
                nearest = a if a < nearest else nearest
    if len(allowed):
        nearest = np.uint64(FAR)
        for i in range(len(block)):
            d = least[i] if allowed[i] else np.uint64(FAR)
            least[i] = d
            nearest = d if d < nearest else nearest
    return nearest


@njit(nogil=True)
def _none_below(least: Any, first: int, last: int, limit: int) -> Any:  # noqa: ANN401
    """Return whether no distance from a place to another is below a limit, without branches."""
    nearest = np.uint64(FAR)
    for i in range(first, last):
        d = least[i]
        nearest = d if d < nearest else nearest
    return nearest >= limit


@njit(nogil=True)
def _sorted_out(positions: Any, distances: Any, limit: int) -> Any:  # noqa: ANN401
    """Keep what is not farther than a limit, in order; return how many: fewer than 2 k."""
    n = 0
    for j in range(len(positions)):
        if distances[j] <= limit:
            positions[n], distances[n] = positions[j], distances[j]
            n += 1
    return n


@_compiled(
    _SIGNATURES, _SIGNATURES, types.Array(types.int64, 1, "C", readonly=True),
    types.Array(types.int64, 1, "C", readonly=True), _MASK, types.int64[::1], types.int64,
    types.int64, types.int64[:, ::1], types.uint8[:, ::1], types.int64[::1],
)  # fmt: skip
def _nearest_of_each(
    array: Any,  # noqa: ANN401
    queries: Any,  # noqa: ANN401
    ends: Any,  # noqa: ANN401
    ks: Any,  # noqa: ANN401
    allowed: Any,  # noqa: ANN401
    limits: Any,  # noqa: ANN401
    first: int,
    last: int,
    positions: Any,  # noqa: ANN401
    distances: Any,  # noqa: ANN401
    counts: Any,  # noqa: ANN401
) -> None:
    """Write places, in order, that hold the k nearest of a part for each of several searches.

    A search's queries end where ``ends`` says. What is not nearer than its limit is left out; once
    k are nearer, the limit becomes smaller. ``limits`` are lowered, ``counts`` are how many.
    """
    n_searches = len(ends)
    least = np.empty(TILE, np.uint64)
    at = np.zeros((n_searches, FAR + 1), np.int64)  # places kept at each distance
    nearer = np.zeros(n_searches, np.int64)  # how many are nearer than the limit, fewer than k
    for start in range(first, last, TILE):
        stop = min(start + TILE, last)
        part_allowed = allowed[start:stop] if len(allowed) else allowed
        begin = 0
        for s in range(n_searches):
            own = queries[begin : ends[s]]
            begin = ends[s]
            limit = limits[s]
            if _compare(array[start:stop], own, part_allowed, least) >= limit:
                continue
            n = counts[s]
            for group in range(0, stop - start, GROUP):
                end = min(group + GROUP, stop - start)
                if _none_below(least, group, end, limit):
                    continue
                for i in range(group, end):
                    distance = np.int64(least[i])
                    if distance >= limit:
                        continue
                    positions[s, n], distances[s, n] = start + i, distance
                    n += 1
                    at[s, distance] += 1
                    nearer[s] += 1
                    while nearer[s] >= ks[s]:
                        limit -= 1
                        nearer[s] -= at[s, limit]
                    if n == positions.shape[1]:
                        n = _sorted_out(positions[s], distances[s], limit)
            counts[s], limits[s] = n, limit


@_compiled(_SIGNATURES, _SIGNATURES, _MASK, types.int64, types.int64, types.int64[::1])
def _count(
    array: Any,  # noqa: ANN401
    queries: Any,  # noqa: ANN401
    allowed: Any,  # noqa: ANN401
    first: int,
    last: int,
    counts: Any,  # noqa: ANN401
) -> None:
    """Add how many of a part are at each distance to ``counts``, ``(256,)``."""
    least = np.empty(TILE, np.uint64)
    for start in range(first, last, TILE):
        stop = min(start + TILE, last)
        part_allowed = allowed[start:stop] if len(allowed) else allowed
        _compare(array[start:stop], queries, part_allowed, least)
        for i in range(stop - start):
            counts[least[i]] += 1


def nearest(
    array: np.ndarray,
    queries: np.ndarray,
    k: int,
    allowed: np.ndarray | None,
    limit: int,
    first: int,
    last: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest of one part below a limit, nearest first, equal ones by position."""
    return nearest_of_each(array, [queries], [k], allowed, [limit], first, last)[0]


def nearest_of_each(
    array: np.ndarray,
    queries: Sequence[np.ndarray],
    ks: Sequence[int],
    allowed: np.ndarray | None,
    limits: Sequence[int],
    first: int,
    last: int,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what ``nearest`` returns for each of several searches, from one pass."""
    fewer = np.array([min(k, last - first) for k in ks], dtype=np.int64)
    room = 3 * int(fewer.max()) + WAITING
    positions = np.empty((len(queries), room), dtype=np.int64)
    distances = np.empty((len(queries), room), dtype=np.uint8)
    counts = np.zeros(len(queries), dtype=np.int64)
    ends = np.cumsum([len(own) for own in queries])
    _nearest_of_each(
        array, np.concatenate(queries), ends, fewer, _all(allowed),
        np.array(limits, dtype=np.int64), first, last, positions, distances, counts,
    )  # fmt: skip
    result = []
    for number, (n, k) in enumerate(zip(counts.tolist(), fewer.tolist(), strict=True)):
        order = np.argsort(distances[number, :n], kind="stable")[:k]
        result.append((positions[number, order], distances[number, order]))
    return result


def counted(
    array: np.ndarray, queries: np.ndarray, allowed: np.ndarray | None, first: int, last: int
) -> np.ndarray:
    """Return how many of one part are at the distances 0 to 64, ``(65,)``, int64."""
    counts = np.zeros(FAR + 1, dtype=np.int64)
    _count(array, queries, _all(allowed), first, last, counts)
    return counts[:N_DISTANCES]


def _all(allowed: np.ndarray | None) -> np.ndarray:
    return np.empty(0, dtype=np.bool_) if allowed is None else allowed
