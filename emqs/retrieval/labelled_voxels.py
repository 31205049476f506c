"""Labels of another program as examples: painted strokes, or the labels of a whole volume."""

from collections.abc import Mapping

import numpy as np

from emqs.errors import ConfigError
from emqs.geometry import boxes
from emqs.retrieval.examples_file import NEGATIVE, POSITIVE, Examples
from emqs.volumes import Volume

UNLABELLED, SOMETHING_ELSE = 0, 1  # as painting programs number them
BLOCK = (16, 512, 512)  # voxels read at once


def read_labelled(
    labels: Volume, like: Volume, classes: Mapping[int, str] | None, *, most: int, seed: int
) -> Examples:
    """Return voxels drawn from a label layer, evenly from all that a label has.

    Args:
        labels: Integers; as large as the volume.
        like: The volume that they belong to.
        classes: What labels stand for: ``"positive"``, ``"negative"``, or names of classes; other
            labels are left alone. None: 0 is unlabelled, 1 is something else, and all others are
            the structure.
        most: Voxels of a class.
        seed: Of the draw.

    Returns:
        Voxels of the volume, ordered by class, then by place.

    Raises:
        ConfigError: If the shapes differ, or nothing is labelled as the structure.
        DataError: If the layer holds no integers, or cannot be read.
    """
    labels.require_labels()
    if labels.shape != like.shape:
        raise ConfigError(
            f"labels={labels.name} has the shape (Z, Y, X) = {labels.shape}, and the volume "
            f"{like.shape}. Give a label layer of the same shape as the volume."
        )
    rng = np.random.default_rng(seed)
    kept: dict[str, tuple[np.ndarray, np.ndarray]] = {}  # places in the volume, their lots
    for box in boxes(labels.shape, BLOCK):
        values = labels.read(box)
        lots = rng.random(values.shape)
        for name, mask in _masks(values, classes):
            inside = np.argwhere(mask)
            places = np.ravel_multi_index(tuple((inside + box.start).T), labels.shape)
            before = kept.get(name, (np.empty(0, np.int64), np.empty(0)))
            both = np.concatenate([before[0], places]), np.concatenate([before[1], lots[mask]])
            lowest = np.argsort(both[1], kind="stable")[:most]
            kept[name] = both[0][lowest], both[1][lowest]
    structures = sorted(set(kept) - {NEGATIVE})
    if not structures:
        raise ConfigError(
            f"labels={labels.name} holds no voxel of the structure: 0 is unlabelled, 1 something "
            "else, 2 and more the structure. Say what labels stand for otherwise, e.g. "
            "label_classes={1: positive, 0: negative}."
            if classes is None
            else f"labels={labels.name} holds none of the labels of label_classes that stand for "
            f"a structure: {', '.join(map(str, sorted(classes)))}."
        )
    names = [*structures, *({NEGATIVE} & set(kept))]
    voxels = [np.stack(np.unravel_index(np.sort(kept[n][0]), labels.shape), axis=1) for n in names]
    return Examples(
        np.concatenate(voxels).astype(np.int64),
        tuple(name for name, some in zip(names, voxels, strict=True) for _ in some),
    )


def _masks(values: np.ndarray, classes: Mapping[int, str] | None) -> list[tuple[str, np.ndarray]]:
    """Return the name of each class that is there, and its voxels."""
    if classes is None:
        named = [(NEGATIVE, values == SOMETHING_ELSE), (POSITIVE, values > SOMETHING_ELSE)]
    else:
        named = [
            (name, np.isin(values, [label for label, one in classes.items() if one == name]))
            for name in sorted(set(classes.values()))
        ]
    return [(name, mask) for name, mask in named if mask.any()]
