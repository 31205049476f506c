"""A toy volume on disk: what is drawn by a formula, as an OME-Zarr that every command reads."""

from pathlib import Path

NAME = "toy"
N_SLICES, EDGE = 12, 512  # of 20 nm and 5 nm
CHUNKS = (4, 128, 128)


def write_toy_volume(path: Path) -> bool:
    """Draw the toy volume, unless it is there.

    Args:
        path: Folder, ``NAME.zarr``.

    Returns:
        Whether it was drawn: the same voxels each time.

    Raises:
        MissingDependencyError: If what writes OME-Zarr is not installed.
    """
    if path.exists():
        return False
    import numpy as np

    from emqs.datasets.synthetic import PIXEL_SIZE_NM, SECTION_NM, em_stack
    from emqs.volumes.copying import write_ome_zarr

    size = (float(SECTION_NM), float(PIXEL_SIZE_NM), float(PIXEL_SIZE_NM))
    image, _ = em_stack(n_slices=N_SLICES, height=EDGE, width=EDGE, seed=0)
    write_ome_zarr(path, np.asarray(image), size, CHUNKS)
    return True
