"""The tiles of which a prediction consists. Each can be made alone, and again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit

from emqs.geometry import Box, boxes
from emqs.ingestion.pyramid import Image
from emqs.prediction import grey, smoothing
from emqs.prediction.corrections import STEP
from emqs.prediction.features import Features
from emqs.prediction.head import Head

BRIGHTNESS = grey.PER_SCALE  # the map of it at sigma 2 px: less noise, all edges
EDGE = 1024  # features of so many voxels along both axes are made at once


@dataclass(eq=False)
class Tiles:
    """What every tile is made of, and where it goes.

    Attributes:
        features: Of the volume, the projection learnt.
        heads: Of each class, by its name.
        images: The probability of each class, uint8; 255 is 1.
        region: Where in the volume they lie.
        journal: Folder with an empty file for every tile that is made.
        reach_px: Half the edge of the windows in which logits are evened out in the slice.
    """

    features: Features
    heads: Mapping[str, Head]
    images: Mapping[str, Image]
    region: Box
    journal: Path
    reach_px: float

    def boxes(self) -> list[Box]:
        """Return all tiles, in voxels of the region."""
        return list(next(iter(self.images.values())).shards(0))

    def missing(self) -> list[tuple[int, Box]]:
        """Return numbers and boxes of the tiles that are to be made."""
        self.journal.mkdir(exist_ok=True)
        done = {path.name for path in self.journal.iterdir()}
        return [(n, box) for n, box in enumerate(self.boxes()) if str(n) not in done]


def make(tiles: Tiles, part: tuple[int, Box]) -> None:
    """Write a tile, whichever process is asked to.

    Args:
        tiles: What it is made of.
        part: Its number, and its box in voxels of the region.
    """
    number, box = part
    made = probabilities(tiles.features, tiles.heads, box.moved(tiles.region.start), tiles.reach_px)
    for name, values in made.items():
        tiles.images[name].write(0, box, np.rint(values * 255).astype(np.uint8))
    (tiles.journal / str(number)).touch()


def probabilities(
    features: Features, heads: Mapping[str, Head], box: Box, reach_px: float
) -> dict[str, np.ndarray]:
    """Return the probability of every voxel of a box, by class, ``box.shape``, float32.

    Args:
        features: Of the volume.
        heads: Of each class.
        box: In voxels of the volume.
        reach_px: Half the edge of the windows in which logits are evened out in the slice.
    """
    result = {name: np.empty(box.shape, dtype=np.float32) for name in heads}
    shape = features.source.volume.shape
    for own in boxes(box.shape, (1, EDGE, EDGE)):
        part = own.moved(box.start)
        around = _around(part, shape, smoothing.margin(reach_px))
        seen = features.layers(around)
        bright = seen.one(BRIGHTNESS)
        inside = part.moved([-a for a in around.start]).slices[1:]
        for name, head in heads.items():
            scores = smoothing.along_edges(head.drawn(seen), bright, reach_px)
            result[name][own.slices] = expit(scores[inside])
    return result


def _around(part: Box, shape: tuple[int, int, int], margin: int) -> Box:
    """Return a part of a slice with what counts for it, from a place of ``STEP`` to a place."""
    start = [max(0, a - margin) // STEP * STEP for a in part.start[1:]]
    stop = [
        min(n, -(-(b + margin - 1) // STEP) * STEP + 1)
        for n, b in zip(shape[1:], part.stop[1:], strict=True)
    ]
    return Box((part.start[0], start[0], start[1]), (part.stop[0], stop[0], stop[1]))
