"""Clicks in an embedding volume become a probability of every voxel, and objects.

The result is one OME-Zarr: the image is the probability (uint8, 255 is 1) with its smaller copies,
and ``labels/objects`` in it holds the numbers of the objects. Of several classes there is one for
each, in a folder with the name of the class. It is made in a folder beside it,
tile by tile; a run that was stopped goes on there, and ends in the same bytes.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from emqs.embedding.build.planes import PlaceSource
from emqs.embedding.stores import SearchableStore
from emqs.errors import ConfigError
from emqs.files import write_json
from emqs.geometry import Box
from emqs.ingestion.partial import check_target, plan_digest, working_folder
from emqs.ingestion.pyramid import Image, levels_of
from emqs.models.compute import DEFAULT, Compute
from emqs.models.weights import Model
from emqs.prediction import head as heads
from emqs.prediction import tiles
from emqs.prediction.features import Features
from emqs.prediction.found import Objects, number_objects
from emqs.prediction.settings import PredictConfig
from emqs.prediction.suggestions import suggest
from emqs.retrieval.examples_file import NEGATIVE, POSITIVE, Examples
from emqs.runs.executors import Executor, InProcess
from emqs.runs.progress import Step
from emqs.volumes import Volume

DEPTH = 16  # slices of a tile
CHUNK = (16, 128, 128)  # of what is read at once
LABELS = "labels/objects"
FEATURES = 7  # which features and head: what was begun with others is not gone on with
CLASS_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_. -]{0,99}")
RESERVED = ("labels", "meshes", "zarr.json")  # what lies in the folder of an image


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
        path: Of the OME-Zarr or, of several classes, of the folder that holds one for each.
        region: Of the volume, in voxels.
        objects: Measures of the objects of each class; None if the result was there already.
        suggested: Voxels ``(n, 3)`` of the volume where the next clicks would help most.
        is_new: Whether it was made by this call.
    """

    path: Path
    region: Box
    objects: dict[str, Objects] | None
    suggested: np.ndarray
    is_new: bool

    def image_of(self, name: str) -> Path:
        """Return the OME-Zarr of a class."""
        return image_folder(self.path, name)


def image_folder(folder: Path, name: str) -> Path:
    """Return where the image of a class lies: what is just positive needs no folder of its own."""
    return folder if name == POSITIVE else folder / name


def predict(
    embedded: Embedded,
    examples: Examples,
    out: Path,
    *,
    settings: PredictConfig,
    region: Box | None = None,
    step: Step = silent,
    restart: bool = False,
    executor: Executor | None = None,
) -> Predicted:
    """Predict where a structure is.

    Args:
        embedded: Where.
        examples: Clicks on the structure, or on several classes of structures, and on something
            else.
        out: The OME-Zarr to make; must not exist, unless it was made in the same way.
        settings: Everything else.
        region: In voxels; None: the whole volume.
        step: Called with a stage, parts done, and parts in all.
        restart: Begin anew where a run was stopped.
        executor: Makes the tiles, and is closed at the end, e.g. that of ``on_ray``; None: this
            process.

    Returns:
        What was made.

    Raises:
        ConfigError: If an example or the region lies outside, nothing is positive, the model or the
            volume is another than the store's, or ``out`` holds something else.
        DataError: If the volume cannot be read, or the result not be written.
    """
    with predicting(
        embedded, examples, out, settings=settings, region=region, step=step, restart=restart,
        executor=executor,
    ) as made:  # fmt: skip
        pass
    return replace(made, path=out)


