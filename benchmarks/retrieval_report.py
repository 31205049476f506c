"""The tables and figures of ``retrieval.py``: means over draws, with 95 % confidence intervals."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from scipy import stats
from written_pages import write_between

from emqs import files
from emqs.figures import style
from emqs.runs import tables

METRICS = {
    "component_ap": "component AP",
    "patch_ap_touch": "patch AP, touch",
    "patch_ap_overlap": "patch AP, overlap",
    "precision_10": "P@10",
    "recall_100": "R@100",
}
CHANCE = "random ranking"
MARKS = "<!-- of results -->\n", "<!-- end of results -->"
FIGURES = ("component_ap", "patch_ap_overlap")
FIGURE_SCORERS = ("default", "paper")
FIGURE_MODELS = ("contrastive",)
TABLES = (1, 5, 50)  # examples of each kind of the tables of structures of the page
SHOWN = 5  # examples of each kind of the table of all metrics
LEVEL = 0.95
BANDS = "; bands: 95 % interval of the mean over draws"

# Colour, marker and line of each model; encoders are coloured, baselines grey with dashed lines.
LOOKS: dict[str, tuple[str, str, str]] = {
    "contrastive": (style.BLUE, "o", "-"),
    "contrastive+histogram": (style.SKY_BLUE, "s", "-"),
    "imagenet": (style.GREEN, "^", "-"),
    "vae": (style.VERMILLION, "D", "-"),
    "ae": (style.ORANGE, "v", "-"),
    "vae published": (style.VERMILLION, "d", "--"),
    "ae published": (style.ORANGE, ">", "--"),
    "handcrafted": (style.PURPLE, "P", "-"),
    "histogram": ("#555555", "X", "--"),
    "pca": ("#777777", "<", "--"),
    "pixels": (style.GREY, "p", "--"),
    CHANCE: (style.BLACK, "", ":"),
}
OTHER_LOOKS = (
    (style.BLUE, "o", "-"), (style.VERMILLION, "D", "-"), (style.GREEN, "^", "-"),
    (style.ORANGE, "v", "-"), (style.SKY_BLUE, "s", "-"), (style.PURPLE, "P", "-"),
    ("#555555", "X", "--"), (style.GREY, "p", "--"), (style.YELLOW, "h", "-"),
)  # fmt: skip


@dataclass(frozen=True)
class Interval:
    """The mean over draws, and how sure it is."""

    mean: float
    low: float
    high: float
    half: float  # as if there were no limits at 0 and 1
    n: int  # draws

    def __str__(self) -> str:
        """Return it for a table."""
        if self.n == 1:
            return f"{self.mean:.3f}"
        return f"{self.mean:.3f} ({self.low:.2f}-{self.high:.2f})"


def interval(values: Sequence[float] | np.ndarray) -> Interval:
    """Return mean and Student's confidence interval of draws; a single draw has none.

    It tells how sure the mean over choices of examples is, in these very slices; not how the next
    dataset will be.
    """
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return Interval(mean, mean, mean, 0.0, n)
    half = half_interval(values)
    return Interval(mean, max(0.0, mean - half), min(1.0, mean + half), half, n)


def half_interval(values: Sequence[float] | np.ndarray) -> float:
    """Return half of Student's confidence interval of the mean of two or more draws."""
    n = len(values)
    return float(stats.t.ppf((1 + LEVEL) / 2, n - 1) * np.std(values, ddof=1) / np.sqrt(n))


Row = Mapping[str, str]
Key = tuple[str, str, int]  # model, scorer, examples


@dataclass(frozen=True)
class Panel:
    """The results of one structure of one dataset."""

    title: str
    note: str
    chance: dict[str, float]  # of each metric
    found: dict[Key, dict[str, Interval]]  # of each metric


def panel(title: str, note: str, chance: dict[str, float], rows: Sequence[Row]) -> Panel:
    """Return a panel of the results of single draws."""
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault((row["model"], row["scorer"], int(row["examples"])), []).append(row)
    found = {
        key: {name: interval([float(row[name]) for row in group]) for name in METRICS}
        for key, group in groups.items()
    }
    return Panel(title, note, chance, found)


def write(panels: Sequence[Panel], folder: Path) -> list[Path]:
    """Write ``results.csv``, ``results.md`` and the figures; return their paths."""
    rows = [row for one in panels for row in _rows(one)]
    paths = [
        tables.write_csv(folder / "results.csv", {k: [row[k] for row in rows] for k in rows[0]}),
        files.write_text(folder / "results.md", "\n".join(_markdown(one) for one in panels)),
        files.write_text(folder / "summary.md", _summary(panels)),
    ]
    return paths + [
        _figure(panels, lines, looks, metric, f"{METRICS[metric]}, {name}{BANDS}", folder / file)
        for metric in FIGURES
        for name, file, lines, looks in _comparisons(panels, metric)
    ]


Look = tuple[str, str, str]  # colour, marker, line
Comparison = tuple[str, str, dict[str, tuple[str, str]], Mapping[str, Look]]


