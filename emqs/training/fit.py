"""Fit an encoder: module, trainer, weights that are left."""

import logging
import shlex
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger
from torch import nn

from emqs import models
from emqs.errors import ConfigError, WeightsError
from emqs.figures import style, training
from emqs.models import opening, weights
from emqs.models.settings import ModelConfig
from emqs.models.weights import Model
from emqs.runs import command
from emqs.runs import record as records
from emqs.training.callbacks import History, WholeFiles, build, duration
from emqs.training.checkpoints import checkpoints, read_checkpoint
from emqs.training.contrastive import JointEmbedding
from emqs.training.data_module import PatchData
from emqs.training.module import Decoding, Training, check_trainable
from emqs.training.reconstruction import Reconstruction
from emqs.training.settings import StageConfig, TrainConfig

logger = logging.getLogger(__name__)


SUFFIX = {
    "pretrain": "pretrained",
    "finetune": "finetuned",
    "distill": "distilled",
}  # of the weights file


NOISE = (  # what Lightning warns of and no setting of ours can answer
    ".*does not have many workers.*",  # data.num_workers=0 is on purpose: see configs/train.yaml
    ".*smaller than the logging interval.*",  # few steps an epoch; the last one is logged anyway
    ".*treespec, LeafSpec.*",  # Lightning calling torch
    ".*GPU available but not used.*",  # trainer=cpu says so
    ".*Checkpoint directory .* exists and is not empty.*",  # resuming in the same folder
)


def open_teacher(settings: ModelConfig, config: TrainConfig) -> Model:
    """Return the encoder that is to be matched, ``model@teacher``.

    Args:
        settings: Of the teacher.
        config: Of the training; its model is compared with the teacher.

    Raises:
        ConfigError: If it wants slices prepared otherwise.
        WeightsError: If its weights cannot be read.
    """
    teacher = opening.load_model(settings, settings.weights)
    mine, its = config.model.preprocessing.contrast, teacher.preprocessing.contrast
    if mine != its:
        raise ConfigError(
            f"The teacher sees slices with contrast={its}, model={config.model.name} with "
            f"contrast={mine}. Set model.preprocessing.contrast={its}."
        )
    return teacher