@contextmanager
def predicting(
    embedded: Embedded,
    examples: Examples,
    out: Path,
    *,
    settings: PredictConfig,
    region: Box | None = None,
    step: Step = silent,
    restart: bool = False,
    executor: Executor | None = None,
) -> Iterator[Predicted]:
    """Predict, and give what was made while it lies in its working folder; see ``predict``.

    It gets the name ``out`` when the ``with`` block ends: what is made of it within, meshes and
    tables, is there whenever ``out`` is. If the block is left by an error or killed, the next call
    goes on and gives it again. What was there already is given under its name.
    """
    store, volume = embedded.store, embedded.volume
    region = volume.box if region is None else checked_region(region, volume)
    check_model(store, embedded.model)
    classes = checked_classes(store, volume, examples)
    plan = _plan(store, examples, region, settings)
    digest = plan_digest(plan)
    if check_target(out, digest):
        yield Predicted(out, region, None, np.empty((0, 3), dtype=np.int64), is_new=False)
        return
    with working_folder(out, plan, restart=restart) as folder:
        made = (folder / "image").absolute()
        made.mkdir(exist_ok=True)
        images = {name: _image(image_folder(made, name), store, region, settings)
                  for name in classes}  # fmt: skip
        with closing(InProcess() if executor is None else executor) as workers:
            _fill(images, folder, embedded, examples, region, settings, step, workers)
        _shrink(images, step)
        objects = {
            name: number_objects(
                image, folder, store.grid, region, settings, LABELS, step=step,
                rivals=[other for key, other in images.items() if key != name],
            )
            for name, image in images.items()
        }  # fmt: skip
        suggested = suggest(
            list(images.values()), settings.n_suggestions, apart=2 * store.grid.size
        )
        _finish(made, images, store, region, plan)
        suggested = suggested + np.array(region.start)
        yield Predicted(made, region, objects, suggested, is_new=True)
        made.rename(out)
    shutil.rmtree(out.with_name(f".{out.name}.partial"), ignore_errors=True)


def _finish(
    folder: Path,
    images: dict[str, Image],
    store: SearchableStore,
    region: Box,
    plan: dict[str, Any],
) -> None:
    """Write what describes the images, and what they are made of."""
    own = {"emqs": {"plan_sha256": plan_digest(plan), "made_by": "predict", "plan": plan}}
    grid = store.grid
    z, y, x = (
        o + s * a for o, s, a in zip(grid.origin_nm, grid.voxel_size_nm, region.start, strict=True)
    )
    for name, image in images.items():
        title = "probability" if name == POSITIVE else f"probability of {name}"
        extra = own if image.folder == folder else {}
        image.finish(title, (z, y, x), window=(0.0, 255.0), extra=extra)
    if all(image.folder != folder for image in images.values()):
        group = {
            "zarr_format": 3, "node_type": "group",
            "attributes": {"emqs": {**own["emqs"], "classes": list(images)}},
        }  # fmt: skip
        write_json(folder / "zarr.json", group)


def _shrink(images: dict[str, Image], step: Step) -> None:
    """Write the smaller copies."""
    for image in images.values():
        for level in image.levels[1:]:
            shards = list(image.shards(level.number))
            for number, box in enumerate(shards):
                image.shrink(level.number, box)
                step(f"level {level.number}", number + 1, len(shards))


def checked_region(region: Box, volume: Volume) -> Box:
    """Return a region that lies inside the volume.

    Raises:
        ConfigError: If it does not.
    """
    inside = all(
        0 <= a < b <= n for a, b, n in zip(region.start, region.stop, volume.shape, strict=True)
    )
    if not inside:
        raise ConfigError(
            f"region={[list(region.start), list(region.stop)]} must begin and end inside the "
            f"volume of shape (Z, Y, X) = {volume.shape}, and end after it begins."
        )
    return region


def check_model(store: SearchableStore, model: Model) -> None:
    """Check that a store was made with the model.

    Raises:
        ConfigError: If it was not.
    """
    made_with = store.manifest["model"]
    same = (made_with["name"], made_with["weights_sha256"]) == (model.name, model.sha256)
    if not same:
        raise ConfigError(
            f"{store.name} was made with model={made_with['name']} and other weights than those "
            f"of model={model.name}. Give model= and weights= as they were given to embed."
        )


