"""Make a scorer of examples: how much is a code like the positive and unlike the negative ones?

``build`` is the only thing that the steps above need: examples in, an object with ``score`` out.
Which scorer, in which space distances are measured, stands in ``query``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from emqs import index as neighbours
from emqs.config import IndexConfig, QueryConfig
from emqs.errors import ConfigError, DataError


class Scorer(Protocol):
    """Examples, ready to score patches."""

    def score(self, codes: np.ndarray) -> np.ndarray:
        """Return how much each code is like the structure; only the order matters.

        Args:
            codes: Shape ``(N, D)``, float32.

        Returns:
            Shape ``(N,)``, float64; higher is more alike.
        """
        ...


@dataclass(frozen=True)
class Space:
    """Where distances are measured: the codes moved, scaled or turned as unlabelled codes say."""

    mean: np.ndarray | None  # (D,), float64; None: codes stay as they are
    scale: np.ndarray | None  # (D,): a factor per dimension; (D, E): a matrix; float64
    unit: bool  # divide each code by its length, so that directions alone count

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """Return codes in this space, shape ``(N, E)``, float32; zeros stay zeros."""
        if self.mean is not None and self.scale is not None:
            centred = codes.astype(np.float64) - self.mean
            codes = (centred * self.scale if self.scale.ndim == 1 else centred @ self.scale).astype(
                np.float32
            )
        if self.unit:
            length = np.linalg.norm(codes.astype(np.float64), axis=1, keepdims=True)
            codes = (codes / np.where(length == 0, 1, length)).astype(np.float32)
        return codes


def fit_space(config: QueryConfig, background: np.ndarray | None) -> Space:
    """Return the space that ``query.metric`` and ``query.whiten`` ask for.

    Args:
        config: ``whiten``: ``none``; ``standard``, every dimension with mean 0 and standard
            deviation 1; ``pca``, the same for every principal component, whose covariance is
            shrunk towards a sphere as Ledoit and Wolf say, so that it can be inverted.
        background: Unlabelled codes that are searched, shape ``(M, D)``, float32; needed to
            whiten.

    Raises:
        DataError: If there are fewer than two codes to learn from.

    Source:
        Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance matrices,
        J. Multivariate Analysis 88 (2004), as in scikit-learn.
    """
    unit = config.metric == "cosine"
    if config.whiten == "none":
        return Space(None, None, unit)
    if background is None or len(background) < 2:
        found = 0 if background is None else len(background)
        raise DataError(
            f"query.whiten={config.whiten} learns from at least 2 searched patches, got {found}. "
            "Search more slices or use query.whiten=none."
        )
    codes = background.astype(np.float64)
    mean = codes.mean(axis=0)
    spread = codes.std(axis=0)
    scale = 1 / np.where(spread > 0, spread, 1)  # what never varies says nothing, whatever it is
    if config.whiten == "standard":
        return Space(mean, scale, unit)
    varies = spread > 0
    covariance, _ = ledoit_wolf((codes - mean)[:, varies] * scale[varies])
    values, vectors = np.linalg.eigh(covariance)
    matrix = np.zeros((codes.shape[1], len(values)))
    matrix[varies] = scale[varies, None] * vectors / np.sqrt(values)
    return Space(mean, matrix, unit)


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
    ) -> None:
        """Index the examples.

        Args:
            positives: Codes of the positive examples, shape ``(P, D)``, float32.
            negatives: Codes of the negative examples, shape ``(M, D)``, float32; None if the user
                gave none, so that likeness to the positive ones alone counts.
            num_neighbors: Nearest examples of each kind whose distances are averaged.
            index: Annoy or exact.
            space: Where distances are measured; None: between the codes as they are.

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
        self.positives = neighbours.build(self.space(positives), index)
        self.negatives = (
            None if negatives is None else neighbours.build(self.space(negatives), index)
        )

    def score(self, codes: np.ndarray) -> np.ndarray:
        """Return how much more each code is like the positive than like the negative examples.

        Args:
            codes: Shape ``(N, D)``, float32.

        Returns:
            ``exp(-d+) - exp(-d-)``, shape ``(N,)``, float64 in [-1, 1], where d is the mean
            distance to the nearest examples of each kind. Without negative examples ``exp(-d+)``.
            Only the order matters.

        Source:
            Patch-based Querying.
        """
        codes = self.space(codes)
        to_positive = self._distance(self.positives, codes)
        if self.negatives is None:
            return np.asarray(np.exp(-to_positive), dtype=np.float64)
        to_negative = self._distance(self.negatives, codes)
        return np.asarray(np.exp(-to_positive) - np.exp(-to_negative), dtype=np.float64)

    def _distance(self, examples: neighbours.Index, codes: np.ndarray) -> np.ndarray:
        """Return the mean distance to the nearest examples, shape ``(N,)``, float64."""
        found = examples.nearest(codes, self.num_neighbors)[1]
        return np.asarray(_metric(found, self.space).mean(axis=1))


def _metric(euclidean: np.ndarray, space: Space) -> np.ndarray:
    """Return Euclidean distances, or 1 - cosine, which is half their square at length 1."""
    return euclidean**2 / 2 if space.unit else euclidean


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


