"""The list of all networks, and how one is built from its settings."""

import inspect
from typing import Any

from torch import nn

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


def build(name: str, settings: dict[str, Any]) -> nn.Module:
    """Return a new network.

    Args:
        name: A key of ``NETWORKS``.
        settings: Keyword arguments of its class, or of the class ``Settings`` in it.

    Returns:
        The network, in evaluation mode, with fresh weights; it is an ``Encoder``.

    Raises:
        ConfigError: If the name or a setting is unknown or not allowed.
    """
    if name not in NETWORKS:
        raise ConfigError(f"model.name must be one of {', '.join(NETWORKS)}, got '{name}'.")
    try:
        network = NETWORKS[name]
        in_one = getattr(network, "Settings", None)
        made = network(**settings) if in_one is None else network(in_one(**settings))
        return made.eval()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(f"model '{name}' cannot be built from {settings}: {error}") from None


def defaults(name: str) -> dict[str, Any]:
    """Return the settings that a network's class has defaults for; tuples as lists, as in files."""
    network = NETWORKS[name]
    parameters = inspect.signature(getattr(network, "Settings", network)).parameters.values()
    values = {p.name: p.default for p in parameters if p.default is not p.empty}
    return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}
