"""Objects: connected across blocks as in one piece, cut where they are narrow."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from skimage.morphology import local_maxima, reconstruction
from support.small_stores import grid_of

from emqs.geometry import Box, boxes
from emqs.ingestion.pyramid import Image, Level
from emqs.prediction.found import number_objects, objects_in
from emqs.prediction.objects import FULL, H_SHARE, _cut, components, parts
from emqs.prediction.settings import PredictConfig
from emqs.prediction.suggestions import suggest, suggest_in
from emqs.volumes import open_volume

SIZE = (5.0, 5.0, 5.0)


def numbered(mask: np.ndarray, block: tuple[int, int, int]) -> tuple[np.ndarray, dict[int, Box]]:
    """Number a mask block by block; return the numbers that stay, and their boxes."""
    kept = np.zeros(mask.shape, dtype=np.int32)

    def write(box: Box, numbers: np.ndarray) -> None:
        kept[box.slices] = numbers

    def read(box: Box) -> np.ndarray:
        inside = box.overlap(Box((0, 0, 0), mask.shape))  # type: ignore[arg-type]
        return kept[inside.slices]

    shape = mask.shape[0], mask.shape[1], mask.shape[2]
    blocks = ((box, mask[box.slices]) for box in boxes(shape, block))
    table, around = components(blocks, write, read)
    return table[kept], around


@pytest.mark.parametrize("block", [(7, 9, 11), (3, 4, 5), (1, 1, 1), (2, 16, 3)])
@pytest.mark.parametrize("share", [0.04, 0.12])
def test_blocks_change_nothing(block: tuple[int, int, int], share: float) -> None:
    """As SciPy numbers the whole mask at once; a voxel that touches at a corner belongs to it."""
    mask = np.random.default_rng(3).random((7, 9, 11)) < share
    expected, count = ndimage.label(mask, structure=FULL)
    made, around = numbered(mask, block)
    pairs = set(zip(expected.ravel().tolist(), made.ravel().tolist(), strict=True))
    assert len(pairs) == count + 1 == len(around) + 1
    for number, box in around.items():
        places = np.argwhere(made == number)
        assert box.start == tuple(places.min(axis=0))
        assert box.stop == tuple(places.max(axis=0) + 1)


def ball(
    centre: tuple[float, float, float], radius: float, shape: tuple[int, int, int]
) -> np.ndarray:
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    away = (z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2
    return np.asarray(away <= radius**2)


def made_of(mask: np.ndarray, **settings: float) -> list[int]:
    box = Box((10, 20, 30), tuple(a + n for a, n in zip((10, 20, 30), mask.shape, strict=True)))  # type: ignore[arg-type]
    split = bool(settings.get("split", True))
    made = parts(mask, box, SIZE, smallest_nm3=settings.get("smallest", 0), split=split)
    for part in made:
        assert part.mask.shape == part.box.shape
    return sorted(int(part.mask.sum()) for part in made)


def test_two_balls_that_touch_are_two_objects() -> None:
    shape = (23, 23, 41)
    mask = ball((11, 11, 11), 10, shape) | ball((11, 11, 29), 10, shape)
    one, other = made_of(mask)
    assert one + other == mask.sum()
    assert one == pytest.approx(other, rel=0.05)
    assert made_of(mask, split=False) == [mask.sum()]


def test_what_has_no_waist_stays_one() -> None:
    shape = (23, 23, 61)
    rod = np.zeros(shape, dtype=bool)
    for x in range(11, 50):
        rod |= ball((11, 11, x), 10, shape)
    assert made_of(rod) == [rod.sum()]
    whole = ball((11, 11, 11), 10, (23, 23, 23))
    assert made_of(whole) == [whole.sum()]
    flat = np.ones((1, 30, 30), dtype=bool)
    assert made_of(flat) == [900]


@pytest.mark.parametrize("seed", range(4))
def test_summits_of_one_height_are_one(seed: int) -> None:
    """An ellipsoid is its own mirror image, so it has as high a summit on either side."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0] / rng.uniform(5, 13, (3, 1))
    places = np.moveaxis(np.indices((30, 30, 30)) - 14.5, 0, -1)
    ellipsoid = ((places @ axes.T) ** 2).sum(axis=-1) <= 1
    assert made_of(ellipsoid) == [ellipsoid.sum()]


def test_what_touches_at_a_corner_belongs_to_its_neighbour() -> None:
    mask = ball((11, 11, 11), 10, (23, 23, 41)) | ball((11, 11, 29), 10, (23, 23, 41))
    y, x = next((y, x) for y in range(23) for x in range(23) if mask[11, y + 1, x + 1])
    assert not mask[10:13, y, x].any()
    mask[11, y, x] = True
    assert sum(made_of(mask)) == mask.sum()