def _comparisons(panels: Sequence[Panel], metric: str) -> list[Comparison]:
    """Return title, file name, lines (label to model and scorer) and looks of each figure."""
    keys = [key for one in panels for key in one.found]
    found: list[Comparison] = []
    for scorer in FIGURE_SCORERS:
        models = {model for model, used, _ in keys if used == scorer}
        lines = {model: (model, scorer) for model in LOOKS if model in models}
        if lines:
            found.append((f"query={scorer}", f"models_{scorer}_{metric}.png", lines, LOOKS))
    own = {model: (model, scorer) for model in FIGURE_MODELS for scorer in FIGURE_SCORERS[:1]}
    others = {model: (model, FIGURE_SCORERS[1]) for model in LOOKS if model not in own}
    lines = {
        model: line for model, line in (own | others).items() if line in {key[:2] for key in keys}
    }
    if len(lines) > 1:
        found.append(
            (
                "contrastive: default search, others: query=paper",
                f"all_{metric}.png",
                lines,
                LOOKS,
            )
        )
    for model in FIGURE_MODELS:
        scorers = list(dict.fromkeys(scorer for used, scorer, _ in keys if used == model))
        looks = dict(zip(scorers, OTHER_LOOKS, strict=False)) | {CHANCE: LOOKS[CHANCE]}
        lines = {scorer: (model, scorer) for scorer in scorers if scorer in looks}
        if lines:
            found.append((f"model={model}", f"scorers_{model}_{metric}.png", lines, looks))
    return found


def _rows(one: Panel) -> list[dict[str, object]]:
    """Return a row for each point, with every metric; chance last."""
    rows: list[dict[str, object]] = []
    for (model, scorer, n), found in one.found.items():
        row: dict[str, object] = {
            "case": one.title, "note": one.note, "model": model, "scorer": scorer, "examples": n,
            "draws": found["component_ap"].n,
        }  # fmt: skip
        for name in METRICS:
            row |= {
                name: found[name].mean,
                f"{name}_low": found[name].low,
                f"{name}_high": found[name].high,
            }
        rows.append(row)
    last: dict[str, object] = dict.fromkeys(rows[0], "")
    last |= {"case": one.title, "note": one.note, "model": CHANCE} | one.chance
    return [*rows, last]


def _markdown(one: Panel) -> str:
    """Return the tables of one panel: two metrics by number of examples, and all at one number."""
    numbers = sorted({n for _, _, n in one.found})
    lines = list(dict.fromkeys(key[:2] for key in one.found))
    text = f"## {one.title}\n\n{one.note}\n"
    for metric in FIGURES:
        rows: list[dict[str, object]] = [
            {"model": model, "scorer": scorer}
            | {f"{n}+{n}": _cell(one.found.get((model, scorer, n)), metric) for n in numbers}
            for model, scorer in lines
        ]
        chance = {f"{n}+{n}": f"{one.chance[metric]:.3f}" for n in numbers}
        rows.append({"model": CHANCE, "scorer": ""} | chance)
        text += f"\n### {METRICS[metric]}\n\n{tables.markdown_table(rows)}"
    shown = SHOWN if SHOWN in numbers else numbers[-1]
    rows = [
        {"model": model, "scorer": scorer}
        | {
            word: _cell(one.found.get((model, scorer, shown)), name)
            for name, word in METRICS.items()
        }
        for model, scorer in lines
    ]
    chance = {word: f"{one.chance[name]:.3f}" for name, word in METRICS.items()}
    rows.append({"model": CHANCE, "scorer": ""} | chance)
    return (
        text + f"\n### All metrics with {shown}+{shown} examples\n\n{tables.markdown_table(rows)}"
    )


def _summary(panels: Sequence[Panel]) -> str:
    """Return means over the structures, and tables of structures: component AP / patch AP."""
    keys = dict.fromkeys(key for one in panels for key in one.found)
    lines = list(dict.fromkeys(key[:2] for key in keys if key[1] in FIGURE_SCORERS))
    numbers = sorted({n for _, _, n in keys})

    def both(cell: Callable[[str], str]) -> str:
        return " / ".join(cell(name) for name in FIGURES)

    def mean(line: tuple[str, str], n: int) -> str:
        found = [one.found.get((*line, n)) for one in panels]
        there = [own for own in found if own is not None]
        if len(there) < len(found):
            return ""
        return both(lambda name: _short(_mean([own[name] for own in there])))

    def alone(found: Mapping[str, Interval] | None) -> str:
        return "" if found is None else both(lambda name: _short(found[name]))

    rows: list[dict[str, object]] = [
        {"encoder, search": ", ".join(line)} | {f"{n} + {n}": mean(line, n) for n in numbers}
        for line in lines
    ]
    chance = both(lambda name: f"{np.mean([one.chance[name] for one in panels]):.2f}")
    rows.append({"encoder, search": CHANCE} | {f"{n} + {n}": chance for n in numbers})
    text = f"## Means over the {len(panels)} structures\n\n{tables.markdown_table(rows)}\n"
    for n in numbers if len(numbers) < len(TABLES) else sorted({*TABLES} & {*numbers}):
        rows = [
            {"structure": one.title}
            | {", ".join(line): alone(one.found.get((*line, n))) for line in lines}
            | {CHANCE: both(lambda name, of=one: f"{of.chance[name]:.2f}")}
            for one in panels
        ]
        text += f"## {n} + {n} examples\n\n{tables.markdown_table(rows)}\n"
    return text


