"""A baseline that a network must beat: the leading principal components of the pixels.

The components are learned from the unlabelled patches of the dataset that is searched.
"""

import torch
from torch import Tensor, nn


class PCA(nn.Module):
    """Linear projection: ``(N, 1, H, W) -> (N, H * W) -> (N, D)``."""

    mean: Tensor
    components: Tensor

    def __init__(self, *, latent_size: int = 32, size: int = 64) -> None:
        """Set the sizes.

        Args:
            latent_size: Number D of components.
            size: Edge of the square input, in pixels.
        """
        super().__init__()
        self.input_size = size
        self.code_size = latent_size
        self.register_buffer("mean", torch.zeros(size * size))
        self.register_buffer("components", torch.zeros(latent_size, size * size))

    def fit(self, images: Tensor) -> None:
        """Learn mean and components from unlabelled images ``(N, 1, H, W)``, at least D of them.

        The sign of each component is fixed: its entry of largest magnitude is positive.
        """
        pixels = images.flatten(1).double()  # (N, H * W)
        if len(pixels) < self.code_size:
            raise ValueError(
                f"PCA with {self.code_size} components needs at least as many patches, "
                f"got {len(pixels)}."
            )
        mean = pixels.mean(0)
        centred = pixels - mean
        covariance = centred.T @ centred
        start = len(covariance) - self.code_size
        components = torch.linalg.eigh(covariance)[1].T[start:].flip(0)  # (D, H * W)
        largest = components.gather(1, components.abs().argmax(1, keepdim=True))
        self.components = (components * largest.sign()).float()
        self.mean = mean.float()

    def encode(self, images: Tensor) -> Tensor:
        """Return component scores, shape ``(N, D)``, of images ``(N, 1, H, W)``."""
        return (images.flatten(1) - self.mean) @ self.components.T
