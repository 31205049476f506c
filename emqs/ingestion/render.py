"""Resamples each raw slice once, through the composed map, into the frame of the volume."""

import numpy as np
from scipy import ndimage

from emqs.ingestion import affine
from emqs.ingestion.transforms import Transforms

BAND_ROWS = 512  # of the result that are made at once


def rendered(image: np.ndarray, slot: int, transforms: Transforms) -> np.ndarray:
    """Return a slice as it lies in the volume, by cubic interpolation.

    Args:
        image: The raw slice, ``(Y, X)``, uint8 or uint16.
        slot: Its slot.
        transforms: Where it lies.

    Returns:
        Shape ``transforms.shape``, the same type; 0 where the slice does not reach. A map that
        moves by whole pixels only copies them.
    """
    forward = transforms.forward[slot]
    mesh = transforms.mesh.get(slot)
    height, width = transforms.shape
    if mesh is None and _is_whole_shift(forward):
        return _copied(image, forward[:, 2].round().astype(int), (height, width))
    back = affine.invert(forward)
    smooth = ndimage.spline_filter(image.astype(np.float32), 3, output=np.float32, mode="mirror")
    top = float(np.iinfo(image.dtype).max)
    if mesh is None:
        values = ndimage.affine_transform(
            smooth, back[:, :2], back[:, 2], output_shape=(height, width), output=np.float32,
            order=3, mode="constant", cval=0.0, prefilter=False,
        )  # fmt: skip
        np.clip(np.rint(values, out=values), 0, top, out=values)
        return values.astype(image.dtype)
    result = np.zeros((height, width), dtype=image.dtype)
    for first in range(0, height, BAND_ROWS):
        rows = np.arange(first, min(first + BAND_ROWS, height), dtype=np.float64)
        grid = np.stack(np.meshgrid(rows, np.arange(width, dtype=np.float64), indexing="ij"))
        grid += offsets_at(grid, mesh, transforms.step_px)
        places = np.einsum("ij,jyx->iyx", back[:, :2], grid) + back[:, 2, None, None]
        values = ndimage.map_coordinates(
            smooth, places, order=3, mode="mirror", prefilter=False, output=np.float32
        )
        inside = np.ones(values.shape, dtype=bool)
        for place, length in zip(places, image.shape, strict=True):
            inside &= (place >= -1e-6) & (place <= length - 1 + 1e-6)
        np.clip(np.rint(values), 0, top, out=values)
        result[first : first + len(rows)] = np.where(inside, values, 0).astype(image.dtype)
    return result


def _is_whole_shift(forward: np.ndarray) -> bool:
    apart = np.abs(forward[:, :2] - np.eye(2)).max()
    return bool(apart < 1e-9 and np.abs(forward[:, 2] - forward[:, 2].round()).max() < 1e-6)


def _copied(image: np.ndarray, shift: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    result = np.zeros(shape, dtype=image.dtype)
    starts = np.maximum(shift, 0)
    stops = np.minimum(shift + np.array(image.shape), np.array(shape))
    if (stops > starts).all():
        (y, x), (bottom, right) = starts, stops
        dy, dx = shift
        result[y:bottom, x:right] = image[y - dy : bottom - dy, x - dx : right - dx]
    return result


def offsets_at(places: np.ndarray, mesh: np.ndarray, step_px: int) -> np.ndarray:
    """Return the offsets of a mesh at places ``(2, ...)``, pixels, linear between its corners."""
    corners = places / step_px
    return np.stack(
        [
            ndimage.map_coordinates(mesh[..., axis], corners, order=1, mode="nearest")
            for axis in (0, 1)
        ]
    )


def covered(slot: int, transforms: Transforms, step: int) -> np.ndarray:
    """Return where a slice reaches, bool, for every ``step``-th row and column of the volume."""
    height, width = transforms.shape
    grid = np.stack(
        np.meshgrid(
            np.arange(0, height, step, dtype=np.float64),
            np.arange(0, width, step, dtype=np.float64),
            indexing="ij",
        )
    )
    if slot in transforms.mesh:
        grid += offsets_at(grid, transforms.mesh[slot], transforms.step_px)
    back = affine.invert(transforms.forward[slot])
    places = np.einsum("ij,jyx->iyx", back[:, :2], grid) + back[:, 2, None, None]
    inside = np.ones(grid.shape[1:], dtype=bool)
    for place, length in zip(places, transforms.sizes[slot], strict=True):
        inside &= (place >= -1e-6) & (place <= length - 1 + 1e-6)
    return inside
