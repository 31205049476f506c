"""What happens beside training: checkpoints, the history of losses, pictures, progress."""

import io
import logging
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import (
    EarlyStopping,
    LearningRateMonitor,
    ModelCheckpoint,
    RichProgressBar,
)
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor

from emqs.errors import DataError
from emqs.figures import sheets, style
from emqs.files import replacing
from emqs.runs.record import Run
from emqs.training.settings import CallbacksConfig

logger = logging.getLogger(__name__)

MONITOR = "val/loss"
CHECKPOINTS = "checkpoints"  # folder inside the run's folder
LAST = "last.ckpt"


class WholeFiles(TorchCheckpointIO):
    """Writes each checkpoint beside its place, then there: a full disk leaves the one before.

    Lightning's own way writes into the folder for temporary files, which may lie on another disk,
    so that a copy is made in place of the checkpoint, and may be cut off.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: object = None
    ) -> None:
        """Write a checkpoint.

        Args:
            checkpoint: What it holds.
            path: Its file; folders above it are made.
            storage_options: Of other ways to write; there are none here.

        Raises:
            OSError: If the disk refuses it; the file is as it was.
        """
        if storage_options is not None:
            raise TypeError("a checkpoint is a file, which has no storage options")
        content = io.BytesIO()
        torch.save(checkpoint, content)
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as temporary:
            temporary.write_bytes(content.getbuffer())


class BestAndLast(ModelCheckpoint):
    """Keeps the checkpoint of the best epoch, ``epoch_003-val_0.1234.ckpt``, and ``last.ckpt``.

    A run that is resumed in another folder starts by copying the best checkpoint so far, so each
    run's folder is complete.
    """

    def __init__(self, folder: Path, *, resumed_from: Path | None) -> None:
        """Set the names.

        Args:
            folder: Where checkpoints go.
            resumed_from: The checkpoint that the run goes on from, beside the best one so far.
        """
        self.resumed_from = resumed_from
        super().__init__(
            dirpath=folder,
            filename=f"epoch_{{epoch:03d}}-val_{{{MONITOR}:.4f}}",
            auto_insert_metric_name=False,  # no "=" in names: Hydra could not read them
            monitor=MONITOR,
            mode="min",
            save_top_k=1,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the best if it is, and the last always; Lightning's own waits for a new best."""
        super().on_train_epoch_end(trainer, pl_module)
        self.last_model_path = str(Path(self.dirpath or ".") / LAST)
        trainer.save_checkpoint(self.last_model_path)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the best checkpoint of the run that is resumed.

        Raises:
            DataError: If it does not lie beside the checkpoint that is resumed from.
        """
        if self.resumed_from is None or self.dirpath is None:
            raise DataError("A checkpoint can only be resumed with ckpt_path=.")
        name = Path(state_dict["best_model_path"]).name
        old, new = self.resumed_from.parent / name, Path(self.dirpath) / name
        if not old.is_file():
            raise DataError(
                f"The best checkpoint so far, {name}, does not lie beside {self.resumed_from}. "
                "Copy the whole checkpoints folder, or start a new run without ckpt_path."
            )
        if old.resolve() != new.resolve():
            new.parent.mkdir(parents=True, exist_ok=True)
            with replacing(new) as temporary:
                shutil.copyfile(old, temporary)
        score = state_dict["best_model_score"]
        moved = {
            "dirpath": self.dirpath,
            "best_model_path": str(new),
            "best_k_models": {str(new): score},
            "kth_best_model_path": str(new),
            "last_model_path": "",
        }
        super().load_state_dict(state_dict | moved)


class History(Callback):
    """Keeps the losses of every epoch, across a resumed run too, and writes ``history.csv``."""

    def __init__(self, run: Run) -> None:
        """Start empty."""
        self.run = run
        self.epochs: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Add an epoch."""
        losses = {
            name.removesuffix("_epoch"): float(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith(("train/", "val/")) and not name.endswith("_step")
        }
        row = {"epoch": float(trainer.current_epoch), **losses}
        self.epochs.append(dict(sorted(row.items())))
        if trainer.is_global_zero:
            self.run.save_csv("history.csv", self.columns())

    def columns(self) -> dict[str, list[float]]:
        """Return the history by name."""
        return {name: [row[name] for row in self.epochs] for name in self.epochs[0]}

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"epochs": [dict(row) for row in self.epochs]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the history of the run that is resumed."""
        self.epochs = [dict(row) for row in state_dict["epochs"]]


class Progress(RichProgressBar):
    """The bar of an epoch with the time left, without the number of the log's version."""

    def get_metrics(
        self, trainer: Trainer, pl_module: LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """Return what stands behind the bar."""
        shown = super().get_metrics(trainer, pl_module)
        shown.pop("v_num", None)
        return shown


class EpochLines(Callback):
    """One line for each epoch, for a log file or a pipe, where a progress bar cannot be drawn."""

    def __init__(self) -> None:
        """Start the clock."""
        self.started = time.monotonic()
        self.first = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Start the clock."""
        self.started, self.first = time.monotonic(), trainer.current_epoch

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Write the line."""
        if not trainer.is_global_zero:
            return
        metrics = trainer.callback_metrics
        done, last = trainer.current_epoch + 1, trainer.max_epochs or 0
        each = (time.monotonic() - self.started) / (done - self.first)
        logger.info(
            "epoch %d of %d: training loss %.5f, validation loss %.5f, %.1f s an epoch, %s left",
            done,
            last,
            metrics["train/loss_epoch"],
            metrics[MONITOR],
            each,
            duration((last - done) * each),
        )


def duration(seconds: float) -> str:
    """Return seconds as ``h:mm:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


class ReconstructionPictures(Callback):
    """Draws validation patches and what the network makes of them, every few epochs."""

    def __init__(self, run: Run, patches: Tensor, *, every: int) -> None:
        """Keep the patches.

        Args:
            run: Pictures go into ``figures`` inside its folder, and to its loggers.
            patches: Shape ``(n, 1, H, W)``, in [0, 1].
            every: Epochs between two pictures; the last epoch is drawn too.
        """
        self.run, self.patches, self.every = run, patches, every

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw."""
        done = trainer.current_epoch + 1
        due = done % self.every == 0 or trainer.should_stop or done == trainer.max_epochs
        if not (due and trainer.is_global_zero):
            return
        pl_module.eval()
        with torch.no_grad():
            made = pl_module(self.patches.to(pl_module.device)).float().cpu()
        pl_module.train()
        figure = sheets.reconstructions(self.patches[:, 0].numpy(), made[:, 0].clamp(0, 1).numpy())
        path = self.run.folder / "figures" / f"reconstructions_epoch_{done:03d}.png"
        self.run.log_figure(style.save(figure, path))


def build(
    config: CallbacksConfig,
    run: Run,
    examples: Tensor | None,
    *,
    resumed_from: Path | None,
    logs: bool,
) -> list[Callback]:
    """Return all callbacks of a training.

    Args:
        config: Which, and how often.
        run: Where things go.
        examples: Validation patches to draw, shape ``(n, 1, H, W)``; None: nothing to draw.
        resumed_from: The checkpoint that the run goes on from.
        logs: Whether there is a logger that learning rates can go to.
    """
    callbacks: list[Callback] = [
        History(run),
        BestAndLast(run.folder / CHECKPOINTS, resumed_from=resumed_from),
    ]
    if config.patience is not None:
        callbacks.append(
            EarlyStopping(
                MONITOR, patience=config.patience, min_delta=config.min_delta, check_finite=False
            )
        )
    if logs:
        callbacks.append(LearningRateMonitor(logging_interval="step"))
    if examples is not None and config.reconstructions_every > 0:
        callbacks.append(ReconstructionPictures(run, examples, every=config.reconstructions_every))
    callbacks.append(Progress() if sys.stdout.isatty() else EpochLines())
    return callbacks
