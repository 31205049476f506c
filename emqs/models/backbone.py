"""Frozen features of any network of timm, at a chosen layer, pooled over the patch.

Shapes: ``(N, 1, H, W) -> three equal channels, normalised (N, 3, H, W) -> layer (N, C, h, w) ->
pooled (N, D) -> scaled to the searched patches (N, D)`` with D = C, or 2 C for mean and std.

Weights come from timm's own download (``pretrained: true``) or from a file (``checkpoint: PATH``:
safetensors, or a torch file from which only tensors are read). The names of the weights in a file
are mapped to those of the network in this order:

1. The tensors are the file itself, or its entry ``state_dict`` or ``model``.
2. Of a MoCo checkpoint (CEM500K) the query encoder ``module.encoder_q.`` is kept and the rest is
   left out: ``module.encoder_k.``, ``module.queue`` and ``module.queue_ptr``.
   Else a prefix ``module.`` of all names goes (SwAV: CEM1.5M).
3. timm's own conversion of published weights is applied, e.g. of DINOv2 files and of the position
   embedding to another input size.
4. What only training needs is left out, unless the network has it too: ``fc.``, ``head.``,
   ``head_dist.``, ``classifier.``, ``projection_head.`` and ``prototypes``.
5. A first convolution for one channel is spread over three equal ones, with the same result.
6. ``num_batches_tracked`` may be missing. Any other name that is missing or too many, and any other
   shape, is an error that names it.

A file with ``norms`` (mean and standard deviation of grey values, as CEM has them) sets the
normalisation, unless ``mean`` and ``std`` are given; otherwise they are those of timm's weights.

Source:
    Wightman, PyTorch Image Models (timm); Conrad and Narayan, CEM500K, eLife 2021, and Instance
    segmentation of mitochondria with MitoNet and CEM1.5M, Cell Systems 2023, with
    github.com/volume-em/cem-dataset for the names in their checkpoints.
"""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from emqs.errors import ConfigError, WeightsError, first_line, one_line, require
from emqs.models.scaling import Scaling, sampled

POOLINGS = ("mean", "mean_std", "cls")
TORCH_ENDINGS = (".pth", ".pth.tar", ".pt", ".bin")
QUERY_ENCODER = "module.encoder_q."
OF_MOCO_ONLY = ("module.encoder_k.", "module.queue")
UNUSED = ("fc.", "head.", "head_dist.", "classifier.", "projection_head.", "prototypes")
MAY_BE_MISSING = ("num_batches_tracked",)


class FrozenFeatures(nn.Module):
    """What frozen networks share: features that are scaled to the searched patches."""

    def __init__(self, *, size: int, code_size: int, standardise: bool, unit_length: bool) -> None:
        """Set the sizes.

        Args:
            size: Edge of the square input, in pixels.
            code_size: Length D of the code.
            standardise: Bring each number to mean 0 and variance 1 over the searched patches.
            unit_length: Divide each code by its length.
        """
        super().__init__()
        self.input_size, self.code_size, self.standardise = size, code_size, standardise
        self.scaling = Scaling([code_size], unit_length="whole" if unit_length else "none")

    def measures(self, images: Tensor) -> Tensor:
        """Return pooled features, ``(N, D)``, of images ``(N, 1, H, W)`` in [0, 1]."""
        raise NotImplementedError

    def fit(self, images: Tensor) -> None:
        """Learn the scaling from unlabelled images ``(N, 1, H, W)``."""
        if self.standardise:
            self.scaling.fit(sampled(self.measures, images.to(self.scaling.mean.device)))

    def encode(self, images: Tensor) -> Tensor:
        """Return codes, shape ``(N, D)``, of images ``(N, 1, H, W)`` in [0, 1]."""
        return self.scaling(self.measures(images))


def pooled(maps: Tensor, pooling: str) -> Tensor:
    """Return ``(N, C)`` (``"mean"``) or ``(N, 2 C)`` (``"mean_std"``) of maps ``(N, C, h, w)``."""
    mean = maps.mean((2, 3))
    if pooling == "mean":
        return mean
    return torch.cat([mean, maps.std((2, 3), correction=0)], dim=1)


