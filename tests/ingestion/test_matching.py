"""Known disturbances are found again: maps of pairs, of stacks, and the pairs that are wrong."""

import numpy as np
import pytest
from scipy.ndimage import affine_transform, gaussian_filter, map_coordinates
from support.raw_slices import disturbed, place_error, tissue

from emqs.ingestion import affine, elastic, pairs, solve
from emqs.ingestion.elastic import Seams
from emqs.ingestion.matching.coarse import Rotations
from emqs.ingestion.matching.images import prepare, reduce
from emqs.ingestion.matching.pair import Pair, match
from emqs.ingestion.settings import AlignConfig
from emqs.ingestion.transforms import Transforms

ALIGN = AlignConfig("affine", rotation_deg=5)
EDGE = 200


def matched(windows: list[np.ndarray], plan: list[tuple[int, int]]) -> list[Pair]:
    prepared = [prepare(window) for window in windows]
    turned = [Rotations(one) for one in prepared]
    return [match((a, b), turned[a], prepared[b], ALIGN) for a, b in plan]


def test_maps_compose_invert_and_scale() -> None:
    rng = np.random.default_rng(0)
    first, second = (np.column_stack([rng.normal(size=(2, 2)), rng.normal(size=2)]) for _ in "ab")
    points = rng.normal(size=(9, 2)) * 50
    both = affine.apply(affine.compose(second, first), points)
    np.testing.assert_allclose(both, affine.apply(second, affine.apply(first, points)))
    back = affine.apply(affine.invert(first), affine.apply(first, points))
    np.testing.assert_allclose(back, points, atol=1e-9)
    np.testing.assert_allclose(affine.fit(points, affine.apply(first, points)), first, atol=1e-9)
    np.testing.assert_allclose(affine.reduced(affine.scaled(first, 4), 4), first)
    turn = affine.rotation(0.3, np.array([4.0, 5.0]))
    assert affine.angle(turn) == pytest.approx(0.3)
    np.testing.assert_allclose(affine.apply(turn, np.array([[4.0, 5.0]])), [[4.0, 5.0]])


def test_a_reduced_pixel_lies_in_the_middle_of_those_it_covers() -> None:
    ramp = np.arange(12, dtype=np.float32)[None].repeat(12, axis=0)
    small = reduce(ramp, 4)
    middles = affine.apply(affine.scaled(affine.IDENTITY, 4), np.array([[0.0, 0], [0, 1], [0, 2]]))
    np.testing.assert_allclose(middles[:, 1], np.array([0, 1, 2]))
    np.testing.assert_allclose(small[0], 4 * np.arange(3) + 1.5)


@pytest.mark.slow
def test_a_known_map_between_two_slices_is_found() -> None:
    windows, maps = disturbed(tissue(2, 300, depth=6.0), EDGE, seed=1)
    (pair,) = matched(windows, [(0, 1)])
    assert pair.matched
    true = affine.compose(affine.invert(maps[1]), maps[0])
    corners = affine.corners((EDGE, EDGE))
    apart = np.linalg.norm(affine.apply(pair.matrix, corners) - affine.apply(true, corners), axis=1)
    assert apart.max() < 0.8
    assert pair.correlation > 0.5


@pytest.mark.slow
def test_slices_of_different_tissue_are_never_passed_as_matched() -> None:
    windows = [disturbed(tissue(1, 300, seed=s), EDGE, seed=s)[0][0] for s in range(4)]
    for pair in matched(windows, [(0, 1), (1, 2), (2, 3), (0, 3)]):
        assert not pair.matched
        assert pair.why_not
        assert pair.forward == []


@pytest.mark.slow
def test_a_stack_is_laid_as_it_was() -> None:
    windows, maps = disturbed(tissue(6, 300, depth=4.0), EDGE, seed=2)
    found = matched(windows, pairs.planned(range(6)))
    assert all(pair.matched for pair in found)
    shapes = dict.fromkeys(range(6), (EDGE, EDGE))
    errors = {
        model: place_error(solve.place(range(6), found, shapes, model).forward, maps, EDGE)
        for model in ("translation", "rigid", "affine")
    }
    assert errors["affine"].mean() < 0.6
    assert np.quantile(errors["affine"], 0.95) < 1.2
    assert errors["affine"].mean() < errors["rigid"].mean() < errors["translation"].mean()


def made_up(first: int, second: int, matrix: np.ndarray, peak: float = 30.0) -> Pair:
    rng = np.random.default_rng(first * 100 + second)
    points = rng.uniform(0, EDGE, (40, 2))
    return Pair(
        first, second, peak, forward=matrix.tolist(),
        points=(points.tolist(), affine.apply(matrix, points).tolist()), n_blocks=40, n_agree=40,
    )  # fmt: skip


