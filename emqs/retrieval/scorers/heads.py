"""Scores by small classifiers fitted to the examples."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emqs.embedding.short_codes import ShortCoder
from emqs.errors import ConfigError
from emqs.retrieval.one_thread import one_blas_thread
from emqs.retrieval.scorers.rough import RoughScore, RoughSpace
from emqs.retrieval.scorers.scorer import Scorer
from emqs.retrieval.scorers.space import Space
from emqs.retrieval.settings import QueryConfig


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

    def rough(self, coder: ShortCoder) -> RoughScore:
        """Return what scores short codes as ``score`` would score rough embeddings."""
        inside = RoughSpace.of(coder, self.space)

        def scores(short: np.ndarray) -> np.ndarray:
            own = coder.numbers(short)
            along = inside.dots(own, self.direction[None])[:, 0].astype(np.float64)
            lengths = np.sqrt(inside.squares(own)) if self.space.unit else 1.0
            return np.asarray(along / lengths + self.offset)

        return scores


@dataclass(frozen=True)
class TrainingExamples:
    """Codes that a head is fitted to, inside a space; N of a kind may be 0 but for positives."""

    positives: np.ndarray  # (P, E), float64
    negatives: np.ndarray  # (M, E), float64
    background: np.ndarray  # (B, E), float64: unlabelled, and so mostly negative

    @property
    def length(self) -> float:
        """The typical length of a code: its root mean square."""
        codes = self.background if len(self.background) else self.labelled
        return float(np.sqrt(np.mean(np.einsum("ij,ij->i", codes, codes)))) or 1.0

    @property
    def labelled(self) -> np.ndarray:
        """Positives, then negatives, ``(P + M, E)``."""
        return np.concatenate([self.positives, self.negatives])

    @property
    def is_positive(self) -> np.ndarray:
        """Which of the labelled ones are positive, ``(P + M,)``, int64."""
        return np.repeat([1, 0], [len(self.positives), len(self.negatives)])

    def weighted(self, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return all codes and what ``weights`` says of them.

        Args:
            most: Patches of the background that are used, evenly spaced, at most.

        Returns:
            Codes ``(n, E)``, whether each is positive, ``(n,)`` int64, and weights.
        """
        background = self.background[:: max(1, -(-len(self.background) // most))]
        return np.concatenate([self.labelled, background]), *self.weights(len(background))

    def weights(self, n_background: int) -> tuple[np.ndarray, np.ndarray]:
        """Return weights for a classifier that takes the background as negative.

        Both kinds weigh as much in all; half of the negative weight lies on the background, if
        there are negative examples. A few negative examples do not show all that is not looked
        for, and few patches of the background are what is.

        Args:
            n_background: Patches of the background that are used.

        Returns:
            Of positives, negatives and background: whether each is positive, ``(n,)`` int64, and
            weights that sum to the number of examples, so that a few of them are smoothed more.
        """
        is_positive = np.append(self.is_positive, np.zeros(n_background, dtype=np.int64))
        n_positive, n_negative = len(self.positives), len(self.negatives)
        sizes = n_positive, n_negative, n_background
        of_negatives = 0.25 if n_background and n_negative else 0.5
        shares = 0.5, of_negatives, 0.25 if n_negative else 0.5
        weights = np.concatenate(
            [np.full(size, share / max(size, 1)) for size, share in zip(sizes, shares, strict=True)]
        )
        return is_positive, weights * max(n_positive + n_negative, 2) / weights.sum()


def _prototype(given: TrainingExamples, config: QueryConfig, space: Space) -> Scorer:
    """Return how much nearer a code is to the mean of the positive than of the negative codes.

    Half the difference of the squared distances to both means, or the difference of the cosines.
    """
    away_from = given.negatives if len(given.negatives) else given.background
    means = [codes.mean(axis=0) for codes in (given.positives, away_from)]
    if config.metric == "cosine":
        means = [mean / (np.linalg.norm(mean) or 1.0) for mean in means]
    positive, negative = means
    return Linear(positive - negative, float(negative @ negative - positive @ positive) / 2, space)


def _lda(given: TrainingExamples, config: QueryConfig, space: Space) -> Scorer:
    """Return a linear discriminant whose covariance is shrunk as Ledoit and Wolf say."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    del config  # nothing of it is needed; the shrinkage follows from the examples
    if len(given.labelled) < 3:
        raise ConfigError(
            "query.scorer=lda needs at least 3 examples of both kinds together, "
            f"got {len(given.labelled)}. Give more, or use query.scorer=prototype."
        )
    head = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
    head.fit(given.labelled, given.is_positive)
    return Linear(head.coef_[0], float(head.intercept_[0]), space)


@one_blas_thread()
def _logistic(given: TrainingExamples, config: QueryConfig, space: Space) -> Scorer:
    """Return a logistic regression with an L2 penalty; the background is weakly negative.

    Codes are divided by their typical length first, so that ``query.c`` means the same for every
    encoder and every number of dimensions. What is minimised is what scikit-learn's
    ``LogisticRegression`` minimises, which takes longer to import than a search takes.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    is_positive, weights = given.weights(len(given.background))
    length, signs = given.length, 2.0 * is_positive - 1
    labelled, background = given.labelled, given.background  # side by side they would be copied

    def loss(direction: np.ndarray) -> tuple[float, np.ndarray]:
        across = direction[:-1] / length
        along = signs * (np.append(labelled @ across, background @ across) + direction[-1])
        pull = -config.c * weights * signs * expit(-along)
        value = config.c * (weights @ np.logaddexp(0, -along)) + (direction[:-1] ** 2).sum() / 2
        pulled = pull[: len(labelled)] @ labelled + pull[len(labelled) :] @ background
        return float(value), np.append(pulled / length + direction[:-1], pull.sum())

    start = np.zeros(labelled.shape[1] + 1)
    steps = {"maxiter": 1000, "gtol": 1e-5, "ftol": 1e-12}
    direction = minimize(loss, start, jac=True, method="L-BFGS-B", options=steps).x
    return Linear(direction[:-1] / length, float(direction[-1]), space)


class Kernel:
    """A support vector machine with a Gaussian kernel; the background is weakly negative."""

    def __init__(self, given: TrainingExamples, config: QueryConfig, space: Space) -> None:
        """Fit it; a kernel is ``query.bandwidth`` typical lengths of a code wide."""
        from sklearn.svm import SVC

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

    def __init__(self, given: TrainingExamples, config: QueryConfig, space: Space) -> None:
        """Keep the codes; a kernel is ``query.bandwidth`` typical lengths of a code wide."""
        self.space = space
        self.width = config.bandwidth * given.length
        self.positives = given.positives
        self.others = [c for c in (given.negatives, given.background) if len(c)]

    def score(self, codes: np.ndarray) -> np.ndarray:
        """Return the log ratio of the densities, shape ``(N,)``, float64.

        The density of everything else is the mean of that of the negatives and the background.
        """
        from scipy.special import logsumexp

        inside = self.space(codes).astype(np.float64)
        log_densities = np.stack([self._log_density(inside, others) for others in self.others])
        others = logsumexp(log_densities, axis=0) - np.log(len(log_densities))
        return np.asarray(self._log_density(inside, self.positives) - others, dtype=np.float64)

    def _log_density(self, codes: np.ndarray, examples: np.ndarray) -> np.ndarray:
        """Return the log of the mean kernel of examples at codes, shape ``(N,)``."""
        from scipy.special import logsumexp

        squares = (codes**2).sum(axis=1)[:, None] - 2 * codes @ examples.T
        squares = np.maximum(squares + (examples**2).sum(axis=1), 0)
        mean = logsumexp(-squares / (2 * self.width**2), axis=1) - np.log(len(examples))
        return np.asarray(mean)


SVM_BACKGROUND = 2000  # unlabelled codes of a support vector machine, whose time grows as n^2


HEADS: dict[str, Callable[[TrainingExamples, QueryConfig, Space], Scorer]] = {
    "prototype": _prototype,
    "lda": _lda,
    "logistic": _logistic,
    "svm": Kernel,
    "density": Density,
}
