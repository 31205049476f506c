"""Layers of datasets, open: each is opened once in a process and again when it has changed."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import ConflictError, DataError, NotFoundError
from emqs.volumes import Box
from emqs.web import levels
from emqs.web.caches import Cache
from emqs.web.catalogue import Layer
from emqs.web.chunks import Reader, Scale
from emqs.web.context import Context
from emqs.web.sources import MARKS, Place, factors, open_place, own_levels, stamp

MOST_OPEN = 64
SHOWN = ("image", "segmentation")
BROWSER_MARKS = {  # what shows a format that viewers read from files themselves
    "zarr.json": "zarr3",
    ".zattrs": "zarr2",
    ".zarray": "zarr2",
    ".zgroup": "zarr2",
    "info": "neuroglancer-precomputed",
    "attributes.json": "n5",
}


@dataclass(frozen=True, eq=False)
class OpenLayer:
    """A layer whose metadata have been read.

    Attributes:
        layer: Its row in the database.
        place: Where it lies.
        stamp: Of its files when it was opened.
        scales: Its resolutions, finest first.
        n_missing: Coarser levels that have not been made yet.
        levels_folder: Where they are kept; None if it brings levels itself.
        folder: The folder whose files a viewer can read itself; None if there is none.
        equivalences: Labels that are served as others: ascending labels, and what each becomes.
    """

    layer: Layer
    place: Place
    stamp: str
    scales: tuple[Scale, ...]
    n_missing: int
    levels_folder: Path | None
    folder: Path | None
    equivalences: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def kind(self) -> str:
        """``"image"`` or ``"segmentation"``."""
        return self.place.kind

    @property
    def key(self) -> str:
        """What changes whenever its voxels do."""
        return f"{self.layer.id}:{self.layer.version}:{self.stamp}"

    def describe(self) -> dict[str, Any]:
        """Return what clients want to know of it."""
        finest = self.scales[0].volume
        return {
            "shape": list(finest.shape),
            "dtype": finest.dtype.name,
            "voxel_size_nm": list(finest.require_voxel_size()),
            "origin_nm": list(finest.origin_nm),
            "levels": [list(scale.factors) for scale in self.scales],
            "levels_missing": self.n_missing,
            "files": None if self.folder is None else _format(self.folder),
        }


def place_of(layer: Layer) -> Place:
    """Return where a layer lies.

    Raises:
        NotFoundError: If it has no voxels.
    """
    if layer.kind not in SHOWN:
        raise NotFoundError(f"The layer {layer.name} is of kind {layer.kind} and has no voxels.")
    return layer.place


class Layers:
    """The open layers of a process, and the voxels of theirs that are kept."""

    def __init__(self, cache: Path) -> None:
        """Start with nothing open.

        Args:
            cache: Folder of the home for what can be made again.
        """
        self._cache = cache
        self._open: Cache[OpenLayer] = Cache(MOST_OPEN)
        self.reader = Reader()
        self._wishes: set[str] = set()
        self._lock = threading.Lock()

    def get(self, layer: Layer) -> OpenLayer:
        """Return an open layer.

        Raises:
            NotFoundError: If it has no voxels.
            ConflictError: If its files are not those that its version was given to.
            DataError: If it cannot be read.
        """
        place = place_of(layer)
        now = stamp(place)
        registered = layer.settings.get("stamp")
        if registered is not None and registered != now:
            raise ConflictError(
                f"The files of the layer {layer.name} have changed since it got the version "
                f"{layer.version}. A manager of the dataset gives it a new one."
            )
        key = (layer.id, layer.version, now, layer.frozen_settings)
        opened = self._open.get(key, lambda: self._opened(layer, place, now))
        if opened.n_missing and opened.levels_folder is not None:
            finest = opened.scales[0].volume
            if levels.missing(finest, opened.levels_folder) < opened.n_missing:  # a job made some
                self._open.forget(lambda other: other == key)
                opened = self._open.get(key, lambda: self._opened(layer, place, now))
        return opened

    def first_wish(self, key: str) -> bool:
        """Return whether nobody in this process has asked yet for the levels of a layer."""
        with self._lock:
            known = key in self._wishes
            self._wishes.add(key)
            return not known

    def _opened(self, layer: Layer, place: Place, now: str) -> OpenLayer:
        finest = open_place(place)
        scales = [Scale(finest, (1, 1, 1))]
        own = own_levels(place, finest)
        folder, n_missing = None, 0
        if own:
            divided = [factors(finest.shape, volume.shape) for volume in own]
            scales += [Scale(v, f) for v, f in zip(own, divided, strict=True) if f is not None]
        else:
            folder = levels.folder_of(self._cache, place, layer.version)
            if place.path is not None and prod(finest.shape) <= levels.AT_ONCE_VOXELS:
                scales += levels.make(place, finest, folder)
            else:
                scales += levels.kept(place, finest, folder)
            n_missing = levels.missing(finest, folder)
        table = equivalences(layer.settings)
        if table is not None and finest.dtype.kind == "u":
            largest = int(table[1].max())
            if largest > np.iinfo(finest.dtype.name).max:
                raise DataError(
                    f"Labels of the layer {layer.name} become {largest}, which does not fit "
                    f"{finest.dtype}. Store it as uint64."
                )
        return OpenLayer(
            layer,
            place,
            now,
            tuple(scales),
            n_missing,
            folder,
            browser_folder(place),
            table,
        )

    def read(self, opened: OpenLayer, number: int, box: Box) -> np.ndarray:
        """Return voxels of one scale as they are served, equivalent labels replaced.

        Args:
            opened: The layer.
            number: Of the scale, 0 the finest.
            box: In voxels of that scale; a chunk, or any other.
        """
        scale = opened.scales[number]
        key = f"{opened.key}:{scale.key}"
        voxels = self.reader.read(key, scale.volume, box)
        return voxels if opened.equivalences is None else relabelled(voxels, *opened.equivalences)


def layers(context: Context) -> Layers:
    """Return the open layers of this process."""
    return context.kept(Layers, lambda state: Layers(state.home.cache))


def browser_folder(place: Place) -> Path | None:
    """Return the folder of a volume that viewers can read from its files, or None.

    They read Zarr, N5 and precomputed, but neither labels stored by emqs's own codec nor a channel
    that was chosen, nor voxels of another size than the files say.
    """
    path = place.path
    if path is None or not path.is_dir():
        return None
    changed = ("level", "axes", "select", "voxel_size_nm")
    if any(place.settings.get(name) for name in changed) or place.settings.get("equivalences"):
        return None
    inner = path / str(place.settings.get("dataset") or "")
    if not any((inner / mark).is_file() for mark in MARKS):
        return None
    for node in (inner / "zarr.json", inner / "0" / "zarr.json"):
        if node.is_file() and b'"emqs.labels"' in node.read_bytes():
            return None
    return inner


def _format(folder: Path) -> str:
    return next(name for mark, name in BROWSER_MARKS.items() if (folder / mark).is_file())


def equivalences(settings: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the labels of a layer that are served as others, or None.

    Args:
        settings: Of the layer; ``equivalences`` maps labels in decimal strings to others.
    """
    table = settings.get("equivalences")
    if not table:
        return None
    pairs = sorted((int(label), int(other)) for label, other in table.items())
    labels = np.array([label for label, _ in pairs], dtype=np.uint64)
    return labels, np.array([other for _, other in pairs], dtype=np.uint64)


def relabelled(labels: np.ndarray, olds: np.ndarray, news: np.ndarray) -> np.ndarray:
    """Return labels with some of them replaced.

    Args:
        labels: Any shape, whole numbers.
        olds: Labels to replace, ascending, uint64.
        news: What each becomes, uint64.

    Returns:
        The same dtype if all fit into it, else uint64.
    """
    wide = labels.astype(np.uint64)
    at = np.minimum(np.searchsorted(olds, wide), len(olds) - 1)
    changed = np.where(olds[at] == wide, news[at], wide)
    fits = labels.dtype.kind == "u" and int(news.max()) <= np.iinfo(labels.dtype).max
    return changed.astype(labels.dtype) if fits else changed


def nearest_scale(scales: Sequence[Scale], nm_per_pixel: float, axes: tuple[int, int]) -> int:
    """Return the number of the coarsest scale that is as fine as a picture along both its axes.

    Args:
        scales: Finest first.
        nm_per_pixel: Of the picture.
        axes: The axes of the volume, 0 to 2, that the picture shows.
    """
    best = 0
    for number, scale in enumerate(scales):
        sizes = [scale.volume.require_voxel_size()[axis] for axis in axes]
        if max(sizes) <= nm_per_pixel * 1.001:
            best = number
    return best
