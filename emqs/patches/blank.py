"""Patches that show nothing: padding around a slice, and places without any contrast."""

import numpy as np

MOSTLY = 0.5  # share of a patch that is padding, from which on it counts as such
BORDER = 0.1  # share of the outline of a slice that has one value, if that may be padding
FLAT = 0.05  # spread of a patch without contrast, as a share of that of its slice


class Blank:
    """Which patches of slices show nothing; a slice is looked at when it is asked for."""

    def __init__(self, slices: "list[np.ndarray]") -> None:
        """Remember the slices, ``(Y, X)`` each."""
        self._slices = slices
        self._known: dict[int, tuple[np.ndarray, float]] = {}

    def __call__(self, box: np.ndarray) -> bool:
        """Return whether a patch ``(z, y, x, height, width)`` shows nothing.

        So is one that is mostly padding: connected pixels of one value, which reach the border of
        the slice; and one that is nearly of one grey.
        """
        z, y, x, height, width = (int(v) for v in box)
        if z not in self._known:
            image = self._slices[z]
            self._known[z] = padding(image), float(image.std())
        mask, spread = self._known[z]
        inside = np.s_[y : y + height, x : x + width]
        return bool(mask[inside].mean() > MOSTLY or self._slices[z][inside].std() < FLAT * spread)


def padding(image: np.ndarray) -> np.ndarray:
    """Return which pixels of a slice are padding, ``(Y, X)``, bool.

    Those of a value that a tenth of the slice's outline has, connected to the outline.
    """
    from scipy import ndimage

    outline = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    values, counts = np.unique(outline, return_counts=True)
    mask = np.zeros(image.shape, dtype=bool)
    for value in values[counts > BORDER * len(outline)]:
        pieces, _ = ndimage.label(image == value)
        edge = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
        mask |= np.isin(pieces, np.setdiff1d(edge, [0]))
    return mask
