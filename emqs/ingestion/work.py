"""The parts that making a volume consists of. Each can be done alone, and again."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emqs.errors import DataError
from emqs.ingestion import affine, elastic, measures
from emqs.ingestion.elastic import Seams
from emqs.ingestion.matching import blocks, pair
from emqs.ingestion.matching.coarse import Rotations
from emqs.ingestion.matching.images import Prepared, factors, prepare, reduce, warped
from emqs.ingestion.render import offsets_at, rendered
from emqs.ingestion.settings import AlignConfig
from emqs.ingestion.sources import Source, digest
from emqs.ingestion.transforms import Transforms

KEPT = 4  # prepared slices that are held at once
TOGETHER = 8  # slices that another process matches at once; each has its neighbours to prepare
THUMBNAIL = 160  # pixels, of the longer edge of a small picture of a slice
LEAST_EDGE = 32  # pixels of the reduced slices, of an elastic block


@dataclass(eq=False)
class Slices:
    """The raw slices, and what is known of them.

    Attributes:
        source: Where they are.
        known: SHA-256 of the pixels of each slot, once it was looked at.
        reductions: Of ``images.factors``, for all slices alike.
    """

    source: Source
    known: dict[int, str] = field(default_factory=dict)
    reductions: tuple[int, int] = (1, 1)
    _prepared: "OrderedDict[int, Prepared]" = field(default_factory=OrderedDict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Go to another process without the slices that are held."""
        return {**self.__dict__, "_prepared": OrderedDict()}

    def read(self, slot: int) -> np.ndarray:
        """Return a slice as it was when it was looked at.

        Raises:
            DataError: If it changed since, or cannot be read.
        """
        image = self.source.read(slot)
        if slot in self.known and digest(image) != self.known[slot]:
            raise DataError(
                f"{self.source.name}: the slice {self.source.names[slot]} (slot {slot}) changed "
                "since it was looked at. Begin anew with restart=true."
            )
        return image

    def prepared(self, slot: int) -> Prepared:
        """Return a slice ready to be matched; the last few are kept."""
        if slot not in self._prepared:
            while len(self._prepared) >= KEPT:
                self._prepared.popitem(last=False)
            self._prepared[slot] = prepare(self.read(slot), self.reductions)
        self._prepared.move_to_end(slot)
        return self._prepared[slot]

    def learn(self, measured: Mapping[int, Mapping[str, Any]]) -> None:
        """Keep checksums, and choose how much slices are reduced for matching."""
        self.known = {slot: str(one["sha256"]) for slot, one in measured.items()}
        largest = max(max(one["height"], one["width"]) for one in measured.values())
        self.reductions = factors((largest, largest))


def look(source: Source, slot: int) -> dict[str, Any]:
    """Return the measures of a slice.

    Raises:
        DataError: If it cannot be read.
    """
    try:
        return measures.measure(source.read(slot))
    except DataError as error:
        if source.volume is not None:
            raise
        raise DataError(
            f"{error} Or move it elsewhere: its number is then kept as a gap."
        ) from None


Group = list[tuple[int, list[int]]]  # slices, each with those that it is matched with


def groups(partners: Mapping[int, list[int]], *, single: bool) -> list[Group]:
    """Return what is matched, in parts: slice by slice, or by several that follow each other."""
    rows = [(first, partners[first]) for first in sorted(partners)]
    size = 1 if single else TOGETHER
    return [rows[start : start + size] for start in range(0, len(rows), size)]


@dataclass(frozen=True, eq=False)
class Matching:
    """What matching needs: the raw slices and the settings."""

    slices: Slices
    settings: AlignConfig


def match(known: Matching, group: Group) -> list[dict[str, Any]]:
    """Return how slices lie on others, each as ``Pair.to_dict`` has it."""
    rows = []
    for first, others in group:
        moving = Rotations(known.slices.prepared(first))
        for other in others:
            target = known.slices.prepared(other)
            rows.append(pair.match((first, other), moving, target, known.settings).to_dict())
    return rows


@dataclass(frozen=True, eq=False)
class Bending:
    """What a round of elastic matching needs.

    Attributes:
        slices: The raw ones.
        transforms: Where they lie by now; with meshes from the second round on.
        edge_px: Of a block.
    """

    slices: Slices
    transforms: Transforms
    edge_px: float


def bend(known: Bending, group: Group) -> list[tuple[int, list[dict[str, Any]]]]:
    """Return the seams of each slice of a group; see ``seams``."""
    return [
        (first, seams(known.slices, first, others, known.transforms, known.edge_px))
        for first, others in group
    ]


