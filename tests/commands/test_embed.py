"""Embedding a volume: equal codes however it is divided, interrupted, shared or stored."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorstore
from support.embedded import difference
from support.embedded_volumes import PATCH, VOXEL_NM, contents, filled, model, volume, voxels
from support.forks import Fork, Forks

from emqs.datasets import Stack
from emqs.embedding import build, encode
from emqs.embedding.build import planes as sources
from emqs.embedding.build.planes import PlaceSource, contrast
from emqs.errors import ConfigError, DataError
from emqs.models import weights
from emqs.models.compute import Compute
from emqs.patches import grid
from emqs.volumes import from_array, open_volume, write_ome_zarr

TOLERANCE = 1e-3  # of a typical code, as emqs/embedding/build says


def all_codes(path: Path) -> np.ndarray:
    """Return the codes of an embedding volume, ``(N, D)``, in the order of its grid."""
    from emqs.embedding.stores.zarr import open_store

    made = open_store(path)
    return made.codes(np.arange(made.grid.n_places))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["contrastive", "pixels"])
def test_codes_are_those_of_whole_slices(tmp_path: Path, name: str) -> None:
    encoder = model(name=name)
    array = voxels(2, 208, 264)
    source = volume(array)
    stack = Stack("a", list(array), ["0", "1"], intensity=(0.0, 255.0), pixel_size_nm=VOXEL_NM[1])
    boxes = grid.grid(stack.shapes, 16, 8, border=False)
    expected = encode.embed(encoder, stack, boxes, patch_size=16, compute=Compute(device="cpu"))
    for block in (8, 64):
        path = tmp_path / f"{block}.zarr"
        filled(path, source, encoder, block=block)
        assert difference(all_codes(path), expected) < TOLERANCE


def test_the_contrast_is_that_of_the_whole_slice() -> None:
    found = contrast(PlaceSource(volume(), (0.0, 255.0), None), np.array([1, 2]))
    unit = voxels() / 255
    assert found == pytest.approx(
        np.stack([unit[1:].mean(axis=(1, 2)), unit[1:].std(axis=(1, 2))], axis=1), abs=1e-6
    )


def test_huge_slices_are_sampled_alike_for_every_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "STATISTICS_PX", 16)
    monkeypatch.setattr(sources, "STATISTICS_TILES", 4)
    array = voxels()
    stored = replace(volume(array), chunks=(2, 16, 16))
    found = contrast(PlaceSource(stored, (0.0, 255.0), None), np.array([0, 1, 2]))
    corners = [(y, x) for y in range(0, 104, 16) for x in range(0, 136, 16)]  # 63 tiles
    tiles = [corners[i] for i in (0, 21, 41, 62)]
    pixels = np.concatenate([array[1, y : y + 16, x : x + 16].ravel() for y, x in tiles]) / 255
    assert found[1] == pytest.approx([pixels.mean(), pixels.std()], abs=1e-6)


@pytest.mark.slow
def test_places_that_show_nothing_are_skipped(tmp_path: Path) -> None:
    array = voxels().astype(np.float32)
    array[0, :16, :16] = 7  # one patch is constant, its neighbours are not
    array[1, 40, 50] = np.nan
    array[2, :, 64:] = 0
    made = filled(tmp_path / "a.zarr", volume(array), intensity=[0, 255], padding=0.0).store
    _, flat = made.flat()
    valid = flat.reshape(made.grid.shape)
    assert np.argwhere(~valid[0]).tolist() == [[0, 0]]
    # voxel (40, 50) lies in patches that begin at 32 and 40, and at 40 and 48: 24 and 32 end at it
    assert np.argwhere(~valid[1]).tolist() == [[4, 5], [4, 6], [5, 5], [5, 6]]
    assert np.all(valid[2] == (np.arange(16) <= 7))  # the patch that begins at 56 is half padding
    assert not made.codes(np.array([0])).any()


def test_nothing_but_nan_is_told(tmp_path: Path) -> None:
    array = np.full((2, 40, 40), np.nan, dtype=np.float32)
    with pytest.raises(DataError, match="shows nothing to embed"):
        filled(tmp_path / "a.zarr", volume(array), intensity=[0, 255])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_thin_and_small_volumes(tmp_path: Path) -> None:
    made = filled(tmp_path / "thin.zarr", volume(voxels(1))).store
    assert made.grid.shape == (1, 12, 16)
    assert made.flat()[1].all()
    with pytest.raises(ConfigError, match=r"patch\.size is 16 voxels, but toy is only 12 x 136"):
        filled(tmp_path / "b.zarr", volume(voxels()[:, :12]))
    with pytest.raises(ConfigError, match="only 104 x 1 voxels"):
        filled(tmp_path / "c.zarr", volume(voxels()[:, :, :1]))
    exact = filled(tmp_path / "d.zarr", volume(voxels()[:, :24, :16]), n_sample=6).store
    assert exact.grid.shape == (3, 2, 1)


@pytest.mark.parametrize(
    ("array", "size", "settings", "message"),
    [
        (voxels().astype(np.float32), VOXEL_NM, {}, r"no fixed range.*embed.intensity"),
        (voxels(), (30.0, 5.0, 6.0), {}, "square ones"),
        (voxels(), VOXEL_NM, {"block": 12}, "multiple of 8"),
        (voxels(), VOXEL_NM, {"worker": [2, 2]}, "embed.worker"),
        (voxels(), VOXEL_NM, {"intensity": [5, 5]}, "black < white"),
    ],
)
def test_settings_that_do_not_fit(
    tmp_path: Path,
    array: np.ndarray,
    size: tuple[float, float, float],
    settings: dict[str, object],
    message: str,
) -> None:
    with pytest.raises(ConfigError, match=message):
        filled(tmp_path / "a.zarr", from_array(array, size), **settings)


@pytest.mark.slow
def test_every_second_slice(tmp_path: Path) -> None:
    every = filled(tmp_path / "a.zarr", volume(voxels(5))).store
    second = filled(tmp_path / "b.zarr", volume(voxels(5)), step_z_nm=60).store
    assert second.grid.shape == (3, 12, 16)
    assert second.grid.stride == (2, 8, 8)
    codes = all_codes(every.path).reshape(5, -1, 48)
    assert np.array_equal(all_codes(second.path).reshape(3, -1, 48), codes[::2])


def precomputed(path: Path, array: np.ndarray) -> None:
    """Write a precomputed volume with tensorstore, which lists axes X first."""
    scale = {
        "size": array.shape[::-1], "resolution": VOXEL_NM[::-1], "voxel_offset": [0, 0, 0],
        "chunk_size": [32, 32, 2], "encoding": "raw",
    }  # fmt: skip
    kind = {"type": "image", "data_type": array.dtype.name, "num_channels": 1}
    spec = {
        "driver": "neuroglancer_precomputed", "kvstore": f"file://{path}/",
        "multiscale_metadata": kind, "scale_metadata": scale,
    }  # fmt: skip
    tensorstore.open(spec, create=True).result()[..., 0].write(array.T).result()


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a volume in two formats and a weights file."""
    folder = tmp_path_factory.mktemp("embed")
    array = voxels(4)
    write_ome_zarr(folder / "v.zarr", array, VOXEL_NM, (2, 32, 32))
    precomputed(folder / "v.pre", array)
    weights.save(folder / "w.safetensors", model())
    return folder


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    """Start processes that have what the command imports."""
    made = Forks(["torch", "tensorstore", "zarr", "emqs.embed", "emqs.embedding.build",
                  "emqs.runs.model"])  # fmt: skip
    yield made
    made.stop()


