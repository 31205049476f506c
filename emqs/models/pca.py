"""A baseline that a network must beat: the leading principal components of the pixels.

The components are learned from the unlabelled patches of the dataset that is searched.
"""

import numpy as np
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
        if not 1 <= latent_size <= size * size:
            raise ValueError(f"latent_size must be from 1 to {size * size}, got {latent_size}.")
        self.input_size = size
        self.code_size = latent_size
        self.register_buffer("mean", torch.zeros(size * size))
        self.register_buffer("components", torch.zeros(latent_size, size * size))

    def fit(self, images: Tensor) -> None:
        """Learn mean and components from unlabelled images ``(N, 1, H, W)``, more than D of them.

        The sign of each component is fixed: its entry of largest magnitude is positive. The same
        images give the same components.

        Raises:
            ValueError: If there are too few images, or they vary in fewer than D ways.
        """
        pixels = images.flatten(1).double().cpu().numpy()  # (N, H * W)
        if len(pixels) <= self.code_size:
            raise ValueError(
                f"PCA with {self.code_size} components needs more patches than that, "
                f"got {len(pixels)}."
            )
        mean = pixels.mean(axis=0)
        components = _leading_components(pixels - mean, self.code_size)
        largest = np.take_along_axis(components, np.abs(components).argmax(1)[:, None], axis=1)
        components = np.ascontiguousarray(components * np.sign(largest))
        self.components = torch.from_numpy(components).to(self.components)
        self.mean = torch.from_numpy(mean).to(self.mean)

    def encode(self, images: Tensor) -> Tensor:
        """Return component scores, shape ``(N, D)``, of images ``(N, 1, H, W)``."""
        return (images.flatten(1) - self.mean) @ self.components.T


def _leading_components(centred: np.ndarray, n: int) -> np.ndarray:
    """Return the n directions of largest variance, shape ``(n, P)``, of rows ``(N, P)``.

    They are the eigenvectors of the covariance. With fewer rows than columns those of the
    ``(N, N)`` matrix of row products, mapped back, are the same and take less time.
    """
    from scipy import linalg

    few = len(centred) < centred.shape[1]
    products = centred @ centred.T if few else centred.T @ centred
    last = len(products) - 1
    values, vectors = linalg.eigh(products, subset_by_index=[last - n + 1, last])
    if not values[0] > 1e-12 * values[-1]:
        raise ValueError(
            f"The {len(centred)} patches vary in fewer than {n} ways, too few for PCA."
        )
    vectors = vectors[:, ::-1]  # largest variance first
    if few:
        return (centred.T @ vectors / np.sqrt(values[::-1])).T
    return vectors.T
