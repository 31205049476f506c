"""States of neuroglancer that show a volume and places in it."""

from typing import Any

import numpy as np

from emqs.annotations.precomputed import dimensions
from emqs.geometry import Lengths
from emqs.volumes.opening import with_prefix

REMOTE = ("http://", "https://", "s3://", "gs://")  # what neuroglancer reads by itself


def neuroglancer(
    centres_nm: np.ndarray,
    ranks: np.ndarray,
    scores: np.ndarray,
    *,
    voxel_size_nm: Lengths,
    volume: str | None,
    image: str | None,
) -> dict[str, Any]:
    """Return a state for neuroglancer: the volume and a point for each result.

    Args:
        centres_nm: The points, shape ``(K, 3)``, Z Y X in nm; voxel i spans i to i + 1, so its
            centre lies at i + 0.5.
        ranks: Shape ``(K,)``, from 1.
        scores: Shape ``(K,)``.
        voxel_size_nm: Edges of a voxel, Z Y X.
        volume: Path or address of the volume, as the user named it: files at an address are looked
            at; None: it was not named.
        image: Source of the image layer, e.g. ``"precomputed://https://..."``; None: the volume, if
            it lies on a server.
    """
    points = centres_nm / np.array(voxel_size_nm) + 0.5  # z, y, x
    axes = dimensions(voxel_size_nm)
    annotations = [
        {
            "type": "point",
            "id": str(rank),
            "point": [x, y, z],
            "description": f"rank {rank}, score {score:.4g}",
        }
        for rank, score, (z, y, x) in zip(
            ranks.tolist(), scores.tolist(), points.tolist(), strict=True
        )
    ]
    source = image
    if image is None and volume is not None and is_remote(volume):
        source = with_prefix(volume)
    layers: list[dict[str, Any]] = []
    if source is not None:
        layers.append({"type": "image", "name": "volume", "source": source})
    layers.append(
        {
            "type": "annotation",
            "name": "matches",
            "source": {"url": "local://annotations", "transform": {"outputDimensions": axes}},
            "annotations": annotations,
        }
    )
    state: dict[str, Any] = {"dimensions": axes, "layers": layers}
    if annotations:
        state["position"] = annotations[0]["point"]
    return state


def is_remote(name: str) -> bool:
    """Return whether neuroglancer reads what a path or an address names by itself."""
    return any(scheme in name for scheme in REMOTE)
