"""Scores of many examples from those of fewer, for ``retrieval.py``.

A draw's first 5 examples are among its first 10. The nearest of 10 is the nearer of the nearest of
5 and of the others, so only those are compared with what is searched. The formula is that of
``emqs.retrieval.scorers.nearest``; every ranking is compared with that scorer on some codes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeGuard

import numpy as np

from emqs.retrieval.scorers import Fused, Linear, Scorer
from emqs.retrieval.scorers.nearest import Nearest
from emqs.retrieval.scorers.space import Space

BLOCK = 1 << 22  # likenesses computed at once
SPARSE = 1024  # the scorer itself is asked about one code in so many
NEAR_ENOUGH = 1e-5  # of the highest score: float32 against float64


def fits(scorers: Sequence[Scorer]) -> TypeGuard[Sequence[Nearest | Fused]]:
    """Return whether scores are those of the nearest example of each kind, alone or in a mean."""
    return all(
        _is_nested(one)
        or (
            isinstance(one, Fused)
            and not one.split
            and all(_is_nested(part) or isinstance(part, Linear) for part in one.parts)
        )
        for one in scorers
    )


def _is_nested(scorer: Scorer) -> TypeGuard[Nearest]:
    return (
        isinstance(scorer, Nearest)
        and scorer.num_neighbors == 1
        and scorer.negatives is not None
        and scorer.typical is None
    )


def space_of(scorer: Nearest | Fused) -> Space:
    """Return the space in which a scorer that ``fits`` compares; all parts share one."""
    (nearest,) = [scorer] if isinstance(scorer, Nearest) else filter(_is_nested, scorer.parts)
    return nearest.space


@dataclass
class Compared:
    """Searched codes, and how far each is from the nearest example of each kind."""

    where: np.ndarray  # slices or boxes they are of
    space: Space
    codes: np.ndarray  # (N, E): float32 of length 1; or float64, where lengths differ
    some: np.ndarray  # positions of a few codes ...
    some_codes: np.ndarray  # ... which are here as they were before they came into the space
    examples: list[np.ndarray] = field(default_factory=list)  # of each kind (P, E), float32
    squares: list[np.ndarray] = field(default_factory=list)  # of each kind (N,): squared distances

    @classmethod
    def of(cls, where: np.ndarray, space: Space, batches: Iterable[np.ndarray]) -> "Compared":
        """Take codes as they come, ``(n, D)`` each, into a space."""
        inside, every, begin = [], [], 0
        for batch in batches:
            inside.append(space(batch))
            every.append((begin + np.arange(0, len(batch), SPARSE), batch[::SPARSE]))
            begin += len(batch)
        positions, codes = (np.concatenate(parts) for parts in zip(*every, strict=True))
        kind = np.float32 if space.unit else np.float64
        return cls(where, space, np.concatenate(inside).astype(kind), positions, codes)

    def serves(self, where: np.ndarray, space: Space) -> bool:
        """Return whether these are the codes of such places in such a space."""
        mine, other = self.space, space
        return np.array_equal(self.where, where) and all(
            a is b or (a is not None and b is not None and np.array_equal(a, b))
            for a, b in ((mine.mean, other.mean), (mine.scale, other.scale))
        )

    def score(self, scorer: Nearest | Fused) -> np.ndarray:
        """Return what ``scorer.score`` returns, up to rounding, ``(N,)``, float64.

        Raises:
            RuntimeError: If it does not.
        """
        scores = (
            self._of_nearest(scorer)
            if isinstance(scorer, Nearest)
            else scorer.mean_of(np.stack([self._of_part(part) for part in scorer.parts]))
        )
        expected = scorer.score(self.some_codes)
        if np.abs(scores[self.some] - expected).max() > NEAR_ENOUGH * np.abs(expected).max():
            raise RuntimeError("Scores of nested examples are not those of the scorer.")
        return scores

    def _of_part(self, part: Scorer) -> np.ndarray:
        if isinstance(part, Linear):
            along = self.codes @ part.direction.astype(self.codes.dtype)
            return np.asarray(along.astype(np.float64) + part.offset)
        if not isinstance(part, Nearest):
            raise TypeError(f"{type(part).__name__} is neither nearest nor linear")
        return self._of_nearest(part)

    def _of_nearest(self, scorer: Nearest) -> np.ndarray:
        self.squares = [self._nearest(kind, own) for kind, own in enumerate(scorer.codes)]
        self.examples = list(scorer.codes)
        positive, negative = (
            np.exp(-(own.astype(np.float64) / 2 if self.space.unit else np.sqrt(own)))
            for own in self.squares
        )
        return np.asarray(positive - negative)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Squares of the lengths of the codes, ``(N,)``."""
        return np.einsum("nd,nd->n", self.codes, self.codes)

    def _nearest(self, kind: int, examples: np.ndarray) -> np.ndarray:
        """Return the squared distance to the nearest of ``examples`` of a kind, ``(N,)``."""
        known = self.examples[kind] if self.examples else examples[:0]
        begin = len(known) if np.array_equal(examples[: len(known)], known) else 0
        codes = self.codes
        best = self.squares[kind].copy() if begin else np.full(len(codes), np.inf, codes.dtype)
        new = examples[begin:].astype(codes.dtype)
        own = np.einsum("pd,pd->p", new, new)[:, None]
        step = max(1, BLOCK // max(1, len(new)))
        for start in range(0, len(best) if len(new) else 0, step):
            part = slice(start, start + step)
            squares = (own - 2 * (new @ codes[part].T)).min(axis=0) + self.lengths[part]
            best[part] = np.minimum(best[part], np.maximum(squares, 0))
        return best
