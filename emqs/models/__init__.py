"""Encoders as plain torch networks, one file each: a patch in, a code out.

A new encoder is one file with one class, one line in ``NETWORKS``, one YAML in ``configs/model/``
and one line in ``configs/model/combined.yaml``. What its class has decides what it can do:

- ``input_size``, ``code_size`` and ``encode`` make an ``Encoder``, which is all a search needs.
- ``fit`` makes it ``Fittable``: it learns from the patches of the searched dataset, without labels,
  before each search. ``emqs.models.scaling`` brings numbers of different kinds to one scale.
- ``load_pretrained`` makes it ``Pretrained``: the constructor makes fresh weights and opens no
  file, so that a weights file alone can rebuild it; this method reads a package or a foreign file.
- ``decode`` lets it be trained to reconstruct. ``features`` and ``pool`` (``Convolutional``) let it
  be trained to know a patch again, and encode a whole slice at once.

What it learns stands in parameters and buffers, and its settings are plain values, so that
``emqs.weights`` can store and rebuild it. A setting that is not allowed is a ``ValueError``; an
optional package comes through ``emqs.errors.require``. The smallest is ``pixels.py``::

    class Brightness(nn.Module):
        def __init__(self, *, size: int = 64) -> None:
            super().__init__()
            self.input_size, self.code_size = size, 1

        def encode(self, images: Tensor) -> Tensor:  # (N, 1, H, W) in [0, 1] -> (N, 1)
            return images.mean((2, 3))
"""

import inspect
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from emqs.errors import ConfigError
from emqs.models.ae import AE
from emqs.models.backbone import Backbone
from emqs.models.combined import Combined
from emqs.models.contrastive import Contrastive
from emqs.models.handcrafted import Handcrafted
from emqs.models.histogram import Histogram
from emqs.models.imagenet import ImageNet
from emqs.models.pca import PCA
from emqs.models.pixels import Pixels
from emqs.models.random_conv import RandomConv
from emqs.models.vae import VAE

NETWORKS: dict[str, type[nn.Module]] = {
    "ae": AE,
    "backbone": Backbone,
    "combined": Combined,
    "contrastive": Contrastive,
    "handcrafted": Handcrafted,
    "histogram": Histogram,
    "imagenet": ImageNet,
    "pca": PCA,
    "pixels": Pixels,
    "random_conv": RandomConv,
    "vae": VAE,
}


@runtime_checkable
class Encoder(Protocol):
    """What every network here can do."""

    input_size: int  # edge H = W of its input, pixels
    code_size: int  # length D of its code

    def encode(self, images: Tensor) -> Tensor:
        """Return codes, shape ``(N, D)``, of images ``(N, 1, H, W)`` in [0, 1], float32."""
        ...


@runtime_checkable
class Convolutional(Encoder, Protocol):
    """An encoder that pools a feature map, which can be computed for a whole slice at once."""

    cell: int  # edge of a cell of the map, in pixels of the input
    shift: float  # centre of what a cell sees minus centre of the cell, in pixels
    reach: int  # how far outside a cell the input can change it, in pixels, at most

    def features(self, images: Tensor) -> Tensor:
        """Return the map ``(N, C, h, w)`` of images ``(N, 1, H, W)`` in [0, 1], float32."""
        ...

    def pool(self, features: Tensor) -> Tensor:
        """Return codes ``(N, D)`` of maps ``(N, C, h, w)``."""
        ...


@runtime_checkable
class Fittable(Encoder, Protocol):
    """An encoder that learns from the unlabelled patches of the dataset it searches."""

    def fit(self, images: Tensor) -> None:
        """Learn from images, shape ``(N, 1, H, W)`` in [0, 1], float32."""
        ...


@runtime_checkable
class Pretrained(Encoder, Protocol):
    """An encoder whose weights come from elsewhere: a package, a download, a foreign file."""

    def load_pretrained(self) -> None:
        """Replace the fresh weights by those that the settings name."""
        ...


def build(name: str, settings: dict[str, Any]) -> nn.Module:
    """Return a new network.

    Args:
        name: A key of ``NETWORKS``.
        settings: Keyword arguments of its class.

    Returns:
        The network, in evaluation mode, with fresh weights; it is an ``Encoder``.

    Raises:
        ConfigError: If the name or a setting is unknown or not allowed.
    """
    if name not in NETWORKS:
        raise ConfigError(f"model.name must be one of {', '.join(NETWORKS)}, got '{name}'.")
    try:
        return NETWORKS[name](**settings).eval()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(f"model '{name}' cannot be built from {settings}: {error}") from None


def defaults(name: str) -> dict[str, Any]:
    """Return the settings that a network's class has defaults for; tuples as lists, as in files."""
    parameters = inspect.signature(NETWORKS[name]).parameters.values()
    found = {p.name: p.default for p in parameters if p.default is not p.empty}
    return {key: list(v) if isinstance(v, tuple) else v for key, v in found.items()}
