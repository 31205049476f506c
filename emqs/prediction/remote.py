"""How workers of a Ray cluster come to what a prediction needs: they open and build it themselves.

They get how to open the volume, the bytes of the weights, the heads, and the folder of the images,
into which they write their tiles. A tile can be made again, so nothing is lost with a worker.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from emqs.embedding.build import remote
from emqs.embedding.build.work import WorkerContext
from emqs.prediction.features import Features
from emqs.prediction.tiles import Tiles
from emqs.runs.ray_executor import RayExecutor, Share
from emqs.runs.settings import RayConfig


def on_ray(settings: RayConfig, reopen: remote.Opener) -> RayExecutor:
    """Return an executor for ``predict``; workers must see the volume and the folder of ``out``.

    Args:
        settings: Where, and how many.
        reopen: Opens the volume in another process.

    Raises:
        MissingDependencyError: If Ray is not installed.
    """
    return RayExecutor(settings, partial(_packed, reopen), command="predict")


def _packed(reopen: remote.Opener, tiles: Tiles, share: Share) -> Callable[[], Tiles]:
    features = tiles.features
    context = WorkerContext(features.source, features.model, features.grid, features.compute)
    plain: dict[str, Any] = {
        "contrast": features.source.contrast,
        "projection": features.projection,
        "heads": tiles.heads,
        "images": tiles.images,
        "region": tiles.region,
        "journal": str(tiles.journal.absolute()),
        "reach_px": tiles.reach_px,
    }
    return partial(_unpacked, remote.packed(reopen, context, share), plain)


def _unpacked(embedded: Callable[[], WorkerContext], plain: dict[str, Any]) -> Tiles:
    """Return the context; runs in a worker."""
    context = embedded()
    source = context.source
    source = type(source)(source.volume, source.intensity, source.padding, plain["contrast"])
    features = Features(
        source, context.model, context.grid, context.compute, projection=plain["projection"]
    )
    return Tiles(
        features, plain["heads"], plain["images"], plain["region"], Path(plain["journal"]),
        plain["reach_px"],
    )  # fmt: skip
