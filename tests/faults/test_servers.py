"""A volume on a server that answers wrongly is the same, or is told: as it is read."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from faults.commands import served
from support.embedded_volumes import VOXEL_NM, voxels
from support.failing_server import Server, asked_with

from emqs.errors import DataError
from emqs.geometry import Box
from emqs.volumes import chunks, open_volume, write_ome_zarr
from emqs.volumes.formats.precomputed_chunks import Chunks

BOX = Box((1, 0, 0), (2, 40, 70))
PARTS = Box((0, 0, 64), (2, 40, 70))  # of no file all
WHOLE_TOO = ("whole", "other range")  # right, or not to be known, where all of a file is asked for
CHUNKS = r"/c/|shard$|/\d+-"
NAMES = ("v.zarr", "sharded.zarr", "v.precomputed", "shards.precomputed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("served")
    write_ome_zarr(top / "v.zarr", voxels(3), VOXEL_NM, (1, 64, 64))
    served(top)
    return top


@pytest.fixture
def well(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server, and little patience with it."""
    monkeypatch.setattr(chunks, "LOOK_S", 0.02)
    few = {"max_retries": 2, "initial_delay": "1ms", "max_delay": "2ms"}
    with asked_with(few, folder, monkeypatch) as server:
        yield server


def read(server: Server, name: str, box: Box = BOX) -> np.ndarray:
    """Read a part of a volume, of which all chunks are answered as the server is told."""
    server.only = CHUNKS
    return open_volume(f"{server.url}/{name}").read(box)


@pytest.mark.parametrize("name", NAMES)
def test_parts_of_files_are_asked_for_and_come(well: Server, name: str) -> None:
    assert np.array_equal(read(well, name), voxels(3)[BOX.slices])
    assert bool(well.ranges) == name.startswith("shard")
    assert all(stated.startswith("bytes=") for _, stated in well.ranges)


@pytest.mark.parametrize("name", ["sharded.zarr", "shards.precomputed"])
@pytest.mark.parametrize("how", ["whole", "other range", "shorter", "empty", "page"])
def test_a_part_that_is_another_one_is_told(well: Server, name: str, how: str) -> None:
    for n_right in range(3):
        well.failures, well.always = [None] * n_right, how
        with pytest.raises(DataError, match=r"cannot be read.*([Rr]ange|digest|size)") as told:
            read(well, name, PARTS if how in WHOLE_TOO else BOX)
        assert well.url in str(told.value)
        assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", NAMES)
def test_the_status_of_a_server_that_always_fails_is_told(well: Server, name: str) -> None:
    well.always = "503"
    with pytest.raises(DataError, match=r"after several attempts.*HTTP code 503") as told:
        read(well, name)
    assert f"{well.url}/{name}" in str(told.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_server_that_fails_now_and_then_is_asked_again(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One part may meet all five failures, since others that are asked for take what is right."""
    monkeypatch.setattr(chunks, "LOOK_S", 0.02)
    more = {"max_retries": 9, "initial_delay": "1ms", "max_delay": "2ms"}
    with asked_with(more, folder, monkeypatch) as server:
        server.failures = ["500", None, "cut", None, "drop", None, "429", None, "cut pieces"]
        assert np.array_equal(read(server, name), voxels(3)[BOX.slices])
        assert "500" not in server.failures


def test_an_answer_without_an_end_is_stopped_by_the_memory_that_it_takes(
    well: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "MOST_MEMORY_BYTES", 2**24)
    monkeypatch.setattr(chunks, "WAIT_S", 60.0)
    before = chunks.peak_memory_bytes()
    well.always = "endless"
    with pytest.raises(DataError, match=r"the server has sent \d+\.\d GB, and no end"):
        read(well, "v.zarr")
    assert chunks.peak_memory_bytes() - before < 2**29


@pytest.mark.parametrize("name", ["v.zarr", "v.precomputed"])
def test_an_answer_that_drips_is_stopped_by_the_time(
    well: Server, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "WAIT_S", 0.5)
    monkeypatch.setattr(Chunks, "_most", lambda self, box: 0)
    well.always = "drip"
    with pytest.raises(DataError, match=r"http://\S+ did not answer within \d s"):
        read(well, name)


def test_a_chunk_has_time_for_its_bytes_and_not_for_a_gigabyte(
    well: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, wait = [], chunks.wait

    def waiting(start: Callable[[], object], n_bytes: int, what: str) -> object:
        asked.append(n_bytes)
        return wait(start, n_bytes, what)

    monkeypatch.setattr(chunks, "wait", waiting)
    assert open_volume(f"{well.url}/v.precomputed").shape == voxels(3).shape
    assert 64 * 64 < max(asked) < 2**22
