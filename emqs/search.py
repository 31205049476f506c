"""Search an embedded volume: click a few examples, get every place that looks like them, ranked.

python -m emqs.search store=NAME.zarr positive='[[z,y,x]]'
"""

from pathlib import Path
from typing import Any

import hydra
import numpy as np
from omegaconf import DictConfig, OmegaConf

from emqs import command, lookup, report
from emqs.config import CONFIG_DIR, QueryConfig, read
from emqs.datasets import Stack
from emqs.errors import ConfigError
from emqs.figures import sheets, style
from emqs.lookup import Matches, SearchConfig
from emqs.store import Store, open_store
from emqs.volumes import Box, Volume, open_volume

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
    if cfg.store is None:
        raise ConfigError("store is missing: give it as store=NAME.zarr.")
    store = open_store(Path(str(cfg.store)))
    matches = lookup.search(
        store,
        _points(cfg, "positive"),
        _points(cfg, "negative"),
        query=query,
        settings=settings,
    )
    write(matches, store, run, image=cfg.image)
    if len(matches.ranks):
        print(report.plain_table(rows(matches)))  # noqa: T201
    else:
        print("No more places: every one is nearer to a better one than search.distance_nm.")  # noqa: T201
    if cfg.figures and len(matches.ranks):
        volume = _volume(store, None if cfg.volume is None else str(cfg.volume))
        run.log_figure(style.save(sheet(matches, store, volume), run.folder / "results.png"))
    print(f"\nResults: {run.folder}")  # noqa: T201
    return None


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
    names = ("rank", "z", "y", "x", "hamming")
    columns = {name: matches.columns[name].tolist() for name in names}
    return [
        {**{name: columns[name][i] for name in names}, "score": f"{score:.4g}"}
        for i, score in enumerate(matches.scores.tolist())
    ]


def write(matches: Matches, store: Store, run: report.Run, *, image: str | None = None) -> None:
    """Write matches.csv, matches.json and neuroglancer.json into the run's folder."""
    run.save_csv("matches.csv", matches.columns)
    columns = {name: values.tolist() for name, values in matches.columns.items()}
    table = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    run.save_json("matches.json", {"store": str(store.path), "matches": table})
    run.save_json("neuroglancer.json", neuroglancer(matches, store, image=image))
    run.save_json("metrics.json", {"n_results": len(matches.ranks), "seconds": matches.seconds})


def neuroglancer(matches: Matches, store: Store, *, image: str | None) -> dict[str, Any]:
    """Return a state for neuroglancer: the volume and a point for each result.

    Args:
        matches: The points; voxel i spans i to i + 1, so its centre lies at i + 0.5.
        store: Knows voxel size and volume.
        image: Source of the image layer, e.g. ``"precomputed://https://..."``; None: the volume, if
            it lies on a server.
    """
    size = np.array(store.grid.voxel_size_nm)
    points = matches.centres_nm / size + 0.5  # z, y, x
    dimensions = {
        axis: [float(f"{nm * 1e-9:.12g}"), "m"]
        for axis, nm in zip("xyz", size[::-1].tolist(), strict=True)
    }
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
    source = image if image is not None else name if "://" in name and _is_remote(name) else None
    layers: list[dict[str, Any]] = []
    if source is not None:
        layers.append({"type": "image", "name": "volume", "source": source})
    layers.append(
        {
            "type": "annotation",
            "name": "matches",
            "source": {"url": "local://annotations", "transform": {"outputDimensions": dimensions}},
            "annotations": annotations,
        }
    )
    state: dict[str, Any] = {"dimensions": dimensions, "layers": layers}
    if annotations:
        state["position"] = annotations[0]["point"]
    return state


def _is_remote(name: str) -> bool:
    return any(scheme in name for scheme in REMOTE)


def _volume(store: Store, path: str | None) -> Volume:
    """Return the volume that a store was made of, or what the user says it is now."""
    known = store.manifest["volume"]
    return open_volume(
        str(known["name"]) if path is None else path,
        level=known["level"],
        dataset=known["dataset"],
        axes=known["axes"],
        voxel_size_nm=store.grid.voxel_size_nm,
    )


def sheet(matches: Matches, store: Store, volume: Volume) -> Any:  # noqa: ANN401 - a figure
    """Return a contact sheet: examples on the left, results on the right, with a scale bar.

    Only the surroundings of the patches are read.
    """
    grid = store.grid
    groups = [
        matches.positives[:MAX_EXAMPLES],
        matches.negatives[:MAX_EXAMPLES],
        matches.places[:MAX_DRAWN],
    ]
    pictures: list[np.ndarray] = []
    names: list[str] = []
    boxes: list[list[int]] = []
    for z, y, x in grid.first_voxels(np.concatenate(groups)).tolist():
        margin = AROUND * grid.size
        top, left = max(0, y - margin), max(0, x - margin)
        stop = (
            z + 1,
            *(
                min(n + grid.size + margin, length)
                for n, length in zip((y, x), volume.shape[1:], strict=True)
            ),
        )
        boxes.append([len(pictures), y - top, x - left, grid.size, grid.size])
        pictures.append(np.nan_to_num(volume.read(Box((z, top, left), stop))[0]))
        names.append(str(z))
    low, high = store.manifest["intensity"]
    stack = Stack(
        Path(str(store.manifest["volume"]["name"])).name,
        pictures,
        names,
        intensity=(low, high),
        pixel_size_nm=grid.voxel_size_nm[1],
        section_nm=grid.voxel_size_nm[0],
    )
    ends = np.cumsum([len(group) for group in groups])[:-1]
    positives, negatives, results = np.split(np.array(boxes, dtype=np.int64), ends)
    title = (
        f"{stack.name}, {store.manifest['model']['name']}; examples: {len(matches.positives)} "
        f"positive, {len(matches.negatives) or 'no'} negative; ranks {matches.ranks[0]} to "
        f"{matches.ranks[0] + len(results) - 1}"
    )
    return sheets.retrieved(stack, positives, negatives, results, None, title=title)


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="search")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.search``."""
    return command.run("search", cfg, work)


if __name__ == "__main__":
    command.start("search", main)
