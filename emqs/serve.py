"""The platform in the browser and as a REST API: search, annotate, review.

python -m emqs.serve demo=true
"""

import gc
import importlib
import os
import sys
from pathlib import Path

import hydra
from omegaconf import DictConfig

from emqs.errors import ConfigError, EmqsError, require
from emqs.runs import command
from emqs.settings import CONFIG_DIR, read
from emqs.web.settings import ServeConfig, StartConfig

TASKS = ("serve", "backup", "restore")


def work(cfg: DictConfig) -> None:
    """Do what ``python -m emqs.serve`` was asked to.

    Args:
        cfg: The composed configuration of ``configs/serve.yaml``.

    Raises:
        EmqsError: If a setting is wrong, or the database or a dataset cannot be read.
    """
    if cfg.task not in TASKS:
        raise ConfigError(f"task must be one of {', '.join(TASKS)}, got {cfg.task}.")
    settings = read(ServeConfig, cfg.serve, "serve")
    start = read(StartConfig, {name: cfg[name] for name in StartConfig.names()}, "")
    # searches run beside each other; each with threads of its own would only wait for the others'
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported
    for package in ("fastapi", "uvicorn", "sqlalchemy", "alembic", "pwdlib", "authlib"):
        require(package, extra="serve", purpose="serve")
    gc.disable()  # what is imported is no garbage, and looking for some takes an eighth of the time
    from emqs.web import backup, server

    if cfg.task == "serve" and start.workers == 1:
        importlib.import_module("emqs.web.app")  # else it is imported by each of the processes
    gc.freeze()
    gc.enable()
    if cfg.task == "serve":
        server.run(settings, start)
    elif cfg.task == "backup":
        _named(cfg, "out")
        print(f"Backup: {backup.write(server.home_of(start), Path(str(cfg.out)))}")  # noqa: T201
    else:
        _named(cfg, "from")
        backup.restore(server.home_of(start), Path(str(cfg["from"])))
        print(f"Restored: {start.home}")  # noqa: T201


def _named(cfg: DictConfig, name: str) -> None:
    if cfg[name] is None:
        raise ConfigError(f"{name} is missing: give it as {name}=FOLDER.")


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="serve")
def main(cfg: DictConfig) -> None:
    """Run ``python -m emqs.serve``."""
    try:
        command.resolved(cfg)
        work(cfg)
    except EmqsError as error:
        sys.exit(f"emqs.serve: {command.one_line(error)}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    command.start("serve", main)
