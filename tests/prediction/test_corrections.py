"""Clicks where a head was wrong: places come right, and maps do not depend on tiles."""

from dataclasses import replace

import numpy as np
import pytest
from support.embedded_volumes import filled, model, volume, voxels

from emqs.geometry import Box
from emqs.models.compute import Compute
from emqs.prediction import corrections as module
from emqs.prediction.corrections import MOST, STEP, Corrections, corrections
from emqs.prediction.features import Features
from emqs.prediction.head import Head, fit
from emqs.prediction.layers import Layer, Layers
from emqs.prediction.predict import Embedded, features_of
from emqs.prediction.settings import PredictConfig
from emqs.prediction.tiles import probabilities

C = 5


def rows(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, C)).astype(np.float32)


def alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the kernel, one pair at a time, in double precision."""
    return np.array([[np.exp(-2 * sum((float(s) - float(t)) ** 2 for s, t in zip(p, q, strict=True))
                             / C) for q in b] for p in a])  # fmt: skip


def test_it_is_the_dense_solution() -> None:
    clicks, truth = rows(12, 0), np.arange(12) < 7
    logits = np.linspace(-5, 5, 12)
    short = [max(0, 3 - z) if t else min(0, -3 - z) for z, t in zip(logits, truth, strict=True)]
    weights = np.linalg.inv(alike(clicks, clicks) + 0.1 * np.eye(12)) @ short
    seen = rows(9, 1)
    made = corrections(clicks, truth, logits)
    assert made is not None
    np.testing.assert_allclose(made.of(seen), alike(seen, clicks) @ weights, atol=1e-4)


def test_where_nothing_is_missed_nothing_is_added() -> None:
    truth = np.arange(6) < 3
    assert corrections(rows(6, 0), truth, np.where(truth, 3.0, -3.5)) is None
    positive, rest = rows(1, 0) + 9, rows(400, 1)  # whose only click defines a logit of 3
    made = fit(positive, rest[:0], rest, PredictConfig())
    line = replace(made, corrections=None)
    np.testing.assert_allclose(made.scores(rest), line.scores(rest), atol=1e-3)


@pytest.mark.parametrize("head", ["logistic", "svm"])
def test_what_no_plane_tells_apart_comes_right(head: str) -> None:
    """Structure in two opposite corners of a square, something else in the other two."""
    rng = np.random.default_rng(0)
    middles = np.zeros((30, C))
    middles[:, :2] = np.repeat([[2, 2], [-2, -2], [2, -2], [-2, 2], [2, 2], [-2, -2]], 5, axis=0)
    clicks = (middles + rng.normal(size=(30, C)) * 0.6).astype(np.float32)
    on = middles[:, 0] * middles[:, 1] > 0
    made = fit(clicks[on], clicks[~on], 2 * rows(1000, 1), PredictConfig(head=head))
    assert ((made.probability(clicks) > 0.5) == on).all()
    if head == "logistic":
        line = replace(made, corrections=None)
        assert ((line.probability(clicks) > 0.5) != on).sum() > 10


def test_many_clicks_are_capped_and_all_of_them_count() -> None:
    clicks, rng = rows(3000, 0), np.random.default_rng(1)
    truth = (clicks[:, 0] > 0) ^ (clicks[:, 1] > 0)
    logits = rng.normal(size=3000)
    made = corrections(clicks, truth, logits)
    assert made is not None
    assert made.clicks.shape == (MOST, C)
    short = np.where(truth, np.maximum(3 - logits, 0), np.minimum(-3 - logits, 0))
    least = np.sort(np.abs(short))[-MOST]
    kept = {row.tobytes() for row in made.clicks}
    assert {row.tobytes() for row in clicks[np.abs(short) > least]} <= kept
    others = rows(500, 2)
    on = (others[:, 0] > 0) ^ (others[:, 1] > 0)
    assert ((made.of(others) > 0) == on).mean() > 0.85


def test_few_rows_at_once_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Corrections(rows(4, 0), np.array([1, -2, 3, 0.5], dtype=np.float32))
    seen = rows(23, 1)
    whole = made.of(seen)
    monkeypatch.setattr(module, "ROWS", 5)
    np.testing.assert_allclose(made.of(seen), whole, atol=1e-6)
    assert made.of(seen[:0]).shape == (0,)


def test_a_map_is_exact_at_its_places_and_linear_between_them() -> None:
    values = np.random.default_rng(0).normal(size=(C, 10, 15)).astype(np.float32)
    mean = values.mean(axis=(1, 2))
    made = Corrections(rows(4, 0), np.array([1, -2, 3, 0.5], dtype=np.float32))
    drawn = made.drawn(Layers([Layer(values)]), mean)
    exact = made.of(values.reshape(C, -1).T - mean).reshape(10, 15)
    np.testing.assert_allclose(drawn[::STEP, ::STEP], exact[::STEP, ::STEP], atol=1e-5)
    np.testing.assert_allclose(drawn[2, 8], (exact[0, 8] + exact[4, 8]) / 2, atol=1e-5)
    np.testing.assert_allclose(drawn[9, 14], exact[8, 12], atol=1e-5)  # beyond the last place


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Features:
    source = volume(voxels(2, 130, 151))
    encoder = model(name="pixels", contrast="none")
    store = filled(tmp_path_factory.mktemp("corrections") / "a.zarr", source, encoder).store
    return features_of(Embedded(store, source, encoder, Compute(device="cpu")))


@pytest.mark.slow
@pytest.mark.parametrize("reach_px", [0, 2.56])
def test_tiles_change_nothing(
    features: Features, reach_px: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emqs.prediction.features.SAMPLE_TILES", 2)
    unlabelled = features.learn(8, n_voxels=400, seed=0)
    rng = np.random.default_rng(0)
    clicks = features.at(rng.integers((1, 130, 151), size=(24, 3)))
    made = fit(clicks[:12], clicks[12:], unlabelled, PredictConfig())
    assert made.corrections is not None
    one: dict[str, Head] = {"positive": made}
    whole = probabilities(features, one, Box((0, 0, 0), (1, 130, 151)), reach_px)["positive"]
    line = {"positive": replace(made, corrections=None)}
    plain = probabilities(features, line, Box((0, 0, 0), (1, 130, 151)), reach_px)["positive"]
    assert np.abs(whole - plain).max() > 0.1
    for y, x, bottom, right in ((0, 0, 37, 42), (31, 57, 83, 98), (77, 50, 130, 151)):
        part = Box((0, y, x), (1, bottom, right))
        own = probabilities(features, one, part, reach_px)["positive"]
        np.testing.assert_allclose(own[0], whole[0, y:bottom, x:right], atol=1e-3)
