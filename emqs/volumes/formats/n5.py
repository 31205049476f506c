"""N5 datasets and multi-scale groups, which list their axes X first.

Source:
    https://github.com/saalfeldlab/n5 (attributes.json); scale, unit and downsampling attributes as
    n5-viewer, Paintera and the COSEM/OpenOrganelle volumes write them.
"""

from dataclasses import replace
from typing import Any

from emqs.errors import ConfigError, DataError
from emqs.volumes.axes import Request, Stated, numbers
from emqs.volumes.chunks import Location, open_array
from emqs.volumes.volume import Volume

DRIVER = {"driver": "n5"}
METADATA = "attributes.json"


def open_n5(location: Location, request: Request) -> Volume:
    """Return a volume of an N5 dataset, or of one level of a multi-scale group.

    Raises:
        DataError: If there is neither, or its axes or voxel size are not known.
        ConfigError: If the level is out of range, or an index must be chosen.
    """
    attributes = location.read_json(METADATA) or {}
    if "dimensions" in attributes:
        request.refuse_level(location.name)
        return _dataset(location, attributes, {}, request)
    path, number, n_levels = _level_path(attributes, request, location)
    inner = location.inside(path)
    own = inner.read_json(METADATA)
    if own is None or "dimensions" not in own:
        raise ConfigError(
            f"{location.name} is an N5 group, and there is no array '{path}' in it for "
            f"level={request.level}. Give the path of a dataset or of a multi-scale group with "
            "dataset=, or another level."
        )
    volume = _dataset(inner, own, attributes, request, number)
    return replace(volume, level=number, n_levels=n_levels)


def _level_path(
    attributes: dict[str, Any], request: Request, location: Location
) -> tuple[str, int, int]:
    """Return where a group keeps one of its levels: as it says, else ``s0``, ``s1``, ...

    Returns:
        The path, the number of the level, and how many there are as far as it is known.
    """
    levels = _levels(attributes)
    if levels is None:
        name = str(request.level).removeprefix("s")
        number = int(name) if name.isdecimal() else 0
        return f"s{name}", number, number + 1
    paths = [str(level.get("path")) for level in levels]
    number = request.level_of(paths, location.name)
    return paths[number], number, len(paths)


def _levels(attributes: dict[str, Any]) -> list[dict[str, Any]] | None:
    images = attributes.get("multiscales")
    if not isinstance(images, list) or not images or not isinstance(images[0], dict):
        return None
    levels = images[0].get("datasets")
    if not isinstance(levels, list) or not all(isinstance(level, dict) for level in levels):
        return None
    return levels


def _dataset(
    location: Location,
    own: dict[str, Any],
    group: dict[str, Any],
    request: Request,
    number: int = 0,
) -> Volume:
    def stated(shape: list[int]) -> Stated:
        transform = own.get("transform")
        if transform is None:
            levels = _levels(group)
            transform = levels[number].get("transform") if levels is not None else None
        if isinstance(transform, dict):
            return _from_transform(transform, len(shape), location)
        return _from_resolution(own, group, len(shape), location)

    return open_array(location, DRIVER, METADATA, stated, request)


def _from_transform(transform: dict[str, Any], n_axes: int, location: Location) -> Stated:
    """Return what a COSEM ``transform`` says; it lists axes in C order, the reverse of N5."""
    names, units = transform.get("axes"), transform.get("units")
    what = f"The 'transform' of {location.name}"
    for value in (names, units):
        if not isinstance(value, list) or len(value) != n_axes:
            raise DataError(f"{what} must list one axis and one unit for each of {n_axes} axes.")
    scale = numbers(transform.get("scale"), n_axes, what)
    translate = numbers(transform.get("translate", [0.0] * n_axes), n_axes, what)
    return Stated(
        [str(name) for name in names[::-1]],  # type: ignore[index]
        scale[::-1],
        translate[::-1],
        units[::-1],  # type: ignore[index]
    )


def _from_resolution(
    own: dict[str, Any], group: dict[str, Any], n_axes: int, location: Location
) -> Stated:
    """Return what ``resolution`` or ``pixelResolution`` says, times ``downsamplingFactors``."""
    names = own.get("axes")
    if not isinstance(names, list):
        names = ["x", "y", "z"] if n_axes == 3 else None
    names = [str(name) for name in names] if names is not None else None
    attributes = {**group, **own}
    units = attributes.get("units")
    resolution = attributes.get("pixelResolution", attributes.get("resolution"))
    if isinstance(resolution, dict):
        units = [resolution.get("unit")] * n_axes
        resolution = resolution.get("dimensions")
    if resolution is None:
        return Stated(names)
    scale = _padded(resolution, n_axes, f"The resolution of {location.name}")
    factors = own.get("downsamplingFactors", [])
    factors = _padded(factors, n_axes, f"'downsamplingFactors' of {location.name}")
    units = [*(units if isinstance(units, list) else []), *([None] * n_axes)][:n_axes]
    return Stated(names, [a * b for a, b in zip(scale, factors, strict=True)], None, units)


def _padded(values: object, n_axes: int, what: str) -> list[float]:
    """Return one number per axis; axes after the spatial ones may have none, and get 1."""
    given = values if isinstance(values, list) else [values]
    return [*numbers(given, len(given), what), *([1.0] * n_axes)][:n_axes]
