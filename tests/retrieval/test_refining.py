"""The ranking by short codes first: the same as by codes alone, from far fewer codes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.small_stores import grid_of, random_codes, write_store

from emqs.embedding import short_codes
from emqs.embedding.short_codes import ShortCoder
from emqs.embedding.stores.several import SeveralStores
from emqs.embedding.stores.zarr import EmbeddingStore, open_store
from emqs.retrieval import refining, scorers, volume_search
from emqs.retrieval.scorers.rough import RoughSpace
from emqs.retrieval.scorers.scorer import Scorer
from emqs.retrieval.scorers.space import fit_space
from emqs.retrieval.settings import IndexConfig, QueryConfig, SearchConfig

EXACT = IndexConfig(name="exact")
GRID = grid_of((8, 64, 64))  # 32,768 places


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingStore:
    codes = random_codes(GRID)
    return write_store(tmp_path_factory.mktemp("short") / "a.zarr", codes, GRID, short=13)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingStore:
    """Return the same volume without short codes."""
    return write_store(tmp_path_factory.mktemp("plain") / "a.zarr", random_codes(GRID), GRID)


@pytest.mark.parametrize("settings", [
    {"metric": "cosine", "whiten": "standard", "typical": True},
    {"metric": "l2", "whiten": "standard"},
    {"metric": "l2", "whiten": "none", "typical": True, "num_neighbors": 2},
    {"metric": "cosine", "whiten": "pca"},
    {"metric": "cosine", "whiten": "none"},
    {"scorer": "prototype", "metric": "cosine", "whiten": "standard"},
    {"scorer": "lda", "whiten": "pca"},
    {"scorer": "logistic", "metric": "cosine", "whiten": "standard"},
    {"scorer": "density", "whiten": "standard"},
])  # fmt: skip
@pytest.mark.parametrize("negative", [True, False])
def test_short_codes_are_scored_as_rough_embeddings_are(
    settings: dict[str, object], negative: bool
) -> None:
    codes = random_codes(grid_of()).astype(np.float32)
    coder = short_codes.fit(codes, 9)
    query = QueryConfig(**settings)  # type: ignore[arg-type]
    negative = negative or query.scorer == "lda"  # which cannot do without
    scorer = scorers.build(query, EXACT, codes[:4], codes[4:7] if negative else None, codes)
    short = coder.encode(codes)
    expected = scorer.score(coder.decode(short))
    found = scorers.rough(scorer, coder)(short)
    assert found.dtype == np.float64
    assert np.allclose(found, expected, atol=2e-4 * np.abs(expected).max())


def test_a_length_of_zero_is_no_nan() -> None:
    codes = random_codes(grid_of()).astype(np.float64)
    coder = short_codes.fit(codes, 9)
    space = fit_space(QueryConfig(metric="cosine", whiten="standard"), codes.astype(np.float32))
    centred = ShortCoder(
        codes.mean(axis=0), coder.spread, coder.directions, coder.steps, coder.size
    )
    inside = RoughSpace.of(centred, space)
    nothing = np.zeros((1, len(coder.steps)), dtype=np.float32)
    assert np.isfinite(inside.apart(nothing, np.eye(16)[:1], unit=True)).all()


def parts_of(store: EmbeddingStore, positions: np.ndarray) -> list[refining.Ranked]:
    joined = SeveralStores((store,))
    return list(refining.ranked(joined, scorer_of(store), positions))


def scorer_of(store: EmbeddingStore) -> Scorer:
    query = QueryConfig(metric="cosine", whiten="standard", typical=True)
    examples = store.codes(np.array([100, 2000]))
    return scorers.build(query, EXACT, examples, None, store.sample())


def test_all_candidates_come_in_the_end_the_best_first(made: EmbeddingStore) -> None:
    positions = np.arange(0, 30000, 2)
    parts = parts_of(made, positions)
    assert [len(found) for found, _ in parts] == [128, 128, 256, 512, 1024, 12952]
    assert np.array_equal(np.sort(np.concatenate([found for found, _ in parts])), positions)
    scores = scorer_of(made).score(made.codes(positions))
    for found, own in parts:
        assert np.allclose(own, scores[found // 2])
        assert np.all(np.diff(own) <= 0)
    order = np.lexsort((positions, -scores))
    for upto in range(1, 6):
        found = np.concatenate([found for found, _ in parts[:upto]])
        best = positions[order][: len(found)]
        assert len(np.intersect1d(found, best)) >= 0.98 * len(best), upto


def test_where_all_that_is_ranked_is_read_nothing_differs(
    made: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    positions = np.arange(0, 30000, 3)
    scores = scorer_of(made).score(made.codes(positions))
    order = np.lexsort((positions, -scores))
    for first in (len(positions), len(positions) - 1):
        monkeypatch.setattr(refining, "FIRST", first)
        parts = parts_of(made, positions)
        joined = np.concatenate([found for found, _ in parts])
        assert np.array_equal(joined, positions[order])


@pytest.mark.slow
def test_equal_scores_come_by_position(made: EmbeddingStore, tmp_path: Path) -> None:
    codes = np.repeat(random_codes(GRID)[:16], GRID.n_places // 16, axis=0)
    codes = codes[np.random.default_rng(3).permutation(len(codes))]
    store = write_store(tmp_path / "a.zarr", codes, GRID, short=13)
    for found, scores in parts_of(store, np.arange(GRID.n_places)):
        same = np.diff(scores) == 0
        assert np.all(np.diff(found)[same] > 0)


def counted(store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which the count of codes of every further look-up is added."""
    counts: list[int] = []
    read = EmbeddingStore.codes

    def codes(self: EmbeddingStore, positions: np.ndarray) -> np.ndarray:
        counts.append(len(positions))
        return read(self, positions)

    monkeypatch.setattr(EmbeddingStore, "codes", codes)
    return counts


