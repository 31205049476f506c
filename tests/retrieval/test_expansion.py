"""First matches that are added to few examples, against plain NumPy and scikit-learn."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from support.small_stores import grid_of, random_codes, write_store

from emqs.retrieval import expansion, volume_search
from emqs.retrieval.scorers.space import fit_space
from emqs.retrieval.settings import QueryConfig, SearchConfig

QUERY = QueryConfig(scorer="logistic", metric="cosine", whiten="standard")
GRID = grid_of((2, 16, 16))


def units(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("whiten", ["none", "standard", "pca"])
def test_the_middle_has_the_mean_direction_inside_the_space(whiten: str) -> None:
    codes = random_codes(GRID).astype(np.float32)
    space = fit_space(QueryConfig(metric="cosine", whiten=whiten), codes)
    one = expansion.middle(space, codes[:2], codes[5:10])
    expected = units(space(codes[:2])).mean(axis=0) + units(space(codes[5:10])).mean(axis=0)
    assert one.dtype == np.float32
    np.testing.assert_allclose(space(one)[0], expected / np.linalg.norm(expected), atol=2e-6)
    alone = expansion.middle(space, codes[:1], codes[:0])
    np.testing.assert_allclose(space(alone), space(codes[:1]), atol=2e-6)


def test_what_agrees_is_taken_by_hand() -> None:
    space = fit_space(QueryConfig(metric="cosine", whiten="none"), None)
    example = np.array([[1, 0, 0]], dtype=np.float32)
    first = np.array(
        [[1, 0.1, 0], [0, 1, 0], [1, 0.2, 0], [0, -1, 0.1], [5, 0, 0], [0, 0, 1]], dtype=np.float32
    )
    assert sorted(expansion.agreeing(space, example, first).tolist()) == [0, 2, 4]
    assert len(expansion.agreeing(space, example, first[:1])) == 1
    assert len(expansion.agreeing(space, example, first[:0])) == 0


def weights_by_hand(along_z: float = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return what neighbours weigh, a row for each place, and distances in nm."""
    zyx = np.stack(np.unravel_index(np.arange(GRID.n_places), GRID.shape), axis=1)
    steps = (zyx[:, None] - zyx[None]) * np.array([30.0, 40, 40])
    squares = np.sum((steps / [along_z, 1, 1]) ** 2, axis=2)
    weights = np.where(np.abs(zyx[:, None] - zyx[None]).max(axis=2) <= 1, np.exp(-squares / 800), 0)
    weights[weights < 0.05] = 0  # an edge is 80 nm, sigma a quarter of it
    return weights / weights.sum(axis=1, keepdims=True), np.linalg.norm(steps, axis=2)


def first_by_hand(scores: np.ndarray, examples: list[int], n: int) -> list[int]:
    """Return the first by the mean of their own score and those of the neighbours, apart."""
    weights, nm = weights_by_hand()
    evened = weights @ scores
    far = nm[:, examples].min(axis=1) >= 80
    best = [place for place in np.argsort(-scores, kind="stable").tolist() if far[place]]
    pool = sorted(best[: 25 * n], key=lambda place: (-evened[place], place))
    chosen: list[int] = []
    for place in pool + best[25 * n :]:
        if len(chosen) < n and all(nm[place, other] >= 80 for other in chosen):
            chosen.append(place)
    return chosen


