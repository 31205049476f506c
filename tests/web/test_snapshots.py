"""Pictures of places show the voxels that are there, at the size that was asked for."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.served import VOXEL_NM, Served, random_voxels, served, write_tiff, write_zarr

from emqs.errors import ConfigError
from emqs.web import data, layers, links, snapshots
from emqs.web.snapshots import GREY, View

SHAPE = (40, 300, 200)


@pytest.fixture(scope="module")
def voxels() -> np.ndarray:
    return random_voxels(SHAPE)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, voxels: np.ndarray) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("volumes")
    labels = (np.arange(np.prod(SHAPE)).reshape(SHAPE) // 5000).astype(np.uint64)
    return {
        "image": write_tiff(folder / "a.tif", voxels),
        "labels": write_zarr(folder / "labels.zarr", labels),
        "sixteen": write_tiff(folder / "b.tif", voxels.astype(np.uint16) * 4),
        "floats": write_tiff(folder / "c.tif", voxels.astype(np.float32)),
        "even": write_tiff(folder / "d.tif", np.full((4, 400, 400), 200, np.uint8)),
    }


@pytest.fixture
def lab(tmp_path: Path, stored: dict[str, Path]) -> Iterator[Served]:
    with served(tmp_path / "home", data, links, snapshots) as made:
        made.brain = made.dataset("brain")
        for name, path in stored.items():
            size = {} if path.is_dir() else {"voxel_size_nm": list(VOXEL_NM)}
            kind = "segmentation" if name == "labels" else "image"
            made.layer(made.brain, name, path, kind, **size)
        made.ann = made.user("ann")
        made.grant(made.brain, made.ann["id"], "annotator")
        yield made


def picture(made: Served, status: int = 200, **query: object) -> np.ndarray:
    query = {"z": 20, "y": 150, "x": 100, "format": "png", **query}
    answer = made.client(made.ann).get("/api/v1/datasets/brain/snapshot", params=query)
    assert answer.status_code == status, answer.text
    if status != 200:
        return np.array([])
    return np.asarray(Image.open(io.BytesIO(answer.content)))


@pytest.mark.slow
def test_at_full_resolution_pixels_are_voxels(lab: Served, voxels: np.ndarray) -> None:
    shown = picture(lab, width=64, height=32)
    assert shown.shape == (32, 64)
    np.testing.assert_array_equal(shown, voxels[20, 134:166, 68:132])
    odd = picture(lab, width=3, height=1)
    np.testing.assert_array_equal(odd, voxels[20, 150:151, 99:102])


def test_other_axes_are_stretched_to_square_pixels(lab: Served, voxels: np.ndarray) -> None:
    shown = picture(lab, axis="y", width=20, height=15, nm_per_pixel=8)
    down = np.floor((20 * 30 + (np.arange(15) - 7) * 8) / 30 + 0.5).astype(int)  # nearest slices
    middle = 7
    assert down[middle] == 20
    np.testing.assert_array_equal(shown[middle], voxels[20, 150, 90:110])
    assert np.all(shown[6] == shown[8])  # within the same thick slice
    turned = picture(lab, axis="x", width=1, height=20, nm_per_pixel=8)
    np.testing.assert_array_equal(turned[:, 0], voxels[20, 140:160, 100])


def test_pixels_that_are_larger_than_voxels_are_means(lab: Served, voxels: np.ndarray) -> None:
    shown = picture(lab, width=11, height=9, nm_per_pixel=12, x=101, y=151)
    exact = np.zeros((9, 11))
    for i in range(9):
        for j in range(11):  # a pixel is 1.5 voxels wide, around one or between two of them
            top, left = 151 + (i - 4) * 1.5 - 0.75, 101 + (j - 5) * 1.5 - 0.75
            for y in range(140, 163):
                for x in range(90, 113):
                    down = max(0, min(top + 1.5, y + 0.5) - max(top, y - 0.5))
                    right = max(0, min(left + 1.5, x + 0.5) - max(left, x - 0.5))
                    exact[i, j] += down * right * voxels[20, y, x] / 2.25
    np.testing.assert_array_equal(shown, np.floor(exact + 0.5))


def test_overlaps_share_every_voxel_among_pixels() -> None:
    found = snapshots.overlaps((-0.5, 1.5, 4), 0, 6)
    np.testing.assert_allclose(found.sum(axis=0), 1.0)
    np.testing.assert_allclose(found.sum(axis=1), 1.5)
    np.testing.assert_allclose(found[0], [1, 0.5, 0, 0, 0, 0])


def test_an_even_volume_stays_even_at_every_resolution(lab: Served) -> None:
    for step in (3.0, 8.0, 13.0, 16.0, 40.0, 100.0):
        shown = picture(
            lab, layer="even", z=2, y=200, x=200, width=20, height=20, nm_per_pixel=step
        )
        assert np.all(shown == 200), step


def test_a_coarse_picture_lies_where_a_fine_one_does(lab: Served, tmp_path: Path) -> None:
    """A bright square, seen through every level, keeps its middle and its size."""
    voxels = np.zeros((4, 1024, 1024), np.uint8)
    voxels[:, 400:500, 600:800] = 255
    lab.layer(lab.brain, "square", write_tiff(tmp_path / "x.tif", voxels),
              voxel_size_nm=list(VOXEL_NM))  # fmt: skip
    for step in (8.0, 16.0, 32.0, 64.0):
        count = round(1024 * 8 / step)
        shown = picture(lab, layer="square", z=2, y=512, x=512, width=count, height=count,
                        nm_per_pixel=step) / 255.0  # fmt: skip
        voxel = 512 + (np.arange(count) - count // 2) * step / 8  # in the middle of each pixel
        total = shown.sum()
        assert total * step**2 == pytest.approx(100 * 200 * 64, rel=0.01)
        assert (shown.sum(axis=1) @ voxel) / total == pytest.approx(449.5, abs=0.3)
        assert (shown.sum(axis=0) @ voxel) / total == pytest.approx(699.5, abs=0.3)


def test_outside_is_grey(lab: Served, voxels: np.ndarray) -> None:
    shown = picture(lab, y=0, x=0, width=64, height=64)
    assert np.all(shown[:32] == GREY)
    assert np.all(shown[:, :32] == GREY)
    np.testing.assert_array_equal(shown[32:, 32:], voxels[20, :32, :32])
    assert np.all(picture(lab, z=-1) == GREY)
    assert np.all(picture(lab, z=40) == GREY)
    assert np.all(picture(lab, x=1e9) == GREY)


def test_windows(lab: Served, voxels: np.ndarray) -> None:
    shown = picture(lab, layer="sixteen", low=0, high=1020, width=10, height=10)
    np.testing.assert_array_equal(shown, voxels[20, 145:155, 95:105])
    dark = picture(lab, layer="sixteen", width=10, height=10)
    assert dark.max() <= 4  # black and white are those of the type
    picture(lab, 400, layer="floats")
    shown = picture(lab, layer="floats", low=0, high=255, width=10, height=10)
    np.testing.assert_array_equal(shown, voxels[20, 145:155, 95:105])
    picture(lab, 400, low=3)
    picture(lab, 400, low=3, high=2)


def test_labels_have_colours(lab: Served) -> None:
    shown = picture(lab, layer="labels", z=0, y=100, x=100, width=50, height=200)
    assert shown.shape == (200, 50, 3)
    assert np.all(shown[:10] == 0)  # label 0
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == 8  # 200 rows of 25 each


def test_a_scale_bar_is_as_long_as_it_says(lab: Served) -> None:
    plain = picture(lab, layer="even", z=2, y=200, x=200, width=300, height=200)
    barred = picture(lab, layer="even", z=2, y=200, x=200, width=300, height=200, scale_bar=True)
    length, label = snapshots.bar_length(300, 8.0)
    assert (length, label) == (500.0, "500 nm")
    lowest = np.flatnonzero((barred == 255).sum(axis=1))[-1]
    assert (barred[lowest] == 255).sum() == round(500 / 8)
    assert np.all(plain == 200)
    assert snapshots.bar_length(300, 80.0) == (5000.0, "5 µm")
    assert snapshots.bar_length(256, 4.0) == (200.0, "200 nm")


def test_labels_of_scale_bars_have_all_their_letters() -> None:
    """A letter that a font lacks is drawn as its picture of a missing one."""
    font = snapshots.font_of(20)
    missing = bytes(font.getmask("\uffff"))
    widths = [10.0**power for power in range(-2, 6)]
    letters = {letter for nm in widths for letter in snapshots.bar_length(300, nm)[1]} - {" "}
    assert {"µ", "n", "m"} <= letters
    assert all(bytes(font.getmask(letter)) != missing for letter in letters)


def test_pictures_that_are_known_are_not_sent_again(lab: Served) -> None:
    client = lab.client(lab.ann)
    path = "/api/v1/datasets/brain/snapshot?z=1&y=2&x=3"
    first = client.get(path)
    assert first.headers["content-type"] == "image/jpeg"
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"{path}&width=99").headers["etag"] != first.headers["etag"]


def test_bad_pictures_are_refused(lab: Served) -> None:
    client = lab.client(lab.ann)
    for query in ("z=1&y=2", "z=nan&y=2&x=3", "z=1&y=2&x=3&width=0", "z=1&y=2&x=3&width=99999",
                  "z=1&y=2&x=3&axis=t", "z=1&y=2&x=3&format=gif", "z=1&y=2&x=3&nm_per_pixel=-1",
                  "z=1&y=2&x=3&nm_per_pixel=inf", "z=1e300&y=2&x=3"):  # fmt: skip
        answer = client.get(f"/api/v1/datasets/brain/snapshot?{query}")
        assert answer.status_code in (400, 422), query
    assert client.get("/api/v1/datasets/brain/snapshot?z=1&y=2&x=3&layer=no").status_code == 404
    assert lab.client().get("/api/v1/datasets/brain/snapshot?z=1&y=2&x=3").status_code == 401


def test_too_much_is_not_read(lab: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MOST_READ", 1000)
    with lab.context.database.read() as connection:
        row = data.layer_for(connection, lab.brain, "image", None, None)
    opened = layers.layers(lab.context).get(row)
    with pytest.raises(ConfigError, match="coarser levels"):
        snapshots.draw(opened, View((20, 150, 100)))