CLICKS = ([3, 100, 100], [5, 300, 200], [0, 60, 400])


@pytest.mark.parametrize("n_stores", [1, 2])
def test_a_search_finds_the_same_and_reads_few_codes(
    made: EmbeddingStore, plain: EmbeddingStore, monkeypatch: pytest.MonkeyPatch, n_stores: int
) -> None:
    """Recall of the first hundred against a ranking of all candidates by their codes."""
    query = QueryConfig(metric="cosine", whiten="standard", typical=True)
    settings = SearchConfig(n_results=100, distance_nm=0, candidates=10_000)
    shared = 0
    for click in CLICKS:
        point = click if n_stores == 1 else [0, *click]
        expected = volume_search.search([plain] * n_stores, [point], query=query, settings=settings)
        with monkeypatch.context() as patch:
            counts = counted(made, patch)
            found = volume_search.search([made] * n_stores, [point], query=query, settings=settings)
        assert sum(counts) == 1 + refining.FIRST
        both = [
            {(int(s), *map(int, p)) for s, p in zip(m.stores, m.places, strict=True)}
            for m in (expected, found)
        ]
        shared += len(both[0] & both[1])
        assert len(both[1]) == 100
    assert shared >= 0.995 * 100 * len(CLICKS)


@pytest.mark.slow
def test_evened_scores_are_those_of_an_exact_search(
    made: EmbeddingStore, plain: EmbeddingStore
) -> None:
    """Recall of the first hundred, where what is alike lies scattered; 0.71 without neighbours."""
    query = QueryConfig(metric="cosine", whiten="standard", typical=True)
    settings = SearchConfig(n_results=100, distance_nm=0, smooth=0.25, candidates=32_000)
    shared = 0
    for click in CLICKS:
        found = volume_search.search(made, [click], query=query, settings=settings)
        exact = replace(settings, exact=True)
        expected = volume_search.search(plain, [click], query=query, settings=exact)
        both = [{tuple(p) for p in m.places.tolist()} for m in (expected, found)]
        shared += len(both[0] & both[1])
    assert shared >= 0.9 * 100 * len(CLICKS)


def test_small_stores_exact_searches_and_mixed_ones_read_all_codes(
    made: EmbeddingStore, plain: EmbeddingStore
) -> None:
    query = QueryConfig(metric="cosine", whiten="standard", typical=True)
    for stores, settings in (
        ([made], SearchConfig(candidates=40_000)),
        ([made], SearchConfig(exact=True)),
        ([plain, made], SearchConfig(candidates=5_000)),
    ):
        points = [[0, *CLICKS[0]]] if len(stores) > 1 else [CLICKS[0]]
        found = volume_search.search(stores, points, query=query, settings=settings)
        expected = volume_search.search(
            [plain] * len(stores), points, query=query, settings=settings
        )
        assert np.array_equal(found.places, expected.places)
        assert np.array_equal(found.stores, expected.stores)
        assert np.array_equal(found.scores, expected.scores)


def test_pages_follow_each_other(made: EmbeddingStore) -> None:
    query = QueryConfig(metric="cosine", whiten="standard", typical=True)
    pages = [
        volume_search.search(
            [made], [CLICKS[1]], query=query,
            settings=SearchConfig(n_results=n, page=page, candidates=8_000),
        )
        for n, page in ((60, 0), (20, 0), (20, 1), (20, 2))
    ]  # fmt: skip
    joined = np.concatenate([page.places for page in pages[1:]])
    assert np.array_equal(joined, pages[0].places)


def test_what_is_learnt_of_the_sample_is_learnt_once(
    made: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, read, times = open_store(made.path), EmbeddingStore.sample, []

    def sample(self: EmbeddingStore) -> np.ndarray:
        times.append(self)
        return read(self)

    monkeypatch.setattr(EmbeddingStore, "sample", sample)
    found = [
        volume_search.search(
            store, [click],
            query=QueryConfig(metric=metric, whiten="standard", typical=True),
            settings=SearchConfig(candidates=3000),
        )
        for metric in ("cosine", "l2", "cosine") for click in CLICKS[:2]
    ]  # fmt: skip
    assert len(times) == 1
    for first, again in zip(found[:2], found[4:], strict=True):
        assert np.array_equal(first.places, again.places)
        assert np.array_equal(first.scores, again.scores)
    assert not np.array_equal(found[0].scores, found[2].scores)
