"""Saves layers of napari: labels with emqs's label codec, images as OME-Zarr."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import DataError
from emqs.geometry import Lengths
from emqs.napari.lazy_array import LazyArray
from emqs.volumes.axes import unit_nm

CHUNKS = (16, 128, 128)  # of an image that is saved


def write_image(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:  # noqa: ANN401
    """Write an image layer as OME-Zarr 0.5; napari calls this.

    Args:
        path: Folder to make, ``NAME.zarr``; must not exist.
        data: The voxels, ``(Z, Y, X)`` or ``(Y, X)``; of several resolutions the finest is written.
        attributes: Of the layer: ``scale``, ``translate`` and ``units`` say where it lies.

    Returns:
        What was written.

    Raises:
        DataError: If it is no image of two or three axes, or cannot be written.
        ConfigError: If the folder exists.
    """
    from emqs.volumes import from_array, write_ome_zarr

    array = _three(data, attributes, path)
    size, origin = _placed(attributes, array.ndim)
    if isinstance(array, LazyArray):
        volume = array.volume
    else:
        volume = from_array(np.asarray(array), size, origin_nm=origin, name=_name(attributes))
    write_ome_zarr(Path(path), volume, size, CHUNKS, origin_nm=origin)
    return [path]


def write_labels(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:  # noqa: ANN401
    """Write a labels layer as OME-Zarr with smaller copies and the label codec; napari calls this.

    Args:
        path: Folder to make, ``NAME.zarr``; must not exist.
        data: The labels, ``(Z, Y, X)`` or ``(Y, X)``.
        attributes: As of ``write_image``.

    Returns:
        What was written.

    Raises:
        DataError: If the folder exists, or it cannot be written.
    """
    from emqs.volumes.zarr_labels import write_labels as write

    array = _three(data, attributes, path)
    size, origin = _placed(attributes, array.ndim)
    write(path, array, voxel_size_nm=size, origin_nm=origin if size else None)
    return [path]


def _name(attributes: dict[str, Any]) -> str:
    return str(attributes.get("name") or "the layer")


def _three(data: Any, attributes: dict[str, Any], path: str) -> Any:  # noqa: ANN401
    """Return the voxels of a layer along Z Y X, of the finest resolution."""
    is_several = isinstance(data, Sequence) or type(data).__name__ == "MultiScaleData"
    array = data[0] if is_several else data
    if array.ndim == 2:
        array = np.asarray(array)[None]
    if array.ndim != 3 or attributes.get("rgb"):
        what = "colours" if attributes.get("rgb") else f"{array.ndim} axes"
        raise DataError(
            f"{_name(attributes)} has {what}; {path} is written of grey layers with the axes Z Y X "
            "or Y X. Split or convert the layer first."
        )
    return array


def _placed(attributes: dict[str, Any], n_axes: int) -> tuple[Lengths | None, Lengths | None]:
    """Return voxel size and origin in nm; None where the layer's units are no lengths."""
    scale, units = attributes.get("scale"), attributes.get("units")
    if scale is None or units is None or len(scale) != n_axes or isinstance(units, str):
        return None, None
    lengths = [unit_nm(str(unit)) for unit in units]
    if any(length is None for length in lengths):
        return None, None
    shift = attributes.get("translate")
    shift = [0.0] * n_axes if shift is None else shift
    z, y, x = (float(s) * (n or 0.0) for s, n in zip(scale, lengths, strict=True))
    origin = tuple(float(s) * (n or 0.0) for s, n in zip(shift, lengths, strict=True))
    return (z, y, x), (origin[0], origin[1], origin[2])
