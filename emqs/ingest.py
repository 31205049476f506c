"""Raw slices to one aligned, even, multiscale volume, which every other command reads.

python -m emqs.ingest source=FOLDER out=NAME.zarr voxel_size_nm='[50,4,4]'
"""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from omegaconf import DictConfig

from emqs.errors import ConfigError
from emqs.files import on_disk
from emqs.runs import command, progress, record, tables
from emqs.settings import CONFIG_DIR, one_of, read

if TYPE_CHECKING:
    from emqs.ingestion.ingest import Made, Settings
    from emqs.ingestion.judge import Judged
    from emqs.ingestion.lay import Laid
    from emqs.ingestion.sources import Source
    from emqs.runs.executors import Executor


def work(cfg: DictConfig, run: record.Run) -> float | None:
    """Do what ``python -m emqs.ingest`` was asked to.

    Args:
        cfg: The composed configuration of ``configs/ingest.yaml``.
        run: Where the record, the tables and the figures go; the volume goes to ``out``.
    """
    from emqs.ingestion.settings import TASKS

    one_of("task", str(cfg.task), TASKS)
    settings = _settings(cfg)
    if cfg.source is None:
        raise ConfigError("source is missing: give it as source=PATH.")
    if cfg.out is None and cfg.task == "ingest":
        raise ConfigError("out is missing: give it as out=PATH.")
    executor = _executor(cfg)
    source = _source(cfg, settings)
    for note in source.notes:
        print(f"Note: {note}")  # noqa: T201
    draw = bool(cfg.figures)
    if cfg.task == "check":
        with progress.stages_told() as step, closing(executor):
            judged = _checked(source, settings, run, step, executor)
        _record(judged, None, None, run, draw=draw)
        return None
    from emqs.volumes.staging import staged

    name = str(cfg.out)
    _check_bucket(cfg, settings)
    with staged(name) as path:
        out = path.expanduser()
        made = _made(cfg, source, out, settings, executor)
        if made.judged is None:
            print(f"{name} is there already, made of these slices in this way.")  # noqa: T201
            return None
        _record(made.judged, made.laid, made, run, draw=draw)
    print(f"Volume: {name}")  # noqa: T201
    return None


def _check_bucket(cfg: DictConfig, settings: "Settings") -> None:
    """Raise if something is asked for that needs the volume on disk, and it goes into a bucket."""
    from emqs.volumes.addresses import is_bucket

    if not is_bucket(cfg.out):
        return
    asked = {
        "home": cfg.home is not None,
        "format=precomputed": settings.ingest.format == "precomputed",
        "engine=ray": cfg.engine == "ray",
    }
    for name in (name for name, is_asked in asked.items() if is_asked):
        raise ConfigError(
            f"{name} needs out= on disk, got {cfg.out}. Make the volume there and copy it, or "
            f"leave {name.partition('=')[0]} out."
        )


def _made(
    cfg: DictConfig, source: "Source", out: Path, settings: "Settings", executor: "Executor"
) -> "Made":
    """Make the volume, and describe it in the home folder of a server."""
    from emqs.ingestion import dataset_file
    from emqs.ingestion.ingest import EVEN, ingest

    home = None if cfg.home is None else Path(str(cfg.home)).expanduser()
    if home is not None:
        dataset_file.place(home, out)
    with progress.stages_told() as step:
        restart = bool(cfg.restart)
        made = ingest(source, out, settings, step=step, restart=restart, executor=executor)
    if home is not None:
        even = (out / EVEN).is_dir()
        print(f"Dataset: {dataset_file.write(home, out, even=even)}")  # noqa: T201
    return made


def _settings(cfg: DictConfig) -> "Settings":
    from emqs.ingestion import settings as classes
    from emqs.ingestion.ingest import Settings

    plain = {name: cfg[name] for name in ("numbering", "fill", "format")}
    return Settings(
        ingest=read(classes.IngestConfig, plain, ""),
        check=read(classes.CheckConfig, cfg.check, "check"),
        align=read(classes.AlignConfig, cfg.align, "align"),
        contrast=read(classes.ContrastConfig, cfg.contrast, "contrast"),
        output=read(classes.OutputConfig, cfg.output, "output"),
    )


def _source(cfg: DictConfig, settings: "Settings") -> "Source":
    from emqs.ingestion.settings import InputConfig
    from emqs.ingestion.sources import open_source

    where = read(InputConfig, cfg.input, "input")
    path = str(cfg.source)
    if "://" not in path:
        path = str(on_disk(Path(path).expanduser().absolute()))
    size = None if cfg.voxel_size_nm is None else [float(edge) for edge in cfg.voxel_size_nm]
    if size is not None and len(size) != 3:
        raise ConfigError(f"voxel_size_nm must hold three lengths (Z, Y, X) in nm, got {size}.")
    return open_source(
        path,
        numbering=settings.ingest.numbering,
        request=vars(where),
        voxel_size_nm=None if size is None else (size[0], size[1], size[2]),
    )


def _executor(cfg: DictConfig) -> "Executor":
    """Return who does the work."""
    from emqs.runs.executors import InProcess
    from emqs.runs.settings import ENGINES, RayConfig

    one_of("engine", str(cfg.engine), ENGINES)
    ray = read(RayConfig, cfg.ray, "ray")
    if cfg.engine == "local":
        return InProcess()
    from emqs.ingestion.remote import on_ray

    return on_ray(ray)


def _checked(
    source: "Source",
    settings: "Settings",
    run: record.Run,
    step: progress.Step,
    executor: "Executor",
) -> "Judged":
    """Return what is thought of the slices; results in between are not kept."""
    import tempfile

    from emqs.ingestion.judge import judge

    with tempfile.TemporaryDirectory(dir=run.folder) as folder:
        return judge(
            source, Path(folder), check_settings=settings.check, align=settings.align, step=step,
            executor=executor,
        )  # fmt: skip


def _record(
    judged: "Judged", laid: "Laid | None", made: "Made | None", run: record.Run, *, draw: bool
) -> None:
    """Write tables and figures into the run's folder, and print what was found."""
    from emqs.ingestion import report, table

    written = table.write(run.folder / "slices.csv", judged.verdicts)
    measured = report.summary(judged, laid)
    run.save_json("metrics.json", measured)
    run.log_metrics({k: v for k, v in measured.items() if isinstance(v, int | float)})
    run.save_csv("pairs.csv", report.pair_columns(judged, laid))
    if draw:
        _draw(judged, laid, made, run)
    for line in report.lines(judged, laid):
        print(line)  # noqa: T201
    print(tables.plain_table([_shown(measured)]))  # noqa: T201
    print(f"\nSlices: {written}")  # noqa: T201


def _shown(measured: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in measured.items() if value is not None}


def _draw(judged: "Judged", laid: "Laid | None", made: "Made | None", run: record.Run) -> None:
    from emqs.figures import ingestion as figures
    from emqs.figures.style import save
    from emqs.ingestion import report

    paths = []
    bad = report.bad_with_neighbours(judged)
    if bad:
        paths.append(save(figures.bad_slices(bad), run.folder / "bad_slices.png"))
    if judged.pairs:
        curves = report.along_z(judged, laid)
        paths.append(save(figures.alignment(curves), run.folder / "alignment.png"))
    if made is not None:
        cuts = report.cuts(judged, made.path)
        paths.append(save(figures.cuts(cuts), run.folder / "cuts.png"))
    for path in paths:
        run.log_figure(path)


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="ingest")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.ingest``."""
    return command.run("ingest", cfg, work)


if __name__ == "__main__":
    command.start("ingest", main)
