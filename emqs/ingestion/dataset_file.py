"""The small file with which a server knows a volume: ``HOME/datasets/NAME.yaml``."""

import json
import re
from pathlib import Path

import yaml

from emqs.errors import ConfigError
from emqs.files import write_text

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")  # as a server allows it


def place(home: Path, volume: Path | str) -> Path:
    """Return where the file of a volume lies in the home folder of a server.

    Args:
        home: The folder.
        volume: Path or address; what stands before the last dot of its name names the dataset.

    Raises:
        ConfigError: If the volume's name is none for a dataset, or the file is of another volume.
    """
    name = Path(str(volume).rstrip("/")).stem
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"{volume} cannot become a dataset of {home}: its name must have 1 to 100 letters, "
            "digits, dots, dashes and underscores, and begin with a letter or digit."
        )
    path = home / "datasets" / f"{name}.yaml"
    known = volume if "://" in str(volume) else Path(volume).resolve()
    if path.exists() and _volume(path) != str(known):
        raise ConfigError(
            f"{path} describes another volume, {_volume(path) or 'or none'}. Give a volume of "
            "another name, or remove that file."
        )
    return path


def write(home: Path, out: Path, *, even: bool) -> Path:
    """Describe a volume in the home folder of a server; a file that is there stays as it is.

    Args:
        home: The folder; made if it is missing.
        out: The volume.
        even: Whether it holds an evened image, which becomes a layer.

    Raises:
        ConfigError: As of ``place``.
    """
    path = place(home, out)
    if path.exists():  # somebody may have given rights in it
        return path
    volume = str(out.absolute())
    content = _described(path, volume)
    if even:
        layer = {"name": "even", "kind": "image", "source": volume, "dataset": "even"}
        content["layers"] = [layer]
    return _written(home, path, content)


def make_searchable(home: Path, volume: str, store: str | Path) -> Path:
    """Name an embedding volume in the file of its volume, which is made if it is missing.

    The rest of a file that is there stays as it is, letter by letter.

    Args:
        home: Home folder of a server; made if it is missing.
        volume: Path or address.
        store: Path or address of the embedding volume.

    Raises:
        ConfigError: As of ``place``, or if the file names another embedding volume.
    """
    path = place(home, volume)
    own = str(store) if "://" in str(store) else str(Path(store).absolute())
    if not path.exists():
        return _written(home, path, {**_described(path, volume), "store": own})
    text = path.read_text(encoding="utf-8")
    known = yaml.safe_load(text).get("store")
    if known is None:
        return write_text(path, f"{text.rstrip()}\nstore: {json.dumps(own)}\n")
    listed = known if isinstance(known, list) else [known]
    if own not in {str(one) for one in listed} | {
        str((path.parent / Path(str(one)).expanduser()).absolute()) for one in listed
    }:
        raise ConfigError(
            f"{path} names another embedding volume, {known}. Change its line store: to {own}, or "
            "to a list of both."
        )
    return path


def _described(path: Path, volume: str) -> dict[str, object]:
    return {"title": path.stem, "visibility": "private", "volume": volume}


def _written(home: Path, path: Path, content: dict[str, object]) -> Path:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.mkdir(exist_ok=True)
    return write_text(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def _volume(path: Path) -> str | None:
    """Return which volume a file describes; None if it describes none."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    volume = content.get("volume") if isinstance(content, dict) else None
    if not isinstance(volume, str) or "://" in volume:
        return volume if isinstance(volume, str) else None
    return str((path.parent / Path(volume).expanduser()).resolve())