def test_holes_are_filled_and_tiny_objects_left_out() -> None:
    mask = np.zeros((3, 12, 12), dtype=bool)
    mask[:, 1:11, 1:11] = True
    mask[1, 4:7, 4:7] = False
    assert made_of(mask) == [300]
    assert made_of(mask, smallest=300 * 125) == [300]
    assert made_of(mask, smallest=300 * 125 + 1) == []


def test_objects_and_suggestions_in_memory_are_those_on_disk(tmp_path: Path) -> None:
    """Blobs of a smoothed noise, in a region that begins somewhere."""
    shape = (3, 90, 130)
    noise = ndimage.gaussian_filter(np.random.default_rng(5).normal(size=shape), (0.5, 5, 5))
    values = np.clip(128 + 1100 * noise, 0, 255).astype(np.uint8)
    grid, region = grid_of(), Box((4, 10, 20), (7, 100, 150))
    level = Level(0, shape, (1, 1, 1), grid.voxel_size_nm, (0.0, 0.0, 0.0))
    image = Image(tmp_path, [level], np.dtype(np.uint8), (3, 32, 32), (3, 64, 64))
    for box in image.shards(0):
        image.write(0, box, values[box.slices])
    settings = PredictConfig(threshold=0.6)
    objects = number_objects(
        image, tmp_path, grid, region, settings, "objects", step=lambda _s, _d, _n: None
    )
    with open_volume(tmp_path / "objects") as labels:
        stored = labels.read(labels.box)
    made = objects_in(values, grid, region, settings)
    pairs = set(zip(stored.ravel().tolist(), made.ravel().tolist(), strict=True))
    assert len(pairs) == len(objects) + 1 == int(made.max()) + 1
    assert len(objects) > 5
    every, count = ndimage.label(values >= 153, structure=FULL)
    tops = ndimage.maximum(values, every, np.arange(1, count + 1))
    faint = np.isin(every, np.flatnonzero(tops < 216) + 1)  # logits: (0.405 + 3) / 2, of 255
    assert faint.any()
    assert not made[faint].any()
    parts_of = ((box, [values[box.slices].astype(np.float32) / 255]) for box in image.shards(0))
    asked = suggest_in(parts_of, 4, apart=20)
    assert len(asked) == 4
    np.testing.assert_array_equal(asked, suggest([image], 4, apart=20))


def test_a_hole_that_another_class_fills_stays_one(tmp_path: Path) -> None:
    """A square with two holes: one holds nothing, in the other lies a square of another class."""
    shape, region = (2, 60, 60), Box((0, 0, 0), (2, 60, 60))
    ring, core = (np.zeros(shape, dtype=np.uint8) for _ in range(2))
    ring[:, 5:55, 5:55] = 240
    ring[:, 10:20, 10:20] = ring[:, 30:45, 30:45] = 20
    core[:, 31:44, 31:44] = 250
    grid = grid_of()
    level = Level(0, shape, (1, 1, 1), grid.voxel_size_nm, (0.0, 0.0, 0.0))
    images = [
        Image(tmp_path / name, [level], np.dtype(np.uint8), (2, 32, 32), (2, 64, 64))
        for name in ("ring", "core")
    ]
    for image, values in zip(images, (ring, core), strict=True):
        for box in image.shards(0):
            image.write(0, box, values[box.slices])
    numbers = []
    for image, rival in (images, images[::-1]):
        number_objects(
            image, tmp_path / "work", grid, region, PredictConfig(smallest_nm3=0.0), "objects",
            step=lambda _s, _d, _n: None, rivals=[rival],
        )  # fmt: skip
        with open_volume(image.folder / "objects") as labels:
            numbers.append(labels.read(labels.box) > 0)
    assert not (numbers[0] & numbers[1]).any()
    assert np.count_nonzero(numbers[1]) == 2 * 13 * 13
    assert np.count_nonzero(numbers[0]) == 2 * (50 * 50 - 13 * 13)


@pytest.mark.parametrize("shape", [(1, 160, 160), (12, 60, 70)])
def test_pieces_are_those_of_a_reconstruction(shape: tuple[int, int, int]) -> None:
    """A summit that stands out by a share of its height stays when that is taken off all."""
    noise = np.random.default_rng(2).normal(size=shape)
    mask = ndimage.gaussian_filter(noise, (1, 4, 4)) > 0
    size = (10.0, 5.0, 5.0)
    sampling = size if shape[0] > 1 else (1e9, 5.0, 5.0)
    distance = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=sampling)[1:-1, 1:-1, 1:-1]
    distance = ndimage.gaussian_filter(distance, [0, 1, 1]) * mask
    base = reconstruction(distance * (1 - H_SHARE), distance, footprint=FULL)
    summits, count = ndimage.label(local_maxima(base, footprint=FULL) & mask, structure=FULL)
    made = _cut(mask, size)
    assert count > 5
    assert made.max() == count
    assert ((made > 0) == mask).all()
    for number in range(1, count + 1):  # each summit lies in one piece, no two in the same
        assert len(np.unique(made[summits == number])) == 1
    assert len({int(made[summits == number][0]) for number in range(1, count + 1)}) == count
