"""Heads: what they tell apart, and where their threshold lies."""

from dataclasses import replace

import numpy as np
import pytest

from emqs.prediction.head import _rarity, fit
from emqs.prediction.settings import PredictConfig


def drawn(n: int, shift: float, seed: int) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=(n, 6)).astype(np.float32)
    made[:, 0] += shift
    return made


@pytest.mark.parametrize("head", ["logistic", "svm"])
@pytest.mark.parametrize("n_negative", [0, 5])
def test_a_rare_structure_is_told_apart(head: str, n_negative: int) -> None:
    """5 % of the unlabelled voxels are the structure, as in a volume."""
    unlabelled = np.concatenate([drawn(950, 0, 1), drawn(50, 5, 2)])
    made = fit(drawn(5, 5, 3), drawn(n_negative, 0, 4), unlabelled, PredictConfig(head=head))
    structure, rest = made.probability(drawn(500, 5, 5)), made.probability(drawn(500, 0, 6))
    assert structure.dtype == np.float32
    assert (structure > 0.5).mean() > 0.9
    assert (rest > 0.5).mean() < 0.03
    assert structure.max() <= 1
    assert rest.min() >= 0


def test_half_lies_between_the_clicks_and_the_volume() -> None:
    positive, unlabelled = drawn(5, 4, 0), drawn(1000, 0, 1)
    made = fit(positive, drawn(0, 0, 2), unlabelled, PredictConfig())
    line = replace(made, corrections=None)
    logit = lambda p: np.log(p / (1 - p))  # noqa: E731
    assert logit(line.probability(positive)).mean() == pytest.approx(3, abs=1e-3)
    assert logit(line.probability(unlabelled)).mean() == pytest.approx(-3, abs=1e-3)


def test_an_offset_of_a_feature_changes_nothing() -> None:
    positive, negative, unlabelled = drawn(5, 4, 0), drawn(5, 0, 1), drawn(400, 0, 2)
    offset = np.array([1, 100, -0.01, 5, 7, 3], dtype=np.float32)
    plain = fit(positive, negative, unlabelled, PredictConfig())
    moved = fit(positive + offset, negative + offset, unlabelled + offset, PredictConfig())
    seen = drawn(50, 2, 3)
    np.testing.assert_allclose(moved.probability(seen + offset), plain.probability(seen), atol=2e-3)


def test_plenty_of_labels_outweigh_the_volume() -> None:
    """Half of the volume is the structure, as the labels know: what they say is hardly changed."""
    rng = np.random.default_rng(7)
    voxels = rng.normal(size=(6000, 6)).astype(np.float32)
    structure = rng.random(6000) < 1 / (1 + np.exp(-3 * voxels[:, 0] - voxels[:, 1]))
    voxels += np.float32([0, 0, 0, 0, 0, 9])
    positive, negative = voxels[structure], voxels[~structure]
    made = fit(positive, negative, voxels, PredictConfig())
    only = fit(positive, negative, voxels, PredictConfig(unlabelled=0.0))
    slopes = [one.decision.coef_[0, 0] for one in (made, only)]  # type: ignore[attr-defined]
    assert slopes[0] == pytest.approx(slopes[1], rel=0.1)


def test_what_is_rare_and_was_not_clicked_scores_lower(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundredth of the volume lies beyond the structure, seen from the rest: a dark cytoplasm."""
    rest, rare = drawn(960, 0, 1), drawn(10, 3, 2)
    rare[:, 1] += 6
    unlabelled = np.concatenate([rest, rare, drawn(30, 4, 3)])
    more = drawn(300, 3, 6)
    more[:, 1] += 6

    def share() -> float:
        made = fit(drawn(5, 4, 4), drawn(5, 0, 5), unlabelled, PredictConfig())
        return float((made.probability(more) > 0.5).mean())

    weighted = share()
    monkeypatch.setattr("emqs.prediction.head.RARITY", 0)
    assert weighted < share() - 0.1


def test_a_voxel_like_no_other_weighs_no_more_than_the_rare() -> None:
    unlabelled = drawn(1000, 0, 1)
    unlabelled[17] = 1e4
    weights = _rarity(unlabelled)
    assert weights.shape == (1000,)
    assert weights[17] == weights.max() < 30
    assert np.median(weights) == pytest.approx(1, rel=0.05)
    assert np.ptp(_rarity(np.zeros((50, 6), np.float32))) == 0


def test_scores_are_those_of_the_classifier() -> None:
    made = fit(drawn(5, 4, 0), drawn(5, 0, 1), drawn(400, 0, 2), PredictConfig())
    seen = drawn(50, 2, 3)
    plain = made.decision.decision_function(seen - made.mean)
    line = replace(made, corrections=None)
    np.testing.assert_allclose(line.scores(seen), made.slope * (plain - made.middle), atol=1e-4)
