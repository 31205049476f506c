"""Boundaries of label volumes, and the connected areas between them.

All of it is per slice: Compresso never looks at the slice above or below here. Areas are found on
runs of pixels, not on single pixels, which are some thirty times as many.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Areas:
    """The 4-connected areas of non-boundary pixels of some slices.

    Positions count pixels in raster order from the first slice's first pixel.

    Attributes:
        run_starts: First pixel of each horizontal run, ascending, shape ``(R,)``, int64.
        run_areas: Area that each run belongs to, shape ``(R,)``, int64. Areas are numbered from 0
            in the order of their first pixels.
        firsts: First pixel of each area, ascending, shape ``(A,)``, int64.
        boundary_firsts: First boundary pixel of each slice that has one, ascending, int64.
    """

    run_starts: np.ndarray
    run_areas: np.ndarray
    firsts: np.ndarray
    boundary_firsts: np.ndarray

    @property
    def id_places(self) -> np.ndarray:
        """Place of each area in the list of ids, shape ``(A,)``, int64.

        The list holds the areas, and per slice the boundary as one more area, in the order of
        their first pixels.
        """
        return np.arange(len(self.firsts)) + np.searchsorted(self.boundary_firsts, self.firsts)

    @property
    def boundary_id_places(self) -> np.ndarray:
        """Place of each slice's boundary in the list of ids, ascending, int64."""
        numbers = np.arange(len(self.boundary_firsts))
        return numbers + np.searchsorted(self.firsts, self.boundary_firsts)

    @property
    def n_ids(self) -> int:
        """Length of the list of ids."""
        return len(self.firsts) + len(self.boundary_firsts)


def boundary_map(labels: np.ndarray) -> np.ndarray:
    """Return where a label differs from the next one in x or the next one in y.

    Args:
        labels: Labels, shape ``(Z, Y, X)``, any dtype.

    Returns:
        Boundary map, shape ``(Z, Y, X)``, bool.
    """
    boundaries = np.zeros(labels.shape, dtype=bool)
    np.not_equal(labels[:, :, :-1], labels[:, :, 1:], out=boundaries[:, :, :-1])
    boundaries[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    return boundaries


def find_areas(boundaries: np.ndarray) -> Areas:
    """Return the 4-connected areas of non-boundary pixels, slice by slice.

    Args:
        boundaries: Boundary map, shape ``(Z, Y, X)``, bool, no axis empty. At most 2**31 - 1 runs
            of non-boundary pixels, which is the limit of SciPy's graph routine.
    """
    from scipy.sparse import csr_matrix  # half a second to import: a server starts without
    from scipy.sparse.csgraph import connected_components

    depth, height, width = boundaries.shape
    # each row gets one boundary pixel at its end, so that no run crosses rows
    flat = np.zeros(1 + depth * height * (width + 1), dtype=bool)
    flat[1:].reshape(depth, height, width + 1)[:, :, :width] = ~boundaries
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    starts, ends = changes[::2], changes[1::2]
    rows = starts // (width + 1)

    # the runs below run i that touch it are first[i], ..., stop[i] - 1
    first = np.searchsorted(ends, starts + (width + 1), side="right")
    stop = np.searchsorted(starts, ends + (width + 1), side="left")
    touching = np.where(rows % height == height - 1, 0, np.maximum(stop - first, 0))
    row_pointer = np.concatenate([[0], np.cumsum(touching)])
    below = np.arange(row_pointer[-1]) + np.repeat(first - row_pointer[:-1], touching)
    graph = csr_matrix(
        (np.ones(len(below), dtype=np.int8), below, row_pointer), shape=(len(starts), len(starts))
    )
    n_areas, areas = connected_components(graph, directed=False) if len(starts) else (0, rows)

    # number the areas by their first run
    first_run = np.empty(n_areas, dtype=np.int64)
    first_run[areas[::-1]] = np.arange(len(areas))[::-1]  # the last one written is the first run
    order = np.argsort(first_run)
    number = np.empty(n_areas, dtype=np.int64)
    number[order] = np.arange(n_areas)

    run_starts = starts - rows
    in_slice = boundaries.reshape(depth, -1)
    first_in_slice = np.argmax(in_slice, axis=1) + np.arange(depth) * (height * width)
    return Areas(
        run_starts=run_starts,
        run_areas=number[areas],
        firsts=run_starts[first_run[order]],
        boundary_firsts=first_in_slice[in_slice.any(axis=1)],
    )


def not_told_by_left(boundaries: np.ndarray) -> np.ndarray:
    """Return the boundary pixels whose left neighbour is boundary, or outside.

    Any other boundary pixel has the label of its left neighbour.

    Args:
        boundaries: Boundary map, shape ``(Z, Y, X)``, bool.

    Returns:
        Map of the same shape, bool.
    """
    untold = boundaries.copy()
    untold[:, :, 1:] &= boundaries[:, :, :-1]
    return untold


def undetermined(boundaries: np.ndarray) -> np.ndarray:
    """Return the boundary pixels whose left and upper neighbours are boundary, or outside.

    Args:
        boundaries: Boundary map, shape ``(Z, Y, X)``, bool.

    Returns:
        Positions in raster order, ascending, shape ``(N,)``, int64.
    """
    untold = not_told_by_left(boundaries)
    untold[:, 1:] &= boundaries[:, :-1]
    return np.flatnonzero(untold)
