"""Tests of how codes change: from slice to slice, and where a thing lies another way."""

import gc
import weakref
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from support.embedded_volumes import filled, volume, voxels

from emqs.embedding import signatures
from emqs.embedding.stores import steps
from emqs.embedding.stores.several import SeveralStores
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.models import turned
from emqs.retrieval import background
from emqs.retrieval.scorers.space import fit_space
from emqs.retrieval.settings import QueryConfig

WITHIN = QueryConfig(metric="cosine", whiten="within")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingStore:
    """Return an embedding volume of 3 x 24 x 24 places."""
    source = volume(voxels(3, 200, 200))
    return filled(tmp_path_factory.mktemp("steps") / "a.zarr", source).store


def test_steps_are_differences_of_places_above_each_other(made: EmbeddingStore) -> None:
    codes = made.codes(np.arange(made.grid.n_places)).reshape(*made.grid.shape, -1)
    every = (codes[1:] - codes[:-1]).reshape(-1, codes.shape[-1])
    drawn = steps.along_z(made)
    assert len(drawn) == len(every)  # a small volume is taken whole
    order, expected = np.lexsort(drawn.T), np.lexsort(every.T)
    np.testing.assert_array_equal(drawn[order], every[expected])


def test_of_a_large_volume_some_are_drawn_from_all_over(
    made: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "SQUARES", 5)
    monkeypatch.setattr(steps, "_KNOWN", weakref.WeakKeyDictionary())
    asked = []
    read = EmbeddingStore.codes

    def codes(store: EmbeddingStore, positions: np.ndarray) -> np.ndarray:
        asked.append(positions)
        return read(store, positions)

    monkeypatch.setattr(EmbeddingStore, "codes", codes)
    drawn = steps.along_z(made)
    assert len(drawn) == 5 * 64
    assert steps.along_z(made) is drawn  # asked once
    upper, lower = np.split(np.concatenate(asked), 2)
    np.testing.assert_array_equal(lower - upper, 24 * 24)
    squares = made.grid.zyx(upper) // [1, 8, 8]
    assert len(np.unique(squares, axis=0)) == 5


def test_one_slice_has_none(tmp_path: Path) -> None:
    one = filled(tmp_path / "one.zarr", volume(voxels(1, 200, 200))).store
    assert steps.along_z(one).shape == (0, one.manifest["code_size"])
    standard = QueryConfig(metric="cosine", whiten="standard")
    known = background.background_of(SeveralStores((one,)))
    codes = one.codes(np.arange(50))
    np.testing.assert_array_equal(known.space(WITHIN)(codes), known.space(standard)(codes))


def test_places_without_a_code_are_left_out(tmp_path: Path) -> None:
    array = voxels(3, 200, 200)
    array[1, :100] = 0  # empty: skipped
    some = filled(tmp_path / "some.zarr", volume(array)).store
    drawn = steps.along_z(some)
    valid = some.signatures(np.arange(some.grid.n_places))[1].reshape(some.grid.shape)
    assert len(drawn) == (valid[1:] & valid[:-1]).sum() < 2 * 24 * 24
    assert np.isfinite(drawn).all()


def test_what_is_learnt_goes_with_the_store(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.zarr").store
    background.background_of(SeveralStores((store,))).space(WITHIN)
    gone = weakref.ref(store)
    del store
    gc.collect()
    assert gone() is None


def test_a_store_that_is_looked_at_anew_is_the_one_that_is_asked(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.zarr", volume(voxels(3, 200, 200))).store
    standard = QueryConfig(metric="cosine", whiten="standard")
    background.background_of(SeveralStores((store,))).space(standard)
    anew = replace(store)
    assert anew.signer is store.signer
    del store
    gc.collect()
    space = background.background_of(SeveralStores((anew,))).space(WITHIN)
    assert space.scale is not None
    assert space.scale.ndim == 2


def test_a_store_tells_whose_codes_it_holds(
    made: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One volume, and several searched as one, are asked for the same matrix."""
    sha256 = made.manifest["model"]["weights_sha256"]
    width = int(made.manifest["code_size"])
    changes = np.diag(np.arange(1.0, width + 1))
    monkeypatch.setattr(turned, "of", {sha256: changes}.get)
    query = replace(WITHIN, whiten="turned")
    codes = made.codes(np.arange(50))
    for stores in ((replace(made, signer=replace(made.signer)),), (made, made)):
        joined = SeveralStores(stores)
        own = background.background_of(joined).space(query)
        expected = fit_space(query, joined.sample(), joined.steps(), changes)
        np.testing.assert_array_equal(own(codes), expected(codes))
        within = background.background_of(joined).space(WITHIN)
        assert not np.allclose(own(codes), within(codes), atol=0.01)


def test_signatures_follow_what_searches_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = filled(tmp_path / "a.zarr").store
    covariance = np.diag(np.linspace(0, 40, plain.manifest["code_size"]))
    monkeypatch.setattr(turned, "of", {plain.manifest["model"]["weights_sha256"]: covariance}.get)
    store = filled(tmp_path / "b.zarr").store
    codes = plain.codes(np.arange(plain.grid.n_places))
    np.testing.assert_array_equal(codes, store.codes(np.arange(plain.grid.n_places)))
    expected = signatures.fit(
        plain.sample().astype(np.float64), seed=0, matrix=turned.steadied(covariance)
    )
    np.testing.assert_array_equal(store.signer.sign(codes), expected.sign(codes))
    assert (store.signer.sign(codes) != plain.signer.sign(codes)).mean() > 0.5


def test_signatures_follow_steps_along_z_too(tmp_path: Path) -> None:
    """What changes from slice to slice is short where signatures are learnt."""
    made = {
        name: filled(tmp_path / f"{name}.zarr", volume(voxels(depth, 200, 200)), n_sample=10_000)
        for name, depth in (("three", 3), ("one", 1))
    }
    store = made["three"].store
    whole = store.codes(np.arange(store.grid.n_places)).reshape(*store.grid.shape, -1)
    differences = []
    for z, y, x in product((0, 1, 1), (0, 20), (0, 20)):  # groups of 20 x 20; none beneath the last
        corner = (slice(y, y + 8), slice(x, x + 8))
        differences.append((whole[z + 1][corner] - whole[z][corner]).reshape(-1, whole.shape[-1]))
    assert sum(map(len, differences)) == 3 * (64 + 32 + 32 + 16)
    sample = store.sample().astype(np.float64)
    scaled = np.concatenate(differences) / sample.std(axis=0)
    covariance = scaled.T @ scaled / len(scaled)
    values, vectors = np.linalg.eigh(covariance)
    short = vectors * (values / values.mean() + 1) ** -0.25 @ vectors.T
    expected = signatures.fit(sample, seed=0, matrix=short).sign(whole.reshape(-1, len(short)))
    bits = np.unpackbits((store.signer.sign(whole.reshape(-1, len(short))) ^ expected).view("u1"))
    assert bits.mean() < 0.01
    plain = signatures.fit(sample, seed=0).sign(whole.reshape(-1, len(short)))
    assert np.unpackbits((plain ^ expected).view("u1")).mean() > 0.1
    alone = made["one"].store
    again = signatures.fit(alone.sample().astype(np.float64), seed=0)
    np.testing.assert_array_equal(alone.signer.directions, again.directions)
