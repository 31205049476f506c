"""The Compresso scheme: a label volume taken apart into four lists, and put together again.

Per slice, a pixel is boundary where its label differs from the next one in x or y. The four lists:

- ``ids``: for each area between boundaries, in the order of first pixels, its label + 1; the
  boundary of a slice counts as one more area.
- ``values``: the distinct windows of the boundary map, as numbers, ascending.
- ``indices``: for each window, its place in ``values``.
- ``locations``: for each boundary pixel whose label does not follow from the pixel to the left or
  above, in raster order: 0 to 5, the neighbour at x-1, x+1, y-1, y+1, z-1, z+1, which is no
  boundary and has the same label; otherwise its label + 6.

Additions are modulo 2**64, so label 2**64 - 1 has id 0, and the labels from 2**64 - 6 have the
locations 0 to 5. The published program does not decode these. Here such a number is a label where
the neighbour it would name is boundary or outside; where it is neither, the encoder marks that
neighbour as boundary. For volumes without such labels, the lists are those of the published
program.

Source: Matejek et al., "Compresso: Efficient Compression of Segmentation Data for Connectomics",
MICCAI 2017, sections 2.1 and 2.2; behaviour of the program at github.com/VCG/compresso, 2be8c54.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from emqs.codecs.compresso import windows
from emqs.codecs.compresso.boundaries import (
    boundary_map,
    find_areas,
    not_told_by_left,
    undetermined,
)
from emqs.codecs.compresso.windows import Shape

_DIRECTIONS = ((2, -1), (2, 1), (1, -1), (1, 1), (0, -1), (0, 1))  # axis of Z Y X, and step
_MAX_ROUNDS = 8  # of marking neighbours, before everything is marked


class DamageError(Exception):
    """A stream contradicts itself; the text says how."""


@dataclass(frozen=True)
class Parts:
    """A label volume in the four lists of the scheme.

    Attributes:
        shape: ``(Z, Y, X)``.
        window: Size of a window, ``(z, y, x)`` in pixels.
        dtype: Of the volume, unsigned, native byte order.
        ids: uint64.
        values: uint64.
        locations: uint64.
        indices: uint64 in ``[0, len(values))``, one per window in raster order.
    """

    shape: Shape
    window: Shape
    dtype: np.dtype[np.unsignedinteger]
    ids: np.ndarray
    values: np.ndarray
    locations: np.ndarray
    indices: np.ndarray


def take_apart(labels: np.ndarray, window: Shape) -> Parts:
    """Return the lists of a label volume.

    Args:
        labels: Labels, shape ``(Z, Y, X)``, unsigned, C order, native byte order.
        window: Size of a window, ``(z, y, x)`` in pixels, at most 64 pixels.
    """
    n_slices, height, width = labels.shape
    nothing = np.zeros(0, dtype=np.uint64)
    if labels.size == 0:
        return Parts((n_slices, height, width), window, labels.dtype, *[nothing] * 4)
    boundaries = boundary_map(labels)
    locations = _locations(labels, boundaries)
    numbers = windows.pack(boundaries, window)
    values, indices = np.unique(numbers, return_inverse=True)
    return Parts(
        shape=(n_slices, height, width),
        window=window,
        dtype=labels.dtype,
        ids=_ids(labels, boundaries),
        values=values,
        locations=locations,
        indices=indices.reshape(-1).astype(np.uint64),
    )


def put_together(parts: Parts) -> np.ndarray:
    """Return the label volume of lists; the reverse of ``take_apart``.

    Everything that ``take_apart`` guarantees is checked: it is all the protection there is.

    Args:
        parts: The lists; nothing about their content is taken for granted, but the length of
            ``indices``.

    Returns:
        Labels, shape ``parts.shape``, of dtype ``parts.dtype``.

    Raises:
        DamageError: If the lists contradict each other.
    """
    if 0 in parts.shape:
        return np.zeros(parts.shape, dtype=parts.dtype)
    boundaries = unpack_boundaries(parts)
    area_labels = _fitting(parts.ids - np.uint64(1), parts.dtype, "id")
    labels = np.empty(parts.shape, dtype=parts.dtype)
    used, positions, firsts, first_labels = 0, [], [], []
    for part in windows.slabs(parts.shape, parts.window[0]):
        areas = find_areas(boundaries[part])
        slab_labels = area_labels[used : used + areas.n_ids]
        used += areas.n_ids
        if used > len(area_labels):
            raise DamageError(f"its boundaries enclose more areas than its {len(area_labels)} ids")
        _fill(
            labels[part],
            boundaries[part],
            slab_labels[areas.id_places][areas.run_areas],
            areas.run_starts,
        )
        before = part.start * labels[0].size
        positions.append(undetermined(boundaries[part]) + before)
        firsts.append(areas.boundary_firsts + before)
        first_labels.append(slab_labels[areas.boundary_id_places])
    if used < len(area_labels):
        raise DamageError(f"it has {len(area_labels)} ids, but its boundaries enclose {used} areas")
    marked_more = _settle(labels, boundaries, np.concatenate(positions), parts.locations)
    if (labels.reshape(-1)[np.concatenate(firsts)] != np.concatenate(first_labels)).any():
        raise DamageError("the id of a slice's boundary is not that of its first boundary pixel")
    _check_boundaries(labels, boundaries, marked_more=marked_more)
    return labels


def unpack_boundaries(parts: Parts) -> np.ndarray:
    """Return the boundary map of lists, shape ``parts.shape``, bool; no axis may be empty.

    Raises:
        DamageError: If the windows contradict each other or reach outside the volume.
    """
    values, indices = parts.values, parts.indices
    if indices.max() >= len(values):
        raise DamageError(f"window value {indices.max()} is used, but it has {len(values)} of them")
    places = indices.astype(np.int64)
    uses = np.bincount(places, minlength=len(values))
    if (uses == 0).any() or (values[1:] <= values[:-1]).any():
        raise DamageError("its window values are not all used, or not in ascending order")
    boundaries = windows.unpack(values, places, parts.shape, parts.window)
    pixels = parts.window[0] * parts.window[1] * parts.window[2]
    ones = windows.bit_table(values, parts.window).reshape(-1, pixels).sum(axis=1, dtype=np.int64)
    if (values >> np.uint64(pixels - 1) > 1).any() or ones @ uses != np.count_nonzero(boundaries):
        raise DamageError("its windows have boundary pixels outside the volume")
    return boundaries


def labels_of(parts: Parts) -> np.ndarray:
    """Return the labels that occur, ascending, without building the volume.

    Every label has an area, hence an id, or a location of its own. Only where a location may be
    one of the six largest labels, and that label has no id, are the boundaries unpacked.

    Raises:
        DamageError: If a label does not fit the dtype, or the windows contradict each other.
    """
    labels = np.unique(_fitting(parts.ids - np.uint64(1), parts.dtype, "id"))
    own = parts.locations >= len(_DIRECTIONS)
    thin = _fitting(parts.locations[own] - np.uint64(6), parts.dtype, "location")
    labels = np.union1d(labels, thin)
    maybe = np.setdiff1d(np.unique(parts.locations[~own]) - np.uint64(6), labels)
    if len(maybe) and parts.dtype == np.uint64:
        boundaries = unpack_boundaries(parts)
        positions = undetermined(boundaries)
        _check_count(positions, parts.locations)
        near = _neighbours(positions[~own], parts.locations[~own], parts.shape)
        hidden = parts.locations[~own][boundaries.reshape(-1)[near]]
        labels = np.union1d(labels, hidden - np.uint64(6))
    return labels.astype(parts.dtype)


def _ids(labels: np.ndarray, boundaries: np.ndarray) -> np.ndarray:
    """Return the ids of a volume, uint64."""
    ids = []
    for part in windows.slabs(boundaries.shape, 1):
        areas = find_areas(boundaries[part])
        firsts = np.sort(np.concatenate([areas.firsts, areas.boundary_firsts]))
        ids.append(labels[part].reshape(-1)[firsts].astype(np.uint64) + np.uint64(1))
    return np.concatenate(ids)


def _locations(labels: np.ndarray, boundaries: np.ndarray) -> np.ndarray:
    """Return the locations of a volume, uint64; marks more boundaries where it has to."""
    flat, marked = labels.reshape(-1), boundaries.reshape(-1)
    rounds = 0
    while True:
        positions = undetermined(boundaries)
        own = flat[positions]
        locations = own.astype(np.uint64) + np.uint64(6)
        is_label = np.ones(len(positions), dtype=bool)
        for direction in reversed(range(len(_DIRECTIONS))):  # the first that fits stays
            near = _neighbour(positions, direction, labels.shape)
            fits = ~marked[near] & (flat[near] == own)
            locations[fits] = direction
            is_label[fits] = False
        taken = is_label & (locations < len(_DIRECTIONS))  # labels that look like a direction
        near = _neighbours(positions[taken], locations[taken], labels.shape)
        near = near[~marked[near]]
        if len(near) == 0:
            return locations
        rounds += 1
        marked[near if rounds < _MAX_ROUNDS else slice(None)] = True  # all: nothing left to name


def _neighbour(positions: np.ndarray, direction: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return the positions of neighbours, or the pixel's own where the neighbour is outside.

    Args:
        positions: Positions in raster order, shape ``(N,)``, int64.
        direction: 0 to 5, as in ``locations``.
        shape: Of the volume.
    """
    axis, step = _DIRECTIONS[direction]
    stride = prod(shape[axis + 1 :])
    neighbours = positions // stride % shape[axis] + step
    return np.where(
        (neighbours >= 0) & (neighbours < shape[axis]), positions + step * stride, positions
    )


