"""Short codes: what is kept of embeddings, in the same bytes wherever they are made."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.embedded_volumes import contents, filled, volume, voxels
from support.small_stores import CODE, grid_of, random_codes, write_store

from emqs.embedding import short_codes
from emqs.embedding.short_codes import ShortCoder
from emqs.embedding.stores import flat_copy
from emqs.embedding.stores.zarr import SHORT, open_store
from emqs.errors import ConfigError, DataError


def heaps(n: int = 3000, d: int = 40, seed: int = 0) -> np.ndarray:
    """Return codes that vary in fewer directions than they have numbers, ``(n, d)``, float16."""
    rng = np.random.default_rng(seed)
    inner = rng.normal(size=(n, 12)) * np.geomspace(3, 0.2, 12)
    mixed = inner @ rng.normal(size=(12, d)) + 0.01 * rng.normal(size=(n, d))
    return (mixed * rng.uniform(0.1, 30, size=d) + rng.normal(size=d) * 5).astype(np.float16)


def test_numbers_are_the_principal_components() -> None:
    """Compared with scikit-learn's, of dimensions of one spread; errors are those of Max 1960."""
    from sklearn.decomposition import PCA

    codes = heaps().astype(np.float64)
    coder = short_codes.fit(codes, 8)
    assert short_codes.shares(8) == (1, 8, 12)
    standard = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    expected = PCA(12).fit(standard).transform(standard)
    units = short_codes.UNITS * short_codes.LENGTH
    found = (coder.numbers(coder.encode(codes)) * coder.steps / units)[:, :12]
    found *= np.sign(np.sum(found * expected, axis=0))
    error = np.square(found - expected).mean(axis=0) / np.square(expected).mean(axis=0)
    assert error[0] < 0.0005
    assert np.all(error[1:9] < 0.0095 * 1.5)
    assert np.all(error[9:] < 0.1175 * 1.5)
    assert coder.encode(codes)[:, 0].min() == 1 or coder.encode(codes)[:, 0].max() == 255


def test_sizes_are_shared_out() -> None:
    for size in range(1, 100):
        whole, halves, quarters = short_codes.shares(size)
        assert whole + halves / 2 + quarters / 4 == size
        assert halves % 2 == quarters % 4 == 0
    assert short_codes.shares(48) == (8, 48, 64)


def test_a_code_by_hand() -> None:
    """One dimension with a spread of 1, 127 steps long: a byte, then nothing that varies."""
    codes = np.array([[-1.0], [1.0]])
    coder = short_codes.fit(codes, 2)
    assert coder.encode(np.array([[1.0], [-1.0], [0.5], [9.0]]))[:, 0].tolist() in (
        [255, 1, 192, 255],
        [1, 255, 64, 1],
    )
    assert np.allclose(coder.decode(coder.encode(codes)), codes, atol=1e-4)


def test_a_code_is_nearly_there_again() -> None:
    codes = heaps()
    coder = short_codes.fit(codes, 12)
    rough = coder.decode(coder.encode(codes))
    error = (rough - codes.astype(np.float64)) / codes.std(axis=0, dtype=np.float64)
    assert np.sqrt(np.square(error).mean()) < 0.12
    assert rough.dtype == np.float32


def test_order_and_batches_change_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = heaps()
    coder = short_codes.fit(codes, 12)
    whole = coder.encode(codes)
    monkeypatch.setattr(short_codes, "BLOCK", 7)
    assert np.array_equal(coder.encode(codes), whole)
    order = np.random.default_rng(1).permutation(codes.shape[1])  # of the sums
    turned = ShortCoder(
        coder.mean[order], coder.spread[order], coder.directions[order], coder.steps, coder.size
    )
    assert np.array_equal(turned.encode(codes[:, order]), whole)


def test_what_lies_far_out_and_what_never_varies() -> None:
    codes = heaps()
    codes[:, 3] = 2.5
    coder = short_codes.fit(codes, 12)
    assert coder.spread[3] == 0
    far = np.full((1, 40), 60000, dtype=np.float16)
    assert coder.encode(far)[0, 0] in (1, 255)
    assert np.all(coder.decode(coder.encode(far))[:, 3] == 2.5)
    few = short_codes.fit(codes[:, :3], 48)
    assert few.size == 48
    assert np.count_nonzero(few.directions.any(axis=0)) == 3
    error = few.decode(few.encode(codes[:, :3])) - codes[:, :3].astype(np.float64)
    assert np.all(np.abs(error) < 0.05 * few.spread)


def test_it_is_kept_exactly_and_damage_is_told() -> None:
    coder = short_codes.fit(heaps(), 5)
    again = ShortCoder.from_dict(json.loads(json.dumps(coder.to_dict())))
    for name in ("mean", "spread", "directions", "steps"):
        assert np.array_equal(getattr(again, name), getattr(coder, name))
    for change in (
        {"version": 2},
        {"steps": [1.0]},
        {"size": 6},
        {"size": 0},
        {"steps": [0.0] * len(coder.steps)},
        {"mean": ["a"]},
        {"directions": (coder.directions * 2**20).tolist()},
    ):
        with pytest.raises(DataError, match="hort codes"):
            ShortCoder.from_dict({**coder.to_dict(), **change})
    with pytest.raises(ConfigError, match="at least 1 byte"):
        short_codes.fit(heaps(), 0)
    with pytest.raises(DataError, match="equal"):
        short_codes.fit(np.ones((5, 4)), 2)


