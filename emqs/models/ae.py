"""The autoencoder of patch-based querying: a patch in, a short code out, and back again.

Shapes: ``(N, 1, 64, 64) -> 3 x (conv, pool) -> (N, 32, 8, 8) -> (N, 2048) -> (N, D)`` and
``(N, D) -> (N, 2048) -> (N, 32, 8, 8) -> 3 x (transposed conv) -> (N, 1, 64, 64)``.

With ``pooled`` > 0 the last numbers of the code come from mean and standard deviation of each of
the 32 channels instead, which hardly change when the patch is moved or turned.

Source:
    Patch-based Querying Identifies Structures of Interest in Electron Microscopy Data;
    layer names as in the published checkpoints, so that those load unchanged.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 32
GRID = 8  # edge of the feature map that is flattened
FEATURES = CHANNELS * GRID * GRID  # 2048
ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "elu": nn.ELU, "gelu": nn.GELU}
RISING = (nn.ReLU, nn.LeakyReLU, nn.ELU)  # never fall, as GELU does below -0.75


def check_latent_size(latent_size: int, pooled: int = 0) -> None:
    """Raise a ValueError unless a code has a length, and its pooled part leaves something over."""
    if latent_size < 1:
        raise ValueError(f"latent_size must be at least 1, got {latent_size}.")
    if not 0 <= pooled < latent_size:
        raise ValueError(
            f"pooled must be from 0 to {latent_size - 1}, below latent_size, got {pooled}."
        )


def pooled_features(features: Tensor) -> Tensor:
    """Return mean and deviation of each channel, shape ``(N, 64)``, of features ``(N, 2048)``."""
    channels = features.view(-1, CHANNELS, GRID * GRID)
    spread = (channels.var(dim=2, correction=0) + 1e-6).sqrt()  # a gradient at 0 too
    return torch.cat([channels.mean(dim=2), spread], dim=1)


class ConvolutionalTrunk(nn.Module):
    """The parts that AE and VAE share: three convolutions down, three transposed ones up."""

    input_size = GRID * 8

    def __init__(self, *, activation: str = "relu") -> None:
        """Make the layers.

        Args:
            activation: One of ``ACTIVATIONS``; the published models use ``"relu"``.
        """
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"model.network.activation must be one of {', '.join(ACTIVATIONS)}, "
                f"got '{activation}'."
            )
        self.conv1 = nn.Conv2d(1, CHANNELS, 3, padding=1)
        self.conv2 = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.conv3 = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.t_conv1 = nn.ConvTranspose2d(CHANNELS, CHANNELS, 2, stride=2)
        self.t_conv2 = nn.ConvTranspose2d(CHANNELS, CHANNELS, 2, stride=2)
        self.t_conv3 = nn.ConvTranspose2d(CHANNELS, 1, 2, stride=2)
        self.activation = ACTIVATIONS[activation]()
        self.to(memory_format=torch.channels_last)  # same numbers; several times faster on a CPU

    def features(self, images: Tensor) -> Tensor:
        """Return flat features, shape ``(N, 2048)``, of images ``(N, 1, 64, 64)`` in [0, 1]."""
        x = self._pooled(self.conv1(images))  # (N, 32, 32, 32)
        x = self._pooled(self.conv2(x))  # (N, 32, 16, 16)
        x = self._pooled(self.conv3(x))  # (N, 32, 8, 8)
        return x.flatten(1)  # (N, 2048)

    def _pooled(self, x: Tensor) -> Tensor:
        """Return ``(N, C, H / 2, W / 2)``: the activation, then the maximum of 2x2 pixels.

        A rising activation may come after the maximum instead, with a quarter of the work and the
        very same result.
        """
        if isinstance(self.activation, RISING):
            return cast(Tensor, self.activation(F.max_pool2d(x, 2)))
        return F.max_pool2d(self.activation(x), 2)

    def images(self, features: Tensor) -> Tensor:
        """Return images in [0, 1], shape ``(N, 1, 64, 64)``, of flat features ``(N, 2048)``."""
        x = features.view(-1, CHANNELS, GRID, GRID)  # (N, 32, 8, 8)
        x = self.activation(self.t_conv1(x))  # (N, 32, 16, 16)
        x = self.activation(self.t_conv2(x))  # (N, 32, 32, 32)
        return torch.sigmoid(self.t_conv3(x))  # (N, 1, 64, 64)


class AE(ConvolutionalTrunk):
    """Autoencoder; 160,353 parameters with a code of 32."""

    def __init__(self, *, latent_size: int = 32, activation: str = "relu", pooled: int = 0) -> None:
        """Make the layers.

        Args:
            latent_size: Length D of the code.
            activation: One of ``ACTIVATIONS``.
            pooled: How many of its last numbers come from pooled features.
        """
        super().__init__(activation=activation)
        check_latent_size(latent_size, pooled)
        self.code_size, self.pooled = latent_size, pooled
        self.fc_enc = nn.Linear(FEATURES, latent_size - pooled)
        if pooled:
            self.fc_enc_pooled = nn.Linear(2 * CHANNELS, pooled)
        self.fc_dec = nn.Linear(latent_size, FEATURES)

    def encode(self, images: Tensor) -> Tensor:
        """Return codes, shape ``(N, D)``, of images ``(N, 1, 64, 64)`` in [0, 1]."""
        features = self.features(images)
        code = cast(Tensor, self.fc_enc(features))
        if self.pooled:
            code = torch.cat([code, self.fc_enc_pooled(pooled_features(features))], dim=1)
        return code  # (N, D)

    def decode(self, codes: Tensor) -> Tensor:
        """Return images in [0, 1], shape ``(N, 1, 64, 64)``, of codes ``(N, D)``."""
        return self.images(self.fc_dec(codes))  # (N, 1, 64, 64)

    def forward(self, images: Tensor) -> Tensor:
        """Return the reconstruction of images, both ``(N, 1, 64, 64)`` in [0, 1]."""
        return self.decode(self.encode(images))
