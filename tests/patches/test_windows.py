"""Windows on a fine grid, and scores of patches from theirs, against loops and SciPy."""

import numpy as np
import pytest
from scipy import ndimage

from emqs.patches import windows
from emqs.retrieval.settings import QUESTIONS


@pytest.mark.parametrize(
    ("length", "window", "step", "expected"),
    [
        (20, 10, 5, [0, 5, 10]),
        (23, 10, 5, [0, 5, 10, 13]),
        (10, 10, 3, [0]),
        (11, 10, 100, [0, 1]),
        (4, 1, 1, [0, 1, 2, 3]),
    ],
)
def test_windows_start_every_step_and_at_the_end(
    length: int, window: int, step: int, expected: list[int]
) -> None:
    found = windows.starts(length, window, step)
    assert found.tolist() == expected
    assert found.dtype == np.int64


def test_a_grid_covers_a_slice_and_fits_into_it() -> None:
    grid = windows.grid((23, 31), 10, 4)
    boxes = grid.boxes(7)
    assert boxes.shape == (grid.shape[0] * grid.shape[1], 5)
    assert len(np.unique(boxes, axis=0)) == len(boxes)
    seen = np.zeros((23, 31), dtype=bool)
    for z, y, x, height, width in boxes.tolist():
        assert (z, height, width) == (7, 10, 10)
        assert y + height <= 23
        assert x + width <= 31
        seen[y : y + height, x : x + width] = True
    assert seen.all()
    rows = [boxes[n * grid.shape[1]][1] for n in range(grid.shape[0])]
    assert rows == grid.y.tolist()  # row by row


def test_a_slice_smaller_than_a_window_is_one() -> None:
    assert windows.grid((8, 30), 10, 20).boxes(0).tolist() == [[0, 0, 0, 8, 10], [0, 0, 20, 8, 10]]
    assert windows.grid((8, 9), 10, 5).boxes(2).tolist() == [[2, 0, 0, 8, 9]]


def test_windows_inside_boxes() -> None:
    """Against a look at every window; a box that holds none gets the one in its middle."""
    grid = windows.grid((53, 61), 10, 4)
    rng = np.random.default_rng(0)
    boxes = []
    for _ in range(300):
        y, x = int(rng.integers(52)), int(rng.integers(60))
        boxes.append((0, y, x, rng.integers(1, 54 - y), rng.integers(1, 62 - x)))
    found = grid.inside(np.array(boxes))
    n_without = 0
    for (_, y, x, height, width), ranges in zip(boxes, found.tolist(), strict=True):
        for starts, window, first, size, begin, n in (
            (grid.y, grid.height, y, height, ranges[0], ranges[2]),
            (grid.x, grid.width, x, width, ranges[1], ranges[3]),
        ):
            within = [
                number
                for number, start in enumerate(starts.tolist())
                if first <= start and start + window <= first + size
            ]
            got = list(range(begin, begin + n))
            if within:
                assert got == within
            else:
                n_without += 1
                away = abs(starts + window / 2 - (first + size / 2))
                assert len(got) == 1
                assert away[got[0]] == away.min()
    assert n_without > 50


def test_windows_of_boxes_start_at_their_first_pixel() -> None:
    boxes = np.array([[3, 7, 9, 20, 15], [0, 1, 2, 5, 30], [3, 7, 9, 10, 10]])
    found, owner = windows.of_boxes(boxes, 10, 5)
    by_box = [found[owner == n].tolist() for n in range(3)]
    assert by_box[0] == [[3, 7 + y, 9 + x, 10, 10] for y in (0, 5, 10) for x in (0, 5)]
    assert by_box[1] == [[0, 1, 2 + x, 5, 10] for x in (0, 5, 10, 15, 20)]
    assert by_box[2] == [[3, 7, 9, 10, 10]]
    assert len(found) == len(owner) == 12
    nothing, nobody = windows.of_boxes(np.empty((0, 5), dtype=np.int64), 10, 5)
    assert (nothing.shape, len(nobody)) == ((0, 5), 0)


def maps(n: int, shape: tuple[int, int] = (9, 11), seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).normal(size=(n, *shape)))


@pytest.mark.parametrize(("across", "between"), [(1.3, 0.0), (0.0, 1.0), (0.8, 1.5), (2.0, 0.5)])
def test_smoothing_equals_a_gaussian_where_all_slices_are_there(
    across: float, between: float
) -> None:
    given = maps(16)
    found = windows.smoothed(given, np.arange(4, 20), across=across, between=between)
    expected = ndimage.gaussian_filter(
        np.stack(given), (0, across, across), mode="nearest", truncate=3
    )
    if between:  # no say beyond the ends: their weight is shared by the others
        options = {"sigma": between, "axis": 0, "mode": "constant", "truncate": 3}
        weight = ndimage.gaussian_filter1d(np.ones((16, 1, 1)), **options)
        expected = ndimage.gaussian_filter1d(expected, **options) / weight
    np.testing.assert_allclose(np.stack(found), expected, atol=1e-12)


def test_missing_slices_and_those_of_another_size_have_no_say() -> None:
    given = maps(6)
    given[2] = maps(1, (9, 12))[0]
    numbers = np.array([0, 1, 2, 3, 5, 10])
    found = windows.smoothed(given, numbers, across=0, between=1.2)
    for own, z, smooth in zip(given, numbers.tolist(), found, strict=True):
        total, weights = np.zeros(own.shape), 0.0
        for other, other_z in zip(given, numbers.tolist(), strict=True):
            if other.shape == own.shape and abs(other_z - z) <= 4:
                weight = np.exp(-0.5 * ((other_z - z) / 1.2) ** 2)
                total, weights = total + weight * other, weights + weight
        np.testing.assert_allclose(smooth, total / weights, atol=1e-12)
    np.testing.assert_array_equal(found[2], given[2])  # alone in its size
    np.testing.assert_array_equal(found[5], given[5])  # too far from all others


def test_scores_that_are_the_same_everywhere_stay_so() -> None:
    given = [np.full(shape, -0.7) for shape in ((5, 6), (5, 6), (1, 1), (5, 6))]
    for smooth in windows.smoothed(given, np.array([0, 1, 2, 6]), across=1.7, between=2.0):
        np.testing.assert_allclose(smooth, -0.7, atol=1e-12)


def test_no_smoothing_changes_nothing() -> None:
    given = maps(3)
    found = windows.smoothed(given, np.arange(3), across=0, between=0)
    assert all(np.array_equal(a, b) for a, b in zip(found, given, strict=True))


@pytest.mark.parametrize("question", QUESTIONS)
def test_scores_of_boxes_from_those_of_windows(question: str) -> None:
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(12, 15)) - 3
    ranges = []
    for _ in range(200):
        rows, columns = rng.integers(1, 5, 2)
        ranges.append((rng.integers(13 - rows), rng.integers(16 - columns), rows, columns))
    found = windows.pooled(scores, np.array(ranges), question=question)
    for (y, x, rows, columns), score in zip(ranges, found.tolist(), strict=True):
        values = [scores[y + i, x + j] for i in range(rows) for j in range(columns)]
        mean = sum(values) / len(values)
        expected = {"touches": max(values), "mostly": mean, "graded": (max(values) + mean) / 2}
        assert score == pytest.approx(expected[question])