def _mean(parts: Sequence[Interval]) -> Interval:
    """Return the mean over structures, whose draws do not depend on each other."""
    mean = float(np.mean([one.mean for one in parts]))
    half = float(np.sqrt(np.sum([one.half**2 for one in parts])) / len(parts))
    return Interval(mean, max(0.0, mean - half), min(1.0, mean + half), half, parts[0].n)


def _short(one: Interval) -> str:
    return f"{one.mean:.2f}" if one.n == 1 else f"{one.mean:.2f} ± {one.half:.2f}"


def write_page(folder: Path, page: Path) -> list[Path]:
    """Copy ``summary.md`` between two comments of a page, CSV and figures into a folder beside it.

    Args:
        folder: Where ``write`` wrote.
        page: With the comments ``MARKS``; the folder has its name without ``.md``.
    """
    summary = (folder / "summary.md").read_text(encoding="utf-8").replace("## ", "### ")
    beside = page.with_suffix("")
    beside.mkdir(exist_ok=True)
    names = ["results.csv", *(f"all_{metric}.png" for metric in FIGURES)]
    for name in names:
        shutil.copyfile(folder / name, beside / name)
    write_between(page, MARKS, summary)
    return [page, *(beside / name for name in names)]


def _cell(found: dict[str, Interval] | None, metric: str) -> str:
    return "" if found is None else str(found[metric])


def _figure(
    panels: Sequence[Panel],
    lines: Mapping[str, tuple[str, str]],
    looks: Mapping[str, tuple[str, str, str]],
    metric: str,
    title: str,
    path: Path,
) -> Path:
    """Draw a metric against the number of examples, one panel for each structure.

    Args:
        panels: What was found.
        lines: Label to model and scorer.
        looks: Label to colour, marker and line; the random ranking is among them.
        metric: A key of ``METRICS``.
        title: Of the figure.
        path: Where to.
    """
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure = style.new_figure(3.4 * columns, 2.9 * rows + 0.9, title=title)
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for place, (ax, one) in enumerate(zip(axes.flat, panels, strict=False)):
        _draw(ax, one, lines, looks, metric)
        if place % columns == 0:
            ax.set_ylabel(METRICS[metric], fontsize=style.LABEL)
        if place + columns >= len(panels):
            ax.set_xlabel("positive examples, and as many negative", fontsize=style.SMALL + 1)
    for ax in axes.flat[len(panels) :]:
        ax.set_visible(False)
    handles = {
        label: handle
        for ax in axes.flat
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    order = [label for label in (*lines, CHANCE) if label in handles]
    figure.legend(
        [handles[label] for label in order], order,
        loc="outside lower center", ncols=min(5, len(order)), frameon=False,
        fontsize=style.SMALL + 1,
    )  # fmt: skip
    return style.save(figure, path)


def _draw(
    ax: Axes,
    one: Panel,
    lines: Mapping[str, tuple[str, str]],
    looks: Mapping[str, tuple[str, str, str]],
    metric: str,
) -> None:
    """Draw one panel: a line with its interval for each label, and chance."""
    numbers = sorted({n for _, _, n in one.found})
    for label, (model, scorer) in lines.items():
        points = [
            (n, one.found[model, scorer, n][metric])
            for n in numbers
            if (model, scorer, n) in one.found
        ]
        if not points:
            continue
        colour, marker, line = looks[label]
        x = [n for n, _ in points]
        mean = np.array([v.mean for _, v in points])
        ax.fill_between(
            x, [v.low for _, v in points], [v.high for _, v in points],
            color=colour, alpha=0.10, linewidth=0,
        )  # fmt: skip
        ax.plot(
            x, mean, color=colour, marker=marker, linestyle=line, label=label,
            linewidth=1.6, markersize=4.5, markeredgecolor="white", markeredgewidth=0.4,
        )  # fmt: skip
    colour, _, line = looks[CHANCE]
    ax.axhline(one.chance[metric], color=colour, linestyle=line, linewidth=1.4, label=CHANCE)
    ax.set_xscale("log")
    ax.set_xticks(numbers, [str(n) for n in numbers])
    ax.minorticks_off()
    ax.set_ylim(0, 1)
    ax.set_title(one.title, fontsize=style.LABEL)
    ax.tick_params(labelsize=style.SMALL)
    ax.grid(axis="y", color="#E5E5E5", linewidth=0.8)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
