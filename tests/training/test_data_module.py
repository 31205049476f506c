"""Patches for training: which, in which order, and with which pixels."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from support.training_setup import train_config

from emqs import models
from emqs.datasets import Stack
from emqs.embedding import encode
from emqs.errors import ConfigError, DataError
from emqs.models.weights import Model
from emqs.patches import cutting
from emqs.training.data_module import PatchData
from emqs.training.sampling import EpochBatches, quotas, within
from emqs.training.slices import split, square_grid


def stack(
    n: int = 5,
    height: int = 100,
    width: int = 90,
    *,
    name: str = "s",
    seed: int = 0,
    **more: object,
) -> Stack:
    """Return smooth random slices; slice z is darker than slice z + 1."""
    rng = np.random.default_rng(seed)
    slices = []
    for z in range(n):
        image = gaussian_filter(rng.random((height, width)), 2)
        image = (image - image.min()) / (image.max() - image.min())
        slices.append((image * 60 + 30 * z).astype(np.uint8))
    return Stack(name, slices, [str(z) for z in range(n)], **more)  # type: ignore[arg-type]


def epoch_of(data: PatchData, epoch: int) -> list[np.ndarray]:
    loader = data.train_dataloader()
    loader.sampler.set_epoch(epoch)
    return [batch.inputs.numpy() for batch in loader]


def test_validation_is_the_last_block_of_slices() -> None:
    whole = stack(10)
    training, validation = split(whole, train_config("data.val_fraction=0.3"))
    assert [len(training.images), len(validation.images)] == [7, 3]
    for z, image in enumerate(training.images + validation.images):
        np.testing.assert_array_equal(image, whole.unit(z))


@pytest.mark.parametrize(("n", "fraction", "kept"), [(2, 0.01, 1), (2, 0.99, 1), (4, 0.5, 2)])
def test_neither_part_is_ever_empty(n: int, fraction: float, kept: int) -> None:
    training, validation = split(stack(n), train_config(f"data.val_fraction={fraction}"))
    assert (len(training.images), len(validation.images)) == (n - kept, kept)


def test_a_single_slice_is_split_by_rows() -> None:
    whole = stack(1, height=100)
    training, validation = split(whole, train_config("data.val_fraction=0.1"))
    assert validation.images[0].shape == (32, 90)  # one patch high, though 10 % are 10 rows
    together = np.concatenate([training.images[0], validation.images[0]])
    np.testing.assert_array_equal(together, whole.unit(0))
    assert split(whole, train_config("data.val_fraction=0.5"))[1].images[0].shape == (50, 90)


def test_a_single_slice_too_small_to_split_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"only slice of 's' has 60x90 pixels .* smaller patch.size"
    ):
        split(stack(1, height=60), train_config())


def test_contrast_is_that_of_the_whole_slice() -> None:
    whole = stack(1)
    training, validation = split(whole, train_config("model.preprocessing.contrast=slice"))
    together = np.concatenate([training.images[0], validation.images[0]])
    np.testing.assert_array_equal(together, cutting.with_contrast(whole.unit(0), "slice"))
    assert abs(together.mean() - 0.5) < 0.02


def test_square_grid_moves_border_patches_inside() -> None:
    boxes = square_grid([(100, 64), (20, 200)], 32, 32)
    assert set(boxes[:, 1].tolist()) == {0, 32, 64, 68}  # 96 would reach outside: moved to 68
    assert set(boxes[:, 2].tolist()) == {0, 32}
    assert len(boxes) == 8  # the second slice is lower than a patch
    assert (boxes[:, 3:] == 32).all()
    assert (boxes[:, 0] == 0).all()


@pytest.mark.parametrize(("size", "tolerance"), [(64, 2e-5), (48, 0.01), (80, 0.01), (200, 0.01)])
def test_unaugmented_patches_are_what_a_search_sees(size: int, tolerance: float) -> None:
    whole = stack(3, height=260, width=260)
    config = train_config(f"patch.size={size}", "patch.stride=40", "data.batch_size=4")
    data = PatchData([whole], [1.0], config)
    loader = data.train_dataloader()
    for draw, batch in zip(loader.sampler, loader, strict=True):
        boxes = data.training.sources[0].boxes[draw.positions]
        for box, image in zip(boxes, batch.inputs[:, 0].numpy(), strict=True):
            wanted = cutting.cut(whole.unit(box[0]), box[None], 64)[0]
            edge = 0 if size == 64 else 4  # there the search has no neighbouring pixels to use
            inside = slice(edge, 64 - edge)
            assert np.abs(image - wanted)[inside, inside].max() < tolerance


def test_validation_patches_are_exactly_what_a_search_sees() -> None:
    whole = stack(4)
    config = train_config("model.preprocessing.contrast=slice", "patch.size=40")
    data = PatchData([whole], [1.0], config)
    boxes = data.validation.boxes + np.array([3, 0, 0, 0, 0])
    model = Model("ae", models.build("ae", {}), preprocessing=config.model.preprocessing)
    found = torch.cat([batch.inputs for batch in data.val_dataloader()])
    assert torch.equal(found, encode.images(model, whole, boxes))
    assert len(data.examples(4)) == 4
    assert len(data.examples(1000)) == len(boxes)


def test_an_epoch_has_every_patch_once() -> None:
    sampler = EpochBatches([10, 6], [10, 6], batch_size=4, seed=0)
    for epoch in range(3):
        sampler.set_epoch(epoch)
        drawn = np.concatenate([draw.positions for draw in sampler])
        assert sorted(drawn) == list(range(16))
    assert len(sampler) == 4


def test_no_patch_comes_twice_before_all_came_once_across_epochs() -> None:
    sampler = EpochBatches([10], [4], batch_size=4, seed=3)
    counts = np.zeros(10, dtype=int)
    for epoch in range(10):
        sampler.set_epoch(epoch)
        for draw in sampler:
            np.add.at(counts, draw.positions, 1)
        assert counts.max() - counts.min() <= 1
    assert counts.tolist() == [4] * 10


def test_order_follows_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        sampler = EpochBatches([50], [50], batch_size=5, seed=seed)
        sampler.set_epoch(epoch)
        return [int(i) for draw in sampler for i in draw.positions]

    assert order(0, 0) == order(0, 0)
    assert len({tuple(order(s, e)) for s in (0, 1, 2) for e in (0, 1)}) == 6
    seeds = {draw.seed for s in (0, 1) for draw in EpochBatches([50], [50], batch_size=5, seed=s)}
    assert len(seeds) == 20


def test_devices_share_an_epoch_without_overlap() -> None:
    parts = [
        EpochBatches([40], [40], batch_size=5, seed=0, rank=rank, world_size=2) for rank in (0, 1)
    ]
    drawn = [{int(i) for draw in part for i in draw.positions} for part in parts]
    assert [len(part) for part in parts] == [4, 4]
    assert drawn[0] | drawn[1] == set(range(40))
    assert not drawn[0] & drawn[1]
    assert not {d.seed for d in parts[0]} & {d.seed for d in parts[1]}


def test_positions_among_all_patches_are_those_of_their_stack() -> None:
    counts = [3, 1, 4]
    stack_of, own = within(np.array([7, 0, 2, 3, 4]), counts)
    every = [(stack, patch) for stack, n in enumerate(counts) for patch in range(n)]
    assert list(zip(stack_of.tolist(), own.tolist(), strict=True)) == [
        every[position] for position in (7, 0, 2, 3, 4)
    ]


def test_quotas_follow_shares_and_sum_up() -> None:
    assert quotas(100, [1, 1, 2]) == [25, 25, 50]
    assert sum(quotas(101, [1, 1, 1])) == 101
    assert max(quotas(101, [1, 1, 1])) == 34


def test_a_mixture_cuts_each_stack_by_its_own_pixel_size() -> None:
    coarse = stack(3, name="coarse", pixel_size_nm=10.0)
    fine = stack(3, name="fine", pixel_size_nm=5.0, seed=1)
    config = train_config("patch.unit=nm", "patch.size=320", "patch.stride=160")
    data = PatchData([coarse, fine], [3.0, 1.0], config)
    assert [source.size for source in data.training.sources] == [32, 64]
    n = data.n_training
    assert data.per_epoch == [round(0.75 * n), n - round(0.75 * n)]
    batches = epoch_of(data, 0)
    assert all(batch.shape == (8, 1, 64, 64) for batch in batches)


@pytest.mark.slow
def test_same_seed_same_batches_whatever_the_workers() -> None:
    changes = ["augment=em", "augment.blur=1", "augment.scale=[0.8,1.2]"]
    first = epoch_of(PatchData([stack()], [1.0], train_config(*changes)), 1)
    again = epoch_of(PatchData([stack()], [1.0], train_config(*changes, "data.num_workers=1")), 1)
    other = epoch_of(PatchData([stack()], [1.0], train_config(*changes, "seed=1")), 1)
    np.testing.assert_array_equal(np.stack(first), np.stack(again))
    assert not np.array_equal(np.stack(first), np.stack(other))


def test_two_views_show_the_same_patches_otherwise() -> None:
    config = train_config("loss.consistency=1", "augment.brightness=0.1", "augment.flip=true")
    whole = stack()
    batch = next(iter(PatchData([whole], [1.0], config).train_dataloader()))
    one, two = batch.inputs.chunk(2)
    assert len(one) == 8
    assert not torch.equal(one, two)
    means = torch.stack([one.mean(dim=(1, 2, 3)), two.mean(dim=(1, 2, 3))])
    assert (means[0] - means[1]).abs().max() < 0.25
    assert torch.corrcoef(means)[0, 1] > 0.5


@pytest.mark.parametrize(
    ("n", "overrides", "message"),
    [
        (3, ["patch.size=95"], "No patch of 95 px fits a slice of 's' .* 100x90 pixels"),
        (3, ["patch.size=101"], "patch.size is 101 pixels, but slice 0 is only 100x90"),
        (3, ["patch.unit=nm"], "dataset has no pixel size"),
    ],
)
def test_too_few_or_too_large_patches_are_refused(
    n: int, overrides: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        PatchData([stack(n)], [1.0], train_config(*overrides))


@pytest.mark.parametrize(
    ("setting", "size"), [("data.batch_size=999", 60), ("data.patches_per_epoch=4", 4)]
)
def test_a_batch_shrinks_to_the_patches_that_there_are(
    setting: str, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    data = PatchData([stack(3)], [1.0], train_config(setting))
    assert [len(batch.inputs) for batch in data.train_dataloader()] == [size]
    assert f"batches have {size}." in caplog.text
    assert [data.batch_size(devices) for devices in (1, 2, 4)] == [size, size // 2, size // 4]


def test_too_few_patches_are_seen_before_a_slice_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stack, "unit", lambda _self, _z: pytest.fail("a slice was read"))
    with pytest.raises(ConfigError, match="No patch of 95 px fits"):
        PatchData([stack(3)], [1.0], train_config("patch.size=95"))
    alone = ["loss=contrastive", "data.patches_per_epoch=1"]
    with pytest.raises(ConfigError, match="Only one patch is kept for a batch"):
        PatchData([stack(3)], [1.0], train_config(*alone))


def test_validation_without_a_patch_is_refused() -> None:
    whole = stack(3)
    narrow = Stack("mixed", [*whole.slices[:2], np.zeros((20, 200), np.uint8)], ["0", "1", "2"])
    with pytest.raises(ConfigError, match="fits the slices kept for validation"):
        PatchData([narrow], [1.0], train_config())


def test_real_slices_are_served(images_dir: Path) -> None:
    from emqs.datasets import open_stacks
    from emqs.datasets.settings import DatasetConfig

    dataset = DatasetConfig("KASTHURI_unlabelled", "folder", slices=[0, 2])
    stacks = open_stacks(dataset, images_dir)
    config = train_config("patch.size=80", "patch.stride=80", "augment=em", "data.batch_size=32")
    data = PatchData(stacks, [1.0], config)
    assert (data.n_training, data.n_validation) == (169, 169)
    batch = next(iter(data.train_dataloader()))
    assert batch.inputs.shape == (32, 1, 64, 64)
    assert batch.inputs.std() > 0.05
