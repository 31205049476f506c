"""Clicks in an embedding volume become a probability of every voxel, and objects.

The result is one OME-Zarr: the image is the probability (uint8, 255 is 1) with its smaller copies,
and ``labels/objects`` in it holds the numbers of the objects. It is made in a folder beside it,
tile by tile; a run that was stopped goes on there, and ends in the same bytes.
"""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emqs.embedding.build.planes import PlaceSource
from emqs.embedding.stores import SearchableStore
from emqs.errors import ConfigError
from emqs.geometry import Box, boxes
from emqs.ingestion.partial import check_target, plan_digest, working_folder
from emqs.ingestion.pyramid import Image, levels_of
from emqs.models.compute import DEFAULT, Compute
from emqs.models.weights import Model
from emqs.prediction import head as heads
from emqs.prediction.features import Features
from emqs.prediction.found import Objects, number_objects
from emqs.prediction.settings import PredictConfig
from emqs.prediction.suggestions import suggest
from emqs.retrieval.examples_file import NEGATIVE, POSITIVE, Examples
from emqs.runs.progress import Step
from emqs.volumes import Volume

DEPTH = 16  # slices of a tile
CHUNK = (16, 128, 128)  # of what is read at once
LABELS = "labels/objects"


def silent(_stage: str, _done: int, _total: int) -> None:
    """Say nothing of how far the work is."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """An embedding volume, with what it was made of.

    Attributes:
        store: Its patches decide the scale.
        volume: That it was made of.
        model: The encoder that it was made with.
        compute: Device and batch size.
    """

    store: SearchableStore
    volume: Volume
    model: Model
    compute: Compute = DEFAULT


@dataclass(frozen=True)
class Predicted:
    """What was made.

    Attributes:
        path: Of the OME-Zarr.
        region: Of the volume, in voxels.
        objects: Their measures; None if the result was there already.
        suggested: Voxels ``(n, 3)`` of the volume where the next clicks would help most.
        is_new: Whether it was made by this call.
    """

    path: Path
    region: Box
    objects: Objects | None
    suggested: np.ndarray
    is_new: bool


def predict(
    embedded: Embedded,
    examples: Examples,
    out: Path,
    *,
    settings: PredictConfig,
    region: Box | None = None,
    step: Step = silent,
    restart: bool = False,
) -> Predicted:
    """Predict where a structure is.

    Args:
        embedded: Where.
        examples: Clicks on the structure and on something else.
        out: The OME-Zarr to make; must not exist, unless it was made in the same way.
        settings: Everything else.
        region: In voxels; None: the whole volume.
        step: Called with a stage, parts done, and parts in all.
        restart: Begin anew where a run was stopped.

    Returns:
        What was made.

    Raises:
        ConfigError: If an example or the region lies outside, nothing is positive, the model or the
            volume is another than the store's, or ``out`` holds something else.
        DataError: If the volume cannot be read, or the result not be written.
    """
    store, volume = embedded.store, embedded.volume
    region = volume.box if region is None else _checked_region(region, volume)
    _check_model(store, embedded.model)
    _check_examples(store, volume, examples)
    plan = _plan(store, examples, region, settings)
    if check_target(out, plan_digest(plan)):
        return Predicted(out, region, None, np.empty((0, 3), dtype=np.int64), is_new=False)
    with working_folder(out, plan, restart=restart) as folder:
        image = _image(folder / "image", store, region, settings)
        _fill(image, folder, features_of(embedded), examples, region,
              settings, step)  # fmt: skip
        for level in image.levels[1:]:
            shards = list(image.shards(level.number))
            for number, box in enumerate(shards):
                image.shrink(level.number, box)
                step(f"level {level.number}", number + 1, len(shards))
        made = number_objects(image, folder, store.grid, region, settings, LABELS, step=step)
        suggested = suggest(image, settings.n_suggestions, apart=2 * store.grid.size)
        origin = tuple(
            o + s * a
            for o, s, a in zip(
                store.grid.origin_nm, store.grid.voxel_size_nm, region.start, strict=True
            )
        )
        image.finish(
            "probability", (origin[0], origin[1], origin[2]), window=(0.0, 255.0),
            extra={"emqs": {"plan_sha256": plan_digest(plan), "made_by": "predict", "plan": plan}},
        )  # fmt: skip
        image.folder.rename(out)
    shutil.rmtree(out.with_name(f".{out.name}.partial"), ignore_errors=True)
    return Predicted(out, region, made, suggested + np.array(region.start), is_new=True)


def _checked_region(region: Box, volume: Volume) -> Box:
    inside = all(
        0 <= a < b <= n for a, b, n in zip(region.start, region.stop, volume.shape, strict=True)
    )
    if not inside:
        raise ConfigError(
            f"region={[list(region.start), list(region.stop)]} must begin and end inside the "
            f"volume of shape (Z, Y, X) = {volume.shape}, and end after it begins."
        )
    return region


def _check_model(store: SearchableStore, model: Model) -> None:
    """Raise unless a store was made with the model."""
    made_with = store.manifest["model"]
    same = (made_with["name"], made_with["weights_sha256"]) == (model.name, model.sha256)
    if not same:
        raise ConfigError(
            f"{store.name} was made with model={made_with['name']} and other weights than those "
            f"of model={model.name}. Give model= and weights= as they were given to embed."
        )


def _check_examples(store: SearchableStore, volume: Volume, examples: Examples) -> None:
    """Raise unless there is a positive example, all lie in the volume, and labels are known."""
    if list(store.manifest["volume"]["shape"]) != list(volume.shape):
        raise ConfigError(
            f"{store.name} was made of a volume of shape {store.manifest['volume']['shape']}, but "
            f"{volume.name} has {list(volume.shape)}. Give the volume it was made of: volume=PATH."
        )
    others = sorted(set(examples.labels) - {POSITIVE, NEGATIVE})
    if others:
        raise ConfigError(
            f"The examples have the labels {', '.join(others[:5])}; a prediction knows "
            f"{POSITIVE} and {NEGATIVE}."
        )
    if not len(examples.of(POSITIVE)):
        raise ConfigError(
            "The prediction needs at least one positive example. Give positive='[[z,y,x]]', or "
            f"rows labelled {POSITIVE} in examples=NAME.csv."
        )
    outside = ~((examples.voxels >= 0) & (examples.voxels < volume.shape)).all(axis=1)
    if outside.any():
        first = examples.voxels[outside][0].tolist()
        raise ConfigError(
            f"The example {first} lies outside the volume of shape (Z, Y, X) = {volume.shape}; "
            "voxels are counted from 0."
        )


def _plan(
    store: SearchableStore, examples: Examples, region: Box, settings: PredictConfig
) -> dict[str, Any]:
    """Return what a result is made of and how."""
    return {
        "volume": store.manifest["volume"]["fingerprint"],
        "model": store.manifest["model"]["weights_sha256"],
        "patch_px": store.grid.size,
        "region": [list(region.start), list(region.stop)],
        "examples": [
            [*voxel, label]
            for voxel, label in zip(examples.voxels.tolist(), examples.labels, strict=True)
        ],
        "settings": asdict(settings),
    }


def features_of(embedded: Embedded) -> Features:
    """Return the features of the voxels of an embedded volume, as its network was shown them."""
    store = embedded.store
    low, high = store.manifest["intensity"]
    known = store.manifest["contrast"]
    contrast = None if known is None else np.array(known)
    source = PlaceSource(embedded.volume, (low, high), store.manifest["padding"], contrast)
    return Features(source, embedded.model, store.grid, embedded.compute)


def _image(folder: Path, store: SearchableStore, region: Box, settings: PredictConfig) -> Image:
    """Return the probability that is being written."""
    folder.mkdir(exist_ok=True)
    levels = levels_of(region.shape, store.grid.voxel_size_nm)
    shard = (DEPTH, settings.tile, settings.tile)
    return Image(folder, levels, np.dtype(np.uint8), CHUNK, shard)


def _fill(
    image: Image,
    folder: Path,
    features: Features,
    examples: Examples,
    region: Box,
    settings: PredictConfig,
    step: Step,
) -> None:
    """Write the tiles that are missing."""
    journal = folder / "tiles"
    journal.mkdir(exist_ok=True)
    tiles = list(image.shards(0))
    missing = [
        (number, box) for number, box in enumerate(tiles) if not (journal / str(number)).exists()
    ]
    if not missing:
        return
    fitted = fitted_head(features, examples, settings)
    for count, (number, box) in enumerate(missing, len(tiles) - len(missing) + 1):
        values = probabilities(features, fitted, box.moved(region.start))
        image.write(0, box, np.rint(values * 255).astype(np.uint8))
        (journal / str(number)).touch()
        step("probability", count, len(tiles))


def fitted_head(features: Features, examples: Examples, settings: PredictConfig) -> heads.Head:
    """Return the head for some examples; the projection of the features is learnt, if it is not.

    Args:
        features: Of the volume.
        examples: At least one of them positive.
        settings: How.
    """
    unlabelled = features.learn(
        settings.components, n_voxels=settings.n_unlabelled, seed=settings.seed
    )
    positive, negative = (features.at(examples.of(label)) for label in (POSITIVE, NEGATIVE))
    return heads.fit(positive, negative, unlabelled, settings)


def probabilities(features: Features, head: heads.Head, box: Box) -> np.ndarray:
    """Return the probability of every voxel of a box, ``box.shape``, float32."""
    result = np.empty(box.shape, dtype=np.float32)
    for z in range(box.shape[0]):
        at = box.start[0] + z
        part = Box((at, *box.start[1:]), (at + 1, *box.stop[1:]))
        for own in boxes(part.shape, (1, 256, 256)):
            maps = features.of(own.moved(part.start))
            values = head.probability(maps.reshape(len(maps), -1).T)
            result[(z, *own.slices[1:])] = values.reshape(own.shape[1:])
    return result
