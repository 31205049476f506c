"""Maps of codes in two dimensions: which patches, and how they are drawn."""

import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from emqs.datasets import Stack
from emqs.embedding import encode
from emqs.errors import ConfigError, DataError
from emqs.evaluation import projection
from emqs.evaluation.projection import Labelled
from emqs.evaluation.settings import TsneConfig, WindowsConfig
from emqs.figures import projections, style
from emqs.models import Encoder
from emqs.models.compute import Compute
from emqs.models.weights import Model
from emqs.patches import grid
from emqs.patches.settings import PatchConfig

logger = logging.getLogger(__name__)


ALL = "all"  # name of the map of all slices


MOST_CLASSES = len(style.CLASS_COLOURS) - 1  # each needs a colour of its own


@dataclass(frozen=True)
class Map:
    """One finished map."""

    name: str  # of its window of slices, or ALL
    chosen: np.ndarray  # (n,), int64: positions in Labelled
    points: np.ndarray  # (n, 2), float
    metrics: dict[str, Any]


def wanted_classes(stack: Stack, config: TsneConfig) -> list[int]:
    """Return the label values to look for, ascending, without the background.

    Raises:
        DataError: If the stack has no labels, or none of a class.
        ConfigError: If there are more classes than colours, as with labels of single objects.
    """
    labels = stack.require_labels()
    if config.labels == "binary":
        stack.require_structures([config.structure], setting="tsne.structure")
        return [config.structure]
    if config.classes is not None:
        values = sorted(set(config.classes))
        stack.require_structures(values, setting="tsne.classes")
    else:
        present = np.unique(np.concatenate([np.unique(slice_) for slice_ in labels]))
        values = present[present != 0].tolist()
    if len(values) > MOST_CLASSES:
        raise ConfigError(
            f"The labels of '{stack.name}' hold {len(values)} classes, more than the "
            f"{MOST_CLASSES} that a map can tell apart. Choose some with tsne.classes=[1,2], or "
            "use tsne.labels=binary."
        )
    return values


def edges_and_steps(stack: Stack, patch: PatchConfig, config: TsneConfig) -> list[tuple[int, int]]:
    """Return edge and grid step of every patch size, in pixels, ascending, each once."""
    edges = config.sizes if config.sizes is not None else [patch.size]
    return sorted({grid.patch_pixels(stack, replace(patch, size=edge)) for edge in edges})


def labelled_patches(stack: Stack, patch: PatchConfig, config: TsneConfig) -> Labelled:
    """Return all patches of dense grids that show one class.

    Raises:
        DataError: If there is none, or the stack has no labels.
    """
    classes = wanted_classes(stack, config)
    result = projection.labelled_patches(
        stack.require_labels(),
        edges_and_steps(stack, patch, config),
        classes,
        min_fraction=config.min_fraction,
        refuse_others=config.refuse_others,
        border=patch.border,
    )
    if len(result.boxes) == 0:
        names = ", ".join(projections.class_name(stack.classes, c) for c in [0, *classes])
        raise DataError(
            f"None of the {result.n_seen} patches of '{stack.name}' shows one class only "
            f"({names}; more than {config.min_fraction:g} of the patch). Use a smaller patch.size "
            "or tsne.min_fraction, or tsne.refuse_others=false."
        )
    logger.info("%d of %d patches show one class", len(result.boxes), result.n_seen)
    return result


def slice_windows(n_slices: int, config: WindowsConfig) -> dict[str, tuple[int, int]]:
    """Return the maps to make: name to ``(first, one past last)`` slice; that of all comes last."""
    maps: dict[str, tuple[int, int]] = {}
    if config.starts is not None and config.length is not None:
        fitting = projection.windows(n_slices, config.starts, config.length)
        missing = len(config.starts) - sum(end - start == config.length for start, end in fitting)
        uncovered = set(range(n_slices)) - {z for w in fitting for z in range(*w)}
        if missing or uncovered:
            logger.warning(
                "%d of %d windows of %d slices do not fit into %d slices and are left out; "
                "%d slices are on the map of all slices only.",
                missing,
                len(config.starts),
                config.length,
                n_slices,
                len(uncovered),
            )
        whole = (0, n_slices)  # a window of everything would be the map of all twice
        maps = {
            f"{first}-{last - 1}": (first, last)
            for first, last in fitting
            if (first, last) != whole
        }
    return {**maps, ALL: (0, n_slices)}


