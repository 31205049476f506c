"""Strided patches for training: cut, augmented and stacked a whole batch at a time.

The order of patches and every random draw follow from (seed, epoch, batch) alone, not from any
state. So the same seed gives the same batches, whatever the number of workers, and a run that is
resumed gets the batches that it would have got.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
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
    seed: tuple[int, ...]  # of the run, epoch, batch


@dataclass(frozen=True)
class Source:
    """Slices of one stack that are used for training, or for validation, and their patches."""

    images: list[np.ndarray]  # float32 (Y, X) in [0, 1]; for training prepared by ``padded``
    boxes: np.ndarray  # (N, 5), int64, all squares of ``size``
    size: int  # edge of a patch, in pixels of the slice
    zoom: tuple[float, float] = (1.0, 1.0)  # smallest and largest piece that is cut, times ``size``
    reach: int = 0  # how many slices away a neighbour may be; 0: slices are unrelated


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


def edges(
    stack: Stack, config: TrainConfig, drawn: Sequence[float] | None
) -> tuple[int, int, tuple[float, float]]:
    """Return edge and grid step of a stack's patches in pixels, and the limits of their zoom.

    Args:
        stack: Gives the size of a pixel.
        config: ``patch`` and ``augment.zoom`` count.
        drawn: Smallest and largest edge of a patch, in ``patch.unit``, instead of both; or None.

    Raises:
        ConfigError: If nm are asked for and the pixel size is not known.
    """
    if drawn is None:
        low, high = config.augment.zoom
        return *patches.size_and_stride(config.patch, stack.pixel_size_nm), (low, high)
    middle = max(1, round((drawn[0] * drawn[1]) ** 0.5))  # pixels must be whole
    patch = replace(config.patch, size=middle)
    return *patches.size_and_stride(patch, stack.pixel_size_nm), (
        drawn[0] / middle,
        drawn[1] / middle,
    )


def neighbour_reach(stack: Stack, config: TrainConfig) -> int:
    """Return how many slices away a neighbour may be; 0 if slices are unrelated."""
    if not stack.consecutive or config.augment.neighbour == 0:
        return 0
    if stack.section_nm is None:
        return 1
    return max(1, int(config.augment.neighbour_nm / stack.section_nm))


def split(
    stack: Stack, config: TrainConfig, drawn: Sequence[float] | None = None
) -> tuple[Source, Source]:
    """Split a stack into training and validation slices, by block.

    Neighbouring slices nearly repeat each other, so a random choice would validate on what was
    trained on. The last ``data.val_fraction`` of the slices, at least one, are for validation; of
    a stack with one slice, its bottom rows, at least one patch high. Validation patches do not
    overlap: their stride is the size.

    Args:
        stack: The slices; labels are never looked at.
        config: ``patch``, ``data``, ``augment`` and the model's preprocessing count.
        drawn: As in ``edges``.

    Returns:
        Training and validation, images float32 in [0, 1] with their contrast set.

    Raises:
        DataError: If a stack of one slice is too small to be split.
        ConfigError: If a slice is smaller than a patch.
    """
    size, stride, zoom = edges(stack, config, drawn)
    reach = neighbour_reach(stack, config)
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
        Source(parts[0], square_grid(shapes[0], size, stride), size, zoom, reach),
        Source(parts[1], square_grid(shapes[1], size, size), size, zoom, reach),
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
    return replace(source, images=images)


class TrainingPatches(Dataset[Batch]):
    """Random, augmented batches of the training patches of several stacks."""

    def __init__(
        self,
        sources: list[Source],
        config: AugmentConfig,
        *,
        network_size: int,
        views: int,
        teacher_size: int | None = None,
    ) -> None:
        """Prepare the slices.

        Args:
            sources: One for each stack.
            config: The augmentations.
            network_size: Edge of the network's input, in pixels.
            views: How often each patch of a batch is drawn, each time with other augmentations.
            teacher_size: Edge of a teacher's input, in pixels. If given, the targets are what the
                teacher sees: the first views, with their intensities unchanged.
        """
        self.config, self.network_size, self.views = config, network_size, views
        self.teacher_size = teacher_size
        self.margins = [
            augment.margin(config, s.size, network_size, zoom=s.zoom[1]) for s in sources
        ]
        self.sources = [
            padded(source, margin, network_size)
            for source, margin in zip(sources, self.margins, strict=True)
        ]
        self.counts = [len(source.boxes) for source in sources]

    def __getitem__(self, draw: Draw) -> Batch:
        """Return one batch."""
        rng = np.random.default_rng(draw.seed)
        n = len(draw.positions)
        images = torch.empty(self.views, n, 1, self.network_size, self.network_size)
        seen = None  # by the teacher
        if self.teacher_size is not None:
            seen = torch.empty(n, 1, self.teacher_size, self.teacher_size)
        stack_of = np.searchsorted(np.cumsum(self.counts), draw.positions, side="right")
        for number in np.unique(stack_of).tolist():
            here = np.flatnonzero(stack_of == number)
            boxes = self.sources[number].boxes[draw.positions[here] - sum(self.counts[:number])]
            self._cut(number, boxes, here, images, seen, rng)
        chosen = augment.choose(n, self.config.invert, rng)
        images = augment.inverted(images, chosen).flatten(0, 1)
        batch = augment.change_intensities(images, self.config, rng)
        return batch if seen is None else Batch(batch.inputs, augment.inverted(seen, chosen))

    def _cut(
        self,
        number: int,
        boxes: np.ndarray,
        here: np.ndarray,
        images: Tensor,
        seen: Tensor | None,
        rng: np.random.Generator,
    ) -> None:
        """Cut patches of one stack into their places ``here`` of images and of what is seen."""
        source, n = self.sources[number], len(boxes)
        zoom = np.ones((1, 1, 1))
        if source.zoom != (1.0, 1.0):
            low, high = np.log(source.zoom)
            zoom = np.exp(rng.uniform(low, high, (n, 1, 1)))
        for view in range(self.views):
            shown = boxes if view == 0 else self._moved(source, boxes, rng)
            if view == 0 or shown is not boxes:
                windows = self._windows(number, shown)
            maps = augment.placements(self.config, n, source.size, self.network_size, rng)
            maps[:, :, :2] *= zoom
            images[view, here] = augment.resample(windows, maps, source.size, self.network_size)
            if view == 0 and seen is not None and self.teacher_size is not None:
                seen[here] = augment.resample(windows, maps, source.size, self.teacher_size)

    def _moved(self, source: Source, boxes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return boxes, some of them at the same place in a slice nearby.

        Never beyond the first or last slice of the source, and never into one of another size.
        """
        if source.reach == 0 or len(source.images) < 2:
            return boxes
        n = len(boxes)
        step = rng.integers(1, source.reach, size=n, endpoint=True)
        step *= 1 - 2 * rng.integers(2, size=n)
        step[rng.random(n) >= self.config.neighbour] = 0
        z = np.clip(boxes[:, 0] + step, 0, len(source.images) - 1)
        shapes = np.array([image.shape for image in source.images])
        z = np.where((shapes[z] == shapes[boxes[:, 0]]).all(axis=1), z, boxes[:, 0])
        return np.column_stack([z, boxes[:, 1:]])

    def _windows(self, number: int, boxes: np.ndarray) -> Tensor:
        """Return patches of one stack with their margin, ``(n, W, W)``, float32 in [0, 1]."""
        source = self.sources[number]
        width = source.size + 2 * self.margins[number]
        windows = np.empty((len(boxes), width, width), dtype=np.float32)
        for window, (z, y, x) in zip(windows, boxes[:, :3].tolist(), strict=True):
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


