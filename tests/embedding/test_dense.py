"""Codes of patches from the feature map of a whole slice, against slow references and laws."""

from typing import Any

import numpy as np
import pytest
import torch

from emqs import models
from emqs.embedding import dense

SIZE = 16  # edge of the network's input; a cell of its map is 8 pixels


def network(**settings: Any) -> Any:  # noqa: ANN401
    torch.manual_seed(0)
    given = {"start": "random", "blocks": 4, "frozen": 0, "size": SIZE} | settings
    return models.build("contrastive", given)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width), dtype=np.float32)


def grid(shape: tuple[int, int], size: int, step: int) -> np.ndarray:
    """All boxes of a grid, cut at the border."""
    return np.array(
        [
            (0, y, x, min(size, shape[0] - y), min(size, shape[1] - x))
            for y in range(0, shape[0], step)
            for x in range(0, shape[1], step)
        ]
    )


def codes(made: Any, image: np.ndarray, boxes: np.ndarray, patch_size: int = SIZE) -> np.ndarray:  # noqa: ANN401
    return dense.codes(made, image, boxes, patch_size=patch_size, device="cpu")


def literal(features: torch.Tensor, span: list[float], made: Any) -> np.ndarray:  # noqa: ANN401
    """Mean and deviation over a fine raster of points in a window, each in the cell it lies in."""
    places = []
    for first, length, n_cells in zip(span[:2], span[2:], features.shape[1:], strict=True):
        points = first + (np.arange(length * 8) + 0.5) / 8
        cells = np.floor((points - made.shift) / made.cell).astype(int)
        places.append(np.clip(cells, 0, n_cells - 1))
    values = features.double().numpy()[:, places[0]][:, :, places[1]].reshape(len(features), -1)
    return np.concatenate([values.mean(axis=1), np.sqrt(values.var(axis=1) + 1e-6)])


