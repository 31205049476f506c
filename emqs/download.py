"""Fetch a public dataset into ``images/NAME/raw`` and ``images/NAME/labels``.

::

    python -m emqs.download dataset=EPFL
"""

import logging
from pathlib import Path

import hydra
from omegaconf import DictConfig

from emqs.datasets.settings import DatasetConfig, DownloadConfig
from emqs.errors import ConfigError
from emqs.runs import command, record
from emqs.runs.settings import PathsConfig
from emqs.settings import CONFIG_DIR, read

logger = logging.getLogger(__name__)


def fetch_dataset(cfg: DictConfig, run: record.Run) -> None:
    """Read the settings, fetch, and say what was made.

    Raises:
        ConfigError: If no dataset is chosen.
    """
    if cfg.get("dataset") is None:
        from emqs.datasets.download import PARTS

        raise ConfigError(f"Which dataset? Give dataset=NAME; it is one of {', '.join(PARTS)}.")
    dataset = read(DatasetConfig, cfg.dataset, "dataset")
    paths = read(PathsConfig, cfg.paths, "paths")
    settings = read(DownloadConfig, cfg.download, "download")

    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    from emqs.datasets.download import download  # settings are right: now what takes a second

    bars = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    progress = Progress(*bars, TimeRemainingColumn())
    made = download(dataset.name, Path(paths.images), settings, progress=progress)
    run.save_json("download.json", {"folders": [str(folder) for folder in made]})
    for folder in made:
        print(f"{folder}: {len(list((folder / 'raw').iterdir()))} slices")  # noqa: T201
    print(f"Next: python -m emqs.evaluate dataset={dataset.name}")  # noqa: T201


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="download")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.download``."""
    return command.run("download", cfg, fetch_dataset)


if __name__ == "__main__":
    command.start("download", main)