@dataclass(frozen=True, kw_only=True)
class BackboneSettings:
    """What a network of timm is, and how codes are made of it.

    Attributes:
        architecture: Any name of ``timm.list_models()``.
        layer: Stage of a convolutional network or block of a transformer, from 0; negative counts
            from the last.
        pooling: ``"mean"`` over space (of a transformer: its patch tokens), ``"mean_std"`` with the
            standard deviation over space beside it, or ``"cls"``, the class token.
        norm: Apply a transformer's last normalisation to the layer, as DINOv2 does.
        size: Edge of the square input, in pixels.
        mean: Mean grey value, of each of three channels or of all; None: of the weights.
        std: Standard deviation, in the same way, above 0.
        pretrained: Fetch the weights that timm knows.
        checkpoint: File with the weights instead.
        standardise: Bring each number to mean 0 and variance 1 over the searched patches.
        unit_length: Divide each code by its length, so that distances rank as cosines do.
    """

    architecture: str = "resnet50"
    layer: int = -1
    pooling: str = "mean"
    norm: bool = True
    size: int = 224
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    pretrained: bool = False
    checkpoint: str | None = None
    standardise: bool = True
    unit_length: bool = False


class Backbone(FrozenFeatures):
    """A network of timm that stays as it is."""

    Settings = BackboneSettings
    channel_mean: Tensor
    channel_std: Tensor

    def __init__(self, settings: BackboneSettings) -> None:
        """Make the network with fresh weights; ``load_pretrained`` fetches those asked for.

        Args:
            settings: What to make.

        Raises:
            ValueError: If a setting is not allowed, or the network has no such layer.
            MissingDependencyError: If timm is not installed.
        """
        if settings.pooling not in POOLINGS:
            raise ValueError(
                f"pooling must be one of {', '.join(POOLINGS)}, got '{settings.pooling}'."
            )
        if settings.pretrained and settings.checkpoint is not None:
            raise ValueError("give either pretrained=true or checkpoint=PATH, not both.")
        made = _create(settings.architecture, settings.size, pretrained=False)
        made.eval().requires_grad_(False)
        super().__init__(
            size=settings.size,
            code_size=_code_size(made, settings),
            standardise=settings.standardise,
            unit_length=settings.unit_length,
        )
        self.network, self.settings = made, settings
        cfg = made.pretrained_cfg
        self._normalise_by(
            cfg["mean"] if settings.mean is None else settings.mean,
            cfg["std"] if settings.std is None else settings.std,
        )

    def _normalise_by(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Set mean and standard deviation of the three channels."""
        for name, values in (("channel_mean", mean), ("channel_std", std)):
            numbers = [float(value) for value in values]
            if len(numbers) not in (1, 3) or not all(map(math.isfinite, numbers)):
                raise ValueError(f"mean and std must have 1 or 3 numbers, got {list(values)}.")
            if name == "channel_std" and min(numbers) <= 0:
                raise ValueError(f"std must be above 0, got {list(values)}.")
            self.register_buffer(name, torch.tensor(numbers).expand(3).clone().view(3, 1, 1))

    def load_pretrained(self) -> None:
        """Fetch the weights that the settings name.

        Raises:
            ConfigError: If they name none.
            WeightsError: If the weights cannot be fetched, or do not fit.
        """
        if self.settings.checkpoint is not None:
            self._load_checkpoint(Path(self.settings.checkpoint))
        elif self.settings.pretrained:
            fetched = _create(self.settings.architecture, self.input_size, pretrained=True)
            self.network.load_state_dict(fetched.state_dict())
        else:
            raise ConfigError(
                "model=backbone needs weights: set model.network.pretrained=true, which downloads "
                "those of timm, or model.network.checkpoint=PATH."
            )

    def _load_checkpoint(self, path: Path) -> None:
        content = _read(path)
        tensors = _unwrapped(content, path)
        try:
            tensors = _converted(tensors, self.network)
        except Exception as error:  # timm's conversion meets names and shapes it does not know
            raise WeightsError(
                f"{path} does not fit {self.settings.architecture}: its weights cannot be "
                f"converted ({one_line(error)})."
            ) from None
        _check_fit(tensors, self.network.state_dict(), path, self.settings.architecture)
        self.network.load_state_dict(tensors, strict=False)
        norms = _norms(content, path)
        if norms is not None:
            mean, std = self.settings.mean, self.settings.std
            self._normalise_by(
                [norms[0]] if mean is None else mean, [norms[1]] if std is None else std
            )

    def measures(self, images: Tensor) -> Tensor:
        """Return pooled features, ``(N, D)``, of images ``(N, 1, H, W)`` in [0, 1]."""
        x = (images - self.channel_mean) / self.channel_std  # (N, 3, H, W)
        how = self.settings
        return _pooled_layer(self.network, x, how.layer, how.pooling, norm=how.norm)


def _create(architecture: str, size: int, *, pretrained: bool) -> Any:  # noqa: ANN401
    """Return a network of timm without its classifier, for inputs of one size."""
    timm = require("timm", extra="timm", purpose="use model=backbone")
    if not timm.is_model(architecture.split(".")[0]):
        near = timm.list_models(f"*{architecture[:6]}*")[:5]
        raise ValueError(
            f"timm has no architecture '{architecture}'"
            + (f"; similar: {', '.join(near)}." if near else ".")
        )
    cfg = timm.get_pretrained_cfg(architecture)
    sized = {"img_size": size} if cfg is not None and cfg.fixed_input_size else {}
    if not pretrained:
        return timm.create_model(architecture, num_classes=0, **sized)
    try:
        return timm.create_model(architecture, pretrained=True, num_classes=0, **sized)
    except Exception as error:  # no network, no such weights, no space: each raises its own
        reason = first_line(error)
        raise WeightsError(
            f"The weights of {architecture} cannot be downloaded ({reason}). Connect to the "
            "internet, or give model.network.pretrained=false model.network.checkpoint=PATH of a "
            "file that you have."
        ) from None


def _pooled_layer(network: Any, x: Tensor, layer: int, pooling: str, *, norm: bool) -> Tensor:  # noqa: ANN401
    """Return the pooled output ``(N, D)`` of one layer for inputs ``(N, 3, H, W)``."""
    options: dict[str, Any] = {"return_prefix_tokens": True} if pooling == "cls" else {}
    (features,) = network.forward_intermediates(
        x, indices=[layer], norm=norm, stop_early=True, intermediates_only=True, **options
    )
    if pooling == "cls":
        _, prefix = features  # (N, C, h, w), (N, number of prefix tokens, C)
        return prefix[:, 0]
    return pooled(features, pooling)


def _code_size(network: Any, how: BackboneSettings) -> int:  # noqa: ANN401
    """Return the length of a code by making one, which also shows whether size and layer fit."""
    architecture = how.architecture
    if not hasattr(network, "forward_intermediates"):
        raise ValueError(f"timm's {architecture} does not give access to its layers.")
    if how.pooling == "cls" and getattr(network, "cls_token", None) is None:
        raise ValueError(f"{architecture} has no class token; use pooling mean or mean_std.")
    depth = len(network.feature_info)
    if not -depth <= how.layer < depth:
        raise ValueError(
            f"{architecture} has {depth} layers: layer must be from {-depth} to {depth - 1}, "
            f"got {how.layer}."
        )
    try:
        with torch.no_grad():
            x = torch.zeros(1, 3, how.size, how.size)
            return int(_pooled_layer(network, x, how.layer, how.pooling, norm=how.norm).shape[1])
    except Exception as error:  # assertions and size errors of many networks
        raise ValueError(
            f"{architecture} cannot take inputs of {how.size} pixels with norm={how.norm} "
            f"({error})."
        ) from None


def _read(path: Path) -> Any:  # noqa: ANN401
    """Return what a weights file holds; no code in it runs."""
    if not path.is_file():
        raise WeightsError(
            f"There is no weights file {path}. Give model.network.checkpoint=PATH of one."
        )
    if path.suffix != ".safetensors" and not path.name.endswith(TORCH_ENDINGS):
        raise WeightsError(
            f"{path} must end in .safetensors, {', '.join(TORCH_ENDINGS)}, to be read."
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # damaged bytes can raise anything; torch advises to run what is in the file
        raise WeightsError(
            f"{path} is damaged, or holds more than weights, which is never read. Get the file "
            "again, or store its tensors alone as .safetensors."
        ) from None


def _unwrapped(content: Any, path: Path) -> dict[str, Tensor]:  # noqa: ANN401
    """Return the tensors of the encoder under the names of its own training; steps 1 and 2."""
    for entry in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(entry), Mapping):
            content = content[entry]
            break
    if (
        not isinstance(content, Mapping)
        or not content
        or not all(isinstance(k, str) and isinstance(t, Tensor) for k, t in content.items())
    ):
        raise WeightsError(f"{path} holds no state_dict of tensors.")
    tensors = dict(content)
    if any(name.startswith(QUERY_ENCODER) for name in tensors):
        tensors = {k: t for k, t in tensors.items() if not k.startswith(OF_MOCO_ONLY)}
        prefix = QUERY_ENCODER
    else:
        prefix = "module." if all(name.startswith("module.") for name in tensors) else ""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}


def _converted(tensors: dict[str, Tensor], network: Any) -> dict[str, Tensor]:  # noqa: ANN401
    """Return tensors under the names and in the shapes of the network; steps 3 to 5."""
    convert: Callable[..., dict[str, Tensor]] | None = getattr(
        sys.modules[type(network).__module__], "checkpoint_filter_fn", None
    )
    if convert is not None:
        tensors = convert(tensors, network)
    expected = network.state_dict()
    tensors = {k: t for k, t in tensors.items() if k in expected or not k.startswith(UNUSED)}
    first = network.pretrained_cfg.get("first_conv") or ()
    for stem in (first,) if isinstance(first, str) else first:
        weight = tensors.get(f"{stem}.weight")
        if weight is not None and weight.ndim == 4 and weight.shape[1] == 1:
            tensors[f"{stem}.weight"] = weight.expand(-1, 3, -1, -1) / 3
    return tensors


def _check_fit(
    tensors: dict[str, Tensor], expected: dict[str, Tensor], path: Path, architecture: str
) -> None:
    """Raise an error that names what is missing, too many, of another shape, or not finite."""
    missing = sorted(k for k in expected.keys() - tensors if not k.endswith(MAY_BE_MISSING))
    unknown = sorted(tensors.keys() - expected)
    if missing or unknown:
        parts = [f"lacks {', '.join(missing[:3])}"] if missing else []
        parts += [f"has {', '.join(unknown[:3])}, which {architecture} has not"] if unknown else []
        counts = f"{len(missing)} missing, {len(unknown)} unknown"
        raise WeightsError(
            f"{path} does not fit {architecture}: it {', and '.join(parts)} ({counts})."
        )
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise WeightsError(
                f"{path} does not fit {architecture}: {name} has shape {tuple(tensor.shape)}, "
                f"expected {tuple(expected[name].shape)}."
            )
        if not torch.isfinite(tensor).all():
            raise WeightsError(f"{path} cannot be used: {name} holds NaN or infinity.")


def _norms(content: Any, path: Path) -> tuple[float, float] | None:  # noqa: ANN401
    """Return mean and standard deviation of grey values that a checkpoint of CEM states."""
    norms = content.get("norms") if isinstance(content, Mapping) else None
    if norms is None or isinstance(norms, Tensor):
        return None
    try:
        values = [norms["mean"], norms["std"]] if isinstance(norms, Mapping) else list(norms)
        mean, std = (float(value) for value in values)
    except (KeyError, TypeError, ValueError):
        raise WeightsError(
            f"{path} has norms={norms!r}, which is not a mean and a standard deviation."
        ) from None
    return mean, std
