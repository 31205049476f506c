"""Writes the volume: slices into slabs, slabs into shards, shards into smaller copies."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emqs.geometry import Box, Lengths, Shape
from emqs.ingestion import contrast, work
from emqs.ingestion.contrast import Curve
from emqs.ingestion.journal import Journal
from emqs.ingestion.pyramid import Image, levels_of
from emqs.ingestion.render import covered
from emqs.ingestion.settings import ContrastConfig, OutputConfig
from emqs.ingestion.transforms import Transforms
from emqs.ingestion.work import Slices

Step = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Assembly:
    """What a volume is put together from.

    Attributes:
        slices: The raw ones.
        used: Slots that are used, in order.
        transforms: Where they lie.
        fill: What becomes of the other slots.
        contrast: How slices are evened.
        journal: What is done so far.
        scratch: Folder for slices of the slab that is made.
        step: Told the stage, the parts done, and the parts in all.
    """

    slices: Slices
    used: Sequence[int]
    transforms: Transforms
    fill: str
    contrast: ContrastConfig
    journal: Journal
    scratch: Path
    step: Step

    def raw(self, image: Image) -> dict[int, dict[str, Any]]:
        """Write the aligned slices as the finest level; return what was measured of their greys."""
        depth = image.levels[0].shape[0]
        slabs = list(range(0, depth, image.shard[0]))
        measured: dict[int, dict[str, Any]] = {}
        for number, first in enumerate(slabs):
            name = f"raw {first}"
            slots = range(first, min(first + image.shard[0], depth))
            if name not in self.journal:
                self.journal.add(name, self._raw_slab(image, slots))
            measured.update({int(slot): one for slot, one in self.journal[name].items()})
            self.step("resample", number + 1, len(slabs))
        return measured

    def _raw_slab(self, image: Image, slots: range) -> dict[str, Any]:
        measured = {}
        used = list(self.used)

        def slab_slice(slot: int) -> np.ndarray | None:
            parts = work.filling(slot, used, self.fill)
            voxels = work.laid(self.slices, parts, self.transforms)
            if voxels is not None and parts == [(slot, 1.0)]:
                inside = covered(slot, self.transforms, contrast.STEP)
                measured[str(slot)] = contrast.measure(voxels, inside, self.contrast.tiles)
            return voxels

        self._write_slab(image, slots, slab_slice)
        return measured

    def _write_slab(
        self, image: Image, slots: range, make: Callable[[int], np.ndarray | None]
    ) -> None:
        """Write a slab of the finest level, of slices that are made one by one.

        The slices wait on disk, so that as few as one is held in memory.
        """
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        shown = []
        for slot in slots:
            voxels = make(slot)
            if voxels is not None:
                np.save(self.scratch / f"{slot}.npy", voxels)
                shown.append(slot)
        _, height, width = image.levels[0].shape
        for y in range(0, height, image.shard[1]):
            for x in range(0, width, image.shard[2]):
                stop = min(y + image.shard[1], height), min(x + image.shard[2], width)
                box = Box((slots.start, y, x), (slots.stop, *stop))
                voxels = np.zeros(box.shape, dtype=image.dtype)
                for slot in shown:
                    part = np.load(self.scratch / f"{slot}.npy", mmap_mode="r")
                    voxels[slot - slots.start] = part[box.slices[1:]]
                image.write(0, box, voxels)
        shutil.rmtree(self.scratch)

    def smaller(self, image: Image, stage: str) -> None:
        """Write the smaller copies of an image."""
        total = sum(1 for level in image.levels[1:] for _ in image.shards(level.number))
        count = 0
        for level in image.levels[1:]:
            for number, box in enumerate(image.shards(level.number)):
                name = f"{stage} {level.number} {number}"
                if name not in self.journal:
                    image.shrink(level.number, box)
                    self.journal.add(name, True)
                count += 1
                self.step(stage, count, total)

    def even(self, image: Image, raw: Image, curves: Mapping[int, Curve]) -> None:
        """Write the evened slices as the finest level of a second image."""
        depth = raw.levels[0].shape[0]
        slabs = list(range(0, depth, image.shard[0]))
        for number, first in enumerate(slabs):
            name = f"even {first}"
            if name not in self.journal:
                slots = range(first, min(first + image.shard[0], depth))
                self._write_slab(image, slots, lambda slot: self._evened(slot, raw, curves))
                self.journal.add(name, True)
            self.step("contrast", number + 1, len(slabs))

    def _evened(self, slot: int, raw: Image, curves: Mapping[int, Curve]) -> np.ndarray | None:
        parts = work.filling(slot, list(self.used), self.fill)
        if not parts:
            return None
        images = []
        for source, _ in parts:
            voxels = self._level_slice(raw, source)
            if self.contrast.method == "clahe":
                images.append(contrast.clahe(voxels, self.contrast.tiles, self.contrast.clip))
            else:
                curve = curves.get(source)
                images.append(voxels if curve is None else contrast.evened(voxels, curve))
        return work.blended(images, [weight for _, weight in parts])

    @staticmethod
    def _level_slice(raw: Image, slot: int) -> np.ndarray:
        """Return a slice of the finest level, read in bands of chunks."""
        _, height, width = raw.levels[0].shape
        return raw.read(0, Box((slot, 0, 0), (slot + 1, height, width)))[0]


def new_image(
    folder: Path, shape: Shape, dtype: np.dtype[Any], size_nm: Lengths, output: OutputConfig
) -> Image:
    """Return an image of a shape, with all its levels, of which nothing is written yet.

    Shards are no larger than the image needs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chunk = (output.chunk[0], output.chunk[1], output.chunk[2])
    shard = tuple(
        min(s, -(-n // c) * c) for s, n, c in zip(output.shard, shape, chunk, strict=True)
    )
    return Image(folder, levels_of(shape, size_nm), dtype, chunk, (shard[0], shard[1], shard[2]))


def window_of(measured: Mapping[int, Mapping[str, Any]], top: float) -> tuple[float, float]:
    """Return the greys that viewers show as black and white: medians over the slices."""
    rows = [one["quantiles"] for one in measured.values() if one["quantiles"] is not None]
    if not rows:
        return 0.0, top
    middle = np.median(np.array(rows), axis=0)
    low, high = float(middle[1]), float(middle[-2])
    return (low, high) if high > low else (0.0, top)
