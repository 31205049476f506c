"""Pictures of the examples and matches of a search in a volume."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from emqs.datasets import Stack
from emqs.embedding.stores import SearchableStore
from emqs.embedding.stores.opening import on_disk
from emqs.errors import ConfigError
from emqs.figures import sheets
from emqs.patches import cutting
from emqs.retrieval.volume_search import Matches
from emqs.volumes import Box, Volume, open_volume

MAX_DRAWN = 48  # results in the contact sheet


MAX_EXAMPLES = 4  # examples of each kind beside them


AROUND = 1  # patches on each side of a patch that are read for its picture


def source_volume(store: SearchableStore, path: str | None) -> Volume:
    """Return the volume that a store was made of, or what the user says it is now.

    Raises:
        ConfigError: As ``source_opener``.
        DataError: If the volume cannot be opened.
    """
    return source_opener(store, path)()


def source_opener(store: SearchableStore, path: str | None) -> Callable[[], Volume]:
    """Return what opens that volume, also in another process.

    A store may come from anybody, so what it names is opened only if the store lies on this disk,
    and the volume, too. Addresses are opened if the user names them.

    Raises:
        ConfigError: If the store names an address, or nothing that is there.
    """
    known = store.manifest["volume"]
    name = str(known["name"]) if path is None else path
    place = Path(name)
    is_own = on_disk(store) is not None and (place.is_file() or place.is_dir())
    if path is None and not is_own:
        raise ConfigError(
            f"{store.name} was made of {name}, which is not opened because a store says so. Give "
            "volume=PATH, which may be the same."
        )
    return partial(
        open_volume,
        name,
        level=known.get("level", 0),
        dataset=known.get("dataset"),
        axes=known.get("axes"),
        select=known.get("select"),
        voxel_size_nm=store.grid.voxel_size_nm,
    )


def sheet(
    matches: Matches, stores: Sequence[SearchableStore], volumes: Sequence[Volume], number: int = 0
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
    shown = matches.of_store(number)
    captions = [
        f"#{rank}, score {score:.3g}\n[{z},{y},{x}]"
        for rank, score, (z, y, x) in zip(
            ranks.tolist(), shown.scores.tolist(), shown.voxels.tolist(), strict=False
        )
    ]
    return sheets.retrieved(
        stack, positives, negatives, results, None, title=title, captions=captions
    )


def _picture(
    store: SearchableStore, volume: Volume, place: np.ndarray, size: int
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
    low, high = store.manifest.get("intensity", (0.0, 255.0))
    picture = np.nan_to_num((voxels - low) / (high - low))
    box = [y - top, x - left, edge, edge]
    if edge != size:
        rows, columns = (
            cutting.resize_matrix(n, max(1, round(n * size / edge))) for n in picture.shape
        )
        picture = rows @ picture @ columns.T
        box = [round(n * size / edge) for n in box]
    return picture, box
