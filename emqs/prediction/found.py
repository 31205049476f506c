"""Numbers the objects of a probability, measures them, and writes them as a label image."""

import math
import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from emqs.geometry import Box, Lengths, boxes
from emqs.ingestion.pyramid import Image, Level
from emqs.prediction.head import STEEPNESS
from emqs.prediction.objects import MAX_BOX, Part, components, parts
from emqs.prediction.settings import OWN_THRESHOLD, PredictConfig
from emqs.runs.progress import Step
from emqs.volumes.creating import create_volume
from emqs.volumes.writer import Layout

KEPT_BYTES = 2**28  # of masks of objects that are kept between the two passes
CODEC = {
    "name": "crackle", "chunks": [32, 256, 256], "compressor": "zstd", "level": 3,
    "markov_order": 0, "pins": False,
}  # fmt: skip


class Readable(Protocol):
    """Voxels of a region, wherever they are."""

    def read(self, number: int, box: Box, /) -> np.ndarray:
        """Return voxels of a level, 0 the finest."""
        ...

    def shards(self, number: int, /) -> Iterator[Box]:
        """Yield the boxes that a level consists of."""
        ...


class Scaled(Protocol):
    """What a place in voxels means in nm; a ``PlaceGrid`` is one."""

    @property
    def size(self) -> int:
        """Edge of a patch, in voxels."""
        ...

    @property
    def voxel_size_nm(self) -> Lengths:
        """Edges of a voxel, Z Y X."""
        ...

    @property
    def origin_nm(self) -> Lengths:
        """Middle of the first voxel, Z Y X."""
        ...


@dataclass(frozen=True, eq=False)
class Held:
    """An image in memory, of one level and in one piece."""

    values: np.ndarray

    def read(self, _number: int, box: Box, /) -> np.ndarray:
        """Return voxels."""
        return self.values[box.slices]

    def shards(self, _number: int, /) -> Iterator[Box]:
        """Yield the box of all of it."""
        z, y, x = self.values.shape
        yield Box((0, 0, 0), (z, y, x))


@dataclass(frozen=True)
class Objects:
    """Measures of objects, a row each; their labels are 1 to n.

    Attributes:
        columns: By name, as objects.csv holds them.
        slice_of_most: The slice of the region with most of their area, from 0.
    """

    columns: dict[str, np.ndarray]
    slice_of_most: int

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.columns["label"])


@dataclass
class Pieces:
    """The objects of each connected part; those that were looked at last are kept."""

    numbers: Readable
    table: np.ndarray
    found: dict[int, Box]
    make: Callable[[np.ndarray, Box], list[Part]]
    _kept: "OrderedDict[int, list[Part]]" = field(default_factory=OrderedDict)
    _bytes: int = 0

    def of(self, number: int) -> list[Part]:
        """Return the objects of a connected part."""
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        box = self.found[number]
        made = self.make(self.table[self.numbers.read(0, box)] == number, box)
        self._kept[number] = made
        self._bytes += sum(part.mask.nbytes for part in made)
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= sum(part.mask.nbytes for part in gone)
        return made


def number_objects(
    image: Image,
    folder: Path,
    grid: Scaled,
    region: Box,
    settings: PredictConfig,
    name: str,
    *,
    step: Step,
    rivals: Sequence[Image] = (),
) -> Objects:
    """Write the label image of a probability, and measure the objects.

    Args:
        image: The probability of a region, uint8.
        folder: For what is needed in between.
        grid: Of the embedding volume, for voxel size, origin and the size of patches.
        region: Where in the volume the image lies.
        settings: Threshold, smallest object, whether objects that touch are split.
        name: Of the label image within the image's folder.
        step: Called with a stage, parts done, and parts in all.
        rivals: Probabilities of other classes: a voxel belongs to the most likely one, if two are
            just as likely to none.
    """
    size = grid.voxel_size_nm
    shape = image.levels[0].shape
    least = least_of(settings)
    shutil.rmtree(folder / "numbers", ignore_errors=True)  # of a run that was stopped
    numbers = Image(
        folder / "numbers", [Level(0, shape, (1, 1, 1), size, (0.0, 0.0, 0.0))],
        np.dtype(np.int32), image.chunk, image.shard,
    )  # fmt: skip
    blocks = list(image.shards(0))

    def masks() -> Iterator[tuple[Box, np.ndarray]]:
        for done, box in enumerate(blocks):
            own = image.read(0, box)
            mask = own >= least
            for rival in rivals:
                mask &= own > rival.read(0, box)
            yield box, mask
            step("objects", done + 1, 2 * len(blocks))

    def read(box: Box) -> np.ndarray:
        return numbers.read(0, box.overlap(Box((0, 0, 0), shape)))

    table, merged = components(masks(), lambda box, values: numbers.write(0, box, values), read)
    pieces = Pieces(numbers, table, merged, _maker(image, grid, region, settings, rivals))
    rows, first = _measured(pieces, image, grid, region)
    _write(image, pieces, first, grid, region, name, step)
    return Objects(_columns(rows), _most(rows, shape[0]))


