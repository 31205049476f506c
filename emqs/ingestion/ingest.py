"""Makes a volume of raw slices, or goes on with one."""

import errno
import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import emqs
from emqs.errors import ConfigError, DataError
from emqs.files import write_json
from emqs.geometry import Shape
from emqs.ingestion import assemble, contrast, table, transforms
from emqs.ingestion.assemble import Assembly, new_image
from emqs.ingestion.journal import Journal
from emqs.ingestion.judge import Judged, judge
from emqs.ingestion.lay import Laid, lay
from emqs.ingestion.partial import check_target, plan_digest, working_folder
from emqs.ingestion.precomputed import write_precomputed
from emqs.ingestion.pyramid import Image
from emqs.ingestion.settings import (
    AlignConfig,
    CheckConfig,
    ContrastConfig,
    IngestConfig,
    OutputConfig,
)
from emqs.ingestion.slabs import Plan
from emqs.ingestion.sources import Source
from emqs.runs.executors import Executor, InProcess

Step = Callable[[str, int, int], None]
EVEN = "even"  # the evened image, inside the volume
RECORDS = "ingestion"  # folder inside the volume: table, transforms, curves


@dataclass(frozen=True)
class Settings:
    """All that a user decides."""

    ingest: IngestConfig
    check: CheckConfig
    align: AlignConfig
    contrast: ContrastConfig
    output: OutputConfig


@dataclass(frozen=True, eq=False)
class Made:
    """What a run did.

    Attributes:
        path: Of the volume.
        judged: Slices and pairs; None if the volume was there already.
        laid: Where slices lie; None likewise.
        shape: Of the volume, Z Y X.
    """

    path: Path
    judged: Judged | None = None
    laid: Laid | None = None
    shape: Shape = (0, 0, 0)


@dataclass(frozen=True, eq=False)
class _Job:
    source: Source
    settings: Settings
    folder: Path
    step: Step
    executor: Executor
    journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "journal", Journal(self.folder / "parts.jsonl"))


def ingest(
    source: Source,
    out: Path,
    settings: Settings,
    *,
    step: Step = lambda _stage, _done, _total: None,
    restart: bool = False,
    executor: Executor | None = None,
) -> Made:
    """Make a volume of raw slices, or go on with one that was begun.

    Args:
        source: The slices.
        out: Folder of the volume, an OME-Zarr.
        settings: All that is decided.
        step: Told the stage, the parts done, and the parts in all.
        restart: Begin anew where a run was stopped.
        executor: Does the work, and is closed at the end, e.g. that of ``on_ray``; None: this
            process.

    Returns:
        What was made. If the very same volume is there already, nothing is done.

    Raises:
        ConfigError: If a setting does not fit, or ``out`` holds something else.
        DataError: If slices cannot be read, do not hang together, or the disk is full. What was
            done stays beside ``out``, and the next run goes on there.
    """
    source.require_voxel_size()
    plan = _plan(source, settings)
    digest = plan_digest(plan)
    if check_target(out, digest):
        return Made(out)
    second = precomputed_beside(out)
    begun = out.with_name(f".{out.name}.partial").exists()
    if settings.ingest.format == "precomputed" and second.exists() and not begun:
        raise ConfigError(f"{second} exists. Remove it first, or give another out=.")
    try:
        with (
            closing(InProcess() if executor is None else executor) as engine,
            working_folder(out, plan, restart=restart) as folder,
        ):
            made = _make(_Job(source, settings, folder.absolute(), step, engine), out, digest)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DataError(
                f"out={out} cannot be written: the disk is full. Make room and run the same "
                "command again; it goes on where it was."
            ) from None
        raise DataError(
            f"out={out} cannot be written: {error.filename or ''} {error.strerror or error}."
        ) from None
    shutil.rmtree(out.with_name(f".{out.name}.partial"), ignore_errors=True)
    return made


def precomputed_beside(out: Path) -> Path:
    """Return the folder of the copy for neuroglancer."""
    return out.with_suffix(".precomputed")


def _plan(source: Source, settings: Settings) -> dict[str, Any]:
    """Return what decides every byte of the volume but the pixels of the slices."""
    choices = asdict(settings)
    for part, name in (("check", "table"), ("align", "transforms")):
        path = choices[part][name]
        if path is not None:
            choices[part][name] = _content(Path(path).expanduser(), f"{part}.{name}")
    return {
        "version": emqs.__version__,
        "source": source.name,
        "slices": list(source.names),
        "voxel_size_nm": source.voxel_size_nm,
        "origin_nm": source.origin_nm,
        **choices,
    }


