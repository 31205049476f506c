"""What a person gives for an annotation, checked and turned into columns of the table."""

import hashlib
import json
import math
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from emqs.annotations import morton
from emqs.annotations.records import Annotation, Frame, Place, middle
from emqs.annotations.schema import KINDS
from emqs.errors import DataError

FIELDS = (
    "kind",
    "points",
    "radius_nm",
    "title",
    "description",
    "tags",
    "properties",
    "colour_class",
    "layer_id",
)
POINTS = {"point": 1, "line": 2, "sphere": 1, "box": 2}
OTHER_NAMES = {"circle": "sphere"}
EMPTY: dict[str, Any] = {
    "radius_nm": None,
    "title": "",
    "description": "",
    "tags": [],
    "properties": {},
    "colour_class": "",
    "layer_id": None,
}
LONGEST = {"title": 400, "description": 50_000, "colour_class": 64, "layer_id": 32, "tag": 100}
MOST_TAGS = 50
MOST_PROPERTIES = 20_000  # characters of JSON
FARTHEST = 1e9  # voxels
TITLE_KEY = 64  # characters of a title that are sorted by
MOST_THINNING = 10


def checked(
    fields: Mapping[str, Any], frame: Frame, base: Annotation | None = None
) -> dict[str, Any]:
    """Return the columns of an annotation.

    Args:
        fields: Some of ``FIELDS``, as JSON. A new annotation needs ``kind`` and ``points``; of one
            that exists the fields not given stay.
        frame: The dataset's voxel size and shape.
        base: The annotation as it is; None: a new one.

    Raises:
        DataError: If a field is unknown, has the wrong type, is too long, or the place makes no
            sense in this dataset.
    """
    unknown = set(fields) - set(FIELDS)
    if unknown:
        raise DataError(
            f"An annotation has no field {sorted(map(str, unknown))[0]!r}; its fields are "
            f"{', '.join(FIELDS)}."
        )
    if base is None:
        missing = {"kind", "points"} - set(fields)
        if missing:
            raise DataError(f"A new annotation needs the field {sorted(missing)[0]!r}.")
    content = {**(EMPTY if base is None else base.content()), **fields}
    if base is not None and "kind" in fields and "radius_nm" not in fields:
        content["radius_nm"] = base.radius_nm if _kind(fields["kind"]) == "sphere" else None
    columns = _texts(content)
    columns["layer_id"] = content["layer_id"] and _text(content["layer_id"], "layer_id")
    columns["properties"] = _properties(content["properties"])
    return columns | _place_columns(content, frame)


def thinning(annotation_id: str) -> int:
    """Return n with probability 7/8 of 8**-n, always the same for an id: who shows from afar."""
    digest = int.from_bytes(hashlib.blake2b(annotation_id.encode(), digest_size=8).digest(), "big")
    count = 0
    while count < MOST_THINNING and digest >> 3 * count & 7 == 0:
        count += 1
    return count


def folded(text: str) -> str:
    """Return a text as it is searched for: composed, and small letters in every script."""
    return unicodedata.normalize("NFC", text).casefold()


def checked_text(value: object, name: str, longest: int) -> str:
    """Return a text that every database stores.

    Raises:
        DataError: If it is no text, too long, or holds characters that are none.
    """
    if not isinstance(value, str):
        raise DataError(f"{name} must be a text, got {type(value).__name__}.")
    if len(value) > longest:
        raise DataError(f"{name} must have at most {longest} characters, got {len(value)}.")
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise DataError(f"{name} holds a character that is not text (U+0000 or half of a pair).")
    return value


def _text(value: object, name: str) -> str:
    return checked_text(value, name, LONGEST[name])


def _texts(content: Mapping[str, Any]) -> dict[str, Any]:
    title, description = (_text(content[name], name) for name in ("title", "description"))
    if not isinstance(content["tags"], list | tuple):
        raise DataError(f"tags must be a list of texts, got {type(content['tags']).__name__}.")
    tags = list(dict.fromkeys(_text(tag, "tag").strip() for tag in content["tags"]))
    if "" in tags:
        raise DataError("A tag is empty; leave it out.")
    if len(tags) > MOST_TAGS:
        raise DataError(f"tags must be at most {MOST_TAGS}, got {len(tags)}.")
    return {
        "title": title,
        "title_key": folded(title)[:TITLE_KEY],
        "description": description,
        "tags": tags,
        "search_text": folded("\n".join([title, description, *tags])),
        "colour_class": _text(content["colour_class"], "colour_class"),
    }


