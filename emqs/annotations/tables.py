"""Files of annotations, read into a sandbox and written out of it.

Reading has two steps: ``read`` says what a file holds, ``bring_in`` writes it, or says what it
would write (a preview). Rows that are new get a key made of what they say, so that a file that is
read twice, or again after a break, is written once.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from emqs.annotations import batches, foreign, sheets
from emqs.annotations.batches import BatchReport, RowReport
from emqs.annotations.filters import Filter
from emqs.annotations.records import Annotation, Frame
from emqs.errors import DataError, EmqsError

FORMATS = ("csv", "json", "neuroglancer", "dvid", "napari")
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "neuroglancer": "application/json",
    "dvid": "application/json",
    "napari": "text/csv; charset=utf-8",
}
OWN_FORMAT = "emqs-annotations"
OWN_VERSION = 1
NOT_READ = (*sheets.NOT_READ, "changed_by")
POINTS_ONLY = ("dvid", "napari")


@dataclass(frozen=True)
class BadRow:
    """A row of a file that says nothing that can be written.

    Attributes:
        reason: Why.
    """

    reason: str


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes:
        format: One of ``FORMATS``.
        rows: As ``batches.write`` takes them, or why not.
    """

    format: str
    rows: tuple[Mapping[str, Any] | BadRow, ...]


def read(file: bytes, frame: Frame, *, format: str | None = None, as_new: bool = False) -> Contents:
    """Return what a file holds.

    Args:
        file: CSV (ours, points of napari), JSON (ours, a state, a layer or a list of
            neuroglancer, bookmarks of DVID), or a link of neuroglancer; UTF-8.
        frame: Of the dataset, to find places in it.
        format: One of ``FORMATS``; None: told by the contents.
        as_new: Whether ids in it are ignored, so that copies are made.

    Raises:
        DataError: If the file is none of these, or not the format that was said.
    """
    try:
        text = file.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"The file is no UTF-8 text: {error.reason} at byte {error.start}."
        ) from None
    known, rows = _rows(text, frame)
    if format is not None and format not in FORMATS:
        raise DataError(f"format must be one of {', '.join(FORMATS)}, got {format!r}.")
    if format not in (None, known):
        raise DataError(f"The file looks like {known}, not like {format}.")
    if as_new:
        rows = [_as_new(row) for row in rows]
    return Contents(known, tuple(_with_keys(rows, known)))


def bring_in(
    connection: Connection,
    dataset_id: str,
    user_id: str,
    contents: Contents,
    *,
    dry_run: bool = False,
    all_or_nothing: bool = False,
) -> BatchReport:
    """Write what a file holds into a user's sandbox, or say what would be written.

    Args:
        connection: Of ``Database.write``.
        dataset_id: The dataset.
        user_id: In whose sandbox.
        contents: As ``read`` gave them, however many.
        dry_run: Whether to write nothing: a preview.
        all_or_nothing: Whether one row that fails keeps all from being written.

    Returns:
        A report with one line for each row of the file.
    """
    if all_or_nothing and not dry_run:
        preview = bring_in(connection, dataset_id, user_id, contents, dry_run=True)
        if "failed" in preview.counts:
            rows = tuple(
                row if row.status == "failed" else RowReport(row.index, "not_written")
                for row in preview.rows
            )
            return BatchReport(rows, written=False)
    reports: dict[int, RowReport] = {
        index: RowReport(index, "failed", error=row.reason)
        for index, row in enumerate(contents.rows)
        if isinstance(row, BadRow)
    }
    good = [(index, row) for index, row in enumerate(contents.rows) if not isinstance(row, BadRow)]
    written = False
    for first in range(0, len(good), batches.MOST_ROWS):
        part = good[first : first + batches.MOST_ROWS]
        report = batches.write(
            connection, dataset_id, user_id, [row for _, row in part], dry_run=dry_run
        )
        written = written or report.written
        for (index, _), row in zip(part, report.rows, strict=True):
            reports[index] = replace(row, index=index)
    return BatchReport(tuple(reports[index] for index in sorted(reports)), written)


