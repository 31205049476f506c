import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import grids
from skimage.measure import label

from emqs.errors import ConfigError, DataError
from emqs.patches import boxes as patch_boxes
from emqs.patches import cutting, grid, overlap

SIDES = st.integers(1, 60)


@pytest.mark.parametrize(("shape", "n"), [((1024, 1024), 169), ((768, 1024), 130), ((80, 160), 2)])
def test_number_of_patches_of_80_pixels(shape: tuple[int, int], n: int) -> None:
    boxes = grid.grid([shape], 80, 80)
    assert len(boxes) == n
    assert boxes.dtype == np.int64


def test_grid_counted_by_hand() -> None:
    """5x7 pixels in steps of 3: rows at 0 and 3 (cut to 2), columns at 0, 3 and 6 (cut to 1)."""
    assert grid.grid([(5, 7), (3, 3)], 3, 3).tolist() == [
        [0, 0, 0, 3, 3], [0, 0, 3, 3, 3], [0, 0, 6, 3, 1],
        [0, 3, 0, 2, 3], [0, 3, 3, 2, 3], [0, 3, 6, 2, 1],
        [1, 0, 0, 3, 3],
    ]  # fmt: skip


def test_strided_grid_counted_by_hand() -> None:
    """10 pixels, patches of 4, steps of 2: 0 2 4 6; 8 would only show pixels that 6 shows."""
    assert grid.grid_positions(10, 4, 2).tolist() == [0, 2, 4, 6]
    assert grid.grid_positions(11, 4, 2).tolist() == [0, 2, 4, 6, 8]
    assert grid.grid_positions(3, 4, 2).tolist() == [0]
    assert grid.grid_positions(4, 4, 1).tolist() == [0]
    assert grid.grid_positions(10, 2, 5).tolist() == [0, 5]  # gaps, if one asks for them


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.integers(1, 60))
def test_grid_in_steps_of_a_patch_is_the_documented_one(height: int, width: int, size: int) -> None:
    if height < size and width < size:
        return
    shapes = [(height, width), (height, width)]
    boxes = grid.grid(shapes, size, size)
    assert [tuple(b) for b in boxes.tolist()] == grids.grid(shapes, size)
    seen = np.zeros((height, width), int)
    for _, y, x, h, w in boxes[boxes[:, 0] == 1]:
        seen[y : y + h, x : x + w] += 1
    assert (seen == 1).all()


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.integers(1, 30), st.integers(1, 30))
def test_strided_grid_covers_all_and_nothing_twice_over(
    height: int, width: int, size: int, stride: int
) -> None:
    size = min(size, max(height, width))
    stride = min(stride, size)
    boxes = grid.grid([(height, width)], size, stride)
    covered = np.zeros((height, width), bool)
    for _, y, x, h, w in boxes:
        assert h == min(size, height - y)
        assert w == min(size, width - x)
        assert h > 0
        assert w > 0
        covered[y : y + h, x : x + w] = True
    assert covered.all()
    assert (boxes[:, 1:3] % stride == 0).all()
    assert len({tuple(b) for b in boxes.tolist()}) == len(boxes)
    ends = boxes[:, 1:3] + boxes[:, 3:]
    for axis, length in enumerate((height, width)):  # only the last one is cut, or touches the end
        starts = np.unique(boxes[:, 1 + axis])
        assert (ends[:, axis] == length).any()
        assert (starts[:-1] + size < length).all()
        assert starts.tolist() == list(range(0, starts[-1] + 1, stride))


