"""A baseline that knows grey values only: mean, standard deviation and a 16-bin histogram.

Each of the 18 numbers is scaled to mean 0 and variance 1 over the unlabelled patches of the
dataset that is searched, so that Euclidean distance weighs them equally.
"""

import torch
from torch import Tensor, nn


class Histogram(nn.Module):
    """Grey-value statistics: ``(N, 1, H, W) in [0, 1] -> (N, 2 + bins)``."""

    mean: Tensor
    scale: Tensor

    def __init__(self, *, size: int = 64, bins: int = 16) -> None:
        """Set the sizes.

        Args:
            size: Edge of the square input, in pixels.
            bins: Equal bins over [0, 1]; the last one is closed.
        """
        super().__init__()
        if size < 1 or bins < 1:
            raise ValueError(f"size and bins must be at least 1, got {size} and {bins}.")
        self.input_size = size
        self.bins = bins
        self.code_size = 2 + bins
        self.register_buffer("mean", torch.zeros(self.code_size))
        self.register_buffer("scale", torch.ones(self.code_size))

    def statistics(self, images: Tensor) -> Tensor:
        """Return the raw statistics, shape ``(N, 2 + bins)``; the bins sum to 1."""
        pixels = images.flatten(1)  # (N, H * W)
        bin_of = (pixels * self.bins).long().clamp_(0, self.bins - 1)
        counts = torch.zeros(len(pixels), self.bins, dtype=pixels.dtype, device=pixels.device)
        counts.scatter_add_(1, bin_of, torch.ones_like(pixels))
        spread = pixels.std(dim=1, correction=0, keepdim=True)
        return torch.cat([pixels.mean(1, keepdim=True), spread, counts / pixels.shape[1]], dim=1)

    def fit(self, images: Tensor) -> None:
        """Learn the scaling from unlabelled images ``(N, 1, H, W)``."""
        statistics = self.statistics(images)
        self.mean = statistics.mean(0)
        spread = statistics.std(0, correction=0)
        self.scale = torch.where(spread > 0, spread, torch.ones_like(spread))

    def encode(self, images: Tensor) -> Tensor:
        """Return scaled statistics, shape ``(N, 2 + bins)``, of images ``(N, 1, H, W)``."""
        return (self.statistics(images) - self.mean) / self.scale
