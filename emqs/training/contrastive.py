"""How a pooled encoder is trained: two views of a patch get like codes, other patches do not.

The projection head between codes and losses, and the teacher of a distillation, are used in
training only. Batches of several devices are not joined: each compares its own patches.
"""

import logging
from typing import Any

import torch
from torch import Tensor, nn

from emqs.errors import ConfigError
from emqs.models import Convolutional, Encoder
from emqs.training import losses
from emqs.training.augment import Batch
from emqs.training.crops import Crops, pooled
from emqs.training.module import Training
from emqs.training.settings import TrainConfig

logger = logging.getLogger(__name__)

COLLAPSED = 0.05  # a spread of codes below this: they hardly depend on the patch


def head(code_size: int, hidden: int, size: int) -> nn.Module:
    """Return a projection ``(N, D) -> (N, hidden) -> (N, size)``; none of both is ``(N, D)``.

    Args:
        code_size: Length D of a code.
        hidden: Length of the middle layer; 0: none, the projection is linear.
        size: Length of the result; 0: no projection, losses see the codes.
    """
    if size == 0:
        return nn.Identity()
    if hidden == 0:
        return nn.Linear(code_size, size)
    return nn.Sequential(
        nn.Linear(code_size, hidden, bias=False),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Linear(hidden, size),
    )


