"""The table of ``prediction.py``, what is required of it, and the pages where it stands."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from prediction_cases import CASES
from retrieval_report import interval
from written_pages import write_between

GOALS = {  # Dice at the own threshold, object F1
    "EPFL": (0.75, 0.65), "VNC": (0.70, 0.60), "CHLOROPLAST": (0.80, 0.60),
}  # fmt: skip
SAID = {
    "predict": "predict", "corrective": "predict, after 20 corrective clicks",
    "ceiling": "predict, 20,000 labels of the two slices", "anchor": "extra trees on grey",
}  # fmt: skip
TOP = Path(__file__).parents[1]
PAGES = (TOP / "benchmarks" / "README.md", TOP / "docs" / "prediction.md")
MARKS = "<!-- of prediction -->\n", "<!-- end of prediction -->"


def report(
    rows: list[dict[str, str]], which: str, methods: Sequence[str], rules: str
) -> list[dict[str, str]]:
    """Return the table: means over draws with 95 % intervals.

    Args:
        rows: Of results.csv.
        which: Of the two kinds of slices.
        methods: In the order of the table.
        rules: Of objects, as they are now; an F1 of other rules is left out.
    """
    table = []
    for name in CASES:
        for method in methods:
            some = [
                r for r in rows if (r["dataset"], r["slices"], r["method"]) == (name, which, method)
            ]
            if not some:
                continue
            means = {
                key: str(interval([float(row[key]) for row in some]))
                for key in ("dice", "best_dice", "object_f1")
            }
            if any(row["objects"] != rules for row in some):
                means["object_f1"] = "-"
            table.append({
                "dataset": name, "method": method, "draws": str(len(some)),
                "Dice, own threshold": means["dice"], "Dice, best threshold": means["best_dice"],
                "object F1": means["object_f1"],
            })  # fmt: skip
    return table


def goals(rows: list[dict[str, str]], which: str) -> bool:
    """Print what is required; return whether it is met."""
    met = True

    def mean(name: str, method: str, key: str) -> float:
        some = [
            float(r[key]) for r in rows
            if (r["dataset"], r["slices"], r["method"]) == (name, which, method)
        ]  # fmt: skip
        return float(np.mean(some)) if some else float("nan")

    for name, (dice, f1) in GOALS.items():
        own, best = (mean(name, "predict", key) for key in ("dice", "best_dice"))
        checks = {
            f"Dice {own:.3f}, goal {dice}": own >= dice,
            f"object F1 {mean(name, 'predict', 'object_f1'):.3f}, goal {f1}":
                mean(name, "predict", "object_f1") >= f1,
            f"over the anchor {own - mean(name, 'anchor', 'dice'):+.3f}, goal +0.10":
                own - mean(name, "anchor", "dice") >= 0.10,
            f"below the best threshold {best - own:.3f}, at most 0.03": best - own <= 0.03,
        }  # fmt: skip
        if name == "EPFL":
            value = mean(name, "corrective", "dice")
            checks[f"after 20 corrective clicks {value:.3f}, goal 0.85"] = value >= 0.85
        for text, good in checks.items():
            print(f"{'met' if good else 'NOT met':8}{name}: {text}")
            met &= good
    return met


def write(table: list[dict[str, str]], which: str) -> None:
    """Write the table into the pages, between two comments."""
    if which != "reported on":
        raise SystemExit("Pages show the slices that are reported on: leave --chosen-on out.")
    columns = list(table[0])[2:]
    lines = [f"| | {' | '.join(columns)} |", "| --- " * (len(columns) + 1) + "|"]
    for row in table:
        values = " | ".join(row[key] for key in columns)
        lines.append(f"| {row['dataset']}, {SAID[row['method']]} | {values} |")
    for page in PAGES:
        write_between(page, MARKS, "\n".join(lines) + "\n")
