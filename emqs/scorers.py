"""Make a scorer of examples: how much is a code like the positive and unlike the negative ones?

``build`` is the only thing that the steps above need: examples in, an object with ``score`` out.
Which scorer, in which space distances are measured, stands in ``query``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import logsumexp
from sklearn.covariance import ledoit_wolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

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
        background: np.ndarray | None = None,
    ) -> None:
        """Index the examples.

        Args:
            positives: Codes of the positive examples, shape ``(P, D)``, float32.
            negatives: Codes of the negative examples, shape ``(M, D)``, float32; None if the user
                gave none, so that likeness to the positive ones alone counts.
            num_neighbors: Nearest examples of each kind whose distances are averaged.
            index: Annoy or exact.
            space: Where distances are measured; None: between the codes as they are.
            background: Unlabelled codes, shape ``(B, D)``, float32, whose mean is a weak negative
                example; None: without.

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
        self.typical: np.ndarray | None = None  # (E,), float64
        if background is not None:
            mean = self.space(background).astype(np.float64).mean(axis=0)
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
        toward = np.exp(-self._distance(self.positives, codes))
        away = []
        if self.negatives is not None:
            away.append(np.exp(-self._distance(self.negatives, codes)))
        if self.typical is not None:
            apart = np.linalg.norm(codes.astype(np.float64) - self.typical, axis=1)
            away.append(np.exp(-_metric(apart, self.space)))
        return np.asarray(toward - np.mean(away, axis=0) if away else toward, dtype=np.float64)

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


