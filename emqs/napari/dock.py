"""The dock in napari: click on a few, search for all, predict their outlines, save what came."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import ConfigError, EmqsError
from emqs.geometry import Box
from emqs.napari import layers as names
from emqs.napari.jobs import Jobs
from emqs.napari.layers import Layers
from emqs.napari.panel import Panel, shown_table
from emqs.napari.session import Map, Session, examples_of, opened
from emqs.retrieval.examples_file import NEGATIVE, POSITIVE, Examples
from emqs.runs.progress import Step

SETTLE_MS = 300  # after the last change, before the map in view is made again


def make_dock() -> Any:  # noqa: ANN401 - a widget of magicgui
    """Return the dock of the window that napari shows; napari calls this.

    Raises:
        ConfigError: If there is no window.
    """
    import napari

    viewer = napari.current_viewer()
    if viewer is None:
        raise ConfigError("The dock of emqs needs a window of napari. Open one first.")
    return Dock(viewer).panel.container


@dataclass(frozen=True)
class Asked:
    """What is to be made again: the head, the map, or the objects alone."""

    head: bool = False
    map: bool = False

    def __or__(self, other: "Asked") -> "Asked":
        """Return what at least one of two asks for."""
        return Asked(self.head or other.head, self.map or other.map)


class Dock:
    """Joins the buttons, the layers of the viewer, and the session behind them.

    Attributes:
        viewer: Of napari.
        panel: The widgets.
        jobs: What runs beside the window.
        session: Of the embedding volume that is open; None before.
        layers: Its layers.
        shown: The map in view.
        matches: Of the last search; None before.
    """

    def __init__(self, viewer: Any) -> None:  # noqa: ANN401
        """Build the widgets; nothing is opened."""
        from qtpy.QtCore import QTimer

        self.viewer = viewer
        self.panel = Panel()
        self.jobs = Jobs(self.panel.tell, self.panel.set_busy, self.fail)
        self.session: Session | None = None
        self.layers: Layers | None = None
        self.shown: Map | None = None
        self.matches: Any = None
        self._due: Asked | None = None
        self._settled = QTimer()
        self._settled.setSingleShot(True)
        self._settled.setInterval(SETTLE_MS)
        self._settled.timeout.connect(self._update)
        self._connect()

    def _connect(self) -> None:
        """Say what each button does."""
        panel = self.panel
        panel.container.emqs_dock = self  # signals keep only weak references
        for button, act in (
            (panel.open, lambda: self.open(panel.path("store"), panel.path("weights"))),
            (panel.search, self.search),
            (panel.predict, self.predict),
            (panel.suggest, self.suggest),
            (panel.is_structure, lambda: self.mark(names.STRUCTURE)),
            (panel.is_other, lambda: self.mark(names.OTHER)),
            (panel.save_examples, lambda: self._ask("*.csv", self.save_examples)),
            (panel.load_examples, lambda: self._ask("*.csv", self.load_examples, is_old=True)),
            (panel.save_matches, lambda: self._ask("*.csv", self.save_matches)),
            (panel.save_objects, lambda: self._ask("*.zarr", self.save_objects)),
        ):
            button.clicked.connect(self._guarded(act))
        panel.cancel.clicked.connect(lambda *_: self.jobs.stop())
        panel.container.native.destroyed.connect(lambda *_: self.close())
        panel.threshold.changed.connect(lambda _value: self._want(Asked()))
        panel.matches.native.itemSelectionChanged.connect(self._guarded(self._jump))
        self.viewer.dims.events.current_step.connect(lambda _event: self._want(Asked(map=True)))
        self.viewer.scene.camera.events.connect(lambda _event: self._want(Asked(map=True)))

    def _guarded(self, act: Callable[[], object]) -> Callable[..., None]:
        """Return what a button calls: an error of the user's becomes a notification."""

        def call(*_: object) -> None:
            try:
                act()
            except EmqsError as error:
                self.fail(str(error))

        return call

    def close(self) -> None:
        """Stop what runs or is due; the window is gone."""
        self._due = None
        self.session = self.shown = None
        self.jobs.close()

    def fail(self, sentence: str) -> None:
        """Show what the user can mend."""
        from napari.utils.notifications import show_error

        self.panel.say(sentence)
        show_error(sentence)

    def _ask(self, pattern: str, act: Callable[[Path], None], *, is_old: bool = False) -> None:
        """Ask for a file, and do something with it."""
        from qtpy.QtWidgets import QFileDialog

        ask = QFileDialog.getOpenFileName if is_old else QFileDialog.getSaveFileName
        name, _ = ask(self.panel.container.native, "emqs", "", pattern)
        if name:
            act(Path(name))

    def open(self, path: Path | None, weights: Path | None = None) -> None:
        """Open an embedding volume, show what it was made of, and make the layers of clicks.

        Raises:
            ConfigError: If no folder is given, or the volume is not there.
            DataError: If it cannot be read.
        """
        if path is None:
            raise ConfigError("No embedding volume is given. Choose the folder that embed made.")
        self.session = opened(path, weights=None if weights is None else str(weights))
        self.layers = Layers(self.viewer, self.session)
        self.shown = self.matches = None
        self.layers.image()
        for name in (names.OTHER, names.STRUCTURE):
            layer = self.layers.points(name)
            layer.events.data.connect(lambda _event: self._want(Asked(head=True, map=True)))
        self.panel.say(f"{self.session.store.path.name} is open. Add points to both layers.")

    def _open(self) -> tuple[Session, Layers]:
        if self.session is None or self.layers is None:
            raise ConfigError("No embedding volume is open. Choose one, and press Open.")
        return self.session, self.layers

    def examples(self) -> Examples:
        """Return the clicks of both layers.

        Raises:
            ConfigError: If nothing is open, or a place is in both.
        """
        _, layers = self._open()
        return examples_of(layers.points(names.STRUCTURE).data, layers.points(names.OTHER).data)

    def search(self) -> None:
        """Search for what looks like the clicks, in a thread."""
        session, _ = self._open()
        examples = self.examples()
        self.panel.say("Searching")
        self.jobs.start(lambda _step: session.search(examples), self._show_matches)

    def _show_matches(self, matches: Any) -> None:  # noqa: ANN401 - of the room retrieval
        _, layers = self._open()
        self.matches = matches
        shown_table(self.panel.matches, matches.columns)
        layers.put(names.MATCHES, matches.centres)
        self.panel.say(f"{len(matches.ranks)} matches; a row jumps there.")

    def _jump(self) -> None:
        """Go to the match whose row is chosen."""
        _, layers = self._open()
        row = self.panel.row()
        if row is not None and self.matches is not None:
            layers.jump(self.matches.centres[row])

    def mark(self, name: str) -> None:
        """Put what is chosen into a layer of clicks: suggestions that are selected, or a match.

        Raises:
            ConfigError: If nothing is chosen.
        """
        _, layers = self._open()
        asked = layers.points(names.SUGGESTED) if names.SUGGESTED in self.viewer.layers else None
        row = self.panel.row()
        if asked is not None and asked.selected_data:
            chosen = sorted(asked.selected_data)
            places = asked.data[chosen]
            layers.put(names.SUGGESTED, np.delete(asked.data, chosen, axis=0))
        elif row is not None and self.matches is not None:
            places = self.matches.voxels[[row]]
        else:
            raise ConfigError("Nothing is chosen. Select suggestions, or a row of the matches.")
        layers.points(name).add(np.asarray(places, dtype=float))

    def predict(self) -> None:
        """Fit the head to the clicks, and map what is in view."""
        self._want(Asked(head=True, map=True), is_pressed=True)

    def suggest(self) -> None:
        """Show where a further click would help most, in what is in view."""
        session, layers = self._open()
        work = self._work(Asked(head=True, map=True))

        def show(made: tuple[Map, np.ndarray]) -> None:
            self._show(made)
            places = session.suggestions(made[0])
            layers.put(names.SUGGESTED, places)
            self.panel.say(f"{len(places)} suggestions; select some, and say what they are.")

        self.jobs.start(work, show)

    def _want(self, asked: Asked, *, is_pressed: bool = False) -> None:
        """Make the map again, soon; unless nobody asked for one yet, or the user wants none."""
        if is_pressed:
            self._due = asked if self._due is None else self._due | asked
            self._update()
        elif self.shown is not None and self.panel.live.value:
            self._due = asked if self._due is None else self._due | asked
            self._settled.start()

    def _update(self) -> None:
        """Make what is due; later, if something runs."""
        if self._due is None:
            return
        if self.jobs.is_busy:
            self._settled.start()
            return
        asked, self._due = self._due, None
        self._guarded(lambda: self.jobs.start(self._work(asked), self._show))()

    def _work(self, asked: Asked) -> Callable[[Step], tuple[Map, np.ndarray]]:
        """Return what makes the map and its objects, of what the window shows now."""
        session, layers = self._open()
        examples, view, last = self.examples(), layers.in_view(), self.shown
        threshold = float(self.panel.threshold.value)

        def work(step: Step) -> tuple[Map, np.ndarray]:
            if asked.head or session.heads is None:
                session.learn(examples)
            shown = session.mapped(view, step) if asked.map or last is None else last
            return shown, session.objects(shown, threshold)

        return work

    def _show(self, made: tuple[Map, np.ndarray]) -> None:
        _, layers = self._open()
        self.shown, objects = made
        layers.show(self.shown, objects)
        part = "" if self.shown.is_whole else " The middle of the view is mapped; zoom in for all."
        self.panel.say(f"{int(objects.max())} objects in view.{part}")

    def save_examples(self, path: Path) -> None:
        """Write the clicks as the CSV that every command of emqs reads."""
        session, _ = self._open()
        session.save_examples(path, self.examples())
        self.panel.say(f"Examples: {path}")

    def load_examples(self, path: Path) -> None:
        """Add the clicks of such a file to both layers."""
        session, layers = self._open()
        loaded = session.read_examples(path)
        loaded.points  # noqa: B018 - names of classes are refused before anything is added
        for name, label in ((names.STRUCTURE, POSITIVE), (names.OTHER, NEGATIVE)):
            if len(loaded.of(label)):
                layers.points(name).add(loaded.of(label).astype(float))

    def save_matches(self, path: Path) -> None:
        """Write the matches of the last search as a table.

        Raises:
            ConfigError: If there was no search.
        """
        from emqs.runs.tables import write_csv

        if self.matches is None:
            raise ConfigError("There are no matches yet. Press Search first.")
        write_csv(path, self.matches.columns)
        self.panel.say(f"Matches: {path}")

    def save_objects(self, path: Path) -> None:
        """Predict the region that is chosen into an OME-Zarr, in a thread, and open it."""
        session, layers = self._open()
        region = self._region(layers)
        examples, threshold = self.examples(), float(self.panel.threshold.value)

        def work(step: Step) -> object:
            return session.predict(examples, path, region, threshold, step)

        def show(_made: object) -> None:
            from napari.layers import Layer

            from emqs.napari.reading import read_layers

            for data, about, kind in read_layers(str(path)):
                self.viewer.add_layer(Layer.create(data, about, kind))
            self.panel.say(f"Probability and objects: {path}")

        self.jobs.start(work, show)

    def _region(self, layers: Layers) -> Box | None:
        """Return the part of the volume that is to be saved."""
        which = self.panel.region.value
        if which == self.panel.EVERYTHING:
            return None
        view = layers.in_view()
        if which == self.panel.SLICE:
            return view
        depth = layers.session.volume.shape[0]
        return Box((0, *view.start[1:]), (depth, *view.stop[1:]))
