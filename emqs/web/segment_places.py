"""Where segments are, so that a reviewer can go there: one voxel of each, in a coarse level."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request

from emqs.errors import ConfigError, DataError
from emqs.volumes import Box
from emqs.web import catalogue
from emqs.web.context import context
from emqs.web.layers import OpenLayer, layers, relabelled
from emqs.web.rights import Access, needs

router = APIRouter(tags=["data"])

MOST_SEGMENTS = 200  # of one question
MOST_VOXELS = 2**24  # that are looked at; of a larger layer a coarser level
MOST_POINTS = 20_000  # of a segment that are compared with another's
MOST_LABEL = 2**64 - 1

Place = tuple[float, float, float]  # Z Y X in voxels of the dataset


def level_of(opened: OpenLayer) -> int:
    """Return the number of the finest scale that is small enough to be looked through.

    Raises:
        ConfigError: If there is none.
    """
    for number, scale in enumerate(opened.scales):
        z, y, x = scale.volume.shape
        if z * y * x <= MOST_VOXELS:
            return number
    raise ConfigError(
        f"The layer {opened.layer.name} has no level that is small enough to look for segments in. "
        'Start the job "levels" for it.'
    )


def places(
    opened: OpenLayer, segments: Sequence[int], beside: int | None = None
) -> dict[int, Place | None]:
    """Return a voxel of each segment.

    Args:
        opened: A segmentation.
        segments: Which, at most ``MOST_SEGMENTS``.
        beside: A segment: of the others the voxel closest to it, where they may touch.

    Returns:
        The middle of a voxel of the level that was looked at, in voxels of the finest; None: the
        segment is not in that level.

    Raises:
        ConfigError: If the layer is an image, or has no small level.
    """
    if opened.kind != "segmentation":
        raise ConfigError(f"The layer {opened.layer.name} is no segmentation.")
    scale = opened.scales[level_of(opened)]
    voxels = scale.volume.read(Box((0, 0, 0), scale.volume.shape))  # not by chunks, nor kept
    if opened.equivalences is not None:
        voxels = relabelled(voxels, *opened.equivalences)
    size = np.asarray(scale.volume.require_voxel_size())
    asked = [*segments, *([] if beside is None else [beside])]
    largest = np.iinfo(voxels.dtype).max
    points = _points(voxels, [one for one in asked if one <= largest])
    anchor = points.get(beside) if beside is not None else None
    answer: dict[int, Place | None] = {}
    for segment in segments:
        own = points.get(segment)
        if own is None:
            answer[segment] = None
            continue
        alone = anchor is None or segment == beside
        voxel = _middle(own, size) if alone else _closest(own, anchor, size)
        middle = (voxel + 0.5) * np.asarray(scale.factors)
        answer[segment] = (float(middle[0]), float(middle[1]), float(middle[2]))
    return answer


def _points(voxels: np.ndarray, segments: Sequence[int]) -> dict[int, np.ndarray]:
    """Return the voxels of segments that are there, each of shape ``(n, 3)``, Z Y X."""
    sought = np.unique(np.array(segments, dtype=voxels.dtype))
    where = np.argwhere(np.isin(voxels, sought))
    labels = voxels[tuple(where.T)]
    order = np.argsort(labels, kind="stable")
    present, first = np.unique(labels[order], return_index=True)
    parts = np.split(where[order], first[1:]) if len(present) else []
    return {int(label): part for label, part in zip(present, parts, strict=True)}


def _middle(points: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return the point closest to the middle of all."""
    off = (points - points.mean(axis=0)) * size
    return np.asarray(points[np.argmin((off**2).sum(axis=1))])


def _closest(points: np.ndarray, others: np.ndarray | None, size: np.ndarray) -> np.ndarray:
    """Return the point closest to any of others."""
    from scipy.spatial import cKDTree

    assert others is not None  # noqa: S101 - asked for only if they are there
    own = points[:: max(1, len(points) // MOST_POINTS)]
    distances, _ = cKDTree(others * size).query(own * size)
    return np.asarray(own[np.argmin(distances)])


def _label(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or len(text) > 20 or int(text) > MOST_LABEL:
        raise DataError(f"A segment is a whole number from 0 to {MOST_LABEL}, got '{text[:50]}'.")
    return int(text)


@router.get("/datasets/{dataset}/layers/{layer}/segments")
def listed(
    request: Request,
    access: Annotated[Access, needs("dataset:reader")],
    layer: str,
    segment: Annotated[list[str], Query(min_length=1, max_length=MOST_SEGMENTS)],
    beside: Annotated[str | None, Query(max_length=20)] = None,
) -> dict[str, Any]:
    """Say where segments are: a voxel of each, or the one closest to the segment ``beside``."""
    state = context(request)
    user_id = None if access.user is None else access.user.id
    with state.database.read() as connection:
        row = catalogue.layer(connection, access.dataset.id, layer, user_id)
    by_label = places(
        layers(state).get(row),
        [_label(one) for one in segment],
        None if beside is None else _label(beside),
    )
    offset = row.settings.get("offset") or (0, 0, 0)
    moved = {
        str(label): None if place is None else [v + o for v, o in zip(place, offset, strict=True)]
        for label, place in by_label.items()
    }
    return {"places": moved}