def validation_draws(count: int, batch_size: int, seed: int) -> list[Draw]:
    """Return batches of all validation patches, mixed, for losses that compare patches.

    Such losses depend on the size of a batch, so all are equally large (or one larger), none is
    a rest: from ``batch_size`` to below twice that, or all patches if they are fewer.

    Args:
        count: Validation patches.
        batch_size: Smallest batch.
        seed: Of the run.
    """
    order = np.random.default_rng([seed, 2]).permutation(count)
    batches = np.array_split(order, max(1, count // batch_size))
    return [Draw(batch, (seed, 0, number, 1)) for number, batch in enumerate(batches)]


class PatchData(LightningDataModule):
    """Patches of one or several stacks for training and validation."""

    def __init__(
        self,
        stacks: list[Stack],
        shares: list[float],
        config: TrainConfig,
        *,
        drawn: Sequence[Sequence[float] | None] | None = None,
        teacher_size: int | None = None,
    ) -> None:
        """Split the stacks and prepare their slices.

        Args:
            stacks: At least one; sizes of slices and of pixels may differ.
            shares: How often each stack's patches are drawn, relative to the others.
            config: All settings of the training.
            drawn: For each stack its own smallest and largest edge of a patch, or None; see
                ``edges``.
            teacher_size: Edge of a teacher's input, in pixels; None: there is no teacher.

        Raises:
            ConfigError: If there are fewer training patches than one batch, or no validation patch.
            DataError: If a stack of one slice is too small to be split.
        """
        super().__init__()
        self.config, self.stacks = config, stacks
        network_size = config.model.preprocessing.size
        drawn = [None] * len(stacks) if drawn is None else drawn
        parts = [split(stack, config, own) for stack, own in zip(stacks, drawn, strict=True)]
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
        views = bool(config.loss.views or config.loss.teacher)
        cutter = partial(
            TrainingPatches,
            config=config.augment,
            network_size=network_size,
            views=2 if views or config.loss.consistency > 0 else 1,
            teacher_size=teacher_size,
        )
        self.training = cutter([part[0] for part in parts])
        self.validation_views = cutter([part[1] for part in parts]) if views else None
        if views and self.n_validation < 2:
            raise ConfigError(
                "Only one patch is kept for validation, and losses of views compare at least two. "
                "Choose a smaller patch.size or a larger data.val_fraction."
            )
        # float32 slices take memory; only a teacher that learns from patches asks for them again
        self._unprepared = [] if teacher_size is None else [part[0] for part in parts]
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
        """Return the validation batches: patches as they are, or the same views every time."""
        rank, world_size = self._devices()
        if self.validation_views is not None:
            draws = validation_draws(
                self.n_validation, self.config.data.batch_size, self.config.seed
            )
            return self._loader(self.validation_views, draws[rank::world_size])
        return self._loader(self.validation, range(rank, len(self.validation), world_size))

    def examples(self, n: int) -> Tensor:
        """Return n validation patches, evenly spread, shape ``(n, 1, H, W)``; fewer if fewer."""
        n = min(n, self.n_validation)
        return self.validation.cut(np.arange(n) * self.n_validation // n)

    def plain(self, n: int, size: int) -> Tensor:
        """Return n training patches, evenly spread, as a search cuts them for a network.

        Args:
            n: How many; fewer if there are fewer.
            size: Edge of the network's input, in pixels.

        Returns:
            Shape ``(n, 1, size, size)``, float32 in [0, 1].
        """
        n = min(n, self.n_training)
        cutter = ValidationPatches(self._unprepared, batch_size=n, network_size=size)
        return cutter.cut(np.arange(n) * self.n_training // n)

    def _devices(self) -> tuple[int, int]:
        if self.trainer is None:
            return 0, 1
        return self.trainer.global_rank, self.trainer.world_size

    def _loader(
        self, dataset: Dataset[Batch], sampler: Sampler[Draw] | range | list[Draw]
    ) -> DataLoader[Batch]:
        workers = self.config.data.num_workers
        return DataLoader(
            dataset,
            batch_size=None,  # the dataset makes whole batches
            sampler=sampler,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=torch.cuda.is_available(),
        )