def _properties(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise DataError(f"properties must be a JSON object, got {type(value).__name__}.")
    try:
        spelled = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(f"properties must be JSON without NaN and infinity: {error}.") from None
    checked_text(spelled.replace("\\u0000", "\0"), "properties", MOST_PROPERTIES)
    return dict(value)


def _place_columns(content: Mapping[str, Any], frame: Frame) -> dict[str, Any]:
    kind = _kind(content["kind"])
    points = _points(content["points"], POINTS[kind], kind)
    low, high, radius_nm = _BOUNDS[kind](points, content["radius_nm"], frame)
    if kind != "sphere" and content["radius_nm"] is not None:
        raise DataError(f"Only a sphere has radius_nm, and this is a {kind}.")
    if kind == "box":
        points = [low, high]
    centre = middle(points)
    if frame.shape is not None:
        outside = [not 0 <= c < n for c, n in zip(centre, frame.shape, strict=True)]
        if any(outside):
            raise DataError(
                f"The centre of the {kind}, (z, y, x) = {_spelled(centre)}, lies outside the "
                f"volume of {frame.shape[0]} x {frame.shape[1]} x {frame.shape[2]} voxels (Z Y X)."
            )
    second = points[1] if len(points) == 2 else (None, None, None)
    reach = max(b - a for a, b in zip(low, high, strict=True)) / 2
    return {
        "kind": kind,
        **dict(zip(("z1", "y1", "x1"), points[0], strict=True)),
        **dict(zip(("z2", "y2", "x2"), second, strict=True)),
        "radius_nm": radius_nm,
        **dict(zip(("low_z", "low_y", "low_x"), low, strict=True)),
        **dict(zip(("high_z", "high_y", "high_x"), high, strict=True)),
        "morton": morton.code(centre),
        "size_class": size_class(reach),
    }


def size_class(reach: float) -> int:
    """Return 0 for a point, or the smallest n from 1 with a reach of at most 8**n voxels."""
    if reach <= 0:
        return 0
    count = 1
    while reach > 8**count:
        count += 1
    return count


def _kind(value: object) -> str:
    kind = OTHER_NAMES.get(value, value) if isinstance(value, str) else None
    if kind not in KINDS:
        raise DataError(
            f"kind must be one of {', '.join(KINDS)} (or circle for sphere), "
            f"got {str(value)[:50]!r}."
        )
    return kind


def _points(value: object, count: int, kind: str) -> list[Place]:
    wrong = DataError(
        f"points of a {kind} must be {count} of three finite numbers [z, y, x] in voxels, at most "
        f"{FARTHEST:g} from 0, got {str(value)[:100]}."
    )
    if not isinstance(value, list | tuple) or len(value) != count:
        raise wrong
    points: list[Place] = []
    for point in value:
        if not isinstance(point, list | tuple) or len(point) != 3:
            raise wrong
        if not all(_is_number(number) and abs(number) <= FARTHEST for number in point):
            raise wrong
        points.append((float(point[0]), float(point[1]), float(point[2])))
    return points


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


Bounds = tuple[Place, Place, float | None]


def _bounds_of_points(points: list[Place], _radius: object, _frame: Frame) -> Bounds:
    low, high = (tuple(pick(axis) for axis in zip(*points, strict=True)) for pick in (min, max))
    return (low[0], low[1], low[2]), (high[0], high[1], high[2]), None


def _bounds_of_box(points: list[Place], radius: object, frame: Frame) -> Bounds:
    low, high, _ = _bounds_of_points(points, radius, frame)
    if not all(a < b for a, b in zip(low, high, strict=True)):
        raise DataError(
            f"A box must be larger than 0 along Z, Y and X, got the corners {_spelled(points[0])} "
            f"and {_spelled(points[1])}."
        )
    return low, high, None


def _bounds_of_sphere(points: list[Place], radius: Any, frame: Frame) -> Bounds:  # noqa: ANN401
    if not _is_number(radius) or radius <= 0:
        raise DataError(f"A sphere needs radius_nm, a finite number above 0, got {radius!r}.")
    if frame.voxel_size_nm is None:
        raise DataError(
            "A sphere has its radius in nm, and the dataset has no voxel size; a manager of the "
            "dataset can set voxel_size_nm."
        )
    around = [radius / size for size in frame.voxel_size_nm]
    if max(around) > FARTHEST:
        raise DataError(f"radius_nm of {radius:g} is larger than any volume.")
    z, y, x = points[0]
    return (
        (z - around[0], y - around[1], x - around[2]),
        (z + around[0], y + around[1], x + around[2]),
        float(radius),
    )


_BOUNDS: dict[str, Callable[[list[Place], Any, Frame], Bounds]] = {
    "point": _bounds_of_points,
    "line": _bounds_of_points,
    "sphere": _bounds_of_sphere,
    "box": _bounds_of_box,
}


def _spelled(place: Place) -> str:
    return "(" + ", ".join(f"{number:g}" for number in place) + ")"
