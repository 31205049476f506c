"""The layers that the dock keeps in a viewer: clicks, matches, the map in view and its objects."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from emqs.errors import ConfigError
from emqs.geometry import Box
from emqs.napari.reading import STORE, Placed, store_layers
from emqs.napari.session import Map, Session

STRUCTURE, OTHER = "structure", "not the structure"
MATCHES, SUGGESTED = "matches", "suggestions"
PROBABILITY, OBJECTS = "probability in view", "objects in view"
COLOURS = {STRUCTURE: "#00b140", OTHER: "#e03c31", MATCHES: "#00a3e0", SUGGESTED: "#ffb000"}
SHARE = 0.2  # of a patch: the size of a point


@dataclass(eq=False)
class Layers:
    """The layers of a session; one that the user removed is made again when it is needed.

    Attributes:
        viewer: Of napari.
        session: Whose layers they are.
    """

    viewer: Any
    session: Session

    @property
    def placed(self) -> Placed:
        """Where the volume lies."""
        grid = self.session.store.grid
        return Placed(grid.voxel_size_nm, grid.origin_nm)

    def image(self) -> Any:  # noqa: ANN401 - a layer of napari
        """Return the layer of the volume, which is added if it is not there."""
        path = str(self.session.store.path)
        for layer in self.viewer.layers:
            if layer.metadata.get(STORE) == path:
                return layer
        from napari.layers import Layer

        volume = self.session.volume
        given = None if volume.path is None else str(volume.path)
        ((data, about, kind),) = store_layers(self.session.store.path, given)
        return self.viewer.add_layer(Layer.create(data, about, kind))

    def points(self, name: str) -> Any:  # noqa: ANN401
        """Return a layer of points, in voxels of the volume."""
        if name in self.viewer.layers:
            return self.viewer.layers[name]
        is_click = name in (STRUCTURE, OTHER)
        return self.viewer.add_points(
            np.empty((0, 3)), ndim=3, name=name, size=max(4, SHARE * self.session.store.grid.size),
            face_color=COLOURS[name] if is_click else "transparent", border_color=COLOURS[name],
            border_width=0.15, symbol="disc" if is_click else "ring" if name == MATCHES else "star",
            **self.placed.attributes,
        )  # fmt: skip

    def put(self, name: str, voxels: np.ndarray) -> None:
        """Show points in place of those of a layer."""
        layer = self.points(name)
        layer.data = np.asarray(voxels, dtype=float).reshape(-1, 3)
        layer.selected_data = set()

    def show(self, shown: Map, objects: np.ndarray) -> None:
        """Show a map and its objects where they lie."""
        size, origin = self.placed.voxel_size_nm, self.placed.origin_nm
        place = [o + s * a for o, s, a in zip(origin, size, shown.box.start, strict=True)]
        where = {**self.placed.attributes, "translate": place}
        if not self._put_data(PROBABILITY, shown.values, place):
            self.viewer.add_image(
                shown.values, name=PROBABILITY, colormap="inferno", opacity=0.5,
                blending="additive", contrast_limits=(0, 1), **where,
            )  # fmt: skip
        if not self._put_data(OBJECTS, objects, place):
            self._outlined(self.viewer.add_labels(objects, name=OBJECTS, opacity=0.9, **where))

    def _put_data(self, name: str, values: np.ndarray, place: list[float]) -> bool:
        """Put values into a layer that is there; return whether it is."""
        if name not in self.viewer.layers:
            return False
        layer = self.viewer.layers[name]
        layer.data, layer.translate = values, place
        return True

    def _outlined(self, layer: Any) -> None:  # noqa: ANN401
        """Draw outlines, and leave the clicks on top and active."""
        layer.contour = 2
        active = self.points(STRUCTURE)
        for name in (OTHER, STRUCTURE):
            at = self.viewer.layers.index(self.points(name))
            self.viewer.layers.move(at, len(self.viewer.layers))
        self.viewer.layers.selection = {active}

    def in_view(self) -> Box:
        """Return the part of the volume that the window shows.

        Raises:
            ConfigError: If the window does not show a slice along X and Y, or nothing of it.
        """
        dims = self.viewer.dims
        if dims.ndisplay != 2 or dims.ndim != 3 or tuple(dims.order) != (0, 1, 2):
            raise ConfigError(
                "The prediction is shown in slices along X and Y. Turn the view to them, in 2D, "
                "with no layer of more than three axes."
            )
        layer = self.image()
        shape, size, origin = self.session.volume.shape, *self._lengths()
        z = round((float(dims.point[0]) - origin[0]) / size[0])
        factor = layer.downsample_factors[layer.data_level] if layer.multiscale else np.ones(3)
        corners = np.asarray(layer.corner_pixels) * np.asarray(factor)
        first = np.clip(np.floor(corners[0, 1:]).astype(int), 0, shape[1:])
        last = np.clip(np.ceil(corners[1, 1:] + 1).astype(int), 0, shape[1:])
        if not 0 <= z < shape[0] or (last <= first).any():
            raise ConfigError("The window shows nothing of the volume. Go to one of its slices.")
        return Box((z, int(first[0]), int(first[1])), (z + 1, int(last[0]), int(last[1])))

    def jump(self, voxel: np.ndarray) -> None:
        """Go to a voxel: its slice, in the middle of the window."""
        size, origin = self._lengths()
        world = origin + size * np.asarray(voxel, dtype=float)
        self.viewer.dims.set_point(0, float(world[0]))
        self.viewer.scene.camera.center = tuple(world.tolist())

    def _lengths(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array(self.placed.voxel_size_nm), np.array(self.placed.origin_nm)