@pytest.mark.parametrize(
    ("size", "stride", "message"),
    [
        (0, 5, "patch.size and patch.stride must be at least 1 pixel, got 0 and 5."),
        (5, 0, "patch.size and patch.stride must be at least 1 pixel, got 5 and 0."),
        (
            81,
            81,
            "patch.size is 81 pixels, but slice 1 is only 80x40 pixels (height x width). "
            "Choose a smaller patch.size.",
        ),
    ],
)
def test_impossible_grids(size: int, stride: int, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        grid.grid([(90, 90), (80, 40)], size, stride)


def test_no_slices_no_boxes() -> None:
    assert grid.grid([], 8, 8).shape == (0, 5)


def test_full_patches() -> None:
    boxes = grid.grid([(5, 7)], 3, 3)
    assert grid.is_full(boxes, 3).tolist() == [True, True, False, False, False, False]


def blobs(seed: int, shape: tuple[int, int, int] = (3, 40, 50)) -> np.ndarray:
    """Random labels 0, 1, 2 in small pieces, many of them joined by corners only."""
    rng = np.random.default_rng(seed)
    return rng.choice([0, 0, 0, 1, 2], size=shape).astype(np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
@pytest.mark.parametrize("seed", range(5))
def test_fraction_equals_counting(seed: int, dtype: type[np.integer]) -> None:
    labels = blobs(seed).astype(dtype)
    boxes = grid.grid([s.shape for s in labels], 9, 5)
    boxes = np.random.default_rng(seed).permutation(boxes)
    found = overlap.structure_fraction(list(labels), boxes, 2)
    assert found.dtype == np.float64
    assert found.tolist() == [grids.fraction(labels, tuple(b), 2) for b in boxes.tolist()]


def test_fraction_is_exactly_zero_and_one() -> None:
    labels = np.zeros((1, 4, 4), int)
    labels[0, :2, :2] = 1
    boxes = np.array([[0, 0, 0, 2, 2], [0, 2, 2, 2, 2], [0, 1, 1, 2, 2]])
    assert overlap.structure_fraction(list(labels), boxes, 1).tolist() == [1.0, 0.0, 0.25]


def test_fraction_outside_is_an_error() -> None:
    boxes = np.array([[0, 0, 0, 6, 6], [0, 5, 0, 6, 6]])
    with pytest.raises(DataError, match=r"^Box 1 of 2, .*slice 0 of 10x10 pixels"):
        overlap.structure_fraction([np.zeros((10, 10), int)], boxes, 1)
    with pytest.raises(DataError, match=r"^Box 1 of 2, .*slice 0 of 10x10 pixels"):
        overlap.touched_components([np.zeros((10, 10), int)], boxes, 1)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
@pytest.mark.parametrize(("size", "stride"), [(8, 8), (9, 4), (1, 1), (40, 40)])
@pytest.mark.parametrize("seed", range(3))
def test_touched_components_equal_brute_force(
    seed: int, size: int, stride: int, dtype: type[np.integer]
) -> None:
    labels = blobs(seed)
    boxes = grid.grid([s.shape for s in labels], size, stride)
    boxes = boxes[boxes[:, 0] != 1].astype(dtype)  # slice 1 is not searched and must not count
    box, component, areas = overlap.touched_components(list(labels), boxes, 1)

    expected = []  # area, and the boxes that touch it, of every component
    boxes = boxes.astype(int)
    for z in (0, 2):
        components = label(labels[z] == 1, connectivity=2)
        touching: dict[int, list[int]] = {}
        for number in np.flatnonzero(boxes[:, 0] == z).tolist():
            _, y, x, h, w = boxes[number]
            for name in np.unique(components[y : y + h, x : x + w]).tolist():
                touching.setdefault(name, []).append(number)
        for name in range(1, components.max() + 1):
            expected.append((int((components == name).sum()), touching[name]))
    found = [(int(area), sorted(box[component == c].tolist())) for c, area in enumerate(areas)]
    assert sorted(found) == sorted(expected)


def test_corners_join_and_slices_do_not() -> None:
    labels = np.zeros((2, 4, 4), int)
    labels[0, 0, 0] = labels[0, 1, 1] = 1  # joined by a corner
    labels[1, 0, 0] = 1  # above the first, but in another slice
    boxes = np.array([[0, 0, 0, 1, 1], [0, 1, 1, 1, 1], [0, 3, 3, 1, 1], [1, 0, 0, 4, 4]])
    box, component, areas = overlap.touched_components(list(labels), boxes, 1)
    assert areas.tolist() == [2, 1]
    assert sorted(zip(box.tolist(), component.tolist(), strict=True)) == [(0, 0), (1, 0), (3, 1)]


def test_a_box_around_a_hook_does_not_touch_it() -> None:
    """Inside the bounding box of an L, but not on it."""
    labels = np.zeros((1, 6, 6), int)
    labels[0, :, 0] = labels[0, 5, :] = 1
    box, _, areas = overlap.touched_components(list(labels), np.array([[0, 0, 2, 4, 4]]), 1)
    assert len(box) == 0
    assert areas.tolist() == [11]


def test_components_of_nothing() -> None:
    for boxes in (np.array([[0, 0, 0, 2, 2]]), np.empty((0, 5), int)):
        box, component, areas = overlap.touched_components([np.zeros((4, 4), int)], boxes, 1)
        assert (len(box), len(component), len(areas)) == (0, 0, 0)


def picture(seed: int, height: int = 200, width: int = 230) -> np.ndarray:
    """Noise over a ramp, float32 in [0, 1], with pixels that are exactly 0 and 1."""
    rng = np.random.default_rng(seed)
    noise = rng.random((height, width)) + np.linspace(-0.5, 0.5, width)
    return np.clip(noise, 0, 1).astype(np.float32)


@pytest.mark.parametrize("size", [64, 16])
@pytest.mark.parametrize(
    ("height", "width"),
    [(80, 80), (64, 64), (40, 40), (100, 30), (30, 100), (80, 1), (1, 1), (64, 80), (127, 128)],
)
def test_patches_equal_those_of_scikit_image(height: int, width: int, size: int) -> None:
    image = picture(0)
    box = (0, 200 - height, 230 - width, height, width)
    found = cutting.cut(image, np.array([box]), size)
    assert found.dtype == np.float32
    assert np.abs(found[0] - grids.patch(image, box, size)).max() < 1e-5


def test_a_grid_with_its_border_equals_scikit_image_in_any_order() -> None:
    image = picture(1)
    boxes = grid.grid([image.shape], 80, 70)
    boxes = np.random.default_rng(0).permutation(boxes)
    found = cutting.cut(image, boxes, 64)
    assert len({(h, w) for *_, h, w in boxes.tolist()}) == 4
    for patch, box in zip(found, boxes.tolist(), strict=True):
        assert np.abs(patch - grids.patch(image, tuple(box), 64)).max() < 1e-5


def test_patches_stay_in_their_range() -> None:
    """White stays white: rounding in the products must not exceed 1."""
    boxes = np.array([[0, 0, 0, h, w] for h in (30, 33, 100, 127) for w in (25, 77, 99, 200)])
    for value in (0.0, 1.0):
        found = cutting.cut(np.full((200, 200), value, np.float32), boxes, 64)
        assert found.min() >= 0
        assert found.max() <= 1
        assert np.abs(found - value).max() < 1e-6


@pytest.mark.parametrize("dtype", [np.int32, np.uint16, np.uint64])
def test_cut_takes_any_integer_box_and_ignores_its_slice(dtype: type[np.integer]) -> None:
    image = picture(2)
    box = np.array([[7, 5, 6, 64, 64]])
    assert np.array_equal(cutting.cut(image, box.astype(dtype), 64)[0], image[5:69, 6:70])


def test_cut_outside_is_an_error() -> None:
    with pytest.raises(DataError, match=r"slice 0 of 200x230 pixels"):
        cutting.cut(picture(0), np.array([[3, 150, 0, 64, 64]]), 64)


def test_a_kept_matrix_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        cutting.resize_matrix(80, 64)[0, 0] = 1


@pytest.mark.parametrize("seed", range(3))
def test_contrast_sets_mean_and_spread(seed: int) -> None:
    image = np.random.default_rng(seed).normal(0.3, 0.02, (300, 300)).astype(np.float32)
    changed = cutting.with_contrast(image, "slice")
    assert changed.dtype == np.float32
    assert changed.mean() == pytest.approx(0.5, abs=0.002)
    assert changed.std() == pytest.approx(0.2, abs=0.004)  # the tails are clipped
    assert changed.min() == 0
    assert changed.max() == 1
    inner = (changed > 0) & (changed < 1)  # elsewhere it is one straight line
    assert np.corrcoef(image[inner], changed[inner])[0, 1] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("gain", "offset"), [(0.5, 0.0), (0.5, 0.4), (0.1, 0.9)])
def test_contrast_undoes_brightness_and_gain(gain: float, offset: float) -> None:
    image = picture(3)
    dimmed = image * np.float32(gain) + np.float32(offset)
    before, after = (cutting.with_contrast(i, "slice") for i in (image, dimmed))
    assert np.abs(before - after).max() < 1e-5


def test_contrast_of_a_constant_slice_and_none() -> None:
    grey = np.full((5, 5), 0.7, np.float32)
    assert np.array_equal(cutting.with_contrast(grey, "slice"), np.full((5, 5), 0.5, np.float32))
    assert cutting.with_contrast(grey, "none") is grey
    with pytest.raises(ConfigError, match=r"^contrast must be 'none' or 'slice', got 'clahe'\.$"):
        cutting.with_contrast(grey, "clahe")


def test_by_slice_yields_every_box_once_slice_by_slice() -> None:
    boxes = np.random.default_rng(0).permutation(grid.grid([(30, 30)] * 4, 8, 8))
    seen, slices = [], []
    for z, here in cutting.by_slice(boxes, 5):
        assert 1 <= len(here) <= 5
        assert (boxes[here, 0] == z).all()
        assert isinstance(z, int)
        seen += here.tolist()
        slices.append(z)
    assert sorted(seen) == list(range(len(boxes)))
    assert slices == sorted(slices)
    assert len(slices) == 4 * 4  # 16 boxes a slice: 5 + 5 + 5 + 1
    with pytest.raises(DataError, match="batch_size must be at least 1, got 0"):
        next(cutting.by_slice(boxes, 0))


def test_what_lies_mostly_over_a_box_by_hand() -> None:
    box = np.array([2, 10, 10, 10, 10])
    others = np.array(
        [
            [2, 10, 14, 10, 10],  # 60 of 100 pixels
            [2, 10, 15, 10, 10],  # half
            [2, 12, 12, 2, 2],  # all of the smaller one
            [3, 10, 10, 10, 10],  # the next slice
            [2, 30, 30, 10, 10],
        ]
    )
    assert patch_boxes.mostly_over(others, box).tolist() == [True, False, True, False, False]
    assert patch_boxes.mostly_over(others, box, reach=1).tolist() == [
        True,
        False,
        True,
        True,
        False,
    ]
    assert not patch_boxes.mostly_over(others[:0], box).any()
