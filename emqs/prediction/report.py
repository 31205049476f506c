"""The tables of a prediction: objects of all classes, and segments of other layers."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from emqs.geometry import Box, Lengths
from emqs.prediction.found import Objects
from emqs.prediction.joined import Overlaps, Surfaces, nearest, overlaps
from emqs.prediction.predict import LABELS, Predicted
from emqs.volumes import Volume, open_volume

Table = dict[str, list[Any]]


def boxes_of(objects: Objects, region: Box) -> dict[int, Box]:
    """Return the box of each object by its label, in voxels of the region."""
    corners = [
        np.stack([objects.columns[f"{axis}_{end}"] for axis in "zyx"], axis=1).tolist()
        if len(objects)
        else []
        for end in ("first", "last")
    ]
    back = tuple(-a for a in region.start)
    return {
        int(label): Box(tuple(first), tuple(b + 1 for b in last)).moved(back)
        for label, first, last in zip(objects.columns["label"].tolist(), *corners, strict=True)
    }


def tables_of(
    made: Predicted, size_nm: Lengths, layers: Mapping[str, Volume]
) -> tuple[Table, dict[str, Table]]:
    """Return the table of objects, and one of segments for each layer.

    Args:
        made: Has objects.
        size_nm: Edges of a voxel, Z Y X.
        layers: Labels of the whole volume, by name.

    Returns:
        Columns of objects.csv, with a column ``class`` where there are several; and, by the name of
        a layer, those of ``segments_NAME.csv``.

    Raises:
        ConfigError: If a layer does not cover the region.
        DataError: If a layer or the labels cannot be read.
    """
    if made.objects is None:
        raise RuntimeError("a new prediction has objects")
    rows: Table = {}
    shared: dict[str, dict[str, Overlaps]] = {name: {} for name in layers}
    with ExitStack() as stack:
        surfaces = {
            name: Surfaces(
                stack.enter_context(open_volume(made.image_of(name) / LABELS)),
                boxes_of(objects, made.region),
            )
            for name, objects in made.objects.items()
        }
        for name, objects in made.objects.items():
            columns: Table = {key: values.tolist() for key, values in objects.columns.items()}
            if len(made.objects) > 1:
                columns = {"class": [name] * len(objects), **columns}
                columns |= _nearest(name, surfaces, size_nm)
            for layer, volume in layers.items():
                found = overlaps(surfaces[name].labels, volume, made.region)
                shared[layer][name] = found
                columns |= found.columns(columns["label"], layer)
            rows = {key: rows.get(key, []) + values for key, values in columns.items()}
    return rows, {layer: _segments(found, made.objects) for layer, found in shared.items()}


def _nearest(name: str, surfaces: Mapping[str, Surfaces], size_nm: Lengths) -> Table:
    """Return the columns that say which object of another class is nearest, and how far off."""
    others = {key: one for key, one in surfaces.items() if key != name}
    near = nearest(surfaces[name], others, size_nm)
    rows = [near.get(label, ("", "", "")) for label in surfaces[name].boxes]
    return {
        "nearest_class": [row[0] for row in rows],
        "nearest_label": [row[1] for row in rows],
        "nearest_nm": [row[2] if row[2] == "" else round(float(row[2]), 2) for row in rows],
    }


def _segments(found: Mapping[str, Overlaps], objects: Mapping[str, Objects]) -> Table:
    """Return the segments of a layer, those of each class one after the other."""
    rows: Table = {}
    for name, one in found.items():
        columns = objects[name].columns
        volumes = dict(zip(columns["label"].tolist(), columns["volume_nm3"].tolist(), strict=True))
        table = one.segments(volumes)
        if len(found) > 1:
            table = {"class": [name] * len(table["segment"]), **table}
        rows = {key: rows.get(key, []) + values for key, values in table.items()}
    return rows
