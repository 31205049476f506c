"""Features on a coarser grid: enlarged, weighed and looked up alike."""

import numpy as np
import pytest

from emqs.prediction.layers import Layer, Layers, between


@pytest.fixture
def layers() -> Layers:
    rng = np.random.default_rng(0)
    fine, coarse = (rng.normal(size=shape).astype(np.float32) for shape in ((2, 9, 7), (3, 4, 1)))
    rows, columns = between(np.linspace(-1, 3.5, 9), 4), between(np.arange(7) / 7, 1)
    return Layers([Layer(fine), Layer(coarse, rows, columns)])


def test_between_places_it_is_linear_and_beyond_them_level(layers: Layers) -> None:
    full = layers.full()
    assert full.shape == (5, 9, 7)
    np.testing.assert_array_equal(full[:2], layers.parts[0].values)
    for made, own in zip(full[2:], layers.parts[1].values, strict=True):
        expected = np.interp(np.linspace(-1, 3.5, 9), np.arange(4), own[:, 0])
        np.testing.assert_allclose(made, np.tile(expected[:, None], 7), atol=1e-6)


def test_what_is_weighed_first_is_the_same(layers: Layers) -> None:
    weights = np.arange(1, 6, dtype=np.float32)
    before = [part.values.copy() for part in layers.parts]
    expected = np.tensordot(weights, layers.full(), 1)
    np.testing.assert_allclose(layers.weighed(weights), expected, atol=1e-5)
    for part, values in zip(layers.parts, before, strict=True):
        np.testing.assert_array_equal(part.values, values)


def test_a_single_feature_and_a_single_voxel_are_those_of_all(layers: Layers) -> None:
    full = layers.full()
    for number in range(5):
        np.testing.assert_array_equal(layers.one(number), full[number])
    np.testing.assert_allclose(layers.at(8, 6), full[:, 8, 6], atol=1e-6)
    np.testing.assert_allclose(layers.at(4, 2), full[:, 4, 2], atol=1e-6)


def test_some_rows_and_columns_are_those_of_all(layers: Layers) -> None:
    assert layers.shape == (9, 7)
    rows, columns = np.array([0, 4, 8]), np.array([1, 5])
    some = layers.some(rows, columns)
    np.testing.assert_allclose(some, layers.full()[:, rows[:, None], columns], atol=1e-6)
