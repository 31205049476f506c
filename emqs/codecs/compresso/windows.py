"""Boundary maps cut into small windows, each window one whole number.

A window is at most 64 pixels, for instance 1 x 8 x 8. Bit ``z*(height*width) + y*width + x`` of
its number is 1 where the pixel at that offset in the window is boundary; windows at the far edges
are filled up with 0.

Source: Matejek et al., "Compresso: Efficient Compression of Segmentation Data for Connectomics",
MICCAI 2017, section 2.2; the bit order is that of the published program.
"""

from collections.abc import Iterator

import numpy as np

Shape = tuple[int, int, int]

#: Voxels worked on at once, to stay in the processor's cache and to bound temporary memory.
SLAB_VOXELS = 2**20


def grid(shape: Shape, window: Shape) -> Shape:
    """Return the number of windows along each axis."""
    z, y, x = (-(-length // step) for length, step in zip(shape, window, strict=True))
    return z, y, x


def slabs(shape: Shape, step: int) -> Iterator[slice]:
    """Yield runs of slices, each a multiple of ``step`` but for the last, of a moderate size.

    Args:
        shape: ``(Z, Y, X)``, no axis empty.
        step: Slices that must stay together.
    """
    n_slices, height, width = shape
    many = step * max(1, SLAB_VOXELS // (height * width * step))
    for start in range(0, n_slices, many):
        yield slice(start, min(start + many, n_slices))


def pack(boundaries: np.ndarray, window: Shape) -> np.ndarray:
    """Return the number of each window of a boundary map.

    Args:
        boundaries: Boundary map, shape ``(Z, Y, X)``, bool, no axis empty.
        window: Size of a window, ``(z, y, x)`` in pixels, at most 64 pixels.

    Returns:
        Window values in raster order of the windows, shape ``(N,)``, uint64.
    """
    return np.concatenate(
        [_pack(boundaries[part], window) for part in slabs(boundaries.shape, window[0])]
    )


def _pack(boundaries: np.ndarray, window: Shape) -> np.ndarray:
    """Pack one slab."""
    (depth, height, width), counts = window, grid(boundaries.shape, window)
    padded = np.zeros([n * step for n, step in zip(counts, window, strict=True)], dtype=bool)
    z, y, x = boundaries.shape
    padded[:z, :y, :x] = boundaries
    # one element of raw bytes per row of a window makes the transposition cheap
    rows = padded.view(f"V{width}").reshape(counts[0], depth, counts[1], height, counts[2])
    rows = np.ascontiguousarray(rows.transpose(0, 2, 4, 1, 3))
    bits = rows.view(np.uint8).reshape(-1, depth * height * width)
    numbers = np.zeros((len(bits), 8), dtype=np.uint8)
    packed = np.packbits(bits, axis=1, bitorder="little")
    numbers[:, : packed.shape[1]] = packed
    return numbers.view("<u8").ravel().astype(np.uint64)


def unpack(values: np.ndarray, indices: np.ndarray, shape: Shape, window: Shape) -> np.ndarray:
    """Return the boundary map of windows; the reverse of ``pack``.

    Args:
        values: Distinct window values, shape ``(V,)``, uint64.
        indices: For each window, in raster order, its place in ``values``; shape ``(N,)``, int64.
        shape: Shape of the map, no axis empty.
        window: Size of a window, ``(z, y, x)`` in pixels.

    Returns:
        Boundary map, shape ``shape``, bool. Bits outside the map are dropped.
    """
    depth, height, width = (min(a, b) for a, b in zip(window, shape, strict=True))
    counts = grid(shape, window)
    table = bit_table(values, window)[:, :depth, :height, :width]
    rows = np.ascontiguousarray(table).view(f"V{width}")[..., 0]
    blocks = indices.reshape(counts)
    boundaries = np.empty(shape, dtype=bool)
    for part in slabs(shape, window[0]):
        layers = blocks[part.start // window[0] : -(-part.stop // window[0])]
        slab = np.ascontiguousarray(rows[layers].transpose(0, 3, 1, 4, 2)).view(bool)
        slab = slab.reshape(len(layers) * depth, counts[1] * height, counts[2] * width)
        boundaries[part] = slab[: part.stop - part.start, : shape[1], : shape[2]]
    return boundaries


def bit_table(values: np.ndarray, window: Shape) -> np.ndarray:
    """Return the pixels of window values, shape ``(V, z, y, x)``, uint8, each 0 or 1."""
    octets = np.ascontiguousarray(values, dtype="<u8").view(np.uint8).reshape(-1, 8)
    pixels = window[0] * window[1] * window[2]
    return np.unpackbits(octets, axis=1, bitorder="little", count=pixels).reshape(-1, *window)


def condense(indices: np.ndarray, *, max_run: int, trailing: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return window indices with each run of zeros as one number.

    Args:
        indices: Window indices, shape ``(N,)``, int64.
        max_run: Longest run that one number may stand for; longer runs take several.
        trailing: Whether a run at the very end is written.

    Returns:
        Numbers, shape ``(M,)``, uint64: an index, or the length of a run. And whether each is a
        run, shape ``(M,)``, bool.
    """
    places = np.flatnonzero(indices)
    zeros_before = np.diff(places, prepend=-1) - 1
    if trailing:
        zeros_before = np.append(
            zeros_before, len(indices) - (places[-1] + 1 if len(places) else 0)
        )
    parts = -(-zeros_before // max_run)  # numbers that each run takes
    index_at = (np.cumsum(parts + 1) - 1)[: len(places)]  # each index follows its run
    length = int(parts.sum()) + len(places)
    numbers = np.full(length, max_run, dtype=np.uint64)
    is_run = np.ones(length, dtype=bool)
    is_run[index_at] = False
    has_run = parts > 0
    last = np.cumsum(parts + 1) - 2  # the last number of each run
    numbers[last[has_run]] = (zeros_before - (parts - 1) * max_run)[has_run]
    numbers[index_at] = indices[places]
    return numbers, is_run


def expand(
    numbers: np.ndarray, is_run: np.ndarray, n_windows: int, *, exact: bool
) -> np.ndarray | None:
    """Return window indices from numbers with runs of zeros; the reverse of ``condense``.

    Args:
        numbers: As ``condense`` returns them.
        is_run: As ``condense`` returns it.
        n_windows: Windows there are in all.
        exact: Whether the numbers must make all of them; otherwise, zeros are added at the end.

    Returns:
        Window indices, shape ``(n_windows,)``, uint64; or None if the numbers make too many or
        too few windows, or hold an empty run.
    """
    lengths = np.where(is_run, numbers, np.uint64(1))
    if len(lengths) and (lengths.max() > n_windows or lengths.min() == 0):
        return None
    ends = np.cumsum(lengths.astype(np.int64))  # no overflow: fewer than 2**32 small numbers
    made = int(ends[-1]) if len(ends) else 0
    if made > n_windows or (exact and made < n_windows):
        return None
    indices = np.zeros(n_windows, dtype=np.uint64)
    indices[ends[~is_run] - 1] = numbers[~is_run]
    return indices
