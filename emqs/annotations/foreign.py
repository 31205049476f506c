"""Annotations of other programs: neuroglancer, DVID and napari, read and written.

neuroglancer counts as emqs does: voxel i spans i to i + 1, only X comes first. DVID names whole
voxels, which become their centres. napari puts whole numbers to the centres of voxels.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from emqs.annotations.records import Annotation, Frame
from emqs.annotations.sheets import csv_line
from emqs.errors import DataError
from emqs.files import plain

NM = {"m": 1e9, "mm": 1e6, "um": 1e3, "µm": 1e3, "μm": 1e3, "nm": 1.0, "pm": 1e-3}
TYPES = {
    "point": ("point",),
    "line": ("pointA", "pointB"),
    "ellipsoid": ("center",),
    "axis_aligned_bounding_box": ("pointA", "pointB"),
}
KINDS = {
    "point": "point",
    "line": "line",
    "ellipsoid": "sphere",
    "axis_aligned_bounding_box": "box",
}
TITLE = 400  # characters
NAPARI_AXES = ("axis-0", "axis-1", "axis-2")


# --- neuroglancer --------------------------------------------------------------------------------


def state_of_link(link: str) -> Any:  # noqa: ANN401 - JSON
    """Return the state that a link of neuroglancer holds after ``#!``.

    Raises:
        DataError: If it holds none, or only the address of one.
    """
    _, sign, spelled = link.strip().partition("#!")
    spelled = unquote(spelled)
    if not sign or not spelled.lstrip().startswith("{"):
        raise DataError(
            "The link holds no state of neuroglancer after #!; if it names the address of a state, "
            "download that and give its JSON."
        )
    return parsed_json(spelled, "The state in the link")


def parsed_json(text: str, what: str) -> Any:  # noqa: ANN401 - JSON
    """Return what a JSON text says.

    Raises:
        DataError: If it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{what} is no JSON: {error}.") from None


