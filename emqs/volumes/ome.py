"""Metadata of OME-Zarr images ("multiscales"), read and written in this one place.

A voxel size that nobody knows is written as the scale that the specification demands, 1, and
without a unit on any axis; it is read back as unknown. A position needs that unit too, so it is
left out with it.

Source:
    https://ngff.openmicroscopy.org/0.4 and /0.5, "multiscales" metadata.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from emqs.errors import DataError
from emqs.volumes.axes import Request, Stated, numbers

VERSIONS = ("0.4", "0.5")
_KINDS = {"t": "time", "c": "channel"}
_MAX_LEVELS = 64  # a side of 2**63 voxels is halved as often


@dataclass(frozen=True)
class Level:
    """One resolution of an image.

    Attributes:
        path: Of its array, in the group.
        scale: Distances between voxels along every axis; None if not stated.
        translation: Position of the first voxel along every axis; None if not stated.
    """

    path: str
    scale: tuple[float, ...] | None = None
    translation: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Image:
    """What a group says of its first image.

    Attributes:
        names: Of the axes, in stored order.
        units: Of the axes, as stored; None where there is none.
        levels: The finest first.
        channels: Labels of the channels for viewers ("omero"), in order; may be empty.
    """

    names: tuple[str, ...]
    units: tuple[object, ...]
    levels: tuple[Level, ...]
    channels: tuple[str, ...] = ()

    def number(self, request: Request, where: str) -> int:
        """Return the number of the level that is asked for.

        Raises:
            ConfigError: If there is no such level.
        """
        return request.level_of([level.path for level in self.levels], where)

    def stated(self, number: int) -> Stated:
        """Return what is said of the axes of one level."""
        level = self.levels[number]
        return Stated(self.names, level.scale, level.translation, self.units, self.channels)


def read_image(attributes: Mapping[str, Any], version: object, where: str) -> Image:
    """Return what the metadata of a group say of its first image.

    Args:
        attributes: Of the group (0.4), or the entry ``ome`` of them (0.5).
        version: That they state; None if they state none.
        where: The source, for messages.

    Raises:
        DataError: If there is no image, the version is not read, or they contradict themselves.
    """
    images = attributes.get("multiscales")
    if not is_list_of_mappings(images):
        raise DataError(
            f"{where} is a Zarr group without an OME-Zarr image (no 'multiscales')."
            f"{_hint(attributes)} If it holds one further inside, give its path with dataset=, "
            "e.g. dataset=0."
        )
    image = images[0]
    if version is not None and version not in VERSIONS:
        raise DataError(
            f"{where} is OME-Zarr of version {version!r}; read are versions "
            f"{' and '.join(VERSIONS)}."
        )
    levels, axes = image.get("datasets"), image.get("axes")
    if not is_list_of_mappings(levels) or not is_list_of_mappings(axes):
        raise DataError(f"{where} has damaged OME-Zarr metadata: no 'datasets' or 'axes'.")
    if len(levels) > _MAX_LEVELS:
        raise DataError(f"{where} has damaged OME-Zarr metadata: {len(levels)} levels.")
    own = _steps(image, where)
    return Image(
        names=tuple(str(axis.get("name")) for axis in axes),
        units=tuple(axis.get("unit") for axis in axes),
        levels=tuple(
            Level(
                str(level.get("path")),
                *_transform([*_steps(level, where), *own], len(axes), where),
            )
            for level in levels
        ),
        channels=_channels(attributes),
    )


def multiscale(
    name: str, axes: str, levels: Sequence[Level], *, has_size: bool = True, kind: str | None = None
) -> dict[str, Any]:
    """Return the description of an image, an entry of ``multiscales``.

    Args:
        name: Of the image.
        axes: A letter of ``tczyx`` for each.
        levels: The finest first; their scale is along all axes, in nm along Z Y X.
        has_size: Whether the voxel size is known; if not, no unit and no position is stated.
        kind: How levels were made, e.g. ``"mode"``.
    """
    unit = {"unit": "nanometer"} if has_size else {}
    described: dict[str, Any] = {
        "name": name,
        "axes": [
            {"name": axis, "type": _KINDS[axis]}
            if axis in _KINDS
            else {"name": axis, "type": "space", **unit}
            for axis in axes
        ],
        "datasets": [_level(level, len(axes), has_size) for level in levels],
    }
    return described if kind is None else {**described, "type": kind}


def attributes_of(
    image: Mapping[str, Any], version: str = "0.5", *, is_label: bool = False
) -> dict[str, Any]:
    """Return the attributes of a group that holds an image.

    Args:
        image: Of ``multiscale``.
        version: ``"0.4"`` or ``"0.5"``.
        is_label: Whether its voxels are labels.
    """
    label = {"image-label": {"version": version}} if is_label else {}
    if version == "0.5":
        return {"ome": {"version": version, "multiscales": [dict(image)], **label}}
    return {"multiscales": [{"version": version, **image}], **label}


def is_list_of_mappings(value: object) -> TypeGuard[list[dict[str, Any]]]:
    """Return whether a value of JSON is a list of one or more objects."""
    return isinstance(value, list) and len(value) > 0 and all(isinstance(v, dict) for v in value)


def _level(level: Level, n_axes: int, has_size: bool) -> dict[str, Any]:
    scale = [1.0] * n_axes if level.scale is None else list(level.scale)
    steps: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
    if has_size and level.translation is not None and any(level.translation):
        steps.append({"type": "translation", "translation": list(level.translation)})
    return {"path": level.path, "coordinateTransformations": steps}


def _hint(attributes: Mapping[str, Any]) -> str:
    """Return what else a group may be."""
    if "plate" in attributes:
        return " It is a plate; give the path of one image in it with dataset=."
    labels = attributes.get("labels")
    if isinstance(labels, list) and labels:
        listed = ", ".join(str(name)[:40] for name in labels[:8])
        return f" It lists the label images {listed}."
    return ""


def _channels(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    omero = attributes.get("omero")
    channels = omero.get("channels") if isinstance(omero, dict) else None
    if not is_list_of_mappings(channels):
        return ()
    return tuple(str(channel.get("label", number)) for number, channel in enumerate(channels))


def _steps(part: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    steps = part.get("coordinateTransformations", [])
    if steps and not is_list_of_mappings(steps):
        raise DataError(f"{where} has damaged 'coordinateTransformations'.")
    return list(steps)


def _transform(
    steps: Sequence[Mapping[str, Any]], n_axes: int, where: str
) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Return scale and translation of all steps in order; None for what no step states."""
    scale, shift = [1.0] * n_axes, [0.0] * n_axes
    kinds = {step.get("type") for step in steps}
    for step in steps:
        kind = step.get("type")
        what = f"The {kind} of {where}"
        if kind == "scale":
            factors = numbers(step.get("scale"), n_axes, what)
            scale = [a * b for a, b in zip(scale, factors, strict=True)]
            shift = [a * b for a, b in zip(shift, factors, strict=True)]
        elif kind == "translation":
            added = numbers(step.get("translation"), n_axes, what)
            shift = [a + b for a, b in zip(shift, added, strict=True)]
        elif kind != "identity":
            raise DataError(
                f"{where} has a coordinate transformation of type {kind!r}; read are scale, "
                "translation and identity."
            )
    return (
        tuple(scale) if "scale" in kinds else None,
        tuple(shift) if "translation" in kinds else None,
    )
