"""Embedding while sources fail and disks fill up: a clear stop, and the next run goes on."""

import json
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.embedded_volumes import VOXEL_NM, contents, filled, model, voxels
from support.failing_server import Server
from support.faults import small_disk

from emqs.embedding.build import verify
from emqs.embedding.stores.grid import Triple
from emqs.embedding.stores.zarr import EmbeddingStore, open_store
from emqs.errors import ConfigError, DataError
from emqs.volumes import chunks, from_array, open_volume, seals, write_ome_zarr

DEPTH = 3


def arrays(path: Path) -> dict[str, bytes]:
    """Return all files of an embedding volume but the one that says where the source lies."""
    return {name: content for name, content in contents(path).items() if name != "zarr.json"}


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Read every chunk when it is needed, however small the volume."""
    monkeypatch.setattr(chunks, "CACHE_BYTES", 0)
    chunks._context.cache_clear()
    yield
    chunks._context.cache_clear()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "v.zarr"
    write_ome_zarr(path, voxels(DEPTH), VOXEL_NM, (1, 32, 32))
    return path


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("expected")
    write_ome_zarr(folder / "v.zarr", voxels(DEPTH), VOXEL_NM, (1, 32, 32))
    return arrays(filled(folder / "a.zarr", open_volume(folder / "v.zarr")).store.path)


def whole(path: Path) -> bool:
    """Return whether every block that is there is there as a whole, and nothing else is."""
    there = open_store(path)
    names = [file.name for file in path.rglob("*") if file.is_file()]
    stray = [name for name in names if not name.isdecimal() and name not in ("zarr.json", "0")]
    return all(there.is_done(block) for block in there.done()) and stray == []


def test_a_server_that_fails_now_and_then_changes_nothing(
    tmp_path: Path, source: Path, expected: dict[str, bytes], server: Server
) -> None:
    often = [None] * 9
    server.failures = [*often, "500", *often, "503", *often, "drop", *often, "cut"] * 9
    made = filled(tmp_path / "a.zarr", open_volume(f"{server.url}/v.zarr"))
    assert len(server.failures) < 9 * 40 - 80  # every way of failing was met twice at least
    assert arrays(made.store.path) == expected


@pytest.mark.parametrize(
    "failure",
    [
        "404",
        pytest.param("500", marks=pytest.mark.slow),
        pytest.param("drop", marks=pytest.mark.slow),
    ],
)
def test_a_server_that_keeps_failing_stops_and_the_next_run_goes_on(
    failure: str, tmp_path: Path, source: Path, expected: dict[str, bytes], server: Server
) -> None:
    path = tmp_path / "a.zarr"
    volume = open_volume(f"{server.url}/v.zarr")
    write, blocks = EmbeddingStore.write, []

    def writing(
        store: EmbeddingStore, block: Triple, codes: np.ndarray, valid: np.ndarray, made_of: int
    ) -> None:
        write(store, block, codes, valid, made_of)
        blocks.append(block)
        server.always = failure if len(blocks) == 4 else server.always

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EmbeddingStore, "write", writing)
        message = r"cannot be read|no longer there|is not there"
        with pytest.raises(DataError, match=message) as caught:
            filled(path, volume)
    assert "\n" not in str(caught.value)
    assert server.url in str(caught.value)
    assert 4 <= len(blocks) < DEPTH * 4
    assert whole(path)
    server.always = None
    again = filled(path, open_volume(f"{server.url}/v.zarr"))
    assert (again.n_found, again.n_blocks) == (len(blocks), DEPTH * 4 - len(blocks))
    assert arrays(path) == expected


def test_a_folder_that_vanishes_stops_and_the_next_run_goes_on(
    tmp_path: Path, source: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.zarr"
    write = EmbeddingStore.write

    def writing(
        store: EmbeddingStore, block: Triple, codes: np.ndarray, valid: np.ndarray, made_of: int
    ) -> None:
        write(store, block, codes, valid, made_of)
        if source.exists() and block[0] == 1:
            source.rename(tmp_path / "elsewhere")

    with monkeypatch.context() as patch:
        patch.setattr(EmbeddingStore, "write", writing)
        with pytest.raises(DataError, match=r"v\.zarr/0 cannot be read: the source is no longer"):
            filled(path, open_volume(source))
    assert whole(path)
    (tmp_path / "elsewhere").rename(source)
    again = filled(path, open_volume(source))
    assert again.n_found >= 5
    assert again.n_blocks > 0
    assert arrays(path) == expected


def test_a_full_disk_is_told_and_the_next_run_goes_on(
    tmp_path: Path, source: Path, expected: dict[str, bytes]
) -> None:
    with small_disk(tmp_path / "disk", 500 * 1024):
        path = tmp_path / "disk" / "a.zarr"
        filling_up = tmp_path / "disk" / "other"
        filling_up.write_bytes(bytes(320_000))
        with pytest.raises(
            DataError, match=r"a\.zarr/\S+ cannot be written: the disk is full"
        ) as caught:
            filled(path, open_volume(source))
        assert "\n" not in str(caught.value)
        done = open_store(path).done()
        assert 0 < len(done) < DEPTH * 4
        assert whole(path)
        filling_up.unlink()
        again = filled(path, open_volume(source))
        assert again.n_found == len(done)
        assert arrays(path) == expected


def test_a_disk_that_is_full_from_the_start_keeps_nothing(tmp_path: Path, source: Path) -> None:
    with small_disk(tmp_path / "disk", 200 * 1024):
        (tmp_path / "disk" / "other").write_bytes(bytes(190_000))
        with pytest.raises(DataError, match=r"a\.zarr\S* cannot be written: .*(full|No space)"):
            filled(tmp_path / "disk" / "a.zarr", open_volume(source))
        assert [path.name for path in (tmp_path / "disk").iterdir()] == ["other"]


@contextmanager
def no_file_above(n_bytes: int) -> Iterator[None]:
    """Let the system refuse to write more into one file, as a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # half a file would be read
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = bytecode


