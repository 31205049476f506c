"""Search an embedded volume: click a few examples, get every place that looks like them, ranked.

python -m emqs.search store=NAME.zarr positive='[[z,y,x]]'
"""

import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from omegaconf import DictConfig, OmegaConf

from emqs.errors import ConfigError, DataError
from emqs.lazy import callable_as
from emqs.retrieval.settings import QueryConfig, SearchConfig
from emqs.runs import command, record, tables
from emqs.settings import CONFIG_DIR, read

if TYPE_CHECKING:
    from emqs.embedding.stores import SearchableStore
    from emqs.retrieval.volume_search import Matches

callable_as(__name__, "emqs.notebook:search")


def work(cfg: DictConfig, run: record.Run) -> float | None:
    """Do what ``python -m emqs.search`` was asked to.

    Args:
        cfg: The composed configuration of ``configs/search.yaml``.
        run: Where results go.
    """
    settings = read(SearchConfig, cfg.search, "search")
    query = read(QueryConfig, cfg.query, "query")
    for note in query.idle(command.given()):
        print(f"Note: {note}")  # noqa: T201

    from emqs.embedding.stores.opening import unfinished
    from emqs.retrieval import volume_search  # settings are right, so what takes long is worth it

    stores = opened(cfg)
    for note in filter(None, map(unfinished, stores)):
        print(note)  # noqa: T201
    positive, negative = examples(cfg, stores)
    stores = list(volume_search.resized(stores, positive, query, settings))
    if settings.size_nm is not None:
        grid = stores[0].grid
        settings = replace(settings, size_nm=grid.edge_nm)
        print(f"Windows of {grid.size} voxels, {settings.size_nm:g} nm.")  # noqa: T201
    matches = volume_search.search(stores, positive, negative, query=query, settings=settings)
    named = None if cfg.volume is None else str(cfg.volume)
    write(matches, stores, run, volume=named, image=cfg.image)
    if len(stores) == 1:
        write_next(matches, stores[0], run, positive, negative)
    if len(matches.ranks):
        print(tables.plain_table(rows(matches)))  # noqa: T201
    else:
        print(none_left(settings))  # noqa: T201
    if cfg.figures:
        _draw(matches, stores, run, named)
    if len(stores) == 1 and len(matches.suggested):
        from emqs.retrieval.examples_file import next_round

        print(f"\n{next_round('search', command.typed(), run.folder)}")  # noqa: T201
    if len(matches.ranks) and cfg.image is None:
        for line in in_browser(stores, named):
            print(line)  # noqa: T201
    print(f"\nResults: {run.folder}")  # noqa: T201
    return None


def opened(cfg: DictConfig) -> "list[SearchableStore]":
    """Return what ``store`` names, ready to be searched.

    Raises:
        ConfigError: If nothing is named, or ``volume`` or ``image`` with several stores.
        DataError: If a store is missing or damaged.
    """
    names = command.names(cfg, "store")
    if not names:
        raise ConfigError("store is missing: give it as store=NAME.zarr.")
    if len(names) > 1:
        for setting in ("volume", "image"):
            if cfg[setting] is not None:
                raise ConfigError(f"{setting}={cfg[setting]} needs a single store, got {names}.")
    from emqs.embedding.stores.connections import ClickhouseConfig
    from emqs.embedding.stores.opening import open_searchable

    settings = read(ClickhouseConfig, cfg.clickhouse, "clickhouse")
    return [open_searchable(name, settings) for name in names]


def examples(cfg: DictConfig, stores: "Sequence[SearchableStore]") -> tuple[list[Any], list[Any]]:
    """Return the points of what is looked for and of what is not, from files or as typed.

    Raises:
        ConfigError: If both are given, or files with several stores.
        DataError: If a file is wrong.
    """
    names = command.names(cfg, "examples")
    if not names:
        return _points(cfg, "positive"), _points(cfg, "negative")
    if cfg.positive is not None or cfg.negative is not None:
        raise ConfigError("Give either examples=NAME.csv, or positive= and negative=, not both.")
    if len(stores) > 1:
        raise ConfigError(
            "examples= does not say in which of several stores a place lies; give "
            "positive='[[store,z,y,x]]'."
        )
    from emqs.retrieval.examples_file import read_several

    grid = stores[0].grid
    return read_several(
        [Path(name).expanduser() for name in names],
        voxel_size_nm=grid.voxel_size_nm,
        origin_nm=grid.origin_nm,
    ).points


def none_left(settings: SearchConfig) -> str:
    """Return why a page is empty."""
    if settings.page > 0:
        return "No more places: every one is nearer to a better one than search.distance_nm."
    where = "" if settings.box_nm is None else "lies in search.box_nm and "
    return (
        f"No places: none {where}is further from all examples than search.distance_nm, which is "
        "the edge of a window where it is null."
    )


def in_browser(stores: "Sequence[SearchableStore]", volume: str | None) -> list[str]:
    """Return lines that say how matches are seen over a volume that neuroglancer cannot read.

    Neuroglancer reads no file of a disk, so for a volume there its state has the matches alone.
    """
    from emqs.annotations.neuroglancer import is_remote
    from emqs.embedding.stores.opening import on_disk

    first = on_disk(stores[0])
    if len(stores) > 1 or first is None or is_remote(first.folder.address):
        return []
    made_of = str(first.manifest["volume"]["name"]) if volume is None else volume
    if is_remote(made_of):
        return []
    here = [f"volume={made_of}", f"store={first.folder.address}", "home=lab"]
    return [
        "\nIn the browser, over the volume (neuroglancer.json has the matches alone, since "
        "neuroglancer reads no file of this disk):",
        f"  emqs {shlex.join(['dataset', 'add', 'mine', *here])}",
        "  emqs serve home=lab",
    ]


