"""The published AE and VAE as plain functions of their weights; never imported by emqs.

Written from the documented list of layers: three blocks of 3x3 convolution with zero padding 1 to
32 channels, ReLU, 2x2 max-pooling; 2048 numbers; linear; and back: linear, 32x8x8, three transposed
convolutions of kernel and stride 2, ReLU after the first two, a sigmoid after the last.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

Weights = dict[str, Tensor]


def _linear(weights: Weights, name: str, x: Tensor) -> Tensor:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def features(weights: Weights, images: Tensor) -> Tensor:
    """(N, 1, 64, 64) -> (N, 2048)."""
    x = images
    for name in ("conv1", "conv2", "conv3"):
        padded = F.pad(x, (1, 1, 1, 1), value=0.0)
        x = F.conv2d(padded, weights[f"{name}.weight"], weights[f"{name}.bias"])
        x = torch.maximum(x, torch.zeros(()))
        n, c, h, w = x.shape
        x = x.reshape(n, c, h // 2, 2, w // 2, 2).amax(dim=(3, 5))
    return x.reshape(len(x), 2048)


def encode(weights: Weights, images: Tensor) -> Tensor:
    """(N, 1, 64, 64) -> (N, 32): the code of an AE, the mean code of a VAE."""
    name = "fc_enc" if "fc_enc.weight" in weights else "fc_mu"
    return _linear(weights, name, features(weights, images))


def decode(weights: Weights, codes: Tensor) -> Tensor:
    """(N, 32) -> (N, 1, 64, 64)."""
    name = "fc_dec" if "fc_dec.weight" in weights else "fc_z"
    x = _linear(weights, name, codes).reshape(-1, 32, 8, 8)
    for layer in ("t_conv1", "t_conv2", "t_conv3"):
        weight, bias = weights[f"{layer}.weight"], weights[f"{layer}.bias"]
        # every input pixel becomes a 2x2 block: kernel and stride are both 2
        blocks = torch.einsum("nchw,cdij->ndhiwj", x, weight)
        n, d, h, _, w, _ = blocks.shape
        x = blocks.reshape(n, d, 2 * h, 2 * w) + bias[:, None, None]
        x = 1 / (1 + torch.exp(-x)) if layer == "t_conv3" else torch.maximum(x, torch.zeros(()))
    return x
