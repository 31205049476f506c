"""How an autoencoder is trained: the step, the loss, the optimiser, what is logged.

The networks stay plain torch; ``Reconstruction`` only holds one. The seed of every training step
follows from (seed, epoch, step), so a resumed run samples the codes of a VAE as an uninterrupted
one would.
"""

import math
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from emqs import losses
from emqs.augment import Batch
from emqs.config import TrainConfig
from emqs.errors import ConfigError
from emqs.models import Encoder


@runtime_checkable
class Decoding(Encoder, Protocol):
    """An encoder that can also turn a code back into an image."""

    def decode(self, codes: Tensor) -> Tensor:
        """Return images ``(N, 1, H, W)`` in [0, 1] of codes ``(N, D)``."""
        ...


@runtime_checkable
class Variational(Decoding, Protocol):
    """A decoding encoder whose code is a distribution."""

    def distribution(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance, each ``(N, D)``, of images ``(N, 1, H, W)``."""
        ...

    def sample(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Draw codes ``(N, D)``."""
        ...


def check_trainable(name: str, network: nn.Module) -> None:
    """Raise an error unless a network can be trained.

    Args:
        name: Of the model, for the message.
        network: What ``models.build`` returned.

    Raises:
        ConfigError: If it has no decoder, or nothing to learn.
    """
    learns = any(parameter.requires_grad for parameter in network.parameters())
    if not (isinstance(network, Decoding) and learns):
        raise ConfigError(
            f"model={name} is a baseline without training. Train model=ae or model=vae; "
            f"python -m emqs.evaluate model={name} uses it as it is."
        )


class Reconstruction(LightningModule):
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
        super().__init__()
        check_trainable(config.model.name, network)
        self.config, self.identity = config, identity or {}
        # convolutions on the CPU are nearly twice as fast with the channels last
        self.network = network.to(memory_format=torch.channels_last).train()
        self.weights = {
            name: getattr(config.loss, name)
            for name in losses.RECONSTRUCTION
            if getattr(config.loss, name) > 0
        }
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
            raise self._diverged("reconstruction is not finite")
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
            raise self._diverged(f"loss is {total.item():g}")
        return {"loss": total, **found}

    def _code_terms(
        self, codes: Tensor, targets: Tensor, training: bool
    ) -> dict[str, tuple[float, Tensor]]:
        """Return weight and value of each term that looks at codes; two views only in training."""
        config, found = self.config.loss, {}
        if config.consistency > 0 and training:
            first, second = codes.chunk(2)
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

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what decides the run."""
        checkpoint["emqs"] = {"settings": self.identity, "devices": self.trainer.world_size}

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002
        """Seed what the step draws, so that it does not depend on what was drawn before."""
        key = [self.config.seed, self.current_epoch, batch_idx, self.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: ARG002
        """Return the loss of a batch."""
        config = self.config.loss
        beta = losses.kl_weight(config.beta, self.current_epoch, config.kl_warmup_epochs)
        found = self.terms(batch, sample=True, beta=beta)
        n = len(batch.inputs)
        self.log("train/loss", found["loss"], prog_bar=True, on_step=True, on_epoch=True,
                 batch_size=n, sync_dist=True)  # fmt: skip
        for name, term in found.items():
            if name != "loss":
                self.log(f"train/{name}", term, on_step=False, on_epoch=True, batch_size=n,
                         sync_dist=True)  # fmt: skip
        return found["loss"]

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002
        """Log the loss of unchanged patches, from mean codes and with the full beta."""
        found = self.terms(batch, sample=False, beta=self.config.loss.beta)
        for name, term in found.items():
            self.log(f"val/{name}", term, prog_bar=name == "loss", on_epoch=True,
                     batch_size=len(batch.inputs), sync_dist=True)  # fmt: skip

    def _diverged(self, what: str) -> ConfigError:
        """Return the error that stops a run that diverged: nothing after it means anything."""
        return ConfigError(
            f"Training has diverged and was stopped: in epoch {self.current_epoch + 1}, after step "
            f"{self.global_step}, the {what}. Lower optimizer.lr (it is "
            f"{self.config.optimizer.lr:g}) or set optimizer.gradient_clip=1."
        )

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's many return types
        """Return Adam, and how its learning rate changes from step to step."""
        config = self.config.optimizer
        adam = torch.optim.Adam(self.parameters(), lr=config.lr, weight_decay=config.weight_decay)
        steps = int(self.trainer.estimated_stepping_batches)
        warmup = config.warmup_epochs * steps / self.config.trainer.max_epochs
        cosine = config.schedule == "cosine"

        def factor(step: int) -> float:
            return rate_factor(step, steps=steps, warmup=warmup, cosine=cosine)

        schedule = torch.optim.lr_scheduler.LambdaLR(adam, factor)
        return {"optimizer": adam, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def rate_factor(step: int, *, steps: int, warmup: float, cosine: bool) -> float:
    """Return what the learning rate is multiplied by.

    Args:
        step: Counted from 0.
        steps: In the whole training.
        warmup: Steps over which the factor grows linearly to 1; it is never 0.
        cosine: Fall to 0 at the end along half a cosine; otherwise stay.
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if not cosine:
        return 1.0
    progress = min(1.0, (step - warmup) / max(1.0, steps - warmup))
    return 0.5 * (1 + math.cos(math.pi * progress))
