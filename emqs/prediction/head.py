"""What tells the structure from everything else, fitted to a few clicks.

A few clicks say little of how common a structure is: half of them are on it, and it fills a few
percent of a volume. So voxels drawn from all over the volume count together as a few more examples
of something else, and the threshold lies halfway between what the clicks on the structure score and
what the volume scores on average. Where labels are plenty they know better than these voxels, some
of which are on the structure.

Two things are known of these voxels. What is rare in a volume, a dark cytoplasm, is seldom clicked
and seldom drawn, so a voxel counts the more, the fewer look like it. And a first fit says which are
likely on the structure, and count little, and which nearly are, and count more: the border between
the two is what a head is for. What clicks say that it cannot follow is added; see ``corrections``.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy.special import expit

from emqs.prediction.corrections import Corrections, corrections
from emqs.prediction.layers import Layers
from emqs.prediction.settings import PredictConfig

STEEPNESS = 6.0  # between the average of the volume (logit -3) and that of the clicks (+3)
MOST_UNLABELLED = 150.0  # what all unlabelled voxels weigh at most, in clicks on something else
SVM_UNLABELLED = 500  # an SVM compares every voxel with every support vector
N_COMPARED = 500  # voxels that each unlabelled one is compared with
NEAREST = 1 / 40  # of these; how far they lie says how rare a voxel is
RARITY = 3  # the power of that distance that a voxel weighs
MOST_RARE = 0.97  # quantile of distances; what is farther, a scratch, weighs no more
REFITS = 2  # with weights from the scores of the fit before
NEARLY, WIDTH = -1.5, 1.5  # logits at which voxels weigh most
WEIGHT = 8.0  # there, of those with much lower scores


class Decision(Protocol):
    """What scikit-learn's classifiers can do."""

    def decision_function(self, features: np.ndarray) -> np.ndarray:
        """Return a score of each row, ``(n,)``; the higher, the more likely positive."""
        ...


@dataclass(frozen=True)
class Head:
    """A fitted head.

    Attributes:
        decision: Scores features.
        mean: Of features over the volume, ``(C,)``, float32.
        middle: The score that becomes probability 0.5.
        slope: By how much the logit rises with the score.
        corrections: What is added to it; None: nothing.
    """

    decision: Decision
    mean: np.ndarray
    middle: float
    slope: float
    corrections: Corrections | None = None

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Return the logit of the probability of each voxel, ``(n,)``, of features ``(n, C)``."""
        centred = features - self.mean
        logits = self.logits(self.decision.decision_function(centred))
        if self.corrections is not None:
            logits += self.corrections.of(centred)
        return logits

    def drawn(self, features: Layers) -> np.ndarray:
        """Return the logit of every voxel of a part of a slice, ``(Y, X)``, float32.

        Args:
            features: Of the part. It begins at a multiple of ``corrections.STEP`` in the slice.
        """
        coefficients = getattr(self.decision, "coef_", None)
        if coefficients is None or len(coefficients) != 1:
            full = features.full()
            return self.scores(full.reshape(len(full), -1).T).reshape(full.shape[1:])
        line = coefficients[0].astype(np.float32)
        constant = self.decision.intercept_[0] - self.mean @ line  # type: ignore[attr-defined]
        logits = self.logits(features.weighed(line) + np.float32(constant))
        if self.corrections is not None:
            logits += self.corrections.drawn(features, self.mean)
        return logits

    def logits(self, scores: np.ndarray) -> np.ndarray:
        """Return logits, float32, of what ``decision`` says."""
        return (self.slope * (scores - self.middle)).astype(np.float32)

    def probability(self, features: np.ndarray) -> np.ndarray:
        """Return the probability of each voxel, ``(n,)``, float32, from features ``(n, C)``."""
        return expit(self.scores(features))


def fit(
    positive: np.ndarray, negative: np.ndarray, unlabelled: np.ndarray, settings: PredictConfig
) -> Head:
    """Return a head for examples.

    Args:
        positive: Features of clicks on the structure, ``(P, C)``, at least one.
        negative: Of clicks on something else, ``(M, C)``, maybe none.
        unlabelled: Of voxels from all over the volume, ``(U, C)``, most of them something else.
        settings: ``head``, ``regularisation`` and ``unlabelled``.
    """
    mean = unlabelled.mean(axis=0)
    p, m, u = (part - mean for part in (positive, negative, unlabelled))
    drawn = u if settings.head == "logistic" else u[:SVM_UNLABELLED]
    weight = min(settings.unlabelled, MOST_UNLABELLED / max(1, len(m)))
    weight = weight if len(m) else max(weight, 1.0)
    share = weight / (weight + (1.0 if len(m) else 0.0))
    half = (len(p) + len(m)) / 2
    clicked = [
        np.full(len(p), half / len(p)),
        np.full(len(m), half * (1 - share) / max(1, len(m))),
    ]
    features = np.concatenate([p, m, drawn])
    truth = np.concatenate([np.ones(len(p), int), np.zeros(len(m) + len(drawn), int)])

    def fitted(weights: np.ndarray) -> Head:
        weights = np.concatenate([*clicked, weights * (half * share / weights.sum())])
        counts = weights > 0
        decision = _classifier(settings, features.shape[1])
        decision.fit(features[counts], truth[counts], sample_weight=weights[counts])
        low = float(np.mean(decision.decision_function(u)))
        high = float(np.mean(decision.decision_function(p)))
        slope = STEEPNESS / (high - low) if high > low else 1.0
        return Head(decision, mean, (low + high) / 2, slope)

    rare = _rarity(drawn)
    made = fitted(rare)
    for _ in range(REFITS if share > 0 else 0):
        made = fitted(rare * _telling(made.logits(made.decision.decision_function(drawn))))
    clicks = np.concatenate([p, m])
    logits = made.logits(made.decision.decision_function(clicks))
    added = corrections(clicks, np.arange(len(clicks)) < len(p), logits)
    return replace(made, corrections=added)


def _rarity(unlabelled: np.ndarray) -> np.ndarray:
    """Return what each voxel weighs: the more, the fewer look like it; about 1."""
    some = unlabelled[:: -(-len(unlabelled) // N_COMPARED)]
    squares = (unlabelled**2).sum(axis=1)[:, None] - 2 * unlabelled @ some.T
    squares += (some**2).sum(axis=1)
    nearest = min(len(some) - 1, round(len(some) * NEAREST))
    far = np.sqrt(np.maximum(np.partition(squares, nearest, axis=1)[:, nearest], 0))
    far = np.minimum(far, np.quantile(far, MOST_RARE))
    usual = float(np.median(far))
    weights: np.ndarray = (far.astype(np.float64) / usual) ** RARITY if usual > 0 else far * 0.0
    return np.maximum(weights, 1e-3)


def _telling(logits: np.ndarray) -> np.ndarray:
    """Return what voxels of such scores weigh: most where they are nearly the structure."""
    nearly = np.exp(-(((logits - NEARLY) / WIDTH) ** 2))
    weights: np.ndarray = (1 + (WEIGHT - 1) * nearly) * expit(-2 * logits.astype(np.float64))
    return np.maximum(weights, 1e-9)


def _classifier(settings: PredictConfig, n_features: int):  # type: ignore[no-untyped-def] # noqa: ANN202
    """Return a classifier of scikit-learn, which comes late because it takes seconds."""
    if settings.head == "svm":
        from sklearn.svm import SVC

        return SVC(C=100 / settings.regularisation, gamma=0.3 / n_features)
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1 / settings.regularisation, max_iter=1000)
