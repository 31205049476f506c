"""Fit an encoder to patches; write its weights, its losses and pictures of what it learned.

python -m emqs.train model=contrastive stage=finetune dataset=VNC_unlabelled
python -m emqs.train model=vae
"""

import logging
import shlex
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, cast

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import LightningModule, Trainer, seed_everything
from lightning.pytorch.loggers import CSVLogger, Logger, WandbLogger
from omegaconf import DictConfig
from torch import nn

from emqs import command, datasets, embeddings, models, pipeline, report, weights
from emqs.config import (
    CONFIG_DIR,
    DatasetConfig,
    ModelConfig,
    PathsConfig,
    StageConfig,
    TrainConfig,
    read,
)
from emqs.errors import ConfigError, WeightsError
from emqs.figures import style, training
from emqs.lightning_base import Decoding, Training, check_trainable
from emqs.lightning_callbacks import LAST, BestAndLast, History, build, duration
from emqs.lightning_contrastive import JointEmbedding
from emqs.lightning_data import PatchData
from emqs.lightning_model import Reconstruction
from emqs.weights import Model

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


def train(cfg: DictConfig, run: report.Run) -> float:
    """Train one model, as the settings say.

    Args:
        cfg: The composed configuration of ``configs/train.yaml``.
        run: Where results go.

    Returns:
        The best validation loss.

    Raises:
        EmqsError: If a setting, a file or the data do not fit, or training diverges.
    """
    started = time.monotonic()
    trainable(cfg)
    config = read_config(cfg)
    stage = read(StageConfig, cfg.stage, "stage")
    dataset = read(DatasetConfig, cfg.dataset, "dataset")
    paths = read(PathsConfig, cfg.paths, "paths")
    resumed_from = None if cfg.ckpt_path is None else Path(cfg.ckpt_path)

    seed_everything(config.seed, workers=True, verbose=False)
    with quiet():
        network = start(config.model, None if resumed_from else cfg.weights)
        teacher = read_teacher(cfg, config) if stage.name == "distill" else None
        data = PatchData(
            datasets.open_stacks(dataset, Path(paths.images)),
            [member.share for member in dataset.members] or [1.0],
            config,
            drawn=[member.patch for member in dataset.members] or None,
            teacher_size=None if teacher is None else teacher.preprocessing.size,
        )
        if teacher is not None and isinstance(teacher.network, models.Fittable):
            size = teacher.preprocessing.size
            teacher.network.fit(data.plain(embeddings.FIT_PATCHES, size))
        identity = what_decides(run.settings)
        module = make_module(network, config, identity, teacher)
        trainer = make_trainer(
            config, data, run, decodes=isinstance(module, Reconstruction), resumed_from=resumed_from
        )
        if resumed_from is not None:
            check_resumable(resumed_from, identity, trainer)
        if trainer.is_global_zero:
            logger.info(
                "%d training and %d validation patches, %d steps an epoch, up to %d epochs",
                data.n_training,
                data.n_validation,
                sum(data.per_epoch) // (config.data.batch_size * trainer.world_size),
                config.trainer.max_epochs,
            )
        fit(trainer, module, data, resumed_from=resumed_from)
    if not trainer.is_global_zero:
        return float(trainer.callback_metrics["val/loss"])
    return finish(trainer, network, data, run, stage=stage, seconds=time.monotonic() - started)


def read_config(cfg: DictConfig) -> TrainConfig:
    """Return the checked settings of a training.

    Raises:
        ConfigError: If one is missing, unknown, of the wrong type or out of range.
    """
    parts = {f.name: f.type for f in fields(TrainConfig) if is_dataclass(f.type)}
    found: dict[str, Any] = {
        name: read(cast(type, part), cfg[name], name) for name, part in parts.items()
    }
    return TrainConfig(seed=cfg.seed, **found)


def trainable(cfg: DictConfig) -> None:
    """Raise an error unless the model can be trained; only then it has a loss.

    Raises:
        ConfigError: If it is a baseline, or its settings are wrong.
    """
    config = read(ModelConfig, cfg.model, "model")
    check_trainable(config.name, models.build(config.name, dict(config.network)))


def read_teacher(cfg: DictConfig, config: TrainConfig) -> Model:
    """Return the encoder that is to be matched, ``model@teacher``.

    Raises:
        ConfigError: If its settings are wrong, or it wants slices prepared otherwise.
        WeightsError: If its weights cannot be read.
    """
    settings = read(ModelConfig, cfg.teacher, "teacher")
    teacher = pipeline.load_model(settings, settings.weights)
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
    found = weights.load(Path(path))
    for setting, here, wanted in weights.differences(found, config):
        raise WeightsError(
            f"weights={path} is for {setting}={here}, but {setting}={wanted} is asked for. "
            f"Use {setting}={here}, or weights=null to train from scratch."
        )
    return found.network


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


