"""Volumes as the server reads them: images and labels, whatever stores them, box by box.

This is the one place where the server opens volumes.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError
from emqs.volumes import Box, Volume, open_volume

MARKS = ("zarr.json", ".zattrs", ".zarray", ".zgroup", "info", "attributes.json")
MOST_LEVELS = 32
REMOTE = ("http", "https", "s3", "gs")


@dataclass(frozen=True)
class Place:
    """Where a volume lies and how it is read; everything else it says itself.

    Attributes:
        url: Path or URL, with or without its format, e.g. ``"zarr3://https://..."``.
        kind: ``"image"`` or ``"segmentation"``: averaged, or not.
        settings: Values of ``level``, ``dataset``, ``axes``, ``select`` and ``voxel_size_nm`` of
            ``emqs.volumes.open_volume`` that are not its defaults.
    """

    url: str
    kind: str
    settings: Mapping[str, Any]

    @cached_property
    def path(self) -> Path | None:
        """Its file or folder on disk; None if it is on a server."""
        scheme, separator, rest = self.url.partition("://")
        while separator and scheme not in REMOTE:
            scheme, separator, rest = rest.partition("://")
        name = scheme if not separator else rest
        return None if separator else Path(name).expanduser().absolute()

    @cached_property
    def key(self) -> str:
        """A digest of all that decides which voxels are read, for names of what is kept."""
        chosen = {name: self.settings.get(name) for name in SETTINGS}
        text = json.dumps([self.url, self.kind, chosen], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


SETTINGS = ("level", "dataset", "axes", "select", "voxel_size_nm")


def stamp(place: Place) -> str:
    """Return what changes when a source is written again: size, time and number of its files.

    Of a folder the metadata files count, or the folder itself if it holds slices; chunks are not
    looked at. Sources on servers have the stamp ``""``.

    Raises:
        DataError: If it is not there.
    """
    path = place.path
    if path is None:
        return ""
    inner = str(path)
    try:
        statuses = [os.stat(inner)]  # noqa: PTH116 - all of this on every request for a chunk
        dataset = place.settings.get("dataset")
        if stat.S_ISDIR(statuses[0].st_mode):
            if dataset:
                inner = f"{inner}/{dataset}"
                statuses = [os.stat(inner)]  # noqa: PTH116
            statuses = list(_marks(inner)) or statuses
    except OSError:
        raise DataError(f"There is no volume at {path}. Check the path.") from None
    return _digest(tuple((one.st_size, one.st_mtime_ns, one.st_ino) for one in statuses))


def _marks(folder: str) -> Iterator[os.stat_result]:
    """Yield what is known of the metadata files in a folder."""
    for mark in MARKS:
        try:
            status = os.stat(f"{folder}/{mark}")  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            continue
        if stat.S_ISREG(status.st_mode):
            yield status


@lru_cache(maxsize=1024)
def _digest(seen: tuple[tuple[int, int, int], ...]) -> str:
    return hashlib.sha256(repr(list(seen)).encode()).hexdigest()[:16]


def open_place(place: Place, level: int | None = None) -> Volume:
    """Return the volume of a place; only its metadata are read.

    Args:
        place: What is opened.
        level: Resolution level of its own, 0 the finest; None: the level that its settings say.

    Raises:
        DataError: If it is not there, damaged, or of an unknown format.
        ConfigError: If it has no such level, or a setting does not fit.
    """
    settings = {name: place.settings[name] for name in SETTINGS if name in place.settings}
    base = int(settings.pop("level", None) or 0)
    number = base if level is None else base + level
    if number > base:
        settings.pop("voxel_size_nm", None)  # is that of the finest
    if place.kind == "segmentation":
        return _labels(place, settings, number)
    return open_volume(place.url, level=number, **settings)


def own_levels(place: Place, first: Volume) -> list[Volume]:
    """Return the coarser levels that a source brings itself, finer ones first.

    Only levels in which every axis is the first one divided by a whole number count; the rest of a
    pyramid after one that is not is left out.
    """
    levels: list[Volume] = []
    while len(levels) < MOST_LEVELS:
        try:
            coarser = open_place(place, len(levels) + 1)
        except (ConfigError, DataError):
            break  # there are no more, which no format says beforehand
        if factors(first.shape, coarser.shape) is None or coarser.dtype != first.dtype:
            break
        if coarser.shape == (levels[-1] if levels else first).shape:
            break
        levels.append(coarser)
    return levels


def factors(
    fine: tuple[int, int, int], coarse: tuple[int, int, int]
) -> tuple[int, int, int] | None:
    """Return by which whole numbers Z Y X were divided, rounded up; None if by none."""
    result = []
    for a, b in zip(fine, coarse, strict=True):
        factor = next((f for f in (1 << n for n in range(40)) if -(-a // f) == b), None)
        if factor is None:
            return None
        result.append(factor)
    return result[0], result[1], result[2]


def _labels(place: Place, settings: dict[str, Any], level: int) -> Volume:
    """Return a volume of labels: as an image of whole numbers, or from a store of labels."""
    path = place.path
    if path is None or not _is_label_store(path):
        volume = open_volume(place.url, level=level, **settings)
        if volume.dtype.kind not in "ui":
            raise DataError(
                f"{place.url} holds {volume.dtype}; a segmentation is of whole numbers. Add it as "
                "an image."
            )
        return volume
    return _stored_labels(path, settings, level)


def _is_label_store(path: Path) -> bool:
    """Return whether only the Zarr codec of emqs can read a folder or file, or it is no image."""
    if path.is_file():
        return path.suffix.lower() not in (".h5", ".hdf5", ".hdf", ".tif", ".tiff")
    nodes = [path / "zarr.json", path / "0" / "zarr.json"]
    return any(node.is_file() and b'"emqs.labels"' in node.read_bytes() for node in nodes)


def _stored_labels(path: Path, settings: dict[str, Any], level: int) -> Volume:
    """Return a volume of labels that a library in another process decodes, as whole numbers."""
    from emqs.volumes.axes import Request
    from emqs.volumes.isolated import open_labels_isolated

    size, axes = settings.get("voxel_size_nm"), settings.get("axes")
    request = Request(
        level=level,
        dataset=settings.get("dataset"),
        axes=None if axes is None else tuple(axes),
        voxel_size_nm=None if size is None else (float(size[0]), float(size[1]), float(size[2])),
        labels=True,
    )
    volume = open_labels_isolated(path, request)
    volume.require_voxel_size()
    if volume.dtype.kind != "b":
        return volume
    return replace(volume, dtype=np.dtype(np.uint8), reader=_Bytes(volume))


@dataclass(frozen=True, eq=False)
class _Bytes:
    """A reader of true and false as one and zero."""

    volume: Volume

    def read(self, box: Box) -> np.ndarray:
        """Return the labels of a box."""
        return self.volume.read(box).astype(np.uint8)
