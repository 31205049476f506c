"""Label volumes: measure codecs, convert, verify, ask for labels, recommend a codec.

python -m emqs.compress task=bench
python -m emqs.compress task=convert source=PATH target=PATH.zarr
"""

import json
import logging
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import hydra
import numpy as np
from omegaconf import DictConfig
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from emqs import command, report
from emqs.codecs import CODECS, COMPRESSORS, MAX_VOXELS
from emqs.config import CONFIG_DIR, BenchConfig, CompressConfig, InputConfig, read
from emqs.errors import ConfigError, DataError
from emqs.figures import bars, style
from emqs.label_files import Box, Reader, open_volume
from emqs.label_tasks import bench
from emqs.label_tasks.region import Region
from emqs.synthetic.segmentation import segmentation

logger = logging.getLogger(__name__)

RESULTS = "results.json"


def compress(cfg: DictConfig, run: report.Run) -> float | None:
    """Do one task, as the settings say.

    Args:
        cfg: The composed configuration of ``configs/compress.yaml``.
        run: Where results go.

    Returns:
        What a sweep may optimise, or None.
    """
    names = [part.name for part in fields(CompressConfig)]
    settings = read(CompressConfig, {name: cfg[name] for name in names}, "")
    tasks: dict[str, Callable[[DictConfig, CompressConfig, report.Run], float | None]] = {
        "bench": bench_task,
    }
    return tasks[settings.task](cfg, settings, run)


def opened(cfg: DictConfig, settings: CompressConfig) -> Reader:
    """Open the source.

    Raises:
        ConfigError: If there is none.
        DataError: If it cannot be read.
    """
    if settings.source is None:
        raise ConfigError(f"task={settings.task} needs a label volume: give source=PATH.")
    how = read(InputConfig, cfg.input, "input")
    reader = open_volume(
        Path(settings.source),
        format_name=how.format,
        axes=how.axes,
        dataset=how.dataset,
        scale=how.scale,
    )
    if how.region is None and how.voxel_size_nm is None:
        return reader
    return Region(reader, how.region, how.voxel_size_nm)


def progress_bar() -> Progress:
    """Return a bar with the time left; nothing is drawn where output is no terminal."""
    bars_shown = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    return Progress(*bars_shown, TimeRemainingColumn(), transient=True)


def bench_task(cfg: DictConfig, settings: CompressConfig, run: report.Run) -> float:
    """Measure encodings and compressors; write tables and a chart."""
    how = read(BenchConfig, cfg.bench, "bench")
    everything = settings.grid == "all"
    encodings = (
        bench.all_encodings()
        if everything
        else bench.names(settings.encoding, list(CODECS), "encoding")
    )
    compressors = (
        bench.all_compressors()
        if everything
        else bench.names(settings.compressor, list(COMPRESSORS), "compressor")
    )
    volume, what = bench_volume(cfg, settings, how)
    with progress_bar() as progress:
        task = progress.add_task(
            "measuring", total=how.runs * len(encodings) * len(compressors)
        )

        def step(name: str) -> None:
            progress.update(task, advance=1, description=name)

        found, left_out = bench.measure(
            volume, encodings, compressors, runs=how.runs, slow_bytes=how.slow_bytes, step=step
        )
    results = {
        "volume": {
            "what": what,
            "shape": list(volume.shape),
            "dtype": str(volume.dtype),
            "n_labels": len(np.unique(volume)),
        },
        "results": [bench.record(result) for result in found],
        "left_out": left_out,
    }
    run.save_json(RESULTS, results)
    write_results([results], run.folder)
    best = min(found, key=lambda result: result.compressed_bytes)
    run.log_metrics({"ratio": best.ratio, "bits_per_voxel": best.bits_per_voxel})
    run.log_figure(run.folder / "ratios.png")
    print(f"\n{described(results)}")  # noqa: T201
    print(report.plain_table([bench.row(entry) for entry in results["results"]]))  # type: ignore[attr-defined] # noqa: T201
    for name, why in left_out.items():
        print(f"left out: {name}: {command.one_line(CommandText(why))}")  # noqa: T201
    print(f"\nTables and chart: {run.folder}")  # noqa: T201
    return best.ratio


class CommandText(Exception):
    """A text that is shown on one line."""