def checked_classes(store: SearchableStore, volume: Volume, examples: Examples) -> list[str]:
    """Return the classes of the examples, which all lie in the volume.

    Raises:
        ConfigError: If one lies outside, none is positive, or the volume is another than the
            store's.
    """
    if list(store.manifest["volume"]["shape"]) != list(volume.shape):
        raise ConfigError(
            f"{store.name} was made of a volume of shape {store.manifest['volume']['shape']}, but "
            f"{volume.name} has {list(volume.shape)}. Give the volume it was made of: volume=PATH."
        )
    classes = sorted(set(examples.labels) - {NEGATIVE})
    if not classes:
        raise ConfigError(
            "The prediction needs at least one positive example. Give positive='[[z,y,x]]', or "
            f"rows labelled {POSITIVE}, or with the name of a class, in examples=NAME.csv."
        )
    if POSITIVE in classes and len(classes) > 1:
        raise ConfigError(
            f"The examples are labelled {POSITIVE}, and with the names of classes: "
            f"{', '.join(classes[:5])}. Say of each example which class it is."
        )
    unfit = [name for name in classes if not CLASS_NAME.fullmatch(name) or name in RESERVED]
    if unfit:
        raise ConfigError(
            f"The class {unfit[0]!r} cannot be the name of a folder: letters, digits, '_', '-', "
            f"'.' and spaces are allowed, a letter first, and not {', '.join(RESERVED)}."
        )
    outside = ~((examples.voxels >= 0) & (examples.voxels < volume.shape)).all(axis=1)
    if outside.any():
        first = examples.voxels[outside][0].tolist()
        raise ConfigError(
            f"The example {first} lies outside the volume of shape (Z, Y, X) = {volume.shape}; "
            "voxels are counted from 0."
        )
    return classes


def _plan(
    store: SearchableStore, examples: Examples, region: Box, settings: PredictConfig
) -> dict[str, Any]:
    """Return what a result is made of and how."""
    return {
        "features": FEATURES,
        "volume": store.manifest["volume"]["fingerprint"],
        "model": store.manifest["model"]["weights_sha256"],
        "patch_px": store.grid.size,
        "seen_px": store.grid.seen,
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
    images: dict[str, Image],
    folder: Path,
    embedded: Embedded,
    examples: Examples,
    region: Box,
    settings: PredictConfig,
    step: Step,
    workers: Executor,
) -> None:
    """Write the tiles that are missing."""
    features = features_of(embedded)
    work = tiles.Tiles(features, {}, images, region, folder / "tiles",
                       settings.smoothing * features.grid.seen)  # fmt: skip
    missing = work.missing()
    if not missing:
        return
    work = replace(work, heads=fitted_heads(features, examples, settings))
    total = len(work.boxes())
    for count, _ in enumerate(workers.run(tiles.make, work, missing), total - len(missing) + 1):
        step("probability", count, total)


def fitted_heads(
    features: Features, examples: Examples, settings: PredictConfig
) -> dict[str, heads.Head]:
    """Return the head of each class; the projection of the features is learnt anew.

    Args:
        features: Of the volume.
        examples: At least one of them not negative. What is of another class is a negative example.
        settings: How.
    """
    unlabelled = features.learn(
        settings.components, n_voxels=settings.n_unlabelled, seed=settings.seed
    )
    return heads_of(features, unlabelled, examples, settings)


def heads_of(
    features: Features, unlabelled: np.ndarray, examples: Examples, settings: PredictConfig
) -> dict[str, heads.Head]:
    """Return the head of each class; after a further click only this is made again.

    Args:
        features: Of the volume, the projection learnt.
        unlabelled: What ``features.learn`` gave, ``(U, C)``.
        examples: As of ``fitted_heads``.
        settings: How.
    """
    return heads_for(features.at(examples.voxels), examples.labels, unlabelled, settings)


def heads_for(
    seen: np.ndarray, named: Sequence[str], unlabelled: np.ndarray, settings: PredictConfig
) -> dict[str, heads.Head]:
    """Return the head of each class, of features of the examples that are there.

    Args:
        seen: Features of the examples, ``(N, C)``.
        named: The label of each.
        unlabelled: Features of voxels from all over the volume, ``(U, C)``.
        settings: How.
    """
    labels = np.array(named)
    return {
        name: heads.fit(seen[labels == name], seen[labels != name], unlabelled, settings)
        for name in sorted(set(named) - {NEGATIVE})
    }