def _neighbours(
    positions: np.ndarray, directions: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray:
    """Do the same with a direction for each pixel, shape ``(N,)``."""
    neighbours = positions.copy()
    for direction in range(len(_DIRECTIONS)):
        chosen = directions == direction
        neighbours[chosen] = _neighbour(positions[chosen], direction, shape)
    return neighbours


def _fill(
    labels: np.ndarray, boundaries: np.ndarray, run_labels: np.ndarray, run_starts: np.ndarray
) -> None:
    """Write the labels of areas, and of the boundary pixels that follow from them.

    Args:
        labels: Slices to fill, shape ``(Z, Y, X)``, C order. Undetermined pixels get any value.
        boundaries: Boundary map of the same shape, bool.
        run_labels: Label of each horizontal run, shape ``(R,)``.
        run_starts: First pixel of each run, ascending, shape ``(R,)``, int64.
    """
    flat = labels.reshape(-1)
    # each run's label goes on to the next run: so the pixel right of a run has it, too; all pixels
    # before the first run are undetermined
    start = run_starts[0] if len(run_starts) else labels.size
    flat[start:] = np.repeat(run_labels, np.diff(run_starts, append=labels.size))
    from_above = not_told_by_left(boundaries)
    from_above[:, 0] = False
    from_above[:, 1:] &= ~boundaries[:, :-1]
    places = np.flatnonzero(from_above)
    flat[places] = flat[places - labels.shape[2]]


def _settle(
    labels: np.ndarray, boundaries: np.ndarray, positions: np.ndarray, locations: np.ndarray
) -> bool:
    """Write the labels of undetermined pixels; return whether any is one of the six largest."""
    _check_count(positions, locations)
    flat, is_label = labels.reshape(-1), locations >= len(_DIRECTIONS)
    plain = locations[is_label] - np.uint64(len(_DIRECTIONS))
    flat[positions[is_label]] = _fitting(plain, labels.dtype, "location")
    places, directions = positions[~is_label], locations[~is_label]
    near = _neighbours(places, directions, labels.shape)
    hidden = boundaries.reshape(-1)[near]
    large = directions[hidden] - np.uint64(len(_DIRECTIONS))
    flat[places] = flat[near]
    flat[places[hidden]] = _fitting(large, labels.dtype, "location")
    return bool(hidden.any())


def _fitting(numbers: np.ndarray, dtype: np.dtype[np.unsignedinteger], what: str) -> np.ndarray:
    """Return labels in the volume's dtype, or refuse those that do not fit."""
    if len(numbers) and numbers.max() > np.iinfo(dtype).max:
        raise DamageError(f"one {what} gives label {numbers.max()}, which does not fit {dtype}")
    return numbers.astype(dtype)


def _check_count(positions: np.ndarray, locations: np.ndarray) -> None:
    """Refuse a list of locations that does not fit the boundaries."""
    if len(positions) != len(locations):
        raise DamageError(
            f"it has {len(locations)} locations, but its boundaries need {len(positions)}"
        )


def _check_boundaries(labels: np.ndarray, boundaries: np.ndarray, *, marked_more: bool) -> None:
    """Refuse labels whose boundaries are others than those they were built from."""
    for part in windows.slabs(boundaries.shape, 1):
        differs = boundary_map(labels[part])
        missed, extra = differs & ~boundaries[part], boundaries[part] & ~differs
        if missed.any() or (extra.any() and not marked_more):
            raise DamageError(
                "its boundaries are not those of its labels, in one of the slices "
                f"{part.start} to {part.stop - 1}"
            )
