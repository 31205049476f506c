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
    plain = replace(space, unit=False)
    origin = np.zeros(examples.shape[1]) if space.mean is None else space.mean
    parts = []
    for codes in (examples, taken) if len(taken) else (examples,):
        length = np.linalg.norm(plain(codes).astype(np.float64), axis=1, keepdims=True)
        parts.append(((codes - origin) / np.where(length == 0, 1, length)).mean(axis=0))
    mean = np.mean(parts, axis=0)[None]  # spaces are linear: its image has the mean direction
    inside = plain(origin + mean)
    mean *= np.sqrt(inside.size) / (np.linalg.norm(inside) or 1.0)  # the length of a usual code
    return np.asarray((origin + mean).astype(np.float32))


def _directions(space: Space, codes: np.ndarray) -> np.ndarray:
    return replace(space, unit=True)(codes).astype(np.float64)