def bench_volume(
    cfg: DictConfig, settings: CompressConfig, how: BenchConfig
) -> tuple[np.ndarray, str]:
    """Return the volume to measure, ``(Z, Y, X)`` unsigned, and what it is."""
    if settings.source is None:
        sample = how.sample
        volume = segmentation(
            sample.depth, sample.height, sample.width, n_objects=sample.n_objects, seed=sample.seed
        )
        what = "a synthetic segmentation"
    else:
        with opened(cfg, settings) as reader:
            size = int(np.prod(reader.shape, dtype=object))
            if size > MAX_VOXELS:
                raise DataError(
                    f"{reader.path} has {size:,} voxels; bench holds the volume in memory, at most "
                    f"{MAX_VOXELS:,}. Measure a part: input.region='[[0,64],[0,1024],[0,1024]]'."
                )
            volume, what = reader.read_all(), reader.path.name
    if volume.dtype.kind == "i" and volume.min() < 0:
        raise DataError(
            f"{settings.source} holds negative labels ({volume.min()}); the encodings take unsigned "
            "ones. task=convert to Zarr keeps them."
        )
    if volume.dtype.kind != "u":
        volume = volume.astype(f"u{volume.dtype.itemsize}")
    if how.dtype is not None:
        if int(volume.max()) > np.iinfo(how.dtype).max:
            raise ConfigError(
                f"bench.dtype={how.dtype} cannot hold label {volume.max()}. Take a wider one."
            )
        volume = volume.astype(how.dtype)
    return volume, what


def described(results: dict[str, Any]) -> str:
    """Return what was measured, one line."""
    volume = results["volume"]
    size = " x ".join(str(side) for side in volume["shape"])
    runs = results["results"][0]["runs"]
    return (
        f"{volume['what']}: {size} voxels (Z Y X) of {volume['dtype']}, {volume['n_labels']:,} "
        f"labels; median (lowest-highest) of {runs} run{'s' if runs > 1 else ''}, one thread"
    )


def write_results(measured: list[dict[str, Any]], folder: Path) -> None:
    """Write CSV, Markdown and LaTeX tables and the chart of one or many measurements."""
    entries = [
        {"volume": one["volume"]["what"], "dtype": one["volume"]["dtype"], **entry}
        for one in measured
        for entry in one["results"]
    ]
    flat = [bench.flat(entry) for entry in entries]
    report.write_csv(
        folder / "results.csv", {key: [row[key] for row in flat] for key in flat[0]}
    )
    several = len({one["volume"]["what"] for one in measured}) > 1
    rows = [
        ({"volume": entry["volume"]} if several else {}) | bench.row(entry) for entry in entries
    ]
    report.write_text(folder / "results.md", report.markdown_table(rows))
    caption = "Label-volume codecs: size, and speed in MB of the volume per second."
    report.write_text(folder / "results.tex", report.latex_table(rows, caption=caption))
    style.save(chart(measured), folder / "ratios.png")


def chart(measured: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - a matplotlib figure
    """Return the paper's chart: compression ratios, grouped by compressor.

    Of several volumes, the mean ratio is drawn, as in the paper.
    """
    ratios: dict[str, dict[str, list[float]]] = {}
    for one in measured:
        for entry in one["results"]:
            group = ratios.setdefault(entry["compression"], {})
            group.setdefault(entry["encoding"], []).append(entry["ratio"])
    known = [name for name in bench.all_encodings() if any(name in g for g in ratios.values())]
    means = {
        compressor: {name: float(np.mean(values)) for name, values in group.items()}
        for compressor, group in ratios.items()
    }
    # the strongest compressor first, none last: the eye compares neighbours
    order = sorted(means, key=lambda c: (c == "none", -max(means[c].values())))
    volumes = list(dict.fromkeys(one["volume"]["what"] for one in measured))
    dtypes = "/".join(dict.fromkeys(one["volume"]["dtype"] for one in measured))
    return bars.grouped(
        {compressor: means[compressor] for compressor in order},
        series=known,
        title=f"Compression ratio, {volumes[0] if len(volumes) == 1 else f'mean of {len(volumes)} volumes'}",
        ylabel=f"times smaller than {dtypes}",
        xlabel="compressor after the encoding",
    )


class CombineResults(command.SweepEnd):
    """At the end of a sweep of bench: one table and one chart of all points."""

    def combine(self, sweep: Path, folders: list[Path]) -> None:
        """Write ``results.csv``, ``.md``, ``.tex`` and ``ratios.png`` into the sweep."""
        measured = [
            json.loads((folder / RESULTS).read_text(encoding="utf-8"))
            for folder in folders
            if (folder / RESULTS).is_file()
        ]
        if not measured:
            return
        write_results(measured, sweep)
        rows = [bench.row(entry) for one in measured for entry in one["results"]]
        print("\n" + report.plain_table(rows))  # noqa: T201
        print(f"\nCombined tables and chart: {sweep}")  # noqa: T201


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="compress")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.compress``."""
    return command.run("compress", cfg, compress)


if __name__ == "__main__":
    command.start("compress", main)
