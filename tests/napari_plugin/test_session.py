"""A session in napari as somebody has it: open, click, search, predict, correct, save."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support.discs import DISCS, ORIGIN_NM, SHAPE, embedded, scene
from support.embedded_volumes import VOXEL_NM
from support.napari_windows import Napari, click, display, press, settle, told, until, window

from emqs import notebook
from emqs.napari import layers as names
from emqs.retrieval.examples_file import read_examples
from emqs.volumes import open_volume

pytestmark = pytest.mark.slow
ON, BESIDE = [(50, 60), (58, 66), (150, 185)], [(100, 130), (10, 10), (100, 20)]


@dataclass
class Story:
    """A window with the dock, and a folder with ``v.zarr`` and ``emb.zarr``."""

    viewer: Napari
    dock: Napari
    folder: Path

    @property
    def panel(self) -> Napari:
        return self.dock.panel

    def layer(self, name: str) -> Napari:
        return self.viewer.layers[name]

    def until_done(self, name: str) -> None:
        """Wait until a layer is there and nothing runs."""
        until(lambda: name in self.viewer.layers and not self.dock.jobs.is_busy)

    def go_to(self, z: int) -> None:
        self.viewer.dims.set_point(0, ORIGIN_NM[0] + z * VOXEL_NM[0])
        self.viewer.reset_view()
        settle()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with display(), window() as viewer:
        folder = embedded(tmp_path_factory.mktemp("session"))
        _, container = viewer.window.add_plugin_dock_widget("emqs", "Search and predict")
        yield Story(viewer, container.emqs_dock, folder)


def test_a_session(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(story.folder)
    opened(story)
    clicked(story)
    searched(story)
    predicted(story)
    corrected(story)
    saved(story)
    stopped(story)


def opened(story: Story) -> None:
    """Mistakes are a sentence; the store brings its volume, and two layers."""
    panel = story.panel
    press(panel.search)
    assert told() == "No embedding volume is open. Choose one, and press Open."
    panel.store.value = story.folder / "v.zarr"
    press(panel.open)
    assert "is damaged or no embedding volume" in told()
    (image,) = story.viewer.open(str(story.folder / "emb.zarr"), plugin="emqs")
    panel.store.value = story.folder / "emb.zarr"
    press(panel.open)
    listed = [layer.name for layer in story.viewer.layers]
    assert listed == ["v.zarr", names.OTHER, names.STRUCTURE]
    np.testing.assert_array_equal(np.asarray(image.scale), VOXEL_NM)
    np.testing.assert_array_equal(np.asarray(image.data[2]), scene()[0][2])
    press(panel.search)
    until(lambda: "needs at least one positive example" in told())


def clicked(story: Story) -> None:
    """Three and three, with the mouse."""
    story.go_to(1)
    for name, places in ((names.STRUCTURE, ON), (names.OTHER, BESIDE)):
        layer = story.layer(name)
        story.viewer.layers.selection = {layer}
        layer.mode = "add"
        for place in places:
            click(story.viewer, np.array(ORIGIN_NM[1:]) + np.array(VOXEL_NM[1:]) * place)
        layer.mode = "pan_zoom"
        np.testing.assert_allclose(layer.data, [[1, *place] for place in places], atol=1.0)


def searched(story: Story) -> None:
    """Matches are a table and points; a row jumps there."""
    dock, table = story.dock, story.panel.matches.native
    press(story.panel.search)
    story.until_done(names.MATCHES)
    centres = dock.matches.centres
    assert table.rowCount() == len(centres) == len(story.layer(names.MATCHES).data) > 10
    again = notebook.search(story.folder / "emb.zarr", *dock.examples().points)
    np.testing.assert_array_equal(centres, again.centres)
    table.selectRow(2)
    settle()
    place = np.array(ORIGIN_NM) + VOXEL_NM * centres[2]
    np.testing.assert_allclose(story.viewer.scene.camera.center[1:], place[1:])
    assert story.viewer.dims.point[0] == place[0]
    table.clearSelection()


def predicted(story: Story) -> None:
    """The map in view and its objects; the slider; another slice."""
    panel, truth = story.panel, scene()[1]
    story.go_to(1)
    panel.threshold.value = 0.2
    press(panel.predict)
    story.until_done(names.OBJECTS)
    shown, objects = story.layer(names.PROBABILITY), story.layer(names.OBJECTS)
    assert shown.data.shape == (1, *SHAPE[1:])
    np.testing.assert_allclose(shown.translate - ORIGIN_NM, (VOXEL_NM[0], 0, 0))
    mask = shown.data[0] >= 0.2
    assert 2 * (mask & truth[1]).sum() > 0.75 * (mask.sum() + truth[1].sum())
    assert len({int(objects.data[0, row, column]) for row, column in DISCS} - {0}) == 4
    picture = story.viewer.screenshot(str(story.folder / "predicted.png"), canvas_only=False)
    assert picture.shape[0] > 800
    before, area = shown.data, int((objects.data > 0).sum())
    panel.threshold.value = 0.6
    until(lambda: 0 < int((objects.data > 0).sum()) < area)
    assert shown.data is before  # the objects alone were made again
    panel.threshold.value = 0.2
    story.go_to(2)
    until(lambda: shown.translate[0] == ORIGIN_NM[0] + 2 * VOXEL_NM[0])
    until(lambda: not story.dock.jobs.is_busy)


def corrected(story: Story) -> None:
    """A suggestion becomes a click, and the map follows."""
    panel, shown = story.panel, story.layer(names.PROBABILITY)
    press(panel.suggest)
    story.until_done(names.SUGGESTED)
    asked = story.layer(names.SUGGESTED)
    count, place = len(asked.data), asked.data[0].astype(int)
    assert 0 < count <= 5
    assert set(asked.data[:, 0]) == {2}
    inside = bool(scene()[1][tuple(place)])
    asked.selected_data = {0}
    old = shown.data
    press(panel.is_structure if inside else panel.is_other)
    side = story.layer(names.STRUCTURE if inside else names.OTHER)
    np.testing.assert_array_equal(side.data[-1], place)
    assert len(asked.data) == count - 1
    until(lambda: shown.data is not old and not story.dock.jobs.is_busy)
    row, column = place[1:]
    assert (shown.data[0, row, column] > old[0, row, column]) == inside


def saved(story: Story) -> None:
    """Files that the commands read; the map in view is what the command makes."""
    dock, folder = story.dock, story.folder
    dock.save_examples(folder / "clicks.csv")
    clicks = read_examples(folder / "clicks.csv")
    assert len(clicks.labels) == 7
    assert clicks.points == dock.examples().points
    dock.save_matches(folder / "matches.csv")
    with (folder / "matches.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == len(dock.matches.ranks)
    story.panel.region.value = story.panel.EVERYTHING
    dock.save_objects(folder / "mito.zarr")
    story.until_done("mito.zarr: objects")
    with open_volume(folder / "mito.zarr") as probability:
        stored = probability.read(probability.box)[2]
    np.testing.assert_allclose(stored, story.layer(names.PROBABILITY).data[0] * 255, atol=1.01)
    assert (folder / "mito_objects.csv").is_file()
    labels = story.layer("mito.zarr: objects")
    assert type(labels).__name__ == "Labels"
    numbers = np.asarray(labels.data[0][1])  # the finest of several scales, slice 1
    assert numbers[DISCS[0]] > 0
    labels.save(str(folder / "mine.zarr"), plugin="emqs")
    with open_volume(folder / "mine.zarr") as mine:
        assert (mine.voxel_size_nm, mine.origin_nm) == (VOXEL_NM, ORIGIN_NM)
        np.testing.assert_array_equal(mine.read(mine.box)[1], numbers)
    count = len(story.layer(names.OTHER).data)
    dock.load_examples(folder / "clicks.csv")
    assert len(story.layer(names.OTHER).data) == count + len(clicks.points[1])


def stopped(story: Story) -> None:
    """What is cancelled leaves nothing under its name; a view in another plane is told."""
    story.dock.save_objects(story.folder / "stopped.zarr")
    assert not story.panel.search.enabled
    press(story.panel.cancel)
    until(lambda: not story.dock.jobs.is_busy)
    assert not (story.folder / "stopped.zarr").exists()
    assert story.panel.search.enabled
    story.viewer.dims.order = (1, 0, 2)  # the volume is cut along Z and X
    settle()
    press(story.panel.predict)
    assert "Turn the view to them, in 2D" in told()
    story.viewer.dims.order = (0, 1, 2)
