"""Random changes of training patches, for whole batches at once.

They are applied in this order, which is that of a microscope: what is looked at (flip, quarter
turns, any angle, scale, shift: one resampling for all five), how it is stained (inversion), then
focus (blur), then the detector (gamma, contrast, brightness), then its noise. Pixels are cut off at
[0, 1] after gamma, contrast and brightness, and after noise. Every patch of a batch gets its own
draw.

The target of the reconstruction is the patch after all of it (``augmented``), after all but blur
and noise, so that the network learns to remove those (``denoised``), or after the resampling and
the inversion of all views only (``clean``).
"""

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from emqs.training.settings import AugmentConfig


class Batch(NamedTuple):
    """What one step sees."""

    inputs: Tensor  # (V * N, 1, H, W), float32 in [0, 1]: V views of N patches, view by view
    targets: Tensor  # the same shape: what is to be reconstructed


def margin(config: AugmentConfig, size: int, network_size: int, *, zoom: float = 1.0) -> int:
    """Return how far outside a patch the resampling may look.

    Args:
        config: The augmentations; its ``zoom`` is not looked at.
        size: Edge of a patch, in pixels of the slice.
        network_size: Edge of the network's input, in pixels.
        zoom: Largest zoom that is drawn.

    Returns:
        Pixels of the slice on each side.
    """
    angle = math.radians(min(config.rotate, 45.0))
    reach = 0.5 * size * zoom * config.scale[1] * (math.cos(angle) + math.sin(angle))
    return math.ceil(reach - 0.5 * size) + _shift_pixels(config, size, network_size)


def _shift_pixels(config: AugmentConfig, size: int, network_size: int) -> int:
    """Return the largest shift in whole pixels of the slice, so that a shift blurs nothing."""
    return round(config.shift * size / network_size)


def placements(
    config: AugmentConfig, n: int, size: int, network_size: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw where each patch is sampled.

    Args:
        config: The augmentations.
        n: Number of patches.
        size: Edge of a patch, in pixels of the slice.
        network_size: Edge of the network's input, in pixels.
        rng: Source of randomness.

    Returns:
        Affine maps, shape ``(n, 2, 3)``, float32: from ``(x, y, 1)`` in the patch that the network
        gets to ``(x, y)`` in the slice. Both are relative to the centre, in half edges of the patch
        that was cut: [-1, 1] is the patch itself.
    """
    turns = rng.integers(4, size=n) if config.rotate90 else np.zeros(n, dtype=np.int64)
    mirror = 1.0 - 2.0 * rng.integers(2, size=n) if config.flip else np.ones(n)
    angle = np.radians(rng.uniform(-config.rotate, config.rotate, n))
    low, high = np.log(config.scale)
    scale = np.exp(rng.uniform(low, high, n))
    limit = _shift_pixels(config, size, network_size)
    shift = rng.integers(-limit, limit, size=(n, 2), endpoint=True) * (2.0 / size)
    quarter_cos, quarter_sin = np.array([1, 0, -1, 0])[turns], np.array([0, 1, 0, -1])[turns]
    cos = scale * (quarter_cos * np.cos(angle) - quarter_sin * np.sin(angle))
    sin = scale * (quarter_sin * np.cos(angle) + quarter_cos * np.sin(angle))
    maps = np.empty((n, 2, 3), dtype=np.float32)
    maps[:, 0, 0], maps[:, 0, 1] = cos * mirror, -sin
    maps[:, 1, 0], maps[:, 1, 1] = sin * mirror, cos
    maps[:, :, 2] = shift
    return maps


def resample(windows: Tensor, maps: np.ndarray, size: int, network_size: int) -> Tensor:
    """Return patches sampled from windows of slices, bilinearly.

    Args:
        windows: Patches with their margin all round, shape ``(n, W, W)``, float32.
        maps: As ``placements`` draws them, shape ``(n, 2, 3)``.
        size: Edge of a patch without its margin, in pixels of the slice.
        network_size: Edge of the result, in pixels.

    Returns:
        Shape ``(n, 1, network_size, network_size)``, float32.
    """
    relative = torch.from_numpy(maps * np.float32(size / windows.shape[-1]))
    shape = [len(windows), 1, network_size, network_size]
    where = F.affine_grid(relative, shape, align_corners=False)  # (n, H, W, 2)
    return F.grid_sample(
        windows[:, None], where, mode="bilinear", padding_mode="reflection", align_corners=False
    )


def choose(n: int, probability: float, rng: np.random.Generator) -> Tensor | None:
    """Return 1 for each chosen one of n patches and 0 for the others, shape ``(n, 1, 1, 1)``.

    With a probability of 0 nothing is drawn, and the result is None.
    """
    if probability == 0:
        return None
    return torch.from_numpy((rng.random(n) < probability).astype(np.float32)).view(-1, 1, 1, 1)


def inverted(images: Tensor, chosen: Tensor | None) -> Tensor:
    """Return images ``(..., n, 1, H, W)`` in [0, 1], with 1 - pixel in those that are chosen."""
    return images if chosen is None else (chosen - images).abs()


def change_intensities(images: Tensor, config: AugmentConfig, rng: np.random.Generator) -> Batch:
    """Invert single views, blur, change gamma, contrast and brightness, add noise.

    Args:
        images: Shape ``(n, 1, H, W)``, float32 in [0, 1]; left unchanged.
        config: The augmentations.
        rng: Source of randomness.

    Returns:
        The images that the network gets, and their targets.
    """
    n = len(images)

    def draw(limit: float, low: float = -1.0) -> Tensor:
        return torch.from_numpy(rng.uniform(low * limit, limit, (n, 1, 1, 1)).astype(np.float32))

    sharp = inverted(images, choose(n, config.invert_view, rng))
    blurred = _blur(sharp, draw(config.blur, low=0.0)) if config.blur > 0 else sharp
    gamma, contrast = draw(config.gamma).exp(), draw(config.contrast).exp()
    brightness, noise = draw(config.brightness), draw(config.noise, low=0.0)

    def detect(image: Tensor) -> Tensor:
        if config.gamma > 0:
            image = image**gamma
        if config.contrast > 0 or config.brightness > 0:
            image = torch.clamp((image - 0.5) * contrast + (0.5 + brightness), 0, 1)
        return image

    inputs = detect(blurred)
    if config.noise > 0:
        grain = torch.from_numpy(rng.standard_normal(images.shape, dtype=np.float32))
        inputs = torch.clamp(inputs + grain * noise, 0, 1)
    if config.target == "augmented":
        return Batch(inputs, inputs)
    return Batch(inputs, detect(sharp) if config.target == "denoised" else images)


def _blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Blur images ``(n, 1, H, W)``, each by its own Gaussian; sigma ``(n, 1, 1, 1)``, in pixels.

    A Gaussian is separable, so it is one row of weights for each axis, cut off at 4 sigma; they sum
    to 1. All images are the channels of one, each with its own kernel: the fastest way on a CPU.
    """
    n, reach = len(images), math.ceil(4 * float(sigma.max()))
    distance = torch.arange(-reach, reach + 1, dtype=images.dtype)
    weights = torch.exp(-0.5 * (distance / sigma.view(n, 1).clamp_min(1e-3)) ** 2)
    weights = weights / weights.sum(dim=1, keepdim=True)  # (n, 2 reach + 1)
    wide = F.pad(images, (reach, reach, reach, reach), mode="replicate").transpose(0, 1)
    rows = F.conv2d(wide, weights.view(n, 1, 1, -1), groups=n)
    return F.conv2d(rows, weights.view(n, 1, -1, 1), groups=n).view_as(images).clamp_(0, 1)