def write_next(
    matches: "Matches",
    store: "SearchableStore",
    run: record.Run,
    positive: list[Any],
    negative: list[Any],
) -> None:
    """Write what the next round needs: the examples, and suggestions whose label is empty."""
    import numpy as np

    from emqs.retrieval import suggestions
    from emqs.retrieval.examples_file import columns, from_points

    clicked = from_points([point[-3:] for point in positive], [point[-3:] for point in negative])
    grid = store.grid
    size, origin = grid.voxel_size_nm, grid.origin_nm
    run.save_csv(
        "examples.csv",
        columns(clicked.voxels, clicked.labels, voxel_size_nm=size, origin_nm=origin),
    )
    n = len(matches.suggested)
    if n:
        centres = grid.centres(matches.suggested)
        run.save_csv(
            "suggestions.csv",
            {
                **columns(centres, [""] * n, voxel_size_nm=size, origin_nm=origin),
                "order": np.arange(1, n + 1),
                "why": suggestions.reasons(n),
                "score": matches.suggested_scores,
            },
        )


def _points(cfg: DictConfig, name: str) -> list[Any]:
    value = cfg[name]
    if value is None:
        return []
    points = OmegaConf.to_container(value) if OmegaConf.is_list(value) else value
    if not isinstance(points, list):
        raise ConfigError(f"{name} must be a list of voxels, '[[z,y,x],[z,y,x]]', got {points}.")
    return points


def rows(matches: "Matches") -> list[dict[str, Any]]:
    """Return the rows that are printed, one for each result."""
    names = [n for n in matches.columns if n in ("rank", "store", "z", "y", "x", "hamming")]
    columns = {name: matches.columns[name].tolist() for name in names}
    shown: list[dict[str, Any]] = [
        {
            name: f"{value:.1f}" if isinstance(value, float) else value
            for name, value in ((name, columns[name][i]) for name in names)
        }
        | {"score": f"{score:.4g}"}
        for i, score in enumerate(matches.scores.tolist())
    ]
    if matches.probabilities is not None:
        for row, probability in zip(shown, matches.probabilities.tolist(), strict=True):
            row["probability"] = f"{probability:.2f}"
    return shown


def write(
    matches: "Matches",
    stores: "Sequence[SearchableStore]",
    run: record.Run,
    *,
    volume: str | None = None,
    image: str | None = None,
) -> None:
    """Write matches.csv, matches.json, neuroglancer.json and annotations into the run's folder.

    Nothing is opened that the user did not name: ``volume`` or ``image``.
    """
    import numpy as np

    from emqs.annotations.neuroglancer import neuroglancer
    from emqs.annotations.precomputed import write_points
    from emqs.annotations.viewer_files import write_fiji, write_napari

    run.save_csv("matches.csv", matches.columns)
    columns = {name: values.tolist() for name, values in matches.columns.items()}
    table = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    names = matches.names[0] if len(stores) == 1 else list(matches.names)
    run.save_json("matches.json", {"store": names, "matches": table})
    for ending, store, part in _each(matches, stores):
        state = neuroglancer(
            part.centres_nm,
            part.ranks,
            part.scores,
            voxel_size_nm=store.grid.voxel_size_nm,
            volume=volume,
            image=image,
        )
        run.save_json(f"neuroglancer{ending}.json", state)
        write_napari(run.folder / f"napari{ending}.csv", part.centres)
        rois = [f"{rank:06d}" for rank in part.ranks.tolist()]
        write_fiji(run.folder / f"fiji_rois{ending}.zip", part.first, part.edges, rois)
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


def _each(
    matches: "Matches", stores: "Sequence[SearchableStore]"
) -> "Iterator[tuple[str, SearchableStore, Matches]]":
    """Yield for each store the ending of its files, itself, and what was found in it."""
    if len(stores) == 1:
        yield "", stores[0], matches
        return
    for number, store in enumerate(stores):
        yield f"_{number}", store, matches.of_store(number)


def _draw(
    matches: "Matches", stores: "Sequence[SearchableStore]", run: record.Run, path: str | None
) -> None:
    """Draw a contact sheet for each store in which something was found.

    What was found does not depend on pictures: without the volume there are none, and a line says
    so. One that the user named must be there.
    """
    from emqs.figures import style
    from emqs.retrieval.contact_sheet import sheet, source_volume

    try:
        volumes = [source_volume(store, path) for store in stores]
        for number, (ending, _, part) in enumerate(_each(matches, stores)):
            if len(part.ranks):
                figure = sheet(matches, stores, volumes, number)
                run.log_figure(style.save(figure, run.folder / f"results{ending}.png"))
    except (ConfigError, DataError) as error:
        if path is not None:
            raise
        print(f"No pictures: {command.one_line(error)}")  # noqa: T201


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="search")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.search``."""
    return command.run("search", cfg, work)


if __name__ == "__main__":
    command.start("search", main)
