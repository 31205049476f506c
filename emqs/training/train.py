"""One training from beginning to end: slices, network, trainer, and what is left of it."""

import logging
import time
from pathlib import Path

from lightning.pytorch import seed_everything

from emqs import models
from emqs.datasets import open_stacks
from emqs.datasets.settings import DatasetConfig
from emqs.embedding import encode
from emqs.models.settings import ModelConfig
from emqs.runs.record import Run
from emqs.training import fit
from emqs.training.checkpoints import check_resumable, what_decides
from emqs.training.data_module import PatchData
from emqs.training.reconstruction import Reconstruction
from emqs.training.settings import StageConfig, TrainConfig

logger = logging.getLogger(__name__)


def origin(weights: str | None, resumed_from: Path | None) -> str:
    """Return what a training starts from, in words."""
    if resumed_from is not None:
        return f"{resumed_from}, where that run was"
    return "a new network (weights=null)" if weights is None else weights


def train(
    config: TrainConfig,
    stage: StageConfig,
    run: Run,
    *,
    dataset: DatasetConfig,
    images: Path,
    weights: str | None = None,
    teacher: ModelConfig | None = None,
    resumed_from: Path | None = None,
) -> float:
    """Fit a network to the patches of a dataset; write its weights, losses and pictures.

    Args:
        config: All that decides how the network is trained, except the slices themselves.
        stage: Which part of the training.
        run: Where results go; its settings are what a resumed run is compared with.
        dataset: The slices, or a mixture of several stacks.
        images: Folder that holds ``NAME/raw``.
        weights: A weights file to start from; None for a new network.
        teacher: The encoder that is to be matched; None: there is none.
        resumed_from: A checkpoint to go on from; then ``weights`` does not count.

    Returns:
        The best validation loss.

    Raises:
        EmqsError: If a setting, a file or the data do not fit, or training diverges.
    """
    started = time.monotonic()
    seed_everything(config.seed, workers=True, verbose=False)
    with fit.quiet():
        network = fit.start(config.model, None if resumed_from else weights)
        master = None if teacher is None else fit.open_teacher(teacher, config)
        data = PatchData(
            open_stacks(dataset, images),
            [member.share for member in dataset.members] or [1.0],
            config,
            drawn=[member.patch for member in dataset.members] or None,
            teacher_size=None if master is None else master.preprocessing.size,
        )
        if master is not None and isinstance(master.network, models.Fittable):
            size = master.preprocessing.size
            master.network.fit(data.plain(encode.FIT_PATCHES, size))
        identity = what_decides(run.settings)
        module = fit.make_module(network, config, identity, master)
        trainer = fit.make_trainer(
            config, data, run, decodes=isinstance(module, Reconstruction), resumed_from=resumed_from
        )
        if resumed_from is not None:
            check_resumable(resumed_from, identity, trainer)
        if trainer.is_global_zero:
            logger.info("%s starts from %s", config.model.name, origin(weights, resumed_from))
            logger.info(
                "%d training and %d validation patches, %d steps an epoch, up to %d epochs",
                data.n_training,
                data.n_validation,
                sum(data.per_epoch) // (data.batch_size(trainer.world_size) * trainer.world_size),
                config.trainer.max_epochs,
            )
        fit.fit(trainer, module, data, resumed_from=resumed_from)
    if not trainer.is_global_zero:
        return float(trainer.callback_metrics["val/loss"])
    return fit.finish(trainer, network, data, run, stage=stage, seconds=time.monotonic() - started)
