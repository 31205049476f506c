import re

import numpy as np
import pytest
from reference import grids

from emqs.errors import DataError
from emqs.patches import boxes as patch_boxes
from emqs.retrieval import examples, ranking
from emqs.retrieval.settings import QueryConfig


@pytest.mark.parametrize("batch_size", range(1, 61))
def test_query_slices_follow_the_documented_rule(batch_size: int) -> None:
    for n in range(61):
        chosen = examples.query_slices(n, batch_size)
        assert chosen.dtype == np.int64
        assert chosen.tolist() == grids.query_slices(n, batch_size), f"{n} slices"
        assert len(chosen) == -(-n // batch_size)
        assert len(set(chosen.tolist())) == len(chosen)
        assert ((chosen >= 0) & (chosen < n)).all()


@pytest.mark.parametrize(
    ("n", "batch_size", "expected"),
    [
        (20, 10, [5, 15]),
        (55, 10, [5, 15, 25, 35, 45, 52]),  # a rest of 5: 55 - 2 - 1
        (23, 10, [5, 15, 21]),
        (21, 10, [5, 15, 20]),
        (7, 100, [3]),  # all of it is a rest: 7 - 3 - 1
        (8, 100, [3]),
        (3, 1, [0, 1, 2]),
        (0, 10, []),
    ],
)
def test_query_slices_by_hand(n: int, batch_size: int, expected: list[int]) -> None:
    assert examples.query_slices(n, batch_size).tolist() == expected


def boxes_of(n_slices: int, per_slice: int) -> np.ndarray:
    z = np.repeat(np.arange(n_slices), per_slice)
    x = np.tile(np.arange(per_slice), n_slices)
    return np.stack([z, 0 * x, x, 0 * x + 1, 0 * x + 1], axis=1)


def test_split_by_hand() -> None:
    """Blocks of 2: query slices 1 and 3. Exactly min_overlap is no example, nor is a little."""
    boxes = boxes_of(4, 5)
    overlap = np.tile([0.0, 1e-9, 0.5, 0.5 + 1e-12, 1.0], 4)
    split = examples.split(boxes, overlap, 4, QueryConfig(batch_size=2, min_overlap=0.5))
    assert split.query_slices.tolist() == [1, 3]
    assert split.positives.tolist() == [8, 9, 18, 19]
    assert split.negatives.tolist() == [5, 15]
    assert split.searched.tolist() == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]


@pytest.mark.parametrize("seed", range(5))
def test_split_sets_do_not_meet(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes = rng.permutation(boxes_of(23, 8))
    overlap = rng.choice([0, 0.2, 0.3, 0.9], size=len(boxes))
    split = examples.split(boxes, overlap, 23, QueryConfig(batch_size=7, min_overlap=0.3))
    positives, negatives = set(split.positives.tolist()), set(split.negatives.tolist())
    searched = set(split.searched.tolist())
    assert not positives & negatives
    assert not searched & (positives | negatives)
    for i, (z, covered) in enumerate(zip(boxes[:, 0].tolist(), overlap, strict=True)):
        in_query = z in (3, 10, 17, 21)
        assert (i in searched) == (not in_query)
        assert (i in positives) == (in_query and covered > 0.3)
        assert (i in negatives) == (in_query and covered == 0)


@pytest.mark.parametrize(
    ("overlap", "settings", "message"),
    [
        (
            [0.0, 0.25],
            {"batch_size": 2, "structure": 3},
            "No patch shows structure 3 on more than 0.5 of its area in the query slices "
            "1, 3, 5, 7, ... (query.batch_size=2); the most is 0.25. "
            "Lower query.min_overlap or patch.size, or choose another query.structure.",
        ),
        (
            [0.0, 0.5],
            {"batch_size": 5},
            "No patch shows structure 1 on more than 0.5 of its area in the query slices "
            "2, 7 (query.batch_size=5); the most is 0.5. "
            "Lower query.min_overlap or patch.size, or choose another query.structure.",
        ),
        (
            [0.1, 0.9],
            {"batch_size": 5},
            "Every patch in the query slices 2, 7 (query.batch_size=5) shows some of structure 1, "
            "so there is no negative example. Choose a smaller patch.size.",
        ),
        (
            [0.0, 0.9],
            {"batch_size": 1},
            "All 10 slices are query slices with query.batch_size=1, so nothing is left to search. "
            "Use more slices or a larger query.batch_size.",
        ),
    ],
)
def test_stacks_that_cannot_be_searched(
    overlap: list[float], settings: dict[str, int], message: str
) -> None:
    config = QueryConfig(**settings)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        examples.split(boxes_of(10, 2), np.tile(overlap, 10), 10, config)


def test_ranking_goes_down_and_keeps_the_order_of_ties() -> None:
    scores = np.array([0.0, -1e-300, 2.0, 0.0, 2.0, -5.0])
    assert ranking.ranking(scores).tolist() == [2, 4, 0, 3, 1, 5]


def test_sampled_examples_are_different_candidates_and_seeded() -> None:
    candidates = np.arange(100) * 7
    drawn = examples.sample_examples(candidates, 20, seed=0)
    assert len(set(drawn.tolist())) == 20
    assert set(drawn.tolist()) <= set(candidates.tolist())
    assert drawn.tolist() == examples.sample_examples(candidates, 20, seed=0).tolist()
    assert drawn.tolist() != examples.sample_examples(candidates, 20, seed=1).tolist()
    assert (
        sorted(examples.sample_examples(candidates, 100, seed=42).tolist()) == candidates.tolist()
    )


def test_too_few_candidates() -> None:
    message = (
        "4 negative examples are wanted, but only 3 patches qualify. "
        "Ask for fewer, or change patch.size or query.min_overlap."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        examples.sample_examples(np.arange(3), 4, seed=0, kind="negative")


def test_resized_by_hand() -> None:
    """Same centre; moved inwards at a border; cut only where the slice is smaller."""
    boxes = np.array([[0, 40, 40, 20, 20], [0, 0, 90, 20, 10], [1, 10, 10, 20, 20]])
    larger = patch_boxes.resized(boxes, 2, [(100, 100), (30, 200)])
    assert larger.tolist() == [[0, 30, 30, 40, 40], [0, 0, 80, 40, 20], [1, 0, 0, 30, 40]]
    smaller = patch_boxes.resized(boxes, 0.5, [(100, 100), (30, 200)])
    assert smaller[0].tolist() == [0, 45, 45, 10, 10]
    assert patch_boxes.resized(boxes, 1, [(100, 100), (30, 200)]).tolist() == boxes.tolist()
