"""What the figure of a prediction shows."""

from dataclasses import dataclass

import numpy as np

from emqs.embedding.stores import SearchableStore
from emqs.geometry import Box
from emqs.prediction.predict import LABELS, Predicted
from emqs.volumes import Volume, open_volume

LARGEST = 1024  # edge of the part of a slice that is drawn, in voxels


@dataclass(frozen=True)
class Picture:
    """A part of a slice with what was predicted there.

    Attributes:
        image: ``(Y, X)``, float32 in [0, 1].
        probability: ``(Y, X)``, float32 in [0, 1].
        labels: ``(Y, X)``, unsigned; 0 is no object.
        pixel_size_nm: Edge of a pixel.
        title: Says which slice.
    """

    image: np.ndarray
    probability: np.ndarray
    labels: np.ndarray
    pixel_size_nm: float
    title: str


def middle(made: Predicted, name: str, volume: Volume, store: SearchableStore) -> Picture:
    """Return the middle of the slice with most objects of a class."""
    if made.objects is None:
        raise RuntimeError("a new prediction has objects")
    objects, path = made.objects[name], made.image_of(name)
    z = objects.slice_of_most
    shape = made.region.shape
    first = [max(0, (n - LARGEST) // 2) for n in shape[1:]]
    last = [min(n, f + LARGEST) for n, f in zip(shape[1:], first, strict=True)]
    own = Box((z, first[0], first[1]), (z + 1, last[0], last[1]))
    inside = own.moved(made.region.start)
    low, high = store.manifest["intensity"]
    grey = (volume.read(inside)[0].astype(np.float32) - low) / (high - low)
    with open_volume(path) as probability, open_volume(path / LABELS) as labels:
        return Picture(
            np.clip(np.nan_to_num(grey), 0, 1),
            probability.read(own)[0].astype(np.float32) / 255,
            labels.read(own)[0],
            store.grid.voxel_size_nm[2],
            f"slice {inside.start[0]} of 0 to {volume.shape[0] - 1}, {len(objects)} objects in all",
        )