class Linear:
    """A direction in the space of codes; logistic, lda and prototype end here."""

    def __init__(self, direction: np.ndarray, offset: float, space: Space) -> None:
        """Keep the direction, shape ``(E,)``, float64, and the score of the origin."""
        self.direction = direction.astype(np.float64)
        self.offset = offset
        self.space = space

    def score(self, codes: np.ndarray) -> np.ndarray:
        """Return the place along the direction, 0 where both kinds are as likely, ``(N,)``."""
        inside = self.space(codes).astype(np.float64)
        return np.asarray(inside @ self.direction + self.offset, dtype=np.float64)


def _prototype(
    positives: np.ndarray, negatives: np.ndarray, config: QueryConfig, space: Space
) -> Linear:
    """Return how much nearer a code is to the mean of the positive than of the negative codes.

    Half the difference of the squared distances to both means, or the difference of the cosines.
    """
    means = [space(codes).astype(np.float64).mean(axis=0) for codes in (positives, negatives)]
    if config.metric == "cosine":
        means = [mean / (np.linalg.norm(mean) or 1.0) for mean in means]
    toward, away = means
    return Linear(toward - away, float(away @ away - toward @ toward) / 2, space)


def _logistic(
    positives: np.ndarray, negatives: np.ndarray, config: QueryConfig, space: Space
) -> Linear:
    """Return a logistic regression with an L2 penalty; both kinds count as much in all.

    Codes are divided by their typical length first, so that ``query.c`` means the same for every
    encoder and every number of dimensions.
    """
    codes = space(np.concatenate([positives, negatives])).astype(np.float64)
    is_positive = np.repeat([1, 0], [len(positives), len(negatives)])
    length = float(np.sqrt(np.mean(np.sum(codes**2, axis=1)))) or 1.0
    head = LogisticRegression(C=config.c, class_weight="balanced", max_iter=1000)
    head.fit(codes / length, is_positive)
    return Linear(head.coef_[0] / length, float(head.intercept_[0]), space)


def _lda(positives: np.ndarray, negatives: np.ndarray, config: QueryConfig, space: Space) -> Linear:
    """Return a linear discriminant whose covariance is shrunk as Ledoit and Wolf say."""
    del config  # nothing of it is needed; the shrinkage follows from the examples
    if len(positives) + len(negatives) < 3:
        raise ConfigError(
            "query.scorer=lda needs at least 3 examples of both kinds together, "
            f"got {len(positives) + len(negatives)}. Give more, or use query.scorer=prototype."
        )
    codes = space(np.concatenate([positives, negatives])).astype(np.float64)
    is_positive = np.repeat([1, 0], [len(positives), len(negatives)])
    head = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
    head.fit(codes, is_positive)
    return Linear(head.coef_[0], float(head.intercept_[0]), space)


LINEAR: dict[str, Callable[[np.ndarray, np.ndarray, QueryConfig, Space], Linear]] = {
    "prototype": _prototype,
    "logistic": _logistic,
    "lda": _lda,
}


def needs_background(config: QueryConfig, *, has_negatives: bool) -> bool:
    """Return whether a scorer needs unlabelled codes: to whiten, or for want of negatives."""
    return config.whiten != "none" or (config.scorer == "prototype" and not has_negatives)


def chosen(config: QueryConfig, n_positive: int, n_negative: int) -> str:
    """Return the scorer that is used: the one asked for, whatever the number of examples."""
    del n_positive, n_negative
    return config.scorer


def build(
    config: QueryConfig,
    index: IndexConfig,
    positives: np.ndarray,
    negatives: np.ndarray | None,
    background: np.ndarray | None = None,
) -> Scorer:
    """Return a scorer of the examples.

    Args:
        config: Which one (``scorer``), and where it measures (``metric``, ``whiten``).
        index: How nearest examples are found, for ``nearest`` and ``knn``.
        positives: Codes of the positive examples, shape ``(P, D)``, float32, at least one.
        negatives: Codes of the negative examples, shape ``(M, D)``, float32; None if there are
            none, which ``nearest`` can do without, and for which ``prototype`` takes the
            background.
        background: Unlabelled codes that are searched, shape ``(B, D)``, float32; None where
            ``needs_background`` says no.

    Returns:
        The scorer; the same codes and settings give the same one.

    Raises:
        ConfigError: If the scorer cannot do with so few examples.
        DataError: If there are too few searched patches to learn from.
    """
    space = fit_space(config, background)
    name = chosen(config, len(positives), 0 if negatives is None else len(negatives))
    if name == "nearest":
        return Nearest(
            positives, negatives, num_neighbors=config.num_neighbors, index=index, space=space
        )
    if negatives is None and name == "prototype":
        negatives = background
    if negatives is None:
        raise ConfigError(
            f"query.scorer={name} needs negative examples, and there are none. Give some, or use "
            "query.scorer=nearest or prototype."
        )
    if name == "knn":
        return Neighbours(positives, negatives, k=config.k, index=index, space=space)
    return LINEAR[name](positives, negatives, config, space)
