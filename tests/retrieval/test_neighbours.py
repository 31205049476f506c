"""Scores evened with neighbours, where some of these are not embedded."""

from pathlib import Path

import numpy as np
import pytest
from support.small_stores import grid_of, random_codes, write_store

from emqs.embedding.stores.several import SeveralStores
from emqs.retrieval import neighbours, ranking, scorers
from emqs.retrieval.settings import IndexConfig, QueryConfig

GRID = grid_of((2, 16, 16))  # one block in each slice


@pytest.mark.parametrize("short", [0, 13])
def test_neighbours_without_a_code_do_not_count(tmp_path: Path, short: int) -> None:
    codes = random_codes(GRID)
    store = write_store(tmp_path / "a.zarr", codes, GRID, blocks=1, short=short)
    joined = SeveralStores((store,))
    query = QueryConfig(scorer="prototype", metric="cosine", whiten="none")
    own = codes[:3].astype(np.float32)
    scorer = scorers.build(query, IndexConfig(name="exact"), own[:1], own[1:])
    scores = scorer.score(codes.astype(np.float32))
    if short:
        rough = joined.scored_short(np.arange(256), lambda coder: scorers.rough(scorer, coder))
    else:
        rough = scores

    def others(places: np.ndarray) -> np.ndarray:
        return neighbours.of_codes(
            joined, lambda some: ranking.rough_scores(joined, scorer, some), places
        )

    found = neighbours.evened(joined, others, np.array([0, 17]), scores[[0, 17]])
    weight = np.exp(-(40**2) / (2 * 20**2))  # a step of 40 nm, a quarter of an edge of 80 nm
    expected = [
        (scores[0] + weight * (rough[1] + rough[16])) / (1 + 2 * weight),
        (scores[17] + weight * rough[[16, 18, 1, 33]].sum()) / (1 + 4 * weight),
    ]
    np.testing.assert_allclose(found, expected, atol=1e-6)
