"""Slices of one dataset, in order, with their labels if there are any."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import DataError


@dataclass(frozen=True)
class Stack:
    """Slices of one dataset, in order, with their labels if there are any."""

    name: str
    slices: Sequence[np.ndarray]  # Z slices (Y, X), uint8, uint16 or float32; sizes may differ
    slice_names: list[str]  # Z names, e.g. file names without ending
    labels: list[np.ndarray] | None = None  # Z slices (Y, X), unsigned class ids, 0 background
    intensity: tuple[float, float] = (0.0, 255.0)  # pixel values that become 0 and 1
    pixel_size_nm: float | None = None  # edge of a pixel in the slice plane
    section_nm: float | None = None  # distance between slices
    consecutive: bool = True  # whether slices follow each other; if not, they are unrelated
    classes: dict[int, str] = field(default_factory=dict)  # label value to name
    folder: Path | None = None  # where it was read from; None if it was made on the spot

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

    def require_labels(self) -> list[np.ndarray]:
        """Return the labels, one array ``(Y, X)`` of unsigned class ids per slice.

        Raises:
            DataError: If the dataset has none.
        """
        if self.labels is not None:
            return self.labels
        if self.folder is None:
            raise DataError(
                f"The dataset '{self.name}' has no labels, and they are needed here. "
                "Choose one that has, e.g. dataset=toy."
            )
        raise DataError(
            f"The dataset '{self.name}' has no labels, and they are needed here: "
            f"{self.folder / 'labels'} does not exist. Put one label image per slice there, "
            "with the name of its raw image."
        )

    def require_structures(self, structures: Sequence[int], *, setting: str) -> list[np.ndarray]:
        """Return the labels, or say which label values there are if one is in none of the slices.

        Args:
            structures: Label values that must occur.
            setting: The setting that asks for them, as the user types it.

        Raises:
            DataError: If there are no labels, or a value occurs nowhere.
        """
        labels = self.require_labels()
        for structure in structures:
            if not any((slice_ == structure).any() for slice_ in labels):
                values = np.unique(np.concatenate([np.unique(slice_) for slice_ in labels]))
                shown = ", ".join(str(v) for v in values[:10].tolist())
                more = f" and {len(values) - 10} more" if len(values) > 10 else ""
                raise DataError(
                    f"{setting}={structure} asks for label value {structure}, which no slice of "
                    f"'{self.name}' holds; its labels hold {shown}{more}."
                )
        return labels


def described(stack: Stack) -> dict[str, Any]:
    """Return what slices a run saw, as JSON: names, sizes and a SHA-256 of voxels, and no voxels.

    All slices are read. Digests are of the voxels in rows, little-endian, so that they do not
    change with the file format.
    """

    def digest(slice_: np.ndarray) -> str:
        return sha256(slice_.astype(slice_.dtype.newbyteorder("<")).tobytes()).hexdigest()

    return {
        "name": stack.name,
        "pixel_size_nm": stack.pixel_size_nm,
        "section_nm": stack.section_nm,
        "labelled": stack.labels is not None,
        "slices": [
            {"name": name, "shape": list(one.shape), "dtype": str(one.dtype), "sha256": digest(one)}
            for name, one in zip(stack.slice_names, stack.slices, strict=True)
        ],
    }
