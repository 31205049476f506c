"""Map the embedding: which patches a model finds alike, coloured by what they show.

python -m emqs.tsne experiment=exp3 dataset=EPFL
"""

import logging
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import hydra
import numpy as np
from omegaconf import DictConfig

from emqs import command, embeddings, pipeline, projection, report
from emqs.config import CONFIG_DIR, ComputeConfig, DatasetConfig, PatchConfig, PathsConfig, read
from emqs.datasets import Stack, open_stack
from emqs.errors import ConfigError, DataError
from emqs.figures import projections, style
from emqs.models import Encoder
from emqs.projection import Labelled
from emqs.weights import Model

logger = logging.getLogger(__name__)

ALL = "all"  # name of the map of all slices
MOST_CLASSES = len(style.CLASS_COLOURS) - 1  # each needs a colour of its own


@dataclass(frozen=True)
class WindowsConfig:
    """Windows of slices that get a map each. Values come from ``configs/tsne.yaml``."""

    length: int | None = None  # slices
    starts: list[int] | None = None  # first slices

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if (self.length is None) != (self.starts is None):
            raise ConfigError("Give both tsne.windows.length and tsne.windows.starts, or neither.")
        if self.length is not None and self.length < 1:
            raise ConfigError(f"tsne.windows.length must be at least 1, got {self.length}.")
        if self.starts is not None and (not self.starts or min(self.starts) < 0):
            raise ConfigError(
                "tsne.windows.starts must hold one or more slice numbers of 0 or more, "
                f"got {list(self.starts)}."
            )


@dataclass(frozen=True)
class TsneConfig:
    """What is mapped, and how. Values come from ``configs/tsne.yaml`` and the experiments."""

    method: str  # tsne or pca
    labels: str  # binary or multi
    min_fraction: float  # of a patch that is its class, [0, 1)
    structure: int = 1  # binary: label value
    classes: list[int] | None = None  # multi: label values; None: all
    refuse_others: bool = True  # a pixel of a further class drops a patch
    sizes: list[float] | None = None  # patch sizes in patch.unit; None: patch.size
    max_points: int | None = None  # of one class; None: all
    perplexity: float = 30.0  # about the number of neighbours of a patch
    seed: int = 1000  # of the map and of the draw
    neighbors: int = 10  # that vote in the agreement
    examples: int = 4  # linked patches of each class, at most
    windows: WindowsConfig = field(default_factory=WindowsConfig)

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        for name, value, allowed in (
            ("method", self.method, ("tsne", "pca")),
            ("labels", self.labels, ("binary", "multi")),
        ):
            if value not in allowed:
                raise ConfigError(f"tsne.{name} must be {' or '.join(allowed)}, got '{value}'.")
        least = 0.0 if self.refuse_others else 0.5
        if not least <= self.min_fraction < 1:
            raise ConfigError(
                f"tsne.min_fraction must be a fraction in [{least:g}, 1), got "
                f"{self.min_fraction:g}; with tsne.refuse_others=false it is at least 0.5."
            )
        whole = {"structure": 1, "max_points": 1, "seed": 0, "neighbors": 1, "examples": 0}
        for name, smallest in whole.items():
            number = getattr(self, name)
            if number is not None and number < smallest:
                raise ConfigError(f"tsne.{name} must be at least {smallest}, got {number}.")
        if not self.perplexity >= 1:
            raise ConfigError(f"tsne.perplexity must be at least 1, got {self.perplexity:g}.")
        if self.classes is not None and (not self.classes or min(self.classes) < 1):
            raise ConfigError(
                "tsne.classes must hold one or more label values of 1 or more, "
                f"got {list(self.classes)}."
            )
        if self.sizes is not None and not self.sizes:
            raise ConfigError("tsne.sizes is empty. Give sizes, or null for patch.size alone.")


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
    return sorted({pipeline.patch_pixels(stack, replace(patch, size=edge)) for edge in edges})


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


def write(maps: list[Map], labelled: Labelled, stack: Stack, run: report.Run) -> None:
    """Write the coordinates and what each point stands for to ``points.csv``."""
    chosen = np.concatenate([map_.chosen for map_ in maps])
    points = np.concatenate([map_.points for map_ in maps])
    z, y, x, height, width = labelled.boxes[chosen].T
    labels = labelled.classes[chosen].tolist()
    run.save_csv(
        "points.csv",
        {
            "map": [map_.name for map_ in maps for _ in map_.chosen],
            "map_x": points[:, 0],
            "map_y": points[:, 1],
            "label": labels,
            "class": [projections.class_name(stack.classes, label) for label in labels],
            "slice": z,
            "slice_name": [stack.slice_names[i] for i in z.tolist()],
            "y": y,
            "x": x,
            "height": height,
            "width": width,
        },
    )


