"""Label volumes: measure codecs, convert, verify, ask for labels, recommend a codec.

python -m emqs.compress task=bench
python -m emqs.compress task=convert source=PATH target=PATH.zarr
"""

import logging
from collections.abc import Callable
from dataclasses import fields

import hydra
from omegaconf import DictConfig, OmegaConf

from emqs.labels.settings import CompressConfig
from emqs.runs import command, record
from emqs.settings import CONFIG_DIR, read

logger = logging.getLogger(__name__)


def compress(cfg: DictConfig, run: record.Run) -> float | None:
    """Do one task, as the settings say.

    Args:
        cfg: The composed configuration of ``configs/compress.yaml``.
        run: Where results go.

    Returns:
        What a sweep may optimise, or None.
    """
    names = [part.name for part in fields(CompressConfig)]
    top = {name: cfg[name] for name in names}
    for name in ("encoding", "compressor"):  # one name, or several in brackets
        if OmegaConf.is_list(top[name]):
            top[name] = ",".join(map(str, top[name]))
    settings = read(CompressConfig, top, "")
    from emqs.labels import tasks as work  # settings are right, so what takes seconds is worth it

    tasks: dict[str, Callable[[DictConfig, CompressConfig, record.Run], float | None]] = {
        "bench": work.bench_task,
        "convert": work.convert_task,
        "verify": work.verify_task,
        "labels": work.labels_task,
        "recommend": work.recommend_task,
    }
    return tasks[settings.task](cfg, settings, run)


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="compress")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.compress``."""
    return command.run("compress", cfg, compress)


if __name__ == "__main__":
    command.start("compress", main)