def _content(path: Path, setting: str) -> str:
    from emqs.files import sha256

    try:
        return sha256(path)
    except OSError as error:
        raise DataError(f"{setting}={path} cannot be read: {error.strerror}.") from None


def _make(job: _Job, out: Path, digest: str) -> Made:
    judged = judge(
        job.source, job.folder, check_settings=job.settings.check, align=job.settings.align,
        step=job.step, executor=job.executor,
    )  # fmt: skip
    laid = lay(judged, job.settings.align, job.folder, job.step, job.executor)
    height, width = laid.transforms.shape
    shape = (len(job.source.names), height, width)
    volume = job.folder / "volume"
    image = _write_volume(job, judged, laid, shape, out.stem, digest)
    if job.settings.ingest.format == "precomputed":
        second = job.folder / "precomputed"
        write_precomputed(image, second, job.source.origin_nm, job.step)
        beside = precomputed_beside(out)
        if beside.exists():  # of a run that was stopped between the two
            shutil.rmtree(beside)
        second.rename(beside)
    volume.rename(out)
    return Made(out, judged, laid, shape)


def _write_volume(
    job: _Job, judged: Judged, laid: Laid, shape: Shape, name: str, digest: str
) -> Image:
    """Write the aligned image, its smaller copies and the evened image; return the first."""
    settings, source, volume = job.settings, job.source, job.folder / "volume"
    dtype = np.dtype(judged.verdicts[judged.used[0]].measures["dtype"])
    size = source.require_voxel_size()
    plan = Plan(
        judged.slices, judged.used, laid.transforms, settings.ingest.fill, settings.contrast,
        job.folder / "slabs",
    )  # fmt: skip
    assembly = Assembly(plan, job.journal, job.executor, job.step)
    image = new_image(volume, shape, dtype, size, settings.output)
    measured = assembly.raw(image)
    assembly.smaller(image, "pyramid")
    top = float(np.iinfo(dtype).max)
    window = assemble.window_of(measured, top)
    records = volume / RECORDS
    records.mkdir(exist_ok=True)
    extra = {"emqs": provenance(job.source, settings, judged, laid, digest)}
    _finish(image, name, source, window, extra)
    if settings.contrast.method != "none":
        second = new_image(volume / EVEN, shape, dtype, size, settings.output)
        curves = {}
        if settings.contrast.method == "match":
            curves = contrast.curves(measured, settings.contrast.window, settings.contrast.tiles)
            content = {str(slot): curve.to_dict() for slot, curve in sorted(curves.items())}
            write_json(records / "curves.json", content)
        assembly.even(second, image, curves)
        assembly.smaller(second, "pyramid of even")
        _finish(second, f"{name} {EVEN}", source, window, {})
    table.write(records / "slices.csv", judged.verdicts)
    write_json(records / "pairs.json", pairs_of(judged, laid))
    transforms.write(records / "transforms.json", laid.transforms, source.voxel_size_nm)
    return image


def _finish(
    image: Image,
    name: str,
    source: Source,
    window: tuple[float, float],
    extra: Mapping[str, Any],
) -> None:
    image.finish(name, source.origin_nm, window=window, extra=extra)


def provenance(
    source: Source, settings: Settings, judged: Judged, laid: Laid, digest: str
) -> dict[str, Any]:
    """Return what the volume says of how it was made, in its attributes."""
    bad = [one for one in judged.verdicts if not one.use]
    return {
        "made_by": "emqs.ingest",
        "version": emqs.__version__,
        "plan_sha256": digest,
        "source": source.name,
        "settings": asdict(settings),
        "notes": list(source.notes),
        "bad_slices": [
            {"z": one.slot, "name": one.name, "verdict": one.verdict, "why": one.why} for one in bad
        ],
        "fill": settings.ingest.fill,
        "pieces": [[piece[0], piece[-1]] for piece in laid.pieces],
        "transforms": f"{RECORDS}/transforms.json",
        "slices": f"{RECORDS}/slices.csv",
    }


def pairs_of(judged: Judged, laid: Laid) -> list[dict[str, Any]]:
    """Return what became of every pair that was tried, without its blocks."""
    rows = []
    for pair in judged.pairs:
        numbers = pair.first, pair.second
        row = pair.to_dict()
        del row["points"], row["elsewhere"], row["block_px"]
        row["contradiction_px"] = laid.thrown.get(numbers)
        row["weight"] = laid.weights.get(numbers)
        row["volume_residual_px"] = laid.residual_px.get(numbers)
        rows.append(row)
    return rows
