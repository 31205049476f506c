"""Search an embedded volume: click a few examples, get every place that looks like them, ranked.

python -m emqs.search store=NAME.zarr positive='[[z,y,x]]'
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hydra
import numpy as np
from omegaconf import DictConfig, OmegaConf

from emqs import command, lookup, patches, report
from emqs.config import CONFIG_DIR, QueryConfig, read
from emqs.datasets import Stack
from emqs.engines import Engine
from emqs.engines.connections import ClickhouseConfig
from emqs.engines.opening import open_engine
from emqs.errors import ConfigError
from emqs.figures import sheets, style
from emqs.lookup import Matches, SearchConfig
from emqs.volumes import Box, Volume, open_volume
from emqs.volumes.points import dimensions, write_points
from emqs.volumes.sources import with_prefix

MAX_DRAWN = 48  # results in the contact sheet
MAX_EXAMPLES = 4  # examples of each kind beside them
AROUND = 1  # patches on each side of a patch that are read for its picture
REMOTE = ("http://", "https://", "s3://", "gs://")  # what neuroglancer reads by itself


def work(cfg: DictConfig, run: report.Run) -> float | None:
    """Do what ``python -m emqs.search`` was asked to.

    Args:
        cfg: The composed configuration of ``configs/search.yaml``.
        run: Where results go.
    """
    settings = read(SearchConfig, cfg.search, "search")
    query = read(QueryConfig, cfg.query, "query")
    stores = opened(cfg)
    matches = lookup.search(
        stores,
        _points(cfg, "positive"),
        _points(cfg, "negative"),
        query=query,
        settings=settings,
    )
    write(matches, stores, run, image=cfg.image)
    if len(matches.ranks):
        print(report.plain_table(rows(matches)))  # noqa: T201
    else:
        print("No more places: every one is nearer to a better one than search.distance_nm.")  # noqa: T201
    if cfg.figures:
        _draw(matches, stores, run, None if cfg.volume is None else str(cfg.volume))
    print(f"\nResults: {run.folder}")  # noqa: T201
    return None


def opened(cfg: DictConfig) -> list[Engine]:
    """Return what ``store`` names, ready to be searched.

    Raises:
        ConfigError: If nothing is named, or ``volume`` or ``image`` with several stores.
        DataError: If a store is missing or damaged.
    """
    value = cfg.store if OmegaConf.is_list(cfg.store) else [cfg.store]
    names = [str(name) for name in value if name is not None]
    if not names:
        raise ConfigError("store is missing: give it as store=NAME.zarr.")
    if len(names) > 1:
        for setting in ("volume", "image"):
            if cfg[setting] is not None:
                raise ConfigError(f"{setting}={cfg[setting]} needs a single store, got {names}.")
    settings = read(ClickhouseConfig, cfg.clickhouse, "clickhouse")
    return [open_engine(name, settings) for name in names]


def _points(cfg: DictConfig, name: str) -> list[Any]:
    value = cfg[name]
    if value is None:
        return []
    points = OmegaConf.to_container(value) if OmegaConf.is_list(value) else value
    if not isinstance(points, list):
        raise ConfigError(f"{name} must be a list of voxels, '[[z,y,x],[z,y,x]]', got {points}.")
    return points


def rows(matches: Matches) -> list[dict[str, Any]]:
    """Return the rows that are printed, one for each result."""
    names = [n for n in matches.columns if n in ("rank", "store", "z", "y", "x", "hamming")]
    columns = {name: matches.columns[name].tolist() for name in names}
    return [
        {**{name: columns[name][i] for name in names}, "score": f"{score:.4g}"}
        for i, score in enumerate(matches.scores.tolist())
    ]


def write(
    matches: Matches, stores: Sequence[Engine], run: report.Run, *, image: str | None = None
) -> None:
    """Write matches.csv, matches.json, neuroglancer.json and annotations into the run's folder."""
    run.save_csv("matches.csv", matches.columns)
    columns = {name: values.tolist() for name, values in matches.columns.items()}
    table = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    names = matches.names[0] if len(stores) == 1 else list(matches.names)
    run.save_json("matches.json", {"store": names, "matches": table})
    for ending, store, part in _each(matches, stores):
        run.save_json(f"neuroglancer{ending}.json", neuroglancer(part, store, image=image))
        folder = run.folder / f"annotations{ending}"
        shutil.rmtree(folder, ignore_errors=True)  # of a search into the same folder
        write_points(
            folder,
            part.centres_nm,
            part.ranks,
            {
                "rank": part.ranks.astype(np.uint32),
                "score": part.scores.astype(np.float32),
                "hamming": part.hamming.astype(np.uint8),
            },
            shape=store.manifest["volume"]["shape"],
            voxel_size_nm=store.grid.voxel_size_nm,
            origin_nm=store.grid.origin_nm,
        )
    run.save_json("metrics.json", {"n_results": len(matches.ranks), "seconds": matches.seconds})


def _each(matches: Matches, stores: Sequence[Engine]) -> Iterator[tuple[str, Engine, Matches]]:
    """Yield for each store the ending of its files, itself, and what was found in it."""
    if len(stores) == 1:
        yield "", stores[0], matches
        return
    for number, store in enumerate(stores):
        yield f"_{number}", store, matches.of_store(number)


def _draw(matches: Matches, stores: Sequence[Engine], run: report.Run, path: str | None) -> None:
    """Draw a contact sheet for each store in which something was found."""
    volumes = [_volume(store, path) for store in stores]
    for number, (ending, _, part) in enumerate(_each(matches, stores)):
        if len(part.ranks):
            figure = sheet(matches, stores, volumes, number)
            run.log_figure(style.save(figure, run.folder / f"results{ending}.png"))


