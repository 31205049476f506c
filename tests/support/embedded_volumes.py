"""Small volumes, encoders and embedding volumes for several test modules."""

from functools import cache
from pathlib import Path

import numpy as np
import torch

from emqs import models
from emqs.datasets.synthetic import em_stack
from emqs.embedding.build import Built, EmbedConfig, build
from emqs.models.compute import Compute
from emqs.models.settings import PreprocessingConfig
from emqs.models.weights import Model
from emqs.patches.settings import PatchConfig
from emqs.volumes import Volume, from_array

VOXEL_NM = (30.0, 5.0, 5.0)
PATCH = PatchConfig(size=16, stride=8)


def voxels(depth: int = 3, height: int = 104, width: int = 136, seed: int = 0) -> np.ndarray:
    """Return EM-like voxels, ``(Z, Y, X)``, uint8."""
    return _voxels(depth, height, width, seed).copy()


@cache
def _voxels(depth: int, height: int, width: int, seed: int) -> np.ndarray:
    return em_stack(n_slices=depth, height=height, width=width, seed=seed)[0]


def volume(array: np.ndarray | None = None, name: str = "toy") -> Volume:
    """Return a volume in memory."""
    return from_array(voxels() if array is None else array, VOXEL_NM, name=name)


def model(seed: int = 0, *, name: str = "contrastive", contrast: str = "slice") -> Model:
    """Return an encoder with random weights; ``sha256`` stands for them."""
    torch.manual_seed(seed)
    settings = {
        "contrastive": {"start": "random", "blocks": 2, "frozen": 0, "size": 16},
        "pixels": {"size": 8},
    }[name]
    size = settings["size"]
    assert isinstance(size, int)
    network = models.build(name, settings)
    return Model(
        name, network, settings, PreprocessingConfig(size, contrast), sha256=f"{seed:064d}"
    )


def filled(
    path: Path, source: Volume | None = None, encoder: Model | None = None, **settings: object
) -> Built:
    """Return an embedding volume of 16-voxel patches every 8 voxels."""
    settings = {"block": 8, "n_sample": 256, **settings}
    return build(
        volume() if source is None else source,
        model() if encoder is None else encoder,
        path,
        patch=PATCH,
        settings=EmbedConfig(**settings),  # type: ignore[arg-type]
        compute=Compute(device="cpu"),
    )


def contents(path: Path) -> dict[str, bytes]:
    """Return all files of an embedding volume but the copy for searching."""
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and ".scan" not in file.parts and not file.name.endswith(".__lock")
    }
