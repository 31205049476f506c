"""The small file with which a server knows a volume: ``HOME/datasets/NAME.yaml``."""

import re
from pathlib import Path

import yaml

from emqs.errors import ConfigError
from emqs.files import write_text

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")  # as a server allows it


def place(home: Path, out: Path) -> Path:
    """Return where the file of a volume lies in the home folder of a server.

    Raises:
        ConfigError: If the volume's name is none for a dataset, or the file is of another volume.
    """
    if not NAME.fullmatch(out.stem):
        raise ConfigError(
            f"out={out} cannot become a dataset of {home}: its name must have 1 to 100 letters, "
            "digits, dots, dashes and underscores, and begin with a letter or digit."
        )
    path = home / "datasets" / f"{out.stem}.yaml"
    if path.exists() and _volume(path) != str(out.resolve()):
        raise ConfigError(
            f"{path} describes another volume, {_volume(path) or 'or none'}. Give another out=, or "
            "remove that file."
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
    content: dict[str, object] = {"title": out.stem, "visibility": "private", "volume": volume}
    if even:
        layer = {"name": "even", "kind": "image", "source": volume, "dataset": "even"}
        content["layers"] = [layer]
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
