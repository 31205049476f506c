"""Brings numbers of different kinds to one scale, learned from unlabelled patches.

A distance between codes adds up squared differences, so numbers with a large spread, and groups of
many numbers, drown the others. Here a group of numbers contributes by its weight, whatever its
units and its length.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

KINDS = ("each", "total")
UNIT_LENGTHS = ("none", "whole", "parts")
SAMPLE = 1024  # patches that means and spreads are learned from; more change them by little
BATCH = 64  # patches at once while learning
SMALLEST_SPREAD = 1e-6  # relative to the mean; below it a number is constant but for rounding


class Scaling(nn.Module):
    """Shifts and scales ``(N, D)`` in groups; before ``fit`` it changes nothing."""

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        weights: Sequence[float] | None = None,
        kind: str = "each",
        unit_length: str = "none",
    ) -> None:
        """Set the groups.

        Args:
            sizes: Length of each group of neighbouring columns; their sum is D.
            weights: How much each group counts, at least 0; None: all the same.
            kind: ``"each"`` brings every number to variance 1 and divides a group by the square
                root of its length; ``"total"`` divides a group by the root of its total variance,
                so that its numbers keep their shares. Either way the squared lengths of a group
                average to its weight squared.
            unit_length: ``"whole"`` divides each row by its length at the end, so that Euclidean
                distance ranks as the cosine does; ``"parts"`` brings each group of a row to a
                length that follows from its weight alone, and the row to length 1.

        Raises:
            ValueError: If a setting is out of range.
        """
        super().__init__()
        self.sizes = list(sizes)
        self.weights = [1.0] * len(self.sizes) if weights is None else list(weights)
        if kind not in KINDS:
            raise ValueError(f"scaling must be one of {', '.join(KINDS)}, got '{kind}'.")
        if unit_length not in UNIT_LENGTHS:
            raise ValueError(
                f"unit_length must be one of {', '.join(UNIT_LENGTHS)}, got '{unit_length}'."
            )
        if len(self.weights) != len(self.sizes) or not all(0 <= w < 1e6 for w in self.weights):
            raise ValueError(
                f"there must be {len(self.sizes)} weights from 0 to 1e6, got {self.weights}."
            )
        if not any(self.weights):
            raise ValueError("all weights are 0, so nothing would be left.")
        self.kind, self.unit_length = kind, unit_length
        self.register_buffer("mean", torch.zeros(sum(self.sizes)))
        self.register_buffer("scale", torch.ones(sum(self.sizes)))

    def fit(self, rows: Tensor) -> None:
        """Learn from rows ``(N, D)`` of unlabelled patches.

        Raises:
            ValueError: If there are fewer than two.
        """
        if len(rows) < 2:
            raise ValueError(f"Scaling needs at least two patches, got {len(rows)}.")
        exact = rows.double()
        mean, spread = exact.mean(0), exact.std(0, correction=0)
        varies = spread > SMALLEST_SPREAD * mean.abs()
        spread = torch.where(varies, spread, torch.zeros_like(spread))
        scale = []
        for group, weight in zip(torch.split(spread, self.sizes), self.weights, strict=True):
            if self.kind == "each":
                root = torch.where(group > 0, group, torch.ones_like(group)) * len(group) ** 0.5
            else:
                root = group.square().sum().sqrt().expand(len(group))
            root = torch.where(root > 0, root, torch.ones_like(root))
            scale.append(torch.where(group > 0, weight / root, torch.zeros_like(root)))
        self.mean = mean.to(self.mean)
        self.scale = torch.cat(scale).to(self.scale)

    def forward(self, rows: Tensor) -> Tensor:
        """Return scaled rows, both ``(N, D)``."""
        scaled = (rows - self.mean) * self.scale
        if self.unit_length == "whole":
            return F.normalize(scaled, dim=1)
        if self.unit_length == "parts":
            whole = sum(weight**2 for weight in self.weights) ** 0.5
            groups = zip(torch.split(scaled, self.sizes, dim=1), self.weights, strict=True)
            return torch.cat([F.normalize(part, dim=1) * (w / whole) for part, w in groups], dim=1)
        return scaled


def sampled(function: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Return ``(n, D)`` of evenly spaced images, at most ``SAMPLE`` of ``(N, 1, H, W)``."""
    chosen = torch.linspace(0, len(images) - 1, min(SAMPLE, len(images))).long()
    with torch.no_grad():
        return torch.cat([function(part) for part in torch.split(images[chosen], BATCH)])
