"""Labels as examples: what each stands for, and draws from all over it."""

import numpy as np
import pytest

from emqs.errors import ConfigError, DataError
from emqs.retrieval import labelled_voxels
from emqs.retrieval.labelled_voxels import read_labelled
from emqs.volumes import from_array

SIZE = (30.0, 5.0, 5.0)
SHAPE = (3, 20, 30)
IMAGE = from_array(np.zeros(SHAPE, dtype=np.uint8), SIZE, name="image")


def painted() -> np.ndarray:
    labels = np.zeros(SHAPE, dtype=np.uint16)
    labels[0, :4] = 1
    labels[1, 10:12, 5:9] = 2
    labels[2, 3:5, 20:24] = 700
    return labels


def test_all_of_few_voxels_are_taken() -> None:
    labels = painted()
    made = read_labelled(from_array(labels, SIZE, name="l"), IMAGE, None, most=10_000, seed=0)
    assert {tuple(v) for v in made.of("positive")} == {tuple(v) for v in np.argwhere(labels > 1)}
    assert {tuple(v) for v in made.of("negative")} == {tuple(v) for v in np.argwhere(labels == 1)}
    assert len(made.labels) == (labels > 0).sum()


def test_labels_stand_for_what_the_user_says() -> None:
    labels = painted()
    classes = {2: "mitochondrion", 700: "vesicle", 0: "negative"}
    made = read_labelled(from_array(labels, SIZE, name="l"), IMAGE, classes, most=8, seed=0)
    assert made.labels == ("mitochondrion",) * 8 + ("vesicle",) * 8 + ("negative",) * 8
    for name, label in (("mitochondrion", 2), ("vesicle", 700), ("negative", 0)):
        assert {int(labels[tuple(v)]) for v in made.of(name)} == {label}


def test_a_draw_is_even_and_that_of_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 60 slabs of equal size each gives a like share, whichever block it lies in."""
    monkeypatch.setattr(labelled_voxels, "BLOCK", (1, 7, 30))
    labels = from_array(np.full(SHAPE, 2, dtype=np.uint8), SIZE, name="l")
    made = read_labelled(labels, IMAGE, None, most=900, seed=3)
    again = read_labelled(labels, IMAGE, None, most=900, seed=3)
    np.testing.assert_array_equal(made.voxels, again.voxels)
    assert len(np.unique(made.voxels, axis=0)) == 900
    counts = np.bincount(made.voxels[:, 0] * 20 + made.voxels[:, 1], minlength=60)
    assert counts.min() >= 6
    assert counts.max() <= 24  # 15 on average, of 30


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (np.zeros((3, 20, 31), np.uint8), None, r"shape \(Z, Y, X\) = \(3, 20, 31\), and the vol"),
        (np.ones(SHAPE, np.uint8), None, "holds no voxel of the structure: 0 is unlabelled"),
        (np.ones(SHAPE, np.uint8), {5: "a", 1: "negative"}, "holds none of the labels .*: 1, 5"),
    ],
)
def test_other_labels_are_refused(
    labels: np.ndarray, classes: dict[int, str] | None, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        read_labelled(from_array(labels, SIZE, name="l"), IMAGE, classes, most=5, seed=0)
    with pytest.raises(DataError, match="not labels"):
        read_labelled(
            from_array(labels.astype(np.float32), SIZE, name="l"), IMAGE, None, most=5, seed=0
        )
