"""The procedural stack behind dataset=toy, and the generic images for pretraining."""

import numpy as np
import pytest
from scipy import ndimage

from emqs.datasets.synthetic import CLASSES, PIXEL_SIZE_NM, SECTION_NM, em_stack, texture_images
from emqs.datasets.synthetic.noise import SmoothNoise
from emqs.errors import ConfigError

MITOCHONDRION, MEMBRANE, VESICLES, NUCLEUS, DENSITY = 1, 2, 3, 4, 5
SMALL = {"n_slices": 4, "height": 128, "width": 160}


@pytest.fixture(scope="module")
def toy() -> tuple[np.ndarray, np.ndarray]:
    """The stack that dataset=toy gives without any setting."""
    return em_stack(n_slices=20, height=512, width=512, seed=0)


def patches_of(stack: np.ndarray, size: int) -> np.ndarray:
    """All patches of a grid with half overlap, shape (Z, P, size, size)."""
    views = np.lib.stride_tricks.sliding_window_view(stack, (size, size), axis=(1, 2))
    grid = views[:, :: size // 2, :: size // 2]
    return grid.reshape(len(stack), -1, size, size)


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two masks."""
    return float((first & second).sum() / (first | second).sum())


def share_darker(shown: np.ndarray, others: np.ndarray) -> float:
    """How often a value of ``shown`` is below one of ``others``, by counting every pair."""
    return float((shown[:, None] < others[None, :]).mean())


def thickness(mask: np.ndarray) -> float:
    """Diameter of the largest disc that fits into a mask, in pixels."""
    return 2 * float(ndimage.distance_transform_edt(np.pad(mask, 1)).max())


def test_there_are_five_named_classes_and_a_physical_size() -> None:
    assert list(CLASSES) == [1, 2, 3, 4, 5]
    assert len({name.strip() for name in CLASSES.values()} - {""}) == 5
    assert PIXEL_SIZE_NM > 0
    assert SECTION_NM > 0


@pytest.mark.parametrize("shape", [(4, 128, 160), (1, 64, 64), (3, 97, 131), (2, 64, 300)])
def test_arrays_have_the_size_that_was_asked_for(shape: tuple[int, int, int]) -> None:
    raw, labels = em_stack(n_slices=shape[0], height=shape[1], width=shape[2], seed=3)
    assert raw.shape == labels.shape == shape
    assert raw.dtype == labels.dtype == np.uint8
    assert set(np.unique(labels)) <= {0, *CLASSES}


def test_the_same_seed_gives_the_same_stack_whatever_was_drawn_before() -> None:
    first = em_stack(**SMALL, seed=0)
    np.random.default_rng(0).random(10)
    em_stack(**SMALL, seed=5)
    second = em_stack(**SMALL, seed=0)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_different_seeds_give_different_tissue() -> None:
    stacks = [em_stack(**SMALL, seed=seed) for seed in range(4)]
    for i, (raw, labels) in enumerate(stacks):
        for other_raw, other_labels in stacks[:i]:
            assert (raw != other_raw).mean() > 0.8
            assert (labels != other_labels).mean() > 0.2


@pytest.mark.parametrize("seed", range(3))
def test_a_small_stack_still_shows_every_class_and_a_whole_mitochondrion(seed: int) -> None:
    _, labels = em_stack(**SMALL, seed=seed)
    assert set(np.unique(labels)) == {0, *CLASSES}
    assert max(thickness(plane == MITOCHONDRION) for plane in labels) >= 48


@pytest.mark.slow
def test_every_slice_of_the_toy_shows_every_class(toy: tuple[np.ndarray, np.ndarray]) -> None:
    for z, plane in enumerate(toy[1]):
        assert set(np.unique(plane)) == {0, *CLASSES}, f"slice {z}"


@pytest.mark.parametrize(
    ("structure", "low", "high"),
    [
        (MITOCHONDRION, 0.10, 0.20),
        (MEMBRANE, 0.08, 0.20),
        (VESICLES, 0.02, 0.10),
        (NUCLEUS, 0.08, 0.20),
        (DENSITY, 0.002, 0.02),
    ],
)
@pytest.mark.slow
def test_classes_cover_the_share_that_is_stated(
    toy: tuple[np.ndarray, np.ndarray], structure: int, low: float, high: float
) -> None:
    assert low < (toy[1] == structure).mean() < high


@pytest.mark.slow
def test_patches_of_the_usual_size_hold_enough_to_search_for(
    toy: tuple[np.ndarray, np.ndarray],
) -> None:
    filled = (patches_of(toy[1], 80) == MITOCHONDRION).mean(axis=(2, 3))
    positives = (filled > 0.5).sum(axis=1)
    assert positives.min() >= 1
    assert min(positives[i : i + 3].sum() for i in range(18)) >= 8  # any few query slices
    assert (filled == 0).mean() > 0.25
    crowded = (patches_of(toy[1], 32) == VESICLES).mean(axis=(2, 3)) > 0.5
    assert crowded.sum() >= 40


@pytest.mark.slow
def test_structures_are_solid_in_depth(toy: tuple[np.ndarray, np.ndarray]) -> None:
    for structure, neighbours_share in ((MITOCHONDRION, 0.75), (NUCLEUS, 0.9), (VESICLES, 0.5)):
        mask = toy[1] == structure
        near = np.mean([overlap(mask[z], mask[z + 1]) for z in range(19)])
        far = np.mean([overlap(mask[z], mask[z + 12]) for z in range(8)])
        assert near > neighbours_share
        assert near > far + 0.04
    mask = toy[1] == MITOCHONDRION
    assert np.mean([overlap(mask[z], mask[z + 12]) for z in range(8)]) < 0.45


@pytest.mark.slow
def test_grey_values_are_those_of_a_micrograph(toy: tuple[np.ndarray, np.ndarray]) -> None:
    raw, labels = toy
    means = {c: raw[labels == c].mean() for c in range(6)}
    assert 135 < means[0] < 185
    assert means[DENSITY] < means[MEMBRANE] < means[MITOCHONDRION] < means[0]
    assert (raw == 0).mean() < 0.001
    assert (raw == 255).mean() < 0.001


@pytest.mark.slow
def test_slices_differ_a_little_in_brightness_and_contrast(
    toy: tuple[np.ndarray, np.ndarray],
) -> None:
    raw, labels = toy
    # medians of large structures hardly change from slice to slice, unless the imaging does
    light = np.array([np.median(r[c == 0]) for r, c in zip(raw, labels, strict=True)])
    dark = np.array([np.median(r[c == MEMBRANE]) for r, c in zip(raw, labels, strict=True)])
    assert 5 < np.abs(np.diff(light)).mean() < 9
    assert 2 < np.abs(np.diff(light - dark)).mean() < 6


@pytest.mark.slow
def test_mitochondria_are_neither_trivial_nor_impossible_by_grey_value(
    toy: tuple[np.ndarray, np.ndarray],
) -> None:
    raw, labels = toy
    filled = (patches_of(labels, 80) == MITOCHONDRION).mean(axis=(2, 3)).ravel()
    grey = patches_of(raw, 80).mean(axis=(2, 3)).ravel()
    assert 0.65 < share_darker(grey[filled > 0.5], grey[filled == 0]) < 0.95
    histograms = [
        np.bincount(raw[labels == c], minlength=256) / (labels == c).sum()
        for c in (0, MITOCHONDRION)
    ]
    assert 0.15 < np.minimum(*histograms).sum() < 0.6


@pytest.mark.slow
def test_mitochondria_are_striped_and_nucleoplasm_is_not(
    toy: tuple[np.ndarray, np.ndarray],
) -> None:
    raw, labels = toy
    smooth = raw.astype(np.float64)
    band = np.stack(
        [ndimage.gaussian_filter(p, 1.5) - ndimage.gaussian_filter(p, 4) for p in smooth]
    )
    inner = {
        c: np.stack([ndimage.binary_erosion(p == c, iterations=10) for p in labels])
        for c in (MITOCHONDRION, NUCLEUS)
    }
    assert band[inner[MITOCHONDRION]].std() > 1.4 * band[inner[NUCLEUS]].std()


@pytest.mark.slow
def test_membranes_separate_cells_and_are_thin(toy: tuple[np.ndarray, np.ndarray]) -> None:
    for raw, labels in zip(*toy, strict=True):
        membrane = labels == MEMBRANE
        largest = ndimage.label(membrane | (labels == DENSITY), np.ones((3, 3)))[0]
        assert np.bincount(largest.ravel())[1:].max() > 0.8 * membrane.sum()  # one network
        depth = ndimage.distance_transform_edt(membrane)
        assert np.median(depth[membrane]) <= 4
        assert raw[membrane].mean() < raw[labels == 0].mean() - 25


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_slices": 0}, r"dataset\.toy\.n_slices must be at least 1, got 0\."),
        ({"height": 63}, r"dataset\.toy\.height must be at least 64 pixels, got 63\."),
        ({"width": 10}, r"dataset\.toy\.width must be at least 64 pixels, got 10\."),
        ({"seed": -1}, r"dataset\.toy\.seed must be at least 0, got -1\."),
    ],
)
def test_a_stack_that_cannot_be_drawn_is_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        em_stack(**{**SMALL, "seed": 0, **change})


def test_smooth_noise_is_smooth_with_unit_spread() -> None:
    noise = SmoothNoise(np.random.default_rng(0), (200.0, 300, 300), 10.0)
    planes = np.stack([noise.at(z) for z in (0.0, 1.0, 100.0, 200.0)])
    assert planes.dtype == np.float32
    assert abs(planes.mean()) < 0.1
    assert planes.std() == pytest.approx(1.0, abs=0.08)
    assert np.abs(planes).max() <= 3.0
    flat = planes.reshape(4, -1)
    assert np.corrcoef(flat[0], flat[1])[0, 1] > 0.95  # a tenth of the spacing apart
    assert abs(np.corrcoef(flat[0], flat[2])[0, 1]) < 0.15  # ten spacings apart
    assert np.abs(np.diff(planes, axis=1)).max() < 0.55  # no steps
    assert np.abs(np.diff(planes, axis=2)).max() < 0.55


@pytest.mark.parametrize(("n", "size"), [(1, 8), (37, 64), (16, 33)])
def test_texture_images_have_the_number_and_size_asked_for(n: int, size: int) -> None:
    images = texture_images(n=n, size=size, seed=0)
    assert images.shape == (n, size, size)
    assert images.dtype == np.uint8


@pytest.mark.slow
def test_texture_images_depend_on_the_seed_alone() -> None:
    first, again = (texture_images(n=40, size=32, seed=0) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (first != texture_images(n=40, size=32, seed=1)).mean() > 0.8


@pytest.mark.slow
def test_texture_images_are_varied_and_use_the_grey_range() -> None:
    images = texture_images(n=160, size=64, seed=0).astype(np.float64)
    contrast = images.std(axis=(1, 2))
    assert contrast.min() > 1  # none is empty
    assert contrast.max() > 2 * np.median(contrast) or contrast.min() < 0.5 * np.median(contrast)
    assert np.percentile(images, 1) < 40
    assert np.percentile(images, 99) > 215
    assert 100 < images.mean() < 156
    normed = (images - images.mean((1, 2), keepdims=True)) / contrast[:, None, None]
    alike = np.einsum("nij,mij->nm", normed, normed) / 64**2
    assert np.abs(alike - np.eye(160)).max() < 0.97  # no picture twice


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 0}, "number of texture images must be at least 1, got 0"),
        ({"size": 7}, "size of texture images must be 8 to 1024 pixels, got 7"),
        ({"size": 1025}, "size of texture images must be 8 to 1024 pixels, got 1025"),
        ({"seed": -1}, "seed of texture images must be at least 0, got -1"),
    ],
)
def test_textures_that_cannot_be_drawn_are_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        texture_images(**{"n": 1, "size": 16, "seed": 0, **change})
