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
from retrieval_search import Task, task_of
from written_pages import write_between

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


def fixed_of(case: Case, images: Path) -> Fixed:
    """Return a case with patches of 80 pixels and the highest overlap that enough of them have."""
    pixel_nm = float(settings_of(case).dataset.pixel_size_nm)
    task: Task | None = None
    for level in (level for level in LEVELS if level <= case.min_overlap):
        task = task_of(replace(case, size_nm=EDGE * pixel_nm, min_overlap=level), images)
        if min(task.most, int(task.relevant.sum())) >= ENOUGH:
            break
    if task is None:
        raise RuntimeError(f"{case.key}: no overlap is low enough.")
    return Fixed(task.case, int(task.relevant.sum()), int((task.overlap > 0.5).sum()))


def overlap_name(level: float) -> str:
    """Return a level of ``LEVELS`` in words."""
    return "touching" if level < 0.01 else f"> {level:g}"


def write(fitted: list[Panel], fixed: list[Panel], cases: list[Fixed], page: Path) -> list[Path]:
    """Write the table between two comments of a page."""
    rows = [
        {
            "structure": one.title,
            "fitted: touching": _beside(one, "patch_ap_touch"),
            "80 px: touching": _beside(other, "patch_ap_touch"),
            "fitted: component AP": _beside(one, "component_ap"),
            "80 px: component AP": _beside(other, "component_ap"),
            "80 px: more than half, patches": f"{own.n_half:,}",
            "80 px: overlap used": overlap_name(own.case.min_overlap),
            "80 px: patch AP there": _beside(other, "patch_ap_overlap"),
        }
        for one, other, own in zip(fitted, fixed, cases, strict=True)
    ]
    write_between(page, MARKS, tables.markdown_table(rows))
    return [page]


def _beside(one: Panel, metric: str) -> str:
    """Return a metric, half of its interval, and that of a random ranking."""
    found: Mapping[str, Interval] = one.found[*LINE, EXAMPLES]
    value = found[metric]
    return f"{value.mean:.2f} ± {value.half:.2f} ({np.round(one.chance[metric], 2):.2f})"
