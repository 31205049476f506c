"""Objects from a few clicks: where a structure is in an embedded volume, voxel by voxel.

python -m emqs.predict store=NAME.zarr examples=CLICKS.csv out=OBJECTS.zarr
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from omegaconf import DictConfig, OmegaConf

from emqs.errors import ConfigError
from emqs.runs import command, progress, record, tables
from emqs.settings import CONFIG_DIR, read

if TYPE_CHECKING:
    from emqs.embedding.stores import SearchableStore
    from emqs.geometry import Box
    from emqs.prediction.predict import Predicted
    from emqs.retrieval.examples_file import Examples
    from emqs.volumes import Volume


def work(cfg: DictConfig, run: record.Run) -> float | None:
    """Do what ``python -m emqs.predict`` was asked to.

    Args:
        cfg: The composed configuration of ``configs/predict.yaml``.
        run: Where tables and the figure go; the prediction goes to ``out``.
    """
    from emqs.prediction.settings import PredictConfig

    settings = read(PredictConfig, cfg.predict, "predict")
    compute = command.compute(cfg)
    for name in ("store", "out"):
        if cfg[name] is None:
            raise ConfigError(f"{name} is missing: give it as {name}=PATH.")
    region = _region(cfg)

    from emqs.embedding.stores.zarr import open_store
    from emqs.prediction.predict import Embedded, predict
    from emqs.retrieval.contact_sheet import source_volume
    from emqs.runs.model import load_model

    store = open_store(Path(str(cfg.store)).expanduser())
    examples = _examples(cfg, store)
    with source_volume(store, None if cfg.volume is None else str(cfg.volume)) as volume:
        with progress.stages_told() as step:
            made = predict(
                Embedded(store, volume, load_model(cfg), compute.compute),
                examples,
                Path(str(cfg.out)).expanduser(),
                settings=settings,
                region=region,
                step=step,
                restart=bool(cfg.restart),
            )
        if not made.is_new:
            print(f"{made.path} is there already, made of these examples in this way.")  # noqa: T201
            return None
        _write(made, store, run, examples)
        if cfg.figures:
            _draw(made, volume, store, run)
    return None


def _region(cfg: DictConfig) -> "Box | None":
    """Return the part of the volume that is asked for."""
    from emqs.geometry import Box

    if cfg.region is None:
        return None
    value = OmegaConf.to_container(cfg.region) if OmegaConf.is_list(cfg.region) else cfg.region
    corners = value if isinstance(value, list) and len(value) == 2 else []
    numbers = [v for corner in corners if isinstance(corner, list) for v in corner]
    if len(numbers) != 6 or not all(type(v) is int for v in numbers):
        raise ConfigError(
            "region must be the first voxel and the first outside, '[[z,y,x],[z,y,x]]', "
            f"got {value}."
        )
    return Box((numbers[0], numbers[1], numbers[2]), (numbers[3], numbers[4], numbers[5]))


def _examples(cfg: DictConfig, store: "SearchableStore") -> "Examples":
    """Return the clicks, from a file or as they were typed."""
    from emqs.retrieval.examples_file import from_points, read_several

    typed = cfg.positive is not None or cfg.negative is not None
    names = command.names(cfg, "examples")
    if not names:
        return from_points(_points(cfg, "positive"), _points(cfg, "negative"))
    if typed:
        raise ConfigError("Give either examples=NAME.csv, or positive= and negative=, not both.")
    return read_several(
        [Path(name).expanduser() for name in names],
        voxel_size_nm=store.grid.voxel_size_nm,
        origin_nm=store.grid.origin_nm,
    )


def _points(cfg: DictConfig, name: str) -> list[list[int]]:
    value = cfg[name]
    if value is None:
        return []
    points = OmegaConf.to_container(value) if OmegaConf.is_list(value) else value
    fits = isinstance(points, list) and all(
        isinstance(p, list) and len(p) == 3 and all(type(v) is int for v in p) for p in points
    )
    if not fits:
        raise ConfigError(f"{name} must be a list of voxels, '[[z,y,x],[z,y,x]]', got {points}.")
    return points  # type: ignore[return-value]


def _write(
    made: "Predicted", store: "SearchableStore", run: record.Run, examples: "Examples"
) -> None:
    """Write the tables, and print what was found."""
    from emqs.retrieval.examples_file import columns, next_round

    if made.objects is None:
        raise RuntimeError("a new prediction has objects")
    table = made.objects.columns
    run.save_csv("objects.csv", table)
    size, origin = store.grid.voxel_size_nm, store.grid.origin_nm
    run.save_csv(
        "examples.csv",
        columns(examples.voxels, examples.labels, voxel_size_nm=size, origin_nm=origin),
    )
    run.save_csv(
        "suggestions.csv",
        columns(
            made.suggested,
            [""] * len(made.suggested),
            voxel_size_nm=size,
            origin_nm=origin,
        ),
    )
    n_voxels = int(table["n_voxels"].sum()) if len(made.objects) else 0
    measured: dict[str, Any] = {
        "n_objects": len(made.objects),
        "volume_nm3": float(table["volume_nm3"].sum()) if len(made.objects) else 0.0,
        "share": n_voxels / made.region.size,
    }
    run.save_json("metrics.json", measured)
    run.log_metrics(measured)
    print(tables.plain_table([measured]))  # noqa: T201
    print(f"\nProbability: {made.path}\nObjects: {made.path}/labels/objects")  # noqa: T201
    print(f"Results: {run.folder}")  # noqa: T201
    if len(made.suggested):
        again = next_round("predict", command.typed(), run.folder)
        print(f"\n{again} out=NEXT.zarr")  # noqa: T201


def _draw(made: "Predicted", volume: "Volume", store: "SearchableStore", run: record.Run) -> None:
    """Draw the slice with most of the objects."""
    from emqs.figures import prediction, style
    from emqs.prediction.pictures import middle

    picture = middle(made, volume, store)
    run.log_figure(style.save(prediction.overlay(picture), run.folder / "objects.png"))


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="predict")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.predict``."""
    return command.run("predict", cfg, work)


if __name__ == "__main__":
    command.start("predict", main)
