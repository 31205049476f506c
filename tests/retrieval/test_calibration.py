import math
import re

import numpy as np
import pytest
from scipy.stats import norm

from emqs.errors import DataError
from emqs.evaluation import calibration_error
from emqs.retrieval import calibration


def gaussian_scores(
    seed: int, n: int, share: float, *, apart: float = 3.0
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of two normal distributions, and which are positive; the truth is a formula."""
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < share
    return rng.normal(np.where(positive, apart, 0.0), 1), positive


def true_probability(scores: np.ndarray, share: float, *, apart: float = 3.0) -> np.ndarray:
    positive, negative = share * norm.pdf(scores - apart), (1 - share) * norm.pdf(scores)
    return np.asarray(positive / (positive + negative))


# held-out scores


def test_no_example_is_scored_by_a_scorer_that_has_seen_it() -> None:
    """The scorer says how often it has seen a code: never, if the code was left out."""
    positives, negatives = np.arange(12.0)[:, None], np.arange(100.0, 130)[:, None]
    n_built = []

    def build(some_positives: np.ndarray, some_negatives: np.ndarray) -> calibration.Score:
        seen = np.concatenate([some_positives, some_negatives])[:, 0]
        n_built.append(len(seen))
        assert len(some_positives) in (10, 11)
        assert len(some_negatives) == 27
        return lambda codes: np.isin(codes[:, 0], seen) + codes[:, 0] / 1000

    found = calibration.held_out_scores(build, positives, negatives)
    np.testing.assert_array_equal(found[0], positives[:, 0] / 1000)  # and each in its place
    np.testing.assert_array_equal(found[1], negatives[:, 0] / 1000)
    assert len(n_built) == 10


def test_few_examples_are_left_out_one_by_one() -> None:
    sizes = []

    def build(positives: np.ndarray, negatives: np.ndarray) -> calibration.Score:
        sizes.append((len(positives), len(negatives)))
        return lambda codes: codes[:, 0]

    calibration.held_out_scores(build, np.zeros((5, 1)), np.zeros((10, 1)))
    assert sizes == [(4, 8)] * 5
    with pytest.raises(DataError, match=r"at least 2 of each kind, got 1 positive and 10 negative"):
        calibration.held_out_scores(build, np.zeros((1, 1)), np.zeros((10, 1)))


# probabilities


@pytest.mark.parametrize("share", [0.02, 0.1, 0.4])
def test_probabilities_are_those_of_the_recipe(share: float) -> None:
    """Known prevalence: close to Bayes' rule on the two distributions, patch by patch."""
    searched, _ = gaussian_scores(0, 5000, share)
    positives, _ = gaussian_scores(1, 200, 1)
    negatives, _ = gaussian_scores(2, 200, 0)
    fitted = calibration.fit(positives, negatives, searched, prevalence=share)
    found = fitted.probability(searched)
    assert abs(found - true_probability(searched, share)).mean() < 0.03
    assert found.mean() == pytest.approx(share, rel=0.35)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_the_prevalence_is_found_from_scores_alone(share: float) -> None:
    searched, relevant = gaussian_scores(0, 5000, share, apart=4)
    positives, _ = gaussian_scores(1, 50, 1, apart=4)
    negatives, _ = gaussian_scores(2, 50, 0, apart=4)
    fitted = calibration.fit(positives, negatives, searched)
    assert share / 2 < fitted.prevalence < share * 2
    found = calibration_error.reliability(fitted.probability(searched), relevant)
    assert found.error < 0.05


def test_the_prevalence_is_the_peak_of_its_likelihood() -> None:
    """Where ratios are far from 1, what is usual matters little: the share of high ratios."""
    ratio = np.repeat([12.0, -12.0], [300, 700])
    assert calibration.estimated_prevalence(ratio) == pytest.approx(
        (0.3 + 0.5 * 0.05) / 1.5, rel=0.05
    )  # half as much weight as the patches have lies on the usual 0.05
    assert calibration.estimated_prevalence(np.zeros(50)) == pytest.approx(0.05, rel=0.05)


def test_a_higher_score_is_never_less_likely() -> None:
    rng = np.random.default_rng(0)
    searched = rng.normal(size=300)
    upside_down = calibration.fit(rng.normal(-2, 1, 20), rng.normal(2, 1, 20), searched)
    assert upside_down.slope == 0
    assert np.ptp(upside_down.probability(searched)) == 0
    right = calibration.fit(rng.normal(2, 1, 20), rng.normal(-2, 1, 20), searched)
    assert (np.diff(right.probability(np.sort(searched))) >= 0).all()


def test_few_examples_say_more_where_all_that_is_searched_counts_as_negative() -> None:
    """Of the best places of a volume, of which 1 in 40 shows it: nearer to the truth."""
    errors = []
    for seed in range(8):
        scores, positive = gaussian_scores(seed, 8000, 0.025)
        rng = np.random.default_rng(seed)
        examples = [rng.choice(scores[positive == kind], 5, replace=False) for kind in (1, 0)]
        best = np.sort(scores)[-600:]
        truth = true_probability(best, 0.025)
        fitted = [calibration.fit(*examples, scores, is_rare=rare) for rare in (False, True)]
        errors.append([np.abs(one.probability(best) - truth).mean() for one in fitted])
    before, after = np.mean(errors, axis=0)
    assert after < 0.85 * before


def test_only_the_order_of_scores_counts() -> None:
    """exp(-d) of far codes is about 1e-44; any rising function of scores gives the same."""
    searched, _ = gaussian_scores(0, 500, 0.1)
    positives, _ = gaussian_scores(1, 20, 1)
    negatives, _ = gaussian_scores(2, 20, 0)
    plain = calibration.fit(positives, negatives, searched)
    tiny = calibration.fit(*(np.exp(30 * s - 200) for s in (positives, negatives, searched)))
    np.testing.assert_allclose(
        plain.probability(searched), tiny.probability(np.exp(30 * searched - 200)), rtol=1e-9
    )


@pytest.mark.parametrize(("n_positive", "n_negative", "kind"), [(4, 9, "positive"), (9, 4, "neg")])
def test_too_few_examples(n_positive: int, n_negative: int, kind: str) -> None:
    with pytest.raises(DataError, match=f"need at least 5 {kind}.* examples, got 4"):
        calibration.fit(np.zeros(n_positive), np.zeros(n_negative), np.zeros(3))


def test_scores_that_are_no_numbers() -> None:
    message = "Probabilities need scores that are numbers, got 2 NaN among 13, 3 of them of sear"
    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        calibration.fit(np.ones(5), np.zeros(5), np.array([1, np.nan, np.nan]))


# thresholds


def test_the_threshold_by_hand() -> None:
    """Expected F1 of the first k: 2 * hits / (k + 2.0): .95/1.5 .. best at k = 2."""
    scores = np.array([0.1, 9.0, 5.0, 3.0, 0.2])
    probabilities = np.array([0.05, 0.95, 0.8, 0.15, 0.05])
    found = calibration.suggested_threshold(scores, probabilities)
    assert (found.score, found.probability, found.n_patches) == (5.0, 0.8, 2)
    assert found.precision == pytest.approx(1.75 / 2)
    assert found.recall == pytest.approx(1.75 / 2.0)


def test_equal_scores_are_not_cut_apart() -> None:
    scores = np.array([2.0, 1.0, 1.0, 1.0])
    found = calibration.suggested_threshold(scores, np.array([0.9, 0.4, 0.4, 0.4]))
    assert found.n_patches in (1, 4)


@pytest.mark.parametrize("seed", range(5))
def test_what_the_threshold_promises_is_found(seed: int) -> None:
    """With true probabilities, precision and recall above the cut are as expected."""
    scores, relevant = gaussian_scores(seed, 20_000, 0.1)
    found = calibration.suggested_threshold(scores, true_probability(scores, 0.1))
    above = scores >= found.score
    assert above.sum() == found.n_patches
    assert relevant[above].mean() == pytest.approx(found.precision, abs=0.03)
    assert relevant[above].sum() / relevant.sum() == pytest.approx(found.recall, abs=0.03)


# reliability


def test_the_calibration_error_by_hand() -> None:
    """Bins 0-0.1: three of mean 0.05, one hit; 0.9-1: two of mean 0.975, one hit."""
    probabilities = np.array([0.0, 0.05, 0.0999, 0.95, 1.0])
    relevant = np.array([False, True, False, True, False])
    found = calibration_error.reliability(probabilities, relevant)
    assert found.counts.tolist() == [3, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    low, high = abs(0.1499 / 3 - 1 / 3), abs(0.975 - 0.5)
    assert found.error == pytest.approx((3 * low + 2 * high) / 5)
    assert math.isnan(found.predicted[4])


def test_a_bin_holds_its_lower_edge() -> None:
    found = calibration_error.reliability(
        np.array([0.0, 0.25, 0.5, 0.75]), np.ones(4, bool), n_bins=4
    )
    assert found.counts.tolist() == [1, 1, 1, 1]


def test_true_probabilities_have_hardly_an_error() -> None:
    scores, relevant = gaussian_scores(0, 50_000, 0.2)
    true = true_probability(scores, 0.2)
    assert calibration_error.reliability(true, relevant).error < 0.01
    assert calibration_error.reliability(np.minimum(true + 0.2, 1), relevant).error > 0.15
