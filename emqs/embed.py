"""Embed a whole volume, so that it can be searched in a moment.

python -m emqs.embed volume=PATH out=NAME.zarr
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from omegaconf import DictConfig

from emqs.errors import ConfigError
from emqs.lazy import callable_as
from emqs.patches.settings import PatchConfig
from emqs.runs import command, record, tables
from emqs.settings import CONFIG_DIR, one_of, read

if TYPE_CHECKING:
    from emqs.embedding.build import Built, Verified

callable_as(__name__, "emqs.notebook:embed")

TASKS = ("embed", "verify")


def work(cfg: DictConfig, run: record.Run) -> float | None:
    """Do what ``python -m emqs.embed`` was asked to.

    Args:
        cfg: The composed configuration of ``configs/embed.yaml``.
        run: Where the record goes; the embedding volume goes to ``out``.
    """
    from emqs.embedding.build.settings import EmbedConfig
    from emqs.runs.settings import ENGINES, RayConfig

    one_of("task", str(cfg.task), TASKS)
    settings = read(EmbedConfig, cfg.embed, "embed")
    patch = read(PatchConfig, cfg.patch, "patch")
    compute = command.compute(cfg)
    if cfg.engine not in ENGINES:
        raise ConfigError(f"engine must be one of {', '.join(ENGINES)}, got {cfg.engine}.")
    ray = read(RayConfig, cfg.ray, "ray")
    for name in ("volume", "out"):
        if cfg[name] is None:
            raise ConfigError(f"{name} is missing: give it as {name}=PATH.")
    out = str(cfg.out)
    path = _source(str(cfg.volume), out)

    from emqs.embedding.build import (  # settings are right, so what takes seconds is worth it
        build,
        verify,
    )
    from emqs.embedding.build.remote import on_ray
    from emqs.ingestion import dataset_file
    from emqs.runs.model import load_model
    from emqs.volumes.opening import open_request, requested

    asked = requested(
        level=settings.level,
        dataset=settings.dataset,
        axes=settings.axes,
        select=settings.select,
        origin_nm=settings.origin_nm,
        voxel_size_nm=settings.voxel_size_nm,
    )
    reopen = partial(open_request, path, replace(asked, prefix="embed."))
    home = None if cfg.home is None else Path(str(cfg.home)).expanduser()
    if home is not None:
        dataset_file.place(home, path)  # what is wrong with it is said now, and not after hours
    volume = reopen()
    for note in volume.notes:
        print(f"Note: {note}")  # noqa: T201
    model = load_model(cfg)
    if cfg.task == "verify":
        verified = verify(volume, model, out, compute=compute.compute)
        _report(verified, run)
        return None
    filled = build(
        volume,
        model,
        out,
        patch=patch,
        settings=settings,
        compute=compute.compute,
        opened_as=path,
        executor=on_ray(ray, reopen) if cfg.engine == "ray" else None,
    )
    measured = metrics(filled)
    run.save_json("metrics.json", measured)
    run.log_metrics({k: v for k, v in measured.items() if isinstance(v, int | float)})
    print(told(measured))  # noqa: T201
    print(f"\nEmbedding volume: {filled.store.name}")  # noqa: T201
    if home is not None:
        print(f"Dataset: {dataset_file.make_searchable(home, path, out)}")  # noqa: T201
    return None


def _source(name: str, out: str) -> str:
    """Return the whole path, or the address, of the volume; the toy volume is drawn."""
    if "://" in name:
        return name
    if name == "toy" and not Path(name).exists():
        if "://" in out:
            raise ConfigError(f"volume=toy is drawn beside out, on disk, got out={out}.")
        return str(toy(Path(out)))
    return str(Path(name).expanduser().absolute())


def _report(verified: "Verified", run: record.Run) -> None:
    """Write and print what ``task=verify`` saw.

    Raises:
        DataError: If something is missing, damaged or another.
    """
    counts = {
        "n_whole": verified.n_whole,
        "n_missing": len(verified.missing),
        "n_damaged": len(verified.damaged),
        "n_changed": len(verified.changed),
        "n_without_digest": verified.n_unknown,
    }
    run.save_json("metrics.json", counts)
    run.log_metrics(counts)
    print(tables.plain_table([counts]))  # noqa: T201
    verified.check()


def toy(out: Path) -> Path:
    """Return the toy volume, which is drawn beside what is made of it, unless it is there.

    Raises:
        ConfigError: If both would have the same name.
    """
    from emqs.datasets.toy_volume import write_toy_volume

    place = out.expanduser().absolute()
    path = place.with_name("toy.zarr")
    if place == path:
        raise ConfigError(
            f"out={out} is where the toy volume itself is drawn. Give another name, such as "
            "out=toy_emb.zarr."
        )
    if write_toy_volume(path):
        print(f"Note: the toy volume was drawn into {path}.")  # noqa: T201
    return path


def metrics(filled: "Built") -> dict[str, Any]:
    """Return what a run did, as metrics.json holds it."""
    return {
        "n_places": filled.store.grid.n_places,
        "n_embedded": filled.n_patches,
        "n_skipped": filled.n_skipped,
        "n_blocks_written": filled.n_blocks,
        "n_blocks_found": filled.n_found,
        "seconds": filled.seconds,
        "seconds_reading_and_writing": filled.seconds_disk,
    }


def told(measured: dict[str, Any]) -> str:
    """Return what a run did, in words."""
    made, there = measured["n_blocks_written"], measured["n_blocks_found"]
    empty = measured["n_skipped"]
    left_out = f"; {empty:,} show nothing (one grey, padding) and have no code" if empty else ""
    return (
        f"{measured['n_places']:,} places in all, {measured['n_embedded']:,} embedded by this run"
        f"{left_out}.\n{made:,} of {made + there:,} files of codes were made, the other {there:,} "
        f"were there and whole. It took {measured['seconds']:.0f} s, "
        f"{measured['seconds_reading_and_writing']:.0f} s of them reading and writing."
    )


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="embed")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.embed``."""
    return command.run("embed", cfg, work)


if __name__ == "__main__":
    command.start("embed", main)