def write(
    rows: Iterable[Annotation],
    frame: Frame,
    *,
    format: str,
    name: str,
    where: Filter,
) -> Iterator[str]:
    """Return the text of a file of annotations, piece by piece.

    Args:
        rows: E.g. of ``listing.each``; read as the pieces are asked for.
        frame: Of the dataset.
        format: One of ``FORMATS``.
        name: Of the dataset.
        where: What the rows were asked for with; DVID and napari hold points only, so that only
            those may have been asked for.

    Raises:
        DataError: If the format is unknown, or would leave something out.
    """
    if format not in FORMATS:
        raise DataError(f"format must be one of {', '.join(FORMATS)}, got {format!r}.")
    if format in POINTS_ONLY and where.kinds != ("point",):
        raise DataError(f"{format} holds points only: ask for kind=point.")
    if format == "neuroglancer":
        foreign.neuroglancer_axes(frame)  # the error now, and not in the middle of a download
    pieces: dict[str, Callable[[], Iterator[str]]] = {
        "csv": lambda: sheets.lines(rows),
        "json": lambda: _own_json(rows, frame, name),
        "neuroglancer": lambda: foreign.neuroglancer_layer(name, rows, frame),
        "dvid": lambda: _listed(foreign.to_dvid(row) for row in rows),
        "napari": lambda: foreign.napari_lines(rows),
    }
    return pieces[format]()


def _listed(values: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    yield "["
    yield from foreign.joined_json(values)
    yield "]\n"


def _own_json(rows: Iterable[Annotation], frame: Frame, name: str) -> Iterator[str]:
    head = {
        "format": OWN_FORMAT,
        "version": OWN_VERSION,
        "dataset": name,
        "axes": "zyx",
        "voxel_size_nm": frame.voxel_size_nm,
    }
    yield json.dumps(head)[:-1] + ', "annotations": ['
    yield from foreign.joined_json(row.as_json() for row in rows)
    yield "]}\n"


Rows = list[Mapping[str, Any] | BadRow]


def _rows(text: str, frame: Frame) -> tuple[str, Rows]:
    """Return the format of a text, and its rows."""
    start = text.lstrip()[:1]
    if start in ("{", "["):
        return _json_rows(foreign.parsed_json(text, "The file"), frame)
    if "#!" in text and text.lstrip().startswith(("http://", "https://")):
        return _json_rows(foreign.state_of_link(text), frame)
    names, rows = sheets.table(text)
    if "axis-0" in names:
        return "napari", [_tried(foreign.from_napari, names, row) for row in rows]
    sheets.check_names(names)
    return "csv", [_tried(sheets.fields, names, row) for row in rows]


def _json_rows(content: Any, frame: Frame) -> tuple[str, Rows]:  # noqa: ANN401 - JSON
    if isinstance(content, Mapping) and content.get("format") == OWN_FORMAT:
        if content.get("version") != OWN_VERSION or not isinstance(
            content.get("annotations"), list
        ):
            raise DataError(
                f"The file is {OWN_FORMAT} of version {content.get('version')!r:.20}, and this "
                f"emqs reads version {OWN_VERSION} with a list of annotations."
            )
        return "json", [_tried(_own_row, row) for row in content["annotations"]]
    rows = content.get("data") if isinstance(content, Mapping) else content
    listed: list[Any] = rows if isinstance(rows, list) else []
    first = listed[0] if listed else None
    if isinstance(first, Mapping) and ("Pos" in first or "location" in first):
        return "dvid", [_tried(foreign.from_dvid, row) for row in listed]
    if isinstance(first, Mapping) and "kind" in first:
        return "json", [_tried(_own_row, row) for row in listed]
    pairs = foreign.neuroglancer_annotations(content)
    return "neuroglancer", [
        _tried(foreign.from_neuroglancer, one, axes, frame) for one, axes in pairs
    ]


def _own_row(row: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    if not isinstance(row, Mapping):
        raise DataError(f"An annotation must be a JSON object, got {type(row).__name__}.")
    return {name: value for name, value in row.items() if name not in NOT_READ}


def _tried(step: Callable[..., dict[str, Any]], *given: Any) -> Mapping[str, Any] | BadRow:  # noqa: ANN401
    try:
        return step(*given)
    except EmqsError as error:
        return BadRow(str(error))


def _as_new(row: Mapping[str, Any] | BadRow) -> Mapping[str, Any] | BadRow:
    if isinstance(row, BadRow):
        return row
    return {name: value for name, value in row.items() if name not in ("id", "revision")}


def _with_keys(rows: Rows, known: str) -> Iterator[Mapping[str, Any] | BadRow]:
    """Yield rows; those that are new have a key, another one for each that says the same."""
    seen: Counter[str] = Counter()
    for row in rows:
        if isinstance(row, BadRow) or "id" in row or "client_key" in row:
            yield row
            continue
        said = json.dumps([known, row], sort_keys=True)
        digest = hashlib.sha256(said.encode()).hexdigest()[:32]
        seen[digest] += 1
        yield {**row, "client_key": f"file:{digest}:{seen[digest]}"}
