"""From scores to probabilities: how likely does a patch show the structure, and where to cut?

The examples are scored by scorers that have not seen them. How far these scores stand apart gives
the odds of a score when both kinds are equally frequent; how frequent the structure is among the
searched patches is estimated from their scores, because nobody has to give examples in proportion.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emqs.errors import DataError

MIN_EXAMPLES = 5  # of each kind; fewer say too little about a probability
N_FOLDS = 10
USUAL = 0.05  # share of patches that show what is looked for, before the scores are seen
TRUST = 0.5  # weight of that expectation, relative to one searched patch's average say
TRUST_IN_VOLUMES = 2.0  # the same where what is searched is a sample of a whole volume

Score = Callable[[np.ndarray], np.ndarray]  # codes (N, D) -> scores (N,)


def held_out_scores(
    build: Callable[[np.ndarray, np.ndarray], Score],
    positives: np.ndarray,
    negatives: np.ndarray,
    *,
    n_folds: int = N_FOLDS,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores of examples by scorers built without them.

    Args:
        build: Given codes of positive and negative examples, returns their scorer.
        positives: Codes, shape ``(P, D)``, P at least 2.
        negatives: Codes, shape ``(M, D)``, M at least 2.
        n_folds: Parts that are left out in turn; at most the smaller number of examples.
        seed: Of the division into parts.

    Returns:
        Scores of the positives, ``(P,)``, and of the negatives, ``(M,)``, float64.

    Raises:
        DataError: If there are fewer than two examples of a kind.
    """
    n_folds = min(n_folds, len(positives), len(negatives))
    if n_folds < 2:
        raise DataError(
            "Examples can be left out in turn if there are at least 2 of each kind, got "
            f"{len(positives)} positive and {len(negatives)} negative ones."
        )
    rng = np.random.default_rng(seed)
    folds = [rng.permutation(np.arange(len(codes)) % n_folds) for codes in (positives, negatives)]
    scores = np.empty(len(positives)), np.empty(len(negatives))
    for fold in range(n_folds):
        score = build(positives[folds[0] != fold], negatives[folds[1] != fold])
        for kind, codes in enumerate((positives, negatives)):
            left_out = folds[kind] == fold
            scores[kind][left_out] = score(codes[left_out])
    return scores


@dataclass(frozen=True)
class Calibration:
    """Scores to probabilities; fitted by ``fit``."""

    ranked: np.ndarray  # (N,), float64: scores of the searched patches, ascending
    slope: float  # of the log odds of a rank, at least 0: a higher score is never less likely
    offset: float
    prevalence: float  # share of searched patches that show the structure, in (0, 1)

    def log_ratio(self, scores: np.ndarray) -> np.ndarray:
        """Return log P(score | positive) - log P(score | negative), shape ``(N,)``."""
        return self.slope * _log_odds_of_rank(self.ranked, scores) + self.offset

    def probability(self, scores: np.ndarray) -> np.ndarray:
        """Return the probability that patches are positive, shape ``(N,)``, float64 in [0, 1]."""
        from scipy.special import expit, logit

        return np.asarray(expit(self.log_ratio(scores) + logit(self.prevalence)))