def neuroglancer_annotations(content: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - JSON
    """Return the local annotations of a state, a layer or a list, each with its axes.

    The axes are those of neuroglancer, e.g. ``{"x": [4e-9, "m"], ...}``, or None if not given.

    Raises:
        DataError: If there is no layer with annotations.
    """
    if isinstance(content, list):
        return [(one, None) for one in content]
    layers = content.get("layers")
    if layers is None:
        layers = [content]
    axes = content.get("dimensions")
    pairs, seen = [], False
    for layer in layers if isinstance(layers, list) else []:
        listed = layer.get("annotations") if isinstance(layer, Mapping) else None
        if isinstance(listed, list):
            seen = True
            pairs += [(one, _axes_of(layer) or axes) for one in listed]
    if not seen:
        raise DataError("The state of neuroglancer has no layer with local annotations.")
    return pairs


def _axes_of(layer: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    source = layer.get("source")
    source = source[0] if isinstance(source, list) and source else source
    transform = source.get("transform") if isinstance(source, Mapping) else None
    return transform.get("outputDimensions") if isinstance(transform, Mapping) else None


def from_neuroglancer(one: Any, axes: Any, frame: Frame) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a local annotation of neuroglancer as ``batches.write`` takes it.

    Raises:
        DataError: If it is none, or its place cannot be found in the dataset.
    """
    kind = one.get("type") if isinstance(one, Mapping) else None
    if kind not in TYPES:
        raise DataError(f"type must be one of {', '.join(TYPES)}, got {str(kind)[:50]!r}.")
    order, scale = _axes(axes, frame)
    row: dict[str, Any] = {
        "kind": KINDS[kind],
        "points": [_moved(one.get(name), name, order, scale) for name in TYPES[kind]],
    }
    if kind == "ellipsoid":
        row["radius_nm"] = _radius_nm(_moved(one.get("radii"), "radii", order, scale), frame)
    return (
        row | _title_and_text(one.get("description")) | _foreign_key("neuroglancer", one.get("id"))
    )


def _axes(axes: Any, frame: Frame) -> tuple[list[int], list[float]]:  # noqa: ANN401 - JSON
    """Return where Z, Y and X stand in a point of neuroglancer, and voxels of ours for a unit."""
    if axes is None:
        return [2, 1, 0], [1.0, 1.0, 1.0]
    wrong = DataError(
        "The axes of the annotations must be x, y and z, each with a length and a unit such as m, "
        f"got {str(axes)[:100]}."
    )
    if not isinstance(axes, Mapping) or not {"x", "y", "z"} <= set(axes):
        raise wrong
    if frame.voxel_size_nm is None:
        raise DataError(
            "The annotations have a voxel size and the dataset has none; a manager of the dataset "
            "can set voxel_size_nm."
        )
    order, scale = [], []
    for axis, size_nm in zip("zyx", frame.voxel_size_nm, strict=True):
        given = axes[axis]
        if not isinstance(given, list) or len(given) != 2 or given[1] not in NM:
            raise wrong
        if not isinstance(given[0], int | float) or not 0 < given[0] < math.inf:
            raise wrong
        factor = given[0] * NM[given[1]] / size_nm
        order.append(list(axes).index(axis))
        scale.append(1.0 if math.isclose(factor, 1, rel_tol=1e-6) else factor)
    return order, scale


def _moved(point: Any, name: str, order: list[int], scale: list[float]) -> list[float]:  # noqa: ANN401
    if not isinstance(point, list) or len(point) <= max(order):
        raise DataError(f"{name} must be a list of numbers, got {str(point)[:50]}.")
    chosen = [point[at] for at in order]
    if not all(isinstance(number, int | float) for number in chosen):
        raise DataError(f"{name} must be a list of numbers, got {str(point)[:50]}.")
    return [number * factor for number, factor in zip(chosen, scale, strict=True)]


def _radius_nm(radii: list[float], frame: Frame) -> float:
    if frame.voxel_size_nm is None:
        raise DataError("A sphere has its radius in nm, and the dataset has no voxel size.")
    sizes = [radius * nm for radius, nm in zip(radii, frame.voxel_size_nm, strict=True)]
    if max(sizes) > 1.01 * min(sizes):
        raise DataError(
            "The ellipsoid is no sphere: its radii in nm along z, y and x are "
            f"{', '.join(f'{size:g}' for size in sizes)}."
        )
    return sum(sizes) / 3


def to_neuroglancer(row: Annotation, frame: Frame) -> dict[str, Any]:
    """Return an annotation as a local annotation of neuroglancer."""
    kind = next(name for name, ours in KINDS.items() if ours == row.kind)
    one: dict[str, Any] = {"type": kind, "id": row.id}
    one |= {name: list(point[::-1]) for name, point in zip(TYPES[kind], row.points, strict=True)}
    if row.radius_nm is not None and frame.voxel_size_nm is not None:
        one["radii"] = [row.radius_nm / size for size in frame.voxel_size_nm[::-1]]
    description = _joined(row)
    return one | ({"description": description} if description else {})


def neuroglancer_axes(frame: Frame) -> dict[str, tuple[float, str]]:
    """Return the axes of neuroglancer, X first, each with the length of a voxel in metres.

    Raises:
        DataError: If the dataset has no voxel size.
    """
    if frame.voxel_size_nm is None:
        raise DataError(
            "neuroglancer needs a voxel size, and the dataset has none; a manager of the dataset "
            "can set voxel_size_nm."
        )
    sizes = (float(f"{nm * 1e-9:.12g}") for nm in frame.voxel_size_nm[::-1])
    return {axis: (size, "m") for axis, size in zip("xyz", sizes, strict=True)}


def neuroglancer_layer(name: str, rows: Iterable[Annotation], frame: Frame) -> Iterator[str]:
    """Yield the JSON text of a layer of local annotations, piece by piece."""
    head = {
        "type": "annotation",
        "name": name,
        "source": {
            "url": "local://annotations",
            "transform": {"outputDimensions": neuroglancer_axes(frame)},
        },
        "tab": "annotations",
    }
    yield json.dumps(head)[:-1] + ', "annotations": ['
    yield from joined_json(to_neuroglancer(row, frame) for row in rows)
    yield "]}\n"


def neuroglancer_link(viewer: str, state: Mapping[str, Any]) -> str:
    """Return a link that opens a state, e.g. in ``https://neuroglancer-demo.appspot.com/``."""
    return f"{viewer}#!{quote(json.dumps(state, separators=(',', ':')))}"


def joined_json(values: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield JSON texts with commas between them, one a line."""
    for number, value in enumerate(values):
        yield (",\n" if number else "\n") + json.dumps(value)


# --- DVID ----------------------------------------------------------------------------------------


def from_dvid(one: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a bookmark of DVID or NeuTu as ``batches.write`` takes it.

    Raises:
        DataError: If it has no place.
    """
    place = one.get("Pos", one.get("location")) if isinstance(one, Mapping) else None
    if not isinstance(place, list) or len(place) != 3 or not all(_is_int(n) for n in place):
        raise DataError(
            f"A bookmark needs Pos or location, three whole numbers x, y, z: {place!r:.50}."
        )
    properties = dict(one.get("Prop") or {})
    properties |= {
        name: value
        for name, value in one.items()
        if name not in ("Pos", "location", "Prop", "Tags")
    }
    text = properties.pop("comment", properties.pop("text", ""))
    tags = [tag for tag in one.get("Tags") or [] if isinstance(tag, str) and tag.strip()]
    return {
        "kind": "point",
        "points": [[number + 0.5 for number in place[::-1]]],
        "tags": tags,
        "properties": properties,
        **_title_and_text(text),
    }


def to_dvid(row: Annotation) -> dict[str, Any]:
    """Return a point as a bookmark of DVID."""
    kept = {name: value for name, value in row.properties.items() if name != "Kind"}
    return {
        "Pos": [math.floor(number) for number in row.points[0][::-1]],
        "Kind": row.properties.get("Kind", "Note"),
        "Tags": list(row.tags),
        "Prop": {**kept, "comment": _joined(row)},
    }


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# --- napari --------------------------------------------------------------------------------------


def from_napari(names: Sequence[str], row: Sequence[str]) -> dict[str, Any]:
    """Return a row of a points file of napari as ``batches.write`` takes it.

    Raises:
        DataError: If it has no three coordinates.
    """
    if len(row) != len(names):
        raise DataError(f"The row has {len(row)} cells, and the first line names {len(names)}.")
    given = dict(zip(names, row, strict=True))
    try:
        place = [float(given.pop(axis)) + 0.5 for axis in NAPARI_AXES]
    except (KeyError, ValueError):
        raise DataError(
            f"A point of napari needs numbers in the columns {', '.join(NAPARI_AXES)}."
        ) from None
    given.pop("index", None)
    return {
        "kind": "point",
        "points": [place],
        "properties": {name: plain(value) for name, value in given.items() if name},
    }


def napari_lines(rows: Iterable[Annotation]) -> Iterator[str]:
    """Yield the lines of a points file of napari; titles stand in a column of their own."""
    yield csv_line(["index", *NAPARI_AXES, "title"])
    for number, row in enumerate(rows):
        place = [coordinate - 0.5 for coordinate in row.points[0]]
        yield csv_line([float(number), *place, row.title])


# --- shared --------------------------------------------------------------------------------------


def _title_and_text(text: object) -> dict[str, str]:
    """Return a text as title (its first line, if short) and description (the rest)."""
    if text is None:
        return {}
    if not isinstance(text, str):
        raise DataError(f"A description must be a text, got {type(text).__name__}.")
    title, _, rest = text.partition("\n")
    return {"title": title, "description": rest} if len(title) <= TITLE else {"description": text}


def _joined(row: Annotation) -> str:
    """Return title and description as one text, as ``_title_and_text`` parts it."""
    return f"{row.title}\n{row.description}" if row.description else row.title


def _foreign_key(program: str, name: object) -> dict[str, str]:
    known = isinstance(name, str) and 1 <= len(name) <= 80 and name.isprintable()
    return {"client_key": f"{program}:{name}"} if known else {}
