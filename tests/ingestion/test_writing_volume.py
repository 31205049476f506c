"""Resampling, means, contrast and files against other libraries and laws."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from skimage.exposure import match_histograms
from skimage.measure import block_reduce
from skimage.transform import AffineTransform, warp
from support.raw_slices import tissue

from emqs.errors import DataError
from emqs.ingestion import affine, contrast, transforms, work
from emqs.ingestion.journal import Journal
from emqs.ingestion.pyramid import levels_of, means
from emqs.ingestion.render import covered, rendered
from emqs.ingestion.transforms import Transforms

IMAGE = tissue(1, 90, seed=1)[0]


def one(forward: np.ndarray, shape: tuple[int, int] = (100, 110)) -> Transforms:
    return Transforms(shape, {0: forward}, {0: (90, 90)}, 1)


def test_a_slice_is_resampled_as_scikit_image_does_it() -> None:
    forward = affine.rotation(0.1, np.array([45.0, 45.0]), np.array([6.3, 11.8]))
    back = affine.invert(forward)
    matrix = np.eye(3)  # scikit-image counts x before y
    matrix[:2] = back[::-1][:, [1, 0, 2]]
    expected = warp(IMAGE.astype(float), AffineTransform(matrix), output_shape=(100, 110), order=3,
                    mode="constant", cval=0.0, preserve_range=True)  # fmt: skip
    made = rendered(IMAGE, 0, one(forward)).astype(float)
    inner = ndimage.binary_erosion(covered(0, one(forward), 1), iterations=4)
    assert np.abs(made - expected)[inner].mean() < 2.0  # its cubic is another than a spline
    assert (made[~ndimage.binary_dilation(covered(0, one(forward), 1))] == 0).all()


def test_waves_are_resampled_to_what_they_are() -> None:
    y, x = np.mgrid[0:90, 0:90].astype(float)
    forward = affine.rotation(0.2, np.array([45.0, 45.0]), np.array([2.3, 0.6]))

    def wave(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        return 120 + 50 * np.sin(y / 3) + 50 * np.cos(x / 4 + 1)

    made = rendered(np.rint(wave(y, x)).astype(np.uint8), 0, one(forward, (90, 90)))
    back = affine.apply(affine.invert(forward), np.column_stack([y.ravel(), x.ravel()]))
    expected = wave(back[:, 0], back[:, 1]).reshape(90, 90)
    inside = covered(0, one(forward, (90, 90)), 1)
    inner = ndimage.binary_erosion(inside, iterations=3)
    assert np.abs(made - expected)[inner].max() < 1.6
    assert not made[~inside].any()


def test_a_whole_shift_copies_pixels() -> None:
    forward = np.array([[1.0, 0, 7], [0, 1, -5]])
    made = rendered(IMAGE, 0, one(forward))
    assert (made[7:97, :85] == IMAGE[:, 5:]).all()
    assert not made[:7].any()
    assert (rendered(IMAGE, 0, one(affine.IDENTITY, (90, 90))) == IMAGE).all()


def test_a_mesh_of_nothing_changes_nothing_and_one_of_a_shift_shifts() -> None:
    forward = affine.rotation(0.05, np.array([45.0, 45.0]))
    plain = rendered(IMAGE, 0, one(forward))
    still = Transforms((100, 110), {0: forward}, {0: (90, 90)}, 1, 32, {0: np.zeros((5, 5, 2))})
    apart = np.abs(rendered(IMAGE, 0, still).astype(int) - plain)
    assert apart[covered(0, one(forward), 1)].max() <= 1
    moved = Transforms((100, 110), {0: affine.IDENTITY}, {0: (90, 90)}, 1, 32,
                       {0: np.full((5, 5, 2), [3.0, -2.0])})  # fmt: skip
    made = rendered(IMAGE, 0, moved)
    assert np.abs(made[:80, 4:80].astype(int) - IMAGE[3:83, 2:78]).max() <= 1


def test_values_of_16_bits_keep_their_range() -> None:
    image = (IMAGE.astype(np.uint16) * 257).astype(np.uint16)
    forward = affine.rotation(0.1, np.array([45.0, 45.0]))
    made = rendered(image, 0, one(forward))
    assert made.dtype == np.uint16
    assert np.abs(made / 257.0 - rendered(IMAGE, 0, one(forward)))[20:70, 20:70].max() < 0.6


@pytest.mark.parametrize("shape", [(4, 6, 8), (3, 7, 5), (1, 1, 9)])
@pytest.mark.parametrize("factors", [(1, 2, 2), (2, 2, 2), (1, 1, 1)])
def test_means_are_those_of_scikit_image(
    shape: tuple[int, int, int], factors: tuple[int, int, int]
) -> None:
    voxels = np.random.default_rng(0).integers(0, 65536, shape).astype(np.uint16)
    padded = [(0, -n % f) for n, f in zip(shape, factors, strict=True)]
    full = np.pad(voxels.astype(float), padded, constant_values=np.nan)
    expected = np.rint(block_reduce(full, factors, np.nanmean))
    assert (means(voxels, factors) == expected).all()


def test_x_and_y_alone_are_halved_until_voxels_are_about_cubic() -> None:
    levels = levels_of((100, 4000, 5000), (50.0, 4.0, 4.0))
    assert [level.factors for level in levels] == [
        (1, 1, 1), (1, 2, 2), (1, 2, 2), (1, 2, 2), (2, 2, 2), (2, 2, 2)
    ]  # fmt: skip
    assert levels[4].voxel_size_nm == (100.0, 64.0, 64.0)
    assert levels[4].shape == (50, 250, 313)
    assert levels[1].offset_nm == (0.0, 2.0, 2.0)


def test_transforms_come_back_and_follow_another_resolution(tmp_path: Path) -> None:
    forward = {0: affine.rotation(0.1, np.array([45.0, 45.0])), 2: affine.IDENTITY.copy()}
    sizes = {0: (90, 90), 2: (90, 90)}
    mesh = {s: np.random.default_rng(s).normal(size=(5, 5, 2)).round(3) for s in (0, 2)}
    made = Transforms((100, 110), forward, sizes, 3, 32, mesh)
    path = transforms.write(tmp_path / "t.json", made, (50.0, 4.0, 4.0))
    back = transforms.read(path, sizes, 3)
    assert back.shape == made.shape
    np.testing.assert_allclose(back.forward[0], forward[0], atol=1e-8)
    np.testing.assert_allclose(back.mesh[2], mesh[2])
    larger = transforms.read(path, {0: (180, 180), 2: (180, 180)}, 3)
    assert larger.shape == (200, 220)
    assert larger.step_px == 64
    place = np.array([[10.0, 20.0]])
    np.testing.assert_allclose(
        affine.apply(larger.forward[0], place * 2 + 0.5),
        affine.apply(forward[0], place) * 2 + 0.5, atol=1e-6,
    )  # fmt: skip
    with pytest.raises(DataError, match="is of 3 slots, the source has 4"):
        transforms.read(path, sizes, 4)
    with pytest.raises(DataError, match="of other sizes"):
        transforms.read(path, {0: (90, 70), 2: (90, 90)}, 3)
    content = json.loads(path.read_text())
    content["slices"][0] = [[1, 2], [3, 4]]
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match="is damaged"):
        transforms.read(path, sizes, 3)
    path.write_text("{}")
    with pytest.raises(DataError, match="no file of transforms"):
        transforms.read(path, sizes, 3)


def test_the_volume_holds_every_slice_whole_and_a_drift_is_refused() -> None:
    sizes = {0: (90, 90), 1: (80, 100)}
    maps = {0: affine.IDENTITY, 1: np.array([[1.0, 0, -10], [0, 1, 5]])}
    placed = transforms.placed(maps, sizes, 2, "all")
    assert placed.shape == (100, 105)
    for slot in (0, 1):
        corners = affine.apply(placed.forward[slot], affine.corners(sizes[slot]))
        assert corners.min() >= 0
        assert (corners.max(axis=0) <= np.array(placed.shape) - 1).all()
    assert transforms.placed(maps, sizes, 2, "source").shape == (90, 100)
    maps[1] = np.array([[1.0, 0, -1000], [0, 1, 5]])
    with pytest.raises(DataError, match="they drift apart"):
        transforms.placed(maps, sizes, 2, "all")


def test_matched_greys_are_those_of_the_running_median() -> None:
    """One slice of another gamma among alike ones comes back to them, as scikit-image has it."""
    plain = tissue(9, 160, seed=4, depth=6.0)
    odd = plain.copy()
    odd[4] = np.clip(255 * (plain[4] / 255.0) ** 1.8, 1, 255).astype(np.uint8)
    inside = np.ones((40, 40), dtype=bool)
    measured = {z: contrast.measure(odd[z], inside, 0) for z in range(9)}
    curve = contrast.curves(measured, 5, 0)[4]
    made = contrast.evened(odd[4], curve).astype(float)
    expected = match_histograms(odd[4], plain[4])
    assert np.abs(made - expected).mean() < 4
    assert np.abs(made - plain[4]).mean() < 0.3 * np.abs(odd[4].astype(float) - plain[4]).mean()
    table = curve.table(255)
    assert (np.diff(table) >= 0).all()


def test_slow_shades_are_taken_away() -> None:
    plain = tissue(9, 160, seed=4, depth=6.0).astype(float)
    shade = 1 + 0.3 * np.linspace(-1, 1, 160)[None, :]
    odd = plain.copy()
    odd[4] = plain[4] * shade
    odd = np.clip(odd, 1, 255).astype(np.uint8)
    inside = np.ones((40, 40), dtype=bool)
    measured = {z: contrast.measure(odd[z], inside, 4) for z in range(9)}
    made = contrast.evened(odd[4], contrast.curves(measured, 5, 4)[4]).astype(float)
    slope = [np.polyfit(np.arange(160), (image - plain[4]).mean(axis=0), 1)[0]
             for image in (odd[4].astype(float), made)]  # fmt: skip
    assert abs(slope[1]) < 0.25 * abs(slope[0])


def test_alike_slices_are_hardly_changed_and_nothing_stays_nothing() -> None:
    image = IMAGE.copy()
    image[:20] = 0
    inside = np.zeros((23, 23), dtype=bool)
    inside[5:] = True
    measured = {z: contrast.measure(image, inside, 4) for z in range(5)}
    made = contrast.evened(image, contrast.curves(measured, 5, 4)[2])
    assert (made[:20] == 0).all()
    assert np.abs(made.astype(int) - image)[20:].mean() < 1.0
    assert (contrast.clahe(image, 8, 0.01)[:20] == 0).all()


def test_clahe_changes_16_bits_as_it_does_8() -> None:
    small = contrast.clahe(IMAGE, 8, 0.02).astype(float)
    large = contrast.clahe(IMAGE.astype(np.uint16) * 257, 8, 0.02) / 257.0
    assert np.abs(small - large).mean() < 2
    assert large.std() > 1.05 * IMAGE.std()


def test_empty_slots_are_filled_as_asked() -> None:
    assert work.filling(3, [0, 3, 6], "none") == [(3, 1.0)]
    assert work.filling(4, [0, 3, 6], "none") == []
    assert work.filling(4, [0, 3, 6], "nearest") == [(3, 1.0)]
    assert work.filling(4, [0, 3, 6], "blend") == [
        (3, pytest.approx(2 / 3)),
        (6, pytest.approx(1 / 3)),
    ]
    assert work.filling(9, [0, 3, 6], "blend") == [(6, 1.0)]
    images = [np.full((2, 2), 10, np.uint8), np.full((2, 2), 40, np.uint8)]
    assert (work.blended(images, [2 / 3, 1 / 3]) == 20).all()


def test_a_journal_forgets_a_line_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "parts.jsonl"
    journal = Journal(path)
    for number in range(3):
        journal.add(str(number), {"value": number})
    text = path.read_bytes()
    for cut in range(len(text)):
        path.write_bytes(text[:cut])
        again = Journal(path)
        assert sum(str(number) in again for number in range(3)) == text[:cut].count(b"\n")
        again.add("new", [cut])
        assert Journal(path)["new"] == [cut]