def _log_odds_of_rank(ranked: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return log(worse / better) among the searched patches, ties half each, shape ``(N,)``.

    Scores differ in scale from scorer to scorer, and may be exp(-100); ranks do not.
    """
    from scipy.special import logit

    worse = np.searchsorted(ranked, scores, "left") + np.searchsorted(ranked, scores, "right")
    return np.asarray(logit((worse / 2 + 0.5) / (len(ranked) + 1)))


def fit(
    positives: np.ndarray,
    negatives: np.ndarray,
    searched: np.ndarray,
    *,
    prevalence: float | None = None,
    is_rare: bool = False,
) -> Calibration:
    """Return what turns scores into probabilities.

    A few negative examples do not show how rarely a high score is wrong. Where next to nothing of
    what is searched shows the structure, as in a whole volume, all of it says so: with ``is_rare``
    the searched patches are further negative examples.

    Args:
        positives: Held-out scores of positive examples, shape ``(P,)``.
        negatives: Held-out scores of negative examples, shape ``(M,)``.
        searched: Scores of the searched patches, shape ``(N,)``.
        prevalence: Share of patches that are positive, in (0, 1), if it is known, as from slices
            whose patches are all labelled; None: estimated from the scores.
        is_rare: Whether the searched patches are taken for negative ones.

    Returns:
        The calibration.

    Raises:
        DataError: If a score is NaN, or there are too few examples.

    Source:
        Platt, Probabilistic outputs for support vector machines (1999), with his smoothed targets
        (n + 1) / (n + 2) and 1 / (n + 2), on the log odds of ranks;
        the prior is corrected as Saerens, Latinne and Decaestecker say, Neural Computation 14
        (2002).
    """
    from sklearn.linear_model import LogisticRegression

    for name, scores in (("positive", positives), ("negative", negatives)):
        if len(scores) < MIN_EXAMPLES:
            raise DataError(
                f"Probabilities need at least {MIN_EXAMPLES} {name} examples, got {len(scores)}."
            )
    everything = np.concatenate([positives, negatives, searched])
    if np.isnan(everything).any() or len(searched) == 0:
        raise DataError(
            f"Probabilities need scores that are numbers, got {int(np.isnan(everything).sum())} "
            f"NaN among {len(everything)}, {len(searched)} of them of searched patches."
        )
    ranked = np.sort(searched)
    if is_rare:
        negatives = np.concatenate([negatives, searched])
    odds = _log_odds_of_rank(ranked, np.concatenate([positives, negatives]))
    middle, spread = float(odds.mean()), float(odds.std()) or 1.0
    inputs = ((odds - middle) / spread)[:, None]
    sizes = np.array([len(positives), len(negatives)])
    is_positive = np.repeat([1.0, 0.0], sizes)
    smoothed = np.repeat((is_positive[[0, -1]] * sizes + 1) / (sizes + 2), sizes)  # not quite sure
    even = np.repeat(sizes.sum() / 2 / sizes, sizes)  # both kinds weigh as much in all
    sigmoid = LogisticRegression(C=len(odds) / 20, max_iter=1000)  # few: doubt more
    sigmoid.fit(
        np.concatenate([inputs, inputs]),
        np.repeat([1, 0], len(inputs)),
        sample_weight=np.concatenate([even * smoothed, even * (1 - smoothed)]),
    )
    slope = max(float(sigmoid.coef_[0, 0]), 0.0) / spread
    offset = float(sigmoid.intercept_[0]) - slope * middle if slope > 0 else 0.0
    if prevalence is None:
        even_odds = Calibration(ranked, slope, offset, 0.5)
        trust = TRUST_IN_VOLUMES if is_rare else TRUST
        prevalence = estimated_prevalence(even_odds.log_ratio(searched), trust)
    return Calibration(ranked, slope, offset, prevalence)


def estimated_prevalence(log_ratio: np.ndarray, trust: float = TRUST) -> float:
    """Return the share of positives that makes the scores of searched patches most likely.

    The likelihood of a share p, the mean of ``log(p r + 1 - p)`` with the likelihood ratio r of
    each patch, is flat or runs to an end if a few examples overlap or are easily told apart. So it
    is weighed with what is usual: what one looks for covers few patches.

    Args:
        log_ratio: Shape ``(N,)``, as ``Calibration.log_ratio`` gives it.
        trust: Weight of what is usual, relative to one searched patch's average say.

    Returns:
        The share, in (0, 1).

    Source:
        The fixed point of the expectation-maximisation of Saerens, Latinne and Decaestecker (2002)
        is the maximum without the second term.
    """
    ratio = np.exp(np.clip(log_ratio, -30, 30)) - 1
    shares = np.exp(np.linspace(np.log(1e-4), np.log(0.95), 300))
    expected = USUAL * np.log(shares) + (1 - USUAL) * np.log1p(-shares)
    likelihood = np.array([np.mean(np.log1p(share * ratio)) for share in shares])
    return float(shares[np.argmax(likelihood + trust * expected)])


@dataclass(frozen=True)
class Threshold:
    """Where to cut a ranking, and what to expect above."""

    score: float  # patches with at least this score are above
    probability: float  # of the last patch above
    n_patches: int  # above
    precision: float  # expected share of patches above that are positive
    recall: float  # expected share of all positive patches that is above


def suggested_threshold(scores: np.ndarray, probabilities: np.ndarray) -> Threshold:
    """Return the cut with the highest expected F1, which weighs precision and recall equally.

    Args:
        scores: Of the searched patches, shape ``(N,)``, at least one.
        probabilities: Theirs, never falling with the score.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, likely = scores[order], probabilities[order]
    hits = np.cumsum(likely)
    counts = np.arange(1, len(order) + 1)
    expected_f1 = 2 * hits / (counts + hits[-1])
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)  # equal scores are not cut apart
    best = int(np.argmax(np.where(last_of_tie, expected_f1, -1)))
    return Threshold(
        float(ranked[best]),
        float(likely[best]),
        best + 1,
        float(hits[best] / counts[best]),
        float(hits[best] / hits[-1]),
    )
