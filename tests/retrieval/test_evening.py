"""Scores evened while codes are read: as if all were evened anew after every step."""

from pathlib import Path

import numpy as np
import pytest
from support.small_stores import grid_of, random_codes, write_store

from emqs.embedding.stores.several import SeveralStores
from emqs.retrieval import neighbours, ranking, scorers
from emqs.retrieval.evening import Evening
from emqs.retrieval.settings import IndexConfig, QueryConfig

GRID = grid_of((3, 16, 16))
QUERY = QueryConfig(scorer="prototype", metric="cosine", whiten="none")


@pytest.mark.parametrize("n_stores", [1, 2])
def test_scores_are_those_of_evening_anew(tmp_path: Path, n_stores: int) -> None:
    codes = random_codes(GRID)
    store = write_store(tmp_path / "a.zarr", codes, GRID, blocks=2, short=13)  # the third has none
    joined = SeveralStores((store,) * n_stores)
    own_codes = codes[:3].astype(np.float32)
    scorer = scorers.build(QUERY, IndexConfig(name="exact"), own_codes[:1], own_codes[1:])
    rng = np.random.default_rng(0)
    known = np.concatenate([start + np.arange(512) for start in joined.starts[:-1]])
    positions = np.sort(rng.choice(known, 300, replace=False))
    own = ranking.rough_scores(joined, scorer, positions)
    order = rng.permutation(len(positions))
    evening = Evening(joined, scorer, positions, 0.25)

    def others(places: np.ndarray) -> np.ndarray:
        candidates = dict(zip(positions.tolist(), own.tolist(), strict=True))
        rough = neighbours.of_codes(
            joined, lambda some: ranking.rough_scores(joined, scorer, some), places
        )
        return np.array([candidates.get(p, r) for p, r in zip(places.tolist(), rough, strict=True)])

    for first, stop in ((0, 50), (50, 100), (100, 300)):
        new = np.sort(order[first:stop])
        own[new] = scorer.score(joined.codes(positions[new]))
        asked = order[first // 2 : stop]
        expected = neighbours.evened(
            joined, others, positions[asked], own[asked], reach=0.25, along_z=neighbours.ALONG_Z
        )
        np.testing.assert_allclose(evening.scores(asked, new, own), expected, rtol=0, atol=2e-7)
