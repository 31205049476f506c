"""Raw slices made by hand: tissue that is smooth in 3D, seen through known disturbances."""

from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from emqs.ingestion import affine


def tissue(n_slices: int, edge: int, seed: int = 0, depth: float = 2.5) -> np.ndarray:
    """Blobs and rims, uint8, that change slowly along Z: ``(Z, edge, edge)``."""
    rng = np.random.default_rng(seed)
    more = round(3 * depth)  # filters mirror at their ends, where slices would be more alike
    shape = (n_slices + 2 * more, edge, edge)
    noise = ndimage.gaussian_filter(rng.normal(size=shape), (depth, 3, 3))
    noise /= noise.std()
    rims = np.exp(-((noise - 0.4) ** 2) / 0.05)
    fine = ndimage.gaussian_filter(rng.normal(size=shape), (depth / 2, 1.2, 1.2))
    values = 150 + 30 * noise - 90 * rims + 12 * fine / fine.std()
    return np.clip(values[more : more + n_slices], 1, 254).astype(np.uint8)


def disturbed(
    stack: np.ndarray,
    edge: int,
    seed: int = 0,
    *,
    degrees: float = 2.0,
    scale: float = 0.005,
    shift: float = 8.0,
    noise: float = 3.0,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Windows of slices, each moved on its own; and the maps from windows to the stack."""
    rng = np.random.default_rng(seed)
    windows, maps = [], []
    middle = np.full(2, (edge - 1) / 2)
    for plane in stack:
        turn = np.radians(rng.uniform(-degrees, degrees))
        matrix = affine.rotation(turn, middle) * (1.0 + rng.uniform(-scale, scale))
        at = affine.centre(plane.shape) + rng.uniform(-shift, shift, 2)
        matrix[:, 2] = at - matrix[:, :2] @ middle
        window = ndimage.affine_transform(
            plane.astype(np.float32),
            matrix[:, :2],
            matrix[:, 2],
            output_shape=(edge, edge),
            order=3,
        )
        window += rng.normal(0, noise, window.shape)
        windows.append(np.clip(np.rint(window), 1, 254).astype(np.uint8))
        maps.append(matrix)
    return windows, maps


def place_error(forward: dict[int, np.ndarray], maps: list[np.ndarray], edge: int) -> np.ndarray:
    """Distances of points from where they belong, after one affine map of the whole stack."""
    line = np.linspace(0, edge - 1, 7)
    grid = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    slots = sorted(forward)
    true = np.concatenate([affine.apply(maps[slot], grid) for slot in slots])
    made = np.concatenate([affine.apply(forward[slot], grid) for slot in slots])
    whole = affine.fit(made, true)
    apart: np.ndarray = np.linalg.norm(affine.apply(whole, made) - true, axis=1)
    return apart


def written(folder: Path, windows: list[np.ndarray], first: int = 0) -> Path:
    """One PNG for each slice."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, window in enumerate(windows):
        Image.fromarray(window).save(folder / f"slice_{first + number}.png")
    return folder
