"""Scores evened out along edges: a plain guided filter, and the same in parts."""

import numpy as np
import pytest

from emqs.prediction.smoothing import along_edges, margin


def plain_mean(values: np.ndarray, edge: int) -> np.ndarray:
    padded = np.pad(values, edge // 2, mode="symmetric")
    return np.lib.stride_tricks.sliding_window_view(padded, (edge, edge)).mean(axis=(2, 3))


def test_it_is_a_guided_filter() -> None:
    """Of scores on a slope, which the Gaussian before it leaves alone."""
    rng = np.random.default_rng(0)
    bright = rng.normal(size=(30, 40))
    scores = np.add.outer(np.linspace(0, 1, 30), np.linspace(0, 2, 40))
    made = along_edges(scores, bright, 1.0)
    covariance = plain_mean(bright * scores, 3) - plain_mean(bright, 3) * plain_mean(scores, 3)
    slope = covariance / (plain_mean(bright**2, 3) - plain_mean(bright, 3) ** 2 + 0.05)
    line = plain_mean(scores, 3) - slope * plain_mean(bright, 3)
    expected = plain_mean(slope, 3) * bright + plain_mean(line, 3)
    np.testing.assert_allclose(made[3:-3, 3:-3], expected[3:-3, 3:-3], atol=1e-4)


def test_noise_goes_and_an_edge_stays_where_the_image_has_one() -> None:
    rng = np.random.default_rng(1)
    side = np.where(np.arange(80) < 40, -1.0, 1.0) * np.ones((60, 1))
    scores = (3 * side + rng.normal(size=side.shape)).astype(np.float32)
    seen = along_edges(scores, side.astype(np.float32), 6.0)
    blind = along_edges(scores, np.zeros_like(scores), 6.0)
    assert np.abs(seen - 3 * side)[:, :36].max() < 0.5
    assert (seen[:, 42] - seen[:, 37]).mean() > 4
    assert (blind[:, 42] - blind[:, 37]).mean() < 3


@pytest.mark.parametrize("reach", [2.6, 12.8])
def test_parts_with_a_margin_are_those_of_the_whole(reach: float) -> None:
    rng = np.random.default_rng(2)
    scores, bright = rng.normal(size=(2, 150, 160)).astype(np.float32)
    whole = along_edges(scores, bright, reach)
    around = margin(reach)
    part = slice(60 - around, 100 + around), slice(70 - around, 90 + around)
    made = along_edges(scores[part], bright[part], reach)[around:-around, around:-around]
    np.testing.assert_allclose(made, whole[60:100, 70:90], atol=1e-4)


def test_no_reach_changes_nothing() -> None:
    scores = np.random.default_rng(3).random((5, 6)).astype(np.float32)
    np.testing.assert_array_equal(along_edges(scores, scores, 0.0), scores)
