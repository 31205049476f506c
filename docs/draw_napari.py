"""Draw docs/napari.webp: the dock after a search and a prediction, on slices that are made up.

    xvfb-run -a -s "-screen 0 1500x1000x24" python docs/draw_napari.py

It needs the extra ``napari``, and a display, which xvfb-run is.
"""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import napari
import numpy as np
from npe2 import PluginManager, PluginManifest
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QDockWidget

import emqs
from emqs import notebook
from emqs.datasets.synthetic import em_stack
from emqs.volumes import write_ome_zarr

TOP = Path(__file__).resolve().parents[1]
SIZE, DOCK = (1300, 800), 350
EDGE, VOXEL_NM, SLICE = 768, (30.0, 5.0, 5.0), 1
SETTINGS = ["patch.size=60", "patch.stride=20"]


def until(is_so: Callable[[], object]) -> None:
    """Let the window work until something is so."""
    while not is_so():
        QApplication.processEvents()
        time.sleep(0.05)


def places(labels: np.ndarray, number: int, count: int, seed: int) -> np.ndarray:
    """Return voxels of the slice that is shown which have a label, or none."""
    rng = np.random.default_rng(seed)
    inside = np.argwhere(labels[SLICE] == number)
    chosen = inside[rng.choice(len(inside), count, replace=False)]
    return np.concatenate([np.full((count, 1), SLICE), chosen], axis=1).astype(float)


def main() -> None:
    """Open, click, search, predict, and save what the window shows."""
    image, labels = em_stack(n_slices=3, height=EDGE, width=EDGE, seed=1)[:2]
    known = PluginManager.instance()
    if "emqs" not in known:
        known.register(PluginManifest.from_file(TOP / "emqs/napari/napari.yaml"))
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_ome_zarr(folder / "brain.zarr", np.asarray(image), VOXEL_NM, (1, 256, 256))
        volume = emqs.open_volume(folder / "brain.zarr")
        notebook.embed(
            volume, emqs.load_model("contrastive"), folder / "brain_emb.zarr", settings=SETTINGS
        )
        viewer = napari.Viewer()
        viewer.window.resize(*SIZE)
        _, container = viewer.window.add_plugin_dock_widget("emqs", "Search and predict")
        dock = container.emqs_dock
        dock.open(folder / "brain_emb.zarr")
        viewer.dims.set_point(0, SLICE * VOXEL_NM[0])
        viewer.layers["structure"].add(places(labels, 1, 5, 2))
        viewer.layers["not the structure"].add(places(labels, 0, 5, 3))
        dock.search()
        until(lambda: dock.matches is not None and not dock.jobs.is_busy)
        dock.predict()
        until(lambda: dock.shown is not None and not dock.jobs.is_busy)
        viewer.scene.camera.zoom *= 1.15
        until(lambda: dock._due is None and not dock.jobs.is_busy)
        dock.panel.store.value = "brain_emb.zarr"
        viewer.window.resize(*SIZE)
        window = viewer.window._qt_window
        (side,) = [one for one in window.findChildren(QDockWidget) if "emqs" in one.windowTitle()]
        window.resizeDocks([side], [DOCK], Qt.Orientation.Horizontal)
        begun = time.monotonic()
        until(lambda: time.monotonic() > begun + 2 and not dock.jobs.is_busy)
        shown = Image.fromarray(viewer.screenshot(canvas_only=False)).convert("RGB")
        shown.save(TOP / "docs" / "napari.webp", quality=80)
        viewer.close()


if __name__ == "__main__":
    main()
