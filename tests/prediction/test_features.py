"""Features of voxels: the same in every tile, and what a plain filter says."""

import numpy as np
import pytest
from scipy import ndimage
from support.embedded_volumes import filled, model, volume, voxels

from emqs.errors import ConfigError
from emqs.geometry import Box
from emqs.models.compute import Compute
from emqs.prediction import grey
from emqs.prediction.features import Features, principal
from emqs.prediction.predict import Embedded, features_of


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Features:
    source = volume(voxels(2, 300, 340))
    store = filled(tmp_path_factory.mktemp("features") / "a.zarr", source).store
    made = features_of(Embedded(store, source, model(), Compute(device="cpu")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emqs.prediction.features.SAMPLE_TILES", 3)
        made.learn(8, n_voxels=400, seed=0)
    return made


@pytest.mark.slow
def test_tiles_change_nothing(features: Features) -> None:
    whole = features.of(Box((1, 0, 0), (2, 300, 340)))
    assert whole.shape == (grey.N_MAPS + 8, 300, 340)
    spread = whole.std(axis=(1, 2), keepdims=True)
    for y, x in ((0, 0), (61, 133), (200, 240)):
        part = features.of(Box((1, y, x), (2, y + 100, x + 100)))
        error = np.abs(part - whole[:, y : y + 100, x : x + 100]) / spread
        assert error.max() < 2e-3


@pytest.mark.slow
def test_a_voxel_has_the_features_of_its_place(features: Features) -> None:
    whole = features.of(Box((0, 0, 0), (1, 300, 340)))
    places = np.array([[0, 0, 0], [0, 150, 77], [0, 299, 339]])
    spread = whole.std(axis=(1, 2))
    for place, row in zip(places, features.at(places), strict=True):
        assert np.abs((row - whole[:, place[1], place[2]]) / spread).max() < 2e-3


def test_brightness_is_that_of_a_gaussian() -> None:
    image = np.random.default_rng(0).random((64, 80)).astype(np.float32)
    made = grey.maps(image)
    for number, sigma in ((0, 1.0), (grey.PER_SCALE, 2.0)):
        expected = ndimage.gaussian_filter(image, sigma, truncate=3)
        np.testing.assert_allclose(made[number], expected, atol=1e-6)
    smooth = ndimage.gaussian_filter(image, 6)
    large = grey.maps(smooth)[2 * grey.PER_SCALE]  # of a copy at half the size
    inside = slice(16, -16), slice(16, -16)
    expected = ndimage.gaussian_filter(smooth, 4, truncate=3)
    np.testing.assert_allclose(large[inside], expected[inside], atol=0.01)


def test_a_ridge_is_seen_by_the_hessian_and_an_edge_by_the_gradient() -> None:
    image = np.full((60, 60), 0.5, dtype=np.float32)
    image[:, 30] = 1.0
    made = grey.maps(image)
    ridge = made[3]  # the smaller eigenvalue, sigma 1: far below 0 on a bright line
    assert ridge[30].argmin() == 30
    image[:, 30:] = 1.0
    assert grey.maps(image)[1][30].argmax() in (29, 30)


def test_principal_directions_are_those_of_the_singular_values() -> None:
    rng = np.random.default_rng(0)
    codes = (rng.normal(size=(500, 3)) @ rng.normal(size=(3, 12)) + 5).astype(np.float32)
    mean, directions = principal(codes, 3)
    few = (codes - mean) @ directions
    singular = np.linalg.svd((codes - codes.mean(0)) / codes.std(0), compute_uv=False)[:3]
    expected = np.diag(singular**2 / (singular**2).mean())  # uncorrelated, one on average
    np.testing.assert_allclose(np.cov(few, rowvar=False), expected, atol=2e-2)
    assert principal(codes, 99)[1].shape == (12, 12)


def test_principal_directions_shorten_what_changes_while_the_thing_stays_the_same() -> None:
    rng = np.random.default_rng(3)
    codes = rng.normal(size=(4000, 8)).astype(np.float32)
    codes[:, 4:] += codes[:, :4]  # windows of two sizes, four numbers each
    changes = np.diag([9.0, 0.0, 0.0, 0.0])
    mean, directions = principal(codes, 8, changes)
    turned = (codes - mean) @ directions
    shortened = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    usual = 9 / 4
    for column, variance in ((0, 9.0), (1, 0.0), (2, 0.0), (3, 0.0)):
        for size in (0, 4):
            shortened[:, column + size] *= (variance / usual + 1) ** -0.25
    own = np.linalg.eigvalsh(np.cov(shortened, rowvar=False))
    found = np.linalg.eigvalsh(np.cov(turned, rowvar=False))
    np.testing.assert_allclose(found, own / own.mean(), rtol=1e-3)
    assert not np.allclose(
        found,
        np.linalg.eigvalsh(np.cov((codes - mean) @ principal(codes, 8)[1], rowvar=False)),
        rtol=0.05,
    )


@pytest.mark.slow
def test_a_slice_smaller_than_a_patch_is_refused(features: Features) -> None:
    source = volume(np.zeros((1, 12, 40), dtype=np.uint8))
    with pytest.raises(ConfigError, match="Slices of 12 x 40 voxels are smaller than a patch"):
        Features(
            features.source.__class__(source, (0, 255), None), model(), features.grid, Compute()
        )
