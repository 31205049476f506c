"""N5 datasets and multi-scale groups, which list their axes X first.

Source:
    https://github.com/saalfeldlab/n5 (attributes.json); scale, unit and downsampling attributes as
    n5-viewer, Paintera, BigDataViewer and the COSEM/OpenOrganelle volumes write them.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from emqs.errors import ConfigError
from emqs.geometry import Box
from emqs.volumes import stored
from emqs.volumes.axes import Axes, Request, Stated
from emqs.volumes.chunks import Location, locate, open_array
from emqs.volumes.formats import bdv, n5_facts
from emqs.volumes.label_answers import PlainAnswers
from emqs.volumes.volume import Volume

DRIVER = {"driver": "n5"}
METADATA = "attributes.json"
_N_AXES = 3  # of arrays of BigDataViewer
_DEPTH = 6  # of groups that are looked into for datasets
_MOST = 1000  # groups that are looked into


def open_n5(location: Location, request: Request, xml: Path | None = None) -> Volume:
    """Return a volume of an N5 dataset, or of one level of a multi-scale group.

    Args:
        location: Its folder, or one that holds a single one.
        request: What the user says.
        xml: Of BigDataViewer, which says the voxel size; None to look for it beside the folder.

    Raises:
        DataError: If there is neither, it holds label multisets, or its axes are not known.
        ConfigError: If the level is out of range, there are several datasets, or an index must be
            chosen.
    """
    attributes = location.read_json(METADATA) or {}
    if "dimensions" in attributes:
        request.refuse_level(location.name)
        return _dataset(location, attributes, _groups(location), request, xml=xml)
    if _is_group_of_levels(location, attributes):
        return _level(location, attributes, request, xml)
    if isinstance(attributes.get("painteraData"), dict):
        return open_n5(location.inside("data"), request, xml)
    if location.path is not None:
        return open_n5(location.inside(_only(location, request)), request, xml)
    raise ConfigError(
        f"{location.name} is an N5 group, and there is no array 's{request.level}' in it for "
        f"level={request.level}. Give the path of a dataset or of a multi-scale group with "
        "dataset=, or another level."
    )


def _is_group_of_levels(location: Location, attributes: Mapping[str, Any]) -> bool:
    if n5_facts.levels(attributes) is not None:
        return True
    own = location.inside("s0").read_json(METADATA)
    return own is not None and "dimensions" in own


def _level(
    location: Location, attributes: dict[str, Any], request: Request, xml: Path | None
) -> Volume:
    """Return one level of a group: where the group says it is, else ``s0``, ``s1``, ..."""
    levels = n5_facts.levels(attributes)
    if levels is None:
        paths = _numbered(location)
        name = str(request.level).removeprefix("s")
        number = int(name) if name.isdecimal() else 0
        path, n_levels = f"s{name}", max(len(paths), number + 1)
    else:
        paths = [str(level.get("path")) for level in levels]
        number = request.level_of(paths, location.name)
        path, n_levels = paths[number], len(paths)
    inner = location.inside(path)
    own = inner.read_json(METADATA)
    if own is None or "dimensions" not in own:
        raise ConfigError(
            f"{location.name} is an N5 group, and there is no array '{path}' in it for "
            f"level={request.level}. Give the path of a dataset or of a multi-scale group with "
            f"dataset=, or another level{f' ({chr(44).join(paths)})' if paths else ''}."
        )
    groups = [attributes, *_groups(location)]
    volume = _dataset(inner, own, groups, request, path, xml)
    return replace(volume, path=location.source, level=number, n_levels=n_levels)


def _numbered(location: Location) -> list[str]:
    """Return the names ``s0``, ``s1``, ... of a group on disk, as far as they go."""
    names: list[str] = []
    if location.path is not None:
        while (location.path / f"s{len(names)}" / METADATA).is_file():
            names.append(f"s{len(names)}")
    return names


def _groups(location: Location) -> list[dict[str, Any]]:
    """Return the attributes of the groups that a folder lies in, the nearest first."""
    outer, result = location.outer, []
    while outer is not None:
        result.append(outer.read_json(METADATA) or {})
        outer = outer.outer
    if not result and location.path is not None:  # opened by its own path
        result.append(locate(str(location.path.parent)).read_json(METADATA) or {})
    return result


def _dataset(
    location: Location,
    own: dict[str, Any],
    groups: list[dict[str, Any]],
    request: Request,
    path: str | None = None,
    xml: Path | None = None,
) -> Volume:
    """Return the volume of an array.

    Args:
        location: Its folder.
        own: Its attributes.
        groups: Attributes of the groups that it lies in, the nearest first.
        request: What the user says.
        path: Of the array in the nearest group; None for its name.
        xml: Of BigDataViewer; None to look for it beside the folder.
    """
    n5_facts.refuse_multisets(location.name, own, groups)
    name = location.name.rstrip("/").rpartition("/")[2] if path is None else path

    described = None
    if location.path is not None and len(own["dimensions"]) == _N_AXES:
        factors = n5_facts.downsampling(own, groups, name, _N_AXES, location.name)
        described = bdv.of_n5(location.path, xml, factors)

    def stated(shape: list[int]) -> Stated:
        if described is not None:
            return described[0]
        return n5_facts.stated(own, groups, name, len(shape), location.name)

    if stored.style_of(location, {"/": r"\d+(/\d+)*"}) is None:
        raise stored.no_chunks(location, "0/0/0")
    volume = open_array(
        location, DRIVER, METADATA, stated, request, lambda axes: _answers(location, own, axes)
    )
    if described is not None and described[1]:
        volume = replace(volume, notes=(described[1], *volume.notes))
    return volume


@dataclass(frozen=True, eq=False)
class N5Answers(PlainAnswers):
    """Where blocks are stored."""

    location: Location = field(kw_only=True, repr=False)
    sizes: tuple[int, ...] = field(kw_only=True)
    axes: Axes = field(kw_only=True)

    def place(self, box: Box) -> str:
        """Return the file of a block."""
        numbers_of = [self.axes.fixed.get(axis, 0) // size for axis, size in enumerate(self.sizes)]
        for axis, start in zip(self.axes.spatial, box.start, strict=True):
            if axis is not None:
                numbers_of[axis] = start // self.sizes[axis]
        key = "/".join(str(number) for number in numbers_of)
        path = self.location.path
        return f"{self.location.name}/{key}" if path is None else str(path / key)


def _answers(location: Location, own: Mapping[str, Any], axes: Axes) -> N5Answers:
    compression = own.get("compression")
    kind = compression.get("type") if isinstance(compression, dict) else compression
    sizes = tuple(int(size) for size in own["blockSize"])
    return N5Answers(
        location.name, "the CRC-32 of gzip" if kind == "gzip" else "",
        location=location, sizes=sizes, axes=axes,
    )  # fmt: skip


def _only(location: Location, request: Request) -> str:
    """Return the path of the one dataset, or multi-scale group, in a container on disk.

    Raises:
        ConfigError: If there is none, or several.
    """
    assert location.path is not None  # noqa: S101 (for the type checker)
    listed = list(_inside(location.path))
    if len(listed) != 1:
        names = ", ".join(listed[:8]) or "none"
        raise ConfigError(
            f"{location.name} is an N5 group, and there is no array 's{request.level}' in it for "
            f"level={request.level}. It holds {len(listed)} datasets: {names}. Choose one with "
            f"{request.prefix}dataset=NAME."
        )
    return listed[0]


def _inside(top: Path) -> Iterator[str]:
    """Yield the paths of datasets and multi-scale groups in a folder on disk."""
    queue, n_seen = [(top, 0)], 0
    while queue and n_seen < _MOST:
        folder, depth = queue.pop(0)
        n_seen += 1
        is_group = (folder / "s0" / METADATA).is_file()
        if folder != top and (is_group or _is_dataset(folder)):
            yield folder.relative_to(top).as_posix()
        elif depth < _DEPTH:
            with os.scandir(folder) as entries:
                inner = sorted(entry.name for entry in entries if entry.is_dir())
            queue += [(folder / name, depth + 1) for name in inner[:_MOST]]


def _is_dataset(folder: Path) -> bool:
    file = folder / METADATA
    return file.is_file() and '"dimensions"' in file.read_text("utf-8", errors="replace")[:65536]
