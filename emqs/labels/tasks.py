"""The tasks of label volumes: convert, verify, questions, recommend, benchmark."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from emqs.codecs import CODECS, COMPRESSORS, MAX_VOXELS
from emqs.datasets.synthetic.segmentation import segmentation
from emqs.errors import ConfigError, DataError
from emqs.geometry import Box
from emqs.labels import benchmark, benchmark_tables, convert, questions, recommend, verify
from emqs.labels.region import part_of
from emqs.labels.second import Second, second
from emqs.labels.settings import (
    RESULTS,
    BenchConfig,
    CodecConfig,
    CompressConfig,
    InputConfig,
    OutputConfig,
    RecommendConfig,
)
from emqs.runs import command, record, tables
from emqs.runs.progress import progress_bar, stages
from emqs.settings import read
from emqs.volumes.addresses import is_bucket
from emqs.volumes.axes import Request
from emqs.volumes.creating import format_of_target, target_dtype
from emqs.volumes.isolated import open_labels_isolated
from emqs.volumes.opening import requested
from emqs.volumes.staging import staged
from emqs.volumes.volume import Volume

IN_BUCKETS = ("zarr", "n5", "precomputed")  # formats of many files, which are put there one by one


def opened(cfg: DictConfig, settings: CompressConfig) -> Volume:
    """Open the source.

    Raises:
        ConfigError: If there is none.
        DataError: If it cannot be read, or holds no labels.
    """
    how = read(InputConfig, cfg.input, "input")
    whole = opened_whole(how, settings)
    return whole if how.region is None else part_of(whole, how.region)


def opened_whole(how: InputConfig, settings: CompressConfig) -> Volume:
    """Open all of the source; see ``opened``."""
    if settings.source is None:
        raise ConfigError(f"task={settings.task} needs a label volume: give source=PATH.")
    return open_labels_isolated(settings.source, request_of(how)).require_labels()


def opened_twice(cfg: DictConfig, settings: CompressConfig) -> tuple[Volume, Second]:
    """Open the source, and once more in another way, to compare with.

    Raises:
        ConfigError: As ``opened``.
        DataError: As ``opened``, or if the two openings differ.
    """
    how = read(InputConfig, cfg.input, "input")
    whole = opened_whole(how, settings)
    again = second(whole, str(settings.source), request_of(how))
    if how.region is None:
        return whole, again
    return part_of(whole, how.region), replace(again, volume=part_of(again.volume, how.region))


def request_of(how: InputConfig) -> Request:
    """Return how the source is opened, as ``input`` says."""
    asked = requested(
        level=0 if how.scale is None else how.scale,
        dataset=how.dataset,
        select=how.select,
        voxel_size_nm=how.voxel_size_nm,
        axes=how.axes,
        origin_nm=how.origin_nm,
        format=how.format,
    )
    return replace(asked, labels=True, prefix="input.")


def bench_task(cfg: DictConfig, settings: CompressConfig, run: record.Run) -> float:
    """Measure encodings and compressors; write tables and a chart."""
    how = read(BenchConfig, cfg.bench, "bench")
    everything = settings.grid == "all"
    encodings = (
        benchmark.all_encodings()
        if everything
        else benchmark.names(settings.encoding, list(CODECS), "encoding")
    )
    compressors = (
        benchmark.all_compressors()
        if everything
        else benchmark.names(settings.compressor, list(COMPRESSORS), "compressor")
    )
    volume, what = bench_volume(cfg, settings, how)
    with progress_bar(transient=True) as progress:
        task = progress.add_task("measuring", total=how.runs * len(encodings) * len(compressors))

        def step(name: str) -> None:
            progress.update(task, advance=1, description=name)

        measured, left_out = benchmark.measure(
            volume, encodings, compressors, runs=how.runs, slow_bytes=how.slow_bytes, step=step
        )
    results: dict[str, Any] = {
        "volume": {
            "what": what,
            "shape": list(volume.shape),
            "dtype": str(volume.dtype),
            "n_labels": len(np.unique(volume)),
        },
        "results": [benchmark.record(result) for result in measured],
        "left_out": left_out,
    }
    run.save_json(RESULTS, results)
    benchmark_tables.write([results], run.folder)
    best = min(measured, key=lambda result: result.compressed_bytes)
    run.log_metrics({"ratio": best.ratio, "bits_per_voxel": best.bits_per_voxel})
    run.log_figure(run.folder / "ratios.png")
    print(f"\n{benchmark_tables.described(results)}")  # noqa: T201
    print(tables.plain_table([benchmark.row(entry) for entry in results["results"]]))  # noqa: T201
    for name, why in left_out.items():
        print(f"left out: {name}: {why}")  # noqa: T201
    print(f"\nTables and chart: {run.folder}")  # noqa: T201
    return best.ratio


def bench_volume(
    cfg: DictConfig, settings: CompressConfig, how: BenchConfig
) -> tuple[np.ndarray, str]:
    """Return the volume to measure, ``(Z, Y, X)`` unsigned, and what it is."""
    if settings.source is None:
        sample = how.sample
        labels = segmentation(
            sample.depth, sample.height, sample.width, n_objects=sample.n_objects, seed=sample.seed
        )
        what = "a synthetic segmentation"
    else:
        with opened(cfg, settings) as volume:
            if volume.box.size > MAX_VOXELS:
                raise DataError(
                    f"{volume.name} has {volume.box.size:,} voxels; bench holds the volume in "
                    f"memory, at most {MAX_VOXELS:,}. Measure a part: "
                    "input.region='[[0,64],[0,1024],[0,1024]]'."
                )
            labels, what = volume.read(volume.box), Path(settings.source).name
    if labels.dtype.kind == "i" and labels.min() < 0:
        raise DataError(
            f"{settings.source} holds negative labels ({labels.min()}); the encodings take "
            "unsigned ones. task=convert to Zarr keeps them."
        )
    if labels.dtype.kind != "u":
        labels = labels.astype(f"u{labels.dtype.itemsize}")
    if how.dtype is not None:
        if int(labels.max()) > np.iinfo(how.dtype).max:
            raise ConfigError(
                f"bench.dtype={how.dtype} cannot hold label {labels.max()}. Take a wider one."
            )
        labels = labels.astype(how.dtype)
    return labels, what


def convert_task(cfg: DictConfig, settings: CompressConfig, run: record.Run) -> float:
    """Copy a volume into another format."""
    target = needed_target(settings)
    volume, again = opened_twice(cfg, settings)
    with volume, again, _placed(target, cfg) as path:
        done = converted(cfg, volume, path, again)
        ratio = volume.dtype.itemsize * volume.box.size / max(done.n_bytes, 1)
        tell_notes(volume, *done.notes)
        size = " x ".join(str(side) for side in volume.shape)
        n_parts = done.n_boxes + done.n_resumed
        parts = f"{n_parts} part{'s' if n_parts > 1 else ''}"
        if done.n_resumed:
            parts += f", {done.n_resumed} of them from an earlier run"
        print(  # noqa: T201
            f"{target}: {size} voxels (Z Y X) of {volume.dtype} in {done.n_bytes:,} bytes, "
            f"{ratio:.1f} times smaller than the labels; {parts}; "
            f"{compared(done)}."
        )
    run.log_metrics({"ratio": float(ratio), "bytes": done.n_bytes})
    run.save_json("convert.json", {**asdict(done), "target": target, "ratio": ratio})
    return float(ratio)


def tell_notes(volume: Volume, *more: str) -> None:
    """Print what a user should know of a volume, also that its voxel size is unknown."""
    unknown = [f"the voxel size is unknown: {volume.why_no_voxel_size}"]
    for note in [*volume.notes, *(unknown if volume.voxel_size_nm is None else []), *more]:
        print(f"Note: {note}")  # noqa: T201


def compared(done: convert.Converted) -> str:
    """Return how a target was compared with its source."""
    if not done.verified:
        return "not compared"
    source, target = done.compared
    return f"equal to the source (compared as {source} reads the source and {target} the target)"


@contextmanager
def _placed(target: str, cfg: DictConfig) -> Iterator[Path]:
    """Give the path at which to make a volume; for one in a bucket it lies on this computer."""
    if is_bucket(target):
        name = format_of_target(Path(target), read(OutputConfig, cfg.output, "output").format)
        if name not in IN_BUCKETS:
            raise ConfigError(
                f"target={target} lies in a bucket, for which output.format is one of "
                f"{', '.join(IN_BUCKETS)}, got {name}."
            )
    with staged(target) as path:
        if is_bucket(target):  # what was made whole before, and not put there: of what, who knows
            shutil.rmtree(path, ignore_errors=True)
        yield path


def needed_target(settings: CompressConfig) -> str:
    """Return the target.

    Raises:
        ConfigError: If there is none.
    """
    if settings.target is None:
        raise ConfigError(f"task={settings.task} needs a place to write to: give target=PATH.")
    return settings.target


def converted(
    cfg: DictConfig, volume: Volume, target: Path, again: Second | None = None
) -> convert.Converted:
    """Write a volume to a target, as the settings say, with a progress bar."""
    how = read(OutputConfig, cfg.output, "output")
    format_name = format_of_target(target, how.format)
    options: dict[str, Any] = {}
    if format_name == "zarr":
        options = {"codec": asdict(read(CodecConfig, cfg.codec, "codec")), "levels": how.levels}
    elif command.is_chosen("codec") or how.levels != 1:
        raise ConfigError(
            f"codec= and output.levels are for Zarr; target={target} is written as {format_name}. "
            "Leave them out, or end target in .zarr."
        )
    dtype = how.dtype or target_dtype(volume.dtype, format_name)
    with progress_bar(transient=True) as progress:
        conversion = convert.Conversion(
            format_name,
            dtype=np.dtype(dtype),
            options=options,
            memory_bytes=how.memory_mb * 10**6,
            verify=how.verify,
            restart=how.restart,
        )
        return convert.convert(volume, target, conversion, again=again, step=stages(progress))


def verify_task(cfg: DictConfig, settings: CompressConfig, run: record.Run) -> None:
    """Read every chunk of a volume again.

    Raises:
        DataError: If one is damaged; all of them are listed first.
    """
    with opened(cfg, settings) as volume, progress_bar(transient=True) as progress:
        report = verify.verify(volume, step=stages(progress))
        tell_notes(volume)
    run.save_json("verify.json", asdict(report))
    for place, why in report.bad.items():
        print(f"damaged: {place}: {why}")  # noqa: T201
    if report.bad:
        raise DataError(
            f"{len(report.bad)} of {report.n_blocks} chunks of {settings.source} are damaged; they "
            f"are listed above and in {run.folder / 'verify.json'}. Convert the original again."
        )
    how = (
        f"checked against {report.checksum}"
        if report.checksum
        else f"decoded; {volume.format} has no checksum here, so a changed label would not show"
    )
    print(f"{settings.source}: all {report.n_blocks} chunks can be read, {how}.")  # noqa: T201


def labels_task(cfg: DictConfig, settings: CompressConfig, run: record.Run) -> None:
    """Ask a volume for its labels, or for one of them."""
    if settings.action != "list" and settings.label is None:
        raise ConfigError(f"action={settings.action} needs a label: give label=NUMBER.")
    target = needed_target(settings) if settings.action == "extract" else None
    with opened(cfg, settings) as volume:
        with progress_bar(transient=True) as progress:
            step = stages(progress)
            if settings.action == "list":
                result = questions.labels(volume, step=step)
            elif settings.action == "contains":
                result = questions.where(volume, settings.label or 0, step=step)
            else:
                box = settings.action != "count"
                result = questions.measure(volume, settings.label or 0, box=box, step=step)
        if target is not None and result.box is None:
            raise DataError(f"{settings.source} does not hold label {settings.label}.")
        answer = told(result, settings)
        run.save_json("labels.json", answer)
        if settings.action == "list":
            for label in answer["labels"]:
                print(label)  # noqa: T201
            print(f"{len(answer['labels']):,} labels", end="; ")  # noqa: T201
        elif settings.action == "contains":
            yes = f"yes, in {len(answer['blocks'])} chunks" if answer["blocks"] else "no"
            print(f"Label {settings.label}: {yes}", end="; ")  # noqa: T201
        else:
            print(f"Label {settings.label}: {answer['n_voxels']:,} voxels", end="")  # noqa: T201
            print(f", {result.box}" if result.box else "", end="; ")  # noqa: T201
        print(f"{result.n_decoded} of {result.n_blocks} chunks were decoded.")  # noqa: T201
        if target is not None:
            assert result.box is not None  # noqa: S101 (for the type checker)
            mask = questions.mask_of(volume, settings.label or 0, result.box)
            with _placed(target, cfg) as path:
                converted(cfg, mask, path)
            print(f"Its mask, cut to these ends: {target}")  # noqa: T201


def told(result: questions.Answer, settings: CompressConfig) -> dict[str, Any]:
    """Return an answer as JSON can hold it."""
    answer: dict[str, Any] = {
        "action": settings.action,
        "label": settings.label,
        "n_chunks": result.n_blocks,
        "n_decoded": result.n_decoded,
    }
    if result.labels is not None:
        answer["labels"] = result.labels.tolist()
    if result.blocks is not None:
        answer["blocks"] = [ends(box) for box in result.blocks]
    if settings.action in ("count", "box", "extract"):
        answer["n_voxels"] = result.n_voxels
        answer["box"] = ends(result.box) if result.box else None
    return answer


def ends(box: Box) -> list[list[int]]:
    """Return first and one past the last voxel along Z, Y and X."""
    return [[a, b] for a, b in zip(box.start, box.stop, strict=True)]


def recommend_task(cfg: DictConfig, settings: CompressConfig, run: record.Run) -> None:
    """Try codecs on a few chunks, and print the commands to use."""
    how = read(RecommendConfig, cfg.recommend, "recommend")
    chunks_of = read(CodecConfig, cfg.codec, "codec").chunks
    how_opened = [item for item in command.typed() if item.startswith("input.")]
    with opened(cfg, settings) as volume, progress_bar(transient=True) as progress:
        size = volume.voxel_size_nm
        chunk = tuple(min(a, b) for a, b in zip(chunks_of, volume.shape, strict=True))
        parts = recommend.sample(volume, chunk, how.n_chunks, how.seed)  # type: ignore[arg-type]
        task = progress.add_task("trying", total=how.runs * len(recommend.CANDIDATES))
        tried = recommend.try_all(
            parts,
            runs=how.runs,
            step=lambda name: progress.update(task, advance=1, description=name),
        )
    rows = [
        {
            "option": one.option,
            "ratio": f"{one.ratio:.1f}",
            "bits/voxel": f"{8 * one.n_bytes / sum(p.size for p in parts):.4f}",
            "write MB/s": f"{one.write_mb_s:.0f}",
            "read MB/s": f"{one.read_mb_s:.0f}",
        }
        for one in tried
    ]
    print(f"\n{len(parts)} chunks of {chunk} voxels (Z Y X), {parts[0].dtype}; processor time")  # noqa: T201
    print(tables.plain_table(rows))  # noqa: T201
    name = Path(settings.source or "").name.split(".")[0] or "labels"
    chosen = recommend.choose(tried)
    for wish, one in chosen.items():
        target = f"{name}.zarr" if one.option != recommend.VIEWER else f"{name}.precomputed"
        if Path(target).exists():  # the source, for one
            target = f"{name}_{one.option.partition('=')[2]}{Path(target).suffix}"
        words = [f"source={settings.source}", f"target={target}", one.option, *how_opened]
        if one.option == recommend.VIEWER and size is None:
            words.append(
                "input.voxel_size_nm=[Z,Y,X]"
            )  # which it must have, for the user to fill in
        print(f"{wish}: python -m emqs.compress task=convert {' '.join(words)}")  # noqa: T201
    run.save_json(
        "recommend.json", {"tried": rows, "chosen": {k: v.option for k, v in chosen.items()}}
    )
