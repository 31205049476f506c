"""Patches as wide as each structure beside 80 pixels for all, for ``retrieval.py --fixed``.

At 80 pixels few structures fill half of a patch. The overlap of examples, and of what is relevant,
is then the highest of ``LEVELS`` that enough patches have. What only touches the structure can be
compared: component AP, and patch AP of what touches, each beside that of a random ranking, for
larger patches touch more often.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from retrieval_cases import Case, settings_of
from retrieval_report import Interval, Panel
from retrieval_search import task_of
from written_pages import write_between

from emqs.errors import DataError
from emqs.runs import tables

EDGE = 80  # pixels
LEVELS = (0.5, 0.3, 0.25, 0.1, 1e-9)  # the last: what touches
ENOUGH = 20  # searched patches, and places for examples of each kind
EXAMPLES = 5
LINE = ("contrastive", "default")
MARKS = "<!-- of fixed -->\n", "<!-- end of fixed -->"


@dataclass(frozen=True)
class Fixed:
    """A case with patches of 80 pixels."""

    case: Case
    n_relevant: int  # searched patches that show more than the overlap
    n_half: int  # that show more than half


def fixed_of(case: Case, images: Path) -> Fixed | None:
    """Return a case with patches of 80 pixels and the highest overlap that enough of them have.

    None: there is none, since nearly every patch touches the structure, so none is negative.
    """
    pixel_nm = float(settings_of(case).dataset.pixel_size_nm)
    for level in (level for level in LEVELS if level <= case.min_overlap):
        tried = replace(case, size_nm=EDGE * pixel_nm, min_overlap=level)
        try:
            task = task_of(tried, images)
        except DataError:  # no example of one kind
            continue
        n_relevant = int(task.relevant.sum())
        if min(task.most, n_relevant) >= ENOUGH or level == LEVELS[-1]:
            return Fixed(tried, n_relevant, int((task.overlap > 0.5).sum()))
    return None


def overlap_name(level: float) -> str:
    """Return a level of ``LEVELS`` in words."""
    return "touching" if level < 0.01 else f"> {level:g}"


def write(
    fitted: list[Panel], fixed: list[Panel], cases: list[Fixed | None], page: Path
) -> list[Path]:
    """Write the table between two comments of a page; ``fixed`` are those of cases that are."""
    others = iter(fixed)
    rows: list[dict[str, object]] = []
    for one, own in zip(fitted, cases, strict=True):
        row: dict[str, object] = {
            "structure": one.title,
            "fitted: touching": _beside(one, "patch_ap_touch"),
            "fitted: component AP": _beside(one, "component_ap"),
        }
        if own is None:
            rows.append(row | {"80 px: overlap used": "no patch is without"})
            continue
        other = next(others)
        row |= {
            "80 px: touching": _beside(other, "patch_ap_touch"),
            "80 px: component AP": _beside(other, "component_ap"),
            "80 px: more than half, patches": f"{own.n_half:,}",
            "80 px: overlap used": overlap_name(own.case.min_overlap),
            "80 px: patch AP there": _beside(other, "patch_ap_overlap"),
        }
        rows.append(row)
    blank = dict.fromkeys(max(rows, key=len), "")
    write_between(page, MARKS, tables.markdown_table([blank | row for row in rows]))
    return [page]


def _beside(one: Panel, metric: str) -> str:
    """Return a metric, half of its interval, and that of a random ranking."""
    found: Mapping[str, Interval] = one.found[*LINE, EXAMPLES]
    value = found[metric]
    return f"{value.mean:.2f} ± {value.half:.2f} ({np.round(one.chance[metric], 2):.2f})"
