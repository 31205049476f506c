import itertools
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emqs.annotations import morton

COORDINATES = st.integers(0, morton.SIZE - 1)
PLACES = st.tuples(COORDINATES, COORDINATES, COORDINATES)


def code_bit_by_bit(place: tuple[int, int, int]) -> int:
    """The definition: bits of Z, Y and X in turn, from the highest."""
    digits = [format(number, "021b") for number in place]
    return int("".join(z + y + x for z, y, x in zip(*digits, strict=True)), 2)


def held(ranges: list[tuple[int, int]], code: int) -> bool:
    return any(first <= code <= last for first, last in ranges)


@given(PLACES)
def test_code_is_the_definition(place: tuple[int, int, int]) -> None:
    assert morton.code(place) == code_bit_by_bit(place)


def test_codes_by_hand() -> None:
    assert [morton.code(place) for place in [(0, 0, 1), (0, 1, 0), (1, 0, 0), (2, 3, 1)]] == [
        1,
        2,
        4,
        0b110_011 & 0b010_111 | 0b110_011 & ~0b010_111,  # z=10 y=11 x=01: 110 then 011
    ]
    assert morton.code((morton.SIZE - 1,) * 3) == 2**63 - 1


def test_places_outside_get_the_nearest() -> None:
    assert morton.code((-5.5, -math.inf, 1e300)) == morton.code((0, 0, morton.SIZE - 1))
    assert morton.code((7.9, 8.0, 8.1)) == morton.code((7, 8, 8))


SMALL = st.integers(0, 9)
CORNERS = st.tuples(SMALL, SMALL, SMALL)


@settings(max_examples=40, deadline=None)
@given(CORNERS, CORNERS)
def test_many_ranges_hold_exactly_the_box(
    first: tuple[int, int, int], second: tuple[int, int, int]
) -> None:
    start = tuple(map(min, first, second))
    stop = tuple(map(max, first, second))
    ranges = morton.ranges(start, stop, most=2000)
    codes = {code for low, high in ranges for code in range(low, high + 1)}
    box = itertools.product(*(range(a, b) for a, b in zip(start, stop, strict=True)))
    assert codes == {code_bit_by_bit(place) for place in box}


@settings(max_examples=150, deadline=None)
@given(PLACES, st.tuples(*[st.integers(1, 40_000)] * 3), st.randoms(use_true_random=False))
@pytest.mark.slow
def test_few_ranges_hold_at_least_the_box(
    start: tuple[int, int, int], lengths: tuple[int, int, int], random: object
) -> None:
    stop = tuple(low + length for low, length in zip(start, lengths, strict=True))
    ranges = morton.ranges(start, stop)
    assert 1 <= len(ranges) <= 32
    assert all(low <= high for low, high in ranges)
    assert all(a[1] + 1 < b[0] for a, b in itertools.pairwise(ranges))
    for _ in range(20):
        place = [random.uniform(a, b - 1e-6) for a, b in zip(start, stop, strict=True)]
        assert held(ranges, morton.code(place))


@given(st.tuples(*[st.floats(-100, 100)] * 3), st.tuples(*[st.floats(0.01, 50)] * 3))
def test_fractions_and_negative_corners(
    start: tuple[float, ...], lengths: tuple[float, ...]
) -> None:
    stop = tuple(a + b for a, b in zip(start, lengths, strict=True))
    ranges = morton.ranges(start, stop)
    for share in (0.0, 0.3, 0.999):
        place = [a + share * (b - a) for a, b in zip(start, stop, strict=True)]
        if all(p < b for p, b in zip(place, stop, strict=True)):
            assert held(ranges, morton.code(place))


@pytest.mark.parametrize("stop", [(5, 5, 5), (9, 4, 9)])
def test_an_empty_box_has_no_range(stop: tuple[int, ...]) -> None:
    assert morton.ranges((5, 5, 5), stop) == []


def test_everything_is_one_range() -> None:
    assert morton.ranges((-math.inf,) * 3, (math.inf,) * 3) == [(0, 2**63 - 1)]


def test_a_cell_is_one_range() -> None:
    assert [morton.cell((1, 2, 3), 64)] == morton.ranges((64, 128, 192), (128, 192, 256))


def test_thin_boxes_waste_little() -> None:
    ranges = morton.ranges((501, 30_000, 30_000), (502, 31_000, 31_000))
    held_codes = sum(last - first + 1 for first, last in ranges)
    assert held_codes < 1000 * 1000 * 256


@pytest.mark.slow
def test_ranges_are_quick() -> None:
    start = time.perf_counter()
    for shift in range(100):
        morton.ranges((shift, 1000, 2000), (shift + 500, 1500, 2500))
    assert (time.perf_counter() - start) / 100 < 0.005
