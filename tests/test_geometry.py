import re

import numpy as np
import pytest

from emqs import geometry
from emqs.errors import ConfigError, DataError
from emqs.patches import boxes as patch_boxes


@pytest.mark.parametrize(
    ("length", "unit", "pixel_size_nm", "expected"),
    [
        (80, "px", None, 80),
        (80.0, "px", 5.0, 80),
        (400, "nm", 5.0, 80),
        (400, "nm", 4.6, 87),  # 86.96
        (12, "nm", 5.0, 2),  # 2.4
        (12.5, "nm", 5.0, 3),  # a half goes up ...
        (17.5, "nm", 5.0, 4),  # ... every time
        (2.5, "nm", 5.0, 1),  # half a pixel is enough
        (1, "px", None, 1),
    ],
)
def test_lengths_in_pixels(
    length: float, unit: geometry.Unit, pixel_size_nm: float | None, expected: int
) -> None:
    pixels = geometry.to_pixels(length, unit, pixel_size_nm, setting="patch.size")
    assert pixels == expected
    assert isinstance(pixels, int)


@pytest.mark.parametrize(
    ("length", "unit", "pixel_size_nm", "message"),
    [
        (0, "px", None, "patch.stride must be a finite number greater than 0, got 0."),
        (-3, "nm", 5.0, "patch.stride must be a finite number greater than 0, got -3."),
        (float("nan"), "px", None, "patch.stride must be a finite number greater than 0, got nan."),
        (float("inf"), "px", None, "patch.stride must be a finite number greater than 0, got inf."),
        (float("inf"), "nm", 5.0, "patch.stride must be a finite number greater than 0, got inf."),
        (80.5, "px", None, "patch.stride must be a whole number of pixels, got 80.5."),
        (
            400,
            "nm",
            None,
            "patch.stride is given in nm, but the dataset has no pixel size. "
            "Set dataset.pixel_size_nm, or give pixels with patch.unit=px.",
        ),
        (2.4, "nm", 5.0, "patch.stride of 2.4 nm is less than half a pixel of 5 nm."),
    ],
)
def test_impossible_lengths(
    length: float, unit: geometry.Unit, pixel_size_nm: float | None, message: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        geometry.to_pixels(length, unit, pixel_size_nm, setting="patch.stride")


SHAPES = [(10, 20), (30, 5)]


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.uint64])
def test_boxes_that_fit_to_the_last_pixel(dtype: type[np.integer]) -> None:
    boxes = np.array([[0, 0, 0, 10, 20], [1, 29, 4, 1, 1], [1, 0, 0, 30, 5]], dtype=dtype)
    patch_boxes.check_boxes(boxes, SHAPES)
    patch_boxes.check_boxes(boxes[:0], [])


def test_small_types_do_not_overflow() -> None:
    """200 + 100 is 44 in uint8: the box would seem to end inside."""
    boxes = np.array([[0, 200, 200, 100, 100]], dtype=np.uint8)
    patch_boxes.check_boxes(boxes, [(300, 300)])
    with pytest.raises(DataError, match="slice 0 of 250x250 pixels"):
        patch_boxes.check_boxes(boxes, [(250, 250)])


@pytest.mark.parametrize(
    ("box", "where"),
    [
        ((0, 1, 0, 10, 20), "slice 0 of 10x20 pixels (height x width)"),
        ((0, 0, 1, 10, 20), "slice 0 of 10x20 pixels (height x width)"),
        ((1, 0, 0, 1, 6), "slice 1 of 30x5 pixels (height x width)"),
        ((1, 29, 0, 2, 1), "slice 1 of 30x5 pixels (height x width)"),
        ((0, -1, 0, 5, 5), "slice 0 of 10x20 pixels (height x width)"),
        ((0, 0, -1, 5, 5), "slice 0 of 10x20 pixels (height x width)"),
        ((0, 0, 0, 0, 5), "slice 0 of 10x20 pixels (height x width)"),
        ((0, 0, 0, 5, 0), "slice 0 of 10x20 pixels (height x width)"),
        ((2, 0, 0, 1, 1), "the 2 slices, which count from 0"),
        ((-1, 0, 0, 1, 1), "the 2 slices, which count from 0"),
    ],
)
def test_boxes_that_do_not_fit(box: tuple[int, ...], where: str) -> None:
    boxes = np.array([[0, 0, 0, 1, 1], box, [0, 0, 0, 99, 99]])
    message = (
        f"Box 1 of 3, (z, y, x, height, width) = {box}, is empty or reaches outside {where}. "
        "Boxes from patches.grid() always fit."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        patch_boxes.check_boxes(boxes, SHAPES)


def test_boxes_without_slices() -> None:
    with pytest.raises(DataError, match="reaches outside the 0 slices"):
        patch_boxes.check_boxes(np.array([[0, 0, 0, 1, 1]]), [])


@pytest.mark.parametrize(
    "boxes", [np.zeros((2, 4), int), np.zeros(5, int), np.zeros((2, 5)), np.zeros((1, 2, 5), int)]
)
def test_arrays_that_are_no_boxes(boxes: np.ndarray) -> None:
    got = re.escape(f"got {boxes.dtype} of shape {boxes.shape}.")
    message = rf"^Boxes must be an integer array of shape \(N, 5\), .*{got}$"
    with pytest.raises(DataError, match=message):
        patch_boxes.check_boxes(boxes, SHAPES)
