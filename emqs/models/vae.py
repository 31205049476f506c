"""The variational autoencoder of patch-based querying; searches use the mean of the code.

Shapes: ``(N, 1, 64, 64) -> (N, 2048) -> mean and log-variance (N, D)``, then as in ``ae.py``.

Source:
    Patch-based Querying Identifies Structures of Interest in Electron Microscopy Data; Kingma and
    Welling, Auto-Encoding Variational Bayes, 2014.
"""

from typing import cast

import torch
from torch import Tensor, nn

from emqs.models.ae import FEATURES, ConvolutionalTrunk, check_latent_size


class VAE(ConvolutionalTrunk):
    """Variational autoencoder; 225,921 parameters with a code of 32."""

    def __init__(self, *, latent_size: int = 32, activation: str = "relu") -> None:
        """Make the layers.

        Args:
            latent_size: Length D of the code.
            activation: One of ``emqs.models.ae.ACTIVATIONS``.
        """
        super().__init__(activation=activation)
        check_latent_size(latent_size)
        self.code_size = latent_size
        self.fc_mu = nn.Linear(FEATURES, latent_size)
        self.fc_var = nn.Linear(FEATURES, latent_size)
        self.fc_z = nn.Linear(latent_size, FEATURES)

    def distribution(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of the code, each ``(N, D)``, of ``(N, 1, 64, 64)``."""
        features = self.features(images)
        return self.fc_mu(features), self.fc_var(features)

    def sample(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Draw codes ``(N, D)`` from the distribution, differentiably."""
        return mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)

    def encode(self, images: Tensor) -> Tensor:
        """Return the mean codes, shape ``(N, D)``, of images ``(N, 1, 64, 64)`` in [0, 1]."""
        return cast(Tensor, self.fc_mu(self.features(images)))  # (N, D)

    def decode(self, codes: Tensor) -> Tensor:
        """Return images in [0, 1], shape ``(N, 1, 64, 64)``, of codes ``(N, D)``."""
        return self.images(self.fc_z(codes))  # (N, 1, 64, 64)

    def forward(self, images: Tensor) -> Tensor:
        """Return the reconstruction from the mean code, both ``(N, 1, 64, 64)`` in [0, 1]."""
        return self.decode(self.encode(images))
