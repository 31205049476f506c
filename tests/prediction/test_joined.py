"""Objects beside other layers: counted again by hand and by SciPy."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import cdist

from emqs.errors import ConfigError
from emqs.geometry import Box
from emqs.prediction import joined
from emqs.volumes import Volume, from_array

SIZE = (20.0, 5.0, 5.0)


def volume(array: np.ndarray) -> Volume:
    return from_array(array, SIZE, name="layer")


def scene() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    objects = np.zeros((5, 30, 40), dtype=np.uint32)
    for label in range(1, 8):
        z, y, x = (int(rng.integers(0, n - 2)) for n in objects.shape)
        objects[z : z + 2, y : y + 6, x : x + 7] = label
    layer = ndimage.zoom(rng.integers(0, 5, (3, 5, 6)), (2, 8, 8), order=0)[:6, :36, :48]
    return objects, layer.astype(np.uint16)


@pytest.mark.parametrize("block", [(5, 30, 40), (2, 7, 9)])
def test_overlaps_are_those_of_dilated_masks(
    block: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joined, "BLOCK", block)
    objects, layer = scene()
    region = Box((1, 3, 5), (6, 33, 45))
    made = joined.overlaps(volume(objects), volume(layer), region)
    part = layer[region.slices]
    for label in np.unique(objects[objects > 0]).tolist():
        mask = objects == label
        segments, counts = np.unique(part[mask], return_counts=True)
        for segment, count in zip(segments.tolist(), counts.tolist(), strict=True):
            assert made.inside[label, segment] == count
        around = ndimage.binary_dilation(mask, ndimage.generate_binary_structure(3, 1))
        touched = {s for a, s in made.touching if a == label}
        assert touched == set(np.unique(part[around]).tolist()) - {0}
    assert sum(made.inside.values()) == np.count_nonzero(objects)


def test_tables_by_hand() -> None:
    objects, layer = np.zeros((1, 4, 6), dtype=np.uint32), np.zeros((1, 4, 6), dtype=np.uint16)
    objects[0, 0, 0:4] = 1
    objects[0, 2, 0:2] = 2
    layer[0, 0, 1:6] = 7
    layer[0, 3, :] = 9
    made = joined.overlaps(volume(objects), volume(layer), Box((0, 0, 0), (1, 4, 6)))
    assert made.columns([1, 2], "seg") == {
        "seg": [7, 0], "seg_share": [0.75, 1.0], "seg_touches": ["7", "9"],
    }  # fmt: skip
    assert made.segments({1: 2000.0, 2: 1000.0}) == {
        "segment": [7, 9], "n_objects": [1, 0], "volume_nm3": [2000.0, 0], "n_touching": [1, 1],
    }  # fmt: skip


def test_the_nearest_is_that_of_all_pairs() -> None:
    rng = np.random.default_rng(1)
    made = {}
    for name in ("a", "b", "c"):
        labels = np.zeros((6, 40, 40), dtype=np.uint32)
        for label in range(1, 6):
            z, y, x = (int(rng.integers(0, n - 4)) for n in labels.shape)
            labels[z : z + 2, y : y + 4, x : x + 3] = label
        around = {
            label: Box(tuple(s.start for s in sl), tuple(s.stop for s in sl))  # type: ignore[arg-type]
            for label, sl in enumerate(ndimage.find_objects(labels.astype(int)), 1)
            if sl is not None
        }
        made[name] = labels, joined.Surfaces(volume(labels), around)
    others = {name: made[name][1] for name in ("b", "c")}
    found = joined.nearest(made["a"][1], others, SIZE)
    assert set(found) == set(made["a"][1].boxes)
    for label, (name, other, distance) in found.items():
        mine = np.argwhere(made["a"][0] == label) * SIZE
        expected = {
            (n, k): cdist(mine, np.argwhere(made[n][0] == k) * SIZE).min()
            for n in others
            for k in others[n].boxes
        }
        assert distance == pytest.approx(min(expected.values()))
        assert expected[name, other] == pytest.approx(distance)
    assert joined.nearest(made["a"][1], {}, SIZE) == {}


def test_a_layer_of_another_shape_is_refused(tmp_path: Path) -> None:
    objects, layer = scene()
    with pytest.raises(ConfigError, match="but the region ends at"):
        joined.overlaps(volume(objects), volume(layer), Box((2, 3, 5), (7, 33, 45)))