class JointEmbedding(Training):
    """Trains a network to give views of the same patch like codes, or those of a teacher."""

    def __init__(
        self,
        network: nn.Module,
        config: TrainConfig,
        identity: dict[str, Any] | None = None,
        *,
        teacher: nn.Module | None = None,
    ) -> None:
        """Take a network.

        Args:
            network: A ``Convolutional``; its input size fits the patches.
            config: All settings of the training.
            identity: Plain values that every checkpoint keeps, to know its run again.
            teacher: An ``Encoder`` whose codes are to be matched; it does not learn.

        Raises:
            ConfigError: If the network cannot be trained, or no loss fits it.
        """
        super().__init__(network, config, identity)
        if not isinstance(network, Convolutional):
            raise ConfigError(
                f"stage=distill and the losses of views train encoders with pooled features, such "
                f"as model=contrastive; model={config.model.name} is not one."
            )
        check_losses(config, taught=teacher is not None)
        self.weights = config.loss.views | config.loss.teacher
        size = config.loss.head_size if config.loss.views else 0
        self.head = head(network.code_size, config.loss.head_hidden, size)
        self.predictor: nn.Module = nn.Identity()
        self._teacher = [] if teacher is None else [teacher.eval().requires_grad_(False)]
        if teacher is not None and config.loss.teacher_regression > 0:
            if not isinstance(teacher, Encoder):
                raise TypeError(f"{type(teacher).__name__} is no encoder")
            self.predictor = nn.Linear(network.code_size, teacher.code_size)

    def forward(self, images: Tensor) -> Tensor:
        """Return codes ``(N, D)`` of images ``(N, 1, H, W)``, as a search uses them."""
        if not isinstance(self.network, Encoder):
            raise TypeError(f"{type(self.network).__name__} is no encoder")
        return self.network.encode(images)

    def terms(self, batch: Batch | Crops) -> dict[str, Tensor]:
        """Return the loss of a batch and the terms it is the weighted sum of.

        Args:
            batch: Two views of N patches, or of places in crops; with a teacher, patches, and as
                targets the N images that it sees.

        Returns:
            ``"loss"``, each term under its name, and ``"spread"``, which is 0 if codes collapsed.

        Raises:
            ConfigError: If the loss is NaN or infinite.
        """
        codes, overlaps = self._codes(batch)
        projected = self.head(codes)
        predicted = self.predictor(codes)
        taught = None
        if self._teacher and isinstance(batch, Batch):
            taught = self.taught(batch.targets)
        with torch.autocast(self.device.type, enabled=False):
            codes, (first, second) = codes.float(), projected.float().chunk(2)
            terms: dict[str, Tensor] = {}
            if "nt_xent" in self.weights:
                terms["nt_xent"] = losses.nt_xent(
                    first, second, self.config.loss.temperature, overlaps
                )
            if self.weights.keys() & {"invariance", "variance", "covariance"}:
                terms |= losses.vicreg(first, second)
            if taught is not None:
                terms |= self._distance_to_teacher(codes, predicted.float(), taught)
            terms = {name: terms[name] for name in self.weights}
            total = torch.stack([self.weights[name] * term for name, term in terms.items()]).sum()
            spread = losses.code_spread(codes.detach())
        if not torch.isfinite(total):
            raise self.diverged(f"loss is {total.item():g}")
        return {"loss": total, **terms, "spread": spread}

    def _codes(self, batch: Batch | Crops) -> tuple[Tensor, Tensor | None]:
        """Return the codes of both views, and which of a view's show much of the same."""
        if isinstance(batch, Batch):
            return self(batch.inputs.contiguous(memory_format=torch.channels_last)), None
        if not isinstance(self.network, Convolutional):
            raise TypeError(f"{type(self.network).__name__} has no feature map")
        return pooled(batch, self.network), batch.overlaps

    def _distance_to_teacher(
        self, codes: Tensor, predicted: Tensor, taught: Tensor
    ) -> dict[str, Tensor]:
        """Return the terms that compare codes of both views with the teacher's of one."""
        terms = {}
        if "teacher_relations" in self.weights:
            both = [losses.relations(view, taught) for view in codes.chunk(2)]
            terms["teacher_relations"] = (both[0] + both[1]) / 2
        if "teacher_regression" in self.weights:
            both = [losses.regression(view, taught) for view in predicted.chunk(2)]
            terms["teacher_regression"] = (both[0] + both[1]) / 2
        return terms

    @torch.no_grad()
    def taught(self, images: Tensor) -> Tensor:
        """Return the teacher's codes, shape ``(N, F)``, float32, of images it sees."""
        teacher = self._teacher[0].to(self.device)
        if not isinstance(teacher, Encoder):
            raise TypeError(f"{type(teacher).__name__} is no encoder")
        return teacher.encode(images).float()

    def training_step(self, batch: Batch | Crops, batch_idx: int) -> Tensor:  # noqa: ARG002
        """Return the loss of a batch."""
        return self.log_training(self.terms(batch), len(batch.inputs))

    def validation_step(self, batch: Batch | Crops, batch_idx: int) -> None:  # noqa: ARG002
        """Log the loss of augmented validation patches, the same ones every time."""
        self.log_validation(self.terms(batch), len(batch.inputs))

    def on_validation_epoch_end(self) -> None:
        """Warn if the codes have collapsed."""
        spread = float(self.trainer.callback_metrics["val/spread"])
        if spread < COLLAPSED and self.trainer.is_global_zero:
            logger.warning(
                "epoch %d: all patches get nearly the same code (spread %.3f of 1). Lower "
                "optimizer.lr, or raise loss.variance or data.batch_size.",
                self.current_epoch + 1,
                spread,
            )


def check_losses(config: TrainConfig, *, taught: bool) -> None:
    """Raise an error unless there is a loss, and a teacher exactly if one is asked for.

    Raises:
        ConfigError: If not, or if a loss is set that needs a decoder or one view.
    """
    others = (*losses.RECONSTRUCTION, "consistency", "isometry")
    useless = [name for name in others if getattr(config.loss, name) > 0]
    if useless:
        raise ConfigError(
            f"loss.{useless[0]} is not for model={config.model.name}, which does not reconstruct: "
            "it learns from views. Use loss=contrastive or loss=vicreg."
        )
    if config.loss.teacher and not taught:
        name = next(iter(config.loss.teacher))
        raise ConfigError(f"loss.{name} needs a teacher: use stage=distill, or set it to 0.")
    if taught and not config.loss.teacher:
        raise ConfigError(
            "stage=distill needs loss.teacher_relations or loss.teacher_regression above 0, e.g. "
            "loss=distill."
        )
    if not (config.loss.views or config.loss.teacher):
        raise ConfigError(
            f"model={config.model.name} does not reconstruct; it learns from views. Use "
            "loss=contrastive, or set loss.nt_xent or loss.invariance above 0."
        )