def seams(
    slices: Slices, first: int, others: list[int], transforms: Transforms, edge_px: float
) -> list[dict[str, Any]]:
    """Return blocks of a slice and of others, where they lie in the volume by now.

    Args:
        slices: The raw ones.
        first: Slot of the one.
        others: Slots of the others.
        transforms: Where slices lie by now; with meshes in a second round.
        edge_px: Of a block.
    """
    factor = slices.reductions[0]
    shape = tuple(max(1, length // factor) for length in transforms.shape)
    frame = shape[0], shape[1]
    image, valid = _in_frame(slices, first, transforms, frame)
    result = []
    for other in others:
        other_image, other_valid = _in_frame(slices, other, transforms, frame)
        edge = max(LEAST_EDGE, round(edge_px / factor))
        seen = blocks.match(
            image, other_image, (valid, other_valid), edge=edge, step=max(8, edge // 2)
        )
        kept = seen.peaks >= 2 * blocks.LEAST_PEAK
        centres = seen.centres[kept] * factor + (factor - 1) / 2
        offsets = seen.offsets[kept] * factor
        total = elastic.wanted(Seams(first, other, centres + offsets / 2, offsets), transforms)
        result.append(
            {
                "first": first,
                "second": other,
                "centres": total.centres.round(2).tolist(),
                "offsets": total.offsets.round(3).tolist(),
            }
        )
    return result


def _in_frame(
    slices: Slices, slot: int, transforms: Transforms, frame: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return a prepared slice as it lies in the reduced volume, and where it shows something."""
    from scipy import ndimage

    one = slices.prepared(slot)
    forward = affine.reduced(transforms.forward[slot], one.factor)
    mesh = transforms.mesh.get(slot)
    shown = one.valid.astype(np.float32)
    if mesh is None:
        return warped(one.fine, forward, frame), warped(shown, forward, frame) > 0.99
    grid = np.stack(np.meshgrid(*(np.arange(n, dtype=float) for n in frame), indexing="ij"))
    full = grid * one.factor + (one.factor - 1) / 2
    grid += offsets_at(full, mesh, transforms.step_px) / one.factor
    back = affine.invert(forward)
    places = np.einsum("ij,jyx->iyx", back[:, :2], grid) + back[:, 2, None, None]
    moved = [ndimage.map_coordinates(part, places, order=1, cval=0.0) for part in (one.fine, shown)]
    return moved[0], moved[1] > 0.99


def filling(slot: int, used: list[int], fill: str) -> list[tuple[int, float]]:
    """Return from which slices a slot is filled, and what each counts.

    Args:
        slot: Any slot.
        used: Slots that are used, in order.
        fill: ``"none"``, ``"nearest"`` or ``"blend"``, for the others.

    Returns:
        The slot alone if it is used; nothing if it stays empty.
    """
    if slot in used:
        return [(slot, 1.0)]
    before = [s for s in used if s < slot]
    after = [s for s in used if s > slot]
    if fill == "none" or not used:
        return []
    if not before or not after or fill == "nearest":
        nearest = min(used, key=lambda s: (abs(s - slot), s))
        return [(nearest, 1.0)]
    a, b = before[-1], after[0]
    share = (slot - a) / (b - a)
    return [(a, 1 - share), (b, share)]


def laid(
    slices: Slices, parts: list[tuple[int, float]], transforms: Transforms
) -> np.ndarray | None:
    """Return a slice of the volume, made of one raw slice or blended of two; None: empty."""
    if not parts:
        return None
    images = [rendered(slices.read(slot), slot, transforms) for slot, _ in parts]
    return blended(images, [weight for _, weight in parts])


def blended(images: list[np.ndarray], weights: list[float]) -> np.ndarray:
    """Return a weighted mean of slices, rounded."""
    if len(images) == 1:
        return images[0]
    total = sum(image.astype(np.float32) * np.float32(w)
                for image, w in zip(images, weights, strict=True))  # fmt: skip
    return np.rint(total).astype(images[0].dtype)


def thumbnail(image: np.ndarray) -> np.ndarray:
    """Return a small picture of a slice, uint8."""
    factor = max(1, -(-max(image.shape) // THUMBNAIL))
    small = reduce(image, factor) if min(image.shape) >= factor else image.astype(np.float32)
    top = float(np.iinfo(image.dtype).max)
    return np.asarray(np.rint(small * (255.0 / top)), dtype=np.uint8)
