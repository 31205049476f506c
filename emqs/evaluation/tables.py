"""Tables and summaries of one evaluation and of a sweep."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from emqs import files
from emqs.runs import sweep as sweeps
from emqs.runs import tables

if TYPE_CHECKING:
    from emqs.figures.curves import Curve

CURVE_FILE = "pr_curve.csv"


def summary(result: dict[str, Any], class_name: str | None) -> str:
    """Return one evaluation as a few lines for a terminal of 100 columns."""
    named = f" ({class_name})" if class_name else ""
    head = (
        f"\n{result['dataset']}: structure {result['structure']}{named} in "
        f"{result['n_searched_patches']:,} patches of {result['patch_size_px']} px, stride "
        f"{result['patch_stride_px']} px.\nExamples: {result['n_positive']} positive and "
        f"{result['n_negative']} negative patches from {result['n_query_slices']} of "
        f"{result['n_slices']} slices.\n"
    )
    table = [*rows([result]), chance_row(result)]
    cut = result["calibration"]
    if cut is not None:
        at = cut["threshold"]
        head += (
            f"Suggested cut: the {at['n_patches']:,} patches with a probability of at least "
            f"{at['probability']:.2f};\nexpected precision {at['expected_precision']:.2f} (found: "
            f"{at['precision']:.2f}), calibration error {cut['expected_calibration_error']:.3f}.\n"
        )
    return head + "\n" + tables.plain_table([_narrow(row) for row in table])


def _narrow(row: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a row that are shown on the terminal."""
    hidden = ("dataset", "structure", "batch size", "patch", "stride", "min overlap", "patches")
    return {name: value for name, value in row.items() if name not in hidden}


def component_ap(result: dict[str, Any]) -> str:
    """Return the name of the component AP that a ``metrics.json`` leads with."""
    return "component_ap_paper" if result["measure"] == "paper" else "component_ap"


def read_metrics(folder: Path) -> dict[str, Any]:
    """Return the ``metrics.json`` of a finished point; in old ones all is of the paper's sum."""
    result: dict[str, Any] = files.read_json(folder / "metrics.json", "the metrics of a run")
    if "component_ap_paper" in result:
        return result
    for part in (result, result["chance"], result["confidence_95"]):
        part["component_ap_paper"] = part.pop("component_ap")
    return result | {"measure": "paper"}


COLUMNS = {"component_ap": "component AP", "component_ap_paper": "component AP, paper"}


