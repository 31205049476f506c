"""Matches that count as examples: the first ones that agree with each other and with few examples.

A click shows one thing from one side. Among the first matches most are of the kind that is looked
for, and those that are alike show what the kind has in common.

Source:
    Query expansion by pseudo-relevance feedback; for images Chum, Philbin, Sivic, Isard and
    Zisserman, Total recall, ICCV 2007. Which matches are taken is ours.
"""

from dataclasses import replace

import numpy as np

from emqs.retrieval.scorers.space import Space

FIRST = (10, 20)  # matches that are looked at, then again among those of the examples and what was
# taken; they overlap neither examples nor each other
SHARE = 0.5  # of them, those that are taken


def agreeing(
    space: Space, examples: np.ndarray, codes: np.ndarray, *, share: float = SHARE
) -> np.ndarray:
    """Return which of the first matches are most like each other and an example.

    Args:
        space: In which codes are compared, by the cosine.
        examples: Codes of the examples, ``(P, D)``, float32.
        codes: Codes of the first matches, best first, ``(n, D)``.
        share: Which share of them is taken.

    Returns:
        Their indices, at least one if there are any, int64, those that agree most first.
    """
    own, others = _directions(space, examples), _directions(space, codes)
    likeness = others @ np.concatenate([own, others]).T
    agreement = likeness.mean(axis=1) + likeness[:, : len(own)].max(axis=1, initial=-1)
    n_taken = min(len(codes), max(1, round(share * len(codes))))
    return np.argsort(-agreement, kind="stable")[:n_taken]


def middle(space: Space, examples: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Return a code whose direction is the mean of those of examples and of what is taken.

    Its signature is near those of the kind that is looked for.

    Both weigh the same, however many there are.

    Args:
        space: Where directions are.
        examples: Codes of the examples, ``(P, D)``, float32, at least one.
        taken: Codes of matches, ``(n, D)``; may be none.

    Returns:
        Shape ``(1, D)``, float32, outside the space, as codes are stored.
    """
    parts = [_mean(space, codes) for codes in (examples, taken) if len(codes)]
    return _outside(space, np.mean(parts, axis=0))


def mean_direction(space: Space, codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return a code whose direction is a weighted mean of directions, ``(1, D)``, float32.

    Args:
        space: Where directions are.
        codes: Shape ``(n, D)``, float32, at least one.
        weights: Shape ``(n,)``, above 0.
    """
    return _outside(space, _mean(space, codes, weights))


def _mean(space: Space, codes: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the mean of codes, from the origin of a space and of length 1 in it, ``(D,)``."""
    length = np.linalg.norm(replace(space, unit=False)(codes).astype(np.float64), axis=1)
    steps = (codes - _origin(space, codes)) / np.where(length == 0, 1, length)[:, None]
    return np.asarray(np.average(steps, axis=0, weights=weights))


def _outside(space: Space, mean: np.ndarray) -> np.ndarray:
    """Return the code that lies in a direction from the origin of a space, ``(1, D)``, float32."""
    origin = _origin(space, mean[None])
    inside = replace(space, unit=False)(origin + mean[None])  # linear: has the mean direction
    mean = mean * np.sqrt(inside.size) / (np.linalg.norm(inside) or 1.0)  # length of a usual code
    return np.asarray((origin + mean[None]).astype(np.float32))


def _origin(space: Space, codes: np.ndarray) -> np.ndarray:
    return np.zeros(codes.shape[1]) if space.mean is None else space.mean


def _directions(space: Space, codes: np.ndarray) -> np.ndarray:
    return replace(space, unit=True)(codes).astype(np.float64)
