"""The tables of what ``ingestion.py``, ``ingestion_search.py`` and ``ingestion_turned.py`` printed.

    python benchmarks/ingestion_table.py FILE [FILE ...]

Each FILE holds their JSON lines. Accuracy: mean over the draws, in brackets the worst draw; errors
are mean / 95 %, steps from a slice to the next median / 95 %, in px.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def both(rows: Sequence[Row], first: str, second: str) -> str:
    """Return two numbers, means over the draws, and the worst in brackets."""
    pairs = [[row[first] for row in rows], [row[second] for row in rows]]
    mean = " / ".join(f"{sum(values) / len(values):.2f}" for values in pairs)
    return f"{mean} ({max(pairs[0]):.2f} / {max(pairs[1]):.2f})"


def errors(rows: Sequence[Row], who: str) -> str:
    """Return cells of errors and steps."""
    error = both(rows, f"{who}error_mean", f"{who}error_95")
    return f"{error} | {both(rows, f'{who}step_median', f'{who}step_95')}"


def accuracy(rows: Sequence[Row]) -> None:
    """Print what is known of places."""
    print(
        "| stack, setting | draws | who | published | next | ECC | next | disturbance left | next |"
    )
    print("| --- " * 9 + "|")
    settings = defaultdict(list)
    for row in rows:
        settings[row["stack"], row["model"], row["warp_px"], row["trend"]].append(row)
    for (stack, model, warp, trend), some in settings.items():
        name = f"{stack}, {some[0]['n_slices']} slices, `{model}`"
        name += f", warp {warp:g} px" if warp else ""
        name += f", trend {trend:g}" if trend else ""
        own = f"{errors(some, '')} | {errors(some, 'ecc_')} | {errors(some, 'undone_')}"
        print(f"| {name} | {len(some)} | ingest | {own} |")
        theirs = f"{errors(some, 'clio_')} | {errors(some, 'clio_ecc_')}"
        print(f"| | | clio_ingest's rule | {theirs} | | |")
        near = [
            f"{sum(row[f'neighbours_within_10_px_of_{of}'] for row in some)} of "
            f"{sum(row['neighbours'] for row in some)} neighbours within 10 px, "
            f"{sum(row[f'wrong_pairs_used_by_{of}'] for row in some)} wrong pairs used"
            for of in ("published", "ecc")
        ]
        drift = [row["drift_mean"] for row in some]
        mean = sum(drift) / len(drift)
        seconds = sum(row["seconds_per_megapixel"] for row in some) / len(some)
        print(
            f"| | | | by published: {near[0]}; by ECC: {near[1]}; drift {mean:.2f} px, at most "
            f"{max(drift):.2f}; {seconds:.2f} s/Mpx |"
        )


def plain(rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Print a table with the columns named."""
    print(f"| {' | '.join(columns)} |")
    print("| --- " * len(columns) + "|")
    for row in rows:
        cells = [f"{v:.3g}" if isinstance(v, float) else str(v) for v in map(row.get, columns)]
        print(f"| {' | '.join(cells)} |")


def main() -> None:
    """Print a table for each part that the files hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+")
    parts: dict[str, list[Row]] = defaultdict(list)
    for path in parser.parse_args().files:
        for line in path.read_text().splitlines():
            row = json.loads(line)
            parts[row["part"]].append(row)
    if parts["accuracy"]:
        accuracy(parts["accuracy"])
    if parts["search"]:
        names = ("precision_at_20", "chance_precision", "component_ap", "chance_component_ap")
        plain(parts["search"], ("stack", "volume", *names))
    if parts["turned"]:
        names = ("neighbours", "right", "wrong", "turned_far", "turned_far_right")
        plain(parts["turned"], ("stack", "matcher", *names, "error_px", "seconds_per_pair"))


if __name__ == "__main__":
    main()
