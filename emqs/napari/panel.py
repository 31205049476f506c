"""The widgets of the dock; what they do is said in ``dock``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import require

MIN_WIDTH = 340  # of the dock, in pixels of the screen
SHOWN = ("rank", "z", "y", "x", "score", "probability")  # columns of the matches that are shown


class Panel:
    """Buttons, a slider, a table, a bar.

    Attributes:
        container: All of them, a widget of magicgui.
    """

    SLICE, SLICES, EVERYTHING = "in view, this slice", "in view, all slices", "the whole volume"

    def __init__(self) -> None:
        """Build them."""
        widgets = require("magicgui.widgets", extra="napari", purpose="show the dock in napari")
        self.store = widgets.FileEdit(
            mode="d", label="embedding volume", tooltip="The folder that emqs embed made"
        )
        self.weights = widgets.FileEdit(
            mode="r", label="weights", nullable=True, value=None,
            tooltip="Of its encoder, if they are not those that come with emqs",
        )  # fmt: skip
        self.open = _button(widgets, "Open", "Show the volume, and two layers for clicks")
        self.search = _button(widgets, "Search", "Places that look like the clicks")
        self.predict = _button(widgets, "Predict", "Outlines in view")
        self.suggest = _button(widgets, "Suggest", "Where a further click would help most")
        self.live = widgets.CheckBox(
            value=True, text="live", tooltip="After a click or a move the map is made again"
        )
        self.threshold = widgets.FloatSlider(
            value=0.5, min=0.01, max=0.99, step=0.01, label="threshold", tracking=True,
            tooltip="Probability from which on a voxel belongs to an object",
        )  # fmt: skip
        self.matches = widgets.Table()
        self.matches.read_only = True
        self.matches.min_height = 140
        _narrow(self.matches.native)
        self.is_structure = _button(widgets, "is the structure", "The chosen match or suggestions")
        self.is_other = _button(widgets, "is not", "The chosen match or suggestions")
        self.region = widgets.ComboBox(
            label="objects of", choices=[self.SLICE, self.SLICES, self.EVERYTHING]
        )
        self.save_examples = _button(widgets, "Save examples", "CSV, as examples= reads it")
        self.load_examples = _button(widgets, "Load examples", "CSV, as examples= reads it")
        self.save_matches = _button(widgets, "Save matches", "CSV")
        self.save_objects = _button(widgets, "Save objects", "OME-Zarr: probability and labels")
        self.bar = widgets.ProgressBar(value=0, min=0, max=100, label="progress")
        self.cancel = _button(widgets, "Cancel", "Stop what runs")
        self.cancel.enabled = False
        self.status = widgets.Label(value="Choose an embedding volume.")
        self.status.native.setWordWrap(True)
        self.container = widgets.Container(
            widgets=[
                _named(widgets, self.store, self.weights),
                self.open,
                _row(widgets, self.search, self.predict, self.suggest),
                _named(widgets, self.threshold),
                self.matches,
                _row(widgets, self.is_structure, self.is_other),
                _named(widgets, self.region),
                _row(widgets, self.save_examples, self.load_examples),
                _row(widgets, self.save_matches, self.save_objects),
                _row(widgets, self.bar, self.cancel, self.live),
                self.status,
            ],
            labels=False,
        )  # fmt: skip
        self.container.native.setMinimumWidth(MIN_WIDTH)
        self._blocked = (
            self.open, self.search, self.predict, self.suggest, self.save_objects,
        )  # fmt: skip

    def path(self, name: str) -> Path | None:
        """Return what is typed into one of the fields; None if nothing is."""
        value = getattr(self, name).value
        return None if value is None or str(value) in ("", ".") else Path(value)

    def row(self) -> int | None:
        """Return the number of the match that is chosen, from 0."""
        rows = {one.row() for one in self.matches.native.selectedIndexes()}
        return min(rows) if rows else None

    def say(self, sentence: str) -> None:
        """Show a sentence."""
        self.status.value = sentence

    def tell(self, stage: str, done: int, total: int) -> None:
        """Show how far the work is."""
        self.bar.value = round(100 * done / max(1, total))
        self.status.value = f"{stage}: {done} of {total}"

    def set_busy(self, is_busy: bool) -> None:
        """Let nothing else be started while something runs, and let that be stopped."""
        for button in self._blocked:
            button.enabled = not is_busy
        self.cancel.enabled = is_busy
        self.bar.value = 0


def _button(widgets: Any, text: str, tooltip: str) -> Any:  # noqa: ANN401 - of an extra
    return widgets.PushButton(text=text, tooltip=tooltip)


def _row(widgets: Any, *some: Any) -> Any:  # noqa: ANN401
    return widgets.Container(widgets=some, layout="horizontal", labels=False)


def _named(widgets: Any, *some: Any) -> Any:  # noqa: ANN401
    return widgets.Container(widgets=some, labels=True)


def _narrow(table: Any) -> None:  # noqa: ANN401 - of Qt
    """Let a table be as narrow as the dock; row numbers are left out, ranks say the same."""
    policy = table.sizePolicy()
    policy.setHorizontalPolicy(type(policy.horizontalPolicy()).Ignored)
    table.setSizePolicy(policy)
    table.verticalHeader().setVisible(False)
    table.horizontalHeader().setDefaultSectionSize(58)


def shown_table(table: Any, columns: Mapping[str, np.ndarray]) -> None:  # noqa: ANN401
    """Fill a table with the columns of matches that tell most."""
    table.value = {
        name: [_cell(name, value) for value in columns[name]] for name in SHOWN if name in columns
    }


def _cell(name: str, value: Any) -> Any:  # noqa: ANN401 - of NumPy
    plain = value.item() if hasattr(value, "item") else value
    return round(plain, 3) if name in ("score", "probability") else plain