@dataclass(frozen=True)
class Given:
    """Codes that a head is fitted to, inside a space; N of a kind may be 0 but for positives."""

    positives: np.ndarray  # (P, E), float64
    negatives: np.ndarray  # (M, E), float64
    background: np.ndarray  # (B, E), float64: unlabelled, and so mostly negative

    @property
    def length(self) -> float:
        """The typical length of a code: its root mean square."""
        codes = self.background if len(self.background) else self.labelled
        return float(np.sqrt(np.mean(np.sum(codes**2, axis=1)))) or 1.0

    @property
    def labelled(self) -> np.ndarray:
        """Positives, then negatives, ``(P + M, E)``."""
        return np.concatenate([self.positives, self.negatives])

    @property
    def is_positive(self) -> np.ndarray:
        """Which of the labelled ones are positive, ``(P + M,)``, int64."""
        return np.repeat([1, 0], [len(self.positives), len(self.negatives)])

    def weighted(self, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return all codes with weights for a classifier that takes the background as negative.

        Both kinds weigh as much in all; half of the negative weight lies on the background, if
        there are negative examples. A few negative examples do not show all that is not looked
        for, and few patches of the background are what is.

        Args:
            most: Patches of the background that are used, evenly spaced, at most.

        Returns:
            Codes ``(n, E)``, whether each is positive, ``(n,)`` int64, and weights that sum to the
            number of examples, so that a few of them are smoothed more.
        """
        background = self.background[:: max(1, -(-len(self.background) // most))]
        codes = np.concatenate([self.labelled, background])
        is_positive = np.concatenate([self.is_positive, np.zeros(len(background), dtype=np.int64)])
        sizes = len(self.positives), len(self.negatives), len(background)
        of_negatives = 0.25 if len(background) and len(self.negatives) else 0.5
        shares = 0.5, of_negatives, 0.25 if len(self.negatives) else 0.5
        weights = np.concatenate(
            [np.full(n, share / max(n, 1)) for n, share in zip(sizes, shares, strict=True)]
        )
        return codes, is_positive, weights * max(len(self.labelled), 2) / weights.sum()


def _prototype(given: Given, config: QueryConfig, space: Space) -> Scorer:
    """Return how much nearer a code is to the mean of the positive than of the negative codes.

    Half the difference of the squared distances to both means, or the difference of the cosines.
    """
    away_from = given.negatives if len(given.negatives) else given.background
    means = [codes.mean(axis=0) for codes in (given.positives, away_from)]
    if config.metric == "cosine":
        means = [mean / (np.linalg.norm(mean) or 1.0) for mean in means]
    toward, away = means
    return Linear(toward - away, float(away @ away - toward @ toward) / 2, space)


def _lda(given: Given, config: QueryConfig, space: Space) -> Scorer:
    """Return a linear discriminant whose covariance is shrunk as Ledoit and Wolf say."""
    del config  # nothing of it is needed; the shrinkage follows from the examples
    if len(given.labelled) < 3:
        raise ConfigError(
            "query.scorer=lda needs at least 3 examples of both kinds together, "
            f"got {len(given.labelled)}. Give more, or use query.scorer=prototype."
        )
    head = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
    head.fit(given.labelled, given.is_positive)
    return Linear(head.coef_[0], float(head.intercept_[0]), space)


def _logistic(given: Given, config: QueryConfig, space: Space) -> Scorer:
    """Return a logistic regression with an L2 penalty; the background is weakly negative.

    Codes are divided by their typical length first, so that ``query.c`` means the same for every
    encoder and every number of dimensions.
    """
    codes, is_positive, weights = given.weighted(len(given.background) or 1)
    head = LogisticRegression(C=config.c, max_iter=1000)
    head.fit(codes / given.length, is_positive, sample_weight=weights)
    return Linear(head.coef_[0] / given.length, float(head.intercept_[0]), space)


class Kernel:
    """A support vector machine with a Gaussian kernel; the background is weakly negative."""

    def __init__(self, given: Given, config: QueryConfig, space: Space) -> None:
        """Fit it; a kernel is ``query.bandwidth`` typical lengths of a code wide."""
        self.space = space
        self.length = given.length
        codes, is_positive, weights = given.weighted(SVM_BACKGROUND)
        self.head = SVC(C=config.c, gamma=1 / (2 * config.bandwidth**2))
        self.head.fit(codes / self.length, is_positive, sample_weight=weights)

    def score(self, codes: np.ndarray) -> np.ndarray:
        """Return the distance to the decision surface, positive inside, shape ``(N,)``."""
        inside = self.space(codes).astype(np.float64) / self.length
        return np.asarray(self.head.decision_function(inside), dtype=np.float64)


class Density:
    """How much denser the positive examples lie around a code than everything else.

    Source:
        Parzen, On estimation of a probability density function and mode, Annals of Mathematical
        Statistics 33 (1962).
    """

    def __init__(self, given: Given, config: QueryConfig, space: Space) -> None:
        """Keep the codes; a kernel is ``query.bandwidth`` typical lengths of a code wide."""
        self.space = space
        self.width = config.bandwidth * given.length
        self.positives = given.positives
        self.others = [c for c in (given.negatives, given.background) if len(c)]

    def score(self, codes: np.ndarray) -> np.ndarray:
        """Return the log ratio of the densities, shape ``(N,)``, float64.

        The density of everything else is the mean of that of the negatives and the background.
        """
        inside = self.space(codes).astype(np.float64)
        away = np.stack([self._log_density(inside, others) for others in self.others])
        others = logsumexp(away, axis=0) - np.log(len(away))
        return np.asarray(self._log_density(inside, self.positives) - others, dtype=np.float64)

    def _log_density(self, codes: np.ndarray, examples: np.ndarray) -> np.ndarray:
        """Return the log of the mean kernel of examples at codes, shape ``(N,)``."""
        squares = (codes**2).sum(axis=1)[:, None] - 2 * codes @ examples.T
        squares = np.maximum(squares + (examples**2).sum(axis=1), 0)
        mean = logsumexp(-squares / (2 * self.width**2), axis=1) - np.log(len(examples))
        return np.asarray(mean)


class Fused:
    """Scorers of several patch sizes around one point, as the mean of standardised scores."""

    def __init__(self, parts: list[Scorer], background: np.ndarray) -> None:
        """Learn mean and spread of the scores.

        Args:
            parts: One scorer per size.
            background: Unlabelled codes, shape ``(B, S D)``, the codes of S sizes side by side.
        """
        self.parts = parts
        scores = self._each(background)
        self.middle = scores.mean(axis=1, keepdims=True)
        spread = scores.std(axis=1, keepdims=True)
        self.spread = np.where(spread > 0, spread, 1)

    def score(self, codes: np.ndarray) -> np.ndarray:
        """Return the mean standardised score of codes ``(N, S D)``, shape ``(N,)``, float64."""
        return np.asarray(((self._each(codes) - self.middle) / self.spread).mean(axis=0))

    def _each(self, codes: np.ndarray) -> np.ndarray:
        """Return the score of each size, shape ``(S, N)``."""
        split = np.split(codes, len(self.parts), axis=1)
        return np.stack([part.score(own) for part, own in zip(self.parts, split, strict=True)])


SVM_BACKGROUND = 2000  # unlabelled codes of a support vector machine, whose time grows as n^2
HEADS: dict[str, Callable[[Given, QueryConfig, Space], Scorer]] = {
    "prototype": _prototype,
    "lda": _lda,
    "logistic": _logistic,
    "svm": Kernel,
    "density": Density,
}
WITH_BACKGROUND = ("logistic", "svm", "density")  # unlabelled codes make these better
NEED_NEGATIVES = ("knn", "lda")


def needs_background(config: QueryConfig, *, has_negatives: bool) -> bool:
    """Return whether a scorer needs unlabelled codes.

    It does to whiten, to fuse sizes, as weak negatives, to know what is typical, and for want of
    negatives.
    """
    return (
        config.whiten != "none"
        or config.sizes is not None
        or config.typical
        or config.scorer in WITH_BACKGROUND
        or (config.scorer == "prototype" and not has_negatives)
    )


def build(
    config: QueryConfig,
    index: IndexConfig,
    positives: np.ndarray,
    negatives: np.ndarray | None,
    background: np.ndarray | None = None,
) -> Scorer:
    """Return a scorer of the examples.

    Args:
        config: Which one (``scorer``), where it measures (``metric``, ``whiten``), and how many
            patch sizes there are (``sizes``).
        index: How nearest examples are found, for ``nearest`` and ``knn``.
        positives: Codes of the positive examples, shape ``(P, D)``, float32, at least one. With
            several sizes, the codes of each stand side by side, here and below.
        negatives: Codes of the negative examples, shape ``(M, D)``, float32; None if there are
            none, which ``nearest`` can do without, and for which all but ``knn`` and ``lda``
            take the background.
        background: Unlabelled codes that are searched, shape ``(B, D)``, float32; None where
            ``needs_background`` says no.

    Returns:
        The scorer; the same codes and settings give the same one.

    Raises:
        ConfigError: If the scorer cannot do with so few examples.
        DataError: If there are too few searched patches to learn from.
    """
    if config.sizes is None:
        return _build_one(config, index, positives, negatives, background)
    if background is None:
        raise DataError("query.sizes needs searched patches to compare scores on, got none.")
    n = len(config.sizes)
    parts = [
        _build_one(config, index, own_positives, own_negatives, own_background)
        for own_positives, own_negatives, own_background in zip(
            np.split(positives, n, axis=1),
            [None] * n if negatives is None else np.split(negatives, n, axis=1),
            np.split(background, n, axis=1),
            strict=True,
        )
    ]
    return Fused(parts, background)


def _build_one(
    config: QueryConfig,
    index: IndexConfig,
    positives: np.ndarray,
    negatives: np.ndarray | None,
    background: np.ndarray | None,
) -> Scorer:
    """Return the scorer of one patch size; see ``build``."""
    space = fit_space(config, background)
    if config.scorer == "nearest":
        return Nearest(
            positives, negatives, num_neighbors=config.num_neighbors, index=index, space=space,
            background=background if config.typical else None,
        )  # fmt: skip
    if negatives is None and (config.scorer in NEED_NEGATIVES or background is None):
        raise ConfigError(
            f"query.scorer={config.scorer} needs negative examples, and there are none. Give some, "
            "or use query.scorer=nearest or prototype."
        )
    if config.scorer == "knn" and negatives is not None:
        return Neighbours(positives, negatives, k=config.k, index=index, space=space)
    nothing = positives[:0]
    given = Given(
        *(
            space(nothing if codes is None else codes).astype(np.float64)
            for codes in (positives, negatives, background)
        )
    )
    return HEADS[config.scorer](given, config, space)
