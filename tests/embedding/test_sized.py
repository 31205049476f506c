"""Windows of other sizes than a store's: as if it had been made of them, from codes alone."""

import csv
import logging
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from support.searches import run_command
from support.small_stores import EDGE, STRIDE, VOXEL_NM, add_blocks, write_store

from emqs.embedding import dense
from emqs.embedding.pooling import combined
from emqs.embedding.stores import flat_copy
from emqs.embedding.stores.grid import PlaceGrid
from emqs.embedding.stores.sized import SizedStore, of_size
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.errors import ConfigError
from emqs.models import build
from emqs.retrieval.settings import QueryConfig, SearchConfig
from emqs.retrieval.volume_search import search
from emqs.search import work
from emqs.volumes import Box

SHAPE = 2, 140, 172  # voxels
CHANNELS = 6
PLAIN = QueryConfig()  # Euclidean, nothing learnt from the volume


def features() -> np.ndarray:
    """Return features of every voxel, ``(Z, Y, X, C)``: noise, in part coarse."""
    rng = np.random.default_rng(3)
    coarse = np.kron(rng.normal(size=(2, 7, 9, CHANNELS)), np.ones((1, 20, 20, 1)))[:, :, :172]
    return np.asarray(coarse + rng.normal(size=(*SHAPE, CHANNELS)) / 2)


def grid_of(size: int) -> PlaceGrid:
    _, height, width = SHAPE
    counts = SHAPE[0], (height - size) // STRIDE[1] + 1, (width - size) // STRIDE[2] + 1
    return PlaceGrid(counts, size, STRIDE, 8, VOXEL_NM, (0.0, 0.0, 0.0))


@cache
def direct(size: int) -> np.ndarray:
    """Return mean and standard deviation of every window of the grid, ``(N, 2 C)``, float64."""
    windows = sliding_window_view(features(), (size, size), axis=(1, 2))
    windows = windows[:, :: STRIDE[1], :: STRIDE[2]]
    means, variances = windows.mean(axis=(-2, -1)), windows.var(axis=(-2, -1))
    codes = np.concatenate([means, np.sqrt(variances + 1e-6)], axis=-1)
    return np.asarray(codes.reshape(-1, 2 * CHANNELS))


def made(path: Path, size: int = EDGE, **settings: object) -> EmbeddingStore:
    grid = grid_of(size)
    codes = direct(size).astype(np.float16)
    return write_store(path, codes, grid, name="contrastive", **settings)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingStore:
    return made(tmp_path_factory.mktemp("small") / "a.zarr")


def larger(store: EmbeddingStore, size: int) -> SizedStore:
    """Return a store with windows of some voxels; nothing of another test is kept."""
    sized = of_size(replace(store), size * VOXEL_NM[1])
    assert isinstance(sized, SizedStore)
    assert sized.grid.size == size
    return sized


@pytest.mark.parametrize("size", [32, 48])
def test_codes_of_larger_windows_are_those_of_the_voxels_in_them(
    store: EmbeddingStore, size: int
) -> None:
    sized = larger(store, size)
    assert sized.grid == replace(grid_of(size), scale=EDGE)
    everywhere = sized.codes(np.arange(sized.grid.n_places))
    assert np.abs(everywhere - direct(size)).max() < 2e-3  # codes have 11 bits
    for positions, codes in sized.blocks(None):
        assert np.array_equal(codes, everywhere[positions])
    seen = np.concatenate([positions for positions, _ in sized.blocks(None)])
    assert np.array_equal(np.sort(seen), np.arange(sized.grid.n_places))
    box = Box((1, 3, 2), (2, 12, 9))
    within = np.concatenate([positions for positions, _ in sized.blocks(box)])
    assert np.array_equal(np.sort(within), sized.grid.positions(box))


