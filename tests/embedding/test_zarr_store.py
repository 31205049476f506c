"""The embedding volume on disk: what is in it, what is refused, damage, growth."""

import json
import os
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import tensorstore
from support.embedded_volumes import contents, filled, model, volume, voxels
from support.small_stores import grid_of, random_codes, write_store

from emqs.embedding.build.grids import fitting_block
from emqs.embedding.stores import zarr as zarrs
from emqs.embedding.stores.grid import PlaceGrid
from emqs.embedding.stores.zarr import open_store
from emqs.errors import ConfigError, DataError
from emqs.volumes import open_volume

GRID = PlaceGrid((3, 12, 16), 16, (1, 8, 8), 8, (30.0, 5.0, 5.0), (100.0, 0.0, 10.0))


def zarr(path: Path) -> np.ndarray:
    """Return an array as any other reader of Zarr 3 sees it."""
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{path}/"}}
    return np.asarray(tensorstore.open(spec).result().read().result())


def test_blocks_cover_every_place_once() -> None:
    for depth in (1, 2, 5):
        seen = np.zeros(GRID.shape, dtype=int)
        for block in GRID.blocks(depth):
            seen[GRID.places(block).slices] += 1
        assert np.all(seen == 1)


def test_centres_are_where_a_hand_count_says() -> None:
    # patch 1 along Y covers voxels 8 to 23, so its centre is voxel 15.5
    assert GRID.centres_nm(np.array([[2, 1, 0]])).tolist() == [[160.0, 77.5, 47.5]]
    assert GRID.nearest_place((2, 15, 7)) == (2, 1, 0)
    assert GRID.nearest_place((0, 0, 135)) == (0, 0, 15)


def test_a_store_is_an_ome_zarr_that_others_read(tmp_path: Path) -> None:
    made = filled(tmp_path / "a.zarr").store
    codes = zarr(made.path / "embeddings")
    valid, signatures = zarr(made.path / "valid"), zarr(made.path / "signatures")
    assert codes.shape == (48, 3, 12, 16)
    assert codes.dtype == np.float16
    assert signatures.shape == valid.shape == (3, 12, 16)
    assert signatures.dtype == np.uint64
    flat = codes.reshape(48, -1).T
    assert np.array_equal(made.signer.sign(flat).reshape(3, 12, 16), signatures)
    # as an image: its first place lies at the centre of the first patch, 8 voxels between places
    image = open_volume(made.path, select={"c": 5})
    assert image.shape == (3, 12, 16)
    assert image.voxel_size_nm == (30.0, 40.0, 40.0)
    assert image.origin_nm == (0.0, 37.5, 37.5)
    assert np.array_equal(image.read(image.box), codes[5])
    positions = np.array([575, 0, 17, 200, 17])
    assert np.array_equal(made.codes(positions), flat[positions].astype(np.float32))
    assert np.array_equal(made.block_codes((1, 1, 0)), codes[:, 1, 8:12, :8].reshape(48, -1).T)


@pytest.mark.parametrize("block", [None, 64])
def test_a_store_holds_at_most_nine_bytes_a_patch_beside_the_codes(
    tmp_path: Path, block: int | None
) -> None:
    made = filled(tmp_path / "a.zarr", block=block).store
    found = contents(made.path)
    sizes = [len(v) for k, v in found.items() if k.startswith(("signatures/c", "valid/c"))]
    assert sum(sizes) <= 9 * made.grid.n_places


