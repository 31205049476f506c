"""The rotation between two slices, found by points that look alike (SIFT, of OpenCV).

For rotations of any size, which it finds without trying each. Sections (ssTEM) that differ much
have few such points; what they say is therefore believed only if the whitened correlation of the
whole slices, turned so, has a clear peak as well.
"""

from types import ModuleType
from typing import Any

import numpy as np

from emqs.errors import require
from emqs.ingestion import affine
from emqs.ingestion.matching.coarse import Coarse, Rotations, turned_by
from emqs.ingestion.matching.images import Prepared

POINTS = 3000  # of a slice, at most
RATIO = 0.9  # of the distances to the nearest and to the second point of the other slice
TOLERANCE_PX = 6.0  # pixels of the reduced slices
GREY, SPREAD = 128.0, 42.0  # of the picture that points are looked for in


def library() -> ModuleType:
    """Return OpenCV.

    Raises:
        MissingDependencyError: If it is not installed.
    """
    return require("cv2", extra="sift", purpose="find rotations with align.matcher=sift")


def features(prepared: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """Return places ``(y, x)`` in the reduced slice, ``(N, 2)``, and descriptors, ``(N, 128)``."""
    if prepared.points is None:
        cv2: Any = library()
        picture = np.clip(GREY + SPREAD * prepared.fine, 0, 255).astype(np.uint8)
        shown = prepared.valid.astype(np.uint8)
        keys, described = cv2.SIFT_create(nfeatures=POINTS).detectAndCompute(picture, shown)
        places = np.array([key.pt[::-1] for key in keys], dtype=float).reshape(-1, 2)
        if described is None:
            described = np.empty((0, 128), np.float32)
        prepared.points = places, described
    return prepared.points


def locate(moving: Rotations, target: Prepared, *, shift: float, least: int) -> Coarse:
    """Return where a slice lies on another, by points that look alike in both.

    Args:
        moving: The slice.
        target: The other.
        shift: Largest shift, as a part of the edge.
        least: Number of points that must agree on one rotation, scale and shift.
    """
    turn, agree = _agreed(moving.prepared, target, least)
    if turn is None or agree < least:
        why = f"only {agree} of their SIFT points agree on how they lie ({least} needed)"
        return Coarse(affine.IDENTITY, 0.0, why)
    return turned_by(float(np.degrees(affine.angle(turn))), moving, target, shift=shift)


def _agreed(moving: Prepared, target: Prepared, least: int) -> tuple[np.ndarray | None, int]:
    """Return the map (between places ``y, x``) that most points agree on, and how many do."""
    cv2: Any = library()
    (places, described), (others, known) = features(moving), features(target)
    if min(len(places), len(others)) < max(2, least):
        return None, 0
    matches = cv2.BFMatcher(cv2.NORM_L2).knnMatch(described, known, k=2)
    good = [a for a, b in matches if a.distance < RATIO * b.distance]
    if len(good) < least:
        return None, 0
    source = np.array([places[one.queryIdx] for one in good])
    there = np.array([others[one.trainIdx] for one in good])
    turn, inside = cv2.estimateAffinePartial2D(
        source, there, method=cv2.RANSAC, ransacReprojThreshold=TOLERANCE_PX, maxIters=5000,
        confidence=0.999,
    )  # fmt: skip
    return turn, 0 if turn is None else int(inside.sum())
