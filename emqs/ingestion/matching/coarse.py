"""The rotation and shift between two slices, found by whitened correlation."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from emqs.ingestion import affine
from emqs.ingestion.matching.images import Prepared, warped

STEP_DEG = 1.0  # between rotations that are tried
WIDE_STEP_DEG = 3.0  # ... at first, where the search is wide
WIDE_DEG = 12.0  # a wider search has two stages
WHITENING = 0.5  # power of the spectrum that is divided out of each image
BORDER = 0.12  # of an edge, that fades


@dataclass(frozen=True)
class Coarse:
    """Where a slice lies on another.

    Attributes:
        forward: Map between full pixels, ``(2, 3)``.
        peak: Height of the correlation's peak, in its standard deviations.
        why_not: What is known against it already; empty if nothing is.
    """

    forward: np.ndarray
    peak: float
    why_not: str = ""


def spectrum(image: np.ndarray, frame: tuple[int, int]) -> np.ndarray:
    """Return the whitened Fourier transform of an image that fades at its border."""
    faded = image * np.outer(fading(image.shape[0]), fading(image.shape[1]))
    transform = fft.rfft2(faded, frame, workers=1)
    size = np.abs(transform)
    size **= WHITENING
    whitened: np.ndarray = transform / (size + 1e-3 * size.max() + 1e-12)
    return whitened


def fading(length: int) -> np.ndarray:
    """Return weights along an edge: 1 inside, falling to 0 at both ends, float32."""
    depth = max(1, round(BORDER * length))
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(depth) + 0.5) / depth)
    weights = np.ones(length, dtype=np.float32)
    weights[:depth] = ramp
    weights[length - depth :] = ramp[::-1]
    return weights


class Rotations:
    """Whitened spectra of one slice in every rotation that was tried."""

    def __init__(self, prepared: Prepared) -> None:
        """Keep the slice; spectra are made when they are asked for."""
        self.prepared = prepared
        self._known: dict[float, np.ndarray] = {}

    def __call__(self, degrees: float) -> np.ndarray:
        """Return the spectrum of the slice turned about its centre."""
        if degrees not in self._known:
            image = self.prepared.coarse
            shape = image.shape[0], image.shape[1]
            turned = image
            if degrees:
                turn = affine.rotation(np.radians(degrees), affine.centre(shape))
                turned = warped(image, turn, shape)
            self._known[degrees] = spectrum(turned, self.prepared.frame)
        return self._known[degrees]


def locate(moving: Rotations, target: Prepared, *, rotation_deg: float, shift: float) -> Coarse:
    """Return where a slice lies on another.

    Args:
        moving: The slice.
        target: The other.
        rotation_deg: Largest rotation that is tried, either way.
        shift: Largest shift, as a part of the edge.
    """
    tried = _trying(moving, target, shift)
    angles = _range(-rotation_deg, rotation_deg, STEP_DEG)
    if rotation_deg > WIDE_DEG:
        wide = {a: tried(a)[0] for a in _range(-rotation_deg, rotation_deg, WIDE_STEP_DEG)}
        best = max(wide, key=wide.__getitem__)
        angles = _range(best - WIDE_STEP_DEG, best + WIDE_STEP_DEG, STEP_DEG)
    results = {a: tried(a) for a in angles}
    best = max(results, key=lambda a: results[a][0])
    peak, offset = results[best]
    finer = best + STEP_DEG * _vertex(
        *(results[a][0] if a in results else peak for a in (best - STEP_DEG, best, best + STEP_DEG))
    )
    return Coarse(_full(finer, offset, moving.prepared), peak)


def turned_by(degrees: float, moving: Rotations, target: Prepared, *, shift: float) -> Coarse:
    """Return where a slice lies on another, if the rotation is known.

    Args:
        degrees: The rotation.
        moving: The slice.
        target: The other.
        shift: Largest shift, as a part of the edge.
    """
    peak, offset = _trying(moving, target, shift)(degrees)
    return Coarse(_full(degrees, offset, moving.prepared), peak)


def _trying(
    moving: Rotations, target: Prepared, shift: float
) -> Callable[[float], tuple[float, np.ndarray]]:
    """Return what finds the height of the peak, and the shift to it, of a rotation."""
    frame = moving.prepared.frame
    transform = spectrum(target.coarse, frame)
    height, width = target.coarse.shape
    limits = round(shift * height), round(shift * width)
    return lambda degrees: _peak(moving(degrees), transform, frame, limits)


def _full(degrees: float, offset: np.ndarray, prepared: Prepared) -> np.ndarray:
    """Return a rotation about the centre and a shift as a map between full slices."""
    middle = affine.centre((prepared.coarse.shape[0], prepared.coarse.shape[1]))
    turn = affine.rotation(np.radians(degrees), middle, offset)
    return affine.scaled(turn, prepared.coarse_factor)


def _range(first: float, last: float, step: float) -> list[float]:
    count = round((last - first) / step)
    return [round(first + k * step, 6) for k in range(count + 1)]


def _peak(
    moving: np.ndarray, target: np.ndarray, frame: tuple[int, int], limits: tuple[int, int]
) -> tuple[float, np.ndarray]:
    """Return height of the highest peak, in standard deviations, and the shift to it."""
    correlation = fft.irfft2(target * np.conj(moving), frame, workers=1)
    spread = float(correlation.std())
    rows = np.r_[0 : limits[0] + 1, frame[0] - limits[0] : frame[0]]
    columns = np.r_[0 : limits[1] + 1, frame[1] - limits[1] : frame[1]]
    allowed = correlation[np.ix_(rows, columns)]
    allowed = ndimage.gaussian_filter(np.roll(allowed, limits, (0, 1)), 0.7)
    place = np.unravel_index(int(allowed.argmax()), allowed.shape)
    height = float(allowed[place]) / spread if spread > 0 else 0.0
    finer = [
        _vertex(*_around(allowed, place, axis)) + place[axis] - limits[axis] for axis in (0, 1)
    ]
    return height, np.array(finer)


def _around(
    values: np.ndarray, place: tuple[np.intp, ...], axis: int
) -> tuple[float, float, float]:
    at, length = int(place[axis]), values.shape[axis]
    line = np.take(values, int(place[1 - axis]), 1 - axis)
    return float(line[max(0, at - 1)]), float(line[at]), float(line[min(length - 1, at + 1)])


def _vertex(before: float, at: float, after: float) -> float:
    """Return where the parabola through three neighbours is highest, from -0.5 to 0.5."""
    bend = before - 2 * at + after
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))