def objects_in(
    values: np.ndarray, grid: Scaled, region: Box, settings: PredictConfig
) -> np.ndarray:
    """Return the numbers of the objects of a probability in memory, as ``number_objects`` does.

    Args:
        values: The probability of a region, uint8, ``(Z, Y, X)``.
        grid: Of the embedding volume, for voxel size and the size of patches.
        region: Where in the volume it lies.
        settings: As of ``number_objects``.

    Returns:
        Numbers from 1, int32, 0 outside.
    """
    pieces = _held_pieces(values, grid, region, settings)
    result, count = np.zeros(region.shape, dtype=np.int32), 0
    for number in pieces.found:
        for part in pieces.of(number):
            count += 1
            result[part.box.slices][part.mask] = count
    return result


def measured_in(
    values: np.ndarray, grid: Scaled, region: Box, settings: PredictConfig, *, axes: str = "zyx"
) -> Objects:
    """Measure the objects of a probability in memory.

    Args:
        values: The probability of a region, uint8.
        grid: Of the embedding volume, for voxel size, origin and the size of patches.
        region: Where in the volume the values lie.
        settings: As of ``number_objects``.
        axes: Along which an object may touch the border; of a single slice ``"yx"``.
    """
    pieces = _held_pieces(values, grid, region, settings)
    rows, _ = _measured(pieces, Held(values), grid, region, axes)
    return Objects(_columns(rows), _most(rows, values.shape[0]))


def _held_pieces(values: np.ndarray, grid: Scaled, region: Box, settings: PredictConfig) -> Pieces:
    """Return the objects of a probability in memory."""
    numbers = np.zeros(values.shape, dtype=np.int32)

    def write(box: Box, some: np.ndarray) -> None:
        numbers[box.slices] = some

    image = Held(values)
    mask = values >= least_of(settings)
    blocks = ((box, mask) for box in image.shards(0))
    table, merged = components(blocks, write, lambda box: numbers[box.slices])
    return Pieces(Held(numbers), table, merged, _maker(image, grid, region, settings))


def least_of(settings: PredictConfig) -> int:
    """Return from which value of 255 on a voxel belongs to an object."""
    threshold = OWN_THRESHOLD if settings.threshold is None else settings.threshold
    return math.ceil(threshold * 255)


def sure_of(settings: PredictConfig) -> int:
    """Return which value of 255 an object must reach somewhere.

    It lies halfway, in logits, between the threshold and the average of the clicks on the
    structure: what is barely above the threshold everywhere is nothing.
    """
    threshold = OWN_THRESHOLD if settings.threshold is None else settings.threshold
    logit = math.log(threshold / (1 - threshold))
    sure = 1 / (1 + math.exp(-(logit + STEEPNESS / 2) / 2))
    return max(least_of(settings), math.ceil(sure * 255))


def _maker(
    image: Readable,
    grid: Scaled,
    region: Box,
    settings: PredictConfig,
    rivals: Sequence[Readable] = (),
) -> Callable[[np.ndarray, Box], list[Part]]:
    """Return what makes objects of a connected part of a probability."""
    smallest, sure = smallest_of(settings, grid, region), sure_of(settings)
    size, split, least = grid.voxel_size_nm, settings.split, least_of(settings)

    def of_others(box: Box) -> np.ndarray | None:
        """Return which voxels belong to other classes: a hole that one of them fills is none."""
        if not rivals or math.prod(box.shape) > MAX_BOX:
            return None
        own, others = image.read(0, box), np.zeros(box.shape, dtype=bool)
        for rival in rivals:
            values = rival.read(0, box)
            others |= (values >= least) & (values > own)
        return others

    def make(mask: np.ndarray, box: Box) -> list[Part]:
        if image.read(0, box)[mask].max() < sure:
            return []
        made = parts(mask, box, size, smallest_nm3=smallest, split=split, others=of_others(box))
        return [part for part in made if image.read(0, part.box)[part.mask].max() >= sure]

    return make


