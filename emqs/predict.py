"""Objects from a few clicks: where a structure is in an embedded volume, voxel by voxel.

python -m emqs.predict store=NAME.zarr examples=CLICKS.csv out=OBJECTS.zarr
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from omegaconf import DictConfig, OmegaConf

from emqs.errors import ConfigError, require
from emqs.runs import command, progress, record, tables
from emqs.settings import CONFIG_DIR, one_of, read

if TYPE_CHECKING:
    from contextlib import ExitStack

    from emqs.embedding.stores import SearchableStore
    from emqs.geometry import Box
    from emqs.prediction.predict import Predicted
    from emqs.prediction.settings import PredictConfig
    from emqs.retrieval.examples_file import Examples
    from emqs.runs.executors import Executor
    from emqs.volumes import Volume


def work(cfg: DictConfig, run: record.Run) -> float | None:
    """Do what ``python -m emqs.predict`` was asked to.

    Args:
        cfg: The composed configuration of ``configs/predict.yaml``.
        run: Where tables and the figure go; the prediction goes to ``out``.
    """
    from emqs.prediction.settings import PredictConfig
    from emqs.runs.settings import ENGINES

    settings = read(PredictConfig, cfg.predict, "predict")
    compute = command.compute(cfg)
    one_of("engine", str(cfg.engine), ENGINES)
    for name in ("store", "out"):
        if cfg[name] is None:
            raise ConfigError(f"{name} is missing: give it as {name}=PATH.")
    if "://" in str(cfg.out):
        raise ConfigError(
            f"out={cfg.out} is an address, and a prediction is made on this disk. Give a folder, "
            "and copy it there."
        )
    region = _region(cfg)
    if cfg.meshes:
        require("zmesh", extra="meshes", purpose="make meshes of objects")

    from contextlib import ExitStack

    from emqs.embedding.stores.zarr import open_store
    from emqs.prediction.predict import Embedded, predicting
    from emqs.retrieval.contact_sheet import source_volume
    from emqs.runs.model import load_model

    named = str(cfg.store)
    store = open_store(named if "://" in named else Path(named).expanduser())
    with ExitStack() as opened:
        volume = opened.enter_context(source_volume(store, _text(cfg.volume)))
        layers = _layers(cfg, volume, opened)
        examples = _examples(cfg, store, volume, settings)
        embedded = Embedded(store, volume, load_model(cfg), compute.compute)
        out = Path(str(cfg.out)).expanduser()
        with (
            progress.stages_told() as step,
            predicting(
                embedded, examples, out, settings=settings, region=region, step=step,
                restart=bool(cfg.restart), executor=_executor(cfg, store),
            ) as made,
        ):  # fmt: skip
            if not made.is_new:
                print(f"{made.path} is there already, made of these examples in this way.")  # noqa: T201
                return None
            if cfg.meshes:
                _mesh(made, step)
            measured = _write(made, store, layers, run, examples)
            if cfg.figures:
                _draw(made, volume, store, run)
    _tell(replace(made, path=out), run, measured)
    return None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _executor(cfg: DictConfig, store: "SearchableStore") -> "Executor | None":
    """Return who makes the tiles; None: this process."""
    from emqs.runs.settings import RayConfig

    ray = read(RayConfig, cfg.ray, "ray")
    if cfg.engine == "local":
        return None
    from emqs.prediction.remote import on_ray
    from emqs.retrieval.contact_sheet import source_opener

    return on_ray(ray, source_opener(store, _text(cfg.volume)))


def _layers(cfg: DictConfig, volume: "Volume", opened: "ExitStack") -> "dict[str, Volume]":
    """Return the label layers that objects are compared with, by the names of their files."""
    from emqs.volumes import open_volume

    value = OmegaConf.to_container(cfg.layers) if OmegaConf.is_list(cfg.layers) else cfg.layers
    if not (value is None or (isinstance(value, list) and all(isinstance(p, str) for p in value))):
        raise ConfigError(f"layers must be a list of label volumes, [PATH,PATH], got {value}.")
    result: dict[str, Volume] = {}
    for path in value or []:
        name = Path(path.rstrip("/")).name.split(".")[0]
        if name in result:
            raise ConfigError(f"layers holds two files named {name}. Rename one of them.")
        layer = opened.enter_context(open_volume(path, axes=_text(cfg.axes))).require_labels()
        if layer.shape != volume.shape:
            raise ConfigError(
                f"The layer {path} has the shape (Z, Y, X) = {layer.shape}, and the volume "
                f"{volume.shape}. Give layers of the same shape as the volume."
            )
        result[name] = layer
    return result


def _mesh(made: "Predicted", step: "progress.Step") -> None:
    """Write meshes of all objects beside their labels."""
    from emqs.prediction.meshes import write_meshes
    from emqs.prediction.predict import LABELS
    from emqs.prediction.report import boxes_of
    from emqs.volumes import open_volume

    for name, objects in (made.objects or {}).items():
        folder = made.image_of(name)
        with open_volume(folder / LABELS) as labels:
            write_meshes(folder / "meshes", labels, boxes_of(objects, made.region), step=step)


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


def _examples(
    cfg: DictConfig, store: "SearchableStore", volume: "Volume", settings: "PredictConfig"
) -> "Examples":
    """Return the clicks, from files, from labels, or as they were typed."""
    from emqs.retrieval.examples_file import from_points, read_several

    typed = cfg.positive is not None or cfg.negative is not None
    names = command.names(cfg, "examples")
    if sum([typed, bool(names), cfg.labels is not None]) > 1:
        raise ConfigError(
            "Give either examples=NAME.csv, or labels=PATH, or positive= and negative=, not two."
        )
    if cfg.labels is None and cfg.label_classes is not None:
        raise ConfigError("label_classes says what labels=PATH holds; give both.")
    if cfg.labels is not None:
        from emqs.retrieval.labelled_voxels import read_labelled
        from emqs.volumes import open_volume

        with open_volume(str(cfg.labels), axes=_text(cfg.axes)) as labels:
            return read_labelled(
                labels, volume, _label_classes(cfg), most=settings.n_labelled, seed=settings.seed
            )
    if not names:
        return from_points(_points(cfg, "positive"), _points(cfg, "negative"))
    return read_several(
        [Path(name).expanduser() for name in names],
        voxel_size_nm=store.grid.voxel_size_nm,
        origin_nm=store.grid.origin_nm,
    )


def _label_classes(cfg: DictConfig) -> dict[int, str] | None:
    """Return what labels stand for."""
    value = cfg.label_classes
    if value is None:
        return None
    named = OmegaConf.to_container(value) if OmegaConf.is_dict(value) else {}
    if not isinstance(named, dict) or not named:
        raise ConfigError(
            "label_classes must say what labels stand for, '{1: negative, 2: positive}', got "
            f"{value}."
        )
    try:
        return {int(str(label)): str(name) for label, name in named.items()}
    except ValueError:
        raise ConfigError(
            f"label_classes must name integers, '{{1: negative, 2: positive}}', got {named}."
        ) from None


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
    made: "Predicted",
    store: "SearchableStore",
    layers: "dict[str, Volume]",
    run: record.Run,
    examples: "Examples",
) -> dict[str, Any]:
    """Write the tables, and return what is printed of them."""
    from emqs.prediction.report import tables_of
    from emqs.retrieval.examples_file import columns

    table, segments = tables_of(made, store.grid.voxel_size_nm, layers)
    run.save_csv("objects.csv", table)
    size, origin = store.grid.voxel_size_nm, store.grid.origin_nm
    run.save_csv(
        "examples.csv",
        columns(examples.voxels, examples.labels, voxel_size_nm=size, origin_nm=origin),
    )
    for name, one in segments.items():
        run.save_csv(f"segments_{name}.csv", one)
    run.save_csv(
        "suggestions.csv",
        columns(
            made.suggested,
            [""] * len(made.suggested),
            voxel_size_nm=size,
            origin_nm=origin,
        ),
    )
    measured: dict[str, Any] = {
        "n_objects": len(table["label"]),
        "volume_nm3": float(sum(table["volume_nm3"])),
        "share": sum(table["n_voxels"]) / made.region.size,
    }
    run.save_json("metrics.json", measured)
    run.log_metrics(measured)
    return measured


def _tell(made: "Predicted", run: record.Run, measured: dict[str, Any]) -> None:
    """Print what was made, and how to go on."""
    from emqs.retrieval.examples_file import next_round

    print(tables.plain_table([measured]))  # noqa: T201
    for name in made.objects or {}:
        path = made.image_of(name)
        print(f"\nProbability: {path}\nObjects: {path}/labels/objects")  # noqa: T201
    print(f"Results: {run.folder}")  # noqa: T201
    if len(made.suggested):
        again = next_round("predict", command.typed(), run.folder)
        print(f"\n{again} out=NEXT.zarr")  # noqa: T201


def _draw(made: "Predicted", volume: "Volume", store: "SearchableStore", run: record.Run) -> None:
    """Draw, for each class, the slice with most of its objects."""
    from emqs.figures import prediction, style
    from emqs.prediction.pictures import middle

    classes = list(made.objects or {})
    for name in classes:
        picture = middle(made, name, volume, store)
        file = "objects.png" if len(classes) == 1 else f"objects_{name}.png"
        run.log_figure(style.save(prediction.overlay(picture), run.folder / file))


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="predict")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.predict``."""
    return command.run("predict", cfg, work)


if __name__ == "__main__":
    command.start("predict", main)
