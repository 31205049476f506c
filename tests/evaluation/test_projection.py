"""Classes of patches against a literal count; sampling, windows, maps and their measures."""

import logging

import numpy as np
import pytest
from sklearn.manifold import TSNE
from sklearn.neighbors import KNeighborsClassifier

from emqs.errors import DataError
from emqs.evaluation import projection
from emqs.patches.grid import grid


def blocky_labels(seed: int, n_slices: int = 2) -> list[np.ndarray]:
    """Blocks of 8 pixels with classes 0 to 3 and now and then a stray pixel of class 4."""
    rng = np.random.default_rng(seed)
    labels = []
    for _ in range(n_slices):
        blocks = rng.choice([0, 0, 0, 1, 1, 2, 3], size=(5, 6))
        slice_ = np.kron(blocks, np.ones((8, 8), dtype=int)).astype(np.uint8)
        slice_[rng.integers(40, size=2), rng.integers(48, size=2)] = 4
        labels.append(slice_)
    return labels


def class_by_definition(
    patch: np.ndarray, classes: list[int], min_fraction: float, *, refuse_others: bool
) -> int:
    """The documented rule, read aloud pixel by pixel."""
    pixels = patch.ravel().tolist()
    counted = (
        [p for p in pixels if p != 0] if refuse_others else [p for p in pixels if p in classes]
    )
    if not counted:
        return 0
    for value in classes:
        others = [p for p in counted if p != value]
        enough = pixels.count(value) > min_fraction * len(pixels)
        if enough and not (refuse_others and others):
            return value
    return projection.DROPPED


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("classes", "min_fraction", "refuse_others"),
    [([1], 0.5, True), ([1, 2, 3, 4], 0.75, True), ([1, 3], 0.0, True), ([1], 0.5, False),
     ([3, 1, 2], 0.75, False)],
)  # fmt: skip
def test_classes_equal_the_definition(
    seed: int, classes: list[int], min_fraction: float, refuse_others: bool
) -> None:
    labels = blocky_labels(seed)
    boxes = np.concatenate([grid([s.shape for s in labels], size, 3) for size in (6, 9)])
    found = projection.patch_classes(
        labels, boxes, classes, min_fraction=min_fraction, refuse_others=refuse_others
    )
    expected = [
        class_by_definition(
            labels[z][y : y + h, x : x + w], classes, min_fraction, refuse_others=refuse_others
        )
        for z, y, x, h, w in boxes.tolist()
    ]
    assert found.tolist() == expected
    assert set(expected) >= {0, classes[0], projection.DROPPED}


@pytest.mark.parametrize(("n_pixels", "expected"), [(50, projection.DROPPED), (51, 1)])
def test_the_limit_itself_is_too_little(n_pixels: int, expected: int) -> None:
    labels = np.zeros(100, dtype=np.uint8)
    labels[:n_pixels] = 1
    box = np.array([[0, 0, 0, 10, 10]])
    found = projection.patch_classes([labels.reshape(10, 10)], box, [1], min_fraction=0.5)
    assert found.tolist() == [expected]


def test_one_pixel_of_another_class_drops_a_patch() -> None:
    labels = np.ones((10, 10), dtype=np.uint8)
    labels[3, 4] = 7
    box = np.array([[0, 0, 0, 10, 10]])
    refused = projection.patch_classes([labels], box, [1], min_fraction=0.5)
    kept = projection.patch_classes([labels], box, [1], min_fraction=0.5, refuse_others=False)
    assert (refused.tolist(), kept.tolist()) == ([projection.DROPPED], [1])


def test_dense_grids_hold_every_patch_once_and_no_cut_one() -> None:
    labels = [np.zeros((20, 26), dtype=np.uint8) for _ in range(2)]
    found = projection.labelled_patches(labels, [(10, 2), (13, 2)], [1], min_fraction=0.5)
    n_whole = 2 * (
        6 * 9 + 4 * 7
    )  # starts of whole patches: 0, 2 ... 10 and 0 ... 16; 13: ... 6, 12
    assert found.n_seen == len(found.boxes) == n_whole
    assert len(np.unique(found.boxes, axis=0)) == n_whole
    assert {tuple(b) for b in found.boxes[:, 3:].tolist()} == {(10, 10), (13, 13)}
    assert (np.diff(found.boxes[:, 0]) >= 0).all()