@pytest.mark.parametrize("n_negative", [0, 1])
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("smooth", [0.0, 0.25])
def test_a_search_goes_by_what_agrees_as_well(
    tmp_path: Path, n_negative: int, exact: bool, smooth: float
) -> None:
    store = write_store(tmp_path / "a.zarr", random_codes(GRID), GRID)
    places = [[0, 3, 4], [1, 9, 2], [0, 12, 12]][: 2 + n_negative]
    clicked = (GRID.first_voxels(np.array(places)) + GRID.size // 2 * np.array([0, 1, 1])).tolist()
    settings = SearchConfig(
        n_results=40,
        distance_nm=0,
        expand=True,
        exact=exact,
        smooth=smooth,
        candidates=200 if smooth else 20_000,
    )
    found = volume_search.search(store, clicked[:2], clicked[2:], query=QUERY, settings=settings)

    numbers = [np.ravel_multi_index(place, GRID.shape) for place in places]
    all_codes, sample = store.codes(np.arange(GRID.n_places)), store.sample().astype(np.float64)
    inside, usual = (
        units((codes - sample.mean(axis=0)) / sample.std(axis=0)) for codes in (all_codes, sample)
    )
    against = inside[numbers[2:]]

    def scored(shown: np.ndarray) -> np.ndarray:
        """Weigh both kinds the same; of the negatives half is what is usual, if there are some."""
        kinds = (shown, against, usual) if n_negative else (shown, usual)
        shares = (0.5, 0.25, 0.25) if n_negative else (0.5, 0.5)
        weights = np.concatenate([np.full(len(k), s / len(k)) for k, s in zip(kinds, shares)])  # noqa: B905
        is_positive = np.arange(len(weights)) < len(shown)
        head = LogisticRegression(C=QUERY.c, max_iter=10_000, tol=1e-10)
        weights *= max(2, len(shown) + n_negative)
        head.fit(np.concatenate(kinds), is_positive, sample_weight=weights)
        return head.decision_function(inside)

    own = inside[numbers[:2]]
    shown = steady = units(weights_by_hand()[0][numbers[:2]] @ inside)
    for n_first in (10, 20):
        first = inside[first_by_hand(scored(shown), numbers, n_first)]
        likeness = first @ np.concatenate([steady, first]).T
        agreement = likeness.mean(axis=1) + likeness[:, :2].max(axis=1)
        shown = np.concatenate([own, first[np.argsort(-agreement)[: n_first // 2]]])
    scores = scored(shown)
    if smooth:
        scores = weights_by_hand(0.5)[0] @ scores
    order = np.argsort(-scores, kind="stable")
    expected = order[~np.isin(order, numbers)][:40]
    numbers_found = np.ravel_multi_index(found.places.T, GRID.shape)
    if exact or not smooth:
        assert numbers_found.tolist() == expected.tolist()
    else:  # of 512 places 200 are candidates, by signatures
        shared = np.isin(numbers_found, expected)
        assert shared.mean() > 0.7
        np.testing.assert_allclose(found.scores, scores[numbers_found], atol=1e-3)
    plain = volume_search.search(
        store, clicked[:2], clicked[2:], query=QUERY, settings=SearchConfig(distance_nm=0)
    )
    assert plain.places[:40].tolist() != found.places.tolist()


def test_many_examples_and_other_scorers_go_by_themselves(tmp_path: Path) -> None:
    store = write_store(tmp_path / "a.zarr", random_codes(GRID), GRID, short=13)
    places = np.array([[i % 2, i, 15 - i] for i in range(10)])
    clicked = (GRID.first_voxels(places) + GRID.size // 2 * np.array([0, 1, 1])).tolist()
    for query, n in ((QUERY, 5), (QueryConfig(metric="cosine", whiten="standard"), 1)):
        with_it, without = (
            volume_search.search(
                store, clicked[:n], clicked[5:], query=query,
                settings=SearchConfig(expand=expand),
            )
            for expand in (True, False)
        )  # fmt: skip
        assert with_it.places.tolist() == without.places.tolist()
        assert with_it.scores.tolist() == without.scores.tolist()


def test_what_may_be_found_does_not_change_the_order(tmp_path: Path) -> None:
    store = write_store(tmp_path / "a.zarr", random_codes(GRID), GRID, short=13)
    free, inside = (
        volume_search.search(
            store, [[0, 32, 40]], query=QUERY,
            settings=SearchConfig(n_results=600, distance_nm=0, expand=True, box_nm=box),
        )
        for box in (None, [[0, 0, 0], [30, 300, 700]])
    )  # fmt: skip
    low = free.centres_nm[:, 1] <= 300
    assert 50 < len(inside.ranks) < len(free.ranks)
    assert inside.places.tolist() == free.places[low].tolist()
    assert inside.scores.tolist() == free.scores[low].tolist()