def draw(
    maps: list[Map],
    labelled: Labelled,
    stack: Stack,
    run: report.Run,
    *,
    title: str,
    config: TsneConfig,
) -> None:
    """Draw the map of all slices beside an image, and the small maps of windows, if any."""
    drawn = [
        projections.LabelledMap(
            points=map_.points,
            classes=labelled.classes[map_.chosen],
            boxes=labelled.boxes[map_.chosen],
            names=stack.classes,
        )
        for map_ in maps
    ]
    full, metrics = drawn[-1], maps[-1].metrics
    z, examples = projections.choose_examples(full, stack.shapes, config.examples)
    figures = {
        "map.png": projections.linked_map(
            full,
            stack.unit(z),
            examples,
            title=title,
            image_title=f"{stack.name}, slice {stack.slice_names[z]}",
            note=f"{config.neighbors} nearest neighbours agree on the class: "
            f"{metrics['knn_agreement_codes']:.1%} of patches by code, "
            f"{metrics['knn_agreement_map']:.1%} on the map; chance {metrics['knn_chance']:.1%}",
            pixel_size_nm=stack.pixel_size_nm,
        )
    }
    if len(drawn) > 1:
        slices = [f"slices {map_.name}" for map_ in maps[:-1]] + [f"all {len(stack)} slices"]
        names = [f"{s}: {len(m.points):,} patches" for s, m in zip(slices, maps, strict=True)]
        figures["windows.png"] = projections.window_maps(drawn, names, title=title)
    for name, figure in figures.items():
        run.log_figure(style.save(figure, run.folder / name))


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


def tsne(cfg: DictConfig, run: report.Run) -> float:
    """Make the maps that the settings ask for.

    Args:
        cfg: The composed configuration of ``configs/tsne.yaml``.
        run: Where results go.

    Returns:
        The agreement of nearest neighbours in the embedding, in [0, 1].
    """
    config = read(TsneConfig, cfg.tsne, "tsne")
    patch = read(PatchConfig, cfg.patch, "patch")
    paths = read(PathsConfig, cfg.paths, "paths")
    dataset = read(DatasetConfig, cfg.dataset, "dataset")
    compute = command.compute(cfg)
    started = time.perf_counter()
    model = command.load_model(cfg)
    stack = open_stack(dataset, Path(paths.images))
    labelled = labelled_patches(stack, patch, config)
    chosen = choose(labelled, slice_windows(len(stack), config.windows), config)
    embedded = np.unique(np.concatenate(list(chosen.values())))
    boxes = labelled.boxes[embedded]
    embeddings.fit(model, stack, boxes)
    sizes = [size for size, _ in edges_and_steps(stack, patch, config)]
    codes = embed(model, stack, boxes, sizes, compute)
    maps = make_maps(codes, embedded, chosen, labelled, config)
    write(maps, labelled, stack, run)
    title = describe(stack, model, patch, config, cfg.weights)
    draw(maps, labelled, stack, run, title=title, config=config)
    metrics = summary(maps, labelled, stack, config) | {
        "model": model.name,
        "weights": cfg.weights,
        "weights_sha256": model.sha256,
        "seconds": round(time.perf_counter() - started, 3),
    }
    run.log_metrics({k: v for k, v in metrics.items() if isinstance(v, float)})
    run.save_json("metrics.json", metrics)
    print(report.plain_table([row(map_) for map_ in maps]))  # noqa: T201
    print(f"\nMaps and points: {run.folder}")  # noqa: T201
    return float(metrics["knn_agreement_codes"])


def embed(
    model: Model, stack: Stack, boxes: np.ndarray, sizes: list[int], compute: ComputeConfig
) -> np.ndarray:
    """Return the codes of patches of several sizes, ``(N, D)``, each seen at the scale of its own.

    Args:
        model: The encoder.
        stack: The slices.
        boxes: Shape ``(N, 5)``; one that is cut at a border belongs to the smallest size it fits.
        sizes: Edges of whole patches, in pixels, ascending.
        compute: Batches and device.
    """
    size_of = np.searchsorted(sizes, boxes[:, 3:].max(axis=1))
    codes = np.empty((len(boxes), cast(Encoder, model.network).code_size), dtype=np.float32)
    for number in np.unique(size_of).tolist():
        here = np.flatnonzero(size_of == number)
        codes[here] = pipeline.embed(
            model, stack, boxes[here], patch_size=sizes[number], batch_size=compute.batch_size,
            device=compute.device, progress=True,
        )  # fmt: skip
    return codes


def summary(
    maps: list[Map], labelled: Labelled, stack: Stack, config: TsneConfig
) -> dict[str, Any]:
    """Return what ``metrics.json`` holds: the map of all slices first, then those of windows."""
    values, counts = np.unique(labelled.classes[maps[-1].chosen], return_counts=True)
    names = [projections.class_name(stack.classes, value) for value in values.tolist()]
    return {
        **maps[-1].metrics,
        "dataset": stack.name,
        "method": config.method,
        "perplexity": config.perplexity if config.method == "tsne" else None,
        "seed": config.seed,
        "neighbors": config.neighbors,
        "n_patches": labelled.n_seen,
        "n_labelled": len(labelled.boxes),
        "n_points_per_class": dict(zip(names, counts.tolist(), strict=True)),
        "windows": {map_.name: map_.metrics for map_ in maps[:-1]},
    }


def row(map_: Map) -> dict[str, Any]:
    """Return one row of the table that the command prints."""
    return {
        "slices": map_.name,
        "patches": map_.metrics["n_points"],
        "KL divergence": map_.metrics.get("kl_divergence"),
        "agreement, codes": map_.metrics["knn_agreement_codes"],
        "other slices": map_.metrics["knn_agreement_codes_other_slices"],
        "agreement, map": map_.metrics["knn_agreement_map"],
        "chance": map_.metrics["knn_chance"],
    }


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="tsne")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.tsne``."""
    return command.run("tsne", cfg, tsne)


if __name__ == "__main__":
    command.start("tsne", main)
