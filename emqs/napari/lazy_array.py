"""A volume as what napari calls data: it looks like an array, and reads what is looked at."""

from typing import Any

import numpy as np

from emqs.geometry import Box
from emqs.volumes import Volume


class LazyArray:
    """A volume that is indexed as an array ``(Z, Y, X)``; nothing is read before.

    Attributes:
        volume: Whose voxels they are.
        shape: Along Z Y X.
        dtype: Of the voxels; true and false are 1 and 0, which is what napari shows as labels.
        ndim: 3.
        size: Voxels in all.
    """

    def __init__(self, volume: Volume) -> None:
        """Read nothing."""
        self.volume = volume
        self.shape = volume.shape
        self.dtype = np.dtype(np.uint8) if volume.dtype.kind == "b" else volume.dtype
        self.ndim = 3
        self.size = volume.box.size

    def __len__(self) -> int:
        """Return the number of slices."""
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:  # noqa: ANN401 - whatever NumPy takes
        """Return voxels, as NumPy does; the box around them is read.

        Args:
            index: Whole numbers, slices, an ellipsis; or arrays of numbers, of which the box around
                all is read.

        Raises:
            IndexError: If it lies outside.
            DataError: If the voxels cannot be read.
        """
        given = index if isinstance(index, tuple) else (index,)
        places = [n for n, one in enumerate(given) if one is Ellipsis]
        if places:
            gap = (slice(None),) * (self.ndim + 1 - len(given))
            given = (*given[: places[0]], *gap, *given[places[0] + 1 :])
        given = (*given, *(slice(None),) * (self.ndim - len(given)))
        if len(given) > self.ndim:
            raise IndexError(f"a volume has three axes, got the index {index}")
        reduced = [_reduced(one, n) for one, n in zip(given, self.shape, strict=True)]
        starts, stops = [r[0] for r in reduced], [r[1] for r in reduced]
        box = Box((starts[0], starts[1], starts[2]), (stops[0], stops[1], stops[2]))
        voxels = self.volume.read(box)[tuple(r[2] for r in reduced)]
        return np.asarray(voxels, dtype=self.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:  # noqa: ANN401
        """Return all of it; a volume above 8 GiB is refused."""
        return np.asarray(self[...], dtype=dtype)


def _reduced(index: Any, length: int) -> tuple[int, int, Any]:  # noqa: ANN401
    """Return first and last of what an index reads of an axis, and the index within that."""
    if isinstance(index, slice):
        numbers = range(*index.indices(length))
        if len(numbers) == 0:
            return 0, 0, slice(0, 0)
        low, high = min(numbers[0], numbers[-1]), max(numbers[0], numbers[-1]) + 1
        first = numbers[0] - low
        last: int | None = numbers[-1] - low + (1 if numbers.step > 0 else -1)
        return (
            low,
            high,
            slice(first, None if last is not None and last < 0 else last, numbers.step),
        )
    places = np.asarray(index)
    if places.dtype == np.bool_:
        places = np.flatnonzero(places)
    if places.size == 0:
        return 0, 0, places.astype(np.int64)
    places = np.where(places < 0, places + length, places)
    low, high = int(places.min()), int(places.max()) + 1
    if low < 0 or high > length:
        raise IndexError(f"index {index} lies outside an axis of {length}")
    return low, high, int(places - low) if places.ndim == 0 else places - low
