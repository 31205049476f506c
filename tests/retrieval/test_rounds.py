"""Scores of a search, evened with those of neighbours: whatever is searched, and however."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.small_stores import grid_of, random_codes, write_store

from emqs.embedding.stores.several import SeveralStores
from emqs.errors import ConfigError
from emqs.retrieval import rounds, scorers, volume_search
from emqs.retrieval.settings import IndexConfig, QueryConfig, SearchConfig

GRID = grid_of((2, 16, 16))
QUERY = QueryConfig(metric="cosine", whiten="standard")
CLICK = [[0, 32, 40]]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("short", [0, 13])
def test_neighbours_count_that_may_not_be_found(tmp_path: Path, exact: bool, short: int) -> None:
    store = write_store(tmp_path / "a.zarr", random_codes(GRID), GRID, short=short)
    free, inside = (
        volume_search.search(
            store, CLICK, query=QUERY,
            settings=SearchConfig(
                n_results=600, distance_nm=0, smooth=0.25, exact=exact, box_nm=box
            ),
        )
        for box in (None, [[0, 0, 0], [30, 300, 700]])
    )  # fmt: skip
    low = free.centres_nm[:, 1] <= 300
    assert 50 < len(inside.ranks) < len(free.ranks)
    shared = {tuple(p): s for p, s in zip(free.places.tolist(), free.scores, strict=True)}
    expected = [shared[tuple(place)] for place in inside.places.tolist()]
    near = 1e-12 if exact or not short else 0.05  # a neighbour without a code read: its short one
    np.testing.assert_allclose(inside.scores, expected, atol=near)
    if exact or not short:
        assert inside.places.tolist() == free.places[low].tolist()


def test_probabilities_follow_the_order(tmp_path: Path) -> None:
    store = write_store(tmp_path / "a.zarr", random_codes(GRID), GRID, short=13)
    places = np.array([[i % 2, i, 15 - i] for i in range(12)])
    clicked = (GRID.first_voxels(places) + GRID.size // 2 * np.array([0, 1, 1])).tolist()
    found = volume_search.search(
        store, clicked[:6], clicked[6:], query=QUERY, settings=SearchConfig(smooth=0.25)
    )
    assert found.probabilities is not None
    assert np.all(np.diff(found.probabilities) <= 0)
    assert np.all(np.diff(found.scores) <= 0)


@pytest.mark.parametrize("exact", [False, True])
def test_rounds_give_every_place_once_and_each_round_goes_on(tmp_path: Path, exact: bool) -> None:
    all_codes = [random_codes(GRID, seed) for seed in (0, 1)]
    stores = tuple(
        write_store(tmp_path / f"{n}.zarr", codes, GRID) for n, codes in enumerate(all_codes)
    )
    codes = np.concatenate(all_codes).astype(np.float32)
    index = IndexConfig(name="exact")
    scorer = scorers.build(QUERY, index, codes[:2], None, stores[0].sample())
    settings = SearchConfig(candidates=30, exact=exact)
    joined = SeveralStores(stores)
    if exact:
        parts = list(rounds.of_all(joined, scorer, settings))
    else:
        queries = [signer.sign(codes[:2]) for signer in joined.signers]
        parts = list(rounds.by_signatures(joined, scorer, queries, settings))
    found = np.concatenate([positions for positions, _ in parts])
    assert len(parts) > 2
    assert np.array_equal(np.sort(found), np.arange(2 * GRID.n_places))
    scores = scorer.score(codes)
    np.testing.assert_allclose(np.concatenate([own for _, own in parts]), scores[found])
    if exact:
        assert found.tolist() == np.argsort(-scores, kind="stable").tolist()
    else:
        assert all(np.all(np.diff(own) <= 0) for _, own in parts)


def test_an_exact_search_is_the_same_without_short_codes(tmp_path: Path) -> None:
    """What is added to a few examples is chosen by codes then, too."""
    codes = random_codes(GRID)
    stores = [
        write_store(tmp_path / f"{short}.zarr", codes, GRID, short=short) for short in (0, 13)
    ]
    clicked = (
        GRID.first_voxels(np.array([[0, 5, 5]])) + GRID.size // 2 * np.array([0, 1, 1])
    ).tolist()
    for exact in (True, False):
        one, other = (
            volume_search.search(
                store, clicked, [], query=replace(QUERY, scorer="logistic"),
                settings=SearchConfig(exact=exact, candidates=100, expand=True),
            )
            for store in stores
        )  # fmt: skip
        assert (one.places.tolist() == other.places.tolist()) == exact
        assert np.array_equal(one.scores, other.scores) == exact


def test_a_place_is_no_example_of_both_kinds(tmp_path: Path) -> None:
    store = write_store(tmp_path / "a.zarr", random_codes(GRID), GRID)
    with pytest.raises(ConfigError, match=r"^\[0, 8, 8\] is both a positive and a negative"):
        volume_search.search(
            store, [[0, 8, 8], [0, 9, 8]], [[1, 8, 8], [0, 8, 8]],
            query=QUERY, settings=SearchConfig(),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"smooth": 1e9}, r"query\.smooth must be from 0 to 10 patches, got 1e\+09"),
        ({"smooth_z": 1e9}, r"query\.smooth_z must be from 0 to 1000 slices, got 1e\+09"),
        ({"smooth": float("nan")}, r"query\.smooth must be from 0 to 10 patches, got nan"),
        ({"smooth_z": -1}, r"query\.smooth_z must be from 0 to 1000 slices, got -1"),
    ],
)
def test_nothing_is_smoothed_over_more_than_there_can_be(
    setting: dict[str, float], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        QueryConfig(**setting)  # type: ignore[arg-type]


def test_settings_that_do_nothing_are_named() -> None:
    given = ["query.k", "query.smooth", "query.c", "query.scorer", "patch.size", "query"]
    windows = QueryConfig(scorer="knn", dense=True)
    assert windows.idle(given) == ["query.c does nothing with query.scorer=knn."]
    whole = QueryConfig(scorer="logistic")
    assert whole.idle(given) == [
        "query.k does nothing with query.scorer=logistic.",
        "query.smooth does nothing with query.dense=false.",
    ]
    assert QueryConfig(scorer=None, dense=True).idle(given) == []
