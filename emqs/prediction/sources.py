"""Where the volume and the weights lie that an embedding volume was made with."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from emqs.embedding.stores import SearchableStore
from emqs.errors import WeightsError
from emqs.files import sha256

WEIGHTS = "*.safetensors"


@dataclass(frozen=True)
class Source:
    """Where an embedding volume lies, in plain values that go to another process.

    Attributes:
        store: Its folder.
        mark: What changes whenever it does.
        volumes: Where the volume may lie that it was made of.
        folders: Where the weights may lie.
    """

    store: str
    mark: str
    volumes: tuple[str, ...]
    folders: tuple[str, ...]


def volume_of(store: SearchableStore, volumes: Sequence[str]) -> str | None:
    """Return which of several volumes an embedding volume was made of.

    Args:
        store: The embedding volume.
        volumes: Paths or addresses; the one that the store names, else the first, for a volume may
            have been moved. Whether it has the same shape is looked at later.
    """
    name = str(store.manifest["volume"]["name"])
    return name if name in volumes else next(iter(volumes), None)


def weights_of(store: SearchableStore, folders: Sequence[Path]) -> Path:
    """Return the file with the weights that an embedding volume was made with.

    Args:
        store: The embedding volume; made by a model that has weights.
        folders: Looked through in this order, files of the model's name first.

    Raises:
        WeightsError: If none of the files is it.
    """
    made_with = store.manifest["model"]
    name, digest = str(made_with["name"]), made_with["weights_sha256"]
    for folder in folders:
        files = sorted(folder.glob(WEIGHTS), key=lambda path: not path.name.startswith(name))
        for path in files:
            status = path.stat()
            if _digest(path, status.st_size, status.st_mtime_ns) == digest:
                return path
    raise WeightsError(
        f"{Path(store.name).name} was embedded with weights of {name} that lie in none of "
        f"{', '.join(str(folder) for folder in folders)}. Put the file there."
    )


@lru_cache(maxsize=256)
def _digest(path: Path, _size: int, _changed_ns: int) -> str:
    return sha256(path)
