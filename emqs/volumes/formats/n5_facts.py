"""What attributes of N5 say of axes, voxel size and origin, in every place where they keep it."""

from collections.abc import Mapping, Sequence
from typing import Any

from emqs.errors import DataError
from emqs.volumes.axes import Stated, numbers

_RESOLUTION = ("pixelResolution", "resolution")


def levels(attributes: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the levels that a group lists in ``multiscales``, None if it lists none."""
    images = attributes.get("multiscales")
    if not isinstance(images, list) or not images or not isinstance(images[0], dict):
        return None
    listed = images[0].get("datasets")
    if not isinstance(listed, list) or not all(isinstance(level, dict) for level in listed):
        return None
    return listed or None


def refuse_multisets(
    where: str, own: Mapping[str, Any], groups: Sequence[Mapping[str, Any]]
) -> None:
    """Raise an error if an array holds label multisets, which have several labels per voxel.

    Raises:
        DataError: If it does.
    """
    if any(attributes.get("isLabelMultiset") is True for attributes in (own, *groups[:1])):
        raise DataError(
            f"{where} holds label multisets of Paintera: several labels for each voxel. It is not "
            "damaged, but is no plain volume. Convert it to plain labels first, e.g. with "
            "paintera-conversion-helper --scale ... --winner-takes-all, or choose the dataset of "
            "plain uint64 labels that it was made from."
        )


def stated(
    own: Mapping[str, Any],
    groups: Sequence[Mapping[str, Any]],
    name: str,
    n_axes: int,
    where: str,
) -> Stated:
    """Return what an array and its groups say of its axes.

    A COSEM ``transform`` says all; else ``pixelResolution`` or ``resolution`` of the array or of
    the nearest group that has one, times ``downsamplingFactors`` of the level.

    Args:
        own: Attributes of the array.
        groups: Of the groups that it lies in, the nearest first.
        name: Path of the array in the nearest group.
        n_axes: How many axes the array has.
        where: The source, for messages.

    Raises:
        DataError: If an entry is no list of as many finite numbers.
    """
    transform = own.get("transform")
    if transform is None and groups:
        listed = levels(groups[0]) or []
        mine = [level for level in listed if str(level.get("path")) == name]
        transform = mine[0].get("transform") if mine else None
        if transform is None and mine and "coordinateTransformations" in mine[0]:
            return _of_ome(groups[0], where, name)
    if isinstance(transform, dict):
        return _of_transform(transform, n_axes, where)
    return _of_resolution(own, groups, name, n_axes, where)


def _of_ome(group: Mapping[str, Any], where: str, name: str) -> Stated:
    """Return what OME metadata in N5 say; they list axes in C order, the reverse of N5."""
    from emqs.volumes import ome

    image = ome.read_image(group, None, where)
    said = image.stated([level.path for level in image.levels].index(name))
    return Stated(
        None if said.names is None else said.names[::-1],
        None if said.scale is None else said.scale[::-1],
        None if said.translation is None else said.translation[::-1],
        None if said.units is None else said.units[::-1],
        said.channels,
    )


def _of_transform(transform: Mapping[str, Any], n_axes: int, where: str) -> Stated:
    """Return what a COSEM ``transform`` says; it lists axes in C order, the reverse of N5."""
    what = f"The 'transform' of {where}"
    lists = {}
    for key in ("axes", "units"):
        value = transform.get(key)
        if not isinstance(value, list) or len(value) != n_axes:
            raise DataError(f"{what} must list one axis and one unit for each of {n_axes} axes.")
        lists[key] = value[::-1]
    scale = numbers(transform.get("scale"), n_axes, what)
    shift = transform.get("translate")
    return Stated(
        [str(axis) for axis in lists["axes"]],
        scale[::-1],
        None if shift is None else numbers(shift, n_axes, what)[::-1],
        lists["units"],
    )


def _of_resolution(
    own: Mapping[str, Any],
    groups: Sequence[Mapping[str, Any]],
    name: str,
    n_axes: int,
    where: str,
) -> Stated:
    """Return what ``pixelResolution`` or ``resolution`` says, times ``downsamplingFactors``."""
    names = own.get("axes")
    if not isinstance(names, list):
        names = ["x", "y", "z"] if n_axes == 3 else None
    names = [str(axis) for axis in names] if names is not None else None
    near = _with_resolution([own, *groups])
    if near is None:
        return Stated(names)
    resolution = next(near[key] for key in _RESOLUTION if near.get(key) is not None)
    units = near.get("units", near.get("unit"))
    if isinstance(resolution, dict):
        units = resolution.get("unit", units)
        resolution = resolution.get("dimensions")
    if resolution is None:
        return Stated(names)
    scale = _padded(resolution, n_axes, 1.0, f"The resolution of {where}")
    factors = downsampling(own, groups, name, n_axes, where)
    offset = next((part["offset"] for part in (own, near) if "offset" in part), None)
    units = [units] * n_axes if isinstance(units, str) else units
    return Stated(
        names,
        [a * b for a, b in zip(scale, factors, strict=True)],
        None if offset is None else _padded(offset, n_axes, 0.0, f"'offset' of {where}"),
        [*units, *[None] * n_axes][:n_axes] if isinstance(units, list) else None,
    )


def _with_resolution(parts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the first attributes that state a resolution, None if none do."""
    for part in parts:
        if any(part.get(key) is not None for key in _RESOLUTION):
            return part
    return None


def downsampling(
    own: Mapping[str, Any],
    groups: Sequence[Mapping[str, Any]],
    name: str,
    n_axes: int,
    where: str,
) -> list[float]:
    """Return by what a level is downsampled along each axis, X first; 1 where nobody says.

    Arguments are those of ``stated``.

    Raises:
        DataError: If they are no numbers above 0.
    """
    factors = _padded(_factors(own, groups, name), n_axes, 1.0, f"'downsamplingFactors' of {where}")
    if any(factor <= 0 for factor in factors):
        raise DataError(f"'downsamplingFactors' of {where} must be above 0, got {factors}.")
    return factors


def _factors(own: Mapping[str, Any], groups: Sequence[Mapping[str, Any]], name: str) -> object:
    """Return by what a level is downsampled, X first; an empty list if nobody says.

    The array says it, or a group lists it for all levels: ``downsamplingFactors`` of
    BigDataViewer, ``scales`` of n5-viewer.
    """
    factors = own.get("downsamplingFactors")
    if factors is not None:
        return factors
    number = name.removeprefix("s")
    for part in groups:
        for key in ("downsamplingFactors", "scales"):
            listed = part.get(key)
            if not isinstance(listed, list) or not listed:
                continue
            if not any(isinstance(factor, list) for factor in listed):
                return listed
            if number.isdecimal() and int(number) < len(listed):
                return listed[int(number)]
    return []


def _padded(values: object, n_axes: int, rest: float, what: str) -> list[float]:
    """Return one number per axis; axes after the spatial ones may have none, and get ``rest``."""
    given = values if isinstance(values, list) else [values]
    return [*numbers(given, len(given), what), *([rest] * n_axes)][:n_axes]