def truth(n: int) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    middle = affine.centre((EDGE, EDGE))
    return [affine.rotation(rng.normal(0, 0.03), middle, rng.normal(0, 10, 2)) for _ in range(n)]


def between(maps: list[np.ndarray], a: int, b: int) -> np.ndarray:
    return affine.compose(affine.invert(maps[b]), maps[a])


def test_a_wrong_pair_is_thrown_out_and_others_are_not() -> None:
    maps = truth(8)
    found = [made_up(a, b, between(maps, a, b)) for a, b in pairs.planned(range(8))]
    assert pairs.contradicting(found, (EDGE, EDGE), 10.0) == {}
    for wrong in ((2, 4), (3, 4)):
        shift = np.array([[1.0, 0, 25.0], [0, 1, -10]])
        changed = [
            made_up(p.first, p.second, affine.compose(shift, p.matrix))
            if (p.first, p.second) == wrong
            else p
            for p in found
        ]
        assert list(pairs.contradicting(changed, (EDGE, EDGE), 10.0)) == [wrong]


def test_exact_pairs_are_solved_exactly_and_one_wrong_pair_hardly_counts() -> None:
    maps = truth(10)
    plan = pairs.planned(range(10))
    found = [made_up(a, b, between(maps, a, b)) for a, b in plan]
    shapes = dict.fromkeys(range(10), (EDGE, EDGE))
    exact = solve.place(range(10), found, shapes, "affine")
    assert place_error(exact.forward, maps, EDGE).max() < 1e-3
    shift = np.array([[1.0, 0, 40.0], [0, 1, 0]])
    wrong = plan.index((4, 6))
    found[wrong] = made_up(4, 6, affine.compose(shift, found[wrong].matrix))
    robust = solve.place(range(10), found, shapes, "affine")
    assert place_error(robust.forward, maps, EDGE).max() < 1.0
    assert robust.weights[4, 6] < 0.05


def test_rotations_above_half_a_turn_add_up() -> None:
    middle = affine.centre((EDGE, EDGE))
    maps = [affine.rotation(0.7 * k, middle) for k in range(8)]
    found = [made_up(a, b, between(maps, a, b)) for a, b in pairs.planned(range(8))]
    shapes = dict.fromkeys(range(8), (EDGE, EDGE))
    placed = solve.place(range(8), found, shapes, "rigid")
    assert place_error(placed.forward, maps, EDGE).max() < 1e-3


def test_a_drift_against_the_raw_coordinates_is_removed_and_shakes_are_not() -> None:
    rng = np.random.default_rng(0)
    shakes = rng.normal(0, 3, (60, 2))
    drift = 0.5 * np.arange(60)
    forward = {
        z: np.column_stack([np.eye(2), -shakes[z] + np.array([drift[z], -drift[z]])])
        for z in range(60)
    }
    shapes = dict.fromkeys(range(60), (EDGE, EDGE))
    kept = solve.without_trend(forward, shapes, 50.0)
    left = np.array([kept[z][:, 2] for z in range(60)]) + shakes
    assert np.abs(left - left.mean(axis=0)).max() < 3.0  # of 15 to either side
    steps = np.diff(left, axis=0)
    assert np.abs(steps).max() < 0.5  # neighbours stay where they were on each other


def test_pieces_are_what_pairs_hold_together() -> None:
    assert pairs.pieces([0, 1, 2, 5, 6], [(0, 1), (0, 2), (5, 6)]) == [[0, 1, 2], [5, 6]]
    assert pairs.planned([0, 1, 4, 5]) == [(0, 1), (1, 4), (4, 5)]
    assert pairs.planned([0, 1, 3]) == [(0, 1), (0, 3), (1, 3)]


def test_a_slice_that_nothing_holds_stays_where_it_is() -> None:
    placed = solve.place([4], [], {4: (EDGE, EDGE)}, "affine")
    assert (placed.forward[4] == affine.IDENTITY).all()


def test_meshes_follow_what_neighbours_say() -> None:
    """Seams of a known bend of one slice; its neighbours are straight."""
    shape, step = (161, 161), 40
    flat = Transforms(shape, {z: affine.IDENTITY for z in range(3)}, {}, 3)
    line = np.linspace(10, 150, 15)
    centres = np.stack(np.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2)
    bend = np.column_stack([np.zeros(225), 3 * np.sin(centres[:, 0] / 40)])
    seams = [
        Seams(0, 1, centres, bend),
        Seams(1, 2, centres, -bend),
        Seams(0, 2, centres, 0 * bend),
    ]
    found = elastic.meshes(flat, seams, step)
    apart = found[1] - (found[0] + found[2]) / 2
    corners = 3 * np.sin(np.arange(5) * step / 40)
    np.testing.assert_allclose(apart[..., 1], corners[:, None].repeat(5, 1), atol=0.35)
    np.testing.assert_allclose(apart[..., 0], 0, atol=1e-6)
    # windows that slide give what one window gives
    many = Transforms(shape, {z: affine.IDENTITY for z in range(70)}, {}, 70)
    long = [Seams(z, z + 1, centres, bend if z == 50 else -bend if z == 51 else 0 * bend)
            for z in range(69)]  # fmt: skip
    slid = elastic.meshes(many, long, step)
    apart = slid[51] - (slid[50] + slid[52]) / 2
    np.testing.assert_allclose(apart[..., 1], corners[:, None].repeat(5, 1), atol=0.35)