def neuroglancer(matches: Matches, store: Engine, *, image: str | None) -> dict[str, Any]:
    """Return a state for neuroglancer: the volume and a point for each result.

    Args:
        matches: The points; voxel i spans i to i + 1, so its centre lies at i + 0.5.
        store: Knows voxel size and volume.
        image: Source of the image layer, e.g. ``"precomputed://https://..."``; None: the volume, if
            it lies on a server.
    """
    size = np.array(store.grid.voxel_size_nm)
    points = matches.centres_nm / size + 0.5  # z, y, x
    axes = dimensions(store.grid.voxel_size_nm)
    annotations = [
        {
            "type": "point",
            "id": str(rank),
            "point": [x, y, z],
            "description": f"rank {rank}, score {score:.4g}",
        }
        for rank, score, (z, y, x) in zip(
            matches.ranks.tolist(), matches.scores.tolist(), points.tolist(), strict=True
        )
    ]
    name = str(store.manifest["volume"]["name"])
    source = with_prefix(name) if image is None and _is_remote(name) else image
    layers: list[dict[str, Any]] = []
    if source is not None:
        layers.append({"type": "image", "name": "volume", "source": source})
    layers.append(
        {
            "type": "annotation",
            "name": "matches",
            "source": {"url": "local://annotations", "transform": {"outputDimensions": axes}},
            "annotations": annotations,
        }
    )
    state: dict[str, Any] = {"dimensions": axes, "layers": layers}
    if annotations:
        state["position"] = annotations[0]["point"]
    return state


def _is_remote(name: str) -> bool:
    return any(scheme in name for scheme in REMOTE)


def _volume(store: Engine, path: str | None) -> Volume:
    """Return the volume that a store was made of, or what the user says it is now."""
    known = store.manifest["volume"]
    return open_volume(
        str(known["name"]) if path is None else path,
        level=known["level"],
        dataset=known["dataset"],
        axes=known["axes"],
        voxel_size_nm=store.grid.voxel_size_nm,
    )


def sheet(
    matches: Matches, stores: Sequence[Engine], volumes: Sequence[Volume], number: int = 0
) -> Any:  # noqa: ANN401 - a figure
    """Return a contact sheet: examples on the left, results on the right, with a scale bar.

    Only the surroundings of the patches are read.

    Args:
        matches: At least one of them in the store that is drawn.
        stores: Where they lie.
        volumes: What the stores were made of.
        number: The store that is drawn. Examples of others are resampled to its voxels.
    """
    store = stores[number]
    groups = [
        (matches.positive_stores, matches.positives, MAX_EXAMPLES),
        (matches.negative_stores, matches.negatives, MAX_EXAMPLES),
        (matches.of_store(number).stores, matches.of_store(number).places, MAX_DRAWN),
    ]
    pictures: list[np.ndarray] = []
    names: list[str] = []
    boxes: list[list[int]] = []
    for owners, places, most in groups:
        for owner, place in list(zip(owners.tolist(), places, strict=True))[:most]:
            picture, box = _picture(stores[owner], volumes[owner], place, store.grid.size)
            boxes.append([len(pictures), *box])
            pictures.append(picture)
            names.append(str(stores[owner].grid.first_voxels(place[None])[0, 0]))
    stack = Stack(
        Path(store.name).name,
        pictures,
        names,
        intensity=(0.0, 1.0),
        pixel_size_nm=store.grid.voxel_size_nm[1],
        section_nm=store.grid.voxel_size_nm[0],
    )
    ends = np.cumsum([min(len(places), most) for _, places, most in groups])[:-1]
    positives, negatives, results = np.split(np.array(boxes, dtype=np.int64), ends)
    ranks = matches.of_store(number).ranks[:MAX_DRAWN]
    title = (
        f"{stack.name}, {store.manifest['model']['name']}; examples: {len(matches.positives)} "
        f"positive, {len(matches.negatives) or 'no'} negative; ranks {ranks[0]} to {ranks[-1]}"
    )
    return sheets.retrieved(stack, positives, negatives, results, None, title=title, ranks=ranks)


def _picture(
    store: Engine, volume: Volume, place: np.ndarray, size: int
) -> tuple[np.ndarray, list[int]]:
    """Return a patch in its surroundings, (Y, X) in [0, 1], and its box in there.

    Args:
        store: Where the patch lies.
        volume: What is drawn of it.
        place: Indices Z Y X of the grid.
        size: Edge that the patch gets, in pixels.
    """
    edge = store.grid.size
    z, y, x = store.grid.first_voxels(place[None])[0].tolist()
    margin = AROUND * edge
    top, left = max(0, y - margin), max(0, x - margin)
    bottom, right = (
        min(n + edge + margin, length) for n, length in zip((y, x), volume.shape[1:], strict=True)
    )
    voxels = volume.read(Box((z, top, left), (z + 1, bottom, right)))[0].astype(np.float32)
    low, high = store.manifest["intensity"]
    picture = np.nan_to_num((voxels - low) / (high - low))
    box = [y - top, x - left, edge, edge]
    if edge != size:
        rows, columns = (
            patches.resize_matrix(n, max(1, round(n * size / edge))) for n in picture.shape
        )
        picture = rows @ picture @ columns.T
        box = [round(n * size / edge) for n in box]
    return picture, box


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="search")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.search``."""
    return command.run("search", cfg, work)


if __name__ == "__main__":
    command.start("search", main)