def smallest_of(settings: PredictConfig, grid: Scaled, region: Box) -> float:
    """Return the volume in nm^3 below which an object is left out.

    Without a setting it is that of a cube with the edge of a quarter of a patch; a region that is
    thinner holds only a slab of such a cube.
    """
    if settings.smallest_nm3 is not None:
        return settings.smallest_nm3
    edge = grid.size / 4 * grid.voxel_size_nm[1]
    return float(edge**2 * min(edge, region.shape[0] * grid.voxel_size_nm[0]))


def _measured(
    pieces: Pieces, image: Readable, grid: Scaled, region: Box, axes: str = "zyx"
) -> tuple[list[dict[str, Any]], dict[int, int]]:
    """Return a row for each object, and the label of the first of each connected part."""
    rows: list[dict[str, Any]] = []
    first: dict[int, int] = {}
    size = np.array(grid.voxel_size_nm)
    for number in pieces.found:
        first[number] = len(rows) + 1
        for part in pieces.of(number):
            voxels = np.argwhere(part.mask)
            own = part.box.moved(region.start)
            centre = voxels.mean(axis=0) + own.start
            probability = image.read(0, part.box)[part.mask].mean() / 255
            cut = [axis in axes and (a == r or b == s) for axis, a, b, r, s in zip(
                "zyx", own.start, own.stop, region.start, region.stop, strict=True)]  # fmt: skip
            rows.append({
                "label": len(rows) + 1,
                **dict(zip("zyx", np.round(centre, 2).tolist(), strict=True)),
                **dict(zip(
                    ("z_nm", "y_nm", "x_nm"),
                    np.round(centre * size + grid.origin_nm, 2).tolist(), strict=True,
                )),
                **dict(zip(("z_first", "y_first", "x_first"), own.start, strict=True)),
                **dict(zip(("z_last", "y_last", "x_last"), (b - 1 for b in own.stop), strict=True)),
                "n_voxels": len(voxels),
                "volume_nm3": round(float(len(voxels) * np.prod(size)), 2),
                "probability": round(float(probability), 4),
                "touches_border": int(any(cut)),
                "_areas": np.bincount(voxels[:, 0]) ,
                "_start": part.box.start[0],
            })  # fmt: skip
    return rows, first


def _columns(rows: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    names = [
        "label", "z", "y", "x", "z_nm", "y_nm", "x_nm", "z_first", "y_first", "x_first", "z_last",
        "y_last", "x_last", "n_voxels", "volume_nm3", "probability", "touches_border",
    ]  # fmt: skip
    return {name: np.array([row[name] for row in rows]) for name in names}


def _most(rows: list[dict[str, Any]], depth: int) -> int:
    """Return the slice in which objects have most area; the middle one if there are none."""
    areas = np.zeros(depth, dtype=np.int64)
    for row in rows:
        areas[row["_start"] : row["_start"] + len(row["_areas"])] += row["_areas"]
    return int(areas.argmax()) if rows else depth // 2


def _write(
    image: Image,
    pieces: Pieces,
    first: dict[int, int],
    grid: Scaled,
    region: Box,
    name: str,
    step: Step,
) -> None:
    """Write the label image, box by box."""
    shape = image.levels[0].shape
    size = grid.voxel_size_nm
    z, y, x = (o + s * a for o, s, a in zip(grid.origin_nm, size, region.start, strict=True))
    path = image.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    layout = Layout(shape, np.dtype(np.uint32), size, (z, y, x), {"codec": CODEC, "levels": None})
    writer = create_volume(path, layout, "zarr")
    written = list(boxes(shape, writer.unit))
    for done, box in enumerate(written):
        labels = np.zeros(box.shape, dtype=np.uint32)
        for number, around in pieces.found.items():
            if min(around.overlap(box).shape) <= 0:
                continue
            for label, part in enumerate(pieces.of(number), first[number]):
                shared = part.box.overlap(box)
                if min(shared.shape) <= 0:
                    continue
                inside = part.mask[shared.moved([-a for a in part.box.start]).slices]
                labels[shared.moved([-a for a in box.start]).slices][inside] = label
        writer.write(box, labels)
        step("objects", len(written) + done + 1, 2 * len(written))
    writer.finish()
