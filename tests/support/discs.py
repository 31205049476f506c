"""Slices with four discs, embedded by the command: what predictions are tried on."""

from pathlib import Path

import numpy as np
from support.embedded_volumes import VOXEL_NM
from support.searches import run_command

from emqs.embed import work as embed
from emqs.volumes import write_ome_zarr

SHAPE = (4, 200, 260)
DISCS = [
    (50, 60),
    (50, 200),
    (130, 60),
    (150, 190),
]  # rows, columns; radius 22; one lies in two tiles
ORIGIN_NM = (300.0, 50.0, 20.0)


def scene() -> tuple[np.ndarray, np.ndarray]:
    """Return slices with dark discs of stripes on noise, and where the discs are."""
    rng = np.random.default_rng(0)
    y, x = np.ogrid[: SHAPE[1], : SHAPE[2]]
    inside = np.zeros(SHAPE[1:], dtype=bool)
    for row, column in DISCS:
        inside |= (y - row) ** 2 + (x - column) ** 2 <= 22**2
    stripes = 70 + 15 * np.sin(y / 2.0) * np.ones_like(x)
    image = np.where(inside, stripes, 170.0) + rng.normal(0, 12, SHAPE)
    return np.clip(image, 0, 255).astype(np.uint8), np.broadcast_to(inside, SHAPE)


def embedded(folder: Path) -> Path:
    """Write ``v.zarr`` and its embedding volume ``emb.zarr`` into a folder, and return that."""
    write_ome_zarr(folder / "v.zarr", scene()[0], VOXEL_NM, (4, 64, 64), origin_nm=ORIGIN_NM)
    run_command(
        embed, "embed", folder, f"volume={folder}/v.zarr", f"out={folder}/emb.zarr",
        "patch.size=40", "patch.stride=20", "device=cpu",
    )  # fmt: skip
    return folder
