"""Annotations and places as the API has them, from rows, voxels and tables of pandas."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from emqs.errors import DataError

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

Row = dict[str, Any]
Place = Sequence[int] | str | Mapping[str, Any]
READ_ONLY = (  # columns of a table that are not sent back
    *("number", "owner_id", "owner", "atlas_state", "change", "created", "changed"),
    *("changed_by", "deleted"),
)


def rows_of(given: "Iterable[Row] | Row | pd.DataFrame") -> Iterator[Row]:
    """Yield annotations as the API has them, from rows or from a table of pandas.

    Raises:
        DataError: If a table has no columns z, y, x.
    """
    if isinstance(given, Mapping):
        yield dict(given)
        return
    as_rows = getattr(given, "to_dict", None)
    if as_rows is None:
        yield from (dict(row) for row in given)
        return
    for row in as_rows("records"):
        known = {str(k): v for k, v in row.items() if not _is_missing(v)}
        yield _of_table(known)


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _of_table(row: Row) -> Row:
    """Return the annotation of a row of a table."""
    row = {key: value for key, value in row.items() if key not in READ_ONLY}
    if not {"z", "y", "x"} <= set(row):
        raise DataError("A table of annotations needs the columns z, y and x.")
    points = [[float(row.pop(axis)) for axis in "zyx"]]
    if {"z2", "y2", "x2"} <= set(row):
        points.append([float(row.pop(f"{axis}2")) for axis in "zyx"])
    if "revision" in row:
        row["revision"] = int(row["revision"])
    return {"kind": "point" if len(points) == 1 else "line", **row, "points": points}


def keyed(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield rows, those that are new with a key, another one for each that says the same."""
    seen: dict[str, int] = {}
    for row in rows:
        if "id" in row or "client_key" in row:
            yield row
            continue
        said = json.dumps(row, sort_keys=True, default=str)
        digest = hashlib.sha256(said.encode()).hexdigest()[:32]
        seen[digest] = seen.get(digest, 0) + 1
        yield {**row, "client_key": f"client:{digest}:{seen[digest]}"}


def place_of(place: Place) -> Row:
    """Return a place as the API has it."""
    if isinstance(place, str):
        return {"annotation": place}
    if isinstance(place, Mapping):
        return dict(place)
    z, y, x = place
    return {"z": int(z), "y": int(y), "x": int(x)}
