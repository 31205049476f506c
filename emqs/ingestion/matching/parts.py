"""Which part of a slice lies still on another, and which parts lie elsewhere, as where it folded.

A map that fits all blocks within a few pixels hides a fold of a large slice, which is reduced
before it is matched: it stretches what lies between the two parts. So most blocks must follow the
map of the part that lies still closely, as one of them does where tissue was not deformed.
"""

from dataclasses import dataclass

import numpy as np

from emqs.ingestion import affine
from emqs.ingestion.matching.blocks import Blocks

CLOSE = 1.5  # pixels of the reduced slices, by which blocks that lie still may be off their map
LEAST_SHARE = 1 / 3  # of the blocks that show something must lie so, or the pair's own map is taken
ELSEWHERE = 6.0  # pixels of the reduced slices, beyond which a block lies elsewhere, ...
ELSEWHERE_LOOSE = 8.0  # ... or beyond which it does if the pair's own map is taken
TRIALS, SURE = 300, 0.999  # drawn threes of blocks: at most, and until the best is so sure


@dataclass(frozen=True)
class Parts:
    """Blocks of a pair that lie elsewhere than the part that lies still.

    Attributes:
        still: Map of that part from the first slice to the second, reduced pixels, ``(2, 3)``.
        first: Places ``(y, x)`` of blocks that lie elsewhere, reduced pixels of the first slice.
        second: Likewise, of the second.
        share: Of all blocks that show something.
        least: Distance from which a block lies elsewhere, reduced pixels.
    """

    still: np.ndarray
    first: np.ndarray
    second: np.ndarray
    share: float
    least: float


def split(
    seen: Blocks,
    strange: Blocks,
    maps: tuple[np.ndarray, np.ndarray],
    inside: np.ndarray,
    step: int,
) -> Parts:
    """Return which blocks lie elsewhere, each together with a neighbour.

    Args:
        seen: Blocks of the first slice, moved by the first of the maps, on the second.
        strange: Blocks that were looked for further off, moved by the second of the maps.
        maps: Those maps, reduced pixels, ``(2, 3)`` each; the second is the pair's own.
        inside: Which of ``seen`` follow the pair's own map, ``(N,)``, bool.
        step: Between blocks, reduced pixels.
    """
    first, second = _places(seen, maps[0])
    others = _places(strange, maps[1])
    still = _still(first, second, LEAST_SHARE * seen.n_tried)
    least = ELSEWHERE_LOOSE if still is None else ELSEWHERE
    still = maps[1] if still is None else still
    first = np.concatenate([first[inside], others[0]])
    second = np.concatenate([second[inside], others[1]])
    steps = second - affine.apply(still, first)
    far = np.linalg.norm(steps, axis=1) > least
    apart = np.abs(second[:, None] - second[None]).max(axis=2)
    differ = np.linalg.norm(steps[:, None] - steps[None], axis=2)
    friends = far[None] & (apart <= 1.5 * step + least) & (differ < least / 2)
    far &= friends.sum(axis=1) > 1
    return Parts(still, first[far], second[far], float(far.sum()) / max(1, strange.n_tried), least)


def _places(blocks: Blocks, moved_by: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where blocks lie in both slices."""
    source = affine.apply(affine.invert(moved_by), blocks.centres)
    return source, blocks.centres + blocks.offsets


def _still(first: np.ndarray, second: np.ndarray, least: float) -> np.ndarray | None:
    """Return the map that the most blocks follow closely; None if those are too few."""
    from skimage.measure import ransac
    from skimage.transform import AffineTransform

    if len(first) < max(least, 4):
        return None
    whole = affine.fit(first, second)
    if (affine.distances(whole, first, second) < CLOSE).all():
        return whole
    _, close = ransac(
        (first, second), AffineTransform, min_samples=3, residual_threshold=CLOSE,
        max_trials=TRIALS, stop_probability=SURE, rng=0,
    )  # fmt: skip
    if close is None or close.sum() < max(least, 4):
        return None
    return affine.fit(first[close], second[close])
