"""Patches for training and validation as PyTorch datasets."""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from emqs.patches import cutting
from emqs.training import augment
from emqs.training.augment import Batch
from emqs.training.sampling import Draw, within
from emqs.training.settings import AugmentConfig
from emqs.training.slices import WHITE, SliceSource, moved, padded


class TrainingPatches(Dataset[Batch]):
    """Random, augmented batches of the training patches of several stacks."""

    def __init__(
        self,
        sources: list[SliceSource],
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
        stack_of, own = within(draw.positions, self.counts)
        for number in np.unique(stack_of).tolist():
            positions = np.flatnonzero(stack_of == number)
            boxes = self.sources[number].boxes[own[positions]]
            self._cut(number, boxes, positions, images, seen, rng)
        chosen = augment.choose(n, self.config.invert, rng)
        images = augment.inverted(images, chosen).flatten(0, 1)
        batch = augment.change_intensities(images, self.config, rng)
        return batch if seen is None else Batch(batch.inputs, augment.inverted(seen, chosen))

    def _cut(
        self,
        number: int,
        boxes: np.ndarray,
        positions: np.ndarray,
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
            shown = boxes if view == 0 else moved(source, boxes, self.config.neighbour, rng)
            if view == 0 or shown is not boxes:
                windows = self._windows(number, shown)
            maps = augment.placements(self.config, n, source.size, self.network_size, rng)
            maps[:, :, :2] *= zoom
            images[view, positions] = augment.resample(
                windows, maps, source.size, self.network_size
            )
            if view == 0 and seen is not None and self.teacher_size is not None:
                seen[positions] = augment.resample(windows, maps, source.size, self.teacher_size)

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

    def __init__(self, sources: list[SliceSource], *, batch_size: int, network_size: int) -> None:
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
            in_slice = np.flatnonzero((where == (stack, z)).all(axis=1))
            slice_ = self.sources[stack].images[z]
            images[in_slice] = cutting.cut(
                slice_, self.boxes[positions[in_slice]], self.network_size
            )
        return torch.from_numpy(images[:, None])
