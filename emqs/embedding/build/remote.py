"""How workers of a Ray cluster come to what embedding needs: they open and build it themselves.

They get how to open the volume, the bytes of a weights file, settings, and the folder of the store,
into which they write their blocks. Every part begins by looking for what is there, so blocks of a
worker that died stay.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from emqs.embedding.build.planes import PlaceSource
from emqs.embedding.build.work import WorkerContext
from emqs.embedding.stores.grid import PlaceGrid
from emqs.embedding.stores.zarr import open_store
from emqs.errors import ConfigError
from emqs.models import weights
from emqs.models.weights import Model
from emqs.runs.ray_executor import RayExecutor, Share
from emqs.runs.settings import RayConfig
from emqs.volumes import Volume

Opener = Callable[[], Volume]


def on_ray(settings: RayConfig, reopen: Opener | None) -> RayExecutor:
    """Return an executor for ``build``.

    Args:
        settings: Where, and how many.
        reopen: Opens the volume in another process.

    Raises:
        ConfigError: If the volume cannot be opened again.
        MissingDependencyError: If Ray is not installed.
    """
    if reopen is None:
        raise ConfigError("engine=ray needs a volume that other processes can open: give reopen=.")
    return RayExecutor(settings, partial(packed, reopen), command="embed")


def packed(reopen: Opener, context: WorkerContext, share: Share) -> Callable[[], WorkerContext]:
    """Return what makes the same context in another process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        weights.save(path, context.model)
        content = path.read_bytes()
    compute = context.compute
    if compute.device is None and share.gpus == 0:
        compute = replace(compute, device="cpu")
    plain: dict[str, Any] = {
        "reopen": reopen,
        "weights_file": content,
        "weights_sha256": context.model.sha256,
        "grid": context.grid.to_dict(),
        "intensity": context.source.intensity,
        "padding": context.source.padding,
        "compute": compute,
        "threads": share.threads,
        "store": None if context.store is None else context.store.folder.address,
    }
    return partial(_unpacked, plain)


def _unpacked(plain: dict[str, Any]) -> WorkerContext:
    """Return the context; runs in a worker."""
    torch.set_num_threads(plain["threads"])
    volume = plain["reopen"]()
    model = _model(plain["weights_file"], plain["weights_sha256"])
    address = plain["store"]
    store = None if address is None else open_store(address)
    grid, contrast = PlaceGrid.from_dict(plain["grid"]), None
    if store is not None:
        known = store.manifest["contrast"]
        grid, contrast = store.grid, None if known is None else np.array(known)
    source = PlaceSource(volume, plain["intensity"], plain["padding"], contrast)
    return WorkerContext(source, model, grid, plain["compute"], store)


def _model(content: bytes, digest: str | None) -> Model:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        path.write_bytes(content)
        return replace(weights.load(path), sha256=digest)
