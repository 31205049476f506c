"""OME-Zarr 0.4 (Zarr 2) and 0.5 (Zarr 3, also sharded), and plain Zarr arrays.

Source:
    https://ngff.openmicroscopy.org/0.4 and /0.5, "multiscales" metadata.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeGuard

from emqs.errors import DataError
from emqs.volumes.axes import Request, Stated, numbers
from emqs.volumes.chunks import Location, open_array
from emqs.volumes.volume import Volume

VERSIONS = ("0.4", "0.5")
ZARR_2 = ({"driver": "zarr"}, ".zarray")
ZARR_3 = ({"driver": "zarr3"}, "zarr.json")


def open_zarr3(location: Location, request: Request) -> Volume:
    """Return a volume of a folder that has ``zarr.json``.

    Raises:
        DataError: If it holds no OME-Zarr image and is no array, or contradicts itself.
        ConfigError: If the level is out of range, or an index must be chosen.
    """
    node = location.read_json("zarr.json") or {}
    attributes = _mapping(node.get("attributes", {}), location, "attributes")
    if node.get("node_type") == "array":
        request.refuse_level(location.name)
        names = node.get("dimension_names")
        return _plain(location, ZARR_3, names, request)
    ome = _mapping(attributes.get("ome", {}), location, "ome")
    return _image(location, ome, ome.get("version"), ZARR_3, request)


def open_zarr2(location: Location, request: Request) -> Volume:
    """Return a volume of a folder that has ``.zattrs``, ``.zgroup`` or ``.zarray``.

    Raises:
        DataError: If it holds no OME-Zarr image and is no array, or contradicts itself.
        ConfigError: If the level is out of range, or an index must be chosen.
    """
    attributes = location.read_json(".zattrs") or {}
    if location.read_json(".zarray") is not None:
        request.refuse_level(location.name)
        return _plain(location, ZARR_2, attributes.get("_ARRAY_DIMENSIONS"), request)
    images = attributes.get("multiscales")
    version = images[0].get("version") if _is_list_of_mappings(images) else None
    return _image(location, attributes, version, ZARR_2, request)


def open_zarr(location: Location, request: Request) -> Volume:
    """Return a volume of a folder that has the metadata of Zarr 3 or Zarr 2, 3 first.

    Raises:
        DataError: If it has neither; as ``open_zarr3`` and ``open_zarr2``.
        ConfigError: As these.
    """
    if location.read_json("zarr.json") is not None:
        return open_zarr3(location, request)
    return open_zarr2(location, request)


def _plain(
    location: Location, kind: tuple[dict[str, Any], str], names: object, request: Request
) -> Volume:
    """Return an array without OME metadata: its axes may have names, but no lengths."""
    named = isinstance(names, list) and all(isinstance(name, str) for name in names)
    stated = Stated(names=names if named else None)  # type: ignore[arg-type]
    return open_array(location, *kind, lambda _: stated, request)


def _image(
    location: Location,
    attributes: dict[str, Any],
    version: object,
    kind: tuple[dict[str, Any], str],
    request: Request,
) -> Volume:
    """Return one resolution level of the first image of a group."""
    images = attributes.get("multiscales")
    if not _is_list_of_mappings(images):
        hint = "It is a plate; give the path of one image in it with dataset=. "
        raise DataError(
            f"{location.name} is a Zarr group without an OME-Zarr image (no 'multiscales'). "
            f"{hint if 'plate' in attributes else ''}If it holds one further inside, give its path "
            "with dataset=, e.g. dataset=0."
        )
    image = images[0]
    if version not in VERSIONS:
        raise DataError(
            f"{location.name} is OME-Zarr of version {version!r}; read are versions "
            f"{' and '.join(VERSIONS)}."
        )
    levels = image.get("datasets")
    axes = image.get("axes")
    if not _is_list_of_mappings(levels) or not _is_list_of_mappings(axes):
        raise DataError(f"{location.name} has damaged OME-Zarr metadata: no 'datasets' or 'axes'.")
    number = request.level_of([str(level.get("path")) for level in levels], location.name)
    level = levels[number]
    scale, translation = _transform(
        [*_steps(level, location), *_steps(image, location)], len(axes), location
    )
    stated = Stated(
        [str(axis.get("name")) for axis in axes],
        scale,
        translation,
        [axis.get("unit") for axis in axes],
    )
    inner = location.inside(str(level.get("path")))
    volume = open_array(inner, *kind, lambda _: stated, request)
    return replace(volume, level=number, n_levels=len(levels))


def _steps(part: dict[str, Any], location: Location) -> list[dict[str, Any]]:
    steps = part.get("coordinateTransformations", [])
    if steps and not _is_list_of_mappings(steps):
        raise DataError(f"{location.name} has damaged 'coordinateTransformations'.")
    return steps


def _transform(
    steps: list[dict[str, Any]], n_axes: int, location: Location
) -> tuple[Sequence[float] | None, Sequence[float]]:
    """Return scale and translation of all steps in order; no scale if no step has one."""
    scale, translation, scaled = [1.0] * n_axes, [0.0] * n_axes, False
    for step in steps:
        kind = step.get("type")
        what = f"The {kind} of {location.name}"
        if kind == "scale":
            factors = numbers(step.get("scale"), n_axes, what)
            scale = [a * b for a, b in zip(scale, factors, strict=True)]
            translation = [a * b for a, b in zip(translation, factors, strict=True)]
            scaled = True
        elif kind == "translation":
            shift = numbers(step.get("translation"), n_axes, what)
            translation = [a + b for a, b in zip(translation, shift, strict=True)]
        elif kind != "identity":
            raise DataError(
                f"{location.name} has a coordinate transformation of type {kind!r}; read are "
                "scale, translation and identity."
            )
    return scale if scaled else None, translation


def _mapping(value: object, location: Location, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{location.name} has damaged metadata: '{what}' is no JSON object.")
    return value


def _is_list_of_mappings(value: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(v, dict) for v in value)
