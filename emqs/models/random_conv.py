"""A baseline without training: the encoder of the AE with random weights."""

import torch
from torch import Tensor

from emqs.models.ae import AE


class RandomConv(AE):
    """An untrained AE encoder, ``(N, 1, 64, 64) -> (N, D)``; the seed alone decides its weights."""

    def __init__(self, *, latent_size: int = 32, seed: int = 0) -> None:
        """Draw the weights without touching the global random state.

        Args:
            latent_size: Length D of the code.
            seed: Any integer.
        """
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # this one alone, not those of devices
            super().__init__(latent_size=latent_size)
        self.requires_grad_(False)

    def encode(self, images: Tensor) -> Tensor:
        """Return codes, shape ``(N, D)``, of images ``(N, 1, 64, 64)`` in [0, 1]."""
        return super().encode(images)