def choose(
    labelled: Labelled, windows: dict[str, tuple[int, int]], config: TsneConfig
) -> dict[str, np.ndarray]:
    """Return the patches of each map, as positions in ``labelled``: a draw of each class."""
    z = labelled.boxes[:, 0]
    chosen = {}
    for name, (start, end) in windows.items():
        here = np.flatnonzero((z >= start) & (z < end))
        drawn = projection.sample_per_class(
            labelled.classes[here], config.max_points, seed=config.seed
        )
        chosen[name] = here[drawn]
    return chosen


def make_map(
    name: str, codes: np.ndarray, chosen: np.ndarray, labelled: Labelled, config: TsneConfig
) -> Map:
    """Project the codes of one map and measure how well classes keep together.

    Args:
        name: Of the map.
        codes: Shape ``(n, D)``, float32, in the order of ``chosen``.
        chosen: Positions in ``labelled``.
        labelled: All patches.
        config: Method and its settings.

    Returns:
        The map.

    Raises:
        DataError: If there are too few patches, or codes are NaN or all the same.
    """
    started = time.perf_counter()
    metrics: dict[str, Any] = {"n_points": len(chosen)}
    if config.method == "pca":
        points, metrics["explained_variance"] = projection.pca(codes, seed=config.seed)
    else:
        points, metrics["kl_divergence"] = projection.tsne(
            codes, perplexity=config.perplexity, seed=config.seed
        )
    classes, z = labelled.classes[chosen], labelled.boxes[chosen, 0]
    points = projection.oriented(points, labelled.boxes[chosen, 1], classes)
    metrics |= projection.separation(codes, points, classes, z, k=config.neighbors)
    if len(np.unique(classes)) == 1:
        logger.warning(
            "Map %s: all %d patches show class %d, so it says nothing about how classes separate. "
            "Try a smaller patch.size or tsne.min_fraction, or tsne.refuse_others=false.",
            name,
            len(chosen),
            int(classes[0]),
        )
    metrics["seconds"] = round(time.perf_counter() - started, 3)
    return Map(name, chosen, points, metrics)


def make_maps(
    codes: np.ndarray,
    embedded: np.ndarray,
    chosen: dict[str, np.ndarray],
    labelled: Labelled,
    config: TsneConfig,
) -> list[Map]:
    """Make every map; a window with too few patches is left out with a warning.

    Args:
        codes: Shape ``(M, D)``, float32.
        embedded: Positions in ``labelled`` of the codes, ascending.
        chosen: The patches of each map; that of all slices is last and must succeed.
        labelled: All patches.
        config: Method and its settings.
    """
    maps = []
    for name, positions in chosen.items():
        logger.info("map of slices %s: %d patches", name, len(positions))
        here = codes[np.searchsorted(embedded, positions)]
        try:
            maps.append(make_map(name, here, positions, labelled, config))
        except DataError as error:
            if name == ALL:
                raise
            logger.warning("The map of slices %s is left out: %s", name, error)
    return maps


def describe(
    stack: Stack, model: Model, patch: PatchConfig, config: TsneConfig, weights: str | None
) -> str:
    """Return a title: method, model, patch sizes and step."""
    cuts = edges_and_steps(stack, patch, config)
    sizes = [size for size, _ in cuts]
    span = f"{sizes[0]} px" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]} px"
    name = model.name if weights is None else Path(weights).name.split(".")[0]
    method = "t-SNE" if config.method == "tsne" else "PCA"
    return f"{method} of {name}: {stack.name}, patches of {span} every {cuts[0][1]} px"


def embed(
    model: Model, stack: Stack, boxes: np.ndarray, sizes: list[int], compute: Compute
) -> np.ndarray:
    """Return the codes of patches of several sizes, ``(N, D)``, each seen at the scale of its own.

    Args:
        model: The encoder.
        stack: The slices.
        boxes: Shape ``(N, 5)``; one that is cut at a border belongs to the smallest size it fits.
        sizes: Edges of whole patches, in pixels, ascending.
        compute: Device, batch size, progress.
    """
    size_of = np.searchsorted(sizes, boxes[:, 3:].max(axis=1))
    codes = np.empty((len(boxes), cast(Encoder, model.network).code_size), dtype=np.float32)
    for number in np.unique(size_of).tolist():
        here = np.flatnonzero(size_of == number)
        codes[here] = encode.embed(
            model, stack, boxes[here], patch_size=sizes[number], compute=compute,
        )  # fmt: skip
    return codes