@pytest.mark.slow
def test_a_bend_is_found_in_pictures() -> None:
    from emqs.ingestion import work
    from emqs.ingestion.sources import Source

    stack = tissue(3, 260, depth=8.0).astype(float)
    y, x = np.mgrid[0:260, 0:260].astype(float)
    bend = gaussian_filter(np.random.default_rng(0).normal(size=(260, 260)), 40)
    bend *= 3 / np.abs(bend).max()
    stack[1] = map_coordinates(stack[1], [y, x + bend], order=3, mode="nearest")
    windows = [np.clip(plane, 1, 254).astype(np.uint8) for plane in stack]

    class Held(Source):
        def read(self, slot: int) -> np.ndarray:
            return windows[slot]

    slices = work.Slices(Held("held", ("0", "1", "2")))
    flat = Transforms((260, 260), {z: affine.IDENTITY for z in range(3)},
                      dict.fromkeys(range(3), (260, 260)), 3)  # fmt: skip
    rows = [*work.seams(slices, 0, [1, 2], flat, 80), *work.seams(slices, 1, [2], flat, 80)]
    seams = [
        Seams(r["first"], r["second"], np.array(r["centres"]), np.array(r["offsets"])) for r in rows
    ]
    mesh = elastic.meshes(flat, seams, 40)
    # the volume's place u reads slice 1 at u + offset; slice 1 shows at p what lies at p + bend(p)
    apart = mesh[1] - (mesh[0] + mesh[2]) / 2
    inner = apart[1:6, 1:6, 1]
    expected = -np.array([[bend[40 * r, 40 * c] for c in range(1, 6)] for r in range(1, 6)])
    assert np.abs(inner - expected).mean() < 0.5 * np.abs(expected).mean()


@pytest.mark.slow
def test_a_part_that_lies_elsewhere_is_seen_and_none_in_good_slices() -> None:
    windows, _ = disturbed(tissue(2, 340, depth=6.0), 240, seed=4)
    folded = windows[1].copy()  # the right two thirds moved by 30 pixels
    folded[:, 80:210] = windows[1][:, 110:]
    good, bad = (
        match((0, 1), Rotations(prepare(windows[0])), prepare(window), ALIGN)
        for window in (windows[1], folded)
    )
    assert good.displaced == 0.0
    assert bad.matched
    assert bad.displaced > 0.1
    steps = np.array(bad.elsewhere[1]) - affine.apply(
        np.array(bad.still), np.array(bad.elsewhere[0])
    )
    assert np.abs(np.abs(steps[:, 1]) - 30).mean() < 3
    assert np.abs(steps[:, 0]).mean() < 3


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [137.0, -104.0])
def test_sift_finds_a_large_rotation(degrees: float) -> None:
    pytest.importorskip("cv2")
    stack = tissue(2, 400, seed=1, depth=6.0)
    first, before = disturbed(stack[:1], 240, degrees=0.0, seed=3)
    middle = np.full(2, 119.5)
    turn = affine.rotation(np.radians(degrees), middle)
    turn[:, 2] += affine.centre(stack[1].shape) + np.array([5.0, -7.0]) - middle
    turned = affine_transform(
        stack[1].astype(float), turn[:, :2], turn[:, 2], output_shape=(240, 240), order=3
    )
    second = np.clip(turned, 1, 254).astype(np.uint8)
    moving, target = Rotations(prepare(first[0])), prepare(second)
    assert not match((0, 1), moving, target, AlignConfig("affine")).matched
    pair = match((0, 1), moving, target, AlignConfig("affine", matcher="sift"))
    true = affine.compose(affine.invert(turn), before[0])
    corners = affine.corners((240, 240))
    apart = np.linalg.norm(affine.apply(pair.matrix, corners) - affine.apply(true, corners), axis=1)
    assert apart.max() < 0.5


@pytest.mark.slow
def test_sift_never_passes_different_tissue_as_matched() -> None:
    pytest.importorskip("cv2")
    first, second = (prepare(disturbed(tissue(1, 300, seed=s), EDGE)[0][0]) for s in (0, 1))
    pair = match((0, 1), Rotations(first), second, AlignConfig("affine", matcher="sift"))
    assert not pair.matched
    assert "SIFT points agree" in pair.why_not or "no clear peak" in pair.why_not
