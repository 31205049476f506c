"""What a kind of job is, and what all kinds need: arguments of commands, layers, new names."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from emqs.errors import ConfigError
from emqs.web import catalogue
from emqs.web.catalogue import Layer
from emqs.web.home import Home
from emqs.web.job_queue import Job

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
Name = Field(pattern=NAME)
Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Work:
    """What a worker does for a job.

    Attributes:
        arguments: Of Python, e.g. ``("-m", "emqs.embed", ...)``.
        finish: Writes what was made into the database; returns what clients see of it.
        probe: Returns how far it is and a few words, where the command itself does not say.
    """

    arguments: tuple[str, ...]
    finish: Callable[[Connection], dict[str, Any]]
    probe: Callable[[], tuple[float, str] | None] | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of job.

    Attributes:
        role: That somebody needs in the dataset.
        settings: Class of its settings.
        prepare: Returns the work of a job, given the database, the home and a scratch folder.
    """

    role: str
    settings: type[BaseModel]
    prepare: Callable[[Connection, Home, Job, Path], Work]


class Settings(BaseModel):
    """Settings of a kind of job; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")


def override(key: str, value: object) -> str:
    """Return ``key=value`` as Hydra reads it, whatever is in the value.

    Raises:
        ConfigError: If the value would be read as something else.
    """
    return f"{key}={_written(key, value)}"


def _written(key: str, value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(_written(key, one) for one in value)}]"
    text = str(value)
    if "\\" in text or "${" in text or any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise ConfigError(
            f"{key} must hold no backslash, no '${{' and no control characters, got {text!r}."
        )
    return "'" + text.replace("'", "\\'") + "'"


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """Return the arguments of Python that run a module."""
    return "-m", name, *arguments


def layer_of(connection: Connection, job: Job, name: str) -> Layer:
    """Return a layer that the owner of a job sees."""
    return catalogue.layer(connection, dataset_of(job), name, job.owner_id)


def dataset_of(job: Job) -> str:
    """Return the id of the dataset that a job belongs to.

    Raises:
        ConfigError: If it belongs to none.
    """
    if job.dataset_id is None:
        raise ConfigError(f"A job of the kind {job.kind} needs a dataset.")
    return job.dataset_id


def target(home: Home, job: Job, name: str) -> Path:
    """Return where a job writes what is kept: a name in the dataset's folder of the home."""
    folder = home.layers / dataset_of(job)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name
