"""What every training has: what it can train, seeds, the optimiser, logging, an end to divergence.

The seed of every training step follows from (seed, epoch, step), so a resumed run draws what an
uninterrupted one would have drawn.
"""

import math
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from emqs.errors import ConfigError
from emqs.models import Convolutional, Encoder
from emqs.training.augment import Batch
from emqs.training.settings import TrainConfig


@runtime_checkable
class Decoding(Encoder, Protocol):
    """An encoder that can also turn a code back into an image."""

    def decode(self, codes: Tensor) -> Tensor:
        """Return images ``(N, 1, H, W)`` in [0, 1] of codes ``(N, D)``."""
        ...


def check_trainable(name: str, network: nn.Module) -> None:
    """Raise an error unless a network can be trained.

    Args:
        name: Of the model, for the message.
        network: What ``models.build`` returned.

    Raises:
        ConfigError: If it can neither decode nor pool a feature map, or has nothing to learn.
    """
    learns = any(parameter.requires_grad for parameter in network.parameters())
    if not (isinstance(network, Decoding | Convolutional) and learns):
        raise ConfigError(
            f"model={name} is a baseline without training. Train model=contrastive, model=ae or "
            f"model=vae; python -m emqs.evaluate model={name} uses it as it is."
        )


class Training(LightningModule):
    """Holds a network while it is trained; what is minimised is up to the classes below it."""

    def __init__(
        self, network: nn.Module, config: TrainConfig, identity: dict[str, Any] | None = None
    ) -> None:
        """Take a network.

        Args:
            network: Its input size fits the patches.
            config: All settings of the training.
            identity: Plain values that every checkpoint keeps, to know its run again.

        Raises:
            ConfigError: If the network cannot be trained.
        """
        super().__init__()
        check_trainable(config.model.name, network)
        self.config, self.identity = config, identity or {}
        # convolutions on the CPU are nearly twice as fast with the channels last
        self.network = network.to(memory_format=torch.channels_last).train()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what decides the run."""
        checkpoint["emqs"] = {"settings": self.identity, "devices": self.trainer.world_size}

    def on_train_start(self) -> None:
        """Set the learning rate of the step that comes: a run that goes on may be longer now."""
        for config in self.trainer.lr_scheduler_configs:
            schedule = config.scheduler
            if isinstance(schedule, torch.optim.lr_scheduler.LambdaLR):
                parts = zip(schedule.optimizer.param_groups, schedule.base_lrs,
                            schedule.lr_lambdas, strict=True)  # fmt: skip
                for group, rate, factor in parts:
                    group["lr"] = rate * factor(schedule.last_epoch)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002
        """Seed what the step draws, so that it does not depend on what was drawn before."""
        key = [self.config.seed, self.current_epoch, batch_idx, self.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))

    def log_training(self, terms: Mapping[str, Tensor], n: int) -> Tensor:
        """Log the terms of a training step over n images; return the one called ``"loss"``."""
        self.log("train/loss", terms["loss"], prog_bar=True, on_step=True, on_epoch=True,
                 batch_size=n, sync_dist=True)  # fmt: skip
        for name, term in terms.items():
            if name != "loss":
                self.log(f"train/{name}", term, on_step=False, on_epoch=True, batch_size=n,
                         sync_dist=True)  # fmt: skip
        return terms["loss"]

    def log_validation(self, terms: Mapping[str, Tensor], n: int) -> None:
        """Log the terms of a validation batch of n images."""
        for name, term in terms.items():
            self.log(f"val/{name}", term, prog_bar=name == "loss", on_epoch=True, batch_size=n,
                     sync_dist=True)  # fmt: skip

    def diverged(self, what: str) -> ConfigError:
        """Return the error that stops a run that diverged: nothing after it means anything."""
        return ConfigError(
            f"Training has diverged and was stopped: in epoch {self.current_epoch + 1}, after step "
            f"{self.global_step}, the {what}. Lower optimizer.lr (it is "
            f"{self.config.optimizer.lr:g}) or set optimizer.gradient_clip=1."
        )

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's many return types
        """Return Adam or AdamW, and how its learning rate changes from step to step."""
        optimizer = self._optimizer()
        config = self.config.optimizer
        steps = int(self.trainer.estimated_stepping_batches)
        warmup = config.warmup_epochs * steps / self.config.trainer.max_epochs
        cosine = config.schedule == "cosine"

        def factor(step: int) -> float:
            return rate_factor(step, steps=steps, warmup=warmup, cosine=cosine)

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _optimizer(self) -> torch.optim.Optimizer:
        """Return Adam, or AdamW, which does not shrink biases and the factors of norms."""
        config = self.config.optimizer
        if config.name == "adam":
            decay = config.weight_decay
            return torch.optim.Adam(self.parameters(), lr=config.lr, weight_decay=decay)
        learned = [parameter for parameter in self.parameters() if parameter.requires_grad]
        groups = [
            {"params": [p for p in learned if p.ndim > 1], "weight_decay": config.weight_decay},
            {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW([g for g in groups if g["params"]], lr=config.lr)


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
