"""Augmentations against the images they should give, and against laws."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from emqs.training import augment
from emqs.training.settings import AugmentConfig

OFF = AugmentConfig(
    rotate90=False, flip=False, rotate=0.0, zoom=[1.0, 1.0], scale=[1.0, 1.0], shift=0.0, blur=0.0,
    gamma=0.0, contrast=0.0, brightness=0.0, noise=0.0, invert=0.0, invert_view=0.0, neighbour=0.0,
    neighbour_nm=50.0, target="augmented",
)  # fmt: skip
ALL = replace(
    OFF, rotate90=True, flip=True, rotate=20.0, scale=[0.7, 1.4], shift=5.0, blur=1.0, gamma=0.3,
    contrast=0.3, brightness=0.2, noise=0.1,
)  # fmt: skip


def sampled(
    config: AugmentConfig, n: int, size: int, network_size: int, seed: int = 0
) -> tuple[np.ndarray, int, np.ndarray]:
    """Return windows ``(n, W, W)``, the margin, and the patches sampled from them."""
    margin = augment.margin(config, size, network_size)
    width = size + 2 * margin
    one = np.random.default_rng(9).random((width, width), dtype=np.float32)
    windows = torch.from_numpy(np.repeat(one[None], n, axis=0))
    maps = augment.placements(config, n, size, network_size, np.random.default_rng(seed))
    return one, margin, augment.resample(windows, maps, size, network_size)[:, 0].numpy()


def test_without_augmentation_the_patch_is_what_was_cut() -> None:
    one, margin, patches = sampled(OFF, 2, 16, 16)
    assert margin == 0
    np.testing.assert_allclose(patches, [one, one], atol=1e-6)


def test_quarter_turns_and_flips_give_all_eight_orientations_unblurred() -> None:
    one, _, patches = sampled(replace(OFF, rotate90=True, flip=True), 64, 16, 16)
    eight = [np.rot90(m, k) for m in (one, one[:, ::-1]) for k in range(4)]
    distance = np.array([[np.abs(p - e).max() for e in eight] for p in patches])
    assert (distance.min(axis=1) < 1e-5).all()
    assert set(distance.argmin(axis=1)) == set(range(8))
    turned = sampled(replace(OFF, rotate90=True), 64, 16, 16)[2]
    assert {int(np.argmin([np.abs(p - e).max() for e in eight])) for p in turned} == {0, 1, 2, 3}


def test_shift_moves_by_whole_pixels_both_ways_and_no_further() -> None:
    one, margin, patches = sampled(replace(OFF, shift=2.0), 300, 16, 16)
    assert margin == 2
    found = set()
    for patch in patches:
        matches = [
            (y, x)
            for y in range(5)
            for x in range(5)
            if np.allclose(patch, one[y : y + 16, x : x + 16], atol=1e-5)
        ]
        assert len(matches) == 1
        found.add(matches[0])
    assert len(found) == 25


def test_scale_cuts_larger_and_smaller_pieces() -> None:
    maps = augment.placements(
        replace(OFF, scale=[0.5, 2.0]), 2000, 64, 64, np.random.default_rng(0)
    )
    edges = maps[:, 0, 0]
    assert edges.min() == pytest.approx(0.5, abs=0.01)
    assert edges.max() == pytest.approx(2.0, abs=0.01)
    assert np.median(edges) == pytest.approx(1.0, abs=0.05)  # as often smaller as larger
    np.testing.assert_allclose(maps[:, 0, 0], maps[:, 1, 1])
    np.testing.assert_array_equal(maps[:, [0, 1], [1, 0]], 0)


@pytest.mark.parametrize("rotate", [0.0, 20.0, 45.0, 180.0])
def test_the_margin_holds_everything_that_is_looked_at(rotate: float) -> None:
    config = replace(ALL, rotate=rotate)
    margin = augment.margin(config, 80, 64)
    maps = augment.placements(config, 20_000, 80, 64, np.random.default_rng(0))
    corners = np.array([[x, y, 1] for x in (-1, 1) for y in (-1, 1)]).T
    reach = np.abs(maps @ corners).max() * 40
    assert 40 + margin - 3 < reach <= 40 + margin


def test_intensities_stay_as_they_are_when_all_is_off() -> None:
    images = torch.rand(3, 1, 16, 16)
    batch = augment.change_intensities(images, OFF, np.random.default_rng(0))
    assert torch.equal(batch.inputs, images)
    assert torch.equal(batch.targets, images)


def test_contrast_and_brightness_are_a_line_of_each_patch_about_mid_grey() -> None:
    images = torch.full((500, 1, 1, 2), 0.5)
    images[..., 1] = 0.6
    config = replace(OFF, contrast=0.3, brightness=0.1)
    found = augment.change_intensities(images, config, np.random.default_rng(0)).inputs[:, 0, 0]
    slope = ((found[:, 1] - found[:, 0]) / 0.1).log()
    shift = found[:, 0] - 0.5
    for values, limit in ((slope, 0.3), (shift, 0.1)):
        assert values.abs().max() <= limit + 1e-4
        assert values.min() < -0.9 * limit
        assert values.max() > 0.9 * limit


def test_gamma_keeps_black_and_white_and_is_a_power() -> None:
    images = torch.tensor([0.0, 0.5, 1.0]).repeat(200, 1)[:, None, None]
    config = replace(OFF, gamma=0.5)
    found = augment.change_intensities(images, config, np.random.default_rng(0)).inputs[:, 0, 0]
    assert torch.equal(found[:, [0, 2]], images[:, 0, 0][:, [0, 2]])
    power = (found[:, 1].log() / np.log(0.5)).log()
    assert 0.45 < power.abs().max() <= 0.5 + 1e-4


def test_noise_differs_in_strength_up_to_its_limit() -> None:
    images = torch.full((200, 1, 64, 64), 0.5)
    config = replace(OFF, noise=0.1)
    found = augment.change_intensities(images, config, np.random.default_rng(0)).inputs
    spread = found.std(dim=(1, 2, 3))
    assert spread.min() < 0.01
    assert 0.09 < spread.max() < 0.105
    assert found.mean().item() == pytest.approx(0.5, abs=1e-3)


def test_blur_equals_a_gaussian_filter_inside_and_keeps_flat_patches() -> None:
    images = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    sigma = torch.tensor([0.7, 1.5]).view(2, 1, 1, 1)
    found = augment._blur(images, sigma)[:, 0].numpy()
    for image, result, width in zip(images[:, 0].numpy(), found, (0.7, 1.5), strict=True):
        wanted = gaussian_filter(image.astype(float), width, truncate=8)
        np.testing.assert_allclose(result[12:-12, 12:-12], wanted[12:-12, 12:-12], atol=1e-4)
    flat = torch.full((2, 1, 32, 32), 0.3)
    torch.testing.assert_close(augment._blur(flat, sigma), flat)


def test_targets_are_what_their_names_say() -> None:
    images = torch.rand(4, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 0.4 + 0.3
    found = {
        target: augment.change_intensities(
            images, replace(ALL, target=target), np.random.default_rng(1)
        )
        for target in ("augmented", "denoised", "clean")
    }
    inputs = found["augmented"].inputs
    for batch in found.values():
        assert torch.equal(batch.inputs, inputs)  # the target changes no draw
    assert torch.equal(found["augmented"].targets, inputs)
    assert torch.equal(found["clean"].targets, images)
    quiet = replace(ALL, noise=0.0, blur=0.0, target="denoised")
    sharp = augment.change_intensities(images, quiet, np.random.default_rng(1))
    assert torch.equal(
        sharp.inputs, sharp.targets
    )  # without noise and blur nothing is left to undo
    difference = found["denoised"].targets - images
    assert difference.abs().max() > 0.01


def test_everything_at_once_stays_in_range_and_follows_the_seed() -> None:
    _, _, patches = sampled(ALL, 64, 80, 64)
    again, other = sampled(ALL, 64, 80, 64)[2], sampled(ALL, 64, 80, 64, seed=1)[2]
    np.testing.assert_array_equal(patches, again)
    assert not np.array_equal(patches, other)
    images = torch.from_numpy(patches[:, None])
    batch = augment.change_intensities(images, ALL, np.random.default_rng(0))
    assert 0 <= batch.inputs.min() <= batch.inputs.max() <= 1
    assert batch.inputs.dtype == torch.float32


def test_inversion_exchanges_black_and_white_in_the_chosen_patches() -> None:
    images = torch.rand(2, 400, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    chosen = augment.choose(400, 0.25, np.random.default_rng(0))
    assert chosen is not None
    assert chosen.mean().item() == pytest.approx(0.25, abs=0.06)
    found = augment.inverted(images, chosen)
    is_chosen = chosen.flatten().bool()
    torch.testing.assert_close(found[:, is_chosen], 1 - images[:, is_chosen])
    assert torch.equal(found[:, ~is_chosen], images[:, ~is_chosen])
    rng = np.random.default_rng(0)
    assert augment.choose(400, 0.0, rng) is None
    assert rng.random() == np.random.default_rng(0).random()  # nothing was drawn
    assert augment.inverted(images, None) is images


def test_margins_grow_with_zoom() -> None:
    assert augment.margin(OFF, 80, 64) == 0
    assert augment.margin(OFF, 80, 64, zoom=1.5) == 20