def what_decides(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that decide what a training computes, by their full names.

    A run can only be resumed with the same ones. Where files lie, how long it runs, what is drawn
    and which processes cut patches may change; with a cosine schedule the length may not.
    """
    names = ("seed", "dataset", "model", "patch", "data", "augment", "loss", "optimizer")
    parts = {name: settings[name] for name in names}
    if "teacher" in settings:
        parts["teacher"] = settings["teacher"]
    trainer = settings["trainer"]
    parts["trainer"] = {name: trainer[name] for name in ("precision", "deterministic")}
    if settings["optimizer"]["schedule"] != "constant":
        parts["trainer"]["max_epochs"] = trainer["max_epochs"]

    def flat(name: str, value: object) -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                yield from flat(f"{name}.{key}", inner)
        else:
            yield name, value

    decisive = dict(pair for name, value in parts.items() for pair in flat(name, value))
    for name in ("data.num_workers", "model.weights"):  # of a teacher, the weights do decide
        decisive.pop(name, None)
    return decisive


def make_trainer(
    config: TrainConfig,
    data: PatchData,
    run: report.Run,
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
    if run.wandb is not None:
        loggers.append(WandbLogger(experiment=run.wandb, save_dir=run.folder))
    settings = asdict(config.trainer)
    steps = len(data.train_dataloader())
    settings["log_every_n_steps"] = min(settings["log_every_n_steps"], steps)
    examples = data.examples(config.callbacks.n_reconstructions) if decodes else None
    try:
        return Trainer(
            **settings,
            gradient_clip_val=config.optimizer.gradient_clip,
            logger=loggers,
            callbacks=build(
                config.callbacks, run, examples, resumed_from=resumed_from, logs=bool(loggers)
            ),
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


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return the content of a checkpoint; only tensors and plain values are read, no code runs.

    Raises:
        WeightsError: If it is missing, damaged, or not one that training wrote.
    """
    if not path.is_file():
        raise WeightsError(
            f"ckpt_path={path} does not exist. A run keeps its checkpoints in its folder: "
            f"outputs/train/DATE/checkpoints/{LAST}."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of foreign pickles, which are refused below
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # damaged bytes can raise anything
        raise WeightsError(
            f"{path} is damaged, or holds more than numbers, which is never read."
        ) from None
    if not isinstance(content, dict) or "emqs" not in content:
        raise WeightsError(
            f"{path} is no checkpoint of python -m emqs.train. Weights files go to weights=PATH."
        )
    return content


def check_resumable(path: Path, identity: dict[str, Any], trainer: Trainer) -> None:
    """Raise an error unless a run can go on exactly from a checkpoint.

    Raises:
        WeightsError: If it cannot be read.
        ConfigError: If the run had other settings, or is finished.
    """
    content = read_checkpoint(path)
    before = content["emqs"]["settings"]
    now = identity | {"devices": trainer.world_size}
    before = before | {"devices": content["emqs"]["devices"]}
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            raise ConfigError(
                f"ckpt_path={path} is of a run with {name}={before.get(name)}, but {name}="
                f"{now.get(name)} is asked for. A run goes on with its own settings only; to start "
                "a new run from what it learned, give its .safetensors file as weights=."
            )
    done = content["epoch"] + 1
    if trainer.max_epochs is not None and done >= trainer.max_epochs:
        raise ConfigError(
            f"The run of ckpt_path={path} has done {done} epochs, and trainer.max_epochs is "
            f"{trainer.max_epochs}. Raise trainer.max_epochs to go on."
        )


def fit(
    trainer: Trainer, module: LightningModule, data: PatchData, *, resumed_from: Path | None
) -> None:
    """Train; after Ctrl-C say how to go on, and exit.

    Raises:
        SystemExit: After Ctrl-C, with exit code 130.
    """
    try:
        trainer.fit(module, datamodule=data, ckpt_path=resumed_from, weights_only=True)
    except SystemExit:  # Lightning's answer to Ctrl-C
        if not trainer.interrupted:
            raise
        last = checkpoints(trainer).last_model_path
        advice = f"go on with ckpt_path={last}" if last else "no epoch was finished, none is saved"
        logger.warning("Stopped in epoch %d: %s", trainer.current_epoch + 1, advice)
        raise SystemExit(130) from None


def checkpoints(trainer: Trainer) -> BestAndLast:
    """Return the callback that keeps the checkpoints."""
    return next(c for c in trainer.checkpoint_callbacks if isinstance(c, BestAndLast))


def finish(
    trainer: Trainer,
    network: nn.Module,
    data: PatchData,
    run: report.Run,
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
    found = content["state_dict"].items()  # a projection head is left behind
    network.load_state_dict(
        {name.removeprefix("network."): v for name, v in found if name.startswith("network.")}
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
    record = metrics | {"settings": shareable(run.settings), "versions": report.versions()}
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
    typed = [str(i) for i in HydraConfig.get().overrides.task] if HydraConfig.initialized() else []
    dataset = [i for i in typed if i.startswith(("dataset", "patch.size=", "patch.unit="))]
    images = [i for i in typed if i.startswith("paths.images=")]
    if len(data.stacks) > 1 or data.stacks[0].name == "packaged":
        words = ["emqs.evaluate", "dataset=toy"]
    elif data.stacks[0].labels is not None:
        words = ["emqs.evaluate", *dataset, *images]
    else:
        words = ["emqs.retrieve", *dataset, *images, "retrieve.positive=[[Z,Y,X]]"]
    return "python -m " + shlex.join([*words, f"model={model}", f"weights={path}"])


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="train")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.train``."""
    return command.run("train", cfg, train)


if __name__ == "__main__":
    command.start("train", main)
