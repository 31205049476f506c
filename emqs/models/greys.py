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
        where = torch.arange(-self.reach, self.reach + 1, dtype=torch.float32)
        weights = torch.exp(-0.5 * (where / BLUR) ** 2)
        self.register_buffer("kernel", (weights / weights.sum())[None, None], persistent=False)
        self.register_buffer("levels", torch.linspace(0, 1, n).view(1, n, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return maps ``(N, K, h, w)`` of images ``(N, 1, H, W)`` in [0, 1].

        h and w are H and W divided by ``cell``, rounded up. Beyond the border the outermost pixels
        go on.
        """
        height, width = images.shape[2:]
        ends = (self.shift + -width % self.cell, self.shift + -height % self.cell)
        wide = functional.pad(images, (self.reach,) * 4, mode="replicate")
        blurred = functional.conv2d(wide, self.kernel[..., None])
        blurred = functional.conv2d(blurred, self.kernel[..., None, :])  # (N, 1, H, W)
        blurred = functional.pad(blurred, (0, ends[0], 0, ends[1]), mode="replicate")
        blurred = blurred[..., self.shift :, self.shift :]
        spacing = 1 / (self.levels.shape[1] - 1)
        near = (1 - (blurred - self.levels).abs() / spacing).clamp(min=0)  # (N, K, H, W)
        return functional.avg_pool2d(near, self.cell)  # (N, K, h, w)