def test_long_codes_have_short_ones() -> None:
    assert [short_codes.fitting_size(d) for d in (32, 95, 96, 224)] == [0, 0, 48, 48]


# --- in a store ----------------------------------------------------------------------------------


def test_a_store_holds_a_short_code_of_every_place(tmp_path: Path) -> None:
    array = voxels()
    array[1, :40, :40] = 7  # shows nothing
    made = filled(tmp_path / "a.zarr", volume(array), short=10).store
    coder = made.short_coder
    assert coder is not None
    everywhere = np.arange(made.grid.n_places)
    signatures, valid = made.signatures(everywhere)
    assert 0 < np.sum(~valid) < 50
    expected = np.where(valid[:, None], coder.encode(made.codes(everywhere)), 0)
    assert np.array_equal(made.short_codes(everywhere), expected)
    assert filled(tmp_path / "a.zarr", volume(array)).n_blocks == 0  # short: as it was made
    sizes = [len(v) for k, v in contents(made.path).items() if k.startswith("short/c")]
    assert sum(sizes) <= 10 * 1.2 * made.grid.n_places + 100 * len(sizes)
    assert np.array_equal(signatures, made.flat()[0])


def test_a_store_without_short_codes(tmp_path: Path) -> None:
    made = filled(tmp_path / "a.zarr", short=0).store
    assert made.short_coder is None
    assert not (made.path / "short").exists()
    with pytest.raises(ConfigError, match="short_bytes=0, but short_bytes=4"):
        filled(made.path, short=4)
    content = json.loads((made.path / "zarr.json").read_text())
    for name in ("short_bytes", "sha256"):  # as stores were made before
        del content["attributes"]["emqs"][name]
    (made.path / "zarr.json").write_text(json.dumps(content))
    assert filled(made.path, short=0).n_blocks == 0
    assert filled(made.path).n_blocks == 0
    with pytest.raises(ConfigError, match="short_bytes=0, but short_bytes=4"):
        filled(made.path, short=4)
    with pytest.raises(ConfigError, match=r"embed\.short"):
        filled(tmp_path / "b.zarr", short=-1)


def test_a_damaged_short_code_is_found_and_made_again(tmp_path: Path) -> None:
    made = filled(tmp_path / "a.zarr", short=10).store
    before = contents(made.path)
    path = made.path / "short" / "c" / "1" / "1" / "0" / "0"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        open_store(made.path).short_codes(np.array([0]))
    assert filled(made.path).n_blocks == 1
    assert contents(made.path) == before
    path.unlink()
    assert not open_store(made.path).has((1, 1, 0))
    assert filled(made.path).n_blocks == 1
    assert contents(made.path) == before


@pytest.mark.slow
def test_short_codes_grow_with_the_volume(tmp_path: Path) -> None:
    array = voxels(5)
    made = filled(tmp_path / "a.zarr", volume(array[:3]), short=10).store
    assert made.short_codes(np.arange(made.grid.n_places)).any()
    longer = filled(made.path, volume(array)).store
    coder = longer.short_coder
    assert coder is not None
    everywhere = np.arange(longer.grid.n_places)
    expected = coder.encode(longer.codes(everywhere))
    assert np.array_equal(longer.short_codes(everywhere), expected)


def test_a_copy_that_is_cut_or_gone_is_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    grid = grid_of()
    codes = random_codes(grid)
    write_store(tmp_path / "a.zarr", codes, grid, short=8)
    everywhere = np.arange(grid.n_places)
    expected = open_store(tmp_path / "a.zarr").short_codes(everywhere).copy()
    assert expected.shape == (grid.n_places, 8)
    assert CODE == 16
    copies = tmp_path / "a.zarr" / flat_copy.COPY
    short = next(copies.glob(f"*.{SHORT}"))
    for damage in ("cut", "gone", "list", "all"):
        caplog.clear()
        if damage == "cut":
            short.write_bytes(short.read_bytes()[:100])
        elif damage == "gone":
            short.unlink()
        elif damage == "list":
            next(copies.glob("*.short.json")).write_text("{")
        else:
            shutil.rmtree(copies)
        assert np.array_equal(open_store(tmp_path / "a.zarr").short_codes(everywhere), expected)
        said = [record for record in caplog.records if "damaged" in record.message]
        assert len(said) == (damage != "all"), damage


def test_a_copy_that_was_interrupted_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = grid_of()
    made = write_store(tmp_path / "a.zarr", random_codes(grid), grid, short=8)
    everywhere = np.arange(grid.n_places)
    monkeypatch.setattr(flat_copy, "NOTED_S", -1.0)
    read, blocks = type(made)._readable, []

    def readable(store: object, name: str, where: object) -> np.ndarray:
        if name == SHORT:
            blocks.append(where)
            if len(blocks) == 5:
                raise KeyboardInterrupt
        return read(store, name, where)  # type: ignore[arg-type]

    monkeypatch.setattr(type(made), "_readable", readable)
    with pytest.raises(KeyboardInterrupt):
        open_store(made.path).short_codes(everywhere)
    again = open_store(made.path).short_codes(everywhere)
    assert len(blocks) == 5 + len(made.done()) - 4
    coder = made.short_coder
    assert coder is not None
    assert np.array_equal(again, coder.encode(random_codes(grid)))
