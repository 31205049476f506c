"""Writes one slab of a volume: slices are made one by one, and wait on disk for their shards."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emqs.geometry import Box
from emqs.ingestion import contrast, work
from emqs.ingestion.contrast import Curve
from emqs.ingestion.pyramid import Image
from emqs.ingestion.render import covered
from emqs.ingestion.settings import ContrastConfig
from emqs.ingestion.transforms import Transforms
from emqs.ingestion.work import Slices


@dataclass(frozen=True, eq=False)
class Plan:
    """What each slice of a volume consists of.

    Attributes:
        slices: The raw ones.
        used: Slots that are used, in order.
        transforms: Where they lie.
        fill: What becomes of the other slots.
        contrast: How slices are evened.
        scratch: Folder for slices of the slabs that are made.
    """

    slices: Slices
    used: Sequence[int]
    transforms: Transforms
    fill: str
    contrast: ContrastConfig
    scratch: Path


@dataclass(frozen=True, eq=False)
class Resampling:
    """What the finest level is made of, and where it goes."""

    plan: Plan
    image: Image


@dataclass(frozen=True, eq=False)
class Evening:
    """What the evened image is made of: the finest level of ``raw``, and a curve for each slot."""

    plan: Plan
    image: Image
    raw: Image
    curves: Mapping[int, Curve]


def raw_slab(made: Resampling, slots: range) -> dict[str, Any]:
    """Write a slab of aligned slices; return what was measured of their greys, by slot."""
    plan = made.plan
    measured = {}
    used = list(plan.used)

    def slab_slice(slot: int) -> np.ndarray | None:
        parts = work.filling(slot, used, plan.fill)
        voxels = work.laid(plan.slices, parts, plan.transforms)
        if voxels is not None and parts == [(slot, 1.0)]:
            inside = covered(slot, plan.transforms, contrast.STEP)
            measured[str(slot)] = contrast.measure(voxels, inside, plan.contrast.tiles)
        return voxels

    _write(made.image, slots, plan.scratch / f"raw_{slots.start}", slab_slice)
    return measured


def even_slab(made: Evening, slots: range) -> bool:
    """Write a slab of evened slices."""
    plan = made.plan

    def slab_slice(slot: int) -> np.ndarray | None:
        parts = work.filling(slot, list(plan.used), plan.fill)
        if not parts:
            return None
        images = []
        for source, _ in parts:
            voxels = _level_slice(made.raw, source)
            if plan.contrast.method == "clahe":
                images.append(contrast.clahe(voxels, plan.contrast.tiles, plan.contrast.clip))
            else:
                curve = made.curves.get(source)
                images.append(voxels if curve is None else contrast.evened(voxels, curve))
        return work.blended(images, [weight for _, weight in parts])

    _write(made.image, slots, plan.scratch / f"even_{slots.start}", slab_slice)
    return True


def shrink(image: Image, part: tuple[int, Box]) -> bool:
    """Write one shard of a smaller copy."""
    image.shrink(*part)
    return True


def _write(
    image: Image, slots: range, scratch: Path, make: Callable[[int], np.ndarray | None]
) -> None:
    """Write a slab of the finest level, of slices that are made one by one.

    The slices wait on disk, so that as few as one is held in memory.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    shown = []
    for slot in slots:
        voxels = make(slot)
        if voxels is not None:
            np.save(scratch / f"{slot}.npy", voxels)
            shown.append(slot)
    _, height, width = image.levels[0].shape
    for y in range(0, height, image.shard[1]):
        for x in range(0, width, image.shard[2]):
            stop = min(y + image.shard[1], height), min(x + image.shard[2], width)
            box = Box((slots.start, y, x), (slots.stop, *stop))
            voxels = np.zeros(box.shape, dtype=image.dtype)
            for slot in shown:
                part = np.load(scratch / f"{slot}.npy", mmap_mode="r")
                voxels[slot - slots.start] = part[box.slices[1:]]
            image.write(0, box, voxels)
    shutil.rmtree(scratch)


def _level_slice(raw: Image, slot: int) -> np.ndarray:
    """Return a slice of the finest level."""
    _, height, width = raw.levels[0].shape
    return raw.read(0, Box((slot, 0, 0), (slot + 1, height, width)))[0]