def test_sizes_cut_at_the_same_corner_are_one_patch() -> None:
    labels = [np.zeros((14, 14), dtype=np.uint8)]
    sizes = [(8, 4), (10, 4), (12, 4)]
    apart = sum(
        projection.labelled_patches(labels, [s], [1], min_fraction=0.5, border=True).n_seen
        for s in sizes
    )
    found = projection.labelled_patches(labels, sizes, [1], min_fraction=0.5, border=True)
    assert len(np.unique(found.boxes, axis=0)) == len(found.boxes) < apart


def test_dropped_patches_are_counted_but_not_kept() -> None:
    labels = blocky_labels(0)
    found = projection.labelled_patches(labels, [(9, 3)], [1, 2, 3], min_fraction=0.75)
    boxes = grid([s.shape for s in labels], 9, 3, border=False)
    expected = projection.patch_classes(labels, boxes, [1, 2, 3], min_fraction=0.75)
    kept = expected != projection.DROPPED
    assert found.n_seen == len(boxes)
    assert found.boxes.tolist() == boxes[kept].tolist()
    assert found.classes.tolist() == expected[kept].tolist()


CLASSES = np.repeat([projection.DROPPED, 0, 1, 5], [50, 300, 30, 4])


def test_sampling_takes_at_most_so_many_of_each_class() -> None:
    chosen = projection.sample_per_class(CLASSES, 20, seed=0)
    values, counts = np.unique(CLASSES[chosen], return_counts=True)
    assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == {0: 20, 1: 20, 5: 4}
    assert (np.diff(chosen) > 0).all()  # ascending, so none twice


def test_sampling_repeats_with_its_seed_only() -> None:
    first, again, other = (projection.sample_per_class(CLASSES, 20, seed=s) for s in (0, 0, 1))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_the_draw_of_one_class_does_not_depend_on_the_others() -> None:
    without = CLASSES[CLASSES != 0]
    moved = np.flatnonzero(CLASSES != 0)[projection.sample_per_class(without, 20, seed=3)]
    chosen = projection.sample_per_class(CLASSES, 20, seed=3)
    assert moved.tolist() == chosen[CLASSES[chosen] != 0].tolist()


def test_sampling_without_a_limit_takes_all() -> None:
    chosen = projection.sample_per_class(CLASSES, None, seed=0)
    assert chosen.tolist() == list(range(50, len(CLASSES)))
    assert len(projection.sample_per_class(CLASSES[:50], None, seed=0)) == 0


@pytest.mark.parametrize(
    ("n_slices", "n_windows", "last"), [(65, 12, (55, 65)), (64, 11, (50, 60)), (10, 1, (0, 10))]
)
def test_windows_that_fit(n_slices: int, n_windows: int, last: tuple[int, int]) -> None:
    found = projection.windows(n_slices, range(0, 60, 5), 10)
    assert len(found) == n_windows
    assert found[0] == (0, 10)
    assert found[-1] == last


def test_a_stack_shorter_than_a_window_is_one_window() -> None:
    assert projection.windows(7, [0, 5], 10) == [(0, 7)]


