"""Clicked examples in a file: what is looked for and what is not, for every command that asks.

A CSV with a column ``label`` and the place in voxels, ``z,y,x``, or in nm, ``z_nm,y_nm,x_nm``.
Where a row has both, they must be the same place: those of another volume are told by it.
Other columns are left alone, and so are rows without a label: a table of suggestions, whose labels
somebody has filled in, is such a file. ``examples=[a.csv,b.csv]`` is both together.
"""

import csv
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emqs.errors import DataError
from emqs.files import plain
from emqs.geometry import Lengths
from emqs.retrieval.places import NM, VOXELS, centre_columns
from emqs.runs.names import quote

POSITIVE, NEGATIVE = "positive", "negative"
#: Settings that the next round does not take over.
ROUND = frozenset(
    {
        "examples", "positive", "negative", "retrieve.positive", "retrieve.negative", "out",
        "labels", "label_classes", "hydra.run.dir", "search.page", "restart",
    }
)  # fmt: skip
MAX_BYTES = 2**26
MAX_ROWS = 100_000
MAX_LABEL = 100  # letters


@dataclass(frozen=True)
class Examples:
    """Places and what they show.

    Attributes:
        voxels: ``(N, 3)``, int64, Z Y X, counted from 0.
        labels: Of each; ``"positive"`` and ``"negative"``, or names of classes.
    """

    voxels: np.ndarray
    labels: tuple[str, ...]

    def of(self, label: str) -> np.ndarray:
        """Return the voxels ``(n, 3)`` that have a label."""
        return self.voxels[[one == label for one in self.labels]]

    @property
    def points(self) -> tuple[list[list[int]], list[list[int]]]:
        """The voxels ``[z, y, x]`` of what is looked for, and of what is not.

        Raises:
            DataError: If another label is among them.
        """
        others = sorted(set(self.labels) - {POSITIVE, NEGATIVE})
        if others:
            raise DataError(
                f"The examples have the label {others[0]!r}; allowed are {POSITIVE} and {NEGATIVE}."
            )
        return self.of(POSITIVE).tolist(), self.of(NEGATIVE).tolist()


def from_points(positive: Sequence[Sequence[int]], negative: Sequence[Sequence[int]]) -> Examples:
    """Return examples given as two lists of voxels ``(z, y, x)``."""
    voxels = np.array([*positive, *negative], dtype=np.int64).reshape(-1, 3)
    return Examples(voxels, (POSITIVE,) * len(positive) + (NEGATIVE,) * len(negative))


def read_several(
    paths: Sequence[Path],
    *,
    voxel_size_nm: Lengths | None = None,
    origin_nm: Lengths = (0.0, 0.0, 0.0),
) -> Examples:
    """Return the examples of several files together; see ``read_examples``.

    A place that is given twice with one label counts once.

    Raises:
        DataError: If a file is wrong, there is no label in any, or a place has two labels.
    """
    labels: dict[tuple[int, ...], str] = {}
    for path in paths:
        own = read_examples(path, voxel_size_nm=voxel_size_nm, origin_nm=origin_nm)
        for voxel, label in zip(own.voxels.tolist(), own.labels, strict=True):
            if labels.setdefault(tuple(voxel), label) != label:
                raise DataError(
                    f"{path} calls the place {voxel} {label}, and it was {labels[tuple(voxel)]} "
                    "before. Leave one of both rows."
                )
    if not labels:
        names = ", ".join(map(str, paths))
        raise DataError(f"No row of {names} has a label: write positive or negative into it.")
    voxels = np.array(list(labels), dtype=np.int64).reshape(-1, 3)
    return Examples(voxels, tuple(labels.values()))


