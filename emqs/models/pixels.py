"""A baseline: the resized pixels themselves are the code."""

from torch import Tensor, nn


class Pixels(nn.Module):
    """No network at all: ``(N, 1, H, W) -> (N, H * W)``."""

    def __init__(self, *, size: int = 64) -> None:
        """Set the size.

        Args:
            size: Edge of the square input, in pixels.
        """
        super().__init__()
        if size < 1 or size != int(size):
            raise ValueError(f"size must be a whole number of pixels, at least 1, got {size}.")
        self.input_size = size
        self.code_size = size * size

    def encode(self, images: Tensor) -> Tensor:
        """Return the pixels, shape ``(N, H * W)``, of images ``(N, 1, H, W)``."""
        return images.flatten(1)
