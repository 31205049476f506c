"""How an autoencoder is trained: what a step computes and what the loss is.

The networks stay plain torch; ``Reconstruction`` only holds one.
"""

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from emqs.errors import ConfigError
from emqs.training import losses
from emqs.training.augment import Batch
from emqs.training.module import Decoding, Training
from emqs.training.settings import TrainConfig


@runtime_checkable
class Variational(Decoding, Protocol):
    """A decoding encoder whose code is a distribution."""

    def distribution(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance, each ``(N, D)``, of images ``(N, 1, H, W)``."""
        ...

    def sample(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Draw codes ``(N, D)``."""
        ...


class Reconstruction(Training):
    """Trains a network to reconstruct patches from their codes."""

    def __init__(
        self, network: nn.Module, config: TrainConfig, identity: dict[str, Any] | None = None
    ) -> None:
        """Take a network.

        Args:
            network: An AE or a VAE; its input size fits the patches.
            config: All settings of the training.
            identity: Plain values that every checkpoint keeps, to know its run again.

        Raises:
            ConfigError: If the network cannot be trained, or a loss does not fit its input.
        """
        super().__init__(network, config, identity)
        self.weights = {
            name: getattr(config.loss, name)
            for name in losses.RECONSTRUCTION
            if getattr(config.loss, name) > 0
        }
        if not self.weights:
            raise ConfigError(
                "The loss reconstructs nothing: loss.bce, loss.mse, loss.ssim and loss.ms_ssim "
                f"are all 0, and model={config.model.name} learns by reconstruction. Set one of "
                "them, e.g. loss.bce=1."
            )
        useless = [*config.loss.views, *config.loss.teacher]
        if useless:
            raise ConfigError(
                f"loss.{useless[0]} is not for model={config.model.name}, which learns by "
                "reconstruction. Set it to 0, or use model=contrastive."
            )
        size = config.model.preprocessing.size
        if "ms_ssim" in self.weights and size < losses.MS_SSIM_SMALLEST:
            raise ConfigError(
                f"loss.ms_ssim needs images of at least {losses.MS_SSIM_SMALLEST} pixels, but "
                f"model.preprocessing.size is {size}. Use loss.ssim."
            )

    def forward(self, images: Tensor) -> Tensor:
        """Return reconstructions from the code (of a VAE: the mean code), both ``(N, 1, H, W)``."""
        network = self.network
        if not isinstance(network, Decoding):
            raise TypeError(f"{type(network).__name__} cannot decode")
        return network.decode(network.encode(images))

    def terms(self, batch: Batch, *, sample: bool, beta: float) -> dict[str, Tensor]:
        """Return the loss of a batch and the terms it is the weighted sum of.

        Args:
            batch: Views of patches.
            sample: Whether a VAE decodes a sample of the code; otherwise the mean.
            beta: Weight of the KL divergence per pixel.

        Returns:
            ``"loss"``; each reconstruction term, ``"kl"`` (nats), ``"consistency"`` and
            ``"isometry"`` under its name.

        Raises:
            ConfigError: If the loss is NaN or infinite.
        """
        codes, divergence, images = self._pass(batch.inputs, sample=sample)
        if not torch.isfinite(images).all():  # a loss may stop the device on NaN, so look first
            raise self.diverged("reconstruction is not finite")
        with torch.autocast(self.device.type, enabled=False):
            images, targets = images.float(), batch.targets.float()
            found = {name: losses.RECONSTRUCTION[name](images, targets) for name in self.weights}
            total = torch.stack([self.weights[name] * term for name, term in found.items()]).sum()
            if divergence is not None:
                found["kl"] = divergence
                total = total + beta * divergence / images[0].numel()
            for name, (weight, term) in self._code_terms(codes.float(), targets, sample).items():
                found[name] = term
                total = total + weight * term
        if not torch.isfinite(total):
            raise self.diverged(f"loss is {total.item():g}")
        return {"loss": total, **found}

    def _code_terms(
        self, codes: Tensor, targets: Tensor, training: bool
    ) -> dict[str, tuple[float, Tensor]]:
        """Return weight and value of each term that looks at codes; two views only in training."""
        config, found = self.config.loss, {}
        if config.consistency > 0 and training:
            pooled = getattr(self.network, "pooled", 0)  # 0: the whole code is to stay the same
            first, second = codes[:, -pooled:].chunk(2)
            found["consistency"] = (config.consistency, losses.consistency(first, second))
        if config.isometry > 0:
            looks = config.isometry_scale * losses.likeness_features(
                targets, quantiles=config.isometry_quantiles, textures=config.isometry_textures
            )
            found["isometry"] = (config.isometry, losses.isometry(codes, looks))
        return found

    def _pass(self, inputs: Tensor, *, sample: bool) -> tuple[Tensor, Tensor | None, Tensor]:
        """Return (mean) codes, their KL divergence if they have one, and reconstructions."""
        network = self.network
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        if isinstance(network, Variational):
            mean, log_variance = network.distribution(inputs)
            divergence = losses.kl_divergence(mean.float(), log_variance.float())
            codes = network.sample(mean, log_variance) if sample else mean
            return mean, divergence, network.decode(codes)
        if not isinstance(network, Decoding):
            raise TypeError(f"{type(network).__name__} cannot decode")
        codes = network.encode(inputs)
        return codes, None, network.decode(codes)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002
        """Return the loss of a batch."""
        config = self.config.loss
        beta = losses.kl_weight(config.beta, self.current_epoch, config.kl_warmup_epochs)
        found = self.terms(batch, sample=True, beta=beta)
        return self.log_training(found, len(batch.inputs))

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002
        """Log the loss of unchanged patches, from mean codes and with the full beta."""
        found = self.terms(batch, sample=False, beta=self.config.loss.beta)
        self.log_validation(found, len(batch.inputs))
