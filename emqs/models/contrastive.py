"""A small convolutional encoder whose code does not depend on where things lie in the patch.

Shapes: ``(N, 1, H, W) -> 4 x (conv of stride 2, norm, ReLU) -> (N, C, H / 16, W / 16)``, then mean
and standard deviation over the map, ``(N, 2 C)``. It is fully convolutional, so ``features`` of a
whole slice can be computed once and pooled for every patch. Its norms use the statistics learned in
training, never those of the input, so a pixel's features depend on its surroundings alone.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn


class Contrastive(nn.Module):
    """Convolutions and pooling: ``(N, 1, H, W) -> (N, 2 C)``."""

    def __init__(self, *, channels: Sequence[int] = (32, 64, 128, 128), size: int = 64) -> None:
        """Make the layers.

        Args:
            channels: Of each stage; each halves height and width. The code has twice the last.
            size: Edge of the square input that patches are resized to, in pixels.
        """
        super().__init__()
        if len(channels) < 1 or min(channels) < 1:
            raise ValueError(f"channels must be numbers of at least 1, got {list(channels)}.")
        if size < 2 ** len(channels):
            raise ValueError(
                f"size must be at least {2 ** len(channels)} pixels for {len(channels)} stages, "
                f"got {size}."
            )
        self.input_size = size
        self.code_size = 2 * channels[-1]
        layers: list[nn.Module] = []
        for before, after in zip((1, *channels), channels, strict=False):
            layers += [
                nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        self.stages = nn.Sequential(*layers)
        self.to(memory_format=torch.channels_last)  # same numbers; several times faster on a CPU

    def features(self, images: Tensor) -> Tensor:
        """Return the feature map, shape ``(N, C, h, w)``, of images ``(N, 1, H, W)`` in [0, 1]."""
        return cast(Tensor, self.stages(images))

    def pool(self, features: Tensor) -> Tensor:
        """Return codes, shape ``(N, 2 C)``: mean and standard deviation over ``(N, C, h, w)``."""
        flat = features.flatten(2).float()  # (N, C, h * w)
        mean = flat.mean(dim=2)
        variance = flat.var(dim=2, correction=0)
        return torch.cat([mean, (variance + 1e-6).sqrt()], dim=1)

    def encode(self, images: Tensor) -> Tensor:
        """Return codes, shape ``(N, 2 C)``, of images ``(N, 1, H, W)`` in [0, 1]."""
        return self.pool(self.features(images))
