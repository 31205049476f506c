"""Suppression of near results, against the rule written out."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from emqs.retrieval import ranking


class Points:
    """Places at points, as several stores give them."""

    def __init__(self, points: np.ndarray) -> None:
        self._points = points

    def points(self, positions: np.ndarray) -> np.ndarray:
        return self._points[positions]


def in_rounds(order: np.ndarray, scores: np.ndarray, size: int) -> Iterator[Any]:
    for start in range(0, len(order), size):
        part = order[start : start + size]
        yield part, scores[part]


def greedy(
    points: np.ndarray, order: np.ndarray, examples: list[int], distance: float, n: int
) -> list[int]:
    """Return what is shown, looked at one by one."""
    shown: list[int] = []
    for position in order.tolist():
        blockers = [*examples, *shown]
        near = [float(np.linalg.norm(points[position] - points[b])) for b in blockers]
        if position not in examples and all(d >= distance for d in near) and len(shown) < n:
            shown.append(position)
    return shown


@pytest.mark.parametrize("looked_at", [4, 512])
@pytest.mark.parametrize(("distance", "n", "size"), [(0.0, 9, 50), (90.0, 99, 60), (60.0, 7, 30)])
def test_suppression_equals_the_greedy_rule(
    distance: float, n: int, size: int, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "LOOKED_AT", looked_at)
    rng = np.random.default_rng(5)
    points = rng.uniform(0, 500, (180, 4)) * [0, 0, 1, 1]
    scores = rng.normal(size=180)
    order = np.argsort(-scores)
    examples = [int(order[0]), int(order[7])]
    kept, kept_scores = ranking.suppressed(
        in_rounds(order, scores, size), Points(points), np.array(examples),  # type: ignore[arg-type]
        distance_nm=distance, n_wanted=n,
    )  # fmt: skip
    assert kept.tolist() == greedy(points, order, examples, distance, n)
    assert kept_scores.tolist() == scores[kept].tolist()


@pytest.mark.parametrize("step", [1.0, 0.1, 1e4 / 3])
def test_places_just_at_the_distance_are_shown(step: float) -> None:
    points = np.zeros((10, 4))
    points[:, 3] = np.arange(10) * step  # for two of them, differences are not exact
    kept, _ = ranking.suppressed(
        in_rounds(np.arange(10), -np.arange(10.0), 10), Points(points), np.array([0]),  # type: ignore[arg-type]
        distance_nm=3 * step, n_wanted=9,
    )  # fmt: skip
    assert kept.tolist() == [3, 6, 9]


def test_the_best_come_first_and_equal_ones_by_position() -> None:
    positions, scores = ranking.best_first(np.array([7, 2, 5, 3]), np.array([1.0, 0.5, 1.0, 2.0]))
    assert positions.tolist() == [3, 5, 7, 2]
    assert scores.tolist() == [2.0, 1.0, 1.0, 0.5]


def test_what_is_near_to_any_example_is_left_out() -> None:
    points = np.zeros((12, 4))
    points[:, 2] = np.arange(12) * 10.0
    rounds = in_rounds(np.arange(12), -np.arange(12.0), 5)
    parts = list(
        ranking.away_from(rounds, Points(points), np.array([2, 8]), distance_nm=20.0)  # type: ignore[arg-type]
    )
    assert [kept.tolist() for kept, _ in parts] == [[0, 4], [5, 6], [10, 11]]
    assert [scores.tolist() for _, scores in parts] == [[0, -4], [-5, -6], [-10, -11]]
