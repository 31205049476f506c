"""Many annotations written in one step, with a word on each.

An upload that broke off is sent again as it was: rows with a ``client_key`` that are there already
are reported and not made twice.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from emqs.annotations import annotations
from emqs.annotations.annotations import (
    by_client_key,
    changed,
    check_layers,
    check_owner,
    check_revision,
    insert,
    read_many,
    same_content,
)
from emqs.annotations.changes import Change, begin_change
from emqs.annotations.drafts import checked, checked_text
from emqs.annotations.records import Annotation
from emqs.errors import ConflictError, DataError, EmqsError, NotFoundError

MOST_ROWS = 10_000  # of a batch
OTHER_FIELDS = ("id", "revision", "client_key")


@dataclass(frozen=True)
class RowReport:
    """What became of a row.

    Attributes:
        index: Of the row in the batch, from 0.
        status: ``created``, ``updated``, ``unchanged`` (it said what is there already),
            ``existing`` (made by an earlier upload), ``deleted``, ``undone``, ``failed``, or
            ``not_written`` (another row failed and all or nothing was asked for).
        id: Of the annotation, if there is one.
        revision: That it has now.
        error: Why it failed.
    """

    index: int
    status: str
    id: str | None = None
    revision: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class BatchReport:
    """What became of a batch.

    Attributes:
        rows: In the order of the batch.
        written: Whether anything was written.
    """

    rows: tuple[RowReport, ...]
    written: bool

    @property
    def counts(self) -> dict[str, int]:
        """How many rows have each status."""
        return dict(Counter(row.status for row in self.rows))


class _Plan:
    """What is to be written, and what is known already of each row."""

    def __init__(self, connection: Connection, change: Change, user_id: str) -> None:
        self.connection = connection
        self.change = change
        self.user_id = user_id
        self.reports: dict[int, RowReport] = {}
        self.new: list[tuple[int, dict[str, Any], str | None]] = []
        self.edits: list[tuple[int, Annotation, dict[str, Any]]] = []
        self._seen: set[tuple[str, str]] = set()

    def read(self, rows: Sequence[object]) -> None:
        """Check every row; those that cannot be written are reported at once."""
        given = [row for row in rows if isinstance(row, Mapping)]
        ids = [row["id"] for row in given if _is_name(row.get("id"))]
        keys = [row["client_key"] for row in given if _is_name(row.get("client_key"))]
        known = read_many(self.connection, self.change.dataset_id, ids)
        uploaded = by_client_key(self.connection, self.change.dataset_id, self.user_id, keys)
        for index, row in enumerate(rows):
            try:
                if not isinstance(row, Mapping):
                    raise DataError(f"A row must be a JSON object, got {type(row).__name__}.")
                fields = {name: row[name] for name in row if name not in OTHER_FIELDS}
                if row.get("id") is not None:
                    self._edit(index, row, fields, known)
                else:
                    self._make(index, row, fields, uploaded)
            except EmqsError as error:
                self.reports[index] = RowReport(index, "failed", error=str(error))
        self._check_layers()

    def _edit(
        self,
        index: int,
        row: Mapping[str, Any],
        fields: Mapping[str, Any],
        known: Mapping[str, Annotation],
    ) -> None:
        base = known.get(row["id"]) if isinstance(row["id"], str) else None
        if base is None:
            raise NotFoundError(f"There is no annotation {str(row['id'])[:100]} in this dataset.")
        check_owner(base, self.user_id)
        revision = row.get("revision")
        if not isinstance(revision, int) or isinstance(revision, bool):
            raise DataError(
                f"To change annotation {base.id}, give the revision that you have seen, a whole "
                f"number; got {revision!r}."
            )
        check_revision(base, revision)
        self._once("id", base.id)
        self.edits.append((index, base, checked(fields, self.change.frame, base)))

    def _make(
        self,
        index: int,
        row: Mapping[str, Any],
        fields: Mapping[str, Any],
        uploaded: Mapping[str, Annotation],
    ) -> None:
        columns = checked(fields, self.change.frame)
        key = row.get("client_key")
        if key is None:
            self.new.append((index, columns, None))
            return
        if not _is_name(checked_text(key, "client_key", 100)):
            raise DataError("client_key must have 1 to 100 printable characters.")
        self._once("client_key", key)
        old = uploaded.get(key)
        if old is None:
            self.new.append((index, columns, key))
        elif old.revision == 1 and not same_content(old, columns):
            raise ConflictError(
                f"client_key {key!r} was used for annotation {old.id}, which says something else; "
                "give this row another key."
            )
        else:
            note = "It was deleted since; undo brings it back." if old.deleted is not None else None
            self.reports[index] = RowReport(index, "existing", old.id, old.revision, note)

    def _once(self, name: str, value: str) -> None:
        if (name, value) in self._seen:
            raise ConflictError(f"{name} {value!r} stands in an earlier row of this batch, too.")
        self._seen.add((name, value))

    def _check_layers(self) -> None:
        """Report the rows that name a layer which is none, checking each layer once."""
        rows = [(index, columns) for index, columns, _ in self.new]
        rows += [(index, columns) for index, _, columns in self.edits]
        wrong: dict[str, str] = {}
        for columns in {columns["layer_id"]: columns for _, columns in rows}.values():
            try:
                check_layers(self.connection, self.change.dataset_id, self.user_id, [columns])
            except DataError as error:
                wrong[columns["layer_id"]] = str(error)
        for index, columns in rows:
            if columns["layer_id"] in wrong:
                reason = wrong[columns["layer_id"]]
                self.reports[index] = RowReport(index, "failed", error=reason)
        self.new = [row for row in self.new if row[0] not in self.reports]
        self.edits = [row for row in self.edits if row[0] not in self.reports]


def _is_name(value: object) -> bool:
    """Return whether a database can be asked for a name."""
    return isinstance(value, str) and 1 <= len(value) <= 100 and value.isprintable()


def write(
    connection: Connection,
    dataset_id: str,
    user_id: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    all_or_nothing: bool = False,
    dry_run: bool = False,
) -> BatchReport:
    """Make and change many annotations.

    Args:
        connection: Of ``Database.write``.
        dataset_id: The dataset.
        user_id: In whose sandbox; only own annotations are changed.
        rows: Each with the fields of an annotation. With ``id`` and ``revision`` it changes that
            annotation; with neither it is new, and ``client_key`` (a text of the uploader's
            choice, e.g. a row number of a file) makes it be made once only.
        all_or_nothing: Whether one row that fails keeps all from being written.
        dry_run: Whether to report only what would become of each row.

    Returns:
        A report with one line for each row.

    Raises:
        DataError: If there are too many rows.
        NotFoundError: If there is no such dataset.
    """
    if len(rows) > MOST_ROWS:
        raise DataError(
            f"A batch has at most {MOST_ROWS} rows, got {len(rows)}; send it in several."
        )
    change = begin_change(connection, dataset_id)
    plan = _Plan(connection, change, user_id)
    plan.read(rows)
    failed = any(report.status == "failed" for report in plan.reports.values())
    if all_or_nothing and failed:
        for index in range(len(rows)):
            report = plan.reports.get(index)
            if report is None or report.status != "failed":
                plan.reports[index] = RowReport(index, "not_written")
        return _report(plan, written=False)
    if dry_run:
        for index, _, _ in plan.new:
            plan.reports[index] = RowReport(index, "created")
        for index, base, columns in plan.edits:
            status = "unchanged" if same_content(base, columns) else "updated"
            plan.reports[index] = RowReport(index, status, base.id, base.revision)
        return _report(plan, written=False)
    made = insert(connection, change, user_id, [(columns, key) for _, columns, key in plan.new])
    for (index, _, _), new in zip(plan.new, made, strict=True):
        plan.reports[index] = RowReport(index, "created", new.id, new.revision)
    for index, base, columns in plan.edits:
        now = changed(connection, change, user_id, base, columns)
        status = "unchanged" if now is base else "updated"
        plan.reports[index] = RowReport(index, status, now.id, now.revision)
    return _report(plan, written=bool(plan.new or plan.edits))


def delete(
    connection: Connection, dataset_id: str, user_id: str, rows: Sequence[tuple[str, int]]
) -> BatchReport:
    """Delete many annotations; ``undo`` brings them back.

    Args:
        connection: Of ``Database.write``.
        dataset_id: The dataset.
        user_id: Whose annotations.
        rows: Ids, and the revisions that the user has seen.

    Returns:
        A report with one line for each row: ``deleted`` or ``failed``.
    """
    return _each(connection, dataset_id, user_id, rows, annotations.delete, "deleted")


def undo(
    connection: Connection, dataset_id: str, user_id: str, rows: Sequence[tuple[str, int]]
) -> BatchReport:
    """Take the newest step of each of many annotations back; arguments as of ``delete``.

    Returns:
        A report with one line for each row: ``undone`` or ``failed``.
    """
    return _each(connection, dataset_id, user_id, rows, annotations.undo, "undone")


def _each(
    connection: Connection,
    dataset_id: str,
    user_id: str,
    rows: Sequence[tuple[str, int]],
    step: Callable[..., Annotation],
    status: str,
) -> BatchReport:
    """Do a step with one annotation after the other; each looks at its row before it writes."""
    reports = []
    for index, (annotation_id, revision) in enumerate(rows):
        try:
            now = step(connection, dataset_id, user_id, annotation_id, revision=revision)
        except EmqsError as error:
            reports.append(RowReport(index, "failed", annotation_id, error=str(error)))
        else:
            reports.append(RowReport(index, status, annotation_id, now.revision))
    return BatchReport(tuple(reports), any(row.status == status for row in reports))


def _report(plan: _Plan, *, written: bool) -> BatchReport:
    return BatchReport(tuple(plan.reports[index] for index in sorted(plan.reports)), written)
