"""Annotations as CSV for spreadsheets, and back.

A spreadsheet takes a cell that begins with = + - @ tab or line end for a formula, and runs it. Such
a text is written with an apostrophe before it, and so is one that begins with an apostrophe before
such a sign; ``read`` takes it off again, so that nothing is lost. Numbers stay as they are.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from emqs.annotations.records import Annotation
from emqs.errors import DataError
from emqs.files import FORMULA_SIGNS, csv_text, plain

NOTE = (
    "Texts that a spreadsheet would take for a formula (they begin with = + - @ tab or line end) "
    "have an apostrophe before them; reading the file into emqs takes it off again."
)
COLUMNS = (
    *("id", "revision", "owner_id", "kind", "z", "y", "x", "z2", "y2", "x2", "radius_nm"),
    *("title", "description", "tags", "properties", "colour_class", "layer_id"),
    *("atlas_state", "created", "changed"),
)
TEXTS = ("title", "description", "tags", "properties", "colour_class")
NOT_READ = ("owner_id", "atlas_state", "created", "changed", "number", "deleted", "change")
READ = (*COLUMNS, "client_key", *NOT_READ)


def lines(rows: Iterable[Annotation]) -> Iterator[str]:
    """Yield the lines of a CSV file, the names of the columns first."""
    yield csv_line(COLUMNS)
    for row in rows:
        yield csv_line(cells(row))


def cells(row: Annotation) -> list[Any]:
    """Return the cells of an annotation: numbers, texts, and None."""
    shown = row.as_json()
    places = [number for point in row.points for number in point]
    shown |= dict(zip(("z", "y", "x", "z2", "y2", "x2"), places, strict=False))
    shown["tags"] = _spelled_tags(row.tags)
    shown["properties"] = json.dumps(dict(row.properties)) if row.properties else ""
    return [shown.get(name) for name in COLUMNS]


def csv_line(values: Iterable[Any]) -> str:
    """Return a line of CSV with its end."""
    return csv_text([values], "\r\n")


def table(text: str) -> tuple[list[str], Iterator[list[str]]]:
    """Return the names of the columns of a CSV file, and its rows.

    Columns are parted by commas, or by semicolons if the first line has no comma.

    Raises:
        DataError: If the file is empty.
    """
    first = text.split("\n", 1)[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in next(rows, [])]
    except csv.Error as error:
        raise DataError(f"Line 1 of the CSV file cannot be read: {error}.") from None
    if not any(names):
        raise DataError("The CSV file is empty; its first line must name the columns.")
    return names, (row for row in _read(rows) if any(cell.strip() for cell in row))


def _read(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    while True:
        try:
            yield next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"The CSV file cannot be read: {error}.") from None


def fields(names: list[str], row: list[str]) -> dict[str, Any]:
    """Return what a row of our own CSV says, as ``batches.write`` takes it.

    Columns that are not in the file are not in the result, so that they stay as they are.

    Raises:
        DataError: If a cell is not what its column holds, or the row is longer than the first line.
    """
    if len(row) != len(names):
        raise DataError(f"The row has {len(row)} cells, and the first line names {len(names)}.")
    given = {
        name: plain(cell) if name in TEXTS else plain(cell).strip()
        for name, cell in zip(names, row, strict=True)
    }
    read: dict[str, Any] = {
        name: given[name] for name in ("id", "kind", "client_key", "layer_id") if given.get(name)
    }
    if "revision" in given and "id" in read:
        read["revision"] = _number(given, "revision", whole=True)
    read |= {
        name: given[name] for name in ("title", "description", "colour_class") if name in given
    }
    if "tags" in given:
        read["tags"] = _read_tags(given["tags"])
    if "properties" in given:
        read["properties"] = _read_json(given["properties"], "properties", {})
    if given.get("radius_nm"):
        read["radius_nm"] = _number(given, "radius_nm")
    if any(given.get(name) for name in ("z", "y", "x")):
        read["points"] = [[_number(given, name) for name in ("z", "y", "x")]]
        if any(given.get(name) for name in ("z2", "y2", "x2")):
            read["points"].append([_number(given, name) for name in ("z2", "y2", "x2")])
    return read


def check_names(names: list[str]) -> None:
    """Raise an error unless every column of our own CSV is known, and none comes twice.

    Raises:
        DataError: If one is not.
    """
    unknown = [name for name in names if name not in READ]
    if unknown:
        raise DataError(
            f"The CSV file has a column {unknown[0]!r}, which is none of {', '.join(READ)}; put "
            "further values into properties, as JSON."
        )
    if len(set(names)) != len(names):
        raise DataError("The first line of the CSV file names a column twice.")


def _number(given: Mapping[str, str], name: str, *, whole: bool = False) -> float:
    text = given.get(name, "")
    try:
        return int(text) if whole else float(text)
    except ValueError:
        raise DataError(f"The column {name} must hold a number, got {text[:50]!r}.") from None


def _spelled_tags(tags: tuple[str, ...]) -> str:
    simple = not any(";" in tag or tag.startswith(("[", "'", *FORMULA_SIGNS)) for tag in tags)
    return "; ".join(tags) if simple else json.dumps(list(tags), ensure_ascii=False)


def _read_tags(text: str) -> Any:  # noqa: ANN401 - JSON
    if text.startswith("["):
        return _read_json(text, "tags", [])
    return [tag.strip() for tag in text.split(";") if tag.strip()]


def _read_json(text: str, name: str, empty: object) -> Any:  # noqa: ANN401 - JSON
    if not text.strip():
        return empty
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise DataError(f"The column {name} must hold JSON, got {text[:50]!r}.") from None