def test_a_write_that_the_system_refuses_leaves_no_half_of_a_block(
    tmp_path: Path, source: Path, expected: dict[str, bytes]
) -> None:
    path = filled(tmp_path / "a.zarr", open_volume(source)).store.path
    victim = path / "embeddings" / "c" / "0" / "1" / "1" / "0"
    os.truncate(victim, 100)
    with no_file_above(1000), pytest.raises(DataError, match=r"a\.zarr/embeddings cannot be"):
        filled(path, open_volume(source))
    assert not victim.exists()
    assert whole(path)
    assert filled(path, open_volume(source)).n_blocks == 1
    assert arrays(path) == expected


def test_a_single_slice_and_nan_over_http(tmp_path: Path, server: Server) -> None:
    array = voxels(1).astype(np.float32)
    array[0, :30] = np.nan
    write_ome_zarr(tmp_path / "thin.zarr", array, VOXEL_NM, (1, 32, 32))
    volume = open_volume(f"{server.url}/thin.zarr")
    made = filled(tmp_path / "a.zarr", volume, model(), intensity=[0, 255])
    valid = made.store.flat()[1].reshape(made.store.grid.shape)
    assert np.array_equal(valid[0], np.repeat(np.arange(12) >= 4, 16).reshape(12, 16))
    assert (made.n_patches, made.n_skipped) == (8 * 16, 4 * 16)


@pytest.mark.slow
def test_verify_names_what_is_damaged_and_what_was_made_of_other_voxels(
    tmp_path: Path, source: Path
) -> None:
    path = filled(tmp_path / "a.zarr", open_volume(source)).store.path
    fine = verify(open_volume(source), model(), path)
    assert (fine.n_whole, fine.n_unknown, fine.damaged, fine.changed) == (DEPTH * 4, 0, (), ())
    fine.check()
    victim = path / "valid" / "c" / "2" / "0" / "1"
    victim.write_bytes(b"?" + victim.read_bytes()[1:])
    (path / "signatures" / "c" / "0" / "1" / "1").unlink()
    array = voxels(DEPTH)
    array[1, 100, 130] ^= 1  # in the last block of the second slice, and in what it sees alone
    other = tmp_path / "other.zarr"
    write_ome_zarr(other, array, VOXEL_NM, (1, 32, 32))
    before = contents(path)
    wrong = verify(open_volume(other), model(), path)
    assert wrong.missing == ((0, 1, 1),)
    assert wrong.damaged == ((2, 0, 1),)
    assert (1, 1, 1) in wrong.changed
    assert {block[0] for block in wrong.changed} == {1}
    assert wrong.n_whole == DEPTH * 4 - 2 - len(wrong.changed)
    with pytest.raises(DataError, match=r"1 blocks \(\[2, 0, 1\]\) are damaged.*made of other vox"):
        wrong.check()
    assert contents(path) == before
    with pytest.raises(ConfigError, match=r"weights_sha256=0+, but"):
        verify(open_volume(source), model(1), path)


@pytest.mark.slow
def test_ortho_blocks_know_what_they_were_made_of(tmp_path: Path) -> None:
    array = voxels(40, 104, 136)
    volume = from_array(array, (5.0, 5.0, 5.0))
    path = filled(tmp_path / "a.zarr", volume, planes="ortho").store.path
    assert verify(volume, model(), path).changed == ()
    array[16, 20, 20] ^= 1  # in a plane that is cut
    assert len(verify(volume, model(), path).changed) > 0


@pytest.mark.parametrize(("is_noted", "message"), [
    (True, r"The chunk http\S+ is missing, although it was written"),
    (False, r"None of the chunks of http\S+ that were asked for"),  # as other programs write it
])  # fmt: skip
def test_a_server_without_the_voxels_is_the_cause(
    tmp_path: Path, server: Server, is_noted: bool, message: str
) -> None:
    write_ome_zarr(tmp_path / "v.zarr", voxels(1), VOXEL_NM, (1, 32, 32))
    for file in (tmp_path / "v.zarr" / "0").rglob("*"):
        if file.is_file() and file.name != "zarr.json":
            file.unlink()
    if not is_noted:
        for file in (tmp_path / "v.zarr").rglob("zarr.json"):
            described = json.loads(file.read_text())
            for name in (seals.SEAL, seals.STORED):
                described["attributes"].pop(name, None)
            file.write_text(json.dumps(described))
    with pytest.raises(DataError, match=message):
        filled(tmp_path / "a.zarr", open_volume(f"{server.url}/v.zarr"))
