"""Places that are compared within larger crops of slices, which are encoded as a whole.

A search pools the feature map of a whole slice, so a place is seen with its surroundings, and has
to be told from others of the same slice. Crops show both to training: a crop is a few patches wide,
is drawn in two views, and the same places are pooled in both. Patches on their own show neither,
and most patches of a batch come from other slices, which are easily told apart.

Source:
    After Wang et al., Dense contrastive learning for self-supervised visual pre-training, CVPR
    2021, with places that are known from the views instead of matched.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.ops import roi_align

from emqs.models import Convolutional
from emqs.training import augment
from emqs.training.sampling import Draw, within
from emqs.training.settings import AugmentConfig
from emqs.training.slices import WHITE, SliceSource, moved

BESIDE = 0.15  # how far apart the middles of both views may be, in edges of a crop
TRIES = 200  # places that are drawn, of which those that both views show are taken
APART = 0.2  # of a patch: places of a crop keep this distance where there is room
SAME = 0.75  # of a window: places that are nearer show much of the same, and are not compared
SMOOTHED = 0.3  # pixels: a smaller Gaussian changes next to nothing


class Crops(NamedTuple):
    """What one step sees: two views of N crops, and K places in each."""

    inputs: Tensor  # (2N, 1, E, E), float32 in [0, 1]: first views of all crops, then second ones
    centres: Tensor  # (2N, K, 2), float32: x and y of each place, in pixels of the input
    overlaps: Tensor  # (N * K, N * K), bool: two places that show much of the same
    size: int  # edge of the window around a place, in pixels of the input


class _Views(NamedTuple):
    """Two views of one crop."""

    images: Tensor  # (2, 1, E, E)
    centres: np.ndarray  # (2, K, 2)
    places: np.ndarray  # (K, 5): stack, slice, x, y, edge of a patch, pixels of the slice


class TrainingCrops(Dataset[Crops]):
    """Random, augmented crops of the slices of several stacks, each around a patch."""

    def __init__(
        self,
        sources: list[SliceSource],
        config: AugmentConfig,
        *,
        network_size: int,
        crop_size: int,
        places: int,
    ) -> None:
        """Keep the slices as uint16.

        Args:
            sources: One for each stack; images float32, as ``slices.split`` returns them.
            config: The augmentations; ``shift`` moves each place on its own.
            network_size: Edge of a patch, in pixels of the network's input.
            crop_size: Edge E of a crop, in the same pixels.
            places: Number K of places in a crop.
        """
        self.sources, self.config, self.places = sources, config, places
        self.network_size, self.crop_size = network_size, crop_size
        self.images = [
            [np.rint(image * WHITE).astype(np.uint16) for image in source.images]
            for source in sources
        ]
        self.counts = [len(source.boxes) for source in sources]

    def __getitem__(self, draw: Draw) -> Crops:
        """Return one batch, a crop around each patch that was drawn."""
        rng = np.random.default_rng(draw.seed)
        size = self.network_size // int(rng.integers(1, 2, endpoint=True))  # whole patch, or half
        stack_of, own = within(draw.positions, self.counts)
        drawn = [
            self._views(number, self.sources[number].boxes[position], rng)
            for number, position in zip(stack_of.tolist(), own.tolist(), strict=True)
        ]
        chosen = augment.choose(len(drawn), self.config.invert, rng)
        images = torch.stack([views.images for views in drawn], dim=1)  # (2, N, 1, E, E)
        images = augment.inverted(images, chosen).flatten(0, 1)
        centres = np.stack([views.centres for views in drawn], axis=1).astype(np.float32)
        places = np.concatenate([views.places for views in drawn])
        return Crops(
            augment.change_intensities(images, self.config, rng).inputs,
            torch.from_numpy(centres).flatten(0, 1),
            torch.from_numpy(self._overlaps(places, size)),
            size,
        )

    def _views(self, number: int, box: np.ndarray, rng: np.random.Generator) -> _Views:
        """Return two views of a crop whose middle is that of a box ``(z, y, x, h, w)``."""
        source, edge = self.sources[number], self.crop_size
        low, high = np.log(source.zoom)
        pitch = source.size / self.network_size * math.exp(rng.uniform(low, high))
        maps = augment.placements(self.config, 2, source.size, self.network_size, rng)
        linear = maps[:, :, :2].astype(np.float64) * pitch  # from pixels of a view to the slice's
        both = np.stack([box, moved(source, box[None], self.config.neighbour, rng)[0]])
        middle = box[[2, 1]] + source.size / 2  # x, y
        middles = middle + np.stack([np.zeros(2), rng.uniform(-BESIDE, BESIDE, 2) * edge * pitch])
        shape = np.array(source.images[box[0]].shape[::-1])
        reach = self.network_size / 2  # of a patch

        inner = edge / 2 - reach
        at = np.concatenate([np.zeros((1, 2)), rng.uniform(-inner, inner, (TRIES - 1, 2))])
        in_slice = at @ linear[0].T + middles[0]
        second = (in_slice - middles[1]) @ np.linalg.inv(linear[1]).T
        rim = min(reach * pitch, source.size) / 2  # half a patch, at most, lies outside the slice
        inside = ((in_slice >= rim) & (in_slice <= shape - rim)).all(axis=1)
        usable = inside & (np.abs(second) <= inner).all(axis=1)
        usable[0] = True  # the middle of the patch that was drawn is always in both
        taken = _apart(at, np.flatnonzero(usable), APART * self.network_size, self.places)
        second = second + rng.uniform(-self.config.shift, self.config.shift, second.shape)
        images = [
            self._sampled(self.images[number][z], a, m)
            for z, a, m in zip(both[:, 0].tolist(), linear, middles, strict=True)
        ]
        places = np.empty((len(taken), 5))
        places[:, 0], places[:, 1], places[:, 2:4] = number, box[0], in_slice[taken]
        places[:, 4] = pitch * self.network_size
        return _Views(torch.stack(images), np.stack([at[taken], second[taken]]) + edge / 2, places)

    def _sampled(self, image: np.ndarray, linear: np.ndarray, middle: np.ndarray) -> Tensor:
        """Return a view ``(1, E, E)``, sampled bilinearly; beyond its border a slice is mirrored.

        Args:
            image: A slice, uint16.
            linear: Shape ``(2, 2)``, from pixels of the view to those of the slice, x before y.
            middle: Of the view, ``(x, y)`` in the slice.
        """
        edge, shape = self.crop_size, np.array(image.shape[::-1])
        reach = np.abs(linear).sum(axis=1) * edge / 2 + 2
        first = np.clip(np.floor(middle - reach), 0, shape - 1).astype(int)
        last = np.clip(np.ceil(middle + reach), first + 1, shape).astype(int)
        part = image[first[1] : last[1], first[0] : last[0]].astype(np.float32) / WHITE
        sigma = (math.sqrt(abs(np.linalg.det(linear))) - 1) / 2  # as scikit-image's resize smooths
        if sigma > SMOOTHED:
            part = ndimage.gaussian_filter(part, sigma, mode="mirror")
        halves = (last - first)[:, None] / 2  # from pixels to [-1, 1]
        relative = np.column_stack([linear * edge / 2, middle - first]) / halves
        relative[:, 2] -= 1
        where = F.affine_grid(
            torch.from_numpy(relative.astype(np.float32))[None], [1, 1, edge, edge],
            align_corners=False,
        )  # fmt: skip
        return F.grid_sample(
            torch.from_numpy(part)[None, None], where, mode="bilinear",
            padding_mode="reflection", align_corners=False,
        )[0]  # fmt: skip

    def _overlaps(self, places: np.ndarray, size: int) -> np.ndarray:
        """Return which of the places ``(P, 5)`` show much of the same, ``(P, P)``, bool."""
        stack, z = places[:, 0].astype(int), places[:, 1]
        reach = np.array([source.reach for source in self.sources])[stack]
        near = (stack[:, None] == stack) & (np.abs(z[:, None] - z) <= reach)
        edge = places[:, 4] * size / self.network_size
        limits = SAME * np.maximum(edge[:, None], edge)
        distances = np.hypot(*(places[:, [k]] - places[:, k] for k in (2, 3)))
        return near & (distances < limits)


def _apart(at: np.ndarray, usable: np.ndarray, distance: float, n: int) -> np.ndarray:
    """Return n of the usable points ``(P, 2)``, by number, which keep a distance while they can."""
    taken = [int(usable[0])]
    rest = []
    for number in usable[1:].tolist():
        if len(taken) == n:
            break
        if ((at[taken] - at[number]) ** 2).sum(axis=1).min() >= distance**2:
            taken.append(number)
        else:
            rest.append(number)
    taken += rest[: n - len(taken)]
    return np.resize(np.array(taken), n)  # again from the first, if there are not so many


def pooled(crops: Crops, network: Convolutional) -> Tensor:
    """Return the codes of all places, shape ``(2 N K, D)``: of the first views, then the second.

    Windows lie where they are, between cells too: cells are interpolated, not weighted by their
    share as in a search, which is the same where a window begins with a cell.
    """
    features = network.features(crops.inputs.contiguous(memory_format=torch.channels_last))
    n_views, n_places, _ = crops.centres.shape
    view = torch.arange(n_views, device=features.device).repeat_interleave(n_places)
    centres = crops.centres.flatten(0, 1) - network.shift
    boxes = torch.cat([view[:, None], centres - crops.size / 2, centres + crops.size / 2], dim=1)
    cells = max(1, crops.size // network.cell)
    windows = roi_align(
        features, boxes.to(features.dtype), (cells, cells), spatial_scale=1 / network.cell,
        sampling_ratio=1, aligned=True,
    )  # fmt: skip
    return network.pool(windows)
