"""A window of napari on a display of its own, and the mouse in it."""

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WAIT_S = 120.0
Napari = Any  # a thing of napari's or of its widgets', which have no types where they are missing


@contextmanager
def display() -> Iterator[None]:
    """Have a display: that of the computer, or one of Xvfb that nobody sees; skip without both."""
    if importlib.util.find_spec("napari") is None:
        pytest.skip("napari is not installed: pip install 'emqs[napari]'")
    if os.environ.get("DISPLAY"):
        yield
        return
    if shutil.which("Xvfb") is None:
        pytest.skip("there is no display and no Xvfb: apt-get install xvfb libegl1 libxcb-cursor0")
    read_end, write_end = os.pipe()
    command = ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1500x1000x24", "-nolisten",
               "tcp", "-terminate"]  # fmt: skip
    with subprocess.Popen(
        command, pass_fds=[write_end], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        os.close(write_end)
        with os.fdopen(read_end) as told:
            number = told.readline().strip()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DISPLAY", f":{number}")
            patch.setenv("QT_QPA_PLATFORM", "xcb")
            try:
                yield
            finally:
                server.terminate()


@contextmanager
def window() -> Iterator[Napari]:
    """Give a viewer of napari, without what its user has set, which knows the plugin."""
    import napari
    from npe2 import PluginManager, PluginManifest

    known = PluginManager.instance()
    if "emqs" not in known:
        import emqs.napari

        path = Path(emqs.napari.__file__ or "").with_name("napari.yaml")
        known.register(PluginManifest.from_file(path))
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1400, 950)
    try:
        yield viewer
    finally:
        viewer.close()
        settle()


def settle(seconds: float = 0.1) -> None:
    """Let the window do what is due."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def until(is_so: Callable[[], object]) -> None:
    """Let the window work until something is so; an error after ``WAIT_S`` seconds."""
    end = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end, "it did not come"
        settle(0.05)


def click(viewer: Napari, world: np.ndarray) -> None:
    """Click with the mouse on a place ``(y, x)``, in units of the world."""
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    canvas = viewer.window._qt_viewer.canvas
    height, width = canvas.size
    middle = np.array(viewer.scene.camera.center[1:])
    row, column = (world - middle) * viewer.scene.camera.zoom + np.array([height, width]) / 2
    place = QPoint(round(column), round(row))
    QTest.mouseMove(canvas.native, place)
    settle(0.05)
    QTest.mouseClick(canvas.native, Qt.MouseButton.LeftButton, pos=place)
    settle(0.05)


def press(button: Napari) -> None:
    """Press a button of the dock."""
    button.native.click()
    settle()


def told() -> str:
    """Return the last notification."""
    from napari.utils.notifications import notification_manager

    return str(notification_manager.records[-1].message)
