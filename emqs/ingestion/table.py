"""``slices.csv``: one row for each slot, which a user may overrule."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from emqs.errors import DataError
from emqs.files import plain
from emqs.ingestion.check import MISSING, Verdict
from emqs.runs.tables import write_csv

MEASURES = (
    "mean", "spread", "texture", "noise", "sharpness", "sharpness_wide", "empty", "black", "white",
)  # fmt: skip
YES, NO = "yes", "no"


def write(path: Path, verdicts: Sequence[Verdict]) -> Path:
    """Write the table.

    Args:
        path: Where to; an older file is replaced.
        verdicts: Of each slot.
    """
    columns: dict[str, list[object]] = {
        "slot": [one.slot for one in verdicts],
        "name": [one.name for one in verdicts],
        "verdict": [one.verdict for one in verdicts],
        "use": [YES if one.use else NO for one in verdicts],
        "why": [one.why for one in verdicts],
    }
    for name in MEASURES:
        columns[name] = [round(one.measures[name], 6) if one.measures else "" for one in verdicts]
    columns["sha256"] = [one.measures.get("sha256", "") for one in verdicts]
    return write_csv(path, columns)


def overruled(path: Path, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return verdicts in which the column ``use`` of a user's table counts.

    Args:
        path: Of the table, as ``write`` made it and a user changed it.
        verdicts: What is thought of the same slices now.

    Raises:
        DataError: If the table is not of these slices, or says neither yes nor no.
    """
    rows = _rows(path)
    if [(row["slot"], row["name"]) for row in rows] != [
        (str(one.slot), one.name) for one in verdicts
    ]:
        raise DataError(
            f"check.table={path} is not of these slices: its columns slot and name must list all "
            f"{len(verdicts)} of them in order. Make it anew with task=check."
        )
    result = []
    for row, one in zip(rows, verdicts, strict=True):
        use = row["use"].strip().lower()
        if use not in (YES, NO):
            raise DataError(
                f"check.table={path} says use={row['use']!r} in the row of slot {one.slot}; "
                "allowed are yes and no."
            )
        if use == YES and one.verdict == MISSING:
            raise DataError(
                f"check.table={path} wants to use slot {one.slot}, where there is no slice."
            )
        why = one.why
        if (use == YES) != one.use or row["verdict"] != one.verdict:
            why = f"The user's table decides. {row['why']}".strip()
        verdict = row["verdict"].strip() or one.verdict
        result.append(replace(one, use=use == YES, verdict=verdict, why=why))
    return result


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"check.table={path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise DataError(f"check.table={path} is no text in UTF-8. Save it as CSV.") from None
    rows = list(csv.DictReader(text.splitlines()))
    if not rows or not {"slot", "name", "verdict", "use", "why"} <= set(rows[0]):
        raise DataError(
            f"check.table={path} needs the columns slot, name, verdict, use and why, separated by "
            "commas."
        )
    return [{name: plain(value or "") for name, value in row.items() if name} for row in rows]
