"""How much of which grey there is, as channels of a feature map.

A convolutional network trained to overlook changes of contrast has forgotten how dark a thing is,
which tells many structures apart: a postsynaptic density is black, a chloroplast has pale stroma.
Slices are brought to one mean and spread before, so greys of one dataset can be compared.

Shapes: ``(N, 1, H, W) -> blurred -> one map for each grey (N, K, H, W) -> averaged over cells
(N, K, h, w)``. The maps of one place sum to 1: the mean of a map over a window is the share of that
grey in the window, a histogram with soft bins. Nothing is learned.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

BLUR = 2.0  # pixels of the network's input: noise and single membranes blur, organelles do not
BAND = 2**18  # numbers worked on at once, so that they stay in the cache
REACH = 3  # a Gaussian ends at so many standard deviations


class Greys(nn.Module):
    """Soft histograms of blurred pixels, one for each cell of a feature map."""

    kernel: Tensor
    levels: Tensor

    def __init__(self, n: int, *, cell: int, shift: int) -> None:
        """Set the sizes.

        Args:
            n: Number K of greys, evenly spaced from black, 0, to white, 1; at least 2.
            cell: Edge of a cell of the feature map, in pixels.
            shift: First pixel of the first cell, as in the map that the greys stand beside. Pixels
                before it belong to no cell.
        """
        super().__init__()
        self.cell, self.shift = cell, shift
        self.reach = int(REACH * BLUR)
        # on the CPU, whatever the default: on torch's "meta" device arange loads its compiler, 3 s
        pixels = torch.arange(-self.reach, self.reach + 1, dtype=torch.float32, device="cpu")
        weights = torch.exp(-0.5 * (pixels / BLUR) ** 2)
        levels = torch.arange(n, device="cpu").float().view(1, n, 1, 1)
        self.register_buffer("kernel", weights / weights.sum(), persistent=False)
        self.register_buffer("levels", levels, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return maps ``(N, K, h, w)`` of images ``(N, 1, H, W)`` in [0, 1].

        h and w are H and W divided by ``cell``, rounded up. Beyond the border the outermost pixels
        go on.
        """
        height, width = images.shape[2:]
        ends = (self.shift + -width % self.cell, self.shift + -height % self.cell)
        n_levels = self.levels.shape[1]
        with torch.no_grad():  # nothing in it learns
            wide = functional.pad(images.float(), (self.reach,) * 4, mode="replicate")
            rows = max(1, BAND // (len(images) * width))
            tops = range(0, height, rows)
            bands = [wide[:, :, top : top + rows + 2 * self.reach] for top in tops]
            blurred = torch.cat([self._blurred(band) for band in bands], dim=2)  # (N, 1, H, W)
            blurred = functional.pad(blurred, (0, ends[0], 0, ends[1]), mode="replicate")
            blurred = blurred[..., self.shift :, self.shift :] * (n_levels - 1)
            n_images, _, _, across = blurred.shape
            rows = max(1, BAND // (n_images * n_levels * across * self.cell)) * self.cell
            parts = torch.split(blurred, rows, dim=2)
            return torch.cat([self._counted(part) for part in parts], dim=2)

    def _blurred(self, wide: Tensor) -> Tensor:
        """Return ``(N, 1, h, w)`` of images that are ``reach`` pixels wider on each side.

        Convolutions of a single channel are several times slower than these sums.
        """
        for dim in (2, 3):
            length = wide.shape[dim] - 2 * self.reach
            blurred = wide.narrow(dim, self.reach, length) * self.kernel[self.reach]
            for at, weight in enumerate(self.kernel[: self.reach].tolist()):
                other = 2 * self.reach - at
                both = wide.narrow(dim, at, length) + wide.narrow(dim, other, length)
                blurred.add_(both, alpha=weight)
            wide = blurred
        return wide

    def _counted(self, steps: Tensor) -> Tensor:
        """Return maps ``(N, K, h, w)`` of greys ``(N, 1, H, W)``, in units of their spacing."""
        near = (steps - self.levels).abs_().neg_().add_(1).clamp_(min=0)  # (N, K, H, W)
        return functional.avg_pool2d(near, self.cell)
