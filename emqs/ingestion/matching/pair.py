"""Two slices in, the map between them out, or the reason why there is none."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from emqs.ingestion import affine
from emqs.ingestion.matching import blocks, sift
from emqs.ingestion.matching.coarse import Coarse, Rotations, locate
from emqs.ingestion.matching.images import Prepared, warped
from emqs.ingestion.matching.parts import split
from emqs.ingestion.settings import AlignConfig

EDGES = (128, 96)  # of blocks in the two rounds, pixels of the reduced slices
TOLERANCES = (6.0, 4.0)  # in the two rounds, likewise: blocks that agree lie within
LEAST_SHARE = 0.25  # of the blocks that must agree, of those that show something
KEPT = 64  # blocks of a pair that go into the solution
AREA = 0.75, 1.33  # by which the map may change areas


@dataclass(frozen=True)
class Pair:
    """Two slices that were matched.

    Attributes:
        first: Slot of the one.
        second: Slot of the other.
        peak: Height of the correlation's peak, in standard deviations.
        why_not: A sentence that says why they could not be matched; empty if they were.
        forward: Map from full pixels of the first to those of the second; empty if there is none.
        points: Places ``(y, x)`` of blocks in the first, and in the second, full pixels.
        n_blocks: Blocks that show something in both.
        n_agree: Those that agree with the map.
        still: Map of the part that lies still, which most blocks follow closely; as ``forward``.
        displaced: Share of blocks that lie elsewhere than that part, together with a neighbour.
        elsewhere: Places ``(y, x)`` of those in the first, and in the second, full pixels.
        elsewhere_px: Distance from which a block lies elsewhere, full pixels.
        block_px: Edge of a block, full pixels.
        residual_px: Median distance of the blocks that agree, full pixels.
        correlation: Of the two slices where they lie on each other, from -1 to 1.
    """

    first: int
    second: int
    peak: float
    why_not: str = ""
    forward: list[list[float]] = field(default_factory=list)
    points: tuple[ArrayLike, ArrayLike] = ((), ())
    n_blocks: int = 0
    n_agree: int = 0
    still: list[list[float]] = field(default_factory=list)
    displaced: float = 0.0
    elsewhere: tuple[ArrayLike, ArrayLike] = ((), ())
    elsewhere_px: float = 0.0
    block_px: int = 0
    residual_px: float = 0.0
    correlation: float = 0.0

    @property
    def matched(self) -> bool:
        """Whether there is a map."""
        return not self.why_not

    @property
    def matrix(self) -> np.ndarray:
        """The map, ``(2, 3)``."""
        return np.array(self.forward)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> "Pair":
        """Return the pair that ``to_dict`` gave, its blocks as arrays, which take less memory."""
        first, second = (np.array(places, dtype=float).reshape(-1, 2) for places in row["points"])
        return cls(**{**row, "points": (first, second)})


def match(
    numbers: tuple[int, int], moving: Rotations, target: Prepared, settings: AlignConfig
) -> Pair:
    """Return how two slices lie on each other.

    Args:
        numbers: Their slots.
        moving: The first.
        target: The second.
        settings: How far is searched, and what is sure enough.
    """
    rough = _rough(moving, target, settings)
    if rough.why_not:
        return Pair(*numbers, rough.peak, rough.why_not)
    if rough.peak < settings.peak:
        why = f"their correlation has no clear peak ({rough.peak:.1f} of {settings.peak:g} needed)"
        return Pair(*numbers, rough.peak, why)
    factor, source = target.factor, moving.prepared
    forward = affine.reduced(rough.forward, factor)
    shape = target.fine.shape[0], target.fine.shape[1]
    edge = min(EDGES[0], max(32, min(shape) // 4))
    for size, tolerance in zip((edge, min(edge, EDGES[1])), TOLERANCES, strict=True):
        before = forward
        moved = warped(source.fine, before, shape)
        valid = warped(source.valid.astype(np.float32), before, shape) > 0.99
        seen = blocks.match(moved, target.fine, (valid, target.valid), edge=size, step=size // 2)
        least = max(settings.inliers, round(LEAST_SHARE * seen.n_tried))
        agreed = blocks.agree(seen, tolerance=tolerance, least=least)
        if agreed is None:
            return _unmatched(numbers, rough.peak, seen, settings)
        matrix, inside = agreed
        forward = affine.compose(matrix, before)
    area = abs(float(np.linalg.det(forward[:, :2])))
    if not AREA[0] < area < AREA[1]:
        return Pair(*numbers, rough.peak, f"the map would change areas by {area:.2f}")
    moved = warped(source.fine, forward, shape)
    valid = warped(source.valid.astype(np.float32), forward, shape) > 0.99
    both = valid & target.valid
    near = seen.centres[inside] + seen.offsets[inside]
    strange = blocks.far(moved, target.fine, (valid, target.valid), near, edge=size)
    apart = split(seen, strange, (before, forward), inside, size // 2)
    offset = (factor - 1) / 2
    made = _matched(
        numbers, rough.peak, seen, inside, before, matrix,
        factor=factor, correlation=correlated(moved[both], target.fine[both]),
    )  # fmt: skip
    return replace(
        made,
        displaced=apart.share,
        still=affine.scaled(apart.still, factor).tolist(),
        elsewhere=(
            (apart.first * factor + offset).round(3).tolist(),
            (apart.second * factor + offset).round(3).tolist(),
        ),
        elsewhere_px=apart.least * factor,
        block_px=size * factor,
    )


def _rough(moving: Rotations, target: Prepared, settings: AlignConfig) -> Coarse:
    """Return how two slices lie on each other roughly, by the matcher that is asked for."""
    if settings.matcher == "sift":
        return sift.locate(moving, target, shift=settings.shift, least=settings.inliers)
    return locate(moving, target, rotation_deg=settings.rotation_deg, shift=settings.shift)


def correlated(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of two sets of values of mean about 0; 0 where there are none."""
    spread = float(np.sqrt((first * first).mean() * (second * second).mean())) if first.size else 0
    return float((first * second).mean()) / spread if spread > 0 else 0.0


def _unmatched(
    numbers: tuple[int, int], peak: float, seen: blocks.Blocks, settings: AlignConfig
) -> Pair:
    if seen.n_tried < settings.inliers:
        why = f"they share only {seen.n_tried} blocks that show something"
    else:
        why = f"too few of {seen.n_tried} blocks agree on where they lie"
    return Pair(*numbers, peak, why, n_blocks=seen.n_tried)


def _matched(
    numbers: tuple[int, int],
    peak: float,
    seen: blocks.Blocks,
    inside: np.ndarray,
    before: np.ndarray,
    matrix: np.ndarray,
    *,
    factor: int,
    correlation: float,
) -> Pair:
    """Return the pair with the places of its blocks in full pixels of both slices."""
    target = seen.centres + seen.offsets
    residual = affine.distances(matrix, seen.centres, target)
    chosen = np.flatnonzero(inside)
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(KEPT, len(chosen))).round().astype(int)]
    offset = (factor - 1) / 2
    source = affine.apply(affine.invert(before), seen.centres[chosen]) * factor + offset
    second = target[chosen] * factor + offset
    return Pair(
        *numbers,
        peak=peak,
        forward=affine.scaled(affine.compose(matrix, before), factor).tolist(),
        points=(source.round(3).tolist(), second.round(3).tolist()),
        n_blocks=seen.n_tried,
        n_agree=int(inside.sum()),
        residual_px=float(np.median(residual[inside])) * factor,
        correlation=correlation,
    )