def test_a_size_between_covers_the_window_with_small_ones_that_overlap(
    store: EmbeddingStore,
) -> None:
    sized = larger(store, 40)  # 16 + 3 steps of 8: three windows, at 0, 2 and 3 steps
    assert sorted({y for y, _ in sized.offsets}) == [0, 2, 3]
    apart = np.linalg.norm(sized.codes(np.arange(sized.grid.n_places)) - direct(40), axis=1)
    spread = np.linalg.norm(direct(40) - direct(40).mean(axis=0), axis=1)
    assert apart.mean() < 0.35 * spread.mean()


def test_the_network_pools_windows_as_they_are_put_together() -> None:
    network = build("contrastive", {"start": "random", "greys": 4})
    features = torch.rand((3, 12, 12), generator=torch.Generator().manual_seed(0))
    small = np.array([[16 * y, 16 * x, 16, 16] for y in (1, 2) for x in (3, 4)], dtype=float)
    large = np.array([[16.0, 48.0, 32.0, 32.0]])
    parts = dense.pooled(features, small, network).numpy()  # type: ignore[arg-type]
    expected = dense.pooled(features, large, network).numpy()[0]  # type: ignore[arg-type]
    assert np.allclose(combined(parts), expected, atol=1e-5)


@pytest.mark.parametrize("exact", [True, False])
def test_a_search_is_that_of_a_store_made_for_the_size(
    store: EmbeddingStore, tmp_path: Path, exact: bool
) -> None:
    clicks = [[0, 60, 70], [1, 100, 33]], [[0, 110, 140]]
    config = SearchConfig(n_results=12, exact=True)
    expected = search(made(tmp_path / "large.zarr", 32), *clicks, query=PLAIN, settings=config)
    for searched, size_nm in ((replace(store), 160), ([of_size(store, 240)], 161)):
        asked = replace(config, exact=exact, size_nm=size_nm)
        matches = search(searched, *clicks, query=PLAIN, settings=asked)
        assert np.array_equal(matches.places, expected.places)
        assert np.array_equal(matches.edges, expected.edges)
        assert np.array_equal(matches.voxels, expected.voxels)
        assert np.allclose(matches.scores, expected.scores, atol=2e-3)


