"""Patches in three planes around every place: equal to the mean of three patches cut by hand."""

from pathlib import Path

import numpy as np
import pytest
from support.embedded import difference
from support.embedded_volumes import PATCH, contents, model, voxels

from emqs.datasets import Stack
from emqs.embedding import encode
from emqs.embedding.build import Built, EmbedConfig, build
from emqs.embedding.stores.grid import PlaceGrid
from emqs.embedding.stores.zarr import open_store
from emqs.errors import ConfigError
from emqs.models.compute import Compute
from emqs.models.settings import PreprocessingConfig
from emqs.models.weights import Model
from emqs.patches import cutting
from emqs.patches import grid as grids
from emqs.retrieval import settings as build_settings
from emqs.retrieval import volume_search
from emqs.retrieval.settings import QueryConfig
from emqs.volumes import Volume, from_array

CUBE_NM = (5.0, 5.0, 5.0)


def cube(depth: int = 48, height: int = 48, width: int = 48) -> np.ndarray:
    """Return EM-like voxels, ``(Z, Y, X)``, uint8."""
    return voxels(depth, max(64, height), max(64, width))[:, :height, :width]


def filled(path: Path, array: np.ndarray, encoder: Model, **settings: object) -> Built:
    """Return an embedding volume in three planes, 16-voxel patches every 8 voxels."""
    settings = {"block": 8, "n_sample": 256, "planes": "ortho", **settings}
    return build(
        from_array(array, CUBE_NM),
        encoder,
        path,
        patch=PATCH,
        settings=EmbedConfig(**settings),  # type: ignore[arg-type]
        compute=Compute(device="cpu"),
    )


def by_hand(array: np.ndarray, encoder: Model) -> np.ndarray:
    """Return the mean code of the three patches of every place, ``(N, D)``.

    The contrast of whole slices is set first; then the volume is turned so that each kind of plane
    becomes a slice.
    """
    plain = Model(
        encoder.name, encoder.network, encoder.settings,
        PreprocessingConfig(encoder.preprocessing.size, "none"),
    )  # fmt: skip
    how = encoder.preprocessing.contrast
    shown = np.stack([cutting.with_contrast(z, how) for z in (array / 255).astype(np.float32)])
    counts = [(n - 16) // 8 + 1 for n in array.shape]
    sums = 0
    for axis in range(3):
        turned = np.moveaxis(shown, axis, 0)  # the other two axes keep their order
        middles = [i * 8 + 8 for i in range(counts[axis])]
        stack = Stack(
            "by hand",
            [turned[m] for m in middles],
            list("abcdefgh"[: len(middles)]),
            intensity=(0, 1),
        )
        boxes = grids.grid(stack.shapes, 16, 8, border=False)
        codes = encode.embed(plain, stack, boxes, patch_size=16, compute=Compute(device="cpu"))
        others = [n for a, n in enumerate(counts) if a != axis]
        sums = sums + np.moveaxis(codes.reshape(counts[axis], *others, -1), 0, axis)
    return np.asarray(sums / 3).reshape(int(np.prod(counts)), -1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["contrastive", "pixels"])
def test_codes_are_the_mean_of_three_patches(tmp_path: Path, name: str) -> None:
    array, encoder = cube(56, 64, 72), model(name=name)
    expected = by_hand(array, encoder)
    for block in (8, 16):
        made = filled(tmp_path / f"{block}.zarr", array, encoder, block=block).store
        assert made.grid.shape == (6, 7, 8)
        found = made.codes(np.arange(made.grid.n_places))
        assert difference(found, expected) < 1e-3


def test_where_the_places_are() -> None:
    grid = PlaceGrid((4, 5, 6), 16, (8, 8, 8), 8, CUBE_NM, (100.0, 0.0, 0.0), "ortho")
    # place 1 along Z spans slices 8 to 23; its patch in XY is slice 16
    assert grid.first_voxels(np.array([[1, 2, 0]])).tolist() == [[16, 16, 0]]
    assert grid.centres_nm(np.array([[1, 2, 0]])).tolist() == [[180.0, 117.5, 37.5]]
    assert grid.nearest_place((16, 23, 8)) == (1, 2, 0)
    assert grid.nearest_place((0, 0, 0)) == (0, 0, 0)
    assert PlaceGrid.from_dict(grid.to_dict()) == grid


@pytest.mark.slow
def test_nan_padding_and_restarts(tmp_path: Path) -> None:
    array = cube().astype(np.float32)
    array[20, 20, 20] = np.nan  # in the planes z = 20, y = 20, x = 20 alone: no patch lies there
    array[24, 40, 41] = np.nan  # in XY of the third place along Z, and in XZ of the fifth along Y
    made = filled(tmp_path / "a.zarr", array, model(), intensity=[0, 255]).store
    valid = made.flat()[1].reshape(5, 5, 5)
    assert np.argwhere(~valid).tolist() == [[2, 4, 4], [3, 4, 4]]
    before = contents(made.path)
    (made.path / "embeddings" / "c" / "0" / "2" / "0" / "0").unlink()
    again = filled(made.path, array, model(), intensity=[0, 255])
    assert (again.n_blocks, again.n_found) == (1, 4)
    assert contents(made.path) == before


def test_the_search_works_in_three_planes(tmp_path: Path) -> None:
    made = filled(tmp_path / "a.zarr", cube(48, 56, 64), model()).store
    assert open_store(made.path).grid.planes == "ortho"
    query = QueryConfig()
    found = volume_search.search(
        made, [(24, 30, 30)], query=query, settings=build_settings.SearchConfig()
    )
    assert found.positives.tolist() == [[2, 3, 3]]
    assert np.all(found.voxels[:, 0] == found.places[:, 0] * 8 + 8)


@pytest.mark.parametrize(
    ("size", "shape", "message"),
    [
        ((30.0, 5.0, 5.0), (24, 48, 48), r"30 x 5 x 5 nm .* planes=ortho needs cubes"),
        (CUBE_NM, (12, 48, 48), "has only 12 slices, and planes=ortho cuts patches along Z"),
    ],
)
def test_volumes_that_do_not_fit(
    tmp_path: Path, size: tuple[float, float, float], shape: tuple[int, int, int], message: str
) -> None:
    volume: Volume = from_array(cube(*shape), size)
    with pytest.raises(ConfigError, match=message) as caught:
        build(
            volume, model(), tmp_path / "a.zarr", patch=PATCH,
            settings=EmbedConfig(planes="ortho"), compute=Compute(device="cpu"),
        )  # fmt: skip
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match=r"planes must be one of xy, ortho, got 'xz'"):
        EmbedConfig(planes="xz")


def test_stores_of_other_planes_are_refused_and_do_not_grow(tmp_path: Path) -> None:
    array = cube(40, 40, 40)
    path = filled(tmp_path / "a.zarr", array, model()).store.path
    with pytest.raises(ConfigError, match=r"grid\.planes=ortho, but grid\.planes=xy"):
        filled(path, array, model(), planes="xy")
    with pytest.raises(ConfigError, match=r"when it was \(40, 40, 40\)"):
        filled(path, cube(48, 40, 40), model())