@pytest.fixture
def n_maps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Return the shapes of the images that are encoded from now on."""
    seen: list[tuple[int, ...]] = []
    original = dense.feature_map

    def counted(made: Any, image: np.ndarray, **options: Any) -> torch.Tensor:  # noqa: ANN401
        seen.append(image.shape)
        return original(made, image, **options)

    monkeypatch.setattr(dense, "feature_map", counted)
    return seen


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "patch_size"),
    [(16, 16), (16, 20), (16, 12), (20, 20), (20, 24)],  # 20: no whole number of cells
)
def test_tiles_change_nothing(
    size: int, patch_size: int, monkeypatch: pytest.MonkeyPatch, n_maps: list[tuple[int, ...]]
) -> None:
    made, image = network(size=size), noise(250, 233)
    boxes = np.concatenate(
        [
            grid((250, 233), patch_size, patch_size),
            [(0, 7, 11, patch_size, patch_size), (0, 199, 180, patch_size, patch_size // 2)],
        ]
    )
    monkeypatch.setattr(dense, "TILE", 10**6)
    whole = codes(made, image, boxes, patch_size)
    assert n_maps == [(250, 233)]
    monkeypatch.setattr(dense, "TILE", 32)
    tiled = codes(made, image, boxes, patch_size)
    assert len(n_maps) > 20
    assert max(n_maps[1:]) < (250, 233)
    np.testing.assert_allclose(tiled, whole, atol=1e-4 * np.abs(whole).max(), rtol=0)


def test_boxes_larger_than_a_patch_see_all_of_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    made, image = network(), noise(300, 260)
    boxes = np.array([[0, 3, 5, 280, 200], [0, 40, 30, 16, 230]])
    monkeypatch.setattr(dense, "TILE", 10**6)
    whole = codes(made, image, boxes)
    monkeypatch.setattr(dense, "TILE", 32)
    np.testing.assert_allclose(codes(made, image, boxes), whole, atol=1e-4 * np.abs(whole).max())


def test_a_code_equals_that_of_a_crop_with_enough_surroundings() -> None:
    made, image = network(), noise(200, 220)
    boxes = np.array([[0, 96, 104, 16, 16], [0, 101, 99, 16, 16], [0, 90, 110, 8, 5]])
    found = codes(made, image, boxes)
    around = -(-made.reach // made.cell) * made.cell  # a whole number of cells
    for (_, y, x, height, width), code in zip(boxes.tolist(), found, strict=True):
        top, left = (v // made.cell * made.cell - around for v in (y, x))
        crop = image[top : y + height + around, left : x + width + around]
        with torch.no_grad():
            features = made.features(torch.from_numpy(crop.copy())[None, None])[0]
        expected = literal(features, [y - top, x - left, height, width], made)
        np.testing.assert_allclose(code, expected, atol=1e-4 * np.abs(expected).max())


def test_what_lies_beyond_the_reach_does_not_matter() -> None:
    made, image = network(), noise(200, 220)
    boxes = np.array([[0, 96, 104, 16, 16]])
    far = np.ones(image.shape, dtype=bool)
    edge = made.reach + made.cell
    far[96 - edge : 112 + edge, 104 - edge : 120 + edge] = False
    changed = np.where(far, 1 - image, image)
    np.testing.assert_allclose(codes(made, changed, boxes), codes(made, image, boxes), atol=1e-5)
    changed[90, 100] += 0.5
    assert np.abs(codes(made, changed, boxes) - codes(made, image, boxes)).max() > 1e-3


@pytest.mark.parametrize("shape", [(37, 45), (48, 64), (10, 12), (3, 50)])
def test_codes_equal_the_literal_pooling_also_at_borders(shape: tuple[int, int]) -> None:
    """Sizes that are no multiple of a cell, and slices smaller than a patch, are among them."""
    made, image = network(), noise(*shape)
    boxes = grid(shape, SIZE, 5)
    with torch.no_grad():
        features = made.features(torch.from_numpy(image)[None, None])[0]
    assert features.shape[1:] == (-(-shape[0] // 8), -(-shape[1] // 8))
    expected = np.array([literal(features, box[1:], made) for box in boxes.tolist()])
    found = codes(made, image, boxes)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-4 * np.abs(expected).max())


def test_scattered_boxes_get_the_codes_of_the_grid() -> None:
    made, image = network(), noise(90, 110)
    boxes = grid((90, 110), SIZE, 7)
    together = codes(made, image, boxes)
    some = np.random.default_rng(1).permutation(len(boxes))[:70]  # no grid any more
    np.testing.assert_allclose(codes(made, image, boxes[some]), together[some], atol=1e-4)
    single = np.concatenate([codes(made, image, boxes[[n]]) for n in some[:5]])
    np.testing.assert_allclose(single, together[some[:5]], atol=1e-4)


def waves(height: int, width: int, pixel: float) -> np.ndarray:
    """A smooth picture, seen with pixels of some edge."""
    y, x = (np.arange(n)[:, None] * pixel + pixel / 2 for n in (height, width))
    picture = 0.5 + 0.2 * np.sin(y / 5 + 1) + 0.2 * np.cos(x.T / 6) * np.sin(y / 9)
    return np.asarray(picture, dtype=np.float32)


@pytest.mark.parametrize(("patch_size", "pixel"), [(32, 0.5), (24, 2 / 3), (8, 2.0), (12, 4 / 3)])
def test_a_slice_is_scaled_so_that_patches_become_the_input(patch_size: int, pixel: float) -> None:
    """The same place at another resolution gives nearly the same feature map, at the same place."""
    made = network()
    edge = round(96 / pixel)
    expected = dense.feature_map(made, waves(96, 96, 1), patch_size=SIZE, device="cpu")
    found = dense.feature_map(made, waves(edge, edge, pixel), patch_size=patch_size, device="cpu")
    assert found.shape == expected.shape
    inner = (slice(None), slice(3, -3), slice(3, -3))  # without padding
    error = (found - expected)[inner].square().mean().sqrt()
    moved = (expected.roll(1, 2) - expected)[inner].square().mean().sqrt()  # by half a patch
    assert error < 0.1 * moved