def test_the_command_writes_places_of_the_size(
    store: EmbeddingStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_command(
        work, "search", tmp_path, f"store={store.path}", "positive=[[0,60,70]]",
        "search.size_nm=170", "search.n_results=4", "search.suggestions=2", "figures=false",
    )  # fmt: skip
    assert "Windows of 32 voxels, 160 nm." in capsys.readouterr().out
    with (tmp_path / "run_search" / "matches.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["box_height"] for row in rows} == {"32"}
    with (tmp_path / "run_search" / "suggestions.csv").open(newline="") as file:
        centres = [float(row["y"]) for row in csv.DictReader(file)]
    assert [y % 8 for y in centres] == [7.5] * 2  # of windows of 32 voxels, in steps of 8


def test_signatures_follow_a_store_that_grows_and_are_read_by_the_next_search(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = len(list(grid_of(EDGE).blocks()))
    store = made(tmp_path / "a.zarr", blocks=whole - 2)
    codes = direct(EDGE).astype(np.float16)
    before, valid = larger(store, 32)._scanned
    assert 0 < valid.sum() < len(valid)
    assert not before[~valid].any()
    add_blocks(store, codes, whole - 2, None)
    sized = larger(store, 32)
    after, everywhere = sized._scanned
    assert everywhere.all()
    assert np.array_equal(after[valid], before[valid])  # the sample was of enough
    assert np.array_equal(after, sized.signer.sign(sized.codes(np.arange(len(after)))))
    some = np.array([5, 77, 150])
    assert np.array_equal(larger(store, 32).signatures(some)[0], after[some])
    monkeypatch.setattr(SizedStore, "_block", None)  # what is there is not made again
    assert np.array_equal(larger(store, 32)._scanned[0], after)
    monkeypatch.undo()
    (sample,) = (store.path / flat_copy.COPY).glob("*.size.npz")
    content = bytearray(sample.read_bytes())
    content[len(content) // 2] ^= 1
    sample.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert larger(store, 32)._scanned[1].all()
    assert "is damaged; it is drawn again" in caplog.text
    kept = {file.name.split(".")[1] for file in (store.path / flat_copy.COPY).glob("*.size-*")}
    assert len(kept) == 1  # of the earlier sample nothing is left


def test_a_window_over_a_place_without_a_code_has_none(tmp_path: Path) -> None:
    store = made(tmp_path / "a.zarr", blocks=0)
    codes, grid = direct(EDGE).astype(np.float16), store.grid
    for block in grid.blocks():
        places = grid.places(block)
        there = np.ones(places.shape[1:], dtype=bool)
        if block == (0, 1, 1):
            there[3, 4] = False  # row 11, column 12
        store.write(block, codes[grid.positions(places)][there.ravel()], there)
    sized = larger(store, 32)
    _, valid = sized._scanned
    missing = np.argwhere(~valid.reshape(sized.grid.shape))
    assert missing.tolist() == [[0, y, x] for y in (9, 11) for x in (10, 12)]
    with pytest.raises(ConfigError, match=r"around the positive example .* was skipped"):
        search(sized, [[0, 11 * 8 + 15, 12 * 8 + 15]], query=PLAIN, settings=SearchConfig())


def test_sizes_that_cannot_be_are_refused(store: EmbeddingStore, tmp_path: Path) -> None:
    assert of_size(store, 16 * 5.0) is store
    assert of_size(larger(store, 32), 16 * 5.0).grid == store.grid
    for size_nm in (50.0, 2000.0):
        with pytest.raises(ConfigError, match=r"its windows have 80 nm, and 680 nm is the largest"):
            of_size(store, size_nm)
    other = write_store(tmp_path / "b.zarr", direct(EDGE).astype(np.float16), grid_of(EDGE))
    with pytest.raises(ConfigError, match=r"those of .* are of model=none"):
        of_size(other, 160)
    grid = PlaceGrid((3, 4, 4), EDGE, STRIDE, 8, (5.0, 5.0, 5.0), (0.0, 0.0, 0.0), "ortho")
    model = {"model": store.manifest["model"]}
    turned = replace(store, grid=grid, manifest=model)
    with pytest.raises(ConfigError, match="was made with planes=ortho"):
        of_size(turned, 160)
    with pytest.raises(ConfigError, match=r"search\.size_nm must be a length above 0, or found"):
        SearchConfig(size_nm="large")


def test_the_size_is_found_at_which_examples_are_alike(tmp_path: Path) -> None:
    """Squares of 64 voxels, of 16 that are dark or bright: which is chance, but half are."""
    rng = np.random.default_rng(0)
    plane = np.asarray(rng.normal(size=SHAPE))
    centres = [[0, 32, 40], [0, 104, 128], [1, 32, 128], [1, 104, 40]]
    for z, y, x in centres:
        signs = rng.permutation(np.repeat([6.0, -6.0], 8)).reshape(4, 4)
        plane[z, y - 32 : y + 32, x - 32 : x + 32] += np.kron(signs, np.ones((16, 16)))
    windows = sliding_window_view(plane, (EDGE, EDGE), axis=(1, 2))[:, :: STRIDE[1], :: STRIDE[2]]
    code = np.stack([windows.mean((-2, -1)), np.sqrt(windows.var((-2, -1)) + 1e-6)], -1)
    codes = code.reshape(-1, 2).astype(np.float16)
    store = write_store(tmp_path / "a.zarr", codes, grid_of(EDGE), name="contrastive")
    config = SearchConfig(n_results=3, size_nm="found")
    matches = search(store, centres[:3], query=PLAIN, settings=config)
    assert set(matches.edges[:, 1].tolist()) == {64}
    assert np.abs(matches.centres[0] - centres[3]).max() <= 8
    with pytest.raises(ConfigError, match="needs at least two positive examples that lie apart"):
        search(store, centres[:1], query=PLAIN, settings=config)
