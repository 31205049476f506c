"""Evens slices: one monotone curve for each, then its slow shades; or CLAHE.

The aligned voxels stay what they are. Curves and shades are found from measures of the whole stack,
and what they make is a second image, ``even``, inside the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

LEVELS = np.concatenate([[0.001, 0.005], np.linspace(0.01, 0.99, 50), [0.995, 0.999]])
STEP = 4  # every so many rows and columns are measured
GAIN = 0.5, 2.0  # by which the spread of a tile may be changed
LEAST = 50  # pixels of a tile that must be there
FLAT = 1e-9


def measure(image: np.ndarray, inside: np.ndarray, tiles: int) -> dict[str, Any]:
    """Return what is known of an aligned slice's greys.

    Args:
        image: ``(Y, X)``.
        inside: Where the slice reaches, for every ``STEP``-th row and column.
        tiles: Along each edge.

    Returns:
        ``quantiles`` at ``LEVELS``, and ``means`` and ``spreads`` of the tiles, row by row, None
        where a tile shows nothing; None for all if the slice does not reach into the volume.
    """
    some = image[::STEP, ::STEP].astype(np.float64)
    if not inside.any():
        return {"quantiles": None, "means": None, "spreads": None}
    means: list[float | None] = []
    spreads: list[float | None] = []
    if tiles:
        for rows in np.array_split(np.arange(some.shape[0]), tiles):
            for columns in np.array_split(np.arange(some.shape[1]), tiles):
                part = some[np.ix_(rows, columns)][inside[np.ix_(rows, columns)]]
                enough = part.size >= LEAST
                means.append(float(part.mean()) if enough else None)
                spreads.append(float(part.std()) if enough else None)
    quantiles = np.quantile(some[inside], LEVELS)
    return {"quantiles": quantiles.round(3).tolist(), "means": means, "spreads": spreads}


@dataclass(frozen=True, eq=False)
class Curve:
    """How one slice is evened.

    Attributes:
        source: Greys of the slice, rising.
        target: What they become.
        gains: Of tiles, ``(tiles, tiles)``; empty for none.
        shifts: Of tiles: a grey becomes ``gain * grey + shift``.
    """

    source: np.ndarray
    target: np.ndarray
    gains: np.ndarray
    shifts: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {name: value.round(5).tolist() for name, value in vars(self).items()}

    def table(self, top: int) -> np.ndarray:
        """Return what each grey from 0 to ``top`` becomes, float32; beyond the ends it is moved."""
        greys = np.arange(top + 1, dtype=np.float64)
        inner = np.interp(greys, self.source, self.target)
        below, above = self.source[0] - greys, greys - self.source[-1]
        inner += np.where(above > 0, above, 0) - np.where(below > 0, below, 0)
        return np.clip(inner, 0, top).astype(np.float32)


def curves(measured: Mapping[int, Mapping[str, Any]], window: int, tiles: int) -> dict[int, Curve]:
    """Return the curve of each slice: its quantiles become their running median along Z.

    Args:
        measured: Of ``measure``, by slot.
        window: Slices that the median is of.
        tiles: Along each edge, of the shades; 0: none.
    """
    slots = [slot for slot in sorted(measured) if measured[slot]["quantiles"] is not None]
    own = np.array([measured[slot]["quantiles"] for slot in slots]).reshape(len(slots), -1)
    goal = np.maximum.accumulate(running_median(own, window), axis=1)
    result = {}
    plain = []
    for number, slot in enumerate(slots):
        source, first = np.unique(own[number], return_index=True)
        last = np.append(first[1:], own.shape[1]) - 1
        target = (goal[number][first] + goal[number][last]) / 2
        empty = np.empty((0, 0))
        curve = Curve(source, target, empty, empty)
        plain.append(curve)
        result[slot] = curve
    if not tiles or not slots:
        return result
    means, spreads = _after_curves([measured[slot] for slot in slots], plain)
    mean_goal, spread_goal = running_median(means, window), running_median(spreads, window)
    for number, slot in enumerate(slots):
        with np.errstate(invalid="ignore", divide="ignore"):
            gain = np.clip(spread_goal[number] / np.maximum(spreads[number], FLAT), *GAIN)
        shift = mean_goal[number] - gain * means[number]
        known = np.isfinite(gain) & np.isfinite(shift)
        gain, shift = np.where(known, gain, 1.0), np.where(known, shift, 0.0)
        result[slot] = Curve(
            plain[number].source, plain[number].target,
            gain.reshape(tiles, tiles), shift.reshape(tiles, tiles),
        )  # fmt: skip
    return result


def _after_curves(
    measured: Sequence[Mapping[str, Any]], plain: Sequence[Curve]
) -> tuple[np.ndarray, np.ndarray]:
    """Return means and spreads of tiles as they are after the curves, ``(N, tiles)``; NaN: none."""
    means, spreads = [], []
    for one, curve in zip(measured, plain, strict=True):
        mean = np.array([np.nan if v is None else v for v in one["means"]], float)
        spread = np.array([np.nan if v is None else v for v in one["spreads"]], float)
        ends = [np.interp(mean + sign * spread, curve.source, curve.target) for sign in (-1, 1)]
        means.append(np.interp(mean, curve.source, curve.target))
        spreads.append((ends[1] - ends[0]) / 2)
    return np.array(means), np.array(spreads)


def running_median(values: np.ndarray, window: int) -> np.ndarray:
    """Return medians over neighbouring rows, ``(N, M)``; NaN does not count.

    Near the ends the window is smaller, and as wide to both sides.
    """
    half = window // 2
    result = np.empty_like(values)
    for row in range(len(values)):
        reach = min(half, row, len(values) - 1 - row)
        near = values[row - reach : row + reach + 1]
        if np.isnan(near).any():
            result[row] = [
                np.median(column[~np.isnan(column)]) if (~np.isnan(column)).any() else np.nan
                for column in near.T
            ]
        else:
            result[row] = np.median(near, axis=0)
    return result


def evened(image: np.ndarray, curve: Curve) -> np.ndarray:
    """Return a slice after its curve and without its slow shades; 0 stays 0.

    Args:
        image: ``(Y, X)``, uint8 or uint16.
        curve: Of this slice.
    """
    top = int(np.iinfo(image.dtype).max)
    values = curve.table(top)[image]
    if curve.gains.size:
        values *= _field(curve.gains, image.shape)
        values += _field(curve.shifts, image.shape)
    np.clip(np.rint(values, out=values), 1, top, out=values)
    return np.where(image == 0, 0, values).astype(image.dtype)


def _field(tiles: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return values of tiles as an image, linear between the middles of the tiles, float32."""
    axes = []
    for length, count in zip(shape, tiles.shape, strict=True):
        places = (np.arange(length) + 0.5) * count / length - 0.5
        axes.append(np.clip(places, 0, count - 1))
    rows = ndimage.map_coordinates(
        tiles.astype(np.float32),
        np.stack(np.meshgrid(axes[0], np.arange(tiles.shape[1]), indexing="ij")),
        order=1, mode="nearest",
    )  # fmt: skip
    low = np.minimum(axes[1].astype(int), max(0, tiles.shape[1] - 2))
    part = (axes[1] - low).astype(np.float32)
    high = np.minimum(low + 1, tiles.shape[1] - 1)
    field: np.ndarray = rows[:, low] * (1 - part) + rows[:, high] * part
    return field


def clahe(image: np.ndarray, tiles: int, clip: float) -> np.ndarray:
    """Return a slice with its contrast evened in tiles (CLAHE); 0 stays 0.

    Args:
        image: ``(Y, X)``, uint8 or uint16.
        tiles: Along each edge.
        clip: Limit of the contrast, from 0 to 1, as scikit-image has it.
    """
    from skimage.exposure import equalize_adapthist

    top = float(np.iinfo(image.dtype).max)
    shown = image[image > 0]
    if not shown.size or shown.min() == shown.max():
        return image.copy()
    edges = [max(1, length // max(1, tiles)) for length in image.shape]
    unit = equalize_adapthist(image.astype(np.float64) / top, kernel_size=edges, clip_limit=clip)
    values = np.clip(np.rint(unit * top), 1, top)
    return np.where(image == 0, 0, values).astype(image.dtype)
