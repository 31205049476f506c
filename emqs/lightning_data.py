"""Strided patches for training: cut, augmented and stacked a whole batch at a time.

The order of patches and every random draw follow from (seed, epoch, batch) alone, not from any
state. So the same seed gives the same batches, whatever the number of workers, and a run that is
resumed gets the batches that it would have got.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from scipy import ndimage
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from emqs import augment, patches
from emqs.augment import Batch
from emqs.config import AugmentConfig, TrainConfig
from emqs.datasets import Stack
from emqs.errors import ConfigError, DataError

WHITE = 65535  # slices are kept as uint16: half the memory of float32, finer than any detector


class Draw(NamedTuple):
    """Which patches a batch holds, and the seed of its augmentations."""

    positions: np.ndarray  # (N,), int64, into all training patches
    seed: tuple[int, int, int]  # of the run, epoch, batch


@dataclass(frozen=True)
class Source:
    """Slices of one stack that are used for training, or for validation, and their patches."""

    images: list[np.ndarray]  # float32 (Y, X) in [0, 1]; for training prepared by ``padded``
    boxes: np.ndarray  # (N, 5), int64, all squares of ``size``
    size: int  # edge of a patch, in pixels of the slice


def square_grid(shapes: Sequence[tuple[int, int]], size: int, stride: int) -> np.ndarray:
    """Return the grid of ``patches.grid`` with its border patches moved inside, not cut.

    Cut patches would be stretched to squares, which no microscope does. Slices that are smaller
    than a patch in one direction have no patches.

    Args:
        shapes: Height and width of each slice, in pixels.
        size: Edge of a patch, in pixels.
        stride: Step of the grid, in pixels.

    Returns:
        Boxes, shape ``(N, 5)``, int64, sorted by z, then y, then x; no box twice.
    """
    boxes = patches.grid(shapes, size, stride)
    limits = np.array(shapes, dtype=np.int64).reshape(-1, 2)[boxes[:, 0]] - size
    boxes = boxes[(limits >= 0).all(axis=1)]
    boxes[:, 1:3] = np.minimum(boxes[:, 1:3], limits[(limits >= 0).all(axis=1)])
    boxes[:, 3:] = size
    return np.unique(boxes, axis=0)


def split(stack: Stack, config: TrainConfig) -> tuple[Source, Source]:
    """Split a stack into training and validation slices, by block.

    Neighbouring slices nearly repeat each other, so a random choice would validate on what was
    trained on. The last ``data.val_fraction`` of the slices, at least one, are for validation; of
    a stack with one slice, its bottom rows, at least one patch high. Validation patches do not
    overlap: their stride is the size.

    Args:
        stack: The slices; labels are never looked at.
        config: ``patch``, ``data`` and the model's preprocessing count.

    Returns:
        Training and validation, images float32 in [0, 1] with their contrast set.

    Raises:
        DataError: If a stack of one slice is too small to be split.
        ConfigError: If a slice is smaller than a patch.
    """
    size, stride = patches.size_and_stride(config.patch, stack.pixel_size_nm)
    contrast = config.model.preprocessing.contrast
    images = [patches.with_contrast(stack.unit(z), contrast) for z in range(len(stack))]
    fraction = config.data.val_fraction
    if len(images) > 1:
        first = len(images) - min(max(1, round(fraction * len(images))), len(images) - 1)
        parts = images[:first], images[first:]
    else:
        height, width = images[0].shape
        row = height - max(size, round(fraction * height))
        if row < size:
            raise DataError(
                f"The only slice of '{stack.name}' has {height}x{width} pixels (height x width); "
                f"it cannot be split into rows for training and rows for validation, each at "
                f"least one patch of {size} pixels high. Use more slices or a smaller patch.size."
            )
        parts = [images[0][:row]], [images[0][row:]]
    shapes = [[(i.shape[0], i.shape[1]) for i in part] for part in parts]
    return (
        Source(parts[0], square_grid(shapes[0], size, stride), size),
        Source(parts[1], square_grid(shapes[1], size, size), size),
    )


def padded(source: Source, margin: int, network_size: int) -> Source:
    """Return a training source as batches are cut from it.

    Slices are smoothed as much as shrinking patches to the network's size needs (the sigma that
    scikit-image's resize uses), turned to uint16, and mirrored outwards by the margin.

    Args:
        source: Float32 slices.
        margin: Pixels on each side; boxes stay as they are, and so start at the margin's corner.
        network_size: Edge of the network's input, in pixels.
    """
    sigma = max(0.0, (source.size / network_size - 1) / 2)
    images = []
    for image in source.images:
        smooth = ndimage.gaussian_filter(image, sigma, mode="mirror") if sigma > 0 else image
        whole = np.rint(smooth * WHITE).astype(np.uint16)
        images.append(np.pad(whole, margin, mode="reflect"))
    return Source(images, source.boxes, source.size)


class TrainingPatches(Dataset[Batch]):
    """Random, augmented batches of the training patches of several stacks."""

    def __init__(
        self, sources: list[Source], config: AugmentConfig, *, network_size: int, views: int
    ) -> None:
        """Prepare the slices.

        Args:
            sources: One for each stack.
            config: The augmentations.
            network_size: Edge of the network's input, in pixels.
            views: How often each patch of a batch is drawn, each time with other augmentations.
        """
        self.config, self.network_size, self.views = config, network_size, views
        self.margins = [augment.margin(config, s.size, network_size) for s in sources]
        self.sources = [
            padded(source, margin, network_size)
            for source, margin in zip(sources, self.margins, strict=True)
        ]
        self.counts = [len(source.boxes) for source in sources]

    def __getitem__(self, draw: Draw) -> Batch:
        """Return one batch."""
        rng = np.random.default_rng(draw.seed)
        n = len(draw.positions)
        shape = (self.views, n, 1, self.network_size, self.network_size)
        images = torch.empty(shape)
        stack_of = np.searchsorted(np.cumsum(self.counts), draw.positions, side="right")
        for number in np.unique(stack_of).tolist():
            here = np.flatnonzero(stack_of == number)
            inside = draw.positions[here] - sum(self.counts[:number])
            windows = self._windows(number, inside)
            size = self.sources[number].size
            for view in range(self.views):
                maps = augment.placements(self.config, len(here), size, self.network_size, rng)
                images[view, here] = augment.resample(windows, maps, size, self.network_size)
        return augment.change_intensities(images.flatten(0, 1), self.config, rng)

    def _windows(self, number: int, inside: np.ndarray) -> Tensor:
        """Return patches of one stack with their margin, ``(n, W, W)``, float32 in [0, 1]."""
        source = self.sources[number]
        width = source.size + 2 * self.margins[number]
        windows = np.empty((len(inside), width, width), dtype=np.float32)
        for window, (z, y, x) in zip(windows, source.boxes[inside, :3].tolist(), strict=True):
            window[:] = source.images[z][y : y + width, x : x + width]
        return torch.from_numpy(windows).mul_(1 / WHITE)


class ValidationPatches(Dataset[Batch]):
    """The validation patches, always the same, resized exactly as a search resizes them."""

    def __init__(self, sources: list[Source], *, batch_size: int, network_size: int) -> None:
        """Keep the slices; patches are cut when they are asked for."""
        self.sources, self.batch_size, self.network_size = sources, batch_size, network_size
        self.owner = np.repeat(np.arange(len(sources)), [len(s.boxes) for s in sources])
        self.boxes = np.concatenate([s.boxes for s in sources])

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-len(self.boxes) // self.batch_size)

    def __getitem__(self, number: int) -> Batch:
        """Return one batch; the last one may be smaller."""
        start = number * self.batch_size
        images = self.cut(np.arange(start, min(start + self.batch_size, len(self.boxes))))
        return Batch(images, images)

    def cut(self, positions: np.ndarray) -> Tensor:
        """Return patches by number, shape ``(n, 1, H, W)``, float32 in [0, 1]."""
        images = np.empty((len(positions), self.network_size, self.network_size), dtype=np.float32)
        where = np.stack([self.owner[positions], self.boxes[positions, 0]], axis=1)
        for stack, z in np.unique(where, axis=0).tolist():
            here = np.flatnonzero((where == (stack, z)).all(axis=1))
            slice_ = self.sources[stack].images[z]
            images[here] = patches.cut(slice_, self.boxes[positions[here]], self.network_size)
        return torch.from_numpy(images[:, None])


def quotas(total: int, shares: Sequence[float]) -> list[int]:
    """Return how many patches of an epoch come from each stack.

    Args:
        total: Patches in an epoch.
        shares: How often each stack's patches are drawn, relative to the others.

    Returns:
        Whole numbers in proportion to the shares; they sum to ``total``.
    """
    reached = np.cumsum(np.array(shares, dtype=np.float64))
    edges = np.rint(reached / reached[-1] * total).astype(np.int64)
    return np.diff(edges, prepend=0).tolist()


class EpochBatches(Sampler[Draw]):
    """The batches of one epoch after the other.

    Each stack's patches come in random order, each once before any comes again, across epochs too.
    The last patches of an epoch that do not fill a batch (on every device) are left out.
    """

    def __init__(
        self,
        counts: Sequence[int],
        per_epoch: Sequence[int],
        *,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        """Set the sizes.

        Args:
            counts: Patches that each stack has.
            per_epoch: Patches of each stack in one epoch.
            batch_size: Patches in a batch.
            seed: Any integer from 0.
            rank: Number of this device.
            world_size: Devices that share the epoch.
        """
        self.counts, self.per_epoch = list(counts), list(per_epoch)
        self.batch_size, self.seed, self.epoch = batch_size, seed, 0
        self.rank, self.world_size = rank, world_size

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that is served next; Lightning calls this."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the number of batches of this device in an epoch."""
        return sum(self.per_epoch) // (self.batch_size * self.world_size)

    def __iter__(self) -> Iterator[Draw]:
        """Yield the batches of the chosen epoch."""
        epoch = self.epoch
        order = np.concatenate(
            [self._drawn(number, epoch) for number in range(len(self.counts))]
        )  # (N,)
        order = np.random.default_rng([self.seed, 1, epoch]).permutation(order)
        for step in range(len(self)):
            batch = step * self.world_size + self.rank
            here = slice(batch * self.batch_size, (batch + 1) * self.batch_size)
            yield Draw(order[here], (self.seed, epoch, batch))

    def _drawn(self, number: int, epoch: int) -> np.ndarray:
        """Return the positions that one stack gives to an epoch."""
        count, wanted = self.counts[number], self.per_epoch[number]
        if wanted == 0:
            return np.empty(0, dtype=np.int64)
        first, last = epoch * wanted, (epoch + 1) * wanted
        rounds = range(first // count, -(-last // count))
        drawn = np.concatenate(
            [np.random.default_rng([self.seed, 0, number, r]).permutation(count) for r in rounds]
        )
        skip = first - rounds.start * count
        return drawn[skip : skip + wanted] + sum(self.counts[:number])


class PatchData(LightningDataModule):
    """Patches of one or several stacks for training and validation."""

    def __init__(self, stacks: list[Stack], shares: list[float], config: TrainConfig) -> None:
        """Split the stacks and prepare their slices.

        Args:
            stacks: At least one; sizes of slices and of pixels may differ.
            shares: How often each stack's patches are drawn, relative to the others.
            config: All settings of the training.

        Raises:
            ConfigError: If there are fewer training patches than one batch, or no validation patch.
            DataError: If a stack of one slice is too small to be split.
        """
        super().__init__()
        self.config, self.stacks = config, stacks
        network_size = config.model.preprocessing.size
        parts = [split(stack, config) for stack in stacks]
        batch_size = config.data.batch_size
        self.validation = ValidationPatches(
            [part[1] for part in parts], batch_size=batch_size, network_size=network_size
        )
        self.n_validation = len(self.validation.boxes)
        counts = [len(part[0].boxes) for part in parts]
        self.n_training = sum(counts)
        if 0 in counts:
            stack = stacks[counts.index(0)]
            raise ConfigError(
                f"No patch of {config.patch.size:g} {config.patch.unit} fits a slice of "
                f"'{stack.name}' that is used for training, e.g. {stack.shapes[0][0]}x"
                f"{stack.shapes[0][1]} pixels (height x width). Choose a smaller patch.size."
            )
        if self.n_validation == 0:
            raise ConfigError(
                f"No patch of {config.patch.size:g} {config.patch.unit} fits the slices kept for "
                "validation. Choose a smaller patch.size or a larger data.val_fraction."
            )
        wanted = config.data.patches_per_epoch
        wanted = self.n_training if wanted is None else wanted
        if min(self.n_training, wanted) < batch_size:
            raise ConfigError(
                f"There are {min(self.n_training, wanted)} training patches in an epoch, too few "
                f"for one batch of {batch_size}. Choose a smaller data.batch_size, patch.stride "
                "or patch.size, or a larger data.patches_per_epoch."
            )
        self.training = TrainingPatches(
            [part[0] for part in parts],
            config.augment,
            network_size=network_size,
            views=2 if config.loss.consistency > 0 else 1,
        )
        self.per_epoch = quotas(wanted, shares)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return the batches of an epoch; Lightning tells them which one."""
        rank, world_size = self._devices()
        sampler = EpochBatches(
            self.training.counts,
            self.per_epoch,
            batch_size=self.config.data.batch_size,
            seed=self.config.seed,
            rank=rank,
            world_size=world_size,
        )
        if len(sampler) == 0:
            raise ConfigError(
                f"{sum(self.per_epoch)} training patches in an epoch are too few for a batch of "
                f"{self.config.data.batch_size} on each of {world_size} devices. "
                "Choose a smaller data.batch_size."
            )
        return self._loader(self.training, sampler)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return the validation batches."""
        rank, world_size = self._devices()
        return self._loader(self.validation, range(rank, len(self.validation), world_size))

    def examples(self, n: int) -> Tensor:
        """Return n validation patches, evenly spread, shape ``(n, 1, H, W)``; fewer if fewer."""
        n = min(n, self.n_validation)
        return self.validation.cut(np.arange(n) * self.n_validation // n)

    def _devices(self) -> tuple[int, int]:
        if self.trainer is None:
            return 0, 1
        return self.trainer.global_rank, self.trainer.world_size

    def _loader(self, dataset: Dataset[Batch], sampler: Sampler[Draw] | range) -> DataLoader[Batch]:
        workers = self.config.data.num_workers
        return DataLoader(
            dataset,
            batch_size=None,  # the dataset makes whole batches
            sampler=sampler,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=torch.cuda.is_available(),
        )
