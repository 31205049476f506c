"""The file with which a server knows a volume, and its embedding volume."""

from pathlib import Path

import numpy as np
import pytest

from emqs.errors import ConfigError
from emqs.ingestion import dataset_file
from emqs.volumes import write_ome_zarr


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    path = tmp_path / "brain.zarr"
    write_ome_zarr(path, np.zeros((2, 8, 8), np.uint8), (30.0, 8.0, 8.0), (1, 8, 8))
    return path


def test_an_embedding_volume_is_named_and_the_rest_stays(tmp_path: Path, volume: Path) -> None:
    from emqs.web import files

    home, store = tmp_path / "lab", tmp_path / "brain: emb.zarr"
    path = dataset_file.make_searchable(home, str(volume), store)
    assert path == home / "datasets" / "brain.yaml"
    draft = files.read(path)  # as the server reads it
    assert draft.volume == str(volume)
    assert draft.stores == (str(store),)
    first = path.read_text()
    assert dataset_file.make_searchable(home, str(volume), store).read_text() == first

    by_hand = f"# ours\nvolume: {volume}\ngrants: {{users: {{ann: reviewer}}}}"
    path.write_text(by_hand)
    dataset_file.make_searchable(home, str(volume), store)
    assert path.read_text().startswith(by_hand + "\n")
    assert files.read(path).stores == (str(store),)
    with pytest.raises(ConfigError, match="names another embedding volume"):
        dataset_file.make_searchable(home, str(volume), tmp_path / "other.zarr")


def test_an_address_is_a_volume_too(tmp_path: Path) -> None:
    address = "https://data.example.org/brain.zarr"
    path = dataset_file.make_searchable(tmp_path, address, tmp_path / "emb.zarr")
    assert path.stem == "brain"
    assert dataset_file.place(tmp_path, address) == path
    with pytest.raises(ConfigError, match=r"brain\.yaml describes another volume"):
        dataset_file.place(tmp_path, tmp_path / "brain.zarr")
