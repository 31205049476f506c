"""Strided patches for training: cut, augmented and stacked a whole batch at a time.

The order of patches and every random draw follow from (seed, epoch, batch) alone, not from any
state. So the same seed gives the same batches, whatever the number of workers, and a run that is
resumed gets the batches that it would have got.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from emqs.datasets import Stack
from emqs.errors import ConfigError
from emqs.training.augment import Batch
from emqs.training.crops import Crops, TrainingCrops
from emqs.training.datasets import TrainingPatches, ValidationPatches
from emqs.training.sampling import Draw, EpochBatches, quotas, validation_draws
from emqs.training.settings import TrainConfig
from emqs.training.slices import SliceSource, divide, split

logger = logging.getLogger(__name__)
MOST_PATCHES = 16  # along a crop, which is encoded as a whole: its memory grows with their square


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
            ConfigError: If there is no patch for training or validation, or one alone where losses
                compare patches.
            DataError: If a stack of one slice is too small to be split.
        """
        super().__init__()
        self.config, self.stacks = config, stacks
        network_size = config.model.preprocessing.size
        self._check_crops(network_size)
        drawn = [None] * len(stacks) if drawn is None else drawn
        patches = [divide(stack, config, own) for stack, own in zip(stacks, drawn, strict=True)]
        counts = [len(part.training) for part in patches]  # before seconds go into reading slices
        self.n_training = sum(counts)
        self.n_validation = sum(len(part.validation) for part in patches)
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
        per_epoch = config.data.patches_per_epoch
        per_epoch = self.n_training if per_epoch is None else per_epoch
        self.per_epoch = quotas(per_epoch, shares)
        self._check_batches()
        parts = [split(stack, config, own) for stack, own in zip(stacks, drawn, strict=True)]
        self.validation = ValidationPatches(
            [part[1] for part in parts],
            batch_size=config.data.batch_size,
            network_size=network_size,
        )
        views = bool(config.loss.views or config.loss.teacher)
        cutter: Callable[[list[SliceSource]], TrainingPatches | TrainingCrops]
        if config.data.crop_size is None:
            cutter = partial(
                TrainingPatches,
                config=config.augment,
                network_size=network_size,
                views=2 if views or config.loss.consistency > 0 else 1,
                teacher_size=teacher_size,
            )
        else:
            cutter = partial(
                TrainingCrops,
                config=config.augment,
                network_size=network_size,
                crop_size=config.data.crop_size,
                places=config.data.places,
            )
        self.training = cutter([part[0] for part in parts])
        self.validation_views = cutter([part[1] for part in parts]) if views else None
        # float32 slices take memory; only a teacher that learns from patches asks for them again
        self._unprepared = [] if teacher_size is None else [part[0] for part in parts]

    def batch_size(self, devices: int = 1) -> int:
        """Return the patches in a batch on each of several devices.

        It is ``data.batch_size``, or all that there are in an epoch where they are fewer.
        """
        most = min(self.n_training, sum(self.per_epoch) // devices)
        return min(self.config.data.batch_size, most)

    def _check_crops(self, network_size: int) -> None:
        """Check that places in crops are what is asked for, and fit.

        Raises:
            ConfigError: If not.
        """
        crop_size, loss = self.config.data.crop_size, self.config.loss
        if crop_size is None:
            return
        if not loss.views or loss.teacher:
            raise ConfigError(
                f"data.crop_size={crop_size} is for losses of views without a teacher "
                "(loss=contrastive, loss=vicreg), which compare places. Set data.crop_size=null."
            )
        least, most = 2 * network_size, MOST_PATCHES * network_size
        if not least <= crop_size <= most:
            raise ConfigError(
                f"data.crop_size must be from {least} to {most}, 2 to {MOST_PATCHES} patches of "
                f"{network_size} pixels (model.preprocessing.size), or null, got {crop_size}."
            )

    def _check_batches(self) -> None:
        """Say it if a batch has to shrink.

        Raises:
            ConfigError: If losses compare patches, and there is one alone.
        """
        size, asked, loss = self.batch_size(), self.config.data.batch_size, self.config.loss
        if loss.views or loss.teacher:
            for n, part in ((size, "a batch"), (self.n_validation, "validation")):
                if n < 2:
                    raise ConfigError(
                        f"Only one patch is kept for {part}, and losses of views compare at least "
                        "two. Choose a smaller patch.size or patch.stride, or a larger "
                        "data.batch_size, data.patches_per_epoch or data.val_fraction."
                    )
        if size < asked:
            logger.warning(
                "%d training patches in an epoch are fewer than data.batch_size=%d: batches have "
                "%d. A smaller patch.stride gives more patches.",
                size, asked, size,
            )  # fmt: skip

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the batches of an epoch; Lightning tells them which one."""
        rank, world_size = self._devices()
        if sum(self.per_epoch) < world_size:
            raise ConfigError(
                f"{sum(self.per_epoch)} training patches in an epoch are too few for {world_size} "
                "devices. Choose a smaller patch.stride, or trainer.devices=1."
            )
        sampler = EpochBatches(
            self.training.counts,
            self.per_epoch,
            batch_size=self.batch_size(world_size),
            seed=self.config.seed,
            rank=rank,
            world_size=world_size,
        )
        return self._loader(self.training, sampler)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return the validation batches: patches as they are, or the same views every time."""
        rank, world_size = self._devices()
        if self.validation_views is not None:
            size = self.batch_size(world_size)
            draws = validation_draws(self.n_validation, size, self.config.seed)
            if self.config.data.crop_size is not None:  # a crop shows many places
                draws = draws[: -(-len(draws) // self.config.data.places)]
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
        self,
        dataset: Dataset[Batch] | Dataset[Crops],
        sampler: Sampler[Draw] | range | list[Draw],
    ) -> DataLoader[Any]:
        workers = self.config.data.num_workers
        return DataLoader(
            dataset,
            batch_size=None,  # the dataset makes whole batches
            sampler=sampler,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=torch.cuda.is_available(),
        )
