"""Maps of scores as files that other programs read: one float32 volume of all searched slices."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emqs.datasets import Stack
from emqs.errors import DataError, require
from emqs.figures import maps
from emqs.files import TEMPORARY
from emqs.geometry import Box, Shape
from emqs.patches import windows
from emqs.retrieval import places
from emqs.volumes import Layout, Volume, create_volume, write_ome_zarr

FINE = 5  # steps of a map of scores in the edge of a patch
FILES = {"tiff": "score_maps.ome.tiff", "zarr": "score_maps.ome.zarr"}  # by what is asked for
EDGE = 512  # of a chunk of the OME-Zarr, in pixels; each is one slice thick

Again = Callable[..., np.ndarray]  # scores of other boxes; see ``stack_search.Scores.again``


def check(stack: Stack, formats: Sequence[str]) -> None:
    """Raise unless maps of the scores of a stack can be written; told before the search.

    Raises:
        DataError: If its slices are not of one size, so that they are no volume.
        MissingDependencyError: If a package is not installed.
    """
    if not formats:
        return
    shapes = sorted(set(stack.shapes))
    if len(shapes) > 1:
        raise DataError(
            f"score_files={list(formats)} needs slices of one size, and {stack.name} has some of "
            f"{shapes[0]} and some of {shapes[-1]} (Y, X). Choose slices with dataset.slices=, or "
            "leave score_files out."
        )
    if "zarr" in formats:
        require("tensorstore", extra="volumes", purpose="write score_files=[zarr]")


def patches_of(stack: Stack, size: int, z: int) -> np.ndarray:
    """Return the patches of a slice on the grid of a map, ``(n, 5)``, ``FINE`` in an edge."""
    return windows.grid(stack.shapes[z], size, max(1, size // FINE)).boxes(z)


@dataclass(frozen=True)
class _Scores:
    """Reads maps of scores as a volume: each slice is made when it is asked for."""

    stack: Stack
    boxes: np.ndarray  # (N, 5), the searched patches
    scores: np.ndarray  # (N,)
    again: Again | None

    def read(self, box: Box) -> np.ndarray:
        """Return the scores in a box, float32; NaN where nothing was searched."""
        _, rows, columns = box.slices
        made = [self.slice(z)[rows, columns] for z in range(box.start[0], box.stop[0])]
        return np.stack(made).astype(np.float32)

    def slice(self, z: int) -> np.ndarray:
        """Return the map of a slice, ``(Y, X)``, float64: the mean of the patches at a pixel."""
        mine = np.flatnonzero(self.boxes[:, 0] == z)
        if self.again is None or len(mine) == 0:
            return maps.spread(self.stack.shapes[z], self.boxes[mine], self.scores[mine])
        finer = patches_of(self.stack, int(self.boxes[:, 3:].max()), z)
        return maps.spread(self.stack.shapes[z], finer, self.again(finer, question="mostly"))


def _cleared(path: Path) -> None:
    """Remove the map of an earlier run in the same folder, which is written again whole."""
    if (path / "zarr.json").is_file():
        earlier = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")  # removed if left behind
        path.rename(earlier)
        shutil.rmtree(earlier)


def write(
    stack: Stack,
    boxes: np.ndarray,
    scores: np.ndarray,
    again: Again | None,
    *,
    folder: Path,
    formats: Sequence[str],
) -> list[Path]:
    """Write the scores of all searched slices as volumes that lie over the stack voxel by voxel.

    Args:
        stack: The slices, of one size; see ``check``.
        boxes: The searched patches, shape ``(N, 5)``.
        scores: Theirs, shape ``(N,)``; higher is more alike.
        again: Scores of other boxes of the same slices, so that the map is finer than the patches;
            None: patches are drawn as they are.
        folder: Where the files go.
        formats: Keys of ``FILES``.

    Returns:
        The files and folders that were written: float32, axes Z Y X, shape of the stack, NaN where
        nothing was searched; the voxel size stands in them if pixel size and distance of slices
        are known.
    """
    shape: Shape = (len(stack), *stack.shapes[0])
    size_nm = places.slice_voxel(stack.pixel_size_nm, stack.section_nm)
    volume = Volume(
        name=f"scores of {stack.name}",
        shape=shape,
        dtype=np.dtype(np.float32),
        voxel_size_nm=size_nm,
        origin_nm=(0.0, 0.0, 0.0),
        chunks=(1, *shape[1:]),
        reader=_Scores(stack, boxes, scores, again),
    )
    written = []
    for name in formats:
        path = folder / FILES[name]
        if name == "zarr":
            _cleared(path)
            write_ome_zarr(path, volume, None, (1, min(EDGE, shape[1]), min(EDGE, shape[2])))
        else:
            tiff = create_volume(path, Layout(shape, volume.dtype, size_nm), "tiff")
            for z in range(len(stack)):
                one = Box((z, 0, 0), (z + 1, *shape[1:]))
                tiff.write(one, volume.read(one))
            tiff.finish()
        written.append(path)
    return written
