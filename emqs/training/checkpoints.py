"""Checkpoints: read, compared with the settings, gone on with."""

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer

from emqs.errors import ConfigError, WeightsError
from emqs.training.callbacks import LAST, BestAndLast

logger = logging.getLogger(__name__)

CAME_LATER = {"data.crop_size": None, "data.places": 12}  # settings, and what runs before them had


def what_decides(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that decide what a training computes, by their full names.

    A run can only be resumed with the same ones. Where files lie, how long it runs, what is drawn
    and which processes cut patches may change; with a cosine schedule the length may only grow.
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
    before = CAME_LATER | before | {"devices": content["emqs"]["devices"]}
    length, longer = "trainer.max_epochs", trainer.max_epochs or 0
    grows = length in before and length in now and before[length] < longer  # of a cosine
    for name in sorted({*before, *now} - ({length} if grows else set())):
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
    if grows:
        logger.warning(
            "The run of %s was to have %d epochs, and now has %d: from epoch %d on, the learning "
            "rate follows the cosine of a run of %d epochs, and so may rise at first.",
            path, before[length], longer, done + 1, longer,
        )  # fmt: skip


def checkpoints(trainer: Trainer) -> BestAndLast:
    """Return the callback that keeps the checkpoints."""
    return next(c for c in trainer.checkpoint_callbacks if isinstance(c, BestAndLast))