def make_module(
    network: nn.Module, config: TrainConfig, identity: dict[str, Any], teacher: Model | None
) -> Training:
    """Return what trains a network: by reconstruction if it can decode, else by views.

    Raises:
        ConfigError: If losses, network and teacher do not fit.
    """
    if isinstance(network, Decoding) and teacher is None:
        return Reconstruction(network, config, identity)
    return JointEmbedding(
        network, config, identity, teacher=None if teacher is None else teacher.network
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning from describing the machine, and from warning of what is meant so."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        for message in NOISE:
            warnings.filterwarnings("ignore", message=message)
        yield


def start(config: ModelConfig, path: str | None) -> nn.Module:
    """Return the network to train: a new one, or that of a weights file.

    Args:
        config: Which network.
        path: A weights file; None for a new network.

    Raises:
        ConfigError: If the network cannot be trained.
        WeightsError: If the file holds another network, or one for patches prepared otherwise.
    """
    network = models.build(config.name, dict(config.network))
    check_trainable(config.name, network)
    if path is None:
        if isinstance(network, models.Pretrained):
            network.load_pretrained()
        return network
    held = weights.load(Path(path))
    for setting, its, asked in weights.differences(held, config):
        raise WeightsError(
            f"weights={path} is for {setting}={its}, but {setting}={asked} is asked for. "
            f"Use {setting}={its}, or weights=null to train from scratch."
        )
    return held.network


def shareable(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings for a weights file, which others will read: without paths of this computer.

    Of the weights that training started from, the file's name is kept.
    """
    start = settings["weights"]
    model = {name: value for name, value in settings["model"].items() if name != "weights"}
    kept = {k: v for k, v in settings.items() if k not in ("paths", "logger", "ckpt_path")}
    kept |= {"model": model, "weights": None if start is None else Path(start).name}
    if "teacher" in settings:
        its = settings["teacher"]["weights"]
        kept["teacher"] = settings["teacher"] | {"weights": None if its is None else Path(its).name}
    return kept


def add_loggers(trainer: Trainer, run: records.Run) -> None:
    """Let a trainer log to W&B and TensorBoard, too; called once nothing is known to be wrong."""
    if not trainer.is_global_zero:
        return
    if run.wandb is not None:
        trainer.loggers.append(WandbLogger(experiment=run.wandb, save_dir=run.folder))
    if run.events is not None:
        trainer.loggers.append(TensorBoardLogger(run.folder, name=records.EVENTS, version=""))


def make_trainer(
    config: TrainConfig,
    data: PatchData,
    run: records.Run,
    *,
    decodes: bool,
    resumed_from: Path | None,
) -> Trainer:
    """Return Lightning's trainer with loggers and callbacks.

    Raises:
        ConfigError: If this machine cannot do what the settings of ``trainer`` ask for.
    """
    loggers: list[Logger] = []
    if run.logger.csv:
        loggers.append(CSVLogger(run.folder, name="steps"))
    logs = run.logger.csv or run.shows_pictures  # those of W&B and TensorBoard are added later
    settings = asdict(config.trainer)
    steps = len(data.train_dataloader())
    settings["log_every_n_steps"] = min(settings["log_every_n_steps"], steps)
    examples = data.examples(config.callbacks.n_reconstructions) if decodes else None
    try:
        return Trainer(
            **settings,
            gradient_clip_val=config.optimizer.gradient_clip,
            logger=loggers,
            callbacks=build(config.callbacks, run, examples, resumed_from=resumed_from, logs=logs),
            plugins=[WholeFiles()],
            default_root_dir=run.folder,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,  # ours divides the batches among devices
            enable_model_summary=False,
            enable_progress_bar=sys.stdout.isatty(),
        )
    except (MisconfigurationException, ValueError, TypeError) as error:
        raise ConfigError(
            f"This machine cannot train with the settings of trainer: {command.one_line(error)}"
        ) from None


def fit(
    trainer: Trainer, module: LightningModule, data: PatchData, *, resumed_from: Path | None
) -> None:
    """Train.

    Raises:
        KeyboardInterrupt: After Ctrl-C; ``command.run`` says how to go on.
    """
    try:
        trainer.fit(module, datamodule=data, ckpt_path=resumed_from, weights_only=True)
    except SystemExit:  # Lightning's answer to Ctrl-C
        if not trainer.interrupted:
            raise
        saved = "" if checkpoints(trainer).last_model_path else ": none was finished, none is saved"
        logger.warning("Stopped in epoch %d%s", trainer.current_epoch + 1, saved)
        raise KeyboardInterrupt from None


def finish(
    trainer: Trainer,
    network: nn.Module,
    data: PatchData,
    run: records.Run,
    *,
    stage: StageConfig,
    seconds: float,
) -> float:
    """Write the best weights, the loss curves and the metrics; print the next command.

    Returns:
        The best validation loss.
    """
    config = data.config
    callback = checkpoints(trainer)
    content = read_checkpoint(Path(callback.best_model_path))
    weights_of_best = content["state_dict"].items()  # a projection head is left behind
    network.load_state_dict(
        {
            name.removeprefix("network."): v
            for name, v in weights_of_best
            if name.startswith("network.")
        }
    )
    history = next(c for c in trainer.callbacks if isinstance(c, History)).epochs  # type: ignore[attr-defined]
    best = history[content["epoch"]]
    names = [stack.name for stack in data.stacks]
    metrics = {
        "model": config.model.name,
        "stage": stage.name,
        "data": names,
        "n_training_patches": data.n_training,
        "n_validation_patches": data.n_validation,
        "n_parameters": sum(p.numel() for p in network.parameters()),
        "epochs": len(history),
        "steps": trainer.global_step,
        "best_epoch": content["epoch"] + 1,
        "losses": {name: value for name, value in best.items() if name != "epoch"},
        "seconds": round(seconds, 1),
    }
    path = run.folder / f"{config.model.name}_{SUFFIX[stage.name]}.safetensors"
    record = metrics | {"settings": shareable(run.settings), "versions": records.versions()}
    model = Model(
        config.model.name,
        network.cpu().to(memory_format=torch.contiguous_format).eval(),
        dict(config.model.network),
        config.model.preprocessing,
        record,
    )
    weights.save(path, model)
    run.log_artifact(path, kind="model")
    run.save_json("metrics.json", metrics | {"weights": str(path)})
    columns = {name: [row[name] for row in history] for name in history[0]}
    title = f"{config.model.name}, {stage.name} on {', '.join(names)}"
    figure = training.loss_curves(columns, title=title)
    run.log_figure(style.save(figure, run.folder / "figures" / "losses.png"))
    run.log_metrics({"best_epoch": metrics["best_epoch"], "best/loss": best["val/loss"]})
    print(  # noqa: T201
        f"\nBest epoch {metrics['best_epoch']} of {len(history)}: validation loss "
        f"{best['val/loss']:.5f}, after {duration(seconds)}.\n"
        f"Weights: {path}\nLosses and pictures: {run.folder / 'figures'}\n\n"
        f"Next:\n  {next_command(config.model.name, path, data)}"
    )
    return best["val/loss"]


def next_command(model: str, path: Path, data: PatchData) -> str:
    """Return the command to try the weights with: on the same slices, labelled or not."""
    typed = command.typed()
    dataset = [i for i in typed if i.startswith(("dataset", "patch.size=", "patch.unit="))]
    images = [i for i in typed if i.startswith("paths.images=")]
    if len(data.stacks) > 1 or data.stacks[0].name == "packaged":
        words = ["emqs.evaluate", "dataset=toy"]
    elif data.stacks[0].labels is not None:
        words = ["emqs.evaluate", *dataset, *images]
    else:
        words = ["emqs.retrieve", *dataset, *images, "retrieve.positive=[[Z,Y,X]]"]
    return "python -m " + shlex.join([*words, f"model={model}", f"weights={path}"])
