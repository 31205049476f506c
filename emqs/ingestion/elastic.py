"""Lets each slice bend: blocks between neighbours, and one mesh for each slice that suits them all.

A slice's mesh says, for places of the volume, how far beside its affine map it is read. Blocks of
two slices give the differences between their meshes; bending costs, and so does leaving the affine
map, so that only what neighbours agree on moves anything. The meshes are solved in a window that
slides along the stack: the first half of each window stays as it is from then on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from emqs.ingestion.render import offsets_at
from emqs.ingestion.transforms import Transforms, mesh_shape

WINDOW = 40  # slices that are solved at once
ROUNDS = 4  # of reweighting
SOFT_PX = 1.5  # residual at which a block has half its weight
BEND = 0.1  # cost of a bend of one pixel, against a block that is one pixel off
STAY = 0.01  # cost of leaving the affine map by one pixel


@dataclass(frozen=True)
class Seams:
    """Blocks of two slices, as they lie in the volume.

    Attributes:
        first: Slot of the one.
        second: Slot of the other.
        centres: ``(N, 2)``, pixels of the volume.
        offsets: By how much the mesh of the second must exceed that of the first, ``(N, 2)``.
    """

    first: int
    second: int
    centres: np.ndarray
    offsets: np.ndarray


def meshes(transforms: Transforms, seams: Sequence[Seams], step_px: int) -> dict[int, np.ndarray]:
    """Return the mesh of each slice, ``(rows, columns, 2)``, pixels.

    Args:
        transforms: Affine maps, and the frame of the volume.
        seams: Of all pairs.
        step_px: Between corners of a mesh.
    """
    shape = mesh_shape(transforms.shape, step_px)
    slots = sorted(transforms.forward)
    fixed: dict[int, np.ndarray] = {}
    for start in range(0, len(slots), WINDOW // 2):
        window = slots[start : start + WINDOW]
        inside = [
            s for s in seams if s.second in window and (s.first in window or s.first in fixed)
        ]
        solved = _solve(window, inside, fixed, shape, step_px)
        last = start + WINDOW >= len(slots)
        for slot in window if last else window[: WINDOW // 2]:
            fixed[slot] = solved[slot]
        if last:
            break
    return fixed


def _solve(
    window: list[int],
    seams: list[Seams],
    fixed: Mapping[int, np.ndarray],
    shape: tuple[int, int],
    step_px: int,
) -> dict[int, np.ndarray]:
    """Return the meshes of the slices of one window."""
    row = {slot: k for k, slot in enumerate(window)}
    n_corners = shape[0] * shape[1]
    n = len(window) * n_corners
    blocks, rights, trusts = [], [], []
    for one in seams:
        if not len(one.centres):
            continue
        weights = _interpolation(one.centres, shape, step_px)
        right = one.offsets.copy()
        matrix = sparse.csr_matrix((len(one.centres), n))
        parts = []
        for slot, sign in ((one.second, 1.0), (one.first, -1.0)):
            if slot in fixed and slot not in row:
                right -= sign * (weights @ fixed[slot].reshape(n_corners, 2))
            else:
                parts.append(_placed(weights, row[slot] * n_corners, n, sign))
        matrix = sum(parts[1:], parts[0])
        blocks.append(matrix)
        rights.append(right)
        trusts.append(np.full(len(right), 1.0 / (one.second - one.first) ** 2))
    bends = sparse.block_diag([_bends(shape)] * len(window), format="csr")
    keep = BEND**2 * bends.T @ bends + STAY**2 * sparse.identity(n)
    solution = np.zeros((n, 2))
    if blocks:
        matrix, right = sparse.vstack(blocks).tocsr(), np.concatenate(rights)
        trust = np.concatenate(trusts)
        weight = np.ones(len(right))
        for _ in range(ROUNDS):
            scaled = matrix.multiply((trust * weight)[:, None]).tocsr()
            solution = spsolve((matrix.T @ scaled + keep).tocsc(), scaled.T @ right)
            residual = np.linalg.norm(matrix @ solution - right, axis=1)
            weight = 1.0 / (1.0 + (residual / SOFT_PX) ** 2)
    return {
        slot: solution[k * n_corners : (k + 1) * n_corners].reshape(*shape, 2)
        for slot, k in row.items()
    }


def _interpolation(places: np.ndarray, shape: tuple[int, int], step_px: int) -> sparse.csr_matrix:
    """Return the matrix that takes the corners of a mesh to places between them."""
    corners = np.clip(places / step_px, 0, np.array(shape) - 1.000001)
    low = np.floor(corners).astype(np.int64)
    part = corners - low
    rows = np.arange(len(places))
    total = sparse.csr_matrix((len(places), shape[0] * shape[1]))
    for dy in (0, 1):
        for dx in (0, 1):
            weight = (part[:, 0] if dy else 1 - part[:, 0]) * (part[:, 1] if dx else 1 - part[:, 1])
            column = (low[:, 0] + dy) * shape[1] + low[:, 1] + dx
            total = total + sparse.csr_matrix((weight, (rows, column)), shape=total.shape)
    return total


def _placed(matrix: sparse.csr_matrix, first: int, n: int, sign: float) -> sparse.csr_matrix:
    """Return a matrix among the columns of all slices of a window."""
    found = matrix.tocoo()
    return sparse.csr_matrix(
        (sign * found.data, (found.row, found.col + first)), shape=(matrix.shape[0], n)
    )


def _bends(shape: tuple[int, int]) -> sparse.csr_matrix:
    """Return the matrix of differences between neighbouring corners of a mesh."""
    numbers = np.arange(shape[0] * shape[1]).reshape(shape)
    pairs = np.concatenate(
        [
            np.column_stack([numbers[:-1].ravel(), numbers[1:].ravel()]),
            np.column_stack([numbers[:, :-1].ravel(), numbers[:, 1:].ravel()]),
        ]
    )
    rows = np.repeat(np.arange(len(pairs)), 2)
    signs = np.tile([1.0, -1.0], len(pairs))
    return sparse.csr_matrix((signs, (rows, pairs.ravel())), shape=(len(pairs), numbers.size))


def wanted(seen: Seams, transforms: Transforms) -> Seams:
    """Return seams whose offsets count from the affine maps, not from meshes that are there."""
    if not transforms.step_px:
        return seen
    places = seen.centres.T
    apart = [
        offsets_at(places, transforms.mesh[slot], transforms.step_px).T
        for slot in (seen.first, seen.second)
    ]
    return Seams(seen.first, seen.second, seen.centres, seen.offsets + apart[1] - apart[0])
