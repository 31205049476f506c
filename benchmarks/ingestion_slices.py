"""Windows of published stacks, each slice disturbed on its own, or spoilt."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from emqs.ingestion import affine
from emqs.volumes.formats.slices import read_slice

IMAGES = Path(os.environ.get("EMQS_IMAGES", "images"))
GRID = 9  # points along each edge of a window at which errors are measured
STACKS = {  # first slice and number of slices that follow each other in truth
    "EPFL": (0, 19), "FLYEM": (0, 250), "VNC": (0, 20), "ISBI": (0, 30),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Disturbed:
    """A stack that was disturbed.

    Attributes:
        slices: What is given to ingest, uint8 ``(edge, edge)`` each.
        points: Places in the published stack, the same for all slices, ``(P, 2)``.
        raw: Where each slice shows them, ``(N, P, 2)``; NaN where it does not.
    """

    slices: list[np.ndarray]
    points: np.ndarray
    raw: np.ndarray


def published(name: str, first: int, count: int) -> list[np.ndarray]:
    """Return slices of a stack that follow each other."""
    paths = sorted((IMAGES / name / "raw").iterdir())[first : first + count]
    return [read_slice(path) for path in paths]


def grid(edge: int) -> np.ndarray:
    """Return the points at which errors are measured, ``(P, 2)``."""
    line = np.linspace(0, edge - 1, GRID)
    return np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)


def disturb(
    planes: Sequence[np.ndarray],
    edge: int,
    seed: int,
    *,
    warp_px: float,
    shift_px: float,
    degrees: float = 5.0,
) -> Disturbed:
    """Return windows of slices, each disturbed on its own.

    Args:
        planes: Published slices.
        edge: Of a window, pixels.
        seed: Of all draws.
        warp_px: Largest offset of the smooth warp.
        shift_px: Largest shift along each axis.
        degrees: Largest rotation, either way.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:edge, 0:edge].astype(float)
    middle = np.full(2, (edge - 1) / 2)
    points = published_points(planes[0], edge)
    slices, raw = [], []
    for plane in planes:
        turn = np.radians(rng.uniform(-degrees, degrees))
        matrix = affine.rotation(turn, middle) * (1 + rng.uniform(-0.01, 0.01))
        centre = affine.centre((plane.shape[0], plane.shape[1]))
        at = centre + rng.uniform(-shift_px, shift_px, 2)
        matrix[:, 2] = at - matrix[:, :2] @ middle
        bend = rng.normal(size=(6, 6, 2))
        bend = ndimage.zoom(bend, (edge / 6, edge / 6, 1), order=3, mode="nearest", grid_mode=True)
        bend *= warp_px / np.abs(bend).max()
        source = np.einsum("ij,jyx->iyx", matrix[:, :2], np.stack([rows, columns]))
        offset = np.moveaxis(bend, 2, 0)
        source += matrix[:, 2, None, None] + offset
        window = ndimage.map_coordinates(plane.astype(float), source, order=3, mode="reflect")
        slices.append(greys(np.clip(window, 0, 255), rng))
        raw.append(shown_at(points, matrix, offset))
    return Disturbed(slices, points, np.array(raw))


def published_points(plane: np.ndarray, edge: int) -> np.ndarray:
    """Return a grid of places in the middle of a published slice, ``(P, 2)``."""
    return grid(edge) + affine.centre((plane.shape[0], plane.shape[1])) - (edge - 1) / 2


def shown_at(points: np.ndarray, matrix: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Return where a window shows published places, ``(P, 2)``; NaN where it does not.

    Args:
        points: The places.
        matrix: From pixels of the window to the published slice.
        offset: Of the warp, ``(2, Y, X)``: a pixel shows what lies so far beside its map.
    """
    back = affine.invert(matrix)
    raw = affine.apply(back, points)
    for _ in range(20):
        aside = [ndimage.map_coordinates(one, raw.T, order=1, mode="nearest") for one in offset]
        raw = affine.apply(back, points - np.stack(aside, axis=1))
    inside = ((raw >= 0) & (raw <= np.array(offset.shape[1:]) - 1)).all(axis=1)
    return np.where(inside[:, None], raw, np.nan)


def greys(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an image with its own gamma, gain, shading and noise, uint8."""
    unit = (image / 255) ** rng.uniform(0.75, 1.33) * rng.uniform(0.85, 1.1)
    y, x = (np.linspace(-1, 1, length) for length in image.shape)
    slope = rng.uniform(-0.1, 0.1, 2)
    unit = unit * (1 + slope[0] * y[:, None] + slope[1] * x[None])
    noisy = 255 * unit + rng.normal(0, 4, image.shape)
    return np.clip(np.rint(noisy), 1, 254).astype(np.uint8)


FAULTS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "blank": lambda image, rng: greys(np.full(image.shape, 128.0), rng),
    "blurred": lambda image, rng: greys(ndimage.gaussian_filter(image.astype(float), 3), rng),
    "half": lambda image, _rng: image * (np.arange(image.shape[1]) >= image.shape[1] // 2),
    "fold": lambda image, _rng: fold(image, 30),
}


def fold(image: np.ndarray, width: int) -> np.ndarray:
    """Return a slice of which a strip is folded away and the rest moved there."""
    at = image.shape[1] // 3
    return np.concatenate([image[:, :at], image[:, at + width :], image[:, -width:]], axis=1)