def rows(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row of the printed table for each ``metrics.json``, of one ``measure``."""
    ap = component_ap(results[0])
    return [
        {
            "model": r["model"],
            "dataset": r["dataset"],
            "structure": r["structure"],
            "batch size": r["batch_size"],
            "patch": r["patch_size_px"],
            "stride": r["patch_stride_px"],
            "min overlap": r["min_overlap"],
            COLUMNS[ap]: r[ap],
            "95 % interval": "{:.3f}-{:.3f}".format(*r["confidence_95"][ap]),
            "patch AP, touch": r["patch_ap_touch"],
            "patch AP, overlap": r["patch_ap_overlap"],
            "P@50, overlap": r["precision_overlap"]["50"],
            "patches": r["n_searched_patches"],
            "seconds": f"{r['seconds']:.1f}",
        }
        for r in results
    ]


def chance_row(result: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a random ranking under the same conditions as a result."""
    chance, ap = result["chance"], component_ap(result)
    return {
        **rows([result])[0],
        "model": "random ranking",
        COLUMNS[ap]: chance[ap],
        "95 % interval": None,
        "patch AP, touch": chance["patch_ap_touch"],
        "patch AP, overlap": chance["patch_ap_overlap"],
        "P@50, overlap": chance["precision_overlap"],
        "seconds": None,
    }


CONDITION = (
    "dataset", "structure", "batch_size", "patch_size_px", "patch_stride_px", "min_overlap",
    "measure",
)  # fmt: skip


LABELS = {"weights": "", "index": "", "num_neighbors": "neighbours "}  # beside a model's name


Point = tuple[dict[str, Any], Path]  # metrics.json of a finished point, and its folder


class CombineResults(sweeps.SweepEnd):
    """At the end of a sweep: one table and one PR figure of all finished points."""

    def combine(self, sweep: Path, folders: list[Path]) -> None:
        """Write ``evaluation_results.csv``, ``.md``, ``.tex`` and ``.png`` into the sweep."""
        from emqs.figures import curves, style  # this class is there from the start of a command

        groups: dict[tuple[Any, ...], list[Point]] = {}
        for folder in folders:
            result = read_metrics(folder)
            groups.setdefault(tuple(result[name] for name in CONDITION), []).append(
                (result, folder)
            )
        table = []
        for condition, points in sorted(groups.items()):
            points.sort(key=lambda point: -point[0][component_ap(point[0])])
            print(f"\n{_title(condition)}")  # noqa: T201
            labels = _labels(points)
            part = []
            for row, label in zip(rows([result for result, _ in points]), labels, strict=True):
                part.append({**row, "model": label})
            part.append(chance_row(points[0][0]))
            print(tables.plain_table([_narrow(row) for row in part]))  # noqa: T201
            table += part
        write_table(table, sweep)
        figure = curves.combined_precision_recall(
            {_title(condition): _curves(points) for condition, points in sorted(groups.items())}
        )
        style.save(figure, sweep / "evaluation_results.png")
        print(f"\nCombined table and figure: {sweep}/evaluation_results.*")  # noqa: T201


def point_labels(
    results: list[dict[str, Any]], typed: Sequence[Mapping[str, str]] = ()
) -> list[str]:
    """Return a name for each result: its model, and what else sets it apart from the others.

    Results that differ in nothing that is known of them are numbered.

    Args:
        results: ``metrics.json`` of each.
        typed: Settings of each, as they were typed, by name.
    """
    labels = [str(result["model"]) for result in results]
    told = [
        (word, [Path(str(result[key])).stem for result in results]) for key, word in LABELS.items()
    ]
    for name in dict.fromkeys(name for settings in typed for name in settings):
        last = name.rpartition(".")[2]
        if last not in (*CONDITION, *LABELS, "model"):
            told.append((f"{last} ", [settings.get(name, "as usual") for settings in typed]))
    for word, values in told:
        known = {
            label: {v for x, v in zip(labels, values, strict=True) if x == label}
            for label in labels
        }
        labels = [
            f"{label}, {word}{value}" if len(known[label]) > 1 else label
            for label, value in zip(labels, values, strict=True)
        ]
    return [
        f"{label}, {labels[:i].count(label) + 1}" if labels.count(label) > 1 else label
        for i, label in enumerate(labels)
    ]


def _labels(points: list[Point]) -> list[str]:
    """Return a name for each finished point; Hydra noted what was typed for it."""
    typed = []
    for _, folder in points:
        noted = folder / ".hydra" / "overrides.yaml"
        given = yaml.safe_load(noted.read_text()) if noted.is_file() else []
        pairs = (str(item).lstrip("+").partition("=") for item in given)
        typed.append({name: value for name, _, value in pairs})
    return point_labels([result for result, _ in points], typed)


def write_table(table: list[dict[str, Any]], folder: Path) -> None:
    """Write ``evaluation_results`` as CSV, Markdown and LaTeX."""
    name = folder / "evaluation_results"
    tables.write_csv(name.with_suffix(".csv"), {k: [row[k] for row in table] for k in table[0]})
    files.write_text(name.with_suffix(".md"), tables.markdown_table(table))
    caption = "Retrieval by example: average precision of each model."
    files.write_text(name.with_suffix(".tex"), tables.latex_table(table, caption=caption))


def _title(condition: tuple[Any, ...]) -> str:
    dataset, structure, batch_size, size, stride, min_overlap, measure = condition
    return (
        f"{dataset}, structure {structure}, batch size {batch_size}, patch {size}/{stride} px, "
        f"overlap > {min_overlap:g}{', measured as in the paper' if measure == 'paper' else ''}"
    )


def _curves(points: list[Point]) -> "list[Curve]":
    """Read the PR curves that finished points left behind."""
    import numpy as np

    from emqs.figures.curves import Curve

    labels = _labels(points)
    drawn = []
    for (result, folder), label in zip(points, labels, strict=True):
        table = np.loadtxt(folder / CURVE_FILE, delimiter=",", skiprows=1, ndmin=2)  # (N, 2)
        drawn.append(
            Curve(
                label=label,
                recall=table[:, 0],
                precision=table[:, 1],
                average_precision=result[component_ap(result)],
                chance=result["chance"][component_ap(result)],
                paper=result["measure"] == "paper",
            )
        )
    return drawn