def test_blocks_leave_little_of_the_last_files_empty() -> None:
    assert fitting_block((9, 11, 11), 128) == 16  # one file, not 128 x 128
    assert fitting_block((9, 197, 197), 128) == 104  # two of 104 make 208, two of 128 256
    assert fitting_block((9, 1000, 40), 128) == 64  # 1024 x 64; 1008 x 72 is more
    assert fitting_block((9, 1, 1), 128) == 8


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        pytest.param(name, damage, marks=[] if number % 4 == 0 else pytest.mark.slow)
        for number, (name, damage) in enumerate(product(zarrs.ARRAYS, ("flip", "cut", "remove")))
    ],
)
def test_a_damaged_block_is_found_and_made_again_alone(
    tmp_path: Path, name: str, damage: str
) -> None:
    path = filled(tmp_path / "a.zarr").store.path
    before = contents(path)
    times = {k: (path / k).stat().st_mtime_ns for k in before}
    victim = f"{name}/c/" + ("0/1/1/0" if name == "embeddings" else "1/1/0")
    content = bytearray((path / victim).read_bytes())
    if damage == "flip":
        content[len(content) // 3] ^= 16
        (path / victim).write_bytes(content)
    elif damage == "cut":
        (path / victim).write_bytes(content[:-5])
    else:
        (path / victim).unlink()
    again = filled(path)
    assert (again.n_blocks, again.n_found) == (1, 11)
    assert contents(path) == before
    others = [k for k in before if not k.endswith(("1/1/0", "1/1/0/0"))]
    assert all((path / k).stat().st_mtime_ns == times[k] for k in others)


def test_a_damaged_block_is_told_when_it_is_searched(tmp_path: Path) -> None:
    made = filled(tmp_path / "a.zarr").store
    for name in ("signatures/c/1/1/0", "embeddings/c/0/1/1/0"):
        content = bytearray((made.path / name).read_bytes())
        content[40] ^= 1
        (made.path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"damaged; python -m emqs\.embed"):
        made.flat()
    with pytest.raises(DataError, match=r"damaged; python -m emqs\.embed"):
        made.codes(np.arange(576))


def test_the_flat_copy_follows_what_is_written(tmp_path: Path) -> None:
    made = filled(tmp_path / "a.zarr").store
    expected = zarr(made.path / "signatures").ravel()
    for name in zarrs.ARRAYS:
        (made.path / name / "c" / ("0/2/0/1" if name == "embeddings" else "2/0/1")).unlink()
    fewer = open_store(made.path)
    signatures, valid = fewer.flat()
    missing = np.zeros((3, 12, 16), dtype=bool)
    missing[2, :8, 8:] = True
    assert np.array_equal(valid, ~missing.ravel())
    assert np.array_equal(signatures[valid], expected[valid])
    filled(made.path)
    signatures, valid = fewer.flat()
    assert valid.all()
    assert np.array_equal(signatures, expected)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that no test changes."""
    return filled(tmp_path_factory.mktemp("untouched") / "a.zarr").store.path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": model(1)}, "weights_sha256=0+, but model.weights_sha256=0+1 was asked for"),
        ({"encoder": model(contrast="none")}, "model.preprocessing.contrast=slice"),
        ({"intensity": [0, 200]}, r"intensity=\[0.0, 255.0\]"),
        ({"padding": 0.0}, "padding=None"),
        ({"block": 16}, "grid.block=8"),
        ({"source": volume(voxels(2))}, r"\(2, 104, 136\) now, .* when it was \(3, 104, 136\)"),
        ({"source": volume(voxels(seed=1))}, "other voxels"),
    ],
)
def test_what_does_not_match_is_refused(
    untouched: Path, changes: dict[str, object], message: str
) -> None:
    before = contents(untouched)
    with pytest.raises(ConfigError, match=message):
        filled(untouched, **changes)  # type: ignore[arg-type]
    assert contents(untouched) == before


def test_another_version_and_other_folders_are_refused(tmp_path: Path) -> None:
    path = filled(tmp_path / "a.zarr").store.path
    content = json.loads((path / "zarr.json").read_text())
    del content["attributes"]["emqs"]["sha256"]
    content["attributes"]["emqs"]["version"] = 9
    (path / "zarr.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="version 9"):
        open_store(path)
    del content["attributes"]["emqs"]["grid"]
    content["attributes"]["emqs"]["version"] = 1
    (path / "zarr.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="lacks something"):
        open_store(path)
    (tmp_path / "b.zarr").mkdir()
    with pytest.raises(DataError, match="no embedding volume"):
        open_store(tmp_path / "b.zarr")
    with pytest.raises(ConfigError, match="does not exist"):
        filled(tmp_path / "no" / "c.zarr")


@pytest.mark.slow
def test_a_volume_that_grew_is_appended(tmp_path: Path) -> None:
    whole = voxels(5)
    path = filled(tmp_path / "a.zarr", volume(whole[:3])).store.path
    before = contents(path)
    grown = filled(path, volume(whole))
    assert (grown.n_blocks, grown.n_found) == (8, 12)
    after = contents(path)
    assert all(after[k] == v for k, v in before.items() if not k.endswith("zarr.json"))
    codes = zarr(path / "embeddings")
    assert codes.shape == (48, 5, 12, 16)
    alone = filled(tmp_path / "b.zarr", volume(whole)).store
    assert np.array_equal(codes, zarr(alone.path / "embeddings"))
    with pytest.raises(ConfigError, match=r"\(4, 104, 136\) now, .* when it was \(5, 104, 136\)"):
        filled(path, volume(whole[:4]))


def test_blocks_that_are_done_are_those_with_all_files(tmp_path: Path) -> None:
    made = filled(tmp_path / "a.zarr", block=8).store
    everything = list(made.grid.blocks())
    assert made.done() == everything
    (made.path / "valid" / "c" / "1" / "0" / "1").unlink()
    (made.path / "signatures" / "c" / "2" / "1" / ".3.tmp").write_bytes(b"")
    (made.path / "signatures" / "c" / "9").mkdir()  # of a longer volume
    assert made.done() == [block for block in everything if made.has(block)]
    assert (1, 0, 1) not in made.done()
    assert len(made.done()) == len(everything) - 1


def test_a_block_is_seen_in_a_folder_that_was_listed_before(tmp_path: Path) -> None:
    """Folders that are at rest are listed once, and again when they change."""
    grid = grid_of((2, 16, 48))
    store = write_store(tmp_path / "a.zarr", random_codes(grid), grid, blocks=2)
    for folder in (tmp_path / "a.zarr").rglob("*/"):
        os.utime(folder, (1e9, 1e9))
    with pytest.MonkeyPatch.context() as patch:
        listed: list[str] = []
        read = os.listdir
        patch.setattr(os, "listdir", lambda folder: listed.append(folder) or read(folder))
        assert store.done() == store.done() == [(0, 0, 0), (0, 0, 1)]
        assert len(listed) == len(set(listed)) > 0
    n = grid.n_places // 6
    store.write((0, 0, 2), random_codes(grid)[:n], np.ones((16, 16), dtype=np.bool_))
    assert store.done() == [(0, 0, 0), (0, 0, 1), (0, 0, 2)]
    (tmp_path / "a.zarr" / "valid" / "c" / "0" / "0" / "0").unlink()
    assert store.done() == [(0, 0, 1), (0, 0, 2)]


def test_files_of_a_folder_at_rest_are_looked_at_once(tmp_path: Path) -> None:
    """A block that is written again has another stamp; those beside it are looked at again."""
    grid = grid_of((2, 16, 48))
    codes = random_codes(grid)
    store = write_store(tmp_path / "a.zarr", codes, grid)
    for folder in (tmp_path / "a.zarr").rglob("*/"):
        os.utime(folder, (1e9, 1e9))
    before = store.stamps()
    assert len(before) == 6
    again, asked = stamped(store)
    assert again == before
    assert asked == set()
    n = grid.n_places // 6
    store.write((1, 0, 1), codes[-n:], np.ones((16, 16), dtype=np.bool_))
    after, asked = stamped(store)
    assert [block for block in after if after[block] != before[block]] == [(1, 0, 1)]
    assert asked == {"1/0/0", "1/0/1", "1/0/2"}
    status = (tmp_path / "a.zarr" / "signatures" / "c" / "1" / "0" / "1").stat()
    assert after[1, 0, 1] == [status.st_mtime_ns, status.st_ino, status.st_size]


def stamped(store: zarrs.EmbeddingStore) -> tuple[dict[tuple[int, int, int], list[int]], set[str]]:
    """Return stamps of blocks, and the files that were looked at for them."""
    asked = []
    read = os.stat

    def stat(path: str, **how: bool) -> os.stat_result:
        asked.append(str(path))
        return read(path, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "stat", stat)
        stamps = store.stamps()
    return stamps, {"/".join(Path(path).parts[-3:]) for path in asked if Path(path).is_file()}