def start(forks: Forks, folder: Path, said: str) -> Fork:
    """Start the command that makes ``killed/emb.zarr``."""
    arguments = [
        f"volume={folder / 'v.zarr'}", f"out={folder / 'killed' / 'emb.zarr'}",
        f"weights={folder / 'w.safetensors'}", "patch.size=16", "patch.stride=4", "device=cpu",
        "embed.block=8", "embed.n_sample=64", "embed.short=12", f"hydra.run.dir={folder / 'run'}",
    ]  # fmt: skip
    return forks.start("emqs.embed", arguments, folder, folder / said)


@pytest.mark.slow
def test_killed_and_shared_runs_end_alike(forks: Forks, on_disk: Path) -> None:
    for name in ("killed", "whole"):
        (on_disk / name).mkdir()
    killed = start(forks, on_disk, "killed.txt")
    chunks = on_disk / "killed" / "emb.zarr" / "signatures" / "c"
    deadline = time.monotonic() + 100
    while len(list(chunks.glob("*/*/*"))) < 5 and time.monotonic() < deadline:
        time.sleep(0.002)
    killed.kill()
    killed.wait()
    written = len(list(chunks.glob("*/*/*")))
    assert 5 <= written < 4 * 3 * 4  # 23 x 31 places in blocks of 8
    both = [start(forks, on_disk, said) for said in ("first.txt", "second.txt")]
    for process, said in zip(both, ("first.txt", "second.txt"), strict=True):
        assert process.wait(200) == 0, (on_disk / said).read_text()
    build.build(
        open_volume(on_disk / "v.zarr"),
        weights.load(on_disk / "w.safetensors"),
        on_disk / "whole" / "emb.zarr",
        patch=replace(PATCH, stride=4),
        settings=build.EmbedConfig(block=8, n_sample=64, short=12),
        compute=Compute(device="cpu"),
        opened_as=str(on_disk / "v.zarr"),
    )
    assert contents(on_disk / "killed" / "emb.zarr") == contents(on_disk / "whole" / "emb.zarr")


