"""Draw docs/architecture.svg: the rooms of emqs in their order, and who really imports whom.

    python docs/draw_architecture.py

The order is that of the contract in pyproject.toml, the descriptions are the first lines of the
rooms' own ``__init__.py``, the dots are the imports that stand in the code, those inside functions
included.
"""

import ast
import tomllib
from collections import Counter
from pathlib import Path

import grimp
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

TOP = Path(__file__).resolve().parents[1]
INK, PALE, DOT, LINE = "#1b1b1b", "#eef3f8", "#1f5f99", "#c9d3dc"
NOTES = {
    "commands": "Settings in, one room called, a record written.",
    "notebook": "The same steps for a notebook; import emqs offers them.",
    "ground": "Errors, files, geometry, settings; names imported late.",
}
WIDTH_OF_TEXT = 6.9  # inches: a room's name and what it holds


def rooms() -> list[tuple[str, list[str]]]:
    """Return the rows from top to bottom: name, and what in ``emqs/`` it stands for.

    Files of one line of the contract form one row; places kept for what comes next are left out.
    """
    contracts = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(c for c in contracts["contracts"] if c["type"] == "layers")["layers"]
    present = {path.stem for path in (TOP / "emqs").iterdir()}
    rows: dict[str, list[str]] = {}
    for layer in layers:
        names = [name.strip() for name in layer.split("|")]
        members = [name for name in names if name in present]
        if not members:
            continue
        if {"__main__", "train"} & set(members):
            row = "commands"
        elif {"errors", "geometry"} & set(members):
            row = "ground"
        else:
            row = members[0]
        rows.setdefault(row, []).extend(members)
    return list(rows.items())


def first_line(room: str) -> str:
    """Return the first sentence of a room's docstring."""
    if room in NOTES:
        return NOTES[room]
    text = (TOP / "emqs" / room / "__init__.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").split("\n")[0].replace("``", "")


def imports(rows: list[tuple[str, list[str]]]) -> Counter[tuple[int, int]]:
    """Return how many imports lead from the files of one row to those of another."""
    row_of = {member: number for number, (_, members) in enumerate(rows) for member in members}
    graph = grimp.build_graph("emqs")
    counts: Counter[tuple[int, int]] = Counter()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            ends = [name.split(".")[1:2] for name in (module, imported)]
            if all(ends):
                importer, source = (row_of[end[0]] for end in ends)
                if importer != source:
                    counts[importer, source] += 1
    return counts


def draw(rows: list[tuple[str, list[str]]], counts: Counter[tuple[int, int]]) -> Figure:
    """Return the figure: a box for each row, and a dot in the column of each row it imports."""
    n = len(rows)
    cell = 0.36  # inches
    width, height = WIDTH_OF_TEXT + n * cell + 0.7, n * cell + 1.5
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    axes: Axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.axis("off")
    left, top = WIDTH_OF_TEXT + 0.15, 1.15
    axes.text(0.1, 0.35, "Rooms of emqs", fontsize=13, weight="bold", color=INK)
    axes.text(
        0.1, 0.62, "Each may import only what stands below it. A dot: it does; larger: more often.",
        fontsize=9, color=INK,
    )  # fmt: skip
    for number, (name, _) in enumerate(rows):
        y = top + number * cell
        box = FancyBboxPatch(
            (0.1, y - 0.14), WIDTH_OF_TEXT - 0.2, 0.28,
            boxstyle="round,pad=0,rounding_size=0.05", facecolor=PALE, edgecolor=LINE,
        )  # fmt: skip
        axes.add_patch(box)
        axes.text(0.2, y, name, va="center", fontsize=10, weight="bold", color=INK)
        axes.text(1.35, y, first_line(name), va="center", fontsize=8.5, color=INK)
        x = left + number * cell
        axes.plot([WIDTH_OF_TEXT - 0.1, x], [y, y], color=LINE, linewidth=0.8, zorder=0)
        axes.plot([x, x], [y, top + (n - 1) * cell], color=LINE, linewidth=0.8, zorder=0)
        axes.text(
            x + 0.06, y - 0.09, name, rotation=45, ha="left", va="bottom", fontsize=8, color=INK
        )
    for (importer, source), count in counts.items():
        x, y = left + importer * cell, top + source * cell
        axes.plot([x], [y], "o", color=DOT, markersize=3.0 + 1.6 * count**0.5)
    return figure


def main() -> None:
    """Write the picture, and print what is in it."""
    rcParams["svg.hashsalt"] = "emqs"  # the same imports give the same file
    rcParams["svg.fonttype"] = "none"
    rows = rooms()
    counts = imports(rows)
    path = TOP / "docs" / "architecture.svg"
    figure = draw(rows, counts)
    figure.savefig(path, metadata={"Date": None})
    for (importer, source), count in sorted(counts.items()):
        print(f"{rows[importer][0]:<12} imports {rows[source][0]:<12} {count:>3} times")
    print(path)


if __name__ == "__main__":
    main()
