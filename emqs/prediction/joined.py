"""Objects beside other label layers: in which segment each lies, what it touches, what is near."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from emqs.errors import ConfigError
from emqs.geometry import Box, Lengths, boxes
from emqs.volumes import Volume

BLOCK = (32, 256, 256)  # voxels of both layers that are compared at once
KEPT_SURFACES = 256  # objects whose surfaces are held while distances are measured


@dataclass
class Overlaps:
    """What objects share with the segments of a layer.

    Attributes:
        inside: Voxels that an object and a segment share, by their labels; segment 0 is nothing.
        touching: Pairs of labels of which voxels share a face, or are the same.
    """

    inside: Counter[tuple[int, int]] = field(default_factory=Counter)
    touching: set[tuple[int, int]] = field(default_factory=set)

    def columns(self, labels: Sequence[int], name: str) -> dict[str, list[object]]:
        """Return columns of objects.csv for objects in this order.

        Args:
            labels: Of the objects.
            name: Of the layer.

        Returns:
            The segment in which most of an object's voxels lie, 0 for none; the share of its voxels
            in it; and all segments that it lies in or touches, with spaces between.
        """
        most, total = self._most()
        touched: dict[int, list[int]] = {}
        for label, segment in sorted(self.touching):
            touched.setdefault(label, []).append(segment)
        shares = [most[label][1] / total[label] for label in labels]
        return {
            name: [most[label][0] for label in labels],
            f"{name}_share": [round(share, 4) for share in shares],
            f"{name}_touches": [" ".join(map(str, touched.get(label, []))) for label in labels],
        }

    def segments(self, volumes_nm3: Mapping[int, float]) -> dict[str, list[object]]:
        """Return the table of segments: how many objects lie in each, and their volume.

        Args:
            volumes_nm3: Of every object, by its label.
        """
        most, _ = self._most()
        rows: dict[int, list[float]] = {}
        for label, (segment, _) in most.items():
            rows.setdefault(segment, []).append(volumes_nm3[label])
        touched = Counter(segment for _, segment in self.touching)
        names = sorted({*rows, *touched} - {0})
        return {
            "segment": [*names],
            "n_objects": [len(rows.get(segment, [])) for segment in names],
            "volume_nm3": [round(sum(rows.get(segment, [])), 2) for segment in names],
            "n_touching": [touched[segment] for segment in names],
        }

    def _most(self) -> tuple[dict[int, tuple[int, int]], Counter[int]]:
        """Return the segment with most voxels of each object, and voxels of each object."""
        most: dict[int, tuple[int, int]] = {}
        total: Counter[int] = Counter()
        for (label, segment), count in sorted(self.inside.items()):
            total[label] += count
            if label not in most or count > most[label][1]:
                most[label] = segment, count
        return most, total


def overlaps(objects: Volume, layer: Volume, region: Box) -> Overlaps:
    """Compare objects with the segments of a layer, block by block.

    Args:
        objects: Labels of the region.
        layer: Labels of the whole volume.
        region: Where in the volume the objects lie.

    Raises:
        ConfigError: If the region reaches outside the layer.
        DataError: If the layer holds no integers, or cannot be read.
    """
    layer.require_labels()
    if any(b > n for b, n in zip(region.stop, layer.shape, strict=True)):
        raise ConfigError(
            f"The layer {layer.name} has the shape (Z, Y, X) = {layer.shape}, but the region ends "
            f"at {list(region.stop)}. Give layers of the same shape as the volume."
        )
    result = Overlaps()
    for box in boxes(objects.shape, BLOCK):
        grown = Box(
            box.start,
            tuple(min(b + 1, n) for b, n in zip(box.stop, objects.shape, strict=True)),  # type: ignore[arg-type]
        )
        mine = objects.read(grown)
        if not mine.any():
            continue
        theirs = layer.read(grown.moved(region.start))
        own = tuple(slice(0, n) for n in box.shape)
        for pair, count in _pairs(mine[own], theirs[own]).items():
            result.inside[pair] += count
            if pair[1]:
                result.touching.add(pair)
        for axis in range(3):
            near = tuple(
                slice(0, -1) if a == axis else slice(0, n) for a, n in enumerate(box.shape)
            )
            far = tuple(
                slice(1, None) if a == axis else slice(0, n) for a, n in enumerate(box.shape)
            )
            for some, others in ((mine[near], theirs[far]), (mine[far], theirs[near])):
                result.touching |= {pair for pair in _pairs(some, others) if pair[1]}
    return result


def _pairs(mine: np.ndarray, theirs: np.ndarray) -> dict[tuple[int, int], int]:
    """Return how many voxels have each pair of labels, the first not 0."""
    inside = mine > 0
    both = np.stack([mine[inside].astype(np.int64), theirs[inside].astype(np.int64)])
    if not both.size:
        return {}
    pairs, counts = np.unique(both, axis=1, return_counts=True)
    return {
        (int(a), int(b)): int(n)
        for (a, b), n in zip(pairs.T.tolist(), counts.tolist(), strict=True)
    }


@dataclass(frozen=True)
class Surfaces:
    """Objects of one class, whose surfaces can be read.

    Attributes:
        labels: Label image of the region.
        boxes: Around every object, in voxels of that image, by label.
    """

    labels: Volume
    boxes: Mapping[int, Box]

    def points(self, label: int, size_nm: Lengths) -> np.ndarray:
        """Return the voxels at the surface of an object, ``(n, 3)``, in nm."""
        from scipy import ndimage

        box = self.boxes[label]
        mask = self.labels.read(box) == label
        core = ndimage.binary_erosion(np.pad(mask, 1))[1:-1, 1:-1, 1:-1]
        return (np.argwhere(mask & ~core) + box.start) * np.array(size_nm)


def nearest(
    some: Surfaces, others: Mapping[str, Surfaces], size_nm: Lengths
) -> dict[int, tuple[str, int, float]]:
    """Return the nearest object of another class, for every object.

    Args:
        some: Objects of one class.
        others: Those of the other classes, by name.
        size_nm: Edges of a voxel, Z Y X.

    Returns:
        By label: class and label of the nearest object, and the distance in nm between the centres
        of the voxels of both that lie closest; nothing if there are no other objects.
    """
    from scipy.spatial import cKDTree

    names = [(name, label) for name, one in others.items() for label in one.boxes]
    if not names:
        return {}
    corners = np.array([[others[n].boxes[k].start, others[n].boxes[k].stop] for n, k in names])
    trees: dict[tuple[str, int], object] = {}
    result = {}
    for label, box in some.boxes.items():
        gaps = np.maximum(corners[:, 0] - np.array(box.stop) + 1, box.start - corners[:, 1] + 1)
        least = np.linalg.norm(np.maximum(gaps, 0) * np.array(size_nm), axis=1)
        points = some.points(label, size_nm)
        best, at = np.inf, 0
        for number in np.argsort(least, kind="stable").tolist():
            if least[number] >= best:
                break
            key = names[number]
            if key not in trees:
                if len(trees) >= KEPT_SURFACES:
                    trees.pop(next(iter(trees)))
                trees[key] = cKDTree(others[key[0]].points(key[1], size_nm))
            distance = float(trees[key].query(points)[0].min())  # type: ignore[attr-defined]
            if distance < best:
                best, at = distance, number
        result[label] = (*names[at], best)
    return result
