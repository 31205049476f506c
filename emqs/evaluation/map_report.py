"""What a map of an embedding leaves in its run's folder: points, metrics and figures."""

from typing import Any

import numpy as np

from emqs.datasets import Stack
from emqs.evaluation.maps import Map
from emqs.evaluation.projection import Labelled
from emqs.evaluation.settings import TsneConfig
from emqs.figures import projections, style
from emqs.runs.record import Run


def write(maps: list[Map], labelled: Labelled, stack: Stack, run: Run) -> None:
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
    run: Run,
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
            labels=None if stack.labels is None else stack.labels[z],
            title=title,
            image_title=f"{stack.name}, slice {stack.slice_names[z]}, labels outlined",
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
