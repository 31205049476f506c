"""The variational autoencoder of patch-based querying; searches use the mean of the code.

Shapes: ``(N, 1, 64, 64) -> (N, 2048) -> mean and log-variance (N, D)``, then as in ``ae.py``.

Source:
    Patch-based Querying Identifies Structures of Interest in Electron Microscopy Data; Kingma and
    Welling, Auto-Encoding Variational Bayes, 2014.
"""

from typing import cast

import torch
from torch import Tensor, nn

from emqs.models.ae import (
    CHANNELS,
    FEATURES,
    ConvolutionalTrunk,
    check_latent_size,
    pooled_features,
)


class VAE(ConvolutionalTrunk):
    """Variational autoencoder; 225,921 parameters with a code of 32."""

    def __init__(self, *, latent_size: int = 32, activation: str = "relu", pooled: int = 0) -> None:
        """Make the layers.

        Args:
            latent_size: Length D of the code.
            activation: One of ``emqs.models.ae.ACTIVATIONS``.
            pooled: How many of its last numbers come from pooled features; see ``ae.py``.
        """
        super().__init__(activation=activation)
        check_latent_size(latent_size, pooled)
        self.code_size, self.pooled = latent_size, pooled
        self.fc_mu = nn.Linear(FEATURES, latent_size - pooled)
        self.fc_var = nn.Linear(FEATURES, latent_size - pooled)
        if pooled:
            self.fc_mu_pooled = nn.Linear(2 * CHANNELS, pooled)
            self.fc_var_pooled = nn.Linear(2 * CHANNELS, pooled)
        self.fc_z = nn.Linear(latent_size, FEATURES)

    def distribution(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of the code, each ``(N, D)``, of ``(N, 1, 64, 64)``."""
        features = self.features(images)
        mean, log_variance = self.fc_mu(features), self.fc_var(features)
        if self.pooled:
            pooled = pooled_features(features)
            mean = torch.cat([mean, self.fc_mu_pooled(pooled)], dim=1)
            log_variance = torch.cat([log_variance, self.fc_var_pooled(pooled)], dim=1)
        return mean, log_variance

    def sample(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Draw codes ``(N, D)`` from the distribution, differentiably."""
        return mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)

    def encode(self, images: Tensor) -> Tensor:
        """Return the mean codes, shape ``(N, D)``, of images ``(N, 1, 64, 64)`` in [0, 1]."""
        features = self.features(images)
        mean = cast(Tensor, self.fc_mu(features))
        if self.pooled:
            mean = torch.cat([mean, self.fc_mu_pooled(pooled_features(features))], dim=1)
        return mean  # (N, D)

    def decode(self, codes: Tensor) -> Tensor:
        """Return images in [0, 1], shape ``(N, 1, 64, 64)``, of codes ``(N, D)``."""
        return self.images(self.fc_z(codes))  # (N, 1, 64, 64)

    def forward(self, images: Tensor) -> Tensor:
        """Return the reconstruction from the mean code, both ``(N, 1, 64, 64)`` in [0, 1]."""
        return self.decode(self.encode(images))
