import re

import numpy as np
import pytest
from reference import ranking
from sklearn.metrics import average_precision_score

from emqs.errors import DataError
from emqs.evaluation import metrics
from emqs.figures import curves
from emqs.patches import grid, overlap


def ranking_with_ties(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Signed scores rounded to one decimal, so that ties and negatives both occur."""
    rng = np.random.default_rng(seed)
    relevant = rng.random(60) < 0.2
    relevant[rng.integers(60)] = True
    return np.round(rng.normal(size=60) + relevant, 1), relevant


@pytest.mark.parametrize("seed", range(20))
def test_average_precision_equals_the_definition(seed: int) -> None:
    scores, relevant = ranking_with_ties(seed)
    found = metrics.average_precision(scores, relevant)
    expected = ranking.average_precision(scores.tolist(), relevant.tolist())
    assert found == pytest.approx(expected, abs=1e-12)
    assert found == pytest.approx(average_precision_score(relevant, scores), abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    ("scale", "shift"), [(1, -1000), (200, 0), (1e-3, 100), (1e-12, -1), (5e-300, 0)]
)
def test_average_precision_sees_only_the_order(seed: int, scale: float, shift: float) -> None:
    scores, relevant = ranking_with_ties(seed)
    moved = np.round(scores * 10).astype(int) * scale + shift
    before = metrics.average_precision(scores, relevant)
    assert metrics.average_precision(moved, relevant) == pytest.approx(before, abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_average_precision_of_scores_of_our_form(seed: int) -> None:
    """exp(-d+) - exp(-d-) at distances around 30: signed, and of the order of 1e-13."""
    rng = np.random.default_rng(seed)
    relevant = rng.random(200) < 0.2
    near, far = rng.normal(30, 1, 200), rng.normal(32, 1, 200)
    scores = np.where(relevant, np.exp(-near) - np.exp(-far), np.exp(-far) - np.exp(-near))
    assert (scores < 0).any()
    assert np.abs(scores).max() < 1e-10
    expected = average_precision_score(relevant, scores)
    assert metrics.average_precision(scores, relevant) == pytest.approx(expected, abs=1e-12)
    below = scores - 1e-9  # all negative
    expected = ranking.average_precision(below.tolist(), relevant.tolist())
    assert metrics.average_precision(below, relevant) == pytest.approx(expected, abs=1e-12)


def test_average_precision_by_hand() -> None:
    relevant = np.array([True, False, True, False])
    by_hand = [
        ([4.0, 3.0, 2.0, 1.0], 1 / 2 * 1 + 1 / 2 * 2 / 3),
        ([1.0, 2.0, 3.0, 4.0], 1 / 2 * 1 / 2 + 1 / 2 * 2 / 4),
        ([0.0, 0.0, 0.0, 0.0], 1 / 2),  # one step
        ([np.inf, np.inf, 1.0, -np.inf], 1 / 2 * 1 / 2 + 1 / 2 * 2 / 3),
        ([-1.0, -1.0, -2.0, -3.0], 1 / 2 * 1 / 2 + 1 / 2 * 2 / 3),
    ]
    for scores, expected in by_hand:
        found = metrics.average_precision(np.array(scores), relevant)
        assert found == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.float32, np.bool_])
def test_average_precision_of_any_number_type(dtype: type[np.generic]) -> None:
    """Minus an unsigned 1 is 255, which would turn the order around."""
    scores = np.array([0, 1, 1, 0, 1], dtype)
    relevant = np.array([False, True, True, False, True])
    assert metrics.average_precision(scores, relevant) == 1.0


def test_average_precision_leaves_its_input() -> None:
    scores, relevant = ranking_with_ties(0)
    copies = scores.copy(), relevant.copy()
    metrics.average_precision(scores, relevant)
    assert np.array_equal(scores, copies[0])
    assert np.array_equal(relevant, copies[1])


YES = np.array([True, False, True])


@pytest.mark.parametrize(
    ("scores", "relevant", "message"),
    [
        (
            np.zeros(3),
            np.zeros(3, bool),
            "None of the 3 patches shows the structure, so average precision is undefined. "
            "Check query.structure and query.min_overlap.",
        ),
        (
            np.zeros(0),
            np.zeros(0, bool),
            "None of the 0 patches shows the structure, so average precision is undefined. "
            "Check query.structure and query.min_overlap.",
        ),
        (
            np.zeros(3),
            np.array([1, 0, 1]),
            "relevant must be a bool array of shape (N,), got int64 (3,).",
        ),
        (
            np.zeros((3, 1)),
            YES[:, None],
            "relevant must be a bool array of shape (N,), got bool (3, 1).",
        ),
        (np.zeros(4), YES, "scores must be numbers of shape (3,), got shape (4,) with 0 NaN."),
        (
            np.array([0, np.nan, np.nan]),
            YES,
            "scores must be numbers of shape (3,), got shape (3,) with 2 NaN.",
        ),
    ],
)
def test_what_has_no_average_precision(
    scores: np.ndarray, relevant: np.ndarray, message: str
) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        metrics.average_precision(scores, relevant)


def test_precision_at() -> None:
    ranked = np.array([True, True, False, True])
    assert [metrics.precision_at(ranked, k) for k in (0, 1, 2, 3, 4, 5)] == [
        None, 1.0, 1.0, pytest.approx(2 / 3), 0.75, None,
    ]  # fmt: skip


@pytest.mark.parametrize(("n_relevant", "n"), [(1, 1), (1, 7), (3, 10), (10, 10), (40, 200)])
def test_chance_average_precision_equals_simulation(n_relevant: int, n: int) -> None:
    rng = np.random.default_rng(0)
    relevant = np.arange(n) < n_relevant
    draws = [metrics.average_precision(rng.permutation(n), relevant) for _ in range(4000)]
    error = 4 * np.std(draws) / np.sqrt(len(draws)) + 1e-12
    assert metrics.chance_average_precision(n_relevant, n) == pytest.approx(
        np.mean(draws), abs=error
    )


def test_chance_average_precision_by_all_orders() -> None:
    """One relevant patch of three: mean of 1, 1/2, 1/3."""
    assert metrics.chance_average_precision(1, 3) == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert metrics.chance_average_precision(3, 3) == 1


@pytest.mark.parametrize("n_relevant", [0, 4, -1])
def test_chance_of_the_impossible(n_relevant: int) -> None:
    with pytest.raises(DataError, match=rf"^n_relevant must be from 1 to n=3, got {n_relevant}\.$"):
        metrics.chance_average_precision(n_relevant, 3)


def truth_of(labels: list[np.ndarray], boxes: np.ndarray) -> metrics.ComponentTruth:
    relevant = overlap.structure_fraction(labels, boxes, 1) > 0
    return metrics.ComponentTruth(relevant, *overlap.touched_components(labels, boxes, 1))


@pytest.mark.parametrize(("size", "stride"), [(10, 10), (12, 5), (3, 3)])
@pytest.mark.parametrize("density", [0.03, 0.3, 0.6])
@pytest.mark.parametrize("seed", range(4))
def test_component_ap_equals_the_walk_down_the_ranking(
    seed: int, density: float, size: int, stride: int
) -> None:
    """Few, many and percolating pieces; patches that overlap; one slice not searched."""
    rng = np.random.default_rng(seed)
    labels = [(rng.random((31, 27)) < density).astype(np.uint8) for _ in range(4)]
    labels[1][:] = 0
    boxes = grid.grid([s.shape for s in labels], size, stride)
    boxes = boxes[boxes[:, 0] != 2]
    order = rng.permutation(len(boxes))
    curve = metrics.component_curve(order, truth_of(labels, boxes))
    precision, recall, expected, paper = ranking.component_curve(
        labels, [tuple(b) for b in boxes[order].tolist()], 1
    )
    assert curve.average_precision == pytest.approx(expected, abs=1e-12)
    assert curve.average_precision_paper == pytest.approx(paper, abs=1e-12)
    assert curve.precision == pytest.approx(np.array(precision), abs=1e-12)
    assert curve.recall == pytest.approx(np.array(recall), abs=1e-12)
    assert curve.recall[-1] == pytest.approx(1)


def two_pieces() -> tuple[list[np.ndarray], np.ndarray]:
    """A piece of 6 pixels over boxes 0 and 1, one of 2 pixels in box 3; box 2 is empty."""
    labels = np.zeros((1, 4, 12), int)
    labels[0, 0, 0:6] = 1
    labels[0, 2, 10] = labels[0, 3, 11] = 1  # joined by a corner
    return list(labels), np.array([[0, 0, x, 4, 3] for x in (0, 3, 6, 9)])


@pytest.mark.parametrize(
    ("order", "recall", "expected"),
    [
        ((0, 1, 2, 3), (6 / 8, 6 / 8, 6 / 8, 1), 2 / 8 * 3 / 4),  # rank 1 earns nothing
        ((3, 0, 1, 2), (2 / 8, 1, 1, 1), 6 / 8 * 2 / 2),
        ((2, 1, 3, 0), (0, 6 / 8, 1, 1), 6 / 8 * 1 / 2 + 2 / 8 * 2 / 3),
    ],
)
def test_component_ap_by_hand(
    order: tuple[int, ...], recall: tuple[float, ...], expected: float
) -> None:
    labels, boxes = two_pieces()
    curve = metrics.component_curve(np.array(order), truth_of(labels, boxes))
    assert curve.recall.tolist() == list(recall)
    assert curve.average_precision_paper == pytest.approx(expected, abs=1e-15)
    best = recall[0] * float(order[0] != 2)  # what the best patch finds, at precision 1
    assert curve.average_precision == pytest.approx(expected + best, abs=1e-15)


def test_a_perfect_ranking_has_a_component_ap_of_1_and_less_in_the_papers_sum() -> None:
    labels, boxes = two_pieces()
    curve = metrics.component_curve(np.array([0, 3, 1, 2]), truth_of(labels, boxes))
    assert curve.average_precision == 1.0
    assert curve.average_precision_paper == 2 / 8


def test_gains_credit_a_piece_once_and_in_full() -> None:
    labels, boxes = two_pieces()
    truth = truth_of(labels, boxes)
    assert truth.gains(np.array([1, 0, 3, 2])).tolist() == [6, 0, 2, 0]
    assert truth.gains(np.array([2, 3, 0, 1])).tolist() == [0, 2, 6, 0]


def test_a_piece_that_no_patch_touches_stays_in_the_denominator() -> None:
    truth = metrics.ComponentTruth(
        np.array([True, False]), np.array([0]), np.array([0]), np.array([3, 1])
    )
    assert metrics.component_curve(np.array([1, 0]), truth).recall.tolist() == [0, 0.75]


def test_nothing_to_find_is_an_error() -> None:
    none = np.empty(0, int)
    with pytest.raises(DataError, match="None of the 2 patches shows the structure"):
        metrics.ComponentTruth(np.zeros(2, bool), none, none, none)


@pytest.mark.slow
def test_chance_component_ap_is_the_mean_over_random_orders() -> None:
    labels, boxes = two_pieces()
    truth = truth_of(labels, boxes)
    rng = np.random.default_rng(1)
    ranked = [tuple(b) for b in boxes.tolist()]
    draws = []
    for _ in range(2000):
        order = rng.permutation(4)
        draws.append(ranking.component_curve(labels, [ranked[i] for i in order], 1)[2:])
    found = metrics.chance_component_average_precision(truth, n_draws=2000)
    for value, expected in zip(found, np.array(draws).T, strict=True):
        assert value == pytest.approx(expected.mean(), abs=6 * expected.std() / np.sqrt(2000))
    again = metrics.chance_component_average_precision(truth, n_draws=2000)
    assert found == again
    assert found != metrics.chance_component_average_precision(truth, n_draws=2000, seed=1)


def ranked_slices(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gains, hits and slices of 90 ranks over 6 slices; slice 9 has nothing to find."""
    rng = np.random.default_rng(seed)
    slices = rng.permutation(np.repeat([0, 2, 3, 5, 8, 9], 15))
    hits = (rng.random(90) < np.linspace(0.9, 0.1, 90)) & (slices != 9)
    gains = np.where(hits & (rng.random(90) < 0.5), rng.integers(1, 900, 90), 0)
    return gains, hits, slices


@pytest.mark.parametrize("skip_first", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_interval_equals_resampling_written_out(seed: int, skip_first: bool) -> None:
    gains, hits, slices = ranked_slices(seed)
    names = np.unique(slices)
    rng = np.random.default_rng(seed)
    draws = [names[rng.integers(6, size=6)].tolist() for _ in range(100)]
    values = ranking.interval_draws(
        gains.tolist(), hits.tolist(), slices.tolist(), draws, skip_first=skip_first
    )
    found = metrics.bootstrap_interval(
        gains, hits, slices, skip_first=skip_first, n_draws=100, level=0.9, seed=seed
    )
    assert found == pytest.approx(tuple(np.percentile(values, [5, 95])), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_what_there_is_to_find_follows_the_slices_that_are_drawn(seed: int) -> None:
    gains, hits, slices = ranked_slices(seed)
    _, number = np.unique(slices, return_inverse=True)
    totals = np.bincount(number, weights=gains)
    interval = metrics.bootstrap_interval
    plain = interval(gains, hits, slices, skip_first=False)
    assert interval(gains, hits, slices, skip_first=False, totals=totals) == pytest.approx(plain)
    twice = interval(gains, hits, slices, skip_first=False, totals=2 * totals)
    assert twice == pytest.approx(tuple(value / 2 for value in plain))


@pytest.mark.parametrize("skip_first", [False, True])
def test_one_slice_leaves_nothing_to_chance(skip_first: bool) -> None:
    gains, hits, _ = ranked_slices(0)
    low, high = metrics.bootstrap_interval(gains, hits, np.zeros(90, int), skip_first=skip_first)
    precision = np.cumsum(hits) / np.arange(1, 91)
    credited = (gains * precision)[int(skip_first) :]
    assert low == high == pytest.approx(credited.sum() / gains.sum(), abs=1e-12)


def test_identical_slices_with_a_perfect_ranking_have_no_width() -> None:
    hits = np.arange(40) < 16
    slices = np.tile(np.arange(4), 10)
    assert metrics.bootstrap_interval(hits, hits, slices, skip_first=False) == (1.0, 1.0)


def test_interval_is_deterministic_ordered_and_wider_for_more_coverage() -> None:
    gains, hits, slices = ranked_slices(1)
    interval = metrics.bootstrap_interval
    narrow = interval(gains, hits, slices, skip_first=True, level=0.5)
    wide = interval(gains, hits, slices, skip_first=True, level=0.99)
    assert 0 <= wide[0] < narrow[0] < narrow[1] < wide[1] <= 1
    assert interval(gains, hits, slices, skip_first=True, level=0.5) == narrow
    assert interval(gains, hits, slices, skip_first=True, level=0.5, seed=1) != narrow
    scaled = interval(gains * 7, hits, slices + 100, skip_first=True, level=0.5)
    assert scaled == pytest.approx(narrow, abs=1e-12)


def test_interval_of_nothing_is_an_error() -> None:
    nothing = np.zeros(4, bool)
    with pytest.raises(DataError, match=r"^None of the 4 ranks adds to recall, so there is no in"):
        metrics.bootstrap_interval(nothing, nothing, np.arange(4), skip_first=False)


def test_discard_ranks() -> None:
    assert curves.discard_ranks(1000) == {
        10: 900, 20: 800, 30: 700, 40: 600, 50: 500, 60: 400, 70: 300, 80: 200, 90: 100, 99: 10,
    }  # fmt: skip
    assert curves.discard_ranks(3042)[99] == 30
    assert set(curves.discard_ranks(1).values()) == {1}