def clouds(n: int = 60, *, gap: float = 3.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds in eight dimensions and their numbers."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(3, size=n)
    centres = gap * np.eye(3, 8)[classes]
    return (centres + rng.normal(size=(n, 8))).astype(np.float32), classes


@pytest.mark.parametrize("k", [1, 4, 10])
def test_agreement_equals_sklearn_with_each_patch_left_out(k: int) -> None:
    points, classes = clouds(gap=1.5)
    hits = []
    for i in range(len(points)):
        others = np.arange(len(points)) != i
        voter = KNeighborsClassifier(n_neighbors=k).fit(points[others], classes[others])
        hits.append(voter.predict(points[[i]])[0] == classes[i])
    assert 0.4 < np.mean(hits) < 0.95
    assert projection.knn_agreement(points, classes, k=k) == pytest.approx(np.mean(hits))


def test_agreement_with_other_groups_only() -> None:
    points, classes = clouds(gap=1.5)
    groups = np.arange(len(points)) % 4
    hits = []
    for i in range(len(points)):
        others = groups != groups[i]
        voter = KNeighborsClassifier(n_neighbors=5).fit(points[others], classes[others])
        hits.append(voter.predict(points[[i]])[0] == classes[i])
    found = projection.knn_agreement(points, classes, k=5, groups=groups)
    assert found == pytest.approx(np.mean(hits))


def test_a_copy_in_the_same_slice_does_not_vote() -> None:
    points = np.array([[0.0], [0.1], [5.0], [5.1]])
    classes = np.array([0, 0, 1, 1])
    slices = np.array([0, 0, 1, 1])
    assert projection.knn_agreement(points, classes, k=1) == 1.0
    assert projection.knn_agreement(points, classes, k=1, groups=slices) == 0.0


def test_identical_patches_do_not_vote_for_themselves() -> None:
    points = np.zeros((3, 2))
    assert projection.knn_agreement(points, np.array([0, 1, 2]), k=2) == 0.0


def test_agreement_needs_enough_others() -> None:
    points, classes = clouds(5)
    with pytest.raises(DataError, match=r"10 neighbours are to vote.*only 4 others.*neighbors"):
        projection.knn_agreement(points, classes, k=10)


def test_separation_collects_the_agreements() -> None:
    codes, classes = clouds(gap=1.5)
    slices = np.arange(len(codes)) % 3
    points = codes[:, :2]
    found = projection.separation(codes, points, classes, slices, k=4)
    agreement = projection.knn_agreement
    assert found == {
        "knn_agreement_codes": agreement(codes, classes, k=4),
        "knn_agreement_codes_other_slices": agreement(codes, classes, k=4, groups=slices),
        "knn_agreement_map": agreement(points, classes, k=4),
        "knn_agreement_map_other_slices": agreement(points, classes, k=4, groups=slices),
        "knn_chance": projection.majority_share(classes),
    }


def test_separation_in_one_slice_asks_no_other() -> None:
    codes, classes = clouds()
    found = projection.separation(codes, codes, classes, np.zeros(len(codes), dtype=int), k=4)
    assert found["knn_agreement_codes_other_slices"] is None
    assert found["knn_agreement_map_other_slices"] is None


def test_majority_share() -> None:
    assert projection.majority_share(np.array([0, 0, 0, 1, 5])) == pytest.approx(0.6)


def test_pca_equals_the_singular_vectors() -> None:
    codes, _ = clouds()
    points, held = projection.pca(codes, seed=0)
    centred = codes.astype(np.float64) - codes.mean(axis=0, dtype=np.float64)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(points), np.abs(u[:, :2] * s[:2]), atol=1e-9)
    assert held == pytest.approx((s[:2] ** 2).sum() / (s**2).sum())


def test_tsne_is_that_of_sklearn_and_repeats() -> None:
    codes, _ = clouds()
    points, divergence = projection.tsne(codes, perplexity=10, seed=1000)
    again, _ = projection.tsne(codes, perplexity=10, seed=1000)
    reference = TSNE(perplexity=10, random_state=1000, init="pca").fit(codes)
    np.testing.assert_array_equal(points, again)
    np.testing.assert_allclose(points, reference.embedding_, rtol=1e-4)
    assert divergence == pytest.approx(reference.kl_divergence_, rel=1e-4)


def test_tsne_keeps_far_clouds_apart() -> None:
    codes, classes = clouds(gap=20.0)
    points, _ = projection.tsne(codes, perplexity=10, seed=0)
    assert projection.knn_agreement(points, classes, k=5) == 1.0


def test_a_small_map_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    codes, _ = clouds(20)
    with caplog.at_level(logging.WARNING):
        projection.tsne(codes, perplexity=10, seed=0)
    assert "Only 20 patches for tsne.perplexity=10" in caplog.text


def test_too_few_codes_for_tsne() -> None:
    codes, _ = clouds(10)
    with pytest.raises(DataError, match=r"at least 31 patches, got 10\. Lower tsne\.perplexity"):
        projection.tsne(codes, perplexity=30, seed=0)


def test_codes_that_cannot_be_mapped() -> None:
    codes, _ = clouds()
    with pytest.raises(DataError, match=r"All 60 codes are the same"):
        projection.pca(np.zeros_like(codes), seed=0)
    codes[7, 3] = np.nan
    with pytest.raises(DataError, match=r"1 of 60 codes are NaN.*the first is number 7"):
        projection.tsne(codes, perplexity=5, seed=0)


def test_patches_from_the_top_lie_higher_and_the_background_further_right() -> None:
    points = np.array([[0.0, 3.0], [1.0, 1.0], [5.0, -4.0]])
    rows, classes = np.array([0, 10, 20]), np.array([1, 2, 0])
    assert projection.oriented(points, rows, classes).tolist() == points.tolist()
    up_down = projection.oriented(points, rows[::-1], classes)
    assert up_down.tolist() == (points * [1, -1]).tolist()
    left_right = projection.oriented(points, rows, classes[::-1])
    assert left_right.tolist() == (points * [-1, 1]).tolist()


def test_one_class_alone_is_not_mirrored_left_to_right() -> None:
    points = np.array([[0.0, 3.0], [1.0, 1.0], [5.0, -4.0]])
    found = projection.oriented(points, np.array([0, 10, 20]), np.zeros(3, dtype=int))
    assert found.tolist() == points.tolist()
