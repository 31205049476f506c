"""Tables as text, Markdown, LaTeX and CSV."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emqs.errors import DataError
from emqs.files import csv_text, write_text

if TYPE_CHECKING:
    import numpy as np


def write_csv(path: Path, columns: Mapping[str, "Sequence[Any] | np.ndarray"]) -> Path:
    """Write a CSV file with one header row; a text that a spreadsheet would run is neutral.

    Args:
        path: Where to.
        columns: Name to values, all of one length. Floats keep all their digits.

    Raises:
        DataError: If the columns differ in length.
    """
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"The columns of {path.name} differ in length: {lengths}.")
    values = [v.tolist() if hasattr(v, "tolist") else v for v in columns.values()]
    return write_text(path, csv_text([columns, *zip(*values, strict=True)]))


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as a Markdown table; the first row's keys are its columns.

    Columns of numbers are aligned to the right.
    """
    columns = list(rows[0])
    cells = [columns, *([_cell(row.get(column)) for column in columns] for row in rows)]
    lines = [[" ".join(text.replace("|", "\\|").split()) for text in line] for line in cells]
    lines.insert(1, ["---:" if numeric else "---" for numeric in _numeric(rows)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def latex_table(rows: Sequence[Mapping[str, Any]], *, caption: str) -> str:
    """Return rows as a LaTeX table (packages: booktabs); the first row's keys are its columns."""
    columns = list(rows[0])
    sides = "".join("r" if numeric else "l" for numeric in _numeric(rows))
    lines = [[_latex(_cell(row.get(column))) for column in columns] for row in rows]
    body = "".join(f"  {' & '.join(line)} \\\\\n" for line in lines)
    return (
        "\\begin{table}\n  \\centering\n"
        f"  \\caption{{{_latex(caption)}}}\n"
        f"  \\begin{{tabular}}{{{sides}}}\n  \\toprule\n"
        f"  {' & '.join(_latex(c) for c in columns)} \\\\\n  \\midrule\n{body}"
        "  \\bottomrule\n  \\end{tabular}\n\\end{table}\n"
    )


def _numeric(rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Return for each column of the first row whether it holds a number in any row."""
    return [any(isinstance(row.get(c), int | float) for row in rows) for c in rows[0]]


def _cell(value: object) -> str:
    """Return one value as text: three decimals for fractions, empty for None."""
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _latex(text: str) -> str:
    """Return text with LaTeX's special characters escaped."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {character: f"\\{character}" for character in "&%$#_{}"}
    return "".join(special.get(character, character) for character in text)


def plain_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as aligned columns for a terminal; the first row's keys are its columns."""
    columns = list(rows[0])
    cells = [columns, *([_cell(row.get(c)) for c in columns] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    lines = [
        "  ".join(
            text.ljust(width) if i == 0 else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    lines.insert(1, "-" * (sum(widths) + 2 * (len(widths) - 1)))
    return "\n".join(lines)
