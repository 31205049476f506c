import re

import numpy as np
import pytest
from reference import neighbours

from emqs.errors import ConfigError, DataError
from emqs.retrieval import index
from emqs.retrieval.settings import IndexConfig

EXACT = IndexConfig(name="exact")
ANNOY = IndexConfig(name="annoy", n_trees=750)


def codes_of(seed: int, n: int = 300, d: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize("config", [EXACT, ANNOY])
def test_every_code_finds_itself_at_distance_exactly_zero(config: IndexConfig) -> None:
    codes = codes_of(0)
    ids, distances = index.build(codes, config).nearest(codes, 1)
    assert ids[:, 0].tolist() == list(range(300))
    assert (distances == 0).all()
    assert ids.dtype == np.int64
    assert distances.dtype == np.float64


@pytest.mark.parametrize(
    ("n", "d", "offset", "spread"),
    [
        (200, 32, 0, 1),
        (5, 3, 0, 1),  # fewer codes than candidates
        (300, 32, 1e4, 1e-2),
        (300, 32, 1e6, 1),
        (1500, 4096, 1e4, 2e-3),  # here products of uncentred codes lose the nearest ones
    ],
)
def test_exact_equals_brute_force(n: int, d: int, offset: float, spread: float) -> None:
    rng = np.random.default_rng(0)
    codes = (offset + spread * rng.normal(size=(n, d))).astype(np.float32)
    queries = (offset + spread * rng.normal(size=(30, d))).astype(np.float32)
    k = min(5, n)
    ids, distances = index.build(codes, EXACT).nearest(queries, k)
    for row, query in enumerate(queries):
        expected_ids, expected = neighbours.nearest(codes, query, k)
        assert distances[row] == pytest.approx(np.array(expected), rel=1e-12)
        assert ids[row].tolist() == expected_ids


def test_exact_does_not_depend_on_its_block(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, queries = codes_of(0), codes_of(1)
    whole = index.build(codes, EXACT).nearest(queries, 7)
    monkeypatch.setattr(index, "BLOCK", 1000)
    parts = index.build(codes, EXACT).nearest(queries, 7)
    assert np.array_equal(whole[0], parts[0])
    assert np.array_equal(whole[1], parts[1])


@pytest.mark.parametrize("k", [1, 2, 100])
def test_exact_measures_what_rounding_cannot_tell_apart(k: int) -> None:
    rng = np.random.default_rng(0)
    far = rng.normal(size=(40, 64))
    far[:, ::8] *= 1e5  # squares of these hide the rest
    step = 1e-5 * rng.normal(size=far.shape)
    step[:, ::8] = 0
    far, step = far.astype(np.float32), step.astype(np.float32)
    codes = np.concatenate([far + 2 * step, far - step, (far + 2 * step)[:20]])
    ids, distances = index.build(codes, EXACT).nearest(far, k)
    for row, query in enumerate(far):
        expected_ids, expected = neighbours.nearest(codes, query, k)
        assert ids[row].tolist() == expected_ids
        assert distances[row] == pytest.approx(np.array(expected), rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("offset", [0, 1e4])
def test_annoy_finds_nearly_what_exact_finds(offset: float) -> None:
    codes = codes_of(0, n=8000) + np.float32(offset)
    queries = codes_of(1, n=100) + np.float32(offset)
    truth, _ = index.build(codes, EXACT).nearest(queries, 10)
    built = index.build(codes, ANNOY)
    found, distances = built.nearest(queries, 10)
    assert isinstance(built, index.AnnoyTrees)
    assert "trees" in vars(built)
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(truth, found, strict=True)])
    assert recall > 0.9, f"recall@10 of Annoy against exact is {recall:.3f}"
    assert (np.diff(distances, axis=1) >= -1e-6).all()


def test_annoy_distances_are_those_of_its_ids() -> None:
    codes, queries = codes_of(0), codes_of(1, n=20)
    ids, distances = index.build(codes, IndexConfig(n_trees=20)).nearest(queries, 4)
    for row, query in enumerate(queries.astype(float)):
        expected = [np.linalg.norm(codes[i].astype(float) - query) for i in ids[row]]
        assert distances[row] == pytest.approx(np.array(expected), abs=1e-12)


@pytest.mark.parametrize(
    ("settings", "k", "trees_are_used"),
    [
        ({"n_trees": 100}, 3, False),  # may inspect 300 of the 300 codes
        ({"n_trees": 100}, 2, True),  # 200 of them
        ({"n_trees": 10, "search_k": 300}, 1, False),
        ({"n_trees": 10, "search_k": 299}, 1, True),
    ],
)
def test_few_codes_are_all_inspected(
    settings: dict[str, int], k: int, trees_are_used: bool
) -> None:
    codes, queries = codes_of(0), codes_of(1)
    built = index.build(codes, IndexConfig(**settings))
    found, distances = built.nearest(queries, k)
    assert ("trees" in vars(built)) == trees_are_used
    truth, exact = index.build(codes, EXACT).nearest(queries, k)
    if not trees_are_used:
        assert np.array_equal(found, truth)
        assert np.array_equal(distances, exact)


def test_annoy_is_the_same_every_time_and_its_seed_counts() -> None:
    codes, queries = codes_of(0, n=3000), codes_of(1)

    def found(seed: int) -> np.ndarray:
        config = IndexConfig(name="annoy", n_trees=2, search_k=20, seed=seed)
        return index.build(codes, config).nearest(queries, 5)[0]

    assert np.array_equal(found(0), found(0))
    assert not np.array_equal(found(0), found(1))
    assert found(-3).shape == (300, 5)


def test_more_trees_find_more() -> None:
    codes, queries = codes_of(0, n=3000), codes_of(1, n=100)
    truth, _ = index.build(codes, EXACT).nearest(queries, 10)
    recalls = []
    for n_trees in (2, 20, 200):
        config = IndexConfig(name="annoy", n_trees=n_trees)
        found, _ = index.build(codes, config).nearest(queries, 10)
        recalls.append(
            np.mean([len(set(a) & set(b)) / 10 for a, b in zip(truth, found, strict=True)])
        )
    assert recalls[0] < recalls[1] < recalls[2], recalls


@pytest.mark.parametrize("config", [EXACT, ANNOY])
@pytest.mark.parametrize("n", [1, 2, 40])
def test_few_and_equal_codes(config: IndexConfig, n: int) -> None:
    """One or two examples are a normal query; equal ones must not stop the search."""
    built = index.build(np.ones((n, 4), np.float32), config)
    assert len(built) == n
    ids, distances = built.nearest(np.zeros((3, 4), np.float32), n)
    assert [sorted(row) for row in ids.tolist()] == [list(range(n))] * 3
    assert (distances == 2).all()


@pytest.mark.parametrize("config", [EXACT, ANNOY])
def test_no_queries(config: IndexConfig) -> None:
    ids, distances = index.build(codes_of(0), config).nearest(np.empty((0, 32), np.float32), 2)
    assert ids.shape == distances.shape == (0, 2)


@pytest.mark.parametrize("config", [EXACT, ANNOY])
@pytest.mark.parametrize("k", [0, 301, -1])
def test_k_out_of_range(config: IndexConfig, k: int) -> None:
    built = index.build(codes_of(0), config)
    with pytest.raises(
        ConfigError, match=rf"^query\.num_neighbors must be from 1 to 300, got {k}\.$"
    ):
        built.nearest(codes_of(1), k)


@pytest.mark.parametrize("config", [EXACT, ANNOY])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_codes_that_are_not_finite(config: IndexConfig, value: float) -> None:
    codes = codes_of(0)
    codes[17, 3] = codes[40, 0] = value
    with pytest.raises(DataError, match=r"^Code 17 of 300 holds NaN or infinity\.$"):
        index.build(codes, config)


@pytest.mark.parametrize("shape", [(0, 4), (4,), (2, 2, 2)])
def test_arrays_that_are_no_codes(shape: tuple[int, ...]) -> None:
    message = f"An index needs codes of shape (N, D) with N > 0, got {shape}."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        index.build(np.zeros(shape, np.float32), EXACT)


def test_annoy_that_finds_too_few_says_what_to_do() -> None:
    built = index.build(codes_of(0, n=5000), IndexConfig(n_trees=1, search_k=1))
    message = r"^Annoy found \d+ of 4000 neighbours\. Raise index\.search_k \(now 1\) or use index="
    with pytest.raises(DataError, match=message):
        built.nearest(codes_of(1, n=2), 4000)
