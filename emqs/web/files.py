"""Datasets that files describe: ``datasets/NAME.yaml`` in the home folder of a server."""

import logging
from hashlib import sha256
from pathlib import Path

from sqlalchemy import select

from emqs.annotations.database import Database
from emqs.annotations.schema import server_settings
from emqs.errors import ConfigError, DataError, EmqsError
from emqs.web import registry
from emqs.web.home import Home

logger = logging.getLogger(__name__)

PREFIX = "dataset file "  # of the keys under which the state of files is remembered


def synchronise(database: Database, home: Home, wrong: dict[str, str] | None = None) -> list[str]:
    """Bring datasets up to date with their files; those whose files went away stay.

    A file that was not changed since is not opened again. One that is wrong is told of in the log,
    and the others are done.

    Args:
        database: Is written to.
        home: Folder of the server.
        wrong: Digests of files that were told of before, by name; is kept up to date.

    Returns:
        The names of the datasets that were added or changed.
    """
    wrong = {} if wrong is None else wrong
    with database.read() as connection:
        keys = server_settings.c
        rows = connection.execute(select(keys.key, keys.value).where(keys.key.startswith(PREFIX)))
        known = {row.key.removeprefix(PREFIX): row.value for row in rows}
    changed = []
    for path in sorted(home.datasets.glob("*.yaml")):
        content = path.read_bytes()
        mark = sha256(content).hexdigest()
        if mark in (known.get(path.stem), wrong.get(path.stem)):
            continue
        try:
            add(database, path, mark)
        except EmqsError as error:
            logger.error("%s: %s", path, error)
            wrong[path.stem] = mark
        else:
            changed.append(path.stem)
            logger.info("dataset %s: read from %s", path.stem, path)
    return changed


def add(database: Database, path: Path, mark: str) -> None:
    """Add the dataset of a file, or bring it up to date.

    Raises:
        ConfigError: If the file describes no dataset.
        DataError: If the file or the volume cannot be read.
    """
    draft = read(path)
    measured = registry.measured(draft)
    key = f"{PREFIX}{path.stem}"
    with database.write() as connection:
        registry.add(connection, draft, measured, created_by=None, replace=True)
        connection.execute(server_settings.delete().where(server_settings.c.key == key))
        connection.execute(server_settings.insert().values(key=key, value=mark))


def read(path: Path) -> registry.Draft:
    """Return the dataset that a file describes.

    Raises:
        ConfigError: If it describes none.
        DataError: If it cannot be read.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    try:
        given = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except (OSError, YAMLError, ValueError, OmegaConfBaseException) as error:
        raise DataError(f"{path} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(given, dict):
        raise ConfigError(f"{path} must hold keys such as volume: PATH.")
    plain = {str(key): value for key, value in given.items()}
    return registry.draft(path.stem, plain, beside=path.parent)
