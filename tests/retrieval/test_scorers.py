import math
import re
from typing import Any

import numpy as np
import pytest
from reference import neighbours
from scipy.optimize import minimize

from emqs.errors import ConfigError, DataError
from emqs.files import sha256
from emqs.models import turned as of_encoders
from emqs.retrieval import scorers
from emqs.retrieval.ranking import ranking
from emqs.retrieval.scorers import heads
from emqs.retrieval.scorers import space as spaces
from emqs.retrieval.scorers.nearest import Nearest
from emqs.retrieval.settings import SCORERS, IndexConfig, QueryConfig
from emqs.settings import WEIGHTS_DIR

EXACT = IndexConfig(name="exact")
THOROUGH = IndexConfig(name="annoy", search_k=1_000_000)  # looks into every leaf


def codes_of(seed: int, n: int, d: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize("index", [EXACT, THOROUGH])
@pytest.mark.parametrize("k", [1, 3, 12])
def test_score_equals_brute_force(index: IndexConfig, k: int) -> None:
    positives, negatives, codes = codes_of(0, 12), codes_of(1, 40), codes_of(2, 50)
    scorer = Nearest(positives, negatives, num_neighbors=k, index=index)
    scores = scorer.score(codes)
    assert scores.dtype == np.float64
    expected = [neighbours.score(positives, negatives, c, k) for c in codes]
    assert scores == pytest.approx(np.array(expected), abs=1e-12)


@pytest.mark.parametrize("has_negatives", [True, False])
@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_what_is_typical_counts_as_much_as_the_nearest_negative(
    metric: str, has_negatives: bool
) -> None:
    positives, negatives, codes, background = (
        codes_of(i, n) + 1 for i, n in enumerate((3, 4, 9, 50))
    )
    config = QueryConfig(metric=metric, whiten="none", typical=True)
    assert scorers.needs_background(config, has_negatives=has_negatives)
    away = negatives if has_negatives else None
    scores = scorers.build(config, EXACT, positives, away, background).score(codes)

    def direction(code: np.ndarray) -> np.ndarray:
        return code / np.linalg.norm(code) if metric == "cosine" else code

    def near(code: np.ndarray, others: np.ndarray) -> float:
        least = min(np.linalg.norm(direction(code) - direction(other)) for other in others)
        return float(np.exp(-(least**2) / 2 if metric == "cosine" else -least))

    mean = direction(np.mean([direction(code) for code in background.astype(float)], axis=0))
    for code, score in zip(codes.astype(float), scores, strict=True):
        subtracted = near(code, mean[None])
        if has_negatives:
            subtracted = (subtracted + near(code, negatives.astype(float))) / 2
        expected = near(code, positives.astype(float)) - subtracted
        assert score == pytest.approx(expected, abs=1e-6)


def test_scores_of_far_codes_are_tiny_and_still_ordered() -> None:
    """At a distance of 100 they are about 1e-44, where float32 knows hardly any number."""
    step = np.arange(1, 50, dtype=np.float32)[:, None] / 64
    scorer = Nearest(
        np.array([[0.0]], np.float32), np.array([[300.0]], np.float32), num_neighbors=1, index=EXACT
    )
    scores = scorer.score(100 + step)
    assert scores.max() < 1e-43
    assert (np.diff(scores) < 0).all()


def test_score_is_odd_when_positive_and_negative_change_places() -> None:
    positives, negatives, codes = codes_of(0, 12), codes_of(1, 40), codes_of(2, 50)
    one = Nearest(positives, negatives, num_neighbors=2, index=EXACT).score(codes)
    other = Nearest(negatives, positives, num_neighbors=2, index=EXACT).score(codes)
    assert np.array_equal(one, -other)


def test_annoy_ranks_as_exact_does() -> None:
    positives, negatives, codes = codes_of(0, 60), codes_of(1, 300), codes_of(2, 400)
    rankings = []
    for index in (EXACT, THOROUGH):
        scorer = Nearest(positives, negatives, num_neighbors=1, index=index)
        rankings.append(ranking(scorer.score(codes)).tolist())
    assert rankings[0] == rankings[1]


@pytest.mark.parametrize(
    ("n_positive", "n_negative", "kind"), [(2, 9, "positive"), (9, 2, "negative")]
)
def test_too_few_examples(n_positive: int, n_negative: int, kind: str) -> None:
    message = (
        f"query.num_neighbors is 3, but there are only 2 {kind} examples. "
        "Lower query.num_neighbors or give more examples."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        Nearest(codes_of(0, n_positive), codes_of(1, n_negative), num_neighbors=3, index=EXACT)


def test_a_code_that_is_nan_never_gets_a_rank() -> None:
    codes = codes_of(2, 5)
    codes[[1, 3], 0] = np.nan
    for name in ("exact", "annoy"):
        scorer = Nearest(
            codes_of(0, 12), codes_of(1, 12), num_neighbors=1, index=IndexConfig(name=name)
        )
        with pytest.raises(DataError, match=r"^2 of 5 scores are NaN\.$"):
            ranking(scorer.score(codes))


# spaces


def space(background: np.ndarray | None = None, **settings: object) -> spaces.Space:
    return spaces.fit_space(QueryConfig(**settings), background)  # type: ignore[arg-type]


def correlated(seed: int, n: int) -> np.ndarray:
    """Codes of four dimensions that differ in mean and spread; two of them go together."""
    rng = np.random.default_rng(seed)
    mixing = np.array([[1, 0, 0, 0], [3, 0.5, 0, 0], [0, 0, 100, 0], [0, 0, 0, 0.01]])
    return (rng.normal(size=(n, 4)) @ mixing.T + [5, -2, 300, 0]).astype(np.float32)


def test_the_paper_measures_between_the_codes_as_they_are() -> None:
    codes = codes_of(0, 5)
    assert space()(codes) is codes


def test_standard_gives_every_dimension_one_spread() -> None:
    codes = correlated(0, 500)
    codes = np.concatenate([codes, np.full((500, 1), 7, np.float32)], axis=1)  # never varies
    fitted = space(codes, whiten="standard")
    inside = fitted(codes)
    assert inside.mean(axis=0) == pytest.approx(np.zeros(5), abs=1e-4)
    assert inside.std(axis=0) == pytest.approx([1, 1, 1, 1, 0], abs=1e-4)
    assert inside.dtype == np.float32
    np.testing.assert_allclose(np.corrcoef(inside[:, :2].T), np.corrcoef(codes[:, :2].T), atol=1e-4)


def test_pca_gives_every_direction_one_spread() -> None:
    """With many codes hardly anything is shrunk, so that the covariance becomes a unit matrix."""
    codes = correlated(0, 20_000)
    inside = space(codes, whiten="pca")(codes)
    np.testing.assert_allclose(np.cov(inside.T), np.eye(4), atol=0.05)
    np.testing.assert_allclose(inside.mean(axis=0), np.zeros(4), atol=1e-3)


def test_pca_with_fewer_codes_than_dimensions_stays_finite() -> None:
    codes = codes_of(0, 10, d=50)
    fitted = space(codes, whiten="pca")
    assert np.isfinite(fitted(codes_of(1, 30, d=50))).all()


def test_within_shortens_directions_of_long_steps() -> None:
    """Codes of one spread; steps of variances 9, 1, 1, 1 along turned axes, 3 in the mean."""
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    codes = rng.normal(size=(50_000, 4)).astype(np.float32)
    steps = rng.normal(size=(50_000, 4)) * [3, 1, 1, 1] @ turn.T
    fitted = spaces.fit_space(QueryConfig(whiten="within"), codes, steps.astype(np.float32))
    moved = fitted(turn.T.astype(np.float32) + codes.mean(axis=0))
    expected = (np.array([3.0, 1 / 3, 1 / 3, 1 / 3]) + 1) ** -0.25  # shrunk by as much again
    np.testing.assert_allclose(moved, turn.T * expected[:, None], atol=0.02)


@pytest.mark.parametrize("steps", [None, np.empty((0, 4), np.float32), np.zeros((9, 4))])
def test_within_without_steps_is_standard(steps: np.ndarray | None) -> None:
    codes = correlated(0, 500)
    fitted = spaces.fit_space(QueryConfig(whiten="within"), codes, steps)
    np.testing.assert_allclose(fitted(codes), space(codes, whiten="standard")(codes), atol=1e-5)


def test_turned_shortens_what_changes_with_how_a_thing_lies_after_steps() -> None:
    """Against powers of matrices by SciPy; without steps the other part alone is left."""
    from scipy.linalg import fractional_matrix_power

    rng = np.random.default_rng(0)
    codes = correlated(0, 500)
    mixing, other = rng.normal(size=(4, 4)), rng.normal(size=(4, 4))
    steps = (rng.normal(size=(300, 4)) @ mixing).astype(np.float32)
    changes = other @ other.T
    unit = 1 / codes.astype(np.float64).std(axis=0)
    scaled = steps * unit
    parts = [
        fractional_matrix_power(own / (np.trace(own) / 4) + np.eye(4), -0.25)
        for own in (scaled.T @ scaled / 300, changes)
    ]
    centred = (codes - codes.astype(np.float64).mean(axis=0)) * unit
    turned = QueryConfig(whiten="turned")
    both = spaces.fit_space(turned, codes, steps, changes)
    np.testing.assert_allclose(both(codes), centred @ parts[0] @ parts[1], atol=1e-4)
    alone = spaces.fit_space(turned, codes, None, changes)
    np.testing.assert_allclose(alone(codes), centred @ parts[1], atol=1e-4)
    within = spaces.fit_space(QueryConfig(whiten="within"), codes, steps, changes)
    np.testing.assert_allclose(within(codes), centred @ parts[0], atol=1e-4)
    unknown = spaces.fit_space(turned, codes, steps)  # of another encoder
    np.testing.assert_array_equal(unknown(codes), within(codes))
    neither = spaces.fit_space(turned, codes)
    np.testing.assert_array_equal(neither(codes), space(codes, whiten="standard")(codes))


def test_a_background_knows_how_codes_of_its_encoder_change() -> None:
    shipped = sha256(WEIGHTS_DIR / "contrastive_pretrained.safetensors")
    codes = np.random.default_rng(0).normal(size=(300, 256)).astype(np.float32)
    turned = QueryConfig(whiten="turned")
    own = spaces.Background(codes, None, shipped).space(turned)
    expected = spaces.fit_space(turned, codes, None, of_encoders.of(shipped))
    np.testing.assert_array_equal(own(codes), expected(codes))
    foreign = spaces.Background(codes, None, "of other weights").space(turned)
    np.testing.assert_array_equal(foreign(codes), space(codes, whiten="standard")(codes))
    assert not np.allclose(own(codes), foreign(codes), atol=0.01)


def test_cosine_sees_directions_alone() -> None:
    codes = codes_of(0, 20)
    lengths = np.random.default_rng(1).uniform(0.1, 50, (20, 1)).astype(np.float32)
    cosine = space(metric="cosine")
    np.testing.assert_allclose(cosine(codes), cosine(codes * lengths), atol=1e-6)
    assert cosine(np.zeros((1, 3), np.float32)).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("found", [None, 0, 1])
def test_whitening_needs_something_to_learn_from(found: int | None) -> None:
    background = None if found is None else codes_of(0, found)
    message = (
        f"query.whiten=pca learns from at least 2 searched patches, got {found or 0}. "
        "Search more slices or use query.whiten=none."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        space(background, whiten="pca")


# scorers


def built(
    positives: np.ndarray, negatives: np.ndarray | None, **settings: object
) -> scorers.Scorer:
    background = settings.pop("background", None)
    return scorers.build(QueryConfig(**settings), EXACT, positives, negatives, background)  # type: ignore[arg-type]


def test_the_default_is_the_scorer_of_the_paper() -> None:
    positives, negatives, codes = codes_of(0, 12), codes_of(1, 40), codes_of(2, 50)
    expected = [neighbours.score(positives, negatives, c, 1) for c in codes]
    assert built(positives, negatives).score(codes) == pytest.approx(np.array(expected), abs=1e-12)
    without = built(positives, None).score(codes)
    distances = [neighbours.nearest(positives, c, 1)[1][0] for c in codes]
    assert without == pytest.approx(np.exp(-np.array(distances)), abs=1e-12)


def test_nearest_by_cosine() -> None:
    """Written out with dot products; the nearest direction counts, however long a code is."""
    positives, negatives, codes = codes_of(0, 12), codes_of(1, 40), codes_of(2, 50)

    def apart(code: np.ndarray, examples: np.ndarray) -> float:
        return min(
            1 - float(code @ e) / math.sqrt(float(code @ code) * float(e @ e))
            for e in examples.astype(np.float64)
        )

    expected = [
        math.exp(-apart(c, positives)) - math.exp(-apart(c, negatives))
        for c in codes.astype(np.float64)
    ]
    scores = built(positives, negatives, metric="cosine").score(codes)
    assert scores == pytest.approx(np.array(expected), abs=1e-6)


@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_prototype_compares_the_distances_to_two_means(metric: str) -> None:
    positives, negatives, codes = codes_of(0, 3), codes_of(1, 9), codes_of(2, 50)

    def place(examples: np.ndarray) -> np.ndarray:
        if metric == "l2":
            return examples.astype(np.float64).mean(axis=0)
        mean = np.mean([e / np.linalg.norm(e) for e in examples.astype(np.float64)], axis=0)
        return mean / np.linalg.norm(mean)

    def away(code: np.ndarray, mean: np.ndarray) -> float:
        unit = code.astype(np.float64)
        unit = unit if metric == "l2" else unit / np.linalg.norm(unit)
        return float(np.sum((unit - mean) ** 2))

    expected = [(away(c, place(negatives)) - away(c, place(positives))) / 2 for c in codes]
    scores = built(positives, negatives, scorer="prototype", metric=metric).score(codes)
    assert scores == pytest.approx(np.array(expected), abs=1e-5)


def test_prototype_without_negatives_takes_the_background() -> None:
    positives, background, codes = codes_of(0, 3), codes_of(1, 90), codes_of(2, 50)
    settings = {"scorer": "prototype", "metric": "cosine"}
    np.testing.assert_array_equal(
        built(positives, None, background=background, **settings).score(codes),
        built(positives, background, **settings).score(codes),
    )


def test_knn_by_hand() -> None:
    """On a line: two positives at 0 and 2, negatives at 10, 11 and 30; k = 2."""
    positives, negatives = (np.array(v, np.float32)[:, None] for v in ([0, 2], [10, 11, 30]))
    scores = built(positives, negatives, scorer="knn", k=2).score(np.array([[1], [4]], np.float32))
    assert scores == pytest.approx([math.log(9.5 / 1), math.log(6.5 / 3)], abs=1e-6)


def test_knn_takes_all_where_there_are_fewer() -> None:
    positives, negatives, codes = codes_of(0, 2), codes_of(1, 3), codes_of(2, 20)
    few = built(positives, negatives, scorer="knn", k=50).score(codes)
    expected = [
        math.log(np.mean(neighbours.nearest(negatives, c, 3)[1]))
        - math.log(np.mean(neighbours.nearest(positives, c, 2)[1]))
        for c in codes
    ]
    assert few == pytest.approx(np.array(expected), abs=1e-6)
    on_top = built(positives, negatives, scorer="knn", k=1).score(np.stack([positives[0]]))
    assert np.isfinite(on_top).all()
    assert on_top[0] > few.max()


def test_logistic_is_at_the_minimum_of_its_loss() -> None:
    """Penalty |w|^2 / 2 + c * sum of weighted log losses, the weights those of balanced kinds."""
    rng = np.random.default_rng(0)
    positives = rng.normal(0.7, 1, (6, 3)).astype(np.float32)
    negatives = rng.normal(-0.7, 1, (30, 3)).astype(np.float32)
    examples = np.concatenate([positives, negatives]).astype(np.float64)
    examples /= np.sqrt(np.mean(np.sum(examples**2, axis=1)))
    sign = np.repeat([1, -1], [6, 30])
    weight = np.repeat([36 / 2 / 6, 36 / 2 / 30], [6, 30])

    def loss(w: np.ndarray) -> float:
        margins = sign * (examples @ w[:3] + w[3])
        return float(w[:3] @ w[:3] / 2 + 2.5 * np.sum(weight * np.log1p(np.exp(-margins))))

    best = minimize(loss, np.zeros(4), tol=1e-10).x
    found = built(positives, negatives, scorer="logistic", c=2.5)
    expected = examples @ best[:3] + best[3]
    assert found.score(np.concatenate([positives, negatives])) == pytest.approx(expected, abs=2e-3)


def test_logistic_means_the_same_for_codes_of_any_size() -> None:
    positives, negatives, codes = codes_of(0, 6) + 1, codes_of(1, 9), codes_of(2, 50)
    small, large = (
        built(positives * s, negatives * s, scorer="logistic").score(codes * s)
        for s in (np.float32(0.01), np.float32(100))
    )
    np.testing.assert_allclose(small, large, rtol=1e-3, atol=1e-3)


def test_lda_finds_the_direction_in_spite_of_the_noise() -> None:
    """Both dimensions differ in mean; the noise lies along one diagonal, so the other is used.

    For equal covariances S the best direction is S^-1 (m+ - m-), here known from the recipe.
    """
    rng = np.random.default_rng(0)
    root = np.array([[3.0, 2.9], [2.9, 3.0]])
    step = np.array([1.0, 0.0])
    positives = (rng.normal(size=(4000, 2)) @ root + step).astype(np.float32)
    negatives = (rng.normal(size=(4000, 2)) @ root - step).astype(np.float32)
    ideal = np.linalg.solve(root @ root, 2 * step)
    axes = np.eye(2, dtype=np.float32)
    scores = built(positives, negatives, scorer="lda").score(np.concatenate([axes, 0 * axes[:1]]))
    found = scores[:2] - scores[2]
    assert found / np.linalg.norm(found) == pytest.approx(ideal / np.linalg.norm(ideal), abs=0.02)
    assert abs(scores[2]) < 0.3  # half way between the means


@pytest.mark.parametrize("scorer", ["knn", "logistic", "lda"])
def test_scorers_that_cannot_do_without_negatives(scorer: str) -> None:
    message = (
        f"query.scorer={scorer} needs negative examples, and there are none. Give some, or use "
        "query.scorer=nearest or prototype."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        built(codes_of(0, 3), None, scorer=scorer)


@pytest.mark.parametrize("scorer", ["knn", "lda"])
def test_scorers_that_can_do_without_negatives_are_named(scorer: str) -> None:
    with pytest.raises(ConfigError) as caught:
        built(codes_of(0, 3), None, scorer=scorer, background=codes_of(2, 20))
    named = re.split(r", | or ", str(caught.value).rpartition("query.scorer=")[2].rstrip("."))
    assert len(named) == 6
    for other in named:
        built(codes_of(0, 3), None, scorer=other, background=codes_of(2, 20))


def test_lda_with_one_example_of_each_kind() -> None:
    with pytest.raises(
        ConfigError, match=r"^query\.scorer=lda needs at least 3 examples .*, got 2"
    ):
        built(codes_of(0, 1), codes_of(1, 1), scorer="lda")


@pytest.mark.parametrize("whiten", ["none", "standard", "pca"])
@pytest.mark.parametrize("metric", ["l2", "cosine"])
@pytest.mark.parametrize("scorer", SCORERS)
def test_every_scorer_finds_a_cluster(scorer: str, metric: str, whiten: str) -> None:
    """Positives lie around (6, 6, 0 ...), negatives elsewhere; one score for each code."""
    rng = np.random.default_rng(0)
    middle = np.array([6, 6, 0, 0, 0], dtype=np.float32)
    clutter = rng.normal(0, 2, (300, 5)).astype(np.float32)
    cluster = (rng.normal(0, 1, (60, 5)) + middle).astype(np.float32)
    codes = np.concatenate([clutter[50:], cluster[10:]])
    found = built(
        cluster[:10], clutter[:50], scorer=scorer, metric=metric, whiten=whiten, background=codes
    ).score(codes)
    assert found.shape == (300,)
    assert found.dtype == np.float64
    assert (ranking(found)[:50] >= 250).mean() > 0.8


@pytest.mark.parametrize(
    ("settings", "has_negatives", "expected"),
    [
        ({}, True, False),
        ({}, False, False),
        ({"metric": "cosine"}, False, False),
        ({"whiten": "standard"}, True, True),
        ({"scorer": "prototype"}, True, False),
        ({"scorer": "prototype"}, False, True),
        ({"scorer": "logistic"}, True, True),
        ({"scorer": "ensemble"}, True, True),
        ({"sizes": [0.5, 1.0]}, True, True),
    ],
)
def test_unlabelled_codes_are_made_only_where_they_are_needed(
    settings: dict[str, Any], has_negatives: bool, expected: bool
) -> None:
    config = QueryConfig(**settings)
    assert scorers.needs_background(config, has_negatives=has_negatives) is expected


def test_density_is_the_ratio_of_kernel_means() -> None:
    """Everything else: half the negatives' density, half the background's; one kernel at a time."""
    positives, negatives, background = codes_of(0, 3), codes_of(1, 7), codes_of(3, 20)
    codes = codes_of(2, 10).astype(np.float64)
    width = 0.4 * math.sqrt(float(np.mean(np.sum(background.astype(np.float64) ** 2, axis=1))))

    def density(code: np.ndarray, examples: np.ndarray) -> float:
        return float(
            np.mean([math.exp(-float((code - e) @ (code - e)) / (2 * width**2)) for e in examples])
        )

    expected = [
        math.log(density(c, positives))
        - math.log((density(c, negatives) + density(c, background)) / 2)
        for c in codes
    ]
    settings = {"scorer": "density", "bandwidth": 0.4}
    found = built(positives, negatives, background=background, **settings)
    assert found.score(codes_of(2, 10)) == pytest.approx(np.array(expected), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("has_negatives", [True, False])
def test_the_background_takes_half_of_the_negative_weight(has_negatives: bool) -> None:
    given = heads.TrainingExamples(
        np.ones((4, 2)), np.zeros((6 * has_negatives, 2)), np.full((50, 2), 2.0)
    )
    codes, is_positive, weights = given.weighted(10)
    assert len(codes) == 4 + 6 * has_negatives + 10
    share = [weights[(codes == v).all(axis=1)].sum() / weights.sum() for v in (1, 0, 2)]
    assert share == pytest.approx([0.5, 0.25, 0.25] if has_negatives else [0.5, 0, 0.5])
    assert is_positive.tolist() == (codes[:, 0] == 1).astype(int).tolist()


def test_sizes_are_fused_as_the_mean_of_standardised_scores() -> None:
    positives, negatives = codes_of(0, 5, d=12), codes_of(1, 9, d=12)
    background, codes = codes_of(3, 40, d=12), codes_of(2, 20, d=12)
    settings = {"scorer": "prototype", "whiten": "standard"}
    fused = built(positives, negatives, background=background, sizes=[1.0, 1.5], **settings)
    parts = []
    for columns in (slice(0, 6), slice(6, 12)):
        own = [np.ascontiguousarray(c[:, columns]) for c in (positives, negatives, background)]
        part = built(own[0], own[1], background=own[2], **settings)
        usual = part.score(own[2])
        parts.append((part.score(codes[:, columns]) - usual.mean()) / usual.std())
    np.testing.assert_allclose(fused.score(codes), np.mean(parts, axis=0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("has_negatives", [True, False])
def test_an_ensemble_is_the_mean_of_standardised_scores(has_negatives: bool) -> None:
    positives, negatives = codes_of(0, 5), codes_of(1, 9) if has_negatives else None
    background, codes = codes_of(3, 40), codes_of(2, 20)
    settings: dict[str, Any] = {"whiten": "standard", "metric": "cosine", "background": background}
    together = built(positives, negatives, scorer="ensemble", **settings)
    parts = []
    for name in ("nearest", "logistic"):
        part = built(positives, negatives, scorer=name, **settings)
        usual = part.score(background)
        parts.append((part.score(codes) - usual.mean()) / usual.std())
    np.testing.assert_allclose(together.score(codes), np.mean(parts, axis=0), atol=1e-9)
    assert not np.allclose(parts[0], parts[1], atol=0.1)


def test_an_ensemble_of_several_sizes_standardises_twice() -> None:
    positives, negatives = codes_of(0, 5, d=12), codes_of(1, 9, d=12)
    background, codes = codes_of(3, 40, d=12), codes_of(2, 20, d=12)
    both = built(
        positives, negatives, scorer="ensemble", sizes=[1.0, 1.5], background=background
    ).score(codes)
    parts = []
    for columns in (slice(0, 6), slice(6, 12)):
        own = [np.ascontiguousarray(c[:, columns]) for c in (positives, negatives, background)]
        part = built(own[0], own[1], scorer="ensemble", background=own[2])
        usual = part.score(own[2])
        parts.append((part.score(codes[:, columns]) - usual.mean()) / usual.std())
    np.testing.assert_allclose(both, np.mean(parts, axis=0), atol=1e-6)


def test_an_ensemble_needs_searched_patches() -> None:
    with pytest.raises(DataError, match=r"^query\.scorer=ensemble compares scores on searched"):
        built(codes_of(0, 5), codes_of(1, 9), scorer="ensemble")


def test_sizes_need_searched_patches() -> None:
    with pytest.raises(DataError, match=r"^query\.sizes needs searched patches"):
        built(codes_of(0, 5), codes_of(1, 9), sizes=[1.0, 1.5])
