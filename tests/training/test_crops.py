"""Places compared in crops: where they lie, what they show, which are not told apart."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.training_setup import train_config

from emqs import models
from emqs.datasets import Stack
from emqs.embedding import dense
from emqs.errors import ConfigError
from emqs.training import losses
from emqs.training.crops import Crops, TrainingCrops, pooled
from emqs.training.data_module import PatchData
from emqs.training.sampling import Draw
from emqs.training.slices import split

CROPS = ["loss=contrastive", "augment=none", "data.val_fraction=0.3", "data.crop_size=128",
         "data.places=9", "data.batch_size=4", "patch.size=64", "patch.stride=32"]  # fmt: skip
MOVED = [
    "augment.flip=true",
    "augment.rotate=180",
    "augment.scale=[0.8,1.25]",
    "augment.zoom=[0.5,1.4]",
]


def stack(slices: list[np.ndarray]) -> Stack:
    return Stack("s", slices, [str(z) for z in range(len(slices))], intensity=(0, 255))


def ramps(height: int = 300, width: int = 400) -> Stack:
    """Slices whose grey grows with x, and with y: a pixel tells where it lies, to 1 of 255."""
    y, x = np.mgrid[:height, :width]
    return stack([(255 * x / width).astype(np.uint8), (255 * y / height).astype(np.uint8)] * 5)


def crops_of(data: Stack, *overrides: str) -> TrainingCrops:
    config = train_config(*CROPS, "model.preprocessing.contrast=none", *overrides)
    return TrainingCrops([split(data, config)[0]], config.augment, network_size=64, crop_size=128,
                         places=config.data.places)  # fmt: skip


def at_centres(crops: Crops) -> np.ndarray:
    """Return the greys in the middle of each window, ``(2, N, K)``, by bilinear interpolation."""
    where = (crops.centres * 2 / crops.inputs.shape[-1] - 1)[:, :, None]  # (2N, K, 1, 2)
    greys = torch.nn.functional.grid_sample(crops.inputs, where, align_corners=False)
    return greys[:, 0, :, 0].reshape(2, -1, crops.centres.shape[1]).numpy()


def test_both_views_show_the_same_places() -> None:
    training = crops_of(ramps(), *MOVED)
    inner = np.flatnonzero((training.sources[0].boxes[:, 1:3] > 0).all(axis=1))
    for seed in range(6):
        batch = training[Draw(inner[seed::7][:4], (seed,))]
        first, second = at_centres(batch)
        np.testing.assert_allclose(first, second, atol=2 / 255)
        assert first.std() > 0.02  # other places look otherwise
        assert (batch.centres >= 31.9).all()  # whole patches, in both views
        assert (batch.centres <= 96.1).all()


def test_a_shift_moves_places_of_the_second_view_by_so_much() -> None:
    plain = crops_of(ramps())[Draw(np.arange(4), (1,))]
    shifted = crops_of(ramps(), "augment.shift=5")[Draw(np.arange(4), (1,))]
    assert np.abs(np.diff(at_centres(plain), axis=0)).max() < 2 / 255
    assert 2 / 255 < np.abs(np.diff(at_centres(shifted), axis=0)).max() < 8 / 255


def test_windows_are_whole_patches_and_halves_and_draws_repeat() -> None:
    training = crops_of(ramps(), *MOVED)
    batches = [training[Draw(np.arange(4), (seed,))] for seed in range(20)]
    assert {batch.size for batch in batches} == {32, 64}
    again = training[Draw(np.arange(4), (3,))]
    for one, other in zip(batches[3][:3], again[:3], strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(batches[3].inputs, batches[4].inputs)


def test_a_slice_smaller_than_a_crop_is_mirrored_and_its_places_lie_inside() -> None:
    rng = np.random.default_rng(0)
    small = stack([rng.integers(100, 200, (70, 66), dtype=np.uint8) for _ in range(4)])
    batch = crops_of(small, *MOVED)[Draw(np.zeros(4, dtype=np.int64), (0,))]
    assert batch.inputs.min() > 90 / 255
    assert batch.centres.shape == (8, 9, 2)


def test_second_views_come_from_slices_nearby() -> None:
    levels = stack([np.full((200, 200), 20 + 20 * z, dtype=np.uint8) for z in range(10)])
    training = crops_of(replace(levels, consecutive=True), "augment.neighbour=1")
    z = training.sources[0].boxes[:, 0]
    inner = np.flatnonzero((z > 0) & (z < z.max()))
    batch = training[Draw(inner[:20], (0,))]
    z = np.rint((at_centres(batch) * 255 - 20) / 20).astype(int)
    assert set((z[1] - z[0]).ravel().tolist()) == {-1, 1}
    unrelated = crops_of(replace(levels, consecutive=False), "augment.neighbour=1")
    first, second = at_centres(unrelated[Draw(np.arange(30, 50), (0,))])
    np.testing.assert_allclose(first, second, atol=1e-3)


def test_places_that_show_much_of_the_same_are_marked() -> None:
    training = crops_of(ramps())
    training.sources[0] = replace(training.sources[0], reach=1)
    places = np.array([
        [0, 3, 100, 100, 64], [0, 3, 147, 100, 64], [0, 3, 149, 100, 64],  # 47 and 49 px away
        [0, 4, 100, 100, 64], [0, 5, 100, 100, 64], [0, 3, 149, 100, 80],
    ], dtype=float)  # fmt: skip
    expected = np.eye(6, dtype=bool)
    for a, b in [(0, 1), (0, 3), (1, 2), (1, 3), (3, 4), (0, 5), (1, 5), (2, 5), (3, 5)]:
        expected[a, b] = expected[b, a] = True
    np.testing.assert_array_equal(training._overlaps(places, 64), expected)
    assert not training._overlaps(places, 32)[0, 1]


def test_codes_of_places_are_those_that_a_search_pools() -> None:
    network = models.build("contrastive", {"start": "random", "blocks": 9, "greys": 16})
    assert isinstance(network, models.Convolutional)
    images = torch.rand(2, 1, 160, 160, generator=torch.Generator().manual_seed(0))
    first = np.array([[16, 32], [48, 80]])  # cells begin at multiples of 16, plus the shift
    centres = torch.tensor(first[None, :, ::-1] + 32 + network.shift).float().repeat(2, 1, 1)
    with torch.no_grad():
        codes = pooled(Crops(images, centres, torch.zeros(2, 2, dtype=torch.bool), 64), network)
        maps = network.features(images)
    spans = np.column_stack([first + network.shift, np.full((2, 2), 64)])
    expected = torch.cat([dense.pooled(each, spans, network) for each in maps])
    torch.testing.assert_close(codes, expected, rtol=1e-4, atol=1e-4)


def test_overlapping_places_are_not_told_apart() -> None:
    first, second = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    overlaps = torch.eye(3, dtype=torch.bool)
    overlaps[0, 1] = overlaps[1, 0] = True
    loss = losses.nt_xent(first, second, 0.5, overlaps)
    codes = torch.nn.functional.normalize(torch.cat([first, second]), dim=1).double()
    likeness = (codes @ codes.T / 0.5).exp()
    others = {0: (2, 5), 1: (2, 5), 2: (0, 1, 3, 4), 3: (2, 5), 4: (2, 5), 5: (0, 1, 3, 4)}
    terms = []
    for at, apart in others.items():
        partner = likeness[at, (at + 3) % 6]
        terms.append(-(partner / (partner + likeness[at, list(apart)].sum())).log())
    assert float(loss) == pytest.approx(float(torch.stack(terms).mean()), rel=1e-5)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.crop_size=127"], "data.crop_size must be from 128 to 1024, 2 to 16 patches of 64"),
        (["data.crop_size=1025"], "data.crop_size must be from 128 to 1024, 2 to 16 patches of 64"),
        (["loss=none", "loss.bce=1"], "data.crop_size=128 is for losses of views without"),
    ],
)
def test_crops_that_cannot_be_are_refused(overrides: list[str], message: str) -> None:
    config = train_config(*CROPS, *overrides)
    with pytest.raises(ConfigError, match=message):
        PatchData([ramps()], [1.0], config)


def test_validation_crops_are_always_the_same_and_as_many_places_as_patches() -> None:
    config = train_config(*CROPS, *MOVED, "data.batch_size=2", "data.places=4", "patch.stride=64")
    data = PatchData([ramps()], [1.0], config)
    batches = list(data.val_dataloader())
    assert len(batches) == -(-(data.n_validation // 2) // 4)
    for one, other in zip(batches, data.val_dataloader(), strict=True):
        assert torch.equal(one.inputs, other.inputs)