@pytest.mark.slow
def test_formats_embed_alike(on_disk: Path) -> None:
    stores = [
        filled(on_disk / f"{name}_emb.zarr", open_volume(on_disk / name)).store
        for name in ("v.zarr", "v.pre")
    ]
    first, second = (contents(made.path) for made in stores)
    assert {k: v for k, v in first.items() if k != "zarr.json"} == {
        k: v for k, v in second.items() if k != "zarr.json"
    }
    # a volume that was moved or converted is the same volume
    assert filled(stores[0].path, open_volume(on_disk / "v.pre")).n_blocks == 0


@pytest.mark.slow
def test_a_source_that_vanishes_stops_and_goes_on(tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "v.zarr", voxels(), VOXEL_NM, (1, 32, 32))
    expected = contents(filled(tmp_path / "b.zarr", open_volume(tmp_path / "v.zarr")).store.path)
    source = open_volume(tmp_path / "v.zarr")
    real, calls = source.reader.read, []

    class Failing:
        def read(self, box: object) -> np.ndarray:
            calls.append(box)
            if len(calls) == 25:
                raise DataError("the server is gone")
            return real(box)  # type: ignore[arg-type]

    with pytest.raises(DataError, match="the server is gone"):
        filled(tmp_path / "a.zarr", replace(source, reader=Failing()))
    done = filled(tmp_path / "a.zarr", source)
    assert done.n_found > 0
    assert done.n_blocks > 0
    found = contents(done.store.path)
    assert {k: v for k, v in found.items() if k != "zarr.json"} == {
        k: v for k, v in expected.items() if k != "zarr.json"
    }


def test_models_that_learn_from_what_they_search_are_refused(tmp_path: Path) -> None:
    from emqs import models
    from emqs.models.weights import Model

    pca = Model("pca", models.build("pca", {"size": 64}), {"size": 64})
    with pytest.raises(ConfigError, match="model=pca learns from what it searches"):
        filled(tmp_path / "a.zarr", encoder=pca)
