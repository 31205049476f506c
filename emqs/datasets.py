"""Stacks of slices with or without labels, from ``images/NAME/raw`` and ``images/NAME/labels``."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Stack:
    """Slices of one dataset, in order, with their labels if there are any."""

    name: str
    slices: list[np.ndarray]  # Z slices (Y, X), uint8, uint16 or float32; sizes may differ
    slice_names: list[str]  # Z names, e.g. file names without ending
    labels: list[np.ndarray] | None = None  # Z slices (Y, X), integer class ids, 0 background
    intensity: tuple[float, float] = (0.0, 255.0)  # pixel values that become 0 and 1
    pixel_size_nm: float | None = None  # edge of a pixel in the slice plane
    section_nm: float | None = None  # distance between slices
    classes: dict[int, str] = field(default_factory=dict)  # label value to name

    def __len__(self) -> int:
        """Return the number Z of slices."""
        return len(self.slices)

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Height and width of every slice, in pixels."""
        return [(s.shape[0], s.shape[1]) for s in self.slices]

    def unit(self, z: int) -> np.ndarray:
        """Return slice z, shape ``(Y, X)``, float32, its intensity range mapped to [0, 1]."""
        low, high = self.intensity
        image = (self.slices[z].astype(np.float32) - np.float32(low)) / np.float32(high - low)
        return np.clip(image, 0.0, 1.0)
