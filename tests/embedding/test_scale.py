"""Windows shown at the scale of larger patches (``embed.scale``), against other encodings."""

from pathlib import Path

import numpy as np
import pytest
from support.embedded_volumes import filled, model, voxels

from emqs.datasets import Stack
from emqs.embedding import encode
from emqs.embedding.stores.grid import PlaceGrid
from emqs.embedding.stores.several import SeveralStores
from emqs.embedding.stores.sized import of_size
from emqs.embedding.stores.zarr import open_store
from emqs.errors import ConfigError
from emqs.models.compute import Compute

CPU = Compute(device="cpu", progress=False)


def encoded(z: int, grid: PlaceGrid, patch_size: int) -> np.ndarray:
    """Return the codes of all places of a slice, which is encoded at once."""
    places = np.arange(grid.n_places).reshape(grid.shape)[z].ravel()
    boxes = np.zeros((len(places), 5), dtype=np.int64)
    boxes[:, 1:3] = grid.first_voxels(grid.zyx(places))[:, 1:]
    boxes[:, 3:] = grid.size
    stack = Stack("slice", [voxels()[z]], ["0"], intensity=(0, 255))
    return encode.embed(model(contrast="none"), stack, boxes, patch_size=patch_size, compute=CPU)


@pytest.mark.parametrize(("scale", "seen"), [(2.0, 32), (1.5, 24), (0.5, 8)])
def test_codes_are_those_of_windows_at_the_scale_of_larger_patches(
    tmp_path: Path, scale: float, seen: int
) -> None:
    filled(tmp_path / "a.zarr", encoder=model(contrast="none"), scale=scale)
    store = open_store(tmp_path / "a.zarr")
    assert (store.grid.size, store.grid.seen) == (16, seen)
    for z in (0, 2):
        places = np.arange(store.grid.n_places).reshape(store.grid.shape)[z].ravel()
        expected = encoded(z, store.grid, seen)
        np.testing.assert_allclose(store.codes(places), expected, atol=2e-3)
        assert not np.allclose(expected, encoded(z, store.grid, 16), atol=2e-2)


def test_larger_windows_of_it_are_those_of_a_store_that_was_made_for_them(tmp_path: Path) -> None:
    filled(tmp_path / "a.zarr", encoder=model(contrast="none"), scale=2)
    large = of_size(open_store(tmp_path / "a.zarr"), 32 * 5.0)
    assert (large.grid.size, large.grid.seen) == (32, 32)
    inner = np.arange(large.grid.n_places).reshape(large.grid.shape)[1].ravel()
    np.testing.assert_allclose(large.codes(inner), encoded(1, large.grid, 32), atol=5e-3)


def test_a_store_goes_on_at_its_own_scale_alone(tmp_path: Path) -> None:
    filled(tmp_path / "a.zarr", scale=2)
    assert filled(tmp_path / "a.zarr", scale=2).n_found > 0
    for other in (1, 4):
        with pytest.raises(ConfigError, match=rf"embed\.scale=2, but embed\.scale={other} was"):
            filled(tmp_path / "a.zarr", scale=other)
    filled(tmp_path / "b.zarr")
    with pytest.raises(ConfigError, match=r"embed\.scale=1, but embed\.scale=2 was"):
        filled(tmp_path / "b.zarr", scale=2)


def test_stores_of_several_scales_are_not_searched_together(tmp_path: Path) -> None:
    stores = [filled(tmp_path / f"{n}.zarr", scale=n).store for n in (1, 2)]
    for asked in (stores, [of_size(store, 2 * store.grid.edge_nm) for store in stores]):
        with pytest.raises(
            ConfigError, match=r"with embed\.scale=1, the other with embed\.scale=2,"
        ):
            SeveralStores(tuple(asked))


def test_patches_on_their_own_have_no_scale(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^embed\.scale=2 needs an encoder .*; model=pixels"):
        filled(tmp_path / "a.zarr", encoder=model(name="pixels"), scale=2)
    assert not (tmp_path / "a.zarr").exists()


@pytest.mark.parametrize("scale", [0.0, 0.2, 4.1, float("nan")])
def test_scales_that_are_none(tmp_path: Path, scale: float) -> None:
    with pytest.raises(ConfigError, match=r"^embed\.scale must be from 0\.25 to 4 patches, got"):
        filled(tmp_path / "a.zarr", scale=scale)


def test_a_grid_without_a_scale_is_written_as_before() -> None:
    plain = PlaceGrid((3, 4, 5), 16, (1, 8, 8), 8, (30.0, 5.0, 5.0), (0.0, 0.0, 0.0))
    assert "scale_px" not in plain.to_dict()
    scaled = PlaceGrid(*list(plain.__dict__.values())[:-1], scale=32)
    assert [PlaceGrid.from_dict(one.to_dict()) for one in (plain, scaled)] == [plain, scaled]
    with pytest.raises(ValueError, match="not possible"):
        PlaceGrid.from_dict({**scaled.to_dict(), "scale_px": 0})
