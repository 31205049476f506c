"""Which patches to label next: likely ones, unlike all that is labelled, and like many others.

A label tells something of every patch that is like the labelled one, and the less the more unlike
it is. The suggestions are those whose labels tell most that no label has told yet. Of five, two are
chosen for what they tell of the best ranked candidates, so that more of the structure is found, and
three for what they tell of all candidates, so that what is only alike is told apart.
"""

from collections.abc import Callable

import numpy as np

POOL = 200  # best-ranked candidates that suggestions are chosen from, and should tell about
WIDTH = 1.0  # width of the likeness, in typical lengths of a code
FALLS = (1.0, 1.0, 0.0, 0.0, 0.0)  # rank r counts r ** -fall, choice by choice, then again
BEST, ALL = "like many of the best matches", "like many of all candidates"
TINY = 1e-9  # a share of all there is to tell that is only rounding


def reasons(n: int) -> list[str]:
    """Return why each of ``n`` suggestions is one; all of them are unlike what has a label."""
    return [BEST if FALLS[i % len(FALLS)] else ALL for i in range(n)]


def suggest(
    codes: np.ndarray,
    examples: np.ndarray,
    n: int,
    *,
    rivals: Callable[[int], np.ndarray] | None = None,
) -> np.ndarray:
    """Return the candidates whose labels tell most, the first one first.

    The likeness of two codes at distance d is ``exp(-d^2 / (2 w^2))``, with w = ``WIDTH`` times
    the root mean square length of all codes. What is told of a candidate is its likeness to the
    nearest labelled patch. Each choice is the one that raises this most, summed over all
    candidates with the weights of their ranks (``FALLS``), as if the choices before it had labels
    already.

    Args:
        codes: Of the candidates, best first, shape ``(N, D)``, in a space around 0.
        examples: Codes of what is labelled, shape ``(M, D)``; M may be 0.
        n: How many at most.
        rivals: Given a chosen candidate, returns the candidates (or a mask of them) that must not
            be chosen beside it, e.g. those that share pixels with it; None: itself alone.

    Returns:
        Positions in ``codes``, int64, distinct, shape ``(n,)``, or fewer if no label would tell
        anything new. Of two equal codes at most one is among them, and no code of an example. The
        same input gives the same result; of equally good candidates the better ranked is taken.

    Source:
        Greedy maximisation of the facility location function: Nemhauser, Wolsey and Fisher, An
        analysis of approximations for maximizing submodular set functions, Mathematical
        Programming 14 (1978).
    """
    if len(codes) == 0:
        return np.empty(0, dtype=np.int64)
    everything = np.concatenate([codes, examples]).astype(np.float64)
    squares = np.sum(everything**2, axis=1)
    typical = float(squares.mean()) or 1.0
    candidates = everything[: len(codes)]
    distances = squares[: len(codes), None] - 2 * candidates @ everything.T + squares
    likeness = np.exp(-np.maximum(distances, 0) / (2 * WIDTH**2 * typical))  # (N, N + M)
    told = likeness[:, len(codes) :].max(axis=1, initial=0.0)
    likeness = likeness[:, : len(codes)]
    ranks = np.arange(1, len(codes) + 1)
    free = np.ones(len(codes), dtype=bool)
    chosen: list[int] = []
    while len(chosen) < n and free.any():
        weights = ranks ** -FALLS[len(chosen) % len(FALLS)]
        gains = weights @ np.maximum(likeness - told[:, None], 0)
        best = int(np.argmax(np.where(free, gains, -1.0)))
        if gains[best] <= TINY * weights.sum():
            break
        chosen.append(best)
        free[best] = False
        if rivals is not None:
            free[rivals(best)] = False
        told = np.maximum(told, likeness[:, best])
    return np.array(chosen, dtype=np.int64)
