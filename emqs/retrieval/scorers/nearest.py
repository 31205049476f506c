"""Scores by the distance to the nearest examples."""

import numpy as np

from emqs.embedding.short_codes import ShortCoder
from emqs.errors import ConfigError
from emqs.retrieval import index as neighbours
from emqs.retrieval.scorers.rough import RoughScore, RoughSpace
from emqs.retrieval.scorers.space import Background, Space, _metric
from emqs.retrieval.settings import IndexConfig


class Nearest:
    """Likeness to the nearest examples of each kind."""

    def __init__(
        self,
        positives: np.ndarray,
        negatives: np.ndarray | None,
        *,
        num_neighbors: int,
        index: IndexConfig,
        space: Space | None = None,
        background: Background | None = None,
    ) -> None:
        """Index the examples.

        Args:
            positives: Codes of the positive examples, shape ``(P, D)``, float32.
            negatives: Codes of the negative examples, shape ``(M, D)``, float32; None if the user
                gave none, so that likeness to the positive ones alone counts.
            num_neighbors: Nearest examples of each kind whose distances are averaged.
            index: Annoy or exact.
            space: Where distances are measured; None: between the codes as they are.
            background: Unlabelled codes, whose mean is a weak negative example; None: without.

        Raises:
            ConfigError: If there are fewer examples of a kind than ``num_neighbors``.
        """
        for kind, codes in (("positive", positives), ("negative", negatives)):
            if codes is not None and len(codes) < num_neighbors:
                raise ConfigError(
                    f"query.num_neighbors is {num_neighbors}, but there are only {len(codes)} "
                    f"{kind} examples. Lower query.num_neighbors or give more examples."
                )
        self.num_neighbors = num_neighbors
        self.space = Space(None, None, unit=False) if space is None else space
        self.codes = [self.space(own) for own in (positives, negatives) if own is not None]
        indexes = [neighbours.build(own, index) for own in self.codes]
        self.positives = indexes[0]
        self.negatives = None if negatives is None else indexes[1]
        self.typical: np.ndarray | None = None  # (E,), float64
        if background is not None:
            mean = background.mean(self.space)
            self.typical = mean / (np.linalg.norm(mean) or 1.0) if self.space.unit else mean

    def score(self, codes: np.ndarray) -> np.ndarray:
        """Return how much more each code is like the positive than like the negative examples.

        Args:
            codes: Shape ``(N, D)``, float32.

        Returns:
            ``exp(-d+) - exp(-d-)``, shape ``(N,)``, float64 in [-1, 1], where d is the mean
            distance to the nearest examples of each kind. Without negative examples ``exp(-d+)``.
            With a background, half of what is subtracted is ``exp(-d)`` of the distance to its
            mean, or all of it where there are no negative examples. Only the order matters.

        Source:
            Patch-based Querying; the background is ours.
        """
        codes = self.space(codes)
        closeness = np.exp(-self._distance(self.positives, codes))
        closeness_to_others = []
        if self.negatives is not None:
            closeness_to_others.append(np.exp(-self._distance(self.negatives, codes)))
        if self.typical is not None:
            apart = np.linalg.norm(codes.astype(np.float64) - self.typical, axis=1)
            closeness_to_others.append(np.exp(-_metric(apart, self.space)))
        return np.asarray(
            closeness - np.mean(closeness_to_others, axis=0) if closeness_to_others else closeness,
            dtype=np.float64,
        )

    def rough(self, coder: ShortCoder) -> RoughScore:
        """Return what scores short codes as ``score`` would score rough embeddings."""
        inside, unit = RoughSpace.of(coder, self.space), self.space.unit
        others = [own.astype(np.float64) for own in self.codes]
        others += [] if self.typical is None else [self.typical[None]]
        points = np.concatenate(others)
        ends = np.cumsum([len(own) for own in others])[:-1]

        def scores(short: np.ndarray) -> np.ndarray:
            squares = inside.apart(coder.numbers(short), points, unit=unit)
            closeness = [
                np.exp(-self._mean_of_nearest(own)) for own in np.split(squares, ends, axis=1)
            ]
            first, rest = closeness[0], closeness[1:]
            result = first - np.mean(rest, axis=0) if rest else first
            return np.asarray(result, dtype=np.float64)

        return scores

    def _mean_of_nearest(self, squares: np.ndarray) -> np.ndarray:
        """Return the mean distance to the nearest, ``(N,)``, given squared ones, ``(N, P)``."""
        count = min(self.num_neighbors, squares.shape[1])
        nearest = np.partition(squares, count - 1, axis=1)[:, :count]
        return np.asarray(_metric(np.sqrt(np.maximum(nearest, 0)), self.space).mean(axis=1))

    def _distance(self, examples: neighbours.Index, codes: np.ndarray) -> np.ndarray:
        """Return the mean distance to the nearest examples, shape ``(N,)``, float64."""
        distances = examples.nearest(codes, self.num_neighbors)[1]
        return np.asarray(_metric(distances, self.space).mean(axis=1))


class Neighbours:
    """How much denser the positive than the negative examples lie around a code."""

    def __init__(
        self,
        positives: np.ndarray,
        negatives: np.ndarray,
        *,
        k: int,
        index: IndexConfig,
        space: Space,
    ) -> None:
        """Index the examples, shapes ``(P, D)`` and ``(M, D)``; fewer than ``k`` all count."""
        self.space = space
        self.examples = [neighbours.build(space(codes), index) for codes in (positives, negatives)]
        self.k = k

    def score(self, codes: np.ndarray) -> np.ndarray:
        """Return ``log(d-) - log(d+)``, shape ``(N,)``, float64.

        d is the mean distance to the at most ``k`` nearest examples of each kind. Where examples
        are k times as dense, the k nearest are nearer; a vote among the k nearest of both kinds
        would say the same, but in k + 1 steps, and only in favour of the kind with more examples.
        """
        inside = self.space(codes)
        to_positive, to_negative = (
            _metric(examples.nearest(inside, min(self.k, len(examples)))[1], self.space).mean(
                axis=1
            )
            for examples in self.examples
        )
        least = np.finfo(np.float32).tiny  # an example itself is at distance 0
        return np.asarray(
            np.log(np.maximum(to_negative, least)) - np.log(np.maximum(to_positive, least)),
            dtype=np.float64,
        )
