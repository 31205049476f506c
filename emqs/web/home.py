"""The folder a server keeps its things in, and where in it each thing lies."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """A folder of a server, and the database that belongs to it."""

    folder: Path
    database: str | None = None  # address of a database; None: an SQLite file in the folder

    @property
    def database_url(self) -> str:
        """Address of the database for SQLAlchemy; may hold a password, so it is never shown."""
        return self.database or f"sqlite:///{(self.folder / 'emqs.db').absolute()}"

    @property
    def datasets(self) -> Path:
        """Folder of ``NAME.yaml`` files, one for each dataset."""
        return self.folder / "datasets"

    @property
    def files(self) -> Path:
        """Folder of the toy's volumes, and whatever else is put there."""
        return self.folder / "files"

    @property
    def layers(self) -> Path:
        """Folder of what users upload and jobs make."""
        return self.folder / "layers"

    @property
    def cache(self) -> Path:
        """Folder of what can be made again: averaged levels, snapshots."""
        return self.folder / "cache"

    def make(self) -> None:
        """Make the folders that are missing; only the owner may look into them."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.datasets, self.layers, self.cache):
            folder.mkdir(exist_ok=True)
