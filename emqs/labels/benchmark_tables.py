"""Tables and the chart of what bench measured."""

from pathlib import Path
from typing import Any

import numpy as np

from emqs import files
from emqs.figures import bars, style
from emqs.labels import benchmark
from emqs.runs import tables


def described(results: dict[str, Any]) -> str:
    """Return what was measured, one line."""
    volume = results["volume"]
    size = " x ".join(str(side) for side in volume["shape"])
    runs = results["results"][0]["runs"]
    return (
        f"{volume['what']}: {size} voxels (Z Y X) of {volume['dtype']}, {volume['n_labels']:,} "
        f"labels; median (lowest-highest) of {runs} run{'s' if runs > 1 else ''}, one thread"
    )


def write(measured: list[dict[str, Any]], folder: Path) -> None:
    """Write CSV, Markdown and LaTeX tables and the chart of one or many measurements."""
    entries = [
        {"volume": one["volume"]["what"], "dtype": one["volume"]["dtype"], **entry}
        for one in measured
        for entry in one["results"]
    ]
    flat = [benchmark.flat(entry) for entry in entries]
    tables.write_csv(folder / "results.csv", {key: [row[key] for row in flat] for key in flat[0]})
    several = len({one["volume"]["what"] for one in measured}) > 1
    rows = [
        ({"volume": entry["volume"]} if several else {}) | benchmark.row(entry) for entry in entries
    ]
    files.write_text(folder / "results.md", tables.markdown_table(rows))
    caption = "Label-volume codecs: size, and speed in MB of the volume per second."
    files.write_text(folder / "results.tex", tables.latex_table(rows, caption=caption))
    style.save(chart(measured), folder / "ratios.png")


def chart(measured: list[dict[str, Any]]) -> style.Figure:
    """Return the paper's chart: compression ratios, grouped by compressor.

    Of several volumes, the mean ratio is drawn, as in the paper.
    """
    ratios: dict[str, dict[str, list[float]]] = {}
    for one in measured:
        for entry in one["results"]:
            group = ratios.setdefault(entry["compression"], {})
            group.setdefault(entry["encoding"], []).append(entry["ratio"])
    known = [name for name in benchmark.all_encodings() if any(name in g for g in ratios.values())]
    means = {
        compressor: {name: float(np.mean(values)) for name, values in group.items()}
        for compressor, group in ratios.items()
    }
    # the strongest compressor first, none last: the eye compares neighbours
    order = sorted(means, key=lambda c: (c == "none", -max(means[c].values())))
    volumes = list(dict.fromkeys(one["volume"]["what"] for one in measured))
    what = volumes[0] if len(volumes) == 1 else f"mean of {len(volumes)} volumes"
    dtypes = "/".join(dict.fromkeys(one["volume"]["dtype"] for one in measured))
    return bars.grouped(
        {compressor: means[compressor] for compressor in order},
        series=known,
        title=f"Compression ratio, {what}",
        ylabel=f"times smaller than {dtypes}",
        xlabel="compressor after the encoding",
    )
