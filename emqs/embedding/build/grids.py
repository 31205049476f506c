"""Lays a grid of whole patches over a volume."""

import numpy as np

from emqs.embedding.stores.grid import INNER, PlaceGrid, Triple
from emqs.errors import ConfigError
from emqs.patches import grid
from emqs.patches.settings import PatchConfig
from emqs.volumes import Volume

REACH_PX = 4096  # longest edge of a block, in voxels, so that its pixels take 100 MB or so ...
MOST_PLACES = 192  # ... and in places, so that its codes take little more
ORTHO_REACH_PX = 1024  # the same of a cube of blocks, which is worked on as a whole
ORTHO_PLACES = 48


def make_grid(
    volume: Volume,
    patch: PatchConfig,
    *,
    step_z_nm: float | None,
    block: int | None,
    planes: str = "xy",
    scale: float = 1.0,
) -> PlaceGrid:
    """Return the grid of whole patches over a volume.

    Args:
        volume: What is covered.
        patch: Edge and step in the slice plane, in pixels or nm.
        step_z_nm: Between places along Z, rounded to whole slices; None: every slice or, with
            ``planes="ortho"``, the step in the slice plane.
        block: Places along Y and X in one file; None: what suits the memory and leaves little of
            the last files empty.
        planes: ``"xy"``, or ``"ortho"`` for patches in all three planes around each place.
        scale: Edge of what fills the input of the network, in patches.

    Raises:
        ConfigError: If the volume is smaller than a patch, or its voxels are not square or, for
            ``"ortho"``, not cubes.
    """
    _check_voxels(volume, planes)
    voxel_size_nm = volume.require_voxel_size()
    size, stride = grid.size_and_stride(patch, voxel_size_nm[1])
    ortho = planes == "ortho"
    step_z = stride if ortho else 1
    if step_z_nm is not None:
        step_z = max(1, round(step_z_nm / voxel_size_nm[0]))
    depth, height, width = volume.shape
    if min(height, width) < size:
        raise ConfigError(
            f"patch.size is {size} voxels, but {volume.name} is only {height} x {width} voxels "
            "(Y x X) in a slice. Choose a smaller patch.size."
        )
    if ortho and depth < size:
        raise ConfigError(
            f"patch.size is {size} voxels, but {volume.name} has only {depth} slices, and "
            "planes=ortho cuts patches along Z too. Choose a smaller patch.size, or planes=xy."
        )
    counts = (
        (depth - size) // step_z + 1 if ortho else -(-depth // step_z),
        (height - size) // stride + 1,
        (width - size) // stride + 1,
    )
    if block is None:
        most, reach = (ORTHO_PLACES, ORTHO_REACH_PX) if ortho else (MOST_PLACES, REACH_PX)
        block = fitting_block(counts, max(INNER, min(most, reach // stride)))
    steps = step_z, stride, stride
    seen = max(1, round(size * scale))
    return PlaceGrid(
        counts, size, steps, block, voxel_size_nm, volume.origin_nm, planes,
        None if seen == size else seen,
    )  # fmt: skip


def fitting_block(counts: Triple, most: int) -> int:
    """Return the edge of blocks that leaves the fewest places of the last files empty.

    Args:
        counts: Places along Z Y X.
        most: Largest edge.

    Returns:
        A multiple of ``INNER``; of equal ones the largest, and none under half of ``most`` where
        the grid is larger than that.
    """
    choices = range(most // INNER * INNER, 0, -INNER)
    least = min(most // 2, max(counts[1:]))
    usable = [edge for edge in choices if edge >= least] or [INNER]

    def padded(edge: int) -> int:
        return (-(-counts[1] // edge) * edge) * (-(-counts[2] // edge) * edge)

    return min(usable, key=padded)  # the first, so the largest, of equal ones


def _check_voxels(volume: Volume, planes: str) -> None:
    depth, height, width = volume.require_voxel_size()
    if not np.isclose(height, width, rtol=1e-3):
        raise ConfigError(
            f"{volume.name} has voxels of {height:g} x {width:g} nm in the slice plane (Y x X); "
            "patches need square ones. Resample it, or give embed.voxel_size_nm=[z,y,x] if it is "
            "wrong."
        )
    if planes == "ortho" and not np.isclose(depth, height, rtol=1e-3):
        raise ConfigError(
            f"{volume.name} has voxels of {depth:g} x {height:g} x {width:g} nm (Z x Y x X), and "
            "planes=ortho needs cubes. Use planes=xy, or give embed.voxel_size_nm=[z,y,x] if it "
            "is wrong."
        )
