"""Handcrafted measures of grey values and texture, with no training at all.

Four groups, each scaled over the searched patches to count the same: intensity (mean, standard
deviation, histogram), local binary patterns at several radii, Gabor energies, and the power of the
Fourier transform by distance from zero. All four are the same for a patch turned by 90 degrees; the
last three hardly change with brightness.

Source:
    Ojala et al., Multiresolution gray-scale and rotation invariant texture classification with
    local binary patterns, IEEE TPAMI 2002; Gabor kernels as in scikit-image.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from emqs.models.histogram import Histogram
from emqs.models.scaling import Scaling, sampled

GROUPS = ("intensity", "lbp", "gabor", "fourier")
POINTS = 8  # neighbours of a pixel in a local binary pattern
CODES = POINTS + 2  # uniform patterns by their number of brighter neighbours, and all others
EQUAL = 1e-6  # a neighbour darker by less is as bright: rounding, in flat areas
FLOOR = 1e-8  # added before a logarithm; far below the noise of 8-bit images


class Handcrafted(nn.Module):
    """Measures of a patch: ``(N, 1, H, W) in [0, 1] -> (N, D)``, D = 72 by default."""

    spectra: Tensor
    ring: Tensor
    window: Tensor
    uniform: Tensor

    def __init__(
        self,
        *,
        size: int = 64,
        bins: int = 16,
        radii: Sequence[float] = (1, 2, 4),
        frequencies: Sequence[float] = (0.08, 0.14, 0.25, 0.4),
        orientations: int = 6,
        rings: int = 12,
        weights: Mapping[str, float] | None = None,
        unit_length: bool = True,
    ) -> None:
        """Set the sizes.

        Args:
            size: Edge of the square input, in pixels.
            bins: Of the histogram.
            radii: Of local binary patterns, each with 8 neighbours, in pixels.
            frequencies: Of Gabor kernels, cycles per pixel, in (0, 0.5].
            orientations: Of Gabor kernels, evenly over 180 degrees; even, so that a turn by 90
                degrees maps them to each other. Pooled: their mean, spread and local variation.
            rings: Equal bands of spatial frequency from 0 to 0.5 cycles per pixel.
            weights: How much a group counts, by its name in ``GROUPS``; 1 where none is given.
            unit_length: Divide each code by its length, so that distances rank as cosines do.

        Raises:
            ValueError: If a setting is out of range.
        """
        super().__init__()
        weights = dict(weights or {})
        _check(size, radii, frequencies, orientations, rings, weights)
        self.input_size = size
        self.radii = [float(radius) for radius in radii]
        self.orientations = orientations
        self.steps = [_step(frequency, size) for frequency in frequencies]
        self.histogram = Histogram(size=size, bins=bins)
        sizes = (2 + bins, len(radii) * CODES, 3 * len(frequencies), rings)
        self.code_size = sum(sizes)
        self.scaling = Scaling(
            sizes,
            weights=[weights.get(name, 1.0) for name in GROUPS],
            unit_length="whole" if unit_length else "none",
        )
        for name, array in (
            ("spectra", _gabor_spectra(size, frequencies, orientations)),
            ("ring", _rings(size, rings)),
            ("window", np.outer(np.hanning(size + 2)[1:-1], np.hanning(size + 2)[1:-1])),
            ("uniform", _uniform_codes()),
        ):
            dtype = torch.long if array.dtype.kind == "i" else torch.get_default_dtype()
            if np.iscomplexobj(array):
                dtype = torch.complex64
            self.register_buffer(name, torch.as_tensor(array, dtype=dtype), persistent=False)

    def fit(self, images: Tensor) -> None:
        """Learn the scaling from unlabelled images ``(N, 1, H, W)``."""
        self.scaling.fit(sampled(self.measures, images.to(self.window.device)))

    def encode(self, images: Tensor) -> Tensor:
        """Return scaled measures, shape ``(N, D)``, of images ``(N, 1, H, W)`` in [0, 1]."""
        return self.scaling(self.measures(images))

    def measures(self, images: Tensor) -> Tensor:
        """Return the raw measures, shape ``(N, D)``, in the order of ``GROUPS``."""
        pixels = images[:, 0]  # (N, H, W)
        groups = [
            self.histogram.statistics(images),
            *(self.local_binary_patterns(pixels, radius) for radius in self.radii),
            self.gabor_energies(pixels),
            self.radial_power(pixels),
        ]
        return torch.cat(groups, dim=1)

    def local_binary_patterns(self, pixels: Tensor, radius: float) -> Tensor:
        """Return how often each uniform pattern occurs, ``(N, 10)``, of ``(N, H, W)``.

        Pixels nearer to the border than the radius are left out.
        """
        margin = int(np.ceil(radius))
        height, width = (edge - 2 * margin for edge in pixels.shape[1:])
        centre = pixels[:, margin : margin + height, margin : margin + width]
        pattern = torch.zeros(centre.shape, dtype=torch.int32, device=pixels.device)
        for number in range(POINTS):
            angle = 2 * np.pi * number / POINTS
            neighbour = _shifted(
                pixels, -radius * np.sin(angle), radius * np.cos(angle), margin, (height, width)
            )
            pattern += (neighbour >= centre - EQUAL).int() << number
        codes = self.uniform[pattern.flatten(1).long()]  # (N, h * w)
        counts = torch.zeros(len(pixels), CODES, dtype=pixels.dtype, device=pixels.device)
        counts.scatter_add_(1, codes, torch.ones_like(codes, dtype=pixels.dtype))
        return counts / codes.shape[1]

    def gabor_energies(self, pixels: Tensor) -> Tensor:
        """Return log energies, ``(N, 3 * frequencies)``, of ``(N, H, W)``.

        Of each frequency: the mean over orientations, their spread (0 for a texture without a
        direction), and how much the energy varies from place to place.
        """
        level = pixels - pixels.mean((1, 2), keepdim=True)
        transform = torch.fft.fft2(level)  # (N, H, W), as if the patch repeated itself
        found = []
        filters = torch.split(self.spectra, self.orientations)  # (orientations, H, W) each
        for spectra, step in zip(filters, self.steps, strict=True):
            product = transform[:, None] * spectra  # (N, o, H, W)
            amplitude = torch.fft.ifft2(_folded(product, step)).abs() / step**2  # (N, o, h, w)
            mean, spread = amplitude.mean((2, 3)), amplitude.std((2, 3), correction=0)  # (N, o)
            found += [mean.mean(1), mean.std(1, correction=0), spread.mean(1)]
        return torch.log(torch.stack(found, dim=1) + FLOOR**0.5)

    def radial_power(self, pixels: Tensor) -> Tensor:
        """Return the log power in each ring of frequencies, ``(N, rings)``, of ``(N, H, W)``."""
        level = (pixels - pixels.mean((1, 2), keepdim=True)) * self.window
        power = torch.fft.fft2(level).abs().square().flatten(1) / self.window.square().sum()
        return torch.log(power @ self.ring + FLOOR)  # (N, rings)


def _check(
    size: int,
    radii: Sequence[float],
    frequencies: Sequence[float],
    orientations: int,
    rings: int,
    weights: Mapping[str, Any],
) -> None:
    """Raise an error for a setting that is out of range."""
    if not radii or not all(0 < radius < size / 4 for radius in radii):
        raise ValueError(f"radii must be above 0 and below size / 4, got {list(radii)}.")
    if not frequencies or not all(0 < frequency <= 0.5 for frequency in frequencies):
        raise ValueError(f"frequencies must be in (0, 0.5], got {list(frequencies)}.")
    if orientations < 2 or orientations % 2:
        raise ValueError(f"orientations must be an even number, at least 2, got {orientations}.")
    if not 1 <= rings <= size // 2:
        raise ValueError(f"rings must be from 1 to {size // 2}, half the size, got {rings}.")
    unknown = sorted(weights.keys() - set(GROUPS))
    if unknown:
        raise ValueError(f"weights must be of {', '.join(GROUPS)}, got '{unknown[0]}'.")


def _shifted(
    pixels: Tensor, down: float, right: float, margin: int, shape: tuple[int, int]
) -> Tensor:
    """Return ``(N, *shape)``: the inner pixels of ``(N, H, W)`` moved, linearly interpolated."""
    down, right = round(down, 5), round(right, 5)  # no interpolation for a rounding error
    top, left = int(np.floor(down)), int(np.floor(right))
    result: Any = 0
    for dy, in_y in ((top, 1 - (down - top)), (top + 1, down - top)):
        for dx, in_x in ((left, 1 - (right - left)), (left + 1, right - left)):
            if in_y * in_x > 0:
                y, x = margin + dy, margin + dx
                result = result + in_y * in_x * pixels[:, y : y + shape[0], x : x + shape[1]]
    return result


def _uniform_codes() -> np.ndarray:
    """Return the code of each of the 256 patterns: its number of ones if uniform, else 9."""
    bits = (np.arange(2**POINTS)[:, None] >> np.arange(POINTS)) & 1  # (256, 8)
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), POINTS + 1)


def _gabor_spectra(size: int, frequencies: Sequence[float], orientations: int) -> np.ndarray:
    """Return transfer functions of complex Gabor filters, ``(frequencies * orientations, H, W)``.

    A kernel wider than the patch is cut to it; each has no response to a constant.
    """
    from skimage.filters import gabor_kernel

    spectra = []
    for frequency in frequencies:
        for number in range(orientations):
            kernel = gabor_kernel(frequency, theta=np.pi * number / orientations)
            placed = np.zeros((size, size), dtype=np.complex128)
            y, x = (np.arange(edge) - edge // 2 for edge in kernel.shape)
            rows, columns = np.abs(y) <= (size - 1) // 2, np.abs(x) <= (size - 1) // 2
            placed[np.ix_(y[rows] % size, x[columns] % size)] = kernel[np.ix_(rows, columns)]
            spectrum = np.fft.fft2(placed)
            spectrum[0, 0] = 0
            spectra.append(spectrum)
    return np.stack(spectra)


def _step(frequency: float, size: int) -> int:
    """Return the largest step of 1, 2 or 4 pixels at which a Gabor response is still sampled fully.

    Its amplitude has a bandwidth of 1.7 times its frequency: 3 standard deviations to each side.
    """
    return next(
        step
        for step in (4, 2, 1)
        if step == 1 or (1.7 * frequency * step <= 1 and size % step == 0)
    )


def _folded(spectrum: Tensor, step: int) -> Tensor:
    """Return the spectrum of every step-th pixel of ``(N, o, H, W)``: it repeats itself there."""
    if step == 1:
        return spectrum
    n, o, height, width = spectrum.shape
    return spectrum.view(n, o, step, height // step, step, width // step).sum((2, 4))


def _rings(size: int, rings: int) -> np.ndarray:
    """Return the matrix ``(H * W, rings)`` that averages the power in each band of frequency."""
    frequency = np.fft.fftfreq(size)
    distance = np.hypot(*np.meshgrid(frequency, frequency)).ravel()
    band = np.minimum((distance * 2 * rings).astype(int), rings)  # beyond 0.5: left out
    matrix = (band[:, None] == np.arange(rings)).astype(float)
    return matrix / np.maximum(matrix.sum(axis=0), 1)