def read_examples(
    path: Path, *, voxel_size_nm: Lengths | None = None, origin_nm: Lengths = (0.0, 0.0, 0.0)
) -> Examples:
    """Return the examples of a file.

    Args:
        path: A CSV, UTF-8.
        voxel_size_nm: Z Y X, to turn nm into voxels; None if it is not known.
        origin_nm: Centre of the first voxel, Z Y X.

    Returns:
        The rows that have a label, in their order. A place between voxels counts as the nearest.

    Raises:
        DataError: If the file is missing, too large, or is no such table; the message names the
            line.
    """
    if not path.is_file():
        raise DataError(f"There is no file of examples {path}. Give examples=NAME.csv.")
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path} has {path.stat().st_size} bytes; at most {MAX_BYTES} are allowed.")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise DataError(f"{path} is not text in UTF-8. Export the table as CSV (UTF-8).") from None
    rows = csv.DictReader(lines, strict=True)
    names = _columns(path, rows)
    in_nm = names == NM
    if in_nm and voxel_size_nm is None:
        raise DataError(
            f"{path} gives places in nm, and the voxel size of the volume is not known. "
            "Give the columns z, y, x in voxels."
        )
    places: list[list[float]] = []
    labels: list[str] = []
    try:
        for row in rows:
            label = plain((row["label"] or "").strip())
            if not label:
                continue
            if len(labels) >= MAX_ROWS or len(label) > MAX_LABEL:
                raise DataError(
                    f"{path} holds more than {MAX_ROWS} examples, or a label of more than "
                    f"{MAX_LABEL} letters, line {rows.line_num}."
                )
            places.append(_place(path, rows.line_num, [row[name] for name in names]))
            _compare(path, rows.line_num, row, voxel_size_nm, origin_nm)
            labels.append(label)
    except csv.Error as error:
        raise DataError(f"{path} is no CSV, line {rows.line_num}: {error}.") from None
    voxels = np.array(places, dtype=np.float64).reshape(-1, 3)
    if in_nm and voxel_size_nm is not None:
        voxels = (voxels - origin_nm) / voxel_size_nm
    return Examples(np.floor(voxels + 0.5).astype(np.int64), tuple(labels))


def _columns(path: Path, rows: "csv.DictReader[str]") -> tuple[str, str, str]:
    """Return the names of the columns of the place."""
    try:
        given = [name.strip() for name in rows.fieldnames or []]
    except csv.Error as error:
        raise DataError(f"{path} is no CSV: {error}.") from None
    rows.fieldnames = given
    for names in (VOXELS, NM):
        if {*names, "label"} <= set(given):
            return names
    raise DataError(
        f"{path} has the columns {', '.join(given) or 'of an empty file'}; needed are label, and "
        "z, y, x in voxels or z_nm, y_nm, x_nm."
    )


def _place(path: Path, line: int, texts: list[str | None]) -> list[float]:
    try:
        values = [float(text or "") for text in texts]
    except ValueError:
        values = []
    if len(values) != 3 or not all(math.isfinite(v) and abs(v) < 2**53 for v in values):
        shown = ",".join(text or "" for text in texts)
        raise DataError(f"{path}, line {line}: the place must be three numbers, got {shown!r}.")
    return values


def _compare(
    path: Path,
    line: int,
    row: Mapping[str, str | None],
    voxel_size_nm: Lengths | None,
    origin_nm: Lengths,
) -> None:
    """Check that a place in voxels and the same in nm lie within a voxel, where a row has both."""
    texts = [row.get(name) for name in (*VOXELS, *NM)]
    if voxel_size_nm is None or not all((text or "").strip() for text in texts):
        return
    voxel, nm = _place(path, line, texts[:3]), _place(path, line, texts[3:])
    apart = np.abs((np.array(nm) - origin_nm) / voxel_size_nm - voxel)
    if apart.max() > 1:
        raise DataError(
            f"{path}, line {line}: {voxel} in voxels and {nm} in nm are two places in a volume "
            f"whose voxels are {list(voxel_size_nm)} nm and whose first lies at {list(origin_nm)}, "
            "Z Y X. Give examples of this volume, or leave one kind of columns."
        )


def columns(
    centres: np.ndarray,
    labels: Sequence[str],
    *,
    voxel_size_nm: Lengths | None,
    origin_nm: Lengths = (0.0, 0.0, 0.0),
) -> dict[str, np.ndarray]:
    """Return places as the columns of such a file.

    Args:
        centres: ``(N, 3)``, in voxels, Z Y X, whole or .5.
        labels: Of each; empty where somebody is to fill it in.
        voxel_size_nm: Z Y X, for the columns in nm; None if it is not known.
        origin_nm: Centre of the first voxel, Z Y X.
    """
    named = centre_columns(centres, voxel_size_nm=voxel_size_nm, origin_nm=origin_nm)
    return named | {"label": np.array(labels, dtype=object)}


def next_round(command: str, typed: Sequence[str], folder: Path) -> str:
    """Return what is printed after a search that suggests: what to do, and a line to paste.

    Args:
        command: E.g. ``"search"``.
        typed: The settings that were typed; those that say the examples or the folder are left out.
        folder: Of the run, which holds ``examples.csv`` and ``suggestions.csv``.
    """
    examples, suggestions = folder / "examples.csv", folder / "suggestions.csv"
    again = [word for word in typed if word.partition("=")[0].lstrip("+") not in ROUND]
    words = [*again, f"examples=[{quote(str(examples))},{quote(str(suggestions))}]"]
    return (
        f"Next round: write positive or negative into the column label of {suggestions}, then\n"
        f"  emqs {command} {shlex.join(words)}"
    )
