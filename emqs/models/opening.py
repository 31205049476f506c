"""Open an encoder by its settings and weights."""

from pathlib import Path
from typing import cast

from torch import nn

from emqs import models
from emqs.errors import ConfigError
from emqs.models.settings import ModelConfig, PreprocessingConfig
from emqs.models.weights import Model, tensors_sha256
from emqs.models.weights import load as load_weights
from emqs.settings import read


def load_model(config: ModelConfig, weights: str | None) -> Model:
    """Return the encoder that the settings ask for.

    Args:
        config: Which network; only used where no weights are given.
        weights: Path of a weights file, which alone decides the network and its preprocessing; None
            for the models that are not trained.

    Returns:
        The model, ready to embed. Those with ``fit`` still learn from the searched patches.

    Raises:
        WeightsError: If the file is missing, damaged or does not fit.
        ConfigError: If the model needs weights and there are none, or the other way round, or the
            parts of a combined model do not go together.
    """
    if weights is not None:
        if config.weights is None:
            raise ConfigError(
                f"model={config.name} takes no weights, got weights={weights}. "
                "Leave weights= out, or choose model=ae or model=vae."
            )
        return load_weights(Path(weights))
    if config.weights is not None:
        raise ConfigError(f"model={config.name} needs weights=PATH, got none.")
    if config.parts:
        return _combined(config)
    network = models.build(config.name, config.network)
    digest = None
    if isinstance(network, models.Pretrained):
        network.load_pretrained()
        digest = tensors_sha256(network.state_dict())
    return Model(config.name, network, dict(config.network), config.preprocessing, sha256=digest)


def _combined(config: ModelConfig) -> Model:
    """Return several models as one: each with its own settings and weights, at its own size."""
    configs = []
    for name in config.parts:
        if name not in config.part:
            raise ConfigError(f"model.parts must be of {', '.join(config.part)}, got '{name}'.")
        configs.append(read(ModelConfig, config.part[name], f"model.part.{name}"))
    parts = [load_model(part, part.weights) for part in configs]
    settings = config.network | {
        "parts": [{"name": part.name, "network": part.settings} for part in parts]
    }
    network = models.build(config.name, settings)
    network.parts = nn.ModuleList(part.network for part in parts)  # those that hold weights
    trained = [p for p, c in zip(parts, configs, strict=True) if c.weights is not None]
    contrasts = {part.preprocessing.contrast: part.name for part in trained or parts}
    if len(contrasts) > 1:
        raise ConfigError(
            "The parts of a combined model see the same slices, but "
            + " and ".join(f"{name} needs contrast={kind}" for kind, name in contrasts.items())
            + ". Choose parts, or weights, that agree in model.part.NAME.preprocessing.contrast."
        )
    size = cast(models.Encoder, network).input_size
    preprocessing = PreprocessingConfig(size=size, contrast=next(iter(contrasts)))
    digest = tensors_sha256(network.state_dict()) if any(part.sha256 for part in parts) else None
    return Model(config.name, network, settings, preprocessing, sha256=digest)
