"""HDF5 files that keep the library busy for ever are told, by a first look in another process."""

import gzip
import os
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from faults.sources import SOURCES
from support import volumes_on_disk as disk

from emqs.errors import DataError
from emqs.geometry import Box
from emqs.volumes import open_volume
from emqs.volumes.formats import first_look
from emqs.volumes.formats.hdf5 import opened_here

HEAP = b"GCOL"  # where HDF5 keeps texts; the length of the first stands 24 bytes further


@pytest.fixture
def circle(tmp_path: Path) -> Path:
    """A file of which one flipped bit makes the library walk in a circle."""
    path = tmp_path / "v.h5"
    SOURCES["hdf5 fletcher32"].make(path)
    content = bytearray(path.read_bytes())
    content[content.index(HEAP) + 24] ^= 16
    path.write_bytes(content)
    return path


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for a second, in a process of its own."""
    monkeypatch.setattr(first_look, "LONGEST_S", 1)
    monkeypatch.setattr(first_look, "_children", {})


def ends(path: Path, seconds: float) -> bool:
    """Return whether opening a file without a first look ends."""
    process = os.fork()
    if not process:
        try:
            opened_here(path, first_look.Request(), None)
        finally:
            os._exit(0)
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        if os.waitpid(process, os.WNOHANG)[0]:
            return True
        time.sleep(0.01)
    os.kill(process, 9)
    os.waitpid(process, 0)
    return False


@pytest.mark.slow
@pytest.mark.usefixtures("_short")
def test_a_file_that_keeps_the_library_busy_is_told(circle: Path) -> None:
    assert not ends(circle, 2)
    for _ in range(2):  # what ended is started again
        with pytest.raises(
            DataError, match=r"v\.h5 cannot be read as HDF5: .*busy with it after 1 s"
        ):
            open_volume(circle)
    with h5py.File(circle.with_name("w.h5"), "w") as file:
        file["raw"] = disk.VOXELS
    assert open_volume(circle.with_name("w.h5"), axes="zyx").shape == disk.VOXELS.shape


@pytest.mark.slow
@pytest.mark.usefixtures("_short")
def test_a_process_that_somebody_else_ended_is_started_again(tmp_path: Path) -> None:
    SOURCES["hdf5 gzip"].make(tmp_path / "v.h5")
    SOURCES["hdf5 gzip"].make(tmp_path / "w.h5")
    open_volume(tmp_path / "v.h5")
    child = first_look._children[os.getpid()]._process
    assert child is not None
    child.kill()
    child.wait()
    volume = open_volume(tmp_path / "w.h5")
    assert np.array_equal(volume.read(volume.box), disk.VOXELS)


def test_a_file_is_looked_at_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(first_look, "_ask", lambda child, what, content: asked.append(what))
    path = tmp_path / "v.h5"
    SOURCES["hdf5 raw"].make(path)
    for n_asked in (1, 1):
        assert open_volume(path).read(Box((0, 0, 0), (1, 1, 1))) == disk.VOXELS[0, 0, 0]
        assert len(asked) == n_asked
    open_volume(path, level=np.int64(0), voxel_size_nm=(5, 5, 5))
    assert len(asked) == 2
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    os.utime(path, ns=(0, 0))
    open_volume(path)
    assert len(asked) == 3
    assert {what["packed"] for what in asked} == {False}


def test_a_packed_file_is_looked_at_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(first_look, "_ask", lambda child, what, content: asked.append(content))
    SOURCES["hdf5 raw"].make(tmp_path / "v.h5")
    content = (tmp_path / "v.h5").read_bytes()
    (tmp_path / "v.h5.gz").write_bytes(gzip.compress(content))
    assert open_volume(tmp_path / "v.h5.gz").shape == disk.VOXELS.shape
    assert asked == [content]
